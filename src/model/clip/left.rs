//! A clip that a killed recorder left: brought up to date with what the archive has found of it.

use super::pieces::{Got, Part};
use super::{Clip, ClipFile};
use crate::model::event::Added;
use crate::model::id::CameraName;
use crate::model::memory::SOUND;
use crate::model::record::Record;
use crate::model::snapshot::Media;
use crate::model::text::{fit_for_screen, is_harmless};
use crate::model::time::{Mono, Window};
use std::sync::Arc;
use std::time::Duration;

/// Why what was stored is missing, if the file it was in is missing.
const NO_FILE: &str = "it was stored, and the clip's file is gone";

impl Clip {
    /// Whether this can be a clip of that camera at all.
    pub fn is_sound(&self, camera: &CameraName) -> bool {
        let numbers = self.pieces.iter().map(|piece| piece.number).chain(self.first.map(|(number, _)| number));
        self.camera == *camera
            && self.id.0 < SOUND
            && self.asked.from <= self.asked.to
            && numbers.max().is_none_or(|most| most < SOUND)
            && self.pieces.is_sorted_by(|one, next| one.number < next.number)
            && self.triggers.len() <= Record::MAX_TRIGGERS
            && self.interruptions.len() <= Record::MAX_INTERRUPTIONS
            && self.file.iter().all(|file| is_harmless(&file.name) && is_harmless(&file.path))
            && self.media.iter().all(Media::is_sound)
    }

    /// Where what is known to be in it ends.
    pub fn end(&self) -> Mono {
        self.pieces.last().map_or(self.asked.from, |piece| piece.span.to)
    }

    /// Bytes that are in it and of no segment that is known to be in it: another one is, at least in part.
    pub fn unaccounted(&self) -> u64 {
        let known = self.pieces.iter().fold(0, |sum: u64, piece| sum.saturating_add(piece.bytes()));
        self.bytes.saturating_sub(known)
    }

    /// It goes on growing in this file, which is as `added` says.
    pub fn grows(&mut self, file: ClipFile, added: &Added) {
        self.file = Some(file);
        self.bytes = added.clip_bytes;
        self.length = Duration::from_micros(u64::try_from(added.clip_length.as_micros()).unwrap_or(u64::MAX));
        self.blake3 = Some(Arc::clone(&added.blake3));
    }

    /// It has no file, or not any more: what comes next opens one, and what was stored is lost.
    pub fn is_gone(&mut self) {
        if self.pieces.iter().any(|piece| matches!(piece.got, Got::Stored { .. })) {
            for piece in Arc::make_mut(&mut self.pieces) {
                if matches!(piece.got, Got::Stored { .. }) {
                    piece.got = Got::Lost(NO_FILE.into());
                }
                piece.part = Part::default();
            }
        }
        (self.file, self.blake3, self.media) = (None, None, None);
        (self.bytes, self.length, self.frames, self.ahead, self.part) = (0, Duration::ZERO, 0, 0, None);
    }

    /// It goes on after a time in which no recorder ran. Nothing that was tried before counts, and nobody has looked for
    /// its file yet.
    pub fn interrupted(&mut self, gap: Window<Mono>) {
        (self.closing, self.setback, self.away) = (false, None, true);
        let room = self.interruptions.len() < Record::MAX_INTERRUPTIONS;
        match self.interruptions.last_mut().filter(|last| gap.from <= last.to) {
            // Between the two was a recorder that ended before it did anything.
            Some(last) => last.to = last.to.max(gap.to),
            None if room => self.interruptions.push(gap),
            None => {}
        }
        let triggers = self.triggers.iter().map(|(at, kind)| (*at, kind.fit(|text| fit_for_screen(text, 200))));
        self.triggers = Arc::new(triggers.collect());
    }
}
