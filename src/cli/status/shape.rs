//! `nvr status --json`. The shape stays as it is, whatever becomes of the link's own words: instants are RFC 3339 in
//! UTC, spans are seconds, sizes are bytes, and what is not there is `null`.

use crate::model::id::CameraName;
use crate::model::record::TriggerKind;
use crate::model::snapshot::{CameraState, CameraView, EventView, Media, SlotState, Snapshot};
use crate::model::time::{Anchor, Mono, Wall};
use crate::monitor::format;
use jiff::tz::TimeZone;
use serde::Serialize;

/// All of it.
#[derive(Debug, Serialize)]
pub struct Status<'a> {
    /// Nothing is wrong; the exit code says the same.
    healthy: bool,
    /// What is wrong, a sentence each.
    troubles: Vec<String>,
    /// What a person should mend, a sentence each.
    warnings: &'a [String],
    version: &'a str,
    pid: u32,
    /// Now.
    time: Wall,
    started: Wall,
    uptime: f64,
    /// Why it is ending, if it is.
    stopping: Option<&'a str>,
    cameras: Vec<Camera<'a>>,
    mail: Mail<'a>,
    archive: Archive<'a>,
    ring: Ring<'a>,
    lost: Lost,
}

#[derive(Debug, Serialize)]
struct Camera<'a> {
    name: &'a CameraName,
    armed: bool,
    /// `waiting`, `connecting`, `recording`, `stalled`, `no_signal` or `stopped`.
    state: &'static str,
    /// Since when it is in that state, where that is known.
    since: Option<Wall>,
    /// Why it is not recorded.
    reason: Option<&'a str>,
    /// When it is tried again.
    retry_at: Option<Wall>,
    /// How many tries failed in a row.
    attempt: Option<u32>,
    media: Option<&'a Media>,
    /// Frames a second as really seen.
    fps: Option<u32>,
    /// Bits a second as really seen.
    bitrate: Option<u64>,
    last_segment: Option<Wall>,
    /// How old that is.
    last_segment_age: Option<f64>,
    restarts: u64,
    /// Bytes in the ring and claimed.
    ram: u64,
    /// Segments that are claimed and not yet stored.
    backlog: u32,
    /// Segments that were wanted and are gone.
    lost: u64,
    /// Events of which nothing at all could be saved.
    missed: u64,
    /// Percent of real time at which its stream runs, if that is far from 100.
    pace: Option<u32>,
    /// When it last mailed; not since the recorder began: `null`.
    last_mail: Option<Wall>,
    /// Armed, and silent for longer than it may be.
    silent: bool,
    /// Its mails are ignored because they have had as much saved today as they may.
    spent: bool,
    slots: Vec<Slot>,
    /// What is being saved.
    event: Option<Event<'a>>,
}

#[derive(Debug, Serialize)]
struct Slot {
    state: SlotState,
    closed: Option<Wall>,
}

#[derive(Debug, Serialize)]
struct Event<'a> {
    since: Wall,
    /// When the post-roll ends.
    until: Wall,
    /// The countdown.
    left: f64,
    triggers: u64,
    /// The last trigger.
    trigger: Trigger<'a>,
    clip: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Trigger<'a> {
    at: Wall,
    #[serde(flatten)]
    kind: &'a TriggerKind,
}

#[derive(Debug, Serialize)]
struct Mail<'a> {
    /// Where it listens.
    port: Option<&'a str>,
    /// Why it does not.
    trouble: Option<&'a str>,
    /// Mails since `since`.
    count: u64,
    /// The last midnight, or the recorder's start if that was later: what came before is not counted.
    since: Wall,
    last: Option<LastMail<'a>>,
}

#[derive(Debug, Serialize)]
struct LastMail<'a> {
    at: Wall,
    from: &'a str,
    to: &'a str,
    subject: &'a str,
    outcome: &'a str,
}

#[derive(Debug, Serialize)]
struct Archive<'a> {
    dir: &'a str,
    total: Option<u64>,
    free: Option<u64>,
    /// Why it does not take what it is given.
    trouble: Option<&'a str>,
    /// Since when.
    since: Option<Wall>,
    /// Why it cannot be kept within its limits.
    retention: Option<&'a str>,
    /// Bytes that are claimed and not yet stored.
    backlog: u64,
    /// How many these may become.
    backlog_limit: Option<u64>,
    /// Until when nothing is lost if the trouble goes on.
    safe_until: Option<Wall>,
    /// How long that is.
    safe: Option<f64>,
    /// When something was last written to it; not since the recorder began: `null`.
    last_write: Option<Wall>,
    /// That is longer ago than it may be.
    silent: bool,
}

#[derive(Debug, Serialize)]
struct Ring<'a> {
    dir: &'a str,
    /// Bytes in use by rings and backlog.
    used: u64,
    total: Option<u64>,
    free: Option<u64>,
    trouble: Option<&'a str>,
}

