//! The segment that is being written is in the clip as far as it is whole.

use crate::script::{Act, Mood, Script, at, ms};
use crate::sim::World;
use nvr::model::settings::Share;
use nvr::model::time::Mono;
use std::time::Duration;

/// Segments of so many seconds, and at 60 s a trigger that wants a minute more.
fn long(seconds: u64, script: Script) -> World {
    let acts = vec![(at(60_000), Act::Key)];
    let (segment, lengths) = (ms(seconds * 1_000), vec![ms(seconds * 1_000)]);
    World::new(Script { segment, lengths, post: ms(60_000), acts, ..script })
}

/// How far the newest clip reaches.
fn reach(world: &World) -> Option<Mono> {
    let clip = world.clips.values().last()?;
    let last = clip.footage.last().map(|(serial, _)| world.footage[serial].to);
    clip.ahead.map(|ahead| ahead.to).max(last)
}

#[test]
fn a_power_cut_costs_half_a_second_and_what_is_not_whole() {
    let mut world = long(10, Script::default());
    world.run(at(62_000));
    while world.now < at(120_000) {
        let behind = world.now.since(reach(&world).expect("a clip"));
        // A look each half second, the archive's time for it, and the same once more if a segment is just being appended.
        assert!(behind <= ms(500) + world.script.archive_takes * 2, "{behind:?} at {:?}", world.now);
        world.run(world.now + ms(70));
    }
    let looks = world.follows;
    assert!((90..=130).contains(&looks), "twice a second: {looks}");
    world.run(at(125_000));
    let picture = world.recorder.snapshot(world.now);
    let grows = picture.clips[0].length;
    assert!(picture.clips[0].open && grows >= ms(64_000), "the screen shows what is there: {grows:?}");
    world.run(at(400_000));
    assert!(world.follows < looks + 25, "and none at rest: {}", world.follows);
    assert!(world.clips.values().all(|clip| clip.closed && clip.ahead.is_none() && clip.record.gaps.is_empty()));
    world.stop();
}

/// A moment later, for a key frame may be late, and on the next quarter of a second. A look in a second there is in any
/// case.
#[test]
fn it_is_looked_when_there_is_likely_to_be_more() {
    for (more, least, most) in [(400, 110, 130), (600, 70, 90), (1_000, 42, 62), (60_000, 42, 62)] {
        let mut world = long(10, Script { more: Some(ms(more)), ..Script::default() });
        world.run(at(120_000));
        assert!((least..=most).contains(&world.follows), "more in {more} ms: {} looks in a minute", world.follows);
        world.stop();
    }
}

#[test]
fn nothing_is_followed_while_the_archive_is_in_trouble() {
    let mut world = long(10, Script { outages: vec![(at(75_000), at(95_000))], ..Script::default() });
    world.run(at(82_000));
    let before = world.follows;
    world.run(at(94_000));
    assert_eq!(world.follows, before);
    world.run(at(130_000));
    assert!(world.follows > before, "and again when it works");
    world.stop();
}

#[test]
fn a_segment_of_which_nothing_is_ever_whole_is_left_alone_after_a_while() {
    let mut world = long(60, Script { looks: vec![false], ..Script::default() });
    world.run(at(260_000));
    assert_eq!(world.follows, 2 * 40, "of the two that are wanted whole");
    world.stop();
}

#[test]
fn a_clip_that_is_full_is_not_followed_into() {
    let max_clip = Duration::from_secs(20);
    let mut world = long(10, Script { max_clip, ..Script::default() });
    world.run(at(200_000));
    world.stop();
    let clips: Vec<_> = world.clips.values().collect();
    assert!(clips.len() >= 3, "{clips:#?}");
    assert!(clips.iter().all(|clip| clip.footage.len() <= 2 && clip.ahead.is_none()), "{clips:#?}");
}

/// What was followed of a segment stays in the clip when the segment turns out to be of no use, and is not called missing.
#[test]
fn of_a_followed_segment_that_is_lost_only_the_rest_is_missing() {
    let mut moods = vec![Mood::Takes; 20];
    moods[3] = Mood::Unusable;
    let mut world = long(10, Script { moods, ..Script::default() });
    world.run(at(400_000));
    world.stop();
    let (clip, anchor) = (world.clips.values().next().expect("one"), world.anchor());
    let [gap] = &clip.record.gaps[..] else { panic!("one gap: {:?}", clip.record.gaps) };
    let serial = world.refused.first().expect("one");
    let (span, rest) = (world.footage[serial], gap.window.to.duration_since(gap.window.from).unsigned_abs());
    assert_eq!(anchor.mono(gap.window.to), span.to);
    assert!(rest <= ms(1_100), "it was followed twice a second: {rest:?} of {span:?}");
    assert!(gap.cause.contains("there is no footage in it"), "{gap:?}");
}

/// The same of one that is given up, while the archive hangs over what it was asked to follow.
#[test]
fn of_a_followed_segment_that_is_given_up_only_the_rest_is_missing() {
    let mut world = long(10, Script { backlog: Share::Bytes(1), ..Script::default() });
    world.run(at(83_000));
    world.script.archive_takes = ms(60_000);
    world.run(at(200_000));
    world.script.archive_takes = ms(20);
    world.run(at(400_000));
    world.stop();
    let clip = world.clips.values().next().expect("one");
    let gap = clip.record.gaps.first().expect("one");
    assert!(gap.cause.contains("no room in RAM"), "{gap:?}");
    let followed = clip.ahead.expect("a part of what was given up first");
    assert_eq!(world.discarded.first().map(|(_, number)| *number), Some(followed.number));
    assert_eq!(world.anchor().mono(gap.window.from), followed.to, "{:?}", clip.record.gaps);
}
