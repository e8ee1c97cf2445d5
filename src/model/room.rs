//! Whether the ring's file system has room for what comes next. FFmpeg does not say that it has not: it goes on counting
//! frames and writes empty files.

use super::event::Space;
use super::out::Out;
use super::recorder::Recorder;
use super::snapshot::{Level, Topic};

impl Recorder {
    /// How much room there is, as seen just now. Trouble and its end are each said once.
    pub(super) fn ring_space(&mut self, out: &mut Out, space: Space) {
        self.ram = Some(space);
        let short = self.short_of_room(space);
        if short && self.no_room.is_none() {
            let dir = self.settings.ring.dir.display();
            let text = format!(
                "the ring {dir} has almost no room left; footage is, or soon will be, lost (make ring.dir's file \
                 system larger, or ring.slots smaller)"
            );
            out.say(Level::Error, Topic::Ring, None, &text);
            self.no_room = Some(text);
        } else if !short && self.no_room.take().is_some() {
            out.say(Level::Info, Topic::Ring, None, "the ring has room again");
        }
        for camera in &mut self.cameras {
            camera.no_room = short;
        }
    }

    /// Less than a fiftieth, or than two segments of every camera. What is short is so until there is twice that, for
    /// room comes and goes with each segment.
    fn short_of_room(&self, space: Space) -> bool {
        let largest = |segments: &mut dyn Iterator<Item = u64>| segments.max().unwrap_or(0);
        let each = self.cameras.iter().map(|camera| largest(&mut camera.ring.segments().map(|segment| segment.bytes)));
        let two = each.fold(0, u64::saturating_add).saturating_mul(2);
        let needed = two.max(space.total / 50);
        let needed = if self.no_room.is_some() { needed.saturating_mul(2) } else { needed };
        space.free < needed.min(space.total)
    }
}
