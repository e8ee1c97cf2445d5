//! Reads MP4 files from the ring and from the archive, through [`Walk`]: headers into memory, footage not.

use super::disk::open_regular;
use crate::model::fmp4::{Fragment, Init, Malformed, Part, Walk};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// A file that is walked through.
pub(in crate::work) struct Walker {
    file: File,
    walk: Walk,
    body: Vec<u8>,
    limit: Option<Instant>,
}

/// Why a file cannot be read on.
#[derive(Debug, thiserror::Error)]
pub(in crate::work) enum Unreadable {
    /// The kernel says so.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Its content says so.
    #[error("it is damaged: {0}")]
    Malformed(#[from] Malformed),
    /// It takes longer than its reader may.
    #[error("reading it takes too long")]
    TooLong,
}

impl Walker {
    /// Begins at the first byte of a regular file.
    pub fn open(path: &Path) -> io::Result<Walker> {
        let file = open_regular(path)?;
        let walk = Walk::new(file.metadata()?.len());
        Ok(Walker { file, walk, body: Vec::new(), limit: None })
    }

    /// Gives up at that instant: a hostile file may have more boxes than anybody wants to wait for.
    pub fn until(self, limit: Instant) -> Walker {
        Walker { limit: Some(limit), ..self }
    }

    /// Goes on at another place: see [`Walk::jump`].
    pub fn jump(&mut self, to: u64) {
        self.walk.jump(to);
    }

    /// The bytes of a range that has been walked, as they are now.
    pub fn bytes(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(range.end.saturating_sub(range.start)).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut bytes, range.start)?;
        Ok(bytes)
    }

    /// When the file was last written.
    pub fn written(&self) -> io::Result<SystemTime> {
        self.file.metadata()?.modified()
    }

    /// The next part; `None` at the end. After a fragment [`Walker::moof`] has its bytes.
    pub fn next(&mut self) -> Result<Option<Part>, Unreadable> {
        while let Some(range) = self.walk.wants() {
            if self.limit.is_some_and(|limit| Instant::now() > limit) {
                return Err(Unreadable::TooLong);
            }
            // `Walk` asks for no more than 4 MiB.
            let mut bytes = vec![0; (range.end - range.start) as usize];
            self.file.read_exact_at(&mut bytes, range.start)?;
            let part = self.walk.give(&bytes)?;
            if bytes.len() > 16 {
                self.body = bytes; // a head is never longer
            }
            if part.is_some() {
                return Ok(part);
            }
        }
        Ok(None)
    }

    /// The bytes of the last fragment's `moof`.
    pub fn moof(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.body)
    }

    /// What has been walked so far.
    pub fn walk(&self) -> &Walk {
        &self.walk
    }
}

/// What went wrong between two files.
#[derive(Debug)]
pub(super) enum Fault {
    /// On the archive's side, or for want of memory or descriptors: the same again later.
    Archive(io::Error),
    /// The segment's: there is nothing that could be stored.
    Source(String),
    /// Nobody's: FFmpeg was ended before it had written a whole fragment.
    Empty,
    /// Nobody's: the segment needs a clip of its own.
    Different,
}

impl Fault {
    /// What is said of a segment in which FFmpeg had written nothing yet.
    pub const NOTHING: &str = "it has no whole fragment";

    /// An error of reading a segment, which only bad luck of ours excuses.
    pub fn reading(error: io::Error) -> Fault {
        match Errno::from_io_error(&error) {
            Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM) => Fault::Archive(error),
            Some(_) | None => Fault::Source(Unreadable::Io(error).to_string()),
        }
    }
}

/// A finished segment: everything but its footage.
pub(super) struct Segment {
    /// Where the footage is.
    pub file: File,
    /// What it is.
    pub init: Init,
    /// `ftyp` and `moov`.
    pub head: Vec<u8>,
    /// Its whole fragments; at least one.
    pub fragments: Vec<Fragment>,
    /// Their `moof`s.
    pub moofs: Vec<Vec<u8>>,
    /// Why it was not read to its end, if a writer that was killed does not explain it.
    pub damage: Option<String>,
}

impl Segment {
    /// Most memory for `moof`s: hours of footage, and what a hostile file may cost.
    const MAX_MOOFS: usize = 32 << 20;

    /// Reads a segment; everything up to the first damage counts.
    ///
    /// # Errors
    /// Why there is no footage in it that could be stored, or why that cannot be told now.
    pub fn read(path: &Path) -> Result<Segment, Fault> {
        let mut walker = Walker::open(path).map_err(Fault::reading)?;
        let (mut fragments, mut moofs, mut size) = (Vec::new(), Vec::new(), 0);
        let damage = loop {
            match walker.next() {
                Ok(Some(Part::Init(_))) => {}
                Ok(Some(Part::Fragment(fragment))) if fragment.is_empty() => {}
                Ok(Some(Part::Fragment(fragment))) => {
                    let moof = walker.moof();
                    size += moof.len();
                    if size > Self::MAX_MOOFS {
                        break Some("it has more than 32 MiB of headers".to_owned());
                    }
                    fragments.push(fragment);
                    moofs.push(moof);
                }
                Ok(None) => break None,
                Err(error) => break Some(error.to_string()),
            }
        };
        let Some(init) = walker.walk.init().cloned().filter(|_| !fragments.is_empty()) else {
            // With a header it is FFmpeg's, which had come no further; without one it may be anything.
            let begun = walker.walk.init().is_some();
            let nothing = if begun { Fault::Empty } else { Fault::Source(Fault::NOTHING.to_owned()) };
            return Err(damage.map_or(nothing, Fault::Source));
        };
        let mut head = Vec::new();
        for range in &init.ranges {
            if range.end - range.start > Walk::MAX_INIT {
                return Err(Fault::Source("its header is larger than 1 MiB".to_owned()));
            }
            let mut bytes = vec![0; (range.end - range.start) as usize];
            walker.file.read_exact_at(&mut bytes, range.start).map_err(Fault::reading)?;
            head.append(&mut bytes);
        }
        Ok(Segment { file: walker.file, init, head, fragments, moofs, damage })
    }

    /// Leaves out its first fragments.
    pub fn skip(&mut self, first: usize) {
        self.fragments.drain(..first);
        self.moofs.drain(..first);
    }

    /// In how long FFmpeg is likely to have written one more fragment, if it still does: each becomes whole when the
    /// next key frame comes, and cameras send those in time.
    pub fn more(&self) -> Option<Duration> {
        let shown = self.fragments.last()?.shown(&self.init)?;
        let written = self.file.metadata().ok()?.modified().ok()?;
        // A wall clock that was set meanwhile tells nothing, or something wrong that does little harm.
        shown.end.checked_sub(shown.start)?.checked_sub(written.elapsed().ok()?)
    }

    /// Video frames.
    pub fn frames(&self) -> u64 {
        self.fragments.iter().map(|fragment| frames(&self.init, fragment)).sum()
    }
}

/// Video frames of a fragment.
pub(super) fn frames(init: &Init, fragment: &Fragment) -> u64 {
    let is_video = |id| init.tracks.iter().any(|track| track.id == id && track.is_video());
    fragment.trafs.iter().filter(|traf| is_video(traf.track)).map(|traf| traf.samples).sum()
}
