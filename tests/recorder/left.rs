//! What lives on after its recorder, what waits for the next one, and what is removed under a running one.

use super::footage::pieces;
use super::life::{camera, exclusive_ffmpeg, goes_on, grows};
use super::material::{Kind, complaints, file, packets};
use super::mounts::Mount;
use super::nvr_process::{Nvr, Place};
use nvr::model::record::{ClipState, Gap};
use nvr::stop::ONE_STRIKE;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

fn kill(pid: Pid, signal: Signal) {
    kill_process(pid, signal).expect("it runs");
}

/// Whether it can still do anything: whoever inherits a dead process may be slow to bury it.
fn lives(pid: &Pid) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero()));
    status.is_ok_and(|status| !status.lines().any(|line| line.starts_with("State:\tZ")))
}

async fn killed(mut nvr: Nvr) {
    nvr.signal(Signal::KILL);
    nvr.ended().await;
}

#[tokio::test]
async fn an_ffmpeg_that_was_stopped_when_its_recorder_was_killed_is_gone_before_the_next_begins() {
    let (_feed, block) = camera("front-door");
    let mut place = Place::new(block);
    place.recorder = exclusive_ffmpeg(&place);
    let mut nvr = place.start().await;
    nvr.recording(3).await;
    let old = place.ffmpegs();
    old.iter().for_each(|pid| kill(*pid, Signal::STOP));
    killed(nvr).await;
    assert!(!old.is_empty() && old.iter().all(lives), "it cannot end");

    let mut nvr = place.start().await;
    assert!(!old.iter().any(lives), "it has ended");
    goes_on(&mut nvr).await;
    nvr.stop().await;
    place.assert_tidy();
    assert!(!place.dir.path().join("overlap").exists(), "two FFmpegs ran at a time");
}

/// Waits until a process has ended that is nobody's child here.
async fn gone(pid: Pid) {
    let Ok(fd) = pidfd_open(pid, PidfdFlags::empty()) else { return };
    let most = Timespec { tv_sec: 10, tv_nsec: 0 };
    let waited = spawn_blocking(move || poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&most)));
    assert_eq!(waited.await.expect("waited"), Ok(1), "it ends");
}

/// The slot that was written last.
fn newest_slot(ring: &Path) -> PathBuf {
    let files = std::fs::read_dir(ring).expect("a ring").map(|entry| entry.expect("an entry").path());
    let slots = files.filter(|path| path.extension().is_some_and(|ending| ending == "mp4"));
    slots.max_by_key(|path| path.metadata().and_then(|meta| meta.modified()).expect("a date")).expect("a slot")
}

/// It hears once that its recorder is gone, however many threads that had and whatever becomes of the others: at a second
/// word it would break off what it is writing, and the open segment would be lost.
#[tokio::test]
async fn each_ffmpeg_whose_recorder_is_killed_finishes_its_segment() {
    let source = file(Kind::H264, 150);
    let camera =
        |name| format!("[[camera]]\nname = {name:?}\nsource = 'file:{}'\ninput_args = ['-re']\n", source.display());
    let place = Place::new(camera("front-door") + &camera("back-door"));
    for _ in 0..4 {
        let mut nvr = place.start().await;
        nvr.recording(2).await;
        // What can be lost is the open segment, of which there has to be something.
        sleep(Duration::from_millis(300 + fastrand::u64(..1_000))).await;
        let ffmpegs = place.ffmpegs();
        assert_eq!(ffmpegs.len(), 2);
        killed(nvr).await;
        for pid in ffmpegs {
            gone(pid).await;
        }
        for camera in ["front-door", "back-door"] {
            let slot = newest_slot(&place.ring().join(camera));
            assert!(!packets(&slot).is_empty());
            assert_eq!(complaints(&slot), "");
        }
    }
}

/// A script that is deaf to SIGTERM, with an FFmpeg in a session of its own; both keep a lock of the test's.
fn runaway_ffmpeg(place: &Place) -> String {
    let (lock, trace) = (place.dir.path().join("lock"), place.dir.path().join("overlap"));
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *-progress*) ;; *) exec ffmpeg \"$@\" ;; esac\n\
         exec 9>{lock:?}\nflock -n 9 || echo overlap >> {trace:?}\n\
         trap '' TERM\nsetsid ffmpeg \"$@\" &\nwait\n"
    );
    place.script("runaway", &script)
}

