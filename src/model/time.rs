//! Two clocks and the one place where they meet.
//!
//! Everything that is *decided* hangs on [`Mono`], which no one can set. [`Wall`] is for people: names, records and the
//! screen. A wall clock that steps changes what is shown and never how long a countdown lasts.

use serde::{Deserialize, Serialize};
use std::ops::{Add, Sub};
use std::time::Duration;

/// Microseconds of CLOCK_BOOTTIME: since the machine started, suspended time included.
///
/// The same for every process of the machine, so a monitor can count down by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Mono(pub u64);

impl Mono {
    /// How long after `earlier` this is; zero if it is not.
    pub fn since(self, earlier: Mono) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Mono {
    type Output = Mono;

    /// Stops at the end of time instead of panicking.
    fn add(self, span: Duration) -> Mono {
        Mono(self.0.saturating_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Duration> for Mono {
    type Output = Mono;

    /// Stops at the machine's start instead of panicking.
    fn sub(self, span: Duration) -> Mono {
        Mono(self.0.saturating_sub(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
    }
}

/// An instant for people. In JSON it is RFC 3339 in UTC, which every script can read.
pub type Wall = jiff::Timestamp;

/// What both clocks showed at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The clock that nobody sets.
    pub mono: Mono,
    /// The clock on the wall at that instant.
    pub wall: Wall,
}

impl Anchor {
    /// When `at` was, for people.
    pub fn wall(&self, at: Mono) -> Wall {
        let micros = i128::from(at.0) - i128::from(self.mono.0);
        let step = jiff::SignedDuration::from_micros(i64::try_from(micros).unwrap_or(0));
        self.wall.saturating_add(step).unwrap_or(self.wall)
    }

    /// When `at` was, on the clock that nobody sets; the machine's start for anything before it.
    pub fn mono(&self, at: Wall) -> Mono {
        let micros = i128::from(self.mono.0) + i128::from(at.as_microsecond()) - i128::from(self.wall.as_microsecond());
        Mono(u64::try_from(micros.max(0)).unwrap_or(u64::MAX))
    }
}

/// From one instant to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window<T> {
    /// The first instant.
    pub from: T,
    /// The last instant.
    pub to: T,
}

impl Window<Mono> {
    /// Whether the two have any time in common, with `slack` on both sides.
    pub fn overlaps(&self, other: Window<Mono>, slack: Duration) -> bool {
        self.from <= other.to + slack && other.from <= self.to + slack
    }

    /// The same window for people.
    pub fn wall(&self, anchor: &Anchor) -> Window<Wall> {
        Window { from: anchor.wall(self.from), to: anchor.wall(self.to) }
    }
}
