//! What the recorder costs and how fast it is, measured on the whole program: real FFmpegs on a real stream, real mails,
//! a real disk, and clocks outside of it.
//!
//! `make bench` runs all of it, with the pure core's figures of `benches/core.rs` before it, and writes
//! `docs/benchmarks.md`; it takes about a quarter of an hour at most. `make bench PARTS=monitor` measures one part and
//! prints it. Each part has its time; what fails or takes longer is named in the page and keeps no other from it.

mod archive;
mod cameras;
mod claims;
mod counters;
mod fit;
mod floor;
mod mail;
mod monitor;
mod packets;
mod page;
mod pure;

#[path = "../../tests/common/feed.rs"]
mod feed;
#[path = "../../tests/common/material.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod material;
#[path = "../../tests/common/nvr.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod nvr_process;
#[path = "../../tests/common/terminal.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod terminal;

use futures::FutureExt;
use page::Findings;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::timeout;

/// What can be measured, and for how long at most, in seconds.
const PARTS: &[(&str, u64)] = &[("core", 10), ("cameras", 560), ("archive", 60), ("mail", 40), ("monitor", 240)];

async fn measure(part: &str) -> Findings {
    match part {
        "core" => pure::measure(),
        "cameras" => cameras::measure().await,
        "archive" => archive::measure().await,
        "mail" => mail::measure().await,
        "monitor" => monitor::measure().await,
        _ => Findings::default(),
    }
}

/// A panic's words, for a page.
fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.and_then(|text| text.lines().next()).unwrap_or("it panicked").to_owned()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // Cargo says `--bench`.
    let wanted: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if let Some(unknown) = wanted.iter().find(|word| !PARTS.iter().any(|(part, _)| part == word)) {
        let parts: Vec<_> = PARTS.iter().map(|(part, _)| *part).collect();
        eprintln!("{unknown} is nothing to measure (name some of: {})", parts.join(", "));
        std::process::exit(2);
    }
    let (machine, mut findings) = (page::circumstances(), Findings::default());
    for (part, seconds) in PARTS.iter().filter(|(part, _)| wanted.is_empty() || wanted.iter().any(|it| it == part)) {
        println!("measuring: {part}");
        let measured = timeout(Duration::from_secs(*seconds), AssertUnwindSafe(measure(part)).catch_unwind()).await;
        match measured {
            Ok(Ok(found)) => findings.add(found),
            Ok(Err(panic)) => findings.fail(part, &words(&*panic)),
            Err(_) => findings.fail(part, &format!("it took longer than {seconds} s")),
        }
    }
    let page = page::page(&findings, &machine);
    println!("\n{page}");
    if wanted.is_empty() {
        page::store(&page);
    }
}
