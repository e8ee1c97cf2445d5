//! Whether the disk of an archive answers. Whoever asks one that hangs may not even be killed, and keeps the terminal for
//! as long; so it is a child that asks, and a person hears in time that there is no answer.

use crate::work::archive;
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// A disk that sleeps needs so long to wake up.
const PATIENCE: Duration = Duration::from_secs(12);

/// Waits a while for the disk of the archive at `dir`. Whether there is an archive is for whoever looks there next.
///
/// # Errors
/// One sentence with the remedy: it does not answer.
pub async fn wait_for(dir: &Path) -> Result<(), String> {
    let mut command = Command::new("/proc/self/exe");
    command.arg("answers").arg(dir).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else { return Ok(()) };
    if timeout(PATIENCE, child.wait()).await.is_err() {
        let _ = child.start_kill(); // it ends as soon as the disk lets it
        return Err(archive::silence(dir));
    }
    Ok(())
}

/// `nvr answers`: what the child does. It ends when all that it has asked was answered, whatever the answers.
pub fn answers(dir: &Path) -> ExitCode {
    archive::touch(dir);
    ExitCode::SUCCESS
}
