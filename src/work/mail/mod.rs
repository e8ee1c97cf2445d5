//! What a camera's mail says, as far as it can be read: best effort, bounded, and never a reason not to trigger.
//!
//! The parser of whole messages that `mailparse` has makes a structure of all that is in them, and eight megabytes of
//! headers or boundaries become some hundred. So the way through a message is our own, with an end to everything
//! (`parts`), and what is found there is decoded by `mailparse`, in pieces that are small.

mod parts;
mod picture;
mod text;

use parts::{Part, field};
use std::borrow::Cow;
use text::Charset;

/// Characters of a subject that are kept.
pub const SUBJECT_CHARS: usize = 256;
/// Characters of a text that are kept.
pub const BODY_CHARS: usize = 4096;
/// Characters of the name that a camera has for what happened.
pub const EVENT_CHARS: usize = 100;

/// Bytes of a raw header that are decoded. In encoded words of UTF-8 this is about [`SUBJECT_CHARS`] Chinese
/// characters. The decoder's work can grow with the cube of this number (words that never end), so it is small.
const HEADER_BYTES: usize = 1024;

/// What a mail says. All texts are bounded and not yet fit for a screen; what is not there is empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The header's `From`.
    pub sender: String,
    /// The subject.
    pub subject: String,
    /// The beginning of its text, without HTML.
    pub body: String,
    /// What the camera calls that which happened, if its text names it as makers do.
    pub event: String,
    /// The first picture: what begins as a JPEG, whatever it is called; whole if the mail is.
    pub picture: Option<Vec<u8>>,
}

/// Reads a message, or as much of it as came. `headers`: bytes of its header block that are looked at.
///
/// Takes some tens of milliseconds for a large one, and at most its picture's size of memory.
pub fn read(message: &[u8], headers: usize) -> Said {
    let parts = parts::leaves(message, headers);
    let top = parts::split(message, headers).0;
    let is = |kind: &str| parts.iter().find(|part| part.kind.mimetype.starts_with(kind) && !picture::begins(part));
    let text = is("text/plain").or_else(|| is("text/"));
    let charset = Charset::of(text.map_or(top, |part| part.headers), text.map(|part| part.kind.charset.as_str()));
    let body = text.map(|part| text::read(part, &charset)).unwrap_or_default();
    Said {
        sender: header(top, b"from:", &charset),
        subject: header(top, b"subject:", &charset),
        event: text::event(&body),
        body,
        picture: parts.iter().find_map(picture::read),
    }
}

/// A header, decoded from whatever charset it is in; empty if it is not there.
///
/// Only its own lines are parsed, so other headers may be as broken as they like. At most [`SUBJECT_CHARS`] characters.
fn header(headers: &[u8], name: &[u8], charset: &Charset) -> String {
    let Some(raw) = field(headers, name) else { return String::new() };
    let readable = charset.decode_header(shortened(raw));
    let Ok((header, _)) = mailparse::parse_header(readable.as_bytes()) else { return String::new() };
    header.get_value().chars().take(SUBJECT_CHARS).collect()
}

/// At most [`HEADER_BYTES`] of a field, cut where a word ends so that no encoded word is torn.
fn shortened(field: &[u8]) -> Cow<'_, [u8]> {
    let Some(short) = field.get(..HEADER_BYTES) else { return Cow::Borrowed(field) };
    let word_end = short.iter().rposition(|b| b.is_ascii_whitespace()).filter(|&end| end > HEADER_BYTES / 2);
    Cow::Owned([&short[..word_end.unwrap_or(HEADER_BYTES)], b"\r\n"].concat())
}

/// How a part is encoded for its way; what is not known is taken as it is.
fn encoding(part: &Part) -> String {
    let raw = field(part.headers, b"content-transfer-encoding:").map(shortened).unwrap_or_default();
    let value = mailparse::parse_header(&raw).map(|(header, _)| header.get_value()).unwrap_or_default();
    value.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
