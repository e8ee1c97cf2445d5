//! What the person at the keys has chosen, and what a key does about it. Pure: an order comes out, and whoever called
//! carries it out.

use super::format;
use super::keys::{Action, Press};
use super::theme::Tone;
use super::view::outside;
use crate::model::command::{Answer, Command, TriggerBy, Who};
use crate::model::id::CameraName;
use crate::model::snapshot::{CameraView, Snapshot};
use crate::model::time::Mono;
use crossterm::event::KeyCode;
use std::time::Duration;

/// How long an answer stays: long enough to read it twice.
const SHOWN: Duration = Duration::from_secs(5);
/// How long a refusal stays: it says what to do.
const REFUSAL_SHOWN: Duration = Duration::from_secs(10);

/// What a key asks of the one who reads keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Nothing further.
    Nothing,
    /// Ask the recorder for this.
    Send(Command),
    /// End the monitor.
    Leave,
    /// Stop this process until the shell continues it.
    Suspend,
    /// Draw every cell again.
    Redraw,
}

/// What leaving means for the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// The recorder is on its own.
    RecordingGoesOn,
    /// The recorder was started for this monitor only, and ends with it.
    EndsAll,
}

impl Leaving {
    /// For the hint at the key.
    pub fn words(self) -> &'static str {
        match self {
            Leaving::RecordingGoesOn => "recording goes on",
            Leaving::EndsAll => "ends the recording too",
        }
    }
}

/// The recorder is not there any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Since when.
    pub at: Mono,
    /// Why.
    pub reason: String,
    /// It said so itself.
    pub bye: bool,
}

/// What the last line shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The most useful keys.
    Hints,
    /// An order that awaits its answer.
    Pending(String),
    /// What came of an order.
    Said(Tone, String),
    /// A question that awaits `y` or anything else.
    Question(String),
}

/// The person's side of the screen.
#[derive(Debug, Clone)]
pub struct Ui {
    /// The camera that keys act on, by name, so that it stays the same when others come and go.
    focus: Option<CameraName>,
    /// The help is open, and scrolled down by so many lines.
    pub help: Option<u16>,
    /// Whether `Q` awaits its `y`.
    asking: bool,
    /// Orders under way, oldest first.
    pending: Vec<Command>,
    /// The last answer, how it sounds, and until when it is shown.
    said: Option<(Tone, String, Mono)>,
    /// The person has asked the recorder to stop.
    pub stopping: bool,
    /// Set while there is no recorder.
    pub lost: Option<Lost>,
    /// What leaving means.
    pub leaving: Leaving,
}

impl Ui {
    /// Nothing chosen yet.
    pub fn new(leaving: Leaving) -> Self {
        Self {
            focus: None,
            help: None,
            asking: false,
            pending: Vec::new(),
            said: None,
            stopping: false,
            lost: None,
            leaving,
        }
    }

    /// The focused camera's place; 0 if there is none.
    pub fn focus_in(&self, snapshot: &Snapshot) -> usize {
        let place = |name: &CameraName| snapshot.cameras.iter().position(|camera| camera.name == *name);
        self.focus.as_ref().and_then(place).unwrap_or(0)
    }

    /// What the last line shows at `now`.
    pub fn status(&self, now: Mono) -> Status {
        if self.asking {
            return Status::Question(
                "Stop the recorder, and with it all recording? y yes, any other key no".to_owned(),
            );
        }
        let said = self.said.as_ref().filter(|(_, _, until)| now < *until);
        match (said, self.pending.last()) {
            // What was refused is not hidden by what is under way.
            (Some((Tone::Warn, text, _)), _) => Status::Said(Tone::Warn, text.clone()),
            (_, Some(pending)) => Status::Pending(format!("{} …", format::command(pending))),
            (Some((tone, text, _)), None) => Status::Said(*tone, text.clone()),
            (None, None) => Status::Hints,
        }
    }

    /// When an answer has been shown long enough.
    pub(super) fn status_ends(&self, now: Mono) -> Option<Mono> {
        self.said.as_ref().map(|(_, _, until)| *until).filter(|until| now < *until)
    }

    /// Shows a sentence in the last line for a while.
    pub fn say(&mut self, tone: Tone, text: &str, now: Mono) {
        let span = if tone == Tone::Warn { REFUSAL_SHOWN } else { SHOWN };
        self.said = Some((tone, outside(text), now + span));
    }

    /// The oldest order's answer is here.
    pub fn answered(&mut self, answer: Result<Answer, String>, now: Mono) {
        let asked = (!self.pending.is_empty()).then(|| self.pending.remove(0));
        match answer {
            Ok(Answer::Done(text)) => self.say(Tone::Good, &text, now),
            Ok(Answer::Refused(text)) | Err(text) => {
                self.stopping &= asked != Some(Command::Stop);
                self.say(Tone::Warn, &text, now);
            }
            Ok(Answer::Found(_)) => {} // nothing is asked for here yet
        }
    }

