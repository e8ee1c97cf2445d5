//! After a crash: what an earlier recorder left is finished, and nothing that was claimed is lost.
//!
//! A growing clip is cut back to its last whole fragment. A claimed segment in RAM goes on in it if its times, by the
//! clip's own shift, and its file's date both say so; the part that had been written before the crash is recognised by
//! its very bytes. A kill in the middle of this leaves it to be done again. What fits nowhere becomes a clip of its own.
//!
//! What the memory of a killed recorder knows is not finished: its clips go on growing, and its segments wait for orders.

use super::Site;
use super::clip::Clip;
use super::disk::{sentence, unlink};
use super::names::{PICTURE_TEMPORARY, TEMPORARY};
use super::old::{self, Old};
use super::source::{Fault, Segment};
use super::{catalog, pages, remove};
use crate::model::id::{CameraName, ClipId, SegmentId};
use crate::model::memory::{Grew, Regrown, Remains};
use crate::model::snapshot::ClipView;
use crate::model::time::Wall;
use crate::work::places;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Clips to show at the start.
const NEWEST: u32 = 50;

/// What an earlier recorder left, and what became of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recovered {
    /// For the journal.
    pub sentences: Vec<String>,
    /// The newest 50 clips, newest first.
    pub clips: Vec<ClipView>,
    /// For each clip that grew when its recorder was killed, how far it had come.
    pub regrown: Vec<Regrown>,
    /// Claimed segments that could not be stored now and still lie in RAM: new numbers have to be higher.
    pub waiting: Vec<SegmentId>,
}

/// Finishes everything but what grew, and answers that beside the rest; `left`: the claimed segments of the earlier
/// recorder. Blocking.
pub(super) fn recover(site: &Arc<Site>, left: Vec<SegmentId>, grew: Vec<Grew>) -> (Recovered, Vec<(ClipId, Clip)>) {
    let mut recovered = Recovered::default();
    let mut going = Going { grew, clips: Vec::new() };
    let mut olds: HashMap<CameraName, Vec<Old>> = HashMap::new();
    match catalog::days(&site.root, None) {
        Ok(days) => {
            for day in days {
                remove_temporaries(&day);
                recovered.sentences.extend(remove::finish(&day).err());
                for found in catalog::growing(&day) {
                    match old::reopen(site, &found) {
                        Ok(Some(old)) => match going.takes(site, &found.camera, old) {
                            Ok(None) => {}
                            Ok(Some(old)) => olds.entry(found.camera).or_default().push(old),
                            Err(text) => recovered.sentences.push(text),
                        },
                        Ok(None) => {
                            recovered.sentences.push(format!("{} held nothing and was removed", found.files.name));
                        }
                        Err(text) => recovered.sentences.push(text),
                    }
                }
            }
        }
        Err(error) => recovered.sentences.push(sentence("read", &site.root, &error)),
    }
    for segment in left {
        if going.waits_for(&segment) {
            continue;
        }
        let olds = olds.entry(segment.camera.clone()).or_default();
        match rescue(site, olds, &segment) {
            Ok(None) => {}
            Ok(Some(text)) => recovered.sentences.push(text),
            Err(text) => {
                recovered.sentences.push(text);
                recovered.waiting.push(segment);
            }
        }
    }
    for old in olds.into_values().flatten() {
        recovered.sentences.push(old.finish(&recovered.waiting));
    }
    match pages::newest(&site.root, None, NEWEST) {
        Ok(clips) => recovered.clips = clips,
        Err(text) => recovered.sentences.push(text),
    }
    let clips = going.tell(site, &mut recovered);
    (recovered, clips)
}

/// Clips that grew when their recorder was killed.
struct Going {
    grew: Vec<Grew>,
    clips: Vec<(Remains, ClipId, Clip)>,
}

impl Going {
    /// Takes a clip if it is one of these, and answers it if not.
    fn takes(&mut self, site: &Site, camera: &CameraName, old: Old) -> Result<Option<Old>, String> {
        let missing = |grew: &&Grew| self.clips.iter().all(|(_, id, _)| *id != grew.clip);
        let mut of_camera = self.grew.iter().filter(|grew| grew.camera == *camera).filter(missing);
        let Some(grew) = of_camera.find(|grew| old.is(grew, site)) else { return Ok(Some(old)) };
        let id = grew.clip;
        let grown = old.grow(grew)?;
        self.clips.extend(grown.map(|(remains, clip)| (remains, id, clip)));
        Ok(None)
    }

