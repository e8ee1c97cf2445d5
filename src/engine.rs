//! The one task that owns the state: receive → apply → carry out → publish.
//!
//! Facts and commands come in over bounded channels, the model says what follows, the hands are told, and everyone who
//! watches gets the newest picture. What must be over before the next fact is looked at (a claim, which races with
//! FFmpeg) is done right here; it takes microseconds. Whatever may wait for a disk, a child or a peer is a task.

mod handle;
mod live;
mod news;

use crate::clock::Clock;
use crate::journal;
use crate::model::budget::Spent;
use crate::model::command::Command;
use crate::model::effect::Effect;
use crate::model::event::{AppendFailure, Event, SlotFile};
use crate::model::id::{CameraName, RequestId, RunId, SegmentId};
use crate::model::recorder::{Input, Recorder, Remembered};
use crate::model::settings::Settings;
use crate::model::snapshot::Snapshot;
use crate::stop::{Stage, Stop};
use crate::work::archive::{self, Archive, retain};
use crate::work::camera::{self, Common, Job};
use crate::work::healing::Healing;
use crate::work::host::logout_warning;
use crate::work::inherit::inherit;
use crate::work::look::Looks;
use crate::work::memory::Memories;
use crate::work::reread::{ConfigFile, Rereads};
use crate::work::ring::RingDir;
use crate::work::ring_watch::RingWatch;
use crate::work::{ffmpeg, hosts, limits, smtp, state};
pub use handle::Handle;
use handle::{Asker, Request};
use live::Live;
use news::first_news;
pub use news::left_waiting;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Facts that may wait for the engine; a hand that finds no room waits.
const EVENTS: usize = 1024;
/// Commands that may wait.
const REQUESTS: usize = 64;
/// Pictures are at least so far apart, unless a person or a trigger has just acted.
const CALM: Duration = Duration::from_millis(500);

/// The engine and all that it holds in its hands.
pub struct Engine {
    settings: Arc<Settings>,
    recorder: Recorder,
    clock: Clock,
    stop: Stop,
    inputs: VecDeque<Input>,
    /// What came of orders that were carried out at once, in order.
    done: VecDeque<Event>,
    events: mpsc::Receiver<Event>,
    bus: mpsc::Sender<Event>,
    requests: mpsc::Receiver<Request>,
    asked: HashMap<RequestId, Asker>,
    next_request: u64,
    cameras: HashMap<CameraName, (RunId, oneshot::Sender<Option<String>>)>,
    common: Arc<Common>,
    archive: Archive,
    looks: Looks,
    armed: watch::Sender<BTreeMap<CameraName, bool>>,
    spent: watch::Sender<Spent>,
    make_room: Arc<Notify>,
    live: Live,
    rereads: Rereads,
    pictures: watch::Sender<Arc<Snapshot>>,
    newcomers: Arc<Notify>,
    published: Option<Instant>,
    dirty: bool,
    urgent: bool,
    tasks: TaskTracker,
    mail: TaskTracker,
    ring: RingDir,
    memories: Memories,
    healing: Healing,
    watcher: RingWatch,
}

