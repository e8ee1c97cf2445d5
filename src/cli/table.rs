//! Columns for people; scripts use `--json`.

pub use crate::monitor::format::about;

use crate::model::time::Wall;
use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthStr;

/// Rows as lines, each column as wide as its widest cell.
pub fn lines<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// A length of footage: `1 min 20 s`.
pub fn length(span: std::time::Duration) -> String {
    let seconds = span.as_secs_f64().round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s:02} s"),
        (h, m, _) => format!("{h} h {m:02} min"),
    }
}

/// An instant on the clock on the wall: `2026-11-22 14:02:31`.
pub fn moment(at: Wall, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Bytes: `4.1 MB`.
pub fn size(bytes: u64) -> String {
    bytesize::ByteSize(bytes).display().si().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn columns_stand_below_each_other_whatever_is_in_them() {
        let rows = [["a".to_owned(), "x".to_owned()], ["移动".to_owned(), "y".to_owned()]];
        assert_eq!(lines(&rows), ["a     x", "移动  y"]);
    }

    #[test]
    fn lengths_are_read_at_a_glance() {
        let seen = [0, 59, 60, 80, 3599, 3600, 7260].map(|s| length(Duration::from_secs(s)));
        assert_eq!(seen, ["0 s", "59 s", "1 min 00 s", "1 min 20 s", "59 min 59 s", "1 h 00 min", "2 h 01 min"]);
    }
}
