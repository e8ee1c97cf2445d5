//! A world around a `Recorder`: FFmpegs that write, crash, freeze and wrap; a ring of names that can be renamed and
//! written over; an archive that is slow, down, picky; news from the kernel that get lost, come twice or late; ticks
//! that come late. Orders are carried out exactly as the engine does it. Time passes only in here.

use crate::ffmpeg::Ffmpeg;
use crate::lot::Lot;
use crate::people::Wanted;
use crate::script::{Act, Script, at, ms, settings};
use crate::shelf::Stored;
use nvr::model::effect::{Append, Effect, Follow};
use nvr::model::event::{Event, SlotFile, Space};
use nvr::model::id::{CameraName, ClipId, RunId};
use nvr::model::record::{ClipState, Record};
use nvr::model::recorder::{Input, Recorder, Remembered};
use nvr::model::snapshot::Entry;
use nvr::model::time::{Anchor, Mono, Window};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A file in the ring. Its serial says which footage it really holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File {
    pub serial: u64,
    pub bytes: u64,
    pub open: bool,
    pub written: Mono,
}

#[derive(Debug)]
pub enum Happening {
    Input(Input),
    /// FFmpeg goes on to its next slot; of this life.
    Switch(RunId),
    /// This life of FFmpeg is over.
    Over(RunId, Option<String>),
    Freeze(RunId),
    /// FFmpeg says how many frames there were.
    Progress(RunId),
    Act(Act),
    Appended(Append),
    Followed(Follow),
    Closed(ClipId, Arc<Record>),
    /// The archive is there again after a start without it.
    Found,
}

pub struct World {
    pub script: Script,
    pub recorder: Recorder,
    pub camera: CameraName,
    pub now: Mono,
    pub anchor: Anchor,
    pub agenda: BTreeMap<(Mono, u64), Happening>,
    pub serial: u64,
    pub ffmpeg: Option<Ffmpeg>,
    pub slots: BTreeMap<u32, File>,
    pub claimed: BTreeMap<u64, File>,
    pub switches: usize,
    pub told: usize,
    pub appends: usize,
    pub follows: usize,
    pub claims: u64,
    late: usize,
    pub appending: bool,
    /// The segment that is with the archive.
    pub with_archive: Option<u64>,
    /// Segments that were claimed and given up, and when.
    pub discarded: Vec<(Mono, u64)>,
    pub next_request: u64,
    /// When each piece of footage really came in.
    pub footage: BTreeMap<u64, Window<Mono>>,
    pub clips: BTreeMap<ClipId, Stored>,
    pub refused: BTreeSet<u64>,
    pub wanted: Vec<Wanted>,
    pub journal: Vec<Entry>,
    pub order: Vec<u64>,
    pub starts: Vec<(Mono, RunId)>,
    pub appends_at: Vec<Mono>,
    pub answers: Vec<String>,
    pub armed: bool,
    /// The archive has found segments different from those before.
    pub picky: bool,
    /// Whether the recorder lives, and what outlives it.
    pub lot: Lot,
}

impl World {
    pub fn new(script: Script) -> Self {
        let camera: CameraName = "front".parse().expect("a name");
        let anchor = Anchor { mono: at(0), wall: "2026-11-22T10:00:00Z".parse().expect("an instant") };
        let recorder = Recorder::new(Arc::new(settings(&script, &[&camera])), &Remembered::default(), anchor);
        let mut world = Self {
            recorder,
            camera,
            now: at(0),
            anchor,
            agenda: BTreeMap::new(),
            serial: 0,
            ffmpeg: None,
            slots: BTreeMap::new(),
            claimed: BTreeMap::new(),
            switches: 0,
            told: 0,
            appends: 0,
            follows: 0,
            claims: 0,
            late: 0,
            appending: false,
            with_archive: None,
            discarded: Vec::new(),
            next_request: 0,
            footage: BTreeMap::new(),
            clips: BTreeMap::new(),
            refused: BTreeSet::new(),
            wanted: Vec::new(),
            journal: Vec::new(),
            order: Vec::new(),
            starts: Vec::new(),
            appends_at: Vec::new(),
            answers: Vec::new(),
            armed: true,
            picky: false,
            lot: Lot::default(),
            script,
        };
        for (when, act) in world.script.acts.clone() {
            world.plan(when, Happening::Act(act));
        }
        world.apply(Input::Event(Event::Clock { anchor, day: "2026-11-22".into() }));
        world
    }

