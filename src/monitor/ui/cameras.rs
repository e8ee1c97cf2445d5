//! Which cameras are shown, in which order, and which of them keys act on.

use super::find::Find;
use super::list::Motion;
use crate::model::id::CameraName;
use crate::model::snapshot::{CameraState, CameraView, Snapshot};

/// The person's choice of cameras.
#[derive(Debug, Clone, Default)]
pub struct Cameras {
    /// By name, so that it stays the same camera when others come and go.
    focus: Option<CameraName>,
    /// Words that a camera's name must have.
    pub find: Find,
    /// Those in trouble first.
    pub troubled_first: bool,
}

impl Cameras {
    /// The cameras that are shown, in their order.
    pub fn shown<'a>(&self, snapshot: &'a Snapshot) -> Vec<&'a CameraView> {
        let wanted = |camera: &&CameraView| self.find.matches(camera.name.as_str());
        let mut shown: Vec<_> = snapshot.cameras.iter().filter(wanted).collect();
        if self.troubled_first {
            shown.sort_by_key(|camera| urgency(camera));
        }
        shown
    }

    /// The focused camera's place among those that are shown; 0 if it is not.
    pub fn place(&self, shown: &[&CameraView]) -> usize {
        let focused = |name: &CameraName| shown.iter().position(|camera| camera.name == *name);
        self.focus.as_ref().and_then(focused).unwrap_or(0)
    }

    /// The camera that keys act on.
    pub fn chosen<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a CameraView> {
        let shown = self.shown(snapshot);
        shown.get(self.place(&shown)).copied()
    }

    /// A newer picture is here. The focus holds on to its camera: when the order changes by itself, no key may act on
    /// another one than was seen. While words are typed it waits for what they find in the end.
    pub fn picture(&mut self, snapshot: &Snapshot) {
        if !self.find.typing {
            self.focus = self.chosen(snapshot).map(|camera| camera.name.clone()).or(self.focus.take());
        }
    }

    /// Trouble first, or the order of the configuration again. Whoever asks for trouble wants to see it: the focus goes
    /// to the first of it. Without any, and on the way back, it stays with its camera.
    pub fn sort(&mut self, snapshot: Option<&Snapshot>) {
        self.troubled_first = !self.troubled_first;
        if let Some(snapshot) = snapshot.filter(|_| self.troubled_first)
            && let Some(worst) = self.shown(snapshot).first().filter(|camera| urgency(camera) == IN_TROUBLE)
        {
            self.focus = Some(worst.name.clone());
        }
    }

    /// Moves the focus.
    pub fn go(&mut self, snapshot: &Snapshot, motion: Motion) {
        let shown = self.shown(snapshot);
        let camera = shown.get(motion.from(self.place(&shown), shown.len()));
        self.focus = camera.map(|camera| camera.name.clone());
    }
}

/// The urgency of a camera from which nothing comes.
const IN_TROUBLE: u8 = 0;

/// The lower, the sooner somebody should look.
fn urgency(camera: &CameraView) -> u8 {
    match camera.state {
        CameraState::NoSignal { .. } | CameraState::Stalled { .. } => IN_TROUBLE,
        CameraState::Waiting { .. } | CameraState::Connecting { .. } | CameraState::Stopped => 1,
        CameraState::Recording { .. } if camera.event.is_some() => 2,
        CameraState::Recording { .. } => 3,
    }
}
