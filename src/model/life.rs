//! The life of one camera's FFmpeg: when it may be started, when it has stalled, when to try again.
//!
//! Never give up, and never run in circles: the wait before a try doubles up to half a minute, and only good segments
//! (not mere uptime) set it back.

use super::backoff;
use super::event::{Cure, Trouble};
use super::id::RunId;
use super::snapshot::CameraState;
use super::time::Mono;
use std::time::Duration;

/// FFmpeg itself gives up on a silent RTSP peer after 8 s; what hangs longer than this hangs for ever.
const SILENCE: Duration = Duration::from_secs(20);

/// FFmpeg tells every 5 s how many frames there were; what it has not told after this long was not there.
const TOLD: Duration = Duration::from_secs(7);

/// So many times longer is the wait where only a person can help.
const FOR_A_PERSON: u32 = 4;

/// One camera's FFmpeg.
#[derive(Debug)]
pub struct Life {
    run: RunId,
    stage: Stage,
    /// Tries in a row without a good segment.
    failures: u32,
    starts: u64,
    encode_audio: bool,
    seed: u64,
    /// Longest time between two switches of slots.
    switch: Duration,
    /// The last sign of a frame, in whichever run.
    last_frame: Mono,
}

#[derive(Debug)]
enum Stage {
    Waiting {
        retry_at: Mono,
        reason: Option<String>,
    },
    Running {
        since: Mono,
        recording: Option<Mono>,
        frames: u64,
        advanced: Mono,
        /// When a segment with footage was last finished; when the first was opened, until then.
        switched: Mono,
        /// Segments without footage in a row.
        empty: u32,
        /// Why there was no signal before; it counts until there is one.
        before: Option<String>,
    },
    Ending {
        since: Mono,
        reason: Option<String>,
    },
    /// Being ended, to be started with other settings.
    Renewing {
        since: Mono,
    },
    Stopped,
}

/// An FFmpeg is to be taken down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Which.
    pub run: RunId,
    /// Why: it has stalled.
    pub reason: String,
}

impl Life {
    /// A camera that may be started at once.
    ///
    /// `segment` is the wanted length of a segment. A camera ends one at its next key frame, and key frames may be
    /// seconds apart, so a switch is overdue only after twice that and 20 s.
    pub fn new(name: &str, segment: Duration, now: Mono) -> Self {
        Self {
            run: RunId(0),
            stage: Stage::Waiting { retry_at: now, reason: None },
            failures: 0,
            starts: 0,
            encode_audio: false,
            seed: backoff::seed(name),
            switch: segment.saturating_mul(2).saturating_add(SILENCE),
            last_frame: now,
        }
    }

    /// Goes on counting after an earlier recorder's last run.
    pub fn goes_on(&mut self, run: RunId) {
        self.run = run;
    }

    /// The present run; news of any other is old.
    pub fn run(&self) -> RunId {
        self.run
    }

    /// Whether there is or may be an FFmpeg that writes.
    pub fn alive(&self) -> bool {
        matches!(self.stage, Stage::Running { .. } | Stage::Ending { .. } | Stage::Renewing { .. })
    }

    /// Whether it has ended for good.
    pub fn stopped(&self) -> bool {
        matches!(self.stage, Stage::Stopped)
    }

    /// How often it had to be started again.
    pub fn restarts(&self) -> u64 {
        self.starts.saturating_sub(1)
    }

    /// Whether this camera's sound must be made AAC.
    pub fn encode_audio(&self) -> bool {
        self.encode_audio
    }

    /// Whether the last try failed, so that it is not known whether the camera can be reached at all.
    pub fn in_doubt(&self) -> bool {
        self.failures > 0
    }

    /// When it is to be started; `None`: there is no such time.
    pub fn starts_at(&self) -> Option<Mono> {
        match &self.stage {
            Stage::Waiting { retry_at, .. } => Some(*retry_at),
            Stage::Running { .. } | Stage::Ending { .. } | Stage::Renewing { .. } | Stage::Stopped => None,
        }
    }

    /// Since when it is on its way to its first slot, if it is.
    pub fn sets_out(&self) -> Option<Mono> {
        match &self.stage {
            Stage::Running { since, recording: None, .. } => Some(*since),
            Stage::Running { recording: Some(_), .. } | Stage::Waiting { .. } => None,
            Stage::Ending { .. } | Stage::Renewing { .. } | Stage::Stopped => None,
        }
    }

