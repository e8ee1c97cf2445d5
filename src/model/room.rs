//! Whether the ring's file system has room for what comes next, and for how long. FFmpeg does not say that it has none:
//! it goes on counting frames and writes empty files.

use super::backlog::Pressure;
use super::camera::Camera;
use super::effect::Effect;
use super::event::{SlotFile, Space};
use super::out::Out;
use super::recorder::Recorder;
use super::ring::Segment;
use super::saving::LATE_MAIL;
use super::snapshot::{Level, Topic};
use super::time::Mono;
use std::time::Duration;

/// What is said of how long footage is safe may be wrong by so much, or by a tenth of what is left, before it changes:
/// a figure that people count down with must not tremble with every segment.
const UNSTEADY: Duration = Duration::from_secs(1);

/// What is done about too little room, and what it means.
const LETS_GO: &str = "old footage that no pre-roll needs is let go of";
const LOSES: &str = "footage is, or soon will be, lost";

impl Recorder {
    /// How much room there is, as seen just now. Trouble and its end are each said once.
    pub(super) fn ring_space(&mut self, out: &mut Out, space: Space) {
        self.ram = Some(space);
        let short = self.short_of_room(space);
        if short {
            let enough = self.make_room(out, space);
            self.say_short(out, enough);
        } else if self.no_room.take().is_some() {
            out.say(Level::Info, Topic::Ring, None, "the ring has room again");
        }
        for camera in &mut self.cameras {
            camera.room(short, out.now);
        }
        self.judge_limit(out);
        self.safe_until = steady(self.safe_until, self.full_at(space, out.now), out.now);
    }

    /// Says once that room is short, and once more if it has become worse.
    fn say_short(&mut self, out: &mut Out, enough: bool) {
        let worst = self.no_room.as_ref().is_some_and(|said| said.contains(LOSES));
        let done = if enough && !worst { LETS_GO } else { LOSES };
        let text = format!(
            "the ring {} has almost no room left; {done} (remove what else fills ring.dir's file system, make it larger, \
             or ring.slots smaller)",
            self.settings.ring.dir.display()
        );
        if self.no_room.as_ref() != Some(&text) {
            out.say(Level::Error, Topic::Ring, None, &text);
            self.no_room = Some(text);
        }
    }

    /// Less than a fiftieth, or than two segments of every camera. What is short is so until there is twice that, for
    /// room comes and goes with each segment, and room for full rings beside: what was let go of is no room.
    fn short_of_room(&self, space: Space) -> bool {
        let needed = self.comfort(space);
        if self.no_room.is_none() {
            return space.free < needed.min(space.total);
        }
        let full = self.cameras.iter().map(Camera::still_to_fill).fold(needed.saturating_mul(2), u64::saturating_add);
        space.free < full.min(space.total)
    }

    fn comfort(&self, space: Space) -> u64 {
        self.two_each().max(space.total / 50)
    }

    /// Two of the largest segments of every camera: what FFmpeg needs to go on without a fault.
    fn two_each(&self) -> u64 {
        let each = self.cameras.iter().map(|camera| camera.ring.segments().map(|it| it.bytes).max().unwrap_or(0));
        each.fold(0, u64::saturating_add).saturating_mul(2)
    }

    /// First the oldest footage of all rings goes that no pre-roll needs; then, of what the archive does not take, what
    /// is farthest from any trigger. Answers whether every camera can go on.
    fn make_room(&mut self, out: &mut Out, space: Space) -> bool {
        let wish = self.comfort(space).saturating_mul(2).min(space.total);
        let free = space.free.saturating_add(self.free_slots(out, wish.saturating_sub(space.free)));
        let lacking = self.two_each().saturating_sub(free);
        if lacking > 0 {
            self.give_up(out, lacking, Pressure::Full);
        }
        lacking == 0
    }

    /// Lets go of the oldest slots that no pre-roll needs, until so many bytes are free. Answers how many are.
    fn free_slots(&mut self, out: &mut Out, bytes: u64) -> u64 {
        let spare = |(place, camera): (usize, &Camera)| -> Vec<(Mono, usize, u64)> {
            let old = camera.ring.segments().filter(|segment| camera.can_do_without(segment, out.now));
            old.map(|segment| (segment.opened, place, segment.number)).collect()
        };
        let mut spares: Vec<_> = self.cameras.iter().enumerate().flat_map(spare).collect();
        spares.sort_unstable();
        let mut free = 0_u64;
        for (_, place, number) in spares {
            if free >= bytes {
                break;
            }
            let camera = &mut self.cameras[place];
            if let Some(SlotFile { slot, bytes }) = camera.ring.let_go(number) {
                free = free.saturating_add(bytes);
                out.order(Effect::Unlink { camera: camera.settings.name.clone(), slot, bytes });
            }
        }
        free
    }

