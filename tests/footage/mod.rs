//! Real footage from the real FFmpeg, and a close look at it.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a camera may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    H264,
    H264WithBFrames,
    Hevc,
}

/// Runs a program to its end and returns its output and its complaints.
pub fn run(program: &str, args: &[&str]) -> (Vec<u8>, String) {
    let done = Command::new(program).args(args).stdin(Stdio::null()).output();
    let done = done.unwrap_or_else(|error| panic!("{program} is needed (run: apt install ffmpeg): {error}"));
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{program} {args:?}: {said}");
    (done.stdout, said)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// A file as a camera's stream: every picture differs, a GOP lasts a second, with AAC sound.
pub fn make(dir: &Path, codec: Codec, seconds: u32) -> PathBuf {
    let path = dir.join(format!("{codec:?}-{seconds}.mp4"));
    let seconds = seconds.to_string();
    let mut args = vec!["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25"];
    args.extend(["-f", "lavfi", "-i", "sine=r=48000", "-t", &seconds, "-pix_fmt", "yuv420p", "-b:v", "300k"]);
    args.extend(match codec {
        Codec::H264 => ["-c:v", "libx264", "-tune", "zerolatency", "-bf", "0", "-preset", "veryfast"],
        Codec::H264WithBFrames => ["-c:v", "libx264", "-sc_threshold", "0", "-bf", "2", "-preset", "veryfast"],
        Codec::Hevc => {
            ["-c:v", "libx265", "-x265-params", "log-level=none:keyint=25", "-bf", "2", "-preset", "ultrafast"]
        }
    });
    args.extend(["-g", "25", "-c:a", "aac", text(&path)]);
    run("ffmpeg", &args);
    path
}

/// What FFmpeg leaves in the ring for such a stream, two seconds a segment.
pub fn segments(dir: &Path, source: &Path) -> Vec<PathBuf> {
    std::fs::create_dir_all(dir).expect("a place");
    let flags = "movflags=+frag_keyframe+empty_moov+default_base_moof+delay_moov+frag_discont:flush_packets=1";
    let mut args = vec!["-v", "error", "-i", text(source), "-map", "0:v:0", "-map", "0:a:0?", "-c", "copy"];
    args.extend(["-f", "segment", "-segment_time", "2", "-segment_wrap", "100", "-segment_start_number", "0"]);
    args.extend(["-segment_format", "mp4", "-segment_format_options", flags]);
    let pattern = dir.join("%d.mp4");
    args.extend(["-segment_list", "pipe:1", "-segment_list_type", "csv", text(&pattern)]);
    let (list, _) = run("ffmpeg", &args);
    let count = String::from_utf8_lossy(&list).lines().count();
    assert!(count >= 2, "only {count} segments");
    (0..count).map(|number| dir.join(format!("{number}.mp4"))).collect()
}

/// One packet: its times in the track's ticks, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    pub pts: i64,
    pub dts: i64,
    pub hash: String,
}

/// The packets of each track, in decode order, with ticks a second.
pub fn packets(path: &Path) -> BTreeMap<u32, Vec<Packet>> {
    let entries = "packet=stream_index,pts,dts,data_hash";
    let (list, said) = run("ffprobe", &["-v", "error", "-show_data_hash", "md5", "-show_entries", entries, text(path)]);
    assert_eq!(said, "", "{}", path.display());
    let mut tracks: BTreeMap<u32, Vec<Packet>> = BTreeMap::new();
    let list = String::from_utf8(list).expect("text");
    for block in list.split("[/PACKET]") {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let Some(stream) = field("stream_index") else { continue };
        let time =
            |name| field(name).and_then(|ticks| ticks.parse().ok()).unwrap_or_else(|| panic!("no {name}: {block}"));
        let hash = field("data_hash").expect("a hash").to_owned();
        let packet = Packet { pts: time("pts"), dts: time("dts"), hash };
        tracks.entry(stream.parse().expect("a stream's number")).or_default().push(packet);
    }
    tracks
}

/// Ticks a second of each track.
pub fn timescales(path: &Path) -> Vec<i64> {
    let args = ["-v", "error", "-show_entries", "stream=time_base", "-of", "csv=p=0", text(path)];
    let list = String::from_utf8(run("ffprobe", &args).0).expect("text");
    list.lines().map(|line| line.trim_start_matches("1/").parse().expect("a time base")).collect()
}

/// What a decoder has to say about a file: nothing, if all is well.
pub fn complaints(path: &Path) -> String {
    run("ffmpeg", &["-v", "warning", "-i", text(path), "-f", "null", "-"]).1
}

/// Every packet of the clip is the source's, from some point to the end: none missing, none twice, and every step in
/// time is the source's; the clip begins at 0 and a decoder has nothing to say about it.
pub fn assert_is_tail(clip: &Path, source: &Path) {
    let (got, want) = (packets(clip), packets(source));
    assert_eq!(timescales(clip), timescales(source));
    assert_eq!(got.len(), want.len(), "tracks");
    for (stream, got) in &got {
        let want = &want[stream];
        let want = &want[want.len().checked_sub(got.len()).expect("more packets than there were")..];
        let shift = (got[0].pts - want[0].pts, got[0].dts - want[0].dts);
        assert_eq!(shift.0, shift.1, "stream {stream}");
        for (at, (got, want)) in got.iter().zip(want).enumerate() {
            assert_eq!(
                (got.pts - shift.0, got.dts - shift.1, &got.hash),
                (want.pts, want.dts, &want.hash),
                "{stream}/{at}"
            );
        }
    }
    assert_starts_at_zero(clip);
    assert_eq!(complaints(clip), "");
}

/// The earliest of all tracks is shown at 0.
pub fn assert_starts_at_zero(clip: &Path) {
    let starts = packets(clip).into_values().map(|track| track.iter().map(|packet| packet.pts).min());
    assert_eq!(starts.flatten().min(), Some(0), "{}", clip.display());
}
