//! Following a segment while FFmpeg writes it.

use super::super::source::Walker;
use super::faults::Failing;
use super::*;
use crate::model::fmp4::Part;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::time::SystemTime;

/// Footage for all of these: a source, what the ring has of it, and the hash of the clip that comes of it.
struct Material {
    dir: tempfile::TempDir,
    source: PathBuf,
    segments: Vec<Vec<u8>>,
    clip: String,
}

impl Material {
    async fn new() -> Material {
        let dir = tempfile::tempdir().expect("a place");
        let source = footage::make(dir.path(), Codec::H264WithBFrames, 8);
        let paths = footage::segments(&dir.path().join("slots"), &source);
        let clip = undisturbed(&paths, &source).await;
        let segments = paths.iter().map(|path| fs::read(path).expect("a segment")).collect();
        Material { dir, source, segments, clip }
    }

    fn path(&self, number: usize) -> PathBuf {
        self.dir.path().join(format!("slots/{number}.mp4"))
    }

    /// A world whose clip has the first segment, and the first `bytes` of the second in its slot.
    async fn begun(&self, disk: Box<dyn Disk>, bytes: usize) -> World {
        let mut world = World::on(disk);
        world.claim(0, &self.path(0), 2.0);
        world.append(0, 0, 0.0).await;
        fs::write(world.slot(1), &self.segments[1][..bytes]).expect("written");
        world
    }

    /// Where the fragments of a segment end.
    fn ends(&self, number: usize) -> Vec<usize> {
        let mut walker = Walker::open(&self.path(number)).expect("a segment");
        let parts = std::iter::from_fn(|| walker.next().expect("whole"));
        let end = |part| match part {
            Part::Init(_) => None,
            Part::Fragment(fragment) => Some(fragment.range.end as usize),
        };
        parts.filter_map(end).collect()
    }
}

#[tokio::test]
async fn what_is_followed_tells_when_there_is_likely_to_be_more() {
    let m = Material::new().await;
    let ends = m.ends(1);
    let mut world = m.begun(Box::new(RealDisk), ends[0]).await;
    let group = Duration::from_secs(1);
    let until = Instant::now() + Duration::from_secs(600);
    let more = world.follow_until(1, 0, 2.0, until).await.1.expect("it goes on");
    assert!(more <= group && more > Duration::from_millis(500), "{more:?}");

    fs::write(world.slot(1), &m.segments[1][..ends[1]]).expect("written");
    let file = File::options().write(true).open(world.slot(1)).expect("a slot");
    file.set_modified(SystemTime::now() - group * 2).expect("a date");
    let (added, more) = world.follow_until(1, 0, 2.0, until).await;
    assert!(added.is_some() && more.is_none(), "what was due has not come, and nobody knows when: {more:?}");
}

/// The segment is finished: it is claimed and appended.
async fn finish(world: &mut World, number: u32) -> Added {
    fs::rename(world.slot(number), world.claimed(number.into())).expect("claimed");
    world.append(number.into(), 0, 2.0 * f64::from(number)).await
}

/// All that is left of the clip; in the end it is as if nothing had been followed.
async fn finish_all(m: &Material, mut world: World) {
    for number in 1..4u32 {
        fs::write(world.slot(number), &m.segments[number as usize]).expect("written");
        finish(&mut world, number).await;
    }
    let clip = world.close().await;
    assert_eq!(blake3_of(&clip), m.clip);
    assert_eq!(read_record(&clip).blake3.as_deref(), Some(m.clip.as_str()));
    assert_eq!(read_record(&clip).frames, 200);
}

#[test]
fn a_clip_that_followed_is_the_clip_that_did_not() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let m = runtime.block_on(Material::new());
    let cuts = prop::collection::vec(prop::collection::vec(0.0..1.0f64, 0..6), 4);
    let mut runner = TestRunner::new(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() });
    let tried = runner.run(&cuts, |cuts| {
        runtime.block_on(follow_in_pieces(&m, cuts));
        Ok(())
    });
    tried.unwrap_or_else(|error| panic!("{error}"));
}

/// Follows every segment each time that so much of it is there, and makes the same clip as if nothing were followed.
async fn follow_in_pieces(m: &Material, cuts: Vec<Vec<f64>>) {
    let mut world = World::new();
    let mut length = 0;
    for (number, mut cuts) in (0u32..).zip(cuts) {
        cuts.sort_by(f64::total_cmp);
        let (whole, ends) = (&m.segments[number as usize], m.ends(number as usize));
        let (before, mut frames) = (length, 0);
        for cut in cuts {
            let cut = (whole.len() as f64 * cut) as usize;
            fs::write(world.slot(number), &whole[..cut]).expect("written");
            if let Some(added) = world.follow(number, 0, 2.0 * f64::from(number)).await {
                (length, frames) = (length + added.bytes, frames + added.frames);
                assert_eq!(added.clip_bytes, length);
            }
            let there = ends.iter().filter(|end| **end <= cut).count() as u64;
            assert_eq!(frames, if number == 0 { 0 } else { 25 * there }, "a clip is opened by a whole segment");
        }
        fs::write(world.slot(number), whole).expect("written");
        let added = finish(&mut world, number).await;
        assert_eq!((added.frames, added.hole), (50, None), "it counts as if nothing had been followed");
        length = added.clip_bytes;
        assert_eq!(added.bytes, length - before);
    }
    let clip = world.close().await;
    assert_eq!(blake3_of(&clip), m.clip);
    assert_eq!(read_record(&clip).frames, 200);
}

