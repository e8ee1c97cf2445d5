//! What so many cameras need of a machine, and where the first wall stands.
//!
//! ```text
//! ring         a camera: bit rate × segment × (slots + 2 spare ones)       and ring.backlog beside
//! memory       a camera: its ring and 13 MB for its FFmpeg                 and backlog and 32 MB for the recorder
//! processor    a camera: 1.3 % of a core at 4 Mbit/s for its FFmpeg, and 0.1 % of the recorder's while it is saved
//! open files   a camera: 5 pipes to its FFmpeg and 2 files of its clip     and 256 for monitors, mail and the archive
//! processes    a camera: an FFmpeg of up to 4 threads                      and 64 for the recorder's own
//! watches      a camera: 1 of inotify
//! archive      a camera: bit rate × the time that its events take
//! ```
//!
//! FFmpeg's share was measured with 5.1 on one core of a virtual machine; from version 7 on it has more threads.

use super::event::Space;
use super::settings::{Ring, Share};
use std::time::Duration;

/// What a camera sends if nobody knows better, in bits a second.
pub const COMMON_BITRATE: u64 = 4_000_000;
/// Part of the time in which a camera's events are saved, if nobody knows better.
pub const COMMON_SHARE: f64 = 0.05;

/// Bytes of memory that an FFmpeg takes.
const FFMPEG_MEMORY: u64 = 13_000_000;
/// Bytes of memory that the recorder takes.
const OWN_MEMORY: u64 = 32_000_000;
/// Microseconds of a processor in each second that FFmpeg takes for each Mbit/s.
const FFMPEG_CPU: u64 = 3_250;
/// The same of the recorder for each camera that is saved.
const OWN_CPU: u64 = 1_000;
/// Percent of all processors that cameras may take; the rest is for bursts, and for whatever else runs.
const CPU_SHARE: u64 = 80;
/// Open files of the recorder for a camera, and beside those of all cameras.
const FILES: u64 = 7;
const OWN_FILES: u64 = 256;
/// Processes and threads, which systems count together: of an FFmpeg, and of the recorder.
const TASKS: u64 = 4;
const OWN_TASKS: u64 = 64;

/// What is to be recorded, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Demand {
    /// How many cameras.
    pub cameras: u64,
    /// What each sends on average, in bits a second.
    pub bitrate: u64,
    /// The shape of their rings.
    pub ring: Ring,
    /// Part of the time in which a camera's events are saved, 0.0 to 1.0.
    pub share: f64,
}

/// What the machine gives. `None`: there is no limit, or nobody knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Machine {
    /// Bytes of the ring's file system in all.
    pub ring: Option<u64>,
    /// Bytes of memory in all.
    pub memory: Option<u64>,
    /// Processors.
    pub cores: Option<u64>,
    /// Files that a process may have open.
    pub files: Option<u64>,
    /// Processes and threads that may run.
    pub tasks: Option<u64>,
    /// Directories that may be watched.
    pub watches: Option<u64>,
    /// Bytes that clips may take in the archive, those that are there included.
    pub archive: Option<u64>,
}

/// What cameras need of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Bytes of the ring's file system.
    Ring,
    /// Bytes of memory.
    Memory,
    /// Microseconds of processors in each second.
    Processor,
    /// Files that the recorder has open.
    Files,
    /// Processes and threads.
    Tasks,
    /// Directories that are watched.
    Watches,
}

/// How much of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Of what.
    pub of: Resource,
    /// For each camera.
    pub each: u64,
    /// Beside all cameras.
    pub beside: u64,
    /// In all.
    pub all: u64,
    /// What there is.
    pub there: Option<u64>,
}

/// The archive in the long run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Store {
    /// Bytes of an hour of one camera's events.
    pub hour: u64,
    /// Bytes of a day of all cameras.
    pub day: u64,
    /// Bytes a second while all are saved at once.
    pub at_once: u64,
    /// How long clips stay before room runs out; `None`: nobody knows the room, or nothing is saved.
    pub holds: Option<Duration>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In the order of [`Resource`].
    pub needs: Vec<Need>,
    /// The archive.
    pub store: Store,
}

