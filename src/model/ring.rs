//! One camera's ring: which segments there are, which slot each stands in, and what became of it.
//!
//! Facts come from the kernel (a slot was opened, a slot was closed) and, because a queue of such facts can overflow,
//! once a second from a sweep that says what really lies there. Either may come first, late, twice or not at all.

use super::event::SlotFile;
use super::id::RunId;
use super::time::{Mono, Window};
use std::collections::VecDeque;

/// A segment that is or was in the ring.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Only grows.
    pub number: u64,
    /// The life of FFmpeg that wrote it.
    pub run: RunId,
    /// When FFmpeg opened its slot.
    pub opened: Mono,
    /// When FFmpeg closed it; `None` while it is being written.
    pub closed: Option<Mono>,
    /// Size when it was closed.
    pub bytes: u64,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// In its slot.
    InRing,
    /// Out of FFmpeg's reach.
    Claimed,
    /// On its way into the archive.
    Copying,
    /// Durable in the archive.
    Stored,
    /// Wanted, and gone.
    Lost,
    /// Not wanted, and gone: older than the ring, or empty.
    Gone,
}

impl Segment {
    /// When its footage came in; an open one reaches to the end of time.
    pub fn span(&self) -> Window<Mono> {
        Window { from: self.opened, to: self.closed.unwrap_or(Mono(u64::MAX)) }
    }
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
    /// Slots that hold a file which is no footage: one left there would look like the next segment after a wrap.
    litter: Vec<u32>,
}

