//! What people do to clips, and what they are told of one.

use super::kills::Film;
use super::*;
use crate::model::question::{ClipDetails, ClipQuery, Page};
use crate::model::record::{MailTrigger, Trigger, TriggerKind};
use std::os::unix::fs::{PermissionsExt, symlink};

const NAME: &str = "front-door_2026-11-22_13-02-31+0000";

/// A closed clip of some bytes, with a record and a picture.
fn put(world: &World) -> PathBuf {
    let clip = world.day().join(format!("{NAME}.mp4"));
    fs::create_dir_all(world.day()).expect("a day");
    fs::write(&clip, "footage").expect("written");
    fs::set_permissions(&clip, fs::Permissions::from_mode(0o664)).expect("its mode");
    let mut told = Record::clone(&record(world.start));
    let text = |text: &str| text.to_owned();
    let (peer, from, to, subject) =
        (text("10.0.0.9"), text("cam"), text("front-door"), text("Motion\x1b[2J \u{202e}!"));
    told.triggers.push(Trigger {
        at: world.start,
        kind: TriggerKind::Mail(MailTrigger { peer, from, to, subject, ..MailTrigger::default() }),
    });
    told.triggers.push(Trigger { at: world.start, kind: TriggerKind::Key });
    fs::write(clip.with_extension("json"), serde_json::to_vec(&told).expect("JSON")).expect("written");
    fs::write(clip.with_extension("jpg"), b"\xff\xd8\xff").expect("written");
    clip
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o7777
}

impl World {
    async fn change(&mut self, name: &str, wanted: ClipChange) -> Result<(), String> {
        self.archive.change(RequestId(5), name.to_owned(), wanted);
        match self.event().await {
            Event::ClipChanged { request, clip, change, result } => {
                assert_eq!((request, clip.as_str(), change), (RequestId(5), name, wanted));
                result
            }
            other => panic!("{other:?}"),
        }
    }

    async fn show(&mut self, name: &str) -> Result<Box<ClipDetails>, String> {
        self.archive.show(RequestId(6), name.to_owned(), CancellationToken::new());
        match self.event().await {
            Event::ClipShown { request: RequestId(6), result } => result,
            other => panic!("{other:?}"),
        }
    }

    async fn list(&mut self) -> Vec<ClipView> {
        let query = ClipQuery { camera: None, find: String::new(), page: Page::Newest, limit: 100 };
        self.archive.list(RequestId(7), query, CancellationToken::new());
        match self.event().await {
            Event::ClipsListed { request: RequestId(7), result } => result.expect("a list").clips,
            other => panic!("{other:?}"),
        }
    }
}

/// A sentence with its remedy that has these words in it.
fn assert_says(result: Result<impl std::fmt::Debug, String>, words: &str) {
    let text = result.expect_err("refused");
    assert!(text.contains(words) && text.ends_with(')') && !text.contains(char::is_control), "{text}");
}

#[tokio::test]
async fn a_protected_clip_keeps_its_footage_its_record_and_the_rest_of_its_mode() {
    let mut world = World::new();
    let clip = put(&world);
    let before = read_record(&clip);
    for _ in 0..2 {
        world.change(NAME, ClipChange::Protect(true)).await.expect("protected");
        assert_eq!(mode(&clip), 0o464);
    }
    assert!(world.list().await[0].protected);
    assert!(world.show(NAME).await.expect("a clip").clip.protected);
    assert_says(world.change(NAME, ClipChange::Delete).await, "is protected");
    assert_eq!((fs::read(&clip).expect("there"), read_record(&clip)), (b"footage".to_vec(), before));

    // What was protected before a restart is so after it.
    let (mut world, recovered) = world.restart().await;
    assert_eq!(
        recovered.clips.iter().map(|clip| (clip.protected, clip.subject.as_str())).collect::<Vec<_>>(),
        [(true, "Motion[2J !")]
    );
    world.change(NAME, ClipChange::Protect(false)).await.expect("not protected");
    assert_eq!((mode(&clip), world.list().await[0].protected), (0o664, false));
    world.change(NAME, ClipChange::Delete).await.expect("deleted");
}