impl Engine {
    /// Opens everything a recorder needs: FFmpeg, ring, archive, mail port. Cameras start with [`Engine::run`]. `earlier`:
    /// where the log of recorders before this one is; `file`: has the configuration read again.
    ///
    /// # Errors
    /// One sentence with the remedy; nothing stays behind.
    pub async fn start(
        settings: Arc<Settings>,
        warnings: Vec<String>,
        earlier: Option<String>,
        file: ConfigFile,
        stop: Stop,
    ) -> Result<(Self, Handle), String> {
        let ffmpeg = ffmpeg::probe(&settings.recorder.ffmpeg).await?;
        let (bus, events) = mpsc::channel(EVENTS);
        let names: Vec<_> = settings.cameras.iter().map(|camera| camera.name.clone()).collect();
        let ring = RingDir::open(&settings.ring.dir, &names)?;
        let (at, state_dir) = (&settings.archive.dir, &settings.recorder.state_dir);
        let mut archive = Archive::open(at, settings.ring.dir.clone(), state_dir, bus.clone()).await?;
        // Who has the ring and the archive has the port too, and is better named by them.
        let ports = smtp::Ports::open(&settings.smtp, state_dir).await?;
        let mut memories = Memories::of(&settings.ring.dir)?;
        let clocks = || Clock::start().anchor();
        let mut inherited = inherit(&settings, &ring, &mut memories, &mut archive, clocks).await;
        let (watcher, unwatched) = RingWatch::of(&settings.ring.dir, &names, bus.clone());
        inherited.warnings.extend(unwatched);

        let (armed, spent) = tokio::join!(state::load(state_dir, state::ARMED), state::load(state_dir, state::SPENT));
        inherited.warnings.extend(armed.as_ref().err().into_iter().chain(spent.as_ref().err()).cloned());
        let (armed, spent): (_, Spent) = (armed.unwrap_or_default(), spent.unwrap_or_default());
        let clock = Clock::start();
        let (first, left) = (ring.first_numbers(), std::mem::take(&mut inherited.left));
        let remembered = Remembered { armed, spent, first, left };
        let recorder = Recorder::new(settings.clone(), &remembered, clock.anchor());
        let (armed, spent) = (watch::Sender::default(), watch::Sender::default());
        let (requests, waiting) = mpsc::channel(REQUESTS);
        let pictures = watch::Sender::new(Arc::new(recorder.snapshot(clock.now())));
        let newcomers = Arc::<Notify>::default();
        let handle = Handle { requests, pictures: pictures.clone(), newcomers: newcomers.clone() };

        let news = first_news(&settings, warnings, &ffmpeg, &ports, inherited);
        let first = [clock.event(), Event::Began { earlier }, Event::MailPort(Ok(ports.address.to_string()))]
            .into_iter()
            .chain(news);
        let inputs = first.map(Input::Event).collect();

        let (tasks, mail) = (TaskTracker::new(), TaskTracker::new());
        let live = Live::new(&settings);
        mail.spawn(smtp::serve(ports, live.smtp.subscribe(), bus.clone(), stop.asked().clone()));
        mail.close();
        let wake = Arc::new(Notify::new());
        let retain =
            retain::run(live.rules.subscribe(), archive.home(), wake.clone(), bus.clone(), stop.asked().clone());
        tasks.spawn(retain);
        tasks.spawn(hosts::keep(live.cameras.subscribe(), bus.clone(), stop.asked().clone()));
        tasks.spawn(state::keep(state_dir.clone(), state::ARMED, armed.subscribe(), bus.clone()));
        tasks.spawn(state::keep(state_dir.clone(), state::SPENT, spent.subscribe(), bus.clone()));
        let healing = Healing::of(&settings.ring.dir, logout_warning(&settings.ring.dir));
        let looks = Looks::new(ffmpeg.clone(), settings.ring.dir.clone(), archive.home());
        let rereads = Rereads::new(file, ffmpeg.clone());
        let places = limits::Places::of(&limits::machine(&settings.ring.dir, None));
        let common = Arc::new(Common { ffmpeg, ring: settings.ring.clone(), places });
        let engine = Self {
            settings,
            recorder,
            clock,
            stop,
            inputs,
            done: VecDeque::new(),
            events,
            bus,
            requests: waiting,
            asked: HashMap::new(),
            next_request: 0,
            cameras: HashMap::new(),
            common,
            archive,
            looks,
            armed,
            spent,
            make_room: wake,
            live,
            rereads,
            pictures,
            newcomers,
            published: None,
            dirty: true,
            urgent: true,
            tasks,
            mail,
            ring,
            memories,
            healing,
            watcher,
        };
        Ok((engine, handle))
    }

    /// Records until it is asked to stop, and then stops in the written order: no more mail, cameras, what is claimed,
    /// clips. Monitors leave after that, for they want to see it.
    ///
    /// # Errors
    /// What could not be stored before the time was over, where it waits, and what to do.
    pub async fn run(mut self) -> Result<(), String> {
        let asked = self.stop.asked().clone();
        self.until(|_| asked.is_cancelled()).await;
        let who = self.stop.by().unwrap_or("nobody knows who").to_owned();
        self.inputs.push_back(Input::Event(Event::StopAsked(who)));

        let stop = self.stop.clone();
        let mail = self.mail.clone();
        stop.stage(Stage::Mail, self.until(|_| mail.is_empty())).await;
        stop.stage(Stage::Cameras, self.until(Recorder::cameras_stopped)).await;
        stop.stage(Stage::Archive, self.until(Recorder::stored)).await;
        stop.stage(Stage::Clips, self.until(Recorder::finished)).await;
        self.publish(); // who watches sees what was done last
        let left = left_waiting(&self.pictures.borrow());
        self.end().await;
        left.map_or(Ok(()), Err)
    }

