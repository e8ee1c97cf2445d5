//! A clip that an earlier recorder left growing: what it holds, what goes on in it, and how it is closed.

use super::Site;
use super::catalog::Found;
use super::clip::{Clip, Coming};
use super::disk::{open_regular, read_through, same_file, sentence};
use super::held::{Held, Share};
use super::names;
use super::sidecar::{Resume, Sidecar};
use super::source::{Fault, Segment, Unreadable, Walker, frames};
use crate::model::clip::ClipFile;
use crate::model::effect::Append;
use crate::model::event::AppendFailure;
use crate::model::fmp4::{Arrival, Fragment, Init, Part, Timeline};
use crate::model::id::{ClipId, RunId, SegmentId};
use crate::model::memory::{Grew, Remains};
use crate::model::record::{ClipState, Gap, Record, Stored};
use crate::model::time::{Wall, Window};
use crate::work::places;
use blake3::Hasher;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How far the date of a file may be from what its times say: writing and closing take a while.
const SLACK: SignedDuration = SignedDuration::from_secs(5);

/// Why the end of a clip is missing that nobody could close.
const WENT_DOWN: &str = "the recorder or the machine went down; what was in RAM is lost";

/// A clip of an earlier recorder.
pub(super) struct Old {
    clip: Clip,
    /// Where its fragments lie.
    held: Held,
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
    /// What the clip holds of it already.
    pub held: Share,
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
    held: Held,
}

