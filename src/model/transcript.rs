//! What was said on a connection to the mail port, and what came of it: for whoever wonders why a camera's mail does
//! nothing. Every text in here is fit for a screen and holds no password.

use super::id::CameraName;
use super::rule::quoted;
use super::time::Mono;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// What is taken down of a peer whose first bytes are those of TLS where none is spoken.
pub const TLS_HELLO: &str = "the first bytes are those of TLS";

/// A connection as its own task tells of it: once when it ends, and now and then while it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcript {
    /// Counts connections up from 1 since the recorder started.
    pub number: u64,
    /// The other end.
    pub peer: IpAddr,
    /// How it was encrypted, in words; `None`: it was not.
    #[serde(default)]
    pub tls: Option<String>,
    /// What was said, oldest first. Of a long talk the middle is left out.
    pub lines: Vec<Line>,
    /// How many lines are left out.
    #[serde(default)]
    pub left_out: u64,
    /// From the first byte to the last, or until now.
    pub lasted: Duration,
    /// How it ended; `None`: it goes on.
    #[serde(default)]
    pub end: Option<End>,
}

/// A line of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Milliseconds since the connection began.
    pub after: u64,
    /// Whose words.
    pub by: By,
    /// The words, shortened if they are long. Secrets are masked.
    pub text: String,
}

/// Who said a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The camera.
    Camera,
    /// We.
    Nvr,
    /// Nobody: what is only summed up, such as a message.
    Nobody,
}

impl By {
    /// In front of the line.
    pub fn sign(self) -> char {
        match self {
            By::Camera => '>',
            By::Nvr => '<',
            By::Nobody => '-',
        }
    }
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The camera said QUIT.
    Quit,
    /// The camera hung up, or its line broke.
    Gone,
    /// The last reply said why.
    Told,
    /// Nothing came for too long.
    Idle,
    /// It took too long.
    Long,
    /// It had to make room for others.
    Evicted,
    /// The recorder ended.
    Stopping,
    /// Its address is in no network of `smtp.allow`.
    NotAllowed,
    /// Its address had too many connections already.
    Crowd,
    /// No TLS came about: why, with the remedy.
    NoTls(String),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            End::Quit => "QUIT",
            End::Gone => "hung up",
            End::Told => "closed by nvr",
            End::Idle => "closed by nvr: nothing came for too long",
            End::Long => "closed by nvr: it took too long",
            End::Evicted => "closed by nvr: it did not go on, and others waited",
            End::Stopping => "closed by nvr: the recorder stopped",
            End::NotAllowed => "sent away: not in smtp.allow",
            End::Crowd => "sent away: too many connections from one address",
            End::NoTls(_) => "no TLS came about",
        })
    }
}

/// A connection as it is kept and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// Counts up with every change of any session: who has seen those up to a number asks for the ones after it.
    pub change: u64,
    /// When it began.
    pub began: Mono,
    /// What was said.
    #[serde(flatten)]
    pub transcript: Transcript,
    /// How many more connections like this one came before it from the same address: of those, only the last is kept.
    #[serde(default)]
    pub like_it: u64,
    /// The mails that came, the first and the last ones of many.
    pub mails: Vec<MailSeen>,
    /// What it comes to.
    pub verdict: Verdict,
}

/// A mail of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailSeen {
    /// Sender's address.
    pub from: String,
    /// First recipient.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of a mail or of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// In a word.
    pub grade: Grade,
    /// A sentence, with the remedy if there is one.
    pub text: String,
    /// What could be written into nvr.toml.
    #[serde(default)]
    pub fix: Option<Fix>,
}

impl Verdict {
    /// Without anything to write.
    pub fn new(grade: Grade, text: impl Into<String>) -> Self {
        Self { grade, text: text.into(), fix: None }
    }
}

/// A verdict in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Nothing can be said yet.
    Open,
    /// As it should be.
    Good,
    /// Nothing came of it, and nothing had to.
    Idle,
    /// Something should be mended.
    Amiss,
}

/// What can be written into nvr.toml so that the next mail of this kind goes where it belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fix {
    /// One more name for a camera's mails.
    Alias {
        /// Which; `None`: a person has to say.
        camera: Option<CameraName>,
        /// What stands before the `@`.
        word: String,
    },
    /// A rule for a camera's mails.
    Mail {
        /// Which; `None`: a person has to say.
        camera: Option<CameraName>,
        /// What of a mail it goes by.
        by: Field,
        /// What that has to be.
        value: String,
    },
    /// An address that may send mail.
    Allow(IpAddr),
}

/// What of a mail a rule goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Sender.
    From,
    /// Address of the other end.
    Peer,
}

impl Field {
    /// The key in a rule.
    pub fn key(self) -> &'static str {
        match self {
            Field::From => "from",
            Field::Peer => "peer",
        }
    }
}

impl Fix {
    /// The line as it would stand in nvr.toml, if nothing of its kind stood there yet.
    pub fn line(&self) -> String {
        match self {
            Fix::Alias { word, .. } => format!("alias = [{}]", quoted(word)),
            Fix::Mail { by, value, .. } => format!("mail = [{{ {} = {} }}]", by.key(), quoted(value)),
            Fix::Allow(address) => format!("allow = [\"private\", \"{address}\"]"),
        }
    }

    /// Where it would stand.
    pub fn place(&self) -> String {
        match (self, self.camera()) {
            (Fix::Allow(_), _) => "[smtp]".to_owned(),
            (Fix::Alias { .. } | Fix::Mail { .. }, Some(camera)) => format!("the [[camera]] of {camera}"),
            (Fix::Alias { .. } | Fix::Mail { .. }, None) => "its [[camera]]".to_owned(),
        }
    }

    /// The camera that it is about, if it is about one and that is known.
    pub fn camera(&self) -> Option<&CameraName> {
        match self {
            Fix::Alias { camera, .. } | Fix::Mail { camera, .. } => camera.as_ref(),
            Fix::Allow(_) => None,
        }
    }

    /// Whether a person has to say for which camera.
    pub fn needs_camera(&self) -> bool {
        self.camera().is_none() && !matches!(self, Fix::Allow(_))
    }

    /// The same for this camera, where it is about one.
    #[must_use]
    pub fn for_camera(self, name: &CameraName) -> Self {
        let camera = Some(name.clone());
        match self {
            Fix::Alias { word, .. } => Fix::Alias { camera, word },
            Fix::Mail { by, value, .. } => Fix::Mail { camera, by, value },
            Fix::Allow(address) => Fix::Allow(address),
        }
    }
}
