//! The logs against a recorder that keeps a thousand lines and shows the last fifty.

use super::*;
use crate::model::snapshot::Topic;
use proptest::prelude::*;

#[test]
fn a_connection_that_has_changed_takes_its_own_place_and_holes_are_no_loss() {
    let session = |change: u64, number: u64| {
        let text = format!(
            r#"{{"change": {change}, "began": 0, "number": {number}, "peer": "10.0.0.7", "lines": [],
            "lasted": {{"secs": 0, "nanos": 0}}, "mails": [], "verdict": {{"grade": "open", "text": ""}}}}"#
        );
        serde_json::from_str::<SessionView>(&text).expect("a session")
    };
    let mut snapshot = crate::monitor::ui::nothing_yet();
    let mut log = Log::<SessionView>::default();
    assert_eq!(log.question(&snapshot), None);
    snapshot.mail.sessions = 9;
    assert_eq!(log.question(&snapshot), Some(Since { after: 0, limit: 100 }));
    log.found(Ok(vec![session(4, 1), session(7, 3), session(9, 2)]));
    assert_eq!(log.question(&snapshot), None);
    snapshot.mail.sessions = 14;
    assert_eq!(log.question(&snapshot), Some(Since { after: 9, limit: 100 }));
    log.found(Ok(vec![session(12, 3), session(14, 4)]));
    let numbers: Vec<_> = log.shown().iter().map(|it| it.transcript.number).collect();
    assert_eq!(numbers, [4, 3, 2, 1]);
}

/// A recorder's journal.
struct World {
    started: u64,
    kept: VecDeque<Entry>,
    next: u64,
    log: Log<Entry>,
    asked: Vec<Since>,
}

fn entry(number: u64) -> Entry {
    let level = [Level::Info, Level::Warn, Level::Error][(number % 3) as usize];
    Entry { number, at: Mono(number), level, topic: Topic::Camera, camera: None, text: format!("line {number}") }
}

impl World {
    fn new() -> Self {
        Self { started: 1, kept: VecDeque::new(), next: 1, log: Log::default(), asked: Vec::new() }
    }

    fn happen(&mut self, lines: u64) {
        for _ in 0..lines {
            self.kept.push_back(entry(self.next));
            self.next += 1;
        }
        self.kept.drain(..self.kept.len().saturating_sub(1000));
    }

    fn restart(&mut self) {
        (self.started, self.next) = (self.started + 1, 1);
        self.kept.clear();
        self.asked.clear();
        self.log.forsaken();
    }

    fn snapshot(&self) -> Snapshot {
        let mut snapshot = crate::monitor::ui::nothing_yet();
        snapshot.started = Mono(self.started);
        snapshot.journal = self.kept.iter().skip(self.kept.len().saturating_sub(50)).cloned().collect();
        snapshot
    }

    fn picture(&mut self) {
        self.log.picture(&self.snapshot());
    }

    fn ask(&mut self) {
        let question = self.log.question(&self.snapshot());
        self.asked.extend(question);
        assert!(self.asked.len() <= 1);
        assert_eq!(self.log.question(&self.snapshot()), None, "one question at a time");
    }

    fn answer(&mut self, refused: bool) {
        if let Some(since) = self.asked.pop() {
            let lines: Vec<_> = self.kept.iter().filter(|line| line.number > since.after).cloned().collect();
            self.log.found(if refused { Err("too busy".into()) } else { Ok(lines) });
        }
    }

    fn numbers(&self) -> Vec<u64> {
        self.log.lines.iter().map(|line| line.number).collect()
    }
}

#[derive(Debug, Clone)]
enum Step {
    Happen(u64),
    Restart,
    Picture,
    Ask,
    Answer(bool),
    Go(Motion),
    Level,
}

fn step() -> impl Strategy<Value = Step> {
    let motion =
        prop_oneof![(1usize..90).prop_map(Motion::Down), (1usize..90).prop_map(Motion::Up), Just(Motion::Last)];
    prop_oneof![
        4 => prop_oneof![1u64..5, 30u64..80, 900u64..1500].prop_map(Step::Happen),
        1 => Just(Step::Restart),
        4 => Just(Step::Picture),
        4 => Just(Step::Ask),
        4 => prop::bool::weighted(0.2).prop_map(Step::Answer),
        2 => motion.prop_map(Step::Go),
        1 => Just(Step::Level),
    ]
}

proptest! {
    #[test]
    fn a_log_is_what_the_recorder_keeps_of_it(steps in prop::collection::vec(step(), 0..60)) {
        let mut world = World::new();
        for step in steps {
            let (before, of) = (world.log.chosen().cloned(), world.log.of);
            let (moves, follows) = (matches!(step, Step::Go(_) | Step::Level), world.log.follows());
            match step {
                Step::Happen(lines) => world.happen(lines),
                Step::Restart => world.restart(),
                Step::Picture => world.picture(),
                Step::Ask => world.ask(),
                Step::Answer(refused) => world.answer(refused),
                Step::Go(motion) => world.log.go(motion),
                Step::Level => world.log.next_level(),
            }
            let numbers = world.numbers();
            prop_assert!(numbers.is_sorted_by(|newer, older| *newer == older + 1), "{:?}", numbers);
            prop_assert!(numbers.len() <= Entry::KEPT);
            if let Some(before) = before.filter(|_| !moves && !follows)
                && numbers.contains(&before.number)
                && world.log.of == of
            {
                prop_assert_eq!(world.log.chosen().map(|line| line.number), Some(before.number));
            }
        }
        world.log.visited();
        world.picture();
        world.ask();
        world.answer(false);
        world.picture();
        world.ask();
        world.answer(false);
        let kept: Vec<_> = world.kept.iter().rev().map(|line| line.number).collect();
        let here = world.numbers();
        prop_assert!(kept.starts_with(&here) && (here.len() == kept.len() || here.len() >= 50), "{:?}", here);
        world.ask();
        prop_assert!(world.asked.is_empty(), "at rest nothing is asked");
    }
}

#[test]
fn what_goes_on_comes_with_the_pictures_and_a_refusal_is_not_asked_again_at_once() {
    let mut world = World::new();
    world.happen(500);
    world.picture();
    world.ask();
    assert_eq!(world.asked, [Since { after: 0, limit: 1000 }]);
    world.answer(true);
    assert_eq!(world.log.trouble.as_deref(), Some("too busy"));
    world.ask();
    assert_eq!(world.asked, [], "the answer would be the same");
    world.happen(1);
    world.ask();
    world.answer(false);
    assert_eq!((world.log.lines.len(), &world.log.trouble), (501, &None));
    for _ in 0..20 {
        world.happen(40);
        world.picture();
        world.ask();
        assert_eq!(world.asked, []);
    }
    assert_eq!(world.log.lines.len(), Entry::KEPT);
    world.happen(51);
    world.picture();
    world.ask();
    assert_eq!(world.asked.len(), 1, "a picture was missed");
}
