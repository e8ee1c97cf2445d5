//! What makes a directory an archive: the id in it, and the lock that one recorder has.

use super::LOCK;
use super::disk::{open_regular, sentence, sync_dir};
use crate::model::text::fit_for_screen;
use rustix::fs::{AtFlags, CWD, RenameFlags, StatxFlags, renameat_with, statx};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Holds the archive's id.
pub(super) const ID: &str = ".nvr";

/// An archive's id, as the kernel makes UUIDs.
pub(super) type Id = String;

/// Whether a path still leads to the file that is open: the same file, and by the same mount. A disk that went and came
/// back may have the same numbers, and what was opened before is of no use any more.
pub(super) fn is_there(file: &File, path: &Path) -> bool {
    let place = |found: fs::Metadata| (found.dev(), found.ino());
    let (ours, found) = (file.metadata().map(place), fs::metadata(path).map(place));
    let same = ours.is_ok_and(|ours| found.is_ok_and(|found| ours == found));
    // A kernel before 5.8 does not tell.
    let mount = |stat: rustix::io::Result<rustix::fs::Statx>| stat.map_or(0, |stat| stat.stx_mnt_id);
    same && mount(statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID))
        == mount(statx(CWD, path, AtFlags::empty(), StatxFlags::MNT_ID))
}

/// The id of the archive at `root`; `None`: it has none.
pub(super) fn read_id(root: &Path) -> io::Result<Option<Id>> {
    const MOST: u64 = 100;
    // Tells an empty directory from one that is not there.
    fs::metadata(root)?;
    let file = match open_regular(&root.join(ID)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text)?;
    let id = text.trim();
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    match is_id {
        true => Ok(Some(id.to_owned())),
        false => Err(io::Error::other(format!("it holds no id but \"{}\"", fit_for_screen(id, 40)))),
    }
}

/// Gives an archive an id, durably.
pub(super) fn make_id(root: &Path) -> io::Result<Id> {
    let id = fs::read_to_string("/proc/sys/kernel/random/uuid")?.trim().to_owned();
    let temporary = root.join(".nvr.new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(&temporary)?;
    let written = writeln!(file, "{id}").and_then(|()| file.sync_all());
    let named =
        written.and_then(|()| match renameat_with(CWD, &temporary, CWD, root.join(ID), RenameFlags::NOREPLACE) {
            // File systems that cannot; nothing is there, and the lock is ours.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => fs::rename(&temporary, root.join(ID)),
            renamed => Ok(renamed?),
        });
    if let Err(error) = named {
        let _ = fs::remove_file(&temporary); // nobody reads it, and the next try truncates it
        return Err(error);
    }
    sync_dir(root)?;
    Ok(id)
}

/// Takes the lock that keeps a second recorder out for as long as this process lives.
pub(super) fn lock(root: &Path) -> Result<File, String> {
    let path = root.join(LOCK);
    let failed = |action: &str, error: io::Error| format!("archive.dir {}", sentence(action, &path, &error));
    // Reading is enough, and leaves whoever wants to mount it read-only free to do so; but not on NFS.
    let file = match OpenOptions::new().read(true).open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => write_open(&path),
        opened => opened,
    };
    let mut file = file.map_err(|error| failed("written", error))?;
    let mut locked = file.try_lock();
    if let Err(TryLockError::Error(error)) = &locked
        && Errno::from_io_error(error) == Some(Errno::BADF)
    {
        file = write_open(&path).map_err(|error| failed("written", error))?;
        locked = file.try_lock();
    }
    match locked {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(format!(
            "archive.dir {} is in use by another recorder (stop that one, which may hang on this disk; or give this one a \
             directory of its own)",
            root.display()
        )),
        Err(TryLockError::Error(error)) => Err(failed("locked", error)),
    }
}

fn write_open(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o640).open(path)
}

/// Whether a file can be made here at all.
pub(super) fn probe(root: &Path) -> io::Result<()> {
    let path = root.join(".probe");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(&path);
    let written = file.and_then(|mut file| file.write_all(b"nvr\n").and_then(|()| file.sync_all()));
    let removed = fs::remove_file(&path);
    match written {
        Ok(()) => removed,
        Err(error) if error.kind() == ErrorKind::StorageFull => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether a recorder has the archive at `root`: then what grows there goes on growing.
pub fn in_use(root: &Path) -> bool {
    File::open(root.join(LOCK)).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}
