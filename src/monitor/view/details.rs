//! Pages of text: all about one clip, and what a camera's FFmpeg said.

use super::{Scene, outside};
use crate::model::question::{ClipDetails, Said};
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
    pub lines: Vec<Fact>,
    /// Scrolled down by so many lines.
    pub scroll: u16,
}

/// A line to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it means.
    pub tone: Tone,
    /// What it is about, or when it was; empty: it says so itself.
    pub label: String,
    /// The words.
    pub text: String,
    /// Belongs to the line above that has no label.
    pub inner: bool,
}

impl Fact {
    pub(super) fn of(tone: Tone, label: &str, text: impl Into<String>) -> Self {
        Self { tone, label: label.to_owned(), text: text.into(), inner: false }
    }

    pub(super) fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self::of(tone, "", text)
    }

    /// One of several below a line that says what they are.
    pub(super) fn inner(self) -> Self {
        Self { inner: true, ..self }
    }
}

/// Triggers, gaps, that are listed one by one; a camera that never stops mailing fills no screen.
const LISTED: usize = 100;

pub(super) fn clip(details: &Details, scene: &Scene) -> TextBody {
    let lines = match &details.shown {
        None => vec![Fact::new(Tone::Faint, "reading …")],
        Some(Err(why)) => vec![Fact::new(Tone::Bad, outside(why))],
        Some(Ok(shown)) => about(shown, scene.zone),
    };
    TextBody { title: outside(&details.name), lines, scroll: details.scroll }
}

pub(super) fn stderr(words: &Words, scene: &Scene) -> TextBody {
    let said = |line: &Said| {
        let at = scene.snapshot.map_or_else(String::new, |picture| {
            format::moment(picture.anchor.wall(line.at), picture.anchor.wall(scene.now), scene.zone)
        });
        Fact::of(Tone::Plain, &at, outside(&line.text))
    };
    let lines = match &words.lines {
        None => vec![Fact::new(Tone::Faint, "reading …")],
        Some(Err(why)) => vec![Fact::new(Tone::Bad, outside(why))],
        Some(Ok(lines)) if lines.is_empty() => vec![Fact::new(Tone::Faint, "it has said nothing")],
        Some(Ok(lines)) => lines.iter().map(said).collect(),
    };
    TextBody { title: format!("what the FFmpeg of {} said last", words.camera), lines, scroll: words.scroll }
}

/// A clip for a person: what it holds first, then why, then what is missing, then the rest.
fn about(shown: &ClipDetails, zone: &TimeZone) -> Vec<Fact> {
    let clip = &shown.clip;
    let plain = |label: &str, text: String| Fact::of(Tone::Plain, label, text);
    let mut lines = vec![
        plain("camera", clip.camera.to_string()),
        plain("footage", format!("{}{}, {}", format::length(clip.length), holes(shown), format::bytes(clip.bytes))),
    ];
    if clip.protected {
        lines.push(Fact::of(Tone::Good, "protected", "retention leaves it alone (p ends that)"));
    }
    lines.push(plain("file", outside(&clip.path)));
    match shown.pictures.len() {
        0 => {}
        1 => lines.push(plain("picture", "the camera sent one (v shows it)".to_owned())),
        more => lines.push(plain("pictures", format!("the camera sent {more} (v shows them)"))),
    }
    lines.extend(shown.trouble.iter().map(|why| Fact::new(Tone::Bad, outside(why))));
    if let Some(record) = &shown.record {
        lines.extend(windows(record, zone));
        lines.extend(triggers(record, zone));
        lines.extend(gaps(record, zone));
        lines.extend(rest(record));
    }
    lines
}

/// What of its length is none.
fn holes(shown: &ClipDetails) -> String {
    match shown.record.as_ref().map(Record::holes).unwrap_or_default() {
        Duration::ZERO => String::new(),
        holes => format!(" of which {} are missing", short(holes)),
    }
}

