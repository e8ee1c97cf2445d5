//! The clip list: a part of it is here, and more is asked for when the cursor comes near an end of that part. So months
//! of clips can be gone through, and neither end of the link ever holds them all.
//!
//! What happens while the list is looked at comes with the pictures, which hold every clip that grows and the last ones
//! that were closed; nothing is asked for that. Only where a picture cannot tell (a clip is gone from it, the recorder
//! was away) the part is asked for anew, around the cursor.

use super::find::{self, Find};
use super::list::{Cursor, Motion};
use crate::model::question::{ClipKey, ClipPage, ClipQuery, Page};
use crate::model::snapshot::{ClipView, Snapshot};
use std::cmp::Ordering;
use std::collections::VecDeque;

/// Clips that are asked for at once.
const PAGE: u32 = 100;
/// Clips that are kept; those farthest from the cursor go.
const KEPT: usize = 1000;
/// Lines around the cursor that may be wanted. More, and what is asked for at one end would push out what was asked for
/// at the other one, without end.
const AROUND: usize = KEPT / 4;
/// Questions that may be under way although nobody waits for their answers any more: words are typed faster than a slow
/// disk is searched.
const OVERTAKEN: usize = 2;

/// The clip list.
#[derive(Debug, Clone)]
pub struct Clips {
    /// Newest first.
    part: VecDeque<ClipView>,
    /// From where the list goes on towards the newest; `None`: the part begins where the list does.
    newer: Option<ClipKey>,
    /// From where it goes on towards the oldest; `None`: the part ends where the list does.
    older: Option<ClipKey>,
    /// Between its ends the part has every clip with the words. If not, it is what is left of other words.
    whole: bool,
    /// The part may differ from what there is now, and is to be asked for anew.
    doubt: bool,
    /// The last page for that ended before the cursor; the next one begins with it.
    missed: bool,
    /// The end of the list to go to, which is not here.
    jump: Option<Page>,
    /// Where the cursor goes as soon as there is a clip.
    land: Option<Motion>,
    asked: Option<(ClipQuery, Join)>,
    /// Questions under way whose answers will be left out.
    overtaken: usize,
    /// The last answer was none: nothing is asked until something changes, because the answer would be the same.
    resting: bool,
    /// What the last picture showed, newest first.
    picture: Vec<ClipView>,
    /// What it said of the archive.
    archive: Option<String>,
    cursor: Cursor<ClipKey>,
    /// Words to find; what is here was found with the ones before.
    pub find: Find,
    found_by: String,
    /// Why the list cannot be read.
    pub trouble: Option<String>,
}

impl Default for Clips {
    fn default() -> Self {
        Self {
            part: VecDeque::new(),
            newer: None,
            older: None,
            whole: false,
            doubt: true,
            missed: false,
            jump: None,
            land: None,
            asked: None,
            overtaken: 0,
            resting: false,
            picture: Vec::new(),
            archive: None,
            cursor: Cursor::default(),
            find: Find::default(),
            found_by: String::new(),
            trouble: None,
        }
    }
}

/// What becomes of the part when a page comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Join {
    /// The page takes its place.
    Anew,
    /// The same, unless the person has changed their mind.
    Jump,
    /// The page goes in front of it.
    Before,
    /// The page goes behind it.
    Behind,
}

impl Clips {
    /// Clips grow, are closed, come and go.
    pub fn picture(&mut self, snapshot: &Snapshot) {
        if self.archive != snapshot.archive.trouble {
            self.archive.clone_from(&snapshot.archive.trouble);
            self.resting = false;
        }
        if self.picture != snapshot.clips {
            let before = std::mem::replace(&mut self.picture, snapshot.clips.clone());
            self.doubt |= lacks_one(&before, &self.picture);
            self.resting = false;
            self.overlay();
        }
    }

    /// Puts into the part what the last picture knows of it.
    fn overlay(&mut self) {
        for clip in &self.picture {
            let known = self.part.iter().position(|known| known.name == clip.name);
            match known {
                // Its place in the list is the archive's to say: the two clocks may differ.
                Some(n) => self.part[n] = ClipView { start: self.part[n].start, ..clip.clone() },
                None if self.whole && self.covers(clip) && matches(clip, &self.found_by) => {
                    let place = self.part.partition_point(|other| order(other, &ClipKey::of(clip)).is_gt());
                    self.part.insert(place, clip.clone());
                }
                None => {}
            }
        }
    }

    /// Whether the clip's place is between the ends of the part.
    fn covers(&self, clip: &ClipView) -> bool {
        self.newer.as_ref().is_none_or(|end| order(clip, end).is_lt())
            && self.older.as_ref().is_none_or(|end| order(clip, end).is_gt())
    }

