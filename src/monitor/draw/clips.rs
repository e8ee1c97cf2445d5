//! The clip list: what was saved.

use super::list::mark;
use super::row::{Piece, Row, pad, width};
use crate::monitor::theme::{Theme, Tone};
use crate::monitor::view::ClipRow;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws as many clips as fit, newest first; `chosen` is the one at the cursor.
pub fn draw(rows: &[ClipRow], chosen: Option<usize>, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let shown = &rows[..rows.len().min(usize::from(area.height))];
    let widest = |of: fn(&ClipRow) -> &str| shown.iter().map(|clip| width(of(clip))).max().unwrap_or(0);
    let (at, name) = (widest(|clip| &clip.at), widest(|clip| &clip.camera));
    let (length, bytes) = (widest(|clip| &clip.length), widest(|clip| &clip.bytes));
    for (n, (y, clip)) in (area.y..area.bottom()).zip(shown).enumerate() {
        let right = |text: &str, to: u16| format!("{text:>to$}", to = usize::from(to));
        let sign = match (clip.open, clip.protected) {
            (true, _) => (Tone::Busy, "▸"),
            (false, true) => (Tone::Good, "★"),
            (false, false) => (Tone::Plain, " "),
        };
        Row::default()
            .left(Piece::of(0, vec![(sign.0, sign.1.to_owned()), (Tone::Faint, pad(&clip.at, at))]))
            .left(Piece::new(0, Tone::Plain, pad(&clip.camera, name)))
            .left(Piece::new(0, Tone::Plain, right(&clip.length, length)))
            .left(Piece::new(2, Tone::Plain, right(&clip.bytes, bytes)))
            .left(Piece::new(1, Tone::Bad, clip.missing.clone()))
            .left(Piece::new(3, Tone::Faint, clip.trigger.clone()))
            .left(Piece::new(4, sign.0, if clip.open { "growing" } else { "" }))
            .left(Piece::new(5, Tone::Plain, clip.subject.clone()).flexible(8))
            .draw(Rect { y, height: 1, ..area }, theme, buf);
        mark(chosen == Some(n), y, area, theme, buf);
    }
}
