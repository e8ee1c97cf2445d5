//! How fast footage gets onto the disk, and what that costs: the archive itself beside the same bytes written by others.
//!
//! The segments lie in RAM as FFmpeg leaves them. The archive appends them to one clip, one order after the other as the
//! model gives them, and hashes them on the way. Beside it: a loop that only reads, writes and syncs in the same pattern,
//! `dd conv=fsync` for each segment, and `cp`, which syncs nothing. They take turns, so that a disk that gets slower does
//! so for all.

use crate::cameras::MATERIAL;
use crate::counters::{Meter, of_children};
use crate::fit::median;
use crate::material::{self, Kind, run};
use crate::page::{Findings, Table, number};
use nvr::model::effect::Append;
use nvr::model::event::Event;
use nvr::model::id::{CameraName, ClipId, RunId, SegmentId};
use nvr::model::record::Record;
use nvr::model::time::{Wall, Window};
use nvr::work::archive::Archive;
use nvr::work::places;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::mpsc;

const ROUNDS: usize = 7;
const SEGMENT: Duration = Duration::from_secs(10);
/// How much is read and written at a time, by all of them.
const STEP: usize = 1 << 20;

/// What writing took: seconds, and seconds of a processor.
#[derive(Clone, Copy)]
struct Took {
    wall: f64,
    processor: f64,
}

/// Segments in RAM, and places to write them to.
struct Bench {
    ram: TempDir,
    disk: TempDir,
    segments: Vec<PathBuf>,
    bytes: u64,
}

impl Bench {
    fn new() -> Bench {
        let ram = tempfile::tempdir_in("/dev/shm").expect("a place in RAM");
        let source = material::file(Kind::FourMbit, MATERIAL);
        let flags = "movflags=+frag_keyframe+empty_moov+default_base_moof+delay_moov+frag_discont:flush_packets=1";
        let (source, pattern) = (source.display().to_string(), ram.path().join("%d.mp4").display().to_string());
        let mut args = vec!["-v", "error", "-i", &source, "-map", "0", "-c", "copy", "-f", "segment"];
        args.extend(["-segment_time", "10", "-segment_format", "mp4", "-segment_format_options", flags, &pattern]);
        run("ffmpeg", &args);
        let files = (0..).map(|number| ram.path().join(format!("{number}.mp4"))).take_while(|file| file.exists());
        let segments: Vec<_> = files.collect();
        let bytes = segments.iter().map(|file| file.metadata().expect("a segment").len()).sum();
        let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a place on disk");
        Bench { ram, disk, segments, bytes }
    }

    fn place(&self, name: &str) -> PathBuf {
        let place = self.disk.path().join(name);
        let _ = std::fs::remove_dir_all(&place); // of the round before
        std::fs::create_dir_all(&place).expect("a place");
        // What others have written must not go to the disk in our time.
        let dir = File::open(self.disk.path()).expect("a directory");
        rustix::fs::syncfs(dir).expect("synced");
        place
    }

    /// The archive, in a process that does nothing else.
    async fn archive(&self) -> Took {
        let place = self.place("archive");
        let ring = tempfile::tempdir_in("/dev/shm").expect("a place in RAM");
        let camera: CameraName = "front".parse().expect("a name");
        std::fs::create_dir_all(places::claims(ring.path(), &camera)).expect("a ring");
        let segment = |number: usize| SegmentId { camera: camera.clone(), number: number as u64 };
        let (sender, mut events) = mpsc::channel(64);
        let state = place.join("state");
        let mut archive =
            Archive::open(&place.join("clips"), ring.path().to_owned(), &state, sender).await.expect("an archive");
        archive.recover(Vec::new()).await; // which would take what is claimed for an earlier recorder's
        for (number, from) in self.segments.iter().enumerate() {
            std::fs::copy(from, places::claimed(ring.path(), &segment(number))).expect("copied");
        }
        let (clip, wall) = (ClipId(1), Wall::now());
        let record = Arc::new(Record::empty(camera.clone(), Window { from: wall, to: wall + SEGMENT }));
        let mut meter = Meter::start([rustix::process::getpid()]);
        let began = Instant::now();
        for number in 0..self.segments.len() {
            let (segment, record) = (segment(number), record.clone());
            archive.append(Append { clip, segment, run: RunId(1), wall, offset: SEGMENT * number as u32, record });
            loop {
                match events.recv().await.expect("an event") {
                    Event::Appended { .. } => break,
                    Event::AppendFailed { failure, .. } => panic!("{failure:?}"),
                    _ => {}
                }
            }
        }
        let wall = began.elapsed().as_secs_f64();
        let took = Took { wall, processor: meter.processor().as_secs_f64() };
        archive.close_clip(clip, record);
        archive.finish().await;
        took
    }

