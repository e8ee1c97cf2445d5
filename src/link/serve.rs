//! The recorder's end of the link.
//!
//! A session is one task and two halves that do not wait for each other: one takes orders, one after the other, and questions, and
//! one writes answers and pictures. What is not yet written is at most [`OUTSTANDING`] answers and one picture, whatever
//! the client does, and a write that is stuck for [`BLOCKED`] ends the session. So a client costs the recorder a few
//! kilobytes and never time.

use super::frame::{self, FrameError, Reader, Writer};
use super::protocol::{Spoken, ToClient, ToRecorder, mismatch, plain};
use super::quiet::Quiet;
use crate::model::command::{Answer, Command};
use crate::model::snapshot::Snapshot;
use futures::stream::{FuturesUnordered, StreamExt};
use std::future::{Future, pending};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Sessions at a time; one more is told so and closed.
pub const SESSIONS: usize = 64;

/// A client whose stream has not taken a line for so long is dropped.
pub const BLOCKED: Duration = Duration::from_secs(5);

/// A client that has not said hello by then is dropped.
pub const HELLO: Duration = Duration::from_secs(5);

/// An order that is not answered by then is refused, so that one stuck order does not keep those behind it.
pub const ANSWER: Duration = Duration::from_secs(9);

/// How long a client may take to read the last word.
pub const BYE: Duration = Duration::from_secs(2);

/// Answers that wait for a client to read; past it no further order of that client is taken.
pub const OUTSTANDING: usize = 16;

/// Who takes orders: the engine's handle, or a test.
pub trait Desk: Clone + Send + 'static {
    /// Carries out `command`, or refuses it. A session has one order under way at a time, and some questions.
    fn ask(&self, command: Command) -> impl Future<Output = Answer> + Send;

    /// The pictures from now on, the first of them at once, for whoever looks until this is dropped.
    fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>>;
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The client closed the connection.
    Left,
    /// The recorder is stopping.
    Stopped,
    /// The client did not read for [`BLOCKED`].
    Blocked,
    /// The client said what nobody understands; the sentence that it was told.
    Refused(String),
    /// The connection broke; why.
    Broken(String),
}

/// The newest picture's line, which all sessions share: it is put into words once and not once per client.
#[derive(Debug, Clone, Default)]
pub struct Wording(Arc<Mutex<Option<Written>>>);

/// A picture and its line.
type Written = (Arc<Snapshot>, Arc<str>);

/// What one session sees.
#[derive(Debug)]
pub struct Pictures {
    newest: watch::Receiver<Arc<Snapshot>>,
    wording: Wording,
}

impl Pictures {
    /// The pictures that arrive at `newest`.
    pub fn new(newest: watch::Receiver<Arc<Snapshot>>, wording: Wording) -> Self {
        Self { newest, wording }
    }

    /// The line of the newest picture, as soon as there is one that was not given out here; `None` once nobody makes
    /// pictures any more.
    pub async fn next(&mut self) -> Option<Arc<str>> {
        loop {
            self.newest.changed().await.ok()?;
            let picture = self.newest.borrow_and_update().clone();
            match self.wording.of(&picture) {
                Ok(line) if line.len() <= frame::TO_CLIENT => return Some(line),
                Ok(line) => tracing::error!(bytes = line.len(), "a picture is too large for the link"),
                Err(error) => tracing::error!(%error, "a picture cannot be put into words"),
            }
        }
    }
}

impl Wording {
    fn of(&self, picture: &Arc<Snapshot>) -> Result<Arc<str>, FrameError> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, line)) = written.as_ref()
            && Arc::ptr_eq(of, picture)
        {
            return Ok(line.clone());
        }
        let line: Arc<str> = frame::encode(&ToClient::Snapshot(picture.clone()))?.into();
        *written = Some((picture.clone(), line.clone()));
        Ok(line)
    }
}

