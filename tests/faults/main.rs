//! Everything that goes wrong in the world, with the real FFmpeg and a real disk, and what it costs: for every packet
//! that was wanted it is known whether it is stored, and if not, why. `make test` lets each fault happen once, `make
//! soak` all of them at random for as long as it is told and writes `docs/promises.md`.

mod disk;
mod fault;
#[path = "../common/feed.rs"]
mod feed;
mod hangs;
mod judge;
#[allow(dead_code, reason = "each program of tests needs other materials")]
#[path = "../common/material.rs"]
mod material;
#[path = "../common/mounts.rs"]
mod mounts;
#[allow(dead_code, reason = "each program of tests needs other things of a recorder")]
#[path = "../common/nvr.rs"]
mod nvr_process;
mod power;
mod report;
mod resources;
mod short;
#[allow(dead_code, reason = "each program of tests needs other clients")]
#[path = "../recorder/smtp.rs"]
mod smtp;
mod soak;
mod strike;
#[allow(dead_code, reason = "each program of tests needs other things of a terminal")]
#[path = "../common/terminal.rs"]
mod terminal;
mod world;
