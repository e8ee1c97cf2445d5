//! `nvr check`: what would keep it from recording, each with its remedy. Nothing is changed, and a running recorder is
//! not disturbed.

use super::{Global, answers, plan as planned, table};
use crate::link::{dial, socket};
use crate::model::event::Space;
use crate::model::plan;
use crate::model::settings::Settings;
use crate::model::text::fit_for_screen;
use crate::work::archive::retain::{self, Outlook};
use crate::work::limits::{self, existing};
use crate::work::{archive, camera, ffmpeg, host, ring, smtp};
use color_eyre::eyre::Result;
use futures::stream::{self, StreamExt};
use std::path::Path;
use std::process::ExitCode;

/// So many cameras are looked at at a time: each takes an FFmpeg.
const ABREAST: usize = 8;

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
    let picture = planned::running(global).await?;
    let recorder = if running {
        "running".to_owned()
    } else {
        let named = global.socket.clone().or_else(|| settings.recorder.socket.clone());
        let place = socket::for_recorder(named, &socket::Env::read());
        format!("not running; its socket will be {}", place.path.display())
    };
    let archive = match answers::wait_for(&settings.archive.dir).await {
        Ok(()) => archive_dir(settings, running),
        Err(silent) => Finding::new("archive", Err(silent)),
    };
    let mut findings = vec![Finding::new("recorder", Ok(recorder)), ring_dir(settings, running), archive];
    findings.push(machine(settings, picture.map(|picture| picture.pid)));
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
            findings.extend(stream::iter(looks).buffered(ABREAST).collect::<Vec<_>>().await);
        }
    }
    Ok(findings)
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
    let found = writable(dir).and_then(|()| archive::space(existing(dir)));
    let cameras = settings.cameras.len() as u64;
    let small = found.as_ref().ok().and_then(|space| plan::small_ring(&settings.ring, cameras, *space));
    let text = |space: Space| {
        let bitrate = plan::bitrate_for(&settings.ring, cameras, space.total) as f64 / 1e6;
        format!("{}, {} in all: enough for {bitrate:.1} Mbit/s a camera", dir.display(), table::size(space.total))
    };
    let found = if !running && ring::in_use(dir) {
        Err(format!("{} belongs to another recorder (stop that one, or set ring.dir)", dir.display()))
    } else {
        found.map(text)
    };
    Finding::new("ring", found).warn(warnings.into_iter().flatten().chain(small))
}

fn archive_dir(settings: &Settings, running: bool) -> Finding {
    let (dir, state_dir) = (&settings.archive.dir, &settings.recorder.state_dir);
    let another = match archive::glance(dir, state_dir) {
        Ok(another) => another,
        Err(away) => return Finding::new("archive", Err(away)),
    };
    if !running && archive::in_use(dir) {
        return Finding::new("archive", Err("another recorder has it (stop that one)".to_owned()));
    }
    let space = match writable(dir).and_then(|()| archive::space(existing(dir))) {
        Ok(space) => space,
        Err(error) => return Finding::new("archive", Err(error)),
    };
    let (room, short) = archive_room(settings, space);
    let memory = ring::not_in_ram(dir)
        .is_none()
        .then(|| format!("{} is in RAM: a reboot deletes every clip (set archive.dir to a disk)", dir.display()));
    let found = room.map(|()| format!("{}, {} free", dir.display(), table::size(space.free)));
    Finding::new("archive", found).warn(another.into_iter().chain(short).chain(memory))
}

/// Whether this machine gives so many cameras what they need; how much that is, `nvr check --plan` tells.
fn machine(settings: &Settings, recorder: Option<u32>) -> Finding {
    let (cameras, machine) = (settings.cameras.len() as u64, limits::machine(&settings.ring.dir, recorder));
    let short = plan::shortages(cameras, &settings.ring, &machine);
    let found = match plan::most_cameras(&machine) {
        Some((most, of)) => format!("{} for {most} cameras (see: nvr check --plan)", of.word()),
        None => "no limits (see: nvr check --plan)".to_owned(),
    };
    Finding::new("machine", Ok(found)).warn(short)
}

/// Whether clips find room, with what retention can do for them; and what deserves a look.
fn archive_room(settings: &Settings, space: Space) -> (Result<(), String>, Option<String>) {
    let rules = &settings.archive;
    let nothing = Outlook { clips: 0, trouble: None };
    let outlook = if rules.dir.is_dir() { retain::outlook(rules, space) } else { Ok(nothing) };
    let Outlook { clips, trouble } = match outlook {
        Ok(outlook) => outlook,
        Err(error) => return (Err(error), None),
    };
    if space.free == 0 && clips == 0 {
        let why = trouble.unwrap_or_else(|| {
            format!("no clip may go to make room (make room: du -xh {}/.. | sort -h)", rules.dir.display())
        });
        return (Err(format!("the disk is full, and nothing can be stored: {why}")), None);
    }
    let oldest = || match clips {
        0 => None,
        1 => Some("the oldest clip".to_owned()),
        more => Some(format!("the {more} oldest clips")),
    };
    let goes = || {
        let (free, go) = (table::size(space.free), oldest()?);
        Some(format!(
            "only {free} are free, less than archive.min_free: {go} will be deleted (make room, or lower archive.min_free)"
        ))
    };
    (Ok(()), trouble.or_else(|| goes().filter(|_| space.free < rules.min_free)))
}

/// The ports, and who is let in how.
async fn mail(settings: &Settings, running: bool) -> Finding {
    let smtp = &settings.smtp;
    let login = match &smtp.login {
        Some(login) => format!("cameras log in as {}", fit_for_screen(&login.user, 64)),
        None => "any user and password pass".to_owned(),
    };
    let mut parts = Vec::new();
    let ports = [(Some(smtp.listen), "smtp.listen", ""), (smtp.tls.listen, "smtp.tls_listen", " (TLS)")];
    for (address, key, what) in ports {
        let Some(address) = address else { continue };
        match smtp::bind(address, key).await {
            Ok(_) => parts.push(format!("{address}{what} is free")),
            Err(_) if running => parts.push(format!("{address}{what}, in use by the running recorder")),
            Err(error) => return Finding::new("mail", Err(error)),
        }
    }
    let tls = smtp::tls_outlook(smtp, &settings.recorder.state_dir);
    Finding::new("mail", tls.map(|tls| [parts, vec![login, tls]].concat().join("; ")))
}
