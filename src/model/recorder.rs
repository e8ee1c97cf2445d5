//! The whole recorder as one machine: facts and commands in, orders out. It owns all state there is.
//!
//! Rules that hold for every input, in any order: no panic; no byte of a claimed segment is given up before the archive
//! has said that it is durable; a late tick changes no outcome, because what is wanted is decided by the spans of
//! segments and never by when somebody looked.

use super::backoff;
use super::camera::Camera;
use super::command::{Answer, Command, TriggerBy, Who};
use super::effect::Effect;
use super::event::{AppendFailure, Event, Mail, Space};
use super::id::{CameraName, ClipId, RequestId};
use super::out::Out;
use super::record::TriggerKind;
use super::routing::{self, Route};
use super::saving::ClipIds;
use super::settings::Settings;
use super::snapshot::{ClipView, CopyView, Entry, Level, MailNote, MailView};
use super::text::fit_for_screen;
use super::time::{Anchor, Mono};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// How often the ring directories are looked through, whatever the kernel has told.
const SWEEP: Duration = Duration::from_secs(1);
/// Lines that the snapshot holds of each log.
const TAIL: usize = 100;
/// Clips that the snapshot holds.
const CLIPS: usize = 50;

/// What reaches the recorder.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A fact.
    Event(Event),
    /// An order of a person, to be answered.
    Command(RequestId, Command),
    /// Time has passed.
    Tick,
}

/// What is left of an earlier recorder.
#[derive(Debug, Default)]
pub struct Remembered {
    /// Who was armed.
    pub armed: BTreeMap<CameraName, bool>,
    /// The number of each camera's first segment; 0 for one that is not named.
    pub first: BTreeMap<CameraName, u64>,
}

/// All state.
#[derive(Debug)]
pub struct Recorder {
    pub(super) settings: Arc<Settings>,
    pub(super) started: Mono,
    pub(super) anchor: Anchor,
    day: String,
    pub(super) cameras: Vec<Camera>,
    ids: ClipIds,
    next_sweep: Mono,
    pub(super) mail: MailView,
    pub(super) archive: Archive,
    pub(super) ram: Option<Space>,
    pub(super) copies: VecDeque<CopyView>,
    pub(super) clips: VecDeque<ClipView>,
    pub(super) journal: VecDeque<Entry>,
    pub(super) warnings: Vec<String>,
    pub(super) stopping: Option<String>,
}

/// Whether the archive takes what it is given.
#[derive(Debug, Default)]
pub(super) struct Archive {
    pub space: Option<Space>,
    pub trouble: Option<(Mono, String)>,
    failures: u32,
    retry_at: Option<Mono>,
}

impl Recorder {
    /// A recorder whose cameras start at the first tick.
    pub fn new(settings: Arc<Settings>, remembered: &Remembered, anchor: Anchor) -> Self {
        let now = anchor.mono;
        let cameras = settings
            .cameras
            .iter()
            .map(|camera| {
                let armed = remembered.armed.get(&camera.name).copied().unwrap_or(camera.trigger.armed);
                let first = remembered.first.get(&camera.name).copied().unwrap_or(0);
                Camera::new(Arc::clone(camera), &settings.ring, armed, first, now)
            })
            .collect();
        let mail = MailView { port: Err("not open yet".to_owned()), today: 0, last: None };
        Self {
            settings,
            started: now,
            anchor,
            day: String::new(),
            cameras,
            ids: ClipIds::default(),
            next_sweep: now + SWEEP,
            mail,
            archive: Archive::default(),
            ram: None,
            copies: VecDeque::new(),
            clips: VecDeque::new(),
            journal: VecDeque::new(),
            warnings: Vec::new(),
            stopping: None,
        }
    }

    /// One step: takes an input and answers the orders that follow from it.
    pub fn apply(&mut self, now: Mono, input: Input) -> Vec<Effect> {
        let mut out = Out::new(now, self.anchor);
        // What was over before this input must not be changed by it.
        self.settle(&mut out);
        match input {
            Input::Event(event) => self.event(&mut out, event),
            Input::Command(request, command) => self.command(&mut out, request, command),
            Input::Tick => self.tick(&mut out),
        }
        self.settle(&mut out);
        keep(&mut self.copies, out.copies, TAIL);
        let said =
            out.effects.iter().filter_map(|effect| if let Effect::Log(entry) = effect { Some(entry) } else { None });
        keep(&mut self.journal, said.cloned().collect(), TAIL);
        out.effects
    }

