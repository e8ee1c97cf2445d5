//! What has been taken out of the ring and is not yet stored, in the order in which the archive gets it.
//!
//! A claim stands here from the moment it is ordered, not from when it was carried out: so no clip can be closed, and
//! no recorder end, while one of its segments is on its way.

use super::backoff::Setback;
use super::id::{ClipId, RunId};
use super::ring::Segment;
use super::snapshot::Media;
use super::time::{Mono, Window};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// A segment that is out of the ring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// Its number.
    pub number: u64,
    /// Who wrote it.
    pub run: RunId,
    /// When it came in.
    pub span: Window<Mono>,
    /// How far its footage surely reaches, if that is not the end of its span.
    pub sure: Option<Mono>,
    /// Its size.
    pub bytes: u64,
    /// What its header says.
    pub media: Option<Media>,
    /// Why there is a gap in front of it, if there is.
    pub before: Option<Arc<str>>,
    /// The clip it is meant for.
    pub clip: ClipId,
    /// How far into the clip it stands.
    pub offset: Duration,
    /// Appending it failed.
    pub setback: Option<Setback>,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    /// The order to claim it is given.
    Ordered,
    /// It is out of FFmpeg's reach.
    Held,
    /// It is being appended.
    Copying,
    /// It was being appended when its recorder was killed, and is not in RAM any more. The clip holds it then, unless
    /// there was nothing in it; that is known once the clip can be read.
    InDoubt,
}

impl Claim {
    /// One that is just being ordered.
    pub fn new(segment: &Segment, clip: ClipId, offset: Duration) -> Self {
        Self {
            number: segment.number,
            run: segment.run,
            span: segment.span(),
            sure: segment.sure,
            bytes: segment.bytes,
            media: segment.media.clone(),
            before: segment.before.clone(),
            clip,
            offset,
            setback: None,
            stage: Stage::Ordered,
        }
    }

    /// Whether it was ordered, and nobody has heard that it was carried out.
    pub fn is_ordered(&self) -> bool {
        self.stage == Stage::Ordered
    }

    /// Whether it was being appended, so that its clip may hold it if it is not in RAM.
    pub fn may_be_stored(&self) -> bool {
        matches!(self.stage, Stage::Copying | Stage::InDoubt)
    }

    /// It is not in RAM, and may be stored.
    pub fn is_in_doubt(&mut self) {
        (self.stage, self.setback) = (Stage::InDoubt, None);
    }

    /// It lies out of FFmpeg's reach and waits to be appended, whatever was done before.
    pub fn is_held(&mut self, bytes: u64) {
        (self.stage, self.bytes, self.setback) = (Stage::Held, bytes, None);
    }

    /// It is to be claimed again.
    pub fn is_to_be_claimed(&mut self) {
        (self.stage, self.setback) = (Stage::Ordered, None);
    }
}

/// One camera's claims. Only the first is ever being appended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Queue(VecDeque<Claim>);

impl Queue {
    /// One more, behind all others.
    pub fn push(&mut self, claim: Claim) {
        self.0.push_back(claim);
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Claim> {
        self.0.iter()
    }

    /// The same, for good.
    pub fn into_claims(self) -> impl Iterator<Item = Claim> {
        self.0.into_iter()
    }

    /// A claim was carried out: so large is the file.
    pub fn held(&mut self, number: u64, bytes: u64) {
        if let Some(claim) = self.0.iter_mut().find(|claim| claim.number == number && claim.stage == Stage::Ordered) {
            (claim.stage, claim.bytes) = (Stage::Held, bytes);
        }
    }

    /// A claim could not be carried out. Answers it.
    pub fn refused(&mut self, number: u64) -> Option<Claim> {
        let place = self.0.iter().position(|claim| claim.number == number && claim.stage == Stage::Ordered)?;
        self.0.remove(place)
    }

    /// Takes up the next append, if there is one and its time has come.
    pub fn next(&mut self, now: Mono) -> Option<&Claim> {
        let first = self.0.front_mut().filter(|first| first.stage == Stage::Held)?;
        if first.setback.as_ref().is_some_and(|setback| now < setback.retry_at) {
            return None;
        }
        first.stage = Stage::Copying;
        Some(first)
    }

    /// The claim that is being appended, if it is `number`.
    pub fn copying(&mut self, number: u64) -> Option<&mut Claim> {
        self.0.front_mut().filter(|first| first.stage == Stage::Copying && first.number == number)
    }

    /// The append of `number` is over, for good or ill. Answers the claim.
    pub fn done(&mut self, number: u64) -> Option<Claim> {
        self.copying(number)?;
        self.0.pop_front()
    }

    /// A clip can be read. Answers the claim of which only that can tell whether it is stored.
    pub fn doubted(&mut self, clip: ClipId) -> Option<Claim> {
        let place = self.0.iter().position(|claim| claim.clip == clip && claim.stage == Stage::InDoubt)?;
        self.0.remove(place)
    }

    /// The append of `number` is to be given again: later if there is a setback, else at once.
    pub fn again(&mut self, number: u64, setback: Option<Setback>) {
        if let Some(claim) = self.copying(number) {
            claim.stage = Stage::Held;
            claim.setback = setback;
        }
    }

    /// When [`Queue::next`] next matters.
    pub fn due(&self) -> Option<Mono> {
        let first = self.0.front().filter(|first| first.stage == Stage::Held)?;
        first.setback.as_ref().map(|setback| setback.retry_at)
    }

    /// All claims that are meant for a clip.
    pub fn of(&mut self, clip: ClipId) -> impl Iterator<Item = &mut Claim> {
        self.0.iter_mut().filter(move |claim| claim.clip == clip)
    }

    /// Whether the first of all is meant for that clip.
    pub fn is_first_of(&self, clip: ClipId) -> bool {
        self.0.front().is_some_and(|claim| claim.clip == clip)
    }

    /// Whether a clip still waits for a segment.
    pub fn holds(&self, clip: ClipId) -> bool {
        self.0.iter().any(|claim| claim.clip == clip)
    }

    /// Claims that the archive has not been given yet. The first one may be with it, or wait there for another try.
    pub fn waiting(&self) -> impl Iterator<Item = &Claim> {
        self.0.iter().filter(|claim| !claim.may_be_stored() && claim.setback.is_none())
    }

    /// Gives up a claim that waits. Answers it.
    pub fn give_up(&mut self, number: u64) -> Option<Claim> {
        let waits = self.waiting().any(|claim| claim.number == number);
        let place = self.0.iter().position(|claim| claim.number == number).filter(|_| waits)?;
        self.0.remove(place)
    }

    /// What appending the first has failed of.
    pub fn setback(&self) -> Option<&Setback> {
        self.0.front()?.setback.as_ref()
    }

    /// The same, to be changed.
    pub fn setback_mut(&mut self) -> Option<&mut Setback> {
        self.0.front_mut()?.setback.as_mut()
    }

    /// How many lie in RAM, and bytes.
    pub fn size(&self) -> (u32, u64) {
        let in_ram = self.0.iter().filter(|claim| claim.stage != Stage::InDoubt);
        in_ram.fold((0, 0), |(count, bytes): (u32, u64), claim| {
            (count.saturating_add(1), bytes.saturating_add(claim.bytes))
        })
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
