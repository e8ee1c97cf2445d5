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
            TriggerKind::Mail(mail) if mail.from == "cam@lan" => mail.subject,
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

/// Mails with pictures, one that breaks off in its picture, and one that ends what had begun.
#[tokio::test]
async fn a_mails_picture_lies_beside_the_clip_and_is_named_in_its_record() {
    let feed = Feed::at("127.0.0.2", Material::get(Kind::H264, 150));
    let mut place = Place::new(feed.camera("yard") + "mail = [{ body = 'yard gate', peer = '127.0.0.0/8' }]\n");
    place.trigger = "pre_roll = '1s'\npost_roll = '3s'\n".to_owned();
    let mut nvr = place.start().await;
    nvr.recording(3).await;

    let jpeg = place.dir.path().join("snapshot.jpg");
    let bytes: Vec<u8> = [0xff, 0xd8, 0xff].into_iter().chain((0..100_000).map(|n| (n % 251) as u8)).collect();
    std::fs::write(&jpeg, &bytes).expect("a picture");
    let (port, attach) = (nvr.port.port().to_string(), format!("@{}", jpeg.display()));
    let text = "EVENT TYPE: Line Crossing\nCHANNEL NAME: Yard Gate\n";
    let args =
        ["-s", "127.0.0.1", "-p", &port, "-f", "cam@lan", "-t", "me@home", "-h", "cam", "--header", "Subject: IPC"];
    let with_picture =
        [args.as_slice(), &["--body", text, "--attach-type", "image/jpeg", "--attach", &attach]].concat();
    run("swaks", &with_picture, "").await;
    assert_eq!(outcome(&mut nvr, "IPC").await, "yard: saving");
    let entry =
        |nvr: &mut Nvr| nvr.picture().journal.iter().rfind(|it| it.text.starts_with("mail")).map(|it| it.text.clone());
    let said = entry(&mut nvr).expect("an entry");
    let rule = "(rule { body = \"yard gate\", peer = \"127.0.0.0/8\" })";
    assert_eq!(said, format!("mail from 127.0.0.1 \"IPC: Line Crossing\": saving {rule}"));
    run("swaks", &with_picture, "").await;

    // The line breaks in the middle of the third picture.
    let begin = format!(
        "EHLO cam\r\nMAIL FROM:<cam@lan>\r\nRCPT TO:<yard@nvr>\r\nDATA\r\nSubject: broken\r\n\r\n{}\r\n",
        data_encoding::BASE64_MIME.encode(&bytes[..3000])
    );
    let mut stream = tokio::net::TcpStream::connect(nvr.port).await.expect("a connection");
    tokio::io::AsyncWriteExt::write_all(&mut stream, begin.as_bytes()).await.expect("taken");
    drop(stream);
    assert_eq!(outcome(&mut nvr, "broken").await, "yard: saving");

    let stop = [args.as_slice(), &["--body", "Alarm Event: Motion Detection Stop\n"]].concat();
    run("swaks", &stop, "").await;
    let ignored = "ignored by the rule { body = '/^alarm event: .*\\b(stop|end)\\s*$/' } (smtp.ignore)";
    assert_eq!(outcome(&mut nvr, "IPC").await, format!("yard: {ignored}"));
    nvr.quiet(1).await;

    let [clip] = &place.clips()[..] else { panic!("one clip") };
    let named: Vec<_> = clip.record.triggers.iter().filter_map(|it| it.kind.mail()?.picture.clone()).collect();
    let stem = clip.path.file_stem().expect("a name").to_string_lossy().into_owned();
    assert_eq!(named, [format!("{stem}.jpg"), format!("{stem}-2.jpg"), format!("{stem}-3.jpg")]);
    let kept: Vec<_> =
        named.iter().map(|name| std::fs::read(clip.path.with_file_name(name)).expect("a picture")).collect();
    assert!(kept[0] == bytes && kept[1] == bytes && bytes.starts_with(&kept[2]) && kept[2].len() > 2900);
    let first = clip.record.triggers[0].kind.mail().expect("a mail");
    assert_eq!(
        (first.event.as_str(), first.text.as_str()),
        ("Line Crossing", "EVENT TYPE: Line Crossing CHANNEL NAME: Yard Gate")
    );

    // They are told, looked at, missed and deleted with the clip.
    let told = place.nvr(&["clip", &stem]).await;
    assert!(told.out.contains(&format!("{stem}-3.jpg")) && told.out.contains("\"IPC: Line Crossing\""), "{told:?}");
    std::fs::remove_file(clip.path.with_file_name(&named[1])).expect("removed");
    let verified = place.nvr(&["verify"]).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
    assert!(
        verified.out.contains(&format!("NOTE   {stem}: the camera's picture {stem}-2.jpg is not there")),
        "{verified:?}"
    );
    let deleted = place.nvr(&["delete", "--yes", &stem]).await;
    assert_eq!(deleted.code, Some(0), "{deleted:?}");
    let day = clip.path.parent().expect("a day");
    assert_eq!(std::fs::read_dir(day).expect("the day").count(), 0);
    nvr.stop().await;
    place.assert_tidy();
}
