//! One camera as words.

use super::{Note, Scene, Wake, outside};
use crate::model::snapshot::{CameraState, CameraView, EventView, Media, SlotView, Snapshot, TriggerKind};
use crate::monitor::format;
use crate::monitor::theme::Tone;
use std::time::Duration;

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
    /// What else there is to say, the most important first.
    pub notes: Vec<Note>,
    /// The ring.
    pub slots: Vec<SlotView>,
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
        CameraState::Connecting { .. }
        | CameraState::Stalled { .. }
        | CameraState::NoSignal { .. }
        | CameraState::Stopped => false,
    }
}

/// Whether footage should come in and does not.
pub(super) fn is_in_trouble(camera: &CameraView) -> bool {
    match camera.state {
        CameraState::Stalled { .. } | CameraState::NoSignal { .. } => true,
        CameraState::Recording { .. } | CameraState::Connecting { .. } | CameraState::Stopped => false,
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
            slots: camera.slots.clone(),
            countdown: camera.event.as_ref().map(|event| countdown(event, snapshot, scene, wake)),
        }
    }
}

fn state(camera: &CameraView, snapshot: &Snapshot, scene: &Scene, wake: &mut Wake) -> State {
    let since = |at| format!("since {}", format::clock(at, &snapshot.anchor, scene.zone));
    let calm = |word, tone, detail| State { word, tone, detail, reason: String::new() };
    match &camera.state {
        CameraState::Recording { .. } => calm("recording", Tone::Good, String::new()),
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

/// What else there is to say. On a healthy camera it rests for minutes.
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
    if let CameraState::NoSignal { attempt: tries @ 2.., .. } = camera.state {
        notes.push(Note::new(Tone::Warn, format!("{tries} tries failed")));
    }
    match camera.restarts {
        0 => {}
        1 => notes.push(Note::new(Tone::Faint, "1 restart")),
        n => notes.push(Note::new(Tone::Faint, format!("{n} restarts"))),
    }
    if let CameraState::Recording { since } = camera.state
        && wake.now.since(since) >= Duration::from_secs(60)
    {
        // Not worth a wake-up: it is brought up to date by whatever happens next, at the latest by the next slot.
        notes.push(Note::new(Tone::Faint, format!("up {}", format::about(wake.now.since(since)))));
    }
    notes.push(Note::new(Tone::Faint, format!("{} RAM", format::bytes(camera.ram))));
    notes
}

/// The age of the last segment, once that is worth knowing.
fn overdue(camera: &CameraView, wake: &mut Wake) -> Option<String> {
    let (last, limit) = (camera.last_segment?, camera.segment * 2 + Duration::from_secs(1));
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
        TriggerKind::Mail { from, subject, .. } => {
            format!("mail {at} \"{}\" {}{more}", outside(subject), outside(from))
        }
    };
    Countdown { left: wake.text(left), share, trigger }
}
