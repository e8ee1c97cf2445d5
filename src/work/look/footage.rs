//! Finds what is worth looking at: a few fragments, each of which begins with a key frame. Files are being written,
//! renamed and removed meanwhile; only what is whole counts.

use super::darkroom::Frame;
use super::jpeg::{self, MOST};
use crate::model::fmp4::{Fragment, Init, Part};
use crate::model::id::CameraName;
use crate::model::question::{Moment, Still};
use crate::model::record::{Record, Stored, Trigger};
use crate::model::text::fit_for_screen;
use crate::model::time::Wall;
use crate::work::archive::{self, Sidecar, Unreadable, Walker};
use data_encoding::BASE64;
use std::io::{self, ErrorKind, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Pictures of the camera's own that are shown: beside those of the footage there is no room for all.
const MAILS: usize = 3;
/// Most bytes of a fragment that are read. Ten seconds at 8 Mbit/s are 10 MB, and the key frame is at the beginning.
const LARGEST: u64 = 16 << 20;

/// What FFmpeg needs to decode some key frames.
pub(super) struct Reel {
    /// `ftyp` and `moov`.
    pub head: Vec<u8>,
    /// In order of time; at least one.
    pub shots: Vec<Shot>,
}

/// One fragment worth looking at.
pub(super) struct Shot {
    /// Why.
    pub which: Moment,
    /// When its first picture was taken, as far as we know.
    pub at: Option<Wall>,
    /// It.
    pub frame: Frame,
}

/// What there is to see of a clip.
pub(super) struct Strip {
    /// Its footage, or why there is none.
    pub reel: Result<Reel, String>,
    /// What the camera itself sent.
    pub mails: Vec<Still>,
}

/// A fragment with pictures.
#[derive(Clone)]
struct Found {
    fragment: Fragment,
    shown: Range<Duration>,
}

/// The last whole fragment of a segment in RAM.
///
/// # Errors
/// Why there is none, in words.
pub(super) fn newest(path: &Path, limit: Instant) -> Result<Reel, String> {
    let mut walker = open(path, limit)?;
    let found = last(&mut walker, None).map_err(said)?.ok_or(NOTHING)?;
    // A fragment is written when the next begins, so that is when it ended.
    let written = walker.written().ok().and_then(|at| Wall::try_from(at).ok());
    let length = found.shown.end.saturating_sub(found.shown.start);
    let at = written.and_then(|end| end.checked_sub(length).ok());
    reel(&walker, vec![(Moment::Newest, at, found)])
}

const NOTHING: &str = "it has no whole fragment with pictures";

/// The last whole fragment of a camera's newest clip.
///
/// # Errors
/// Why there is none, in words.
pub(super) fn end(root: &Path, camera: &CameraName, limit: Instant) -> Result<Reel, String> {
    let newest = archive::newest(root, Some(camera), 1)?.pop().ok_or("it is gone")?;
    let mut clip = Clip::open(root, &newest.name, limit)?;
    let walker = clip.walker.as_mut().map_err(|why| why.clone())?;
    let first = next(walker).map_err(said)?.ok_or(NOTHING)?;
    let found = last_of(walker, &first, &places(clip.record.as_ref(), &first)).map_err(said)?;
    let at = clip.start.and_then(|start| start.checked_add(found.shown.start).ok());
    reel(walker, vec![(Moment::Newest, at, found)])
}

/// The ends of a clip, the fragment in which its first trigger lies, and the camera's own picture.
///
/// # Errors
/// There is no such clip: a sentence.
pub(super) fn strip(root: &Path, name: &str, limit: Instant) -> Result<Strip, String> {
    let clip = Clip::open(root, name, limit)?;
    let mails = mails(&clip.path, clip.record.as_ref(), archive::pictures(root, name));
    let footage = |mut walker: Walker| {
        let moments = moments(&mut walker, clip.record.as_ref(), clip.start).map_err(said)?;
        reel(&walker, moments)
    };
    Ok(Strip { reel: clip.walker.and_then(footage), mails })
}

/// A clip that is looked at.
struct Clip<'a> {
    path: PathBuf,
    name: &'a str,
    record: Option<Record>,
    /// When its footage begins.
    start: Option<Wall>,
    /// Its footage, or why it cannot be read.
    walker: Result<Walker, String>,
}

