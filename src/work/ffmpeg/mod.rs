//! How to talk to FFmpeg: its arguments, which kind it is, and what it says. Pure but for [`probe`].
//!
//! Every flag has a reason that was measured; the comments beside them say which.

mod words;

pub use words::{Redactor, bare, diagnose, frames, meaning};

use super::limits;
use crate::model::settings::{Audio, Camera, Source, SourceKind};
use crate::model::text::fit_for_screen;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

/// FFmpeg gives up on an RTSP peer that is silent for twice this.
const RTSP_TIMEOUT: Duration = Duration::from_secs(4);

/// The FFmpeg at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ffmpeg {
    /// What to run.
    pub program: PathBuf,
    /// As it calls itself, such as `5.1.9-0+deb12u1`.
    pub version: String,
    /// FFmpeg 5 and later take options in a list on a pipe, so that no password stands in the process list.
    pub hides_passwords: bool,
    /// FFmpeg 4 calls the RTSP timeout `-stimeout`, and has no `-stats_period`.
    pub old: bool,
    /// The H.264 encoder for synthetic sources, the first that it has of a list.
    pub encoder: Option<String>,
}

/// What FFmpeg may see of our environment. Nothing else, for that may hold the password that a source's `${NAME}` stands
/// for; and FFREPORT would make FFmpeg write it to a file.
const ENVIRONMENT: &[&str] = &[
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "http_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// FFmpeg, with no more of our environment than it needs.
pub fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    let ours = ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    command.env_clear().envs(ours).env("AV_LOG_FORCE_NOCOLOR", "1").kill_on_drop(true);
    command
}

/// Finds out which FFmpeg there is.
///
/// # Errors
/// One sentence with the remedy if it cannot be run or is too old.
pub async fn probe(program: &Path) -> Result<Ffmpeg, String> {
    let version = ask(program, &["-hide_banner", "-version"]).await?;
    let Some(version) = version.strip_prefix("ffmpeg version ").and_then(|rest| rest.split_whitespace().next()) else {
        return Err(format!("{} is not FFmpeg (recorder.ffmpeg names it)", program.display()));
    };
    let version = version.to_owned();
    let rtsp = ask(program, &["-hide_banner", "-h", "demuxer=rtsp"]).await?;
    let encoders = ask(program, &["-hide_banner", "-encoders"]).await?;
    let old = rtsp.contains("stimeout");
    if version.split('.').next().and_then(|major| major.parse::<u32>().ok()).is_some_and(|major| major < 4) {
        return Err(format!("FFmpeg {version} is too old (install FFmpeg 4.2 or later)"));
    }
    let has = |name: &&str| encoders.lines().any(|line| line.split_whitespace().nth(1) == Some(*name));
    let encoder = ["libx264", "libopenh264", "h264_v4l2m2m", "mpeg4"].iter().find(|name| has(name));
    Ok(Ffmpeg {
        program: program.to_owned(),
        version,
        hides_passwords: !old,
        old,
        encoder: encoder.map(|name| (*name).to_owned()),
    })
}

async fn ask(program: &Path, args: &[&str]) -> Result<String, String> {
    let output = command(program).args(args).stdin(std::process::Stdio::null()).output();
    match tokio::time::timeout(Duration::from_secs(20), output).await {
        Ok(Ok(output)) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(Ok(output)) => Err(format!(
            "{} {} failed: {} (is it really FFmpeg? recorder.ffmpeg names it)",
            program.display(),
            args.join(" "),
            fit_for_screen(&String::from_utf8_lossy(&output.stderr), 200)
        )),
        Ok(Err(error)) => Err(not_run(program, &error)),
        Err(_) => Err(format!("{} does not answer (recorder.ffmpeg names it)", program.display())),
    }
}

/// Why FFmpeg could not be run, with the remedy.
pub fn not_run(program: &Path, error: &std::io::Error) -> String {
    if let Some(remedy) = limits::remedy(error) {
        format!("no FFmpeg can be started: {error} ({remedy})")
    } else if error.kind() == std::io::ErrorKind::NotFound {
        format!("{} was not found (run: apt install ffmpeg, or set recorder.ffmpeg)", program.display())
    } else {
        format!("{} cannot be run: {error} (recorder.ffmpeg names it)", program.display())
    }
}

