//! What people and scripts order, and the answers they get.

use super::camera::Camera;
use super::command::{Answer, Command, TriggerBy, Who};
use super::effect::{ClipChange, Effect};
use super::id::{CameraName, RequestId};
use super::out::Out;
use super::record::TriggerKind;
use super::recorder::Recorder;
use super::saving::ClipIds;
use super::snapshot::{Level, Topic};
use std::collections::BTreeSet;

/// So many cameras are named one by one, whatever came of it.
const LISTED: usize = 2;

/// What came of something for each of these cameras, out of so many: each by its name, unless that would only say the
/// same thing over and over.
pub(super) fn together(outcomes: &[(CameraName, String)], all: usize) -> String {
    let count = outcomes.iter().map(|(name, _)| name).collect::<BTreeSet<_>>().len();
    let first = outcomes.first().map(|(_, first)| first).filter(|_| count > LISTED);
    match first.filter(|first| outcomes.iter().all(|(_, it)| it == *first)) {
        Some(same) if count == all => format!("all {count} cameras: {same}"),
        Some(same) => format!("{count} cameras: {same}"),
        None => outcomes.iter().map(|(name, it)| format!("{name}: {it}")).collect::<Vec<_>>().join("; "),
    }
}

impl Recorder {
    /// Carries out what a person asks, and answers.
    pub(super) fn command(&mut self, out: &mut Out, request: RequestId, command: Command) {
        let answer = match command {
            Command::Arm(who) => self.arm(out, &who, true),
            Command::Disarm(who) => self.arm(out, &who, false),
            Command::Trigger { who, by } => self.trigger(out, &who, by),
            Command::Release(who) => self.release(out, &who),
            Command::Protect { clip, protected } => {
                let change = ClipChange::Protect(protected);
                return out.order(Effect::ChangeClip { request, clip, change });
            }
            Command::Delete { clip } => return self.delete(out, request, clip),
            Command::Ask(question) => return self.question(out, request, question),
            Command::Write(fix) => return self.write(out, request, fix),
            Command::Reload => return self.read_again(out, Some(request)),
            Command::Stop => {
                self.stop(out, "a person asked for it".to_owned());
                Answer::Done("stopping: what is claimed is stored first".to_owned())
            }
        };
        out.order(Effect::Reply { request, answer });
    }

    fn trigger(&mut self, out: &mut Out, who: &Who, by: TriggerBy) -> Answer {
        if let Some(why) = self.refused(out.now) {
            return Answer::Refused(format!("nothing is saved: {why} (run it again once nvr records)"));
        }
        let kind = match by {
            TriggerBy::Key => TriggerKind::Key,
            TriggerBy::Command => TriggerKind::Command,
        };
        self.each(out, who, |camera, ids, out| {
            let outcome = camera.trigger(out, ids, out.now, kind.clone()).unwrap_or_else(|why| why);
            out.say(Level::Info, Topic::Order, Some(&camera.settings.name), format!("{}: {outcome}", kind.word()));
            outcome
        })
    }

    fn release(&mut self, out: &mut Out, who: &Who) -> Answer {
        self.each(out, who, |camera, _, out| {
            if !camera.release(out.now) {
                return "there was no countdown".to_owned();
            }
            out.say(Level::Info, Topic::Order, Some(&camera.settings.name), "countdown ended by hand");
            "countdown ended".to_owned()
        })
    }

    fn arm(&mut self, out: &mut Out, who: &Who, armed: bool) -> Answer {
        let word = if armed { "armed" } else { "disarmed" };
        let answer = self.each(out, who, |camera, _, out| {
            if camera.armed != armed {
                camera.armed = armed;
                out.say(Level::Info, Topic::Order, Some(&camera.settings.name), word);
            }
            word.to_owned()
        });
        self.armed.extend(self.cameras.iter().map(|camera| (camera.settings.name.clone(), camera.armed)));
        out.order(Effect::SaveArmed(self.armed.clone()));
        answer
    }

    /// Deletes a clip, unless it still grows: what is claimed for it must not lose its home.
    fn delete(&mut self, out: &mut Out, request: RequestId, clip: String) {
        if self.growing().any(|growing| growing.name == clip) {
            let why = format!("{clip} still grows (end its countdown first, and wait until it is closed)");
            return out.order(Effect::Reply { request, answer: Answer::Refused(why) });
        }
        out.order(Effect::ChangeClip { request, clip, change: ClipChange::Delete });
    }

    /// Begins to end: no more footage is wanted than there is, and what is claimed is stored.
    pub(super) fn stop(&mut self, out: &mut Out, who: String) {
        if self.stopping.is_none() {
            out.say(Level::Info, Topic::Recorder, None, format!("stopping: {who}"));
            self.stopping = Some((out.now, who.clone()));
            self.save_spent(out, true);
            for camera in &mut self.cameras {
                camera.settle(out);
                camera.stop(out, "the recorder was stopped");
                camera.settle(out);
            }
            out.order(Effect::Stop { who });
        }
    }

    /// Does something for each camera that is meant, or nothing at all if one of them does not exist.
    fn each(
        &mut self,
        out: &mut Out,
        who: &Who,
        mut act: impl FnMut(&mut Camera, &mut ClipIds, &mut Out) -> String,
    ) -> Answer {
        let there = self.cameras.iter().filter(|camera| !camera.removed);
        let known: Vec<_> = there.map(|camera| camera.settings.name.clone()).collect();
        let meant = match who {
            Who::All => &known,
            Who::Cameras(names) => names,
        };
        if let Some(stranger) = meant.iter().find(|name| !known.contains(name)) {
            return Answer::Refused(self.no_such_camera(stranger));
        }
        let outcomes: Vec<_> =
            meant.iter().filter_map(|name| Some((name.clone(), self.with(out, name, &mut act)?))).collect();
        Answer::Done(together(&outcomes, known.len()))
    }

    /// Says which cameras there are instead.
    pub(super) fn no_such_camera(&self, stranger: &CameraName) -> String {
        let there = self.cameras.iter().filter(|camera| !camera.removed);
        let known: Vec<_> = there.map(|camera| camera.settings.name.as_str()).collect();
        format!("no camera is called {stranger} (there are: {})", known.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::none(&[], "")]
    #[case::one(&["a: armed"], "a: armed")]
    #[case::two(&["a: armed", "b: armed"], "a: armed; b: armed")]
    #[case::some(&["a: armed", "b: armed", "d: armed"], "3 cameras: armed")]
    #[case::all(&["a: armed", "b: armed", "c: armed", "d: armed"], "all 4 cameras: armed")]
    #[case::one_named_often(&["a: armed", "a: armed", "a: armed"], "a: armed; a: armed; a: armed")]
    #[case::different(&["a: saving", "b: saving", "c: no signal"], "a: saving; b: saving; c: no signal")]
    fn what_is_the_same_for_many_is_said_once(#[case] outcomes: &[&str], #[case] said: &str) {
        let pair = |text: &&str| {
            let (name, outcome) = text.split_once(": ").expect("a name");
            (name.parse().expect("a camera"), outcome.to_owned())
        };
        assert_eq!(together(&outcomes.iter().map(pair).collect::<Vec<_>>(), 4), said);
    }
}
