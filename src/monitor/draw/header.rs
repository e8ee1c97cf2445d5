//! The first line: is every camera recorded, does mail come in, is there room. Below it, what should be mended.

use super::row::{self, Piece, Row, wrap};
use crate::monitor::theme::{Theme, Tone};
use crate::monitor::view::{Note, Side, View};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws the first line: long words as far as they fit, from the last item on short ones; and where those do not fit
/// either, what is wrong stays longest.
pub fn draw(view: &View, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let width = |text: &str| u32::from(row::width(text)) + 2;
    let mut excess = view.header.iter().map(|item| width(&item.long)).sum::<u32>().saturating_add(7);
    let mut long = view.header.len();
    while long > 0 && excess > u32::from(area.width) {
        long -= 1;
        excess = (excess + width(&view.header[long].short)).saturating_sub(width(&view.header[long].long));
    }
    let mut row = Row::default().left(Piece::new(0, Tone::Strong, " nvr "));
    for (n, item) in view.header.iter().enumerate() {
        let rank = if item.tone == Tone::Bad { 0 } else { u8::try_from(n + 1).unwrap_or(u8::MAX) };
        let piece = Piece::new(rank, item.tone, if n < long { &item.long } else { &item.short }.as_str());
        row = match item.side {
            Side::Left => row.left(piece),
            Side::Right => row.right(piece),
        };
    }
    row.draw(area, theme, buf);
}

/// The lines of the alerts in at most `most` lines of `columns`: whole sentences if there is room, at least the worst.
pub fn alert_lines(alerts: &[Note], columns: u16, most: usize) -> Vec<Note> {
    let mut lines = Vec::new();
    for (n, alert) in alerts.iter().enumerate() {
        let others = alerts.len() - n - 1;
        // Every alert after this one keeps a line if possible, and this one gets no more than three.
        let room = most.saturating_sub(lines.len());
        let mine = room.saturating_sub(others).clamp(1, 3);
        if room == 0 {
            break;
        }
        if room == 1 && others > 0 && n > 0 {
            lines.push(Note { tone: alert.tone, text: format!(" ! {} more (see: nvr status)", others + 1) });
            break;
        }
        let wrapped = wrap(&alert.text, columns.saturating_sub(4), mine);
        let mark = |n: usize| if n == 0 { " ! " } else { "   " };
        lines.extend(
            wrapped
                .into_iter()
                .enumerate()
                .map(|(n, text)| Note { tone: alert.tone, text: format!("{}{text}", mark(n)) }),
        );
    }
    lines
}

/// Draws lines that [`alert_lines`] made.
pub fn draw_alerts(lines: &[Note], area: Rect, theme: &Theme, buf: &mut Buffer) {
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        Row::default().left(Piece::new(0, line.tone, line.text.clone()).flexible(1)).draw(
            Rect { y, height: 1, ..area },
            theme,
            buf,
        );
    }
}
