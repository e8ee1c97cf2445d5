//! A monitor that is stopped, as by a frozen SSH session: nobody but itself may notice.

use super::feed::Feed;
use super::footage::pieces;
use super::material::{Kind, Material, complaints};
use super::nvr_process::{Nvr, Place};
use super::screen::agree;
use super::terminal::Session;
use nvr::model::question::{Found, Question, Since};
use nvr::model::snapshot::{CopyOutcome, CopyView};
use rustix::process::Signal;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const CAMERAS: [(&str, Kind); 4] =
    [("front-door", Kind::H264), ("garden", Kind::BFrames), ("garage", Kind::Hevc), ("gate", Kind::FourMbit)];
const STOPPED: Duration = Duration::from_secs(60);
/// Shorter than the post-roll: the event never ends.
const PAUSE: Duration = Duration::from_secs(3);
const PRE_ROLL: Duration = Duration::from_secs(3);
const POST_ROLL: Duration = Duration::from_secs(5);
/// From claim to durable, beyond what the disk itself takes.
const SAFE: Duration = Duration::from_secs(2);

/// How long the machine itself takes for a write that lasts, while others use it too: without that a limit in seconds
/// would judge the machine and not the recorder.
struct Disk {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Duration>,
}

impl Disk {
    fn watch(dir: &Path) -> Disk {
        let (path, over) = (dir.join("disk"), Arc::new(AtomicBool::new(false)));
        let stop = over.clone();
        let thread = std::thread::spawn(move || {
            let mut longest = Duration::ZERO;
            while !stop.load(Ordering::SeqCst) {
                let began = Instant::now();
                let mut file = File::create(&path).expect("a file");
                file.write_all(&[0; 64 * 1024]).expect("room");
                file.sync_all().expect("a disk");
                longest = longest.max(began.elapsed());
                std::thread::sleep(Duration::from_millis(50));
            }
            longest
        });
        Disk { over, thread }
    }

    /// The longest of all.
    fn longest(self) -> Duration {
        self.over.store(true, Ordering::SeqCst);
        self.thread.join().expect("no panic")
    }
}

/// The copies since the last one that is known, added to those.
async fn note(nvr: &Nvr, copies: &mut Vec<CopyView>) {
    let after = copies.last().map_or(0, |copy| copy.number);
    let Found::Copies(news) = nvr.ask(Question::Copies(Since { after, limit: 1000 })).await else { panic!("copies") };
    copies.extend(news);
}

/// Whether the kernel has it stopped.
fn is_stopped(session: &Session) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", session.pid().as_raw_nonzero()));
    status.expect("it is there").lines().any(|line| line.starts_with("State:\tT"))
}

/// Reads until an instant what a monitor draws; it must draw something.
async fn draws(session: &mut Session, until: tokio::time::Instant) {
    let before = session.screen.screen().contents();
    while let Ok(count) = tokio::time::timeout_at(until, session.read()).await {
        assert!(count > 0, "the other monitor has ended");
    }
    assert_ne!(session.screen.screen().contents(), before, "the other monitor's picture stands still");
}

#[tokio::test]
async fn a_stopped_monitor_delays_and_loses_nothing() {
    let feeds: Vec<_> = CAMERAS.iter().map(|(_, kind)| Feed::start(Material::get(*kind, 150))).collect();
    let blocks: Vec<_> = feeds.iter().zip(CAMERAS).map(|(feed, (name, _))| feed.camera(name)).collect();
    let place = Place::new(blocks.concat());
    let mut nvr = place.start().await;
    let disk = Disk::watch(place.dir.path());
    nvr.recording(5).await;
    let names = CAMERAS.map(|(name, _)| name);
    let (mut stopped, mut other) = (Session::start(&place.words(&[]), &[]), Session::start(&place.words(&[]), &[]));
    stopped.shows_all(&names).await;
    other.shows_all(&names).await;

    stopped.signal(Signal::STOP);
    let frozen = stopped.screen.screen().contents();
    let (began, mut copies) = (Instant::now(), Vec::new());
    let mut round = tokio::time::Instant::now();
    let mut last = began;
    while began.elapsed() < STOPPED {
        last = Instant::now();
        for name in names {
            nvr.trigger(name).await;
        }
        round += PAUSE;
        draws(&mut other, round).await;
        note(&nvr, &mut copies).await;
        assert!(is_stopped(&stopped));
    }
    nvr.says("a client was dropped: it has not read").await;
    stopped.signal(Signal::CONT);
    agree(&mut stopped, &mut other).await;
    assert_ne!(stopped.screen.screen().contents(), frozen);
    stopped.press("q").await;
    stopped.ends_clean("recording goes on").await;

    nvr.quiet(CAMERAS.len()).await;
    note(&nvr, &mut copies).await;
    assert_eq!(nvr.picture().lost.segments, 0);
    nvr.stop().await;
    place.assert_tidy();
    check_copies(&copies, disk.longest());
    check_clips(&place, &feeds, began - PRE_ROLL..=last + POST_ROLL);
}

/// Every segment was durable soon, and at once.
fn check_copies(copies: &[CopyView], disk: Duration) {
    let mut took = Vec::new();
    for copy in copies {
        match &copy.outcome {
            CopyOutcome::Stored { took: time, retries: 0, .. } => took.push(*time),
            CopyOutcome::Stored { .. } | CopyOutcome::Retrying { .. } | CopyOutcome::Lost { .. } => {
                panic!("not at once: {copy:?}")
            }
        }
    }
    took.sort();
    let (middle, longest) = (took[took.len() / 2], took[took.len() - 1]);
    println!("{} segments, {middle:?} in the middle, {longest:?} at most; the disk itself: {disk:?}", took.len());
    assert!(took.len() as u64 >= CAMERAS.len() as u64 * STOPPED.as_secs(), "{} segments", took.len());
    // Making a clip and appending to it are three such writes, one after the other.
    assert!(longest <= SAFE + 3 * disk, "{longest:?}, and the disk itself {disk:?}");
}

/// One clip of each camera, with every packet of the whole time once.
fn check_clips(place: &Place, feeds: &[Feed], window: std::ops::RangeInclusive<Instant>) {
    let clips = place.clips();
    assert_eq!(clips.len(), CAMERAS.len());
    for (feed, (name, _)) in feeds.iter().zip(CAMERAS) {
        let clip = clips.iter().find(|clip| clip.record.camera.as_str() == name).expect("a clip");
        assert_eq!((clip.record.gaps.as_slice(), complaints(&clip.path).as_str()), ([].as_slice(), ""), "{name}");
        let [piece] = &pieces(clip, feed)[..] else { panic!("{name}: in pieces") };
        piece.covers(window.clone());
    }
}
