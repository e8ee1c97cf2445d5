//! Through a file from box to box, reading only what has to be read.

use super::boxes::Head;
use super::{Fragment, Init, Malformed};
use std::ops::Range;

/// A walk through one file.
///
/// It does no reading itself: [`Walk::wants`] names a few bytes, [`Walk::give`] takes them and may find a part.
///
/// ```text
/// while let Some(range) = walk.wants() { part = walk.give(bytes of range)?; … }
/// ```
#[derive(Debug, Clone)]
pub struct Walk {
    length: u64,
    at: u64,
    body: Option<Head>,
    ftyp: Option<Range<u64>>,
    init: Option<Init>,
    open: Option<Fragment>,
    whole: u64,
    cut: bool,
}

/// What a walk found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The header.
    Init(Init),
    /// A whole fragment.
    Fragment(Fragment),
}

impl Walk {
    /// Longest `moov`, in bytes. Real ones have 1 to 4 KiB.
    pub const MAX_INIT: u64 = 1 << 20;
    /// Longest `moof`, in bytes. Real ones have 1 KiB; a GOP of a million samples would fit.
    pub const MAX_MOOF: u64 = 4 << 20;

    /// Begins at the first byte of a file of `length` bytes.
    pub fn new(length: u64) -> Self {
        Walk { length, at: 0, body: None, ftyp: None, init: None, open: None, whole: 0, cut: false }
    }

    /// Which bytes it needs next; `None` at the end, which is also where a box is cut off.
    pub fn wants(&self) -> Option<Range<u64>> {
        match self.body {
            Some(head) => Some(self.at..self.at + head.size),
            None if self.at >= self.length || self.cut => None,
            None => Some(self.at..self.length.min(self.at.saturating_add(Head::MAX))),
        }
    }

    /// Where the last whole fragment ends, or the header if there is none: a growing file is cut back to here.
    pub fn whole(&self) -> u64 {
        self.whole
    }

    /// Whether the file ended in the middle of a box: what a writer leaves that was killed.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Goes on at another place, where a box must begin: to be called between two parts, once the header is known. Where
    /// none begins, most likely nothing more is found.
    pub fn jump(&mut self, to: u64) {
        (self.at, self.body, self.open, self.cut) = (to, None, None, false);
    }

    /// The header, once found.
    pub fn init(&self) -> Option<&Init> {
        self.init.as_ref()
    }

    /// Takes the bytes that were wanted. After an error the walk is over.
    pub fn give(&mut self, bytes: &[u8]) -> Result<Option<Part>, Malformed> {
        let step = match self.body.take() {
            Some(head) => self.read_body(head, bytes),
            None => self.read_head(bytes),
        };
        if step.is_err() {
            self.cut = true;
        }
        step
    }

    fn read_head(&mut self, bytes: &[u8]) -> Result<Option<Part>, Malformed> {
        let left = self.length - self.at;
        let Some(head) = Head::read(bytes, left)? else {
            self.cut = true;
            return Ok(None);
        };
        match &head.kind {
            b"moov" | b"moof" | b"mdat" if head.endless => self.cut = true,
            b"moov" if self.init.is_none() => {
                if head.size > Self::MAX_INIT {
                    return Err(Malformed("moov is larger than 1 MiB"));
                }
                self.body = Some(head);
            }
            b"moof" => {
                if head.size > Self::MAX_MOOF {
                    return Err(Malformed("moof is larger than 4 MiB"));
                }
                self.body = Some(head);
            }
            b"ftyp" if self.init.is_none() => {
                self.ftyp = Some(self.at..self.at + head.size);
                self.at += head.size;
            }
            b"mdat" => {
                self.at += head.size;
                return Ok(self.close_fragment().map(Part::Fragment));
            }
            _ => self.at += head.size,
        }
        Ok(None)
    }

    fn read_body(&mut self, head: Head, bytes: &[u8]) -> Result<Option<Part>, Malformed> {
        if bytes.len() as u64 != head.size {
            return Err(Malformed("the file shrank while it was read"));
        }
        let range = self.at..self.at + head.size;
        let inside = head.head as usize; // 8 or 16
        if &head.kind == b"moov" {
            let mut init = Init::parse(&bytes[inside..])?;
            init.ranges = self.ftyp.take().into_iter().chain([range.clone()]).collect();
            self.init = Some(init.clone());
            self.whole = range.end;
            self.at = range.end;
            return Ok(Some(Part::Init(init)));
        }
        let init = self.init.as_ref().ok_or(Malformed("a fragment before the header"))?;
        let mut fragment = Fragment::parse(bytes, inside, init)?;
        self.at = range.end;
        fragment.range = range;
        self.open = Some(fragment);
        Ok(None)
    }

    /// An `mdat` ended here: the fragment it belongs to is whole.
    fn close_fragment(&mut self) -> Option<Fragment> {
        let mut fragment = self.open.take()?;
        fragment.range.end = self.at;
        self.whole = self.at;
        Some(fragment)
    }
}
