//! Those who want something of the recorder, and what they may expect to find.

use crate::script::{Act, ms};
use crate::sim::World;
use nvr::model::command::{Command, TriggerBy, Who};
use nvr::model::event::{Event, Mail};
use nvr::model::id::RequestId;
use nvr::model::recorder::Input;
use nvr::model::time::{Anchor, Mono, Window};
use std::collections::BTreeSet;

/// A trigger that reached the recorder.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub window: Window<Mono>,
    /// Footage that could still be had when it arrived.
    pub there: BTreeSet<u64>,
    pub arrived: Mono,
}

impl World {
    /// Somebody does something.
    pub fn act(&mut self, act: Act) {
        let all = Who::All;
        match act {
            Act::Mail(late) => {
                let waited = ms(late);
                if self.armed {
                    self.want(self.now - waited);
                }
                let bare = Mail::bare([192, 168, 1, 20].into(), "cam@home".into(), vec!["front@nvr".into()]);
                let mail = Mail { subject: "Motion".into(), waited, ..bare };
                self.apply(Input::Event(Event::Mail(mail)));
            }
            Act::Key => {
                self.want(self.now);
                self.command(Command::Trigger { who: all, by: TriggerBy::Key });
            }
            Act::Release => {
                self.unwant();
                self.command(Command::Release(all));
            }
            Act::Arm(armed) => {
                self.armed = armed;
                self.command(if armed { Command::Arm(all) } else { Command::Disarm(all) });
            }
            Act::Stop => {
                self.unwant();
                self.apply(Input::Event(Event::StopAsked("the test".into())));
            }
            Act::Clock(anchor) => {
                self.anchor = anchor;
                self.apply(Input::Event(Event::Clock { anchor, day: "2026-11-22".into() }));
            }
        }
    }

    fn command(&mut self, command: Command) {
        self.next_request += 1;
        let answers = self.answers.len();
        self.apply(Input::Command(RequestId(self.next_request), command));
        let answered = self.answers.len() == answers + 1;
        assert!(answered || self.lot.dead, "every command is answered, once");
    }

    fn want(&mut self, trigger: Mono) {
        let window = Window { from: trigger - self.script.pre, to: trigger + self.script.post };
        let files = self.slots.values().chain(self.claimed.values()).map(|file| file.serial);
        let stored = self.clips.values().flat_map(|clip| clip.footage.iter().map(|(serial, _)| *serial));
        let there = files.chain(stored).collect();
        self.wanted.push(Wanted { window, there, arrived: self.now });
    }

    fn unwant(&mut self) {
        for wanted in &mut self.wanted {
            wanted.window.to = wanted.window.to.min(self.now);
        }
    }

    /// The newest anchor, by which records are dated.
    pub fn anchor(&self) -> Anchor {
        self.anchor
    }
}
