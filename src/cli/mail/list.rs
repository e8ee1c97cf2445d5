//! What was said on the mail port: `nvr mail`, `--show`, `--watch`.

use super::Mail;
use crate::cli::follow::{self, Heard, Watch, kept};
use crate::cli::logs::Printer;
use crate::cli::shape::SessionShape;
use crate::cli::{Global, out, query, table};
use crate::link::dial::Client;
use crate::model::snapshot::Snapshot;
use crate::model::text::fit_for_screen;
use crate::model::time::Anchor;
use crate::model::transcript::{Grade, Line, MailSeen, SessionView, Verdict};
use color_eyre::eyre::{Result, eyre};
use jiff::tz::TimeZone;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Longest text in a line.
const SHOWN: usize = 600;
/// Connections of which it is remembered while watching how much was shown: more than the recorder keeps.
const REMEMBERED: usize = 200;

/// Attaches, and gets all connections that are kept, the last change last.
pub async fn sessions(global: &Global) -> Result<(Client, Arc<Snapshot>, Vec<SessionView>)> {
    let mut client = query::client(global, true).await?;
    let picture = query::picture(&mut client).await?;
    let sessions = kept::<SessionView>(&client, 0).await?;
    Ok((client, picture, sessions))
}

/// The one with this number, and a sentence if there is none.
pub fn numbered(sessions: Vec<SessionView>, number: u64) -> Result<SessionView> {
    let (first, last) = (sessions.first().map(number_of), sessions.iter().map(number_of).max());
    let found = sessions.into_iter().find(|session| number_of(session) == number);
    found.ok_or_else(|| match (first, last) {
        (Some(_), Some(last)) => eyre!("nothing is kept of connection {number} (see: nvr mail; the newest is {last})"),
        (_, _) => eyre!("nobody has connected to the mail port since the recorder started (see: nvr check)"),
    })
}

fn number_of(session: &SessionView) -> u64 {
    session.transcript.number
}

/// `nvr mail`: the last connections, newest last.
pub async fn list(global: &Global, limit: u32, json: bool) -> Result<ExitCode> {
    let (_, picture, sessions) = sessions(global).await?;
    let newest = &sessions[sessions.len().saturating_sub(limit as usize)..];
    if json {
        newest.iter().try_for_each(|session| out::json(&SessionShape::of(session, &picture.anchor)))?;
        return Ok(ExitCode::SUCCESS);
    }
    if newest.is_empty() {
        eprintln!(
            "nvr: nobody has connected to the mail port since the recorder started (what to set in a camera: nvr setup)"
        );
    }
    let zone = TimeZone::system();
    let rows: Vec<_> = newest.iter().map(|session| row(session, &picture.anchor, &zone)).collect();
    out::lines(table::lines(&rows))?;
    Ok(ExitCode::SUCCESS)
}

fn row(session: &SessionView, anchor: &Anchor, zone: &TimeZone) -> [String; 6] {
    let mail = session.mails.last().map(way).unwrap_or_default();
    let like_it = match session.like_it {
        0 => String::new(),
        more => format!(" ({more} more like it before)"),
    };
    [
        format!("{}", number_of(session)),
        table::moment(anchor.wall(session.began), zone),
        session.transcript.peer.to_string(),
        grade(&session.verdict).to_owned(),
        mail,
        format!("{}{like_it}", text(&session.verdict.text)),
    ]
}

fn text(text: &str) -> String {
    fit_for_screen(text, SHOWN)
}

fn way(mail: &MailSeen) -> String {
    format!("{} -> {}", text(&mail.from), text(&mail.to))
}

fn grade(verdict: &Verdict) -> &'static str {
    match verdict.grade {
        Grade::Open => "open",
        Grade::Good => "good",
        Grade::Idle => "idle",
        Grade::Amiss => "AMISS",
    }
}

