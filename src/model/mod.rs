//! What to do is decided here, and only here. Pure: no clock, no IO, no async; time comes in as an argument. So every
//! rule can be tested in microseconds, and the same inputs always give the same orders.

mod archiving;
mod asking;
pub mod backlog;
pub mod backoff;
pub mod camera;
mod carry;
pub mod claim;
pub mod clip;
pub mod command;
pub mod effect;
pub mod event;
pub mod fmp4;
mod following;
pub mod id;
pub mod life;
pub mod memory;
mod orders;
pub mod out;
pub mod question;
pub mod rate;
pub mod record;
pub mod recorder;
mod reload;
pub mod retention;
pub mod ring;
mod room;
pub mod routing;
pub mod saving;
mod seen;
pub mod settings;
mod silence;
pub mod snapshot;
pub mod storing;
pub mod text;
pub mod time;
mod view;