    /// What to ask for, if anything, so that the cursor has `around` lines on both sides.
    pub fn question(&mut self, around: usize) -> Option<ClipQuery> {
        if self.find.text() != self.found_by {
            self.reword();
        }
        if self.asked.is_some() || self.overtaken >= OVERTAKEN || self.resting {
            return None;
        }
        let (place, around) = (self.place(), around.min(AROUND));
        let (page, join) = match (&self.jump, &self.newer, &self.older) {
            (Some(end), _, _) => (end.clone(), Join::Jump),
            (None, _, _) if self.doubt => (self.here(), Join::Anew),
            (None, Some(end), _) if place < around => (Page::Newer(end.clone()), Join::Before),
            (None, _, Some(end)) if place + around >= self.part.len() => (Page::Older(end.clone()), Join::Behind),
            (None, _, _) => {
                self.trouble = None; // what could not be read is not wanted any more
                return None;
            }
        };
        self.doubt &= matches!(join, Join::Before | Join::Behind); // what comes to be doubted from now on is asked later
        let query = ClipQuery { camera: None, find: self.found_by.clone(), page, limit: PAGE };
        self.asked = Some((query.clone(), join));
        Some(query)
    }

    /// Other words: what is here and has them stays until the answer comes. Without words the cursor stays at what was
    /// found, to see what is around it.
    fn reword(&mut self) {
        self.found_by = self.find.text().to_owned();
        self.overtaken += usize::from(self.asked.take().is_some());
        self.part.retain(|clip| matches(clip, &self.found_by));
        if !self.found_by.is_empty() {
            self.cursor.follow();
        }
        (self.whole, self.doubt, self.missed, self.resting) = (false, true, false, false);
        (self.jump, self.land, self.trouble) = (None, None, None);
    }

    /// The page that shows the cursor and what is around it.
    fn here(&self) -> Page {
        let place = self.place();
        let half = PAGE as usize / 2;
        match self.cursor.at() {
            None => Page::Newest,
            Some(_) if self.whole && !self.missed && self.newer.is_none() && place < half => Page::Newest,
            Some(at) => {
                let above = self.part.get(place.saturating_sub(half)).map(ClipKey::of);
                let above = above.filter(|_| self.whole && !self.missed);
                Page::Older(just_before(above.filter(|above| above > at).unwrap_or_else(|| at.clone())))
            }
        }
    }

    /// What came for a question; an answer to one that is not awaited any more is left out.
    pub fn found(&mut self, query: &ClipQuery, page: Result<ClipPage, String>) {
        let Some((_, join)) = self.asked.take_if(|(asked, _)| asked == query) else {
            self.overtaken = self.overtaken.saturating_sub(1);
            return;
        };
        match page {
            Ok(_) if join == Join::Jump && self.jump.as_ref() != Some(&query.page) => self.doubt = true,
            // The cursor has moved on since, or what lies above it took all of the page.
            Ok(page) if join == Join::Anew && !self.holds_cursor(&query.page, page.more.as_ref()) => {
                (self.doubt, self.missed) = (true, true);
            }
            Ok(page) => {
                self.trouble = None;
                self.join(&query.page, join, page);
            }
            Err(why) => {
                (self.trouble, self.resting, self.jump) = (Some(why), true, None);
                self.doubt |= matches!(join, Join::Anew | Join::Jump);
            }
        }
    }

    /// Whether a page that takes the place of the part has the cursor's place in it.
    fn holds_cursor(&self, asked: &Page, more: Option<&ClipKey>) -> bool {
        let Some(at) = self.cursor.at() else { return true };
        match asked {
            Page::Newest => more.is_none_or(|end| at >= end),
            // A page that begins with the cursor cannot be bettered.
            Page::Older(from) if *from == just_before(at.clone()) => true,
            Page::Older(from) => at < from && more.is_none_or(|end| at >= end),
            Page::Oldest | Page::Newer(_) => true,
        }
    }

    fn join(&mut self, asked: &Page, join: Join, page: ClipPage) {
        let ClipPage { clips, more } = page;
        // A page that leads nowhere would be asked for without end.
        let more = more.filter(|more| !matches!(asked, Page::Older(from) | Page::Newer(from) if from == more));
        match join {
            Join::Behind => {
                let end = self.part.back().map(ClipKey::of);
                self.part
                    .extend(clips.into_iter().filter(|clip| end.as_ref().is_none_or(|end| order(clip, end).is_lt())));
                self.older = more;
            }
            Join::Before => {
                let end = self.part.front().map(ClipKey::of);
                let clips = clips.into_iter().rev();
                let clips = clips.filter(|clip| end.as_ref().is_none_or(|end| order(clip, end).is_gt()));
                clips.for_each(|clip| self.part.push_front(clip));
                self.newer = more;
            }
            Join::Anew | Join::Jump => {
                (self.part, self.whole, self.missed) = (clips.into(), true, false);
                (self.newer, self.older) = match asked {
                    Page::Newest => (None, more),
                    Page::Oldest | Page::Newer(_) => (more, None),
                    Page::Older(from) => (Some(from.clone()), more),
                };
                if self.jump.take_if(|_| join == Join::Jump).is_some() {
                    self.land = Some(if *asked == Page::Oldest { Motion::Last } else { Motion::First });
                }
            }
        }
        self.overlay();
        if let Some(motion) = self.land.take_if(|_| !self.part.is_empty())
            && (motion == Motion::Last || !self.cursor.follows())
        {
            self.step(motion);
        }
        self.bound();
    }

