//! A recorder that is killed and started again goes on with its clip: at every step of it, and at every step of going on.

use super::kills::{Film, Seen, copy};
use super::*;
use crate::model::memory::Remains;
use serde::{Deserialize, Serialize};

/// What a killed recorder would know, as the model keeps it: written before what follows from it is done.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Known {
    name: Option<String>,
    /// Claimed and, as far as is known, not stored.
    waiting: Option<u64>,
    /// Of which nothing has been wanted yet.
    next: u64,
}

impl Known {
    fn file(ring: &Path) -> PathBuf {
        places::ring(ring, &camera()).join("known")
    }

    fn write(&self, ring: &Path) {
        fs::write(Self::file(ring), serde_json::to_vec(self).expect("JSON")).expect("written");
    }

    fn read(ring: &Path) -> Known {
        fs::read(Self::file(ring))
            .map_or_else(|_| Known::default(), |text| serde_json::from_slice(&text).expect("JSON"))
    }

    fn grew(&self) -> Vec<Grew> {
        let (name, waiting) = (self.name.clone(), self.waiting.into_iter().collect());
        vec![Grew { clip: CLIP, camera: camera(), name, first: Some(0), waiting }]
    }
}

/// The segments of a clip: by which life of FFmpeg, and when.
struct Story {
    place: tempfile::TempDir,
    segments: Vec<PathBuf>,
    clip: String,
}

const RUNS: [(u64, f64); 4] = [(3, 1.5), (3, 3.5), (4, 30.0), (4, 32.0)];

impl Story {
    async fn new() -> Story {
        let place = tempfile::tempdir().expect("a place");
        let first = footage::make(place.path(), Codec::H264WithBFrames, 4);
        let second = footage::make(place.path(), Codec::H264WithBFrames, 5);
        let mut segments = footage::segments(&place.path().join("first"), &first);
        segments.extend(footage::segments(&place.path().join("second"), &second).drain(..2));
        let mut story = Story { place, segments, clip: String::new() };
        let mut world = World::new();
        for number in 0..4 {
            story.step(&mut world, number).await;
        }
        story.clip = sha256(&world.close().await);
        story
    }

    /// Claims a segment as a whole and appends it.
    async fn step(&self, world: &mut World, number: u64) -> Added {
        let (run, offset) = RUNS[number as usize];
        world.claim(number, &self.segments[number as usize], offset + 2.0);
        world.append(number, run, offset).await
    }

    /// A recorder's life from the first segment to the closing of the clip, on film.
    async fn film(&self) -> Vec<kills::Instant> {
        let mut world = World::on(Box::new(Seen));
        let film = Film::of(world.dir.path(), self.place.path().join("film"));
        let ring = world.archive.site.ring.clone();
        let mut known = Known::default();
        for number in 0..4u32 {
            let (run, offset) = RUNS[number as usize];
            let whole = fs::read(&self.segments[number as usize]).expect("a segment");
            for part in [whole.len() / 3, whole.len() * 2 / 3] {
                fs::write(world.slot(number), &whole[..part]).expect("written");
                let followed = world.follow(number, run, offset).await;
                assert!(followed.is_none() || number % 2 == 1, "what is known to go on");
            }
            fs::write(world.slot(number), &whole).expect("written");
            (known.waiting, known.next) = (Some(number.into()), u64::from(number) + 1);
            known.write(&ring);
            step(&world.slot(number));
            fs::rename(world.slot(number), world.claimed(number.into())).expect("claimed");
            world.append(number.into(), run, offset).await;
            known.name = world.files().iter().find_map(|name| name.strip_suffix(".mp4.part")).map(str::to_owned);
            known.waiting = None;
            step(&world.slot(number));
            known.write(&ring);
        }
        world.close().await;
        film.end()
    }

    /// A new recorder goes on from there to the end; the clip is as if nothing had happened.
    async fn go_on(&self, from: &Path, what: &str) {
        let dir = tempfile::tempdir().expect("a place");
        copy(from, dir.path());
        let known = Known::read(&dir.path().join("ring"));
        let mut world = World::in_dir(dir, Box::new(RealDisk));
        let recovered = world.archive.recover(known.grew()).await;
        assert_eq!(recovered.regrown.len(), 1, "{what}: {recovered:?}");
        match &recovered.regrown[0].state {
            Remains::Growing { file, added } => {
                assert_eq!((added.bytes, added.frames, added.hole), (0, 0, None));
                assert_eq!(fs::metadata(&file.path).expect("a clip").len(), added.clip_bytes, "{what}");
                assert_eq!(*added.sha256, *sha256(Path::new(&file.path)), "{what}");
                assert!(known.name.as_ref().is_none_or(|name| *name == file.name), "{what}");
                assert!(recovered.clips.is_empty(), "{what}");
            }
            Remains::Closed { path } => {
                assert_eq!(sha256(Path::new(path)), self.clip, "{what}");
                return;
            }
            Remains::Nothing => assert_eq!(known.name, None, "{what}"),
        }
        for number in 0..4 {
            let slot = world.slot(number as u32);
            if known.waiting == Some(number) && !world.claimed(number).exists() && !slot.exists() {
                continue; // stored, and nobody heard of it
            }
            if known.waiting == Some(number) || known.next <= number {
                let added = self.step(&mut world, number).await;
                assert_eq!(added.frames, 50, "{what}: {number}");
                assert_eq!(added.hole.is_some(), number == 2, "{what}: {number} {added:?}");
            }
            assert!(!world.claimed(number).exists(), "{what}: {number}");
        }
        let clip = world.close().await;
        assert_eq!(sha256(&clip), self.clip, "{what}: {recovered:?}");
        let record = read_record(&clip);
        assert_eq!((record.sha256.as_deref(), record.frames), (Some(self.clip.as_str()), 200), "{what}");
        assert_eq!(world.files().len(), 2, "{what}: {:?}", world.files());
    }
}

#[tokio::test]
async fn a_clip_goes_on_from_a_kill_at_any_step_as_if_nothing_had_happened() {
    let story = Story::new().await;
    let frames = story.film().await;
    assert!(frames.len() > 60, "{}", frames.len());
    for (number, frame) in frames.iter().enumerate() {
        story.go_on(&frame.dir, &format!("step {number}")).await;
    }
}

#[tokio::test]
async fn a_kill_at_any_step_of_going_on_changes_nothing() {
    let story = Story::new().await;
    for (number, frame) in story.film().await.iter().enumerate().step_by(5) {
        let known = Known::read(&frame.dir.join("ring"));
        let film = Film::of(&frame.dir, frame.dir.join("film"));
        frame.recover_with(known.grew()).await;
        for (step, again) in film.end().iter().enumerate() {
            story.go_on(&again.dir, &format!("step {number}, then {step}")).await;
        }
    }
}
