//! `kill -9` of the recorder, a hundred times at instants that nobody chose, in the middle of events. What lay in RAM
//! when it was gone, and was wanted, is in a clip in the end: once.

use super::feed::Feed;
use super::material::{Kind, Material, complaints, packets};
use super::nvr_process::Place;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::time::sleep;

const RECORDERS: u64 = 10;
const KILLS: usize = 10;
const PRE_ROLL: Duration = Duration::from_secs(3);
const POST_ROLL: Duration = Duration::from_secs(2);
/// Longest life of a recorder, in milliseconds; FFmpeg has its first segment after one to two seconds.
const LIFE: u64 = 4000;
/// Until the clip of an event is closed.
const CLOSED: std::ops::Range<u64> = 9000..15_000;
/// How far the test's knowledge of an instant may be off, on a busy machine.
const UNSURE: Duration = Duration::from_millis(50);

/// What is known of one camera's recorders.
struct Story {
    place: Place,
    feed: Feed,
    random: fastrand::Rng,
    /// Windows of which every packet is wanted.
    wanted: Vec<RangeInclusive<Instant>>,
    kills: Vec<Kill>,
    /// What lay in the ring when a recorder was gone, whatever it was called.
    seen: HashSet<Vec<u8>>,
    /// Clips as they were then.
    grown: HashSet<Vec<u8>>,
}

/// A recorder was killed after the last trigger of so many.
#[derive(Debug)]
struct Kill {
    triggers: usize,
    at: Instant,
    wall: jiff::Timestamp,
    /// Nobody else was killed before anything came of it.
    running: bool,
}

impl Story {
    fn new(seed: u64) -> Story {
        let feed = Feed::start(Material::get(Kind::BFrames, 150));
        let mut place = Place::new(feed.camera("front-door"));
        place.trigger = format!("pre_roll = '{}s'\npost_roll = '{}s'\n", PRE_ROLL.as_secs(), POST_ROLL.as_secs());
        let random = fastrand::Rng::with_seed(seed);
        Story {
            place,
            feed,
            random,
            wanted: Vec::new(),
            kills: Vec::new(),
            seen: HashSet::new(),
            grown: HashSet::new(),
        }
    }

    async fn told(mut self) -> Story {
        let mut nvr = self.place.start().await;
        nvr.recording(4).await;
        let closes = self.random.usize(0..2 * KILLS);
        for kill in 0..KILLS {
            let life = Duration::from_millis(match kill == closes {
                true => self.random.u64(CLOSED),
                false => self.random.u64(0..LIFE),
            });
            // So that the event is going on when the recorder is killed; once it may be over, and its clip be closed.
            let earliest = if kill == closes { Duration::ZERO } else { life.saturating_sub(POST_ROLL) };
            let lead = earliest + (life - earliest).mul_f64(self.random.f64() * if kill == closes { 0.1 } else { 1.0 });
            sleep(lead).await;
            let before = Instant::now();
            nvr.trigger("front-door").await;
            self.wanted.push(Instant::now() - PRE_ROLL + UNSURE..=before + POST_ROLL - UNSURE);
            sleep(life - lead).await;
            self.kill(true);
            nvr.signal(Signal::KILL);
            nvr.ended().await;
            drop(nvr);
            self.look().await;
            if self.random.u8(0..3) == 0 {
                self.killed_while_it_starts().await;
            }
            nvr = self.place.start().await;
        }
        // The last event goes on, and ends as all do.
        let before = Instant::now();
        nvr.trigger("front-door").await;
        self.wanted.push(Instant::now() - PRE_ROLL + UNSURE..=before + POST_ROLL - UNSURE);
        nvr.quiet(1).await;
        nvr.stop().await;
        self.place.assert_tidy();
        self
    }

    /// Looks through what lies in RAM as soon as nothing writes there any more.
    async fn look(&mut self) {
        let since = Instant::now();
        while !self.place.ffmpegs().is_empty() {
            assert!(since.elapsed() < Duration::from_secs(60), "FFmpeg outlives its recorder");
            sleep(Duration::from_millis(20)).await;
        }
        let ring = self.place.ring().join("front-door");
        for dir in [ring.clone(), ring.join("claimed")] {
            let files = std::fs::read_dir(dir).expect("a ring").flatten().map(|entry| entry.path());
            let footage = files.filter(|path| path.extension().is_some_and(|ending| ending == "mp4"));
            self.seen.extend(footage.map(|path| std::fs::read(path).expect("it is there")));
        }
        let mut places = vec![self.place.archive.clone()];
        while let Some(place) = places.pop() {
            for path in std::fs::read_dir(place).expect("the archive").flatten().map(|entry| entry.path()) {
                let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
                if path.is_dir() {
                    places.push(path);
                } else if name.ends_with(".mp4") || name.ends_with(".mp4.part") {
                    self.grown.insert(whole(std::fs::read(path).expect("it is there")));
                }
            }
        }
    }

