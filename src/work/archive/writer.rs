//! Footage on its way: through memory once, in steps, hashed as it passes.

use super::disk::Medium;
use super::source::Fault;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// Bytes in memory at a time. In smaller pieces a file system has more to do for each.
const STEP: usize = 1 << 20;

/// Writes to the end of a growing clip.
pub(super) struct Writer<'a> {
    medium: &'a mut dyn Medium,
    hash: Sha256,
    at: u64,
    /// Never shorter than it was, so that what is read into again is not cleared before.
    buffer: Vec<u8>,
    held: usize,
}

impl<'a> Writer<'a> {
    /// Goes on at byte `at`, with the hash of everything before.
    pub fn new(medium: &'a mut dyn Medium, hash: Sha256, at: u64) -> Self {
        Writer { medium, hash, at, buffer: Vec::with_capacity(STEP), held: 0 }
    }

    /// Writes bytes from memory.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut bytes = bytes;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(STEP - self.held));
            self.room(now.len()).copy_from_slice(now);
            self.held += now.len();
            bytes = later;
            self.flush_if_full()?;
        }
        Ok(())
    }

    /// Writes bytes from a file.
    pub fn pour(&mut self, file: &File, range: Range<u64>) -> Result<(), Fault> {
        let mut at = range.start;
        while at < range.end {
            let room = (STEP - self.held).min(usize::try_from(range.end - at).unwrap_or(STEP));
            file.read_exact_at(self.room(room), at).map_err(Fault::reading)?;
            self.held += room;
            at += room as u64;
            self.flush_if_full()?;
        }
        Ok(())
    }

    /// Writes what is left and returns the hash and the length of the file; nothing is durable yet.
    pub fn finish(mut self) -> Result<(Sha256, u64), Fault> {
        self.flush()?;
        Ok((self.hash, self.at))
    }

    /// So many bytes behind those that are held; at most up to [`STEP`].
    fn room(&mut self, bytes: usize) -> &mut [u8] {
        let end = self.held + bytes;
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        &mut self.buffer[self.held..end]
    }

    fn flush_if_full(&mut self) -> Result<(), Fault> {
        if self.held == STEP { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Fault> {
        let bytes = &self.buffer[..self.held];
        if bytes.is_empty() {
            return Ok(());
        }
        self.medium.write(bytes, self.at).map_err(Fault::Archive)?;
        self.hash.update(bytes);
        self.at += bytes.len() as u64;
        self.held = 0;
        Ok(())
    }
}
