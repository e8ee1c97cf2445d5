//! The words of the link. Each is one line of JSON, so that a script can take part with nothing but a socket:
//!
//! ```text
//! > {"hello":{"protocol":3,"version":"0.1.0","snapshots":false}}
//! < {"hello":{"protocol":3,"version":"0.1.0","pid":4711}}
//! > {"request":{"id":1,"command":{"arm":"all"}}}
//! < {"reply":{"id":1,"answer":{"done":"2 cameras are armed"}}}
//! ```
//!
//! Orders are carried out and answered in the order in which they came. What is only asked changes nothing, and may be
//! answered later: the number tells which answer it is.

use crate::model::command::{Answer, Command};
use crate::model::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::sync::Arc;

/// Of these words, [`Snapshot`], [`Command`] and [`Answer`] included: grows by one when an older end could no longer
/// understand what a newer one says. `hello` and `bye` stay as they are for ever, so that both can say so.
pub const PROTOCOL: u32 = 3;

/// Of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToRecorder {
    /// The first word, and only the first.
    Hello {
        /// The client's [`PROTOCOL`].
        protocol: u32,
        /// The client's version, for people.
        version: String,
        /// Whether it wants pictures; a script that only asks something does not.
        #[serde(default)]
        snapshots: bool,
    },
    /// An order, to be answered.
    Request {
        /// The client's number for it; comes back with the answer.
        id: u64,
        /// The order.
        command: Command,
    },
}

/// What the recorder says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToClient {
    /// The answer to hello.
    Hello {
        /// The recorder's [`PROTOCOL`].
        protocol: u32,
        /// The recorder's version, for people.
        version: String,
        /// Its process.
        pid: u32,
    },
    /// The newest picture; those between are never sent.
    Snapshot(Arc<Snapshot>),
    /// What came of an order.
    Reply {
        /// The number that the client gave it.
        id: u64,
        /// What came of it.
        answer: Answer,
    },
    /// The last word, possibly the first: the connection ends.
    Bye {
        /// Why: a sentence.
        reason: String,
    },
}

impl ToRecorder {
    /// The first word of a client of this version.
    pub fn hello(snapshots: bool) -> Self {
        ToRecorder::Hello { protocol: PROTOCOL, version: VERSION.to_owned(), snapshots }
    }
}

impl ToClient {
    /// The first word of a recorder of this version.
    pub fn hello() -> Self {
        ToClient::Hello { protocol: PROTOCOL, version: VERSION.to_owned(), pid: std::process::id() }
    }
}

/// One end's protocol and version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spoken<'a> {
    /// Its [`PROTOCOL`].
    pub protocol: u32,
    /// Its version, for people.
    pub version: &'a str,
}

impl Spoken<'static> {
    /// This program's.
    pub const OURS: Self = Spoken { protocol: PROTOCOL, version: VERSION };
}

/// Why the two cannot talk, with the way out; `None`: they can.
///
/// Only the protocol decides. Versions are named because they are what people know.
pub fn mismatch(recorder: Spoken<'_>, client: Spoken<'_>) -> Option<String> {
    let remedy = match recorder.protocol.cmp(&client.protocol) {
        Ordering::Equal => return None,
        Ordering::Less => "restart the recorder: systemctl restart nvr",
        Ordering::Greater => "leave and start nvr again; if that changes nothing, install the recorder's version",
    };
    let (theirs, ours) = (plain(recorder.version, 40), plain(client.version, 40));
    Some(format!("the recorder is {theirs}, this nvr is {ours} ({remedy})"))
}

/// Words from the other end, fit for a screen: no control characters, no marks that turn the direction of writing, at
/// most `longest` characters.
pub(crate) fn plain(text: &str, longest: usize) -> String {
    let turns =
        |c| matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut clean = text.chars().filter(|c| !c.is_control() && !turns(*c));
    let mut short: String = clean.by_ref().take(longest).collect();
    if clean.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_what_the_documentation_shows() {
        let hello = serde_json::to_string(&ToRecorder::hello(false)).expect("serializes");
        assert_eq!(hello, format!(r#"{{"hello":{{"protocol":3,"version":"{VERSION}","snapshots":false}}}}"#));
        let request: ToRecorder =
            serde_json::from_str(r#"{"request":{"id":1,"command":{"arm":"all"}}}"#).expect("is understood");
        assert!(matches!(request, ToRecorder::Request { id: 1, command: Command::Arm(_) }));
        let reply = ToClient::Reply { id: 1, answer: Answer::Done("2 cameras are armed".into()) };
        let reply = serde_json::to_string(&reply).expect("serializes");
        assert_eq!(reply, r#"{"reply":{"id":1,"answer":{"done":"2 cameras are armed"}}}"#);
    }

    #[test]
    fn a_later_hello_with_more_in_it_is_still_understood() {
        let line = r#"{"hello":{"protocol":9,"version":"7.0.0","colour":true}}"#;
        let hello: ToRecorder = serde_json::from_str(line).expect("is understood");
        assert_eq!(hello, ToRecorder::Hello { protocol: 9, version: "7.0.0".into(), snapshots: false });
    }

    #[test]
    fn the_older_end_is_the_one_to_restart() {
        let (old, new) = (Spoken { protocol: 1, version: "0.1.0" }, Spoken { protocol: 2, version: "0.2.0" });
        assert_eq!(
            mismatch(old, new).as_deref(),
            Some("the recorder is 0.1.0, this nvr is 0.2.0 (restart the recorder: systemctl restart nvr)")
        );
        let other = mismatch(new, old).expect("do not match");
        assert!(other.starts_with("the recorder is 0.2.0, this nvr is 0.1.0 (leave and start nvr again"), "{other}");
        assert_eq!(mismatch(old, Spoken { protocol: 1, version: "0.1.1" }), None);
    }

    #[test]
    fn words_from_outside_cannot_draw_on_the_screen() {
        assert_eq!(plain("a\x1b[2Jb\u{202e}c\r\n", 20), "a[2Jbc");
        assert_eq!(plain("ääääää", 3), "äää…");
    }
}
