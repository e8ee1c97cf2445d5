//! What monitors and scripts ask beyond the snapshot. A question changes nothing, so its answer may take its time, and
//! may come later than the answer to an order that was given after it.

use super::id::CameraName;
use super::record::Record;
use super::snapshot::{ClipView, CopyView, Entry};
use super::time::{Mono, Wall};
use super::transcript::{SessionView, Verdict};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Something to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// A page of the clip list.
    Clips(ClipQuery),
    /// All about one clip, by its name.
    Clip(String),
    /// The journal, newest last.
    Journal(Since),
    /// The copy log, newest last.
    Copies(Since),
    /// The last lines of a camera's FFmpeg.
    Stderr(CameraName),
    /// What was said on the mail port: connections by the number of their last change, that one last.
    Sessions(Since),
    /// Where a mail like this would go, and what would come of it. Nothing does.
    WhereTo(Probe),
    /// Pictures to look at.
    Stills {
        /// Of what.
        of: Seen,
        /// Pixels across, at most; the height follows.
        width: u32,
    },
}

/// A part of a log that only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// Only lines with a greater number; 0: all that are kept.
    #[serde(default)]
    pub after: u64,
    /// The newest so many of those.
    pub limit: u32,
}

/// A mail that nobody has sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The address it comes from.
    pub peer: IpAddr,
    /// Its sender.
    pub from: String,
    /// Its recipient.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub body: String,
}

/// A page of the clip list, growing clips included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipQuery {
    /// Only this camera's.
    #[serde(default)]
    pub camera: Option<CameraName>,
    /// Words that must all be found in a clip's name, its trigger or the trigger's subject, upper and lower case alike.
    #[serde(default)]
    pub find: String,
    /// Which page.
    #[serde(default)]
    pub page: Page,
    /// At most so many.
    pub limit: u32,
}

/// Where a page lies in the list, which begins with the newest clip.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Page {
    /// The beginning.
    #[default]
    Newest,
    /// What follows this clip, which need not exist any more.
    Older(ClipKey),
    /// What stands in front of this clip, nearest to it.
    Newer(ClipKey),
    /// The end.
    Oldest,
}

/// A clip's place in the list: by the time its footage begins, then by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClipKey {
    /// When its footage begins.
    pub start: Wall,
    /// Its name.
    pub name: String,
}

impl ClipKey {
    /// The place of a clip.
    pub fn of(clip: &ClipView) -> Self {
        Self { start: clip.start, name: clip.name.clone() }
    }
}

/// The answer to a [`ClipQuery`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipPage {
    /// Newest first, whichever page it is.
    pub clips: Vec<ClipView>,
    /// Where to ask on in the same direction; `None`: the list ends here. A page may be short or empty and still go on,
    /// because only so many records are searched at a time.
    pub more: Option<ClipKey>,
}

/// All about one clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipDetails {
    /// As lists show it.
    pub clip: ClipView,
    /// Its record; `None`: it cannot be read, and [`ClipDetails::trouble`] says why.
    pub record: Option<Record>,
    /// Why there is no record, in words.
    #[serde(default)]
    pub trouble: Option<String>,
    /// The files of the pictures that the camera itself sent and that lie beside the clip, in their order.
    #[serde(default)]
    pub pictures: Vec<String>,
}

/// What there are pictures of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// A camera: the newest key frame in its ring.
    Camera(CameraName),
    /// A clip, by its name: the first key frame, the one before the first trigger, the last; and the camera's own.
    Clip(String),
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Still {
    /// Which one.
    pub which: Moment,
    /// When it was taken, as far as we know.
    pub at: Option<Wall>,
    /// The picture, as JPEG in base64.
    pub jpeg: String,
}

/// What makes a picture worth looking at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The newest there is of a camera.
    Newest,
    /// The beginning of a clip.
    First,
    /// Its first trigger.
    Trigger,
    /// Its end, so far.
    Last,
    /// What the camera itself sent with its mail.
    Mail,
}

/// A line of a camera's FFmpeg.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// When it came.
    pub at: Mono,
    /// It, fit for a screen and without secrets.
    pub text: String,
}

/// What was found out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// A page of clips.
    Clips(ClipPage),
    /// One clip.
    Clip(Box<ClipDetails>),
    /// Lines of the journal, newest last.
    Journal(Vec<Entry>),
    /// Lines of the copy log, newest last.
    Copies(Vec<CopyView>),
    /// Lines of FFmpeg's stderr, newest last.
    Stderr(Vec<Said>),
    /// Connections to the mail port, the last change last.
    Sessions(Vec<SessionView>),
    /// What would come of a mail.
    Verdict(Verdict),
    /// Pictures: the camera's own first, then those of the footage, each in order of time.
    Stills(Vec<Still>),
}
