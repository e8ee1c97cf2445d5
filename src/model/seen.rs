//! What a finished slot really holds, beside what the kernel says of it: a file is open for as long as FFmpeg keeps it
//! so, and a stream may change its picture without a word.

use super::camera::Camera;
use super::event::Seen;
use super::id::RunId;
use super::out::Out;
use super::snapshot::{Level, Topic};
use super::time::Mono;
use std::time::Duration;

/// A camera that changes its picture more often than this is not followed: each time costs a second of footage.
const SELDOM: Duration = Duration::from_secs(60);

/// Said when the picture has changed under FFmpeg, which goes on to describe the old one in every file.
const CHANGED: &str = "the camera changed its picture in mid-stream; FFmpeg begins anew with it, and a clip goes on in a new one (nothing \
     to do)";

/// What the video of a camera is coded by.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// As the last segment said, and in which life of FFmpeg.
    last: Option<(RunId, u64)>,
    /// When FFmpeg last began anew for a change.
    changed: Option<Mono>,
}

impl Shape {
    /// A segment of this life of FFmpeg is of this shape. Answers whether FFmpeg is to begin anew for it.
    fn changes(&mut self, run: RunId, shape: u64, now: Mono) -> bool {
        if self.last.is_none_or(|(before, _)| before != run) {
            self.last = Some((run, shape));
        }
        let differs = self.last != Some((run, shape));
        let follow = differs && self.changed.is_none_or(|last| now.since(last) >= SELDOM);
        if follow {
            (self.last, self.changed) = (Some((run, shape)), Some(now));
        }
        follow
    }
}

/// How fast a stream runs, by our clock: what a camera calls a second need not be one.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// In which life of FFmpeg it is measured.
    run: RunId,
    /// Footage, and how long it took to come in, since it was last judged.
    footage: Duration,
    took: Duration,
    /// Percent of real time, if it is far from it.
    off: Option<u32>,
}

impl Pace {
    /// It is judged by so much time: shorter ones are jitter.
    const JUDGED_BY: Duration = Duration::from_secs(60);
    /// Percent of real time that are near enough.
    const NEAR: std::ops::RangeInclusive<u32> = 85..=120;

    /// A segment of so much footage took so long to come in. Answers whether what is to be said has changed.
    fn segment(&mut self, run: RunId, footage: Duration, took: Duration) -> bool {
        if run != std::mem::replace(&mut self.run, run) {
            // A stream begins with what FFmpeg looked at to know it, all at once.
            (self.footage, self.took) = (Duration::ZERO, Duration::ZERO);
            return false;
        }
        (self.footage, self.took) = (self.footage.saturating_add(footage), self.took.saturating_add(took));
        if self.took < Self::JUDGED_BY {
            return false;
        }
        let percent = (self.footage.as_millis() * 100 / self.took.as_millis().max(1)).min(100_000);
        let percent = u32::try_from(percent).unwrap_or(u32::MAX);
        (self.footage, self.took) = (Duration::ZERO, Duration::ZERO);
        let off = (!Self::NEAR.contains(&percent)).then_some(percent);
        let rests = self.off.is_some_and(|said| off.is_some_and(|off| said.abs_diff(off) <= said / 10));
        if rests || off == self.off {
            return false;
        }
        self.off = off;
        true
    }

    /// What is to be said of it.
    fn sentence(&self) -> (Level, String) {
        match self.off {
            None => (Level::Info, "the stream runs in real time again".to_owned()),
            Some(percent @ 0..100) => (
                Level::Warn,
                format!(
                    "the stream runs at {} real time, so what is seen is ever older (lower the camera's bit rate or \
                     frame rate, or mend its network)",
                    times(percent)
                ),
            ),
            Some(percent) => (
                Level::Warn,
                format!(
                    "the stream runs {} as fast as real time, so the ring holds less of the past (correct the camera's \
                     frame rate or clock)",
                    times(percent)
                ),
            ),
        }
    }
}

/// `0.5 times`.
fn times(percent: u32) -> String {
    format!("{:.1} times", f64::from(percent) / 100.0)
}

impl Camera {
    /// Percent of real time at which its stream runs, if that is far from it and footage comes in.
    pub(super) fn pace(&self) -> Option<u32> {
        self.pace.off.filter(|_| self.life.trouble().is_none())
    }

    /// What was found in a slot that has just been finished; that it was comes next.
    pub(super) fn slot_seen(&mut self, out: &mut Out, slot: u32, seen: Seen) {
        let Some(open) = self.ring.open().filter(|open| self.ring.slot(open.number) == slot) else { return };
        let (run, took) = (open.run, out.now.since(open.opened));
        if self.life.frozen(out.now) {
            self.ring.froze(seen.footage);
        } else if self.pace.segment(run, seen.footage, took) {
            let (level, text) = self.pace.sentence();
            out.say(level, Topic::Camera, Some(&self.settings.name), text);
        }
        if seen.shape.is_some_and(|shape| self.shape.changes(run, shape, out.now)) {
            let end = self.life.begin_anew(run, CHANGED, out.now);
            self.end(out, end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono(0) + Duration::from_secs(seconds)
    }

    #[test]
    fn a_stream_far_from_real_time_is_said_once_and_its_end_too() {
        let mut pace = Pace::default();
        let burst = pace.segment(RunId(1), Duration::from_secs(90), Duration::from_secs(1));
        assert!(!burst, "what came at once at the beginning is no pace");
        let mut minute = |run, footage: u64, took: u64| {
            let said = (0..6).map(|_| {
                pace.segment(RunId(run), Duration::from_secs(footage), Duration::from_secs(took))
                    .then(|| pace.sentence())
            });
            let said: Vec<_> =
                said.flatten().map(|(_, text)| text.split([',', '(']).next().unwrap_or("").to_owned()).collect();
            said.join("; ")
        };
        assert_eq!((minute(1, 10, 10), minute(1, 10, 10)), (String::new(), String::new()));
        let begins = [minute(1, 5, 10), minute(1, 5, 10), minute(1, 5, 10)].concat();
        assert_eq!(begins, "the stream runs at 0.5 times real time");
        assert_eq!(minute(1, 10, 10), "the stream runs in real time again");
        let begins = [minute(2, 20, 10), minute(2, 20, 10), minute(2, 20, 10)].concat();
        assert_eq!(begins, "the stream runs 2.0 times as fast as real time");
    }

    #[test]
    fn a_change_is_followed_once_and_one_that_never_stops_now_and_then() {
        let mut shape = Shape::default();
        assert!(!shape.changes(RunId(1), 7, at(0)) && !shape.changes(RunId(1), 7, at(10)));
        assert!(shape.changes(RunId(1), 8, at(20)));
        assert!(!shape.changes(RunId(1), 8, at(21)), "FFmpeg is on its way out");
        assert!(!shape.changes(RunId(2), 9, at(30)), "a new FFmpeg says itself what there is");
        assert!(!shape.changes(RunId(2), 7, at(40)) && !shape.changes(RunId(2), 9, at(50)), "too soon");
        assert!(shape.changes(RunId(2), 7, at(80)));
    }
}
