//! A recorder that is killed and started again goes on with its clip: at every step of it, and at every step of going on.

use super::kills::{Film, Seen, copy, fragments, without_header};
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
        vec![Grew { clip: CLIP, camera: camera(), name, path: None, first: Some(0), waiting }]
    }
}

/// The segments of a clip: by which life of FFmpeg, and when.
struct Story {
    place: tempfile::TempDir,
    segments: Vec<PathBuf>,
    /// The clip's fragments, in order.
    all: Vec<String>,
    /// The hash of the clip, unless a kill may change the times in it.
    clip: Option<String>,
}

const RUNS: [(u64, f64); 4] = [(3, 1.5), (3, 3.5), (4, 30.0), (4, 32.0)];

impl Story {
    /// `jump`: the stream's clock jumps back inside the last segment.
    async fn new(jump: bool) -> Story {
        let place = tempfile::tempdir().expect("a place");
        let first = footage::make(place.path(), Codec::H264WithBFrames, 4);
        let second = footage::make(place.path(), Codec::H264WithBFrames, 5);
        let mut segments = footage::segments(&place.path().join("first"), &first);
        segments.extend(footage::segments(&place.path().join("second"), &second).drain(..2));
        if jump {
            let mut jumping = fs::read(&segments[3]).expect("a segment");
            jumping.extend(without_header(&segments[2]));
            fs::write(&segments[3], jumping).expect("written");
        }
        let all = segments.iter().flat_map(|segment| fragments(segment)).collect();
        let mut story = Story { place, segments, all, clip: None };
        let mut world = World::new();
        for (number, (run, offset)) in (0..).zip(RUNS) {
            world.claim(number, &story.segments[number as usize], offset + 2.0);
            world.append(number, run, offset).await;
        }
        let clip = world.close().await;
        story.assert_whole(&clip, "undisturbed");
        story.clip = (!jump).then(|| blake3_of(&clip));
        story
    }

    fn assert_whole(&self, clip: &Path, what: &str) {
        assert_eq!(fragments(clip), self.all, "{what}");
        let hash = blake3_of(clip);
        assert!(self.clip.as_ref().is_none_or(|undisturbed| *undisturbed == hash), "{what}: other times");
        let record = read_record(clip);
        assert_eq!(
            (record.blake3.as_deref(), record.frames),
            (Some(hash.as_str()), 25 * self.all.len() as u64),
            "{what}"
        );
    }

    /// Does all that is left to do, to the closing of the clip.
    async fn live(&self, world: &mut World, mut known: Known, what: &str) {
        let ring = world.archive.site.ring.clone();
        for number in 0..4u32 {
            let (segment, (run, offset)) = (u64::from(number), RUNS[number as usize]);
            let (slot, claimed) = (world.slot(number), world.claimed(segment));
            let waits = known.waiting == Some(segment);
            if !waits && segment < known.next || waits && !slot.exists() && !claimed.exists() {
                continue; // it is stored, whether or not anybody has heard of it
            }
            if !claimed.exists() {
                let whole = fs::read(&self.segments[number as usize]).expect("a segment");
                for part in [whole.len() / 3, whole.len() * 2 / 3] {
                    fs::write(&slot, &whole[..part]).expect("written");
                    let followed = world.follow(number, run, offset).await;
                    assert!(followed.is_none() || number % 2 == 1, "{what}: its times were not known to go on");
                }
                fs::write(&slot, &whole).expect("written");
                (known.waiting, known.next) = (Some(segment), segment + 1);
                known.write(&ring);
                step(&slot);
                fs::rename(&slot, &claimed).expect("claimed");
            }
            let added = world.append(segment, run, offset).await;
            let frames = 25 * fragments(&self.segments[number as usize]).len() as u64;
            assert_eq!(added.frames, frames, "{what}: {number}");
            // A clock that jumps back leaves no way to tell.
            assert!(added.hole.is_some() == (number == 2) || self.clip.is_none(), "{what}: {number} {added:?}");
            assert!(!claimed.exists(), "{what}: {number}");
            known.name = world.files().iter().find_map(|name| name.strip_suffix(".mp4.part")).map(str::to_owned);
            known.waiting = None;
            step(&slot);
            known.write(&ring);
        }
        let clip = world.close().await;
        self.assert_whole(&clip, what);
        assert_eq!(world.files().len(), 2, "{what}: {:?}", world.files());
    }

