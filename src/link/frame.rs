//! One word a line, over any byte stream. The reader sets how long a line may be and never holds more than that.

use futures::{SinkExt, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf};
use tokio_util::codec::{FramedRead, FramedWrite, LinesCodec, LinesCodecError};

/// Longest line to the recorder, in bytes: an order that names a thousand cameras.
pub const TO_RECORDER: usize = 64 * 1024;

/// Longest line to a client, in bytes: a list of tens of thousands of clips.
pub const TO_CLIENT: usize = 16 * 1024 * 1024;

/// Why a line could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// More bytes without a line's end than the reader takes.
    #[error("a line is longer than {0} bytes")]
    TooLong(usize),
    /// Not one of the expected words.
    #[error("a line could not be understood: {0}")]
    Garbled(String),
    /// The stream ended in the middle of a line.
    #[error("the last line is cut off")]
    CutOff,
    /// The stream itself.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The reading half of a stream.
#[derive(Debug)]
pub struct Reader<R>(FramedRead<R, LinesCodec>);

/// The writing half of a stream.
#[derive(Debug)]
pub struct Writer<W>(FramedWrite<W, LinesCodec>);

/// Both halves of `stream`; it closes when both are dropped. Lines of more than `longest` bytes are not taken.
pub fn split<S: AsyncRead + AsyncWrite>(stream: S, longest: usize) -> (Reader<ReadHalf<S>>, Writer<WriteHalf<S>>) {
    let (reader, writer) = tokio::io::split(stream);
    let reader = FramedRead::new(reader, LinesCodec::new_with_max_length(longest));
    (Reader(reader), Writer(FramedWrite::new(writer, LinesCodec::new())))
}

/// A word as it goes over the wire, without the line's end.
pub fn encode<T: Serialize>(word: &T) -> Result<String, FrameError> {
    serde_json::to_string(word).map_err(|error| FrameError::Garbled(error.to_string()))
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// The next word; `None` once the other end has closed. May be dropped at any time without losing anything.
    ///
    /// After an error the stream is of no further use.
    pub async fn read<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        let line = match self.0.next().await {
            None => return Ok(None),
            Some(Ok(line)) => line,
            Some(Err(LinesCodecError::MaxLineLengthExceeded)) => {
                return Err(FrameError::TooLong(self.0.decoder().max_length()));
            }
            Some(Err(LinesCodecError::Io(error))) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(FrameError::Garbled(error.to_string()));
            }
            Some(Err(LinesCodecError::Io(error))) => return Err(error.into()),
        };
        serde_json::from_str(&line).map(Some).map_err(|error| match error.is_eof() {
            true => FrameError::CutOff,
            false => FrameError::Garbled(error.to_string()),
        })
    }
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    /// Writes a line that [`encode`] made, and waits until the stream has taken it.
    ///
    /// If this is dropped half-way, the line is either not begun or is finished by the next write: lines never mix.
    pub async fn line(&mut self, line: &str) -> Result<(), FrameError> {
        self.0.send(line).await.map_err(|error| match error {
            LinesCodecError::Io(error) => FrameError::Io(error),
            LinesCodecError::MaxLineLengthExceeded => FrameError::TooLong(usize::MAX),
        })
    }

    /// Writes a word, as [`Self::line`] does.
    pub async fn write<T: Serialize>(&mut self, word: &T) -> Result<(), FrameError> {
        self.line(&encode(word)?).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::timeout;

    async fn read_one(bytes: &[u8]) -> Result<Option<Vec<u32>>, FrameError> {
        let (ours, mut theirs) = duplex(64);
        let (mut reader, _writer) = split(ours, 16);
        theirs.write_all(bytes).await.expect("fits");
        drop(theirs);
        reader.read().await
    }

    #[tokio::test]
    async fn what_is_not_a_word_is_an_error_and_says_which() {
        assert_eq!(read_one(b"[1,2]\n").await.expect("a word"), Some(vec![1, 2]));
        assert_eq!(read_one(b"[1,2]\r\n").await.expect("a word"), Some(vec![1, 2]));
        assert_eq!(read_one(b"").await.expect("no word"), None);
        assert!(matches!(read_one(b"[1,").await, Err(FrameError::CutOff)));
        assert!(matches!(read_one(b"\n").await, Err(FrameError::CutOff)));
        assert!(matches!(read_one(b"nonsense\n").await, Err(FrameError::Garbled(_))));
        assert!(matches!(read_one(b"\xff\xfe\n").await, Err(FrameError::Garbled(_))));
        assert!(matches!(read_one(b"[1,2,3,4,5,6,7,8,9]\n").await, Err(FrameError::TooLong(16))));
        assert!(matches!(read_one(b"[[[[[[[[[[[[[[[[[[[[[").await, Err(FrameError::TooLong(16))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_is_given_up_half_way_does_not_tear_the_line() {
        let (ours, mut theirs) = duplex(4);
        let (_reader, mut writer) = split(ours, 16);
        let half = timeout(Duration::from_secs(1), writer.line("first-line")).await;
        assert!(half.is_err(), "the stream takes only four bytes");
        let mut text = String::new();
        let (rest, read) = tokio::join!(
            async {
                let rest = writer.line("second").await;
                drop((writer, _reader));
                rest
            },
            theirs.read_to_string(&mut text)
        );
        rest.expect("goes through");
        read.expect("is text");
        assert_eq!(text, "first-line\nsecond\n");
    }
}
