//! The one table of keys. What a key does, the hint bar and the help all come from here, so they cannot disagree.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What fills the screen while a key is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Cameras, and the ends of the lists below them.
    Cameras,
    /// The clip list.
    Clips,
    /// The copy log.
    Copies,
    /// The journal.
    Journal,
    /// Who connected to the mail port.
    Mail,
    /// One of those connections.
    Session,
    /// One clip and its record.
    Clip,
    /// What a camera's FFmpeg said.
    Stderr,
    /// Pictures.
    Look,
    /// The help.
    Help,
}

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Something about the focused camera, or about all of them.
    Camera(OnCamera),
    /// Something about the clip at the cursor.
    Clip(OnClip),
    /// Something about the connection at the cursor.
    Session(OnSession),
    /// Leave; the recorder goes on.
    Leave,
    /// Go back to what was there before.
    Back,
    /// Take the pictures again.
    Again,
    /// Find by words.
    Find,
    /// Go to the clip list.
    Clips,
    /// Go to the copy log.
    Copies,
    /// Go to the journal.
    Journal,
    /// Go to what was said on the mail port.
    Mail,
    /// Go round: cameras, clips, copies, journal, mail.
    NextPage,
    /// The same, the other way.
    PreviousPage,
    /// Stay with the newest line, or no longer.
    Follow,
    /// Cameras in trouble first, or no longer.
    Sort,
    /// Show only warnings and errors, only errors, or all.
    Level,
    /// Stop the recorder, after asking.
    Stop,
    /// Show the help.
    Help,
    /// Move the focus, the cursor, or the text.
    Go(Step),
    /// Put the monitor into the background of the shell.
    Suspend,
    /// Draw everything again, after something else wrote on the terminal.
    Redraw,
}

/// What a key does about cameras.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCamera {
    /// Arm the focused one, or disarm it.
    Arm,
    /// Arm every one, or disarm all, after asking, if all are armed.
    ArmAll,
    /// Save footage of the focused one now.
    Trigger,
    /// End its countdown.
    End,
    /// See its newest picture.
    Look,
    /// See what its FFmpeg said.
    Stderr,
}

/// What a key does about a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnClip {
    /// See its record.
    Details,
    /// See pictures of it.
    Look,
    /// Protect it from retention, or no longer.
    Protect,
    /// Delete it, after asking.
    Delete,
    /// Copy its path to the terminal's clipboard.
    CopyPath,
}

/// What a key does about a connection to the mail port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnSession {
    /// See all that was said.
    Details,
    /// Write the line that its verdict proposes into nvr.toml, after asking.
    Write,
}

/// How far to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// To the next camera or line.
    Next,
    /// To the one before.
    Previous,
    /// A screen further.
    PageDown,
    /// A screen back.
    PageUp,
    /// To the first camera or line.
    First,
    /// To the last one.
    Last,
}

/// One key, perhaps with Ctrl.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Press {
    /// The key.
    pub code: KeyCode,
    /// With Ctrl held.
    pub ctrl: bool,
}

/// What is said about one action, and the keys that ask for it.
#[derive(Debug)]
pub struct Binding {
    /// What they ask for.
    pub action: Action,
    /// The keys; hints show the first.
    pub keys: &'static [Press],
    /// Where they do.
    pub places: &'static [Place],
    /// A word or two for the hint bar; `None`: only the help tells.
    pub hint: Option<&'static str>,
    /// A line for the help.
    pub help: &'static str,
}

const fn key(c: char) -> Press {
    Press { code: KeyCode::Char(c), ctrl: false }
}

const fn ctrl(c: char) -> Press {
    Press { code: KeyCode::Char(c), ctrl: true }
}

const fn special(code: KeyCode) -> Press {
    Press { code, ctrl: false }
}

