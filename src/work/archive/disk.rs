//! The disk: what is durable when, and what to say when it is not.

use super::names::Files;
use crate::model::event::Space;
use rustix::fs::{Advice, CWD, OFlags, RenameFlags, fadvise, renameat_with};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::num::NonZero;
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Every change of the archive's and the ring's files but the footage itself passes here first, so that tests can see
/// what a kill at that instant would leave.
#[cfg(not(test))]
pub(super) fn step(_: &Path) {}
#[cfg(test)]
pub(super) use super::tests::step;

/// The file that grows. A seam: tests put a disk behind it that fails at any step.
pub(super) trait Medium: Send {
    /// Writes all bytes at a place.
    fn write(&mut self, bytes: &[u8], at: u64) -> io::Result<()>;
    /// Makes what was written durable.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file back.
    fn cut(&mut self, length: u64) -> io::Result<()>;
    /// What is durable there will not be read soon: the memory that holds it is for what will.
    fn forget(&self, _: Range<u64>) {}
    /// Which file it is, whatever it is called by now.
    fn place(&self) -> io::Result<Place>;
}

/// A file's device and inode.
pub(super) type Place = (u64, u64);

/// The same of a file by its name; a link is itself.
pub(super) fn place(path: &Path) -> io::Result<Place> {
    fs::symlink_metadata(path).map(|meta| (meta.dev(), meta.ino()))
}

/// Reads the first bytes of a file, a MiB at a time. What was read is let go again: the page cache has better to hold
/// than what is read once.
pub(super) fn read_through(file: &File, length: u64, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let (mut buffer, mut at) = (vec![0; 1 << 20], 0);
    while at < length {
        let step = usize::try_from(length - at).map_or(buffer.len(), |left| left.min(buffer.len()));
        file.read_exact_at(&mut buffer[..step], at)?;
        each(&buffer[..step]);
        let read = at..at + step as u64;
        file.forget(read.clone());
        at = read.end;
    }
    Ok(())
}

impl Medium for File {
    fn write(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.write_all_at(bytes, at)?;
        // The kernel begins to write them to the disk, and forgets only what is there, so that the disk is busy while the
        // next are read and hashed, and the sync waits for less.
        self.forget(at..at + bytes.len() as u64);
        Ok(())
    }

    fn forget(&self, range: Range<u64>) {
        // If the kernel does not, that costs nothing but time and memory.
        let _ = fadvise(self, range.start, NonZero::new(range.end.saturating_sub(range.start)), Advice::DontNeed);
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn place(&self) -> io::Result<Place> {
        self.metadata().map(|meta| (meta.dev(), meta.ino()))
    }
}

/// Makes files that grow.
pub(super) trait Disk: Send + Sync {
    /// Creates a file that must not exist yet.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Medium>>;
    /// Opens one that an earlier recorder left.
    fn reopen(&self, path: &Path) -> io::Result<Box<dyn Medium>>;
}

/// The real one.
pub(super) struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Medium>> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o640).open(path)?;
        Ok(Box::new(file))
    }

    fn reopen(&self, path: &Path) -> io::Result<Box<dyn Medium>> {
        Ok(Box::new(OpenOptions::new().write(true).open(path)?))
    }
}

/// Room on the file system that holds `dir`.
///
/// # Errors
/// One sentence with the remedy.
pub fn space(dir: &Path) -> Result<Space, String> {
    let stat = rustix::fs::statvfs(dir).map_err(|error| sentence("asked for its room", dir, &error.into()))?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Ok(Space { total: bytes(stat.f_blocks), free: bytes(stat.f_bavail) })
}

/// What went wrong in the archive and what helps, in one sentence; `action` as in "… cannot be written".
pub(super) fn sentence(action: &str, path: &Path, error: &io::Error) -> String {
    let reason = Errno::from_io_error(error).map_or_else(|| error.to_string(), reason);
    let remedy = match error.kind() {
        ErrorKind::StorageFull => {
            let free = free_below(path).map_or(String::new(), |free| format!(", {} free", bytesize::ByteSize(free)));
            // Cause and remedy first: where a line is cut, it is the path that goes.
            return format!(
                "the disk is full{free} (make room: du -xh {} | sort -h, or lower archive.max_size or archive.keep: {} \
                 cannot be {action})",
                mount(path).display(),
                path.display()
            );
        }
        ErrorKind::QuotaExceeded => "delete clips or raise the quota".to_owned(),
        ErrorKind::ReadOnlyFilesystem => {
            "look at dmesg, then: mount -o remount,rw the archive's disk, or: umount -l it, run fsck and mount it again"
                .to_owned()
        }
        ErrorKind::PermissionDenied => remedy_for_permission(path),
        ErrorKind::NotFound => "is the archive's disk mounted?".to_owned(),
        ErrorKind::FileTooLarge => "lower trigger.max_clip or raise the file size limit".to_owned(),
        _ if matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE)) => {
            "raise LimitNOFILE or: ulimit -n".to_owned()
        }
        _ => "look at the disk: dmesg, smartctl".to_owned(),
    };
    format!("{} cannot be {action}: {reason} ({remedy})", path.display())
}

fn reason(errno: Errno) -> String {
    let text = io::Error::from(errno).to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.to_lowercase()
}

