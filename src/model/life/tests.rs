//! A camera that comes, goes, hangs and comes back.

use super::*;

fn at(seconds: u64) -> Mono {
    Mono(0) + Duration::from_secs(seconds)
}

fn trouble(cure: Option<Cure>) -> Option<Trouble> {
    Some(Trouble { text: "connection refused".into(), cure })
}

fn started() -> Life {
    let mut life = Life::new("front", Duration::from_secs(10), at(0));
    assert_eq!(life.start(at(0)), Some(RunId(1)));
    life
}

#[test]
fn waits_longer_after_each_failure_until_a_segment_is_good() {
    let mut life = started();
    let mut now = at(1);
    let mut waits = Vec::new();
    for _ in 0..8 {
        life.ended(trouble(None), now);
        let due = life.starts_at().expect("a next try");
        waits.push(due.since(now));
        now = due;
        assert!(life.start(now).is_some());
    }
    assert!(waits.windows(2).all(|pair| pair[1] >= pair[0].mul_f64(0.75)), "{waits:?}");
    assert!(waits[7] > Duration::from_secs(20));
    life.slot_opened(now);
    assert!(life.segment_finished(life.run(), now));
    life.ended(trouble(None), now);
    assert!(life.starts_at().expect("a next try").since(now) <= backoff::FIRST);
}

#[test]
fn a_frozen_frame_count_is_a_stall_even_if_progress_goes_on() {
    let mut life = started();
    life.slot_opened(at(2));
    for second in 3..10 {
        life.progressed(100, at(second));
    }
    assert_eq!(life.tick(at(22)), None, "frame 100 came at 3 s");
    assert!(matches!(life.tick(at(23)), Some(End { reason, .. }) if reason.contains("froze")));
    assert!(matches!(life.view(), CameraState::Stalled { .. }));
    life.ended(trouble(None), at(25));
    assert!(matches!(life.view(), CameraState::NoSignal { attempt: 1, .. }));
    life.start(at(26));
    assert!(matches!(life.view(), CameraState::NoSignal { attempt: 1, .. }), "it is only being tried");
    life.slot_opened(at(27));
    assert!(matches!(life.view(), CameraState::Recording { .. }));
}

#[test]
fn frames_without_a_finished_segment_are_a_stall_too() {
    let mut life = started();
    life.slot_opened(at(1));
    for second in 1..41 {
        life.progressed(second, at(second));
        assert_eq!(life.tick(at(second)), None);
    }
    assert!(matches!(life.tick(at(41)), Some(End { reason, .. }) if reason.contains("key frames")));
}

#[test]
fn slots_that_are_only_opened_are_no_life_and_two_empty_ones_are_a_stall() {
    let mut life = started();
    for second in 1..41 {
        life.slot_opened(at(second));
        life.progressed(second, at(second));
        assert_eq!(life.tick(at(second)), None);
    }
    assert!(matches!(life.tick(at(41)), Some(End { reason, .. }) if reason.contains("no segment finished")));
    let mut life = started();
    life.slot_opened(at(1));
    assert_eq!(life.segment_empty("no room", at(2)), None);
    assert!(!life.segment_finished(RunId(0), at(3)), "an earlier FFmpeg's");
    assert!(life.segment_finished(RunId(1), at(3)));
    assert_eq!(life.segment_empty("no room", at(4)), None, "not in a row");
    assert_eq!(life.segment_empty("no room", at(5)), Some(End { run: RunId(1), reason: "no room".into() }));
    assert_eq!(life.segment_empty("no room", at(6)), None, "once");
}

#[test]
fn a_silence_that_nobody_listened_to_is_no_stall() {
    let mut life = started();
    life.slot_opened(at(1));
    life.was_away(at(100));
    assert_eq!(life.tick(at(119)), None);
    assert!(matches!(life.tick(at(120)), Some(End { .. })));
}

#[test]
fn sound_that_mp4_cannot_hold_is_made_aac_at_once_and_only_once() {
    let mut life = started();
    life.ended(trouble(Some(Cure::EncodeAudio)), at(1));
    assert_eq!((life.starts_at(), life.encode_audio()), (Some(at(1)), true));
    life.start(at(1));
    life.ended(trouble(Some(Cure::EncodeAudio)), at(2));
    assert!(life.starts_at() > Some(at(2)));
}

#[test]
fn where_only_a_person_can_help_it_is_tried_less_often() {
    let (mut soon, mut late) = (started(), started());
    assert!(!late.in_doubt());
    for _ in 0..8 {
        let now = soon.due().max(late.due()).expect("both run");
        soon.ended(trouble(None), now);
        late.ended(trouble(Some(Cure::Person)), now);
        let waits = [&soon, &late].map(|life| life.starts_at().expect("a try").since(now));
        assert!(waits[1] >= waits[0] * FOR_A_PERSON && late.in_doubt(), "{waits:?}");
        let now = late.starts_at().expect("a try");
        assert!(soon.start(now).is_some() && late.start(now).is_some());
    }
    late.slot_opened(late.due().expect("it runs"));
    assert!(late.segment_finished(late.run(), at(9_999)) && !late.in_doubt());
}

#[test]
fn what_was_asked_to_stop_stays_stopped() {
    let mut life = started();
    assert_eq!(life.stop(at(1)), Some(RunId(1)));
    assert_eq!(life.ended(trouble(None), at(2)), None);
    assert_eq!((life.stopped(), life.starts_at()), (true, None));
    let mut waiting = Life::new("front", Duration::from_secs(10), at(0));
    assert_eq!(waiting.stop(at(0)), None);
    assert!(waiting.stopped());
}

#[test]
fn what_is_renewed_starts_as_soon_as_its_ffmpeg_has_ended_however_that_ended() {
    for end in [None, trouble(None), trouble(Some(Cure::EncodeAudio))] {
        let mut life = started();
        for second in 1..4 {
            life.ended(trouble(None), at(second * 100));
            life.start(at(second * 100 + 50));
        }
        let run = life.run();
        assert_eq!(life.renew(at(500)), Some(run));
        assert_eq!(
            (life.starts_at(), life.alive(), life.start(at(501))),
            (None, true, None),
            "two would write one ring"
        );
        assert_eq!(life.ended(end, at(502)), None, "nothing went wrong");
        assert_eq!((life.starts_at(), life.restarts(), life.encode_audio()), (Some(at(502)), 0, false));
        assert_eq!(life.start(at(502)), Some(RunId(run.0 + 1)));
    }
}

#[test]
fn what_waits_or_was_stopped_is_renewed_at_once_and_what_is_renewed_can_be_stopped() {
    let mut life = started();
    life.ended(trouble(None), at(1));
    assert_eq!((life.renew(at(1)), life.starts_at()), (None, Some(at(1))));
    life.start(at(1));
    life.stop(at(2));
    assert_eq!(life.renew(at(3)), Some(RunId(2)), "it has not ended yet");
    life.stop(at(4));
    life.ended(None, at(5));
    assert!(life.stopped());
    assert_eq!((life.renew(at(6)), life.starts_at()), (None, Some(at(6))));
}
