//! How a closed clip changes once it is in the archive: it is protected, or it goes. Retention and people share this.
//!
//! A clip that its owner cannot write (`chmod u-w`) is protected: that is seen in every listing, survives copying the
//! archive elsewhere, and needs no list that could be lost.
//!
//! A clip goes by one rename; from then on there is no clip any more, only leftovers that have lost their meaning. Those
//! go next, and the renamed file at the very end. So a kill at any instant leaves a clip with its record, or leftovers
//! that are known by that file, and that the next start or the next run of retention removes.

use super::disk::{self, is_file, open_regular, sentence, step, sync_dir, unlink};
use super::names::{self, Files};
use super::{Site, catalog};
use crate::model::effect::ClipChange;
use crate::model::time::Wall;
use jiff::ToSpan;
use jiff::tz::TimeZone;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// May the file's owner write it?
const OWNER_WRITES: u32 = 0o200;

/// Whose turn it is to change closed clips: a clip must not be deleted for its age while somebody is being told that it
/// is protected. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Turn(Arc<Mutex<()>>);

impl Turn {
    /// Waits for it; what others do takes a moment.
    pub(super) fn take(&self) -> MutexGuard<'_, ()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // it guards no data that a panic could have left in pieces
    }
}

/// Whether retention leaves a clip with that file alone.
pub(super) fn is_protected(file: &fs::Metadata) -> bool {
    file.permissions().mode() & OWNER_WRITES == 0
}

/// Does to a closed clip what a person wants.
///
/// # Errors
/// One sentence with the remedy; the clip is as it was, but for the last steps of a deletion.
pub(super) fn change(site: &Site, name: &str, change: ClipChange) -> Result<(), String> {
    site.check()?;
    let _turn = site.turn.take();
    let found = catalog::find(&site.root, name).ok_or_else(|| catalog::no_clip(name))?;
    let files = found.files;
    match change {
        ClipChange::Protect(_) if is_file(&files.part()) => Err(format!(
            "{name} is not closed yet, and what grows is never deleted to make room (protect it once it is closed)"
        )),
        ClipChange::Protect(protected) => protect(&files.done(), protected),
        ClipChange::Delete => {
            delete(&files)?;
            sync_dir(&files.dir).map_err(|error| sentence("written", &files.dir, &error))?;
            remove_day(&files.dir, Wall::now());
            Ok(())
        }
    }
}

/// Makes a clip's file read-only or writable for its owner, durably; nothing else of its mode changes.
fn protect(path: &Path, protected: bool) -> Result<(), String> {
    let failed = |error: io::Error| sentence("changed", path, &error);
    let file = open_regular(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
    let wanted = if protected { mode & !OWNER_WRITES } else { mode | OWNER_WRITES };
    if wanted != mode {
        step(path);
        match file.set_permissions(fs::Permissions::from_mode(wanted)) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                let (user, path) = (rustix::process::geteuid().as_raw(), path.display());
                return Err(format!("{path} cannot be changed: it belongs to another user (run: chown {user} {path})"));
            }
            done => done.map_err(failed)?,
        }
    }
    file.sync_all().map_err(failed)?;
    // Some network and FAT mounts say yes and keep nothing.
    match is_protected(&file.metadata().map_err(failed)?) == protected {
        true => Ok(()),
        false => Err(format!(
            "{} keeps its mode whatever is asked for (put the archive on a file system that has permissions, or mount this \
             one with them)",
            path.display()
        )),
    }
}

/// Deletes a closed clip with all that belongs to it, and what an earlier deletion has left of one. To be called when it
/// is one's turn. What is gone already is no error. Nothing is synced.
///
/// # Errors
/// One sentence with the remedy: it grows, it is protected, or the disk does not let go.
pub(super) fn delete(files: &Files) -> Result<(), String> {
    let (part, done) = (files.part(), files.done());
    if fs::symlink_metadata(&part).is_ok() {
        return Err(format!(
            "{} is not closed yet (wait until it is; what an earlier recorder left like that is for you to remove: {})",
            files.name,
            part.display()
        ));
    }
    match fs::symlink_metadata(&done) {
        Ok(file) if !file.is_file() => {
            return Err(format!("{} cannot be deleted: it is no file (look at it)", done.display()));
        }
        Ok(file) if is_protected(&file) => {
            return Err(format!("{} is protected, that is, read-only (unprotect it first)", done.display()));
        }
        Ok(_) => match disk::rename(&done, &files.gone()) {
            // The longer name may need room in the directory, which is just what there is none of.
            Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => remove(&done)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            renamed => renamed.map_err(|error| sentence("deleted", &done, &error))?,
        },
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(sentence("deleted", &done, &error)),
    }
    leftovers(files)
}

/// Removes what a deletion that was cut short has left of a day's clips.
pub(super) fn finish(day: &catalog::Day) -> Result<(), String> {
    let entries = fs::read_dir(&day.path).into_iter().flatten().flatten();
    let gone = entries.filter_map(|entry| {
        let name = entry.file_name().to_str()?.strip_suffix(names::GONE)?.to_owned();
        day.start(&name).map(|_| Files { dir: day.path.clone(), name })
    });
    gone.collect::<Vec<_>>().iter().try_for_each(leftovers)
}

/// Removes what is left of a clip that is gone; the file by which that is known is the last.
pub(super) fn leftovers(files: &Files) -> Result<(), String> {
    // Somebody may have put the clip back from elsewhere.
    let is_back = [files.done(), files.part()].iter().any(|path| fs::symlink_metadata(path).is_ok());
    if !is_back {
        let others = [files.temporary(), files.record(), files.picture_temporary()];
        others.into_iter().chain(files.pictures()).try_for_each(|path| remove(&path))?;
    }
    remove(&files.gone())
}

fn remove(path: &Path) -> Result<(), String> {
    match unlink(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(sentence("deleted", path, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Removes the directory of a day that is over everywhere, unless something is in it.
pub(super) fn remove_day(dir: &Path, now: Wall) {
    let today = now.to_zoned(TimeZone::UTC).date();
    let day = dir.file_name().and_then(|name| names::day(name.to_str()?));
    if day.is_some_and(|day| day < today.saturating_sub(2.days())) {
        let _ = fs::remove_dir(dir); // the kernel refuses one that is not empty
    }
}
