//! A recorder that is nothing but its link.

use super::pictures;
use nvr::link::serve::{self, Desk};
use nvr::model::command::{Answer, Command as Order};
use nvr::model::question::{ClipDetails, ClipKey, ClipPage, ClipQuery, Found, Page, Question, Said};
use nvr::model::record::Record;
use nvr::model::snapshot::{ClipView, Entry, Level, Snapshot};
use std::collections::VecDeque;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes, on a machine that is busy.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Clips on a page at most, so that few clips make many pages.
const PAGE: usize = 5;
/// Lines that are kept, as in the real one.
const KEPT: usize = 1000;
/// Lines in a picture, as in the real one.
const TAIL: usize = 50;

/// What the recorder knows and was asked.
#[derive(Default)]
pub struct Known {
    /// Newest first.
    pub clips: Vec<ClipView>,
    /// Of any clip.
    pub record: Option<Record>,
    pub journal: VecDeque<Entry>,
    /// Orders, questions left out.
    pub orders: Vec<Order>,
    /// How often the journal was asked for.
    pub journals: u64,
    /// It is about to go, and answers nothing any more.
    pub refuses: bool,
}

#[derive(Clone)]
struct Memory {
    known: Arc<Mutex<Known>>,
    picture: watch::Sender<Arc<Snapshot>>,
}

impl Memory {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("not poisoned")
    }
}

impl Desk for Memory {
    async fn ask(&self, order: Order) -> Answer {
        let mut known = self.known();
        let question = match order {
            Order::Ask(question) => question,
            order => {
                known.orders.push(order.clone());
                return known.carry_out(order);
            }
        };
        match question {
            Question::Clips(query) => Answer::Found(Found::Clips(known.page(&query))),
            Question::Clip(name) => match known.clips.iter().find(|clip| clip.name == name) {
                Some(clip) => Answer::Found(Found::Clip(Box::new(ClipDetails {
                    clip: clip.clone(),
                    record: known.record.clone(),
                    trouble: None,
                    pictures: vec!["x.jpg".into()],
                }))),
                None => Answer::Refused(format!("there is no clip {name} (see: nvr clips)")),
            },
            Question::Journal(_) if known.refuses => Answer::Refused("the recorder is stopping".into()),
            Question::Journal(since) => {
                known.journals += 1;
                let lines = known.journal.iter().filter(|entry| entry.number > since.after).cloned().collect();
                Answer::Found(Found::Journal(lines))
            }
            Question::Copies(_) => Answer::Found(Found::Copies(Vec::new())),
            Question::Stderr(_) => {
                Answer::Found(Found::Stderr(vec![Said { at: pictures::NOW, text: "a\x1b[2Jb".into() }]))
            }
            Question::Sessions(_) => Answer::Found(Found::Sessions(Vec::new())),
            Question::Stills { .. } | Question::WhereTo(_) => Answer::Refused("not here".into()),
        }
    }

    fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        let mut pictures = self.picture.subscribe();
        pictures.mark_changed();
        pictures
    }
}

impl Known {
    fn carry_out(&mut self, order: Order) -> Answer {
        match order {
            Order::Protect { clip, protected } => Answer::Done(format!("{clip}: {protected}")),
            Order::Delete { clip } if self.clips.iter().any(|it| it.name == clip && it.protected) => {
                Answer::Refused(format!("{clip} is protected (unprotect it first)"))
            }
            Order::Delete { clip } => {
                self.clips.retain(|it| it.name != clip);
                Answer::Done(format!("{clip} was deleted by hand"))
            }
            other => Answer::Done(format!("{other:?}")),
        }
    }

    fn page(&self, query: &ClipQuery) -> ClipPage {
        let wanted = |clip: &&ClipView| query.camera.as_ref().is_none_or(|camera| clip.camera == *camera);
        let mut clips: Vec<_> = self.clips.iter().filter(wanted).cloned().collect();
        match &query.page {
            Page::Newest | Page::Oldest => {}
            Page::Older(key) => clips.retain(|clip| ClipKey::of(clip) < *key),
            Page::Newer(key) => clips.retain(|clip| ClipKey::of(clip) > *key),
        }
        let from_the_end = matches!(query.page, Page::Oldest | Page::Newer(_));
        let most = PAGE.min(query.limit as usize);
        let rest = clips.len().saturating_sub(most);
        if from_the_end {
            clips.drain(..rest);
        } else {
            clips.truncate(most);
        }
        let last = if from_the_end { clips.first() } else { clips.last() };
        ClipPage { more: last.filter(|_| rest > 0).map(ClipKey::of), clips }
    }
}

/// A recorder at a socket.
pub struct Recorder {
    memory: Memory,
    stop: CancellationToken,
    house: JoinHandle<()>,
}

impl Recorder {
    /// Listens below `dir`.
    pub fn start(dir: &Path, picture: Snapshot) -> Self {
        let listener = UnixListener::bind(dir.join("nvr.sock")).expect("a socket");
        let memory = Memory { known: Arc::default(), picture: watch::Sender::new(Arc::new(picture)) };
        let stop = CancellationToken::new();
        let house = tokio::spawn(serve::listen(listener, memory.clone(), stop.clone()));
        Self { memory, stop, house }
    }

    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.memory.known()
    }

    /// Says so many things at once, and shows only the picture after the last.
    pub fn say(&self, count: u64, text: impl Fn(u64) -> String) {
        let mut known = self.memory.known();
        let last = known.journal.back().map_or(0, |entry| entry.number);
        for number in last + 1..=last + count {
            let camera = if number % 2 == 0 { "garden" } else { "front-door" };
            known.journal.push_back(Entry { number, ..pictures::entry(1, Level::Info, Some(camera), &text(number)) });
        }
        let extra = known.journal.len().saturating_sub(KEPT);
        known.journal.drain(..extra);
        let journal: Vec<_> = known.journal.iter().rev().take(TAIL).rev().cloned().collect();
        self.show(|picture| picture.journal = journal);
    }

    pub fn show(&self, change: impl FnOnce(&mut Snapshot)) {
        self.memory.picture.send_modify(|picture| change(Arc::make_mut(picture)));
    }

    /// Waits until somebody is shown its pictures.
    pub async fn is_watched(&self) {
        let watched = async {
            while self.memory.picture.receiver_count() == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, watched).await.expect("a follower");
    }

    /// Waits until its journal was asked for so many times: as many followers have begun.
    pub async fn was_asked_for_its_journal(&self, times: u64) {
        let asked = async {
            while self.known().journals < times {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, asked).await.expect("followers");
    }

    /// Ends, and leaves nothing at its socket.
    pub async fn end(self, dir: &Path) {
        self.stop.cancel();
        self.house.await.expect("no panic");
        std::fs::remove_file(dir.join("nvr.sock")).expect("a socket");
    }
}

/// What a program that has ended left.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// Standard output as JSON, one value a line.
    pub fn json(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

pub fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nvr"));
    command.arg("--socket").arg(dir.join("nvr.sock")).args(args).env("TZ", "UTC").kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a verb to its end.
pub async fn nvr(dir: &Path, args: &[&str]) -> Ended {
    let output = timeout(PATIENCE, command(dir, args).output()).await.expect("an end in time").expect("the program");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}
