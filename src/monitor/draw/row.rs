//! One line made of pieces that know how much they matter. Where there is little room the least important go first, so
//! the same line serves wide and narrow screens.

use crate::monitor::theme::{Theme, Tone};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns between pieces.
const GAP: u16 = 2;

/// How much a piece matters: the larger, the sooner it goes.
pub type Rank = u8;

/// A part of a line that stays or goes as a whole.
#[derive(Debug, Clone)]
pub struct Piece {
    spans: Vec<(Tone, String)>,
    width: u16,
    /// May be cut down to this width before anything is left out.
    least: u16,
    rank: Rank,
}

impl Piece {
    /// A piece of one tone; rank 0 never goes.
    pub fn new(rank: Rank, tone: Tone, text: impl Into<String>) -> Self {
        Self::of(rank, vec![(tone, text.into())])
    }

    /// A piece of several tones.
    pub fn of(rank: Rank, spans: Vec<(Tone, String)>) -> Self {
        let width = spans.iter().fold(0, |sum: u16, (_, text)| sum.saturating_add(width(text)));
        Self { spans, width, least: width, rank }
    }

    /// Lets the piece be cut to `least` columns.
    pub fn flexible(mut self, least: u16) -> Self {
        self.least = least.min(self.width);
        self
    }
}

/// A line: some pieces from the left edge on, others against the right one.
#[derive(Debug, Clone, Default)]
pub struct Row {
    left: Vec<Piece>,
    right: Vec<Piece>,
}

impl Row {
    /// Adds a piece on the left, unless it is empty.
    pub fn left(mut self, piece: Piece) -> Self {
        if piece.width > 0 {
            self.left.push(piece);
        }
        self
    }

    /// Puts a sign of one column in front of the first piece.
    pub fn signed(mut self, sign: &str, tone: Tone) -> Self {
        if let Some(first) = self.left.first_mut() {
            first.spans.insert(0, (tone, sign.to_owned()));
            let sign = width(sign);
            (first.width, first.least) = (first.width.saturating_add(sign), first.least.saturating_add(sign));
        }
        self
    }

    /// Adds a piece on the right, after those already there, unless it is empty.
    pub fn right(mut self, piece: Piece) -> Self {
        if piece.width > 0 {
            self.right.push(piece);
        }
        self
    }

    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.left.is_empty() && self.right.is_empty()
    }

    /// Draws as much of it as fits into the first line of `area`.
    pub fn draw(mut self, area: Rect, theme: &Theme, buf: &mut Buffer) {
        if area.is_empty() {
            return;
        }
        self.fit(area.width);
        let right = self.right.iter().map(|piece| piece.width + GAP).sum::<u16>().saturating_sub(GAP);
        let mut x = area.x;
        for piece in self.left {
            x = draw_spans(&piece.spans, piece.width, Rect { x, ..area }, area.right(), theme, buf) + GAP;
        }
        let mut x = area.right() - right.min(area.width);
        for piece in self.right {
            x = draw_spans(&piece.spans, piece.width, Rect { x, ..area }, area.right(), theme, buf) + GAP;
        }
    }

    fn pieces(&mut self) -> impl Iterator<Item = &mut Piece> {
        self.left.iter_mut().chain(&mut self.right)
    }

    fn excess(&mut self, width: u16, of: impl Fn(&Piece) -> u16) -> u32 {
        let wanted: u32 = self.pieces().map(|piece| u32::from(of(piece)) + u32::from(GAP)).sum();
        wanted.saturating_sub(u32::from(GAP)).saturating_sub(u32::from(width))
    }

    /// Leaves out and cuts until the rest fits.
    fn fit(&mut self, width: u16) {
        while self.excess(width, |piece| piece.least) > 0 {
            let Some(rank) = self.pieces().map(|piece| piece.rank).max().filter(|rank| *rank > 0) else { break };
            let last = |pieces: &[Piece]| pieces.iter().rposition(|piece| piece.rank == rank);
            if let Some(place) = last(&self.right) {
                self.right.remove(place);
            } else if let Some(place) = last(&self.left) {
                self.left.remove(place);
            }
        }
        let mut excess = self.excess(width, |piece| piece.width);
        for piece in self.pieces() {
            let cut = u16::try_from(excess).unwrap_or(u16::MAX).min(piece.width - piece.least);
            piece.width -= cut;
            excess -= u32::from(cut);
        }
    }
}

/// Draws spans at `at` into at most `most` columns, ending before `end`; the column after the last one drawn.
fn draw_spans(spans: &[(Tone, String)], most: u16, at: Rect, end: u16, theme: &Theme, buf: &mut Buffer) -> u16 {
    let end = end.min(at.x.saturating_add(most));
    let mut x = at.x;
    for (n, (tone, text)) in spans.iter().enumerate() {
        if x >= end {
            break;
        }
        let rest = end - x;
        let more = spans[n + 1..].iter().any(|(_, text)| !text.is_empty());
        let text = if more && width(text) == rest { cut(&format!("{text} "), rest) } else { cut(text, rest) };
        x = buf.set_stringn(x, at.y, text, usize::from(rest), theme.style(*tone)).0;
    }
    x
}

