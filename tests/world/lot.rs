//! A recorder that is killed between any two of its orders, what outlives it, and the next one that goes on with that.

use crate::script::{Act, Mood, ms, settings};
use crate::sim::{Happening, World};
use nvr::model::budget::Spent;
use nvr::model::effect::{Append, Effect};
use nvr::model::event::Event;
use nvr::model::id::{CameraName, ClipId};
use nvr::model::memory::{Grew, Left, LeftFile, Memory, Regrown, Remains};
use nvr::model::recorder::{Input, Recorder, Remembered};
use nvr::model::time::{Anchor, Mono, Window};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// What outlives a recorder, besides rings and archive.
#[derive(Debug, Default)]
pub struct Lot {
    pub dead: bool,
    /// So many orders are carried out yet; then it is killed.
    pub orders: Option<usize>,
    pub memory: Option<Memory>,
    /// Memories so far.
    pub notes: usize,
    pub armed: BTreeMap<CameraName, bool>,
    pub spent: Spent,
    /// When no recorder ran, nor the FFmpeg of the last one.
    pub gaps: Vec<(Mono, Mono)>,
    /// When the first footage of an FFmpeg may have begun, of which perhaps nobody heard.
    pub unsure: Vec<Window<Mono>>,
    /// Clips that went over to a next recorder.
    pub carried: BTreeSet<ClipId>,
    /// Clips that nobody could look for yet, since the archive is down.
    pub away: Vec<Grew>,
    /// What lay in RAM out of FFmpeg's reach at the last start.
    left: BTreeSet<u64>,
}

impl Lot {
    /// Whether the recorder lives to see this order carried out.
    pub fn outlives(&mut self, _: &Effect) -> bool {
        self.dead |= self.orders == Some(0);
        self.orders = self.orders.map(|orders| orders.saturating_sub(1));
        !self.dead
    }

    pub fn remember(&mut self, memory: Memory) {
        self.notes += 1;
        self.memory = Some(memory);
    }
}

/// How far the archive came with what it was doing, of which the recorder did not hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unheard {
    Nothing,
    /// Footage is durable, and its segment still lies in RAM.
    Durable,
    /// All is done.
    Done,
}

/// One kill.
#[derive(Debug, Clone)]
pub struct Kill {
    pub at: Mono,
    /// It happens after so many orders more, or when nothing has been ordered for three seconds.
    pub orders: usize,
    pub unheard: Unheard,
    /// No recorder runs for so long.
    pub down: Duration,
    /// FFmpeg outlives its recorder for so long.
    pub left_behind: Duration,
}

impl World {
    /// Kills the recorder, lets time pass, and starts the next one.
    pub fn kill(&mut self, kill: &Kill) {
        self.run(kill.at.max(self.now));
        self.lot.orders = Some(kill.orders);
        for _ in 0..150 {
            if self.lot.dead {
                break;
            }
            self.run(self.now + ms(20));
        }
        (self.lot.dead, self.lot.orders) = (true, None);
        let died = self.now;
        self.doubt_the_first();
        self.finish_in_the_archive(kill.unheard);
        self.run(self.now + kill.left_behind);
        self.end_ffmpeg();
        let silent = self.now;
        self.run(died + kill.down.max(kill.left_behind));
        self.lot.gaps.push((silent, self.now));
        self.restart();
    }

    /// What was to be carried out when the recorder was killed.
    pub fn leave(&mut self, effect: Effect) {
        // Its last words may get lost. What they tell is in the memory too; here it is they that are looked at.
        if let Effect::Log(entry) = effect {
            self.journal.push(entry);
        }
    }

    /// Nobody is there to hear the rest.
    pub fn act_on_the_living(&mut self, act: Act) {
        if self.lot.dead {
            return;
        }
        let (wanted, notes) = (self.wanted.len(), self.lot.notes);
        self.act(act);
        if self.lot.dead && self.lot.notes == notes {
            // It was killed before it took notice.
            self.wanted.truncate(wanted);
        }
    }

