//! The mail doctor, with a real recorder: what is wrong with a camera's mail, and how it is mended.

use super::feed::Feed;
use super::material::{Kind, Material};
use super::nvr_process::{Nvr, Place};
use super::smtp::run;
use nvr::model::question::{Found, Question, Since};
use nvr::model::transcript::SessionView;
use serde_json::Value;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(60);

async fn sessions(nvr: &Nvr) -> Vec<SessionView> {
    let found = nvr.ask(Question::Sessions(Since { after: 0, limit: 1000 })).await;
    if let Found::Sessions(sessions) = found { sessions } else { panic!("{found:?}") }
}

/// Waits for a connection that is over and of which this is true.
async fn over(nvr: &Nvr, is_it: impl Fn(&SessionView) -> bool) -> SessionView {
    let found = async {
        loop {
            let all = sessions(nvr).await;
            match all.into_iter().find(|session| session.transcript.end.is_some() && is_it(session)) {
                Some(session) => return session,
                None => sleep(Duration::from_millis(20)).await,
            }
        }
    };
    timeout(PATIENCE, found).await.expect("a verdict in time")
}

/// What was never answered by anybody but us: says these words and hangs up.
async fn says(nvr: &Nvr, words: &str) {
    let mut stream = TcpStream::connect(nvr.port).await.expect("a connection");
    stream.write_all(words.as_bytes()).await.expect("taken");
    stream.shutdown().await.expect("hung up");
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

async fn swaks(nvr: &Nvr, to: &str) {
    let port = nvr.port.port().to_string();
    let login = ["-a", "LOGIN", "-au", "admin", "-ap", "hunter2secret"];
    let args = ["-s", "127.0.0.1", "-p", &port, "--local-interface", "127.0.0.9", "-f", "cam@lan", "-t", to];
    run("swaks", &[args.as_slice(), &login, &["--header", "Subject: Bewegung"]].concat(), "").await;
}

fn house() -> (Vec<Feed>, Place) {
    let material = Material::get(Kind::H264, 150);
    let feeds = vec![Feed::at("127.0.0.2", material.clone()), Feed::at("127.0.0.3", material)];
    let cameras = feeds[0].camera("front-door") + "# behind the house\n" + &feeds[1].camera("garden");
    let mut place = Place::new(cameras);
    place.trigger = "pre_roll = '1s'\npost_roll = '1s'\n".to_owned();
    (feeds, place)
}

#[tokio::test]
async fn a_mail_that_goes_nowhere_is_explained_and_its_rule_is_written() {
    let (_feeds, place) = house();
    let mut nvr = place.start().await;
    nvr.recording(3).await;

    swaks(&nvr, "kamera2@nvr").await;
    let session = over(&nvr, |session| !session.mails.is_empty()).await;
    let number = session.transcript.number.to_string();
    let listed = place.nvr(&["mail"]).await;
    assert!(listed.out.contains("AMISS") && listed.out.contains("unknown recipient kamera2@nvr"), "{listed:?}");
    let shown = place.nvr(&["mail", "--show", &number]).await.out;
    for line in ["> RCPT TO:<kamera2@nvr>", "> (password)", "ended: QUIT", "alias = [\"kamera2\"]"] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
    assert!(!shown.contains("hunter2") && !shown.contains("aHVudGVyMnNlY3JldA"), "{shown}");

    let unsaid = place.nvr(&["mail", "--fix", &number]).await;
    assert!(unsaid.code == Some(1) && unsaid.err.contains("say for which camera"), "{unsaid:?}");
    let fixed = place.nvr(&["mail", "--fix", &number, "--for", "garden"]).await;
    assert!(fixed.code == Some(0) && fixed.out.contains("garden changed (alias)"), "{fixed:?}");
    let text = std::fs::read_to_string(place.config()).expect("a configuration");
    assert!(text.contains("# behind the house\n") && text.ends_with("alias = [\"kamera2\"]\n"), "{text}");
    let again = place.nvr(&["mail", "--fix", &number, "--for", "garden"]).await;
    assert!(again.out.contains("says so already"), "{again:?}");

    swaks(&nvr, "kamera2@nvr").await;
    let good = over(&nvr, |it| it.transcript.number > session.transcript.number && !it.mails.is_empty()).await;
    assert!(good.verdict.text.starts_with("accepted for garden (recipient kamera2@nvr): saving"), "{good:?}");

    says(&nvr, "").await;
    says(&nvr, "GET / HTTP/1.1\r\n").await;
    says(&nvr, "EHLO cam\r\nAUTH CRAM-MD5\r\n").await;
    for verdict in ["hung up without a word", "what it said is HTTP", "AUTH CRAM-MD5 is not offered, and it hung up"] {
        over(&nvr, |session| session.verdict.text.contains(verdict)).await;
    }
    nvr.stop().await;
}

#[tokio::test]
async fn a_mail_of_our_own_takes_the_way_of_a_camera_s_and_a_dry_run_takes_none() {
    let (_feeds, place) = house();
    let mut nvr = place.start().await;
    nvr.recording(3).await;

    let dry = place.nvr(&["mail", "garden", "--dry-run", "--peer", "127.0.0.2", "--to", "alarm@x"]).await;
    assert_eq!((dry.code, dry.err.as_str()), (Some(0), ""), "{dry:?}");
    assert!(dry.out.starts_with("accepted for front-door (sent by 127.0.0.2, the host of its source)"), "{dry:?}");
    let stranger = place.nvr(&["mail", "garden", "--dry-run", "--peer", "8.8.8.8", "--json"]).await;
    assert_eq!(stranger.code, Some(1));
    let verdict: Value = serde_json::from_str(&stranger.out).expect("JSON");
    assert_eq!(verdict["fix"], "allow = [\"private\", \"8.8.8.8\"]", "{verdict}");
    assert!(sessions(&nvr).await.is_empty() && nvr.picture().mail.today == 0);

    for style in ["hikvision", "dahua", "amcrest", "reolink", "axis", "foscam", "generic"] {
        let sent = place.nvr(&["mail", "garden", "--style", style]).await;
        assert_eq!(sent.code, Some(0), "{style}: {sent:?}");
        assert!(sent.out.starts_with("accepted for garden (recipient garden@nvr): saving"), "{style}: {sent:?}");
    }
    place.nvr(&["disarm", "garden"]).await;
    let disarmed = place.nvr(&["mail", "garden"]).await;
    assert!(disarmed.code == Some(1) && disarmed.out.contains("ignored: disarmed"), "{disarmed:?}");
    let nobody = place.nvr(&["mail", "attic"]).await;
    assert!(nobody.code == Some(1) && nobody.err.contains("there are: front-door, garden"), "{nobody:?}");
    nvr.quiet(1).await;
    nvr.stop().await;
    assert!(place.clips().iter().all(|clip| clip.record.camera.as_str() == "garden"));
}

#[tokio::test]
async fn whoever_watches_sees_every_line_while_it_is_said() {
    let (_feeds, place) = house();
    let nvr = place.start().await;
    let words = place.words(&["mail", "--watch"]);
    let mut watch = Command::new(&words[0]);
    watch.args(&words[1..]).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = watch.spawn().expect("the program");
    let mut notes = BufReader::new(child.stderr.take().expect("its notes")).lines();
    let ready = timeout(PATIENCE, notes.next_line()).await.expect("in time").expect("text").expect("a line");
    assert!(ready.contains("watching the mail port"), "{ready}");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut next = async |end: &str| loop {
        let line = timeout(PATIENCE, lines.next_line()).await.expect("in time").expect("text").expect("a line");
        if line.ends_with(end) {
            return line;
        }
    };
    let mut camera = TcpStream::connect(nvr.port).await.expect("a connection");
    next("< 220 nvr ESMTP").await;
    camera.write_all(b"EHLO cam\r\nMAIL FROM:<cam@lan>\r\nRCPT TO:<garden@nvr>\r\n").await.expect("taken");
    next("> RCPT TO:<garden@nvr>").await;
    camera.write_all(b"DATA\r\nSubject: Motion\r\n\r\n.\r\nQUIT\r\n").await.expect("taken");
    next("- subject \"Motion\"").await;
    next("= QUIT").await;
    nvr.stop().await;
}