    /// The same reads, writes and syncs, and nothing else.
    fn plain(&self) -> Took {
        let to = self.place("plain").join("clip");
        let mut meter = Meter::start([rustix::process::getpid()]);
        let began = Instant::now();
        let mut clip = File::create_new(to).expect("a clip");
        let mut buffer = vec![0; STEP];
        for segment in &self.segments {
            let mut segment = File::open(segment).expect("a segment");
            loop {
                let count = segment.read(&mut buffer).expect("read");
                if count == 0 {
                    break;
                }
                clip.write_all(&buffer[..count]).expect("written");
            }
            clip.sync_data().expect("synced");
        }
        let wall = began.elapsed().as_secs_f64();
        Took { wall, processor: meter.processor().as_secs_f64() }
    }

    /// By other programs.
    fn others(&self, name: &str, of: impl Fn(&Path, &str)) -> Took {
        let place = self.place(name);
        let (before, began) = (of_children(), Instant::now());
        for segment in &self.segments {
            of(&place, segment.to_str().expect("a path in UTF-8"));
        }
        let wall = began.elapsed().as_secs_f64();
        Took { wall, processor: (of_children() - before).as_secs_f64() }
    }

    fn dd(&self) -> Took {
        self.others("dd", |place, segment| {
            let (from, to) = (format!("if={segment}"), format!("of={}", place.join("clip").display()));
            run("dd", &[&from, &to, "bs=1M", "oflag=append", "conv=notrunc,fsync", "status=none"]);
        })
    }

    fn cp(&self) -> Took {
        self.others("cp", |place, segment| drop(run("cp", &[segment, &place.display().to_string()])))
    }
}

pub async fn measure() -> Findings {
    let bench = Bench::new();
    let mut took: [Vec<Took>; 4] = Default::default();
    for _ in 0..ROUNDS {
        let round = [bench.archive().await, bench.plain(), bench.dd(), bench.cp()];
        took.iter_mut().zip(round).for_each(|(all, one)| all.push(one));
    }
    let (megabytes, gigabytes) = (bench.bytes as f64 / 1e6, bench.bytes as f64 / 1e9);
    let middle = |all: &[Took]| {
        let of = |it: fn(&Took) -> f64| median(&all.iter().map(it).collect::<Vec<_>>());
        (megabytes / of(|it| it.wall), of(|it| it.processor) / gigabytes)
    };
    let [archive, plain, dd, cp] = took.each_ref().map(|all| middle(all));
    let mut table = Table::new(
        "Archive",
        format!(
            "{} segments of {:.1} MB, from RAM to one file on the disk, a sync after each; one at a time; medians of \
             {ROUNDS} rounds in turn. The archive hashes (BLAKE3), reads every header and keeps its record on the way.",
            bench.segments.len(),
            megabytes / bench.segments.len() as f64
        ),
        &["", "throughput", "processor time", "throughput of nvr beside it", "its processor time beside it"],
    );
    let rows = [
        ("nvr", archive),
        ("`dd conv=fsync` for each segment", dd),
        ("read, write, fdatasync in a loop", plain),
        ("`cp`, without any sync", cp),
    ];
    for (what, (rate, cost)) in rows {
        let (beside, dearer) = (archive.0 / rate, archive.1 / cost);
        table.rows.push(vec![
            what.to_owned(),
            number(rate, "MB/s"),
            number(cost, "s/GB"),
            number(beside, "×"),
            number(dearer, "×"),
        ]);
    }
    drop((bench.ram, bench.disk));
    let mut findings = Findings::of([table]);
    findings.note("archive rate", archive.0 / dd.0);
    findings.note("archive cost", archive.1 / dd.1);
    findings
}
