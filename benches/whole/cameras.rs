//! What recording costs with one camera and with many, at rest and while all of them save, and how soon footage is safe
//! after a mail.

use crate::claims::{Claims, Way, mail};
use crate::counters::{Meter, Use, memory};
use crate::feed::Feed;
use crate::fit::{exponent, median, milliseconds, share, slope};
use crate::floor;
use crate::material::{Kind, Material};
use crate::nvr_process::{Nvr, Place};
use crate::packets::{Count, Places};
use crate::page::{Findings, Table, number};
use nvr::link::dial::Client;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::UnixStream;
use tokio::time::sleep;

/// How many cameras, unless `CAMERAS` names other numbers.
const COUNTS: &str = "1 8 32 64";
const SEGMENT: Duration = Duration::from_secs(10);
const PRE_ROLL: Duration = Duration::from_secs(10);
const POST_ROLL: Duration = Duration::from_secs(20);
/// From the first camera's mail to the last one's.
const MAILS: Duration = Duration::from_secs(10);
/// How long a recorder is watched at rest, and while every camera saves.
const REST: Duration = Duration::from_secs(30);
const BUSY: Duration = Duration::from_secs(10);
/// So long is what cameras send.
pub const MATERIAL: u32 = 150;
/// What the ring and the clips of a camera take at most, with some room to spare.
const RING_BYTES: u64 = 64 << 20;

/// What is made of points.
type Fit = fn(&[(f64, f64)]) -> f64;

/// What so many cameras cost.
struct Scale {
    cameras: usize,
    rest: Use,
    rest_ffmpeg: Use,
    rest_memory: f64,
    busy: Use,
    busy_ffmpeg: Use,
    busy_memory: f64,
    /// What writing the same takes alone, in per cent of one core.
    floor: f64,
    ways: Vec<Way>,
    stored: Vec<Duration>,
    packets: Count,
}

pub fn name(number: usize) -> String {
    format!("camera-{number}")
}

/// An FFmpeg for cameras that were not started together: each switches slots at a time of its own.
pub fn staggered(place: &Place, names: &[String]) -> String {
    let late = names.iter().enumerate().map(|(number, name)| {
        let seconds = SEGMENT.as_secs_f64() * number as f64 / names.len() as f64;
        format!("*-progress*/{name}/*) sleep {seconds} ;;\n")
    });
    let cases: String = late.collect();
    place.script("staggered", &format!("#!/bin/sh\ncase \"$*\" in\n{cases}esac\nexec ffmpeg \"$@\"\n"))
}

/// Nobody looks at the recorder, or somebody does again.
async fn watch(nvr: &mut Nvr, place: &Place, pictures: bool) {
    let stream = UnixStream::connect(place.socket()).await.expect("its socket");
    nvr.client = Client::attach(stream, pictures).await.expect("hello");
}

/// What the recorder and its FFmpegs use in so long.
async fn used(nvr: &Nvr, place: &Place, span: Duration) -> (Use, Use) {
    let (mut own, mut ffmpegs) = (Meter::start([nvr.pid()]), Meter::start(place.ffmpegs()));
    let until = tokio::time::Instant::now() + span;
    while tokio::time::Instant::now() < until {
        sleep(Duration::from_secs(2).min(until - tokio::time::Instant::now())).await;
        own.look();
    }
    (own.rates(), ffmpegs.rates())
}

/// Has every camera mail, one after the other. Answers when each did.
async fn mails(nvr: &Nvr, cameras: &[String]) -> Vec<Instant> {
    let (port, names) = (nvr.port, cameras.to_vec());
    let sending = tokio::task::spawn_blocking(move || {
        let began = Instant::now();
        let one = |(number, camera): (usize, &String)| {
            let due = began + MAILS.mul_f64(number as f64 / names.len() as f64);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            mail(port, camera, b"motion")
        };
        names.iter().enumerate().map(one).collect::<Vec<_>>()
    });
    sending.await.expect("all are sent")
}

/// What is missing of the clips, and what is there twice.
fn count(material: &Material, place: &Place, feeds: &[Feed], sent: &[Instant]) -> Count {
    let (places, clips) = (Places::of(material), place.clips());
    let of = |number: usize| {
        let wanted = Range { start: sent[number] - PRE_ROLL, end: sent[number] + POST_ROLL };
        let camera = name(number);
        places.count(&feeds[number], &wanted, clips.iter().filter(|clip| clip.record.camera.as_str() == camera))
    };
    let of_some = |first: usize| (first..feeds.len()).step_by(2).map(of).fold(Count::default(), |a, b| a + b);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| of_some(1));
        of_some(0) + other.join().expect("a count")
    })
}

