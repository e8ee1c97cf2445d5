//! What happens in a world that is not the recorder's to decide.

use nvr::model::id::CameraName;
use nvr::model::settings;
use nvr::model::time::{Anchor, Mono};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn at(millis: u64) -> Mono {
    Mono(0) + ms(millis)
}

/// One life of an FFmpeg: from when the camera can be reached, and how it ends.
#[derive(Debug, Clone)]
pub struct Life {
    pub from: Mono,
    pub to: Mono,
    pub end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// FFmpeg ends, and what it wrote is closed.
    Crash,
    /// It hangs with its file open until it is killed.
    Freeze,
}

/// How the kernel's news of the ring arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    Prompt,
    Lost,
    Twice,
    Late(u64),
}

/// What an archive answers to an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Takes,
    Fails,
    Different,
    Unusable,
}

/// What somebody does.
#[derive(Debug, Clone)]
pub enum Act {
    /// A mail whose RCPT came so many milliseconds before.
    Mail(u64),
    Key,
    Release,
    Arm(bool),
    Stop,
    Clock(Anchor),
}

/// Everything that is not the recorder's to decide.
#[derive(Debug, Clone)]
pub struct Script {
    pub pre: Duration,
    pub post: Duration,
    pub max_clip: Duration,
    pub cooldown: Duration,
    pub budget: Option<Duration>,
    /// How long the cameras, and the archive, may be silent.
    pub silence: Option<Duration>,
    pub archive_silence: Option<Duration>,
    pub segment: Duration,
    pub slots: u32,
    /// Lengths of segments, over and over.
    pub lengths: Vec<Duration>,
    pub lives: Vec<Life>,
    pub deliveries: Vec<Delivery>,
    pub moods: Vec<Mood>,
    /// Whether looks at the segment that is being written find something, over and over.
    pub looks: Vec<bool>,
    /// In how long there is likely to be more, as those that find something tell.
    pub more: Option<Duration>,
    /// The archive takes and closes nothing in these windows.
    pub outages: Vec<(Mono, Mono)>,
    pub archive_takes: Duration,
    /// How late ticks are.
    pub lateness: Vec<Duration>,
    pub acts: Vec<(Mono, Act)>,
    /// Bytes of the ring's file system.
    pub ram: u64,
    /// What may wait for the archive.
    pub backlog: settings::Share,
    /// What somebody else has there: from when to when, and bytes.
    pub foreign: Option<(Mono, Mono, u64)>,
    /// When writing there fails.
    pub full: Option<(Mono, Mono)>,
    /// The recorder does not run from one instant to another; FFmpeg does. What waited reaches it so much later.
    pub away: Option<(Mono, Mono, Duration)>,
    /// Claims that fail, by the order in which they are given.
    pub failing_claims: BTreeSet<u64>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            pre: ms(3_000),
            post: ms(5_000),
            max_clip: ms(600_000),
            cooldown: Duration::ZERO,
            budget: None,
            silence: None,
            archive_silence: None,
            segment: ms(1_000),
            slots: 20,
            lengths: vec![ms(1_000)],
            lives: vec![Life { from: at(0), to: Mono(u64::MAX), end: End::Crash }],
            deliveries: vec![Delivery::Prompt],
            moods: vec![Mood::Takes],
            looks: vec![true],
            more: None,
            outages: Vec::new(),
            archive_takes: ms(20),
            lateness: vec![Duration::ZERO],
            acts: Vec::new(),
            ram: 1 << 30,
            backlog: settings::Share::Fraction(0.25),
            foreign: None,
            full: None,
            away: None,
            failing_claims: BTreeSet::new(),
        }
    }
}

/// Settings with the script's rules for each of these cameras.
pub fn settings(script: &Script, cameras: &[&CameraName]) -> settings::Settings {
    let camera = |name: &&CameraName| {
        Arc::new(settings::Camera {
            name: (*name).clone(),
            alias: vec![],
            mail: vec![],
            source: settings::Source::new("rtsp://192.168.1.20/".into()),
            input_args: vec![],
            audio: settings::Audio::Copy,
            silence: script.silence,
            trigger: settings::Trigger {
                pre_roll: script.pre,
                post_roll: script.post,
                max_clip: script.max_clip,
                cooldown: script.cooldown,
                armed: true,
                budget: script.budget,
            },
        })
    };
    settings::Settings {
        ring: settings::Ring {
            dir: "/ring".into(),
            segment: script.segment,
            slots: script.slots,
            backlog: script.backlog,
        },
        archive: settings::Archive {
            dir: "/clips".into(),
            keep: None,
            max_size: None,
            min_free: 0,
            silence: script.archive_silence,
        },
        smtp: settings::Smtp {
            listen: ([127, 0, 0, 1], 6789).into(),
            allow: vec![],
            ignore: vec![],
            login: None,
            tls: settings::Tls::default(),
            limits: settings::Limits::default(),
        },
        recorder: settings::Recorder { state_dir: "/state".into(), socket: None, ffmpeg: "ffmpeg".into() },
        cameras: cameras.iter().map(camera).collect(),
    }
}
