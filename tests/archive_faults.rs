//! What disks do to a recorder: they are unmounted and come back, are swapped for others, break, fill up and hang, for
//! real. It goes on by itself, nothing that was wanted is lost or stored twice, and what it says can be understood.

#[path = "common/feed.rs"]
mod feed;
#[path = "common/material.rs"]
#[allow(dead_code, reason = "each program of tests needs its own part")]
mod material;
#[path = "common/mounts.rs"]
mod mounts;
#[path = "common/nvr.rs"]
#[allow(dead_code, reason = "each program of tests needs its own part")]
mod nvr_process;

use feed::Feed;
use material::{Kind, Material, complaints, packets};
use mounts::Mount;
use nvr_process::{Nvr, Place};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const PRE_ROLL: Duration = Duration::from_secs(3);
const POST_ROLL: Duration = Duration::from_secs(8);

/// A camera and a recorder's place, with a mount point for the archive.
fn place() -> (Feed, Place) {
    let feed = Feed::start(Material::get(Kind::BFrames, 150));
    let mut place = Place::new(feed.camera("front-door"));
    place.trigger = "pre_roll = '3s'\npost_roll = '8s'\n".to_owned();
    place.archive = place.dir.path().join("disk");
    fs::create_dir(&place.archive).expect("a mount point");
    (feed, place)
}

fn image(place: &Place) -> PathBuf {
    place.dir.path().join("image")
}

/// Waits until the screen says why the archive does not work; answers the sentence.
async fn trouble(nvr: &mut Nvr, words: &str) -> String {
    let said = nvr.until(words, |it| it.archive.trouble.clone().filter(|text| text.contains(words))).await;
    assert!(said.ends_with(')') && !said.contains("os error"), "no remedy: {said}");
    println!("on the screen: {said}");
    said
}

/// Triggers, and waits until footage is being stored.
async fn growing(nvr: &mut Nvr) -> Instant {
    let at = Instant::now();
    nvr.trigger("front-door").await;
    nvr.until("a growing clip", |it| it.clips.iter().any(|clip| clip.open && clip.bytes > 0).then_some(())).await;
    at
}

/// Waits for the end of all clips, and judges them: all that was sent around each trigger is there, in order, once.
async fn all_saved(mut nvr: Nvr, place: &Place, feed: &Feed, fired: &[Instant]) {
    nvr.quiet(1).await;
    let picture = nvr.picture();
    assert_eq!((picture.lost.segments, picture.archive.trouble.clone()), (0, None));
    nvr.stop().await;
    place.assert_tidy();
    let material = &feed.material;
    let nth: HashMap<_, _> = material.stream(0).enumerate().map(|(nth, (_, it))| (it.hash.as_str(), nth)).collect();
    let mut held = Vec::new();
    for clip in place.clips() {
        assert_eq!((complaints(&clip.path), clip.record.gaps), (String::new(), Vec::new()), "{:?}", clip.path);
        held.extend(packets(&clip.path).iter().filter(|it| it.stream == 0).map(|it| nth[it.hash.as_str()]));
    }
    assert!(held.is_sorted_by(|a, b| a < b), "stored twice or out of order: {held:?}");
    let sent = feed.sent();
    for at in fired {
        let window = *at - PRE_ROLL..=*at + POST_ROLL;
        let wanted = material.stream(0).enumerate();
        let wanted = wanted.filter(|(_, (place, _))| sent[*place].is_some_and(|at| window.contains(&at)));
        let missing: Vec<_> = wanted.map(|(nth, _)| nth).filter(|nth| held.binary_search(nth).is_err()).collect();
        assert!(missing.is_empty(), "missing: {missing:?}");
    }
    let verified = place.nvr(&["verify"]).await;
    assert_eq!(verified.code, Some(0), "{}", verified.out);
}

/// Everything below a directory, but what makes it an archive.
fn strangers(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a directory").flatten().map(|entry| entry.path());
    entries.filter(|path| ![".nvr", ".lock"].iter().any(|name| path.ends_with(name))).collect()
}

