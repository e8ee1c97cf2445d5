//! Whether clips are still what their records say: bit rot, a cut file, a record or a clip that is gone. Needs no
//! recorder; reads every byte once for its hash, a MiB at a time, and the headers once more for frames and length.
//!
//! Clips may grow, be closed and be deleted meanwhile. Only what is still so at a second look is told.

use super::catalog::{self, Day, unread};
use super::disk::{is_file, open_regular, read_through, sentence};
use super::names::{self, DONE, Files, PART, RECORD};
use super::old;
use super::pictures;
use super::sidecar::Sidecar;
use super::source::{Walker, frames};
use crate::model::fmp4::{Part, Timeline};
use crate::model::id::CameraName;
use crate::model::record::Record;
use crate::model::text::fit_for_screen;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

/// Records round to a microsecond.
const SAME: Duration = Duration::from_millis(1);
/// Longest name of a file in a sentence, in characters.
const NAME: usize = 120;
/// Characters of a hash in a sentence: enough to tell two of them apart.
const HASH: usize = 12;

/// A clip that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Its name.
    pub name: String,
    /// Whose.
    pub camera: CameraName,
    /// Of its file; 0 if there is none.
    pub bytes: u64,
    /// What was found.
    pub verdict: Verdict,
    /// Pictures of its record that are not there. The footage is none the worse for it.
    pub pictures_missing: Vec<String>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is what its record says.
    AsRecorded,
    /// It has no final name yet: as far as its record tells of it, it is what that says.
    Growing,
    /// It is not, or nobody can tell; one sentence for each difference, with what to do.
    Wrong(Vec<String>),
}

/// Checks every clip of an archive, newest day first, and gives each to `tell` as soon as it is known.
///
/// # Errors
/// One sentence with the remedy: there is no archive, or it cannot be read; and what `tell` says.
pub fn all(root: &Path, mut tell: impl FnMut(Checked) -> Result<(), String>) -> Result<(), String> {
    let days = catalog::days(root, None).map_err(|error| sentence("read", root, &error))?;
    if days.is_empty() && !is_file(&root.join(super::LOCK)) {
        return Err(format!("{} holds no archive (is its disk mounted?)", root.display()));
    }
    for day in days {
        let names = names(&day).map_err(|error| sentence("read", &day.path, &error))?;
        for name in names {
            let files = Files { dir: day.path.clone(), name };
            check(&files, &day.camera).map_or(Ok(()), &mut tell)?;
        }
    }
    Ok(())
}

/// Checks one clip; `None`: there is neither a clip nor a record of that name, which may be anything.
pub fn one(root: &Path, name: &str) -> Option<Checked> {
    let (camera, _, files) = names::find(root, name)?;
    let is_dir = |path: &Path| fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir());
    (is_dir(files.dir.parent()?) && is_dir(&files.dir)).then(|| check(&files, &camera))?
}

/// All names of which a day has a clip or a record.
fn names(day: &Day) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(&day.path)? {
        let entry = entry?;
        let Some(whole) = entry.file_name().into_string().ok().filter(|_| is_file(&entry.path())) else { continue };
        let stem = [PART, DONE, RECORD].into_iter().find_map(|ending| whole.strip_suffix(ending));
        names.extend(stem.filter(|name| day.start(name).is_some()).map(str::to_owned));
    }
    Ok(names)
}

/// What there is of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Growing,
    Closed,
    /// Only its record.
    Gone,
    Nothing,
}

fn stage(files: &Files) -> Stage {
    // In this order: a clip that is closed in between is seen, and one that is deleted leaves no lone record.
    if is_file(&files.part()) && !is_file(&files.done()) {
        Stage::Growing
    } else if is_file(&files.done()) {
        Stage::Closed
    } else if is_file(&files.record()) && !is_file(&files.gone()) {
        Stage::Gone
    } else {
        Stage::Nothing
    }
}

/// Looks again when a clip has been closed or deleted during the look.
fn check(files: &Files, camera: &CameraName) -> Option<Checked> {
    loop {
        let before = stage(files);
        let (bytes, verdict) = match before {
            Stage::Nothing => return None,
            Stage::Gone => (0, Verdict::Wrong(vec![lone_record(files)])),
            Stage::Growing => look(files, &files.part(), true),
            Stage::Closed => look(files, &files.done(), false),
        };
        if stage(files) == before {
            let pictures_missing = pictures_missing(files);
            return Some(Checked {
                name: files.name.clone(),
                camera: camera.clone(),
                bytes,
                verdict,
                pictures_missing,
            });
        }
    }
}

/// The pictures that a record names and that are not there.
fn pictures_missing(files: &Files) -> Vec<String> {
    let record = Sidecar::read(&files.record()).map(|sidecar| sidecar.record.triggers);
    let named = record.into_iter().flatten().filter_map(|trigger| trigger.kind.mail()?.picture.clone());
    let there = pictures::beside(files);
    named.filter(|name| !there.contains(name)).map(|name| fit_for_screen(&name, NAME)).collect()
}

fn lone_record(files: &Files) -> String {
    format!(
        "its record is there and the clip is not (bring {} back from a copy, or remove {})",
        files.done().display(),
        files.record().display()
    )
}

