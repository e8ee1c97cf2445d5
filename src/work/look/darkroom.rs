//! Has FFmpeg make JPEGs of key frames: through pipes, within bounds, and gone when nobody waits any more.
//!
//! One FFmpeg for all frames of a look: of the 0.09 s of processor that one picture costs, 0.06 s are FFmpeg's start, and
//! three in one cost 0.11 s.

use super::jpeg::{self, MOST};
use crate::model::text::fit_for_screen;
use crate::work::child::{self, Lines, Purpose, end_group};
use crate::work::ffmpeg::{self, Ffmpeg};
use rustix::process::{Pid, Signal};
use std::collections::VecDeque;
use std::process::Stdio;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Lines of stderr that are kept.
const KEPT: usize = 5;

/// A fragment in memory. It begins with a key frame.
pub(super) struct Frame {
    /// `moof` and `mdat`, or the beginning of both.
    pub bytes: Vec<u8>,
    /// All of it, so that another may follow.
    pub whole: bool,
}

/// The key frame that each fragment begins with; `None` for what cannot be decoded. At least one can.
///
/// Whoever drops this kills FFmpeg.
///
/// # Errors
/// Why there is none, in words.
pub(super) async fn develop(
    ffmpeg: &Ffmpeg,
    head: &[u8],
    frames: &[Frame],
    width: u32,
) -> Result<Vec<Option<Vec<u8>>>, String> {
    if frames.len() > 1 && frames.iter().all(|frame| frame.whole) {
        let all: Vec<_> = [head].into_iter().chain(frames.iter().map(|frame| frame.bytes.as_slice())).collect();
        // One more than there should be would tell that they cannot be told apart.
        let jpegs = run(ffmpeg, all.concat(), width, frames.len() + 1).await.unwrap_or_default();
        if jpegs.len() == frames.len() {
            return Ok(jpegs.into_iter().map(Some).collect());
        }
    }
    // One of several may be damaged, and which is only seen one by one.
    let (mut found, mut why) = (Vec::new(), String::new());
    for frame in frames {
        match run(ffmpeg, [head, &frame.bytes].concat(), width, 1).await {
            Ok(mut jpegs) => found.push(jpegs.pop()),
            Err(error) => {
                why = error;
                found.push(None);
            }
        }
    }
    if found.iter().all(Option::is_none) { Err(why) } else { Ok(found) }
}

/// Kills a process group when it is dropped. FFmpeg may be a script whose own children live on.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        end_group(self.0, Signal::KILL);
    }
}

/// At least one and at most `count` JPEGs, or why there is none.
async fn run(ffmpeg: &Ffmpeg, input: Vec<u8>, width: u32, count: usize) -> Result<Vec<Vec<u8>>, String> {
    let not_run = |error: std::io::Error| ffmpeg::not_run(&ffmpeg.program, &error);
    let mut command = ffmpeg::command(&ffmpeg.program);
    command.args(ffmpeg::stills(width, count));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    child::own_session(&mut command, Purpose::Aside);
    let mut child = command.spawn().map_err(not_run)?;
    let _group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err(not_run(std::io::Error::other("no pipes")));
    };
    let feed = async move {
        // FFmpeg closes the pipe when it has seen enough; whether that was right, its output tells.
        let _ = stdin.write_all(&input).await;
    };
    let most = MOST * count;
    let read = async move {
        let mut bytes = Vec::new();
        let read = stdout.take(most as u64 + 1).read_to_end(&mut bytes).await;
        read.map(|_| bytes)
    };
    let listen = async move {
        let (mut said, mut lines) = (VecDeque::new(), Lines::new(stderr));
        while !lines.over() {
            said.extend(lines.next().await);
            said.drain(..said.len().saturating_sub(KEPT));
        }
        said
    };
    let ((), bytes, said) = tokio::join!(feed, read, listen);
    let status = child.wait().await.map_err(not_run)?;
    let bytes = bytes.map_err(not_run)?;
    if bytes.len() > most {
        return Err(format!("FFmpeg makes more than {} MiB of it", most >> 20));
    }
    let jpegs: Vec<_> = jpeg::split(&bytes).into_iter().map(<[u8]>::to_vec).collect();
    if !jpegs.is_empty() {
        return Ok(jpegs);
    }
    // It was given footage and nothing else: there is no secret that it could print.
    let last = said.iter().rev().map(|line| ffmpeg::bare(line)).find(|line| !line.is_empty());
    let last = last.map_or_else(|| "it did not say why".to_owned(), |line| fit_for_screen(line, 200));
    Err(format!("FFmpeg cannot decode it ({status}): {last}"))
}
