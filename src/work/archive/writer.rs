//! Footage on its way: through memory once, in steps, hashed as it passes.

use super::disk::Medium;
use super::source::Fault;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// Bytes in memory at a time.
const STEP: usize = 1 << 20;

/// Writes to the end of a growing clip.
pub(super) struct Writer<'a> {
    medium: &'a mut dyn Medium,
    hash: Sha256,
    at: u64,
    buffer: Vec<u8>,
}

impl<'a> Writer<'a> {
    /// Goes on at byte `at`, with the hash of everything before.
    pub fn new(medium: &'a mut dyn Medium, hash: Sha256, at: u64) -> Self {
        Writer { medium, hash, at, buffer: Vec::with_capacity(STEP) }
    }

    /// Writes bytes from memory.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut bytes = bytes;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(STEP - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
            self.flush_if_full()?;
        }
        Ok(())
    }

    /// Writes bytes from a file.
    pub fn pour(&mut self, file: &File, range: Range<u64>) -> Result<(), Fault> {
        let mut at = range.start;
        while at < range.end {
            let held = self.buffer.len();
            let room = (STEP - held).min(usize::try_from(range.end - at).unwrap_or(STEP));
            self.buffer.resize(held + room, 0);
            file.read_exact_at(&mut self.buffer[held..], at).map_err(Fault::reading)?;
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

    fn flush_if_full(&mut self) -> Result<(), Fault> {
        if self.buffer.len() == STEP { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Fault> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.medium.write(&self.buffer, self.at).map_err(Fault::Archive)?;
        self.hash.update(&self.buffer);
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
