//! The way of one clip's orders: one after the other, each carried out where it may wait for the disk.

use super::again::Stay;
use super::clip::{self, Clip, Grown};
use super::disk::sentence;
use super::names::{self, Files};
use super::source::{Fault, Segment};
use super::{Site, pictures, send};
use crate::model::effect::{Append, Follow};
use crate::model::event::{Added, AppendFailure, Event, Picture};
use crate::model::id::ClipId;
use crate::model::record::Record;
use crate::work::places;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, mpsc};

/// Something to do for one clip.
pub(super) enum Order {
    /// Append a segment; and since when that is wanted.
    Append(Box<Append>, Instant),
    /// Append what is whole of a segment that is still being written; until when its file may be read.
    Follow(Box<Follow>, Instant),
    /// Write the record as it stands.
    Save(Arc<Record>),
    /// Put a picture beside it.
    Picture(Picture),
    /// Give it its last record and its final name.
    Close(Arc<Record>),
}

/// One clip's orders.
pub(super) struct Lane {
    site: Arc<Site>,
    id: ClipId,
    state: State,
}

enum State {
    /// No file yet, except what a failed opening could not remove.
    New { stump: Option<Files> },
    /// It grows.
    Open(Box<Clip>),
    /// It has its final name, or its writer broke down.
    Ended,
}

/// Carries out a lane's orders one after the other.
pub(super) async fn run(
    mut lane: Lane,
    mut queue: mpsc::UnboundedReceiver<Order>,
    writers: Arc<Semaphore>,
    events: mpsc::Sender<Event>,
) {
    while let Some(order) = queue.recv().await {
        let turn = writers.acquire().await;
        let last_words = lane.last_words(&order);
        let carried_out = tokio::task::spawn_blocking(move || {
            let news = lane.carry_out(order);
            (lane, news)
        })
        .await;
        drop(turn);
        let (news, rest) = match carried_out {
            Ok((lane, news)) => (news, Some(lane)),
            Err(_) => (last_words, None),
        };
        for event in news {
            send(&events, event).await;
        }
        match rest {
            Some(rest) if !matches!(rest.state, State::Ended) => lane = rest,
            Some(_) | None => break,
        }
    }
}

impl Lane {
    /// Of a clip that has no file yet.
    pub fn new(site: Arc<Site>, id: ClipId) -> Lane {
        Lane { site, id, state: State::New { stump: None } }
    }

    /// Of a clip that goes on growing.
    pub fn of(site: Arc<Site>, id: ClipId, clip: Clip) -> Lane {
        Lane { site, id, state: State::Open(Box::new(clip)) }
    }

    /// What to report if an order should panic: the clip is left to the next start, its segments go elsewhere.
    fn last_words(&self, order: &Order) -> Vec<Event> {
        let warning = Event::Warning("a clip broke down and will be finished at the next start (report this)".into());
        let clip = self.id;
        match order {
            Order::Append(append, _) => {
                let segment = append.segment.clone();
                vec![warning, Event::AppendFailed { clip, segment, failure: AppendFailure::Different }]
            }
            Order::Follow(follow, _) => {
                let segment = follow.append.segment.clone();
                vec![warning, Event::Followed { clip, segment, added: None, more: None }]
            }
            Order::Save(_) => vec![warning],
            Order::Picture(_) => {
                vec![warning, Event::PictureStored { clip, result: Err("the clip broke down".into()) }]
            }
            Order::Close(_) => vec![warning, Event::ClipClosed { clip, result: Ok(String::new()) }],
        }
    }

    fn carry_out(&mut self, order: Order) -> Vec<Event> {
        match order {
            Order::Append(append, since) => self.append(&append, since),
            Order::Follow(follow, until) => {
                let (added, more) = self.follow(&follow, until).unzip();
                vec![Event::Followed { clip: self.id, segment: follow.append.segment, added, more: more.flatten() }]
            }
            Order::Save(record) => {
                let is_there = self.come_back();
                if let State::Open(clip) = &mut self.state
                    && let Err(text) = is_there.and_then(|()| clip.save(&record))
                {
                    tracing::warn!("{text}");
                }
                Vec::new()
            }
            Order::Picture(picture) => {
                let is_there = self.come_back();
                let result = match &self.state {
                    State::Open(clip) => is_there.and_then(|()| pictures::store(&clip.files, picture.bytes())),
                    State::New { .. } | State::Ended => Err("its clip has no file".to_owned()),
                };
                vec![Event::PictureStored { clip: self.id, result }]
            }
            Order::Close(record) => self.close(&record),
        }
    }

