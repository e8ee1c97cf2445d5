//! From the bytes that a terminal sends to keys. Pure; every terminal of today speaks these few sequences.
//!
//! crossterm has a reader of its own, and it is not used: when a terminal is gone (a dropped SSH connection) it reads
//! the end of file again and again, without end and inside a poll that should have returned at once (0.29, its issue
//! 793). A monitor that outlives its terminal would burn a core of a box that has better things to do.

use super::input::Input;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The longest sequence that means anything to anyone; what is longer is not a key.
const LONGEST: usize = 32;

const ESC: u8 = 0x1b;

/// How pasted text begins and ends, where the terminal was asked to say so.
const PASTE: (&[u8], &[u8]) = (b"\x1b[200~", b"\x1b[201~");

/// Pasted text that is kept; nobody looks for more words than that.
const PASTED: usize = 4096;

/// Collects bytes until they are keys or pasted text.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    /// What was pasted so far, while the end has not come yet.
    pasted: Option<Vec<u8>>,
}

/// What the bytes at hand are.
enum Found {
    /// A key, and how many bytes it took; `None`: nothing that is known, to be left out.
    Key(usize, Option<KeyEvent>),
    /// The beginning of something.
    Unfinished,
}

impl Decoder {
    /// Takes bytes; what is complete now.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Input> {
        self.bytes.extend_from_slice(bytes);
        let (mut inputs, mut at) = (Vec::new(), 0);
        while at < self.bytes.len() {
            if let Some(pasted) = &mut self.pasted {
                let rest = &self.bytes[at..];
                let end = rest.windows(PASTE.1.len()).position(|bytes| bytes == PASTE.1);
                // Without an end, the last bytes may be its beginning.
                let text = end.unwrap_or_else(|| rest.len().saturating_sub(PASTE.1.len() - 1));
                let room = PASTED.saturating_sub(pasted.len());
                pasted.extend_from_slice(&rest[..text.min(room)]);
                at += text;
                if end.is_none() {
                    break;
                }
                at += PASTE.1.len();
                inputs.extend(self.pasted.take().map(paste));
                continue;
            }
            if self.bytes[at..].starts_with(PASTE.0) {
                self.pasted = Some(Vec::new());
                at += PASTE.0.len();
                continue;
            }
            match decode(&self.bytes[at..]) {
                Found::Key(length, key) => {
                    inputs.extend(key.map(Input::Key));
                    at += length;
                }
                Found::Unfinished if self.bytes.len() - at > LONGEST => at = self.bytes.len(),
                Found::Unfinished => break,
            }
        }
        self.bytes.drain(..at);
        inputs
    }

    /// Whether more bytes are awaited.
    pub fn is_waiting(&self) -> bool {
        !self.bytes.is_empty() || self.pasted.is_some()
    }

    /// Nothing more came for a while: an escape by itself was the key of that name, and the rest was no key. Pasted text
    /// whose end got lost ends here, or every further key would belong to it.
    pub fn give_up(&mut self) -> Option<Input> {
        let bytes = std::mem::take(&mut self.bytes);
        if let Some(mut pasted) = self.pasted.take() {
            pasted.extend(bytes);
            return Some(paste(pasted));
        }
        (bytes == [ESC]).then(|| Input::Key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE)))
    }
}

fn paste(bytes: Vec<u8>) -> Input {
    Input::Paste(String::from_utf8_lossy(&bytes).into_owned())
}

fn decode(bytes: &[u8]) -> Found {
    match bytes {
        [] | [ESC] => Found::Unfinished,
        [ESC, b'[', rest @ ..] => control_sequence(rest),
        [ESC, b'O'] => Found::Unfinished,
        [ESC, b'O', letter, ..] => Found::Key(3, plain(by_letter(*letter))),
        // A second escape begins something of its own.
        [ESC, ESC, ..] => Found::Key(1, plain(Some(KeyCode::Esc))),
        [ESC, rest @ ..] => match character(rest) {
            Found::Key(length, key) => {
                let with_alt = |key: KeyEvent| KeyEvent::new(key.code, key.modifiers | KeyModifiers::ALT);
                Found::Key(length + 1, key.map(with_alt))
            }
            Found::Unfinished => Found::Unfinished,
        },
        _ => character(bytes),
    }
}

