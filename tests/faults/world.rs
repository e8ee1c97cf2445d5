//! Cameras, a disk, a recorder, and all that goes wrong with them; with a ledger of what was sent, what was wanted and
//! what was done, by a clock that is not the recorder's.

use super::disk::{Disk, Mood as DiskMood};
use super::fault::Fault;
use super::feed::Feed;
use super::material::{Kind, Material, run};
use super::mounts::{own_mounts, text};
use super::nvr_process::{Nvr, Place};
use super::smtp::lettre;
use super::terminal::Session;
use jiff::Timestamp;
use nvr::model::snapshot::CameraState;
use nvr::model::time::Mono;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::time::timeout;

pub const PRE_ROLL: Duration = Duration::from_secs(3);
pub const POST_ROLL: Duration = Duration::from_secs(5);
/// Longer than any answer takes on a machine that is busy.
pub const ANSWER: Duration = Duration::from_secs(30);

/// What lies farther than this outside of a clip's time is another camera's.
pub const AROUND: Duration = Duration::from_secs(3);

/// A trigger's instant lies between these two.
#[derive(Debug, Clone, Copy)]
pub struct Fired {
    pub camera: usize,
    pub before: Instant,
    pub after: Instant,
}

/// A fault that happened.
#[derive(Debug, Clone)]
pub struct Suffered {
    pub fault: &'static Fault,
    /// Whom it hit; `None`: everybody.
    pub camera: Option<usize>,
    pub injected: Instant,
    pub healed: Option<Instant>,
    /// When the recorder had got over it: every camera that was hit is recorded, nothing waits.
    pub over: Option<Instant>,
    /// The last two segments of each camera since it was healed.
    pub seen: Vec<Vec<Mono>>,
}

/// One recorder with all that surrounds it.
pub struct World {
    pub nvr: Option<Nvr>,
    /// Monitors and clients that misbehave.
    pub monitors: Vec<Session>,
    pub deaf: Vec<UnixStream>,
    pub silent: Vec<TcpStream>,
    pub feeds: Vec<Feed>,
    pub names: Vec<String>,
    /// Of the archive, where the test may mount one.
    pub disk: Option<Disk>,
    pub place: Place,
    pub fired: Vec<Fired>,
    pub suffered: Vec<Suffered>,
    /// Of every recorder so far.
    pub logs: Vec<watch::Receiver<String>>,
    /// What both clocks showed at one instant.
    pub anchor: (Instant, Timestamp),
    /// Every clip that was seen under its final name, with inode and size.
    clips: BTreeMap<PathBuf, (u64, u64)>,
}

impl World {
    /// A recorder with cameras of these kinds that can send for so many seconds. With mounts of its own, if it may.
    pub async fn start(cameras: usize, kinds: [Kind; 2], seconds: u32, disk_bytes: usize) -> World {
        let materials: Vec<_> = (0..cameras).map(|at| Material::get(kinds[at % 2], seconds)).collect();
        let (now, apart) = (Instant::now(), 2 * AROUND);
        let began = |at: usize| now.checked_sub(apart * at as u32).expect("a machine that runs for a minute");
        let feeds = materials.into_iter().enumerate().map(|(at, it)| Feed::since(began(at), "127.0.0.1", it));
        let feeds: Vec<_> = feeds.collect();
        let names: Vec<_> = (1..=cameras).map(|number| format!("camera-{number}")).collect();
        let blocks: Vec<_> = feeds.iter().zip(&names).map(|(feed, name)| feed.camera(name)).collect();
        let mut place = Place::new(blocks.concat());
        place.trigger = format!("pre_roll = '{}s'\npost_roll = '{}s'\n", PRE_ROLL.as_secs(), POST_ROLL.as_secs());
        let disk = own_mounts("what needs a disk that breaks").then(|| mount(&place, cameras, disk_bytes));
        let nvr = place.start().await;
        let (anchor, logs) = ((Instant::now(), Timestamp::now()), vec![nvr.log.clone()]);
        let mut world = World {
            nvr: Some(nvr),
            monitors: Vec::new(),
            deaf: Vec::new(),
            silent: Vec::new(),
            feeds,
            names,
            disk,
            place,
            fired: Vec::new(),
            suffered: Vec::new(),
            logs,
            anchor,
            clips: BTreeMap::new(),
        };
        world.nvr().recording(4).await;
        world
    }

    pub fn nvr(&mut self) -> &mut Nvr {
        self.nvr.as_mut().expect("a recorder runs")
    }

    /// Wants footage of a camera, unless no recorder runs.
    pub async fn fire(&mut self, camera: usize, by_mail: bool) {
        let Some(nvr) = &self.nvr else { return };
        let (name, before) = (&self.names[camera], Instant::now());
        let told = async {
            if by_mail {
                lettre(nvr, name, "Motion Detected").await;
            } else {
                nvr.trigger(name).await;
            }
        };
        timeout(ANSWER, told).await.unwrap_or_else(|_| panic!("{name}: no answer to a trigger in {ANSWER:?}"));
        self.fired.push(Fired { camera, before, after: Instant::now() });
    }

