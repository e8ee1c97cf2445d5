//! Clips against their records.

use super::super::verify::{Checked, Verdict, all, one};
use super::*;
use sha2::{Digest, Sha256};

/// What is found, by the names' seconds.
fn found(world: &World) -> Vec<(String, Verdict)> {
    let mut found = Vec::new();
    let tell = |checked: Checked| {
        found.push((checked.name["front-door_2026-11-22_".len()..].to_owned(), checked.verdict));
        Ok(())
    };
    all(world.root(), tell).expect("an archive");
    found
}

/// The only sentence about the only clip.
fn only_wrong(world: &World) -> String {
    match found(world).as_slice() {
        [(_, Verdict::Wrong(wrong))] if wrong.len() == 1 && wrong[0].ends_with(')') => wrong[0].clone(),
        other => panic!("{other:?}"),
    }
}

/// A world with a closed clip.
async fn with_a_clip() -> (World, PathBuf) {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), Codec::H264WithBFrames, 6);
    let segments = footage::segments(&world.dir.path().join("slots"), &source);
    world.store(&segments).await;
    let clip = world.close().await;
    (world, clip)
}

#[tokio::test]
async fn every_difference_between_a_clip_and_its_record_is_named() {
    let (world, clip) = with_a_clip().await;
    let (name, record) = ("13-02-31+0000".to_owned(), clip.with_extension("json"));
    assert_eq!(found(&world), [(name.clone(), Verdict::AsRecorded)]);
    let whole = fs::read(&clip).expect("a clip");
    let told = fs::read_to_string(&record).expect("a record");

    for at in [0, 700, whole.len() / 2, whole.len() - 1] {
        let mut rotten = whole.clone();
        rotten[at] ^= 1;
        fs::write(&clip, rotten).expect("written");
        let [(_, Verdict::Wrong(wrong))] = &found(&world)[..] else { panic!("byte {at} was not missed") };
        assert!(
            wrong[0].contains("its bytes have changed since it was stored")
                && wrong.iter().all(|text| text.ends_with(')')),
            "{wrong:?}"
        );
    }
    fs::write(&clip, &whole[..whole.len() - 1]).expect("written");
    let text = only_wrong(&world);
    assert!(text.contains(&format!("it has {} bytes, and {} were stored", whole.len() - 1, whole.len())), "{text}");
    assert!(text.contains("5.0 s of 6.0 s can be read"), "{text}");
    fs::write(&clip, "").expect("written");
    assert!(only_wrong(&world).contains("0.0 s of 6.0 s"));
    fs::write(&clip, &whole).expect("written");

    let mut old: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    old.as_object_mut().and_then(|old| old.remove("blake3")).expect("a hash");
    old["sha256"] = data_encoding::HEXLOWER.encode(&Sha256::digest(&whole)).into();
    fs::write(&record, old.to_string()).expect("written");
    assert_eq!(found(&world), [(name.clone(), Verdict::AsRecorded)], "a record of before there was blake3");
    old["sha256"] = "00".into();
    fs::write(&record, old.to_string()).expect("written");
    assert!(only_wrong(&world).contains(", and it was 00…"));

    for (from, to, words) in [
        ("\"frames\": 150", "\"frames\": 151", "it has 150 pictures, and 151 were stored"),
        ("\"seconds\": 6.", "\"seconds\": 7.", "s long, and 7."),
        ("\"blake3\": \"", "\"blake3\": \"\\u001b[2J", "and it was [2J"),
        ("\"version\": 1", "\"version\": \"\\u001b\"", "is no record"),
        ("{", "{{", "is no record"),
    ] {
        assert!(told.contains(from), "{told}");
        fs::write(&record, told.replacen(from, to, 1)).expect("written");
        let text = only_wrong(&world);
        assert!(text.contains(words), "{words}: {text}");
    }
    let huge = OpenOptions::new().write(true).open(&record).expect("a record");
    huge.set_len(1 << 40).expect("a hole"); // larger than memory
    assert!(only_wrong(&world).contains("more than 4 MiB"));
    fs::remove_file(&record).expect("removed");
    assert!(only_wrong(&world).contains("is not there"));

    fs::write(&record, &told).expect("written");
    fs::remove_file(&clip).expect("removed");
    assert!(only_wrong(&world).contains("its record is there and the clip is not"));
    let checked = one(world.root(), &format!("front-door_2026-11-22_{name}")).expect("its record");
    assert!(matches!(checked.verdict, Verdict::Wrong(_)));
    fs::remove_file(&record).expect("removed");
    assert_eq!(found(&world), []);
}

#[tokio::test]
async fn a_growing_clip_is_checked_as_far_as_its_record_tells() {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), Codec::H264, 6);
    let segments = footage::segments(&world.dir.path().join("slots"), &source);
    world.store(&segments[..2]).await;
    let growing = [("13-02-31+0000".to_owned(), Verdict::Growing)];
    assert_eq!(found(&world), growing);
    let part = world.day().join(&world.files()[1]);
    let whole = fs::read(&part).expect("a clip");
    fs::write(&part, [&whole, &whole[whole.len() - 5000..]].concat()).expect("what is just being written");
    assert_eq!(found(&world), growing);
    fs::write(&part, &whole[..5000]).expect("written");
    assert!(only_wrong(&world).contains("of its 5000 bytes are whole"));
    let mut rotten = whole.clone();
    rotten[2000] ^= 1;
    fs::write(&part, rotten).expect("written");
    assert!(only_wrong(&world).contains("its bytes have changed since it was stored"));
}

#[tokio::test]
async fn only_what_is_ours_is_checked_and_no_link_is_followed() {
    let (world, clip) = with_a_clip().await;
    for name in ["holiday.mp4", "front-door_2026-11-23_10-00-00+0000.mp4", "front-door_2026-11-22_13-02-31+0000.jpg"] {
        fs::write(world.day().join(name), "not ours").expect("written");
    }
    let link = |name: &str| world.day().join(format!("front-door_2026-11-22_{name}+0000.mp4"));
    std::os::unix::fs::symlink("/dev/zero", link("10-00-00")).expect("a link");
    rustix::fs::mkfifoat(rustix::fs::CWD, link("11-00-00"), 0o600.into()).expect("a pipe");
    fs::create_dir(link("12-00-00")).expect("a directory");
    assert_eq!(found(&world).len(), 1);
    for name in ["holiday", "front-door_2026-11-22_10-00-00+0000", "../x", "front-door_2026-11-21_13-02-31+0000"] {
        assert_eq!(one(world.root(), name), None, "{name}");
    }
    let name = clip.file_stem().and_then(|name| name.to_str()).expect("a name");
    assert_eq!(one(world.root(), name).map(|checked| checked.verdict), Some(Verdict::AsRecorded));

    let empty = tempfile::tempdir().expect("a place");
    let none = all(empty.path(), |_| Ok(()));
    assert!(none.is_err_and(|text| text.contains("is its disk mounted?")));
}
