//! The configuration is read again: what changes, and what is not touched.

use crate::chaos;
use crate::script::{Act, Script, at, ms, settings};
use crate::sim::World;
use nvr::model::command::{Answer, Command, Who};
use nvr::model::effect::Effect;
use nvr::model::event::{CameraNews, Event, Reread};
use nvr::model::id::{CameraName, RequestId};
use nvr::model::recorder::{Input, Recorder, Remembered};
use nvr::model::settings::{Camera, Login, Settings, Source};
use nvr::model::snapshot::{CameraState, Level};
use nvr::model::time::{Anchor, Mono};
use proptest::prelude::*;
use rstest::rstest;
use std::sync::Arc;
use std::time::Duration;

fn reread(settings: Settings, warnings: &[&str]) -> Event {
    let warnings = warnings.iter().map(|&warning| warning.to_owned()).collect();
    let result = Ok(Reread { file: "nvr.toml".into(), settings: Arc::new(settings), warnings });
    Event::Reloaded { request: Some(RequestId(1)), result }
}

fn names(text: &str) -> Vec<CameraName> {
    text.split_whitespace().map(chaos::name).collect()
}

fn file(cameras: &str) -> Settings {
    let names = names(cameras);
    settings(&Script::default(), &names.iter().collect::<Vec<_>>())
}

fn edit(mut settings: Settings, camera: &str, edit: impl FnOnce(&mut Camera)) -> Settings {
    let found = settings.cameras.iter_mut().find(|it| it.name.as_str() == camera).expect("a camera");
    edit(Arc::make_mut(found));
    settings
}

fn elsewhere(camera: &mut Camera) {
    camera.source = Source::new("rtsp://192.168.1.99/".into());
}

/// A recorder on its own, whose hands do at once what they are told.
struct Desk {
    recorder: Recorder,
    now: Mono,
}

impl Desk {
    fn new(file: Settings, remembered: Remembered) -> Self {
        let anchor = Anchor { mono: at(0), wall: jiff::Timestamp::UNIX_EPOCH };
        let mut desk = Self { recorder: Recorder::new(Arc::new(file), &remembered, anchor), now: at(0) };
        desk.input(Input::Tick);
        desk
    }

