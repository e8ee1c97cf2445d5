//! The clip list: what was saved.

use super::row::{Piece, Row, pad, width};
use crate::monitor::theme::{Theme, Tone};
use crate::monitor::view::{ClipRow, View};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws as many clips as fit, newest first.
pub fn draw(view: &View, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let shown = &view.clips[..view.clips.len().min(usize::from(area.height))];
    let widest = |of: fn(&ClipRow) -> &str| shown.iter().map(|clip| width(of(clip))).max().unwrap_or(0);
    let (at, name) = (widest(|clip| &clip.at), widest(|clip| &clip.camera));
    let (length, bytes) = (widest(|clip| &clip.length), widest(|clip| &clip.bytes));
    for (y, clip) in (area.y..area.bottom()).zip(shown) {
        let right = |text: &str, to: u16| format!("{text:>to$}", to = usize::from(to));
        let mark = if clip.open { (Tone::Busy, "▸") } else { (Tone::Plain, " ") };
        Row::default()
            .left(Piece::of(0, vec![(mark.0, mark.1.to_owned()), (Tone::Faint, pad(&clip.at, at))]))
            .left(Piece::new(0, Tone::Plain, pad(&clip.camera, name)))
            .left(Piece::new(0, Tone::Plain, right(&clip.length, length)))
            .left(Piece::new(2, Tone::Plain, right(&clip.bytes, bytes)))
            .left(Piece::new(1, Tone::Bad, clip.missing.clone()))
            .left(Piece::new(3, Tone::Faint, clip.trigger.clone()))
            .left(Piece::new(4, mark.0, if clip.open { "growing" } else { "" }))
            .draw(Rect { y, height: 1, ..area }, theme, buf);
    }
}
