//! The list of clips, page by page, against one that is simply sorted.

use super::super::names;
use super::*;
use crate::model::record::{MailTrigger, Record, Trigger, TriggerKind};
use crate::model::time::Window;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// A clip that somebody has stored.
#[derive(Debug, Clone)]
struct Made {
    camera: &'static str,
    /// Seconds after a Saturday evening on which summer time ends.
    second: i64,
    /// Hours from UTC; `None`: a zone with summer time.
    zone: Option<i8>,
    count: u32,
    subject: &'static str,
    open: bool,
}

const CAMERAS: [&str; 3] = ["a", "b", "b-2"];
const SUBJECTS: [&str; 4] = ["", "Motion Detected", "Bewegung ERKANNT: Straße ÄÖ", "ДВИЖЕНИЕ οδός"];

fn made() -> impl Strategy<Value = Made> {
    let place = (prop::sample::select(&CAMERAS[..]), prop_oneof![-9_000i64..9_000, -300_000i64..300_000]);
    let zone = prop_oneof![3 => Just(None), 1 => (-12i8..=14).prop_map(Some)];
    (place, zone, 1u32..3, prop::sample::select(&SUBJECTS[..]), any::<bool>())
        .prop_map(|((camera, second), zone, count, subject, open)| Made { camera, second, zone, count, subject, open })
}

fn evening() -> Wall {
    "2026-10-24T22:30:00Z".parse().expect("a time")
}

impl Made {
    fn at(&self) -> Wall {
        evening() + SignedDuration::from_secs(self.second)
    }

    /// Puts it there and answers its place in the list.
    fn put(&self, root: &Path) -> ClipKey {
        let camera: CameraName = self.camera.parse().expect("a name");
        let summer = || TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
        let zone = self.zone.map_or_else(summer, |hours| TimeZone::fixed(jiff::tz::offset(hours)));
        let files = names::files(root, &camera, self.at(), &zone, self.count);
        fs::create_dir_all(&files.dir).expect("a day");
        fs::write(if self.open { files.part() } else { files.done() }, "").expect("a clip");
        if !self.subject.is_empty() {
            let text = |text: &str| text.to_owned();
            let (peer, from, to, subject) = (text("10.0.0.1"), text("cam@home"), text("a@nvr"), text(self.subject));
            let mut record = Record::empty(camera, Window { from: self.at(), to: self.at() });
            record.triggers.push(Trigger {
                at: self.at(),
                kind: TriggerKind::Mail(MailTrigger { peer, from, to, subject, ..MailTrigger::default() }),
            });
            fs::write(files.record(), serde_json::to_vec(&record).expect("JSON")).expect("a record");
        }
        ClipKey { start: self.at(), name: files.name }
    }
}

fn place() -> TempDir {
    tempfile::tempdir().expect("a place")
}

/// Stores all and answers the whole list, newest first.
fn store(root: &Path, clips: &[Made]) -> Vec<ClipKey> {
    let mut list: Vec<ClipKey> = clips.iter().map(|clip| clip.put(root)).collect();
    list.sort();
    list.dedup(); // the same name
    list.reverse();
    list
}

fn ask(root: &Path, page: Page, limit: u32) -> ClipPage {
    let query = ClipQuery { camera: None, find: String::new(), page, limit };
    super::page(root, &query, Duration::MAX).expect("a page")
}

fn keys(page: &ClipPage) -> Vec<ClipKey> {
    page.clips.iter().map(ClipKey::of).collect()
}

