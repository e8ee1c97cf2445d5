//! What mails may: how much they may have saved in a day, and what their pictures and their interval tell.

use crate::chaos::name;
use crate::script::{Script, at, ms, settings};
use nvr::model::budget::Spent;
use nvr::model::command::{Command, TriggerBy, Who};
use nvr::model::effect::Effect;
use nvr::model::event::{Event, Mail, Picture};
use nvr::model::id::{ClipId, LetterId, RequestId};
use nvr::model::recorder::{Input, Recorder, Remembered};
use nvr::model::snapshot::{Level, Snapshot, Topic};
use nvr::model::time::{Anchor, Mono};
use std::sync::Arc;
use std::time::Duration;

/// A recorder with one camera of which nothing comes in, and a clock.
struct Desk {
    recorder: Recorder,
    now: Mono,
}

impl Desk {
    fn new(script: &Script, spent: Spent) -> Self {
        let anchor = Anchor { mono: at(100_000), wall: jiff::Timestamp::UNIX_EPOCH };
        let remembered = Remembered { spent, ..Remembered::default() };
        let settings = Arc::new(settings(script, &[&name("front")]));
        let mut desk = Self { recorder: Recorder::new(settings, &remembered, anchor), now: anchor.mono };
        desk.day("2026-11-22");
        desk
    }

    fn does(&mut self, input: Input) -> Vec<Effect> {
        self.recorder.apply(self.now, input)
    }

    fn day(&mut self, day: &str) -> Vec<Effect> {
        let anchor = Anchor { mono: self.now, wall: jiff::Timestamp::UNIX_EPOCH };
        self.does(Input::Event(Event::Clock { anchor, day: day.into() }))
    }

    fn later(&mut self, millis: u64) {
        self.now = self.now + ms(millis);
    }

    fn mail(&mut self, mail: impl FnOnce(Mail) -> Mail) -> String {
        let bare = Mail::bare([192, 168, 1, 20].into(), String::new(), vec!["front@nvr".into()]);
        self.does(Input::Event(Event::Mail(mail(bare))));
        self.picture().mail.last.expect("a mail").outcome
    }

    fn picture(&self) -> Snapshot {
        self.recorder.snapshot(self.now)
    }
}

fn spent(effects: &[Effect]) -> Option<Spent> {
    effects.iter().find_map(|effect| if let Effect::SaveSpent(spent) = effect { Some(spent.clone()) } else { None })
}

/// Windows of 3 s and 5 s.
#[test]
fn when_mails_have_used_up_their_day_they_are_ignored_until_midnight_and_people_are_not() {
    let script = Script { budget: Some(Duration::from_secs(10)), ..Script::default() };
    let mut desk = Desk::new(&script, Spent::default());
    let obeyed = "saving, but nothing comes in now (still connecting)";
    assert_eq!(desk.mail(|mail| mail), obeyed);
    desk.later(1_000);
    assert_eq!(desk.mail(|mail| mail), obeyed, "9 s, of which 7 are the same");
    desk.later(30_000);
    assert_eq!(
        (desk.mail(|mail| mail), desk.picture().cameras[0].spent),
        (obeyed.into(), Some(Duration::from_secs(10)))
    );
    desk.later(30_000);
    assert_eq!(desk.mail(|mail| mail), "ignored: mails have had 10 s saved today (trigger.budget)");
    let alarms: Vec<_> =
        desk.picture().journal.into_iter().filter(|it| (it.level, it.topic) == (Level::Error, Topic::Mail)).collect();
    let [alarm] = alarms.as_slice() else { panic!("{alarms:?}") };
    assert!(alarm.text.starts_with("mails have had 10 s of footage saved today, and are ignored until midnight ("));

    desk.does(Input::Command(RequestId(1), Command::Trigger { who: Who::All, by: TriggerBy::Command }));
    let event = desk.picture().cameras[0].event.clone().expect("an event");
    assert_eq!(event.trigger.kind.word(), "command");

    // The next recorder knows; the next day has forgotten.
    let saved = spent(&desk.does(Input::Event(Event::StopAsked("a test".into())))).expect("noted down");
    assert_eq!(saved, Spent { day: "2026-11-22".into(), cameras: [(name("front"), Duration::from_secs(17))].into() });
    let mut next = Desk::new(&script, saved.clone());
    assert_eq!(next.mail(|mail| mail), "ignored: mails have had 10 s saved today (trigger.budget)");
    next.day("2026-11-23");
    assert_eq!((next.mail(|mail| mail), next.picture().cameras[0].spent), (obeyed.into(), None));
    let mut after_midnight = Desk::new(&script, Spent { day: "2026-11-21".into(), ..saved });
    assert_eq!(after_midnight.mail(|mail| mail), obeyed);
}

