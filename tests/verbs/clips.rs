//! `nvr clips` and `nvr clip`.

use super::pictures;
use super::recorder::{Ended, PATIENCE, Recorder, command, nvr};
use nvr::model::record::{ClipState, Gap, MailTrigger, Record, Trigger, TriggerKind};
use nvr::model::snapshot::{ClipView, Media, Snapshot};
use nvr::model::time::{Wall, Window};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::timeout;

fn wall(text: &str) -> Wall {
    text.parse().expect("a time")
}

/// The `n`th clip of the day, every third of them the garden's.
fn clip(n: u32) -> ClipView {
    let camera = if n.is_multiple_of(3) { "garden" } else { "front-door" };
    let clip = pictures::clip(&format!("2026-11-22T10:{n:02}:00Z"), camera, 20, "mail");
    ClipView { name: format!("{camera}_2026-11-22_10-{n:02}-00+0000"), ..clip }
}

fn names(ended: &Ended) -> Vec<String> {
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
    ended.json().iter().map(|clip| clip["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn clips_are_listed_page_by_page_from_both_ends() {
    let dir = tempfile::tempdir().expect("a place");
    let recorder = Recorder::start(dir.path(), pictures::all_well());
    let all: Vec<ClipView> = (0..23).rev().map(clip).collect();
    recorder.known().clips.clone_from(&all);
    let all: Vec<String> = all.into_iter().map(|clip| clip.name).collect();
    let list = async |args: &[&str]| nvr(dir.path(), &[&["clips", "--json"], args].concat()).await;

    assert_eq!(names(&list(&[]).await), all);
    assert_eq!(names(&list(&["--limit", "12"]).await), all[..12]);
    assert_eq!(names(&list(&["--limit", "0"]).await), all[..0]);
    assert_eq!(names(&list(&["--older-than", &all[11]]).await), all[12..]);
    assert_eq!(names(&list(&["--older-than", &format!("{}.mp4", all[11]), "--limit", "1"]).await), all[12..13]);
    let mut oldest = all.clone();
    oldest.reverse();
    assert_eq!(names(&list(&["--oldest", "--limit", "7"]).await), oldest[..7]);
    let garden: Vec<_> = all.iter().filter(|name| name.starts_with("garden")).cloned().collect();
    assert_eq!(names(&list(&["garden"]).await), garden);

    // The clip that a script stands at may be deleted before it asks on.
    recorder.known().clips.retain(|clip| clip.name != all[11]);
    assert_eq!(names(&list(&["--older-than", &all[11]]).await), all[12..]);
    let gone = list(&["--older-than", "holiday"]).await;
    assert_eq!((gone.code, gone.err.as_str()), (Some(1), "nvr: there is no clip holiday (see: nvr clips)\n"));
    let stranger = list(&["attic"]).await;
    let sentence = "nvr: no camera is called attic (there are: front-door, garden)\n";
    assert_eq!((stranger.code, stranger.err.as_str()), (Some(1), sentence));

    recorder.known().clips[0].protected = true;
    recorder.known().clips[0].missing = Duration::from_millis(1500);
    let people = nvr(dir.path(), &["clips", "--limit", "1"]).await;
    let line = "2026-11-22 10:22:00  front-door_2026-11-22_10-22-00+0000  20 s  10.2 MB  mail  protected, 1.5 s missing  \
                Motion Detected\n";
    assert_eq!(people.out, line);
    recorder.end(dir.path()).await;
}

#[tokio::test]
async fn every_clip_that_is_closed_is_told_once_also_by_the_next_recorder() {
    let dir = tempfile::tempdir().expect("a place");
    let growing = ClipView { open: true, ..clip(4) };
    let picture = |clips: Vec<ClipView>| Snapshot { clips, ..pictures::all_well() };
    let known = vec![growing, clip(3), clip(2), clip(1)];
    let recorder = Recorder::start(dir.path(), picture(known.clone()));
    recorder.known().clips = known;
    let mut child = command(dir.path(), &["clips", "--follow", "--json", "--limit", "2"]).spawn().expect("the program");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut next = async |what: &str| {
        let line = timeout(PATIENCE, lines.next_line()).await.expect(what).expect("text").expect(what);
        serde_json::from_str::<serde_json::Value>(&line).expect("JSON")["name"].clone()
    };
    // What grows is told when it is closed; of the two that are asked for, one is.
    assert_eq!(next("what is there").await, clip(3).name);
    let after = vec![ClipView { open: true, ..clip(6) }, clip(5), clip(4), clip(3), clip(2), clip(1)];
    recorder.show(|picture| picture.clips.clone_from(&after));
    assert_eq!(next("the growing one").await, clip(4).name);
    assert_eq!(next("the next one").await, clip(5).name);
    recorder.end(dir.path()).await;
    let recorder = Recorder::start(dir.path(), picture(after));
    recorder.is_watched().await;
    let last = vec![clip(7), clip(6), clip(5), clip(4), clip(3), clip(2), clip(1), clip(0)];
    recorder.show(|picture| picture.clips = last);
    assert_eq!(next("an older one that nobody saw").await, clip(0).name);
    assert_eq!(next("one that another recorder closed").await, clip(6).name);
    assert_eq!(next("the last one").await, clip(7).name);
    recorder.end(dir.path()).await;
}

fn record() -> Record {
    let window = |from: &str, to: &str| Window { from: wall(from), to: wall(to) };
    let asked = window("2026-11-22T10:01:00Z", "2026-11-22T10:01:20Z");
    let mail = |text: &str| {
        let [peer, from, to, subject] = [text; 4].map(str::to_owned);
        TriggerKind::Mail(MailTrigger { peer, from, to, subject, ..MailTrigger::default() })
    };
    let at = wall("2026-11-22T10:01:10Z");
    Record {
        state: ClipState::Interrupted,
        got: Some(asked),
        gaps: vec![Gap {
            window: window("2026-11-22T10:01:05Z", "2026-11-22T10:01:07.5Z"),
            cause: "FFmpeg\x1b[2J ended".to_owned(),
        }],
        triggers: vec![
            Trigger { at, kind: mail("Motion\u{202e} \x1b]0;x\x07Detected") },
            Trigger { at, kind: TriggerKind::Key },
        ],
        more_triggers: 3,
        media: Some(Media { video: "h264".into(), width: 640, height: 360, audio: None }),
        bytes: 3_200_000,
        seconds: 20.0,
        frames: 500,
        blake3: Some("abc".into()),
        ..Record::empty(pictures::name("front-door"), asked)
    }
}

#[tokio::test]
async fn all_about_a_clip_for_people_and_for_scripts() {
    let dir = tempfile::tempdir().expect("a place");
    let recorder = Recorder::start(dir.path(), pictures::all_well());
    let mut first = clip(1);
    first.path = "/srv/front-door/x.mp4".into();
    recorder.known().clips = vec![clip(2), first];
    recorder.known().record = Some(record());
    let name = "front-door_2026-11-22_10-01-00+0000";

    let people = nvr(dir.path(), &["clip", name]).await;
    let expected = "\
clip      front-door_2026-11-22_10-01-00+0000
camera    front-door
state     interrupted: the recorder ended before it could be closed
asked     2026-11-22 10:01:00.0 to 10:01:20.0 (20.0 s)
got       2026-11-22 10:01:00.0 to 10:01:20.0 (20.0 s, of which 2.5 s are missing)
missing   2026-11-22 10:01:05.0 to 10:01:07.5 (2.5 s): FFmpeg[2J ended
triggers  2026-11-22 10:01:10  mail \"Motion ]0;xDetected\" from Motion ]0;xDetected (Motion ]0;xDetected) to Motion ]0;xDetected
          2026-11-22 10:01:10  key
          and 3 more
media     640x360 h264, no sound
size      3.2 MB: 20.0 s, 500 frames, 0 segments
blake3    abc
pictures  /srv/front-door/x.jpg
file      /srv/front-door/x.mp4
";
    assert_eq!((people.code, people.out.as_str()), (Some(0), expected), "{}", people.err);

    let script = nvr(dir.path(), &["clip", "front-door@last", "--json"]).await;
    let found: serde_json::Value = serde_json::from_str(&script.out).expect("JSON");
    assert_eq!(found["name"], "front-door_2026-11-22_10-02-00+0000");
    assert_eq!((&found["seconds"], &found["missing_seconds"]), (&20.0.into(), &0.0.into()));
    assert_eq!((&found["start"], &found["jpeg"]), (&"2026-11-22T10:02:00Z".into(), &true.into()));
    let read: Record = serde_json::from_value(found["record"].clone()).expect("a record");
    assert_eq!(read, record());

    for (clip, code, words) in [
        ("garden@last", 1, "there is no clip of garden yet (see: nvr clips)"),
        ("front-door@first", 2, "write front-door@last, or a name that `nvr clips` shows"),
        ("holiday", 1, "there is no clip holiday (see: nvr clips)"),
    ] {
        let refused = nvr(dir.path(), &["clip", clip]).await;
        assert_eq!((refused.code, refused.out.as_str()), (Some(code), ""));
        assert!(refused.err.contains(words), "{}", refused.err);
    }
    recorder.end(dir.path()).await;
}