/// Goes on from a page to the end, and answers all that was met, in the order of the list; and in how many pages.
fn walk(root: &Path, query: &ClipQuery, patience: Duration) -> (Vec<ClipKey>, usize) {
    let (mut met, mut query, mut pages) = (Vec::new(), query.clone(), 0);
    loop {
        let page = super::page(root, &query, patience).expect("a page");
        assert!(page.clips.len() <= query.limit as usize);
        pages += 1;
        let on: fn(ClipKey) -> Page = match query.page {
            Page::Newest | Page::Older(_) => {
                met.extend(keys(&page));
                Page::Older
            }
            Page::Newer(_) | Page::Oldest => {
                met.splice(0..0, keys(&page));
                Page::Newer
            }
        };
        let Some(more) = page.more else { return (met, pages) };
        query.page = on(more);
        assert!(pages < 1_000, "it leads nowhere: {:?}", query.page);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pages_in_both_directions_are_the_sorted_list(
        clips in prop::collection::vec(made(), 0..40),
        limit in 1u32..12,
        only in prop::option::of(prop::sample::select(&CAMERAS[..])),
        hasty in any::<bool>(),
    ) {
        let place = place();
        let root = place.path();
        let mut list = store(root, &clips);
        list.retain(|key| only.is_none_or(|only| key.name.starts_with(&format!("{only}_"))));
        let camera = only.map(|only| only.parse().expect("a name"));
        let query = |page| ClipQuery { camera: camera.clone(), find: String::new(), page, limit };
        let patience = if hasty { Duration::ZERO } else { Duration::MAX };
        for page in [Page::Newest, Page::Oldest] {
            let (met, pages) = walk(root, &query(page), patience);
            prop_assert_eq!(&met, &list);
            // Nobody is sent on to a page that has nothing.
            let size = if hasty { 1 } else { limit as usize };
            prop_assert_eq!(pages, list.len().div_ceil(size).max(1));
        }
        // From anywhere: from a clip, from between clips, and from one that is no more.
        let from: Vec<ClipKey> = list.iter().step_by(3).cloned().chain((-3..4).map(|hours| {
            ClipKey { start: evening() + SignedDuration::from_secs(hours * 3_601), name: "b".to_owned() }
        })).collect();
        for key in from {
            let (older, newer): (Vec<_>, Vec<_>) = list.iter().filter(|it| **it != key).cloned().partition(|it| *it < key);
            prop_assert_eq!(walk(root, &query(Page::Older(key.clone())), patience).0, older);
            prop_assert_eq!(walk(root, &query(Page::Newer(key)), patience).0, newer);
        }
    }

    #[test]
    fn what_is_found_is_what_the_words_are_in(
        clips in prop::collection::vec(made(), 0..30),
        words in prop::sample::select(&["motion", "DETECTED  motion", "mail b_", "straße äö", "движение", "ΟΔΌΣ", "2026-10-25", "nothing"][..]),
        limit in 1u32..5,
        hasty in any::<bool>(),
    ) {
        let place = place();
        let list = store(place.path(), &clips);
        let all = super::newest(place.path(), None, 1_000).expect("a list");
        prop_assert_eq!(all.len(), list.len());
        let fold = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<String>();
        let has = |clip: &&ClipView| {
            let text = fold(&format!("{}\n{}\n{}", clip.name, clip.trigger, clip.subject));
            fold(words).split(' ').all(|word| text.contains(word))
        };
        let expected: Vec<_> = all.iter().filter(has).map(ClipKey::of).collect();
        let patience = if hasty { Duration::ZERO } else { Duration::MAX };
        for page in [Page::Newest, Page::Oldest] {
            let query = ClipQuery { camera: None, find: words.to_owned(), page, limit };
            prop_assert_eq!(&walk(place.path(), &query, patience).0, &expected);
        }
    }
}

#[test]
fn a_page_of_nothing_says_whether_there_is_anything() {
    let place = place();
    assert_eq!(ask(place.path(), Page::Newest, 0), ClipPage { clips: vec![], more: None });
    let key = Made { camera: "a", second: 0, zone: None, count: 1, subject: "", open: false }.put(place.path());
    for (page, on) in [(Page::Newest, Page::Older as fn(ClipKey) -> Page), (Page::Oldest, Page::Newer)] {
        let nothing = ask(place.path(), page, 0);
        assert_eq!(nothing.clips, []);
        assert_eq!(keys(&ask(place.path(), on(nothing.more.expect("more")), 1)), std::slice::from_ref(&key));
    }
    assert_eq!(ask(place.path(), Page::Older(key.clone()), 0).more, None);
    assert_eq!(ask(place.path(), Page::Newer(key), 0).more, None);
}

#[test]
fn a_search_has_an_end() {
    let place = place();
    let query = |find| ClipQuery { camera: None, find, page: Page::Newest, limit: 1 };
    assert!(super::page(place.path(), &query("ж".repeat(200)), Duration::MAX).is_ok());
    let text = super::page(place.path(), &query("ж".repeat(201)), Duration::MAX).expect_err("refused");
    assert!(text.contains("200 characters") && text.ends_with(')'), "{text}");
}

/// A year of clips, a day's each; a page reads as many days as it shows, and a few more at its edges.
#[test]
fn a_page_reads_no_more_days_than_it_needs() {
    let place = place();
    let day = |day: i64| Made { camera: "a", second: day * 86_400, zone: Some(0), count: 1, subject: "", open: false };
    let list = store(place.path(), &(0..365).map(day).collect::<Vec<_>>());
    let middle = list[182].clone();
    for page in [Page::Newest, Page::Oldest, Page::Older(middle.clone()), Page::Newer(middle)] {
        let days = catalog::days(place.path(), None).expect("an archive");
        let mut walk = Walk::new(days, &page, 20);
        let before = walk.read;
        assert_eq!((0..20).map_while(|_| walk.next()).count(), 20);
        assert!(walk.read - before <= 26, "{page:?}: {}", walk.read - before);
        assert!(walk.waiting.len() <= 20);
    }
}

/// One camera's directory with more clips than a page: only so many names are kept.
#[test]
fn a_crowded_day_is_kept_in_mind_only_as_far_as_the_page_goes() {
    let place = place();
    let clip = |second| Made { camera: "a", second, zone: Some(0), count: 1, subject: "", open: false };
    let list = store(place.path(), &(0..3_000).map(clip).collect::<Vec<_>>());
    let mut walk = Walk::new(catalog::days(place.path(), None).expect("an archive"), &Page::Newest, 6);
    assert_eq!(walk.next().map(|(key, _)| key).as_ref(), list.first());
    assert_eq!(walk.waiting.len(), 5);
    assert_eq!(keys(&ask(place.path(), Page::Older(list[1_000].clone()), 7)), list[1_001..1_008]);
}

#[test]
fn a_clip_that_is_just_being_closed_shows_once_and_one_that_vanishes_not_at_all() {
    let place = place();
    let made = |second| Made { camera: "a", second, zone: Some(0), count: 1, subject: "", open: true };
    let list = store(place.path(), &[made(0), made(60), made(120)]);
    let file = |key: &ClipKey, ending: &str| {
        let (_, _, files) = names::find(place.path(), &key.name).expect("a name");
        files.dir.join(format!("{}{ending}", files.name))
    };
    // Renaming by a link: for a moment there are both names.
    fs::hard_link(file(&list[1], ".mp4.part"), file(&list[1], ".mp4")).expect("linked");
    let page = ask(place.path(), Page::Newest, 10);
    assert_eq!(
        (keys(&page), page.clips.iter().map(|clip| clip.open).collect()),
        (list.clone(), vec![true, false, true])
    );

    // Between reading the names and looking at the files.
    let mut walk = Walk::new(catalog::days(place.path(), None).expect("an archive"), &Page::Newest, 9);
    let (_, closing) = walk.next().expect("a clip");
    fs::rename(file(&list[0], ".mp4.part"), file(&list[0], ".mp4")).expect("closed");
    let (_, _) = walk.next().expect("a clip");
    fs::remove_file(file(&list[2], ".mp4.part")).expect("deleted");
    let (_, vanished) = walk.next().expect("a clip");
    assert_eq!(catalog::listed(&closing).map(|clip| (clip.name, clip.open)), Some((list[0].name.clone(), false)));
    assert_eq!(catalog::listed(&vanished), None);
}

/// Clips that come and go meanwhile never make another one show twice or not at all.
#[test]
fn those_that_stay_show_once_whatever_else_comes_and_goes() {
    let place = place();
    let clip = |second, camera| Made { camera, second, zone: None, count: 1, subject: "", open: false };
    let stays = store(place.path(), &(-30..30).map(|n| clip(n * 3_000, "a")).collect::<Vec<_>>());
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _ends = Ends(&stop);
        scope.spawn(|| {
            for n in (-600..600).cycle() {
                let key = clip(n * 150 + 7, "b").put(place.path());
                let (_, _, files) = names::find(place.path(), &key.name).expect("a name");
                if n % 3 > 0 {
                    fs::remove_file(files.done()).expect("deleted");
                }
                if stop.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        for (page, limit) in [Page::Newest, Page::Oldest].into_iter().cycle().zip([2, 3, 7, 50]) {
            let query = ClipQuery { camera: None, find: String::new(), page, limit };
            let (mut met, _) = walk(place.path(), &query, Duration::MAX);
            assert!(met.is_sorted_by(|a, b| a > b));
            met.retain(|key| key.name.starts_with("a_"));
            assert_eq!(met, stays);
        }
    });
}

/// Ends the others when it goes, also by a panic.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
