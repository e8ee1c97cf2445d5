//! A list that fills the screen: the lines around the cursor.

use super::mail::{self, SessionRow};
use super::rows::{self, ClipRow, CopyRow, EntryRow};
use super::{Scene, outside};
use crate::model::snapshot::{CopyView, Entry, Level, Snapshot};
use crate::model::time::Mono;
use crate::model::transcript::SessionView;
use crate::monitor::ui::find::Find;
use crate::monitor::ui::logs::{Line, Log};
use std::ops::Range;

/// A list with a cursor.
#[derive(Debug, Clone, PartialEq)]
pub struct ListBody {
    /// What it is a list of.
    pub title: &'static str,
    /// Words looked for; empty: none.
    pub found: String,
    /// What else is to be said of it.
    pub notes: Vec<String>,
    /// Where the cursor is in the list, in words.
    pub position: String,
    /// Why it cannot be read, or not to its end.
    pub trouble: Option<String>,
    /// The lines around the cursor: at least a screen above it and one below.
    pub rows: Rows,
    /// Which line of the list the first of these is.
    pub first: usize,
    /// Which line of the list the page began with that was shown last.
    pub top: usize,
    /// Which line of the list the cursor is on.
    pub cursor: usize,
    /// How many lines the list has, as far as it is here.
    pub count: usize,
    /// What to show instead of no lines.
    pub empty: String,
}

/// Lines of a list.
#[derive(Debug, Clone, PartialEq)]
pub enum Rows {
    /// Clips.
    Clips(Vec<ClipRow>),
    /// Copies.
    Copies(Vec<CopyRow>),
    /// Sentences.
    Journal(Vec<EntryRow>),
    /// Connections to the mail port.
    Mail(Vec<SessionRow>),
}

impl Rows {
    /// Whether there is nothing to show.
    pub fn are_none(&self) -> bool {
        match self {
            Rows::Clips(rows) => rows.is_empty(),
            Rows::Copies(rows) => rows.is_empty(),
            Rows::Journal(rows) => rows.is_empty(),
            Rows::Mail(rows) => rows.is_empty(),
        }
    }
}

/// The lines that can be in sight, whatever the height of the list turns out to be.
fn around(cursor: usize, count: usize, scene: &Scene) -> Range<usize> {
    let height = usize::from(scene.ui.size.1).max(1);
    cursor.saturating_sub(height)..cursor.saturating_add(height).min(count)
}

/// The words that are looked for.
fn found(find: &Find) -> String {
    if find.text().is_empty() { String::new() } else { format!("with \"{}\"", outside(find.text())) }
}

/// The notes that are true.
fn notes<const N: usize>(notes: [(bool, &str); N]) -> Vec<String> {
    notes.into_iter().filter(|(is_so, _)| *is_so).map(|(_, note)| note.to_owned()).collect()
}

fn nothing(find: &Find) -> String {
    if find.text().is_empty() { "none yet".to_owned() } else { "nothing has these words (Esc: show all)".to_owned() }
}

/// Where the cursor is, as far as that is known: only a part of the list is here.
fn position(cursor: usize, count: usize, goes_on: Option<(bool, bool)>) -> String {
    match goes_on {
        _ if count == 0 => String::new(),
        None => "reading …".to_owned(),
        Some((false, false)) => format!("{} of {count}", cursor + 1),
        Some((false, true)) => format!("{} of {count} and more", cursor + 1),
        Some((true, false)) if cursor + 1 == count => "the oldest".to_owned(),
        Some((true, false)) => format!("{} before the oldest", count - cursor - 1),
        Some((true, true)) => "more above and below".to_owned(),
    }
}

pub(super) fn clips(scene: &Scene, now: Mono) -> ListBody {
    let clips = &scene.ui.clips;
    let (shown, cursor) = (clips.shown(), clips.place());
    let range = around(cursor, shown.len(), scene);
    let goes_on = clips.goes_on();
    let empty = match (&clips.trouble, goes_on) {
        (Some(_), _) => String::new(),
        (None, Some((false, false))) => nothing(&clips.find),
        (None, _) => "reading …".to_owned(),
    };
    let lines = shown.range(range.clone());
    let rows = scene.snapshot.map(|snapshot| rows::clips(lines, snapshot, scene.zone, now)).unwrap_or_default();
    ListBody {
        title: "clips",
        found: found(&clips.find),
        notes: notes([(clips.follows(), "following")]),
        position: position(cursor, shown.len(), goes_on),
        trouble: clips.trouble.as_deref().map(outside),
        rows: Rows::Clips(rows),
        first: range.start,
        top: clips.top(),
        cursor,
        count: shown.len(),
        empty,
    }
}

pub(super) fn copies(scene: &Scene, now: Mono) -> ListBody {
    let rows = |lines: &[&CopyView], snapshot: &Snapshot| {
        Rows::Copies(rows::copies(lines.iter().copied(), snapshot, scene.zone, now))
    };
    log("copies", &scene.ui.copies, scene, None, rows, Rows::Copies(Vec::new()))
}

pub(super) fn journal(scene: &Scene, now: Mono) -> ListBody {
    let level = match scene.ui.journal.level {
        Level::Info => None,
        Level::Warn => Some("warnings and errors"),
        Level::Error => Some("errors"),
    };
    let rows = |lines: &[&Entry], snapshot: &Snapshot| {
        Rows::Journal(rows::journal(lines.iter().copied(), snapshot, scene.zone, now))
    };
    log("journal", &scene.ui.journal, scene, level, rows, Rows::Journal(Vec::new()))
}

pub(super) fn sessions(scene: &Scene, now: Mono) -> ListBody {
    let rows = |lines: &[&SessionView], snapshot: &Snapshot| {
        Rows::Mail(mail::rows(lines.iter().copied(), snapshot, scene.zone, now))
    };
    let list = log("mail", &scene.ui.mail, scene, None, rows, Rows::Mail(Vec::new()));
    let nobody = list.count == 0 && list.found.is_empty() && list.empty == nothing(&scene.ui.mail.find);
    let empty =
        if nobody { "nobody has connected yet (what to set in a camera: nvr setup)".to_owned() } else { list.empty };
    ListBody { empty, ..list }
}

/// A log, all of which is here; `level` says if only a part of it is wanted.
fn log<T: Line>(
    title: &'static str,
    log: &Log<T>,
    scene: &Scene,
    level: Option<&str>,
    rows: impl Fn(&[&T], &Snapshot) -> Rows,
    none: Rows,
) -> ListBody {
    let shown = log.shown();
    let cursor = log.place(&shown);
    let range = around(cursor, shown.len(), scene);
    let empty = match (&log.trouble, level) {
        (Some(_), _) => String::new(),
        (None, _) if log.is_reading() => "reading …".to_owned(),
        (None, Some(level)) if log.find.text().is_empty() => format!("no {level} (w: all levels)"),
        (None, _) => nothing(&log.find),
    };
    ListBody {
        title,
        found: found(&log.find),
        notes: notes([(level.is_some(), &format!("only {}", level.unwrap_or_default())), (log.follows(), "following")]),
        position: position(cursor, shown.len(), Some((false, false))),
        trouble: log.trouble.as_deref().map(outside),
        rows: scene.snapshot.map_or(none, |snapshot| rows(&shown[range.clone()], snapshot)),
        first: range.start,
        top: log.top(&shown),
        cursor,
        count: shown.len(),
        empty,
    }
}
