//! What a camera's `source` stands for once `${NAME}` and `${file:…}` are filled in. No sentence of this file repeats a
//! word of the source or of a secret.

use super::Env;
use crate::model::settings::{Source, SourceKind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::io::Read;
use std::path::Path;

/// Everything but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Longest source and longest secret, in bytes.
const MAX: usize = 4096;

/// A source that is ready for FFmpeg.
pub(super) struct Expanded {
    pub(super) source: Source,
    /// Whether the file itself holds the password.
    pub(super) in_clear: bool,
}

/// A part of a source as it is written.
enum Piece<'a> {
    Plain(&'a str),
    /// What stands between `${` and `}`.
    Secret(&'a str),
}

/// Where in a URL a part stands, which decides how a secret is written there.
#[derive(Clone, Copy, PartialEq)]
enum Zone {
    /// Before the `@`: user and password, percent-encoded, or `p@ss` would become a host.
    User,
    /// Behind the `?`: likewise.
    Query,
    /// Host, path, or no URL at all: as it is, because `${HOST}` may bring a port and `${PATH}` slashes.
    Other,
}

/// Fills in `template` and makes sure that nobody can take a part of its password for a host or a path.
pub(super) fn expand(template: &str, base: &Path, env: Env) -> Result<Expanded, String> {
    let pieces = split(template)?;
    let zones = zones(&pieces);
    let mut text = String::new();
    for (piece, zone) in pieces.iter().zip(&zones) {
        match (piece, zone) {
            (Piece::Plain(plain), _) => text.push_str(plain),
            (Piece::Secret(name), Zone::User | Zone::Query) => {
                text.extend(utf8_percent_encode(&secret(name, base, env)?, RESERVED));
            }
            (Piece::Secret(name), Zone::Other) => text.push_str(&secret(name, base, env)?),
        }
    }
    let text = lower_scheme(text);
    check(&text)?;
    let source = Source::new(text);
    let source =
        if is_relative_file(&source) { Source::new(base.join(source.reveal()).display().to_string()) } else { source };
    Ok(Expanded { source, in_clear: in_clear(&pieces) })
}

/// A text that may hold secrets, as it is meant; and whether the file itself holds all of it.
pub(super) fn fill(template: &str, base: &Path, env: Env) -> Result<(String, bool), String> {
    let pieces = split(template)?;
    let mut text = String::new();
    for piece in &pieces {
        match piece {
            Piece::Plain(plain) => text.push_str(plain),
            Piece::Secret(name) => text.push_str(&secret(name, base, env)?),
        }
    }
    Ok((text, !pieces.iter().any(|piece| matches!(piece, Piece::Secret(_)))))
}

fn split(template: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) =
            after.split_once('}').ok_or("has a ${ without its } (write ${NAME}, or ${file:/path/to/secret})")?;
        pieces.extend([Piece::Plain(before), Piece::Secret(name)]);
        rest = after;
    }
    pieces.push(Piece::Plain(rest));
    Ok(pieces)
}

/// The template with one harmless character for each secret, so that its shape can be seen.
fn skeleton(pieces: &[Piece]) -> String {
    let shape = |piece: &Piece| match piece {
        Piece::Plain(plain) => plain.replace('\u{1}', ""),
        Piece::Secret(_) => "\u{1}".to_owned(),
    };
    pieces.iter().map(shape).collect()
}

/// Scheme, authority and the rest of a URL; `None` if it is none.
fn url(text: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let is_scheme = !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    is_scheme.then_some((scheme, authority, rest))
}

/// The zone of each piece.
fn zones(pieces: &[Piece]) -> Vec<Zone> {
    let shape = skeleton(pieces);
    let Some((scheme, authority, rest)) = url(&shape) else { return vec![Zone::Other; pieces.len()] };
    let start = scheme.len() + "://".len();
    let user_end = start + authority.rfind('@').unwrap_or(0);
    let query = rest.find('?').map_or(shape.len(), |at| start + authority.len() + at);
    let mut at = 0;
    let mut zone = |piece: &Piece| {
        let here = at;
        at += skeleton(std::slice::from_ref(piece)).len();
        match here {
            here if (start..user_end).contains(&here) => Zone::User,
            here if here > query => Zone::Query,
            _ => Zone::Other,
        }
    };
    pieces.iter().map(&mut zone).collect()
}

