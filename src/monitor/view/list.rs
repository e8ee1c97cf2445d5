//! A list that fills the screen: the lines around the cursor.

use super::rows::{self, ClipRow, CopyRow, EntryRow};
use super::{Scene, outside};
use crate::model::snapshot::Level;
use crate::model::time::Mono;
use crate::monitor::ui::find::Find;
use std::ops::Range;

/// A list with a cursor.
#[derive(Debug, Clone, PartialEq)]
pub struct ListBody {
    /// What it is a list of.
    pub title: &'static str,
    /// What is to be said of it: words looked for, whether it follows, how long it is.
    pub notes: Vec<String>,
    /// The lines around the cursor: at least a screen above it and one below.
    pub rows: Rows,
    /// Which line of the list the first of these is.
    pub first: usize,
    /// Which line of the list the cursor is on.
    pub cursor: usize,
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
}

impl Rows {
    /// Whether there is nothing to show.
    pub fn are_none(&self) -> bool {
        match self {
            Rows::Clips(rows) => rows.is_empty(),
            Rows::Copies(rows) => rows.is_empty(),
            Rows::Journal(rows) => rows.is_empty(),
        }
    }
}

/// The lines that can be in sight, whatever the height of the list turns out to be.
fn around(cursor: usize, count: usize, scene: &Scene) -> Range<usize> {
    let height = usize::from(scene.ui.size.1).max(1);
    cursor.saturating_sub(height)..cursor.saturating_add(height).min(count)
}

/// Words looked for, and whether the cursor stays with the newest line.
fn notes(find: &Find, follows: bool, count: String) -> Vec<String> {
    let mut notes = vec![count];
    if !find.text().is_empty() {
        notes.push(format!("with \"{}\"", outside(find.text())));
    }
    if follows {
        notes.push("following".to_owned());
    }
    notes
}

fn nothing(find: &Find) -> String {
    if find.text().is_empty() { "none yet".to_owned() } else { "nothing has these words (Esc: show all)".to_owned() }
}

pub(super) fn clips(scene: &Scene, now: Mono) -> ListBody {
    let clips = &scene.ui.clips;
    let (shown, cursor) = (clips.shown(), clips.place());
    let range = around(cursor, shown.len(), scene);
    let (newer, older) = clips.goes_on();
    let count = match (newer, older) {
        (false, false) => super::count(shown.len(), "clip"),
        (false, true) => format!("{} and more", shown.len()),
        (true, _) => "older clips".to_owned(),
    };
    let empty = match &clips.trouble {
        Some(why) => outside(why),
        None if clips.is_asking() || older => "reading …".to_owned(),
        None => nothing(&clips.find),
    };
    let lines = shown.range(range.clone());
    let rows = scene.snapshot.map(|snapshot| rows::clips(lines, snapshot, scene.zone, now)).unwrap_or_default();
    ListBody {
        title: "clips",
        notes: notes(&clips.find, clips.follows(), count),
        rows: Rows::Clips(rows),
        first: range.start,
        cursor,
        empty,
    }
}

pub(super) fn copies(scene: &Scene, now: Mono) -> ListBody {
    let log = &scene.ui.copies;
    let shown = log.shown();
    let cursor = log.place(&shown);
    let range = around(cursor, shown.len(), scene);
    let lines = shown[range.clone()].iter().copied();
    let rows = scene.snapshot.map(|snapshot| rows::copies(lines, snapshot, scene.zone, now)).unwrap_or_default();
    ListBody {
        title: "copies",
        notes: notes(&log.find, log.follows(), format!("the last {}", shown.len())),
        rows: Rows::Copies(rows),
        first: range.start,
        cursor,
        empty: nothing(&log.find),
    }
}

pub(super) fn journal(scene: &Scene, now: Mono) -> ListBody {
    let log = &scene.ui.journal;
    let shown = log.shown();
    let cursor = log.place(&shown);
    let range = around(cursor, shown.len(), scene);
    let lines = shown[range.clone()].iter().copied();
    let rows = scene.snapshot.map(|snapshot| rows::journal(lines, snapshot, scene.zone, now)).unwrap_or_default();
    let level = match log.level {
        Level::Info => format!("the last {}", shown.len()),
        Level::Warn => format!("{} warnings and errors", shown.len()),
        Level::Error => super::count(shown.len(), "error"),
    };
    ListBody {
        title: "journal",
        notes: notes(&log.find, log.follows(), level),
        rows: Rows::Journal(rows),
        first: range.start,
        cursor,
        empty: nothing(&log.find),
    }
}
