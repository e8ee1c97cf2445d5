//! The journal: what happened.

use super::list::mark;
use super::row::{Piece, Row, pad, width};
use crate::monitor::theme::{Theme, Tone};
use crate::monitor::view::EntryRow;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws as many sentences as fit, newest first; `chosen` is the one at the cursor.
pub fn draw(rows: &[EntryRow], chosen: Option<usize>, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let shown = &rows[..rows.len().min(usize::from(area.height))];
    let at = widest(shown);
    for (n, (y, entry)) in (area.y..area.bottom()).zip(shown).enumerate() {
        let line = Rect { y, height: 1, ..area };
        Row::default()
            .left(Piece::new(0, Tone::Faint, format!(" {}", pad(&entry.at, at))))
            .left(Piece::new(0, entry.tone, entry.text.clone()).flexible(1))
            .draw(line, theme, buf);
        mark(chosen == Some(n), Rect { width: (at + 1).min(area.width), ..line }, theme, buf);
    }
}

fn widest(rows: &[EntryRow]) -> u16 {
    rows.iter().map(|entry| width(&entry.at)).max().unwrap_or(0)
}

/// What is longer than a line of `columns`, in full.
pub fn overlong(rows: &[EntryRow], columns: u16) -> impl Iterator<Item = (usize, &str)> {
    let before = 1 + widest(rows) + 2;
    let rows = rows.iter().enumerate().filter(move |(_, entry)| before.saturating_add(width(&entry.text)) > columns);
    rows.map(|(n, entry)| (n, entry.text.as_str()))
}