    /// All that was ordered, one after the other.
    fn input(&mut self, input: Input) -> Vec<Effect> {
        let mut all = Vec::new();
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let effects = self.recorder.apply(self.now, input);
            inputs.extend(effects.iter().filter_map(answer).map(Input::Event));
            all.extend(effects);
        }
        all
    }

    fn reload(&mut self, file: Settings) -> Vec<Effect> {
        let mut effects = self.input(Input::Event(reread(file, &[])));
        effects.extend(self.input(Input::Tick));
        effects
    }

    fn shown(&self) -> String {
        let picture = self.recorder.snapshot(self.now);
        let shown = picture.cameras.iter().map(|camera| {
            let armed = if camera.armed { "+" } else { "-" };
            format!("{}{armed}", camera.name)
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    fn warnings(&self) -> Vec<String> {
        self.recorder.snapshot(self.now).warnings
    }
}

/// What the hands say at once: an FFmpeg that is told to end has ended.
fn answer(effect: &Effect) -> Option<Event> {
    match effect {
        Effect::StopCamera { camera, run, .. } => {
            let news = CameraNews::Ended { reason: None };
            Some(Event::Camera { camera: camera.clone(), run: *run, news })
        }
        other => chaos::obedient(other),
    }
}

/// The orders to cameras among these, in short.
fn orders(effects: &[Effect]) -> Vec<String> {
    let order = |effect: &Effect| match effect {
        Effect::StartCamera { camera, run, .. } => Some(format!("start {} {}", camera.name, run.0)),
        Effect::StopCamera { camera, run, .. } => Some(format!("end {camera} {}", run.0)),
        Effect::OpenRing { camera } => Some(format!("open {camera}")),
        Effect::CloseRing { camera } => Some(format!("close {camera}")),
        _ => None,
    };
    effects.iter().filter_map(order).collect()
}

fn said(effects: &[Effect]) -> String {
    let replies = effects.iter().filter_map(|effect| match effect {
        Effect::Reply { answer: Answer::Done(text) | Answer::Refused(text), .. } => Some(text.as_str()),
        _ => None,
    });
    replies.collect::<Vec<_>>().join("|")
}

#[rstest]
#[case::nothing("front garden", |_: &mut Settings| {}, "nothing has changed", &[])]
#[case::added(
    "front shed garden",
    |_: &mut Settings| {},
    "shed added",
    &["open shed", "start shed 1"]
)]
#[case::removed("front", |_: &mut Settings| {}, "garden removed", &["end garden 1", "close garden"])]
#[case::moved("garden front", |_: &mut Settings| {}, "the cameras stand in another order", &[])]
#[case::rules(
    "front garden",
    |it: &mut Settings| Arc::make_mut(&mut it.cameras[0]).trigger.post_roll = ms(1),
    "front changed (trigger.post_roll)",
    &[]
)]
#[case::source(
    "front garden",
    |it: &mut Settings| elsewhere(Arc::make_mut(&mut it.cameras[1])),
    "garden changed (source)",
    &["end garden 1", "start garden 2"]
)]
#[case::keys(
    "front garden",
    |it: &mut Settings| (it.archive.min_free, it.archive.keep) = (1, Some(ms(1))),
    "archive.keep, archive.min_free changed",
    &[]
)]
#[case::armed(
    "front garden",
    |it: &mut Settings| Arc::make_mut(&mut it.cameras[0]).trigger.armed = false,
    "front changed (trigger.armed); trigger.armed decides for new cameras only (for others: nvr arm, nvr disarm)",
    &[]
)]
#[case::later(
    "front garden",
    |it: &mut Settings| it.ring.slots = 30,
    "nothing changes now; ring.slots changes at the next start (run: systemctl restart nvr, or without systemd: nvr \
     stop, then nvr)",
    &[]
)]
#[case::login(
    "front garden",
    |it: &mut Settings| {
        it.smtp.login = Some(Login { user: "camera".into(), password: "s3cret".into() });
        it.smtp.limits.connections = 7;
    },
    "smtp.user, smtp.password, smtp.limits changed",
    &[]
)]
#[case::everything(
    "shed front",
    |it: &mut Settings| {
        it.archive.dir = "/other".into();
        it.smtp.listen.set_port(25);
        it.smtp.tls.listen = Some(it.smtp.listen);
        it.ring.slots = 300;
        it.smtp.allow.clear();
        let front = Arc::make_mut(&mut it.cameras[1]);
        (front.trigger.pre_roll, front.audio) = (ms(100_000), nvr::model::settings::Audio::None);
    },
    "shed added, front changed (audio, trigger.pre_roll), garden removed; ring.slots, archive.dir, smtp.listen, smtp.tls_listen \
     change at the next start, and until then the ring is shorter than the pre_roll of front (run: systemctl restart nvr, or \
     without systemd: nvr stop, then nvr)",
    &["end front 1", "end garden 1", "open shed", "close garden", "start shed 1", "start front 2"]
)]
fn a_reload_does_what_its_sentence_says(
    #[case] cameras: &str,
    #[case] change: impl Fn(&mut Settings),
    #[case] sentence: &str,
    #[case] wanted: &[&str],
) {
    let mut desk = Desk::new(file("front garden"), Remembered::default());
    let mut new = file(cameras);
    change(&mut new);
    let effects = desk.reload(new.clone());
    assert_eq!(said(&effects), format!("reloaded nvr.toml: {sentence}"));
    let sorted = |mut orders: Vec<String>| {
        orders.sort();
        orders
    };
    assert_eq!(sorted(orders(&effects)), sorted(wanted.iter().map(|&order| order.to_owned()).collect()));
    let shown: Vec<_> = desk.recorder.snapshot(desk.now).cameras.into_iter().map(|camera| camera.name).collect();
    assert_eq!(shown, names(cameras));
    // Only what waits for the next start is told again.
    let again = desk.reload(new);
    assert!(orders(&again).is_empty(), "{again:?}");
    let waits = sentence
        .split_once("; ring")
        .map_or("nothing has changed".to_owned(), |(_, waits)| format!("nothing changes now; ring{waits}"));
    assert_eq!(said(&again), format!("reloaded nvr.toml: {waits}"));
    assert!(!again.iter().any(|effect| matches!(effect, Effect::Adopt(_))));
}

