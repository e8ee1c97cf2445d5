//! The recorder's logs: `journal`, `events`, `copies`, and `stderr` of a camera's FFmpeg.

use super::follow::{self, Heard, Line, Watch};
use super::shape::{CopyLine, EventLine};
use super::{Global, out, query, table};
use crate::model::id::CameraName;
use crate::model::question::{Found, Question, Said};
use crate::model::snapshot::{CopyOutcome, CopyView, Entry, Level};
use crate::model::text::fit_for_screen;
use crate::model::time::{Anchor, Wall};
use clap::{Args, ValueEnum};
use color_eyre::eyre::Result;
use jiff::tz::TimeZone;
use std::process::ExitCode;

/// Longest text in a line for people.
const SHOWN: usize = 1000;

/// `nvr journal`
#[derive(Debug, Args)]
pub struct Journal {
    /// Only what is about this camera
    camera: Option<CameraName>,
    /// Only what matters at least so much
    #[arg(long, value_enum, default_value_t = AtLeast::Info)]
    level: AtLeast,
    /// Only lines in which all these words stand
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    find: String,
    #[command(flatten)]
    log: Log,
}

/// `nvr copies`
#[derive(Debug, Args)]
pub struct Copies {
    /// Only this camera's
    camera: Option<CameraName>,
    #[command(flatten)]
    log: Log,
}

/// How a log is read.
#[derive(Debug, Args)]
struct Log {
    /// The newest so many; the recorder keeps a thousand
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Go on with every further line, also when the recorder is started again
    #[arg(long)]
    follow: bool,
    /// As JSON, one line each
    #[arg(long)]
    json: bool,
}

/// `nvr events`
#[derive(Debug, Args)]
pub struct Events {
    /// Only what is about these cameras
    #[arg(value_name = "CAMERA")]
    cameras: Vec<CameraName>,
    /// Begin with what the recorder still keeps: the last thousand lines since it started
    #[arg(long)]
    all: bool,
}

/// How much a line must matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AtLeast {
    Info,
    Warn,
    Error,
}

impl AtLeast {
    fn level(self) -> Level {
        match self {
            AtLeast::Info => Level::Info,
            AtLeast::Warn => Level::Warn,
            AtLeast::Error => Level::Error,
        }
    }
}

/// Lines of a log on their way to standard output.
pub struct Printer<'a, L> {
    /// Which lines.
    pub wanted: &'a dyn Fn(&L) -> bool,
    /// Shows one.
    pub show: &'a dyn Fn(&L, &Anchor) -> Result<()>,
    /// How many of those are shown that were kept before.
    pub limit: u32,
    /// For scripts: what is said about the log itself is a line of the same shape; for people it goes to standard error.
    pub json: bool,
}

