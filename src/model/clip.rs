//! One clip while it grows: what was wanted of it, what it got, and the difference with its cause.

use super::backoff::Setback;
use super::claim::{Claim, Queue};
use super::event::Added;
use super::id::{CameraName, ClipId};
use super::record::{ClipState, Gap, Record, Trigger, TriggerKind};
use super::snapshot::{ClipView, Media};
use super::time::{Anchor, Mono, Wall, Window};
use pieces::{Got, Missing, Part, Piece, gaps};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Slack where our clock and a stream's own are compared: choosing segments, and judging what is missing.
pub const SLACK: Duration = Duration::from_millis(500);

/// A growing clip. What it has much of is shared with the memory of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clip {
    /// Which.
    pub id: ClipId,
    camera: CameraName,
    /// What is wanted of it so far.
    pub asked: Window<Mono>,
    /// Footage before this instant is in another clip.
    pub taken: Mono,
    /// Set once no more will be wanted of it: why what is missing at its end is missing.
    pub ended: Option<Arc<str>>,
    /// The order to close it has been given.
    pub closing: bool,
    /// Closing failed.
    pub setback: Option<Setback>,
    /// Once it has one.
    pub file: Option<ClipFile>,
    /// An earlier recorder had it, and the archive could not be looked at yet: nothing is done with its file, if it has
    /// one.
    #[serde(default)]
    pub away: bool,
    /// The clip that this one goes on from without a gap.
    pub follows: Option<ClipId>,
    /// That clip's name, once known.
    pub continues: Option<String>,
    triggers: Arc<Vec<(Mono, TriggerKind)>>,
    more_triggers: u64,
    /// When those were that are too many to be listed, in whole seconds.
    moments: BTreeSet<u64>,
    /// In the order of their numbers.
    pieces: Arc<Vec<Piece>>,
    media: Option<Media>,
    bytes: u64,
    length: Duration,
    frames: u64,
    /// Frames of a segment that is still being written; counted once more, and for good, when it is stored.
    ahead: u64,
    /// What is in it of that segment, by its number.
    #[serde(default)]
    part: Option<(u64, Part)>,
    blake3: Option<Arc<str>>,
    /// The first segment that was meant for it: its number, and when it began.
    first: Option<(u64, Mono)>,
    /// The record that was last written does not name all that is lost.
    unnamed: bool,
    /// When no recorder ran while it grew.
    interruptions: Vec<Window<Mono>>,
}

/// The file of a clip, as the archive has named it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipFile {
    /// Without ending.
    pub name: String,
    /// When the footage begins, as the name says it. Lists go by this, whatever the wall clock is set to later.
    pub start: Wall,
    /// Where it grows.
    pub path: String,
}

impl Clip {
    /// A clip that nothing is in yet, of which `window` is wanted as far as it is not `taken`.
    pub fn new(id: ClipId, camera: CameraName, window: Window<Mono>, taken: Mono) -> Self {
        let from = window.from.max(taken);
        Self {
            id,
            camera,
            asked: Window { from, to: window.to.max(from) },
            taken,
            ended: None,
            closing: false,
            setback: None,
            file: None,
            away: false,
            follows: None,
            continues: None,
            triggers: Arc::default(),
            more_triggers: 0,
            moments: BTreeSet::new(),
            pieces: Arc::default(),
            media: None,
            bytes: 0,
            length: Duration::ZERO,
            frames: 0,
            ahead: 0,
            part: None,
            blake3: None,
            first: None,
            unnamed: false,
            interruptions: Vec::new(),
        }
    }

    /// Ends this clip where another goes on, and answers that one. It exists for the same reason, so it is given the
    /// last trigger; and if this one had ended already, so has it.
    pub fn go_on(&mut self, id: ClipId, at: Mono, cause: Arc<str>) -> Clip {
        let mut next = Clip::new(id, self.camera.clone(), self.asked, at);
        Arc::make_mut(&mut next.triggers).extend(self.triggers.last().cloned());
        next.follows = Some(self.id);
        next.continues = self.file.as_ref().map(|file| file.name.clone());
        next.ended = self.ended.replace(cause);
        self.asked.to = at.max(self.asked.from);
        next
    }

    /// A further reason for it.
    pub fn trigger(&mut self, at: Mono, kind: TriggerKind) {
        if self.triggers.len() < Record::MAX_TRIGGERS {
            Arc::make_mut(&mut self.triggers).push((at, kind));
        } else {
            self.more_triggers = self.more_triggers.saturating_add(1);
            self.moments.insert(at.0 / 1_000_000);
        }
    }

