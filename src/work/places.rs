//! Where files lie in a ring directory: the one place that knows.
//!
//! ```text
//! <ring.dir>/.lock                         one recorder, never two
//! <ring.dir>/<camera>/7.mp4                slot 7, FFmpeg's
//! <ring.dir>/<camera>/.ffmpeg              locked for as long as anything lives that may write slots
//! <ring.dir>/<camera>/claimed/1207.mp4     segment 1207, ours
//! <ring.dir>/<camera>/claimed/memory.json  what the next recorder has to know, should this one be killed
//! ```
//!
//! What is ours lies where nobody watches: a camera's ring is watched for what FFmpeg does.

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

/// What every FFmpeg that writes into a camera's slots keeps locked.
pub fn hold(dir: &Path, camera: &CameraName) -> PathBuf {
    ring(dir, camera).join(".ffmpeg")
}

/// What a camera's recorder knew last.
pub fn memory(dir: &Path, camera: &CameraName) -> PathBuf {
    claims(dir, camera).join("memory.json")
}

/// A claimed segment.
pub fn claimed(dir: &Path, segment: &SegmentId) -> PathBuf {
    claims(dir, &segment.camera).join(format!("{}.mp4", segment.number))
}

/// The number in a name such as `7.mp4`; `None` for what FFmpeg and we never write, such as `07.mp4`.
pub fn number(file: &Path) -> Option<u64> {
    let name = file.file_name()?.to_str()?;
    let number: u64 = name.strip_suffix(".mp4")?.parse().ok()?;
    (name == format!("{number}.mp4")).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_have_a_number() {
        let numbers =
            ["7.mp4", "0.mp4", "07.mp4", "+7.mp4", "-7.mp4", "7", ".mp4", "7.mp4.part", "99999999999999999999.mp4"]
                .map(|name| number(Path::new(name)));
        assert_eq!(numbers, [Some(7), Some(0), None, None, None, None, None, None, None]);
    }
}