#[tokio::test]
async fn a_disk_that_is_unmounted_in_an_event_and_replaced_for_a_while_gets_all_of_it() {
    let (feed, place) = place();
    let Some(mut disk) = Mount::ext4(&place.archive, &image(&place), 32) else { return };
    let mut nvr = place.start().await;
    nvr.recording(4).await;
    let at = growing(&mut nvr).await;
    disk.detach();
    let said = trouble(&mut nvr, "is its disk mounted?").await;
    assert!(said.contains(place.archive.to_str().expect("text")), "{said}");
    nvr.says("footage waits in RAM and is tried again").await;
    assert!(strangers(&place.archive).is_empty(), "written below the mount point");

    let other = Mount::tmpfs(&place.archive, "8m").expect("another disk");
    fs::write(place.archive.join(".nvr"), "11111111-2222-3333-4444-555555555555\n").expect("another archive");
    trouble(&mut nvr, "is another archive").await;
    assert_eq!(strangers(&place.archive), Vec::<PathBuf>::new(), "written to another archive");
    drop(other);
    trouble(&mut nvr, "is its disk mounted?").await;
    disk.attach();
    all_saved(nvr, &place, &feed, &[at]).await;
    assert_eq!(place.clips().len(), 1, "it goes on where it was");
}

/// As after an I/O error: the kernel makes it read-only, and only unmounting it mends that.
#[tokio::test]
async fn a_disk_that_breaks_can_be_repaired_under_a_running_recorder() {
    let (feed, place) = place();
    let Some(mut disk) = Mount::ext4(&place.archive, &image(&place), 32) else { return };
    let mut nvr = place.start().await;
    nvr.recording(4).await;
    let at = growing(&mut nvr).await;
    disk.break_down();
    trouble(&mut nvr, "read-only").await;
    disk.detach();
    // It has closed everything by then, or the kernel would bring the broken disk back as it is.
    trouble(&mut nvr, "is its disk mounted?").await;
    disk.attach();
    all_saved(nvr, &place, &feed, &[at]).await;
}

#[tokio::test]
async fn a_disk_that_is_not_there_at_the_start_gets_what_was_recorded_meanwhile() {
    let (feed, place) = place();
    let Some(mut disk) = Mount::ext4(&place.archive, &image(&place), 32) else { return };
    place.start().await.stop().await;
    disk.detach();
    let mut nvr = place.start().await;
    trouble(&mut nvr, "is its disk mounted?").await;
    nvr.recording(4).await;
    let at = Instant::now();
    nvr.trigger("front-door").await;
    nvr.until("claimed footage", |it| (it.archive.backlog > 0).then_some(())).await;
    assert!(strangers(&place.archive).is_empty(), "written below the mount point");
    disk.attach();
    nvr.until("a disk that is taken", |it| it.archive.trouble.is_none().then_some(())).await;
    all_saved(nvr, &place, &feed, &[at]).await;
}

#[tokio::test]
async fn a_disk_that_others_fill_up_is_gone_on_with_when_there_is_room() {
    let (feed, place) = place();
    let Some(_disk) = Mount::tmpfs(&place.archive, "16m") else { return };
    let mut nvr = place.start().await;
    nvr.recording(4).await;
    let at = growing(&mut nvr).await;
    let foreign = place.archive.join("holiday.mov");
    // As much as fits.
    fs::write(&foreign, vec![0; 32 << 20]).expect_err("no room");
    trouble(&mut nvr, "the disk is full").await;
    fs::remove_file(&foreign).expect("removed");
    all_saved(nvr, &place, &feed, &[at]).await;
}

