//! Supervises one FFmpeg from its start to its end, and reports both. When to start and when to end it is decided in
//! the model; how is done here: the ladder is `q`, SIGTERM, SIGKILL, reap.

use super::child::{self, Lines, Purpose, end_group};
use super::ffmpeg::{self, Ffmpeg, Plan, Redactor, Target};
use super::hold::{self, Hold};
use super::limits::Places;
use super::{knock, places};
use crate::model::event::{CameraNews, Event, Trouble};
use crate::model::id::{CameraName, RunId};
use crate::model::settings;
use command_fds::{CommandFdExt, FdMapping};
use rustix::process::{Pid, Signal};
use std::collections::VecDeque;
use std::io::{PipeWriter, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStderr, ChildStdin};
use tokio::sync::{SemaphorePermit, mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

/// How long FFmpeg has to obey `q`: it finishes its file in 0.1 s.
const ASK: Duration = Duration::from_secs(3);
/// How long FFmpeg has to obey SIGTERM.
const INSIST: Duration = Duration::from_secs(2);
/// How long a whole ladder takes at most.
pub const LADDER: Duration = Duration::from_secs(6);
/// How long a camera may take to show a first picture.
const GLANCE: Duration = Duration::from_secs(15);
/// Lines of stderr that are kept for the reason of its end.
const KEPT: usize = 20;
/// Lines of stderr a second that are passed on; a damaged stream complains at every packet.
const LINES_A_SECOND: u32 = 5;
/// Progress reports a second that are passed on; FFmpeg sends one in five seconds.
const PROGRESS_A_SECOND: u32 = 2;

/// What every FFmpeg of a recorder has in common.
#[derive(Debug)]
pub struct Common {
    /// Which FFmpeg.
    pub ffmpeg: Ffmpeg,
    /// The rings' directory.
    pub ring: settings::Ring,
    /// How many may be recorded at a time.
    pub places: Places,
}

/// One life of one camera's FFmpeg.
#[derive(Debug)]
pub struct Job {
    /// What to open.
    pub camera: Arc<settings::Camera>,
    /// Of which life the news are.
    pub run: RunId,
    /// The first slot.
    pub slot: u32,
    /// Make the sound AAC.
    pub encode_audio: bool,
    /// Ask whether anybody answers before an FFmpeg is started.
    pub in_doubt: bool,
}

/// Runs FFmpeg until it ends; `stop` takes it down the ladder and says what to report as the reason (`None`: it was
/// asked for). Its end, or that it could not be started, is always reported, and not before nothing writes its slots any
/// more.
pub async fn run(
    common: Arc<Common>,
    job: Job,
    events: mpsc::Sender<Event>,
    mut stop: oneshot::Receiver<Option<String>>,
) {
    let (camera, run) = (job.camera.name.clone(), job.run);
    let news = |news| Event::Camera { camera: camera.clone(), run, news };
    let trouble = |text| Some(Trouble { text, cure: None });
    let begun = tokio::select! {
        begun = begin(&common, &job, &events) => begun,
        // A recorder that is gone wants nothing to be started.
        reason = &mut stop => {
            let reason = reason.unwrap_or(None).and_then(trouble);
            let _ = events.send(news(CameraNews::Ended { reason })).await;
            return;
        }
    };
    let reason = match begun {
        Ok((ffmpeg, _place)) => {
            // Only a recorder that is gone does not listen, and then nobody wants the news.
            let _ = events.send(news(CameraNews::Started)).await;
            let reason = ffmpeg.supervise(&events, &news, stop).await;
            // Where `recorder.ffmpeg` is a script, the real FFmpeg may live on. If it cannot be ended the next start,
            // which needs the slots, says why.
            drop(free(&common, &camera, &events).await);
            reason
        }
        Err(text) => trouble(text),
    };
    let _ = events.send(news(CameraNews::Ended { reason })).await;
}

/// Takes a camera's slots, and says what had to be done for it.
async fn free(common: &Common, camera: &CameraName, events: &mpsc::Sender<Event>) -> Result<Hold, String> {
    let hold = hold::take(&common.ring.dir, camera).await?;
    if let Some(note) = hold.note(camera) {
        let _ = events.send(Event::Note(note)).await;
    }
    Ok(hold)
}

/// Whether a camera sends a picture.
///
/// # Errors
/// Why not, in words and with the remedy.
pub async fn glance(ffmpeg: &Ffmpeg, camera: &settings::Camera) -> Result<(), String> {
    let (program, redactor) = (&ffmpeg.program, Redactor::new(&camera.source));
    let plan = ffmpeg::glance(ffmpeg, camera);
    let mut running = spawn(program, plan, redactor, None).map_err(|error| ffmpeg::not_run(program, &error))?;
    let (mut said, mut pictures) = (VecDeque::new(), 0);
    let seen = async {
        loop {
            tokio::select! {
                biased;
                lines = running.progress.next() => {
                    pictures = lines.iter().filter_map(|line| ffmpeg::frames(line)).fold(pictures, u64::max);
                }
                lines = running.stderr.next() => lines.iter().for_each(|line| keep(&mut said, &running.redactor.clean(line))),
                status = running.child.wait() => break status,
            }
        }
    };
    let status = timeout(GLANCE, seen).await.map_err(|_| format!("no picture within {} s", GLANCE.as_secs()))?;
    running.last_words(&mut said).await;
    let ending = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    // Exit code 0 does not mean that anything came.
    if pictures > 0 { Ok(()) } else { Err(ffmpeg::diagnose(said.make_contiguous(), &ending).text) }
}

/// A running FFmpeg and the pipes to it.
struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stderr: Lines<ChildStderr>,
    progress: Lines<pipe::Receiver>,
    redactor: Redactor,
    /// Nothing is written to it. It ends with this, or with the recorder.
    _leash: PipeWriter,
}

