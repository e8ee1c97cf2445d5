//! Single stories, each with its one point.

use crate::script::{Act, End, Life, Mood, Script, at, ms, settings};
use crate::shelf::Stored;
use crate::sim::World;
use nvr::model::effect::Effect;
use nvr::model::event::{CameraNews, Event, Mail, SlotFile, Trouble};
use nvr::model::id::{CameraName, RunId};
use nvr::model::recorder::{Input, Recorder, Remembered};
use nvr::model::snapshot::{CameraState, Level, SlotState, Topic};
use nvr::model::time::{Anchor, Mono};
use std::sync::Arc;
use std::time::Duration;

fn lived(script: Script, millis: u64) -> World {
    let mut world = World::new(script);
    world.run(at(millis));
    world
}

fn clips(world: &World) -> Vec<&Stored> {
    let mut clips: Vec<_> = world.clips.values().collect();
    clips.sort_by_key(|clip| clip.footage[0]);
    clips
}

fn numbers(clip: &Stored) -> Vec<u64> {
    clip.footage.iter().map(|(_, number)| *number).collect()
}

/// From when to when a clip's window goes, in milliseconds.
fn asked(world: &World, clip: &Stored) -> (u64, u64) {
    let millis = |wall| world.anchor().mono(wall).0 / 1000;
    (millis(clip.record.asked.from), millis(clip.record.asked.to))
}

fn gaps(world: &World, clip: &Stored) -> Vec<(u64, u64, String)> {
    let millis = |wall| world.anchor().mono(wall).0 / 1000;
    let gaps = clip.record.gaps.iter();
    gaps.map(|gap| (millis(gap.window.from), millis(gap.window.to), gap.cause.clone())).collect()
}

fn said<'a>(world: &'a World, part: &'a str) -> Vec<&'a str> {
    let texts = world.journal.iter().map(|entry| entry.text.as_str());
    texts.filter(|text| text.contains(part)).collect()
}

fn life(from: u64, to: u64, end: End) -> Life {
    Life { from: at(from), to: at(to), end }
}

#[test]
fn a_camera_that_never_stops_mailing_fills_clips_without_a_gap_between_them() {
    let acts = (20..120).map(|second| (at(second * 1_000), Act::Mail(0))).collect();
    let mut world = lived(Script { max_clip: ms(30_000), acts, ..Script::default() }, 150_000);
    world.stop();
    let clips = clips(&world);
    let all: Vec<u64> = clips.iter().flat_map(|clip| numbers(clip)).collect();
    assert!(all.windows(2).all(|pair| pair[1] == pair[0] + 1), "{all:?}");
    assert!(clips.len() >= 4 && clips.iter().all(|clip| clip.footage.len() <= 30 && clip.record.gaps.is_empty()));
    for pair in clips.windows(2) {
        assert_eq!(pair[1].record.continues, Some(format!("front_{}", pair[0].id.0)));
        assert_eq!(asked(&world, pair[0]).1, asked(&world, pair[1]).0);
    }
    assert_eq!((asked(&world, clips[0]).0, asked(&world, clips[clips.len() - 1]).1), (17_000, 124_000));
}

#[test]
fn a_clip_knows_what_it_goes_on_from_even_if_the_archive_was_down_when_it_began() {
    let acts = vec![(at(20_000), Act::Key), (at(24_000), Act::Key)];
    let outages = vec![(at(0), at(50_000))];
    let mut world = lived(Script { max_clip: ms(4_000), acts, outages, ..Script::default() }, 90_000);
    world.stop();
    let names: Vec<_> = clips(&world).iter().map(|clip| clip.record.continues.clone()).collect();
    assert_eq!(names[0], None);
    assert!(names.len() >= 3 && names[1..].iter().all(Option::is_some), "{names:?}");
}

#[test]
fn a_further_trigger_moves_the_end_later_and_never_earlier() {
    // The second has a later instant, the third came late and has an earlier one.
    let acts = vec![(at(20_000), Act::Key), (at(23_000), Act::Key), (at(24_000), Act::Mail(5_000))];
    let world = lived(Script { acts, ..Script::default() }, 25_000);
    let event = world.recorder.snapshot(world.now).cameras[0].event.clone().expect("it goes on");
    assert_eq!((event.until, event.triggers), (at(28_000), 3));
}

