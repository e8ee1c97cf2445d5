//! What changes when the configuration is read again: what its file says otherwise than before, and nothing else.
//!
//! A camera whose block is as it was is not touched: neither its FFmpeg nor its ring nor its event. Rules of triggers
//! count for the next trigger, so a countdown keeps its end. What only a new FFmpeg obeys ends the old one, and ring and
//! event go on. A camera that is removed is finished like all of them at the recorder's end; one that is added again
//! meanwhile goes on. What has been opened for good (the ring's shape, the archive, the mail port) keeps its old value
//! until the next start, and the answer names it.

mod differ;

use self::differ::{Change, Keys, adopted, camera_keys, needs_ffmpeg};
use super::budget::Budget;
use super::camera::Camera;
use super::command::Answer;
use super::effect::Effect;
use super::event::Reread;
use super::id::{CameraName, RequestId};
use super::out::Out;
use super::recorder::{Recorder, WARNINGS};
use super::settings::{self, Settings};
use super::snapshot::{Level, Topic};
use super::text::fit_for_screen;
use super::transcript::Fix;
use std::collections::HashMap;
use std::sync::Arc;

/// Mistakes that are told one by one.
const MISTAKES: usize = 20;
/// Characters of a sentence about the file.
const SENTENCE: usize = 1000;

impl Recorder {
    /// Somebody wants the configuration to be read again.
    pub(super) fn read_again(&mut self, out: &mut Out, request: Option<RequestId>) {
        if self.stopping.is_none() {
            return out.order(Effect::Reload { request });
        }
        self.answer(out, request, Answer::Refused(too_late()));
    }

    /// It was read again, or holds mistakes.
    pub(super) fn reloaded(&mut self, out: &mut Out, request: Option<RequestId>, result: Result<Reread, String>) {
        let answer = match result {
            _ if self.stopping.is_some() => Answer::Refused(too_late()),
            Ok(reread) => Answer::Done(self.adopt(out, &reread)),
            Err(mistakes) => Answer::Refused(self.stay(out, &mistakes)),
        };
        self.answer(out, request, answer);
    }

    /// A person wants a line in the configuration.
    pub(super) fn write(&mut self, out: &mut Out, request: RequestId, fix: Fix) {
        let there = |name: &CameraName| self.settings.cameras.iter().any(|camera| camera.name == *name);
        let refused = match &fix {
            _ if self.stopping.is_some() => too_late(),
            fix if fix.needs_camera() => {
                let names: Vec<_> = self.settings.cameras.iter().map(|camera| camera.name.as_str()).collect();
                format!("nothing was written: say for which camera (there are: {})", names.join(", "))
            }
            fix if fix.camera().is_some_and(|name| !there(name)) => {
                fix.camera().map_or_else(String::new, |name| self.no_such_camera(name))
            }
            _ => return out.order(Effect::Write { request, fix }),
        };
        self.answer(out, Some(request), Answer::Refused(refused));
    }

    /// It was written, or not.
    pub(super) fn fix_written(&mut self, out: &mut Out, request: RequestId, result: Result<(String, Reread), String>) {
        let answer = match result {
            Ok((written, reread)) => {
                out.say(Level::Info, Topic::Recorder, None, &written);
                Answer::Done(format!("{written}; {}", self.adopt(out, &reread)))
            }
            Err(why) => Answer::Refused(why),
        };
        self.answer(out, Some(request), answer);
    }

    fn answer(&self, out: &mut Out, request: Option<RequestId>, answer: Answer) {
        if let Some(request) = request {
            out.order(Effect::Reply { request, answer });
        }
    }

    /// Goes on with what the file says now. Answers what that changes, in words.
    fn adopt(&mut self, out: &mut Out, reread: &Reread) -> String {
        let mut keys = Keys::default();
        let new = Arc::new(adopted(&self.settings, &reread.settings, &mut keys));
        let sentence = Change::between(&self.settings, &new, keys).sentence(&reread.file);
        out.say(Level::Info, Topic::Recorder, None, &sentence);
        self.mistake = None;
        self.config_warnings(out, &reread.warnings);
        if *new != *self.settings {
            self.settings = Arc::clone(&new);
            out.order(Effect::Adopt(Arc::clone(&new)));
        }
        self.change_cameras(out, &new);
        self.forget_intervals();
        sentence
    }

    /// Says what is wrong with the new file, and goes on as before. Answers it with what follows, a sentence a line.
    ///
    /// The first mistake stays in sight until it is mended: hours later nobody remembers it, and then the machine boots.
    fn stay(&mut self, out: &mut Out, mistakes: &str) -> String {
        let mut lines = listed(mistakes);
        let first = lines.first().map_or("nobody knows which (see: nvr check)", String::as_str);
        let mistake = format!("the configuration has a mistake, and the next start would fail: {first}");
        self.mistake = Some(fit_for_screen(&mistake, SENTENCE));
        lines.push("the old settings stay in force (mend the file, then run: nvr reload)".to_owned());
        for line in &lines {
            out.say(Level::Error, Topic::Recorder, None, line);
        }
        lines.join("\n")
    }

