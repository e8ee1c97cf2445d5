//! The monitor's clip list on a real terminal, before a real recorder and its archive.

use super::feed::Feed;
use super::material::{Kind, Material};
use super::nvr_process::{PATIENCE, Place};
use super::terminal::Session;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// What is protected cannot be written by anybody.
fn is_read_only(path: &Path) -> bool {
    std::fs::metadata(path).expect("a clip").permissions().mode() & 0o222 == 0
}

async fn comes_true(what: &str, is_so: impl Fn() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "never: {what}");
        sleep(Duration::from_millis(20)).await; // a file's mode: nobody tells
    }
}

#[tokio::test]
async fn a_clip_is_protected_and_another_one_deleted_by_keys() {
    let feed = Feed::start(Material::get(Kind::BFrames, 150));
    let mut place = Place::new(feed.camera("front-door"));
    place.trigger = "pre_roll = '1s'\npost_roll = '1s'\n".to_owned();
    let mut nvr = place.start().await;
    nvr.recording(2).await;
    for clips in 1..=2 {
        nvr.trigger("front-door").await;
        nvr.quiet(clips).await;
    }
    let clips: Vec<_> = place.clips().into_iter().map(|clip| clip.path).collect();
    let [older, newer] = clips.as_slice() else { panic!("{clips:?}") };
    let name = |path: &Path| path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();

    let mut session = Session::start(&place.words(&[]), &[]);
    session.shows_all(&["front-door"]).await;
    session.press("c").await;
    session.until("two clips", |screen| screen.contents().contains("1 of 2")).await;
    session.press("\r").await;
    let of_newer = name(newer);
    let is_record = |screen: &vt100::Screen| {
        let text = screen.contents();
        [of_newer.as_str(), "closed", "triggers", "asked", "command"].iter().all(|words| text.contains(words))
    };
    session.until("record of the newer clip", is_record).await;
    session.press("p").await;
    session.until("protection", |screen| screen.contents().contains("retention leaves it alone")).await;
    comes_true("the file is read-only", || is_read_only(newer)).await;
    session.press("D").await;
    session.until("refusal", |screen| screen.contents().contains("nothing was done")).await;

    session.press("\x1b").await;
    session.until("star", |screen| screen.contents().contains('★')).await;
    session.press("jD").await;
    let question = format!("Delete {} for good?", name(older));
    session.until("question", |screen| screen.contents().contains(&question)).await;
    session.press("y").await;
    session.until("shorter list", |screen| screen.contents().contains("1 of 1")).await;
    comes_true("the file is gone", || !older.exists() && !older.with_extension("json").exists()).await;
    assert!(is_read_only(newer));
    session.press("\x1b").await;
    session.until("cameras", |screen| screen.contents().contains("t trigger")).await;
    session.press("q").await;
    session.ends_clean("recording goes on").await;
    nvr.stop().await;
    place.assert_tidy();
}
