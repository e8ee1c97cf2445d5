//! Pages of the clip list.
//!
//! The list is ordered by the instants in the clips' names, so names alone decide what stands on a page, and only the
//! records of that page are read. Days are read as far as a page needs them, from either end or from the middle. A
//! directory's day is a local date: clips of neighbouring days, and of cameras in other zones, may interleave, so a clip
//! has its place only when no unread day can hold one that comes before it.
//!
//! Nothing is kept from page to page. What is asked for is "what follows this clip", and so clips that come or go in
//! between never make another one show twice or not at all.

use super::catalog::{self, Day, Found};
use super::disk::sentence;
use super::names::Files;
use crate::model::id::CameraName;
use crate::model::question::{ClipKey, ClipPage, ClipQuery, Page};
use crate::model::snapshot::ClipView;
use crate::model::time::Wall;
use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, ToSpan};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// Longest page, in clips: one that takes a moment to put into words, for nothing is recorded in that moment's thread.
const MOST_CLIPS: usize = 1_000;
/// Records that are searched for one page.
const MOST_SEARCHED: usize = 5_000;
/// Records are read for so long, on a disk that is slow; then the page ends and the next one goes on.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// Longest text to search for, in characters.
const LONGEST_SEARCH: usize = 200;
/// How far a clip may begin from its day in UTC: zones lie at most so far from it.
const ZONES: SignedDuration = SignedDuration::from_hours(26);

/// The newest clips, newest first; at most 1,000.
///
/// # Errors
/// One sentence with the remedy.
pub fn newest(root: &Path, only: Option<&CameraName>, limit: u32) -> Result<Vec<ClipView>, String> {
    let query = ClipQuery { camera: only.cloned(), find: String::new(), page: Page::Newest, limit };
    page(root, &query, Duration::MAX).map(|page| page.clips)
}

/// Reads a page: at least one record, and no further ones once `patience` is over.
///
/// # Errors
/// One sentence with the remedy.
pub(super) fn page(root: &Path, query: &ClipQuery, patience: Duration) -> Result<ClipPage, String> {
    let limit = usize::try_from(query.limit).unwrap_or(MOST_CLIPS).min(MOST_CLIPS);
    let search = Search::new(&query.find)?;
    let most = if search.is_for_all() || limit == 0 { limit } else { MOST_SEARCHED };
    let days = catalog::days(root, query.camera.as_ref()).map_err(|error| sentence("read", root, &error))?;
    // One more than are looked at: whether any follows.
    let mut walk = Walk::new(days, &query.page, most.saturating_add(1));
    let (mut clips, mut last) = (Vec::new(), walk.from.clone());
    let mut since = None;
    for _ in 0..most {
        if clips.len() == limit || since.is_some_and(|since: Instant| since.elapsed() >= patience) {
            break;
        }
        let Some((key, found)) = walk.next() else { break };
        since.get_or_insert_with(Instant::now);
        last = key;
        // It may have vanished since its name was read.
        clips.extend(catalog::listed(&found).filter(|clip| search.finds(clip)));
    }
    let more = walk.next().map(|_| last);
    if walk.way == Way::Newer {
        clips.reverse();
    }
    Ok(ClipPage { clips, more })
}

/// Words to be found in a clip.
struct Search(Vec<String>);

impl Search {
    fn new(text: &str) -> Result<Search, String> {
        if text.chars().nth(LONGEST_SEARCH).is_some() {
            return Err(format!("what is searched for is longer than {LONGEST_SEARCH} characters (leave words out)"));
        }
        Ok(Search(lower(text).split_whitespace().map(str::to_owned).collect()))
    }

    fn is_for_all(&self) -> bool {
        self.0.is_empty()
    }

    fn finds(&self, clip: &ClipView) -> bool {
        if self.is_for_all() {
            return true;
        }
        let texts = [&clip.name, &clip.trigger, &clip.subject].map(|text| lower(text));
        self.0.iter().all(|word| texts.iter().any(|text| text.contains(word)))
    }
}

/// Character by character, so that no letter depends on its neighbours (a Greek sigma at a word's end does else).
fn lower(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Older,
    Newer,
}

