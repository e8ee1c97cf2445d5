//! A world around a `Recorder`: FFmpegs that write, crash, freeze and wrap; a ring of names that can be renamed and
//! written over; an archive that is slow, down, picky; news from the kernel that get lost, come twice or late; ticks
//! that come late. Orders are carried out exactly as the engine does it. Time passes only in here.

use nvr::model::command::{Command, TriggerBy, Who};
use nvr::model::effect::{Append, Effect};
use nvr::model::event::{Added, AppendFailure, CameraNews, Event, Mail, SlotFile, Space, Trouble};
use nvr::model::id::{CameraName, ClipId, RequestId, RunId, SegmentId};
use nvr::model::record::{ClipState, Record};
use nvr::model::recorder::{Input, Recorder, Remembered};
use nvr::model::settings;
use nvr::model::snapshot::{Entry, Media};
use nvr::model::time::{Anchor, Mono, Window};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn at(millis: u64) -> Mono {
    Mono(0) + ms(millis)
}

/// One life of an FFmpeg: from when the camera can be reached, and how it ends.
#[derive(Debug, Clone)]
pub struct Life {
    pub from: Mono,
    pub to: Mono,
    pub end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// FFmpeg ends, and what it wrote is closed.
    Crash,
    /// It hangs with its file open until it is killed.
    Freeze,
}

/// How the kernel's news of the ring arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    Prompt,
    Lost,
    Twice,
    Late(u64),
}

/// What an archive answers to an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Takes,
    Fails,
    Different,
    Unusable,
}

/// What somebody does.
#[derive(Debug, Clone)]
pub enum Act {
    /// A mail whose RCPT came so many milliseconds before.
    Mail(u64),
    Key,
    Release,
    Arm(bool),
    Stop,
    Clock(Anchor),
}

/// Everything that is not the recorder's to decide.
#[derive(Debug, Clone)]
pub struct Script {
    pub pre: Duration,
    pub post: Duration,
    pub max_clip: Duration,
    pub cooldown: Duration,
    pub segment: Duration,
    pub slots: u32,
    /// Lengths of segments, over and over.
    pub lengths: Vec<Duration>,
    pub lives: Vec<Life>,
    pub deliveries: Vec<Delivery>,
    pub moods: Vec<Mood>,
    /// The archive takes and closes nothing in these windows.
    pub outages: Vec<(Mono, Mono)>,
    pub archive_takes: Duration,
    /// How late ticks are.
    pub lateness: Vec<Duration>,
    pub acts: Vec<(Mono, Act)>,
    /// Claims that fail, by the order in which they are given.
    pub failing_claims: BTreeSet<u64>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            pre: ms(3_000),
            post: ms(5_000),
            max_clip: ms(600_000),
            cooldown: Duration::ZERO,
            segment: ms(1_000),
            slots: 20,
            lengths: vec![ms(1_000)],
            lives: vec![Life { from: at(0), to: Mono(u64::MAX), end: End::Crash }],
            deliveries: vec![Delivery::Prompt],
            moods: vec![Mood::Takes],
            outages: Vec::new(),
            archive_takes: ms(20),
            lateness: vec![Duration::ZERO],
            acts: Vec::new(),
            failing_claims: BTreeSet::new(),
        }
    }
}

/// A file in the ring. Its serial says which footage it really holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct File {
    serial: u64,
    bytes: u64,
    open: bool,
}

/// A clip in the archive.
#[derive(Debug, Clone)]
pub struct Stored {
    pub id: ClipId,
    /// Serials and numbers, in order.
    pub footage: Vec<(u64, u64)>,
    pub record: Arc<Record>,
    pub closed: bool,
    opened: Duration,
}

/// A trigger that reached the recorder.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub window: Window<Mono>,
    /// Footage that could still be had when it arrived.
    pub there: BTreeSet<u64>,
    pub arrived: Mono,
}

