//! Tells what FFmpeg does in the ring: a slot was opened, a slot is complete. The kernel says so (inotify); nothing is
//! asked over and over. Its queue can overflow, so this is a hint, and [`sweep`] is the truth.

use super::{archive, places};
use crate::model::event::{Event, SlotFile};
use crate::model::id::CameraName;
use notify::event::{AccessKind, AccessMode, CreateKind, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::path::Path;
use tokio::sync::mpsc;

/// Watches the rings of `cameras` below `dir` for as long as the answer is kept. The directories must exist.
///
/// It never waits for room on the bus: whoever changes what is watched waits for the watcher, and may be the one who has
/// to make that room. What is not told is found by the sweep.
///
/// # Errors
/// One sentence with the remedy: most often the system's limit of watches.
pub fn watch(dir: &Path, cameras: &[CameraName], events: mpsc::Sender<Event>) -> Result<RecommendedWatcher, String> {
    let root = dir.to_owned();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return }; // an overflow, which the sweep makes good
        for fact in event.paths.iter().flat_map(|path| facts(&root, &event.kind, path)) {
            let _ = events.try_send(fact);
        }
    })
    .map_err(refused)?;
    for camera in cameras {
        add(&mut watcher, dir, camera)?;
    }
    Ok(watcher)
}

/// Watches one camera's ring too.
///
/// # Errors
/// One sentence with the remedy; the sweep still sees that ring, a second later.
pub fn add(watcher: &mut RecommendedWatcher, dir: &Path, camera: &CameraName) -> Result<(), String> {
    watcher.watch(&places::ring(dir, camera), RecursiveMode::NonRecursive).map_err(refused)
}

/// Watches one camera's ring no longer.
pub fn remove(watcher: &mut RecommendedWatcher, dir: &Path, camera: &CameraName) {
    // A directory that is gone is not watched any more.
    let _ = watcher.unwatch(&places::ring(dir, camera));
}

fn refused(error: notify::Error) -> String {
    format!("the ring cannot be watched: {error} (raise it: sysctl fs.inotify.max_user_instances=1024)")
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
