//! The cameras: a block of lines each where there is room, one line each where there is not, and never none.

use super::row::{self, Piece, Row, pad};
use super::{Density, below, ring};
use crate::monitor::theme::{Theme, Tone};
use crate::monitor::view::{CamerasBody, Card, Countdown, Note};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::ops::Range;

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
/// Columns of `up 3 d 4 h` and of `999 MB RAM`: what is as wide as that does not push its neighbours about.
const FIGURE: u16 = 10;

/// Widths that all cards share, so that columns stand below each other.
#[derive(Debug, Clone, Copy)]
struct Columns {
    name: u16,
    media: u16,
    fps: u16,
    bitrate: u16,
    uptime: u16,
    ram: u16,
    age: u16,
}

/// The cameras in a place of this width.
#[derive(Debug, Clone, Copy)]
struct Cameras<'a> {
    body: &'a CamerasBody,
    density: Density,
    width: u16,
    columns: Columns,
}

/// How many lines the cameras take out of `room`; `spare` are those they leave to the lists if a line each is enough.
pub fn height(body: &CamerasBody, density: Density, room: Rect, spare: u16) -> u16 {
    let note = u16::try_from(notes_above(body, room.width).len()).unwrap_or(0);
    let cameras = Cameras::new(body, density, room.width);
    let shape = cameras.shape(room.height.saturating_sub(note), spare);
    let air = if shape == Shape::Airy { 1 } else { 0 };
    let lines = u16::try_from(cameras.total(shape)).unwrap_or(u16::MAX).saturating_sub(air);
    lines.saturating_add(note).min(room.height)
}

/// Draws the cameras; with too many of them, those around the focus and how many more there are.
pub fn draw(body: &CamerasBody, density: Density, spare: u16, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let notes = notes_above(body, area.width);
    let rest = below(area, u16::try_from(notes.len()).unwrap_or(0));
    for (y, note) in (area.y..area.bottom()).zip(notes) {
        note.draw(Rect { y, height: 1, ..area }, theme, buf);
    }
    if !body.cards.is_empty() && !rest.is_empty() {
        Cameras::new(body, density, area.width).draw(spare, rest, theme, buf);
    }
}

/// What has to be known of the choice of cameras: which are shown, in which order, and how to see the others.
fn notes_above(body: &CamerasBody, width: u16) -> Vec<Row> {
    let (shown, all) = (body.cards.len(), body.cards.len() + body.hidden);
    if shown == 0 && all > 0 {
        let sentence = format!("no camera has \"{}\" in its name (Esc shows all {all})", body.find);
        let lines = row::wrap(&sentence, width.saturating_sub(2), 2);
        return lines
            .into_iter()
            .map(|line| Row::default().left(Piece::new(0, Tone::Warn, format!(" {line}"))))
            .collect();
    }
    let mut row = Row::default();
    if !body.find.is_empty() {
        row = row
            .left(Piece::new(0, Tone::Strong, format!(" {shown} of {all} cameras")))
            .left(Piece::new(1, Tone::Plain, format!("find \"{}\"", body.find)).flexible(12))
            .right(Piece::new(3, Tone::Faint, "Esc shows all"));
    }
    if body.troubled_first {
        let indent = if row.is_empty() { " " } else { "" };
        row = row.left(Piece::new(2, Tone::Plain, format!("{indent}trouble first"))).right(Piece::new(
            4,
            Tone::Faint,
            "s sorts as in nvr.toml",
        ));
    }
    if row.is_empty() { Vec::new() } else { vec![row] }
}

impl<'a> Cameras<'a> {
    fn new(body: &'a CamerasBody, density: Density, width: u16) -> Self {
        Self { body, density, width, columns: columns(body, width) }
    }

    fn shape(&self, room: u16, spare: u16) -> Shape {
        let shapes = match self.density {
            Density::Full | Density::Compact => [Shape::Airy, Shape::Blocks, Shape::Focused].as_slice(),
            Density::Lines => [].as_slice(),
        };
        let fits = |lines: u16| shapes.iter().copied().find(|shape| self.total(*shape) <= usize::from(lines));
        // Twelve lines make the focused block worth its place even while others scroll.
        let focused = (self.density != Density::Lines && room >= 12).then_some(Shape::Focused);
        fits(room.saturating_sub(spare)).or_else(|| fits(room)).or(focused).unwrap_or(Shape::Lines)
    }

    /// Lines of all cards.
    fn total(&self, shape: Shape) -> usize {
        (0..self.body.cards.len()).map(|n| usize::from(self.lines(n, shape))).sum()
    }

