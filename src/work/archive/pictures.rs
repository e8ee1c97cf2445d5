//! The cameras' own pictures beside the clips.

use super::disk::{sentence, settle, step, sync_dir, unlink};
use super::names::{self, Files};
use crate::model::pictures::MOST;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Puts a picture beside a clip, durably and under a name that nothing has. Answers the file's name.
///
/// # Errors
/// One sentence with the remedy; nothing stays behind that the next start does not remove.
pub(super) fn store(files: &Files, jpeg: &[u8]) -> Result<String, String> {
    let temporary = files.picture_temporary();
    let stored = write(&temporary, jpeg).and_then(|()| name(files, &temporary));
    if !matches!(stored, Ok(Some(_))) {
        let _ = unlink(&temporary); // what stays is truncated by the next picture
    }
    match stored {
        Ok(Some(name)) => Ok(name),
        Ok(None) => Err(format!("{MOST} pictures of {} are there already (look at them, and remove some)", files.name)),
        Err(error) => Err(sentence("written", &temporary, &error)),
    }
}

fn write(temporary: &Path, jpeg: &[u8]) -> io::Result<()> {
    step(temporary);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(temporary)?;
    step(temporary);
    file.write_all(jpeg)?;
    file.sync_all()
}

/// Gives it the first name that is free; `None`: there is none.
fn name(files: &Files, temporary: &Path) -> io::Result<Option<String>> {
    for picture in files.pictures() {
        if fs::symlink_metadata(&picture).is_ok() {
            continue;
        }
        match settle(temporary, &picture) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        }
        if let Err(error) = sync_dir(&files.dir) {
            let _ = unlink(&picture); // or it would lie there twice
            return Err(error);
        }
        return Ok(Some(names::file_name(&picture)));
    }
    Ok(None)
}

/// The names of the pictures that lie beside a clip, in their order.
pub(super) fn beside(files: &Files) -> Vec<String> {
    files.pictures().filter(|path| super::disk::is_file(path)).map(|path| names::file_name(&path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_get_one_name_after_the_other_and_replace_nothing() {
        let place = tempfile::tempdir().expect("a place");
        let files = Files { dir: place.path().to_owned(), name: "a_2026-11-22_14-02-31-0500".to_owned() };
        fs::write(files.picture(2), "somebody's").expect("written");
        let names: Vec<_> = (0..MOST).map(|n| store(&files, &[n as u8])).collect();
        assert_eq!(
            names[..3].iter().flatten().map(|name| &name[26..]).collect::<Vec<_>>(),
            [".jpg", "-3.jpg", "-4.jpg"]
        );
        let why = names[MOST - 1].as_ref().expect_err("one too many");
        assert!(why.starts_with("8 pictures of a_2026-11-22_14-02-31-0500 are there already ("), "{why}");
        assert_eq!(fs::read(files.picture(2)).expect("there"), b"somebody's");
        assert_eq!((fs::read(files.picture(3)).expect("there"), beside(&files).len()), (vec![1], MOST));
        assert!(!files.picture_temporary().exists());
    }

    #[test]
    fn where_nothing_can_be_written_nothing_stays_and_it_is_said() {
        let files = Files { dir: "/nowhere".into(), name: "a_2026-11-22_14-02-31-0500".to_owned() };
        let why = store(&files, b"x").expect_err("no such place");
        assert!(why.starts_with("/nowhere/a_2026-11-22_14-02-31-0500.jpg.tmp cannot be written: "), "{why}");
    }
}
