//! The rings' directory: taking it, claiming from it, clearing it. Every call takes microseconds, for it lies in RAM.

use super::{places, ring_watch};
use crate::model::event::SlotFile;
use crate::model::id::{CameraName, SegmentId};
use rustix::fs::FlockOperation;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The magic number of tmpfs, and of ramfs, in `statfs`.
const IN_RAM: [u64; 2] = [0x0102_1994, 0x8584_58f6];

/// Whether a directory is on a disk, in words and with the remedy.
pub fn not_in_ram(dir: &Path) -> Option<String> {
    let kind = dir.ancestors().find_map(|place| rustix::fs::statfs(place).ok())?.f_type;
    (!IN_RAM.contains(&u64::try_from(kind).unwrap_or(0))).then(|| {
        format!(
            "ring.dir {} is not in RAM: every second of every camera is written to that disk (set ring.dir to a directory \
             in /dev/shm)",
            dir.display()
        )
    })
}

/// Whether a recorder has these rings now.
pub fn in_use(dir: &Path) -> bool {
    let lock = File::open(dir.join(".lock"));
    lock.is_ok_and(|file| matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)))
}

/// The directory of all rings. One recorder has it; a lock says so.
#[derive(Debug)]
pub struct RingDir {
    dir: PathBuf,
    cameras: Vec<CameraName>,
    _lock: File,
}

impl RingDir {
    /// Makes the directories that are missing, for the recorder's eyes only, and takes the lock.
    ///
    /// # Errors
    /// One sentence with the remedy.
    pub fn open(dir: &Path, cameras: &[CameraName]) -> Result<Self, String> {
        let refused = |error: std::io::Error| {
            format!(
                "ring.dir {} cannot be used: {error} (make it writable for this user, or set ring.dir)",
                dir.display()
            )
        };
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o750);
        builder.create(dir).map_err(refused)?;
        for camera in cameras {
            builder.create(places::claims(dir, camera)).map_err(refused)?;
        }
        let lock = File::options().create(true).truncate(false).write(true).open(dir.join(".lock")).map_err(refused)?;
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            format!("ring.dir {} belongs to another recorder (stop that one, or set ring.dir)", dir.display())
        })?;
        Ok(Self { dir: dir.to_owned(), cameras: cameras.to_vec(), _lock: lock })
    }

    /// The number that each camera's first segment is to have: beyond all that still waits to be stored.
    pub fn first_numbers(&self) -> BTreeMap<CameraName, u64> {
        let first = |camera: &CameraName| {
            let entries = std::fs::read_dir(places::claims(&self.dir, camera)).ok()?;
            entries.flatten().filter_map(|entry| places::number(&entry.path())).max()?.checked_add(1)
        };
        self.cameras.iter().filter_map(|camera| Some((camera.clone(), first(camera)?))).collect()
    }

    /// Renames a finished slot out of FFmpeg's reach, if it is still of this size (`None`: of any). Answers its size.
    ///
    /// # Errors
    /// Why, in words: then its footage is lost.
    pub fn claim(&self, segment: &SegmentId, slot: u32, bytes: Option<u64>) -> Result<u64, String> {
        let file = places::slot(&self.dir, &segment.camera, slot);
        let size = fs_err::metadata(&file).map_err(|error| error.to_string())?.len();
        if bytes.is_some_and(|bytes| bytes != size) {
            return Err("FFmpeg has written over it".to_owned());
        }
        let place = places::claimed(&self.dir, segment);
        let taken = fs_err::rename(&file, &place).or_else(|_| {
            // Somebody may have removed the directory; that is no reason to lose what lies safe in its slot.
            fs_err::create_dir_all(places::claims(&self.dir, &segment.camera))?;
            fs_err::rename(&file, &place)
        });
        taken.map(|()| size).map_err(|error| error.to_string())
    }

    /// Removes a slot, if it is still of this size. If that fails FFmpeg overwrites it, which is only a name less that
    /// is free.
    pub fn unlink(&self, camera: &CameraName, slot: SlotFile) {
        let file = places::slot(&self.dir, camera, slot.slot);
        let same = fs_err::metadata(&file).map(|found| found.len() == slot.bytes);
        if let Err(error) = same.and_then(|same| if same { fs_err::remove_file(&file) } else { Ok(()) })
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!("{error}");
        }
    }

    /// What really lies in the rings.
    pub fn sweep(&self) -> Vec<(CameraName, Vec<SlotFile>)> {
        ring_watch::sweep(&self.dir, &self.cameras)
    }

    /// Removes every slot; what is claimed stays.
    pub fn clear_slots(&self) {
        for (camera, files) in self.sweep() {
            for file in files {
                self.unlink(&camera, file);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_does_without_its_directory() {
        let dir = tempfile::tempdir().expect("a directory");
        let camera: CameraName = "front".parse().expect("a name");
        let ring = RingDir::open(dir.path(), std::slice::from_ref(&camera)).expect("a ring");
        std::fs::write(places::slot(dir.path(), &camera, 3), b"footage").expect("a slot");
        std::fs::remove_dir(places::claims(dir.path(), &camera)).expect("it is there");
        let segment = SegmentId { camera: camera.clone(), number: 15 };
        assert_eq!(ring.claim(&segment, 3, Some(8)), Err("FFmpeg has written over it".to_owned()));
        assert_eq!(ring.claim(&segment, 3, Some(7)), Ok(7));
        assert!(places::claimed(dir.path(), &segment).exists());
        assert_eq!(ring.first_numbers(), BTreeMap::from([(camera, 16)]));
        let refused = RingDir::open(dir.path(), &[]).expect_err("it is taken");
        assert!(refused.contains("belongs to another recorder"), "{refused}");
        assert!(in_use(dir.path()));
        drop(ring);
        assert!(!in_use(dir.path()) && !in_use(&dir.path().join("nothing")));
    }
}