    /// It is to be started now, as the run that this answers.
    pub fn start(&mut self, now: Mono) -> Option<RunId> {
        let Stage::Waiting { reason: before, .. } = &mut self.stage else { return None };
        let before = before.take();
        self.run = RunId(self.run.0 + 1);
        self.starts += 1;
        self.stage =
            Stage::Running { since: now, recording: None, frames: 0, advanced: now, switched: now, empty: 0, before };
        Some(self.run)
    }

    /// When [`Life::tick`] next matters.
    pub fn due(&self) -> Option<Mono> {
        match &self.stage {
            Stage::Running { advanced, switched, .. } => Some((*advanced + SILENCE).min(*switched + self.switch)),
            Stage::Waiting { .. } | Stage::Ending { .. } | Stage::Renewing { .. } | Stage::Stopped => None,
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Mono) -> Option<End> {
        if self.due().is_none_or(|due| now < due) {
            return None;
        }
        match &mut self.stage {
            Stage::Running { recording, advanced, .. } => {
                let reason = match recording {
                    None => format!(
                        "no picture within {} s of connecting (does this source send video that FFmpeg knows?)",
                        SILENCE.as_secs()
                    ),
                    Some(_) if now >= *advanced + SILENCE => format!(
                        "the stream froze: no new frame for {} s (if it comes again: restart the camera, check its network)",
                        now.since(*advanced).as_secs()
                    ),
                    Some(_) => format!(
                        "no segment finished within {} s (does the camera send key frames at least every {} s?)",
                        self.switch.as_secs(),
                        SILENCE.as_secs()
                    ),
                };
                Some(self.end(reason, now))
            }
            Stage::Waiting { .. } | Stage::Ending { .. } | Stage::Renewing { .. } | Stage::Stopped => None,
        }
    }

    /// `-progress` said how many frames there were; a frozen count is no life.
    pub fn progressed(&mut self, count: u64, now: Mono) {
        if let Stage::Running { frames, advanced, .. } = &mut self.stage
            && count > *frames
        {
            *frames = count;
            (*advanced, self.last_frame) = (now, now);
        }
    }

    fn end(&mut self, reason: String, now: Mono) -> End {
        self.stage = Stage::Ending { since: now, reason: Some(reason.clone()) };
        End { run: self.run, reason }
    }

    /// Nobody looked for a while, and what happened meanwhile is still to be heard: silence counts from now on.
    pub fn was_away(&mut self, now: Mono) {
        if let Stage::Running { advanced, switched, .. } = &mut self.stage {
            (*advanced, *switched) = (now, now);
        }
        self.last_frame = now;
    }

    /// Whether no frame has come for so long that one would have been told of by now.
    pub fn frozen(&self, now: Mono) -> bool {
        now.since(self.last_frame) > TOLD
    }

    /// A slot was opened. The first is a sign that footage comes in; further ones are none, for an FFmpeg that cannot
    /// write opens slot after slot.
    pub fn slot_opened(&mut self, now: Mono) {
        if let Stage::Running { recording, advanced, switched, .. } = &mut self.stage
            && recording.is_none()
        {
            (*recording, *advanced, *switched) = (Some(now), now, now);
            self.last_frame = now;
        }
    }

    /// A segment with footage, which `run` wrote, was finished. Answers whether that shows that the camera is well: what
    /// an FFmpeg leaves behind when it is ended, or has ended, does not.
    pub fn segment_finished(&mut self, run: RunId, now: Mono) -> bool {
        let Stage::Running { advanced, switched, empty, .. } = &mut self.stage else { return false };
        if run != self.run {
            return false;
        }
        (*advanced, *switched, *empty) = (now, now, 0);
        self.last_frame = now;
        self.failures = 0;
        true
    }

    /// A segment was finished without footage. One may be an accident; with the second FFmpeg is to be taken down, for
    /// this reason.
    pub fn segment_empty(&mut self, reason: &str, now: Mono) -> Option<End> {
        let Stage::Running { empty, .. } = &mut self.stage else { return None };
        *empty += 1;
        (*empty >= 2).then(|| self.end(reason.to_owned(), now))
    }

    /// This life of FFmpeg is to be followed by another, for this reason.
    pub fn begin_anew(&mut self, run: RunId, reason: &str, now: Mono) -> Option<End> {
        let running = matches!(self.stage, Stage::Running { .. }) && run == self.run;
        running.then(|| self.end(reason.to_owned(), now))
    }

    /// What had ended it for this reason is over: it need not wait any longer.
    pub fn hurry(&mut self, over: &str, now: Mono) {
        if let Stage::Waiting { retry_at, reason: Some(reason) } = &mut self.stage
            && reason == over
        {
            *retry_at = now.min(*retry_at);
        }
    }

    /// FFmpeg ended and was reaped. Answers the reason, if it was not what we asked for.
    pub fn ended(&mut self, trouble: Option<Trouble>, now: Mono) -> Option<String> {
        let cure = trouble.as_ref().and_then(|trouble| trouble.cure);
        let asked = matches!(&self.stage, Stage::Ending { reason: None, .. });
        if asked || self.stopped() {
            self.stage = Stage::Stopped;
            return None;
        }
        if let Stage::Renewing { .. } = self.stage {
            self.stage = Stage::Waiting { retry_at: now, reason: None };
            return None;
        }
        let reason = trouble.map_or_else(
            || "FFmpeg ended, and nobody knows why (it is started again)".to_owned(),
            |trouble| trouble.text,
        );
        let retry_at = match cure {
            Some(Cure::EncodeAudio) if !self.encode_audio => {
                self.encode_audio = true;
                now
            }
            Some(Cure::EncodeAudio | Cure::Person) | None => {
                self.failures = self.failures.saturating_add(1);
                let wait = backoff::wait(self.failures, self.seed);
                now + if cure == Some(Cure::Person) { wait * FOR_A_PERSON } else { wait }
            }
        };
        self.stage = Stage::Waiting { retry_at, reason: Some(reason.clone()) };
        Some(reason)
    }

    /// What it is started with has changed, so that all that was learnt of it is void. Answers the run to take down, if
    /// there is one; a new one starts when that has ended, even after [`Life::stop`].
    pub fn renew(&mut self, now: Mono) -> Option<RunId> {
        (self.failures, self.starts, self.encode_audio) = (0, 0, false);
        match self.stage {
            Stage::Running { .. } | Stage::Ending { .. } | Stage::Renewing { .. } => {
                self.stage = Stage::Renewing { since: now };
                Some(self.run)
            }
            Stage::Waiting { .. } | Stage::Stopped => {
                self.stage = Stage::Waiting { retry_at: now, reason: None };
                None
            }
        }
    }

    /// No more footage is wanted. Answers the run to take down, if there is one.
    pub fn stop(&mut self, now: Mono) -> Option<RunId> {
        match self.stage {
            Stage::Running { .. } | Stage::Ending { .. } | Stage::Renewing { .. } => {
                self.stage = Stage::Ending { since: now, reason: None };
                Some(self.run)
            }
            Stage::Waiting { .. } | Stage::Stopped => {
                self.stage = Stage::Stopped;
                None
            }
        }
    }

    /// Why no footage comes in now, in words; `None`: it does.
    pub fn trouble(&self) -> Option<String> {
        match &self.stage {
            Stage::Waiting { reason: Some(reason), .. } => Some(format!("no signal: {reason}")),
            Stage::Running { recording: Some(_), .. } => None,
            Stage::Waiting { reason: None, .. } | Stage::Running { recording: None, .. } => {
                Some("still connecting".to_owned())
            }
            Stage::Ending { reason: Some(reason), .. } => Some(format!("stalled: {reason}")),
            Stage::Renewing { .. } => Some("its settings were changed".to_owned()),
            Stage::Ending { reason: None, .. } | Stage::Stopped => Some("the recorder is stopping".to_owned()),
        }
    }

    /// For the screen.
    pub fn view(&self) -> CameraState {
        match &self.stage {
            Stage::Waiting { retry_at, reason: Some(reason) } => {
                CameraState::NoSignal { retry_at: *retry_at, attempt: self.failures, reason: reason.clone() }
            }
            Stage::Waiting { retry_at, reason: None } => CameraState::Waiting { since: *retry_at },
            Stage::Running { recording: Some(since), .. } => CameraState::Recording { since: *since },
            // Each try is not a state of its own: a camera that is off is in trouble all the time.
            Stage::Running { since, before: Some(reason), .. } => {
                CameraState::NoSignal { retry_at: *since, attempt: self.failures, reason: reason.clone() }
            }
            Stage::Running { since, before: None, .. } => CameraState::Connecting { since: *since },
            Stage::Ending { since, reason: Some(reason) } => {
                CameraState::Stalled { since: *since, reason: reason.clone() }
            }
            Stage::Renewing { since } => CameraState::Connecting { since: *since },
            Stage::Ending { reason: None, .. } | Stage::Stopped => CameraState::Stopped,
        }
    }
}

#[cfg(test)]
mod tests;
