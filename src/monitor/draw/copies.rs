//! The copy log: what went into the archive, and what did not.

use super::list::mark;
use super::row::{Piece, width};
use super::table::{Column, fit, line};
use crate::monitor::theme::{Theme, Tone};
use crate::monitor::view::CopyRow;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws as many copies as fit, newest first; `chosen` is the one at the cursor.
pub fn draw(rows: &[CopyRow], chosen: Option<usize>, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let shown = &rows[..rows.len().min(usize::from(area.height))];
    let column = |rank, of: fn(&CopyRow) -> &str| Column::of(rank, 0, shown.iter().map(of));
    let stored = |rank, of: fn(&CopyRow) -> &str| {
        Column::of(rank, 0, shown.iter().map(|copy| if copy.is_stored() { of(copy) } else { "" })).right()
    };
    let columns = [
        column(0, |copy| &copy.at),
        column(1, |copy| &copy.camera),
        column(3, |copy| &copy.slot),
        stored(0, |copy| &copy.outcome),
        stored(2, |copy| &copy.took),
        stored(5, |copy| &copy.speed),
        stored(4, |copy| &copy.retries),
        column(6, |copy| &copy.clip),
    ];
    let columns = fit(columns, area.width.saturating_sub(1));
    let [at, camera, slot, ..] = columns;
    let marked = 1 + at.width() + if camera.width() > 0 { 2 + camera.width() } else { 0 };
    for (n, (y, copy)) in (area.y..area.bottom()).zip(shown).enumerate() {
        let place = [(Tone::Faint, copy.at.as_str()), (Tone::Plain, &copy.camera), (Tone::Faint, &copy.slot)];
        let row = if copy.is_stored() {
            let [at, camera, slot] = place;
            let (size, took, speed) = (copy.outcome.as_str(), copy.took.as_str(), copy.speed.as_str());
            let cells = [
                at,
                camera,
                slot,
                (copy.tone, size),
                (Tone::Plain, took),
                (Tone::Faint, speed),
                (Tone::Warn, &copy.retries),
                (Tone::Faint, &copy.clip),
            ];
            line(&columns, cells)
        } else {
            // Why it failed takes the place of the figures, and whatever room there is.
            line(&[at, camera, slot], place).left(Piece::new(0, copy.tone, copy.outcome.clone()).flexible(1))
        };
        row.signed(" ", Tone::Plain).draw(Rect { y, height: 1, ..area }, theme, buf);
        mark(chosen == Some(n), Rect { y, height: 1, width: marked.min(area.width), ..area }, theme, buf);
    }
}

/// What is longer than a line of `columns`, in full.
pub fn overlong(rows: &[CopyRow], columns: u16) -> impl Iterator<Item = (usize, &str)> {
    let widest = |of: fn(&CopyRow) -> &str| rows.iter().map(|copy| width(of(copy))).max().unwrap_or(0);
    let before = 1 + widest(|copy| &copy.at) + 2 + widest(|copy| &copy.camera) + 2 + widest(|copy| &copy.slot) + 2;
    let rows = rows.iter().enumerate().filter(move |(_, copy)| before.saturating_add(width(&copy.outcome)) > columns);
    rows.map(|(n, copy)| (n, copy.outcome.as_str()))
}
