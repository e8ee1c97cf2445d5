//! A clip that an earlier recorder left growing: what it holds, what goes on in it, and how it is closed.

use super::Site;
use super::catalog::Found;
use super::clip::{Clip, footage};
use super::disk::{open_regular, sentence};
use super::sidecar::{Resume, Sidecar};
use super::source::{Fault, Segment, Unreadable, Walker, frames};
use crate::model::effect::Append;
use crate::model::event::AppendFailure;
use crate::model::fmp4::{Arrival, Fragment, Init, Part, Timeline, Traf};
use crate::model::id::{ClipId, RunId, SegmentId};
use crate::model::record::{ClipState, Gap, Record, Stored};
use crate::model::time::{Wall, Window};
use crate::work::places;
use jiff::SignedDuration;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How far the date of a file may be from what its times say: writing and closing take a while.
const SLACK: SignedDuration = SignedDuration::from_secs(5);

/// A clip of an earlier recorder.
pub(super) struct Old {
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

/// How a segment goes on in a clip.
pub(super) struct Fit {
    /// How many of its first fragments the clip holds already.
    pub held: usize,
    /// Time missing in front of the others, in nanoseconds.
    pub hole: i128,
}

/// What a walk through a growing clip found.
struct Survey {
    init: Init,
    line: Timeline,
    /// Bytes up to the end of the last whole fragment.
    length: u64,
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
            (Some((line, init)), _) if !held.is_empty() => {
                let length = walker.walk().whole();
                Ok(Some(Survey { init, line, length, frames: count, held }))
            }
            (_, None) => Ok(None),
            (_, Some(damage)) => Err(damage),
        }
    }
}

/// Reads a growing clip and cuts it back to its last whole fragment. `None`: there was none, nothing in RAM can follow,
/// and it is gone.
pub(super) fn reopen(site: &Site, found: &Found) -> Result<Option<Old>, String> {
    let path = found.path();
    let trouble = |error: io::Error| sentence("finished", &path, &error);
    let sidecar = Sidecar::read(&found.files.record()).ok();
    let resume = sidecar.as_ref().and_then(|sidecar| sidecar.resume);
    let survey = Survey::of(&path, resume.map_or(0, |resume| resume.shift))
        .map_err(|why| format!("{} stays as it is: {why} (look at it, then remove it)", path.display()))?;
    let (init, line, length, frames, held) = match survey {
        Some(Survey { init, line, length, frames, held }) => (init, line, length, frames, held),
        None => match resume.and_then(|resume| first(site, found, resume)) {
            Some((init, line)) => (init, line, 0, 0, HashMap::new()),
            None => return super::clip::discard(&found.files).map(|()| None).map_err(trouble),
        },
    };
    let reader = open_regular(&path).map_err(trouble)?;
    let mut file = site.disk.reopen(&path).map_err(trouble)?;
    let cut = reader.metadata().map_err(trouble)?.len() != length;
    if cut {
        file.cut(length).and_then(|()| file.sync()).map_err(trouble)?;
    }
    let start = resume.map_or(found.start, |resume| resume.start);
    let instant = Window { from: start, to: start };
    let record = sidecar.map(|sidecar| sidecar.record);
    let record = record.unwrap_or_else(|| Record::empty(found.camera.clone(), instant));
    let clip = Clip {
        files: found.files.clone(),
        file,
        init,
        line,
        start,
        run: None,
        hash: hash(&reader, length).map_err(trouble)?,
        length,
        dirty: false,
        frames,
        stored: HashSet::new(),
        told: resume.map(|resume| resume.shift),
        appending: resume.and_then(|resume| resume.appending),
        record: Arc::new(record.clone()),
        settled: false,
        visit: site.ground.visit(),
    };
    // Only the last record of a clip that was being closed has no way to go on; its state may say so much earlier.
    let changed = cut || resume.is_some() || record.state == ClipState::Open || record.bytes != length;
    Ok(Some(Old { clip, held, record, changed, rescued: 0, reader, resumable: resume.is_some() }))
}

