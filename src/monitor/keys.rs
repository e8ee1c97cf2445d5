//! The one table of keys. What a key does, the hint bar and the help all come from here, so they cannot disagree.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Arm the focused camera, or disarm it.
    Arm,
    /// Save footage of the focused camera now.
    Trigger,
    /// End the focused camera's countdown.
    End,
    /// Leave; the recorder goes on.
    Leave,
    /// Arm every camera, or disarm all if all are armed.
    ArmAll,
    /// Stop the recorder, after asking.
    Stop,
    /// Show or hide the help.
    Help,
    /// Focus the next camera.
    Next,
    /// Focus the one before.
    Previous,
    /// Focus the first camera.
    First,
    /// Focus the last one.
    Last,
    /// Put the monitor into the background of the shell.
    Suspend,
    /// Draw everything again, after something else wrote on the terminal.
    Redraw,
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

/// Every binding, in the order of hint bar and help.
pub const TABLE: &[Binding] = &[
    Binding {
        action: Action::Arm,
        keys: &[key('a')],
        hint: Some("arm/off"),
        help: "arm or disarm the camera: whether it obeys mail",
    },
    Binding {
        action: Action::Trigger,
        keys: &[key('t')],
        hint: Some("trigger"),
        help: "save footage of the camera now, armed or not",
    },
    Binding { action: Action::Leave, keys: &[key('q'), ctrl('c')], hint: Some("leave"), help: "leave the monitor" },
    Binding {
        action: Action::End,
        keys: &[key('x')],
        hint: Some("end countdown"),
        help: "end the camera's countdown: save no more",
    },
    Binding {
        action: Action::ArmAll,
        keys: &[key('A')],
        hint: Some("arm all"),
        help: "arm every camera; disarm all if all are armed",
    },
    Binding {
        action: Action::Stop,
        keys: &[key('Q')],
        hint: Some("stop recorder"),
        help: "stop the recorder (asks first)",
    },
    Binding { action: Action::Next, keys: &[key('j'), special(KeyCode::Down)], hint: None, help: "next camera" },
    Binding { action: Action::Previous, keys: &[key('k'), special(KeyCode::Up)], hint: None, help: "previous camera" },
    Binding { action: Action::First, keys: &[key('g'), special(KeyCode::Home)], hint: None, help: "first camera" },
    Binding { action: Action::Last, keys: &[key('G'), special(KeyCode::End)], hint: None, help: "last camera" },
    Binding {
        action: Action::Suspend,
        keys: &[ctrl('z')],
        hint: None,
        help: "back to the shell for a while (fg returns)",
    },
    Binding { action: Action::Redraw, keys: &[ctrl('l')], hint: None, help: "draw everything again" },
    Binding { action: Action::Help, keys: &[key('?'), special(KeyCode::F(1))], hint: Some("help"), help: "this help" },
];

impl Press {
    /// The key that was pressed; `None` for a release and for combinations that mean nothing here.
    pub fn of(event: &KeyEvent) -> Option<Self> {
        let known = KeyModifiers::CONTROL | KeyModifiers::SHIFT;
        if event.kind == KeyEventKind::Release || !known.contains(event.modifiers) {
            return None;
        }
        Some(Self { code: event.code, ctrl: event.modifiers.contains(KeyModifiers::CONTROL) })
    }

    /// What it asks for.
    pub fn action(self) -> Option<Action> {
        TABLE.iter().find(|binding| binding.keys.contains(&self)).map(|binding| binding.action)
    }

    /// The key's name on the screen.
    pub fn shown(self) -> String {
        let name = match self.code {
            KeyCode::Char(c) if self.ctrl => c.to_ascii_uppercase().to_string(),
            KeyCode::Up => "↑".to_owned(),
            KeyCode::Down => "↓".to_owned(),
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
    fn no_key_means_two_things_and_no_action_stands_twice() {
        for (n, binding) in TABLE.iter().enumerate() {
            assert!(!binding.keys.is_empty());
            for other in &TABLE[n + 1..] {
                assert_ne!(binding.action, other.action);
                assert!(binding.keys.iter().all(|key| !other.keys.contains(key)), "{binding:?} and {other:?}");
            }
            for key in binding.keys {
                assert_eq!(key.action(), Some(binding.action));
            }
        }
    }

    #[test]
    fn keys_are_named_as_people_name_them() {
        let shown: Vec<_> = TABLE.iter().map(Binding::shown).collect();
        let all = ["a", "t", "q Ctrl-C", "x", "A", "Q", "j ↓", "k ↑", "g Home", "G End", "Ctrl-Z", "Ctrl-L", "? F1"];
        assert_eq!(shown, all);
    }

    #[test]
    fn shift_belongs_to_the_letter_and_other_modifiers_mean_nothing() {
        let event = |c, modifiers| KeyEvent::new(KeyCode::Char(c), modifiers);
        let of = |c, modifiers| Press::of(&event(c, modifiers)).and_then(Press::action);
        assert_eq!(of('A', KeyModifiers::SHIFT), Some(Action::ArmAll));
        assert_eq!(of('c', KeyModifiers::CONTROL), Some(Action::Leave));
        assert_eq!(of('t', KeyModifiers::CONTROL), None);
        assert_eq!(of('t', KeyModifiers::ALT), None);
        let release = KeyEvent { kind: KeyEventKind::Release, ..event('t', KeyModifiers::NONE) };
        assert_eq!(Press::of(&release), None);
    }
}
