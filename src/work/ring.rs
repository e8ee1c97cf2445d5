//! The rings' directory: taking it, claiming from it, clearing it. Every call takes microseconds, for it lies in RAM.

use super::{places, ring_watch};
use crate::model::event::SlotFile;
use crate::model::id::{CameraName, SegmentId};
use rustix::fs::FlockOperation;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
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
/// The number of no file.
const GONE: u64 = 0;

/// The directory of all rings. One recorder has it; a lock says so.
#[derive(Debug)]
pub struct RingDir {
    dir: PathBuf,
    cameras: Vec<CameraName>,
    /// Which directory each ring was when it was last looked at.
    known: BTreeMap<CameraName, u64>,
    lock: File,
}

/// What had been removed under a running recorder, and is there again.
#[derive(Debug, PartialEq, Eq)]
pub struct Healed {
    /// The lock was gone, and with it the whole directory.
    pub all: bool,
    /// These rings are to be watched anew.
    pub cameras: Vec<CameraName>,
}

/// Why it is not.
#[derive(Debug, PartialEq, Eq)]
pub enum Unhealed {
    /// It cannot be made now.
    Failed(String),
    /// Another recorder was faster, and has it now.
    Taken(String),
}

impl RingDir {
    /// Makes the directories that are missing, for the recorder's eyes only, and takes the lock.
    ///
    /// # Errors
    /// One sentence with the remedy.
    pub fn open(dir: &Path, cameras: &[CameraName]) -> Result<Self, String> {
        let refused = |error| refused(dir, &error);
        make(dir).map_err(refused)?;
        for camera in cameras {
            make(&places::claims(dir, camera)).map_err(refused)?;
        }
        let lock = lock(dir).map_err(refused)?.ok_or_else(|| taken(dir))?;
        let known = cameras.iter().map(|camera| (camera.clone(), inode(&places::ring(dir, camera)))).collect();
        Ok(Self { dir: dir.to_owned(), cameras: cameras.to_vec(), known, lock })
    }

    /// Makes again what somebody has removed, which logind does with an ordinary user's rings at the user's last logout.
    /// FFmpeg opens each slot by its name, so it goes on with the next one. `None`: nothing is missing.
    ///
    /// # Errors
    /// See there; to be tried again.
    pub fn heal(&mut self) -> Result<Option<Healed>, Unhealed> {
        let dir = &self.dir;
        let failed = |error| Unhealed::Failed(refused(dir, &error));
        let all = self.lock.metadata().map_or(GONE, |ours| ours.ino()) != inode(&dir.join(".lock"));
        if all {
            make(dir).map_err(failed)?;
            self.lock = lock(dir).map_err(failed)?.ok_or_else(|| Unhealed::Taken(taken(dir)))?;
        }
        let mut removed = Vec::new();
        for camera in &self.cameras {
            let known = self.known.get(camera).copied().unwrap_or(GONE);
            if all || known == GONE || known != inode(&places::ring(dir, camera)) {
                make(&places::claims(dir, camera)).map_err(failed)?;
                removed.push(camera.clone());
            }
        }
        // Only now, so that what fails half-way is found again.
        self.known.extend(removed.iter().map(|camera| (camera.clone(), inode(&places::ring(dir, camera)))));
        Ok((all || !removed.is_empty()).then_some(Healed { all, cameras: removed }))
    }

    /// Makes one camera's ring, empty but for what is claimed. Answers the number of its first segment.
    ///
    /// # Errors
    /// One sentence with the remedy. A camera's start makes the directories too, and says if it cannot.
    pub fn add(&mut self, camera: &CameraName) -> Result<u64, String> {
        if !self.cameras.contains(camera) {
            self.cameras.push(camera.clone());
        }
        make(&places::claims(&self.dir, camera))
            .map_err(|error| format!("the ring of {camera} cannot be made: {error} (check ring.dir)"))?;
        self.known.insert(camera.clone(), inode(&places::ring(&self.dir, camera)));
        self.clear(camera);
        Ok(self.first_number(camera).unwrap_or(0))
    }

    /// Removes one camera's ring, but for what is claimed.
    pub fn remove(&mut self, camera: &CameraName) {
        self.clear(camera);
        self.cameras.retain(|known| known != camera);
        self.known.remove(camera);
        let _ = std::fs::remove_file(places::hold(&self.dir, camera)); // nothing writes there, so nobody holds it
        for dir in [places::claims(&self.dir, camera), places::ring(&self.dir, camera)] {
            // Something may lie there that is not ours to remove.
            let _ = std::fs::remove_dir(dir);
        }
    }

