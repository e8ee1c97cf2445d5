//! Rings that were removed under a running recorder: made again, locked again, watched again.

use super::ring::{RingDir, Unhealed};
use super::ring_watch::RingWatch;
use crate::model::event::Event;
use std::path::{Path, PathBuf};

/// Looks after the rings at each sweep.
#[derive(Debug)]
pub struct Healing {
    dir: PathBuf,
    /// What the machine does with such directories when a person logs out, as it was said at the start.
    known: Option<String>,
    /// What went wrong last time, so that it is not said every second.
    failed: Option<String>,
}

impl Healing {
    /// For the rings in `dir`; `known`: why they may be removed, and what helps.
    pub fn of(dir: &Path, known: Option<String>) -> Self {
        Self { dir: dir.to_owned(), known, failed: None }
    }

    /// Makes good what is missing, and says what it was.
    pub fn heal(&mut self, ring: &mut RingDir, watcher: &mut RingWatch) -> Vec<Event> {
        match ring.heal() {
            Ok(None) => {
                self.failed = None;
                Vec::new()
            }
            Ok(Some(healed)) => {
                self.failed = None;
                let watched = healed.cameras.iter().filter_map(|camera| {
                    watcher.remove(camera);
                    watcher.add(camera).err()
                });
                let failed: Vec<_> = watched.collect();
                let names: Vec<_> = healed.cameras.iter().map(ToString::to_string).collect();
                let what = if healed.all { "all rings".to_owned() } else { names.join(", ") };
                [self.removed(&what)].into_iter().chain(failed).map(Event::Warning).collect()
            }
            Err(Unhealed::Taken(text)) => vec![Event::StopAsked(format!("the ring was removed, and now {text}"))],
            Err(Unhealed::Failed(text)) if self.failed.as_ref() == Some(&text) => Vec::new(),
            Err(Unhealed::Failed(text)) => {
                self.failed = Some(text.clone());
                vec![Event::Warning(text)]
            }
        }
    }

    fn removed(&self, what: &str) -> String {
        let why = self.known.as_deref().unwrap_or("find out what cleans up there, and keep it from doing so");
        format!(
            "somebody removed {what} in {} and the footage in RAM with it; recording goes on ({why})",
            self.dir.display()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::CameraName;
    use crate::work::places;
    use std::time::Duration;
    use tokio::sync::mpsc;
    use tokio::time::timeout;

    #[tokio::test]
    async fn what_was_removed_is_there_again_and_locked_and_watched() {
        let dir = tempfile::tempdir().expect("a directory");
        let place = dir.path().join("nvr");
        let camera: CameraName = "front".parse().expect("a name");
        let mut ring = RingDir::open(&place, std::slice::from_ref(&camera)).expect("a ring");
        let (sender, mut events) = mpsc::channel(16);
        let (mut watcher, unwatched) = RingWatch::of(&place, std::slice::from_ref(&camera), sender);
        assert_eq!(unwatched, None);
        let mut healing = Healing::of(&place, None);
        assert_eq!(healing.heal(&mut ring, &mut watcher), []);
        for removed in [place.clone(), places::ring(&place, &camera)] {
            std::fs::remove_dir_all(&removed).expect("it is there");
            let said = healing.heal(&mut ring, &mut watcher);
            let [Event::Warning(text)] = &said[..] else { panic!("{said:?}") };
            assert!(text.starts_with("somebody removed ") && text.ends_with(')'), "{text}");
            assert_eq!(healing.heal(&mut ring, &mut watcher), []);
            assert!(RingDir::open(&place, &[]).expect_err("locked").contains("another recorder"));
            std::fs::write(places::slot(&place, &camera, 3), b"footage").expect("a slot");
            let told = timeout(Duration::from_secs(60), async {
                while events.recv().await != Some(Event::SlotOpened { camera: camera.clone(), slot: 3 }) {}
            });
            told.await.expect("it is watched");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_made_again_is_said_once_and_who_has_it_now_keeps_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let place = dir.path().join("nvr");
        let mut ring = RingDir::open(&place, &[]).expect("a ring");
        let (sender, _events) = mpsc::channel(1);
        let (mut watcher, _) = RingWatch::of(&place, &[], sender);
        let mut healing = Healing::of(&place, Some("run: loginctl".to_owned()));
        std::fs::remove_dir_all(&place).expect("it is there");
        std::fs::write(&place, b"in the way").expect("a file");
        let said = healing.heal(&mut ring, &mut watcher);
        assert!(matches!(&said[..], [Event::Warning(text)] if text.contains("cannot be used")), "{said:?}");
        assert_eq!(healing.heal(&mut ring, &mut watcher), []);
        std::fs::remove_file(&place).expect("it is there");
        let said = healing.heal(&mut ring, &mut watcher);
        assert!(matches!(&said[..], [Event::Warning(text)] if text.ends_with("(run: loginctl)")), "{said:?}");

        std::fs::remove_dir_all(&place).expect("it is there");
        let _other = RingDir::open(&place, &[]).expect("it is free");
        let said = healing.heal(&mut ring, &mut watcher);
        assert!(matches!(&said[..], [Event::StopAsked(text)] if text.contains("another recorder")), "{said:?}");
    }
}
