//! How many mails the port takes in a second, and what each costs.

use crate::claims::mail;
use crate::counters::Meter;
use crate::feed::Feed;
use crate::material::{Kind, Material};
use crate::nvr_process::{Nvr, Place};
use crate::page::{Findings, Table, number};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Cameras that mail at the same time, each one mail after the other.
const SENDERS: usize = 8;
const SPAN: Duration = Duration::from_secs(5);
/// What a camera's picture takes in a mail.
const PICTURE: usize = 100_000;

/// Mails in a second, and milliseconds of processor time for each.
async fn flood(nvr: &Nvr, camera: &str, body: &[u8]) -> (f64, f64) {
    let (port, camera, body, count) = (nvr.port, camera.to_owned(), body.to_vec(), AtomicU64::new(0));
    let mut meter = Meter::start([nvr.pid()]);
    let began = Instant::now();
    let flooding = tokio::task::spawn_blocking(move || {
        std::thread::scope(|scope| {
            for _ in 0..SENDERS {
                scope.spawn(|| {
                    while began.elapsed() < SPAN {
                        mail(port, &camera, &body);
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        (count.into_inner() as f64, began.elapsed())
    });
    let (mails, span) = flooding.await.expect("all are sent");
    (mails / span.as_secs_f64(), meter.processor().as_secs_f64() * 1000.0 / mails)
}

pub async fn measure() -> Findings {
    let feed = Feed::start(Material::get(Kind::H264, 60));
    let mut place = Place::new(feed.camera("front"));
    // What a mail sets off is measured elsewhere.
    place.trigger += "armed = false\n";
    let nvr = place.start().await;
    let line = format!("{}\r\n", "/9j/4AAQSkZJRgABAQAAAQABAAD".repeat(2));
    let picture = line.repeat(PICTURE / line.len());
    let mut table = Table::new(
        "Mails",
        format!(
            "{SENDERS} cameras that mail without a pause, each mail on a connection of its own; the camera is disarmed."
        ),
        &["a mail of", "mails", "processor time of each"],
    );
    for (what, body) in [("a line", "motion"), ("100 kB, a picture", &picture)] {
        let (rate, cost) = flood(&nvr, "front", body.as_bytes()).await;
        table.rows.push(vec![what.to_owned(), number(rate, "/s"), number(cost, "ms")]);
    }
    nvr.stop().await;
    Findings::of([table])
}
