//! What should come now and then and does not: mails of an armed camera, footage for the archive. Nobody notices a
//! camera that lost its mail settings, until the day when its footage is needed; so silence is an alarm of its own.
//!
//! It is said once and so is its end. Time in which the recorder did not run does not count: nothing could be heard.

use super::camera::Camera;
use super::out::Out;
use super::recorder::Recorder;
use super::snapshot::{Level, Topic};
use super::time::Mono;
use std::time::Duration;

/// When something was last heard of.
#[derive(Debug)]
pub(super) struct Silence {
    /// The last time; `None`: not since the recorder began.
    last: Option<Mono>,
    /// From when on silence counts.
    since: Mono,
    /// It has been said that it lasts too long.
    said: bool,
}

impl Silence {
    /// Nothing was heard yet, and silence counts from now on.
    pub fn new(now: Mono) -> Self {
        Self { last: None, since: now, said: false }
    }

    /// When it was last heard of.
    pub fn last(&self) -> Option<Mono> {
        self.last
    }

    /// Takes up what an earlier recorder had heard: silence counts from there.
    pub fn resume(&mut self, last: Mono) {
        (self.last, self.since) = (Some(last), last);
    }

    /// Whether it has been said that it lasts too long.
    pub fn said(&self) -> bool {
        self.said
    }

    /// When it will have lasted too long; `None` if that has been said, or nobody wants to know.
    pub fn due(&self, limit: Option<Duration>) -> Option<Mono> {
        limit.filter(|_| !self.said).map(|limit| self.since + limit)
    }

    /// Whether it is to be said now that it has lasted too long. An alarm that nobody wants any more goes.
    fn look(&mut self, limit: Option<Duration>, now: Mono) -> bool {
        let over = limit.is_some_and(|limit| now >= self.since + limit);
        let begins = over && !self.said;
        self.said = over;
        begins
    }

    /// It was heard of, at an instant that may be a moment ago. Answers how long it had been silent, if that had been
    /// said.
    fn heard(&mut self, at: Mono) -> Option<Duration> {
        let silent = at.since(self.last.unwrap_or(self.since));
        // Of two that came one behind the other the earlier may be told later.
        self.last = self.last.max(Some(at));
        self.since = self.since.max(at);
        std::mem::take(&mut self.said).then_some(silent)
    }

    /// Nobody could listen for so long.
    pub fn was_away(&mut self, away: Duration) {
        self.since = self.since + away;
    }
}

/// A span in the unit in which people think of one that long.
pub(super) fn about(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

impl Camera {
    /// How long this camera may be silent now: one that is disarmed, taken out or told to stop may be for ever.
    fn may_be_silent(&self) -> Option<Duration> {
        self.settings.silence.filter(|_| self.armed && !self.removed && !self.stopped())
    }

    /// When silence is next to be looked at.
    pub(super) fn silence_due(&self) -> Option<Mono> {
        self.silence.due(self.may_be_silent())
    }

    /// Says so if it has not mailed for too long.
    pub(super) fn listen(&mut self, out: &mut Out) {
        let limit = self.may_be_silent();
        if self.silence.look(limit, out.now)
            && let Some(limit) = limit
        {
            let text = match self.silence.last() {
                Some(_) => format!("no mail for {}", about(limit)),
                None => format!("no mail in the {} since the recorder began", about(limit)),
            };
            let text = format!("{text}: does it still mail to this recorder? (send a test mail from its settings)");
            out.say(Level::Warn, Topic::Mail, Some(&self.settings.name), text);
        }
    }

    /// It mailed, whatever came of it.
    pub(super) fn mailed(&mut self, out: &mut Out, at: Mono) {
        if let Some(silent) = self.silence.heard(at) {
            let text = format!("it mails again, after {}", about(silent));
            out.say(Level::Info, Topic::Mail, Some(&self.settings.name), text);
        }
    }

    /// When it last mailed; `None`: not since the recorder began.
    pub fn last_mail(&self) -> Option<Mono> {
        self.silence.last()
    }

    /// An earlier recorder had a mail of it at that instant; silence counts from there.
    pub fn mailed_before(&mut self, at: Mono) {
        self.silence.resume(at);
    }

    /// How long it may be silent, if it has been for longer.
    pub(super) fn silent(&self) -> Option<Duration> {
        self.settings.silence.filter(|_| self.silence.said())
    }
}

impl Recorder {
    fn archive_may_be_silent(&self) -> Option<Duration> {
        self.settings.archive.silence.filter(|_| self.stopping.is_none())
    }

    /// When the archive's silence is next to be looked at.
    pub(super) fn archive_silence_due(&self) -> Option<Mono> {
        self.archive.silence.due(self.archive_may_be_silent())
    }

    /// Says so if nothing was written to the archive for too long.
    pub(super) fn listen_to_archive(&mut self, out: &mut Out) {
        let limit = self.archive_may_be_silent();
        if self.archive.silence.look(limit, out.now)
            && let Some(limit) = limit
        {
            let ever = match self.archive.silence.last() {
                Some(_) => format!("for {}", about(limit)),
                None => format!("in the {} since the recorder began", about(limit)),
            };
            let text = format!(
                "nothing was saved {ever}: does any camera mail, and is it armed? (see whether saving works: nvr \
                 trigger --all)"
            );
            out.say(Level::Warn, Topic::Archive, None, text);
        }
    }

    /// Something is durable in the archive.
    pub(super) fn archive_written(&mut self, out: &mut Out) {
        if let Some(silent) = self.archive.silence.heard(out.now) {
            out.say(Level::Info, Topic::Archive, None, format!("clips are saved again, after {}", about(silent)));
        }
    }

    /// How long the archive may be silent, if it has been for longer.
    pub(super) fn archive_silent(&self) -> Option<Duration> {
        self.settings.archive.silence.filter(|_| self.archive.silence.said())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono(0) + Duration::from_secs(seconds)
    }

    const LIMIT: Option<Duration> = Some(Duration::from_secs(60));

    #[test]
    fn silence_begins_once_and_ends_once() {
        let mut silence = Silence::new(at(10));
        assert_eq!((silence.due(LIMIT), silence.due(None)), (Some(at(70)), None));
        assert!(!silence.look(LIMIT, at(69)));
        assert!(silence.look(LIMIT, at(75)) && silence.said());
        assert!(!silence.look(LIMIT, at(76)) && silence.due(LIMIT).is_none());
        assert_eq!(silence.heard(at(80)), Some(Duration::from_secs(70)));
        assert_eq!((silence.heard(at(78)), silence.last(), silence.due(LIMIT)), (None, Some(at(80)), Some(at(140))));
    }

    #[test]
    fn what_nobody_wants_to_know_any_more_goes_and_what_nobody_could_hear_does_not_count() {
        let mut silence = Silence::new(at(0));
        assert!(silence.look(LIMIT, at(60)));
        assert!(!silence.look(None, at(61)) && !silence.said());
        assert!(silence.look(LIMIT, at(62)), "wanted again");
        let mut silence = Silence::new(at(0));
        silence.was_away(Duration::from_secs(8 * 3600));
        assert!(!silence.look(LIMIT, at(8 * 3600 + 59)));
        assert!(silence.look(LIMIT, at(8 * 3600 + 60)));
        silence.resume(at(5));
        assert_eq!((silence.last(), silence.look(LIMIT, at(64))), (Some(at(5)), false));
    }

    #[test]
    fn long_spans_are_told_in_large_units() {
        let told = [0, 119, 120, 7_199, 7_200, 172_799, 172_800].map(|it| about(Duration::from_secs(it)));
        assert_eq!(told, ["0 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 d"]);
    }
}
