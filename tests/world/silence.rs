//! Silence: alarms for what should come now and then.

use crate::script::{Act, Script, at, ms};
use crate::sim::World;
use nvr::model::snapshot::{Level, Snapshot};
use nvr::model::time::Mono;
use rstest::rstest;
use std::time::Duration;

const HOUR: u64 = 3_600_000;

/// A camera that may be silent for an hour, and an archive that may be for two.
fn strict(acts: Vec<(Mono, Act)>) -> World {
    World::new(Script { acts, silence: Some(ms(HOUR)), archive_silence: Some(ms(2 * HOUR)), ..Script::default() })
}

fn silent(it: &Snapshot) -> (bool, bool) {
    (it.cameras[0].silent.is_some(), it.archive.silent.is_some())
}

fn said(world: &World) -> Vec<(u64, Level, &str)> {
    let lines = world.journal.iter().filter(|entry| {
        ["no mail", "mails again", "nothing was saved", "saved again"].iter().any(|words| entry.text.contains(words))
    });
    lines
        .map(|entry| (entry.at.0 / 1_000_000, entry.level, entry.text.split([':', '(']).next().unwrap_or("")))
        .collect()
}

#[test]
fn a_camera_that_does_not_mail_is_said_once_and_so_is_its_end() {
    let mut world = strict(vec![(at(HOUR / 2), Act::Mail(0)), (at(4 * HOUR), Act::Mail(0))]);
    world.run(at(HOUR + HOUR / 2 - 1));
    assert_eq!(silent(&world.recorder.snapshot(world.now)), (false, false));
    world.run(at(HOUR + HOUR / 2));
    let it = world.recorder.snapshot(world.now);
    assert_eq!((it.cameras[0].last_mail, it.cameras[0].silent), (Some(at(HOUR / 2)), Some(ms(HOUR))));
    world.run(at(3 * HOUR));
    assert_eq!(silent(&world.recorder.snapshot(world.now)), (true, true));
    world.run(at(4 * HOUR + 60_000));
    assert_eq!(silent(&world.recorder.snapshot(world.now)), (false, false));
    let expected = [
        (5_400, Level::Warn, "no mail for 60 min"),
        (9_005, Level::Warn, "nothing was saved for 2 h"),
        (14_400, Level::Info, "it mails again, after 3 h"),
        (14_400, Level::Info, "clips are saved again, after 3 h"),
    ];
    let close =
        |(a, b): (&(u64, Level, &str), &(u64, Level, &str))| a.0.abs_diff(b.0) <= 3 && a.1 == b.1 && a.2.trim() == b.2;
    let said = said(&world);
    assert!(said.len() == 4 && said.iter().zip(&expected).all(close), "{said:#?}");
}

#[test]
fn mails_that_are_ignored_are_mails_and_a_disarmed_camera_may_be_silent() {
    let hours = |n: u64| at(n * HOUR + 1_000);
    // Disarmed it mails all the same, for two hours; then no more.
    let acts = vec![
        (at(1_000), Act::Arm(false)),
        (at(HOUR - 1_000), Act::Mail(0)),
        (at(2 * HOUR - 2_000), Act::Mail(0)),
        (hours(2), Act::Arm(true)),
        (hours(4), Act::Arm(false)),
        (hours(5), Act::Arm(true)),
    ];
    let mut world = strict(acts);
    let mut alarms = Vec::new();
    for hour in 1..7 {
        world.run(at(hour * HOUR - 5_000));
        alarms.push(silent(&world.recorder.snapshot(world.now)).0);
    }
    assert_eq!(alarms, [false, false, false, true, false, true]);
    assert_eq!(said(&world).iter().filter(|line| line.2.starts_with("no mail")).count(), 2, "{:?}", said(&world));
}

#[test]
fn a_night_in_which_the_machine_slept_is_no_silence() {
    let mut world = World::new(Script {
        silence: Some(ms(HOUR)),
        archive_silence: Some(ms(HOUR)),
        away: Some((at(HOUR / 2), at(9 * HOUR), Duration::ZERO)),
        ..Script::default()
    });
    world.run(at(9 * HOUR + HOUR / 2 - 60_000));
    assert_eq!((silent(&world.recorder.snapshot(world.now)), said(&world)), ((false, false), vec![]));
    world.run(at(9 * HOUR + HOUR / 2 + 60_000));
    assert_eq!(silent(&world.recorder.snapshot(world.now)), (true, true));
}

#[rstest]
#[case::prompt(0)]
#[case::late(1_500_000)]
fn a_late_tick_says_the_same(#[case] late: u64) {
    let mut script = Script { acts: vec![(at(2 * HOUR), Act::Mail(0))], silence: Some(ms(HOUR)), ..Script::default() };
    script.lateness = vec![Duration::from_micros(late)];
    let mut world = World::new(script);
    world.run(at(2 * HOUR + 10_000));
    let words: Vec<_> = said(&world).iter().map(|line| line.2.trim().to_owned()).collect();
    assert_eq!(words, ["no mail in the 60 min since the recorder began", "it mails again, after 2 h"]);
}
