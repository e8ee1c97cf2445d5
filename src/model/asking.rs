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
            Question::Sessions(since) => {
                Ok(Found::Sessions(newest(self.doctor.sessions(), since, |session| session.change)))
            }
            Question::WhereTo(probe) => Ok(Found::Verdict(self.where_to(out.now, probe))),
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
        let places = self.camera(&name)?.newest_places();
        match places.is_empty() {
            true => Err(format!("there is no footage of {name} in RAM yet (see why: nvr status)")),
            false => Ok(Footage::Newest(name, places)),
        }
    }
}

impl Camera {
    /// Where the newest segments lie, newest first.
    fn newest_places(&self) -> Vec<Place> {
        let place = |segment: &super::ring::Segment| match segment.fate {
            Fate::InRing => Some(Place::Slot(self.ring.slot(segment.number))),
            Fate::Claimed | Fate::Copying => Some(Place::Claimed(segment.number)),
            Fate::Stored => Some(Place::Archive),
            Fate::Lost | Fate::Empty | Fate::Gone => None,
        };
        worth_a_look(self.ring.segments().rev().filter_map(place))
    }
}

/// The first few places, the archive once. What is claimed may be stored before it is looked at, and is in the archive
/// then: during an event there is little in RAM.
fn worth_a_look(newest_first: impl Iterator<Item = Place>) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let claimed = |places: &[Place]| matches!(places.last(), Some(Place::Claimed(_)));
    for place in newest_first {
        let leaves_claims = claimed(&places) && matches!(place, Place::Slot(_));
        if leaves_claims && !places.contains(&Place::Archive) {
            places.push(Place::Archive);
        }
        if place != Place::Archive || !places.contains(&place) {
            places.push(place);
        }
        if places.len() >= CANDIDATES {
            break;
        }
    }
    if claimed(&places) && !places.contains(&Place::Archive) {
        places.push(Place::Archive);
    }
    places
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

#[cfg(test)]
mod tests {
    use super::Place::{Archive, Claimed, Slot};
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::calm(&[Slot(3), Slot(2), Slot(1), Slot(0), Slot(9)], &[Slot(3), Slot(2), Slot(1), Slot(0)])]
    #[case::saving(&[Slot(3), Archive, Archive, Archive, Slot(9)], &[Slot(3), Archive, Slot(9)])]
    #[case::just_claimed(&[Slot(3), Claimed(12), Claimed(11)], &[Slot(3), Claimed(12), Claimed(11), Archive])]
    #[case::older_ones(&[Slot(3), Claimed(12), Slot(1), Slot(0)], &[Slot(3), Claimed(12), Archive, Slot(1)])]
    #[case::backlog(
        &[Claimed(9), Claimed(8), Claimed(7), Claimed(6), Claimed(5)],
        &[Claimed(9), Claimed(8), Claimed(7), Claimed(6), Archive]
    )]
    #[case::nothing(&[], &[])]
    fn what_is_looked_at_for_the_newest_picture(#[case] newest_first: &[Place], #[case] places: &[Place]) {
        assert_eq!(worth_a_look(newest_first.iter().copied()), places);
    }
}
