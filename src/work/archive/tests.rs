//! The archive on real footage, on disks that fail, and after crashes at every byte.

#[path = "../../../tests/footage/mod.rs"]
mod footage;

mod changes;
mod faults;
mod follow;
mod kills;
mod listing;
mod naming;
mod recovery;
mod regrow;
mod verify;

use super::disk::Medium;
use super::*;
use crate::model::event::{Added, AppendFailure};
use crate::model::id::{CameraName, RunId, SegmentId};
use crate::model::record::{ClipState, Gap};
use crate::model::snapshot::ClipView;
use crate::model::time::{Mono, Wall, Window};
use crate::work::places;
use footage::{Codec, assert_is_tail};
pub(super) use kills::step;
use rstest::rstest;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::sync::Mutex;
use std::time::Duration;

const CLIP: ClipId = ClipId(7);

/// An archive and a ring in a place that cleans up after itself.
struct World {
    archive: Archive,
    events: mpsc::Receiver<Event>,
    dir: tempfile::TempDir,
    start: Wall,
}

fn camera() -> CameraName {
    "front-door".parse().expect("a valid name")
}

fn segment(number: u64) -> SegmentId {
    SegmentId { camera: camera(), number }
}

fn record(start: Wall) -> Arc<Record> {
    let to = start + Duration::from_secs(600);
    Arc::new(Record::empty(camera(), Window { from: start, to }))
}

fn blake3_of(path: &Path) -> String {
    let bytes = fs::read(path).expect("a file");
    blake3::hash(&bytes).to_string()
}

impl World {
    fn new() -> World {
        Self::on(Box::new(RealDisk))
    }

    fn on(disk: Box<dyn Disk>) -> World {
        Self::in_dir(tempfile::tempdir().expect("a place"), disk)
    }

    fn in_dir(dir: tempfile::TempDir, disk: Box<dyn Disk>) -> World {
        let (sender, events) = mpsc::channel(100);
        let ring = dir.path().join("ring");
        fs::create_dir_all(places::claims(&ring, &camera())).expect("a ring");
        let state = dir.path().join("state");
        let places = (ring, state.as_path());
        let archive =
            Archive::on(&dir.path().join("archive"), places, sender, TimeZone::UTC, disk).expect("an archive");
        let start = "2026-11-22T13:02:31Z".parse().expect("a time");
        World { archive, events, dir, start }
    }

    /// The same places after the recorder was killed and started again.
    async fn restart(self) -> (World, Recovered) {
        self.restart_with(Vec::new()).await
    }

    /// The same with what the killed recorder's memory tells.
    async fn restart_with(self, grew: Vec<Grew>) -> (World, Recovered) {
        let World { archive, dir, start, .. } = self;
        drop(archive);
        // Lanes hold the site, and with it the lock, until they notice.
        let (sender, events) = mpsc::channel(100);
        let open = || {
            let disk = Box::new(RealDisk);
            let state = dir.path().join("state");
            let places = (dir.path().join("ring"), state.as_path());
            Archive::on(&dir.path().join("archive"), places, sender.clone(), TimeZone::UTC, disk)
        };
        while in_use(&dir.path().join("archive")) {
            tokio::task::yield_now().await;
        }
        let mut archive = open().expect("an archive");
        let recovered = archive.recover(grew).await;
        (World { archive, events, dir, start }, recovered)
    }

    fn root(&self) -> &Path {
        &self.archive.site.root
    }

    fn claimed(&self, number: u64) -> PathBuf {
        places::claimed(&self.archive.site.ring, &segment(number))
    }

    /// Puts a finished segment where a claim puts it; it was closed `age` after the clip's beginning.
    fn claim(&self, number: u64, from: &Path, age: f64) {
        let to = self.claimed(number);
        fs::copy(from, &to).expect("copied");
        let closed = self.start + Duration::from_secs_f64(age);
        let file = OpenOptions::new().write(true).open(to).expect("there");
        file.set_modified(closed.into()).expect("dated");
    }

    fn order(&mut self, clip: ClipId, number: u64, run: u64, offset: f64) {
        let offset = Duration::from_secs_f64(offset);
        let (wall, record) = (self.start, record(self.start));
        self.archive.append(Append { clip, segment: segment(number), run: RunId(run), wall, offset, record });
    }

    async fn event(&mut self) -> Event {
        self.events.recv().await.expect("an event")
    }

    fn slot(&self, slot: u32) -> PathBuf {
        places::slot(&self.archive.site.ring, &camera(), slot)
    }

    /// Orders the following of a segment in its slot, which has the same number, and answers what came of it.
    async fn follow_until(
        &mut self,
        number: u32,
        run: u64,
        offset: f64,
        until: Instant,
    ) -> (Option<Added>, Option<Duration>) {
        let offset = Duration::from_secs_f64(offset);
        let (wall, record) = (self.start, record(self.start));
        let append = Append { clip: CLIP, segment: segment(number.into()), run: RunId(run), wall, offset, record };
        self.archive.follow(Follow { append, slot: number, until: Mono(0) }, until);
        match self.event().await {
            Event::Followed { clip: CLIP, segment: followed, added, more } if followed == segment(number.into()) => {
                (added, more)
            }
            other => panic!("{other:?}"),
        }
    }

