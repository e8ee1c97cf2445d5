//! The loop: hear, let the person's side change, draw if that can be seen, sleep until something can be seen.
//!
//! It is generic over the stream to the recorder, the terminal, its inputs and the clock; tests join it to a recorder
//! that follows a script and to a terminal in memory.

use super::draw;
use super::input::{Input, Inputs};
use super::keys::Press;
use super::line::{self, News};
use super::paint::Painter;
use super::picture;
use super::terminal::{self, Stage, Terminal};
use super::theme::Theme;
use super::ui::look::Shot;
use super::ui::{Leaving, Order, Ui};
use super::view::{Scene, View};
use crate::clock::boot_time;
use crate::link::dial::Client;
use crate::model::command::Command;
use crate::model::question::{Seen, Still};
use crate::model::snapshot::Snapshot;
use crate::model::time::Mono;
use color_eyre::eyre::{Result, WrapErr, eyre};
use crossterm::clipboard::CopyToClipboard;
use crossterm::queue;
use futures::stream::FuturesUnordered;
use futures::{Stream, StreamExt};
use jiff::tz::TimeZone;
use ratatui::layout::Rect;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Time between frames that nobody asked for with a key: at most ten a second.
const FRAME: Duration = Duration::from_millis(100);
/// How long the first picture may take before a screen without one is shown.
const FIRST_PICTURE: Duration = Duration::from_millis(300);
/// How long the kernel may take to stop us. If it has not by then, nothing could continue us, and it will not.
const STOPPING: Duration = Duration::from_millis(100);
/// What is said when a frame cannot be written.
const DEAF: &str = "the terminal takes no more (the recording goes on; come back with: nvr)";
/// Inputs taken together before a frame is drawn, so that pasted text costs few frames.
const TOGETHER: usize = 64;

/// How the monitor ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// By a key.
    Quit {
        /// The recorder was there at the end.
        attached: bool,
    },
    /// The recorder was stopped by a key and has ended; what it said last.
    Stopped(String),
    /// By a signal that asked for it.
    Terminated,
    /// Because the terminal is gone; there is nobody to tell.
    HungUp,
}

/// Runs the monitor on this process's terminal until it is left.
///
/// `dial` connects to the recorder; it is called at once and whenever the recorder is lost. Fails with a sentence if
/// there is no usable terminal, no recorder at first, or if the terminal breaks.
pub async fn run<S>(mut dial: impl AsyncFnMut() -> Result<S, String>, leaving: Leaving) -> Result<Left>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let variable = |name: &str| std::env::var(name).ok();
    terminal::check(variable).map_err(|sentence| eyre!(sentence))?;
    let client = line::attach(&mut dial).await.map_err(|sentence| eyre!(sentence))?;
    let means = Means { theme: Theme::from_env(variable), zone: TimeZone::system(), clock: boot_time, leaving };
    let inputs = Inputs::listen().wrap_err("keys and signals cannot be heard (is standard input a terminal?)")?;
    attend(client, dial, Terminal::take, inputs, means).await
}

/// What a monitor draws with.
#[derive(Debug)]
pub struct Means<C> {
    /// How tones look.
    pub theme: Theme,
    /// For times of day.
    pub zone: TimeZone,
    /// The recorder's clock.
    pub clock: C,
    /// What leaving means.
    pub leaving: Leaving,
}

/// Runs the monitor on any terminal. `open` takes it, once there is something to show or it is clear that it takes a
/// while.
pub async fn attend<S, T: Stage>(
    client: Client,
    dial: impl AsyncFnMut() -> Result<S, String>,
    open: impl FnOnce() -> io::Result<T>,
    inputs: impl Stream<Item = Input> + Unpin,
    means: Means<impl Fn() -> Mono>,
) -> Result<Left>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // Room for every order that may be under way, and a question.
    let (order, orders) = mpsc::channel(2 * Ui::OUTSTANDING);
    let (tell, mut news) = mpsc::channel(1);
    // Not `now_or_never` in the loop: it polls with a waker that wakes nobody, and the next key would wait.
    let mut inputs = inputs.ready_chunks(TOGETHER);
    let showing = async {
        let first = tokio::time::timeout(FIRST_PICTURE, news.recv()).await;
        let stage = open().wrap_err("the terminal cannot be used (is it still there?)")?;
        let mut monitor = Monitor::new(stage, order, means);
        if let Ok(Some(first)) = first
            && let Some(left) = monitor.hear(first)
        {
            return Ok(left);
        }
        monitor.run(&mut news, &mut inputs).await
    };
    tokio::select! {
        left = showing => left,
        () = line::hold(client, dial, orders, tell) => Err(eyre!("the line to the recorder was given up")),
    }
}