    /// The picture that came with the mail of that instant lies beside it, under this name.
    pub fn pictured(&mut self, at: Mono, name: &str) {
        let triggers = Arc::make_mut(&mut self.triggers).iter_mut().filter(|(instant, _)| *instant == at);
        let mut mails = triggers.filter_map(|(_, kind)| match kind {
            TriggerKind::Mail(mail) if mail.picture.is_none() => Some(mail),
            TriggerKind::Mail(_) | TriggerKind::Key | TriggerKind::Command => None,
        });
        if let Some(mail) = mails.next() {
            mail.picture = Some(name.to_owned());
        }
    }

    /// How many pictures lie beside it, as far as it is known.
    pub fn pictures(&self) -> usize {
        self.triggers.iter().filter(|(_, kind)| kind.mail().is_some_and(|mail| mail.picture.is_some())).count()
    }

    /// How far some footage is from the nearest trigger.
    pub fn distance(&self, span: Window<Mono>) -> Duration {
        let listed = self.triggers.iter().map(|(at, _)| *at);
        let instants = listed.chain(self.moments.iter().map(|second| Mono(second.saturating_mul(1_000_000))));
        instants.map(|at| span.from.since(at).max(at.since(span.to))).min().unwrap_or(Duration::MAX)
    }

    /// More is wanted.
    pub fn ask(&mut self, window: Window<Mono>) {
        self.asked.from = self.asked.from.min(window.from.max(self.taken));
        self.asked.to = self.asked.to.max(window.to);
    }

    /// A segment was claimed for it. Answers how far into the clip it stands.
    pub fn meant(&mut self, number: u64, began: Mono) -> Duration {
        began.since(self.first.get_or_insert((number, began)).1)
    }

    /// The first segment that was claimed for it: its number, and when it began.
    pub fn first(&self) -> Option<(u64, Mono)> {
        self.first
    }

    /// Whether it has a file that is there and grows.
    pub fn grows_now(&self) -> bool {
        self.file.is_some() && !self.closing && !self.away
    }

