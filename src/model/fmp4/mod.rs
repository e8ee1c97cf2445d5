//! Fragmented MP4 as FFmpeg writes it into the ring: bytes in; facts and patched bytes out.
//!
//! ```text
//! ftyp moov   moof mdat   moof mdat   …   mfra        a segment
//! ftyp moov   moof mdat   moof mdat   moof mdat  …    a clip: the fragments of many segments
//! ```
//!
//! [`Walk`] finds the parts of a file without reading it itself: it says which few bytes it wants next, so that footage
//! never has to be in memory to be judged. [`Timeline`] gives the fragments of many segments one time that begins at 0.
//!
//! Everything here may come from a damaged disk or a hostile camera. Nothing panics, nothing is allocated by a number
//! that stands in the file, and every loop is bounded by bytes that are really there.

mod boxes;
mod fragment;
mod init;
mod sample_entry;
mod timeline;
mod walk;

pub use fragment::{Fragment, Traf};
pub use init::{Init, Track};
pub use timeline::{Arrival, Misfit, Timeline};
pub use walk::{Part, Walk};

/// Why bytes are not the MP4 that they claim to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);
