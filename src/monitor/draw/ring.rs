//! A ring's slots: each with its number and the glyph of its state, fewer details where there is less room.

use super::row::{Piece, Rank, pad, width};
use crate::model::snapshot::SlotState;
use crate::monitor::theme::Tone;

/// Every state with its glyph, its tone and what it means, in the order of a segment's life.
pub const LEGEND: [(SlotState, &str); 7] = [
    (SlotState::Empty, "empty"),
    (SlotState::Writing, "being written"),
    (SlotState::Complete, "complete, in RAM only"),
    (SlotState::Claimed, "claimed: wanted, not stored yet"),
    (SlotState::Copying, "on its way into the archive"),
    (SlotState::Stored, "stored in the archive"),
    (SlotState::Lost, "wanted and lost"),
];

/// How a slot looks.
pub fn look(slot: SlotState) -> (&'static str, Tone) {
    match slot {
        SlotState::Empty => ("·", Tone::Faint),
        SlotState::Writing => ("▸", Tone::Strong),
        SlotState::Complete => ("○", Tone::Plain),
        SlotState::Claimed => ("●", Tone::Warn),
        SlotState::Copying => ("↑", Tone::Busy),
        SlotState::Stored => ("✓", Tone::Good),
        SlotState::Lost => ("✗", Tone::Bad),
    }
}

/// Slots with their numbers if that takes at most `room` columns, else their glyphs, else the glyphs around the slot
/// that is being written. `least`: columns that a slot with its number takes at least.
pub fn piece(rank: Rank, slots: &[SlotState], least: u16, room: u16, numbered: bool) -> Piece {
    if numbered && has_numbers(slots, least, room) {
        let cells = slots.iter().enumerate().map(|(n, slot)| {
            let (glyph, tone) = look(*slot);
            let space = if n > 0 { " " } else { "" };
            (tone, format!("{space}{}", pad(&format!("{n}{glyph}"), cell(n, least))))
        });
        return Piece::of(rank, cells.collect());
    }
    let room = usize::from(room);
    if slots.len() <= room {
        return Piece::of(rank, slots.iter().map(|slot| glyph(*slot)).collect());
    }
    let writing = slots.iter().position(|slot| *slot == SlotState::Writing).unwrap_or(0);
    let shown = room.saturating_sub(1);
    let first = (writing + 1).saturating_sub(shown).min(slots.len() - shown);
    let window = slots[first..first + shown].iter().map(|slot| glyph(*slot));
    Piece::of(rank, window.chain([(Tone::Faint, "…".to_owned())]).collect())
}

/// A text for each slot, below its number.
pub fn below(texts: &[String], least: u16) -> String {
    let cells = texts.iter().enumerate().map(|(n, text)| format!("{text:>to$}", to = usize::from(cell(n, least))));
    cells.collect::<Vec<_>>().join(" ")
}

/// Whether slots are shown with their numbers in `room` columns.
pub fn has_numbers(slots: &[SlotState], least: u16, room: u16) -> bool {
    let cells: usize = (0..slots.len()).map(|n| usize::from(cell(n, least)) + 1).sum();
    cells <= usize::from(room) + 1
}

/// Columns of a slot with its number.
fn cell(n: usize, least: u16) -> u16 {
    width(&n.to_string()).saturating_add(1).max(least)
}

fn glyph(slot: SlotState) -> (Tone, String) {
    let (glyph, tone) = look(slot);
    (tone, glyph.to_owned())
}
