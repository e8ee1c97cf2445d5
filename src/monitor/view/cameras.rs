//! The cameras, and below them the ends of the lists.

use super::rows::{self, ClipRow, CopyRow, EntryRow};
use super::{Card, Scene, Wake};

/// What the first page shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CamerasBody {
    /// One for each camera that is shown.
    pub cards: Vec<Card>,
    /// Which card has the focus.
    pub focus: usize,
    /// Cameras that are not shown, because their names lack the words that are looked for.
    pub hidden: usize,
    /// Those words.
    pub find: String,
    /// Cameras in trouble come first.
    pub troubled_first: bool,
    /// The last copies, newest first.
    pub copies: Vec<CopyRow>,
    /// The last clips, newest first.
    pub clips: Vec<ClipRow>,
    /// The last sentences, newest first.
    pub journal: Vec<EntryRow>,
}

impl CamerasBody {
    pub(super) fn of(scene: &Scene, wake: &mut Wake) -> Self {
        let Some(snapshot) = scene.snapshot else { return Self::default() };
        let chosen = &scene.ui.cameras;
        let shown = chosen.shown(snapshot);
        Self {
            focus: chosen.place(&shown),
            hidden: snapshot.cameras.len() - shown.len(),
            find: chosen.find.text().to_owned(),
            troubled_first: chosen.troubled_first,
            cards: shown.into_iter().map(|camera| Card::of(camera, snapshot, scene, wake)).collect(),
            copies: rows::copies(snapshot.copies.iter().rev(), snapshot, scene.zone, wake.now),
            clips: rows::clips(snapshot.clips.iter(), snapshot, scene.zone, wake.now),
            journal: rows::journal(snapshot.journal.iter().rev(), snapshot, scene.zone, wake.now),
        }
    }
}
