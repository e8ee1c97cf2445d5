//! The pictures that cameras send with their mails, on their way to lie beside the clips.
//!
//! A picture comes before its clip has a file, and may come after it; it waits here, in memory, until the archive has it.
//! What waits is bounded: footage is what counts, and it shows the same.

use super::camera::Camera;
use super::effect::Effect;
use super::event::Picture;
use super::id::{CameraName, ClipId, LetterId};
use super::out::Out;
use super::recorder::Recorder;
use super::snapshot::{Level, Topic};
use super::time::Mono;
use std::collections::BTreeMap;

/// Pictures beside one clip.
pub const MOST: usize = 8;
/// Bytes of all pictures that wait, as many cameras as there may be.
const WAITING: usize = 8 << 20;
/// Mails that triggered before they were complete, whose rest may still come: more than there can be connections.
const EARLY: usize = 256;

/// One camera's pictures that the archive does not have yet.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    waiting: Vec<Waiting>,
    /// The clip whose first picture here is on its way.
    away: Option<ClipId>,
    /// The last clip of which it was said that no further picture is kept.
    full: Option<ClipId>,
}

#[derive(Debug)]
struct Waiting {
    clip: ClipId,
    /// The trigger that it came with.
    at: Mono,
    picture: Picture,
    /// Why it could not be stored; tried again when the archive has taken something for that clip.
    failed: Option<String>,
}

impl Pictures {
    /// Whether a clip had better stay open for what is tried for it.
    pub fn are_tried(&self, clip: ClipId) -> bool {
        self.away == Some(clip) || self.waiting.iter().any(|it| it.clip == clip && it.failed.is_none())
    }

    /// The archive has just taken something for a clip.
    pub fn try_again(&mut self, clip: ClipId) {
        self.waiting.iter_mut().filter(|it| it.clip == clip).for_each(|it| it.failed = None);
    }

    /// A clip that nothing is in yet is called something else now.
    pub fn rename(&mut self, old: ClipId, new: ClipId) {
        self.waiting.iter_mut().filter(|it| it.clip == old).for_each(|it| it.clip = new);
    }

    fn of(&self, clip: ClipId) -> usize {
        self.waiting.iter().filter(|it| it.clip == clip).count()
    }

    /// The next one to store, of a clip that is `open` for it.
    fn next(&mut self, open: impl Fn(ClipId) -> bool) -> Option<(ClipId, Picture)> {
        let next = self.waiting.iter().find(|it| self.away.is_none() && it.failed.is_none() && open(it.clip))?;
        self.away = Some(next.clip);
        Some((next.clip, next.picture.clone()))
    }

    /// What came of it. Answers the trigger that a stored one came with.
    fn done(&mut self, clip: ClipId, result: &Result<String, String>) -> Option<Mono> {
        self.away.take_if(|away| *away == clip)?;
        let place = self.waiting.iter().position(|it| it.clip == clip)?;
        match result {
            Ok(_) => Some(self.waiting.remove(place).at),
            Err(why) => {
                // The others have their turn first.
                let mut failed = self.waiting.remove(place);
                failed.failed = Some(why.clone());
                self.waiting.push(failed);
                None
            }
        }
    }

    /// Lets go of those for which nothing can be done any more, and answers why.
    fn lost(&mut self, open: impl Fn(ClipId) -> bool) -> Vec<String> {
        let away = self.away;
        let gone = self.waiting.extract_if(.., |it| away != Some(it.clip) && !open(it.clip));
        let why = |it: Waiting| it.failed.unwrap_or_else(|| "its clip got no file".to_owned());
        gone.map(why).collect()
    }
}

impl Camera {
    /// A picture came with the mail of that instant, for this clip.
    fn take_picture(&mut self, out: &mut Out, clip: ClipId, at: Mono, picture: Picture) {
        let name = &self.settings.name;
        let pictures = &mut self.saving.pictures;
        let Some(open) = self.saving.clips.iter().find(|it| it.id == clip && !it.closing) else {
            let text = "the picture of a mail came when its clip was closed already, and was not kept";
            return out.say(Level::Info, Topic::Mail, Some(name), text);
        };
        if open.pictures() + pictures.of(clip) < MOST {
            pictures.waiting.push(Waiting { clip, at, picture, failed: None });
        } else if pictures.full.replace(clip) != Some(clip) {
            let text = format!("{MOST} of its mails' pictures lie beside the clip, and no further ones are kept");
            out.say(Level::Info, Topic::Mail, Some(name), text);
        }
    }