impl Resource {
    /// What people call it.
    pub fn word(self) -> &'static str {
        match self {
            Resource::Ring => "ring",
            Resource::Memory => "memory",
            Resource::Processor => "processor",
            Resource::Files => "open files",
            Resource::Tasks => "processes",
            Resource::Watches => "watches",
        }
    }

    /// How there can be more of it, or less be needed. `wanted`: how much would do.
    pub fn remedy(self, wanted: u64) -> String {
        let round = wanted.max(1024).checked_next_power_of_two().unwrap_or(wanted);
        match self {
            Resource::Ring => "fewer ring.slots, a smaller ring.backlog, or a larger file system".to_owned(),
            Resource::Memory => "fewer ring.slots, fewer cameras, or more memory".to_owned(),
            Resource::Processor => "lower bit rates, or fewer cameras on this machine".to_owned(),
            Resource::Files => {
                format!("LimitNOFILE={round} in the unit's [Service], or before nvr in a shell: ulimit -n {round}")
            }
            Resource::Tasks => {
                format!("TasksMax={round} and LimitNPROC={round} in the unit's [Service], or: ulimit -u {round}")
            }
            Resource::Watches => {
                format!("run: sysctl fs.inotify.max_user_watches={round}, and write it to /etc/sysctl.d/nvr.conf")
            }
        }
    }
}

impl Need {
    fn new(of: Resource, each: u64, beside: u64, cameras: u64, there: Option<u64>) -> Self {
        let all = each.saturating_mul(cameras).saturating_add(beside);
        Self { of, each, beside, all, there }
    }

    /// For how many cameras there is enough; `None`: there is no limit.
    pub fn enough_for(&self) -> Option<u64> {
        let room = self.there?.saturating_sub(self.beside);
        room.checked_div(self.each)
    }

    /// Whether there is enough.
    pub fn fits(&self) -> bool {
        self.there.is_none_or(|there| self.all <= there)
    }
}

impl Plan {
    /// What they need.
    pub fn of(demand: &Demand, machine: &Machine) -> Self {
        let Demand { cameras, bitrate, ref ring, share } = *demand;
        let in_ring = ring_bytes(ring, bitrate);
        let (files, tasks) = (own_files(machine.files), own_tasks(machine.tasks));
        let backlog = backlog(ring, machine.ring.unwrap_or(0));
        let cpu = u64::try_from(u128::from(bitrate) * u128::from(FFMPEG_CPU) / 1_000_000).unwrap_or(u64::MAX);
        let cores = machine.cores.map(|cores| cores.saturating_mul(1_000_000 / 100 * CPU_SHARE));
        let (memory, own_memory) = (in_ring.saturating_add(FFMPEG_MEMORY), backlog.saturating_add(OWN_MEMORY));
        let needs = vec![
            Need::new(Resource::Ring, in_ring, backlog, cameras, machine.ring),
            Need::new(Resource::Memory, memory, own_memory, cameras, machine.memory),
            Need::new(Resource::Processor, cpu.saturating_add(OWN_CPU), 0, cameras, cores),
            Need::new(Resource::Files, FILES, files, cameras, machine.files),
            Need::new(Resource::Tasks, TASKS, tasks, cameras, machine.tasks),
            Need::new(Resource::Watches, 1, 0, cameras, machine.watches),
        ];
        let at_once = (bitrate / 8).saturating_mul(cameras);
        let hour = (bitrate / 8).saturating_mul(3600);
        let day = (hour.saturating_mul(24).saturating_mul(cameras) as f64 * share.clamp(0.0, 1.0)) as u64;
        let holds = machine.archive.filter(|_| day > 0).map(|room| {
            let seconds = u128::from(room) * 86_400 / u128::from(day);
            Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX))
        });
        Self { needs, store: Store { hour, day, at_once, holds } }
    }

    /// Whether there is enough of everything that recording needs.
    pub fn fits(&self) -> bool {
        self.needs.iter().all(Need::fits)
    }

    /// What runs out first as cameras are added.
    pub fn wall(&self) -> Option<&Need> {
        self.needs.iter().filter(|need| need.enough_for().is_some()).min_by_key(|need| need.enough_for())
    }
}

