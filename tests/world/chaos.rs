//! No sequence of inputs makes the recorder panic, spin, or forget an answer: not even one that no world could give.

use crate::script::{Script, settings};
use nvr::model::command::{Command, TriggerBy, Who};
use nvr::model::effect::{ClipChange, Effect};
use nvr::model::event::{
    Added, AppendFailure, CameraNews, Cure, Event, Gone, Mail, Picture, Reread, SlotFile, Space, Trouble,
};
use nvr::model::id::{CameraName, ClipId, LetterId, RequestId, RunId, SegmentId};
use nvr::model::question::{ClipPage, Question, Seen, Since};
use nvr::model::recorder::{Input, Recorder, Remembered};
use nvr::model::settings::{self, Settings};
use nvr::model::snapshot::Snapshot;
use nvr::model::time::{Anchor, Mono};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

pub fn name(text: &str) -> CameraName {
    text.parse().expect("a name")
}

fn camera() -> impl Strategy<Value = CameraName> {
    prop_oneof![6 => Just("a"), 3 => Just("b"), 1 => Just("stranger")].prop_map(name)
}

fn segment() -> impl Strategy<Value = SegmentId> {
    let number = prop_oneof![20 => 0u64..25, 1 => any::<u64>()];
    (camera(), number).prop_map(|(camera, number)| SegmentId { camera, number })
}

fn clip() -> impl Strategy<Value = ClipId> {
    prop_oneof![10 => 1u64..8, 1 => any::<u64>()].prop_map(ClipId)
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![3 => Just(0u64), 10 => 0u64..5_000_000, 1 => any::<u64>()]
}

fn span() -> impl Strategy<Value = Duration> {
    prop_oneof![10 => (0u64..20_000).prop_map(Duration::from_millis), 1 => Just(Duration::MAX), 1 => Just(Duration::ZERO)]
}

fn slot_file() -> impl Strategy<Value = SlotFile> {
    (prop_oneof![20 => 0u32..8, 1 => any::<u32>()], number()).prop_map(|(slot, bytes)| SlotFile { slot, bytes })
}

fn outcome() -> impl Strategy<Value = Result<String, String>> {
    prop_oneof![Just(Ok("/clips/it.mp4".to_owned())), Just(Ok(String::new())), Just(Err("the disk is full".to_owned()))]
}

fn news() -> impl Strategy<Value = CameraNews> {
    let cure = prop_oneof![Just(None), Just(Some(Cure::EncodeAudio))];
    let trouble = cure.prop_map(|cure| Trouble { text: "refused".into(), cure });
    prop_oneof![
        Just(CameraNews::Started),
        number().prop_map(|frames| CameraNews::Progress { frames }),
        ".{0,20}".prop_map(CameraNews::Said),
        prop::option::of(trouble).prop_map(|reason| CameraNews::Ended { reason }),
    ]
}

fn added() -> impl Strategy<Value = Added> {
    (number(), number(), span(), number(), prop::option::of(span())).prop_map(
        |(bytes, clip_bytes, clip_length, frames, hole)| {
            let blake3 = "00".into();
            Added { bytes, clip_bytes, clip_length, frames, took: clip_length, hole, blake3 }
        },
    )
}

fn failure() -> impl Strategy<Value = AppendFailure> {
    prop_oneof![
        Just(AppendFailure::Archive("the disk is full".into())),
        Just(AppendFailure::Different),
        Just(AppendFailure::Unusable("nothing in it".into())),
    ]
}

fn mail() -> impl Strategy<Value = Mail> {
    let to = prop_oneof![Just("a@nvr"), Just("b@nvr"), Just("?@nvr")];
    let rest = proptest::option::of((0u64..4).prop_map(LetterId));
    (span(), to, any::<bool>(), proptest::option::of(picture()), rest).prop_map(
        |(waited, to, cut_off, picture, rest)| {
            let bare = Mail::bare([10, 0, 0, 1].into(), "\x1b[2J".to_owned(), vec![to.to_owned()]);
            Mail { subject: "\u{202e}".to_owned(), waited, cut_off, picture, rest, ..bare }
        },
    )
}

fn picture() -> impl Strategy<Value = Picture> {
    static BYTES: [u8; 10 << 20] = [0; 10 << 20];
    (0usize..100, prop_oneof![Just(10), Just(5 << 20)])
        .prop_map(|(from, bytes)| Picture::new(bytes::Bytes::from_static(&BYTES[from..from + bytes])))
}

