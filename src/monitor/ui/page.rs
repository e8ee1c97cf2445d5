//! What fills the screen, and what only belongs to that.

use super::look::Look;
use crate::model::id::CameraName;
use crate::model::question::{ClipDetails, Said};
use crate::model::snapshot::{ClipView, Snapshot};
use crate::monitor::keys::Place;
use std::sync::Arc;

/// What fills the screen.
#[derive(Debug, Clone)]
pub enum Page {
    /// Cameras, and the ends of the lists.
    Cameras,
    /// The clip list.
    Clips,
    /// The copy log.
    Copies,
    /// The journal.
    Journal,
    /// Who connected to the mail port.
    Mail,
    /// One of those connections.
    Session(Talk),
    /// One clip and its record.
    Clip(Details),
    /// What a camera's FFmpeg said.
    Stderr(Words),
    /// Pictures.
    Look(Look),
    /// The help, scrolled down by so many lines.
    Help(u16),
}

impl Page {
    /// For the key table.
    pub fn place(&self) -> Place {
        match self {
            Page::Cameras => Place::Cameras,
            Page::Clips => Place::Clips,
            Page::Copies => Place::Copies,
            Page::Journal => Place::Journal,
            Page::Mail => Place::Mail,
            Page::Session(_) => Place::Session,
            Page::Clip(_) => Place::Clip,
            Page::Stderr(_) => Place::Stderr,
            Page::Look(_) => Place::Look,
            Page::Help(_) => Place::Help,
        }
    }

    /// How far a page of text is scrolled down, in lines.
    pub fn scroll(&mut self) -> Option<&mut u16> {
        match self {
            Page::Clip(details) => Some(&mut details.scroll),
            Page::Stderr(words) => Some(&mut words.scroll),
            Page::Session(talk) => Some(&mut talk.scroll),
            Page::Help(scroll) => Some(scroll),
            Page::Cameras | Page::Clips | Page::Copies | Page::Journal | Page::Mail | Page::Look(_) => None,
        }
    }

    /// The clip, on a page about one.
    pub fn details(&mut self) -> Option<&mut Details> {
        if let Page::Clip(details) = self { Some(details) } else { None }
    }

    /// What FFmpeg said, on a page about that.
    pub fn words(&mut self) -> Option<&mut Words> {
        if let Page::Stderr(words) = self { Some(words) } else { None }
    }

    /// The pictures, on a page of some.
    pub fn look(&mut self) -> Option<&mut Look> {
        if let Page::Look(look) = self { Some(look) } else { None }
    }
}

/// What was said on one connection; the list of them has all of it.
#[derive(Debug, Clone, Copy)]
pub struct Talk {
    /// Which connection.
    pub number: u64,
    /// Scrolled down by so many lines.
    pub scroll: u16,
}

/// One clip and its record.
#[derive(Debug, Clone)]
pub struct Details {
    /// Its name.
    pub name: String,
    /// What there is, or why it cannot be told; `None`: not heard yet.
    pub shown: Option<Result<Arc<ClipDetails>, String>>,
    /// Scrolled down by so many lines.
    pub scroll: u16,
    awaiting: bool,
    /// As the picture showed it when it was last asked for: a growing clip is asked for again.
    asked: Option<Option<ClipView>>,
}

impl Details {
    /// A clip to be looked at.
    pub fn new(name: String) -> Self {
        Self { name, shown: None, scroll: 0, awaiting: false, asked: None }
    }

    /// Whether it has to be asked for.
    pub fn question(&mut self, snapshot: &Snapshot) -> bool {
        let now = snapshot.clips.iter().find(|clip| clip.name == self.name);
        if self.awaiting || self.asked.as_ref().is_some_and(|then| then.as_ref() == now) {
            return false;
        }
        (self.awaiting, self.asked) = (true, Some(now.cloned()));
        true
    }

    /// The answer.
    pub fn found(&mut self, shown: Result<ClipDetails, String>) {
        (self.awaiting, self.shown) = (false, Some(shown.map(Arc::new)));
    }

    /// What was answered, or is being answered, is not true any more.
    pub fn doubted(&mut self) {
        self.asked = None;
    }

    /// Whatever was asked will not be answered.
    pub fn forsaken(&mut self) {
        (self.awaiting, self.asked) = (false, None);
    }
}

/// What a camera's FFmpeg said last.
#[derive(Debug, Clone)]
pub struct Words {
    /// Whose.
    pub camera: CameraName,
    /// Newest last; `None`: not heard yet.
    pub lines: Option<Result<Vec<Said>, String>>,
    /// Scrolled down by so many lines.
    pub scroll: u16,
    awaiting: bool,
    fresh: bool,
}

impl Words {
    /// Of a camera.
    pub fn new(camera: CameraName) -> Self {
        Self { camera, lines: None, scroll: 0, awaiting: false, fresh: false }
    }

    /// Something happened, perhaps to this camera.
    pub fn picture(&mut self) {
        self.fresh = false;
    }

    /// Whether they have to be asked for.
    pub fn question(&mut self) -> bool {
        let ask = !self.awaiting && !self.fresh;
        if ask {
            (self.awaiting, self.fresh) = (true, true);
        }
        ask
    }

    /// The answer.
    pub fn found(&mut self, lines: Result<Vec<Said>, String>) {
        (self.awaiting, self.lines) = (false, Some(lines));
    }

    /// Whatever was asked will not be answered.
    pub fn forsaken(&mut self) {
        (self.awaiting, self.fresh) = (false, false);
    }
}
