//! Whether the ring's file system has room for what comes next, and for how long. FFmpeg does not say that it has none:
//! it goes on counting frames and writes empty files.

use super::camera::Camera;
use super::event::Space;
use super::out::Out;
use super::recorder::Recorder;
use super::snapshot::{Level, Topic};
use super::time::Mono;
use std::time::Duration;

/// What is said of how long footage is safe may be wrong by so much, or by a tenth of what is left, before it changes:
/// a figure that people count down with must not tremble with every segment.
const UNSTEADY: Duration = Duration::from_secs(5);

impl Recorder {
    /// How much room there is, as seen just now. Trouble and its end are each said once.
    pub(super) fn ring_space(&mut self, out: &mut Out, space: Space) {
        self.ram = Some(space);
        self.safe_until = steady(self.safe_until, self.full_at(space, out.now), out.now);
        let short = self.short_of_room(space);
        if short && self.no_room.is_none() {
            let dir = self.settings.ring.dir.display();
            let text = format!(
                "the ring {dir} has almost no room left; footage is, or soon will be, lost (make ring.dir's file \
                 system larger, or ring.slots smaller)"
            );
            out.say(Level::Error, Topic::Ring, None, &text);
            self.no_room = Some(text);
        } else if !short && self.no_room.take().is_some() {
            out.say(Level::Info, Topic::Ring, None, "the ring has room again");
        }
        for camera in &mut self.cameras {
            camera.no_room = short;
        }
    }

    /// Less than a fiftieth, or than two segments of every camera. What is short is so until there is twice that, for
    /// room comes and goes with each segment.
    fn short_of_room(&self, space: Space) -> bool {
        let largest = |segments: &mut dyn Iterator<Item = u64>| segments.max().unwrap_or(0);
        let each = self.cameras.iter().map(|camera| largest(&mut camera.ring.segments().map(|segment| segment.bytes)));
        let two = each.fold(0, u64::saturating_add).saturating_mul(2);
        let needed = two.max(space.total / 50);
        let needed = if self.no_room.is_some() { needed.saturating_mul(2) } else { needed };
        space.free < needed.min(space.total)
    }

    /// Until when wanted footage finds room in RAM, for the screen: told while the archive does not take it and an event
    /// goes on.
    pub(super) fn safe_until(&self, now: Mono) -> Option<Mono> {
        let filling = self.archive_trouble().is_some() && self.cameras.iter().any(|camera| camera.is_wanted(now));
        self.safe_until.filter(|_| filling)
    }

    /// When there is no more room, if the archive takes nothing and footage goes on to be wanted as it is now; `None` if
    /// that is no question.
    fn full_at(&self, space: Space, now: Mono) -> Option<Mono> {
        self.archive_trouble()?;
        let wanted = self.cameras.iter().filter(|camera| camera.is_wanted(now));
        let rate = wanted.filter_map(|camera| camera.bits.shown()).fold(0, u64::saturating_add);
        let micros = (u128::from(self.room_for_claims(space, now)) * 8_000_000).checked_div(u128::from(rate))?;
        Some(now + Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX)))
    }

    /// Bytes that can still be claimed. Whatever else is to bound the backlog bounds it here.
    fn room_for_claims(&self, space: Space, now: Mono) -> u64 {
        let others = self.cameras.iter().filter(|camera| !camera.is_wanted(now));
        let growing = others.map(Camera::still_to_fill).fold(0, u64::saturating_add);
        space.free.saturating_sub(growing)
    }
}

impl Camera {
    /// Whether what comes in now is claimed.
    fn is_wanted(&self, now: Mono) -> bool {
        self.saving.wanting(self.ring.open(), now)
    }

    /// Bytes that its ring will take until it is full, if it goes on at its rate.
    fn still_to_fill(&self) -> u64 {
        let there = self.ring.segments().filter(|segment| segment.claimable()).count() as u64;
        let each = u128::from(self.bits.shown().unwrap_or(0)).saturating_mul(self.segment.as_micros()) / 8_000_000;
        u64::try_from(each).unwrap_or(u64::MAX).saturating_mul(u64::from(self.slots).saturating_sub(there))
    }
}

/// The instant that was told, unless it has become wrong. What is over may stay over: it says no more than that.
fn steady(told: Option<Mono>, new: Option<Mono>, now: Mono) -> Option<Mono> {
    let (Some(told), Some(new)) = (told, new) else { return new };
    let off = told.since(new).max(new.since(told));
    let bearable = off <= UNSTEADY.max(new.since(now) / 10) || told.max(new) <= now;
    Some(if bearable { told } else { new })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: u64) -> Mono {
        Mono(0) + Duration::from_secs(seconds)
    }

    #[test]
    fn what_is_told_rests_until_it_is_wrong() {
        let now = at(1000);
        for (told, new, then) in [
            (None, Some(1400), Some(1400)),
            (Some(1400), Some(1430), Some(1400)),
            (Some(1400), Some(1500), Some(1500)),
            (Some(1020), Some(1015), Some(1020)),
            (Some(1020), Some(1014), Some(1014)),
            (Some(900), Some(1000), Some(900)),
            (Some(900), Some(1001), Some(1001)),
            (Some(1400), None, None),
            (None, None, None),
        ] {
            assert_eq!(steady(told.map(at), new.map(at), now), then.map(at), "{told:?}, then {new:?}");
        }
    }

    proptest! {
        /// Whatever was told before, what is told now is nearly right; and telling it again changes nothing.
        #[test]
        fn what_is_told_is_nearly_right(told in any::<Option<u64>>(), new in any::<u64>(), now in any::<u64>()) {
            let (now, new) = (Mono(now), Mono(new));
            let shown = steady(told.map(Mono), Some(new), now);
            prop_assert_eq!(steady(shown, Some(new), now), shown);
            let shown = shown.expect("told");
            let off = shown.since(new).max(new.since(shown));
            prop_assert!(off <= UNSTEADY.max(new.since(now) / 10) || (shown <= now && new <= now));
        }
    }
}
