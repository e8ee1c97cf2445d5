//! The recorder's picture of itself.

use super::camera::Camera;
use super::event::Space;
use super::recorder::Recorder;
use super::snapshot::{ArchiveView, CameraView, Lost, RingView, Snapshot};
use super::time::Mono;

impl Recorder {
    /// What monitors draw. It changes only when something happened: room is rounded to a hundredth of the whole.
    pub fn snapshot(&self, now: Mono) -> Snapshot {
        let cameras: Vec<CameraView> = self.cameras.iter().map(|camera| camera.view(now)).collect();
        let lost = self.cameras.iter().map(Camera::lost).fold(Lost::default(), |sum, lost| Lost {
            segments: sum.segments + lost.segments,
            bytes: sum.bytes + lost.bytes,
        });
        let growing = self.cameras.iter().flat_map(|camera| camera.open_clips(&self.anchor));
        Snapshot {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: 0,
            started: self.started,
            anchor: self.anchor,
            mail: self.mail.clone(),
            archive: ArchiveView {
                dir: self.settings.archive.dir.display().to_string(),
                space: self.archive.space.map(rounded),
                trouble: self.archive.trouble.as_ref().map(|(_, reason)| reason.clone()),
                since: self.archive.trouble.as_ref().map(|(since, _)| *since),
                backlog: self.cameras.iter().map(|camera| camera.backlog().1).sum(),
            },
            ring: RingView {
                dir: self.settings.ring.dir.display().to_string(),
                used: cameras.iter().map(|camera| camera.ram).sum(),
                space: self.ram.map(rounded),
            },
            lost,
            copies: self.copies.iter().cloned().collect(),
            clips: growing.chain(self.clips.iter().cloned()).collect(),
            journal: self.journal.iter().cloned().collect(),
            warnings: self.warnings.clone(),
            stopping: self.stopping.clone(),
            cameras,
        }
    }
}

fn rounded(space: Space) -> Space {
    let step = (space.total / 100).max(1);
    Space { total: space.total, free: space.free / step * step }
}