    pub fn plan(&mut self, when: Mono, what: Happening) {
        self.serial += 1;
        let goes_on =
            matches!(what, Happening::Switch(_) | Happening::Over(..) | Happening::Freeze(_) | Happening::Progress(_));
        let mut when = when.max(self.now);
        if let Some((from, to, late)) = self.script.away
            && !goes_on
            && (from..to).contains(&when)
        {
            when = to + late;
        }
        self.agenda.insert((when, self.serial), what);
    }

    /// Lets time pass until `end`.
    pub fn run(&mut self, end: Mono) {
        let (mut ticked, mut ticks) = (Mono(u64::MAX), 0);
        loop {
            let due = if self.lot.dead { Mono(u64::MAX) } else { self.recorder.due(self.now).expect("sweeps go on") };
            let tick = (due + self.script.lateness[self.late % self.script.lateness.len()]).max(self.now);
            let tick =
                self.script.away.filter(|(from, to, _)| (*from..*to).contains(&tick)).map_or(tick, |away| away.1);
            let next = self.agenda.keys().next().map_or(tick, |(when, _)| tick.min(*when));
            if next > end {
                self.now = end;
                return;
            }
            if next < due && !self.lot.dead {
                let (before, after) = (self.recorder.snapshot(self.now), self.recorder.snapshot(next));
                assert_eq!(before, after, "a picture ages between {:?} and {next:?}", self.now);
            }
            self.now = next;
            let first = self.agenda.first_key_value().map(|(key, _)| *key).filter(|(when, _)| *when <= next);
            match first.and_then(|key| self.agenda.remove(&key)) {
                Some(happening) => self.happen(happening),
                None => {
                    ticks = if ticked == self.now { ticks + 1 } else { 0 };
                    assert!(ticks < 4, "ticks that lead nowhere at {:?}", self.now);
                    ticked = self.now;
                    self.late += 1;
                    self.apply(Input::Tick);
                }
            }
        }
    }

    /// Asks the recorder to stop and lets time pass until it has nothing left to do.
    pub fn stop(&mut self) {
        self.happen(Happening::Act(Act::Stop));
        for _ in 0..4_000 {
            if self.recorder.finished() {
                break;
            }
            self.run(self.now + ms(500));
        }
        let picture = self.recorder.snapshot(self.now);
        assert!(self.recorder.finished(), "never ends: {picture:#?}");
        assert!(self.recorder.stored() && self.recorder.cameras_stopped());
        assert_eq!(picture.archive.backlog, 0);
        for (number, file) in &self.claimed {
            let given_up = format!("segment {number} is lost: it fits into no clip");
            let said = self.journal.iter().any(|entry| entry.text.starts_with(&given_up));
            assert!(said, "claimed and forgotten: {number}, {file:?}");
            self.refused.insert(file.serial);
        }
        assert!(self.clips.values().all(|clip| clip.closed), "a clip was left open");
    }

