//! What people do to clips, and what they are told of them, as far as the recorder has a say.

use crate::script::{Act, Script, at};
use crate::sim::World;
use nvr::model::command::{Answer, Command};
use nvr::model::effect::{ClipChange, Effect};
use nvr::model::event::Event;
use nvr::model::id::RequestId;
use nvr::model::question::{ClipDetails, ClipPage, ClipQuery, Found, Page, Question};
use nvr::model::record::ClipState;
use nvr::model::recorder::Input;
use nvr::model::snapshot::{ClipView, Entry, Topic};
use nvr::model::time::Anchor;
use std::time::Duration;

const ASKED: RequestId = RequestId(900);
const NAME: &str = "front_1";

/// The recorder's one clip, which has grown for a while.
fn growing() -> World {
    let mut world = World::new(Script { acts: vec![(at(20_000), Act::Key)], ..Script::default() });
    world.run(at(23_500));
    let clip = clip(&world);
    assert!(clip.name == NAME && clip.open && clip.bytes > 0 && !clip.protected, "{clip:?}");
    world
}

/// The same, closed.
fn closed() -> World {
    let mut world = growing();
    world.run(at(60_000));
    assert!(!clip(&world).open);
    world
}

fn clip(world: &World) -> ClipView {
    let clips = world.recorder.snapshot(world.now).clips;
    let [clip] = &clips[..] else { panic!("one clip: {clips:?}") };
    clip.clone()
}

fn order(world: &mut World, command: Command) -> Effect {
    one(world.recorder.apply(world.now, Input::Command(ASKED, command)))
}

fn one(effects: Vec<Effect>) -> Effect {
    let [effect] = &effects[..] else { panic!("one effect: {effects:?}") };
    effect.clone()
}

/// What is answered and what is said when the archive has done something, or why it has not.
fn done(world: &mut World, change: ClipChange, result: Result<(), String>) -> (Answer, Vec<Entry>) {
    let event = Event::ClipChanged { request: ASKED, clip: NAME.to_owned(), change, result };
    let mut said = Vec::new();
    let mut answers = Vec::new();
    for effect in world.recorder.apply(world.now, Input::Event(event)) {
        match effect {
            Effect::Reply { request: ASKED, answer } => answers.push(answer),
            Effect::Log(entry) => said.push(entry),
            other => panic!("{other:?}"),
        }
    }
    let [answer] = &answers[..] else { panic!("one answer: {answers:?}") };
    (answer.clone(), said)
}

#[test]
fn a_clip_that_grows_is_not_deleted_and_one_that_is_closed_is() {
    let delete = || Command::Delete { clip: NAME.to_owned() };
    let mut world = growing();
    let Effect::Reply { answer: Answer::Refused(why), .. } = order(&mut world, delete()) else { panic!("not refused") };
    assert!(why.starts_with("front_1 still grows") && why.ends_with(')'), "{why}");

    let mut world = closed();
    let (clip_name, change) = (NAME.to_owned(), ClipChange::Delete);
    assert_eq!(order(&mut world, delete()), Effect::ChangeClip { request: ASKED, clip: clip_name, change });
    let (answer, said) = done(&mut world, change, Err("the disk is read-only (mount it)".to_owned()));
    assert_eq!((answer, said.len()), (Answer::Refused("the disk is read-only (mount it)".to_owned()), 0));
    assert_eq!(clip(&world).name, NAME);
    let (answer, said) = done(&mut world, change, Ok(()));
    assert_eq!(answer, Answer::Done("front_1 was deleted by hand".to_owned()));
    assert_eq!(
        said.iter().map(|entry| (entry.topic, entry.camera.clone())).collect::<Vec<_>>(),
        [(Topic::Clip, Some(world.camera.clone()))]
    );
    assert_eq!(world.recorder.snapshot(world.now).clips, []);
}

#[test]
fn a_clip_that_is_protected_shows_it_until_it_is_not() {
    let mut world = closed();
    for protected in [true, false] {
        let change = ClipChange::Protect(protected);
        let effect = order(&mut world, Command::Protect { clip: NAME.to_owned(), protected });
        assert_eq!(effect, Effect::ChangeClip { request: ASKED, clip: NAME.to_owned(), change });
        let (answer, _) = done(&mut world, change, Err("no (do this)".to_owned()));
        assert_eq!((answer, clip(&world).protected), (Answer::Refused("no (do this)".to_owned()), !protected));
        let (answer, said) = done(&mut world, change, Ok(()));
        let Answer::Done(text) = answer else { panic!("{answer:?}") };
        assert_eq!((said.len(), said[0].text.as_str()), (1, text.as_str()));
        assert_eq!(clip(&world).protected, protected);
    }
}

