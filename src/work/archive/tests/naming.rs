//! Names of clips: each its own, and nothing that exists is overwritten.

use super::*;

#[tokio::test]
async fn clips_of_the_same_second_get_names_of_their_own_and_nothing_is_overwritten() {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), Codec::H264, 3);
    let slot = footage::segments(&world.dir.path().join("slots"), &source)[0].clone();
    let name = "front-door_2026-11-22_13-02-31+0000";
    fs::create_dir_all(world.day()).expect("a day");
    fs::write(world.day().join(format!("{name}.mp4")), "old").expect("written");
    fs::write(world.day().join(format!("{name}_2.json")), "old").expect("written");
    fs::write(world.day().join(format!("{name}_3.mp4.part")), "old").expect("written");
    for number in 0..6 {
        world.claim(number, &slot, 0.0);
        world.order(ClipId(number), number, 0, 0.0);
        world.archive.close_clip(ClipId(number), record(world.start));
    }
    let mut closed = Vec::new();
    while closed.len() < 6 {
        if let Event::ClipClosed { result, .. } = world.event().await {
            closed.push(result.expect("closed"));
        }
    }
    closed.sort();
    let path = |count| world.day().join(format!("{name}_{count}.mp4")).display().to_string();
    assert_eq!(closed, (4..10).map(path).collect::<Vec<_>>());
    for old in [".mp4", "_2.json", "_3.mp4.part"] {
        assert_eq!(fs::read(world.day().join(format!("{name}{old}"))).expect("still there"), b"old");
    }
}

#[tokio::test]
async fn a_foreign_file_under_the_final_name_stays() {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), Codec::H264, 3);
    let slot = footage::segments(&world.dir.path().join("slots"), &source)[0].clone();
    world.claim(0, &slot, 0.0);
    world.append(0, 0, 0.0).await;
    let done = world.day().join("front-door_2026-11-22_13-02-31+0000.mp4");
    fs::write(&done, "foreign").expect("written");
    world.archive.close_clip(CLIP, record(world.start));
    let Event::ClipClosed { result: Err(text), .. } = world.event().await else { panic!("closed over it") };
    assert!(text.contains("exists already"), "{text}");
    assert_eq!(fs::read(&done).expect("still there"), b"foreign");
    fs::remove_file(&done).expect("moved away");
    assert_eq!(world.close().await, done);
}
