//! nvr
pub mod model;
pub mod work;
