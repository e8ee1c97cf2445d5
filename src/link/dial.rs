//! The client's end of the link: finding a recorder, and talking to it.

use super::frame::{self, FrameError, Reader, Writer};
use super::protocol::{Spoken, ToClient, ToRecorder, mismatch, plain};
use super::socket;
use crate::model::command::{Answer, Command};
use crate::model::snapshot::Snapshot;
use std::collections::HashMap;
use std::future::Future;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

/// A recorder that has not said hello by then is not one.
pub const HELLO: Duration = Duration::from_secs(3);

/// How long an order may take, from being given to being answered.
pub const ANSWER: Duration = Duration::from_secs(10);

/// Orders on their way to the recorder; one more waits.
const OUTSTANDING: usize = 16;

/// What was found at the sockets.
#[derive(Debug)]
pub enum Reach {
    /// No recorder anywhere: one may be started.
    NotRunning,
    /// There may be one, and this user may not open it: a sentence with the remedy. None must be started.
    Denied(String),
    /// The first that answered, and where.
    Connected(UnixStream, PathBuf),
}

/// Tries each socket in turn (see [`socket::candidates`]).
///
/// The error is a sentence: something is there that is neither a recorder nor nothing.
pub async fn reach(candidates: &[PathBuf]) -> Result<Reach, String> {
    let mut denied = None;
    for path in candidates {
        socket::check_length(path)?;
        match UnixStream::connect(path).await {
            Ok(stream) => return Ok(Reach::Connected(stream, path.clone())),
            Err(error) => match error.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::NotADirectory => {}
                ErrorKind::PermissionDenied => denied = denied.or_else(|| Some(socket::denied(path))),
                ErrorKind::WouldBlock => {
                    return Err(format!(
                        "the recorder at {} lets nobody in at the moment (try again; if that does not help: systemctl \
                         restart nvr)",
                        path.display()
                    ));
                }
                _ => return Err(socket::cannot("connect to", path, &error, "name another one: --socket PATH")),
            },
        }
    }
    Ok(denied.map_or(Reach::NotRunning, Reach::Denied))
}

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// A sentence, fit for a screen.
    pub reason: String,
    /// The recorder said so itself. Otherwise it vanished, and may be back at any moment.
    pub bye: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The two cannot talk; who must be restarted.
    #[error("{0}")]
    Versions(String),
    /// Connected, and then nothing.
    #[error("the recorder does not say hello (see what it is doing: systemctl status nvr)")]
    Silent,
    /// The connection ended.
    #[error("{}", .0.reason)]
    Gone(Gone),
    /// Whether the order was carried out is not known.
    #[error("the recorder has not answered for {} s (see what it is doing: systemctl status nvr)", ANSWER.as_secs())]
    NoAnswer,
}

/// Which recorder it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorder {
    /// Its version, fit for a screen.
    pub version: String,
    /// Its process.
    pub pid: u32,
    protocol: u32,
}

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Answer>>>>;

/// A connection to a recorder. Dropping it closes the connection.
///
/// A task of its own always reads, so that the newest picture is here and the recorder never finds this client blocked,
/// however long its owner is busy.
#[derive(Debug)]
pub struct Client {
    recorder: Recorder,
    snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    gone: watch::Receiver<Option<Gone>>,
    orders: mpsc::Sender<ToRecorder>,
    waiting: Waiting,
    ids: AtomicU64,
    _task: AbortOnDropHandle<()>,
}

impl Client {
    /// Says hello and waits at most [`HELLO`] for the recorder's.
    pub async fn attach<S>(stream: S, snapshots: bool) -> Result<Client, LinkError>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (mut reader, mut writer) = frame::split(stream, frame::TO_CLIENT);
        let hellos = timeout(HELLO, greet(&mut reader, &mut writer, snapshots));
        let recorder = hellos.await.unwrap_or(Err(LinkError::Silent))?;
        let (orders, queue) = mpsc::channel(OUTSTANDING);
        let (picture, snapshots) = watch::channel(None);
        let (end, gone) = watch::channel(None);
        let waiting = Waiting::default();
        let task = tokio::spawn({
            let (recorder, waiting) = (recorder.clone(), waiting.clone());
            async move {
                let why = tokio::select! {
                    why = hear(reader, &recorder, picture, &waiting) => why,
                    why = speak(writer, queue) => why,
                };
                end.send_replace(Some(why));
                lock(&waiting).clear();
            }
        });
        let task = AbortOnDropHandle::new(task);
        Ok(Client { recorder, snapshots, gone, orders, waiting, ids: AtomicU64::new(1), _task: task })
    }

    /// Which recorder this is.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// The newest picture; `None` until the first one is here. Its sender goes when the connection ends; the last
    /// picture stays.
    pub fn snapshots(&mut self) -> &mut watch::Receiver<Option<Arc<Snapshot>>> {
        &mut self.snapshots
    }

    /// Gives an order and waits at most [`ANSWER`] for what came of it.
    ///
    /// The future does not borrow the client, so that several orders can be under way while pictures are drawn.
    pub fn ask(&self, command: Command) -> impl Future<Output = Result<Answer, LinkError>> + Send + 'static + use<> {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let (orders, waiting, gone) = (self.orders.clone(), self.waiting.clone(), self.gone());
        async move {
            let (answer, answered) = oneshot::channel();
            lock(&waiting).insert(id, answer);
            let outcome = timeout(ANSWER, async {
                orders.send(ToRecorder::Request { id, command }).await.ok()?;
                answered.await.ok()
            });
            match outcome.await {
                Ok(Some(answer)) => Ok(answer),
                Ok(None) => Err(LinkError::Gone(gone.await)),
                Err(_) => {
                    lock(&waiting).remove(&id);
                    Err(LinkError::NoAnswer)
                }
            }
        }
    }

    /// Waits for the end of the connection and tells why it ended. Does not borrow the client.
    pub fn gone(&self) -> impl Future<Output = Gone> + Send + 'static + use<> {
        let mut gone = self.gone.clone();
        async move {
            let why = gone.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
            why.unwrap_or_else(|| vanished("the connection was closed"))
        }
    }
}

