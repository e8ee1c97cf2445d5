//! The way through a message: its parts, as deep and as many as a camera would ever send.

use mailparse::ParsedContentType;

/// Parts within parts.
const DEEPEST: usize = 8;
/// Parts of a message that are looked at.
const MOST: usize = 64;
/// Bytes of a part's header block.
const HEADERS: usize = 8 << 10;
/// Longest boundary, in bytes; the standard says 70.
const BOUNDARY: usize = 200;
/// Bytes of a `Content-Type` that are parsed.
const CONTENT_TYPE: usize = 1024;

/// A part that holds no others.
pub(super) struct Part<'a> {
    /// Its headers.
    pub headers: &'a [u8],
    /// What it says it is; plain text if it does not say.
    pub kind: ParsedContentType,
    /// As it came.
    pub body: &'a [u8],
}

/// The parts of a message in their order, those within others too.
pub(super) fn leaves(message: &[u8], headers: usize) -> Vec<Part<'_>> {
    let mut leaves = Vec::new();
    let mut looked_at = 0;
    let mut waiting = vec![(message, headers, 0)];
    while let Some((raw, longest, depth)) = waiting.pop() {
        looked_at += 1;
        if looked_at > MOST {
            break;
        }
        let (headers, body) = split(raw, longest);
        let kind = kind(headers);
        let boundary = kind.params.get("boundary").filter(|it| (1..=BOUNDARY).contains(&it.len()));
        let inner = match boundary {
            Some(boundary) if kind.mimetype.starts_with("multipart/") => between(body, boundary.as_bytes()),
            _ if kind.mimetype == "message/rfc822" => vec![body],
            Some(_) | None => Vec::new(),
        };
        match inner.is_empty() || depth == DEEPEST {
            // A mail whose boundary never comes is broken, and may say something all the same.
            true if kind.mimetype.starts_with("multipart/") => {
                leaves.push(Part { headers: b"", kind: ParsedContentType::default(), body });
            }
            true => leaves.push(Part { headers, kind, body }),
            false => waiting.extend(inner.into_iter().rev().map(|part| (part, HEADERS, depth + 1))),
        }
    }
    leaves
}

/// Header block and body. Of a block that is too long the rest counts as body.
pub(super) fn split(raw: &[u8], longest: usize) -> (&[u8], &[u8]) {
    let mut end = 0;
    for line in raw.split_inclusive(|&b| b == b'\n') {
        if matches!(line, b"\n" | b"\r\n") {
            return (&raw[..end], &raw[end + line.len()..]);
        }
        end += line.len();
        if end > longest {
            break;
        }
    }
    raw.split_at(end.min(longest))
}

/// A header with its continuation lines, from its name to the end of its last line. `name` is in lower case and ends
/// with the colon; the first of several wins.
pub(super) fn field<'a>(headers: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut start = None;
    let mut end = 0;
    for line in headers.split_inclusive(|&b| b == b'\n') {
        let folded = matches!(line.first(), Some(b' ' | b'\t'));
        match start {
            Some(start) if !folded => return Some(&headers[start..end]),
            None if line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) => start = Some(end),
            Some(_) | None => {}
        }
        end += line.len();
    }
    start.map(|start| &headers[start..end])
}

/// What a part says it is.
fn kind(headers: &[u8]) -> ParsedContentType {
    let raw = field(headers, b"content-type:").unwrap_or_default();
    let raw = &raw[..raw.len().min(CONTENT_TYPE)];
    let header = mailparse::parse_header(raw).ok().filter(|_| !raw.is_empty());
    header.map_or_else(ParsedContentType::default, |(header, _)| mailparse::parse_content_type(&header.get_value()))
}

/// What stands between the boundary lines of a body; the last piece may have no end.
fn between<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let (mut begun, mut at) = (None, 0);
    for line in body.split_inclusive(|&b| b == b'\n') {
        let rest = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary));
        if let Some(rest) = rest {
            pieces.extend(begun.map(|begun| &body[begun..at]));
            begun = (!rest.starts_with(b"--")).then_some(at + line.len());
            if begun.is_none() || pieces.len() == MOST {
                return pieces;
            }
        }
        at += line.len();
    }
    pieces.extend(begun.map(|begun| &body[begun..]));
    pieces
}
