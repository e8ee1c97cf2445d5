//! What scripts get. These shapes stay as they are, whatever becomes of the link's own words: instants are RFC 3339 in
//! UTC, spans are seconds, sizes are bytes, and what is not there is `null`.

use crate::model::id::CameraName;
use crate::model::question::ClipDetails;
use crate::model::record::Record;
use crate::model::snapshot::{ClipView, CopyOutcome, CopyView, Entry, Level, Topic};
use crate::model::time::{Anchor, Wall};
use crate::model::transcript::{By, Grade, SessionView, Verdict};
use serde::Serialize;

/// A line of `nvr events` and `nvr journal --json`.
#[derive(Debug, Serialize)]
pub struct EventLine<'a> {
    /// When.
    time: Wall,
    /// Counts up from 1 since the recorder started; `null`: said by `nvr events` about the recorder, not by it.
    number: Option<u64>,
    /// `info`, `warn` or `error`.
    level: Level,
    /// What it is about.
    topic: Topic,
    /// About which camera.
    camera: Option<&'a CameraName>,
    /// The sentence.
    text: &'a str,
}

impl<'a> EventLine<'a> {
    /// A line of the recorder.
    pub fn of(entry: &'a Entry, anchor: &Anchor) -> Self {
        Self {
            time: anchor.wall(entry.at),
            number: Some(entry.number),
            level: entry.level,
            topic: entry.topic,
            camera: entry.camera.as_ref(),
            text: &entry.text,
        }
    }

    /// A line about the recorder.
    pub fn note(time: Wall, level: Level, text: &'a str) -> Self {
        Self { time, number: None, level, topic: Topic::Recorder, camera: None, text }
    }
}

/// A line of `nvr copies --json`.
#[derive(Debug, Serialize)]
pub struct CopyLine<'a> {
    /// When it was durable, or failed.
    time: Wall,
    /// Counts up from 1 since the recorder started.
    number: u64,
    camera: &'a CameraName,
    slot: u32,
    /// The clip's name; empty if it has none yet.
    clip: &'a str,
    /// `stored`, `retrying` or `lost`.
    outcome: &'static str,
    /// Written; `null` unless stored.
    bytes: Option<u64>,
    /// From order to durable; `null` unless stored.
    seconds: Option<f64>,
    /// Tries that failed before; `null` unless stored.
    retries: Option<u32>,
    /// Why it is not stored.
    reason: Option<&'a str>,
}

impl<'a> CopyLine<'a> {
    /// A copy.
    pub fn of(copy: &'a CopyView, anchor: &Anchor) -> Self {
        let (outcome, stored, reason) = match &copy.outcome {
            CopyOutcome::Stored { bytes, took, retries } => ("stored", Some((*bytes, took, *retries)), None),
            CopyOutcome::Retrying { reason } => ("retrying", None, Some(reason.as_str())),
            CopyOutcome::Lost { reason } => ("lost", None, Some(reason.as_str())),
        };
        Self {
            time: anchor.wall(copy.at),
            number: copy.number,
            camera: &copy.camera,
            slot: copy.slot,
            clip: &copy.clip,
            outcome,
            bytes: stored.map(|(bytes, _, _)| bytes),
            seconds: stored.map(|(_, took, _)| took.as_secs_f64()),
            retries: stored.map(|(_, _, retries)| retries),
            reason,
        }
    }
}

/// A line of `nvr clips --json`.
#[derive(Debug, Serialize)]
pub struct ClipLine<'a> {
    /// What the other verbs take.
    name: &'a str,
    camera: &'a CameraName,
    /// When its footage begins.
    start: Wall,
    /// Footage, gaps included.
    seconds: f64,
    /// Of the file.
    bytes: u64,
    /// The first trigger's kind: `mail`, `key`, `command`; empty if unknown.
    trigger: &'a str,
    /// The first trigger's subject; empty if that was no mail.
    subject: &'a str,
    /// What was wanted and is not there.
    missing_seconds: f64,
    /// What was wanted and waits in RAM for the archive.
    waiting_seconds: f64,
    /// Its recorder ended before it could be closed.
    interrupted: bool,
    /// It still grows.
    open: bool,
    /// Retention leaves it alone.
    protected: bool,
    /// Where the file is now.
    path: &'a str,
}

