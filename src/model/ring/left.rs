//! A ring that a killed recorder left: what it knew of it, held against what really lies there.
//!
//! FFmpeg outlives its recorder by a moment, or by long. So it may have gone on to slots of which nobody has heard: they
//! are those that come next and do not hold what was known there. No FFmpeg writes any more when this is asked.

use super::{Fate, Ring, Segment};
use crate::model::event::SlotFile;
use crate::model::id::RunId;
use crate::model::memory::{LeftFile, SOUND};
use crate::model::snapshot::Media;
use crate::model::time::Mono;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// What a recorder has to know of its predecessor's ring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RingMemory {
    slots: u32,
    wrap: u32,
    next: u64,
    segments: VecDeque<Segment>,
    /// Nobody knew which slot holds what.
    astray: bool,
    cause: Arc<str>,
}

impl RingMemory {
    /// Whether it was a ring of that shape.
    pub fn has_shape(&self, slots: u32, wrap: u32) -> bool {
        (self.slots, self.wrap) == (slots, wrap)
    }

    /// Whether this can be a ring, known at `known`, whose last FFmpeg was `run`.
    pub fn is_sound(&self, run: RunId, known: Mono) -> bool {
        let segments = &self.segments;
        let last = segments.back().map_or(self.next, |last| last.number.saturating_add(1));
        let goes_on = |(one, next): (&Segment, &Segment)| {
            one.number.checked_add(1) == Some(next.number)
                && one.closed.is_some()
                && one.opened <= next.opened
                && one.run <= next.run
        };
        self.next < SOUND
            && run.0 < SOUND
            && last == self.next
            && segments.len() <= self.wrap as usize
            && segments.iter().zip(segments.iter().skip(1)).all(goes_on)
            && segments.iter().all(|segment| {
                let closed = segment.closed.unwrap_or(segment.opened);
                segment.opened <= closed
                    && closed <= known
                    && segment.run <= run
                    && segment.media.iter().all(Media::is_sound)
            })
    }

    /// When the last segment ended that was finished, and what it held.
    pub fn last_closed(&self) -> Option<(Mono, Option<Media>)> {
        let last = self.segments.iter().rev().find(|segment| segment.closed.is_some())?;
        Some((last.closed?, last.media.clone()))
    }

    /// Why footage was missing.
    pub fn cause(&self) -> &Arc<str> {
        &self.cause
    }

    /// The segment that was being written.
    fn open(&self) -> Option<&Segment> {
        self.segments.back().filter(|last| last.closed.is_none())
    }

    /// When the segment ended that FFmpeg was writing, if it lies there: FFmpeg ends with its recorder.
    pub fn last_written(&self, slots: &[LeftFile]) -> Option<Mono> {
        let open = self.open()?.number % u64::from(self.wrap.max(1));
        slots.iter().find(|file| file.number == open).map(|file| file.written)
    }
}

impl Ring {
    /// What a recorder after this one has to know.
    pub fn memory(&self) -> RingMemory {
        RingMemory {
            slots: self.slots,
            wrap: self.wrap,
            next: self.next,
            segments: self.segments.clone(),
            astray: self.astray.is_some(),
            cause: self.cause.clone(),
        }
    }

    /// Whether that would be the same.
    pub fn is_as(&self, memory: &RingMemory) -> bool {
        self.next == memory.next
            && self.astray.is_some() == memory.astray
            && self.cause == memory.cause
            && self.segments == memory.segments
    }

    /// Goes on with a ring whose last FFmpeg was `run`. Answers which of the segments that were to be claimed still lie
    /// in their slots, too.
    pub fn carry_on(memory: RingMemory, run: RunId, found: &Found, now: Mono) -> (Self, Vec<u64>) {
        let mut ring = Self { cause: memory.cause, ..Self::new(memory.slots, memory.wrap, memory.next, now) };
        if memory.astray || found.taken.is_some_and(|most| most >= memory.next) {
            // Numbers only grow, and a memory that does not know the newest cannot tell what lies in the slots.
            let most = found.taken.unwrap_or(0).max(memory.next);
            ring.next = most.min(SOUND) + 1;
            ring.forget(found.slots);
            return (ring, Vec::new());
        }
        ring.segments = memory.segments;
        let new = ring.new_files(found);
        if new.len() as u64 == u64::from(ring.wrap) {
            ring.turned(new, run);
        } else {
            ring.adopt(new, run, found);
        }
        let there = ring.keep_what_is_there(found);
        (ring, there)
    }

