//! The archive: clips that grow durably, their records, and the list of what there is.
//!
//! ```text
//! order ──▶ a lane per clip, in order ──▶ a thread that may wait for the disk (four at a time) ──▶ event
//! ```
//!
//! Promises: every byte of footage is written once; a claimed segment leaves RAM only when it is durable here; what
//! exists is never overwritten; a growing clip is playable at any moment; whatever fails leaves it as long as before.

mod catalog;
mod clip;
mod clock;
mod disk;
mod names;
mod old;
mod pages;
mod recover;
mod remove;
pub mod retain;
mod sidecar;
mod source;
mod writer;

pub use catalog::locate;
pub use disk::{open_regular, space};
pub use names::began;
pub use pages::newest;
pub use recover::Recovered;
pub use remove::Turn;
pub(super) use sidecar::Sidecar;
pub use source::media;
pub(super) use source::{Unreadable, Walker};

use crate::model::effect::{Append, ClipChange};
use crate::model::event::{AppendFailure, Event};
use crate::model::id::{ClipId, RequestId};
use crate::model::question::ClipQuery;
use crate::model::record::Record;
use crate::work::places;
use clip::{Clip, Grown};
use disk::{Disk, RealDisk, sentence};
use jiff::tz::TimeZone;
use names::Files;
use source::{Fault, Segment};
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::task::TaskTracker;

/// Clips that are written at the same time: a disk with more writers only seeks more.
const WRITERS: usize = 4;

/// The permanent storage of clips. One recorder has it; a lock says so.
///
/// Orders return at once and are carried out in order within a clip; the end of each is an event. The events go into
/// the bounded channel given at the start: whoever waits in [`Archive::finish`] must go on receiving them.
pub struct Archive {
    site: Arc<Site>,
    events: mpsc::Sender<Event>,
    lanes: HashMap<ClipId, mpsc::UnboundedSender<Order>>,
    tracker: TaskTracker,
    writers: Arc<Semaphore>,
    readers: Arc<Semaphore>,
}

/// What all clips have in common.
struct Site {
    root: PathBuf,
    ring: PathBuf,
    zone: TimeZone,
    disk: Box<dyn Disk>,
    turn: Turn,
    /// Held for as long as this process lives; also what the archive is recognised by.
    lock: File,
}

impl Site {
    /// Whether the archive still lies where it was opened. An unmounted disk leaves an empty directory behind, on which
    /// clips would vanish below the next mount.
    fn check(&self) -> Result<(), String> {
        let place = |found: fs::Metadata| (found.dev(), found.ino());
        let ours = self.lock.metadata().map(place).ok();
        match fs::metadata(self.root.join(".lock")).map(place).ok() {
            found if found.is_some() && found == ours => Ok(()),
            Some(_) | None => Err(format!(
                "archive.dir {} is not what it was at the start (is its disk mounted? mount it, or start nvr again if this \
                 is meant)",
                self.root.display()
            )),
        }
    }
}

/// Something to do for one clip.
enum Order {
    Append(Box<Append>, Instant),
    Save(Arc<Record>),
    Close(Arc<Record>),
}

impl Archive {
    /// Opens an archive, making the directory if need be; the claimed segments lie below `ring_dir`.
    ///
    /// # Errors
    /// One sentence with the remedy: no such place, not writable, or another recorder has it.
    pub fn open(dir: &Path, ring_dir: PathBuf, events: mpsc::Sender<Event>) -> Result<Archive, String> {
        Self::on(dir, ring_dir, events, TimeZone::system(), Box::new(RealDisk))
    }

    fn on(
        dir: &Path,
        ring: PathBuf,
        events: mpsc::Sender<Event>,
        zone: TimeZone,
        disk: Box<dyn Disk>,
    ) -> Result<Archive, String> {
        let named = |error: io::Error| format!("archive.dir {}", sentence("used", dir, &error));
        fs::DirBuilder::new().recursive(true).mode(0o750).create(dir).map_err(named)?;
        let root = fs::canonicalize(dir).map_err(named)?;
        let lock = lock(&root)?;
        probe(&root).map_err(|error| format!("archive.dir {}", sentence("written", &root, &error)))?;
        Ok(Archive {
            site: Arc::new(Site { root, ring, zone, disk, turn: Turn::default(), lock }),
            events,
            lanes: HashMap::new(),
            tracker: TaskTracker::new(),
            writers: Arc::new(Semaphore::new(WRITERS)),
            readers: Arc::new(Semaphore::new(1)),
        })
    }

    /// Finishes what an earlier recorder left: growing clips and claimed segments. To be awaited before any order.
    pub async fn recover(&self) -> Recovered {
        let site = self.site.clone();
        let found = tokio::task::spawn_blocking(move || recover::recover(&site)).await;
        found.unwrap_or_else(|panic| Recovered {
            sentences: vec![format!("what an earlier recorder left could not be finished: {panic} (report this)")],
            ..Recovered::default()
        })
    }