#[test]
fn a_trigger_after_the_countdown_goes_on_with_the_same_clip_while_its_pre_roll_may_reach_it() {
    let acts = vec![(at(20_000), Act::Key), (at(33_000), Act::Key)];
    let mut world = lived(Script { acts, ..Script::default() }, 70_000);
    world.stop();
    assert_eq!(clips(&world).len(), 1);
    assert_eq!(asked(&world, clips(&world)[0]), (17_000, 38_000));
}

#[test]
fn what_a_late_mail_wants_in_front_of_a_growing_clip_becomes_a_clip_of_its_own() {
    let acts = vec![(at(30_000), Act::Key), (at(32_000), Act::Mail(9_000))];
    let mut world = lived(Script { acts, ..Script::default() }, 70_000);
    world.stop();
    let clips = clips(&world);
    assert_eq!(clips.len(), 2);
    assert_eq!((asked(&world, clips[0]), asked(&world, clips[1])), ((20_000, 26_050), (26_050, 35_000)));
    assert_eq!(numbers(clips[0]).last().map(|last| last + 1), numbers(clips[1]).first().copied());
    assert!(clips.iter().all(|clip| clip.record.gaps.is_empty()), "{clips:#?}");
    assert_eq!(clips[1].record.continues, Some(format!("front_{}", clips[0].id.0)));
}

#[test]
fn a_mail_that_is_older_than_the_last_one_is_no_cooldown() {
    let acts = vec![(at(30_000), Act::Mail(0)), (at(32_000), Act::Mail(9_000)), (at(32_500), Act::Mail(0))];
    let world = lived(Script { acts: acts.clone(), ..Script::default() }, 40_000);
    assert_eq!(said(&world, "saving").len(), 3);
    let world = lived(Script { acts, cooldown: ms(10_000), ..Script::default() }, 40_000);
    assert_eq!((said(&world, "saving").len(), said(&world, "ignored: within 10 s").len()), (2, 1));
}

#[test]
fn a_disarmed_camera_obeys_its_people_only_and_each_mail_is_one_entry() {
    let acts = vec![
        (at(20_000), Act::Arm(false)),
        (at(21_000), Act::Mail(0)),
        (at(22_000), Act::Key),
        (at(23_000), Act::Release),
        (at(23_500), Act::Release),
    ];
    let mut world = lived(Script { acts, ..Script::default() }, 60_000);
    world.stop();
    assert_eq!(said(&world, "mail"), ["mail from 192.168.1.20 \"Motion\": ignored: disarmed (recipient front@nvr)"]);
    assert_eq!(asked(&world, clips(&world)[0]), (19_000, 23_000));
    assert!(world.answers[2].contains("countdown ended") && world.answers[3].contains("there was no countdown"));
}

#[test]
fn a_camera_without_a_signal_promises_nothing_and_says_what_was_lost() {
    let lives = vec![life(0, 20_000, End::Crash), life(33_000, 200_000, End::Crash)];
    let acts = vec![(at(30_000), Act::Key), (at(60_000), Act::Stop)];
    let mut world = lived(Script { lives, acts, ..Script::default() }, 70_000);
    world.stop();
    assert_eq!(said(&world, "key: "), ["key: saving, but nothing comes in now (still connecting)"]);
    let clips = clips(&world);
    // It came back within the window.
    assert_eq!(gaps(&world, clips[0]), [(27_000, 33_000, "no signal: connection reset".to_owned())]);

    let lives = vec![life(0, 20_000, End::Crash)];
    let mut world = lived(Script { lives, acts: vec![(at(50_000), Act::Key)], ..Script::default() }, 90_000);
    assert_eq!(said(&world, "key: "), ["key: saving, but nothing comes in now (no signal: connection refused)"]);
    let nothing = "nothing could be saved of 8.0 s that were wanted: no signal: connection refused";
    assert_eq!(said(&world, "nothing could"), [nothing]);
    let picture = world.recorder.snapshot(world.now);
    assert_eq!((picture.lost.events, picture.lost.segments, picture.cameras[0].missed), (1, 0, 1));
    world.stop();
    assert!(world.clips.is_empty());
}

