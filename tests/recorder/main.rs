//! The whole program, with the real FFmpeg, real SMTP clients and real signals. One program for all of it, so that what
//! waits in one test is time for another. They begin in the order of their names: what takes a minute comes early.

mod clips;
mod doctor;
mod errors;
#[path = "../common/feed.rs"]
mod feed;
mod footage;
mod frozen;
mod kills;
mod left;
mod life;
mod look;
mod mail_in;
#[path = "../common/material.rs"]
mod material;
#[path = "../common/mounts.rs"]
mod mounts;
#[path = "../common/nvr.rs"]
mod nvr_process;
mod pages;
mod reload;
mod room;
#[path = "../common/rtsp.rs"]
mod rtsp;
mod screen;
mod smtp;
mod streams;
#[path = "../common/terminal.rs"]
mod terminal;
mod verbs;
