//! Lines to read, wrapped between words, scrolled as a whole.

use super::row::{self, Piece, Row, pad, split, wrap};
use super::{below, margin};
use crate::monitor::theme::{Theme, Tone};
use crate::monitor::view::{Note, TextBody};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns of a label.
const LABEL: u16 = 9;
/// Further lines that one sentence may take.
const LINES: usize = 12;

/// Draws as much of it as fits.
pub fn draw(text: &TextBody, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let area = margin(area);
    let title = Piece::new(0, Tone::Strong, format!(" {}", text.title)).flexible(8);
    Row::default().left(title).draw(Rect { height: 1.min(area.height), ..area }, theme, buf);
    let rest = below(area, 1);
    let first = usize::from(text.scroll.min(reach(text, area)));
    for (y, line) in (rest.y..rest.bottom()).zip(lines(text, area.width).into_iter().skip(first)) {
        Row::default().left(Piece::new(0, line.tone, line.text)).draw(Rect { y, height: 1, ..rest }, theme, buf);
    }
}

/// How far it can be scrolled in `area`, its title included.
pub fn reach(text: &TextBody, area: Rect) -> u16 {
    let all = u16::try_from(lines(text, margin(area).width).len()).unwrap_or(u16::MAX);
    all.saturating_sub(area.height.saturating_sub(1))
}

/// Labels stand in a column of their own where there is room for that; what is wrapped goes on below where it began.
fn lines(text: &TextBody, width: u16) -> Vec<Note> {
    let column = if width < 50 { 0 } else { LABEL };
    let mut lines = Vec::new();
    for fact in &text.lines {
        let inner = if fact.inner { "  " } else { "" };
        let (label, hang) = match fact.label.as_str() {
            "" => (String::new(), 2),
            label => {
                (format!("{}  ", pad(label, column)), if column > 0 { column.max(row::width(label)) + 2 } else { 2 })
            }
        };
        let first = format!(" {inner}{label}");
        let further = format!(" {inner}{}", " ".repeat(usize::from(hang)));
        let room = |before: &str| width.saturating_sub(row::width(before));
        let (begin, rest) = split(&fact.text, room(&first));
        lines.push(Note { tone: fact.tone, text: format!("{first}{begin}") });
        let rest = wrap(rest, room(&further), LINES);
        lines.extend(rest.into_iter().map(|line| Note { tone: fact.tone, text: format!("{further}{line}") }));
    }
    lines
}
