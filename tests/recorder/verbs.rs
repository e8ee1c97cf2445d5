//! Every verb that asks or orders, once, with a real recorder behind it.

use super::feed::Feed;
use super::material::{Kind, Material};
use super::nvr_process::{Ended, Nvr, PATIENCE, Place};
use futures::future::join_all;
use nvr::model::command::{Answer, Command as Order, TriggerBy, Who};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

fn well(ended: Ended) -> String {
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{}", ended.out);
    ended.out
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

/// `nvr events` of a recorder, and the next line of it.
struct Events {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Events {
    fn start(place: &Place) -> Self {
        let words = place.words(&["events", "--all"]);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().expect("the program");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        Self { _child: child, lines }
    }

    async fn next(&mut self) -> Value {
        let line = timeout(PATIENCE, self.lines.next_line()).await.expect("a line in time").expect("text");
        json(&line.expect("a line"))
    }

    /// Reads up to the first line with this in its text, which counts. Answers all of them.
    async fn until(&mut self, text: &str) -> Vec<Value> {
        let mut lines = Vec::new();
        loop {
            lines.push(self.next().await);
            if lines.last().and_then(|line| line["text"].as_str()).is_some_and(|said| said.contains(text)) {
                return lines;
            }
        }
    }
}

async fn start(place: &Place) -> Nvr {
    let mut nvr = place.start().await;
    nvr.recording(4).await;
    nvr
}

#[tokio::test]
async fn every_verb_does_what_its_help_says() {
    let feed = Feed::start(Material::get(Kind::BFrames, 150));
    let place = Place::new(feed.camera("front-door"));
    let mut nvr = start(&place).await;
    assert_eq!(well(place.nvr(&["disarm", "--all"]).await), "front-door: disarmed\n");
    assert!(!nvr.until("a camera that is off", |it| (!it.cameras[0].armed).then_some(it.cameras[0].armed)).await);
    assert_eq!(well(place.nvr(&["arm", "front-door"]).await), "front-door: armed\n");
    let stranger = place.nvr(&["arm", "attic"]).await;
    let sentence = "nvr: no camera is called attic (there are: front-door)\n";
    assert_eq!((stranger.code, stranger.err.as_str()), (Some(1), sentence));
    for usage in [["arm"].as_slice(), &["arm", "--all", "x"], &["arm", "NO"], &["fly"], &["clips", "--limit", "x"]] {
        assert_eq!(place.nvr(usage).await.code, Some(2), "{usage:?}");
    }

    assert!(well(place.nvr(&["trigger", "front-door"]).await).starts_with("front-door: saving"));
    let saving = json(&well(place.nvr(&["status", "--json"]).await));
    assert_eq!(
        (&saving["healthy"], &saving["cameras"][0]["event"]["trigger"]["kind"]),
        (&true.into(), &"command".into())
    );
    assert_eq!(well(place.nvr(&["release", "front-door"]).await), "front-door: countdown ended\n");
    nvr.quiet(1).await;

    let status = well(place.nvr(&["status"]).await);
    assert!(status.contains("h264+aac") && status.starts_with("all is well\n"), "{status}");
    let clips = well(place.nvr(&["clips", "--json"]).await);
    let clip = json(&clips);
    let file = clip["path"].as_str().expect("a path");
    assert_eq!(clip["bytes"], std::fs::metadata(file).expect("a clip").len());
    let name = clip["name"].as_str().expect("a name");
    assert!(well(place.nvr(&["clips", "front-door"]).await).contains(name));

    let copies = well(place.nvr(&["copies", "--json"]).await);
    let copies: Vec<_> = copies.lines().map(json).collect();
    assert!(!copies.is_empty() && copies.iter().all(|copy| copy["outcome"] == "stored" && copy["clip"] == name));
    let stored: u64 = copies.iter().filter_map(|copy| copy["bytes"].as_u64()).sum();
    assert_eq!(clip["bytes"], stored);
    assert!(well(place.nvr(&["copies", "--limit", "1"]).await).contains(name));
    assert!(well(place.nvr(&["journal", "--find", "saved"]).await).contains(name));
    assert_eq!(well(place.nvr(&["journal", "--level", "error"]).await), "");
    let stderr = place.nvr(&["stderr", "front-door"]).await;
    assert_eq!(stderr.code, Some(0), "{stderr:?}");

    changes_clips(&place, &mut nvr, name).await;

    // Stopped in the middle of an event, it says what became of it, and is gone when the verb ends.
    nvr.trigger("front-door").await;
    let stopped = well(place.nvr(&["stop"]).await);
    assert!(stopped.starts_with("stopping: what is claimed is stored first\n"), "{stopped}");
    assert!(stopped.contains(" saved, "), "{stopped}");
    assert!(stopped.ends_with("the recorder has stopped: a person asked for it\n"), "{stopped}");
    let ended = timeout(Duration::from_secs(1), nvr.ended()).await.expect("it has ended");
    assert_eq!(ended.code(), Some(0));
    place.assert_tidy();
    assert_eq!(place.clips().len(), 2);
}

/// Makes a second clip, looks at it, keeps it, and deletes it; the first one stays.
async fn changes_clips(place: &Place, nvr: &mut Nvr, first: &str) {
    nvr.trigger("front-door").await;
    nvr.order(Order::Release(Who::All)).await;
    nvr.quiet(2).await;
    let page = json(&well(place.nvr(&["clips", "--limit", "1", "--json"]).await));
    let second = page["name"].as_str().expect("a name");
    let path = Path::new(page["path"].as_str().expect("a path"));
    assert_ne!(second, first);
    let next = json(&well(place.nvr(&["clips", "--older-than", second, "--json"]).await));
    let oldest = well(place.nvr(&["clips", "--oldest", "--json"]).await);
    let oldest: Vec<_> = oldest.lines().map(|line| json(line)["name"].clone()).collect();
    assert_eq!((&next["name"], oldest), (&first.into(), vec![first.into(), second.into()]));

    let about = json(&well(place.nvr(&["clip", "front-door@last", "--json"]).await));
    let bytes = std::fs::read(path).expect("a clip");
    let hash = blake3::hash(&bytes).to_string();
    assert_eq!((&about["name"], &about["record"]["blake3"]), (&second.into(), &hash.as_str().into()));
    let about = well(place.nvr(&["clip", second]).await);
    assert!(about.contains(&hash) && about.contains("  command\n") && about.contains("h264 + aac"), "{about}");

    let sum: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let summed = ["sh", "-c", "\"$@\" | sha256sum", "sh"];
    for named in [second, "front-door@last"] {
        assert_eq!(well(place.wrapped(&summed, &["cat", named]).await), format!("{sum}  -\n"));
    }

    let protected = well(place.nvr(&["protect", "front-door@last"]).await);
    assert_eq!(protected, format!("{second} is protected: retention leaves it alone\n"));
    assert!(std::fs::metadata(path).expect("a clip").permissions().readonly());
    let list = well(place.nvr(&["clips", "--limit", "1"]).await);
    assert!(list.contains("protected"), "{list}");
    let kept = place.nvr(&["delete", "--yes", second]).await;
    assert!(kept.code == Some(1) && kept.err.contains("protected") && kept.err.ends_with(")\n"), "{kept:?}");
    well(place.nvr(&["unprotect", second]).await);
    assert_eq!(well(place.nvr(&["delete", "--yes", second]).await), format!("{second} was deleted by hand\n"));
    assert!(!path.exists() && !path.with_extension("json").exists());
    let gone = place.nvr(&["clip", second]).await;
    assert!(gone.code == Some(1) && gone.err.contains(second) && gone.err.ends_with(")\n"), "{gone:?}");
    let left = well(place.nvr(&["clips", "--json"]).await);
    assert_eq!(json(&left)["name"], first);
}

#[tokio::test]
async fn three_hundred_things_at_once_are_three_hundred_events() {
    let feed = Feed::start(Material::get(Kind::H264, 150));
    let place = Place::new(feed.camera("front-door"));
    let nvr = start(&place).await;
    let mut events = Events::start(&place);
    let first = events.next().await["number"].as_u64();
    assert_eq!(first, Some(1));
    let trigger = |_| nvr.client.ask(Order::Trigger { who: Who::All, by: TriggerBy::Command });
    for answer in join_all((0..300).map(trigger)).await {
        assert!(matches!(answer, Ok(Answer::Done(_))), "{answer:?}");
    }
    nvr.order(Order::Disarm(Who::All)).await;
    let lines = events.until("disarmed").await;
    let numbers: Vec<_> = lines.iter().filter_map(|line| line["number"].as_u64()).collect();
    assert_eq!(numbers, (2..2 + lines.len() as u64).collect::<Vec<_>>(), "none is missing, none comes twice");
    let triggers = lines.iter().filter(|line| line["topic"] == "order" && line["camera"] == "front-door");
    assert_eq!(triggers.count(), 301);
    for line in &lines {
        line["time"].as_str().and_then(|time| time.parse::<jiff::Timestamp>().ok()).expect("an instant");
    }

    // The last words are heard too, and a new recorder is another one.
    nvr.stop().await;
    let last = events.until("waiting for the recorder").await;
    let saved = |line: &&Value| line["text"].as_str().is_some_and(|text| text.contains(" saved, "));
    assert_eq!(last.iter().filter(saved).count(), 1, "{last:?}");
    let nvr = place.start().await;
    let anew = events.until("the recorder was started again").await;
    assert_eq!(anew.len(), 2, "{anew:?}");
    assert_eq!(events.next().await["number"], 1);
    nvr.stop().await;
    place.assert_tidy();
}