async fn scale(cameras: usize, material: &Arc<Material>) -> Scale {
    let names: Vec<_> = (0..cameras).map(name).collect();
    // Key frames do not come from all cameras at the same instant.
    let on = |number: usize| Instant::now() - Duration::from_secs_f64(number as f64 / cameras as f64);
    let feeds: Vec<_> = (0..cameras).map(|number| Feed::since(on(number), "127.0.0.1", material.clone())).collect();
    let mut place = Place::new(feeds.iter().zip(&names).map(|(feed, name)| feed.camera(name)).collect::<String>());
    let archive = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a place on disk");
    place.archive = archive.path().join("archive");
    place.recorder = staggered(&place, &names);
    place.ring_keys = format!("segment = '{}s'\nslots = 10\n", SEGMENT.as_secs());
    place.trigger = format!("pre_roll = '{}s'\npost_roll = '{}s'\n", PRE_ROLL.as_secs(), POST_ROLL.as_secs());
    let mut nvr = place.start().await;
    nvr.recording(1).await;

    watch(&mut nvr, &place, false).await;
    sleep(Duration::from_secs(2)).await; // what came with the start has settled
    let (rest, rest_ffmpeg) = used(&nvr, &place, REST).await;
    let [_, rest_memory] = memory(nvr.pid());

    let claims = Claims::watch(&place.ring(), &names);
    let sent = mails(&nvr, &names).await;
    let (busy, busy_ffmpeg) = used(&nvr, &place, BUSY.min(POST_ROLL - MAILS)).await;
    let [_, busy_memory] = memory(nvr.pid());
    watch(&mut nvr, &place, true).await;
    nvr.quiet(cameras).await;
    assert_eq!(nvr.picture().lost.segments, 0, "segments were lost");
    nvr.stop().await;
    let ways = sent.iter().zip(&names).map(|(sent, camera)| claims.way(camera, *sent)).collect();
    let stored = claims.stored();
    let packets = {
        let material = material.clone();
        let counting = tokio::task::spawn_blocking(move || count(&material, &place, &feeds, &sent));
        counting.await.expect("a count")
    };
    let floor = tokio::task::spawn_blocking(move || floor::percent(cameras)).await.expect("a floor");
    Scale { cameras, rest, rest_ffmpeg, rest_memory, busy, busy_ffmpeg, busy_memory, floor, ways, stored, packets }
}

/// Why so many cameras cannot be measured here.
fn too_small(cameras: usize) -> Option<String> {
    let places = [("/dev/shm", Path::new("/dev/shm")), ("the archive's disk", Path::new(env!("CARGO_TARGET_TMPDIR")))];
    let needed = cameras as u64 * RING_BYTES;
    places.into_iter().find_map(|(what, place)| {
        let stat = rustix::fs::statvfs(place).expect("a file system");
        let free = stat.f_bavail * stat.f_frsize;
        (free < needed).then(|| format!("{what} has {} MiB free of {} MiB needed", free >> 20, needed >> 20))
    })
}

pub async fn measure() -> Findings {
    let material = Material::get(Kind::FourMbit, MATERIAL);
    let (mut scales, mut findings) = (Vec::new(), Findings::default());
    let counts = std::env::var("CAMERAS").ok().filter(|counts| !counts.is_empty()).unwrap_or_else(|| COUNTS.to_owned());
    for cameras in counts.split_whitespace().map(|count| count.parse().expect("CAMERAS holds numbers")) {
        match too_small(cameras) {
            Some(why) => findings.fail(&format!("{cameras} cameras"), &why),
            None => {
                println!("  {cameras} cameras");
                scales.push(scale(cameras, &material).await);
            }
        }
    }
    if !scales.is_empty() {
        findings.add(Findings::of([costs(&scales), latencies(&scales)]));
        figures(&mut findings, &scales);
    }
    findings
}

/// What would wake the recorder for good reason: FFmpeg's progress lines, one in 5 s, and a slot opened and one closed in
/// each segment.
fn reasons(scale: &Scale) -> f64 {
    scale.cameras as f64 * (1.0 / 5.0 + 2.0 / SEGMENT.as_secs_f64())
}

fn points(scales: &[Scale], of: fn(&Scale) -> f64) -> Vec<(f64, f64)> {
    scales.iter().map(|scale| (scale.cameras as f64, of(scale))).collect()
}