    /// When a tick next matters.
    pub fn due(&self, now: Mono) -> Option<Mono> {
        let cameras = self.cameras.iter().filter_map(|camera| camera.due(now));
        cameras.chain([self.next_sweep]).chain(self.archive.retry_at).min()
    }

    /// Whether it was asked to stop.
    pub fn stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// Whether every FFmpeg has ended for good.
    pub fn cameras_stopped(&self) -> bool {
        self.cameras.iter().all(Camera::stopped)
    }

    /// Whether nothing that is claimed waits to be stored.
    pub fn stored(&self) -> bool {
        self.cameras.iter().all(|camera| camera.backlog().0 == 0)
    }

    /// Whether a recorder that was asked to stop has nothing left to do.
    pub fn finished(&self) -> bool {
        self.cameras.iter().all(Camera::finished)
    }

    fn tick(&mut self, out: &mut Out) {
        if out.now >= self.next_sweep {
            self.next_sweep = out.now + SWEEP;
            out.order(Effect::Sweep);
        }
        for camera in &mut self.cameras {
            camera.tick(out);
        }
    }

    fn settle(&mut self, out: &mut Out) {
        if self.archive.retry_at.is_some_and(|at| out.now >= at) {
            self.archive.retry_at = None;
        }
        for camera in &mut self.cameras {
            camera.settle(out, self.archive.retry_at.is_none());
        }
    }

    fn event(&mut self, out: &mut Out, event: Event) {
        match event {
            Event::Clock { anchor, day } => self.clock(out, anchor, day),
            Event::Camera { camera, run, news } => {
                self.with(&camera, |camera, _| camera.news(out, run, news));
            }
            Event::SlotOpened { camera, slot } => {
                self.with(&camera, |camera, _| camera.slot_opened(out, slot));
            }
            Event::SlotClosed { camera, file, media } => {
                self.with(&camera, |camera, _| camera.slot_closed(out, file, media));
            }
            Event::Swept { rings, ram } => {
                for (name, files) in rings {
                    self.with(&name, |camera, _| camera.swept(out, &files));
                }
                self.ram = Some(ram).or(self.ram);
            }
            Event::Claimed { segment, result } => {
                self.with(&segment.camera, |camera, ids| camera.claimed(out, ids, segment.number, result));
            }
            Event::Mail(mail) => self.mail(out, &mail),
            Event::MailPort(port) => {
                if let Err(error) = &port {
                    out.say(Level::Error, None, error.clone());
                }
                self.mail.port = port;
            }
            Event::Note(text) => out.say(Level::Warn, None, text),
            Event::Warning(text) => {
                out.say(Level::Warn, None, text.clone());
                self.warnings.push(text);
            }
            Event::StopAsked(who) => self.stop(out, who),
            Event::ClipOpened { .. }
            | Event::Appended { .. }
            | Event::AppendFailed { .. }
            | Event::ClipClosed { .. }
            | Event::ClipsFound(_)
            | Event::ClipsListed { .. }
            | Event::Retained { .. }
            | Event::ArchiveSpace(_) => self.archive_event(out, event),
        }
    }

