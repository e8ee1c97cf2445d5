//! The FFmpegs of a world: they write slot after slot, crash, freeze and wrap, and the kernel tells of it as it likes.

use crate::script::{Delivery, End, ms};
use crate::sim::{File, Happening, World};
use nvr::model::event::{CameraNews, Event, Seen, SlotFile, Trouble};
use nvr::model::id::RunId;
use nvr::model::recorder::Input;
use nvr::model::snapshot::Media;
use nvr::model::time::{Mono, Window};

#[derive(Debug)]
pub struct Ffmpeg {
    pub run: RunId,
    slot: u32,
    pub open: Option<u32>,
    pub frozen: bool,
}

impl World {
    pub fn start(&mut self, run: RunId, slot: u32) {
        assert!(self.ffmpeg.is_none(), "two FFmpegs in one ring");
        self.starts.push((self.now, run));
        self.ffmpeg = Some(Ffmpeg { run, slot, open: None, frozen: false });
        self.tell(Event::Camera { camera: self.camera.clone(), run, news: CameraNews::Started }, Delivery::Prompt);
        let life = self.script.lives.iter().find(|life| self.now < life.to).cloned();
        let Some(life) = life else {
            return self.plan(self.now + ms(100), Happening::Over(run, Some("connection refused".into())));
        };
        self.plan(life.from.max(self.now + ms(50)), Happening::Switch(run));
        match life.end {
            End::Crash => self.plan(life.to, Happening::Over(run, Some("connection reset".into()))),
            End::Freeze => self.plan(life.to, Happening::Freeze(run)),
        }
    }

    pub fn switch(&mut self, run: RunId) {
        let Some(mut ffmpeg) = self.ffmpeg.take() else { return };
        // One that has not begun ends with its recorder.
        if ffmpeg.run != run || ffmpeg.frozen || (self.lot.dead && ffmpeg.open.is_none()) {
            self.ffmpeg = Some(ffmpeg);
            return;
        }
        if ffmpeg.open.is_none() {
            self.plan(self.now, Happening::Progress(run));
        }
        self.finish(&mut ffmpeg);
        self.serial += 1;
        let (slot, serial) = (ffmpeg.slot, self.serial);
        self.footage.insert(serial, Window { from: self.now, to: Mono(u64::MAX) });
        let written_over = self.slots.insert(slot, File { serial, bytes: 0, open: true, written: self.now });
        // The kernel tells of a new name, and not of one that is written over.
        if written_over.is_none() {
            let delivery = self.delivery();
            self.tell(Event::SlotOpened { camera: self.camera.clone(), slot }, delivery);
        }
        ffmpeg.open = Some(slot);
        ffmpeg.slot = (slot + 1) % (self.script.slots + 2);
        self.ffmpeg = Some(ffmpeg);
        let length = self.script.lengths[self.switches % self.script.lengths.len()];
        self.switches += 1;
        self.plan(self.now + length, Happening::Switch(run));
    }

    pub fn progress(&mut self, run: RunId) {
        if self.ffmpeg.as_ref().is_some_and(|ffmpeg| ffmpeg.run == run && !ffmpeg.frozen) {
            let news = CameraNews::Progress { frames: self.now.0 / 40_000 };
            self.tell(Event::Camera { camera: self.camera.clone(), run, news }, Delivery::Prompt);
            self.plan(self.now + ms(5_000), Happening::Progress(run));
        }
    }

    /// Closes what is open, under whatever name it has by now.
    pub fn finish(&mut self, ffmpeg: &mut Ffmpeg) {
        let room = self.room();
        let full = self.full();
        let Some(slot) = ffmpeg.open.take() else { return };
        let Some(file) = self.slots.get_mut(&slot).filter(|file| file.open) else {
            panic!("the slot that was being written was taken away");
        };
        file.open = false;
        file.written = self.now;
        let bytes = 20_000 + file.serial;
        file.bytes = if full || bytes > room { 0 } else { bytes };
        let bytes = file.bytes;
        let serial = file.serial;
        let footage = self.footage.get_mut(&serial).expect("it began");
        footage.to = footage.to.min(self.now);
        let seen = Seen { footage: footage.to.since(footage.from), shape: None };
        let media = Some(Media { video: "h264".into(), width: 640, height: 360, audio: None });
        let delivery = self.delivery();
        self.tell(Event::SlotSeen { camera: self.camera.clone(), slot, seen }, delivery);
        let event = Event::SlotClosed { camera: self.camera.clone(), file: SlotFile { slot, bytes }, media };
        self.tell(event, delivery);
    }

    pub fn over(&mut self, run: RunId, reason: Option<String>) {
        let Some(mut ffmpeg) = self.ffmpeg.take() else { return };
        if ffmpeg.run != run {
            self.ffmpeg = Some(ffmpeg);
            return;
        }
        self.finish(&mut ffmpeg);
        let reason = reason.map(|text| Trouble { text, cure: None });
        let news = CameraNews::Ended { reason };
        self.tell(Event::Camera { camera: self.camera.clone(), run, news }, Delivery::Prompt);
    }

    fn delivery(&mut self) -> Delivery {
        self.told += 1;
        self.script.deliveries[self.told % self.script.deliveries.len()]
    }

    fn tell(&mut self, event: Event, delivery: Delivery) {
        match delivery {
            Delivery::Prompt => self.plan(self.now, Happening::Input(Input::Event(event))),
            Delivery::Lost => {}
            Delivery::Twice => {
                self.plan(self.now, Happening::Input(Input::Event(event.clone())));
                self.plan(self.now + ms(300), Happening::Input(Input::Event(event)));
            }
            Delivery::Late(millis) => self.plan(self.now + ms(millis), Happening::Input(Input::Event(event))),
        }
    }
}
