//! The hand that deletes clips. Which ones is decided by [`crate::model::retention`]; here is what lies in the archive
//! and how it goes.
//!
//! Only files with our names, in our directories, are ever touched, and never through a link. `remove.rs` says how
//! a clip goes. A record or a picture without a clip is found like a clip, and goes when it is old enough. Nothing is
//! synced: what a power cut brings back goes again.

use super::{Home, clock, disk, remove};
use crate::model::event::{Event, Gone, Space};
use crate::model::retention::{self, Clip, MOST_A_RUN, Sight};
use crate::model::settings::Archive as Rules;
use items::{Item, items};
use jiff::Timestamp;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// From one run to the next.
const EVERY: Duration = Duration::from_secs(60);

/// Keeps the archive within its limits until `stop`: at once, then every minute, whenever `wake` says so (the disk is
/// full), and when the rules change.
///
/// Each run reports [`Event::ArchiveSpace`]; [`Event::Retained`] comes when clips went, or when the trouble is another
/// one than before.
pub async fn run(
    mut rules: watch::Receiver<Rules>,
    home: Home,
    wake: Arc<Notify>,
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
            () = wake.notified() => {}
            Ok(()) = rules.changed() => {}
        }
        let (now, home) = (rules.borrow_and_update().clone(), home.clone());
        let done = tokio::task::spawn_blocking(move || once(&now, &home)).await;
        let Done { deleted, mut trouble, space } = done.unwrap_or_else(|panic| Done {
            deleted: Vec::new(),
            trouble: Some(format!("old clips could not be looked for: {panic} (report this)")),
            space: None,
        });
        if matches!(space, Some(Err(_))) {
            trouble.clone_from(&last); // nothing was looked at
        }
        let mut news: Vec<Event> = space.map(Event::ArchiveSpace).into_iter().collect();
        if !deleted.is_empty() || trouble != last {
            last.clone_from(&trouble);
            news.push(Event::Retained { deleted, trouble });
        }
        for event in news {
            if events.send(event).await.is_err() {
                return; // nobody is left to hear it
            }
        }
    }
}

/// What one run did.
#[derive(Debug, PartialEq)]
struct Done {
    deleted: Vec<Gone>,
    trouble: Option<String>,
    space: Option<Result<Space, String>>,
}

/// Looks at clock and disk, and does what follows. Where the archive is not, nothing is looked for and nothing deleted.
fn once(rules: &Rules, home: &Home) -> Done {
    let space = match home.dir().and_then(|_| home.room()) {
        Ok(space) => space,
        Err(reason) => return Done { deleted: Vec::new(), trouble: None, space: Some(Err(reason)) },
    };
    let sight = see(space);
    let turn = home.turn();
    let (deleted, trouble) = tidy(rules, sight, |item| home.dir().and_then(|_| item.delete(&turn)));
    let space = if deleted.is_empty() { Ok(space) } else { home.room() };
    Done { deleted, trouble, space: Some(space) }
}

fn see(space: Space) -> Sight {
    let Space { total, free } = space;
    Sight { now: Timestamp::now(), clock_trusted: clock::is_trusted(), free, total }
}

/// What a run would find now.
#[derive(Debug, PartialEq, Eq)]
pub struct Outlook {
    /// How many clips it would delete.
    pub clips: usize,
    /// What stands in the way.
    pub trouble: Option<String>,
}

/// What the next run would do with so much room; nothing is changed.
///
/// # Errors
/// One sentence with the remedy: the archive cannot be read.
pub fn outlook(rules: &Rules, space: Space) -> Result<Outlook, String> {
    let (items, _) = items(&rules.dir).map_err(|error| disk::sentence("read", &rules.dir, &error))?;
    let clips: Vec<Clip> = items.iter().map(|item| item.clip).collect();
    let plan = retention::plan(&clips, rules, &see(space));
    Ok(Outlook { clips: plan.delete.len(), trouble: plan.trouble })
}

/// Bytes of all clips.
///
/// # Errors
/// One sentence with the remedy: the archive cannot be read.
pub fn stored(root: &Path) -> Result<u64, String> {
    let (items, _) = items(root).map_err(|error| disk::sentence("read", root, &error))?;
    Ok(items.iter().fold(0, |sum, item| sum.saturating_add(item.clip.bytes)))
}

