//! What outlives a recorder that was killed: enough of each camera to go on where it stopped. It lies in RAM beside the
//! ring it tells of, so a reboot takes both, and is written before the orders that follow from it are carried out: what
//! was claimed is always known, and what is known and not claimed still lies in its slot.

use super::clip::ClipFile;
use super::event::{Added, SlotFile};
use super::id::{CameraName, ClipId, RunId};
use super::ring::RingMemory;
use super::saving::SavingMemory;
use super::settings;
use super::snapshot::Lost;
use super::time::{Anchor, Mono};
use serde::{Deserialize, Serialize};

/// Numbers from here on are none of ours. They are read from files and names, and must not be able to bring counting to
/// its end.
pub(super) const SOUND: u64 = u64::MAX / 2;

/// One camera, as the recorder knew it when it last changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Of the shape of all this; another one is no memory.
    pub version: u32,
    /// What both clocks showed when it was written.
    pub anchor: Anchor,
    /// FFmpeg's last life.
    pub run: RunId,
    /// FFmpeg had been ended for good: the recorder was not killed, it only could not store everything in time.
    pub(super) stopped: bool,
    /// No footage came in then.
    pub(super) down: bool,
    /// The last trigger from outside that was obeyed.
    pub(super) obeyed: Option<Mono>,
    /// The last mail, whatever came of it.
    #[serde(default)]
    pub(super) last_mail: Option<Mono>,
    pub(super) lost: Lost,
    /// The last number that any clip was given.
    pub(super) last_clip: ClipId,
    pub(super) ring: RingMemory,
    pub(super) saving: SavingMemory,
}

impl Memory {
    /// Today's shape.
    pub const VERSION: u32 = 1;

    /// Whether a recorder that starts at `now` with rings of this shape can go on from it. It is a file, and what is in
    /// it is looked at before anything is done with it; one that does not fit counts for nothing as a whole.
    ///
    /// # Errors
    /// Why it does not fit, in words.
    pub fn fits(&self, camera: &CameraName, shape: &settings::Ring, now: Mono) -> Result<(), &'static str> {
        let known = self.anchor.mono;
        if self.version != Self::VERSION {
            return Err("another version of nvr wrote it");
        }
        if known > now {
            return Err("it is of another time");
        }
        if !self.ring.has_shape(shape.slots, shape.wrap()) {
            return Err("ring.slots was another then");
        }
        let clips = self.last_clip.0 < SOUND && self.saving.last_id() <= self.last_clip;
        if !clips || !self.ring.is_sound(self.run, known) || !self.saving.is_sound(camera) {
            return Err("it is damaged");
        }
        Ok(())
    }

    /// The clips that grew, for the archive to go on with.
    pub fn growing(&self, camera: &CameraName) -> Vec<Grew> {
        self.saving.growing(camera)
    }
}

/// A clip that grew when its recorder was killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grew {
    /// What it is called again.
    pub clip: ClipId,
    /// Whose.
    pub camera: CameraName,
    /// Its name, if that had been told.
    pub name: Option<String>,
    /// Where it grew, if that had been told: `archive.dir` may have been another one then.
    pub path: Option<String>,
    /// The first segment that was meant for it, by which a file is known whose name had not been told.
    pub first: Option<u64>,
    /// Segments meant for it of which nobody knows that they are stored, in order.
    pub waiting: Vec<u64>,
}

/// What the archive found of such a clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Regrown {
    /// Which.
    pub clip: ClipId,
    /// How far it had come.
    pub state: Remains,
}

/// How far a clip had come.
#[derive(Debug, Clone, PartialEq)]
pub enum Remains {
    /// It goes on growing: cut back to its last whole fragment, and so large is it then.
    Growing {
        /// Its file.
        file: ClipFile,
        /// The clip as it is; `bytes`, `frames` and `hole` are of no segment.
        added: Added,
    },
    /// It has its final name already.
    Closed {
        /// Where.
        path: String,
    },
    /// There is no file of it.
    Nothing,
    /// The archive is not there, or does not answer yet: [`super::event::Event::Regrown`] tells it then.
    Away,
    /// It lies where `archive.dir` was when it grew, and nobody looks for it there. What was followed of the segment that
    /// was being written may be in it, and comes once more into the clip that goes on.
    Elsewhere {
        /// The file that grew.
        path: String,
    },
}

/// A file in a ring directory that an earlier recorder left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftFile {
    /// Slot or segment number, by its name.
    pub number: u64,
    /// Its size.
    pub bytes: u64,
    /// When it was last written, as its date tells; never later than now. Files are put into order by it.
    pub written: Mono,
}

/// All that is left of one camera.
#[derive(Debug, Clone, PartialEq)]
pub struct Left {
    /// What the earlier recorder knew.
    pub memory: Memory,
    /// Slots, as they lie there. No FFmpeg writes them any more.
    pub slots: Vec<LeftFile>,
    /// Claimed segments, as they lie there.
    pub claimed: Vec<LeftFile>,
    /// Its clips.
    pub clips: Vec<Regrown>,
    /// Its FFmpeg lived longer than the recorder: dates of slots do not tell when that one died.
    pub outlived: bool,
}

impl LeftFile {
    /// As a slot.
    pub fn slot(&self) -> Option<SlotFile> {
        Some(SlotFile { slot: u32::try_from(self.number).ok()?, bytes: self.bytes })
    }
}
