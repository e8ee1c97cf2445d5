//! What a mail brings.

use crate::model::id::LetterId;
use bytes::Bytes;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// What a camera's mail says. All texts are bounded in length and not yet fit for a screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Mail {
    /// On which connection it came: see [`crate::model::transcript::Transcript::number`].
    pub session: u64,
    /// Who sent it.
    pub peer: IpAddr,
    /// `MAIL FROM`, empty if `<>`.
    pub from: String,
    /// `RCPT TO`, at least one.
    pub to: Vec<String>,
    /// The header's `From`, decoded, with all names in it; empty if there was none.
    pub sender: String,
    /// The subject, decoded; empty if there was none.
    pub subject: String,
    /// The beginning of its text, decoded, without HTML, with its line breaks; empty if there was none.
    pub body: String,
    /// What the camera calls that which happened; empty if the mail does not say.
    pub event: String,
    /// The picture that it carried, if that is here.
    pub picture: Option<Picture>,
    /// Not all of it came yet; what is to come is told by this.
    pub rest: Option<LetterId>,
    /// How long ago the first RCPT came: that is the trigger's instant.
    pub waited: Duration,
    /// The line broke before the mail was whole.
    pub cut_off: bool,
}

impl Mail {
    /// One of which nothing is known but who sends it to whom.
    pub fn bare(peer: IpAddr, from: String, to: Vec<String>) -> Self {
        Self {
            session: 0,
            peer,
            from,
            to,
            sender: String::new(),
            subject: String::new(),
            body: String::new(),
            event: String::new(),
            picture: None,
            rest: None,
            waited: Duration::ZERO,
            cut_off: false,
        }
    }
}

/// A JPEG as a camera sent it, whole or not. Clones are the same bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture(Bytes);

impl Picture {
    /// Of these bytes, whoever owns them.
    pub fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where they lie: the same for all clones.
    pub(in crate::model) fn place(&self) -> *const u8 {
        self.0.as_ptr()
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a picture of {} bytes", self.len())
    }
}
