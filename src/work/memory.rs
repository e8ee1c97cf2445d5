//! Notes for the next recorder, should this one be killed: one file a camera, beside the ring it tells of. Written in the
//! engine's step, before the orders that follow from it: in RAM that takes microseconds, and no power cut leaves the
//! ring without them, so nothing is flushed.
//!
//! What cannot be replaced is removed. An outdated memory would tell of slots that FFmpeg has written over since, and
//! give numbers again that other segments have; without one the next recorder stores all that was claimed all the same,
//! and only the open countdown and what is not claimed yet are lost.

use super::archive::open_regular;
use super::places;
use crate::model::id::CameraName;
use crate::model::memory::Memory;
use crate::model::settings;
use crate::model::time::Mono;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Names one life of the machine.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";
/// Largest file in bytes that is read.
const MOST: u64 = 4 << 20;

/// What is in a file.
#[derive(Debug, Serialize, Deserialize)]
struct Kept<'a> {
    /// In which life of the machine: instants mean nothing in another one.
    boot: Cow<'a, str>,
    memory: Cow<'a, Memory>,
}

/// The memories of all cameras.
#[derive(Debug)]
pub struct Memories {
    ring: PathBuf,
    boot: String,
    /// What could not be written.
    unwritten: BTreeMap<CameraName, Box<Memory>>,
}

impl Memories {
    /// Those below a ring directory.
    ///
    /// # Errors
    /// One sentence: the machine does not say which of its lives this is.
    pub fn of(ring: &Path) -> Result<Self, String> {
        let boot = std::fs::read_to_string(BOOT);
        let boot = boot.map_err(|error| format!("{BOOT} cannot be read: {error} (is /proc mounted?)"))?;
        Ok(Self { ring: ring.to_owned(), boot: boot.trim().to_owned(), unwritten: BTreeMap::new() })
    }

    /// Notes down what a camera's next recorder has to know. Answers a sentence if nothing could be written for the
    /// first time in a row; then [`Memories::try_again`] does, and a newer memory takes its place.
    pub fn keep(&mut self, camera: &CameraName, memory: Box<Memory>) -> Option<String> {
        let kept = Kept { boot: Cow::Borrowed(&self.boot), memory: Cow::Borrowed(&memory) };
        let place = places::memory(&self.ring, camera);
        match write(&place, &kept) {
            Ok(()) => {
                self.unwritten.remove(camera);
                None
            }
            Err(error) => {
                let _ = std::fs::remove_file(&place); // if that fails too the directory is gone, and the file with it
                let first = self.unwritten.insert(camera.clone(), memory).is_none();
                first.then(|| {
                    format!(
                        "{camera}: what a further recorder would have to know cannot be noted down: {error} (make room in \
                         ring.dir; until then a kill would end a running event)"
                    )
                })
            }
        }
    }

    /// Writes what could not be written.
    pub fn try_again(&mut self) {
        for (camera, memory) in std::mem::take(&mut self.unwritten) {
            self.unwritten.insert(camera.clone(), memory.clone()); // said already
            self.keep(&camera, memory);
        }
    }

    /// What a camera's last recorder knew, if it was in this life of the machine, which has come as far as `now`, and
    /// rings had the shape that they have.
    ///
    /// # Errors
    /// A sentence: something is there, and nothing can go on from it.
    pub fn read(&self, camera: &CameraName, shape: &settings::Ring, now: Mono) -> Result<Option<Memory>, String> {
        let place = places::memory(&self.ring, camera);
        let mut text = Vec::new();
        match open_regular(&place).and_then(|file| file.take(MOST + 1).read_to_end(&mut text)) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(useless(&place, &error.to_string())),
        }
        if text.len() as u64 > MOST {
            return Err(useless(&place, "it is too large"));
        }
        let kept: Kept = serde_json::from_slice(&text).map_err(|error| useless(&place, &error.to_string()))?;
        if kept.boot != self.boot {
            return Ok(None);
        }
        kept.memory.fits(camera, shape, now).map_err(|why| useless(&place, why))?;
        Ok(Some(kept.memory.into_owned()))
    }

    /// There is nothing to go on with.
    pub fn forget(&mut self, camera: &CameraName) {
        self.unwritten.remove(camera);
        let place = places::memory(&self.ring, camera);
        for file in [temporary(&place), place] {
            if let Err(error) = std::fs::remove_file(&file)
                && error.kind() != ErrorKind::NotFound
            {
                tracing::warn!("{} could not be removed: {error}", file.display());
            }
        }
    }
}

fn useless(place: &Path, why: &str) -> String {
    format!(
        "{} is of no use: {why} (claimed footage is stored all the same; a countdown that was running has ended)",
        place.display()
    )
}

fn temporary(place: &Path) -> PathBuf {
    place.with_extension("json.new")
}