    fn archive_event(&mut self, out: &mut Out, event: Event) {
        match event {
            Event::ClipOpened { clip, name, path } => {
                self.owner(clip, |camera, _| camera.clip_opened(clip, name, path));
            }
            Event::Appended { clip, segment, added } => {
                self.archive_works(out);
                self.with(&segment.camera, |camera, _| camera.appended(out, clip, segment.number, &added));
            }
            Event::AppendFailed { clip, segment, failure } => {
                let number = segment.number;
                if let AppendFailure::Archive(reason) = &failure {
                    self.archive_fails(out, reason.clone());
                }
                self.with(&segment.camera, |camera, ids| match failure {
                    AppendFailure::Archive(reason) => camera.put_off(out, clip, number, reason),
                    AppendFailure::Different => camera.split(out, ids, number),
                    AppendFailure::Unusable(reason) => camera.unusable(out, clip, number, &reason),
                });
            }
            Event::ClipClosed { clip, result: Ok(path) } => {
                self.archive_works(out);
                let closed = self.owner(clip, |camera, _| camera.clip_closed(out, clip, path)).flatten();
                if let Some(view) = closed {
                    self.clips.push_front(view);
                    self.clips.truncate(CLIPS);
                }
            }
            Event::ClipClosed { clip, result: Err(reason) } => {
                self.archive_fails(out, reason);
                self.owner(clip, |camera, _| camera.not_closed(clip));
            }
            Event::ClipsFound(clips) => {
                self.clips = clips.into_iter().take(CLIPS).collect();
            }
            Event::ClipsListed { request, result } => {
                let answer = result.map_or_else(Answer::Refused, Answer::Clips);
                out.order(Effect::Reply { request, answer });
            }
            Event::Retained { deleted, trouble } => {
                self.clips.retain(|clip| !deleted.contains(&clip.name));
                for name in deleted {
                    out.say(
                        Level::Info,
                        None,
                        format!("clip {name} was deleted to keep the archive within its limits"),
                    );
                }
                if let Some(trouble) = trouble {
                    out.say(Level::Error, None, trouble);
                }
            }
            Event::ArchiveSpace(Ok(space)) => self.archive.space = Some(space),
            Event::ArchiveSpace(Err(reason)) => self.archive_fails(out, reason),
            other => debug_assert!(false, "not the archive's: {other:?}"),
        }
    }

    fn clock(&mut self, out: &mut Out, anchor: Anchor, day: String) {
        let step = anchor.wall.duration_since(self.anchor.wall(anchor.mono)).as_secs_f64();
        if step.abs() >= 1.0 && !self.day.is_empty() {
            out.say(Level::Warn, None, format!("the wall clock was set by {step:+.0} s; countdowns do not change"));
        }
        if day != self.day {
            self.mail.today = 0;
        }
        self.anchor = anchor;
        self.day = day;
        out.anchor = anchor;
    }

    fn archive_works(&mut self, out: &mut Out) {
        if let Some((since, _)) = self.archive.trouble.take() {
            let seconds = out.now.since(since).as_secs();
            out.say(
                Level::Info,
                None,
                format!("the archive works again after {seconds} s; what waited is being stored"),
            );
        }
        self.archive.failures = 0;
        self.archive.retry_at = None;
    }

    fn archive_fails(&mut self, out: &mut Out, reason: String) {
        if self.archive.trouble.as_ref().is_none_or(|(_, said)| *said != reason) {
            out.say(Level::Error, None, format!("{reason}; footage waits in RAM and is tried again"));
        }
        let since = self.archive.trouble.as_ref().map_or(out.now, |(since, _)| *since);
        self.archive.trouble = Some((since, reason));
        if self.archive.retry_at.is_none() {
            self.archive.failures = self.archive.failures.saturating_add(1);
            self.archive.retry_at = Some(out.now + backoff::wait(self.archive.failures, 0));
        }
    }

    fn mail(&mut self, out: &mut Out, mail: &Mail) {
        let at = out.now - mail.waited;
        let settings = Arc::clone(&self.settings);
        let (names, why) = match routing::route(mail, &settings.cameras, &[]) {
            Route::To(hits) => {
                let why: Vec<_> = hits.iter().map(|(name, because)| format!("{name} ({because})")).collect();
                (hits.into_iter().map(|(name, _)| name).collect(), why.join(", "))
            }
            Route::All(why) => (settings.cameras.iter().map(|camera| camera.name.clone()).collect::<Vec<_>>(), why),
        };
        let to = mail.to.first().map(String::as_str).unwrap_or_default();
        let (from, to, subject) = (screen(&mail.from), screen(to), screen(&mail.subject));
        let peer = mail.peer.to_string();
        let mut outcomes = Vec::new();
        for name in names {
            let (peer, from, to, subject) = (peer.clone(), from.clone(), to.clone(), subject.clone());
            let kind = TriggerKind::Mail { peer, from, to, subject };
            outcomes.extend(self.with(&name, |camera, ids| {
                let outcome = camera.trigger(out, ids, at, kind);
                out.say(Level::Info, Some(&name), format!("mail: {outcome}"));
                format!("{name}: {outcome}")
            }));
        }
        let cut = if mail.cut_off { ", cut off" } else { "" };
        out.say(Level::Info, None, format!("mail from {peer}{cut}: {why}"));
        self.mail.today += 1;
        self.mail.last = Some(MailNote { at, from, to, subject, outcome: outcomes.join("; ") });
    }

