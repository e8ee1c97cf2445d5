//! Disks that fail.

use super::super::disk::Place;
use super::*;
use std::io::Write;

/// A disk that fails at chosen steps: they count up over all files.
#[derive(Default)]
pub(super) struct Failing {
    step: Arc<Mutex<Plan>>,
}

#[derive(Default)]
pub(super) struct Plan {
    step: u32,
    /// At these steps, with this error.
    fail: std::ops::Range<u32>,
    errno: i32,
}

impl Failing {
    /// From now on fails at these steps, which count from 0 again.
    pub fn fail(plan: &Mutex<Plan>, steps: std::ops::Range<u32>) {
        *plan.lock().expect("no panic") = Plan { step: 0, fail: steps, errno: 28 };
    }

    pub fn plan(&self) -> Arc<Mutex<Plan>> {
        self.step.clone()
    }
}

struct FailingFile(File, Arc<Mutex<Plan>>);

impl FailingFile {
    fn step(&self) -> io::Result<()> {
        let mut plan = self.1.lock().expect("no panic");
        plan.step += 1;
        if plan.fail.contains(&(plan.step - 1)) { Err(io::Error::from_raw_os_error(plan.errno)) } else { Ok(()) }
    }
}

impl Disk for Failing {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Medium>> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        Ok(Box::new(FailingFile(file, self.step.clone())))
    }

    fn reopen(&self, path: &Path) -> io::Result<Box<dyn Medium>> {
        let file = OpenOptions::new().write(true).open(path)?;
        Ok(Box::new(FailingFile(file, self.step.clone())))
    }
}

impl Medium for FailingFile {
    fn write(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        let step = self.step();
        let bytes = if step.is_ok() { bytes } else { &bytes[..bytes.len() / 2] }; // a stump, as a full disk leaves it
        Medium::write(&mut self.0, bytes, at).and(step)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.step().and_then(|()| self.0.sync_data())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.step().and_then(|()| self.0.set_len(length))
    }

    fn place(&self) -> io::Result<Place> {
        self.0.place()
    }
}