    /// Lines of one card.
    fn lines(&self, n: usize, shape: Shape) -> u16 {
        let reason = || u16::try_from(reason(&self.body.cards[n], self.width).len()).unwrap_or(0);
        let block = || 2 + reason() + u16::from(self.has_ages(n));
        match shape {
            Shape::Airy => block() + 1,
            Shape::Blocks => block(),
            Shape::Focused if n == self.body.focus => block(),
            Shape::Focused | Shape::Lines => 1,
        }
    }

    /// Columns for a block's ring.
    fn ring(&self) -> u16 {
        self.width / 2
    }

    /// Columns that a slot takes at least in a block.
    fn cell(&self) -> u16 {
        match self.density {
            Density::Full => self.columns.age,
            Density::Compact | Density::Lines => 0,
        }
    }

    /// Whether ages stand below this card's slots.
    fn has_ages(&self, n: usize) -> bool {
        let card = &self.body.cards[n];
        let known = card.ages.iter().any(|age| !age.trim().is_empty());
        let full = self.density == Density::Full && n == self.body.focus;
        full && known && ring::has_numbers(&card.slots, self.cell(), self.ring())
    }

    fn draw(&self, spare: u16, area: Rect, theme: &Theme, buf: &mut Buffer) {
        let (all, shape) = (self.body.cards.len(), self.shape(area.height, spare));
        let window = self.window(shape, area.height);
        let mut y = area.y;
        if window.above > 0 {
            self.more(0..window.first, Rect { y, height: 1, ..area }, theme, buf);
            y += 1;
        }
        for n in window.first..window.end {
            let lines = self.lines(n, shape);
            let place = Rect { y, height: lines.min(area.bottom() - y), ..area };
            match lines {
                1 => self.line(n, place, theme, buf),
                _ => self.block(n, place, theme, buf),
            }
            y += place.height;
        }
        if window.below > 0 && y < area.bottom() {
            self.more(window.end..all, Rect { y, height: 1, ..area }, theme, buf);
        }
    }

