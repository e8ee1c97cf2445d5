//! One camera: its FFmpeg's life, its ring, and what its triggers want, joined.

use super::backoff;
use super::budget::Budget;
use super::carry::Carried;
use super::clip::SLACK;
use super::effect::Effect;
use super::event::{CameraNews, SlotFile, Trouble};
use super::id::{RunId, SegmentId};
use super::interval::Interval;
use super::life::{End, Life};
use super::memory::Memory;
use super::out::Out;
use super::question::Said;
use super::rate::{BitRate, FrameRate};
use super::record::TriggerKind;
use super::ring::{Fate, Moved, Ring, Segment};
use super::saving::{ClipIds, Saving};
use super::seen::{Pace, Shape};
use super::settings;
use super::silence::{Silence, about};
use super::snapshot::{Level, Lost, Media, Topic};
use super::text::fit_for_screen;
use super::time::{Mono, Window};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Lines of FFmpeg's stderr that are kept.
const STDERR_LINES: usize = 20;
/// Characters of each.
const STDERR_LINE: usize = 500;

/// What is wrong when nothing more fits into the ring, and what helps.
const NO_ROOM: &str = "the ring has no room left (make ring.dir's file system larger, or ring.slots smaller)";
/// What is wrong when FFmpeg writes nothing, and nobody knows why.
const NO_FOOTAGE: &str = "FFmpeg finished two segments without footage (does the camera send video?)";

/// One camera.
#[derive(Debug)]
pub struct Camera {
    /// What its owner decided.
    pub settings: Arc<settings::Camera>,
    /// Whether it obeys triggers from outside.
    pub armed: bool,
    pub(super) life: Life,
    pub(super) ring: Ring,
    pub(super) saving: Saving,
    pub(super) slots: u32,
    pub(super) segment: Duration,
    pub(super) frames: FrameRate,
    pub(super) bits: BitRate,
    pub(super) media: Option<Media>,
    pub(super) last_segment: Option<Mono>,
    pub(super) stderr: VecDeque<Said>,
    pub(super) lost: Lost,
    /// The file system of the ring is full.
    pub(super) no_room: bool,
    /// What its video is coded by.
    pub(super) shape: Shape,
    /// How fast its stream runs.
    pub(super) pace: Pace,
    /// When it last mailed.
    pub(super) silence: Silence,
    /// It is no longer in the configuration: what is wanted of it is stored, and then it goes.
    pub(super) removed: bool,
    /// Since when there was always something that waits for the archive.
    pub(super) waiting: Option<Mono>,
    /// The last trigger from outside that was obeyed.
    pub(super) obeyed: Option<Mono>,
    /// What is left of what mails may have saved today.
    pub(super) budget: Budget,
    /// How often it mails.
    pub(super) interval: Interval,
    /// The trouble that was last said, until footage comes again.
    pub(super) said: Option<String>,
    /// What came over from an earlier recorder, until the first step.
    pub(super) carried: Option<Carried>,
    /// What a recorder after this one was last told.
    pub(super) noted: Option<Memory>,
}

impl Camera {
    /// A camera that may be started at once; `first`: the number of its first segment.
    pub fn new(settings: Arc<settings::Camera>, ring: &settings::Ring, armed: bool, first: u64, now: Mono) -> Self {
        Self {
            life: Life::new(settings.name.as_str(), ring.segment, now),
            ring: Ring::new(ring.slots, ring.wrap(), first, now),
            saving: Saving::new(settings.name.clone(), backoff::seed(settings.name.as_str())),
            slots: ring.slots,
            segment: ring.segment,
            frames: FrameRate::default(),
            bits: BitRate::default(),
            media: None,
            last_segment: None,
            stderr: VecDeque::new(),
            lost: Lost::default(),
            no_room: false,
            shape: Shape::default(),
            pace: Pace::default(),
            silence: Silence::new(now),
            removed: false,
            waiting: None,
            obeyed: None,
            budget: Budget::default(),
            interval: Interval::default(),
            said: Some(String::new()),
            carried: None,
            noted: None,
            armed,
            settings,
        }
    }

    /// How far back the ring can be relied on: two segments are always in motion.
    fn reach(&self) -> Duration {
        self.segment.saturating_mul(self.slots.saturating_sub(2))
    }

    /// What FFmpeg did.
    pub fn news(&mut self, out: &mut Out, run: RunId, news: CameraNews) {
        if run != self.life.run() {
            return;
        }
        match news {
            CameraNews::Started => self.frames.restart(),
            CameraNews::Progress { frames } => {
                self.life.progressed(frames, out.now);
                self.frames.count(frames, out.now);
            }
            CameraNews::Said(line) => {
                self.stderr.push_back(Said { at: out.now, text: fit_for_screen(&line, STDERR_LINE) });
                while self.stderr.len() > STDERR_LINES {
                    self.stderr.pop_front();
                }
            }
            CameraNews::Ended { reason } => {
                let fit = |trouble: Trouble| Trouble { text: fit_for_screen(&trouble.text, STDERR_LINE), ..trouble };
                if let Some(reason) = self.life.ended(reason.map(fit), out.now) {
                    self.trouble(out, "no signal", reason);
                }
                out.order(Effect::Sweep);
            }
        }
    }

