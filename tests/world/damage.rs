//! A memory is a file: whatever is in it, it is refused or gone on with, and nothing panics.

use crate::chaos::{look, step};
use crate::lot::{Kill, Unheard};
use crate::script::{Act, Mood, Script, at, ms, settings};
use crate::sim::World;
use nvr::model::clip::ClipFile;
use nvr::model::effect::Effect;
use nvr::model::event::{Added, Event};
use nvr::model::id::CameraName;
use nvr::model::memory::{Left, LeftFile, Memory, Regrown, Remains};
use nvr::model::recorder::{Input, Recorder, Remembered};
use nvr::model::time::{Anchor, Mono};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

const SLOTS: u32 = 5;

fn script() -> Script {
    let moods = vec![Mood::Takes, Mood::Takes, Mood::Fails, Mood::Takes, Mood::Different];
    let acts = vec![(at(20_000), Act::Mail(0)), (at(24_000), Act::Mail(3_000)), (at(25_000), Act::Key)];
    Script { slots: SLOTS, moods, acts, archive_takes: ms(700), max_clip: ms(4_000), ..Script::default() }
}

/// Memories of a busy camera that has been killed before.
static MEMORIES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let mut world = World::new(script());
    let (down, left_behind) = (ms(400), Duration::ZERO);
    world.kill(&Kill { at: at(21_300), orders: 3, unheard: Unheard::Done, down, left_behind });
    let memory = |millis| {
        world.run(at(millis));
        serde_json::to_value(world.lot.memory.as_ref().expect("one")).expect("JSON")
    };
    (22_000..40_000).step_by(300).map(memory).collect()
});

/// What is done to one place of it.
#[derive(Debug, Clone)]
enum Blow {
    Set(Value),
    Remove,
    Twice,
    Reverse,
}

fn value() -> impl Strategy<Value = Value> {
    let numbers = [0, 1, 2, 7, 1 << 32, u64::MAX / 2 - 1, u64::MAX / 2, u64::MAX - 1, u64::MAX];
    prop_oneof![
        4 => prop::sample::select(numbers.to_vec()).prop_map(Value::from),
        1 => Just(Value::from(-1)),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => "\\PC{0,3}\u{1b}\u{202e}?".prop_map(Value::from),
        1 => Just(Value::Array(vec![])),
        1 => Just(serde_json::json!({"secs": u64::MAX, "nanos": 999_999_999})),
    ]
}

fn blow() -> impl Strategy<Value = Blow> {
    prop_oneof![6 => value().prop_map(Blow::Set), 1 => Just(Blow::Remove), 1 => Just(Blow::Twice), 1 => Just(Blow::Reverse)]
}

/// Strikes the place of this number, counted through all of it. Answers how many places there were before it ended.
fn strike(value: &mut Value, place: &mut usize, blow: &Blow) {
    let mut children: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(fields) => fields.values_mut().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![],
    };
    for child in &mut children {
        if *place == 0 {
            *place = usize::MAX;
            match blow {
                Blow::Set(new) => **child = new.clone(),
                Blow::Remove => drop(child.take()),
                Blow::Twice => {
                    if let Value::Array(items) = &mut **child {
                        items.extend(items.clone());
                    }
                }
                Blow::Reverse => {
                    if let Value::Array(items) = &mut **child {
                        items.reverse();
                    }
                }
            }
            return;
        }
        *place -= 1;
        strike(child, place, blow);
        if *place == usize::MAX {
            return;
        }
    }
}

