//! What is claimed and waits for the archive has a limit in RAM. Past it something has to go, and what goes is decided
//! by what a person would miss least: of all cameras' segments that wait, those farthest from any trigger of their clip
//! go first. Each is counted, and named in its clip's record; the clip goes on after the hole.
//!
//! The limit holds for an archive that fails, or has not kept up for some seconds. One that does keep up may be given
//! more at once, which is in RAM already: the pre-rolls of many cameras that one mail wants.

use super::camera::Camera;
use super::effect::Effect;
use super::id::{CameraName, SegmentId};
use super::out::Out;
use super::recorder::Recorder;
use super::ring::Fate;
use super::saving::Saving;
use super::settings::Share;
use super::snapshot::{CopyOutcome, Level, Topic};
use super::time::Mono;
use std::collections::BTreeSet;
use std::time::Duration;

/// An archive that has not emptied a camera's queue for so long does not keep up, whether it says so or not.
const BEHIND: Duration = Duration::from_secs(10);
/// While footage goes on being given up, it is said so often.
const SUM_UP: Duration = Duration::from_secs(60);

/// Why footage was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressure {
    /// More waits than `ring.backlog` allows.
    Limit,
    /// The file system of the ring is full, with whatever else.
    Full,
}

impl Pressure {
    /// In the clip's record and in the copy log.
    pub fn cause(self) -> &'static str {
        match self {
            Pressure::Limit => "no room in RAM: the archive did not take it (ring.backlog)",
            Pressure::Full => "no room in RAM: the archive did not take it, and ring.dir's file system is full",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Pressure::Limit => "mend the archive, or raise ring.backlog",
            Pressure::Full => "mend the archive, and remove what fills ring.dir's file system or make it larger",
        }
    }
}

/// A claimed segment that could be given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spare {
    /// Whose: its place in the order of cameras.
    pub camera: usize,
    /// Which.
    pub number: u64,
    /// When it began.
    pub from: Mono,
    /// What giving it up brings.
    pub bytes: u64,
    /// How far it is from the nearest trigger of its clip; nothing if that lies in it.
    pub distance: Duration,
}

/// Chooses what to give up, so that at least `bytes` come free, or all that could: what is farthest from any trigger
/// goes first, and of two that are as far the older one.
pub fn sacrifice(mut spares: Vec<Spare>, bytes: u64) -> Vec<Spare> {
    spares.retain(|spare| spare.bytes > 0);
    spares.sort_by_key(|spare| (std::cmp::Reverse(spare.distance), spare.from, spare.camera, spare.number));
    let mut free = 0_u64;
    let needed = spares.iter().take_while(|spare| {
        let more = free < bytes;
        free = free.saturating_add(spare.bytes);
        more
    });
    let needed = needed.count();
    spares.truncate(needed);
    spares
}

/// What was given up and is not yet said.
#[derive(Debug, Default)]
pub(super) struct GivenUp {
    /// When it was last said; `None`: nothing was given up for a while.
    said: Option<Mono>,
    segments: u64,
    bytes: u64,
    cameras: BTreeSet<CameraName>,
    pressure: Option<Pressure>,
    /// The limit was found too small, and that is said.
    judged: bool,
}

pub(super) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

impl Recorder {
    /// What may wait for the archive, in bytes; `None` until the size of the ring's file system is known.
    pub(super) fn backlog_limit(&self) -> Option<u64> {
        match self.settings.ring.backlog {
            Share::Bytes(bytes) => Some(bytes),
            Share::Fraction(part) => self.ram.map(|ram| (ram.total as f64 * part) as u64),
        }
    }

    /// Bytes that are claimed and not yet stored.
    pub(super) fn backlog(&self) -> u64 {
        self.cameras.iter().fold(0, |sum, camera| sum.saturating_add(camera.saving.backlog().1))
    }

    /// Gives up what is more than may wait, and says in time what was given up.
    pub(super) fn hold_limit(&mut self, out: &mut Out) {
        self.archive.slow = self.cameras.iter().any(|camera| camera.is_behind(out.now));
        let over = self.backlog_limit().map_or(0, |limit| self.backlog().saturating_sub(limit));
        if over > 0 {
            self.give_up(out, over, Pressure::Limit);
        }
        self.sum_up(out);
    }

    /// Gives up claimed segments until so many bytes come free. What the archive takes as it comes is left alone: a
    /// pre-roll that is claimed all at once has gone a moment later.
    pub(super) fn give_up(&mut self, out: &mut Out, bytes: u64, why: Pressure) {
        let fails = |camera: &Camera| camera.saving.trouble().is_some() || camera.is_behind(out.now);
        let cameras = self.cameras.iter().enumerate().filter(|(_, camera)| fails(camera));
        let spares = cameras.flat_map(|(place, camera)| camera.saving.spares(place)).collect();
        for spare in sacrifice(spares, bytes) {
            let camera = &mut self.cameras[spare.camera];
            if !camera.give_up(out, spare.number, why) {
                continue;
            }
            let given_up = &mut self.given_up;
            if given_up.said.is_none() {
                given_up.said = Some(out.now);
                let text = format!(
                    "segment {} is given up: {}; what is farthest from any trigger goes first ({})",
                    spare.number,
                    why.cause(),
                    why.remedy()
                );
                out.say(Level::Error, Topic::Loss, Some(&camera.settings.name), text);
            } else {
                given_up.segments = given_up.segments.saturating_add(1);
                given_up.bytes = given_up.bytes.saturating_add(spare.bytes);
                given_up.cameras.insert(camera.settings.name.clone());
                given_up.pressure = Some(why);
            }
        }
    }

