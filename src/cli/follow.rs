//! Following a recorder for as long as anybody reads: its logs without a hole, and across its restarts.
//!
//! Pictures are only the bell. They come at most twice a second and hold the ends of the logs; whatever came between
//! two of them is asked for by its number, so that nothing is missed however much happens at once. What the recorder
//! itself does not keep any more is counted and said.

use super::{Global, attach, query};
use crate::link::dial::{Client, LinkError};
use crate::model::question::{Found, Question, Since};
use crate::model::snapshot::{CopyView, Entry, Snapshot};
use crate::model::time::{Anchor, Mono};
use crate::model::transcript::SessionView;
use color_eyre::eyre::{Result, eyre};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The first pause before a lost recorder is looked for again: one that is restarted is back soon.
const SHORTEST: Duration = Duration::from_millis(200);
/// The longest pause: nobody should wait longer for a recorder that is back.
const LONGEST: Duration = Duration::from_secs(3);

/// A recorder that is followed.
pub struct Watch {
    places: Vec<PathBuf>,
    client: Client,
    lost: bool,
}

/// What becomes of it.
pub enum News {
    /// A newer picture.
    Picture(Arc<Snapshot>),
    /// It is gone, and why; it will be looked for.
    Lost(String),
    /// It, or another one in its place, was found.
    Back,
}

impl Watch {
    /// Attaches. A recorder that is not there at first is a mistake; only a lost one is waited for.
    pub async fn start(global: &Global) -> Result<(Self, Arc<Snapshot>)> {
        let mut client = query::client(global, true).await?;
        let picture = query::picture(&mut client).await?;
        Ok((Self { places: global.sockets()?, client, lost: false }, picture))
    }

    /// The recorder, as long as it is there.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Waits for the next thing that becomes of it.
    ///
    /// # Errors
    /// What was found again is of another version: this program must be started again.
    pub async fn next(&mut self) -> Result<News> {
        if self.lost {
            self.client = self.find_again().await?;
            self.lost = false;
            return Ok(News::Back);
        }
        loop {
            if self.client.snapshots().changed().await.is_err() {
                self.lost = true;
                return Ok(News::Lost(self.client.gone().await.reason));
            }
            let picture = self.client.snapshots().borrow_and_update().clone();
            if let Some(picture) = picture {
                return Ok(News::Picture(picture));
            }
        }
    }

    async fn find_again(&self) -> Result<Client> {
        let mut pause = SHORTEST;
        loop {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
            // A recorder that is just starting refuses in many ways; all of them may pass.
            let Ok(stream) = attach::reach(&self.places).await else { continue };
            match Client::attach(stream, true).await {
                Ok(client) => return Ok(client),
                Err(LinkError::Versions(sentence)) => return Err(eyre!(sentence)),
                Err(LinkError::Silent | LinkError::Gone(_) | LinkError::NoAnswer) => {}
            }
        }
    }
}

/// A line of a log that only grows.
pub trait Line: Clone {
    /// Each number is a line of its own, so that one that is missing is a loss. If not, it counts the changes of lines.
    const EACH: bool = true;
    /// Counts up from 1 since the recorder started.
    fn number(&self) -> u64;
    /// The newest ones, if the picture shows them.
    fn newest(picture: &Snapshot) -> &[Self];
    /// The number of the newest one.
    fn last(picture: &Snapshot) -> u64 {
        Self::newest(picture).last().map_or(0, Self::number)
    }
    /// What asks for more.
    fn question(since: Since) -> Question;
    /// The answer to that; `None`: it is something else.
    fn answer(found: Found) -> Option<Vec<Self>>;
}

impl Line for Entry {
    fn number(&self) -> u64 {
        self.number
    }

    fn newest(picture: &Snapshot) -> &[Self] {
        &picture.journal
    }

    fn question(since: Since) -> Question {
        Question::Journal(since)
    }

    fn answer(found: Found) -> Option<Vec<Self>> {
        if let Found::Journal(lines) = found { Some(lines) } else { None }
    }
}