fn places(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(|item| 1 + places(item)).sum(),
        Value::Object(fields) => fields.values().map(|field| 1 + places(field)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn files() -> impl Strategy<Value = Vec<LeftFile>> {
    let number = prop_oneof![10 => 0u64..8, 10 => 15u64..40, 1 => any::<u64>()];
    let bytes = prop_oneof![1 => Just(0), 8 => 1_000u64..1_200, 1 => any::<u64>()];
    let written = prop_oneof![10 => 15_000u64..60_000, 1 => any::<u64>()];
    let file = (number, bytes, written);
    prop::collection::vec(
        file.prop_map(|(number, bytes, millis)| LeftFile {
            number,
            bytes,
            written: Mono(millis.saturating_mul(1_000)),
        }),
        0..9,
    )
}

/// What the archive says of the clips, by turns.
fn found(memory: &Memory, camera: &CameraName, turn: usize) -> Vec<Regrown> {
    let state = |turn: usize| match turn % 5 {
        0 => Remains::Nothing,
        1 => Remains::Closed { path: "/clips/it.mp4".into() },
        2 => Remains::Away,
        3 => Remains::Elsewhere { path: "/old/it.mp4.part".into() },
        _ => Remains::Growing {
            file: ClipFile { name: "it".into(), start: jiff::Timestamp::UNIX_EPOCH, path: "/it".into() },
            added: Added {
                bytes: 0,
                clip_bytes: [0, 2_500, u64::MAX][turn / 5 % 3],
                clip_length: Duration::MAX,
                frames: 0,
                took: Duration::ZERO,
                hole: None,
                blake3: "00".into(),
            },
        },
    };
    let grew = memory.growing(camera).into_iter().enumerate();
    grew.map(|(place, grew)| Regrown { clip: grew.clip, state: state(turn + place) }).collect()
}

/// The recorder lives for a while with that memory, whatever happens.
fn live(memory: Memory, slots: Vec<LeftFile>, claimed: Vec<LeftFile>, turn: usize, steps: Vec<(u64, Input)>) {
    let (ours, a): (CameraName, CameraName) = ("front".parse().expect("a name"), "a".parse().expect("a name"));
    let anchor = Anchor { mono: at(60_000), wall: jiff::Timestamp::UNIX_EPOCH };
    let settings = Arc::new(settings(&script(), &[&ours, &a]));
    let clips = found(&memory, &ours, turn);
    let left = [(ours.clone(), Left { memory, slots, claimed, clips, outlived: turn.is_multiple_of(2) })].into();
    let mut recorder = Recorder::new(settings, &Remembered { left, ..Remembered::default() }, anchor);
    let mut now = anchor.mono;
    let mut inputs = vec![Input::Event(Event::Began { earlier: None }), Input::Tick];
    for (passed, input) in steps {
        while let Some(input) = inputs.pop() {
            for effect in recorder.apply(now, input) {
                if let Effect::Claim { segment, bytes, .. } = effect {
                    inputs.push(Input::Event(Event::Claimed { segment, result: Ok(bytes.unwrap_or(1)) }));
                }
            }
        }
        look(&recorder, now);
        now = now + Duration::from_micros(passed);
        inputs.push(input);
    }
    for _ in 0..3 {
        recorder.apply(now, Input::Tick);
    }
    assert!(recorder.due(now).is_some_and(|due| due > now), "it spins");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_memory_is_refused_or_gone_on_with(
        which in any::<Index>(),
        blows in prop::collection::vec((any::<Index>(), blow()), 0..4),
        slots in files(),
        claimed in files(),
        turn in 0usize..15,
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut json = which.get(&MEMORIES).clone();
        for (place, blow) in blows {
            let count = places(&json);
            if count > 0 {
                strike(&mut json, &mut place.index(count), &blow);
            }
        }
        if let Ok(memory) = serde_json::from_value::<Memory>(json) {
            live(memory, slots, claimed, turn, steps);
        }
    }
}

/// Every place of some memories, one after the other: what is found there by chance once in a thousand runs must not be.
#[test]
fn no_screen_obeys_what_a_memory_says() {
    for memory in MEMORIES.iter().step_by(7) {
        for place in 0..places(memory) {
            let mut json = memory.clone();
            strike(&mut json, &mut place.clone(), &Blow::Set(Value::from("\u{1b}[2J")));
            let Ok(memory) = serde_json::from_value::<Memory>(json) else { continue };
            for turn in 0..5 {
                live(memory.clone(), vec![], vec![], turn, vec![(0, Input::Tick), (1_000_000, Input::Tick)]);
            }
        }
    }
}

#[test]
fn a_memory_of_other_rings_or_another_time_is_refused_as_a_whole() {
    let camera: CameraName = "front".parse().expect("a name");
    let memory: Memory = serde_json::from_value(MEMORIES[3].clone()).expect("it is one");
    let ring = settings(&script(), &[&camera]).ring;
    assert_eq!(memory.fits(&camera, &ring, at(60_000)), Ok(()));
    assert_eq!(memory.fits(&camera, &ring, at(1_000)), Err("it is of another time"));
    let other = nvr::model::settings::Ring { slots: SLOTS + 1, ..ring.clone() };
    assert_eq!(memory.fits(&camera, &other, at(60_000)), Err("ring.slots was another then"));
    let stranger = "garden".parse().expect("a name");
    assert_eq!(memory.fits(&stranger, &ring, at(60_000)), Err("it is damaged"));
    let mut newer = memory;
    newer.version += 1;
    assert_eq!(newer.fits(&camera, &ring, at(60_000)), Err("another version of nvr wrote it"));
}