const CAMERAS: &[Place] = &[Place::Cameras];
const CLIPS: &[Place] = &[Place::Clips, Place::Clip];
const MAIL: &[Place] = &[Place::Mail, Place::Session];
const LOGS: &[Place] = &[Place::Clips, Place::Copies, Place::Journal, Place::Mail];
const LISTS: &[Place] = &[Place::Cameras, Place::Clips, Place::Copies, Place::Journal, Place::Mail];
const BEHIND: &[Place] = &but::<8>(&[Place::Cameras, Place::Help]);
const NOT_HELP: &[Place] = &but::<9>(&[Place::Help]);
const NOT_CLIPS: &[Place] = &but::<8>(&[Place::Clips, Place::Help]);
const NOT_COPIES: &[Place] = &but::<8>(&[Place::Copies, Place::Help]);
const NOT_JOURNAL: &[Place] = &but::<8>(&[Place::Journal, Place::Help]);
const NOT_MAIL: &[Place] = &but::<8>(&[Place::Mail, Place::Help]);
const SCROLLED: &[Place] = &but::<9>(&[Place::Look]);
/// All of them.
pub const EVERYWHERE: &[Place] = &[
    Place::Cameras,
    Place::Clips,
    Place::Copies,
    Place::Journal,
    Place::Mail,
    Place::Session,
    Place::Clip,
    Place::Stderr,
    Place::Look,
    Place::Help,
];

/// Everywhere but there: so many places.
const fn but<const N: usize>(there: &[Place]) -> [Place; N] {
    let mut places = [Place::Cameras; N];
    let (mut from, mut to) = (0, 0);
    while from < EVERYWHERE.len() {
        let (mut at, mut is_there) = (0, false);
        while at < there.len() {
            is_there |= there[at] as u8 == EVERYWHERE[from] as u8;
            at += 1;
        }
        if !is_there {
            places[to] = EVERYWHERE[from];
            to += 1;
        }
        from += 1;
    }
    assert!(to == N, "as many as are left");
    places
}

const fn bind(
    action: Action,
    keys: &'static [Press],
    places: &'static [Place],
    hint: Option<&'static str>,
    help: &'static str,
) -> Binding {
    Binding { action, keys, places, hint, help }
}

