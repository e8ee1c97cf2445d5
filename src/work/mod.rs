//! The hands: one file per kind of task. They do what the model orders, and each end is an event.

pub mod archive;
pub mod places;
