//! The box walk on real, damaged and invented files, and what a clip's time does when the stream's breaks.

mod footage;

use footage::Codec;
use nvr::model::fmp4::{Arrival, Fragment, Init, Malformed, Part, Timeline, Walk};
use proptest::prelude::*;
use std::ops::Range;
use std::sync::OnceLock;
use std::time::Duration;

/// What a walk found in a file.
#[derive(Debug, Default)]
struct Walked {
    init: Option<Init>,
    fragments: Vec<Fragment>,
    whole: u64,
    cut: bool,
    error: Option<Malformed>,
}

impl Walked {
    fn init(&self) -> &Init {
        self.init.as_ref().expect("a header")
    }

    fn moofs(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let moof = |it: &Fragment| bytes[it.range.start as usize..(it.range.start + it.moof) as usize].to_vec();
        self.fragments.iter().map(moof).collect()
    }
}

fn walk(bytes: &[u8]) -> Walked {
    let mut walk = Walk::new(bytes.len() as u64);
    let mut walked = Walked::default();
    let mut steps = 0;
    while let Some(range) = walk.wants() {
        steps += 1;
        assert!(steps <= bytes.len() + 2, "it goes on for ever");
        assert!(range.end <= bytes.len() as u64, "it wants what is not there");
        match walk.give(&bytes[range.start as usize..range.end as usize]) {
            Ok(Some(Part::Init(init))) => walked.init = Some(init),
            Ok(Some(Part::Fragment(fragment))) => walked.fragments.push(fragment),
            Ok(None) => {}
            Err(error) => walked.error = Some(error),
        }
    }
    (walked.whole, walked.cut) = (walk.whole(), walk.is_cut());
    walked
}

/// Two segments of B-frames with sound, as FFmpeg left them in the ring.
fn real() -> &'static [Vec<u8>] {
    static REAL: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    REAL.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a place");
        let source = footage::make(dir.path(), Codec::H264WithBFrames, 4);
        let paths = footage::segments(&dir.path().join("slots"), &source);
        paths.iter().map(|path| std::fs::read(path).expect("a segment")).collect()
    })
}

/// Where a box's body begins: the `nth` of that kind anywhere in the bytes.
fn body(bytes: &[u8], kind: &[u8; 4], nth: usize) -> usize {
    bytes.windows(4).enumerate().filter(|(_, window)| window == kind).nth(nth).expect("such a box").0 + 4
}

#[test]
fn a_real_segment_is_understood() {
    let walked = walk(&real()[0]);
    assert_eq!((walked.fragments.len(), walked.cut, walked.error), (2, false, None));
    let init = walked.init();
    let media = init.media().expect("pictures");
    assert_eq!((media.video.as_str(), media.audio.as_deref()), ("h264", Some("aac")));
    assert_eq!((media.width, media.height), (320, 180));
    assert_eq!(
        init.tracks.iter().map(|track| (track.timescale, track.offset)).collect::<Vec<_>>(),
        [(12800, -1024), (48000, 0)]
    );
    assert!(init.goes_on_with(walk(&real()[1]).init()));
    let samples: u64 = walked.fragments.iter().map(|fragment| fragment.trafs[0].samples).sum();
    let ticks: u64 = walked.fragments.iter().map(|fragment| fragment.trafs[0].duration).sum();
    assert_eq!((samples, ticks), (50, 50 * 512));
    assert_eq!(walked.fragments[1].trafs[0].time - walked.fragments[0].trafs[0].time, 25 * 512);
    assert_eq!(real()[0][walked.whole as usize + 4..][..4], *b"mfra");
}

#[test]
fn a_fragment_tells_when_it_is_shown_and_can_be_jumped_to() {
    for (nth, bytes) in real().iter().enumerate() {
        let walked = walk(bytes);
        let shown: Vec<_> = walked.fragments.iter().map(|it| it.shown(walked.init()).expect("pictures")).collect();
        // The sound begins at 0, the pictures two frames later: that is how FFmpeg makes room for B-frames.
        let second = |n: usize| Duration::from_millis(1000 * n as u64 + 80);
        assert_eq!(shown[0], second(2 * nth)..second(2 * nth + 1));
        assert_eq!(shown[1], second(2 * nth + 1)..second(2 * nth + 2));

        let last = &walked.fragments[1];
        let next_after = |to: u64| {
            let mut walk = Walk::new(bytes.len() as u64);
            while walk.init().is_none() {
                let range = walk.wants().expect("a header");
                walk.give(&bytes[range.start as usize..range.end as usize]).expect("well-formed");
            }
            walk.jump(to);
            while let Some(range) = walk.wants() {
                match walk.give(&bytes[range.start as usize..range.end as usize]) {
                    Ok(Some(Part::Fragment(fragment))) => return Some(fragment),
                    Ok(Some(Part::Init(_)) | None) => {}
                    Err(_) => return None,
                }
            }
            None
        };
        assert_eq!(next_after(last.range.start).as_ref(), Some(last));
        for nowhere in [last.range.start + 1, last.range.end - 9, bytes.len() as u64, u64::MAX] {
            assert_eq!(next_after(nowhere), None, "{nowhere}");
        }
    }
}

