//! `moof`: what is in one fragment and when.

use super::boxes::{Reader, boxes, find};
use super::{Init, Malformed};
use std::ops::Range;
use std::time::Duration;

/// One fragment: `moof`, and the `mdat` that follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// Where it lies in the file, from the first byte of `moof` to the last of `mdat`. Its parts point at each other
    /// by distance, so it is moved in one piece.
    pub range: Range<u64>,
    /// How long `moof` is; what follows is footage.
    pub moof: u64,
    /// Where its number stands in `moof`.
    sequence_at: usize,
    /// What it holds of each track.
    pub trafs: Vec<Traf>,
    /// Samples that claim to last for minutes, and how long they are to last instead: see [`Steps`].
    steps: Vec<(usize, u32)>,
}

/// What one fragment holds of one track. All times are in the track's ticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traf {
    /// Whose samples.
    pub track: u32,
    /// Where the decode time stands in `moof`.
    time_at: usize,
    /// Whether it has 64 bits there.
    wide: bool,
    /// When its first sample is decoded.
    pub time: u64,
    /// How many.
    pub samples: u64,
    /// From the first sample to the end of the last.
    pub duration: u64,
    /// From the first sample to the start of the last.
    pub last: u64,
    /// From `time` to when the first picture is shown, before the edit list.
    pub shown_from: i64,
    /// From `time` to when the last picture has been shown, before the edit list.
    pub shown_to: i64,
}

/// How long the samples of a run last.
///
/// Where the camera's clock jumps FFmpeg makes the sample before the jump last until the next one: an hour, if that is
/// what it jumped by. There is no such picture; FFmpeg would have been ended long before. It lasts as long as the one
/// before it.
struct Steps<'a> {
    /// Ticks of the longest that is believed.
    most: u32,
    /// Ticks of the last that was, or of a common one.
    usual: u32,
    /// Where such samples say so in `moof`, and what they are to say instead.
    mended: &'a mut Vec<(usize, u32)>,
}

impl Steps<'_> {
    /// The longest that a sample lasts, in seconds.
    const MOST: u32 = 60;

    /// How long a sample lasts that says `ticks`, at this place of `moof`.
    fn step(&mut self, ticks: u32, at: usize) -> u32 {
        if ticks > self.most {
            self.mended.push((at, self.usual));
            return self.usual;
        }
        if ticks > 0 {
            self.usual = ticks;
        }
        ticks
    }
}

/// What a track's runs add up to.
#[derive(Default)]
struct Sum {
    samples: u64,
    duration: u64,
    last: u64,
    shown: Option<(i64, i64)>,
}

const TOO_LONG: Malformed = Malformed("a fragment that is longer than all time");

impl Fragment {
    /// Reads a whole `moof` box, head included; `head` is how long that is.
    pub(super) fn parse(moof: &[u8], head: usize, init: &Init) -> Result<Fragment, Malformed> {
        let mut sequence_at = None;
        let (mut trafs, mut steps) = (Vec::new(), Vec::new());
        for atom in boxes(moof.get(head..).unwrap_or_default()) {
            let atom = atom?;
            let at = head + atom.range.start;
            match &atom.kind {
                b"mfhd" if atom.body.len() >= 8 => sequence_at = Some(at + 4),
                b"traf" => trafs.push(Traf::parse(atom.body, at, init, &mut steps)?),
                _ => {}
            }
        }
        let sequence_at = sequence_at.ok_or(Malformed("moof without mfhd"))?;
        Ok(Fragment { range: 0..0, moof: moof.len() as u64, sequence_at, trafs, steps })
    }

    /// Whether there is anything to see or hear in it.
    pub fn is_empty(&self) -> bool {
        self.trafs.iter().all(|traf| traf.samples == 0)
    }

    /// From when to when its pictures are shown, by the time of its file, which begins at 0; `None`: there are none.
    pub fn shown(&self, init: &Init) -> Option<Range<Duration>> {
        let track_of = |traf: &Traf| init.tracks.iter().find(|track| track.id == traf.track && track.is_video());
        let (traf, track) = self.trafs.iter().find_map(|traf| Some((traf, track_of(traf)?)))?;
        if traf.samples == 0 {
            return None;
        }
        let time = |shown: i64| {
            let ticks = i128::from(traf.time) + i128::from(shown) + i128::from(track.offset);
            let nanos = ticks.max(0) * 1_000_000_000 / i128::from(track.timescale.max(1));
            Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
        };
        Some(time(traf.shown_from)..time(traf.shown_to))
    }

    /// Gives every sample a length that can be. `moof` are the bytes that were parsed.
    pub(super) fn mend(&self, moof: &mut [u8]) {
        for (at, ticks) in &self.steps {
            if let Some(place) = moof.get_mut(*at..*at + 4) {
                place.copy_from_slice(&ticks.to_be_bytes());
            }
        }
    }