impl Ring {
    /// An empty ring of `slots` finished segments whose files wrap at `wrap`; `first`: the number of the first one.
    pub fn new(slots: u32, wrap: u32, first: u64) -> Self {
        Self { slots: slots.max(1), wrap: wrap.max(2), next: first, segments: VecDeque::new(), litter: Vec::new() }
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

    /// A segment by its number.
    pub fn get(&self, number: u64) -> Option<&Segment> {
        self.segments.iter().rev().find(|segment| segment.number == number)
    }

    /// Says what became of a segment; nothing happens for one that is long gone.
    pub fn set(&mut self, number: u64, fate: Fate) {
        if let Some(segment) = self.segments.iter_mut().rev().find(|segment| segment.number == number) {
            segment.fate = fate;
        }
    }

    /// Slots whose segment is older than the ring, or empty: to be removed, so that the name FFmpeg opens next is free.
    pub fn outdated(&mut self) -> Vec<u32> {
        let oldest = self.next.saturating_sub(u64::from(self.slots) + 1);
        let (wrap, mut slots) = (u64::from(self.wrap), std::mem::take(&mut self.litter));
        for segment in self.segments.iter_mut().filter(|segment| segment.number < oldest) {
            if segment.fate == Fate::InRing && segment.closed.is_some() {
                segment.fate = Fate::Gone;
                slots.push((segment.number % wrap) as u32);
            }
        }
        while self.segments.len() > self.slots as usize + 2 {
            self.segments.pop_front();
        }
        slots
    }

    /// FFmpeg opened a slot. Answers whether that finished another segment, whose closing was missed.
    pub fn slot_opened(&mut self, slot: u32, run: RunId, now: Mono) -> bool {
        if slot >= self.wrap || self.open().is_some_and(|open| self.slot(open.number) == slot) {
            return false;
        }
        let finished = self.close(now, None);
        while self.next_slot() != slot {
            self.push(run, now, Some(now), Fate::Gone);
        }
        self.push(run, now, None, Fate::InRing);
        finished
    }

    /// FFmpeg closed a slot. Answers whether that finished a segment.
    pub fn slot_closed(&mut self, file: SlotFile, run: RunId, now: Mono) -> bool {
        if self.open().is_some_and(|open| self.slot(open.number) == file.slot) {
            return self.close(now, Some(file.bytes));
        }
        if self.open().is_some() || file.slot != self.next_slot() {
            return false;
        }
        // Its opening was missed: it began no later than now and no earlier than the end of the one before.
        let began = self.segments.back().and_then(|last| last.closed).unwrap_or(now);
        self.push(run, began, None, Fate::InRing);
        self.close(now, Some(file.bytes))
    }

    /// What really lies in the directory. `alive`: FFmpeg may be writing still; if not, every file is finished.
    /// Answers whether that finished a segment.
    pub fn swept(&mut self, files: &[SlotFile], run: RunId, alive: bool, now: Mono) -> bool {
        let bytes = |slot| files.iter().find(|file| file.slot == slot).map(|file| file.bytes);
        let mut finished = false;
        // The name that comes next is free; a file there that is no segment of ours is news we missed.
        for _ in 0..self.slots {
            if bytes(self.next_slot()).is_none() || self.in_next_slot().is_some() {
                break;
            }
            if let Some(open) = self.open() {
                let size = bytes(self.slot(open.number));
                finished |= self.close(now, Some(size.unwrap_or(0)));
            }
            let began = self.segments.back().and_then(|last| last.closed).unwrap_or(now);
            self.push(run, began, None, Fate::InRing);
        }
        if !alive && let Some(open) = self.open() {
            let size = bytes(self.slot(open.number));
            finished |= self.close(now, Some(size.unwrap_or(0)));
        }
        finished
    }

    /// The segment whose file FFmpeg overwrites next, if it was not removed in time.
    fn in_next_slot(&mut self) -> Option<&mut Segment> {
        let reused = self.next.checked_sub(u64::from(self.wrap))?;
        self.segments.iter_mut().find(|segment| segment.number == reused && segment.fate == Fate::InRing)
    }

    fn push(&mut self, run: RunId, opened: Mono, closed: Option<Mono>, fate: Fate) {
        if let Some(overwritten) = self.in_next_slot() {
            overwritten.fate = Fate::Gone;
        }
        self.segments.push_back(Segment { number: self.next, run, opened, closed, bytes: 0, fate });
        self.next += 1;
    }

    /// `bytes`: `None` if nobody could tell.
    fn close(&mut self, now: Mono, bytes: Option<u64>) -> bool {
        let Some(open) = self.segments.back_mut().filter(|last| last.closed.is_none()) else { return false };
        open.closed = Some(now);
        open.bytes = bytes.unwrap_or(0);
        if bytes == Some(0) {
            open.fate = Fate::Gone;
            self.litter.push((open.number % u64::from(self.wrap)) as u32);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RUN: RunId = RunId(1);

    fn file(slot: u32) -> SlotFile {
        SlotFile { slot, bytes: 100 }
    }

    fn numbers(ring: &Ring, fate: Fate) -> Vec<u64> {
        ring.segments().filter(|s| s.fate == fate && s.closed.is_some()).map(|s| s.number).collect()
    }

    /// Writes segments `0..count` as FFmpeg does.
    fn filled(count: u64) -> Ring {
        let mut ring = Ring::new(3, 5, 0);
        for n in 0..count {
            ring.slot_opened((n % 5) as u32, RUN, Mono(n));
            ring.outdated();
            ring.slot_closed(file((n % 5) as u32), RUN, Mono(n + 1));
        }
        ring
    }

    #[test]
    fn keeps_as_many_finished_segments_as_it_has_slots_and_frees_the_next_name() {
        let mut ring = filled(7);
        assert_eq!(numbers(&ring, Fate::InRing), [3, 4, 5, 6]);
        assert!(!ring.slot_opened(2, RUN, Mono(8)));
        assert_eq!(ring.outdated(), [3], "segment 3 stands in slot 3, the one that comes after 2");
        assert_eq!(numbers(&ring, Fate::InRing), [4, 5, 6]);
    }

    #[test]
    fn a_missed_closing_is_seen_at_the_next_opening() {
        let mut ring = filled(2);
        ring.slot_opened(2, RUN, Mono(10));
        assert!(ring.slot_opened(3, RUN, Mono(20)));
        assert_eq!(ring.get(2).and_then(|s| s.closed), Some(Mono(20)));
        assert_eq!(ring.open().map(|s| s.number), Some(3));
    }

    #[test]
    fn a_sweep_finds_what_the_kernel_never_told() {
        let mut ring = filled(2);
        ring.slot_opened(2, RUN, Mono(10));
        assert!(
            ring.swept(&[file(0), file(1), file(2), file(3), file(4)], RUN, true, Mono(30)) || ring.open().is_some()
        );
        assert_eq!(ring.open().map(|s| s.number), Some(4));
        assert_eq!(numbers(&ring, Fate::InRing), [0, 1, 2, 3]);
        assert!(ring.swept(&[file(4)], RUN, false, Mono(40)), "a dead FFmpeg writes no more");
        assert!(ring.open().is_none());
    }

    #[test]
    fn late_news_of_what_a_sweep_told_changes_nothing() {
        let mut ring = filled(2);
        ring.slot_opened(2, RUN, Mono(10));
        ring.swept(&[file(2), file(3)], RUN, true, Mono(20));
        let before: Vec<_> = ring.segments().cloned().collect();
        assert!(!ring.slot_closed(file(2), RUN, Mono(21)));
        assert!(!ring.slot_opened(3, RUN, Mono(21)));
        assert_eq!(before, ring.segments().cloned().collect::<Vec<_>>());
    }

    #[test]
    fn an_empty_file_is_no_segment() {
        let mut ring = filled(1);
        ring.slot_opened(1, RUN, Mono(5));
        ring.slot_closed(SlotFile { slot: 1, bytes: 0 }, RUN, Mono(6));
        assert_eq!(numbers(&ring, Fate::InRing), [0]);
        assert_eq!(ring.next_slot(), 2);
        assert_eq!((ring.outdated(), ring.outdated()), (vec![1], vec![]), "its file goes at once, and once");
    }

    proptest! {
        /// Whatever is told, in whatever order: no panic, numbers are consecutive, the ring stays short.
        #[test]
        fn stays_in_order_whatever_it_is_told(news in prop::collection::vec((0u8..4, 0u32..8), 0..200)) {
            let mut ring = Ring::new(4, 6, 0);
            for (now, (kind, slot)) in news.into_iter().enumerate() {
                let now = Mono(now as u64);
                match kind {
                    0 => { ring.slot_opened(slot, RUN, now); }
                    1 => { ring.slot_closed(file(slot), RUN, now); }
                    2 => { ring.swept(&[file(slot), file((slot + 1) % 6)], RUN, slot % 2 == 0, now); }
                    _ => { ring.outdated(); }
                }
                let numbers: Vec<_> = ring.segments().map(|s| s.number).collect();
                prop_assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1));
                let in_ring: Vec<_> = ring.segments().filter(|s| s.fate == Fate::InRing).map(|s| ring.slot(s.number)).collect();
                let distinct: std::collections::BTreeSet<_> = in_ring.iter().collect();
                prop_assert_eq!(distinct.len(), in_ring.len(), "no slot holds two segments");
            }
            ring.outdated();
            prop_assert!(ring.segments().count() <= 6);
        }
    }
}