#[tokio::test]
async fn after_a_power_cut_the_clip_has_what_was_followed() {
    let m = Material::new().await;
    let mut world = m.begun(Box::new(RealDisk), m.ends(1)[0] + 3000).await;
    let added = world.follow(1, 0, 2.0).await.expect("a GOP");
    assert_eq!(added.frames, 25);
    fs::remove_file(world.slot(1)).expect("RAM is gone");
    let (_world, recovered) = world.restart().await;
    let clip = Path::new(&recovered.clips[0].path);
    let record = read_record(clip);
    assert_eq!((record.state, record.frames), (ClipState::Interrupted, 75));
    assert_eq!(record.blake3.as_deref(), Some(&*added.blake3));
    assert_eq!(footage::complaints(clip), "");
    let (got, want) = (footage::packets(clip), footage::packets(&m.source));
    assert!(got[&0].iter().zip(&want[&0]).all(|(got, want)| got.hash == want.hash));
}

#[tokio::test]
async fn only_what_surely_belongs_there_is_followed() {
    let m = Material::new().await;
    let mut world = m.begun(Box::new(RealDisk), m.segments[1].len()).await;
    let part = world.day().join(&world.files()[1]);
    let before = blake3_of(&part);
    assert_eq!(world.follow_until(1, 0, 2.0, Instant::now()).await, (None, None), "FFmpeg may be writing over it");
    assert_eq!(world.follow(1, 1, 2.0).await, None, "another life of FFmpeg has times of its own");
    fs::write(world.slot(0), &m.segments[0]).expect("written");
    assert_eq!(world.follow(0, 0, 0.0).await, None, "it is in the clip");
    fs::write(world.slot(2), &m.segments[2]).expect("written");
    assert_eq!(world.follow(2, 0, 4.0).await, None, "there is a hole in front of it");
    fs::write(world.slot(3), &m.segments[0]).expect("written");
    assert_eq!(world.follow(3, 0, 6.0).await, None, "its clock has jumped back");
    let hevc = footage::make(world.dir.path(), Codec::Hevc, 3);
    let hevc = footage::segments(&world.dir.path().join("hevc"), &hevc);
    fs::copy(&hevc[1], world.slot(4)).expect("written");
    assert_eq!(world.follow(4, 0, 2.0).await, None, "another codec");
    assert_eq!(world.follow(5, 0, 2.0).await, None, "it is not there");
    fs::write(world.slot(6), "nonsense").expect("written");
    assert_eq!(world.follow(6, 0, 2.0).await, None);
    assert_eq!(blake3_of(&part), before);
    finish_all(&m, world).await;
}

#[tokio::test]
async fn what_was_followed_and_became_something_else_is_taken_back() {
    let m = Material::new().await;
    let mut world = m.begun(Box::new(RealDisk), m.segments[1].len()).await;
    let mut other = m.segments[1].clone();
    // Two frames of other sizes, in a fragment of the same size. Each has its size in front of its place on the screen.
    let sizes = other.windows(4).position(|kind| kind == b"trun").expect("frames") + 20;
    let (second, third) = (sizes + 8, sizes + 16);
    assert_ne!(other[second..second + 4], other[third..third + 4]);
    (0..4).for_each(|byte| other.swap(second + byte, third + byte));
    fs::write(world.slot(1), &other).expect("written");
    assert_eq!(world.follow(1, 0, 2.0).await.map(|added| added.frames), Some(50));
    finish_all(&m, world).await;
}

#[tokio::test]
async fn what_goes_into_another_clip_goes_there_whole() {
    let m = Material::new().await;
    let mut world = m.begun(Box::new(RealDisk), m.ends(1)[0]).await;
    let part = world.day().join(&world.files()[1]);
    let before = blake3_of(&part);
    world.follow(1, 0, 2.0).await.expect("a GOP");
    let hevc = footage::make(world.dir.path(), Codec::Hevc, 3);
    let hevc = footage::segments(&world.dir.path().join("hevc"), &hevc);
    world.claim(1, &hevc[0], 4.0);
    assert_eq!(world.refuse(1).await, AppendFailure::Different);
    assert_eq!(blake3_of(&part), before);
    finish_all(&m, world).await;
}

#[tokio::test]
async fn a_follow_that_fails_at_any_step_costs_nothing() {
    let m = Material::new().await;
    for first in 0..4 {
        for failures in 1..3 {
            let disk = Failing::default();
            let plan = disk.plan();
            let mut world = m.begun(Box::new(disk), m.ends(1)[0]).await;
            let part = world.day().join(&world.files()[1]);
            let before = blake3_of(&part);
            Failing::fail(&plan, first..first + failures);
            let added = world.follow(1, 0, 2.0).await;
            assert_eq!(added.is_none(), first < 2, "a write and a sync");
            if added.is_none() && failures == 1 {
                assert_eq!(blake3_of(&part), before, "it is cut back");
            }
            Failing::fail(&plan, 0..0);
            finish_all(&m, world).await;
        }
    }
}

#[tokio::test]
async fn nobody_waits_for_the_following_of_a_clip_that_is_not_there() {
    let m = Material::new().await;
    let mut world = m.begun(Box::new(RealDisk), m.segments[1].len()).await;
    world.close().await;
    assert_eq!(world.follow(1, 0, 2.0).await, None);
    let World { archive, mut events, .. } = world;
    archive.finish().await;
    assert_eq!(events.recv().await, None);
}
