//! The configuration changes while it records.

use super::feed::Feed;
use super::footage::pieces;
use super::life::goes_on;
use super::material::{Kind, Material, complaints};
use super::nvr_process::{Ended, Nvr, Place};
use super::smtp::lettre;
use nvr::model::snapshot::{CameraState, Snapshot};
use rustix::process::{Pid, Signal};
use std::time::{Duration, Instant};

const PRE_ROLL: Duration = Duration::from_secs(3);
const POST_ROLL: Duration = Duration::from_secs(5);

fn feed() -> Feed {
    Feed::start(Material::get(Kind::H264, 150))
}

/// The process that writes a camera's ring.
fn ffmpeg(place: &Place, camera: &str) -> Pid {
    let of_it = |pid: &Pid| {
        let words = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(&format!("/{camera}/%d.mp4"))
    };
    let found: Vec<_> = place.ffmpegs().into_iter().filter(of_it).collect();
    let [pid] = found[..] else { panic!("FFmpegs of {camera}: {found:?}") };
    pid
}

fn recording(picture: &Snapshot, cameras: &[&str]) -> Option<()> {
    let names = picture.cameras.iter().map(|camera| camera.name.as_str());
    let well = picture.cameras.iter().all(|it| matches!(it.state, CameraState::Recording { .. }));
    (well && names.eq(cameras.iter().copied())).then_some(())
}