/// What one FFmpeg is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The arguments.
    pub args: Vec<OsString>,
    /// What it reads from fd 3: the source with its password.
    pub list: Option<String>,
}

/// The ring that one FFmpeg writes.
#[derive(Debug, Clone)]
pub struct Target<'a> {
    /// The camera's directory.
    pub dir: &'a Path,
    /// Wanted length of a segment.
    pub segment: Duration,
    /// Slots until the names begin anew.
    pub wrap: u32,
    /// The first slot.
    pub slot: u32,
    /// Make the sound AAC, whatever the settings say.
    pub encode_audio: bool,
}

/// The fd on which FFmpeg reads the list with the source.
pub const LIST_FD: i32 = 3;
/// The fd on which FFmpeg reports its progress.
pub const PROGRESS_FD: i32 = 4;
/// The fd that FFmpeg inherits and does nothing with: the lock that says that it lives.
pub const HOLD_FD: i32 = 5;
/// The fd that FFmpeg inherits and does nothing with: the pipe whose end is that of its recorder.
pub const LEASH_FD: i32 = 6;

/// How to start FFmpeg for a camera.
pub fn plan(ffmpeg: &Ffmpeg, camera: &Camera, target: &Target<'_>) -> Plan {
    let mut plan = input(ffmpeg, camera);
    let lavfi = camera.source.kind() == SourceKind::Lavfi;
    if camera.audio != Audio::None {
        plan.push(&["-map", "0:a:0?"]);
    }
    if !lavfi {
        plan.push(&["-c:v", "copy"]);
    } else {
        // A key frame a second: segments and fragments end at key frames.
        let encoder = ffmpeg.encoder.as_deref().unwrap_or("libx264");
        plan.push(&["-c:v", encoder, "-pix_fmt", "yuv420p", "-force_key_frames", "expr:gte(t,n_forced)"]);
        if encoder == "libx264" {
            plan.push(&["-preset", "ultrafast", "-tune", "zerolatency"]);
        }
    }
    if lavfi {
        // No bit rate: most have no sound, and FFmpeg complains of every option that it cannot use.
        plan.push(&["-c:a", "aac"]);
    } else if camera.audio == Audio::Aac || target.encode_audio {
        plan.push(&["-c:a", "aac", "-b:a", "32k"]);
    } else {
        plan.push(&["-c:a", "copy"]);
    }
    plan.push(&["-f", "segment", "-segment_time", &target.segment.as_secs_f64().to_string()]);
    plan.push(&["-segment_wrap", &target.wrap.to_string(), "-segment_start_number", &target.slot.to_string()]);
    // Fragments: a file that breaks off is playable up to its last key frame. frag_discont: times go on from slot to slot.
    let movflags = "movflags=+frag_keyframe+empty_moov+default_base_moof+delay_moov+frag_discont:flush_packets=1";
    plan.push(&["-segment_format", "mp4", "-segment_format_options", movflags]);
    plan.args.push(target.dir.join("%d.mp4").into_os_string());
    plan
}

/// Whether a password will stand in the process list, for every user to read; why, and what to do.
pub fn shows_password(ffmpeg: &Ffmpeg, camera: &Camera) -> Option<String> {
    if camera.source.to_string() == camera.source.reveal() {
        return None;
    }
    match camera.source.kind() {
        SourceKind::Rtsp if ffmpeg.hides_passwords => None,
        SourceKind::Rtsp => Some("its password stands in the process list (install FFmpeg 5 or later)".to_owned()),
        SourceKind::Url | SourceKind::File | SourceKind::Lavfi => {
            Some("its password stands in the process list (use the camera's rtsp:// address if it has one)".to_owned())
        }
    }
}

/// How to find out whether a camera sends a picture: FFmpeg ends after the first.
pub fn glance(ffmpeg: &Ffmpeg, camera: &Camera) -> Plan {
    let mut plan = input(ffmpeg, camera);
    plan.push(&["-c", "copy", "-frames:v", "1", "-f", "null", "-"]);
    plan
}