async fn begin<'a>(
    common: &'a Common,
    job: &Job,
    events: &mpsc::Sender<Event>,
) -> Result<(Running, SemaphorePermit<'a>), String> {
    let (ring, camera) = (&common.ring, &job.camera.name);
    let place = common.places.take()?;
    if job.in_doubt {
        knock::knock(&job.camera.source).await?;
    }
    // Somebody may have removed them.
    fs_err::create_dir_all(places::claims(&ring.dir, camera))
        .map_err(|error| format!("the ring cannot be made: {error} (check ring.dir)"))?;
    let hold = free(common, camera, events).await?;
    let dir = places::ring(&ring.dir, camera);
    let (segment, wrap) = (ring.segment, ring.wrap());
    let target = Target { dir: &dir, segment, wrap, slot: job.slot, encode_audio: job.encode_audio };
    let plan = ffmpeg::plan(&common.ffmpeg, &job.camera, &target);
    let program = &common.ffmpeg.program;
    let redactor = Redactor::new(&job.camera.source);
    let running = spawn(program, plan, redactor, Some(hold)).map_err(|error| ffmpeg::not_run(program, &error))?;
    Ok((running, place))
}

/// `hold`: the slots that it writes, if it writes any. Our own copy is closed when this is over.
fn spawn(program: &Path, plan: Plan, redactor: Redactor, hold: Option<Hold>) -> std::io::Result<Running> {
    let (progress, progress_theirs) = std::io::pipe()?;
    let (leash_theirs, leash) = std::io::pipe()?;
    let mut fds = vec![
        FdMapping { parent_fd: OwnedFd::from(progress_theirs), child_fd: ffmpeg::PROGRESS_FD },
        FdMapping { parent_fd: OwnedFd::from(leash_theirs), child_fd: ffmpeg::LEASH_FD },
    ];
    if let Some(list) = plan.list {
        let (theirs, mut ours) = std::io::pipe()?;
        // A URL is far smaller than a pipe, so this does not wait.
        ours.write_all(list.as_bytes())?;
        fds.push(FdMapping { parent_fd: OwnedFd::from(theirs), child_fd: ffmpeg::LIST_FD });
    }
    fds.extend(hold.map(|hold| FdMapping { parent_fd: hold.lock, child_fd: ffmpeg::HOLD_FD }));
    let mut command = ffmpeg::command(program);
    command.args(plan.args).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.fd_mappings(fds).map_err(std::io::Error::other)?;
    // After the descriptors have their numbers.
    child::own_session(&mut command, Purpose::Recording { leash: ffmpeg::LEASH_FD });
    let mut child = command.spawn()?;
    let stdin = child.stdin.take();
    let stderr = child.stderr.take().ok_or_else(|| std::io::Error::other("no stderr"))?;
    let progress = pipe::Receiver::from_owned_fd(OwnedFd::from(progress))?;
    Ok(Running { child, stdin, stderr: Lines::new(stderr), progress: Lines::new(progress), redactor, _leash: leash })
}

/// How far down the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rung {
    Asked,
    Insisted,
    Killed,
}

