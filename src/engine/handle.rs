//! What the rest of the process holds of the engine: a way to ask, and a place to look.

use crate::model::command::{Answer, Command};
use crate::model::snapshot::Snapshot;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// A command and the way back.
pub(super) struct Request {
    pub command: Command,
    pub asker: Asker,
}

/// Who waits for an answer.
pub(super) struct Asker {
    pub answer: oneshot::Sender<Answer>,
    /// Cancelled when nobody waits any more: what was only asked need not be found out.
    pub left: CancellationToken,
}

/// What the rest of the process sees of the engine. Clones are the same.
#[derive(Clone)]
pub struct Handle {
    pub(super) requests: mpsc::Sender<Request>,
    pub(super) pictures: watch::Sender<Arc<Snapshot>>,
    /// Told when somebody begins to look.
    pub(super) newcomers: Arc<Notify>,
}

impl Handle {
    /// Has a command carried out.
    pub async fn ask(&self, command: Command) -> Answer {
        let (answer, answered) = oneshot::channel();
        let left = CancellationToken::new();
        let _stays = left.clone().drop_guard();
        let gone = || Answer::Refused("the recorder is stopping".to_owned());
        match self.requests.send(Request { command, asker: Asker { answer, left } }).await {
            Ok(()) => answered.await.unwrap_or_else(|_| gone()),
            Err(_) => gone(),
        }
    }

    /// The pictures from now on, of which the first comes at once. None is made while nobody holds what this answers.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        let pictures = self.pictures.subscribe();
        self.newcomers.notify_one();
        pictures
    }
}
