//! Cancellation, the rule of two strikes, and the order of stopping.
//!
//! The first SIGTERM or SIGINT asks: everything ends in its order, and nothing that was wanted is lost. A second one
//! means now: what still waits is left in the ring, where the next start finds it. SIGHUP ends nothing, so that a
//! terminal that hangs up does no harm; it has the configuration read again.

use futures::{Stream, StreamExt};
use std::fmt;
use std::future::Future;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// Signals that come closer together than this are one strike: `timeout` and some supervisors send each of them twice,
/// to the process and to its group.
pub const ONE_STRIKE: Duration = Duration::from_millis(500);

/// What the outside sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: a supervisor.
    Terminate,
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGHUP: read the configuration again, or a terminal that hung up.
    HangUp,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Signal::Terminate => "SIGTERM",
            Signal::Interrupt => "SIGINT (Ctrl-C)",
            Signal::HangUp => "SIGHUP",
        })
    }
}

/// Whether the recorder is to end. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    asked: CancellationToken,
    now: CancellationToken,
    by: OnceLock<String>,
    hangup: Notify,
}

impl Stop {
    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for the end, as a command does; only the first `by` is remembered. However often, it never means now.
    pub fn ask(&self, by: impl Into<String>) {
        self.0.by.get_or_init(|| by.into());
        self.0.asked.cancel();
    }

    /// Means now, and asks if nobody has.
    pub fn ask_now(&self, by: impl Into<String>) {
        self.ask(by);
        self.0.now.cancel();
    }

    /// Cancelled as soon as someone has asked.
    pub fn asked(&self) -> &CancellationToken {
        &self.0.asked
    }

    /// Cancelled as soon as it means now.
    pub fn now(&self) -> &CancellationToken {
        &self.0.now
    }

    /// Who asked first, in words.
    pub fn by(&self) -> Option<&str> {
        self.0.by.get().map(String::as_str)
    }

    /// Waits for the next SIGHUP. Those that come while nobody waits count as one.
    pub async fn hangup(&self) {
        self.0.hangup.notified().await;
    }

    /// Follows the rule of two strikes for as long as signals come. Only signals are strikes: one that arrives after a
    /// person's command to stop is the first.
    pub async fn obey(&self, signals: impl Stream<Item = Signal>) {
        let mut signals = std::pin::pin!(signals);
        let mut first: Option<Instant> = None;
        while let Some(signal) = signals.next().await {
            match signal {
                Signal::HangUp => {
                    tracing::info!("{signal}: recording goes on, and the configuration is read again");
                    self.0.hangup.notify_one();
                }
                Signal::Terminate | Signal::Interrupt => match first {
                    None => {
                        tracing::info!("{signal}: stopping (once more: at once)");
                        first = Some(Instant::now());
                        self.ask(signal.to_string());
                    }
                    Some(since) if since.elapsed() < ONE_STRIKE => {}
                    Some(_) => {
                        tracing::warn!("{signal} again: stopping at once");
                        self.ask_now(signal.to_string());
                    }
                },
            }
        }
    }

    /// Runs one stage of stopping within its limit, and writes what came of it to the log. `None`: it was given up,
    /// because its time was over or because it means now.
    pub async fn stage<T>(&self, stage: Stage, work: impl Future<Output = T>) -> Option<T> {
        let started = Instant::now();
        let done = tokio::select! {
            biased;
            done = work => Some(done),
            () = self.now().cancelled() => None,
            () = sleep(stage.limit()) => None,
        };
        let seconds = started.elapsed().as_secs_f64();
        match done {
            Some(_) => tracing::info!("stopping: {stage}: done in {seconds:.1} s"),
            None => tracing::warn!("stopping: {stage}: given up after {seconds:.1} s"),
        }
        done
    }
}

/// The signals of this process. From this call on they no longer end it, so call it before there is anything to lose,
/// on the runtime that lives as long as the process.
pub fn signals() -> io::Result<impl Stream<Item = Signal> + Send + Unpin> {
    let stream = |kind, name| {
        let mut source = signal(kind)?;
        let arrivals = futures::stream::poll_fn(move |context| source.poll_recv(context));
        Ok::<_, io::Error>(arrivals.map(move |()| name))
    };
    let terminate = stream(SignalKind::terminate(), Signal::Terminate)?;
    let interrupt = stream(SignalKind::interrupt(), Signal::Interrupt)?;
    let hang_up = stream(SignalKind::hangup(), Signal::HangUp)?;
    Ok(futures::stream::select(futures::stream::select(terminate, interrupt), hang_up))
}