    /// Whether nothing is stored in it.
    pub fn is_empty(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece.got, Got::Lost(_)))
    }

    /// A segment is durable. Answers whether there is a gap that the written record does not name.
    pub fn stored(&mut self, claim: &Claim, added: &Added) -> bool {
        let known = gaps(self, &self.pieces).len();
        self.piece(Piece::of(claim, Got::Stored { bytes: added.bytes, hole: added.hole }));
        self.frames = self.frames.saturating_add(added.frames);
        (self.ahead, self.part) = (0, None);
        self.is_now(added);
        if self.media.is_none() {
            self.media.clone_from(&claim.media);
        }
        std::mem::take(&mut self.unnamed) || gaps(self, &self.pieces).len() > known
    }

    /// A part of a segment is durable that was still being written when that was ordered.
    pub fn followed(&mut self, number: u64, added: &Added) {
        self.ahead = self.ahead.saturating_add(added.frames);
        // It may have been given up meanwhile.
        let lost = self.pieces.iter().position(|piece| piece.number == number);
        let part = match lost {
            Some(place) => self.pieces[place].part,
            None => self.part.filter(|(of, _)| *of == number).map_or_else(Part::default, |(_, part)| part),
        };
        let (bytes, longer) = (part.bytes.saturating_add(added.bytes), added.clip_length.saturating_sub(self.length));
        let part = Part { bytes, length: part.length.saturating_add(longer) };
        match lost {
            Some(place) => {
                Arc::make_mut(&mut self.pieces)[place].part = part;
                self.unnamed = true;
            }
            None => self.part = Some((number, part)),
        }
        self.is_now(added);
    }

    /// Its file is so large, so long and of this hash.
    fn is_now(&mut self, added: &Added) {
        self.bytes = added.clip_bytes;
        // Of whole microseconds, as the record has it: lists must not tell two lengths of one clip.
        self.length = Duration::from_micros(u64::try_from(added.clip_length.as_micros()).unwrap_or(u64::MAX));
        self.blake3 = Some(Arc::clone(&added.blake3));
    }

    /// A segment that was meant for it is gone, but for what was followed of it.
    pub fn lost(&mut self, claim: &Claim, cause: &str) {
        let part = self.part.take_if(|(of, _)| *of == claim.number).map(|(_, part)| part);
        if part.is_some() {
            self.frames = self.frames.saturating_add(std::mem::take(&mut self.ahead));
        }
        self.piece(Piece { part: part.unwrap_or_default(), ..Piece::of(claim, Got::Lost(cause.into())) });
        self.unnamed = true;
    }

    fn piece(&mut self, piece: Piece) {
        let place = self.pieces.partition_point(|known| known.number < piece.number);
        Arc::make_mut(&mut self.pieces).insert(place, piece);
    }

    /// What is missing of what was asked, as far as it can be told now, in order. What waits in the `queue` is not
    /// missing.
    fn missing(&self, queue: &Queue) -> Vec<Missing> {
        let mut waiting = self.waiting_in(queue).peekable();
        if waiting.peek().is_none() {
            return gaps(self, &self.pieces);
        }
        let mut pieces: Vec<_> = self.pieces.iter().cloned().chain(waiting).collect();
        pieces.sort_by_key(|piece| piece.number);
        gaps(self, &pieces)
    }

    fn waiting_in(&self, queue: &Queue) -> impl Iterator<Item = Piece> {
        queue.iter().filter(|claim| claim.clip == self.id).map(|claim| Piece::of(claim, Got::Waiting))
    }

    /// How much of what was asked waits in RAM.
    fn waiting(&self, queue: &Queue) -> Duration {
        let asked = |piece: Piece| piece.span.to.min(self.asked.to).since(piece.span.from.max(self.asked.from));
        self.waiting_in(queue).map(asked).fold(Duration::ZERO, Duration::saturating_add)
    }

    /// How much of what was asked is missing, and why most of it is.
    pub fn shortfall(&self, queue: &Queue) -> Option<(Duration, Arc<str>)> {
        let gaps = self.missing(queue);
        let length = |gap: &Missing| gap.0.to.since(gap.0.from);
        let (_, cause) = gaps.iter().max_by_key(|gap| length(gap))?;
        let all = gaps.iter().map(length).fold(Duration::ZERO, Duration::saturating_add);
        Some((all, cause.clone()))
    }

    /// Its record as it stands. One anchor serves all of it, the newest: should the clock on the wall have been set
    /// meanwhile, then because it was wrong, and spans and distances are right in any case.
    pub fn record(&self, anchor: &Anchor, queue: &Queue) -> Record {
        let segments: Vec<_> = self.pieces.iter().filter_map(|piece| piece.shown(anchor)).collect();
        let ends = segments.first().zip(segments.last());
        Record {
            version: Record::VERSION,
            camera: self.camera.clone(),
            state: if self.ended.is_some() { ClipState::Closed } else { ClipState::Open },
            asked: self.asked.wall(anchor),
            got: ends.map(|(first, last)| Window { from: first.window.from, to: last.window.to }),
            gaps: self
                .missing(queue)
                .into_iter()
                .map(|(window, cause)| Gap { window: window.wall(anchor), cause: cause.as_ref().to_owned() })
                .collect(),
            triggers: self
                .triggers
                .iter()
                .map(|(at, kind)| Trigger { at: anchor.wall(*at), kind: kind.clone() })
                .collect(),
            more_triggers: self.more_triggers,
            segments,
            media: self.media.clone(),
            bytes: self.bytes,
            // A short number, which JSON gives back as it was.
            seconds: self.length.as_micros() as f64 / 1e6,
            frames: self.frames.saturating_add(self.ahead),
            blake3: self.blake3.clone(),
            sha256: None,
            continues: self.continues.clone(),
            interruptions: self.interruptions.iter().map(|window| window.wall(anchor)).collect(),
        }
    }

    /// For lists; `None` until it has a file.
    pub fn view(&self, queue: &Queue) -> Option<ClipView> {
        let ClipFile { name, start, path } = self.file.clone()?;
        Some(ClipView {
            name,
            camera: self.camera.clone(),
            start,
            length: self.length,
            bytes: self.bytes,
            trigger: self.triggers.first().map_or("", |(_, kind)| kind.word()).to_owned(),
            subject: self.triggers.first().map(|(_, kind)| kind.about()).unwrap_or_default(),
            missing: self.shortfall(queue).map_or(Duration::ZERO, |(missing, _)| missing),
            waiting: self.waiting(queue),
            interrupted: false,
            open: true,
            protected: false,
            path,
        })
    }
}

mod left;
mod pieces;

#[cfg(test)]
mod tests;
