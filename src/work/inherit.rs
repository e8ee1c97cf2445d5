//! What a recorder before this one left in the ring, and in which order it is taken over. First nothing writes there any
//! more; then the memories are read; then the archive finishes what nobody goes on with; and what lies there after that
//! is what the model goes on from. Until this recorder has noted down something itself, all of it can be done again.

use super::archive::{Archive, Recovered};
use super::memory::Memories;
use super::ring::RingDir;
use super::{hold, places};
use crate::model::id::CameraName;
use crate::model::memory::{Left, LeftFile, Memory};
use crate::model::settings::Settings;
use crate::model::time::{Anchor, Mono, Wall};
use futures::stream::{self, StreamExt};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// So many cameras are looked at at a time: each takes a thread and some open files.
const ABREAST: usize = 4;

/// What was taken over.
#[derive(Debug)]
pub struct Inherited {
    /// What is left of each camera that goes on.
    pub left: BTreeMap<CameraName, Left>,
    /// What became of the rest.
    pub recovered: Recovered,
    /// What was done about what still wrote, and what is of no use: for the journal.
    pub notes: Vec<String>,
    /// What still needs a person.
    pub warnings: Vec<String>,
}

/// Takes over what an earlier recorder left, for the cameras of `settings`. `clocks` reads both clocks.
pub async fn inherit(
    settings: &Settings,
    ring: &RingDir,
    memories: &mut Memories,
    archive: &mut Archive,
    clocks: impl Fn() -> Anchor,
) -> Inherited {
    let (mut notes, mut warnings) = (Vec::new(), Vec::new());
    let dir = &settings.ring.dir;
    let configured: BTreeSet<_> = settings.cameras.iter().map(|camera| camera.name.clone()).collect();
    let cameras: BTreeSet<_> = strangers(dir).into_iter().chain(configured.iter().cloned()).collect();
    // Each is let go again at once: two thousand of them would be too many open files.
    let take = |camera| async move { hold::take(dir, camera).await.map(|hold| (hold.note(camera), hold.outlived)) };
    let holds: Vec<_> = stream::iter(&cameras).map(take).buffered(ABREAST).collect().await;
    let mut known: BTreeMap<CameraName, Memory> = BTreeMap::new();
    let mut outlived = BTreeSet::new();
    for (camera, hold) in cameras.iter().zip(holds) {
        match hold {
            Ok((note, was_taken)) => {
                notes.extend(note);
                outlived.extend(was_taken.then_some(camera));
            }
            Err(text) => {
                warnings.push(format!("{camera}: {text}"));
                continue; // what changes still cannot be gone on from
            }
        }
        if configured.contains(camera) {
            match memories.read(camera, &settings.ring, clocks().mono) {
                Ok(memory) => known.extend(memory.map(|memory| (camera.clone(), memory))),
                Err(text) => notes.push(text),
            }
        }
    }
    let mut ids = BTreeSet::new();
    // Clips of one recorder have different names; memories in which they have not are not of one recorder.
    known.retain(|camera, memory| memory.growing(camera).iter().all(|grew| ids.insert(grew.clip)));
    let grew: Vec<_> = known.iter().flat_map(|(camera, memory)| memory.growing(camera)).collect();
    let mut recovered = archive.recover(grew).await;
    let mut regrown = std::mem::take(&mut recovered.regrown);

    let now = clocks();
    let mut left = BTreeMap::new();
    for camera in &cameras {
        let Some(memory) = known.remove(camera) else {
            ring.clear(camera);
            memories.forget(camera);
            continue;
        };
        let ours: BTreeSet<_> = memory.growing(camera).into_iter().map(|grew| grew.clip).collect();
        let clips = regrown.extract_if(.., |clip| ours.contains(&clip.clip)).collect();
        let slots = files(&places::ring(dir, camera), &memory.anchor, &now);
        let claimed = files(&places::claims(dir, camera), &memory.anchor, &now);
        let outlived = outlived.contains(camera);
        left.insert(camera.clone(), Left { memory, slots, claimed, clips, outlived });
    }
    Inherited { left, recovered, notes, warnings }
}

