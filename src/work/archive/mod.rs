//! The archive: clips that grow durably, their records, and the list of what there is.
//!
//! ```text
//! order ──▶ a lane per clip, in order ──▶ a thread that may wait for the disk (four at a time) ──▶ event
//! ```
//!
//! Promises: every byte of footage is written once; a claimed segment leaves RAM only when it is durable here; what
//! exists is never overwritten; a growing clip is playable at any moment; whatever fails leaves it as long as before.

mod again;
mod catalog;
mod clip;
mod clock;
mod disk;
mod follow;
mod ground;
mod held;
mod lane;
mod look;
mod mark;
mod names;
mod old;
mod pages;
mod pictures;
mod presence;
mod recover;
mod remove;
pub mod retain;
mod sidecar;
mod source;
pub mod verify;
mod writer;

pub use catalog::{locate, pictures};
pub use disk::{open_regular, space};
pub use ground::{glance, silence, touch};
pub(super) use look::look;
pub use mark::in_use;
pub use names::began;
pub use pages::newest;
pub use recover::Recovered;
pub use remove::Turn;
pub(super) use sidecar::Sidecar;
pub(super) use source::{Unreadable, Walker};

use crate::model::effect::{Append, ClipChange, Follow};
use crate::model::event::{Event, Picture, Space};
use crate::model::id::{ClipId, RequestId};
use crate::model::memory::Grew;
use crate::model::question::ClipQuery;
use crate::model::record::Record;
use crate::work::queue::Queue;
use clip::Clip;
use disk::{Disk, RealDisk};
use ground::{Ground, PATIENCE};
use jiff::tz::TimeZone;
use lane::{Lane, Order};
use presence::Legacy;
use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// Clips that are written at the same time: a disk with more writers only seeks more.
const WRITERS: usize = 4;
/// Who asks is answered after so long, whether or not the disk has: less than anybody waits.
const ANSWER: Duration = Duration::from_secs(8);
/// Questions that may wait for the one before them, and orders too.
const WAITING: usize = 63;
/// The file that keeps a second recorder out.
const LOCK: &str = ".lock";

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
    questions: Queue,
    changes: Queue,
    /// Questions are of no use any more.
    over: CancellationToken,
    /// The same without a word.
    _over: DropGuard,
}

/// What all clips have in common.
struct Site {
    root: PathBuf,
    ring: PathBuf,
    zone: TimeZone,
    disk: Box<dyn Disk>,
    turn: Turn,
    ground: Ground,
    claims: Mutex<Claims>,
    /// Clips of an earlier recorder that were found growing, until they are given orders.
    regrown: Mutex<HashMap<ClipId, Clip>>,
}

/// Whose the claimed segments are.
enum Claims {
    Ours,
    Left,
}

impl Site {
    /// Removes a claimed segment that is stored or of no use. If that fails it stays in RAM, and somebody should know.
    fn let_go(&self, claimed: &Path) -> Option<String> {
        let claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner); // held while it is removed, from RAM
        match *claims {
            Claims::Left => return None,
            Claims::Ours => {}
        }
        let error = disk::unlink(claimed).err().filter(|error| error.kind() != ErrorKind::NotFound)?;
        Some(disk::sentence("removed", claimed, &error))
    }

    /// Clips that grew when their recorder was killed; each goes on with the first order that it is given.
    fn regrown(&self) -> MutexGuard<'_, HashMap<ClipId, Clip>> {
        self.regrown.lock().unwrap_or_else(PoisonError::into_inner) // each change of it is one call
    }

    /// Whether the archive still lies where it was opened, or does again. An unmounted disk leaves an empty directory
    /// behind, on which clips would vanish below the next mount.
    fn check(&self) -> Result<(), String> {
        self.ground.check()
    }
}

/// Where an archive lies. Clones are the same.
#[derive(Clone)]
pub struct Home(Arc<Site>);

impl Home {
    /// The directory.
    ///
    /// # Errors
    /// It is not the one that was opened, so that whatever is missed there may well exist: a sentence with the remedy.
    pub fn dir(&self) -> Result<&Path, String> {
        self.0.check().map(|()| self.0.root.as_path())
    }

    /// Room in it, if it is there and may be written as far as that can be told without writing.
    ///
    /// # Errors
    /// One sentence with the remedy.
    pub fn room(&self) -> Result<Space, String> {
        self.0.ground.reach()?;
        self.0.ground.room()
    }

    /// The recorder ends, and the next one may go on with what is claimed: from now on nothing is removed from the ring
    /// any more, not even by a thread that waits for a disk.
    pub fn leave_ring(&self) {
        *self.0.claims.lock().unwrap_or_else(PoisonError::into_inner) = Claims::Left;
    }

