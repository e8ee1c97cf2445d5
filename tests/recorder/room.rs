//! Room that runs out, for real: a disk that takes nothing for longer than the ring is long, and RAM that somebody else
//! fills. Each in file systems that only the recorder sees.

use super::errors::own_mounts;
use super::feed::Feed;
use super::footage::pieces;
use super::material::{Kind, Material, complaints};
use super::nvr_process::{Clip, Nvr, Place};
use nvr::model::record::Record;
use nvr::model::snapshot::{CameraState, Snapshot};
use nvr::model::time::Wall;
use nvr::work::archive::space;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

const SECOND: Duration = Duration::from_secs(1);

/// Has the recorder run with a small tmpfs in one directory, which holds a file of so many KiB already.
fn small(place: &mut Place, dir: &Path, size: &str, filler: u32) {
    let script = format!(
        "mount -t tmpfs -o size={size} tmpfs \"$0\" && head -c {filler}k /dev/zero > \"$0/filler\" && exec \"$@\""
    );
    let words = [own_mounts(), &["sh", "-c", &script, dir.to_str().expect("text")]].concat();
    place.wrapper = words.into_iter().map(str::to_owned).collect();
}

/// A directory as the recorder sees it.
fn inside(nvr: &Nvr, dir: &Path) -> PathBuf {
    format!("/proc/{}/root{}", nvr.pid().as_raw_nonzero(), dir.display()).into()
}

/// Writes so many bytes, as far as there is room.
fn fill(path: &Path, bytes: u64) {
    let mut file = std::fs::File::create(path).expect("a file");
    let _ = std::io::copy(&mut std::io::repeat(7).take(bytes), &mut file); // it may well become full
}

/// Fills whatever becomes free, until it is told to end; answers with all that it took given back.
async fn fill_for_ever(dir: PathBuf, mut over: oneshot::Receiver<()>) {
    let mut files = Vec::new();
    let mut beat = tokio::time::interval(Duration::from_millis(50));
    loop {
        tokio::select! {
            _ = &mut over => break,
            _ = beat.tick() => {
                let path = dir.join(format!("more-{}", files.len()));
                fill(&path, 8 << 20);
                files.push(path);
            }
        }
    }
    files.iter().for_each(|path| std::fs::remove_file(path).expect("it is there"));
}

/// Neither camera's FFmpeg can write.
fn nothing_works(picture: &Snapshot) -> Option<()> {
    let fails = |state: &CameraState| matches!(state, CameraState::Stalled { .. } | CameraState::NoSignal { .. });
    picture.cameras.iter().all(|camera| fails(&camera.state)).then_some(())
}

/// A camera whose footage is wanted from now on for so long that the ring turns more than once, and an archive that takes
/// nothing of it before all of it has come in. Answers the instants just before and after the trigger, and the clip.
async fn behind(place: &mut Place, kind: Kind) -> (Feed, Instant, Instant, Record, PathBuf, u64) {
    let feed = Feed::start(Material::get(kind, 60));
    place.cameras = feed.camera("front-door");
    place.trigger = "pre_roll = '3s'\npost_roll = '14s'\n".to_owned();
    std::fs::create_dir(&place.archive).expect("an archive");
    let archive = place.archive.clone();
    small(place, &archive, "40m", 40 * 1024 - 60);
    let mut nvr = place.start().await;
    nvr.recording(5).await;
    let before = Instant::now();
    nvr.trigger("front-door").await;
    let after = Instant::now();
    let trouble = nvr.until("trouble", |it| it.archive.trouble.clone()).await;
    assert!(trouble.contains("the disk is full"), "{trouble}");
    nvr.until("the end of the event", |it| it.cameras[0].event.is_none().then_some(())).await;
    assert!(nvr.picture().cameras[0].backlog > 2, "it waits in RAM");

    std::fs::remove_file(inside(&nvr, &archive).join("filler")).expect("room");
    nvr.quiet(1).await;
    place.archive = inside(&nvr, &archive);
    let [clip] = &place.clips()[..] else { panic!("one clip") };
    assert_eq!(complaints(&clip.path), "");
    let copy = place.dir.path().join("clip.mp4");
    std::fs::copy(&clip.path, &copy).expect("a copy");
    let (record, lost) = (clip.record.clone(), nvr.picture().lost.segments);
    nvr.stop().await;
    place.assert_tidy();
    (feed, before, after, record, copy, lost)
}

#[tokio::test]
async fn an_archive_that_is_away_for_longer_than_the_ring_is_long_costs_nothing() {
    let mut place = Place::new("");
    let (feed, before, after, record, path, lost) = behind(&mut place, Kind::H264).await;
    assert_eq!((lost, record.gaps.as_slice()), (0, &[][..]));
    assert!(record.segments.windows(2).all(|pair| pair[1].number == pair[0].number + 1), "{record:#?}");
    let clip = Clip { path, record };
    let [piece] = &pieces(&clip, &feed)[..] else { panic!("one piece") };
    piece.covers(after - 3 * SECOND..=before + 14 * SECOND);
}

