//! The help: every key from the one table, and what the glyphs of the ring mean.

use super::clips;
use super::ring::{self, LEGEND};
use super::row::{Piece, Row, pad, split, width, wrap};
use crate::monitor::keys::{Action, Binding, TABLE};
use crate::monitor::theme::{Theme, Tone};
use crate::monitor::view::HelpBody;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns below which keys and what they do do not stand beside each other.
const NARROW: u16 = 60;

/// Draws the help over the whole of `area`.
pub fn draw(help: &HelpBody, leaving: &str, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let lines = lines(help, leaving, area.width);
    let first = usize::from(help.scroll.min(reach(help, leaving, area)));
    for (y, line) in (area.y..area.bottom()).zip(lines.into_iter().skip(first)) {
        line.draw(Rect { y, height: 1, ..area }, theme, buf);
    }
}

/// How far the help can be scrolled in `area`.
pub fn reach(help: &HelpBody, leaving: &str, area: Rect) -> u16 {
    u16::try_from(lines(help, leaving, area.width).len()).unwrap_or(u16::MAX).saturating_sub(area.height)
}

fn lines(help: &HelpBody, leaving: &str, columns: u16) -> Vec<Row> {
    let keys = if columns < NARROW { 0 } else { TABLE.iter().map(|it| width(&it.shown())).max().unwrap_or(0) };
    let title = |text: &str| Row::default().left(Piece::new(0, Tone::Strong, format!(" {text}")).flexible(1));
    let binding = |binding: &Binding, elsewhere: bool| {
        let more = if binding.action == Action::Leave { format!(" ({leaving})") } else { String::new() };
        let place = binding.places.first().filter(|_| elsewhere && binding.places.len() <= 2);
        let place = place.map(|place| format!("{}: ", place.word())).unwrap_or_default();
        entry(Tone::Strong, &binding.shown(), &format!("{place}{}{more}", binding.help), keys, columns)
    };
    let (here, elsewhere): (Vec<_>, Vec<_>) = TABLE.iter().partition(|binding| binding.places.contains(&help.of));
    let mut lines = vec![title("keys here (j k scroll, Esc closes this help)")];
    lines.extend(here.into_iter().flat_map(|it| binding(it, false)));
    lines.extend([Row::default(), title("keys elsewhere")]);
    lines.extend(elsewhere.into_iter().flat_map(|it| binding(it, true)));
    lines.extend([Row::default(), title("clips")]);
    let signs = [(clips::GROWING, "still grows"), (clips::PROTECTED, "protected: retention leaves it alone")];
    lines.extend(signs.into_iter().flat_map(|((sign, tone), text)| entry(tone, sign, text, keys, columns)));
    lines.extend([Row::default(), title("slots of the ring")]);
    lines.extend(LEGEND.iter().flat_map(|(slot, meaning)| {
        let (glyph, tone) = ring::look(*slot);
        entry(tone, glyph, meaning, keys, columns)
    }));
    lines
}

/// A key or a sign and what it means, in as many lines as that takes.
fn entry(tone: Tone, key: &str, text: &str, keys: u16, columns: u16) -> Vec<Row> {
    let first = format!("   {}  ", pad(key, keys));
    let hang = if keys > 0 { width(&first) } else { 5 };
    let (begin, rest) = split(text, columns.saturating_sub(width(&first) + 1));
    let mut lines = vec![Row::default().left(Piece::of(0, vec![(tone, first), (Tone::Plain, begin.to_owned())]))];
    for line in wrap(rest, columns.saturating_sub(hang + 1), 5) {
        let line = format!("{}{line}", " ".repeat(usize::from(hang)));
        lines.push(Row::default().left(Piece::new(0, Tone::Plain, line)));
    }
    lines
}
