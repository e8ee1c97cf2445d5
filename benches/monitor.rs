//! What the monitor costs, and how soon it is there: the real program on a real terminal, before a real recorder.
//!
//! `cargo bench --bench monitor` records two cameras, then four, of 4 Mbit/s in segments of 10 s; attaches the monitor
//! at 80×24, and prints a table with the limits that it is held to, beside htop on the same machine if that is
//! installed. It takes about five minutes. Bytes are those that reach the terminal; SSH and TCP add 110 to 125 to each
//! write. Processor time and wake-ups are the kernel's count of all threads (schedstat, voluntary context switches).

#[path = "../tests/common/feed.rs"]
mod feed;
#[path = "../tests/common/material.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod material;
#[path = "../tests/common/nvr.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod nvr_process;
#[path = "../tests/common/terminal.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod terminal;

use feed::Feed;
use material::{Kind, Material};
use nvr_process::{Nvr, Place};
use std::path::Path;
use std::time::{Duration, Instant};
use terminal::{Session, left_on};
use tokio::time::{sleep, timeout, timeout_at};

/// How often what is quick is measured.
const TIMES: usize = 20;
/// How long a screen at rest is watched.
const REST: Duration = Duration::from_secs(70);
const SEGMENT: Duration = Duration::from_secs(10);
/// From a key press to the end of its event.
const POST_ROLL: Duration = Duration::from_secs(30);
/// Below so much the countdown shows parts of seconds.
const TENTHS: Duration = Duration::from_secs(10);
/// What a slot switch brings is on the screen by then: the picture that tells of it comes at once, and what follows from
/// it with the next sweep of the ring, a second later, or with the picture after that.
const SETTLED: Duration = Duration::from_secs(2);

/// One line of the table: what, the limit if there is one, and a figure for each column.
struct Line {
    what: &'static str,
    unit: &'static str,
    limit: Option<f64>,
    figures: Vec<Option<f64>>,
}

