//! One camera's ring: which segments there are, which slot each stands in, and what became of it.
//!
//! Facts come from the kernel (a slot was opened, a slot was closed) and, because a queue of such facts can overflow,
//! once a second from a sweep that says what really lies there. Either may come first, late, twice or not at all. News
//! that do not fit (a slot that is not the next one) are old, or the first after some that were lost; which of the two
//! only the sweep can tell, so they change nothing. For as long as the picture is ahead of FFmpeg it waits, and when it
//! is behind the sweep catches up.

use super::event::SlotFile;
use super::id::RunId;
use super::snapshot::Media;
use super::time::Mono;
pub use left::{Found, RingMemory};
pub use segment::{Fate, Segment};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// A ring is swept each second; if it was not for so long, the recorder did not run.
pub(super) const AWAY: Duration = Duration::from_secs(5);

/// What news changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    /// FFmpeg went on to a new segment.
    pub opened: bool,
    /// A segment with footage was finished.
    pub finished: bool,
    /// A segment was finished, and there is nothing in it.
    pub empty: bool,
}

/// One camera's ring.
#[derive(Debug)]
pub struct Ring {
    slots: u32,
    wrap: u32,
    /// The number of the next segment to be opened.
    next: u64,
    /// Oldest first, consecutive numbers, at most `slots + 2`.
    segments: VecDeque<Segment>,
    /// When it was last swept, or made.
    swept: Mono,
    /// The ring has turned more than once while nobody looked, so nobody knows which slot holds what: what the last
    /// sweep found, if there was one since.
    astray: Option<Option<Vec<SlotFile>>>,
    /// Files of unknown segments, to be removed.
    strays: Vec<SlotFile>,
    /// Why footage is missing in front of the next life's first segment.
    cause: Arc<str>,
}

impl Ring {
    /// An empty ring of `slots` finished segments whose files wrap at `wrap`; `first`: the number of the first one.
    pub fn new(slots: u32, wrap: u32, first: u64, now: Mono) -> Self {
        Self {
            slots: slots.max(1),
            wrap: wrap.max(2),
            // Numbers are read from the names of files: they must not be able to bring counting to its end.
            next: first.min(u64::MAX / 2),
            segments: VecDeque::new(),
            swept: now,
            astray: None,
            strays: Vec::new(),
            cause: "the camera had sent nothing yet".into(),
        }
    }

    /// The slot that FFmpeg is to open next.
    pub fn next_slot(&self) -> u32 {
        self.slot(self.next)
    }

    /// FFmpeg's file for a segment.
    pub fn slot(&self, number: u64) -> u32 {
        (number % u64::from(self.wrap)) as u32
    }

