//! A mail that is being taken: who it is for, how much of it came, and what of it is kept.

use crate::model::settings::Limits;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::time::{Duration, Instant};

/// What all mails together may keep.
#[derive(Debug, Default)]
pub(super) struct Budget(AtomicU64);

/// Bytes taken from a budget; given back when dropped.
#[derive(Debug)]
struct Held {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Held {
    /// Takes so many more, unless that would be more than `all`.
    fn take(&mut self, bytes: u64, all: u64) -> bool {
        let more = |held: u64| held.checked_add(bytes).filter(|&held| held <= all);
        let fits = self.budget.0.fetch_update(Relaxed, Relaxed, more).is_ok();
        self.bytes += if fits { bytes } else { 0 };
        fits
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.0.fetch_sub(self.bytes, Relaxed);
    }
}

/// How much of the body was wanted so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// There is.
    Enough,
    /// This mail is bigger than a mail may be.
    MailFull,
    /// What all mails together may keep is used up.
    AllFull,
    /// So much came after there was no room that its sender is not going to stop.
    Endless,
}

/// One mail of a session, from MAIL on.
#[derive(Debug)]
pub(super) struct Letter {
    /// `MAIL FROM`.
    pub from: String,
    /// Recipients accepted so far.
    pub recipients: usize,
    /// Recipients for whom no trigger went out yet.
    pub untold: Vec<String>,
    /// When the first of those was named.
    since: Instant,
    /// All of it came.
    pub whole: bool,
    /// Bytes of the message so far.
    size: u64,
    /// The header block as far as it is kept, lines ended by CRLF. A body that is wanted later goes beside it.
    head: Vec<u8>,
    /// The next line is still of the header block.
    in_head: bool,
    held: Held,
}

impl Letter {
    /// A mail from `from`.
    pub fn new(from: String, budget: Arc<Budget>) -> Self {
        Self {
            from,
            recipients: 0,
            untold: Vec::new(),
            since: Instant::now(),
            whole: false,
            size: 0,
            head: Vec::new(),
            in_head: true,
            held: Held { budget, bytes: 0 },
        }
    }

    /// One more recipient. The first for whom no trigger went out yet is the trigger's instant.
    pub fn add_recipient(&mut self, to: String) {
        if self.untold.is_empty() {
            self.since = Instant::now();
        }
        self.recipients += 1;
        self.untold.push(to);
    }

    /// How long ago the trigger was.
    pub fn waited(&self) -> Duration {
        self.since.elapsed()
    }

    /// When the trigger goes out without waiting for the mail's end; `None`: there is none to go out.
    pub fn due(&self, limits: &Limits) -> Option<Instant> {
        (!self.untold.is_empty()).then(|| self.since + limits.slow_mail)
    }

    /// The header block as far as it came and is kept.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Takes a piece of the message: `line` without its end, `last` if the line ends here.
    pub fn take(&mut self, line: &[u8], first: bool, last: bool, limits: &Limits) -> Room {
        let before = self.size;
        self.size += line.len() as u64 + if last { 2 } else { 0 };
        let room = if self.in_head { self.take_head(line, first, last, limits) } else { Room::Enough };
        if self.size > limits.message.saturating_mul(2) {
            Room::Endless
        } else if self.size > limits.message && before <= limits.message {
            Room::MailFull
        } else {
            room
        }
    }

    /// Keeps a piece of the header block.
    fn take_head(&mut self, line: &[u8], first: bool, last: bool, limits: &Limits) -> Room {
        let end: &[u8] = if last { b"\r\n" } else { b"" };
        let wanted = line.len() + end.len();
        let left = limits.header_block.saturating_sub(self.head.len());
        let memory = self.held.take(wanted.min(left) as u64, limits.all_messages);
        if memory {
            self.head.extend(line.iter().chain(end).take(left));
        }
        self.in_head = memory && wanted <= left && !(first && last && line.is_empty());
        if memory { Room::Enough } else { Room::AllFull }
    }

    /// Whether more came than a mail may hold.
    pub fn too_big(&self, limits: &Limits) -> bool {
        self.size > limits.message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(budget: &Arc<Budget>) -> Letter {
        Letter::new("a@b".into(), budget.clone())
    }

    #[tokio::test]
    async fn only_the_header_block_is_kept_and_its_memory_given_back() {
        let (limits, budget) = (Limits { header_block: 24, ..Limits::default() }, Arc::new(Budget::default()));
        let mut mail = letter(&budget);
        for line in ["Subject: x", "", "Subject: body"] {
            assert_eq!(mail.take(line.as_bytes(), true, true, &limits), Room::Enough);
        }
        assert_eq!(mail.head(), b"Subject: x\r\n\r\n");
        assert_eq!(budget.0.load(Relaxed), 14);
        let mut long = letter(&budget);
        long.take(b"Subject: in ", true, false, &limits);
        long.take(b"pieces, and too long", false, true, &limits);
        long.take(b"To: x", true, true, &limits);
        assert_eq!(long.head(), b"Subject: in pieces, and ");
        assert_eq!(budget.0.load(Relaxed), 38);
        drop((mail, long));
        assert_eq!(budget.0.load(Relaxed), 0);
    }

    #[tokio::test]
    async fn what_all_keep_together_is_bounded() {
        let (limits, budget) = (Limits { all_messages: 20, ..Limits::default() }, Arc::new(Budget::default()));
        let (mut one, mut other) = (letter(&budget), letter(&budget));
        assert_eq!(one.take(b"Subject: x", true, true, &limits), Room::Enough);
        assert_eq!(other.take(b"Subject: y", true, true, &limits), Room::AllFull);
        assert_eq!(other.take(b"Subject: y", true, true, &limits), Room::Enough, "told once");
        assert_eq!(other.head(), b"");
    }

    #[tokio::test]
    async fn a_mail_is_too_big_once_and_endless_in_the_end() {
        let (limits, budget) = (Limits { message: 10, ..Limits::default() }, Arc::new(Budget::default()));
        let mut mail = letter(&budget);
        let rooms: Vec<Room> = (0..6).map(|_| mail.take(b"12", true, true, &limits)).collect();
        assert_eq!(rooms, [Room::Enough, Room::Enough, Room::MailFull, Room::Enough, Room::Enough, Room::Endless]);
        assert!(mail.too_big(&limits));
    }
}
