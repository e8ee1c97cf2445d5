//! Where the archive lies, and whether it is there: a disk may be unmounted, swapped for another, or come back as
//! another device.
//!
//! An archive is known by an id in its directory, which was made by nobody's choice when it was first used; the state
//! directory remembers which id was last seen where. So an empty directory is a new archive the first time, and a mount
//! point without its disk ever after. What is open in the archive says whether it still lies there; once it does not,
//! everything is closed, so that the disk can be repaired, and its id is looked for until it is back.

use super::LOCK;
use super::disk::{open_regular, sentence, space, sync_dir};
use crate::model::event::{FINISHING, Space};
use crate::model::text::fit_for_screen;
use rustix::fs::{Access, AtFlags, CWD, RenameFlags, StatxFlags, access, renameat_with, statx};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Holds the archive's id.
const ID: &str = ".nvr";
/// In the state directory: which id was last seen where.
const SEEN: &str = "archive.json";
/// Directories that are remembered; nobody has had so many.
const MOST_SEEN: usize = 100;

/// An archive's id, as the kernel makes UUIDs.
type Id = String;

/// The archive's place.
pub(super) struct Ground {
    root: PathBuf,
    /// Where it is remembered which archive lies there.
    seen: PathBuf,
    held: Mutex<Held>,
}

struct Held {
    /// Keeps a second recorder out for as long as this process lives, and knows whether this is still the same file.
    /// `None`: the archive is not there.
    lock: Option<File>,
    /// Of the archive that clips go to; `None`: the disk was too full for one, and the next start makes it.
    id: Option<Id>,
    /// It is remembered. Who removes that wants clips to go wherever they can.
    remembered: bool,
    /// How often it was found: what was opened at an earlier visit has to be opened anew.
    visit: u64,
    /// What an earlier recorder left there is finished, or being finished by whoever calls; others have to wait.
    ready: bool,
}

/// What came of looking for an archive.
enum Look {
    /// It is there and locked.
    Found(File, Option<Id>),
    /// Another recorder has it.
    Taken(String),
    /// It is not there, or cannot be used.
    Away(String),
}

impl Ground {
    /// Opens the archive at `dir`, making a new one if none was ever seen there. Answers a sentence for the journal too,
    /// if there is one to be said.
    ///
    /// One that was seen there before and cannot be opened now is no error: it is looked for as long as the recorder
    /// runs.
    ///
    /// # Errors
    /// One sentence with the remedy: another recorder has it, or it never worked.
    pub fn open(dir: &Path, state_dir: &Path) -> Result<(Ground, Option<String>), String> {
        let root =
            std::path::absolute(dir).map_err(|error| format!("archive.dir {}", sentence("used", dir, &error)))?;
        let held = Held { lock: None, id: None, remembered: true, visit: 0, ready: false };
        let ground = Ground { root, seen: state_dir.join(SEEN), held: Mutex::new(held) };
        let known = ground.known();
        if known.is_none() {
            let made = fs::DirBuilder::new().recursive(true).mode(0o750).create(&ground.root);
            made.map_err(|error| format!("archive.dir {}", sentence("used", &ground.root, &error)))?;
        }
        let mut said = None;
        match ground.look(None, known.as_ref()) {
            Look::Taken(why) => return Err(why),
            Look::Away(why) if known.is_none() => return Err(why),
            Look::Away(_) => {}
            Look::Found(lock, id) => {
                if known.is_none() {
                    probe(&ground.root)
                        .map_err(|error| format!("archive.dir {}", sentence("written", &ground.root, &error)))?;
                } else if known != id {
                    let root = ground.root.display();
                    said = Some(format!(
                        "archive.dir {root} is another archive than at the last start: clips go there now"
                    ));
                }
                let remembered = ground.remember(id.as_ref());
                *ground.held() = Held { lock: Some(lock), id, remembered: remembered.is_ok(), visit: 1, ready: true };
                said = remembered.err().or(said);
            }
        }
        Ok((ground, said))
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
        self.find()?;
        match self.held().ready {
            true => Ok(()),
            false => Err(FINISHING.to_owned()),
        }
    }

    /// Whether the archive is there.
    ///
    /// # Errors
    /// One sentence with the remedy.
    pub fn find(&self) -> Result<(), String> {
        let mut held = self.held();
        if let Some(lock) = &held.lock {
            if is_there(lock, &self.root.join(LOCK)) {
                return Ok(());
            }
            // Closed before anything is opened: the lock may be on the very same file, mounted anew.
            held.lock = None;
        }
        let known = match held.remembered {
            true => self.known(),
            false => Some(held.id.clone().unwrap_or_default()),
        };
        match self.look(held.id.as_ref(), known.as_ref()) {
            Look::Taken(why) | Look::Away(why) => Err(why),
            Look::Found(lock, id) => {
                let remembered = self.remember(id.as_ref());
                let _ = remembered.as_ref().inspect_err(|why| tracing::warn!("{why}"));
                let visit = held.visit + 1;
                *held = Held { lock: Some(lock), id, remembered: remembered.is_ok(), visit, ready: held.ready };
                Ok(())
            }
        }
    }

    /// Room in the archive, if it is there and may be written as far as that can be told without writing.
    ///
    /// # Errors
    /// One sentence with the remedy.
    pub fn room(&self) -> Result<Space, String> {
        self.find()?;
        access(&self.root, Access::WRITE_OK)
            .map_err(|errno| format!("archive.dir {}", sentence("written", &self.root, &errno.into())))?;
        space(&self.root)
    }

    /// How often it was found.
    pub fn visit(&self) -> u64 {
        self.held().visit
    }

    /// Whether it takes orders.
    pub fn is_ready(&self) -> bool {
        self.held().ready
    }

