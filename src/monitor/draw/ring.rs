//! A ring's slots: each with its number and the glyph of its state, fewer details where there is less room.

use super::row::{Piece, Rank};
use crate::model::snapshot::{SlotState, SlotView};
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
/// that is being written.
pub fn piece(rank: Rank, slots: &[SlotView], room: u16, numbered: bool) -> Piece {
    let room = usize::from(room);
    let digits: usize = (0..slots.len()).map(|n| n.to_string().len()).sum();
    if numbered && digits + 2 * slots.len() <= room + 1 {
        return Piece::of(rank, with_numbers(slots));
    }
    if slots.len() <= room {
        return Piece::of(rank, slots.iter().map(|slot| glyph(*slot)).collect());
    }
    let writing = slots.iter().position(|slot| slot.is == SlotState::Writing).unwrap_or(0);
    let shown = room.saturating_sub(1);
    let first = (writing + 1).saturating_sub(shown).min(slots.len() - shown);
    let window = slots[first..first + shown].iter().map(|slot| glyph(*slot));
    Piece::of(rank, window.chain([(Tone::Faint, "…".to_owned())]).collect())
}

fn glyph(slot: SlotView) -> (Tone, String) {
    let (glyph, tone) = look(slot.is);
    (tone, glyph.to_owned())
}

fn with_numbers(slots: &[SlotView]) -> Vec<(Tone, String)> {
    let spaced = |(n, slot): (usize, &SlotView)| {
        let (glyph, tone) = look(slot.is);
        let space = if n > 0 { " " } else { "" };
        (tone, format!("{space}{n}{glyph}"))
    };
    slots.iter().enumerate().map(spaced).collect()
}