impl Survey {
    /// Walks to the end of what is whole. `None`: the file ends before its first whole fragment does.
    fn of(path: &Path, resume: Option<Resume>) -> Result<Option<Survey>, Unreadable> {
        let mut walker = Walker::open(path)?;
        let (mut line, mut count, mut held) = (None, 0, Held::default());
        let damage = loop {
            match walker.next() {
                Ok(Some(Part::Init(init))) => line = Some((restore(&init, resume), init)),
                Ok(Some(Part::Fragment(fragment))) => {
                    if let Some((line, init)) = &mut line {
                        let hole = line.recall(&fragment)?;
                        count += frames(init, &fragment);
                        held.note(&fragment, hole);
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
    let survey = Survey::of(&path, resume)
        .map_err(|why| format!("{} stays as it is: {why} (look at it, then remove it)", path.display()))?;
    let (init, line, length, frames, held) = match survey {
        Some(Survey { init, line, length, frames, held }) => (init, line, length, frames, held),
        None => match resume.and_then(|resume| first(site, found, resume)) {
            Some((init, line)) => (init, line, 0, 0, Held::default()),
            None => return super::clip::discard(&found.files).map(|()| None).map_err(trouble),
        },
    };
    let reader = open_regular(&path).map_err(trouble)?;
    let mut file = site.disk.reopen(&path).map_err(trouble)?;
    let cut = reader.metadata().map_err(trouble)?.len() != length;
    if cut {
        file.cut(length).map_err(trouble)?;
    }
    // What is found in it counts as stored, and a kill does not wait until it is.
    file.sync().map_err(trouble)?;
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
        run: resume.and_then(|resume| resume.run),
        hash: hash(&reader, length).map_err(trouble)?,
        length,
        dirty: false,
        frames,
        stored: HashSet::new(),
        told: resume.map(|resume| (resume.shift, resume.run)),
        appending: resume.and_then(|resume| resume.appending),
        held: Held::default(),
        followed: None,
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
    let line = restore(&init, Some(resume));
    Some((init, line))
}

fn restore(init: &Init, resume: Option<Resume>) -> Timeline {
    let (shift, base) = resume.map_or((0, Duration::ZERO), |resume| (resume.shift, resume.base));
    Timeline::restore(init, shift, base)
}

/// Of the first bytes of a file.
pub(super) fn hash(file: &File, length: u64) -> io::Result<Hasher> {
    let mut hash = Hasher::new();
    read_through(file, length, |bytes| {
        hash.update(bytes);
    })?;
    Ok(hash)
}

impl Old {
    /// How the segment goes on in the clip, if it does.
    pub fn fits(&self, id: &SegmentId, segment: &Segment, closed: Wall) -> Option<Fit> {
        if !self.resumable || !self.clip.init.goes_on_with(&segment.init) {
            return None;
        }
        let mut line = self.clip.line.clone();
        line.align(&segment.init).ok()?;
        let held = self.held.share(self.clip.appending, id.number, &line, segment, &self.reader).ok()??;
        let rest = &segment.fragments[held.fragments..];
        let Some((start, end)) = line.natural(rest).zip(line.natural_end(rest)) else {
            return Some(Fit { held, hole: 0 });
        };
        let hole = start.saturating_sub_unsigned(line.length().as_nanos());
        let end = SignedDuration::from_nanos(i64::try_from(end).ok()?);
        let late = closed.duration_since(self.clip.start) - end;
        (late.abs() <= SLACK).then_some(Fit { held, hole })
    }

    /// Appends what the clip does not hold yet.
    pub fn go_on(&mut self, id: &SegmentId, mut segment: Segment, held: Share, closed: Wall) -> Result<(), String> {
        let bytes = held.bytes(&segment);
        let mut line = self.clip.line.clone();
        let natural = |line: &Timeline, fragments: &[Fragment]| {
            Duration::from_nanos(line.natural(fragments).and_then(|at| u64::try_from(at).ok()).unwrap_or(0))
        };
        line.align(&segment.init).map_err(|flaw| format!("{id} stays in RAM: {flaw}"))?;
        let start = self.at(natural(&line, &segment.fragments));
        segment.skip(held.fragments);
        if segment.fragments.is_empty() {
            self.stored(id, start, closed, bytes);
            return Ok(());
        }
        let (frames, before, length) = (segment.frames(), self.clip.length, self.clip.line.length());
        let path = self.clip.files.part();
        let stays = |why: String| format!("{id} stays in RAM: {why}");
        // Its times were found to go on, so the stream's own are what explains them.
        let arrival =
            Arrival { same_run: true, offset: line.base().saturating_add(natural(&line, &segment.fragments)) };
        let coming =
            Coming { segment: id.number, run: self.clip.run, at: held.there.map_or(before, |there| there.start) };
        let written = self.clip.write_segment(coming, segment, Some(arrival));
        let hole = written.map_err(|fault| {
            stays(match fault {
                Fault::Archive(error) => sentence("written", &path, &error),
                Fault::Source(why) => why,
                Fault::Empty => Fault::NOTHING.to_owned(),
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
            AppendFailure::Empty => format!("{id} stays in RAM: {}", Fault::NOTHING),
            AppendFailure::Different => format!("{id} stays in RAM: it fits into no clip"),
        })?;
        let reader = open_regular(&clip.files.part()).map_err(|error| sentence("read", &clip.files.part(), &error))?;
        let record = Record::clone(&record);
        let held = Held::default(); // nothing of it was there before the crash
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

    /// Whether this is the clip that a recorder had in mind when it was killed.
    pub fn is(&self, grew: &Grew, site: &Site) -> bool {
        let files = &self.clip.files;
        if same_file(&files.part(), &files.done()).unwrap_or(false) {
            return false; // it is closed but for a name too many
        }
        if let Some(name) = &grew.name {
            return *name == files.name;
        }
        let begun = self.clip.appending.filter(|begun| begun.at == 0).map(|begun| begun.segment);
        let Some(number) = begun.filter(|begun| grew.first == Some(*begun) || grew.waiting.contains(begun)) else {
            return false;
        };
        // Numbers come again after a reboot. Either its first segment lies in RAM still, and is what began it, or was
        // stored and removed a moment before the kill.
        let id = SegmentId { camera: grew.camera.clone(), number };
        let Ok(segment) = Segment::read(&places::claimed(&site.ring, &id)) else { return true };
        let begun = self.held.begun(self.clip.appending, number, &segment, &self.reader);
        self.clip.length == 0 || begun.is_ok_and(|begun| begun.is_some())
    }

    /// Lets it grow on. `None`: nothing is in it, and it is gone.
    ///
    /// # Errors
    /// It is empty and cannot be removed: a sentence.
    pub fn grow(self, grew: &Grew) -> Result<Option<(Remains, Clip)>, String> {
        let Old { mut clip, held, .. } = self;
        if clip.length == 0 {
            let removed = super::clip::discard(&clip.files);
            return removed.map(|()| None).map_err(|error| sentence("removed", &clip.files.part(), &error));
        }
        clip.held = held;
        let (name, path) = (clip.files.name.clone(), clip.files.part().display().to_string());
        let start = names::start(&name, &grew.camera).unwrap_or(clip.start);
        let file = ClipFile { name, start, path };
        let added = clip.added(0, 0, None);
        Ok(Some((Remains::Growing { file, added }, clip)))
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
        let mut lost = String::new();
        if self.changed {
            let record = &mut self.record;
            record.state = ClipState::Interrupted;
            record.got = Some(Window { from: record.got.map_or(self.clip.start, |got| got.from), to: end });
            if record.asked.to > end {
                let window = Window { from: end.max(record.asked.from), to: record.asked.to };
                let seconds = window.to.duration_since(window.from).as_secs_f64();
                lost = format!(", and {seconds:.1} s more that were wanted are lost");
                record.gaps.push(Gap { window, cause: WENT_DOWN.to_owned() });
            }
            record.asked.to = record.asked.to.max(end);
        }
        match self.clip.close(&Arc::new(self.record)) {
            Ok(_) if !self.changed => format!("{name} has its final name now"),
            Ok(_) => {
                let added = match self.rescued {
                    0 => "finished as it was, for nothing claimed for it was left in RAM".to_owned(),
                    1 => "finished with 1 more segment from RAM".to_owned(),
                    more => format!("finished with {more} more segments from RAM"),
                };
                let length = self.clip.line.length().as_secs_f64();
                let at = |at: Wall| at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string();
                format!(
                    "{name} was growing when the recorder or the machine went down: {added}; it is {length:.0} s \
                     long{lost}; nothing was stored from {} to this start at {}",
                    at(end),
                    at(Wall::now())
                )
            }
            Err(text) => text,
        }
    }
}
