//! The long form: all faults at random, for as long as it is told. `make soak` runs it.

use super::fault::{FAULTS, Fault, Hits};
use super::judge::{Verdict, judge};
use super::material::Kind;
use super::power::{self, Cuts};
use super::report::{self, Row};
use super::resources::Samples;
use super::world::{POST_ROLL, World};
use std::time::{Duration, Instant};
use tokio::time::sleep;

pub const CAMERAS: usize = 8;
/// How long a recorder may take to get over a fault: the longest pause between two tries, and time to try.
const RECOVERY: Duration = Duration::from_secs(120);
/// One power cut for so much of the run: 50 in an hour.
const A_POWER_CUT: u64 = 72;

/// What a soak was told, and what it came to.
pub struct Soak {
    pub seed: u64,
    pub duration: Duration,
    pub verdict: Verdict,
    pub rows: Vec<Row>,
    pub samples: Samples,
    pub cuts: Option<Cuts>,
}

/// Faults that do not get in each other's way: one that hits everything, and one of a camera, at a time.
struct Lane {
    faults: Vec<&'static Fault>,
    /// All of them in a random order, as often as there is time for.
    plan: Vec<&'static Fault>,
    stage: Stage,
}

enum Stage {
    /// All is well until then.
    Well(Instant),
    /// The fault, and when it ends.
    Ill(usize, Instant),
    /// It has ended, and the recorder has so long to get over it.
    Healed(usize, Instant),
}

impl Lane {
    fn new(hits: Hits, words: &[String]) -> Lane {
        let wanted = |fault: &&Fault| words.is_empty() || words.iter().any(|word| fault.name.contains(word));
        let faults = FAULTS.iter().filter(|fault| fault.hits == hits).filter(wanted).collect();
        Lane { faults, plan: Vec::new(), stage: Stage::Well(Instant::now() + Duration::from_secs(5)) }
    }

    /// Takes the next step, if it is time. No new fault begins once it is `late`.
    async fn step(&mut self, world: &mut World, random: &mut fastrand::Rng, late: bool) {
        let now = Instant::now();
        match self.stage {
            Stage::Well(until) if now < until || late => {}
            Stage::Well(_) => {
                if self.plan.is_empty() {
                    self.plan.clone_from(&self.faults);
                    random.shuffle(&mut self.plan);
                }
                let Some(fault) = self.plan.pop() else { return };
                let camera = random.usize(0..CAMERAS);
                let lasts = Duration::from_millis(random.u64(fault.lasts.start() * 1000..=fault.lasts.end() * 1000));
                if world.inject(fault.what, camera).await {
                    self.stage = Stage::Ill(world.suffered.len() - 1, Instant::now() + lasts);
                }
            }
            Stage::Ill(_, until) if now < until => {}
            Stage::Ill(at, _) => {
                world.heal(at).await;
                self.stage = Stage::Healed(at, Instant::now() + RECOVERY);
            }
            Stage::Healed(at, _) if world.is_over(at) => {
                self.stage = Stage::Well(now + Duration::from_millis(random.u64(0..8_000)));
            }
            Stage::Healed(_, until) if now < until || world.nvr.is_none() => {}
            Stage::Healed(at, _) => {
                let (name, picture) = (world.suffered[at].fault.name, world.nvr().picture());
                let states: Vec<_> = picture.cameras.iter().map(|camera| &camera.state).collect();
                let (archive, ring) = (&picture.archive, &picture.ring.trouble);
                panic!("{RECOVERY:?} after {name} it is not over: {states:#?} {archive:#?} {ring:?}");
            }
        }
    }

    fn is_well(&self) -> bool {
        matches!(self.stage, Stage::Well(_))
    }
}

/// When each camera is triggered next: in the middle of an event, at its very end, while its clip is still open for a
/// late mail, and when it is closed.
struct Triggers(Vec<Instant>);

impl Triggers {
    async fn step(&mut self, world: &mut World, random: &mut fastrand::Rng) {
        for camera in 0..self.0.len() {
            if Instant::now() < self.0[camera] {
                continue;
            }
            world.fire(camera, random.u8(0..3) == 0).await;
            let ranges = [0..1_000, 0..1_000, 4_000..6_000, 7_000..13_500, 13_500..30_000];
            let range = ranges[random.usize(0..ranges.len())].clone();
            let pause = random.u64(range);
            self.0[camera] = Instant::now() + Duration::from_millis(pause);
        }
    }
}

