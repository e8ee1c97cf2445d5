//! Sees, while nothing is stored too, that the archive goes away, becomes read-only, and comes back. An archive that was
//! not there at the start is taken when it comes: first what an earlier recorder left is finished.

use super::recover::recover;
use super::{Site, send};
use crate::model::event::{Event, Space};
use crate::model::id::SegmentId;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// From one look to the next. The kernel answers it from memory: no disk is woken.
const EVERY: Duration = Duration::from_secs(5);

/// Looks after the archive until it is `over`; `left`: segments of an earlier recorder, which wait in RAM for an archive
/// that was not there at the start. Every change is an [`Event::ArchiveSpace`].
pub(super) async fn watch(
    site: Arc<Site>,
    mut left: Vec<SegmentId>,
    events: mpsc::Sender<Event>,
    over: CancellationToken,
) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut trouble = None;
    loop {
        tokio::select! {
            () = over.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let (place, segments) = (site.clone(), left.clone());
        let looked = tokio::task::spawn_blocking(move || look(&place, segments));
        let looked = tokio::select! {
            () = over.cancelled() => return,
            looked = looked => looked,
        };
        let (space, news) = looked.unwrap_or_else(|panic| {
            site.ground.make_ready(); // better an archive with leftovers than none
            (Err(format!("the archive could not be looked at: {panic} (report this)")), Vec::new())
        });
        if site.ground.is_ready() {
            left.clear();
        }
        for event in news {
            send(&events, event).await;
        }
        let now = space.as_ref().err().cloned();
        if now != trouble {
            trouble = now;
            send(&events, Event::ArchiveSpace(space)).await;
        }
    }
}

/// Looks for the archive, and takes it if it has just come. Blocking.
fn look(site: &Arc<Site>, left: Vec<SegmentId>) -> (Result<Space, String>, Vec<Event>) {
    if let Err(away) = site.ground.find() {
        return (Err(away), Vec::new());
    }
    let mut news = Vec::new();
    if !site.ground.is_ready() {
        let (recovered, _) = recover(site, left, Vec::new());
        news.extend(recovered.sentences.into_iter().map(Event::Note));
        news.push(Event::ClipsFound(recovered.clips));
        site.ground.make_ready();
    }
    (site.ground.room(), news)
}