    /// Warns, once, of a limit that not even two segments of each camera fit into: then footage is lost whenever the
    /// archive is busy for a moment. Their sizes are known once they have come in.
    pub(super) fn judge_limit(&mut self, out: &mut Out) {
        let two = self.cameras.iter().map(|camera| camera.mean_bytes().saturating_mul(2)).fold(0, u64::saturating_add);
        let Some(limit) = self.backlog_limit().filter(|limit| *limit < two && !self.given_up.judged) else { return };
        self.given_up.judged = true;
        let text = format!(
            "ring.backlog allows {} to wait for the archive, and two segments of every camera are {} (raise ring.backlog, \
             or make ring.segment shorter)",
            megabytes(limit),
            megabytes(two)
        );
        out.say(Level::Warn, Topic::Ring, None, text);
    }

    /// What was given up since it was last said is said each minute, and when nothing waits any more.
    fn sum_up(&mut self, out: &mut Out) {
        let Some(said) = self.given_up.said else { return };
        let waiting = self.cameras.iter().any(|camera| camera.waiting.is_some());
        if waiting && out.now < said + SUM_UP {
            return;
        }
        let judged = self.given_up.judged;
        let GivenUp { segments, bytes, cameras, pressure, .. } =
            std::mem::replace(&mut self.given_up, GivenUp { judged, ..GivenUp::default() });
        let Some(why) = pressure else { return };
        let names: Vec<_> = cameras.iter().map(CameraName::as_str).collect();
        let about = if let [_] = names.as_slice() { cameras.first() } else { None };
        let text = format!(
            "{segments} more segments ({}) of {} are given up: {} ({})",
            megabytes(bytes),
            names.join(", "),
            why.cause(),
            why.remedy()
        );
        out.say(Level::Error, Topic::Loss, about, text);
        self.given_up.said = waiting.then_some(out.now);
    }
}

impl Camera {
    /// Gives up a segment that is claimed, or just to be: then it is left where it is, and FFmpeg writes over it.
    fn give_up(&mut self, out: &mut Out, number: u64, why: Pressure) -> bool {
        let Some(claim) = self.saving.give_up(number, why.cause()) else { return false };
        let segment = SegmentId { camera: self.settings.name.clone(), number };
        let orders = out.effects.len();
        out.effects.retain(|effect| !matches!(effect, Effect::Claim { segment: claimed, .. } if *claimed == segment));
        if out.effects.len() == orders {
            out.order(Effect::Discard { segment });
        }
        self.ring.set(number, Fate::Lost);
        self.lost.segments = self.lost.segments.saturating_add(1);
        self.lost.bytes = self.lost.bytes.saturating_add(claim.bytes);
        self.copied(out, number, self.clip_name(claim.clip), CopyOutcome::Lost { reason: why.cause().to_owned() });
        true
    }

    /// Notes whether the archive has taken all that this camera's event wanted.
    pub(super) fn keeps_up(&mut self, now: Mono) {
        self.waiting = if self.saving.backlog().0 == 0 { None } else { self.waiting.or(Some(now)) };
    }

    /// Whether the archive has not kept up with it for a while.
    pub(super) fn is_behind(&self, now: Mono) -> bool {
        self.waiting.is_some_and(|since| now >= since + BEHIND)
    }
}

/// A rate is known after so many segments: the first one often comes in a rush.
const KNOWN: u64 = 4;

impl Camera {
    /// Bytes of a segment, as they come; nothing until enough of them have come.
    fn mean_bytes(&self) -> u64 {
        let finished = self.ring.segments().filter(|segment| segment.claimable() && segment.bytes > 0);
        let (count, bytes) = finished.fold((0, 0_u64), |(n, sum), segment| (n + 1, sum.saturating_add(segment.bytes)));
        if count < KNOWN { 0 } else { bytes / count }
    }
}

impl Saving {
    /// What could be given up: all that waits, but not what the archive has been given, for that may be there already.
    fn spares(&self, camera: usize) -> impl Iterator<Item = Spare> {
        self.queue.waiting().map(move |claim| {
            let clip = self.clips.iter().find(|clip| clip.id == claim.clip);
            let distance = clip.map_or(Duration::MAX, |clip| clip.distance(claim.span));
            Spare { camera, number: claim.number, from: claim.span.from, bytes: claim.bytes, distance }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spare() -> impl Strategy<Value = Spare> {
        (0usize..4, 0u64..1000, 0u64..50, 0u64..100, 0u64..10).prop_map(|(camera, number, from, bytes, distance)| {
            Spare { camera, number, from: Mono(from), bytes, distance: Duration::from_secs(distance) }
        })
    }

    fn bytes(spares: &[Spare]) -> u64 {
        spares.iter().map(|spare| spare.bytes).sum()
    }

    proptest! {
        #[test]
        fn no_more_goes_than_must_and_the_farthest_first(
            spares in prop::collection::vec(spare(), 0..40),
            wanted in 0u64..3_000,
        ) {
            let all = bytes(&spares);
            let gone = sacrifice(spares.clone(), wanted);
            prop_assert!(bytes(&gone) >= wanted.min(all));
            if let Some((_, before)) = gone.split_last() {
                prop_assert!(bytes(before) < wanted, "the last one was not needed");
            }
            let mut kept = spares;
            for spare in &gone {
                let place = kept.iter().position(|kept| kept == spare);
                kept.remove(place.expect("one that was there"));
            }
            for kept in kept.iter().filter(|kept| kept.bytes > 0) {
                for gone in &gone {
                    let farther = gone.distance > kept.distance;
                    prop_assert!(farther || (gone.distance == kept.distance && gone.from <= kept.from));
                }
            }
        }
    }
}