/// Every binding, in the order of hint bar and help.
#[rustfmt::skip]
pub const TABLE: &[Binding] = &[
    bind(Action::Camera(OnCamera::Arm), &[key('a')], CAMERAS, Some("arm/off"), "arm or disarm the camera: whether it obeys mail"),
    bind(Action::Camera(OnCamera::Trigger), &[key('t')], CAMERAS, Some("trigger"), "save footage of the camera now, armed or not"),
    bind(Action::Back, &[special(KeyCode::Esc), key('q')], BEHIND, Some("back"), "back to what was there before"),
    bind(Action::Back, &[special(KeyCode::Esc)], CAMERAS, None, "show all cameras again, after finding some"),
    bind(Action::Back, &[special(KeyCode::Esc), key('q'), key('?')], &[Place::Help], Some("back"), "close this help"),
    bind(Action::Leave, &[key('q')], CAMERAS, Some("leave"), "leave the monitor"),
    bind(Action::Leave, &[ctrl('c')], EVERYWHERE, None, "leave the monitor from anywhere"),
    bind(Action::Clips, &[key('c')], NOT_CLIPS, Some("clips"), "the clip list"),
    bind(Action::Camera(OnCamera::Look), &[special(KeyCode::Enter)], CAMERAS, Some("look"), "look at the camera's newest picture"),
    bind(Action::Clip(OnClip::Details), &[special(KeyCode::Enter)], &[Place::Clips, Place::Copies], Some("details"), "all about the clip: its record"),
    bind(Action::Clip(OnClip::Look), &[special(KeyCode::Enter)], &[Place::Clip], Some("look"), "look at the clip's first, trigger and last pictures"),
    bind(Action::Again, &[special(KeyCode::Enter)], &[Place::Look], Some("again"), "look again"),
    bind(Action::Camera(OnCamera::End), &[key('x')], CAMERAS, Some("end countdown"), "end the camera's countdown: save no more"),
    bind(Action::Find, &[key('/')], LISTS, Some("find"), "show only what has these words"),
    bind(Action::Clip(OnClip::Look), &[key('v')], &[Place::Clips], Some("look"), "look at the clip's first, trigger and last pictures"),
    bind(Action::Clip(OnClip::Protect), &[key('p')], CLIPS, Some("protect"), "protect the clip from retention, or no longer"),
    bind(Action::Clip(OnClip::Delete), &[key('D')], CLIPS, Some("delete"), "delete the clip (asks first)"),
    bind(Action::Clip(OnClip::CopyPath), &[key('y')], CLIPS, Some("copy path"), "copy the clip's path to the clipboard of your terminal (OSC 52)"),
    bind(Action::Session(OnSession::Details), &[special(KeyCode::Enter)], &[Place::Mail], Some("details"), "all that was said on the connection, and the verdict"),
    bind(Action::Session(OnSession::Write), &[key('W')], MAIL, Some("write rule"), "write the line that the verdict proposes into nvr.toml (asks first)"),
    bind(Action::Follow, &[key('f')], LOGS, Some("follow"), "stay with the newest line, or no longer"),
    bind(Action::Level, &[key('w')], &[Place::Journal], Some("level"), "only warnings and errors, only errors, or all"),
    bind(Action::Journal, &[key('l')], NOT_JOURNAL, Some("journal"), "the journal: what happened, when and why"),
    bind(Action::Mail, &[key('m')], NOT_MAIL, Some("mail"), "who connected to the mail port, what was said, and what came of it"),
    bind(Action::Copies, &[key('C')], NOT_COPIES, None, "the copy log: every segment's way into the archive"),
    bind(Action::Camera(OnCamera::Stderr), &[key('e')], CAMERAS, Some("FFmpeg"), "what the camera's FFmpeg said last"),
    bind(Action::Sort, &[key('s')], CAMERAS, Some("sort"), "cameras in trouble first, or in the order of nvr.toml"),
    bind(Action::Camera(OnCamera::ArmAll), &[key('A')], CAMERAS, Some("arm all"), "arm every camera; if all are armed, disarm all (asks first)"),
    bind(Action::Stop, &[key('Q')], CAMERAS, Some("stop recorder"), "stop the recorder (asks first)"),
    bind(Action::NextPage, &[special(KeyCode::Tab)], LISTS, None, "go round: cameras, clips, copies, journal, mail"),
    bind(Action::PreviousPage, &[special(KeyCode::BackTab)], LISTS, None, "go round the other way"),
    bind(Action::Go(Step::Next), &[key('j'), special(KeyCode::Down)], SCROLLED, None, "next camera or line"),
    bind(Action::Go(Step::Previous), &[key('k'), special(KeyCode::Up)], SCROLLED, None, "previous camera or line"),
    bind(Action::Go(Step::PageDown), &[ctrl('f'), special(KeyCode::PageDown), key(' ')], SCROLLED, None, "a screen further"),
    bind(Action::Go(Step::PageUp), &[ctrl('b'), special(KeyCode::PageUp)], SCROLLED, None, "a screen back"),
    bind(Action::Go(Step::First), &[key('g'), special(KeyCode::Home)], SCROLLED, None, "first camera or line"),
    bind(Action::Go(Step::Last), &[key('G'), special(KeyCode::End)], SCROLLED, None, "last camera or line"),
    bind(Action::Suspend, &[ctrl('z')], EVERYWHERE, None, "back to the shell for a while (fg returns)"),
    bind(Action::Redraw, &[ctrl('l')], EVERYWHERE, None, "draw everything again"),
    bind(Action::Help, &[key('?'), special(KeyCode::F(1))], NOT_HELP, Some("help"), "this help"),
];

impl Place {
    /// In a word, for the help.
    pub fn word(self) -> &'static str {
        match self {
            Place::Cameras => "cameras",
            Place::Clips => "clips",
            Place::Copies => "copies",
            Place::Journal => "journal",
            Place::Mail => "mail",
            Place::Session => "connection",
            Place::Clip => "clip",
            Place::Stderr => "FFmpeg",
            Place::Look => "look",
            Place::Help => "help",
        }
    }
}

