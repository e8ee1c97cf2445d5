//! The power goes in the middle of an event. What is in RAM is gone, the ring with it; what the disk had confirmed is
//! there. The next recorder has nothing else to go by.

use super::disk::{Disk, Image};
use super::feed::Feed;
use super::material::{Kind, Material, complaints, packets, run};
use super::mounts::own_mounts;
use super::nvr_process::Place;
use std::collections::HashSet;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// A GOP of these cameras and a second: what a power cut may cost. So much younger than the cut, nothing is owed.
pub const PROMISE: Duration = Duration::from_secs(2);
const PRE_ROLL: Duration = Duration::from_secs(5);
/// An event, and its camera sends for so long. There is time in it for so many cuts.
const SECONDS: u32 = 150;
const CUTS: usize = 10;
const DISK: usize = 64 << 20;

/// What the cuts came to.
#[derive(Debug, Default)]
pub struct Cuts {
    pub count: usize,
    /// Sentences about what must not be.
    pub broken: Vec<String>,
    /// How much younger than the cut the first missing packet was, at worst.
    pub worst: Duration,
    /// Sectors that the disk had been given and not told to keep, in all cuts, and how many of these were lost.
    pub unflushed: (usize, usize),
}

struct Told<'a> {
    feed: &'a Feed,
    triggered: Instant,
    image: &'a Image,
}

fn place(block: &str) -> Place {
    let mut place = Place::new(block);
    // Long segments, so that it shows whether the open one is followed.
    place.ring_keys = "segment = '5s'\nslots = 8\n".to_owned();
    place.trigger = format!("pre_roll = '{}s'\npost_roll = '{SECONDS}s'\n", PRE_ROLL.as_secs());
    place
}

/// Cuts the power so many times at random instants of events, each in so long after the last; every other time just when the disk has been
/// given something that it may still lose. `None`: not allowed to.
pub async fn cut(count: usize, apart: Duration, random: &mut fastrand::Rng) -> Option<Cuts> {
    if !own_mounts("the power cut") {
        return None;
    }
    let mut cuts = Cuts { count, ..Cuts::default() };
    for first in (0..count).step_by(CUTS) {
        event(CUTS.min(count - first), apart, random, &mut cuts).await;
    }
    Some(cuts)
}

/// One event, and some cuts in it; what they left is looked at when the recorder is gone.
async fn event(count: usize, apart: Duration, random: &mut fastrand::Rng, cuts: &mut Cuts) {
    let feed = Feed::start(Material::get(Kind::BFrames, SECONDS));
    let place = place(&feed.camera("front-door"));
    let (disk, mounted) = (Disk::empty(&place.dir.path().join("device"), DISK), place.archive.clone());
    disk.mount(&mounted);
    let mut nvr = place.start().await;
    nvr.recording(2).await;
    nvr.trigger("front-door").await;
    let triggered = Instant::now();
    let mut images = Vec::new();
    for number in 0..count {
        sleep(apart.mul_f64(random.f64())).await;
        let since = Instant::now();
        while number % 2 == 1 && disk.is_flushed() && since.elapsed() < Duration::from_secs(10) {
            sleep(Duration::from_millis(1)).await;
        }
        let share = [0.0, 0.5, 1.0][random.usize(0..3)];
        images.push(disk.cut(random, share));
    }
    assert!(triggered.elapsed() < Duration::from_secs(SECONDS.into()), "the event was over before the last cut");
    nvr.stop().await;
    look(&feed, triggered, images, cuts).await;
    run("umount", &["--lazy", mounted.to_str().expect("text")]);
}

/// Starts a recorder on what every cut left, and looks what it makes of it.
async fn look(feed: &Feed, triggered: Instant, images: Vec<Image>, cuts: &mut Cuts) {
    for image in images {
        let place = place(&feed.camera("front-door"));
        let told = Told { feed, triggered, image: &image };
        let disk = Disk::of(&place.dir.path().join("device"), image.bytes.clone());
        disk.mount(&place.archive);
        let nvr = place.start().await;
        nvr.stop().await;
        let after = image.at.duration_since(triggered).as_secs_f64();
        let broken = judge(&place, &told, cuts).into_iter();
        cuts.broken.extend(broken.map(|what| format!("power cut {after:.3} s after the trigger: {what}")));
        cuts.unflushed.0 += image.unflushed.0;
        cuts.unflushed.1 += image.unflushed.1;
        run("umount", &["--lazy", place.archive.to_str().expect("text")]);
    }
}

/// Whatever is owed is in a clip that can be played and that says that it was cut.
fn judge(place: &Place, told: &Told, cuts: &mut Cuts) -> Vec<String> {
    let mut broken = Vec::new();
    let mut held = HashSet::new();
    for clip in place.clips() {
        let said = complaints(&clip.path);
        broken.extend((!said.is_empty()).then(|| format!("a decoder complains: {said}")));
        if clip.record.state != nvr::model::record::ClipState::Interrupted {
            broken.push(format!("its record says {:?}", clip.record.state));
        }
        held.extend(packets(&clip.path).into_iter().map(|packet| packet.hash));
    }
    let (cut, sent) = (told.image.at, told.feed.sent());
    let wanted = |at: &Instant| told.triggered - PRE_ROLL <= *at && *at <= cut;
    for stream in 0..2 {
        let packets = told.feed.material.stream(stream).enumerate();
        let missing = packets.filter_map(|(nth, (place, packet))| {
            let at = sent[place].filter(wanted)?;
            // Nothing is owed of what nobody wanted until just now.
            let age = cut.duration_since(at.max(told.triggered));
            (!held.contains(&packet.hash)).then_some((nth, age))
        });
        let Some((nth, age)) = missing.max_by_key(|(_, age)| *age) else { continue };
        cuts.worst = cuts.worst.max(age);
        if age > PROMISE {
            broken.push(format!("packet {nth} of stream {stream}, {age:.3?} older than the cut, is not there"));
        }
    }
    broken
}

#[tokio::test]
async fn a_power_cut_costs_no_more_than_was_promised() {
    let seed = std::env::var("NVR_TEST_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().expect("a seed"));
    println!("the same again: NVR_TEST_SEED={seed}");
    let Some(cuts) = cut(3, Duration::from_secs(4), &mut fastrand::Rng::with_seed(seed)).await else { return };
    println!("{} cuts, at worst {:.2?} lost, unflushed {:?}", cuts.count, cuts.worst, cuts.unflushed);
    assert!(cuts.broken.is_empty(), "{}", cuts.broken.join("\n"));
}
