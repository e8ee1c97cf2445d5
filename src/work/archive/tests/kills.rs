//! A kill at every step: what the files are then is kept, and a recovery is made of each of these states.

use super::super::disk::Place;
use super::super::source::Walker;
use super::*;
use crate::model::fmp4::Part;
use std::time::SystemTime;

/// Who looks at every step below a directory.
type Witness = (PathBuf, Arc<dyn Fn() + Send + Sync>);

static WITNESSES: Mutex<Vec<Witness>> = Mutex::new(Vec::new());

/// Something below `path` is about to change.
pub fn step(path: &Path) {
    let witnesses = WITNESSES.lock().expect("no panic").clone();
    witnesses.iter().filter(|(dir, _)| path.starts_with(dir)).for_each(|(_, look)| look());
}

/// A disk whose every step can be seen.
pub(super) struct Seen;

struct SeenFile(File, PathBuf);

impl Disk for Seen {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Medium>> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        Ok(Box::new(SeenFile(file, path.to_owned())))
    }

    fn reopen(&self, path: &Path) -> io::Result<Box<dyn Medium>> {
        let file = OpenOptions::new().write(true).open(path)?;
        Ok(Box::new(SeenFile(file, path.to_owned())))
    }
}

impl Medium for SeenFile {
    fn write(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut done = 0;
        for end in (1..=6).map(|part| bytes.len() * part / 6) {
            step(&self.1);
            Medium::write(&mut self.0, &bytes[done..end], at + done as u64)?;
            done = end;
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        step(&self.1);
        self.0.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        step(&self.1);
        self.0.set_len(length)
    }

    fn place(&self) -> io::Result<Place> {
        self.0.place()
    }
}

/// Copies a tree with its dates.
pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let (from, to) = entry.map(|entry| (entry.path(), to.join(entry.file_name()))).expect("an entry");
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).expect("copied");
            let date: SystemTime = fs::metadata(&from).and_then(|meta| meta.modified()).expect("dated");
            OpenOptions::new().write(true).open(&to).and_then(|file| file.set_modified(date)).expect("dated");
        }
    }
}

/// The footage of a file, fragment by fragment, without the times in front of it.
pub(super) fn fragments(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).expect("a clip");
    let mut walker = Walker::open(path).expect("a clip");
    let mut found = Vec::new();
    while let Some(part) = walker.next().expect("whole") {
        if let Part::Fragment(fragment) = part {
            let range = (fragment.range.start + fragment.moof) as usize..fragment.range.end as usize;
            found.push(blake3::hash(&bytes[range]).to_string());
        }
    }
    found
}

/// The bytes of its fragments.
pub(super) fn without_header(path: &Path) -> Vec<u8> {
    let mut walker = Walker::open(path).expect("a segment");
    while let Some(part) = walker.next().expect("whole") {
        if let Part::Fragment(fragment) = part {
            return fs::read(path).expect("a segment").split_off(fragment.range.start as usize);
        }
    }
    panic!("{} has no fragment", path.display())
}

fn ending(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    found.retain(|path| path.to_str().is_some_and(|path| path.ends_with(ending)));
    found.sort();
    found
}

/// The places as they were at an instant.
pub(super) struct Instant {
    pub dir: PathBuf,
}

impl Instant {
    pub fn day(&self) -> PathBuf {
        self.dir.join("archive/front-door/2026-11-22")
    }

    /// Starts a recorder there, which may itself be looked at.
    pub async fn recover(&self) -> Recovered {
        self.recover_with(Vec::new()).await
    }

    /// The same with what the killed recorder's memory tells.
    pub async fn recover_with(&self, grew: Vec<Grew>) -> Recovered {
        let (sender, _events) = mpsc::channel(100);
        let (root, ring) = (self.dir.join("archive"), self.dir.join("ring"));
        let state = self.dir.join("state");
        let archive = Archive::on(&root, (ring, &state), sender, TimeZone::UTC, Box::new(Seen));
        archive.expect("an archive").recover(grew).await
    }

