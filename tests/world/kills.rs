//! Nothing that the recorder took notice of is lost when it is killed: not between any two of its orders, not again and
//! again. The one after it goes on with the same countdowns, the same segments and the same clips.

use crate::lot::{Kill, Unheard};
use crate::promises::{
    every_wanted_second_is_accounted_for, no_gap_is_invented, stored, what_could_be_had_is_stored, worlds,
};
use crate::script::{Act, Mood, Script, at, ms};
use crate::sim::World;
use nvr::model::record::Record;
use nvr::model::time::Mono;
use proptest::prelude::*;
use std::time::Duration;

fn unheard() -> impl Strategy<Value = Unheard> {
    prop_oneof![Just(Unheard::Nothing), Just(Unheard::Durable), Just(Unheard::Done)]
}

/// Kills at any instant, half of them between two orders of a busy one. `outlive`: how long FFmpeg may live on.
fn kills(outlive: impl Strategy<Value = u64> + Clone) -> impl Strategy<Value = Vec<Kill>> {
    let orders = prop_oneof![1 => Just(0usize), 3 => 0usize..40];
    let down = prop_oneof![3 => 0u64..3_000, 1 => 0u64..60_000];
    let kill = (3_000u64..200_000, orders, unheard(), down, outlive);
    prop::collection::vec(kill, 1..6).prop_map(|mut kills| {
        kills.sort_by_key(|kill| kill.0);
        let kill = |(millis, orders, unheard, down, outlive): (u64, usize, Unheard, u64, u64)| Kill {
            at: at(millis),
            orders,
            unheard,
            down: ms(down),
            left_behind: ms(outlive),
        };
        kills.into_iter().map(kill).collect()
    })
}

fn lived(script: Script, kills: &[Kill]) -> World {
    let mut world = World::new(script);
    world.picky = world.script.moods.contains(&Mood::Different);
    for kill in kills {
        world.kill(kill);
    }
    world.run(world.now.max(at(220_000)) + ms(60_000));
    world.script.outages.clear();
    world.script.moods = vec![Mood::Takes];
    world.stop();
    world
}