#[test]
fn what_a_stalled_ffmpeg_leaves_behind_is_no_sign_that_it_records() {
    let lives = vec![life(0, 40_000, End::Freeze), life(120_000, 300_000, End::Crash)];
    let mut world = lived(Script { lives, ..Script::default() }, 110_000);
    assert_eq!(said(&world, "stalled: the stream froze").len(), 1, "{:#?}", world.journal);
    assert_eq!(said(&world, "recording"), ["recording"], "at the start only");
    world.run(at(150_000));
    assert_eq!(said(&world, "recording").len(), 2, "and once it is back: {:#?}", world.journal);
    world.stop();
}

#[test]
fn segments_that_outlast_the_linger_neither_spin_the_engine_nor_get_lost() {
    // The ring bridges 2 s, a segment takes 20: when it ends, its event has been over for some time.
    let script = Script { slots: 4, pre: ms(1_000), lengths: vec![ms(20_000)], ..Script::default() };
    let mut world = lived(Script { acts: vec![(at(30_000), Act::Key)], ..script }, 130_000);
    assert_eq!(said(&world, "stalled"), Vec::<&str>::new());
    assert_eq!(numbers(clips(&world)[0]), [1]);
    assert!(clips(&world)[0].record.gaps.is_empty());
    world.stop();
}

#[test]
fn stopping_saves_what_is_being_written_though_the_archive_fails_for_a_while() {
    let outages = vec![(at(10_000), at(55_000))];
    let mut world = lived(Script { outages, acts: vec![(at(30_000), Act::Key)], ..Script::default() }, 32_300);
    world.stop();
    let clip = clips(&world)[0];
    assert_eq!(asked(&world, clip), (27_000, 35_000), "what was wanted does not shrink");
    let causes: Vec<_> = clip.record.gaps.iter().map(|gap| gap.cause.as_str()).collect();
    assert_eq!(causes, ["the recorder was stopped"]);
    assert!(clip.closed);
    assert_eq!(said(&world, "the disk is full; footage waits").len(), 1);
}

#[test]
fn a_trigger_while_stopping_still_gets_what_the_ring_holds() {
    let lives = vec![life(0, 40_000, End::Freeze)];
    let acts = vec![(at(50_000), Act::Stop), (at(50_500), Act::Mail(9_500))];
    let mut world = lived(Script { lives, acts, ..Script::default() }, 51_000);
    world.stop();
    let clip = clips(&world)[0];
    assert_eq!(numbers(clip).len(), 3);
    assert_eq!(
        said(&world, "mail"),
        [
            "mail from 192.168.1.20 \"Motion\": saving, but nothing comes in now (the recorder is stopping) (recipient front@nvr)"
        ]
    );
}

#[test]
fn a_trigger_that_comes_once_the_recorder_is_stopping_is_refused() {
    let lives = vec![life(0, 40_000, End::Freeze)];
    let acts = vec![(at(50_000), Act::Stop), (at(50_500), Act::Key), (at(51_000), Act::Mail(200))];
    let mut world = lived(Script { lives, acts, ..Script::default() }, 52_000);
    world.stop();
    assert!(world.answers[0].contains("Refused(\"nothing is saved: the recorder is stopping"), "{:?}", world.answers);
    assert_eq!(
        said(&world, "mail"),
        ["mail from 192.168.1.20 \"Motion\": ignored: the recorder is stopping (recipient front@nvr)"]
    );
    assert!(world.clips.is_empty() && said(&world, "saving").is_empty());
}

#[test]
fn a_ring_without_room_is_no_recording_and_is_said_until_it_is_over() {
    let full = Some((at(30_000), at(90_000)));
    let mut world = lived(Script { full, ..Script::default() }, 60_000);
    let picture = world.recorder.snapshot(world.now);
    let trouble = picture.ring.trouble.expect("it is full");
    assert!(trouble.contains("/ring has almost no room left") && trouble.contains("ring.slots smaller"), "{trouble}");
    assert_eq!(said(&world, "stalled: the ring has no room left").len(), 1, "{:#?}", world.journal);
    assert!(world.starts.len() >= 3, "it is tried again: {:?}", world.starts);
    let known: Vec<_> = world.journal.iter().filter(|entry| entry.level == Level::Error).collect();
    let (goes, loses) = (known[0].text.contains("is let go of"), known[1].text.contains("soon will be, lost"));
    assert!(goes && loses && known.len() == 2, "what is done, once, and that it does not help, once: {known:#?}");
    world.run(at(150_000));
    let picture = world.recorder.snapshot(world.now);
    assert_eq!((picture.ring.trouble, said(&world, "the ring has room again").len()), (None, 1));
    assert!(matches!(picture.cameras[0].state, CameraState::Recording { .. }));
    world.stop();
}

