//! The whole recorder as one machine: facts and commands in, orders out. It owns all state there is.
//!
//! Rules that hold for every input, in any order: no panic; no byte of a claimed segment is given up before the archive
//! has said that it is durable; a late tick changes no outcome, because what is wanted is decided by the spans of
//! segments and never by when somebody looked.

use super::archiving::{Archive, CLIPS};
use super::asking::found;
use super::backlog::GivenUp;
use super::budget::{Budget, Spent};
use super::camera::Camera;
use super::cameras::Cameras;
use super::carry::used_ids;
use super::clip::{Clip, ClipFile};
use super::command::Command;
use super::doctor::Doctor;
use super::effect::Effect;
use super::event::{Event, Space};
use super::id::{CameraName, RequestId};
use super::memory::Left;
use super::out::Out;
use super::pictures::Early;
use super::question::{ClipDetails, ClipPage, Found};
use super::ring::AWAY;
use super::saving::ClipIds;
use super::settings::Settings;
use super::snapshot::{ClipView, CopyView, Entry, Level, Lost, MailView, Topic};
use super::text::fit_for_screen;
use super::time::{Anchor, Mono};
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// How often the ring directories are looked through, whatever the kernel has told.
const SWEEP: Duration = Duration::from_secs(1);
/// So much earlier it may be, by a tick that has another reason: a recorder at rest is woken as seldom as can be.
const EARLY: Duration = Duration::from_millis(250);
/// Lines of each log that are kept for those who ask.
const KEPT: usize = 1000;
/// Lines of each log that the snapshot holds.
pub(super) const TAIL: usize = 50;
/// Warnings that the snapshot holds; the oldest go.
pub(super) const WARNINGS: usize = 20;

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
    /// How much footage mails had saved on which day.
    pub spent: Spent,
    /// The number of each camera's first segment; 0 for one that is not named.
    pub first: BTreeMap<CameraName, u64>,
    /// What is left of cameras whose recorder was killed, or could not store all that was wanted.
    pub left: BTreeMap<CameraName, Left>,
}

/// All state.
#[derive(Debug)]
pub struct Recorder {
    pub(super) settings: Arc<Settings>,
    pub(super) started: Mono,
    pub(super) anchor: Anchor,
    day: String,
    pub(super) cameras: Cameras,
    pub(super) ids: ClipIds,
    next_sweep: Mono,
    /// The last input.
    seen: Mono,
    pub(super) mail: MailView,
    /// What was used of the cameras' budgets when that was last noted down, and the day that is counted.
    pub(super) spent: Spent,
    /// When that was.
    pub(super) spent_at: Mono,
    /// Mails whose rest may still come.
    pub(super) early: VecDeque<Early>,
    /// What was said on the mail port.
    pub(super) doctor: Doctor,
    /// Who was armed when that was last decided, cameras included that are not there now: one that is removed by a slip
    /// and added again is as it was.
    pub(super) armed: BTreeMap<CameraName, bool>,
    /// Addresses of cameras whose sources name a host.
    pub(super) hosts: Vec<(CameraName, IpAddr)>,
    pub(super) archive: Archive,
    pub(super) ram: Option<Space>,
    /// Until when wanted footage finds room there, as it was last told.
    pub(super) safe_until: Option<Mono>,
    /// The ring's file system is nearly full: what is said of it.
    pub(super) no_room: Option<String>,
    pub(super) given_up: GivenUp,
    pub(super) copies: VecDeque<CopyView>,
    pub(super) clips: VecDeque<ClipView>,
    pub(super) journal: VecDeque<Entry>,
    pub(super) warnings: Vec<String>,
    /// Those of them that are about the configuration.
    pub(super) config_warnings: Vec<String>,
    /// The first mistake of a configuration that was refused, until one is taken: the next start would stumble over it.
    pub(super) mistake: Option<String>,
    /// What was lost of cameras that are gone.
    pub(super) lost: Lost,
    /// What was carried over from an earlier recorder, until it is said.
    pub(super) carried_over: Option<String>,
    /// Since when it is ending, and why.
    pub(super) stopping: Option<(Mono, String)>,
}

