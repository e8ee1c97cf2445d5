//! Words to find by. All of them have to be there, in any order, upper and lower case alike.

use crate::model::text::fit_for_screen;
use crossterm::event::KeyCode;
use tui_input::{Input, InputRequest};

/// Nobody looks for more.
const LONGEST: usize = 80;

/// What is looked for, and the line while it is typed.
#[derive(Debug, Clone, Default)]
pub struct Find {
    words: Input,
    /// Keys go here.
    pub typing: bool,
}

impl Find {
    /// What stands there.
    pub fn text(&self) -> &str {
        self.words.value().trim()
    }

    /// In front of the cursor, and from it on.
    pub fn parts(&self) -> (String, String) {
        let all = self.words.value().chars();
        (all.clone().take(self.words.cursor()).collect(), all.skip(self.words.cursor()).collect())
    }

    /// Finds everything again.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether a text has all the words.
    pub fn matches(&self, text: &str) -> bool {
        has(text, self.text())
    }

    /// A key while typing. Enter keeps what was typed, Esc does not.
    pub fn press(&mut self, code: KeyCode, ctrl: bool) {
        let request = match (code, ctrl) {
            (KeyCode::Enter, _) => {
                self.typing = false;
                return;
            }
            (KeyCode::Esc, _) => return self.clear(),
            (KeyCode::Backspace, _) if self.words.value().is_empty() => return self.clear(),
            (KeyCode::Char('a'), true) | (KeyCode::Home, _) => InputRequest::GoToStart,
            (KeyCode::Char('e'), true) | (KeyCode::End, _) => InputRequest::GoToEnd,
            (KeyCode::Char('u'), true) => InputRequest::DeleteLine,
            (KeyCode::Char('w'), true) => InputRequest::DeletePrevWord,
            (KeyCode::Char('k'), true) => InputRequest::DeleteTillEnd,
            (KeyCode::Backspace, _) | (KeyCode::Char('h'), true) => InputRequest::DeletePrevChar,
            (KeyCode::Delete, _) => InputRequest::DeleteNextChar,
            (KeyCode::Left, _) => InputRequest::GoToPrevChar,
            (KeyCode::Right, _) => InputRequest::GoToNextChar,
            (KeyCode::Char(c), false) => return self.insert(&c.to_string()),
            _ => return,
        };
        self.words.handle(request);
    }

    /// Takes text as if it was typed: without anything that is no letter, and not too much of it.
    pub fn insert(&mut self, text: &str) {
        let room = LONGEST.saturating_sub(self.words.value().chars().count());
        // A single space is a space here; everything else that cannot be seen goes.
        let text = if text == " " { " ".to_owned() } else { fit_for_screen(text, LONGEST) };
        for c in text.chars().take(room) {
            self.words.handle(InputRequest::InsertChar(c));
        }
    }
}

/// Whether a text has all the words. Letter by letter, as the recorder searches, so that both find the same.
pub fn has(text: &str, words: &str) -> bool {
    let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<String>();
    let text = lower(text);
    lower(words).split_whitespace().all(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &str) -> Find {
        let mut find = Find { typing: true, ..Find::default() };
        keys.chars().for_each(|c| find.press(KeyCode::Char(c), false));
        find
    }

    #[test]
    fn all_words_in_any_order() {
        let find = typed("Motion front");
        assert!(find.matches("front-door: mail \"motion detected\""));
        assert!(!find.matches("garden: motion"));
        assert!(Find::default().matches("anything"));
    }

    #[test]
    fn it_is_edited_as_a_shell_line() {
        let mut find = typed("one two");
        find.press(KeyCode::Char('w'), true);
        assert_eq!(find.text(), "one");
        find.press(KeyCode::Home, false);
        find.press(KeyCode::Char('x'), false);
        assert_eq!(find.parts(), ("x".to_owned(), "one ".to_owned()));
        find.press(KeyCode::Enter, false);
        assert!(!find.typing && find.text() == "xone");
        find.press(KeyCode::Esc, false);
        assert_eq!(find.text(), "");
    }

    #[test]
    fn what_is_pasted_is_letters_and_not_too_many() {
        let mut find = typed("");
        find.insert("\x1b[31mred\r\nrm -rf\u{202e}");
        assert_eq!(find.text(), "[31mred rm -rf");
        find.insert(&"x".repeat(10_000));
        assert_eq!(find.text().chars().count(), LONGEST);
    }
}
