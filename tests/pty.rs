//! What the monitor leaves behind on a real terminal: nothing, whichever way it ends.

#[path = "common/pictures.rs"]
#[allow(dead_code, reason = "each file of tests needs other pictures")]
mod pictures;
#[path = "common/scripted.rs"]
#[allow(dead_code, reason = "each file of tests needs other words")]
mod scripted;

use nvr::monitor::{self, Leaving};
use pty_process::{Pty, Size};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{Termios, tcgetattr};
use scripted::Recorder;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::process::Child;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// Not a test: the program that the tests below run on a terminal. `NVR_TEST_PANIC` makes a thread of it panic as soon
/// as it hears an order; `NVR_TEST_CALM` gives it a picture in which nothing moves.
#[test]
#[ignore = "run by the other tests of this file"]
fn guest() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let dial = async || {
        let (ours, theirs) = duplex(64 * 1024);
        tokio::spawn(async move {
            let mut recorder = Recorder::greet(theirs).await;
            let calm = std::env::var_os("NVR_TEST_CALM").is_some();
            recorder.send(if calm { pictures::all_well() } else { pictures::triggered() }).await;
            recorder.order().await;
            if std::env::var_os("NVR_TEST_PANIC").is_some() {
                std::thread::spawn(|| panic!("a thread of the monitor panics"));
            }
            std::future::pending::<()>().await;
        });
        Ok(ours)
    };
    match runtime.block_on(monitor::run(dial, Leaving::RecordingGoesOn)) {
        Ok(left) => println!("left: {left:?}"),
        Err(error) => println!("failed: {error}"),
    }
}

/// The command line of [`guest`].
fn guest_words() -> Vec<String> {
    let me = std::env::current_exe().expect("this program").display().to_string();
    [me.as_str(), "--ignored", "--exact", "guest", "--nocapture", "-q"].map(str::to_owned).to_vec()
}

/// A program on a terminal of its own.
struct Session {
    pty: Pty,
    child: Child,
    screen: vt100::Parser,
    before: Termios,
}

impl Session {
    fn start(words: &[String], variables: &[(&str, &str)]) -> Self {
        let (pty, pts) = pty_process::open().expect("a terminal");
        pty.resize(Size::new(24, 80)).expect("a size");
        let before = tcgetattr(&pty).expect("modes");
        let mut command = pty_process::Command::new(&words[0]).args(&words[1..]).kill_on_drop(true);
        command =
            command.env("TERM", "xterm-256color").env("LANG", "C.UTF-8").env_remove("LC_ALL").env("PS1", "prompt> ");
        for (name, value) in variables {
            command = command.env(name, value);
        }
        let child = command.spawn(pts).expect("starts");
        Self { pty, child, screen: vt100::Parser::default(), before }
    }

    /// Reads what the program writes until `done` is satisfied with the screen, or the program has ended.
    async fn until(&mut self, what: &str, done: impl Fn(&vt100::Screen) -> bool) {
        let mut bytes = [0; 4096];
        let found = timeout(PATIENCE, async {
            while !done(self.screen.screen()) {
                match self.pty.read(&mut bytes).await {
                    Ok(n) if n > 0 => self.screen.process(&bytes[..n]),
                    Ok(_) | Err(_) => break, // on Linux the end of a terminal is an error
                }
            }
        });
        let found = found.await.is_ok() && done(self.screen.screen());
        assert!(found, "no {what}:\n{}", self.screen.screen().contents());
    }

    async fn shows_the_monitor(&mut self) {
        self.until("monitor", |screen| screen.alternate_screen() && screen.contents().contains("2 cameras")).await;
        assert!(self.screen.screen().hide_cursor());
        assert_ne!(
            format!("{:?}", tcgetattr(&self.pty).expect("modes").local_modes),
            format!("{:?}", self.before.local_modes)
        );
    }

    async fn shows(&mut self, words: &str) {
        self.until(words, |screen| !screen.alternate_screen() && screen.contents().contains(words)).await;
    }

    async fn press(&mut self, keys: &str) {
        self.pty.write_all(keys.as_bytes()).await.expect("is typed");
    }

    fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).expect("a pid"))).expect("it runs");
        kill_process(pid, signal).expect("is sent");
    }

    /// Waits for the end, and then the terminal must be as it was.
    async fn ends_clean(&mut self, with: &str) -> ExitStatus {
        self.shows(with).await;
        assert!(!self.screen.screen().hide_cursor(), "the cursor is back");
        assert!(!self.screen.screen().bold() && !self.screen.screen().inverse(), "no attribute is left on");
        assert_eq!(format!("{:?}", tcgetattr(&self.pty).expect("modes")), format!("{:?}", self.before));
        timeout(PATIENCE, self.child.wait()).await.expect("it ends").expect("is reaped")
    }
}

#[tokio::test]
async fn a_key_leaves_the_terminal_as_it_was() {
    for key in ["q", "\x03"] {
        let mut session = Session::start(&guest_words(), &[]);
        session.shows_the_monitor().await;
        session.press(key).await;
        session.ends_clean("left: Quit { attached: true }").await;
    }
}

/// Each key is heard by itself: on a screen at rest nothing else would wake the monitor to find it.
#[tokio::test]
async fn keys_are_heard_while_nothing_else_happens() {
    let mut session = Session::start(&guest_words(), &[("NVR_TEST_CALM", "1")]);
    session.shows_the_monitor().await;
    for _ in 0..5 {
        session.press("?").await;
        session.until("help", |screen| screen.contents().contains("this help")).await;
        session.press("?").await;
        session.until("cameras", |screen| !screen.contents().contains("this help")).await;
    }
    session.press("\x1a").await;
    session.until("shell's screen", |screen| !screen.alternate_screen()).await;
    session.shows_the_monitor().await;
    session.press("q").await;
    session.ends_clean("left: Quit").await;
}

