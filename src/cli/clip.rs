//! `nvr clip`: all about one clip, for people: what was wanted, what is there, and why the two differ.

use super::clips::Named;
use super::shape::ClipShape;
use super::{Global, out, query, table};
use crate::model::pictures::MOST;
use crate::model::question::{ClipDetails, Found, Question};
use crate::model::record::{ClipState, Gap, Record, Trigger, TriggerKind};
use crate::model::snapshot::ClipView;
use crate::model::text::fit_for_screen;
use crate::model::time::{Wall, Window};
use color_eyre::eyre::Result;
use jiff::tz::TimeZone;
use std::process::ExitCode;

/// Longest text from outside in a line.
const SHOWN: usize = 400;

/// Prints a clip's record.
pub async fn clip(global: &Global, named: &Named, json: bool) -> Result<ExitCode> {
    let client = query::client(global, false).await?;
    let name = named.resolve(&client).await?;
    let Found::Clip(details) = query::ask(&client, Question::Clip(name)).await? else {
        return Err(query::something_else());
    };
    if json {
        out::pretty(&ClipShape::from(&*details))?;
    } else {
        out::lines(table::lines(&rows(&details, &TimeZone::system())))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn rows(details: &ClipDetails, zone: &TimeZone) -> Vec<[String; 2]> {
    let clip = &details.clip;
    let row = |name: &str, text: String| [name.to_owned(), text];
    let mut rows = vec![
        row("clip", fit_for_screen(&clip.name, SHOWN)),
        row("camera", clip.camera.to_string()),
        row("state", state(details)),
    ];
    match &details.record {
        Some(record) => rows.extend(recorded(record, clip, zone)),
        None => {
            let why = details.trouble.as_deref().unwrap_or("it is not there");
            rows.push(row("begins", table::moment(clip.start, zone)));
            rows.push(row("size", table::size(clip.bytes)));
            rows.push(row("record", format!("none: {}", fit_for_screen(why, SHOWN))));
        }
    }
    let path = fit_for_screen(&clip.path, 4096);
    let dir = std::path::Path::new(&path).parent().map(|dir| dir.display().to_string()).unwrap_or_default();
    let pictures = details.pictures.iter().take(MOST).map(|name| format!("{dir}/{}", fit_for_screen(name, SHOWN)));
    if !details.pictures.is_empty() {
        rows.extend(named("pictures", pictures.collect(), ""));
    }
    rows.push(row("file", path));
    rows
}

fn state(details: &ClipDetails) -> String {
    let state = match details.record.as_ref().map(|record| record.state) {
        _ if details.clip.open => "growing",
        Some(ClipState::Interrupted) => "interrupted: the recorder ended before it could be closed",
        Some(ClipState::Open | ClipState::Closed) | None => "closed",
    };
    if details.clip.protected { format!("{state}; protected") } else { state.to_owned() }
}

/// What the record tells.
fn recorded(record: &Record, clip: &ClipView, zone: &TimeZone) -> Vec<[String; 2]> {
    let row = |name: &str, text: String| [name.to_owned(), text];
    let mut rows = vec![row("asked", span(&record.asked, zone))];
    let holes = match record.holes().as_secs_f64() {
        some if some > 0.0 => format!(", of which {some:.1} s are missing"),
        _ => String::new(),
    };
    let got = record.got.as_ref().map_or_else(|| "nothing yet".to_owned(), |got| noted(got, &holes, zone));
    rows.push(row("got", got));
    if !clip.waiting.is_zero() {
        rows.push(row("waiting", format!("{:.1} s wait in RAM for the archive", clip.waiting.as_secs_f64())));
    }
    let none = if clip.open { "nothing so far" } else { "nothing" };
    rows.extend(named("missing", record.gaps.iter().map(|gap| gap_line(gap, zone)).collect(), none));
    let mut triggers: Vec<_> = record.triggers.iter().map(|trigger| trigger_line(trigger, zone)).collect();
    if record.more_triggers > 0 {
        triggers.push(format!("and {} more", record.more_triggers));
    }
    rows.extend(named("triggers", triggers, "none is known"));
    if let Some(media) = &record.media {
        let audio = media.audio.as_deref().map_or_else(|| ", no sound".to_owned(), |audio| format!(" + {audio}"));
        let text = format!("{}x{} {}{audio}", media.width, media.height, media.video);
        rows.push(row("media", fit_for_screen(&text, SHOWN)));
    }
    let size = table::size(record.bytes);
    rows.push(row(
        "size",
        format!("{size}: {:.1} s, {} frames, {} segments", record.seconds, record.frames, record.segments.len()),
    ));
    if let Some(before) = &record.continues {
        rows.push(row("goes on from", fit_for_screen(before, SHOWN)));
    }
    rows.extend(record.hash().map(|(kind, hash)| row(kind, fit_for_screen(hash, SHOWN))));
    rows
}

/// Several lines under one name.
fn named(name: &str, lines: Vec<String>, none: &str) -> Vec<[String; 2]> {
    let lines = if lines.is_empty() { vec![none.to_owned()] } else { lines };
    let names = [name].into_iter().chain(std::iter::repeat(""));
    names.zip(lines).map(|(name, line)| [name.to_owned(), line]).collect()
}

fn span(window: &Window<Wall>, zone: &TimeZone) -> String {
    noted(window, "", zone)
}

/// The same, with a note behind its length.
fn noted(window: &Window<Wall>, note: &str, zone: &TimeZone) -> String {
    let to = window.to.to_zoned(zone.clone()).strftime("%H:%M:%S%.1f").to_string();
    let from = window.from.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.1f").to_string();
    format!("{from} to {to} ({:.1} s{note})", window.to.duration_since(window.from).as_secs_f64())
}

fn gap_line(gap: &Gap, zone: &TimeZone) -> String {
    format!("{}: {}", span(&gap.window, zone), fit_for_screen(&gap.cause, SHOWN))
}

fn trigger_line(trigger: &Trigger, zone: &TimeZone) -> String {
    let at = table::moment(trigger.at, zone);
    match &trigger.kind {
        TriggerKind::Key | TriggerKind::Command => format!("{at}  {}", trigger.kind.word()),
        TriggerKind::Mail(mail) => {
            let [peer, from, to] = [&mail.peer, &mail.from, &mail.to].map(|text| fit_for_screen(text, SHOWN));
            let about = fit_for_screen(&mail.about(), SHOWN);
            let picture = mail.picture.as_deref().map(|name| format!(", picture {}", fit_for_screen(name, SHOWN)));
            format!("{at}  mail \"{about}\" from {from} ({peer}) to {to}{}", picture.unwrap_or_default())
        }
    }
}
