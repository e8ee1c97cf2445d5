//! The judgement: every packet that was wanted is stored once, or missing for a cause that stands in a record and that
//! really was.

use super::fault::{Cost, What};
use super::material::{Material, Packet, complaints, packets, scales};
use super::nvr_process::Clip;
use super::world::{AROUND, Fired, POST_ROLL, PRE_ROLL, Suffered, World};
use jiff::Timestamp;
use nvr::model::time::Window;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// By how much the recorder's spans may differ from the test's: it goes by when slots are opened and closed.
const SLACK: Duration = Duration::from_millis(1_200);
/// So little that is missing at the end of a clip is not noted as a gap.
const TOO_SHORT: Duration = Duration::from_millis(600);
/// The pictures of a second.
const FPS: f64 = 25.0;

/// A packet of a camera: its stream, and its place there.
type Place = (usize, usize);

/// What came of it all.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Sentences about what must not be. Empty, if the promises were kept.
    pub broken: Vec<String>,
    /// Seconds that every fault cost, in the order in which they happened.
    pub cost: Vec<f64>,
    pub clips: usize,
    pub triggers: usize,
    /// Packets that were wanted.
    pub wanted: usize,
    /// Of these, missing for a fault, as their records say.
    pub explained: usize,
    /// Of these, missing and nobody knows why.
    pub unexplained: usize,
}

/// What one camera's clips hold.
#[derive(Default)]
struct Held {
    packets: HashMap<Place, usize>,
    broken: Vec<String>,
}

/// Judges everything in the archive of a recorder that has ended.
pub fn judge(world: &World) -> Verdict {
    world.assert_clips_kept();
    let clips = world.place.clips();
    let mut of: BTreeMap<&str, Vec<&Clip>> = BTreeMap::new();
    for clip in &clips {
        of.entry(clip.record.camera.as_str()).or_default().push(clip);
    }
    let mut verdict = Verdict { clips: clips.len(), triggers: world.fired.len(), ..Verdict::default() };
    verdict.cost = vec![0.0; world.suffered.len()];
    for (camera, name) in world.names.iter().enumerate() {
        let clips = of.get(name.as_str()).cloned().unwrap_or_default();
        let held = hold(world, camera, &clips);
        verdict.broken.extend(held.broken.iter().cloned());
        let kills = world.suffered.iter().filter(|suffered| suffered.fault.what == What::RecorderKilled);
        verdict.broken.extend(kills.filter_map(|kill| goes_on(world, camera, &clips, kill)));
        judge_camera(world, camera, &clips, &held, &mut verdict);
    }
    verdict
}

/// Reads all clips of a camera, as many at a time as there are processors.
fn hold(world: &World, camera: usize, clips: &[&Clip]) -> Held {
    let sent = world.feeds[camera].sent();
    let connected = world.feeds[camera].connected();
    let arrived = |at: &Option<Instant>| at.map(|at| world.wall(arrived(world, camera, at, &connected)));
    let source = Source::new(&world.feeds[camera].material, sent.iter().map(arrived).collect());
    let next = AtomicUsize::new(0);
    let read = || {
        let mut parts = Vec::new();
        while let Some(clip) = clips.get(next.fetch_add(1, Ordering::Relaxed)) {
            parts.push(check_clip(clip, &source));
        }
        parts
    };
    let parts = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2).map(|_| scope.spawn(read)).collect();
        readers.into_iter().flat_map(|reader| reader.join().expect("a file that can be read")).collect::<Vec<_>>()
    });
    let mut all = Held::default();
    for part in parts {
        all.broken.extend(part.broken);
        for (place, times) in part.packets {
            *all.packets.entry(place).or_default() += times;
        }
    }
    let twice = all.packets.values().filter(|times| **times > 1).count();
    if twice > 0 {
        let camera = clips.first().map(|clip| clip.record.camera.to_string()).unwrap_or_default();
        all.broken.push(format!("{camera}: {twice} packets are stored twice"));
    }
    all
}

/// A clip can be decoded without a complaint, all in it was sent by its camera at that time, in this order, and comes as
/// long after what was sent before it as when it was sent.
fn check_clip(clip: &Clip, source: &Source) -> Held {
    let (mut held, path) = (Held::default(), clip.path.as_path());
    let said = complaints(path);
    if !said.is_empty() {
        held.broken.push(format!("{}: a decoder complains: {}", path.display(), said.trim()));
    }
    let (all, scales) = (packets(path), scales(path));
    let mut last: BTreeMap<usize, (usize, Packet)> = BTreeMap::new();
    for packet in all {
        let Some((stream, nth)) = source.known.get(packet.hash.as_str()).copied() else {
            held.broken.push(format!("{}: a packet that nobody sent", path.display()));
            continue;
        };
        *held.packets.entry((stream, nth)).or_default() += 1;
        let sent = source.sent[stream][nth];
        let got =
            |window: Window<Timestamp>| sent.is_some_and(|at| window.from - AROUND <= at && at <= window.to + AROUND);
        if !clip.record.got.is_some_and(got) {
            held.broken.push(format!("{}: packet {nth} of stream {stream} was sent at {sent:?}", path.display()));
        }
        if let Some((before, earlier)) = last.get(&stream) {
            if nth <= *before {
                held.broken.push(format!("{}: packet {nth} of stream {stream} comes after {before}", path.display()));
            } else if nth == before + 1 && source.moved(earlier, &packet, scales[packet.stream], (stream, nth)) {
                held.broken.push(format!("{}: packet {nth} of stream {stream} has moved", path.display()));
            }
        }
        last.insert(stream, (nth, packet));
    }
    held
}