impl Line for CopyView {
    fn number(&self) -> u64 {
        self.number
    }

    fn newest(picture: &Snapshot) -> &[Self] {
        &picture.copies
    }

    fn question(since: Since) -> Question {
        Question::Copies(since)
    }

    fn answer(found: Found) -> Option<Vec<Self>> {
        if let Found::Copies(lines) = found { Some(lines) } else { None }
    }
}

impl Line for SessionView {
    const EACH: bool = false;

    fn number(&self) -> u64 {
        self.change
    }

    fn newest(_: &Snapshot) -> &[Self] {
        &[]
    }

    fn last(picture: &Snapshot) -> u64 {
        picture.mail.sessions
    }

    fn question(since: Since) -> Question {
        Question::Sessions(since)
    }

    fn answer(found: Found) -> Option<Vec<Self>> {
        if let Found::Sessions(sessions) = found { Some(sessions) } else { None }
    }
}

/// What is heard of a log.
pub enum Heard<L> {
    /// What was kept before it was followed, oldest first.
    Kept(Vec<L>, Anchor),
    /// What has come since, oldest first.
    Lines(Vec<L>, Anchor),
    /// So many lines came and went before they could be asked for.
    Missing(u64),
    /// The recorder is gone, and why; it will be looked for.
    Lost(String),
    /// It is back.
    Back,
    /// Another recorder is in its place; its log begins at 1.
    Another,
}

/// All lines of a log that the recorder keeps with a number greater than `after`, oldest first.
pub async fn kept<L: Line>(client: &Client, after: u64) -> Result<Vec<L>> {
    let found = query::ask(client, L::question(Since { after, limit: u32::MAX })).await?;
    L::answer(found).ok_or_else(query::something_else)
}

/// Follows a log: first what is kept, then every line as it comes. Ends only by an error.
pub async fn follow<L: Line>(
    mut watch: Watch,
    picture: Arc<Snapshot>,
    mut tell: impl FnMut(Heard<L>) -> Result<()>,
) -> Result<()> {
    let lines = kept::<L>(watch.client(), 0).await?;
    let mut told = Told { whose: whose(&picture), last: lines.last().map_or(0, L::number) };
    tell(Heard::Kept(lines, picture.anchor))?;
    loop {
        match watch.next().await? {
            News::Picture(picture) => told.go_on(watch.client(), &picture, &mut tell).await?,
            News::Lost(reason) => tell(Heard::Lost(reason))?,
            News::Back => tell(Heard::Back)?,
        }
    }
}

/// Which recorder it is: one that was started again has another process or another beginning.
fn whose(picture: &Snapshot) -> (u32, Mono) {
    (picture.pid, picture.started)
}

/// How far a log was told.
struct Told {
    whose: (u32, Mono),
    last: u64,
}

impl Told {
    /// Tells what came since.
    async fn go_on<L: Line>(
        &mut self,
        client: &Client,
        picture: &Snapshot,
        tell: &mut impl FnMut(Heard<L>) -> Result<()>,
    ) -> Result<()> {
        if self.whose != whose(picture) {
            *self = Self { whose: whose(picture), last: 0 };
            tell(Heard::Another)?;
        }
        let end = L::newest(picture);
        let reaches = end.first().map_or(L::last(picture) <= self.last, |first| first.number() <= self.last + 1);
        let lines = if reaches {
            end.to_vec()
        } else {
            // A recorder that is gone or about to go answers no more; then the picture's end is what there is.
            kept(client, self.last).await.unwrap_or_else(|_| end.to_vec())
        };
        let news: Vec<L> = lines.into_iter().filter(|line| line.number() > self.last).collect();
        let (Some(first), Some(last)) = (news.first(), news.last()) else { return Ok(()) };
        let missing = first.number() - self.last - 1;
        self.last = last.number();
        if L::EACH && missing > 0 {
            tell(Heard::Missing(missing))?;
        }
        tell(Heard::Lines(news, picture.anchor))
    }
}