    /// Whose turn it is to change closed clips.
    pub fn turn(&self) -> Turn {
        self.0.turn.clone()
    }
}

impl Archive {
    /// Opens an archive, making a new one where none was ever seen; the claimed segments lie below `ring_dir`. One that
    /// was there before, as `state_dir` remembers, may be away or in use, and any may have a disk that does not answer for
    /// some seconds: it is taken when it comes.
    ///
    /// # Errors
    /// One sentence with the remedy: there never was one and none can be made or taken.
    pub async fn open(
        dir: &Path,
        ring_dir: PathBuf,
        state_dir: &Path,
        events: mpsc::Sender<Event>,
    ) -> Result<Archive, String> {
        let archive = Self::at(dir, (ring_dir, state_dir), events, TimeZone::system(), Box::new(RealDisk))?;
        let site = archive.site.clone();
        match timeout(PATIENCE, tokio::task::spawn_blocking(move || site.ground.open())).await {
            Ok(opened) => opened.map_err(|panic| format!("the archive cannot be opened: {panic} (report this)"))??,
            Err(_) => archive.site.ground.answers(false),
        }
        Ok(archive)
    }

    /// The same for a disk that answers. Blocking.
    #[cfg(test)]
    fn on(
        dir: &Path,
        places: (PathBuf, &Path),
        events: mpsc::Sender<Event>,
        zone: TimeZone,
        disk: Box<dyn Disk>,
    ) -> Result<Archive, String> {
        let archive = Self::at(dir, places, events, zone, disk)?;
        archive.site.ground.open()?;
        archive.site.ground.is_to_take_orders(true);
        Ok(archive)
    }

    fn at(
        dir: &Path,
        (ring, state_dir): (PathBuf, &Path),
        events: mpsc::Sender<Event>,
        zone: TimeZone,
        disk: Box<dyn Disk>,
    ) -> Result<Archive, String> {
        let ground = Ground::new(dir, state_dir)?;
        let (root, over) = (ground.root().to_owned(), CancellationToken::new());
        let (turn, claims, regrown) = (Turn::default(), Mutex::new(Claims::Ours), Mutex::default());
        Ok(Archive {
            site: Arc::new(Site { root, ring, zone, disk, turn, ground, claims, regrown }),
            events,
            lanes: HashMap::new(),
            tracker: TaskTracker::new(),
            writers: Arc::new(Semaphore::new(WRITERS)),
            questions: Queue::new(WAITING),
            changes: Queue::new(WAITING),
            _over: over.clone().drop_guard(),
            over,
        })
    }

    /// Finishes what an earlier recorder left: growing clips and claimed segments, except those that go on growing
    /// (`grew`), which take orders from now on. To be awaited before any order.
    ///
    /// That is waited for some seconds. What is not done then, or cannot be because the archive is away, is done as soon
    /// as it can be, and told by [`Event::Regrown`].
    pub async fn recover(&mut self, grew: Vec<Grew>) -> Recovered {
        let site = self.site.clone();
        let left = tokio::task::spawn_blocking(move || recover::leftovers(&site.ring)).await.unwrap_or_default();
        let (recovered, watch) = presence::begin(self.site.clone(), Legacy { left, grew }).await;
        self.tracker.spawn(watch.run(self.events.clone(), self.over.clone()));
        recovered
    }

    /// Appends a claimed segment to a clip, opening the clip if it is the first. Ends as [`Event::Appended`], after
    /// [`Event::ClipOpened`] for the first one, or as [`Event::AppendFailed`].
    pub fn append(&mut self, append: Append) {
        self.order(append.clip, Order::Append(Box::new(append), Instant::now()));
    }

    /// Appends what is whole of a segment that is still being written; `until` FFmpeg cannot have come round to its file
    /// again. Ends as [`Event::Followed`], whatever came of it.
    pub fn follow(&mut self, follow: Follow, until: Instant) {
        let clip = follow.append.clip;
        if self.lanes.get(&clip).is_some_and(|lane| !lane.is_closed()) {
            return self.order(clip, Order::Follow(Box::new(follow), until));
        }
        let (events, segment) = (self.events.clone(), follow.append.segment);
        self.tracker
            .spawn(async move { send(&events, Event::Followed { clip, segment, added: None, more: None }).await });
    }

    /// Writes a clip's record as it stands. Has no event: the next one says more.
    pub fn save_record(&mut self, clip: ClipId, record: Arc<Record>) {
        self.order(clip, Order::Save(record));
    }

    /// Puts a picture beside a clip that has a file. Ends as [`Event::PictureStored`].
    pub fn store_picture(&mut self, clip: ClipId, picture: Picture) {
        self.order(clip, Order::Picture(picture));
    }

