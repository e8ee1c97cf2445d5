//! File systems and mounts of a test's own: they fill up, fail, go away and come back for real. That needs the right to
//! mount; whoever has it not gets none, and the reason is printed.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// For tests that need what only root may do: mounts of their own, gone with the test however it ends. Answers whether
/// that worked, and says so if not.
pub fn own_mounts(what: &str) -> bool {
    let may = rustix::process::getuid().is_root() && Path::new("/dev/fuse").exists() && unshare().is_ok();
    if !may {
        eprintln!("{what} is left out: it needs root, /dev/fuse and leave to mount, for a disk that breaks");
        return false;
    }
    run("mount", &["--make-rprivate", "/"]).expect("mounts of its own");
    true
}

#[allow(unsafe_code, reason = "with NEWNS nothing is unshared that the compiler relies on, such as open files")]
fn unshare() -> rustix::io::Result<()> {
    // SAFETY: only the view of mounts is this thread's own from now on.
    unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNS) }
}

/// A file system in a directory, until it is dropped.
pub struct Mount {
    /// Where.
    pub at: PathBuf,
    what: What,
    is_there: bool,
}

enum What {
    /// In RAM, and gone with its mount.
    Tmpfs,
    /// An image in a file: it can be mounted again, and what was in it is there again.
    Ext4(PathBuf),
}

impl Mount {
    /// A tmpfs of such a size (`8m`) at a directory that exists. `None` where mounting is not allowed.
    pub fn tmpfs(at: &Path, size: &str) -> Option<Mount> {
        let options = format!("size={size},mode=0755");
        let done = run("mount", &["-t", "tmpfs", "-o", &options, "nvr-test", text(at)]);
        Self::made(at, What::Tmpfs, done)
    }

    /// An ext4 of so many MiB at a directory that exists, in the file `image`, which is made. After an error it is
    /// read-only, as disks are usually mounted. `None` where mounting is not allowed.
    pub fn ext4(at: &Path, image: &Path, mib: u64) -> Option<Mount> {
        let file = std::fs::File::create(image).expect("an image");
        file.set_len(mib << 20).expect("its size");
        run("mkfs.ext4", &["-q", "-F", "-m", "0", text(image)]).expect("mkfs.ext4 (run: apt install e2fsprogs)");
        let done = mount_image(image, at);
        Self::made(at, What::Ext4(image.to_owned()), done)
    }

    fn made(at: &Path, what: What, done: Result<(), String>) -> Option<Mount> {
        match done {
            Ok(()) => Some(Mount { at: at.to_owned(), what, is_there: true }),
            Err(why) => {
                eprintln!("left out, for nothing can be mounted here: {why} (run it as root)");
                None
            }
        }
    }

    /// Mounts it anew with other options, such as `ro`.
    pub fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        run("mount", &["-o", &options, text(&self.at)]).expect("another way of mounting");
    }

    /// Takes it away, whoever has files open in it: they keep them.
    pub fn detach(&mut self) {
        run("umount", &["--lazy", text(&self.at)]).expect("unmounted");
        self.is_there = false;
    }

    /// Mounts it again after [`Mount::detach`]. A tmpfs is a new and empty one.
    pub fn attach(&mut self) {
        let done = match &self.what {
            What::Tmpfs => run("mount", &["-t", "tmpfs", "nvr-test", text(&self.at)]),
            What::Ext4(image) => mount_image(image, &self.at),
        };
        done.expect("mounted again");
        self.is_there = true;
    }

    /// Has the file system find an error in itself, which makes an ext4 read-only until it is mounted again.
    pub fn break_down(&self) {
        let device = source(&self.at);
        let name = device.rsplit('/').next().expect("a name");
        std::fs::write(format!("/sys/fs/ext4/{name}/trigger_fs_error"), "as a test").expect("an error");
    }

    /// Nothing that writes or changes a name in it gets on until what this answers is dropped. Keep that shorter than any
    /// recorder: one that waits for its disk cannot even be killed.
    pub fn freeze(&self) -> Frozen<'_> {
        run("fsfreeze", &["--freeze", text(&self.at)]).expect("frozen");
        Frozen(self)
    }
}

/// A file system in which nothing gets on.
pub struct Frozen<'a>(&'a Mount);

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        run("fsfreeze", &["--unfreeze", text(&self.0.at)]).expect("thawed");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if self.is_there {
            // Nobody is left to hear of a failure.
            let _ = run("umount", &["--lazy", text(&self.at)]);
        }
    }
}

fn mount_image(image: &Path, at: &Path) -> Result<(), String> {
    run("mount", &["-t", "ext4", "-o", "loop,errors=remount-ro", text(image), text(at)])
}

/// The device that is mounted there.
fn source(at: &Path) -> String {
    let found = Command::new("findmnt").args(["-n", "-o", "SOURCE", text(at)]).output().expect("findmnt");
    String::from_utf8(found.stdout).expect("text").trim().to_owned()
}

fn run(program: &str, args: &[&str]) -> Result<(), String> {
    let done = Command::new(program).args(args).output().map_err(|error| format!("{program}: {error}"))?;
    match done.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&done.stderr).trim().to_owned()),
    }
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}
