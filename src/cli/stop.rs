//! `nvr stop`: ends the recorder and waits until it is gone.

use super::{Global, attach, out, query};
use crate::engine;
use crate::link::dial::Client;
use crate::model::command::Command;
use crate::model::snapshot::{Entry, Level, Snapshot, Topic};
use crate::model::text::fit_for_screen;
use color_eyre::eyre::{Result, eyre};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::time::timeout;

/// Longer than all stages of stopping together; systemd waits no longer either.
const LONGEST: Duration = Duration::from_secs(90);
/// How long its process may take to end after its last word.
const EXIT: Duration = Duration::from_secs(10);
/// Longest sentence in a line.
const SHOWN: usize = 1000;

/// Stops the recorder; prints what it says while it ends.
pub async fn stop(global: &Global) -> Result<ExitCode> {
    let stream = attach::reach(&global.sockets()?).await.map_err(|sentence| eyre!(sentence))?;
    let process = process_of(&stream);
    let mut client = Client::attach(stream, true).await?;
    let before = query::picture(&mut client).await?;
    let order = query::carry_out(&client, Command::Stop).await?;
    // What takes a while says so; what is over at once needs one sentence.
    if before.cameras.iter().any(|camera| camera.event.is_some() || camera.backlog > 0) {
        out::line(&order)?;
    }
    let last = timeout(LONGEST, listen(&mut client, before)).await;
    let last = last.map_err(|_| {
        eyre!("the recorder has not ended for {} s (see what it is doing: nvr status)", LONGEST.as_secs())
    })??;
    let gone = client.gone().await;
    let left = engine::left_waiting(&last).filter(|_| gone.bye);
    if let Some(process) = process
        && !tokio::task::spawn_blocking(move || ended(&process)).await?
    {
        let hangs = "the recorder said goodbye, and its process does not end (does its disk hang? see: dmesg)";
        let left = left.map_or_else(String::new, |left| format!("{left}\n"));
        return Err(eyre!("{left}{hangs}"));
    }
    if !gone.bye {
        return Err(eyre!("the recorder ended without a last word: it was killed, or it failed (see its log)"));
    }
    if let Some(left) = left {
        return Err(eyre!(left));
    }
    out::line(&format!("the recorder has stopped: {}", fit_for_screen(&gone.reason, SHOWN)))?;
    Ok(ExitCode::SUCCESS)
}

/// The process behind a socket, to wait for its end; `None`: it is not to be seen from here, as through a container.
fn process_of(stream: &UnixStream) -> Option<OwnedFd> {
    let pid = stream.peer_cred().ok()?.pid().and_then(Pid::from_raw)?;
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

/// Waits at most [`EXIT`] for the end of a process. Answers whether it has ended.
fn ended(process: &OwnedFd) -> bool {
    let limit = Timespec::try_from(EXIT).ok();
    poll(&mut [PollFd::new(process, PollFlags::IN)], limit.as_ref()).is_ok_and(|ready| ready > 0)
}

/// Prints what comes into the journal, until the connection ends. Answers the last picture.
async fn listen(client: &mut Client, mut picture: Arc<Snapshot>) -> Result<Arc<Snapshot>> {
    let mut told = picture.journal.last().map_or(0, |entry| entry.number);
    while client.snapshots().changed().await.is_ok() {
        let Some(newer) = client.snapshots().borrow_and_update().clone() else { continue };
        picture = newer;
        // That it is stopping, and why, is the sentence at the end.
        let stopping = |entry: &Entry| entry.topic == Topic::Recorder && entry.level == Level::Info;
        let news = |entry: &&Entry| entry.number > told && !stopping(entry);
        for entry in picture.journal.iter().filter(news) {
            let camera = entry.camera.as_ref().map_or_else(String::new, |camera| format!("{camera}: "));
            out::line(&format!("{camera}{}", fit_for_screen(&entry.text, SHOWN)))?;
        }
        told = picture.journal.last().map_or(told, |entry| entry.number);
    }
    Ok(picture)
}