    /// The camera is in trouble: said once for each cause, however often it is tried again.
    fn trouble(&mut self, out: &mut Out, what: &str, cause: String) {
        let text = format!("{what}: {cause}");
        self.ring.blame(&text);
        if self.said.as_ref() != Some(&cause) {
            out.say(Level::Warn, Topic::Camera, Some(&self.settings.name), text);
        }
        self.said = Some(cause);
    }

    /// FFmpeg opened a slot.
    pub fn slot_opened(&mut self, out: &mut Out, ids: &mut ClipIds, slot: u32) {
        let moved = self.ring.slot_opened(slot, self.life.run(), out.now);
        self.moved(out, ids, moved);
    }

    /// FFmpeg closed a slot.
    pub fn slot_closed(&mut self, out: &mut Out, ids: &mut ClipIds, file: SlotFile, media: Option<Media>) {
        if media.is_some() {
            self.media.clone_from(&media);
        }
        let moved = self.ring.slot_closed(file, media, self.life.run(), out.now);
        self.moved(out, ids, moved);
    }

    /// What really lies in the ring.
    pub fn swept(&mut self, out: &mut Out, ids: &mut ClipIds, files: &[SlotFile]) {
        let moved = self.ring.swept(files, self.life.run(), self.life.alive(), out.now);
        self.moved(out, ids, moved);
    }

    /// The ring has changed: claims what is wanted first, and only then lets go of what is too old.
    pub(super) fn moved(&mut self, out: &mut Out, ids: &mut ClipIds, moved: Moved) {
        if moved.opened {
            self.life.slot_opened(out.now);
        }
        if moved.finished {
            self.segment_finished(out);
        }
        if moved.empty {
            let reason = if self.no_room { NO_ROOM } else { NO_FOOTAGE };
            let end = self.life.segment_empty(reason, out.now);
            self.end(out, end);
        }
        self.claim(out, ids);
        for SlotFile { slot, bytes } in self.ring.outdated() {
            out.order(Effect::Unlink { camera: self.settings.name.clone(), slot, bytes });
        }
    }

    /// A segment with footage was finished.
    fn segment_finished(&mut self, out: &mut Out) {
        let Some(last) = self.ring.segments().rev().find(|segment| segment.claimable()) else { return };
        if self.life.segment_finished(last.run, out.now) && self.said.take().is_some() {
            out.say(Level::Info, Topic::Camera, Some(&self.settings.name), "recording");
        }
        self.last_segment = last.closed;
        let span = last.span();
        if last.bytes > 0 {
            self.bits.segment(last.bytes, span.to.since(span.from).as_secs_f64());
        }
    }

    /// Takes every finished segment that is wanted out of FFmpeg's reach.
    fn claim(&mut self, out: &mut Out, ids: &mut ClipIds) {
        let wanted = |segment: &&Segment| segment.claimable() && self.saving.wants(segment);
        let wanted: Vec<_> = self.ring.segments().filter(wanted).cloned().collect();
        let most = self.most();
        for segment in wanted {
            self.saving.claim(ids, &segment, most);
            self.take(out, &segment);
        }
    }

    /// The same for what a late trigger wants and the growing clip has gone past.
    fn claim_behind(&mut self, out: &mut Out, ids: &mut ClipIds, at: Mono, kind: &TriggerKind, window: Window<Mono>) {
        let wanted = |segment: &&Segment| {
            segment.claimable() && self.saving.passed(segment) && segment.span().overlaps(window, SLACK)
        };
        let wanted: Vec<_> = self.ring.segments().filter(wanted).cloned().collect();
        for block in wanted.chunk_by(|one, next| one.number + 1 == next.number) {
            let taken = self.ring.taken_before(block[0].number);
            self.saving.claim_behind(ids, block, taken, (at, kind.clone()), window);
            for segment in block {
                self.take(out, segment);
            }
        }
    }

    fn take(&mut self, out: &mut Out, segment: &Segment) {
        let number = segment.number;
        self.ring.set(number, Fate::Claimed);
        let (slot, bytes) = (self.ring.slot(number), (segment.bytes > 0).then_some(segment.bytes));
        out.order(Effect::Claim { segment: SegmentId { camera: self.settings.name.clone(), number }, slot, bytes });
    }

    /// Why a trigger from outside is not obeyed, if it is not.
    pub fn ignores(&self, at: Mono) -> Option<String> {
        if !self.armed {
            return Some("disarmed".to_owned());
        }
        // One that is older than the last one obeyed only came later: it is no further trigger.
        let cooldown = self.settings.trigger.cooldown;
        if self.obeyed.is_some_and(|last| (last..last + cooldown).contains(&at)) {
            return Some(format!("within {} s of the last one (trigger.cooldown)", cooldown.as_secs_f64()));
        }
        self.spent().map(|limit| format!("mails have had {} saved today (trigger.budget)", about(limit)))
    }