#[tokio::test]
async fn a_deleted_clip_is_gone_with_all_that_belongs_to_it_and_nothing_else() {
    let mut world = World::new();
    put(&world);
    let other = world.day().join(format!("{NAME}_2.mp4"));
    fs::write(&other, "another").expect("written");
    world.change(NAME, ClipChange::Delete).await.expect("deleted");
    assert_eq!(world.files(), [format!("{NAME}_2.mp4")]);
    assert_says(world.change(NAME, ClipChange::Delete).await, "there is no clip");
    assert_says(world.show(NAME).await, "there is no clip");

    // The last one takes the directory along, once no clip will begin on that day any more.
    let old = world.root().join("front-door/2020-02-29/front-door_2020-02-29_10-00-00+0000.mp4");
    fs::create_dir_all(old.parent().expect("a day")).expect("a day");
    fs::write(&old, "old").expect("written");
    world.change("front-door_2020-02-29_10-00-00+0000", ClipChange::Delete).await.expect("deleted");
    assert!(!old.parent().expect("a day").exists() && world.day().exists());
}

#[tokio::test]
async fn a_growing_clip_is_shown_and_not_changed() {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), Codec::H264, 3);
    let slot = footage::segments(&world.dir.path().join("slots"), &source)[0].clone();
    world.claim(0, &slot, 2.0);
    let added = world.append(0, 0, 0.0).await;
    for change in [ClipChange::Protect(true), ClipChange::Protect(false), ClipChange::Delete] {
        assert_says(world.change(NAME, change).await, "is not closed yet");
    }
    let shown = world.show(NAME).await.expect("a clip");
    assert!(shown.clip.open && !shown.clip.protected && shown.pictures.is_empty());
    assert_eq!((shown.clip.bytes, shown.trouble), (added.clip_bytes, None));
    assert_eq!(shown.record.map(|record| (record.state, record.bytes)), Some((ClipState::Open, added.clip_bytes)));
    world.close().await;
    world.change(NAME, ClipChange::Delete).await.expect("deleted");
    assert_eq!(world.files(), [""; 0]);
}

#[tokio::test]
async fn all_there_is_about_a_clip_or_why_there_is_less() {
    let mut world = World::new();
    let clip = put(&world);
    let shown = world.show(NAME).await.expect("a clip");
    assert_eq!((shown.record, shown.trouble, shown.pictures.len()), (Some(read_record(&clip)), None, 1));
    assert_eq!((shown.clip.trigger.as_str(), shown.clip.subject.as_str()), ("mail", "Motion[2J !"));
    assert_eq!(vec![shown.clip], world.list().await);

    let json = clip.with_extension("json");
    let mut told = read_record(&clip);
    told.triggers.reverse();
    fs::write(&json, serde_json::to_vec(&told).expect("JSON")).expect("written");
    let shown = world.show(NAME).await.expect("a clip").clip;
    assert_eq!(
        (shown.trigger.as_str(), shown.subject.as_str()),
        ("key", ""),
        "a mail that came later did not begin it"
    );
    let picture = clip.with_extension("jpg");
    fs::remove_file(&picture).expect("removed");
    symlink("/etc/hostname", &picture).expect("linked");
    for (bad, words) in [
        ("{\"version\": \"\x1b[2J\"}".to_owned(), "is no record"),
        (" ".repeat((4 << 20) + 1), "more than 4 MiB"),
        (String::new(), "is no record"),
    ] {
        fs::write(&json, bad).expect("written");
        let shown = world.show(NAME).await.expect("a clip");
        assert_eq!((shown.record, shown.pictures.len(), shown.clip.bytes), (None, 0, 7));
        assert_says(Err::<(), _>(shown.trouble.expect("trouble")), words);
    }
    fs::remove_file(&json).expect("removed");
    assert_says(Err::<(), _>(world.show(NAME).await.expect("a clip").trouble.expect("trouble")), "is not there");
    symlink("/etc/passwd", &json).expect("linked");
    let shown = world.show(NAME).await.expect("a clip");
    assert!(shown.record.is_none() && shown.trouble.is_some());
}