impl Clip<'_> {
    fn open<'a>(root: &Path, name: &'a str, limit: Instant) -> Result<Clip<'a>, String> {
        let locate = || archive::locate(root, name);
        let path =
            locate().ok_or_else(|| format!("there is no clip {} (see: nvr clips)", fit_for_screen(name, 120)))?;
        // One that has just been closed has another name now.
        let walker = open(&path, limit).or_else(|why| match locate() {
            Some(other) if other != path => open(&other, limit),
            Some(_) | None => Err(why),
        });
        let mut clip = Clip { path, name, record: None, start: None, walker };
        if let Ok(Sidecar { record, resume }) = Sidecar::read(&clip.beside("json")) {
            clip.start = record.got.map(|got| got.from).or(resume.map(|resume| resume.start));
            clip.record = Some(record);
        }
        Ok(clip)
    }

    fn beside(&self, ending: &str) -> PathBuf {
        self.path.with_file_name(format!("{}.{ending}", self.name))
    }
}

fn open(path: &Path, limit: Instant) -> Result<Walker, String> {
    let walker = Walker::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => "it is gone".to_owned(),
        _ => said(Unreadable::Io(error)),
    })?;
    Ok(walker.until(limit))
}

fn said(error: Unreadable) -> String {
    error.to_string()
}

/// The fragments of a clip that tell what happened, in order of time, none twice.
fn moments(walker: &mut Walker, record: Option<&Record>, start: Option<Wall>) -> Result<Vec<Chosen>, Unreadable> {
    let Some(first) = next(walker)? else { return Ok(Vec::new()) };
    let places = places(record, &first);
    let end = last_of(walker, &first, &places)?;
    let trigger = record.and_then(|record| record.triggers.first()).zip(start);
    let trigger = trigger.map(|(trigger, start)| after(start, trigger));
    let middle = trigger.map(|wanted| at(walker, &first, &places, wanted)).transpose()?;
    let found = [(Moment::First, Some(first)), (Moment::Trigger, middle), (Moment::Last, Some(end))];
    let mut moments: Vec<Chosen> = Vec::new();
    for (which, found) in found.into_iter().filter_map(|(which, found)| Some((which, found?))) {
        let later = |(_, _, before): &Chosen| before.fragment.range.start < found.fragment.range.start;
        if moments.iter().all(later) {
            let at = start.and_then(|start| start.checked_add(found.shown.start).ok());
            moments.push((which, at, found));
        }
    }
    Ok(moments)
}

/// What is worth looking at, why, and when it was.
type Chosen = (Moment, Option<Wall>, Found);

/// The last fragment of a clip. A disk that has to seek makes a hundred reads a second, so nothing is walked that can be
/// jumped over.
fn last_of(walker: &mut Walker, first: &Found, places: &[Begin]) -> Result<Found, Unreadable> {
    if let Some(place) = places.last() {
        walker.jump(place.byte);
        if let Some(found) = last(walker, None)? {
            return Ok(found);
        }
    }
    walker.jump(first.fragment.range.start);
    Ok(last(walker, None)?.unwrap_or_else(|| first.clone()))
}

/// The fragment of a clip in which an instant lies; the nearest if none does.
fn at(walker: &mut Walker, first: &Found, places: &[Begin], wanted: Duration) -> Result<Found, Unreadable> {
    if wanted < first.shown.end {
        return Ok(first.clone());
    }
    // The recorder's clock and the stream's do not agree to the frame.
    let before = |place: &&Begin| place.offset + Duration::from_secs(1) <= wanted;
    if let Some(place) = places.iter().rev().find(before) {
        walker.jump(place.byte);
        if let Some(found) = last(walker, Some(wanted))? {
            return Ok(found);
        }
    }
    walker.jump(first.fragment.range.start);
    Ok(last(walker, Some(wanted))?.unwrap_or_else(|| first.clone()))
}

/// How long after a clip's start it was triggered; not before.
fn after(start: Wall, trigger: &Trigger) -> Duration {
    Duration::try_from(trigger.at.duration_since(start)).unwrap_or_default()
}

