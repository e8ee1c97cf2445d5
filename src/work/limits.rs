//! How much of everything this machine allows a recorder, and what to say where it allows no more.

use super::archive;
use crate::model::plan::{self, Machine, Resource};
use crate::model::settings::{Archive, Settings};
use rustix::process::{Resource as Limit, Rlimit};
use std::path::{Path, PathBuf};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Programs reckon with so many files; one that still uses `select` fails with more.
const USUAL_FILES: u64 = 1024;
/// Of files, or of processes, that is enough for every recorder.
const ENOUGH: u64 = 8192;

/// Allows this process as many open files as it may allow itself.
pub fn raise_files() {
    let Rlimit { maximum, .. } = rustix::process::getrlimit(Limit::Nofile);
    if let Err(error) = rustix::process::setrlimit(Limit::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!("the limit of open files stays as it was: {error}"); // the shortage is said with its remedy
    }
}

/// Gives a child the limit of open files that programs reckon with; for use between fork and exec.
///
/// # Errors
/// What the kernel says.
pub(super) fn usual_files() -> std::io::Result<()> {
    let before = rustix::process::getrlimit(Limit::Nofile);
    let current = Some(before.current.map_or(USUAL_FILES, |current| current.min(USUAL_FILES)));
    Ok(rustix::process::setrlimit(Limit::Nofile, Rlimit { current, ..before })?)
}

/// What to do about an error that comes from a limit; `None`: it has another cause.
pub(super) fn remedy(error: &std::io::Error) -> Option<String> {
    let errno = error.raw_os_error().map(rustix::io::Errno::from_raw_os_error)?;
    // Of EAGAIN only who starts a process may ask: elsewhere it means something else.
    match errno {
        rustix::io::Errno::MFILE => Some(format!("raise it: {}", Resource::Files.remedy(ENOUGH))),
        rustix::io::Errno::NFILE => Some("raise it: sysctl fs.file-max".to_owned()),
        rustix::io::Errno::AGAIN => Some(format!("no more processes are allowed; {}", Resource::Tasks.remedy(ENOUGH))),
        rustix::io::Errno::NOMEM => Some("there is no memory left: fewer ring.slots, or fewer cameras".to_owned()),
        _ => None,
    }
}

/// What there is for a recorder whose rings are in `ring`: for the one that runs as `pid`, or for one that would be started
/// here. Of the archive nothing is told, for its disk may be slow.
pub fn machine(ring: &Path, pid: Option<u32>) -> Machine {
    let process = pid.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
    let process = Path::new("/proc").join(process);
    let limits = std::fs::read_to_string(process.join("limits")).unwrap_or_default();
    let groups = groups(&std::fs::read_to_string(process.join("cgroup")).unwrap_or_default());
    let root = rustix::process::geteuid().is_root();
    let tasks = [
        limit(&limits, "Max processes").filter(|_| !root), // it does not count for root
        number(Path::new("/proc/sys/kernel/threads-max")),
        number(Path::new("/proc/sys/kernel/pid_max")),
        least(&groups, "pids.max"),
    ];
    let watches = ["/proc/sys/fs/inotify/max_user_watches", "/proc/sys/user/max_inotify_watches"];
    let total = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_memory(&text));
    Machine {
        ring: archive::space(existing(ring)).ok().map(|space| space.total),
        memory: total.into_iter().chain(least(&groups, "memory.max")).min(),
        cores: std::thread::available_parallelism().ok().map(|cores| cores.get() as u64),
        files: limit(&limits, "Max open files"),
        tasks: tasks.into_iter().flatten().min(),
        watches: watches.iter().filter_map(|file| number(Path::new(file))).min(),
        archive: None,
    }
}

/// Bytes that clips may take in the archive, those that are there included; `None`: it cannot be read.
pub fn room_for_clips(rules: &Archive) -> Option<u64> {
    let space = archive::space(existing(&rules.dir)).ok()?;
    let stored = if rules.dir.is_dir() { archive::retain::stored(&rules.dir).ok()? } else { 0 };
    let room = space.free.saturating_add(stored).saturating_sub(rules.min_free);
    Some(room.min(rules.max_size.unwrap_or(u64::MAX)))
}