/// The oldest clips make room for what is recorded now.
#[tokio::test]
async fn a_disk_that_own_clips_fill_up_loses_the_oldest_of_them() {
    let (feed, mut place) = place();
    let Some(_disk) = Mount::tmpfs(&place.archive, "16m") else { return };
    place.archive_keys = "min_free = '1 MiB'".to_owned();
    let day = place.archive.join("front-door/2020-01-01");
    fs::create_dir_all(&day).expect("a day");
    let old: Vec<_> =
        (10..30).map(|minute| day.join(format!("front-door_2020-01-01_10-{minute}-00+0000.mp4"))).collect();
    for clip in &old[..19] {
        fs::write(clip, vec![0; 800 << 10]).expect("room");
    }
    let mut nvr = place.start().await;
    nvr.recording(4).await;
    let at = growing(&mut nvr).await;
    // All that is left, in one blow.
    fs::write(&old[19], vec![0; 16 << 20]).expect_err("no room");
    nvr.says("were free on the disk, and archive.min_free wants 1.0 MiB").await;
    nvr.quiet(1).await;
    let left = old.iter().filter(|clip| clip.exists()).count();
    assert!(old.iter().rev().take(left).all(|clip| clip.exists()), "not the oldest went");
    assert!((1..20).contains(&left), "{left} are left");
    fs::remove_dir_all(&day).expect("no clips at all, in truth");
    all_saved(nvr, &place, &feed, &[at]).await;
}

#[tokio::test]
async fn a_disk_that_hangs_keeps_nobody_and_gets_all_of_it_later() {
    let (feed, place) = place();
    let Some(disk) = Mount::ext4(&place.archive, &image(&place), 32) else { return };
    let mut nvr = place.start().await;
    nvr.recording(4).await;
    let at = growing(&mut nvr).await;
    let frozen = disk.freeze();
    nvr.until("footage that waits", |it| it.cameras.iter().any(|camera| camera.backlog >= 3).then_some(())).await;
    // Who asks is answered, and the ring goes on.
    assert_eq!(place.nvr(&["disarm", "front-door"]).await.code, Some(0));
    drop(frozen);
    all_saved(nvr, &place, &feed, &[at]).await;
}

#[tokio::test]
async fn clips_are_verified_by_name_and_in_a_line_for_cron() {
    let (_feed, place) = place();
    let mut nvr = place.start().await;
    nvr.recording(2).await;
    growing(&mut nvr).await;
    let grows = place.nvr(&["verify", "front-door@last"]).await;
    assert_eq!(grows.code, Some(0), "{}", grows.err);
    assert!(grows.out.ends_with("1 still growing, as recorded so far\n"), "{}", grows.out);
    nvr.quiet(1).await;
    nvr.stop().await;

    let well = place.nvr(&["verify"]).await;
    assert_eq!((well.code, well.out.ends_with(", as recorded\n")), (Some(0), true), "{}", well.out);
    let quiet = place.nvr(&["verify", "--quiet"]).await;
    assert_eq!((quiet.code, quiet.out.as_str(), quiet.err.as_str()), (Some(0), "", ""));
    let clip = place.clips().remove(0).path;
    let mut bytes = fs::read(&clip).expect("a clip");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&clip, bytes).expect("written");
    let name = clip.file_stem().and_then(|name| name.to_str()).expect("a name");
    for args in [&["verify", "-q"][..], &["verify", name], &["verify", "front-door@last"]] {
        let rotten = place.nvr(args).await;
        assert_eq!(rotten.code, Some(1));
        let lines: Vec<_> = rotten.out.lines().collect();
        assert!(
            lines[0].starts_with(&format!("WRONG  {name}: its bytes have changed since it was stored: ")),
            "{}",
            rotten.out
        );
        assert!(lines[lines.len() - 1].ends_with(": not as recorded"), "{}", rotten.out);
    }
    let json = place.nvr(&["verify", "--json"]).await;
    let line: serde_json::Value = serde_json::from_str(&json.out).expect("one line of JSON");
    assert_eq!((json.code, &line["verdict"], &line["name"]), (Some(1), &"wrong".into(), &name.into()));
    let stranger = place.nvr(&["verify", "holiday"]).await;
    assert_eq!(stranger.code, Some(1));
    assert!(stranger.err.contains("there is no clip holiday"), "{}", stranger.err);
}