/// Deletes what has to go, and says what stands in the way.
///
/// A clip that cannot be deleted counts as protected from then on, so that the next one goes in its place and one file
/// alone cannot fill the disk.
fn tidy(rules: &Rules, mut sight: Sight, delete: impl Fn(&Item) -> Result<(), String>) -> (Vec<Gone>, Option<String>) {
    let (mut items, empty) = match items(&rules.dir) {
        Ok(found) => found,
        Err(error) => return (Vec::new(), Some(disk::sentence("read", &rules.dir, &error))),
    };
    for day in empty {
        remove::remove_day(&day, sight.now);
    }
    let (mut deleted, mut failed) = (Vec::new(), None);
    // What a deletion that was cut short has left is no clip any more: it goes whatever the rules say.
    for gone in items.extract_if(.., |item| item.gone) {
        failed = failed.or(delete(&gone).err());
    }
    let mut tries = 0;
    loop {
        let clips: Vec<Clip> = items.iter().map(|item| item.clip).collect();
        let plan = retention::plan(&clips, rules, &sight);
        let mut gone = vec![false; items.len()];
        let mut again = false;
        for (&index, why) in plan.delete.iter().zip(plan.why).take(MOST_A_RUN - tries) {
            tries += 1;
            match delete(&items[index]) {
                Ok(()) => {
                    gone[index] = true;
                    let (name, start) = (items[index].files.name.clone(), items[index].clip.start);
                    deleted.push(Gone { name, start, why });
                    sight.free = sight.free.saturating_add(items[index].clip.bytes);
                }
                Err(sentence) => {
                    items[index].clip.stays = true;
                    again = true;
                    failed.get_or_insert(sentence);
                }
            }
        }
        let mut gone = gone.into_iter();
        items.retain(|_| !gone.next().unwrap_or(false));
        if !again || tries == MOST_A_RUN {
            return (deleted, failed.or(plan.trouble));
        }
    }
}

mod items;

#[cfg(test)]
mod tests {
    use super::super::remove::Turn;
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    const NOW: &str = "2026-11-22T12:00:00Z";

    fn sight() -> Sight {
        Sight { now: NOW.parse().expect("a time"), clock_trusted: true, free: 1 << 40, total: 1 << 40 }
    }

    fn rules(root: &Path, max_size: u64) -> Rules {
        Rules { dir: root.to_owned(), keep: None, max_size: Some(max_size), min_free: 0, silence: None }
    }

