//! Pictures to look at: asked for, heard, and then developed by somebody who may take his time.

use crate::model::question::{Moment, Question, Seen, Still};
use crate::model::time::Wall;
use crate::monitor::picture::Picture;

/// Pixels across that are asked for: enough for a wide terminal, where a cell shows one.
const WIDTH: u32 = 480;

/// A page of pictures.
#[derive(Debug, Clone)]
pub struct Look {
    /// Of what.
    pub of: Seen,
    /// What there is to see, or why there is nothing; `None`: not yet.
    pub shots: Option<Result<Vec<Shot>, String>>,
    stage: Stage,
}

/// How far it is.
#[derive(Debug, Clone, PartialEq)]
enum Stage {
    /// To be asked for.
    Wanted,
    /// Asked for.
    Asked,
    /// Here, and not developed.
    Heard(Vec<Still>),
    /// Being developed, or done.
    Done,
}

/// One picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Shot {
    /// Which one.
    pub which: Moment,
    /// When it was taken.
    pub at: Option<Wall>,
    /// The picture, or why it cannot be shown.
    pub picture: Result<Picture, String>,
}

impl Look {
    /// At a camera or a clip.
    pub fn new(of: Seen) -> Self {
        Self { of, shots: None, stage: Stage::Wanted }
    }

    /// What has to be asked.
    pub fn question(&mut self) -> Option<Question> {
        if self.stage != Stage::Wanted {
            return None;
        }
        self.stage = Stage::Asked;
        Some(Question::Stills { of: self.of.clone(), width: WIDTH })
    }

    /// The answer.
    pub fn found(&mut self, stills: Result<Vec<Still>, String>) {
        if self.stage != Stage::Asked {
            return;
        }
        self.stage = match stills {
            Ok(stills) => Stage::Heard(stills),
            Err(why) => {
                self.shots = Some(Err(why));
                Stage::Done
            }
        };
    }

    /// What has to be developed, once.
    pub fn undeveloped(&mut self) -> Option<Vec<Still>> {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Heard(stills) => Some(stills),
            other @ (Stage::Wanted | Stage::Asked | Stage::Done) => {
                self.stage = other;
                None
            }
        }
    }

    /// The pictures.
    pub fn developed(&mut self, shots: Vec<Shot>) {
        self.shots = Some(Ok(shots));
    }

    /// Whether newer pictures are on their way.
    pub fn is_waiting(&self) -> bool {
        match self.stage {
            Stage::Wanted | Stage::Asked | Stage::Heard(_) => true,
            Stage::Done => self.shots.is_none(),
        }
    }

    /// Asks again, unless that is under way; what is shown stays until then.
    pub fn again(&mut self) {
        if self.stage == Stage::Done {
            self.stage = Stage::Wanted;
        }
    }

    /// Whatever was asked will not be answered.
    pub fn forsaken(&mut self) {
        if self.stage == Stage::Asked {
            self.stage = Stage::Wanted;
        }
    }
}