impl Recorder {
    /// A recorder whose cameras start from the first tick on.
    pub fn new(settings: Arc<Settings>, remembered: &Remembered, anchor: Anchor) -> Self {
        let now = anchor.mono;
        let fitting = remembered.left.iter().filter(|(name, left)| left.memory.fits(name, &settings.ring, now).is_ok());
        let memories: Vec<_> = fitting.map(|(_, left)| &left.memory).collect();
        let mut ids = used_ids(memories.iter().copied());
        // Whichever camera it was that had news last: they all had the same recorder.
        let lived = memories.iter().map(|memory| memory.anchor.mono).max().unwrap_or(now);
        let cameras = settings
            .cameras
            .iter()
            .map(|camera| {
                let armed = remembered.armed.get(&camera.name).copied().unwrap_or(camera.trigger.armed);
                let first = remembered.first.get(&camera.name).copied().unwrap_or(0);
                let mut camera = Camera::new(Arc::clone(camera), &settings.ring, armed, first, now);
                let spent = remembered.spent.cameras.get(&camera.settings.name);
                camera.budget = Budget::resumed(spent.copied().unwrap_or_default());
                if let Some(left) = remembered.left.get(&camera.settings.name) {
                    camera.carry_on(left, &settings.ring, first, &mut ids, (lived, now));
                }
                camera
            })
            .collect();
        let mail = MailView { port: Err("not open yet".to_owned()), today: 0, last: None, sessions: 0 };
        Self {
            settings,
            started: now,
            anchor,
            day: String::new(),
            cameras,
            ids,
            next_sweep: now + SWEEP,
            seen: now,
            mail,
            early: VecDeque::new(),
            doctor: Doctor::default(),
            spent: remembered.spent.clone(),
            spent_at: now,
            armed: remembered.armed.clone(),
            hosts: Vec::new(),
            archive: Archive::new(now),
            ram: None,
            safe_until: None,
            no_room: None,
            given_up: GivenUp::default(),
            copies: VecDeque::new(),
            clips: VecDeque::new(),
            journal: VecDeque::new(),
            warnings: Vec::new(),
            config_warnings: Vec::new(),
            mistake: None,
            lost: Lost::default(),
            carried_over: None,
            stopping: None,
        }
    }

    /// One step: takes an input and answers the orders that follow from it.
    pub fn apply(&mut self, now: Mono, input: Input) -> Vec<Effect> {
        let mut out = Out::new(now, self.anchor, self.journal.back().map_or(0, |last| last.number));
        self.look_back(&mut out);
        self.resume(&mut out);
        match input {
            Input::Event(event) => self.event(&mut out, event),
            Input::Command(request, command) => self.command(&mut out, request, command),
            Input::Tick => self.tick(&mut out),
        }
        self.hold_limit(&mut out);
        self.let_go(&mut out);
        self.remember(&mut out);
        let copied = self.copies.back().map_or(0, |last| last.number);
        let copies = (copied + 1..).zip(out.copies).map(|(number, copy)| CopyView { number, ..copy });
        keep(&mut self.copies, copies, KEPT);
        let said =
            out.effects.iter().filter_map(|effect| if let Effect::Log(entry) = effect { Some(entry) } else { None });
        keep(&mut self.journal, said.cloned(), KEPT);
        out.effects
    }

    /// When a tick next matters, seen at `now`. A tick then makes it later, or gives an order that does.
    pub fn due(&self, now: Mono) -> Option<Mono> {
        let cameras = self.cameras.next_look(now).into_iter();
        cameras.chain(self.start_due(now)).chain(self.archive_silence_due()).chain([self.next_sweep]).min()
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
        self.cameras.iter().all(|camera| camera.saving.backlog().0 == 0)
    }

    /// Whether a recorder that was asked to stop has nothing left to do.
    pub fn finished(&self) -> bool {
        self.cameras.iter().all(Camera::finished)
    }

    /// Cameras that were told to stop and have nothing left to do.
    pub fn done(&self) -> impl Iterator<Item = &CameraName> {
        self.cameras.iter().filter(|camera| camera.finished()).map(|camera| &camera.settings.name)
    }

