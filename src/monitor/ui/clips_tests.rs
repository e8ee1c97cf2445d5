//! The clip list against an archive that answers as it is documented: pages that are short or empty and go on, answers
//! that come late or not at all, clips that come, grow, close and go in between.

use super::*;
use crate::model::id::CameraName;
use crate::model::time::Wall;
use crossterm::event::KeyCode;
use proptest::prelude::*;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Clips that a picture shows beside those that grow.
const TAIL: usize = 50;
/// Records that are searched for a page.
const SEARCHED: usize = 30;
/// Lines of the terminal.
const HEIGHT: usize = 24;

fn snapshot(clips: Vec<ClipView>, trouble: Option<String>) -> Snapshot {
    let mut snapshot = crate::monitor::ui::nothing_yet();
    (snapshot.clips, snapshot.archive.trouble) = (clips, trouble);
    snapshot
}

fn clip(start: i64, camera: &str, open: bool) -> ClipView {
    let trigger = if start % 7 == 0 { "key" } else { "mail" };
    ClipView {
        name: format!("{camera}_{start:08}"),
        camera: camera.parse::<CameraName>().expect("a name"),
        start: Wall::from_second(start).expect("a time"),
        length: Duration::from_secs(10),
        bytes: 1000,
        trigger: trigger.into(),
        subject: String::new(),
        missing: Duration::ZERO,
        waiting: Duration::ZERO,
        interrupted: false,
        open,
        protected: false,
        path: String::new(),
    }
}

/// A recorder and its archive.
struct World {
    all: BTreeMap<ClipKey, ClipView>,
    /// As the recorder remembers them: growing ones, and the last closed ones, the newest first.
    growing: Vec<ClipView>,
    closed: Vec<ClipView>,
    trouble: Option<String>,
    now: i64,
    list: Clips,
    under_way: VecDeque<ClipQuery>,
    questions: usize,
}

impl World {
    fn new(clips: usize) -> Self {
        let (growing, closed, under_way) = (Vec::new(), Vec::new(), VecDeque::new());
        let (all, list) = (BTreeMap::new(), Clips::default());
        let mut world = Self { all, growing, closed, trouble: None, now: 0, list, under_way, questions: 0 };
        for _ in 0..clips {
            world.open(0);
            world.close();
        }
        world.picture();
        world
    }

    /// A clip whose footage began `back` seconds ago: a camera's mail may come late.
    fn open(&mut self, back: i64) {
        self.now += 10;
        let camera = if self.now % 3 == 0 { "garden" } else { "front" };
        let clip = clip(self.now - back, camera, true);
        if let Entry::Vacant(place) = self.all.entry(ClipKey::of(&clip)) {
            place.insert(clip.clone());
            self.growing.push(clip);
        }
    }

    fn grow(&mut self) {
        for clip in &mut self.growing {
            clip.bytes += 1000;
            self.all.insert(ClipKey::of(clip), clip.clone());
        }
    }

    fn close(&mut self) {
        if !self.growing.is_empty() {
            let mut clip = self.growing.remove(0);
            clip.open = false;
            self.all.insert(ClipKey::of(&clip), clip.clone());
            self.closed.insert(0, clip);
            self.closed.truncate(TAIL);
        }
    }

    /// One of the clips that do not grow goes.
    fn delete(&mut self, at: prop::sample::Index, among: usize) -> Option<String> {
        let closed: Vec<_> = self.all.values().rev().filter(|clip| !clip.open).take(among).cloned().collect();
        let clip = closed.get(at.index(closed.len().max(1)))?;
        self.all.remove(&ClipKey::of(clip));
        self.closed.retain(|other| other.name != clip.name);
        Some(clip.name.clone())
    }

    fn picture(&mut self) {
        let clips = self.growing.iter().chain(&self.closed).cloned().collect();
        self.list.picture(&snapshot(clips, self.trouble.clone()));
    }