/// The figures of one program.
#[derive(Default)]
struct Figures(Vec<(&'static str, f64)>);

impl Figures {
    fn note(&mut self, what: &'static str, figure: f64) {
        self.0.push((what, figure));
    }
}

/// What is measured: name, unit, limit.
const TABLE: &[(&str, &str, Option<f64>)] = &[
    ("first frame", "ms", Some(50.0)),
    ("key → changed screen", "ms", Some(5.0)),
    ("order → changed screen", "ms", Some(5.0)),
    ("exit", "ms", Some(100.0)),
    ("at rest, between slot switches", "B/s", Some(0.0)),
    ("at rest, each slot switch", "B", None),
    ("at rest, each camera", "B/s", Some(20.0)),
    ("at rest, all", "B/s", None),
    ("countdown", "B/s", Some(400.0)),
    ("countdown, whole seconds", "B/s", None),
    ("countdown, its last 10 s", "B/s", None),
    ("processor at rest", "%", Some(0.5)),
    ("processor during a countdown", "%", None),
    ("wake-ups at rest", "/s", Some(12.0)),
    ("wake-ups during a countdown", "/s", Some(12.0)),
    ("wake-ups, its last 10 s", "/s", Some(12.0)),
    ("memory resident (RSS)", "MiB", Some(12.0)),
    ("memory of its own (PSS)", "MiB", None),
];

/// What the kernel has counted of a process, and when.
struct Count {
    at: Instant,
    processor: Duration,
    wakes: u64,
}

impl Count {
    fn of(session: &Session) -> Count {
        let tasks = format!("/proc/{}/task", session.pid().as_raw_nonzero());
        let (mut processor, mut wakes) = (0, 0);
        for task in std::fs::read_dir(tasks).expect("a process").flatten() {
            let read = |name| std::fs::read_to_string(task.path().join(name)).expect("a thread that stays");
            let number = |text: &str| text.trim().parse::<u64>().expect("a number");
            processor += number(read("schedstat").split(' ').next().expect("nanoseconds"));
            let status = read("status");
            let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            wakes += number(line.expect("a count"));
        }
        Count { at: Instant::now(), processor: Duration::from_nanos(processor), wakes }
    }

    /// Per cent of a processor, and wake-ups a second, since then.
    fn since(&self, earlier: &Count) -> (f64, f64) {
        let span = (self.at - earlier.at).as_secs_f64();
        let processor = (self.processor - earlier.processor).as_secs_f64();
        (processor / span * 100.0, (self.wakes - earlier.wakes) as f64 / span)
    }
}

/// Resident and proportional memory in MiB.
fn memory(session: &Session) -> [f64; 2] {
    let path = format!("/proc/{}/smaps_rollup", session.pid().as_raw_nonzero());
    let text = std::fs::read_to_string(path).expect("a process");
    ["Rss:", "Pss:"].map(|name| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("a figure");
        line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
    })
}

fn median(mut spans: Vec<Duration>) -> f64 {
    spans.sort();
    spans[spans.len() / 2].as_secs_f64() * 1000.0
}

/// What a program wrote at a time.
struct Write {
    at: Instant,
    bytes: Vec<u8>,
}

/// Everything that reaches a terminal until then.
async fn watch(session: &mut Session, until: tokio::time::Instant) -> Vec<Write> {
    let mut writes = Vec::new();
    while let Ok(count) = timeout_at(until, session.read()).await {
        assert!(count > 0, "it has ended:\n{}", session.screen.screen().contents());
        let bytes = session.raw[session.raw.len() - count..].to_vec();
        writes.push(Write { at: Instant::now(), bytes });
    }
    writes
}

/// When something happened that the screen tells.
#[derive(Default)]
struct News {
    /// A slot was switched; once for each camera.
    switches: Vec<Instant>,
    /// The archive's disk is fuller or emptier, whoever did that: not ours to keep at rest.
    room: Vec<Instant>,
}

/// What happens until then.
async fn news(nvr: &mut Nvr, until: tokio::time::Instant) -> News {
    let mut news = News::default();
    let mut last = nvr.picture();
    while let Ok(changed) = timeout_at(until, nvr.client.snapshots().changed()).await {
        changed.expect("a recorder");
        let (now, picture) = (Instant::now(), nvr.picture());
        let pairs = picture.cameras.iter().zip(&last.cameras);
        let switched = pairs.filter(|(camera, last)| camera.last_segment != last.last_segment).count();
        news.switches.extend(std::iter::repeat_n(now, switched));
        news.room.extend((picture.archive.space != last.archive.space).then_some(now));
        last = picture;
    }
    news
}

/// Bytes a second.
fn rate<'a>(writes: impl IntoIterator<Item = &'a Write>, span: Duration) -> f64 {
    writes.into_iter().map(|write| write.bytes.len()).sum::<usize>() as f64 / span.as_secs_f64()
}

/// Until a screen is whole and holds these words.
async fn whole(session: &mut Session, words: &[&str]) {
    let shown = async {
        loop {
            let text = session.screen.screen().contents();
            let held = left_on(&session.raw).iter().any(|mode| mode.contains("2026"));
            if !held && words.iter().all(|word| text.contains(word)) {
                return;
            }
            assert!(session.read().await > 0, "it has ended:\n{}", session.screen.screen().contents());
        }
    };
    timeout(Duration::from_secs(20), shown).await.expect("a first frame");
}

/// Starts and leaves a program again and again.
async fn come_and_go(figures: &mut Figures, start: impl Fn() -> Session, words: &[&str]) {
    let (mut first, mut exit) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let began = Instant::now();
        let mut session = start();
        whole(&mut session, words).await;
        first.push(began.elapsed());
        sleep(Duration::from_millis(100)).await;
        let left = Instant::now();
        session.press("q").await;
        assert!(session.child.wait().await.expect("an end").success());
        exit.push(left.elapsed());
    }
    figures.note("first frame", median(first));
    figures.note("exit", median(exit));
}

/// From keys to what they change on the screen; each is pressed when the screen rests.
async fn keys(session: &mut Session, keys: &[&str]) -> f64 {
    let mut spans = Vec::new();
    for key in keys.iter().cycle().take(TIMES) {
        while timeout(Duration::from_millis(150), session.read()).await.is_ok() {}
        let before = session.screen.screen().contents_formatted();
        let pressed = Instant::now();
        session.press(key).await;
        let changed = async {
            while session.screen.screen().contents_formatted() == before {
                assert!(session.read().await > 0, "it has ended");
            }
        };
        timeout(Duration::from_secs(5), changed).await.unwrap_or_else(|_| panic!("{key:?} changes nothing"));
        spans.push(pressed.elapsed());
    }
    while timeout(Duration::from_millis(150), session.read()).await.is_ok() {}
    median(spans)
}