fn look(files: &Files, path: &Path, grows: bool) -> (u64, Verdict) {
    let record = match Sidecar::read(&files.record()) {
        Ok(sidecar) => sidecar.record,
        Err(error) => {
            let bytes = fs::symlink_metadata(path).map_or(0, |meta| meta.len());
            return (bytes, Verdict::Wrong(vec![unread(&files.record(), &error)]));
        }
    };
    let found = match Found::of(path, &record, grows) {
        Ok(found) => found,
        Err(error) => return (0, Verdict::Wrong(vec![sentence("read", path, &error)])),
    };
    let wrong = if grows { found.differs_so_far(&record) } else { found.differs(&record) };
    let verdict = match (wrong.is_empty(), grows) {
        (false, _) => Verdict::Wrong(wrong),
        (true, true) => Verdict::Growing,
        (true, false) => Verdict::AsRecorded,
    };
    (found.bytes, verdict)
}

/// What a file really is.
struct Found {
    bytes: u64,
    frames: u64,
    length: Duration,
    /// Where its last whole fragment ends.
    whole: u64,
    /// Why it was not read to its end.
    damage: Option<String>,
    /// Of all its bytes, or of so many.
    hash: String,
}

impl Found {
    fn of(path: &Path, record: &Record, grows: bool) -> io::Result<Found> {
        let mut walker = Walker::open(path)?;
        let (mut line, mut count) = (None, 0);
        let damage = loop {
            match walker.next() {
                Ok(Some(Part::Init(init))) => line = Some((Timeline::restore(&init, 0, Duration::ZERO), init)),
                Ok(Some(Part::Fragment(fragment))) => {
                    if let Some((line, init)) = &mut line {
                        count += frames(init, &fragment);
                        if let Err(error) = line.recall(&fragment) {
                            break Some(error.to_string());
                        }
                    }
                }
                Ok(None) if walker.walk().is_cut() => {
                    break Some("it ends in the middle of a picture group".to_owned());
                }
                Ok(None) => break None,
                Err(error) => break Some(error.to_string()),
            }
        };
        let file = open_regular(path)?;
        let bytes = file.metadata()?.len();
        let hashed = if grows { record.bytes.min(bytes) } else { bytes };
        let hash = hash(&file, hashed, record)?;
        let length = line.map_or(Duration::ZERO, |(line, _)| line.length());
        Ok(Found { bytes, frames: count, length, whole: walker.walk().whole(), damage, hash })
    }

    /// What is not as the record of a closed clip says.
    fn differs(&self, record: &Record) -> Vec<String> {
        let (length, told) = (self.length.as_secs_f64(), record.seconds);
        let readable = format!("{length:.1} s of {told:.1} s can be read (restore it from a copy)");
        if self.bytes != record.bytes {
            return vec![format!("it has {} bytes, and {} were stored: {readable}", self.bytes, record.bytes)];
        }
        let mut wrong: Vec<String> = self.other_hash(record).into_iter().collect();
        if let Some(damage) = &self.damage {
            wrong.push(format!("{damage}, at byte {}: {readable}", self.whole));
            return wrong;
        }
        if self.frames != record.frames {
            let (is, was) = (self.frames, record.frames);
            wrong.push(format!("it has {is} pictures, and {was} were stored (restore it from a copy)"));
        }
        if (length - told).abs() > SAME.as_secs_f64() {
            wrong.push(format!("it is {length:.3} s long, and {told:.3} s were stored (restore it from a copy)"));
        }
        wrong
    }

    /// The same while it grows: its record tells of its beginning, and the end is just being written.
    fn differs_so_far(&self, record: &Record) -> Vec<String> {
        let (is, was) = (self.bytes, record.bytes);
        if self.whole < was {
            let text =
                format!("{} of its {is} bytes are whole, and {was} were stored (look at the disk: dmesg)", self.whole);
            return vec![text];
        }
        // Its record is written before the first footage, too.
        self.other_hash(record).filter(|_| was > 0).into_iter().collect()
    }

    fn other_hash(&self, record: &Record) -> Option<String> {
        match record.hash() {
            None => Some("its record has no hash, so nobody can tell (restore the record from a copy)".to_owned()),
            Some((_, was)) if was == self.hash => None,
            Some((kind, was)) => Some(format!(
                "its bytes have changed since it was stored: {kind} {}…, and it was {}… (restore it from a copy; is the \
                 disk failing? see: dmesg, smartctl)",
                fit_for_screen(&self.hash, HASH).trim_end_matches('…'),
                fit_for_screen(was, HASH).trim_end_matches('…')
            )),
        }
    }
}

/// Of the first bytes of a file, of the kind that its record has.
fn hash(file: &File, length: u64, record: &Record) -> io::Result<String> {
    if record.blake3.is_some() || record.sha256.is_none() {
        return Ok(old::hash(file, length)?.finalize().to_string());
    }
    let mut hash = Sha256::new();
    read_through(file, length, |bytes| hash.update(bytes))?;
    Ok(data_encoding::HEXLOWER.encode(&hash.finalize()))
}
