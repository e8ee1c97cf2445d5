//! The segments that were meant for a clip, what it has of each, and what follows from that: what is missing, and why.

use super::{Clip, SLACK};
use crate::model::claim::Claim;
use crate::model::id::RunId;
use crate::model::record::Stored;
use crate::model::time::{Anchor, Mono, Window};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// A segment that was meant for the clip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Piece {
    pub(super) number: u64,
    pub(super) run: RunId,
    pub(super) span: Window<Mono>,
    /// How far its footage surely reaches, if that is not the end of its span.
    pub(super) sure: Option<Mono>,
    /// Why there is a gap in front of it, if there is.
    pub(super) before: Option<Arc<str>>,
    pub(super) got: Got,
    /// What the clip has of it though it is lost: its beginning, which was followed while it was written.
    #[serde(default)]
    pub(super) part: Part,
}

/// The beginning of a segment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) bytes: u64,
    pub(super) length: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Got {
    Stored {
        bytes: u64,
        hole: Option<Duration>,
    },
    Lost(Arc<str>),
    /// It waits in RAM for the archive. Never kept: the queue knows.
    #[serde(skip)]
    Waiting,
}

/// Something that is missing, and why.
pub(super) type Missing = (Window<Mono>, Arc<str>);

/// What is missing of what was asked of a clip that has these pieces, in order.
pub(super) fn gaps(clip: &Clip, pieces: &[Piece]) -> Vec<Missing> {
    let mut gaps: Vec<Missing> = Vec::new();
    let mut end = clip.asked.from;
    let mut last: Option<&Piece> = None;
    for piece in pieces {
        let Window { from, to } = piece.span;
        let goes_on = last.is_some_and(|last| last.number + 1 == piece.number && last.run == piece.run);
        // Where the first one begins is compared with what was asked, else our clock with itclip.
        let slack = if last.is_none() { SLACK } else { Duration::ZERO };
        if !goes_on && end + slack < from {
            let why = piece.before.clone().unwrap_or_else(|| "it was no longer in the ring".into());
            gaps.push((Window { from: end, to: from }, why));
        }
        match &piece.got {
            Got::Lost(cause) => gaps.push((Window { from: from + piece.part.length, to }, cause.clone())),
            // Behind one that is lost the hole is that one's.
            Got::Stored { hole: Some(hole), .. } if goes_on && last.is_some_and(Piece::is_stored) => {
                gaps.push((Window { from: from - *hole, to: from }, "the camera's stream skipped this time".into()));
            }
            Got::Stored { .. } | Got::Waiting => {}
        }
        (end, last) = (end.max(piece.sure.unwrap_or(to)), Some(piece));
    }
    if let Some(cause) = clip.ended.as_ref().filter(|_| end + SLACK < clip.asked.to) {
        gaps.push((Window { from: end, to: clip.asked.to }, cause.clone()));
    }
    let asked = |(gap, cause): Missing| {
        let gap = Window { from: gap.from.max(clip.asked.from), to: gap.to.min(clip.asked.to) };
        (gap.from < gap.to).then_some((gap, cause))
    };
    let mut gaps: Vec<Missing> = gaps.into_iter().filter_map(asked).collect();
    // What went segment by segment is one gap to a person.
    gaps.dedup_by(|next, last| {
        let one = next.1 == last.1 && next.0.from == last.0.to;
        if one {
            last.0.to = next.0.to;
        }
        one
    });
    gaps
}

impl Piece {
    pub(super) fn of(claim: &Claim, got: Got) -> Self {
        let (number, run, span, before) = (claim.number, claim.run, claim.span, claim.before.clone());
        Self { number, run, span, sure: claim.sure, before, got, part: Part::default() }
    }

    /// Bytes of it that are in the clip.
    pub(super) fn bytes(&self) -> u64 {
        match self.got {
            Got::Stored { bytes, .. } => bytes,
            Got::Lost(_) => self.part.bytes,
            Got::Waiting => 0,
        }
    }

    fn is_stored(&self) -> bool {
        match self.got {
            Got::Stored { .. } => true,
            Got::Lost(_) | Got::Waiting => false,
        }
    }

    pub(super) fn shown(&self, anchor: &Anchor) -> Option<Stored> {
        match self.got {
            Got::Stored { bytes, .. } => Some(Stored { number: self.number, window: self.span.wall(anchor), bytes }),
            Got::Lost(_) | Got::Waiting => None,
        }
    }
}