/// A walk through the list, day by day.
struct Walk {
    way: Way,
    /// All that is met lies behind this.
    from: ClipKey,
    /// In the order of the walk.
    days: Vec<Day>,
    /// How many of the days have been read.
    read: usize,
    /// Clips that were read and not yet met, each with its day's place and whether it grows. A name is there once: a
    /// clip that is just being closed may have two.
    waiting: BTreeMap<ClipKey, (usize, bool)>,
    /// How many more clips will be met at most; what waits behind so many is let go.
    room: usize,
}

impl Walk {
    fn new(mut days: Vec<Day>, page: &Page, room: usize) -> Walk {
        let end = |start| ClipKey { start, name: String::new() };
        let (way, from) = match page {
            Page::Newest => (Way::Older, end(Wall::MAX)),
            Page::Older(key) => (Way::Older, key.clone()),
            Page::Newer(key) => (Way::Newer, key.clone()),
            Page::Oldest => (Way::Newer, end(Wall::MIN)),
        };
        if way == Way::Newer {
            days.reverse();
        }
        let read = days.partition_point(|day| match way {
            Way::Older => earliest(day.date) > from.start,
            Way::Newer => latest(day.date) < from.start,
        });
        Walk { way, from, days, read, waiting: BTreeMap::new(), room }
    }

    /// The next clip.
    fn next(&mut self) -> Option<(ClipKey, Found)> {
        while !self.is_sure() {
            self.read_a_date();
        }
        let (key, (day, open)) = match self.way {
            Way::Older => self.waiting.pop_last(),
            Way::Newer => self.waiting.pop_first(),
        }?;
        self.room = self.room.saturating_sub(1);
        let day = self.days.get(day)?;
        let files = Files { dir: day.path.clone(), name: key.name.clone() };
        let found = Found { files, camera: day.camera.clone(), start: key.start, open };
        Some((key, found))
    }

    /// Whether no day that is still to be read can hold a clip that comes before the first one that waits.
    fn is_sure(&self) -> bool {
        let Some(day) = self.days.get(self.read) else { return true };
        let first = match self.way {
            Way::Older => self.waiting.last_key_value(),
            Way::Newer => self.waiting.first_key_value(),
        };
        first.is_some_and(|(first, _)| match self.way {
            Way::Older => first.start > latest(day.date),
            Way::Newer => first.start < earliest(day.date),
        })
    }

    /// Reads the next date's days of all cameras.
    fn read_a_date(&mut self) {
        let Some(date) = self.days.get(self.read).map(|day| day.date) else { return };
        while let Some(day) = self.days.get(self.read).filter(|day| day.date == date) {
            for (name, start, open) in day.names() {
                wait(&mut self.waiting, (self.way, &self.from, self.room), (name, start), (self.read, open));
            }
            self.read += 1;
        }
    }
}

/// Has a clip wait, if it lies on the way and so few come before it that there is room.
fn wait(
    waiting: &mut BTreeMap<ClipKey, (usize, bool)>,
    (way, from, room): (Way, &ClipKey, usize),
    (name, start): (String, Wall),
    (day, open): (usize, bool),
) {
    let key = ClipKey { start, name };
    let lies_on_the_way = match way {
        Way::Older => key < *from,
        Way::Newer => key > *from,
    };
    if lies_on_the_way {
        waiting.entry(key).and_modify(|(_, known)| *known &= open).or_insert((day, open));
        if waiting.len() > room {
            match way {
                Way::Older => waiting.pop_first(),
                Way::Newer => waiting.pop_last(),
            };
        }
    }
}

/// No clip of that day begins before this, whatever the zone.
fn earliest(date: Date) -> Wall {
    midnight(date, Wall::MIN).saturating_sub(ZONES).unwrap_or(Wall::MIN)
}

/// No clip of that day begins after this, whatever the zone.
fn latest(date: Date) -> Wall {
    midnight(date.saturating_add(1.day()), Wall::MAX).saturating_add(ZONES).unwrap_or(Wall::MAX)
}

/// The day's beginning in UTC; `edge` where time ends.
fn midnight(date: Date, edge: Wall) -> Wall {
    Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).unwrap_or(edge)
}

#[cfg(test)]
#[path = "tests/pages.rs"]
mod tests;
