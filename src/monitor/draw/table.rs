//! Columns of a list: decided once for all lines that are in sight, so that they stand below each other whatever is
//! left out for want of room.

use super::row::{Piece, Rank, Row, pad, width};
use crate::monitor::theme::Tone;

/// Columns between columns.
const GAP: u16 = 2;

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// How much it matters; rank 0 never goes.
    rank: Rank,
    /// Its cells stand against the right side: numbers.
    right: bool,
    width: u16,
}

impl Column {
    /// As wide as its widest cell, and at least `least`; 0 if all cells are empty.
    pub fn of<'a>(rank: Rank, least: u16, cells: impl Iterator<Item = &'a str>) -> Self {
        let widest = cells.map(width).max().unwrap_or(0);
        Self { rank, right: false, width: if widest == 0 { 0 } else { widest.max(least) } }
    }

    /// For numbers.
    pub fn right(mut self) -> Self {
        self.right = true;
        self
    }

    /// Columns of the screen that it takes.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// A cell, with what stands before it.
    pub fn cell(&self, tone: Tone, text: &str) -> Piece {
        Piece::new(0, tone, self.padded(text))
    }

    /// A cell's text as wide as the column.
    pub fn padded(&self, text: &str) -> String {
        let space = " ".repeat(usize::from(self.width.saturating_sub(width(text))));
        if self.right { format!("{space}{text}") } else { pad(text, self.width) }
    }
}

/// Takes the width from columns for which `room` is too narrow: those that matter least go first.
pub fn fit<const N: usize>(mut columns: [Column; N], room: u16) -> [Column; N] {
    while taken(&columns) > room {
        let least = columns.iter_mut().filter(|column| column.rank > 0 && column.width > 0);
        let Some(least) = least.max_by_key(|column| column.rank) else { break };
        least.width = 0;
    }
    columns
}

/// Columns of the screen that these take together.
pub fn taken<const N: usize>(columns: &[Column; N]) -> u16 {
    let shown = columns.iter().filter(|column| column.width > 0);
    shown.fold(0u16, |sum, column| sum.saturating_add(column.width).saturating_add(GAP)).saturating_sub(GAP)
}

/// A line of the columns that are left.
pub fn line<const N: usize>(columns: &[Column; N], cells: [(Tone, &str); N]) -> Row {
    let shown = columns.iter().zip(cells).filter(|(column, _)| column.width > 0);
    shown.fold(Row::default(), |row, (column, (tone, text))| row.left(column.cell(tone, text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_least_goes_first_and_numbers_stand_on_the_right() {
        let columns = [
            Column::of(0, 0, ["10:00"].into_iter()),
            Column::of(2, 0, ["slot 1", "slot 10"].into_iter()),
            Column::of(1, 6, ["9 kB"].into_iter()).right(),
            Column::of(3, 9, [""].into_iter()),
        ];
        let widths = |room| fit(columns, room).map(|column| column.width());
        assert_eq!(widths(22), [5, 7, 6, 0]);
        assert_eq!(widths(21), [5, 0, 6, 0]);
        assert_eq!(widths(12), [5, 0, 0, 0]);
        assert_eq!(widths(0), [5, 0, 0, 0]);
        assert_eq!(columns[2].padded("9 kB"), "  9 kB");
        assert_eq!(columns[1].padded("slot 1"), "slot 1 ");
    }
}
