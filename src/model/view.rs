//! The recorder's picture of itself.

use super::camera::Camera;
use super::event::Space;
use super::recorder::Recorder;
use super::ring::Fate;
use super::snapshot::{ArchiveView, CameraView, ClipView, Lost, RingView, SlotView, Snapshot};
use super::time::Mono;

impl Recorder {
    /// Clips that grow, each camera's newest first.
    pub(super) fn growing(&self) -> impl Iterator<Item = ClipView> {
        let clips = self.cameras.iter().flat_map(|camera| camera.saving.clips().rev());
        clips.filter_map(|clip| clip.view(&self.anchor))
    }

    /// What monitors draw. It changes only when something happened: room is rounded to a hundredth of the whole.
    pub fn snapshot(&self, now: Mono) -> Snapshot {
        let cameras: Vec<CameraView> = self.cameras.iter().map(|camera| camera.view(now)).collect();
        let lost = self.cameras.iter().map(|camera| camera.lost).fold(Lost::default(), |sum, lost| Lost {
            segments: sum.segments.saturating_add(lost.segments),
            bytes: sum.bytes.saturating_add(lost.bytes),
        });
        Snapshot {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: 0,
            started: self.started,
            anchor: self.anchor,
            mail: self.mail.clone(),
            archive: ArchiveView {
                dir: self.settings.archive.dir.display().to_string(),
                space: self.archive.space.map(rounded),
                trouble: self.archive_trouble().map(str::to_owned),
                since: self.archive.down,
                backlog: total(self.cameras.iter().map(|camera| camera.saving.backlog().1)),
            },
            ring: RingView {
                dir: self.settings.ring.dir.display().to_string(),
                used: total(cameras.iter().map(|camera| camera.ram)),
                space: self.ram.map(rounded),
                trouble: self.no_room.clone(),
            },
            lost,
            copies: self.copies.iter().cloned().collect(),
            clips: self.growing().chain(self.clips.iter().cloned()).collect(),
            journal: self.journal.iter().cloned().collect(),
            warnings: self.warnings.clone(),
            stopping: self.stopping.as_ref().map(|(_, why)| why.clone()),
            cameras,
        }
    }
}

/// A sum that stays a number, whatever sizes were reported.
fn total(sizes: impl Iterator<Item = u64>) -> u64 {
    sizes.fold(0, u64::saturating_add)
}

fn rounded(space: Space) -> Space {
    let step = (space.total / 100).max(1);
    Space { total: space.total, free: space.free / step * step }
}

impl Camera {
    /// For the screen.
    fn view(&self, now: Mono) -> CameraView {
        let mut slots = vec![SlotView::Empty; self.slots as usize];
        for segment in self.ring.segments().rev().take(slots.len()) {
            slots[self.shown_slot(segment.number) as usize] = match segment.fate {
                Fate::InRing if segment.closed.is_none() => SlotView::Writing,
                Fate::InRing => SlotView::Complete,
                Fate::Claimed => SlotView::Claimed,
                Fate::Copying => SlotView::Copying,
                Fate::Stored => SlotView::Stored,
                Fate::Lost => SlotView::Lost,
                Fate::Empty | Fate::Gone => SlotView::Empty,
            };
        }
        let in_ring = total(self.ring.segments().filter(|s| s.fate == Fate::InRing).map(|s| s.bytes));
        let (backlog, claimed) = self.saving.backlog();
        CameraView {
            name: self.settings.name.clone(),
            armed: self.armed,
            state: self.life.view(),
            media: self.media.clone(),
            fps: self.frames.shown(),
            bitrate: self.bits.shown(),
            slots,
            event: self.saving.view(self.ring.open(), now),
            last_segment: self.last_segment,
            segment: self.segment,
            restarts: self.life.restarts(),
            ram: in_ring.saturating_add(claimed),
            backlog,
            lost: self.lost.segments,
            stderr: self.stderr.iter().cloned().collect(),
        }
    }

    /// The ring has two slots more than are shown, so a segment's place on the screen goes by its number.
    pub(super) fn shown_slot(&self, number: u64) -> u32 {
        (number % u64::from(self.slots.max(1))) as u32
    }
}
