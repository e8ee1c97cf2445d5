//! What the monitor costs, and how soon it is there: the real program on a real terminal, before a real recorder, and
//! htop beside it on the same machine if that is installed.
//!
//! Bytes are those that reach the terminal; SSH and TCP add 110 to 125 to each write.

use crate::cameras::{MATERIAL, name, staggered};
use crate::counters::{Meter, Use, memory};
use crate::feed::Feed;
use crate::fit::{median, milliseconds};
use crate::material::{Kind, Material};
use crate::nvr_process::{Nvr, Place};
use crate::page::{Findings, Table, number};
use crate::terminal::{Session, left_on};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout, timeout_at};

/// How often what is quick is measured.
const TIMES: usize = 20;
/// How long a screen at rest is watched.
const REST: Duration = Duration::from_secs(40);
const CAMERAS: usize = 2;
const SEGMENT: Duration = Duration::from_secs(10);
/// From a key press to the end of its event.
const POST_ROLL: Duration = Duration::from_secs(30);
/// Below so much the countdown shows parts of seconds.
const TENTHS: Duration = Duration::from_secs(10);
/// What a slot switch brings is on the screen by then: the picture that tells of it comes at once, and what follows from
/// it with the next sweep of the ring, a second later, or with the picture after that.
const SETTLED: Duration = Duration::from_secs(2);

/// The figures of one program.
#[derive(Default)]
struct Figures(Vec<(&'static str, f64)>);

impl Figures {
    fn note(&mut self, what: &'static str, figure: f64) {
        self.0.push((what, figure));
    }

    fn get(&self, what: &str) -> Option<f64> {
        self.0.iter().find(|(name, _)| *name == what).map(|(_, figure)| *figure)
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
    figures.note("first frame", median(&milliseconds(&first)));
    figures.note("exit", median(&milliseconds(&exit)));
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
    median(&milliseconds(&spans))
}

fn note_memory(figures: &mut Figures, session: &Session) {
    let [resident, own] = memory(session.pid());
    figures.note("memory resident (RSS)", resident);
    figures.note("memory of its own (PSS)", own);
}

/// A recorder, its monitor, and beside it htop if that is there.
async fn beside() -> (Figures, Option<Figures>) {
    let material = Material::get(Kind::FourMbit, MATERIAL);
    let feeds: Vec<_> = (0..CAMERAS).map(|_| Feed::start(material.clone())).collect();
    let names: Vec<_> = (0..CAMERAS).map(name).collect();
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

    let mut htop = match installed("htop") {
        true => Some(start_htop(place.dir.path()).await),
        false => None,
    };
    sleep(Duration::from_secs(6)).await; // what was said about the last order has gone
    at_rest(&mut figures, &mut nvr, &mut monitor, htop.as_mut()).await;
    countdown(&mut figures, &mut monitor).await;
    note_memory(&mut figures, &monitor);
    monitor.press("q").await;
    assert!(monitor.child.wait().await.expect("an end").success());
    nvr.quiet(1).await;
    nvr.stop().await;
    (figures, htop.map(|(_, figures)| figures))
}

async fn at_rest(figures: &mut Figures, nvr: &mut Nvr, monitor: &mut Session, htop: Option<&mut (Session, Figures)>) {
    while timeout(SETTLED, monitor.read()).await.is_ok() {}
    let mut meter = Meter::start([monitor.pid()]);
    let until = tokio::time::Instant::now() + REST;
    let beside = async {
        let Some((htop, figures)) = htop else { return };
        let mut meter = Meter::start([htop.pid()]);
        let writes = watch(htop, until).await;
        let Use { processor, wakes } = meter.rates();
        figures.note("at rest, all", rate(&writes, REST));
        figures.note("processor at rest", processor);
        figures.note("wake-ups at rest", wakes);
        note_memory(figures, htop);
    };
    let (writes, news, ()) = tokio::join!(watch(monitor, until), news(nvr, until), beside);
    let Use { processor, wakes } = meter.rates();
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
    figures.note("at rest, each camera", rate(&writes, REST) / CAMERAS as f64);
    figures.note("at rest, all", rate(&writes, REST));
    figures.note("processor at rest", processor);
    figures.note("wake-ups at rest", wakes);
}

async fn countdown(figures: &mut Figures, monitor: &mut Session) {
    let mut meter = Meter::start([monitor.pid()]);
    monitor.press("t").await;
    let pressed = tokio::time::Instant::now();
    let whole = watch(monitor, pressed + (POST_ROLL - TENTHS)).await;
    let mut close = Meter::start([monitor.pid()]);
    let tenths = watch(monitor, pressed + POST_ROLL).await;
    figures.note("wake-ups, its last 10 s", close.rates().wakes);
    let Use { processor, wakes } = meter.rates();
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
    figures.note("key → changed screen", keys(&mut htop, &["\x1b[B", "\x1b[A"]).await);
    (htop, figures)
}

pub async fn measure() -> Findings {
    let (nvr, htop) = beside().await;
    let columns: Vec<_> = [("nvr", Some(&nvr)), ("htop", htop.as_ref())]
        .into_iter()
        .filter_map(|(name, figures)| Some((name, figures?)))
        .collect();
    let head: Vec<_> = ["", "limit"].into_iter().chain(columns.iter().map(|(name, _)| *name)).collect();
    let mut table = Table::new(
        "The monitor",
        format!(
            "On a terminal of 80×24 with {CAMERAS} cameras at 4 Mbit/s and segments of {} s; medians of {TIMES}; {} s at rest. \
             Bytes are those that reach the terminal.",
            SEGMENT.as_secs(),
            REST.as_secs()
        ),
        &head,
    );
    for (what, unit, limit) in TABLE {
        let limit_text = limit.map_or_else(String::new, |limit| number(limit, unit));
        let cells = columns.iter().map(|(name, figures)| {
            let Some(figure) = figures.get(what) else { return String::new() };
            let missed = *name == "nvr" && limit.is_some_and(|limit| figure > limit);
            format!("{}{}", number(figure, unit), if missed { " **not met**" } else { "" })
        });
        table.rows.push([(*what).to_owned(), limit_text].into_iter().chain(cells).collect());
    }
    let mut findings = Findings::of([table]);
    if let Some(first) = nvr.get("first frame") {
        findings.note("first frame", first);
    }
    findings
}
