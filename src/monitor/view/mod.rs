//! What is to be seen, as words: made from the newest picture, the time, and what the person at the keys has chosen.
//!
//! A [`View`] holds texts that are already rounded for the eye. Two views that are equal look the same, so a frame is
//! drawn only when the view differs, and making one says when it will differ next without any news.

mod card;
mod rows;

pub use card::{Card, Countdown, State};
pub use rows::{ClipRow, CopyRow, EntryRow};

use super::format::{self, Passing};
use super::theme::Tone;
use super::ui::{Status, Ui};
use crate::model::snapshot::Snapshot;
use crate::model::text::fit_for_screen;
use crate::model::time::Mono;
use jiff::tz::TimeZone;
use std::time::Duration;

/// Longest text from outside that a view keeps, in characters: more than the widest line shows.
const LONGEST: usize = 300;

/// What a view is made from.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The newest picture; `None` until the first.
    pub snapshot: Option<&'a Snapshot>,
    /// The recorder's clock, which is also ours.
    pub now: Mono,
    /// For times of day.
    pub zone: &'a TimeZone,
    /// What the person has chosen.
    pub ui: &'a Ui,
}

/// Everything that can be seen.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The first line, from left to right.
    pub header: Vec<Item>,
    /// What should be mended, worst first.
    pub alerts: Vec<Note>,
    /// One for each camera.
    pub cards: Vec<Card>,
    /// Which card has the focus.
    pub focus: usize,
    /// The last copies, newest first.
    pub copies: Vec<CopyRow>,
    /// The last clips, newest first.
    pub clips: Vec<ClipRow>,
    /// The last sentences, newest first.
    pub journal: Vec<EntryRow>,
    /// What the last line shows.
    pub status: Status,
    /// The help is open, and scrolled down by so many lines.
    pub help: Option<u16>,
    /// What leaving means for the recording.
    pub leaving: &'static str,
    /// The picture is old: nobody sends newer ones.
    pub stale: bool,
}

/// A piece of the first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it means.
    pub tone: Tone,
    /// Its end of the line.
    pub side: Side,
    /// Where there is room.
    pub long: String,
    /// Where there is not; empty: may be left out.
    pub short: String,
}

/// An end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What is watched.
    Left,
    /// What it needs.
    Right,
}

/// A text with its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it means.
    pub tone: Tone,
    /// The words.
    pub text: String,
}

impl Note {
    fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { tone, text: text.into() }
    }
}

/// Collects when the view will look different although nothing happened.
#[derive(Debug)]
pub(super) struct Wake {
    now: Mono,
    next: Option<Mono>,
}

impl Wake {
    /// The text of something that passes.
    fn text(&mut self, passing: Passing) -> String {
        self.after(passing.lasts);
        passing.text
    }

    /// Something changes after `span`.
    fn after(&mut self, span: Duration) {
        if span < Duration::MAX {
            let then = self.now + span.max(Duration::from_millis(1));
            self.next = Some(self.next.map_or(then, |next| next.min(then)));
        }
    }
}

impl View {
    /// The view of a scene, and the instant at which it will differ next if nothing happens until then.
    pub fn of(scene: &Scene) -> (Self, Option<Mono>) {
        // A picture that nobody renews shows the moment it was taken: its clocks stand still.
        let taken = scene.ui.lost.as_ref().map(|lost| lost.at);
        let mut wake = Wake { now: taken.unwrap_or(scene.now), next: None };
        let mut view = Self {
            header: header(scene),
            alerts: alerts(scene),
            cards: Vec::new(),
            focus: 0,
            copies: Vec::new(),
            clips: Vec::new(),
            journal: Vec::new(),
            status: scene.ui.status(scene.now),
            help: scene.ui.help,
            leaving: scene.ui.leaving.words(),
            stale: taken.is_some(),
        };
        if let Some(snapshot) = scene.snapshot {
            view.focus = scene.ui.focus_in(snapshot);
            view.cards = snapshot.cameras.iter().map(|camera| Card::of(camera, snapshot, scene, &mut wake)).collect();
            view.copies = rows::copies(snapshot, scene.zone, wake.now);
            view.clips = rows::clips(snapshot, scene.zone, wake.now);
            view.journal = rows::journal(snapshot, scene.zone, wake.now);
        }
        if view.stale {
            wake.next = None;
        }
        let next = [wake.next, scene.ui.status_ends(scene.now)].into_iter().flatten().min();
        (view, next)
    }
}

/// Text from outside, as it may be drawn.
pub(super) fn outside(text: &str) -> String {
    fit_for_screen(text, LONGEST)
}

/// `1 camera`, `2 cameras`.
fn count(n: usize, of: &str) -> String {
    format!("{n} {of}{}", if n == 1 { "" } else { "s" })
}