#[test]
fn very_many_cameras_are_counted() {
    let many: Vec<_> = (0..200).map(|number| format!("camera-{number}")).collect();
    let mut desk = Desk::new(file("front"), Remembered::default());
    assert_eq!(said(&desk.reload(file(&many.join(" ")))), "reloaded nvr.toml: 200 cameras added, front removed");
}

#[test]
fn a_file_with_mistakes_changes_nothing_and_every_mistake_is_told() {
    let mut desk = Desk::new(file("front garden"), Remembered::default());
    let before = desk.recorder.snapshot(desk.now).cameras;
    let mistakes = "nvr.toml:3: ring.slot is not a key (did you mean ring.slots?)\nnvr.toml:9: two (mend it)";
    let result = Err(mistakes.to_owned());
    let effects = desk.input(Input::Event(Event::Reloaded { request: Some(RequestId(1)), result }));
    let stays = "the old settings stay in force (mend the file, then run: nvr reload)";
    assert_eq!(said(&effects), format!("{mistakes}\n{stays}"));
    let picture = desk.recorder.snapshot(desk.now);
    let journal: Vec<_> = picture.journal.iter().filter(|entry| entry.level == Level::Error).collect();
    assert_eq!(journal.iter().map(|entry| entry.text.as_str()).collect::<Vec<_>>().join("\n"), said(&effects));
    assert_eq!((picture.cameras, orders(&effects)), (before, vec![]));

    let stands = |text: &str| vec![format!("the configuration has a mistake, and the next start would fail: {text}")];
    assert_eq!(desk.warnings(), stands("nvr.toml:3: ring.slot is not a key (did you mean ring.slots?)"));

    let very_many = (0..1000).map(|line| format!("nvr.toml:{line}: no (mend it)")).collect::<Vec<_>>().join("\n");
    let effects = desk.input(Input::Event(Event::Reloaded { request: Some(RequestId(1)), result: Err(very_many) }));
    assert_eq!(said(&effects).lines().count(), 22);
    assert!(said(&effects).contains("and 980 more like these (see all: nvr check)"));
    assert_eq!(desk.warnings(), stands("nvr.toml:0: no (mend it)"), "the newest file counts");
    desk.reload(file("front garden"));
    assert_eq!(desk.warnings(), Vec::<String>::new(), "it is mended");
}

#[test]
fn a_camera_that_is_removed_by_a_slip_and_added_again_is_armed_as_it_was_even_after_a_restart() {
    let mut desk = Desk::new(file("front garden"), Remembered::default());
    desk.input(Input::Command(RequestId(1), Command::Disarm(Who::Cameras(names("garden")))));
    desk.reload(file("front"));
    assert_eq!(desk.shown(), "front+");
    let effects = desk.input(Input::Command(RequestId(1), Command::Disarm(Who::All)));
    assert_eq!(said(&effects), "front: disarmed", "the other one is not there");
    let saved = effects.iter().find_map(|effect| match effect {
        Effect::SaveArmed(armed) => Some(armed.clone()),
        _ => None,
    });
    let refused = desk.input(Input::Command(RequestId(1), Command::Arm(Who::Cameras(names("garden")))));
    assert_eq!(said(&refused), "no camera is called garden (there are: front)");
    desk.reload(file("garden front shed"));
    assert_eq!(desk.shown(), "garden- front- shed+");

    let remembered = Remembered { armed: saved.expect("it is remembered"), ..Default::default() };
    let mut desk = Desk::new(file("front"), remembered);
    desk.reload(file("front garden"));
    assert_eq!(desk.shown(), "front- garden-");
}

