//! Following the segment that is being written: while an event wants it, what is whole of it goes into the clip at once,
//! so that a power cut costs the last group of pictures and about a second more, and not a whole segment.
//!
//! This is done beside the proper way and changes nothing of it: the finished segment is claimed and appended as ever,
//! and the archive takes only the rest of it then. So it needs no promise to be kept: an order that adds nothing, or
//! that is given late, costs nothing but what a power cut at that moment would take.

use super::camera::Camera;
use super::effect::{Append, Effect, Follow};
use super::event::Added;
use super::id::{ClipId, SegmentId};
use super::out::Out;
use super::recorder::Recorder;
use super::ring::Segment;
use super::saving::Saving;
use super::time::{Anchor, Mono};
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked what has become whole, while nobody knows when that will be.
const EVERY: Duration = Duration::from_millis(500);
/// After the instant at which there is likely to be more; a key frame may be late.
const LATE: Duration = Duration::from_millis(50);
/// Microseconds. What is likely is looked for on multiples of it, so that cameras are looked at together: with 64 of them
/// the recorder is woken less often, which is a fifth of what saving costs.
const TOGETHER: u64 = 250_000;
/// Whatever is likely, it is looked after so long, or at the next of those multiples.
const SELDOM: Duration = Duration::from_secs(1);
/// Fragments become whole at key frames, and a camera that sends none for 20 s counts as stalled. A segment that has
/// given nothing for so many looks will give nothing more.
const FRUITLESS: u32 = 40;

/// How far the pursuit of one camera's open segment has come.
#[derive(Debug, Default)]
pub(super) struct Following {
    /// The segment that was last followed.
    number: Option<u64>,
    /// The order is given and not answered.
    asked: bool,
    /// Not before.
    next: Mono,
    /// Looks in a row that added nothing.
    fruitless: u32,
}

impl Following {
    /// The archive is at work for it, and must not be given a segment at the same time.
    pub fn busy(&self) -> bool {
        self.asked
    }
}

impl Saving {
    /// When the open segment is to be followed next: there is a clip that it will surely go into, that clip has a file,
    /// and all that belongs in front of it is stored. `most`: how far into a clip a segment may begin.
    pub(super) fn follow_at(&self, open: Option<&Segment>, most: Duration) -> Option<Mono> {
        let open = open.filter(|open| self.wants(open))?;
        let clip = self.clips.back().filter(|clip| clip.grows_now() && clip.ended.is_none())?;
        let goes_in = clip.first().is_some_and(|(_, began)| open.opened.since(began) <= most);
        if !goes_in || self.following.asked || !self.queue.is_empty() || self.trouble().is_some() {
            return None;
        }
        let first = open.opened + EVERY;
        if self.following.number != Some(open.number) {
            return Some(first);
        }
        (self.following.fruitless < FRUITLESS).then_some(first.max(self.following.next))
    }

    /// What to follow now.
    fn follow(&mut self, open: Option<&Segment>, most: Duration, now: Mono, anchor: &Anchor) -> Option<Append> {
        self.follow_at(open, most).filter(|at| *at <= now)?;
        let (open, clip) = (open?, self.clips.back()?);
        let append = Append {
            clip: clip.id,
            segment: SegmentId { camera: self.camera.clone(), number: open.number },
            run: open.run,
            wall: anchor.wall(open.opened),
            offset: open.opened.since(clip.first()?.1),
            record: Arc::new(clip.record(anchor, &self.queue)),
        };
        let fruitless = if self.following.number == Some(open.number) { self.following.fruitless } else { 0 };
        self.following = Following { number: Some(open.number), asked: true, next: now + EVERY, fruitless };
        Some(append)
    }

    /// What came of it, and in how long there is likely to be more.
    fn followed(&mut self, id: ClipId, number: u64, added: Option<&Added>, more: Option<Duration>, now: Mono) {
        if !self.following.asked || self.following.number != Some(number) {
            return;
        }
        self.following.asked = false;
        if let Some(more) = more {
            let next = now + more.saturating_add(LATE).min(SELDOM);
            self.following.next = Mono(next.0.div_ceil(TOGETHER).saturating_mul(TOGETHER));
        }
        self.following.fruitless = if added.is_some() { 0 } else { self.following.fruitless + 1 };
        if let (Some(added), Some(clip)) = (added, self.clips.iter_mut().find(|clip| clip.id == id)) {
            clip.followed(number, added);
        }
    }
}

impl Camera {
    /// How far into a clip a segment may begin: known when it begins, for what is followed cannot change its clip any
    /// more.
    pub(super) fn most(&self) -> Duration {
        self.settings.trigger.max_clip.saturating_sub(self.segment)
    }

    /// Until then FFmpeg has surely not come round to the file that is open now: three segments less than a turn, for
    /// what is read from it later could be of another segment.
    fn written_over(&self, open: &Segment) -> Mono {
        open.opened + self.segment.saturating_mul(self.slots.saturating_sub(1))
    }

    /// When [`Camera::follow`] next matters.
    pub(super) fn follow_due(&self, now: Mono) -> Option<Mono> {
        let open = self.ring.open().filter(|open| now < self.written_over(open));
        self.saving.follow_at(open, self.most())
    }

    /// Follows the open segment, if it is time.
    pub(super) fn follow(&mut self, out: &mut Out) {
        let (open, most) = (self.ring.open(), self.most());
        let Some(until) = open.map(|open| self.written_over(open)).filter(|until| out.now < *until) else { return };
        if let Some(append) = self.saving.follow(open, most, out.now, &out.anchor) {
            let slot = self.ring.slot(append.segment.number);
            out.order(Effect::Follow(Box::new(Follow { append, slot, until })));
        }
    }
}

impl Recorder {
    /// The archive has added what is whole of an open segment, or nothing.
    pub(super) fn followed(
        &mut self,
        out: &mut Out,
        clip: ClipId,
        segment: &SegmentId,
        added: Option<&Added>,
        more: Option<Duration>,
    ) {
        self.with(out, &segment.camera, |camera, _, out| {
            camera.saving.followed(clip, segment.number, added, more, out.now)
        });
        if added.is_some() {
            self.archive_written(out);
        }
    }
}
