//! Pictures on demand: they show what the camera showed, and asking for them harms nothing.

use super::feed::Feed;
use super::footage::pieces;
use super::material::{Kind, Material, complaints, file, packets, run};
use super::nvr_process::{Nvr, PATIENCE, Place};
use data_encoding::BASE64;
use futures::future::join_all;
use nvr::model::command::{Answer, Command};
use nvr::model::question::{Found, Moment, Question, Seen, Still};
use nvr::monitor::picture;
use rstest::rstest;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// What the pictures are asked for: half of the material's 320x180.
const SIZE: (usize, usize) = (160, 90);

fn of_camera() -> Question {
    Question::Stills { of: Seen::Camera("front-door".parse().expect("a name")), width: SIZE.0 as u32 }
}

fn of_clip(name: &str) -> Question {
    Question::Stills { of: Seen::Clip(name.to_owned()), width: SIZE.0 as u32 }
}

async fn stills(nvr: &Nvr, question: Question) -> Vec<Still> {
    match nvr.ask(question).await {
        Found::Stills(stills) => stills,
        other => panic!("{other:?}"),
    }
}

async fn refused(nvr: &Nvr, question: Question) -> String {
    match nvr.client.ask(Command::Ask(question)).await.expect("an answer") {
        Answer::Refused(sentence) => sentence,
        other => panic!("{other:?}"),
    }
}

/// Every key frame of the material as FFmpeg alone decodes and scales it, one a second. Only how bright each pixel is:
/// the colours of a JPEG have half the detail, which says nothing here.
struct Truth {
    material: Arc<Material>,
    frames: Vec<Vec<u8>>,
}

impl Truth {
    fn of(kind: Kind) -> Truth {
        let source = file(kind, 150);
        let dir = tempfile::tempdir().expect("a place");
        let raw = dir.path().join("frames.gray");
        let scale = format!("scale={}:{}:flags=area", SIZE.0, SIZE.1);
        let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        let (source, out) = (text(&source), text(&raw));
        let mut args = vec!["-v", "error", "-skip_frame", "nokey", "-i", &source, "-an", "-vf", &scale];
        args.extend(["-r", "1", "-f", "rawvideo", "-pix_fmt", "gray", &out]);
        run("ffmpeg", &args);
        let bytes = std::fs::read(raw).expect("frames");
        let frames: Vec<_> = bytes.chunks(SIZE.0 * SIZE.1).map(<[u8]>::to_vec).collect();
        let truth = Truth { material: Material::get(kind, 150), frames };
        assert!(truth.frames.len().abs_diff(truth.keys().len()) <= 1, "a frame for every key packet");
        truth
    }

    /// The places of the key packets in the material.
    fn keys(&self) -> Vec<usize> {
        self.material.stream(0).filter(|(_, packet)| packet.key).map(|(place, _)| place).collect()
    }

    /// Which key frame a still shows: the one nearest to it, which must be near and alone in that.
    fn shown(&self, still: &Still) -> usize {
        let jpeg = BASE64.decode(still.jpeg.as_bytes()).expect("base64");
        let grey = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::Luma);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), grey);
        let grey = decoder.decode().expect("a JPEG");
        let info = decoder.info().expect("its size");
        assert_eq!((usize::from(info.width), usize::from(info.height)), SIZE);
        let picture = picture::decode(&still.jpeg).expect("what the screen shows");
        assert_eq!((picture.width() as usize, picture.height() as usize), SIZE);
        let off = |frame: &Vec<u8>| {
            let sum: u64 = frame.iter().zip(&grey).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            sum as f64 / grey.len() as f64
        };
        let mut by_distance: Vec<_> = self.frames.iter().map(off).enumerate().collect();
        by_distance.sort_by(|a, b| a.1.total_cmp(&b.1));
        let [best, second, ..] = by_distance[..] else { panic!("many frames") };
        assert!(best.1 < 3.0 && best.1 < second.1 * 0.8, "{:?} shows none: {best:?} {second:?}", still.which);
        best.0
    }

    /// Which key frame a packet of the source is.
    fn number(&self, hash: &str) -> usize {
        let packet = |place: &usize| self.material.packets[*place].hash == hash;
        self.keys().iter().position(packet).expect("a key packet of the source")
    }
}

