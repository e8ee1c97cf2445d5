//! For how long footage is safe while the archive does not take it.

use crate::script::{Act, Script, at, ms};
use crate::sim::World;
use nvr::model::time::Mono;
use std::collections::BTreeSet;

/// From 40 s to 140 s footage is wanted without a break, and the archive takes none of it.
fn behind(ram: u64) -> Script {
    let acts = (40..136).step_by(4).map(|second| (at(second * 1_000), Act::Key)).collect();
    Script { acts, ram, outages: vec![(at(35_000), at(300_000))], ..Script::default() }
}

fn told(world: &World) -> Option<Mono> {
    world.recorder.snapshot(world.now).archive.safe_until
}

#[test]
fn how_long_footage_is_safe_is_told_early_rests_and_comes_true() {
    let mut world = World::new(behind(120_000));
    world.run(at(39_000));
    assert_eq!(told(&world), None, "nothing is wanted, nothing can be lost");
    let mut all = Vec::new();
    let full = loop {
        world.run(world.now + ms(1_000));
        all.extend(told(&world).map(|until| (world.now, until)));
        if world.room() == 0 {
            break world.now;
        }
    };
    assert!(full < at(140_000), "while it is wanted still: {full:?}");
    let first = all.first().expect("it is told").0;
    assert!(first < at(43_000), "as soon as the archive has refused and the ring was looked at: {first:?}");
    for (when, until) in &all {
        let off = until.since(full).max(full.since(*until));
        // What may be wrong: its own steadiness, and the rate's, which rests as well.
        assert!(off <= ms(6_000) + full.since(*when) / 4, "at {when:?}: {until:?} instead of {full:?}");
    }
    let steps: BTreeSet<Mono> = all.iter().map(|(_, until)| *until).collect();
    assert!(steps.len() <= 6, "a figure to count down with rests: {steps:?}");
}

#[test]
fn what_nobody_adds_to_is_safe_and_what_is_stored_too() {
    let mut world = World::new(behind(1 << 30));
    world.run(at(100_000));
    assert!(told(&world).is_some());
    world.run(at(145_000));
    let picture = world.recorder.snapshot(world.now);
    assert!(picture.cameras[0].event.is_none() && picture.archive.trouble.is_some() && picture.archive.backlog > 0);
    assert_eq!(picture.archive.safe_until, None, "the event is over, what is claimed fits");
    world.run(at(400_000));
    assert_eq!(told(&world), None);

    let mut world = World::new(Script { outages: Vec::new(), ..behind(1 << 30) });
    world.run(at(100_000));
    assert_eq!(told(&world), None, "the archive takes it all");
}
