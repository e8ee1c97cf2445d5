//! Writes a line into `nvr.toml` so that no power cut, no mistake and no second writer can spoil the file: whole and
//! durable under another name first, checked, and then renamed over the old one.

use super::edit::{Edited, add};
use super::{Env, Loaded, MAX_BYTES, load_text, plain};
use crate::model::transcript::Fix;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

/// A file that was written, and what it says now.
#[derive(Debug)]
pub struct Written {
    /// What was done, in words.
    pub sentence: String,
    /// The whole of it.
    pub loaded: Loaded,
}

/// Writes the line that `fix` asks for into the file at `path`.
///
/// The file keeps its owner and mode; where it is a link, what it leads to is written. Nothing is written if the file has
/// a mistake before or would have one after.
///
/// # Errors
/// A sentence that ends with the line, to be put there by hand.
pub fn write(path: &Path, fix: &Fix, env: Env) -> Result<Written, String> {
    let refused = |why: String| {
        let (shown, line, place) = (path.display(), fix.line(), fix.place());
        format!("{shown} was not written: {why} (add to {place}: {line}; then run: nvr reload)")
    };
    // A link leads to the file that is meant; it is not to be replaced by one.
    let file = fs::canonicalize(path).map_err(|error| refused(plain(&error)))?;
    let (text, meta) = read(&file).map_err(&refused)?;
    load_text(path, &text, &meta, env).map_err(|error| refused(format!("it has a mistake: {error}")))?;
    let new = match add(&text, fix).map_err(&refused)? {
        Edited::New(new) => new,
        Edited::Already => {
            let sentence = format!("{} says so already: {}", path.display(), fix.line());
            let loaded = load_text(path, &text, &meta, env).map_err(|error| refused(error.to_string()))?;
            return Ok(Written { sentence, loaded });
        }
    };
    let loaded = load_text(path, &new, &meta, env).map_err(|error| refused(format!("it would be wrong: {error}")))?;
    let there = |text: &str| read(&file).is_ok_and(|(now, _)| now == text);
    replace(&file, &new, &meta, || there(&text)).map_err(&refused)?;
    let sentence = format!("written into {}, {}: {}", path.display(), fix.place(), fix.line());
    Ok(Written { sentence, loaded })
}

fn read(file: &Path) -> Result<(String, fs::Metadata), String> {
    let (mut bytes, file) = (Vec::new(), File::open(file).map_err(|error| plain(&error))?);
    let meta = file.metadata().map_err(|error| plain(&error))?;
    if !meta.is_file() {
        return Err("it is no ordinary file".to_owned());
    }
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| plain(&error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err("it is longer than 1 MiB".to_owned());
    }
    let text = String::from_utf8(bytes).map_err(|_| "there is something in it that is not UTF-8".to_owned())?;
    Ok((text, meta))
}

/// A file beside the real one, gone again unless it took its place.
struct Draft {
    path: PathBuf,
    kept: bool,
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Puts `text` in the place of a file, if nobody else has written it meanwhile.
fn replace(file: &Path, text: &str, meta: &fs::Metadata, unchanged: impl Fn() -> bool) -> Result<(), String> {
    let (Some(dir), Some(name)) = (file.parent(), file.file_name()) else {
        return Err("it is in no directory".to_owned());
    };
    let said = |what: &str, error: io::Error| format!("{what}: {}", plain(&error));
    let path = dir.join(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let mut out = made.map_err(|error| said(&format!("nothing can be made in {}", dir.display()), error))?;
    let mut draft = Draft { path, kept: false };
    let own = out.metadata().map_err(|error| plain(&error))?;
    if (own.uid(), own.gid()) != (meta.uid(), meta.gid()) {
        let owner = fchown(&out, Some(meta.uid()), Some(meta.gid()));
        owner.map_err(|error| said("it would belong to another user", error))?;
    }
    let write = out.write_all(text.as_bytes());
    let mode = Permissions::from_mode(meta.mode() & 0o7777);
    let written = write.and_then(|()| out.set_permissions(mode)).and_then(|()| out.sync_all());
    written.map_err(|error| said("it cannot be written", error))?;
    if !unchanged() {
        return Err("somebody else has just written it".to_owned());
    }
    fs::rename(&draft.path, file).map_err(|error| said("it cannot be replaced", error))?;
    draft.kept = true;
    // The name is durable with the directory; if that fails, it is as after any other change of a file.
    let _ = File::open(dir).and_then(|dir| dir.sync_all());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# mine\n[smtp]\nlisten = '127.0.0.1:0'\n[[camera]]\nname = 'a'\nsource = 'a.mp4'\n";

    fn place(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a place");
        let file = dir.path().join("nvr.toml");
        fs::write(&file, text).expect("a file");
        (dir, file)
    }

    fn env(name: &str) -> Option<String> {
        (name == "HOME").then(|| "/home/somebody".to_owned())
    }

    fn fix() -> Fix {
        Fix::Allow([192, 0, 2, 7].into())
    }

    #[test]
    fn mode_and_links_stay_and_nothing_else_is_left_there() {
        let (dir, file) = place(TEXT);
        fs::set_permissions(&file, Permissions::from_mode(0o640)).expect("a mode");
        let link = dir.path().join("link.toml");
        std::os::unix::fs::symlink("nvr.toml", &link).expect("a link");
        let written = write(&link, &fix(), &env).expect("it is written");
        assert!(written.sentence.ends_with("link.toml, [smtp]: allow = [\"private\", \"192.0.2.7\"]"), "{written:?}");
        assert!(written.loaded.settings.smtp.allow.contains(&"192.0.2.7/32".parse().expect("a network")));
        assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
        let expected = TEXT.replace(":0'\n", ":0'\nallow = [\"private\", \"192.0.2.7\"]\n");
        assert_eq!(fs::read_to_string(&file).expect("text"), expected);
        assert_eq!(fs::metadata(&file).expect("it is there").mode() & 0o7777, 0o640);
        assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 2);
        let again = write(&link, &fix(), &env).expect("nothing to do");
        assert!(again.sentence.contains("says so already"), "{again:?}");
    }

    #[test]
    fn a_file_with_a_mistake_is_not_touched() {
        let (_dir, file) = place("[smtp]\nlisten = 3\n");
        let sentence = write(&file, &fix(), &env).expect_err("a mistake");
        assert!(
            sentence.contains("was not written: it has a mistake: ") && sentence.contains("nvr.toml:2:"),
            "{sentence}"
        );
        assert!(sentence.ends_with("(add to [smtp]: allow = [\"private\", \"192.0.2.7\"]; then run: nvr reload)"));
        assert_eq!(fs::read_to_string(&file).expect("text"), "[smtp]\nlisten = 3\n");
    }

    #[test]
    fn what_somebody_else_wrote_meanwhile_is_not_lost() {
        let (dir, file) = place(TEXT);
        let meta = fs::metadata(&file).expect("it is there");
        let sentence = replace(&file, "new", &meta, || false).expect_err("it has changed");
        assert_eq!(
            (sentence.as_str(), fs::read_to_string(&file).expect("text").as_str()),
            ("somebody else has just written it", TEXT)
        );
        assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 1);
    }

    #[test]
    fn a_file_that_is_not_there_is_said_with_the_line_to_paste() {
        let sentence = write(Path::new("/nowhere/nvr.toml"), &fix(), &env).expect_err("nothing is there");
        let start = "/nowhere/nvr.toml was not written: no such file or directory (add to [smtp]: allow = ";
        assert!(sentence.starts_with(start), "{sentence}");
    }
}