fn note_memory(figures: &mut Figures, session: &Session) {
    let [resident, own] = memory(session);
    figures.note("memory resident (RSS)", resident);
    figures.note("memory of its own (PSS)", own);
}

/// An FFmpeg for cameras that were not started together: each switches slots at a time of its own.
fn staggered(place: &Place, names: &[String]) -> String {
    let late = names.iter().enumerate().map(|(number, name)| {
        let seconds = SEGMENT.as_secs_f64() * number as f64 / names.len() as f64;
        format!("*-progress*/{name}/*) sleep {seconds} ;;\n")
    });
    let cases: String = late.collect();
    place.script("staggered", &format!("#!/bin/sh\ncase \"$*\" in\n{cases}esac\nexec ffmpeg \"$@\"\n"))
}

/// A recorder with so many cameras, its monitor, and beside it htop if wanted.
async fn measure(cameras: usize, beside: bool) -> (Figures, Option<Figures>) {
    let material = Material::get(Kind::FourMbit, 250);
    let feeds: Vec<_> = (0..cameras).map(|_| Feed::start(material.clone())).collect();
    let names: Vec<_> = (1..=cameras).map(|number| format!("camera-{number}")).collect();
    let words: Vec<_> = names.iter().map(String::as_str).collect();
    let mut place = Place::new(feeds.iter().zip(&names).map(|(feed, name)| feed.camera(name)).collect::<String>());
    place.recorder = staggered(&place, &names);
    place.ring_keys = format!("segment = '{}s'\nslots = 10\n", SEGMENT.as_secs());
    place.trigger = format!("pre_roll = '10s'\npost_roll = '{}s'\n", POST_ROLL.as_secs());
    let mut nvr = place.start().await;
    nvr.recording(2).await;
    let start = || Session::start(&place.words(&[]), &[]);
    let mut figures = Figures::default();
    come_and_go(&mut figures, start, &words).await;
    let mut monitor = start();
    whole(&mut monitor, &words).await;
    figures.note("key → changed screen", keys(&mut monitor, &["?"]).await);
    figures.note("order → changed screen", keys(&mut monitor, &["a"]).await);

    let mut htop = match beside && installed("htop") {
        true => Some(start_htop(place.dir.path()).await),
        false => None,
    };
    sleep(Duration::from_secs(6)).await; // what was said about the last order has gone
    at_rest(&mut figures, &mut nvr, &mut monitor, htop.as_mut(), cameras).await;
    countdown(&mut figures, &mut monitor).await;
    note_memory(&mut figures, &monitor);
    monitor.press("q").await;
    assert!(monitor.child.wait().await.expect("an end").success());
    nvr.quiet(1).await;
    nvr.stop().await;
    (figures, htop.map(|(_, figures)| figures))
}

async fn at_rest(
    figures: &mut Figures,
    nvr: &mut Nvr,
    monitor: &mut Session,
    htop: Option<&mut (Session, Figures)>,
    cameras: usize,
) {
    while timeout(SETTLED, monitor.read()).await.is_ok() {}
    let before = Count::of(monitor);
    let until = tokio::time::Instant::now() + REST;
    let beside = async {
        let Some((htop, figures)) = htop else { return };
        let before = Count::of(htop);
        let writes = watch(htop, until).await;
        let (processor, wakes) = Count::of(htop).since(&before);
        figures.note("at rest, all", rate(&writes, REST));
        figures.note("processor at rest", processor);
        figures.note("wake-ups at rest", wakes);
        note_memory(figures, htop);
    };
    let (writes, news, ()) = tokio::join!(watch(monitor, until), news(nvr, until), beside);
    let (processor, wakes) = Count::of(monitor).since(&before);
    // This and the monitor hear news at the same time, and either may be the first.
    let margin = Duration::from_millis(100);
    let follows = |write: &Write, news: &[Instant], span: Duration| {
        news.iter().any(|at| write.at + margin >= *at && write.at <= *at + span + margin)
    };
    let (after, between): (Vec<_>, Vec<_>) = writes.iter().partition(|write| follows(write, &news.switches, SETTLED));
    let between: Vec<_> = between.into_iter().filter(|write| !follows(write, &news.room, Duration::ZERO)).collect();
    for write in &between {
        println!("not a slot switch's: {}", write.bytes.escape_ascii());
    }
    figures.note("at rest, between slot switches", rate(between, REST));
    figures.note("at rest, each slot switch", rate(after, Duration::from_secs(news.switches.len().max(1) as u64)));
    figures.note("at rest, each camera", rate(&writes, REST) / cameras as f64);
    figures.note("at rest, all", rate(&writes, REST));
    figures.note("processor at rest", processor);
    figures.note("wake-ups at rest", wakes);
}