    /// The cards around the focus that fit into `height` lines, which also have to hold the lines that count those out
    /// of sight.
    fn window(&self, shape: Shape, height: u16) -> InSight {
        let all = self.body.cards.len();
        let room = usize::from(height) + usize::from(shape == Shape::Airy);
        let lines = |range: Range<usize>| range.map(|n| usize::from(self.lines(n, shape))).sum::<usize>();
        let needed = |first: usize, end: usize| lines(first..end) + usize::from(first > 0) + usize::from(end < all);
        let (mut first, mut end) = (self.body.focus, self.body.focus + 1);
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
    fn more(&self, range: Range<usize>, at: Rect, theme: &Theme, buf: &mut Buffer) {
        let (arrow, place) = if range.start == 0 { ("↑", "above") } else { ("↓", "below") };
        let trouble = self.body.cards[range.clone()].iter().filter(|card| card.state.tone == Tone::Bad).count();
        let mut row = Row::default().left(Piece::new(0, Tone::Faint, format!(" {arrow} {} more {place}", range.len())));
        if trouble > 0 {
            row = row.left(Piece::new(0, Tone::Bad, format!("{trouble} in trouble")));
        }
        row.draw(at, theme, buf);
    }

    /// Name, armed or off, and state: what every camera shows on every screen.
    fn head(&self, n: usize) -> Row {
        let (card, columns) = (&self.body.cards[n], self.columns);
        let name = format!(" {} ", pad(&row::cut(&card.name, columns.name), columns.name));
        let chosen = n == self.body.focus && self.body.cards.len() + self.body.hidden > 1;
        let tone = if chosen { Tone::Chosen } else { Tone::Strong };
        let armed = if card.armed { (Tone::Strong, "ARMED") } else { (Tone::Warn, "off  ") };
        Row::default().left(Piece::new(0, tone, name)).left(Piece::new(2, armed.0, armed.1)).left(Piece::new(
            0,
            card.state.tone,
            pad(card.state.word, WORD),
        ))
    }

    fn media(&self, row: Row, card: &Card) -> Row {
        row.left(Piece::new(5, Tone::Plain, pad(&card.media, self.columns.media)))
            .left(Piece::new(7, Tone::Plain, right(&card.fps, self.columns.fps)))
            .left(Piece::new(6, Tone::Plain, right(&card.bitrate, self.columns.bitrate)))
    }

    /// Figures for those who look for them, against the right edge and each in its column: when one comes or grows, the
    /// others stay. They go before anything else does.
    fn figures(&self, row: Row, card: &Card) -> Row {
        let figure = |rank, text: &str, columns| Piece::new(rank, Tone::Faint, right(text, columns));
        row.right(figure(22, &card.restarts, 0)).right(figure(24, &card.uptime, self.columns.uptime)).right(figure(
            23,
            &card.ram,
            self.columns.ram,
        ))
    }

    fn block(&self, n: usize, area: Rect, theme: &Theme, buf: &mut Buffer) {
        let card = &self.body.cards[n];
        let line = |n: u16| Rect { y: area.y.saturating_add(n), height: u16::from(n < area.height), ..area };
        let indented = |n: u16| Rect { x: area.x + 3, width: area.width.saturating_sub(3), ..line(n) };
        let wide = self.density == Density::Full;
        let row = self.head(n).left(Piece::new(1, card.state.tone, card.state.detail.clone()));
        let row = if card.state.reason.is_empty() { self.media(row, card) } else { row };
        let row = notes(row, &card.notes);
        let row = if wide { self.figures(row, card) } else { row };
        row.draw(line(0), theme, buf);
        let mut next = 1;
        for text in reason(card, area.width) {
            Row::default().left(Piece::new(0, Tone::Bad, text)).draw(indented(next), theme, buf);
            next += 1;
        }
        let row = Row::default().left(ring::piece(0, &card.slots, self.cell(), self.ring(), true));
        let row = match &card.countdown {
            Some(running) => countdown(row, running, if wide { 24 } else { 12 }),
            None => row.left(Piece::new(20, Tone::Faint, card.past.clone())),
        };
        let row = if wide { row } else { self.figures(row, card) };
        row.draw(indented(next), theme, buf);
        if self.has_ages(n) {
            let ages = format!("{}  seconds older than the newest", ring::below(&card.ages, self.cell()));
            Row::default().left(Piece::new(0, Tone::Faint, ages)).draw(indented(next + 1), theme, buf);
        }
    }

    fn line(&self, n: usize, area: Rect, theme: &Theme, buf: &mut Buffer) {
        let (card, row) = (&self.body.cards[n], self.head(n));
        if !card.state.reason.is_empty() {
            return row
                .left(Piece::new(4, card.state.tone, card.state.detail.clone()))
                .left(Piece::new(1, Tone::Bad, card.state.reason.clone()).flexible(10))
                .draw(area, theme, buf);
        }
        // What name, armed and state leave, but never so much that many slots push everything else out.
        let room = area.width.saturating_sub(self.columns.name + WORD + 13).min((area.width / 5).max(10));
        let row = row.left(ring::piece(4, &card.slots, 0, room, false));
        let row = match &card.countdown {
            Some(running) => countdown(row, running, 0),
            None => self.media(row, card),
        };
        self.figures(notes(row, &card.notes), card).draw(area, theme, buf);
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

fn columns(body: &CamerasBody, width: u16) -> Columns {
    let widest = |of: fn(&Card) -> &str| body.cards.iter().map(|card| row::width(of(card))).max().unwrap_or(0);
    Columns {
        name: widest(|card| &card.name).min((width / 4).max(10)),
        media: widest(|card| &card.media),
        fps: widest(|card| &card.fps),
        bitrate: widest(|card| &card.bitrate),
        uptime: widest(|card| &card.uptime).max(FIGURE),
        ram: widest(|card| &card.ram).max(FIGURE),
        age: widest(|card| card.ages.first().map_or("", String::as_str)),
    }
}

/// Why a camera is in trouble, with the remedy: that is worth two lines.
fn reason(card: &Card, width: u16) -> Vec<String> {
    row::wrap(&card.state.reason, width.saturating_sub(4), 2)
}

/// What should be known at once, against the right edge.
fn notes(mut row: Row, notes: &[Note]) -> Row {
    for (rank, note) in (3..).zip(notes) {
        row = row.right(Piece::new(rank, note.tone, note.text.clone()));
    }
    row
}

/// The time left as a bar of `columns` and as a number, and what the last trigger was.
fn countdown(row: Row, countdown: &Countdown, columns: u16) -> Row {
    let full = (u32::from(countdown.share) * u32::from(columns)).div_ceil(1000) as usize;
    let empty = usize::from(columns).saturating_sub(full);
    row.left(Piece::of(8, vec![(Tone::Busy, "━".repeat(full)), (Tone::Faint, "─".repeat(empty))]))
        .left(Piece::new(0, Tone::Busy, format!("{:>5}", countdown.left)))
        .left(Piece::new(9, Tone::Plain, countdown.trigger.clone()).flexible(24))
}

/// `text` against the right edge of a column.
fn right(text: &str, to: u16) -> String {
    format!("{}{text}", " ".repeat(usize::from(to.saturating_sub(row::width(text)))))
}
