//! A log that clients cannot fill: thousands of connections a second are cheap to make, and a line for each is not cheap
//! to keep.

use std::time::Duration;
use tokio::time::Instant;

/// One line in so much time is enough for whoever looks for the cause.
const CALM: Duration = Duration::from_secs(60);

/// Says what happens again and again once in a while, and how often it happened meanwhile.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    said: Option<Instant>,
    unsaid: u64,
}

impl Quiet {
    /// The sentence to log now, if any.
    pub(super) fn say(&mut self, sentence: &str) -> Option<String> {
        if self.said.is_some_and(|said| said.elapsed() < CALM) {
            self.unsaid += 1;
            return None;
        }
        self.said = Some(Instant::now());
        match std::mem::take(&mut self.unsaid) {
            0 => Some(sentence.to_owned()),
            unsaid => Some(format!("{sentence}; before it, {unsaid} more were not logged")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_happens_all_the_time_is_said_once_in_a_while() {
        let mut quiet = Quiet::default();
        assert_eq!(quiet.say("a client was dropped").as_deref(), Some("a client was dropped"));
        for _ in 0..1000 {
            assert_eq!(quiet.say("a client was dropped"), None);
        }
        tokio::time::advance(CALM).await;
        let told = "a client was dropped; before it, 1000 more were not logged";
        assert_eq!(quiet.say("a client was dropped").as_deref(), Some(told));
        assert_eq!(quiet.say("a client was dropped"), None);
    }
}
