//! The line to the recorder: held while it can be, found again when it is lost.

use crate::link::dial::{Client, Gone, LinkError};
use crate::model::command::{Answer, Command};
use crate::model::snapshot::Snapshot;
use futures::stream::{FuturesUnordered, StreamExt};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

/// The first pause before trying again: a recorder that is restarted is back soon.
const SHORTEST: Duration = Duration::from_millis(200);
/// The longest pause: nobody should wait longer for a recorder that is back.
const LONGEST: Duration = Duration::from_secs(3);

/// What is heard on the line.
#[derive(Debug)]
pub enum News {
    /// A newer picture.
    Picture(Arc<Snapshot>),
    /// What came of the order or question of this number, or why there is no answer.
    Answer(u64, Result<Answer, String>),
    /// The recorder is gone; orders that were not answered never will be.
    Lost(Gone),
    /// Another try failed, and why.
    StillLost(String),
    /// The recorder is back.
    Found,
}

/// Attaches once; the error is a sentence.
pub async fn attach<S>(dial: &mut impl AsyncFnMut() -> Result<S, String>) -> Result<Client, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = dial().await?;
    Client::attach(stream, true).await.map_err(|error| error.to_string())
}

/// Passes news to `news` and orders to the recorder for as long as anybody listens.
pub async fn hold<S>(
    mut client: Client,
    mut dial: impl AsyncFnMut() -> Result<S, String>,
    mut orders: mpsc::Receiver<(u64, Command)>,
    news: mpsc::Sender<News>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    loop {
        let Some(gone) = attend(&mut client, &mut orders, &news).await else { return };
        drop(client);
        while orders.try_recv().is_ok() {} // given to the recorder that is gone; not meant for the next one
        if news.send(News::Lost(gone)).await.is_err() {
            return;
        }
        let Some(found) = find(&mut dial, &news).await else { return };
        client = found;
        if news.send(News::Found).await.is_err() {
            return;
        }
    }
}

/// Serves one connection to its end; `None` if nobody listens any more.
async fn attend(
    client: &mut Client,
    orders: &mut mpsc::Receiver<(u64, Command)>,
    news: &mpsc::Sender<News>,
) -> Option<Gone> {
    let mut pictures = client.snapshots().clone();
    pictures.mark_changed(); // the first may be here already
    let gone = client.gone();
    tokio::pin!(gone);
    let mut asked = FuturesUnordered::new();
    let mut drawing = true;
    loop {
        let heard = tokio::select! {
            // Answers and pictures that came before the end are told before it.
            biased;
            Some((number, answer)) = asked.next() => in_words(number, answer),
            changed = pictures.changed(), if drawing => {
                drawing = changed.is_ok();
                let newest = pictures.borrow_and_update().clone();
                match newest {
                    Some(picture) if drawing => News::Picture(picture),
                    Some(_) | None => continue,
                }
            }
            order = orders.recv() => {
                let (number, command) = order?;
                let answer = client.ask(command);
                asked.push(async move { (number, answer.await) });
                continue;
            }
            gone = &mut gone => return Some(gone),
        };
        news.send(heard).await.ok()?;
    }
}

fn in_words(number: u64, answer: Result<Answer, LinkError>) -> News {
    News::Answer(number, answer.map_err(|error| error.to_string()))
}

/// Tries until the recorder is back; `None` if nobody listens any more.
async fn find<S>(dial: &mut impl AsyncFnMut() -> Result<S, String>, news: &mpsc::Sender<News>) -> Option<Client>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut pause = SHORTEST;
    loop {
        tokio::time::sleep(pause).await;
        match attach(dial).await {
            Ok(client) => return Some(client),
            Err(reason) => news.send(News::StillLost(reason)).await.ok()?,
        }
        pause = (pause * 2).min(LONGEST);
    }
}