    /// Goes on until something is true of the recorder.
    async fn until(&mut self, done: impl Fn(&Recorder) -> bool) {
        loop {
            self.settle();
            if done(&self.recorder) {
                return;
            }
            self.receive().await;
        }
    }

    /// Waits for the next thing to happen. Facts come before time: a machine that slept has news to hear first.
    async fn receive(&mut self) {
        let now = self.clock.now();
        let tick = self.clock.instant(self.recorder.due(now).unwrap_or(now + Duration::from_secs(1)));
        let publish = self.publish_at();
        tokio::select! {
            biased;
            Some(event) = self.events.recv() => {
                self.urgent |= matches!(event, Event::Mail(_) | Event::Reloaded { .. } | Event::FixWritten { .. });
                if matches!(event, Event::AppendFailed { failure: AppendFailure::Archive(_), .. }) {
                    self.make_room.notify_one();
                }
                self.inputs.push_back(Input::Event(event));
                // Who is awake looks round, and is not woken for that a moment later.
                self.inputs.extend(self.events.is_empty().then_some(Input::Tick));
            }
            Some(Request { command, asker }) = self.requests.recv() => {
                self.urgent |= !matches!(command, Command::Ask(_));
                self.next_request += 1;
                let id = RequestId(self.next_request);
                self.asked.insert(id, asker);
                self.inputs.push_back(Input::Command(id, command));
            }
            () = self.stop.asked().cancelled(), if !self.recorder.stopping() => {}
            () = self.newcomers.notified() => self.welcome(),
            () = self.stop.hangup() => self.inputs.push_back(Input::Event(Event::HungUp)),
            () = self.mail.wait(), if self.recorder.stopping() && !self.mail.is_empty() => {}
            () = sleep_until(publish.unwrap_or(tick)), if publish.is_some_and(|at| at < tick) => self.publish(),
            () = sleep_until(tick) => self.inputs.push_back(Input::Tick),
        }
    }

    /// Applies what has come in, and carries out what follows from it, until nothing more follows.
    fn settle(&mut self) {
        while let Some(input) = self.inputs.pop_front() {
            let now = self.clock.now();
            self.dirty = true;
            for effect in self.recorder.apply(now, input) {
                self.carry_out(effect);
            }
            // What was done at once is heard first: what waits may be what FFmpeg did after it.
            while let Some(event) = self.done.pop_back() {
                self.inputs.push_front(Input::Event(event));
            }
        }
        if std::mem::take(&mut self.urgent) && self.publish_at().is_some() {
            self.publish();
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::StartCamera { camera, run, slot, encode_audio, in_doubt } => {
                let (stop, stopped) = oneshot::channel();
                self.cameras.insert(camera.name.clone(), (run, stop));
                let job = Job { camera, run, slot, encode_audio, in_doubt };
                self.tasks.spawn(camera::run(self.common.clone(), job, self.bus.clone(), stopped));
            }
            Effect::StopCamera { camera, run, reason } => {
                if self.cameras.get(&camera).is_some_and(|(running, _)| *running == run)
                    && let Some((_, stop)) = self.cameras.remove(&camera)
                {
                    // One that ended this instant has said so already.
                    let _ = stop.send(reason);
                }
            }
            Effect::Sweep => self.sweep(),
            Effect::Claim { segment, slot, bytes } => self.claim(segment, slot, bytes),
            Effect::Unlink { camera, slot, bytes } => self.ring.unlink(&camera, SlotFile { slot, bytes }),
            Effect::Append(append) => self.archive.append(*append),
            Effect::Follow(follow) => {
                let until = self.clock.instant(follow.until).into_std();
                self.archive.follow(*follow, until);
            }
            Effect::Discard { segment } => self.ring.discard(&segment),
            Effect::Reload { request } => {
                self.tasks.spawn(self.rereads.clone().read(request, self.bus.clone(), self.stop.asked().clone()));
            }
            Effect::Write { request, fix } => {
                self.tasks.spawn(self.rereads.clone().write(request, fix, self.bus.clone(), self.stop.asked().clone()));
            }
            Effect::Adopt(settings) => self.adopt(settings),
            Effect::OpenRing { camera } => self.open_ring(camera),
            Effect::CloseRing { camera } => self.close_ring(&camera),
            Effect::Remember { camera, memory } => {
                self.done.extend(self.memories.keep(&camera, memory).map(Event::Note));
            }
            Effect::SaveRecord { clip, record } => self.archive.save_record(clip, record),
            Effect::StorePicture { clip, picture } => self.archive.store_picture(clip, picture),
            Effect::CloseClip { clip, record } => self.archive.close_clip(clip, record),
            Effect::ListClips { request, query } => self.archive.list(request, query, self.left(request)),
            Effect::ShowClip { request, clip } => self.archive.show(request, clip, self.left(request)),
            Effect::ChangeClip { request, clip, change } => self.archive.change(request, clip, change),
            Effect::TakeStills { request, from, width } => {
                self.looks.take(request, from, width, self.left(request), (&self.tasks, &self.bus, self.stop.asked()));
            }
            Effect::Reply { request, answer } => {
                if let Some(asker) = self.asked.remove(&request) {
                    let _ = asker.answer.send(answer); // who asked may have left
                }
            }
            Effect::Log(entry) => journal::write(&entry),
            Effect::SaveArmed(armed) => drop(self.armed.send_replace(armed)),
            Effect::SaveSpent(spent) => drop(self.spent.send_replace(spent)),
            Effect::Stop { who } => self.stop.ask(who),
        }
    }

