//! Facts that reach the recorder. Nothing in here is an order and nothing is a guess: each says what a hand saw.

mod mail;

use super::effect::ClipChange;
use super::id::{CameraName, ClipId, LetterId, RequestId, RunId, SegmentId};
use super::memory::Regrown;
use super::question::{ClipDetails, ClipPage, Still};
use super::settings::Settings;
use super::snapshot::{ClipView, Media};
use super::time::{Anchor, Wall};
use super::transcript::Transcript;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use mail::{Mail, Picture};

/// Something happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The wall clock was read; `day` is the local date, as `2026-11-22`, by which "today" is counted.
    Clock {
        /// What both clocks show.
        anchor: Anchor,
        /// The local date.
        day: String,
    },
    /// What one FFmpeg did.
    Camera {
        /// Whose.
        camera: CameraName,
        /// In which of its lives; news of an earlier one is old.
        run: RunId,
        /// What.
        news: CameraNews,
    },
    /// FFmpeg opened a slot for writing.
    SlotOpened {
        /// Whose.
        camera: CameraName,
        /// FFmpeg's file, `0..wrap`.
        slot: u32,
    },
    /// What was found in a slot that FFmpeg has just closed; it comes before that is said.
    SlotSeen {
        /// Whose.
        camera: CameraName,
        /// FFmpeg's file.
        slot: u32,
        /// What.
        seen: Seen,
    },
    /// FFmpeg closed a slot after writing: it is complete.
    SlotClosed {
        /// Whose.
        camera: CameraName,
        /// What is in it.
        file: SlotFile,
        /// What its header says, if it could be read.
        media: Option<Media>,
    },
    /// The answer to [`super::effect::Effect::Sweep`]: what really lies in the ring directories.
    Swept {
        /// One entry a camera.
        rings: Vec<(CameraName, Vec<SlotFile>)>,
        /// The file system of the ring, if it can be told.
        ram: Option<Space>,
    },
    /// A claim was carried out, or why not.
    Claimed {
        /// Which.
        segment: SegmentId,
        /// Bytes of the file, or the error.
        result: Result<u64, String>,
    },
    /// A mail, or as much of it as came before the line broke.
    Mail(Mail),
    /// What was said on a connection to the mail port. What is told of it while it goes on, it replaces.
    Session {
        /// All of it so far.
        transcript: Box<Transcript>,
        /// How many ended before it that there was no room to tell of.
        untold: u64,
    },
    /// The rest of a mail that had triggered before it was complete, and in it the picture.
    MailRest {
        /// Which.
        letter: LetterId,
        /// It.
        picture: Picture,
    },
    /// The mail port is open, or why it is not.
    MailPort(Result<String, String>),
    /// Where the host names of sources lead: all that are known.
    Hosts(Vec<(CameraName, IpAddr)>),
    /// The recorder begins to work, before anything else happens.
    Began {
        /// Where a person finds what earlier recorders said, if that is known.
        earlier: Option<String>,
    },
    /// A sentence for the journal: mail that was refused, footage that was recovered.
    Note(String),
    /// A clip's file exists; it has a name now.
    ClipOpened {
        /// Which.
        clip: ClipId,
        /// Its name: the file's without ending.
        name: String,
        /// When its footage begins, as the name says it: its place in the list of clips.
        start: Wall,
        /// The file that grows.
        path: String,
    },
    /// A segment is durable in the archive.
    Appended {
        /// The clip that grew.
        clip: ClipId,
        /// By which segment.
        segment: SegmentId,
        /// How.
        added: Added,
    },
    /// The answer to [`super::effect::Effect::Follow`].
    Followed {
        /// The clip that grew, if it did.
        clip: ClipId,
        /// The segment that is still being written.
        segment: SegmentId,
        /// The clip as it is now; `None`: nothing was added, whatever the reason, and appending the finished segment
        /// will tell. `bytes` and `frames` are what this step added.
        added: Option<Added>,
        /// In how long there is likely to be more of it; `None`: nobody can tell.
        more: Option<Duration>,
    },
    /// A segment could not be appended; the clip is as long as before and the segment still in RAM.
    AppendFailed {
        /// The clip.
        clip: ClipId,
        /// The segment.
        segment: SegmentId,
        /// Why, and what follows from it.
        failure: AppendFailure,
    },
    /// The answer to [`super::effect::Effect::StorePicture`].
    PictureStored {
        /// Beside which clip.
        clip: ClipId,
        /// The file's name, or why it is not there; it may be ordered again.
        result: Result<String, String>,
    },
    /// A clip has its final name, or why not yet.
    ClipClosed {
        /// Which.
        clip: ClipId,
        /// Its final path, or the error; then closing is tried again.
        result: Result<String, String>,
    },
    /// What the archive found of clips that grew when an earlier recorder was killed, and that it could not look for at
    /// the start. It comes before they are given orders.
    Regrown(Vec<Regrown>),
    /// What the archive held at the start, newest first.
    ClipsFound(Vec<ClipView>),
    /// The answer to [`super::effect::Effect::ListClips`].
    ClipsListed {
        /// Who asked.
        request: RequestId,
        /// The page.
        result: Result<ClipPage, String>,
    },
    /// The answer to [`super::effect::Effect::ShowClip`].
    ClipShown {
        /// Who asked.
        request: RequestId,
        /// What there is, or why it cannot be told: a sentence.
        result: Result<Box<ClipDetails>, String>,
    },
    /// The answer to [`super::effect::Effect::ChangeClip`].
    ClipChanged {
        /// Who asked.
        request: RequestId,
        /// The clip's name.
        clip: String,
        /// What was to be done.
        change: ClipChange,
        /// Done, or why not: a sentence with the remedy.
        result: Result<(), String>,
    },
    /// The answer to [`super::effect::Effect::TakeStills`].
    StillsTaken {
        /// Who asked.
        request: RequestId,
        /// Pictures, at least one; or why there is none.
        result: Result<Vec<Still>, String>,
    },
    /// Clips that went to make room or for their age, or why they could not.
    Retained {
        /// Clips that are gone.
        deleted: Vec<Gone>,
        /// What stands in the way, as it is now; `None`: nothing, or nothing any more.
        trouble: Option<String>,
    },
    /// Room in the archive, or why it cannot be told.
    ArchiveSpace(Result<Space, String>),
    /// Anything else a person should know, with its remedy; shown until the recorder ends.
    Warning(String),
    /// What deserves a look about the configuration, in place of all that was said of it before.
    ConfigWarnings(Vec<String>),
    /// SIGHUP came: somebody wants the configuration to be read again, or only a terminal is gone.
    HungUp,
    /// The answer to [`super::effect::Effect::Reload`].
    Reloaded {
        /// Who asked; `None`: a signal.
        request: Option<RequestId>,
        /// What the file says now; or its mistakes, a sentence a line, and then the old settings stay in force.
        result: Result<Reread, String>,
    },
    /// The answer to [`super::effect::Effect::Write`].
    FixWritten {
        /// Who asked.
        request: RequestId,
        /// What was written, in words, and what the file says now; or why nothing was, with the line to write by hand.
        result: Result<(String, Reread), String>,
    },
    /// The answer to [`super::effect::Effect::OpenRing`].
    RingOpened {
        /// Whose.
        camera: CameraName,
        /// The number of its first segment: beyond all that still waits there to be stored.
        first: u64,
    },
    /// Somebody asked the recorder to stop; the text says who.
    StopAsked(String),
}

