//! After a crash: what an earlier recorder left is finished, and nothing that was claimed is lost.
//!
//! A growing clip is cut back to its last whole fragment. A claimed segment in RAM goes on in it if its times, by the
//! clip's own shift, and its file's date both say so; the part that had been written before the crash is recognised by
//! its very bytes. What fits nowhere becomes a clip of its own.

use super::Site;
use super::catalog::{self, Found};
use super::clip::Clip;
use super::disk::{open_regular, sentence};
use super::names::{self, TEMPORARY};
use super::sidecar::Sidecar;
use super::source::{Fault, Segment, Unreadable, Walker, frames};
use crate::model::effect::Append;
use crate::model::event::AppendFailure;
use crate::model::fmp4::{Arrival, Fragment, Part, Timeline, Traf};
use crate::model::id::{CameraName, ClipId, RunId, SegmentId};
use crate::model::record::{ClipState, Gap, Record, Stored};
use crate::model::snapshot::ClipView;
use crate::model::time::{Wall, Window};
use crate::work::places;
use jiff::SignedDuration;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How far the date of a file may be from what its times say: writing and closing take a while.
const SLACK: SignedDuration = SignedDuration::from_secs(5);
/// Clips to show at the start.
const NEWEST: u32 = 50;

/// What an earlier recorder left, and what became of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recovered {
    /// For the journal.
    pub sentences: Vec<String>,
    /// The newest 50 clips, newest first.
    pub clips: Vec<ClipView>,
    /// Claimed segments that could not be stored now and still lie in RAM: new numbers have to be higher.
    pub waiting: Vec<SegmentId>,
}

/// A clip that may go on.
struct Old {
    clip: Clip,
    /// Where its fragments lie, by track and time of their first sample.
    held: HashMap<(u32, u64), Range<u64>>,
    record: Record,
    /// It is not what its record says any more.
    changed: bool,
    /// Segments that were added.
    rescued: u32,
    /// Its file, to compare with.
    reader: File,
    /// By which shift its time was made is known: other segments may go on in it.
    resumable: bool,
}

/// Finishes everything. Blocking.
pub(super) fn recover(site: &Arc<Site>) -> Recovered {
    let mut recovered = Recovered::default();
    let mut olds: HashMap<CameraName, Vec<Old>> = HashMap::new();
    match catalog::days(&site.root, None) {
        Ok(days) => {
            for day in days {
                remove_temporaries(&day);
                for found in catalog::clips(&day).into_iter().filter(|found| found.open) {
                    match reopen(&found) {
                        Ok(Some(old)) => olds.entry(found.camera).or_default().push(old),
                        Ok(None) => {
                            recovered.sentences.push(format!("{} held nothing and was removed", found.files.name));
                        }
                        Err(text) => recovered.sentences.push(text),
                    }
                }
            }
        }
        Err(error) => recovered.sentences.push(sentence("read", &site.root, &error)),
    }
    for segment in leftovers(&site.ring) {
        let olds = olds.entry(segment.camera.clone()).or_default();
        match rescue(site, olds, &segment) {
            Ok(None) => {}
            Ok(Some(text)) => recovered.sentences.push(text),
            Err(text) => {
                recovered.sentences.push(text);
                recovered.waiting.push(segment);
            }
        }
    }
    recovered.sentences.extend(olds.into_values().flatten().map(finish));
    match catalog::newest(&site.root, None, NEWEST) {
        Ok(clips) => recovered.clips = clips,
        Err(text) => recovered.sentences.push(text),
    }
    recovered
}

/// Records that were being written; the whole ones lie beside them.
fn remove_temporaries(day: &catalog::Day) {
    for entry in fs::read_dir(&day.path).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let ours = name.to_str().and_then(|name| name.strip_suffix(TEMPORARY));
        if ours.is_some_and(|name| names::start(name, &day.camera).is_some()) {
            let _ = fs::remove_file(entry.path()); // what stays is truncated by whoever writes there next
        }
    }
}

/// What a walk through a growing clip found.
struct Survey {
    walker: Walker,
    line: Timeline,
    frames: u64,
    held: HashMap<(u32, u64), Range<u64>>,
}

