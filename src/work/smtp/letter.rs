//! A mail that is being taken: who it is for, how much of it came, and what of it is kept.

use crate::model::id::LetterId;
use crate::model::settings::Limits;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::time::{Duration, Instant};

/// What all mails together may keep.
#[derive(Debug, Default)]
pub(super) struct Budget(AtomicU64);

/// Bytes taken from a budget; given back when dropped.
#[derive(Debug)]
pub(super) struct Held {
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
    /// How it is told from others.
    pub id: LetterId,
    /// The same, once it has triggered before it was complete, and until the rest of it is told.
    pub early: Option<LetterId>,
    /// Bytes of the message so far.
    size: u64,
    /// The message as far as it is kept, lines ended by CRLF. Who reads it in another thread holds it too.
    kept: Arc<Vec<u8>>,
    /// There was no room for more of it.
    full: bool,
    held: Held,
}

/// By how much the memory of a message grows at least and at most.
const GROWTH: (usize, usize) = (4 << 10, 512 << 10);

impl Letter {
    /// A mail from `from`.
    pub fn new(id: LetterId, from: String, budget: Arc<Budget>) -> Self {
        Self {
            id,
            from,
            recipients: 0,
            untold: Vec::new(),
            since: Instant::now(),
            whole: false,
            early: None,
            size: 0,
            kept: Arc::default(),
            full: false,
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

    /// The message as far as it came and is kept.
    pub fn message(&self) -> Arc<Vec<u8>> {
        self.kept.clone()
    }

    /// Memory for something that was made of it, unless there is none.
    pub fn room_for(&self, bytes: usize, limits: &Limits) -> Option<Held> {
        let mut held = Held { budget: self.held.budget.clone(), bytes: 0 };
        held.take(bytes as u64, limits.all_messages).then_some(held)
    }

    /// Takes a piece of the message: `line` without its end, `last` if the line ends here.
    pub fn take(&mut self, line: &[u8], last: bool, limits: &Limits) -> Room {
        let before = self.size;
        let end: &[u8] = if last { b"\r\n" } else { b"" };
        self.size += (line.len() + end.len()) as u64;
        if self.size > limits.message.saturating_mul(2) {
            return Room::Endless;
        }
        if self.size > limits.message {
            return if before <= limits.message { Room::MailFull } else { Room::Enough };
        }
        if self.full || self.keep(line, end, limits) {
            return Room::Enough;
        }
        self.full = true;
        Room::AllFull
    }

    /// Keeps a piece, if there is memory for it.
    fn keep(&mut self, line: &[u8], end: &[u8], limits: &Limits) -> bool {
        // Nobody reads while more comes, but who was interrupted in it.
        let kept = Arc::make_mut(&mut self.kept);
        let wanted = (kept.len() + line.len() + end.len()).saturating_sub(kept.capacity());
        if wanted > 0 {
            let growth = wanted.max(kept.capacity().clamp(GROWTH.0, GROWTH.1));
            if !self.held.take(growth as u64, limits.all_messages) {
                return false;
            }
            kept.reserve_exact(growth + kept.capacity() - kept.len());
        }
        kept.extend_from_slice(line);
        kept.extend_from_slice(end);
        true
    }

    /// Bytes of the message so far.
    pub fn size(&self) -> u64 {
        self.size
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
        Letter::new(LetterId(0), "a@b".into(), budget.clone())
    }

    #[tokio::test]
    async fn a_message_is_kept_and_its_memory_given_back() {
        let (limits, budget) = (Limits::default(), Arc::new(Budget::default()));
        let mut mail = letter(&budget);
        for (line, last) in [("Subject: x", true), ("", true), ("a long ", false), ("line", true)] {
            assert_eq!(mail.take(line.as_bytes(), last, &limits), Room::Enough);
        }
        let message = mail.message();
        assert_eq!(message.as_slice(), b"Subject: x\r\n\r\na long line\r\n");
        assert_eq!(budget.0.load(Relaxed), 4 << 10);
        drop((mail, message));
        assert_eq!(budget.0.load(Relaxed), 0);
        let mut big = letter(&budget);
        for _ in 0..30_000 {
            big.take(&[b'x'; 76], true, &limits);
        }
        let (kept, held) = (big.message().capacity() as u64, budget.0.load(Relaxed));
        assert!(kept <= held && held <= 78 * 30_000 + (512 << 10), "{kept} {held}");
    }

    #[tokio::test]
    async fn what_all_keep_together_is_bounded() {
        let (limits, budget) = (Limits { all_messages: 6 << 10, ..Limits::default() }, Arc::new(Budget::default()));
        let (mut one, mut other) = (letter(&budget), letter(&budget));
        assert_eq!(one.take(b"Subject: x", true, &limits), Room::Enough);
        assert_eq!(other.take(b"Subject: y", true, &limits), Room::AllFull);
        assert_eq!(other.take(b"Subject: y", true, &limits), Room::Enough, "told once");
        assert!(other.message().is_empty());
        assert!(one.room_for(1 << 10, &limits).is_some() && one.room_for(4 << 10, &limits).is_none());
    }

    #[tokio::test]
    async fn a_mail_is_too_big_once_and_endless_in_the_end() {
        let (limits, budget) = (Limits { message: 10, ..Limits::default() }, Arc::new(Budget::default()));
        let mut mail = letter(&budget);
        let rooms: Vec<Room> = (0..6).map(|_| mail.take(b"12", true, &limits)).collect();
        assert_eq!(rooms, [Room::Enough, Room::Enough, Room::MailFull, Room::Enough, Room::Enough, Room::Endless]);
        assert!(mail.too_big(&limits));
    }
}
