//! From one recorder to the next: what each has to note down, and how one goes on where another was killed.
//!
//! A memory is given whenever it would say something new, in front of the orders of that step. So whatever was done, the
//! memory knows of; and what it knows and was not done yet is done by the next recorder's first step.

use super::camera::Camera;
use super::effect::Effect;
use super::id::{ClipId, SegmentId};
use super::memory::{Left, Memory, Regrown};
use super::out::Out;
use super::recorder::Recorder;
use super::ring::{Fate, Found, Moved, Ring, Segment};
use super::saving::{ClipIds, Taken, Where};
use super::settings;
use super::snapshot::{Level, Topic};
use super::time::{Anchor, Mono, Window};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why footage is missing while no recorder runs.
const INTERRUPTED: &str = "the recorder was interrupted (it was killed or had crashed)";
/// The same, if it ended as it should.
const STOPPED: &str = "the recorder was stopped";
/// So many countdowns are named one by one.
const NAMED: usize = 8;

/// What came over to a camera, until its first step.
#[derive(Debug)]
pub(super) struct Carried {
    /// When no recorder ran.
    gap: Window<Mono>,
    /// It had ended as it should.
    stopped: bool,
    taken: Taken,
}

/// Goes on after the clips of these memories.
pub(super) fn used_ids<'a>(memories: impl Iterator<Item = &'a Memory>) -> ClipIds {
    let mut ids = ClipIds::default();
    memories.for_each(|memory| ids.pass(memory.last_clip));
    ids
}

impl Camera {
    /// What a recorder after this one has to know, if that is news.
    fn remember(&mut self, now: Mono, anchor: &Anchor, last_clip: ClipId) -> Option<Effect> {
        if self.noted.as_ref().is_some_and(|memory| self.is_as(memory)) {
            return None;
        }
        let memory = Memory {
            version: Memory::VERSION,
            anchor: Anchor { mono: now, wall: anchor.wall(now) },
            run: self.life.run(),
            stopped: self.life.stopped(),
            down: self.life.trouble().is_some(),
            obeyed: self.obeyed,
            last_mail: self.last_mail(),
            lost: self.lost,
            last_clip,
            ring: self.ring.memory(),
            saving: self.saving.memory(),
        };
        self.noted = Some(memory.clone());
        Some(Effect::Remember { camera: self.settings.name.clone(), memory: Box::new(memory) })
    }

    fn is_as(&self, memory: &Memory) -> bool {
        // The last clip changes with those of other cameras, too, whose memories tell it then.
        let Memory { version: _, anchor: _, last_clip: _, run, stopped, down, obeyed, last_mail, lost, ring, saving } =
            memory;
        let same = (*run, *stopped, *obeyed) == (self.life.run(), self.life.stopped(), self.obeyed);
        let same = same && *last_mail == self.last_mail();
        let same = same && *down == self.life.trouble().is_some() && *lost == self.lost;
        same && self.ring.is_as(ring) && self.saving.is_as(saving)
    }

    /// Goes on where an earlier recorder was killed. `first`: segments have this number or a higher one; `lived`: then
    /// the earlier recorder still ran.
    pub(super) fn carry_on(
        &mut self,
        left: &Left,
        shape: &settings::Ring,
        first: u64,
        ids: &mut ClipIds,
        (lived, now): (Mono, Mono),
    ) {
        let claimed: BTreeMap<u64, u64> = left.claimed.iter().map(|file| (file.number, file.bytes)).collect();
        let beyond = claimed.keys().next_back().copied().max(first.checked_sub(1));
        if left.memory.fits(&self.settings.name, shape, now).is_err() {
            self.ring = Ring::new(shape.slots, shape.wrap(), beyond.map_or(0, |last| last.saturating_add(1)), now);
            return self.ring.forget(&left.slots);
        }
        let Memory { version: _, last_clip: _, anchor, run, stopped, down, obeyed, last_mail, lost, ring, saving } =
            left.memory.clone();
        let known = anchor.mono;
        let written = (!left.outlived).then(|| ring.last_written(&left.slots)).flatten();
        let gap = Window { from: written.map_or(lived, |written| written.max(lived)).min(now), to: now };
        let cause = why(stopped, down.then_some(ring.cause()));

        let ordered: Vec<u64> = saving.ordered().filter(|number| !claimed.contains_key(number)).collect();
        let taken = beyond.max(saving.last_number());
        let found = Found { slots: &left.slots, taken, to_claim: &ordered, known, segment: shape.segment };
        let there;
        (self.ring, there) = Ring::carry_on(ring, run, &found, now);
        let place = |number| match claimed.get(&number) {
            Some(bytes) => Where::Claimed(*bytes),
            None if there.contains(&number) => Where::Slot,
            None => Where::Nowhere,
        };
        let taken = self.saving.carry_on(saving, ids, &left.clips, place, gap);
        let claims: Vec<_> = self.saving.queue.iter().map(|claim| claim.number).collect();
        claims.into_iter().for_each(|number| self.ring.set(number, Fate::Claimed));
        self.judged(&taken);

        self.take_unknown(&claimed, &taken, ids);
        self.ring.blame(&cause);
        self.life.goes_on(run);
        (self.obeyed, self.lost) = (obeyed, lost);
        if let Some(at) = last_mail.filter(|at| *at <= now) {
            self.mailed_before(at);
        }
        let last = self.ring.segments().rev().find(|segment| segment.bytes > 0 && segment.closed.is_some());
        self.last_segment = last.and_then(|last| last.closed);
        self.media = self.ring.segments().rev().find_map(|segment| segment.media.clone());
        self.carried = Some(Carried { gap, stopped, taken });
    }

