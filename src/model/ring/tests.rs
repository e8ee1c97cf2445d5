use super::*;
use proptest::prelude::*;

const RUN: RunId = RunId(1);

fn file(slot: u32) -> SlotFile {
    SlotFile { slot, bytes: 100 }
}

fn numbers(ring: &Ring, fate: Fate) -> Vec<u64> {
    ring.segments().filter(|s| s.fate == fate && s.closed.is_some()).map(|s| s.number).collect()
}

fn numbered(ring: &Ring, number: u64) -> &Segment {
    ring.segments().find(|s| s.number == number).expect("it is there")
}

/// Writes segments `0..count` as FFmpeg does.
fn filled(count: u64) -> Ring {
    let mut ring = Ring::new(3, 5, 0, Mono(0));
    for n in 0..count {
        ring.slot_opened((n % 5) as u32, RUN, Mono(n));
        ring.outdated();
        ring.slot_closed(file((n % 5) as u32), None, RUN, Mono(n + 1));
    }
    ring
}

#[test]
fn keeps_as_many_finished_segments_as_it_has_slots_and_frees_the_next_name() {
    let mut ring = filled(7);
    assert_eq!(numbers(&ring, Fate::InRing), [3, 4, 5, 6]);
    assert_eq!(ring.slot_opened(2, RUN, Mono(8)), Moved { opened: true, ..Moved::default() });
    assert_eq!(ring.outdated(), [file(3)], "segment 3 stands in slot 3, the one that comes after 2");
    assert_eq!(numbers(&ring, Fate::InRing), [4, 5, 6]);
}

#[test]
fn a_missed_closing_is_seen_at_the_next_opening() {
    let mut ring = filled(2);
    ring.slot_opened(2, RUN, Mono(10));
    assert_eq!(ring.slot_opened(3, RUN, Mono(20)), Moved { opened: true, finished: true, empty: false });
    assert_eq!(numbered(&ring, 2).closed, Some(Mono(20)));
    assert_eq!(ring.open().map(|s| s.number), Some(3));
}

#[test]
fn in_one_life_segments_follow_each_other_without_a_hole() {
    let mut ring = filled(2);
    ring.slot_opened(2, RUN, Mono(800));
    assert_eq!(ring.open().map(|s| s.opened), Some(Mono(2)), "the news came late");
    ring.slot_closed(file(2), None, RUN, Mono(900));
    ring.slot_opened(3, RunId(2), Mono(990));
    assert_eq!(ring.open().map(|s| s.opened), Some(Mono(990)));
}

#[test]
fn a_sweep_finds_what_the_kernel_never_told() {
    let mut ring = filled(2);
    ring.swept(&[file(0), file(1)], RUN, true, Mono(9));
    ring.slot_opened(2, RUN, Mono(10));
    let moved = ring.swept(&[0, 1, 2, 3, 4].map(file), RUN, true, Mono(30));
    assert_eq!(moved, Moved { opened: true, finished: true, empty: false });
    assert_eq!(ring.open().map(|s| s.number), Some(4));
    assert_eq!(numbers(&ring, Fate::InRing), [0, 1, 2, 3]);
    assert_eq!(numbered(&ring, 3).opened, Mono(9), "it may have begun at any instant since the last sweep");
    assert!(ring.swept(&[file(4)], RUN, false, Mono(40)).finished, "a dead FFmpeg writes no more");
    assert!(ring.open().is_none());
}

#[test]
fn what_a_sweep_did_not_find_began_after_it() {
    let mut ring = filled(2);
    ring.swept(&[file(0), file(1)], RUN, false, Mono(1_000));
    ring.swept(&[file(0), file(1), file(2)], RunId(2), true, Mono(1_010));
    assert_eq!(ring.open().map(|s| s.opened), Some(Mono(1_000)), "and not when the camera was lost");
}

