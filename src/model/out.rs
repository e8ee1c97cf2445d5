//! What one step of the recorder gives: orders to the hands, and lines for people.

use super::effect::Effect;
use super::id::CameraName;
use super::snapshot::{CopyView, Entry, Level, Topic};
use super::text::fit_for_screen;
use super::time::{Anchor, Mono};

/// Characters of a sentence.
const LONGEST: usize = 1000;

/// Collects while a step runs.
#[derive(Debug)]
pub struct Out {
    /// The instant of the step.
    pub now: Mono,
    /// The clocks, to turn instants into times of day.
    pub anchor: Anchor,
    /// Orders so far.
    pub effects: Vec<Effect>,
    /// Lines for the copy log.
    pub copies: Vec<CopyView>,
    /// The number of the last sentence.
    said: u64,
}

impl Out {
    /// Nothing yet; `said`: the number of the last sentence so far.
    pub fn new(now: Mono, anchor: Anchor, said: u64) -> Self {
        Self { now, anchor, effects: Vec::new(), copies: Vec::new(), said }
    }

    /// Gives an order.
    pub fn order(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Says a sentence; whatever strangers have put into it is made harmless here.
    pub fn say(&mut self, level: Level, topic: Topic, camera: Option<&CameraName>, text: impl AsRef<str>) {
        self.said = self.said.saturating_add(1);
        let (number, at) = (self.said, self.now);
        let (camera, text) = (camera.cloned(), fit_for_screen(text.as_ref(), LONGEST));
        self.order(Effect::Log(Entry { number, at, level, topic, camera, text }));
    }
}
