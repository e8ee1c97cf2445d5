//! A list that fills the screen: a page of it, and below that in full what is too long for a line.

use super::row::{Piece, Row, wrap};
use super::{below, clips, copies, journal, mail, margin};
use crate::monitor::theme::{Theme, Tone};
use crate::monitor::ui::list::turn;
use crate::monitor::view::{ListBody, Rows};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

/// Lines that a sentence may take below the list.
const FULL: u16 = 4;
/// Lines that a list keeps for itself, whatever else there is to say.
const LEAST: u16 = 3;

/// Where the parts stand, from top to bottom.
struct Layout {
    title: Rect,
    trouble: (Vec<String>, Rect),
    lines: Rect,
    /// What does not fit into its line, in full; empty if everything fits.
    full: Rect,
}

/// What is below the list must not come and go with the cursor, or every line would move: there is room for it as soon
/// as any of the lines around needs it.
fn layout(list: &ListBody, area: Rect) -> Layout {
    let area = margin(area);
    let (title, rest) = (Rect { height: 1.min(area.height), ..area }, below(area, 1));
    let most = usize::from(rest.height / 4).clamp(1, 3);
    let trouble = list.trouble.iter().filter(|_| rest.height > LEAST);
    let trouble: Vec<_> = trouble.flat_map(|why| wrap(why, rest.width.saturating_sub(2), most)).collect();
    let said = Rect { height: u16::try_from(trouble.len()).unwrap_or(0), ..rest };
    let rest = below(rest, said.height);
    let longest = overlong(list, rest.width).into_iter().map(|(_, text)| in_full(text, rest.width).len()).max();
    let wanted = longest.map_or(0, |lines| u16::try_from(lines).unwrap_or(FULL) + 1);
    let full = wanted.min(rest.height.saturating_sub(LEAST));
    let lines = Rect { height: rest.height - full, ..rest };
    Layout { title, trouble: (trouble, said), lines, full: below(rest, lines.height) }
}

fn in_full(text: &str, columns: u16) -> Vec<String> {
    wrap(text, columns.saturating_sub(2), usize::from(FULL))
}

/// The lines that do not fit, by their places among the rows.
fn overlong(list: &ListBody, columns: u16) -> Vec<(usize, &str)> {
    match &list.rows {
        Rows::Clips(_) => Vec::new(), // its details are a key away
        Rows::Copies(rows) => copies::overlong(rows, columns).collect(),
        Rows::Journal(rows) => journal::overlong(rows, columns).collect(),
        Rows::Mail(rows) => mail::overlong(rows, columns).collect(),
    }
}

/// The first line of the list that is in sight in `area`, and how many are.
pub fn sight(list: &ListBody, area: Rect) -> (usize, usize) {
    let height = usize::from(layout(list, area).lines.height);
    (turn(list.top, list.cursor, height, list.count), height)
}

/// Draws the page of the list that the cursor is on.
pub fn draw(list: &ListBody, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let layout = layout(list, area);
    title(list, layout.title, theme, buf);
    let said = |area: Rect, lines: &[String], tone: Tone, buf: &mut Buffer| {
        for (y, line) in (area.y..area.bottom()).zip(lines) {
            let piece = Piece::new(0, tone, format!(" {line}"));
            Row::default().left(piece).draw(Rect { y, height: 1, ..area }, theme, buf);
        }
    };
    said(layout.trouble.1, &layout.trouble.0, Tone::Bad, buf);
    let lines = layout.lines;
    if list.rows.are_none() {
        return said(lines, &wrap(&list.empty, lines.width.saturating_sub(2), 5), Tone::Faint, buf);
    }
    let first = sight(list, area).0.saturating_sub(list.first);
    let chosen = list.cursor.saturating_sub(list.first);
    let on_page = chosen.checked_sub(first);
    match &list.rows {
        Rows::Clips(rows) => clips::draw(from(rows, first), on_page, lines, theme, buf),
        Rows::Copies(rows) => copies::draw(from(rows, first), on_page, lines, theme, buf),
        Rows::Journal(rows) => journal::draw(from(rows, first), on_page, lines, theme, buf),
        Rows::Mail(rows) => mail::draw(from(rows, first), on_page, lines, theme, buf),
    }
    if let Some((_, text)) = overlong(list, lines.width).into_iter().find(|(n, _)| *n == chosen) {
        let text = in_full(text, lines.width);
        let height = u16::try_from(text.len()).unwrap_or(FULL);
        // One line of air above it, if there is room for that.
        let air = layout.full.height.saturating_sub(height).min(1);
        said(below(layout.full, air), &text, Tone::Plain, buf);
    }
}

fn title(list: &ListBody, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let mut row = Row::default().left(Piece::new(0, Tone::Strong, format!(" {}", list.title)));
    row = row.left(Piece::new(2, Tone::Plain, list.found.clone()).flexible(8));
    for (rank, note) in (3..).zip(&list.notes) {
        row = row.right(Piece::new(rank, Tone::Faint, note.clone()));
    }
    row.right(Piece::new(1, Tone::Faint, list.position.clone())).draw(area, theme, buf);
}

/// What follows the first rows.
fn from<T>(rows: &[T], first: usize) -> &[T] {
    rows.get(first..).unwrap_or_default()
}

/// Marks the beginning of the line at the cursor: what tells it from other lines. To mark all of it would send two
/// whole lines at every key, and hide their colours.
pub fn mark(chosen: bool, place: Rect, theme: &Theme, buf: &mut Buffer) {
    if chosen {
        let style = theme.style(Tone::Chosen).remove_modifier(Modifier::DIM);
        buf.set_style(place.intersection(buf.area), style);
    }
}