fn windows(record: &Record, zone: &TimeZone) -> Vec<Fact> {
    let window = |label: &str, window: &Window<Wall>| {
        let (from, to) = (day(window.from, zone), after(window.to, window.from, zone));
        Fact::of(Tone::Plain, label, format!("{from} – {to} ({})", span(window)))
    };
    let state = match record.state {
        ClipState::Open => Fact::of(Tone::Busy, "state", "growing"),
        ClipState::Closed => Fact::of(Tone::Plain, "state", "closed"),
        ClipState::Interrupted => Fact::of(Tone::Warn, "state", "cut short: the recorder was interrupted"),
    };
    let got = match &record.got {
        Some(got) => window("got", got),
        None => Fact::of(Tone::Warn, "got", "nothing yet"),
    };
    vec![state, window("asked", &record.asked), got]
}

fn triggers(record: &Record, zone: &TimeZone) -> Vec<Fact> {
    let one = |trigger: &Trigger| {
        let from = match &trigger.kind {
            TriggerKind::Key | TriggerKind::Command => String::new(),
            TriggerKind::Mail(mail) => {
                let [from, peer, to] = [&mail.from, &mail.peer, &mail.to].map(|text| outside(text));
                let picture = if mail.picture.is_some() { ", with a picture" } else { "" };
                format!(" \"{}\" from {from} ({peer}) to {to}{picture}", outside(&mail.about()))
            }
        };
        let label = after(trigger.at, record.asked.from, zone);
        Fact::of(Tone::Plain, &label, format!("{}{from}", trigger.kind.word())).inner()
    };
    let more = (record.triggers.len().saturating_sub(LISTED) as u64).saturating_add(record.more_triggers);
    let mut lines = vec![Fact::new(Tone::Strong, "triggers")];
    lines.extend(record.triggers.iter().take(LISTED).map(one));
    if more > 0 {
        lines.push(Fact::new(Tone::Faint, format!("{more} more")).inner());
    }
    lines
}

fn gaps(record: &Record, zone: &TimeZone) -> Vec<Fact> {
    if record.gaps.is_empty() {
        let so_far = match record.state {
            ClipState::Open => " so far",
            ClipState::Closed | ClipState::Interrupted => "",
        };
        return vec![Fact::new(Tone::Good, format!("nothing is missing of what was asked{so_far}"))];
    }
    let mut lines = vec![Fact::new(Tone::Strong, "missing")];
    lines.extend(record.gaps.iter().take(LISTED).map(|gap| {
        let label = after(gap.window.from, record.asked.from, zone);
        Fact::of(Tone::Bad, &label, format!("{}: {}", span(&gap.window), outside(&gap.cause))).inner()
    }));
    if record.gaps.len() > LISTED {
        lines.push(Fact::new(Tone::Faint, format!("{} more", record.gaps.len() - LISTED)).inner());
    }
    lines
}

fn rest(record: &Record) -> Vec<Fact> {
    let fact = |label: &str, text: String| Fact::of(Tone::Faint, label, text);
    let mut lines = Vec::new();
    if let Some(media) = &record.media {
        let (video, sound) = (outside(&media.video), media.audio.as_deref().map_or("no sound".to_owned(), outside));
        lines.push(fact("media", format!("{video} {}x{}, {sound}", media.width, media.height)));
    }
    lines.push(fact("frames", format!("{} in {}", record.frames, super::count(record.segments.len(), "segment"))));
    lines.extend(record.hash().map(|(kind, hash)| fact(kind, outside(hash))));
    lines.extend(record.continues.iter().map(|before| fact("goes on", format!("from {}", outside(before)))));
    lines
}

fn day(at: Wall, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Without the day if that is the same.
fn after(at: Wall, before: Wall, zone: &TimeZone) -> String {
    let (at, before) = (at.to_zoned(zone.clone()), before.to_zoned(zone.clone()));
    let format = if at.date() == before.date() { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
    at.strftime(format).to_string()
}

fn span(window: &Window<Wall>) -> String {
    short(Duration::try_from(window.to.duration_since(window.from)).unwrap_or_default())
}

fn short(span: Duration) -> String {
    if span < Duration::from_secs(10) { format!("{:.1} s", span.as_secs_f64()) } else { format::length(span) }
}
