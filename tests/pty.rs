//! What the monitor leaves behind on a real terminal: nothing, whichever way it ends.

#[path = "common/pictures.rs"]
#[allow(dead_code, reason = "each file of tests needs other pictures")]
mod pictures;
#[path = "common/scripted.rs"]
#[allow(dead_code, reason = "each file of tests needs other words")]
mod scripted;
#[path = "common/terminal.rs"]
mod terminal;

use nvr::monitor::{self, Leaving};
use pty_process::Size;
use rustix::process::Signal;
use scripted::Recorder;
use std::time::Duration;
use terminal::Session;
use tokio::io::{AsyncReadExt, duplex};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_mode_that_is_left_on_is_found() {
    let found = |raw: &str| terminal::left_on(raw.as_bytes()).join(" ");
    assert_eq!(found("\x1b[?1049h\x1b[?25l\x1b[?2026htext\x1b[?2026l\x1b[?25h\x1b[?1049l"), "");
    assert_eq!(found("\x1b[?1049h\x1b[?25ltext\x1b[?1049l"), "\\e[?25h");
    assert_eq!(found("\x1b[?1000;1006h\x1b[?2004h\x1b[?1000l"), "\\e[?1006l \\e[?2004l");
    assert_eq!(found("\x1b[>1u\x1b=\x1b[1;31m"), "\\e> \\e[<u");
    assert_eq!(found("\x1b[>1u\x1b=\x1b[<1u\x1b>\x1b[>c\x1b[?6n"), "");
}

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

/// The monitor, as these tests draw it.
async fn shows_the_monitor(session: &mut Session) {
    session.shows_all(&["front-door"]).await;
}

#[tokio::test]
async fn a_key_leaves_the_terminal_as_it_was() {
    for key in ["q", "\x03"] {
        let mut session = Session::start(&guest_words(), &[]);
        shows_the_monitor(&mut session).await;
        session.press(key).await;
        session.ends_clean("left: Quit { attached: true }").await;
    }
}

/// Each key is heard by itself: on a screen at rest nothing else would wake the monitor to find it.
#[tokio::test]
async fn keys_are_heard_while_nothing_else_happens() {
    let mut session = Session::start(&guest_words(), &[("NVR_TEST_CALM", "1")]);
    shows_the_monitor(&mut session).await;
    for _ in 0..5 {
        session.press("?").await;
        session.until("help", |screen| screen.contents().contains("this help")).await;
        session.press("?").await;
        session.until("cameras", |screen| !screen.contents().contains("this help")).await;
    }
    session.press("\x1a").await;
    session.until("shell's screen", |screen| !screen.alternate_screen()).await;
    shows_the_monitor(&mut session).await;
    session.press("q").await;
    session.ends_clean("left: Quit").await;
}

#[tokio::test]
async fn signals_leave_the_terminal_as_it_was() {
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT] {
        let mut session = Session::start(&guest_words(), &[]);
        shows_the_monitor(&mut session).await;
        session.signal(signal);
        session.ends_clean("left: Terminated").await;
    }
    let mut session = Session::start(&guest_words(), &[]);
    shows_the_monitor(&mut session).await;
    session.signal(Signal::HUP);
    session.ends_clean("left: HungUp").await;
}

#[tokio::test]
async fn a_terminal_that_goes_away_ends_it() {
    let mut session = Session::start(&guest_words(), &[]);
    shows_the_monitor(&mut session).await;
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
        while !screen.screen().contents().contains("front-door") {
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
    shows_the_monitor(&mut session).await;
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
    shows_the_monitor(&mut session).await;
    session.press("\x1a").await;
    session.shows("Stopped").await;
    assert!(!session.screen.screen().hide_cursor());
    session.press("clear; echo as us''ual\r").await;
    session.shows("as usual").await;
    session.press("fg\r").await;
    shows_the_monitor(&mut session).await;
    session.press("q").await;
    session.shows("left: Quit").await;
}

/// Without a shell nobody could continue us, so Ctrl-Z must not stop us for ever.
#[tokio::test]
async fn ctrl_z_without_a_shell_does_not_strand_anyone() {
    let mut session = Session::start(&guest_words(), &[]);
    shows_the_monitor(&mut session).await;
    session.press("\x1a").await;
    session.until("shell's screen", |screen| !screen.alternate_screen()).await;
    shows_the_monitor(&mut session).await;
    session.press("q").await;
    session.ends_clean("left: Quit").await;
}

#[tokio::test]
async fn another_size_is_drawn_at_once() {
    let mut session = Session::start(&guest_words(), &[]);
    shows_the_monitor(&mut session).await;
    session.resize(10, 40);
    session.until("small screen", |screen| screen.contents().contains("2/2 recording")).await;
    session.press("q").await;
    session.ends_clean("left: Quit").await;
}

#[tokio::test]
async fn colours_and_terminals_that_cannot_are_respected() {
    let mut session = Session::start(&guest_words(), &[("NO_COLOR", "1")]);
    shows_the_monitor(&mut session).await;
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