    /// Nothing is known of what lies in the slots: it goes.
    pub fn forget(&mut self, slots: &[LeftFile]) {
        self.strays = slots.iter().filter_map(LeftFile::slot).collect();
    }

    /// Files that FFmpeg has written since the memory was: the open segment's, and those that come next, in order.
    fn new_files(&self, found: &Found) -> Vec<LeftFile> {
        let open = self.open().map(|open| open.number);
        let numbers = open.unwrap_or(self.next)..;
        let files = numbers.take(self.wrap as usize).map_while(|number| {
            let file = found.slot(self.slot(number))?;
            // The name may be that of a segment one turn earlier, which still lies there.
            let before = number.checked_sub(u64::from(self.wrap)).and_then(|before| self.numbered(before));
            let old = Some(number) != open && before.is_some_and(|before| found.holds(before, file));
            (!old).then_some(file)
        });
        files.collect()
    }

    fn numbered(&self, number: u64) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.number == number)
    }

    /// FFmpeg went on from slot to slot.
    fn adopt(&mut self, files: Vec<LeftFile>, run: RunId, found: &Found) {
        let mut files = files.into_iter();
        if self.open().is_some() {
            // One without a file never came to be.
            self.close_left(files.next().map(|file| (file.bytes, file.written)));
        }
        for file in files {
            let end = self.segments.back().and_then(|last| last.closed).unwrap_or_default();
            let same = self.segments.back().is_some_and(|last| last.run == run);
            let began = if same { end } else { end.max(found.began(file)) };
            self.push(run, began);
            self.close_left(Some((file.bytes, file.written)));
        }
    }

    /// FFmpeg has written every slot since, and nobody knows how often. The newest is where it ended; the oldest goes,
    /// for it cannot be told when that began.
    fn turned(&mut self, files: Vec<LeftFile>, run: RunId) {
        let newest = files.iter().enumerate().max_by_key(|(_, file)| file.written).map_or(0, |(place, _)| place);
        let (newer, older) = files.split_at(newest + 1);
        let mut files = older.iter().chain(newer);
        let Some(oldest) = files.next() else { return };
        self.strays.extend(oldest.slot());
        self.segments.clear();
        let mut began = oldest.written;
        for file in files {
            if self.segments.is_empty() {
                let (wrap, at) = (u64::from(self.wrap), u64::from(self.next_slot()));
                self.next += (file.number + wrap - at) % wrap;
            }
            self.push(run, began);
            self.close_left(Some((file.bytes, file.written)));
            began = file.written.max(began);
        }
    }

    /// Closes what was open as its file is. Nothing is in one that is not there.
    fn close_left(&mut self, file: Option<(u64, Mono)>) {
        let Some(open) = self.segments.back_mut().filter(|last| last.closed.is_none()) else { return };
        let (bytes, written) = file.unwrap_or((0, open.opened));
        (open.closed, open.bytes) = (Some(written.max(open.opened)), bytes);
        if bytes == 0 {
            open.fate = Fate::Empty;
        }
    }

    /// What is not in its slot any more is gone, and what is in a slot and no segment's goes.
    /// Answers which of those that are to be claimed are there.
    fn keep_what_is_there(&mut self, found: &Found) -> Vec<u64> {
        let (mut known, mut to_claim) = (Vec::new(), Vec::new());
        for number in self.segments.iter().map(|segment| segment.number).collect::<Vec<_>>() {
            let later = self.numbered(number + u64::from(self.wrap)).is_some();
            let file = found.slot(self.slot(number)).filter(|_| !later);
            let Some(segment) = self.segments.iter_mut().find(|segment| segment.number == number) else { continue };
            let there = file.filter(|file| found.holds(segment, *file));
            match segment.fate {
                Fate::InRing if there.is_none() => segment.fate = Fate::Gone,
                Fate::InRing => segment.bytes = there.map_or(0, |file| file.bytes),
                Fate::Claimed | Fate::Copying if found.to_claim.contains(&number) => {
                    to_claim.extend(there.map(|_| number));
                }
                // What is empty is removed with all that is outdated.
                Fate::Empty => known.extend(file.map(|file| file.number)),
                Fate::Claimed | Fate::Copying | Fate::Stored | Fate::Lost | Fate::Gone => continue,
            }
            known.extend(there.map(|file| file.number));
        }
        let strays = found.slots.iter().filter(|file| !known.contains(&file.number)).filter_map(LeftFile::slot);
        let strays: Vec<SlotFile> = strays.filter(|file| !self.strays.contains(file)).collect();
        self.strays.extend(strays);
        to_claim
    }
}

