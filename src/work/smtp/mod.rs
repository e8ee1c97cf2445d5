//! The mail port: where cameras say that something moves.
//!
//! It looks like a mail server and delivers nothing: a mail is a trigger, and its instant is the first RCPT. Everything
//! that cameras get wrong is understood (`dialect`), anyone in an allowed network may send, with whatever user and
//! password unless the configuration names some, and nobody can cost more than [`Limits`](crate::model::settings::Limits) allow.
//!
//! ```text
//! accept ─ allowed? ─ room? ─▶ session: (TLS) bytes → lines → dialect → mailin → reply
//!   (one waits at the door,                 └ letter ─ trigger ─▶ Event::Mail
//!    the stalest makes room)
//! ```

mod addresses;
mod certificate;
mod commands;
mod dialect;
mod door;
mod hello;
mod letter;
mod lines;
mod login;
mod notes;
mod ports;
mod pulse;
mod session;
#[cfg(test)]
mod session_tests;
mod tape;
mod telling;
mod tls;
mod trial;

pub use door::serve;
pub use ports::{Ports, bind, tls_outlook};
pub use trial::{commands, converse};

use crate::model::event::Event;
#[cfg(test)]
use crate::model::settings::Limits;
use crate::model::settings::Smtp;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Sender;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What all sessions share.
struct House {
    /// What the configuration says now.
    rules: watch::Receiver<Arc<Smtp>>,
    events: Sender<Event>,
    stop: CancellationToken,
    notes: notes::Notes,
    tapes: tape::Tapes,
    budget: Arc<letter::Budget>,
    /// Held by who reads a large mail.
    reading: Arc<Semaphore>,
    letters: AtomicU64,
    tries: login::Tries,
    /// What TLS is spoken with; `None`: it is not.
    identity: Option<certificate::Identity>,
    /// Who cannot speak it, which would break its mail off each time.
    no_tls: addresses::Addresses,
}

impl House {
    fn new(
        rules: watch::Receiver<Arc<Smtp>>,
        identity: Option<certificate::Identity>,
        events: Sender<Event>,
        stop: CancellationToken,
    ) -> Self {
        let notes = notes::Notes::new(events.clone(), rules.borrow().limits.note_every);
        let tapes = tape::Tapes::new(events.clone());
        Self {
            rules,
            events,
            stop,
            notes,
            tapes,
            budget: Arc::default(),
            reading: Arc::new(Semaphore::new(1)),
            letters: AtomicU64::new(0),
            tries: login::Tries::default(),
            identity,
            no_tls: addresses::Addresses::default(),
        }
    }

    /// What the configuration says now.
    fn rules(&self) -> Arc<Smtp> {
        self.rules.borrow().clone()
    }

    /// Comes when the recorder has been stopping for so long that nothing can be waited for any more.
    async fn too_late(&self) {
        self.stop.cancelled().await;
        tokio::time::sleep(self.rules().limits.farewell).await;
    }
}

/// Rules that let everybody in.
#[cfg(test)]
fn open_to_all(limits: Limits, login: Option<crate::model::settings::Login>) -> watch::Sender<Arc<Smtp>> {
    let allow = vec!["0.0.0.0/0".parse().expect("a network")];
    let tls = crate::model::settings::Tls::default();
    watch::Sender::new(Arc::new(Smtp {
        listen: ([127, 0, 0, 1], 0).into(),
        allow,
        ignore: Vec::new(),
        login,
        tls,
        limits,
    }))
}
