//! Takes down what is said on a connection, so that a person can see why a camera's mail does nothing.
//!
//! It is taken down for nobody in particular, so it must cost next to nothing: a few short lines in memory, which are
//! told to the recorder once when the connection ends. A connection that goes on is told in between, because the one
//! that hangs is the one that somebody looks for. Telling never waits and never takes the room that a trigger may need.

use super::dialect::{Said, understand};
use super::login::Step;
use super::session::{End, Expecting};
use crate::model::event::Event;
use crate::model::text::fit_for_screen;
use crate::model::transcript::{By, End as Ending, Line, Transcript};
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::sync::mpsc::Sender;
use tokio::time::{Duration, Instant};
use tokio_rustls::rustls::ProtocolVersion;

/// Lines that are kept of the beginning.
const HEAD: usize = 40;
/// Lines that are kept of the end.
const TAIL: usize = 20;
/// Characters of a line.
const CHARS: usize = 160;
/// Characters of a sentence.
const SENTENCE: usize = 500;
/// A connection that goes on is told at most so often.
const EVERY: Duration = Duration::from_millis(500);

/// Where transcripts go: to the recorder, if it is not busy.
#[derive(Debug)]
pub(super) struct Tapes {
    events: Sender<Event>,
    numbers: AtomicU64,
    /// How many could not be told.
    dropped: AtomicU64,
}

impl Tapes {
    /// Transcripts for `events`.
    pub fn new(events: Sender<Event>) -> Self {
        Self { events, numbers: AtomicU64::new(0), dropped: AtomicU64::new(0) }
    }

    /// For a connection that begins now.
    pub fn begin(&self, peer: IpAddr) -> Tape {
        let number = self.numbers.fetch_add(1, Relaxed) + 1;
        Tape {
            number,
            peer,
            tls: None,
            began: Instant::now(),
            head: Vec::new(),
            tail: VecDeque::new(),
            left_out: 0,
            news: true,
            tell_at: Instant::now() + EVERY,
            secretive: false,
            quit: false,
            no_tls: None,
        }
    }

    /// Tells how far a connection is, unless the recorder has so much to do that a trigger might have to wait: then it is
    /// counted, and the next one that is told says so.
    fn tell(&self, transcript: Transcript) -> bool {
        let ended = u64::from(transcript.end.is_some());
        let untold = self.dropped.swap(0, Relaxed);
        let busy = self.events.capacity() * 2 <= self.events.max_capacity() + 2;
        let event = Event::Session { transcript: Box::new(transcript), untold };
        let told = !busy && self.events.try_send(event).is_ok();
        if !told {
            self.dropped.fetch_add(untold + ended, Relaxed);
        }
        told
    }

    /// Tells of somebody who was sent away at the door.
    pub fn sent_away(&self, peer: IpAddr, words: &str, end: Ending) {
        let mut tape = self.begin(peer);
        tape.said(words.as_bytes());
        self.tell(tape.transcript(Some(end)));
    }
}

/// What was taken down of one connection so far.
#[derive(Debug)]
pub(super) struct Tape {
    /// Which connection.
    pub number: u64,
    peer: IpAddr,
    tls: Option<String>,
    began: Instant,
    head: Vec<Line>,
    tail: VecDeque<Line>,
    left_out: u64,
    /// There is something that was not told yet.
    news: bool,
    tell_at: Instant,
    /// It wants to say who it is: what makes no sense from now on may be a password.
    secretive: bool,
    /// It has said QUIT.
    quit: bool,
    /// Why no TLS came about, when it should have.
    no_tls: Option<String>,
}

impl Tape {
    fn add(&mut self, by: By, text: String) {
        let after = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let line = Line { after, by, text };
        self.news = true;
        if self.head.len() < HEAD {
            return self.head.push(line);
        }
        self.tail.push_back(line);
        if self.tail.len() > TAIL {
            self.tail.pop_front();
            self.left_out += 1;
        }
    }

    /// The camera said a line, given without its end, while this was expected. Lines of a message are not taken down.
    pub fn heard(&mut self, line: &[u8], expecting: Expecting) {
        if let Some(text) = self.masked(line, expecting) {
            self.add(By::Camera, text);
        }
    }