    /// Has the next picture stored, one at a time.
    pub(super) fn store_picture(&mut self, out: &mut Out) {
        let clips = &self.saving.clips;
        let open = |id| clips.iter().any(|clip| clip.id == id && clip.grows_now());
        if let Some((clip, picture)) = self.saving.pictures.next(open) {
            out.order(Effect::StorePicture { clip, picture });
        }
    }

    /// A picture is durable, under this name; or why not.
    fn picture_stored(&mut self, clip: ClipId, result: &Result<String, String>) {
        let at = self.saving.pictures.done(clip, result);
        if let (Some(at), Ok(name)) = (at, result) {
            self.saving.pictured(clip, at, name);
        }
    }

    /// Says which pictures got no place beside their clips.
    pub(super) fn give_up_pictures(&mut self, out: &mut Out) {
        let clips = &self.saving.clips;
        let lost = self.saving.pictures.lost(|id| clips.iter().any(|clip| clip.id == id && !clip.closing));
        for why in lost {
            let text = format!("the picture of a mail could not be stored: {why}");
            out.say(Level::Warn, Topic::Clip, Some(&self.settings.name), text);
        }
    }
}

/// A mail that triggered before it was complete.
#[derive(Debug)]
pub(super) struct Early {
    letter: LetterId,
    at: Mono,
    clips: Vec<(CameraName, ClipId)>,
}

impl Recorder {
    /// The growing clips of cameras that have just been triggered.
    pub(super) fn growing_of(&self, cameras: &[CameraName]) -> Vec<(CameraName, ClipId)> {
        let meant = self.cameras.iter().filter(|camera| cameras.contains(&camera.settings.name));
        let clip = |camera: &Camera| Some((camera.settings.name.clone(), camera.saving.clips().next_back()?.id));
        meant.filter_map(clip).collect()
    }

    /// A mail triggered, and more of it may come.
    pub(super) fn expect_rest(&mut self, letter: LetterId, at: Mono, clips: Vec<(CameraName, ClipId)>) {
        self.early.push_back(Early { letter, at, clips });
        if self.early.len() > EARLY {
            self.early.pop_front();
        }
    }

    /// The rest of such a mail came, and in it its picture.
    pub(super) fn rest_in(&mut self, out: &mut Out, letter: LetterId, picture: &Picture) {
        let Some(place) = self.early.iter().position(|early| early.letter == letter) else { return };
        if let Some(Early { at, clips, .. }) = self.early.remove(place) {
            self.picture_in(out, &clips, at, picture);
        }
    }

    /// A picture came with the mail of that instant, for these clips.
    pub(super) fn picture_in(&mut self, out: &mut Out, clips: &[(CameraName, ClipId)], at: Mono, picture: &Picture) {
        let waiting = self.cameras.iter().flat_map(|camera| &camera.saving.pictures.waiting);
        // What several cameras wait with takes memory once.
        let distinct: BTreeMap<_, _> = waiting.map(|it| (it.picture.place(), it.picture.len())).collect();
        if distinct.values().fold(picture.len(), |sum, len| sum.saturating_add(*len)) > WAITING {
            let text = "the picture of a mail was not kept: too many wait for the archive (see: nvr status)";
            return out.say(Level::Warn, Topic::Mail, None, text);
        }
        for (name, clip) in clips {
            self.with(out, name, |camera, _, out| camera.take_picture(out, *clip, at, picture.clone()));
        }
    }

    /// What came of storing one.
    pub(super) fn picture_stored(&mut self, out: &mut Out, clip: ClipId, result: &Result<String, String>) {
        if let Some(name) = self.owner(clip) {
            self.with(out, &name, |camera, _, _| camera.picture_stored(clip, result));
        }
    }
}