/// A key 2 s after the recorder has been away.
fn away(from: u64, to: u64, late: u64, lives: Vec<Life>) -> World {
    let acts = vec![(at(to + 2_500), Act::Key)];
    let away = Some((at(from), at(to), ms(late)));
    let mut world = lived(Script { away, acts, lives, pre: ms(10_000), ..Script::default() }, to + 60_000);
    assert_eq!(said(&world, "was the machine asleep or overloaded?").len(), 1, "{:#?}", world.journal);
    assert_eq!(said(&world, "the stream froze"), Vec::<&str>::new(), "it did not");
    world.stop();
    world
}

#[test]
fn a_recorder_that_was_away_shortly_finds_all_footage_whatever_it_hears_first() {
    for late in [0, 300] {
        let world = away(30_300, 42_300, late, Script::default().lives);
        let clip = clips(&world)[0];
        assert!(numbers(clip).windows(2).all(|pair| pair[1] == pair[0] + 1));
        assert!(clip.record.gaps.is_empty(), "{:#?}", clip.record);
        let (first, last) = (clip.footage[0].0, clip.footage[clip.footage.len() - 1].0);
        assert!(world.footage[&first].from <= at(34_800) && world.footage[&last].to >= at(49_800));
        assert_eq!(world.starts.len(), 1);
    }
}

#[test]
fn a_recorder_that_was_away_for_more_than_a_turn_of_the_ring_names_what_it_does_not_know() {
    for late in [0, 300] {
        for to in [70_300, 71_300, 82_100, 140_000] {
            let world = away(30_300, to, late, Script::default().lives);
            let clip = clips(&world)[0];
            let gaps = gaps(&world, clip);
            assert_eq!(gaps.len(), 1, "{:#?}", clip.record);
            assert_eq!(gaps[0].0, to + 2_500 - 10_000);
            assert!(gaps[0].1 >= to && gaps[0].1 < to + 2_500, "{gaps:?}");
            assert!(gaps[0].2.starts_with("the recorder did not run for"), "{gaps:?}");
            let last = clip.footage[clip.footage.len() - 1].0;
            assert!(world.footage[&last].to >= at(to + 7_500));
            assert_eq!(world.starts.len(), 1, "a healthy FFmpeg goes on");
        }
    }
}

#[test]
fn what_a_camera_did_not_send_while_the_recorder_was_away_is_a_gap() {
    let lives = vec![life(0, 35_000, End::Crash), life(42_400, 300_000, End::Crash)];
    let world = away(30_300, 42_300, 0, lives);
    let gaps = gaps(&world, clips(&world)[0]);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(gaps[0].0 <= 35_000 && gaps[0].1 >= 42_400 && gaps[0].2.contains("connection reset"), "{gaps:?}");
}

#[test]
fn an_archive_that_is_down_is_tried_later_and_later_and_for_ever() {
    let outages = vec![(at(10_000), at(400_000))];
    let mut world = lived(Script { outages, acts: vec![(at(20_000), Act::Key)], ..Script::default() }, 350_000);
    let waits: Vec<_> = world.appends_at.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    assert!(waits.len() > 10 && waits[0] < ms(600) && waits.iter().all(|wait| *wait < ms(31_000)), "{waits:?}");
    assert!(waits[waits.len() - 1] > ms(20_000), "{waits:?}");
    let picture = world.recorder.snapshot(world.now);
    assert_eq!(picture.archive.trouble.as_deref(), Some("the disk is full"));
    assert!(picture.archive.since.is_some() && picture.archive.backlog > 0 && picture.cameras[0].backlog > 5);
    world.run(at(500_000));
    assert_eq!(said(&world, "the disk is full").len(), 1, "said once");
    assert_eq!(said(&world, "the archive is back after").len(), 1, "{:#?}", world.journal);
    assert_eq!(world.recorder.snapshot(world.now).archive.trouble, None);
    assert!(clips(&world)[0].record.gaps.is_empty());
}