/// Where a stored segment begins in its clip. A hint of the record's: what is found there must prove itself.
struct Begin {
    byte: u64,
    offset: Duration,
}

fn places(record: Option<&Record>, first: &Found) -> Vec<Begin> {
    let stored = record.map(|record| record.segments.as_slice()).unwrap_or_default();
    let Some(start) = stored.first().map(|stored| stored.window.from) else { return Vec::new() };
    let begin = |byte: &mut u64, stored: &Stored| {
        // The first one's bytes begin with the header.
        let here = (*byte).max(first.fragment.range.start);
        *byte = byte.saturating_add(stored.bytes);
        let offset = Duration::try_from(stored.window.from.duration_since(start)).unwrap_or_default();
        Some(Begin { byte: here, offset })
    };
    stored.iter().scan(0, begin).collect()
}

/// The last whole fragment with pictures from here on; of those that begin by `wanted`, if that is given.
fn last(walker: &mut Walker, wanted: Option<Duration>) -> Result<Option<Found>, Unreadable> {
    let mut last = None;
    while let Some(found) = next(walker)? {
        if wanted.is_some_and(|wanted| found.shown.start > wanted) {
            break;
        }
        last = Some(found);
    }
    Ok(last)
}

/// The next whole fragment with pictures; `None` where the whole ones end. What is damaged ends there too.
fn next(walker: &mut Walker) -> Result<Option<Found>, Unreadable> {
    loop {
        match walker.next() {
            Ok(Some(Part::Init(_))) => {}
            Ok(Some(Part::Fragment(fragment))) => {
                let shown = walker.walk().init().and_then(|init: &Init| fragment.shown(init));
                if let Some(shown) = shown {
                    return Ok(Some(Found { fragment, shown }));
                }
            }
            Ok(None) | Err(Unreadable::Malformed(_)) => return Ok(None),
            Err(Unreadable::Io(error)) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            Err(error @ (Unreadable::Io(_) | Unreadable::TooLong)) => return Err(error),
        }
    }
}

/// Reads what has been chosen.
fn reel(walker: &Walker, chosen: Vec<Chosen>) -> Result<Reel, String> {
    let read = |range: Range<u64>| walker.bytes(range).map_err(|error: io::Error| said(error.into()));
    let init = walker.walk().init().filter(|_| !chosen.is_empty()).ok_or(NOTHING)?;
    let mut head = Vec::new();
    for range in &init.ranges {
        head.extend(read(range.start..range.end.min(range.start + LARGEST))?);
    }
    let shot = |(which, at, found): Chosen| {
        let Range { start, end } = found.fragment.range;
        let whole = end - start <= LARGEST;
        let bytes = read(start..end.min(start + LARGEST))?;
        Ok(Shot { which, at, frame: Frame { bytes, whole } })
    };
    Ok(Reel { head, shots: chosen.into_iter().map(shot).collect::<Result<_, String>>()? })
}

/// The pictures that the camera sent with its mails, as they are; without those that are none, and as many as may be sent
/// on together.
fn mails(clip: &Path, record: Option<&Record>, names: Vec<String>) -> Vec<Still> {
    let triggers = || record.into_iter().flat_map(|record| &record.triggers);
    let with =
        |name: &str| triggers().find(|it| it.kind.mail().is_some_and(|mail| mail.picture.as_deref() == Some(name)));
    let mut room = MOST;
    let mut still = |name: String| {
        let mut bytes = Vec::new();
        let file = archive::open_regular(&clip.with_file_name(&name)).ok()?;
        file.take(room as u64 + 1).read_to_end(&mut bytes).ok()?;
        room = room.checked_sub(bytes.len()).filter(|_| jpeg::begins(&bytes))?;
        // One that the record does not name came with some mail: the first, if there is only one picture.
        let at = with(&name).or_else(|| triggers().find(|it| it.kind.mail().is_some())).map(|trigger| trigger.at);
        Some(Still { which: Moment::Mail, at, jpeg: BASE64.encode(&bytes) })
    };
    names.into_iter().filter_map(&mut still).take(MAILS).collect()
}
