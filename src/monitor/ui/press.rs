//! What a key does.

use super::list::Motion;
use super::look::Look;
use super::page::{Details, Page, Talk, Words};
use super::{Asking, Order, Ui};
use crate::model::command::{Command, TriggerBy, Who};
use crate::model::id::CameraName;
use crate::model::question::Seen;
use crate::model::snapshot::{ClipView, Snapshot};
use crate::model::time::Mono;
use crate::model::transcript::{Fix, SessionView};
use crate::monitor::keys::{Action, OnCamera, OnClip, OnSession, Press, Step};
use crate::monitor::theme::Tone;
use crossterm::event::KeyCode;

/// Why nothing can be done without a recorder.
const OUT_OF_REACH: &str = "nothing was done: the recorder is out of reach";

impl Ui {
    /// How many orders may be under way; a stuck recorder must not collect key presses.
    pub const OUTSTANDING: usize = 8;

    /// What pressing a key asks for.
    pub fn press(&mut self, press: Press, snapshot: Option<&Snapshot>, now: Mono) -> Order {
        let action = press.action(self.place());
        let hard =
            matches!(action, Some(Action::Suspend | Action::Redraw)) || (action == Some(Action::Leave) && press.ctrl);
        if let Some(asking) = self.asking.take_if(|_| !hard) {
            if let (Asking::Write(fix, cameras), Some(down)) = (&asking, another(press.code))
                && let Some(name) = beside(cameras, fix.camera(), down)
            {
                self.asking = Some(Asking::Write(fix.clone().for_camera(name), cameras.clone()));
                return Order::Nothing;
            }
            return match (press.code, asking) {
                (KeyCode::Char('y'), Asking::Stop) => self.send(Command::Stop, now),
                (KeyCode::Char('y'), Asking::Delete(clip)) => self.send(Command::Delete { clip }, now),
                (KeyCode::Char('y'), Asking::Write(fix, _)) => self.send(Command::Write(fix), now),
                (KeyCode::Char('y'), Asking::DisarmAll(_)) => self.send(Command::Disarm(Who::All), now),
                _ => Order::Nothing,
            };
        }
        if let Some(find) = self.find().filter(|find| find.typing && !hard) {
            match press.code {
                // What is found so far can be gone through without leaving the words.
                KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown => {}
                _ => {
                    find.press(press.code, press.ctrl);
                    self.said = None;
                    return Order::Nothing;
                }
            }
        }
        let before = (self.pages.len(), self.place());
        let order = action.map_or(Order::Nothing, |action| self.act(action, snapshot, now));
        if before != (self.pages.len(), self.place()) {
            self.said = None; // it was about what is not seen any more
        }
        order
    }

    /// What is pasted is no row of keys: what stands in a clipboard by chance must not stop a recorder.
    pub fn paste(&mut self, text: &str, now: Mono) {
        match self.find() {
            Some(find) if find.typing => find.insert(text),
            Some(_) => self.say(Tone::Warn, "nothing was done: pasted text is no keys (to find by it: / first)", now),
            None => self.say(Tone::Warn, "nothing was done: pasted text is no keys (press them one by one)", now),
        }
    }

    fn act(&mut self, action: Action, snapshot: Option<&Snapshot>, now: Mono) -> Order {
        match action {
            Action::Leave => return Order::Leave,
            Action::Suspend => return Order::Suspend,
            Action::Redraw => return Order::Redraw,
            Action::Help => self.pages.push(Page::Help(0)),
            Action::Back => self.back(),
            Action::Find => {
                if let Some(find) = self.find() {
                    find.typing = true;
                    self.said = None;
                }
            }
            Action::Clips => self.visit(Page::Clips),
            Action::Copies => self.visit(Page::Copies),
            Action::Journal => self.visit(Page::Journal),
            Action::Mail => self.visit(Page::Mail),
            Action::NextPage => self.go_round(1),
            Action::PreviousPage => self.go_round(4),
            Action::Follow => self.toggle_follow(),
            Action::Level => self.journal.next_level(),
            Action::Sort => self.cameras.sort(snapshot),
            Action::Go(step) => self.go(self.motion(step), snapshot),
            Action::Stop if self.lost.is_some() => return self.refuse("there is no recorder to stop", now),
            Action::Stop => return self.ask(Asking::Stop, now),
            Action::Camera(action) => return self.act_on_camera(action, snapshot, now),
            Action::Clip(action) => return self.act_on_clip(action, snapshot, now),
            Action::Session(action) => return self.act_on_session(action, snapshot, now),
            Action::Again => {
                if let Some(Page::Look(look)) = self.pages.last_mut() {
                    look.again();
                }
            }
        }
        Order::Nothing
    }

    fn motion(&self, step: Step) -> Motion {
        match step {
            Step::Next => Motion::Down(1),
            Step::Previous => Motion::Up(1),
            Step::PageDown => Motion::Down(self.lines),
            Step::PageUp => Motion::Up(self.lines),
            Step::First => Motion::First,
            Step::Last => Motion::Last,
        }
    }

