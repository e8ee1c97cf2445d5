//! What several tests need.

pub mod recorder;
