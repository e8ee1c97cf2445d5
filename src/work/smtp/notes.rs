//! What a person should know about the mail port, so seldom that no flood of peers becomes a flood of sentences.

use crate::model::event::Event;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use tokio::sync::mpsc::Sender;
use tokio::time::{Duration, Instant};

/// What a note is about. Of each kind there is one at most in [`crate::model::settings::Limits::note_every`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A peer that may not send mail.
    Refused,
    /// All connections were taken, and one had to make room.
    Full,
    /// One address held too many connections.
    Address,
    /// A command line too long, or too many commands that make no sense.
    Stranger,
    /// A message too big.
    TooBig,
    /// All messages together too big.
    Memory,
    /// Too many recipients.
    Recipients,
    /// A connection could not be taken.
    Accept,
    /// A mail without the login that is asked for.
    NoLogin,
    /// A wrong user or password.
    WrongLogin,
    /// Many of those from one address.
    Guessing,
    /// A TLS handshake that failed.
    Tls,
}

/// Lets the first note of a kind through at once and gathers what is like it until time is up.
pub(super) struct Notes {
    events: Sender<Event>,
    every: Duration,
    quiet: Mutex<BTreeMap<Kind, Quiet>>,
}

/// A kind that was told lately.
struct Quiet {
    until: Instant,
    /// How many came since, and the last of them.
    since: Option<(u64, String)>,
}

impl Notes {
    /// Notes for `events`, at most one of a kind in `every`.
    pub fn new(events: Sender<Event>, every: Duration) -> Self {
        Self { events, every, quiet: Mutex::default() }
    }

    /// Tells `text` now, or later with the number of those like it.
    pub fn tell(&self, kind: Kind, text: String) {
        let mut quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let entry = quiet.entry(kind).or_insert(Quiet { until: now, since: None });
        let like_it = entry.since.take().map_or(0, |(count, _)| count) + 1;
        entry.since = Some((like_it, text));
        if entry.until <= now {
            self.send(entry, now);
        }
    }

    /// When the next gathered note is due.
    pub fn due(&self) -> Option<Instant> {
        let quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        quiet.values().filter(|quiet| quiet.since.is_some()).map(|quiet| quiet.until).min()
    }

    /// Tells what is due.
    pub fn flush(&self) {
        let mut quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        for quiet in quiet.values_mut().filter(|quiet| quiet.since.is_some() && quiet.until <= now) {
            self.send(quiet, now);
        }
    }

    /// Puts what was gathered on the bus if there is room. A note never waits: it may come late, and a trigger may not.
    fn send(&self, quiet: &mut Quiet, now: Instant) {
        quiet.until = now + self.every;
        let Some((count, text)) = quiet.since.take() else { return };
        let told = match count {
            1 => text.clone(),
            _ => format!("{text}; {} more like it before", count - 1),
        };
        if self.events.try_send(Event::Note(told)).is_err() {
            quiet.since = Some((count, text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    fn told(bus: &mut mpsc::Receiver<Event>) -> Vec<String> {
        let notes = std::iter::from_fn(|| bus.try_recv().ok());
        notes.map(|event| if let Event::Note(text) = event { text } else { panic!("{event:?}") }).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_one_sentence_now_and_one_with_the_number_later() {
        let (events, mut bus) = mpsc::channel(8);
        let notes = Notes::new(events, Duration::from_secs(10));
        for n in 1..=1000 {
            notes.tell(Kind::Refused, format!("refused {n}"));
        }
        notes.tell(Kind::Full, "full".into());
        assert_eq!(told(&mut bus), ["refused 1", "full"]);
        notes.flush();
        assert_eq!(told(&mut bus), [""; 0]);
        tokio::time::sleep_until(notes.due().expect("something was gathered")).await;
        notes.flush();
        assert_eq!(told(&mut bus), ["refused 1000; 998 more like it before"]);
        assert_eq!(notes.due(), None);
        tokio::time::sleep(Duration::from_secs(10)).await;
        notes.tell(Kind::Refused, "again".into());
        assert_eq!(told(&mut bus), ["again"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_bus_delays_a_note_and_does_not_lose_it() {
        let (events, mut bus) = mpsc::channel(1);
        let notes = Notes::new(events, Duration::from_secs(10));
        notes.tell(Kind::Refused, "refused".into());
        notes.tell(Kind::Full, "full".into());
        assert_eq!(told(&mut bus), ["refused"]);
        tokio::time::sleep_until(notes.due().expect("one was not taken")).await;
        notes.flush();
        assert_eq!(told(&mut bus), ["full"]);
    }
}
