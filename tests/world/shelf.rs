//! The archive of a world: it takes what is claimed, unless it is down or in the mood to refuse, and looks whether every
//! order makes sense.

use crate::script::Mood;
use crate::sim::World;
use nvr::model::effect::Append;
use nvr::model::event::{Added, AppendFailure, Event};
use nvr::model::id::{ClipId, SegmentId};
use nvr::model::record::Record;
use nvr::model::recorder::Input;
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
    /// As large and as long as it is now.
    pub bytes: u64,
    pub length: Duration,
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
            let new = Stored { id: clip, footage, record, closed: false, opened, bytes, length };
            self.clips.insert(clip, new);
            self.apply(Input::Event(Event::ClipOpened { clip, name, start: append.wall, path }));
        }
        let stored = self.clips.get_mut(&clip).expect("it is open");
        assert!(!stored.closed, "an append to a closed clip");
        let newer =
            stored.footage.last().is_none_or(|(serial, number)| *serial < file.serial && *number < segment.number);
        assert!(newer, "out of order: {stored:?} and then {segment}");
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
            sha256: "00".into(),
        }
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
