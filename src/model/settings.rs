//! What the owner decided, ready to use: every value checked, every default filled in. `config.rs` makes it from
//! `nvr.toml`; nothing else does.

mod mail;

pub use mail::{Certificate, Limits, Login, Smtp, Tls};

use super::id::CameraName;
use super::rule::Rule;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// All settings of a recorder.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The rings, the same shape for every camera.
    pub ring: Ring,
    /// Where clips go and how long they stay.
    pub archive: Archive,
    /// Who may send mail, and where to.
    pub smtp: Smtp,
    /// Places and programs.
    pub recorder: Recorder,
    /// In the order of the file, which is the order on the screen. Names and aliases are unique.
    pub cameras: Vec<Arc<Camera>>,
}

/// `[ring]`
#[derive(Debug, Clone, PartialEq)]
pub struct Ring {
    /// A directory in RAM; each camera has its own below.
    pub dir: PathBuf,
    /// Wanted length of a segment; a camera's key frames decide the real one.
    pub segment: Duration,
    /// How many finished segments a ring keeps.
    pub slots: u32,
    /// How much may be claimed and not yet stored.
    pub backlog: Share,
}

impl Ring {
    /// FFmpeg's `-segment_wrap`: two more than `slots`, so that the name it opens next is always free.
    pub fn wrap(&self) -> u32 {
        self.slots + 2
    }
}

/// An amount of RAM.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Share {
    /// A part of the file system, 0.0 to 1.0.
    Fraction(f64),
    /// Bytes.
    Bytes(u64),
}

/// `[archive]`
#[derive(Debug, Clone, PartialEq)]
pub struct Archive {
    /// Permanent storage.
    pub dir: PathBuf,
    /// Age at which clips go; `None`: never.
    pub keep: Option<Duration>,
    /// Bytes above which the oldest clips go; `None`: no limit.
    pub max_size: Option<u64>,
    /// Bytes of the file system that stay free.
    pub min_free: u64,
    /// How long it may be that nothing is written to it; `None`: for ever.
    pub silence: Option<Duration>,
}

/// `[recorder]`
#[derive(Debug, Clone, PartialEq)]
pub struct Recorder {
    /// What outlives a reboot: armed or disarmed, the log of a recorder that `nvr` started.
    pub state_dir: PathBuf,
    /// The socket asked for in the file; `None`: the usual places.
    pub socket: Option<PathBuf>,
    /// The FFmpeg to run: a name in PATH or a path.
    pub ffmpeg: PathBuf,
}

/// `[[camera]]`
#[derive(Debug, Clone, PartialEq)]
pub struct Camera {
    /// Unique.
    pub name: CameraName,
    /// More local parts of mail addresses that mean this camera; lower case.
    pub alias: Vec<String>,
    /// A mail for which one of these holds means this camera.
    pub mail: Vec<Rule>,
    /// What FFmpeg opens.
    pub source: Source,
    /// FFmpeg options before the input.
    pub input_args: Vec<String>,
    /// What becomes of the sound.
    pub audio: Audio,
    /// How long it may be that it does not mail while it is armed; `None`: for ever.
    pub silence: Option<Duration>,
    /// `[trigger]` with this camera's own changes.
    pub trigger: Trigger,
}

/// `[trigger]`
#[derive(Debug, Clone, PartialEq)]
pub struct Trigger {
    /// Footage wanted before a trigger.
    pub pre_roll: Duration,
    /// Footage wanted after the last trigger.
    pub post_roll: Duration,
    /// A clip of this length is closed and the next one goes on without a gap.
    pub max_clip: Duration,
    /// After a trigger from outside, further ones are ignored for so long.
    pub cooldown: Duration,
    /// Whether triggers from outside count at the first start.
    pub armed: bool,
    /// Footage that mails may have saved in a day; `None`: no limit.
    pub budget: Option<Duration>,
}

