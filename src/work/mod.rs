//! The hands: one file per kind of task. They do what the model orders, and each end is an event.

pub mod camera;
pub mod ffmpeg;
pub mod mail;
pub mod archive;
pub mod places;
pub mod ring;
pub mod ring_watch;
pub mod smtp;
pub mod state;