fn ring_event() -> impl Strategy<Value = Event> {
    let slot = slot_file().prop_map(|file| file.slot);
    let rings = prop::collection::vec((camera(), prop::collection::vec(slot_file(), 0..8)), 0..3);
    let size = prop_oneof![number().prop_map(Ok), Just(Err("gone".to_owned()))];
    prop_oneof![
        (camera(), slot).prop_map(|(camera, slot)| Event::SlotOpened { camera, slot }),
        (camera(), slot_file()).prop_map(|(camera, file)| Event::SlotClosed { camera, file, media: None }),
        (rings, number()).prop_map(|(rings, free)| Event::Swept { rings, ram: Some(Space { total: u64::MAX, free }) }),
        (segment(), size).prop_map(|(segment, result)| Event::Claimed { segment, result }),
        (camera(), 0u64..5, news()).prop_map(|(camera, run, news)| Event::Camera { camera, run: RunId(run), news }),
    ]
}

fn archive_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        clip().prop_map(|clip| Event::ClipOpened {
            clip,
            name: "it".into(),
            start: jiff::Timestamp::UNIX_EPOCH,
            path: "/it".into()
        }),
        (clip(), segment(), added()).prop_map(|(clip, segment, added)| Event::Appended { clip, segment, added }),
        (clip(), segment(), prop::option::of(added()), prop::option::of(any::<Duration>()))
            .prop_map(|(clip, segment, added, more)| Event::Followed { clip, segment, added, more }),
        (clip(), segment(), failure()).prop_map(|(clip, segment, failure)| Event::AppendFailed {
            clip,
            segment,
            failure
        }),
        (clip(), outcome()).prop_map(|(clip, result)| Event::ClipClosed { clip, result }),
        (clip(), outcome()).prop_map(|(clip, result)| Event::PictureStored { clip, result }),
        Just(Event::ArchiveSpace(Err("no such disk".into()))),
        Just(Event::ArchiveSpace(Ok(Space::default()))),
        Just(Event::Retained { deleted: vec![gone()], trouble: None }),
        Just(Event::Retained { deleted: vec![], trouble: Some("too full (make room)".into()) }),
        Just(Event::ClipsListed { request: RequestId(0), result: Ok(ClipPage { clips: vec![], more: None }) }),
        Just(Event::ClipShown { request: RequestId(0), result: Err("no such clip".into()) }),
        Just(Event::StillsTaken { request: RequestId(0), result: Ok(vec![]) }),
        change().prop_map(|change| Event::ClipChanged {
            request: RequestId(0),
            clip: "it".into(),
            change,
            result: Ok(())
        }),
    ]
}

fn gone() -> Gone {
    Gone { name: "it".into(), start: jiff::Timestamp::UNIX_EPOCH, why: "it was old".into() }
}

fn change() -> impl Strategy<Value = ClipChange> {
    prop_oneof![any::<bool>().prop_map(ClipChange::Protect), Just(ClipChange::Delete)]
}

fn other_event() -> impl Strategy<Value = Event> {
    let wall = prop_oneof![Just(jiff::Timestamp::MIN), Just(jiff::Timestamp::MAX), Just(jiff::Timestamp::UNIX_EPOCH)];
    let anchor = (number(), wall).prop_map(|(mono, wall)| Anchor { mono: Mono(mono), wall });
    prop_oneof![
        10 => mail().prop_map(Event::Mail),
        4 => (0u64..4, picture()).prop_map(|(letter, picture)| Event::MailRest { letter: LetterId(letter), picture }),
        1 => anchor.prop_map(|anchor| Event::Clock { anchor, day: "2026-11-22".into() }),
        1 => outcome().prop_map(Event::MailPort),
        1 => ".{0,9}".prop_map(Event::Warning),
        1 => Just(Event::StopAsked("chaos".into())),
        1 => Just(Event::HungUp),
        1 => (camera(), 0u64..50).prop_map(|(camera, first)| Event::RingOpened { camera, first }),
        4 => reloaded(),
    ]
}

