//! Copy log, journal, and who connected to the mail port: the recorder keeps the last thousand lines of each, or hundred
//! connections, and a monitor that shows one has them all, so that finding and scrolling ask nobody.

use super::find::Find;
use super::list::{Cursor, Motion};
use crate::model::question::Since;
use crate::model::snapshot::{CopyOutcome, CopyView, Entry, Level, Snapshot};
use crate::model::time::Mono;
use crate::model::transcript::{Grade, SessionView};
use std::collections::VecDeque;

/// A line of a log.
pub trait Line: Clone {
    /// Lines that are kept; the recorder keeps no more.
    const KEPT: usize = 1000;
    /// Counts up.
    fn number(&self) -> u64;
    /// How much it matters.
    fn level(&self) -> Level;
    /// What words are looked for in.
    fn words(&self) -> String;
    /// The log's end, as far as the picture shows it.
    fn newest(snapshot: &Snapshot) -> &[Self];
    /// The number of its newest line.
    fn last(snapshot: &Snapshot) -> u64 {
        Self::newest(snapshot).last().map_or(0, Self::number)
    }
    /// Whether this line takes the place of another one. Where that may be, not every number stands for a line.
    fn replaces(&self) -> Option<fn(&Self, &Self) -> bool> {
        None
    }
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

impl Line for SessionView {
    const KEPT: usize = 100;

    fn number(&self) -> u64 {
        self.change
    }

    fn level(&self) -> Level {
        match self.verdict.grade {
            Grade::Open | Grade::Good | Grade::Idle => Level::Info,
            Grade::Amiss => Level::Warn,
        }
    }

    fn words(&self) -> String {
        let mails = self.mails.iter().map(|mail| format!("{} {} {}", mail.from, mail.to, mail.subject));
        let mails = mails.collect::<Vec<_>>().join(" ");
        format!("#{} {} {mails} {}", self.transcript.number, self.transcript.peer, self.verdict.text)
    }

    fn newest(_: &Snapshot) -> &[Self] {
        &[]
    }

    fn last(snapshot: &Snapshot) -> u64 {
        snapshot.mail.sessions
    }

    fn replaces(&self) -> Option<fn(&Self, &Self) -> bool> {
        Some(|one, other| one.transcript.number == other.transcript.number)
    }
}

/// A log, the newest line first.
#[derive(Debug, Clone)]
pub struct Log<T> {
    /// Each number is less than the one before, by one where every number stands for a line.
    lines: VecDeque<T>,
    /// Which recorder's: numbers begin anew with each.
    of: Option<Mono>,
    awaiting: bool,
    /// The newest line of the picture for which it was last asked: the same question has the same answer.
    asked: u64,
    cursor: Cursor<u64>,
    /// Words to find.
    pub find: Find,
    /// Only what matters at least so much.
    pub level: Level,
    /// Why the log cannot be read.
    pub trouble: Option<String>,
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self {
            lines: VecDeque::new(),
            of: None,
            awaiting: false,
            asked: 0,
            cursor: Cursor::default(),
            find: Find::default(),
            level: Level::Info,
            trouble: None,
        }
    }
}

impl<T: Line> Log<T> {
    /// The end of the log comes with every picture; nothing is asked for what goes on from here.
    pub fn picture(&mut self, snapshot: &Snapshot) {
        self.belong(snapshot);
        let newest = T::newest(snapshot);
        if newest.first().is_some_and(|first| first.number() <= self.last() + 1) {
            self.add(newest.iter().cloned());
        }
    }

    /// Another recorder counts from the beginning.
    fn belong(&mut self, snapshot: &Snapshot) {
        if self.of != Some(snapshot.started) {
            let (find, level) = (std::mem::take(&mut self.find), self.level);
            *self = Self { of: Some(snapshot.started), find, level, ..Self::default() };
        }
    }

    /// What is missing to be as new as the picture.
    pub fn question(&mut self, snapshot: &Snapshot) -> Option<Since> {
        self.belong(snapshot);
        let newest = T::last(snapshot);
        if self.awaiting || newest <= self.last().max(self.asked) {
            return None;
        }
        (self.awaiting, self.asked) = (true, newest);
        Some(Since { after: self.last(), limit: T::KEPT as u32 })
    }

    fn last(&self) -> u64 {
        self.lines.front().map_or(0, T::number)
    }

    fn add(&mut self, lines: impl Iterator<Item = T>) {
        for line in lines {
            let last = self.last();
            if line.number() > last {
                match line.replaces() {
                    Some(same) => self.lines.retain(|other| !same(&line, other)),
                    // What is between them is not kept any more.
                    None if line.number() > last + 1 => self.lines.clear(),
                    None => {}
                }
                self.lines.push_front(line);
            }
        }
        self.lines.truncate(T::KEPT);
    }

    /// What came, newest last.
    pub fn found(&mut self, lines: Result<Vec<T>, String>) {
        self.awaiting = false;
        match lines {
            Ok(lines) => {
                self.trouble = None;
                self.add(lines.into_iter());
            }
            Err(why) => self.trouble = Some(why),
        }
    }

    /// Whatever was asked will not be answered.
    pub fn forsaken(&mut self) {
        self.awaiting = false;
        self.visited();
    }

    /// The person looks at it again: what failed may work now.
    pub fn visited(&mut self) {
        self.asked = 0;
    }

    /// Whether an answer is awaited before anything can be said.
    pub fn is_reading(&self) -> bool {
        self.awaiting && self.lines.is_empty()
    }

    /// All lines, newest first.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.lines.iter()
    }

    /// The lines that are wanted, newest first.
    pub fn shown(&self) -> Vec<&T> {
        let all = self.find.text().is_empty();
        let wanted = |line: &&T| line.level() >= self.level && (all || self.find.matches(&line.words()));
        self.lines.iter().filter(wanted).collect()
    }

    /// Where the cursor is among those that are shown.
    pub fn place(&self, shown: &[&T]) -> usize {
        self.cursor.place(shown.len(), |n, key| shown[n].number() > *key)
    }

    /// Where the page begins that was shown last.
    pub fn top(&self, shown: &[&T]) -> usize {
        self.cursor.top(shown.len(), |n, key| shown[n].number() > *key)
    }

    /// The page that is shown begins here.
    pub fn shown_from(&mut self, top: usize) {
        let key = self.shown().get(top).map(|line| line.number());
        self.cursor.shown_from(key);
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

#[cfg(test)]
#[path = "logs_tests.rs"]
mod tests;