/// Most pixels of a frame that is decoded: 7680x4320. A header may claim any number, and memory is taken for it.
const MOST_PIXELS: u32 = 7680 * 4320;

/// How to make JPEGs of the key frames of an MP4 on standard input, at most `width` pixels across; at most `count`.
/// They come on standard output, one behind the other.
pub fn stills(width: u32, count: usize) -> Vec<OsString> {
    let mut plan = Plan { args: Vec::new(), list: None };
    plan.push(&["-hide_banner", "-nostdin", "-loglevel", "repeat+level+error", "-filter_threads", "1"]);
    // A key frame needs no other, and one thread: more would only wait for each other.
    plan.push(&["-threads", "1", "-skip_frame", "nokey", "-max_pixels", &MOST_PIXELS.to_string()]);
    // A file can name others; nothing but the pipe is opened.
    plan.push(&["-protocol_whitelist", "pipe", "-f", "mp4", "-i", "pipe:0", "-map", "0:v:0"]);
    // Even steps, for the frames of a clip's ends are far apart, and FFmpeg would fill the time between with copies.
    // Pixels of some cameras are not square. Never larger than the source, never thinner than two pixels.
    let scale = format!("scale=w='max(2,min({width},iw*sar))':h='clip(ow/dar,2,{width}*4)':flags=area");
    plan.push(&["-vf", &format!("settb=1/25,setpts=N,{scale},setsar=1,format=yuvj420p"), "-r", "25"]);
    plan.push(&["-frames:v", &count.to_string(), "-c:v", "mjpeg", "-threads", "1", "-q:v", "4"]);
    plan.push(&["-f", "image2pipe", "pipe:1"]);
    plan.args
}

/// Everything up to the video that is taken from the source.
fn input(ffmpeg: &Ffmpeg, camera: &Camera) -> Plan {
    let source = &camera.source;
    let kind = source.kind();
    let list = (kind == SourceKind::Rtsp && ffmpeg.hides_passwords).then(|| rtsp_list(source));
    let hidden = list.is_some();
    let mut plan = Plan { args: Vec::new(), list };
    plan.push(&["-hide_banner", "-loglevel", "repeat+level+warning", "-progress", &format!("pipe:{PROGRESS_FD}")]);
    if !ffmpeg.old {
        plan.push(&["-stats_period", "5"]);
    }
    match kind {
        SourceKind::Rtsp if hidden => {
            let protocols = "file,pipe,tcp,udp,rtp,rtsp,rtsps,tls,crypto";
            plan.push(&["-f", "concat", "-safe", "0", "-protocol_whitelist", protocols]);
            // Not pipe:3, which makes FFmpeg deaf to `q`.
            plan.push(&["-i", &format!("/dev/fd/{LIST_FD}")]);
        }
        SourceKind::Rtsp => {
            let timeout = RTSP_TIMEOUT.as_micros().to_string();
            plan.push(&["-rtsp_transport", "tcp", "-stimeout", &timeout, "-i", source.reveal()]);
        }
        SourceKind::Lavfi => plan.push(&["-re", "-f", "lavfi", "-i", source.reveal().trim_start_matches("lavfi:")]),
        SourceKind::File | SourceKind::Url => {
            if kind == SourceKind::File {
                plan.push(&["-re", "-stream_loop", "-1"]);
            }
            plan.args.extend(camera.input_args.iter().map(OsString::from));
            plan.push(&["-i", source.reveal()]);
        }
    }
    plan.push(&["-map", "0:v:0"]);
    plan
}

impl Plan {
    fn push(&mut self, words: &[&str]) {
        self.args.extend(words.iter().map(OsString::from));
    }
}

