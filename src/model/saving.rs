//! What one camera's triggers want, and the way of each wanted segment from the ring into a clip.
//!
//! A trigger at T wants all that overlaps [T − pre-roll, T + post-roll]; a further one moves the end later. When the
//! countdown is over, the clip stays open for as long as a new trigger's pre-roll could still reach into it
//! (`Saving::linger`): such a trigger goes on with the same clip. So nearly every window is whole in one clip, and no
//! packet is ever stored twice. What a late mail wants in front of a clip that grows already goes into one of its own.

use super::claim::{Claim, Queue};
use super::clip::{Clip, SLACK};
use super::following::Following;
use super::id::{CameraName, ClipId};
use super::pictures::Pictures;
use super::record::{Record, TriggerKind};
use super::ring::Segment;
use super::snapshot::{EventView, TriggerView};
use super::time::{Anchor, Mono, Window};
pub use left::{SavingMemory, Taken, Where};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// A camera's mail may reach us so long after its RCPT, which is the trigger's instant.
pub const LATE_MAIL: Duration = Duration::from_secs(10);

/// One camera's footage on its way.
#[derive(Debug)]
pub struct Saving {
    pub(super) camera: CameraName,
    pub(super) seed: u64,
    going: Option<Going>,
    /// Oldest footage first; while something is going on, the last one is growing.
    pub(super) clips: VecDeque<Clip>,
    pub(super) queue: Queue,
    pub(super) following: Following,
    pub(super) pictures: Pictures,
    /// Whether the record on the disk says less than is wanted by now.
    telling: Telling,
    /// The last segment that was claimed; all that is claimed later is newer, except for late mails.
    pub(super) newest: Option<Newest>,
}

/// Records are written so seldom at most when only more is wanted: a camera may mail many times a second.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// When the growing clip's record is written again. RAM may be gone the next moment, and then the record alone says what
/// was wanted.
#[derive(Debug, Default)]
struct Telling {
    /// It does not say all that is wanted.
    stale: bool,
    /// Not before.
    next: Mono,
}

/// An event that is going on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Going {
    since: Mono,
    from: Mono,
    until: Mono,
    triggers: u64,
    last: TriggerView,
}

/// A segment that was claimed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Newest {
    number: u64,
    end: Mono,
    /// Its clip, and the clip's name once it is known.
    pub(super) clip: ClipId,
    pub(super) name: Option<String>,
}

/// Gives every clip a number of its own.
#[derive(Debug, Default)]
pub struct ClipIds(u64);

impl ClipIds {
    /// The next one.
    pub(super) fn next(&mut self) -> ClipId {
        self.0 += 1;
        ClipId(self.0)
    }

    /// The last one that was given.
    pub(super) fn last(&self) -> ClipId {
        ClipId(self.0)
    }

    /// From now on greater than this one.
    pub(super) fn pass(&mut self, id: ClipId) {
        self.0 = self.0.max(id.0);
    }
}

impl Saving {
    /// Nothing wanted yet. `seed` spreads the waits before retries.
    pub fn new(camera: CameraName, seed: u64) -> Self {
        Self {
            camera,
            seed,
            going: None,
            clips: VecDeque::new(),
            queue: Queue::default(),
            following: Following::default(),
            pictures: Pictures::default(),
            telling: Telling::default(),
            newest: None,
        }
    }

    /// Footage is wanted around `at`.
    pub fn trigger(&mut self, ids: &mut ClipIds, at: Mono, kind: TriggerKind, window: Window<Mono>) {
        let last = TriggerView { at, kind: kind.clone() };
        match &mut self.going {
            Some(going) => {
                self.telling.stale = true;
                going.from = going.from.min(window.from);
                going.until = going.until.max(window.to);
                going.triggers = going.triggers.saturating_add(1);
                going.last = last;
            }
            None => {
                self.going = Some(Going { since: at, from: window.from, until: window.to, triggers: 1, last });
                let taken = self.newest.as_ref().map_or(Mono(0), |newest| newest.end);
                self.clips.push_back(Clip::new(ids.next(), self.camera.clone(), window, taken));
            }
        }
        if let Some(clip) = self.clips.back_mut() {
            clip.ask(window);
            clip.trigger(at, kind);
        }
    }

