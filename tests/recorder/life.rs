//! What a recorder outlives, how it ends, and what it leaves behind.

use super::feed::Feed;
use super::footage::pieces;
use super::material::{Kind, Material, complaints};
use super::nvr_process::{Nvr, PATIENCE, Place};
use super::terminal::Session;
use nvr::link::dial::Client;
use nvr::model::command::Command;
use nvr::model::question::{Found, Question};
use nvr::model::record::ClipState;
use nvr::model::snapshot::{CameraState, Snapshot};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::time::{Duration, Instant};
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};

pub fn camera(name: &str) -> (Feed, String) {
    let feed = Feed::start(Material::get(Kind::BFrames, 150));
    let block = feed.camera(name);
    (feed, block)
}

/// Waits until a segment is finished that began after now.
pub async fn goes_on(nvr: &mut Nvr) {
    for _ in 0..2 {
        let last = nvr.picture().cameras[0].last_segment;
        nvr.until("a further segment", |it| (it.cameras[0].last_segment > last).then_some(())).await;
    }
}

/// Waits until so much footage of the event is in the archive.
pub async fn grows(nvr: &mut Nvr, at_least: Duration) {
    nvr.until("a growing clip", |it| it.clips.first().filter(|clip| clip.open && clip.length >= at_least).map(|_| ()))
        .await;
}

#[tokio::test]
async fn the_terminal_that_started_a_recorder_may_go_and_another_finds_it_again() {
    let (_feed, block) = camera("front-door");
    let place = Place::new(block);
    place.write_config();
    let mut first = Session::start(&place.words(&[]), &[]);
    first.shows_all(&["front-door"]).await;
    let attach = async || {
        let stream = UnixStream::connect(place.socket()).await.expect("a recorder");
        Client::attach(stream, true).await.expect("hello")
    };
    let client = attach().await;
    let recorder = client.recorder().pid;
    // The terminal goes, as when an SSH session breaks: its processes get SIGHUP.
    drop(first.pty);
    timeout(PATIENCE, first.child.wait()).await.expect("the monitor leaves").expect("a status");

    let mut client = attach().await;
    let mut finished = Vec::new();
    while finished.len() < 3 {
        let last = client.snapshots().borrow_and_update().as_ref().and_then(|it| it.cameras[0].last_segment);
        finished.extend(last.filter(|last| finished.last() != Some(last)));
        timeout(PATIENCE, client.snapshots().changed()).await.expect("news").expect("a recorder");
    }
    assert_eq!(client.snapshots().borrow().as_ref().map(|it| it.pid), Some(recorder));
    let mut second = Session::start(&place.words(&[]), &[]);
    second.shows_all(&["front-door"]).await;
    assert_eq!(attach().await.recorder().pid, recorder, "no second one is started");
    // To be told off by a hang-up of its own does nothing either.
    let pid = Pid::from_raw(recorder.cast_signed()).expect("a process");
    kill_process(pid, Signal::HUP).expect("a recorder");
    let status = place.nvr(&["status"]).await;
    assert_eq!((status.code, status.err.as_str()), (Some(0), ""), "{status:?}");
    assert!(status.out.starts_with("all is well\n"), "{}", status.out);

    let gone = client.gone();
    client.ask(Command::Stop).await.expect("an answer");
    assert!(timeout(PATIENCE, gone).await.expect("goodbye").bye);
    let since = Instant::now();
    while test_kill_process(pid).is_ok() && since.elapsed() < PATIENCE {
        sleep(Duration::from_millis(20)).await; // not our child: nobody tells
    }
    place.assert_tidy();
}

#[tokio::test]
async fn who_looks_after_a_time_in_which_nobody_did_sees_what_is_now() {
    let (_feed, block) = camera("front-door");
    let place = Place::new(block);
    let mut nvr = place.start().await;
    nvr.recording(1).await;
    let attach = async |pictures| {
        let stream = UnixStream::connect(place.socket()).await.expect("a recorder");
        Client::attach(stream, pictures).await.expect("hello")
    };
    nvr.client = attach(false).await;
    nvr.trigger("front-door").await;
    nvr.client = attach(true).await;
    let first = timeout(PATIENCE, nvr.client.snapshots().wait_for(Option::is_some)).await.expect("a picture");
    let first = first.expect("a recorder").clone().expect("a picture");
    assert!(first.cameras[0].event.is_some(), "it is of an earlier time");
    nvr.stop().await;
}

