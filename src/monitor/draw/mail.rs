//! Who connected to the mail port, and what came of it.

use super::list::mark;
use super::row::{Piece, width};
use super::table::{Column, fit, line, taken};
use crate::monitor::theme::{Theme, Tone};
use crate::monitor::view::SessionRow;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns that the verdict has at least, as long as there is something else to leave out.
const VERDICT: u16 = 40;

/// Draws as many connections as fit, newest first; `chosen` is the one at the cursor.
pub fn draw(rows: &[SessionRow], chosen: Option<usize>, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let shown = &rows[..rows.len().min(usize::from(area.height))];
    let columns = columns(shown, area.width);
    for (n, (y, session)) in (area.y..area.bottom()).zip(shown).enumerate() {
        let place = Rect { y, height: 1, ..area };
        let cells = [
            (Tone::Faint, session.at.as_str()),
            (Tone::Plain, session.peer.as_str()),
            (Tone::Plain, session.way.as_str()),
        ];
        let row = line(&columns, cells).signed(" ", Tone::Plain);
        row.left(Piece::new(0, session.tone, session.text.clone()).flexible(1)).draw(place, theme, buf);
        mark(chosen == Some(n), Rect { width: (columns[0].width() + 1).min(area.width), ..place }, theme, buf);
    }
}

fn columns(rows: &[SessionRow], room: u16) -> [Column; 3] {
    let column = |rank, of: fn(&SessionRow) -> &str| Column::of(rank, 0, rows.iter().map(of));
    let columns = [column(0, |it| &it.at), column(1, |it| &it.peer), column(2, |it| &it.way)];
    fit(columns, room.saturating_sub(VERDICT))
}

/// What is longer than a line of `room` columns, in full.
pub fn overlong(rows: &[SessionRow], room: u16) -> impl Iterator<Item = (usize, &str)> {
    let before = 1 + taken(&columns(rows, room)) + 2;
    let rows = rows.iter().enumerate().filter(move |(_, it)| before.saturating_add(width(&it.text)) > room);
    rows.map(|(n, it)| (n, it.text.as_str()))
}
