//! Pictures, as large as the screen has room for: side by side or below each other, whichever shows more of them.

use super::row::{Piece, Row, wrap};
use super::{below, margin};
use crate::monitor::picture;
use crate::monitor::theme::{Theme, Tone};
use crate::monitor::view::{LookBody, ShotView};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};

/// Columns between two pictures.
const GAP: u16 = 1;

/// Draws title and pictures.
pub fn draw(look: &LookBody, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let head = Rect { height: 1.min(area.height), ..margin(area) };
    Row::default()
        .left(Piece::new(0, Tone::Strong, format!(" {}", look.title)).flexible(8))
        .left(Piece::new(0, Tone::Faint, if look.shots.is_empty() { "" } else { &look.note }).flexible(4))
        .draw(head, theme, buf);
    let rest = below(area, 1);
    if look.shots.is_empty() {
        sentence(&look.note, Tone::Plain, rest, theme, buf);
        return;
    }
    let columns = columns(&look.shots, rest);
    let lines = look.shots.len().div_ceil(columns);
    let (columns, lines) = (u16::try_from(columns).unwrap_or(1), u16::try_from(lines).unwrap_or(1));
    let (width, height) = (rest.width / columns, rest.height / lines);
    for (shot, n) in look.shots.iter().zip(0u16..) {
        let (x, y) = (rest.x + n % columns * width, rest.y + n / columns * height);
        let place = Rect { x, y, width: width.saturating_sub(GAP), height }.intersection(rest);
        one(shot, place, theme, buf);
    }
}

/// How many pictures stand side by side.
fn columns(shots: &[ShotView], room: Rect) -> usize {
    let seen = |columns: usize| {
        let lines = shots.len().div_ceil(columns);
        let width = room.width / u16::try_from(columns).unwrap_or(u16::MAX);
        let height = room.height / u16::try_from(lines).unwrap_or(u16::MAX);
        let cell = Size::new(width.saturating_sub(GAP), height.saturating_sub(1));
        let cells = |shot: &ShotView| {
            let size = shot.picture.as_ref().map(|picture| picture::fit(picture, cell)).unwrap_or_default();
            u32::from(size.width) * u32::from(size.height)
        };
        shots.iter().map(cells).sum::<u32>()
    };
    // Of several that show as much, the one with the fewest lines: time goes from left to right.
    (1..=shots.len()).max_by_key(|columns| seen(*columns)).unwrap_or(1)
}

/// A caption, and below it the picture.
fn one(shot: &ShotView, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let caption = Piece::new(0, Tone::Faint, format!(" {}", shot.caption)).flexible(4);
    Row::default().left(caption).draw(Rect { height: 1.min(area.height), ..area }, theme, buf);
    let rest = below(area, 1);
    match &shot.picture {
        Ok(picture) => {
            picture::draw(picture, rest, theme.palette, theme.ascii, buf);
        }
        Err(why) => sentence(why, Tone::Warn, rest, theme, buf),
    }
}

fn sentence(text: &str, tone: Tone, area: Rect, theme: &Theme, buf: &mut Buffer) {
    for (y, line) in (area.y..area.bottom()).zip(wrap(text, area.width.saturating_sub(2), 5)) {
        Row::default().left(Piece::new(0, tone, format!(" {line}"))).draw(Rect { y, height: 1, ..area }, theme, buf);
    }
}
