//! `nvr status`.

use super::pictures;
use super::recorder::{Recorder, nvr};
use nvr::model::snapshot::MailNote;
use serde_json::Value;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// What scripts rely on: nothing of this may go or change its meaning.
#[tokio::test]
async fn scripts_get_a_shape_that_stays() {
    let dir = tempfile::tempdir().expect("a place");
    let mut picture = pictures::archive_down();
    picture.cameras.extend(pictures::one_lost().cameras.pop());
    picture.archive.safe_until = Some(pictures::NOW + pictures::seconds(370));
    let recorder = Recorder::start(dir.path(), picture);
    let ended = nvr(dir.path(), &["status", "--json"]).await;
    let status: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!((ended.code, &status["healthy"]), (Some(1), &false.into()));
    assert_eq!(status["troubles"].as_array().map(Vec::len), Some(3), "{}", status["troubles"]);
    let top = "archive cameras healthy lost mail pid ring started stopping time troubles uptime version warnings";
    assert_eq!(keys(&status).join(" "), top);
    let front = &status["cameras"][0];
    let camera = "armed attempt backlog bitrate event fps last_segment last_segment_age lost media name ram reason \
                  restarts retry_at since slots state";
    assert_eq!(keys(front).join(" "), camera);
    assert_eq!((&front["state"], &front["since"]), (&"recording".into(), &"2026-11-19T10:03:22Z".into()));
    assert_eq!(front["media"]["audio"], "aac");
    assert_eq!(keys(&front["event"]).join(" "), "clip left since trigger triggers until");
    assert_eq!(front["event"]["trigger"]["subject"], "Motion Detected");
    assert_eq!(front["slots"][5], serde_json::json!({"state": "writing", "closed": null}));
    let garage = &status["cameras"][2];
    assert_eq!((&garage["state"], &garage["attempt"]), (&"no_signal".into(), &7.into()));
    assert_eq!(garage["retry_at"], "2026-11-22T14:03:34Z");
    assert_eq!(keys(&status["archive"]).join(" "), "backlog dir free safe safe_until since total trouble");
    assert_eq!(status["archive"]["safe_until"], "2026-11-22T14:09:32Z");
    assert!(status["archive"]["safe"].is_f64() && status["uptime"].is_f64());
    assert_eq!(keys(&status["mail"]).join(" "), "last port today trouble");
    assert_eq!(keys(&status["ring"]).join(" "), "dir free total trouble used");
    assert_eq!(status["lost"], serde_json::json!({"segments": 2, "bytes": 10_200_000}));
    recorder.end(dir.path()).await;
}

#[tokio::test]
async fn people_see_the_last_mail_and_the_verdict() {
    let dir = tempfile::tempdir().expect("a place");
    let mut picture = pictures::all_well();
    picture.cameras[0].restarts = 2;
    picture.mail.last = Some(MailNote {
        at: pictures::NOW,
        from: "alarm@nvr".into(),
        to: "garden@nvr".into(),
        subject: "Motion Detected".into(),
        outcome: "saving".into(),
    });
    let recorder = Recorder::start(dir.path(), picture);
    let well = nvr(dir.path(), &["status"]).await;
    assert_eq!(well.code, Some(0), "{well:?}");
    for words in [
        "front-door  armed  recording  1920x1080 h264+aac 25 fps 4.1 Mbit/s",
        "2 restarts",
        "mail 0.0.0.0:6789, 12 today; the last at 2026-11-22 14:03:22 to garden@nvr \"Motion Detected\": saving\n",
        "archive /srv/clips: 780.0 GB free of 2.0 TB\n",
        "recorder 0.1.0: process 4711, up ",
    ] {
        assert!(well.out.contains(words), "{words} is not in:\n{}", well.out);
    }
    assert!(well.out.ends_with("\nall is well\n"), "{}", well.out);
    recorder.end(dir.path()).await;

    let recorder = Recorder::start(dir.path(), pictures::hostile("\x1b[2J\u{202e}\r\n\u{9b}31m"));
    let hostile = nvr(dir.path(), &["status"]).await;
    assert_eq!(hostile.code, Some(1));
    let bad = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!hostile.out.contains(bad) && hostile.out.ends_with("\nnot all is well\n"), "{:?}", hostile.out);
    recorder.end(dir.path()).await;
}
