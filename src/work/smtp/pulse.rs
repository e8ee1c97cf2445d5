//! Whether a session goes on: what the door goes by when it has to choose who leaves.

use super::Limits;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// What the door sees of a session, and how it asks it to leave.
#[derive(Debug)]
pub(super) struct Pulse {
    started: Instant,
    /// Milliseconds from `started` to the last progress, plus one; 0: there was none.
    progress: AtomicU64,
    /// Cancelled when the session has to make room.
    pub leave: CancellationToken,
}

impl Pulse {
    /// Of a connection that begins now.
    pub fn new() -> Self {
        Self { started: Instant::now(), progress: AtomicU64::new(0), leave: CancellationToken::new() }
    }

    /// Progress was made.
    pub fn beat(&self) {
        let since = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.progress.store(since + 1, Relaxed);
    }

    /// From when on this connection has to make room for one that waits.
    pub fn stale_at(&self, limits: &Limits) -> Instant {
        match self.progress.load(Relaxed) {
            0 => self.started + limits.mute,
            since => self.started + Duration::from_millis(since - 1) + limits.patience,
        }
    }
}
