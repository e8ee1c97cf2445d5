//! What comes from the person and from the system, in one stream.

use super::decode::Decoder;
use crossterm::event::KeyEvent;
use futures::Stream;
use rustix::process::Signal;
use std::collections::VecDeque;
use std::fs::File;
use std::future::Future;
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::mpsc;
use tokio::time::{Sleep, sleep};

/// How long the rest of a key's bytes may be under way. Nobody waits for it: only the escape key by itself does.
const REST: Duration = Duration::from_millis(100);
/// Bytes taken from the terminal at once.
const READ: usize = 1024;
/// Such reads that may wait to be looked at; after that the terminal has to.
const READS: usize = 4;

/// What comes from the person or the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key.
    Key(KeyEvent),
    /// Text that was pasted, in one piece.
    Paste(String),
    /// The terminal has another size.
    Resized,
    /// Someone asked this process to end.
    Terminate,
    /// The terminal is gone.
    Hangup,
    /// This process goes on after it was stopped.
    Continued,
}

/// Keys and signals in the order in which they come; ends with the terminal.
#[derive(Debug)]
pub struct Inputs {
    keyboard: mpsc::Receiver<Vec<u8>>,
    decoder: Decoder,
    keys: VecDeque<Input>,
    rest: Option<Pin<Box<Sleep>>>,
    signals: Vec<(unix::Signal, Input)>,
}

impl Inputs {
    /// Begins to listen. From now on these signals no longer end the process by themselves, and standard input is read
    /// until the process ends.
    pub fn listen() -> io::Result<Self> {
        let wanted = [
            (SignalKind::hangup(), Input::Hangup),
            (SignalKind::terminate(), Input::Terminate),
            (SignalKind::interrupt(), Input::Terminate),
            (SignalKind::quit(), Input::Terminate),
            (SignalKind::window_change(), Input::Resized),
            (SignalKind::from_raw(Signal::CONT.as_raw()), Input::Continued),
        ];
        let signals = wanted.into_iter().map(|(kind, input)| Ok((unix::signal(kind)?, input)));
        let signals = signals.collect::<io::Result<_>>()?;
        let (bytes, keyboard) = mpsc::channel(READS);
        let terminal = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        std::thread::Builder::new().name("keyboard".to_owned()).spawn(move || read(&terminal, &bytes))?;
        Ok(Self { keyboard, decoder: Decoder::default(), keys: VecDeque::new(), rest: None, signals })
    }
}

/// Passes on what the terminal sends, to its end.
///
/// On a thread of its own, because reading blocks: the terminal's flags belong to everyone who shares it, the shell
/// included, and are left alone.
fn read(terminal: &File, bytes: &mpsc::Sender<Vec<u8>>) {
    let mut some = [0; READ];
    loop {
        match rustix::io::read(terminal, &mut some) {
            Ok(n) if n > 0 && bytes.blocking_send(some[..n].to_vec()).is_ok() => {}
            Err(rustix::io::Errno::INTR) => {}
            Ok(_) | Err(_) => return, // the terminal is gone, or nobody listens any more
        }
    }
}

impl Stream for Inputs {
    type Item = Input;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        for (signal, input) in &mut self.signals {
            if signal.poll_recv(cx).is_ready() {
                return Poll::Ready(Some(input.clone()));
            }
        }
        loop {
            if let Some(key) = self.keys.pop_front() {
                return Poll::Ready(Some(key));
            }
            if let Some(rest) = &mut self.rest
                && rest.as_mut().poll(cx).is_ready()
            {
                self.rest = None;
                let key = self.decoder.give_up();
                self.keys.extend(key);
                continue;
            }
            let Some(bytes) = ready!(self.keyboard.poll_recv(cx)) else { return Poll::Ready(None) };
            let keys = self.decoder.feed(&bytes);
            self.keys.extend(keys);
            self.rest = self.decoder.is_waiting().then(|| Box::pin(sleep(REST)));
        }
    }
}
