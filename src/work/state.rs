//! What outlives a restart and is not footage: who is armed, and what mails had saved today.

use super::archive::open_regular;
use crate::model::event::Event;
use fs_err::os::unix::fs::OpenOptionsExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

/// Something that is remembered, in a file of its own.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    file: &'static str,
    /// What sentences call it.
    what: &'static str,
    /// What follows if it cannot be read, with the remedy.
    instead: &'static str,
}

/// Whether each camera is armed.
pub const ARMED: Kept = Kept {
    file: "armed.json",
    what: "who is armed",
    instead: "cameras are armed as configured (look at dmesg, then arm or disarm them)",
};
/// How much footage mails had saved, and on which day.
pub const SPENT: Kept = Kept {
    file: "spent.json",
    what: "how much mails had saved today",
    instead: "each camera's trigger.budget begins anew (look at dmesg)",
};

/// How long to wait before what could not be written is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// How long its disk may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What was remembered last; nothing if nobody knows.
///
/// # Errors
/// A sentence: its disk does not answer.
pub async fn load<T: DeserializeOwned + Default + Send + 'static>(dir: &Path, kept: Kept) -> Result<T, String> {
    let file = dir.join(kept.file);
    let late = format!("{} cannot be read: {} does not answer; {}", kept.what, file.display(), kept.instead);
    let read = move || {
        let mut text = Vec::new();
        open_regular(&file).ok()?.read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    };
    let read = timeout(PATIENCE, tokio::task::spawn_blocking(read)).await.map_err(|_| late)?;
    Ok(read.ok().flatten().unwrap_or_default())
}

/// Writes the newest state whenever it changes, and again for as long as that fails, until nobody can change it any
/// more.
pub async fn keep<T>(dir: PathBuf, kept: Kept, mut state: watch::Receiver<T>, events: mpsc::Sender<Event>)
where
    T: Serialize + Clone + Send + Sync + 'static,
{
    let mut failed = false;
    loop {
        tokio::select! {
            changed = state.changed() => if changed.is_err() {
                return;
            },
            () = sleep(AGAIN), if failed => {}
        }
        let newest = state.borrow_and_update().clone();
        let place = dir.clone();
        let saved = tokio::task::spawn_blocking(move || save(&place, kept, &newest)).await;
        let error = saved.ok().and_then(Result::err);
        let what = kept.what;
        let news = match &error {
            Some(error) if !failed => Some(Event::Warning(format!(
                "{what} could not be remembered: {error}; it is tried again (check recorder.state_dir)"
            ))),
            None if failed => Some(Event::Note(format!("{what} is remembered again"))),
            Some(_) | None => None,
        };
        failed = error.is_some();
        if let Some(news) = news {
            let _ = events.send(news).await; // only a recorder that is gone does not listen
        }
    }
}

fn save(dir: &Path, kept: Kept, state: &impl Serialize) -> std::io::Result<()> {
    replace(dir, kept.file, &serde_json::to_vec_pretty(state)?, 0o644)
}

/// Puts a file in place as a whole, durably, with the rights of `mode`.
pub(super) fn replace(dir: &Path, name: &str, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    fs_err::create_dir_all(dir)?;
    let (temporary, place) = (dir.join(format!(".{name}.new")), dir.join(name));
    let _ = fs_err::remove_file(&temporary); // of one that was cut short; it may have other rights
    let mut file = fs_err::OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs_err::rename(&temporary, &place)?;
    fs_err::File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::CameraName;
    use std::collections::BTreeMap;

    #[tokio::test]
    async fn the_newest_state_is_there_at_the_next_start() {
        let dir = tempfile::tempdir().expect("a directory");
        let place = dir.path().join("state");
        let load = || load::<BTreeMap<CameraName, bool>>(&place, ARMED);
        assert!(load().await.expect("an answer").is_empty());
        let (set, armed) = watch::channel(BTreeMap::new());
        let (events, mut said) = mpsc::channel(1);
        let keeper = tokio::spawn(keep(place.clone(), ARMED, armed, events));
        let front: CameraName = "front".parse().expect("a name");
        for armed in [true, false] {
            set.send_replace(BTreeMap::from([(front.clone(), armed)]));
        }
        drop(set);
        keeper.await.expect("it ends");
        assert_eq!(load().await, Ok(BTreeMap::from([(front, false)])));
        assert_eq!(said.recv().await, None);
    }
}