    fn change_cameras(&mut self, out: &mut Out, new: &Settings) {
        let hosts = &mut self.hosts;
        let blocks: HashMap<_, _> = new.cameras.iter().map(|block| (&block.name, block)).collect();
        for camera in &mut self.cameras {
            let name = &camera.settings.name;
            let block = blocks.get(name).copied();
            if block.is_none_or(|block| block.source != camera.settings.source) {
                hosts.retain(|(host, _)| host != name);
            }
            match block {
                Some(block) if **block == *camera.settings && !camera.removed => {}
                Some(block) => camera.change(out, block),
                None => camera.remove(out),
            }
        }
        for block in &new.cameras {
            if !self.cameras.has(&block.name) {
                out.order(Effect::OpenRing { camera: block.name.clone() });
            }
        }
        self.arrange();
    }

    /// A ring is ready for its camera.
    pub(super) fn ring_opened(&mut self, out: &mut Out, name: &CameraName, first: u64) {
        if self.stopping.is_some() || self.cameras.has(name) {
            return;
        }
        let settings = Arc::clone(&self.settings);
        let Some(block) = settings.cameras.iter().find(|block| block.name == *name) else {
            return out.order(Effect::CloseRing { camera: name.clone() });
        };
        let armed = self.armed.get(name).copied().unwrap_or(block.trigger.armed);
        let mut camera = Camera::new(Arc::clone(block), &settings.ring, armed, first, out.now);
        camera.budget = Budget::resumed(self.spent.cameras.get(name).copied().unwrap_or_default());
        self.cameras.push(camera);
        let word = if armed { "armed" } else { "disarmed" };
        out.say(Level::Info, Topic::Camera, Some(name), format!("added, {word}"));
        self.arrange();
    }

    /// Puts the cameras into the order of the file, those that are going last.
    fn arrange(&mut self) {
        let order: HashMap<_, _> = self.settings.cameras.iter().map(|block| &block.name).zip(0..).collect();
        let place = |camera: &Camera| order.get(&camera.settings.name).copied().unwrap_or(usize::MAX);
        self.cameras.sort_by_key(place);
    }

    /// Lets removed cameras go of which nothing waits any more. What was lost of them stays counted.
    pub(super) fn let_go(&mut self, out: &mut Out) {
        if self.stopping.is_some() {
            return; // the last picture shows how each of them ended
        }
        let going = self.cameras.extract(|camera| camera.removed && camera.finished());
        for camera in going {
            self.lost = self.lost.and(camera.lost);
            let name = camera.settings.name.clone();
            out.say(Level::Info, Topic::Camera, Some(&name), "gone: nothing of it waits to be stored any more");
            out.order(Effect::CloseRing { camera: name });
        }
    }

    /// What deserves a look about the configuration, in place of what was said of it before. What is as before is not
    /// said again.
    pub(super) fn config_warnings(&mut self, out: &mut Out, warnings: &[String]) {
        let before = std::mem::take(&mut self.config_warnings);
        self.warnings.retain(|warning| !before.contains(warning));
        for warning in warnings.iter().take(WARNINGS) {
            let text = fit_for_screen(warning, SENTENCE);
            if before.contains(&text) {
                self.warnings.push(text.clone());
            } else {
                self.warn(out, &text);
            }
            self.config_warnings.push(text);
        }
    }
}

impl Camera {
    /// Its block in the file has changed, or is there again.
    fn change(&mut self, out: &mut Out, new: &Arc<settings::Camera>) {
        // What was over before this is over by the old rules.
        self.settle(out);
        let back = std::mem::take(&mut self.removed);
        let keys = camera_keys(&self.settings, new);
        let old = std::mem::replace(&mut self.settings, Arc::clone(new));
        let cause =
            if back { "it was removed from the configuration for a while" } else { "its settings were changed" };
        let told = if keys.is_empty() { String::new() } else { format!(" ({})", keys.join(", ")) };
        out.say(Level::Info, Topic::Camera, Some(&new.name), format!("{cause}{told}"));
        if back || needs_ffmpeg(&old, new) {
            self.renew(out, cause);
        }
        self.settle(out);
    }

    /// Ends FFmpeg, if there is one, and starts one with the present settings.
    fn renew(&mut self, out: &mut Out, cause: &str) {
        self.ring.blame(cause);
        self.said = Some(String::new());
        if let Some(run) = self.life.renew(out.now) {
            out.order(Effect::StopCamera { camera: self.settings.name.clone(), run, reason: None });
        }
    }

    /// Its block is gone: no more footage is wanted than there is.
    fn remove(&mut self, out: &mut Out) {
        if std::mem::replace(&mut self.removed, true) {
            return;
        }
        self.settle(out);
        let text = "removed from the configuration: what is wanted of it is stored first";
        out.say(Level::Info, Topic::Camera, Some(&self.settings.name), text);
        self.stop(out, "the camera was removed from the configuration");
        self.settle(out);
    }
}

fn too_late() -> String {
    "the recorder is stopping (its next start reads the configuration)".to_owned()
}

/// The mistakes, as many as anybody reads.
fn listed(mistakes: &str) -> Vec<String> {
    let lines = mistakes.lines().map(|line| fit_for_screen(line, SENTENCE)).filter(|line| !line.is_empty());
    let mut lines: Vec<_> = lines.collect();
    let more = lines.len().saturating_sub(MISTAKES);
    lines.truncate(MISTAKES);
    if more > 0 {
        lines.push(format!("and {more} more like these (see all: nvr check)"));
    }
    lines
}
