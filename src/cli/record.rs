//! `nvr record`: the recorder itself, in the foreground.

use super::Global;
use crate::config::{self, Loaded};
use crate::engine::{Engine, Handle};
use crate::journal::{self, LogTo};
use crate::link::serve::{self, Desk};
use crate::link::socket;
use crate::model::command::{Answer, Command};
use crate::model::event::Reread;
use crate::model::snapshot::Snapshot;
use crate::stop::{self, Stage, Stop};
use crate::work::limits;
use crate::work::reread::{ConfigFile, Reader, Writer};
use color_eyre::eyre::{Result, eyre};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

impl Desk for Handle {
    async fn ask(&self, command: Command) -> Answer {
        Handle::ask(self, command).await
    }

    fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        Handle::subscribe(self)
    }
}

/// Records until it is asked to stop; on a `leash` also until standard input ends.
pub async fn record(global: &Global, log_dir: Option<PathBuf>, leash: bool) -> Result<ExitCode> {
    let (loaded, path) = global.load()?;
    loaded.needs_camera(&path)?;
    let (settings, warnings) = (Arc::new(loaded.settings), loaded.warnings);
    let log_to = log_dir.map_or(LogTo::Stderr, LogTo::File);
    let earlier = log_to.earlier();
    let _log = journal::init(log_to, std::env::var("NVR_LOG").ok()).map_err(|sentence| eyre!(sentence))?;

    limits::raise_files();
    let stop = Stop::new();
    let signals = stop::signals().map_err(|error| eyre!("signals cannot be heard: {error}"))?;
    let obeying = tokio::spawn({
        let stop = stop.clone();
        async move { stop.obey(signals).await }
    });
    let named = global.socket.clone().or_else(|| settings.recorder.socket.clone());
    let place = socket::for_recorder(named, &socket::Env::read());
    let bound = socket::bind(&place).await.map_err(|sentence| eyre!(sentence))?;
    let started = Engine::start(settings, warnings, earlier, config_file(&path)?, stop.clone()).await;
    let (engine, handle) = started.map_err(|sentence| eyre!(sentence))?;

    let goodbye = CancellationToken::new();
    let serving = tokio::spawn(serve::listen(bound.listener, handle, goodbye.clone()));
    let systemd = tokio::spawn(systemd(stop.clone()));
    if leash {
        tokio::spawn(hold(stop.clone()));
    }
    tracing::info!("recording; monitors attach at {}", place.path.display());
    let stopped = engine.run().await;

    goodbye.cancel();
    // A session that fails has said so in the log already.
    let _ = stop.stage(Stage::Monitors, serving).await;
    obeying.abort();
    systemd.abort();
    drop(bound.guard);
    stopped.map(|()| ExitCode::SUCCESS).map_err(|sentence| eyre!(sentence))
}

/// The same file for ever, wherever this process, or its directory, goes meanwhile.
fn config_file(path: &Path) -> Result<ConfigFile> {
    let path = std::path::absolute(path)?;
    let env = |name: &str| std::env::var(name).ok();
    let reader: Reader = {
        let path = path.clone();
        Arc::new(move || {
            let loaded = config::load(&path, &env).map_err(|error| error.to_string())?;
            if loaded.settings.cameras.is_empty() {
                let remedy = "add a [[camera]] block, see nvr.toml.example";
                return Err(format!("{}: there is no camera to record ({remedy})", path.display()));
            }
            Ok(reread(&path, loaded))
        })
    };
    let writer: Writer = Arc::new(move |fix| {
        let written = config::write(&path, fix, &env)?;
        Ok((written.sentence, reread(&path, written.loaded)))
    });
    Ok(ConfigFile { reader, writer })
}

fn reread(path: &Path, loaded: Loaded) -> Reread {
    Reread { file: path.display().to_string(), settings: Arc::new(loaded.settings), warnings: loaded.warnings }
}

/// Waits for the end of standard input, whose other end is in the hand of whoever started this.
async fn hold(stop: Stop) {
    // Nobody writes; a failed read is the end too.
    let _ = tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await;
    stop.ask("whoever started it is gone");
}

/// Tells systemd that it is ready, alive and stopping; does nothing anywhere else.
async fn systemd(stop: Stop) {
    use sd_notify::NotifyState;
    // Whoever started us may not want to know.
    let tell = |state| drop(sd_notify::notify(&[state]));
    tell(NotifyState::Ready);
    let every = sd_notify::watchdog_enabled().map_or(Duration::from_secs(3600), |limit| limit / 2);
    loop {
        tokio::select! {
            () = stop.asked().cancelled() => break,
            () = tokio::time::sleep(every) => tell(NotifyState::Watchdog),
        }
    }
    tell(NotifyState::Stopping);
    // Stopping has its own time limits; it must not be taken for a hang.
    loop {
        tokio::time::sleep(every).await;
        tell(NotifyState::Watchdog);
    }
}
