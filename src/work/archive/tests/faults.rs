//! Disks that fail.

use super::*;

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
        assert_eq!(sha256(&clip), healthy);
        assert_eq!(read_record(&clip).sha256.as_deref(), Some(healthy.as_str()));
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
    let durable = sha256(&part);

    world.claim(1, &segments[1], 0.0);
    *plan.lock().expect("no panic") = Plan { step: 0, fail: 0..failures, errno: 28 };
    assert!(matches!(world.refuse(1).await, AppendFailure::Archive(_)));
    assert_eq!(sha256(&part) == durable, failures == 1);
    let clip = world.close().await;
    assert_eq!(sha256(&clip), durable);
    assert_eq!(read_record(&clip).sha256.as_deref(), Some(durable.as_str()));
}

/// What an unmounted disk leaves is an empty directory, and what is mounted in its place is another archive.
#[tokio::test]
async fn nothing_is_stored_where_the_archive_is_not_any_more() {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), Codec::H264, 5);
    let segments = footage::segments(&world.dir.path().join("slots"), &source);
    world.store(&segments[..1]).await;
    let (root, away) = (world.root().to_owned(), world.dir.path().join("unmounted"));
    world.claim(1, &segments[1], 0.0);
    fs::rename(&root, &away).expect("moved");
    fs::create_dir(&root).expect("an empty directory");
    for _ in 0..2 {
        let failure = world.refuse(1).await;
        assert!(
            matches!(&failure, AppendFailure::Archive(text) if text.contains("is its disk mounted?")),
            "{failure:?}"
        );
        assert!(world.claimed(1).exists());
        let home = world.archive.home();
        assert!(home.dir().is_err_and(|text| text.contains("is its disk mounted?")), "nor looked at");
        fs::write(root.join(".lock"), "").expect("another archive");
    }
    fs::remove_dir_all(&root).expect("gone");
    fs::rename(&away, &root).expect("back");
    world.append(1, 0, 2.0).await;
    let clip = world.close().await;
    assert_eq!(read_record(&clip).sha256.as_deref(), Some(sha256(&clip).as_str()));
}