/// A command that can be pasted and reaches no further than it has to.
fn remedy_for_permission(path: &Path) -> String {
    let user = rustix::process::getuid().as_raw();
    match [Some(path), path.parent()].into_iter().flatten().find(|path| path.is_dir()) {
        Some(dir) => format!("run: chown {user} {}", dir.display()),
        None => format!("run: install -d -o {user} {}", path.display()),
    }
}

/// The nearest directory that exists.
fn directory(path: &Path) -> &Path {
    path.ancestors().find(|path| path.is_dir()).unwrap_or(path)
}

/// Where the file system is mounted on which this lies.
fn mount(path: &Path) -> &Path {
    let dir = directory(path);
    let device = |dir: &Path| fs::metadata(dir).map(|meta| std::os::unix::fs::MetadataExt::dev(&meta)).ok();
    dir.ancestors().take_while(|above| device(above) == device(dir)).last().unwrap_or(dir)
}

fn free_below(path: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(directory(path)).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Makes a directory and its name in its parent durable; one that exists already is fine, a link is not.
pub(super) fn make_dir(path: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o750).create(path) {
        Ok(()) => path.parent().map_or(Ok(()), sync_dir),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => match fs::symlink_metadata(path)?.is_dir() {
            true => Ok(()),
            false => Err(error),
        },
        Err(error) => Err(error),
    }
}

/// Removes a file.
pub(super) fn unlink(path: &Path) -> io::Result<()> {
    step(path);
    fs::remove_file(path)
}

/// Gives a file another name, whatever had that.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step(from);
    fs::rename(from, to)
}

/// Whether a regular file is there; a link is none.
pub(super) fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file())
}

/// Makes the names in a directory durable.
pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Opens a regular file for reading that nobody replaced by a link, a pipe or a device.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}

/// Puts a record in place as a whole, durably: whoever reads it, also after a power cut, finds the old or the new one.
pub(super) fn replace_record(files: &Files, text: &[u8]) -> io::Result<()> {
    let temporary = files.temporary();
    let written = (|| {
        step(&temporary);
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(&temporary)?;
        step(&temporary);
        file.write_all(text)?;
        file.sync_all()?;
        step(&temporary);
        fs::rename(&temporary, files.record())
    })();
    if let Err(error) = written {
        let _ = unlink(&temporary); // a stump nobody reads; the next try truncates it
        return Err(error);
    }
    sync_dir(&files.dir)
}

/// Gives a file its final name unless something is there already.
pub(super) fn settle(from: &Path, to: &Path) -> io::Result<()> {
    step(from);
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // A crash between the two steps of `settle_by_link` leaves one file with two names.
        Err(Errno::EXIST) if same_file(from, to)? => fs::remove_file(from),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => settle_by_link(from, to),
        Err(error) => Err(error.into()),
    }
}

/// The same for file systems that cannot rename without replacing.
fn settle_by_link(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && same_file(from, to)? => fs::remove_file(from),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
        // No links either (FAT): only this recorder, by its lock, writes here.
        Err(_) if fs::symlink_metadata(to).is_err() => fs::rename(from, to),
        Err(_) => Err(ErrorKind::AlreadyExists.into()),
    }
}

/// Whether two names mean one file.
pub(super) fn same_file(a: &Path, b: &Path) -> io::Result<bool> {
    Ok(place(a)? == place(b)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settling_replaces_nothing_whatever_the_file_system_can() {
        for settle in [settle, settle_by_link] {
            let dir = tempfile::tempdir().expect("a place");
            let (from, to) = (dir.path().join("from"), dir.path().join("to"));
            fs::write(&from, "new").expect("written");
            fs::write(&to, "old").expect("written");
            assert_eq!(settle(&from, &to).map_err(|error| error.kind()), Err(ErrorKind::AlreadyExists));
            assert_eq!(fs::read(&to).expect("still there"), b"old");
            fs::remove_file(&to).expect("removed");
            settle(&from, &to).expect("settled");
            assert_eq!(fs::read(&to).expect("there"), b"new");
            assert!(!from.exists());
        }
    }

    #[test]
    fn a_crash_between_link_and_unlink_is_mended() {
        for settle in [settle, settle_by_link] {
            let dir = tempfile::tempdir().expect("a place");
            let (from, to) = (dir.path().join("from"), dir.path().join("to"));
            fs::write(&from, "new").expect("written");
            fs::hard_link(&from, &to).expect("linked");
            settle(&from, &to).expect("mended");
            assert!(to.exists() && !from.exists());
        }
    }

    #[test]
    fn every_sentence_has_its_remedy() {
        for (errno, word) in [
            (Errno::NOSPC, "disk is full"),
            (Errno::DQUOT, "quota"),
            (Errno::ROFS, "remount"),
            (Errno::ACCESS, "chown"),
            (Errno::NOENT, "mounted"),
            (Errno::FBIG, "max_clip"),
            (Errno::MFILE, "ulimit"),
            (Errno::IO, "dmesg"),
        ] {
            let text = sentence("written", Path::new("/proc/x"), &errno.into());
            assert!(text.contains(word) && text.ends_with(')') && !text.contains("os error"), "{text}");
        }
    }
}
