//! What many cameras cost the recorder itself: real recorders, and FFmpegs that cost nothing because they are fakes.
//!
//! `cargo bench --bench crowd` records 8, 64, 250 and 500 cameras for about a minute each, at rest and in an event of all
//! of them, and prints a table. `cargo bench --bench crowd -- 500` does so with that many only.

#[path = "../tests/common/fake_ffmpeg.rs"]
mod fake_ffmpeg;
#[path = "../tests/common/nvr.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod nvr_process;

use nvr::model::command::{Command, TriggerBy, Who};
use nvr::model::snapshot::CameraState;
use nvr_process::{Nvr, Place};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const COUNTS: [usize; 4] = [8, 64, 250, 500];
/// How long it is looked at, at rest and in an event.
const LOOK: Duration = Duration::from_secs(20);
/// Longer than starts in turn take.
const START: Duration = Duration::from_secs(300);

fn main() -> ExitCode {
    if fake_ffmpeg::is_meant() {
        return fake_ffmpeg::run();
    }
    let wanted: Vec<usize> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let counts = if wanted.is_empty() { COUNTS.to_vec() } else { wanted };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    println!("cameras  all start in  at rest  in events  trigger  picture  files  threads    PSS  nvr status");
    for count in counts {
        runtime.block_on(measure(count));
    }
    ExitCode::SUCCESS
}

async fn measure(count: usize) {
    let mut place = Place::new("");
    place.recorder = fake_ffmpeg::install(place.dir.path());
    place.cameras = fake_ffmpeg::cameras(count, &fake_ffmpeg::material(place.dir.path()));
    (place.ring_keys, place.trigger) = (String::new(), String::new());
    let begun = Instant::now();
    let mut nvr = place.start().await;
    let recording = |state: &CameraState| matches!(state, CameraState::Recording { .. });
    let all = |it: &nvr::model::snapshot::Snapshot| it.cameras.iter().all(|it| recording(&it.state)).then_some(());
    nvr.until_within(START, "all cameras", all).await;
    let started = begun.elapsed();
    let picture = serde_json::to_vec(&*nvr.picture()).expect("JSON").len();
    tokio::time::sleep(LOOK / 2).await; // every segment's switch has come once
    let rest = cpu(&nvr, LOOK).await;
    let asked = Instant::now();
    nvr.order(Command::Trigger { who: Who::All, by: TriggerBy::Key }).await;
    let trigger = asked.elapsed();
    let events = cpu(&nvr, LOOK).await;
    let asked = Instant::now();
    place.nvr(&["status"]).await;
    let status = asked.elapsed();
    let (files, threads) = (entries(&nvr, "fd"), entries(&nvr, "task"));
    println!(
        "{count:7} {:11.1} s {rest:6.2} % {events:8.2} % {:5} ms {:5} kB {files:6} {threads:8} {:4.1} MB {:8} ms",
        started.as_secs_f64(),
        trigger.as_millis(),
        picture / 1000,
        pss(&nvr),
        status.as_millis()
    );
    nvr.child.kill().await.expect("it runs");
}

/// Percent of a processor that the recorder takes, without its FFmpegs.
async fn cpu(nvr: &Nvr, span: Duration) -> f64 {
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", nvr.pid())).expect("it runs");
        let fields = stat.rsplit_once(')').expect("a name").1.split_whitespace();
        fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("ticks")).sum::<u64>()
    };
    let (before, begun) = (ticks(), Instant::now());
    tokio::time::sleep(span).await;
    // A tick of /proc is a hundredth of a second.
    (ticks() - before) as f64 / begun.elapsed().as_secs_f64()
}

fn entries(nvr: &Nvr, kind: &str) -> usize {
    std::fs::read_dir(format!("/proc/{}/{kind}", nvr.pid())).expect("it runs").count()
}

/// Memory in megabytes.
fn pss(nvr: &Nvr) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", nvr.pid())).expect("it runs");
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1000.0
}