/// Bytes of one camera's full ring: its slots, the two that are in motion, at so many bits a second.
pub fn ring_bytes(ring: &Ring, bitrate: u64) -> u64 {
    let span = ring.segment.saturating_mul(ring.wrap());
    u64::try_from(u128::from(bitrate) * span.as_micros() / 8_000_000).unwrap_or(u64::MAX)
}

/// Bits a second that each camera may send if all rings and the backlog are to fit into so many bytes.
pub fn bitrate_for(ring: &Ring, cameras: u64, total: u64) -> u64 {
    let span = ring.segment.saturating_mul(ring.wrap()).as_micros().max(1) * u128::from(cameras.max(1));
    let room = u128::from(total.saturating_sub(backlog(ring, total)));
    u64::try_from(room * 8_000_000 / span).unwrap_or(u64::MAX)
}

/// Bytes that may wait for the archive, if the ring's file system has so many in all.
pub fn backlog(ring: &Ring, total: u64) -> u64 {
    match ring.backlog {
        Share::Bytes(bytes) => bytes,
        Share::Fraction(part) => (total as f64 * part) as u64,
    }
}

/// How many cameras may be recorded at a time, and what there is too little of for more: those beyond would take what
/// clips, mails and monitors need. `None`: there is no limit.
pub fn most_cameras(machine: &Machine) -> Option<(u64, Resource)> {
    let files = machine.files.map(|there| ((there - own_files(Some(there))) / FILES, Resource::Files));
    // A thread is the least that an FFmpeg has.
    let tasks = machine.tasks.map(|there| (there - own_tasks(Some(there)), Resource::Tasks));
    files.into_iter().chain(tasks).min()
}

/// A machine that has few gives half of them to the cameras.
fn own_files(there: Option<u64>) -> u64 {
    there.map_or(OWN_FILES, |there| OWN_FILES.min(there / 2))
}

fn own_tasks(there: Option<u64>) -> u64 {
    there.map_or(OWN_TASKS, |there| OWN_TASKS.min(there / 2))
}

/// What a machine cannot give so many cameras whatever they send, a sentence each with the remedy.
pub fn shortages(cameras: u64, ring: &Ring, machine: &Machine) -> Vec<String> {
    let demand = Demand { cameras, bitrate: 0, ring: ring.clone(), share: 0.0 };
    let counted = |need: &&Need| match need.of {
        Resource::Files | Resource::Tasks | Resource::Watches => !need.fits(),
        Resource::Ring | Resource::Memory | Resource::Processor => false,
    };
    Plan::of(&demand, machine).needs.iter().filter(counted).map(|need| need.shortage(cameras)).collect()
}

impl Need {
    /// That there is not enough, in counts, with the remedy.
    fn shortage(&self, cameras: u64) -> String {
        let (word, there) = (self.of.word(), self.there.unwrap_or(0));
        let enough = self.enough_for().unwrap_or(0);
        format!(
            "{cameras} cameras may need {} {word}, and {there} are allowed, enough for {enough} ({})",
            self.all,
            self.of.remedy(self.all)
        )
    }
}

/// That the ring's file system is too small for what most cameras send, if it is.
pub fn small_ring(ring: &Ring, cameras: u64, space: Space) -> Option<String> {
    let bitrate = bitrate_for(ring, cameras, space.total);
    (bitrate < COMMON_BITRATE).then(|| {
        format!(
            "{}, {:.1} MB in all: enough for {:.1} Mbit/s a camera, which is less than most send (fewer ring.slots, or a \
             larger file system)",
            ring.dir.display(),
            space.total as f64 / 1e6,
            bitrate as f64 / 1e6
        )
    })
}

#[cfg(test)]
mod tests;
