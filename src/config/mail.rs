//! `[smtp]` and `[smtp.limits]`.

use super::read::{Context, DAY, HOUR, secs};
use super::section::{Given, Section};
use super::{rules, source, value};
use crate::model::settings::{Certificate, Limits, Login, Smtp, Tls};
use std::ops::RangeInclusive;
use std::time::Duration;
use toml::de::DeValue;

/// Longest user and password in bytes: in base64 both fit into the shortest command line.
const MAX_LOGIN: usize = 150;

pub(super) fn smtp_keys(smtp: &mut Section, context: &Context) -> Smtp {
    Smtp {
        listen: smtp.get("listen", ([0, 0, 0, 0], 6789).into(), value::address),
        allow: smtp.get("allow", value::private().collect(), value::networks),
        ignore: if smtp.place("ignore").is_some() { rules::rules(smtp, "ignore") } else { rules::ignored() },
        login: login(smtp, context),
        tls: tls(smtp, context),
        limits: limits(smtp),
    }
}

fn tls(smtp: &mut Section, context: &Context) -> Tls {
    let listen = smtp.get("tls_listen", None, |v| match v.as_str() {
        Some("") => Ok(None),
        _ => value::address(v).map(Some),
    });
    let at = ["tls_cert", "tls_key"].map(|key| smtp.place(key));
    let [cert, key] = ["tls_cert", "tls_key"].map(|key| smtp.get(key, None, |v| value::path(v, context.base)));
    let certificate = match (cert, key) {
        (Some(cert), Some(key)) => Some(Certificate { cert, key }),
        (None, None) => None,
        _ => {
            let sentence = "smtp.tls_cert and smtp.tls_key belong together (write both, or neither)";
            smtp.notes.mistake(at[0].or(at[1]).unwrap_or(smtp.at), sentence.into());
            None
        }
    };
    Tls { listen, certificate }
}

/// User and password, of which neither makes sense alone.
fn login(smtp: &mut Section, context: &Context) -> Option<Login> {
    let mut word = |key| {
        let there = smtp.place(key);
        (smtp.take(key, |v| login_word(v, context)), there)
    };
    let (user, password) = (word("user"), word("password"));
    let alone = |at: usize, one: &str, other: &str| {
        let sentence = format!("smtp.{one}: there is no smtp.{other} with it (write both, or neither)");
        smtp.notes.mistake(at, sentence);
        None
    };
    let is = |word: &Given<Word>| !word.value.text.is_empty();
    match (user, password) {
        ((Some(user), _), (Some(password), _)) if is(&user) && is(&password) => {
            let file = context.name.display();
            if password.value.in_clear && context.open_to_all {
                let sentence = format!("smtp.password: everybody on this machine can read it (run: chmod o= {file})");
                smtp.notes.warning(password.at, sentence);
            }
            Some(Login { user: user.value.text, password: password.value.text })
        }
        ((None, Some(_)), _) | (_, (None, Some(_))) => None, // noted already
        ((Some(user), _), _) if is(&user) => alone(user.at, "user", "password"),
        (_, (Some(password), _)) if is(&password) => alone(password.at, "password", "user"),
        _ => None,
    }
}

/// A user or a password.
struct Word {
    text: String,
    /// All of it stands in the file itself.
    in_clear: bool,
}

/// Nothing of what is read stands in the sentence.
fn login_word(value: &DeValue, context: &Context) -> Result<Word, String> {
    let (text, in_clear) = source::fill(value::text(value)?, context.base, context.env)?;
    if text.len() > MAX_LOGIN || text.chars().any(char::is_control) {
        return Err(format!("holds a control character or is too long (write at most {MAX_LOGIN} bytes)"));
    }
    Ok(Word { text, in_clear })
}

fn limits(smtp: &mut Section) -> Limits {
    let at = smtp.place("limits").unwrap_or(smtp.at);
    let mut table = smtp.section("limits");
    let usual = Limits::default();
    let limits = Limits {
        connections: count(&mut table, "connections", usual.connections, 1..=1024),
        per_address: count(&mut table, "per_address", usual.per_address, 1..=1024),
        patience: span(&mut table, "patience", usual.patience, Duration::from_millis(100)..=secs(60)),
        patience_without_mail: span(
            &mut table,
            "patience_without_mail",
            usual.patience_without_mail,
            Duration::from_millis(100)..=secs(60),
        ),
        body_step: bytes(&mut table, "body_step", usual.body_step, 64..=1 << 20),
        idle: span(&mut table, "idle", usual.idle, secs(1)..=HOUR),
        session: span(&mut table, "session", usual.session, secs(10)..=DAY),
        command_line: bytes(&mut table, "command_line", usual.command_line, 512..=64 << 10),
        body_line: bytes(&mut table, "body_line", usual.body_line, 1 << 10..=1 << 20),
        message: table.get("message", usual.message, |v| value::size_in(v, 64 << 10..=1 << 30)),
        all_messages: table.get("all_messages", usual.all_messages, |v| value::size_in(v, 1 << 20..=4 << 30)),
        header_block: bytes(&mut table, "header_block", usual.header_block, 1 << 10..=1 << 20),
        recipients: count(&mut table, "recipients", usual.recipients, 1..=1000),
        mistakes: table.get("mistakes", usual.mistakes, |v| value::whole(v, 1..=1000)),
        wrong_logins: table.get("wrong_logins", usual.wrong_logins, |v| value::whole(v, 1..=1000)),
        handshake: span(&mut table, "handshake", usual.handshake, secs(1)..=secs(120)),
        slow_mail: span(&mut table, "slow_mail", usual.slow_mail, secs(1)..=secs(300)),
        farewell: usual.farewell,
        note_every: usual.note_every,
    };
    if limits.message > limits.all_messages {
        let remedy = "write an all_messages of several times message";
        table.notes.mistake(at, format!("smtp.limits: a message may be bigger than all_messages ({remedy})"));
    }
    table.finish();
    limits
}

fn count(table: &mut Section, key: &'static str, usual: usize, range: RangeInclusive<u32>) -> usize {
    table.take(key, |v| value::whole(v, range)).map_or(usual, |given| given.value as usize)
}

fn bytes(table: &mut Section, key: &'static str, usual: usize, range: RangeInclusive<u64>) -> usize {
    let given = table.take(key, |v| value::size_in(v, range));
    given.and_then(|given| usize::try_from(given.value).ok()).unwrap_or(usual)
}

fn span(table: &mut Section, key: &'static str, usual: Duration, range: RangeInclusive<Duration>) -> Duration {
    table.get(key, usual, |v| value::duration(v, range))
}