    /// A recorder that is killed when its FFmpeg has just begun does not tell when that was.
    fn doubt_the_first(&mut self) {
        let Some((started, _)) = self.starts.last() else { return };
        if let Some(first) = self.footage.values().find(|span| span.from >= *started) {
            self.lot.unsure.push(Window { from: first.from - self.script.segment * 2, to: first.from });
        }
    }

    fn end_ffmpeg(&mut self) {
        if let Some(mut ffmpeg) = self.ffmpeg.take() {
            self.finish(&mut ffmpeg);
        }
    }

    fn finish_in_the_archive(&mut self, unheard: Unheard) {
        let keys: Vec<_> = self.agenda.keys().copied().collect();
        for key in keys {
            match self.agenda.remove(&key).expect("it is there") {
                Happening::Appended(append) => self.finish_append(append, unheard),
                Happening::Closed(clip, record) => {
                    if unheard == Unheard::Done {
                        self.close(clip, record);
                    }
                }
                // What people do is theirs, and FFmpeg may live on. What it tells reaches nobody.
                other @ (Happening::Act(_)
                | Happening::Switch(_)
                | Happening::Over(..)
                | Happening::Freeze(_)
                | Happening::Progress(_)) => drop(self.agenda.insert(key, other)),
                Happening::Input(_) | Happening::Followed(_) | Happening::Found => {}
            }
        }
    }

    fn finish_append(&mut self, append: Append, unheard: Unheard) {
        if unheard == Unheard::Nothing {
            return;
        }
        let number = append.segment.number;
        let (clip, file) = (append.clip, self.claimed[&number]);
        self.append(append);
        if unheard == Unheard::Durable && self.knows(clip, (file.serial, number)) {
            self.claimed.insert(number, file);
        }
    }

    /// Whether a clip holds this footage already.
    pub fn knows(&self, clip: ClipId, footage: (u64, u64)) -> bool {
        self.clips.get(&clip).is_some_and(|clip| clip.footage.contains(&footage))
    }

    /// A segment that was appended before and could not be let go.
    pub fn recognise(&mut self, append: Append) {
        let (clip, segment) = (append.clip, append.segment);
        let file = self.claimed.remove(&segment.number).expect("it was claimed");
        let mut added = self.grown(clip);
        added.bytes = file.bytes;
        self.apply(Input::Event(Event::Appended { clip, segment, added }));
    }

    fn restart(&mut self) {
        // FFmpegs that never came to be tell nothing.
        self.agenda.retain(|_, happening| matches!(happening, Happening::Act(_)));
        let anchor = Anchor { mono: self.now, wall: self.anchor.wall(self.now) };
        let settings = Arc::new(settings(&self.script, &[&self.camera]));
        let mut left = BTreeMap::new();
        match self.lot.memory.clone() {
            None => {
                assert!(self.claimed.is_empty(), "claimed before anything was noted");
                self.slots.clear();
            }
            Some(memory) => {
                let json = serde_json::to_string(&memory).expect("JSON");
                assert_eq!(memory, serde_json::from_str(&json).expect("and back"));
                memory.fits(&self.camera, &settings.ring, self.now).expect("it is ours");
                let (slots, claimed, clips) = self.find(&memory);
                left.insert(self.camera.clone(), Left { memory, slots, claimed, clips, outlived: false });
            }
        }
        let first = self.claimed.keys().next_back().map(|last| (self.camera.clone(), last + 1));
        let (armed, spent) = (self.lot.armed.clone(), self.lot.spent.clone());
        let remembered = Remembered { armed, spent, first: first.into_iter().collect(), left };
        self.armed = self.lot.armed.get(&self.camera).copied().unwrap_or(true);
        (self.recorder, self.appending, self.lot.dead) = (Recorder::new(settings, &remembered, anchor), false, false);
        self.with_archive = None;
        self.apply(Input::Event(Event::Clock { anchor, day: "2026-11-22".into() }));
        self.apply(Input::Event(Event::Began { earlier: None }));
    }

