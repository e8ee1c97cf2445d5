//! Where sentences go. The last ones are in the snapshot, for the screen; all of them go to a log, for later.
//!
//! Writing to the log never waits: a thread of its own does it, and when that thread is stuck (a terminal that nobody
//! reads, a full disk) lines are left out and counted.

use crate::model::snapshot::{Entry, Level};
use std::fmt;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use tracing::Subscriber;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

/// What is logged if nobody says otherwise.
const FILTER: &str = "warn,nvr=info";

/// Lines that may wait for the writing thread.
const WAITING: usize = 4096;

/// Days whose log files are kept.
const DAYS: usize = 7;

/// Where the log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogTo {
    /// Standard error: a terminal, a container or systemd's journal.
    Stderr,
    /// A file a day (`nvr.2026-01-31.log`, days of UTC) in this directory, for seven days.
    File(PathBuf),
}

impl LogTo {
    /// Where a person finds what earlier recorders wrote, if that can be known: a terminal keeps nothing, and a
    /// container's log is known only to who runs it.
    pub fn earlier(&self) -> Option<String> {
        match self {
            LogTo::File(dir) => Some(format!("the log files nvr.*.log in {}", dir.display())),
            LogTo::Stderr => is_systemds().then(|| "journalctl -u nvr".to_owned()),
        }
    }
}

/// Whether standard error is systemd's journal. It names the file that it reads; a shell inside of a unit may have put
/// another one in its place.
fn is_systemds() -> bool {
    rustix::fs::fstat(io::stderr())
        .is_ok_and(|to| std::env::var("JOURNAL_STREAM").is_ok_and(|of| of == format!("{}:{}", to.st_dev, to.st_ino)))
}

/// Keep it until the end: dropping it writes what still waits, for at most about a second.
#[derive(Debug)]
pub struct Guard {
    _worker: WorkerGuard,
    lost: ErrorCounter,
}

impl Guard {
    /// Lines that were left out because they could not be written in time.
    pub fn lost(&self) -> usize {
        self.lost.dropped_lines()
    }
}

/// Starts the log; once in a process. `filter` is `NVR_LOG`'s value.
///
/// The error is a sentence with its remedy: the filter is none, or the directory cannot be written.
pub fn init(to: LogTo, filter: Option<String>) -> Result<Guard, String> {
    let filter = parse(filter.as_deref().unwrap_or_default())?;
    let (writer, guard, style) = match to {
        LogTo::Stderr => {
            let (writer, guard) = spawn(io::stderr());
            (writer, guard, Style::of_stderr())
        }
        LogTo::File(dir) => {
            let (writer, guard) = spawn(daily(&dir)?);
            (writer, guard, Style { colours: false, clock: Clock::Local })
        }
    };
    tracing::subscriber::set_global_default(subscriber(writer, filter, style))
        .map_err(|_| "the log was started twice (please report this)".to_owned())?;
    Ok(guard)
}

/// Writes a sentence of the recorder's to the log.
pub fn write(entry: &Entry) {
    let camera = entry.camera.as_ref().map(tracing::field::display);
    let text = &entry.text;
    match entry.level {
        Level::Info => tracing::info!(camera, "{text}"),
        Level::Warn => tracing::warn!(camera, "{text}"),
        Level::Error => tracing::error!(camera, "{text}"),
    }
}

fn parse(filter: &str) -> Result<EnvFilter, String> {
    let wanted = if filter.trim().is_empty() { FILTER } else { filter };
    EnvFilter::builder().parse(wanted).map_err(|error| {
        format!("NVR_LOG={filter:?} is not a log filter: {error} (write a level such as info or debug, or {FILTER})")
    })
}

fn spawn<W: io::Write + Send + 'static>(to: W) -> (NonBlocking, Guard) {
    let (writer, worker) =
        NonBlockingBuilder::default().lossy(true).buffered_lines_limit(WAITING).thread_name("log").finish(to);
    let lost = writer.error_counter();
    (writer, Guard { _worker: worker, lost })
}

fn daily(dir: &Path) -> Result<RollingFileAppender, String> {
    let builder = RollingFileAppender::builder().rotation(Rotation::DAILY).max_log_files(DAYS);
    builder.filename_prefix("nvr").filename_suffix("log").build(dir).map_err(|error| {
        let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        let shown = dir.display();
        format!("cannot write the log in {shown}: {cause} (make it writable: mkdir -p {shown}; chown $USER {shown})")
    })
}