impl Press {
    /// The key that was pressed; `None` for a release and for combinations that mean nothing here.
    pub fn of(event: &KeyEvent) -> Option<Self> {
        let known = KeyModifiers::CONTROL | KeyModifiers::SHIFT;
        if event.kind == KeyEventKind::Release || !known.contains(event.modifiers) {
            return None;
        }
        Some(Self { code: event.code, ctrl: event.modifiers.contains(KeyModifiers::CONTROL) })
    }

    /// What it asks for in a place.
    pub fn action(self, place: Place) -> Option<Action> {
        let mut here = TABLE.iter().filter(|binding| binding.places.contains(&place));
        here.find(|binding| binding.keys.contains(&self)).map(|binding| binding.action)
    }

    /// The key's name on the screen.
    pub fn shown(self) -> String {
        let name = match self.code {
            KeyCode::Char(c) if self.ctrl => c.to_ascii_uppercase().to_string(),
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Up => "↑".to_owned(),
            KeyCode::Down => "↓".to_owned(),
            KeyCode::Enter => "Enter".to_owned(),
            KeyCode::BackTab => "Shift-Tab".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            other => other.to_string(),
        };
        if self.ctrl { format!("Ctrl-{name}") } else { name }
    }
}

impl Binding {
    /// All its keys, as the help shows them.
    pub fn shown(&self) -> String {
        self.keys.iter().map(|key| key.shown()).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_no_place_does_a_key_mean_two_things() {
        for place in EVERYWHERE {
            let here: Vec<_> = TABLE.iter().filter(|binding| binding.places.contains(place)).collect();
            for (n, binding) in here.iter().enumerate() {
                assert!(!binding.keys.is_empty());
                for other in &here[n + 1..] {
                    assert!(binding.keys.iter().all(|key| !other.keys.contains(key)), "{binding:?} and {other:?}");
                }
                for key in binding.keys {
                    assert_eq!(key.action(*place), Some(binding.action));
                }
            }
        }
    }

    #[test]
    fn every_place_can_be_left_and_has_help() {
        for place in EVERYWHERE {
            let can = |action| TABLE.iter().any(|it| it.action == action && it.places.contains(place));
            assert!(can(Action::Leave) && can(Action::Suspend) && can(Action::Redraw), "{place:?}");
            assert!(*place == Place::Help || can(Action::Help), "{place:?}");
            assert!(*place == Place::Cameras || can(Action::Back), "{place:?}");
        }
    }

    #[test]
    fn keys_are_named_as_people_name_them() {
        let shown = |action| TABLE.iter().find(|it| it.action == action).map(Binding::shown).unwrap_or_default();
        let actions = [
            Action::Back,
            Action::Again,
            Action::Go(Step::PageDown),
            Action::Go(Step::Previous),
            Action::Go(Step::First),
            Action::Redraw,
        ];
        let names = ["Esc q", "Enter", "Ctrl-F PgDn Space", "k ↑", "g Home", "Ctrl-L"];
        assert_eq!(actions.map(shown), names);
    }

    #[test]
    fn shift_belongs_to_the_letter_and_other_modifiers_mean_nothing() {
        let event = |c, modifiers| KeyEvent::new(KeyCode::Char(c), modifiers);
        let of = |c, modifiers| Press::of(&event(c, modifiers)).and_then(|press| press.action(Place::Cameras));
        assert_eq!(of('A', KeyModifiers::SHIFT), Some(Action::Camera(OnCamera::ArmAll)));
        assert_eq!(of('c', KeyModifiers::CONTROL), Some(Action::Leave));
        assert_eq!(of('t', KeyModifiers::CONTROL), None);
        assert_eq!(of('t', KeyModifiers::ALT), None);
        let release = KeyEvent { kind: KeyEventKind::Release, ..event('t', KeyModifiers::NONE) };
        assert_eq!(Press::of(&release), None);
    }
}
