//! How much footage mails may have saved in a day, and the alarm when that is used up.
//!
//! A camera that mails without end, or somebody who floods the mail port, would else fill the archive until retention
//! makes room by deleting what is older and better. What people save by key or command is neither refused nor counted:
//! they know what they do.

use super::camera::Camera;
use super::effect::Effect;
use super::id::CameraName;
use super::out::Out;
use super::recorder::Recorder;
use super::silence::about;
use super::snapshot::{Level, Topic};
use super::time::{Mono, Window};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// What was used is noted down so seldom at most, and at the end: after a power cut a day may begin with that much more.
const SAVE_EVERY: Duration = Duration::from_secs(30);

/// What was used of all cameras' budgets, for a recorder after this one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spent {
    /// The local date.
    pub day: String,
    /// Footage that mails had saved on that day.
    pub cameras: BTreeMap<CameraName, Duration>,
}

/// One camera's day.
#[derive(Debug, Default)]
pub(super) struct Budget {
    spent: Duration,
    /// All that mails wanted before this instant is counted.
    counted: Mono,
    /// It has been said that nothing is left.
    said: bool,
}

impl Budget {
    /// After a restart.
    pub fn resumed(spent: Duration) -> Self {
        Self { spent, ..Self::default() }
    }

    /// Whether nothing is left.
    pub fn is_spent(&self, limit: Option<Duration>) -> bool {
        limit.is_some_and(|limit| self.spent >= limit)
    }

    /// A mail has this footage saved. What several want counts once.
    pub fn spend(&mut self, window: Window<Mono>) {
        self.spent = self.spent.saturating_add(window.to.since(window.from.max(self.counted)));
        self.counted = self.counted.max(window.to);
    }
}

impl Camera {
    /// How much mails may have saved in a day, if that is used up.
    pub(super) fn spent(&self) -> Option<Duration> {
        self.settings.trigger.budget.filter(|limit| self.budget.is_spent(Some(*limit)))
    }

    /// Says so when nothing is left, and when something is again.
    pub(super) fn watch_budget(&mut self, out: &mut Out) {
        let spent = self.spent();
        match (spent, std::mem::replace(&mut self.budget.said, spent.is_some())) {
            (Some(limit), false) => {
                let (name, limit) = (&self.settings.name, about(limit));
                let text = format!(
                    "mails have had {limit} of footage saved today, and are ignored until midnight (see what mails so much: \
                     nvr journal {name}; or raise trigger.budget)"
                );
                out.say(Level::Error, Topic::Mail, Some(name), text);
            }
            (None, true) => out.say(Level::Info, Topic::Mail, Some(&self.settings.name), "mails are obeyed again"),
            (Some(_), true) | (None, false) => {}
        }
    }
}

impl Recorder {
    /// Another day has begun; the first one may be that of the recorder before.
    pub(super) fn new_day(&mut self, day: &str) {
        if self.spent.day != day {
            self.cameras.iter_mut().for_each(|camera| camera.budget.spent = Duration::ZERO);
        }
        self.spent.day = day.to_owned();
    }

    /// Notes down what was used, if that is news, and not too often unless it is the last chance.
    pub(super) fn save_spent(&mut self, out: &mut Out, at_once: bool) {
        if !at_once && out.now < self.spent_at + SAVE_EVERY {
            return;
        }
        let used = self.cameras.iter().filter(|camera| !camera.budget.spent.is_zero());
        let cameras = used.map(|camera| (camera.settings.name.clone(), camera.budget.spent)).collect();
        if self.spent.cameras != cameras {
            (self.spent.cameras, self.spent_at) = (cameras, out.now);
            out.order(Effect::SaveSpent(self.spent.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn window(from: u64, to: u64) -> Window<Mono> {
        Window { from: Mono(from * 1_000_000), to: Mono(to * 1_000_000) }
    }

    #[test]
    fn what_several_mails_want_counts_once() {
        let mut budget = Budget::default();
        for (from, to, spent) in [(100, 160, 60), (110, 170, 70), (120, 160, 70), (300, 360, 130)] {
            budget.spend(window(from, to));
            assert_eq!(budget.spent, Duration::from_secs(spent));
        }
        assert!(budget.is_spent(Some(Duration::from_secs(130))) && !budget.is_spent(Some(Duration::from_secs(131))));
        assert!(!budget.is_spent(None));
    }

    proptest! {
        /// However many mails come, no more is counted than time goes by, and what is wanted is counted.
        #[test]
        fn no_more_is_counted_than_there_is(starts in proptest::collection::vec(0u64..10_000, 1..50), length in 1u64..100) {
            let mut starts = starts;
            starts.sort_unstable();
            let mut budget = Budget::default();
            starts.iter().for_each(|start| budget.spend(window(*start, start + length)));
            let seconds: std::collections::BTreeSet<_> = starts.iter().flat_map(|start| *start..start + length).collect();
            prop_assert_eq!(budget.spent, Duration::from_secs(seconds.len() as u64));
        }
    }
}