    /// What was claimed, and is in RAM, and nobody knows for what: it is out of the ring, and if it is wanted it is ours.
    fn take_unknown(&mut self, claimed: &BTreeMap<u64, u64>, taken: &Taken, ids: &mut ClipIds) {
        for (number, bytes) in claimed.iter().filter(|(number, _)| !taken.held.contains(number)) {
            let unknown = |segment: &&Segment| segment.number == *number && segment.fate == Fate::Gone;
            let Some(segment) = self.ring.segments().find(unknown).cloned() else { continue };
            self.ring.set(*number, Fate::Claimed);
            if self.saving.wants(&segment) {
                self.saving.claim(ids, &segment, self.settings.trigger.max_clip);
                self.saving.queue.held(*number, *bytes);
            }
        }
    }

    /// The first step: what the earlier recorder had ordered and what has come since. Clips that turned out to be closed
    /// are not done with here.
    fn resume(&mut self, out: &mut Out, ids: &mut ClipIds, taken: &Taken) {
        for number in &taken.to_claim {
            let bytes = self.ring.segments().find(|segment| segment.number == *number).map(|segment| segment.bytes);
            let segment = SegmentId { camera: self.settings.name.clone(), number: *number };
            let (slot, bytes) = (self.ring.slot(*number), bytes.filter(|bytes| *bytes > 0));
            out.order(Effect::Claim { segment, slot, bytes });
        }
        self.tell_judged(out, taken);
        self.moved(out, ids, Moved::default());
        let growing: Vec<_> = self.saving.clips().map(|clip| clip.id).collect();
        growing.into_iter().for_each(|clip| self.save_record(out, clip));
    }

    /// Which segments of an earlier recorder are stored, and which are lost.
    fn judged(&mut self, taken: &Taken) {
        let lost = taken.lost.iter().map(|(claim, _)| (claim.number, Fate::Lost));
        let stored = taken.stored.iter().map(|number| (*number, Fate::Stored));
        stored.chain(lost).for_each(|(number, fate)| self.ring.set(number, fate));
    }

    /// Says what came of it.
    fn tell_judged(&mut self, out: &mut Out, taken: &Taken) {
        for (claim, cause) in &taken.lost {
            let clip = self.clip_name(claim.clip);
            self.lose(out, claim.number, claim.bytes, clip, cause);
        }
        for path in &taken.elsewhere {
            let text = format!(
                "archive.dir has changed: the clip that grew stays in {path}, without its last name, and goes on in a new one \
                 (to have it finished, start nvr once with the archive.dir of then)"
            );
            out.say(Level::Warn, Topic::Clip, Some(&self.settings.name), text);
        }
    }

    fn save_record(&self, out: &mut Out, clip: ClipId) {
        if let Some(clip) = self.saving.clips().find(|known| known.id == clip && known.grows_now()) {
            let record = Arc::new(clip.record(&out.anchor, &self.saving.queue));
            out.order(Effect::SaveRecord { clip: clip.id, record });
        }
    }
}

/// What came over to all cameras, for one sentence.
#[derive(Debug, Default)]
struct Over {
    /// Until when the earlier recorder surely lived.
    last_life: Mono,
    killed: bool,
    claimed: usize,
    in_ring: usize,
    countdowns: Vec<String>,
}