    /// Ends the countdown. Answers whether there was one.
    pub fn release(&mut self, now: Mono) -> bool {
        let Some(going) = self.going.as_mut().filter(|going| now < going.until) else { return false };
        going.until = now;
        self.telling.stale = true;
        if let Some(clip) = self.clips.back_mut() {
            clip.asked.to = now.max(clip.asked.from);
        }
        true
    }

    /// The record of the growing clip, if what is wanted of it has changed since it was written. Until the clip has a
    /// file there is none to be written.
    pub fn tell(&mut self, now: Mono, anchor: &Anchor) -> Option<(ClipId, Arc<Record>)> {
        self.tell_at().filter(|at| *at <= now)?;
        let clip = self.clips.back()?;
        self.telling = Telling { stale: false, next: now + TELL_EVERY };
        Some((clip.id, Arc::new(clip.record(anchor, &self.queue))))
    }

    /// A picture lies beside a clip, and its record is to name it.
    pub(super) fn pictured(&mut self, id: ClipId, at: Mono, name: &str) {
        let newest = self.clips.back().map(|clip| clip.id);
        if let Some(clip) = self.clips.iter_mut().find(|clip| clip.id == id) {
            clip.pictured(at, name);
            self.telling.stale |= newest == Some(id); // an older one is closed soon
        }
    }

    /// When [`Saving::tell`] next matters.
    fn tell_at(&self) -> Option<Mono> {
        let grows = self.clips.back().is_some_and(Clip::grows_now);
        (self.telling.stale && grows).then_some(self.telling.next)
    }

    /// Whether a segment of the ring is wanted. All that lies between two wanted ones is wanted too.
    pub fn wants(&self, segment: &Segment) -> bool {
        let Some(going) = &self.going else { return false };
        let window = Window { from: going.from, to: going.until };
        !self.passed(segment) && segment.span().overlaps(window, SLACK)
    }

    /// Whether the growing clip has gone past a segment, so that it can no longer be appended there.
    pub fn passed(&self, segment: &Segment) -> bool {
        self.newest.as_ref().is_some_and(|newest| segment.number <= newest.number)
    }

    /// A wanted segment is about to be claimed. `most`: how far into a clip a segment may begin.
    pub fn claim(&mut self, ids: &mut ClipIds, segment: &Segment, most: Duration) {
        let Some(clip) = self.clips.back_mut() else { return };
        let span = segment.span();
        let full = clip.first().is_some_and(|(_, began)| span.from.since(began) > most);
        if full {
            let cause = segment.before.clone().unwrap_or_else(|| "it was no longer in the ring".into());
            let next = clip.go_on(ids.next(), span.from, cause);
            self.clips.push_back(next);
        }
        let Some(clip) = self.clips.back_mut() else { return };
        if let Some(newest) = self.newest.as_ref().filter(|newest| clip.first().is_none() && clip.id != newest.clip)
            && newest.number + 1 == segment.number
            && segment.before.is_none()
        {
            (clip.follows, clip.continues) = (Some(newest.clip), newest.name.clone());
        }
        let offset = clip.meant(segment.number, span.from);
        self.queue.push(Claim::new(segment, clip.id, offset));
        let name = clip.file.as_ref().map(|file| file.name.clone());
        self.newest = Some(Newest { number: segment.number, end: span.to, clip: clip.id, name });
    }

