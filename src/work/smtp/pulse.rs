//! Whether a session goes on: what the door goes by when it has to choose who leaves.

use crate::model::settings::Limits;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// What the door sees of a session, and how it asks it to leave.
#[derive(Debug)]
pub(super) struct Pulse {
    started: Instant,
    /// Milliseconds from `started` to the instant at which this connection is stale.
    stale: AtomicU64,
    /// The same, to the instant at which it is whatever it does, for it has had its turn.
    turn: AtomicU64,
    /// Cancelled when the session has to make room.
    pub leave: CancellationToken,
}

impl Pulse {
    /// Of a connection that begins now.
    pub fn new(limits: &Limits) -> Self {
        let pulse = Self {
            started: Instant::now(),
            stale: AtomicU64::new(0),
            turn: AtomicU64::new(u64::MAX),
            leave: CancellationToken::new(),
        };
        pulse.beat(false, limits);
        pulse
    }

    /// Progress was made; `mail`: one is under way.
    pub fn beat(&self, mail: bool, limits: &Limits) {
        let patience = if mail { limits.patience } else { limits.patience_without_mail };
        self.stale.store(self.in_future(patience), Relaxed);
    }

    /// A whole mail was taken. It may send more, but not for ever while others wait.
    pub fn served(&self, limits: &Limits) {
        self.turn.fetch_min(self.in_future(limits.patience), Relaxed);
    }

    fn in_future(&self, span: Duration) -> u64 {
        u64::try_from((self.started.elapsed() + span).as_millis()).unwrap_or(u64::MAX)
    }

    /// From when on this connection has to make room for one that waits.
    pub fn stale_at(&self) -> Instant {
        self.started + Duration::from_millis(self.stale.load(Relaxed).min(self.turn.load(Relaxed)))
    }
}