/// What becomes of a camera's sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audio {
    /// Copied where MP4 can hold it, made AAC where it cannot.
    Copy,
    /// Made AAC.
    Aac,
    /// Left out.
    None,
}

/// What FFmpeg opens. It may hold a password, so it can be printed only without.
#[derive(Clone, PartialEq, Eq)]
pub struct Source(String);

/// How FFmpeg has to be told about a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// `rtsp://`, `rtsps://`: over TCP, through a list on a pipe that hides the password.
    Rtsp,
    /// `lavfi:…`: FFmpeg's own synthetic sources, encoded here.
    Lavfi,
    /// A file, played in real time and again and again.
    File,
    /// Any other URL.
    Url,
}

impl Source {
    /// Takes the text as FFmpeg is to see it, password and all.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text with its password: for FFmpeg's eyes only.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// How to open it.
    pub fn kind(&self) -> SourceKind {
        match self.0.split_once(':') {
            Some(("rtsp" | "rtsps", _)) => SourceKind::Rtsp,
            Some(("lavfi", _)) => SourceKind::Lavfi,
            Some((scheme, rest)) if rest.starts_with("//") && scheme != "file" => SourceKind::Url,
            _ => SourceKind::File,
        }
    }

    /// The host of a URL, by which a mail's peer is recognised.
    pub fn host(&self) -> Option<&str> {
        let (scheme, rest) = self.0.split_once("://")?;
        if scheme.contains([':', '=']) {
            return None;
        }
        let authority = rest.split(['/', '?', '#']).next()?;
        let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
        let host = match place.strip_prefix('[') {
            Some(v6) => v6.split(']').next()?,
            None => place.split(':').next()?,
        };
        (!host.is_empty()).then_some(host)
    }

    /// The port that a URL names; `None` if it names none, or that is no number.
    pub fn port(&self) -> Option<u16> {
        let (_, rest) = self.0.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
        let after_host = place.rsplit_once(']').map_or(place, |(_, after)| after);
        after_host.rsplit_once(':')?.1.parse().ok()
    }
}

/// Without what stands between `//` and `@`, and without the query, where cameras also take passwords.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((scheme, rest)) = self.0.split_once("://") else { return f.write_str(&self.0) };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
        let (path, hidden) = match path.find(['?', '#']) {
            Some(at) => (&path[..at], "?…"),
            None => (path, ""),
        };
        let user = if place.len() < authority.len() { "…@" } else { "" };
        write!(f, "{scheme}://{user}{place}{path}{hidden}")
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_shows_everything_but_its_secrets() {
        for (source, shown, host, kind) in [
            ("rtsp://u:p@10.0.0.9:554/a?token=s", "rtsp://…@10.0.0.9:554/a?…", Some("10.0.0.9"), SourceKind::Rtsp),
            ("rtsp://u:p@ss/w@cam/a", "rtsp://…@ss/w@cam/a", Some("ss"), SourceKind::Rtsp),
            ("rtsp://[fe80::1]:554/a", "rtsp://[fe80::1]:554/a", Some("fe80::1"), SourceKind::Rtsp),
            ("rtsp://u:1@[fe80::2]/a:3", "rtsp://…@[fe80::2]/a:3", Some("fe80::2"), SourceKind::Rtsp),
            ("http://cam/video.mjpg", "http://cam/video.mjpg", Some("cam"), SourceKind::Url),
            ("lavfi:testsrc2=s=64x64", "lavfi:testsrc2=s=64x64", None, SourceKind::Lavfi),
            ("garden.mp4", "garden.mp4", None, SourceKind::File),
            ("file:///srv/garden.mp4", "file:///srv/garden.mp4", None, SourceKind::File),
        ] {
            let it = Source::new(source.into());
            assert_eq!((it.to_string().as_str(), it.host(), it.kind()), (shown, host, kind), "{source}");
            assert_eq!(format!("{it:?}"), shown);
            assert_eq!(it.port(), shown.contains(":554/").then_some(554), "{source}");
        }
    }
}
