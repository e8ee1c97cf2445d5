//! The cameras: a block of lines each where there is room, one line each where there is not, and never none.

use super::Density;
use super::ring;
use super::row::{self, Piece, Row, pad};
use crate::monitor::theme::{Theme, Tone};
use crate::monitor::view::{CamerasBody, Card, Countdown};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// How the cameras share their lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A block each, with an empty line between.
    Airy,
    /// A block each.
    Blocks,
    /// A block for the focused one, a line for each other.
    Focused,
    /// A line each.
    Lines,
}

/// Columns of the longest calm state, `connecting`, so that what follows stands in a column.
const WORD: u16 = 10;

/// Widths that all cards share, so that columns stand below each other.
#[derive(Debug, Clone, Copy)]
struct Columns {
    name: u16,
    media: u16,
    fps: u16,
    bitrate: u16,
}

/// How many lines the cameras take out of `room`; `spare` are those they leave to the lists if a line each is enough.
pub fn height(body: &CamerasBody, density: Density, room: Rect, spare: u16) -> u16 {
    let shape = shape(body, density, room, spare);
    let air = if shape == Shape::Airy { 1 } else { 0 };
    u16::try_from(total(body, shape, room.width)).unwrap_or(u16::MAX).saturating_sub(air).min(room.height)
}

fn shape(body: &CamerasBody, density: Density, room: Rect, spare: u16) -> Shape {
    let shapes = match density {
        Density::Full | Density::Compact => [Shape::Airy, Shape::Blocks, Shape::Focused].as_slice(),
        Density::Lines => [].as_slice(),
    };
    let fits = |lines: u16| shapes.iter().copied().find(|shape| total(body, *shape, room.width) <= usize::from(lines));
    // Twelve lines make the focused block worth its place even while others scroll.
    let focused = (density != Density::Lines && room.height >= 12).then_some(Shape::Focused);
    fits(room.height.saturating_sub(spare)).or_else(|| fits(room.height)).or(focused).unwrap_or(Shape::Lines)
}

/// Lines of all cards.
fn total(body: &CamerasBody, shape: Shape, width: u16) -> usize {
    (0..body.cards.len()).map(|n| usize::from(lines(body, n, shape, width))).sum()
}

/// Lines of one card.
fn lines(body: &CamerasBody, n: usize, shape: Shape, width: u16) -> u16 {
    let block = || 2 + u16::try_from(reason(&body.cards[n], width).len()).unwrap_or(0);
    match shape {
        Shape::Airy => block() + 1,
        Shape::Blocks => block(),
        Shape::Focused if n == body.focus => block(),
        Shape::Focused | Shape::Lines => 1,
    }
}

/// Why a camera is in trouble, with the remedy: that is worth two lines.
fn reason(card: &Card, width: u16) -> Vec<String> {
    row::wrap(&card.state.reason, width.saturating_sub(4), 2)
}

/// Draws the cameras; with too many of them, those around the focus and how many more there are.
pub fn draw(body: &CamerasBody, density: Density, spare: u16, area: Rect, theme: &Theme, buf: &mut Buffer) {
    if body.cards.is_empty() || area.is_empty() {
        return;
    }
    let shape = shape(body, density, area, spare);
    let columns = columns(body, area.width);
    let window = window(body, shape, area);
    let mut y = area.y;
    if window.above > 0 {
        more(body, 0..window.first, "above", Rect { y, height: 1, ..area }, theme, buf);
        y += 1;
    }
    for n in window.first..window.end {
        let height = lines(body, n, shape, area.width).min(area.bottom() - y);
        let place = Rect { y, height, ..area };
        let chosen = n == body.focus && body.cards.len() > 1;
        match lines(body, n, shape, area.width) {
            1 => line(&body.cards[n], chosen, columns, place, theme, buf),
            _ => block(&body.cards[n], chosen, columns, density, place, theme, buf),
        }
        y += height;
    }
    if window.below > 0 && y < area.bottom() {
        more(body, window.end..body.cards.len(), "below", Rect { y, height: 1, ..area }, theme, buf);
    }
}

/// Which cards are in sight.
#[derive(Debug, Clone, Copy)]
struct InSight {
    first: usize,
    end: usize,
    above: usize,
    below: usize,
}

/// The cards around the focus that fit into `room`, which also has to hold the lines that count those out of sight.
fn window(body: &CamerasBody, shape: Shape, area: Rect) -> InSight {
    let all = body.cards.len();
    let room = usize::from(area.height) + usize::from(shape == Shape::Airy);
    let height =
        |range: std::ops::Range<usize>| range.map(|n| usize::from(lines(body, n, shape, area.width))).sum::<usize>();
    let needed = |first: usize, end: usize| height(first..end) + usize::from(first > 0) + usize::from(end < all);
    let (mut first, mut end) = (body.focus, body.focus + 1);
    loop {
        // Grows on both sides in turn, so that the focus stays in the middle until an edge is reached.
        let before = end - first;
        if end < all && needed(first, end + 1) <= room {
            end += 1;
        }
        if first > 0 && needed(first - 1, end) <= room {
            first -= 1;
        }
        if end - first == before {
            break;
        }
    }
    // On the smallest screens the focused camera itself is worth more than the counts.
    let counts = needed(first, end) <= room;
    InSight { first, end, above: if counts { first } else { 0 }, below: if counts { all - end } else { 0 } }
}

