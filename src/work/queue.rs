//! The queue in front of what does one thing at a time for whoever asks. It has an end, and nobody stands in it for
//! long: who asks faster than is answered costs neither memory nor the time of those who come later.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long one waits for those before it. Whoever asks waits longer than this and hears why there is no answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// A queue. Clones are the same.
#[derive(Clone)]
pub(super) struct Queue {
    places: Arc<Semaphore>,
    first: Arc<Semaphore>,
}

/// Whose turn it is; dropping it calls the next one. A thread that a dead disk may keep holds it itself: its task may be
/// given up earlier, and there must not be one more such thread for each.
pub(super) struct Turn(#[expect(dead_code, reason = "only held")] [OwnedSemaphorePermit; 2]);

impl Queue {
    /// One whose turn it is, and `waiting` more.
    pub(super) fn new(waiting: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(waiting + 1)), first: Arc::new(Semaphore::new(1)) }
    }

    /// Waits for its turn, in the order of coming. `None`: too many wait already, or it took too long.
    pub(super) async fn turn(&self) -> Option<Turn> {
        let place = self.places.clone().try_acquire_owned().ok()?;
        let first = timeout(PATIENCE, self.first.clone().acquire_owned()).await.ok()?.ok()?;
        Some(Turn([place, first]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test(start_paused = true)]
    async fn the_queue_has_an_end_and_nobody_stands_in_it_for_long() {
        let queue = Queue::new(2);
        let turn = queue.turn().await.expect("nobody is before it");
        let (mut second, mut third) = (Box::pin(queue.turn()), Box::pin(queue.turn()));
        assert!((&mut second).now_or_never().is_none() && (&mut third).now_or_never().is_none());
        assert!(queue.turn().now_or_never().expect("at once").is_none(), "too many wait");
        drop(turn);
        let turn = second.await.expect("the next");
        assert!(third.await.is_none(), "it took too long");
        // Who left has left its place too.
        drop(Box::pin(queue.turn()));
        drop(turn);
        assert!(queue.turn().now_or_never().flatten().is_some());
    }
}
