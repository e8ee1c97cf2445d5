//! Standard output, a line at a time. Who stopped reading (`nvr clips | head`) has read enough: that is no error.

use color_eyre::eyre::{Result, eyre};
use rustix::fs::{FileType, fstat};
use serde::Serialize;
use std::io::{ErrorKind, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use tokio::io::Interest;
use tokio::net::unix::pipe::Sender;

/// Writes a line, and does not keep it back.
pub fn line(text: &str) -> Result<()> {
    written(std::io::stdout().lock(), |out| writeln!(out, "{text}"))
}

fn written<W: Write>(mut out: W, write: impl FnOnce(&mut W) -> std::io::Result<()>) -> Result<()> {
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(eyre!("standard output takes no more: {error} (is the disk full?)")),
        Ok(()) => Ok(()),
    }
}

/// Writes bytes as they are.
pub fn bytes(bytes: &[u8]) -> Result<()> {
    written(std::io::stdout().lock(), |out| out.write_all(bytes))
}

/// Writes lines.
pub fn lines(lines: impl IntoIterator<Item = String>) -> Result<()> {
    lines.into_iter().try_for_each(|text| line(&text))
}

/// Writes a value as one line of JSON.
pub fn json(value: &impl Serialize) -> Result<()> {
    line(&serde_json::to_string(value)?)
}

/// Writes a value as JSON that people can read too.
pub fn pretty(value: &impl Serialize) -> Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// Does something that goes on for ever, until it fails or nobody reads any more. Without this, `nvr events | head -1`
/// would go on until the next event.
pub async fn while_read(work: impl Future<Output = Result<()>>) -> Result<ExitCode> {
    tokio::select! {
        done = work => done?,
        () = closed() => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits until the reader of a pipe is gone. Whatever else standard output is, writing tells.
async fn closed() {
    let Some(out) = pipe() else { return std::future::pending().await };
    while let Ok(ready) = out.ready(Interest::ERROR).await {
        if ready.is_error() {
            return;
        }
    }
    std::future::pending().await
}

/// Standard output, if it is a pipe, to be waited for and not to be written: it stays as blocking as it was.
fn pipe() -> Option<Sender> {
    let out = std::io::stdout().as_fd().try_clone_to_owned().ok()?;
    let is_pipe = FileType::from_raw_mode(fstat(&out).ok()?.st_mode) == FileType::Fifo;
    is_pipe.then(|| Sender::from_owned_fd_unchecked(out).ok())?
}