    pub fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Input(input) => self.apply(input),
            Happening::Switch(run) => self.switch(run),
            Happening::Over(run, reason) => self.over(run, reason),
            Happening::Freeze(run) => {
                if let Some(ffmpeg) = self.ffmpeg.as_mut().filter(|ffmpeg| ffmpeg.run == run) {
                    ffmpeg.frozen = true;
                    // Its file stays open, and no footage comes into it any more.
                    let serial = ffmpeg.open.and_then(|slot| self.slots.get(&slot)).map(|file| file.serial);
                    if let Some(footage) = serial.and_then(|serial| self.footage.get_mut(&serial)) {
                        footage.to = self.now;
                    }
                }
            }
            Happening::Progress(run) => self.progress(run),
            Happening::Act(act) => self.act_on_the_living(act),
            Happening::Appended(append) => {
                self.with_archive = None;
                self.append(append);
            }
            Happening::Followed(follow) => self.follow(follow),
            Happening::Closed(clip, record) => self.close(clip, record),
            Happening::Found => self.found(),
        }
    }

    /// Applies an input and carries out what follows, as the engine does.
    pub fn apply(&mut self, input: Input) {
        let mut inputs = if self.lot.dead { vec![] } else { vec![input] };
        while let Some(input) = inputs.pop() {
            let mut done = Vec::new();
            for effect in self.recorder.apply(self.now, input) {
                match self.lot.outlives(&effect) {
                    true => done.extend(self.carry_out(effect)),
                    false => self.leave(effect),
                }
            }
            if self.lot.dead {
                return;
            }
            inputs.extend(done.into_iter().rev().map(Input::Event));
        }
    }

    /// Nothing may be ordered of a clip that nobody could look for yet.
    fn can_be_given_orders(&self, clip: ClipId) {
        assert!(self.lot.away.iter().all(|away| away.clip != clip), "the archive does not know {clip:?} yet");
    }

    fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::StartCamera { run, slot, .. } => self.start(run, slot),
            Effect::StopCamera { run, reason, .. } => {
                if let Some(ffmpeg) = self.ffmpeg.as_ref().filter(|ffmpeg| ffmpeg.run == run) {
                    let takes = if ffmpeg.frozen { ms(5_000) } else { ms(100) };
                    self.plan(self.now + takes, Happening::Over(run, reason));
                }
            }
            Effect::Sweep => {
                let files = self.slots.iter().map(|(&slot, file)| SlotFile { slot, bytes: file.bytes }).collect();
                let ram = Space { total: self.script.ram, free: if self.full() { 0 } else { self.room() } };
                return Some(Event::Swept { rings: vec![(self.camera.clone(), files)], ram: Some(ram) });
            }
            Effect::Claim { segment, slot, bytes } => return Some(self.claim(segment, slot, bytes)),
            Effect::Unlink { slot, bytes, .. } => {
                if let Some(file) = self.slots.get(&slot).filter(|file| file.bytes == bytes) {
                    assert!(!file.open, "a slot that is being written was removed");
                    self.slots.remove(&slot);
                }
            }
            Effect::Append(append) => {
                assert!(!self.appending, "one append at a time");
                self.can_be_given_orders(append.clip);
                self.appending = true;
                self.appends_at.push(self.now);
                self.with_archive = Some(append.segment.number);
                self.plan(self.now + self.script.archive_takes, Happening::Appended(*append));
            }
            Effect::Follow(follow) => {
                assert!(!self.appending, "an append and a look ahead at a time");
                self.can_be_given_orders(follow.append.clip);
                self.appending = true;
                self.plan(self.now + self.script.archive_takes, Happening::Followed(*follow));
            }
            Effect::Discard { segment } => {
                assert_ne!(self.with_archive, Some(segment.number), "the archive has it");
                assert!(self.claimed.remove(&segment.number).is_some(), "only what was claimed is given up");
                self.discarded.push((self.now, segment.number));
            }
            Effect::SaveRecord { clip, record } => {
                self.can_be_given_orders(clip);
                self.save(clip, record);
            }
            Effect::CloseClip { clip, record } => {
                assert_eq!(record.state, ClipState::Closed);
                self.can_be_given_orders(clip);
                self.plan(self.now + self.script.archive_takes, Happening::Closed(clip, record));
            }
            Effect::StorePicture { clip, .. } => {
                self.can_be_given_orders(clip);
                return Some(Event::PictureStored { clip, result: Ok(format!("{}.jpg", clip.0)) });
            }
            Effect::Log(entry) => self.journal.push(entry),
            Effect::SaveSpent(spent) => self.lot.spent = spent,
            Effect::SaveArmed(all) => self.lot.armed = all,
            Effect::Remember { memory, .. } => self.lot.remember(*memory),
            Effect::Reply { answer, .. } => self.answers.push(format!("{answer:?}")),
            Effect::OpenRing { camera } => return Some(Event::RingOpened { camera, first: 0 }),
            Effect::CloseRing { .. } => {
                assert!(self.ffmpeg.is_none(), "a ring was taken away from its FFmpeg");
                self.slots.clear();
            }
            Effect::ListClips { .. }
            | Effect::ShowClip { .. }
            | Effect::ChangeClip { .. }
            | Effect::TakeStills { .. }
            | Effect::Reload { .. }
            | Effect::Write { .. }
            | Effect::Adopt(_)
            | Effect::Stop { .. } => {}
        }
        None
    }

    /// Bytes that are free in the ring's file system.
    pub fn room(&self) -> u64 {
        let used = self.slots.values().chain(self.claimed.values()).map(|file| file.bytes).sum();
        let foreign = self.script.foreign.filter(|(from, to, _)| (*from..*to).contains(&self.now));
        self.script.ram.saturating_sub(used).saturating_sub(foreign.map_or(0, |(_, _, bytes)| bytes))
    }

    /// Whether FFmpeg's writing fails.
    pub fn full(&self) -> bool {
        self.script.full.is_some_and(|(from, to)| (from..to).contains(&self.now))
    }
}
