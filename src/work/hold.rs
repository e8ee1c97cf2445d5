//! Who writes a camera's slots. Every FFmpeg that records inherits a lock, and so do its own children. The recorder keeps
//! no copy, so the lock is held for exactly as long as anything lives that may still write there: an FFmpeg that outlived
//! its recorder, or one that a script had sent into the background. Whoever holds it is thereby proven to be ours, and is
//! ended before a slot is written again.

use super::{limits, places};
use crate::model::id::CameraName;
use rustix::fs::FlockOperation;
use rustix::process::{Pid, PidfdFlags, Signal};
use std::collections::BTreeSet;
use std::fs::{File, Metadata};
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// What those who hold it are told, and how long they then have. At the recorder's death the kernel has sent SIGTERM
/// already, and FFmpeg needs 0.1 s to finish its file; a second SIGTERM would cut that short, so there is time first.
const LADDER: [(Signal, Duration); 3] = [
    (Signal::CONT, Duration::from_millis(500)),
    (Signal::TERM, Duration::from_secs(2)),
    (Signal::KILL, Duration::from_secs(2)),
];
/// How often it is tried meanwhile: the kernel does not tell when a lock becomes free.
const AGAIN: Duration = Duration::from_millis(10);

/// A camera's slots, for one FFmpeg.
#[derive(Debug)]
pub struct Hold {
    /// To be inherited by that FFmpeg and its children, and kept by nobody else.
    pub lock: OwnedFd,
    /// Processes that had to be ended for it.
    pub ended: BTreeSet<i32>,
    /// Somebody else still had it: what lies in the slots may have been written after the end of a recorder.
    pub outlived: bool,
}

impl Hold {
    /// What was done for it, if anything.
    pub fn note(&self, camera: &CameraName) -> Option<String> {
        let which = list(&self.ended);
        (!self.ended.is_empty())
            .then(|| format!("{camera}: an FFmpeg that was left behind was still writing, and was ended (pid {which})"))
    }
}

/// Ends whatever still writes a camera's slots, and takes them. The camera's directory must exist.
///
/// # Errors
/// One sentence with the remedy, after 5 s at most: then the slots must not be written.
pub async fn take(ring: &Path, camera: &CameraName) -> Result<Hold, String> {
    let path = places::hold(ring, camera);
    let mut lock = Lock::open(&path).map_err(|error| {
        let remedy = limits::remedy(&error).unwrap_or_else(|| "check ring.dir".to_owned());
        format!("{} cannot be used: {error} ({remedy})", path.display())
    })?;
    let mut ended = BTreeSet::new();
    let outlived = !lock.is_free().await;
    for (signal, patience) in LADDER {
        if lock.is_free().await {
            return Ok(Hold { lock: lock.file.into(), ended, outlived });
        }
        for holder in lock.holders().await {
            // Whoever ends by itself, because its recorder did, was not ended by us.
            if holder.signal(signal) && signal != Signal::CONT {
                ended.insert(holder.pid.as_raw_nonzero().get());
            }
        }
        let since = Instant::now();
        while since.elapsed() < patience && !lock.is_free().await {
            sleep(AGAIN).await;
        }
    }
    if lock.is_free().await {
        return Ok(Hold { lock: lock.file.into(), ended, outlived });
    }
    let who = lock.holders().await.into_iter().map(|holder| holder.pid.as_raw_nonzero().get()).collect();
    Err(stuck(&path, &who))
}

fn stuck(path: &Path, who: &BTreeSet<i32>) -> String {
    let slots = path.parent().unwrap_or(path).display();
    if who.is_empty() {
        return format!(
            "an earlier FFmpeg still writes into {slots}, and nobody knows which process it is (find it with: sudo fuser -v \
             {}, and end it)",
            path.display()
        );
    }
    let which = list(who);
    format!("an earlier FFmpeg still writes into {slots} and does not end (run: sudo kill -9 {which})")
}

fn list(pids: &BTreeSet<i32>) -> String {
    pids.iter().map(i32::to_string).collect::<Vec<_>>().join(" ")
}

/// The file, and whether its lock alone tells who writes.
#[derive(Debug)]
struct Lock {
    file: File,
    path: PathBuf,
    found: Metadata,
    /// Another file of this name may have been removed while it was locked.
    new: bool,
}

impl Lock {
    fn open(path: &Path) -> std::io::Result<Self> {
        let mut how = File::options();
        how.write(true).mode(0o640);
        let (file, new) = match how.clone().create_new(true).open(path) {
            Ok(file) => (file, true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => (how.open(path)?, false),
            Err(error) => return Err(error),
        };
        Ok(Self { found: file.metadata()?, file, path: path.to_owned(), new })
    }

    async fn is_free(&mut self) -> bool {
        if rustix::fs::flock(&self.file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return false;
        }
        self.new = self.new && !self.holders().await.is_empty();
        !self.new
    }

    /// Every process that holds it, in this file or in a removed one of the same name.
    async fn holders(&self) -> Vec<Holder> {
        let (path, found) = (self.path.clone(), self.found.clone());
        tokio::task::spawn_blocking(move || holders(&path, &found)).await.unwrap_or_default()
    }
}

/// A process that holds the lock.
#[derive(Debug)]
struct Holder {
    pid: Pid,
    /// Means this process, and never another one that got the same number later.
    process: OwnedFd,
}

impl Holder {
    /// Answers whether it still was there.
    fn signal(&self, signal: Signal) -> bool {
        rustix::process::pidfd_send_signal(&self.process, signal).is_ok()
    }
}

fn holders(path: &Path, found: &Metadata) -> Vec<Holder> {
    let ourselves = rustix::process::getpid();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|process| Pid::from_raw(process.file_name().to_str()?.parse().ok()?));
    let holder = |pid: Pid| {
        // Looked at only after it cannot become another process any more.
        let process = rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok()?;
        holds(pid, path, found).then_some(Holder { pid, process })
    };
    pids.filter(|pid| *pid != ourselves).filter_map(holder).collect()
}

