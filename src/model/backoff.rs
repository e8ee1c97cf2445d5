//! How long to wait before the next try: doubling, bounded, never giving up.

use super::time::Mono;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// First wait.
pub const FIRST: Duration = Duration::from_millis(500);
/// Longest wait.
pub const LONGEST: Duration = Duration::from_secs(30);

/// The wait after `failures` failures in a row (at least 1).
///
/// `seed` spreads the waits by up to a quarter, so that sixty cameras behind one switch do not come back in one
/// instant; the same seed and count always give the same wait.
pub fn wait(failures: u32, seed: u64) -> Duration {
    let doubled = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(6));
    let spread = scatter(seed ^ u64::from(failures)) % 256;
    let full = doubled.min(LONGEST);
    full - full.mul_f64(spread as f64 / 1024.0)
}

/// Something that failed and is tried again, later and later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setback {
    /// Tries that failed in a row.
    pub failures: u32,
    /// When it is tried again.
    pub retry_at: Mono,
    /// Why the last try failed, in words.
    pub reason: String,
}

impl Setback {
    /// After one more failure at `now`.
    pub fn again(earlier: Option<&Setback>, reason: String, seed: u64, now: Mono) -> Self {
        let failures = earlier.map_or(0, |earlier| earlier.failures).saturating_add(1);
        Self { failures, retry_at: now + wait(failures, seed), reason }
    }
}

/// A number that looks like chance, from one that does not (SplitMix64's finisher).
fn scatter(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A seed from a name (FNV-1a).
pub fn seed(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute_and_never_end() {
        let waits: Vec<_> = [1, 2, 3, 7, 8, u32::MAX].map(|failures| wait(failures, 7)).into();
        let full = [500, 1_000, 2_000, 30_000, 30_000, 30_000].map(Duration::from_millis);
        for (wait, full) in waits.iter().zip(full) {
            assert!(*wait <= full && *wait >= full.mul_f64(0.75), "{wait:?} of {full:?}");
        }
    }

    #[test]
    fn cameras_do_not_come_back_in_one_instant() {
        let a = wait(4, seed("front"));
        assert!((0..20).any(|n| wait(4, seed(&format!("cam-{n}"))) != a));
        assert_eq!(a, wait(4, seed("front")));
    }
}