    /// The number that each camera's first segment is to have: beyond all that still waits to be stored.
    pub fn first_numbers(&self) -> BTreeMap<CameraName, u64> {
        self.cameras.iter().filter_map(|camera| Some((camera.clone(), self.first_number(camera)?))).collect()
    }

    fn first_number(&self, camera: &CameraName) -> Option<u64> {
        let entries = std::fs::read_dir(places::claims(&self.dir, camera)).ok()?;
        entries.flatten().filter_map(|entry| places::number(&entry.path())).max()?.checked_add(1)
    }

    /// Renames a finished slot out of FFmpeg's reach, if it is still of this size (`None`: of any). Answers its size.
    ///
    /// # Errors
    /// Why, in words: then its footage is lost.
    pub fn claim(&self, segment: &SegmentId, slot: u32, bytes: Option<u64>) -> Result<u64, String> {
        let file = places::slot(&self.dir, &segment.camera, slot);
        let size = fs_err::metadata(&file).map_err(|error| match error.kind() {
            ErrorKind::NotFound => "somebody removed it from the ring".to_owned(),
            _ => error.to_string(),
        });
        let size = size?.len();
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
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!("{error}");
        }
    }

    /// Removes a claimed segment that is given up. If that fails it takes room that nobody counts, which is said.
    pub fn discard(&self, segment: &SegmentId) {
        if let Err(error) = fs_err::remove_file(places::claimed(&self.dir, segment))
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
        self.cameras.iter().for_each(|camera| self.clear(camera));
    }

    /// The same of one camera, whether it is configured or not.
    pub fn clear(&self, camera: &CameraName) {
        for (_, files) in ring_watch::sweep(&self.dir, std::slice::from_ref(camera)) {
            files.into_iter().for_each(|file| self.unlink(camera, file));
        }
    }
}

fn make(dir: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o750).create(dir)
}

/// `None`: another recorder has it.
fn lock(dir: &Path) -> std::io::Result<Option<File>> {
    let lock = File::options().create(true).truncate(false).write(true).open(dir.join(".lock"))?;
    Ok(rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok().then_some(lock))
}

/// Which file or directory this is.
fn inode(place: &Path) -> u64 {
    std::fs::metadata(place).map_or(GONE, |found| found.ino())
}

fn refused(dir: &Path, error: &std::io::Error) -> String {
    format!("ring.dir {} cannot be used: {error} (make it writable for this user, or set ring.dir)", dir.display())
}

fn taken(dir: &Path) -> String {
    format!("ring.dir {} belongs to another recorder (stop that one, or set ring.dir)", dir.display())
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
        let place = places::claimed(dir.path(), &segment);
        assert!(place.exists());
        assert_eq!(ring.first_numbers(), BTreeMap::from([(camera, 16)]));
        for _ in 0..2 {
            ring.discard(&segment);
            assert!(!place.exists(), "given up, and once more is no harm");
        }
        let refused = RingDir::open(dir.path(), &[]).expect_err("it is taken");
        assert!(refused.contains("belongs to another recorder"), "{refused}");
        assert!(in_use(dir.path()));
        drop(ring);
        assert!(!in_use(dir.path()) && !in_use(&dir.path().join("nothing")));
    }

    #[test]
    fn a_ring_comes_and_goes_and_what_is_claimed_stays() {
        let dir = tempfile::tempdir().expect("a directory");
        let camera: CameraName = "garden".parse().expect("a name");
        let mut ring = RingDir::open(dir.path(), &[]).expect("a ring");
        assert_eq!(ring.add(&camera), Ok(0));
        let slot = places::slot(dir.path(), &camera, 3);
        std::fs::write(&slot, b"footage").expect("a slot");
        assert_eq!(ring.sweep(), [(camera.clone(), vec![SlotFile { slot: 3, bytes: 7 }])]);
        ring.remove(&camera);
        assert_eq!((ring.sweep(), places::ring(dir.path(), &camera).exists()), (vec![], false));

        ring.add(&camera).expect("a ring");
        std::fs::write(&slot, b"left by somebody").expect("a slot");
        let claimed = places::claimed(dir.path(), &SegmentId { camera: camera.clone(), number: 41 });
        std::fs::write(&claimed, b"footage").expect("a claim");
        assert_eq!((ring.add(&camera), slot.exists()), (Ok(42), false));
        ring.remove(&camera);
        assert!(claimed.exists());
        std::fs::remove_dir_all(places::ring(dir.path(), &camera)).expect("it is there");
        std::fs::write(places::ring(dir.path(), &camera), b"in the way").expect("a file");
        assert!(ring.add(&camera).expect_err("no directory").ends_with("(check ring.dir)"));
    }
}
