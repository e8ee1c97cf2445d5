//! A disk that does as it is told: it lags, breaks, and loses its power at an instant that is known.
//!
//! It is a file that this process serves (FUSE), with a loop device on it and ext4 on that. So every write and every
//! flush that the file system sends to its device passes through here, in order, and what a power cut leaves is not
//! guessed: all that was written before the last flush, and of the sectors written since then any, old or new. What the
//! kernel still had in memory never came here and is gone.

use super::material::run;
use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, INodeNo, LockOwner, MountOption,
    OpenFlags, ReplyAttr, ReplyData, ReplyEmpty, ReplyWrite, Request, Session, WriteFlags,
};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, UNIX_EPOCH};

/// What a disk writes as a whole, or not at all.
const SECTOR: usize = 512;

/// A disk that hangs answers after so long all the same: whoever waits for it cannot be ended.
const LONGEST: Duration = Duration::from_secs(60);

/// How a disk behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Well,
    /// So many bytes a second can be written.
    Slow(u64),
    /// Nothing is answered.
    Hangs,
    /// Every read and write fails.
    Broken,
}

/// A disk, for as long as this is kept. It is mounted where [`Disk::mount`] says.
pub struct Disk {
    drive: Arc<Drive>,
    /// The files that stand for the device: one for every time that it was plugged in.
    plugs: Vec<(PathBuf, Served)>,
}

/// A thread that holds what the kernel talks to; it lets go of it when this is dropped.
struct Served {
    over: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What survives a power cut, and when it was.
pub struct Image {
    pub at: Instant,
    pub bytes: Vec<u8>,
    /// Sectors that had been written and not flushed, and how many of these are lost.
    pub unflushed: (usize, usize),
}

struct Drive {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    mood: Mood,
    /// How often it was plugged in: what was mounted before is as dead as the disk was when it was pulled out.
    plugged: usize,
    bytes: Vec<u8>,
    /// What stood in the sectors that were written since the last flush.
    before: BTreeMap<usize, [u8; SECTOR]>,
}

impl Drive {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the disk answers, then does the work, unless it is broken or no longer plugged in so.
    fn work<T>(&self, plug: usize, bytes: usize, work: impl FnOnce(&mut State) -> T) -> Option<T> {
        let since = Instant::now();
        let mut state = self.state();
        loop {
            let wait = match state.mood {
                _ if plug != state.plugged => return None,
                Mood::Well => break,
                Mood::Broken => return None,
                Mood::Hangs if since.elapsed() > LONGEST => break,
                Mood::Hangs => LONGEST,
                Mood::Slow(rate) => {
                    let due = Duration::from_secs_f64(bytes as f64 / rate as f64);
                    let Some(left) = due.checked_sub(since.elapsed()).filter(|left| !left.is_zero()) else { break };
                    left
                }
            };
            state = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(work(&mut state))
    }
}

impl State {
    fn write(&mut self, offset: usize, data: &[u8]) {
        for sector in offset / SECTOR..(offset + data.len()).div_ceil(SECTOR) {
            let old = &self.bytes[sector * SECTOR..(sector + 1) * SECTOR];
            self.before.entry(sector).or_insert_with(|| old.try_into().expect("a sector"));
        }
        self.bytes[offset..offset + data.len()].copy_from_slice(data);
    }
}

/// The kernel's side of a drive: a file system of one file, which is its root.
struct Plug(Arc<Drive>, usize);

impl Filesystem for Plug {
    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        let size = self.0.state().bytes.len() as u64;
        let (at, blocks, blksize) = (UNIX_EPOCH, size / SECTOR as u64, 4096);
        let (kind, perm, nlink, uid, gid, rdev, flags) = (FileType::RegularFile, 0o600, 1, 0, 0, 0, 0);
        let (atime, mtime, ctime, crtime) = (at, at, at, at);
        let attr = FileAttr {
            ino,
            size,
            blocks,
            atime,
            mtime,
            ctime,
            crtime,
            kind,
            perm,
            nlink,
            uid,
            gid,
            rdev,
            blksize,
            flags,
        };
        reply.attr(&Duration::from_secs(3600), &attr);
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let read = |state: &mut State| {
            let end = state.bytes.len().min(offset as usize + size as usize);
            state.bytes[end.min(offset as usize)..end].to_vec()
        };
        match self.0.work(self.1, 0, read) {
            Some(bytes) => reply.data(&bytes),
            None => reply.error(Errno::EIO),
        }
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.0.work(self.1, data.len(), |state| state.write(offset as usize, data)) {
            Some(()) => reply.written(data.len() as u32),
            None => reply.error(Errno::EIO),
        }
    }

    fn fsync(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        match self.0.work(self.1, 0, |state| state.before.clear()) {
            Some(()) => reply.ok(),
            None => reply.error(Errno::EIO),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }
}

impl Disk {
    /// A disk of so many bytes with an empty ext4 on it. `place` is where the file that stands for it goes.
    pub fn empty(place: &Path, size: usize) -> Disk {
        let disk = Disk::of(place, vec![0; size]);
        let options = "lazy_itable_init=0,lazy_journal_init=0,nodiscard";
        run("mkfs.ext4", &["-q", "-F", "-E", options, disk.device()]);
        disk
    }

    /// A disk that holds what another held.
    pub fn of(place: &Path, bytes: Vec<u8>) -> Disk {
        let state = State { mood: Mood::Well, plugged: 0, bytes, before: BTreeMap::new() };
        let drive = Arc::new(Drive { state: Mutex::new(state), changed: Condvar::new() });
        let mut disk = Disk { drive, plugs: Vec::new() };
        disk.plug(place);
        disk
    }

