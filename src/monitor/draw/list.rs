//! A list that fills the screen. It turns like the pages of a book: a list that scrolls by a line is drawn anew from top
//! to bottom at every key, and that costs more on a slow line than it is worth.

use super::row::{Piece, Row, wrap};
use super::{below, clips, copies, journal, margin};
use crate::monitor::theme::{Theme, Tone};
use crate::monitor::view::{ListBody, Rows};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws the page of the list that the cursor is on.
pub fn draw(list: &ListBody, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let area = margin(area);
    let mut title = Row::default().left(Piece::new(0, Tone::Strong, format!(" {}", list.title)));
    for (rank, note) in (1..).zip(&list.notes) {
        title = title.left(Piece::new(rank, Tone::Faint, note.clone()).flexible(8));
    }
    title.draw(Rect { height: 1.min(area.height), ..area }, theme, buf);
    let rest = below(area, 1);
    if rest.is_empty() {
        return;
    }
    if list.rows.are_none() {
        for (y, line) in (rest.y..rest.bottom()).zip(wrap(&list.empty, rest.width.saturating_sub(2), 5)) {
            Row::default().left(Piece::new(0, Tone::Faint, format!(" {line}"))).draw(
                Rect { y, height: 1, ..rest },
                theme,
                buf,
            );
        }
        return;
    }
    let height = usize::from(rest.height);
    let first = (list.cursor / height * height).saturating_sub(list.first);
    let chosen = Some(list.cursor.saturating_sub(list.first).saturating_sub(first));
    match &list.rows {
        Rows::Clips(rows) => clips::draw(from(rows, first), chosen, rest, theme, buf),
        Rows::Copies(rows) => copies::draw(from(rows, first), chosen, rest, theme, buf),
        Rows::Journal(rows) => journal::draw(from(rows, first), chosen, rest, theme, buf),
    }
}

/// What follows the first rows.
fn from<T>(rows: &[T], first: usize) -> &[T] {
    rows.get(first..).unwrap_or_default()
}

/// Marks the line at the cursor.
pub fn mark(chosen: bool, y: u16, area: Rect, theme: &Theme, buf: &mut Buffer) {
    if chosen {
        buf.set_style(Rect { y, height: 1, ..area }.intersection(buf.area), theme.style(Tone::Chosen));
    }
}
