//! `nvr protect`, `unprotect` and `delete`.

use super::pictures;
use super::recorder::{PATIENCE, Recorder, command, nvr};
use nvr::model::command::Command as Order;
use pty_process::Size;
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// A recorder with the clips `a`, `b` and `c`, of which `b` is protected.
fn start(dir: &Path) -> Recorder {
    let recorder = Recorder::start(dir, pictures::all_well());
    let clips = ["a", "b", "c"].map(|name| {
        let mut clip = pictures::clip("2026-11-22T10:00:00Z", "front-door", 20, "key");
        (clip.name, clip.protected) = (name.to_owned(), name == "b");
        clip
    });
    recorder.known().clips = clips.into();
    recorder
}

fn left(recorder: &Recorder) -> String {
    recorder.known().clips.iter().map(|clip| clip.name.as_str()).collect()
}

#[tokio::test]
async fn clips_are_protected_by_name_or_as_the_last() {
    let dir = tempfile::tempdir().expect("a place");
    let recorder = start(dir.path());
    let done = nvr(dir.path(), &["protect", "c.mp4", "front-door@last"]).await;
    assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (Some(0), "c: true\na: true\n", ""));
    let done = nvr(dir.path(), &["unprotect", "b"]).await;
    assert_eq!((done.code, done.out.as_str()), (Some(0), "b: false\n"));
    let half = nvr(dir.path(), &["protect", "garden@last", "a"]).await;
    assert_eq!((half.code, half.out.as_str()), (Some(1), "a: true\n"));
    assert_eq!(half.err, "nvr: there is no clip of garden yet (see: nvr clips)\n");
    let asked = recorder.known().orders.clone();
    let order = |clip: &str, protected| Order::Protect { clip: clip.to_owned(), protected };
    assert_eq!(asked, [order("c", true), order("a", true), order("b", false), order("a", true)]);
    assert_eq!(nvr(dir.path(), &["protect"]).await.code, Some(2));
    recorder.end(dir.path()).await;
}

#[tokio::test]
async fn nothing_is_deleted_unless_a_person_said_so() {
    let dir = tempfile::tempdir().expect("a place");
    let recorder = start(dir.path());
    let unasked = nvr(dir.path(), &["delete", "a"]).await;
    let sentence = "nvr: nothing was deleted: there is no terminal to ask at (add --yes)\n";
    assert_eq!((unasked.code, unasked.err.as_str()), (Some(1), sentence));
    let last = nvr(dir.path(), &["delete", "--yes", "front-door@last"]).await;
    assert!(last.code == Some(2) && last.err.contains("nvr clips front-door --limit 1"), "{last:?}");
    let missing = nvr(dir.path(), &["delete", "--yes", "a", "x"]).await;
    let sentence = "nvr: nothing was deleted: there is no clip x (see: nvr clips)\n";
    assert_eq!((missing.code, missing.err.as_str()), (Some(1), sentence));
    assert_eq!((left(&recorder).as_str(), recorder.known().orders.len()), ("abc", 0));

    let half = nvr(dir.path(), &["delete", "--yes", "a", "a", "b", "c"]).await;
    assert_eq!((half.code, half.out.as_str()), (Some(1), "a was deleted by hand\nc was deleted by hand\n"));
    assert_eq!(half.err, "nvr: b is protected (unprotect it first)\n");
    assert_eq!(left(&recorder), "b");
    recorder.end(dir.path()).await;
}

#[tokio::test]
async fn on_a_terminal_it_shows_what_would_go_and_asks() {
    let dir = tempfile::tempdir().expect("a place");
    let recorder = start(dir.path());
    for (said, code, rest) in [("\n", 1, "abc"), ("no\n", 1, "abc"), ("Y\n", 0, "bc")] {
        let (mut pty, pts) = pty_process::open().expect("a terminal");
        pty.resize(Size::new(24, 120)).expect("a size");
        let plain = command(dir.path(), &["delete", "a"]);
        let plain = plain.as_std();
        let words = pty_process::Command::new(plain.get_program()).args(plain.get_args()).kill_on_drop(true);
        let mut child = words.spawn(pts).expect("the program");
        let (mut seen, mut bytes) = (String::new(), [0; 1024]);
        let asked = async {
            while !seen.contains("delete this clip for good? [y/N] ") {
                let count = pty.read(&mut bytes).await.expect("a terminal");
                seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        };
        timeout(PATIENCE, asked).await.expect("a question");
        assert!(seen.contains("10.2 MB"), "{seen}");
        pty.write_all(said.as_bytes()).await.expect("a terminal");
        let status = timeout(PATIENCE, child.wait()).await.expect("an end").expect("a status");
        assert_eq!((status.code(), left(&recorder).as_str()), (Some(code), rest), "after {said:?}");
    }
    recorder.end(dir.path()).await;
}