fn lock(waiting: &Waiting) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Answer>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn greet<R, W>(reader: &mut Reader<R>, writer: &mut Writer<W>, snapshots: bool) -> Result<Recorder, LinkError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    // A recorder that is full says Bye at once and closes, perhaps before this is written: what counts is what it said.
    writer.write(&ToRecorder::hello(snapshots)).await.ok();
    match reader.read().await {
        Ok(Some(ToClient::Hello { protocol, version, pid })) => {
            let recorder = Recorder { version: plain(&version, 40), pid, protocol };
            match recorder.mismatch() {
                Some(sentence) => Err(LinkError::Versions(sentence)),
                None => Ok(recorder),
            }
        }
        Ok(Some(ToClient::Bye { reason })) => Err(LinkError::Gone(bye(&reason))),
        Ok(Some(ToClient::Snapshot(_) | ToClient::Reply { .. })) => {
            Err(LinkError::Gone(strange("what answers at the socket is not a recorder")))
        }
        Ok(None) => Err(LinkError::Gone(vanished("the recorder hung up before it said hello"))),
        Err(error) => Err(LinkError::Gone(broken(error))),
    }
}

/// Reads whatever comes, until nothing comes any more.
async fn hear<R: AsyncRead + Unpin>(
    mut reader: Reader<R>,
    recorder: &Recorder,
    picture: watch::Sender<Option<Arc<Snapshot>>>,
    waiting: &Waiting,
) -> Gone {
    loop {
        match reader.read().await {
            Ok(Some(ToClient::Snapshot(newest))) => {
                picture.send_replace(Some(newest));
            }
            Ok(Some(ToClient::Reply { id, answer })) => {
                if let Some(asker) = lock(waiting).remove(&id) {
                    asker.send(answer).ok(); // who asked may have stopped waiting
                }
            }
            Ok(Some(ToClient::Bye { reason })) => return bye(&reason),
            Ok(Some(ToClient::Hello { .. })) => return strange("the recorder said hello twice"),
            Ok(None) => return vanished("the recorder is gone"),
            Err(FrameError::Garbled(_)) if recorder.is_other_version() => {
                return lost(format!(
                    "the recorder is {}, this nvr is {}, and they do not understand each other (make them the same, \
                     then: systemctl restart nvr)",
                    recorder.version,
                    Spoken::OURS.version
                ));
            }
            Err(error) => return broken(error),
        }
    }
}

/// Writes orders. A recorder that does not read makes the orders time out, and nothing else.
async fn speak<W: AsyncWrite + Unpin>(mut writer: Writer<W>, mut orders: mpsc::Receiver<ToRecorder>) -> Gone {
    while let Some(order) = orders.recv().await {
        if writer.write(&order).await.is_err() {
            // The reading half hears why: a last word may be waiting there.
            break;
        }
    }
    std::future::pending().await
}

impl Recorder {
    fn spoken(&self) -> Spoken<'_> {
        Spoken { protocol: self.protocol, version: &self.version }
    }

    fn mismatch(&self) -> Option<String> {
        mismatch(self.spoken(), Spoken::OURS)
    }

    fn is_other_version(&self) -> bool {
        self.version != Spoken::OURS.version
    }
}

fn bye(reason: &str) -> Gone {
    Gone { reason: plain(reason, 500), bye: true }
}

fn vanished(what: &str) -> Gone {
    lost(format!("{what} (start nvr again; it starts a recorder if none runs)"))
}

fn strange(what: &str) -> Gone {
    lost(format!("{what} (is this the right socket? name another one: --socket PATH)"))
}

fn lost(reason: String) -> Gone {
    Gone { reason, bye: false }
}

fn broken(error: FrameError) -> Gone {
    match error {
        FrameError::CutOff => vanished("the recorder is gone in the middle of a word"),
        FrameError::Io(error) => vanished(&format!("the connection to the recorder broke: {}", socket::why(&error))),
        FrameError::TooLong(_) | FrameError::Garbled(_) => {
            strange(&format!("the recorder cannot be understood: {}", plain(&error.to_string(), 200)))
        }
    }
}