    fn write(root: &Path, files: &[&str]) {
        for file in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(&path, [0; 100]).expect("a file");
        }
    }

    fn protect(path: &Path) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o440)).expect("its mode");
    }

    /// All that is left, below a directory.
    fn left(dir: &Path) -> Vec<String> {
        fn below(dir: &Path, root: &Path, all: &mut Vec<String>) {
            for entry in fs::read_dir(dir).expect("a directory") {
                let path = entry.expect("an entry").path();
                all.push(path.strip_prefix(root).expect("below").display().to_string());
                if path.is_dir() && !path.is_symlink() {
                    below(&path, root, all);
                }
            }
        }
        let mut all = Vec::new();
        below(dir, dir, &mut all);
        all.retain(|name| !fs::symlink_metadata(dir.join(name)).expect("it is there").is_dir());
        all.sort();
        all
    }

    fn named(gone: &[Gone]) -> Vec<&str> {
        gone.iter().map(|gone| gone.name.as_str()).collect()
    }

    const FOREIGN: [&str; 12] = [
        ".lock",
        "2026-11-01/a_2026-11-01_10-00-00+0100.mp4",
        "Holiday/2026-11-01/Holiday_2026-11-01_10-00-00+0100.mp4",
        "a/2026-11-01/a.mp4",
        "a/2026-11-01/a_2026-11-01_10-00-00+0100.mkv",
        "a/2026-11-01/a_2026-11-01_10-00-00+0100_1.mp4",
        "a/2026-11-01/a_2026-11-02_10-00-00+0100.mp4",
        "a/2026-11-01/ab_2026-11-01_10-00-00+0100.mp4",
        "a/2026-11-01/copy of a_2026-11-01_10-00-00+0100.mp4",
        "a/2026-11-01/notes.txt",
        "a/a_2026-11-01_10-00-00+0100.mp4",
        "a/keep/a_2026-11-01_10-00-00+0100.mp4",
    ];

    #[test]
    fn only_what_is_ours_and_may_go_goes() {
        let (place, elsewhere) = (tempfile::tempdir().expect("a place"), tempfile::tempdir().expect("a place"));
        let root = place.path();
        write(root, &FOREIGN);
        let mut stays: Vec<String> = FOREIGN.map(str::to_owned).into();
        let clip = "a/2026-11-01/a_2026-11-01_10-00-00+0100";
        write(
            root,
            &[&format!("{clip}.mp4"), &format!("{clip}.json"), &format!("{clip}.jpg"), &format!("{clip}-2.jpg")],
        );
        write(
            root,
            &["a/2026-11-01/a_2026-11-01_11-00-00+0100_2.mp4", "gone/2026-11-03/gone_2026-11-03_11-00-00Z.json"],
        );
        let protected = "a/2026-11-01/a_2026-11-01_12-00-00+0100";
        let open = "b-1/2026-11-02/b-1_2026-11-02_12-00-00+0100";
        for file in [
            format!("{protected}.mp4"),
            format!("{protected}.json"),
            format!("{open}.mp4.part"),
            format!("{open}.json"),
        ] {
            write(root, &[&file]);
            stays.push(file);
        }
        protect(&root.join(format!("{protected}.mp4")));
        write(elsewhere.path(), &["2026-11-01/link_2026-11-01_10-00-00+0100.mp4", "x.mp4"]);
        symlink(elsewhere.path(), root.join("link")).expect("a link");
        let file_link = "a/2026-11-01/a_2026-11-01_13-00-00+0100.mp4";
        symlink(elsewhere.path().join("x.mp4"), root.join(file_link)).expect("a link");
        stays.extend(["link".to_owned(), file_link.to_owned()]);

        let (deleted, trouble) = tidy(&rules(root, 1), sight(), |item| item.delete(&Turn::default()));
        assert_eq!(named(&deleted), ["a_2026-11-01_10-00-00+0100", "a_2026-11-01_11-00-00+0100_2"]);
        assert!(trouble.is_some_and(|text| text.contains("protected")));
        stays.push("gone/2026-11-03/gone_2026-11-03_11-00-00Z.json".to_owned());
        stays.sort();
        assert_eq!(left(root), stays);
        assert_eq!(left(elsewhere.path()).len(), 2);
    }

    #[test]
    fn the_oldest_go_over_all_cameras_and_their_records_with_them() {
        let place = tempfile::tempdir().expect("a place");
        let names = ["b/2026-11-01/b_2026-11-01_10-00-00+0100", "a/2026-11-02/a_2026-11-02_10-00-00+0100"];
        let orphan = "c/2026-10-31/c_2026-10-31_10-00-00+0100.json";
        let newest = "b/2026-11-22/b_2026-11-22_10-00-00+0100";
        for name in names.iter().chain([&newest]) {
            write(place.path(), &[&format!("{name}.mp4"), &format!("{name}.json")]);
        }
        write(place.path(), &[orphan]);
        let (deleted, trouble) = tidy(&rules(place.path(), 400), sight(), |item| item.delete(&Turn::default()));
        assert_eq!(named(&deleted), ["c_2026-10-31_10-00-00+0100", "b_2026-11-01_10-00-00+0100"]);
        assert_eq!(trouble, None);
        assert_eq!(left(place.path()).len(), 4);

        let deleted = tidy(&rules(place.path(), 0), sight(), |item| item.delete(&Turn::default())).0;
        assert_eq!(deleted.len(), 2);
        assert_eq!(tidy(&rules(place.path(), 0), sight(), |_| Ok(())), (vec![], None), "nothing is left");
        let days = ["c/2026-10-31", "b/2026-11-01", "a/2026-11-02", "b/2026-11-22"];
        assert_eq!(days.map(|day| place.path().join(day).exists()), [false, false, false, true], "today's is in use");
    }

    #[test]
    fn one_clip_that_cannot_be_deleted_does_not_keep_the_others() {
        let place = tempfile::tempdir().expect("a place");
        let names = [1, 2, 3].map(|hour| format!("a_2026-11-01_0{hour}-00-00+0100"));
        for name in &names {
            write(place.path(), &[&format!("a/2026-11-01/{name}.mp4")]);
        }
        let turn = Turn::default();
        let delete =
            |item: &Item| if item.files.name == names[0] { Err("no (do this)".into()) } else { item.delete(&turn) };
        let (deleted, trouble) = tidy(&rules(place.path(), 200), sight(), delete);
        assert_eq!((named(&deleted), trouble.as_deref()), (vec![names[1].as_str()], Some("no (do this)")));
        let never = |_: &Item| Err("no (do this)".into());
        assert_eq!(tidy(&rules(place.path(), 1), sight(), never).0, Vec::new());
    }

    #[test]
    fn a_clip_that_does_not_go_keeps_its_record() {
        let place = tempfile::tempdir().expect("a place");
        let name = "a/2026-11-01/a_2026-11-01_10-00-00+0100";
        write(place.path(), &[&format!("{name}.mp4"), &format!("{name}.json")]);
        let found = items(place.path()).expect("an archive").0;
        protect(&place.path().join(format!("{name}.mp4")));
        assert!(found[0].delete(&Turn::default()).is_err_and(|text| text.contains("read-only")));
        fs::remove_file(place.path().join(format!("{name}.mp4"))).expect("a file");
        fs::create_dir(place.path().join(format!("{name}.mp4"))).expect("a directory that cannot be unlinked");
        assert!(
            found[0]
                .delete(&Turn::default())
                .is_err_and(|text| text.contains("cannot be deleted") && text.ends_with(')'))
        );
        assert!(place.path().join(format!("{name}.json")).exists());
    }

    #[tokio::test]
    async fn it_runs_at_once_and_when_woken_and_says_only_what_is_new() {
        let (place, state) = (tempfile::tempdir().expect("a place"), tempfile::tempdir().expect("a place"));
        let root = place.path().join("archive");
        let write_clip = |hour: u32| write(&root, &[&format!("a/2026-11-01/a_2026-11-01_{hour}-00-00+0100.mp4")]);
        write_clip(10);
        let (set, settings) = watch::channel(rules(&root, 50));
        let (wake, stop) = (Arc::new(Notify::new()), CancellationToken::new());
        let (sender, mut events) = mpsc::channel(8);
        let ring = place.path().join("ring");
        let archive = super::super::Archive::open(&root, ring, state.path(), sender.clone()).await;
        let mut archive = archive.expect("an archive");
        archive.recover(Vec::new()).await;
        let task = tokio::spawn(run(settings, archive.home(), wake.clone(), sender, stop.clone()));
        let gone = |hour: u32| {
            let (name, start) = (format!("a_2026-11-01_{hour}-00-00+0100"), format!("2026-11-01T{hour}:00:00+01:00"));
            let (start, why) =
                (start.parse().expect("a time"), "all clips held 100 B, and archive.max_size allows 50 B");
            Event::Retained { deleted: vec![Gone { name, start, why: why.to_owned() }], trouble: None }
        };
        assert!(matches!(events.recv().await, Some(Event::ArchiveSpace(Ok(space))) if space.total > 0));
        assert_eq!(events.recv().await, Some(gone(10)));
        wake.notify_one();
        assert!(matches!(events.recv().await, Some(Event::ArchiveSpace(Ok(_)))));
        write_clip(11);
        wake.notify_one();
        assert!(matches!(events.recv().await, Some(Event::ArchiveSpace(Ok(_)))), "nothing new was said before");
        assert_eq!(events.recv().await, Some(gone(11)));

        // Its disk is unmounted, and clips of another time lie below the mount point.
        fs::rename(&root, place.path().join("unmounted")).expect("moved");
        write_clip(12);
        set.send_modify(|rules| rules.max_size = Some(1));
        let away = events.recv().await;
        assert!(
            matches!(&away, Some(Event::ArchiveSpace(Err(why))) if why.contains("is its disk mounted?")),
            "{away:?}"
        );
        assert_eq!(left(&root).len(), 1, "it is not ours to delete");
        stop.cancel();
        task.await.expect("it ends");
        archive.finish().await;
        assert_eq!(events.recv().await, None);
    }
}
