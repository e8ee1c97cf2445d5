//! Pictures as a recorder could send them, for everything that draws.

use jiff::Timestamp;
use nvr::model::event::Space;
use nvr::model::id::CameraName;
use nvr::model::record::MailTrigger;
use nvr::model::snapshot::{
    ArchiveView, CameraState, CameraView, ClipView, CopyOutcome, CopyView, Entry, EventView, Level, Lost, MailNote,
    MailView, Media, RingView, SlotState, SlotView, Snapshot, Topic, TriggerKind, TriggerView,
};
use nvr::model::time::{Anchor, Mono};
use serde_json::Value;
use std::time::Duration;

/// 14:03:22 on the day of the pictures.
pub const NOW: Mono = Mono(900_000_000_000);

pub fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub fn name(text: &str) -> CameraName {
    text.parse().expect("a camera's name")
}

fn now() -> Timestamp {
    "2026-11-22T14:03:22Z".parse().expect("a timestamp")
}

/// The ring after `written` segments: what came before is complete, the next one is being written.
pub fn slots(written: usize) -> Vec<SlotView> {
    let state = |n| match n {
        n if n == written % 10 => SlotState::Writing,
        n if n < written => SlotState::Complete,
        _ => SlotState::Empty,
    };
    let states: Vec<_> = (0..10).map(state).collect();
    ring(&states)
}

/// A ring of these slots; the newest segment ended 4 s ago, and each is 10 s long.
pub fn ring(states: &[SlotState]) -> Vec<SlotView> {
    let writing = states.iter().position(|state| *state == SlotState::Writing).unwrap_or(0);
    let slot = |(n, is): (usize, &SlotState)| {
        let back = (writing + states.len() - n - 1) % states.len().max(1);
        let closed = !matches!(is, SlotState::Writing | SlotState::Empty);
        SlotView { is: *is, closed: closed.then(|| NOW - seconds(4 + 10 * back as u64)) }
    };
    states.iter().enumerate().map(slot).collect()
}

pub fn camera(text: &str) -> CameraView {
    CameraView {
        name: name(text),
        armed: true,
        state: CameraState::Recording { since: NOW - seconds(273_600) },
        media: Some(Media { video: "h264".into(), width: 1920, height: 1080, audio: Some("aac".into()) }),
        fps: Some(25),
        bitrate: Some(4_100_000),
        slots: slots(25),
        event: None,
        last_segment: Some(NOW - seconds(4)),
        whole_since: Some(NOW - seconds(94)),
        segment: seconds(10),
        restarts: 0,
        ram: 51_200_000,
        backlog: 0,
        lost: 0,
        missed: 0,
        pace: None,
        last_mail: None,
        silent: None,
        spent: None,
    }
}

pub fn entry(ago: u64, level: Level, camera: Option<&str>, text: &str) -> Entry {
    Entry {
        number: 0,
        at: NOW - seconds(ago),
        level,
        topic: Topic::Camera,
        camera: camera.map(name),
        text: text.into(),
    }
}

fn copy(ago: u64, slot: u32, millis: u64) -> CopyView {
    let outcome = CopyOutcome::Stored {
        bytes: 5_100_000 + u64::from(slot) * 10_000,
        took: Duration::from_millis(millis),
        retries: 0,
    };
    let clip = "front-door_2026-11-22_13-40-02+0000".into();
    CopyView { number: 0, at: NOW - seconds(ago), camera: name("front-door"), slot, clip, outcome }
}

pub fn clip(start: &str, camera: &str, length: u64, trigger: &str) -> ClipView {
    ClipView {
        name: format!("{camera}_{start}"),
        camera: name(camera),
        start: start.parse().expect("a timestamp"),
        length: seconds(length),
        bytes: length * 512_000,
        trigger: trigger.into(),
        subject: if trigger == "mail" { "Motion Detected".into() } else { String::new() },
        missing: Duration::ZERO,
        waiting: Duration::ZERO,
        interrupted: false,
        open: false,
        protected: false,
        path: "/srv/clips".into(),
    }
}

