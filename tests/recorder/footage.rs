//! A hundred triggers at random instants, and every packet accounted for.

use super::feed::Feed;
use super::material::{Kind, Material, Packet, complaints, packets, scales};
use super::nvr_process::{Clip, Nvr, Place};
use super::smtp::lettre;
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::time::sleep_until;

const PRE_ROLL: Duration = Duration::from_secs(3);
const POST_ROLL: Duration = Duration::from_secs(5);
const CAMERAS: [(&str, Kind); 10] = [
    ("plain-1", Kind::H264),
    ("plain-2", Kind::H264),
    ("plain-3", Kind::H264),
    ("b-frames-1", Kind::BFrames),
    ("b-frames-2", Kind::BFrames),
    ("b-frames-3", Kind::BFrames),
    ("hevc-1", Kind::Hevc),
    ("hevc-2", Kind::Hevc),
    ("alaw-1", Kind::Alaw),
    ("alaw-2", Kind::Alaw),
];

/// A trigger's instant lies between these two, by the test's own clock.
#[derive(Debug, Clone, Copy)]
struct Fired {
    before: Instant,
    after: Instant,
}

/// Pauses between the triggers of one camera: in the middle of an event, at its very end, when its clip is still open
/// for a late one, and when it is closed. In milliseconds, and how many of each.
const PAUSES: [(std::ops::Range<u64>, usize); 4] =
    [(0..1000, 4), (4_000..6_000, 2), (7_000..13_500, 2), (13_500..16_000, 2)];

fn pauses(random: &mut fastrand::Rng) -> Vec<Duration> {
    let kinds = PAUSES.into_iter().flat_map(|(range, count)| std::iter::repeat_n(range, count));
    let mut pauses: Vec<_> = kinds.map(|range| Duration::from_millis(random.u64(range))).collect();
    random.shuffle(&mut pauses);
    pauses
}

/// Triggers a camera, by mail or by command.
async fn fire(nvr: &Nvr, camera: &str, by_mail: bool) -> Fired {
    let before = Instant::now();
    if by_mail {
        lettre(nvr, camera, "Motion Detected").await;
    } else {
        assert_eq!(nvr.trigger(camera).await, format!("{camera}: saving"));
    }
    Fired { before, after: Instant::now() }
}

