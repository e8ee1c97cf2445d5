//! The recorder's picture of itself.

use super::camera::Camera;
use super::event::Space;
use super::recorder::{Recorder, TAIL};
use super::ring::Fate;
use super::snapshot::{ArchiveView, CameraView, ClipView, Lost, MailView, RingView, SlotState, SlotView, Snapshot};
use super::time::Mono;
use std::collections::VecDeque;

impl Recorder {
    /// Clips that grow, each camera's newest first.
    pub(super) fn growing(&self) -> impl Iterator<Item = ClipView> {
        let savings = self.cameras.iter().map(|camera| &camera.saving);
        savings.flat_map(|saving| saving.clips().rev().filter_map(|clip| clip.view(&saving.queue)))
    }

    /// What monitors draw. It changes only when something happened: free room is rounded to three digits.
    pub fn snapshot(&self, now: Mono) -> Snapshot {
        let cameras: Vec<CameraView> = self.cameras.iter().map(|camera| camera.view(now)).collect();
        let lost = self.cameras.iter().map(|camera| camera.lost).fold(self.lost, Lost::and);
        Snapshot {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: 0,
            started: self.started,
            anchor: self.anchor,
            mail: MailView { sessions: self.doctor.change(), ..self.mail.clone() },
            archive: ArchiveView {
                dir: self.settings.archive.dir.display().to_string(),
                space: self.archive.space.map(rounded),
                trouble: self.archive_trouble().map(str::to_owned),
                since: self.archive.down,
                retention: self.archive.retention.clone(),
                safe_until: self.safe_until(now),
                written: self.archive.silence.last(),
                silent: self.archive_silent(),
                backlog: self.backlog(),
                backlog_limit: self.backlog_limit(),
            },
            ring: RingView {
                dir: self.settings.ring.dir.display().to_string(),
                used: total(cameras.iter().map(|camera| camera.ram)),
                space: self.ram.map(rounded),
                trouble: self.no_room.clone(),
            },
            lost,
            copies: tail(&self.copies),
            clips: self.growing().chain(self.clips.iter().cloned()).collect(),
            journal: tail(&self.journal),
            warnings: self.mistake.iter().chain(&self.warnings).cloned().collect(),
            stopping: self.stopping.as_ref().map(|(_, why)| why.clone()),
            cameras,
        }
    }
}

/// The newest lines of a log.
fn tail<T: Clone>(log: &VecDeque<T>) -> Vec<T> {
    log.range(log.len().saturating_sub(TAIL)..).cloned().collect()
}

/// A sum that stays a number, whatever sizes were reported.
fn total(sizes: impl Iterator<Item = u64>) -> u64 {
    sizes.fold(0, u64::saturating_add)
}

/// Free room to three digits, never more than there is: a full disk is told to the byte, and a large one rests.
fn rounded(space: Space) -> Space {
    let digits = space.free.checked_ilog10().unwrap_or(0);
    let step = 10_u64.pow(digits.saturating_sub(2));
    Space { total: space.total, free: space.free / step * step }
}

impl Camera {
    /// For the screen.
    fn view(&self, now: Mono) -> CameraView {
        let mut slots = vec![SlotView { is: SlotState::Empty, closed: None }; self.slots as usize];
        for segment in self.ring.segments().rev().take(slots.len()) {
            let is = match segment.fate {
                Fate::InRing if segment.closed.is_none() => SlotState::Writing,
                Fate::InRing => SlotState::Complete,
                Fate::Claimed => SlotState::Claimed,
                Fate::Copying => SlotState::Copying,
                Fate::Stored => SlotState::Stored,
                Fate::Lost => SlotState::Lost,
                Fate::Empty | Fate::Gone => SlotState::Empty,
            };
            let closed = segment.closed.filter(|_| is != SlotState::Empty);
            slots[self.shown_slot(segment.number) as usize] = SlotView { is, closed };
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
            whole_since: self.ring.whole_since(),
            segment: self.segment,
            restarts: self.life.restarts(),
            ram: in_ring.saturating_add(claimed),
            backlog,
            lost: self.lost.segments,
            missed: self.lost.events,
            pace: self.pace(),
            last_mail: self.last_mail(),
            silent: self.silent(),
            spent: self.spent(),
        }
    }

    /// The ring has two slots more than are shown, so a segment's place on the screen goes by its number.
    pub(super) fn shown_slot(&self, number: u64) -> u32 {
        (number % u64::from(self.slots.max(1))) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::none(0, 0)]
    #[case::a_byte(1, 1)]
    #[case::three_digits(999, 999)]
    #[case::four_digits(1_239, 1_230)]
    #[case::little_of_a_large_disk(79_456_789_012, 79_400_000_000)]
    #[case::most_of_it(7_996_123_456_789, 7_990_000_000_000)]
    #[case::more_than_there_can_be(u64::MAX, 18_400_000_000_000_000_000)]
    fn free_room_keeps_three_digits(#[case] free: u64, #[case] shown: u64) {
        let total = 8_000_000_000_000;
        assert_eq!(rounded(Space { total, free }), Space { total, free: shown });
    }
}