    /// Whether a claimed segment is somebody else's business.
    fn waits_for(&self, segment: &SegmentId) -> bool {
        self.grew.iter().any(|grew| grew.camera == segment.camera && grew.waiting.contains(&segment.number))
    }

    /// Says of each clip how far it had come. What grows on is in no list of what there is: its recorder lists it.
    fn tell(self, site: &Site, recovered: &mut Recovered) -> Vec<(ClipId, Clip)> {
        let growing = |name: &str| self.clips.iter().any(|(_, _, clip)| clip.files.name == name);
        recovered.clips.retain(|clip| !growing(&clip.name));
        let mut clips = Vec::new();
        for (state, clip, grown) in self.clips {
            recovered.regrown.push(Regrown { clip, state });
            clips.push((clip, grown));
        }
        for grew in self.grew {
            if clips.iter().any(|(id, _)| *id == grew.clip) {
                continue;
            }
            let closed = grew.name.as_deref().and_then(|name| catalog::find(&site.root, name));
            let path = closed.filter(|found| !found.open).map(|found| found.files.done().display().to_string());
            let elsewhere = || grew.path.filter(|path| !Path::new(path).starts_with(&site.root));
            let state = match path {
                Some(path) => Remains::Closed { path },
                None => elsewhere().map_or(Remains::Nothing, |path| Remains::Elsewhere { path }),
            };
            recovered.regrown.push(Regrown { clip: grew.clip, state });
        }
        clips
    }
}

/// Records that were being written; the whole ones lie beside them.
fn remove_temporaries(day: &catalog::Day) {
    for entry in fs::read_dir(&day.path).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let stem = |ending| name.to_str().and_then(|name| name.strip_suffix(ending));
        let ours = stem(TEMPORARY).or_else(|| stem(PICTURE_TEMPORARY));
        if ours.is_some_and(|name| day.start(name).is_some()) {
            let _ = unlink(&entry.path()); // what stays is truncated by whoever writes there next
        }
    }
}

/// All claimed segments, in their cameras' order.
pub(super) fn leftovers(ring: &Path) -> Vec<SegmentId> {
    let mut found = Vec::new();
    for entry in fs::read_dir(ring).into_iter().flatten().flatten() {
        let Some(camera) = entry.file_name().into_string().ok().and_then(|name| CameraName::try_from(name).ok()) else {
            continue;
        };
        for file in fs::read_dir(places::claims(ring, &camera)).into_iter().flatten().flatten() {
            if let Some(number) = places::number(&file.path()) {
                found.push(SegmentId { camera: camera.clone(), number });
            }
        }
    }
    found.sort_unstable();
    found
}

/// Stores one claimed segment where it belongs. A sentence if a person should know; an error if it had to stay.
fn rescue(site: &Arc<Site>, olds: &mut Vec<Old>, segment: &SegmentId) -> Result<Option<String>, String> {
    let path = places::claimed(&site.ring, segment);
    let remove = |text: Option<String>| site.let_go(&path).map_or(Ok(text), Err);
    let closed = fs::symlink_metadata(&path).and_then(|meta| meta.modified());
    let closed = closed.ok().and_then(|time| Wall::try_from(time).ok()).unwrap_or(Wall::UNIX_EPOCH);
    let footage = match Segment::read(&path) {
        Ok(footage) => footage,
        Err(Fault::Source(why)) => return remove(Some(format!("{segment} was left in RAM and holds nothing: {why}"))),
        Err(Fault::Empty) => {
            return remove(Some(format!("{segment} was left in RAM and holds nothing: {}", Fault::NOTHING)));
        }
        Err(Fault::Archive(error)) => return Err(sentence("read", &path, &error)),
        Err(Fault::Different) => return Err(format!("{segment} stays in RAM")),
    };
    // A clip that holds it, or some of it, before one that could; then the one that it leaves the least hole in.
    let fits = olds.iter_mut().filter_map(|old| old.fits(segment, &footage, closed).map(|fit| (fit, old)));
    if let Some((fit, old)) = fits.min_by_key(|(fit, _)| (Reverse(fit.held.fragments), fit.hole)) {
        old.go_on(segment, footage, fit.held, closed)?;
        return remove(None);
    }
    let old = Old::begin(site, segment, footage, closed)?;
    olds.insert(0, old);
    remove(None)
}
