//! What can be judged only when all keys are known.

use super::section::Notes;
use super::value::shown;
use crate::model::settings::{Ring, Settings, Trigger};
use std::collections::BTreeMap;
use std::time::Duration;

/// Where in the file the values stand that are judged here.
pub(super) struct Places {
    pub(super) ring_dir: Option<usize>,
    pub(super) slots: Option<usize>,
    pub(super) archive_dir: Option<usize>,
    pub(super) keep: Option<usize>,
    pub(super) tls_listen: Option<usize>,
    /// Each camera's block.
    pub(super) cameras: Vec<usize>,
}

/// How much later than its cause a mail may come without losing pre-roll.
const LATE_MAIL: Duration = Duration::from_secs(10);

/// Most slots of a ring: what `ring.slots` accepts.
const MAX_SLOTS: u128 = 1000;

/// Names and aliases share one name space, because a mail may use either.
pub(super) fn names(settings: &Settings, places: &Places, notes: &Notes) {
    let mut taken = BTreeMap::new();
    for (index, (camera, at)) in settings.cameras.iter().zip(&places.cameras).enumerate() {
        let alias = camera.alias.iter().map(|word| (word.as_str(), "camera.alias"));
        for (word, key) in std::iter::once((camera.name.as_str(), "camera.name")).chain(alias) {
            match taken.insert(word, index) {
                None => {}
                Some(first) if first == index => {
                    notes.mistake(*at, format!("{key}: {} has the name \"{word}\" twice (leave one out)", camera.name));
                }
                Some(first) => {
                    let other = &settings.cameras[first].name;
                    notes.mistake(*at, format!("{key}: \"{word}\" already means camera {other} (write another one)"));
                }
            }
        }
    }
}

/// Whether values that are each right are right together. `table` is `[trigger]`, judged if there is no camera yet.
pub(super) fn together(settings: &Settings, table: &Trigger, places: &Places, notes: &Notes) {
    ring(settings, table, places, notes);
    let (ring, archive) = (&settings.ring.dir, &settings.archive.dir);
    if ring.starts_with(archive) || archive.starts_with(ring) {
        let at = places.archive_dir.or(places.ring_dir).unwrap_or_default();
        let remedy = "write two directories of which neither holds the other: the ring in RAM, the archive on a disk";
        notes.mistake(
            at,
            format!("archive.dir {} and ring.dir {} overlap ({remedy})", archive.display(), ring.display()),
        );
    }
    if settings.smtp.tls.listen.is_some_and(|secure| secure == settings.smtp.listen && secure.port() != 0) {
        let at = places.tls_listen.unwrap_or_default();
        let remedy = "write another port, for example 6790; STARTTLS needs none of its own";
        notes.mistake(at, format!("smtp.tls_listen is the same as smtp.listen ({remedy})"));
    }
    let day = Duration::from_secs(24 * 3600);
    if let Some(keep) = settings.archive.keep.filter(|keep| *keep < day) {
        let at = places.keep.unwrap_or_default();
        notes.warning(
            at,
            format!("archive.keep: clips go after only {} (if that is not meant, write \"30d\")", shown(keep)),
        );
    }
    if settings.cameras.is_empty() {
        notes.warning(0, "there is no camera yet (add a [[camera]] block, see nvr.toml.example)".into());
    }
}

/// Whether the ring holds what the cameras' pre-rolls ask for.
fn ring(settings: &Settings, table: &Trigger, places: &Places, notes: &Notes) {
    let ring = &settings.ring;
    let cameras = settings.cameras.iter().zip(&places.cameras);
    let wants = cameras.map(|(camera, at)| (camera.trigger.pre_roll, format!("camera {}", camera.name), *at));
    let longest = wants.max_by_key(|(pre_roll, ..)| *pre_roll);
    let (pre_roll, who, at) = longest.unwrap_or((table.pre_roll, "[trigger]".into(), 0));
    let at = places.slots.unwrap_or(at);
    let have = u128::from(ring.slots);
    let (needed, wise) = (slots_for(pre_roll, ring), slots_for(pre_roll + LATE_MAIL, ring));
    let (segment, pre_roll) = (shown(ring.segment), shown(pre_roll));
    let holds = format!("ring.slots: {have} slots of {segment}");
    if needed > MAX_SLOTS {
        notes.mistake(
            at,
            format!("{holds} never hold the pre_roll of {pre_roll} of {who} (write a longer ring.segment)"),
        );
    } else if have < needed {
        notes.mistake(
            at,
            format!(
                "{holds} do not hold the pre_roll of {pre_roll} of {who} and two segments (write slots = {needed})"
            ),
        );
    } else if have < wise {
        let late = shown(LATE_MAIL);
        notes.warning(
            at,
            format!("{holds} leave {who} less pre_roll when a mail is {late} late (write slots = {wise})"),
        );
    }
}

/// How many slots hold `span` and two segments: the one being written and the one that the window's edge cuts.
fn slots_for(span: Duration, ring: &Ring) -> u128 {
    span.as_nanos().div_ceil(ring.segment.as_nanos().max(1)) + 2
}
