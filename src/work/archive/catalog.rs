//! What lies in the archive: only what has our names and is what it claims to be. Everything else is somebody else's.

use super::names::{self, DONE, Files, PART};
use super::sidecar::Sidecar;
use crate::model::id::CameraName;
use crate::model::record::{Record, TriggerKind};
use crate::model::snapshot::ClipView;
use crate::model::text::fit_for_screen;
use crate::model::time::Wall;
use std::cmp::Reverse;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Names read of one directory; more is not an archive any more.
const MOST_NAMES: usize = 100_000;
/// Longest list.
const MOST_CLIPS: usize = 10_000;

/// One camera's clips of one day.
pub(super) struct Day {
    name: String,
    /// Whose.
    pub camera: CameraName,
    /// Where.
    pub path: PathBuf,
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
fn entries(dir: &Path) -> io::Result<impl Iterator<Item = (String, bool)>> {
    Ok(fs::read_dir(dir)?.take(MOST_NAMES).filter_map(|entry| {
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
        days.extend(names.filter(|(name, is_dir)| *is_dir && names::is_day(name)).map(|(name, _)| Day {
            path: dir.join(&name),
            camera: camera.clone(),
            name,
        }));
    }
    days.sort_unstable_by(|a, b| b.name.cmp(&a.name).then_with(|| a.camera.cmp(&b.camera)));
    Ok(days)
}

/// The clips of a day, in no order.
pub(super) fn clips(day: &Day) -> Vec<Found> {
    let Ok(names) = entries(&day.path) else { return Vec::new() };
    let clip = |(name, is_dir): (String, bool)| {
        let (name, open) = match name.strip_suffix(PART) {
            Some(name) => (name, true),
            None => (name.strip_suffix(DONE)?, false),
        };
        let start = names::start(name, &day.camera).filter(|_| !is_dir)?;
        let files = Files { dir: day.path.clone(), name: name.to_owned() };
        Some(Found { files, camera: day.camera.clone(), start, open })
    };
    names.filter_map(clip).collect()
}

/// The newest clips, newest first; at most 10,000.
///
/// # Errors
/// One sentence with the remedy.
pub fn newest(root: &Path, only: Option<&CameraName>, limit: u32) -> Result<Vec<ClipView>, String> {
    let limit = usize::try_from(limit).unwrap_or(MOST_CLIPS).min(MOST_CLIPS);
    let days = days(root, only).map_err(|error| super::disk::sentence("read", root, &error))?;
    let mut list = Vec::new();
    for day in days.chunk_by(|a, b| a.name == b.name) {
        let mut found: Vec<Found> = day.iter().flat_map(clips).collect();
        found.sort_by(|a, b| (Reverse(a.start), &b.files.name).cmp(&(Reverse(b.start), &a.files.name)));
        // A clip may vanish or get its final name between the two looks at it.
        list.extend(found.iter().filter_map(view).take(limit - list.len()));
        if list.len() == limit {
            break;
        }
    }
    Ok(list)
}

/// The file of the clip of that name, if there is one.
pub fn locate(root: &Path, name: &str) -> Option<PathBuf> {
    let (camera, rest) = name.split_once('_')?;
    let camera = CameraName::try_from(camera.to_owned()).ok()?;
    names::start(name, &camera)?;
    let files = Files { dir: root.join(camera.as_str()).join(rest.get(..10)?), name: name.to_owned() };
    [files.done(), files.part()].into_iter().find(|path| path.is_file())
}

/// A clip as lists show it; without a readable record, what its file tells.
fn view(found: &Found) -> Option<ClipView> {
    let path = [found.path(), found.files.done()].into_iter().find(|path| path.is_file())?;
    let record = Sidecar::read(&found.files.record()).ok().map(|sidecar| sidecar.record);
    let seconds = |record: &Record| Duration::try_from_secs_f64(record.seconds).unwrap_or_default();
    Some(ClipView {
        name: found.files.name.clone(),
        camera: found.camera.clone(),
        start: found.start,
        length: record.as_ref().map(seconds).unwrap_or_default(),
        bytes: fs::symlink_metadata(&path).ok()?.len(),
        trigger: record.as_ref().map(trigger).unwrap_or_default().to_owned(),
        subject: record.as_ref().and_then(subject).unwrap_or_default(),
        missing: record.as_ref().map(missing).unwrap_or_default(),
        open: path != found.files.done(),
        protected: false,
        path: path.display().to_string(),
    })
}

fn trigger(record: &Record) -> &'static str {
    match record.triggers.first().map(|trigger| &trigger.kind) {
        Some(TriggerKind::Key) => "key",
        Some(TriggerKind::Command) => "command",
        Some(TriggerKind::Mail { .. }) => "mail",
        None => "",
    }
}

fn subject(record: &Record) -> Option<String> {
    record.triggers.iter().find_map(|trigger| trigger.kind.subject()).map(|text| fit_for_screen(text, 200))
}

fn missing(record: &Record) -> Duration {
    let gap = |gap: &crate::model::record::Gap| {
        Duration::try_from(gap.window.to.duration_since(gap.window.from)).unwrap_or_default()
    };
    record.gaps.iter().map(gap).fold(Duration::ZERO, Duration::saturating_add)
}