    /// Looks whether the recorder has got over the `at`th fault, which was healed.
    pub fn is_over(&mut self, at: usize) -> bool {
        let Some(nvr) = &mut self.nvr else { return false };
        let picture = nvr.picture();
        let ill: Vec<_> = self.suffered.iter().filter(|it| it.over.is_none()).filter_map(|it| it.camera).collect();
        let hit: Vec<_> = match self.suffered[at].camera {
            Some(camera) => vec![camera],
            // Who has a trouble of his own meanwhile is not waited for.
            None => (0..self.names.len()).filter(|camera| !ill.contains(camera)).collect(),
        };
        let suffered = &mut self.suffered[at];
        for camera in &hit {
            let seen = &mut suffered.seen[*camera];
            let last = picture.cameras[*camera].last_segment;
            seen.extend(last.filter(|last| seen.last() != Some(last)));
        }
        let recorded = |camera: &usize| {
            // The first that is seen may have been there before, the second may have begun before.
            let goes_on = suffered.seen[*camera].len() > 2;
            goes_on && matches!(picture.cameras[*camera].state, CameraState::Recording { .. })
        };
        let well = picture.archive.trouble.is_none() && picture.archive.backlog == 0 && picture.ring.trouble.is_none();
        let over = hit.iter().all(recorded) && well;
        suffered.over = over.then(Instant::now);
        over
    }

    /// Waits until all events are over and stored, and stops the recorder.
    pub async fn settle(&mut self) {
        let nvr = self.nvr.as_mut().expect("a recorder runs");
        nvr.until("an end of all events", |it| {
            let calm = it.cameras.iter().all(|camera| camera.event.is_none() && camera.backlog == 0);
            calm.then_some(())
        })
        .await;
        self.nvr.take().expect("it runs").stop().await;
        self.place.assert_tidy();
    }

    /// Notes every clip that has its final name. One that is another file than before was overwritten.
    pub fn note_clips(&mut self) {
        if self.disk.as_ref().is_some_and(|disk| !disk.is_well()) {
            return; // who looks would have to wait
        }
        let mut places = vec![self.place.archive.clone()];
        while let Some(place) = places.pop() {
            for entry in std::fs::read_dir(&place).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.extension().is_some_and(|ending| ending == "mp4") {
                    let Ok(meta) = entry.metadata() else { continue };
                    let now = (meta.ino(), meta.len());
                    let before = *self.clips.entry(path.clone()).or_insert(now);
                    assert_eq!(before, now, "{path:?} was overwritten");
                } else if path.extension().is_none() && path.is_dir() {
                    places.push(path);
                }
            }
        }
    }

    /// Every clip that was there still is.
    pub fn assert_clips_kept(&self) {
        for (path, (_, size)) in &self.clips {
            let now = std::fs::metadata(path).unwrap_or_else(|error| panic!("{path:?} is gone: {error}")).len();
            assert_eq!(now, *size, "{path:?} was changed");
        }
    }

    /// What the clock on the wall showed.
    pub fn wall(&self, at: Instant) -> Timestamp {
        let (instant, wall) = self.anchor;
        match at.checked_duration_since(instant) {
            Some(after) => wall + after,
            None => wall - instant.duration_since(at),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.nvr.take());
        self.monitors.clear();
        let Some(disk) = &self.disk else { return };
        disk.is(DiskMood::Well);
        // Below each of these may lie another one; what cannot be unmounted was not mounted.
        for place in
            [&self.place.archive, &self.place.archive, &self.place.dir.path().join("mounted"), &self.place.ring()]
        {
            let _ = std::process::Command::new("umount").args(["-q", "-l"]).arg(place).status();
        }
    }
}

/// What the RAM disk holds: ten times what the cameras need for a minute.
const RING_BYTES_A_CAMERA: usize = 32 << 20;

/// The archive on a disk that breaks, and the ring on a RAM disk that can be filled.
pub fn mount(place: &Place, cameras: usize, disk_bytes: usize) -> Disk {
    let disk = Disk::empty(&place.dir.path().join("device"), disk_bytes);
    let mounted = place.dir.path().join("mounted");
    disk.mount(&mounted);
    std::fs::create_dir(mounted.join("archive")).expect("a directory on the disk");
    std::fs::create_dir(&place.archive).expect("a directory to mount it on");
    plug(place, "archive");
    let size = format!("size={}", RING_BYTES_A_CAMERA * cameras);
    run("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", text(&place.ring())]);
    disk
}

/// The archive's disk appears where the archive is meant to be.
pub fn plug(place: &Place, dir: &str) {
    let mounted = place.dir.path().join("mounted").join(dir);
    run("mount", &["--bind", text(&mounted), text(&place.archive)]);
}

/// The disk was pulled out and is plugged in again: what has files open on it keeps a dead file system.
pub fn replug(place: &Place, disk: &mut Disk) {
    let mounted = place.dir.path().join("mounted");
    run("umount", &["--lazy", text(&place.archive)]);
    run("umount", &["--lazy", text(&mounted)]);
    let device = tempfile::Builder::new().prefix("device-").tempdir_in(place.dir.path()).expect("a place").keep();
    disk.plug(&device.join("again"));
    disk.mount(&mounted);
    plug(place, "archive");
}
