//! `nvr mail`: what was said on the mail port and what came of it.

mod list;

use super::{Global, out, query};
use crate::model::command::Command;
use crate::model::id::CameraName;
use clap::Args;
use color_eyre::eyre::{Result, eyre};
use std::process::ExitCode;

/// `nvr mail`
#[derive(Debug, Args)]
pub struct Mail {
    /// Go on with every line that is said on the mail port, and with what comes of it
    #[arg(long, conflicts_with_all = ["show", "limit"])]
    watch: bool,
    /// Show all that was said on this connection
    #[arg(long, value_name = "N", conflicts_with = "limit")]
    show: Option<u64>,
    /// Write the line that its verdict proposes into nvr.toml, and go on with it
    #[arg(long, value_name = "N", conflicts_with_all = ["show", "watch", "limit", "json"])]
    fix: Option<u64>,
    /// For this camera, whichever the verdict proposes
    #[arg(long, value_name = "CAMERA", requires = "fix")]
    camera: Option<CameraName>,
    /// List at most so many connections
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// As JSON, one connection a line; with --watch each when it is over
    #[arg(long)]
    json: bool,
}

/// Does what the words ask for.
pub async fn mail(global: &Global, args: &Mail) -> Result<ExitCode> {
    match (args.fix, args.show) {
        (Some(number), _) => fix(global, number, args.camera.as_ref()).await,
        (None, Some(number)) => list::show(global, number, args.json).await,
        (None, None) if args.watch => list::watch(global, args).await,
        (None, None) => list::list(global, args.limit, args.json).await,
    }
}

/// Has the line written that the verdict on a connection proposes.
async fn fix(global: &Global, number: u64, camera: Option<&CameraName>) -> Result<ExitCode> {
    let (client, _, sessions) = list::sessions(global).await?;
    let session = list::numbered(sessions, number)?;
    let Some(fix) = session.verdict.fix else {
        return Err(eyre!("there is nothing to write for connection {number}: {}", session.verdict.text));
    };
    let fix = camera.map_or(fix.clone(), |camera| fix.for_camera(camera));
    out::line(&query::carry_out(&client, Command::Write(fix)).await?)?;
    Ok(ExitCode::SUCCESS)
}