    fn command(&mut self, out: &mut Out, request: RequestId, command: Command) {
        let answer = match command {
            Command::Arm(who) => self.arm(out, &who, true),
            Command::Disarm(who) => self.arm(out, &who, false),
            Command::Trigger { who, by } => {
                let kind = match by {
                    TriggerBy::Key => TriggerKind::Key,
                    TriggerBy::Command => TriggerKind::Command,
                };
                let now = out.now;
                self.each(&who, |camera, ids| {
                    let outcome = camera.trigger(out, ids, now, kind.clone());
                    out.say(Level::Info, Some(&camera.settings.name), format!("{}: {outcome}", kind.word()));
                    outcome
                })
            }
            Command::Release(who) => {
                let now = out.now;
                self.each(&who, |camera, _| {
                    let ended = camera.release(now);
                    if ended {
                        out.say(Level::Info, Some(&camera.settings.name), "countdown ended by hand");
                    }
                    if ended { "countdown ended" } else { "there was no countdown" }.to_owned()
                })
            }
            Command::Clips { camera, limit } => {
                out.order(Effect::ListClips { request, camera, limit });
                return;
            }
            Command::Stop => {
                self.stop(out, "a person asked for it".to_owned());
                Answer::Done("stopping: what is claimed is stored first".to_owned())
            }
        };
        out.order(Effect::Reply { request, answer });
    }

    fn arm(&mut self, out: &mut Out, who: &Who, armed: bool) -> Answer {
        let word = if armed { "armed" } else { "disarmed" };
        let answer = self.each(who, |camera, _| {
            if camera.armed != armed {
                camera.armed = armed;
                out.say(Level::Info, Some(&camera.settings.name), word);
            }
            word.to_owned()
        });
        let all = self.cameras.iter().map(|camera| (camera.settings.name.clone(), camera.armed)).collect();
        out.order(Effect::SaveArmed(all));
        answer
    }

    fn stop(&mut self, out: &mut Out, who: String) {
        if self.stopping.is_none() {
            out.say(Level::Info, None, format!("stopping: {who}"));
            self.stopping = Some(who.clone());
            for camera in &mut self.cameras {
                camera.stop(out);
            }
            out.order(Effect::Stop { who });
        }
    }

    /// Does something for each camera that is meant, or nothing at all if one of them does not exist.
    fn each(&mut self, who: &Who, mut act: impl FnMut(&mut Camera, &mut ClipIds) -> String) -> Answer {
        let known: Vec<_> = self.cameras.iter().map(|camera| camera.settings.name.clone()).collect();
        let meant = match who {
            Who::All => &known,
            Who::Cameras(names) => names,
        };
        if let Some(stranger) = meant.iter().find(|name| !known.contains(name)) {
            let known: Vec<_> = known.iter().map(CameraName::as_str).collect();
            return Answer::Refused(format!("no camera is called {stranger} (there are: {})", known.join(", ")));
        }
        let outcomes =
            meant.iter().filter_map(|name| self.with(name, &mut act).map(|outcome| format!("{name}: {outcome}")));
        Answer::Done(outcomes.collect::<Vec<_>>().join("; "))
    }

    fn with<T>(&mut self, name: &CameraName, act: impl FnOnce(&mut Camera, &mut ClipIds) -> T) -> Option<T> {
        let camera = self.cameras.iter_mut().find(|camera| camera.settings.name == *name)?;
        Some(act(camera, &mut self.ids))
    }

    fn owner<T>(&mut self, clip: ClipId, act: impl FnOnce(&mut Camera, &mut ClipIds) -> T) -> Option<T> {
        let camera = self.cameras.iter_mut().find(|camera| camera.has(clip))?;
        Some(act(camera, &mut self.ids))
    }
}

/// A text from outside, short and harmless.
fn screen(text: &str) -> String {
    fit_for_screen(text, 200)
}

fn keep<T>(tail: &mut VecDeque<T>, news: Vec<T>, most: usize) {
    tail.extend(news);
    while tail.len() > most {
        tail.pop_front();
    }
}
