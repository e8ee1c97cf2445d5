//! The help: every key from the one table, and what the glyphs of the ring mean.

use super::clips;
use super::ring::{self, LEGEND};
use super::row::{Piece, Row, pad, split, width, wrap};
use crate::monitor::keys::{Action, Binding, EVERYWHERE, Place, TABLE};
use crate::monitor::theme::{Theme, Tone};
use crate::monitor::ui::Leaving;
use crate::monitor::view::HelpBody;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns below which keys and what they do do not stand beside each other.
const NARROW: u16 = 60;

/// Draws the help over the whole of `area`.
pub fn draw(help: &HelpBody, leaving: Option<Leaving>, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let lines = lines(help, leaving, area.width);
    let first = usize::from(help.scroll.min(reach(help, leaving, area)));
    for (y, line) in (area.y..area.bottom()).zip(lines.into_iter().skip(first)) {
        line.draw(Rect { y, height: 1, ..area }, theme, buf);
    }
}

/// How far the help can be scrolled in `area`.
pub fn reach(help: &HelpBody, leaving: Option<Leaving>, area: Rect) -> u16 {
    u16::try_from(lines(help, leaving, area.width).len()).unwrap_or(u16::MAX).saturating_sub(area.height)
}

fn lines(help: &HelpBody, leaving: Option<Leaving>, columns: u16) -> Vec<Row> {
    let keys = if columns < NARROW { 0 } else { TABLE.iter().map(|it| width(&it.shown())).max().unwrap_or(0) };
    let title = |text: &str| Row::default().left(Piece::new(0, Tone::Strong, format!(" {text}")).flexible(1));
    let binding = |binding: &Binding| {
        let more = leaving.filter(|_| binding.action == Action::Leave);
        let more = more.map(|leaving| format!(" ({})", leaving.words())).unwrap_or_default();
        entry(Tone::Strong, &binding.shown(), &format!("{}{more}", binding.help), keys, columns)
    };
    let here = TABLE.iter().filter(|binding| binding.places.contains(&help.of));
    let mut lines = vec![title("keys here (j k scroll, Esc closes this help)")];
    lines.extend(here.flat_map(binding));
    lines.extend([Row::default(), title("keys elsewhere, by page")]);
    lines.extend(
        elsewhere(help.of).flat_map(|(page, keys_there)| entry(Tone::Strong, page, &keys_there, keys, columns)),
    );
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

/// What else keys do on each other page, in the words of its hint bar; its own help says more.
fn elsewhere(here: Place) -> impl Iterator<Item = (&'static str, String)> {
    let others = EVERYWHERE.iter().filter(move |place| **place != here && **place != Place::Help);
    let of = move |place: &Place| {
        let only = TABLE.iter().filter(|it| it.places.contains(place) && !it.places.contains(&here));
        let words = only.filter_map(|it| Some(format!("{} {}", it.shown(), it.hint?)));
        (place.word(), words.collect::<Vec<_>>().join(", "))
    };
    others.map(of).filter(|(_, words)| !words.is_empty())
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
