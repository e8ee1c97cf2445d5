//! One connection: from the greeting to the last word.
//!
//! Whatever ends it (QUIT, a broken line, a timeout, eviction, the recorder's end), a mail whose recipient was accepted
//! has triggered by then. The conversation itself may be dropped at any `await`: all that matters is in [`Session`],
//! and [`Session::farewell`] makes up for what was interrupted.

use super::House;
use super::dialect::understand;
use super::letter::{Letter, Room};
use super::lines::{Lines, Piece};
use super::login::Step;
use super::notes::Kind;
use super::pulse::Pulse;
use super::tape::Tape;
use super::tls::{Secure, shake_hands};
use crate::model::settings::Smtp;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::task::yield_now;
use tokio::time::{Duration, Instant, sleep, sleep_until, timeout};
use tokio_util::either::Either;

/// Bytes that one read takes.
const READ: usize = 16 << 10;
/// Replies are sent when so many bytes are waiting, or when nothing is left to answer.
const REPLIES: usize = 4 << 10;
/// After so many lines it is somebody else's turn: all of the recorder shares one thread, and no flood of commands may
/// keep it from its work.
const TURN: usize = 32;
/// How a peer begins that wants to speak TLS from the start: a handshake record of any version.
const TLS_HELLO: [u8; 2] = [0x16, 0x03];
/// What is said when less is kept of mails than they hold.
pub(super) const NO_MEMORY: &str = "all mails being received together are too big, so some texts and pictures are not read (make the \
                         cameras' pictures smaller)";
/// The first words.
const GREETING: &[u8] = b"220 nvr ESMTP\r\n";
/// How long a last sentence may take.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// For how long TLS is not offered again to who cannot speak it, so that its next mail comes without.
const NO_TLS: Duration = Duration::from_secs(3600);

/// Says yes: what may come in is decided at the door, and what it means in the model.
pub(super) struct Yes;
impl mailin::Handler for Yes {}

/// A conversation at its beginning.
fn engine(peer: IpAddr) -> mailin::Session<Yes> {
    mailin::SessionBuilder::new("nvr").build(peer, Yes)
}

/// Why a conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// QUIT, or the last reply said why.
    Said,
    /// The other end is gone.
    Gone,
    /// Nothing came for too long.
    Idle,
    /// It took too long.
    Long,
    /// It had to make room.
    Evicted,
    /// The recorder ends.
    Stopping,
    /// Not an end: it goes on with TLS.
    ToTls,
}

impl End {
    /// The last words; `None`: they were said, or nobody listens.
    fn words(self) -> Option<&'static str> {
        match self {
            End::Said | End::Gone | End::ToTls => None,
            End::Idle => Some("421 nothing came for too long, closing\r\n"),
            End::Long => Some("421 this took too long, closing\r\n"),
            End::Evicted => Some("421 too many connections and no progress on this one, closing\r\n"),
            End::Stopping => Some("421 the recorder is stopping\r\n"),
        }
    }
}

/// What the next line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expecting {
    Command,
    /// The answer to a challenge.
    Secret(Step),
    /// A line of a message.
    Message,
}

/// A conversation, and all that must outlive its being interrupted.
pub(super) struct Session<'a> {
    pub(super) house: &'a House,
    /// What the configuration said when it began: its limits hold to the end.
    pub(super) rules: Arc<Smtp>,
    pub(super) peer: IpAddr,
    pub(super) pulse: &'a Pulse,
    pub(super) engine: mailin::Session<Yes>,
    pub(super) expecting: Expecting,
    /// HELO or EHLO came, or was taken as said.
    pub(super) greeted: bool,
    /// Steps that were progress since the last mail was whole.
    pub(super) steps: usize,
    /// The user of an AUTH LOGIN whose password is still to come.
    pub(super) user: Vec<u8>,
    /// It said who it is, and that was right.
    pub(super) known: bool,
    /// TLS is spoken.
    pub(super) secure: bool,
    pub(super) letter: Option<Letter>,
    /// Replies that were not sent yet.
    pub(super) out: Vec<u8>,
    pub(super) mistakes: u32,
    /// Bytes of the message since the last progress.
    pub(super) step: usize,
    /// What was said so far.
    pub(super) tape: Tape,
}

/// Serves a peer until it leaves or has to; `secure`: it begins with TLS.
pub(super) async fn talk<S>(stream: S, secure: bool, peer: IpAddr, pulse: Arc<Pulse>, house: Arc<House>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut session = Session::new(peer, &pulse, &house);
    let mut wire = Some(Either::Left(stream));
    let end = tokio::select! {
        biased;
        () = house.stop.cancelled() => End::Stopping,
        () = pulse.leave.cancelled() => End::Evicted,
        () = sleep(session.rules.limits.session) => End::Long,
        end = session.serve(&mut wire, secure) => end,
    };
    session.farewell(wire.as_mut(), end).await;
}

