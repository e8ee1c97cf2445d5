//! The copy log: what went into the archive, and what did not.

use super::row::{Piece, Row, pad, width};
use crate::monitor::theme::{Theme, Tone};
use crate::monitor::view::View;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws as many copies as fit, newest first.
pub fn draw(view: &View, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let shown = &view.copies[..view.copies.len().min(usize::from(area.height))];
    let name = shown.iter().map(|copy| width(&copy.camera)).max().unwrap_or(0);
    let slot = shown.iter().map(|copy| width(&copy.slot)).max().unwrap_or(0);
    for (y, copy) in (area.y..area.bottom()).zip(shown) {
        let troubled = copy.tone == Tone::Bad || copy.tone == Tone::Warn;
        Row::default()
            .left(Piece::new(0, Tone::Faint, format!(" {}", copy.at)))
            .left(Piece::new(0, Tone::Plain, pad(&copy.camera, name)).flexible(8))
            .left(Piece::new(2, Tone::Faint, format!("{:>to$}", copy.slot, to = usize::from(slot))))
            .left(Piece::new(1, if troubled { copy.tone } else { Tone::Plain }, copy.outcome.clone()).flexible(8))
            .right(Piece::new(3, Tone::Faint, copy.clip.clone()))
            .draw(Rect { y, height: 1, ..area }, theme, buf);
    }
}