impl Over {
    fn count(&mut self, camera: &Camera, carried: &Carried, now: Mono) {
        self.last_life = self.last_life.max(carried.gap.from);
        self.killed |= !carried.stopped;
        self.claimed += carried.taken.held.len() + carried.taken.to_claim.len();
        self.in_ring += camera.ring.segments().filter(|segment| segment.claimable()).count();
        let left = camera.saving.until().map(|until| until.since(now)).filter(|left| !left.is_zero());
        self.countdowns.extend(left.map(|left| format!("{} ({} s left)", camera.settings.name, left.as_secs())));
    }

    fn sentence(mut self, now: Mono) -> String {
        let began = match self.killed {
            true => {
                let length = now.since(self.last_life).as_secs_f64();
                format!("killed or crashed: nothing was recorded for {length:.1} s")
            }
            false => "the last recorder ended before everything was stored".to_owned(),
        };
        let over = self.countdowns.len().saturating_sub(NAMED);
        self.countdowns.truncate(NAMED);
        self.countdowns.extend((over > 0).then(|| format!("{over} more")));
        let countdowns =
            (!self.countdowns.is_empty()).then(|| format!("the countdown of {}", listed(&self.countdowns)));
        let to_store = (self.claimed > 0).then(|| format!("{} to store", segments(self.claimed)));
        let in_ring = match (self.in_ring, &to_store) {
            (0, _) => None,
            (more, Some(_)) => Some(format!("{more} in RAM")),
            (more, None) => Some(format!("{} in RAM", segments(more))),
        };
        let parts: Vec<_> = [countdowns, to_store, in_ring].into_iter().flatten().collect();
        if parts.is_empty() { began } else { format!("{began}; went on with {}", listed(&parts)) }
    }
}

/// `a, b and c`.
fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

fn segments(count: usize) -> String {
    if count == 1 { "1 segment".to_owned() } else { format!("{count} segments") }
}

/// Why footage is missing from the end of the last recorder to the first segment of this one. `down`: why none came in
/// before that.
fn why(stopped: bool, down: Option<&Arc<str>>) -> Arc<str> {
    let cause = if stopped { STOPPED } else { INTERRUPTED };
    match down {
        Some(before) if before.ends_with(cause) => before.clone(),
        Some(before) => format!("{before}; then {cause}").into(),
        None => cause.into(),
    }
}

impl Recorder {
    /// Notes down what has changed, in front of everything that this step orders.
    pub(super) fn remember(&mut self, out: &mut Out) {
        let (now, anchor, last) = (out.now, out.anchor, self.ids.last());
        let notes = self.cameras.rest(now, |camera| camera.remember(now, &anchor, last));
        out.effects.splice(0..0, notes);
    }

    /// The first step of a recorder that goes on where another was killed.
    pub(super) fn resume(&mut self, out: &mut Out) {
        let mut over = None;
        for place in 0..self.cameras.len() {
            if self.cameras[place].carried.is_none() {
                continue;
            }
            let camera = &mut self.cameras[place];
            let Some(carried) = camera.carried.take() else { continue };
            camera.resume(out, &mut self.ids, &carried.taken);
            over.get_or_insert_with(Over::default).count(camera, &carried, out.now);
            for (clip, path) in carried.taken.closed {
                self.clip_closed(out, clip, Ok(path));
            }
            self.cameras[place].settle(out);
        }
        if let Some(over) = over {
            self.carried_over = Some(over.sentence(out.now));
        }
    }

    /// The archive has looked for clips of an earlier recorder, which could not be done at the start.
    pub(super) fn regrown(&mut self, out: &mut Out, found: Vec<Regrown>) {
        for one in found {
            let (id, mut taken) = (one.clip, Taken::default());
            let Some(owner) = self.owner(id) else { continue };
            self.with(out, &owner, |camera, ids, out| {
                camera.saving.regrown(one, ids, &mut taken);
                camera.judged(&taken);
                camera.tell_judged(out, &taken);
                camera.save_record(out, id);
            });
            for (clip, path) in taken.closed {
                self.clip_closed(out, clip, Ok(path));
            }
        }
    }

    /// Says once what was carried over.
    pub(super) fn say_what_was_carried_over(&mut self, out: &mut Out) {
        if let Some(text) = self.carried_over.take() {
            out.say(Level::Warn, Topic::Recorder, None, text);
        }
    }
}
