//! Orders that the recorder gives. The hands carry them out and report what came of it.

use super::budget::Spent;
use super::command::Answer;
use super::event::Picture;
use super::id::{CameraName, ClipId, RequestId, RunId, SegmentId};
use super::memory::Memory;
use super::question::ClipQuery;
use super::record::Record;
use super::settings::{Camera, Settings};
use super::snapshot::Entry;
use super::time::{Mono, Wall};
use super::transcript::Fix;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Something to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Start a camera's FFmpeg.
    StartCamera {
        /// What to open.
        camera: Arc<Camera>,
        /// Of which life the news will be.
        run: RunId,
        /// The slot to begin with.
        slot: u32,
        /// Make the sound AAC, whatever the settings say.
        encode_audio: bool,
        /// The last try failed: whether anybody answers at all is to be asked first, which costs nothing.
        in_doubt: bool,
    },
    /// Take a camera's FFmpeg down the stop ladder.
    StopCamera {
        /// Whose.
        camera: CameraName,
        /// Which life.
        run: RunId,
        /// What to report as the reason; `None`: it was asked for.
        reason: Option<String>,
    },
    /// Look what really lies in every ring directory.
    Sweep,
    /// Rename a finished slot out of FFmpeg's reach, unless FFmpeg has gone round and is writing over it.
    Claim {
        /// What it is from now on.
        segment: SegmentId,
        /// FFmpeg's file.
        slot: u32,
        /// Its size, if known: a file of another size is another segment.
        bytes: Option<u64>,
    },
    /// Remove a slot that is older than the ring is long, with the same reservation.
    Unlink {
        /// Whose.
        camera: CameraName,
        /// FFmpeg's file.
        slot: u32,
        /// Its size: a file of another size stays.
        bytes: u64,
    },
    /// Append a claimed segment to a clip, opening the clip if it is the first.
    Append(Box<Append>),
    /// Append what is whole of the segment that is still being written, so that a power cut costs no more than that.
    Follow(Box<Follow>),
    /// Give up a claimed segment that is not stored: there is no room for it.
    Discard {
        /// Which.
        segment: SegmentId,
    },
    /// Note down what a recorder after this one has to know, before anything else that this step orders.
    Remember {
        /// Whose.
        camera: CameraName,
        /// What.
        memory: Box<Memory>,
    },
    /// Read the configuration again.
    Reload {
        /// Who asks; `None`: a signal.
        request: Option<RequestId>,
    },
    /// Write a line into the configuration and read it again. Ends as [`super::event::Event::FixWritten`].
    Write {
        /// Who asks.
        request: RequestId,
        /// What to write.
        fix: Fix,
    },
    /// Go on with these settings: retention's limits, who may send mail, whose host is looked up.
    Adopt(Arc<Settings>),
    /// Make a camera's ring and watch it, before its FFmpeg is started. Ends as [`super::event::Event::RingOpened`].
    OpenRing {
        /// Whose.
        camera: CameraName,
    },
    /// Remove the ring of a camera that is there no more; what is claimed stays.
    CloseRing {
        /// Whose.
        camera: CameraName,
    },
    /// Write a clip's record as it stands.
    SaveRecord {
        /// Whose.
        clip: ClipId,
        /// What.
        record: Arc<Record>,
    },
    /// Put a camera's own picture beside a clip that has a file. Ends as [`super::event::Event::PictureStored`].
    StorePicture {
        /// Whose.
        clip: ClipId,
        /// It.
        picture: Picture,
    },
    /// Give a clip its final name and its last record.
    CloseClip {
        /// Which.
        clip: ClipId,
        /// What it holds.
        record: Arc<Record>,
    },
    /// Read a page of the clip list from the archive.
    ListClips {
        /// Who asks.
        request: RequestId,
        /// Which page.
        query: ClipQuery,
    },
    /// Read all there is about a clip.
    ShowClip {
        /// Who asks.
        request: RequestId,
        /// Its name.
        clip: String,
    },
    /// Change a closed clip as a person wants it.
    ChangeClip {
        /// Who asks.
        request: RequestId,
        /// Its name.
        clip: String,
        /// How.
        change: ClipChange,
    },
    /// Make pictures.
    TakeStills {
        /// Who asks.
        request: RequestId,
        /// From where.
        from: Footage,
        /// Pixels across, at most.
        width: u32,
    },
    /// Answer a command.
    Reply {
        /// Which.
        request: RequestId,
        /// The answer.
        answer: Answer,
    },
    /// Put a sentence into the log; it is in the snapshot's tail already.
    Log(Entry),
    /// Remember who is armed, for the next start.
    SaveArmed(BTreeMap<CameraName, bool>),
    /// Remember how much footage mails had saved today, for the next start.
    SaveSpent(Spent),
    /// Begin the written order of stopping.
    Stop {
        /// Who asked.
        who: String,
    },
}

/// What a person may do to a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClipChange {
    /// Keep it whatever retention says, or no longer.
    Protect(bool),
    /// Delete it and its record.
    Delete,
}

/// Where pictures come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Footage {
    /// A camera: the places of its newest segments, newest first. FFmpeg may be a step ahead of what is known, the newest
    /// may hold nothing whole yet, and what is claimed may be stored any moment, so there is more than one.
    Newest(CameraName, Vec<Place>),
    /// A clip, by its name.
    Clip(String),
}

/// Where a segment lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In FFmpeg's file.
    Slot(u32),
    /// Claimed, by its number.
    Claimed(u64),
    /// In the archive, where its camera's newest clip ends.
    Archive,
}

/// A segment that is still being written, for a clip that has a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Follow {
    /// As when it will be finished.
    pub append: Append,
    /// FFmpeg's file.
    pub slot: u32,
    /// Until then FFmpeg cannot have come round to that file again; after it, it must not be read.
    pub until: Mono,
}

/// One segment for one clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// The clip that grows.
    pub clip: ClipId,
    /// The claimed segment.
    pub segment: SegmentId,
    /// FFmpeg's life that wrote it: times go on only within one.
    pub run: RunId,
    /// When its footage began, for the clip's name.
    pub wall: Wall,
    /// How long after the clip's beginning it began, on our clock: what to go by where stream times break.
    pub offset: Duration,
    /// The record, to be written when this append opens the clip.
    pub record: Arc<Record>,
}
