//! One camera: its FFmpeg's life, its ring, and what its triggers want, joined.

use super::effect::Effect;
use super::event::{Added, CameraNews, SlotFile};
use super::id::{ClipId, RunId, SegmentId};
use super::life::{Life, Step};
use super::out::Out;
use super::rate::{BitRate, FrameRate};
use super::record::TriggerKind;
use super::ring::{Fate, Ring};
use super::saving::{ClipIds, Saving};
use super::settings;
use super::snapshot::{CameraView, ClipView, CopyOutcome, CopyView, Level, Lost, Media, SlotView};
use super::time::{Anchor, Mono};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Lines of FFmpeg's stderr that are kept.
const STDERR_LINES: usize = 20;

/// One camera.
#[derive(Debug)]
pub struct Camera {
    /// What its owner decided.
    pub settings: Arc<settings::Camera>,
    /// Whether it obeys triggers from outside.
    pub armed: bool,
    life: Life,
    ring: Ring,
    saving: Saving,
    slots: u32,
    segment: Duration,
    frames: FrameRate,
    bits: BitRate,
    media: Option<Media>,
    last_segment: Option<Mono>,
    stderr: VecDeque<String>,
    lost: Lost,
    cooldown_until: Mono,
    /// The trouble that was last said, until footage comes again.
    said: Option<String>,
}

impl Camera {
    /// A camera that is to be started at once; `first`: the number of its first segment.
    pub fn new(settings: Arc<settings::Camera>, ring: &settings::Ring, armed: bool, first: u64, now: Mono) -> Self {
        Self {
            life: Life::new(settings.name.as_str(), ring.segment, now),
            ring: Ring::new(ring.slots, ring.wrap(), first),
            saving: Saving::new(settings.name.clone()),
            slots: ring.slots,
            segment: ring.segment,
            frames: FrameRate::default(),
            bits: BitRate::default(),
            media: None,
            last_segment: None,
            stderr: VecDeque::new(),
            lost: Lost::default(),
            cooldown_until: now,
            said: Some(String::new()),
            armed,
            settings,
        }
    }