async fn countdown(figures: &mut Figures, monitor: &mut Session) {
    let before = Count::of(monitor);
    monitor.press("t").await;
    let pressed = tokio::time::Instant::now();
    let whole = watch(monitor, pressed + (POST_ROLL - TENTHS)).await;
    let close = Count::of(monitor);
    let tenths = watch(monitor, pressed + POST_ROLL).await;
    figures.note("wake-ups, its last 10 s", Count::of(monitor).since(&close).1);
    let (processor, wakes) = Count::of(monitor).since(&before);
    figures.note("countdown, whole seconds", rate(&whole, POST_ROLL - TENTHS));
    figures.note("countdown, its last 10 s", rate(&tenths, TENTHS));
    figures.note("countdown", rate(whole.iter().chain(&tenths), POST_ROLL));
    figures.note("processor during a countdown", processor);
    figures.note("wake-ups during a countdown", wakes);
}

fn installed(program: &str) -> bool {
    let found = |path: std::ffi::OsString| std::env::split_paths(&path).any(|dir| dir.join(program).is_file());
    std::env::var_os("PATH").is_some_and(found)
}

/// htop with its own defaults, not with what somebody has set.
async fn start_htop(dir: &Path) -> (Session, Figures) {
    let settings = dir.join("htoprc").display().to_string();
    let start = || Session::start(&["htop"], &[("HTOPRC", &settings)]);
    let mut figures = Figures::default();
    come_and_go(&mut figures, start, &["Load average", "PID"]).await;
    let mut htop = start();
    whole(&mut htop, &["Load average", "PID"]).await;
    figures.note("key → changed screen", keys(&mut htop, &["\x1b[B"]).await);
    (htop, figures)
}

fn print(columns: &[(&str, Figures)]) {
    let names: String = columns.iter().map(|(name, _)| format!(" {name:>15} |")).collect();
    println!("\nthe monitor at 80×24; segments of 10 s; medians of {TIMES}; {} s at rest", REST.as_secs());
    println!("| {:<36} | {:>10} |{names}", "", "limit");
    for (what, unit, limit) in TABLE {
        let figures = columns.iter().map(|(_, figures)| figures.0.iter().find(|(name, _)| name == what));
        let line = Line { what, unit, limit: *limit, figures: figures.map(|it| it.map(|(_, it)| *it)).collect() };
        println!("{}", line.text());
    }
}

impl Line {
    fn text(&self) -> String {
        let limit = self.limit.map_or_else(String::new, |limit| format!("{limit} {}", self.unit));
        let cells = self.figures.iter().enumerate().map(|(column, figure)| {
            let Some(figure) = figure else { return format!(" {:>15} |", "") };
            // The limits are the monitor's; htop is the last column, where there is one.
            let is_ours = column < 2;
            let missed = is_ours && self.limit.is_some_and(|limit| *figure > limit);
            let figure = if *figure < 10.0 { format!("{figure:.2}") } else { format!("{figure:.0}") };
            format!(" {:>15} |", format!("{}{figure} {}", if missed { "MISSED " } else { "" }, self.unit))
        });
        format!("| {:<36} | {limit:>10} |{}", self.what, cells.collect::<String>())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (two, htop) = measure(2, true).await;
    let (four, _) = measure(4, false).await;
    let mut columns = vec![("2 cameras", two), ("4 cameras", four)];
    columns.extend(htop.map(|figures| ("htop", figures)));
    print(&columns);
}
