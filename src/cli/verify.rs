//! `nvr verify`: are the clips still what their records say? Read from the archive directly, so that it can be asked on
//! the machine that a copy of the archive lies on. The exit code is for cron.

use super::clips::Named;
use super::{Global, cat, out, table};
use crate::model::id::CameraName;
use crate::model::text::fit_for_screen;
use crate::work::archive::verify::{self, Checked, Verdict};
use color_eyre::eyre::{Result, eyre};
use serde::Serialize;
use std::process::ExitCode;

/// Longest sentence in a line.
const SENTENCE: usize = 2000;

/// A line of `nvr verify --json`.
#[derive(Debug, Serialize)]
struct Line<'a> {
    name: &'a str,
    camera: &'a CameraName,
    /// Of its file.
    bytes: u64,
    /// `as_recorded`, `growing` or `wrong`.
    verdict: &'static str,
    /// What differs, a sentence each.
    problems: &'a [String],
    /// Pictures of the camera's own that its record names and that are not there; no reason for another verdict.
    pictures_missing: &'a [String],
}

/// How clips were found.
#[derive(Default)]
struct Count {
    clips: u64,
    bytes: u64,
    growing: u64,
    wrong: u64,
}

/// Checks the clips that are named, or all. Exit code 1 if any is not what its record says.
pub async fn verify(global: &Global, named: &[Named], json: bool, quiet: bool) -> Result<ExitCode> {
    let dir = cat::archive_dir(global).await?;
    let mut count = Count::default();
    let mut tell = |checked: Checked| {
        count.add(&checked);
        show(&checked, json).map_err(|error| error.to_string())
    };
    let mut missing = Vec::new();
    if named.is_empty() {
        verify::all(&dir, &mut tell).map_err(|sentence| eyre!(sentence))?;
    }
    for named in named {
        let name = cat::name(&dir, named)?;
        match verify::one(&dir, &name) {
            Some(checked) => tell(checked).map_err(|sentence| eyre!(sentence))?,
            None => missing.push(name),
        }
    }
    if !json && (!quiet || count.wrong > 0) {
        out::line(&count.summary())?;
    }
    if !missing.is_empty() {
        return Err(eyre!("there is no clip {} in {} (see: nvr clips)", missing.join(", "), dir.display()));
    }
    Ok(if count.wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(checked: &Checked, json: bool) -> Result<()> {
    let Checked { name, camera, bytes, verdict, pictures_missing } = checked;
    let (word, problems): (_, &[String]) = match verdict {
        Verdict::AsRecorded => ("as_recorded", &[]),
        Verdict::Growing => ("growing", &[]),
        Verdict::Wrong(problems) => ("wrong", problems),
    };
    if json {
        return out::json(&Line { name, camera, bytes: *bytes, verdict: word, problems, pictures_missing });
    }
    for picture in pictures_missing {
        out::line(&format!("NOTE   {name}: the camera's picture {picture} is not there any more (the footage is)"))?;
    }
    out::lines(problems.iter().map(|problem| format!("WRONG  {name}: {}", fit_for_screen(problem, SENTENCE))))
}

impl Count {
    fn add(&mut self, checked: &Checked) {
        self.clips += 1;
        self.bytes = self.bytes.saturating_add(checked.bytes);
        match checked.verdict {
            Verdict::AsRecorded => {}
            Verdict::Growing => self.growing += 1,
            Verdict::Wrong(_) => self.wrong += 1,
        }
    }

    fn summary(&self) -> String {
        let (clips, size) = (self.clips, table::size(self.bytes));
        let growing = match self.growing {
            0 => String::new(),
            more => format!("; {more} still growing, as recorded so far"),
        };
        match (clips, self.wrong) {
            (0, _) => "no clips".to_owned(),
            (1, 0) => format!("1 clip, {size}, as recorded{growing}"),
            (_, 0) => format!("{clips} clips, {size}, all as recorded{growing}"),
            (1, _) => format!("1 clip, {size}: not as recorded{growing}"),
            (_, wrong) => format!("{clips} clips, {size}: {wrong} not as recorded{growing}"),
        }
    }
}