    fn act_on_camera(&mut self, action: OnCamera, snapshot: Option<&Snapshot>, now: Mono) -> Order {
        let Some((snapshot, camera)) = snapshot.and_then(|it| Some((it, self.cameras.chosen(it)?))) else {
            return self.refuse("no camera to act on (wait for the recorder's picture, or show all: Esc)", now);
        };
        let this = || Who::Cameras(vec![camera.name.clone()]);
        match action {
            OnCamera::Arm if camera.armed => self.send(Command::Disarm(this()), now),
            OnCamera::Arm => self.send(Command::Arm(this()), now),
            OnCamera::ArmAll if snapshot.cameras.iter().all(|camera| camera.armed) => {
                self.ask(Asking::DisarmAll(snapshot.cameras.len()), now)
            }
            OnCamera::ArmAll => self.send(Command::Arm(Who::All), now),
            OnCamera::Trigger => self.send(Command::Trigger { who: this(), by: TriggerBy::Key }, now),
            OnCamera::End => self.send(Command::Release(this()), now),
            OnCamera::Look => {
                self.pages.push(Page::Look(Look::new(Seen::Camera(camera.name.clone()))));
                Order::Nothing
            }
            OnCamera::Stderr => {
                self.pages.push(Page::Stderr(Words::new(camera.name.clone())));
                Order::Nothing
            }
        }
    }

    fn act_on_clip(&mut self, action: OnClip, snapshot: Option<&Snapshot>, now: Mono) -> Order {
        let Some((name, clip)) = self.clip(snapshot) else {
            return self.refuse("there is no clip here", now);
        };
        match (action, clip) {
            (OnClip::Details, _) => {
                self.pages.push(Page::Clip(Details::new(name)));
                Order::Nothing
            }
            (OnClip::Look, _) => {
                self.pages.push(Page::Look(Look::new(Seen::Clip(name))));
                Order::Nothing
            }
            (OnClip::Delete, Some(clip)) if clip.protected => {
                self.refuse(&format!("nothing was done: {name} is protected (p ends that)"), now)
            }
            (OnClip::Delete, Some(clip)) if clip.open => {
                let why = "still grows (end its countdown first, and wait until it is closed)";
                self.refuse(&format!("nothing was done: {name} {why}"), now)
            }
            (OnClip::Delete, _) => self.ask(Asking::Delete(name), now),
            (OnClip::Protect, Some(clip)) => {
                self.send(Command::Protect { clip: name, protected: !clip.protected }, now)
            }
            (OnClip::CopyPath, Some(clip)) => {
                self.say(Tone::Good, &format!("copied, if your terminal allows it: {}", clip.path), now);
                Order::Copy(clip.path)
            }
            (OnClip::Protect | OnClip::CopyPath, None) => self.refuse("wait for the clip's record", now),
        }
    }

    fn act_on_session(&mut self, action: OnSession, snapshot: Option<&Snapshot>, now: Mono) -> Order {
        let Some(session) = self.session() else {
            return self.refuse("there is no connection here", now);
        };
        let number = session.transcript.number;
        match (action, session.verdict.fix.clone()) {
            (OnSession::Details, _) => {
                self.pages.push(Page::Session(Talk { number, scroll: 0 }));
                Order::Nothing
            }
            (OnSession::Write, None) => self.refuse("nothing was done: its verdict proposes no line", now),
            (OnSession::Write, Some(Fix::Allow(address))) => self.ask(Asking::Write(Fix::Allow(address), vec![]), now),
            (OnSession::Write, Some(fix)) => {
                let cameras =
                    snapshot.map(|it| it.cameras.iter().map(|camera| camera.name.clone()).collect::<Vec<_>>());
                let cameras = cameras.unwrap_or_default();
                // Nobody can tell: then the question begins with the first.
                let Some(name) = fix.camera().or(cameras.first()).cloned() else {
                    return self.refuse("nothing was done: there is no camera", now);
                };
                self.ask(Asking::Write(fix.for_camera(&name), cameras), now)
            }
        }
    }

    /// The connection that keys act on.
    fn session(&self) -> Option<&SessionView> {
        match self.page() {
            Page::Mail => self.mail.chosen(),
            Page::Session(talk) => self.mail.all().find(|session| session.transcript.number == talk.number),
            Page::Cameras | Page::Clips | Page::Copies | Page::Journal => None,
            Page::Clip(_) | Page::Stderr(_) | Page::Look(_) | Page::Help(_) => None,
        }
    }

