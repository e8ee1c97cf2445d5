//! Bytes in, lines out, whatever pieces the network makes of them. Pure.

/// Bytes that came and were not yet heard.
///
/// A line ends with LF; a CR before it belongs to the end. Holds no more than the longest line asked for, plus what
/// one read brings.
#[derive(Debug, Default)]
pub(super) struct Lines {
    buf: Vec<u8>,
    /// What was handed out.
    start: usize,
    /// What is known to hold no LF, so that a dripping line is not searched again for each byte.
    searched: usize,
    /// Part of the current line was handed out already.
    middle: bool,
}

/// A line, or a piece of one that is too long to be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// Without the line's end.
    pub bytes: &'a [u8],
    /// The line begins here.
    pub first: bool,
    /// The line ends here.
    pub last: bool,
}

impl Piece<'_> {
    /// Not a piece but a line.
    pub fn whole(&self) -> bool {
        self.first && self.last
    }
}

impl Lines {
    /// Takes what a read brought.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buf.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.buf.extend_from_slice(bytes);
    }

    /// The next line, or `max` bytes of it if it is longer; `None`: more must be read first.
    pub fn next(&mut self, max: usize) -> Option<Piece<'_>> {
        let start = self.start;
        let first = !self.middle;
        let end = self.buf[self.searched..].iter().position(|&b| b == b'\n').map(|at| self.searched + at);
        let length = end.unwrap_or(self.buf.len()) - start;
        if length > max {
            self.start = start + max;
            self.searched = self.searched.max(self.start);
            self.middle = true;
            return Some(Piece { bytes: &self.buf[start..start + max], first, last: false });
        }
        let Some(end) = end else {
            self.searched = self.buf.len();
            return None;
        };
        self.start = end + 1;
        self.searched = self.start;
        self.middle = false;
        let line = &self.buf[start..end];
        Some(Piece { bytes: line.strip_suffix(b"\r").unwrap_or(line), first, last: true })
    }

    /// What came after the last line's end, when nothing more will come; `None` if a part of it was handed out.
    pub fn rest(&self) -> Option<&[u8]> {
        let rest = &self.buf[self.start..];
        (!self.middle).then(|| rest.strip_suffix(b"\r").unwrap_or(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A piece as `(text, first, last)`.
    type Heard = (Vec<u8>, bool, bool);

    /// All pieces and what is left, when the bytes come in reads of `read` bytes.
    fn heard(bytes: &[u8], read: usize, max: usize) -> (Vec<Heard>, Vec<u8>) {
        let mut lines = Lines::default();
        let mut pieces = Vec::new();
        for chunk in bytes.chunks(read) {
            lines.push(chunk);
            while let Some(piece) = lines.next(max) {
                pieces.push((piece.bytes.to_vec(), piece.first, piece.last));
            }
            assert!(lines.buf.len() <= max + 2 * read + 1, "holds {}", lines.buf.len());
        }
        (pieces, lines.buf[lines.start..].to_vec())
    }

    #[test]
    fn lines_end_with_or_without_carriage_return_and_long_ones_come_in_pieces() {
        let (pieces, rest) = heard(b"QUIT\r\nab\n\n0123456789\nlast", 3, 4);
        let piece = |text: &str, first, last| (text.as_bytes().to_vec(), first, last);
        assert_eq!(
            pieces,
            [
                piece("QUIT", true, false), // the CR makes five bytes of it
                piece("", false, true),
                piece("ab", true, true),
                piece("", true, true),
                piece("0123", true, false),
                piece("4567", false, false),
                piece("89", false, true),
            ]
        );
        assert_eq!(rest, b"last");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_the_size_of_reads_does_not_matter(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'.'), any::<u8>()], 0..400),
            read in 1usize..50,
            max in 1usize..40,
        ) {
            let bytes: Vec<u8> = bytes.into_iter().filter(|&b| b != b'\r').collect();
            let (pieces, rest) = heard(&bytes, read, max);
            let mut again = Vec::new();
            for (text, _, last) in &pieces {
                prop_assert!(text.len() <= max);
                again.extend_from_slice(text);
                if *last { again.push(b'\n'); }
            }
            again.extend_from_slice(&rest);
            prop_assert_eq!(&again, &bytes);
            let whole = |pieces: &[Heard]| -> Vec<Vec<u8>> {
                pieces.iter().filter(|(_, first, last)| *first && *last).map(|(text, ..)| text.clone()).collect()
            };
            prop_assert_eq!(whole(&pieces), whole(&heard(&bytes, 400, max).0));
        }
    }
}
