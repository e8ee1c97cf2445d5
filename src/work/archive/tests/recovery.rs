//! What a crash leaves.

use super::*;

#[tokio::test]
async fn a_clip_is_finished_wherever_the_last_append_was_cut() {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), Codec::H264WithBFrames, 6);
    let segments = footage::segments(&world.dir.path().join("slots"), &source);
    let healthy = undisturbed(&segments, &source).await;
    world.store(&segments[..1]).await;
    let before = fs::metadata(world.day().join(&world.files()[1])).expect("a clip").len();
    world.claim(1, &segments[1], 4.0);
    world.append(1, 0, 2.0).await;
    let part = world.day().join(&world.files()[1]);
    let (whole, json) = (fs::read(&part).expect("a clip"), fs::read(part.with_file_name(&world.files()[0])));
    let json = json.expect("a record");

    let before = before as usize;
    let heads = before..before + 2000; // where boxes begin
    let offsets = (before..whole.len()).step_by(701).chain(heads.step_by(37)).chain([whole.len()]);
    for cut in offsets {
        fs::remove_dir_all(world.day()).expect("gone");
        fs::create_dir(world.day()).expect("a day");
        fs::write(&part, &whole[..cut]).expect("written");
        fs::write(world.day().join("front-door_2026-11-22_13-02-31+0000.json"), &json).expect("written");
        world.claim(1, &segments[1], 4.0);
        world.claim(2, &segments[2], 6.0);
        let (again, recovered) = world.restart().await;
        world = again;
        assert_eq!(recovered.waiting, []);
        assert_eq!(recovered.clips.len(), 1, "cut at {cut}: {:?}", recovered.sentences);
        let clip = PathBuf::from(&recovered.clips[0].path);
        assert_eq!(blake3_of(&clip), healthy, "cut at {cut}");
        let record = read_record(&clip);
        assert_eq!((record.state, record.gaps.len()), (ClipState::Interrupted, 1));
        assert_eq!(record.blake3.as_deref(), Some(healthy.as_str()));
        assert!(!world.claimed(1).exists() && !world.claimed(2).exists());
    }
}

#[tokio::test]
async fn it_is_said_what_ram_still_held_of_a_clip_and_how_long_that_is() {
    for (left, words) in [
        (0, "finished as it was, for nothing claimed for it was left in RAM; it is 2 s long"),
        (1, "finished with 1 more segment from RAM; it is 4 s long"),
        (2, "finished with 2 more segments from RAM; it is 6 s long"),
    ] {
        let mut world = World::new();
        let source = footage::make(world.dir.path(), Codec::H264, 6);
        let segments = footage::segments(&world.dir.path().join("slots"), &source);
        world.store(&segments[..1]).await;
        for number in 1..=left {
            world.claim(number, &segments[number as usize], 2.0 + 2.0 * number as f64);
        }
        let (_world, recovered) = world.restart().await;
        assert!(recovered.sentences.iter().any(|text| text.contains(words)), "{left}: {:?}", recovered.sentences);
    }
}

#[tokio::test]
async fn what_fits_nowhere_becomes_a_clip_of_its_own() {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), Codec::H264, 8);
    let segments = footage::segments(&world.dir.path().join("slots"), &source);
    world.store(&segments[..1]).await;
    world.claim(1, &segments[0], 60.0); // the same footage again, from another life a minute later
    fs::write(world.claimed(1), recoded(&world, 3)).expect("written");
    world.claim(2, &segments[2], 106.0);
    world.claim(3, &segments[3], 108.0);
    fs::write(world.claimed(4), "nonsense").expect("written");
    let (world, recovered) = world.restart().await;
    assert_eq!(recovered.waiting, []);
    assert!(recovered.sentences.iter().any(|text| text.contains("#4") && text.contains("holds nothing")));
    let frames = |clip: &ClipView| footage::packets(Path::new(&clip.path))[&0].len();
    assert_eq!(recovered.clips.iter().map(frames).sum::<usize>(), 50 + 50 + 50 + 50);
    assert_eq!(recovered.clips.len(), 3);
    assert!(recovered.clips.iter().all(|clip| !clip.open && footage::complaints(Path::new(&clip.path)).is_empty()));
    assert!(world.files().iter().all(|name| !name.ends_with(".part")));
}

