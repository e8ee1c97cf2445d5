//! What the person at the keys has chosen, and what a key does about it. Pure: an order comes out, and whoever called
//! carries it out.

mod answers;
pub mod cameras;
pub mod clips;
pub mod find;
pub mod list;
pub mod logs;
pub mod look;
pub mod page;
mod press;

use super::format;
use super::keys::Place;
use super::theme::Tone;
use super::view::outside;
use crate::model::command::Command;
use crate::model::id::CameraName;
use crate::model::snapshot::{CopyView, Entry, Snapshot};
use crate::model::time::Mono;
use crate::model::transcript::{Fix, SessionView};
use cameras::Cameras;
use clips::Clips;
use find::Find;
use logs::Log;
use page::Page;
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
    /// Ask the recorder for this; the answer comes back with the number.
    Send(u64, Command),
    /// Put this into the terminal's clipboard.
    Copy(String),
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

    /// The same where there is little room; `None`: it need not be said.
    pub fn warning(self) -> Option<&'static str> {
        match self {
            Leaving::RecordingGoesOn => None,
            Leaving::EndsAll => Some("ends all"),
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
    /// Words that are typed: in front of the cursor, and from it on.
    Typing(String, String),
}

/// What awaits its `y`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asking {
    /// Stop the recorder.
    Stop,
    /// Delete a clip.
    Delete(String),
    /// Disarm all of so many cameras.
    DisarmAll(usize),
    /// Write a line into nvr.toml; for another of these cameras, if the arrows say so.
    Write(Fix, Vec<CameraName>),
}

impl Asking {
    /// What is asked.
    fn words(&self) -> String {
        let question = match self {
            Asking::Stop => "Stop the recorder, and with it all recording?".to_owned(),
            Asking::Delete(clip) => format!("Delete {} for good?", outside(clip)),
            Asking::Write(fix, cameras) => {
                let whose = fix.camera().map_or_else(|| "into [smtp]".to_owned(), |camera| format!("for {camera}"));
                let other = if cameras.len() > 1 { "↓ another camera, " } else { "" };
                return format!("Write {} {whose}? y yes, {other}any other key no", outside(&fix.line()));
            }
            Asking::DisarmAll(1) => "Disarm the only camera? No mail saves anything then.".to_owned(),
            Asking::DisarmAll(all) => format!("Disarm all {all} cameras? No mail saves anything then."),
        };
        format!("{question} y yes, any other key no")
    }
}

/// The person's side of the screen.
#[derive(Debug, Clone)]
pub struct Ui {
    /// What fills the screen comes last; the first are always the cameras.
    pages: Vec<Page>,
    /// Which cameras are shown, and the focus.
    pub cameras: Cameras,
    /// The clip list.
    pub clips: Clips,
    /// The copy log.
    pub copies: Log<CopyView>,
    /// The journal.
    pub journal: Log<Entry>,
    /// Who connected to the mail port.
    pub mail: Log<SessionView>,
    asking: Option<Asking>,
    /// Orders and questions under way, by their numbers.
    pending: Vec<(u64, Command)>,
    /// The number of the last one.
    number: u64,
    /// The last answer, how it sounds, and until when it is shown.
    said: Option<(Tone, String, Mono)>,
    /// The person has asked the recorder to stop.
    pub stopping: bool,
    /// Set while there is no recorder.
    pub lost: Option<Lost>,
    /// What leaving means.
    pub leaving: Leaving,
    /// Columns and lines of the terminal.
    pub size: (u16, u16),
    /// Lines of the list or text that are in sight: a page further is so many.
    lines: usize,
}

impl Ui {
    /// Nothing chosen yet.
    pub fn new(leaving: Leaving) -> Self {
        Self {
            pages: vec![Page::Cameras],
            cameras: Cameras::default(),
            clips: Clips::default(),
            copies: Log::default(),
            journal: Log::default(),
            mail: Log::default(),
            asking: None,
            pending: Vec::new(),
            number: 0,
            said: None,
            stopping: false,
            lost: None,
            leaving,
            size: (80, 24),
            lines: 1,
        }
    }

    /// What of a list or text is in sight, as it was drawn: from which line on, and how many.
    pub fn showed(&mut self, top: usize, lines: usize) {
        self.lines = lines.max(1);
        match self.page() {
            Page::Clips => self.clips.shown_from(top),
            Page::Copies => self.copies.shown_from(top),
            Page::Journal => self.journal.shown_from(top),
            Page::Mail => self.mail.shown_from(top),
            Page::Session(_) | Page::Cameras | Page::Clip(_) | Page::Stderr(_) | Page::Look(_) | Page::Help(_) => {}
        }
    }

    /// What fills the screen.
    pub fn page(&self) -> &Page {
        self.pages.last().unwrap_or(&Page::Cameras)
    }