    /// A line of the camera without what nobody may read; `None`: not to be taken down.
    fn masked(&mut self, line: &[u8], expecting: Expecting) -> Option<String> {
        match expecting {
            Expecting::Message => return None,
            Expecting::Secret(Step::User) => return Some("(user)".to_owned()),
            Expecting::Secret(Step::Password) => return Some("(password)".to_owned()),
            Expecting::Secret(Step::Plain) => return Some("(user and password)".to_owned()),
            Expecting::Command => {}
        }
        let said = understand(line);
        self.quit |= said == Said::Quit;
        let text = String::from_utf8_lossy(line);
        let first = text.split_whitespace().next().unwrap_or_default();
        let lower = first.to_ascii_lowercase();
        // In any form, of any protocol: `AUTH PLAIN …`, `AUTH=LOGIN`, `Authorization: Basic …`, `PASS …`.
        if lower.contains("auth") || lower.contains("pass") || lower.contains("cookie") {
            self.secretive = true;
            return Some(mechanism(&text));
        }
        // What is none of ours may say it anywhere, such as `GET /?password=…`.
        let hints = ["pass", "pwd", "secret", "token"];
        self.secretive |= said == Said::Unknown && hints.iter().any(|hint| text.to_ascii_lowercase().contains(hint));
        Some(match said {
            Said::Unknown if line.is_empty() => String::new(),
            Said::Unknown if self.secretive => format!("({} bytes, not shown: perhaps a password)", line.len()),
            _ => fit_for_screen(&text, CHARS),
        })
    }

    /// We said this: replies, each ended by CRLF. A challenge is shown as what it asks for.
    pub fn said(&mut self, replies: &[u8]) {
        let text = String::from_utf8_lossy(replies);
        for line in text.split("\r\n").filter(|line| !line.is_empty()) {
            self.add(By::Nvr, fit_for_screen(line, CHARS));
        }
    }

    /// Sums up what is not taken down word by word.
    pub fn note(&mut self, text: &str) {
        self.add(By::Nobody, fit_for_screen(text, CHARS));
    }

    /// TLS is spoken from now on.
    pub fn secured(&mut self, version: Option<ProtocolVersion>) {
        let version = match version {
            Some(ProtocolVersion::TLSv1_2) => "TLS 1.2".to_owned(),
            Some(ProtocolVersion::TLSv1_3) => "TLS 1.3".to_owned(),
            Some(_) | None => "TLS".to_owned(),
        };
        self.note(&format!("{version} from here on"));
        self.tls = Some(version);
    }

    /// Hands could not be shaken.
    pub fn tls_failed(&mut self, why: &str) {
        self.no_tls = Some(fit_for_screen(why, SENTENCE));
    }

    /// When what was taken down is to be told although the connection goes on; `None`: there is nothing new.
    pub fn due(&self) -> Option<Instant> {
        self.news.then_some(self.tell_at)
    }

    /// Tells how far it is.
    pub fn tell(&mut self, tapes: &Tapes) {
        self.news &= !tapes.tell(self.transcript(None));
        self.tell_at = Instant::now() + EVERY;
    }

    /// Tells how it ended.
    pub fn end(&mut self, tapes: &Tapes, end: End) {
        let end = match end {
            _ if self.no_tls.is_some() => Ending::NoTls(self.no_tls.take().unwrap_or_default()),
            End::Said if self.quit => Ending::Quit,
            End::Said => Ending::Told,
            End::Gone | End::ToTls => Ending::Gone,
            End::Idle => Ending::Idle,
            End::Long => Ending::Long,
            End::Evicted => Ending::Evicted,
            End::Stopping => Ending::Stopping,
        };
        tapes.tell(self.transcript(Some(end)));
    }

    fn transcript(&self, end: Option<Ending>) -> Transcript {
        Transcript {
            number: self.number,
            peer: self.peer,
            tls: self.tls.clone(),
            lines: self.head.iter().chain(&self.tail).cloned().collect(),
            left_out: self.left_out,
            lasted: self.began.elapsed(),
            end,
        }
    }
}