#[rstest]
#[case::plain(Kind::H264)]
#[case::with_b_frames(Kind::BFrames)]
#[case::hevc(Kind::Hevc)]
#[tokio::test]
async fn a_look_shows_what_the_camera_has_just_seen(#[case] kind: Kind) {
    let truth = Truth::of(kind);
    let feed = Feed::start(truth.material.clone());
    let place = Place::new(feed.camera("front-door"));
    let mut nvr = place.start().await;
    nvr.recording(2).await;
    let mut before = None;
    for _ in 0..2 {
        let [still] = &stills(&nvr, of_camera()).await[..] else { panic!("one picture") };
        let now = Instant::now();
        assert_eq!(still.which, Moment::Newest);
        let shown = truth.shown(still);
        let sent = feed.sent()[truth.keys()[shown]].expect("it was sent");
        // A fragment is written when the next begins, and a packet may wait in FFmpeg.
        assert!(now - sent < Duration::from_secs(10), "{:?} old", now - sent);
        let at = still.at.expect("a time").duration_since(jiff::Timestamp::now()).unsigned_abs();
        assert!(at.abs_diff(now - sent) < Duration::from_secs(5), "{at:?} and {:?}", now - sent);
        assert!(before.is_none_or(|before| before < shown), "{before:?} and then {shown}");
        before = Some(shown);
        tokio::time::sleep_until((now + Duration::from_secs(4)).into()).await;
    }
    nvr.stop().await;
    place.assert_tidy();
}

#[tokio::test]
async fn a_clips_strip_shows_its_ends_and_what_triggered_it() {
    let truth = Truth::of(Kind::BFrames);
    let feed = Feed::start(truth.material.clone());
    let place = Place::new(feed.camera("front-door"));
    let mut nvr = place.start().await;
    nvr.recording(5).await;
    nvr.trigger("front-door").await;
    let grows =
        |it: &nvr::model::snapshot::Snapshot| it.clips.iter().find(|clip| clip.open).map(|clip| clip.name.clone());
    let name = nvr.until("a clip that grows", grows).await;
    let growing = stills(&nvr, of_clip(&name)).await;
    assert_eq!(growing[0].which, Moment::First);
    nvr.quiet(1).await;

    let [clip] = &place.clips()[..] else { panic!("one clip") };
    let strip = stills(&nvr, of_clip(&name)).await;
    let moments: Vec<_> = strip.iter().map(|still| still.which).collect();
    assert_eq!(moments, [Moment::First, Moment::Trigger, Moment::Last]);
    let keys = packets(&clip.path).into_iter().filter(|packet| packet.stream == 0 && packet.key);
    let keys: Vec<_> = keys.map(|packet| truth.number(&packet.hash)).collect();
    let shown: Vec<_> = strip.iter().map(|still| truth.shown(still)).collect();
    assert_eq!((shown[0], shown[2]), (keys[0], keys[keys.len() - 1]));
    assert_eq!(truth.shown(&growing[0]), keys[0]);
    let start = clip.record.got.expect("footage").from;
    let triggered = clip.record.triggers[0].at.duration_since(start).as_secs_f64();
    // A GOP lasts a second, and the first may begin a part of one into the clip.
    let offset = (shown[1] - shown[0]) as f64;
    assert!((triggered - 1.5..=triggered + 0.5).contains(&offset), "{offset} for {triggered}");
    for (still, shown) in strip.iter().zip(&shown) {
        let at = still.at.expect("a time").duration_since(start).as_secs_f64();
        assert!((at - (shown - keys[0]) as f64).abs() < 0.5, "{:?} is {at} s into it", still.which);
    }
    // Beside a clip may lie what the camera sent.
    let mail = clip.path.with_extension("jpg");
    std::fs::write(&mail, BASE64.decode(strip[0].jpeg.as_bytes()).expect("base64")).expect("a picture");
    let with_mail = stills(&nvr, of_clip(&name)).await;
    let [first, ..] = &with_mail[..] else { panic!("four pictures") };
    assert_eq!((with_mail.len(), first.which, &first.jpeg), (4, Moment::Mail, &strip[0].jpeg), "as it is");
    std::fs::write(&mail, "<html>no picture</html>").expect("something else");
    assert_eq!(stills(&nvr, of_clip(&name)).await.len(), 3);
    std::fs::remove_file(mail).expect("removed");
    told_by_the_command_line(&place, &name, &strip).await;
    nvr.stop().await;
    place.assert_tidy();
}

/// `nvr look` writes the same pictures.
async fn told_by_the_command_line(place: &Place, name: &str, strip: &[Still]) {
    let file = place.dir.path().join("door.jpg");
    let path = |word: &str| place.dir.path().join(format!("door-{word}.jpg"));
    let named = place.nvr(&["look", name, "--output", file.to_str().expect("UTF-8")]).await;
    assert_eq!((named.code, named.err.as_str()), (Some(0), ""));
    let lines: Vec<_> = named.out.lines().map(PathBuf::from).collect();
    assert_eq!(lines, [path("first"), path("trigger"), path("last")]);
    assert!(lines.iter().all(|file| std::fs::read(file).is_ok_and(|jpeg| jpeg.starts_with(b"\xff\xd8\xff"))));
    let json = place.nvr(&["look", "front-door@last", "--json"]).await;
    let told: Vec<Still> = json.out.lines().map(|line| serde_json::from_str(line).expect("a picture")).collect();
    assert_eq!(
        told.iter().map(|still| still.at).collect::<Vec<_>>(),
        strip.iter().map(|still| still.at).collect::<Vec<_>>()
    );
    let unknown = place.nvr(&["look", "garden"]).await;
    assert_eq!((unknown.code, unknown.out.as_str()), (Some(1), ""));
    assert_eq!(unknown.err, "nvr: no camera is called garden (there are: front-door)\n");
}