    /// It takes orders from now on: what an earlier recorder left is finished.
    pub fn make_ready(&self) {
        self.held().ready = true;
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner) // each change of it is one assignment
    }

    /// Looks for the archive `ours`, or at the start for any; makes one where none is `known`.
    fn look(&self, ours: Option<&Id>, known: Option<&Id>) -> Look {
        let root = self.root.display();
        let failed = |action: &str, path: &Path, error: &io::Error| {
            Look::Away(format!("archive.dir {}", sentence(action, path, error)))
        };
        let found = match read_id(&self.root) {
            Ok(found) => found,
            // A mount point that went with its disk.
            Err(error) if error.kind() == ErrorKind::NotFound && known.is_some() => None,
            Err(error) => return failed("read", &self.root.join(ID), &error),
        };
        match (&found, known) {
            (Some(found), Some(_)) if ours.is_some_and(|ours| ours != found) => {
                return Look::Away(format!(
                    "archive.dir {root} is another archive than the one that clips went to (mount that one again, or start \
                     nvr again if this is meant)"
                ));
            }
            (None, Some(_)) => {
                return Look::Away(missing(&self.root, &self.seen));
            }
            (Some(_), Some(_)) | (Some(_), None) | (None, None) => {}
        }
        let lock = match lock(&self.root) {
            Ok(lock) => lock,
            Err(look) => return look,
        };
        if found.is_some() {
            return Look::Found(lock, found);
        }
        match make_id(&self.root) {
            Ok(made) => Look::Found(lock, Some(made)),
            // A full disk is no reason not to start: footage waits in RAM until there is room.
            Err(error) if error.kind() == ErrorKind::StorageFull => Look::Found(lock, None),
            Err(error) => failed("written", &self.root, &error),
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

/// Whether a path still leads to the file that is open: the same file, and by the same mount. A disk that went and came
/// back may have the same numbers, and what was opened before is of no use any more.
fn is_there(file: &File, path: &Path) -> bool {
    let place = |found: fs::Metadata| (found.dev(), found.ino());
    let (ours, found) = (file.metadata().map(place), fs::metadata(path).map(place));
    let same = ours.is_ok_and(|ours| found.is_ok_and(|found| ours == found));
    // A kernel before 5.8 does not tell.
    let mount = |stat: rustix::io::Result<rustix::fs::Statx>| stat.map_or(0, |stat| stat.stx_mnt_id);
    same && mount(statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID))
        == mount(statx(CWD, path, AtFlags::empty(), StatxFlags::MNT_ID))
}

/// What is remembered in this file; nothing if nobody knows.
fn all_seen(file: &Path) -> BTreeMap<PathBuf, Id> {
    let read = || serde_json::from_slice(&fs::read(file).ok()?).ok();
    read().unwrap_or_default()
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

/// The id of the archive at `root`; `None`: it has none.
fn read_id(root: &Path) -> io::Result<Option<Id>> {
    const MOST: u64 = 100;
    // Tells an empty directory from one that is not there.
    fs::metadata(root)?;
    let file = match open_regular(&root.join(ID)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text)?;
    let id = text.trim();
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    match is_id {
        true => Ok(Some(id.to_owned())),
        false => Err(io::Error::other(format!("it holds no id but \"{}\"", fit_for_screen(id, 40)))),
    }
}

/// Gives an archive an id, durably.
fn make_id(root: &Path) -> io::Result<Id> {
    let id = fs::read_to_string("/proc/sys/kernel/random/uuid")?.trim().to_owned();
    let temporary = root.join(".nvr.new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(&temporary)?;
    let written = writeln!(file, "{id}").and_then(|()| file.sync_all());
    let named =
        written.and_then(|()| match renameat_with(CWD, &temporary, CWD, root.join(ID), RenameFlags::NOREPLACE) {
            // File systems that cannot; nothing is there, and the lock is ours.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => fs::rename(&temporary, root.join(ID)),
            renamed => Ok(renamed?),
        });
    if let Err(error) = named {
        let _ = fs::remove_file(&temporary); // nobody reads it, and the next try truncates it
        return Err(error);
    }
    sync_dir(root)?;
    Ok(id)
}

/// Takes the lock that keeps a second recorder out for as long as this process lives.
fn lock(root: &Path) -> Result<File, Look> {
    let path = root.join(LOCK);
    let failed =
        |action: &str, error: io::Error| Look::Away(format!("archive.dir {}", sentence(action, &path, &error)));
    // Reading is enough, and leaves whoever wants to mount it read-only free to do so; but not on NFS.
    let file = match OpenOptions::new().read(true).open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => write_open(&path),
        opened => opened,
    };
    let mut file = file.map_err(|error| failed("written", error))?;
    let mut locked = file.try_lock();
    if let Err(TryLockError::Error(error)) = &locked
        && Errno::from_io_error(error) == Some(Errno::BADF)
    {
        file = write_open(&path).map_err(|error| failed("written", error))?;
        locked = file.try_lock();
    }
    match locked {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Look::Taken(format!(
            "archive.dir {} is in use by another recorder (stop it, or give this one a directory of its own)",
            root.display()
        ))),
        Err(TryLockError::Error(error)) => Err(failed("locked", error)),
    }
}

fn write_open(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o640).open(path)
}

/// Whether a file can be made here at all.
fn probe(root: &Path) -> io::Result<()> {
    let path = root.join(".probe");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(&path);
    let written = file.and_then(|mut file| file.write_all(b"nvr\n").and_then(|()| file.sync_all()));
    let removed = fs::remove_file(&path);
    match written {
        Ok(()) => removed,
        Err(error) if error.kind() == ErrorKind::StorageFull => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether a recorder has the archive at `root`: then what grows there goes on growing.
pub fn in_use(root: &Path) -> bool {
    File::open(root.join(LOCK)).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}
