//! A clip's record: what was wanted, what is there, and every difference with its cause. It lies beside the clip as
//! JSON, so that footage can be judged years later without this program.

use super::id::CameraName;
use super::snapshot::Media;
use super::time::{Wall, Window};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// The sidecar of one clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Of this format.
    pub version: u32,
    /// Whose footage.
    pub camera: CameraName,
    /// Growing, closed, or cut short.
    pub state: ClipState,
    /// From first pre-roll to last post-roll.
    pub asked: Window<Wall>,
    /// From first to last footage, on the recorder's clock; `None` before the first segment.
    pub got: Option<Window<Wall>>,
    /// What is missing of `asked`, with the cause.
    pub gaps: Vec<Gap>,
    /// Why this clip exists, in order; at most [`Record::MAX_TRIGGERS`].
    pub triggers: Vec<Trigger>,
    /// Triggers that are not listed because there were too many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_triggers: u64,
    /// What is stored, in order.
    pub segments: Vec<Stored>,
    /// Codec and size.
    pub media: Option<Media>,
    /// Of the clip's file.
    pub bytes: u64,
    /// Footage in seconds, gaps included, as a player sees it.
    pub seconds: f64,
    /// Video frames.
    pub frames: u64,
    /// Of the whole file; the same as `b3sum` prints.
    pub blake3: Option<Arc<str>>,
    /// Of the whole file, in records of before there was `blake3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Arc<str>>,
    /// The clip that this one goes on from without a gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continues: Option<String>,
    /// When no recorder ran while it grew: from the last sign of life of one to the start of the next. Footage that is
    /// missing for it stands in `gaps`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interruptions: Vec<Window<Wall>>,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Record {
    /// Of this format.
    pub const VERSION: u32 = 1;
    /// A camera that never stops mailing must not fill a record.
    pub const MAX_TRIGGERS: usize = 200;
    /// Nor must a recorder that crashes again and again.
    pub const MAX_INTERRUPTIONS: usize = 200;

    /// How much of `got` is missing, by `gaps`: a player sees it as footage that stands still.
    pub fn holes(&self) -> Duration {
        let within = |got: &Window<Wall>, gap: &Gap| {
            let (from, to) = (gap.window.from.max(got.from), gap.window.to.min(got.to));
            Duration::try_from(to.duration_since(from)).unwrap_or_default()
        };
        let holes = self.got.iter().flat_map(|got| self.gaps.iter().map(move |gap| within(got, gap)));
        holes.fold(Duration::ZERO, Duration::saturating_add)
    }

    /// Of the whole file: what kind of hash it is, and the hash.
    pub fn hash(&self) -> Option<(&'static str, &str)> {
        let old = || self.sha256.as_deref().map(|hash| ("sha256", hash));
        self.blake3.as_deref().map(|hash| ("blake3", hash)).or_else(old)
    }

    /// The record of an open clip that nothing is in yet.
    pub fn empty(camera: CameraName, asked: Window<Wall>) -> Self {
        Self {
            version: Self::VERSION,
            camera,
            state: ClipState::Open,
            asked,
            got: None,
            gaps: Vec::new(),
            triggers: Vec::new(),
            more_triggers: 0,
            segments: Vec::new(),
            media: None,
            bytes: 0,
            seconds: 0.0,
            frames: 0,
            blake3: None,
            sha256: None,
            continues: None,
            interruptions: Vec::new(),
        }
    }
}

/// How far a clip is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClipState {
    /// More may come.
    Open,
    /// As it will stay.
    Closed,
    /// The recorder ended before it could be closed.
    Interrupted,
}

/// Footage that was wanted and is not there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// From when to when.
    pub window: Window<Wall>,
    /// Why, in words.
    pub cause: String,
}

/// Why footage is wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// The instant.
    pub at: Wall,
    /// From where.
    #[serde(flatten)]
    pub kind: TriggerKind,
}

/// Where a trigger came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TriggerKind {
    /// A key in the monitor.
    Key,
    /// `nvr trigger`.
    Command,
    /// A camera's mail.
    Mail(MailTrigger),
}

/// What a mail said. All texts are fit for a screen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MailTrigger {
    /// Who sent it.
    pub peer: String,
    /// `MAIL FROM`.
    pub from: String,
    /// `RCPT TO`.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// What the camera calls that which happened; empty if the mail does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub event: String,
    /// The beginning of its text, on one line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The file beside the clip with the picture that it carried, once that is durable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
}

impl MailTrigger {
    /// Subject and event, where each says something that the other does not.
    pub fn about(&self) -> String {
        let says = |text: &str, part: &str| text.to_lowercase().contains(&part.to_lowercase());
        match (self.subject.as_str(), self.event.as_str()) {
            ("", event) => event.to_owned(),
            (subject, event) if says(subject, event) => subject.to_owned(),
            (subject, event) => format!("{subject}: {event}"),
        }
    }
}

impl TriggerKind {
    /// One word for lists.
    pub fn word(&self) -> &'static str {
        match self {
            TriggerKind::Key => "key",
            TriggerKind::Command => "command",
            TriggerKind::Mail(_) => "mail",
        }
    }

    /// The same with every text of strangers as `fit` makes it.
    pub fn fit(&self, fit: impl Fn(&str) -> String) -> Self {
        match self {
            TriggerKind::Key => TriggerKind::Key,
            TriggerKind::Command => TriggerKind::Command,
            TriggerKind::Mail(MailTrigger { peer, from, to, subject, event, text, picture }) => {
                let (peer, from, to, subject) = (fit(peer), fit(from), fit(to), fit(subject));
                let (event, text, picture) = (fit(event), fit(text), picture.as_deref().map(fit));
                TriggerKind::Mail(MailTrigger { peer, from, to, subject, event, text, picture })
            }
        }
    }

    /// What a mail says; `None` for what is no mail.
    pub fn mail(&self) -> Option<&MailTrigger> {
        match self {
            TriggerKind::Key | TriggerKind::Command => None,
            TriggerKind::Mail(mail) => Some(mail),
        }
    }

    /// What a mail is about: its subject, and what the camera calls that which happened; empty for what is no mail.
    pub fn about(&self) -> String {
        self.mail().map(MailTrigger::about).unwrap_or_default()
    }
}

/// One segment in a clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// The segment's number.
    pub number: u64,
    /// When FFmpeg opened and closed it.
    pub window: Window<Wall>,
    /// Bytes it added to the clip.
    pub bytes: u64,
}
