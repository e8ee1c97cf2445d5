//! One time for one clip, made of the times of many segments.
//!
//! Within one life of FFmpeg all segments carry the stream's own continuous clock, so one constant a track is enough:
//! every step between two pictures stays what the camera said, across every seam. The constant is chosen by the
//! earliest thing that is *shown* in the first segment, over all tracks, so that the clip begins at 0 and sound stays
//! with its pictures; it is rounded to a track's ticks once, and never again.
//!
//! Where the stream's clock breaks (FFmpeg was started again, the camera's time jumped) a new constant is chosen by our
//! own clock. Decode times never run backwards.

use super::{Fragment, Init, Malformed, Traf};
use std::time::Duration;

const SECOND: i128 = 1_000_000_000;

/// How far the stream may run ahead of our clock before a hole in it is taken for a jump of the camera's clock.
const AHEAD: Duration = Duration::from_secs(5);
/// Inside a segment there is no clock but the stream's; FFmpeg would have been ended long before such a pause.
const PAUSE: Duration = Duration::from_secs(60);
/// A shorter pause between two segments is jitter.
const HOLE: Duration = Duration::from_millis(250);

/// The time of a clip as far as it has grown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    lanes: Vec<Lane>,
    /// Fragments so far; the next one's number is one more.
    sequence: u32,
    /// Where the clip's beginning lies on our clock, as [`Arrival::offset`] counts; `None` before the first segment.
    base: Option<Duration>,
    /// What is added to every time, in nanoseconds; each lane has it in its own ticks.
    shift: i128,
    /// When the last thing has been shown, in nanoseconds.
    end: i128,
    /// A segment was let in and none of its fragments has been taken: its place is settled.
    entered: bool,
}

/// One track of the clip.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lane {
    track: u32,
    timescale: u32,
    /// What the clip's edit list adds.
    offset: i64,
    /// What the present segment's edit list adds more than the clip's.
    skew: i128,
    /// What is added to every time, in ticks: rounded from the clip's shift and not from an earlier rounding.
    shift: i128,
    /// Decode time in the clip of the last sample: its start and its end.
    last: Option<(i128, i128)>,
}

/// What is known of a segment beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// It comes from the same life of FFmpeg as the segment before.
    pub same_run: bool,
    /// When its footage began on our clock, counted as for the clip's first segment.
    pub offset: Duration,
}

/// A segment cannot go on in this clip and needs one of its own, where times begin at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its times do not fit into the clip")]
pub struct Misfit;

impl Timeline {
    /// Of a clip that begins with this header.
    pub fn new(init: &Init) -> Self {
        let lane = |track: &super::Track| Lane {
            track: track.id,
            timescale: track.timescale,
            offset: track.offset,
            skew: 0,
            shift: 0,
            last: None,
        };
        Timeline {
            lanes: init.tracks.iter().map(lane).collect(),
            sequence: 0,
            base: None,
            shift: 0,
            end: 0,
            entered: false,
        }
    }

    /// Of a clip that lies in the archive and may go on: its header, and what was kept of [`Timeline::shift`] and
    /// [`Timeline::base`].
    ///
    /// Its fragments are told by [`Timeline::recall`].
    pub fn restore(init: &Init, shift: i64, base: Duration) -> Self {
        let mut line = Self::new(init);
        line.base = Some(base);
        line.move_by(shift.into());
        line
    }

    /// What is added to every time of the stream, in nanoseconds: with it a clip can go on after a crash. `None` for
    /// times so far off that nobody should rely on them.
    pub fn shift(&self) -> Option<i64> {
        self.shift.try_into().ok()
    }

    /// Where the clip's beginning lies on our clock, as [`Arrival::offset`] counts.
    pub fn base(&self) -> Duration {
        self.base.unwrap_or_default()
    }

    /// Footage so far, gaps included: when the last picture has been shown and the last sound heard.
    pub fn length(&self) -> Duration {
        Duration::from_nanos(u64::try_from(self.end.max(0)).unwrap_or(u64::MAX))
    }