    async fn follow(&mut self, number: u32, run: u64, offset: f64) -> Option<Added> {
        self.follow_until(number, run, offset, Instant::now() + Duration::from_secs(600)).await.0
    }

    /// Appends and expects that it works.
    async fn append(&mut self, number: u64, run: u64, offset: f64) -> Added {
        self.order(CLIP, number, run, offset);
        loop {
            match self.event().await {
                Event::ClipOpened { clip, .. } => assert_eq!(clip, CLIP),
                Event::Appended { added, .. } => break added,
                other => panic!("{other:?}"),
            }
        }
    }

    /// Appends and expects that it fails.
    async fn refuse(&mut self, number: u64) -> AppendFailure {
        self.order(CLIP, number, 0, 0.0);
        match self.event().await {
            Event::AppendFailed { failure, .. } => failure,
            other => panic!("{other:?}"),
        }
    }

    async fn close(&mut self) -> PathBuf {
        self.archive.close_clip(CLIP, record(self.start));
        match self.event().await {
            Event::ClipClosed { result, .. } => result.expect("closed").into(),
            other => panic!("{other:?}"),
        }
    }

    /// Claims and appends all, as one run whose stream time is our time.
    async fn store(&mut self, segments: &[PathBuf]) {
        for (number, path) in segments.iter().enumerate() {
            self.claim(number as u64, path, 2.0 * number as f64 + 2.0);
            self.append(number as u64, 0, 2.0 * number as f64).await;
        }
    }

    fn day(&self) -> PathBuf {
        self.root().join("front-door/2026-11-22")
    }

    /// All files of the day, sorted.
    fn files(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.day()) else { return Vec::new() };
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("an entry").file_name().into_string();
        let mut names: Vec<String> = entries.map(|entry| name(entry).expect("UTF-8")).collect();
        names.sort();
        names
    }
}

fn read_record(clip: &Path) -> Record {
    let text = fs::read(clip.with_extension("json")).expect("a record");
    serde_json::from_slice(&text).expect("a record")
}

/// The hash of the clip that comes of these segments when nothing fails.
async fn undisturbed(segments: &[PathBuf], source: &Path) -> String {
    let mut world = World::new();
    world.store(segments).await;
    let clip = world.close().await;
    assert_is_tail(&clip, source);
    blake3_of(&clip)
}

#[rstest]
#[tokio::test]
async fn a_clip_holds_every_packet_once_with_its_own_time(
    #[values(Codec::H264, Codec::H264WithBFrames, Codec::Hevc)] codec: Codec,
    #[values(0, 2)] first: usize,
) {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), codec, 9);
    let segments = footage::segments(&world.dir.path().join("slots"), &source);
    world.store(&segments[first..]).await;
    assert!(fs::read_dir(world.claimed(0).parent().expect("claims")).expect("claims").next().is_none());

    let part = world.day().join("front-door_2026-11-22_13-02-31+0000.mp4.part");
    assert_is_tail(&part, &source); // playable while it grows
    let clip = world.close().await;
    assert_eq!(world.files(), ["front-door_2026-11-22_13-02-31+0000.json", "front-door_2026-11-22_13-02-31+0000.mp4"]);
    assert_is_tail(&clip, &source);

    let record = read_record(&clip);
    assert_eq!(record.media, super::look(&segments[0]).0);
    let seconds = 9.0 - 2.0 * first as f64;
    assert_eq!(record.state, ClipState::Closed);
    assert_eq!(record.frames, (seconds * 25.0) as u64);
    assert!((record.seconds - seconds).abs() < 0.1, "{}", record.seconds);
    assert_eq!(record.bytes, fs::metadata(&clip).expect("a clip").len());
    assert_eq!(record.blake3.as_deref(), Some(blake3_of(&clip).as_str()));
    let media = record.media.expect("known");
    let name = if codec == Codec::Hevc { "hevc" } else { "h264" };
    assert_eq!((media.video.as_str(), media.width, media.height), (name, 320, 180));
    assert_eq!(media.audio.as_deref(), Some("aac"));
}

#[tokio::test]
async fn what_an_append_reports_is_what_is_on_the_disk() {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), Codec::H264, 5);
    let segments = footage::segments(&world.dir.path().join("slots"), &source);
    let part = world.day().join("front-door_2026-11-22_13-02-31+0000.mp4.part");
    let mut bytes = 0;
    for (number, path) in segments.iter().enumerate() {
        world.claim(number as u64, path, 0.0);
        let added = world.append(number as u64, 0, 2.0 * number as f64).await;
        bytes += added.bytes;
        assert_eq!((added.clip_bytes, bytes), (bytes, fs::metadata(&part).expect("a clip").len()));
        assert_eq!(&*added.blake3, blake3_of(&part));
        assert_eq!(added.hole, None);
    }
}