    /// The monitor asks whatever it wants to know.
    fn ask(&mut self) {
        while let Some(query) = self.list.question(HEIGHT) {
            self.questions += 1;
            self.under_way.push_back(query);
            assert!(self.under_way.len() <= OVERTAKEN + 1, "questions pile up: {:?}", self.under_way);
        }
    }

    fn page(&self, query: &ClipQuery) -> ClipPage {
        let limit = query.limit as usize;
        let (mut clips, mut last, mut searched, mut more) = (Vec::new(), None::<&ClipKey>, 0, None);
        let all: Box<dyn Iterator<Item = (&ClipKey, &ClipView)>> = match &query.page {
            Page::Newest => Box::new(self.all.iter().rev()),
            Page::Older(key) => Box::new(self.all.range(..key).rev()),
            Page::Newer(key) => Box::new(self.all.range(key..).filter(move |(other, _)| *other != key)),
            Page::Oldest => Box::new(self.all.iter()),
        };
        for (key, clip) in all {
            if clips.len() == limit || (!query.find.is_empty() && searched == SEARCHED) {
                more = last.cloned();
                break;
            }
            (last, searched) = (Some(key), searched + 1);
            clips.extend(matches(clip, &query.find).then(|| clip.clone()));
        }
        if matches!(query.page, Page::Newer(_) | Page::Oldest) {
            clips.reverse();
        }
        ClipPage { clips, more }
    }

    fn answer(&mut self, at: prop::sample::Index, refused: bool) {
        if !self.under_way.is_empty() {
            let query = self.under_way.remove(at.index(self.under_way.len())).expect("it is there");
            let page = if refused { Err("the archive is away".to_owned()) } else { Ok(self.page(&query)) };
            self.list.found(&query, page);
        }
    }

    /// Until nothing is asked any more; how many questions that took.
    fn settle(&mut self) -> usize {
        let before = self.questions;
        self.picture();
        self.ask();
        while let Some(query) = self.under_way.pop_front() {
            let page = self.page(&query);
            self.list.found(&query, Ok(page));
            self.ask();
            assert!(self.questions - before <= 20 + self.all.len() / SEARCHED, "it asks without end");
        }
        self.questions - before
    }

    fn wanted(&self) -> Vec<String> {
        let clips = self.all.values().rev().filter(|clip| matches(clip, &self.list.found_by));
        clips.map(|clip| clip.name.clone()).collect()
    }

    /// What must be true at any time.
    fn check(&self) {
        let list = &self.list;
        let keys: Vec<_> = list.part.iter().map(ClipKey::of).collect();
        assert!(keys.is_sorted_by(|newer, older| newer > older), "{keys:?}");
        assert!(keys.len() <= KEPT + TAIL, "{} clips are kept", keys.len());
        assert!(list.part.is_empty() || list.place() < list.part.len());
    }

    /// The part is what the archive has there.
    fn check_part(&self) {
        let list = &self.list;
        assert_eq!((list.trouble.as_deref(), list.whole), (None, true));
        let here = self.all.values().rev().filter(|clip| {
            matches(clip, &list.found_by) && {
                let above = list.newer.as_ref().is_none_or(|end| order(clip, end).is_le());
                above && list.older.as_ref().is_none_or(|end| order(clip, end).is_ge())
            }
        });
        let here: Vec<_> = here.cloned().collect();
        assert_eq!(list.part.iter().cloned().collect::<Vec<_>>(), here);
        assert!(list.newer.is_none() || list.place() >= HEIGHT.min(AROUND));
        assert!(list.older.is_none() || list.place() + HEIGHT < list.part.len());
    }

