//! The clip list: a part of it is here, and more is asked for when the cursor comes near an end of that part. So months
//! of clips can be gone through, and neither end of the link ever holds them all.

use super::find::Find;
use super::list::{Cursor, Motion};
use crate::model::question::{ClipKey, ClipPage, ClipQuery, Page};
use crate::model::snapshot::{ClipView, Snapshot};
use std::collections::VecDeque;

/// Clips that are asked for at once.
const PAGE: u32 = 100;
/// Clips that are kept; those farthest from the cursor go.
const KEPT: usize = 500;

/// The clip list.
#[derive(Debug, Clone, Default)]
pub struct Clips {
    part: VecDeque<ClipView>,
    /// From where the list goes on towards the newest; `None`: the part begins where the list does.
    newer: Option<ClipKey>,
    /// From where it goes on towards the oldest; `None`: the part ends where the list does.
    older: Option<ClipKey>,
    /// Something of the list was here.
    loaded: bool,
    /// The list's beginning has changed.
    stale: bool,
    /// Where to jump: the end of the list is not here.
    jump: Option<Page>,
    awaiting: Option<ClipQuery>,
    /// The newest clip of the last picture.
    seen: Option<ClipKey>,
    cursor: Cursor<ClipKey>,
    /// Words to find; what is here was found with the ones before.
    pub find: Find,
    found_by: String,
    /// Why the list cannot be read.
    pub trouble: Option<String>,
}

impl Clips {
    /// Clips change while they grow, and new ones come at the beginning.
    pub fn picture(&mut self, snapshot: &Snapshot) {
        let newest = snapshot.clips.iter().map(ClipKey::of).max();
        self.stale |= self.seen != newest;
        self.seen = newest;
        for clip in &mut self.part {
            if let Some(newer) = snapshot.clips.iter().find(|newer| newer.name == clip.name) {
                clip.clone_from(newer);
            }
        }
    }

    /// What to ask for, if anything, so that the cursor has `around` lines on both sides.
    pub fn question(&mut self, around: usize) -> Option<ClipQuery> {
        if self.find.text() != self.found_by {
            self.found_by = self.find.text().to_owned();
            (self.loaded, self.awaiting) = (false, None); // what may still come answers another question
            self.part.clear();
            self.cursor.follow();
        }
        if self.awaiting.is_some() {
            return None;
        }
        let place = self.place();
        let page = match (&self.newer, &self.older) {
            _ if self.jump.is_some() => self.jump.take()?,
            _ if !self.loaded => Page::Newest,
            (None, _) if self.stale => Page::Newest,
            (Some(key), _) if place < around => Page::Newer(key.clone()),
            (_, Some(key)) if place + around >= self.part.len() => Page::Older(key.clone()),
            _ => return None,
        };
        let query = ClipQuery { camera: None, find: self.found_by.clone(), page, limit: PAGE };
        self.awaiting = Some(query.clone());
        Some(query)
    }

    /// What came for a question; an answer to one that is not awaited any more is left out.
    pub fn found(&mut self, query: &ClipQuery, page: Result<ClipPage, String>) {
        if self.awaiting.take_if(|awaited| awaited == query).is_none() {
            return;
        }
        match page {
            Ok(page) => {
                self.trouble = None;
                self.join(&query.page, page);
            }
            Err(why) => {
                // Not asked again until something changes: the answer would be the same.
                (self.trouble, self.loaded, self.stale) = (Some(why), true, false);
                (self.newer, self.older) = (None, None);
            }
        }
    }

    fn join(&mut self, asked: &Page, page: ClipPage) {
        let ClipPage { clips, more } = page;
        match asked {
            Page::Newest => self.renew(clips, more),
            Page::Older(_) => {
                self.part.extend(clips);
                self.older = more;
            }
            Page::Newer(_) => {
                clips.into_iter().rev().for_each(|clip| self.part.push_front(clip));
                self.newer = more;
            }
            Page::Oldest => {
                (self.part, self.newer, self.older) = (clips.into(), more, None);
                self.go(Motion::Last);
            }
        }
        self.loaded = true;
        self.bound();
    }

    /// The list's beginning, as it is now; what was here and follows it stays.
    fn renew(&mut self, clips: Vec<ClipView>, more: Option<ClipKey>) {
        let end = more.is_some().then(|| clips.last().map(ClipKey::of)).flatten();
        let joined = end
            .as_ref()
            .is_some_and(|end| self.newer.is_none() && self.part.iter().any(|clip| ClipKey::of(clip) == *end));
        let rest = std::mem::take(&mut self.part);
        self.part = clips.into();
        if let Some(end) = end.filter(|_| joined) {
            self.part.extend(rest.into_iter().filter(|clip| ClipKey::of(clip) < end));
        } else {
            self.older = more;
        }
        (self.newer, self.stale) = (None, false);
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

    /// Whatever was asked will not be answered.
    pub fn forsaken(&mut self) {
        (self.awaiting, self.stale) = (None, true);
    }

    /// A clip is gone for good.
    pub fn deleted(&mut self, name: &str) {
        self.part.retain(|clip| clip.name != name);
    }

    /// A clip is protected now, or no longer.
    pub fn protected(&mut self, name: &str, protected: bool) {
        let clips = self.part.iter_mut().filter(|clip| clip.name == name);
        clips.for_each(|clip| clip.protected = protected);
    }

    /// What is here.
    pub fn shown(&self) -> &VecDeque<ClipView> {
        &self.part
    }

    /// Whether the list goes on: towards the newest, towards the oldest.
    pub fn goes_on(&self) -> (bool, bool) {
        (self.newer.is_some(), self.older.is_some())
    }

    /// Whether an answer is awaited.
    pub fn is_asking(&self) -> bool {
        self.awaiting.is_some()
    }

    /// Where the cursor is in what is here.
    pub fn place(&self) -> usize {
        self.cursor.place(self.part.iter().map(ClipKey::of))
    }

    /// The clip at the cursor.
    pub fn chosen(&self) -> Option<&ClipView> {
        self.part.get(self.place())
    }

    /// Moves the cursor; to an end of the list that is not here, as soon as it is.
    pub fn go(&mut self, motion: Motion) {
        match motion {
            Motion::First if self.newer.is_some() => self.jump = Some(Page::Newest),
            Motion::Last if self.older.is_some() => self.jump = Some(Page::Oldest),
            Motion::First | Motion::Last | Motion::Up(_) | Motion::Down(_) => {}
        }
        if let Some(clip) = self.part.get(motion.from(self.place(), self.part.len())) {
            self.cursor.stay(ClipKey::of(clip));
        }
        if motion == Motion::First && self.newer.is_some() {
            self.cursor.follow();
        }
    }

    /// Whether the cursor stays with the newest clip.
    pub fn follows(&self) -> bool {
        self.cursor.follows()
    }

    /// Stays with the newest clip, or with the one that is the newest now.
    pub fn toggle_follow(&mut self) {
        if !self.follows() {
            self.cursor.follow();
            self.jump = self.newer.is_some().then_some(Page::Newest);
        } else if let Some(first) = self.part.front() {
            self.cursor.stay(ClipKey::of(first));
        }
    }
}