/// Columns that `text` takes.
pub fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// `text` in at most `most` columns; what had to be cut ends with `…`.
pub fn cut(text: &str, most: u16) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut room = usize::from(most).saturating_sub(1);
    for c in text.chars() {
        let Some(rest) = room.checked_sub(c.width().unwrap_or(0)) else { break };
        room = rest;
        kept.push(c);
    }
    kept.truncate(kept.trim_end().len());
    if most > 0 {
        kept.push('…');
    }
    kept
}

/// `text` filled up with spaces to `to` columns.
pub fn pad(text: &str, to: u16) -> String {
    format!("{text}{}", " ".repeat(usize::from(to.saturating_sub(width(text)))))
}

/// `text` in at most `lines` lines of `columns`, broken between words; what is too long ends with `…`.
pub fn wrap(text: &str, columns: u16, lines: usize) -> Vec<String> {
    let mut wrapped: Vec<String> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() && columns > 0 && wrapped.len() < lines {
        if wrapped.len() + 1 == lines || width(rest) <= columns {
            wrapped.push(cut(rest, columns));
            break;
        }
        let at = break_at(rest, columns);
        wrapped.push(rest[..at].trim_end().to_owned());
        rest = rest[at..].trim_start();
    }
    wrapped
}

/// `text` in two: what a line of `columns` takes, and the rest.
pub fn split(text: &str, columns: u16) -> (&str, &str) {
    let text = text.trim();
    if width(text) <= columns {
        return (text, "");
    }
    let (begin, rest) = text.split_at(if columns == 0 { 0 } else { break_at(text, columns) });
    (begin.trim_end(), rest.trim_start())
}

/// Where to break a text that is wider than `columns`: after the last word or directory that fits, else in the middle.
fn break_at(text: &str, columns: u16) -> usize {
    let (mut room, mut word) = (usize::from(columns), 0);
    for (at, c) in text.char_indices() {
        if c == ' ' || text[..at].ends_with('/') {
            word = at;
        }
        match room.checked_sub(c.width().unwrap_or(0)) {
            Some(rest) => room = rest,
            None if word > 0 => return word,
            None => return if at > 0 { at } else { c.len_utf8() },
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::picture::Palette;
    use proptest::prelude::*;

    fn drawn(row: Row, width: u16) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, 1));
        row.draw(buf.area, &Theme { palette: Palette::None, ascii: false, light: false }, &mut buf);
        buf.content.iter().map(|cell| cell.symbol()).collect()
    }

    #[test]
    fn the_least_important_goes_first() {
        let row = Row::default()
            .left(Piece::new(0, Tone::Plain, "name"))
            .left(Piece::new(2, Tone::Plain, "size"))
            .left(Piece::new(1, Tone::Plain, "rate"))
            .right(Piece::new(3, Tone::Plain, "up"));
        assert_eq!(drawn(row.clone(), 24), "name  size  rate      up");
        assert_eq!(drawn(row.clone(), 20), "name  size  rate  up");
        assert_eq!(drawn(row.clone(), 19), "name  size  rate   ");
        assert_eq!(drawn(row.clone(), 15), "name  rate     ");
        assert_eq!(drawn(row.clone(), 9), "name     ");
        assert_eq!(drawn(row, 3), "na…");
    }

    #[test]
    fn a_flexible_piece_is_cut_before_anything_goes() {
        let row = Row::default().left(Piece::new(1, Tone::Plain, "a long sentence").flexible(6)).right(Piece::new(
            2,
            Tone::Plain,
            "12",
        ));
        assert_eq!(drawn(row.clone(), 19), "a long sentence  12");
        assert_eq!(drawn(row.clone(), 15), "a long sen…  12");
        assert_eq!(drawn(row, 9), "a long s…");
    }

    #[test]
    fn text_is_cut_by_columns_and_wrapped_between_words() {
        assert_eq!(
            [cut("abc", 3), cut("abcd", 3), cut("猫猫猫", 4), cut("ab cd", 4), cut("a", 0)],
            ["abc", "ab…", "猫…", "ab…", ""]
        );
        assert_eq!(wrap("one two three", 7, 9), ["one two", "three"]);
        assert_eq!(wrap("one two three four", 8, 2), ["one two", "three f…"]);
        assert_eq!(wrap("猫猫猫", 3, 9), ["猫", "猫", "猫"]);
        assert_eq!(wrap("word", 0, 9), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_it_may_be(text in any::<String>(), most in 0u16..40, lines in 0usize..5) {
            prop_assert!(width(&cut(&text, most)) <= most);
            let wrapped = wrap(&text, most, lines);
            prop_assert!(wrapped.len() <= lines);
            prop_assert!(most < 2 || wrapped.iter().all(|line| width(line) <= most));
        }
    }
}