#[test]
fn warnings_of_the_new_file_take_the_place_of_the_old_ones_and_others_stay() {
    let mut desk = Desk::new(file("front"), Remembered::default());
    desk.input(Input::Event(Event::ConfigWarnings(vec!["old (look)".into(), "both (look)".into()])));
    desk.input(Input::Event(Event::Warning("the machine (look)".into())));
    let effects = desk.input(Input::Event(reread(file("front"), &["both (look)", "new (look)"])));
    assert_eq!(desk.warnings(), ["the machine (look)", "both (look)", "new (look)"]);
    let logged: Vec<_> = effects.iter().filter(|effect| matches!(effect, Effect::Log(_))).collect();
    assert_eq!(logged.len(), 2, "what is as before is not said again: {logged:?}");
    desk.reload(file("front"));
    assert_eq!(desk.warnings(), ["the machine (look)"]);
}

#[test]
fn a_recorder_that_is_stopping_reads_nothing_any_more() {
    let mut desk = Desk::new(file("front"), Remembered::default());
    assert!(matches!(&desk.input(Input::Event(Event::HungUp))[..], [Effect::Reload { request: None }]));
    desk.input(Input::Event(Event::StopAsked("a test".into())));
    assert!(said(&desk.input(Input::Command(RequestId(1), Command::Reload))).contains("is stopping"));
    assert_eq!(desk.input(Input::Event(Event::HungUp)), []);
    let effects = desk.reload(file("front garden"));
    assert!(said(&effects).contains("is stopping") && orders(&effects).is_empty(), "{effects:?}");
    assert!(desk.recorder.finished());
}

fn event() -> Script {
    Script { acts: vec![(at(20_000), Act::Key)], ..Script::default() }
}

fn without(mut settings: Settings) -> Settings {
    settings.cameras.clear();
    settings
}

#[test]
fn an_event_goes_on_over_a_change_of_its_source_and_the_gap_says_why() {
    let mut world = World::new(event());
    world.run(at(22_500));
    world.apply(Input::Event(reread(edit(file("front"), "front", elsewhere), &[])));
    world.run(at(70_000));
    world.stop();
    assert_eq!(world.starts.len(), 2);
    let clips: Vec<_> = world.clips.values().collect();
    let [clip] = &clips[..] else { panic!("{clips:#?}") };
    let [gap] = &clip.record.gaps[..] else { panic!("{clip:#?}") };
    assert_eq!(gap.cause, "its settings were changed");
    assert!(gap.window.to.duration_since(gap.window.from) < jiff::SignedDuration::from_secs(1), "{gap:?}");
    let end = world.anchor().mono(clip.record.got.expect("footage").to);
    assert!(end >= at(25_000), "{end:?}");
}

#[test]
fn a_running_countdown_keeps_its_end_and_the_next_trigger_goes_by_the_new_rules() {
    let longer = |file| edit(file, "front", |camera| camera.trigger.post_roll = ms(9_000));
    let mut world = World::new(Script { acts: vec![(at(20_000), Act::Key), (at(24_000), Act::Key)], ..event() });
    let until = |world: &World| world.recorder.snapshot(world.now).cameras[0].event.as_ref().map(|it| it.until);
    world.run(at(22_000));
    world.apply(Input::Event(reread(longer(file("front")), &[])));
    assert_eq!(until(&world), Some(at(25_000)));
    world.run(at(24_100));
    assert_eq!((until(&world), world.starts.len()), (Some(at(33_000)), 1));
}

#[test]
fn what_is_wanted_of_a_removed_camera_is_stored_and_then_it_is_gone() {
    let script = Script { outages: vec![(at(0), at(40_000))], ..event() };
    let mut world = World::new(script);
    world.run(at(22_500));
    world.apply(Input::Event(reread(without(file("front")), &[])));
    world.run(at(30_000));
    let picture = world.recorder.snapshot(world.now);
    assert!(matches!(&picture.cameras[..], [front] if front.state == CameraState::Stopped && front.backlog > 0));
    world.run(at(110_000));
    assert!(world.recorder.snapshot(world.now).cameras.is_empty());
    assert_eq!((world.slots.len(), world.claimed.len()), (0, 0));
    let [clip] = &world.clips.values().collect::<Vec<_>>()[..] else { panic!("one clip") };
    assert!(clip.closed && clip.record.gaps.len() == 1, "{clip:#?}");
    assert_eq!(clip.record.gaps[0].cause, "the camera was removed from the configuration");

    world.apply(Input::Event(reread(file("front"), &[])));
    world.run(at(130_000));
    assert!(matches!(world.recorder.snapshot(world.now).cameras[0].state, CameraState::Recording { .. }));
    assert_eq!(world.starts.len(), 2);
}