/// Takes connections until `stop`, then says goodbye to every client and returns when all are gone: after at most
/// [`BYE`], whatever they do. Dropping the future ends all sessions at once.
pub async fn listen<D: Desk>(listener: UnixListener, desk: D, stop: CancellationToken) {
    let wording = Wording::default();
    let (mut sessions, mut log) = (JoinSet::new(), Log::default());
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = sessions.join_next() => log.ended(ended),
            arrived = listener.accept() => match arrived {
                Ok((stream, _)) if sessions.len() >= SESSIONS => {
                    turn_away(stream).await;
                    log.turned_away();
                }
                Ok((stream, _)) => {
                    sessions.spawn(session(stream, desk.clone(), wording.clone(), stop.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a monitor could not be let in");
                    sleep(Duration::from_millis(200)).await; // out of files, most likely: do not spin
                }
            },
        }
    }
    drop(listener);
    while let Some(ended) = sessions.join_next().await {
        log.ended(ended);
    }
}

async fn turn_away(stream: UnixStream) {
    let reason = format!("{SESSIONS} monitors and scripts are attached already (leave one of them and try again)");
    let (_reader, mut writer) = frame::split(stream, frame::TO_RECORDER);
    // A new stream has room for one short line: this does not wait for the client.
    if timeout(Duration::from_millis(100), writer.write(&ToClient::Bye { reason })).await.is_err() {
        tracing::debug!("who was turned away did not hear why");
    }
}

/// What the log hears of clients.
#[derive(Default)]
struct Log {
    dropped: Quiet,
    turned_away: Quiet,
}

impl Log {
    fn turned_away(&mut self) {
        if let Some(sentence) =
            self.turned_away.say(&format!("{SESSIONS} clients are attached; one more was turned away"))
        {
            tracing::warn!("{sentence}");
        }
    }

    fn ended(&mut self, ended: Result<End, JoinError>) {
        let why = match ended {
            Ok(end @ (End::Left | End::Stopped | End::Broken(_))) => return tracing::debug!(?end, "a client is gone"),
            Ok(End::Blocked) => format!("it has not read for {} s", BLOCKED.as_secs()),
            Ok(End::Refused(why)) => why,
            Err(error) => return tracing::error!(%error, "a session failed (please report this)"),
        };
        if let Some(sentence) = self.dropped.say(&format!("a client was dropped: {why}")) {
            tracing::info!("{sentence}");
        }
    }
}

/// One client, from hello to goodbye.
pub async fn session<S, D>(stream: S, desk: D, wording: Wording, stop: CancellationToken) -> End
where
    S: AsyncRead + AsyncWrite,
    D: Desk,
{
    let (mut reader, mut writer) = frame::split(stream, frame::TO_RECORDER);
    let end = tokio::select! {
        biased; // what can be written is written before the last word
        end = converse(&mut reader, &mut writer, desk.clone(), wording) => end,
        () = stop.cancelled() => End::Stopped,
    };
    let reason = match &end {
        End::Stopped => farewell(&desk),
        End::Refused(why) => why.clone(),
        End::Left | End::Blocked | End::Broken(_) => return end,
    };
    if let Ok(Err(error)) = timeout(BYE, writer.write(&ToClient::Bye { reason })).await {
        tracing::debug!(%error, "a client left before the last word");
    }
    end
}

/// Why the recorder ends.
fn farewell(desk: &impl Desk) -> String {
    let reason = desk.subscribe().borrow().stopping.clone();
    reason.unwrap_or_else(|| "it was told to end".into())
}

async fn converse<R, W, D>(reader: &mut Reader<R>, writer: &mut Writer<W>, desk: D, wording: Wording) -> End
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
    D: Desk,
{
    let pictures = match timeout(HELLO, greet(reader, writer)).await {
        Ok(Ok(wanted)) => wanted.then(|| Pictures::new(desk.subscribe(), wording)),
        Ok(Err(end)) => return end,
        Err(_) => return End::Refused(format!("no hello within {} s (say it first)", HELLO.as_secs())),
    };
    let (answers, waiting) = mpsc::channel(OUTSTANDING);
    tokio::select! {
        biased;
        end = take_orders(reader, desk, answers) => end,
        end = give(writer, waiting, pictures) => end,
    }
}

