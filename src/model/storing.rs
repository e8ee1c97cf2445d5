//! The way of what is claimed into the archive: one camera's claims are appended one after the other, and a clip that
//! is over is closed once all of its segments are in it. What fails is tried again, later and later, for ever.

use super::backoff::Setback;
use super::claim::Claim;
use super::clip::{Clip, ClipFile};
use super::effect::Append;
use super::event::Added;
use super::id::{ClipId, SegmentId};
use super::record::Record;
use super::saving::{ClipIds, Saving};
use super::time::{Anchor, Mono};
use std::sync::Arc;
use std::time::Duration;

/// A segment that not even an empty clip takes is given up after so many tries.
const MISFITS: u32 = 3;

/// What came of a segment that did not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// Another clip goes on with it.
    NewClip,
    /// It is tried again later.
    Later,
    /// It is given up; so many bytes.
    Lost(u64),
}

impl Misfit {
    /// Why a segment is given up.
    pub const REASON: &str = "it fits into no clip (it stays in ring.dir and is tried at the next start)";
}

/// What [`Saving::closable`] found.
#[derive(Debug, Default)]
pub struct Over {
    /// Clips to be closed.
    pub close: Vec<(ClipId, Arc<Record>)>,
    /// Windows of clips that got nothing and have no file, and why.
    pub empty: Vec<(Duration, Arc<str>)>,
}

impl Saving {
    /// What came of a claim. Answers it if it is lost.
    pub fn claimed(&mut self, number: u64, result: &Result<u64, String>) -> Option<Claim> {
        match result {
            Ok(bytes) => {
                self.queue.held(number, *bytes);
                None
            }
            Err(cause) => {
                let claim = self.queue.refused(number)?;
                self.note_loss(&claim, cause);
                Some(claim)
            }
        }
    }

    /// The next thing for the archive to do, if it is idle.
    pub fn feed(&mut self, now: Mono, anchor: &Anchor) -> Option<Append> {
        // Both in one clip: which of them came first would be chance.
        if self.following.busy() {
            return None;
        }
        if self.clips.iter().any(|clip| clip.away && self.queue.is_first_of(clip.id)) {
            return None; // the archive is looked for, and nobody knows yet what this one holds
        }
        let claim = self.queue.next(now)?.clone();
        let record = self.clips.iter().find(|clip| clip.id == claim.clip)?.record(anchor, &self.queue);
        Some(Append {
            clip: claim.clip,
            segment: SegmentId { camera: self.camera.clone(), number: claim.number },
            run: claim.run,
            wall: anchor.wall(claim.span.from),
            offset: claim.offset,
            record: Arc::new(record),
        })
    }

    /// A segment is durable. Answers its claim, and the clip's record if that showed a gap.
    pub fn appended(&mut self, number: u64, added: &Added, anchor: &Anchor) -> Option<(Claim, Option<Arc<Record>>)> {
        let claim = self.queue.done(number)?;
        let clip = self.clips.iter_mut().find(|clip| clip.id == claim.clip)?;
        let gap = clip.stored(&claim, added);
        self.pictures.try_again(claim.clip);
        let record = gap.then(|| Arc::new(clip.record(anchor, &self.queue)));
        Some((claim, record))
    }

    /// The archive could not; the same again later. Answers whether that is news.
    pub fn put_off(&mut self, number: u64, reason: String, now: Mono) -> bool {
        let seed = self.seed;
        let Some(claim) = self.queue.copying(number) else { return false };
        let news = claim.setback.as_ref().is_none_or(|earlier| earlier.reason != reason);
        let setback = Setback::again(claim.setback.as_ref(), reason, seed, now);
        self.queue.again(number, Some(setback));
        news
    }

    /// A segment cannot be stored at all. Answers its claim.
    pub fn unusable(&mut self, number: u64, cause: &str) -> Option<Claim> {
        let claim = self.queue.done(number)?;
        self.note_loss(&claim, cause);
        Some(claim)
    }

    /// There is no room for a segment that waits. Answers its claim.
    pub(super) fn give_up(&mut self, number: u64, cause: &str) -> Option<Claim> {
        let claim = self.queue.give_up(number)?;
        self.note_loss(&claim, cause);
        Some(claim)
    }

    pub(super) fn note_loss(&mut self, claim: &Claim, cause: &str) {
        if let Some(clip) = self.clips.iter_mut().find(|clip| clip.id == claim.clip) {
            clip.lost(claim, cause);
        }
    }

