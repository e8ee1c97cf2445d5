//! `nvr status`.

use super::pictures;
use super::recorder::{Recorder, nvr};
use nvr::clock::boot_time;
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
    let camera = "armed attempt backlog bitrate event fps last_mail last_segment last_segment_age lost \
                  media missed name pace ram reason restarts retry_at silent since slots spent state";
    assert_eq!(keys(front).join(" "), camera);
    assert_eq!((&front["state"], &front["since"]), (&"recording".into(), &"2026-11-19T10:03:22Z".into()));
    assert_eq!(front["media"]["audio"], "aac");
    assert_eq!(keys(&front["event"]).join(" "), "clip left since trigger triggers until");
    assert_eq!(front["event"]["trigger"]["subject"], "Motion Detected");
    assert_eq!(front["slots"][5], serde_json::json!({"state": "writing", "closed": null}));
    let garage = &status["cameras"][2];
    assert_eq!((&garage["state"], &garage["attempt"]), (&"no_signal".into(), &7.into()));
    assert_eq!(garage["retry_at"], "2026-11-22T14:03:34Z");
    assert_eq!(
        keys(&status["archive"]).join(" "),
        "backlog backlog_limit dir free last_write retention safe safe_until silent since total trouble"
    );
    assert_eq!(status["archive"]["safe_until"], "2026-11-22T14:09:32Z");
    assert!(status["archive"]["safe"].is_f64() && status["uptime"].is_f64());
    assert_eq!(keys(&status["mail"]).join(" "), "count last port since trouble");
    assert_eq!(keys(&status["ring"]).join(" "), "dir free total trouble used");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let midnight = format!("{}T00:00:00Z", &text(&status["time"])[..10]);
    let since = midnight.max(text(&status["started"]));
    assert_eq!((&status["mail"]["count"], text(&status["mail"]["since"])), (&12.into(), since));
    assert_eq!(status["lost"], serde_json::json!({"segments": 2, "bytes": 10_200_000, "events": 0}));
    recorder.end(dir.path()).await;
}

#[tokio::test]
async fn people_see_the_last_mail_and_the_verdict() {
    let dir = tempfile::tempdir().expect("a place");
    let mut picture = pictures::all_well();
    picture.cameras[0].restarts = 2;
    picture.cameras[1].bitrate = Some(310_000);
    // Its clock is this machine's, so that it began today, whatever day that is.
    picture.started = boot_time();
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
        "2560x1440 hevc 20 fps 310 kbit/s",
        "note: 1 of 2 cameras is disarmed, no mail saves anything of garden (arm it: nvr arm garden)\n",
        "mail 0.0.0.0:6789, 12 since start; the last at 2026-11-22 14:03:22 to garden@nvr \"Motion Detected\": saving\n",
        "archive /srv/clips: 780.0 GB free of 2.0 TB\n",
        "recorder 0.1.0: process 4711, up ",
    ] {
        assert!(well.out.contains(words), "{words} is not in:\n{}", well.out);
    }
    assert!(well.out.starts_with("all is well\n"), "{}", well.out);
    recorder.end(dir.path()).await;

    let recorder = Recorder::start(dir.path(), pictures::hostile("\x1b[2J\u{202e}\r\n\u{9b}31m"));
    let hostile = nvr(dir.path(), &["status"]).await;
    assert_eq!(hostile.code, Some(1));
    let bad = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!hostile.out.contains(bad) && hostile.out.starts_with("not all is well\nTROUBLE: "), "{:?}", hostile.out);
    recorder.end(dir.path()).await;
}

#[tokio::test]
async fn nobody_is_told_that_all_is_well_while_nothing_can_be_saved_or_was_not() {
    let dir = tempfile::tempdir().expect("a place");
    let mut picture = pictures::all_well();
    picture.cameras.iter_mut().for_each(|camera| camera.armed = false);
    (picture.cameras[1].missed, picture.lost.events) = (1, 1);
    let recorder = Recorder::start(dir.path(), picture);
    let status = nvr(dir.path(), &["status"]).await;
    let verdict = "not all is well\n\
                   TROUBLE: 1 event of garden could not be saved at all (see why: nvr journal garden --level error)\n\
                   TROUBLE: 2 of 2 cameras are disarmed: no mail saves anything (arm them: nvr arm --all)\n\
                   front-door  off ";
    assert!(status.code == Some(1) && status.out.starts_with(verdict), "{}", status.out);
    let json: Value = serde_json::from_str(&nvr(dir.path(), &["status", "--json"]).await.out).expect("JSON");
    assert_eq!((&json["healthy"], &json["lost"]["events"]), (&false.into(), &1.into()));
    assert_eq!((&json["cameras"][0]["missed"], &json["cameras"][1]["missed"]), (&0.into(), &1.into()));
    recorder.end(dir.path()).await;
}