impl Survey {
    /// Walks to the end of what is whole. `None`: the file ends before its first whole fragment does.
    fn of(path: &Path, shift: i64) -> Result<Option<Survey>, Unreadable> {
        let mut walker = Walker::open(path)?;
        let (mut line, mut count, mut held) = (None, 0, HashMap::new());
        let damage = loop {
            match walker.next() {
                Ok(Some(Part::Init(init))) => line = Some((Timeline::restore(&init, shift), init)),
                Ok(Some(Part::Fragment(fragment))) => {
                    if let Some((line, init)) = &mut line {
                        line.recall(&fragment)?;
                        count += frames(init, &fragment);
                        held.extend(key(&fragment, |traf| Some(traf.time)).map(|key| (key, fragment.range.clone())));
                    }
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        match (line, damage) {
            // Whatever is damaged behind whole fragments is what was being written at the crash.
            (Some((line, _)), _) if !held.is_empty() => Ok(Some(Survey { walker, line, frames: count, held })),
            (_, None) => Ok(None),
            (_, Some(damage)) => Err(damage),
        }
    }
}

/// Reads a growing clip and cuts it back to its last whole fragment. `None`: there was none, and it is gone.
fn reopen(found: &Found) -> Result<Option<Old>, String> {
    let path = found.path();
    let trouble = |error: io::Error| sentence("finished", &path, &error);
    let sidecar = Sidecar::read(&found.files.record()).ok();
    let resume = sidecar.as_ref().and_then(|sidecar| sidecar.resume);
    let survey = Survey::of(&path, resume.map_or(0, |resume| resume.shift))
        .map_err(|why| format!("{} stays as it is: {why} (look at it, then remove it)", path.display()))?;
    let Some(Survey { walker, line, frames, held }) = survey else {
        return super::clip::discard(&found.files).map(|()| None).map_err(trouble);
    };
    let Some(init) = walker.walk().init().cloned() else { return Ok(None) };
    let length = walker.walk().whole();
    let file = OpenOptions::new().write(true).open(&path).map_err(trouble)?;
    let cut = file.metadata().map_err(trouble)?.len() != length;
    if cut {
        file.set_len(length).and_then(|()| file.sync_all()).map_err(trouble)?;
    }
    let start = resume.map_or(found.start, |resume| resume.start);
    let record = sidecar.map_or_else(|| blank(&found.camera, start), |sidecar| sidecar.record);
    let clip = Clip {
        files: found.files.clone(),
        file: Box::new(file),
        init,
        line,
        start,
        run: None,
        hash: hash(walker.file(), length).map_err(trouble)?,
        length,
        dirty: false,
        frames,
        stored: HashSet::new(),
        record: Arc::new(record.clone()),
        settled: false,
    };
    let changed = cut || record.state == ClipState::Open || record.bytes != length;
    let reader = open_regular(&path).map_err(trouble)?;
    Ok(Some(Old { clip, held, record, changed, rescued: 0, reader, resumable: resume.is_some() }))
}

fn hash(file: &File, length: u64) -> io::Result<Sha256> {
    let (mut hash, mut buffer, mut at) = (Sha256::new(), vec![0; 1 << 20], 0);
    while at < length {
        let step = usize::try_from(length - at).map_or(buffer.len(), |left| left.min(buffer.len()));
        file.read_exact_at(&mut buffer[..step], at)?;
        hash.update(&buffer[..step]);
        at += step as u64;
    }
    Ok(hash)
}

/// By what a fragment is found again: the first track with samples, and when those are decoded in the clip.
fn key(fragment: &Fragment, place: impl Fn(&Traf) -> Option<u64>) -> Option<(u32, u64)> {
    let traf = fragment.trafs.iter().find(|traf| traf.samples > 0)?;
    Some((traf.track, place(traf)?))
}

/// A record for a clip that has none.
fn blank(camera: &CameraName, start: Wall) -> Record {
    Record {
        version: Record::VERSION,
        camera: camera.clone(),
        state: ClipState::Open,
        asked: Window { from: start, to: start },
        got: None,
        gaps: Vec::new(),
        triggers: Vec::new(),
        more_triggers: 0,
        segments: Vec::new(),
        media: None,
        bytes: 0,
        seconds: 0.0,
        frames: 0,
        sha256: None,
        continues: None,
    }
}

/// All claimed segments, in their cameras' order.
fn leftovers(ring: &Path) -> Vec<SegmentId> {
    let mut found = Vec::new();
    for entry in fs::read_dir(ring).into_iter().flatten().flatten() {
        let Some(camera) = entry.file_name().into_string().ok().and_then(|name| CameraName::try_from(name).ok()) else {
            continue;
        };
        for file in fs::read_dir(places::claims(ring, &camera)).into_iter().flatten().flatten() {
            if let Some(number) = places::number(&file.path()) {
                found.push(SegmentId { camera: camera.clone(), number });
            }
        }
    }
    found.sort_unstable();
    found
}

/// Stores one claimed segment where it belongs. A sentence if a person should know; an error if it had to stay.
fn rescue(site: &Arc<Site>, olds: &mut Vec<Old>, segment: &SegmentId) -> Result<Option<String>, String> {
    let path = places::claimed(&site.ring, segment);
    let remove = |text: Option<String>| super::remove(&path).map_or(Ok(text), Err);
    let closed = fs::symlink_metadata(&path).and_then(|meta| meta.modified());
    let closed = closed.ok().and_then(|time| Wall::try_from(time).ok()).unwrap_or(Wall::UNIX_EPOCH);
    let footage = match Segment::read(&path) {
        Ok(footage) => footage,
        Err(Fault::Source(why)) => return remove(Some(format!("{segment} was left in RAM and holds nothing: {why}"))),
        Err(Fault::Archive(error)) => return Err(sentence("read", &path, &error)),
        Err(Fault::Different) => return Err(format!("{segment} stays in RAM")),
    };
    for old in olds.iter_mut() {
        if let Some(held) = old.fits(&footage, closed) {
            old.go_on(segment, footage, held, closed)?;
            return remove(None);
        }
    }
    let old = Old::begin(site, segment, footage, closed)?;
    olds.insert(0, old);
    remove(None)
}

impl Old {
    /// How many of the segment's first fragments the clip holds already, if the rest goes on in it.
    fn fits(&self, segment: &Segment, closed: Wall) -> Option<usize> {
        if !self.resumable || !self.clip.init.goes_on_with(&segment.init) {
            return None;
        }
        let mut line = self.clip.line.clone();
        line.align(&segment.init).ok()?;
        let is_new = |fragment: &Fragment| line.follows(std::slice::from_ref(fragment));
        let held = segment.fragments.iter().position(is_new).unwrap_or(segment.fragments.len());
        for (fragment, moof) in segment.fragments.iter().zip(&segment.moofs).take(held) {
            let place = key(fragment, |traf| line.place(traf))?;
            let there = self.held.get(&place)?;
            let footage = fragment.range.start + moof.len() as u64..fragment.range.end;
            let start = there.start + moof.len() as u64;
            same_bytes(&segment.file, footage, &self.reader, start..there.end).ok().filter(|same| *same)?;
        }
        let rest = &segment.fragments[held..];
        let Some(end) = line.natural_end(rest) else { return Some(held) };
        let end = SignedDuration::from_nanos(i64::try_from(end).ok()?);
        let late = closed.duration_since(self.clip.start) - end;
        (late.abs() <= SLACK).then_some(held)
    }

    /// Appends what the clip does not hold yet.
    fn go_on(&mut self, id: &SegmentId, mut segment: Segment, held: usize, closed: Wall) -> Result<(), String> {
        segment.fragments.drain(..held);
        segment.moofs.drain(..held);
        if segment.fragments.is_empty() {
            return Ok(());
        }
        let (frames, before, length) = (segment.frames(), self.clip.length, self.clip.line.length());
        let path = self.clip.files.part();
        let stays = |why: String| format!("{id} stays in RAM: {why}");
        // Its times were found to go on, so the stream's own are what explains them.
        let mut line = self.clip.line.clone();
        line.align(&segment.init).map_err(|flaw| stays(flaw.to_string()))?;
        let natural = line.natural(&segment.fragments).and_then(|at| u64::try_from(at).ok()).unwrap_or(0);
        let arrival = Arrival { same_run: true, offset: Duration::from_nanos(natural) };
        let written = self.clip.write_segment(segment, arrival);
        let hole = written.map_err(|fault| {
            self.clip.dirty = true; // cut off when it is closed
            stays(match fault {
                Fault::Archive(error) => sentence("written", &path, &error),
                Fault::Source(why) => why,
                Fault::Different => "its times do not fit".to_owned(),
            })
        })?;
        self.changed = true;
        self.rescued += 1;
        self.clip.frames += frames;
        if let Some(hole) = hole {
            let window = Window { from: self.at(length), to: self.at(length + hole) };
            self.record.gaps.push(Gap { window, cause: "missing when the recorder started again".to_owned() });
        }
        self.stored(id, self.at(Duration::from_nanos(natural)), closed, self.clip.length - before);
        Ok(())
    }

    /// A clip of its own.
    fn begin(site: &Arc<Site>, id: &SegmentId, segment: Segment, closed: Wall) -> Result<Old, String> {
        let line = Timeline::new(&segment.init);
        let span = line.natural_end(&segment.fragments).zip(line.natural(&segment.fragments));
        let span = span.and_then(|(end, start)| i64::try_from(end - start).ok()).unwrap_or(0);
        let start = closed.checked_sub(SignedDuration::from_nanos(span)).unwrap_or(closed);
        let record = Arc::new(blank(&id.camera, start));
        let segment_id = id.clone();
        let (run, offset) = (RunId::default(), Duration::ZERO);
        let append = Append { clip: ClipId(0), segment: segment_id, run, wall: start, offset, record: record.clone() };
        let (clip, grown) = Clip::open(site, &append, segment).map_err(|(failure, _)| match failure {
            AppendFailure::Archive(why) | AppendFailure::Unusable(why) => format!("{id} stays in RAM: {why}"),
            AppendFailure::Different => format!("{id} stays in RAM: it fits into no clip"),
        })?;
        let reader = open_regular(&clip.files.part()).map_err(|error| sentence("read", &clip.files.part(), &error))?;
        let record = Record::clone(&record);
        let held = HashMap::new(); // nothing of it was there before the crash
        let mut old = Old { clip, held, record, changed: true, rescued: 1, reader, resumable: true };
        old.stored(id, start, closed, grown.added.bytes);
        Ok(old)
    }

    fn stored(&mut self, id: &SegmentId, from: Wall, to: Wall, bytes: u64) {
        self.record.segments.push(Stored { number: id.number, window: Window { from, to: to.max(from) }, bytes });
    }

    /// An instant of the clip on the wall clock.
    fn at(&self, offset: Duration) -> Wall {
        self.clip.start.saturating_add(SignedDuration::try_from(offset).unwrap_or_default()).unwrap_or(self.clip.start)
    }
}

fn same_bytes(a: &File, at_a: Range<u64>, b: &File, at_b: Range<u64>) -> io::Result<bool> {
    if at_a.end - at_a.start != at_b.end.saturating_sub(at_b.start) {
        return Ok(false);
    }
    let (mut left, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut done = 0;
    while done < at_a.end - at_a.start {
        let step = usize::try_from(at_a.end - at_a.start - done).map_or(left.len(), |rest| rest.min(left.len()));
        a.read_exact_at(&mut left[..step], at_a.start + done)?;
        b.read_exact_at(&mut right[..step], at_b.start + done)?;
        if left[..step] != right[..step] {
            return Ok(false);
        }
        done += step as u64;
    }
    Ok(true)
}

/// Closes a clip with a record that says what happened.
fn finish(mut old: Old) -> String {
    let name = old.clip.files.name.clone();
    let end = old.at(old.clip.line.length());
    if old.changed {
        let record = &mut old.record;
        record.state = ClipState::Interrupted;
        record.got = Some(Window { from: record.got.map_or(old.clip.start, |got| got.from), to: end });
        if record.asked.to > end {
            let window = Window { from: end.max(record.asked.from), to: record.asked.to };
            let cause = "the recorder was interrupted; what was not claimed by then is gone".to_owned();
            record.gaps.push(Gap { window, cause });
        }
        record.asked.to = record.asked.to.max(end);
    }
    match old.clip.close(&Arc::new(old.record)) {
        Ok(_) if !old.changed => format!("{name} has its final name now"),
        Ok(_) => format!(
            "{name} was growing when the recorder was interrupted: finished with {} segments from RAM, {:.0} s long",
            old.rescued,
            old.clip.line.length().as_secs_f64()
        ),
        Err(text) => text,
    }
}
