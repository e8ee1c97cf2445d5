//! A terminal in memory, and a monitor that runs on it beside a script.

use super::pictures::{NOW, seconds};
use super::scripted::Recorder;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use futures::Stream;
use jiff::tz::TimeZone;
use nvr::link::dial::Client;
use nvr::model::time::Mono;
use nvr::monitor::input::Input;
use nvr::monitor::picture::Palette;
use nvr::monitor::terminal::Stage;
use nvr::monitor::theme::Theme;
use nvr::monitor::{Leaving, Left, Means, attend};
use std::io;
use std::sync::{Arc, Mutex};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// What the terminal has seen.
#[derive(Default)]
pub struct Seen {
    pub screen: vt100::Parser,
    pub frames: usize,
    pub bytes: usize,
    /// The last frame that was no picture, but something for the clipboard.
    pub copied: Vec<u8>,
    pub entered: usize,
    pub suspended: usize,
}

/// A terminal in memory, 80 by 24.
#[derive(Clone)]
pub struct Glass {
    pub seen: Arc<Mutex<Seen>>,
    text: Arc<watch::Sender<String>>,
    pub broken: CancellationToken,
    pub dead: bool,
}

impl Stage for Glass {
    fn size(&self) -> io::Result<(u16, u16)> {
        Ok((80, 24))
    }

    fn show(&mut self, frame: &[u8]) -> io::Result<()> {
        if self.dead {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let mut seen = self.seen.lock().expect("no panic in here");
        seen.screen.process(frame);
        seen.frames += 1;
        seen.bytes += frame.len();
        if frame.starts_with(b"\x1b]52;") {
            seen.copied = frame.to_vec();
        }
        self.text.send_replace(seen.screen.screen().contents());
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.seen.lock().expect("no panic in here").suspended += 1;
        self.text.send_replace(String::new());
        Ok(())
    }

    fn enter(&mut self) -> io::Result<()> {
        let mut seen = self.seen.lock().expect("no panic in here");
        seen.entered += 1;
        seen.screen = vt100::Parser::default();
        Ok(())
    }

    fn broken(&self) -> CancellationToken {
        self.broken.clone()
    }
}

impl Glass {
    pub fn new() -> Self {
        let text = Arc::new(watch::Sender::new(String::new()));
        Self { seen: Arc::default(), text, broken: CancellationToken::new(), dead: false }
    }

    /// Waits until the screen holds `words`.
    pub async fn shows(&self, words: &str) {
        let mut text = self.text.subscribe();
        let seen = timeout(seconds(300), text.wait_for(|text| text.contains(words))).await.map(|seen| seen.is_ok());
        assert_eq!(seen.ok(), Some(true), "{words:?} is not on the screen:\n{}", *self.text.borrow());
    }

    /// Waits until the shell has the terminal.
    pub async fn is_away(&self) {
        let mut text = self.text.subscribe();
        let away = timeout(seconds(300), text.wait_for(String::is_empty)).await;
        assert!(away.is_ok_and(|away| away.is_ok()));
    }

    pub fn text(&self) -> String {
        self.text.borrow().clone()
    }

    /// Waits until something else is shown.
    pub async fn changes(&self) {
        let mut text = self.text.subscribe();
        text.mark_unchanged();
        text.changed().await.expect("somebody draws");
    }

    /// What was put into the clipboard with the last frame, as the terminal gets it.
    pub fn clipboard(&self) -> Vec<u8> {
        self.seen.lock().expect("no panic in here").copied.clone()
    }

    /// Frames and bytes so far.
    pub fn cost(&self) -> (usize, usize) {
        let seen = self.seen.lock().expect("no panic in here");
        (seen.frames, seen.bytes)
    }
}

/// What a script has in its hands.
pub struct Hands {
    pub glass: Glass,
    pub recorder: Recorder,
    pub keys: Keys,
    /// Connections after the first: the script says what becomes of each try, and hears when it was made.
    pub tries: mpsc::UnboundedReceiver<(Instant, tokio::sync::oneshot::Sender<Result<DuplexStream, String>>)>,
}

/// The keyboard and the signals.
pub struct Keys(pub mpsc::UnboundedSender<Input>);

impl Keys {
    pub fn give(&self, input: Input) {
        self.0.send(input).expect("the monitor listens");
    }

    pub fn press(&self, code: KeyCode, modifiers: KeyModifiers) {
        self.give(Input::Key(KeyEvent::new(code, modifiers)));
    }

    pub fn key(&self, c: char) {
        self.press(KeyCode::Char(c), KeyModifiers::NONE);
    }

    pub fn ctrl(&self, c: char) {
        self.press(KeyCode::Char(c), KeyModifiers::CONTROL);
    }
}

/// Runs a monitor and a script side by side, until the script has ended and the monitor was left.
pub async fn play(glass: Glass, script: impl AsyncFnOnce(Hands)) -> color_eyre::Result<Left> {
    let (ours, theirs) = duplex(64 * 1024);
    let (client, recorder) = tokio::join!(Client::attach(ours, true), Recorder::greet(theirs));
    let (keys, mut pressed) = mpsc::unbounded_channel();
    let (ask, tries) = mpsc::unbounded_channel();
    let dial = async || {
        let (answer, answered) = tokio::sync::oneshot::channel();
        ask.send((Instant::now(), answer)).map_err(|_| "nobody there".to_owned())?;
        answered.await.map_err(|_| "nobody there".to_owned())?
    };
    let start = Instant::now();
    let means = Means {
        theme: Theme { palette: Palette::Sixteen, ascii: false, light: false },
        zone: TimeZone::UTC,
        clock: move || -> Mono { NOW + start.elapsed() },
        leaving: Leaving::RecordingGoesOn,
    };
    let inputs = futures::stream::poll_fn(move |cx| pressed.poll_recv(cx));
    let stage = glass.clone();
    let monitor = attend(client.expect("attaches"), dial, || Ok(stage), Box::pin(inputs) as Inputs, means);
    let (left, ()) = timeout(seconds(3600), async {
        tokio::join!(monitor, script(Hands { glass, recorder, keys: Keys(keys), tries }))
    })
    .await
    .expect("the monitor is left");
    left
}

type Inputs = std::pin::Pin<Box<dyn Stream<Item = Input>>>;
