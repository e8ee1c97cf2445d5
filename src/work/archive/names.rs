//! What a clip's files are called, and where they lie.
//!
//! ```text
//! <archive>/<camera>/2026-11-22/<camera>_2026-11-22_14-02-31+0100.mp4.part   growing
//!                               <camera>_2026-11-22_14-02-31+0100.mp4        closed
//!                               <camera>_2026-11-22_14-02-31+0100.json       its record
//!                               <camera>_2026-11-22_14-02-31+0100.jpg        the camera's own picture
//!                               <camera>_2026-11-22_14-02-31+0100-2.jpg      the next one
//! ```
//! Local time with its offset: people know it, and the hour that comes twice in autumn has two names.

use crate::model::id::CameraName;
use crate::model::pictures::MOST;
use crate::model::time::Wall;
use jiff::civil::Date;
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

/// The end of the name of a picture that the camera itself sent.
pub(super) const PICTURE: &str = ".jpg";
/// The same while it is written.
pub(super) const PICTURE_TEMPORARY: &str = ".jpg.tmp";
/// The end of a deleted clip's name, until all that belongs to it is gone too.
pub(super) const GONE: &str = ".mp4.gone";

const STAMP: &str = "%Y-%m-%d_%H-%M-%S%z";
/// The same as text: 0 for any digit, + for a sign. Zones of long ago have seconds as well.
const SHAPE: &[u8] = b"0000-00-00_00-00-00+0000";

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

    /// The camera's own picture; the `count`th of them, from 1 on.
    pub fn picture(&self, count: usize) -> PathBuf {
        match count {
            0 | 1 => self.with(PICTURE),
            more => self.with(&format!("-{more}{PICTURE}")),
        }
    }

    /// All that its pictures may be called, in their order.
    pub fn pictures(&self) -> impl Iterator<Item = PathBuf> {
        (1..=MOST).map(|count| self.picture(count))
    }

    /// A picture while it is written.
    pub fn picture_temporary(&self) -> PathBuf {
        self.with(PICTURE_TEMPORARY)
    }

    /// The file while the clip is being deleted.
    pub fn gone(&self) -> PathBuf {
        self.with(GONE)
    }
}

/// The name of the clip that a picture of that file name, without its ending, belongs to: the same, but for a number from
/// 2 on. A clip's own name ends with more digits than one.
pub(super) fn of_picture(stem: &str) -> &str {
    let first = |count: usize| stem.strip_suffix(&format!("-{count}"));
    (2..=MOST).find_map(first).unwrap_or(stem)
}

/// The last part of a path of ours.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
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
            let (stamp, count) = (&rest[..at], &rest[at + 1..]);
            let plain = count.bytes().all(|digit| digit.is_ascii_digit()) && !count.starts_with('0');
            (plain && count.parse::<u32>().ok()? > 1).then_some(stamp)?
        }
        None => rest,
    };
    is_stamp(stamp).then(|| Wall::strptime(STAMP, stamp).ok())?
}

/// Whether it has the shape of a stamp; strptime takes much else, and one clip must not have two names.
fn is_stamp(text: &str) -> bool {
    let fits = |(place, byte): (usize, u8)| match SHAPE.get(place) {
        Some(b'0') | None => byte.is_ascii_digit(),
        Some(b'+') => matches!(byte, b'+' | b'-'),
        Some(other) => byte == *other,
    };
    (text.len() == SHAPE.len() || text.len() == SHAPE.len() + 2) && text.bytes().enumerate().all(fits)
}

/// Whose clip has that name, when its footage begins, and which files it has if there is one. `None` if it is no name
/// of a clip: whatever a client may write, what comes out lies in the archive at `root`.
pub(super) fn find(root: &Path, name: &str) -> Option<(CameraName, Wall, Files)> {
    let (camera, stamp) = name.split_once('_')?;
    let camera = CameraName::try_from(camera.to_owned()).ok()?;
    let start = start(name, &camera)?;
    let dir = root.join(camera.as_str()).join(stamp.get(..DAY)?);
    Some((camera, start, Files { dir, name: name.to_owned() }))
}

/// The second in which the footage of a clip began, by its name alone; `None` if no clip can be called that.
pub fn began(name: &str) -> Option<Wall> {
    find(Path::new(""), name).map(|(_, start, _)| start)
}

/// Characters of a day: `2026-11-22`.
const DAY: usize = 10;

/// The day that a directory's name is.
pub(super) fn day(name: &str) -> Option<Date> {
    name.parse::<Date>().ok().filter(|day| name.len() == DAY && day.to_string() == name)
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
            "garden_2026-11-22_14-02-31+0100_02",
            "garden_2026-11-22_14-02-31+0100_+2",
            "garden_2026-11-22_14-02-31+0100_4294967296",
            "garden_2026-11-22_14-02-31+01:00",
            "garden_2026-11-22_14-02-31Z",
            "garden_2026-1-22_14-02-31+01000",
            "garden_ 026-11-22_14-02-31+0100",
            "garden_2026-11-22_14-02-31+0100\0",
            "garden_2026-11-22_14-02-31+0100/../../..",
        ] {
            assert_eq!(start(name, &camera), None, "{name}");
            let found = find(Path::new("/a"), name).map(|(camera, ..)| camera.to_string());
            assert_eq!(found.as_deref(), name.starts_with("gardens").then_some("gardens"), "{name}");
        }
        assert!(day("2026-02-28").is_some());
        for other in ["2026-02-30", "20260228", "2026-W09-6", "lost+found", "2026-02-281", "..", ""] {
            assert_eq!(day(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_name_tells_its_time(second in 0i64..4_000_000_000, count in 1u32..1000, east in any::<bool>()) {
            let zone = TimeZone::fixed(jiff::tz::offset(if east { 9 } else { -5 }));
            let camera: CameraName = "a-1".parse().expect("a valid name");
            let wall = Wall::from_second(second).expect("in range");
            let made = files(Path::new("/a"), &camera, wall, &zone, count);
            prop_assert_eq!((start(&made.name, &camera), began(&made.name)), (Some(wall), Some(wall)));
            for picture in made.pictures().map(|path| file_name(&path)) {
                prop_assert_eq!(picture.strip_suffix(PICTURE).map(of_picture), Some(made.name.as_str()));
            }
            prop_assert_eq!(find(Path::new("/a"), &made.name), Some((camera, wall, made)));
        }

        #[test]
        fn no_name_leads_out_of_the_archive(
            camera in "[a-z]{1,4}|\\.\\.|/|[a-z]{40}", rest in "\\PC*|2026-11-22_14-02-31\\+0100(/\\.\\.){0,3}\0?",
        ) {
            for name in [format!("{camera}_{rest}"), rest] {
                let Some((camera, _, files)) = find(Path::new("/a"), &name) else { continue };
                let day = files.dir.strip_prefix(Path::new("/a").join(camera.as_str())).expect("below its camera");
                prop_assert!(super::day(day.to_str().expect("text")).is_some());
                prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-".contains(&byte)));
            }
        }
    }
}