/// What a `${name}` stands for.
fn secret(name: &str, base: &Path, env: Env) -> Result<String, String> {
    let value = match name.strip_prefix("file:") {
        Some(path) => secret_file(&base.join(path))?,
        None => {
            let is_name =
                !name.is_empty() && name.len() <= 128 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !is_name {
                return Err("has a ${…} that names no variable (write ${NAME}, or ${file:/path/to/secret})".into());
            }
            let remedy = format!("run: export {name}=…, or write ${{file:/path/to/secret}} in its place");
            let value = env(name).ok_or_else(|| format!("{name} is not set ({remedy})"))?;
            if value.is_empty() {
                return Err(format!("{name} is empty ({remedy})"));
            }
            value
        }
    };
    if value.len() > MAX || value.chars().any(char::is_control) {
        let what = name.strip_prefix("file:").unwrap_or(name);
        return Err(format!("{what} holds a line break or is too long (make it one line of at most {MAX} bytes)"));
    }
    Ok(value)
}

/// The one line in a file.
fn secret_file(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        format!("{shown} cannot be read: {} (make it a file that the recorder's user can read)", super::plain(&error))
    };
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(format!("{shown} is not a file (name a file that holds the password and nothing else)"));
    }
    let mut value = String::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(MAX as u64 + 2).read_to_string(&mut value).map_err(unreadable)?;
    let line = value.strip_suffix('\n').unwrap_or(&value);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(format!("{shown} is empty (write the password into it)"));
    }
    Ok(line.to_owned())
}

/// `RTSP://` is `rtsp://` to everyone else.
fn lower_scheme(text: String) -> String {
    match url(&text) {
        Some((scheme, _, _)) => scheme.to_ascii_lowercase() + &text[scheme.len()..],
        None => text,
    }
}

/// Whether FFmpeg would look for a file in the directory that the recorder happens to run in.
fn is_relative_file(source: &Source) -> bool {
    let text = source.reveal();
    let has_protocol = text.split('/').next().is_some_and(|first| first.contains(':'));
    source.kind() == SourceKind::File && !has_protocol && !text.starts_with('/')
}

fn check(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("is empty (write what FFmpeg is to open: rtsp://…)".into());
    }
    if text.len() > MAX || text.chars().any(char::is_control) {
        return Err(format!("holds a line break or is too long (write one line of at most {MAX} bytes)"));
    }
    let Some((scheme, authority, rest)) = url(text) else { return Ok(()) };
    if text.contains(char::is_whitespace) {
        return Err("is a URL with a space in it (write %20)".into());
    }
    let has_user = authority.contains('@');
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let port = match place.rsplit_once(']') {
        Some((_, port)) => port.strip_prefix(':'),
        None => place.rsplit_once(':').map(|(_, port)| port),
    };
    let odd_port = port.is_some_and(|port| !port.is_empty() && port.parse::<u16>().is_err());
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    if odd_port || (has_user && path.contains('@')) {
        return Err(
            "has a password with a sign that ends it too early, or a port that is no number (write / ? # @ in a \
             password as %2F %3F %23 %40, or put the password into a variable: ${NAME})"
                .into(),
        );
    }
    let needs_host = matches!(scheme, "rtsp" | "rtsps" | "http" | "https");
    if needs_host && (place.is_empty() || place.starts_with(':')) {
        return Err("names no host (write for example rtsp://192.168.1.20/stream)".into());
    }
    Ok(())
}

