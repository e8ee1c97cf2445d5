//! Bytes between the recorder and those who look at it: monitors and scripts, on one Unix socket.
//!
//! ```text
//! socket     where it lies, who may open it, and that there is only one recorder behind it
//! protocol   the words, as JSON
//! frame      one word a line, with a limit on its length
//! serve      the recorder's end
//! dial       the other end
//! ```
//!
//! Two promises shape it. The recorder never waits for a client: each session is a task of its own that holds nothing
//! but the newest picture, and a client that does not read is dropped. And both ends take any byte stream, so that a
//! test joins them in memory and a client can be made to behave as badly as it likes.

pub mod dial;
pub mod frame;
pub mod protocol;
mod quiet;
pub mod serve;
pub mod socket;
