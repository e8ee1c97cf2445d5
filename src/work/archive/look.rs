//! What a finished segment of the ring holds: read once, when FFmpeg has closed it. It lies in RAM, and of the footage
//! itself only the beginning of the last key frame is read.

use super::source::Walker;
use crate::model::event::Seen;
use crate::model::fmp4::{Fragment, Init, Part};
use crate::model::snapshot::Media;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::time::{Duration, Instant};

/// Longest time for a file of which nobody knows who wrote it.
const LIMIT: Duration = Duration::from_secs(1);
/// Parameters stand in front of a key frame's picture, within so many bytes.
const PARAMETERS: u64 = 4096;
/// Bytes of the box that footage stands in, before the footage.
const HEAD: u64 = 8;

/// Codec and size by its header, and what it holds; each `None` if that cannot be read.
pub(in crate::work) fn look(path: &Path) -> (Option<Media>, Option<Seen>) {
    let Ok(walker) = Walker::open(path) else { return (None, None) };
    let mut walker = walker.until(Instant::now() + LIMIT);
    let (mut footage, mut last) = (Duration::ZERO, None);
    // What comes before the first damage counts: the archive will take no more of it either.
    while let Ok(Some(part)) = walker.next() {
        let Part::Fragment(fragment) = part else { continue };
        if let Some(shown) = walker.walk().init().and_then(|init| fragment.shown(init)) {
            footage = footage.saturating_add(shown.end.saturating_sub(shown.start));
            last = Some(fragment);
        }
    }
    let Some(init) = walker.walk().init() else { return (None, None) };
    let shape = last.and_then(|last| shape(&walker, init, &last));
    (init.media(), Some(Seen { footage, shape }))
}

/// Stands for the sequence parameters in front of a fragment's first picture: codec profile, size and all.
fn shape(walker: &Walker, init: &Init, fragment: &Fragment) -> Option<u64> {
    let video = init.tracks.iter().find(|track| track.is_video())?;
    // FFmpeg writes the tracks of a fragment in their order, one behind the other.
    fragment.trafs.first().filter(|first| first.track == video.id && first.samples > 0)?;
    let from = fragment.range.start + fragment.moof + HEAD;
    let bytes = walker.bytes(from..fragment.range.end.min(from + PARAMETERS)).ok()?;
    let mut hasher = DefaultHasher::new();
    let parameters = parameters(&bytes, &video.codec);
    parameters.iter().for_each(|set| set.hash(&mut hasher));
    (!parameters.is_empty()).then(|| hasher.finish())
}

/// The sequence parameter sets in front of the first slice of a picture.
fn parameters<'a>(mut bytes: &'a [u8], codec: &str) -> Vec<&'a [u8]> {
    let mut found = Vec::new();
    // FFmpeg writes lengths of four bytes.
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some((unit, after)) = rest.split_at_checked(length) else { break };
        let Some(first) = unit.first() else { break };
        let (slice, set) = match codec {
            "h264" => (matches!(first & 31, 1..=5), first & 31 == 7),
            "hevc" => (first >> 1 & 63 < 32, first >> 1 & 63 == 33),
            _ => return Vec::new(),
        };
        if slice {
            break;
        }
        found.extend(set.then_some(unit));
        bytes = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    /// Units written as hexadecimal words.
    fn units(text: &str) -> Vec<Vec<u8>> {
        text.split_whitespace().map(|word| data_encoding::HEXLOWER.decode(word.as_bytes()).expect("bytes")).collect()
    }

    #[rstest]
    #[case::h264("h264", "0901 670102 6803 6504", "670102")]
    #[case::behind_the_picture("h264", "6504 670102", "")]
    #[case::two("h264", "6701 6702 65", "6701 6702")]
    #[case::hevc("hevc", "4001 420107 4401 2601", "420107")]
    #[case::other("vp9", "6701", "")]
    fn parameters_stand_before_the_picture(#[case] codec: &str, #[case] of: &str, #[case] expected: &str) {
        let unit = |unit: &Vec<u8>| [&(unit.len() as u32).to_be_bytes()[..], unit].concat();
        let bytes: Vec<u8> = units(of).iter().flat_map(unit).collect();
        assert_eq!(parameters(&bytes, codec), units(expected));
    }

    proptest! {
        #[test]
        fn any_bytes_are_footage(bytes in any::<Vec<u8>>(), hevc in any::<bool>()) {
            let found = parameters(&bytes, if hevc { "hevc" } else { "h264" });
            prop_assert!(found.iter().map(|set| set.len()).sum::<usize>() <= bytes.len());
        }
    }
}
