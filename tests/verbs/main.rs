//! The verbs, run for real against a recorder that is nothing but its link: what is asked of it, what it answers and
//! when it goes is up to the test.

mod changes;
mod check;
mod clips;
mod logs;
mod packages;
#[path = "../common/pictures.rs"]
#[allow(dead_code, reason = "each program of tests needs other pictures")]
mod pictures;
mod recorder;
mod setup;
mod status;
