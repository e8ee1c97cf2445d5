//! Mails from real clients, and which cameras they mean.

use super::feed::Feed;
use super::material::{Kind, Material, complaints};
use super::nvr_process::{Nvr, Place};
use super::smtp::{lettre, run};
use nvr::model::command::{Command, Who};
use nvr::model::record::TriggerKind;
use nvr::model::snapshot::Snapshot;

const SHORT: &str = "pre_roll = '1s'\npost_roll = '1s'\n";

/// What came of the mail with this subject, and for which cameras.
async fn outcome(nvr: &mut Nvr, subject: &str) -> String {
    let told = |it: &Snapshot| {
        let note = it.mail.last.as_ref().filter(|note| note.subject == subject)?;
        let entry = it.journal.iter().rfind(|entry| entry.text.starts_with("mail from "))?;
        assert!(entry.text.contains(&note.outcome), "{entry:?}");
        // Of several cameras the outcome itself tells.
        Some(entry.camera.as_ref().map_or_else(|| note.outcome.clone(), |camera| format!("{camera}: {}", note.outcome)))
    };
    nvr.until("news of the mail", told).await
}

async fn swaks(nvr: &Nvr, peer: &str, to: &str, subject: &str) {
    let (port, subject) = (nvr.port.port().to_string(), format!("Subject: {subject}"));
    let to = format!("{to}@nvr");
    let args = ["-s", "127.0.0.1", "-p", &port, "--local-interface", peer, "-f", "cam@lan", "-t", &to, "-h", "cam"];
    run("swaks", &[args.as_slice(), &["--header", &subject]].concat(), "").await;
}

async fn curl(nvr: &Nvr, to: &str, subject: &str) {
    let (url, to) = (format!("smtp://{}/cam", nvr.port), format!("{to}@nvr"));
    let mail = format!("From: cam@lan\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nmotion\r\n");
    let args = ["-sS", &url, "--user", "admin:secret", "--mail-from", "cam@lan", "--mail-rcpt", &to, "-T", "-"];
    run("curl", &args, &mail).await;
}

#[tokio::test]
async fn each_client_is_heard_and_each_way_to_mean_a_camera_works() {
    let material = Material::get(Kind::H264, 150);
    let front = Feed::at("127.0.0.2", material.clone());
    let garden = Feed::at("127.0.0.3", material);
    let mut place = Place::new(front.camera("front-door") + "alias = ['camera1']\n" + &garden.camera("garden"));
    place.trigger = SHORT.to_owned();
    let mut nvr = place.start().await;
    nvr.recording(3).await;

    swaks(&nvr, "127.0.0.9", "front-door", "by name").await;
    assert_eq!(outcome(&mut nvr, "by name").await, "front-door: saving");
    curl(&nvr, "CAMERA1", "by alias").await;
    assert_eq!(outcome(&mut nvr, "by alias").await, "front-door: saving");
    lettre(&nvr, "garden", "Bewegung: Haustür 移动侦测").await;
    assert_eq!(outcome(&mut nvr, "Bewegung: Haustür 移动侦测").await, "garden: saving");
    swaks(&nvr, "127.0.0.3", "alarm", "by peer").await;
    assert_eq!(outcome(&mut nvr, "by peer").await, "garden: saving");
    swaks(&nvr, "127.0.0.9", "alarm", "by nobody").await;
    assert_eq!(outcome(&mut nvr, "by nobody").await, "front-door: saving; garden: saving");
    assert_eq!(nvr.picture().mail.today, 5);
    nvr.quiet(2).await;
    nvr.stop().await;

    let subjects = |camera: &str| {
        let clips = place.clips();
        let triggers = clips.iter().filter(|clip| clip.record.camera.as_str() == camera);
        let triggers = triggers.flat_map(|clip| clip.record.triggers.clone());
        let subject = |kind| match kind {
            TriggerKind::Mail { subject, from, .. } if from == "cam@lan" => subject,
            other => panic!("{other:?}"),
        };
        triggers.map(|trigger| subject(trigger.kind)).collect::<Vec<_>>()
    };
    assert_eq!(subjects("front-door"), ["by name", "by alias", "by nobody"]);
    assert_eq!(subjects("garden"), ["Bewegung: Haustür 移动侦测", "by peer", "by nobody"]);
    for clip in place.clips() {
        assert_eq!((clip.record.gaps, complaints(&clip.path)), (vec![], String::new()));
    }
    place.assert_tidy();
}

#[tokio::test]
async fn the_only_camera_is_always_meant_and_a_disarmed_one_takes_mail_and_ignores_it() {
    let feed = Feed::at("127.0.0.2", Material::get(Kind::H264, 150));
    let mut place = Place::new(feed.camera("yard"));
    place.trigger = SHORT.to_owned();
    let mut nvr = place.start().await;
    nvr.recording(3).await;

    nvr.order(Command::Disarm(Who::All)).await;
    swaks(&nvr, "127.0.0.9", "whoever", "while disarmed").await;
    assert_eq!(outcome(&mut nvr, "while disarmed").await, "yard: ignored: disarmed");
    let journal = |nvr: &mut Nvr| nvr.picture().journal.iter().map(|entry| entry.text.clone()).collect::<Vec<_>>();
    assert!(journal(&mut nvr).iter().any(|text| text.contains("ignored: disarmed")), "{:?}", journal(&mut nvr));
    assert_eq!(nvr.picture().cameras[0].event, None);

    nvr.order(Command::Arm(Who::All)).await;
    swaks(&nvr, "127.0.0.9", "whoever", "while armed").await;
    assert_eq!(outcome(&mut nvr, "while armed").await, "yard: saving");
    nvr.quiet(1).await;

    // Who is armed outlives the recorder; a person's own order is obeyed all the same.
    nvr.order(Command::Disarm(Who::All)).await;
    nvr.stop().await;
    let mut nvr = place.start().await;
    nvr.recording(3).await;
    assert!(!nvr.picture().cameras[0].armed);
    assert_eq!(nvr.trigger("yard").await, "yard: saving");
    nvr.quiet(2).await;
    nvr.stop().await;
    let words: Vec<_> = place.clips().iter().map(|clip| clip.record.triggers[0].kind.word()).collect();
    assert_eq!(words, ["mail", "command"]);
}
