//! The terminal as a guest uses it: every mode that was switched on is remembered and switched off once, whichever way
//! the monitor ends: by a key, an error, a signal, or a panic on any thread.

use futures::Stream;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{Event, EventStream};
use ratatui::crossterm::queue;
use ratatui::crossterm::style::{Attribute, SetAttribute, force_color_output};
use ratatui::crossterm::terminal::{self, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen};
use rustix::process::{Signal, kill_current_process_group};
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::signal::unix::{self, SignalKind};
use tokio_util::sync::CancellationToken;

/// Whether the monitor can run here; the error is a sentence that names the verb to use instead.
pub fn check(variable: impl Fn(&str) -> Option<String>) -> Result<(), String> {
    let instead = "(for one look: nvr status; to record without a screen: nvr record)";
    for (name, is_terminal) in [("input", io::stdin().is_terminal()), ("output", io::stdout().is_terminal())] {
        if !is_terminal {
            return Err(format!("the monitor needs a terminal, and standard {name} is none {instead}"));
        }
    }
    match variable("TERM").as_deref() {
        None | Some("" | "dumb") => {
            Err(format!("the monitor needs a terminal that can place its cursor, and TERM names none {instead}"))
        }
        Some(_) => Ok(()),
    }
}

/// What the run loop needs of a terminal, so that a test can be one.
pub trait Stage {
    /// Columns and lines.
    fn size(&self) -> io::Result<(u16, u16)>;
    /// Writes a frame, whole.
    fn show(&mut self, frame: &[u8]) -> io::Result<()>;
    /// Hands the terminal back to the shell and asks to be stopped; news of being continued comes as
    /// [`Input::Continued`].
    fn suspend(&mut self) -> io::Result<()>;
    /// Takes the terminal (again).
    fn enter(&mut self) -> io::Result<()>;
    /// Resolves when a panic anywhere has given the terminal back, so that nothing more may be drawn.
    fn broken(&self) -> CancellationToken;
}

/// What comes from the person or the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key or another size.
    Event(Event),
    /// Someone asked this process to end.
    Terminate,
    /// The terminal is gone.
    Hangup,
    /// This process goes on after it was stopped.
    Continued,
}

/// The real terminal, taken. Dropping it gives the terminal back.
#[derive(Debug)]
pub struct Terminal {
    modes: Arc<Modes>,
}

/// What was switched on.
#[derive(Debug)]
struct Modes {
    /// The terminal itself, past the buffer of `std::io::stdout`: the panic hook must not wait for a lock that the
    /// panicking thread may hold.
    tty: File,
    /// Held while anything is written, so that a frame never ends up behind the giving back.
    entered: Mutex<bool>,
    broken: CancellationToken,
}

impl Terminal {
    /// Takes the terminal: raw, on its alternate screen, without a cursor.
    pub fn take() -> io::Result<Self> {
        // The theme alone decides about colours; crossterm's own NO_COLOR would take bold and reverse with them.
        force_color_output(true);
        let tty = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let modes = Arc::new(Modes { tty, entered: Mutex::new(false), broken: CancellationToken::new() });
        give_back_on_panic(&modes);
        modes.enter()?;
        Ok(Self { modes })
    }
}

/// Puts a hook before the one that is there: a report must not be written onto the alternate screen, where it would
/// vanish. The hook stays when the terminal is gone, and then does nothing.
fn give_back_on_panic(modes: &Arc<Modes>) {
    let modes = Arc::downgrade(modes);
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if let Some(modes) = modes.upgrade() {
            modes.broken.cancel();
            modes.leave().ok(); // nothing better can be done in here
        }
        report(panic);
    }));
}

impl Modes {
    fn entered(&self) -> MutexGuard<'_, bool> {
        self.entered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self) -> io::Result<()> {
        let mut entered = self.entered();
        if self.broken.is_cancelled() {
            return Err(io::Error::other("a part of the monitor failed"));
        }
        terminal::enable_raw_mode()?;
        *entered = true; // from here on there is something to undo, even if the rest fails
        let mut bytes = Vec::new();
        queue!(bytes, EnterAlternateScreen, Hide)?;
        (&self.tty).write_all(&bytes)
    }

    fn leave(&self) -> io::Result<()> {
        let mut entered = self.entered();
        if !std::mem::take(&mut *entered) {
            return Ok(());
        }
        let mut bytes = Vec::new();
        queue!(bytes, EndSynchronizedUpdate, SetAttribute(Attribute::Reset), Show, LeaveAlternateScreen)?;
        let written = (&self.tty).write_all(&bytes);
        terminal::disable_raw_mode().and(written)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.modes.leave().ok(); // a terminal that is gone needs nothing back
    }
}

impl Stage for Terminal {
    fn size(&self) -> io::Result<(u16, u16)> {
        let size = rustix::termios::tcgetwinsize(&self.modes.tty)?;
        Ok((size.ws_col, size.ws_row))
    }

    fn show(&mut self, frame: &[u8]) -> io::Result<()> {
        let entered = self.modes.entered();
        match *entered {
            true => (&self.modes.tty).write_all(frame),
            false => Ok(()), // the shell's screen is not ours to paint on
        }
    }

    /// The whole process group stops, as with Ctrl-Z in any other program, so that whatever started us returns to its
    /// shell too. With SIGTSTP and not SIGSTOP: where no shell could ever continue us, the kernel ignores it.
    fn suspend(&mut self) -> io::Result<()> {
        self.modes.leave()?;
        Ok(kill_current_process_group(Signal::TSTP)?)
    }

    /// Does all of it again if the terminal was taken before: while we were stopped the shell set its own modes.
    fn enter(&mut self) -> io::Result<()> {
        self.modes.leave()?;
        self.modes.enter()
    }

    fn broken(&self) -> CancellationToken {
        self.modes.broken.clone()
    }
}

/// Keys, sizes and signals in the order in which they come.
#[derive(Debug)]
pub struct Inputs {
    events: EventStream,
    signals: Vec<(unix::Signal, Input)>,
}

impl Inputs {
    /// Begins to listen. From now on these signals no longer end the process by themselves.
    pub fn listen() -> io::Result<Self> {
        let wanted = [
            (SignalKind::hangup(), Input::Hangup),
            (SignalKind::terminate(), Input::Terminate),
            (SignalKind::interrupt(), Input::Terminate),
            (SignalKind::quit(), Input::Terminate),
            (SignalKind::from_raw(Signal::CONT.as_raw()), Input::Continued),
        ];
        let signals = wanted.into_iter().map(|(kind, input)| Ok((unix::signal(kind)?, input)));
        Ok(Self { signals: signals.collect::<io::Result<_>>()?, events: EventStream::new() })
    }
}

impl Stream for Inputs {
    type Item = io::Result<Input>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        for (signal, input) in &mut self.signals {
            if signal.poll_recv(cx).is_ready() {
                return Poll::Ready(Some(Ok(input.clone())));
            }
        }
        Pin::new(&mut self.events).poll_next(cx).map(|event| event.map(|event| event.map(Input::Event)))
    }
}