#[tokio::test]
async fn past_the_limit_exactly_what_the_record_names_is_missing() {
    let mut place = Place::new("");
    // Half a megabyte a second: four or five segments of 17.
    place.ring_keys += "backlog = '3 MiB'\n";
    let (feed, before, _, record, path, lost) = behind(&mut place, Kind::FourMbit).await;
    let (now, wall) = (Instant::now(), Wall::now());
    let instant = |at: Wall| now - Duration::try_from(wall.duration_since(at)).expect("the past");

    let numbers: Vec<u64> = record.segments.iter().map(|segment| segment.number).collect();
    assert!(lost >= 8, "much is lost: {lost}, and these are there: {numbers:?}");
    for gap in &record.gaps {
        assert_eq!(gap.cause, "no room in RAM: the archive did not take it (ring.backlog)", "{record:#?}");
    }
    // What is left lies around the trigger, but for the first segment, which the archive had been given.
    let trigger = record.triggers[0].at;
    let gaps: Vec<_> = record.gaps.iter().map(|gap| (gap.window.from, gap.window.to)).collect();
    assert!(gaps.len() <= 2 && gaps.iter().all(|(from, to)| *to <= trigger || *from > trigger), "{record:#?}");
    let near = record.segments.iter().filter(|segment| segment.window.from <= trigger && segment.window.to > trigger);
    assert_eq!(near.count(), 1, "the trigger's own instant is the last that goes: {record:#?}");

    let clip = Clip { path, record };
    let (held, sent) = (pieces(&clip, &feed), feed.sent());
    let asked = &clip.record.asked;
    for stream in 0..2 {
        for (nth, (at, _)) in feed.material.stream(stream).enumerate() {
            let Some(at) = sent[at] else { continue };
            let (from, to) = (instant(asked.from) + SECOND / 2, instant(asked.to) - SECOND / 2);
            let stored = held.iter().any(|piece| piece.holds(stream, nth));
            let near = |at: Instant| {
                gaps.iter().any(|gap| instant(gap.0) - SECOND / 2 < at && at < instant(gap.1) + SECOND / 2)
            };
            let surely = |at: Instant| {
                gaps.iter().any(|gap| instant(gap.0) + SECOND / 2 < at && at < instant(gap.1) - SECOND / 2)
            };
            assert!(stored || !(from..to).contains(&at) || near(at), "{stream}/{nth} is neither stored nor named");
            assert!(!stored || !surely(at), "{stream}/{nth} is named as missing and stored");
        }
    }
    assert!(before > instant(asked.from), "the two clocks agree");
}

#[tokio::test]
async fn ram_that_somebody_else_fills_costs_old_footage_and_no_recording() {
    let feeds = [Kind::H264, Kind::BFrames].map(|kind| Feed::start(Material::get(kind, 150)));
    let mut place = Place::new(feeds[0].camera("front-door") + &feeds[1].camera("garden"));
    // A late mail's pre-roll needs 13 s of the 30 that the ring holds.
    place.ring_keys = "segment = '1s'\nslots = 30\n".to_owned();
    place.trigger = "pre_roll = '1s'\npost_roll = '4s'\n".to_owned();
    let ring = place.ring();
    small(&mut place, &ring, "8m", 0);
    let mut nvr = place.start().await;
    nvr.recording(19).await;
    let ram = inside(&nvr, &ring);
    fill(&ram.join("filler"), space(&ram).expect("room").free - (300 << 10));
    let trouble = nvr.until("little room", |it| it.ring.trouble.clone()).await;
    assert!(trouble.contains("old footage that no pre-roll needs is let go of (remove what else fills"), "{trouble}");

    let before = Instant::now();
    nvr.trigger("garden").await;
    let after = Instant::now();
    nvr.quiet(1).await;
    let picture = nvr.picture();
    assert!(picture.cameras.iter().all(|camera| camera.restarts == 0), "every camera goes on: {picture:#?}");
    assert_eq!(picture.lost.segments, 0);
    let clips = place.clips();
    assert_eq!((clips.len(), clips[0].record.gaps.as_slice()), (1, &[][..]));
    let [piece] = &pieces(&clips[0], &feeds[1])[..] else { panic!("one piece") };
    piece.covers(after - SECOND..=before + 4 * SECOND);

    // All of it: now nothing can be recorded, until there is room.
    let (over, ends) = oneshot::channel();
    let filling = tokio::spawn(fill_for_ever(ram.clone(), ends));
    nvr.until("cameras that cannot be recorded", nothing_works).await;
    over.send(()).expect("it fills");
    filling.await.expect("it has ended");
    std::fs::remove_file(ram.join("filler")).expect("room");
    nvr.says("the ring has room again").await;
    nvr.recording(2).await;
    assert_eq!(nvr.picture().ring.trouble, None);
    nvr.stop().await;
    place.assert_tidy();
}