#[rstest]
#[tokio::test]
async fn whatever_step_fails_nothing_is_lost_and_nothing_stays_twice(
    #[values(1, 2, 3, 5)] failures: u32,
    #[values((28, "disk is full"), (5, "dmesg"), (30, "remount"))] error: (i32, &str),
) {
    let dir = tempfile::tempdir().expect("a place");
    let source = footage::make(dir.path(), Codec::H264WithBFrames, 6);
    let segments = footage::segments(&dir.path().join("slots"), &source);
    let healthy = undisturbed(&segments, &source).await;
    for first in 0..8 {
        let disk = Failing::default();
        *disk.step.lock().expect("no panic") = Plan { step: 0, fail: first..first + failures, errno: error.0 };
        let mut world = World::on(Box::new(disk));
        let mut failed = 0;
        for (number, path) in segments.iter().enumerate() {
            world.claim(number as u64, path, 0.0);
            loop {
                let before = world.files();
                world.order(CLIP, number as u64, 0, 2.0 * number as f64);
                let mut event = world.event().await;
                if let Event::ClipOpened { .. } = event {
                    event = world.event().await;
                }
                match event {
                    Event::Appended { .. } => break,
                    Event::AppendFailed { failure: AppendFailure::Archive(text), .. } => {
                        assert!(text.contains(error.1), "{text}");
                        assert_eq!(fs::read(world.claimed(number as u64)).ok(), fs::read(path).ok());
                        assert_eq!(world.files(), before, "a stump");
                        failed += 1;
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        assert!(failed > 0 || first >= 6, "step {first} failed and nobody said so");
        let clip = world.close().await;
        assert_eq!(blake3_of(&clip), healthy);
        assert_eq!(read_record(&clip).blake3.as_deref(), Some(healthy.as_str()));
    }
}

/// What a failed append wrote is cut off at once, or, if even that fails, before the clip is closed.
#[rstest]
#[tokio::test]
async fn a_clip_closed_after_a_failed_append_ends_where_it_was_durable(#[values(1, 2)] failures: u32) {
    let disk = Failing::default();
    let plan = disk.step.clone();
    let mut world = World::on(Box::new(disk));
    let source = footage::make(world.dir.path(), Codec::H264, 5);
    let segments = footage::segments(&world.dir.path().join("slots"), &source);
    world.store(&segments[..1]).await;
    let part = world.day().join(&world.files()[1]);
    let durable = blake3_of(&part);

    world.claim(1, &segments[1], 0.0);
    *plan.lock().expect("no panic") = Plan { step: 0, fail: 0..failures, errno: 28 };
    assert!(matches!(world.refuse(1).await, AppendFailure::Archive(_)));
    assert_eq!(blake3_of(&part) == durable, failures == 1);
    let clip = world.close().await;
    assert_eq!(blake3_of(&clip), durable);
    assert_eq!(read_record(&clip).blake3.as_deref(), Some(durable.as_str()));
}

/// Has the disk go away, with an empty directory in its place, or come back. That is another place, as the kernel sees it:
/// what was opened before is of no use, as after a disk was plugged in again.
struct Disks {
    root: PathBuf,
    away: PathBuf,
}

impl Disks {
    fn of(world: &World) -> Disks {
        Disks { root: world.root().to_owned(), away: world.dir.path().join("unmounted") }
    }

    fn unmount(&self) {
        fs::rename(&self.root, &self.away).expect("moved");
        fs::create_dir(&self.root).expect("an empty directory");
    }

    /// As a copy: the same names and bytes in other files, which is what another device number looks like.
    fn mount(&self) {
        fs::remove_dir_all(&self.root).expect("gone");
        footage::run("cp", &["-a", self.away.to_str().expect("text"), self.root.to_str().expect("text")]);
        fs::remove_dir_all(&self.away).expect("gone");
    }
}

/// What an unmounted disk leaves is an empty directory, and what is mounted in its place is another archive.
#[tokio::test]
async fn nothing_is_stored_where_the_archive_is_not_any_more() {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), Codec::H264, 5);
    let segments = footage::segments(&world.dir.path().join("slots"), &source);
    world.store(&segments[..1]).await;
    let disks = Disks::of(&world);
    world.claim(1, &segments[1], 0.0);
    disks.unmount();
    for (file, words) in [
        (None, "is its disk mounted?"),
        (Some((".lock", "")), "is its disk mounted?"),
        (Some((".nvr", "11111111-2222-3333-4444-555555555555\n")), "is another archive"),
        (Some((".nvr", "\u{1b}[2J")), "it holds no id but"),
    ] {
        if let Some((file, text)) = file {
            fs::write(disks.root.join(file), text).expect("written");
        }
        let failure = world.refuse(1).await;
        assert!(matches!(&failure, AppendFailure::Archive(text) if text.contains(words)), "{failure:?}");
        assert!(world.claimed(1).exists());
        let home = world.archive.home();
        assert!(home.dir().is_err_and(|text| text.contains(words)), "nor looked at");
        world.archive.close_clip(CLIP, record(world.start));
        let Event::ClipClosed { result: Err(text), .. } = world.event().await else { panic!("closed") };
        assert!(text.contains(words), "{text}");
    }
    fs::remove_dir_all(&disks.root).expect("not even a mount point");
    assert!(matches!(world.refuse(1).await, AppendFailure::Archive(text) if text.contains("is its disk mounted?")));
    fs::create_dir(&disks.root).expect("a mount point");
    disks.mount();
    for (number, path) in segments.iter().enumerate().skip(1) {
        world.claim(number as u64, path, 0.0);
        world.append(number as u64, 0, 2.0 * number as f64).await;
    }
    let clip = world.close().await;
    assert_eq!(read_record(&clip).blake3.as_deref(), Some(blake3_of(&clip).as_str()));
    assert_is_tail(&clip, &source);
}

/// The disk may have lost what it had promised to keep, or have been in other hands.
#[rstest]
#[case::untouched(|_: &Path| {}, None)]
#[case::a_stump_behind_it(|part: &Path| longer(part), None)]
#[case::shorter(|part: &Path| { OpenOptions::new().write(true).open(part).and_then(|file| file.set_len(5000)).expect("cut") }, Some("lost its end"))]
#[case::other_bytes(|part: &Path| other_byte(part), Some("holds something else"))]
#[case::gone(|part: &Path| fs::remove_file(part).expect("removed"), Some("is gone"))]
#[tokio::test]
async fn a_clip_goes_on_only_if_it_is_what_it_was(
    #[case] meanwhile: fn(&Path),
    #[case] ends: Option<&str>,
    #[values(false, true)] closing: bool,
) {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), Codec::H264, 5);
    let segments = footage::segments(&world.dir.path().join("slots"), &source);
    world.store(&segments[..1]).await;
    let part = world.day().join(&world.files()[1]);
    let disks = Disks::of(&world);
    disks.unmount();
    meanwhile(&disks.away.join(part.strip_prefix(&disks.root).expect("below")));
    disks.mount();
    let left = fs::read(&part).ok();
    world.claim(1, &segments[1], 0.0);
    if !closing {
        world.order(CLIP, 1, 0, 2.0);
        let event = world.event().await;
        match (ends, event) {
            (None, Event::Appended { .. }) => {}
            (Some(words), Event::Warning(text)) => {
                assert!(text.contains(words) && text.ends_with(')'), "{text}");
                let failed = world.event().await;
                assert!(matches!(failed, Event::AppendFailed { failure: AppendFailure::Different, .. }), "{failed:?}");
                assert_eq!(fs::read(&part).ok(), left, "it stays as it is");
                assert!(world.claimed(1).exists());
            }
            (_, other) => panic!("{other:?}"),
        }
    }
    world.archive.close_clip(CLIP, record(world.start));
    let mut event = world.event().await;
    if let (Some(words), true, Event::Warning(text)) = (ends, closing, &event) {
        assert!(text.contains(words), "{text}");
        event = world.event().await;
    }
    let Event::ClipClosed { result: Ok(path), .. } = event else { panic!("{event:?}") };
    match ends {
        Some(_) => assert_eq!((path.as_str(), fs::read(&part).ok()), ("", left), "it is left to the next start"),
        None => {
            let clip = PathBuf::from(path);
            assert_eq!(read_record(&clip).blake3.as_deref(), Some(blake3_of(&clip).as_str()));
            assert_eq!(footage::packets(&clip)[&0].len(), if closing { 50 } else { 100 });
        }
    }
}

