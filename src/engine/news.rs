//! What is known before anything happens, and what is left when all is over.

use crate::model::event::Event;
use crate::model::settings::Settings;
use crate::model::snapshot::Snapshot;
use crate::work::ffmpeg::Ffmpeg;
use crate::work::host::logout_warning;
use crate::work::inherit::Inherited;
use crate::work::limits;
use crate::work::reread::shown_passwords;
use crate::work::ring::not_in_ram;
use crate::work::smtp::Ports;
use std::path::Path;

/// What deserves a look, and what an earlier recorder left.
pub(super) fn first_news(
    settings: &Settings,
    warnings: Vec<String>,
    ffmpeg: &Ffmpeg,
    ports: &Ports,
    inherited: Inherited,
) -> Vec<Event> {
    let place = &settings.ring.dir;
    let Inherited { recovered, notes, warnings: left, .. } = inherited;
    let about_config =
        warnings.into_iter().chain(shown_passwords(ffmpeg, settings)).chain(limits::shortages(settings)).collect();
    let machine = not_in_ram(place).into_iter().chain(logout_warning(place));
    let waiting = left.into_iter().chain(waiting_warning(place, recovered.waiting.len()));
    let warnings = machine.chain(ports.warning.clone()).chain(waiting).map(Event::Warning);
    let found = notes.into_iter().chain(recovered.sentences).map(Event::Note);
    [Event::ConfigWarnings(about_config)]
        .into_iter()
        .chain(warnings)
        .chain(found)
        .chain([Event::ClipsFound(recovered.clips)])
        .collect()
}

/// What an earlier recorder claimed for clips that nobody goes on with, and what cannot be stored now.
fn waiting_warning(ring: &Path, segments: usize) -> Option<String> {
    (segments > 0).then(|| {
        format!(
            "{segments} segments of an earlier event wait in {}/*/claimed and are stored at the next start (make room in the \
             archive, then run: systemctl restart nvr; a reboot loses them)",
            ring.display()
        )
    })
}

/// What could not be stored before the recorder ended, seen in its last picture: a sentence with the remedy.
pub fn left_waiting(picture: &Snapshot) -> Option<String> {
    let segments: u32 = picture.cameras.iter().map(|camera| camera.backlog).sum();
    (segments > 0).then(|| {
        let (ring, trouble) = (&picture.ring.dir, picture.archive.trouble.as_deref().unwrap_or("the time was over"));
        format!(
            "{segments} segments that were wanted are not stored: {trouble} (they wait in {ring}/*/claimed, where the \
             next start goes on with them and a reboot loses them: mend the archive and start nvr again)"
        )
    })
}
