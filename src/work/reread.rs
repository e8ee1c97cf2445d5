//! Has the configuration read again. Who knows how to read it is handed in, for the hands know no files of settings.

use super::ffmpeg::{self, Ffmpeg};
use super::limits;
use super::queue::Queue;
use crate::model::event::{Event, Reread};
use crate::model::id::RequestId;
use crate::model::settings::Settings;
use crate::model::transcript::Fix;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Reads and checks the configuration. Answers a sentence for each mistake, one a line. It may wait for a disk.
pub type Reader = Arc<dyn Fn() -> Result<Reread, String> + Send + Sync>;

/// Writes a line into it, and reads it again. Answers what was written, or a sentence with the line to write by hand.
pub type Writer = Arc<dyn Fn(&Fix) -> Result<(String, Reread), String> + Send + Sync>;

/// The file that the configuration is in. Clones are the same.
#[derive(Clone)]
pub struct ConfigFile {
    /// Reads it.
    pub reader: Reader,
    /// Changes it.
    pub writer: Writer,
}

/// How long reading may take; it takes a millisecond. Together with the time in the queue it is less than who asks will
/// wait.
const LIMIT: Duration = Duration::from_secs(4);
/// Orders that may wait for the one before them.
const WAITING: usize = 7;

/// Reads the configuration whenever it is ordered to, each order after the one before. Clones are the same.
#[derive(Clone)]
pub struct Rereads {
    file: ConfigFile,
    ffmpeg: Ffmpeg,
    queue: Queue,
}

impl Rereads {
    /// Of this file; the warnings are about this FFmpeg too.
    pub fn new(file: ConfigFile, ffmpeg: Ffmpeg) -> Self {
        Self { file, ffmpeg, queue: Queue::new(WAITING) }
    }

    /// Reads it once. Always ends as [`Event::Reloaded`], in less than nine seconds.
    pub async fn read(self, request: Option<RequestId>, events: mpsc::Sender<Event>, stop: CancellationToken) {
        let result = tokio::select! {
            biased;
            () = stop.cancelled() => Err("the recorder is stopping (its next start reads the configuration)".to_owned()),
            result = self.result() => result,
        };
        // Only a recorder that is gone does not listen.
        let _ = events.send(Event::Reloaded { request, result }).await;
    }

    /// Writes a line into it and reads it. Always ends as [`Event::FixWritten`], in the same time. What is being written
    /// when that is over may still get there.
    pub async fn write(self, request: RequestId, fix: Fix, events: mpsc::Sender<Event>, stop: CancellationToken) {
        let writer = Arc::clone(&self.file.writer);
        let result = tokio::select! {
            biased;
            () = stop.cancelled() => Err("the recorder is stopping (write it again when it runs)".to_owned()),
            result = self.in_turn(move || writer(&fix)) => result.map(|(sentence, read)| (sentence, self.warned(read))),
        };
        let _ = events.send(Event::FixWritten { request, result }).await;
    }

    async fn result(&self) -> Result<Reread, String> {
        let reader = Arc::clone(&self.file.reader);
        Ok(self.warned(self.in_turn(move || reader()).await?))
    }

    fn warned(&self, mut read: Reread) -> Reread {
        read.warnings.extend(shown_passwords(&self.ffmpeg, &read.settings));
        read.warnings.extend(limits::shortages(&read.settings));
        read
    }

    /// Does something with the file when it is its turn.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let hangs = || "the configuration cannot be read in time (does its disk answer? see: nvr check)".to_owned();
        let turn = self.queue.turn().await.ok_or_else(hangs)?;
        let reading = tokio::task::spawn_blocking(move || {
            let _turn = turn; // one that hangs keeps the others from hanging too
            work()
        });
        let read = timeout(LIMIT, reading).await.map_err(|_| hangs())?;
        read.map_err(|panic| format!("the configuration cannot be read: {panic} (report this)"))?
    }
}

/// Cameras whose password can be seen by everybody on this machine, each in a sentence with the remedy.
pub fn shown_passwords(ffmpeg: &Ffmpeg, settings: &Settings) -> Vec<String> {
    let shown = settings.cameras.iter().filter_map(|camera| {
        let why = ffmpeg::shows_password(ffmpeg, camera)?;
        Some(format!("{}: {why}", camera.name))
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn rereads(reader: impl Fn() -> Result<Reread, String> + Send + Sync + 'static) -> Rereads {
        let (program, version) = ("ffmpeg".into(), "5.1".to_owned());
        let ffmpeg = Ffmpeg { program, version, hides_passwords: true, old: false, encoder: None };
        let writer: Writer = Arc::new(|_| Err("not here".to_owned()));
        Rereads::new(ConfigFile { reader: Arc::new(reader), writer }, ffmpeg)
    }

    fn why(event: Option<Event>) -> String {
        let Some(Event::Reloaded { result: Err(why), .. }) = event else { panic!("{event:?}") };
        why
    }

    #[tokio::test]
    async fn every_order_is_answered_even_if_reading_hangs_or_breaks_or_there_are_very_many() {
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let (wait, reads) = (Mutex::new(wait), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&reads);
        let slow = rereads(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            wait.lock().expect("no reader panics").recv().map_err(|_| "over".to_owned())?;
            Err("nvr.toml:1: a mistake (mend it)".to_owned())
        });
        let (bus, mut events) = mpsc::channel(100);
        let stop = CancellationToken::new();
        for number in 0..20 {
            tokio::spawn(slow.clone().read(Some(RequestId(number)), bus.clone(), stop.clone()));
        }
        // Twelve find no place; eight are there, of which the first reads.
        for _ in 0..12 {
            assert!(why(events.recv().await).contains("in time"));
        }
        go.send(()).expect("a reader");
        assert!(why(events.recv().await).contains("a mistake"));
        stop.cancel();
        for _ in 0..7 {
            assert!(why(events.recv().await).contains("stopping"));
        }
        assert!(reads.load(Ordering::SeqCst) <= 2, "one at a time");
        drop(go);

        let broken = rereads(|| panic!("a bug"));
        broken.read(None, bus, CancellationToken::new()).await;
        assert!(why(events.recv().await).contains("report this"));
    }
}