/// What is found of a ring when nobody writes to it any more.
#[derive(Debug)]
pub struct Found<'a> {
    /// What lies in the slots.
    pub slots: &'a [LeftFile],
    /// The highest number that is taken outside of the ring.
    pub taken: Option<u64>,
    /// Segments that were ordered to be claimed and have not been.
    pub to_claim: &'a [u64],
    /// When the memory was written.
    pub known: Mono,
    /// Wanted length of a segment.
    pub segment: Duration,
}

impl Found<'_> {
    fn slot(&self, slot: u32) -> Option<LeftFile> {
        self.slots.iter().find(|file| file.number == u64::from(slot)).copied()
    }

    /// Whether this file is that segment's, which was closed: by its size, or its age if nobody knows that.
    fn holds(&self, segment: &Segment, file: LeftFile) -> bool {
        let may = match segment.fate {
            Fate::InRing | Fate::Empty | Fate::Gone | Fate::Lost => true,
            Fate::Claimed | Fate::Copying => self.to_claim.contains(&segment.number),
            Fate::Stored => false,
        };
        let same = if segment.bytes > 0 { segment.bytes == file.bytes } else { file.written <= self.known };
        may && same
    }

    /// When a file began whose opening nobody has heard of: after all that was, and about a segment before its end.
    fn began(&self, file: LeftFile) -> Mono {
        self.known.max(file.written - self.segment.saturating_mul(2)).min(file.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: RunId = RunId(4);

    fn at(seconds: u64) -> Mono {
        Mono(0) + Duration::from_secs(seconds)
    }

    fn closed(number: u64) -> SlotFile {
        SlotFile { slot: (number % 5) as u32, bytes: 100 + number }
    }

    /// A ring of three slots and two spare ones, as FFmpeg left it when it had written `0..count` and began the next.
    fn known(count: u64) -> (RingMemory, Vec<LeftFile>) {
        let mut ring = Ring::new(3, 5, 0, at(0));
        let mut files = Vec::new();
        for number in 0..count {
            ring.slot_opened(closed(number).slot, RUN, at(number));
            ring.slot_closed(closed(number), None, RUN, at(number + 1));
            let gone = ring.outdated();
            files.retain(|file: &LeftFile| gone.iter().all(|gone| file.slot() != Some(*gone)));
            files.push(file(number));
            ring.swept = at(number + 1);
        }
        ring.slot_opened(closed(count).slot, RUN, at(count));
        let gone = ring.outdated();
        files.retain(|file: &LeftFile| gone.iter().all(|gone| file.slot() != Some(*gone)));
        (ring.memory(), files)
    }

    /// As FFmpeg wrote it, in its second.
    fn file(number: u64) -> LeftFile {
        LeftFile { number: number % 5, bytes: 100 + number, written: at(number + 1) }
    }

    fn carried(memory: RingMemory, slots: &[LeftFile], to_claim: &[u64]) -> (Ring, Vec<u64>) {
        let (taken, segment) = (to_claim.iter().max().copied(), Duration::from_secs(1));
        let found = Found { slots, taken, to_claim, known: at(7), segment };
        Ring::carry_on(memory, RUN, &found, at(50))
    }

    fn spans(ring: &Ring) -> Vec<(u64, u64, u64)> {
        let seconds = |at: Mono| at.0 / 1_000_000;
        let there = ring.segments().filter(|segment| segment.claimable());
        there.map(|it| (it.number, seconds(it.opened), it.closed.map_or(0, seconds))).collect()
    }

    #[test]
    fn what_was_being_written_and_what_came_after_are_of_the_ring() {
        let (memory, mut files) = known(7);
        files.extend([file(7), file(8)]);
        let (mut ring, _) = carried(memory, &files, &[]);
        assert_eq!(spans(&ring), [(4, 4, 5), (5, 5, 6), (6, 6, 7), (7, 7, 8), (8, 8, 9)]);
        assert!(ring.open().is_none() && ring.next_slot() == 4);
        assert_eq!(ring.outdated(), [closed(4)], "its name is the next");
    }

    #[test]
    fn what_was_written_over_is_gone_and_what_is_nobodys_goes() {
        let (memory, mut files) = known(7);
        files.retain(|file| file.number != 4);
        files.extend([file(7), file(8), file(9)]);
        let stranger = LeftFile { number: 17, bytes: 3, written: at(1) };
        files.push(stranger);
        let (mut ring, _) = carried(memory, &files, &[]);
        assert_eq!(spans(&ring), [(5, 5, 6), (6, 6, 7), (7, 7, 8), (8, 8, 9), (9, 9, 10)]);
        assert_eq!(ring.outdated(), [SlotFile { slot: 17, bytes: 3 }, closed(5)]);
    }

    #[test]
    fn a_ring_that_has_turned_is_put_into_order_by_its_dates() {
        let (memory, _) = known(7);
        let files: Vec<_> = (21..26).map(file).collect();
        let (mut ring, _) = carried(memory, &files, &[]);
        // Nobody can tell how often it has turned, or when the oldest began.
        assert_eq!(spans(&ring), [(12, 22, 23), (13, 23, 24), (14, 24, 25), (15, 25, 26)]);
        assert_eq!(ring.outdated(), [closed(21)]);
        assert_eq!(ring.next_slot(), 1);
        assert!(ring.segments().next().is_some_and(|first| first.before.is_some()));
    }

    #[test]
    fn a_claim_that_was_not_carried_out_is_in_its_slot_unless_that_was_written_over() {
        for (files, still) in
            [(vec![file(5), file(6), file(7)], vec![5, 6]), (vec![file(10), file(6), file(7)], vec![6])]
        {
            let (memory, _) = known(7);
            let mut ring = Ring::new(3, 5, 0, at(0));
            (ring.next, ring.segments) = (memory.next, memory.segments);
            ring.set(5, Fate::Claimed);
            ring.set(6, Fate::Claimed);
            let (mut ring, there) = carried(ring.memory(), &files, &[5, 6]);
            assert_eq!(there, still);
            let removed = ring.outdated();
            assert!(removed.iter().all(|file| !still.iter().any(|number| *file == closed(*number))), "{removed:?}");
        }
    }

    #[test]
    fn a_memory_that_does_not_know_the_newest_gives_no_number_twice() {
        let (memory, files) = known(7);
        let (mut ring, _) = carried(memory, &files, &[30]);
        assert_eq!((spans(&ring), ring.next), (vec![], 31));
        assert_eq!(ring.outdated().len(), files.len());
    }

    #[test]
    fn an_open_segment_without_footage_is_empty() {
        let (memory, mut files) = known(7);
        files.push(LeftFile { bytes: 0, ..file(7) });
        let (mut ring, _) = carried(memory, &files, &[]);
        assert_eq!(spans(&ring).last(), Some(&(6, 6, 7)));
        assert!(ring.outdated().contains(&SlotFile { slot: 2, bytes: 0 }));
    }
}
