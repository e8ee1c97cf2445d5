//! Many cameras that are due at the same time: they start one behind the other, and none waits for long.

use crate::script::{Script, at, ms, settings};
use nvr::model::effect::Effect;
use nvr::model::event::{CameraNews, Event, Trouble};
use nvr::model::id::{CameraName, RunId};
use nvr::model::recorder::{Input, Recorder, Remembered};
use nvr::model::snapshot::CameraState;
use nvr::model::time::{Anchor, Mono};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// So many may be on their way, each for so long.
const ABREAST: usize = 8;
const MAKES_WAY: Duration = Duration::from_secs(2);

/// What becomes of an FFmpeg that was started, and after how many milliseconds.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Opens(u64),
    Fails(u64),
    Silent,
}

/// Cameras by number, and what is to happen to them.
struct Yard {
    recorder: Recorder,
    fates: Vec<Fate>,
    agenda: BTreeMap<(Mono, usize), Event>,
    /// Those on their way: since when.
    on_their_way: BTreeMap<usize, Mono>,
    /// Every start, in order.
    starts: Vec<(Mono, usize)>,
    now: Mono,
}

fn name(number: usize) -> CameraName {
    format!("camera-{number}").parse().expect("a name")
}

fn recorder(count: usize) -> Recorder {
    let names: Vec<_> = (0..count).map(name).collect();
    let settings = settings(&Script::default(), &names.iter().collect::<Vec<_>>());
    let anchor = Anchor { mono: at(0), wall: "2026-11-22T10:00:00Z".parse().expect("an instant") };
    Recorder::new(Arc::new(settings), &Remembered::default(), anchor)
}

impl Yard {
    fn new(fates: Vec<Fate>) -> Yard {
        let recorder = recorder(fates.len());
        let nothing = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Yard { recorder, fates, agenda: nothing.0, on_their_way: nothing.1, starts: nothing.2, now: at(0) }
    }

    fn apply(&mut self, input: Input) {
        for effect in self.recorder.apply(self.now, input) {
            let Effect::StartCamera { camera, run, .. } = effect else { continue };
            let number = camera.name.as_str().trim_start_matches("camera-").parse().expect("a number");
            self.starts.push((self.now, number));
            self.on_their_way.insert(number, self.now);
            let (after, event) = match self.fates[number] {
                Fate::Opens(after) => (after, Event::SlotOpened { camera: camera.name.clone(), slot: 0 }),
                Fate::Fails(after) => (after, ended(&camera.name, run)),
                Fate::Silent => continue,
            };
            self.agenda.insert((self.now + ms(after), number), event);
        }
        let on_their_way = self.on_their_way.values().filter(|since| self.now < **since + MAKES_WAY).count();
        assert!(on_their_way <= ABREAST, "{on_their_way} at {:?}", self.now);
    }

    /// Goes on as the engine does: what happens, and ticks when they are due.
    fn run(&mut self, until: Mono) {
        loop {
            let due = self.recorder.due(self.now).expect("a sweep at least").max(self.now);
            let next = self.agenda.keys().next().copied().filter(|(when, _)| *when <= due);
            let when = next.map_or(due, |(when, _)| when);
            if when > until {
                return;
            }
            self.now = when;
            match next.and_then(|key| self.agenda.remove_entry(&key)) {
                Some(((_, number), event)) => {
                    self.on_their_way.remove(&number);
                    self.apply(Input::Event(event));
                }
                None => {
                    self.apply(Input::Tick);
                    assert!(
                        self.recorder.due(self.now) > Some(self.now),
                        "a tick that changes nothing comes at once again"
                    );
                }
            }
        }
    }

    fn first_start(&self, number: usize) -> Mono {
        self.starts.iter().find(|(_, it)| *it == number).expect("it was started").0
    }
}

fn ended(camera: &CameraName, run: RunId) -> Event {
    let reason = Some(Trouble { text: "connection refused".into(), cure: None });
    Event::Camera { camera: camera.clone(), run, news: CameraNews::Ended { reason } }
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        3 => (1u64..6_000).prop_map(Fate::Opens),
        2 => (1u64..6_000).prop_map(Fate::Fails),
        1 => Just(Fate::Silent),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn however_many_are_due_few_are_on_their_way_and_none_waits_for_long(fates in prop::collection::vec(fate(), 1..120)) {
        let count = fates.len();
        let mut yard = Yard::new(fates);
        yard.run(at(40_000));
        let mut before = at(0);
        for number in 0..count {
            let start = yard.first_start(number);
            prop_assert!(start >= before, "in the order of the file");
            // Those before it leave at least as fast as each makes way; tries again come behind the first ones.
            prop_assert!(start <= at(0) + MAKES_WAY * (number / ABREAST) as u32, "{number} started at {start:?}");
            before = start;
        }
    }
}

#[test]
fn a_household_starts_at_once_and_who_waits_is_shown() {
    let mut yard = Yard::new(vec![Fate::Opens(1_000); 20]);
    yard.apply(Input::Tick);
    assert_eq!(yard.starts.iter().map(|(_, number)| *number).collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
    let states = |yard: &Yard| {
        let waits = |state: &CameraState| matches!(state, CameraState::Waiting { .. });
        yard.recorder.snapshot(yard.now).cameras.iter().filter(|camera| waits(&camera.state)).count()
    };
    assert_eq!(states(&yard), 12);
    yard.run(at(999));
    assert_eq!((yard.starts.len(), states(&yard)), (8, 12), "nobody makes way yet");
    yard.run(at(1_999));
    assert_eq!((yard.starts.len(), states(&yard)), (16, 4), "each that records lets one more go");
    yard.run(at(4_000));
    assert_eq!((yard.starts.len(), states(&yard)), (20, 0));
}

#[test]
fn when_a_network_is_back_all_that_retry_come_in_turn_and_none_is_left_out() {
    let mut yard = Yard::new(vec![Fate::Fails(10); 60]);
    yard.run(at(120_000));
    let tried = yard.starts.len();
    yard.fates.fill(Fate::Opens(500));
    yard.run(at(180_000));
    let again: Vec<_> = yard.starts[tried..].iter().map(|(_, number)| *number).collect();
    let mut each = again.clone();
    each.sort_unstable();
    assert_eq!(each, (0..60).collect::<Vec<_>>(), "each once more, and then it records");
}

#[test]
fn one_that_was_told_to_stop_while_it_waited_never_starts() {
    let mut yard = Yard::new(vec![Fate::Silent; 9]);
    yard.apply(Input::Tick);
    yard.apply(Input::Event(Event::StopAsked("the test".into())));
    yard.run(at(10_000));
    assert_eq!(yard.starts.len(), 8);
}