/// What this machine cannot give these cameras, a sentence each with the remedy.
pub fn shortages(settings: &Settings) -> Vec<String> {
    let (ring, cameras) = (&settings.ring, settings.cameras.len() as u64);
    let space = archive::space(existing(&ring.dir)).ok();
    let small = space.and_then(|space| plan::small_ring(ring, cameras, space));
    plan::shortages(cameras, ring, &machine(&ring.dir, None)).into_iter().chain(small).collect()
}

/// A place for each camera that may be recorded at a time.
#[derive(Debug)]
pub struct Places {
    free: Semaphore,
    /// What is said to the one that finds none.
    full: String,
}

impl Places {
    /// As many as this machine allows.
    pub fn of(machine: &Machine) -> Self {
        let Some((most, of)) = plan::most_cameras(machine) else {
            return Self { free: Semaphore::new(Semaphore::MAX_PERMITS), full: String::new() };
        };
        let (word, remedy) = (of.word(), of.remedy(ENOUGH));
        let full = format!(
            "{most} cameras may be recorded, and one more would take {word} that clips, mails and monitors need ({remedy})"
        );
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { free: Semaphore::new(most), full }
    }

    /// Takes one for as long as the answer is kept.
    ///
    /// # Errors
    /// What there is too little of, with the remedy.
    pub fn take(&self) -> Result<SemaphorePermit<'_>, String> {
        self.free.try_acquire().map_err(|_| self.full.clone())
    }
}

/// The nearest directory that exists: what is below will be made in it.
pub fn existing(dir: &Path) -> &Path {
    dir.ancestors().find(|dir| dir.exists()).unwrap_or(Path::new("/"))
}

/// The most that a process may allow itself, out of `/proc/PID/limits`.
fn limit(limits: &str, name: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Directories of the control groups that a process is in, its own and those above, out of `/proc/PID/cgroup`.
fn groups(cgroup: &str) -> Vec<PathBuf> {
    let Some(own) = cgroup.lines().find_map(|line| line.strip_prefix("0::/")) else { return Vec::new() };
    let own = Path::new("/sys/fs/cgroup").join(own);
    own.ancestors().take_while(|dir| dir.starts_with("/sys/fs/cgroup")).map(Path::to_owned).collect()
}

/// The smallest of the limits of this name.
fn least(groups: &[PathBuf], name: &str) -> Option<u64> {
    groups.iter().filter_map(|dir| number(&dir.join(name))).min()
}

/// What stands in a file of the kernel; `max` is no number.
fn number(file: &Path) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Bytes, out of `/proc/meminfo`.
fn total_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read_and_no_limit_is_none() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max processes             unlimited            unlimited            processes \n\
                      Max open files            1024                 524288               files     \n";
        assert_eq!((limit(limits, "Max open files"), limit(limits, "Max processes")), (Some(524_288), None));
        assert_eq!(limit("", "Max open files"), None);
        assert_eq!(total_memory("MemTotal:       24684120 kB\nMemFree: 1 kB\n"), Some(24_684_120 << 10));
        let places = groups("1:name=x:/old\n0::/system.slice/nvr.service\n");
        assert_eq!(places[0], Path::new("/sys/fs/cgroup/system.slice/nvr.service"));
        assert_eq!((places.len(), groups("1:name=x:/old\n").len()), (3, 0));
        assert_eq!(least(&places, "pids.max"), None);
    }

    #[test]
    fn an_error_of_a_limit_has_its_own_remedy() {
        let said = |errno: rustix::io::Errno| remedy(&std::io::Error::from(errno));
        assert!(said(rustix::io::Errno::MFILE).is_some_and(|text| text.contains("LimitNOFILE=8192")));
        assert!(said(rustix::io::Errno::AGAIN).is_some_and(|text| text.contains("TasksMax=8192")));
        assert_eq!(said(rustix::io::Errno::NOENT), None);
    }
}