    /// Segments that the growing clip has passed are about to be claimed for a late trigger: they lie one behind the
    /// other, and become a clip of their own in front of it. `taken`: where the footage before them ends that is in
    /// another clip.
    pub fn claim_behind(
        &mut self,
        ids: &mut ClipIds,
        segments: &[Segment],
        taken: Mono,
        trigger: (Mono, TriggerKind),
        window: Window<Mono>,
    ) {
        let (Some(first), Some(last)) = (segments.first(), segments.last()) else { return };
        let end = last.span().to;
        let window = Window { from: window.from, to: window.to.min(end) };
        let mut clip = Clip::new(ids.next(), self.camera.clone(), window, taken);
        clip.trigger(trigger.0, trigger.1);
        clip.ended = Some("it was no longer in the ring".into());
        for segment in segments {
            let offset = clip.meant(segment.number, segment.opened);
            self.queue.push(Claim::new(segment, clip.id, offset));
        }
        let later = |clip: &Clip| clip.first().is_none_or(|(number, _)| number > first.number);
        let place = self.clips.iter().position(later).unwrap_or(self.clips.len());
        if let Some(next) = self.clips.get_mut(place) {
            next.taken = next.taken.max(end);
            let goes_on = next.first().is_some_and(|(n, began)| n == last.number + 1 && began <= end + SLACK);
            if goes_on && next.follows.is_none() {
                next.follows = Some(clip.id);
            }
        }
        self.clips.insert(place, clip);
    }

    /// When a clip that wants no more is ended for good: as long as a new trigger's pre-roll, or a late mail's, could
    /// reach into what is stored; but never longer than the ring can still bridge (`reach`).
    fn linger(&self, going: &Going, pre: Duration, reach: Duration) -> Mono {
        let end = self.newest.as_ref().map_or(going.until, |newest| newest.end.max(going.until));
        end + pre.saturating_add(SLACK * 2 + LATE_MAIL).min(reach)
    }

    /// When [`Saving::settle`], [`Saving::tell`], [`Saving::feed`] or [`Saving::closable`] next matters.
    pub fn due(&self, open: Option<&Segment>, pre: Duration, reach: Duration, now: Mono) -> Option<Mono> {
        // Of a segment that is being written and wanted, the end is news and not a matter of time.
        let open = open.is_some_and(|open| self.wants(open));
        let going = self.going.as_ref().filter(|_| !open).map(|going| {
            let slack = going.until + SLACK;
            let over = slack + Duration::from_micros(1);
            if now <= slack { over } else { self.linger(going, pre, reach).max(over) }
        });
        let waiting = self.clips.iter().filter(|clip| !clip.closing && !self.queue.holds(clip.id));
        let closing = waiting.filter_map(|clip| clip.setback.as_ref().map(|setback| setback.retry_at));
        let next = self.queue.due().filter(|_| !self.following.busy());
        closing.chain(going).chain(next).chain(self.tell_at()).min()
    }

    /// Whether something is still wanted of the segment that is being written, or may be of the next.
    pub fn wanting(&self, open: Option<&Segment>, now: Mono) -> bool {
        self.going.as_ref().is_some_and(|going| now <= going.until + SLACK) || open.is_some_and(|open| self.wants(open))
    }

    /// Ends what is over. `open`: the segment being written; `now_or_never`: no more footage will come; `cause`: why
    /// footage is missing at the end, if it is.
    pub fn settle(
        &mut self,
        open: Option<&Segment>,
        now: Mono,
        pre: Duration,
        reach: Duration,
        now_or_never: bool,
        cause: &Arc<str>,
    ) {
        let Some(going) = &self.going else { return };
        if now_or_never {
            if open.is_some_and(|open| self.wants(open)) {
                return;
            }
        } else if self.wanting(open, now) || now < self.linger(going, pre, reach) {
            return;
        }
        self.going = None;
        if let Some(clip) = self.clips.back_mut() {
            clip.ended = Some(cause.clone());
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
    pub fn clips(&self) -> impl DoubleEndedIterator<Item = &Clip> {
        self.clips.iter()
    }

    /// Claimed and not yet stored: how many, and bytes.
    pub fn backlog(&self) -> (u32, u64) {
        self.queue.size()
    }

    /// For the screen: the event, until all it wants is claimed.
    pub fn view(&self, open: Option<&Segment>, now: Mono) -> Option<EventView> {
        let going = self.going.as_ref().filter(|_| self.wanting(open, now))?;
        Some(EventView {
            since: going.since,
            until: going.until,
            triggers: going.triggers,
            trigger: going.last.clone(),
            clip: self.clips.back().and_then(|clip| clip.file.as_ref()).map(|file| file.name.clone()),
        })
    }
}

mod left;