#[tokio::test]
async fn an_ffmpeg_that_ran_away_from_its_script_is_ended_before_its_slots_are_written_again() {
    let (feed, block) = camera("front-door");
    let mut place = Place::new(block);
    place.recorder = runaway_ffmpeg(&place);
    let mut nvr = place.start().await;
    nvr.recording(5).await;
    nvr.trigger("front-door").await;
    grows(&mut nvr, Duration::from_secs(3)).await;
    // The script has the same words as its FFmpeg, and the smaller number. It takes nobody along.
    let mut old = place.ffmpegs();
    old.sort_by_key(|pid| pid.as_raw_nonzero());
    kill(old[0], Signal::KILL);
    nvr.says("an FFmpeg that was left behind was still writing, and was ended").await;
    nvr.until("another start", |it| (it.cameras[0].restarts == 1).then_some(())).await;
    nvr.quiet(1).await;
    goes_on(&mut nvr).await;
    assert!(!old.iter().any(lives), "they have ended");

    let old = place.ffmpegs();
    killed(nvr).await;
    assert!(old.iter().all(lives), "nobody told them");
    let mut nvr = place.start().await;
    nvr.says("an FFmpeg that was left behind was still writing, and was ended").await;
    assert!(!old.iter().any(lives), "they have ended");
    goes_on(&mut nvr).await;
    nvr.stop().await;
    place.assert_tidy();
    assert!(!place.dir.path().join("overlap").exists(), "two FFmpegs ran at a time");

    let [clip] = &place.clips()[..] else { panic!("one clip") };
    assert_eq!(complaints(&clip.path), "");
    let [before, after] = &pieces(clip, &feed)[..] else { panic!("two pieces") };
    assert!(before.ends_before(after), "nothing is stored twice");
}

#[tokio::test]
async fn a_ring_that_is_removed_under_the_recorder_is_made_again_and_recording_goes_on() {
    let (feed, block) = camera("front-door");
    let place = Place::new(block.clone());
    let mut nvr = place.start().await;
    for removed in [place.ring(), place.ring().join("front-door")] {
        nvr.recording(3).await;
        let before = nvr.picture().warnings.len();
        std::fs::remove_dir_all(&removed).expect("it is there");
        let since = Instant::now();
        nvr.until("a warning", |it| (it.warnings.len() > before).then_some(())).await;
        let warning = nvr.picture().warnings.last().cloned().expect("a warning");
        assert!(warning.starts_with("somebody removed ") && warning.ends_with(')'), "{warning}");
        let told = since.elapsed();
        goes_on(&mut nvr).await;
        println!("told after {told:?}, recorded again after {:?}", since.elapsed());
    }
    let mut other = Place::new(block);
    other.ring_dir = Some(place.ring());
    assert!(other.refused().await.contains("belongs to another recorder"));

    // What was removed is missing, and named; what came after it is there.
    let whole = Instant::now();
    while whole.elapsed() < Duration::from_secs(3) {
        goes_on(&mut nvr).await;
    }
    let triggered = Instant::now();
    nvr.trigger("front-door").await;
    nvr.quiet(1).await;
    nvr.stop().await;
    place.assert_tidy();
    let [clip] = &place.clips()[..] else { panic!("one clip") };
    assert_eq!(complaints(&clip.path), "");
    let gone = |gap: &Gap| gap.cause == "somebody removed it from the ring";
    assert!(clip.record.gaps.iter().all(gone), "{:?}", clip.record.gaps);
    let [piece] = &pieces(clip, &feed)[..] else { panic!("one piece") };
    piece.covers(triggered - Duration::from_secs(3)..=triggered + Duration::from_secs(5));
}