    /// Recovers and expects all footage once, in `most` clips or fewer.
    async fn expect(&self, all: &[String], most: usize, what: &str) -> Vec<(PathBuf, Record)> {
        let recovered = self.recover().await;
        let clips = ending(&self.day(), ".mp4");
        let mut found: Vec<String> = clips.iter().flat_map(|clip| fragments(clip)).collect();
        found.sort();
        assert!(found == all, "{what}: {} of {} fragments: {recovered:?}", found.len(), all.len());
        assert!(clips.len() <= most, "{what}: {} clips: {recovered:?}", clips.len());
        assert_eq!(recovered.waiting, [], "{what}");
        assert_eq!(ending(&self.day(), ".part").len(), 0, "{what}");
        let claims = places::claims(&self.dir.join("ring"), &camera());
        assert_eq!(fs::read_dir(claims).expect("claims").count(), 0, "{what}");
        let clips = clips.into_iter().map(|clip| {
            let record = read_record(&clip);
            assert_eq!(record.blake3.as_deref(), Some(blake3_of(&clip).as_str()), "{what}");
            (clip, record)
        });
        clips.collect()
    }
}

/// Keeps what a kill would leave at each step below `dir` while something is done, and at its end.
pub(super) struct Film {
    frames: Arc<Mutex<Vec<Instant>>>,
    dir: PathBuf,
    to: PathBuf,
}

impl Film {
    pub fn of(dir: &Path, to: PathBuf) -> Film {
        let film = Film { frames: Arc::default(), dir: dir.canonicalize().expect("there"), to };
        let (frames, dir, to) = (film.frames.clone(), film.dir.clone(), film.to.clone());
        let look = move || shoot(&frames, &dir, &to);
        WITNESSES.lock().expect("no panic").push((film.dir.clone(), Arc::new(look)));
        film
    }

    pub fn end(self) -> Vec<Instant> {
        WITNESSES.lock().expect("no panic").retain(|(dir, _)| *dir != self.dir);
        shoot(&self.frames, &self.dir, &self.to);
        std::mem::take(&mut *self.frames.lock().expect("no panic"))
    }
}

fn shoot(frames: &Mutex<Vec<Instant>>, dir: &Path, to: &Path) {
    let mut frames = frames.lock().expect("no panic");
    let to = to.join(frames.len().to_string());
    for name in ["archive", "ring"] {
        copy(&dir.join(name), &to.join(name));
    }
    frames.push(Instant { dir: to });
}

/// A clip's life with a restart of FFmpeg in it, its event over before its last segment is there.
struct Story {
    _place: tempfile::TempDir,
    frames: Vec<Instant>,
    all: Vec<String>,
}

impl Story {
    /// `jump`: the stream's clock jumps back inside the last segment.
    async fn film(jump: bool) -> Story {
        let place = tempfile::tempdir().expect("a place");
        let mut world = World::on(Box::new(Seen));
        let first = footage::make(place.path(), Codec::H264WithBFrames, 4);
        let mut segments = footage::segments(&place.path().join("slots"), &first);
        let second = footage::make(place.path(), Codec::H264WithBFrames, 5);
        let more = footage::segments(&place.path().join("more"), &second);
        if jump {
            let mut jumping = fs::read(&more[2]).expect("a segment");
            jumping.extend(without_header(&more[0]));
            fs::write(&more[2], jumping).expect("written");
        }
        segments.extend(more.into_iter().skip(1));
        let offsets = [0.0, 2.0, 30.0, 32.0];
        assert_eq!(segments.len(), offsets.len());
        let mut all: Vec<String> = segments.iter().flat_map(|segment| fragments(segment)).collect();
        all.sort();
        for (number, (path, offset)) in segments.iter().zip(offsets).enumerate() {
            world.claim(number as u64, path, offset + if number == 3 { 1.0 } else { 2.0 });
        }
        let film = Film::of(world.dir.path(), place.path().join("film"));
        let mut told = Record::clone(&record(world.start));
        (told.more_triggers, told.asked.to) = (3, world.start + Duration::from_secs(32));
        for (number, offset) in offsets.into_iter().enumerate() {
            let (wall, offset, number) = (world.start, Duration::from_secs_f64(offset), number as u64);
            if number == 1 {
                told.state = ClipState::Closed;
                world.archive.save_record(CLIP, Arc::new(told.clone()));
            }
            let (run, record) = (RunId(number / 2), Arc::new(told.clone()));
            world.archive.append(Append { clip: CLIP, segment: segment(number), run, wall, offset, record });
            while !matches!(world.event().await, Event::Appended { .. }) {}
        }
        world.archive.save_record(CLIP, Arc::new(told.clone()));
        world.archive.close_clip(CLIP, Arc::new(told));
        assert!(matches!(world.event().await, Event::ClipClosed { result: Ok(_), .. }));
        Story { _place: place, frames: film.end(), all }
    }
}

