//! The first line, and what should be mended.

use super::{Item, Note, Scene, Wake, card, count, outside};
use crate::model::snapshot::{CameraView, MailNote, Snapshot};
use crate::model::text::fit_for_screen;
use crate::model::time::Mono;
use crate::monitor::format;
use crate::monitor::keys::Place;
use crate::monitor::theme::Tone;
use crate::monitor::ui::{Leaving, Lost};
use std::time::Duration;

/// Columns of the widest size, as in `999 MB`: what is as wide as that does not push its neighbours about.
const SIZE: usize = 6;
/// Digits that a count has room for: a tenth mail must not change the form of what stands beside it.
const DIGITS: u16 = 3;

/// The first line. `wake` is the picture's clock, which stands still when there is no recorder; `clock` never does.
pub(super) fn header(scene: &Scene, wake: &mut Wake, clock: &mut Wake) -> Vec<Item> {
    let mut items = Vec::new();
    match (&scene.ui.lost, scene.snapshot) {
        (Some(lost), snapshot) => items.push(no_recorder(lost, snapshot, scene, clock)),
        (None, Some(snapshot)) => items.extend(cameras_in_header(snapshot)),
        (None, None) => {
            items
                .push(Item::left(Tone::Faint, ["waiting for the recorder's picture".to_owned(), "waiting".to_owned()]));
        }
    }
    if let Some(snapshot) = scene.snapshot {
        items.push(mail_in_header(snapshot, scene));
        items.push(archive_in_header(snapshot, wake));
        let ram = format!("RAM {:>SIZE$}", format::bytes(snapshot.ring.used));
        items.push(Item::right(Tone::Plain, [ram, String::new()]));
    }
    if scene.ui.lost.is_some() {
        // As old as the picture, and worth less than its age.
        for item in items.iter_mut().skip(1) {
            item.tone = Tone::Faint;
            item.forms.push(String::new());
        }
    }
    items
}

/// There is nobody who sends pictures: since when, and how old the last one is.
fn no_recorder(lost: &Lost, snapshot: Option<&Snapshot>, scene: &Scene, clock: &mut Wake) -> Item {
    let word = "NO RECORDER".to_owned();
    let Some(snapshot) = snapshot else { return Item::left(Tone::Bad, [word]) };
    let since = format!("{word} since {}", format::clock(lost.at, &snapshot.anchor, scene.zone));
    let (age, minute) = (clock.now.since(lost.at), Duration::from_secs(60));
    if age < minute {
        // That it is a moment old everybody sees; what would count the seconds is not worth the frames.
        clock.after(minute - age);
        return Item::left(Tone::Bad, [since, word]);
    }
    let old = format!("picture {} old", clock.text(format::age(age)));
    Item::left(Tone::Bad, [format!("{since} · {old}"), format!("{word} · {old}"), word])
}

fn cameras_in_header(snapshot: &Snapshot) -> Vec<Item> {
    let all = snapshot.cameras.len();
    let recording = snapshot.cameras.iter().filter(|camera| card::is_recording(camera)).count();
    let trouble = snapshot.cameras.iter().filter(|camera| card::is_in_trouble(camera)).count();
    let tone = if all > 0 && recording == all { Tone::Good } else { Tone::Plain };
    let long = format!("{} · {recording} recording", count(all, "camera"));
    let mut items = vec![Item::left(tone, [long, format!("{recording}/{all} recording")])];
    if trouble > 0 {
        items.push(Item::left(Tone::Bad, [format!("{trouble} IN TROUBLE")]));
    }
    if snapshot.lost.segments > 0 {
        let lost = snapshot.lost.segments;
        let segments = count(usize::try_from(lost).unwrap_or(usize::MAX), "segment");
        items.push(Item::left(Tone::Bad, [format!("{segments} LOST"), format!("{lost} LOST")]));
    }
    if snapshot.lost.events > 0 {
        let missed = snapshot.lost.events;
        let events = count(usize::try_from(missed).unwrap_or(usize::MAX), "event");
        items.push(Item::left(Tone::Bad, [format!("{events} MISSED"), format!("{missed} MISSED")]));
    }
    let disarmed = snapshot.cameras.iter().filter(|camera| !camera.armed).count();
    if disarmed > 0 {
        items.push(Item::left(Tone::Warn, [format!("{disarmed} DISARMED"), format!("{disarmed} OFF")]));
    }
    items
}

