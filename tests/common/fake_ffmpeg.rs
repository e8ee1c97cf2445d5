//! An FFmpeg that is none, of which hundreds cost almost nothing: the test program itself, run under the name `ffmpeg`.
//! It is asked and told the same things, reads its source from the same pipe, and fills slot after slot with footage that
//! is whole: the first GOP of a file that the source names, once a second, with times that go on.

use nvr::model::fmp4::{Part, Walk};
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

/// What it is called.
const NAME: &str = "ffmpeg";
/// A GOP lasts so long.
const GOP: Duration = Duration::from_secs(1);
/// Seconds between two reports of its progress.
const REPORT: u64 = 5;

/// Puts it into a directory. Answers what to write below `[recorder]`.
pub fn install(dir: &Path) -> String {
    let program = dir.join(NAME);
    let ourselves = std::env::current_exe().expect("a program");
    std::os::unix::fs::symlink(ourselves, &program).expect("a link");
    format!("ffmpeg = {program:?}\n")
}

/// Makes what it sends, by the real FFmpeg. Answers the file.
pub fn material(dir: &Path) -> PathBuf {
    let file = dir.join("material.mp4");
    let mut command = Command::new(NAME);
    command.args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=128x72:r=5", "-t", "2", "-pix_fmt", "yuv420p"]);
    command.args(["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "5"]);
    command.args(["-movflags", "+frag_keyframe+empty_moov+default_base_moof"]).arg(&file);
    let made = command.stdin(Stdio::null()).status().expect("FFmpeg (run: apt install ffmpeg)");
    assert!(made.success(), "{made}");
    file
}

/// So many cameras that send it, in words of nvr.toml.
pub fn cameras(count: usize, material: &Path) -> String {
    let camera = |number| format!("[[camera]]\nname = 'camera-{number}'\nsource = {material:?}\n");
    (0..count).map(camera).collect()
}

/// Whether this process is to be one.
pub fn is_meant() -> bool {
    std::env::args_os().next().is_some_and(|name| Path::new(&name).file_name() == Some(OsStr::new(NAME)))
}

/// Its whole life.
pub fn run() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let has = |word: &str| args.iter().any(|arg| arg == word);
    if has("-version") {
        println!("ffmpeg version 5.1-none Copyright (c) nobody");
    } else if has("demuxer=rtsp") {
        println!("  -timeout <int64> .D......... set timeout");
    } else if has("-encoders") {
        println!(" V....D libx264 H.264");
    } else {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        return runtime.block_on(record(&args));
    }
    ExitCode::SUCCESS
}

/// The word after another.
fn after<'a>(args: &'a [OsString], word: &str) -> &'a str {
    let place = args.iter().position(|arg| arg == word).unwrap_or_else(|| panic!("no {word} in {args:?}"));
    args[place + 1].to_str().expect("UTF-8")
}

/// The file that a source names: itself, or the path of an address that comes in a list.
fn source(args: &[OsString]) -> PathBuf {
    let input = after(args, "-i");
    if !input.starts_with("/dev/fd/") {
        return input.into();
    }
    let list = std::fs::read_to_string(input).expect("a list");
    let address = list.lines().find_map(|line| line.strip_prefix("file '")?.strip_suffix('\'')).expect("an entry");
    assert!(list.starts_with("ffconcat version 1.0\n") && list.contains("option timeout "), "{list}");
    let (_, path) = address.trim_start_matches("rtsp://").split_once('/').expect("a path");
    Path::new("/").join(path)
}

async fn record(args: &[OsString]) -> ExitCode {
    let mut footage = Footage::read(&source(args));
    let number = |word| after(args, word).parse::<u64>().expect("a number");
    let (segment, wrap, mut slot) = (number("-segment_time"), number("-segment_wrap"), number("-segment_start_number"));
    let pattern = args.last().and_then(|last| last.to_str()).expect("a pattern");
    let open = |slot: u64, footage: &Footage| {
        let file = File::create(pattern.replace("%d", &slot.to_string()));
        file.and_then(|mut file| file.write_all(&footage.header).map(|()| file))
    };
    let report = after(args, "-progress").trim_start_matches("pipe:");
    let mut report = OpenOptions::new().write(true).open(format!("/dev/fd/{report}")).expect("a pipe");
    let mut orders = pipe::OpenOptions::new().open_receiver("/dev/fd/0").expect("a pipe");
    let mut term = signal(SignalKind::terminate()).expect("a signal");
    let (mut gop, mut order) = (interval(GOP), [0]);
    gop.set_missed_tick_behavior(MissedTickBehavior::Delay);
    gop.tick().await;

    let (mut file, mut gops) = (open(slot, &footage), 0);
    loop {
        let code = tokio::select! {
            _ = gop.tick() => None,
            _ = term.recv() => Some(255),
            count = orders.read(&mut order) => match (count, order) {
                (Ok(1), [b'q']) => Some(0),
                _ => Some(1),
            },
        };
        gops += 1;
        let written = file.and_then(|mut file| file.write_all(footage.next()).map(|()| file));
        match (written, code) {
            (Ok(_), Some(code)) => return code.into(),
            (Err(error), _) => {
                eprintln!("[segment @ 0x1] [error] {error}");
                return 1.into();
            }
            (Ok(whole), None) if gops % segment == 0 => {
                drop(whole);
                slot = (slot + 1) % wrap;
                file = open(slot, &footage);
            }
            (Ok(open), None) => file = Ok(open),
        }
        if gops % REPORT == 0 {
            let text = format!("frame={}\nprogress=continue\n", gops * footage.frames);
            report.write_all(text.as_bytes()).expect("is read");
        }
    }
}

/// A header, and one GOP that is sent again and again.
struct Footage {
    header: Vec<u8>,
    gop: Vec<u8>,
    /// Where in it its time stands.
    time_at: usize,
    /// Its time, and how much that grows with each, in ticks.
    time: u64,
    ticks: u64,
    frames: u64,
}

impl Footage {
    fn read(path: &Path) -> Footage {
        let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let part = |range: std::ops::Range<u64>| bytes[range.start as usize..range.end as usize].to_vec();
        let mut walk = Walk::new(bytes.len() as u64);
        let fragment = loop {
            let wanted = walk.wants().expect("a GOP");
            if let Some(Part::Fragment(fragment)) = walk.give(&part(wanted)).expect("MP4") {
                break fragment;
            }
        };
        let init = walk.init().expect("a header");
        let header = init.ranges.iter().flat_map(|range| part(range.clone())).collect();
        let gop = part(fragment.range.clone());
        // In it: version and flags, then 64 bits of time.
        let time_at = gop.windows(4).position(|kind| kind == b"tfdt").expect("a time") + 8;
        let (frames, ticks) = (fragment.trafs[0].samples, u64::from(init.tracks[0].timescale));
        Footage { header, gop, time_at, time: 0, ticks, frames }
    }

    fn next(&mut self) -> &[u8] {
        self.gop[self.time_at..self.time_at + 8].copy_from_slice(&self.time.to_be_bytes());
        self.time += self.ticks;
        &self.gop
    }
}