    /// Lets go of what is farthest from the cursor.
    fn bound(&mut self) {
        while self.part.len() > KEPT {
            if self.place() < self.part.len() / 2 {
                self.part.pop_back();
                self.older = self.part.back().map(ClipKey::of);
            } else {
                self.part.pop_front();
                self.newer = self.part.front().map(ClipKey::of);
            }
        }
    }

    /// Whatever was asked will not be answered, and nobody knows what has happened since.
    pub fn forsaken(&mut self) {
        (self.asked, self.overtaken) = (None, 0);
        self.doubted();
    }

    /// What is here may not be what there is.
    pub fn doubted(&mut self) {
        (self.doubt, self.resting) = (true, false);
    }

    /// The person looks at it again: what failed may work now.
    pub fn visited(&mut self) {
        self.resting = false;
    }

    /// A clip is gone for good.
    pub fn deleted(&mut self, name: &str) {
        self.part.retain(|clip| clip.name != name);
        self.picture.retain(|clip| clip.name != name);
        self.doubt |= self.asked.is_some(); // the answer may still have it
    }

    /// A clip is protected now, or no longer.
    pub fn protected(&mut self, name: &str, protected: bool) {
        let clips = self.part.iter_mut().chain(&mut self.picture).filter(|clip| clip.name == name);
        clips.for_each(|clip| clip.protected = protected);
        self.doubt |= self.asked.is_some();
    }

    /// What is here, newest first.
    pub fn shown(&self) -> &VecDeque<ClipView> {
        &self.part
    }

    /// Whether the list goes on: towards the newest, towards the oldest. `None`: not known yet.
    pub fn goes_on(&self) -> Option<(bool, bool)> {
        self.whole.then_some((self.newer.is_some(), self.older.is_some()))
    }

    /// Where the cursor is in what is here.
    pub fn place(&self) -> usize {
        self.cursor.place(self.part.len(), |n, key| order(&self.part[n], key).is_gt())
    }

    /// Where the page begins that was shown last.
    pub fn top(&self) -> usize {
        self.cursor.top(self.part.len(), |n, key| order(&self.part[n], key).is_gt())
    }

    /// The page that is shown begins here.
    pub fn shown_from(&mut self, top: usize) {
        self.cursor.shown_from(self.part.get(top).map(ClipKey::of));
    }

    /// The clip at the cursor.
    pub fn chosen(&self) -> Option<&ClipView> {
        self.part.get(self.place())
    }

    /// Moves the cursor; to an end of the list that is not here, as soon as it is.
    pub fn go(&mut self, motion: Motion) {
        self.resting = false;
        match motion {
            Motion::First => (self.jump, self.land) = (self.newer.is_some().then_some(Page::Newest), None),
            Motion::Last => (self.jump, self.land) = (self.older.is_some().then_some(Page::Oldest), None),
            Motion::Up(_) | Motion::Down(_) => {}
        }
        self.step(motion);
    }

    fn step(&mut self, motion: Motion) {
        if let Some(clip) = self.part.get(motion.from(self.place(), self.part.len())) {
            self.cursor.stay(ClipKey::of(clip));
        }
    }

    /// Whether the cursor stays with the newest clip.
    pub fn follows(&self) -> bool {
        self.cursor.follows()
    }

    /// Stays with the newest clip, or with the one that is the newest now.
    pub fn toggle_follow(&mut self) {
        (self.jump, self.land) = (None, None);
        if self.follows() {
            self.step(Motion::First);
        } else {
            self.cursor.follow();
            self.jump = self.newer.is_some().then_some(Page::Newest);
        }
    }
}

/// Where a clip stands, compared with a place; greater is newer.
fn order(clip: &ClipView, key: &ClipKey) -> Ordering {
    clip.start.cmp(&key.start).then_with(|| clip.name.as_str().cmp(&key.name))
}

/// The place right in front of this one: what follows it begins with this one.
fn just_before(mut key: ClipKey) -> ClipKey {
    key.name.push('\0');
    key
}

/// The rule of the recorder's search.
fn matches(clip: &ClipView, words: &str) -> bool {
    words.is_empty() || find::has(&format!("{}\n{}\n{}", clip.name, clip.trigger, clip.subject), words)
}

/// Whether a clip is gone from the picture other than by leaving its end to a newer one.
fn lacks_one(before: &[ClipView], now: &[ClipView]) -> bool {
    let closed = |clips: &[ClipView], name: &str| clips.iter().any(|clip| clip.name == name && !clip.open);
    let came = now.iter().filter(|clip| !clip.open && !closed(before, &clip.name)).count();
    let stay = &before[..before.len().saturating_sub(came)];
    stay.iter().any(|clip| now.iter().all(|other| other.name != clip.name))
}

#[cfg(test)]
#[path = "clips_tests.rs"]
mod tests;