fn mail_in_header(snapshot: &Snapshot, scene: &Scene) -> Item {
    let mail = &snapshot.mail;
    let Ok(place) = &mail.port else {
        return Item::right(Tone::Bad, ["MAIL PORT CLOSED".to_owned(), "MAIL CLOSED".to_owned()]);
    };
    let port = fit_for_screen(place.rsplit_once(':').map_or(place.as_str(), |(_, port)| port), 20);
    if mail.today == 0 && mail.last.is_none() {
        return Item::right(Tone::Plain, [format!("mail :{port} · none yet"), "no mail yet".to_owned()]);
    }
    let span = format::counted_since(&snapshot.anchor, snapshot.started, snapshot.anchor.wall(scene.now), scene.zone);
    let count = format!("mail :{port} · {} {span}", mail.today);
    let last = mail.last.as_ref().map(|last| format!("{count}, last {}", last_mail(last, snapshot, scene)));
    let digits = u16::try_from(mail.today.to_string().len()).unwrap_or(DIGITS);
    let forms = last.into_iter().chain([count, format!("mail {}", mail.today)]);
    Item { spare: DIGITS.saturating_sub(digits), ..Item::right(Tone::Plain, forms) }
}

/// When the last mail came and for whom: what stands before the `@` is the camera, or what was meant to be one.
fn last_mail(last: &MailNote, snapshot: &Snapshot, scene: &Scene) -> String {
    let whom = last.to.split('@').next().unwrap_or_default();
    format!("{} {}", format::minute(last.at, &snapshot.anchor, scene.zone), fit_for_screen(whom, 20))
}

fn archive_in_header(snapshot: &Snapshot, wake: &mut Wake) -> Item {
    let archive = &snapshot.archive;
    if archive.trouble.is_some() {
        let down = "ARCHIVE DOWN".to_owned();
        return Item::right(
            Tone::Bad,
            match safe(snapshot, wake) {
                Safe::For(left) => vec![format!("{down} · safe {left}"), format!("safe {left}")],
                Safe::No => vec![format!("{down} · FOOTAGE IS BEING LOST"), "LOSING FOOTAGE".to_owned()],
                Safe::Yes | Safe::Unknown => vec![down],
            },
        );
    }
    match archive.space {
        Some(space) => {
            let free = format::bytes(space.free);
            let pad = " ".repeat(SIZE.saturating_sub(free.len()));
            let total = format::bytes(space.total);
            let forms =
                [format!("archive {free} free of {total}"), format!("archive {free} free"), format!("{free} free")];
            Item::right(Tone::Plain, forms.map(|form| format!("{pad}{form}")))
        }
        None => Item::right(Tone::Faint, ["archive not measured yet".to_owned(), String::new()]),
    }
}

/// Whether the footage that waits in RAM is safe there.
enum Safe {
    /// Nothing comes in that could fill it.
    Yes,
    /// For so long.
    For(String),
    /// No more.
    No,
    /// Nobody knows yet how much comes in.
    Unknown,
}

fn safe(snapshot: &Snapshot, wake: &mut Wake) -> Safe {
    let Some(until) = snapshot.archive.safe_until else {
        let wanted = snapshot.cameras.iter().any(|camera| camera.event.is_some());
        return if wanted { Safe::Unknown } else { Safe::Yes };
    };
    match until.since(wake.now) {
        Duration::ZERO => Safe::No,
        left => Safe::For(wake.text(format::safe(left))),
    }
}

/// What a person should mend. The worst comes first, because a small screen shows only the first.
pub(super) fn alerts(scene: &Scene, wake: &mut Wake) -> Vec<Note> {
    let mut alerts = Vec::new();
    if let Some(lost) = &scene.ui.lost {
        alerts.push(Note::new(Tone::Bad, lost_recorder(lost, scene.ui.leaving)));
    }
    let Some(snapshot) = scene.snapshot else { return alerts };
    alerts.extend(archive_down(snapshot, scene, wake));
    let limits = snapshot.archive.retention.iter();
    alerts.extend(limits.map(|why| Note::new(Tone::Bad, format!("archive: {}", format::short_paths(&outside(why))))));
    alerts.extend(
        snapshot.ring.trouble.iter().map(|trouble| Note::new(Tone::Bad, format::short_paths(&outside(trouble)))),
    );
    if let Err(why) = &snapshot.mail.port {
        alerts.push(Note::new(Tone::Bad, format!("mail: {}", outside(why))));
    }
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
    if let Some(why) = snapshot.stopping.as_ref().filter(|_| scene.ui.lost.is_none()) {
        alerts.push(Note::new(Tone::Warn, format!("the recorder is stopping: {}", outside(why))));
    }
    alerts.extend(snapshot.cameras.iter().filter_map(spent_camera));
    alerts.extend(silent_cameras(snapshot, scene));
    alerts.extend(silent_archive(snapshot, scene));
    if scene.ui.lost.is_none() && !snapshot.cameras.is_empty() && snapshot.cameras.iter().all(|camera| !camera.armed) {
        let remedy = if scene.ui.place() == Place::Cameras { "A arms all" } else { "to arm all: Esc, then A" };
        alerts.push(Note::new(Tone::Warn, format!("every camera is disarmed: no mail saves anything ({remedy})")));
    }
    alerts.extend(snapshot.warnings.iter().take(20).map(|warning| Note::new(Tone::Warn, outside(warning))));
    alerts
}

