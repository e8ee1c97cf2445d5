//! From cells to bytes: only what changed goes out, in one piece, and nothing at all if nothing changed.

use crossterm::cursor::MoveTo;
use crossterm::queue;
use crossterm::style::ResetColor;
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::io;

/// A frame above this many bytes may reach the eye in parts, so the terminal is asked to hold it until it is whole.
const LARGE: usize = 1024;
/// Capacity for the largest frame of an ordinary screen, so that it is allocated once.
const CAPACITY: usize = 64 * 1024;
/// Larger terminals are drawn in their upper left part: a size from outside must not become a gigabyte of cells.
const MOST: (u16, u16) = (1000, 500);

/// What the terminal shows, as far as we know, and the bytes that make it show something else.
#[derive(Debug)]
pub struct Painter {
    shown: Buffer,
    bytes: Vec<u8>,
    /// Nothing is known of what the terminal shows.
    blank: bool,
}

impl Default for Painter {
    fn default() -> Self {
        Self { shown: Buffer::default(), bytes: Vec::with_capacity(CAPACITY), blank: true }
    }
}

impl Painter {
    /// Something else wrote on the terminal: the next frame draws every cell.
    pub fn forget(&mut self) {
        self.blank = true;
    }

    /// The bytes that turn what is shown into what `draw` makes of an empty buffer; none if that is the same.
    ///
    /// `size` is columns and lines. What is returned counts as shown.
    pub fn frame(&mut self, size: (u16, u16), draw: impl FnOnce(Rect, &mut Buffer)) -> io::Result<&[u8]> {
        let area = Rect::new(0, 0, size.0.min(MOST.0), size.1.min(MOST.1));
        let mut next = Buffer::empty(area);
        draw(area, &mut next);
        self.bytes.clear();
        if self.blank || self.shown.area != area {
            queue!(self.bytes, ResetColor, Clear(ClearType::All), MoveTo(0, 0))?;
            self.shown = Buffer::empty(area);
            self.blank = false;
        }
        let changed = self.shown.diff(&next);
        if !changed.is_empty() {
            CrosstermBackend::new(&mut self.bytes).draw(changed.into_iter())?;
            shorten_end(&mut self.bytes);
        }
        if self.bytes.len() > LARGE {
            let mut held = Vec::with_capacity(self.bytes.len() + 16);
            queue!(held, BeginSynchronizedUpdate)?;
            held.append(&mut self.bytes);
            queue!(held, EndSynchronizedUpdate)?;
            self.bytes.append(&mut held);
        }
        self.shown = next;
        Ok(&self.bytes)
    }
}

/// The backend ends by taking back each colour and then everything; the last includes the others. That is fifteen bytes
/// of the forty that a second of a countdown costs.
fn shorten_end(bytes: &mut Vec<u8>) {
    const COLOURS: [&[u8]; 3] = [b"\x1b[39m", b"\x1b[49m", b"\x1b[59m"];
    const EVERYTHING: &[u8] = b"\x1b[0m";
    let Some(mut kept) = bytes.strip_suffix(EVERYTHING) else { return };
    while let Some(shorter) = COLOURS.iter().find_map(|colour| kept.strip_suffix(*colour)) {
        kept = shorter;
    }
    let kept = kept.len();
    bytes.truncate(kept);
    bytes.extend_from_slice(EVERYTHING);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(text: &str) -> impl FnOnce(Rect, &mut Buffer) {
        let text = text.to_owned();
        move |area, buf| {
            if !area.is_empty() {
                buf.set_stringn(0, 0, text, usize::from(area.width), ratatui::style::Style::new());
            }
        }
    }

    fn shown(bytes: &[u8], screen: &mut vt100::Parser) -> String {
        screen.process(bytes);
        screen.screen().contents()
    }

    #[test]
    fn the_same_frame_costs_nothing_and_a_change_costs_its_cells() {
        let (mut painter, mut screen) = (Painter::default(), vt100::Parser::default());
        let first = painter.frame((20, 5), write("countdown 32 s")).expect("vec").to_vec();
        assert_eq!(shown(&first, &mut screen), "countdown 32 s");
        assert_eq!(painter.frame((20, 5), write("countdown 32 s")).expect("vec"), b"");
        let second = painter.frame((20, 5), write("countdown 31 s")).expect("vec").to_vec();
        assert_eq!(shown(&second, &mut screen), "countdown 31 s");
        assert_eq!(second, b"\x1b[1;12H1\x1b[0m", "where, what, and an end");
    }

    #[test]
    fn after_a_disturbance_or_another_size_every_cell_is_drawn() {
        let (mut painter, mut screen) = (Painter::default(), vt100::Parser::default());
        screen.process(painter.frame((20, 5), write("picture")).expect("vec"));
        screen.process(b"\x1b[2;1Hwall: system goes down");
        painter.forget();
        assert_eq!(shown(painter.frame((20, 5), write("picture")).expect("vec"), &mut screen), "picture");
        assert!(painter.frame((19, 5), write("picture")).expect("vec").len() > 7);
    }

    #[test]
    fn only_large_frames_are_held_back_and_no_size_is_too_large() {
        let mut painter = Painter::default();
        assert!(!painter.frame((20, 5), write("small")).expect("vec").starts_with(b"\x1b[?2026h"));
        let long = "é".repeat(2000);
        let frame = painter.frame((u16::MAX, u16::MAX), write(&long)).expect("vec");
        assert!(frame.starts_with(b"\x1b[?2026h") && frame.ends_with(b"\x1b[?2026l"));
        assert!(painter.frame((0, 0), write("nothing")).expect("vec").len() < 30);
    }
}
