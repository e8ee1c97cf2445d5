//! Pictures and what is to be said of them.

use super::{Scene, outside};
use crate::model::question::{Moment, Seen};
use crate::monitor::picture::Picture;
use crate::monitor::ui::look::{Look, Shot};
use jiff::tz::TimeZone;

/// Pictures, side by side or below each other.
#[derive(Debug, Clone, PartialEq)]
pub struct LookBody {
    /// Of what.
    pub title: String,
    /// What is under way, or went wrong; may be empty.
    pub note: String,
    /// The camera's own first, then those of the footage, each in order of time.
    pub shots: Vec<ShotView>,
}

/// One picture.
#[derive(Debug, Clone, PartialEq)]
pub struct ShotView {
    /// Which one, and when it was taken.
    pub caption: String,
    /// The picture, or why it cannot be shown.
    pub picture: Result<Picture, String>,
}

pub(super) fn look(look: &Look, scene: &Scene) -> LookBody {
    let title = match &look.of {
        Seen::Camera(name) => format!("{name}: the newest picture"),
        Seen::Clip(name) => outside(name),
    };
    let (shots, trouble) = match &look.shots {
        None => (&[][..], None),
        Some(Ok(shots)) => (&shots[..], None),
        Some(Err(why)) => (&[][..], Some(outside(why))),
    };
    let waiting = if look.is_waiting() { "taking pictures …" } else { "" };
    let note = trouble.filter(|_| !look.is_waiting()).unwrap_or_else(|| waiting.to_owned());
    LookBody { title, note, shots: shots.iter().map(|shot| view(shot, scene.zone)).collect() }
}

fn view(shot: &Shot, zone: &TimeZone) -> ShotView {
    let which = match shot.which {
        Moment::Newest => "newest",
        Moment::First => "first",
        Moment::Trigger => "trigger",
        Moment::Last => "last",
        Moment::Mail => "the camera's own",
    };
    let at = shot.at.map(|at| at.to_zoned(zone.clone()).strftime(" %H:%M:%S").to_string()).unwrap_or_default();
    let picture = shot.picture.clone().map_err(|why| outside(&why));
    ShotView { caption: format!("{which}{at}"), picture }
}