/// Two cameras, and nothing is wrong.
pub fn all_well() -> Snapshot {
    let mut garden = camera("garden");
    garden.armed = false;
    garden.media = Some(Media { video: "hevc".into(), width: 2560, height: 1440, audio: None });
    (garden.fps, garden.bitrate, garden.slots, garden.ram) = (Some(20), Some(5_000_000), slots(17), 62_500_000);
    Snapshot {
        version: "0.1.0".into(),
        pid: 4711,
        started: NOW - seconds(273_620),
        anchor: Anchor { mono: NOW, wall: now() },
        cameras: vec![camera("front-door"), garden],
        mail: MailView { port: Ok("0.0.0.0:6789".into()), today: 12, last: Some(last_mail()), sessions: 0 },
        archive: ArchiveView {
            dir: "/srv/clips".into(),
            space: Some(Space { total: 2_000_000_000_000, free: 780_000_000_000 }),
            trouble: None,
            since: None,
            retention: None,
            backlog: 0,
            backlog_limit: None,
            safe_until: None,
            written: None,
            silent: None,
        },
        ring: RingView { dir: "/dev/shm/nvr".into(), used: 113_700_000, space: None, trouble: None },
        lost: Lost::default(),
        copies: (0..8).rev().map(|n| copy(1300 + 10 * n, 7 - n as u32, 40 + n)).collect(),
        clips: vec![
            clip("2026-11-22T13:40:02Z", "front-door", 80, "mail"),
            clip("2026-11-22T11:12:45Z", "garden", 60, "key"),
            clip("2026-11-21T22:57:10Z", "front-door", 130, "mail"),
            clip("2026-11-21T22:31:00Z", "front-door", 60, "command"),
        ],
        journal: vec![
            entry(
                273_620,
                Level::Info,
                None,
                "recording began: 2 cameras, ring in /dev/shm/nvr, archive in /srv/clips",
            ),
            entry(1400, Level::Info, Some("front-door"), "triggered by mail from alarm@nvr: Motion Detected"),
            entry(1300, Level::Info, Some("front-door"), "clip closed: 1 min 20 s, 41 MB"),
            entry(620, Level::Info, Some("garden"), "disarmed by a key"),
        ],
        warnings: Vec::new(),
        stopping: None,
    }
}

fn last_mail() -> MailNote {
    MailNote {
        at: NOW - seconds(1400),
        from: "alarm@nvr".into(),
        to: "front-door@nvr".into(),
        subject: "Motion Detected".into(),
        outcome: "saving".into(),
    }
}

pub fn mail_trigger(ago: u64) -> TriggerView {
    let kind = TriggerKind::Mail(MailTrigger {
        peer: "192.168.1.20".into(),
        from: "alarm@nvr".into(),
        to: "front-door@nvr".into(),
        subject: "Motion Detected".into(),
        ..MailTrigger::default()
    });
    TriggerView { at: NOW - seconds(ago), kind }
}

/// The first camera saves footage; 32 s are left.
pub fn triggered() -> Snapshot {
    use SlotState::{Claimed, Complete, Copying, Stored, Writing};
    let mut picture = all_well();
    let front = &mut picture.cameras[0];
    front.event = Some(EventView {
        since: NOW - seconds(30),
        until: NOW + seconds(32),
        triggers: 2,
        trigger: mail_trigger(18),
        clip: Some("front-door_2026-11-22_14-02-42+0000".into()),
    });
    front.slots = ring(&[Complete, Stored, Stored, Copying, Claimed, Writing, Complete, Complete, Complete, Complete]);
    let mut growing = clip("2026-11-22T14:02:42Z", "front-door", 20, "mail");
    growing.open = true;
    picture.clips.insert(0, growing);
    picture.copies.extend([copy(12, 1, 44), copy(2, 2, 51)]);
    let text = "triggered by mail from alarm@nvr: Motion Detected";
    picture.journal.push(entry(18, Level::Info, Some("front-door"), text));
    picture
}

/// A third camera that cannot be reached.
pub fn one_lost() -> Snapshot {
    let mut picture = all_well();
    let mut garage = camera("garage");
    let reason = "connection refused by 192.168.1.22 port 554 (is the camera on, and is RTSP enabled in its settings?)";
    garage.state = CameraState::NoSignal { retry_at: NOW + seconds(12), attempt: 7, reason: reason.into() };
    (garage.fps, garage.bitrate, garage.restarts) = (None, None, 6);
    garage.last_segment = Some(NOW - seconds(372));
    garage.slots = ring(&[SlotState::Complete; 10]);
    picture.cameras.push(garage);
    picture.journal.push(entry(372, Level::Error, Some("garage"), &format!("no signal: {reason}")));
    picture
}

/// The archive is full, footage waits in RAM, and some is gone.
pub fn archive_down() -> Snapshot {
    use SlotState::{Claimed, Complete, Lost as Gone, Stored, Writing};
    let mut picture = triggered();
    let trouble = "/srv/clips is full: 0 B free of 2.0 TB (remove something, or set archive.keep lower)";
    picture.archive.trouble = Some(trouble.into());
    picture.archive.since = Some(NOW - seconds(95));
    picture.archive.backlog = 41_000_000;
    picture.archive.backlog_limit = Some(512_000_000);
    picture.archive.safe_until = Some(NOW + seconds(374));
    picture.archive.space = Some(Space { total: 2_000_000_000_000, free: 0 });
    picture.lost = Lost { segments: 2, bytes: 10_200_000, events: 0 };
    let front = &mut picture.cameras[0];
    front.slots = ring(&[Claimed, Claimed, Claimed, Claimed, Claimed, Writing, Gone, Gone, Stored, Complete]);
    (front.backlog, front.lost) = (8, 2);
    let mut failed = copy(2, 4, 0);
    failed.outcome = CopyOutcome::Retrying { reason: "no space left on device".into() };
    picture.copies.push(failed);
    let mut gone = copy(1, 6, 0);
    gone.outcome = CopyOutcome::Lost { reason: "no room left in RAM".into() };
    picture.copies.push(gone);
    picture.clips[1].missing = seconds(20);
    picture.warnings =
        vec!["the ring is not in RAM: /tmp/nvr is on ext4 (set ring.dir to a tmpfs such as /dev/shm/nvr)".into()];
    let place = picture.journal.len() - 1;
    picture.journal.insert(place, entry(95, Level::Error, None, &format!("archive: {trouble}")));
    picture
}