/// Whether a password can be read in the file: between `user:` and `@`, or in a query where cameras take it too.
fn in_clear(pieces: &[Piece]) -> bool {
    let shape = skeleton(pieces);
    let Some((_, authority, rest)) = url(&shape) else { return false };
    let readable = |value: &str| value.contains(|c| c != '\u{1}');
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let in_query = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap_or_default();
        let key = key.to_ascii_lowercase();
        ["pass", "pwd", "token", "auth"].iter().any(|word| key.contains(word)) && readable(value)
    };
    user.split_once(':').is_some_and(|(_, password)| readable(password))
        || rest.split_once('?').is_some_and(|(_, query)| query.split('&').any(in_query))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with(template: &str, secret: &str) -> Result<String, String> {
        let env = |name: &str| (name == "P").then(|| secret.to_owned());
        expand(template, Path::new("/etc/nvr"), &env).map(|expanded| expanded.source.reveal().to_owned())
    }

    #[test]
    fn a_secret_is_encoded_where_a_url_would_misread_it() {
        for (template, text) in [
            ("rtsp://u:${P}@cam/a", "rtsp://u:p%40%2F%3A%20%C3%A9@cam/a"),
            ("RTSP://${P}@cam/a", "rtsp://p%40%2F%3A%20%C3%A9@cam/a"),
            ("http://cam/a?u=x&p=${P}&q=${P}", "http://cam/a?u=x&p=p%40%2F%3A%20%C3%A9&q=p%40%2F%3A%20%C3%A9"),
            ("lavfi:drawtext=text=${P}", "lavfi:drawtext=text=p@/: é"),
            ("clips/a.mp4", "/etc/nvr/clips/a.mp4"),
            ("/srv/a.mp4", "/srv/a.mp4"),
            ("file:a.mp4", "file:a.mp4"),
            ("rtsp://u:${P}${P}@cam", "rtsp://u:p%40%2F%3A%20%C3%A9p%40%2F%3A%20%C3%A9@cam"),
        ] {
            assert_eq!(with(template, "p@/: é").as_deref(), Ok(text), "{template}");
        }
        assert_eq!(with("${P}", "rtsp://u:p@cam/a").as_deref(), Ok("rtsp://u:p@cam/a"));
        assert_eq!(with("rtsp://u:p@${P}/a", "10.0.0.9:8554").as_deref(), Ok("rtsp://u:p@10.0.0.9:8554/a"));
        assert_eq!(with("rtsp://u:p@cam/${P}", "Streaming/101").as_deref(), Ok("rtsp://u:p@cam/Streaming/101"));
    }

    #[test]
    fn a_password_in_the_file_is_noticed() {
        for (template, clear) in [
            ("rtsp://u:p@cam/a", true),
            ("rtsp://u:x${P}@cam/a", true),
            ("http://cam/a?user=u&password=p", true),
            ("rtsp://u:${P}@cam/a", false),
            ("rtsp://u@cam/a", false),
            ("http://cam/a?user=u&password=${P}", false),
            ("garden.mp4", false),
        ] {
            let found = expand(template, Path::new("/"), &|_| Some("p".into())).map(|expanded| expanded.in_clear);
            assert_eq!(found, Ok(clear), "{template}");
        }
    }

    proptest! {
        /// Whatever the password is, the URL keeps its shape: FFmpeg talks to the camera's host and nobody reads the
        /// password off a sentence.
        #[test]
        fn no_password_can_change_the_host(password in "[^\\p{Cc}]{1,40}") {
            let text = with("rtsp://admin:${P}@192.168.1.20:554/Streaming/Channels/101", &password).expect("any password");
            let source = Source::new(text.clone());
            prop_assert_eq!(source.host(), Some("192.168.1.20"));
            prop_assert_eq!(source.to_string(), "rtsp://…@192.168.1.20:554/Streaming/Channels/101");
            prop_assert!(text.is_ascii());
        }

        /// Anything may be written as a source; what is wrong with it is said without repeating it.
        #[test]
        fn what_is_wrong_is_said_without_the_source(template in "[a-z]{3}://[a-z:@/?#${} ]{0,30}QQQQ[a-z:@/?#${} \n]{0,30}") {
            if let Err(sentence) = with(&template, "ZZZZ\n") {
                prop_assert!(!sentence.contains("ZZZZ"), "{}", sentence);
                prop_assert!(!sentence.contains("QQQQ") || template.contains("${"), "{}", sentence);
            }
        }
    }
}
