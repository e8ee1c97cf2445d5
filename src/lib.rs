//! nvr

pub mod cli;
pub mod config;
pub mod engine;
pub mod journal;
pub mod link;
pub mod model;
pub mod monitor;
pub mod stop;
pub mod work;