/// Says how many cameras are out of sight, and whether any of them is in trouble.
fn more(body: &CamerasBody, range: std::ops::Range<usize>, place: &str, at: Rect, theme: &Theme, buf: &mut Buffer) {
    let arrow = if range.start == 0 { "↑" } else { "↓" };
    let trouble = body.cards[range.clone()].iter().filter(|card| card.state.tone == Tone::Bad).count();
    let mut row = Row::default().left(Piece::new(0, Tone::Faint, format!(" {arrow} {} more {place}", range.len())));
    if trouble > 0 {
        row = row.left(Piece::new(0, Tone::Bad, format!("{trouble} in trouble")));
    }
    row.draw(at, theme, buf);
}

fn columns(body: &CamerasBody, width: u16) -> Columns {
    let widest = |of: fn(&Card) -> &str| body.cards.iter().map(|card| row::width(of(card))).max().unwrap_or(0);
    Columns {
        name: widest(|card| &card.name).min((width / 4).max(8)),
        media: widest(|card| &card.media),
        fps: widest(|card| &card.fps),
        bitrate: widest(|card| &card.bitrate),
    }
}

/// Name, armed or off, and state: what every camera shows on every screen.
fn head(card: &Card, chosen: bool, columns: Columns) -> Row {
    let name = format!(" {} ", pad(&row::cut(&card.name, columns.name), columns.name));
    let tone = if chosen { Tone::Chosen } else { Tone::Strong };
    let armed = if card.armed { (Tone::Strong, "ARMED") } else { (Tone::Warn, "off  ") };
    Row::default().left(Piece::new(0, tone, name)).left(Piece::new(2, armed.0, armed.1)).left(Piece::new(
        0,
        card.state.tone,
        pad(card.state.word, WORD),
    ))
}

fn media(row: Row, card: &Card, columns: Columns) -> Row {
    let right = |text: &str, to: u16| format!("{text:>to$}", to = usize::from(to));
    row.left(Piece::new(5, Tone::Plain, pad(&card.media, columns.media)))
        .left(Piece::new(7, Tone::Plain, right(&card.fps, columns.fps)))
        .left(Piece::new(6, Tone::Plain, right(&card.bitrate, columns.bitrate)))
}

/// What else there is to say, against the right edge; the faint ones go before anything else does.
fn notes(mut row: Row, card: &Card) -> Row {
    for (rank, note) in (3..).zip(&card.notes) {
        let rank = if note.tone == Tone::Faint { rank + 20 } else { rank };
        row = row.right(Piece::new(rank, note.tone, note.text.clone()));
    }
    row
}

fn block(card: &Card, chosen: bool, columns: Columns, density: Density, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let line = |n: u16| Rect { y: area.y.saturating_add(n), height: u16::from(n < area.height), ..area };
    let below = |n: u16| Rect { x: area.x + 3, width: area.width.saturating_sub(3), ..line(n) };
    let row = head(card, chosen, columns).left(Piece::new(1, card.state.tone, card.state.detail.clone()));
    let row = if card.state.reason.is_empty() { media(row, card, columns) } else { row };
    notes(row, card).draw(line(0), theme, buf);
    let mut next = 1;
    for text in reason(card, area.width) {
        Row::default().left(Piece::new(0, Tone::Bad, text)).draw(below(next), theme, buf);
        next += 1;
    }
    let bar = match density {
        Density::Full => 24,
        Density::Compact | Density::Lines => 12,
    };
    let row = Row::default().left(ring::piece(0, &card.slots, area.width / 2, true));
    countdown(row, card.countdown.as_ref(), bar).draw(below(next), theme, buf);
}

fn line(card: &Card, chosen: bool, columns: Columns, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let row = head(card, chosen, columns);
    if !card.state.reason.is_empty() {
        return row
            .left(Piece::new(4, card.state.tone, card.state.detail.clone()))
            .left(Piece::new(1, Tone::Bad, card.state.reason.clone()).flexible(24))
            .draw(area, theme, buf);
    }
    // What name, armed and state leave, but never so much that many slots push everything else out.
    let room = area.width.saturating_sub(columns.name + WORD + 13).min((area.width / 5).max(10));
    let row = row.left(ring::piece(4, &card.slots, room, false));
    let row = match &card.countdown {
        Some(running) => countdown(row, Some(running), 0),
        None => media(row, card, columns),
    };
    notes(row, card).draw(area, theme, buf);
}

/// The time left as a bar of `columns` and as a number, and what the last trigger was.
fn countdown(row: Row, countdown: Option<&Countdown>, columns: u16) -> Row {
    let Some(countdown) = countdown else { return row };
    let full = (u32::from(countdown.share) * u32::from(columns)).div_ceil(1000) as usize;
    let empty = usize::from(columns).saturating_sub(full);
    row.left(Piece::of(8, vec![(Tone::Busy, "━".repeat(full)), (Tone::Faint, "─".repeat(empty))]))
        .left(Piece::new(0, Tone::Busy, format!("{:>5}", countdown.left)))
        .left(Piece::new(9, Tone::Plain, countdown.trigger.clone()).flexible(12))
}
