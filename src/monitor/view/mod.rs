//! What is to be seen, as words: made from the newest picture, the time, and what the person at the keys has chosen.
//!
//! A [`View`] holds texts that are already rounded for the eye. Two views that are equal look the same, so a frame is
//! drawn only when the view differs, and making one says when it will differ next without any news.

mod cameras;
mod card;
mod details;
mod header;
mod list;
mod look;
mod mail;
mod rows;

pub use cameras::CamerasBody;
pub use card::{Card, Countdown, State};
pub use details::{Fact, TextBody};
pub use list::{ListBody, Rows};
pub use look::{LookBody, ShotView};
pub use mail::SessionRow;
pub use rows::{ClipRow, CopyRow, EntryRow};

use super::format::Passing;
use super::keys::Place;
use super::theme::Tone;
use super::ui::page::Page;
use super::ui::{Leaving, Status, Ui};
use crate::model::snapshot::Snapshot;
use crate::model::text::fit_for_screen;
use crate::model::time::Mono;
use jiff::tz::TimeZone;
use std::time::Duration;

/// Longest text from outside that a view keeps, in characters: more than the widest line shows.
const LONGEST: usize = 300;

/// What a view is made from.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The newest picture; `None` until the first.
    pub snapshot: Option<&'a Snapshot>,
    /// The recorder's clock, which is also ours.
    pub now: Mono,
    /// For times of day.
    pub zone: &'a TimeZone,
    /// What the person has chosen.
    pub ui: &'a Ui,
}

/// Everything that can be seen.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The first line, from left to right.
    pub header: Vec<Item>,
    /// What should be mended, worst first.
    pub alerts: Vec<Note>,
    /// What fills the screen.
    pub body: Body,
    /// What the last line shows.
    pub status: Status,
    /// Whose keys it shows.
    pub place: Place,
    /// What leaving means for the recording.
    pub leaving: Leaving,
    /// Every camera is armed: the key for all of them disarms them.
    pub all_armed: bool,
    /// The picture is old: nobody sends newer ones.
    pub stale: bool,
}

/// What fills the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Cameras, and the ends of the lists.
    Cameras(CamerasBody),
    /// A list with a cursor.
    List(ListBody),
    /// Lines to read.
    Text(TextBody),
    /// Pictures.
    Look(LookBody),
    /// The help.
    Help(HelpBody),
}

/// The help.
#[derive(Debug, Clone, PartialEq)]
pub struct HelpBody {
    /// Whose keys come first.
    pub of: Place,
    /// Scrolled down by so many lines.
    pub scroll: u16,
}

/// A piece of the first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it means.
    pub tone: Tone,
    /// Its end of the line.
    pub side: Side,
    /// The same from long to short, at least one; an empty one: may be left out.
    pub forms: Vec<String>,
    /// Columns that its figures may still grow by: with them it fits as it is.
    pub spare: u16,
}

impl Item {
    fn left(tone: Tone, forms: impl IntoIterator<Item = String>) -> Self {
        Self { tone, side: Side::Left, forms: forms.into_iter().collect(), spare: 0 }
    }

    fn right(tone: Tone, forms: impl IntoIterator<Item = String>) -> Self {
        Self { tone, side: Side::Right, forms: forms.into_iter().collect(), spare: 0 }
    }

    /// The shortest that says something.
    pub fn briefly(&self) -> &str {
        self.forms.iter().rev().find(|form| !form.is_empty()).map_or("", String::as_str)
    }
}

/// An end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What is watched.
    Left,
    /// What it needs.
    Right,
}

/// A text with its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it means.
    pub tone: Tone,
    /// The words.
    pub text: String,
}

impl Note {
    fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { tone, text: text.into() }
    }
}

/// Collects when the view will look different although nothing happened.
#[derive(Debug)]
pub(super) struct Wake {
    now: Mono,
    next: Option<Mono>,
}

impl Wake {
    /// The text of something that passes.
    fn text(&mut self, passing: Passing) -> String {
        self.after(passing.lasts);
        passing.text
    }

    /// Something changes after `span`.
    fn after(&mut self, span: Duration) {
        if span < Duration::MAX {
            let then = self.now + span.max(Duration::from_millis(1));
            self.next = Some(self.next.map_or(then, |next| next.min(then)));
        }
    }
}

impl View {
    /// The view of a scene, and the instant at which it will differ next if nothing happens until then.
    pub fn of(scene: &Scene) -> (Self, Option<Mono>) {
        // A picture that nobody renews shows the moment it was taken: its clocks stand still.
        let taken = scene.ui.lost.as_ref().map(|lost| lost.at);
        let mut wake = Wake { now: taken.unwrap_or(scene.now), next: None };
        let mut clock = Wake { now: scene.now, next: None };
        let view = Self {
            header: header::header(scene, &mut wake, &mut clock),
            alerts: header::alerts(scene, &mut wake),
            body: body(scene, &mut wake),
            status: scene.ui.status(scene.now),
            place: scene.ui.place(),
            leaving: scene.ui.leaving,
            all_armed: scene.snapshot.is_some_and(|it| it.cameras.iter().all(|camera| camera.armed)),
            stale: taken.is_some(),
        };
        if view.stale {
            wake.next = None;
        }
        let next = [wake.next, clock.next, scene.ui.status_ends(scene.now)].into_iter().flatten().min();
        (view, next)
    }
}

fn body(scene: &Scene, wake: &mut Wake) -> Body {
    match scene.ui.page() {
        Page::Cameras => Body::Cameras(CamerasBody::of(scene, wake)),
        Page::Clips => Body::List(list::clips(scene, wake.now)),
        Page::Copies => Body::List(list::copies(scene, wake.now)),
        Page::Journal => Body::List(list::journal(scene, wake.now)),
        Page::Mail => Body::List(list::sessions(scene, wake.now)),
        Page::Session(talk) => Body::Text(mail::session(*talk, scene)),
        Page::Clip(details) => Body::Text(details::clip(details, scene)),
        Page::Stderr(words) => Body::Text(details::stderr(words, scene)),
        Page::Look(look) => Body::Look(look::look(look, scene)),
        Page::Help(scroll) => Body::Help(HelpBody { of: scene.ui.place_below(), scroll: *scroll }),
    }
}

/// Text from outside, as it may be drawn.
pub(super) fn outside(text: &str) -> String {
    fit_for_screen(text, LONGEST)
}

/// `1 camera`, `2 cameras`.
fn count(n: usize, of: &str) -> String {
    format!("{n} {of}{}", if n == 1 { "" } else { "s" })
}
