//! One segment of a ring.

use crate::model::id::RunId;
use crate::model::snapshot::Media;
use crate::model::time::{Mono, Window};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A segment that is or was in the ring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Only grows.
    pub number: u64,
    /// The life of FFmpeg that wrote it.
    pub run: RunId,
    /// When FFmpeg opened its slot; if nobody saw that, the earliest instant at which it can have been.
    pub opened: Mono,
    /// When FFmpeg closed it, or at the latest; `None` while it is being written.
    pub closed: Option<Mono>,
    /// Size when it was closed; 0 for as long as nobody knows.
    pub bytes: u64,
    /// What became of it.
    pub fate: Fate,
    /// Why the footage in front of it is missing, if it does not go on from the segment before.
    pub before: Option<Arc<str>>,
    /// What its header says, if it could be read.
    pub media: Option<Media>,
    /// If it was open for longer than footage came in, or nobody looked for a while when it was closed: how far its
    /// footage surely reached.
    pub sure: Option<Mono>,
}

/// What became of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// In its slot.
    InRing,
    /// Out of FFmpeg's reach.
    Claimed,
    /// On its way into the archive.
    Copying,
    /// Durable in the archive.
    Stored,
    /// Wanted, and gone.
    Lost,
    /// Finished without footage; its file is of no use.
    Empty,
    /// Not wanted, and gone: older than the ring, or empty.
    Gone,
}

impl Segment {
    /// When its footage came in; an open one reaches to the end of time.
    pub fn span(&self) -> Window<Mono> {
        Window { from: self.opened, to: self.closed.unwrap_or(Mono(u64::MAX)) }
    }

    /// Whether it is finished and may be claimed.
    pub fn claimable(&self) -> bool {
        self.closed.is_some() && self.fate == Fate::InRing
    }
}