/// Asks for a reload on the command line; what it prints on success.
async fn reload(place: &Place) -> String {
    let Ended { code, out, err } = place.nvr(&["reload"]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    out
}

/// The file with one thing in it written otherwise.
fn rewrite(place: &Place, old: &str, new: &str) {
    let text = std::fs::read_to_string(place.config()).expect("a configuration");
    assert!(text.contains(old), "{text}");
    std::fs::write(place.config(), text.replace(old, new)).expect("a configuration");
}

#[tokio::test]
async fn cameras_come_change_and_go_while_another_is_in_an_event_and_loses_nothing() {
    let (front, garden, garage, elsewhere, shed) = (feed(), feed(), feed(), feed(), feed());
    let mut place = Place::new(front.camera("front") + &garden.camera("garden") + &garage.camera("garage"));
    let mut nvr = place.start().await;
    nvr.recording(5).await;
    let before = ["front", "garden", "garage"].map(|camera| ffmpeg(&place, camera));
    let triggered = Instant::now();
    for camera in ["front", "garden", "garage"] {
        nvr.trigger(camera).await;
    }
    nvr.until("clips that grow", |it| {
        (it.clips.len() == 3 && it.clips.iter().all(|clip| clip.length > PRE_ROLL)).then_some(())
    })
    .await;

    place.cameras = shed.camera("shed") + &front.camera("front") + &elsewhere.camera("garden");
    place.ring_keys = "segment = '1s'\nslots = 12\n".to_owned();
    place.write_config();
    let changed = Instant::now();
    let file = place.config();
    let waits =
        "ring.slots changes at the next start (run: systemctl restart nvr, or without systemd: nvr stop, then nvr)";
    let sentence =
        format!("reloaded {}: shed added, garden changed (source), garage removed; {waits}\n", file.display());
    assert_eq!(reload(&place).await, sentence);
    nvr.until("all of them, and no other", |it| recording(it, &["shed", "front", "garden"])).await;
    assert_eq!(reload(&place).await, format!("reloaded {}: nothing changes now; {waits}\n", file.display()));
    assert_eq!(ffmpeg(&place, "front"), before[0], "it was not touched");
    assert_ne!(ffmpeg(&place, "garden"), before[1]);
    assert!(!place.ring().join("garage").exists(), "its ring is gone");
    assert_eq!(nvr.trigger("shed").await, "shed: saving");
    nvr.until("a clip of the new camera", |it| {
        it.clips.iter().any(|clip| clip.camera.as_str() == "shed").then_some(())
    })
    .await;
    nvr.quiet(4).await;
    assert_eq!(nvr.picture().cameras.iter().map(|camera| camera.restarts).sum::<u64>(), 0);
    nvr.stop().await;
    // Of its ring only a directory was left.
    place.assert_tidy();

    let clips = place.clips();
    let of = |name: &str| {
        let found: Vec<_> = clips.iter().filter(|clip| clip.record.camera.as_str() == name).collect();
        let [clip] = found[..] else { panic!("clips of {name}: {}", found.len()) };
        assert_eq!(complaints(&clip.path), "");
        clip
    };
    let wanted = triggered - PRE_ROLL..=triggered + POST_ROLL;
    let clip = of("front");
    assert_eq!(clip.record.gaps, []);
    let [piece] = &pieces(clip, &front)[..] else { panic!("a packet of front is missing or comes twice") };
    piece.covers(wanted);

    let clip = of("garden");
    let causes: Vec<_> = clip.record.gaps.iter().map(|gap| gap.cause.as_str()).collect();
    assert_eq!(causes, ["its settings were changed"]);
    assert!(clip.record.got.expect("footage").to >= clip.record.asked.to, "its event went on: {:?}", clip.record);

    let clip = of("garage");
    let causes: Vec<_> = clip.record.gaps.iter().map(|gap| gap.cause.as_str()).collect();
    assert_eq!(causes, ["the camera was removed from the configuration"]);
    let [piece] = &pieces(clip, &garage)[..] else { panic!("a packet of garage is missing or comes twice") };
    piece.covers(triggered - PRE_ROLL..=changed - Duration::from_millis(500));
}

#[tokio::test]
async fn a_mistake_leaves_all_as_it_is_and_a_signal_does_the_same_as_the_order() {
    let (front, garden) = (feed(), feed());
    let place = Place::new(front.camera("front") + &garden.camera("garden"));
    let mut nvr = place.start().await;
    nvr.recording(1).await;
    let before = ["front", "garden"].map(|camera| ffmpeg(&place, camera));
    let good = std::fs::read_to_string(place.config()).expect("a configuration");
    let file = place.config().display().to_string();

    rewrite(&place, "slots = 10", "slot = 10\nsegments = 3");
    let Ended { code, out, err } = place.nvr(&["reload"]).await;
    let stays = "the old settings stay in force (mend the file, then run: nvr reload)";
    let expected = format!(
        "nvr: {file}:4: ring.slot is not a key (did you mean ring.slots?)\n\
         nvr: {file}:5: ring.segments is not a key (did you mean ring.segment?)\nnvr: {stays}\n"
    );
    assert_eq!((code, out.as_str(), err.as_str()), (Some(1), "", expected.as_str()));
    nvr.signal(Signal::HUP);
    twice(&mut nvr, stays).await;
    for (broken, says) in [(None, "cannot be read"), (Some(String::new()), "there is no camera to record")] {
        match broken {
            Some(text) => std::fs::write(place.config(), text).expect("a file"),
            None => std::fs::remove_file(place.config()).expect("a file"),
        }
        let Ended { code, err, .. } = place.nvr(&["reload"]).await;
        let lines: Vec<_> = err.lines().collect();
        assert!(code == Some(1) && lines.len() == 2 && lines[0].contains(says), "{err}");
        assert_eq!(lines[1], format!("nvr: {stays}"));
    }
    goes_on(&mut nvr).await;
    let journal = nvr.picture().journal.clone();
    assert!(!journal.iter().any(|entry| entry.text.starts_with("reloaded")), "{journal:#?}");

    // What cameras send is taken as before until the file is right again, and then no more.
    lettre(&nvr, "front", "Motion").await;
    nvr.until("a mail that was taken", |it| (it.mail.today == 1).then_some(())).await;
    nvr.quiet(1).await;
    let only = good
        .replace("[smtp]\n", "[smtp]\nallow = ['10.0.0.0/8']\n")
        .replace("[archive]\n", "[archive]\nmax_size = '1 B'\n");
    std::fs::write(place.config(), only).expect("a configuration");
    nvr.signal(Signal::HUP);
    nvr.says(&format!("reloaded {file}: archive.max_size, smtp.allow changed")).await;
    nvr.until("an archive that keeps its new limit", |it| it.clips.is_empty().then_some(())).await;
    assert_eq!(place.clips().len(), 0);
    let refusal = smtp_greeting(&nvr).await;
    assert!(refusal.starts_with("554 "), "{refusal}");

    std::fs::write(place.config(), &good).expect("a configuration");
    assert!(reload(&place).await.ends_with("archive.max_size, smtp.allow changed\n"));
    assert!(smtp_greeting(&nvr).await.starts_with("220 "));
    assert_eq!(reload(&place).await, format!("reloaded {file}: nothing has changed\n"));
    assert_eq!(["front", "garden"].map(|camera| ffmpeg(&place, camera)), before);
    nvr.stop().await;
    place.assert_tidy();
}

/// Waits until the log holds a text a second time.
async fn twice(nvr: &mut Nvr, text: &str) {
    let mut log = nvr.log.clone();
    let said = log.wait_for(|log| log.matches(text).count() == 2);
    tokio::time::timeout(super::nvr_process::PATIENCE, said).await.expect("in time").expect("a recorder");
}

/// What the mail port says first.
async fn smtp_greeting(nvr: &Nvr) -> String {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let stream = tokio::net::TcpStream::connect(nvr.port).await.expect("the mail port");
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await.expect("a line");
    line
}

#[tokio::test]
async fn the_file_is_found_again_from_wherever_it_was_named_and_a_camera_comes_back_as_it_was_left() {
    let (front, garden) = (feed(), feed());
    let mut place = Place::new(front.camera("front") + &garden.camera("garden"));
    // The recorder is given a relative path, as somebody who stands beside the file would.
    let home = place.dir.path().display().to_string();
    let script = format!("cd '{home}' && shift 2 && exec \"$0\" --config nvr.toml \"$@\"");
    place.wrapper = vec!["sh".to_owned(), "-c".to_owned(), script];
    let mut nvr = place.start().await;
    nvr.recording(1).await;
    assert_eq!(place.nvr(&["disarm", "garden"]).await.out, "garden: disarmed\n");

    place.cameras = front.camera("front");
    place.write_config();
    let file = place.config().display().to_string();
    assert_eq!(reload(&place).await, format!("reloaded {file}: garden removed\n"));
    nvr.until("one camera", |it| recording(it, &["front"])).await;
    let status = place.nvr(&["status"]).await;
    assert_eq!(status.code, Some(0), "{}", status.out);
    assert_eq!(place.nvr(&["arm", "--all"]).await.out, "front: armed\n");
    nvr.stop().await;
    let mut nvr = place.start().await;
    nvr.recording(1).await;

    place.cameras += &garden.camera("garden");
    place.write_config();
    assert_eq!(reload(&place).await, format!("reloaded {file}: garden added\n"));
    nvr.until("both cameras", |it| recording(it, &["front", "garden"])).await;
    assert_eq!(nvr.picture().cameras.iter().map(|camera| camera.armed).collect::<Vec<_>>(), [true, false]);
    nvr.recording(2).await;
    nvr.stop().await;
    place.assert_tidy();
}

#[tokio::test]
async fn a_file_that_is_a_pipe_without_an_end_holds_up_no_later_reload() {
    let front = feed();
    let mut place = Place::new(front.camera("front"));
    let mut nvr = place.start().await;
    std::fs::remove_file(place.config()).expect("it is there");
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, place.config(), fifo, 0o600.into(), 0).expect("a pipe");
    let kept_open = std::fs::File::options().read(true).write(true).open(place.config()).expect("both ends");
    for _ in 0..2 {
        let Ended { code, err, .. } = place.nvr(&["reload"]).await;
        assert_eq!(code, Some(1));
        assert!(err.contains("is a pipe and did not come to its end within 3 s (") && err.ends_with(")\n"), "{err}");
    }
    std::fs::remove_file(place.config()).expect("it is there");
    drop(kept_open);
    place.cameras += &feed().camera("garden");
    place.write_config();
    assert!(reload(&place).await.contains("garden"));
    nvr.until("both", |it| (it.cameras.len() == 2).then_some(())).await;
    nvr.stop().await;
    place.assert_tidy();
}
