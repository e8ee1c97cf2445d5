//! The first line: is every camera recorded, does mail come in, is there room. Below it, what should be mended.

use super::row::{self, Piece, Row, wrap};
use crate::monitor::theme::{Theme, Tone};
use crate::monitor::ui::Leaving;
use crate::monitor::view::{Item, Note, Side, View};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws the first line: each item in its long form as far as they fit, from the last one on in shorter ones, all of
/// them before any is shortened twice; what is wrong only after the rest, the first of it first: what stops all stands last. What that leaves over
/// goes back, to the first ones first.
pub fn draw(view: &View, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let title = match view.leaving {
        Leaving::RecordingGoesOn => " nvr ",
        Leaving::EndsAll => " nvr demo ",
    };
    let forms = forms(&view.header, area.width.saturating_sub(row::width(title)));
    let mut row = Row::default().left(Piece::new(0, Tone::Strong, title));
    for (rank, (item, form)) in (1..).zip(view.header.iter().zip(forms)) {
        let piece = Piece::new(if item.tone == Tone::Bad { 0 } else { rank }, item.tone, form);
        row = match item.side {
            Side::Left => row.left(piece),
            Side::Right => row.right(piece),
        };
    }
    row.draw(area, theme, buf);
}

/// The form of each item that is drawn in `room` columns, gaps included.
fn forms(items: &[Item], room: u16) -> Vec<&str> {
    fn form(item: &Item, level: usize) -> &str {
        item.forms.get(level).or(item.forms.last()).map_or("", String::as_str)
    }
    let width = |item: &Item, level: usize| match row::width(form(item, level)) {
        0 => 0,
        width => u32::from(width) + u32::from(item.spare) + 2,
    };
    let wanted = |levels: &[usize]| items.iter().zip(levels).map(|(item, level)| width(item, *level)).sum::<u32>();
    let mut levels = vec![0; items.len()];
    let most = items.iter().map(|item| item.forms.len()).max().unwrap_or(0);
    for wrong in [false, true] {
        for level in 1..most {
            let order: Vec<_> = if wrong { (0..items.len()).collect() } else { (0..items.len()).rev().collect() };
            for n in order.into_iter().filter(|n| (items[*n].tone == Tone::Bad) == wrong) {
                if wanted(&levels) > u32::from(room) {
                    levels[n] = level;
                }
            }
        }
    }
    for n in 0..items.len() {
        let least = levels[n];
        let fits = |level: &usize| {
            let mut longer = levels.clone();
            longer[n] = *level;
            wanted(&longer) <= u32::from(room)
        };
        levels[n] = (0..least).find(fits).unwrap_or(least);
    }
    items.iter().zip(levels).map(|(item, level)| form(item, level)).collect()
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
