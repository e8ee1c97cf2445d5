//! Cells as lines of text with colours, for the scrollback: no cursor is placed, and what follows is not coloured.

use crossterm::queue;
use crossterm::style::{Attribute, Colors, Print, SetAttribute, SetColors};
use ratatui::buffer::{Buffer, Cell};
use ratatui::prelude::IntoCrossterm;
use ratatui::style::Color;

/// The bytes of a buffer's lines, each without blanks at its end and with a line feed. Colours come out as they are: who
/// wants none draws none (see [`force_color_output`](crossterm::style::force_color_output)).
pub fn lines(buf: &Buffer) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in buf.content.chunks(usize::from(buf.area.width).max(1)) {
        let blank = |cell: &&Cell| cell.symbol() == " " && cell.bg == Color::Reset;
        let end = line.len() - line.iter().rev().take_while(blank).count();
        let mut now = (Color::Reset, Color::Reset);
        for cell in &line[..end] {
            // What has no glyph has no colour of its own.
            let colours = if cell.symbol() == " " { (now.0, cell.bg) } else { (cell.fg, cell.bg) };
            // Writing into memory does not fail.
            if colours != now {
                let _ = queue!(bytes, SetColors(Colors::new(colours.0.into_crossterm(), colours.1.into_crossterm())));
                now = colours;
            }
            let _ = queue!(bytes, Print(cell.symbol()));
        }
        if now != (Color::Reset, Color::Reset) {
            let _ = queue!(bytes, SetAttribute(Attribute::Reset));
        }
        bytes.push(b'\n');
    }
    bytes
}