/// Lets everything happen for so long, and judges. With `words`, only faults that have one of them in their names.
async fn soak(duration: Duration, seed: u64, words: &[String]) -> Soak {
    println!("the same again: make soak DURATION={}s SEED={seed}", duration.as_secs());
    let mut random = fastrand::Rng::with_seed(seed);
    let disk = (512 << 20) + duration.as_secs() as usize * CAMERAS * (64 << 10);
    // In steps, because it takes a while to make what the cameras send, and is kept.
    let seconds = (duration.as_secs() as u32 + 240).next_multiple_of(300);
    let mut world = World::start(CAMERAS, [Kind::H264, Kind::BFrames], seconds, disk).await;
    let began = Instant::now();
    let mut lanes = [Hits::Everything, Hits::Camera].map(|hits| Lane::new(hits, words));
    let mut triggers = Triggers(vec![began; CAMERAS]);
    let mut samples = Samples::default();
    let mut minutes = 0;
    loop {
        let late = began.elapsed() >= duration;
        if late && lanes.iter().all(Lane::is_well) {
            break;
        }
        for lane in &mut lanes {
            lane.step(&mut world, &mut random, late).await;
        }
        triggers.step(&mut world, &mut random).await;
        if let Some(nvr) = &world.nvr {
            samples.take(nvr.pid(), began.elapsed());
        }
        if began.elapsed().as_secs() / 60 > minutes {
            minutes = began.elapsed().as_secs() / 60;
            world.note_clips();
            progress(&mut world, minutes, &samples);
        }
        sleep(Duration::from_millis(20)).await;
    }
    sleep(POST_ROLL).await;
    world.settle().await;
    println!("all is stored; reading every packet of it …");
    let verdict = judge(&world);
    let rows = report::rows(&world, &verdict);
    drop(world);
    println!("{} wanted packets, {} missing without an explanation", verdict.wanted, verdict.unexplained);
    let count = (duration.as_secs() / A_POWER_CUT).clamp(3, 50) as usize;
    println!("{count} power cuts …");
    let cuts = power::cut(count, Duration::from_secs(4), &mut random).await;
    Soak { seed, duration, verdict, rows, samples, cuts }
}

/// A word of the environment, in which `make soak` says what is wanted.
fn wanted<T>(name: &str, read: impl Fn(&str) -> Option<T>, otherwise: T) -> T {
    let word = std::env::var(name).ok().filter(|word| !word.is_empty());
    word.map_or(otherwise, |word| read(&word).unwrap_or_else(|| panic!("{name}={word} means nothing")))
}

#[tokio::test]
#[ignore = "takes as long as it is told: make soak"]
async fn everything_at_random() {
    let span = |word: &str| Duration::try_from(word.parse::<jiff::SignedDuration>().ok()?).ok();
    let duration = wanted("DURATION", span, Duration::from_secs(3600));
    let seed = wanted("SEED", |word| word.parse().ok(), fastrand::u64(..));
    let words = |list: &str| Some(list.split(',').map(|word| word.trim().to_owned()).collect::<Vec<_>>());
    let words = wanted("FAULTS", words, Vec::new());
    let soak = soak(duration, seed, &words).await;
    let page = report::page(&soak);
    println!("\n{page}");
    if words.is_empty() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/promises.md"), page).expect("docs/promises.md");
    }
    let broken = report::broken(&soak);
    assert!(broken.is_empty(), "{} promises were broken:\n{}", broken.len(), broken.join("\n"));
}

fn progress(world: &mut World, minutes: u64, samples: &Samples) {
    let last = world.suffered.last().map_or("none yet", |suffered| suffered.fault.name);
    let (faults, triggers) = (world.suffered.len(), world.fired.len());
    let lost = world.nvr.as_mut().map_or(0, |nvr| nvr.picture().lost.segments);
    println!("{minutes:3} min: {faults} faults (last: {last}), {triggers} triggers, {lost} segments lost; {samples}");
}
