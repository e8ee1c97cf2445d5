//! Looks: pictures of what is in RAM or in the archive, made when somebody asks and at no other time.
//!
//! ```text
//! order ──▶ one at a time ──▶ find the fragments (a thread) ──▶ one FFmpeg decodes their key frames ──▶ event
//! ```
//!
//! A look must never be in the recording's way: there is one at a time, its FFmpeg is the last that gets the processor,
//! and whatever it waits for, it is over after five seconds. What it reads comes from outside and may be anything.

mod darkroom;
mod footage;
mod jpeg;

use super::archive::Home;
use super::ffmpeg::Ffmpeg;
use super::places;
use super::queue::Queue;
use crate::model::effect::{Footage, Place};
use crate::model::event::Event;
use crate::model::id::{CameraName, RequestId, SegmentId};
use crate::model::question::Still;
use crate::model::text::fit_for_screen;
use data_encoding::BASE64;
use footage::Reel;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a look may take; it takes a tenth of a second. Together with the time in the queue it is less than who asks
/// will wait.
const LIMIT: Duration = Duration::from_secs(5);
/// Looks that may wait.
const WAITING: usize = 15;

/// Takes pictures. Clones are the same.
#[derive(Clone)]
pub struct Looks(Arc<Inner>);

struct Inner {
    ffmpeg: Ffmpeg,
    ring: PathBuf,
    archive: Home,
    queue: Queue,
    /// Held by the thread that reads the archive, which a dead disk may keep for longer than its look lasts.
    reader: Arc<Semaphore>,
}

impl Looks {
    /// With this FFmpeg, into the ring and the archive.
    pub fn new(ffmpeg: Ffmpeg, ring: PathBuf, archive: Home) -> Self {
        let queue = Queue::new(WAITING);
        Self(Arc::new(Inner { ffmpeg, ring, archive, queue, reader: Arc::new(Semaphore::new(1)) }))
    }

    /// Makes pictures at most `width` pixels across, in a task that ends with `stop` and when the asker has `left`; then
    /// its FFmpeg is gone too. Ends as [`Event::StillsTaken`]. To be called from the thread that lives as long as the process: the kernel ends with it
    /// what it started.
    pub fn take(
        &self,
        request: RequestId,
        from: Footage,
        width: u32,
        left: CancellationToken,
        (tasks, events, stop): (&TaskTracker, &mpsc::Sender<Event>, &CancellationToken),
    ) {
        let (inner, events, stop) = (self.0.clone(), events.clone(), stop.clone());
        tasks.spawn(async move {
            let result = tokio::select! {
                biased;
                () = stop.cancelled() => Err("the recorder is stopping (ask again when it runs)".to_owned()),
                () = left.cancelled() => Err("who asked has left (ask again)".to_owned()),
                result = inner.in_turn(from, width) => result,
            };
            // Only an engine that is gone does not listen, and then nobody waits for pictures.
            let _ = events.send(Event::StillsTaken { request, result }).await;
        });
    }
}

impl Inner {
    async fn in_turn(&self, from: Footage, width: u32) -> Result<Vec<Still>, String> {
        let busy = || "too many pictures are asked for at once (try again in a moment)".to_owned();
        let _turn = self.queue.turn().await.ok_or_else(busy)?;
        let look = async {
            match from {
                Footage::Newest(camera, places) => self.camera(&camera, places, width).await,
                Footage::Clip(name) => self.clip(name, width).await,
            }
        };
        let late =
            || format!("there was no picture within {} s (is the machine very busy? try again)", LIMIT.as_secs());
        timeout(LIMIT, look).await.unwrap_or_else(|_| Err(late()))
    }

    /// The newest key frame of a camera.
    async fn camera(&self, camera: &CameraName, places: Vec<Place>, width: u32) -> Result<Vec<Still>, String> {
        let mut why = "nothing is left of it".to_owned();
        for place in places {
            let limit = Instant::now() + LIMIT;
            let reel = match place {
                Place::Slot(slot) => self.segment(places::slot(&self.ring, camera, slot)).await,
                Place::Claimed(number) => {
                    let segment = SegmentId { camera: camera.clone(), number };
                    self.segment(places::claimed(&self.ring, &segment)).await
                }
                Place::Archive => {
                    let camera = camera.clone();
                    self.archive(move |root| footage::end(root, &camera, limit)).await
                }
            };
            let stills = match reel {
                Ok(reel) => self.develop(reel, width).await,
                Err(error) => Err(error),
            };
            match stills {
                Ok(stills) => return Ok(stills),
                Err(error) => why = error,
            }
        }
        Err(format!("there is no picture of {camera}: {why} (try again in a moment; see also: nvr status)"))
    }

    async fn segment(&self, path: PathBuf) -> Result<Reel, String> {
        let limit = Instant::now() + LIMIT;
        tokio::task::spawn_blocking(move || footage::newest(&path, limit)).await.map_err(|panic| panic.to_string())?
    }

    /// Reads something in the archive, in a thread that may wait for the disk.
    async fn archive<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Path) -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let Ok(reader) = self.reader.clone().try_acquire_owned() else {
            return Err("the archive has not answered to an earlier look yet (is its disk well?)".to_owned());
        };
        let home = self.archive.clone();
        let found = tokio::task::spawn_blocking(move || {
            let _reader = reader;
            read(home.dir()?)
        });
        found.await.map_err(|panic| panic.to_string())?
    }

    /// A clip's ends, what triggered it, and the camera's own picture.
    async fn clip(&self, name: String, width: u32) -> Result<Vec<Still>, String> {
        let (shown, limit) = (fit_for_screen(&name, 120), Instant::now() + LIMIT);
        let mut strip = self.archive(move |root| footage::strip(root, &name, limit)).await?;
        let mails = std::mem::take(&mut strip.mails);
        let stills = match strip.reel {
            Ok(reel) => self.develop(reel, width).await,
            Err(error) => Err(error),
        };
        match stills {
            Ok(stills) => Ok(mails.into_iter().chain(stills).collect()),
            Err(_) if !mails.is_empty() => Ok(mails),
            Err(why) => Err(format!("there is no picture of {shown}: {why} (is it damaged? nvr cat {shown})")),
        }
    }

    /// What is in a reel, as far as it can be decoded; at least one.
    async fn develop(&self, reel: Reel, width: u32) -> Result<Vec<Still>, String> {
        let (shots, frames): (Vec<_>, Vec<_>) =
            reel.shots.into_iter().map(|shot| ((shot.which, shot.at), shot.frame)).unzip();
        let jpegs = darkroom::develop(&self.ffmpeg, &reel.head, &frames, width).await?;
        let still = |((which, at), jpeg): (_, Option<Vec<u8>>)| Some(Still { which, at, jpeg: BASE64.encode(&jpeg?) });
        Ok(shots.into_iter().zip(jpegs).filter_map(still).collect())
    }
}