impl<'a> From<&'a ClipView> for ClipLine<'a> {
    fn from(clip: &'a ClipView) -> Self {
        Self {
            name: &clip.name,
            camera: &clip.camera,
            start: clip.start,
            seconds: clip.length.as_secs_f64(),
            bytes: clip.bytes,
            trigger: &clip.trigger,
            subject: &clip.subject,
            missing_seconds: clip.missing.as_secs_f64(),
            waiting_seconds: clip.waiting.as_secs_f64(),
            interrupted: clip.interrupted,
            open: clip.open,
            protected: clip.protected,
            path: &clip.path,
        }
    }
}

/// `nvr clip --json`.
#[derive(Debug, Serialize)]
pub struct ClipShape<'a> {
    #[serde(flatten)]
    clip: ClipLine<'a>,
    /// The camera sent a picture of its own, which lies beside the clip.
    jpeg: bool,
    /// The files with such pictures, which lie where the clip does.
    pictures: &'a [String],
    /// Why there is no record.
    trouble: Option<&'a str>,
    /// The record, as it lies beside the clip.
    record: Option<&'a Record>,
}

impl<'a> From<&'a ClipDetails> for ClipShape<'a> {
    fn from(details: &'a ClipDetails) -> Self {
        let ClipDetails { clip, record, trouble, pictures } = details;
        Self {
            clip: clip.into(),
            jpeg: !pictures.is_empty(),
            pictures,
            trouble: trouble.as_deref(),
            record: record.as_ref(),
        }
    }
}

/// A line of `nvr mail --json`.
#[derive(Debug, Serialize)]
pub struct SessionShape<'a> {
    /// Counts connections up from 1 since the recorder started.
    number: u64,
    /// When it began.
    time: Wall,
    /// How long it lasted, or has lasted so far.
    seconds: f64,
    /// The other end's address.
    peer: String,
    /// How it was encrypted; `null`: it was not.
    tls: Option<&'a str>,
    /// How it ended, in words; `null`: it goes on.
    end: Option<String>,
    /// Silent connections like this one from the same address before it, of which nothing else is kept.
    like_it: u64,
    #[serde(flatten)]
    verdict: VerdictShape<'a>,
    /// The last mails.
    mails: Vec<MailShape<'a>>,
    /// What was said.
    lines: Vec<LineShape<'a>>,
    /// Lines in the middle that are not kept.
    left_out: u64,
}

/// A mail of it.
#[derive(Debug, Serialize)]
struct MailShape<'a> {
    from: &'a str,
    to: &'a str,
    subject: &'a str,
    #[serde(flatten)]
    verdict: VerdictShape<'a>,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct VerdictShape<'a> {
    /// `open`, `good`, `idle` or `amiss`.
    grade: Grade,
    /// A sentence.
    verdict: &'a str,
    /// What could be written into nvr.toml.
    fix: Option<String>,
}

/// A line of what was said.
#[derive(Debug, Serialize)]
struct LineShape<'a> {
    /// Since the connection began.
    seconds: f64,
    /// `camera`, `nvr`, or `nobody` for what is only summed up.
    by: By,
    text: &'a str,
}

impl<'a> From<&'a Verdict> for VerdictShape<'a> {
    fn from(verdict: &'a Verdict) -> Self {
        let fix = verdict.fix.as_ref().map(|fix| fix.line());
        Self { grade: verdict.grade, verdict: &verdict.text, fix }
    }
}

impl<'a> SessionShape<'a> {
    /// A connection.
    pub fn of(session: &'a SessionView, anchor: &Anchor) -> Self {
        let it = &session.transcript;
        let mail = |mail: &'a crate::model::transcript::MailSeen| MailShape {
            from: &mail.from,
            to: &mail.to,
            subject: &mail.subject,
            verdict: (&mail.verdict).into(),
        };
        let line = |line: &'a crate::model::transcript::Line| LineShape {
            seconds: std::time::Duration::from_millis(line.after).as_secs_f64(),
            by: line.by,
            text: &line.text,
        };
        Self {
            number: it.number,
            time: anchor.wall(session.began),
            seconds: it.lasted.as_secs_f64(),
            peer: it.peer.to_string(),
            tls: it.tls.as_deref(),
            end: it.end.as_ref().map(ToString::to_string),
            like_it: session.like_it,
            verdict: (&session.verdict).into(),
            mails: session.mails.iter().map(mail).collect(),
            lines: it.lines.iter().map(line).collect(),
            left_out: it.left_out,
        }
    }
}
