//! The lists below the cameras as words. All of them show the newest on top, where the eye begins.

use super::outside;
use crate::model::snapshot::{ClipView, CopyOutcome, CopyView, Entry, Level, Snapshot};
use crate::model::time::Mono;
use crate::monitor::format;
use crate::monitor::theme::Tone;
use jiff::tz::TimeZone;
use std::time::Duration;

/// More than the tallest screen has room for.
const MOST: usize = 1200;

/// A copy into the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyRow {
    /// When.
    pub at: String,
    /// Whose segment.
    pub camera: String,
    /// From which slot.
    pub slot: String,
    /// Its tone.
    pub tone: Tone,
    /// Its size, or why it was not stored.
    pub outcome: String,
    /// How long it took; empty if it was not stored.
    pub took: String,
    /// Into which clip: its name, without the camera's.
    pub clip: String,
}

/// A clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClipRow {
    /// When its footage begins.
    pub at: String,
    /// Whose.
    pub camera: String,
    /// How long.
    pub length: String,
    /// How large.
    pub bytes: String,
    /// What wanted it.
    pub trigger: String,
    /// What the mail was about; may be empty.
    pub subject: String,
    /// What is missing; empty if nothing is.
    pub missing: String,
    /// It still grows.
    pub open: bool,
    /// Retention leaves it alone.
    pub protected: bool,
}

/// A sentence of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRow {
    /// When.
    pub at: String,
    /// Its tone.
    pub tone: Tone,
    /// The sentence, with the camera in front.
    pub text: String,
}

fn at(at: Mono, snapshot: &Snapshot, zone: &TimeZone, now: Mono) -> String {
    format::moment(snapshot.anchor.wall(at), snapshot.anchor.wall(now), zone)
}

pub(super) fn copies<'a>(
    copies: impl Iterator<Item = &'a CopyView>,
    snapshot: &Snapshot,
    zone: &TimeZone,
    now: Mono,
) -> Vec<CopyRow> {
    let row = |copy: &CopyView| {
        let (tone, outcome, took) = match &copy.outcome {
            CopyOutcome::Stored { bytes, took, retries } => {
                let again = match retries {
                    0 => String::new(),
                    1 => ", 1 retry".to_owned(),
                    n => format!(", {n} retries"),
                };
                (Tone::Plain, format::bytes(*bytes), format!("{:.2} s{again}", took.as_secs_f64()))
            }
            CopyOutcome::Retrying { reason } => (Tone::Warn, format!("will retry: {}", outside(reason)), String::new()),
            CopyOutcome::Lost { reason } => (Tone::Bad, format!("LOST: {}", outside(reason)), String::new()),
        };
        CopyRow {
            at: at(copy.at, snapshot, zone, now),
            camera: copy.camera.to_string(),
            slot: format!("slot {}", copy.slot),
            tone,
            outcome,
            took,
            // The camera stands in the same line already.
            clip: outside(copy.clip.strip_prefix(&format!("{}_", copy.camera)).unwrap_or(&copy.clip)),
        }
    };
    copies.take(MOST).map(row).collect()
}

pub(super) fn clips<'a>(
    clips: impl Iterator<Item = &'a ClipView>,
    snapshot: &Snapshot,
    zone: &TimeZone,
    now: Mono,
) -> Vec<ClipRow> {
    let today = snapshot.anchor.wall(now);
    let row = |clip: &ClipView| ClipRow {
        at: format::moment(clip.start, today, zone),
        camera: clip.camera.to_string(),
        length: format::length(clip.length),
        bytes: format::bytes(clip.bytes),
        trigger: outside(&clip.trigger),
        subject: outside(&clip.subject),
        missing: match clip.missing {
            Duration::ZERO => String::new(),
            span => format!("{} missing", format::length(span.max(Duration::from_secs(1)))),
        },
        open: clip.open,
        protected: clip.protected,
    };
    clips.take(MOST).map(row).collect()
}

pub(super) fn journal<'a>(
    entries: impl Iterator<Item = &'a Entry>,
    snapshot: &Snapshot,
    zone: &TimeZone,
    now: Mono,
) -> Vec<EntryRow> {
    let row = |entry: &Entry| {
        let camera = entry.camera.as_ref().map(|camera| format!("{camera}: ")).unwrap_or_default();
        let tone = match entry.level {
            Level::Info => Tone::Plain,
            Level::Warn => Tone::Warn,
            Level::Error => Tone::Bad,
        };
        let text = format!("{camera}{}", outside(&entry.text));
        EntryRow { at: at(entry.at, snapshot, zone, now), tone, text }
    };
    entries.take(MOST).map(row).collect()
}
