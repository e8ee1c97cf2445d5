//! `nvr cat`: a clip on standard output. It is read from the archive directly: that needs the right to read it,
//! and no recorder; one that still grows is followed until it is closed.

use super::clips::{ClipName, Named};
use super::{Global, answers, query};
use crate::work::archive;
use color_eyre::eyre::{Result, WrapErr, eyre};
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// How often a growing clip is looked at. It grows with every finished segment.
const LOOK: Duration = Duration::from_millis(250);
/// A growing clip ends like this.
const PART: &str = ".part";

/// Writes a clip to standard output.
pub async fn cat(global: &Global, wanted: &Named) -> Result<ExitCode> {
    if std::io::stdout().is_terminal() {
        return Err(eyre!("a clip is nothing to read on a terminal (nvr cat CLIP | mpv -, or > clip.mp4)"));
    }
    let path = find(global, wanted).await?;
    let file = archive::open_regular(&path);
    let file = file.wrap_err_with(|| format!("{} cannot be read (who may: ls -l it)", path.display()))?;
    let mut file = tokio::fs::File::from_std(file);
    let mut out = std::io::stdout().lock();
    let mut chunk = vec![0; 1 << 20];
    loop {
        // Looked at before reading: what is written until the clip is closed is read after that.
        let grows = growing(&path);
        loop {
            let count = file.read(&mut chunk).await?;
            if count == 0 {
                break;
            }
            match out.write_all(&chunk[..count]).and_then(|()| out.flush()) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS), // seen enough
                other => other?,
            }
        }
        match grows {
            Growth::Over => return Ok(ExitCode::SUCCESS),
            Growth::CutOff => return Err(eyre!("the recorder ended while this clip grew: its end is missing")),
            Growth::GoesOn => {}
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Whether more may come.
enum Growth {
    /// It has its final name.
    Over,
    /// It has not, and no recorder that would give it one.
    CutOff,
    GoesOn,
}

fn growing(path: &Path) -> Growth {
    let grows = path.to_string_lossy().ends_with(PART) && path.exists();
    match grows {
        false => Growth::Over,
        true if path.ancestors().nth(3).is_some_and(archive::in_use) => Growth::GoesOn,
        true if path.exists() => Growth::CutOff,
        true => Growth::Over, // closed between the two looks
    }
}

/// The file that is meant: by a clip's name or `CAMERA@last`. Never a path, so that it may be all that a key is allowed
/// to do (`command=` in authorized_keys).
async fn find(global: &Global, wanted: &Named) -> Result<PathBuf> {
    let dir = archive_dir(global).await?;
    let name = name(&dir, wanted)?;
    let found = archive::locate(&dir, &name);
    found.ok_or_else(|| eyre!("there is no clip {name} in {} (see: nvr clips)", dir.display()))
}

/// The name of the clip that is meant, found without a recorder.
pub fn name(dir: &Path, wanted: &Named) -> Result<String> {
    let camera = match wanted {
        Named::Last(camera) => camera,
        Named::Name(ClipName(name)) => return Ok(name.clone()),
    };
    let newest = archive::newest(dir, Some(camera), 1).map_err(|sentence| eyre!(sentence))?;
    let clip = newest.into_iter().next().ok_or_else(|| eyre!("there is no clip of {camera} yet (see: nvr clips)"))?;
    Ok(clip.name)
}

/// Where the clips are, on a disk that answers: the running recorder knows, and without one the configuration does.
pub async fn archive_dir(global: &Global) -> Result<PathBuf> {
    let dir = match query::client(global, true).await {
        Ok(mut recorder) => PathBuf::from(&query::picture(&mut recorder).await?.archive.dir),
        Err(unreached) => global.load().map(|(loaded, _)| loaded.settings.archive.dir).map_err(|_| unreached)?,
    };
    answers::wait_for(&dir).await.map_err(|sentence| eyre!(sentence))?;
    Ok(dir)
}
