//! Promises that hold in every world.

use crate::script::{Act, Delivery, End, Life, Mood, Script, at, ms};
use crate::sim::World;
use nvr::model::settings::Share;
use nvr::model::time::{Anchor, Mono, Window};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What our clock and the world's may differ by where news is prompt: nothing but the slack of the rules.
const SLACK: Duration = ms(500);

fn seconds(range: std::ops::Range<u64>) -> impl Strategy<Value = Mono> {
    (range.start * 1_000_000..range.end * 1_000_000).prop_map(Mono)
}

fn act(late: u64) -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0..late).prop_map(Act::Mail),
        3 => Just(Act::Key),
        1 => Just(Act::Release),
        1 => any::<bool>().prop_map(Act::Arm),
    ]
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    prop::collection::vec((2_000u64..15_000, 1_000u64..90_000), 1..5).prop_map(|lives| {
        let mut now = 0;
        let life = |(pause, length)| {
            let from = now + pause;
            now = from + length;
            Life { from: at(from), to: at(now), end: End::Crash }
        };
        lives.into_iter().map(life).collect()
    })
}

fn mood() -> impl Strategy<Value = Mood> {
    prop_oneof![12 => Just(Mood::Takes), 2 => Just(Mood::Fails), 1 => Just(Mood::Different), 1 => Just(Mood::Unusable)]
}

/// Worlds in which the ring is as long as the design asks for, and nothing that the kernel says is lost.
pub fn worlds() -> impl Strategy<Value = Script> {
    let rules = (1u64..8_000, 0u64..20_000, prop_oneof![Just(600_000u64), 1u64..30_000]);
    let ring = (prop_oneof![Just(1_000u64), Just(2_000), Just(5_000)], prop::collection::vec(0u64..3_000, 1..8));
    let looks = prop::collection::vec(any::<bool>(), 1..12);
    let archive = (prop::collection::vec(mood(), 1..12), 1u64..4_000, seconds(0..150), 0u64..60_000, looks);
    let people = prop::collection::vec((seconds(0..200), act(10_000)), 0..14);
    let ticks = prop::collection::vec(0u64..900, 1..6);
    (rules, ring, archive, people, ticks, lives()).prop_map(|(rules, ring, archive, acts, lateness, lives)| {
        let segment = ms(ring.0);
        let slots = ((rules.0 + 10_000) / ring.0 + 4) as u32;
        Script {
            pre: ms(rules.0),
            post: ms(rules.1),
            max_clip: ms(rules.2),
            segment,
            slots,
            lengths: ring.1.iter().map(|jitter| segment + ms(*jitter)).collect(),
            lives,
            moods: archive.0,
            archive_takes: ms(archive.1),
            looks: archive.4,
            outages: vec![(archive.2, archive.2 + ms(archive.3))],
            lateness: lateness.into_iter().map(ms).collect(),
            acts,
            ..Script::default()
        }
    })
}

/// Each piece of footage is in one clip at most.
pub fn stored(world: &World) -> BTreeSet<u64> {
    let mut stored = BTreeSet::new();
    for (serial, _) in world.clips.values().flat_map(|clip| &clip.footage) {
        assert!(stored.insert(*serial), "stored twice: {serial}");
    }
    stored
}

fn overlap(one: Window<Mono>, other: Window<Mono>) -> bool {
    one.from < other.to && other.from < one.to
}

/// What of `window` neither `covers` cover.
fn uncovered(window: Window<Mono>, covers: &[Window<Mono>]) -> Vec<Window<Mono>> {
    let mut covers = covers.to_vec();
    covers.sort_by_key(|cover| cover.from);
    let (mut from, mut rest) = (window.from, Vec::new());
    for cover in covers {
        if cover.from > from && from < window.to {
            rest.push(Window { from, to: cover.from.min(window.to) });
        }
        from = from.max(cover.to);
    }
    rest.extend((from < window.to).then_some(Window { from, to: window.to }));
    rest
}