#[tokio::test]
async fn a_hang_up_leaves_it_recording_and_a_second_recorder_is_refused() {
    let (_feed, block) = camera("front-door");
    let place = Place::new(block.clone());
    let mut nvr = place.start().await;
    nvr.recording(1).await;
    nvr.signal(Signal::HUP);
    nvr.says("SIGHUP").await;
    goes_on(&mut nvr).await;

    let sentence = place.refused().await;
    assert!(sentence.contains(place.socket().to_str().expect("text")) && sentence.ends_with(')'), "{sentence}");
    let mut other = Place::new(block.clone());
    other.archive = place.archive.clone();
    let sentence = other.refused().await;
    let archive = place.archive.display();
    let expected = format!(
        "archive.dir {archive} is in use by another recorder (stop that one, which may hang on this disk; or give this one a directory of its own)"
    );
    assert_eq!(sentence, expected);
    let mut other = Place::new(block);
    other.ring_dir = Some(place.ring());
    let sentence = other.refused().await;
    let ring = place.ring();
    let expected = format!("ring.dir {} belongs to another recorder (stop that one, or set ring.dir)", ring.display());
    assert_eq!(sentence, expected);

    goes_on(&mut nvr).await;
    assert_eq!(nvr.picture().cameras[0].restarts, 0);
    assert!(nvr.stop().await.bye);
    place.assert_tidy();
}

#[tokio::test]
async fn asked_to_stop_in_the_middle_of_an_event_it_closes_the_clip_first() {
    let (feed, block) = camera("front-door");
    let place = Place::new(block);
    let mut nvr = place.start().await;
    nvr.recording(5).await;
    let triggered = Instant::now();
    nvr.trigger("front-door").await;
    grows(&mut nvr, Duration::from_secs(4)).await;
    let stopped = Instant::now();
    nvr.stop().await;
    place.assert_tidy();

    let [clip] = &place.clips()[..] else { panic!("one clip") };
    assert_eq!((clip.record.state, complaints(&clip.path)), (ClipState::Closed, String::new()));
    let [piece] = &pieces(clip, &feed)[..] else { panic!("one piece") };
    // What FFmpeg had not yet read at its `q` is not footage; that is far less than half a second.
    piece.covers(triggered - Duration::from_secs(3)..=stopped - Duration::from_millis(500));
}

#[tokio::test]
async fn killed_in_the_middle_of_an_event_it_goes_on_with_the_same_clip_and_countdown() {
    let (feed, block) = camera("front-door");
    let mut place = Place::new(block);
    place.trigger = "pre_roll = '3s'\npost_roll = '20s'\n".to_owned();
    let mut nvr = place.start().await;
    nvr.recording(5).await;
    let triggered = Instant::now();
    nvr.trigger("front-door").await;
    grows(&mut nvr, Duration::from_secs(5)).await;
    let until = nvr.picture().cameras[0].event.as_ref().map(|event| event.until);
    let killed = Instant::now();
    nvr.signal(Signal::KILL);
    nvr.ended().await;
    drop(nvr);

    let mut nvr = place.start().await;
    nvr.says("went on with the countdown of front-door").await;
    let picture = nvr.picture();
    assert_eq!(picture.cameras[0].event.as_ref().map(|event| event.until), until, "the countdown ends when it did");
    let growing: Vec<_> = picture.clips.iter().map(|clip| clip.open).collect();
    assert_eq!(growing, [true]);
    goes_on(&mut nvr).await;
    let again = Instant::now();
    nvr.quiet(1).await;
    nvr.stop().await;
    place.assert_tidy();

    let [clip] = &place.clips()[..] else { panic!("one clip") };
    assert_eq!((clip.record.state, complaints(&clip.path)), (ClipState::Closed, String::new()));
    let ([gap], [interruption]) = (&clip.record.gaps[..], &clip.record.interruptions[..]) else {
        panic!("one of each")
    };
    assert!(gap.cause.contains("the recorder was interrupted"), "{}", gap.cause);
    assert!(interruption.from < interruption.to, "{interruption:?}");
    let [before, after] = &pieces(clip, &feed)[..] else { panic!("two pieces") };
    // FFmpeg finishes its file when its recorder is killed: what it had read by then is there.
    before.covers(triggered - Duration::from_secs(3)..=killed - Duration::from_millis(500));
    after.covers(again..=triggered + Duration::from_secs(20));
    assert!(before.ends_before(after), "nothing is stored twice");
}

/// FFmpeg was started a second time and footage comes in.
fn recorded_again(it: &Snapshot) -> bool {
    it.cameras[0].restarts == 1 && matches!(it.cameras[0].state, CameraState::Recording { .. })
}

