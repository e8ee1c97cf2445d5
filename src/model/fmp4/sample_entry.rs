//! `stsd`: how a track's samples are coded.

use super::Malformed;
use super::boxes::{Reader, boxes};
use std::ops::Range;

/// The codec's name as FFmpeg calls it, and the pictures' size (0 × 0 for sound), by the first entry.
pub(super) fn describe(stsd: &[u8], handler: &[u8; 4]) -> Result<(String, (u16, u16)), Malformed> {
    let entries = stsd.get(8..).ok_or(Malformed("stsd is too short"))?;
    let entry = boxes(entries).next().ok_or(Malformed("stsd without an entry"))??;
    let size = if handler == b"vide" {
        let mut body = Reader(entry.body);
        body.take(24)?;
        (body.u16()?, body.u16()?)
    } else {
        (0, 0)
    };
    let name = match &entry.kind {
        b"avc1" | b"avc3" => "h264",
        b"hvc1" | b"hev1" => "hevc",
        b"av01" => "av1",
        b"vp08" => "vp8",
        b"vp09" => "vp9",
        b"mp4v" => match object_type(entry.body, handler) {
            Some(0x6c) => "mjpeg",
            _ => "mpeg4",
        },
        b"jpeg" | b"mjpg" | b"mjpa" => "mjpeg",
        b"mp4a" => match object_type(entry.body, handler) {
            Some(0x69 | 0x6b) => "mp3",
            _ => "aac",
        },
        b"Opus" => "opus",
        b"ac-3" => "ac3",
        b"fLaC" => "flac",
        other => return Ok((other.iter().map(|&b| printable(b)).collect(), size)),
    };
    Ok((name.to_owned(), size))
}

fn printable(byte: u8) -> char {
    if byte.is_ascii_graphic() { byte.into() } else { '?' }
}

/// The entries with every bit rate set to 0, so that two files of the same stream compare equal.
pub(super) fn without_rates(stsd: &[u8], handler: &[u8; 4]) -> Vec<u8> {
    let mut plain = stsd.to_vec();
    for rate in rates(stsd, handler) {
        plain[rate].fill(0);
    }
    plain
}

/// Where buffer sizes and bit rates stand: `btrt`, and inside `esds`. What cannot be read is left as it is.
fn rates(stsd: &[u8], handler: &[u8; 4]) -> Vec<Range<usize>> {
    let entries = boxes(stsd.get(8..).unwrap_or_default()).map_while(Result::ok);
    let mut found = Vec::new();
    for entry in entries {
        let start = 8 + entry.range.start;
        for (range, kind) in details(entry.body, handler) {
            let body = &entry.body[range.clone()];
            let at = start + range.start;
            match &kind {
                b"btrt" => found.push(at..at + body.len()),
                b"esds" => found.extend(decoder_config(body).map(|config| at + config + 2..at + config + 13)),
                _ => {}
            }
        }
    }
    found
}

/// The boxes behind an entry's fixed fields, by place in the entry.
fn details<'a>(entry: &'a [u8], handler: &[u8; 4]) -> impl Iterator<Item = (Range<usize>, [u8; 4])> + use<'a> {
    let fixed = if handler == b"vide" { 78 } else { 28 };
    boxes(entry.get(fixed..).unwrap_or_default())
        .map_while(Result::ok)
        .map(move |atom| (fixed + atom.range.start..fixed + atom.range.end, atom.kind))
}

/// The object type of MPEG-4 systems, which tells AAC from MP3.
fn object_type(entry: &[u8], handler: &[u8; 4]) -> Option<u8> {
    let (esds, _) = details(entry, handler).find(|(_, kind)| kind == b"esds")?;
    let esds = &entry[esds];
    esds.get(decoder_config(esds)?).copied()
}

/// Where the 13 bytes of a decoder configuration begin in the body of `esds`: object type, stream type, buffer size,
/// highest and average bit rate.
fn decoder_config(esds: &[u8]) -> Option<usize> {
    let mut body = Reader(esds.get(4..)?);
    let stream = descriptor(&mut body, 3)?;
    let mut stream = Reader(stream);
    stream.take(2).ok()?;
    let flags = stream.u8().ok()?;
    if flags & 0x80 != 0 {
        stream.take(2).ok()?;
    }
    if flags & 0x40 != 0 {
        let url = stream.u8().ok()?;
        stream.take(url.into()).ok()?;
    }
    if flags & 0x20 != 0 {
        stream.take(2).ok()?;
    }
    let config = descriptor(&mut stream, 4)?;
    let behind = stream.0.len() + config.len();
    (config.len() >= 13).then(|| esds.len() - body.0.len() - behind)
}

/// The body of the descriptor that comes next, if it has that tag.
fn descriptor<'a>(bytes: &mut Reader<'a>, tag: u8) -> Option<&'a [u8]> {
    if bytes.u8().ok()? != tag {
        return None;
    }
    let mut length = 0usize;
    for _ in 0..4 {
        let byte = bytes.u8().ok()?;
        length = length << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return bytes.take(length).ok();
        }
    }
    None
}