#[test]
fn a_clip_that_cannot_be_closed_is_closed_later() {
    let outages = vec![(at(30_000), at(60_000))];
    let mut world = lived(Script { outages, acts: vec![(at(15_000), Act::Key)], ..Script::default() }, 50_000);
    assert!(!clips(&world)[0].closed);
    world.run(at(100_000));
    assert!(clips(&world)[0].closed);
    assert_eq!(said(&world, "closing the clip is tried again").len(), 1);
    world.stop();
}

#[test]
fn segments_of_another_kind_get_clips_of_their_own_even_when_all_is_over() {
    use Mood::{Different, Takes};
    // Down until the event has ended, so that every split is of a clip that wants no more.
    let outages = vec![(at(0), at(60_000))];
    let moods = vec![Takes, Takes, Different, Takes, Different, Takes, Takes];
    let acts = vec![(at(20_000), Act::Key)];
    let mut world = lived(Script { moods, outages, acts, ..Script::default() }, 100_000);
    world.stop();
    let clips = clips(&world);
    let all: Vec<u64> = clips.iter().flat_map(|clip| numbers(clip)).collect();
    assert!(clips.len() >= 3 && all.windows(2).all(|pair| pair[1] == pair[0] + 1), "{all:?}");
    assert!(clips.iter().all(|clip| clip.record.gaps.is_empty() && clip.record.triggers.len() == 1), "{clips:#?}");
    assert!(clips[1..].iter().all(|clip| clip.record.continues.is_some()));
}

#[test]
fn a_segment_that_fits_nowhere_is_given_up_and_named_and_the_rest_is_saved() {
    let moods = [vec![Mood::Different; 4], vec![Mood::Takes; 90]].concat();
    let mut world = lived(Script { moods, acts: vec![(at(20_000), Act::Key)], ..Script::default() }, 60_000);
    world.stop();
    let lost = said(&world, "is lost: it fits into no clip");
    assert_eq!(lost.len(), 1, "{:#?}", world.journal);
    let clip = clips(&world)[0];
    assert!(gaps(&world, clip)[0].2.starts_with("it fits into no clip"), "{:#?}", clip.record);
    assert_eq!(world.recorder.snapshot(world.now).lost.segments, 1);
}

#[test]
fn a_record_is_of_one_piece_though_the_wall_clock_is_set_in_the_middle() {
    let wrong: jiff::Timestamp = "1970-01-01T00:00:05Z".parse().expect("an instant");
    let right: jiff::Timestamp = "2026-11-22T12:00:00Z".parse().expect("an instant");
    let set = |at: Mono, wall| (at, Act::Clock(Anchor { mono: at, wall }));
    let acts = vec![set(at(5_000), wrong), (at(20_000), Act::Key), set(at(22_000), right)];
    let mut world = lived(Script { acts, ..Script::default() }, 60_000);
    world.stop();
    let record = &clips(&world)[0].record;
    assert!(record.segments.windows(2).all(|pair| pair[0].window.to == pair[1].window.from), "{record:#?}");
    assert_eq!(record.asked.to.duration_since(record.asked.from).as_secs(), 8);
    assert_eq!(record.triggers[0].at.to_string(), "2026-11-22T11:59:58Z", "it was set because it was wrong");
    assert_eq!(said(&world, "the wall clock was set").len(), 2);
}

#[test]
fn slots_show_what_became_of_their_segments() {
    let acts = vec![(at(20_500), Act::Key)];
    let world = lived(Script { slots: 8, acts, archive_takes: ms(1_500), ..Script::default() }, 21_200);
    let slots = world.recorder.snapshot(world.now).cameras[0].slots.clone();
    let count = |state| slots.iter().filter(|slot| slot.is == state).count();
    assert_eq!((count(SlotState::Writing), count(SlotState::Copying), count(SlotState::Claimed)), (1, 1, 4));
    assert_eq!((slots.len(), count(SlotState::Complete)), (8, 2), "{slots:?}");
}

