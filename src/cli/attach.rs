//! `nvr`: the monitor, and a recorder if none runs.

use super::{Global, start_recorder};
use crate::link::dial::{self, Reach};
use crate::link::socket;
use crate::monitor::{self, Leaving, Left};
use color_eyre::eyre::{Result, eyre};
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::net::UnixStream;

/// Attaches the monitor, starting a recorder first if there is none.
pub async fn attach(global: &Global) -> Result<ExitCode> {
    monitor::terminal::check(|name| std::env::var(name).ok()).map_err(|sentence| eyre!(sentence))?;
    let candidates = global.sockets()?;
    match dial::reach(&candidates).await.map_err(|sentence| eyre!(sentence))? {
        Reach::Connected(..) => {}
        Reach::Denied(sentence) => return Err(eyre!(sentence)),
        Reach::NotRunning => start(global).await?,
    }
    let left = monitor::run(async || reach(&candidates).await, Leaving::RecordingGoesOn).await?;
    Ok(say(&left, global))
}

/// Starts a recorder that outlives this process.
async fn start(global: &Global) -> Result<()> {
    let (loaded, path) = global.load()?;
    loaded.needs_camera(&path)?;
    let named = global.socket.clone().or_else(|| loaded.settings.recorder.socket.clone());
    let place = socket::for_recorder(named, &socket::Env::read());
    start_recorder(&path, &place.path, &loaded.settings.recorder.state_dir, false).await?;
    Ok(())
}

/// Connects to the first recorder that answers.
pub async fn reach(candidates: &[PathBuf]) -> Result<UnixStream, String> {
    match dial::reach(candidates).await? {
        Reach::Connected(stream, _) => Ok(stream),
        Reach::Denied(sentence) => Err(sentence),
        Reach::NotRunning => {
            let places: Vec<_> = candidates.iter().map(|place| place.display().to_string()).collect();
            Err(format!(
                "no recorder is running at {} (start it: nvr, or as a service: systemctl start nvr)",
                places.join(" or ")
            ))
        }
    }
}

fn say(left: &Left, global: &Global) -> ExitCode {
    let mut again = "nvr".to_owned();
    if let Some(socket) = &global.socket {
        again.push_str(&format!(" --socket {}", socket.display()));
    }
    match left {
        Left::Quit { attached: true } => println!("recording goes on (come back: {again}; stop it: {again} stop)"),
        Left::Quit { attached: false } => println!("the recorder was not there (start it again: {again})"),
        Left::Stopped(reason) => println!("the recorder has stopped: {reason} (start it again: {again})"),
        Left::Terminated | Left::HungUp => {}
    }
    ExitCode::SUCCESS
}