/// Every record of a clip that went over to another recorder says so.
fn every_interruption_is_in_the_record(world: &World) {
    for clip in &world.lot.carried {
        let stored = &world.clips[clip];
        let (record, anchor) = (&stored.record, world.anchor());
        let windows: Vec<_> =
            record.interruptions.iter().map(|it| (anchor.mono(it.from), anchor.mono(it.to))).collect();
        assert!(!windows.is_empty() && windows.len() <= world.lot.gaps.len(), "{clip:?}: {windows:?}");
        assert!(windows.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{windows:?}");
        for (from, to) in windows {
            let ours = world.lot.gaps.iter().any(|(silent, began)| from <= *silent && to == *began);
            assert!(ours && from <= to, "{from:?} to {to:?} of {:?}", world.lot.gaps);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_killed_recorder_loses_nothing_it_took_notice_of(
        script in worlds(),
        kills in kills(0u64..1_000),
    ) {
        let world = lived(script, &kills);
        every_wanted_second_is_accounted_for(&world);
        what_could_be_had_is_stored(&world);
        no_gap_is_invented(&world);
        every_interruption_is_in_the_record(&world);
    }

    /// FFmpeg may outlive it for so long that it turns its ring more than once.
    #[test]
    fn what_an_ffmpeg_left_behind_has_overwritten_is_named(
        script in worlds(),
        kills in kills(prop_oneof![0u64..1_000, 0u64..90_000]),
    ) {
        let world = lived(script, &kills);
        every_wanted_second_is_accounted_for(&world);
        no_gap_is_invented(&world);
        stored(&world);
    }
}

fn kill(millis: u64, down: u64) -> Kill {
    Kill { at: at(millis), orders: 0, unheard: Unheard::Nothing, down: ms(down), left_behind: Duration::ZERO }
}

fn key_at(millis: u64, kills: &[Kill]) -> World {
    let mut world = World::new(Script { acts: vec![(at(millis), Act::Key)], ..Script::default() });
    kills.iter().for_each(|kill| world.kill(kill));
    world.run(at(90_000));
    world
}

fn only(world: &World) -> &Record {
    let clips: Vec<_> = world.clips.values().collect();
    let [clip] = clips[..] else { panic!("one clip: {clips:#?}") };
    assert!(clip.closed);
    &clip.record
}

fn length(record: &Record, window: impl Fn(&Record) -> Option<(jiff::Timestamp, jiff::Timestamp)>) -> Duration {
    let (from, to) = window(record).expect("one");
    to.duration_since(from).unsigned_abs()
}

#[test]
fn a_countdown_goes_on_and_the_same_clip_grows() {
    let world = key_at(20_000, &[kill(22_500, 1_000)]);
    let record = only(&world);
    // 3 s before and 5 s after, but for what nobody recorded.
    let asked = length(record, |it| Some((it.asked.from, it.asked.to)));
    assert_eq!(asked, ms(8_000));
    let [gap] = &record.gaps[..] else { panic!("one gap: {:?}", record.gaps) };
    assert_eq!(gap.cause, "the recorder was interrupted (it was killed or had crashed)");
    assert!(gap.window.to.duration_since(gap.window.from).unsigned_abs() < ms(1_500));
    let interruption = length(record, |it| it.interruptions.first().map(|it| (it.from, it.to)));
    assert!(interruption >= ms(1_000) && interruption < ms(2_000), "{interruption:?}");
    let numbers: Vec<_> = record.segments.iter().map(|segment| segment.number).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{numbers:?}");
    let said: Vec<_> = world.journal.iter().filter(|entry| entry.text.contains("went on with")).collect();
    let [said] = &said[..] else { panic!("one sentence: {said:?}") };
    assert!(said.text.starts_with("killed or crashed: nothing was recorded for 1.0 s; went on with "), "{said:?}");
    assert!(said.text.contains("the countdown of front (1 s left)"), "{said:?}");
}

#[test]
fn a_countdown_that_ended_meanwhile_leaves_a_clip_with_what_there_is() {
    let world = key_at(20_000, &[kill(22_500, 40_000)]);
    let record = only(&world);
    let [gap] = &record.gaps[..] else { panic!("one gap: {:?}", record.gaps) };
    assert!(gap.cause.contains("the recorder was interrupted"), "{gap:?}");
    assert_eq!(record.interruptions.len(), 1);
    assert!(
        world.journal.iter().any(
            |it| it.text.contains("killed or crashed: nothing was recorded for ") && !it.text.contains("countdown")
        )
    );
}

/// Each order of a trigger and of the seconds after it is once the last: in front of a memory, between that and its
/// claim, between the claim and the next memory, on the way of footage into the archive, while the clip is closed.
#[test]
fn between_any_two_orders_of_an_event() {
    for unheard in [Unheard::Nothing, Unheard::Durable, Unheard::Done] {
        for orders in 0..110 {
            let mut world = World::new(Script { acts: vec![(at(20_300), Act::Key)], ..Script::default() });
            world.run(at(20_250));
            world.kill(&Kill { orders, unheard, ..kill(20_250, 200) });
            world.run(at(60_000));
            world.stop();
            every_wanted_second_is_accounted_for(&world);
            what_could_be_had_is_stored(&world);
            no_gap_is_invented(&world);
            assert!(world.clips.len() <= 1, "{orders}, {unheard:?}: one clip, if the key reached anybody");
            assert_eq!(world.recorder.snapshot(world.now).lost, Default::default(), "{orders}, {unheard:?}");
        }
    }
}

/// Two recorders in a row start without the archive, wherever the first one was killed; the clip waits for it in the
/// memory, with the segment of which nobody knows whether it is stored, and is one clip in the end.
#[test]
fn a_clip_outlives_two_starts_without_its_archive() {
    for unheard in [Unheard::Nothing, Unheard::Durable, Unheard::Done] {
        for orders in 0..60 {
            let outages = vec![(at(30_000), at(60_000))];
            let mut world = World::new(Script { acts: vec![(at(20_300), Act::Key)], outages, ..Script::default() });
            world.run(at(20_250));
            world.kill(&Kill { orders, unheard, ..kill(20_250, 10_000) });
            assert!(world.now > at(30_000) && world.lot.away.len() <= 1, "{orders}: {:?}", world.now);
            world.kill(&kill(40_000, 500));
            world.run(at(59_000));
            let stored = world.clips.values().map(|clip| clip.footage.len()).sum::<usize>();
            assert!(stored < 8, "the archive is away");
            world.run(at(90_000));
            world.stop();
            every_wanted_second_is_accounted_for(&world);
            what_could_be_had_is_stored(&world);
            no_gap_is_invented(&world);
            every_interruption_is_in_the_record(&world);
            assert!(world.clips.len() <= 1, "{orders}, {unheard:?}: one clip");
            assert_eq!(world.recorder.snapshot(world.now).lost, Default::default(), "{orders}, {unheard:?}");
        }
    }
}

/// The countdown goes on in each of three lives, and the clip grows on when the archive comes.
#[test]
fn a_clip_of_three_recorders_is_one_clip() {
    let outages = vec![(at(22_000), at(40_000))];
    let mut world = World::new(Script { acts: vec![(at(20_000), Act::Key)], outages, ..Script::default() });
    world.kill(&kill(22_500, 500));
    assert_eq!(world.lot.away.len(), 1);
    world.kill(&kill(24_000, 500));
    assert_eq!(world.lot.away.len(), 1);
    world.run(at(39_000));
    let picture = world.recorder.snapshot(world.now);
    assert!(picture.archive.backlog > 0 && picture.clips.iter().all(|clip| clip.open), "{picture:#?}");
    world.run(at(90_000));
    let record = only(&world);
    assert_eq!(record.interruptions.len(), 2);
    assert!(record.gaps.iter().all(|gap| gap.cause.contains("the recorder was interrupted")), "{:?}", record.gaps);
    every_interruption_is_in_the_record(&world);
    what_could_be_had_is_stored(&world);
}

#[test]
fn the_ring_of_a_killed_recorder_is_pre_roll_for_the_next() {
    let mut world = World::new(Script { acts: vec![(at(23_000), Act::Key)], ..Script::default() });
    world.kill(&kill(20_500, 500));
    world.run(at(60_000));
    let record = only(&world);
    // 20 s to 28 s were wanted; the camera was away for half a second and a moment.
    let missing: Duration =
        record.gaps.iter().map(|gap| gap.window.to.duration_since(gap.window.from).unsigned_abs()).sum();
    assert!(missing < ms(800), "{:#?}", record.gaps);
    assert!(record.interruptions.is_empty(), "nothing grew then");
}

#[test]
fn runs_and_segments_and_clips_go_on_counting() {
    let acts = vec![(at(20_000), Act::Key), (at(60_000), Act::Key)];
    let mut world = World::new(Script { acts, ..Script::default() });
    for millis in [10_500, 22_500, 23_900, 25_100, 61_000] {
        world.kill(&kill(millis, 300));
    }
    world.run(at(120_000));
    let ids: Vec<_> = world.clips.keys().map(|id| id.0).collect();
    assert_eq!((ids, world.starts.len()), (vec![1, 2], 6));
    assert!(world.starts.windows(2).all(|pair| pair[0].1 < pair[1].1), "{:?}", world.starts);
    assert!(world.order.windows(2).all(|pair| pair[0] < pair[1]), "claimed in order: {:?}", world.order);
    assert_eq!(world.clips.values().map(|clip| clip.record.interruptions.len()).collect::<Vec<_>>(), [3, 1]);
}

#[test]
fn a_recorder_at_rest_notes_nothing_down_between_two_slots() {
    let mut world = World::new(Script { segment: ms(10_000), lengths: vec![ms(10_000)], ..Script::default() });
    world.run(at(30_500));
    let notes = world.lot.notes;
    world.run(at(39_900));
    assert_eq!(world.lot.notes, notes);
    world.run(at(40_500));
    assert!((notes + 1..=notes + 2).contains(&world.lot.notes), "{}", world.lot.notes - notes);
    assert!(world.lot.memory.is_some_and(|memory| memory.anchor.mono >= Mono(40_000_000)));
}