    /// Scrolls from one end to the other one: every clip comes once.
    fn check_scrolling(&mut self, begin: Motion, step: Motion) {
        self.list.go(begin);
        self.settle();
        let mut seen: Vec<String> = self.list.chosen().map(|clip| clip.name.clone()).into_iter().collect();
        loop {
            let before = seen.last().cloned();
            self.list.go(step);
            self.settle();
            let was = self.list.part.iter().position(|clip| Some(&clip.name) == before.as_ref());
            let (was, is) = (was.unwrap_or(0), self.list.place());
            match is.cmp(&was) {
                Ordering::Greater => seen.extend(self.list.part.range(was + 1..=is).map(|clip| clip.name.clone())),
                Ordering::Less => seen.extend(self.list.part.range(is..was).rev().map(|clip| clip.name.clone())),
                Ordering::Equal => break,
            }
        }
        self.check_part();
        let mut wanted = self.wanted();
        if begin == Motion::Last {
            wanted.reverse();
        }
        assert_eq!(seen, wanted);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Open(i64),
    Grow,
    Close,
    DeleteHere(prop::sample::Index),
    DeleteElsewhere(prop::sample::Index),
    Picture,
    Ask,
    Answer(prop::sample::Index, bool),
    Go(Motion),
    Follow,
    Type(char),
    Escape,
    Lost,
    Trouble(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    let motion = prop_oneof![
        (1usize..150).prop_map(Motion::Down),
        (1usize..150).prop_map(Motion::Up),
        Just(Motion::First),
        Just(Motion::Last),
    ];
    prop_oneof![
        2 => (0i64..40).prop_map(Step::Open),
        2 => Just(Step::Grow),
        3 => Just(Step::Close),
        1 => index().prop_map(Step::DeleteHere),
        1 => index().prop_map(Step::DeleteElsewhere),
        4 => Just(Step::Picture),
        6 => Just(Step::Ask),
        6 => (index(), prop::bool::weighted(0.1)).prop_map(|(at, refused)| Step::Answer(at, refused)),
        4 => motion.prop_map(Step::Go),
        1 => Just(Step::Follow),
        1 => "[gk9 ]".prop_map(|c| Step::Type(c.chars().next().unwrap_or('g'))),
        1 => Just(Step::Escape),
        1 => Just(Step::Lost),
        1 => any::<bool>().prop_map(Step::Trouble),
    ]
}

impl World {
    fn take(&mut self, step: Step) {
        match step {
            Step::Open(back) => self.open(back),
            Step::Grow => self.grow(),
            Step::Close => self.close(),
            Step::DeleteHere(at) => {
                if let Some(name) = self.delete(at, usize::MAX) {
                    self.list.deleted(&name);
                }
            }
            // What is further back than pictures show is noticed when it is asked for, not before.
            Step::DeleteElsewhere(at) => {
                let last: Vec<_> = self.closed.iter().map(|clip| clip.name.clone()).collect();
                self.picture();
                if let Some(name) = last.get(at.index(last.len().max(1))) {
                    self.all.retain(|_, clip| clip.name != *name);
                    self.closed.retain(|clip| clip.name != *name);
                }
                self.picture();
            }
            Step::Picture => self.picture(),
            Step::Ask => self.ask(),
            Step::Answer(at, refused) => self.answer(at, refused),
            Step::Go(motion) => self.list.go(motion),
            Step::Follow => self.list.toggle_follow(),
            Step::Type(c) => self.list.find.press(KeyCode::Char(c), false),
            Step::Escape => self.list.find.press(KeyCode::Esc, false),
            Step::Lost => {
                self.under_way.clear();
                self.list.forsaken();
                (0..30).for_each(|_| self.open(0));
                (0..30).for_each(|_| self.close());
                self.picture();
            }
            Step::Trouble(is) => self.trouble = is.then(|| "full".to_owned()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn whatever_happens_the_list_is_what_the_archive_has(
        clips in prop_oneof![0usize..20, 90usize..320, Just(1300)],
        steps in prop::collection::vec(step(), 0..80),
        stride in 1usize..150,
    ) {
        let mut world = World::new(clips);
        for step in steps {
            let moves = matches!(step, Step::Go(_) | Step::Follow | Step::Type(_) | Step::Escape);
            let free = world.list.jump.is_none() && world.list.land.is_none() && !world.list.follows();
            let before = world.list.chosen().filter(|clip| world.list.cursor.at() == Some(&ClipKey::of(clip))).cloned();
            // Words that were typed are taken with the next question.
            let words = world.list.find.text() != world.list.found_by;
            world.take(step.clone());
            world.check();
            if let Some(before) = before.filter(|_| free && !moves && !words)
                && world.all.contains_key(&ClipKey::of(&before))
            {
                let now = world.list.chosen().map(|clip| clip.name.clone());
                prop_assert_eq!(now, Some(before.name), "the cursor moved by itself at {:?}", step);
            }
        }
        world.list.visited();
        world.settle();
        world.check();
        world.check_part();
        prop_assert_eq!(world.settle(), 0, "at rest nothing is asked");
        world.check_scrolling(Motion::First, Motion::Down(stride));
        world.check_scrolling(Motion::Last, Motion::Up(stride));
    }
}

#[test]
fn at_the_newest_clips_nothing_is_asked_while_others_come() {
    let mut world = World::new(300);
    assert_eq!(world.settle(), 1);
    for n in 0..40 {
        world.open(n % 30);
        world.grow();
        assert_eq!(world.settle(), 0);
        if n % 2 == 0 {
            world.close();
        }
        assert_eq!(world.settle(), 0);
        assert!(world.list.follows() && world.list.place() == 0);
        world.check_part();
    }
}

#[test]
fn thousands_of_clips_take_a_question_for_each_hundred_and_never_all_of_the_room() {
    let mut world = World::new(5000);
    world.settle();
    let mut longest = 0;
    for _ in 0..5000 {
        world.list.go(Motion::Down(1));
        world.settle();
        longest = longest.max(world.list.part.len());
    }
    assert_eq!(world.list.chosen().map(|clip| clip.name.clone()), world.wanted().last().cloned());
    assert_eq!((world.questions, longest), (50, KEPT));
    world.list.go(Motion::First);
    assert_eq!(world.settle(), 1);
    assert_eq!(world.list.chosen().map(|clip| clip.name.clone()), world.wanted().first().cloned());
}

#[test]
fn a_refusal_is_said_and_asked_again_only_when_something_changes() {
    let mut world = World::new(10);
    let refuse = |world: &mut World| {
        world.ask();
        let query = world.under_way.pop_front().expect("a question");
        world.list.found(&query, Err("the archive is away (mount it)".into()));
    };
    refuse(&mut world);
    assert_eq!(world.list.trouble.as_deref(), Some("the archive is away (mount it)"));
    for _ in 0..3 {
        world.picture();
        assert_eq!(world.list.question(HEIGHT), None, "nothing has changed");
    }
    world.trouble = Some("away".into());
    world.picture();
    refuse(&mut world);
    world.list.go(Motion::Down(1));
    refuse(&mut world);
    world.list.visited();
    assert_eq!(world.settle(), 1);
    assert_eq!(world.list.trouble, None);
    world.check_part();
}

#[test]
fn words_narrow_at_once_and_without_them_the_cursor_stays_at_what_was_found() {
    let mut world = World::new(2000);
    world.settle();
    for c in "garden 00009990".chars() {
        world.list.find.press(KeyCode::Char(c), false);
        world.ask();
        assert!(world.list.part.iter().all(|clip| matches(clip, world.list.find.text())), "before any answer");
    }
    world.settle();
    assert_eq!(world.list.part.iter().map(|clip| clip.name.as_str()).collect::<Vec<_>>(), ["garden_00009990"]);
    world.list.go(Motion::First);
    world.list.find.press(KeyCode::Esc, false);
    world.settle();
    assert_eq!(world.list.chosen().map(|clip| clip.name.as_str()), Some("garden_00009990"));
    assert!(world.list.place() >= HEIGHT, "with what is around it");
    world.check_part();
}

#[test]
fn a_change_of_mind_is_obeyed_even_if_the_answer_is_late() {
    let mut world = World::new(500);
    world.settle();
    world.list.go(Motion::Last);
    world.ask();
    world.list.go(Motion::First);
    world.settle();
    assert_eq!(world.list.place(), 0);
    assert_eq!(world.list.goes_on(), Some((false, true)));
}
