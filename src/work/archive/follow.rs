//! Following a segment while FFmpeg still writes it, so that a power cut costs about one GOP and not a whole segment.
//!
//! What is followed counts like everything else in the clip, except that it is taken back if the segment turns out to
//! be something else in the end, or to belong elsewhere. Nothing of this may cost what there is without it: whatever is
//! in the way, the finished segment is appended as ever.

use super::clip::{Clip, Coming};
use super::held::Share;
use super::source::{Fault, Segment, frames};
use crate::model::effect::Append;
use crate::model::event::Added;
use crate::model::fmp4::{Arrival, Fragment, Timeline};
use blake3::Hasher;
use std::io;
use std::time::Instant;

/// The segment that is being followed.
pub(super) struct Followed {
    segment: u64,
    /// The clip without it.
    before: Mark,
    /// What the clip has of it, as it lies in FFmpeg's file.
    fragments: Vec<Fragment>,
    /// Their headers, as they lie there.
    moofs: Vec<Vec<u8>>,
}

impl Followed {
    /// Whether it was this segment. Its headers tell it, with the size of every sample: FFmpeg never changes what it has
    /// written, and a slot that it may have come round to is not followed.
    fn began(&self, segment: &Segment) -> bool {
        segment.fragments.starts_with(&self.fragments) && segment.moofs.starts_with(&self.moofs)
    }
}

/// How far a clip had come.
struct Mark {
    hash: Hasher,
    length: u64,
    line: Timeline,
    frames: u64,
}

impl Clip {
    /// Appends what is whole of a segment that is still being written and not yet in the clip. `None`: nothing, for its
    /// times do not simply go on. `until` its file cannot have been overwritten.
    pub fn follow(&mut self, append: &Append, mut segment: Segment, until: Instant) -> Result<Option<Added>, Fault> {
        let number = append.segment.number;
        // What a killed recorder has left is not told apart from what follows it before a segment came whole.
        let known = self.run == Some(append.run) && self.held.is_empty() && !self.stored.contains(&number);
        if !known || !self.init.goes_on_with(&segment.init) {
            return Ok(None);
        }
        self.cut_back().map_err(|text| Fault::Archive(io::Error::other(text)))?;
        let mut line = self.line.clone();
        let first = match self.followed.as_ref().filter(|followed| followed.segment == number) {
            Some(followed) if followed.began(&segment) => followed.fragments.len(),
            Some(_) => return Ok(None),
            None => 0,
        };
        if first == 0 {
            let arrival = Arrival { same_run: true, offset: append.offset };
            let entered = line.enter(&segment.init, &segment.fragments, arrival);
            if entered.map_err(|flaw| Fault::Source(flaw.to_string()))?.is_some() {
                return Ok(None);
            }
        }
        segment.skip(first);
        let mut moofs = segment.moofs.clone();
        self.take_what_goes_on(&mut segment, &mut line);
        moofs.truncate(segment.moofs.len());
        if segment.fragments.is_empty() {
            return Ok(None);
        }
        let before =
            Mark { hash: self.hash.clone(), length: self.length, line: self.line.clone(), frames: self.frames };
        let coming = Coming { segment: number, run: self.run, at: self.begins(number) };
        let in_time =
            || if Instant::now() < until { Ok(()) } else { Err(Fault::Source("it took too long".to_owned())) };
        in_time()?;
        if let Err(fault) = self.put(coming, &segment, line.shift(), line, in_time) {
            self.cut_back().map_err(|text| Fault::Archive(io::Error::other(text)))?;
            return Err(fault);
        }
        let brought: u64 = segment.fragments.iter().map(|fragment| frames(&segment.init, fragment)).sum();
        self.frames += brought;
        let added = self.added(self.length - before.length, brought, None);
        match self.followed.as_mut().filter(|followed| followed.segment == number) {
            Some(followed) => {
                followed.fragments.append(&mut segment.fragments);
                followed.moofs.append(&mut moofs);
            }
            None => self.followed = Some(Followed { segment: number, before, fragments: segment.fragments, moofs }),
        }
        Ok(Some(added))
    }

    /// Gives the fragments their times in the clip, up to the first that would need another constant: what explains
    /// that is not known before the segment is finished.
    fn take_what_goes_on(&self, segment: &mut Segment, line: &mut Timeline) {
        let mut most = 0;
        for (fragment, moof) in segment.fragments.iter().zip(&mut segment.moofs) {
            let mut next = line.clone();
            if next.take(fragment, moof).is_err() || next.shift() != self.line.shift() {
                break;
            }
            *line = next;
            most += 1;
        }
        segment.fragments.truncate(most);
        segment.moofs.truncate(most);
    }

    /// How much of a segment was followed; `None`: the clip has something else in its place.
    pub fn share_followed(&self, number: u64, segment: &Segment) -> Option<Share> {
        let Some(followed) = self.followed.as_ref().filter(|followed| followed.segment == number) else {
            return Some(Share::NONE);
        };
        let there = followed.before.length..self.length;
        let share = Share { fragments: followed.fragments.len(), there: Some(there), hole: None };
        followed.began(segment).then_some(share)
    }

    /// Where a segment begins in the clip, or will.
    fn begins(&self, number: u64) -> u64 {
        let followed = self.followed.as_ref().filter(|followed| followed.segment == number);
        followed.map_or(self.length, |followed| followed.before.length)
    }

    /// Takes back what was followed of a segment: its whole is in RAM and will be stored in another way.
    pub fn unfollow(&mut self, number: u64) -> Result<(), String> {
        if let Some(Followed { before, .. }) = self.followed.take_if(|followed| followed.segment == number) {
            (self.hash, self.length, self.line, self.frames) = (before.hash, before.length, before.line, before.frames);
            self.dirty = true;
        }
        self.cut_back()
    }
}
