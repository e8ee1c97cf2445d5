//! The text of a mail: whatever charset it is in, and whether it is HTML or not.

use super::parts::{Part, field};
use super::{BODY_CHARS, EVENT_CHARS, encoding};
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;
use mailparse::body::Body;
use std::borrow::Cow;

/// Bytes of a text that are decoded; its beginning says what matters.
const RAW: usize = 24 << 10;

/// What a camera calls what happened: what stands before the colon, in lower case. Hikvision and others of its kind,
/// Dahua and Amcrest and Reolink, and those who copied from them.
const EVENT_KEYS: [&str; 4] = ["event type:", "alarm event:", "alarm type:", "alarmtype:"];

/// In what a mail is written that does not say so where it should.
///
/// Cameras put raw bytes into headers, above all Chinese ones; then the charset that the text claims is the likeliest,
/// and where none is claimed, what the bytes look like.
pub(super) struct Charset(Option<&'static Encoding>);

impl Charset {
    /// Of a mail whose text has these headers and claims to be in `claimed`.
    pub fn of(headers: &[u8], claimed: Option<&str>) -> Self {
        // What the standard takes for granted cannot be meant where there are bytes beyond it.
        let says_so = field(headers, b"content-type:").is_some();
        let label = claimed.filter(|label| says_so && !label.eq_ignore_ascii_case("us-ascii"));
        Self(label.and_then(|label| Encoding::for_label(label.as_bytes())))
    }

    /// A header as text, with encoded words still in it.
    pub fn decode_header<'a>(&self, raw: Cow<'a, [u8]>) -> Cow<'a, str> {
        match raw {
            Cow::Borrowed(raw) => self.decode(raw),
            Cow::Owned(raw) => Cow::Owned(self.decode(&raw).into_owned()),
        }
    }

    fn decode<'a>(&self, raw: &'a [u8]) -> Cow<'a, str> {
        if let Ok(text) = std::str::from_utf8(raw) {
            return Cow::Borrowed(text);
        }
        let claimed = self.0.and_then(|it| it.decode_without_bom_handling_and_without_replacement(raw));
        claimed.unwrap_or_else(|| guess(raw).decode_without_bom_handling(raw).0)
    }
}

/// What bytes look like that say of themselves nothing.
fn guess(raw: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(raw, true);
    detector.guess(None, Utf8Detection::Deny)
}

/// The beginning of a part's text.
pub(super) fn read(part: &Part, charset: &Charset) -> String {
    // Where a line ends, so that no encoded byte is torn.
    let raw = match part.body.get(..RAW) {
        Some(short) => &short[..short.iter().rposition(|&b| b == b'\n').map_or(RAW, |end| end + 1)],
        None => part.body,
    };
    let bytes = match Body::new(raw, &part.kind, &Some(encoding(part))) {
        Body::Base64(body) | Body::QuotedPrintable(body) => Cow::Owned(body.get_decoded().unwrap_or_default()),
        Body::SevenBit(body) | Body::EightBit(body) => Cow::Borrowed(body.get_raw()),
        Body::Binary(body) => Cow::Borrowed(body.get_raw()),
    };
    let text = match charset.0 {
        Some(wide) if !wide.is_ascii_compatible() => wide.decode_without_bom_handling(&bytes).0,
        Some(_) | None => charset.decode(&bytes),
    };
    let text = if part.kind.mimetype == "text/html" { Cow::Owned(without_html(&text)) } else { text };
    text.trim().chars().take(BODY_CHARS).collect()
}

/// What is read of HTML: no tags, no scripts, lines where it has lines, and the signs that `&` stands for.
fn without_html(html: &str) -> String {
    let mut text = String::with_capacity(html.len() / 2);
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = if rest.starts_with('<') { tag(rest, &mut text) } else { entity(rest, &mut text) };
    }
    text.push_str(rest);
    text
}

/// Passes over a tag, and over all up to its end if nobody reads that. Answers what follows.
fn tag<'a>(html: &'a str, text: &mut String) -> &'a str {
    let name: String = html[1..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/').collect();
    let name = name.to_ascii_lowercase();
    if let "script" | "style" | "head" = name.as_str() {
        let end = html
            .match_indices("</")
            .find(|(at, _)| html.get(at + 2..at + 2 + name.len()).is_some_and(|end| end.eq_ignore_ascii_case(&name)));
        return end.map_or("", |(at, _)| &html[at..]).split_once('>').map_or("", |(_, rest)| rest);
    }
    match name.trim_matches('/') {
        "br" | "p" | "div" | "tr" | "table" | "li" | "h1" | "h2" | "h3" => text.push('\n'),
        "td" | "th" => text.push(' '),
        "" if !html.starts_with("<!") => {
            text.push('<');
            return &html[1..];
        }
        _ => {}
    }
    html.split_once('>').map_or("", |(_, rest)| rest)
}

/// Reads `&amp;` and the like. Answers what follows.
fn entity<'a>(html: &'a str, text: &mut String) -> &'a str {
    let end = html.bytes().take(12).position(|b| b == b';');
    let sign = end.and_then(|end| match &html[1..end] {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        number => {
            let number = number.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    });
    text.push(sign.unwrap_or('&'));
    let passed = sign.and(end).map_or(1, |end| end + 1);
    &html[passed..]
}

/// What the camera calls that which happened; empty if its text does not say.
pub(super) fn event(body: &str) -> String {
    let value = body.lines().find_map(|line| {
        let lower = line.to_ascii_lowercase();
        let (at, key) = EVENT_KEYS.iter().find_map(|key| Some((lower.find(key)?, key)))?;
        // Some put all of it into one line: `Alarm Event:Motion Detection, Alarm Input Channel No.:1`.
        let value = line.get(at + key.len()..)?.split(", ").next()?.trim();
        (!value.is_empty()).then_some(value)
    });
    value.unwrap_or_default().chars().take(EVENT_CHARS).collect()
}
