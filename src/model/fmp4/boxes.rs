//! The box: length, kind, body. Everything in MP4 is made of it.

use super::Malformed;
use std::ops::Range;

/// What stands in front of a box's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// `moov`, `mdat`, …
    pub kind: [u8; 4],
    /// Bytes before the body: 8, or 16 where the length takes 64 bits.
    pub head: u64,
    /// Bytes of the whole box.
    pub size: u64,
    /// It claims to reach to the end of the file, so that nobody can tell whether it is whole.
    pub endless: bool,
}

impl Head {
    /// Most bytes a head takes.
    pub const MAX: u64 = 16;

    /// Reads a head; `left` is what the file still holds from here on. `None`: the box is cut off.
    pub fn read(bytes: &[u8], left: u64) -> Result<Option<Head>, Malformed> {
        let Ok((size, kind)) = Reader(bytes).pair() else { return Ok(None) };
        let (head, size) = match size {
            0 => return Ok(Some(Head { kind, head: 8, size: left, endless: true })),
            1 => match Reader(bytes.get(8..).unwrap_or_default()).u64() {
                Ok(size) => (16, size),
                Err(_) => return Ok(None),
            },
            size => (8, u64::from(size)),
        };
        if size < head {
            return Err(Malformed("a box is shorter than its own head"));
        }
        Ok((size <= left).then_some(Head { kind, head, size, endless: false }))
    }
}

/// A box inside another.
pub(super) struct Atom<'a> {
    pub kind: [u8; 4],
    /// Where its body lies in the slice that was walked.
    pub range: Range<usize>,
    pub body: &'a [u8],
}

/// The boxes of a body, one after the other; ends after the first that is broken.
pub(super) fn boxes(bytes: &[u8]) -> impl Iterator<Item = Result<Atom<'_>, Malformed>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let found = Head::read(rest, rest.len() as u64).and_then(|head| head.ok_or(Malformed("a box is cut off")));
        Some(found.map(|head| {
            // Both fit: `Head::read` checked them against a slice's length.
            let range = at + head.head as usize..at + head.size as usize;
            at = range.end;
            Atom { kind: head.kind, body: &bytes[range.clone()], range }
        }))
        .inspect(|found| {
            if found.is_err() {
                at = bytes.len();
            }
        })
    })
}

/// The first box of a kind.
pub(super) fn find<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Result<Option<Atom<'a>>, Malformed> {
    boxes(bytes).find(|found| found.as_ref().map_or(true, |atom| atom.kind == *kind)).transpose()
}

/// The body of a box that must be there.
pub(super) fn need<'a>(bytes: &'a [u8], kind: &[u8; 4], missing: &'static str) -> Result<&'a [u8], Malformed> {
    find(bytes, kind)?.map(|atom| atom.body).ok_or(Malformed(missing))
}

/// Reads big-endian numbers from the front of a slice.
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], Malformed> {
        let (front, rest) = self.0.split_at_checked(n).ok_or(Malformed("a box ends too early"))?;
        self.0 = rest;
        Ok(front)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (front, rest) = self.0.split_first_chunk().ok_or(Malformed("a box ends too early"))?;
        self.0 = rest;
        Ok(*front)
    }

    pub fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(u8::from_be_bytes)
    }

    pub fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    /// A kind, such as `vide`.
    pub fn kind(&mut self) -> Result<[u8; 4], Malformed> {
        self.array()
    }

    fn pair(&mut self) -> Result<(u32, [u8; 4]), Malformed> {
        Ok((self.u32()?, self.kind()?))
    }

    /// The version and the flags with which most boxes begin.
    pub fn version_and_flags(&mut self) -> Result<(u8, u32), Malformed> {
        let word = self.u32()?;
        Ok(((word >> 24) as u8, word & 0x00ff_ffff))
    }

    /// A number that takes 64 bits from version 1 on, 32 before.
    pub fn wide(&mut self, version: u8) -> Result<u64, Malformed> {
        if version == 0 { self.u32().map(u64::from) } else { self.u64() }
    }
}
