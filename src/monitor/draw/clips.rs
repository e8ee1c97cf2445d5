//! The clip list: what was saved.

use super::list::mark;
use super::row::{Piece, width};
use super::table::{Column, fit, line, taken};
use crate::monitor::theme::{Theme, Tone};
use crate::monitor::view::ClipRow;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// A clip that still grows, and what the sign means.
pub const GROWING: (&str, Tone) = ("▸", Tone::Busy);
/// A clip that retention leaves alone.
pub const PROTECTED: (&str, Tone) = ("★", Tone::Good);

/// A subject with less room than this says nothing.
const SUBJECT: u16 = 5;

/// Draws as many clips as fit, newest first; `chosen` is the one at the cursor.
pub fn draw(rows: &[ClipRow], chosen: Option<usize>, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let shown = &rows[..rows.len().min(usize::from(area.height))];
    let column = |rank, least, of: fn(&ClipRow) -> &str| Column::of(rank, least, shown.iter().map(of));
    let whole = shown.iter().all(|clip| clip.whole);
    let columns = [
        column(0, 0, |clip| &clip.at),
        column(0, 0, |clip| &clip.camera),
        column(0, 0, |clip| &clip.length).right(),
        column(2, 0, |clip| &clip.bytes).right(),
        column(if whole { 3 } else { 1 }, 0, |clip| &clip.state),
    ];
    let trigger = shown.iter().map(|clip| width(&clip.trigger)).max().unwrap_or(0);
    // How much is missing of one is worth more than what wanted them, but not more than the sizes of all.
    let reserved = if whole { 2 + trigger } else { 0 };
    let columns = fit(columns, area.width.saturating_sub(1 + reserved));
    // What wanted a clip has the rest of the line, in every line or in none.
    let room = area.width.saturating_sub(1 + taken(&columns) + 2);
    let marked = 1 + columns[0].width() + 2 + columns[1].width();
    for (n, (y, clip)) in (area.y..area.bottom()).zip(shown).enumerate() {
        let (sign, tone) = match (clip.open, clip.protected) {
            (true, _) => GROWING,
            (false, true) => PROTECTED,
            (false, false) => (" ", Tone::Plain),
        };
        let state = if clip.whole { tone } else { Tone::Bad };
        let cells = [
            (Tone::Faint, clip.at.as_str()),
            (Tone::Plain, clip.camera.as_str()),
            (Tone::Plain, clip.length.as_str()),
            (Tone::Plain, clip.bytes.as_str()),
            (state, clip.state.as_str()),
        ];
        let mut row = line(&columns, cells).signed(sign, tone);
        if room >= trigger {
            let subject =
                if room > trigger + SUBJECT && !clip.subject.is_empty() { &format!(" {}", clip.subject) } else { "" };
            let why = vec![(Tone::Faint, clip.trigger.clone()), (Tone::Plain, subject.to_owned())];
            row = row.left(Piece::of(0, why).flexible(1));
        }
        row.draw(Rect { y, height: 1, ..area }, theme, buf);
        mark(chosen == Some(n), Rect { y, height: 1, width: marked.min(area.width), ..area }, theme, buf);
    }
}
