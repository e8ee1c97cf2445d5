//! Figures that rest: what is shown changes only when what is measured has really changed, so that a healthy screen
//! stands still.

use super::time::Mono;

/// Video frames a second, from counts that come every few seconds.
#[derive(Debug, Default)]
pub struct FrameRate {
    last: Option<(Mono, u64)>,
    shown: Option<u32>,
}

impl FrameRate {
    /// FFmpeg has counted `frames` since it started.
    pub fn count(&mut self, frames: u64, now: Mono) {
        if let Some((then, before)) = self.last
            && frames > before
            && now > then
        {
            let rate = (frames - before) as f64 / now.since(then).as_secs_f64();
            if self.shown.is_none_or(|shown| (rate - f64::from(shown)).abs() > 1.2) {
                self.shown = Some(rate.round() as u32);
            }
        }
        self.last = Some((now, frames));
    }

    /// A new FFmpeg counts from nothing.
    pub fn restart(&mut self) {
        self.last = None;
    }

    /// For the screen.
    pub fn shown(&self) -> Option<u32> {
        self.shown
    }
}

/// Bits a second, from finished segments.
#[derive(Debug, Default)]
pub struct BitRate {
    average: Option<f64>,
    shown: Option<u64>,
}

impl BitRate {
    /// A segment of `bytes` took `seconds` to come in.
    pub fn segment(&mut self, bytes: u64, seconds: f64) {
        if seconds < 0.2 {
            return;
        }
        let rate = bytes as f64 * 8.0 / seconds;
        let average = self.average.map_or(rate, |average| average * 0.75 + rate * 0.25);
        self.average = Some(average);
        if self.shown.is_none_or(|shown| (average / shown as f64 - 1.0).abs() > 0.1) {
            self.shown = Some(two_digits(average));
        }
    }

    /// As it is, for reckoning.
    pub fn measured(&self) -> Option<u64> {
        self.average.map(|average| average as u64)
    }

    /// For the screen.
    pub fn shown(&self) -> Option<u64> {
        self.shown
    }
}

/// Rounded to two digits, at least 1: 4 126 332 is 4 100 000.
fn two_digits(value: f64) -> u64 {
    let step = 10f64.powf(value.max(1.0).log10().floor() - 1.0).max(1.0);
    ((value / step).round() * step).max(1.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_frame_rate_that_wobbles_rests() {
        let mut rate = FrameRate::default();
        let shown: Vec<_> = [0, 125, 248, 377, 500]
            .into_iter()
            .enumerate()
            .map(|(n, frames)| {
                rate.count(frames, Mono(0) + Duration::from_secs(5 * n as u64));
                rate.shown()
            })
            .collect();
        assert_eq!(shown, [None, Some(25), Some(25), Some(25), Some(25)]);
    }

    #[test]
    fn a_bit_rate_has_two_digits_and_rests() {
        let mut rate = BitRate::default();
        rate.segment(5_157_915, 10.0);
        assert_eq!(rate.shown(), Some(4_100_000));
        rate.segment(5_400_000, 10.0);
        assert_eq!(rate.shown(), Some(4_100_000));
        for _ in 0..20 {
            rate.segment(1_000_000, 10.0);
        }
        assert!(rate.shown() < Some(950_000));
        rate.segment(0, 0.0);
    }
}
