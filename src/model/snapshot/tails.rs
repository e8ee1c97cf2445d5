//! What the picture holds the last of: copies, clips, sentences.

use crate::model::id::CameraName;
use crate::model::time::{Mono, Wall};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One segment's way into the archive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CopyView {
    /// Counts up from 1 since the recorder started.
    pub number: u64,
    /// When it was durable, or failed.
    pub at: Mono,
    /// Whose.
    pub camera: CameraName,
    /// The slot it stood in, `0..N`.
    pub slot: u32,
    /// The clip's name.
    pub clip: String,
    /// What came of it.
    pub outcome: CopyOutcome,
}

/// What came of a copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyOutcome {
    /// Durable.
    Stored {
        /// Bytes written.
        bytes: u64,
        /// From order to durable.
        took: Duration,
        /// Tries that failed before.
        retries: u32,
    },
    /// Failed, and will be tried again.
    Retrying {
        /// Why, in words.
        reason: String,
    },
    /// Gone.
    Lost {
        /// Why, in words.
        reason: String,
    },
}

/// One clip, as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipView {
    /// What `nvr cat` takes: the file's name without ending.
    pub name: String,
    /// Whose.
    pub camera: CameraName,
    /// When its footage begins.
    pub start: Wall,
    /// Footage, gaps included.
    pub length: Duration,
    /// Of the file.
    pub bytes: u64,
    /// The first trigger's kind: `mail`, `key`, `command`; empty if unknown.
    pub trigger: String,
    /// The first trigger's subject, fit for a screen; empty if that was no mail.
    #[serde(default)]
    pub subject: String,
    /// Seconds that were wanted and are not there.
    pub missing: Duration,
    /// Seconds that were wanted and wait in RAM for the archive.
    #[serde(default)]
    pub waiting: Duration,
    /// Its recorder ended before it could be closed.
    #[serde(default)]
    pub interrupted: bool,
    /// It still grows.
    pub open: bool,
    /// Retention leaves it alone.
    #[serde(default)]
    pub protected: bool,
    /// Where the file is now.
    pub path: String,
}

/// A sentence with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts up from 1 since the recorder started.
    pub number: u64,
    /// When.
    pub at: Mono,
    /// How much it matters.
    pub level: Level,
    /// What it is about.
    pub topic: Topic,
    /// About which camera.
    pub camera: Option<CameraName>,
    /// The sentence, fit for a screen.
    pub text: String,
}

/// What a sentence is about, for scripts that wait for one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// The recorder itself, and the machine it runs on.
    Recorder,
    /// A camera's stream comes, stalls or is gone.
    Camera,
    /// A mail, and what came of it.
    Mail,
    /// A person's order: trigger, end of a countdown, arming.
    Order,
    /// A clip was saved, protected, deleted, or has a hole.
    Clip,
    /// Footage that was wanted is lost.
    Loss,
    /// The archive works or does not.
    Archive,
    /// Room in the ring.
    Ring,
}

/// How much a sentence matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Good to know.
    Info,
    /// Should be looked at.
    Warn,
    /// Footage is or may be lost.
    Error,
}
