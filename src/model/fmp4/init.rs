//! `moov`: what the tracks of a file are.

use super::Malformed;
use super::boxes::{Reader, boxes, find, need};
use super::sample_entry;
use crate::model::snapshot::Media;
use std::ops::Range;

/// The header of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Init {
    /// Where `ftyp` and `moov` lie in the file; a clip begins with these bytes as they are.
    pub ranges: Vec<Range<u64>>,
    /// At least one, at most [`Init::MAX_TRACKS`].
    pub tracks: Vec<Track>,
}

/// One track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// How fragments call it.
    pub id: u32,
    /// `vide`, `soun`, ….
    pub handler: [u8; 4],
    /// Ticks a second.
    pub timescale: u32,
    /// What the edit list adds to every time of this track, in ticks: with B-frames it is negative.
    pub offset: i64,
    /// The sample entries (`stsd`), without bit rates: those are guesses that differ from file to file.
    pub entries: Vec<u8>,
    /// Ticks of a sample where neither fragment nor run says so.
    pub default_duration: u32,
    /// The rest of `trex`, for comparing.
    pub defaults: [u32; 3],
    /// `h264`, `aac`, …
    pub codec: String,
    /// Width and height in pixels; 0 for sound.
    pub size: (u16, u16),
}

impl Track {
    /// Whether it holds pictures.
    pub fn is_video(&self) -> bool {
        &self.handler == b"vide"
    }
}

impl Init {
    /// Far more than a camera has.
    pub const MAX_TRACKS: usize = 16;
    /// Above this a time cannot be computed exactly, and nothing real has it.
    const MAX_TIMESCALE: u32 = 100_000_000;

    /// Reads the body of `moov`.
    pub(super) fn parse(moov: &[u8]) -> Result<Init, Malformed> {
        let movie_scale = timescale(need(moov, b"mvhd", "moov without mvhd")?)?;
        let mut tracks = Vec::new();
        for atom in boxes(moov) {
            let atom = atom?;
            if &atom.kind == b"trak" {
                if tracks.len() == Self::MAX_TRACKS {
                    return Err(Malformed("more than 16 tracks"));
                }
                tracks.push(track(atom.body, movie_scale)?);
            }
        }
        if let Some(mvex) = find(moov, b"mvex")? {
            read_defaults(mvex.body, &mut tracks)?;
        }
        let mut ids: Vec<u32> = tracks.iter().map(|track| track.id).collect();
        ids.sort_unstable();
        ids.dedup();
        if tracks.is_empty() || ids.len() != tracks.len() {
            return Err(Malformed("no tracks, or two of the same id"));
        }
        Ok(Init { ranges: Vec::new(), tracks })
    }

    /// Whether fragments of `other` can go on in a file that began with `self`.
    ///
    /// Edit lists may differ: [`super::Timeline`] makes up for them.
    pub fn goes_on_with(&self, other: &Init) -> bool {
        let same = |(a, b): (&Track, &Track)| {
            (a.id, a.handler, a.timescale, &a.entries) == (b.id, b.handler, b.timescale, &b.entries)
                && (a.default_duration, a.defaults) == (b.default_duration, b.defaults)
        };
        self.tracks.len() == other.tracks.len() && self.tracks.iter().zip(&other.tracks).all(same)
    }

    /// Codec and size; `None` if there are no pictures.
    pub fn media(&self) -> Option<Media> {
        let video = self.tracks.iter().find(|track| track.is_video())?;
        let audio = self.tracks.iter().find(|track| &track.handler == b"soun");
        Some(Media {
            video: video.codec.clone(),
            width: video.size.0.into(),
            height: video.size.1.into(),
            audio: audio.map(|track| track.codec.clone()),
        })
    }

    /// A track by the name that fragments use.
    pub(super) fn track(&self, id: u32) -> Result<&Track, Malformed> {
        self.tracks.iter().find(|track| track.id == id).ok_or(Malformed("a fragment of a track that does not exist"))
    }
}

/// `mvhd` and `mdhd` begin alike: two dates, then ticks a second.
fn timescale(body: &[u8]) -> Result<u32, Malformed> {
    let mut body = Reader(body);
    let (version, _) = body.version_and_flags()?;
    body.wide(version)?;
    body.wide(version)?;
    match body.u32()? {
        0 => Err(Malformed("a clock of 0 ticks a second")),
        Init::MAX_TIMESCALE.. => Err(Malformed("a clock of 100 million ticks a second")),
        scale => Ok(scale),
    }
}

fn track(trak: &[u8], movie_scale: u32) -> Result<Track, Malformed> {
    let mut tkhd = Reader(need(trak, b"tkhd", "trak without tkhd")?);
    let (version, _) = tkhd.version_and_flags()?;
    tkhd.wide(version)?;
    tkhd.wide(version)?;
    let id = tkhd.u32()?;

    let mdia = need(trak, b"mdia", "trak without mdia")?;
    let timescale = timescale(need(mdia, b"mdhd", "mdia without mdhd")?)?;
    let mut hdlr = Reader(need(mdia, b"hdlr", "mdia without hdlr")?);
    hdlr.take(8)?;
    let handler = hdlr.kind()?;
    let minf = need(mdia, b"minf", "mdia without minf")?;
    let stbl = need(minf, b"stbl", "minf without stbl")?;
    let stsd = need(stbl, b"stsd", "stbl without stsd")?;
    let offset = match find(trak, b"edts")? {
        Some(edts) => edit_offset(edts.body, movie_scale, timescale)?,
        None => 0,
    };
    let (codec, size) = sample_entry::describe(stsd, &handler)?;
    let entries = sample_entry::without_rates(stsd, &handler);
    Ok(Track { id, handler, timescale, offset, entries, default_duration: 0, defaults: [0; 3], codec, size })
}

/// Empty edits delay a track, the media time of the first real one takes as much off; the sum in the track's ticks.
fn edit_offset(edts: &[u8], movie_scale: u32, timescale: u32) -> Result<i64, Malformed> {
    const TOO_FAR: Malformed = Malformed("an edit list that reaches beyond all time");
    let Some(elst) = find(edts, b"elst")? else { return Ok(0) };
    let mut elst = Reader(elst.body);
    let (version, _) = elst.version_and_flags()?;
    let mut empty: u64 = 0; // in the movie's ticks
    for _ in 0..elst.u32()? {
        let duration = elst.wide(version)?; // running out of bytes ends the loop
        let media_time = if version == 0 { i64::from(elst.u32()? as i32) } else { elst.u64()? as i64 };
        elst.take(4)?;
        if media_time == -1 {
            empty = empty.checked_add(duration).ok_or(TOO_FAR)?;
            continue;
        }
        let delay = u128::from(empty) * u128::from(timescale) / u128::from(movie_scale);
        return i64::try_from(delay).ok().and_then(|delay| delay.checked_sub(media_time)).ok_or(TOO_FAR);
    }
    Ok(0)
}

/// `trex`: what holds for samples of which nobody says more.
fn read_defaults(mvex: &[u8], tracks: &mut [Track]) -> Result<(), Malformed> {
    for atom in boxes(mvex) {
        let atom = atom?;
        if &atom.kind == b"trex" {
            let mut trex = Reader(atom.body);
            trex.version_and_flags()?;
            let (id, description, duration) = (trex.u32()?, trex.u32()?, trex.u32()?);
            let (size, flags) = (trex.u32()?, trex.u32()?);
            if let Some(track) = tracks.iter_mut().find(|track| track.id == id) {
                track.default_duration = duration;
                track.defaults = [description, size, flags];
            }
        }
    }
    Ok(())
}