/// `AUTH PLAIN (not shown)`: the verb, and the mechanism, if they are some that are known; anything else may be a secret
/// that was glued to them.
fn mechanism(text: &str) -> String {
    const VERBS: &[&str] = &["AUTH", "PASS", "Authorization", "Proxy", "Cookie"];
    const MECHANISMS: &[&str] =
        &["PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "NTLM", "XOAUTH2", "GSSAPI", "SCRAM-SHA-1", "SCRAM-SHA-256"];
    let is_one_of = |all: &[&str], word: &str| all.iter().any(|one| one.eq_ignore_ascii_case(word));
    let mut words = text.split_whitespace();
    let verb = words.next().and_then(|word| word.split(|c: char| !c.is_ascii_alphabetic()).next()).unwrap_or_default();
    if !is_one_of(VERBS, verb) {
        return "(not shown)".to_owned();
    }
    let named = words.clone().next().filter(|word| is_one_of(MECHANISMS, word));
    let rest = words.nth(usize::from(named.is_some())).map(|_| "(not shown)");
    [Some(verb), named, rest].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use tokio::sync::mpsc;

    fn tape() -> Tape {
        Tapes::new(mpsc::channel(8).0).begin([10, 0, 0, 7].into())
    }

    #[rstest]
    #[case::plain("AUTH PLAIN AGFkbWluAHNlY3JldA==", "AUTH PLAIN (not shown)")]
    #[case::plain_alone("auth plain", "auth plain")]
    #[case::login("AUTH LOGIN YWRtaW4=", "AUTH LOGIN (not shown)")]
    #[case::cram("AUTH CRAM-MD5", "AUTH CRAM-MD5")]
    #[case::no_mechanism("AUTH AGFkbWluAHNlY3JldA==", "AUTH (not shown)")]
    #[case::odd("AUTH=PLAIN AGFkbWluAHNlY3JldA==", "AUTH (not shown)")]
    #[case::glued("AUTH:secret", "AUTH")]
    #[case::no_verb("AUTHsecret CRAM-MD5", "(not shown)")]
    #[case::browser("Authorization: Basic YTpi", "Authorization (not shown)")]
    #[case::proxy("Proxy-Authorization: Basic YTpi", "Proxy (not shown)")]
    #[case::pop("PASS secret", "PASS (not shown)")]
    #[case::query("GET /?PassWord=geheim HTTP/1.1", "(30 bytes, not shown: perhaps a password)")]
    #[case::nothing("", "")]
    #[case::cookie("Cookie: session=secret", "Cookie (not shown)")]
    #[case::mail("MAIL FROM:<a@b> SIZE=90", "MAIL FROM:<a@b> SIZE=90")]
    #[case::escape("EHLO \x1b[2Jcam", "EHLO [2Jcam")]
    fn what_is_taken_down_of_a_command(#[case] line: &str, #[case] taken: &str) {
        assert_eq!(tape().masked(line.as_bytes(), Expecting::Command).as_deref(), Some(taken));
    }

    #[test]
    fn what_follows_a_refused_mechanism_may_be_a_password() {
        let mut tape = tape();
        for (line, expecting) in [
            ("foo", Expecting::Command),
            ("AUTH CRAM-MD5", Expecting::Command),
            ("c2VjcmV0", Expecting::Command),
            ("QUIT", Expecting::Command),
            ("YWRtaW4=", Expecting::Secret(Step::User)),
            ("c2VjcmV0", Expecting::Secret(Step::Password)),
            ("AGEAYg==", Expecting::Secret(Step::Plain)),
            ("a line of a message", Expecting::Message),
        ] {
            tape.heard(line.as_bytes(), expecting);
        }
        let texts: Vec<_> = tape.head.iter().map(|line| line.text.as_str()).collect();
        let hidden = "(8 bytes, not shown: perhaps a password)";
        assert_eq!(texts, ["foo", "AUTH CRAM-MD5", hidden, "QUIT", "(user)", "(password)", "(user and password)"]);
    }

    #[test]
    fn of_a_long_talk_the_middle_is_left_out() {
        let mut tape = tape();
        for n in 0..100 {
            tape.heard(format!("NOOP {n} {}", "x".repeat(1000)).as_bytes(), Expecting::Command);
        }
        let transcript = tape.transcript(None);
        assert_eq!((transcript.lines.len(), transcript.left_out), (HEAD + TAIL, 100 - (HEAD + TAIL) as u64));
        assert!(transcript.lines[HEAD].text.starts_with("NOOP 80 "));
        assert!(transcript.lines.iter().all(|line| line.text.chars().count() <= CHARS));
    }

    #[tokio::test]
    async fn a_recorder_that_is_busy_is_left_alone_and_hears_later_how_much_it_missed() {
        let (events, mut bus) = mpsc::channel(8);
        let tapes = Tapes::new(events.clone());
        for _ in 0..50 {
            tapes.sent_away([10, 0, 0, 7].into(), "554 no\r\n", Ending::NotAllowed);
        }
        assert_eq!(events.capacity(), 5, "room is left for triggers");
        while bus.try_recv().is_ok() {}
        tapes.begin([10, 0, 0, 8].into()).end(&tapes, End::Gone);
        let Ok(Event::Session { transcript, untold }) = bus.try_recv() else { panic!("nothing was told") };
        assert_eq!((transcript.number, transcript.end, untold), (51, Some(Ending::Gone), 47));
    }

    proptest! {
        #[test]
        fn no_secret_of_any_auth_line_is_taken_down(
            verb in "(AUTH|auth|Auth|xAuth)[= :]?|(PASS|pass) |X-Auth: ",
            mechanism in "(PLAIN |LOGIN |NTLM |FOO |)",
            secret in "[A-Za-z0-9+/]{8,60}={0,2}|[A-Za-z]{8,300}",
        ) {
            let mut tape = tape();
            tape.heard(format!("{verb}{mechanism}{secret}").as_bytes(), Expecting::Command);
            tape.heard(secret.as_bytes(), Expecting::Command);
            let sound = |line: &Line| !line.text.contains(&secret) && line.text.chars().count() <= CHARS;
            prop_assert!(tape.head.iter().all(sound), "{:?}", tape.head);
        }
    }
}
