//! The table of faults, promises and what was measured: `docs/promises.md`.

use super::fault::{Cost, FAULTS, Fault};
use super::judge::Verdict;
use super::material::run;
use super::power::PROMISE;
use super::soak::{CAMERAS, Soak};
use super::world::World;
use jiff::Timestamp;
use std::fmt::Write;
use std::time::Duration;

/// What one kind of fault came to.
pub struct Row {
    fault: &'static Fault,
    times: usize,
    /// Seconds of wanted footage that one of them cost, at worst; all cameras together.
    worst: f64,
    /// How long after its end the recorder needed to get over it, at worst.
    recovery: Duration,
}

pub fn rows(world: &World, verdict: &Verdict) -> Vec<Row> {
    let row = |fault: &'static Fault| {
        let its = || world.suffered.iter().zip(&verdict.cost).filter(|(it, _)| it.fault.what == fault.what);
        let recovery = its().filter_map(|(it, _)| Some(it.over?.duration_since(it.healed?))).max();
        let worst = its().map(|(_, cost)| *cost).fold(0.0, f64::max);
        Row { fault, times: its().count(), worst, recovery: recovery.unwrap_or_default() }
    };
    FAULTS.iter().map(row).collect()
}

/// Every promise that was not kept, a sentence each.
pub fn broken(soak: &Soak) -> Vec<String> {
    let mut broken = soak.verdict.broken.clone();
    broken.extend(soak.cuts.iter().flat_map(|cuts| cuts.broken.iter().cloned()));
    for (name, trend, flat) in soak.samples.trends().into_iter().flatten() {
        broken.extend((!flat).then(|| format!("{name}: {:.1} early and {:.1} late", trend.early, trend.late)));
    }
    broken
}

/// What may be missing, in words.
fn allowed(cost: Cost) -> String {
    match cost {
        Cost::Nothing => "nothing".to_owned(),
        Cost::Since(before) => format!("from {:.1} s before it until it is over", before.as_secs_f64()),
        Cost::Event(before) => {
            format!("from {:.1} s before it until the event's end; the pre-roll of the next", before.as_secs_f64())
        }
    }
}

fn first_line(program: &str, args: &[&str]) -> String {
    run(program, args).0.lines().next().unwrap_or_default().to_owned()
}

/// Where and with what it was measured.
fn circumstances() -> String {
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let count = std::thread::available_parallelism().map_or(0, usize::from);
    let ffmpeg = first_line("ffmpeg", &["-hide_banner", "-version"]);
    let ffmpeg = ffmpeg.split(" Copyright").next().unwrap_or_default().to_owned();
    format!(
        "nvr {}, {ffmpeg}, Linux {}, {count} × {}",
        env!("CARGO_PKG_VERSION"),
        first_line("uname", &["-r"]),
        model.trim_start_matches([':', ' ', '\t']),
    )
}

/// The page as it is printed and stored.
pub fn page(soak: &Soak) -> String {
    let Soak { seed, duration, verdict, rows, samples, cuts } = soak;
    let (minutes, day) = (duration.as_secs_f64() / 60.0, Timestamp::now().strftime("%Y-%m-%d"));
    let faults: usize = rows.iter().map(|row| row.times).sum();
    let mut page = format!(
        "# What goes wrong, what is promised, and what it cost\n\n\
         Written by `make soak` on {day}: {CAMERAS} cameras with segments of a second, {minutes:.0} minutes, {faults} \
         faults at random (seed {seed}).\n{}.\n\n\
         {} events in {} clips wanted {} packets. {} are missing for a fault, and their clips' records say so; **{} are \
         missing without an explanation**.\nEvery clip was decoded and compared with its source packet by packet.\n\n",
        circumstances(),
        verdict.triggers,
        verdict.clips,
        verdict.wanted,
        verdict.explained,
        verdict.unexplained,
    );
    page += "| fault | promise | footage that may be missing | happened | footage lost, at worst | over after, at worst |\n";
    page += "| --- | --- | --- | --- | --- | --- |\n";
    for Row { fault, times, worst, recovery } in rows {
        let Fault { name, promise, cost, .. } = fault;
        let (may, recovery) = (allowed(*cost), recovery.as_secs_f64());
        let measured = if *times == 0 { "- | -".to_owned() } else { format!("{worst:.1} s | {recovery:.1} s") };
        let _ = writeln!(page, "| {name} | {promise} | {may} | {times} × | {measured} |");
    }
    if let Some(cuts) = cuts {
        let (promise, worst) = (PROMISE.as_secs_f64(), cuts.worst.as_secs_f64());
        let (unflushed, lost) = cuts.unflushed;
        let _ = writeln!(
            page,
            "| power cut | the clip is closed by the next start, playable, and its record says that it was cut | one GOP \
             and 1 s, here {promise:.1} s | {} × | {worst:.1} s | |\n\n\
             A power cut takes the ring, and of the disk what it had not confirmed: here {lost} of {unflushed} sectors \
             that had been written and not flushed.",
            cuts.count
        );
    }
    page += "\nFootage lost is that of all cameras together, and only what an event wanted. ";
    match samples.trends() {
        None => page += "The run was too short to measure what the recorder takes of the machine.\n",
        Some(trends) => {
            page +=
                "What the recorder took of the machine:\n\n| | second quarter | last quarter |\n| --- | --- | --- |\n";
            for (name, trend, _) in trends {
                let _ = writeln!(page, "| {name} | {:.1} | {:.1} |", trend.early, trend.late);
            }
        }
    }
    let broken = broken(soak);
    if !broken.is_empty() {
        let _ = writeln!(page, "\n**Broken in this run:**\n");
        for sentence in &broken {
            let _ = writeln!(page, "* {}", sentence.lines().next().unwrap_or_default());
        }
    }
    page
}