/// What begins a clip that was opened for a segment and then holds nothing of it, if RAM still does.
fn first(site: &Site, found: &Found, resume: Resume) -> Option<(Init, Timeline)> {
    let number = resume.appending.filter(|appending| appending.at == 0)?.segment;
    let id = SegmentId { camera: found.camera.clone(), number };
    let init = Segment::read(&places::claimed(&site.ring, &id)).ok()?.init;
    let line = Timeline::restore(&init, resume.shift);
    Some((init, line))
}

/// Of the first bytes of a file.
pub(super) fn hash(file: &File, length: u64) -> io::Result<Sha256> {
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

impl Old {
    /// How the segment goes on in the clip, if it does.
    pub fn fits(&self, id: &SegmentId, segment: &Segment, closed: Wall) -> Option<Fit> {
        if !self.resumable || !self.clip.init.goes_on_with(&segment.init) {
            return None;
        }
        let mut line = self.clip.line.clone();
        line.align(&segment.init).ok()?;
        let held = self.begun(id, segment).or_else(|| self.held(&line, segment))?;
        let rest = &segment.fragments[held..];
        let Some((start, end)) = line.natural(rest).zip(line.natural_end(rest)) else {
            return Some(Fit { held, hole: 0 });
        };
        let hole = start.saturating_sub_unsigned(line.length().as_nanos());
        let end = SignedDuration::from_nanos(i64::try_from(end).ok()?);
        let late = closed.duration_since(self.clip.start) - end;
        (late.abs() <= SLACK).then_some(Fit { held, hole })
    }

    /// How much the clip holds of the segment that its record tells of, whose times may make a jump; `None`: it is
    /// another one, or nothing of it is there.
    fn begun(&self, id: &SegmentId, segment: &Segment) -> Option<usize> {
        let begun = self.clip.appending.filter(|appending| appending.segment == id.number)?;
        let mut there: Vec<&Range<u64>> = self.held.values().filter(|range| range.start >= begun.at).collect();
        there.sort_unstable_by_key(|range| range.start);
        let same = |(fragment, there)| self.is(segment, fragment, there);
        let all_same = segment.fragments.iter().zip(there.iter().copied()).all(same);
        Some(there.len().min(segment.fragments.len())).filter(|held| *held > 0 && all_same)
    }

    /// How many of the segment's first fragments lie where their times say; `None`: others lie there.
    fn held(&self, line: &Timeline, segment: &Segment) -> Option<usize> {
        let is_new = |fragment: &Fragment| line.follows(std::slice::from_ref(fragment));
        let held = segment.fragments.iter().position(is_new).unwrap_or(segment.fragments.len());
        let is_there = |fragment| {
            let there = key(fragment, |traf| line.place(traf)).and_then(|place| self.held.get(&place));
            there.is_some_and(|there| self.is(segment, fragment, there))
        };
        segment.fragments[..held].iter().all(is_there).then_some(held)
    }

    /// Whether this place of the clip has the footage of a fragment; only the times in front of it were changed.
    fn is(&self, segment: &Segment, fragment: &Fragment, there: &Range<u64>) -> bool {
        let there = there.start + fragment.moof..there.end;
        same_bytes(&segment.file, footage(fragment), &self.reader, there).unwrap_or(false)
    }

    /// Appends what the clip does not hold yet.
    pub fn go_on(&mut self, id: &SegmentId, mut segment: Segment, held: usize, closed: Wall) -> Result<(), String> {
        let bytes = segment.fragments[..held].iter().map(|fragment| fragment.range.end - fragment.range.start).sum();
        let mut line = self.clip.line.clone();
        let natural = |line: &Timeline, fragments: &[Fragment]| {
            Duration::from_nanos(line.natural(fragments).and_then(|at| u64::try_from(at).ok()).unwrap_or(0))
        };
        line.align(&segment.init).map_err(|flaw| format!("{id} stays in RAM: {flaw}"))?;
        let start = self.at(natural(&line, &segment.fragments));
        segment.fragments.drain(..held);
        segment.moofs.drain(..held);
        if segment.fragments.is_empty() {
            self.stored(id, start, closed, bytes);
            return Ok(());
        }
        let (frames, before, length) = (segment.frames(), self.clip.length, self.clip.line.length());
        let path = self.clip.files.part();
        let stays = |why: String| format!("{id} stays in RAM: {why}");
        // Its times were found to go on, so the stream's own are what explains them.
        let arrival = Arrival { same_run: true, offset: natural(&line, &segment.fragments) };
        let written = self.clip.write_segment(id.number, segment, arrival);
        let hole = written.map_err(|fault| {
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
        self.stored(id, start, closed, bytes + self.clip.length - before);
        Ok(())
    }

    /// A clip of its own.
    pub fn begin(site: &Arc<Site>, id: &SegmentId, segment: Segment, closed: Wall) -> Result<Old, String> {
        let line = Timeline::new(&segment.init);
        let span = line.natural_end(&segment.fragments).zip(line.natural(&segment.fragments));
        let span = span.and_then(|(end, start)| i64::try_from(end - start).ok()).unwrap_or(0);
        let start = closed.checked_sub(SignedDuration::from_nanos(span)).unwrap_or(closed);
        let record = Arc::new(Record::empty(id.camera.clone(), Window { from: start, to: start }));
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

    /// Tells of a segment, unless the record does already.
    fn stored(&mut self, id: &SegmentId, from: Wall, to: Wall, bytes: u64) {
        if self.record.segments.iter().any(|stored| stored.number == id.number) {
            return;
        }
        self.record.segments.push(Stored { number: id.number, window: Window { from, to: to.max(from) }, bytes });
    }

    /// An instant of the clip on the wall clock.
    fn at(&self, offset: Duration) -> Wall {
        self.clip.start.saturating_add(SignedDuration::try_from(offset).unwrap_or_default()).unwrap_or(self.clip.start)
    }

    /// Closes a clip with a record that says what happened; `waiting` has to stay in RAM, and what began for it too.
    pub fn finish(mut self, waiting: &[SegmentId]) -> String {
        let name = self.clip.files.name.clone();
        if self.clip.length == 0 {
            let waits = |segment: &SegmentId| self.clip.appending.is_some_and(|first| first.segment == segment.number);
            if waiting.iter().filter(|segment| segment.camera == self.record.camera).any(waits) {
                return format!("{name} waits for its first segment, until the next start");
            }
            let removed = super::clip::discard(&self.clip.files);
            return removed.map_or_else(
                |error| sentence("removed", &self.clip.files.part(), &error),
                |()| format!("{name} held nothing and was removed"),
            );
        }
        let end = self.at(self.clip.line.length());
        if self.changed {
            let record = &mut self.record;
            record.state = ClipState::Interrupted;
            record.got = Some(Window { from: record.got.map_or(self.clip.start, |got| got.from), to: end });
            if record.asked.to > end {
                let window = Window { from: end.max(record.asked.from), to: record.asked.to };
                let cause = "the recorder was interrupted; what was not claimed by then is gone".to_owned();
                record.gaps.push(Gap { window, cause });
            }
            record.asked.to = record.asked.to.max(end);
        }
        match self.clip.close(&Arc::new(self.record)) {
            Ok(_) if !self.changed => format!("{name} has its final name now"),
            Ok(_) => {
                let added = match self.rescued {
                    0 => "finished as it was, for RAM held nothing more of it".to_owned(),
                    1 => "finished with 1 more segment from RAM".to_owned(),
                    more => format!("finished with {more} more segments from RAM"),
                };
                let length = self.clip.line.length().as_secs_f64();
                format!("{name} was growing when the recorder was interrupted: {added}; it is {length:.0} s long")
            }
            Err(text) => text,
        }
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
