//! Pictures in a terminal, out of half-blocks: two pixels a cell, in the colours that it says it has. Nothing is asked of
//! the terminal, because one that does not answer would cost seconds and a key.
//!
//! ```text
//! JPEG in base64 ──decode (off the drawing thread)──▶ Picture ──draw──▶ cells ──lines──▶ scrollback
//! ```

mod decode;
mod draw;
mod lines;
mod palette;

pub use decode::{Picture, decode};
pub use draw::{draw, fit};
pub use lines::lines;
pub use palette::Palette;
