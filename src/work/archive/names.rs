//! What a clip's files are called, and where they lie.
//!
//! ```text
//! <archive>/<camera>/2026-11-22/<camera>_2026-11-22_14-02-31+0100.mp4.part   growing
//!                               <camera>_2026-11-22_14-02-31+0100.mp4        closed
//!                               <camera>_2026-11-22_14-02-31+0100.json       its record
//! ```
//! Local time with its offset: people know it, and the hour that comes twice in autumn has two names.

use crate::model::id::CameraName;
use crate::model::time::Wall;
use jiff::tz::TimeZone;
use std::path::{Path, PathBuf};

/// The end of a growing clip's name.
pub(super) const PART: &str = ".mp4.part";
/// The end of a closed clip's name.
pub(super) const DONE: &str = ".mp4";
/// The end of a record's name.
pub(super) const RECORD: &str = ".json";
/// The end of a record's name while it is written.
pub(super) const TEMPORARY: &str = ".json.tmp";

const STAMP: &str = "%Y-%m-%d_%H-%M-%S%z";

/// The files of one clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Files {
    /// The day's directory.
    pub dir: PathBuf,
    /// Without ending: what people type.
    pub name: String,
}

impl Files {
    fn with(&self, ending: &str) -> PathBuf {
        self.dir.join(format!("{}{ending}", self.name))
    }

    /// The file while it grows.
    pub fn part(&self) -> PathBuf {
        self.with(PART)
    }

    /// The file with its final name.
    pub fn done(&self) -> PathBuf {
        self.with(DONE)
    }

    /// The record.
    pub fn record(&self) -> PathBuf {
        self.with(RECORD)
    }

    /// The record while it is written.
    pub fn temporary(&self) -> PathBuf {
        self.with(TEMPORARY)
    }
}

/// The day's directory and the clip's name for footage that begins at `start`; the `count`th of that second.
pub(super) fn files(root: &Path, camera: &CameraName, start: Wall, zone: &TimeZone, count: u32) -> Files {
    let local = start.to_zoned(zone.clone());
    let mut name = format!("{camera}_{}", local.strftime(STAMP));
    if count > 1 {
        name.push_str(&format!("_{count}"));
    }
    Files { dir: root.join(camera.as_str()).join(local.strftime("%Y-%m-%d").to_string()), name }
}

/// When the footage of a clip of that name began; `None` if the name is not one of ours for this camera.
pub(super) fn start(name: &str, camera: &CameraName) -> Option<Wall> {
    let rest = name.strip_prefix(camera.as_str())?.strip_prefix('_')?;
    let stamp = match rest.match_indices('_').nth(1) {
        Some((at, _)) => {
            let count: u32 = rest[at + 1..].parse().ok()?;
            (count > 1).then_some(&rest[..at])?
        }
        None => rest,
    };
    Wall::strptime(STAMP, stamp).ok()
}

/// The second in which the footage of a clip began, by its name alone; `None` if no clip can be called that.
pub fn began(name: &str) -> Option<Wall> {
    let camera = CameraName::try_from(name.split_once('_')?.0.to_owned()).ok()?;
    start(name, &camera)
}

/// Whether a directory's name is a day.
pub(super) fn is_day(name: &str) -> bool {
    name.len() == 10 && name.parse::<jiff::civil::Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_hour_that_comes_twice_has_two_names() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a valid zone");
        let camera: CameraName = "front-door".parse().expect("a valid name");
        let name = |text: &str| files(Path::new("/a"), &camera, text.parse().expect("a time"), &zone, 1).name;
        assert_eq!(name("2026-10-25T00:30:00Z"), "front-door_2026-10-25_02-30-00+0200");
        assert_eq!(name("2026-10-25T01:30:00Z"), "front-door_2026-10-25_02-30-00+0100");
    }

    #[test]
    fn only_our_own_names_are_clips() {
        let camera: CameraName = "garden".parse().expect("a valid name");
        for name in [
            "holiday",
            "garden",
            "garden_",
            "garden_2026-11-22",
            "garden_2026-11-22_14-02-31",
            "garden_2026-11-22_14-02-31+0100_",
            "garden_2026-11-22_14-02-31+0100_1",
            "garden_2026-11-22_14-02-31+0100_x",
            "garden_2026-13-22_14-02-31+0100",
            "gardens_2026-11-22_14-02-31+0100",
        ] {
            assert_eq!(start(name, &camera), None, "{name}");
        }
        assert!(is_day("2026-02-28"));
        assert!(!is_day("2026-02-30") && !is_day("20260228") && !is_day("lost+found"));
    }

    proptest! {
        #[test]
        fn a_name_tells_its_time(second in 0i64..4_000_000_000, count in 1u32..1000, east in any::<bool>()) {
            let zone = TimeZone::fixed(jiff::tz::offset(if east { 9 } else { -5 }));
            let camera: CameraName = "a-1".parse().expect("a valid name");
            let wall = Wall::from_second(second).expect("in range");
            let name = files(Path::new(""), &camera, wall, &zone, count).name;
            prop_assert_eq!((start(&name, &camera), began(&name)), (Some(wall), Some(wall)));
        }
    }
}