/// Sixteen cameras, a few of them in trouble.
pub fn sixteen() -> Snapshot {
    let mut picture = one_lost();
    let lost = picture.cameras.pop().expect("the lost one");
    picture.cameras = (1..=16).map(|n| camera(&format!("hall-{n:02}"))).collect();
    picture.cameras[3].armed = false;
    picture.cameras[5].state = CameraState::Stalled { since: NOW - seconds(7), reason: "no frame for 12 s".into() };
    picture.cameras[8].state = CameraState::Connecting { since: NOW - seconds(2) };
    picture.cameras[10].event = triggered().cameras[0].event.clone();
    picture.cameras[14].state = lost.state;
    picture.clips.iter_mut().for_each(|clip| clip.camera = name("hall-01"));
    picture.copies.iter_mut().for_each(|copy| copy.camera = name("hall-01"));
    picture.journal.clear();
    picture
}

/// Sixty-four cameras in two places, a few of them in trouble.
pub fn sixty_four() -> Snapshot {
    let mut picture = sixteen();
    let yard = (17..=64).map(|n| camera(&format!("yard-{n}")));
    picture.cameras.extend(yard);
    picture.cameras[40].state = CameraState::Waiting { since: NOW - seconds(3) };
    picture.cameras[59].state = picture.cameras[14].state.clone();
    picture
}

/// Everything that a stranger can write holds what a stranger could write.
pub fn hostile(text: &str) -> Snapshot {
    let mut picture = archive_down();
    let text = || text.to_owned();
    let kind = TriggerKind::Mail(MailTrigger {
        peer: text(),
        from: text(),
        to: text(),
        subject: text(),
        event: text(),
        text: text(),
        picture: Some(text()),
    });
    picture.cameras[0].event.as_mut().expect("an event").trigger.kind = kind;
    picture.cameras[0].media = Some(Media { video: text(), width: u32::MAX, height: 0, audio: Some(text()) });
    picture.cameras[1].state = CameraState::NoSignal { retry_at: Mono(u64::MAX), attempt: u32::MAX, reason: text() };
    picture.cameras[1].slots = ring(&[SlotState::Lost; 1000]);
    (picture.version, picture.mail.port, picture.stopping) = (text(), Err(text()), Some(text()));
    picture.mail.last = Some(MailNote { from: text(), to: text(), subject: text(), outcome: text(), ..last_mail() });
    picture.archive.trouble = Some(text());
    picture.warnings = vec![text(), text()];
    for copy in &mut picture.copies {
        copy.clip = text();
        copy.outcome = CopyOutcome::Lost { reason: text() };
    }
    for clip in &mut picture.clips {
        (clip.name, clip.trigger, clip.path) = (text(), text(), text());
        (clip.length, clip.missing, clip.bytes) = (Duration::MAX, Duration::MAX, u64::MAX);
    }
    picture.journal.push(entry(1, Level::Error, None, &text()));
    picture
}

/// The same picture from a recorder that lies: each of these places, counted among all its numbers, is as large or as
/// small as the link takes it.
pub fn lying(picture: &Snapshot, places: &[(usize, bool)]) -> Snapshot {
    let mut word = serde_json::to_value(picture).expect("a word");
    for (place, large) in places {
        let count = numbers(&mut word).len();
        let extremes: &[u64] = if *large { &[u64::MAX, i64::MAX as u64, u32::MAX as u64, 999_999_999] } else { &[0] };
        for extreme in extremes {
            let last = numbers(&mut word)[place % count].clone();
            *numbers(&mut word)[place % count] = (*extreme).into();
            if serde_json::from_value::<Snapshot>(word.clone()).is_ok() {
                break;
            }
            *numbers(&mut word)[place % count] = last;
        }
    }
    serde_json::from_value(word).expect("a picture")
}

/// All numbers in a word.
fn numbers(word: &mut Value) -> Vec<&mut Value> {
    match word {
        Value::Number(_) => vec![word],
        Value::Array(parts) => parts.iter_mut().flat_map(numbers).collect(),
        Value::Object(parts) => parts.values_mut().flat_map(numbers).collect(),
        Value::Null | Value::Bool(_) | Value::String(_) => Vec::new(),
    }
}
