//! A program on a terminal of its own: what it draws, what it leaves behind, and what it costs on the line.

use pty_process::{Pty, Size};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{Termios, tcgetattr};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;
use tokio::time::timeout;

/// Longer than anything here takes, on a machine that is busy; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Lines and columns of a terminal, if nobody says otherwise.
pub const SIZE: (u16, u16) = (24, 80);

/// A program on a terminal of its own.
pub struct Session {
    pub pty: Pty,
    pub child: Child,
    /// What the terminal shows.
    pub screen: vt100::Parser,
    /// Every byte that came to the terminal.
    pub raw: Vec<u8>,
    before: Termios,
}

impl Session {
    pub fn start(words: &[impl AsRef<OsStr>], variables: &[(&str, &str)]) -> Self {
        let (pty, pts) = pty_process::open().expect("a terminal");
        pty.resize(Size::new(SIZE.0, SIZE.1)).expect("a size");
        let before = tcgetattr(&pty).expect("modes");
        let mut command = pty_process::Command::new(&words[0]).args(&words[1..]).kill_on_drop(true);
        command = command.env("TERM", "xterm-256color").env("LANG", "C.UTF-8").env("PS1", "prompt> ");
        command = command.env_remove("LC_ALL").env_remove("NO_COLOR").env_remove("NVR_LOG").env_remove("NVR_SOCKET");
        for (name, value) in variables {
            command = command.env(name, value);
        }
        let child = command.spawn(pts).expect("starts");
        Self { pty, child, screen: vt100::Parser::default(), raw: Vec::new(), before }
    }

    /// Takes what the program writes next and answers how many bytes it was; 0: the program has let go of the terminal.
    pub async fn read(&mut self) -> usize {
        let mut bytes = [0; 4096];
        let count = self.pty.read(&mut bytes).await.unwrap_or(0); // on Linux the end of a terminal is an error
        self.screen.process(&bytes[..count]);
        self.raw.extend(&bytes[..count]);
        count
    }

    /// Reads what the program writes until `done` is satisfied with the screen, or the program has ended.
    pub async fn until(&mut self, what: &str, done: impl Fn(&vt100::Screen) -> bool) {
        let found = timeout(PATIENCE, async { while !done(self.screen.screen()) && self.read().await > 0 {} });
        let found = found.await.is_ok() && done(self.screen.screen());
        assert!(found, "no {what}:\n{}", self.screen.screen().contents());
    }

    /// The full screen of a program that shows so many words, on a terminal that it has taken.
    pub async fn shows_all(&mut self, words: &[&str]) {
        let all = |screen: &vt100::Screen| {
            let text = screen.contents();
            screen.alternate_screen() && words.iter().all(|word| text.contains(word))
        };
        self.until(&format!("screen with {words:?}"), all).await;
        assert!(self.screen.screen().hide_cursor());
        let now = tcgetattr(&self.pty).expect("modes").local_modes;
        assert_ne!(format!("{now:?}"), format!("{:?}", self.before.local_modes));
    }

    /// The shell's screen, with some words.
    pub async fn shows(&mut self, words: &str) {
        self.until(words, |screen| !screen.alternate_screen() && screen.contents().contains(words)).await;
    }

    pub async fn press(&mut self, keys: &str) {
        self.pty.write_all(keys.as_bytes()).await.expect("is typed");
    }

    /// Gives the terminal another size: lines, then columns.
    pub fn resize(&mut self, lines: u16, columns: u16) {
        let size = |n: u16| n.try_into().expect("not 0");
        self.screen.screen_mut().set_size(size(lines), size(columns));
        self.pty.resize(Size::new(lines, columns)).expect("a size");
    }

    pub fn pid(&self) -> Pid {
        self.child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())).expect("it runs")
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("is sent");
    }

    /// Waits for the end, and then the terminal must be as it was.
    pub async fn ends_clean(&mut self, with: &str) -> ExitStatus {
        self.shows(with).await;
        let end = async {
            while self.read().await > 0 {}
            self.child.wait().await
        };
        let status = timeout(PATIENCE, end).await.expect("it ends").expect("is reaped");
        // The kernel keeps the modes of a terminal that nobody has open.
        let screen = self.screen.screen();
        assert!(!screen.hide_cursor(), "the cursor is back");
        assert!(!screen.bold() && !screen.inverse(), "no attribute is left on");
        assert_eq!((screen.fgcolor(), screen.bgcolor()), Default::default(), "no colour is left on");
        assert_eq!(left_on(&self.raw), [] as [&str; 0], "no mode is left on");
        assert_eq!(format!("{:?}", tcgetattr(&self.pty).expect("modes")), format!("{:?}", self.before));
        status
    }
}

/// The modes of a terminal that these bytes leave other than a shell expects them, each as the sequence that undoes it.
///
/// Knows every DEC private mode by its pattern, the keypad, and the stack of keyboard protocols; so a mode that nobody
/// has thought of yet is found too.
pub fn left_on(raw: &[u8]) -> Vec<String> {
    let mut modes: BTreeMap<String, bool> = BTreeMap::new();
    let mut pushed = 0i32;
    for sequence in raw.split(|byte| *byte == 0x1b).skip(1) {
        match sequence {
            [b'=', ..] => drop(modes.insert("\\e>".to_owned(), true)),
            [b'>', ..] => drop(modes.insert("\\e>".to_owned(), false)),
            [b'[', b'>', rest @ ..] if ends_with(rest, b'u') => pushed += 1,
            [b'[', b'<', rest @ ..] if ends_with(rest, b'u') => pushed -= 1,
            [b'[', b'?', rest @ ..] => {
                let digits = rest.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
                let set = match rest.get(digits) {
                    Some(b'h') => true,
                    Some(b'l') => false,
                    _ => continue, // a question, or something that is no mode
                };
                for number in String::from_utf8_lossy(&rest[..digits]).split(';') {
                    // Wrapping and the cursor are on in a shell, everything else is off.
                    let usual = matches!(number, "7" | "25");
                    modes.insert(format!("\\e[?{number}{}", if usual { 'h' } else { 'l' }), set != usual);
                }
            }
            _ => {}
        }
    }
    let keyboard = (pushed != 0).then(|| "\\e[<u".to_owned());
    modes.into_iter().filter_map(|(undo, other)| other.then_some(undo)).chain(keyboard).collect()
}

/// The first byte that is no parameter is this one.
fn ends_with(sequence: &[u8], last: u8) -> bool {
    sequence.iter().find(|byte| !byte.is_ascii_digit() && **byte != b';' && **byte != b':') == Some(&last)
}
