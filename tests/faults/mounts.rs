//! Mounts that only this test sees, and that are gone with it however it ends.

use super::disk::Disk;
use super::material::run;
use super::nvr_process::Place;
use std::path::Path;

/// What the RAM disk holds: ten times what the cameras need for a minute.
const RING_BYTES_A_CAMERA: usize = 32 << 20;

pub fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// For tests that need what only root may do: mounts of their own, gone with the test however it ends. Answers whether
/// that worked, and says so if not.
pub fn own_mounts(what: &str) -> bool {
    let may = rustix::process::getuid().is_root() && Path::new("/dev/fuse").exists() && unshare().is_ok();
    if !may {
        eprintln!("{what} is left out: it needs root, /dev/fuse and leave to mount, for a disk that breaks");
        return false;
    }
    run("mount", &["--make-rprivate", "/"]);
    true
}

#[allow(unsafe_code, reason = "with NEWNS nothing is unshared that the compiler relies on, such as open files")]
fn unshare() -> rustix::io::Result<()> {
    // SAFETY: only the view of mounts is this thread's own from now on.
    unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNS) }
}

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
