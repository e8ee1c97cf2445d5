//! Where the archive lies, and whether it is there: a disk may be unmounted, swapped for another, or come back as
//! another device.
//!
//! An archive is known by an id in its directory, which was made by nobody's choice when it was first used; the state
//! directory remembers which id was last seen where. So an empty directory is a new archive the first time, and a mount
//! point without its disk ever after. What is open in the archive says whether it still lies there; once it does not,
//! everything is closed, so that the disk can be repaired, and its id is looked for until it is back.

use super::LOCK;
use super::disk::{sentence, space, sync_dir};
use super::mark::{ID, Id, in_use, is_there, lock, make_id, probe, read_id};
use crate::model::event::{FINISHING, Space};
use rustix::fs::{Access, access};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{self, Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// In the state directory: which id was last seen where.
const SEEN: &str = "archive.json";
/// Directories that are remembered; nobody has had so many.
const MOST_SEEN: usize = 100;

/// How long the archive's disk may take to answer. One that sleeps, or hangs, counts as away after that.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// The archive's place.
pub(super) struct Ground {
    root: PathBuf,
    /// Where it is remembered which archive lies there.
    seen: PathBuf,
    /// Never locked while anything waits for a disk.
    held: Mutex<Held>,
    /// One looks for it at a time.
    looking: Mutex<()>,
    /// Its disk does not answer, and somebody waits for it already: nobody else needs to.
    silent: AtomicBool,
    /// What an earlier recorder left there is finished, or being finished by whoever calls; others have to wait.
    ready: AtomicBool,
    /// How often it was found: what was opened at an earlier visit has to be opened anew.
    visit: AtomicU64,
}

#[derive(Clone)]
struct Held {
    /// Keeps a second recorder out for as long as this process lives, and knows whether this is still the same file.
    /// `None`: the archive is not there.
    lock: Option<Arc<File>>,
    /// Of the archive that clips go to; `None`: none was found yet, or the disk was too full for one, and the next start
    /// makes it.
    id: Option<Id>,
    /// It is remembered. Who removes that wants clips to go wherever they can.
    remembered: bool,
    /// For the journal.
    said: Option<String>,
}

/// Why it is not there, in one sentence with the remedy.
struct Missed {
    why: String,
    /// No archive was ever seen here.
    never: bool,
}

impl Ground {
    /// The archive at `dir`, of which nothing is known yet. Waits for no disk.
    ///
    /// # Errors
    /// One sentence with the remedy: there is no such place.
    pub fn new(dir: &Path, state_dir: &Path) -> Result<Ground, String> {
        let root =
            std::path::absolute(dir).map_err(|error| format!("archive.dir {}", sentence("used", dir, &error)))?;
        Ok(Ground {
            root,
            seen: state_dir.join(SEEN),
            held: Mutex::new(Held { lock: None, id: None, remembered: true, said: None }),
            looking: Mutex::new(()),
            silent: AtomicBool::new(false),
            ready: AtomicBool::new(false),
            visit: AtomicU64::new(0),
        })
    }

    /// Opens the archive, making a new one if none was ever seen there. One that was and cannot be opened now is no error:
    /// it is looked for as long as the recorder runs.
    ///
    /// # Errors
    /// One sentence with the remedy: it never worked.
    pub fn open(&self) -> Result<(), String> {
        match self.look_again() {
            Err(Missed { why, never: true }) => Err(why),
            Ok(()) | Err(Missed { never: false, .. }) => Ok(()),
        }
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether the archive is there and takes orders. May wait for the disk.
    ///
    /// # Errors
    /// One sentence with the remedy.
    pub fn check(&self) -> Result<(), String> {
        self.reach()?;
        match self.is_ready() {
            true => Ok(()),
            false => Err(FINISHING.to_owned()),
        }
    }

    /// Whether the archive is there, unless somebody waits for that already.
    ///
    /// # Errors
    /// One sentence with the remedy.
    pub fn reach(&self) -> Result<(), String> {
        match self.is_silent() {
            true => Err(self.does_not_answer()),
            false => self.find(),
        }
    }

    /// Whether the archive is there, however long that takes to find out.
    ///
    /// # Errors
    /// One sentence with the remedy.
    pub fn find(&self) -> Result<(), String> {
        self.look_again().map_err(|missed| missed.why)
    }

    fn look_again(&self) -> Result<(), Missed> {
        let seen = self.held().lock.clone();
        if seen.as_ref().is_some_and(|lock| is_there(lock, &self.root.join(LOCK))) {
            return Ok(());
        }
        let _turn = self.turn().map_err(|why| Missed { why, never: false })?;
        let held = self.held().clone();
        if let Some(lock) = &held.lock {
            let is_new = seen.is_none_or(|seen| !Arc::ptr_eq(&seen, lock));
            if is_new && is_there(lock, &self.root.join(LOCK)) {
                return Ok(()); // another has found it meanwhile
            }
            // Let go before anything is opened: the lock may be on the very same file, mounted anew.
            self.held().lock = None;
            let _ = lock.unlock(); // else it is free as soon as all who look at it have closed it
        }
        let known = match held.remembered {
            true => self.known(),
            false => Some(held.id.clone().unwrap_or_default()),
        };
        drop(held.lock);
        let found = self.look(held.id.as_ref(), known.as_ref());
        let (lock, id) = found.map_err(|why| Missed { why, never: known.is_none() })?;
        let remembered = self.remember(id.as_ref());
        let other = held.id.is_none() && known.is_some() && known != id;
        let other = other.then(|| {
            let root = self.root.display();
            format!("archive.dir {root} is another archive than at the last start: clips go there now")
        });
        let (is_remembered, said) = (remembered.is_ok(), remembered.err().or(other));
        *self.held() = Held { lock: Some(Arc::new(lock)), id, remembered: is_remembered, said };
        self.visit.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// The turn to look for it.
    fn turn(&self) -> Result<MutexGuard<'_, ()>, String> {
        let since = Instant::now();
        loop {
            match self.looking.try_lock() {
                Ok(turn) => return Ok(turn),
                Err(sync::TryLockError::Poisoned(turn)) => return Ok(turn.into_inner()),
                Err(sync::TryLockError::WouldBlock) if since.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(sync::TryLockError::WouldBlock) => return Err(self.does_not_answer()),
            }
        }
    }

    /// What to say of a disk that does not answer.
    pub fn does_not_answer(&self) -> String {
        silence(&self.root)
    }

    /// Whether somebody waits for its disk in vain.
    pub fn is_silent(&self) -> bool {
        self.silent.load(Ordering::Relaxed)
    }

    /// Whether its disk answers, as whoever waits for it knows.
    pub fn answers(&self, answers: bool) {
        self.silent.store(!answers, Ordering::Relaxed);
    }

    /// What there is to say of it, once.
    pub fn take_word(&self) -> Option<String> {
        self.held().said.take()
    }

    /// Room in an archive that is there, if it may be written as far as that can be told without writing.
    ///
    /// # Errors
    /// One sentence with the remedy.
    pub fn room(&self) -> Result<Space, String> {
        access(&self.root, Access::WRITE_OK)
            .map_err(|errno| format!("archive.dir {}", sentence("written", &self.root, &errno.into())))?;
        space(&self.root)
    }

    /// How often it was found.
    pub fn visit(&self) -> u64 {
        self.visit.load(Ordering::Relaxed)
    }

    /// Whether it takes orders.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Whether it takes orders from now on: what an earlier recorder left comes first.
    pub fn is_to_take_orders(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner) // each change of it is one assignment
    }

    /// Looks for the archive `ours`, or at the start for any, and locks it; makes one where none is `known`.
    fn look(&self, ours: Option<&Id>, known: Option<&Id>) -> Result<(File, Option<Id>), String> {
        let root = self.root.display();
        let failed =
            |action: &str, path: &Path, error: &io::Error| format!("archive.dir {}", sentence(action, path, error));
        if known.is_none() {
            let made = fs::DirBuilder::new().recursive(true).mode(0o750).create(&self.root);
            made.map_err(|error| failed("used", &self.root, &error))?;
        }
        let found = match read_id(&self.root) {
            Ok(found) => found,
            // A mount point that went with its disk.
            Err(error) if error.kind() == ErrorKind::NotFound && known.is_some() => None,
            Err(error) => return Err(failed("read", &self.root.join(ID), &error)),
        };
        match (&found, known) {
            (Some(found), Some(_)) if ours.is_some_and(|ours| ours != found) => {
                return Err(format!(
                    "archive.dir {root} is another archive than the one that clips went to (mount that one again, or start \
                     nvr again if this is meant)"
                ));
            }
            (None, Some(_)) => return Err(missing(&self.root, &self.seen)),
            (Some(_), Some(_)) | (Some(_), None) | (None, None) => {}
        }
        let lock = lock(&self.root)?;
        if known.is_none() {
            probe(&self.root).map_err(|error| failed("written", &self.root, &error))?;
        }
        if found.is_some() {
            return Ok((lock, found));
        }
        match make_id(&self.root) {
            Ok(made) => Ok((lock, Some(made))),
            // A full disk is no reason not to start: footage waits in RAM until there is room.
            Err(error) if error.kind() == ErrorKind::StorageFull => Ok((lock, None)),
            Err(error) => Err(failed("written", &self.root, &error)),
        }
    }

    /// The id that was last seen here.
    fn known(&self) -> Option<Id> {
        all_seen(&self.seen).remove(&self.root)
    }

    /// Remembers which archive lies here.
    fn remember(&self, id: Option<&Id>) -> Result<(), String> {
        let mut seen = all_seen(&self.seen);
        let id = id.ok_or_else(|| "the archive has no id yet: its disk is full (make room)".to_owned())?;
        if seen.get(&self.root) == Some(id) {
            return Ok(());
        }
        seen.insert(self.root.clone(), id.clone());
        while seen.len() > MOST_SEEN {
            let other = seen.keys().find(|dir| **dir != self.root).cloned();
            other.map(|dir| seen.remove(&dir));
        }
        let temporary = self.seen.with_extension("json.new");
        let written = || {
            let dir = self.seen.parent().unwrap_or(Path::new("/"));
            fs::DirBuilder::new().recursive(true).mode(0o750).create(dir)?;
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(&temporary)?;
            file.write_all(&serde_json::to_vec_pretty(&seen)?)?;
            file.sync_all()?;
            fs::rename(&temporary, &self.seen)?;
            sync_dir(dir)
        };
        written().map_err(|error| {
            let seen = self.seen.display();
            format!("which archive is in use could not be remembered in {seen}: {error} (check recorder.state_dir)")
        })
    }
}

/// What is remembered in this file; nothing if nobody knows.
fn all_seen(file: &Path) -> BTreeMap<PathBuf, Id> {
    let read = || serde_json::from_slice(&fs::read(file).ok()?).ok();
    read().unwrap_or_default()
}

/// That an archive's disk is there and does not answer.
pub fn silence(root: &Path) -> String {
    format!("archive.dir {} does not answer (does its disk sleep, or hang? look at dmesg)", root.display())
}

/// Asks a disk for all that whoever looks into the archive at `root` needs first. Blocking, perhaps for ever.
pub fn touch(root: &Path) {
    let _ = (read_id(root), in_use(root), space(root)); // whoever looks for it next hears the same
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let cameras = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    cameras.for_each(|camera| drop(fs::read_dir(camera.path()).map(Iterator::count)));
}

/// That an archive was here and is not now, and how to begin a new one.
fn missing(root: &Path, seen: &Path) -> String {
    format!(
        "archive.dir {} holds no archive, and did before: is its disk mounted? (mount it; or, if clips shall go there from \
         now on, remove {})",
        root.display(),
        seen.display()
    )
}

/// Whether the archive that `state_dir` remembers lies at `dir`, or none was ever seen there; nothing is changed.
/// Answers a sentence if another archive lies there.
///
/// # Errors
/// One sentence with the remedy, as the recorder says it: the archive is away, or cannot be read.
pub fn glance(dir: &Path, state_dir: &Path) -> Result<Option<String>, String> {
    let failed = |path: &Path, error: &io::Error| format!("archive.dir {}", sentence("read", path, error));
    let root = std::path::absolute(dir).map_err(|error| failed(dir, &error))?;
    let seen = state_dir.join(SEEN);
    let Some(known) = all_seen(&seen).remove(&root) else { return Ok(None) };
    match read_id(&root) {
        Ok(Some(found)) if found == known => Ok(None),
        Ok(Some(_)) => Ok(Some(format!(
            "{} is another archive than at the last start: the next start begins to use it (mount the old one again if \
             this is not meant)",
            root.display()
        ))),
        Ok(None) => Err(missing(&root, &seen)),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(missing(&root, &seen)),
        Err(error) => Err(failed(&root.join(ID), &error)),
    }
}
