//! Sees, while nothing is stored too, that the archive goes away, becomes read-only, hangs, and comes back. What an
//! earlier recorder left is finished as soon as it is there: at the start, or whenever it comes.
//!
//! Whoever asks a disk may never hear from it again. So all looking is done in one thread at a time, which is waited for
//! as long as it takes, while everybody else hears that the disk does not answer.

use super::ground::PATIENCE;
use super::recover::{Recovered, recover};
use super::{Site, send};
use crate::model::event::{Event, FINISHING, Space};
use crate::model::id::SegmentId;
use crate::model::memory::{Grew, Regrown, Remains};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

/// From one look to the next. The kernel answers it from memory: no disk is woken.
const EVERY: Duration = Duration::from_secs(5);

/// Longest time in which what an earlier recorder left may be finished before its disk counts as hanging.
const LONGEST: Duration = Duration::from_secs(60);

/// What an earlier recorder left.
#[derive(Clone)]
pub(super) struct Legacy {
    /// Claimed segments.
    pub left: Vec<SegmentId>,
    /// Clips that go on growing.
    pub grew: Vec<Grew>,
}

impl Legacy {
    /// The same of every clip.
    fn regrown(&self, state: &Remains) -> Vec<Regrown> {
        self.grew.iter().map(|grew| Regrown { clip: grew.clip, state: state.clone() }).collect()
    }
}

/// What one look found.
struct Looked {
    space: Result<Space, String>,
    /// What became of the legacy, if that was taken.
    recovered: Option<Recovered>,
}

/// Looks after the archive.
pub(super) struct Watch {
    site: Arc<Site>,
    /// Until it is taken.
    legacy: Option<Legacy>,
    /// A look that has not come to its end, and when it began.
    looking: Option<(Instant, JoinHandle<Looked>)>,
    /// What was last said of it.
    trouble: Option<String>,
}

/// Looks for the archive for the first time, and takes the legacy if it is there and answers in time. Answers what became
/// of it, and whoever looks after the archive from then on.
pub(super) async fn begin(site: Arc<Site>, legacy: Legacy) -> (Recovered, Watch) {
    site.ground.is_to_take_orders(false);
    let answers = !site.ground.is_silent();
    let mut watch = Watch { site, legacy: Some(legacy), looking: None, trouble: None };
    // One that kept whoever opened it waiting keeps nobody else.
    let looked = if answers { watch.look().await.ok() } else { None };
    let recovered = looked.and_then(|looked| looked.recovered);
    let recovered = match recovered {
        Some(recovered) => watch.taken(recovered),
        None => watch.nothing_yet(),
    };
    (recovered, watch)
}

impl Watch {
    /// Looks after it until it is `over`. Every change is an [`Event::ArchiveSpace`].
    pub async fn run(mut self, events: mpsc::Sender<Event>, over: CancellationToken) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let looked = tokio::select! {
                () = over.cancelled() => return,
                looked = async {
                    ticks.tick().await;
                    self.look().await
                } => looked,
            };
            let space = match looked {
                Ok(Looked { space, recovered }) => {
                    if let Some(recovered) = recovered {
                        self.tell(recovered, &events).await;
                    }
                    space
                }
                Err(late) => Err(late),
            };
            if let Some(word) = self.site.ground.take_word() {
                send(&events, Event::Note(word)).await;
            }
            let now = space.as_ref().err().cloned();
            if now != self.trouble {
                self.trouble = now;
                send(&events, Event::ArchiveSpace(space)).await;
            }
        }
    }

    /// Waits a while for the end of a look, which is begun if none is going on. May be given up at any time.
    ///
    /// # Errors
    /// A sentence: it takes longer.
    async fn look(&mut self) -> Result<Looked, String> {
        let (site, legacy) = (self.site.clone(), self.legacy.clone());
        let begin = || (Instant::now(), tokio::task::spawn_blocking(move || look(&site, legacy)));
        let (since, looking) = self.looking.get_or_insert_with(begin);
        let Ok(looked) = timeout(PATIENCE, looking).await else {
            // One that is found and has much to finish is not one that hangs.
            if self.legacy.is_some() && self.site.ground.visit() > 0 && since.elapsed() < LONGEST {
                return Err(FINISHING.to_owned());
            }
            self.site.ground.answers(false);
            return Err(self.site.ground.does_not_answer());
        };
        self.looking = None;
        self.site.ground.answers(true);
        Ok(looked.unwrap_or_else(|panic| self.broke_down(&panic)))
    }

    /// Better an archive with leftovers than none.
    fn broke_down(&self, panic: &JoinError) -> Looked {
        let why = format!("the archive could not be looked at: {panic} (report this)");
        let recovered = self.legacy.as_ref().map(|legacy| Recovered {
            sentences: vec![why.clone()],
            regrown: legacy.regrown(&Remains::Nothing),
            ..Recovered::default()
        });
        Looked { space: Err(why), recovered }
    }

    /// The legacy was taken: what was found goes on with its first order.
    fn taken(&mut self, recovered: Recovered) -> Recovered {
        self.legacy = None;
        self.site.ground.is_to_take_orders(true);
        recovered
    }

    /// The same later, when a recorder runs already.
    async fn tell(&mut self, mut recovered: Recovered, events: &mpsc::Sender<Event>) {
        let (sentences, regrown) = (std::mem::take(&mut recovered.sentences), std::mem::take(&mut recovered.regrown));
        for text in sentences {
            send(events, Event::Note(text)).await;
        }
        send(events, Event::ClipsFound(std::mem::take(&mut recovered.clips))).await;
        // Nothing is ordered of these clips before they are told of.
        self.taken(recovered);
        if !regrown.is_empty() {
            send(events, Event::Regrown(regrown)).await;
        }
    }

    /// Nothing of the legacy could be taken yet.
    fn nothing_yet(&self) -> Recovered {
        let mut recovered = Recovered::default();
        let Some(legacy) = &self.legacy else { return recovered };
        let Legacy { left, grew } = legacy;
        recovered.regrown = legacy.regrown(&Remains::Away);
        // What is meant for clips that go on is nobody else's business.
        let ordered = |left: &&SegmentId| {
            grew.iter().any(|grew| grew.camera == left.camera && grew.waiting.contains(&left.number))
        };
        let count = left.iter().filter(|left| !ordered(left)).count();
        if count > 0 {
            let ring = self.site.ring.display();
            let text =
                format!("{count} segments of an earlier event wait in {ring}/*/claimed until the archive is there");
            recovered.sentences.push(text);
        }
        recovered
    }
}

/// Looks for the archive, and takes the legacy if it is there. Blocking.
fn look(site: &Arc<Site>, legacy: Option<Legacy>) -> Looked {
    if let Err(away) = site.ground.find() {
        return Looked { space: Err(away), recovered: None };
    }
    let recovered = legacy.map(|Legacy { left, grew }| {
        let (mut recovered, clips) = recover(site, left, grew);
        recovered.sentences.extend(site.ground.take_word());
        site.regrown().extend(clips);
        recovered
    });
    Looked { space: site.ground.room(), recovered }
}
