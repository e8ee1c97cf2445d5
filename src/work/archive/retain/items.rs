//! What lies in the archive, clip by clip.

use super::super::catalog;
use super::super::names::{self, DONE, Files, GONE, PART, PICTURE, PICTURE_TEMPORARY, RECORD, TEMPORARY};
use super::super::remove::{self, Turn, is_protected};
use crate::model::retention::Clip;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// All that a clip may consist of.
const ENDINGS: [&str; 7] = [PART, DONE, GONE, TEMPORARY, RECORD, PICTURE, PICTURE_TEMPORARY];

/// All files of one clip.
pub(super) struct Item {
    pub files: Files,
    pub clip: Clip,
    /// It is deleted, but for what is left of it.
    pub gone: bool,
}

impl Item {
    /// Deletes it, or what is left of it.
    pub fn delete(&self, turn: &Turn) -> Result<(), String> {
        let _turn = turn.take();
        if self.gone { remove::leftovers(&self.files) } else { remove::delete(&self.files) }
    }
}

/// Everything of ours in the archive, and directories of days with nothing in them.
pub(super) fn items(root: &Path) -> io::Result<(Vec<Item>, Vec<PathBuf>)> {
    let (mut all, mut empty) = (Vec::new(), Vec::new());
    for day in catalog::days(root, None)? {
        let mut found = BTreeMap::new();
        let mut is_empty = true;
        // One that cannot be read hides no room that could be made.
        for file in fs::read_dir(&day.path).into_iter().flatten().flatten() {
            is_empty = false;
            add(&mut found, &file, &day);
        }
        all.extend(found.into_values());
        if is_empty {
            empty.push(day.path);
        }
    }
    Ok((all, empty))
}

/// Counts a file to its clip if it is one of ours.
fn add(found: &mut BTreeMap<String, Item>, file: &fs::DirEntry, day: &catalog::Day) {
    let file_name = file.file_name();
    let Some(whole) = file_name.to_str() else { return };
    let stem = |ending: &'static str| Some((whole.strip_suffix(ending)?, ending));
    let Some((name, ending)) = ENDINGS.into_iter().find_map(stem) else { return };
    let name = if ending == PICTURE { names::of_picture(name) } else { name };
    let Some(start) = day.start(name) else { return };
    // Of the entry itself: a link is not followed, and is no file.
    let Some(meta) = file.metadata().ok().filter(fs::Metadata::is_file) else { return };
    let item = found.entry(name.to_owned()).or_insert_with(|| Item {
        files: Files { dir: day.path.clone(), name: name.to_owned() },
        clip: Clip { start, bytes: 0, stays: false },
        gone: false,
    });
    item.clip.bytes = item.clip.bytes.saturating_add(meta.len());
    item.clip.stays |= ending == PART || (ending == DONE && is_protected(&meta));
    item.gone |= ending == GONE;
}
