//! What goes wrong in the world: one clear sentence with the remedy each, and nothing lost.

use super::feed::Feed;
use super::footage::pieces;
use super::material::{Kind, Material, complaints, file};
use super::nvr_process::{Nvr, Place};
use super::rtsp::RtspServer;
use nvr::model::snapshot::{CameraState, Snapshot};
use rstest::rstest;
use rustix::process::getuid;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

const CAMERA: &str = "[[camera]]\nname = 'front-door'\nsource = 'lavfi:testsrc2=s=64x64:r=25'\n";

/// What runs a program without power over files that are closed to its user: nothing, unless that is root.
fn powerless() -> &'static [&'static str] {
    if !getuid().is_root() {
        return &[];
    }
    &["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-dac_override,-dac_read_search"]
}

/// What runs a program with mounts of its own: root just may, others need a user namespace, where they are root.
pub(super) fn own_mounts() -> &'static [&'static str] {
    if getuid().is_root() { &["unshare", "--mount"] } else { &["unshare", "--user", "--map-root-user", "--mount"] }
}

fn close(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}

#[rstest]
#[case::missing("/nowhere/ffmpeg", "/nowhere/ffmpeg was not found (run: apt install ffmpeg, or set recorder.ffmpeg)")]
#[case::something_else(
    "/bin/false",
    "/bin/false -hide_banner -version failed:  (is it really FFmpeg? recorder.ffmpeg names it)"
)]
#[tokio::test]
async fn without_ffmpeg_it_says_what_to_install(#[case] program: &str, #[case] sentence: &str) {
    let mut place = Place::new(CAMERA);
    place.recorder = format!("ffmpeg = '{program}'");
    assert_eq!(place.refused().await, sentence);
    place.assert_tidy();
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_the_remedy() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut place = Place::new(CAMERA);
    place.listen = taken.local_addr().expect("an address").to_string();
    let sentence = place.refused().await;
    assert!(sentence.contains(&place.listen) && sentence.contains("smtp.listen"), "{sentence}");
    assert!(sentence.ends_with(')'), "{sentence}");
    place.assert_tidy();
}

#[tokio::test]
async fn a_configuration_that_is_missing_closed_or_wrong_is_told_apart() {
    let place = Place::new(CAMERA);
    let told = async |wrapper: &[&str]| {
        let ended = place.wrapped(wrapper, &["record"]).await;
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{}", ended.err);
        assert!(ended.err.starts_with("nvr: ") && !ended.err.contains("panicked"), "{}", ended.err);
        ended.err.replace(place.config().to_str().expect("text"), "FILE")
    };
    let missing = told(&[]).await;
    assert!(missing.contains("FILE") && missing.trim_end().ends_with(')'), "{missing}");
    place.write_config();
    close(&place.config(), 0o000);
    let closed = told(powerless()).await;
    assert!(closed.to_lowercase().contains("permission denied") && closed.trim_end().ends_with(')'), "{closed}");
    close(&place.config(), 0o600);
    std::fs::write(place.config(), "[trigger]\npost_rol = '5s'\n[ring]\nslots = 'many'\n").expect("a file");
    let wrong = told(&[]).await;
    assert!(wrong.contains("FILE:2: trigger.post_rol is not a key (did you mean trigger.post_roll?)"), "{wrong}");
    assert!(wrong.contains("FILE:4: ring.slots"), "{wrong}");
    place.assert_tidy();
}

#[tokio::test]
async fn an_archive_that_may_not_be_written_is_named_with_the_remedy() {
    let mut place = Place::new(CAMERA);
    std::fs::create_dir(&place.archive).expect("an archive");
    close(&place.archive, 0o500);
    place.wrapper = powerless().iter().map(|word| (*word).to_owned()).collect();
    let sentence = place.refused().await;
    let start = format!("archive.dir {}", place.archive.display());
    assert!(sentence.starts_with(&start) && sentence.contains("ermission denied"), "{sentence}");
    assert!(sentence.ends_with(')'), "{sentence}");
    close(&place.archive, 0o700);
    place.assert_tidy();
}

const PASSWORD: &str = "c0rrect-h0rse/b@ttery";
const WRONG: &str = "wr0ng-h0rse";

/// Why a camera is not recorded.
fn reason(it: &Snapshot, name: &str) -> Option<String> {
    let camera = it.cameras.iter().find(|camera| camera.name.as_str() == name)?;
    match &camera.state {
        CameraState::NoSignal { reason, .. } => Some(reason.clone()),
        CameraState::Waiting { .. } | CameraState::Connecting { .. } | CameraState::Recording { .. } => None,
        CameraState::Stalled { .. } | CameraState::Stopped => None,
    }
}

/// No form of a secret stands in a text.
fn keeps_secrets(place: &str, text: &str) {
    for secret in [PASSWORD, WRONG, "c0rrect", "b@ttery", "b%40ttery"] {
        let at = text.find(secret);
        assert!(
            at.is_none(),
            "a password stands in {place}, after {:?}",
            at.map(|at| text.split_at(at).0.lines().last())
        );
    }
}

