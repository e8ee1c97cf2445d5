//! What must hold whatever anybody sends. Fuzzers and `make test` call the same.

use nvr::model::event::{Event, Mail};
use nvr::model::settings::{Limits, Login, Smtp, Tls};
use nvr::work::mail;
use nvr::work::smtp::{commands, converse};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::mpsc;

/// More than this of an input says nothing new.
const MOST: usize = 64 << 10;
/// Longest line that is taken whole.
const LINE: usize = 512;

/// Lines and dialect: the first byte says how the rest is cut into reads, which must not matter.
pub fn lines(data: &[u8]) {
    let Some((read, bytes)) = data.split_first() else { return };
    let bytes = &bytes[..bytes.len().min(MOST)];
    let understood = commands(bytes, usize::from(*read), LINE);
    for command in &understood {
        assert_eq!(command.find(['\r', '\n']), Some(command.len() - 2), "one line: {command:?}");
        assert!(command.chars().count() < 300, "a short one: {command:?}");
    }
    if bytes.split(|&byte| byte == b'\n').all(|line| line.len() <= LINE) {
        assert_eq!(understood, commands(bytes, MOST, LINE));
        assert_eq!(understood.len(), bytes.iter().filter(|&&byte| byte == b'\n').count());
    }
}

/// What is made of a mail, whose header block is looked at whole or only its beginning: short, and no panic.
pub fn mail(data: &[u8]) {
    let data = &data[..data.len().min(MOST)];
    for headers in [16 << 10, 100] {
        let said = mail::read(data, headers);
        for (text, most) in [
            (&said.sender, mail::SUBJECT_CHARS),
            (&said.subject, mail::SUBJECT_CHARS),
            (&said.body, mail::BODY_CHARS),
            (&said.event, mail::EVENT_CHARS),
        ] {
            assert!(text.chars().count() <= most, "{text}");
        }
        let picture = said.picture.unwrap_or_else(|| vec![0xff, 0xd8, 0xff]);
        assert!(picture.starts_with(&[0xff, 0xd8, 0xff]) && picture.len() <= data.len().max(3));
    }
}

/// A whole session: the first byte says in which way the rest is said. Runs on a clock that jumps. Answers how many
/// recipients were told of.
pub async fn session(data: &[u8]) -> usize {
    let Some((way, words)) = data.split_first() else { return 0 };
    let words = &words[..words.len().min(MOST)];
    let login = (way & 1 != 0).then(|| Login { user: "camera".into(), password: "s3cret".into() });
    let (events, bus) = mpsc::channel(MOST);
    let (near, far) = tokio::io::duplex(4096);
    let conversation = converse(far, [10, 0, 0, 7].into(), Arc::new(rules(login)), events);
    let peer = async {
        match way & 2 {
            0 => shout(near, words, usize::from(way >> 2)).await,
            _ => Peer::new(near).converse(words).await,
        }
    };
    let ((), expected) = tokio::join!(conversation, peer);
    let told = told(bus).iter().map(|mail| mail.to.len()).sum::<usize>();
    match expected {
        Expected::AtMost(most) => assert!(told <= most, "told of {told} recipients, and {most} were named"),
        Expected::Just(recipients) => assert_eq!(told, recipients, "every recipient triggers, and once"),
    }
    told
}

/// So small that they are reached.
fn rules(login: Option<Login>) -> Smtp {
    let limits = Limits {
        command_line: LINE,
        body_line: 300,
        message: 3000,
        all_messages: 4000,
        header_block: 200,
        recipients: 3,
        ..Limits::default()
    };
    let (listen, allow) = (([127, 0, 0, 1], 0).into(), vec![]);
    Smtp { listen, allow, ignore: vec![], login, tls: Tls::default(), limits }
}

