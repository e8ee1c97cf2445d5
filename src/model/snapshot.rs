//! The picture that monitors draw. It holds instants and never ages, so that it differs only when something happened.

use super::event::Space;
use super::id::CameraName;
use super::text::is_harmless;
use super::time::{Anchor, Mono};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub use super::record::TriggerKind;
pub use tails::{ClipView, CopyOutcome, CopyView, Entry, Level, Topic};

/// Everything that can be seen of a recorder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The recorder's version.
    pub version: String,
    /// Its process; the engine knows.
    pub pid: u32,
    /// When it started.
    pub started: Mono,
    /// What both clocks showed, to turn instants into times of day.
    pub anchor: Anchor,
    /// In the order of the configuration.
    pub cameras: Vec<CameraView>,
    /// The way in.
    pub mail: MailView,
    /// The way out.
    pub archive: ArchiveView,
    /// Where footage waits.
    pub ring: RingView,
    /// Footage that was wanted and is gone.
    pub lost: Lost,
    /// The last copies, newest last.
    pub copies: Vec<CopyView>,
    /// The last clips, newest first, growing ones included.
    pub clips: Vec<ClipView>,
    /// The last sentences, newest last.
    pub journal: Vec<Entry>,
    /// What a person should mend, each with its remedy.
    pub warnings: Vec<String>,
    /// Set once the recorder is ending: why.
    pub stopping: Option<String>,
}

/// One camera.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CameraView {
    /// Its name.
    pub name: CameraName,
    /// Whether it obeys triggers from outside.
    pub armed: bool,
    /// What its FFmpeg is doing.
    pub state: CameraState,
    /// Codec and size, once seen.
    pub media: Option<Media>,
    /// Frames a second as really seen, rounded so that it rests.
    pub fps: Option<u32>,
    /// Bits a second as really seen, rounded so that it rests.
    pub bitrate: Option<u64>,
    /// The ring's slots `0..N`; a segment stands in `number % N`.
    pub slots: Vec<SlotView>,
    /// The event that is going on.
    pub event: Option<EventView>,
    /// When the last segment was finished.
    pub last_segment: Option<Mono>,
    /// From when on the footage in the ring has no hole; `None`: there is none.
    #[serde(default)]
    pub whole_since: Option<Mono>,
    /// Wanted length of a segment: past about twice that the last one is overdue.
    pub segment: Duration,
    /// How often FFmpeg had to be started again.
    pub restarts: u64,
    /// Bytes in the ring and claimed.
    pub ram: u64,
    /// Segments that are claimed and not yet stored.
    pub backlog: u32,
    /// Segments that were wanted and are gone.
    pub lost: u64,
    /// Events of which nothing at all could be saved.
    pub missed: u64,
    /// Percent of real time at which its stream runs, if that is far from 100.
    #[serde(default)]
    pub pace: Option<u32>,
    /// When it last mailed; `None`: not since the recorder began.
    #[serde(default)]
    pub last_mail: Option<Mono>,
    /// Set while it is armed and has not mailed for longer than this, which is how long it may be silent.
    #[serde(default)]
    pub silent: Option<Duration>,
    /// Set while its mails are ignored because they have had so much footage saved today, which is all they may.
    #[serde(default)]
    pub spent: Option<Duration>,
}

/// What a camera's FFmpeg is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum CameraState {
    /// To be started as soon as those before it are on their way.
    Waiting {
        /// Since when.
        since: Mono,
    },
    /// Started; nothing came yet.
    Connecting {
        /// Since when.
        since: Mono,
    },
    /// Footage comes in.
    Recording {
        /// Since when without a break.
        since: Mono,
    },
    /// Footage stopped coming; FFmpeg is being ended.
    Stalled {
        /// Since when.
        since: Mono,
        /// Why, in words.
        reason: String,
    },
    /// FFmpeg ended; it will be, or is just being, started again.
    NoSignal {
        /// When; in the past while it is being tried.
        retry_at: Mono,
        /// How many tries failed in a row.
        attempt: u32,
        /// Why, in words.
        reason: String,
    },
    /// The recorder is ending, or the camera was removed from the configuration and only what was wanted of it is stored.
    Stopped,
}

