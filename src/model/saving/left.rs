//! What a killed recorder was saving, brought up to date with what lies in RAM and in the archive.
//!
//! A memory is written before the orders of its step are carried out, so it is ahead of the world and never behind: a
//! claim that it knows may not have been carried out yet, and an append that it knows may be durable already.

use super::{ClipIds, Going, Newest, Saving};
use crate::model::claim::{Claim, Queue};
use crate::model::clip::Clip;
use crate::model::event::Added;
use crate::model::id::{CameraName, ClipId};
use crate::model::memory::{Grew, Regrown, Remains, SOUND};
use crate::model::snapshot::Media;
use crate::model::text::{fit_for_screen, is_harmless};
use crate::model::time::{Mono, Window};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// What a recorder has to know of what its predecessor was saving.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavingMemory {
    going: Option<Going>,
    clips: VecDeque<Clip>,
    queue: Queue,
    newest: Option<Newest>,
}

/// Where a claimed segment lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// Out of FFmpeg's reach; so many bytes.
    Claimed(u64),
    /// In its slot still.
    Slot,
    /// Neither here nor there.
    Nowhere,
}

/// What became of what was being saved.
#[derive(Debug, Default)]
pub struct Taken {
    /// Segments that lie out of FFmpeg's reach.
    pub held: Vec<u64>,
    /// Segments that are still to be claimed.
    pub to_claim: Vec<u64>,
    /// Segments that turned out to be stored.
    pub stored: Vec<u64>,
    /// Segments that are gone, and why.
    pub lost: Vec<(Claim, &'static str)>,
    /// Clips that turned out to be closed, and their paths.
    pub closed: Vec<(ClipId, String)>,
    /// The files of clips that lie in what was the archive then.
    pub elsewhere: Vec<String>,
}

/// Why a segment is lost that was out of FFmpeg's reach.
const VANISHED: &str = "it has vanished while no recorder ran";

impl SavingMemory {
    /// Whether this can be what that camera was saving.
    pub fn is_sound(&self, camera: &CameraName) -> bool {
        let ids: BTreeSet<_> = self.clips.iter().map(|clip| clip.id).collect();
        let growing = self.clips.len().saturating_sub(usize::from(self.going.is_some()));
        let ended = |(place, clip): (usize, &Clip)| clip.ended.is_some() == (place < growing);
        ids.len() == self.clips.len()
            && self.clips.iter().all(|clip| clip.is_sound(camera))
            && self.clips.iter().enumerate().all(ended)
            && (self.going.is_none() || !self.clips.is_empty())
            && self.queue.iter().all(|claim| ids.contains(&claim.clip) && claim.number < SOUND)
            && self.queue.iter().all(|claim| claim.media.iter().all(Media::is_sound))
            && self.newest.iter().all(|newest| newest.name.as_deref().is_none_or(is_harmless))
            && self.queue.iter().map(|claim| claim.number).collect::<BTreeSet<_>>().len() == self.queue.iter().count()
            && self.newest.as_ref().is_none_or(|newest| newest.number < SOUND && newest.clip.0 < SOUND)
    }

    /// The highest number of a clip.
    pub fn last_id(&self) -> ClipId {
        let clips = self.clips.iter().flat_map(|clip| [Some(clip.id), clip.follows]);
        let newest = self.newest.as_ref().map(|newest| newest.clip);
        clips.chain([newest]).flatten().max().unwrap_or(ClipId(0))
    }

    /// The highest number of a segment that was wanted.
    pub fn last_number(&self) -> Option<u64> {
        self.queue.iter().map(|claim| claim.number).chain(self.newest.as_ref().map(|newest| newest.number)).max()
    }

    /// Claims that were ordered, and of which nobody has heard that they were carried out.
    pub fn ordered(&self) -> impl Iterator<Item = u64> {
        self.queue.iter().filter(|claim| claim.is_ordered()).map(|claim| claim.number)
    }

    /// The clips that grew, for the archive to go on with.
    pub fn growing(&self, camera: &CameraName) -> Vec<Grew> {
        let grew = self.clips.iter().filter_map(|clip| {
            let waiting: Vec<_> =
                self.queue.iter().filter(|claim| claim.clip == clip.id).map(|claim| claim.number).collect();
            let file = clip.file.as_ref();
            let (name, path) = (file.map(|file| file.name.clone()), file.map(|file| file.path.clone()));
            // What could not be claimed opens no file.
            let first = if name.is_some() { clip.first().map(|(number, _)| number) } else { waiting.first().copied() };
            let grew = Grew { clip: clip.id, camera: camera.clone(), name, path, first, waiting };
            grew.first.is_some().then_some(grew)
        });
        grew.collect()
    }
}

impl Saving {
    /// What a recorder after this one has to know.
    pub fn memory(&self) -> SavingMemory {
        let (going, newest) = (self.going.clone(), self.newest.clone());
        SavingMemory { going, clips: self.clips.clone(), queue: self.queue.clone(), newest }
    }

    /// When the countdown ends, if there is one.
    pub fn until(&self) -> Option<Mono> {
        self.going.as_ref().map(|going| going.until)
    }