#[tokio::test]
async fn cameras_that_cannot_be_reached_say_why_and_no_password_shows_anywhere() {
    let server = RtspServer::start(&file(Kind::H264, 150), &["--login", "admin", PASSWORD]);
    let alaw = RtspServer::start(&file(Kind::H264, 150), &["--alaw", "--login", "admin", PASSWORD]);
    let camera = |name: &str, source: String| format!("[[camera]]\nname = '{name}'\nsource = '{source}'\n");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let cameras = [
        camera("right", format!("rtsp://admin:${{NVR_TEST_PASSWORD}}@127.0.0.1:{}/cam", server.port)),
        camera("right-alaw", format!("rtsp://admin:${{NVR_TEST_PASSWORD}}@127.0.0.1:{}/cam", alaw.port)),
        camera("wrong", format!("rtsp://admin:{WRONG}@127.0.0.1:{}/cam", server.port)),
        camera("no-path", format!("rtsp://admin:${{NVR_TEST_PASSWORD}}@127.0.0.1:{}/other", server.port)),
        camera("unknown", format!("rtsp://admin:{WRONG}@no-such-host.invalid/cam")),
        camera("refused", format!("rtsp://admin:{WRONG}@{nobody}/cam")),
    ];
    let mut place = Place::new(cameras.concat());
    place.environment = vec![("NVR_TEST_PASSWORD".to_owned(), PASSWORD.to_owned())];
    let mut nvr = place.start().await;
    for (name, sentence) in [
        ("wrong", "wrong user or password (correct the camera's source in nvr.toml)"),
        ("no-path", "the camera has no stream of that name (correct the path in the camera's source)"),
        ("unknown", "the host name is unknown (write its address, or check the name server)"),
        ("refused", "connection refused (is the camera on, its RTSP or HTTP service enabled, and the port right?)"),
    ] {
        assert_eq!(nvr.until(name, |it| reason(it, name)).await, sentence, "{name}");
    }
    nvr.until("footage of the right ones", |it| it.cameras[..2].iter().all(|it| it.fps == Some(25)).then_some(()))
        .await;
    let environments = secrets_of_processes(&place, &nvr);
    assert!(environments >= 2, "only {environments} FFmpegs were looked at");
    for name in ["right", "right-alaw"] {
        nvr.trigger(name).await;
    }
    nvr.quiet(2).await;
    for words in [["status"].as_slice(), &["status", "--json"]] {
        let status = place.nvr(words).await;
        assert_eq!((status.code, status.err.as_str()), (Some(1), ""));
        assert!(status.out.contains("wrong user or password"), "{}", status.out);
        keeps_secrets("nvr status", &status.out);
    }
    let log = nvr.log.clone();
    nvr.stop().await;
    keeps_secrets("the log", &log.borrow());
    let clips = place.clips();
    assert_eq!(clips.len(), 2);
    for clip in clips {
        assert_eq!((clip.record.gaps.as_slice(), complaints(&clip.path).as_str()), (&[][..], ""));
        assert!(clip.record.media.is_some_and(|media| media.audio.as_deref() == Some("aac")));
        keeps_secrets("a record", &std::fs::read_to_string(clip.path.with_extension("json")).expect("a record"));
    }
    place.assert_tidy();
}

/// Looks at what everybody, or at least this user, can see of the processes. Answers how many FFmpegs there were.
fn secrets_of_processes(place: &Place, nvr: &Nvr) -> usize {
    let ffmpegs = place.ffmpegs();
    for pid in ffmpegs.iter().chain([&nvr.pid()]) {
        let read = |what: &str| std::fs::read(format!("/proc/{}/{what}", pid.as_raw_nonzero())).unwrap_or_default();
        keeps_secrets("a command line", &String::from_utf8_lossy(&read("cmdline")));
        if *pid != nvr.pid() {
            keeps_secrets("an environment", &String::from_utf8_lossy(&read("environ")));
        }
    }
    ffmpegs.len()
}

#[tokio::test]
async fn a_full_archive_is_said_and_what_waits_in_ram_is_stored_when_there_is_room() {
    let feed = Feed::start(Material::get(Kind::H264, 150));
    let mut place = Place::new(feed.camera("front-door"));
    std::fs::create_dir(&place.archive).expect("an archive");
    // A small disk of its own, full but for a little, that nobody else sees.
    let script = "mount -t tmpfs -o size=2m tmpfs \"$0\" && head -c 1900k /dev/zero > \"$0/filler\" && exec \"$@\"";
    let archive = place.archive.to_str().expect("text").to_owned();
    place.wrapper = [own_mounts(), &["sh", "-c", script, &archive]].concat().into_iter().map(str::to_owned).collect();
    let mut nvr = place.start().await;
    nvr.recording(5).await;
    let before = Instant::now();
    nvr.trigger("front-door").await;
    let after = Instant::now();
    let trouble = nvr.until("trouble", |it| it.archive.trouble.clone()).await;
    assert!(trouble.contains("the disk is full") && trouble.ends_with(')'), "{trouble}");
    let status = place.nvr(&["status"]).await;
    assert!(status.code == Some(1) && status.out.contains(&trouble), "{status:?}");
    nvr.until("the end of the event", |it| it.cameras[0].event.is_none().then_some(())).await;
    assert!(nvr.picture().archive.backlog > 0, "it waits in RAM");

    let inside = format!("/proc/{}/root{archive}", nvr.pid().as_raw_nonzero());
    std::fs::remove_file(format!("{inside}/filler")).expect("room");
    nvr.quiet(1).await;
    let picture = nvr.picture();
    assert_eq!((picture.archive.trouble.clone(), picture.lost.segments), (None, 0));
    place.archive = inside.into();
    let [clip] = &place.clips()[..] else { panic!("one clip") };
    assert_eq!((clip.record.gaps.as_slice(), complaints(&clip.path).as_str()), (&[][..], ""));
    let [piece] = &pieces(clip, &feed)[..] else { panic!("one piece") };
    piece.covers(after - Duration::from_secs(3)..=before + Duration::from_secs(5));
    nvr.stop().await;
    place.assert_tidy();
}
