//! The copy log: what went into the archive, and what did not.

use super::list::mark;
use super::row::{Piece, Row, pad, width};
use crate::monitor::theme::{Theme, Tone};
use crate::monitor::view::CopyRow;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws as many copies as fit, newest first; `chosen` is the one at the cursor.
pub fn draw(rows: &[CopyRow], chosen: Option<usize>, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let shown = &rows[..rows.len().min(usize::from(area.height))];
    let widest = |of: fn(&CopyRow) -> &str| shown.iter().map(|copy| width(of(copy))).max().unwrap_or(0);
    let (at, name, slot) = (widest(|copy| &copy.at), widest(|copy| &copy.camera), widest(|copy| &copy.slot));
    let bytes = widest(|copy| if copy.took.is_empty() { "" } else { &copy.outcome });
    for (n, (y, copy)) in (area.y..area.bottom()).zip(shown).enumerate() {
        let outcome = match copy.took.as_str() {
            "" => Piece::new(0, copy.tone, copy.outcome.clone()).flexible(8),
            _ => Piece::new(0, copy.tone, format!("{:>to$}", copy.outcome, to = usize::from(bytes))),
        };
        Row::default()
            .left(Piece::new(0, Tone::Faint, format!(" {}", pad(&copy.at, at))))
            .left(Piece::new(1, Tone::Plain, pad(&copy.camera, name)))
            .left(Piece::new(3, Tone::Faint, pad(&copy.slot, slot)))
            .left(outcome)
            .left(Piece::new(2, Tone::Plain, copy.took.clone()))
            .left(Piece::new(4, Tone::Faint, format!("→ {}", copy.clip)))
            .draw(Rect { y, height: 1, ..area }, theme, buf);
        mark(chosen == Some(n), y, area, theme, buf);
    }
}