/// One place in a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotView {
    /// What is in it.
    pub is: SlotState,
    /// When its footage ended; `None` while it is written, and if there is none.
    pub closed: Option<Mono>,
}

/// What is in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotState {
    /// Nothing there.
    Empty,
    /// FFmpeg is writing it.
    Writing,
    /// Finished; will be overwritten unless a trigger wants it.
    Complete,
    /// Wanted, and out of FFmpeg's reach.
    Claimed,
    /// On its way into the archive.
    Copying,
    /// Durable in the archive.
    Stored,
    /// Wanted, and gone.
    Lost,
}

/// An event that is going on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventView {
    /// When the first trigger came.
    pub since: Mono,
    /// When the post-roll ends; the countdown counts to here.
    pub until: Mono,
    /// How many triggers there were.
    pub triggers: u64,
    /// The last one.
    pub trigger: TriggerView,
    /// The clip that grows, once it has a name.
    pub clip: Option<String>,
}

/// A trigger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerView {
    /// The instant.
    pub at: Mono,
    /// From where.
    #[serde(flatten)]
    pub kind: TriggerKind,
}

/// Codec and size of a camera's footage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// `h264`, `hevc`, …
    pub video: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// `aac`, …; `None`: no sound.
    pub audio: Option<String>,
}

impl Media {
    /// Whether these can be the names of codecs, if they come from a file that may be damaged.
    pub(super) fn is_sound(&self) -> bool {
        is_harmless(&self.video) && self.audio.as_deref().is_none_or(is_harmless)
    }
}

/// The mail port.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MailView {
    /// Where it listens, or why it does not.
    pub port: Result<String, String>,
    /// Mails since local midnight, or since the start.
    pub today: u64,
    /// The last one.
    pub last: Option<MailNote>,
    /// The number of the last change of what was said on the port: see [`super::question::Question::Sessions`].
    #[serde(default)]
    pub sessions: u64,
}

/// A mail and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MailNote {
    /// The trigger's instant.
    pub at: Mono,
    /// Sender's address, fit for a screen.
    pub from: String,
    /// Recipient, fit for a screen.
    pub to: String,
    /// Subject, fit for a screen.
    pub subject: String,
    /// What came of it, in words.
    pub outcome: String,
}

/// The archive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArchiveView {
    /// Where.
    pub dir: String,
    /// Room, once known.
    pub space: Option<Space>,
    /// Why it cannot be written, in words; `None`: all is well.
    pub trouble: Option<String>,
    /// Since when there is trouble.
    pub since: Option<Mono>,
    /// Why it cannot be kept within its limits, in words with the remedy. It takes footage nevertheless, but may soon be
    /// full.
    #[serde(default)]
    pub retention: Option<String>,
    /// Bytes that are claimed and not yet stored.
    pub backlog: u64,
    /// How many these may become; `None` until the size of RAM is known.
    #[serde(default)]
    pub backlog_limit: Option<u64>,
    /// While there is trouble and an event goes on: when there is no more room at this rate, and footage will be lost. It
    /// rests: it may be wrong by a second, or by a tenth of what is left, and by the length of a segment.
    #[serde(default)]
    pub safe_until: Option<Mono>,
    /// When something was last written to it; `None`: not since the recorder began.
    #[serde(default)]
    pub written: Option<Mono>,
    /// Set while nothing has been written to it for longer than this, which is how long it may be silent.
    #[serde(default)]
    pub silent: Option<Duration>,
}

/// The rings together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RingView {
    /// Where.
    pub dir: String,
    /// Bytes in use by rings and backlog.
    pub used: u64,
    /// Room of the file system, once known.
    pub space: Option<Space>,
    /// Why what comes in finds no room there, in words; `None`: all is well.
    #[serde(default)]
    pub trouble: Option<String>,
}

/// Footage that was wanted and is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lost {
    /// Segments.
    pub segments: u64,
    /// Bytes, as far as known.
    pub bytes: u64,
    /// Events of which nothing at all could be saved: there is no clip that would tell of them.
    pub events: u64,
}

impl Lost {
    /// Both together.
    pub fn and(self, other: Lost) -> Lost {
        Lost {
            segments: self.segments.saturating_add(other.segments),
            bytes: self.bytes.saturating_add(other.bytes),
            events: self.events.saturating_add(other.events),
        }
    }
}

mod tails;
