//! What people hear of retention: what went and why, and what stands in its way until it is over.

use crate::script::{Script, at};
use crate::sim::World;
use nvr::model::event::{Event, Gone};
use nvr::model::recorder::Input;
use nvr::model::snapshot::Level;
use std::time::Duration;

fn world() -> World {
    let mut world = World::new(Script::default());
    world.run(at(20_000));
    world
}

/// What is said of one run of retention.
fn said(world: &mut World, deleted: Vec<Gone>, trouble: Option<&str>) -> Vec<(Level, String)> {
    let before = world.recorder.snapshot(world.now).journal.last().map_or(0, |entry| entry.number);
    let event = Event::Retained { deleted, trouble: trouble.map(str::to_owned) };
    world.recorder.apply(world.now, Input::Event(event));
    let journal = world.recorder.snapshot(world.now).journal;
    journal.into_iter().filter(|entry| entry.number > before).map(|entry| (entry.level, entry.text)).collect()
}

#[test]
fn a_clip_of_today_goes_with_a_warning_and_every_clip_with_its_reason() {
    let mut world = world();
    let now = world.anchor().wall(world.now);
    let gone = |name: &str, hours: u64| {
        let start = now - Duration::from_secs(hours * 3600);
        Gone { name: name.to_owned(), start, why: "all clips held 3 B, and archive.max_size allows 2 B".to_owned() }
    };
    let deleted = vec![gone("old", 25), gone("young", 23)];
    let why = "was deleted: all clips held 3 B, and archive.max_size allows 2 B";
    let both = [(Level::Info, format!("clip old {why}")), (Level::Warn, format!("clip young {why}"))];
    assert_eq!(said(&mut world, deleted, None), both);
}

#[test]
fn what_stands_in_the_way_is_said_once_and_stays_in_sight_until_it_is_over() {
    let mut world = world();
    let shown = |world: &World| world.recorder.snapshot(world.now).archive.retention;
    let full = "3 B are free (make room)";
    assert_eq!(said(&mut world, vec![], Some(full)), [(Level::Error, full.to_owned())]);
    assert_eq!(said(&mut world, vec![], Some("2 B are free (make room)")), [], "only the number is new");
    assert_eq!(shown(&world).as_deref(), Some("2 B are free (make room)"));
    let clock = "the clock is wrong (set it)";
    assert_eq!(said(&mut world, vec![], Some(clock)), [(Level::Error, clock.to_owned())]);
    let over = (Level::Info, "the archive is within its limits again".to_owned());
    assert_eq!(said(&mut world, vec![], None), [over]);
    assert_eq!((shown(&world), said(&mut world, vec![], None)), (None, vec![]));
}