    fn kill(&mut self, running: bool) {
        let (triggers, at, wall) = (self.wanted.len(), Instant::now(), jiff::Timestamp::now());
        self.kills.push(Kill { triggers, at, wall, running });
    }

    /// A recorder that does not even come to take over what is there.
    async fn killed_while_it_starts(&mut self) {
        let words = self.place.words(&["record"]);
        let mut command = tokio::process::Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.kill_on_drop(true).spawn().expect("a recorder");
        sleep(Duration::from_millis(self.random.u64(0..400))).await;
        let pid = Pid::from_raw(child.id().expect("it runs").cast_signed()).expect("a process");
        self.kill(false);
        kill_process(pid, Signal::KILL).expect("it runs");
        child.wait().await.expect("a status");
        self.look().await;
    }

    /// Answers how many packets were in RAM and wanted.
    fn check(&self, number: u64) -> usize {
        let sent = self.feed.sent();
        let material = &self.feed.material;
        let places: HashMap<_, _> =
            material.packets.iter().enumerate().map(|(place, packet)| (packet.hash.as_str(), place)).collect();
        let clips = self.place.clips();
        let mut stored: BTreeMap<usize, usize> = BTreeMap::new();
        for clip in &clips {
            assert_eq!(complaints(&clip.path), "", "{number}: {:?}", clip.path);
            for hash in hashes(&clip.path) {
                *stored.entry(places[hash.as_str()]).or_default() += 1;
            }
        }
        let twice: Vec<_> = stored.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "{number}: stored twice: {twice:?}");

        let file = self.place.dir.path().join("seen.mp4");
        let held = |files: &HashSet<Vec<u8>>| {
            let mut held = HashSet::new();
            for bytes in files.iter().filter(|bytes| has_header(bytes)) {
                std::fs::write(&file, bytes).expect("a file");
                held.extend(hashes(&file).iter().map(|hash| places[hash.as_str()]));
            }
            held
        };
        let cut: Vec<_> = held(&self.grown).into_iter().filter(|place| !stored.contains_key(place)).collect();
        assert!(cut.is_empty(), "{number}: these were in a clip already: {cut:?}");
        let mut seen: HashSet<usize> = held(&self.seen);
        let within =
            |place: usize, window: &RangeInclusive<Instant>| sent[place].is_some_and(|at| window.contains(&at));
        seen.retain(|place| self.wanted.iter().any(|window| within(*place, window)));
        let mut lost: Vec<_> = seen.iter().filter(|place| !stored.contains_key(*place)).collect();
        lost.sort();
        assert!(lost.is_empty(), "{number}: {} packets were in RAM, and wanted, and are lost: {lost:?}", lost.len());

        let cuts: Vec<_> = clips.iter().flat_map(|clip| &clip.record.interruptions).collect();
        let slack = jiff::SignedDuration::from_secs(2);
        for kill in self.kills.iter().filter(|kill| kill.running) {
            let event = &self.wanted[kill.triggers - 1];
            let growing = stored.keys().any(|place| within(*place, &(*event.start()..=kill.at.min(*event.end()))));
            let told = cuts.iter().any(|cut| cut.from - slack <= kill.wall && kill.wall <= cut.to + slack);
            assert!(told || !growing || kill.at > *event.end(), "{number}: no record tells of {kill:?}: {cuts:?}");
        }
        seen.len()
    }
}

/// A clip up to its last whole fragment: it may have been killed in the middle of one.
fn whole(mut bytes: Vec<u8>) -> Vec<u8> {
    let (mut at, mut end) = (0, 0);
    while let Some([a, b, c, d, kind @ ..]) = bytes.get(at..at + 8) {
        at += u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        if at > bytes.len() {
            break;
        }
        end = if matches!(kind, b"moov" | b"mdat") { at } else { end };
    }
    bytes.truncate(end);
    bytes
}

/// An FFmpeg that was ended at once may have written none, and then there is no packet.
fn has_header(bytes: &[u8]) -> bool {
    bytes.windows(4).any(|word| word == b"moov")
}

fn hashes(path: &Path) -> Vec<String> {
    packets(path).into_iter().map(|packet| packet.hash).collect()
}

#[tokio::test]
async fn a_hundred_kills_in_the_middle_of_events_and_nothing_is_lost_or_stored_twice() {
    let seed = std::env::var("NVR_TEST_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().expect("a seed"));
    println!("the same again: NVR_TEST_SEED={seed}");
    let stories = (0..RECORDERS).map(|number| Story::new(seed.wrapping_add(number)).told());
    let stories = futures::future::join_all(stories).await;
    let kills: usize = stories.iter().map(|story| story.kills.len()).sum();
    let wanted: usize = std::thread::scope(|scope| {
        let checks: Vec<_> =
            (0..).zip(&stories).map(|(number, story)| scope.spawn(move || story.check(number))).collect();
        checks.into_iter().map(|check| check.join().expect("a promise that is kept")).sum()
    });
    println!("{kills} kills; {wanted} packets were in RAM and wanted, and each of them is stored once");
    assert!(kills >= RECORDERS as usize * KILLS && wanted > 0);
}