fn write(place: &Path, kept: &Kept) -> std::io::Result<()> {
    let new = temporary(place);
    let bytes = serde_json::to_vec(kept)?;
    let mut written = std::fs::write(&new, &bytes);
    // Somebody may have removed the directory, which is no reason to forget.
    if matches!(&written, Err(error) if error.kind() == ErrorKind::NotFound)
        && let Some(dir) = place.parent()
    {
        written = std::fs::create_dir(dir).and_then(|()| std::fs::write(&new, &bytes));
    }
    let written = written.and_then(|()| std::fs::rename(&new, place));
    if written.is_err() {
        let _ = std::fs::remove_file(&new); // what there is of it takes room, and there is none
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::model::effect::Effect;
    use crate::model::recorder::{Input, Recorder, Remembered};
    use crate::model::settings::Settings;
    use crate::model::time::{Anchor, Wall};
    use std::sync::Arc;

    const NOW: Mono = Mono(7_000_000);

    /// A place with one camera and nothing in its ring.
    struct World {
        dir: tempfile::TempDir,
        settings: Arc<Settings>,
        camera: CameraName,
    }

    impl World {
        fn new() -> World {
            let dir = tempfile::tempdir().expect("a directory");
            let file = dir.path().join("nvr.toml");
            let text = "[recorder]\nstate_dir = 'state'\n[[camera]]\nname = 'front'\nsource = 'lavfi:testsrc2'\n";
            std::fs::write(&file, text).expect("a configuration");
            let settings = config::load(&file, &|_| None).expect("settings").settings;
            let camera: CameraName = "front".parse().expect("a name");
            std::fs::create_dir_all(places::claims(dir.path(), &camera)).expect("a ring");
            World { dir, settings: Arc::new(settings), camera }
        }

        fn memories(&self) -> Memories {
            Memories::of(self.dir.path()).expect("a machine")
        }

        /// What a recorder notes down that starts at this instant.
        fn memory(&self, at: Mono) -> Box<Memory> {
            let anchor = Anchor { mono: at, wall: Wall::UNIX_EPOCH };
            let mut recorder = Recorder::new(self.settings.clone(), &Remembered::default(), anchor);
            let mut effects = recorder.apply(at, Input::Tick).into_iter();
            let Some(Effect::Remember { memory, .. }) = effects.next() else { panic!("in front of all else") };
            memory
        }

        fn read(&self, memories: &Memories, now: Mono) -> Result<Option<Memory>, String> {
            memories.read(&self.camera, &self.settings.ring, now)
        }

        fn file(&self) -> PathBuf {
            places::memory(self.dir.path(), &self.camera)
        }
    }

    #[test]
    fn the_newest_memory_is_found_again_in_the_same_life_of_the_machine() {
        let world = World::new();
        let mut memories = world.memories();
        assert_eq!(world.read(&memories, NOW), Ok(None));
        let [first, second] = [Mono(NOW.0 - 1), NOW].map(|at| world.memory(at));
        assert_eq!(memories.keep(&world.camera, first), None);
        assert_eq!(memories.keep(&world.camera, second.clone()), None);
        let mut next = world.memories();
        assert_eq!(world.read(&next, NOW), Ok(Some(*second)));
        let reboot = Memories { boot: "another".into(), ..world.memories() };
        assert_eq!(world.read(&reboot, NOW), Ok(None));
        next.forget(&world.camera);
        next.forget(&world.camera);
        // Nothing is left, and what lies in is made again.
        std::fs::remove_dir(places::claims(world.dir.path(), &world.camera)).expect("empty");
        assert_eq!(memories.keep(&world.camera, world.memory(NOW)), None);
        assert_eq!(world.read(&memories, NOW), Ok(Some(*world.memory(NOW))));
    }

    #[test]
    fn what_nobody_can_go_on_from_is_named_and_never_believed() {
        let world = World::new();
        let mut memories = world.memories();
        for text in ["", "{", "[]", "{\"boot\":1}", "\u{0}\u{0}\u{0}"] {
            std::fs::write(world.file(), text).expect("a file");
            let said = world.read(&memories, NOW).expect_err("garbage");
            assert!(said.contains("memory.json is of no use: ") && said.ends_with(')'), "{said}");
        }
        std::fs::File::create(world.file()).and_then(|file| file.set_len(MOST + 1)).expect("a file");
        assert!(world.read(&memories, NOW).expect_err("endless").contains("too large"));
        memories.keep(&world.camera, world.memory(NOW));
        assert!(world.read(&memories, Mono(NOW.0 - 1)).expect_err("not yet written").contains("another time"));
        let other = settings::Ring { slots: world.settings.ring.slots + 1, ..world.settings.ring.clone() };
        assert!(memories.read(&world.camera, &other, NOW).expect_err("another shape").contains("ring.slots"));
        std::fs::remove_file(world.file()).expect("it is there");
        std::fs::create_dir(world.file()).expect("a directory");
        assert!(world.read(&memories, NOW).is_err());
    }

    #[test]
    fn one_that_cannot_be_replaced_is_removed_and_written_when_that_is_possible_again() {
        let world = World::new();
        let (camera, mut memories) = (&world.camera, world.memories());
        assert_eq!(memories.keep(camera, world.memory(Mono(1))), None);
        let blocked = temporary(&world.file());
        std::fs::create_dir(&blocked).expect("in the way");
        let said = memories.keep(camera, world.memory(Mono(2))).expect("a sentence");
        assert!(said.starts_with("front: ") && said.ends_with(')'), "{said}");
        assert_eq!(memories.keep(camera, world.memory(NOW)), None, "once");
        memories.try_again();
        assert_eq!(world.read(&memories, NOW), Ok(None), "an old one would be worse than none");
        std::fs::remove_dir(&blocked).expect("it is there");
        memories.try_again();
        assert_eq!(world.read(&memories, NOW), Ok(Some(*world.memory(NOW))));
        assert!(memories.unwritten.is_empty());
    }
}
