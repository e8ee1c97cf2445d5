//! Lines to read, wrapped between words, scrolled as a whole.

use super::row::{Piece, Row, wrap};
use super::{below, margin};
use crate::monitor::theme::{Theme, Tone};
use crate::monitor::view::{Note, TextBody};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Lines that one sentence may take.
const LINES: usize = 12;

/// Draws as much of it as fits.
pub fn draw(text: &TextBody, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let area = margin(area);
    let title = Piece::new(0, Tone::Strong, format!(" {}", text.title)).flexible(8);
    Row::default().left(title).draw(Rect { height: 1.min(area.height), ..area }, theme, buf);
    let rest = below(area, 1);
    let first = usize::from(text.scroll.min(reach(text, area)));
    for (y, line) in (rest.y..rest.bottom()).zip(lines(text, area.width).into_iter().skip(first)) {
        Row::default().left(Piece::new(0, line.tone, line.text)).draw(Rect { y, height: 1, ..rest }, theme, buf);
    }
}

/// How far it can be scrolled in `area`, its title included.
pub fn reach(text: &TextBody, area: Rect) -> u16 {
    let all = u16::try_from(lines(text, margin(area).width).len()).unwrap_or(u16::MAX);
    all.saturating_sub(area.height.saturating_sub(1))
}

/// What is wrapped goes on below where its words began.
fn lines(text: &TextBody, width: u16) -> Vec<Note> {
    let mut lines = Vec::new();
    for note in &text.lines {
        let indent = note.text.len() - note.text.trim_start().len();
        let room = width.saturating_sub(1 + u16::try_from(indent).unwrap_or(0));
        for (n, line) in wrap(&note.text, room, LINES).into_iter().enumerate() {
            let indent = " ".repeat(1 + indent + if n > 0 { 2 } else { 0 });
            lines.push(Note { tone: note.tone, text: format!("{indent}{line}") });
        }
    }
    lines
}
