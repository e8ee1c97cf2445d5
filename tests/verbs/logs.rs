//! `nvr journal`, `events` and `stderr`.

use super::pictures;
use super::recorder::{PATIENCE, Recorder, command, nvr};
use nvr::model::snapshot::Level;
use nvr::model::time::Mono;
use serde_json::Value;
use std::path::Path;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

/// `nvr events` and what it says.
struct Events {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Events {
    fn start(dir: &Path, args: &[&str]) -> Self {
        let mut child = command(dir, &[&["events"], args].concat()).spawn().expect("the program");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        Self { _child: child, lines }
    }

    async fn next(&mut self) -> Value {
        let line = timeout(PATIENCE, self.lines.next_line()).await.expect("a line in time").expect("text");
        serde_json::from_str(&line.expect("a line")).expect("JSON")
    }

    /// Reads so many lines of the recorder; they must count on from `first`.
    async fn count(&mut self, first: u64, count: u64) {
        for number in first..first + count {
            assert_eq!(self.next().await["number"], number);
        }
    }

    /// Reads a line about the recorder.
    async fn note(&mut self) -> String {
        let note = self.next().await;
        assert_eq!((&note["number"], &note["topic"]), (&Value::Null, &"recorder".into()), "{note}");
        note["text"].as_str().expect("text").to_owned()
    }
}

fn well() -> nvr::model::snapshot::Snapshot {
    let mut picture = pictures::all_well();
    picture.journal.clear();
    picture
}

#[tokio::test]
async fn no_event_is_missed_however_many_come_at_once_and_what_is_gone_is_counted() {
    let dir = tempfile::tempdir().expect("a place");
    let recorder = Recorder::start(dir.path(), well());
    recorder.say(3, |n| format!("before {n}"));
    let mut all = Events::start(dir.path(), &["--all"]);
    all.count(1, 3).await;
    let mut from_now = Events::start(dir.path(), &[]);
    let mut garden = Events::start(dir.path(), &["garden"]);
    recorder.was_asked_for_its_journal(3).await;
    // Far more than a picture holds, and one picture for all of them.
    recorder.say(900, |n| format!("line {n}"));
    all.count(4, 900).await;
    from_now.count(4, 900).await;
    for number in (4..=903).step_by(2) {
        let line = garden.next().await;
        assert_eq!((&line["number"], &line["camera"]), (&number.into(), &"garden".into()));
    }
    // More than the recorder keeps.
    recorder.say(2500, |n| format!("line {n}"));
    assert!(all.note().await.starts_with("1500 lines came too fast"));
    all.count(2404, 1000).await;
    recorder.end(dir.path()).await;
}

#[tokio::test]
async fn a_lost_recorder_is_waited_for_and_another_one_begins_anew() {
    let dir = tempfile::tempdir().expect("a place");
    let recorder = Recorder::start(dir.path(), well());
    let mut events = Events::start(dir.path(), &["--all"]);
    recorder.say(2, |n| format!("line {n}"));
    events.count(1, 2).await;
    recorder.end(dir.path()).await;
    assert!(events.note().await.starts_with("waiting for the recorder, which is gone: "));

    // The line was lost, and the recorder is the same: it goes on where it was.
    let recorder = Recorder::start(dir.path(), well());
    recorder.say(4, |n| format!("line {n}"));
    assert_eq!(events.note().await, "the recorder can be reached again");
    events.count(3, 2).await;
    recorder.end(dir.path()).await;
    assert!(events.note().await.starts_with("waiting for the recorder, which is gone: "));

    let mut other = well();
    (other.pid, other.started) = (4712, Mono(5));
    let recorder = Recorder::start(dir.path(), other);
    recorder.say(60, |n| format!("other {n}"));
    assert_eq!(events.note().await, "the recorder can be reached again");
    assert_eq!(events.note().await, "the recorder was started again: its lines count from 1 again");
    events.count(1, 60).await;
    recorder.end(dir.path()).await;
}

#[tokio::test]
async fn what_the_last_picture_holds_is_told_although_the_recorder_is_gone() {
    let dir = tempfile::tempdir().expect("a place");
    let recorder = Recorder::start(dir.path(), well());
    recorder.say(1, |n| format!("line {n}"));
    let mut events = Events::start(dir.path(), &["--all"]);
    events.count(1, 1).await;
    recorder.known().refuses = true;
    recorder.say(60, |n| format!("line {n}"));
    assert!(events.note().await.starts_with("10 lines came too fast"));
    events.count(12, 50).await;
    recorder.end(dir.path()).await;
}

#[tokio::test]
async fn who_stops_reading_ends_it_without_waiting_for_the_next_event() {
    let dir = tempfile::tempdir().expect("a place");
    let recorder = Recorder::start(dir.path(), well());
    recorder.say(1, |n| format!("line {n}"));
    for words in
        [["events", "--all"].as_slice(), &["journal", "--follow"], &["copies", "--follow"], &["clips", "--follow"]]
    {
        let mut child = command(dir.path(), words).spawn().expect("the program");
        drop(child.stdout.take());
        let status = timeout(PATIENCE, child.wait()).await.expect("an end").expect("a status");
        assert_eq!(status.code(), Some(0), "{words:?}");
    }
    recorder.end(dir.path()).await;
}

#[tokio::test]
async fn the_journal_is_filtered_and_harmless() {
    let dir = tempfile::tempdir().expect("a place");
    let recorder = Recorder::start(dir.path(), well());
    recorder.say(60, |n| format!("line\x1b[2J {n}"));
    for entry in recorder.known().journal.iter_mut().filter(|entry| entry.number % 10 == 0) {
        entry.level = if entry.number == 60 { Level::Error } else { Level::Warn };
    }
    let journal = async |args: &[&str]| nvr(dir.path(), &[&["journal"], args].concat()).await;
    let lines = journal(&[]).await.out;
    assert_eq!(lines.lines().count(), 50);
    let at = "2026-11-22 14:03:21";
    assert!(lines.starts_with(&format!("{at}         front-door: line[2J 11\n")), "{lines}");
    assert!(lines.ends_with(&format!("{at}  ERROR  garden: line[2J 60\n")), "{lines}");
    assert_eq!(journal(&["--level", "warn"]).await.out.lines().count(), 6);
    assert_eq!(journal(&["--level", "error", "front-door"]).await.out, "");
    assert_eq!(journal(&["--find", "LINE garden 5", "--limit", "2"]).await.out.lines().count(), 2);
    let json = journal(&["--limit", "1", "--json"]).await.json();
    let expected = serde_json::json!({
        "time": "2026-11-22T14:03:21Z", "number": 60, "level": "error", "topic": "camera", "camera": "garden",
        "text": "line\x1b[2J 60",
    });
    assert_eq!(json, [expected]);
    let stranger = journal(&["attic"]).await;
    assert!(stranger.code == Some(1) && stranger.err.contains("there are: front-door, garden"), "{stranger:?}");
    assert_eq!(journal(&["--level", "loud"]).await.code, Some(2));

    let stderr = nvr(dir.path(), &["stderr", "garden"]).await;
    assert_eq!((stderr.code, stderr.out.as_str()), (Some(0), "2026-11-22 14:03:22  a[2Jb\n"));
    recorder.end(dir.path()).await;
}

#[tokio::test]
async fn without_a_recorder_there_is_a_sentence() {
    let dir = tempfile::tempdir().expect("a place");
    for words in [
        ["events"].as_slice(),
        &["journal"],
        &["copies"],
        &["clips"],
        &["clip", "a"],
        &["protect", "a"],
        &["delete", "--yes", "a"],
        &["stop"],
        &["stderr", "garden"],
        &["status", "--json"],
    ] {
        let ended = nvr(dir.path(), words).await;
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{words:?}");
        assert!(ended.err.starts_with("nvr: no recorder is running at ") && ended.err.ends_with(")\n"), "{ended:?}");
    }
}