/// Cameras that have had an FFmpeg here, whether they are configured still or not.
fn strangers(ring: &Path) -> Vec<CameraName> {
    let entries = std::fs::read_dir(ring).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| CameraName::try_from(entry.file_name().into_string().ok()?).ok());
    names.filter(|camera| places::hold(ring, camera).is_file()).collect()
}

/// What lies in a directory, by its numbers.
fn files(dir: &Path, then: &Anchor, now: &Anchor) -> Vec<LeftFile> {
    let file = |entry: std::fs::DirEntry| {
        let (number, found) = (places::number(&entry.path())?, entry.metadata().ok()?);
        let written = Wall::try_from(found.modified().ok()?).ok()?;
        found.is_file().then_some(LeftFile { number, bytes: found.len(), written: instant(written, then, now) })
    };
    let mut files: Vec<_> = std::fs::read_dir(dir).into_iter().flatten().flatten().filter_map(file).collect();
    files.sort_unstable_by_key(|file| file.number);
    files
}

/// When a file was written that was dated by the wall clock, which may have been set between `then` and `now`; never
/// later than now. What was written before `then` is known better from the memory, and only its order counts.
fn instant(written: Wall, then: &Anchor, now: &Anchor) -> Mono {
    let possible = then.mono..=now.mono;
    let by_then = then.mono(written);
    [now.mono(written), by_then].into_iter().find(|at| possible.contains(at)).unwrap_or(by_then.min(now.mono))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_file_is_dated_by_the_clock_that_nobody_sets_whatever_happened_to_the_other() {
        let wall: Wall = "2026-03-01T12:00:00Z".parse().expect("an instant");
        let second = Duration::from_secs(1);
        let mono = Mono(1_000_000_000);
        let then = Anchor { mono, wall };
        let now =
            |step: i64| Anchor { mono: mono + 60 * second, wall: wall + jiff::SignedDuration::from_secs(60 + step) };
        // Nobody set it; set before the file was written; set after it; written before; in the future.
        assert_eq!(instant(wall + 20 * second, &then, &now(0)), mono + 20 * second);
        assert_eq!(instant(wall + 3620 * second, &then, &now(3600)), mono + 20 * second);
        assert_eq!(instant(wall + 20 * second, &then, &now(3600)), mono + 20 * second);
        assert_eq!(instant(wall - 20 * second, &then, &now(3600)), mono - 20 * second);
        assert_eq!(instant(wall + 99_999 * second, &then, &now(0)), mono + 60 * second);
        // A memory from the future, which nobody should have read, is no reason to panic.
        assert_eq!(instant(wall, &now(0), &then), mono);
        assert_eq!(instant(Wall::MIN, &then, &now(0)), Mono(0));
        assert_eq!(instant(Wall::MAX, &then, &now(0)), mono + 60 * second);
    }

    #[test]
    fn only_our_own_files_are_left_in_order() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["10.mp4", "9.mp4", "memory.json", ".ffmpeg", "9.mp4.part"] {
            std::fs::write(dir.path().join(name), b"footage").expect("a file");
        }
        std::fs::create_dir(dir.path().join("11.mp4")).expect("a directory");
        let then = Anchor { mono: Mono(0), wall: Wall::UNIX_EPOCH };
        let now = Anchor { mono: Mono(50_000_000), wall: Wall::now() };
        let files = files(dir.path(), &then, &now);
        let found: Vec<_> = files.iter().map(|file| (file.number, file.bytes)).collect();
        assert_eq!(found, [(9, 7), (10, 7)]);
        assert!(files.iter().all(|file| file.written <= now.mono && file.written > Mono(40_000_000)), "{files:?}");
    }
}
