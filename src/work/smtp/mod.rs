//! The mail port: where cameras say that something moves.
//!
//! It looks like a mail server and delivers nothing: a mail is a trigger, and its instant is the first RCPT. Everything
//! that cameras get wrong is understood (`dialect`), anyone in an allowed network may send, with whatever user and
//! password, and nobody can cost more than [`Limits`] allow.
//!
//! ```text
//! accept ─ allowed? ─ room? ─▶ session: bytes → lines → dialect → mailin → reply
//!   (one waits at the door,                 └ letter ─ trigger ─▶ Event::Mail
//!    the stalest makes room)
//! ```

mod commands;
mod dialect;
mod door;
mod letter;
mod limits;
mod lines;
mod notes;
mod pulse;
mod session;
#[cfg(test)]
mod session_tests;

pub use door::{bind, serve};
pub use limits::Limits;

use crate::model::event::Event;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

/// What all sessions share.
struct House {
    limits: Limits,
    events: Sender<Event>,
    stop: CancellationToken,
    notes: notes::Notes,
    budget: Arc<letter::Budget>,
}

impl House {
    fn new(limits: Limits, events: Sender<Event>, stop: CancellationToken) -> Self {
        let notes = notes::Notes::new(events.clone(), limits.note_every);
        Self { limits, events, stop, notes, budget: Arc::default() }
    }

    /// Comes when the recorder has been stopping for so long that nothing can be waited for any more.
    async fn too_late(&self) {
        self.stop.cancelled().await;
        tokio::time::sleep(self.limits.farewell).await;
    }
}
