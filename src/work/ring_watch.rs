//! Tells what FFmpeg does in the ring: a slot was opened, a slot is complete. The kernel says so (inotify); nothing is
//! asked over and over. Its queue can overflow, so this is a hint, and [`sweep`] is the truth.

use super::{archive, places};
use crate::model::event::{Event, SlotFile};
use crate::model::id::CameraName;
use crate::model::plan::Resource;
use notify::event::{AccessKind, AccessMode, CreateKind, EventKind};
use notify::{Config, ErrorKind, EventKindMask, RecommendedWatcher, RecursiveMode, Watcher};
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

/// What watches the rings. Without it, or where it cannot, the sweep tells the same a second later.
#[derive(Debug)]
pub struct RingWatch {
    dir: PathBuf,
    /// `None`: the system has none to give.
    watcher: Option<RecommendedWatcher>,
}

impl RingWatch {
    /// Watches the rings of `cameras` below `dir` for as long as the answer is kept. The directories must exist. Answers
    /// a sentence too if that is not possible for all of them.
    ///
    /// It never waits for room on the bus: whoever changes what is watched waits for the watcher, and may be the one who
    /// has to make that room. What is not told is found by the sweep.
    pub fn of(dir: &Path, cameras: &[CameraName], events: mpsc::Sender<Event>) -> (Self, Option<String>) {
        let root = dir.to_owned();
        let tell = move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return }; // an overflow, which the sweep makes good
            for fact in event.paths.iter().flat_map(|path| facts(&root, &event.kind, path)) {
                let _ = events.try_send(fact);
            }
        };
        // Nothing else wakes the recorder: FFmpeg writes several times a second to each ring.
        let wanted = Config::default().with_event_kinds(EventKindMask::CREATE | EventKindMask::ACCESS_CLOSE);
        let watcher = RecommendedWatcher::new(tell, wanted);
        let (watcher, none) = match watcher {
            Ok(watcher) => (Some(watcher), None),
            Err(error) => (None, Some(unwatched("no ring can be", &error))),
        };
        let mut watch = Self { dir: dir.to_owned(), watcher };
        let failed: Vec<_> = cameras.iter().filter_map(|camera| watch.try_add(camera).err()).collect();
        let some = failed
            .first()
            .map(|error| unwatched(&format!("{} of {} rings cannot be", failed.len(), cameras.len()), error));
        (watch, none.or(some))
    }

    /// Watches one camera's ring too.
    ///
    /// # Errors
    /// One sentence with the remedy; the sweep still sees that ring, a second later.
    pub fn add(&mut self, camera: &CameraName) -> Result<(), String> {
        self.try_add(camera).map_err(|error| unwatched(&format!("the ring of {camera} cannot be"), &error))
    }

    fn try_add(&mut self, camera: &CameraName) -> notify::Result<()> {
        let ring = places::ring(&self.dir, camera);
        self.watcher.as_mut().map_or(Ok(()), |watcher| watcher.watch(&ring, RecursiveMode::NonRecursive))
    }

    /// Watches one camera's ring no longer.
    pub fn remove(&mut self, camera: &CameraName) {
        let ring = places::ring(&self.dir, camera);
        // A directory that is gone is not watched any more.
        let _ = self.watcher.as_mut().map(|watcher| watcher.unwatch(&ring));
    }
}

fn facts(root: &Path, kind: &EventKind, path: &Path) -> Vec<Event> {
    let Some((camera, slot)) = place(root, path) else { return Vec::new() };
    match kind {
        EventKind::Create(CreateKind::File) => vec![Event::SlotOpened { camera, slot }],
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => {
            let Ok(file) = fs_err::metadata(path) else { return Vec::new() };
            let (media, seen) = archive::look(path);
            let seen = seen.map(|seen| Event::SlotSeen { camera: camera.clone(), slot, seen });
            let closed = Event::SlotClosed { camera, file: SlotFile { slot, bytes: file.len() }, media };
            seen.into_iter().chain([closed]).collect()
        }
        _ => Vec::new(),
    }
}

/// What that means, and what helps.
fn unwatched(which: &str, error: &notify::Error) -> String {
    let remedy = match &error.kind {
        ErrorKind::MaxFilesWatch => Resource::Watches.remedy(0),
        ErrorKind::Io(_)
        | ErrorKind::Generic(_)
        | ErrorKind::PathNotFound
        | ErrorKind::WatchNotFound
        | ErrorKind::InvalidConfig(_) => "run: sysctl fs.inotify.max_user_instances=1024".to_owned(),
    };
    format!("{which} watched; what happens there is seen up to a second later: {error} ({remedy})")
}

/// Whose slot a file is.
fn place(root: &Path, path: &Path) -> Option<(CameraName, u32)> {
    let camera = path.strip_prefix(root).ok()?.parent()?.to_str()?.parse().ok()?;
    Some((camera, u32::try_from(places::number(path)?).ok()?))
}

/// What really lies in the rings. A ring that cannot be read is left out: its camera's FFmpeg will say why.
pub fn sweep(dir: &Path, cameras: &[CameraName]) -> Vec<(CameraName, Vec<SlotFile>)> {
    let files = |camera: &CameraName| {
        let entries = std::fs::read_dir(places::ring(dir, camera)).ok()?;
        let files = entries.flatten().filter_map(|entry| {
            let slot = u32::try_from(places::number(&entry.path())?).ok()?;
            Some(SlotFile { slot, bytes: entry.metadata().ok()?.len() })
        });
        Some(files.collect())
    };
    cameras.iter().filter_map(|camera| Some((camera.clone(), files(camera)?))).collect()
}