/// Whatever a client writes for a name, nothing outside the archive is looked at or touched, and no link is followed.
#[tokio::test]
async fn no_name_leads_out_of_the_archive() {
    let mut world = World::new();
    let clip = put(&world);
    let outside = world.dir.path().join("outside/2026-11-22");
    fs::create_dir_all(&outside).expect("a directory");
    for camera in ["outside", "linked", "front-door"] {
        fs::copy(&clip, outside.join(format!("{camera}_2026-11-22_13-02-31+0000.mp4"))).expect("copied");
    }
    symlink(world.dir.path().join("outside"), world.root().join("linked")).expect("linked");
    fs::create_dir(world.root().join("day")).expect("a camera");
    symlink(&outside, world.root().join("day/2026-11-22")).expect("linked");
    let link = format!("{NAME}_9");
    symlink(outside.join("front-door_2026-11-22_13-02-31+0000.mp4"), world.day().join(format!("{link}.mp4")))
        .expect("linked");
    let long = format!("{}_2026-11-22_13-02-31+0000", "a".repeat(60_000));
    let names = [
        "",
        "_",
        "..",
        "../outside/2026-11-22/outside_2026-11-22_13-02-31+0000",
        "outside_2026-11-22_13-02-31+0000",
        "../outside_2026-11-22_13-02-31+0000",
        "front-door/../../outside_2026-11-22_13-02-31+0000",
        "linked_2026-11-22_13-02-31+0000",
        "day_2026-11-22_13-02-31+0000",
        "/etc/passwd",
        "front-door_2026-11-22_13-02-31+0000.mp4",
        "front-door_2026-11-22_13-02-31+0000\0",
        "front-door\0_2026-11-22_13-02-31+0000",
        "front-door_2026-11-22_13-02-31+0000/../front-door_2026-11-22_13-02-31+0000",
        "front-door_../../../outside/2026-11-22/outside_2026-11-22_13-02-31+0000",
        "front-door_2026-11-22_13-02-31+0000_../../..",
        "garden_2026-11-22_13-02-31+0000",
        "front_2026-11-22_13-02-31+0000",
        "FRONT-DOOR_2026-11-22_13-02-31+0000",
        "\x1b[2J\u{202e}",
        &link,
        &long,
    ];
    let before = (world.files(), fs::read_dir(&outside).expect("a directory").count());
    for name in names {
        assert_says(world.show(name).await, "there is no clip");
        for change in [ClipChange::Protect(true), ClipChange::Protect(false), ClipChange::Delete] {
            assert_says(world.change(name, change).await, "there is no clip");
        }
        assert_eq!(locate(world.root(), name), None, "{name}");
    }
    assert_eq!((world.files(), fs::read_dir(&outside).expect("a directory").count()), before);
    assert_eq!(mode(&clip), 0o664);
    assert!(fs::read_dir(&outside).expect("a directory").all(|file| mode(&file.expect("a file").path()) == 0o664));
}

#[tokio::test]
async fn nothing_is_changed_where_the_archive_is_not_any_more() {
    let mut world = World::new();
    put(&world);
    let root = world.root().to_owned();
    fs::rename(&root, world.dir.path().join("unmounted")).expect("moved");
    fs::create_dir(&root).expect("an empty directory");
    fs::write(root.join(".lock"), "").expect("another archive");
    let clip = put(&world);
    for change in [ClipChange::Protect(true), ClipChange::Delete] {
        assert_says(world.change(NAME, change).await, "is its disk mounted?");
    }
    assert_says(world.show(NAME).await, "is its disk mounted?");
    assert_eq!(mode(&clip), 0o664);
}

/// A kill at any step of a deletion leaves the clip with all that belongs to it, or, after the next start, nothing.
#[tokio::test]
async fn a_kill_at_any_step_of_a_deletion_leaves_a_whole_clip_or_nothing() {
    let place = tempfile::tempdir().expect("a place");
    let mut world = World::new();
    put(&world);
    let whole = world.files();
    assert_eq!(whole.len(), 3);
    let film = Film::of(world.dir.path(), place.path().join("film"));
    world.change(NAME, ClipChange::Delete).await.expect("deleted");
    let frames = film.end();
    assert!(frames.len() > 4, "{}", frames.len());
    let mut left = Vec::new();
    for (step, frame) in frames.iter().enumerate() {
        let recovered = frame.recover().await;
        let name = |file: io::Result<fs::DirEntry>| file.expect("a file").file_name().into_string().expect("UTF-8");
        // A day that is over goes with its last clip.
        let mut files: Vec<_> = fs::read_dir(frame.day()).into_iter().flatten().map(name).collect();
        files.sort();
        let is_whole = files == whole[..];
        assert!(is_whole || files.is_empty(), "step {step}: {files:?}");
        assert_eq!((recovered.clips.len(), recovered.sentences.len()), (usize::from(is_whole), 0), "step {step}");
        left.push(is_whole);
    }
    assert!(left[0] && !left[1] && !left[left.len() - 1], "{left:?}");
}