    /// Appends a claimed segment to a clip, opening the clip if it is the first. Ends as [`Event::Appended`], after
    /// [`Event::ClipOpened`] for the first one, or as [`Event::AppendFailed`].
    pub fn append(&mut self, append: Append) {
        self.order(append.clip, Order::Append(Box::new(append), Instant::now()));
    }

    /// Writes a clip's record as it stands. Has no event: the next one says more.
    pub fn save_record(&mut self, clip: ClipId, record: Arc<Record>) {
        self.order(clip, Order::Save(record));
    }

    /// Gives a clip its last record and its final name. Ends as [`Event::ClipClosed`]; after an error it may be
    /// ordered again. A clip that never got a file closes with an empty path.
    pub fn close_clip(&mut self, clip: ClipId, record: Arc<Record>) {
        self.order(clip, Order::Close(record));
    }

    /// Whose turn it is to change closed clips, for whoever else does.
    pub fn turn(&self) -> Turn {
        self.site.turn.clone()
    }

    /// Reads a page of the clip list, growing clips included; at most 10,000. Ends as [`Event::ClipsListed`].
    pub fn list(&self, request: RequestId, query: ClipQuery) {
        self.ask(
            move |site| site.check().and_then(|()| pages::page(&site.root, &query, pages::PATIENCE)),
            move |result| Event::ClipsListed { request, result },
        );
    }

    /// Reads all there is about a clip. Ends as [`Event::ClipShown`].
    pub fn show(&self, request: RequestId, clip: String) {
        self.ask(
            move |site| site.check().and_then(|()| catalog::details(&site.root, &clip)).map(Box::new),
            move |result| Event::ClipShown { request, result },
        );
    }

    /// Does to a closed clip what a person wants, durably. Ends as [`Event::ClipChanged`].
    pub fn change(&self, request: RequestId, clip: String, change: ClipChange) {
        let name = clip.clone();
        self.ask(
            move |site| remove::change(site, &name, change),
            move |result| Event::ClipChanged { request, clip, change, result },
        );
    }

    /// Has somebody look into the archive, who may be slow, and tells what came of it.
    fn ask<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Site) -> Result<T, String> + Send + 'static,
        tell: impl FnOnce(Result<T, String>) -> Event + Send + 'static,
    ) {
        let (site, readers, events) = (self.site.clone(), self.readers.clone(), self.events.clone());
        self.tracker.spawn(async move {
            let turn = readers.acquire().await;
            let looked = tokio::task::spawn_blocking(move || look(&site)).await;
            drop(turn);
            send(&events, tell(looked.unwrap_or_else(|panic| Err(panic.to_string())))).await;
        });
    }

    /// Waits until all orders are carried out and their events are sent. Clips that were not closed stay as they are,
    /// for [`Archive::recover`].
    pub async fn finish(self) {
        let Archive { lanes, tracker, .. } = self;
        drop(lanes);
        tracker.close();
        tracker.wait().await;
    }

    fn order(&mut self, clip: ClipId, order: Order) {
        self.lanes.retain(|_, lane| !lane.is_closed());
        let lane = self.lanes.entry(clip).or_insert_with(|| {
            let (orders, queue) = mpsc::unbounded_channel(); // the model has one append in flight per clip
            let lane = Lane { site: self.site.clone(), id: clip, state: State::New { stump: None } };
            self.tracker.spawn(run(lane, queue, self.writers.clone(), self.events.clone()));
            orders
        });
        // A lane ends only after its clip has closed, and nothing is ordered for such a clip.
        let _ = lane.send(order);
    }
}

/// Takes the lock that keeps a second recorder out for as long as this process lives.
fn lock(root: &Path) -> Result<File, String> {
    let path = root.join(".lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o640).open(&path);
    let file = file.map_err(|error| format!("archive.dir {}", sentence("written", &path, &error)))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(format!(
            "archive.dir {} is in use by another recorder (stop it, or give this one a directory of its own)",
            root.display()
        )),
        Err(TryLockError::Error(error)) => Err(format!("archive.dir {}", sentence("locked", &path, &error))),
    }
}

