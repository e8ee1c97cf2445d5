//! `nvr status`: one look, for people, scripts and cron. The exit code is the verdict.

mod shape;

use super::{Global, out, query, table};
use crate::clock;
use crate::model::snapshot::{CameraState, CameraView, EventView, Media, Snapshot};
use crate::model::text::fit_for_screen;
use crate::model::time::Mono;
use crate::monitor::format;
use color_eyre::eyre::Result;
use jiff::tz::TimeZone;
use shape::Status;
use std::process::ExitCode;
use std::time::Duration;

/// Longest text from outside in a cell.
const SHOWN: usize = 120;
/// Longest sentence.
const SENTENCE: usize = 400;

/// Prints what a recorder is doing. Exit code 0 if all is well, else 1.
pub async fn status(global: &Global, json: bool) -> Result<ExitCode> {
    let mut client = query::client(global, true).await?;
    let picture = query::picture(&mut client).await?;
    let (troubles, now) = (troubles(&picture), clock::boot_time());
    let code = if troubles.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if json {
        out::pretty(&Status::of(&picture, troubles, now))?;
    } else {
        out::lines(lines(&picture, &troubles, now))?;
    }
    Ok(code)
}

/// What is not well, one sentence each.
fn troubles(picture: &Snapshot) -> Vec<String> {
    let mut troubles = Vec::new();
    for camera in &picture.cameras {
        match &camera.state {
            CameraState::Recording { .. } => troubles.extend(camera.pace.map(|percent| {
                let times = f64::from(percent) / 100.0;
                format!(
                    "the stream of {} runs at {times:.1} times real time (see why, and what helps: nvr journal {0})",
                    camera.name
                )
            })),
            CameraState::Waiting { .. } => troubles.push(format!("{} waits for its turn to start", camera.name)),
            CameraState::Connecting { .. } => troubles.push(format!("{} is not recorded yet", camera.name)),
            CameraState::Stalled { reason, .. } | CameraState::NoSignal { reason, .. } => {
                troubles.push(format!("{} is not recorded: {reason}", camera.name));
            }
            // It was removed, and what is wanted of it is being stored.
            CameraState::Stopped if picture.stopping.is_none() => {}
            CameraState::Stopped => troubles.push(format!("{} is stopped", camera.name)),
        }
    }
    troubles.extend(picture.mail.port.as_ref().err().map(|error| format!("no mail: {error}")));
    troubles.extend(picture.archive.trouble.as_ref().map(|error| format!("the archive: {error}")));
    troubles.extend(picture.archive.retention.as_ref().map(|error| format!("the archive's limits: {error}")));
    troubles.extend(picture.ring.trouble.clone());
    match picture.lost.segments {
        0 => {}
        1 => troubles.push("1 segment that was wanted is lost (see why: nvr journal --level error)".to_owned()),
        lost => {
            troubles.push(format!("{lost} segments that were wanted are lost (see why: nvr journal --level error)"))
        }
    }
    for camera in picture.cameras.iter().filter(|camera| camera.missed > 0) {
        let events = if camera.missed == 1 { "event" } else { "events" };
        let (missed, name) = (camera.missed, &camera.name);
        troubles.push(format!(
            "{missed} {events} of {name} could not be saved at all (see why: nvr journal {name} --level error)"
        ));
    }
    troubles.extend(picture.cameras.iter().filter_map(spent_camera));
    troubles.extend(picture.cameras.iter().filter_map(|camera| silent_camera(camera, picture)));
    troubles.extend(silent_archive(picture));
    troubles.extend(nobody_armed(picture));
    troubles.extend(picture.stopping.as_ref().map(|why| format!("the recorder is stopping: {why}")));
    troubles
}

/// That a camera's mails are ignored because they have had too much saved.
fn spent_camera(camera: &CameraView) -> Option<String> {
    let (name, limit) = (&camera.name, table::about(camera.spent?));
    Some(format!(
        "mails of {name} are ignored until midnight, for they have had {limit} saved today (see what mails so much: nvr \
         journal {name}; or raise trigger.budget)"
    ))
}

