//! What cameras send in tests: made once by FFmpeg, every packet unlike every other, and known packet by packet.

use std::collections::HashSet;
use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

/// What a camera may send. A GOP lasts one second, as on a camera that is set up for recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// H.264 without B-frames, AAC.
    H264,
    /// H.264 with B-frames, AAC.
    BFrames,
    /// HEVC with B-frames, AAC.
    Hevc,
    /// H.264 without B-frames, G.711: sound that MP4 cannot hold.
    Alaw,
    /// H.264 at 4 Mbit/s, as from a camera of 1080 lines, AAC.
    FourMbit,
}

impl Kind {
    /// The container it travels in: one that keeps packets and times exactly as they are, and that FFmpeg reads from a
    /// socket.
    pub fn format(self) -> &'static str {
        match self {
            Kind::Alaw => "flv",
            Kind::H264 | Kind::BFrames | Kind::Hevc | Kind::FourMbit => "mp4",
        }
    }

    fn arguments(self) -> Vec<&'static str> {
        let quick = ["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-bf", "0"].as_slice();
        let small = ["-b:v", "300k"].as_slice();
        let aac = ["-c:a", "aac", "-b:a", "64k"].as_slice();
        let fragments =
            ["-movflags", "empty_moov+default_base_moof+frag_every_frame+delay_moov", "-f", "mp4"].as_slice();
        let parts: &[&[&str]] = match self {
            Kind::H264 => &[quick, small, aac, fragments],
            Kind::BFrames => &[&["-c:v", "libx264", "-preset", "veryfast", "-bf", "2"], small, aac, fragments],
            Kind::Hevc => &[
                &["-c:v", "libx265", "-preset", "ultrafast"],
                &["-x265-params", "log-level=none:keyint=25:min-keyint=25:scenecut=0:open-gop=0:bframes=2"],
                small,
                aac,
                fragments,
            ],
            Kind::Alaw => &[quick, small, &["-c:a", "pcm_alaw", "-ar", "8000", "-ac", "1", "-f", "flv"]],
            Kind::FourMbit => &[
                &["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"],
                &["-b:v", "4M", "-minrate", "4M", "-maxrate", "4M", "-bufsize", "1M", "-nal-hrd", "cbr"],
                aac,
                fragments,
            ],
        };
        parts.concat()
    }
}

/// One packet: its times in the track's ticks, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    pub stream: usize,
    pub pts: i64,
    pub dts: i64,
    pub key: bool,
    pub hash: String,
    position: u64,
}

/// A piece of the file that is sent as a whole.
#[derive(Debug)]
pub struct Chunk {
    pub range: Range<usize>,
    /// The packets in it.
    pub packets: Range<usize>,
    /// When it is sent, in seconds after the first.
    pub at: f64,
    /// A decoder can begin here.
    pub key: bool,
}

/// A camera's stream.
#[derive(Debug)]
pub struct Material {
    pub kind: Kind,
    pub bytes: Vec<u8>,
    /// What every connection begins with.
    pub head: Range<usize>,
    pub chunks: Vec<Chunk>,
    /// In the order of the file.
    pub packets: Vec<Packet>,
    /// Ticks a second of each stream; 0 is the picture, 1 the sound.
    pub scales: Vec<i64>,
}

impl Material {
    /// `seconds` of `kind`, made if no earlier test has made it.
    pub fn get(kind: Kind, seconds: u32) -> Arc<Material> {
        static MADE: Mutex<Vec<(Kind, u32, Arc<Material>)>> = Mutex::new(Vec::new());
        let mut made = MADE.lock().expect("no test failed in here");
        if let Some((.., material)) = made.iter().find(|(k, s, _)| (*k, *s) == (kind, seconds)) {
            return material.clone();
        }
        let material = Arc::new(Self::read(kind, &file(kind, seconds)));
        made.push((kind, seconds, material.clone()));
        material
    }

    fn read(kind: Kind, path: &Path) -> Material {
        let bytes = fs::read(path).expect("the material");
        let (packets, scales) = (packets(path), scales(path));
        let distinct: HashSet<_> = packets.iter().map(|packet| &packet.hash).collect();
        assert_eq!(distinct.len(), packets.len(), "{kind:?}: packets that cannot be told apart prove nothing");
        let mut chunks: Vec<Chunk> = Vec::new();
        let mut next = 0;
        for range in pieces(kind, &bytes) {
            let first = next;
            while packets.get(next).is_some_and(|packet| range.contains(&(packet.position as usize))) {
                next += 1;
            }
            if let Some(packet) = packets[first..next].first() {
                let at = packet.dts as f64 / scales[packet.stream] as f64;
                let key = packet.stream == 0 && packet.key;
                chunks.push(Chunk { range, packets: first..next, at, key });
            }
        }
        assert_eq!(next, packets.len(), "{kind:?}: a packet in no piece");
        let head = 0..chunks[0].range.start;
        Material { kind, bytes, head, chunks, packets, scales }
    }