impl<L: Line> Printer<'_, L> {
    fn kept(&self, lines: &[L], anchor: &Anchor) -> Result<()> {
        let wanted: Vec<_> = lines.iter().filter(|line| (self.wanted)(line)).collect();
        let newest = wanted.iter().skip(wanted.len().saturating_sub(self.limit as usize));
        newest.copied().try_for_each(|line| (self.show)(line, anchor))
    }

    /// Shows what is heard of it.
    pub fn hear(&self, heard: Heard<L>) -> Result<()> {
        match heard {
            Heard::Kept(lines, anchor) => self.kept(&lines, &anchor),
            Heard::Lines(lines, anchor) => {
                lines.iter().filter(|line| (self.wanted)(line)).try_for_each(|line| (self.show)(line, &anchor))
            }
            Heard::Missing(count) => {
                let s = if count == 1 { "" } else { "s" };
                self.note(
                    Level::Warn,
                    &format!("{count} line{s} came too fast to be read (they stand in the recorder's log)"),
                )
            }
            Heard::Lost(reason) => {
                self.note(Level::Warn, &format!("waiting for the recorder, which is gone: {reason}"))
            }
            Heard::Back => self.note(Level::Info, "the recorder can be reached again"),
            Heard::Another => self.note(Level::Warn, "the recorder was started again: its lines count from 1 again"),
        }
    }

    fn note(&self, level: Level, text: &str) -> Result<()> {
        if self.json {
            return out::json(&EventLine::note(Wall::now(), level, text));
        }
        eprintln!("nvr: {text}");
        Ok(())
    }

    async fn print(&self, global: &Global, cameras: &[CameraName], follow: bool) -> Result<ExitCode> {
        let (watch, picture) = Watch::start(global).await?;
        query::known(cameras, &picture)?;
        if follow {
            return out::while_read(follow::follow(watch, picture, |heard| self.hear(heard))).await;
        }
        self.kept(&follow::kept(watch.client(), 0).await?, &picture.anchor)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// `nvr journal`: what happened, when and why.
pub async fn journal(global: &Global, args: &Journal) -> Result<ExitCode> {
    let Log { limit, follow, json } = args.log;
    let wanted = |entry: &Entry| {
        let camera = entry.camera.as_ref().map_or("", CameraName::as_str);
        entry.level >= args.level.level()
            && args.camera.as_ref().is_none_or(|wanted| entry.camera.as_ref() == Some(wanted))
            && query::has_words(&args.find, &[camera, &entry.text])
    };
    let zone = TimeZone::system();
    let show = |entry: &Entry, anchor: &Anchor| match json {
        true => out::json(&EventLine::of(entry, anchor)),
        false => out::line(&journal_line(entry, anchor, &zone)),
    };
    let printer = Printer { wanted: &wanted, show: &show, limit, json };
    printer.print(global, args.camera.as_slice(), follow).await
}

fn journal_line(entry: &Entry, anchor: &Anchor, zone: &TimeZone) -> String {
    let level = match entry.level {
        Level::Info => "     ",
        Level::Warn => "warn ",
        Level::Error => "ERROR",
    };
    let camera = entry.camera.as_ref().map_or_else(String::new, |camera| format!("{camera}: "));
    let text = fit_for_screen(&entry.text, SHOWN);
    format!("{}  {level}  {camera}{text}", table::moment(anchor.wall(entry.at), zone))
}

/// `nvr events`: the journal for scripts, from now on and for ever.
pub async fn events(global: &Global, args: &Events) -> Result<ExitCode> {
    let wanted = |entry: &Entry| {
        args.cameras.is_empty() || entry.camera.as_ref().is_some_and(|camera| args.cameras.contains(camera))
    };
    let show = |entry: &Entry, anchor: &Anchor| out::json(&EventLine::of(entry, anchor));
    let limit = if args.all { u32::MAX } else { 0 };
    let printer = Printer { wanted: &wanted, show: &show, limit, json: true };
    printer.print(global, &args.cameras, true).await
}

/// `nvr copies`: every segment's way into the archive.
pub async fn copies(global: &Global, args: &Copies) -> Result<ExitCode> {
    let Log { limit, follow, json } = args.log;
    let wanted = |copy: &CopyView| args.camera.as_ref().is_none_or(|wanted| copy.camera == *wanted);
    let zone = TimeZone::system();
    let show = |copy: &CopyView, anchor: &Anchor| match json {
        true => out::json(&CopyLine::of(copy, anchor)),
        false => out::line(&copy_line(copy, anchor, &zone)),
    };
    let printer = Printer { wanted: &wanted, show: &show, limit, json };
    printer.print(global, args.camera.as_slice(), follow).await
}

fn copy_line(copy: &CopyView, anchor: &Anchor, zone: &TimeZone) -> String {
    let outcome = match &copy.outcome {
        CopyOutcome::Stored { bytes, took, retries } => {
            let again = match retries {
                0 => String::new(),
                1 => ", 1 retry".to_owned(),
                more => format!(", {more} retries"),
            };
            format!("{} in {:.2} s{again}", table::size(*bytes), took.as_secs_f64())
        }
        CopyOutcome::Retrying { reason } => format!("will be tried again: {}", fit_for_screen(reason, SHOWN)),
        CopyOutcome::Lost { reason } => format!("LOST: {}", fit_for_screen(reason, SHOWN)),
    };
    let clip = match copy.clip.as_str() {
        "" => "no clip yet".to_owned(),
        name => fit_for_screen(name, SHOWN),
    };
    format!("{}  {} slot {} -> {clip}  {outcome}", table::moment(anchor.wall(copy.at), zone), copy.camera, copy.slot)
}

/// `nvr stderr`: the last lines of a camera's FFmpeg.
pub async fn stderr(global: &Global, camera: CameraName) -> Result<ExitCode> {
    let mut client = query::client(global, true).await?;
    let anchor = query::picture(&mut client).await?.anchor;
    let Found::Stderr(lines) = query::ask(&client, Question::Stderr(camera.clone())).await? else {
        return Err(query::something_else());
    };
    if lines.is_empty() {
        eprintln!("nvr: the FFmpeg of {camera} has not said anything");
    }
    let zone = TimeZone::system();
    let shown =
        |line: &Said| format!("{}  {}", table::moment(anchor.wall(line.at), &zone), fit_for_screen(&line.text, SHOWN));
    out::lines(lines.iter().map(shown))?;
    Ok(ExitCode::SUCCESS)
}