    /// Is cancelled when nobody waits for that answer any more.
    fn left(&self, request: RequestId) -> CancellationToken {
        self.asked.get(&request).map_or_else(CancellationToken::new, |asker| asker.left.clone())
    }

    fn claim(&mut self, segment: SegmentId, slot: u32, bytes: Option<u64>) {
        let result = self.ring.claim(&segment, slot, bytes);
        self.done.push_back(Event::Claimed { segment, result });
    }

    fn sweep(&mut self) {
        self.done.extend(self.clock.look());
        self.done.extend(self.healing.heal(&mut self.ring, &mut self.watcher));
        self.memories.try_again();
        let rings = self.ring.sweep();
        let ram = archive::space(&self.settings.ring.dir).ok();
        self.done.push_back(Event::Swept { rings, ram });
    }

    /// When the next picture is due; `None`: nothing happened since the last one, or nobody looks.
    fn publish_at(&self) -> Option<Instant> {
        let wanted = self.dirty && self.pictures.receiver_count() > 0;
        wanted.then(|| self.published.map_or_else(Instant::now, |last| last + CALM))
    }

    /// Shows what has changed since the last picture.
    fn publish(&mut self) {
        let picture = self.picture();
        self.pictures.send_if_modified(|last| {
            let news = **last != *picture;
            if news {
                *last = picture;
            }
            news
        });
    }

    /// Shows everything, for somebody has begun to look.
    fn welcome(&mut self) {
        let picture = self.picture();
        self.pictures.send_replace(picture);
    }

    /// Everything as it is now; whoever takes it shows it.
    fn picture(&mut self) -> Arc<Snapshot> {
        (self.published, self.dirty, self.urgent) = (Some(Instant::now()), false, false);
        Arc::new(Snapshot { pid: std::process::id(), ..self.recorder.snapshot(self.clock.now()) })
    }

    /// Ends what is left of the hands. Whoever still has something to say is heard, so that none waits for room.
    async fn end(self) {
        let Self { archive, tasks, armed, spent, cameras, bus, mut events, recorder, ring, mut memories, stop, .. } =
            self;
        drop((armed, spent, cameras, bus));
        let limit = if stop.now().is_cancelled() { Duration::from_millis(300) } else { camera::LADDER };
        tasks.close();
        let home = archive.home();
        let hands = async {
            archive.finish().await;
            tasks.wait().await;
        };
        let hear = async {
            while events.recv().await.is_some() {}
            std::future::pending().await
        };
        tokio::select! {
            () = hands => {}
            () = hear => {}
            () = tokio::time::sleep(limit) => tracing::warn!("some tasks did not end in time"),
        }
        // A thread that waits for a disk may outlive all this, and so does the archive's lock then. The ring's must not.
        home.leave_ring();
        ring.clear_slots();
        // Whoever has something left goes on with it at the next start.
        recorder.done().for_each(|camera| memories.forget(camera));
    }
}
