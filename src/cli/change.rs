//! `nvr protect`, `unprotect` and `delete`: what people decide about clips.

use super::clips::{ClipName, Named, row};
use super::{Global, out, query, table};
use crate::link::dial::Client;
use crate::model::command::Command;
use crate::model::question::{Found, Question};
use color_eyre::eyre::{Report, Result, WrapErr, eyre};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// Has clips kept whatever retention says, or no longer.
pub async fn protect(global: &Global, clips: &[Named], protected: bool) -> Result<ExitCode> {
    let client = query::client(global, false).await?;
    let mut outcomes = Outcomes::default();
    for named in clips {
        let done = async {
            let clip = named.resolve(&client).await?;
            query::carry_out(&client, Command::Protect { clip, protected }).await
        };
        outcomes.add(done.await)?;
    }
    Ok(outcomes.code())
}

/// Deletes clips and their records for good, after asking.
pub async fn delete(global: &Global, clips: &[ClipName], yes: bool) -> Result<ExitCode> {
    let clips: BTreeSet<_> = clips.iter().collect();
    let client = query::client(global, false).await?;
    // Who mistyped one of them has perhaps mistyped them all: nothing goes unless all are there.
    let rows = look_at(&client, &clips).await?;
    if !yes && !confirmed(&rows)? {
        return Err(eyre!("nothing was deleted"));
    }
    let mut outcomes = Outcomes::default();
    for ClipName(clip) in clips {
        outcomes.add(query::carry_out(&client, Command::Delete { clip: clip.clone() }).await)?;
    }
    Ok(outcomes.code())
}

async fn look_at(client: &Client, clips: &BTreeSet<&ClipName>) -> Result<Vec<[String; 7]>> {
    let zone = TimeZone::system();
    let mut rows = Vec::new();
    for ClipName(name) in clips {
        match query::ask(client, Question::Clip(name.clone())).await {
            Ok(Found::Clip(details)) => rows.push(row(&details.clip, &zone)),
            Ok(_) => return Err(query::something_else()),
            Err(error) if clips.len() > 1 => return Err(error.wrap_err("nothing was deleted")),
            Err(error) => return Err(error),
        }
    }
    Ok(rows)
}

/// Asks the person at the terminal.
fn confirmed(rows: &[[String; 7]]) -> Result<bool> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(eyre!("nothing was deleted: there is no terminal to ask at (add --yes)"));
    }
    let mut terminal = std::io::stderr().lock();
    for line in table::lines(rows) {
        writeln!(terminal, "{line}")?;
    }
    let what = if let [_] = rows { "this clip".to_owned() } else { format!("these {} clips", rows.len()) };
    write!(terminal, "delete {what} for good? [y/N] ")?;
    terminal.flush()?;
    let mut said = String::new();
    std::io::stdin().read_line(&mut said).wrap_err("the answer cannot be read (or add --yes)")?;
    Ok(matches!(said.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// What came of several orders: each is carried out, whatever came of those before it.
#[derive(Default)]
struct Outcomes {
    failed: bool,
}

impl Outcomes {
    fn add(&mut self, outcome: Result<String, Report>) -> Result<()> {
        match outcome {
            Ok(sentence) => out::line(&sentence),
            Err(error) => {
                self.failed = true;
                super::complain(&error);
                Ok(())
            }
        }
    }

    fn code(&self) -> ExitCode {
        if self.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}
