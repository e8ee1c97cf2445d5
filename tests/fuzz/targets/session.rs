//! Anything at all as a session, which may take so much memory and no more.
#![no_main]

#[path = "../checks.rs"]
#[allow(dead_code, reason = "each target has its own part")]
mod checks;

use peak_alloc::PeakAlloc;
use std::cell::LazyCell;
use tokio::runtime::{Builder, Runtime};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Bytes that a session may take at most, with what is said to it and heard of it.
const MOST: usize = 2 << 20;

thread_local! {
    static RUNTIME: LazyCell<Runtime> = const {
        LazyCell::new(|| Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime"))
    };
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    RUNTIME.with(|runtime| {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let _ = runtime.block_on(checks::session(data));
        let took = MEMORY.peak_usage().saturating_sub(before);
        assert!(took <= MOST, "a session took {took} bytes");
    });
});
