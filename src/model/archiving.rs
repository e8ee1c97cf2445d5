//! What the archive did, and what follows from it for the recorder and its cameras.

use super::backlog::megabytes;
use super::camera::Camera;
use super::clip::ClipFile;
use super::command::Answer;
use super::effect::{ClipChange, Effect};
use super::event::{Added, AppendFailure, FINISHING, Gone, Space};
use super::id::{CameraName, ClipId, RequestId, SegmentId};
use super::out::Out;
use super::recorder::Recorder;
use super::ring::Fate;
use super::saving::ClipIds;
use super::silence::Silence;
use super::snapshot::{ClipView, CopyOutcome, CopyView, Level, Topic};
use super::storing::Misfit;
use super::time::Mono;
use jiff::SignedDuration;
use std::time::Duration;

/// Clips that the snapshot holds.
pub(super) const CLIPS: usize = 50;

/// A clip that is younger goes with a warning.
const YOUNG: SignedDuration = SignedDuration::from_hours(24);

/// Remedies that are told of one outage.
const REMEDIES: usize = 8;

/// What is said of an archive that does not keep up.
const SLOW: &str = "the archive is slower than the cameras (is something else busy on its disk, or its network slow?)";

/// Why there is no footage in a finished segment.
const NO_FRAGMENT: &str = "FFmpeg ended before its first whole fragment";

/// Whether the archive takes what it is given.
#[derive(Debug)]
pub(super) struct Archive {
    /// Room, once known.
    pub space: Option<Space>,
    /// Why room cannot be told.
    pub unknown: Option<String>,
    /// Why it cannot be kept within its limits.
    pub retention: Option<String>,
    /// Since when it is away, or something that it was given waits for another try.
    pub down: Option<Mono>,
    /// It was said that it fails, and not yet that it is back: each remedy that was told.
    pub told: Vec<String>,
    /// It does not fail, and does not keep up either.
    pub slow: bool,
    /// When something was last written to it.
    pub silence: Silence,
}

impl Archive {
    /// One of which nothing is known yet.
    pub fn new(now: Mono) -> Self {
        Self {
            space: None,
            unknown: None,
            retention: None,
            down: None,
            told: Vec::new(),
            slow: false,
            silence: Silence::new(now),
        }
    }
}

impl Recorder {
    /// A segment is durable.
    pub(super) fn appended(&mut self, out: &mut Out, segment: &SegmentId, added: &Added) {
        let appended = self.with(out, &segment.camera, |camera, _, out| camera.appended(out, segment.number, added));
        self.archive_works(out, appended.flatten());
        self.archive_written(out);
    }

    /// A segment could not be appended.
    pub(super) fn append_failed(&mut self, out: &mut Out, clip: ClipId, segment: &SegmentId, failure: AppendFailure) {
        let number = segment.number;
        let news = self.with(out, &segment.camera, |camera, ids, out| match failure {
            AppendFailure::Archive(reason) => camera.put_off(out, clip, number, reason),
            AppendFailure::Different => {
                camera.misfit(out, ids, number);
                None
            }
            AppendFailure::Unusable(reason) => {
                camera.unusable(out, number, &reason);
                None
            }
            AppendFailure::Empty => {
                camera.without_footage(out, number);
                None
            }
        });
        self.archive_fails(out.now);
        if let Some(reason) = news.flatten() {
            self.say_failure(out, Some(&segment.camera), &reason, "footage waits in RAM and is tried again");
        }
    }

    /// A clip has its final name, or why not yet.
    pub(super) fn clip_closed(&mut self, out: &mut Out, clip: ClipId, result: Result<String, String>) {
        let Some(name) = self.owner(clip) else { return };
        match result {
            Ok(path) => {
                let closed = self.with(out, &name, |camera, _, out| camera.clip_closed(out, clip, path)).flatten();
                let Some((view, again)) = closed else { return };
                if let Some(view) = view {
                    self.clips.push_front(view);
                    self.clips.truncate(CLIPS);
                }
                self.archive_works(out, Some(again));
            }
            Err(reason) => {
                let text = reason.clone();
                let news = self.with(out, &name, |camera, _, out| camera.saving.not_closed(clip, text, out.now));
                self.archive_fails(out.now);
                if news == Some(true) {
                    self.say_failure(out, Some(&name), &reason, "closing the clip is tried again");
                }
            }
        }
    }