    /// How far back the ring can be relied on: two segments are always in motion.
    fn reach(&self) -> Duration {
        self.segment * self.slots.saturating_sub(2)
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
                self.stderr.push_back(line);
                while self.stderr.len() > STDERR_LINES {
                    self.stderr.pop_front();
                }
            }
            CameraNews::Ended { reason } => {
                if let Some(reason) = self.life.ended(reason, out.now) {
                    self.trouble(out, format!("no signal: {reason}"));
                }
                out.order(Effect::Sweep);
            }
        }
    }

    /// The camera is in trouble: said once for each cause, however often it is tried again.
    fn trouble(&mut self, out: &mut Out, text: String) {
        if self.said.as_ref() != Some(&text) {
            out.say(Level::Warn, Some(&self.settings.name), text.clone());
        }
        self.saving.blame(text.clone());
        self.said = Some(text);
    }

    /// FFmpeg opened a slot.
    pub fn slot_opened(&mut self, out: &mut Out, slot: u32) {
        let finished = self.ring.slot_opened(slot, self.life.run(), out.now);
        self.life.slot_opened(out.now);
        self.moved(out, finished);
    }

    /// FFmpeg closed a slot.
    pub fn slot_closed(&mut self, out: &mut Out, file: SlotFile, media: Option<Media>) {
        if media.is_some() {
            self.media = media;
        }
        let finished = self.ring.slot_closed(file, self.life.run(), out.now);
        self.moved(out, finished);
    }

    /// What really lies in the ring.
    pub fn swept(&mut self, out: &mut Out, files: &[SlotFile]) {
        let before = self.ring.open().map(|open| open.number);
        let finished = self.ring.swept(files, self.life.run(), self.life.alive(), out.now);
        if self.ring.open().is_some_and(|open| Some(open.number) != before) {
            self.life.slot_opened(out.now);
        }
        self.moved(out, finished);
    }

    /// The ring has changed: claims what is wanted first, and only then lets go of what is too old.
    fn moved(&mut self, out: &mut Out, finished: bool) {
        if finished
            && let Some(last) = self.ring.segments().rev().find(|s| s.closed.is_some() && s.fate == Fate::InRing)
        {
            self.last_segment = last.closed;
            self.life.segment_finished();
            if self.said.take().is_some() {
                out.say(Level::Info, Some(&self.settings.name), "recording");
            }
            let span = last.span();
            self.bits.segment(last.bytes, span.to.since(span.from).as_secs_f64());
        }
        self.claim(out);
        for slot in self.ring.outdated() {
            out.order(Effect::Unlink { camera: self.settings.name.clone(), slot });
        }
    }

    /// Takes every finished segment that is wanted out of FFmpeg's reach.
    fn claim(&mut self, out: &mut Out) {
        let wanted: Vec<u64> = self
            .ring
            .segments()
            .filter(|segment| segment.closed.is_some() && segment.fate == Fate::InRing && self.saving.wants(segment))
            .map(|segment| segment.number)
            .collect();
        for number in wanted {
            self.ring.set(number, Fate::Claimed);
            let segment = SegmentId { camera: self.settings.name.clone(), number };
            out.order(Effect::Claim { segment, slot: self.ring.slot(number) });
        }
    }

    /// What came of a claim.
    pub fn claimed(&mut self, out: &mut Out, ids: &mut ClipIds, number: u64, result: Result<u64, String>) {
        match (self.ring.get(number), result) {
            (Some(segment), Ok(bytes)) => {
                self.saving.claimed(ids, segment, bytes, self.settings.trigger.max_clip);
            }
            (None, Ok(bytes)) => self.lose(out, number, bytes, "", "it was claimed after the ring had moved on"),
            (_, Err(error)) => {
                self.saving.blame(error.clone());
                self.lose(out, number, 0, "", &format!("could not be claimed: {error}"));
            }
        }
    }

    /// Footage is wanted. Answers what came of it, in words.
    pub fn trigger(&mut self, out: &mut Out, ids: &mut ClipIds, at: Mono, kind: TriggerKind) -> String {
        let rules = &self.settings.trigger;
        let outside = matches!(kind, TriggerKind::Mail { .. });
        if outside && !self.armed {
            return "ignored: disarmed".to_owned();
        }
        if outside && at < self.cooldown_until {
            return "ignored: cooldown".to_owned();
        }
        if outside {
            self.cooldown_until = at + rules.cooldown;
        }
        self.saving.trigger(ids, at, kind, rules.pre_roll, rules.post_roll);
        self.claim(out);
        if self.life.alive() { "saving".to_owned() } else { "saving, but there is no signal now".to_owned() }
    }

    /// Ends the countdown. Answers whether there was one.
    pub fn release(&mut self, now: Mono) -> bool {
        self.saving.release(now)
    }

    /// The recorder is ending.
    pub fn stop(&mut self, out: &mut Out) {
        self.saving.release(out.now);
        if let Some(run) = self.life.stop(out.now) {
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

    /// Starts or ends FFmpeg if it is time.
    pub fn tick(&mut self, out: &mut Out) {
        let camera = Arc::clone(&self.settings);
        match self.life.tick(out.now) {
            Some(Step::Start(run)) => {
                let (slot, encode_audio) = (self.ring.next_slot(), self.life.encode_audio());
                out.order(Effect::StartCamera { camera, run, slot, encode_audio });
            }
            Some(Step::End(run, reason)) => {
                self.trouble(out, format!("stalled: {reason}"));
                out.order(Effect::StopCamera { camera: camera.name.clone(), run, reason: Some(reason) });
            }
            None => {}
        }
    }

    /// Ends what is over, feeds the archive and closes clips. `archive`: it may be given something to do.
    pub fn settle(&mut self, out: &mut Out, archive: bool) {
        let pre = self.settings.trigger.pre_roll;
        self.saving.settle(self.ring.open(), out.now, pre, self.reach(), self.life.stopped());
        if !archive {
            return;
        }
        if let Some(append) = self.saving.next_append(&out.anchor) {
            self.ring.set(append.segment.number, Fate::Copying);
            out.order(Effect::Append(Box::new(append)));
        }
        let (close, empty) = self.saving.closable(&out.anchor);
        for (clip, record) in close {
            out.order(Effect::CloseClip { clip, record });
        }
        for window in empty {
            let span = window.to.since(window.from).as_secs();
            let text = format!("nothing could be saved of {span} s that were wanted: the camera sent nothing");
            out.say(Level::Error, Some(&self.settings.name), text);
        }
    }

    /// When [`Camera::tick`] or [`Camera::settle`] next matters.
    pub fn due(&self, now: Mono) -> Option<Mono> {
        let saving = self.saving.due(self.settings.trigger.pre_roll, self.reach(), now);
        self.life.due().into_iter().chain(saving).min()
    }

    /// Whether a growing clip is this camera's.
    pub fn has(&self, clip: ClipId) -> bool {
        self.saving.has(clip)
    }

    /// A clip's file has a name.
    pub fn clip_opened(&mut self, clip: ClipId, name: String, path: String) {
        self.saving.opened(clip, name, path);
    }

    /// A segment is durable.
    pub fn appended(&mut self, out: &mut Out, clip: ClipId, number: u64, added: &Added) {
        let Some((claim, record)) = self.saving.appended(number, added, self.media.as_ref(), &out.anchor) else {
            return;
        };
        self.ring.set(number, Fate::Stored);
        if let Some(record) = record {
            out.order(Effect::SaveRecord { clip, record });
        }
        let outcome = CopyOutcome::Stored { bytes: added.bytes, took: added.took, retries: claim.retries };
        self.copied(out, number, clip, outcome);
    }

    /// The archive could not take a segment; it stays where it is.
    pub fn put_off(&mut self, out: &mut Out, clip: ClipId, number: u64, reason: String) {
        if self.saving.put_off(number).is_some_and(|claim| claim.retries == 1) {
            self.copied(out, number, clip, CopyOutcome::Retrying { reason });
        }
        self.ring.set(number, Fate::Claimed);
    }

    /// A segment needs a clip of its own.
    pub fn split(&mut self, out: &mut Out, ids: &mut ClipIds, number: u64) {
        self.ring.set(number, Fate::Claimed);
        self.saving.split(ids, number);
        out.say(Level::Info, Some(&self.settings.name), "codec or size changed: a new clip begins");
    }

    /// A segment cannot be stored at all.
    pub fn unusable(&mut self, out: &mut Out, clip: ClipId, number: u64, reason: &str) {
        let name = self.clip_name(clip);
        if let Some(claim) = self.saving.lost(number, reason.to_owned()) {
            self.lose(out, number, claim.bytes, &name, reason);
        }
    }

    /// A clip has its final name. Answers how lists show it.
    pub fn clip_closed(&mut self, out: &mut Out, id: ClipId, path: String) -> Option<ClipView> {
        let clip = self.saving.closed(id)?;
        let view = ClipView { open: false, path, ..clip.view(&out.anchor)? };
        let level = if view.missing.is_zero() { Level::Info } else { Level::Warn };
        let missing = match view.missing.as_secs_f64() {
            0.0 => String::new(),
            seconds => format!(", {seconds:.1} s of what was wanted are missing (see its record)"),
        };
        let text = format!("clip {} saved, {:.1} s{missing}", view.name, view.length.as_secs_f64());
        out.say(level, Some(&self.settings.name), text);
        Some(view)
    }

    /// Closing a clip failed.
    pub fn not_closed(&mut self, clip: ClipId) {
        self.saving.not_closed(clip);
    }

    fn clip_name(&self, id: ClipId) -> String {
        let clip = self.saving.clips().find(|clip| clip.id == id);
        clip.and_then(|clip| clip.file.as_ref()).map(|(name, _)| name.clone()).unwrap_or_default()
    }

    fn lose(&mut self, out: &mut Out, number: u64, bytes: u64, clip: &str, reason: &str) {
        self.ring.set(number, Fate::Lost);
        self.lost.segments += 1;
        self.lost.bytes += bytes;
        let name = &self.settings.name;
        out.say(Level::Error, Some(name), format!("segment {number} is lost: {reason}"));
        out.copies.push(CopyView {
            at: out.now,
            camera: name.clone(),
            slot: self.shown_slot(number),
            clip: clip.to_owned(),
            outcome: CopyOutcome::Lost { reason: reason.to_owned() },
        });
    }

    fn copied(&self, out: &mut Out, number: u64, clip: ClipId, outcome: CopyOutcome) {
        out.copies.push(CopyView {
            at: out.now,
            camera: self.settings.name.clone(),
            slot: self.shown_slot(number),
            clip: self.clip_name(clip),
            outcome,
        });
    }

    fn shown_slot(&self, number: u64) -> u32 {
        (number % u64::from(self.slots)) as u32
    }

    /// Footage that was wanted and is gone.
    pub fn lost(&self) -> Lost {
        self.lost
    }

    /// Claimed and not yet stored: how many, and bytes.
    pub fn backlog(&self) -> (u32, u64) {
        self.saving.backlog()
    }

    /// Growing clips, newest first.
    pub fn open_clips(&self, anchor: &Anchor) -> Vec<ClipView> {
        let mut clips: Vec<_> = self.saving.clips().filter_map(|clip| clip.view(anchor)).collect();
        clips.reverse();
        clips
    }

    /// For the screen.
    pub fn view(&self, now: Mono) -> CameraView {
        let mut slots = vec![SlotView::Empty; self.slots as usize];
        let newest = self.ring.segments().rev().take(self.slots as usize);
        for segment in newest {
            slots[self.shown_slot(segment.number) as usize] = match segment.fate {
                Fate::InRing if segment.closed.is_none() => SlotView::Writing,
                Fate::InRing => SlotView::Complete,
                Fate::Claimed => SlotView::Claimed,
                Fate::Copying => SlotView::Copying,
                Fate::Stored => SlotView::Stored,
                Fate::Lost => SlotView::Lost,
                Fate::Gone => SlotView::Empty,
            };
        }
        let in_ring: u64 = self.ring.segments().filter(|s| s.fate == Fate::InRing).map(|s| s.bytes).sum();
        let (backlog, claimed) = self.saving.backlog();
        CameraView {
            name: self.settings.name.clone(),
            armed: self.armed,
            state: self.life.view(),
            media: self.media.clone(),
            fps: self.frames.shown(),
            bitrate: self.bits.shown(),
            slots,
            event: self.saving.view(self.ring.open(), now),
            last_segment: self.last_segment,
            segment: self.segment,
            restarts: self.life.restarts(),
            ram: in_ring + claimed,
            backlog,
            lost: self.lost.segments,
            stderr: self.stderr.iter().cloned().collect(),
        }
    }
}