#[tokio::test]
async fn a_hundred_triggers_and_every_packet_once() {
    let seed = std::env::var("NVR_TEST_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().expect("a seed"));
    println!("the same again: NVR_TEST_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let feeds: Vec<_> = CAMERAS.iter().map(|(_, kind)| Material::get(*kind, 150)).collect();
    let feeds: Vec<_> = feeds.into_iter().map(Feed::start).collect();
    let cameras: Vec<_> = feeds.iter().zip(CAMERAS).map(|(feed, (name, _))| feed.camera(name)).collect();
    let place = Place::new(cameras.concat());
    let mut nvr = place.start().await;
    nvr.recording(5).await;

    let plan = |random: &mut fastrand::Rng| {
        let pauses = pauses(random);
        pauses.into_iter().map(|pause| (pause, random.u8(0..3) == 0)).collect::<Vec<_>>()
    };
    let plans: Vec<_> = CAMERAS.iter().map(|_| plan(&mut random)).collect();
    let firing = plans.into_iter().zip(CAMERAS).map(|(plan, (camera, _))| {
        let nvr = &nvr;
        async move {
            let mut fired = Vec::new();
            let mut at = tokio::time::Instant::now();
            for (pause, by_mail) in plan {
                at += pause;
                sleep_until(at).await;
                fired.push(fire(nvr, camera, by_mail).await);
            }
            fired
        }
    });
    let fired = futures::future::join_all(firing).await;
    nvr.quiet(CAMERAS.len()).await;
    assert_eq!(nvr.picture().lost.segments, 0);
    nvr.stop().await;
    place.assert_tidy();

    let mut clips: BTreeMap<String, Vec<Clip>> = BTreeMap::new();
    for clip in place.clips() {
        clips.entry(clip.record.camera.to_string()).or_default().push(clip);
    }
    let count: usize = clips.values().map(Vec::len).sum();
    let triggers: usize = fired.iter().map(Vec::len).sum();
    assert_eq!(triggers, 100);
    println!("{triggers} triggers, {count} clips");
    std::thread::scope(|scope| {
        for ((feed, fired), (name, _)) in feeds.iter().zip(&fired).zip(CAMERAS) {
            let clips = &clips[name];
            scope.spawn(move || check_camera(name, feed, fired, clips));
        }
    });
}

/// The packets of one stream that a clip holds, as places in the material.
type Held = HashMap<usize, RangeInclusive<usize>>;

fn check_camera(name: &str, feed: &Feed, fired: &[Fired], clips: &[Clip]) {
    let triggers: usize = clips.iter().map(|clip| clip.record.triggers.len()).sum();
    assert_eq!(triggers, fired.len(), "{name}: every trigger stands in one record");
    let held: Vec<_> = clips.iter().map(|clip| check_clip(clip, &feed.material)).collect();
    for stream in 0..2 {
        let mut ranges: Vec<_> = held.iter().filter_map(|held| held.get(&stream)).collect();
        ranges.sort_by_key(|range| *range.start());
        let apart = ranges.windows(2).all(|pair| pair[0].end() < pair[1].start());
        assert!(apart, "{name}: a packet of stream {stream} is stored twice: {ranges:?}");
    }
    let sent = feed.sent();
    for (number, at) in fired.iter().enumerate() {
        let window = at.after - PRE_ROLL..=at.before + POST_ROLL;
        let wanted = |stream| {
            let packets = feed.material.stream(stream).enumerate();
            let wanted = packets.filter(|(_, (place, _))| sent[*place].is_some_and(|at| window.contains(&at)));
            let places: Vec<_> = wanted.map(|(nth, _)| nth).collect();
            *places.first().expect("packets in the window")..=*places.last().expect("packets in the window")
        };
        let covers = |held: &Held| {
            held.iter().all(|(stream, range)| {
                let wanted = wanted(*stream);
                range.start() <= wanted.start() && wanted.end() <= range.end()
            })
        };
        let found = held.iter().filter(|held| covers(held)).count();
        assert_eq!(found, 1, "{name}: trigger {number} wants {:?} and {:?} of {held:?}", wanted(0), wanted(1));
    }
}

/// A clip is a piece of the material without a flaw, and its record says so. Answers which piece.
fn check_clip(clip: &Clip, material: &Material) -> Held {
    let path = clip.path.as_path();
    assert_eq!(clip.record.gaps, [], "{path:?}");
    assert_eq!(complaints(path), "", "{path:?}");
    let (all, scales) = (packets(path), scales(path));
    let mut tracks: BTreeMap<usize, Vec<Packet>> = BTreeMap::new();
    for packet in all {
        tracks.entry(packet.stream).or_default().push(packet);
    }
    assert_eq!(tracks.len(), 2, "{path:?}: picture and sound");
    let earliest = tracks.values().flatten().map(|packet| packet.pts).min();
    assert_eq!(earliest, Some(0), "{path:?} begins at 0");
    assert_eq!(clip.record.frames, tracks[&0].len() as u64, "{path:?}");
    let ends = tracks.iter().map(|(stream, track)| track[track.len() - 1].dts as f64 / scales[*stream] as f64);
    let ends: Vec<_> = ends.collect();
    assert!((ends[0] - ends[1]).abs() < 0.5, "{path:?}: picture and sound end together: {ends:?}");

    let mut held = Held::new();
    for (stream, track) in &tracks {
        if material.kind == Kind::Alaw && *stream == 1 {
            // Encoded anew, so its packets are not the source's; its steps must be even all the same.
            let even = track.windows(2).all(|pair| pair[1].dts - pair[0].dts == 1024 && pair[1].pts == pair[1].dts);
            assert!(even && scales[1] == 8000, "{path:?}: uneven sound");
            continue;
        }
        held.insert(*stream, check_track(path, track, scales[*stream], material, *stream));
    }
    held
}

/// Every packet is the source's next one, and comes as long after the one before it as in the source.
fn check_track(path: &Path, track: &[Packet], scale: i64, material: &Material, stream: usize) -> RangeInclusive<usize> {
    let source: Vec<_> = material.stream(stream).map(|(_, packet)| packet).collect();
    let first = source.iter().position(|packet| packet.hash == track[0].hash);
    let first = first.unwrap_or_else(|| panic!("{path:?}/{stream}: a packet that nobody sent"));
    let source = &source[first..];
    let want = material.scales[stream];
    for (at, (got, sent)) in track.iter().zip(source).enumerate() {
        assert_eq!(got.hash, sent.hash, "{path:?}/{stream}: packet {at} is not the one that comes next");
        let step = |now: i64, first: i64, scale: i64| (now - first) * scale;
        let pts = (step(got.pts, track[0].pts, want), step(sent.pts, source[0].pts, scale));
        let dts = (step(got.dts, track[0].dts, want), step(sent.dts, source[0].dts, scale));
        assert_eq!((pts.0, dts.0), (pts.1, dts.1), "{path:?}/{stream}: packet {at} has moved");
    }
    assert!(track.len() <= source.len(), "{path:?}/{stream}: more packets than were sent");
    first..=first + track.len() - 1
}

/// Packets of a clip that followed each other in the material: for each stream, which.
pub struct Piece<'a> {
    feed: &'a Feed,
    held: Held,
}

impl Piece<'_> {
    /// Whether it holds that packet of the stream.
    pub fn holds(&self, stream: usize, nth: usize) -> bool {
        self.held.get(&stream).is_some_and(|held| held.contains(&nth))
    }

    /// All that was sent in this time is in it.
    pub fn covers(&self, window: RangeInclusive<Instant>) {
        let sent = self.feed.sent();
        for (stream, held) in &self.held {
            let packets = self.feed.material.stream(*stream).enumerate();
            let wanted = packets.filter(|(_, (place, _))| sent[*place].is_some_and(|at| window.contains(&at)));
            let missing: Vec<_> = wanted.map(|(nth, _)| nth).filter(|nth| !held.contains(nth)).collect();
            assert!(missing.is_empty(), "stream {stream} holds {held:?} and lacks {missing:?}");
        }
    }

    /// All of it was sent before all of another.
    pub fn ends_before(&self, other: &Piece) -> bool {
        self.held.iter().all(|(stream, held)| held.end() < other.held[stream].start())
    }
}

/// What a clip is made of: one piece, or more if there are gaps. Within a piece no packet is missing, and none comes
/// twice.
pub fn pieces<'a>(clip: &Clip, feed: &'a Feed) -> Vec<Piece<'a>> {
    let material = &feed.material;
    let mut pieces: Vec<Piece> = Vec::new();
    for stream in 0..2 {
        let places: HashMap<_, _> =
            material.stream(stream).enumerate().map(|(nth, (_, packet))| (packet.hash.as_str(), nth)).collect();
        let held = packets(&clip.path);
        let held = held.iter().filter(|packet| packet.stream == stream).map(|packet| places[packet.hash.as_str()]);
        let mut ranges: Vec<RangeInclusive<usize>> = Vec::new();
        for nth in held {
            match ranges.last_mut() {
                Some(range) if *range.end() + 1 == nth => *range = *range.start()..=nth,
                _ => ranges.push(nth..=nth),
            }
        }
        for (at, range) in ranges.into_iter().enumerate() {
            if pieces.len() <= at {
                pieces.push(Piece { feed, held: Held::new() });
            }
            pieces[at].held.insert(stream, range);
        }
    }
    pieces
}