/// `nvr mail --show N`: all that is known of one connection.
pub async fn show(global: &Global, number: u64, json: bool) -> Result<ExitCode> {
    let (_, picture, sessions) = sessions(global).await?;
    let session = numbered(sessions, number)?;
    match json {
        true => out::json(&SessionShape::of(&session, &picture.anchor))?,
        false => out::lines(whole(&session, &picture.anchor, &TimeZone::system()))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn whole(session: &SessionView, anchor: &Anchor, zone: &TimeZone) -> Vec<String> {
    let it = &session.transcript;
    let tls = it.tls.as_deref().map_or_else(|| "not encrypted".to_owned(), text);
    let began = table::moment(anchor.wall(session.began), zone);
    let mut lines =
        vec![format!("connection {} from {} at {began}, {}, {tls}", it.number, it.peer, seconds(it.lasted))];
    lines.extend(it.lines.iter().map(|line| format!("  {:>8}  {}", seconds(after(line)), said(line))));
    if it.left_out > 0 {
        lines.push(format!("  ({} lines in the middle are left out)", it.left_out));
    }
    lines.push(match &it.end {
        Some(end) => format!("ended: {end}"),
        None => "it goes on".to_owned(),
    });
    lines.extend(session.mails.iter().map(|mail| format!("mail: {}", about(mail))));
    if session.mails.is_empty() {
        lines.push(format!("no mail: {}", text(&session.verdict.text)));
    }
    lines.extend(remedy(it.number, &session.verdict));
    lines
}

fn about(mail: &MailSeen) -> String {
    format!("{} \"{}\": {}", way(mail), text(&mail.subject), text(&mail.verdict.text))
}

/// How to have the proposed line written.
pub fn remedy(number: u64, verdict: &Verdict) -> Option<String> {
    let which = if verdict.fix.as_ref()?.needs_camera() { " --for CAMERA" } else { "" };
    Some(format!("to write that into nvr.toml: nvr mail --fix {number}{which}"))
}

fn said(line: &Line) -> String {
    format!("{} {}", line.by.sign(), text(&line.text))
}

fn after(line: &Line) -> Duration {
    Duration::from_millis(line.after)
}

fn seconds(span: Duration) -> String {
    format!("{:.3} s", span.as_secs_f64())
}

/// What was shown of a connection already.
#[derive(Debug, Default, Clone, Copy)]
struct Shown {
    lines: u64,
    mails: usize,
    over: bool,
}

/// `nvr mail --watch`: every line as it is said, and the verdicts.
pub async fn watch(global: &Global, args: &Mail) -> Result<ExitCode> {
    let zone = TimeZone::system();
    let shown = RefCell::new(BTreeMap::new());
    let show = |session: &SessionView, anchor: &Anchor| match args.json {
        // For scripts each connection is one line, when it is over.
        true if session.transcript.end.is_some() => out::json(&SessionShape::of(session, anchor)),
        true => Ok(()),
        false => out::lines(news(session, anchor, &zone, &mut shown.borrow_mut())),
    };
    let wanted = |_: &SessionView| true;
    let printer = Printer { wanted: &wanted, show: &show, limit: 0, json: args.json };
    let (watch, picture) = Watch::start(global).await?;
    if !args.json {
        eprintln!("nvr: watching the mail port (what came before: nvr mail)");
    }
    let hear = |heard| match heard {
        // Of what was kept only that is shown which goes on.
        Heard::Kept(kept, anchor) => {
            let mut open = kept.iter().filter(|session: &&SessionView| session.transcript.end.is_none());
            open.try_for_each(|session| show(session, &anchor))
        }
        Heard::Lines(..) | Heard::Missing(_) | Heard::Lost(_) | Heard::Back | Heard::Another => printer.hear(heard),
    };
    out::while_read(follow::follow(watch, picture, hear)).await
}

/// What was not shown of it yet, a line each.
fn news(session: &SessionView, anchor: &Anchor, zone: &TimeZone, shown: &mut BTreeMap<u64, Shown>) -> Vec<String> {
    let it = &session.transcript;
    if it.lines.is_empty() {
        return Vec::new(); // a mail is told of before what was said around it
    }
    let before = shown.get(&it.number).copied().unwrap_or_default();
    let head = |span: Duration| {
        let at = anchor.wall(session.began + span).to_zoned(zone.clone());
        format!("{} {} #{}", at.strftime("%H:%M:%S.%3f"), it.peer, it.number)
    };
    let all = it.left_out + it.lines.len() as u64;
    let new = usize::try_from(all - before.lines.min(all)).unwrap_or(usize::MAX).min(it.lines.len());
    let unseen = all.saturating_sub(before.lines).saturating_sub(new as u64);
    let mut lines = Vec::new();
    if unseen > 0 {
        lines.push(format!("{}   ({unseen} lines left out)", head(it.lasted)));
    }
    let newest = &it.lines[it.lines.len() - new..];
    lines.extend(newest.iter().map(|line| format!("{} {}", head(after(line)), said(line))));
    let mails = session.mails.get(before.mails..).unwrap_or_default();
    lines.extend(mails.iter().map(|mail| format!("{} = mail {}", head(it.lasted), about(mail))));
    let over = it.end.is_some();
    if let Some(end) = it.end.as_ref().filter(|_| !before.over) {
        let verdict =
            if session.mails.is_empty() { format!("; {}", text(&session.verdict.text)) } else { String::new() };
        lines.push(format!("{} = {end}{verdict}", head(it.lasted)));
        lines.extend(remedy(it.number, &session.verdict).map(|remedy| format!("{} = {remedy}", head(it.lasted))));
    }
    shown.insert(it.number, Shown { lines: all, mails: session.mails.len(), over });
    while shown.len() > REMEMBERED {
        shown.pop_first();
    }
    lines
}
