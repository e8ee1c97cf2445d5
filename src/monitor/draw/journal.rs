//! The journal: what happened.

use super::list::mark;
use super::row::{self, Piece, Row, pad};
use crate::monitor::theme::{Theme, Tone};
use crate::monitor::view::EntryRow;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws as many sentences as fit, newest first; `chosen` is the one at the cursor.
pub fn draw(rows: &[EntryRow], chosen: Option<usize>, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let shown = &rows[..rows.len().min(usize::from(area.height))];
    let at = shown.iter().map(|entry| row::width(&entry.at)).max().unwrap_or(0);
    for (n, (y, entry)) in (area.y..area.bottom()).zip(shown).enumerate() {
        Row::default()
            .left(Piece::new(0, Tone::Faint, format!(" {}", pad(&entry.at, at))))
            .left(Piece::new(0, entry.tone, entry.text.clone()).flexible(1))
            .draw(Rect { y, height: 1, ..area }, theme, buf);
        mark(chosen == Some(n), y, area, theme, buf);
    }
}
