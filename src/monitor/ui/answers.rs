//! What is asked of the recorder, and where its answers go.

use super::Ui;
use super::look::Shot;
use super::page::Page;
use crate::model::command::{Answer, Command};
use crate::model::question::{Found, Question, Seen, Still};
use crate::model::snapshot::Snapshot;
use crate::model::time::Mono;
use crate::monitor::theme::Tone;
use crate::monitor::view::outside;

impl Ui {
    /// What the page needs to know and nobody has asked yet, with a number for the answer.
    pub fn question(&mut self, snapshot: Option<&Snapshot>) -> Option<(u64, Command)> {
        let snapshot = snapshot.filter(|_| self.lost.is_none())?;
        let around = 2 * usize::from(self.size.1); // so that a page further is there before somebody goes to it
        let question = match self.pages.last_mut()? {
            Page::Cameras | Page::Help(_) => None,
            Page::Clips => self.clips.question(around).map(Question::Clips),
            Page::Copies => self.copies.question(snapshot).map(Question::Copies),
            Page::Journal => self.journal.question(snapshot).map(Question::Journal),
            Page::Mail | Page::Session(_) => self.mail.question(snapshot).map(Question::Sessions),
            Page::Clip(details) => details.question(snapshot).then(|| Question::Clip(details.name.clone())),
            Page::Stderr(words) => words.question().then(|| Question::Stderr(words.camera.clone())),
            Page::Look(look) => look.question(),
        };
        Some(self.register(Command::Ask(question?)))
    }

    /// Pictures that have come and have to be made visible.
    pub fn undeveloped(&mut self) -> Option<(Seen, Vec<Still>)> {
        let mut looks = self.pages.iter_mut().filter_map(Page::look);
        looks.find_map(|look| look.undeveloped().map(|stills| (look.of.clone(), stills)))
    }

    /// They can be seen.
    pub fn developed(&mut self, of: &Seen, shots: &[Shot]) {
        for look in self.pages.iter_mut().filter_map(Page::look).filter(|it| it.of == *of) {
            look.developed(shots.to_vec());
        }
    }

    pub(super) fn register(&mut self, command: Command) -> (u64, Command) {
        self.number += 1;
        self.pending.push((self.number, command.clone()));
        (self.number, command)
    }

    /// An answer is here, or why there is none.
    pub fn answered(&mut self, number: u64, answer: Result<Answer, String>, now: Mono) {
        let Some(place) = self.pending.iter().position(|(asked, _)| *asked == number) else { return };
        let (_, asked) = self.pending.remove(place);
        match (asked, answer) {
            (Command::Ask(question), Ok(Answer::Found(found))) => self.found(&question, Ok(found)),
            (Command::Ask(question), Ok(Answer::Done(why) | Answer::Refused(why)) | Err(why)) => {
                self.found(&question, Err(outside(&why)));
            }
            (asked, Ok(Answer::Done(text))) => {
                self.done(&asked);
                self.say(Tone::Good, &text, now);
            }
            (asked, Ok(Answer::Refused(text)) | Err(text)) => {
                self.stopping &= asked != Command::Stop;
                if matches!(asked, Command::Protect { .. } | Command::Delete { .. }) {
                    self.clips.doubted(); // it may be gone
                }
                self.say(Tone::Warn, &text, now);
            }
            (_, Ok(Answer::Found(_))) => {} // nobody asked
        }
    }

    fn found(&mut self, question: &Question, found: Result<Found, String>) {
        match question {
            Question::Clips(query) => {
                let page = pick(found, |found| if let Found::Clips(page) = found { Some(page) } else { None });
                self.clips.found(query, page);
            }
            Question::Clip(name) => {
                let shown = pick(found, |found| if let Found::Clip(details) = found { Some(*details) } else { None });
                if shown.is_err() {
                    self.clips.doubted(); // it may be gone
                }
                for details in self.pages.iter_mut().filter_map(Page::details).filter(|it| it.name == *name) {
                    details.found(shown.clone());
                }
            }
            Question::Journal(_) => {
                let lines = pick(found, |found| if let Found::Journal(lines) = found { Some(lines) } else { None });
                self.journal.found(lines);
            }
            Question::Copies(_) => {
                let lines = pick(found, |found| if let Found::Copies(lines) = found { Some(lines) } else { None });
                self.copies.found(lines);
            }
            Question::Stderr(camera) => {
                let lines = pick(found, |found| if let Found::Stderr(lines) = found { Some(lines) } else { None });
                for words in self.pages.iter_mut().filter_map(Page::words).filter(|it| it.camera == *camera) {
                    words.found(lines.clone());
                }
            }
            Question::Sessions(_) => {
                let lines = pick(found, |found| if let Found::Sessions(lines) = found { Some(lines) } else { None });
                self.mail.found(lines);
            }
            Question::WhereTo(_) => {} // no page asks
            Question::Stills { of, .. } => {
                let stills = pick(found, |found| if let Found::Stills(stills) = found { Some(stills) } else { None });
                for look in self.pages.iter_mut().filter_map(Page::look).filter(|it| it.of == *of) {
                    look.found(stills.clone());
                }
            }
        }
    }

    /// An order was carried out: what is here follows at once, not only with the next answer.
    fn done(&mut self, order: &Command) {
        match order {
            Command::Delete { clip } => {
                self.clips.deleted(clip);
                self.pages.retain(|page| !matches!(page, Page::Clip(details) if details.name == *clip));
            }
            Command::Protect { clip, protected } => {
                self.clips.protected(clip, *protected);
                self.pages.iter_mut().filter_map(Page::details).for_each(|details| details.doubted());
            }
            Command::Arm(_)
            | Command::Disarm(_)
            | Command::Trigger { .. }
            | Command::Release(_)
            | Command::Ask(_)
            | Command::Write(_)
            | Command::Reload
            | Command::Stop => {}
        }
    }
}

/// The answer that belongs to a question.
fn pick<T>(found: Result<Found, String>, of: impl FnOnce(Found) -> Option<T>) -> Result<T, String> {
    let other = || "the recorder answered something else (is it the same version?)".to_owned();
    found.and_then(|found| of(found).ok_or_else(other))
}