/// An FFmpeg that leaves a trace if two of it run at a time: the lock goes with the process, however it ends.
pub fn exclusive_ffmpeg(place: &Place) -> String {
    let (lock, trace) = (place.dir.path().join("lock"), place.dir.path().join("overlap"));
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *-progress*) ;; *) exec ffmpeg \"$@\" ;; esac\n\
         exec 9>{lock:?}\nflock -n 9 || echo overlap >> {trace:?}\nexec ffmpeg \"$@\"\n"
    );
    place.script("exclusive", &script)
}

#[tokio::test]
async fn ffmpeg_killed_in_the_middle_of_an_event_leaves_a_gap_with_its_cause() {
    let (feed, block) = camera("front-door");
    let mut place = Place::new(block);
    place.recorder = exclusive_ffmpeg(&place);
    let mut nvr = place.start().await;
    nvr.recording(5).await;
    nvr.trigger("front-door").await;
    grows(&mut nvr, Duration::from_secs(3)).await;
    for pid in place.ffmpegs() {
        kill_process(pid, Signal::KILL).expect("FFmpeg runs");
    }
    nvr.until("another start", |it| recorded_again(it).then_some(())).await;
    nvr.quiet(1).await;
    nvr.stop().await;
    place.assert_tidy();
    assert!(!place.dir.path().join("overlap").exists(), "two FFmpegs ran at a time");

    let [clip] = &place.clips()[..] else { panic!("one clip") };
    let [gap] = &clip.record.gaps[..] else { panic!("one gap: {:?}", clip.record.gaps) };
    assert!(gap.cause.contains("signal: 9"), "{}", gap.cause);
    assert_eq!(complaints(&clip.path), "");
    let [before, after] = &pieces(clip, &feed)[..] else { panic!("two pieces") };
    assert!(before.ends_before(after), "nothing is stored twice");
}

#[tokio::test]
async fn ffmpeg_that_freezes_is_taken_down_the_ladder_and_never_doubled() {
    let (_feed, block) = camera("front-door");
    let mut place = Place::new(block);
    place.recorder = exclusive_ffmpeg(&place);
    let mut nvr = place.start().await;
    nvr.recording(2).await;
    for pid in place.ffmpegs() {
        kill_process(pid, Signal::STOP).expect("FFmpeg runs");
    }
    let reason = |state: &CameraState| match state {
        CameraState::Stalled { reason, .. } => Some(reason.clone()),
        CameraState::Waiting { .. } | CameraState::Connecting { .. } | CameraState::Recording { .. } => None,
        CameraState::NoSignal { .. } | CameraState::Stopped => None,
    };
    let reason = nvr.until("a stall", |it| reason(&it.cameras[0].state)).await;
    assert!(reason.contains("froze"), "{reason}");
    nvr.until("another start", |it| recorded_again(it).then_some(())).await;
    goes_on(&mut nvr).await;
    assert_eq!((place.ffmpegs().len(), nvr.picture().cameras[0].restarts), (1, 1));
    nvr.stop().await;
    place.assert_tidy();
    assert!(!place.dir.path().join("overlap").exists(), "two FFmpegs ran at a time");
}

#[tokio::test]
async fn ffmpeg_that_is_deaf_cannot_keep_the_recorder_from_ending() {
    let (_feed, block) = camera("front-door");
    let mut place = Place::new(block);
    let script = "#!/bin/sh\ncase \"$*\" in *-progress*) ;; *) exec ffmpeg \"$@\" ;; esac\n\
                  trap '' TERM HUP INT\necho deaf >&2\nwhile :; do sleep 1; done\n";
    place.recorder = place.script("deaf", script);
    let nvr = place.start().await;
    let stderr = Question::Stderr("front-door".parse().expect("a name"));
    let heard = |found: Found| matches!(found, Found::Stderr(lines) if lines.iter().any(|line| line.text == "deaf"));
    let asked = async {
        while !heard(nvr.ask(stderr.clone()).await) {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, asked).await.expect("its words");
    nvr.stop().await;
    place.assert_tidy();
}

#[tokio::test]
async fn a_script_around_ffmpeg_takes_it_along_when_it_is_killed() {
    let (_feed, block) = camera("front-door");
    let mut place = Place::new(block);
    place.recorder = place.script("around", "#!/bin/sh\nffmpeg \"$@\"\nexit $?\n");
    let mut nvr = place.start().await;
    nvr.recording(2).await;
    // The script has the same words as its FFmpeg, and the smaller number.
    let script = place.ffmpegs().into_iter().min_by_key(|pid| pid.as_raw_nonzero()).expect("a script");
    kill_process(script, Signal::KILL).expect("it runs");
    nvr.until("another start", |it| recorded_again(it).then_some(())).await;
    assert_eq!(place.ffmpegs().len(), 2, "one script and its FFmpeg");
    nvr.stop().await;
    place.assert_tidy();
}
