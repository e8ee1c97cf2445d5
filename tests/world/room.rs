//! Room in RAM: for how long footage is safe while the archive does not take it, and what is given up when it is not.

use crate::script::{Act, Script, at, ms};
use crate::sim::World;
use nvr::model::settings::Share;
use nvr::model::snapshot::CameraState;
use nvr::model::time::Mono;
use std::collections::BTreeSet;

/// From 40 s to 140 s footage is wanted without a break, and the archive takes none of it.
fn behind(ram: u64, backlog: u64) -> Script {
    let acts = (40..136).step_by(4).map(|second| (at(second * 1_000), Act::Key)).collect();
    let backlog = Share::Bytes(backlog);
    Script { acts, ram, backlog, outages: vec![(at(35_000), at(300_000))], ..Script::default() }
}

fn told(world: &World) -> Option<Mono> {
    world.recorder.snapshot(world.now).archive.safe_until
}

fn said<'a>(world: &'a World, part: &'a str) -> Vec<&'a str> {
    let texts = world.journal.iter().map(|entry| entry.text.as_str());
    texts.filter(|text| text.contains(part)).collect()
}

#[test]
fn how_long_footage_is_safe_is_told_early_rests_and_comes_true() {
    // First the limit binds, then the file system: the recorder keeps two segments of it free for FFmpeg.
    for (ram, backlog) in [(1 << 30, 1_400_000), (2_000_000, 1 << 30)] {
        let mut world = World::new(behind(ram, backlog));
        world.run(at(39_000));
        assert_eq!(told(&world), None, "nothing is wanted, nothing can be lost");
        let mut all = Vec::new();
        let full = loop {
            world.run(world.now + ms(1_000));
            if world.recorder.snapshot(world.now).lost.segments > 0 {
                break world.now;
            }
            all.extend(told(&world).map(|until| (world.now, until)));
        };
        assert!(full > at(80_000) && full < at(140_000), "while it is wanted still: {full:?}");
        let first = all.first().expect("it is told").0;
        assert!(first < at(43_000), "as soon as the archive has refused and the ring was looked at: {first:?}");
        for (when, until) in &all {
            let off = until.since(full).max(full.since(*until));
            // A tenth and a segment; and that of the next second here, in which it was seen.
            assert!(off <= ms(2_000) + full.since(*when) / 10, "{ram}, at {when:?}: {until:?} instead of {full:?}");
        }
        let steps: BTreeSet<Mono> = all.iter().map(|(_, until)| *until).collect();
        assert!(steps.len() <= 8, "a figure to count down with rests: {steps:?}");
        world.run(at(137_000));
        assert!(told(&world).is_some_and(|until| until <= world.now), "and then it says that it is over");
        world.run(at(400_000));
        world.stop();
    }
}

#[test]
fn what_nobody_adds_to_is_safe_and_what_is_stored_too() {
    let mut world = World::new(behind(1 << 30, 1 << 30));
    world.run(at(100_000));
    assert!(told(&world).is_some());
    world.run(at(145_000));
    let picture = world.recorder.snapshot(world.now);
    assert!(picture.cameras[0].event.is_none() && picture.archive.trouble.is_some() && picture.archive.backlog > 0);
    assert_eq!(picture.archive.safe_until, None, "the event is over, what is claimed fits");
    world.run(at(400_000));
    assert_eq!(told(&world), None);

    let mut world = World::new(Script { outages: Vec::new(), ..behind(1 << 30, 1 << 30) });
    world.run(at(100_000));
    assert_eq!(told(&world), None, "the archive takes it all");
}