/// Why an archive that has just come takes nothing yet: no fault, and over by itself.
pub const FINISHING: &str = "the archive is there, and what an earlier recorder left in it is finished first (wait)";

/// A clip that retention deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Its name.
    pub name: String,
    /// When its footage began.
    pub start: Wall,
    /// Which limit asked for it, with numbers.
    pub why: String,
}

/// A configuration that was read again, and in which there is no mistake.
#[derive(Debug, Clone, PartialEq)]
pub struct Reread {
    /// Its file, as sentences call it.
    pub file: String,
    /// What it says.
    pub settings: Arc<Settings>,
    /// What deserves a look about it, with the remedy.
    pub warnings: Vec<String>,
}

/// What one FFmpeg did.
#[derive(Debug, Clone, PartialEq)]
pub enum CameraNews {
    /// It runs.
    Started,
    /// `-progress` spoke.
    Progress {
        /// Video packets so far.
        frames: u64,
    },
    /// A line of stderr, without secrets and control characters.
    Said(String),
    /// It ended and was reaped: it writes no more.
    Ended {
        /// Why, in words; `None` if we asked for it.
        reason: Option<Trouble>,
    },
}

/// What went wrong with a camera.
#[derive(Debug, Clone, PartialEq)]
pub struct Trouble {
    /// One sentence with the remedy.
    pub text: String,
    /// What can be done about it without a person.
    pub cure: Option<Cure>,
}

/// What the recorder itself can change to help a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cure {
    /// MP4 cannot hold this sound: make it AAC.
    EncodeAudio,
    /// Nothing but wait for a person: to try again soon is no use, and some cameras lock out who is wrong too often.
    Person,
}

/// What a finished slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// How long its pictures last.
    pub footage: Duration,
    /// Stands for the parameters that its last pictures are coded by; `None`: they do not say, or nobody understands.
    pub shape: Option<u64>,
}

/// A file in a ring directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotFile {
    /// Its name without `.mp4`.
    pub slot: u32,
    /// Its size now.
    pub bytes: u64,
}

/// Room on a file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Space {
    /// All of it.
    pub total: u64,
    /// What this user may still write.
    pub free: u64,
}

/// What an append did.
#[derive(Debug, Clone, PartialEq)]
pub struct Added {
    /// Bytes written.
    pub bytes: u64,
    /// Length of the clip afterwards.
    pub clip_bytes: u64,
    /// Footage in the clip afterwards, gaps included.
    pub clip_length: Duration,
    /// Video frames in this segment.
    pub frames: u64,
    /// From order to durable.
    pub took: Duration,
    /// Time that the stream itself says is missing before this segment.
    pub hole: Option<Duration>,
    /// The clip's BLAKE3 hash so far.
    pub blake3: Arc<str>,
}

/// Why a segment was not appended.
#[derive(Debug, Clone, PartialEq)]
pub enum AppendFailure {
    /// The archive is in trouble: the same again later.
    Archive(String),
    /// Another codec, size or time scale: it needs a clip of its own.
    Different,
    /// The segment holds no footage that could be stored; it was removed.
    Unusable(String),
    /// FFmpeg was ended before it had written a whole fragment into it: there never was footage; it was removed.
    Empty,
}
