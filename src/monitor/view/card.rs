//! One camera as words.

use super::{Note, Scene, Wake, outside};
use crate::model::snapshot::{CameraState, CameraView, EventView, Media, SlotState, Snapshot, TriggerKind};
use crate::model::time::Mono;
use crate::monitor::format;
use crate::monitor::theme::Tone;
use std::time::Duration;

/// How much later than two segments after the last one a segment may come.
const SLACK: Duration = Duration::from_secs(1);

/// Less than this between two segments is none.
const HOLE: Duration = Duration::from_millis(500);

/// One camera.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// Its name.
    pub name: String,
    /// Whether it obeys triggers from outside.
    pub armed: bool,
    /// What it is doing.
    pub state: State,
    /// Codec and size.
    pub media: String,
    /// Frames a second; empty if unknown.
    pub fps: String,
    /// Bits a second; empty if unknown.
    pub bitrate: String,
    /// What should be known at once, the most important first; none on a healthy camera.
    pub notes: Vec<Note>,
    /// How often FFmpeg had to be started again; empty if never.
    pub restarts: String,
    /// For how long footage has come in without a break; empty in the first minute, and if it does not.
    pub uptime: String,
    /// RAM in use.
    pub ram: String,
    /// The ring.
    pub slots: Vec<SlotState>,
    /// By how many seconds each slot's footage is older than the newest, all as wide; blank if there is none.
    pub ages: Vec<String>,
    /// How much of the past is there; empty if there is none, or if nothing comes in.
    pub past: String,
    /// The countdown, if an event is going on.
    pub countdown: Option<Countdown>,
}

/// What a camera is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// One or two words; capitals mean trouble.
    pub word: &'static str,
    /// Its tone.
    pub tone: Tone,
    /// Until when or since when; may be empty.
    pub detail: String,
    /// Why, with the remedy; may be empty.
    pub reason: String,
}

/// An event that is going on.
#[derive(Debug, Clone, PartialEq)]
pub struct Countdown {
    /// Time left.
    pub left: String,
    /// The part of the post-roll that is left, 0 to 1000. It moves only when the text does.
    pub share: u16,
    /// What the last trigger was.
    pub trigger: String,
}

/// Whether footage comes in.
pub(super) fn is_recording(camera: &CameraView) -> bool {
    match camera.state {
        CameraState::Recording { .. } => true,
        CameraState::Waiting { .. }
        | CameraState::Connecting { .. }
        | CameraState::Stalled { .. }
        | CameraState::NoSignal { .. }
        | CameraState::Stopped => false,
    }
}

/// Whether footage should come in and does not.
pub(super) fn is_in_trouble(camera: &CameraView) -> bool {
    match camera.state {
        CameraState::Stalled { .. } | CameraState::NoSignal { .. } => true,
        CameraState::Recording { .. }
        | CameraState::Waiting { .. }
        | CameraState::Connecting { .. }
        | CameraState::Stopped => false,
    }
}

impl Card {
    pub(super) fn of(camera: &CameraView, snapshot: &Snapshot, scene: &Scene, wake: &mut Wake) -> Self {
        Self {
            name: camera.name.to_string(),
            armed: camera.armed,
            state: state(camera, snapshot, scene, wake),
            media: camera.media.as_ref().map(media).unwrap_or_default(),
            fps: camera.fps.map(|fps| format!("{fps} fps")).unwrap_or_default(),
            bitrate: camera.bitrate.map(format::bitrate).unwrap_or_default(),
            notes: notes(camera, snapshot, wake),
            restarts: match camera.restarts {
                0 => String::new(),
                1 => "1 restart".to_owned(),
                n => format!("{n} restarts"),
            },
            uptime: uptime(camera, wake),
            ram: format!("{} RAM", format::bytes(camera.ram)),
            slots: camera.slots.iter().map(|slot| slot.is).collect(),
            ages: ages(camera),
            past: past(camera),
            countdown: camera.event.as_ref().map(|event| countdown(event, snapshot, scene, wake)),
        }
    }
}

fn state(camera: &CameraView, snapshot: &Snapshot, scene: &Scene, wake: &mut Wake) -> State {
    let since = |at| format!("since {}", format::clock(at, &snapshot.anchor, scene.zone));
    let calm = |word, tone, detail| State { word, tone, detail, reason: String::new() };
    match &camera.state {
        CameraState::Recording { .. } => calm("recording", Tone::Good, String::new()),
        CameraState::Waiting { .. } => calm("waiting", Tone::Warn, "for its turn to start".to_owned()),
        CameraState::Connecting { since: at } => calm("connecting", Tone::Warn, since(*at)),
        CameraState::Stopped => calm("stopped", Tone::Faint, String::new()),
        CameraState::Stalled { since: at, reason } => {
            State { word: "STALLED", tone: Tone::Bad, detail: since(*at), reason: outside(reason) }
        }
        CameraState::NoSignal { retry_at, attempt: _, reason } => {
            let left = retry_at.since(wake.now);
            let detail = match left {
                Duration::ZERO => "trying now".to_owned(),
                left => format!("retry in {}", wake.text(format::wait(left))),
            };
            State { word: "NO SIGNAL", tone: Tone::Bad, detail, reason: outside(reason) }
        }
    }
}

