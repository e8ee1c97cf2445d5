//! What the kernel counts of a process: processor time, wake-ups, memory.

use rustix::process::Pid;
use std::collections::HashMap;
use std::fs::read_to_string;
use std::time::{Duration, Instant};

/// What one thread has used: nanoseconds on a processor, and how often it was woken after it had waited.
#[derive(Clone, Copy, Default)]
struct Used {
    nanoseconds: u64,
    wakes: u64,
}

/// Counts what processes use from now on, threads that end meanwhile included if they are looked at now and then.
pub struct Meter {
    pids: Vec<Pid>,
    since: Instant,
    before: HashMap<(Pid, String), Used>,
    now: HashMap<(Pid, String), Used>,
}

/// What processes used: per cent of one processor, and wake-ups a second.
#[derive(Debug, Clone, Copy, Default)]
pub struct Use {
    pub processor: f64,
    pub wakes: f64,
}

impl Meter {
    pub fn start(pids: impl IntoIterator<Item = Pid>) -> Meter {
        let pids: Vec<_> = pids.into_iter().collect();
        let mut meter = Meter { pids, since: Instant::now(), before: HashMap::new(), now: HashMap::new() };
        meter.look();
        meter.before = meter.now.clone();
        meter.since = Instant::now();
        meter
    }

    /// A thread that ends takes its count with it: one that waits for work does so for ten seconds.
    pub fn look(&mut self) {
        for pid in &self.pids {
            let threads = std::fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero()));
            for thread in threads.into_iter().flatten().flatten() {
                let name = thread.file_name().to_string_lossy().into_owned();
                // It may have ended since the directory was read.
                self.now.extend(used(&thread.path()).map(|used| ((*pid, name), used)));
            }
        }
    }

    /// Looks once more, and answers the processor time since the start.
    pub fn processor(&mut self) -> Duration {
        self.look();
        Duration::from_nanos(self.sum(|used| used.nanoseconds))
    }

    /// The same as shares and rates.
    pub fn rates(&mut self) -> Use {
        let processor = self.processor().as_secs_f64();
        let span = self.since.elapsed().as_secs_f64();
        Use { processor: processor / span * 100.0, wakes: self.sum(|used| used.wakes) as f64 / span }
    }

    fn sum(&self, of: impl Fn(&Used) -> u64) -> u64 {
        let before = |thread| self.before.get(thread).copied().unwrap_or_default();
        self.now.iter().map(|(thread, now)| of(now).saturating_sub(of(&before(thread)))).sum()
    }
}

fn used(thread: &std::path::Path) -> Option<Used> {
    let nanoseconds = read_to_string(thread.join("schedstat")).ok()?.split(' ').next()?.parse().ok()?;
    let status = read_to_string(thread.join("status")).ok()?;
    let wakes = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    Some(Used { nanoseconds, wakes: wakes.trim().parse().ok()? })
}

/// Processor time of all children that have ended, to 10 ms.
pub fn of_children() -> Duration {
    let stat = read_to_string("/proc/self/stat").expect("/proc");
    // The name, in brackets, may hold anything.
    let fields: Vec<_> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
    let ticks: u64 = [13, 14].map(|at: usize| fields[at].parse::<u64>().expect("ticks")).iter().sum();
    Duration::from_millis(ticks * 10)
}

/// Resident memory, and memory of its own with its share of what others use too (PSS), in MiB.
pub fn memory(pid: Pid) -> [f64; 2] {
    let text = read_to_string(format!("/proc/{}/smaps_rollup", pid.as_raw_nonzero())).expect("a process");
    ["Rss:", "Pss:"].map(|name| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("a figure");
        line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
    })
}