fn told(mut bus: mpsc::Receiver<Event>) -> Vec<Mail> {
    let mut mails = Vec::new();
    while let Ok(event) = bus.try_recv() {
        match event {
            Event::Mail(mail) => {
                assert!(!mail.to.is_empty(), "a mail to nobody");
                assert!(mail.subject.chars().count() <= mail::SUBJECT_CHARS);
                mails.push(mail);
            }
            Event::MailRest { .. } => {}
            Event::Session { transcript, .. } => {
                assert!(transcript.lines.len() <= 60, "a transcript of {} lines", transcript.lines.len());
                let fits = |text: &str| text.chars().count() <= 160 && !text.contains(char::is_control);
                assert!(transcript.lines.iter().all(|line| fits(&line.text)), "{transcript:?}");
            }
            Event::Note(note) => assert!(note.ends_with(')') || note.contains(" more like it before"), "{note}"),
            other => panic!("{other:?}"),
        }
    }
    mails
}

/// How many recipients must have been told of.
enum Expected {
    AtMost(usize),
    Just(usize),
}

/// Says everything at once, in packets, and does not wait for replies.
async fn shout(stream: DuplexStream, words: &[u8], packet: usize) -> Expected {
    let (mut replies, mut out) = tokio::io::split(stream);
    let talking = async {
        for packet in words.chunks(packet.max(1)) {
            if out.write_all(packet).await.is_err() {
                break;
            }
        }
        let _ = out.shutdown().await; // the session may have ended
    };
    let mut heard = Vec::new();
    let (_, listened) = tokio::join!(talking, replies.read_to_end(&mut heard));
    listened.expect("memory does not break");
    assert!(heard.starts_with(b"220 "));
    Expected::AtMost(words.windows(4).filter(|four| four.eq_ignore_ascii_case(b"RCPT")).count())
}

/// Says a line, waits for its reply, and keeps account of who was accepted.
struct Peer {
    replies: BufReader<ReadHalf<DuplexStream>>,
    out: WriteHalf<DuplexStream>,
    /// Accepted and neither told of nor called off, of the mail under way.
    waiting: usize,
    /// Of all mails that came to their end.
    told: usize,
}

impl Peer {
    fn new(stream: DuplexStream) -> Self {
        let (replies, out) = tokio::io::split(stream);
        Self { replies: BufReader::new(replies), out, waiting: 0, told: 0 }
    }

    /// The code of the next reply; `None`: the session has ended.
    async fn reply(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            self.replies.read_line(&mut line).await.expect("replies are text");
            if line.is_empty() {
                return None;
            }
            assert!(line.ends_with("\r\n") && line.len() < 600, "{line:?}");
            if line.as_bytes()[3] == b' ' {
                return Some(line[..3].to_owned());
            }
        }
    }

    async fn converse(mut self, words: &[u8]) -> Expected {
        let mut last = self.reply().await;
        for line in words.split(|&byte| byte == b'\n') {
            if last.is_none() || self.out.write_all(&[line, b"\n"].concat()).await.is_err() {
                break;
            }
            let text = line.strip_suffix(b"\r").unwrap_or(line);
            let before = last.as_deref().unwrap_or_default();
            if before == "354" && text != b"." {
                continue; // of a message; no reply
            }
            let after = self.reply().await;
            if before == "354" {
                self.told += std::mem::take(&mut self.waiting);
            } else if before != "334" {
                self.keep_account(line, after.as_deref());
            }
            last = after;
        }
        let _ = self.out.shutdown().await; // the session may have ended
        while self.reply().await.is_some() {}
        Expected::Just(self.told + self.waiting)
    }

    /// What a command that was replied to means for who is waiting.
    fn keep_account(&mut self, line: &[u8], reply: Option<&str>) {
        let command = commands(&[line, b"\n"].concat(), MOST, MOST).concat();
        match (&command[..4.min(command.len())], reply) {
            ("RCPT", Some("250")) => self.waiting += 1,
            ("RSET" | "EHLO" | "HELO", Some("250")) => self.waiting = 0,
            _ => {}
        }
    }
}
