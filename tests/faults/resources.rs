//! What a recorder takes of the machine, over time.

use rustix::process::Pid;
use std::fmt;
use std::time::Duration;

/// So old is a recorder when it has all that it needs.
const GROWN: Duration = Duration::from_secs(15);
const EVERY: Duration = Duration::from_secs(2);
/// In a shorter run it matters more what went wrong just when.
const MEANINGFUL: Duration = Duration::from_secs(1800);

/// One look.
#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    at: Duration,
    /// MiB.
    resident: f64,
    files: f64,
    threads: f64,
}

/// Looks at recorders that ran for a while.
#[derive(Debug, Default)]
pub struct Samples {
    all: Vec<Sample>,
    /// The recorder, and since when it runs.
    running: Option<(Pid, Duration)>,
    next: Duration,
}

/// The middle values of two times: the second quarter and the last.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    pub early: f64,
    pub late: f64,
}

/// By how much a trend may differ: MiB, files, threads.
const FLAT: [(&str, f64); 3] = [("MiB resident", 5.0), ("open files", 2.0), ("threads", 4.0)];

impl Samples {
    /// Looks at a recorder, if it is time.
    pub fn take(&mut self, pid: Pid, now: Duration) {
        if self.running.is_none_or(|(running, _)| running != pid) {
            self.running = Some((pid, now));
        }
        let since = self.running.map_or(now, |(_, since)| since);
        if now < self.next || now - since < GROWN {
            return;
        }
        self.next = now + EVERY;
        let process = format!("/proc/{}", pid.as_raw_nonzero());
        let Ok(status) = std::fs::read_to_string(format!("{process}/status")) else { return };
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).expect("a number")
        };
        let files = std::fs::read_dir(format!("{process}/fd")).map_or(0, Iterator::count) as f64;
        self.all.push(Sample { at: now, resident: field("VmRSS:") / 1024.0, files, threads: field("Threads:") });
    }

    /// Each kind over time, and whether it is flat as far as can be told; `None`: too few looks.
    pub fn trends(&self) -> Option<[(&'static str, Trend, bool); 3]> {
        let end = self.all.last()?.at;
        let quarter = |from: u32, to: u32| {
            let within = |sample: &&Sample| end * from / 4 <= sample.at && sample.at <= end * to / 4;
            self.all.iter().filter(within).copied().collect::<Vec<_>>()
        };
        let (early, late) = (quarter(1, 2), quarter(3, 4));
        if early.is_empty() || late.is_empty() {
            return None;
        }
        let kinds: [fn(&Sample) -> f64; 3] = [|it| it.resident, |it| it.files, |it| it.threads];
        let trends = std::array::from_fn(|at| {
            let trend = Trend { early: middle(&early, kinds[at]), late: middle(&late, kinds[at]) };
            let (name, allowed) = FLAT[at];
            (name, trend, end < MEANINGFUL || (trend.late - trend.early).abs() <= allowed)
        });
        Some(trends)
    }
}

fn middle(samples: &[Sample], of: fn(&Sample) -> f64) -> f64 {
    let mut values: Vec<_> = samples.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

impl fmt::Display for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(last) = self.all.last() else { return f.write_str("not measured yet") };
        write!(f, "{:.1} MiB, {} files, {} threads", last.resident, last.files, last.threads)
    }
}