/// Whether one of its descriptors has that lock. What is another user's cannot be seen, and is not ours.
fn holds(pid: Pid, path: &Path, found: &Metadata) -> bool {
    let process = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
    let removed = PathBuf::from(format!("{} (deleted)", path.display()));
    let fds = std::fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
    fds.into_iter().any(|fd| {
        let Ok(file) = std::fs::metadata(fd.path()) else { return false };
        let same = file.ino() == found.ino();
        let of_that_name = || file.nlink() == 0 && std::fs::read_link(fd.path()).is_ok_and(|name| name == removed);
        file.dev() == found.dev() && (same || of_that_name()) && {
            let info = std::fs::read_to_string(process.join("fdinfo").join(fd.file_name()));
            info.is_ok_and(|info| info.lines().any(|line| line.starts_with("lock:") && line.contains("FLOCK")))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use command_fds::{CommandFdExt, FdMapping};
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Command, Stdio};

    /// A place with one camera.
    fn place() -> (tempfile::TempDir, CameraName) {
        let (dir, camera) = (tempfile::tempdir().expect("a directory"), "front".parse().expect("a name"));
        std::fs::create_dir_all(places::ring(dir.path(), &camera)).expect("a ring");
        (dir, camera)
    }

    /// Runs a script that inherits the hold and says when it is ready.
    fn heir(hold: Hold, script: &str) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped());
        command.fd_mappings(vec![FdMapping { parent_fd: hold.lock, child_fd: 5 }]).expect("one descriptor");
        let mut child = command.spawn().expect("a shell");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n");
        child
    }

    #[tokio::test]
    async fn it_is_free_as_soon_as_its_heir_has_ended() {
        let (dir, camera) = place();
        let hold = take(dir.path(), &camera).await.expect("nobody has it");
        let mut heir = heir(hold, "echo ready; exec sleep 0.1");
        let hold = take(dir.path(), &camera).await.expect("it ends by itself");
        assert_eq!((hold.note(&camera), hold.ended.len()), (None, 0));
        assert!(heir.wait().expect("a status").success());
    }

    #[tokio::test]
    async fn a_child_in_a_session_of_its_own_is_found_and_a_stopped_one_wakes_up() {
        let (dir, camera) = place();
        let hold = take(dir.path(), &camera).await.expect("nobody has it");
        // The script ends and its child lives on, deaf to SIGTERM.
        let deaf = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
        let mut script = heir(hold, &format!("setsid sh -c \"{deaf}\" & wait 2>/dev/null"));
        script.kill().expect("it runs");
        script.wait().expect("a status");
        let hold = take(dir.path(), &camera).await.expect("it can be ended");
        let note = hold.note(&camera).expect("something to tell");
        assert!(note.starts_with("front: an FFmpeg that was left behind was still writing"), "{note}");

        let mut heir = heir(hold, "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done");
        let pid = Pid::from_raw(heir.id().cast_signed()).expect("a process");
        rustix::process::kill_process(pid, Signal::STOP).expect("it runs");
        rustix::process::kill_process(pid, Signal::TERM).expect("it runs");
        let hold = take(dir.path(), &camera).await.expect("it goes on, and hears what was said");
        assert_eq!((heir.wait().expect("a status").code(), hold.ended.len()), (Some(7), 0));
    }

    #[tokio::test]
    async fn a_lock_whose_file_was_removed_still_counts() {
        let (dir, camera) = place();
        let hold = take(dir.path(), &camera).await.expect("nobody has it");
        let mut heir = heir(hold, "echo ready; while :; do sleep 0.05; done");
        std::fs::remove_dir_all(places::ring(dir.path(), &camera)).expect("it is there");
        std::fs::create_dir_all(places::ring(dir.path(), &camera)).expect("a ring");
        let hold = take(dir.path(), &camera).await.expect("it is ended");
        assert!(hold.ended.contains(&heir.id().cast_signed()), "{:?}", hold.ended);
        assert!(!heir.wait().expect("a status").success());
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_ended_is_named() {
        let (dir, camera) = place();
        // We hold it ourselves, and would not end ourselves.
        let _hold = take(dir.path(), &camera).await.expect("nobody has it");
        let refused = take(dir.path(), &camera).await.expect_err("it is taken");
        let expected = "an earlier FFmpeg still writes into";
        assert!(refused.starts_with(expected) && refused.contains("sudo fuser -v"), "{refused}");
        let who = BTreeSet::from([12, 34]);
        assert!(stuck(&places::hold(dir.path(), &camera), &who).ends_with("(run: sudo kill -9 12 34)"));
    }
}