    /// Makes sure that the archive is there, and that the clip is what it was if it was away meanwhile; one that is not
    /// ends there.
    fn come_back(&mut self) -> Result<(), String> {
        let is_there = self.site.check();
        let State::Open(clip) = &mut self.state else { return is_there };
        if let Err(away) = is_there {
            clip.let_go();
            return Err(away);
        }
        match clip.come_back(&self.site) {
            Ok(()) => Ok(()),
            Err(Stay::Later(why)) => Err(why),
            Err(Stay::Other(why)) => {
                self.state = State::Ended;
                Err(why)
            }
        }
    }

    fn close(&mut self, record: &Arc<Record>) -> Vec<Event> {
        let is_there = match &self.state {
            State::Open(_) => self.come_back(),
            State::New { .. } | State::Ended => Ok(()),
        };
        let result = match &mut self.state {
            State::New { stump: Some(files) } => {
                clip::discard(files).map(|()| String::new()).map_err(|error| sentence("removed", &files.part(), &error))
            }
            State::New { stump: None } | State::Ended => Ok(String::new()),
            State::Open(clip) => is_there.clone().and_then(|()| clip.close(record)),
        };
        // Its file is not its own any more: without a path, it is left to the next start.
        let ended = is_there.err().filter(|_| result.is_ok()).map(Event::Warning);
        if result.is_ok() {
            self.state = State::Ended;
        }
        ended.into_iter().chain([Event::ClipClosed { clip: self.id, result }]).collect()
    }

    /// What could be added of a segment that is still being written; the finished one makes up for the rest.
    fn follow(&mut self, follow: &Follow, until: Instant) -> Option<(Added, Option<Duration>)> {
        let (append, since) = (&follow.append, Instant::now());
        let slot = places::slot(&self.site.ring, &append.segment.camera, follow.slot);
        // One that has been claimed or has nothing whole in it yet is as usual as one that has.
        let segment = Segment::read(&slot).ok().filter(|_| since < until)?;
        let more = segment.more();
        let State::Open(clip) = &mut self.state else { return None };
        // If its disk was away, the next order that has to be carried out finds out whether it is what it was.
        if self.site.check().is_err() {
            clip.let_go();
        }
        if !clip.is_here(&self.site) {
            return None;
        }
        match clip.follow(append, segment, until) {
            Ok(added) => added.map(|added| (Added { took: since.elapsed(), ..added }, more)),
            Err(fault) => {
                tracing::debug!("{} was not followed: {fault:?}", append.segment);
                None
            }
        }
    }

    fn append(&mut self, append: &Append, since: Instant) -> Vec<Event> {
        let (clip, segment) = (self.id, append.segment.clone());
        let claimed = places::claimed(&self.site.ring, &segment);
        let mut events = Vec::new();
        match self.grow(append, &claimed, &mut events) {
            Ok(mut grown) => {
                grown.added.took = since.elapsed();
                events.push(Event::Appended { clip, segment, added: grown.added });
                events.extend(grown.note.map(Event::Warning));
                events.extend(self.site.let_go(&claimed).map(Event::Warning));
            }
            Err(failure) => {
                if let AppendFailure::Unusable(_) | AppendFailure::Empty = failure {
                    events.extend(self.site.let_go(&claimed).map(Event::Warning));
                }
                events.push(Event::AppendFailed { clip, segment, failure });
            }
        }
        events
    }

    fn grow(&mut self, append: &Append, claimed: &Path, events: &mut Vec<Event>) -> Result<Grown, AppendFailure> {
        if let State::Open(clip) = &self.state
            && let Some(grown) = clip.again(&append.segment)
        {
            return Ok(grown);
        }
        if let Err(why) = self.come_back() {
            return Err(match self.state {
                State::New { .. } | State::Open(_) => AppendFailure::Archive(why),
                State::Ended => {
                    events.push(Event::Warning(why));
                    AppendFailure::Different
                }
            });
        }
        let segment = Segment::read(claimed).map_err(|fault| match fault {
            Fault::Archive(error) => AppendFailure::Archive(sentence("read", claimed, &error)),
            Fault::Source(why) => AppendFailure::Unusable(why),
            Fault::Empty => AppendFailure::Empty,
            Fault::Different => AppendFailure::Different,
        })?;
        match &mut self.state {
            State::Open(clip) => clip.append(append, segment),
            State::New { stump } => {
                if let Some(files) = stump {
                    clip::discard(files)
                        .map_err(|error| AppendFailure::Archive(sentence("removed", &files.part(), &error)))?;
                    *stump = None;
                }
                let (clip, grown) = Clip::open(&self.site, append, segment).map_err(|(failure, left)| {
                    *stump = left;
                    failure
                })?;
                let (name, path) = (clip.files.name.clone(), clip.files.part().display().to_string());
                let start = names::start(&name, &append.segment.camera).unwrap_or(append.wall);
                events.push(Event::ClipOpened { clip: self.id, name, start, path });
                self.state = State::Open(Box::new(clip));
                Ok(grown)
            }
            State::Ended => Err(AppendFailure::Different),
        }
    }
}
