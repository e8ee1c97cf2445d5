use super::*;
use crate::model::id::RunId;
use crate::model::record::MailTrigger;
use crate::model::ring::{Fate, Segment};

fn at(seconds: u64) -> Mono {
    Mono(0) + Duration::from_secs(seconds)
}

fn window(from: u64, to: u64) -> Window<Mono> {
    Window { from: at(from), to: at(to) }
}

fn added(hole: u64) -> Added {
    Added {
        bytes: 10,
        clip_bytes: 10,
        clip_length: Duration::from_secs(1),
        frames: 25,
        took: Duration::ZERO,
        hole: (hole > 0).then(|| Duration::from_secs(hole)),
        blake3: "00".into(),
    }
}

fn claim(number: u64, run: u64, (from, to): (u64, u64), before: Option<&str>) -> Claim {
    let (run, before) = (RunId(run), before.map(Into::into));
    let (opened, closed, fate) = (at(from), Some(at(to)), Fate::Claimed);
    Claim::new(
        &Segment { number, run, opened, closed, bytes: 10, fate, before, media: None, sure: None },
        ClipId(1),
        Duration::ZERO,
    )
}

fn clip(from: u64, to: u64) -> Clip {
    Clip::new(ClipId(1), "front".parse().expect("a name"), window(from, to), at(0))
}

fn gaps(clip: &Clip) -> Vec<(u64, u64, String)> {
    let seconds = |at: Mono| at.0 / 1_000_000;
    clip.missing(&Queue::default())
        .into_iter()
        .map(|(w, why)| (seconds(w.from), seconds(w.to), why.to_string()))
        .collect()
}

#[test]
fn every_gap_has_its_place_and_its_cause() {
    let mut clip = clip(10, 60);
    assert!(clip.stored(&claim(3, 1, (15, 20), Some("no signal")), &added(0)));
    assert!(!clip.stored(&claim(4, 1, (20, 25), None), &added(0)));
    clip.lost(&claim(5, 1, (25, 30), None), "overwritten");
    assert!(clip.stored(&claim(6, 1, (30, 35), None), &added(0)), "the written record does not name what was lost");
    assert!(clip.stored(&claim(7, 1, (37, 40), None), &added(2)));
    assert!(clip.stored(&claim(8, 2, (45, 50), Some("connection refused")), &added(3)));
    clip.ended = Some("stopped".into());
    let expected = [
        (10, 15, "no signal"),
        (25, 30, "overwritten"),
        (35, 37, "the camera's stream skipped this time"),
        (40, 45, "connection refused"),
        (50, 60, "stopped"),
    ];
    assert_eq!(gaps(&clip), expected.map(|(from, to, why)| (from, to, why.to_owned())));
    assert_eq!(clip.shortfall(&Queue::default()), Some((Duration::from_secs(27), "stopped".into())));
}

#[test]
fn what_was_given_up_is_one_gap_and_no_hole_of_the_stream() {
    let mut clip = clip(0, 20);
    clip.stored(&claim(0, 1, (0, 5), None), &added(0));
    clip.lost(&claim(1, 1, (5, 10), None), "no room");
    clip.lost(&claim(2, 1, (10, 15), None), "no room");
    assert!(clip.stored(&claim(3, 1, (15, 20), None), &added(10)));
    assert_eq!(gaps(&clip), [(5, 15, "no room".to_owned())]);
}

#[test]
fn the_distance_to_a_trigger_is_known_of_more_than_are_listed() {
    let mut clip = clip(0, 1000);
    (0..300).for_each(|second| clip.trigger(at(100 + 2 * second), TriggerKind::Key));
    for (from, to, distance) in [(0, 90, 10), (95, 105, 0), (701, 702, 3), (703, 713, 5), (2, 3, 97)] {
        assert_eq!(clip.distance(window(from, to)), Duration::from_secs(distance), "{from} to {to}");
    }
}

#[test]
fn a_clip_that_has_all_it_was_asked_for_has_no_gaps() {
    let mut clip = clip(10, 20);
    for n in 0..3 {
        clip.stored(&claim(n, 1, (9 + 5 * n, 14 + 5 * n), None), &added(0));
    }
    clip.ended = Some("stopped".into());
    assert_eq!((gaps(&clip), clip.shortfall(&Queue::default())), (vec![], None));
}

#[test]
fn only_what_was_asked_can_be_missing() {
    let mut clip = clip(10, 20);
    clip.lost(&claim(0, 1, (5, 12), None), "gone");
    clip.stored(&claim(1, 1, (12, 18), None), &added(0));
    clip.lost(&claim(2, 1, (18, 30), None), "gone too");
    clip.ended = Some("stopped".into());
    assert_eq!(gaps(&clip), [(10, 12, "gone".to_owned()), (18, 20, "gone too".to_owned())]);
}

#[test]
fn a_list_shows_the_subject_of_a_mail_only_if_that_began_the_clip() {
    let mail = || {
        let (peer, from, to, subject) = ("10.0.0.9".into(), "cam".into(), "front".into(), "Motion".into());
        TriggerKind::Mail(MailTrigger { peer, from, to, subject, ..MailTrigger::default() })
    };
    for (triggers, shown) in [([TriggerKind::Key, mail()], ("key", "")), ([mail(), mail()], ("mail", "Motion"))] {
        let mut clip = clip(10, 60);
        triggers.into_iter().for_each(|kind| clip.trigger(at(20), kind));
        assert_eq!(clip.view(&Queue::default()).map(|it| it.name), None, "it has no name yet");
        clip.file = Some(ClipFile { name: "front_1".into(), start: Wall::UNIX_EPOCH, path: "/clips".into() });
        let view = clip.view(&Queue::default()).expect("it has a file");
        assert_eq!((view.trigger.as_str(), view.subject.as_str()), shown);
    }
}

#[test]
fn a_clip_that_goes_on_keeps_the_reason_and_the_name() {
    let mut first = clip(10, 60);
    first.trigger(at(20), TriggerKind::Key);
    let (name, path) = ("front_1".into(), "/clips/front_1.mp4.part".into());
    first.file = Some(ClipFile { name, start: Wall::UNIX_EPOCH, path });
    let next = first.go_on(ClipId(2), at(30), "why".into());
    assert_eq!((first.asked, next.asked), (window(10, 30), window(30, 60)));
    assert_eq!((next.continues.as_deref(), next.triggers.len()), (Some("front_1"), 1));
    assert!(first.ended.is_some() && next.ended.is_none());
}