    /// Clips that went, or what stands in the way. Of trouble, only its begin and its end are said: its numbers change
    /// with every run, and its remedy does not.
    pub(super) fn retained(&mut self, out: &mut Out, deleted: &[Gone], trouble: Option<String>) {
        self.clips.retain(|clip| !deleted.iter().any(|gone| gone.name == clip.name));
        let now = out.anchor.wall(out.now);
        for Gone { name, start, why } in deleted {
            // Nobody expects to lose what is of today: a limit may be much too small.
            let level = if now.duration_since(*start) < YOUNG { Level::Warn } else { Level::Info };
            out.say(level, Topic::Clip, None, format!("clip {name} was deleted: {why}"));
        }
        let remedy = |text: &str| text.rsplit_once(" (").map(|(_, remedy)| remedy.to_owned());
        match (&self.archive.retention, &trouble) {
            (Some(before), Some(trouble)) if remedy(before) == remedy(trouble) => {}
            (_, Some(trouble)) => out.say(Level::Error, Topic::Archive, None, trouble),
            (Some(_), None) => out.say(Level::Info, Topic::Archive, None, "the archive is within its limits again"),
            (None, None) => {}
        }
        self.archive.retention = trouble;
    }

    /// A person wanted a clip to be kept, or gone.
    pub(super) fn clip_changed(
        &mut self,
        out: &mut Out,
        request: RequestId,
        name: &str,
        change: ClipChange,
        result: Result<(), String>,
    ) {
        let answer = match result {
            Err(why) => Answer::Refused(why),
            Ok(()) => {
                let camera = self.clips.iter().find(|clip| clip.name == name).map(|clip| clip.camera.clone());
                let text = match change {
                    ClipChange::Protect(true) => format!("{name} is protected: retention leaves it alone"),
                    ClipChange::Protect(false) => format!("{name} is not protected any more"),
                    ClipChange::Delete => format!("{name} was deleted by hand"),
                };
                match change {
                    ClipChange::Protect(protected) => {
                        let clips = self.clips.iter_mut().filter(|clip| clip.name == name);
                        clips.for_each(|clip| clip.protected = protected);
                    }
                    ClipChange::Delete => self.clips.retain(|clip| clip.name != name),
                }
                out.say(Level::Info, Topic::Clip, camera.as_ref(), &text);
                Answer::Done(text)
            }
        };
        out.order(Effect::Reply { request, answer });
    }

    /// Room in the archive, or why it cannot be told.
    pub(super) fn archive_space(&mut self, out: &mut Out, space: Result<Space, String>) {
        match space {
            Ok(space) => {
                self.archive.space = Some(space);
                if self.archive.unknown.take().is_some() {
                    self.say_back(out);
                    let waiting = self.cameras.iter_mut().filter(|camera| camera.saving.trouble().is_some());
                    waiting.for_each(|camera| camera.saving.hurry(out.now));
                }
            }
            Err(reason) => {
                self.archive.down.get_or_insert(out.now);
                if self.archive.unknown.as_ref() != Some(&reason) {
                    self.say_failure(out, None, &reason, "footage waits in RAM");
                }
                // How much room there was helps nobody now.
                (self.archive.space, self.archive.unknown) = (None, Some(reason));
            }
        }
    }

    /// Why the archive does not take what it is given, in words.
    pub(super) fn archive_trouble(&self) -> Option<&str> {
        let fails = self.cameras.iter().find_map(|camera| camera.saving.trouble());
        fails.or(self.archive.unknown.as_deref()).or(self.archive.slow.then_some(SLOW))
    }

    fn archive_fails(&mut self, now: Mono) {
        if self.archive.down.is_none() && self.cameras.iter().any(|camera| camera.saving.trouble().is_some()) {
            self.archive.down = Some(now);
        }
    }