#[test]
fn what_was_used_is_noted_down_now_and_then_and_not_with_every_mail() {
    let script = Script { budget: Some(Duration::from_secs(3600)), ..Script::default() };
    let mut desk = Desk::new(&script, Spent::default());
    let mut notes = 0;
    for _ in 0..600 {
        desk.later(100);
        desk.mail(|mail| mail);
        notes += usize::from(spent(&desk.does(Input::Tick)).is_some());
    }
    assert!((1..=2).contains(&notes), "{notes} in a minute");
}

#[test]
fn a_camera_whose_mails_come_at_an_interval_longer_than_the_window_is_told_of_once() {
    let mut desk = Desk::new(&Script::default(), Spent::default());
    for _ in 0..10 {
        desk.later(60_000);
        desk.mail(|mail| mail);
    }
    let warnings = desk.picture().warnings;
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert!(warning.starts_with("front mails every 60 s while something goes on"), "{warning}");
    assert!(warning.contains("(write trigger = { post_roll = \"70s\" } into its [[camera]]"), "{warning}");
}

/// Nothing is stored here: what may wait is bounded, and what has to wait too long is said.
#[test]
fn pictures_that_wait_are_bounded() {
    let mut desk = Desk::new(&Script::default(), Spent::default());
    let picture = |bytes: usize| Some(Picture::new(vec![0xff; bytes].into()));
    let said =
        |desk: &Desk, what: &str| desk.picture().journal.iter().filter(|entry| entry.text.contains(what)).count();
    for _ in 0..12 {
        desk.mail(|mail| Mail { picture: picture(1000), ..mail });
    }
    assert_eq!(said(&desk, "8 of its mails' pictures lie beside the clip"), 1);
    let mut desk = Desk::new(&Script::default(), Spent::default());
    for _ in 0..4 {
        desk.mail(|mail| Mail { picture: picture(3 << 20), ..mail });
    }
    assert_eq!(said(&desk, "too many wait for the archive"), 2);
}

#[test]
fn the_rest_of_a_mail_finds_its_clip_or_is_said_to_be_late() {
    let mut desk = Desk::new(&Script::default(), Spent::default());
    let rest = |letter, desk: &mut Desk| {
        let picture = Picture::new(vec![0xff; 10].into());
        desk.does(Input::Event(Event::MailRest { letter: LetterId(letter), picture }))
    };
    desk.mail(|mail| Mail { rest: Some(LetterId(7)), ..mail });
    assert_eq!(rest(6, &mut desk), [], "of another mail");
    assert_eq!(rest(7, &mut desk), [], "it waits: the clip has no file yet");
    let opened = Event::ClipOpened {
        clip: ClipId(1),
        name: "it".into(),
        start: jiff::Timestamp::UNIX_EPOCH,
        path: "/it".into(),
    };
    desk.does(Input::Event(opened));
    desk.later(1_000);
    let orders = desk.mail(|mail| mail);
    assert!(orders.starts_with("saving"));
    let stored = Event::PictureStored { clip: ClipId(1), result: Ok("it.jpg".into()) };
    desk.does(Input::Event(stored));
    desk.later(1_500);
    let told = desk.does(Input::Tick);
    let record =
        told.iter().find_map(|effect| if let Effect::SaveRecord { record, .. } = effect { Some(record) } else { None });
    let named: Vec<_> = record.expect("a record").triggers.iter().map(|it| it.kind.mail()?.picture.clone()).collect();
    assert_eq!(named, [Some("it.jpg".to_owned()), None]);
    assert_eq!(rest(7, &mut desk), [], "only once");
}
