//! A clip's record on the disk.

use super::disk::{open_regular, replace_record};
use super::names::Files;
use crate::model::id::RunId;
use crate::model::record::Record;
use crate::model::time::Wall;
use serde::{Deserialize, Serialize};
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

/// The record, and what only the archive needs to go on with a clip after a crash.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::work) struct Sidecar {
    /// What people read.
    #[serde(flatten)]
    pub record: Record,
    /// How the clip's time was made; only while it grows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
}

/// What a clip's time hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::work) struct Resume {
    /// When its footage began.
    pub start: Wall,
    /// Where that lies on our clock, as [`crate::model::effect::Append::offset`] counts.
    #[serde(default)]
    pub base: Duration,
    /// Nanoseconds added to the stream's times, after the last segment that needed a new sum.
    pub shift: i64,
    /// FFmpeg's life whose times these are; `None`: unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// That segment. It is told before its first byte is written, so that a kill at any instant leaves a clip that the
    /// segment, if it still lies in RAM, goes on in.
    #[serde(default)]
    pub appending: Option<Appending>,
}

/// A segment that began to be written, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::work) struct Appending {
    /// Its number in the ring.
    pub segment: u64,
    /// How many bytes were durable in front of it.
    pub at: u64,
}

impl Sidecar {
    /// A record of more than this is not ours.
    const MAX: u64 = 4 << 20;

    /// Reads one.
    pub fn read(path: &Path) -> io::Result<Sidecar> {
        let mut text = Vec::new();
        open_regular(path)?.take(Self::MAX + 1).read_to_end(&mut text)?;
        if text.len() as u64 > Self::MAX {
            return Err(io::Error::other("a record of more than 4 MiB"));
        }
        Ok(serde_json::from_slice(&text)?)
    }

    /// Puts it in place, durably.
    pub(super) fn write(&self, files: &Files) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        replace_record(files, &text)
    }
}