impl Running {
    /// Reads all it says until it has ended. Every pipe is drained all the time: one that fills up stops the recording.
    async fn supervise(
        mut self,
        events: &mpsc::Sender<Event>,
        news: &impl Fn(CameraNews) -> Event,
        mut stop: oneshot::Receiver<Option<String>>,
    ) -> Option<Trouble> {
        let mut said = VecDeque::new();
        let mut ladder: Option<(Rung, Instant)> = None;
        let mut asked: Option<Option<String>> = None;
        let (mut quota, mut progress) = (Quota::new(LINES_A_SECOND), Quota::new(PROGRESS_A_SECOND));
        let group = self.group();
        let status = loop {
            let rung_ends = ladder.map_or_else(Instant::now, |(_, at)| at);
            tokio::select! {
                status = self.child.wait() => break status,
                lines = self.stderr.next() => for line in lines.iter().filter_map(|line| self.clean(line)) {
                    keep(&mut said, &line);
                    if quota.allows() {
                        let _ = events.send(news(CameraNews::Said(line))).await;
                    }
                },
                lines = self.progress.next() => {
                    let frames = lines.iter().filter_map(|line| ffmpeg::frames(line)).max();
                    if let Some(frames) = frames.filter(|_| progress.allows()) {
                        let _ = events.send(news(CameraNews::Progress { frames })).await;
                    }
                }
                reason = &mut stop, if asked.is_none() => {
                    // A recorder that is gone asks for nothing but wants it ended all the same.
                    asked = Some(reason.unwrap_or(None));
                    ladder = Some(self.step(None).await);
                }
                () = sleep_until(rung_ends), if ladder.is_some_and(|(rung, _)| rung != Rung::Killed) => {
                    ladder = Some(self.step(ladder.map(|(rung, _)| rung)).await);
                }
            }
        };
        // Where `recorder.ffmpeg` is a script, the real FFmpeg may live on.
        end_group(group, Signal::KILL);
        self.last_words(&mut said).await;
        let ending = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        match asked {
            Some(None) => None,
            Some(Some(text)) => Some(Trouble { text, cure: None }),
            None => Some(ffmpeg::diagnose(said.make_contiguous(), &ending)),
        }
    }

    /// The next rung of the ladder, and when the one after it comes.
    async fn step(&mut self, after: Option<Rung>) -> (Rung, Instant) {
        let now = Instant::now();
        match after {
            None => {
                if let Some(mut stdin) = self.stdin.take() {
                    // If it does not read any more, the next rung will tell.
                    let _ = timeout(Duration::from_millis(100), stdin.write_all(b"q")).await;
                    self.stdin = Some(stdin);
                }
                (Rung::Asked, now + ASK)
            }
            Some(Rung::Asked) => {
                self.signal(Signal::TERM);
                (Rung::Insisted, now + INSIST)
            }
            Some(Rung::Insisted | Rung::Killed) => {
                self.signal(Signal::KILL);
                (Rung::Killed, now + INSIST)
            }
        }
    }

    fn signal(&self, signal: Signal) {
        end_group(self.group(), signal);
    }

    /// Its process group, which is its own; `None` once it has been reaped.
    fn group(&self) -> Option<Pid> {
        self.child.id().and_then(|id| Pid::from_raw(id.cast_signed()))
    }

    /// Without secrets; `None` if nothing is left.
    fn clean(&self, line: &str) -> Option<String> {
        Some(self.redactor.clean(line)).filter(|line| !line.is_empty())
    }

    /// What it said just before it ended is most often the reason. A child of its own may hold the pipe open, so this
    /// does not wait for the end.
    async fn last_words(&mut self, said: &mut VecDeque<String>) {
        let rest = async {
            while !self.stderr.over() {
                let lines = self.stderr.next().await;
                lines.iter().filter_map(|line| self.clean(line)).for_each(|line| keep(said, &line));
            }
        };
        let _ = timeout(Duration::from_millis(200), rest).await;
    }
}

fn keep(said: &mut VecDeque<String>, line: &str) {
    said.push_back(line.to_owned());
    while said.len() > KEPT {
        said.pop_front();
    }
}

/// How much of what FFmpeg says in a second is passed on.
struct Quota {
    second: Instant,
    lines: u32,
    most: u32,
}

impl Quota {
    fn new(most: u32) -> Self {
        Self { second: Instant::now(), lines: 0, most }
    }

    fn allows(&mut self) -> bool {
        if self.second.elapsed() >= Duration::from_secs(1) {
            (self.second, self.lines) = (Instant::now(), 0);
        }
        self.lines += 1;
        self.lines <= self.most
    }
}