/// The archive reads the record of a clip that grows, which is as old as the last gap. The recorder knows better.
#[test]
fn a_clip_that_grows_is_listed_and_shown_as_it_is_now() {
    let mut world = growing();
    let now = clip(&world);
    let stale =
        ClipView { length: Duration::ZERO, bytes: 0, trigger: String::new(), path: "/old".into(), ..now.clone() };
    let query = ClipQuery { camera: None, find: String::new(), page: Page::Newest, limit: 9 };
    let effect = order(&mut world, Command::Ask(Question::Clips(query.clone())));
    assert_eq!(effect, Effect::ListClips { request: ASKED, query });
    let effect = order(&mut world, Command::Ask(Question::Clip(NAME.to_owned())));
    assert_eq!(effect, Effect::ShowClip { request: ASKED, clip: NAME.to_owned() });

    let other = ClipView { name: "front_0".to_owned(), open: false, ..stale.clone() };
    let page = |clips| ClipPage { clips, more: None };
    let listed = Event::ClipsListed { request: ASKED, result: Ok(page(vec![stale.clone(), other.clone()])) };
    let answer = Answer::Found(Found::Clips(page(vec![now.clone(), other])));
    let effects = world.recorder.apply(world.now, Input::Event(listed));
    assert_eq!(one(effects), Effect::Reply { request: ASKED, answer });

    let details = |clip| {
        Box::new(ClipDetails {
            clip,
            record: None,
            trouble: None,
            pictures: vec!["front-door_2026-11-22_14-02-31+0100.jpg".into()],
        })
    };
    let shown = Event::ClipShown { request: ASKED, result: Ok(details(stale)) };
    let effects = world.recorder.apply(world.now, Input::Event(shown));
    let Effect::Reply { answer: Answer::Found(Found::Clip(shown)), .. } = one(effects) else { panic!("no clip") };
    assert_eq!((&shown.clip, shown.pictures.len()), (&now, 1));
    let record = shown.record.expect("a record");
    assert_eq!((record.bytes, record.state), (now.bytes, ClipState::Open));
    assert!(!record.segments.is_empty() && record.got.is_some(), "{record:?}");
}

/// A clip has one place in the list from its first segment on, or a viewer that asks on from there meets it twice.
#[test]
fn a_clip_keeps_its_place_in_the_list_though_the_wall_clock_is_set() {
    let mut world = growing();
    let before = clip(&world).start;
    let wall = "2026-11-23T00:00:00Z".parse().expect("an instant");
    world.act(Act::Clock(Anchor { mono: world.now, wall }));
    assert_eq!(clip(&world).start, before);
    world.run(at(60_000));
    assert_eq!((clip(&world).open, clip(&world).start), (false, before));
}

/// A power cut leaves the record on the disk and nothing else: it must say what was wanted by then.
#[test]
fn the_record_on_the_disk_names_all_that_is_wanted() {
    let acts = [20_000, 24_000, 24_100, 24_200, 24_300].map(|millis| (at(millis), Act::Key));
    let mut world = World::new(Script { acts: acts.to_vec(), ..Script::default() });
    world.run(at(23_900));
    let written = |world: &World| {
        let record = &world.clips.values().next().expect("a clip").record;
        (world.anchor().mono(record.asked.to), record.triggers.len())
    };
    assert_eq!(written(&world).1, 1);
    world.run(at(24_050));
    assert_eq!(written(&world), (at(29_000), 2), "at once");
    world.run(at(24_900));
    assert_eq!(written(&world), (at(29_000), 2), "once a second is enough");
    world.run(at(25_100));
    assert_eq!(written(&world), (at(29_300), 5), "and the last one is not forgotten");
}

#[test]
fn what_waits_for_the_archive_is_not_missing() {
    let outages = vec![(at(22_000), at(80_000))];
    let mut world = World::new(Script { acts: vec![(at(20_000), Act::Key)], outages, ..Script::default() });
    world.run(at(60_000));
    let waits = clip(&world);
    assert!(waits.open && waits.waiting > Duration::from_secs(2), "{waits:?}");
    assert_eq!(waits.missing, Duration::ZERO);
    world.run(at(150_000));
    let stored = clip(&world);
    assert_eq!((stored.open, stored.waiting, stored.missing), (false, Duration::ZERO, Duration::ZERO));
}