#[derive(Debug)]
enum Happening {
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
    Closed(ClipId, Arc<Record>),
}

#[derive(Debug)]
struct Ffmpeg {
    run: RunId,
    slot: u32,
    open: Option<u32>,
    frozen: bool,
}

pub struct World {
    pub script: Script,
    pub recorder: Recorder,
    pub camera: CameraName,
    pub now: Mono,
    anchor: Anchor,
    agenda: BTreeMap<(Mono, u64), Happening>,
    serial: u64,
    ffmpeg: Option<Ffmpeg>,
    slots: BTreeMap<u32, File>,
    claimed: BTreeMap<u64, File>,
    switches: usize,
    told: usize,
    appends: usize,
    claims: u64,
    late: usize,
    appending: bool,
    next_request: u64,
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
            claims: 0,
            late: 0,
            appending: false,
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
            script,
        };
        for (when, act) in world.script.acts.clone() {
            world.plan(when, Happening::Act(act));
        }
        world.apply(Input::Event(Event::Clock { anchor, day: "2026-11-22".into() }));
        world
    }

    fn plan(&mut self, when: Mono, what: Happening) {
        self.serial += 1;
        self.agenda.insert((when.max(self.now), self.serial), what);
    }

    /// Lets time pass until `end`.
    pub fn run(&mut self, end: Mono) {
        let (mut ticked, mut ticks) = (Mono(u64::MAX), 0);
        loop {
            let due = self.recorder.due(self.now).expect("sweeps go on");
            let tick = (due + self.script.lateness[self.late % self.script.lateness.len()]).max(self.now);
            let next = self.agenda.keys().next().map_or(tick, |(when, _)| tick.min(*when));
            if next > end {
                self.now = end;
                return;
            }
            if next < due {
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

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Input(input) => self.apply(input),
            Happening::Switch(run) => self.switch(run),
            Happening::Over(run, reason) => self.over(run, reason),
            Happening::Freeze(run) => {
                if let Some(ffmpeg) = self.ffmpeg.as_mut().filter(|ffmpeg| ffmpeg.run == run) {
                    ffmpeg.frozen = true;
                }
            }
            Happening::Progress(run) => self.progress(run),
            Happening::Act(act) => self.act(act),
            Happening::Appended(append) => self.append(append),
            Happening::Closed(clip, record) => self.close(clip, record),
        }
    }

    /// Applies an input and carries out what follows, as the engine does.
    fn apply(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let mut done = Vec::new();
            for effect in self.recorder.apply(self.now, input) {
                done.extend(self.carry_out(effect));
            }
            inputs.extend(done.into_iter().rev().map(Input::Event));
        }
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
                let ram = Space { total: 1 << 30, free: 1 << 29 };
                return Some(Event::Swept { rings: vec![(self.camera.clone(), files)], ram });
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
                self.appending = true;
                self.appends_at.push(self.now);
                self.plan(self.now + self.script.archive_takes, Happening::Appended(*append));
            }
            Effect::SaveRecord { clip, record } => self.save(clip, record),
            Effect::CloseClip { clip, record } => {
                assert_eq!(record.state, ClipState::Closed);
                self.plan(self.now + self.script.archive_takes, Happening::Closed(clip, record));
            }
            Effect::Log(entry) => self.journal.push(entry),
            Effect::Reply { answer, .. } => self.answers.push(format!("{answer:?}")),
            Effect::ListClips { .. } | Effect::SaveArmed(_) | Effect::Stop { .. } => {}
        }
        None
    }

    fn start(&mut self, run: RunId, slot: u32) {
        assert!(self.ffmpeg.is_none(), "two FFmpegs in one ring");
        self.starts.push((self.now, run));
        self.ffmpeg = Some(Ffmpeg { run, slot, open: None, frozen: false });
        self.tell(Event::Camera { camera: self.camera.clone(), run, news: CameraNews::Started }, Delivery::Prompt);
        let life = self.script.lives.iter().find(|life| self.now < life.to).cloned();
        let Some(life) = life else {
            return self.plan(self.now + ms(100), Happening::Over(run, Some("connection refused".into())));
        };
        self.plan(life.from.max(self.now + ms(50)), Happening::Switch(run));
        match life.end {
            End::Crash => self.plan(life.to, Happening::Over(run, Some("connection reset".into()))),
            End::Freeze => self.plan(life.to, Happening::Freeze(run)),
        }
    }

    fn switch(&mut self, run: RunId) {
        let Some(mut ffmpeg) = self.ffmpeg.take() else { return };
        if ffmpeg.run != run || ffmpeg.frozen {
            self.ffmpeg = Some(ffmpeg);
            return;
        }
        if ffmpeg.open.is_none() {
            self.plan(self.now, Happening::Progress(run));
        }
        self.finish(&mut ffmpeg);
        self.serial += 1;
        let (slot, serial) = (ffmpeg.slot, self.serial);
        self.footage.insert(serial, Window { from: self.now, to: Mono(u64::MAX) });
        let written_over = self.slots.insert(slot, File { serial, bytes: 0, open: true });
        // The kernel tells of a new name, and not of one that is written over.
        if written_over.is_none() {
            let delivery = self.delivery();
            self.tell(Event::SlotOpened { camera: self.camera.clone(), slot }, delivery);
        }
        ffmpeg.open = Some(slot);
        ffmpeg.slot = (slot + 1) % (self.script.slots + 2);
        self.ffmpeg = Some(ffmpeg);
        let length = self.script.lengths[self.switches % self.script.lengths.len()];
        self.switches += 1;
        self.plan(self.now + length, Happening::Switch(run));
    }

    fn progress(&mut self, run: RunId) {
        if self.ffmpeg.as_ref().is_some_and(|ffmpeg| ffmpeg.run == run && !ffmpeg.frozen) {
            let news = CameraNews::Progress { frames: self.now.0 / 40_000 };
            self.tell(Event::Camera { camera: self.camera.clone(), run, news }, Delivery::Prompt);
            self.plan(self.now + ms(5_000), Happening::Progress(run));
        }
    }

    /// Closes what is open, under whatever name it has by now.
    fn finish(&mut self, ffmpeg: &mut Ffmpeg) {
        let Some(slot) = ffmpeg.open.take() else { return };
        let Some(file) = self.slots.get_mut(&slot).filter(|file| file.open) else {
            panic!("the slot that was being written was taken away");
        };
        file.open = false;
        file.bytes = 1_000 + file.serial;
        let bytes = file.bytes;
        let serial = file.serial;
        self.footage.get_mut(&serial).expect("it began").to = self.now;
        let media = Some(Media { video: "h264".into(), width: 640, height: 360, audio: None });
        let delivery = self.delivery();
        let event = Event::SlotClosed { camera: self.camera.clone(), file: SlotFile { slot, bytes }, media };
        self.tell(event, delivery);
    }

    fn over(&mut self, run: RunId, reason: Option<String>) {
        let Some(mut ffmpeg) = self.ffmpeg.take() else { return };
        if ffmpeg.run != run {
            self.ffmpeg = Some(ffmpeg);
            return;
        }
        self.finish(&mut ffmpeg);
        let reason = reason.map(|text| Trouble { text, cure: None });
        let news = CameraNews::Ended { reason };
        self.tell(Event::Camera { camera: self.camera.clone(), run, news }, Delivery::Prompt);
    }

    fn delivery(&mut self) -> Delivery {
        self.told += 1;
        self.script.deliveries[self.told % self.script.deliveries.len()]
    }

    fn tell(&mut self, event: Event, delivery: Delivery) {
        match delivery {
            Delivery::Prompt => self.plan(self.now, Happening::Input(Input::Event(event))),
            Delivery::Lost => {}
            Delivery::Twice => {
                self.plan(self.now, Happening::Input(Input::Event(event.clone())));
                self.plan(self.now + ms(300), Happening::Input(Input::Event(event)));
            }
            Delivery::Late(millis) => self.plan(self.now + ms(millis), Happening::Input(Input::Event(event))),
        }
    }

    fn claim(&mut self, segment: SegmentId, slot: u32, bytes: Option<u64>) -> Event {
        self.claims += 1;
        let number = segment.number;
        self.order.push(number);
        let result = match self.slots.get(&slot).copied() {
            None => Err("No such file or directory".to_owned()),
            Some(file) if bytes.is_some_and(|bytes| bytes != file.bytes) => Err("written over".to_owned()),
            Some(file) if self.script.failing_claims.contains(&self.claims) => {
                self.refused.insert(file.serial);
                Err("Input/output error".to_owned())
            }
            Some(file) => {
                assert!(!file.open, "claimed while it was being written");
                assert!(self.claimed.insert(number, file).is_none(), "claimed twice");
                self.slots.remove(&slot);
                Ok(file.bytes)
            }
        };
        Event::Claimed { segment, result }
    }

    fn down(&self) -> bool {
        self.script.outages.iter().any(|(from, to)| (*from..*to).contains(&self.now))
    }

    fn append(&mut self, append: Append) {
        self.appending = false;
        let (clip, segment) = (append.clip, append.segment.clone());
        let file = *self.claimed.get(&segment.number).expect("what is appended was claimed");
        let mood = self.script.moods[self.appends % self.script.moods.len()];
        self.appends += usize::from(!self.down());
        let failure = match mood {
            _ if self.down() => Some(AppendFailure::Archive("the disk is full".into())),
            Mood::Takes => None,
            Mood::Fails => Some(AppendFailure::Archive("input/output error".into())),
            Mood::Different => Some(AppendFailure::Different),
            Mood::Unusable => Some(AppendFailure::Unusable("there is no footage in it".into())),
        };
        if let Some(failure) = failure {
            if matches!(failure, AppendFailure::Unusable(_)) {
                self.claimed.remove(&segment.number);
                self.refused.insert(file.serial);
            }
            return self.apply(Input::Event(Event::AppendFailed { clip, segment, failure }));
        }
        self.claimed.remove(&segment.number);
        let span = self.footage[&file.serial];
        if !self.clips.contains_key(&clip) {
            let (name, path) = (format!("front_{}", clip.0), format!("/clips/front_{}.part", clip.0));
            let new = Stored { id: clip, footage: vec![], record: append.record, closed: false, opened: append.offset };
            self.clips.insert(clip, new);
            self.apply(Input::Event(Event::ClipOpened { clip, name, path }));
        }
        let stored = self.clips.get_mut(&clip).expect("it is open");
        assert!(!stored.closed, "an append to a closed clip");
        let newer =
            stored.footage.last().is_none_or(|(serial, number)| *serial < file.serial && *number < segment.number);
        assert!(newer, "out of order: {stored:?} and then {segment}");
        stored.footage.push((file.serial, segment.number));
        assert!(append.offset >= stored.opened);
        let added = Added {
            bytes: file.bytes,
            clip_bytes: file.bytes * stored.footage.len() as u64,
            clip_length: append.offset + span.to.since(span.from),
            frames: 25,
            took: self.script.archive_takes,
            hole: None,
            sha256: "00".into(),
        };
        self.apply(Input::Event(Event::Appended { clip, segment, added }));
    }

    fn save(&mut self, clip: ClipId, record: Arc<Record>) {
        let json = serde_json::to_string(&record).expect("a record is JSON");
        assert_eq!(*record, serde_json::from_str::<Record>(&json).expect("and back"));
        self.clips.get_mut(&clip).expect("a record of a clip that exists").record = record;
    }

    fn close(&mut self, clip: ClipId, record: Arc<Record>) {
        let result =
            if self.down() { Err("the disk is full".to_owned()) } else { Ok(format!("/clips/{}.mp4", clip.0)) };
        if result.is_ok() {
            self.save(clip, record);
            let stored = self.clips.get_mut(&clip).expect("it exists");
            assert!(!stored.closed, "closed twice");
            stored.closed = true;
        }
        self.apply(Input::Event(Event::ClipClosed { clip, result }));
    }

    fn act(&mut self, act: Act) {
        let all = Who::All;
        match act {
            Act::Mail(late) => {
                let waited = ms(late);
                if self.armed {
                    self.want(self.now - waited);
                }
                let mail = Mail {
                    peer: [192, 168, 1, 20].into(),
                    from: "cam@home".into(),
                    to: vec!["front@nvr".into()],
                    subject: "Motion".into(),
                    waited,
                    cut_off: false,
                };
                self.apply(Input::Event(Event::Mail(mail)));
            }
            Act::Key => {
                self.want(self.now);
                self.command(Command::Trigger { who: all, by: TriggerBy::Key });
            }
            Act::Release => {
                self.unwant();
                self.command(Command::Release(all));
            }
            Act::Arm(armed) => {
                self.armed = armed;
                self.command(if armed { Command::Arm(all) } else { Command::Disarm(all) });
            }
            Act::Stop => {
                self.unwant();
                self.apply(Input::Event(Event::StopAsked("the test".into())));
            }
            Act::Clock(anchor) => {
                self.anchor = anchor;
                self.apply(Input::Event(Event::Clock { anchor, day: "2026-11-22".into() }));
            }
        }
    }

    fn command(&mut self, command: Command) {
        self.next_request += 1;
        let answers = self.answers.len();
        self.apply(Input::Command(RequestId(self.next_request), command));
        assert_eq!(self.answers.len(), answers + 1, "every command is answered, once");
    }

    fn want(&mut self, trigger: Mono) {
        let window = Window { from: trigger - self.script.pre, to: trigger + self.script.post };
        let files = self.slots.values().chain(self.claimed.values()).map(|file| file.serial);
        let stored = self.clips.values().flat_map(|clip| clip.footage.iter().map(|(serial, _)| *serial));
        let there = files.chain(stored).collect();
        self.wanted.push(Wanted { window, there, arrived: self.now });
    }

    fn unwant(&mut self) {
        for wanted in &mut self.wanted {
            wanted.window.to = wanted.window.to.min(self.now);
        }
    }

    /// The newest anchor, by which records are dated.
    pub fn anchor(&self) -> Anchor {
        self.anchor
    }
}

/// Settings with the script's rules for each of these cameras.
pub fn settings(script: &Script, cameras: &[&CameraName]) -> settings::Settings {
    let camera = |name: &&CameraName| {
        Arc::new(settings::Camera {
            name: (*name).clone(),
            alias: vec![],
            source: settings::Source::new("rtsp://192.168.1.20/".into()),
            input_args: vec![],
            audio: settings::Audio::Copy,
            trigger: settings::Trigger {
                pre_roll: script.pre,
                post_roll: script.post,
                max_clip: script.max_clip,
                cooldown: script.cooldown,
                armed: true,
            },
        })
    };
    settings::Settings {
        ring: settings::Ring {
            dir: "/ring".into(),
            segment: script.segment,
            slots: script.slots,
            backlog: settings::Share::Fraction(0.25),
        },
        archive: settings::Archive { dir: "/clips".into(), keep: None, max_size: None, min_free: 0 },
        smtp: settings::Smtp { listen: ([127, 0, 0, 1], 6789).into(), allow: vec![] },
        recorder: settings::Recorder { state_dir: "/state".into(), socket: None, ffmpeg: "ffmpeg".into() },
        cameras: cameras.iter().map(camera).collect(),
    }
}