/// Footage that was wanted and is gone.
#[derive(Debug, Serialize)]
struct Lost {
    segments: u64,
    bytes: u64,
    /// Events of which nothing at all could be saved.
    events: u64,
}

impl<'a> Status<'a> {
    /// A picture, seen at `now`.
    pub fn of(picture: &'a Snapshot, troubles: Vec<String>, now: Mono) -> Self {
        let anchor = &picture.anchor;
        let (archive, ring, mail) = (&picture.archive, &picture.ring, &picture.mail);
        Self {
            healthy: troubles.is_empty(),
            troubles,
            warnings: &picture.warnings,
            version: &picture.version,
            pid: picture.pid,
            time: anchor.wall(now),
            started: anchor.wall(picture.started),
            uptime: now.since(picture.started).as_secs_f64(),
            stopping: picture.stopping.as_deref(),
            cameras: picture.cameras.iter().map(|camera| Camera::of(camera, anchor, now)).collect(),
            mail: Mail {
                port: mail.port.as_deref().ok(),
                trouble: mail.port.as_ref().err().map(String::as_str),
                count: mail.today,
                since: format::counted_from(anchor, picture.started, anchor.wall(now), &TimeZone::system()),
                last: mail.last.as_ref().map(|last| LastMail {
                    at: anchor.wall(last.at),
                    from: &last.from,
                    to: &last.to,
                    subject: &last.subject,
                    outcome: &last.outcome,
                }),
            },
            archive: Archive {
                dir: &archive.dir,
                total: archive.space.map(|space| space.total),
                free: archive.space.map(|space| space.free),
                trouble: archive.trouble.as_deref(),
                since: archive.since.map(|since| anchor.wall(since)),
                retention: archive.retention.as_deref(),
                backlog: archive.backlog,
                backlog_limit: archive.backlog_limit,
                safe_until: archive.safe_until.map(|until| anchor.wall(until)),
                safe: archive.safe_until.map(|until| until.since(now).as_secs_f64()),
                last_write: archive.written.map(|at| anchor.wall(at)),
                silent: archive.silent.is_some(),
            },
            ring: Ring {
                dir: &ring.dir,
                used: ring.used,
                total: ring.space.map(|space| space.total),
                free: ring.space.map(|space| space.free),
                trouble: ring.trouble.as_deref(),
            },
            lost: Lost { segments: picture.lost.segments, bytes: picture.lost.bytes, events: picture.lost.events },
        }
    }
}

impl<'a> Camera<'a> {
    fn of(camera: &'a CameraView, anchor: &Anchor, now: Mono) -> Self {
        let (state, since, reason, retry) = match &camera.state {
            CameraState::Waiting { since } => ("waiting", Some(*since), None, None),
            CameraState::Connecting { since } => ("connecting", Some(*since), None, None),
            CameraState::Recording { since } => ("recording", Some(*since), None, None),
            CameraState::Stalled { since, reason } => ("stalled", Some(*since), Some(reason.as_str()), None),
            CameraState::NoSignal { retry_at, attempt, reason } => {
                ("no_signal", None, Some(reason.as_str()), Some((anchor.wall(*retry_at), *attempt)))
            }
            CameraState::Stopped => ("stopped", None, None, None),
        };
        let slot = |slot: &crate::model::snapshot::SlotView| Slot {
            state: slot.is,
            closed: slot.closed.map(|closed| anchor.wall(closed)),
        };
        Self {
            name: &camera.name,
            armed: camera.armed,
            state,
            since: since.map(|since| anchor.wall(since)),
            reason,
            retry_at: retry.map(|(at, _)| at),
            attempt: retry.map(|(_, attempt)| attempt),
            media: camera.media.as_ref(),
            fps: camera.fps,
            bitrate: camera.bitrate,
            last_segment: camera.last_segment.map(|last| anchor.wall(last)),
            last_segment_age: camera.last_segment.map(|last| now.since(last).as_secs_f64()),
            restarts: camera.restarts,
            ram: camera.ram,
            backlog: camera.backlog,
            lost: camera.lost,
            missed: camera.missed,
            pace: camera.pace,
            last_mail: camera.last_mail.map(|at| anchor.wall(at)),
            silent: camera.silent.is_some(),
            spent: camera.spent.is_some(),
            slots: camera.slots.iter().map(slot).collect(),
            event: camera.event.as_ref().map(|event| Event::of(event, anchor, now)),
        }
    }
}

impl<'a> Event<'a> {
    fn of(event: &'a EventView, anchor: &Anchor, now: Mono) -> Self {
        Self {
            since: anchor.wall(event.since),
            until: anchor.wall(event.until),
            left: event.until.since(now).as_secs_f64(),
            triggers: event.triggers,
            trigger: Trigger { at: anchor.wall(event.trigger.at), kind: &event.trigger.kind },
            clip: event.clip.as_deref(),
        }
    }
}