/// Every wanted second is stored, or named as missing.
pub fn every_wanted_second_is_accounted_for(world: &World) {
    let stored = stored(world);
    let anchor = world.anchor();
    let spans = |serials: &BTreeSet<u64>| serials.iter().map(|serial| world.footage[serial]).collect::<Vec<_>>();
    let gaps = world.clips.values().flat_map(|clip| &clip.record.gaps).map(|gap| {
        assert!(!gap.cause.is_empty());
        Window { from: anchor.mono(gap.window.from), to: anchor.mono(gap.window.to) }
    });
    // What was refused is named one by one; a clip that could do so may be closed already.
    let lost = world.journal.iter().filter(|entry| entry.text.contains(" is lost: ")).count();
    assert!(lost >= world.refused.len(), "{lost} of {:?}", world.refused);
    let covers: Vec<_> =
        spans(&stored).into_iter().chain(gaps).chain(spans(&world.refused)).chain(world.lot.unsure.clone()).collect();
    let said = world.journal.iter().filter_map(|entry| entry.text.strip_prefix("nothing could be saved of "));
    let said: Vec<f64> = said.filter_map(|text| text.split(' ').next()?.parse().ok()).collect();
    for wanted in &world.wanted {
        for hole in uncovered(wanted.window, &covers) {
            let length = hole.to.since(hole.from);
            // A clip that got nothing has no record: its window is named in the journal.
            // A clip that ends early may be closed before a late mail can tell what it wants in front of it.
            let short = world.script.max_clip < ms(60_000) || world.picky;
            let nothing = world.footage.values().all(|span| !overlap(*span, hole));
            let named =
                (short && nothing) || said.iter().sum::<f64>() + 0.6 * said.len() as f64 >= length.as_secs_f64();
            assert!(named || length <= SLACK, "neither stored nor named: {hole:?} of {wanted:?}");
        }
    }
}

/// What could be had is stored, unless the archive has refused it.
pub fn what_could_be_had_is_stored(world: &World) {
    let stored = stored(world);
    for wanted in &world.wanted {
        for (serial, span) in world.footage.iter().filter(|(_, span)| overlap(**span, wanted.window)) {
            let had = wanted.there.contains(serial) || span.from >= wanted.arrived;
            let fine = !had || stored.contains(serial) || world.refused.contains(serial);
            assert!(fine, "{serial} at {span:?} was there and is not stored for {wanted:?}");
        }
    }
}

/// No record names as missing what its clip holds.
pub fn no_gap_is_invented(world: &World) {
    let anchor = world.anchor();
    for clip in world.clips.values() {
        for gap in &clip.record.gaps {
            let gap = Window { from: anchor.mono(gap.window.from), to: anchor.mono(gap.window.to) };
            for (serial, _) in &clip.footage {
                let span = world.footage[serial];
                let doubtful = world.lot.unsure.iter().any(|doubt| doubt.to == span.from);
                assert!(doubtful || !overlap(gap, span), "{serial} is there: {:#?}", clip.record);
            }
        }
        let asked = clip.record.asked;
        assert!(asked.from <= asked.to);
        assert!(clip.record.gaps.iter().all(|gap| gap.window.from >= asked.from && gap.window.to <= asked.to));
        assert_eq!(clip.record.segments.len(), clip.footage.len());
        assert!(!clip.record.triggers.is_empty(), "every clip has a reason");
    }
}

fn lived(script: Script) -> World {
    let mut world = World::new(script);
    world.run(at(220_000));
    ended(world)
}