/// A file with some of three cameras, in any order, each in one of a few shapes.
pub fn file() -> impl Strategy<Value = Settings> {
    let cameras = prop::collection::vec((0u8..6, any::<bool>()), 3);
    let order = Just(["a", "b", "c"]).prop_shuffle();
    (order, cameras, 4u32..7).prop_map(|(order, shapes, slots)| {
        let names = order.map(name);
        let script = Script { slots, ..Script::default() };
        let mut settings = settings(&script, &names.each_ref());
        for (camera, (shape, armed)) in settings.cameras.iter_mut().zip(&shapes) {
            let camera = Arc::make_mut(camera);
            camera.trigger.armed = *armed;
            match shape {
                0 => camera.source = settings::Source::new("rtsp://10.0.0.9/".into()),
                1 => camera.trigger.pre_roll = Duration::ZERO,
                2 => camera.alias.push(format!("{}-2", camera.name)),
                _ => {}
            }
        }
        let mut shapes = shapes.iter();
        settings.cameras.retain(|_| shapes.next().is_some_and(|(shape, _)| *shape < 5));
        settings
    })
}

fn reloaded() -> impl Strategy<Value = Event> {
    let good = file().prop_map(|settings| {
        Ok(Reread { file: "nvr.toml".into(), settings: Arc::new(settings), warnings: vec!["odd (look)".into()] })
    });
    let result = prop_oneof![5 => good, 1 => Just(Err("nvr.toml:1: \x1b[2J (mend it)\n\u{202e}".to_owned()))];
    (prop::option::of(Just(RequestId(0))), result).prop_map(|(request, result)| Event::Reloaded { request, result })
}

fn command() -> impl Strategy<Value = Command> {
    let who = prop_oneof![Just(Who::All), prop::collection::vec(camera(), 0..3).prop_map(Who::Cameras)];
    (who, 0u8..11).prop_map(|(who, kind)| match kind {
        0 => Command::Arm(who),
        1 => Command::Disarm(who),
        2 => Command::Trigger { who, by: TriggerBy::Key },
        3 => Command::Release(who),
        4 => Command::Protect { clip: "it".into(), protected: true },
        5 => Command::Delete { clip: "it".into() },
        6 => Command::Ask(Question::Journal(Since { after: 7, limit: 3 })),
        7 => Command::Ask(Question::Copies(Since { after: 0, limit: 3 })),
        8 => Command::Reload,
        9 => Command::Ask(Question::Clip("it".into())),
        _ => Command::Ask(Question::Stills { of: Seen::Camera("a".parse().expect("a name")), width: 0 }),
    })
}

/// An input, and how much time passes before it: mostly none or little, sometimes very much.
pub fn step() -> impl Strategy<Value = (u64, Input)> {
    let time = prop_oneof![5 => Just(0u64), 10 => 0u64..3_000_000, 1 => 0u64..200_000_000];
    let input = prop_oneof![
        8 => ring_event().prop_map(Input::Event),
        4 => archive_event().prop_map(Input::Event),
        4 => other_event().prop_map(Input::Event),
        3 => command().prop_map(|command| Input::Command(RequestId(0), command)),
        8 => Just(Input::Tick),
    ];
    (time, input)
}

/// What the archive would say of what it was just told, so that the sequence gets deep into the state.
pub fn obedient(effect: &Effect) -> Option<Event> {
    match effect {
        Effect::Claim { segment, bytes, .. } => {
            Some(Event::Claimed { segment: segment.clone(), result: Ok(bytes.unwrap_or(1)) })
        }
        Effect::StorePicture { clip, .. } => {
            Some(Event::PictureStored { clip: *clip, result: Err("the disk is full".into()) })
        }
        Effect::OpenRing { camera } => Some(Event::RingOpened { camera: camera.clone(), first: 3 }),
        Effect::StartCamera { .. }
        | Effect::StopCamera { .. }
        | Effect::Sweep
        | Effect::Unlink { .. }
        | Effect::Append(_)
        | Effect::SaveRecord { .. }
        | Effect::CloseClip { .. }
        | Effect::ListClips { .. }
        | Effect::ShowClip { .. }
        | Effect::ChangeClip { .. }
        | Effect::TakeStills { .. }
        | Effect::Reply { .. }
        | Effect::Log(_)
        | Effect::SaveArmed(_)
        | Effect::SaveSpent(_)
        | Effect::Follow(_)
        | Effect::Discard { .. }
        | Effect::Remember { .. }
        | Effect::Reload { .. }
        | Effect::Write { .. }
        | Effect::Adopt(_)
        | Effect::CloseRing { .. }
        | Effect::Stop { .. } => None,
    }
}

