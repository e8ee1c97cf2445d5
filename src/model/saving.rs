//! What one camera's triggers want, and the way of each wanted segment from the ring into a clip.
//!
//! A trigger at T wants all that overlaps [T − pre-roll, T + post-roll]; a further one moves the end later. When the
//! countdown is over, the clip stays open for as long as a new trigger's pre-roll could still reach into it
//! ([`Saving::linger`]): such a trigger goes on with the same clip. So every window is whole in one clip, and no packet
//! is ever stored twice.

use super::clip::{Clip, SLACK};
use super::effect::Append;
use super::event::Added;
use super::id::{CameraName, ClipId, RunId, SegmentId};
use super::record::{Record, TriggerKind};
use super::ring::Segment;
use super::snapshot::{EventView, Media, TriggerView};
use super::time::{Anchor, Mono, Window};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// A camera's mail may reach us so long after its RCPT, which is the trigger's instant.
pub const LATE_MAIL: Duration = Duration::from_secs(10);

/// One camera's footage on its way.
#[derive(Debug)]
pub struct Saving {
    camera: CameraName,
    going: Option<Going>,
    /// Oldest first; while something is going on, the last one is growing.
    clips: VecDeque<Clip>,
    /// Claimed and not yet stored, in order.
    queue: VecDeque<Claim>,
    /// The first of the queue is being appended.
    copying: bool,
    /// The last known cause of missing footage.
    cause: String,
}

/// An event that is going on.
#[derive(Debug)]
struct Going {
    since: Mono,
    from: Mono,
    until: Mono,
    triggers: u64,
    last: TriggerView,
    /// The last segment that was claimed for it, and its end.
    claimed: Option<(u64, Mono)>,
}

/// A segment that is out of the ring.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Its number.
    pub number: u64,
    /// Who wrote it.
    pub run: RunId,
    /// When it came in.
    pub span: Window<Mono>,
    /// Its size.
    pub bytes: u64,
    /// The clip it is meant for.
    pub clip: ClipId,
    /// How far into the clip it stands.
    pub offset: Duration,
    /// Appends that failed.
    pub retries: u32,
}

/// Gives every clip a number of its own.
#[derive(Debug, Default)]
pub struct ClipIds(u64);

impl ClipIds {
    fn next(&mut self) -> ClipId {
        self.0 += 1;
        ClipId(self.0)
    }
}

impl Saving {
    /// Nothing wanted yet.
    pub fn new(camera: CameraName) -> Self {
        Self {
            camera,
            going: None,
            clips: VecDeque::new(),
            queue: VecDeque::new(),
            copying: false,
            cause: "the camera sent nothing".to_owned(),
        }
    }

    /// What is known of why footage is missing from now on.
    pub fn blame(&mut self, cause: String) {
        self.cause = cause;
    }

    /// Footage is wanted around `at`.
    pub fn trigger(&mut self, ids: &mut ClipIds, at: Mono, kind: TriggerKind, pre: Duration, post: Duration) {
        let (from, until) = (at - pre, at + post);
        let last = TriggerView { at, kind: kind.clone() };
        match &mut self.going {
            Some(going) => {
                going.from = going.from.min(from);
                going.until = going.until.max(until);
                going.triggers += 1;
                going.last = last;
            }
            None => {
                self.going = Some(Going { since: at, from, until, triggers: 1, last, claimed: None });
                let asked = Window { from, to: until };
                self.clips.push_back(Clip::new(ids.next(), self.camera.clone(), asked, None));
            }
        }
        if let Some(clip) = self.clips.back_mut() {
            clip.asked.from = clip.asked.from.min(from);
            clip.asked.to = clip.asked.to.max(until);
            clip.trigger(at, kind);
        }
    }

    /// Ends the countdown. Answers whether there was one.
    pub fn release(&mut self, now: Mono) -> bool {
        let Some(going) = self.going.as_mut().filter(|going| now < going.until) else { return false };
        going.until = now;
        if let Some(clip) = self.clips.back_mut() {
            clip.asked.to = now;
        }
        true
    }

    /// Whether a segment of the ring is wanted. All that lies between two wanted ones is wanted too.
    pub fn wants(&self, segment: &Segment) -> bool {
        let Some(going) = &self.going else { return false };
        let window = Window { from: going.from, to: going.until };
        going.claimed.is_none_or(|(last, _)| segment.number > last) && segment.span().overlaps(window, SLACK)
    }

