//! What lies in the archive: only what has our names and is what it claims to be. Everything else is somebody else's.

use super::disk::{is_file, sentence};
use super::names::{self, DONE, Files, PART};
use super::pictures::beside;
use super::remove::is_protected;
use super::sidecar::Sidecar;
use crate::model::id::CameraName;
use crate::model::question::ClipDetails;
use crate::model::record::{ClipState, Gap, Record};
use crate::model::snapshot::ClipView;
use crate::model::text::fit_for_screen;
use crate::model::time::Wall;
use jiff::civil::Date;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest subject in a list, in characters.
const SUBJECT: usize = 200;

/// One camera's clips of one day, which is the day by the clock on the wall where the camera is.
pub(super) struct Day {
    name: String,
    /// The same as a date.
    pub date: Date,
    /// Whose.
    pub camera: CameraName,
    /// Where.
    pub path: PathBuf,
}

impl Day {
    /// When the footage of a clip of that name begins; `None` if no such clip belongs here.
    pub fn start(&self, name: &str) -> Option<Wall> {
        let start = names::start(name, &self.camera)?;
        name.get(self.camera.as_str().len() + 1..)?.starts_with(&self.name).then_some(start)
    }

    /// The names of what ends in `.mp4` and `.mp4.part`, when the footage begins, and whether it still grows; in no
    /// order.
    pub fn names(&self) -> impl Iterator<Item = (String, Wall, bool)> {
        let clip = |(mut name, is_dir): (String, bool)| {
            let (length, open) = match name.strip_suffix(PART) {
                Some(stem) => (stem.len(), true),
                None => (name.strip_suffix(DONE)?.len(), false),
            };
            name.truncate(length);
            let start = self.start(&name).filter(|_| !is_dir)?;
            Some((name, start, open))
        };
        // A day that cannot be read, or vanishes, hides no other.
        entries(&self.path).into_iter().flatten().filter_map(clip)
    }
}

/// A clip by its file's name.
pub(super) struct Found {
    /// Its files.
    pub files: Files,
    /// Whose.
    pub camera: CameraName,
    /// When its footage begins.
    pub start: Wall,
    /// It has no final name yet.
    pub open: bool,
}

impl Found {
    /// The file with the footage.
    pub fn path(&self) -> PathBuf {
        if self.open { self.files.part() } else { self.files.done() }
    }
}

/// Names in a directory, with whether each is a directory; links are neither.
fn entries(dir: &Path) -> io::Result<impl Iterator<Item = (String, bool)> + use<>> {
    Ok(fs::read_dir(dir)?.filter_map(|entry| {
        let entry = entry.ok()?;
        let kind = entry.file_type().ok()?;
        (kind.is_dir() || kind.is_file()).then_some((entry.file_name().into_string().ok()?, kind.is_dir()))
    }))
}

/// The days of an archive, newest first.
pub(super) fn days(root: &Path, only: Option<&CameraName>) -> io::Result<Vec<Day>> {
    let mut days = Vec::new();
    for (name, is_dir) in entries(root)? {
        let Ok(camera) = CameraName::try_from(name) else { continue };
        if !is_dir || only.is_some_and(|only| *only != camera) {
            continue;
        }
        let dir = root.join(camera.as_str());
        let Ok(names) = entries(&dir) else { continue };
        days.extend(names.filter(|(_, is_dir)| *is_dir).filter_map(|(name, _)| {
            let date = names::day(&name)?;
            Some(Day { path: dir.join(&name), camera: camera.clone(), date, name })
        }));
    }
    days.sort_unstable_by(|a, b| b.date.cmp(&a.date).then_with(|| a.camera.cmp(&b.camera)));
    Ok(days)
}

/// The clips of a day that still grow, in no order.
pub(super) fn growing(day: &Day) -> Vec<Found> {
    let found = |(name, start, open)| {
        let files = Files { dir: day.path.clone(), name };
        Found { files, camera: day.camera.clone(), start, open }
    };
    day.names().filter(|(_, _, open)| *open).map(found).collect()
}

