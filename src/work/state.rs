//! What outlives a restart and is not footage: who is armed.

use super::archive::open_regular;
use crate::model::event::Event;
use crate::model::id::CameraName;
use fs_err::os::unix::fs::OpenOptionsExt;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

const FILE: &str = "armed.json";

/// How long to wait before what could not be written is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// How long its disk may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Who was armed at the last time; empty if nobody knows, and then the configuration decides.
///
/// # Errors
/// A sentence: its disk does not answer.
pub async fn load(dir: &Path) -> Result<BTreeMap<CameraName, bool>, String> {
    let file = dir.join(FILE);
    let late = format!(
        "who was armed cannot be read: {} does not answer; cameras are armed as configured (look at dmesg, then arm or \
         disarm them)",
        file.display()
    );
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
pub async fn keep(dir: PathBuf, mut armed: watch::Receiver<Vec<(CameraName, bool)>>, events: mpsc::Sender<Event>) {
    let mut failed = false;
    loop {
        tokio::select! {
            changed = armed.changed() => if changed.is_err() {
                return;
            },
            () = sleep(AGAIN), if failed => {}
        }
        let state: BTreeMap<_, _> = armed.borrow_and_update().iter().cloned().collect();
        let place = dir.clone();
        let saved = tokio::task::spawn_blocking(move || save(&place, &state)).await;
        let error = saved.ok().and_then(Result::err);
        let news = match &error {
            Some(error) if !failed => Some(Event::Warning(format!(
                "who is armed could not be remembered: {error}; it is tried again (check recorder.state_dir)"
            ))),
            None if failed => Some(Event::Note("who is armed is remembered again".to_owned())),
            Some(_) | None => None,
        };
        failed = error.is_some();
        if let Some(news) = news {
            let _ = events.send(news).await; // only a recorder that is gone does not listen
        }
    }
}

fn save(dir: &Path, state: &BTreeMap<CameraName, bool>) -> std::io::Result<()> {
    replace(dir, FILE, &serde_json::to_vec_pretty(state)?, 0o644)
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

    #[tokio::test]
    async fn the_newest_state_is_there_at_the_next_start() {
        let dir = tempfile::tempdir().expect("a directory");
        let place = dir.path().join("state");
        assert!(load(&place).await.expect("an answer").is_empty());
        let (set, armed) = watch::channel(Vec::new());
        let (events, mut said) = mpsc::channel(1);
        let keeper = tokio::spawn(keep(place.clone(), armed, events));
        let front: CameraName = "front".parse().expect("a name");
        for armed in [true, false] {
            set.send_replace(vec![(front.clone(), armed)]);
        }
        drop(set);
        keeper.await.expect("it ends");
        assert_eq!(load(&place).await, Ok(BTreeMap::from([(front, false)])));
        assert_eq!(said.recv().await, None);
    }
}