/// What is written to a file that has no name any more is gone when it is closed.
#[rstest]
#[case::removed(|part: &Path| fs::remove_file(part).expect("removed"), "is gone")]
#[case::with_its_day(|part: &Path| fs::remove_dir_all(part.parent().expect("a day")).expect("removed"), "is gone")]
#[case::replaced(|part: &Path| {
    fs::remove_file(part).expect("removed");
    fs::write(part, [7; 1 << 20]).expect("written");
}, "holds something else")]
#[tokio::test]
async fn a_clip_that_is_removed_while_it_grows_gets_nothing_more(#[case] meanwhile: fn(&Path), #[case] words: &str) {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), Codec::H264, 5);
    let segments = footage::segments(&world.dir.path().join("slots"), &source);
    world.store(&segments[..1]).await;
    meanwhile(&world.day().join(&world.files()[1]));
    world.claim(1, &segments[1], 0.0);
    world.order(CLIP, 1, 0, 2.0);
    assert!(matches!(world.event().await, Event::Warning(text) if text.contains(words)));
    assert!(matches!(world.event().await, Event::AppendFailed { failure: AppendFailure::Different, .. }));
    assert!(world.claimed(1).exists());
    world.order(ClipId(8), 1, 0, 2.0);
    assert!(matches!(world.event().await, Event::ClipOpened { .. }));
    assert!(matches!(world.event().await, Event::Appended { .. }));
}

