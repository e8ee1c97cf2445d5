//! The help: every key from the one table, and what the glyphs of the ring mean.

use super::ring::{self, LEGEND};
use super::row::{Piece, Row, pad, width};
use crate::monitor::keys::{Action, TABLE};
use crate::monitor::theme::{Theme, Tone};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws the help over the whole of `area`, scrolled down by `scroll` lines or as far as there is anything.
pub fn draw(scroll: u16, leaving: &str, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let lines = lines(leaving);
    let first = usize::from(scroll.min(reach(leaving, area)));
    for (y, line) in (area.y..area.bottom()).zip(lines.into_iter().skip(first)) {
        line.draw(Rect { y, height: 1, ..area }, theme, buf);
    }
}

/// How far the help can be scrolled in `area`.
pub fn reach(leaving: &str, area: Rect) -> u16 {
    u16::try_from(lines(leaving).len()).unwrap_or(u16::MAX).saturating_sub(area.height)
}

fn lines(leaving: &str) -> Vec<Row> {
    let keys = TABLE.iter().map(|binding| width(&binding.shown())).max().unwrap_or(0);
    let title = |text: &str| Row::default().left(Piece::new(0, Tone::Strong, format!(" {text}")));
    let entry = |tone, key: &str, text: String| {
        let piece = Piece::of(0, vec![(tone, format!("   {}  ", pad(key, keys))), (Tone::Plain, text)]);
        Row::default().left(piece.flexible(1))
    };
    let mut lines = vec![title("keys (j and k scroll, any other key closes this help)")];
    lines.extend(TABLE.iter().map(|binding| {
        let more = if binding.action == Action::Leave { format!(" ({leaving})") } else { String::new() };
        entry(Tone::Strong, &binding.shown(), format!("{}{more}", binding.help))
    }));
    lines.extend([Row::default(), title("slots of the ring")]);
    lines.extend(LEGEND.iter().map(|(slot, meaning)| {
        let (glyph, tone) = ring::look(*slot);
        entry(tone, glyph, (*meaning).to_owned())
    }));
    lines
}
