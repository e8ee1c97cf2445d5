//! The link, seen from outside: what goes over it, what its two ends promise, and where it lies.

mod memory;
mod recorder;
mod socket;
mod wire;