    /// A wanted segment is out of FFmpeg's reach.
    pub fn claimed(&mut self, ids: &mut ClipIds, segment: &Segment, bytes: u64, max_clip: Duration) {
        let span = segment.span();
        let full = |clip: &Clip| clip.start().is_some_and(|start| span.to.since(start) > max_clip);
        let Some(last) = self.clips.back_mut().filter(|clip| !clip.ended) else { return };
        if full(last) {
            last.ended = true;
            let asked = Window { from: span.from, to: last.asked.to.max(span.from) };
            last.asked.to = span.from;
            let name = last.file.as_ref().map(|(name, _)| name.clone());
            self.clips.push_back(Clip::new(ids.next(), self.camera.clone(), asked, name));
        }
        let Some(clip) = self.clips.back_mut() else { return };
        let offset = clip.meant(span.from);
        let (number, run) = (segment.number, segment.run);
        self.queue.push_back(Claim { number, run, span, bytes, clip: clip.id, offset, retries: 0 });
        if let Some(going) = &mut self.going {
            going.claimed = Some((number, span.to));
        }
    }

    /// The next thing for the archive to do, if it is idle.
    pub fn next_append(&mut self, anchor: &Anchor) -> Option<Append> {
        if self.copying {
            return None;
        }
        let claim = self.queue.front()?;
        let clip = self.clips.iter().find(|clip| clip.id == claim.clip)?;
        self.copying = true;
        Some(Append {
            clip: claim.clip,
            segment: SegmentId { camera: self.camera.clone(), number: claim.number },
            run: claim.run,
            wall: anchor.wall(claim.span.from),
            offset: claim.offset,
            record: Arc::new(clip.record(anchor, &self.cause)),
        })
    }

    /// The archive is done with the first of the queue, if that is `number`.
    fn done(&mut self, number: u64) -> Option<Claim> {
        self.queue.front().filter(|claim| self.copying && claim.number == number)?;
        self.copying = false;
        self.queue.pop_front()
    }

    /// A segment is durable. Answers its claim, and the clip's record if there is a gap in front of it.
    pub fn appended(
        &mut self,
        number: u64,
        added: &Added,
        media: Option<&Media>,
        anchor: &Anchor,
    ) -> Option<(Claim, Option<Arc<Record>>)> {
        let claim = self.done(number)?;
        let clip = self.clips.iter_mut().find(|clip| clip.id == claim.clip)?;
        let gap = clip.stored(number, claim.run, claim.span, added, media, &self.cause);
        let record = gap.then(|| Arc::new(clip.record(anchor, &self.cause)));
        Some((claim, record))
    }

    /// The archive could not; the same again later. Answers the claim.
    pub fn put_off(&mut self, number: u64) -> Option<&Claim> {
        let claim = self.queue.front_mut().filter(|claim| self.copying && claim.number == number)?;
        self.copying = false;
        claim.retries += 1;
        Some(claim)
    }

    /// A segment cannot be stored at all.
    pub fn lost(&mut self, number: u64, cause: String) -> Option<Claim> {
        let claim = self.done(number)?;
        self.cause = cause;
        Some(claim)
    }

    /// A segment does not fit into its clip: that clip ends here and another goes on.
    pub fn split(&mut self, ids: &mut ClipIds, number: u64) {
        let Some(claim) = self.queue.front().filter(|claim| self.copying && claim.number == number).cloned() else {
            return;
        };
        self.copying = false;
        let Some(place) = self.clips.iter().position(|clip| clip.id == claim.clip) else { return };
        let old = &mut self.clips[place];
        let went_on = old.ended;
        let asked = Window { from: claim.span.from, to: old.asked.to.max(claim.span.from) };
        old.ended = true;
        old.asked.to = claim.span.from;
        let name = old.file.as_ref().map(|(name, _)| name.clone());
        let mut clip = Clip::new(ids.next(), self.camera.clone(), asked, name);
        clip.ended = went_on;
        for waiting in self.queue.iter_mut().filter(|waiting| waiting.clip == claim.clip) {
            waiting.clip = clip.id;
            waiting.offset = clip.meant(waiting.span.from);
        }
        self.clips.insert(place + 1, clip);
    }