    /// All segments that are known, oldest first.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &Segment> {
        self.segments.iter()
    }

    /// The segment that is being written.
    pub fn open(&self) -> Option<&Segment> {
        self.segments.back().filter(|last| last.closed.is_none())
    }

    /// When the last segment in front of `number` ended that was wanted already; the machine's start if none was.
    pub fn taken_before(&self, number: u64) -> Mono {
        let taken = |segment: &&Segment| match segment.fate {
            Fate::Claimed | Fate::Copying | Fate::Stored | Fate::Lost => segment.number < number,
            Fate::InRing | Fate::Empty | Fate::Gone => false,
        };
        self.segments.iter().rev().find(taken).and_then(|segment| segment.closed).unwrap_or(Mono(0))
    }

    /// Says what became of a segment; nothing happens for one that is long gone.
    pub fn set(&mut self, number: u64, fate: Fate) {
        if let Some(segment) = self.segments.iter_mut().rev().find(|segment| segment.number == number) {
            segment.fate = fate;
        }
    }

    /// Lets go of a finished segment for want of room. Answers its file, which is to be removed.
    pub fn let_go(&mut self, number: u64) -> Option<SlotFile> {
        let wrap = u64::from(self.wrap);
        let segment = self.segments.iter_mut().find(|segment| segment.number == number && segment.claimable())?;
        segment.fate = Fate::Gone;
        Some(SlotFile { slot: (number % wrap) as u32, bytes: segment.bytes })
    }

    /// From here on footage is missing, and this is why.
    pub fn blame(&mut self, cause: &str) {
        self.cause = cause.into();
    }

    /// The slot that is open holds so much footage and was frozen since: FFmpeg only kept its file open.
    pub fn froze(&mut self, footage: Duration) {
        if let Some(open) = self.segments.back_mut().filter(|last| last.closed.is_none()) {
            open.sure = Some(open.opened + footage);
        }
    }

    /// From when on the footage in the ring has no hole; `None`: there is none.
    pub fn whole_since(&self) -> Option<Mono> {
        let there = |segment: &&Segment| match segment.fate {
            Fate::InRing | Fate::Claimed | Fate::Copying | Fate::Stored => segment.closed.is_some(),
            Fate::Lost | Fate::Empty | Fate::Gone => false,
        };
        // What is being written does not go on from what lies there.
        if self.open().is_some_and(|open| open.before.is_some()) {
            return None;
        }
        let closed = self.segments.iter().rev().skip_while(|last| last.closed.is_none());
        let mut since: Option<&Segment> = None;
        for segment in closed.take_while(there) {
            if since.is_some_and(|next| next.before.is_some() || segment.sure.is_some()) {
                break;
            }
            since = Some(segment);
        }
        since.map(|segment| segment.opened)
    }

    /// Why footage is missing, if it is missing now.
    pub fn cause(&self) -> &Arc<str> {
        &self.cause
    }

    /// Slots whose segment is older than the ring, or empty: to be removed, each once, so that the name FFmpeg opens
    /// next is free.
    ///
    /// A file is known again by its size. One of unknown size stays, and FFmpeg writes over it.
    pub fn outdated(&mut self) -> Vec<SlotFile> {
        let oldest = self.next.saturating_sub(u64::from(self.slots) + 1);
        let (wrap, mut slots) = (u64::from(self.wrap), std::mem::take(&mut self.strays));
        for segment in &mut self.segments {
            // What could not be claimed may lie there still.
            let old = segment.number < oldest && (segment.claimable() || segment.fate == Fate::Lost);
            if segment.fate == Fate::Empty || (old && segment.bytes > 0) {
                slots.push(SlotFile { slot: (segment.number % wrap) as u32, bytes: segment.bytes });
            }
            if segment.fate == Fate::Empty || old {
                segment.fate = Fate::Gone;
            }
        }
        while self.segments.len() > self.slots as usize + 2 {
            self.segments.pop_front();
        }
        slots
    }

    /// FFmpeg opened a slot, which also finishes the segment before if its closing was missed.
    pub fn slot_opened(&mut self, slot: u32, run: RunId, now: Mono) -> Moved {
        if self.astray.is_some() || slot != self.next_slot() {
            return Moved::default();
        }
        let began = match self.segments.back() {
            // What waited to be heard while nobody looked may have happened at any instant since.
            Some(last) if last.run == run && self.unheard(now) => self.earliest(),
            // In one life the next slot is opened a moment after the last was closed, however late we hear of it.
            Some(last) if last.run == run => last.closed.unwrap_or(self.earliest()),
            Some(_) | None => now,
        };
        let finished = self.close(now, None);
        self.push(run, began);
        Moved { opened: true, finished, empty: false }
    }

    /// FFmpeg closed a slot.
    pub fn slot_closed(&mut self, file: SlotFile, media: Option<Media>, run: RunId, now: Mono) -> Moved {
        if self.astray.is_some() {
            return Moved::default();
        }
        let opened = self.open().is_none() && file.slot == self.next_slot();
        if opened {
            let began = self.earliest();
            self.push(run, began);
        }
        if self.open().is_none_or(|open| self.slot(open.number) != file.slot) {
            return Moved::default();
        }
        if let Some(open) = self.segments.back_mut() {
            open.media = media;
        }
        let finished = self.close(now, Some(file.bytes));
        Moved { opened, finished, empty: !finished }
    }

    /// What really lies in the directory. `alive`: FFmpeg may be writing still; if not, every file is finished.
    pub fn swept(&mut self, files: &[SlotFile], run: RunId, alive: bool, now: Mono) -> Moved {
        if let Some(before) = self.astray.take() {
            return self.find_place(before, files, run, alive, now);
        }
        let size = |slot| files.iter().find(|file| file.slot == slot).map(|file| file.bytes);
        let mut moved = Moved::default();
        // The name that comes next is free; a file there that is no segment of ours is news we missed.
        for _ in 0..self.slots {
            if size(self.next_slot()).is_none_or(|bytes| self.is_old(bytes)) {
                break;
            }
            let began = self.earliest();
            let open = self.open().is_some();
            let finished = self.close_as(size, now);
            moved.finished |= finished;
            moved.empty |= open && !finished;
            self.push(run, began);
            moved.opened = true;
        }
        if !alive {
            moved.finished |= self.close_as(size, now);
        }
        for segment in self.segments.iter_mut().filter(|segment| segment.claimable() && segment.bytes == 0) {
            segment.bytes = size((segment.number % u64::from(self.wrap)) as u32).unwrap_or(0);
        }
        self.swept = now;
        moved
    }

    /// Nobody looked for so long that FFmpeg may have written over every slot: what was known of them is void.
    pub fn lose_place(&mut self, cause: &str) {
        self.blame(cause);
        self.segments.clear();
        self.astray = Some(None);
    }

    /// Looks for the slot that has grown between two sweeps, and goes on from there. What else lies there is of unknown
    /// age, and goes.
    fn find_place(
        &mut self,
        before: Option<Vec<SlotFile>>,
        files: &[SlotFile],
        run: RunId,
        alive: bool,
        now: Mono,
    ) -> Moved {
        let grew =
            |file: &&SlotFile| before.as_ref().is_some_and(|before| !before.contains(file) && file.slot < self.wrap);
        let growing: Vec<_> = files.iter().filter(grew).map(|file| file.slot).collect();
        // FFmpeg may have gone on from slot to slot meanwhile: it is in the last of those that have changed.
        let last = |slot: &u32| !growing.contains(&((*slot + 1) % self.wrap));
        let lasts: Vec<_> = growing.iter().copied().filter(last).collect();
        let place = match lasts.as_slice() {
            [slot] if alive => Some(*slot),
            _ if alive => {
                (self.astray, self.swept) = (Some(Some(files.to_vec())), now);
                return Moved::default();
            }
            _ => None,
        };
        self.strays = files.iter().filter(|file| Some(file.slot) != place).copied().collect();
        // It must not seem to go on from the last that was known.
        self.next += 1;
        if let Some(slot) = place {
            let (wrap, at) = (u64::from(self.wrap), u64::from(self.next_slot()));
            self.next += (u64::from(slot) + wrap - at) % wrap;
            self.push(run, self.swept);
        }
        self.swept = now;
        Moved { opened: place.is_some(), ..Moved::default() }
    }

    /// Whether nobody has looked for so long that news may have waited.
    fn unheard(&self, now: Mono) -> bool {
        now.since(self.swept) > AWAY
    }

    /// Whether a file of this size in the next slot is what we know there, and not yet the next segment.
    fn is_old(&self, bytes: u64) -> bool {
        let reused = self.next.checked_sub(u64::from(self.wrap));
        let there = self.segments.iter().find(|segment| Some(segment.number) == reused);
        there.is_some_and(|there| match there.fate {
            Fate::InRing | Fate::Empty | Fate::Gone | Fate::Lost => there.bytes > 0 && there.bytes == bytes,
            Fate::Claimed | Fate::Copying | Fate::Stored => false,
        })
    }

    /// The earliest instant at which a segment can have begun whose opening nobody saw: the last sweep did not find it.
    /// When the one before ended is no better measure, for that may have been heard late.
    fn earliest(&self) -> Mono {
        self.segments.back().map_or(self.swept, |last| last.opened.max(self.swept))
    }

    fn push(&mut self, run: RunId, opened: Mono) {
        let before = match self.segments.back() {
            Some(last) if last.run != run => Some(self.cause.clone()),
            Some(last) if matches!(last.fate, Fate::Empty | Fate::Gone) => Some("FFmpeg left an empty file".into()),
            Some(_) => None,
            None => Some(self.cause.clone()),
        };
        if let Some(reused) = self.next.checked_sub(u64::from(self.wrap))
            && let Some(overwritten) = self.segments.iter_mut().find(|s| s.number == reused && s.fate == Fate::InRing)
        {
            overwritten.fate = Fate::Gone;
        }
        let (number, fate) = (self.next, Fate::InRing);
        self.segments.push_back(Segment {
            number,
            run,
            opened,
            closed: None,
            bytes: 0,
            fate,
            before,
            media: None,
            sure: None,
        });
        self.next += 1;
    }

    fn close_as(&mut self, size: impl Fn(u32) -> Option<u64>, now: Mono) -> bool {
        let open = self.open().map(|open| self.slot(open.number));
        open.is_some_and(|slot| self.close(now, Some(size(slot).unwrap_or(0))))
    }

    /// `bytes`: `None` if nobody could tell. Answers whether there is footage in it.
    fn close(&mut self, now: Mono, bytes: Option<u64>) -> bool {
        let (unheard, sure) = (self.unheard(now), self.swept);
        let Some(open) = self.segments.back_mut().filter(|last| last.closed.is_none()) else { return false };
        let frozen = open.sure.filter(|sure| *sure < now);
        open.sure = frozen.or_else(|| unheard.then_some(sure.max(open.opened)));
        open.closed = Some(now.max(open.opened));
        open.bytes = bytes.unwrap_or(0);
        if bytes == Some(0) {
            open.fate = Fate::Empty;
        }
        open.fate == Fate::InRing
    }
}

mod left;
mod segment;
#[cfg(test)]
mod tests;