    /// A recorder's life from the first segment to the closing of the clip, on film.
    async fn film(&self) -> Vec<kills::Instant> {
        let mut world = World::on(Box::new(Seen));
        let film = Film::of(world.dir.path(), self.place.path().join("film"));
        self.live(&mut world, Known::default(), "the first life").await;
        film.end()
    }

    /// A new recorder goes on from there to the end, and the clip is as if nothing had happened.
    async fn go_on(&self, from: &kills::Instant, what: &str) {
        let dir = tempfile::tempdir().expect("a place");
        copy(&from.dir, dir.path());
        self.go_on_in(World::in_dir(dir, Box::new(Seen)), what).await;
    }

    /// The same, and answers what there was at each step of it.
    async fn film_going_on(&self, from: &kills::Instant, what: &str) -> Vec<kills::Instant> {
        let dir = tempfile::tempdir().expect("a place");
        copy(&from.dir, dir.path());
        let film = Film::of(dir.path(), from.dir.join("film"));
        let _world = self.go_on_in(World::in_dir(dir, Box::new(Seen)), what).await;
        film.end()
    }

    async fn go_on_in(&self, mut world: World, what: &str) -> World {
        let known = Known::read(&world.archive.site.ring);
        let recovered = world.archive.recover(known.grew()).await;
        assert_eq!(recovered.regrown.len(), 1, "{what}: {recovered:?}");
        match &recovered.regrown[0].state {
            Remains::Growing { file, added } => {
                assert_eq!((added.bytes, added.frames, added.hole), (0, 0, None));
                assert_eq!(fs::metadata(&file.path).expect("a clip").len(), added.clip_bytes, "{what}");
                assert_eq!(*added.blake3, *blake3_of(Path::new(&file.path)), "{what}");
                assert!(known.name.as_ref().is_none_or(|name| *name == file.name), "{what}");
                assert!(recovered.clips.is_empty(), "{what}");
                self.live(&mut world, known, what).await;
            }
            Remains::Closed { path } => self.assert_whole(Path::new(path), what),
            Remains::Away | Remains::Elsewhere { .. } => panic!("{what}: {recovered:?}"),
            Remains::Nothing => {
                assert_eq!(known.name, None, "{what}");
                self.live(&mut world, known, what).await;
            }
        }
        world
    }
}

#[rstest]
#[tokio::test]
async fn a_clip_goes_on_from_a_kill_at_any_step_as_if_nothing_had_happened(#[values(false, true)] jump: bool) {
    let story = Story::new(jump).await;
    let frames = story.film().await;
    assert!(frames.len() > 60, "{}", frames.len());
    for (number, frame) in frames.iter().enumerate() {
        story.go_on(frame, &format!("step {number}")).await;
    }
}

#[tokio::test]
async fn and_from_a_second_kill_at_any_step_of_going_on() {
    let story = Story::new(false).await;
    let frames = story.film().await;
    let number = frames.len() / 3;
    let again = story.film_going_on(&frames[number], &format!("step {number}")).await;
    for (step, frame) in again.iter().enumerate() {
        story.go_on(frame, &format!("step {number}, then {step}")).await;
    }
}

/// A clip with a segment in it, and one more that it does not know, claimed.
async fn begun() -> (World, Vec<PathBuf>, PathBuf) {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), Codec::H264, 8);
    let segments = footage::segments(&world.dir.path().join("slots"), &source);
    world.claim(0, &segments[0], 2.0);
    world.append(0, 0, 0.0).await;
    world.claim(1, &segments[1], 4.0);
    let part = world.day().join(&world.files()[1]);
    (world, segments, part)
}

fn grew(name: Option<&str>, first: u64, waiting: &[u64]) -> Vec<Grew> {
    let (name, first) = (name.map(str::to_owned), Some(first));
    vec![Grew { clip: CLIP, camera: camera(), name, path: None, first, waiting: waiting.to_vec() }]
}

const NAME: &str = "front-door_2026-11-22_13-02-31+0000";