/// A camera whose mails are ignored because they have had too much saved.
fn spent_camera(camera: &CameraView) -> Option<Note> {
    let (name, limit) = (&camera.name, format::about(camera.spent?));
    let text = format!(
        "mails of {name} are ignored until midnight: they have had {limit} saved today (see what mails so much, or raise \
         trigger.budget)"
    );
    Some(Note::new(Tone::Bad, text))
}

/// Armed cameras that have not mailed for longer than they may. Since when stands still, so it costs no frame.
fn silent_cameras(snapshot: &Snapshot, scene: &Scene) -> Option<Note> {
    let silent: Vec<_> = snapshot.cameras.iter().filter(|camera| camera.silent.is_some()).collect();
    let (last, remedy) =
        (silent.iter().filter_map(|camera| camera.last_mail).max(), "send a test mail from its settings");
    let text = match silent.as_slice() {
        [] => return None,
        [one] => {
            let since = since(one.last_mail, snapshot, scene);
            format!("no mail of {} {since}: does it still mail to this recorder? ({remedy})", one.name)
        }
        several => {
            let names: Vec<_> = several.iter().map(|camera| camera.name.as_str()).collect();
            let (count, since) = (count(several.len(), "camera"), since(last, snapshot, scene));
            format!("no mail of {count} {since}: do they still mail to this recorder? (look at {})", names.join(", "))
        }
    };
    Some(Note::new(Tone::Warn, outside(&text)))
}

/// That nothing was saved for longer than may be. An archive that takes nothing says more.
fn silent_archive(snapshot: &Snapshot, scene: &Scene) -> Option<Note> {
    snapshot.archive.silent.filter(|_| snapshot.archive.trouble.is_none())?;
    let since = since(snapshot.archive.written, snapshot, scene);
    let text =
        format!("nothing was saved {since}: does any camera mail, and is it armed? (t saves, to see that it works)");
    Some(Note::new(Tone::Warn, text))
}

/// Since when something is silent.
fn since(last: Option<Mono>, snapshot: &Snapshot, scene: &Scene) -> String {
    let wall = |at| snapshot.anchor.wall(at);
    let moment = |at| format::moment(wall(at), wall(scene.now), scene.zone);
    match last {
        Some(last) => format!("since {}", moment(last)),
        None => format!("since the recorder began, {}", moment(snapshot.started)),
    }
}

/// Why there is nobody who sends pictures, and how there will be somebody again.
fn lost_recorder(lost: &Lost, leaving: Leaving) -> String {
    let reason = outside(&lost.reason);
    let what = if lost.bye { "the recorder ended" } else { "the recorder is out of reach" };
    // A reason that says itself what helps needs nothing more.
    if !lost.bye || reason.ends_with(')') {
        return format!("{what}: {reason}; this is the last picture, trying again");
    }
    match leaving {
        Leaving::RecordingGoesOn => {
            format!("{what}: {reason} (start it again: nvr, or systemctl start nvr; this picture comes back by itself)")
        }
        Leaving::EndsAll => format!("{what}: {reason} (start it again: nvr demo)"),
    }
}

/// First what may be lost and when, then why, and what helps.
fn archive_down(snapshot: &Snapshot, scene: &Scene, wake: &mut Wake) -> Option<Note> {
    let archive = &snapshot.archive;
    let trouble = format::short_paths(&outside(archive.trouble.as_ref()?));
    let waiting = match archive.backlog {
        0 => None,
        bytes => Some(match archive.backlog_limit {
            Some(limit) => format!("{} of {} wait in RAM", format::bytes(bytes), format::bytes(limit)),
            None => format!("{} wait in RAM", format::bytes(bytes)),
        }),
    };
    let (safe, calm) = match safe(snapshot, wake) {
        Safe::For(left) => (format!(", footage safe for {left}"), ""),
        Safe::No => (", footage is being lost: there is no more room in RAM".to_owned(), ""),
        Safe::Yes => (String::new(), ", nothing more comes in"),
        Safe::Unknown => (String::new(), ""),
    };
    let since = archive.since.map(|at| format!(" since {}", format::clock(at, &snapshot.anchor, scene.zone)));
    let since = since.unwrap_or_default();
    let waiting = waiting.map(|bytes| format!(" ({bytes}{calm})")).unwrap_or_default();
    Some(Note::new(Tone::Bad, format!("archive down{since}{safe}{waiting}: {trouble}")))
}
