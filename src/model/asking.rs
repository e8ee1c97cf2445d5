//! What people and scripts ask, and who knows it: the recorder itself, or the hands.

use super::camera::Camera;
use super::command::Answer;
use super::effect::{Effect, Footage, Place};
use super::id::{CameraName, RequestId};
use super::out::Out;
use super::question::{Found, Question, Seen, Since};
use super::recorder::Recorder;
use super::ring::Fate;
use std::collections::VecDeque;

/// Pixels across that a picture may have.
const WIDTHS: std::ops::RangeInclusive<u32> = 16..=1920;
/// Places that are looked at for a picture.
const CANDIDATES: usize = 4;

impl Recorder {
    /// Answers, or has somebody answer.
    pub(super) fn question(&mut self, out: &mut Out, request: RequestId, question: Question) {
        let answer = match question {
            Question::Clips(query) => return out.order(Effect::ListClips { request, query }),
            Question::Clip(clip) => return out.order(Effect::ShowClip { request, clip }),
            Question::Journal(since) => Ok(Found::Journal(newest(&self.journal, since, |entry| entry.number))),
            Question::Copies(since) => Ok(Found::Copies(newest(&self.copies, since, |copy| copy.number))),
            Question::Stderr(name) => self.camera(&name).map(|it| Found::Stderr(it.stderr.iter().cloned().collect())),
            Question::Stills { of, width } => match self.footage(of) {
                Ok(from) => {
                    let width = width.clamp(*WIDTHS.start(), *WIDTHS.end());
                    return out.order(Effect::TakeStills { request, from, width });
                }
                Err(why) => Err(why),
            },
        };
        found(out, request, answer);
    }

    fn camera(&self, name: &CameraName) -> Result<&Camera, String> {
        let camera = self.cameras.iter().find(|camera| camera.settings.name == *name);
        camera.ok_or_else(|| self.no_such_camera(name))
    }

    fn footage(&self, of: Seen) -> Result<Footage, String> {
        let name = match of {
            Seen::Clip(clip) => return Ok(Footage::Clip(clip)),
            Seen::Camera(name) => name,
        };
        let places = self.camera(&name)?.newest_places(self.newest_clip(&name));
        match places.is_empty() {
            true => Err(format!("there is no footage of {name} in RAM yet (see why: nvr status)")),
            false => Ok(Footage::Newest(name, places)),
        }
    }

    /// The name of a camera's newest clip, one that grows included.
    fn newest_clip(&self, camera: &CameraName) -> Option<String> {
        let clips = self.growing().chain(self.clips.iter().cloned()).filter(|clip| clip.camera == *camera);
        clips.max_by_key(|clip| clip.start).map(|clip| clip.name)
    }
}

impl Camera {
    /// Where the newest segments lie, newest first; what is stored is in the newest clip, or in one before it that ends
    /// where that begins. During an event little else is left, for what is finished goes into the clip at once.
    fn newest_places(&self, clip: Option<String>) -> Vec<Place> {
        let mut clip = clip.map(Place::Clip);
        let place = |segment: &super::ring::Segment| match segment.fate {
            Fate::InRing => Some(Place::Slot(self.ring.slot(segment.number))),
            Fate::Claimed | Fate::Copying => Some(Place::Claimed(segment.number)),
            Fate::Stored => clip.take(),
            Fate::Lost | Fate::Empty | Fate::Gone => None,
        };
        self.ring.segments().rev().filter_map(place).take(CANDIDATES).collect()
    }
}

/// Answers a question.
pub(super) fn found(out: &mut Out, request: RequestId, found: Result<Found, String>) {
    out.order(Effect::Reply { request, answer: found.map_or_else(Answer::Refused, Answer::Found) });
}

/// The newest lines of a log, newest last.
fn newest<T: Clone>(log: &VecDeque<T>, since: Since, number: impl Fn(&T) -> u64) -> Vec<T> {
    let first = log.partition_point(|line| number(line) <= since.after);
    let limit = usize::try_from(since.limit).unwrap_or(usize::MAX);
    log.range(first.max(log.len().saturating_sub(limit))..).cloned().collect()
}