/// One monitor on one terminal.
struct Monitor<T, C> {
    stage: T,
    order: mpsc::Sender<(u64, Command)>,
    means: Means<C>,
    ui: Ui,
    snapshot: Option<Arc<Snapshot>>,
    painter: Painter,
    size: (u16, u16),
    /// What is on the screen; `None`: nothing of ours.
    shown: Option<View>,
    /// When another frame may be drawn that nobody asked for.
    free: Instant,
    /// A key was pressed: the next frame does not wait.
    urgent: bool,
    /// Set while the shell has the terminal: when to take it back if the kernel does not stop us.
    away: Option<Instant>,
}

impl<T: Stage, C: Fn() -> Mono> Monitor<T, C> {
    fn new(stage: T, order: mpsc::Sender<(u64, Command)>, means: Means<C>) -> Self {
        let ui = Ui::new(means.leaving);
        let size = stage.size().unwrap_or((0, 0));
        Self {
            stage,
            order,
            means,
            ui,
            snapshot: None,
            painter: Painter::default(),
            size,
            shown: None,
            free: Instant::now(),
            urgent: true,
            away: None,
        }
    }

    async fn run(
        &mut self,
        news: &mut mpsc::Receiver<News>,
        inputs: &mut (impl Stream<Item = Vec<Input>> + Unpin),
    ) -> Result<Left> {
        let broken = self.stage.broken();
        let mut developing = FuturesUnordered::new();
        loop {
            let wake = self.draw()?;
            let nap = async {
                match wake {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            while let Some((of, stills)) = self.ui.undeveloped() {
                developing.push(develop(of, stills));
            }
            let left = tokio::select! {
                biased;
                () = broken.cancelled() => return Err(eyre!("a part of the monitor failed; the recording is not touched by that (come back with: nvr)")),
                taken = inputs.next() => self.take(taken)?,
                Some(heard) = news.recv() => self.hear(heard),
                Some((of, shots)) = developing.next() => {
                    self.ui.developed(&of, &shots);
                    None
                }
                () = nap => self.return_from_shell()?,
            };
            if let Some(left) = left {
                return Ok(left);
            }
        }
    }

    fn now(&self) -> Mono {
        (self.means.clock)()
    }

    /// Takes inputs that came together; without any the keyboard is gone, and with it whoever could want anything.
    fn take(&mut self, taken: Option<Vec<Input>>) -> Result<Option<Left>> {
        for input in taken.unwrap_or_else(|| vec![Input::Hangup]) {
            if let Some(left) = self.input(input)? {
                return Ok(Some(left));
            }
        }
        Ok(None)
    }

    fn input(&mut self, input: Input) -> Result<Option<Left>> {
        match input {
            Input::Terminate => return Ok(Some(Left::Terminated)),
            Input::Hangup => return Ok(Some(Left::HungUp)),
            Input::Continued => self.enter()?,
            Input::Resized => self.urgent = true,
            Input::Key(key) if self.away.is_none() => {
                let Some(press) = Press::of(&key) else { return Ok(None) };
                self.urgent = true;
                let order = self.ui.press(press, self.snapshot.as_deref(), self.now());
                return self.obey(order);
            }
            Input::Paste(text) if self.away.is_none() => {
                self.urgent = true;
                self.ui.paste(&text, self.now());
            }
            Input::Key(_) | Input::Paste(_) => {} // typed ahead for the shell
        }
        Ok(None)
    }

    fn obey(&mut self, order: Order) -> Result<Option<Left>> {
        match order {
            Order::Nothing => self.bound_scroll(),
            Order::Send(number, command) => self.send(number, command),
            Order::Copy(text) => {
                let mut bytes = Vec::new();
                queue!(bytes, CopyToClipboard::to_clipboard_from(text))?;
                self.stage.show(&bytes).wrap_err(DEAF)?;
            }
            Order::Leave => return Ok(Some(Left::Quit { attached: self.ui.lost.is_none() })),
            Order::Suspend => {
                self.shown = None;
                self.away = Some(Instant::now() + STOPPING);
                self.stage.suspend().wrap_err("the terminal cannot be given back")?;
            }
            Order::Redraw => self.forget(),
        }
        Ok(None)
    }

    fn send(&mut self, number: u64, command: Command) {
        if self.order.try_send((number, command)).is_err() {
            let why = "nothing was done: the recorder takes no orders".to_owned();
            self.ui.answered(number, Err(why), self.now());
        }
    }

    /// Asks what the page needs to know.
    fn ask(&mut self) {
        while let Some((number, question)) = self.ui.question(self.snapshot.as_deref()) {
            self.send(number, question);
        }
    }

    /// A text cannot be scrolled past its end, or scrolling back would seem not to work.
    fn bound_scroll(&mut self) {
        let (Some(line), Some(view)) = (self.ui.scroll(), &self.shown) else { return };
        *line = (*line).min(draw::reach(view, Rect::new(0, 0, self.size.0, self.size.1)));
    }

    fn forget(&mut self) {
        self.painter.forget();
        self.shown = None;
        self.urgent = true;
    }

    fn enter(&mut self) -> Result<()> {
        self.away = None;
        self.forget();
        self.stage.enter().wrap_err("the terminal cannot be used again (come back with: nvr)")
    }

    /// Takes the terminal back if the kernel did not stop us after all.
    fn return_from_shell(&mut self) -> Result<Option<Left>> {
        if self.away.is_some_and(|until| until <= Instant::now()) {
            self.enter()?;
        }
        Ok(None)
    }

    fn hear(&mut self, news: News) -> Option<Left> {
        let now = self.now();
        match news {
            News::Picture(picture) => {
                self.ui.picture(&picture);
                self.snapshot = Some(picture);
            }
            News::Answer(number, answer) => self.ui.answered(number, answer, now),
            News::Lost(gone) if self.ui.stopping => return Some(Left::Stopped(gone.reason)),
            News::Lost(gone) => self.ui.lose(&gone.reason, gone.bye, now),
            News::StillLost(reason) => self.ui.still_lost(&reason),
            News::Found => self.ui.find_recorder(now),
        }
        None
    }

    /// Draws what differs, if it is time to; says when to look again without any news.
    fn draw(&mut self) -> Result<Option<Instant>> {
        if self.away.is_some() {
            return Ok(self.away);
        }
        let (now, size) = (self.now(), self.stage.size().unwrap_or(self.size));
        self.ui.size = size;
        self.ask();
        let scene = Scene { snapshot: self.snapshot.as_deref(), now, zone: &self.means.zone, ui: &self.ui };
        let (view, next) = View::of(&scene);
        let next = next.map(|at| Instant::now() + at.since(now));
        if self.shown.as_ref() == Some(&view) && size == self.size {
            self.urgent = false;
            return Ok(self.not_before_free(next));
        }
        if !self.urgent && Instant::now() < self.free {
            return Ok(Some(self.free));
        }
        let theme = &self.means.theme;
        let frame = self.painter.frame(size, |area, buf| draw::draw(&view, theme, area, buf));
        let frame = frame.wrap_err("a frame cannot be made")?;
        if !frame.is_empty() {
            self.stage.show(frame).wrap_err(DEAF)?;
        }
        self.free = Instant::now() + FRAME;
        let (top, lines) = draw::sight(&view, Rect::new(0, 0, size.0, size.1));
        self.ui.showed(top, lines);
        (self.shown, self.size, self.urgent) = (Some(view), size, false);
        Ok(self.not_before_free(next))
    }

    /// What differs before a frame may be drawn is drawn with that frame: to look earlier would only cost a wake-up, and
    /// steps that are as short as frames are apart would cost one with each.
    fn not_before_free(&self, next: Option<Instant>) -> Option<Instant> {
        next.map(|next| next.max(self.free))
    }
}

/// Makes pictures visible, on a thread of its own: keys must not wait for it.
async fn develop(of: Seen, stills: Vec<Still>) -> (Seen, Vec<Shot>) {
    let shot = |still: Still| {
        let picture = picture::decode(&still.jpeg);
        Shot { which: still.which, at: still.at, picture }
    };
    let developed = tokio::task::spawn_blocking(move || stills.into_iter().map(shot).collect()).await;
    (of, developed.unwrap_or_default())
}
