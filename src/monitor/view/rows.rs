//! The lists below the cameras as words. All of them show the newest on top, where the eye begins.

use super::outside;
use crate::model::id::CameraName;
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
    /// How fast that was.
    pub speed: String,
    /// How many tries it took; empty if the first one did it.
    pub retries: String,
    /// Into which clip: its name, without camera and zone; empty if it never had one.
    pub clip: String,
}

impl CopyRow {
    /// Whether it went into the archive.
    pub fn is_stored(&self) -> bool {
        !self.took.is_empty()
    }
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
    /// That it grows, what is missing of it, or that its recorder could not close it; empty: all is there.
    pub state: String,
    /// Nothing is missing, and it was closed as it should.
    pub whole: bool,
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
        let (mut took, mut speed, mut retries) = (String::new(), String::new(), String::new());
        let (tone, outcome) = match &copy.outcome {
            CopyOutcome::Stored { bytes, took: span, retries: tries } => {
                took = format!("{:.2} s", span.as_secs_f64());
                speed = rate(*bytes, *span);
                retries = match tries {
                    0 => String::new(),
                    n => format!("tried {}x", u64::from(*n) + 1),
                };
                (Tone::Plain, format::bytes(*bytes))
            }
            CopyOutcome::Retrying { reason } => (Tone::Warn, format!("will retry: {}", outside(reason))),
            CopyOutcome::Lost { reason } => (Tone::Bad, format!("LOST: {}", outside(reason))),
        };
        CopyRow {
            at: at(copy.at, snapshot, zone, now),
            camera: copy.camera.to_string(),
            slot: format!("slot {}", copy.slot),
            tone,
            outcome,
            took,
            speed,
            retries,
            // The camera stands in the same line already.
            clip: match &outside(within(&copy.clip, &copy.camera)) {
                none if none.is_empty() => String::new(),
                clip => format!("→ {clip}"),
            },
        }
    };
    copies.take(MOST).map(row).collect()
}

/// What a clip's name says beside the camera's: day and time, without the zone that is the same in every line.
fn within<'a>(clip: &'a str, camera: &CameraName) -> &'a str {
    let rest = clip.strip_prefix(camera.as_str()).and_then(|rest| rest.strip_prefix('_')).unwrap_or(clip);
    let zone = |(_, zone): &(&str, &str)| zone.len() == 4 && zone.bytes().all(|byte| byte.is_ascii_digit());
    rest.rsplit_once(['+', '-']).filter(zone).map_or(rest, |(time, _)| time)
}

/// `128 MB/s`; empty if it took no time at all.
fn rate(bytes: u64, span: Duration) -> String {
    let each_second = (u128::from(bytes) * 1_000_000_000).checked_div(span.as_nanos());
    each_second.map_or(String::new(), |rate| format!("{}/s", format::bytes(u64::try_from(rate).unwrap_or(u64::MAX))))
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
        state: match clip.missing {
            Duration::ZERO if clip.open => "growing".to_owned(),
            Duration::ZERO if clip.interrupted => "interrupted".to_owned(),
            Duration::ZERO => String::new(),
            span => {
                let missing = format!("{} missing", format::length(span.max(Duration::from_secs(1))));
                if clip.interrupted { format!("{missing}, interrupted") } else { missing }
            }
        },
        whole: clip.missing.is_zero() && !clip.interrupted,
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
