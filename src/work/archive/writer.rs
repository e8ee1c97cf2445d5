//! Footage on its way: through memory once, in steps, hashed as it passes.

use super::disk::Medium;
use super::source::Fault;
use blake3::Hasher;
use std::cell::Cell;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// Bytes in memory at a time. In smaller pieces a file system has more to do for each.
const STEP: usize = 1 << 20;

thread_local! {
    /// [`STEP`] bytes, once they were needed, for as long as their thread lives, which is not long when nothing is written.
    /// What is given back and taken again for each segment would be cleared each time.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Writes to the end of a growing clip.
pub(super) struct Writer<'a> {
    medium: &'a mut dyn Medium,
    hash: Hasher,
    at: u64,
    buffer: Vec<u8>,
    held: usize,
}

impl<'a> Writer<'a> {
    /// Goes on at byte `at`, with the hash of everything before.
    pub fn new(medium: &'a mut dyn Medium, hash: Hasher, at: u64) -> Self {
        let mut buffer = BUFFER.take();
        if buffer.is_empty() {
            buffer = vec![0; STEP]; // which takes no memory before it is filled
        }
        Writer { medium, hash, at, buffer, held: 0 }
    }

    /// Writes bytes from memory.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut bytes = bytes;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(STEP - self.held));
            self.buffer[self.held..][..now.len()].copy_from_slice(now);
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
            file.read_exact_at(&mut self.buffer[self.held..][..room], at).map_err(Fault::reading)?;
            self.held += room;
            at += room as u64;
            self.flush_if_full()?;
        }
        Ok(())
    }

    /// Writes what is left and returns the hash and the length of the file; nothing is durable yet.
    pub fn finish(mut self) -> Result<(Hasher, u64), Fault> {
        self.flush()?;
        Ok((self.hash.clone(), self.at))
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

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        BUFFER.set(std::mem::take(&mut self.buffer));
    }
}
