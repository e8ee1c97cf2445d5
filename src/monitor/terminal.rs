//! The terminal as a guest uses it: every mode that was switched on is remembered and switched off once, whichever way
//! the monitor ends: by a key, an error, a signal, or a panic on any thread.

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::queue;
use crossterm::style::{Attribute, SetAttribute, force_color_output};
use crossterm::terminal::{self, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen};
use rustix::process::{Signal, kill_current_process_group};
use std::cell::Cell;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// [`Input::Continued`](super::input::Input).
    fn suspend(&mut self) -> io::Result<()>;
    /// Takes the terminal (again).
    fn enter(&mut self) -> io::Result<()>;
    /// Resolves when a panic anywhere has given the terminal back, so that nothing more may be drawn.
    fn broken(&self) -> CancellationToken;
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
    /// Locked while anything is written, so that a frame never ends up behind the giving back.
    hold: Mutex<Hold>,
    broken: CancellationToken,
}

/// Whose the terminal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    /// The shell's.
    Given,
    /// Ours.
    Taken,
    /// The shell's for good: something panicked.
    Over,
}

impl Terminal {
    /// Takes the terminal: raw, on its alternate screen, without a cursor.
    pub fn take() -> io::Result<Self> {
        // The theme alone decides about colours; crossterm's own NO_COLOR would take bold and reverse with them.
        force_color_output(true);
        let tty = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let modes = Arc::new(Modes { tty, hold: Mutex::new(Hold::Given), broken: CancellationToken::new() });
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
        if CONTAINED.get() {
            return;
        }
        if let Some(modes) = modes.upgrade() {
            modes.leave(Hold::Over).ok(); // nothing better can be done in here
            report(panic);
            modes.broken.cancel(); // only now: the process may end with the monitor
        } else {
            report(panic);
        }
    }));
}

thread_local! {
    /// A panic of this thread is caught and no reason to end.
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Does work that may panic and whose panic means nothing to anybody else; `None`: it did. To be used only where what the
/// work touched is dropped with it.
pub fn contain<T>(work: impl FnOnce() -> T) -> Option<T> {
    let before = CONTAINED.replace(true);
    let done = std::panic::catch_unwind(AssertUnwindSafe(work));
    CONTAINED.set(before);
    done.ok()
}

impl Modes {
    fn hold(&self) -> MutexGuard<'_, Hold> {
        self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self) -> io::Result<()> {
        let mut hold = self.hold();
        if *hold == Hold::Over {
            return Err(io::Error::other("a part of the monitor failed"));
        }
        terminal::enable_raw_mode()?;
        *hold = Hold::Taken; // from here on there is something to undo, even if the rest fails
        let mut bytes = Vec::new();
        queue!(bytes, EnterAlternateScreen, EnableBracketedPaste, Hide)?;
        (&self.tty).write_all(&bytes)
    }

    /// Gives back what was taken, if it was; `then` says whether for good.
    fn leave(&self, then: Hold) -> io::Result<()> {
        let mut hold = self.hold();
        let before = *hold;
        if before != Hold::Over {
            *hold = then;
        }
        if before != Hold::Taken {
            return Ok(());
        }
        let mut bytes = Vec::new();
        queue!(
            bytes,
            EndSynchronizedUpdate,
            SetAttribute(Attribute::Reset),
            DisableBracketedPaste,
            Show,
            LeaveAlternateScreen
        )?;
        let written = (&self.tty).write_all(&bytes);
        terminal::disable_raw_mode().and(written)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.modes.leave(Hold::Given).ok(); // a terminal that is gone needs nothing back
    }
}

impl Stage for Terminal {
    fn size(&self) -> io::Result<(u16, u16)> {
        let size = rustix::termios::tcgetwinsize(&self.modes.tty)?;
        Ok((size.ws_col, size.ws_row))
    }

    fn show(&mut self, frame: &[u8]) -> io::Result<()> {
        let hold = self.modes.hold();
        match *hold {
            Hold::Taken => (&self.modes.tty).write_all(frame),
            Hold::Given | Hold::Over => Ok(()), // the shell's screen is not ours to paint on
        }
    }

    /// The whole process group stops, as with Ctrl-Z in any other program, so that whatever started us returns to its
    /// shell too. With SIGTSTP and not SIGSTOP: where no shell could ever continue us, the kernel ignores it.
    fn suspend(&mut self) -> io::Result<()> {
        self.modes.leave(Hold::Given)?;
        Ok(kill_current_process_group(Signal::TSTP)?)
    }

    /// Does all of it again if the terminal was taken before: while we were stopped the shell set its own modes.
    fn enter(&mut self) -> io::Result<()> {
        self.modes.leave(Hold::Given)?;
        self.modes.enter()
    }

    fn broken(&self) -> CancellationToken {
        self.modes.broken.clone()
    }
}