/// A connection, with or without TLS; `None` while hands are being shaken, and when that failed.
type Wire<S> = Option<Either<S, Secure<S>>>;

impl<'a> Session<'a> {
    fn new(peer: IpAddr, pulse: &'a Pulse, house: &'a House) -> Self {
        Self {
            house,
            rules: house.rules(),
            peer,
            pulse,
            engine: engine(peer),
            expecting: Expecting::Command,
            greeted: false,
            steps: 0,
            user: Vec::new(),
            known: false,
            secure: false,
            letter: None,
            out: GREETING.to_vec(),
            mistakes: 0,
            step: 0,
            tape: house.tapes.begin(peer),
        }
    }

    /// With TLS, as if nothing had been said: what came without it may have been said by anybody. Who has been greeted
    /// is not greeted again.
    fn begin_again(&mut self) {
        let greeting = self.out.as_slice() == GREETING;
        self.out = if greeting { GREETING.to_vec() } else { Vec::new() };
        self.tape.said(&self.out);
        (self.engine, self.letter, self.expecting) = (engine(self.peer), None, Expecting::Command);
        (self.greeted, self.known, self.secure) = (false, false, true);
    }

    /// Converses, first without TLS or with it, until there is a reason to end.
    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&mut self, wire: &mut Wire<S>, secure: bool) -> End {
        let mut end = if secure { End::ToTls } else { End::Gone };
        if !secure {
            self.tape.said(GREETING);
        }
        loop {
            if end == End::ToTls {
                *wire = self.secure(wire.take()).await.map(Either::Right);
            }
            let Some(stream) = wire else { return End::Gone };
            end = self.converse(stream).await;
            if end != End::ToTls {
                return end;
            }
        }
    }

    /// Makes a connection secure. Nothing of what was said before counts any more.
    async fn secure<S: AsyncRead + AsyncWrite + Unpin>(&mut self, wire: Wire<S>) -> Option<Secure<S>> {
        let (Some(Either::Left(stream)), Some(identity)) = (wire, &self.house.identity) else { return None };
        let (pulse, limits) = (self.pulse, &self.rules.limits);
        // A slow processor in a camera takes its time for what follows the hello.
        let progress = || pulse.beat(true, limits);
        match shake_hands(stream, identity, limits.handshake, progress).await {
            Ok(stream) => {
                self.tape.secured(stream.get_ref().1.protocol_version());
                self.begin_again();
                self.progress();
                Some(stream)
            }
            Err(failure) => {
                if failure.is_lasting() {
                    self.house.no_tls.extend(self.peer, NO_TLS, Instant::now());
                }
                let sentence = failure.sentence(self.peer, identity);
                if let Some(sentence) = sentence {
                    self.tape.tls_failed(&sentence);
                    self.note(Kind::Tls, sentence);
                }
                None
            }
        }
    }

    /// Reads, answers, triggers, until there is a reason to end.
    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(&mut self, stream: &mut S) -> End {
        let rules = self.rules.clone();
        let limits = &rules.limits;
        let mut lines = Lines::default();
        let mut read = vec![0; READ];
        loop {
            if let Some(end) = self.flush(stream).await {
                return end;
            }
            let due = self.letter.as_ref().and_then(|letter| letter.due(limits));
            let tell = self.tape.due();
            let length = tokio::select! {
                biased;
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.trigger(false).await;
                    continue;
                }
                () = sleep_until(tell.unwrap_or_else(Instant::now)), if tell.is_some() => {
                    self.tape.tell(&self.house.tapes);
                    continue;
                }
                result = timeout(limits.idle, stream.read(&mut read)) => match result {
                    Ok(Ok(length)) => length,
                    Ok(Err(_)) => return End::Gone,
                    Err(_) => return End::Idle,
                },
            };
            if !self.greeted && !self.secure && read[..length].starts_with(&TLS_HELLO) {
                self.tape.note(crate::model::transcript::TLS_HELLO);
                return self.stranger("TLS");
            }
            lines.push(&read[..length]);
            if let Some(end) = self.hear_all(&mut lines, stream).await {
                return end;
            }
            yield_now().await;
            if length == 0 {
                self.hear_rest(&lines, stream).await;
                return End::Gone;
            }
        }
    }

    /// Everything that came and is complete. Several commands in one packet are answered in one.
    async fn hear_all<S: AsyncWrite + Unpin>(&mut self, lines: &mut Lines, stream: &mut S) -> Option<End> {
        let mut heard = 0_usize;
        while let Some(piece) = lines.next(self.longest_line()) {
            heard += 1;
            if heard.is_multiple_of(TURN) {
                yield_now().await;
            }
            if let Some(end) = self.hear(piece).await {
                self.flush(stream).await;
                return Some(end);
            }
            if self.out.len() >= REPLIES
                && let Some(end) = self.flush(stream).await
            {
                return Some(end);
            }
        }
        None
    }

    /// What came last and was not ended, when nothing more will come: a message's last dot is heard all the same.
    async fn hear_rest<S: AsyncWrite + Unpin>(&mut self, lines: &Lines, stream: &mut S) {
        if self.expecting == Expecting::Message && lines.rest() == Some(b".") {
            self.hear(Piece { bytes: b".", first: true, last: true }).await;
        }
        self.flush(stream).await;
    }

    fn longest_line(&self) -> usize {
        match self.expecting {
            Expecting::Message => self.rules.limits.body_line,
            Expecting::Command | Expecting::Secret(_) => self.rules.limits.command_line,
        }
    }

    /// One line, and what it is answered with.
    async fn hear(&mut self, piece: Piece<'_>) -> Option<End> {
        self.tape.heard(piece.bytes, self.expecting);
        let before = self.out.len();
        let end = self.hear_line(piece).await;
        self.tape.said(&self.out[before..]);
        end
    }

    async fn hear_line(&mut self, piece: Piece<'_>) -> Option<End> {
        if self.expecting == Expecting::Message {
            return self.hear_message(piece).await;
        }
        if !piece.whole() {
            self.reply("500 line too long, closing");
            return Some(self.stranger("a command line without an end"));
        }
        match self.expecting {
            Expecting::Message => None, // heard above
            Expecting::Command => self.obey(understand(piece.bytes)),
            Expecting::Secret(step) => self.hear_secret(step, piece.bytes),
        }
    }

    /// A line of a message, or a piece of a long one.
    async fn hear_message(&mut self, piece: Piece<'_>) -> Option<End> {
        if piece.whole() && piece.bytes == b"." {
            self.end_message().await;
            return None;
        }
        self.step += piece.bytes.len() + 2;
        if self.step >= self.rules.limits.body_step {
            self.step = 0;
            self.pulse.beat(true, &self.rules.limits);
        }
        let unstuffed = if piece.first { piece.bytes.strip_prefix(b".") } else { None };
        let letter = self.letter.as_mut()?;
        let bytes = unstuffed.unwrap_or(piece.bytes);
        match letter.take(bytes, piece.last, &self.rules.limits) {
            Room::Enough => None,
            Room::MailFull => {
                let remedy = "(make the camera's pictures smaller)";
                let most = self.rules.limits.message;
                self.note(Kind::TooBig, format!("a mail from {} is bigger than {most} bytes {remedy}", self.peer));
                self.trigger(true).await;
                None
            }
            Room::AllFull => {
                self.note(Kind::Memory, NO_MEMORY.to_owned());
                None
            }
            Room::Endless => {
                self.reply("552 too big, closing");
                Some(End::Said)
            }
        }
    }

    /// The dot: the mail is whole. It triggers first and is answered then, so that a 250 is a promise kept.
    async fn end_message(&mut self) {
        if let Some(letter) = &mut self.letter {
            letter.whole = true;
        }
        self.trigger(false).await;
        self.sum_up("");
        let reply = self.engine.process(b".\r\n");
        let too_big = self.letter.take().is_some_and(|letter| letter.too_big(&self.rules.limits));
        self.expecting = Expecting::Command;
        self.steps = 0;
        self.progress();
        self.pulse.served(&self.rules.limits);
        match too_big {
            true => self.reply("552 too big"),
            // Writing into memory cannot fail.
            false => drop(reply.write_to(&mut self.out)),
        }
    }

    /// Takes down how much of a message came.
    fn sum_up(&mut self, end: &str) {
        let Some(letter) = &self.letter else { return };
        self.tape.note(&format!("a message of {} bytes{end}", letter.size()));
    }

    /// Sends what is to be said; `Some`: nobody takes it.
    async fn flush<S: AsyncWrite + Unpin>(&mut self, stream: &mut S) -> Option<End> {
        if self.out.is_empty() {
            return None;
        }
        let sent = timeout(self.rules.limits.idle, stream.write_all(&self.out)).await;
        self.out.clear();
        match sent {
            Ok(Ok(())) => None,
            Ok(Err(_)) | Err(_) => Some(End::Gone),
        }
    }

    /// Triggers what was interrupted and says the last words.
    async fn farewell<S: AsyncWrite + Unpin>(&mut self, stream: Option<&mut S>, end: End) {
        let whole = self.letter.as_ref().is_some_and(|letter| letter.whole);
        if !whole && self.expecting == Expecting::Message {
            self.sum_up(", and then it broke off");
        }
        self.trigger(!whole).await;
        if let Some(words) = end.words() {
            self.tape.said(words.as_bytes());
        }
        self.tape.end(&self.house.tapes, end);
        let Some(stream) = stream else { return };
        let words = async {
            if let Some(words) = end.words() {
                stream.write_all(words.as_bytes()).await?;
            }
            stream.shutdown().await
        };
        // Nobody has to listen.
        let _ = timeout(LAST_WORDS, words).await;
    }
}