/// The clip of that name, if there is one. The name may be whatever a client wrote.
pub(super) fn find(root: &Path, name: &str) -> Option<Found> {
    let (camera, start, files) = names::find(root, name)?;
    let is_dir = |path: &Path| fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir());
    if !is_dir(files.dir.parent()?) || !is_dir(&files.dir) {
        return None;
    }
    // In this order: a clip that is closed in between is seen.
    let (grows, closed) = (is_file(&files.part()), is_file(&files.done()));
    (grows || closed).then_some(Found { files, camera, start, open: !closed })
}

/// The names of the pictures that the camera sent for the clip of that name, in their order.
pub fn pictures(root: &Path, name: &str) -> Vec<String> {
    find(root, name).map(|found| beside(&found.files)).unwrap_or_default()
}

/// The file of the clip of that name, if there is one.
pub fn locate(root: &Path, name: &str) -> Option<PathBuf> {
    find(root, name).map(|found| found.path())
}

/// That there is no clip of a name, which may be anything.
pub(super) fn no_clip(name: &str) -> String {
    format!("there is no clip {} (see: nvr clips)", fit_for_screen(name, 120))
}

/// All there is about the clip of that name.
///
/// # Errors
/// One sentence with the remedy.
pub(super) fn details(root: &Path, name: &str) -> Result<ClipDetails, String> {
    let found = find(root, name).ok_or_else(|| no_clip(name))?;
    let path = found.files.record();
    let (record, trouble) = match Sidecar::read(&path) {
        Ok(sidecar) => (Some(sidecar.record), None),
        Err(error) => (None, Some(fit_for_screen(&unread(&path, &error), 500))),
    };
    // It may have been deleted in between.
    let clip = view(&found, record.as_ref()).ok_or_else(|| no_clip(name))?;
    Ok(ClipDetails { clip, record, trouble, pictures: beside(&found.files) })
}

/// Why there is nothing to tell of a record.
pub(super) fn unread(path: &Path, error: &io::Error) -> String {
    let path_shown = path.display();
    match error.kind() {
        ErrorKind::NotFound => format!("{path_shown} is not there (the clip can be played without it)"),
        ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
            format!("{path_shown} is no record: {error} (the clip can be played without it)")
        }
        _ => sentence("read", path, error),
    }
}

/// A clip as lists show it; without a readable record, what its file tells. `None`: it is gone.
pub(super) fn listed(found: &Found) -> Option<ClipView> {
    let record = Sidecar::read(&found.files.record()).ok().map(|sidecar| sidecar.record);
    view(found, record.as_ref())
}

fn view(found: &Found, record: Option<&Record>) -> Option<ClipView> {
    // It may have got its final name since it was found.
    let (path, file) = [found.path(), found.files.done()].into_iter().find_map(|path| {
        let file = fs::symlink_metadata(&path).ok().filter(fs::Metadata::is_file)?;
        Some((path, file))
    })?;
    let seconds = |record: &Record| Duration::try_from_secs_f64(record.seconds).unwrap_or_default();
    Some(ClipView {
        name: found.files.name.clone(),
        camera: found.camera.clone(),
        start: found.start,
        length: record.map(seconds).unwrap_or_default(),
        bytes: file.len(),
        trigger: record.and_then(|record| record.triggers.first()).map_or("", |first| first.kind.word()).to_owned(),
        subject: record.and_then(subject).unwrap_or_default(),
        missing: record.map(missing).unwrap_or_default(),
        waiting: Duration::ZERO,
        interrupted: record.is_some_and(|record| record.state == ClipState::Interrupted),
        open: path != found.files.done(),
        protected: is_protected(&file),
        path: path.display().to_string(),
    })
}

fn subject(record: &Record) -> Option<String> {
    record.triggers.first().map(|first| fit_for_screen(&first.kind.about(), SUBJECT))
}

fn missing(record: &Record) -> Duration {
    let gap = |gap: &Gap| Duration::try_from(gap.window.to.duration_since(gap.window.from)).unwrap_or_default();
    record.gaps.iter().map(gap).fold(Duration::ZERO, Duration::saturating_add)
}
