//! `nvr check`: what would keep it from recording, each with its remedy. Nothing is changed, and a running recorder is
//! not disturbed.

use super::{Global, table};
use crate::link::{dial, socket};
use crate::model::settings::Settings;
use crate::work::{archive, camera, ffmpeg, host, ring, smtp};
use color_eyre::eyre::Result;
use futures::future::join_all;
use std::path::Path;
use std::process::ExitCode;

/// A 4 Mbit/s camera is common; below this the ring is too small for it.
const COMMON_BITRATE: u64 = 4_000_000;

/// The magic numbers of /proc, /sys, cgroups (two kinds), debugfs, tracefs and /dev/pts in `statfs`.
const NOT_FOR_FILES: [u64; 7] = [0x9fa0, 0x6265_6572, 0x0027_e0eb, 0x6367_7270, 0x6462_6720, 0x7472_6163, 0x1cd1];

/// One thing that was looked at.
struct Finding {
    what: String,
    /// `Err`: it would keep nvr from recording.
    found: Result<String, String>,
    /// Works, and may not be meant so.
    warnings: Vec<String>,
}

impl Finding {
    fn new(what: impl Into<String>, found: Result<String, String>) -> Self {
        Self { what: what.into(), found, warnings: Vec::new() }
    }

    fn warn(mut self, warnings: impl IntoIterator<Item = String>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    fn rows(&self) -> Vec<[String; 3]> {
        let (mark, text) = match &self.found {
            Ok(text) => ("ok", text),
            Err(text) => ("FAIL", text),
        };
        let first = [mark.to_owned(), self.what.clone(), text.clone()];
        let warnings = self.warnings.iter().map(|warning| ["warn".to_owned(), self.what.clone(), warning.clone()]);
        [first].into_iter().chain(warnings).collect()
    }
}

/// Looks at everything and prints a table; exit code 1 if anything would keep nvr from recording.
pub async fn check(global: &Global) -> Result<ExitCode> {
    let mut findings = Vec::new();
    match global.load() {
        Err(error) => findings.push(Finding::new("configuration", Err(error.to_string()))),
        Ok((loaded, path)) => {
            let count = loaded.settings.cameras.len();
            let found = loaded.needs_camera(&path).map_err(|error| error.to_string());
            let s = if count == 1 { "" } else { "s" };
            let found = found.map(|()| format!("{}, {count} camera{s}", path.display()));
            findings.push(Finding::new("configuration", found).warn(loaded.warnings));
            findings.extend(settings(global, &loaded.settings).await?);
        }
    }
    let rows: Vec<_> = findings.iter().flat_map(Finding::rows).collect();
    table::lines(&rows).iter().for_each(|line| println!("{line}"));
    let failed = findings.iter().any(|finding| finding.found.is_err());
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn settings(global: &Global, settings: &Settings) -> Result<Vec<Finding>> {
    let running = matches!(dial::reach(&global.sockets()?).await, Ok(dial::Reach::Connected(..)));
    let recorder = if running {
        "running".to_owned()
    } else {
        let named = global.socket.clone().or_else(|| settings.recorder.socket.clone());
        let place = socket::for_recorder(named, &socket::Env::read());
        format!("not running; its socket will be {}", place.path.display())
    };
    let mut findings =
        vec![Finding::new("recorder", Ok(recorder)), ring_dir(settings, running), archive_dir(settings, running)];
    findings.push(mail(settings, running).await);
    match ffmpeg::probe(&settings.recorder.ffmpeg).await {
        Err(error) => findings.push(Finding::new("ffmpeg", Err(error))),
        Ok(ffmpeg) => {
            findings.push(Finding::new("ffmpeg", Ok(ffmpeg.version.clone())));
            let looks = settings.cameras.iter().map(|camera| async {
                let found = camera::glance(&ffmpeg, camera).await;
                let found = found.map(|()| format!("{} sends a picture", camera.source));
                Finding::new(format!("camera {}", camera.name), found).warn(ffmpeg::shows_password(&ffmpeg, camera))
            });
            findings.extend(join_all(looks).await);
        }
    }
    Ok(findings)
}

/// The nearest directory that exists: what is below will be made in it.
fn existing(dir: &Path) -> &Path {
    dir.ancestors().find(|dir| dir.exists()).unwrap_or(Path::new("/"))
}

/// Whether this user may make files there.
fn writable(dir: &Path) -> Result<(), String> {
    let place = existing(dir);
    if !place.is_dir() {
        return Err(format!("{} is not a directory (name another)", place.display()));
    }
    let kind = rustix::fs::statfs(place).map_or(0, |found| u64::try_from(found.f_type).unwrap_or(0));
    if NOT_FOR_FILES.contains(&kind) {
        return Err(format!("{} is the kernel's own and holds no files of others (name another)", dir.display()));
    }
    rustix::fs::access(place, rustix::fs::Access::WRITE_OK).map_err(|error| {
        let uid = rustix::process::geteuid().as_raw();
        let remedy = format!("sudo install -d -o {uid} {}", dir.display());
        format!("{} cannot be made or written: {} (run: {remedy})", dir.display(), std::io::Error::from(error))
    })
}

fn ring_dir(settings: &Settings, running: bool) -> Finding {
    let dir = &settings.ring.dir;
    let swaps = std::fs::read_to_string("/proc/swaps").unwrap_or_default();
    let warnings = [ring::not_in_ram(dir), host::logout_warning(dir), host::swap_warning(&swaps)];
    let found = writable(dir).and_then(|()| archive::space(existing(dir))).map(|space| {
        let seconds = settings.ring.segment.as_secs().max(1) * u64::from(settings.ring.wrap());
        let rings = seconds * settings.cameras.len().max(1) as u64;
        let bitrate = space.total * 8 / rings;
        (
            bitrate,
            format!(
                "{}, {} in all: enough for {:.1} Mbit/s a camera",
                dir.display(),
                table::size(space.total),
                bitrate as f64 / 1e6
            ),
        )
    });
    let small =
        found.as_ref().ok().filter(|(bitrate, _)| *bitrate < COMMON_BITRATE).map(|(_, text)| {
            format!("{text}, which is less than most send (fewer ring.slots, or a larger file system)")
        });
    let found = if !running && ring::in_use(dir) {
        Err(format!("{} belongs to another recorder (stop that one, or set ring.dir)", dir.display()))
    } else {
        found.map(|(_, text)| text)
    };
    Finding::new("ring", found).warn(warnings.into_iter().flatten().chain(small))
}

fn archive_dir(settings: &Settings, running: bool) -> Finding {
    let dir = &settings.archive.dir;
    let found = writable(dir).and_then(|()| archive::space(existing(dir)));
    let full = found.as_ref().ok().filter(|space| space.free < settings.archive.min_free).map(|space| {
        format!("only {} are free, less than archive.min_free: the oldest clips will go", table::size(space.free))
    });
    let memory = (ring::not_in_ram(dir).is_none() && found.is_ok())
        .then(|| format!("{} is in RAM: a reboot deletes every clip (set archive.dir to a disk)", dir.display()));
    let stranger = (!running && archive::in_use(dir)).then(|| "another recorder has it (stop that one)".to_owned());
    let found = match stranger {
        Some(error) => Err(error),
        None => found.map(|space| format!("{}, {} free", dir.display(), table::size(space.free))),
    };
    Finding::new("archive", found).warn(full.into_iter().chain(memory))
}

async fn mail(settings: &Settings, running: bool) -> Finding {
    let address = settings.smtp.listen;
    let found = match smtp::bind(address).await {
        Ok(_) => Ok(format!("{address} is free")),
        Err(_) if running => Ok(format!("{address}, in use by the running recorder")),
        Err(error) => Err(error),
    };
    Finding::new("mail", found)
}