    /// One outage is one error, whoever finds out first and however many cameras follow. Only what needs another remedy
    /// is said beside it.
    fn say_failure(&mut self, out: &mut Out, camera: Option<&CameraName>, reason: &str, meanwhile: &str) {
        if reason == FINISHING {
            return out.say(Level::Info, Topic::Archive, camera, reason);
        }
        let remedy = reason.split_once(" (").map_or(reason, |(_, remedy)| remedy).to_owned();
        let told = &mut self.archive.told;
        if told.contains(&remedy) || told.len() == REMEDIES {
            return;
        }
        let level = if told.is_empty() { Level::Error } else { Level::Warn };
        told.push(remedy);
        out.say(level, Topic::Archive, camera, format!("{reason}; {meanwhile}"));
    }

    /// An outage is over.
    fn say_back(&mut self, out: &mut Out) {
        if self.archive.told.is_empty() {
            return;
        }
        self.archive.told.clear();
        let after = self.archive.down.map_or(0, |since| out.now.since(since).as_secs());
        let after = if after == 0 { String::new() } else { format!(" after {after} s") };
        let (count, bytes) = self
            .cameras
            .iter()
            .map(|camera| camera.saving.backlog())
            .fold((0_u64, 0_u64), |sum, one| (sum.0.saturating_add(one.0.into()), sum.1.saturating_add(one.1)));
        let waiting = match count {
            0 => String::new(),
            1 => format!("; 1 segment ({}) that waited is being stored", megabytes(bytes)),
            more => format!("; {more} segments ({}) that waited are being stored", megabytes(bytes)),
        };
        out.say(Level::Info, Topic::Archive, None, format!("the archive is back{after}{waiting}"));
        self.settle_outage();
    }

    /// Nothing waits for another try any more.
    fn settle_outage(&mut self) {
        let fails = self.cameras.iter().any(|camera| camera.saving.trouble().is_some());
        if !fails && self.archive.unknown.is_none() {
            self.archive.down = None;
        }
    }

    /// It has taken something. If that had failed before (`again`), all else that waits is tried at once; and if nothing
    /// waits any more, the archive is well.
    fn archive_works(&mut self, out: &mut Out, again: Option<bool>) {
        let was_away = again.is_some() && self.archive.unknown.take().is_some(); // whatever was seen before
        if again != Some(true) && !was_away {
            return;
        }
        self.say_back(out);
        self.settle_outage();
        let waiting = self.cameras.iter_mut().filter(|camera| camera.saving.trouble().is_some());
        waiting.for_each(|camera| camera.saving.hurry(out.now));
    }

    /// Whose clip it is.
    pub(super) fn owner(&self, clip: ClipId) -> Option<CameraName> {
        let owner = self.cameras.iter().find(|camera| camera.saving.has(clip))?;
        Some(owner.settings.name.clone())
    }

    /// A clip's file has a name.
    pub(super) fn clip_opened(&mut self, clip: ClipId, file: ClipFile) {
        if let Some(place) = self.cameras.iter().position(|camera| camera.saving.has(clip)) {
            self.cameras[place].saving.opened(clip, file);
        }
    }
}

/// Seconds for a sentence with one digit: a loss is never told smaller than it is.
fn tenths_up(missing: Duration) -> f64 {
    missing.as_millis().div_ceil(100) as f64 / 10.0
}

impl Camera {
    /// A segment is durable. Answers whether that had failed before.
    fn appended(&mut self, out: &mut Out, number: u64, added: &Added) -> Option<bool> {
        let (claim, record) = self.saving.appended(number, added, &out.anchor)?;
        self.ring.set(number, Fate::Stored);
        if let Some(record) = record {
            out.order(Effect::SaveRecord { clip: claim.clip, record });
        }
        let retries = claim.setback.as_ref().map_or(0, |setback| setback.failures);
        let outcome = CopyOutcome::Stored { bytes: added.bytes, took: added.took, retries };
        self.copied(out, number, self.clip_name(claim.clip), outcome);
        Some(retries > 0)
    }