#[test]
fn wherever_a_file_is_cut_the_whole_fragments_before_are_found() {
    let bytes = &real()[0];
    let walked = walk(bytes);
    let ends: Vec<u64> = walked.fragments.iter().map(|fragment| fragment.range.end).collect();
    let header = walked.init().ranges.last().expect("moov").end;
    for length in 0..bytes.len() {
        let cut = walk(&bytes[..length]);
        let count = ends.iter().filter(|end| **end <= length as u64).count();
        let whole = ends[..count].last().copied().unwrap_or(if header <= length as u64 { header } else { 0 });
        assert_eq!((cut.fragments.len(), cut.whole, cut.error), (count, whole, None), "cut at {length}");
    }
}

#[test]
fn odd_boxes_between_the_fragments_do_no_harm() {
    let bytes = &real()[0];
    let walked = walk(bytes);
    let mut odd = Vec::new();
    let mut put = |range: Range<u64>, more: &[u8]| {
        odd.extend_from_slice(&bytes[range.start as usize..range.end as usize]);
        odd.extend_from_slice(more);
    };
    for range in &walked.init().ranges {
        put(range.clone(), b"\0\0\0\x0cfree1234");
    }
    put(walked.fragments[0].range.clone(), b"\0\0\0\x08styp\0\0\0\x0csidx....\0\0\0\x01what\0\0\0\0\0\0\0\x12??");
    put(walked.fragments[1].range.clone(), b"\0\0\0\0skip to the end of the file");
    let again = walk(&odd);
    assert_eq!((again.fragments.len(), again.cut, again.error), (2, false, None));
    assert_eq!(again.moofs(&odd), walked.moofs(bytes));
    assert_eq!(again.whole, again.fragments[1].range.end);
}

#[test]
fn a_long_run_without_bytes_costs_no_time() {
    let mut bytes = real()[0].clone();
    let trun = body(&bytes, b"trun", 0);
    bytes[trun..trun + 4].fill(0); // no fields a sample
    bytes[trun + 4..trun + 8].fill(0xff); // four billion of them
    let walked = walk(&bytes);
    assert_eq!(walked.fragments[0].trafs[0].samples, u64::from(u32::MAX));
}

/// Puts segments into one clip's time; the fragments come back as they would be read from the clip.
fn build(segments: &[&[u8]], arrivals: &[Arrival]) -> (Timeline, Vec<Fragment>, Vec<Option<Duration>>) {
    let init = walk(segments[0]).init().clone();
    let mut line = Timeline::new(&init);
    let mut clip: Vec<u8> =
        init.ranges.iter().flat_map(|it| &segments[0][it.start as usize..it.end as usize]).copied().collect();
    let mut holes = Vec::new();
    for (bytes, arrival) in segments.iter().zip(arrivals) {
        let walked = walk(bytes);
        holes.push(line.enter(walked.init(), &walked.fragments, *arrival).expect("sound"));
        for (fragment, mut moof) in walked.fragments.iter().zip(walked.moofs(bytes)) {
            line.take(fragment, &mut moof).expect("it fits");
            clip.extend_from_slice(&moof);
            clip.extend_from_slice(
                &bytes[(fragment.range.start + fragment.moof) as usize..fragment.range.end as usize],
            );
        }
    }
    let built = walk(&clip);
    assert_eq!((built.error, built.whole), (None, clip.len() as u64));
    // Decode times never run backwards, whatever came.
    for track in &built.init().tracks {
        let trafs = built.fragments.iter().flat_map(|fragment| &fragment.trafs).filter(|traf| traf.track == track.id);
        assert!(trafs.clone().zip(trafs.skip(1)).all(|(a, b)| b.time > a.time + a.last), "{}", track.codec);
    }
    (line, built.fragments, holes)
}

