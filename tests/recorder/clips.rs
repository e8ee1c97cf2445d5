//! Real clips, as somebody at a monitor turns over their pages, keeps one and deletes another.

use super::feed::Feed;
use super::material::{Kind, Material};
use super::nvr_process::{Nvr, Place};
use super::smtp::lettre;
use nvr::model::command::{Answer, Command};
use nvr::model::question::{ClipDetails, ClipKey, ClipPage, ClipQuery, Found, Page, Question};
use nvr::model::record::ClipState;
use nvr::model::snapshot::ClipView;

async fn page(nvr: &Nvr, page: Page, find: &str, limit: u32) -> ClipPage {
    let query = ClipQuery { camera: None, find: find.to_owned(), page, limit };
    match nvr.ask(Question::Clips(query)).await {
        Found::Clips(page) => page,
        other => panic!("{other:?}"),
    }
}

/// Every clip, newest first, met one by one from one end.
async fn all(nvr: &Nvr, end: Page) -> Vec<ClipView> {
    let on = if end == Page::Newest { Page::Older } else { Page::Newer };
    let (mut met, mut next) = (Vec::new(), end.clone());
    loop {
        let page = page(nvr, next, "", 1).await;
        met.extend(page.clips);
        match page.more {
            Some(key) => next = on(key),
            None => break,
        }
    }
    if end == Page::Oldest {
        met.reverse();
    }
    met
}

async fn details(nvr: &Nvr, clip: &str) -> ClipDetails {
    match nvr.ask(Question::Clip(clip.to_owned())).await {
        Found::Clip(details) => *details,
        other => panic!("{other:?}"),
    }
}

async fn refused(nvr: &Nvr, order: Command) -> String {
    match nvr.client.ask(order).await.expect("an answer") {
        Answer::Refused(why) if why.ends_with(')') => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn clips_are_paged_through_found_protected_and_deleted() {
    let feed = Feed::start(Material::get(Kind::H264, 150));
    let mut place = Place::new(feed.camera("front-door"));
    place.trigger = "pre_roll = '1s'\npost_roll = '1s'\n".to_owned();
    let mut nvr = place.start().await;
    nvr.recording(3).await;
    for count in 1..=3 {
        match count {
            2 => lettre(&nvr, "front-door", "Bewegung: Haustür").await,
            _ => drop(nvr.trigger("front-door").await),
        }
        nvr.quiet(count).await;
    }
    let clips = nvr.picture().clips.clone();
    assert_eq!((all(&nvr, Page::Newest).await, all(&nvr, Page::Oldest).await), (clips.clone(), clips.clone()));
    let [newest, mail, oldest] = &clips[..] else { panic!("three clips: {clips:#?}") };
    assert_eq!(page(&nvr, Page::Older(ClipKey::of(newest)), "", 9).await.clips, clips[1..]);
    let found = page(&nvr, Page::Newest, "HAUSTÜR mail", 9).await;
    assert_eq!((&found.clips[..], found.more), (&clips[1..2], None));

    let shown = details(&nvr, &mail.name).await;
    let record = shown.record.expect("a record");
    assert_eq!(
        (&shown.clip, record.state, record.bytes, shown.pictures.len()),
        (mail, ClipState::Closed, mail.bytes, 0)
    );

    // One that grows is shown as it is, and stays.
    nvr.trigger("front-door").await;
    let growing = nvr.until("a growing clip", |it| it.clips.iter().find(|clip| clip.open).cloned()).await;
    let first = &page(&nvr, Page::Newest, "", 1).await.clips[0];
    assert!(first.open && ClipKey::of(first) == ClipKey::of(&growing), "{first:?}");
    let why = refused(&nvr, Command::Delete { clip: growing.name.clone() }).await;
    assert!(why.contains("still grows") || why.contains("is not closed yet"), "{why}");
    nvr.quiet(4).await;

    let protect = |protected| Command::Protect { clip: mail.name.clone(), protected };
    let delete = |clip: &ClipView| Command::Delete { clip: clip.name.clone() };
    nvr.order(protect(true)).await;
    nvr.until("a protected clip", |it| it.clips.iter().find(|clip| clip.protected).map(|_| ())).await;
    assert!(details(&nvr, &mail.name).await.clip.protected);
    assert!(refused(&nvr, delete(mail)).await.contains("unprotect it first"));
    nvr.order(delete(oldest)).await;
    assert!(refused(&nvr, delete(oldest)).await.contains("there is no clip"));
    let gone = nvr.until("two deletions less", |it| (it.clips.len() == 3).then(|| it.clips.clone())).await;
    assert_eq!(all(&nvr, Page::Oldest).await, gone);
    nvr.stop().await;

    // What was protected is so for the next recorder.
    let mut nvr = place.start().await;
    let known = nvr.until("clips", |it| (it.clips.len() == 3).then(|| it.clips.clone())).await;
    assert_eq!(known.iter().filter(|clip| clip.protected).map(|clip| &clip.name).collect::<Vec<_>>(), [&mail.name]);
    nvr.order(protect(false)).await;
    nvr.order(delete(mail)).await;
    nvr.stop().await;
    place.assert_tidy();
    let left: Vec<_> = place.clips().into_iter().map(|clip| clip.path).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}