/// That an armed camera has not mailed for longer than it may.
fn silent_camera(camera: &CameraView, picture: &Snapshot) -> Option<String> {
    let (name, limit) = (&camera.name, table::about(camera.silent?));
    let since = since(camera.last_mail, picture);
    Some(format!(
        "no mail of {name} {since}, and its silence is {limit} (does it still mail to this recorder? send a test mail \
         from its settings)"
    ))
}

/// That nothing was saved for longer than may be. An archive that takes nothing says more.
fn silent_archive(picture: &Snapshot) -> Option<String> {
    let limit = table::about(picture.archive.silent.filter(|_| picture.archive.trouble.is_none())?);
    let since = since(picture.archive.written, picture);
    Some(format!(
        "nothing was saved {since}, and archive.silence is {limit} (does any camera mail, and is it armed? see whether \
         saving works: nvr trigger --all)"
    ))
}

/// Since when something is silent.
fn since(last: Option<Mono>, picture: &Snapshot) -> String {
    let moment = |at| table::moment(picture.anchor.wall(at), &TimeZone::system());
    match last {
        Some(last) => format!("since {}", moment(last)),
        None => format!("since the recorder began at {}", moment(picture.started)),
    }
}

/// That mails do nothing at all.
fn nobody_armed(picture: &Snapshot) -> Option<String> {
    let all = picture.cameras.len();
    let none = all > 0 && picture.cameras.iter().all(|camera| !camera.armed);
    none.then(|| match all {
        1 => "the only camera is disarmed: no mail saves anything (arm it: nvr arm --all)".to_owned(),
        all => format!("{all} of {all} cameras are disarmed: no mail saves anything (arm them: nvr arm --all)"),
    })
}

/// That mails do nothing for some cameras: as somebody wanted it, and perhaps forgot.
fn some_disarmed(picture: &Snapshot) -> Option<String> {
    let off: Vec<_> = picture.cameras.iter().filter(|camera| !camera.armed).map(|it| it.name.as_str()).collect();
    let (count, all) = (off.len(), picture.cameras.len());
    (1..all).contains(&count).then(|| {
        let (are, them) = if count == 1 { ("is", "it") } else { ("are", "them") };
        let (listed, named) = (off.join(", "), off.join(" "));
        format!(
            "{count} of {all} cameras {are} disarmed, no mail saves anything of {listed} (arm {them}: nvr arm {named})"
        )
    })
}

/// The verdict and why first, for that is what was asked; then what there is.
fn lines(picture: &Snapshot, troubles: &[String], now: Mono) -> Vec<String> {
    let mut lines = vec![if troubles.is_empty() { "all is well".to_owned() } else { "not all is well".to_owned() }];
    lines.extend(troubles.iter().map(|trouble| format!("TROUBLE: {}", fit_for_screen(trouble, SENTENCE))));
    lines.extend(picture.warnings.iter().map(|warning| format!("warning: {}", fit_for_screen(warning, SENTENCE))));
    lines.extend(some_disarmed(picture).map(|note| format!("note: {}", fit_for_screen(&note, SENTENCE))));
    let rows: Vec<_> = picture.cameras.iter().map(|camera| camera_row(camera, picture, now)).collect();
    lines.extend(table::lines(&rows));
    lines.push(mail_line(picture, now));
    lines.extend(archive_lines(picture, now));
    let (ring, used) = (fit_for_screen(&picture.ring.dir, SENTENCE), table::size(picture.ring.used));
    lines.push(format!("ring {ring}: {used} in RAM"));
    let version = fit_for_screen(&picture.version, SHOWN);
    lines.push(format!("recorder {version}: process {}, up {}", picture.pid, table::about(now.since(picture.started))));
    lines
}

