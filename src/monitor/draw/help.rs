//! The help: every key from the one table, and what the glyphs of the ring mean.

use super::ring::{self, LEGEND};
use super::row::{Piece, Row, pad, width};
use crate::monitor::keys::{Action, Binding, TABLE};
use crate::monitor::theme::{Theme, Tone};
use crate::monitor::view::HelpBody;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws the help over the whole of `area`.
pub fn draw(help: &HelpBody, leaving: &str, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let lines = lines(help, leaving);
    let first = usize::from(help.scroll.min(reach(help, leaving, area)));
    for (y, line) in (area.y..area.bottom()).zip(lines.into_iter().skip(first)) {
        line.draw(Rect { y, height: 1, ..area }, theme, buf);
    }
}

/// How far the help can be scrolled in `area`.
pub fn reach(help: &HelpBody, leaving: &str, area: Rect) -> u16 {
    u16::try_from(lines(help, leaving).len()).unwrap_or(u16::MAX).saturating_sub(area.height)
}

fn lines(help: &HelpBody, leaving: &str) -> Vec<Row> {
    let keys = TABLE.iter().map(|binding| width(&binding.shown())).max().unwrap_or(0);
    let title = |text: &str| Row::default().left(Piece::new(0, Tone::Strong, format!(" {text}")));
    let entry = |tone, key: &str, text: String| {
        let piece = Piece::of(0, vec![(tone, format!("   {}  ", pad(key, keys))), (Tone::Plain, text)]);
        Row::default().left(piece.flexible(1))
    };
    let binding = |binding: &Binding| {
        let more = if binding.action == Action::Leave { format!(" ({leaving})") } else { String::new() };
        entry(Tone::Strong, &binding.shown(), format!("{}{more}", binding.help))
    };
    let (here, elsewhere): (Vec<_>, Vec<_>) = TABLE.iter().partition(|binding| binding.places.contains(&help.of));
    let mut lines = vec![title("keys here (j and k scroll, q or Esc closes this help)")];
    lines.extend(here.into_iter().map(binding));
    lines.extend([Row::default(), title("keys elsewhere")]);
    lines.extend(elsewhere.into_iter().map(binding));
    lines.extend([Row::default(), title("slots of the ring")]);
    lines.extend(LEGEND.iter().map(|(slot, meaning)| {
        let (glyph, tone) = ring::look(*slot);
        entry(tone, glyph, (*meaning).to_owned())
    }));
    lines
}
