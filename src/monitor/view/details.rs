//! Pages of text: all about one clip, and what a camera's FFmpeg said.

use super::{Note, Scene, outside};
use crate::model::question::ClipDetails;
use crate::model::record::{ClipState, Record, Trigger, TriggerKind};
use crate::model::time::{Wall, Window};
use crate::monitor::format;
use crate::monitor::theme::Tone;
use crate::monitor::ui::page::{Details, Words};
use jiff::tz::TimeZone;
use std::time::Duration;

/// Lines to read.
#[derive(Debug, Clone, PartialEq)]
pub struct TextBody {
    /// What it is about.
    pub title: String,
    /// What may be too wide for a line is wrapped by whoever draws.
    pub lines: Vec<Note>,
    /// Scrolled down by so many lines.
    pub scroll: u16,
}

/// Triggers, gaps, that are listed one by one; a camera that never stops mailing fills no screen.
const LISTED: usize = 100;

pub(super) fn clip(details: &Details, scene: &Scene) -> TextBody {
    let lines = match &details.shown {
        None => vec![Note::new(Tone::Faint, "reading …")],
        Some(Err(why)) => vec![Note::new(Tone::Bad, outside(why))],
        Some(Ok(shown)) => about(shown, scene.zone),
    };
    TextBody { title: outside(&details.name), lines, scroll: details.scroll }
}

pub(super) fn stderr(words: &Words) -> TextBody {
    let lines = match &words.lines {
        None => vec![Note::new(Tone::Faint, "reading …")],
        Some(Err(why)) => vec![Note::new(Tone::Bad, outside(why))],
        Some(Ok(lines)) if lines.is_empty() => vec![Note::new(Tone::Faint, "it has said nothing")],
        Some(Ok(lines)) => lines.iter().map(|line| Note::new(Tone::Plain, outside(line))).collect(),
    };
    TextBody { title: format!("what the FFmpeg of {} said last", words.camera), lines, scroll: words.scroll }
}

/// A clip for a person: what it holds first, then why, then what is missing, then the rest.
fn about(shown: &ClipDetails, zone: &TimeZone) -> Vec<Note> {
    let clip = &shown.clip;
    let fact = |what: &str, text: String| Note::new(Tone::Plain, format!("{what:<10} {text}"));
    let protected = if clip.protected { ", protected" } else { "" };
    let mut lines = vec![
        fact("camera", clip.camera.to_string()),
        fact("footage", format!("{}, {}{protected}", format::length(clip.length), format::bytes(clip.bytes))),
        fact("file", outside(&clip.path)),
    ];
    if shown.jpeg {
        lines.push(fact("picture", "the camera sent one".to_owned()));
    }
    lines.extend(shown.trouble.iter().map(|why| Note::new(Tone::Bad, outside(why))));
    if let Some(record) = &shown.record {
        lines.extend(windows(record, zone));
        lines.extend(triggers(record, zone));
        lines.extend(gaps(record, zone));
        lines.extend(rest(record));
    }
    lines
}

fn windows(record: &Record, zone: &TimeZone) -> Vec<Note> {
    let window = |what: &str, window: &Window<Wall>| {
        let text = format!("{what:<10} {} – {} ({})", at(window.from, zone), at(window.to, zone), span(window));
        Note::new(Tone::Plain, text)
    };
    let state = match record.state {
        ClipState::Open => Note::new(Tone::Busy, "state      growing"),
        ClipState::Closed => Note::new(Tone::Plain, "state      closed"),
        ClipState::Interrupted => Note::new(Tone::Warn, "state      cut short: the recorder was interrupted"),
    };
    let got = match &record.got {
        Some(got) => window("got", got),
        None => Note::new(Tone::Warn, "got        nothing yet"),
    };
    vec![state, window("asked", &record.asked), got]
}

fn triggers(record: &Record, zone: &TimeZone) -> Vec<Note> {
    let one = |trigger: &Trigger| {
        let from = match &trigger.kind {
            TriggerKind::Key | TriggerKind::Command => String::new(),
            TriggerKind::Mail { peer, from, to, subject } => {
                format!(" \"{}\" from {} ({}) to {}", outside(subject), outside(from), outside(peer), outside(to))
            }
        };
        Note::new(Tone::Plain, format!("  {} {}{from}", at(trigger.at, zone), trigger.kind.word()))
    };
    let more = (record.triggers.len().saturating_sub(LISTED) as u64).saturating_add(record.more_triggers);
    let mut lines = vec![Note::new(Tone::Strong, "triggers")];
    lines.extend(record.triggers.iter().take(LISTED).map(one));
    if more > 0 {
        lines.push(Note::new(Tone::Faint, format!("  {more} more")));
    }
    lines
}

fn gaps(record: &Record, zone: &TimeZone) -> Vec<Note> {
    if record.gaps.is_empty() {
        return vec![Note::new(Tone::Good, "nothing is missing of what was asked")];
    }
    let mut lines = vec![Note::new(Tone::Strong, "missing")];
    lines.extend(record.gaps.iter().take(LISTED).map(|gap| {
        let from = at(gap.window.from, zone);
        Note::new(Tone::Bad, format!("  {from} {}: {}", span(&gap.window), outside(&gap.cause)))
    }));
    if record.gaps.len() > LISTED {
        lines.push(Note::new(Tone::Faint, format!("  {} more", record.gaps.len() - LISTED)));
    }
    lines
}

fn rest(record: &Record) -> Vec<Note> {
    let mut lines = vec![Note::new(Tone::Strong, "file")];
    let fact = |what: &str, text: String| Note::new(Tone::Faint, format!("  {what:<10} {text}"));
    if let Some(media) = &record.media {
        let sound = media.audio.as_deref().map_or("no sound", |audio| audio);
        lines.push(fact(
            "media",
            format!("{} {}x{}, {}", outside(&media.video), media.width, media.height, outside(sound)),
        ));
    }
    lines.push(fact("frames", format!("{} in {} segments", record.frames, record.segments.len())));
    lines.extend(record.sha256.iter().map(|hash| fact("sha256", outside(hash))));
    lines.extend(record.continues.iter().map(|before| fact("goes on", format!("from {}", outside(before)))));
    lines
}

fn at(at: Wall, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn span(window: &Window<Wall>) -> String {
    let span = Duration::try_from(window.to.duration_since(window.from)).unwrap_or_default();
    if span < Duration::from_secs(10) { format!("{:.1} s", span.as_secs_f64()) } else { format::length(span) }
}
