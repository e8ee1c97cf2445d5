//! Where files lie in a ring directory: the one place that knows.
//!
//! ```text
//! <ring.dir>/.lock                      one recorder, never two
//! <ring.dir>/<camera>/7.mp4             slot 7, FFmpeg's
//! <ring.dir>/<camera>/claimed/1207.mp4  segment 1207, ours
//! ```

use crate::model::id::{CameraName, SegmentId};
use std::path::{Path, PathBuf};

/// A camera's ring.
pub fn ring(dir: &Path, camera: &CameraName) -> PathBuf {
    dir.join(camera.as_str())
}

/// What has been taken out of a camera's ring: on the same file system, so that a claim is a rename.
pub fn claims(dir: &Path, camera: &CameraName) -> PathBuf {
    ring(dir, camera).join("claimed")
}

/// A slot.
pub fn slot(dir: &Path, camera: &CameraName, slot: u32) -> PathBuf {
    ring(dir, camera).join(format!("{slot}.mp4"))
}

/// A claimed segment.
pub fn claimed(dir: &Path, segment: &SegmentId) -> PathBuf {
    claims(dir, &segment.camera).join(format!("{}.mp4", segment.number))
}

/// The number in a name such as `7.mp4`.
pub fn number(file: &Path) -> Option<u64> {
    let name = file.file_name()?.to_str()?;
    name.strip_suffix(".mp4")?.parse().ok()
}