/// The order of stopping, first to last: what brings footage ends before what stores it, and who watches leaves last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// No more mail is taken; those that are being taken come to their end.
    Mail,
    /// Every FFmpeg is asked to end and finishes its segment; what is wanted of it is claimed.
    Cameras,
    /// What is claimed is stored.
    Archive,
    /// Clips get their final names and records.
    Clips,
    /// Every monitor hears goodbye.
    Monitors,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Stage; 5] = [Stage::Mail, Stage::Cameras, Stage::Archive, Stage::Clips, Stage::Monitors];

    /// Longest time for this stage. Together they stay below the 90 s after which systemd kills.
    pub const fn limit(self) -> Duration {
        Duration::from_secs(match self {
            Stage::Mail => 2,
            Stage::Cameras => 8,
            Stage::Archive => 50,
            Stage::Clips => 10,
            Stage::Monitors => 5,
        })
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Mail => "no more mail",
            Stage::Cameras => "cameras end",
            Stage::Archive => "footage is stored",
            Stage::Clips => "clips are closed",
            Stage::Monitors => "monitors leave",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::sync::mpsc;

    struct World {
        stop: Stop,
        send: mpsc::UnboundedSender<Signal>,
    }

    fn world() -> World {
        let (send, mut signals) = mpsc::unbounded_channel();
        let stop = Stop::new();
        let obeying = stop.clone();
        tokio::spawn(async move { obeying.obey(futures::stream::poll_fn(|cx| signals.poll_recv(cx))).await });
        World { stop, send }
    }

    impl World {
        async fn signal(&self, signal: Signal) {
            self.send.send(signal).expect("someone obeys");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_signal_asks_and_the_second_means_now() {
        let world = world();
        world.signal(Signal::Terminate).await;
        assert!(world.stop.asked().is_cancelled());
        assert!(!world.stop.now().is_cancelled());
        sleep(ONE_STRIKE).await;
        world.signal(Signal::Interrupt).await;
        assert!(world.stop.now().is_cancelled());
        assert_eq!(world.stop.by(), Some("SIGTERM"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_signal_that_is_sent_twice_at_once_is_one_strike() {
        let world = world();
        world.signal(Signal::Terminate).await;
        world.signal(Signal::Terminate).await;
        assert!(world.stop.asked().is_cancelled());
        assert!(!world.stop.now().is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_is_not_a_strike() {
        let world = world();
        world.stop.ask("a person pressed Q");
        world.stop.ask("a person pressed Q");
        sleep(ONE_STRIKE).await;
        world.signal(Signal::Terminate).await;
        assert!(!world.stop.now().is_cancelled());
        assert_eq!(world.stop.by(), Some("a person pressed Q"));
        sleep(ONE_STRIKE).await;
        world.signal(Signal::Terminate).await;
        assert!(world.stop.now().is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn hanging_up_ends_nothing_and_is_heard_once_however_often_it_came() {
        let world = world();
        world.signal(Signal::HangUp).await;
        world.signal(Signal::HangUp).await;
        world.stop.hangup().await;
        let again = tokio::time::timeout(Duration::from_secs(60), world.stop.hangup()).await;
        assert!(again.is_err());
        assert!(!world.stop.asked().is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stage_ends_by_itself_or_by_its_limit_or_because_it_means_now() {
        let stop = Stop::new();
        assert_eq!(stop.stage(Stage::Mail, async { 7 }).await, Some(7));
        let started = Instant::now();
        assert_eq!(stop.stage(Stage::Cameras, pending::<()>()).await, None);
        assert_eq!(started.elapsed().as_secs(), Stage::Cameras.limit().as_secs());
        stop.ask_now("a test");
        let started = Instant::now();
        assert_eq!(stop.stage(Stage::Archive, pending::<()>()).await, None);
        assert!(started.elapsed() < Duration::from_secs(1));
    }

    #[test]
    fn all_stages_together_end_before_systemd_kills() {
        let all: Duration = Stage::ALL.into_iter().map(Stage::limit).sum();
        assert!(all < Duration::from_secs(85), "{all:?}");
    }
}