    /// The clip that keys act on: its name, and the rest if that is known.
    fn clip(&self, snapshot: Option<&Snapshot>) -> Option<(String, Option<ClipView>)> {
        match self.page() {
            Page::Clips => self.clips.chosen().map(|clip| (clip.name.clone(), Some(clip.clone()))),
            Page::Copies => {
                let clip = &self.copies.chosen()?.clip;
                (!clip.is_empty()).then(|| (clip.clone(), None))
            }
            Page::Clip(details) => {
                let shown = details.shown.as_ref().and_then(|shown| shown.as_ref().ok()).map(|shown| &shown.clip);
                // Whoever is quicker than the answer meets what the picture knows of the clip.
                let pictured = || snapshot?.clips.iter().find(|clip| clip.name == details.name);
                Some((details.name.clone(), shown.or_else(pictured).cloned()))
            }
            Page::Cameras | Page::Journal | Page::Mail | Page::Session(_) => None,
            Page::Stderr(_) | Page::Look(_) | Page::Help(_) => None,
        }
    }

    /// First what was found, then the page itself.
    fn back(&mut self) {
        if let Some(find) = self.find().filter(|find| !find.text().is_empty()) {
            find.clear();
        } else if self.pages.len() > 1 {
            self.pages.pop();
        }
    }

    /// Goes to a page from which every way back leads to the cameras.
    fn visit(&mut self, page: Page) {
        self.pages.truncate(1);
        self.pages.push(page);
        self.visited();
    }

    /// What could not be read may be readable now.
    fn visited(&mut self) {
        match self.page() {
            Page::Clips => self.clips.visited(),
            Page::Copies => self.copies.visited(),
            Page::Journal => self.journal.visited(),
            Page::Mail => self.mail.visited(),
            Page::Session(_) | Page::Cameras | Page::Clip(_) | Page::Stderr(_) | Page::Look(_) | Page::Help(_) => {}
        }
    }

    fn go_round(&mut self, steps: usize) {
        let round = [Page::Cameras, Page::Clips, Page::Copies, Page::Journal, Page::Mail];
        let here = round.iter().position(|page| page.place() == self.place()).unwrap_or(0);
        let next = (here + steps) % round.len();
        self.pages.truncate(1);
        self.pages.extend(round.into_iter().nth(next).filter(|_| next > 0));
        self.visited();
    }

    fn go(&mut self, motion: Motion, snapshot: Option<&Snapshot>) {
        match self.pages.last_mut() {
            Some(Page::Clips) => self.clips.go(motion),
            Some(Page::Copies) => self.copies.go(motion),
            Some(Page::Journal) => self.journal.go(motion),
            Some(Page::Mail) => self.mail.go(motion),
            Some(page @ (Page::Clip(_) | Page::Session(_) | Page::Stderr(_) | Page::Help(_))) => {
                if let Some(scroll) = page.scroll() {
                    // Whoever draws knows where the text ends, and bounds it.
                    *scroll = u16::try_from(motion.from(usize::from(*scroll), usize::from(u16::MAX))).unwrap_or(0);
                }
            }
            Some(Page::Look(_)) => {}
            Some(Page::Cameras) | None => {
                if let Some(snapshot) = snapshot {
                    self.cameras.go(snapshot, motion);
                }
            }
        }
    }

    fn toggle_follow(&mut self) {
        match self.page() {
            Page::Clips => self.clips.toggle_follow(),
            Page::Copies => self.copies.toggle_follow(),
            Page::Journal => self.journal.toggle_follow(),
            Page::Mail => self.mail.toggle_follow(),
            Page::Session(_) | Page::Cameras | Page::Clip(_) | Page::Stderr(_) | Page::Look(_) | Page::Help(_) => {}
        }
    }

    /// Asks before something is done that cannot be taken back, or that nobody would notice.
    fn ask(&mut self, asking: Asking, now: Mono) -> Order {
        if self.lost.is_some() {
            return self.refuse(OUT_OF_REACH, now);
        }
        (self.asking, self.said) = (Some(asking), None);
        Order::Nothing
    }

    fn refuse(&mut self, why: &str, now: Mono) -> Order {
        self.say(Tone::Warn, why, now);
        Order::Nothing
    }

    fn send(&mut self, command: Command, now: Mono) -> Order {
        if self.lost.is_some() {
            return self.refuse(OUT_OF_REACH, now);
        }
        if self.pending.iter().filter(|(_, command)| !matches!(command, Command::Ask(_))).count() >= Self::OUTSTANDING {
            return self.refuse("nothing was done: the recorder has not answered what was asked before", now);
        }
        self.stopping |= command == Command::Stop;
        let (number, command) = self.register(command);
        Order::Send(number, command)
    }
}

/// Which way a key goes among cameras.
fn another(code: KeyCode) -> Option<bool> {
    match code {
        KeyCode::Down | KeyCode::Tab | KeyCode::Char('j') => Some(true),
        KeyCode::Up | KeyCode::BackTab | KeyCode::Char('k') => Some(false),
        _ => None,
    }
}

/// The camera below that one, or above it, round and round.
fn beside<'a>(cameras: &'a [CameraName], name: Option<&CameraName>, down: bool) -> Option<&'a CameraName> {
    let at = cameras.iter().position(|camera| Some(camera) == name)?;
    let step = if down { 1 } else { cameras.len() - 1 };
    cameras.get((at + step) % cameras.len())
}
