//! When footage was claimed and when it was durable, as the kernel saw it: a segment appears in `claimed/`, and leaves it
//! after the archive's fsync.

use futures::StreamExt;
use inotify::{EventMask, Inotify, WatchMask};
use nvr::work::places;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::task::AbortOnDropHandle;

/// A claimed segment: whose, its file, when it was claimed, and when it was durable.
#[derive(Debug, Clone)]
struct Claim {
    camera: String,
    file: String,
    at: Instant,
    durable: Option<Instant>,
}

/// Watches what is claimed.
pub struct Claims {
    seen: Arc<Mutex<Vec<Claim>>>,
    _watching: AbortOnDropHandle<()>,
}

/// One mail's way: until its first segment was claimed, and until that was durable.
pub struct Way {
    pub claimed: Duration,
    pub durable: Duration,
}

impl Claims {
    pub fn watch(ring: &Path, cameras: &[String]) -> Claims {
        let inotify = Inotify::init().expect("inotify");
        let watch = |camera: &String| {
            let dir = ring.join(camera).join("claimed");
            let watched = inotify.watches().add(dir, WatchMask::MOVED_TO | WatchMask::DELETE).expect("a ring");
            (watched, camera.clone())
        };
        let names: HashMap<_, _> = cameras.iter().map(watch).collect();
        let mut events = inotify.into_event_stream(vec![0; 64 << 10]).expect("inotify");
        let seen: Arc<Mutex<Vec<Claim>>> = Arc::default();
        let watching = tokio::spawn({
            let seen = seen.clone();
            async move {
                while let Some(Ok(event)) = events.next().await {
                    let at = Instant::now();
                    let (Some(camera), Some(file)) = (names.get(&event.wd).cloned(), event.name) else { continue };
                    let file = file.to_string_lossy().into_owned();
                    if places::number(Path::new(&file)).is_none() {
                        continue; // the memory
                    }
                    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                    if event.mask.contains(EventMask::MOVED_TO) {
                        seen.push(Claim { camera, file, at, durable: None });
                    } else if let Some(claim) = seen.iter_mut().find(|it| it.camera == camera && it.file == file) {
                        claim.durable = Some(at);
                    }
                }
            }
        });
        Claims { seen, _watching: AbortOnDropHandle::new(watching) }
    }

    fn seen(&self) -> Vec<Claim> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What came of a mail to a camera.
    pub fn way(&self, camera: &str, sent: Instant) -> Way {
        let seen = self.seen();
        let first = seen.iter().find(|claim| claim.camera == camera && claim.at >= sent).expect("a claim");
        Way { claimed: first.at - sent, durable: first.durable.expect("durable in the end") - sent }
    }

    /// From claim to durable, of every segment.
    pub fn stored(&self) -> Vec<Duration> {
        self.seen().iter().map(|claim| claim.durable.expect("durable in the end") - claim.at).collect()
    }
}

/// Sends a camera's mail, and answers when its last byte was sent.
pub fn mail(port: SocketAddr, to: &str, body: &[u8]) -> Instant {
    let mut stream = TcpStream::connect(port).expect("the mail port");
    stream.set_nodelay(true).expect("a socket");
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
    stream.write_all(b"Subject: Motion Detected\r\n\r\n").expect("sent");
    stream.write_all(body).expect("sent");
    let sent = Instant::now(); // whoever gets it may be faster than we are at looking at a clock
    stream.write_all(b"\r\n.\r\n").expect("sent");
    reply("250");
    sent
}
