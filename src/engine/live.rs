//! Settings that hands look at again and again, so that they can change while those work.

use crate::model::settings::{Archive, Camera, Settings};
use ipnet::IpNet;
use std::sync::Arc;
use tokio::sync::watch;

/// Where the hands look.
pub(super) struct Live {
    /// Retention's limits.
    pub(super) rules: watch::Sender<Archive>,
    /// Who may send mail.
    pub(super) allow: watch::Sender<Vec<IpNet>>,
    /// Whose hosts are looked up.
    pub(super) cameras: watch::Sender<Vec<Arc<Camera>>>,
}

impl Live {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            rules: watch::Sender::new(settings.archive.clone()),
            allow: watch::Sender::new(settings.smtp.allow.clone()),
            cameras: watch::Sender::new(settings.cameras.clone()),
        }
    }

    /// Shows what has changed, and only to whom it has.
    pub(super) fn adopt(&self, settings: &Settings) {
        show(&self.rules, &settings.archive);
        show(&self.allow, &settings.smtp.allow);
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