    /// Until when wanted footage finds room in RAM, for the screen: told while the archive does not take it and an event
    /// goes on.
    pub(super) fn safe_until(&self, now: Mono) -> Option<Mono> {
        let filling = self.archive_trouble().is_some() && self.cameras.iter().any(|camera| camera.is_wanted(now));
        self.safe_until.filter(|_| filling)
    }

    /// When the first wanted footage is given up, if the archive takes nothing and footage goes on to be wanted as it is
    /// now; `None` if that is no question.
    fn full_at(&self, space: Space, now: Mono) -> Option<Mono> {
        self.archive_trouble()?;
        let wanted = || self.cameras.iter().filter(|camera| camera.is_wanted(now));
        let rate = wanted().filter_map(|camera| camera.bits.measured()).fold(0, u64::saturating_add);
        // Of the limit on the backlog, what is being written has been used already; the file system counts it itself.
        let written = wanted().map(|camera| camera.being_written(now)).fold(0, u64::saturating_add);
        let limit = self.backlog_limit().unwrap_or(u64::MAX).saturating_sub(self.backlog()).saturating_sub(written);
        let micros =
            (u128::from(self.room_for_claims(space, now).min(limit)) * 8_000_000).checked_div(u128::from(rate))?;
        Some(now + Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX)))
    }

    /// Bytes of the file system that claims can take: what is free and what the rings can do without, less what they
    /// will need, and less what is kept for FFmpeg.
    fn room_for_claims(&self, space: Space, now: Mono) -> u64 {
        let (mut room, mut needed) = (space.free, self.two_each());
        for camera in &self.cameras {
            room = room.saturating_add(camera.in_ring());
            // While all that comes in is claimed, its ring only empties.
            needed = needed.saturating_add(if camera.is_wanted(now) { 0 } else { camera.needs_in_ring() });
        }
        room.saturating_sub(needed)
    }
}

impl Camera {
    /// Whether what comes in now is claimed.
    fn is_wanted(&self, now: Mono) -> bool {
        self.saving.wanting(self.ring.open(), now)
    }

    /// How long footage must stay in the ring: a late mail's pre-roll, and two segments that are always in motion.
    fn must_reach(&self) -> Duration {
        let moving = self.segment.saturating_mul(2).saturating_add(LATE_MAIL);
        self.settings.trigger.pre_roll.saturating_add(moving)
    }

    /// Whether a segment of the ring is older than any pre-roll, and of known size.
    fn can_do_without(&self, segment: &Segment, now: Mono) -> bool {
        let old = segment.closed.is_some_and(|closed| closed + self.must_reach() < now);
        old && segment.claimable() && segment.bytes > 0 && !self.saving.wants(segment)
    }

    /// Bytes of a segment of the wanted length, at the present rate.
    pub(super) fn usual_bytes(&self) -> u64 {
        bytes(self.bits.measured(), self.segment)
    }

    /// Bytes that its ring will take until it is full, if it goes on at its rate.
    fn still_to_fill(&self) -> u64 {
        let there = self.ring.segments().filter(|segment| segment.claimable()).count() as u64;
        self.usual_bytes().saturating_mul(u64::from(self.slots).saturating_sub(there))
    }

    /// Bytes of finished segments in the ring.
    fn in_ring(&self) -> u64 {
        self.ring.segments().filter(|segment| segment.claimable()).map(|it| it.bytes).fold(0, u64::saturating_add)
    }

    /// Bytes that its ring needs if it goes on at its rate and keeps only what pre-rolls need.
    fn needs_in_ring(&self) -> u64 {
        let whole = self.segment.saturating_mul(self.slots);
        bytes(self.bits.measured(), self.must_reach().saturating_add(self.segment).min(whole))
    }

    /// Bytes of the segment that is being written, about.
    fn being_written(&self, now: Mono) -> u64 {
        bytes(self.bits.measured(), self.ring.open().map_or(Duration::ZERO, |open| now.since(open.opened)))
    }
}

/// What comes in at so many bits a second.
fn bytes(rate: Option<u64>, span: Duration) -> u64 {
    let bits = u128::from(rate.unwrap_or(0)).saturating_mul(span.as_micros());
    u64::try_from(bits / 8_000_000).unwrap_or(u64::MAX)
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
            (Some(1020), Some(1019), Some(1020)),
            (Some(1020), Some(1017), Some(1017)),
            (Some(1003), Some(1002), Some(1003)),
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