fn longer(part: &Path) {
    let stump = OpenOptions::new().append(true).open(part).and_then(|mut file| file.write_all(&[7; 3000]));
    stump.expect("what an append leaves that was cut off");
}

fn other_byte(part: &Path) {
    let mut bytes = fs::read(part).expect("a clip");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(part, bytes).expect("written");
}

/// A disk that is not mounted when the recorder starts: it waits for it, and finishes then what was left.
#[tokio::test]
async fn an_archive_that_was_there_before_may_come_later() {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), Codec::H264, 6);
    let segments = footage::segments(&world.dir.path().join("slots"), &source);
    world.store(&segments[..1]).await;
    world.claim(1, &segments[1], 4.0);
    let disks = Disks::of(&world);
    disks.unmount();
    let (mut world, recovered) = world.restart().await;
    assert!(recovered.clips.is_empty() && recovered.sentences[0].contains("1 segments of an earlier event wait"));
    let Event::ArchiveSpace(Err(why)) = world.event().await else { panic!("no alarm") };
    assert!(why.contains("is its disk mounted?") && why.contains("remove"), "{why}");
    // New footage, of a new event; it has to wait as well, and is not taken for what was left.
    fs::copy(&segments[2], world.claimed(2)).expect("claimed");
    assert!(matches!(world.refuse(2).await, AppendFailure::Archive(text) if text.contains("is its disk mounted?")));

    disks.mount();
    let mut said = Vec::new();
    let clips = loop {
        match world.event().await {
            Event::Note(text) => said.push(text),
            Event::ClipsFound(clips) => break clips,
            other => panic!("{other:?}"),
        }
    };
    assert!(said.iter().any(|text| text.contains("1 more segment from RAM")), "{said:?}");
    assert!(matches!(world.event().await, Event::ArchiveSpace(Ok(_))));
    assert_eq!((clips.len(), world.claimed(1).exists(), world.claimed(2).exists()), (1, false, true));
    assert_eq!(footage::packets(Path::new(&clips[0].path))[&0].len(), 100);
    world.append(2, 0, 0.0).await;
    assert_eq!(footage::packets(&world.close().await)[&0].len(), 50);
}

/// Who means a new place removes what is remembered of the old one; nothing has to be started again.
#[tokio::test]
async fn a_place_without_its_archive_is_taken_when_a_person_says_so() {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), Codec::H264, 5);
    let segments = footage::segments(&world.dir.path().join("slots"), &source);
    world.store(&segments[..1]).await;
    Disks::of(&world).unmount();
    world.claim(1, &segments[1], 0.0);
    let AppendFailure::Archive(text) = world.refuse(1).await else { panic!("taken") };
    let file = text.split("remove ").nth(1).and_then(|rest| rest.strip_suffix(')')).expect("a file");
    fs::remove_file(file).expect("what the sentence says");
    world.order(CLIP, 1, 0, 2.0);
    assert!(matches!(world.event().await, Event::Warning(text) if text.contains("is gone")));
    assert!(matches!(world.event().await, Event::AppendFailed { failure: AppendFailure::Different, .. }));
    world.order(ClipId(8), 1, 0, 2.0);
    assert!(matches!(world.event().await, Event::ClipOpened { .. }));
    assert!(matches!(world.event().await, Event::Appended { .. }));
    assert!(Path::new(file).exists(), "the new one is remembered");
}

/// A first start is one that a person watches: what cannot work is said at once.
#[tokio::test]
async fn a_mistake_at_the_first_start_is_an_error() {
    let place = tempfile::tempdir().expect("a place");
    fs::write(place.path().join("file"), "").expect("written");
    let (events, _listener) = mpsc::channel(1);
    let at = place.path().join("file/clips");
    let refused = Archive::open(&at, place.path().join("ring"), place.path(), events).await.err().expect("an error");
    assert!(refused.contains("file/clips cannot be used: not a directory") && refused.ends_with(')'), "{refused}");
}