#[tokio::test]
async fn what_is_not_known_to_go_on_is_finished_beside_it() {
    let (world, segments, _) = begun().await;
    world.claim(2, &segments[3], 60.0); // a leftover that nobody knows of
    fs::copy(&segments[2], world.day().join("front-door_2026-11-22_11-00-00+0000.mp4.part")).expect("copied");
    let (mut world, recovered) = world.restart_with(grew(Some(NAME), 0, &[1])).await;
    assert!(matches!(recovered.regrown[0].state, Remains::Growing { .. }), "{recovered:?}");
    assert_eq!(recovered.clips.len(), 2, "{recovered:?}");
    assert!(world.claimed(1).exists() && !world.claimed(2).exists());
    world.append(1, 0, 2.0).await;
    assert_eq!(read_record(&world.close().await).frames, 100);
}

#[tokio::test]
async fn a_clip_of_another_time_with_the_same_numbers_is_not_taken_for_it() {
    let (world, segments, part) = begun().await;
    // The memory is of a recorder that was killed before it opened its clip, for which this segment 0 waits.
    world.claim(0, &segments[2], 60.0);
    let (mut world, recovered) = world.restart_with(grew(None, 0, &[0])).await;
    assert_eq!(recovered.regrown[0].state, Remains::Nothing);
    assert!(!part.exists() && part.with_extension("").exists(), "it is finished");
    world.append(0, 1, 0.0).await;
    let clip = world.close().await;
    assert_eq!((read_record(&clip).frames, clip == part.with_extension("")), (50, false));
}

#[tokio::test]
async fn another_life_that_makes_the_same_bytes_is_not_taken_for_the_same_footage() {
    let (world, segments, _) = begun().await;
    let (mut world, recovered) = world.restart_with(grew(Some(NAME), 0, &[1])).await;
    assert!(matches!(recovered.regrown[0].state, Remains::Growing { .. }), "{recovered:?}");
    world.claim(2, &segments[0], 60.0); // as a synthetic camera does that begins anew
    let added = world.append(2, 1, 58.0).await;
    assert!(added.hole.is_some());
    assert_eq!(read_record(&world.close().await).frames, 100);
}

#[tokio::test]
async fn a_clock_that_jumps_back_to_the_same_bytes_brings_them_again() {
    let (mut world, segments, _) = begun().await;
    world.append(1, 0, 2.0).await;
    let (mut world, recovered) = world.restart_with(grew(Some(NAME), 0, &[2])).await;
    assert!(matches!(recovered.regrown[0].state, Remains::Growing { .. }), "{recovered:?}");
    world.claim(2, &segments[0], 6.0); // as a looping source does
    world.append(2, 0, 4.0).await;
    assert_eq!(read_record(&world.close().await).frames, 150);
}

#[tokio::test]
async fn a_clip_that_lost_its_record_grows_on_by_our_clock() {
    let (world, _, part) = begun().await;
    fs::remove_file(part.with_file_name(format!("{NAME}.json"))).expect("its record");
    let (mut world, recovered) = world.restart_with(grew(Some(NAME), 0, &[1])).await;
    assert!(matches!(recovered.regrown[0].state, Remains::Growing { .. }), "{recovered:?}");
    let added = world.append(1, 0, 2.0).await;
    assert!(added.clip_length.abs_diff(Duration::from_secs(4)) < Duration::from_millis(100), "{added:?}");
    assert_eq!(footage::complaints(&world.close().await), "");
}

#[tokio::test]
async fn a_clip_that_is_gone_or_unreadable_is_begun_anew() {
    for damage in ["gone", "unreadable"] {
        let (world, _, part) = begun().await;
        match damage {
            "gone" => fs::remove_file(&part).expect("removed"),
            _ => fs::write(&part, b"\0\0\0\x04moov: damaged beyond reading").expect("written"),
        }
        let (mut world, recovered) = world.restart_with(grew(Some(NAME), 0, &[1])).await;
        assert_eq!(recovered.regrown[0].state, Remains::Nothing);
        assert!(world.claimed(1).exists());
        world.append(1, 0, 2.0).await;
        let clip = world.close().await;
        assert_eq!(read_record(&clip).frames, 50);
        assert_eq!(part.exists(), damage == "unreadable", "it stays for a person to look at");
    }
}