/// On a terminal the pictures are drawn into the scrollback: no other screen, no cursor that is placed, no colour left on.
#[tokio::test]
async fn on_a_terminal_pictures_are_drawn_where_text_goes() {
    let feed = Feed::start(Material::get(Kind::H264, 150));
    let place = Place::new(feed.camera("front-door"));
    let mut nvr = place.start().await;
    nvr.recording(2).await;
    for (variables, has, has_not) in [
        ([("TERM", "xterm-256color"), ("LANG", "C.UTF-8")], "\u{2580}", "38;2;"),
        ([("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], "48;2;", "\u{2580}"),
        ([("NO_COLOR", "1"), ("TERM", "xterm")], "", "\u{1b}"),
    ] {
        let (mut pty, pts) = pty_process::open().expect("a terminal");
        pty.resize(pty_process::Size::new(24, 80)).expect("a size");
        let words = place.words(&["look", "front-door"]);
        let command = pty_process::Command::new(&words[0]).args(&words[1..]).env_clear().envs(variables);
        let mut child = command.kill_on_drop(true).spawn(pts).expect("starts");
        let mut bytes = Vec::new();
        // A terminal whose program has ended gives an error and no end.
        let _ = tokio::time::timeout(PATIENCE, pty.read_to_end(&mut bytes)).await.expect("an end in time");
        assert_eq!(child.wait().await.expect("a status").code(), Some(0));
        let text = String::from_utf8(bytes).expect("text");
        assert!(text.contains(has) && !text.contains(has_not), "{variables:?}: {text:?}");
        let sequences = text.split('\u{1b}').skip(1);
        let only_colours = |rest: &str| {
            rest.starts_with('[')
                && rest[1..].trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m')
        };
        assert!(sequences.clone().all(only_colours), "{text:?}");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 23, "80 columns of 16:9 and a caption");
        for line in &lines[..22] {
            assert!(!line.contains('\u{1b}') || line.trim_end().ends_with("\u{1b}[0m"), "{line:?}");
        }
        // The time of day; with the date if midnight has just passed.
        let at = lines[22].strip_prefix("newest ").unwrap_or_default();
        assert!(at.starts_with(|c: char| c.is_ascii_digit()) && at.contains(':'), "{:?}", lines[22]);
    }
    nvr.stop().await;
    place.assert_tidy();
}

const NAME: &str = "front-door_2026-01-02_03-04-05+0000";

#[tokio::test]
async fn a_clip_that_is_none_gets_a_sentence_and_what_is_whole_is_shown() {
    let feed = Feed::start(Material::get(Kind::H264, 150));
    let place = Place::new(feed.camera("front-door"));
    let mut nvr = place.start().await;
    nvr.recording(4).await;
    nvr.trigger("front-door").await;
    nvr.quiet(1).await;
    let good = std::fs::read(&place.clips()[0].path).expect("a clip");
    let day = place.archive.join("front-door/2026-01-02");
    std::fs::create_dir_all(&day).expect("a day");
    let clip = day.join(format!("{NAME}.mp4"));
    let footage = good.windows(4).position(|kind| kind == b"moof").expect("fragments") - 4;
    let in_the_second = good.windows(4).enumerate().filter(|(_, kind)| kind == b"moof").nth(1).expect("two").0 + 40;
    let mut poisoned = good.clone();
    let length = in_the_second - 44 - footage;
    poisoned[footage + 700..footage + length].fill(0x5a);
    let bomb = [&8_u32.to_be_bytes(), b"free".as_slice()].concat().repeat(100_000);
    for (what, bytes) in [
        ("empty", Vec::new()),
        ("noise", (0..100_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()),
        ("boxes without end", bomb),
        ("only a header", good[..footage].to_vec()),
        ("half a fragment", good[..footage + length / 2].to_vec()),
    ] {
        std::fs::write(&clip, bytes).expect("a clip");
        let sentence = refused(&nvr, of_clip(NAME)).await;
        assert!(sentence.starts_with(&format!("there is no picture of {NAME}: ")), "{what}: {sentence}");
        assert!(sentence.ends_with(')') && sentence.len() < 500, "{what}: {sentence}");
    }
    // Up to the middle of the second fragment there is one to see; and what cannot be decoded hides nothing else.
    std::fs::write(&clip, &good[..in_the_second]).expect("a clip");
    let moments = |stills: Vec<Still>| stills.into_iter().map(|still| still.which).collect::<Vec<_>>();
    assert_eq!(moments(stills(&nvr, of_clip(NAME)).await), [Moment::First]);
    std::fs::write(&clip, &poisoned).expect("a clip");
    let shown = moments(stills(&nvr, of_clip(NAME)).await);
    assert!(shown.contains(&Moment::Last), "{shown:?}");
    for name in ["../../../etc/passwd", "front-door_2026-01-02_03-04-06+0000", "", "x_\u{1b}[2J"] {
        let sentence = refused(&nvr, of_clip(name)).await;
        assert!(sentence.starts_with("there is no clip ") && sentence.ends_with("(see: nvr clips)"), "{sentence}");
        assert!(!sentence.contains('\u{1b}'));
    }
    nvr.stop().await;
    place.assert_tidy();
}

/// An FFmpeg that records and never makes a picture; and the processes that it became then.
fn hangs(place: &mut Place) -> PathBuf {
    let pids = place.dir.path().join("hung");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *image2pipe*) sleep 1000 & echo $$ $! >> '{}'; wait;; esac\nexec ffmpeg \"$@\"\n",
        pids.display()
    );
    place.recorder = place.script("ffmpeg-that-hangs", &script);
    pids
}

async fn all_gone(pids: &Path) -> usize {
    let list = std::fs::read_to_string(pids).unwrap_or_default();
    let pids: Vec<_> = list.split_whitespace().collect();
    let since = Instant::now();
    let lives = |pid: &str| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        !status.is_empty() && !status.contains(") Z ")
    };
    while pids.iter().any(|pid| lives(pid)) {
        assert!(since.elapsed() < PATIENCE, "still there: {list}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    pids.len()
}

#[tokio::test]
async fn an_ffmpeg_that_hangs_is_killed_and_the_recording_knows_nothing_of_it() {
    let feed = Feed::start(Material::get(Kind::H264, 150));
    let mut place = Place::new(feed.camera("front-door"));
    let pids = hangs(&mut place);
    let mut nvr = place.start().await;
    nvr.recording(4).await;
    let before = Instant::now();
    nvr.trigger("front-door").await;
    let sentence = refused(&nvr, of_camera()).await;
    assert!(sentence.starts_with("there was no picture within 5 s") && sentence.ends_with(')'), "{sentence}");
    assert_eq!(all_gone(&pids).await, 2, "the script and its child");
    nvr.quiet(1).await;
    let [clip] = &place.clips()[..] else { panic!("one clip") };
    assert_eq!((clip.record.gaps.as_slice(), complaints(&clip.path).as_str()), (&[][..], ""));
    let [piece] = &pieces(clip, &feed)[..] else { panic!("one piece") };
    piece.covers(before - Duration::from_secs(2)..=before + Duration::from_secs(5));

    // A stop does not wait for it, and who waits for a picture hears of it.
    let asked = nvr.client.ask(Command::Ask(of_camera()));
    let hung = async {
        while std::fs::read_to_string(&pids).is_ok_and(|list| list.lines().count() < 2) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        nvr.signal(rustix::process::Signal::TERM);
    };
    let (answer, ()) = tokio::join!(asked, hung);
    let Ok(Answer::Refused(sentence)) = answer else { panic!("{answer:?}") };
    assert!(sentence.starts_with("the recorder is stopping"), "{sentence}");
    assert_eq!(nvr.ended().await.code(), Some(0));
    assert_eq!(all_gone(&pids).await, 4);
    place.assert_tidy();
}

#[tokio::test]
async fn ten_looks_during_an_event_lose_no_packet() {
    let feed = Feed::start(Material::get(Kind::FourMbit, 150));
    let place = Place::new(feed.camera("front-door"));
    let mut nvr = place.start().await;
    nvr.recording(5).await;
    let before = Instant::now();
    nvr.trigger("front-door").await;
    let after = Instant::now();
    // Two at a time, so that one always waits.
    for _ in 0..5 {
        let pictures = join_all([stills(&nvr, of_camera()), stills(&nvr, of_camera())]).await;
        assert!(pictures.iter().all(|stills| stills.len() == 1));
    }
    nvr.quiet(1).await;
    assert_eq!(nvr.picture().lost.segments, 0);
    let [clip] = &place.clips()[..] else { panic!("one clip") };
    assert_eq!((clip.record.gaps.as_slice(), complaints(&clip.path).as_str()), (&[][..], ""));
    let [piece] = &pieces(clip, &feed)[..] else { panic!("one piece") };
    piece.covers(after - Duration::from_secs(3)..=before + Duration::from_secs(5));
    nvr.stop().await;
    place.assert_tidy();
}