fn plain(code: Option<KeyCode>) -> Option<KeyEvent> {
    code.map(|code| KeyEvent::new(code, KeyModifiers::NONE))
}

/// What follows `ESC [`: parameters, and a byte that ends it.
fn control_sequence(rest: &[u8]) -> Found {
    if let [b'[', after @ ..] = rest {
        // The Linux console's F1 to F5.
        return match after {
            [] => Found::Unfinished,
            [letter @ b'A'..=b'E', ..] => Found::Key(4, plain(Some(KeyCode::F(letter - b'A' + 1)))),
            [_, ..] => Found::Key(4, None),
        };
    }
    let Some(end) = rest.iter().position(|byte| !matches!(byte, 0x20..=0x3f)) else { return Found::Unfinished };
    if !matches!(rest[end], 0x40..=0x7e) {
        return Found::Key(2 + end, None); // broken off; the byte that broke it is looked at by itself
    }
    let text = std::str::from_utf8(&rest[..end]).unwrap_or_default();
    let mut numbers = text.split(';').map(|number| number.parse::<u8>().ok());
    let (first, modifiers) = (numbers.next().flatten(), numbers.next().flatten());
    let code = if rest[end] == b'~' { first.and_then(by_number) } else { by_letter(rest[end]) };
    // Terminals count modifiers from 1: Shift is one more, Alt two, Ctrl four.
    let bits = modifiers.map_or(0, |count| count.saturating_sub(1));
    let held = [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)];
    let held = held.into_iter().filter(|(bit, _)| bits & bit != 0).map(|(_, modifier)| modifier);
    let held = held.fold(KeyModifiers::NONE, |all, modifier| all | modifier);
    Found::Key(3 + end, code.map(|code| KeyEvent::new(code, held)))
}

fn by_letter(letter: u8) -> Option<KeyCode> {
    Some(match letter {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        b'P'..=b'S' => KeyCode::F(letter - b'P' + 1),
        b'Z' => KeyCode::BackTab,
        _ => return None,
    })
}

fn by_number(number: u8) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        4 | 8 => KeyCode::End,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number - 10),
        _ => return None,
    })
}