/// A world that has come to its end, and an archive that is well.
fn ended(mut world: World) -> World {
    world.script.outages.retain(|(_, to)| *to < at(220_000));
    world.picky = world.script.moods.contains(&Mood::Different);
    world.script.moods = vec![Mood::Takes];
    world.stop();
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_wanted_second_is_stored_or_named(script in worlds()) {
        let world = lived(script);
        every_wanted_second_is_accounted_for(&world);
        what_could_be_had_is_stored(&world);
        no_gap_is_invented(&world);
    }

    #[test]
    fn tick_timing_changes_nothing(script in worlds(), other in prop::collection::vec(0u64..900, 1..6)) {
        let clips = |world: &World| -> BTreeMap<Vec<u64>, _> {
            let clip = |clip: &crate::shelf::Stored| {
                let numbers = clip.footage.iter().map(|(_, number)| *number).collect();
                (numbers, (clip.record.asked, clip.record.triggers.clone()))
            };
            world.clips.values().map(clip).collect()
        };
        // What the archive does by turns is answered by turns: with other retries it would answer others.
        let script = Script { moods: vec![Mood::Takes], ..script };
        let prompt = lived(Script { lateness: vec![Duration::ZERO], ..script.clone() });
        let late = lived(Script { lateness: other.into_iter().map(ms).collect(), ..script });
        prop_assert_eq!(clips(&prompt), clips(&late));
    }

    /// Whatever is done to the clock on the wall, hours forward or back: the same footage is in the same clips, and no
    /// countdown and no silence is longer or shorter for it.
    #[test]
    fn the_clock_on_the_wall_decides_nothing(
        script in worlds(),
        steps in prop::collection::vec((seconds(0..200), -90_000i64..90_000), 1..6),
    ) {
        let script = Script { silence: Some(ms(40_000)), archive_silence: Some(ms(70_000)), ..script };
        let noon: nvr::model::time::Wall = "2026-10-25T00:59:00Z".parse().expect("an instant");
        let set = |(at, seconds): &(Mono, i64)| {
            let wall = noon + jiff::SignedDuration::from_secs(*seconds);
            (*at, Act::Clock(Anchor { mono: *at, wall }))
        };
        let acts = script.acts.iter().cloned().chain(steps.iter().map(set)).collect();
        let (calm, stepped) = (lived(script.clone()), lived(Script { acts, ..script }));
        let numbers = |clip: &crate::shelf::Stored| clip.footage.iter().map(|(_, number)| *number).collect::<Vec<_>>();
        let clips = |world: &World| world.clips.values().map(numbers).collect::<BTreeSet<_>>();
        prop_assert_eq!(clips(&calm), clips(&stepped));
        let said = |world: &World| {
            let lines = world.journal.iter().filter(|entry| !entry.text.starts_with("the wall clock was set"));
            // When each was said hangs on how late ticks were; news that comes in between is as good as one.
            let mut lines: Vec<_> = lines.map(|entry| entry.text.clone()).collect();
            lines.sort();
            lines
        };
        prop_assert_eq!(said(&calm), said(&stepped));
    }

    /// RAM that is too small for what the archive does not take.
    #[test]
    fn what_finds_no_room_is_named(script in worlds(), backlog in 30_000u64..600_000, down in 1u64..150_000) {
        let outages = vec![(at(20_000), at(20_000 + down))];
        let script = Script { backlog: Share::Bytes(backlog), outages, ..script };
        let mut world = World::new(script);
        for second in 0..220 {
            world.run(at(second * 1_000));
            let archive = world.recorder.snapshot(world.now).archive;
            // What the archive has been given is not given up; and an archive that works is given a moment.
            let held = archive.trouble.is_none() || archive.backlog <= backlog + 25_000;
            prop_assert!(held, "{} of {backlog} wait", archive.backlog);
        }
        let world = ended(world);
        every_wanted_second_is_accounted_for(&world);
        no_gap_is_invented(&world);
    }

    /// News that get lost, come twice or late (within the slack of the rules) cost no footage that a sweep can still find.
    #[test]
    fn news_of_the_kernel_are_only_a_hint(
        script in worlds(),
        deliveries in prop::collection::vec(
            prop_oneof![
                3 => Just(Delivery::Prompt),
                1 => Just(Delivery::Lost),
                1 => Just(Delivery::Twice),
                1 => (1u64..500).prop_map(Delivery::Late),
            ],
            1..30,
        ),
    ) {
        let (segment, slots) = (script.segment.max(ms(2_000)), script.slots + 2);
        let lengths = script.lengths.iter().map(|length| *length.max(&segment)).collect();
        let world = lived(Script { deliveries, segment, slots, lengths, lateness: vec![ms(0), ms(100)], ..script });
        what_could_be_had_is_stored(&world);
    }

    /// FFmpegs that freeze with their file open; claims that fail.
    #[test]
    fn whatever_breaks_is_named(
        script in worlds(),
        frozen in prop::collection::vec(any::<bool>(), 5),
        failing_claims in prop::collection::btree_set(1u64..30, 0..5),
    ) {
        let ends = frozen.iter().map(|frozen| if *frozen { End::Freeze } else { End::Crash });
        let lives = script.lives.iter().cloned().zip(ends).map(|(life, end)| Life { end, ..life }).collect();
        let world = lived(Script { lives, failing_claims, ..script });
        every_wanted_second_is_accounted_for(&world);
        no_gap_is_invented(&world);
    }
}