#[tokio::test]
async fn what_could_not_be_stored_before_the_end_goes_on_into_the_same_clip_at_the_next_start() {
    let (feed, block) = camera("front-door");
    let mut place = Place::new(block);
    place.trigger = "pre_roll = '3s'\npost_roll = '60s'\n".to_owned();
    std::fs::create_dir(&place.archive).expect("an archive");
    let Some(_disk) = Mount::tmpfs(&place.archive, "2m") else { return };
    let mut nvr = place.start().await;
    nvr.recording(5).await;
    let triggered = Instant::now();
    nvr.trigger("front-door").await;
    grows(&mut nvr, Duration::from_secs(4)).await;
    // The disk becomes full in the middle of the event.
    let filler = place.archive.join("filler");
    let _ = std::fs::write(&filler, vec![0; 2 << 20]);
    nvr.until("a backlog", |it| (it.cameras[0].backlog >= 3).then_some(())).await;
    let stopped = Instant::now();
    nvr.signal(Signal::TERM);
    nvr.says("stopping: cameras end: done").await;
    sleep(ONE_STRIKE + Duration::from_millis(100)).await; // so that the second one means now
    nvr.signal(Signal::TERM);
    assert_eq!(nvr.ended().await.code(), Some(1));
    nvr.says("the next start goes on with them and a reboot loses them").await;
    let claimed = std::fs::read_dir(place.ring().join("front-door/claimed")).expect("claims").flatten();
    let waiting = claimed.filter(|entry| nvr::work::places::number(&entry.path()).is_some()).count();
    assert!(waiting >= 3, "{waiting} segments wait");
    drop(nvr);

    std::fs::remove_file(filler).expect("it is there");
    let mut nvr = place.start().await;
    nvr.says("the last recorder ended before everything was stored").await;
    nvr.quiet(1).await;
    nvr.stop().await;
    place.assert_tidy();
    let [clip] = &place.clips()[..] else { panic!("one clip") };
    assert_eq!((clip.record.state, complaints(&clip.path)), (ClipState::Closed, String::new()));
    // Whoever stops a recorder ends the countdown too.
    let [gap] = &clip.record.gaps[..] else { panic!("one gap: {:?}", clip.record.gaps) };
    assert_eq!(gap.cause, "the recorder was stopped");
    let [piece] = &pieces(clip, &feed)[..] else { panic!("one piece") };
    piece.covers(triggered - Duration::from_secs(3)..=stopped - Duration::from_millis(500));
}

#[tokio::test]
async fn a_clip_of_another_archive_stays_there_and_goes_on_in_a_new_one() {
    let (feed, block) = camera("front-door");
    let mut place = Place::new(block);
    place.trigger = "pre_roll = '3s'\npost_roll = '15s'\n".to_owned();
    let mut nvr = place.start().await;
    nvr.recording(4).await;
    nvr.trigger("front-door").await;
    grows(&mut nvr, Duration::from_secs(4)).await;
    killed(nvr).await;
    let old = std::mem::replace(&mut place.archive, place.dir.path().join("other"));
    let mut nvr = place.start().await;
    nvr.says("archive.dir has changed: the clip that grew stays in ").await;
    nvr.quiet(1).await;
    assert_eq!(nvr.picture().lost.segments, 0, "nothing is lost that lies elsewhere");
    nvr.stop().await;
    place.assert_tidy();
    let [new] = &place.clips()[..] else { panic!("one clip") };

    // As the sentence says.
    place.archive = old;
    let nvr = place.start().await;
    nvr.stop().await;
    let [clip] = &place.clips()[..] else { panic!("one clip") };
    assert_eq!(new.record.continues.as_deref(), clip.path.file_stem().and_then(|name| name.to_str()));
    let gone_on = |gap: &Gap| gap.cause.starts_with("the recorder was interrupted");
    assert!(new.record.gaps.iter().all(gone_on), "{:?}", new.record.gaps);
    let (before, after) = (pieces(clip, &feed), pieces(new, &feed));
    let ([before], [after, _]) = (&before[..], &after[..]) else { panic!("in two, for nobody recorded for a while") };
    let last = (0..).find(|nth| before.holds(0, *nth) && !before.holds(0, nth + 1)).expect("an end");
    assert!(after.holds(0, last + 1) || after.holds(0, last), "nothing is missing in between");
    assert!(!after.holds(0, last - 50), "nothing is twice but the segment that was being written");
}
