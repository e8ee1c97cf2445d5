//! `[smtp]`: who may send mail, and what a peer may cost.

use crate::model::rule::Rule;
use ipnet::IpNet;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// `[smtp]`
#[derive(Debug, Clone, PartialEq)]
pub struct Smtp {
    /// Where cameras send mail to.
    pub listen: SocketAddr,
    /// Who may: networks.
    pub allow: Vec<IpNet>,
    /// A mail for which one of these holds does not trigger.
    pub ignore: Vec<Rule>,
    /// Who a camera has to say it is; `None`: whatever it says is right, and it need not say anything.
    pub login: Option<Login>,
    /// How it speaks TLS.
    pub tls: Tls,
    /// What a peer may cost.
    pub limits: Limits,
}

/// TLS, which who sends to [`Smtp::listen`] may begin by STARTTLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Where it is spoken from the first byte on; `None`: nowhere.
    pub listen: Option<SocketAddr>,
    /// The owner's certificate; `None`: one is made and kept.
    pub certificate: Option<Certificate>,
}

/// Two files in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// `smtp.tls_cert`: the certificate, and those that lead to one that others trust.
    pub cert: PathBuf,
    /// `smtp.tls_key`: its private key.
    pub key: PathBuf,
}

/// A user and a password. Neither can be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// `smtp.user`
    pub user: String,
    /// `smtp.password`
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

/// `[smtp.limits]`: all limits and timeouts of the mail port. Every number can be set, so that tests reach it in
/// milliseconds.
///
/// With the defaults the port needs at most about 4 MiB for its read buffers, `all_messages` for what it keeps of mails
/// and pictures, and a `message` for the one that is being read, whatever anyone sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections that are served at a time. One more is held at the door, and the rest waits in the kernel's backlog.
    pub connections: usize,
    /// Connections that one address may hold.
    ///
    /// Half of `connections`, so that one device gone mad never takes them all; and still more than a recorder box
    /// that mails for many channels has open at a time. At this cap the address's own connection that has made no
    /// progress for the longest makes room; only if all of them are busy is the new one told to come back. Loopback is
    /// exempt: a mail relay, tunnel or proxy on this machine speaks for many cameras.
    pub per_address: usize,
    /// When there is no room: how long a connection with a mail under way may go without progress before it makes room.
    /// Progress is a TLS hello, HELO, AUTH, MAIL, RCPT, DATA, as often as one mail needs them, and every `body_step` of a
    /// message, but never NOOP and the like. Who has sent a whole mail has had its turn, and makes room after so long too.
    /// A mail that is cut off by this triggers, if its recipient was named.
    pub patience: Duration,
    /// The same for a connection with no mail under way, which has nothing to lose: before MAIL a real client speaks
    /// within one round trip. Shorter, because those who open connections and say nothing are many.
    pub patience_without_mail: Duration,
    /// Bytes of a message that count as progress.
    pub body_step: usize,
    /// A connection on which nothing at all came for so long is closed; so is one that does not take its replies.
    pub idle: Duration,
    /// A connection is closed after so long whatever it does. Generous, for a big picture over weak Wi-Fi.
    pub session: Duration,
    /// Bytes of a command line; who sends a longer one is no mail client, and is told so and left.
    pub command_line: usize,
    /// Bytes of a line of a message that are held at a time. Longer lines are taken in pieces and are no error.
    pub body_line: usize,
    /// Bytes of a message. What goes beyond is thrown away and answered with 552; the trigger counts all the same.
    /// After as many again the connection is closed.
    pub message: u64,
    /// Bytes kept of all messages together, and of their pictures until these are stored. When they are used up, less is
    /// kept of a mail, and it triggers all the same.
    pub all_messages: u64,
    /// Bytes of a message's header block that are looked at, where the subject is.
    pub header_block: usize,
    /// Recipients of one mail.
    pub recipients: usize,
    /// Commands that make no sense before the peer is taken for something that is no mail client (a browser, a scanner,
    /// TLS on the plain port) and left.
    pub mistakes: u32,
    /// Wrong users or passwords that an address may give in a minute; after that it is told to come back, whatever it
    /// gives.
    pub wrong_logins: u32,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// A mail that is not complete so long after its first recipient triggers without waiting for its end.
    pub slow_mail: Duration,
    /// When stopping: how long a trigger that has already come may wait for the recorder to take it. No key of the file:
    /// it has to fit into the time that stopping takes.
    pub farewell: Duration,
    /// At most one note of a kind in so long; what is like it in between is counted. No key of the file.
    pub note_every: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 32,
            per_address: 16,
            patience: Duration::from_secs(2),
            patience_without_mail: Duration::from_millis(500),
            body_step: 4 << 10,
            idle: Duration::from_secs(20),
            session: Duration::from_secs(300),
            command_line: 4 << 10,
            body_line: 64 << 10,
            message: 8 << 20,
            all_messages: 32 << 20,
            header_block: 16 << 10,
            recipients: 100,
            mistakes: 10,
            wrong_logins: 10,
            handshake: Duration::from_secs(10),
            slow_mail: Duration::from_secs(10),
            farewell: Duration::from_secs(2),
            note_every: Duration::from_secs(10),
        }
    }
}
