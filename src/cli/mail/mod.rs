//! `nvr mail`: what was said on the mail port and what came of it.

mod list;
pub mod maker;
mod send;

use super::{Global, out, query};
use crate::model::command::Command;
use crate::model::id::CameraName;
use clap::{ArgGroup, Args};
use color_eyre::eyre::{Result, eyre};
use maker::Maker;
use std::net::IpAddr;
use std::process::ExitCode;

/// Connections that are listed.
const LISTED: u32 = 50;

/// `nvr mail`
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").args(["camera", "watch", "show", "fix", "limit"])))]
pub struct Mail {
    /// Send a mail as this camera would, and say what came of it; exit code 1 if it triggers nothing
    camera: Option<CameraName>,
    /// Only say where such a mail would go
    #[arg(long, requires = "camera")]
    dry_run: bool,
    /// Its sender [default: CAMERA@camera]
    #[arg(long, value_name = "ADDRESS", requires = "camera", value_parser = address)]
    from: Option<String>,
    /// Its recipient [default: CAMERA@nvr]
    #[arg(long, value_name = "ADDRESS", requires = "camera", value_parser = address)]
    to: Option<String>,
    /// Its subject [default: as the style has it]
    #[arg(long, value_name = "TEXT", requires = "camera", value_parser = one_line)]
    subject: Option<String>,
    /// Its text [default: as the style has it]
    #[arg(long, value_name = "TEXT", requires = "camera")]
    body: Option<String>,
    /// The address it comes from: one of this machine, or with --dry-run any
    #[arg(long, value_name = "IP", requires = "camera")]
    peer: Option<IpAddr>,
    /// Whose mails it looks like
    #[arg(long, value_enum, value_name = "MAKER", requires = "camera", default_value_t = Maker::Generic)]
    style: Maker,
    /// Go on with every line that is said on the mail port, and with what comes of it
    #[arg(long)]
    watch: bool,
    /// Show all that was said on this connection
    #[arg(long, value_name = "N")]
    show: Option<u64>,
    /// Write the line that its verdict proposes into nvr.toml, and go on with it
    #[arg(long, value_name = "N", conflicts_with = "json")]
    fix: Option<u64>,
    /// For this camera, whichever the verdict proposes
    #[arg(long = "for", value_name = "CAMERA", requires = "fix")]
    whose: Option<CameraName>,
    /// List at most so many connections [default: 50]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// As JSON, one connection a line; with --watch each when it is over
    #[arg(long)]
    json: bool,
}

/// Does what the words ask for.
pub async fn mail(global: &Global, args: &Mail) -> Result<ExitCode> {
    match (&args.camera, args.fix, args.show) {
        (Some(camera), _, _) => send::send(global, camera, args).await,
        (None, Some(number), _) => fix(global, number, args.whose.as_ref()).await,
        (None, None, Some(number)) => list::show(global, number, args.json).await,
        (None, None, None) if args.watch => list::watch(global, args).await,
        (None, None, None) => list::list(global, args.limit.unwrap_or(LISTED), args.json).await,
    }
}

/// An address as it may stand between angle brackets.
fn address(text: &str) -> Result<String, String> {
    match text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '<' || c == '>') {
        true => Err("an address has no spaces and no angle brackets".to_owned()),
        false => Ok(text.to_owned()),
    }
}

fn one_line(text: &str) -> Result<String, String> {
    if text.contains(char::is_control) { Err("a subject is one line".to_owned()) } else { Ok(text.to_owned()) }
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
