//! Tells what FFmpeg does in the ring: a slot was opened, a slot is complete. The kernel says so (inotify), and nothing
//! else: what FFmpeg writes in between wakes nobody. Its queue can overflow, so this is a hint, and [`sweep`] is the truth.

use super::{archive, places};
use crate::model::event::{Event, SlotFile};
use crate::model::id::CameraName;
use crate::model::plan::Resource;
use futures::StreamExt;
use inotify::{EventMask, EventOwned, EventStream, Inotify, WatchDescriptor, WatchMask};
use rustix::io::Errno;
use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};

/// What is told: a new name, and the end of writing.
const NEWS: WatchMask = WatchMask::CREATE.union(WatchMask::CLOSE_WRITE).union(WatchMask::ONLYDIR);
/// Bytes that are read at a time: a hundred pieces of news.
const BUFFER: usize = 4 << 10;

/// What watches the rings. Without it, or where it cannot, the sweep tells the same a second later.
#[derive(Debug)]
pub struct RingWatch {
    dir: PathBuf,
    /// `None`: the system has none to give.
    kernel: Option<EventStream<Vec<u8>>>,
    cameras: HashMap<WatchDescriptor, CameraName>,
}

impl RingWatch {
    /// Watches the rings of `cameras` below `dir` for as long as the answer is kept. The directories must exist. Answers
    /// a sentence too if that is not possible for all of them.
    pub fn of(dir: &Path, cameras: &[CameraName]) -> (Self, Option<String>) {
        let kernel = Inotify::init().and_then(|inotify| inotify.into_event_stream(vec![0; BUFFER]));
        let (kernel, none) = match kernel {
            Ok(kernel) => (Some(kernel), None),
            Err(error) => (None, Some(unwatched("no ring can be", &error))),
        };
        let mut watch = Self { dir: dir.to_owned(), kernel, cameras: HashMap::new() };
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

    fn try_add(&mut self, camera: &CameraName) -> io::Result<()> {
        if let Some(kernel) = &self.kernel {
            let watched = kernel.watches().add(places::ring(&self.dir, camera), NEWS)?;
            self.cameras.insert(watched, camera.clone());
        }
        Ok(())
    }

    /// Watches one camera's ring no longer.
    pub fn remove(&mut self, camera: &CameraName) {
        for (watched, _) in self.cameras.extract_if(|_, known| known == camera) {
            // A directory that is gone is not watched any more.
            let _ = self.kernel.as_ref().map(|kernel| kernel.watches().remove(watched));
        }
    }

    /// What FFmpeg has done next. Whoever stops waiting for it loses nothing.
    pub async fn next(&mut self) -> Vec<Event> {
        loop {
            let news = match &mut self.kernel {
                Some(kernel) => kernel.next().await,
                None => None,
            };
            // The sweep makes it good.
            let Some(Ok(news)) = news else { return pending().await };
            let facts = self.facts(&news);
            if !facts.is_empty() {
                return facts;
            }
        }
    }

    fn facts(&self, news: &EventOwned) -> Vec<Event> {
        // An overflow is nobody's, and a directory that was removed may be watched anew already.
        let (Some(camera), Some(name)) = (self.cameras.get(&news.wd).cloned(), &news.name) else { return Vec::new() };
        let path = places::ring(&self.dir, &camera).join(name);
        let number = places::number(&path).filter(|_| !news.mask.contains(EventMask::ISDIR));
        let Some(slot) = number.and_then(|number| u32::try_from(number).ok()) else { return Vec::new() };
        if news.mask.contains(EventMask::CREATE) {
            return vec![Event::SlotOpened { camera, slot }];
        }
        let Ok(file) = fs_err::metadata(&path) else { return Vec::new() };
        let (media, seen) = archive::look(&path);
        let seen = seen.map(|seen| Event::SlotSeen { camera: camera.clone(), slot, seen });
        let closed = Event::SlotClosed { camera, file: SlotFile { slot, bytes: file.len() }, media };
        seen.into_iter().chain([closed]).collect()
    }
}

/// What that means, and what helps.
fn unwatched(which: &str, error: &io::Error) -> String {
    let (why, remedy) = match Errno::from_io_error(error) {
        // It is called a full disk, and is none.
        Some(Errno::NOSPC) => ("no watch is left".to_owned(), Resource::Watches.remedy(0)),
        Some(_) | None => (error.to_string(), "run: sysctl fs.inotify.max_user_instances=1024".to_owned()),
    };
    format!("{which} watched; what happens there is seen up to a second later: {why} ({remedy})")
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