    /// It is pulled out and plugged in again: as another device, and what was mounted from the last one fails for ever.
    pub fn plug(&mut self, place: &Path) {
        std::fs::write(place, "").expect("a file for the disk");
        let plugged = {
            let mut state = self.drive.state();
            (state.plugged, state.mood) = (self.plugs.len(), Mood::Well);
            state.plugged
        };
        self.drive.changed.notify_all();
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("nvr-test-disk".to_owned())];
        self.plugs.push((place.to_owned(), Served::start(Plug(self.drive.clone(), plugged), place, config)));
    }

    fn device(&self) -> &str {
        self.plugs.last().and_then(|(place, _)| place.to_str()).expect("a path in UTF-8")
    }

    /// Mounts what is on it, after the file system has mended what a power cut left.
    pub fn mount(&self, at: &Path) {
        std::fs::create_dir_all(at).expect("a place to mount it");
        let (device, _) = run("losetup", &["--find", "--show", self.device()]);
        run("mount", &["-t", "ext4", "-o", "nodiscard", device.trim(), at.to_str().expect("a path in UTF-8")]);
        run("losetup", &["--detach", device.trim()]); // goes as soon as nothing is mounted from it
    }

    pub fn is(&self, mood: Mood) {
        self.drive.state().mood = mood;
        self.drive.changed.notify_all();
    }

    /// Whether it answers as it should.
    pub fn is_well(&self) -> bool {
        self.drive.state().mood == Mood::Well
    }

    /// Whether a power cut would cost nothing that was written to it.
    pub fn is_flushed(&self) -> bool {
        self.drive.state().before.is_empty()
    }

    /// What would be on the disk if the power went now. `share` of what was written and not flushed is lost.
    pub fn cut(&self, random: &mut fastrand::Rng, share: f64) -> Image {
        let state = self.drive.state();
        let (at, mut bytes) = (Instant::now(), state.bytes.clone());
        let mut lost = 0;
        for (sector, old) in &state.before {
            if random.f64() < share {
                bytes[sector * SECTOR..(sector + 1) * SECTOR].copy_from_slice(old);
                lost += 1;
            }
        }
        Image { at, bytes, unflushed: (state.before.len(), lost) }
    }
}

impl Served {
    /// The thread has files of its own. Else, were this process killed while one of its threads waits for the disk, that
    /// thread would keep open what the disk is served by, and wait for ever for somebody who is dead.
    fn start(plug: Plug, place: &Path, config: Config) -> Served {
        let (place, (over, ended), (tell, told)) = (place.to_owned(), mpsc::channel::<()>(), mpsc::channel());
        let thread = std::thread::spawn(move || {
            let session = own_files().and_then(|()| Session::new(plug, place, &config)).and_then(Session::spawn);
            let _session: Option<BackgroundSession> = match session {
                Ok(session) => tell.send(Ok(())).ok().map(|()| session),
                Err(error) => tell.send(Err(error)).ok().and(None),
            };
            let _ = ended.recv(); // nothing is ever sent: it ends when the other side is dropped
        });
        let told: std::io::Result<()> = told.recv().expect("a thread that serves the disk");
        told.expect("FUSE (run as root, with /dev/fuse)");
        Served { over: Some(over), thread: Some(thread) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.over.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// This thread's open files are its own from now on, and it has none but the first three.
#[allow(unsafe_code, reason = "rustix does not wrap close_range; this thread has just begun and uses no open file")]
fn own_files() -> std::io::Result<()> {
    // SAFETY: the table that is closed is a copy that only this thread has.
    let done = unsafe { libc::close_range(3, u32::MAX, libc::CLOSE_RANGE_UNSHARE as i32) };
    if done == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.is(Mood::Well); // whoever waits for it may go
    }
}

#[cfg(test)]
mod tests {
    use super::super::mounts::own_mounts;
    use super::*;

    /// The disk itself is tested here, else all that rests on it is worth nothing.
    #[test]
    fn what_was_flushed_outlives_a_power_cut_and_what_was_not_does_not() {
        if !own_mounts("the test of the disk") {
            return;
        }
        let dir = tempfile::tempdir().expect("a place");
        let (disk, at) = (Disk::empty(&dir.path().join("device"), 32 << 20), dir.path().join("mounted"));
        disk.mount(&at);
        std::fs::write(at.join("durable"), "kept").expect("a file");
        File::open(at.join("durable")).and_then(|file| file.sync_all()).expect("durable");
        File::open(&at).and_then(|dir| dir.sync_all()).expect("durable");
        std::fs::write(at.join("not-durable"), "lost").expect("a file");
        let image = disk.cut(&mut fastrand::Rng::with_seed(1), 0.5);

        let (after, at_after) = (Disk::of(&dir.path().join("device-after"), image.bytes), dir.path().join("after"));
        after.mount(&at_after);
        assert_eq!(std::fs::read_to_string(at_after.join("durable")).expect("kept"), "kept");
        assert!(!at_after.join("not-durable").exists());

        disk.is(Mood::Broken);
        let file = File::create(at.join("broken"));
        assert!(file.and_then(|file| file.sync_all()).is_err(), "a broken disk says so");
        run("umount", &["-l", at.to_str().expect("text")]);
        run("umount", &[at_after.to_str().expect("text")]);
    }
}
