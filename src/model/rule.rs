//! Rules by which a mail is known: which camera it means, or that it means nothing.
//!
//! A rule holds for a mail if each of its keys fits. Whoever writes one has a mail before his eyes and copies from it, so
//! what is not a pattern is taken as it is read: upper and lower case alike, any white space for a space, whole words.
//! Only what stands between `/` and `/` is a regular expression. Matching takes time in proportion to the text, whatever
//! the pattern.

use super::event::Mail;
use ipnet::IpNet;
use regex::{Regex, RegexBuilder};
use std::fmt;
use std::net::IpAddr;

/// Longest text of a key, in bytes.
const LONGEST: usize = 1000;
/// Memory that a compiled pattern may take, in bytes; what repeats thousands of times needs more.
const COMPILED: usize = 256 << 10;
/// What stands around a word.
const EDGE: &str = "[^0-9A-Za-z]";

/// What is sought in a mail; a key that is not there fits every mail. As it is shown, it can be pasted into `nvr.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rule {
    /// One of the recipients.
    pub to: Option<Address>,
    /// The sender, by `MAIL FROM` or the header.
    pub from: Option<Address>,
    /// In the subject.
    pub subject: Option<Words>,
    /// In the text.
    pub body: Option<Words>,
    /// From where it comes.
    pub peer: Option<IpNet>,
}

impl Rule {
    /// Whether it seeks anything at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it is about this very recipient.
    pub fn is_about(&self, recipient: &str) -> bool {
        self.to.as_ref().is_some_and(|to| to.fits(recipient))
    }

    /// Whether each of its keys fits.
    pub fn fits(&self, mail: &Mail) -> bool {
        let Self { to, from, subject, body, peer } = self;
        peer.is_none_or(|net| contains(net, mail.peer))
            && to.as_ref().is_none_or(|to| recipients(mail).any(|address| to.fits(address)))
            && from.as_ref().is_none_or(|from| from.fits(&mail.from) || from.fits_header(&mail.sender))
            && subject.as_ref().is_none_or(|words| words.fits(&mail.subject))
            && body.as_ref().is_none_or(|words| words.fits(&mail.body))
    }
}

/// A peer on a socket for both kinds of addresses may come as an IPv4 address in an IPv6 one.
fn contains(net: IpNet, peer: IpAddr) -> bool {
    net.contains(&peer.to_canonical())
}

/// The recipients. Cameras whose form has one field for all put several into one, as `a@nvr;b@nvr`.
pub(super) fn recipients(mail: &Mail) -> impl Iterator<Item = &str> {
    mail.to.iter().flat_map(|to| to.split([';', ','])).map(str::trim)
}

/// What stands before the `@`, without quotes.
pub(super) fn local_part(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(local, _)| local).trim_matches('"')
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = [
            ("to", self.to.as_ref().map(|it| quoted(&it.0.text))),
            ("from", self.from.as_ref().map(|it| quoted(&it.0.text))),
            ("subject", self.subject.as_ref().map(|it| quoted(&it.0.text))),
            ("body", self.body.as_ref().map(|it| quoted(&it.0.text))),
            ("peer", self.peer.map(|net| quoted(&bare(net)))),
        ];
        let keys: Vec<_> = texts.into_iter().filter_map(|(key, text)| Some(format!("{key} = {}", text?))).collect();
        write!(f, "{{ {} }}", keys.join(", "))
    }
}

/// A network as people write it: one address without its length.
fn bare(net: IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() }
}

/// A text without control characters as TOML has it, literal where a pattern would have to be escaped.
pub(super) fn quoted(text: &str) -> String {
    match (text.contains(['"', '\\']), text.contains('\'')) {
        (false, _) => format!("\"{text}\""),
        (true, false) => format!("'{text}'"),
        (true, true) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// An address, or what stands before its `@`, or a pattern that is found in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Sought);

impl Address {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it, with the remedy: the end of a sentence.
    pub fn new(text: &str) -> Result<Self, String> {
        if let Some(pattern) = pattern(text) {
            return Ok(Self(Sought::new(text, pattern)?));
        }
        if text.contains(char::is_whitespace) || text.contains([';', ',', '<', '>']) || local_part(text).is_empty() {
            return Err("is no address (write for example \"garden@nvr\", or \"garden\", or '/^cam[0-9]+@/')".into());
        }
        let whole = regex::escape(text);
        // `garden+night@nvr` is `garden`, as mail systems have it.
        let fits = if text.contains('@') { format!("^{whole}$") } else { format!("^\"?{whole}(\\+[^@]*)?\"?(@|$)") };
        Ok(Self(Sought::new(text, &fits)?))
    }

    fn fits(&self, address: &str) -> bool {
        self.0.regex.is_match(address)
    }

    /// The same of a header's line, which may hold names too: a pattern sees all of it.
    fn fits_header(&self, line: &str) -> bool {
        let mut words = line.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';'));
        match pattern(&self.0.text) {
            Some(_) => self.fits(line) || words.any(|word| self.fits(word)),
            None => words.any(|word| word.contains('@') && self.fits(word)),
        }
    }
}

/// Words that occur in a text one behind the other, or a pattern that is found in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(Sought);

impl Words {
    /// Reads them.
    ///
    /// # Errors
    /// What is wrong with them, with the remedy: the end of a sentence.
    pub fn new(text: &str) -> Result<Self, String> {
        if let Some(pattern) = pattern(text) {
            return Ok(Self(Sought::new(text, pattern)?));
        }
        let words: Vec<_> = text.split_whitespace().map(regex::escape).collect();
        let [first, last] = [text.trim().chars().next(), text.trim().chars().next_back()];
        let (Some(first), Some(last)) = (first, last) else {
            return Err("is empty (write words that occur in it, or leave the key out)".into());
        };
        // Where a text has no spaces between words there are no edges to look for.
        let before = if first.is_ascii_alphanumeric() { format!("(^|{EDGE})") } else { String::new() };
        let after = if last.is_ascii_alphanumeric() { format!("({EDGE}|$)") } else { String::new() };
        Ok(Self(Sought::new(text, &format!("{before}{}{after}", words.join("\\s+")))?))
    }

    fn fits(&self, text: &str) -> bool {
        self.0.regex.is_match(text)
    }
}

/// What stands between the slashes of a pattern; `None`: it is none.
fn pattern(text: &str) -> Option<&str> {
    text.strip_prefix('/')?.strip_suffix('/')
}

/// Something to be found, as it was written and as it is sought.
#[derive(Debug, Clone)]
struct Sought {
    text: String,
    regex: Regex,
}

impl Sought {
    fn new(text: &str, pattern: &str) -> Result<Self, String> {
        if text.len() > LONGEST || text.contains(char::is_control) {
            return Err(format!("holds a line break or is longer than {LONGEST} bytes (write less of it)"));
        }
        if pattern.is_empty() {
            return Err("is an empty pattern (write words, or a regular expression between / and /)".into());
        }
        let built = RegexBuilder::new(pattern).case_insensitive(true).multi_line(true).size_limit(COMPILED).build();
        let regex = built.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "is a pattern that takes too much memory (repeat less in it)".to_owned(),
            error => format!("is no regular expression: {} (see docs.rs/regex for its syntax)", last_line(&error)),
        })?;
        Ok(Self { text: text.to_owned(), regex })
    }
}

/// Of an error that draws where it is, what is wrong.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next_back().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

impl PartialEq for Sought {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Sought {}

#[cfg(test)]
mod tests;