    /// Takes note of a fragment that the clip holds already. Returns the time that is missing in front of it.
    pub fn recall(&mut self, fragment: &Fragment) -> Result<Option<Duration>, Malformed> {
        let hole = self.hole(std::slice::from_ref(fragment), |_, traf| traf.time.into());
        self.sequence = self.sequence.wrapping_add(1);
        for traf in &fragment.trafs {
            self.note(traf, i128::from(traf.time))?;
        }
        Ok(hole)
    }

    /// When the earliest of these fragments would be shown, if the constants in force were kept; `None` if they hold
    /// nothing. To be asked after [`Timeline::align`].
    pub fn natural(&self, fragments: &[Fragment]) -> Option<i128> {
        self.firsts(fragments).map(|(lane, traf)| lane.shown(traf)).min()
    }

    /// When all of these fragments would have been shown, if the constants in force were kept.
    pub fn natural_end(&self, fragments: &[Fragment]) -> Option<i128> {
        let trafs = fragments.iter().flat_map(|fragment| &fragment.trafs).filter(|traf| traf.samples > 0);
        trafs.filter_map(|traf| self.lane(traf.track).map(|lane| lane.shown_to(traf))).max()
    }

    /// The decode time that a part of a fragment gets in the clip, if the constants in force are kept.
    pub fn place(&self, traf: &Traf) -> Option<u64> {
        u64::try_from(self.lane(traf.track)?.place(traf)).ok()
    }

    /// Whether these fragments come after everything that the clip holds, if the constants in force were kept.
    pub fn follows(&self, fragments: &[Fragment]) -> bool {
        self.firsts(fragments).all(|(lane, traf)| lane.follows(traf))
    }

    /// Gets ready for a segment whose edit list may differ from the clip's.
    pub fn align(&mut self, init: &Init) -> Result<(), Malformed> {
        for lane in &mut self.lanes {
            lane.skew = i128::from(init.track(lane.track)?.offset) - i128::from(lane.offset);
        }
        Ok(())
    }

    /// Lets a segment in, before its fragments are taken: decides whether the stream's own times go on. Returns the
    /// time that is missing in front of it.
    pub fn enter(
        &mut self,
        init: &Init,
        fragments: &[Fragment],
        arrival: Arrival,
    ) -> Result<Option<Duration>, Malformed> {
        self.align(init)?;
        self.entered = true;
        let Some(base) = self.base else {
            self.base = Some(arrival.offset);
            self.begin(fragments);
            return Ok(None);
        };
        let clock = nanos(arrival.offset.saturating_sub(base));
        let natural = self.natural(fragments).unwrap_or(clock);
        let unexplained = natural > clock + nanos(AHEAD) && natural > self.end + nanos(HOLE);
        if !arrival.same_run || unexplained || !self.follows(fragments) {
            self.anchor(fragments, clock);
        }
        Ok(self.hole(fragments, Lane::place))
    }

    /// Takes the next fragment: patches its times and its number in `moof`, which are the bytes it was parsed from.
    pub fn take(&mut self, fragment: &Fragment, moof: &mut [u8]) -> Result<(), Misfit> {
        let one = std::slice::from_ref(fragment);
        let late = self.natural(one).is_some_and(|natural| natural > self.end + nanos(PAUSE));
        if !std::mem::take(&mut self.entered) && (late || !self.follows(one)) {
            self.anchor(one, self.end);
        }
        self.sequence = self.sequence.wrapping_add(1);
        fragment.mend(moof);
        fragment.set_sequence(moof, self.sequence);
        for traf in &fragment.trafs {
            let lane = self.lane(traf.track).ok_or(Misfit)?;
            let time = lane.place(traf).max(0);
            let fits = u64::try_from(time).is_ok_and(|time| traf.set_time(moof, time));
            if !fits || self.note(traf, time).is_err() {
                return Err(Misfit);
            }
        }
        Ok(())
    }