fn costs(scales: &[Scale]) -> Table {
    let mut table = Table::new(
        "Cost of cameras",
        format!(
            "4 Mbit/s each, segments of {} s, nobody watches. At rest, and while every camera saves. Processor time in \
             per cent of one core, FFmpeg's beside the recorder's own; wake-ups are of all threads, beside those that \
             FFmpeg's progress lines and finished segments account for. Beside what saving takes: what reading, writing \
             and syncing the same bytes takes alone, in pieces of a second.",
            SEGMENT.as_secs()
        ),
        &[
            "cameras",
            "at rest: own",
            "FFmpegs",
            "wake-ups",
            "of which due",
            "PSS",
            "saving: own",
            "writing alone",
            "FFmpegs",
            "PSS",
        ],
    );
    for scale in scales {
        table.rows.push(vec![
            scale.cameras.to_string(),
            number(scale.rest.processor, "%"),
            number(scale.rest_ffmpeg.processor, "%"),
            number(scale.rest.wakes, "/s"),
            number(reasons(scale), "/s"),
            number(scale.rest_memory, "MiB"),
            number(scale.busy.processor, "%"),
            number(scale.floor, "%"),
            number(scale.busy_ffmpeg.processor, "%"),
            number(scale.busy_memory, "MiB"),
        ]);
    }
    let columns: [fn(&Scale) -> f64; 8] = [
        |it| it.rest.processor,
        |it| it.rest_ffmpeg.processor,
        |it| it.rest.wakes,
        |it| it.rest_memory,
        |it| it.busy.processor,
        |it| it.floor,
        |it| it.busy_ffmpeg.processor,
        |it| it.busy_memory,
    ];
    let fits: [(&str, Fit); 2] = [("each further camera", slope), ("growth: exponent", exponent)];
    for (what, fit) in fits {
        let mut cells: Vec<_> = columns.iter().map(|of| number(fit(&points(scales, *of)), "")).collect();
        cells.insert(3, String::new()); // what is due is no finding
        table.rows.push([what.to_owned()].into_iter().chain(cells).collect());
    }
    table
}

fn latencies(scales: &[Scale]) -> Table {
    let mut table = Table::new(
        "From mail to disk",
        format!(
            "Every camera mails, within {} s, and saves {} s. From the mail's last byte until its first segment was \
             claimed and until that was durable; from claim to durable for every segment. Milliseconds: median, p99, \
             longest. Each clip was compared with what its camera had sent, packet by packet.",
            MAILS.as_secs(),
            (PRE_ROLL + POST_ROLL).as_secs()
        ),
        &[
            "cameras",
            "mail → claimed",
            "mail → durable",
            "claim → durable",
            "segments",
            "packets wanted",
            "lost",
            "twice",
        ],
    );
    for scale in scales {
        let spans = |values: Vec<f64>| {
            let at = |part| number(share(&values, part), "");
            format!("{}, {}, {}", at(0.5), at(0.99), at(1.0))
        };
        let claimed: Vec<_> = scale.ways.iter().map(|way| way.claimed).collect();
        let durable: Vec<_> = scale.ways.iter().map(|way| way.durable).collect();
        table.rows.push(vec![
            scale.cameras.to_string(),
            spans(milliseconds(&claimed)),
            spans(milliseconds(&durable)),
            spans(milliseconds(&scale.stored)),
            scale.stored.len().to_string(),
            scale.packets.wanted.to_string(),
            scale.packets.missing.to_string(),
            scale.packets.twice.to_string(),
        ]);
    }
    table
}

fn figures(findings: &mut Findings, scales: &[Scale]) {
    if let Some(eight) = scales.iter().find(|scale| scale.cameras == 8) {
        findings.note("rest processor", eight.rest.processor);
        findings.note("rest share", eight.rest.processor / eight.rest_ffmpeg.processor);
        findings.note("rest memory", eight.rest_memory);
        findings.note("rest wakes", (eight.rest.wakes - reasons(eight)).max(0.0));
    }
    if let Some(most) = scales.iter().find(|scale| scale.cameras == 64) {
        findings.note("most stored", share(&milliseconds(&most.stored), 1.0) / 1000.0);
        findings.note("most lost", (most.packets.missing + most.packets.twice) as f64);
        findings.note("most rest", most.rest.processor);
        findings.note("most busy", most.busy.processor);
    }
    if scales.len() > 1 {
        findings.note("growth rest", exponent(&points(scales, |it| it.rest.processor)));
        findings.note("growth busy", exponent(&points(scales, |it| it.busy.processor)));
    }
    let durable: Vec<_> = scales.iter().flat_map(|it| &it.ways).map(|way| way.durable).collect();
    findings.note("median durable", median(&milliseconds(&durable)));
}