fn mail_line(picture: &Snapshot, now: Mono) -> String {
    let mail = &picture.mail;
    let since = format::counted_since(&picture.anchor, picture.started, picture.anchor.wall(now), &TimeZone::system());
    let port = match &mail.port {
        Ok(at) => format!("{}, {} {since}", fit_for_screen(at, SHOWN), mail.today),
        Err(_) => "closed".to_owned(),
    };
    let last = mail.last.as_ref().map_or_else(String::new, |last| {
        let at = table::moment(picture.anchor.wall(last.at), &TimeZone::system());
        let (subject, outcome) = (fit_for_screen(&last.subject, SHOWN), fit_for_screen(&last.outcome, SHOWN));
        format!("; the last at {at} to {} \"{subject}\": {outcome}", fit_for_screen(&last.to, SHOWN))
    });
    format!("mail {port}{last}")
}

fn archive_lines(picture: &Snapshot, now: Mono) -> Vec<String> {
    let archive = &picture.archive;
    let since = archive.since.filter(|_| archive.trouble.is_some());
    let since = since.map(|at| format!("since {}", table::moment(picture.anchor.wall(at), &TimeZone::system())));
    let free = match (archive.space, since) {
        (Some(space), since) => {
            let room = format!("{} free of {}", table::size(space.free), table::size(space.total));
            since.map_or_else(|| room.clone(), |since| format!("{room}, takes nothing {since}"))
        }
        (None, Some(since)) => format!("out of reach {since}"),
        (None, None) => "not measured yet".to_owned(),
    };
    let mut lines = vec![format!("archive {}: {free}", fit_for_screen(&archive.dir, SENTENCE))];
    if archive.backlog > 0 {
        let limit = archive.backlog_limit.map_or_else(String::new, |limit| format!(" of {}", table::size(limit)));
        lines.push(format!("backlog: {}{limit} are claimed and not yet stored", table::size(archive.backlog)));
    }
    if let Some(until) = archive.safe_until {
        lines.push(format!("footage is safe for {}", table::length(until.since(now))));
    }
    lines
}

fn camera_row(camera: &CameraView, picture: &Snapshot, now: Mono) -> [String; 8] {
    let (state, up) = match &camera.state {
        CameraState::Waiting { .. } => ("waiting", None),
        CameraState::Connecting { .. } => ("connecting", None),
        CameraState::Recording { since } => ("recording", Some(*since)),
        CameraState::Stalled { .. } => ("STALLED", None),
        CameraState::NoSignal { .. } => ("NO SIGNAL", None),
        CameraState::Stopped => ("stopped", None),
    };
    let restarts = match camera.restarts {
        0 => String::new(),
        1 => "1 restart".to_owned(),
        more => format!("{more} restarts"),
    };
    [
        camera.name.to_string(),
        if camera.armed { "armed" } else { "off" }.to_owned(),
        state.to_owned(),
        camera.media.as_ref().map_or_else(String::new, |media| media_cell(camera, media)),
        up.map_or_else(String::new, |since| format!("up {}", table::about(now.since(since)))),
        restarts,
        match (camera.spent, camera.silent) {
            (Some(_), _) => "BUDGET SPENT".to_owned(),
            (None, Some(_)) => format!("NO MAIL {}", since(camera.last_mail, picture)),
            (None, None) => String::new(),
        },
        camera.event.as_ref().map_or_else(String::new, |event| saving(event, now)),
    ]
}

/// How long the countdown still runs; when it is over, the last segment is awaited.
fn saving(event: &EventView, now: Mono) -> String {
    match event.until.since(now) {
        Duration::ZERO => "saving".to_owned(),
        left => format!("saving, {} left", table::length(left)),
    }
}

fn media_cell(camera: &CameraView, media: &Media) -> String {
    let sound = media.audio.as_deref().map_or_else(String::new, |audio| format!("+{}", fit_for_screen(audio, SHOWN)));
    let fps = camera.fps.map_or_else(String::new, |fps| format!(" {fps} fps"));
    let rate = camera.bitrate.map_or_else(String::new, |rate| format!(" {}", format::bitrate(rate)));
    format!("{}x{} {}{sound}{fps}{rate}", media.width, media.height, fit_for_screen(&media.video, SHOWN))
}