    /// The archive could not take a segment; it stays where it is. Answers the reason if that is news.
    fn put_off(&mut self, out: &mut Out, clip: ClipId, number: u64, reason: String) -> Option<String> {
        let news = self.saving.put_off(number, reason.clone(), out.now).then_some(reason);
        if let Some(reason) = news.clone() {
            self.copied(out, number, self.clip_name(clip), CopyOutcome::Retrying { reason });
        }
        self.ring.set(number, Fate::Claimed);
        news
    }

    /// A segment does not fit into its clip.
    fn misfit(&mut self, out: &mut Out, ids: &mut ClipIds, number: u64) {
        let name = &self.settings.name;
        match self.saving.misfit(ids, number, out.now) {
            None => return,
            Some(Misfit::NewClip) => {
                out.say(Level::Info, Topic::Clip, Some(name), "codec or size changed: a new clip begins")
            }
            Some(Misfit::Later) => {}
            Some(Misfit::Lost(bytes)) => return self.lose(out, number, bytes, String::new(), Misfit::REASON),
        }
        self.ring.set(number, Fate::Claimed);
    }

    /// A segment cannot be stored at all.
    fn unusable(&mut self, out: &mut Out, number: u64, reason: &str) {
        if let Some(claim) = self.saving.unusable(number, reason) {
            self.lose(out, number, claim.bytes, self.clip_name(claim.clip), reason);
        }
    }

    /// There never was footage in a segment: its time is missing, and nothing is lost.
    fn without_footage(&mut self, out: &mut Out, number: u64) {
        if self.saving.unusable(number, NO_FRAGMENT).is_some() {
            self.ring.set(number, Fate::Gone);
            let text = format!("segment {number} holds no footage: {NO_FRAGMENT}");
            out.say(Level::Info, Topic::Camera, Some(&self.settings.name), text);
        }
    }

    /// A clip has its final name. Answers how lists show it, and whether closing had failed before.
    fn clip_closed(&mut self, out: &mut Out, id: ClipId, path: String) -> Option<(Option<ClipView>, bool)> {
        let clip = self.saving.closed(id)?;
        let again = clip.setback.is_some();
        // Without a path its file is gone or left to the next start, and the archive has said so.
        let Some(view) = clip.view(&self.saving.queue).filter(|_| !path.is_empty()) else { return Some((None, again)) };
        let (level, missing) = match clip.shortfall(&self.saving.queue) {
            None => (Level::Info, String::new()),
            Some((missing, cause)) => {
                (Level::Warn, format!("; {:.1} s of what was wanted are missing ({cause})", tenths_up(missing)))
            }
        };
        let text = format!("clip {} saved, {:.1} s{missing}", view.name, view.length.as_secs_f64());
        out.say(level, Topic::Clip, Some(&self.settings.name), text);
        Some((Some(ClipView { open: false, path, ..view }), again))
    }

    /// What came of a claim.
    pub(super) fn claimed(&mut self, out: &mut Out, number: u64, result: &Result<u64, String>) {
        if let (Some(claim), Err(error)) = (self.saving.claimed(number, result), result) {
            let reason = format!("it could not be claimed: {error}");
            self.lose(out, number, claim.bytes, self.clip_name(claim.clip), &reason);
        }
    }

    pub(super) fn clip_name(&self, id: ClipId) -> String {
        let clip = self.saving.clips().find(|clip| clip.id == id);
        clip.and_then(|clip| clip.file.as_ref()).map(|file| file.name.clone()).unwrap_or_default()
    }

    pub(super) fn lose(&mut self, out: &mut Out, number: u64, bytes: u64, clip: String, reason: &str) {
        self.ring.set(number, Fate::Lost);
        self.lost.segments = self.lost.segments.saturating_add(1);
        self.lost.bytes = self.lost.bytes.saturating_add(bytes);
        out.say(Level::Error, Topic::Loss, Some(&self.settings.name), format!("segment {number} is lost: {reason}"));
        self.copied(out, number, clip, CopyOutcome::Lost { reason: reason.to_owned() });
    }

    pub(super) fn copied(&self, out: &mut Out, number: u64, clip: String, outcome: CopyOutcome) {
        let (camera, slot) = (self.settings.name.clone(), self.shown_slot(number));
        out.copies.push(CopyView { number: 0, at: out.now, camera, slot, clip, outcome });
    }
}