fn header(scene: &Scene) -> Vec<Item> {
    let left = |tone, long: String, short: &str| Item { tone, side: Side::Left, long, short: short.to_owned() };
    let mut items = Vec::new();
    match (&scene.ui.lost, scene.snapshot) {
        (Some(lost), Some(snapshot)) => {
            let since = format::clock(lost.at, &snapshot.anchor, scene.zone);
            items.push(left(Tone::Bad, format!("NO RECORDER since {since}"), "NO RECORDER"));
        }
        (Some(_), None) => items.push(left(Tone::Bad, "NO RECORDER".to_owned(), "NO RECORDER")),
        (None, Some(snapshot)) => items.extend(cameras_in_header(snapshot)),
        (None, None) => items.push(left(Tone::Faint, "waiting for the recorder's picture".to_owned(), "waiting")),
    }
    if let Some(snapshot) = scene.snapshot {
        items.push(mail_in_header(snapshot));
        items.push(archive_in_header(snapshot));
        let ram = format!("RAM {}", format::bytes(snapshot.ring.used));
        items.push(Item { tone: Tone::Plain, side: Side::Right, long: ram, short: String::new() });
    }
    items
}

fn cameras_in_header(snapshot: &Snapshot) -> Vec<Item> {
    let all = snapshot.cameras.len();
    let recording = snapshot.cameras.iter().filter(|camera| card::is_recording(camera)).count();
    let trouble = snapshot.cameras.iter().filter(|camera| card::is_in_trouble(camera)).count();
    let tone = if all > 0 && recording == all { Tone::Good } else { Tone::Plain };
    let long = format!("{} · {recording} recording", count(all, "camera"));
    let mut items = vec![Item { tone, side: Side::Left, long, short: format!("{recording}/{all} recording") }];
    if trouble > 0 {
        let text = format!("{trouble} IN TROUBLE");
        items.push(Item { tone: Tone::Bad, side: Side::Left, long: text.clone(), short: text });
    }
    items
}

fn mail_in_header(snapshot: &Snapshot) -> Item {
    let today = snapshot.mail.today;
    let item = |tone, long: String, short: String| Item { tone, side: Side::Right, long, short };
    match &snapshot.mail.port {
        Ok(place) => {
            let port = place.rsplit_once(':').map_or(place.as_str(), |(_, port)| port);
            item(Tone::Plain, format!("mail :{} · {today} today", fit_for_screen(port, 20)), format!("mail {today}"))
        }
        Err(_) => item(Tone::Bad, "MAIL PORT CLOSED".to_owned(), "MAIL CLOSED".to_owned()),
    }
}

fn archive_in_header(snapshot: &Snapshot) -> Item {
    let archive = &snapshot.archive;
    let item = |tone, long: String, short: String| Item { tone, side: Side::Right, long, short };
    if archive.trouble.is_some() {
        return item(Tone::Bad, "ARCHIVE IN TROUBLE".to_owned(), "ARCHIVE!".to_owned());
    }
    let used = archive.space.and_then(|space| Some((format::percent_used(space.total, space.free)?, space.total)));
    match used {
        Some((part, total)) => {
            item(Tone::Plain, format!("archive {part} of {}", format::bytes(total)), format!("archive {part}"))
        }
        None => item(Tone::Faint, "archive not measured yet".to_owned(), String::new()),
    }
}

/// What a person should mend. The worst comes first, because a small screen shows only the first.
fn alerts(scene: &Scene) -> Vec<Note> {
    let mut alerts = Vec::new();
    if let Some(lost) = &scene.ui.lost {
        let reason = outside(&lost.reason);
        let what = if lost.bye { "the recorder ended" } else { "the recorder is out of reach" };
        alerts.push(Note::new(Tone::Bad, format!("{what}: {reason}; this is the last picture, trying again")));
    }
    let Some(snapshot) = scene.snapshot else { return alerts };
    let clock = |at| format::clock(at, &snapshot.anchor, scene.zone);
    if let Some(trouble) = &snapshot.archive.trouble {
        let since = snapshot.archive.since.map(|at| format!(" since {}", clock(at))).unwrap_or_default();
        let waiting = match snapshot.archive.backlog {
            0 => String::new(),
            bytes => format!(" · {} wait in RAM", format::bytes(bytes)),
        };
        alerts.push(Note::new(Tone::Bad, format!("archive{since}: {}{waiting}", outside(trouble))));
    }
    alerts.extend(snapshot.ring.trouble.iter().map(|trouble| Note::new(Tone::Bad, outside(trouble))));
    if snapshot.lost.segments > 0 {
        let segments = count(usize::try_from(snapshot.lost.segments).unwrap_or(usize::MAX), "segment");
        let bytes = match snapshot.lost.bytes {
            0 => String::new(),
            bytes => format!(" ({})", format::bytes(bytes)),
        };
        alerts.push(Note::new(
            Tone::Bad,
            format!("{segments}{bytes} of wanted footage lost (the clips' records say which)"),
        ));
    }
    if let Err(why) = &snapshot.mail.port {
        alerts.push(Note::new(Tone::Bad, format!("mail: {}", outside(why))));
    }
    if let Some(why) = &snapshot.stopping {
        alerts.push(Note::new(Tone::Warn, format!("the recorder is stopping: {}", outside(why))));
    }
    alerts.extend(snapshot.warnings.iter().take(20).map(|warning| Note::new(Tone::Warn, outside(warning))));
    alerts
}
