//! What goes wrong: each fault with the promise that is made for it.

use std::ops::RangeInclusive;
use std::time::Duration;

/// A fault, and what is promised all the same.
#[derive(Debug)]
pub struct Fault {
    pub what: What,
    /// As the table calls it.
    pub name: &'static str,
    /// What holds, in words.
    pub promise: &'static str,
    pub hits: Hits,
    /// Seconds that it lasts in the long run.
    pub lasts: RangeInclusive<u64>,
    pub cost: Cost,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    RecorderKilled,
    RecorderRestarted,
    FfmpegKilled,
    FfmpegFrozen,
    CameraAway,
    CameraSilent,
    CameraRaving,
    ArchiveReadOnly,
    ArchiveFull,
    ArchiveGone,
    ArchiveSlow,
    ArchiveHangs,
    ArchiveBroken,
    RingFull,
    MonitorStopped,
    ClientDeaf,
    MailFlood,
}

/// Whom it concerns. Of each there is one fault at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hits {
    /// One camera.
    Camera,
    /// All of them.
    Everything,
}

/// What of the footage that was wanted may be missing. It must stand in a record all the same, with its cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    Nothing,
    /// What was sent from so long before the fault until it is over.
    Since(Duration),
    /// The same, and the rest of the events that went on, and the pre-roll of those that began too soon after it.
    Event(Duration),
}

/// A segment and a GOP of these tests: what was in no finished segment.
const UNFINISHED: Duration = Duration::from_millis(2_500);
/// FFmpeg writes what it has when its input ends; it may just not have read it.
const UNREAD: Duration = Duration::from_millis(500);

/// FFmpeg that is stuck in a read takes the GOP along that it has not written.
const GOP: Duration = Duration::from_millis(1_200);

use Cost::{Event, Nothing, Since};
use Hits::{Camera, Everything};

/// All of them.
#[rustfmt::skip] // a table
pub const FAULTS: [Fault; 17] = [
    Fault { what: What::RecorderKilled, name: "recorder killed (kill -9)", hits: Everything, lasts: 0..=4, cost: Since(UNFINISHED),
        promise: "every segment that was finished is stored; the event goes on in the same clip, and the record says when no recorder ran" },
    Fault { what: What::RecorderRestarted, name: "recorder stopped and started again", hits: Everything, lasts: 0..=4, cost: Event(UNREAD),
        promise: "the clips are closed whole first, and their records say what is missing" },
    Fault { what: What::FfmpegKilled, name: "FFmpeg killed (kill -9)", hits: Camera, lasts: 0..=0, cost: Since(UNFINISHED),
        promise: "every fragment that was written is stored; FFmpeg is started again, and the gap stands in the record" },
    Fault { what: What::FfmpegFrozen, name: "FFmpeg freezes (SIGSTOP)", hits: Camera, lasts: 1..=40, cost: Since(UNFINISHED),
        promise: "it is killed after 20 s without a frame and started again, and the gap stands in the record" },
    Fault { what: What::CameraAway, name: "camera hangs up and refuses", hits: Camera, lasts: 1..=30, cost: Since(UNREAD),
        promise: "what it had sent is stored; it is tried again for ever" },
    Fault { what: What::CameraSilent, name: "camera freezes, its connection stays open", hits: Camera, lasts: 1..=30, cost: Since(GOP),
        promise: "what it had sent up to the last whole GOP is stored; it is noticed, and tried again for ever" },
    Fault { what: What::CameraRaving, name: "camera sends garbage", hits: Camera, lasts: 1..=20, cost: Since(UNFINISHED),
        promise: "what it had sent before is stored; it is noticed, and tried again for ever" },
    Fault { what: What::ArchiveReadOnly, name: "archive becomes read-only", hits: Everything, lasts: 2..=20, cost: Nothing,
        promise: "nothing is lost: footage waits in RAM and is stored afterwards" },
    Fault { what: What::ArchiveFull, name: "archive is full", hits: Everything, lasts: 2..=20, cost: Nothing,
        promise: "nothing is lost: footage waits in RAM and is stored afterwards" },
    Fault { what: What::ArchiveGone, name: "archive is unmounted and comes back", hits: Everything, lasts: 2..=20, cost: Nothing,
        promise: "nothing is lost, and nothing is written to the empty directory in its place" },
    Fault { what: What::ArchiveSlow, name: "archive is slower than the cameras", hits: Everything, lasts: 5..=20, cost: Nothing,
        promise: "nothing is lost: footage waits in RAM and is stored afterwards" },
    Fault { what: What::ArchiveHangs, name: "archive does not answer", hits: Everything, lasts: 2..=20, cost: Nothing,
        promise: "nothing is lost: footage waits in RAM and is stored afterwards" },
    Fault { what: What::ArchiveBroken, name: "archive's disk fails (I/O errors), is plugged in again", hits: Everything, lasts: 2..=20, cost: Nothing,
        promise: "nothing is lost: what the disk had not confirmed is still in RAM and is stored again" },
    Fault { what: What::RingFull, name: "RAM disk filled up by others", hits: Everything, lasts: 2..=10, cost: Since(UNFINISHED),
        promise: "what was claimed is stored; it is said, and recording goes on once there is room" },
    Fault { what: What::MonitorStopped, name: "monitor stopped (SIGSTOP)", hits: Everything, lasts: 5..=20, cost: Nothing,
        promise: "costs the recording nothing" },
    Fault { what: What::ClientDeaf, name: "client that never reads", hits: Everything, lasts: 5..=20, cost: Nothing,
        promise: "costs the recording nothing" },
    Fault { what: What::MailFlood, name: "flood of mails and silent connections", hits: Everything, lasts: 1..=5, cost: Nothing,
        promise: "costs the recording nothing, and every mail is a trigger" },
];

impl What {
    pub fn fault(self) -> &'static Fault {
        FAULTS.iter().find(|fault| fault.what == self).expect("every fault is in the table")
    }

    /// Whether it takes a disk and a RAM disk of the test's own.
    pub fn needs_mounts(self) -> bool {
        match self {
            What::ArchiveReadOnly | What::ArchiveFull | What::ArchiveGone | What::ArchiveSlow => true,
            What::ArchiveHangs | What::ArchiveBroken | What::RingFull => true,
            What::RecorderKilled | What::RecorderRestarted | What::FfmpegKilled | What::FfmpegFrozen => false,
            What::CameraAway | What::CameraSilent | What::CameraRaving => false,
            What::MonitorStopped | What::ClientDeaf | What::MailFlood => false,
        }
    }
}