/// A list of one source, with the options that RTSP needs: TCP, for a lost packet is a broken picture; and a timeout,
/// without which FFmpeg waits for a frozen camera for ever.
fn rtsp_list(source: &Source) -> String {
    let url = source.reveal().replace('\'', r"'\''");
    let timeout = RTSP_TIMEOUT.as_micros();
    format!("ffconcat version 1.0\nfile '{url}'\noption rtsp_transport tcp\noption timeout {timeout}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::settings::Trigger;
    use rstest::rstest;

    fn ffmpeg(old: bool) -> Ffmpeg {
        Ffmpeg {
            program: "ffmpeg".into(),
            version: "5.1".into(),
            hides_passwords: !old,
            old,
            encoder: Some("libx264".into()),
        }
    }

    fn camera(source: &str) -> Camera {
        let second = Duration::from_secs(1);
        let trigger = Trigger {
            pre_roll: second,
            post_roll: second,
            max_clip: second,
            cooldown: second,
            armed: true,
            budget: None,
        };
        Camera {
            name: "front".parse().expect("a name"),
            alias: vec![],
            mail: vec![],
            source: Source::new(source.into()),
            input_args: vec!["-f".into(), "flv".into()],
            audio: Audio::Copy,
            silence: None,
            trigger,
        }
    }

    fn planned(ffmpeg: &Ffmpeg, camera: &Camera, encode_audio: bool) -> (String, Option<String>) {
        let segment = Duration::from_secs(10);
        let target = Target { dir: Path::new("/ring/front"), segment, wrap: 12, slot: 7, encode_audio };
        let plan = plan(ffmpeg, camera, &target);
        let words: Vec<_> = plan.args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
        (words.join(" "), plan.list)
    }

    #[test]
    fn a_password_is_in_the_list_and_not_in_the_arguments() {
        let (args, list) = planned(&ffmpeg(false), &camera("rtsp://me:it's@10.0.0.9/a"), false);
        assert!(!args.contains("me:") && args.contains("-i /dev/fd/3") && !args.contains("nostdin"));
        assert!(args.ends_with("-segment_wrap 12 -segment_start_number 7 -segment_format mp4 -segment_format_options \
            movflags=+frag_keyframe+empty_moov+default_base_moof+delay_moov+frag_discont:flush_packets=1 /ring/front/%d.mp4"));
        let list = list.expect("a list");
        assert!(
            list.contains("file 'rtsp://me:it'\\''s@10.0.0.9/a'\noption rtsp_transport tcp\noption timeout 4000000\n")
        );
    }

    #[test]
    fn an_old_ffmpeg_gets_its_own_names() {
        let (args, list) = planned(&ffmpeg(true), &camera("rtsp://me:pw@10.0.0.9/a"), false);
        assert!(args.contains("-stimeout 4000000 -i rtsp://me:pw@10.0.0.9/a") && !args.contains("-stats_period"));
        assert_eq!(list, None);
    }

    #[rstest]
    #[case(
        "garden.mp4",
        false,
        "-re -stream_loop -1 -f flv -i garden.mp4 -map 0:v:0 -map 0:a:0? -c:v copy -c:a copy -f segment"
    )]
    #[case(
        "http://cam/v",
        true,
        "-stats_period 5 -f flv -i http://cam/v -map 0:v:0 -map 0:a:0? -c:v copy -c:a aac -b:a 32k"
    )]
    #[case("lavfi:testsrc2", false, "-re -f lavfi -i testsrc2 -map 0:v:0 -map 0:a:0? -c:v libx264")]
    fn each_kind_of_source_is_opened_its_own_way(#[case] source: &str, #[case] aac: bool, #[case] part: &str) {
        let (args, list) = planned(&ffmpeg(false), &camera(source), aac);
        assert!(args.contains(part), "{args}");
        assert_eq!(list, None);
    }

    #[rstest]
    #[case("rtsp://me:pw@cam/a", false, None)]
    #[case("rtsp://me:pw@cam/a", true, Some("install FFmpeg 5"))]
    #[case("rtsp://cam/a", true, None)]
    #[case("http://me:pw@cam/a", false, Some("use the camera's rtsp:// address"))]
    #[case("http://cam/a?token=s", false, Some("use the camera's rtsp:// address"))]
    #[case("lavfi:testsrc2=s=64x64", false, None)]
    fn a_password_that_cannot_be_hidden_is_said(#[case] source: &str, #[case] old: bool, #[case] said: Option<&str>) {
        let warning = shows_password(&ffmpeg(old), &camera(source));
        assert_eq!(warning.is_some(), said.is_some());
        assert!(said.is_none_or(|said| warning.is_some_and(|warning| warning.contains(said))));
    }
}
