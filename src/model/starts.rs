//! In which order FFmpegs are started, and how many at a time. One that starts takes a tenth of a second of a processor,
//! and hundreds at once leave the recorder none for those that record already. So when many are due (at the start, after
//! a reload, when a network is back) they start one behind the other, whoever has waited longest first.

use super::camera::Camera;
use super::out::Out;
use super::recorder::Recorder;
use super::time::Mono;
use std::time::Duration;

/// So many may be on their way to their first picture; a household's cameras all start at once.
const ABREAST: usize = 8;
/// One that has not come so far by then makes way for the next: a camera that does not answer must not hold up those
/// that would.
const MAKES_WAY: Duration = Duration::from_secs(2);

impl Recorder {
    /// Starts those whose turn it is.
    pub(super) fn start_in_turn(&mut self, out: &mut Out) {
        let free = ABREAST.saturating_sub(self.on_their_way(out.now).count());
        let due = |(place, camera): (usize, &Camera)| Some((camera.life.starts_at()?, place));
        let mut due: Vec<_> =
            self.cameras.iter().enumerate().filter_map(due).filter(|(at, _)| *at <= out.now).collect();
        due.sort_unstable();
        for (_, place) in due.into_iter().take(free) {
            self.cameras[place].start(out);
        }
    }

    /// When [`Recorder::start_in_turn`] next has something to do, unless something happens before.
    pub(super) fn start_due(&self, now: Mono) -> Option<Mono> {
        let next = self.cameras.iter().filter_map(|camera| camera.life.starts_at()).min()?;
        let mut ways: Vec<_> = self.on_their_way(now).collect();
        ways.sort_unstable();
        let place = ways.len().checked_sub(ABREAST).map(|too_many| ways[too_many]);
        Some(place.map_or(next, |place| next.max(place)))
    }

    /// When each that is on its way makes way at the latest.
    fn on_their_way(&self, now: Mono) -> impl Iterator<Item = Mono> {
        let since = self.cameras.iter().filter_map(|camera| camera.life.sets_out());
        since.map(|since| since + MAKES_WAY).filter(move |at| *at > now)
    }
}