    /// The recorder is gone; whatever was under way will not be answered.
    pub fn lose(&mut self, reason: &str, bye: bool, now: Mono) {
        self.pending.clear();
        self.asking = false;
        self.lost = Some(Lost { at: now, reason: outside(reason), bye });
    }

    /// Another try failed: what it said is news, the time of the loss is not.
    pub fn still_lost(&mut self, reason: &str) {
        if let Some(lost) = self.lost.as_mut().filter(|lost| !lost.bye) {
            lost.reason = outside(reason);
        }
    }

    /// The recorder is back.
    pub fn find(&mut self, now: Mono) {
        if self.lost.take().is_some() {
            self.say(Tone::Good, "the recorder is back", now);
        }
    }

    /// What pressing a key asks for.
    pub fn press(&mut self, press: Press, snapshot: Option<&Snapshot>, now: Mono) -> Order {
        let action = press.action();
        let hard =
            matches!(action, Some(Action::Suspend | Action::Redraw)) || (action == Some(Action::Leave) && press.ctrl);
        if self.asking && !hard {
            self.asking = false;
            return if press.code == KeyCode::Char('y') { self.send(Command::Stop, now) } else { Order::Nothing };
        }
        if self.help.is_some() && !hard {
            self.read_help(action);
            return Order::Nothing;
        }
        action.map_or(Order::Nothing, |action| self.act(action, snapshot, now))
    }

    /// In the help, the focus keys scroll and every other key closes it.
    fn read_help(&mut self, action: Option<Action>) {
        let line = self.help.unwrap_or(0);
        self.help = match action {
            Some(Action::Next) => Some(line.saturating_add(1)),
            Some(Action::Previous) => Some(line.saturating_sub(1)),
            Some(Action::First) => Some(0),
            Some(Action::Last) => Some(u16::MAX),
            _ => None,
        };
    }

    fn act(&mut self, action: Action, snapshot: Option<&Snapshot>, now: Mono) -> Order {
        match action {
            Action::Leave => return Order::Leave,
            Action::Suspend => return Order::Suspend,
            Action::Redraw => return Order::Redraw,
            Action::Help => {
                self.help = Some(0);
                return Order::Nothing;
            }
            Action::Arm
            | Action::Trigger
            | Action::End
            | Action::ArmAll
            | Action::Stop
            | Action::Next
            | Action::Previous
            | Action::First
            | Action::Last => {}
        }
        let Some((snapshot, camera)) = snapshot.and_then(|snapshot| Some((snapshot, self.focused(snapshot)?))) else {
            return match action {
                Action::Stop => self.ask_to_stop(now),
                _ => self.refuse("no camera to act on (wait for the recorder's picture)", now),
            };
        };
        let this = || Who::Cameras(vec![camera.name.clone()]);
        match action {
            Action::Arm if camera.armed => self.send(Command::Disarm(this()), now),
            Action::Arm => self.send(Command::Arm(this()), now),
            Action::ArmAll if snapshot.cameras.iter().all(|camera| camera.armed) => {
                self.send(Command::Disarm(Who::All), now)
            }
            Action::ArmAll => self.send(Command::Arm(Who::All), now),
            Action::Trigger => self.send(Command::Trigger { who: this(), by: TriggerBy::Key }, now),
            Action::End => self.send(Command::Release(this()), now),
            Action::Stop => self.ask_to_stop(now),
            Action::Next => self.focus(snapshot, |place| place + 1),
            Action::Previous => self.focus(snapshot, |place| place.saturating_sub(1)),
            Action::First => self.focus(snapshot, |_| 0),
            Action::Last => self.focus(snapshot, |_| usize::MAX),
            Action::Leave | Action::Suspend | Action::Redraw | Action::Help => Order::Nothing,
        }
    }

    fn focused<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a CameraView> {
        snapshot.cameras.get(self.focus_in(snapshot))
    }

    fn focus(&mut self, snapshot: &Snapshot, to: impl FnOnce(usize) -> usize) -> Order {
        let place = to(self.focus_in(snapshot)).min(snapshot.cameras.len().saturating_sub(1));
        self.focus = snapshot.cameras.get(place).map(|camera| camera.name.clone());
        Order::Nothing
    }

    fn ask_to_stop(&mut self, now: Mono) -> Order {
        if self.lost.is_some() {
            return self.refuse("there is no recorder to stop", now);
        }
        self.asking = true;
        Order::Nothing
    }

    fn refuse(&mut self, why: &str, now: Mono) -> Order {
        self.say(Tone::Warn, why, now);
        Order::Nothing
    }

    /// How many orders may be under way; a stuck recorder must not collect key presses.
    pub const OUTSTANDING: usize = 8;

    fn send(&mut self, command: Command, now: Mono) -> Order {
        if self.lost.is_some() {
            return self.refuse("nothing was done: the recorder is out of reach", now);
        }
        if self.pending.len() >= Self::OUTSTANDING {
            return self.refuse("nothing was done: the recorder has not answered what was asked before", now);
        }
        self.stopping |= command == Command::Stop;
        self.pending.push(command.clone());
        Order::Send(command)
    }
}