    /// What an engine finds before it starts its recorder.
    fn find(&mut self, memory: &Memory) -> (Vec<LeftFile>, Vec<LeftFile>, Vec<Regrown>) {
        let grew = memory.growing(&self.camera);
        (self.lot.left, self.lot.away) = (self.claimed.keys().copied().collect(), Vec::new());
        let outage = self.script.outages.iter().find(|(from, to)| (*from..*to).contains(&self.now)).copied();
        let clips = match outage {
            None => self.look_for(grew),
            Some((_, over)) => {
                self.plan(over, Happening::Found);
                self.lot.away = grew;
                let away = |grew: &Grew| Regrown { clip: grew.clip, state: Remains::Away };
                self.lot.away.iter().map(away).collect()
            }
        };
        let file = |(&number, file): (&u64, &crate::sim::File)| {
            assert!(!file.open, "an FFmpeg still writes");
            LeftFile { number, bytes: file.bytes, written: file.written }
        };
        let slots = self.slots.iter().map(|(&slot, it)| file((&u64::from(slot), it))).collect();
        (slots, self.claimed.iter().map(file).collect(), clips)
    }

    /// The archive is there again, and looks for what an earlier recorder left.
    pub fn found(&mut self) {
        let clips = self.look_for(self.lot.away.clone());
        self.lot.away.clear();
        self.apply(Input::Event(Event::Regrown(clips)));
    }

    /// What the archive does with what an earlier recorder left.
    fn look_for(&mut self, grew: Vec<Grew>) -> Vec<Regrown> {
        let waiting: BTreeSet<u64> = grew.iter().flat_map(|grew| grew.waiting.iter().copied()).collect();
        let unknown: Vec<_> = self
            .claimed
            .keys()
            .copied()
            .filter(|number| !waiting.contains(number) && self.lot.left.contains(number))
            .collect();
        for number in unknown {
            // The archive makes a clip of its own of what fitted into no other.
            let file = self.claimed.remove(&number).expect("it is there");
            assert!(self.script.moods.contains(&Mood::Different), "claimed and forgotten: {number}, {file:?}");
            self.refused.insert(file.serial);
        }
        let clips: Vec<Regrown> =
            grew.iter().map(|grew| Regrown { clip: grew.clip, state: self.remains(grew) }).collect();
        let growing = clips.iter().filter(|clip| matches!(clip.state, Remains::Growing { .. }));
        self.lot.carried.extend(growing.map(|clip| clip.clip));
        let forgotten = |(id, clip): &(&ClipId, &crate::shelf::Stored)| {
            !clip.closed && clips.iter().all(|found| found.clip != **id)
        };
        let forgotten: Vec<_> = self.clips.iter().filter(forgotten).collect();
        assert!(forgotten.is_empty(), "clips that nobody goes on with: {forgotten:?}");
        clips
    }

    fn remains(&self, grew: &Grew) -> Remains {
        let Some(stored) = self.clips.get(&grew.clip) else {
            assert_eq!(grew.name, None, "it had a file");
            return Remains::Nothing;
        };
        // One whose name had not been told is known by its first segment.
        let name = format!("front_{}", grew.clip.0);
        let first = stored.footage.first().map(|(_, number)| *number);
        assert!(grew.name.as_ref() == Some(&name) || (grew.name.is_none() && grew.first == first), "{grew:?}");
        if stored.closed {
            return Remains::Closed { path: format!("/clips/{}.mp4", grew.clip.0) };
        }
        let (path, start) = (format!("/clips/{name}.part"), self.anchor.wall(self.now));
        let file = nvr::model::clip::ClipFile { name, start, path };
        Remains::Growing { file, added: self.grown(grew.clip) }
    }
}