/// What a camera sends.
struct Source<'a> {
    streams: [Vec<&'a Packet>; 2],
    scales: &'a [i64],
    sent: [Vec<Option<Timestamp>>; 2],
    known: HashMap<&'a str, Place>,
}

impl<'a> Source<'a> {
    /// With when each packet arrived, in the order of the material.
    fn new(material: &'a Material, arrived: Vec<Option<Timestamp>>) -> Source<'a> {
        let streams = [0, 1].map(|stream| material.stream(stream).map(|(_, packet)| packet).collect::<Vec<_>>());
        let places = |stream: usize| (0..).map(move |nth| (stream, nth));
        let known = (0..2).flat_map(|stream| streams[stream].iter().map(|it| it.hash.as_str()).zip(places(stream)));
        let sent = [0, 1].map(|stream| material.stream(stream).map(|(place, _)| arrived[place]).collect());
        Source { known: known.collect(), streams: streams.clone(), scales: &material.scales, sent }
    }

    /// Whether the step between two packets that follow each other is another one than in the source.
    fn moved(&self, earlier: &Packet, packet: &Packet, scale: i64, (stream, nth): Place) -> bool {
        let step = self.streams[stream][nth].dts - self.streams[stream][nth - 1].dts;
        (packet.dts - earlier.dts) * self.scales[stream] != step * scale
    }
}

fn judge_camera(world: &World, camera: usize, clips: &[&Clip], held: &Held, verdict: &mut Verdict) {
    let (feed, name) = (&world.feeds[camera], &world.names[camera]);
    let (sent, connected) = (feed.sent(), feed.connected());
    let fired: Vec<_> = world.fired.iter().filter(|fired| fired.camera == camera).collect();
    let mut lost: BTreeMap<Place, (Instant, Instant)> = BTreeMap::new();
    let mut wanted = BTreeSet::new();
    for stream in 0..2 {
        for (nth, (place, _)) in feed.material.stream(stream).enumerate() {
            let Some(at) = sent[place].map(|at| arrived(world, camera, at, &connected)) else { continue };
            let wants = |fired: &&&Fired| (fired.after - PRE_ROLL..=fired.before + POST_ROLL).contains(&at);
            let Some(trigger) = fired.iter().find(wants) else { continue };
            wanted.insert((stream, nth));
            if !held.packets.contains_key(&(stream, nth)) {
                lost.insert((stream, nth), (at, trigger.before));
            }
        }
    }
    verdict.wanted += wanted.len();
    let mut unexplained: Vec<(Place, Instant, &str)> = Vec::new();
    for (place, (at, trigger)) in &lost {
        let blamed = world.suffered.iter().rposition(|suffered| explains(suffered, camera, *at, *trigger));
        let told = told(world, clips, name, *at);
        match blamed {
            Some(fault) if told => {
                verdict.explained += 1;
                verdict.cost[fault] += if place.0 == 0 { 1.0 / FPS } else { 0.0 };
            }
            Some(_) => unexplained.push((*place, *at, "a fault explains it, but it stands in no record")),
            None if told => unexplained.push((*place, *at, "a record tells of it, but no fault explains it")),
            None => unexplained.push((*place, *at, "neither a record tells of it nor does a fault explain it")),
        }
    }
    verdict.unexplained += unexplained.len();
    for stretch in unexplained.chunk_by(|a, b| a.0.0 == b.0.0 && a.0.1 + 1 == b.0.1 && a.2 == b.2) {
        verdict.broken.push(describe(world, camera, clips, stretch));
    }
    for fired in fired {
        let stands = |clip: &&Clip| {
            clip.record.more_triggers > 0 || clip.record.triggers.iter().any(|trigger| near(world, fired, trigger.at))
        };
        if !clips.iter().any(stands) && !missed(world, name) {
            verdict.broken.push(format!("{name}: the trigger at {} stands in no record", world.wall(fired.before)));
        }
    }
}

/// When FFmpeg could read what was sent: not while it was frozen, which it was until another one took its place at the
/// latest.
fn arrived(world: &World, camera: usize, sent: Instant, connected: &[Instant]) -> Instant {
    let frozen = |it: &&Suffered| it.fault.what == What::FfmpegFrozen && it.camera == Some(camera);
    let mut thawed = world.suffered.iter().filter(frozen).filter_map(|it| {
        let replaced = connected.iter().copied().find(|at| *at > it.injected);
        let until = it.healed?.min(replaced.unwrap_or_else(Instant::now));
        (it.injected..until).contains(&sent).then_some(until)
    });
    thawed.next_back().unwrap_or(sent)
}

fn near(world: &World, fired: &Fired, at: Timestamp) -> bool {
    let slack = Duration::from_millis(100);
    (world.wall(fired.before) - slack..=world.wall(fired.after) + slack).contains(&at)
}

/// An event in the middle of which the recorder was killed goes on in the same clip, and its record says when no recorder
/// ran. Answers what is wrong with that.
fn goes_on(world: &World, camera: usize, clips: &[&Clip], kill: &Suffered) -> Option<String> {
    let (killed, back) = (kill.injected, kill.healed? + Duration::from_secs(1));
    let during = |fired: &&Fired| fired.after < killed && back < fired.before + POST_ROLL;
    world.fired.iter().find(|fired| fired.camera == camera && during(fired))?;
    let (name, at, back) = (&world.names[camera], world.wall(killed), world.wall(back));
    let both = |clip: &&&Clip| clip.record.asked.from <= at && back <= clip.record.asked.to;
    let Some(clip) = clips.iter().find(both) else {
        return Some(format!("{name}: no clip goes on after the recorder was killed at {at}"));
    };
    let cut = |cut: &Window<Timestamp>| cut.from - SLACK <= at && at <= cut.to;
    let said = clip.record.interruptions.iter().any(cut);
    (!said).then(|| format!("{}: does not say that no recorder ran at {at}", clip.path.display()))
}

/// Whether what was sent to a recorder at an instant may be missing for a fault.
fn explains(suffered: &Suffered, camera: usize, at: Instant, trigger: Instant) -> bool {
    let hit = suffered.camera.is_none_or(|hit| hit == camera);
    let since = |before: Duration| suffered.injected.checked_sub(before).is_some_and(|from| from <= at);
    let until = suffered.over.is_none_or(|over| at <= over);
    hit && match suffered.fault.cost {
        Cost::Nothing => false,
        Cost::Since(before) => since(before) && until,
        Cost::Event(before) => {
            let during = since(before) && (until || trigger < suffered.healed.unwrap_or(trigger));
            during || (trigger >= suffered.injected && since(PRE_ROLL) && until)
        }
    }
}

/// Whether a record says that footage of an instant is missing, with a cause.
fn told(world: &World, clips: &[&Clip], name: &str, at: Instant) -> bool {
    let at = world.wall(at);
    let gaps = || clips.iter().flat_map(|clip| &clip.record.gaps);
    let ends = || clips.iter().filter_map(|clip| Some(clip.record.got?.to));
    gaps().any(|gap| !gap.cause.is_empty() && gap.window.from - SLACK <= at && at <= gap.window.to + SLACK)
        || ends().any(|end| end - TOO_SHORT <= at && at <= end + TOO_SHORT)
        || (missed(world, name) && clips.iter().all(|clip| clip.record.asked.to < at || at < clip.record.asked.from))
}

/// Whether it was said that nothing at all could be saved of some event.
fn missed(world: &World, name: &str) -> bool {
    let said = |line: &str| line.contains("nothing could be saved") && line.contains(name);
    world.logs.iter().any(|log| log.borrow().lines().any(said))
}

fn describe(world: &World, camera: usize, clips: &[&Clip], stretch: &[(Place, Instant, &str)]) -> String {
    let ((stream, first), from, why) = stretch[0];
    let ((_, last), to, _) = stretch[stretch.len() - 1];
    let (from, to) = (world.wall(from), world.wall(to));
    let name = &world.names[camera];
    let mut text =
        format!("{name}: packets {first}..={last} of stream {stream}, sent {from} to {to}, are missing: {why}");
    let near = |window: &Window<Timestamp>| {
        let around = Duration::from_secs(10);
        window.from <= to + around && from <= window.to + around
    };
    for clip in clips.iter().filter(|clip| near(&clip.record.asked)) {
        let record = &clip.record;
        let file = clip.path.file_name().unwrap_or_default().to_string_lossy();
        let _ = write!(text, "\n    {file}: {:?}, asked {} to {}, ", record.state, record.asked.from, record.asked.to);
        let got = record.got.map(|got| format!("got {} to {}", got.from, got.to));
        let _ = write!(text, "{}", got.unwrap_or_else(|| "got nothing".to_owned()));
        for gap in &record.gaps {
            let _ = write!(text, "\n        missing {} to {}: {}", gap.window.from, gap.window.to, gap.cause);
        }
        for cut in &record.interruptions {
            let _ = write!(text, "\n        interrupted {} to {}", cut.from, cut.to);
        }
    }
    for suffered in &world.suffered {
        let over = suffered.over.map_or(to, |over| world.wall(over));
        if suffered.camera.is_none_or(|hit| hit == camera)
            && near(&Window { from: world.wall(suffered.injected), to: over })
        {
            let _ = write!(text, "\n    {} from {} to {over}", suffered.fault.name, world.wall(suffered.injected));
        }
    }
    text
}
