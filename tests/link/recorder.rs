//! A recorder that is nothing but its link: pictures that a test publishes, and a desk that notes what it is asked.

use nvr::link::serve::{Desk, End, Pictures, Wording, session};
use nvr::model::command::{Answer, Command};
use nvr::model::question::Question;
use nvr::model::snapshot::{ArchiveView, Lost, MailView, RingView, Snapshot};
use nvr::model::time::{Anchor, Mono};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A picture that can be told from others by its number.
pub fn picture(number: u64) -> Snapshot {
    Snapshot {
        version: "0.1.0".into(),
        pid: 4711,
        started: Mono(1),
        anchor: Anchor { mono: Mono(0), wall: jiff::Timestamp::UNIX_EPOCH },
        cameras: Vec::new(),
        mail: MailView { port: Ok("0.0.0.0:6789".into()), today: number, last: None, sessions: 0 },
        archive: ArchiveView {
            dir: "/clips".into(),
            space: None,
            trouble: None,
            since: None,
            retention: None,
            backlog: 0,
            backlog_limit: None,
            safe_until: None,
            written: None,
            silent: None,
        },
        ring: RingView { dir: "/dev/shm/nvr".into(), used: 0, space: None, trouble: None },
        lost: Lost::default(),
        copies: Vec::new(),
        clips: Vec::new(),
        journal: Vec::new(),
        warnings: vec!["a sentence, to give the line some length".into(); 50],
        stopping: None,
    }
}

/// The number of a picture.
pub fn number(picture: &Snapshot) -> u64 {
    picture.mail.today
}

/// Answers every order by its own words; what is about a clip takes as many seconds as its name says.
#[derive(Debug, Clone)]
pub struct Notebook {
    asked: Arc<Mutex<Vec<Command>>>,
    pictures: watch::Sender<Arc<Snapshot>>,
}

impl Notebook {
    pub fn asked(&self) -> Vec<Command> {
        self.asked.lock().expect("not poisoned").clone()
    }
}

impl Desk for Notebook {
    async fn ask(&self, command: Command) -> Answer {
        self.asked.lock().expect("not poisoned").push(command.clone());
        if let Command::Delete { clip } | Command::Ask(Question::Clip(clip)) = &command
            && let Ok(seconds) = clip.parse()
        {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
        Answer::Done(format!("{command:?}"))
    }

    fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        let mut pictures = self.pictures.subscribe();
        pictures.mark_changed();
        pictures
    }
}

/// The link of a recorder.
pub struct Recorder {
    pub desk: Notebook,
    pub pictures: watch::Sender<Arc<Snapshot>>,
    pub wording: Wording,
    pub stop: CancellationToken,
}

impl Recorder {
    /// Shows picture 0.
    pub fn new() -> Self {
        let pictures = watch::Sender::new(Arc::new(picture(0)));
        let desk = Notebook { asked: Arc::default(), pictures: pictures.clone() };
        Self { desk, pictures, wording: Wording::default(), stop: CancellationToken::new() }
    }

    pub fn publish(&self, number: u64) {
        self.pictures.send_replace(Arc::new(picture(number)));
    }

    /// What a session sees.
    pub fn look(&self) -> Pictures {
        Pictures::new(self.desk.subscribe(), self.wording.clone())
    }

    /// A session of its own on `stream`.
    pub fn serve(&self, stream: impl AsyncRead + AsyncWrite + Send + 'static) -> JoinHandle<End> {
        tokio::spawn(session(stream, self.desk.clone(), self.wording.clone(), self.stop.clone()))
    }
}