    /// Ticks come each second, so if nothing came for long, the recorder did not run: the machine slept or was
    /// overloaded. What comes first then, a tick or news that waited, does not matter.
    fn look_back(&mut self, out: &mut Out) {
        let away = out.now.since(self.seen);
        self.seen = self.seen.max(out.now);
        if away <= AWAY {
            return;
        }
        let cause = format!("the recorder did not run for {} s", away.as_secs());
        if away > self.settings.ring.segment.saturating_add(SWEEP * 2) {
            out.say(Level::Error, Topic::Recorder, None, format!("{cause} (was the machine asleep or overloaded?)"));
        }
        for camera in &mut self.cameras {
            camera.was_away(out, away, &cause);
        }
        self.archive.silence.was_away(away);
    }

    fn tick(&mut self, out: &mut Out) {
        if out.now + EARLY >= self.next_sweep {
            self.next_sweep = out.now + SWEEP;
            out.order(Effect::Sweep);
        }
        for camera in self.cameras.due(out.now) {
            camera.tick(out);
            camera.settle(out);
        }
        self.start_in_turn(out);
        self.listen_to_archive(out);
        self.save_spent(out, false);
    }

    fn event(&mut self, out: &mut Out, event: Event) {
        match event {
            Event::Clock { anchor, day } => self.clock(out, anchor, day),
            Event::Camera { camera, run, news } => {
                self.with(out, &camera, |camera, _, out| camera.news(out, run, news));
            }
            Event::SlotOpened { camera, slot } => {
                self.with(out, &camera, |camera, ids, out| camera.slot_opened(out, ids, slot));
            }
            Event::SlotSeen { camera, slot, seen } => {
                self.with(out, &camera, |camera, _, out| camera.slot_seen(out, slot, seen));
            }
            Event::SlotClosed { camera, file, media } => {
                self.with(out, &camera, |camera, ids, out| camera.slot_closed(out, ids, file, media));
            }
            Event::Swept { rings, ram } => {
                if let Some(space) = ram {
                    self.ring_space(out, space);
                }
                for (name, files) in rings {
                    self.with(out, &name, |camera, ids, out| camera.swept(out, ids, &files));
                }
            }
            Event::Claimed { segment, result } => {
                self.with(out, &segment.camera, |camera, _, out| camera.claimed(out, segment.number, &result));
            }
            Event::Mail(mail) => self.mail_in(out, &mail),
            Event::Session { transcript, untold } => self.doctor.heard(out.now, *transcript, untold),
            Event::Hosts(hosts) => self.hosts = hosts,
            Event::MailRest { letter, picture } => self.rest_in(out, letter, &picture),
            Event::MailPort(port) => {
                if let Err(error) = &port {
                    out.say(Level::Error, Topic::Mail, None, error.clone());
                }
                self.mail.port = port;
            }
            Event::Began { earlier } => self.began(out, earlier.as_deref()),
            Event::Note(text) => out.say(Level::Warn, Topic::Recorder, None, text),
            Event::Warning(text) => self.warn(out, &text),
            Event::StopAsked(who) => self.stop(out, who),
            Event::ClipOpened { clip, name, start, path } => self.clip_opened(clip, ClipFile { name, start, path }),
            Event::Appended { clip: _, segment, added } => self.appended(out, &segment, &added),
            Event::Followed { clip, segment, added, more } => self.followed(out, clip, &segment, added.as_ref(), more),
            Event::ConfigWarnings(warnings) => self.config_warnings(out, &warnings),
            Event::HungUp => self.read_again(out, None),
            Event::Reloaded { request, result } => self.reloaded(out, request, result),
            Event::FixWritten { request, result } => self.fix_written(out, request, result),
            Event::RingOpened { camera, first } => self.ring_opened(out, &camera, first),
            Event::AppendFailed { clip, segment, failure } => self.append_failed(out, clip, &segment, failure),
            Event::PictureStored { clip, result } => self.picture_stored(out, clip, &result),
            Event::ClipClosed { clip, result } => self.clip_closed(out, clip, result),
            Event::Regrown(found) => self.regrown(out, found),
            Event::ClipsFound(clips) => self.clips = clips.into_iter().take(CLIPS).collect(),
            Event::ClipsListed { request, result } => {
                let page = result.map(|page| ClipPage { clips: self.brought_up_to_date(page.clips), ..page });
                found(out, request, page.map(Found::Clips));
            }
            Event::ClipShown { request, result } => {
                found(out, request, result.map(|shown| Found::Clip(self.newest_details(shown))));
            }
            Event::ClipChanged { request, clip, change, result } => {
                self.clip_changed(out, request, &clip, change, result)
            }
            Event::StillsTaken { request, result } => found(out, request, result.map(Found::Stills)),
            Event::Retained { deleted, trouble } => self.retained(out, &deleted, trouble),
            Event::ArchiveSpace(space) => self.archive_space(out, space),
        }
    }