    /// The clip's file has a name.
    pub fn opened(&mut self, id: ClipId, name: String, path: String) {
        if let Some(clip) = self.clips.iter_mut().find(|clip| clip.id == id) {
            clip.file = Some((name, path));
        }
    }

    /// When a clip that wants no more is ended for good: as long as a new trigger's pre-roll, or a late mail's, could
    /// reach into what is stored; but never longer than the ring can still bridge (`reach`).
    fn linger(going: &Going, pre: Duration, reach: Duration) -> Mono {
        let end = going.claimed.map_or(going.until, |(_, end)| end.max(going.until));
        end + (pre + SLACK * 2 + LATE_MAIL).min(reach)
    }

    /// When [`Saving::settle`] next matters.
    pub fn due(&self, pre: Duration, reach: Duration, now: Mono) -> Option<Mono> {
        let going = self.going.as_ref()?;
        let slack = going.until + SLACK;
        Some(if now < going.until {
            going.until
        } else if now <= slack {
            slack + Duration::from_micros(1)
        } else {
            Self::linger(going, pre, reach).max(slack)
        })
    }

    /// Whether something is still wanted of the segment that is being written, or may be of the next.
    pub fn wanting(&self, open: Option<&Segment>, now: Mono) -> bool {
        self.going.as_ref().is_some_and(|going| now <= going.until + SLACK) || open.is_some_and(|open| self.wants(open))
    }

    /// Ends what is over. `open`: the segment being written; `now_or_never`: no trigger will come any more.
    pub fn settle(&mut self, open: Option<&Segment>, now: Mono, pre: Duration, reach: Duration, now_or_never: bool) {
        let Some(going) = &self.going else { return };
        if now_or_never {
            if open.is_some_and(|open| self.wants(open)) {
                return;
            }
        } else if self.wanting(open, now) || now < Self::linger(going, pre, reach) {
            return;
        }
        self.going = None;
        if let Some(clip) = self.clips.back_mut() {
            clip.ended = true;
        }
    }

    /// Clips that are over, whose every segment is stored: to be closed. Those that got nothing are dropped and their
    /// windows returned second, for there is no file to close.
    pub fn closable(&mut self, anchor: &Anchor) -> (Vec<(ClipId, Arc<Record>)>, Vec<Window<Mono>>) {
        let (mut close, mut empty) = (Vec::new(), Vec::new());
        let queue = &self.queue;
        let cause = &self.cause;
        self.clips.retain_mut(|clip| {
            if !clip.ended || clip.closing || queue.iter().any(|claim| claim.clip == clip.id) {
                return true;
            }
            if clip.is_empty() {
                empty.push(clip.asked);
                return false;
            }
            clip.closing = true;
            close.push((clip.id, Arc::new(clip.record(anchor, cause))));
            true
        });
        (close, empty)
    }

    /// A clip is closed. Answers it.
    pub fn closed(&mut self, id: ClipId) -> Option<Clip> {
        let place = self.clips.iter().position(|clip| clip.id == id)?;
        self.clips.remove(place)
    }

    /// Closing failed: it will be tried again.
    pub fn not_closed(&mut self, id: ClipId) {
        if let Some(clip) = self.clips.iter_mut().find(|clip| clip.id == id) {
            clip.closing = false;
        }
    }

    /// Nothing is going on, waiting or growing.
    pub fn idle(&self) -> bool {
        self.going.is_none() && self.clips.is_empty() && self.queue.is_empty()
    }

    /// Whether this clip is ours.
    pub fn has(&self, id: ClipId) -> bool {
        self.clips.iter().any(|clip| clip.id == id)
    }

    /// Growing clips, oldest first.
    pub fn clips(&self) -> impl Iterator<Item = &Clip> {
        self.clips.iter()
    }

    /// Claimed and not yet stored: how many, and bytes.
    pub fn backlog(&self) -> (u32, u64) {
        (self.queue.len() as u32, self.queue.iter().map(|claim| claim.bytes).sum())
    }

    /// For the screen: the event, until all it wants is claimed.
    pub fn view(&self, open: Option<&Segment>, now: Mono) -> Option<EventView> {
        let going = self.going.as_ref().filter(|_| self.wanting(open, now))?;
        Some(EventView {
            since: going.since,
            until: going.until,
            triggers: going.triggers,
            trigger: going.last.clone(),
            clip: self.clips.back().and_then(|clip| clip.file.as_ref()).map(|(name, _)| name.clone()),
        })
    }
}
