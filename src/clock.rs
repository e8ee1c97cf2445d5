//! The only place where clocks are read: by the engine, which gives every fact its instant, and by the monitor, which
//! counts down by itself.

use crate::model::event::Event;
use crate::model::time::{Anchor, Mono};
use std::time::Duration;
use tokio::time::Instant;

/// The wall clock has been set, or the machine has slept, if clocks are off by more than this.
const STEP: Duration = Duration::from_millis(200);

/// Microseconds since the machine started, suspended time included: the same for every process of the machine.
pub fn boot_time() -> Mono {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Mono(now.tv_sec.unsigned_abs() * 1_000_000 + now.tv_nsec.unsigned_abs() / 1_000)
}

/// One instant of the runtime's clock, anchored to CLOCK_BOOTTIME and to the wall.
#[derive(Debug)]
pub struct Clock {
    instant: Instant,
    anchor: Anchor,
    day: String,
}

impl Clock {
    /// Reads all clocks.
    pub fn start() -> Self {
        let (wall, day) = wall();
        Self { instant: Instant::now(), anchor: Anchor { mono: boot_time(), wall }, day }
    }

    /// Now.
    pub fn now(&self) -> Mono {
        self.anchor.mono + self.instant.elapsed()
    }

    /// `at` on the runtime's clock.
    pub fn instant(&self, at: Mono) -> Instant {
        self.instant + at.since(self.anchor.mono)
    }

    /// What the clocks showed when they were last read.
    pub fn anchor(&self) -> Anchor {
        self.anchor
    }

    /// The same as a fact.
    pub fn event(&self) -> Event {
        Event::Clock { anchor: self.anchor, day: self.day.clone() }
    }

    /// Looks at the clocks; answers if the wall was set, the machine has slept, or a new day has begun.
    pub fn look(&mut self) -> Option<Event> {
        let (wall, day) = wall();
        // The runtime's clock stands still while the machine sleeps. It never goes back, whatever the others do.
        let slept = boot_time().since(self.now());
        let mono = if slept > STEP { self.now() + slept } else { self.now() };
        let off = wall.duration_since(self.anchor.wall(mono)).unsigned_abs();
        if off < STEP && slept < STEP && day == self.day {
            return None;
        }
        *self = Self { instant: Instant::now(), anchor: Anchor { mono, wall }, day };
        Some(self.event())
    }
}

fn wall() -> (jiff::Timestamp, String) {
    let now = jiff::Zoned::now();
    (now.timestamp(), now.date().to_string())
}