    /// Gives a clip its last record and its final name. Ends as [`Event::ClipClosed`]; after an error it may be
    /// ordered again. A clip that never got a file closes with an empty path.
    pub fn close_clip(&mut self, clip: ClipId, record: Arc<Record>) {
        self.order(clip, Order::Close(record));
    }

    /// Where it lies, for whoever only reads what is there.
    pub fn home(&self) -> Home {
        Home(self.site.clone())
    }

    /// Reads a page of the clip list, growing clips included; at most 1,000. Ends as [`Event::ClipsListed`], soon once
    /// the asker has `left`.
    pub fn list(&self, request: RequestId, query: ClipQuery, left: CancellationToken) {
        self.ask(
            left,
            move |site| site.check().and_then(|()| pages::page(&site.root, &query, pages::PATIENCE)),
            move |result| Event::ClipsListed { request, result },
        );
    }

    /// Reads all there is about a clip. Ends as [`Event::ClipShown`], soon once the asker has `left`.
    pub fn show(&self, request: RequestId, clip: String, left: CancellationToken) {
        self.ask(
            left,
            move |site| site.check().and_then(|()| catalog::details(&site.root, &clip)).map(Box::new),
            move |result| Event::ClipShown { request, result },
        );
    }

    /// Does to a closed clip what a person wants, durably, whether or not that person still waits. No question is in its
    /// way. Ends as [`Event::ClipChanged`].
    pub fn change(&self, request: RequestId, clip: String, change: ClipChange) {
        let (site, events, queue, name) = (self.site.clone(), self.events.clone(), self.changes.clone(), clip.clone());
        self.tracker.spawn(async move {
            let result = in_turn(queue, move || remove::change(&site, &name, change)).await;
            send(&events, Event::ClipChanged { request, clip, change, result }).await;
        });
    }

    /// Has somebody look into the archive, who may be slow, and tells what came of it.
    fn ask<T: Send + 'static>(
        &self,
        left: CancellationToken,
        look: impl FnOnce(&Site) -> Result<T, String> + Send + 'static,
        tell: impl FnOnce(Result<T, String>) -> Event + Send + 'static,
    ) {
        let (site, events, queue, over) =
            (self.site.clone(), self.events.clone(), self.questions.clone(), self.over.clone());
        let asked = site.clone();
        self.tracker.spawn(async move {
            let result = tokio::select! {
                biased;
                () = left.cancelled() => Err("who asked has left (ask again)".to_owned()),
                () = over.cancelled() => Err("the recorder is stopping (ask again when it runs)".to_owned()),
                () = sleep(ANSWER) => Err(site.ground.does_not_answer()),
                result = in_turn(queue, move || look(&asked)) => result,
            };
            send(&events, tell(result)).await;
        });
    }

    /// Waits until all orders are carried out and their events are sent; questions are given up. Clips that were not closed stay as they are,
    /// for [`Archive::recover`].
    pub async fn finish(self) {
        let Archive { lanes, tracker, over, .. } = self;
        drop(lanes);
        over.cancel();
        tracker.close();
        tracker.wait().await;
    }

    fn order(&mut self, clip: ClipId, order: Order) {
        self.lanes.retain(|_, lane| !lane.is_closed());
        if !self.lanes.contains_key(&clip) {
            let regrown = self.site.regrown().remove(&clip);
            let lane = match regrown {
                Some(grown) => Lane::of(self.site.clone(), clip, grown),
                None => Lane::new(self.site.clone(), clip),
            };
            let lane = self.begin(lane);
            self.lanes.insert(clip, lane);
        }
        // A lane ends only after its clip has closed, and nothing is ordered for such a clip.
        let _ = self.lanes.get(&clip).map(|lane| lane.send(order));
    }

    /// Has a lane take orders.
    fn begin(&self, lane: Lane) -> mpsc::UnboundedSender<Order> {
        let (orders, queue) = mpsc::unbounded_channel(); // the model has one append in flight per clip
        self.tracker.spawn(lane::run(lane, queue, self.writers.clone(), self.events.clone()));
        orders
    }
}

/// Does something in a thread that may wait for the disk, after those who came before.
async fn in_turn<T: Send + 'static>(
    queue: Queue,
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let busy = || "the archive is asked too much at once, or its disk is slow (try again; see also: nvr status)";
    let turn = queue.turn().await.ok_or_else(busy)?;
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    done.await.unwrap_or_else(|panic| Err(panic.to_string()))
}

/// Sends an event, unless the recorder has ended and nobody listens.
async fn send(events: &mpsc::Sender<Event>, event: Event) {
    let _ = events.send(event).await;
}

#[cfg(test)]
mod tests;