    /// Footage is wanted. Answers what came of it, in words.
    ///
    /// # Errors
    /// Why it was not obeyed, in words.
    pub fn trigger(&mut self, out: &mut Out, ids: &mut ClipIds, at: Mono, kind: TriggerKind) -> Result<String, String> {
        let rules = &self.settings.trigger;
        let window = Window { from: at - rules.pre_roll, to: at + rules.post_roll };
        if kind.mail().is_some() {
            if let Some(why) = self.ignores(at) {
                return Err(format!("ignored: {why}"));
            }
            self.obeyed = self.obeyed.max(Some(at));
            self.budget.spend(window);
        }
        self.claim_behind(out, ids, at, &kind, window);
        self.saving.trigger(ids, at, kind, window);
        self.claim(out, ids);
        match self.life.trouble() {
            None => Ok("saving".to_owned()),
            Some(trouble) => Ok(format!("saving, but nothing comes in now ({trouble})")),
        }
    }

    /// Whether the ring's file system is short of room. What failed for want of it is tried again at once.
    pub(super) fn room(&mut self, short: bool, now: Mono) {
        self.no_room = short;
        if !short {
            self.life.hurry(NO_ROOM, now);
        }
    }

    /// Ends the countdown. Answers whether there was one.
    pub fn release(&mut self, now: Mono) -> bool {
        self.saving.release(now)
    }

    /// No more footage is to come in, for this reason: what waits is tried at once. What is still wanted stays wanted, so
    /// that the record says what is missing of it.
    pub fn stop(&mut self, out: &mut Out, cause: &str) {
        self.saving.hurry(out.now);
        if let Some(run) = self.life.stop(out.now) {
            self.ring.blame(cause);
            out.order(Effect::StopCamera { camera: self.settings.name.clone(), run, reason: None });
        }
    }

    /// Whether its FFmpeg has ended for good.
    pub fn stopped(&self) -> bool {
        self.life.stopped()
    }

    /// Whether nothing is left to do for a camera that was told to stop.
    pub fn finished(&self) -> bool {
        self.life.stopped() && self.saving.idle()
    }

    /// Ends FFmpeg if it has stalled.
    pub fn tick(&mut self, out: &mut Out) {
        let end = self.life.tick(out.now);
        self.end(out, end);
    }

    /// It is this camera's turn to start its FFmpeg.
    pub fn start(&mut self, out: &mut Out) {
        let Some(run) = self.life.start(out.now) else { return };
        let (camera, slot) = (Arc::clone(&self.settings), self.ring.next_slot());
        let (encode_audio, in_doubt) = (self.life.encode_audio(), self.life.in_doubt());
        out.order(Effect::StartCamera { camera, run, slot, encode_audio, in_doubt });
    }

    pub(super) fn end(&mut self, out: &mut Out, end: Option<End>) {
        if let Some(End { run, reason }) = end {
            self.trouble(out, "stalled", reason.clone());
            out.order(Effect::StopCamera { camera: self.settings.name.clone(), run, reason: Some(reason) });
        }
    }

    /// The recorder did not run for so long, and `cause` says so.
    pub fn was_away(&mut self, out: &mut Out, away: Duration, cause: &str) {
        self.life.was_away(out.now);
        self.silence.was_away(away);
        let turn = self.segment.saturating_mul(self.slots.saturating_add(1));
        if self.life.alive() && away > turn {
            self.ring.lose_place(cause);
        }
    }

    /// Ends what is over, feeds the archive and closes clips.
    pub fn settle(&mut self, out: &mut Out) {
        self.listen(out);
        self.watch_budget(out);
        let (pre, reach, stopped) = (self.settings.trigger.pre_roll, self.reach(), self.life.stopped());
        self.saving.settle(self.ring.open(), out.now, pre, reach, stopped, self.ring.cause());
        if let Some((clip, record)) = self.saving.tell(out.now, &out.anchor) {
            out.order(Effect::SaveRecord { clip, record });
        }
        if let Some(append) = self.saving.feed(out.now, &out.anchor) {
            self.ring.set(append.segment.number, Fate::Copying);
            out.order(Effect::Append(Box::new(append)));
        }
        self.store_picture(out);
        self.keeps_up(out.now);
        self.follow(out);
        let over = self.saving.closable(out.now, &out.anchor);
        for (clip, record) in over.close {
            out.order(Effect::CloseClip { clip, record });
        }
        self.give_up_pictures(out);
        for (missing, cause) in over.empty {
            self.lost.events = self.lost.events.saturating_add(1);
            let text = format!("nothing could be saved of {:.1} s that were wanted: {cause}", missing.as_secs_f64());
            out.say(Level::Error, Topic::Loss, Some(&self.settings.name), text);
        }
    }

    /// When [`Camera::tick`] or [`Camera::settle`] next matters.
    pub fn due(&self, now: Mono) -> Option<Mono> {
        let saving = self.saving.due(self.ring.open(), self.settings.trigger.pre_roll, self.reach(), now);
        let others = self.silence_due().into_iter().chain(self.follow_due(now));
        self.life.due().into_iter().chain(saving).chain(others).min()
    }
}