#[test]
fn past_the_limit_what_is_farthest_from_any_trigger_goes_and_is_named() {
    // Ten segments may wait. One trigger wants 8 s before it and 20 s after it.
    let acts = vec![(at(40_000), Act::Key)];
    let (pre, post, outages) = (ms(8_000), ms(20_000), vec![(at(35_000), at(90_000))]);
    let backlog = Share::Bytes(10 * 20_500);
    let mut world = World::new(Script { acts, pre, post, outages, backlog, ..Script::default() });
    world.run(at(75_000));
    let picture = world.recorder.snapshot(world.now);
    assert!(picture.archive.backlog <= 10 * 20_500, "{}", picture.archive.backlog);
    assert_eq!(picture.archive.backlog_limit, Some(10 * 20_500));
    world.run(at(400_000));
    world.stop();
    let clip = world.clips.values().next().expect("a clip");
    // The first one is with the archive from the start. Of the others those around the trigger are left: 4 s each way.
    let held: Vec<u64> = clip.footage.iter().map(|(_, number)| *number).collect();
    assert_eq!(held, [31, 35, 36, 37, 38, 39, 40, 41, 42, 43], "{:#?}", clip.record.gaps);
    let causes: Vec<_> = clip.record.gaps.iter().map(|gap| gap.cause.as_str()).collect();
    assert_eq!(causes, ["no room in RAM: the archive did not take it (ring.backlog)"; 2]);
    assert_eq!((said(&world, "is given up: no room").len(), said(&world, "more segments (").len()), (1, 1));
    let lost = world.recorder.snapshot(world.now).lost;
    assert_eq!((lost.segments, lost.events), (u64::try_from(30 - held.len()).expect("few"), 0));
    assert!(
        said(&world, "saved, ").iter().any(|text| text.contains("are missing (no room in RAM")),
        "{:?}",
        world.journal
    );
}

#[test]
fn footage_that_goes_on_being_given_up_is_said_each_minute() {
    let mut world = World::new(behind(1 << 30, 240_000));
    world.run(at(250_000));
    let lost = world.recorder.snapshot(world.now).lost.segments;
    let sums = said(&world, "more segments (");
    assert!(lost > 60 && sums.len() <= 4 && said(&world, "is given up").len() == 1, "{lost}: {sums:?}");
    world.run(at(400_000));
    let counted = |text: &&str| text.split(' ').next().and_then(|count| count.parse::<u64>().ok());
    let all: u64 = said(&world, "more segments (").iter().filter_map(counted).sum();
    assert_eq!(all + 1, world.recorder.snapshot(world.now).lost.segments, "each is counted");
    world.stop();
}

#[test]
fn a_file_system_that_fills_up_costs_old_footage_and_no_recording() {
    // Of 20 segments in the ring a pre-roll can need 15. Somebody else takes the room of five.
    let foreign = Some((at(40_000), at(100_000), 730_000 - 430_000));
    let acts = vec![(at(80_000), Act::Mail(9_500))];
    let mut world = World::new(Script { ram: 730_000, foreign, acts, ..Script::default() });
    world.run(at(70_000));
    let picture = world.recorder.snapshot(world.now);
    let trouble = picture.ring.trouble.clone().expect("it is nearly full");
    assert!(trouble.contains("old footage that no pre-roll needs is let go of"), "{trouble}");
    assert!(matches!(picture.cameras[0].state, CameraState::Recording { .. }), "{picture:#?}");
    assert_eq!(world.starts.len(), 1, "it never stopped");
    world.run(at(130_000));
    assert_eq!(said(&world, "the ring has room again").len(), 1, "{:#?}", world.journal);
    assert_eq!(said(&world, "almost no room left").len(), 1, "{:#?}", world.journal);
    world.stop();
    let clip = world.clips.values().next().expect("a clip");
    assert_eq!(clip.record.gaps, [], "a late mail still finds its pre-roll");
    assert_eq!(world.recorder.snapshot(world.now).lost.segments, 0);
}

#[test]
fn what_failed_for_want_of_room_is_tried_at_once_when_there_is_room() {
    let full = Some((at(30_000), at(95_300)));
    let mut world = World::new(Script { full, ..Script::default() });
    world.run(at(99_500));
    let last = world.starts.last().expect("a start").0;
    let soon = last >= at(95_300) && last <= at(96_500);
    let runs = matches!(world.recorder.snapshot(world.now).cameras[0].state, CameraState::Recording { .. });
    assert!(soon && runs, "{:?}", world.starts);
    world.stop();
}

#[test]
fn an_archive_that_is_only_slow_is_named_and_the_time_that_is_left_is_told() {
    let script = Script { outages: Vec::new(), archive_takes: ms(3_000), ..behind(1 << 30, 1_400_000) };
    let mut world = World::new(script);
    world.run(at(70_000));
    let picture = world.recorder.snapshot(world.now);
    assert!(picture.archive.trouble.as_deref().is_some_and(|why| why.contains("slower than the cameras")));
    assert!(picture.archive.safe_until.is_some());
    world.run(at(600_000));
    assert_eq!(world.recorder.snapshot(world.now).archive.trouble, None);
    world.stop();
}