/// A segment of other footage with times from 0.
fn recoded(world: &World, seconds: u32) -> Vec<u8> {
    let source = footage::make(world.dir.path(), Codec::H264WithBFrames, seconds);
    fs::read(&footage::segments(&world.dir.path().join("other"), &source)[0]).expect("a segment")
}

#[tokio::test]
async fn empty_parts_go_and_unreadable_ones_stay() {
    let world = World::new();
    fs::create_dir_all(world.day()).expect("a day");
    let file = |name: &str| world.day().join(format!("front-door_2026-11-22_{name}+0000.mp4.part"));
    fs::write(file("10-00-00"), "").expect("written");
    fs::write(file("11-00-00"), b"\0\0\0\x1cftypisom").expect("written"); // cut off in its first box
    fs::write(file("12-00-00"), b"\0\0\0\x04moov: damaged beyond reading").expect("written");
    fs::write(world.day().join("front-door_2026-11-22_10-00-00+0000.json.tmp"), "{").expect("written");
    fs::write(world.day().join("holiday.mp4.part"), "not ours").expect("written");
    let (world, recovered) = world.restart().await;
    assert_eq!(world.files(), ["front-door_2026-11-22_12-00-00+0000.mp4.part", "holiday.mp4.part"]);
    assert_eq!(recovered.sentences.len(), 3, "{:?}", recovered.sentences);
    assert!(recovered.sentences.iter().any(|text| text.contains("stays as it is")));
}

#[tokio::test]
async fn a_crash_before_the_last_rename_only_costs_the_name() {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), Codec::H264, 3);
    let segments = footage::segments(&world.dir.path().join("slots"), &source);
    world.store(&segments).await;
    let clip = world.close().await;
    let told = read_record(&clip);
    let part = clip.with_extension("mp4.part");
    for by_link in [false, true] {
        // Where renaming needs a link, the crash may also come between link and unlink.
        if by_link { fs::hard_link(&clip, &part) } else { fs::rename(&clip, &part) }.expect("as the crash left it");
        let (again, recovered) = world.restart().await;
        world = again;
        assert_eq!(recovered.sentences.len(), 1, "{:?}", recovered.sentences);
        assert!(clip.exists() && !part.exists());
        assert_eq!(read_record(&clip), told);
    }
}

#[tokio::test]
async fn without_a_record_a_clip_is_finished_and_its_leftovers_are_filed_beside_it() {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), Codec::H264, 6);
    let segments = footage::segments(&world.dir.path().join("slots"), &source);
    world.store(&segments[..2]).await;
    world.claim(2, &segments[2], 6.0);
    fs::remove_file(world.day().join(&world.files()[0])).expect("the record");
    let (_world, recovered) = world.restart().await;
    let mut frames: Vec<u64> = recovered.clips.iter().map(|clip| read_record(Path::new(&clip.path)).frames).collect();
    frames.sort();
    assert_eq!(frames, [50, 100]);
}

#[tokio::test]
async fn other_footage_of_the_same_times_is_not_taken_for_a_duplicate() {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), Codec::H264, 5);
    let segments = footage::segments(&world.dir.path().join("slots"), &source);
    world.store(&segments).await;
    let mut other = fs::read(&segments[1]).expect("a segment");
    let footage = other.windows(4).position(|kind| kind == b"mdat").expect("footage") + 1000;
    other[footage] ^= 1;
    world.claim(1, &segments[1], 4.0); // stored before the crash and not yet removed
    world.claim(2, &segments[1], 4.0);
    fs::write(world.claimed(2), &other).expect("written");
    let (_world, recovered) = world.restart().await;
    let mut frames: Vec<u64> = recovered.clips.iter().map(|clip| read_record(Path::new(&clip.path)).frames).collect();
    frames.sort();
    assert_eq!(frames, [50, 125]);
}