fn at(same_run: bool, seconds: f64) -> Arrival {
    Arrival { same_run, offset: Duration::from_secs_f64(seconds) }
}

fn video_times(fragments: &[Fragment]) -> Vec<u64> {
    fragments.iter().map(|fragment| fragment.trafs[0].time).collect()
}

/// Moves every decode time of a segment by so many of the track's own seconds; on all tracks, or only on pictures.
fn moved(bytes: &[u8], seconds: i64, all: bool) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for nth in 0..walk(&bytes).fragments.len() * 2 {
        let at = body(&bytes, b"tfdt", nth) + 4;
        let (scale, wanted) = if nth % 2 == 0 { (12800, true) } else { (48000, all) };
        let time = i64::from_be_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        let time = if wanted { time + seconds * scale } else { time };
        bytes[at..at + 8].copy_from_slice(&time.to_be_bytes());
    }
    bytes
}

#[test]
fn the_same_stream_far_from_zero_makes_the_same_clip() {
    let (_, plain, _) = build(&[&real()[0], &real()[1]], &[at(true, 0.0), at(true, 2.0)]);
    let far: Vec<Vec<u8>> = real().iter().map(|bytes| moved(bytes, 400_000_000, true)).collect();
    let (line, moved, holes) = build(&[&far[0], &far[1]], &[at(true, 0.0), at(true, 1.0)]);
    assert_eq!(video_times(&plain), video_times(&moved));
    assert_eq!(holes, [None, None]);
    assert!(line.length().abs_diff(Duration::from_secs(4)) < Duration::from_millis(100));
}

#[test]
fn an_edit_list_that_changes_leaves_the_pictures_where_they_were() {
    let mut other = real()[1].clone();
    // A media time of 0 instead of 1024, and decode times that are smaller by as much: shown at the same instants.
    let media_time = body(&other, b"elst", 0) + 12;
    assert_eq!(other[media_time..media_time + 4], 1024u32.to_be_bytes());
    other[media_time..media_time + 4].fill(0);
    for nth in [0, 2] {
        let at = body(&other, b"tfdt", nth) + 4;
        let time = u64::from_be_bytes(other[at..at + 8].try_into().expect("8 bytes"));
        other[at..at + 8].copy_from_slice(&(time - 1024).to_be_bytes());
    }
    let arrivals = [at(true, 0.0), at(true, 2.0)];
    let (_, plain, _) = build(&[&real()[0], &real()[1]], &arrivals);
    let (_, edited, holes) = build(&[&real()[0], &other], &arrivals);
    assert_eq!(video_times(&plain), video_times(&edited));
    assert_eq!(holes, [None, None]);
}

#[test]
fn a_jump_that_our_clock_does_not_explain_is_no_footage() {
    let seconds = |fragments: &[Fragment]| video_times(fragments)[2] / 12800;
    for (moved_by, clock, expected, hole) in [
        (3600, 2.0, 2, false),      // the camera set its clock forward
        (3600, 3602.0, 3602, true), // an hour is really missing
        (3, 2.0, 5, true),          // within what our clock cannot know
        (-4, 2.0, 2, false),        // backward
        (-4, 30.0, 30, true),       // backward, and our clock says how long it took
    ] {
        let later = moved(&moved(&real()[1], 10, true), moved_by, true);
        let first = moved(&real()[0], 10, true);
        let (_, fragments, holes) = build(&[&first, &later], &[at(true, 0.0), at(true, clock)]);
        assert_eq!((seconds(&fragments), holes[1].is_some()), (expected, hole), "{moved_by} {clock} {holes:?}");
    }
}

#[test]
fn a_jump_inside_a_segment_does_not_make_an_endless_clip() {
    for jump in [86_400, -1000] {
        let mut bytes = moved(&real()[0], 2000, true);
        let other = moved(&real()[0], 2000 + jump, true);
        for nth in [2, 3] {
            let at = body(&bytes, b"tfdt", nth);
            bytes[at..at + 12].copy_from_slice(&other[at..at + 12]);
        }
        let next = moved(&real()[1], 2000 + jump, true);
        let (line, _, holes) = build(&[&bytes, &next], &[at(true, 0.0), at(true, 2.0)]);
        assert!(line.length().abs_diff(Duration::from_secs(4)) < Duration::from_millis(200), "{:?}", line.length());
        assert_eq!(holes[1], None);
    }
}

