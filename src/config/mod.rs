//! `nvr.toml`: found, read, checked, and turned into [`Settings`] in which nothing is left to doubt.
//!
//! A mistake is answered with file, line, key and what to write instead, all mistakes of a file at once. For that the
//! file is walked with the places of its values at hand (`section`), rather than by derived structs, which stop at
//! the first mistake and may quote a password while they complain.

mod check;
mod edit;
mod file;
mod mail;
mod read;
mod rules;
mod section;
mod source;
mod value;
mod write;

pub use write::{Written, write};

use crate::model::settings::Settings;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// How the environment is asked, so that a test can answer.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Longest file that is read, in bytes: room for some thousand cameras.
const MAX_BYTES: u64 = 1 << 20;

/// A camera as it is written in the file, to be pasted.
const CAMERA_BLOCK: &str = r#"
  [[camera]]
  name = "front-door"
  source = "rtsp://user:${FRONT_DOOR_PASSWORD}@192.168.1.20/Streaming/Channels/101"
"#;

/// What a file says, and what about it deserves a look.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// Every value checked, every default filled in.
    pub settings: Settings,
    /// What works and may not be meant so: one sentence each, with its remedy.
    pub warnings: Vec<String>,
}

/// Why there are no settings: one sentence a line, each with file, line, key and remedy. Never holds a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

impl ConfigError {
    fn one(sentence: String) -> Self {
        Self(vec![sentence])
    }
}

impl Loaded {
    /// An error with a block to paste if there is no camera: for everything that records.
    pub fn needs_camera(&self, path: &Path) -> Result<(), ConfigError> {
        if !self.settings.cameras.is_empty() {
            return Ok(());
        }
        let sentence =
            format!("{}: there is no camera to record (add one, for example:\n{CAMERA_BLOCK})", path.display());
        Err(ConfigError::one(sentence))
    }
}

/// The configuration to use: `explicit` as it is, else the first that exists of `./nvr.toml`,
/// `$XDG_CONFIG_HOME/nvr/nvr.toml` and `/etc/nvr/nvr.toml`.
///
/// A file that exists and cannot be read is found, so that reading it says why, rather than another being used in its
/// place.
pub fn find(explicit: Option<&Path>, env: Env) -> Result<PathBuf, ConfigError> {
    if let Some(path) = explicit {
        return Ok(path.to_owned());
    }
    let mut places = vec![PathBuf::from("nvr.toml")];
    places.extend(xdg(env, "XDG_CONFIG_HOME", ".config").map(|home| home.join("nvr/nvr.toml")));
    places.push(PathBuf::from("/etc/nvr/nvr.toml"));
    let absent = [std::io::ErrorKind::NotFound, std::io::ErrorKind::NotADirectory];
    for place in &places {
        match std::fs::metadata(place) {
            Err(error) if absent.contains(&error.kind()) => {}
            Ok(_) | Err(_) => return Ok(place.clone()),
        }
    }
    let looked: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
    Err(ConfigError::one(format!(
        "there is no configuration: looked for {} (copy nvr.toml.example to one of these, or see it run first: nvr demo)",
        looked.join(", ")
    )))
}

/// Reads and checks the file at `path`. Relative paths in it are taken from its directory.
pub fn load(path: &Path, env: Env) -> Result<Loaded, ConfigError> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        let error = plain(&error);
        let remedy = if error == "permission denied" { format!("chmod or chown {shown}") } else { "ls -l it".into() };
        ConfigError::one(format!("{shown} cannot be read: {error} (run: {remedy}, or name another by --config)"))
    };
    let (bytes, meta) = file::read(path, MAX_BYTES + 1).map_err(|error| match error.kind() {
        ErrorKind::TimedOut => ConfigError::one(format!(
            "{shown} is a pipe and did not come to its end within {} s (end whoever writes it, or name a file by --config)",
            file::PATIENCE.as_secs()
        )),
        _ => unreadable(error),
    })?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ConfigError::one(format!(
            "{shown} is longer than 1 MiB, so it is not a configuration (name another)"
        )));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|&&byte| byte == b'\n').count();
        ConfigError::one(format!("{shown}:{line}: there is something that is not UTF-8 (save the file as UTF-8)"))
    })?;
    load_text(path, &text, &meta, env)
}

/// Checks the text of the file at `path`.
fn load_text(path: &Path, text: &str, meta: &std::fs::Metadata, env: Env) -> Result<Loaded, ConfigError> {
    use std::os::unix::fs::PermissionsExt;
    let open_to_all = meta.is_file() && meta.permissions().mode() & 0o004 != 0;
    let base = std::path::absolute(path).ok().and_then(|path| path.parent().map(Path::to_owned)).unwrap_or_default();
    read::settings(text, &read::Context { name: path, base: &base, env, open_to_all })
}

/// A user's directory by the rules of XDG: the variable if it is an absolute path, else below the home.
fn xdg(env: Env, variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(below_home)))
}

/// What the system says, without the number behind it.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