#[test]
fn news_of_a_slot_that_is_not_the_next_one_change_nothing() {
    let mut ring = filled(2);
    ring.slot_opened(2, RUN, Mono(10));
    ring.swept(&[file(2), file(3)], RUN, true, Mono(20));
    let before: Vec<_> = ring.segments().cloned().collect();
    for slot in [0, 1, 2, 3, 99] {
        assert_eq!(ring.slot_opened(slot, RUN, Mono(21)), Moved::default());
    }
    for slot in [0, 1, 2, 4, 99] {
        assert_eq!(ring.slot_closed(file(slot), None, RUN, Mono(21)), Moved::default());
    }
    assert_eq!(before, ring.segments().cloned().collect::<Vec<_>>());
}

#[test]
fn a_file_that_could_not_be_removed_is_not_taken_for_the_next_segment() {
    let mut ring = filled(5);
    ring.slot_opened(0, RUN, Mono(5));
    ring.slot_closed(SlotFile { slot: 0, bytes: 100 }, None, RUN, Mono(6));
    ring.slot_opened(1, RUN, Mono(6));
    assert_eq!(ring.outdated(), [file(2)], "which stays in spite of that");
    assert_eq!(ring.swept(&[0, 1, 2, 3, 4].map(file), RUN, true, Mono(7)), Moved::default());
    let grown = [file(0), file(1), SlotFile { slot: 2, bytes: 7 }, file(3), file(4)];
    assert!(ring.swept(&grown, RUN, true, Mono(8)).opened, "FFmpeg has begun to write over it");
}

#[test]
fn an_empty_file_is_no_segment_and_is_removed_once() {
    let mut ring = filled(1);
    ring.slot_opened(1, RUN, Mono(5));
    assert!(!ring.slot_closed(SlotFile { slot: 1, bytes: 0 }, None, RUN, Mono(6)).finished);
    assert_eq!(numbers(&ring, Fate::InRing), [0]);
    assert_eq!((ring.outdated(), ring.outdated()), (vec![SlotFile { slot: 1, bytes: 0 }], vec![]));
    assert_eq!(ring.next_slot(), 2);
    ring.slot_opened(2, RUN, Mono(7));
    assert_eq!(ring.open().and_then(|s| s.before.as_deref()), Some("FFmpeg left an empty file"));
}

#[test]
fn the_first_segment_of_each_life_knows_what_came_before_it() {
    let mut ring = filled(2);
    ring.blame("no signal: connection refused");
    ring.slot_opened(2, RunId(2), Mono(60));
    ring.slot_opened(3, RunId(2), Mono(70));
    let before: Vec<_> = ring.segments().map(|s| s.before.as_deref()).collect();
    assert_eq!(before, [Some("the camera had sent nothing yet"), None, Some("no signal: connection refused"), None]);
}

proptest! {
    /// Whatever is told, in whatever order: no panic, numbers are consecutive, the ring stays short.
    #[test]
    fn stays_in_order_whatever_it_is_told(news in prop::collection::vec((0u8..4, 0u32..8, 0u64..3), 0..200)) {
        let mut ring = Ring::new(4, 6, 0, Mono(0));
        for (now, (kind, slot, bytes)) in news.into_iter().enumerate() {
            let (now, file) = (Mono(now as u64), |slot| SlotFile { slot, bytes });
            match kind {
                0 => { ring.slot_opened(slot, RUN, now); }
                1 => { ring.slot_closed(file(slot), None, RUN, now); }
                2 => { ring.swept(&[file(slot), file((slot + 1) % 6)], RUN, slot % 2 == 0, now); }
                _ => { ring.outdated(); }
            }
            let numbers: Vec<_> = ring.segments().map(|s| s.number).collect();
            prop_assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1));
            prop_assert!(ring.segments().all(|s| s.closed.is_none_or(|closed| closed >= s.opened)));
            let in_ring = ring.segments().filter(|s| s.fate == Fate::InRing);
            let in_ring: Vec<_> = in_ring.map(|s| ring.slot(s.number)).collect();
            let distinct: std::collections::BTreeSet<_> = in_ring.iter().collect();
            prop_assert_eq!(distinct.len(), in_ring.len(), "no slot holds two segments");
        }
        ring.outdated();
        prop_assert!(ring.segments().count() <= 6);
    }
}