    /// What the archive says of a clip that grows is as old as its record; we know better.
    fn brought_up_to_date(&self, clips: Vec<ClipView>) -> Vec<ClipView> {
        clips.into_iter().map(|clip| self.newest_of(clip)).collect()
    }

    /// The record of a clip that grows is written seldom; it, too, is known better here.
    fn newest_details(&self, mut shown: Box<ClipDetails>) -> Box<ClipDetails> {
        let savings = self.cameras.iter().map(|camera| &camera.saving);
        let mut clips = savings.flat_map(|saving| saving.clips().map(|clip| (clip, &saving.queue)));
        let named = |(clip, _): &(&Clip, _)| clip.file.as_ref().is_some_and(|file| file.name == shown.clip.name);
        if let Some((ours, queue)) = clips.find(named).filter(|_| shown.clip.open) {
            (shown.record, shown.trouble) = (Some(ours.record(&self.anchor, queue)), None);
            shown.clip = self.newest_of(shown.clip);
        }
        shown
    }

    fn newest_of(&self, clip: ClipView) -> ClipView {
        self.growing().find(|ours| clip.open && ours.name == clip.name).unwrap_or(clip)
    }

    /// The first line of the journal: whoever reads it after a crash sees where the new life begins.
    fn began(&mut self, out: &mut Out, earlier: Option<&str>) {
        let cameras = match self.cameras.len() {
            1 => "1 camera".to_owned(),
            more => format!("{more} cameras"),
        };
        let earlier = earlier.map_or_else(String::new, |place| format!(" (what was before: {place})"));
        let text = format!("recorder {} started: {cameras}{earlier}", env!("CARGO_PKG_VERSION"));
        out.say(Level::Info, Topic::Recorder, None, text);
        self.say_what_was_carried_over(out);
    }

    pub(super) fn warn(&mut self, out: &mut Out, text: &str) {
        let text = fit_for_screen(text, 1000);
        out.say(Level::Warn, Topic::Recorder, None, &text);
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
        if self.warnings.len() > WARNINGS {
            self.warnings.remove(0);
        }
    }

    fn clock(&mut self, out: &mut Out, anchor: Anchor, day: String) {
        let step = anchor.wall.duration_since(self.anchor.wall(anchor.mono)).as_secs_f64();
        if step.abs() >= 1.0 && !self.day.is_empty() {
            out.say(
                Level::Warn,
                Topic::Recorder,
                None,
                format!("the wall clock was set by {step:+.0} s; countdowns do not change"),
            );
        }
        if day != self.day {
            self.mail.today = 0;
            self.new_day(&day);
        }
        self.anchor = anchor;
        self.day = day;
        out.anchor = anchor;
    }

    /// Why a trigger of this instant is refused, if it is. One from before the recorder began to end, a mail that was
    /// on its way, still gets what the ring holds; of what comes later nothing could be saved.
    pub(super) fn refused(&self, at: Mono) -> Option<&'static str> {
        let since = self.stopping.as_ref().map(|(since, _)| *since)?;
        (at >= since).then_some("the recorder is stopping")
    }

    /// Lets a camera act, unless there is none of that name.
    pub(super) fn with<T>(
        &mut self,
        out: &mut Out,
        name: &CameraName,
        act: impl FnOnce(&mut Camera, &mut ClipIds, &mut Out) -> T,
    ) -> Option<T> {
        let camera = self.cameras.named(name)?;
        // What was over before this input must not be changed by it.
        camera.settle(out);
        let answer = act(camera, &mut self.ids, out);
        camera.settle(out);
        Some(answer)
    }
}

fn keep<T>(tail: &mut VecDeque<T>, news: impl Iterator<Item = T>, most: usize) {
    tail.extend(news);
    while tail.len() > most {
        tail.pop_front();
    }
}