    /// The same, for the key table.
    pub fn place(&self) -> Place {
        self.page().place()
    }

    /// The page below it: what the help is about.
    pub fn place_below(&self) -> Place {
        let below = self.pages.len().checked_sub(2).and_then(|n| self.pages.get(n));
        below.map_or(Place::Cameras, Page::place)
    }

    /// How far the page's text is scrolled down; `None`: it is not a page of text.
    pub fn scroll(&mut self) -> Option<&mut u16> {
        self.pages.last_mut().and_then(Page::scroll)
    }

    /// What finds on this page.
    fn find(&mut self) -> Option<&mut Find> {
        match self.page() {
            Page::Cameras => Some(&mut self.cameras.find),
            Page::Clips => Some(&mut self.clips.find),
            Page::Copies => Some(&mut self.copies.find),
            Page::Journal => Some(&mut self.journal.find),
            Page::Mail => Some(&mut self.mail.find),
            Page::Session(_) | Page::Clip(_) | Page::Stderr(_) | Page::Look(_) | Page::Help(_) => None,
        }
    }

    /// The line that is being typed.
    fn typing(&self) -> Option<&Find> {
        let find = match self.page() {
            Page::Cameras => &self.cameras.find,
            Page::Clips => &self.clips.find,
            Page::Copies => &self.copies.find,
            Page::Journal => &self.journal.find,
            Page::Mail => &self.mail.find,
            Page::Session(_) | Page::Clip(_) | Page::Stderr(_) | Page::Look(_) | Page::Help(_) => return None,
        };
        find.typing.then_some(find)
    }

    /// What the last line shows at `now`.
    pub fn status(&self, now: Mono) -> Status {
        if let Some(asking) = &self.asking {
            return Status::Question(asking.words());
        }
        if let Some(find) = self.typing() {
            let (before, after) = find.parts();
            return Status::Typing(before, after);
        }
        let said = self.said.as_ref().filter(|(_, _, until)| now < *until);
        let order = self.pending.iter().rev().find(|(_, command)| !matches!(command, Command::Ask(_)));
        match (said, order) {
            // What was refused is not hidden by what is under way.
            (Some((Tone::Warn, text, _)), _) => Status::Said(Tone::Warn, text.clone()),
            (_, Some((_, pending))) => Status::Pending(format!("{} …", format::command(pending))),
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

    /// A newer picture is here.
    pub fn picture(&mut self, snapshot: &Snapshot) {
        self.cameras.picture(snapshot);
        self.clips.picture(snapshot);
        self.copies.picture(snapshot);
        self.journal.picture(snapshot);
        self.mail.picture(snapshot);
        self.pages.iter_mut().filter_map(Page::words).for_each(|words| words.picture());
    }

    /// The recorder is gone; whatever was under way will not be answered.
    pub fn lose(&mut self, reason: &str, bye: bool, now: Mono) {
        self.pending.clear();
        self.asking = None;
        self.clips.forsaken();
        self.copies.forsaken();
        self.journal.forsaken();
        self.mail.forsaken();
        for page in &mut self.pages {
            match page {
                Page::Clip(details) => details.forsaken(),
                Page::Stderr(words) => words.forsaken(),
                Page::Look(look) => look.forsaken(),
                Page::Cameras | Page::Clips | Page::Copies | Page::Journal => {}
                Page::Mail | Page::Session(_) | Page::Help(_) => {}
            }
        }
        self.lost = Some(Lost { at: now, reason: outside(reason), bye });
    }

    /// Another try failed: what it said is news, the time of the loss is not.
    pub fn still_lost(&mut self, reason: &str) {
        if let Some(lost) = self.lost.as_mut().filter(|lost| !lost.bye) {
            lost.reason = outside(reason);
        }
    }

    /// The recorder is back.
    pub fn find_recorder(&mut self, now: Mono) {
        if self.lost.take().is_some() {
            self.say(Tone::Good, "the recorder is back", now);
        }
    }
}

/// For tests: the picture of a recorder to which nothing has happened yet.
#[cfg(test)]
pub(crate) fn nothing_yet() -> Snapshot {
    let text = r#"{"version": "", "pid": 1, "started": 0, "anchor": {"mono": 0, "wall": "1970-01-01T00:00:00Z"},
        "cameras": [], "mail": {"port": {"Ok": ""}, "today": 0, "last": null},
        "archive": {"dir": "", "space": null, "trouble": null, "since": null, "backlog": 0},
        "ring": {"dir": "", "used": 0, "space": null}, "lost": {"segments": 0, "bytes": 0, "events": 0},
        "copies": [], "clips": [], "journal": [], "warnings": [], "stopping": null}"#;
    serde_json::from_str(text).expect("a picture")
}