/// Applies, and answers what follows. Every command is answered once, or given to somebody who will.
pub fn apply(recorder: &mut Recorder, now: Mono, input: Input) -> Vec<Effect> {
    let asked = matches!(&input, Input::Command(..));
    let told = matches!(
        &input,
        Input::Event(
            Event::Reloaded { request: Some(_), .. }
                | Event::FixWritten { .. }
                | Event::ClipsListed { .. }
                | Event::ClipShown { .. }
                | Event::ClipChanged { .. }
                | Event::StillsTaken { .. }
        )
    );
    let effects = recorder.apply(now, input);
    let answers = |effect: &&Effect| {
        let given_on = matches!(
            effect,
            Effect::Reload { request: Some(_) }
                | Effect::Write { .. }
                | Effect::ListClips { .. }
                | Effect::ShowClip { .. }
                | Effect::ChangeClip { .. }
                | Effect::TakeStills { .. }
        );
        given_on || matches!(effect, Effect::Reply { .. })
    };
    assert_eq!(effects.iter().filter(answers).count(), usize::from(asked || told));
    effects
}

/// The picture is bounded, harmless and survives the wire.
pub fn look(recorder: &Recorder, now: Mono) {
    let picture = recorder.snapshot(now);
    let json = serde_json::to_string(&picture).expect("JSON");
    assert!(json.len() < 1_000_000 && !json.contains("\\u001b") && !json.contains('\u{202e}'));
    assert_eq!(serde_json::from_str::<Snapshot>(&json).expect("and back"), picture);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_makes_it_panic_or_spin(
        steps in prop::collection::vec(step(), 0..150),
        rules in (span(), span(), span(), span(), span()),
        first in number(),
    ) {
        let (a, b) = (name("a"), name("b"));
        let (pre, post, max_clip, cooldown, segment) = rules;
        let script = Script { pre, post, max_clip, cooldown, segment, slots: 5, ..Script::default() };
        let anchor = Anchor { mono: Mono(1_000_000), wall: jiff::Timestamp::UNIX_EPOCH };
        let remembered = Remembered { armed: Default::default(), first: [(a.clone(), first)].into(), ..Default::default() };
        let mut recorder = Recorder::new(Arc::new(settings(&script, &[&a, &b])), &remembered, anchor);
        let mut now = anchor.mono;
        for (passed, input) in steps {
            now = now + Duration::from_micros(passed);
            let mut effects = apply(&mut recorder, now, input);
            while let Some(event) = effects.pop().as_ref().and_then(obedient) {
                effects.extend(apply(&mut recorder, now, Input::Event(event)));
            }
            look(&recorder, now);
            // Whatever was due is not due any more once a tick or two have come.
            for _ in 0..3 {
                apply(&mut recorder, now, Input::Tick);
            }
            prop_assert!(recorder.due(now).is_some_and(|due| due > now), "it spins");
        }
    }

    /// The ways of two cameras never cross: what one is told changes nothing of the other.
    #[test]
    fn cameras_do_not_touch_each_other(steps in prop::collection::vec(step(), 0..100)) {
        let (a, b) = (name("a"), name("b"));
        let script = Script { slots: 5, ..Script::default() };
        let anchor = Anchor { mono: Mono(0), wall: jiff::Timestamp::UNIX_EPOCH };
        let mut recorder = Recorder::new(Arc::new(settings(&script, &[&a, &b])), &Remembered::default(), anchor);
        let mut now = anchor.mono;
        for (passed, input) in steps {
            now = now + Duration::from_micros(passed);
            let about = match &input {
                Input::Event(Event::SlotOpened { camera, .. } | Event::SlotClosed { camera, .. }
                    | Event::Camera { camera, .. }) => Some(camera.clone()),
                Input::Event(Event::Claimed { segment, .. } | Event::Appended { segment, .. }
                    | Event::Followed { segment, .. } | Event::AppendFailed { segment, .. }) => Some(segment.camera.clone()),
                Input::Event(_) | Input::Command(..) | Input::Tick => None,
            };
            // Time passes for all.
            recorder.apply(now, Input::Tick);
            let before = recorder.snapshot(now);
            recorder.apply(now, input);
            let after = recorder.snapshot(now);
            if let Some(about) = about {
                for before in before.cameras.iter().filter(|camera| camera.name != about) {
                    let after = after.cameras.iter().find(|camera| camera.name == before.name);
                    prop_assert_eq!(Some(before), after);
                }
            }
        }
    }
}