#[test]
fn sound_that_stays_away_is_no_hole_and_comes_back_in_time() {
    let silent = moved(&real()[1], 8, false);
    let (_, fragments, holes) = build(&[&real()[0], &silent], &[at(true, 0.0), at(true, 10.0)]);
    assert_eq!(holes[1], None); // the sound goes on
    assert_eq!(video_times(&fragments)[2], video_times(&fragments)[1] + 12800 + 8 * 12800);
}

#[test]
fn a_short_time_field_that_overflows_asks_for_another_clip() {
    let mut bytes = real()[1].clone();
    // Version 0: 32 bits of time; what is left of the box becomes trailing bytes that nobody reads.
    for nth in 0..4 {
        let at = body(&bytes, b"tfdt", nth);
        bytes[at..at + 4].fill(0);
        bytes.copy_within(at + 8..at + 12, at + 4);
    }
    let walked = walk(&bytes);
    let mut moof = walked.moofs(&bytes)[0].clone();
    let mut line = Timeline::new(walked.init());
    line.enter(walked.init(), &walked.fragments, at(false, 0.0)).expect("sound");
    line.take(&walked.fragments[0], &mut moof).expect("it fits");
    line.enter(walked.init(), &walked.fragments, at(false, 400_000.0)).expect("sound");
    assert!(line.take(&walked.fragments[0], &mut moof).is_err());
}

#[test]
fn a_clip_read_back_goes_on_where_it_stopped() {
    let (whole, fragments, _) = build(&[&real()[0], &real()[1]], &[at(true, 0.0), at(true, 2.0)]);
    let (first, _, _) = build(&[&real()[0]], &[at(true, 0.0)]);
    let mut line = Timeline::restore(walk(&real()[0]).init(), first.shift().expect("a shift"), first.base());
    for fragment in &fragments[..2] {
        line.recall(fragment).expect("sound");
    }
    let later = walk(&real()[1]);
    assert!(line.follows(&later.fragments));
    line.enter(later.init(), &later.fragments, at(true, 2.0)).expect("sound");
    for (fragment, mut moof) in later.fragments.iter().zip(later.moofs(&real()[1])) {
        line.take(fragment, &mut moof).expect("it fits");
    }
    assert_eq!((line.length(), line.shift()), (whole.length(), whole.shift()));
}

/// Does everything with a file that the recorder would do.
fn exercise(bytes: &[u8]) {
    let walked = walk(bytes);
    assert!(walked.whole <= bytes.len() as u64);
    let Some(init) = &walked.init else { return };
    let _ = init.media();
    let mut line = Timeline::new(init);
    for (same_run, seconds) in [(false, 0.0), (true, 10.0), (false, 20.0), (true, 1e9)] {
        if line.enter(init, &walked.fragments, at(same_run, seconds)).is_err() {
            return;
        }
        for (fragment, mut moof) in walked.fragments.iter().zip(walked.moofs(bytes)) {
            let _ = line.take(fragment, &mut moof);
        }
        let _ = (line.length(), line.shift());
    }
    let mut line = Timeline::restore(init, i64::MIN, Duration::ZERO);
    let recalled = walked.fragments.iter().try_for_each(|fragment| line.recall(fragment).map(drop));
    let _ = (recalled, line.natural(&walked.fragments), line.natural_end(&walked.fragments));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        exercise(&bytes);
    }

    /// Where it hurts: all bytes of the headers, replaced by numbers that are likely to overflow.
    #[test]
    fn damaged_headers_do_no_harm(
        places in prop::collection::vec((any::<prop::sample::Index>(), 1usize..9, any::<u64>()), 1..6),
        extreme in any::<bool>(),
    ) {
        let real = &real()[0];
        let walked = walk(real);
        let mut heads: Vec<usize> = (0..walked.init().ranges[1].end as usize).collect();
        for fragment in &walked.fragments {
            heads.extend(fragment.range.start as usize..(fragment.range.start + fragment.moof) as usize + 16);
        }
        let mut bytes = real.clone();
        for (place, length, value) in places {
            let value = if extreme { [0, 1, u64::MAX, i64::MIN as u64][value as usize % 4] } else { value };
            let start = *place.get(&heads);
            let end = (start + length).min(bytes.len());
            bytes[start..end].copy_from_slice(&value.to_be_bytes()[..end - start]);
        }
        exercise(&bytes);
    }
}
