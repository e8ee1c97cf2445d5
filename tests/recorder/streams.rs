//! Streams that misbehave while the connection stays open: each is named, what it did to the footage stands in the record,
//! and no other camera notices.

use super::feed::Feed;
use super::material::{Kind, Material, complaints};
use super::nvr_process::{Clip, Place};
use nvr::model::snapshot::{CameraState, CameraView, Snapshot};
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Pieces of a stream, each with the second in which it is sent.
type Play = Vec<(f64, Vec<u8>)>;

/// A camera that sends to its first viewer one thing, to all later ones another, and then nothing more; but it never
/// hangs up.
struct Odd {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    viewer: Arc<Mutex<Option<TcpStream>>>,
    thread: Option<JoinHandle<()>>,
}

impl Odd {
    fn start(first: Play, later: Play) -> Odd {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (over, viewer) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(None)));
        let (stop, watched) = (over.clone(), viewer.clone());
        let thread = std::thread::spawn(move || {
            let mut plays = std::iter::once(&first).chain(std::iter::repeat(&later));
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                *watched.lock().expect("no panic") = stream.try_clone().ok();
                let began = Instant::now();
                for (at, bytes) in plays.next().expect("there is always one") {
                    std::thread::sleep(
                        (began + Duration::from_secs_f64(*at)).saturating_duration_since(Instant::now()),
                    );
                    if stop.load(Ordering::SeqCst) || (&stream).write_all(bytes).is_err() {
                        break;
                    }
                }
            }
        });
        Odd { address, over, viewer, thread: Some(thread) }
    }

    fn camera(&self, name: &str, format: &str) -> String {
        format!("[[camera]]\nname = '{name}'\nsource = 'tcp://{}'\ninput_args = ['-f', '{format}']\n", self.address)
    }
}