    /// The packets of one stream, with their places in the file.
    pub fn stream(&self, stream: usize) -> impl Iterator<Item = (usize, &Packet)> {
        self.packets.iter().enumerate().filter(move |(_, packet)| packet.stream == stream)
    }
}

/// The file, made under a lock because several test processes may want it.
pub fn file(kind: Kind, seconds: u32) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::create_dir_all(dir).expect("a place");
    let place = dir.join(format!("material-1-{kind:?}-{seconds}.{}", kind.format()));
    let lock = File::create(place.with_extension("lock")).expect("a lock");
    lock.lock().expect("locked");
    if !place.exists() {
        let unfinished = place.with_extension("unfinished");
        let size = if kind == Kind::FourMbit { "1280x720" } else { "320x180" };
        let (picture, seconds) = (format!("testsrc2=s={size}:r=25"), seconds.to_string());
        let mut args = vec!["-y", "-v", "error", "-f", "lavfi", "-i", &picture, "-f", "lavfi"];
        // Noise, because packets of a steady sound repeat.
        args.extend(["-i", "anoisesrc=r=48000:seed=1:a=0.3", "-t", &seconds, "-pix_fmt", "yuv420p"]);
        args.extend(["-g", "25", "-keyint_min", "25", "-sc_threshold", "0"]);
        args.extend(kind.arguments());
        args.push(unfinished.to_str().expect("a path in UTF-8"));
        run("ffmpeg", &args);
        fs::rename(&unfinished, &place).expect("named");
    }
    place
}

/// Where a file can be cut.
fn pieces(kind: Kind, bytes: &[u8]) -> Vec<Range<usize>> {
    let number = |at: usize, size: usize| bytes[at..at + size].iter().fold(0, |n, byte| n << 8 | usize::from(*byte));
    let mut pieces: Vec<Range<usize>> = Vec::new();
    if kind.format() == "flv" {
        let mut at = 9 + 4;
        while at + 11 < bytes.len() {
            let end = at + 11 + number(at + 1, 3) + 4;
            pieces.push(at..end);
            at = end;
        }
        return pieces;
    }
    let mut at = 0;
    while at < bytes.len() {
        let end = at + number(at, 4);
        match (&bytes[at + 4..at + 8], pieces.last_mut()) {
            (b"mdat", Some(moof)) => moof.end = end,
            (b"moof", _) => pieces.push(at..end),
            _ => {}
        }
        at = end;
    }
    pieces
}

/// Runs a program to its end and returns its output and its complaints.
pub fn run(program: &str, args: &[&str]) -> (String, String) {
    let done = Command::new(program).args(args).stdin(Stdio::null()).output();
    let done = done.unwrap_or_else(|error| panic!("{program} is needed (run: apt install {program}): {error}"));
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{program} {args:?}: {said}");
    (String::from_utf8_lossy(&done.stdout).into_owned(), said)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// All packets of a file, in its order. A file that cannot be read whole fails the test.
pub fn packets(path: &Path) -> Vec<Packet> {
    let entries = "packet=stream_index,pts,dts,pos,flags,data_hash";
    let args = ["-v", "error", "-show_data_hash", "md5", "-show_entries", entries, "-of", "csv=p=0", text(path)];
    let (list, said) = run("ffprobe", &args);
    assert_eq!(said, "", "{}", path.display());
    let packet = |line: &str| {
        let fields: Vec<_> = line.split(',').collect();
        let [stream, pts, dts, position, flags, hash, ..] = fields[..] else { panic!("an odd packet: {line}") };
        let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("an odd packet: {line}"));
        Packet {
            stream: number(stream) as usize,
            pts: number(pts),
            dts: number(dts),
            key: flags.starts_with('K'),
            hash: hash.to_owned(),
            position: number(position) as u64,
        }
    };
    list.lines().map(packet).collect()
}

/// Ticks a second of each stream.
pub fn scales(path: &Path) -> Vec<i64> {
    let (list, _) = run("ffprobe", &["-v", "error", "-show_entries", "stream=time_base", "-of", "csv=p=0", text(path)]);
    list.lines().map(|line| line.trim_start_matches("1/").parse().expect("a time base")).collect()
}

/// What a decoder has to say about a file: nothing, if all is well.
pub fn complaints(path: &Path) -> String {
    // Times as they are: rounded to whole pictures, those of two streams that were joined may seem to be the same.
    run("ffmpeg", &["-v", "warning", "-i", text(path), "-enc_time_base", "-1", "-f", "null", "-"]).1
}
