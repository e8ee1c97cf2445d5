//! How long one step of the model takes, and a picture of it: with one camera, with 64, with a thousand.
//!
//! `cargo bench --bench core`. The rings are full and every camera is recorded. Nothing is carried out here: what that
//! costs is measured by `benches/whole`.

use criterion::{BatchSize, Bencher, BenchmarkId, Criterion, criterion_group, criterion_main};
use nvr::config;
use nvr::link::frame;
use nvr::link::protocol::ToClient;
use nvr::model::effect::Effect;
use nvr::model::event::{CameraNews, Event, Mail, SlotFile, Space};
use nvr::model::id::{CameraName, RunId};
use nvr::model::recorder::{Input, Recorder, Remembered};
use nvr::model::settings;
use nvr::model::snapshot::Media;
use nvr::model::time::{Anchor, Mono, Wall};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

const CAMERAS: [usize; 3] = [1, 64, 1000];
const SEGMENT: Duration = Duration::from_secs(1);
const SLOTS: u32 = 10;
/// FFmpeg's file names begin anew after so many.
const WRAP: u32 = SLOTS + 2;
const BYTES: u64 = 500_000;
const INSTANT: Duration = Duration::from_micros(1);

/// A camera, the life of its FFmpeg, and the slot that is open.
struct Camera {
    name: CameraName,
    run: RunId,
    slot: u32,
}

/// A recorder whose rings are full.
struct Rig {
    recorder: Recorder,
    cameras: Vec<Camera>,
    now: Mono,
    next: usize,
}

impl Rig {
    fn new(cameras: usize) -> Rig {
        let dir = tempfile::tempdir().expect("a place");
        let file = dir.path().join("nvr.toml");
        let ring = format!("[ring]\nsegment = '1s'\nslots = {SLOTS}\n[trigger]\npre_roll = '3s'\n");
        let others = "[recorder]\nstate_dir = 'state'\n[[camera]]\nname = 'camera'\nsource = 'rtsp://10.0.0.1/1'\n";
        std::fs::write(&file, ring + others).expect("a configuration");
        let mut settings = config::load(&file, &|_| None).expect("settings").settings;
        // More than a configuration may have.
        let camera = |number| settings::Camera {
            name: format!("camera-{number}").parse().expect("a name"),
            ..settings::Camera::clone(&settings.cameras[0])
        };
        settings.cameras = (0..cameras).map(camera).map(Arc::new).collect();
        let now = Mono(1_000_000_000);
        let anchor = Anchor { mono: now, wall: Wall::UNIX_EPOCH };
        let mut rig = Rig {
            recorder: Recorder::new(Arc::new(settings), &Remembered::default(), anchor),
            cameras: Vec::new(),
            now,
            next: 0,
        };
        while rig.cameras.len() < cameras {
            rig.now = rig.now + Duration::from_millis(100);
            for effect in rig.recorder.apply(rig.now, Input::Tick) {
                if let Effect::StartCamera { camera, run, slot, .. } = effect {
                    rig.cameras.push(Camera { name: camera.name.clone(), run, slot });
                }
            }
        }
        for number in 0..cameras {
            let Camera { name, run, slot } = &rig.cameras[number];
            let (camera, run, slot) = (name.clone(), *run, *slot);
            rig.apply(Event::Camera { camera: camera.clone(), run, news: CameraNews::Started });
            rig.apply(Event::Camera { camera: camera.clone(), run, news: CameraNews::Progress { frames: 25 } });
            rig.apply(Event::SlotOpened { camera, slot });
        }
        (0..cameras * SLOTS as usize).for_each(|_| rig.switch());
        rig
    }

    /// One step, and those that follow from it at once.
    fn apply(&mut self, event: Event) {
        let effects = self.recorder.apply(self.now, Input::Event(event));
        for effect in black_box(effects) {
            if let Effect::Claim { segment, bytes, .. } = effect {
                self.apply(Event::Claimed { segment, result: Ok(bytes.unwrap_or(BYTES)) });
            }
        }
    }

    /// The next camera goes on to its next slot; the second is over when all have.
    fn switch(&mut self) {
        self.now = self.now + SEGMENT / self.cameras.len() as u32;
        let camera = &mut self.cameras[self.next];
        let (name, closed) = (camera.name.clone(), camera.slot);
        camera.slot = (closed + 1) % WRAP;
        let opened = camera.slot;
        self.next = (self.next + 1) % self.cameras.len();
        let media = Media { video: "h264".to_owned(), width: 1920, height: 1080, audio: Some("aac".to_owned()) };
        let file = SlotFile { slot: closed, bytes: BYTES + u64::from(closed) };
        self.apply(Event::SlotClosed { camera: name.clone(), file, media: Some(media) });
        self.apply(Event::SlotOpened { camera: name, slot: opened });
    }

    fn tick(&mut self) {
        self.now = self.now + INSTANT;
        black_box(self.recorder.apply(self.now, Input::Tick));
    }

    /// What a sweep finds.
    fn swept(&self) -> Event {
        let files = |open: u32| {
            let finished = (1..=SLOTS).map(|back| (open + WRAP - back) % WRAP);
            let finished = finished.map(|slot| SlotFile { slot, bytes: BYTES + u64::from(slot) });
            finished.chain([SlotFile { slot: open, bytes: 1000 }]).collect()
        };
        let rings = self.cameras.iter().map(|camera| (camera.name.clone(), files(camera.slot))).collect();
        Event::Swept { rings, ram: Some(Space { total: 1 << 40, free: 1 << 39 }) }
    }

    fn mail(&mut self) {
        self.now = self.now + INSTANT;
        self.next = (self.next + 1) % self.cameras.len();
        let to = format!("{}@nvr", self.cameras[self.next].name);
        let bare = Mail::bare([10, 0, 0, 1].into(), "camera@lan".to_owned(), vec![to]);
        let mail = Mail { subject: "Motion Detected".to_owned(), ..bare };
        self.apply(Event::Mail(mail));
    }
}

fn measure(criterion: &mut Criterion, what: &str, cameras: usize, mut with: impl FnMut(&mut Bencher<'_>)) {
    criterion.bench_with_input(BenchmarkId::new(what, cameras), &cameras, |bench, _| with(bench));
}

fn steps(criterion: &mut Criterion) {
    for cameras in CAMERAS {
        let mut step = |name: &str, act: fn(&mut Rig)| {
            let mut rig = Rig::new(cameras);
            measure(criterion, name, cameras, |bench| bench.iter(|| act(&mut rig)));
        };
        step("slot", Rig::switch);
        step("tick", Rig::tick);
        step("mail", Rig::mail);
        let mut rig = Rig::new(cameras);
        let swept = rig.swept();
        measure(criterion, "sweep", cameras, |bench| {
            bench.iter_batched(|| swept.clone(), |swept| rig.apply(swept), BatchSize::SmallInput);
        });
    }
}

fn pictures(criterion: &mut Criterion) {
    for cameras in CAMERAS {
        let rig = Rig::new(cameras);
        measure(criterion, "snapshot", cameras, |bench| {
            bench.iter(|| rig.recorder.snapshot(rig.now));
        });
        let word = ToClient::Snapshot(Arc::new(rig.recorder.snapshot(rig.now)));
        measure(criterion, "wire", cameras, |bench| {
            bench.iter(|| frame::encode(&word).expect("a line").len());
        });
    }
}

criterion_group! {
    name = core;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .without_plots();
    targets = steps, pictures
}
criterion_main!(core);