impl Drop for Odd {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        if let Some(viewer) = self.viewer.lock().expect("no panic").take() {
            let _ = viewer.shutdown(Shutdown::Both); // a full socket must not keep the thread
        }
        drop(TcpStream::connect(self.address)); // wakes the thread that waits for a viewer
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// A stream of this size, a second in 25 pieces.
fn stream(dir: &Path, size: &str, seconds: u32) -> Play {
    let (path, picture) = (dir.join(format!("{size}.ts")), format!("testsrc2=s={size}:r=25"));
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-f", "lavfi", "-i", &picture, "-t", &seconds.to_string(), "-pix_fmt", "yuv420p"]);
    ffmpeg.args(["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-b:v", "1M"]);
    assert!(ffmpeg.arg(&path).status().expect("FFmpeg").success());
    let bytes = std::fs::read(path).expect("a stream");
    let pieces = bytes.chunks(bytes.len().div_ceil(25 * seconds as usize));
    pieces.enumerate().map(|(n, piece)| (n as f64 / 25.0, piece.to_vec())).collect()
}

/// The first `seconds` of a stream.
fn cut(play: &Play, seconds: f64) -> Play {
    play.iter().take_while(|(at, _)| *at < seconds).cloned().collect()
}

/// One stream behind another, from that second on.
fn then(mut play: Play, from: f64, next: &Play) -> Play {
    play.extend(next.iter().map(|(at, bytes)| (from + at, bytes.clone())));
    play
}

/// FLV whose clock jumps two hours ahead at that second.
fn jumping(material: &Material, seconds: f64) -> Play {
    let head = vec![(0.0, material.bytes[material.head.clone()].to_vec())];
    let tags = material.chunks.iter().map(|chunk| {
        let mut tag = material.bytes[chunk.range.clone()].to_vec();
        if chunk.at >= seconds {
            let time = u32::from_be_bytes([tag[7], tag[4], tag[5], tag[6]]) + 7_200_000;
            tag[4..7].copy_from_slice(&time.to_be_bytes()[1..]);
            tag[7] = time.to_be_bytes()[0];
        }
        (chunk.at, tag)
    });
    head.into_iter().chain(tags).collect()
}

fn trouble(camera: &CameraView) -> Option<&str> {
    match &camera.state {
        CameraState::Stalled { reason, .. } | CameraState::NoSignal { reason, .. } => Some(reason),
        CameraState::Waiting { .. } | CameraState::Connecting { .. } => None,
        CameraState::Recording { .. } | CameraState::Stopped => None,
    }
}

/// When the odd ones begin to misbehave, in seconds after they are first watched.
const ODD: f64 = 14.0;

#[tokio::test]
async fn pictures_that_change_streams_that_freeze_and_clocks_that_jump() {
    let dir = tempfile::tempdir().expect("a place");
    let (large, small) = (stream(dir.path(), "320x180", 90), stream(dir.path(), "160x120", 90));
    let alaw = Material::get(Kind::Alaw, 150);
    let changes = Odd::start(then(cut(&large, ODD), ODD, &small), small.clone());
    let freezes = Odd::start(cut(&large, ODD), large.clone());
    let jumps = Odd::start(jumping(&alaw, ODD), jumping(&alaw, f64::MAX));
    let steady = Feed::start(Material::get(Kind::H264, 150));
    let jumps_block = jumps.camera("jumps", "flv") + "audio = 'none'\n";
    let mut cameras = changes.camera("changes", "mpegts") + &freezes.camera("freezes", "mpegts");
    cameras += &(jumps_block + &steady.camera("steady"));
    let mut place = Place::new(cameras);
    place.trigger = "pre_roll = '2s'\npost_roll = '30s'\n".to_owned();
    let mut nvr = place.start().await;
    nvr.recording(3).await;
    for name in ["changes", "freezes", "jumps", "steady"] {
        nvr.trigger(name).await;
    }
    let said = |n: usize, words: &'static str| {
        move |it: &Snapshot| trouble(&it.cameras[n]).filter(|reason| reason.contains(words)).map(str::to_owned)
    };
    nvr.until("a change that is noticed", said(0, "the camera changed its picture")).await;
    nvr.until("the new picture", |it| (it.cameras[0].media.as_ref()?.width == 160).then_some(())).await;
    let froze = nvr.until("a stall", said(1, "the stream froze")).await;
    assert!(froze.ends_with(')'), "{froze}");
    nvr.until("its end", |it| trouble(&it.cameras[1]).is_none().then_some(())).await;
    nvr.quiet(5).await;
    let picture = nvr.picture();
    assert_eq!((picture.cameras[2].restarts, picture.cameras[3].restarts), (0, 0));

    let clips = place.clips();
    let of = |name: &str| clips.iter().filter(|clip| clip.record.camera.as_str() == name).collect::<Vec<&Clip>>();
    let widths: Vec<_> = of("changes").iter().map(|clip| clip.record.media.as_ref().map(|it| it.width)).collect();
    assert_eq!(widths, [Some(320), Some(160)], "what has another size is another clip");
    assert_eq!(complaints(&of("changes")[1].path), "");
    let [frozen] = of("freezes")[..] else { panic!("one clip") };
    let gaps = frozen.record.gaps.iter().filter(|gap| gap.cause.contains("froze"));
    let missing: f64 = gaps.map(|gap| gap.window.to.duration_since(gap.window.from).as_secs_f64()).sum();
    assert!(missing > 15.0, "a file that was only kept open is no footage: {:#?}", frozen.record);
    let [jumped] = of("jumps")[..] else { panic!("one clip") };
    assert!(jumped.record.seconds < 60.0 && jumped.record.gaps.is_empty(), "{:#?}", jumped.record);
    assert_eq!(complaints(&jumped.path), "");
    let [calm] = of("steady")[..] else { panic!("one clip") };
    assert_eq!((calm.record.gaps.as_slice(), complaints(&calm.path).as_str()), (&[][..], ""));
    nvr.stop().await;
    place.assert_tidy();
}
