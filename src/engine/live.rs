//! What changes in the engine's hands when the configuration is read again.

use super::Engine;
use crate::model::event::Event;
use crate::model::id::CameraName;
use crate::model::settings::{Archive, Camera, Settings, Smtp};
use std::sync::Arc;
use tokio::sync::watch;

/// Settings that hands look at again and again, so that they can change while those work.
pub(super) struct Live {
    /// Retention's limits.
    pub(super) rules: watch::Sender<Archive>,
    /// Who may send mail, and what that may cost.
    pub(super) smtp: watch::Sender<Arc<Smtp>>,
    /// Whose hosts are looked up.
    pub(super) cameras: watch::Sender<Vec<Arc<Camera>>>,
}

impl Live {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            rules: watch::Sender::new(settings.archive.clone()),
            smtp: watch::Sender::new(Arc::new(settings.smtp.clone())),
            cameras: watch::Sender::new(settings.cameras.clone()),
        }
    }

    /// Shows what has changed, and only to whom it has.
    pub(super) fn adopt(&self, settings: &Settings) {
        show(&self.rules, &settings.archive);
        show(&self.smtp, &Arc::new(settings.smtp.clone()));
        show(&self.cameras, &settings.cameras);
    }
}

fn show<T: PartialEq + Clone>(to: &watch::Sender<T>, new: &T) {
    to.send_if_modified(|now| {
        let differs = now != new;
        if differs {
            now.clone_from(new);
        }
        differs
    });
}

impl Engine {
    pub(super) fn adopt(&mut self, settings: Arc<Settings>) {
        self.live.adopt(&settings);
        self.settings = settings;
    }

    /// What cannot be made or watched is said; the camera's start tries again to make it, and the sweep sees it unwatched.
    pub(super) fn open_ring(&mut self, camera: CameraName) {
        let made = self.ring.add(&camera);
        let watched = self.watcher.add(&camera);
        let trouble = made.as_ref().err().or(watched.as_ref().err());
        self.done.extend(trouble.cloned().map(Event::Note));
        self.done.push_back(Event::RingOpened { camera, first: made.unwrap_or(0) });
    }

    /// No FFmpeg writes there any more.
    pub(super) fn close_ring(&mut self, camera: &CameraName) {
        self.watcher.remove(camera);
        self.memories.forget(camera);
        self.ring.remove(camera);
    }
}
