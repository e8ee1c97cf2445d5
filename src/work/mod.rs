//! The hands: one file per kind of task. They do what the model orders, and each end is an event.

pub mod archive;
pub mod camera;
mod child;
pub mod ffmpeg;
pub mod healing;
pub mod hold;
pub mod host;
pub mod hosts;
pub mod inherit;
pub mod knock;
pub mod limits;
pub mod look;
pub mod mail;
pub mod memory;
pub mod places;
mod queue;
pub mod reread;
pub mod ring;
pub mod ring_watch;
pub mod smtp;
pub mod state;