#[tokio::test]
async fn after_a_restart_of_ffmpeg_our_clock_says_how_long_the_hole_is() {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), Codec::H264WithBFrames, 4);
    let segments = footage::segments(&world.dir.path().join("slots"), &source);
    world.claim(0, &segments[0], 0.0);
    world.claim(1, &segments[0], 0.0);
    world.claim(2, &segments[1], 0.0);
    let first = world.append(0, 1, 0.0).await;
    let second = world.append(1, 2, 10.0).await; // the same times again, from another life
    let third = world.append(2, 2, 11.9).await; // our clock's jitter is not the stream's
    let hole = second.hole.expect("a hole");
    assert!((first.clip_length + hole).abs_diff(Duration::from_secs(10)) < Duration::from_millis(100), "{hole:?}");
    assert_eq!((first.hole, third.hole), (None, None));
    assert!(third.clip_length.abs_diff(Duration::from_secs(14)) < Duration::from_millis(100), "{third:?}");

    let clip = world.close().await;
    assert_eq!(footage::complaints(&clip), "");
    footage::assert_starts_at_zero(&clip);
    for (stream, track) in footage::packets(&clip) {
        assert!(track.is_sorted_by(|a, b| a.dts < b.dts), "stream {stream}");
    }
}

#[tokio::test]
async fn an_order_that_comes_twice_stores_once() {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), Codec::H264, 5);
    let segments = footage::segments(&world.dir.path().join("slots"), &source);
    world.store(&segments).await;
    world.claim(1, &segments[1], 0.0);
    let again = world.append(1, 0, 2.0).await;
    assert_eq!((again.bytes, again.hole), (0, None));
    assert!(!world.claimed(1).exists());
    assert_is_tail(&world.close().await, &source);
}

#[tokio::test]
async fn another_codec_needs_another_clip_and_nonsense_needs_none() {
    let mut world = World::new();
    let h264 = footage::make(world.dir.path(), Codec::H264, 3);
    let hevc = footage::make(world.dir.path(), Codec::Hevc, 3);
    let slot = |name: &str, source| footage::segments(&world.dir.path().join(name), source)[0].clone();
    let (h264, hevc) = (slot("a", &h264), slot("b", &hevc));
    world.claim(0, &h264, 0.0);
    world.append(0, 0, 0.0).await;

    world.claim(1, &hevc, 0.0);
    assert_eq!(world.refuse(1).await, AppendFailure::Different);
    assert!(world.claimed(1).exists(), "it is wanted elsewhere");

    fs::write(world.claimed(2), b"this is no footage at all").expect("written");
    let whole = fs::read(&h264).expect("a segment");
    fs::write(world.claimed(3), &whole[..2000]).expect("written"); // FFmpeg was killed before its first fragment
    assert_eq!(world.refuse(3).await, AppendFailure::Empty);
    assert!(!world.claimed(3).exists());
    for number in [2, 4] {
        let AppendFailure::Unusable(why) = world.refuse(number).await else { panic!("{number} was taken") };
        assert!(!why.is_empty());
        assert!(!world.claimed(number).exists());
    }
    fs::write(world.claimed(5), &whole[..whole.len() - 2000]).expect("written"); // killed later: all but the last GOP
    world.append(5, 0, 2.0).await;
    assert_eq!(footage::packets(&world.close().await)[&0].len(), 50 + 25);
}

/// One that was stopped may hang on the disk for long; the next records meanwhile, and never writes beside it.
#[tokio::test(start_paused = true)]
async fn an_archive_has_one_recorder_and_the_next_one_waits_for_it() {
    let World { archive, dir, .. } = World::new();
    let (events, mut heard) = mpsc::channel(10);
    let [ours, others] = ["state", "elsewhere"].map(|state| dir.path().join(state));
    let open = |state| Archive::open(&archive.site.root, dir.path().join("other"), state, events.clone());
    let stranger = open(&others).await.err().expect("refused");
    assert!(stranger.contains("in use by another recorder") && stranger.ends_with(')'), "{stranger}");
    let mut next = open(&ours).await.expect("it was there before");
    assert_eq!(next.recover(Vec::new()).await, Recovered::default());
    assert_eq!(heard.recv().await, Some(Event::ArchiveSpace(Err(stranger.clone()))));
    assert_eq!(next.home().dir().err(), Some(stranger));
    archive.finish().await;
    loop {
        match heard.recv().await {
            Some(Event::ClipsFound(_)) => {}
            Some(Event::ArchiveSpace(Ok(_))) => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(next.home().dir().is_ok());
}

#[tokio::test]
async fn a_clip_that_never_got_footage_closes_without_a_file() {
    let mut world = World::new();
    assert!(matches!(world.refuse(0).await, AppendFailure::Unusable(_)));
    assert_eq!(world.close().await, Path::new(""));
    assert!(world.files().is_empty());
    let World { archive, mut events, .. } = world;
    archive.finish().await;
    assert_eq!(events.recv().await, None);
}
