//! The kernel refuses to let a clip grow, in the middle of an append: nothing is lost and the clip stays playable.
//!
//! The room is taken away by a limit on the size of files (RLIMIT_FSIZE), which needs no privileges and holds for root
//! too. The limit is the process's, so the test runs in a process of its own: this program again, started by a shell
//! that ignores SIGXFSZ.

mod footage;

use footage::Codec;
use nvr::model::effect::Append;
use nvr::model::event::{AppendFailure, Event};
use nvr::model::id::{CameraName, ClipId, RunId, SegmentId};
use nvr::model::record::Record;
use nvr::model::time::{Wall, Window};
use nvr::work::archive::Archive;
use nvr::work::places;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

const INSIDE: &str = "NVR_TEST_LIMITED";

#[test]
fn a_clip_that_may_not_grow_stays_whole_and_goes_on_later() {
    if std::env::var_os(INSIDE).is_some() {
        return tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime")
            .block_on(inside());
    }
    let program = std::env::current_exe().expect("this program");
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; exec \"$0\" --nocapture"]).arg(program).env(INSIDE, "1");
    assert!(shell.status().expect("a shell").success());
}

/// Files may have so many bytes from now on; `None`: as many as they like.
fn limit(bytes: Option<u64>) {
    let Rlimit { maximum, .. } = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum }).expect("a limit");
}

fn append(number: u64, wall: Wall) -> Append {
    let camera: CameraName = "garden".parse().expect("a name");
    let record = Record::empty(camera.clone(), Window { from: wall, to: wall });
    let segment = SegmentId { camera, number };
    let offset = Duration::from_secs(2 * number);
    Append { clip: ClipId(1), segment, run: RunId(1), wall, offset, record: Arc::new(record) }
}

async fn inside() {
    let dir = tempfile::tempdir().expect("a place");
    let source = footage::make(dir.path(), Codec::H264WithBFrames, 6);
    let segments = footage::segments(&dir.path().join("slots"), &source);
    let (sender, mut events) = mpsc::channel(100);
    let ring = dir.path().join("ring");
    let mut archive =
        Archive::open(&dir.path().join("archive"), ring.clone(), dir.path(), sender).await.expect("an archive");
    archive.recover(Vec::new()).await;
    let wall: Wall = "2026-11-22T13:02:31Z".parse().expect("a time");
    let mut clip = PathBuf::new();

    for (number, path) in segments.iter().enumerate() {
        let order = append(number as u64, wall);
        let claimed = places::claimed(&ring, &order.segment);
        fs::create_dir_all(claimed.parent().expect("claims")).expect("a ring");
        fs::copy(path, &claimed).expect("claimed");
        let before = fs::metadata(&clip).map_or(0, |meta| meta.len());
        limit(Some(before + 70_000)); // a part of the segment still fits
        archive.append(order.clone());
        let failure = match events.recv().await.expect("an event") {
            Event::AppendFailed { failure: AppendFailure::Archive(text), .. } => text,
            other => panic!("{other:?}"),
        };
        assert!(failure.contains("file too large") && failure.ends_with(')'), "{failure}");
        assert_eq!(fs::read(&claimed).expect("still in RAM"), fs::read(path).expect("the original"));
        if number > 0 {
            assert_eq!(fs::metadata(&clip).expect("a clip").len(), before);
            assert_eq!(footage::complaints(&clip), "");
        }
        limit(None);
        archive.append(order);
        loop {
            match events.recv().await.expect("an event") {
                Event::ClipOpened { path, .. } => clip = path.into(),
                Event::Appended { .. } => break,
                other => panic!("{other:?}"),
            }
        }
    }
    archive.close_clip(ClipId(1), append(0, wall).record);
    let Some(Event::ClipClosed { result: Ok(path), .. }) = events.recv().await else { panic!("not closed") };
    footage::assert_is_tail(path.as_ref(), &source);
    let files = fs::read_dir(clip.parent().expect("a day")).expect("a day").count();
    assert_eq!(files, 2, "the clip and its record, and no stump");
    archive.finish().await;
}
