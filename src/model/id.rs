//! Names of things. Each is a type of its own, so that a slot can never be taken for a segment's number.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The name of a camera: 1 to 32 of `a-z`, `0-9` and `-`.
///
/// It becomes a directory, the local part of a mail address and a word on the screen, so nothing else is let in.
/// Cloning copies a pointer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CameraName(Arc<str>);

/// Why a word cannot name a camera.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot name a camera (write 1 to 32 of a-z, 0-9 and -, beginning with a letter or digit)")]
pub struct BadCameraName(pub String);

impl CameraName {
    /// Longest name, in bytes.
    pub const MAX: usize = 32;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CameraName {
    type Error = BadCameraName;

    fn try_from(text: String) -> Result<Self, BadCameraName> {
        let fits = (1..=Self::MAX).contains(&text.len())
            && !text.starts_with('-')
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if fits { Ok(Self(text.into())) } else { Err(BadCameraName(text)) }
    }
}

impl std::str::FromStr for CameraName {
    type Err = BadCameraName;

    fn from_str(text: &str) -> Result<Self, BadCameraName> {
        text.to_owned().try_into()
    }
}

impl From<CameraName> for String {
    fn from(name: CameraName) -> String {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for CameraName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for CameraName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One life of one camera's FFmpeg: grows by one at every start, so that news of an earlier one is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct RunId(pub u64);

/// A segment of one camera; the number only grows for as long as the recorder lives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SegmentId {
    /// Whose segment.
    pub camera: CameraName,
    /// Counts up from 0; FFmpeg's file is `number % (slots + 2)`.
    pub number: u64,
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.camera, self.number)
    }
}

/// A clip while the recorder lives. What people type is its name ([`crate::model::snapshot::ClipView::name`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClipId(pub u64);

/// A mail that triggered before all of it had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LetterId(pub u64);

/// Ties an answer to the command that asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);