/// Whether a recorder has the archive at `root`: then what grows there goes on growing.
pub fn in_use(root: &Path) -> bool {
    File::open(root.join(".lock")).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Whether a file can be made here at all.
fn probe(root: &Path) -> io::Result<()> {
    let path = root.join(".probe");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(&path);
    let written = file.and_then(|mut file| file.write_all(b"nvr\n").and_then(|()| file.sync_all()));
    let removed = fs::remove_file(&path);
    match written {
        Ok(()) => removed,
        // A full disk is no reason not to start: footage waits in RAM until there is room.
        Err(error) if error.kind() == ErrorKind::StorageFull => Ok(()),
        Err(error) => Err(error),
    }
}

/// One clip's orders.
struct Lane {
    site: Arc<Site>,
    id: ClipId,
    state: State,
}

enum State {
    /// No file yet, except what a failed opening could not remove.
    New { stump: Option<Files> },
    /// It grows.
    Open(Box<Clip>),
    /// It has its final name, or its writer broke down.
    Ended,
}

/// Carries out a lane's orders one after the other.
async fn run(
    mut lane: Lane,
    mut queue: mpsc::UnboundedReceiver<Order>,
    writers: Arc<Semaphore>,
    events: mpsc::Sender<Event>,
) {
    while let Some(order) = queue.recv().await {
        let turn = writers.acquire().await;
        let last_words = lane.last_words(&order);
        let carried_out = tokio::task::spawn_blocking(move || {
            let news = lane.carry_out(order);
            (lane, news)
        })
        .await;
        drop(turn);
        let (news, rest) = match carried_out {
            Ok((lane, news)) => (news, Some(lane)),
            Err(_) => (last_words, None),
        };
        for event in news {
            send(&events, event).await;
        }
        match rest {
            Some(rest) if !matches!(rest.state, State::Ended) => lane = rest,
            Some(_) | None => break,
        }
    }
}

/// Sends an event, unless the recorder has ended and nobody listens.
async fn send(events: &mpsc::Sender<Event>, event: Event) {
    let _ = events.send(event).await;
}

impl Lane {
    /// What to report if an order should panic: the clip is left to the next start, its segments go elsewhere.
    fn last_words(&self, order: &Order) -> Vec<Event> {
        let warning = Event::Warning("a clip broke down and will be finished at the next start (report this)".into());
        let clip = self.id;
        match order {
            Order::Append(append, _) => {
                let segment = append.segment.clone();
                vec![warning, Event::AppendFailed { clip, segment, failure: AppendFailure::Different }]
            }
            Order::Save(_) => vec![warning],
            Order::Close(_) => vec![warning, Event::ClipClosed { clip, result: Ok(String::new()) }],
        }
    }

    fn carry_out(&mut self, order: Order) -> Vec<Event> {
        match order {
            Order::Append(append, since) => self.append(&append, since),
            Order::Save(record) => {
                if let State::Open(clip) = &mut self.state
                    && let Err(text) = clip.save(&record)
                {
                    tracing::warn!("{text}");
                }
                Vec::new()
            }
            Order::Close(record) => vec![self.close(&record)],
        }
    }

    fn close(&mut self, record: &Arc<Record>) -> Event {
        let result = match &mut self.state {
            State::New { stump: Some(files) } => {
                clip::discard(files).map(|()| String::new()).map_err(|error| sentence("removed", &files.part(), &error))
            }
            State::New { stump: None } | State::Ended => Ok(String::new()),
            State::Open(clip) => self.site.check().and_then(|()| clip.close(record)),
        };
        if result.is_ok() {
            self.state = State::Ended;
        }
        Event::ClipClosed { clip: self.id, result }
    }

    fn append(&mut self, append: &Append, since: Instant) -> Vec<Event> {
        let (clip, segment) = (self.id, append.segment.clone());
        let claimed = places::claimed(&self.site.ring, &segment);
        let mut events = Vec::new();
        match self.grow(append, &claimed, &mut events) {
            Ok(mut grown) => {
                grown.added.took = since.elapsed();
                events.push(Event::Appended { clip, segment, added: grown.added });
                events.extend(grown.note.map(Event::Warning));
                events.extend(remove(&claimed).map(Event::Warning));
            }
            Err(failure) => {
                if let AppendFailure::Unusable(_) = failure {
                    events.extend(remove(&claimed).map(Event::Warning));
                }
                events.push(Event::AppendFailed { clip, segment, failure });
            }
        }
        events
    }

    fn grow(&mut self, append: &Append, claimed: &Path, events: &mut Vec<Event>) -> Result<Grown, AppendFailure> {
        if let State::Open(clip) = &self.state
            && let Some(grown) = clip.again(&append.segment)
        {
            return Ok(grown);
        }
        self.site.check().map_err(AppendFailure::Archive)?;
        let segment = Segment::read(claimed).map_err(|fault| match fault {
            Fault::Archive(error) => AppendFailure::Archive(sentence("read", claimed, &error)),
            Fault::Source(why) => AppendFailure::Unusable(why),
            Fault::Different => AppendFailure::Different,
        })?;
        match &mut self.state {
            State::Open(clip) => clip.append(append, segment),
            State::New { stump } => {
                if let Some(files) = stump {
                    clip::discard(files)
                        .map_err(|error| AppendFailure::Archive(sentence("removed", &files.part(), &error)))?;
                    *stump = None;
                }
                let (clip, grown) = Clip::open(&self.site, append, segment).map_err(|(failure, left)| {
                    *stump = left;
                    failure
                })?;
                let (name, path) = (clip.files.name.clone(), clip.files.part().display().to_string());
                let start = names::start(&name, &append.segment.camera).unwrap_or(append.wall);
                events.push(Event::ClipOpened { clip: self.id, name, start, path });
                self.state = State::Open(Box::new(clip));
                Ok(grown)
            }
            State::Ended => Err(AppendFailure::Different),
        }
    }
}

/// Removes a claimed segment; if that fails it stays in RAM, and somebody should know.
fn remove(claimed: &Path) -> Option<String> {
    let error = disk::unlink(claimed).err().filter(|error| error.kind() != ErrorKind::NotFound)?;
    Some(sentence("removed", claimed, &error))
}

#[cfg(test)]
mod tests;