#[rstest]
#[tokio::test]
async fn a_kill_at_any_step_leaves_every_segment_once_and_in_its_clip(#[values(false, true)] jump: bool) {
    let story = Story::film(jump).await;
    assert!(story.frames.len() > 40, "{}", story.frames.len());
    for (number, frame) in story.frames.iter().enumerate() {
        let what = format!("step {number}");
        let record = ending(&frame.day(), ".json").first().map(|path| fs::read_to_string(path).expect("text"));
        let told = record.is_some();
        let closing = record.as_ref().is_some_and(|record| !record.contains("resume"));
        // What another life of FFmpeg has left is filed by itself, unless it was known already where it belongs.
        let joined = closing || record.is_some_and(|record| record.contains(r#""segment": 2"#));
        let clips = frame.expect(&story.all, if joined { 1 } else { 2 }, &what).await;
        if told {
            assert_eq!(clips[0].1.more_triggers, 3, "{what}");
            let interrupted = clips[0].1.state == ClipState::Interrupted;
            assert_eq!(interrupted, !closing, "{what}: {:?}", clips[0].1);
        }
    }
}

#[tokio::test]
async fn a_kill_at_any_step_of_a_recovery_changes_nothing() {
    let story = Story::film(false).await;
    for (number, frame) in story.frames.iter().enumerate().step_by(7) {
        let film = Film::of(&frame.dir, frame.dir.join("film"));
        frame.recover().await;
        for (step, frame) in film.end().iter().enumerate() {
            frame.expect(&story.all, 3, &format!("step {number}, then {step}")).await;
        }
    }
}

#[tokio::test]
async fn a_segment_that_another_clip_holds_is_not_stored_again() {
    let mut world = World::new();
    let source = footage::make(world.dir.path(), Codec::H264, 8);
    let segments = footage::segments(&world.dir.path().join("slots"), &source);
    let start = world.start;
    for number in 0..3 {
        world.start = start + Duration::from_secs(2 * number);
        world.claim(number, &segments[number as usize], 2.0);
        world.order(ClipId(number), number, 0, 0.0); // each full at once: the next one begins
        while !matches!(world.event().await, Event::Appended { .. }) {}
    }
    world.start = start;
    for number in 1..4 {
        world.claim(number, &segments[number as usize], 2.0 * number as f64 + 2.0);
    }
    let (_world, recovered) = world.restart().await;
    let clips = recovered.clips.iter().rev().map(|clip| read_record(Path::new(&clip.path)).frames);
    assert_eq!(clips.collect::<Vec<_>>(), [50, 50, 100], "{recovered:?}");
}

/// A picture lies beside its clip whole or not at all, and what a kill leaves of it goes with the next start.
#[tokio::test]
async fn a_kill_at_any_step_of_storing_a_picture_leaves_it_whole_or_nothing() {
    let place = tempfile::tempdir().expect("a place");
    let mut world = World::on(Box::new(Seen));
    let source = footage::make(place.path(), Codec::H264, 4);
    world.claim(0, &footage::segments(&place.path().join("slots"), &source)[0], 2.0);
    world.order(CLIP, 0, 0, 0.0);
    while !matches!(world.event().await, Event::Appended { .. }) {}
    let jpeg: Vec<u8> = std::iter::repeat_n(b"\xff\xd8\xff\xe0", 20_000).flatten().copied().collect();
    let film = Film::of(world.dir.path(), place.path().join("film"));
    world.archive.store_picture(CLIP, Picture::new(jpeg.clone().into()));
    assert!(matches!(world.event().await, Event::PictureStored { result: Ok(_), .. }));
    let mut there = Vec::new();
    for (step, frame) in film.end().iter().enumerate() {
        let recovered = frame.recover().await;
        // One sentence, of the clip that was cut short.
        assert_eq!((recovered.sentences.len(), ending(&frame.day(), ".tmp").len()), (1, 0), "step {step}");
        let pictures = ending(&frame.day(), ".jpg");
        let whole = |path: &PathBuf| fs::read(path).expect("a picture") == jpeg;
        assert!(pictures.len() <= 1 && pictures.iter().all(whole), "step {step}: {pictures:?}");
        there.push(pictures.len());
    }
    assert!(there.len() > 3 && there.is_sorted() && there[0] == 0 && there.ends_with(&[1]), "{there:?}");
}