/// A recorder that is told everything by hand.
fn by_hand(cameras: &[&CameraName]) -> Recorder {
    let settings = settings(&Script::default(), cameras);
    let anchor = Anchor { mono: at(0), wall: "2026-11-22T10:00:00Z".parse().expect("an instant") };
    Recorder::new(Arc::new(settings), &Remembered::default(), anchor)
}

#[test]
fn the_rings_are_looked_through_each_second_or_a_little_earlier_with_whatever_else_comes() {
    let mut recorder = by_hand(&[&"front".parse().expect("a name")]);
    let swept =
        |instant: &u64| recorder.apply(at(*instant), Input::Tick).iter().any(|effect| matches!(effect, Effect::Sweep));
    let ticks = [749, 750, 1_499, 1_500, 2_500];
    assert_eq!(ticks.iter().map(swept).collect::<Vec<_>>(), [false, true, false, true, true]);
    assert_eq!(recorder.due(at(2_500)), Some(at(3_500)), "nothing wakes the recorder for it before that");
}

#[test]
fn empty_files_are_no_sign_of_health() {
    let camera: CameraName = "front".parse().expect("a name");
    let mut recorder = by_hand(&[&camera]);
    let mut now = at(0);
    for run in 1..8 {
        while !recorder.apply(now, Input::Tick).iter().any(|effect| matches!(effect, Effect::StartCamera { .. })) {
            now = recorder.due(now).expect("sweeps go on");
        }
        let slot = (run - 1) as u32;
        let (file, run) = (SlotFile { slot, bytes: 0 }, RunId(run));
        let reason = Some(Trouble { text: "401".into(), cure: None });
        for event in [
            Event::SlotOpened { camera: camera.clone(), slot },
            Event::SlotClosed { camera: camera.clone(), file, media: None },
            Event::Camera { camera: camera.clone(), run, news: CameraNews::Ended { reason } },
        ] {
            recorder.apply(now, Input::Event(event));
        }
    }
    let CameraState::NoSignal { attempt, retry_at, .. } = recorder.snapshot(now).cameras[0].state.clone() else {
        panic!("it is down")
    };
    assert_eq!(attempt, 7);
    assert!(retry_at.since(now) > Duration::from_secs(20), "it is not tried twice a second");
}

#[test]
fn a_mail_for_all_cameras_is_one_entry_of_bounded_length() {
    let names: Vec<CameraName> = (0..300).map(|n| format!("camera-{n}").parse().expect("a name")).collect();
    let mut recorder = by_hand(&names.iter().collect::<Vec<_>>());
    let bare = Mail::bare([10, 0, 0, 9].into(), String::new(), vec!["nobody@nvr".into()]);
    let mail = Mail { subject: "\x1b[2J".into(), cut_off: true, ..bare };
    recorder.apply(at(1_000), Input::Event(Event::Mail(mail)));
    let picture = recorder.snapshot(at(1_000));
    assert!(picture.cameras.iter().all(|camera| camera.event.is_some()));
    let [entry] = picture.journal.as_slice() else { panic!("{:?}", picture.journal) };
    let all =
        "mail from 10.0.0.9 \"[2J\", cut off: all 300 cameras: saving, but nothing comes in now (still connecting) (";
    assert!(entry.text.starts_with(all), "{}", entry.text);
    assert!(entry.text.chars().count() <= 1_000 && entry.level == Level::Info);
}

#[test]
fn the_journal_begins_with_where_the_one_before_is() {
    let names: [CameraName; 2] = ["front", "garden"].map(|name| name.parse().expect("a name"));
    for (count, earlier, words) in [
        (1, None, "started: 1 camera"),
        (2, Some("journalctl -u nvr".to_owned()), "started: 2 cameras (what was before: journalctl -u nvr)"),
    ] {
        let mut recorder = by_hand(&names[..count].iter().collect::<Vec<_>>());
        recorder.apply(at(0), Input::Event(Event::Began { earlier }));
        let [entry] = &recorder.snapshot(at(0)).journal[..] else { panic!("one sentence") };
        assert_eq!(entry.text, format!("recorder {} {words}", env!("CARGO_PKG_VERSION")));
        assert_eq!((entry.level, entry.topic), (Level::Info, Topic::Recorder));
    }
}