    /// A segment does not fit into its clip: that clip ends here and another goes on. One that nothing is in yet only
    /// gets a new number, and the segment is tried there a few times more, with a pause.
    pub fn misfit(&mut self, ids: &mut ClipIds, number: u64, now: Mono) -> Option<Misfit> {
        let claim = self.queue.copying(number)?.clone();
        let place = self.clips.iter().position(|clip| clip.id == claim.clip)?;
        let clip = &mut self.clips[place];
        if clip.is_empty() {
            if claim.setback.as_ref().is_some_and(|setback| setback.failures >= MISFITS) {
                return self.unusable(number, Misfit::REASON).map(|claim| Misfit::Lost(claim.bytes));
            }
            (clip.id, clip.file) = (ids.next(), None);
            self.pictures.rename(claim.clip, clip.id);
            let reason = format!("segment {number} of {} fits into no clip", self.camera);
            let setback = Setback::again(claim.setback.as_ref(), reason, self.seed, now);
            self.queue.again(number, Some(setback));
            self.rename(claim.clip, place);
            return Some(Misfit::Later);
        }
        let cause = claim.before.clone().unwrap_or_else(|| "it was no longer in the ring".into());
        let next = clip.go_on(ids.next(), claim.span.from, cause);
        self.clips.insert(place + 1, next);
        self.queue.again(number, None);
        self.rename(claim.clip, place + 1);
        Some(Misfit::NewClip)
    }

    /// What waits for the clip `old` is meant for the one at `place` from now on.
    pub(super) fn rename(&mut self, old: ClipId, place: usize) {
        let clip = &mut self.clips[place];
        for claim in self.queue.of(old) {
            claim.clip = clip.id;
            claim.offset = clip.meant(claim.number, claim.span.from);
        }
        let id = clip.id;
        if let Some(newest) = self.newest.as_mut().filter(|newest| newest.clip == old) {
            (newest.clip, newest.name) = (id, None);
        }
        for later in self.clips.iter_mut().filter(|clip| clip.follows == Some(old) && clip.id != id) {
            (later.follows, later.continues) = (Some(id), None);
        }
    }

    /// The clip's file has a name.
    pub fn opened(&mut self, id: ClipId, file: ClipFile) {
        for later in self.clips.iter_mut().filter(|clip| clip.follows == Some(id)) {
            later.continues = Some(file.name.clone());
        }
        if let Some(newest) = self.newest.as_mut().filter(|newest| newest.clip == id) {
            newest.name = Some(file.name.clone());
        }
        if let Some(clip) = self.clips.iter_mut().find(|clip| clip.id == id) {
            clip.file = Some(file);
        }
    }

    /// Clips that are over, whose every segment is stored: to be closed, if the time has come.
    pub fn closable(&mut self, now: Mono, anchor: &Anchor) -> Over {
        let mut over = Over::default();
        let (queue, pictures) = (&self.queue, &self.pictures);
        self.clips.retain_mut(|clip| {
            let wait = clip.setback.as_ref().is_some_and(|setback| now < setback.retry_at);
            let wait = wait || (clip.file.is_some() && pictures.are_tried(clip.id));
            if clip.ended.is_none() || clip.closing || clip.away || wait || queue.holds(clip.id) {
                return true;
            }
            if clip.is_empty() {
                over.empty.extend(clip.shortfall(queue));
                return false;
            }
            clip.closing = true;
            over.close.push((clip.id, Arc::new(clip.record(anchor, queue))));
            true
        });
        over
    }

    /// A clip is closed. Answers it.
    pub fn closed(&mut self, id: ClipId) -> Option<Clip> {
        let place = self.clips.iter().position(|clip| clip.id == id && clip.closing)?;
        self.clips.remove(place)
    }

    /// Closing failed: it will be tried again. Answers whether that is news.
    pub fn not_closed(&mut self, id: ClipId, reason: String, now: Mono) -> bool {
        let seed = self.seed;
        let Some(clip) = self.clips.iter_mut().find(|clip| clip.id == id && clip.closing) else { return false };
        let news = clip.setback.as_ref().is_none_or(|earlier| earlier.reason != reason);
        clip.closing = false;
        clip.setback = Some(Setback::again(clip.setback.as_ref(), reason, seed, now));
        news
    }

    /// Why the archive does not take what it is given, if it does not.
    pub fn trouble(&self) -> Option<&str> {
        let clips = self.clips.iter().filter_map(|clip| clip.setback.as_ref());
        self.queue.setback().into_iter().chain(clips).map(|setback| setback.reason.as_str()).next()
    }

    /// What waits for its next try is tried now: the archive works again, or there is no time left.
    pub fn hurry(&mut self, now: Mono) {
        let clips = self.clips.iter_mut().filter_map(|clip| clip.setback.as_mut());
        for setback in clips.chain(self.queue.setback_mut()) {
            setback.retry_at = setback.retry_at.min(now);
        }
    }
}