    /// Whether that would be the same.
    pub fn is_as(&self, memory: &SavingMemory) -> bool {
        let SavingMemory { going, clips, queue, newest } = memory;
        (&self.going, &self.newest) == (going, newest) && self.queue == *queue && self.clips == *clips
    }

    /// Goes on with what an earlier recorder was saving. `place` tells where a claimed segment lies, `gap` when no
    /// recorder ran.
    pub fn carry_on(
        &mut self,
        memory: SavingMemory,
        ids: &mut ClipIds,
        clips: &[Regrown],
        place: impl Fn(u64) -> Where,
        gap: Window<Mono>,
    ) -> Taken {
        (self.going, self.newest) = (memory.going, memory.newest);
        if let Some(going) = &mut self.going {
            going.last.kind = going.last.kind.fit(|text| fit_for_screen(text, 200));
        }
        let mut taken = Taken::default();
        for mut clip in memory.clips {
            clip.interrupted(gap);
            self.clips.push_back(clip);
        }
        for claim in memory.queue.into_claims() {
            self.take_over(claim, &place, &mut taken);
        }
        let grew: Vec<_> = self.clips.iter().map(|clip| clip.id).collect();
        for clip in grew {
            let state = clips.iter().find(|found| found.clip == clip).map(|found| found.state.clone());
            self.regrown(Regrown { clip, state: state.unwrap_or(Remains::Nothing) }, ids, &mut taken);
        }
        taken
    }

    /// One claim.
    fn take_over(&mut self, mut claim: Claim, place: impl Fn(u64) -> Where, taken: &mut Taken) {
        let number = claim.number;
        let cause = match place(number) {
            Where::Claimed(bytes) => {
                claim.is_held(bytes);
                taken.held.push(number);
                return self.queue.push(claim);
            }
            Where::Slot => {
                claim.is_to_be_claimed();
                taken.to_claim.push(number);
                return self.queue.push(claim);
            }
            // Only the one that was being appended can be stored: the next is given after that is heard of.
            Where::Nowhere if claim.may_be_stored() => {
                claim.is_in_doubt();
                return self.queue.push(claim);
            }
            Where::Nowhere if claim.is_ordered() => "FFmpeg has written over it while no recorder ran",
            Where::Nowhere => VANISHED,
        };
        self.note_loss(&claim, cause);
        taken.lost.push((claim, cause));
    }

    /// The archive has looked for a clip that grew when its recorder was killed, or cannot yet.
    pub fn regrown(&mut self, found: Regrown, ids: &mut ClipIds, taken: &mut Taken) {
        let Regrown { clip: id, state } = found;
        let Some(clip) = self.clips.iter_mut().find(|clip| clip.id == id && clip.away) else { return };
        clip.away = false;
        // What it holds beyond the segments that are known to be in it.
        let mut more = None;
        match state {
            Remains::Away => {
                clip.away = true;
                return;
            }
            Remains::Growing { file, added } => {
                clip.grows(file.clone(), &added);
                let bytes = clip.unaccounted();
                more = (bytes > 0).then_some(Added { bytes, frames: 0, hole: None, ..added });
                // Whoever goes on from it may not have heard of its name.
                self.opened(id, file);
            }
            Remains::Closed { path } => {
                taken.closed.push((id, path));
                self.close_left(id, ids);
            }
            Remains::Nothing => clip.is_gone(),
            Remains::Elsewhere { path } => {
                taken.elsewhere.push(path);
                // It has left RAM because it was durable there.
                taken.stored.extend(self.queue.doubted(id).map(|claim| claim.number));
                self.close_left(id, ids);
                self.clips.retain(|clip| clip.id != id);
            }
        }
        if let Some(claim) = self.queue.doubted(id) {
            self.judge(claim, more.as_ref(), taken);
        }
    }

    /// A claim that was being appended, whose clip can be read now.
    fn judge(&mut self, claim: Claim, more: Option<&Added>, taken: &mut Taken) {
        match more {
            Some(added) => {
                if let Some(clip) = self.clips.iter_mut().find(|clip| clip.id == claim.clip) {
                    clip.stored(&claim, added);
                }
                taken.stored.push(claim.number);
            }
            None => {
                self.note_loss(&claim, VANISHED);
                taken.lost.push((claim, VANISHED));
            }
        }
    }

    /// A clip turned out to be closed, or out of reach. What is still wanted of it goes on in another.
    fn close_left(&mut self, id: ClipId, ids: &mut ClipIds) {
        let Some(place) = self.clips.iter().position(|clip| clip.id == id) else { return };
        let growing = self.going.is_some() && place + 1 == self.clips.len();
        let clip = &mut self.clips[place];
        clip.closing = true;
        if growing || self.queue.holds(id) {
            let (end, cause): (Mono, Arc<str>) = (clip.end(), "it was in no segment".into());
            let next = clip.go_on(ids.next(), end, cause);
            self.clips.insert(place + 1, next);
            self.rename(id, place + 1);
        }
    }
}