    /// Gives the fragment its number in a clip. `moof` are the bytes that were parsed.
    pub(super) fn set_sequence(&self, moof: &mut [u8], sequence: u32) {
        if let Some(place) = moof.get_mut(self.sequence_at..self.sequence_at + 4) {
            place.copy_from_slice(&sequence.to_be_bytes());
        }
    }
}

impl Traf {
    /// Reads the body of `traf`, which begins `at` bytes into `moof`.
    fn parse(traf: &[u8], at: usize, init: &Init, mended: &mut Vec<(usize, u32)>) -> Result<Traf, Malformed> {
        let head = find(traf, b"tfhd")?.ok_or(Malformed("traf without tfhd"))?;
        let mut tfhd = Reader(head.body);
        let (_, flags) = tfhd.version_and_flags()?;
        let track = tfhd.u32()?;
        if flags & 0x1 != 0 {
            return Err(Malformed("a fragment that points at absolute places and cannot be moved"));
        }
        if flags & 0x2 != 0 {
            tfhd.u32()?;
        }
        let of_track = init.track(track)?;
        let timescale = of_track.timescale;
        let mut steps = Steps { most: timescale.saturating_mul(Steps::MOST), usual: (timescale / 25).max(1), mended };
        let mut duration = of_track.default_duration;
        if flags & 0x8 != 0 {
            let place = at + head.range.end - tfhd.0.len();
            duration = steps.step(tfhd.u32()?, place);
        }

        let (mut time, mut sum) = (None, Sum::default());
        for atom in boxes(traf) {
            let atom = atom?;
            match &atom.kind {
                b"tfdt" => {
                    let mut tfdt = Reader(atom.body);
                    let (version, _) = tfdt.version_and_flags()?;
                    time = Some((at + atom.range.start + 4, version != 0, tfdt.wide(version)?));
                }
                b"trun" => sum.add_run(atom.body, duration, at + atom.range.start, &mut steps)?,
                _ => {}
            }
        }
        let (time_at, wide, time) = time.ok_or(Malformed("traf without tfdt"))?;
        let (shown_from, shown_to) = sum.shown.unwrap_or_default();
        let Sum { samples, duration, last, .. } = sum;
        Ok(Traf { track, time_at, wide, time, samples, duration, last, shown_from, shown_to })
    }

    /// Writes another decode time into `moof`; false if the field is too small for it.
    pub(super) fn set_time(&self, moof: &mut [u8], time: u64) -> bool {
        let wide = time.to_be_bytes();
        let bytes = if self.wide { &wide[..] } else { &wide[4..] };
        if !self.wide && time > u64::from(u32::MAX) {
            return false;
        }
        match moof.get_mut(self.time_at..self.time_at + bytes.len()) {
            Some(place) => place.copy_from_slice(bytes),
            None => return false,
        }
        true
    }
}

impl Sum {
    /// Adds one `trun`. Where samples take no bytes of their own, their number is only multiplied, never counted up to.
    /// `at`: where its body begins in `moof`.
    fn add_run(&mut self, body: &[u8], default: u32, at: usize, steps: &mut Steps) -> Result<(), Malformed> {
        let mut trun = Reader(body);
        let (_, flags) = trun.version_and_flags()?;
        let count = trun.u32()?;
        for field in [0x1, 0x4] {
            if flags & field != 0 {
                trun.u32()?;
            }
        }
        if flags & 0xf00 == 0 {
            let all_but_last = u64::from(count.saturating_sub(1)) * u64::from(default);
            if count > 0 {
                self.add_samples(u64::from(count), all_but_last, default, 0)?;
            }
            return Ok(());
        }
        for _ in 0..count {
            let place = at + body.len() - trun.0.len();
            let duration = if flags & 0x100 != 0 { steps.step(trun.u32()?, place) } else { default };
            for field in [0x200, 0x400] {
                if flags & field != 0 {
                    trun.u32()?;
                }
            }
            let delay = if flags & 0x800 != 0 { trun.u32()? as i32 } else { 0 };
            self.add_samples(1, 0, duration, delay)?;
        }
        Ok(())
    }

    /// Adds samples of which all but the last take `before` ticks, the last one `duration`.
    fn add_samples(&mut self, count: u64, before: u64, duration: u32, delay: i32) -> Result<(), Malformed> {
        let start = i64::try_from(self.duration).map_err(|_| TOO_LONG)?;
        self.last = self.duration.checked_add(before).ok_or(TOO_LONG)?;
        self.duration = self.last.checked_add(duration.into()).ok_or(TOO_LONG)?;
        self.samples += count;
        let end = i64::try_from(self.duration).map_err(|_| TOO_LONG)?;
        let from = start.saturating_add(delay.into());
        let to = end.saturating_add(delay.into());
        self.shown = Some(self.shown.map_or((from, to), |(first, last)| (first.min(from), last.max(to))));
        Ok(())
    }
}
