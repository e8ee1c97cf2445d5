//! What to do is decided here, and only here. Pure: no clock, no IO, no async; time comes in as an argument. So every
//! rule can be tested in microseconds, and the same inputs always give the same orders.

pub mod command;
pub mod effect;
pub mod event;
pub mod fmp4;
pub mod id;
pub mod record;
pub mod retention;
pub mod settings;
pub mod snapshot;
pub mod time;