    fn lane(&self, track: u32) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.track == track)
    }

    /// For every track the first that these fragments hold of it.
    fn firsts<'a>(&'a self, fragments: &'a [Fragment]) -> impl Iterator<Item = (&'a Lane, &'a Traf)> {
        self.lanes.iter().filter_map(|lane| {
            let mut trafs = fragments.iter().flat_map(|fragment| &fragment.trafs);
            trafs.find(|traf| traf.track == lane.track && traf.samples > 0).map(|traf| (lane, traf))
        })
    }

    /// The clip's first segment: what is shown first is shown at 0, and no time becomes negative.
    fn begin(&mut self, fragments: &[Fragment]) {
        let first = |(lane, traf): (&Lane, &Traf)| lane.shown(traf).min(lane.nanos(lane.place(traf)));
        let start = self.firsts(fragments).map(first).min().unwrap_or(0);
        self.move_by(-start);
    }

    /// Gives new constants, by which the earliest of these fragments is shown at `at` or, if that is too early for any
    /// track, as soon as all of them have ended.
    fn anchor(&mut self, fragments: &[Fragment], at: i128) {
        let Some(natural) = self.natural(fragments) else { return };
        self.move_by(at.max(self.end) - natural);
        let lift = self.firsts(fragments).map(|(lane, traf)| {
            let end = lane.last.map_or(0, |(_, end)| end);
            -lane.nanos(lane.place(traf) - end)
        });
        let lift = lift.max().unwrap_or(0).max(0);
        self.move_by(lift);
    }

    fn move_by(&mut self, nanos: i128) {
        self.shift += nanos;
        for lane in &mut self.lanes {
            lane.shift = ticks(self.shift, lane.timescale);
        }
    }

    /// The time missing in front of these fragments, by the track on which the least is missing: sound that stays away
    /// is not a hole in the pictures.
    fn hole(&self, fragments: &[Fragment], place: impl Fn(&Lane, &Traf) -> i128) -> Option<Duration> {
        let missing = |(lane, traf): (&Lane, &Traf)| {
            let (start, end) = lane.last?;
            let usual = lane.nanos(end - start) * 3 / 2; // one picture a second is no hole
            Some((lane.nanos(place(lane, traf) - end), usual))
        };
        let (hole, usual) = self.firsts(fragments).filter_map(missing).min()?;
        let hole = u64::try_from(hole).ok()?;
        (i128::from(hole) > nanos(HOLE).max(usual)).then_some(Duration::from_nanos(hole))
    }

    /// Takes note of samples at a decode time of the clip.
    fn note(&mut self, traf: &Traf, time: i128) -> Result<(), Malformed> {
        let lane = self.lanes.iter_mut().find(|lane| lane.track == traf.track);
        let lane = lane.ok_or(Malformed("a fragment of a track that does not exist"))?;
        if traf.samples > 0 {
            lane.last = Some((time + i128::from(traf.last), time + i128::from(traf.duration)));
            let shown = lane.nanos(time + i128::from(traf.shown_to) + i128::from(lane.offset));
            self.end = self.end.max(shown);
        }
        Ok(())
    }
}

impl Lane {
    /// The decode time that a traf gets in the clip.
    fn place(&self, traf: &Traf) -> i128 {
        i128::from(traf.time) + self.skew + self.shift
    }

    /// When it is first shown in the clip, in nanoseconds.
    fn shown(&self, traf: &Traf) -> i128 {
        self.nanos(self.place(traf) + i128::from(traf.shown_from) + i128::from(self.offset))
    }

    /// When it has been shown in the clip, in nanoseconds.
    fn shown_to(&self, traf: &Traf) -> i128 {
        self.nanos(self.place(traf) + i128::from(traf.shown_to) + i128::from(self.offset))
    }

    /// Whether its first sample is decoded after the last one that is there.
    fn follows(&self, traf: &Traf) -> bool {
        let place = self.place(traf);
        place >= 0 && self.last.is_none_or(|(start, _)| place > start)
    }

    /// Ticks as nanoseconds, rounded down.
    fn nanos(&self, ticks: i128) -> i128 {
        (ticks * SECOND).div_euclid(self.timescale.into())
    }
}

/// Nanoseconds as ticks, rounded to the nearest: ticks that became nanoseconds come back unchanged.
fn ticks(nanos: i128, timescale: u32) -> i128 {
    (nanos * i128::from(timescale) * 2 + SECOND).div_euclid(2 * SECOND)
}

fn nanos(span: Duration) -> i128 {
    span.as_nanos() as i128 // at most 2^94
}
