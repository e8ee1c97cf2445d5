//! The list of clips.

use super::*;
use crate::model::question::{ClipQuery, Page};

#[tokio::test]
async fn the_list_is_newest_first_and_shows_only_clips() {
    let mut world = World::new();
    let put = |camera: &str, day: &str, name: &str, bytes: &[u8]| {
        let dir = world.root().join(camera).join(day);
        fs::create_dir_all(&dir).expect("a day");
        fs::write(dir.join(name), bytes).expect("written");
    };
    put("garden", "2026-11-21", "garden_2026-11-21_23-00-00+0000.mp4", b"1234");
    put("garden", "2026-11-22", "garden_2026-11-22_08-00-00+0000.mp4", b"12");
    put("front-door", "2026-11-22", "front-door_2026-11-22_09-00-00+0000.mp4", b"123");
    put("front-door", "2026-11-22", "front-door_2026-11-22_10-00-00+0000.mp4.part", b"1");
    put("front-door", "2026-11-22", "garden_2026-11-22_11-00-00+0000.mp4", b"of another camera");
    put("front-door", "2026-11-22", "notes.mp4", b"not ours");
    put("front-door", "lost+found", "front-door_2026-11-22_12-00-00+0000.mp4", b"no day");
    put("Other Things", "2026-11-22", "a.mp4", b"no camera");
    put("front-door", "2026-11-22", "front-door_2026-11-22_09-00-00+0000.json", b"{\"no\": \"record\"}");
    let mut told = Record::clone(&record(world.start));
    let window = Window { from: world.start, to: world.start + Duration::from_secs(3) };
    told.gaps.push(Gap { window, cause: "no signal".into() });
    told.seconds = 12.5;
    let told = serde_json::to_vec(&told).expect("JSON");
    put("garden", "2026-11-21", "garden_2026-11-21_23-00-00+0000.json", &told);
    let day = world.root().join("garden/2026-11-22");
    std::os::unix::fs::symlink("/etc/passwd", day.join("garden_2026-11-22_13-00-00+0000.mp4")).expect("linked");
    fs::create_dir(day.join("garden_2026-11-22_14-00-00+0000.mp4")).expect("a directory");
    std::os::unix::fs::symlink(&day, world.root().join("linked")).expect("linked");

    let mut list = async |camera: Option<&str>, limit| {
        let camera = camera.map(|name| name.parse().expect("a name"));
        let query = ClipQuery { camera, find: String::new(), page: Page::Newest, limit };
        world.archive.list(RequestId(3), query, CancellationToken::new());
        let Event::ClipsListed { request, result } = world.event().await else { panic!("no list") };
        assert_eq!(request, RequestId(3));
        result.expect("a list").clips
    };
    let short = |clips: &[ClipView]| clips.iter().map(|clip| clip.bytes).collect::<Vec<_>>();
    let all = list(None, 100).await;
    assert_eq!(short(&all), [1, 3, 2, 4]);
    assert_eq!(all.iter().map(|clip| clip.open).collect::<Vec<_>>(), [true, false, false, false]);
    assert_eq!((all[3].length, all[3].missing), (Duration::from_millis(12_500), Duration::from_secs(3)));
    assert_eq!(short(&list(None, 2).await), [1, 3]);
    assert_eq!(short(&list(Some("garden"), 100).await), [2, 4]);
    assert_eq!(short(&list(None, 0).await), [0u64; 0]);
}