/// A clip that somebody has put back, from a backup, is no leftover.
#[tokio::test]
async fn what_was_put_back_after_a_deletion_that_was_cut_short_stays() {
    let world = World::new();
    let clip = put(&world);
    fs::copy(&clip, clip.with_extension("mp4.gone")).expect("as the kill left it");
    let (world, recovered) = world.restart().await;
    assert_eq!((recovered.clips.len(), world.files().len()), (1, 3), "{:?}", world.files());
}

/// A person's protection and retention's deletion never cross: who is told that a clip is protected keeps it.
#[tokio::test]
async fn what_is_protected_while_retention_runs_stays() {
    use crate::model::settings::Archive as Rules;
    use tokio::sync::{Notify, watch};
    use tokio_util::sync::CancellationToken;

    let mut world = World::new();
    let names: Vec<String> = (0..60).map(|minute| format!("front-door_2026-11-22_10-{minute:02}-00+0000")).collect();
    fs::create_dir_all(world.day()).expect("a day");
    for name in &names {
        fs::write(world.day().join(format!("{name}.mp4")), "footage").expect("written");
    }
    let rules = Rules { dir: world.root().to_owned(), keep: None, max_size: Some(0), min_free: 0, silence: None };
    let (rules, stop) = (watch::Sender::new(rules), CancellationToken::new());
    let (sender, mut retained) = mpsc::channel(100);
    for name in &names {
        world.archive.change(RequestId(1), name.clone(), ClipChange::Protect(true));
    }
    let run =
        super::retain::run(rules.subscribe(), world.archive.home(), Arc::new(Notify::new()), sender, stop.clone());
    let run = tokio::spawn(run);
    let mut kept = Vec::new();
    for _ in &names {
        let Event::ClipChanged { clip, result, .. } = world.event().await else { panic!("no answer") };
        match result {
            Ok(()) => kept.push(format!("{clip}.mp4")),
            Err(text) => assert!(text.contains("there is no clip"), "{text}"),
        }
    }
    kept.sort();
    let deleted = loop {
        match retained.recv().await.expect("a run") {
            Event::Retained { deleted, .. } => break deleted,
            Event::ArchiveSpace(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((world.files(), kept.len() + deleted.len()), (kept, names.len()));
    stop.cancel();
    run.await.expect("it ends");
}

/// Asks, and does not wait for the answer.
fn ask(world: &World, request: u64) -> CancellationToken {
    let left = CancellationToken::new();
    world.archive.show(RequestId(request), NAME.to_owned(), left.clone());
    left
}

async fn shown(world: &mut World) -> (u64, Result<Box<ClipDetails>, String>) {
    match world.event().await {
        Event::ClipShown { request, result } => (request.0, result),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn however_much_is_asked_the_queue_has_an_end_and_orders_do_not_stand_in_it() {
    let mut world = World::new();
    put(&world);
    let turn = world.archive.questions.turn().await.expect("nobody asks yet");
    let asked: Vec<_> = (1..=100).map(|request| ask(&world, request)).collect();
    for request in WAITING as u64 + 1..=100 {
        let (refused, result) = shown(&mut world).await;
        assert_eq!(refused, request);
        assert_says(result, "asked too much at once");
    }
    world.change(NAME, ClipChange::Protect(true)).await.expect("protected, whatever is asked");
    // Whose asker has left makes room; nobody reads the archive for it.
    asked[1].cancel();
    let (left, result) = shown(&mut world).await;
    assert_eq!(left, 2);
    assert_says(result, "has left");
    drop(turn);
    // Turns go in order, but of answers that are ready together any may be told first; everybody has one.
    let mut told = Vec::new();
    while told.len() + 1 < WAITING {
        let (one, result) = shown(&mut world).await;
        assert!(result.is_ok(), "{one}: {result:?}");
        told.push(one);
    }
    told.sort_unstable();
    assert_eq!(told, (1..=WAITING as u64).filter(|one| *one != 2).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_does_not_answer_keeps_neither_who_asks_nor_the_end() {
    let mut world = World::new();
    put(&world);
    let _stuck = world.archive.questions.turn().await.expect("nobody asks yet");
    ask(&world, 1);
    let (_, result) = shown(&mut world).await;
    assert_says(result, "its disk is slow");
    ask(&world, 2);
    let World { archive, mut events, .. } = world;
    archive.finish().await;
    let last = events.recv().await;
    assert!(matches!(&last, Some(Event::ClipShown { result: Err(why), .. }) if why.contains("stopping")), "{last:?}");
}
