//! How often a camera mails while something goes on.
//!
//! Some cameras (Reolink) mail at an interval that their owner chose, from half a minute to half an hour, for as long as
//! something moves. A post-roll that ends before the next mail leaves holes in the footage of one event, and nobody sees
//! why. Mails that come at chance tell nothing; four that keep the same distance do.

use super::id::CameraName;
use super::recorder::Recorder;
use super::settings::Trigger;
use super::time::Mono;
use std::collections::VecDeque;
use std::time::Duration;

/// Distances between mails that have to be alike.
const ALIKE: usize = 4;
/// Intervals that cameras have.
const LEAST: Duration = Duration::from_secs(20);
const MOST: Duration = Duration::from_secs(2000);

/// One camera's mails, as far as they tell its interval.
#[derive(Debug, Default)]
pub(super) struct Interval {
    last: Option<Mono>,
    /// The newest distances.
    distances: VecDeque<Duration>,
    /// What was said of it.
    said: Option<String>,
}

impl Interval {
    /// A mail came.
    fn mailed(&mut self, at: Mono) {
        let Some(last) = self.last.filter(|last| at > *last) else {
            self.last = self.last.max(Some(at));
            return;
        };
        self.last = Some(at);
        self.distances.push_back(at.since(last));
        if self.distances.len() > ALIKE {
            self.distances.pop_front();
        }
    }

    /// The longest of the distances, if they are alike enough to be an interval.
    fn learned(&self) -> Option<Duration> {
        let (least, most) = (self.distances.iter().min()?, self.distances.iter().max()?);
        // What moves again just after the interval is over makes it a little longer.
        let alike = *most <= *least + *least / 10 + Duration::from_secs(2);
        (self.distances.len() == ALIKE && alike && (LEAST..=MOST).contains(most)).then_some(*most)
    }

    /// The interval, if footage is missing between one mail's window and the next one's.
    fn leaves_holes(&self, rules: &Trigger) -> Option<Duration> {
        self.learned().filter(|interval| *interval > rules.pre_roll.saturating_add(rules.post_roll))
    }
}

/// The next ten seconds, as they are written.
fn rounded_up(span: Duration) -> String {
    let tens = span.as_secs() / 10 + 1;
    format!("{}s", tens * 10)
}

impl Recorder {
    /// A mail that a camera obeys came; and it came for nobody else. Answers what is to be said, once.
    pub(super) fn learn_interval(&mut self, camera: &CameraName, at: Mono) -> Option<String> {
        let camera = self.cameras.named(camera)?;
        camera.interval.mailed(at);
        let (name, rules) = (&camera.settings.name, &camera.settings.trigger);
        let interval = camera.interval.leaves_holes(rules).filter(|_| camera.interval.said.is_none())?;
        let text = format!(
            "{name} mails every {} s while something goes on, and its pre_roll and post_roll together are only {} s: what \
             lies between is not saved (write trigger = {{ post_roll = \"{}\" }} into its [[camera]] in nvr.toml, then: \
             nvr reload)",
            interval.as_secs(),
            rules.pre_roll.saturating_add(rules.post_roll).as_secs(),
            rounded_up(interval)
        );
        camera.interval.said = Some(text.clone());
        Some(text)
    }

    /// The settings have changed: what was said of intervals counts no more where it is mended.
    pub(super) fn forget_intervals(&mut self) {
        for camera in &mut self.cameras {
            if camera.interval.leaves_holes(&camera.settings.trigger).is_none()
                && let Some(said) = camera.interval.said.take()
            {
                self.warnings.retain(|warning| *warning != said);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn rules(pre: u64, post: u64) -> Trigger {
        let second = Duration::from_secs;
        Trigger {
            pre_roll: second(pre),
            post_roll: second(post),
            max_clip: second(600),
            cooldown: Duration::ZERO,
            armed: true,
            budget: None,
        }
    }

    #[rstest]
    #[case::by_the_clock(&[0, 60, 120, 180, 240], Some(60))]
    #[case::nearly(&[0, 60, 121, 185, 245], Some(64))]
    #[case::half_an_hour(&[0, 1800, 3601, 5400, 7200], Some(1801))]
    #[case::too_few(&[0, 60, 120, 180], None)]
    #[case::by_chance(&[0, 60, 95, 300, 350], None)]
    #[case::a_burst(&[0, 5, 10, 15, 20], None)]
    #[case::two_events(&[0, 60, 120, 9000, 9060, 9120], None)]
    #[case::of_an_event_after_another(&[0, 300, 9000, 9060, 9120, 9180, 9240], Some(60))]
    #[case::once_a_day(&[0, 86_400, 172_800, 259_200, 345_600], None)]
    #[case::told_twice(&[0, 60, 60, 120, 180, 240], Some(60))]
    fn an_interval_is_learned_from_mails_that_keep_their_distance(#[case] mails: &[u64], #[case] learned: Option<u64>) {
        let mut interval = Interval::default();
        mails.iter().for_each(|second| interval.mailed(Mono(second * 1_000_000)));
        assert_eq!(interval.learned(), learned.map(Duration::from_secs));
    }

    #[test]
    fn only_a_window_that_is_shorter_leaves_holes() {
        let mut interval = Interval::default();
        (0..5).for_each(|n| interval.mailed(Mono(n * 60_000_000)));
        assert_eq!(interval.leaves_holes(&rules(10, 49)), Some(Duration::from_secs(60)));
        assert_eq!(interval.leaves_holes(&rules(10, 50)), None);
        assert_eq!([59, 60, 61].map(|s| rounded_up(Duration::from_secs(s))), ["60s", "70s", "70s"]);
    }
}