struct Style {
    colours: bool,
    clock: Clock,
}

impl Style {
    fn of_stderr() -> Self {
        let terminal = io::stderr().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let clock = if is_systemds() { Clock::None } else { Clock::Local };
        Style { colours: terminal && !plain, clock }
    }
}

/// The time in front of a line.
enum Clock {
    /// With its offset from UTC, so that it stays true when the clock is changed.
    Local,
    /// systemd's journal has its own.
    None,
}

impl FormatTime for Clock {
    fn format_time(&self, to: &mut Writer<'_>) -> fmt::Result {
        match self {
            Clock::Local => write!(to, "{}", jiff::Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%.3f%:z")),
            Clock::None => Ok(()),
        }
    }
}

fn subscriber(writer: NonBlocking, filter: EnvFilter, style: Style) -> impl Subscriber + Send + Sync {
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(style.colours)
        .with_timer(style.clock)
        .with_target(false)
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::snapshot::Topic;
    use crate::model::time::Mono;
    use std::sync::mpsc;

    fn entry(level: Level, camera: Option<&str>, text: &str) -> Entry {
        let camera = camera.map(|name| name.parse().expect("a name"));
        Entry { number: 1, at: Mono(1), level, topic: Topic::Camera, camera, text: text.into() }
    }

    #[test]
    fn sentences_reach_the_file_of_the_day_with_level_and_camera() {
        let dir = tempfile::tempdir().expect("a directory");
        let logs = dir.path().join("made/on/the/way");
        let (writer, guard) = spawn(daily(&logs).expect("can be written"));
        let style = Style { colours: false, clock: Clock::Local };
        let subscriber = subscriber(writer, parse("").expect("the default"), style);
        tracing::subscriber::with_default(subscriber, || {
            write(&entry(Level::Warn, Some("garden"), "no footage for 12 s"));
            write(&entry(Level::Info, None, "the recorder has started"));
            tracing::debug!("not asked for");
        });
        drop(guard);
        let files: Vec<_> =
            fs_err::read_dir(&logs).expect("is there").map(|file| file.expect("readable").path()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        let name = files[0].file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(name.starts_with("nvr.20") && name.ends_with(".log"), "{name}");
        let text = fs_err::read_to_string(&files[0]).expect("readable");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[0].contains(" WARN no footage for 12 s camera=garden"), "{text}");
        assert!(lines[1].ends_with(" INFO the recorder has started"), "{text}");
        let stamp = lines[0].split_whitespace().next().expect("a time");
        assert!(stamp.parse::<jiff::Timestamp>().is_ok(), "{stamp}");
    }

    #[test]
    fn only_seven_days_are_kept_and_other_files_are_left_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        for day in 1..=20 {
            fs_err::write(dir.path().join(format!("nvr.2001-01-{day:02}.log")), "old").expect("written");
        }
        fs_err::write(dir.path().join("notes.txt"), "mine").expect("written");
        drop(daily(dir.path()).expect("can be written"));
        let left = fs_err::read_dir(dir.path()).expect("is there").count();
        assert!(dir.path().join("notes.txt").exists());
        assert_eq!(left, DAYS + 1, "today's and six older ones, and the notes");
    }

    /// A terminal that nobody reads: the first write never returns.
    struct Stuck(mpsc::Receiver<()>);

    impl io::Write for Stuck {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.recv().ok();
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_log_that_is_stuck_delays_nobody_and_counts_what_is_lost() {
        let (release, stuck) = mpsc::channel();
        let (writer, guard) = spawn(Stuck(stuck));
        let style = Style { colours: false, clock: Clock::None };
        let subscriber = subscriber(writer, parse("info").expect("a filter"), style);
        tracing::subscriber::with_default(subscriber, || {
            for number in 0..2 * WAITING {
                write(&entry(Level::Info, None, &format!("line {number}")));
            }
        });
        assert!(guard.lost() >= WAITING - 2, "{} lines were lost", guard.lost());
        drop(release);
    }

    #[test]
    fn what_is_wrong_is_said_with_the_remedy() {
        let bad = parse("nvr=loud").expect_err("not a level");
        assert!(bad.starts_with("NVR_LOG=\"nvr=loud\" is not a log filter: ") && bad.ends_with(')'), "{bad}");
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("a-file");
        fs_err::write(&file, "").expect("written");
        let bad = daily(&file).expect_err("not a directory");
        assert!(bad.starts_with(&format!("cannot write the log in {}: ", file.display())), "{bad}");
    }
}