#[tokio::test]
async fn signals_leave_the_terminal_as_it_was() {
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT] {
        let mut session = Session::start(&guest_words(), &[]);
        session.shows_the_monitor().await;
        session.signal(signal);
        session.ends_clean("left: Terminated").await;
    }
    let mut session = Session::start(&guest_words(), &[]);
    session.shows_the_monitor().await;
    session.signal(Signal::HUP);
    session.ends_clean("left: HungUp").await;
}

#[tokio::test]
async fn a_terminal_that_goes_away_ends_it() {
    let mut session = Session::start(&guest_words(), &[]);
    session.shows_the_monitor().await;
    drop(session.pty);
    timeout(PATIENCE, session.child.wait()).await.expect("it ends").expect("is reaped");
}

/// Where no signal says that the terminal is gone (no controlling terminal, or a parent that keeps SIGHUP from us), the
/// end of the input does. A monitor that lives on would be found days later, with a core to itself.
#[tokio::test]
async fn a_terminal_that_goes_away_without_a_signal_ends_it_too() {
    let (mut pty, pts) = pty_process::open().expect("a terminal");
    pty.resize(Size::new(24, 80)).expect("a size");
    let words = guest_words();
    let command = pty_process::Command::new("setsid")
        .args(["--fork", "--wait"])
        .args(&words)
        .env("TERM", "xterm")
        .kill_on_drop(true);
    let mut child = command.stderr(std::process::Stdio::piped()).spawn(pts).expect("starts");
    let mut held = child.stderr.take().expect("a pipe");
    let mut screen = vt100::Parser::default();
    let shown = timeout(PATIENCE, async {
        let mut bytes = [0; 4096];
        while !screen.screen().contents().contains("2 cameras") {
            let n = pty.read(&mut bytes).await.expect("it writes");
            screen.process(&bytes[..n]);
        }
    });
    shown.await.expect("shows the monitor");
    drop(pty);
    let mut last_words = Vec::new();
    let ended = timeout(PATIENCE, held.read_to_end(&mut last_words)).await;
    ended.expect("it ends, and with it the last who holds the pipe").expect("is read");
}

/// The report of a panic must be readable: on the shell's screen, after the monitor's is gone.
#[tokio::test]
async fn a_panic_on_any_thread_gives_the_terminal_back() {
    let mut session = Session::start(&guest_words(), &[("NVR_TEST_PANIC", "1")]);
    session.shows_the_monitor().await;
    session.press("t").await;
    session.ends_clean("failed: a part of the monitor failed").await;
    assert!(session.screen.screen().contents().contains("a thread of the monitor panics"));
}

#[tokio::test]
async fn the_shell_gets_its_terminal_with_ctrl_z_and_fg_returns() {
    let shell = ["bash", "--norc", "--noprofile", "-i"].map(str::to_owned);
    let mut session = Session::start(&shell, &[]);
    session.shows("prompt> ").await;
    session.press(&format!("clear; {}\r", guest_words().join(" "))).await;
    session.shows_the_monitor().await;
    session.press("\x1a").await;
    session.shows("Stopped").await;
    assert!(!session.screen.screen().hide_cursor());
    session.press("clear; echo as us''ual\r").await;
    session.shows("as usual").await;
    session.press("fg\r").await;
    session.shows_the_monitor().await;
    session.press("q").await;
    session.shows("left: Quit").await;
}

/// Without a shell nobody could continue us, so Ctrl-Z must not stop us for ever.
#[tokio::test]
async fn ctrl_z_without_a_shell_does_not_strand_anyone() {
    let mut session = Session::start(&guest_words(), &[]);
    session.shows_the_monitor().await;
    session.press("\x1a").await;
    session.until("shell's screen", |screen| !screen.alternate_screen()).await;
    session.shows_the_monitor().await;
    session.press("q").await;
    session.ends_clean("left: Quit").await;
}

#[tokio::test]
async fn another_size_is_drawn_at_once() {
    let mut session = Session::start(&guest_words(), &[]);
    session.shows_the_monitor().await;
    session.screen.screen_mut().set_size(10.try_into().expect("not 0"), 40.try_into().expect("not 0"));
    session.pty.resize(Size::new(10, 40)).expect("a size");
    session.until("small screen", |screen| screen.contents().contains("2/2 recording")).await;
    session.press("q").await;
    session.ends_clean("left: Quit").await;
}

#[tokio::test]
async fn colours_and_terminals_that_cannot_are_respected() {
    let mut session = Session::start(&guest_words(), &[("NO_COLOR", "1")]);
    session.shows_the_monitor().await;
    let screen = session.screen.screen();
    let cells = (0..24).flat_map(|row| (0..80).filter_map(move |column| screen.cell(row, column)));
    let cells: Vec<_> = cells.collect();
    assert!(
        cells.iter().all(|cell| cell.fgcolor() == vt100::Color::Default && cell.bgcolor() == vt100::Color::Default)
    );
    assert!(cells.iter().any(|cell| cell.inverse()) && cells.iter().any(|cell| cell.bold()));
    session.press("q").await;
    session.ends_clean("left: Quit").await;

    let mut dumb = Session::start(&guest_words(), &[("TERM", "dumb")]);
    dumb.ends_clean("nvr status").await;
}