#[rstest]
#[case::before_its_ffmpeg_has_ended_its_event_goes_on(22_550, 25_000)]
#[case::after_that_its_event_is_over(22_700, 22_000)]
fn a_camera_that_is_added_again_before_it_is_gone_goes_on(#[case] again: u64, #[case] to: u64) {
    // The archive is slow, so that the camera cannot be gone yet.
    let script = Script { archive_takes: ms(900), ..event() };
    let mut world = World::new(script);
    world.run(at(22_500));
    world.apply(Input::Event(reread(without(file("front")), &[])));
    world.run(at(again));
    world.apply(Input::Event(reread(file("front"), &[])));
    world.run(at(70_000));
    world.stop();
    assert_eq!(world.starts.len(), 2);
    let [clip] = &world.clips.values().collect::<Vec<_>>()[..] else { panic!("one clip") };
    let end = world.anchor().mono(clip.record.got.expect("footage").to);
    assert!(clip.closed && (at(to)..at(to + 1_500)).contains(&end), "{end:?}, {clip:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever has happened before, and whatever the file says of others: a camera whose block is as it was gets no
    /// order, and looks as it did.
    #[test]
    fn what_did_not_change_is_not_touched(
        steps in prop::collection::vec(chaos::step(), 0..60),
        files in prop::collection::vec(chaos::file(), 1..6),
    ) {
        let script = Script { slots: 5, ..Script::default() };
        let anchor = Anchor { mono: Mono(0), wall: jiff::Timestamp::UNIX_EPOCH };
        let first = Arc::new(settings(&script, &[&chaos::name("a"), &chaos::name("b")]));
        let mut recorder = Recorder::new(first, &Remembered::default(), anchor);
        let mut now = anchor.mono;
        let mut known: Option<Settings> = None;
        for (index, (passed, input)) in steps.into_iter().enumerate() {
            // A file of chaos is not known to us.
            let unknown = matches!(&input, Input::Event(Event::Reloaded { .. } | Event::StopAsked(_)));
            let stop = matches!(&input, Input::Command(_, Command::Stop));
            if unknown || stop {
                continue;
            }
            now = now + Duration::from_micros(passed);
            let mut effects = recorder.apply(now, input);
            while let Some(event) = effects.pop().as_ref().and_then(chaos::obedient) {
                effects.extend(recorder.apply(now, Input::Event(event)));
            }
            if index % 7 != 6 {
                continue;
            }
            let file = files[index / 7 % files.len()].clone();
            let before = recorder.snapshot(now);
            let effects = recorder.apply(now, Input::Event(reread(file.clone(), &[])));
            let after = recorder.snapshot(now);
            for old in known.iter().flat_map(|known| &known.cameras) {
                if !file.cameras.iter().any(|new| new == old) {
                    continue;
                }
                let find = |cameras: &[nvr::model::snapshot::CameraView]| {
                    cameras.iter().find(|camera| camera.name == old.name).cloned()
                };
                prop_assert_eq!(find(&before.cameras), find(&after.cameras));
                let word = format!(" {}", old.name);
                let touched = orders(&effects).into_iter().any(|order| order.contains(&word));
                prop_assert!(!touched || find(&before.cameras).is_none(), "{:?}", effects);
            }
            let wanted: Vec<_> = file.cameras.iter().map(|camera| camera.name.clone()).collect();
            let shown: Vec<_> = after.cameras.iter().map(|camera| camera.name.clone()).collect();
            let ours: Vec<_> = shown.iter().filter(|name| wanted.contains(name)).cloned().collect();
            prop_assert_eq!(&ours, &wanted.iter().filter(|name| shown.contains(name)).cloned().collect::<Vec<_>>());
            prop_assert_eq!(&shown[..ours.len()], &ours[..], "those that are going stand last");
            known = Some(file);
        }
    }
}
