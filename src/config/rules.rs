//! Rules by which mails are known: a camera's `mail`, and `smtp.ignore`.

use super::section::Section;
use super::value;
use crate::model::rule::{Address, Rule, Words};

/// Most rules of one list: each is tried on every mail.
const MAX_RULES: usize = 64;

/// What does not trigger unless the file says otherwise: as nvr.toml.example has it, which a test holds.
///
/// Only texts that no alarm has. A mail that says nothing costs a clip that nobody needs; an alarm that is taken for one
/// costs the footage.
const IGNORED: [(Key, &str); 7] = [
    (Key::Subject, r"/\[(stop|end)\]/"),
    (Key::Body, r"/^alarm event: .*\b(stop|end)\s*$/"),
    (Key::Body, r"/^alarm (stop|end) time\b/"),
    (Key::Subject, r"/\bmotion (detection )?((has )?(stopped|ended)\b|(stop|end)\W*$)/"),
    (Key::Subject, r"/\b(keep-?alive|health mail|heartbeat)\b/"),
    (Key::Body, r"/\A\s*(this is a test (e-?mail|mail|message)|(e-?mail|mail|smtp) test)\b/"),
    (Key::Body, r"/successfully set up and tested the e-?mail alert/"),
];

/// Where the words of a rule that is built in are sought.
enum Key {
    Subject,
    Body,
}

/// What `smtp.ignore` is when the file does not say.
pub(super) fn ignored() -> Vec<Rule> {
    let rule = |(key, text): &(Key, &str)| {
        let words = Some(Words::new(text).expect("a pattern as written above"));
        match key {
            Key::Subject => Rule { subject: words, ..Rule::default() },
            Key::Body => Rule { body: words, ..Rule::default() },
        }
    };
    IGNORED.iter().map(rule).collect()
}

/// The rules below `key` of a section.
pub(super) fn rules(section: &mut Section, key: &'static str) -> Vec<Rule> {
    let at = section.place(key).unwrap_or(section.at);
    let tables = section.inline_tables(key, "{ subject = \"Channel 2\" }");
    if tables.len() > MAX_RULES {
        section.mistake(
            at,
            key,
            &format!("has more than {MAX_RULES} rules (write fewer: an expression holds for many)"),
        );
    }
    tables.into_iter().take(MAX_RULES).filter_map(rule).collect()
}

fn rule(mut table: Section) -> Option<Rule> {
    let is_written = !table.is_empty();
    let rule = Rule {
        to: table.get("to", None, |v| Address::new(value::text(v)?).map(Some)),
        from: table.get("from", None, |v| Address::new(value::text(v)?).map(Some)),
        subject: table.get("subject", None, |v| Words::new(value::text(v)?).map(Some)),
        body: table.get("body", None, |v| Words::new(value::text(v)?).map(Some)),
        peer: table.get("peer", None, |v| value::network(value::text(v)?).map(Some)),
    };
    if !is_written {
        let example = "write at least one of to, from, subject, body and peer";
        table
            .notes
            .mistake(table.at, format!("{}: a rule without keys holds for every mail ({example})", table.name()));
    }
    table.finish();
    // One with a mistake would hold for too much.
    (is_written && !rule.is_empty()).then_some(rule)
}
