//! What a finished slot really holds, beside what the kernel says of it: a file is open for as long as FFmpeg keeps it
//! so, and a stream may change its picture without a word.

use super::camera::Camera;
use super::event::Seen;
use super::id::RunId;
use super::out::Out;
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

impl Camera {
    /// What was found in a slot that has just been finished; that it was comes next.
    pub(super) fn slot_seen(&mut self, out: &mut Out, slot: u32, seen: Seen) {
        let Some(open) = self.ring.open().filter(|open| self.ring.slot(open.number) == slot) else { return };
        let run = open.run;
        if self.life.frozen(out.now) {
            self.ring.froze(seen.footage);
        }
        if seen.shape.is_some_and(|shape| self.shape.changes(run, shape, out.now)) {
            let step = self.life.begin_anew(run, CHANGED, out.now);
            self.step(out, step);
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
