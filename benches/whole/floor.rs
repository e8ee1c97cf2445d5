//! What writing costs alone: the bytes of so many cameras, read from RAM, written to a file of each and synced, in pieces
//! of a second, and given up in RAM afterwards. It hashes nothing, knows no clips and never waits. What a recorder takes
//! beyond it is its own; whoever promises that a power cut costs about a second cannot take less.

use crate::material::{self, Kind};
use rustix::fs::{Advice, fadvise};
use rustix::time::{ClockId, clock_gettime};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

/// Of each camera.
const PIECES: u64 = 10;
/// What a camera sends in a second, at 4 Mbit/s.
const PIECE: usize = 500_000;

fn processor() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).expect("less than a second"))
}

/// One camera's bytes, in RAM and on the disk.
struct Camera {
    ram: File,
    disk: File,
}

impl Camera {
    fn new(ram: &Path, disk: &Path, number: usize, bytes: &[u8]) -> Camera {
        let open = |dir: &Path| {
            let path = dir.join(number.to_string());
            File::options().read(true).write(true).create_new(true).open(path).expect("a file")
        };
        let camera = Camera { ram: open(ram), disk: open(disk) };
        camera.ram.write_all_at(bytes, 0).expect("written");
        camera
    }

    fn write(&self, piece: u64, buffer: &mut [u8]) -> Duration {
        let at = piece * PIECE as u64;
        let before = processor();
        self.ram.read_exact_at(buffer, at).expect("read");
        self.disk.write_all_at(buffer, at).expect("written");
        self.disk.sync_data().expect("synced");
        let took = processor() - before;
        // Memory that the kernel has not had before is dear on a virtual machine, and that is nobody's fault here.
        fadvise(&self.disk, at, None, Advice::DontNeed).expect("a hint");
        took
    }
}

/// Per cent of one core, for so many cameras that are all saved. One thread, so it is to be called on one of its own.
pub fn percent(cameras: usize) -> f64 {
    let source = std::fs::read(material::file(Kind::FourMbit, crate::cameras::MATERIAL)).expect("footage");
    let ram = tempfile::tempdir_in("/dev/shm").expect("a place in RAM");
    let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a place on disk");
    let bytes = &source[..PIECES as usize * PIECE];
    let all: Vec<_> = (0..cameras).map(|number| Camera::new(ram.path(), disk.path(), number, bytes)).collect();
    let mut buffer = vec![0; PIECE];
    let mut took = Duration::ZERO;
    for piece in 0..PIECES {
        took += all.iter().map(|camera| camera.write(piece, &mut buffer)).sum::<Duration>();
    }
    let before = processor();
    for camera in all {
        camera.ram.set_len(0).expect("given up");
    }
    took += processor() - before;
    took.as_secs_f64() / PIECES as f64 * 100.0
}