/// Both hellos. Returns whether the client wants pictures.
async fn greet<R, W>(reader: &mut Reader<R>, writer: &mut Writer<W>) -> Result<bool, End>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (protocol, version, snapshots) = match reader.read().await {
        Ok(Some(ToRecorder::Hello { protocol, version, snapshots })) => (protocol, version, snapshots),
        Ok(Some(ToRecorder::Request { .. })) => return Err(refused("an order came before hello")),
        Ok(None) => return Err(End::Left),
        Err(error) => return Err(unreadable(error)),
    };
    writer.write(&ToClient::hello()).await.map_err(unreadable)?;
    match mismatch(Spoken::OURS, Spoken { protocol, version: &version }) {
        Some(sentence) => Err(End::Refused(sentence)),
        None => Ok(snapshots),
    }
}

/// Takes one order after the other, until the client says something else; what is only asked does not keep the orders
/// behind it. A client that has only closed its sending half still gets its answers: `printf … | nc -U` works.
async fn take_orders<R, D>(reader: &mut Reader<R>, desk: D, answers: mpsc::Sender<String>) -> End
where
    R: AsyncRead + Unpin,
    D: Desk,
{
    let (mut order, mut questions) = (FuturesUnordered::new(), FuturesUnordered::new());
    let mut open = true;
    loop {
        let line = tokio::select! {
            biased;
            Some(line) = order.next() => line,
            Some(line) = questions.next() => line,
            word = reader.read(), if open && order.is_empty() && questions.len() < OUTSTANDING => match word {
                Ok(Some(ToRecorder::Request { id, command: command @ Command::Ask(_) })) => {
                    questions.push(answer(desk.clone(), id, command));
                    continue;
                }
                Ok(Some(ToRecorder::Request { id, command })) => {
                    order.push(answer(desk.clone(), id, command));
                    continue;
                }
                Ok(Some(ToRecorder::Hello { .. })) => return refused("hello was said twice"),
                Ok(None) => {
                    open = false;
                    continue;
                }
                Err(error) => return unreadable(error),
            },
            else => break,
        };
        match line {
            Ok(line) => match answers.send(line).await {
                Ok(()) => {}
                Err(_) => break,
            },
            Err(error) => return unreadable(error),
        }
    }
    drop(answers);
    pending().await
}

/// The line that answers a request, at the latest after [`ANSWER`].
async fn answer<D: Desk>(desk: D, id: u64, command: Command) -> Result<String, FrameError> {
    let answer = timeout(ANSWER, desk.ask(command)).await.unwrap_or_else(|_| {
        Answer::Refused("the recorder is too busy to answer (look whether it was done, then try again)".into())
    });
    reply(id, answer)
}

/// An answer as a line that the client will take.
fn reply(id: u64, answer: Answer) -> Result<String, FrameError> {
    let line = frame::encode(&ToClient::Reply { id, answer })?;
    if line.len() <= frame::TO_CLIENT {
        return Ok(line);
    }
    let answer = Answer::Refused("the answer is too long for the link (ask for fewer clips at a time)".into());
    frame::encode(&ToClient::Reply { id, answer })
}

/// Writes answers, and the newest picture whenever there is one; until there is nothing more to answer.
async fn give<W>(writer: &mut Writer<W>, mut waiting: mpsc::Receiver<String>, mut pictures: Option<Pictures>) -> End
where
    W: AsyncWrite + Unpin,
{
    loop {
        let newest = async {
            match pictures.as_mut() {
                Some(pictures) => pictures.next().await,
                None => pending().await,
            }
        };
        let written = tokio::select! {
            biased;
            answer = waiting.recv() => match answer {
                Some(line) => timeout(BLOCKED, writer.line(&line)).await,
                None => return End::Left,
            },
            line = newest => match line {
                Some(line) => timeout(BLOCKED, writer.line(&line)).await,
                None => return End::Stopped,
            },
        };
        match written {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return End::Broken(error.to_string()),
            Err(_) => return End::Blocked,
        }
    }
}

fn refused(why: &str) -> End {
    End::Refused(format!("{why} (see the protocol: hello first, then orders, one JSON value a line)"))
}

fn unreadable(error: FrameError) -> End {
    match error {
        FrameError::Io(error) => End::Broken(error.to_string()),
        FrameError::TooLong(_) | FrameError::Garbled(_) | FrameError::CutOff => {
            refused(&plain(&error.to_string(), 200))
        }
    }
}
