//! How soon footage is safe after a camera's mail: the real recorder, the real FFmpeg, and a clock outside of both.
//!
//! `cargo bench --bench latency` records ten cameras of 4 Mbit/s in segments of 10 s for about three minutes, sends
//! mails, and prints a table. A mail counts as accepted when its last byte is sent, so the reply is in the figure too.
//! A segment is claimed when it appears in `claimed/`, and durable when it leaves that directory: the archive removes it
//! after its fsync. Both instants are the kernel's (inotify).

#[path = "../tests/common/feed.rs"]
mod feed;
#[path = "../tests/common/material.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod material;
#[path = "../tests/common/nvr.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod nvr_process;

use feed::Feed;
use material::{Kind, Material};
use notify::event::{EventKind, ModifyKind, RenameMode};
use notify::{RecursiveMode, Watcher};
use nvr_process::{Nvr, Place};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const CAMERAS: usize = 10;
const ROUNDS: usize = 6;
/// Longer than pre-roll and segment: every mail finds segments that no mail before it has wanted.
const PAUSE: Duration = Duration::from_secs(22);
/// What the recorder that this one follows does instead of waiting for news.
const POLLING: Duration = Duration::from_secs(5);

/// What the kernel saw happen to a claimed segment of a camera.
struct Seen {
    at: Instant,
    camera: String,
    file: String,
    claimed: bool,
}

fn watch(ring: &Path) -> (notify::RecommendedWatcher, Receiver<Seen>) {
    let (news, seen) = channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let at = Instant::now();
        let Ok(event) = event else { return };
        let claimed = match event.kind {
            EventKind::Modify(ModifyKind::Name(RenameMode::To)) => true,
            EventKind::Remove(_) => false,
            _ => return,
        };
        for path in event.paths {
            let name = |path: Option<&Path>| path.and_then(Path::file_name).map(|name| name.display().to_string());
            let camera = name(path.parent().and_then(Path::parent)).unwrap_or_default();
            // Nobody listens any more at the very end.
            let _ = news.send(Seen { at, camera, file: name(Some(&path)).unwrap_or_default(), claimed });
        }
    })
    .expect("inotify");
    for number in 0..CAMERAS {
        let dir = ring.join(camera(number)).join("claimed");
        watcher.watch(&dir, RecursiveMode::NonRecursive).expect("a ring to watch");
    }
    (watcher, seen)
}

fn camera(number: usize) -> String {
    format!("camera-{number}")
}

/// Sends a camera's mail, and answers when its last byte was sent.
fn mail(port: SocketAddr, to: &str) -> Instant {
    let mut stream = TcpStream::connect(port).expect("the mail port");
    let mut replies = BufReader::new(stream.try_clone().expect("a socket")).lines();
    let mut reply = |code: &str| {
        let line = replies.find(|line| line.as_ref().is_ok_and(|line| line.get(3..4) == Some(" ")));
        let line = line.expect("a reply").expect("text");
        assert!(line.starts_with(code), "{line}");
    };
    reply("220");
    let rcpt = format!("RCPT TO:<{to}@nvr>\r\n");
    for (words, code) in
        [("HELO cam\r\n", "250"), ("MAIL FROM:<cam@lan>\r\n", "250"), (&rcpt, "250"), ("DATA\r\n", "354")]
    {
        stream.write_all(words.as_bytes()).expect("sent");
        reply(code);
    }
    let sent = Instant::now();
    stream.write_all(b"Subject: Motion Detected\r\n\r\nmotion\r\n.\r\n").expect("sent");
    reply("250");
    sent
}

/// From one mail to its first claimed segment, and to that one's being durable. (The others that were finished are
/// claimed in the same step; one that was still being written follows when it is finished.)
fn measure(sent: Instant, camera: &str, seen: &[Seen]) -> [Duration; 2] {
    let mine = || seen.iter().filter(|seen| seen.camera == camera && seen.at >= sent);
    let first = mine().find(|seen| seen.claimed).expect("a claim");
    let durable = mine().find(|seen| !seen.claimed && seen.file == first.file).expect("durable in the end");
    [first.at - sent, durable.at - sent]
}

fn row(what: &str, mut figures: Vec<Duration>) {
    figures.sort();
    let at = |share: f64| figures[((figures.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1000.0;
    println!("| {what:<52} | {:>9.1} | {:>9.1} | {:>9.1} |", at(0.5), at(0.99), at(1.0));
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let material = Material::get(Kind::FourMbit, 200);
    let feeds: Vec<_> = (0..CAMERAS).map(|_| Feed::start(material.clone())).collect();
    let blocks: Vec<_> = feeds.iter().enumerate().map(|(number, feed)| feed.camera(&camera(number))).collect();
    let mut place = Place::new(blocks.concat());
    place.ring_keys = "segment = '10s'\nslots = 10\n".to_owned();
    place.trigger = "pre_roll = '10s'\npost_roll = '0s'\n".to_owned();
    let mut nvr: Nvr = place.start().await;
    nvr.recording(2).await;
    let (_watcher, news) = watch(&place.ring());

    let mut mails = Vec::new();
    for _ in 0..ROUNDS {
        for number in 0..CAMERAS {
            tokio::time::sleep(PAUSE / CAMERAS as u32).await;
            mails.push((mail(nvr.port, &camera(number)), camera(number)));
        }
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(nvr.picture().lost.segments, 0);
    let seen: Vec<_> = news.try_iter().collect();
    let figures: Vec<_> = mails.iter().map(|(sent, camera)| measure(*sent, camera, &seen)).collect();
    nvr.stop().await;

    println!("\n{} mails, {CAMERAS} cameras of 4 Mbit/s, segments of 10 s; milliseconds", mails.len());
    println!("| {:<52} | {:>9} | {:>9} | {:>9} |", "mail accepted →", "median", "p99", "longest");
    row("segments claimed", figures.iter().map(|it| it[0]).collect());
    row("first segment of the pre-roll durable in the archive", figures.iter().map(|it| it[1]).collect());
    let polled = (0..mails.len()).map(|n| POLLING.mul_f64((n as f64 + 0.5) / mails.len() as f64));
    row("only noticed, by polling every 5 s (computed)", polled.collect());
}
