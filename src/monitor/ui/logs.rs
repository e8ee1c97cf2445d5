//! Copy log and journal: the recorder keeps the last thousand lines of each, and a monitor that shows one has them all,
//! so that finding and scrolling ask nobody.

use super::find::Find;
use super::list::{Cursor, Motion};
use crate::model::question::Since;
use crate::model::snapshot::{CopyOutcome, CopyView, Entry, Level, Snapshot};
use crate::model::time::Mono;
use std::collections::VecDeque;

/// Lines that are kept; the recorder keeps no more.
const KEPT: usize = 1000;

/// A line of a log.
pub trait Line: Clone {
    /// Counts up.
    fn number(&self) -> u64;
    /// How much it matters.
    fn level(&self) -> Level;
    /// What words are looked for in.
    fn words(&self) -> String;
    /// The log's end, as far as the picture shows it.
    fn newest(snapshot: &Snapshot) -> &[Self];
}

impl Line for Entry {
    fn number(&self) -> u64 {
        self.number
    }

    fn level(&self) -> Level {
        self.level
    }

    fn words(&self) -> String {
        format!("{} {}", self.camera.as_ref().map_or("", |camera| camera.as_str()), self.text)
    }

    fn newest(snapshot: &Snapshot) -> &[Self] {
        &snapshot.journal
    }
}

impl Line for CopyView {
    fn number(&self) -> u64 {
        self.number
    }

    fn level(&self) -> Level {
        match self.outcome {
            CopyOutcome::Stored { .. } => Level::Info,
            CopyOutcome::Retrying { .. } => Level::Warn,
            CopyOutcome::Lost { .. } => Level::Error,
        }
    }

    fn words(&self) -> String {
        let outcome = match &self.outcome {
            CopyOutcome::Stored { .. } => "",
            CopyOutcome::Retrying { reason } => reason,
            CopyOutcome::Lost { reason } => &format!("lost {reason}"),
        };
        format!("{} {} slot {} {outcome}", self.camera, self.clip, self.slot)
    }

    fn newest(snapshot: &Snapshot) -> &[Self] {
        &snapshot.copies
    }
}

/// A log, the newest line first.
#[derive(Debug, Clone)]
pub struct Log<T> {
    lines: VecDeque<T>,
    /// Which recorder's: numbers begin anew with each.
    of: Option<Mono>,
    awaiting: bool,
    cursor: Cursor<u64>,
    /// Words to find.
    pub find: Find,
    /// Only what matters at least so much.
    pub level: Level,
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        let (lines, cursor, find) = (VecDeque::new(), Cursor::default(), Find::default());
        Self { lines, of: None, awaiting: false, cursor, find, level: Level::Info }
    }
}

impl<T: Line> Log<T> {
    /// What is missing to be as new as the picture.
    pub fn question(&mut self, snapshot: &Snapshot) -> Option<Since> {
        if self.of != Some(snapshot.started) {
            *self = Self { of: Some(snapshot.started), find: self.find.clone(), level: self.level, ..Self::default() };
        }
        let (last, newest) = (self.last(), T::newest(snapshot).last().map_or(0, T::number));
        if self.awaiting || newest <= last {
            return None;
        }
        self.awaiting = true;
        Some(Since { after: last, limit: KEPT as u32 })
    }

    fn last(&self) -> u64 {
        self.lines.front().map_or(0, T::number)
    }

    /// What came, newest last.
    pub fn found(&mut self, lines: Vec<T>) {
        self.awaiting = false;
        for line in lines {
            if line.number() > self.last() {
                self.lines.push_front(line);
            }
        }
        self.lines.truncate(KEPT);
    }

    /// Whatever was asked will not be answered.
    pub fn forsaken(&mut self) {
        self.awaiting = false;
    }

    /// The lines that are wanted, newest first.
    pub fn shown(&self) -> Vec<&T> {
        let wanted = |line: &&T| line.level() >= self.level && self.find.matches(&line.words());
        self.lines.iter().filter(wanted).collect()
    }

    /// Where the cursor is among those that are shown.
    pub fn place(&self, shown: &[&T]) -> usize {
        self.cursor.place(shown.iter().map(|line| line.number()))
    }

    /// The line at the cursor.
    pub fn chosen(&self) -> Option<&T> {
        let shown = self.shown();
        shown.get(self.place(&shown)).copied()
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion) {
        let shown = self.shown();
        let key = shown.get(motion.from(self.place(&shown), shown.len())).map(|line| line.number());
        if let Some(key) = key {
            self.cursor.stay(key);
        }
    }

    /// Whether the cursor stays with the newest line.
    pub fn follows(&self) -> bool {
        self.cursor.follows()
    }

    /// Stays with the newest line, or with the one that is the newest now.
    pub fn toggle_follow(&mut self) {
        if self.follows() {
            self.go(Motion::First);
        } else {
            self.cursor.follow();
        }
    }

    /// All, then what matters more, then only the worst, then all again.
    pub fn next_level(&mut self) {
        self.level = match self.level {
            Level::Info => Level::Warn,
            Level::Warn => Level::Error,
            Level::Error => Level::Info,
        };
    }
}
