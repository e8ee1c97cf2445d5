//! What every FFmpeg that is started has in common, whatever for: a session of its own, an end with the recorder, and
//! words that are read line by line.

use super::limits;
use rustix::process::{Pid, Resource, Rlimit, Signal};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::time::{Duration, Instant, sleep_until};

/// Bytes a second that are read of what a child says. FFmpeg says a hundredth of it; one that says more waits, and not
/// the rest of the recorder.
const LOUDEST: usize = 256 * 1024;
/// Longest line of stderr.
const LINE: usize = 4096;
/// Most memory, in bytes, of what only makes pictures. A key frame of 3840x2160 in HEVC takes less than half of it.
const ASIDE_MEMORY: u64 = 1 << 30;
/// How much nicer than the recording is what only makes pictures.
const ASIDE_NICE: i32 = 10;

/// `F_SETSIG` of Linux (asm-generic/fcntl.h).
const F_SETSIG: i32 = 10;

/// What a child is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It records: at the recorder's death it finishes its file. `leash` is the reading end, in the child, of a pipe that
    /// only the recorder could write to.
    Recording {
        /// Its descriptor.
        leash: i32,
    },
    /// It decodes what came from outside and is in nobody's way: it waits for the processor behind the recording, its
    /// memory is bounded, and with the recorder it just ends.
    Aside,
}

/// Has the kernel send SIGTERM to this process and its group when the last writer of a pipe is gone.
#[allow(unsafe_code, reason = "no safe crate has these calls")]
fn end_with(leash: i32) -> std::io::Result<()> {
    let group = rustix::process::getpid().as_raw_nonzero().get();
    for (what, argument) in [(libc::F_SETOWN, -group), (F_SETSIG, libc::SIGTERM), (libc::F_SETFL, libc::O_ASYNC)] {
        // SAFETY: each takes a descriptor, which may well be none, and a number.
        if unsafe { libc::fcntl(leash, what, argument) } < 0 {
            return Err(std::io::Error::last_os_error());
        }
    }
    Ok(())
}

/// A session of its own, so that no terminal's hang-up or Ctrl-C reaches it; and a signal, should the recorder die.
///
/// At one SIGTERM FFmpeg finishes its file; at a second it breaks off what it is writing. The parent-death signal comes
/// once for each of the parent's threads, as they end one after the other. So it is for what is killed by it, and who
/// records has a pipe of its own, which ends once. (It comes when the *thread* dies that spawned the child: the
/// recorder's runtime is the main thread, which lives as long as the process.)
#[allow(unsafe_code, reason = "pre_exec runs between fork and exec; what it calls are plain system calls")]
pub fn own_session(command: &mut Command, purpose: Purpose) {
    let parent = rustix::process::getpid();
    let before_exec = move || {
        rustix::process::setsid()?;
        limits::usual_files()?;
        match purpose {
            Purpose::Recording { leash } => end_with(leash)?,
            Purpose::Aside => {
                rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
                rustix::process::nice(ASIDE_NICE)?;
                // A limit may be there already, and can only be made smaller.
                let before = rustix::process::getrlimit(Resource::As);
                let most = |before: Option<u64>| Some(before.map_or(ASIDE_MEMORY, |before| before.min(ASIDE_MEMORY)));
                let after = Rlimit { current: most(before.current), maximum: most(before.maximum) };
                rustix::process::setrlimit(Resource::As, after)?;
            }
        }
        // One that was gone before the child could hear of it.
        if rustix::process::getppid() != Some(parent) {
            return Err(std::io::Error::other("the recorder is gone"));
        }
        Ok(())
    };
    // SAFETY: only async-signal-safe system calls, no allocation, no locks.
    unsafe { command.pre_exec(before_exec) };
}

/// Signals all that is left of a process group.
pub fn end_group(group: Option<Pid>, signal: Signal) {
    if let Some(group) = group {
        // It may have ended this instant; then there is nobody to signal and nothing to do.
        let _ = rustix::process::kill_process_group(group, signal);
    }
}

/// Lines of at most [`LINE`] bytes; the rest of a longer one is dropped. (A codec would stop at such a line, and a pipe
/// that is not drained stops the recording.) FFmpeg ends some lines with a carriage return.
#[derive(Debug)]
pub struct Lines<R> {
    from: Option<R>,
    line: Vec<u8>,
    /// Since when how much has been read.
    heard: (Instant, usize),
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// From the beginning of a pipe.
    pub fn new(from: R) -> Self {
        Self { from: Some(from), line: Vec::new(), heard: (Instant::now(), 0) }
    }

    /// The lines that came next; waits for ever once the pipe has ended. Nothing is lost if it is dropped while waiting.
    pub async fn next(&mut self) -> Vec<String> {
        let Some(from) = &mut self.from else { return std::future::pending().await };
        let (since, heard) = self.heard;
        if heard >= LOUDEST {
            sleep_until(since + Duration::from_secs(1)).await;
        }
        if since.elapsed() >= Duration::from_secs(1) {
            self.heard = (Instant::now(), 0);
        }
        let mut bytes = [0; 2048];
        let Ok(count @ 1..) = from.read(&mut bytes).await else {
            self.from = None;
            return Vec::new();
        };
        self.heard.1 += count;
        let mut lines = Vec::new();
        for &byte in &bytes[..count] {
            if matches!(byte, b'\n' | b'\r') {
                lines.push(String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned());
            } else if self.line.len() < LINE {
                self.line.push(byte);
            }
        }
        lines
    }

    /// Whether the pipe has ended.
    pub fn over(&self) -> bool {
        self.from.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_that_shouts_waits() {
        let (began, mut lines, mut heard) = (Instant::now(), Lines::new(tokio::io::repeat(b'\n')), 0);
        while began.elapsed() < Duration::from_secs(10) {
            heard += lines.next().await.len();
        }
        assert!((LOUDEST * 9..=LOUDEST * 12).contains(&heard), "{heard}");
    }
}
