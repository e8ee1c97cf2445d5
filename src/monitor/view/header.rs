//! The first line, and what should be mended.

use super::{Item, Note, Scene, Side, card, count, outside};
use crate::model::snapshot::Snapshot;
use crate::model::text::fit_for_screen;
use crate::monitor::format;
use crate::monitor::theme::Tone;

pub(super) fn header(scene: &Scene) -> Vec<Item> {
    let left = |tone, long: String, short: &str| Item { tone, side: Side::Left, long, short: short.to_owned() };
    let mut items = Vec::new();
    match (&scene.ui.lost, scene.snapshot) {
        (Some(lost), Some(snapshot)) => {
            let since = format::clock(lost.at, &snapshot.anchor, scene.zone);
            items.push(left(Tone::Bad, format!("NO RECORDER since {since}"), "NO RECORDER"));
        }
        (Some(_), None) => items.push(left(Tone::Bad, "NO RECORDER".to_owned(), "NO RECORDER")),
        (None, Some(snapshot)) => items.extend(cameras_in_header(snapshot)),
        (None, None) => items.push(left(Tone::Faint, "waiting for the recorder's picture".to_owned(), "waiting")),
    }
    if let Some(snapshot) = scene.snapshot {
        items.push(mail_in_header(snapshot));
        items.push(archive_in_header(snapshot));
        let ram = format!("RAM {}", format::bytes(snapshot.ring.used));
        items.push(Item { tone: Tone::Plain, side: Side::Right, long: ram, short: String::new() });
    }
    items
}

fn cameras_in_header(snapshot: &Snapshot) -> Vec<Item> {
    let all = snapshot.cameras.len();
    let recording = snapshot.cameras.iter().filter(|camera| card::is_recording(camera)).count();
    let trouble = snapshot.cameras.iter().filter(|camera| card::is_in_trouble(camera)).count();
    let tone = if all > 0 && recording == all { Tone::Good } else { Tone::Plain };
    let long = format!("{} · {recording} recording", count(all, "camera"));
    let mut items = vec![Item { tone, side: Side::Left, long, short: format!("{recording}/{all} recording") }];
    if trouble > 0 {
        let text = format!("{trouble} IN TROUBLE");
        items.push(Item { tone: Tone::Bad, side: Side::Left, long: text.clone(), short: text });
    }
    items
}

fn mail_in_header(snapshot: &Snapshot) -> Item {
    let today = snapshot.mail.today;
    let item = |tone, long: String, short: String| Item { tone, side: Side::Right, long, short };
    match &snapshot.mail.port {
        Ok(place) => {
            let port = place.rsplit_once(':').map_or(place.as_str(), |(_, port)| port);
            item(Tone::Plain, format!("mail :{} · {today} today", fit_for_screen(port, 20)), format!("mail {today}"))
        }
        Err(_) => item(Tone::Bad, "MAIL PORT CLOSED".to_owned(), "MAIL CLOSED".to_owned()),
    }
}

fn archive_in_header(snapshot: &Snapshot) -> Item {
    let archive = &snapshot.archive;
    let item = |tone, long: String, short: String| Item { tone, side: Side::Right, long, short };
    if archive.trouble.is_some() {
        return item(Tone::Bad, "ARCHIVE IN TROUBLE".to_owned(), "ARCHIVE!".to_owned());
    }
    let used = archive.space.and_then(|space| Some((format::percent_used(space.total, space.free)?, space.total)));
    match used {
        Some((part, total)) => {
            item(Tone::Plain, format!("archive {part} of {}", format::bytes(total)), format!("archive {part}"))
        }
        None => item(Tone::Faint, "archive not measured yet".to_owned(), String::new()),
    }
}

/// What a person should mend. The worst comes first, because a small screen shows only the first.
pub(super) fn alerts(scene: &Scene) -> Vec<Note> {
    let mut alerts = Vec::new();
    if let Some(lost) = &scene.ui.lost {
        let reason = outside(&lost.reason);
        let what = if lost.bye { "the recorder ended" } else { "the recorder is out of reach" };
        alerts.push(Note::new(Tone::Bad, format!("{what}: {reason}; this is the last picture, trying again")));
    }
    let Some(snapshot) = scene.snapshot else { return alerts };
    let clock = |at| format::clock(at, &snapshot.anchor, scene.zone);
    if let Some(trouble) = &snapshot.archive.trouble {
        let since = snapshot.archive.since.map(|at| format!(" since {}", clock(at))).unwrap_or_default();
        let waiting = match snapshot.archive.backlog {
            0 => String::new(),
            bytes => format!(" · {} wait in RAM", format::bytes(bytes)),
        };
        alerts.push(Note::new(Tone::Bad, format!("archive{since}: {}{waiting}", outside(trouble))));
    }
    alerts.extend(snapshot.ring.trouble.iter().map(|trouble| Note::new(Tone::Bad, outside(trouble))));
    if snapshot.lost.segments > 0 {
        let segments = count(usize::try_from(snapshot.lost.segments).unwrap_or(usize::MAX), "segment");
        let bytes = match snapshot.lost.bytes {
            0 => String::new(),
            bytes => format!(" ({})", format::bytes(bytes)),
        };
        alerts.push(Note::new(
            Tone::Bad,
            format!("{segments}{bytes} of wanted footage lost (the clips' records say which)"),
        ));
    }
    if let Err(why) = &snapshot.mail.port {
        alerts.push(Note::new(Tone::Bad, format!("mail: {}", outside(why))));
    }
    if let Some(why) = &snapshot.stopping {
        alerts.push(Note::new(Tone::Warn, format!("the recorder is stopping: {}", outside(why))));
    }
    alerts.extend(snapshot.warnings.iter().take(20).map(|warning| Note::new(Tone::Warn, outside(warning))));
    alerts
}
