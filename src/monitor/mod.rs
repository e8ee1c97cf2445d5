//! The screen: whether every camera is being recorded, whether anything is wrong, what was saved; and keys to act on it.
//!
//! ```text
//! snapshot, clock, keys ──▶ ui ──▶ view ──▶ draw ──▶ paint ──▶ terminal
//!        ▲                  what the     words     cells     only what
//!       line                person chose                     changed
//! ```
//!
//! The monitor is a process of its own: whatever happens to it or to its terminal cannot touch the recording. It draws
//! only when what can be seen differs, and sleeps until then.

pub mod decode;
pub mod draw;
pub mod format;
pub mod input;
pub mod keys;
mod line;
pub mod paint;
pub mod picture;
mod run;
pub mod terminal;
pub mod theme;
pub mod ui;
pub mod view;

pub use run::{Left, Means, attend, run};
pub use ui::Leaving;