fn media(media: &Media) -> String {
    let sound = media.audio.as_deref().map(|audio| format!("+{audio}")).unwrap_or_default();
    outside(&format!("{}x{} {}{sound}", media.width, media.height, media.video))
}

fn notes(camera: &CameraView, snapshot: &Snapshot, wake: &mut Wake) -> Vec<Note> {
    let mut notes = Vec::new();
    if let Some(age) = overdue(camera, wake) {
        notes.push(Note::new(Tone::Bad, age));
    }
    if camera.lost > 0 {
        notes.push(Note::new(Tone::Bad, format!("{} LOST", camera.lost)));
    }
    if camera.backlog > 0 && snapshot.archive.trouble.is_some() {
        notes.push(Note::new(Tone::Warn, format!("{} waiting", camera.backlog)));
    }
    if let Some(percent) = camera.pace {
        notes.push(Note::new(Tone::Warn, format!("{:.1}x REAL TIME", f64::from(percent) / 100.0)));
    }
    if camera.silent.is_some() {
        notes.push(Note::new(Tone::Warn, "NO MAIL"));
    }
    if camera.spent.is_some() {
        notes.push(Note::new(Tone::Bad, "BUDGET SPENT"));
    }
    if let CameraState::NoSignal { attempt: tries @ 2.., .. } = camera.state {
        notes.push(Note::new(Tone::Warn, format!("{tries} tries failed")));
    }
    notes
}

/// It is not worth a wake-up: whatever happens next brings it up to date, at the latest the next slot.
fn uptime(camera: &CameraView, wake: &Wake) -> String {
    match camera.state {
        CameraState::Recording { since } if wake.now.since(since) >= Duration::from_secs(60) => {
            format!("up {}", format::about(wake.now.since(since)))
        }
        CameraState::Recording { .. }
        | CameraState::Waiting { .. }
        | CameraState::Connecting { .. }
        | CameraState::Stalled { .. }
        | CameraState::NoSignal { .. }
        | CameraState::Stopped => String::new(),
    }
}

/// Counted from the newest segment and not from now, so that they change when a slot does, and only then. They are as
/// wide as a full ring needs, so that nothing moves while it fills.
fn ages(camera: &CameraView) -> Vec<String> {
    let newest = camera.slots.iter().filter_map(|slot| slot.closed).max();
    let age = |closed: Option<Mono>| Some(newest?.since(closed?).as_secs_f64().round());
    let ages: Vec<_> = camera.slots.iter().map(|slot| age(slot.closed)).collect();
    let full = camera.segment.as_secs_f64() * camera.slots.len().saturating_sub(2) as f64;
    let width = ages.iter().flatten().fold(full, |most, age| most.max(*age)).round().to_string().len();
    let text = |age: Option<f64>| age.map(|age| age.to_string()).unwrap_or_default();
    ages.into_iter().map(|age| format!("{:>width$}", text(age))).collect()
}

/// From the beginning of the oldest segment to the end of the newest, whether they are in RAM or stored by now; and only
/// as far as there is no hole, for a trigger gets what was there.
fn past(camera: &CameraView) -> String {
    let kept = || camera.slots.iter().filter(|slot| slot.is != SlotState::Lost).filter_map(|slot| slot.closed);
    let (Some(oldest), Some(newest)) = (kept().min(), kept().max()) else { return String::new() };
    let Some(since) = camera.whole_since.filter(|since| is_recording(camera) && *since < newest) else {
        return String::new();
    };
    // A hole is there only if a segment ended before it.
    let hole = if oldest + HOLE < since { ", before that a hole" } else { "" };
    format!("goes back {}{hole}", format::length(newest.since(since)))
}

/// The age of the last segment, once that is worth knowing.
fn overdue(camera: &CameraView, wake: &mut Wake) -> Option<String> {
    let (last, limit) = (camera.last_segment?, camera.segment.saturating_mul(2).saturating_add(SLACK));
    if !is_recording(camera) && !is_in_trouble(camera) {
        return None;
    }
    let age = wake.now.since(last);
    if age < limit {
        wake.after(limit - age);
        return None;
    }
    Some(format!("last segment {} ago", wake.text(format::age(age))))
}

fn countdown(event: &EventView, snapshot: &Snapshot, scene: &Scene, wake: &mut Wake) -> Countdown {
    let left = format::countdown(event.until.since(wake.now));
    let whole = event.until.since(event.trigger.at).as_millis().max(1);
    let share = u16::try_from((left.shown.as_millis() * 1000 / whole).min(1000)).unwrap_or(1000);
    let at = format::clock(event.trigger.at, &snapshot.anchor, scene.zone);
    let more = if event.triggers > 1 { format!(" ({} triggers)", event.triggers) } else { String::new() };
    let trigger = match &event.trigger.kind {
        TriggerKind::Key => format!("key {at}{more}"),
        TriggerKind::Command => format!("command {at}{more}"),
        TriggerKind::Mail(mail) => format!("mail {at} \"{}\"{more} {}", outside(&mail.about()), outside(&mail.from)),
    };
    Countdown { left: wake.text(left), share, trigger }
}