/// A character or a control byte.
fn character(bytes: &[u8]) -> Found {
    let ctrl = |c: u8| Some(KeyEvent::new(KeyCode::Char(char::from(c)), KeyModifiers::CONTROL));
    match bytes {
        [] => Found::Unfinished,
        [b'\r' | b'\n', ..] => Found::Key(1, plain(Some(KeyCode::Enter))),
        [b'\t', ..] => Found::Key(1, plain(Some(KeyCode::Tab))),
        [0x08 | 0x7f, ..] => Found::Key(1, plain(Some(KeyCode::Backspace))),
        [c @ 0x01..=0x1a, ..] => Found::Key(1, ctrl(c - 1 + b'a')),
        [0x00..=0x1f, ..] => Found::Key(1, None),
        [first, ..] => {
            let length = match first {
                0xf0.. => 4,
                0xe0.. => 3,
                0xc0.. => 2,
                _ => 1,
            };
            let whole = &bytes[..bytes.len().min(length)];
            match std::str::from_utf8(whole) {
                Ok(text) => Found::Key(length, plain(text.chars().next().map(KeyCode::Char))),
                Err(error) if error.error_len().is_none() => Found::Unfinished,
                Err(_) => Found::Key(1, None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn names(inputs: &[Input]) -> String {
        let name = |input: &Input| match input {
            Input::Key(key) if key.modifiers == KeyModifiers::NONE => key.code.to_string(),
            Input::Key(key) => format!("{}+{}", key.modifiers, key.code),
            other => format!("{other:?}"),
        };
        inputs.iter().map(name).collect::<Vec<_>>().join(" ")
    }

    #[rstest]
    #[case::letters(b"aQ?", "a Q ?")]
    #[case::other_scripts("ä猫🐈".as_bytes(), "ä 猫 🐈")]
    #[case::control(b"\x03\x1a\x0c", "Control+c Control+z Control+l")]
    #[case::editing(b"\r\t\x7f", "Enter Tab Backspace")]
    #[case::arrows(b"\x1b[A\x1b[B\x1bOC\x1bOD", "Up Down Right Left")]
    #[case::ends(b"\x1b[H\x1b[F\x1bOH\x1b[1~\x1b[4~\x1b[7~\x1b[8~", "Home End Home Home End Home End")]
    #[case::pages(b"\x1b[5~\x1b[6~", "Page Up Page Down")]
    #[case::functions(b"\x1bOP\x1b[11~\x1b[[A\x1b[15~", "F1 F1 F1 F5")]
    #[case::held(b"\x1b[1;5A\x1b[1;2B\x1ba", "Control+Up Shift+Down Alt+a")]
    #[case::unknown_is_left_out(b"x\x1b[?1;2cy\x1b[99zz\x1b]t", "x y z Alt+] t")]
    #[case::broken_off(b"\x1b[12\x03", "Control+c")]
    #[case::not_utf8(b"\xff\xc3(a", "( a")]
    #[case::pasted(b"a\x1b[200~Qy\x1b[A\x1b[201~b", "a Paste(\"Qy\\u{1b}[A\") b")]
    fn bytes_are_keys(#[case] bytes: &[u8], #[case] keys: &str) {
        assert_eq!(names(&Decoder::default().feed(bytes)), keys);
    }

    /// `ESC [ A` in two packets must not become the key `A`, which would arm every camera.
    #[test]
    fn a_sequence_in_two_packets_is_one_key() {
        let mut decoder = Decoder::default();
        assert_eq!(names(&decoder.feed(b"\x1b")), "");
        assert!(decoder.is_waiting());
        assert_eq!(names(&decoder.feed(b"[")), "");
        assert_eq!(names(&decoder.feed(b"A")), "Up");
        assert!(!decoder.is_waiting());
    }

    #[test]
    fn an_escape_by_itself_is_a_key_after_a_while() {
        let mut decoder = Decoder::default();
        decoder.feed(b"\x1b");
        assert_eq!(decoder.give_up(), Some(Input::Key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE))));
        decoder.feed(b"\x1b[1;");
        assert_eq!(decoder.give_up(), None);
        assert_eq!(names(&decoder.feed(b"q")), "q");
    }

    #[test]
    fn pasted_text_comes_in_one_piece_and_its_end_cannot_be_missed_for_ever() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(b"\x1b[200~motion de"), []);
        assert_eq!(decoder.feed(b"tected\x1b[20"), []);
        assert_eq!(decoder.feed(b"1~q").len(), 2);
        decoder.feed(b"\x1b[200~lost");
        assert!(decoder.is_waiting());
        assert_eq!(decoder.give_up(), Some(Input::Paste("lost".into())));
        assert_eq!(names(&decoder.feed(b"q")), "q");
        decoder.feed(b"\x1b[200~");
        for _ in 0..100 {
            decoder.feed(&[b'x'; 1000]);
        }
        let Some(Input::Paste(text)) = decoder.give_up() else { panic!("no text") };
        assert!(text.len() < PASTED + PASTE.1.len() && decoder.bytes.is_empty());
    }

    proptest! {
        /// Whatever comes, nothing is kept for ever, and packets do not change what it means.
        #[test]
        fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>()) {
            let mut whole = Decoder::default();
            let keys = whole.feed(&bytes);
            prop_assert!(whole.bytes.len() <= LONGEST);
            let (first, second) = bytes.split_at(at.index(bytes.len() + 1));
            let mut parts = Decoder::default();
            let mut in_parts = parts.feed(first);
            in_parts.extend(parts.feed(second));
            // Where a sequence is too long to be one, the packets decide where it is given up.
            if !bytes.windows(LONGEST).any(|long| long.iter().all(|byte| matches!(byte, 0x20..=0x3f))) {
                prop_assert_eq!(in_parts, keys);
            }
        }
    }
}
