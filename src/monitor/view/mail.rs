//! What was said on the mail port as words: a line for each connection, and all of one.

use super::details::{Fact, TextBody};
use super::{Scene, outside};
use crate::model::snapshot::Snapshot;
use crate::model::time::Mono;
use crate::model::transcript::{By, Grade, Line, MailSeen, SessionView, Verdict};
use crate::monitor::format;
use crate::monitor::theme::Tone;
use crate::monitor::ui::page::Talk;
use jiff::tz::TimeZone;
use std::time::Duration;

/// A connection to the mail port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// When it began.
    pub at: String,
    /// Who.
    pub peer: String,
    /// From whom to whom its last mail was; empty if there was none.
    pub way: String,
    /// What the verdict means.
    pub tone: Tone,
    /// The verdict.
    pub text: String,
}

pub(super) fn rows<'a>(
    sessions: impl Iterator<Item = &'a SessionView>,
    snapshot: &Snapshot,
    zone: &TimeZone,
    now: Mono,
) -> Vec<SessionRow> {
    let row = |session: &SessionView| SessionRow {
        at: format::moment(snapshot.anchor.wall(session.began), snapshot.anchor.wall(now), zone),
        peer: session.transcript.peer.to_string(),
        way: session.mails.last().map(way).unwrap_or_default(),
        tone: tone(&session.verdict),
        text: match session.like_it {
            0 => outside(&session.verdict.text),
            more => format!("{} more like it: {}", more, outside(&session.verdict.text)),
        },
    };
    sessions.map(row).collect()
}

fn way(mail: &MailSeen) -> String {
    format!("{} → {}", outside(&mail.from), outside(&mail.to))
}

fn tone(verdict: &Verdict) -> Tone {
    match verdict.grade {
        Grade::Open => Tone::Busy,
        Grade::Good => Tone::Good,
        Grade::Idle => Tone::Plain,
        Grade::Amiss => Tone::Warn,
    }
}

/// All of one connection: the verdict first, since that is what somebody looks for.
pub(super) fn session(talk: Talk, scene: &Scene) -> TextBody {
    let found = scene.ui.mail.all().find(|session| session.transcript.number == talk.number);
    let lines = match (found, scene.snapshot) {
        (Some(session), Some(snapshot)) => about(session, snapshot, scene),
        (_, _) => vec![Fact::new(Tone::Faint, "nothing is kept of it any more")],
    };
    TextBody { title: format!("connection {} to the mail port", talk.number), lines, scroll: talk.scroll }
}

fn about(session: &SessionView, snapshot: &Snapshot, scene: &Scene) -> Vec<Fact> {
    let it = &session.transcript;
    let plain = |label: &str, text: String| Fact::of(Tone::Plain, label, text);
    let mut lines: Vec<_> = session.mails.iter().flat_map(mail).collect();
    if lines.is_empty() {
        lines.push(Fact::of(tone(&session.verdict), "verdict", outside(&session.verdict.text)));
    }
    if let Some(fix) = &session.verdict.fix {
        lines.push(Fact::of(
            Tone::Strong,
            "W writes",
            format!("{} into {} in nvr.toml", outside(&fix.line()), fix.place()),
        ));
    }
    let began = format::moment(snapshot.anchor.wall(session.began), snapshot.anchor.wall(scene.now), scene.zone);
    lines.push(plain(
        "from",
        format!("{} at {began}, {}", it.peer, it.tls.as_deref().map_or("not encrypted".to_owned(), outside)),
    ));
    let end = it.end.as_ref().map_or_else(|| "it goes on".to_owned(), ToString::to_string);
    lines.push(plain("ended", format!("{end}, {} after it began", seconds(it.lasted))));
    if session.like_it > 0 {
        lines.push(plain("before", format!("{} more like it, of which nothing else is kept", session.like_it)));
    }
    lines.push(Fact::new(Tone::Strong, "what was said (> the camera, < nvr)"));
    lines.extend(it.lines.iter().map(said));
    if it.left_out > 0 {
        lines.push(Fact::new(Tone::Faint, format!("{} lines in the middle are left out", it.left_out)).inner());
    }
    lines
}

fn mail(mail: &MailSeen) -> [Fact; 2] {
    [
        Fact::of(Tone::Plain, "mail", format!("{} \"{}\"", way(mail), outside(&mail.subject))),
        Fact::of(tone(&mail.verdict), "verdict", outside(&mail.verdict.text)),
    ]
}

fn said(line: &Line) -> Fact {
    let tone = match line.by {
        By::Camera => Tone::Plain,
        By::Nvr | By::Nobody => Tone::Faint,
    };
    let after = seconds(Duration::from_millis(line.after));
    Fact::of(tone, &after, format!("{} {}", line.by.sign(), outside(&line.text))).inner()
}

fn seconds(span: Duration) -> String {
    format!("{:.2} s", span.as_secs_f64())
}
