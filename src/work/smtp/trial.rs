//! The mail port without a port: for tests and fuzzers, which say anything at all to it.

use super::House;
use super::dialect::understand;
use super::lines::Lines;
use super::pulse::Pulse;
use super::session::talk;
use crate::model::event::Event;
use crate::model::settings::Smtp;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::Sender;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// One whole session with a peer that was let in, as [`serve`](super::serve) has many, but without TLS.
pub async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    peer: IpAddr,
    rules: Arc<Smtp>,
    events: Sender<Event>,
) {
    let pulse = Arc::new(Pulse::new(&rules.limits));
    let (_, rules) = watch::channel(rules);
    let house = House::new(rules, None, events, CancellationToken::new());
    talk(stream, false, peer, pulse, Arc::new(house)).await;
}

/// The commands, in the form that the engine knows, that a peer's bytes are understood as when they come in reads of
/// `read` bytes and a line of more than `longest` bytes comes in pieces.
pub fn commands(bytes: &[u8], read: usize, longest: usize) -> Vec<String> {
    let mut lines = Lines::default();
    let mut commands = Vec::new();
    for bytes in bytes.chunks(read.max(1)) {
        lines.push(bytes);
        while let Some(piece) = lines.next(longest) {
            commands.push(understand(piece.bytes).canonical());
        }
    }
    commands
}
