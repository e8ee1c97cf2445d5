//! The archive of a world: it takes what is claimed, unless it is down or in the mood to refuse, and looks whether every
//! order makes sense.

use crate::script::Mood;
use crate::sim::World;
use nvr::model::effect::{Append, Follow};
use nvr::model::event::{Added, AppendFailure, Event};
use nvr::model::id::{ClipId, SegmentId};
use nvr::model::record::Record;
use nvr::model::recorder::Input;
use nvr::model::time::Mono;
use std::sync::Arc;
use std::time::Duration;

/// A clip in the archive.
#[derive(Debug, Clone)]
pub struct Stored {
    pub id: ClipId,
    /// Serials and numbers, in order.
    pub footage: Vec<(u64, u64)>,
    pub record: Arc<Record>,
    pub closed: bool,
    pub opened: Duration,
    /// As large and as long as it is now, without what is ahead.
    pub bytes: u64,
    pub length: Duration,
    /// What is in it of a segment that was not finished when it was taken.
    pub ahead: Option<Ahead>,
}

/// A part of a segment.
#[derive(Debug, Clone, Copy)]
pub struct Ahead {
    pub serial: u64,
    pub number: u64,
    /// How far it reaches.
    pub to: Mono,
}

impl Stored {
    fn takes(&self, serial: u64, number: u64) {
        assert!(!self.closed, "an append to a closed clip");
        let newer = self.footage.last().is_none_or(|last| last.0 < serial && last.1 < number);
        let goes_on =
            self.ahead.is_none_or(|part| part.number < number || (part.serial, part.number) == (serial, number));
        assert!(newer && goes_on, "out of order: {self:?} and then {number}");
    }
}

impl World {
    pub fn claim(&mut self, segment: SegmentId, slot: u32, bytes: Option<u64>) -> Event {
        self.claims += 1;
        let number = segment.number;
        self.order.push(number);
        let result = match self.slots.get(&slot).copied() {
            None => Err("No such file or directory".to_owned()),
            Some(file) if bytes.is_some_and(|bytes| bytes != file.bytes) => Err("written over".to_owned()),
            Some(file) if self.script.failing_claims.contains(&self.claims) => {
                self.refused.insert(file.serial);
                Err("Input/output error".to_owned())
            }
            Some(file) => {
                assert!(!file.open, "claimed while it was being written");
                assert!(self.claimed.insert(number, file).is_none(), "claimed twice");
                self.slots.remove(&slot);
                Ok(file.bytes)
            }
        };
        Event::Claimed { segment, result }
    }

    pub fn down(&self) -> bool {
        self.script.outages.iter().any(|(from, to)| (*from..*to).contains(&self.now))
    }

    pub fn append(&mut self, append: Append) {
        self.appending = false;
        let (clip, segment) = (append.clip, append.segment.clone());
        let file = *self.claimed.get(&segment.number).expect("what is appended was claimed");
        if !self.down() && self.knows(clip, (file.serial, segment.number)) {
            return self.recognise(append);
        }
        let mood = self.script.moods[self.appends % self.script.moods.len()];
        self.appends += usize::from(!self.down());
        let failure = match mood {
            _ if self.down() => Some(AppendFailure::Archive("the disk is full".into())),
            Mood::Takes => None,
            Mood::Fails => Some(AppendFailure::Archive("input/output error".into())),
            Mood::Different => Some(AppendFailure::Different),
            Mood::Unusable => Some(AppendFailure::Unusable("there is no footage in it".into())),
        };
        if let Some(failure) = failure {
            if matches!(failure, AppendFailure::Unusable(_)) {
                self.claimed.remove(&segment.number);
                self.refused.insert(file.serial);
            }
            return self.apply(Input::Event(Event::AppendFailed { clip, segment, failure }));
        }
        self.claimed.remove(&segment.number);
        let span = self.footage[&file.serial];
        let known = self.clips.contains_key(&clip);
        if !known {
            let (name, path) = (format!("front_{}", clip.0), format!("/clips/front_{}.part", clip.0));
            let (bytes, length) = (0, Duration::ZERO);
            let (footage, record, opened) = (vec![], append.record.clone(), append.offset);
            let new = Stored { id: clip, footage, record, closed: false, opened, bytes, length, ahead: None };
            self.clips.insert(clip, new);
            self.apply(Input::Event(Event::ClipOpened { clip, name, start: append.wall, path }));
        }
        let stored = self.clips.get_mut(&clip).expect("it is open");
        stored.takes(file.serial, segment.number);
        stored.ahead = None;
        stored.footage.push((file.serial, segment.number));
        assert!(append.offset >= stored.opened);
        (stored.bytes, stored.length) = (stored.bytes + file.bytes, append.offset + span.to.since(span.from));
        let added = Added { bytes: file.bytes, ..self.grown(clip) };
        self.apply(Input::Event(Event::Appended { clip, segment, added }));
    }

    /// A clip as it is now.
    pub fn grown(&self, clip: ClipId) -> Added {
        let stored = &self.clips[&clip];
        Added {
            bytes: 0,
            clip_bytes: stored.bytes,
            clip_length: stored.length,
            frames: 25,
            took: self.script.archive_takes,
            hole: None,
            blake3: "00".into(),
        }
    }

    /// Takes what there is of the segment that is being written.
    pub fn follow(&mut self, follow: Follow) {
        self.appending = false;
        let found = self.script.looks[self.follows % self.script.looks.len()];
        self.follows += 1;
        let Append { clip, segment, offset, .. } = follow.append;
        let there = found && !self.down() && self.now < follow.until;
        let file = self.slots.get(&follow.slot).copied().filter(|_| there);
        let added = file.map(|file| {
            let stored = self.clips.get_mut(&clip).expect("only a clip with a file is followed");
            stored.takes(file.serial, segment.number);
            let span = self.footage[&file.serial];
            let to = span.to.min(self.now);
            stored.ahead = Some(Ahead { serial: file.serial, number: segment.number, to });
            assert!(offset >= stored.opened);
            let (clip_bytes, clip_length) = (stored.bytes + 10, offset + to.since(span.from));
            Added { bytes: 10, clip_bytes, clip_length, frames: 1, ..self.grown(clip) }
        });
        let more = self.script.more.filter(|_| added.is_some());
        self.apply(Input::Event(Event::Followed { clip, segment, added, more }));
    }

    pub fn save(&mut self, clip: ClipId, record: Arc<Record>) {
        let json = serde_json::to_string(&record).expect("a record is JSON");
        assert_eq!(*record, serde_json::from_str::<Record>(&json).expect("and back"));
        self.clips.get_mut(&clip).expect("a record of a clip that exists").record = record;
    }

    pub fn close(&mut self, clip: ClipId, record: Arc<Record>) {
        let result =
            if self.down() { Err("the disk is full".to_owned()) } else { Ok(format!("/clips/{}.mp4", clip.0)) };
        if result.is_ok() {
            self.save(clip, record);
            let stored = self.clips.get_mut(&clip).expect("it exists");
            assert!(!stored.closed, "closed twice");
            stored.closed = true;
        }
        self.apply(Input::Event(Event::ClipClosed { clip, result }));
    }
}
