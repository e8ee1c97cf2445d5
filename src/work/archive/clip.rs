//! One clip that grows. Blocking; [`super::Archive`] runs it where that does no harm.
//!
//! What is durable is known at every instant: `length` bytes, and nothing behind them counts. An append that fails is
//! cut off again; the hash, the time line and the counters of what is durable are not touched by it.
//!
//! A kill may come between any two steps, and RAM still has the segment then. So what a recovery needs to know the
//! segment again, how the clip's time is made, is in the record before the first byte of footage that needs it.

use super::Site;
use super::disk::{Medium, same_file, sentence, settle, step, sync_dir, unlink};
use super::follow::Followed;
use super::held::Held;
use super::names::{self, Files};
use super::sidecar::{Appending, Resume, Sidecar};
use super::source::{Fault, Segment};
use super::writer::Writer;
use crate::model::effect::Append;
use crate::model::event::{Added, AppendFailure};
use crate::model::fmp4::{Arrival, Fragment, Init, Timeline};
use crate::model::id::{CameraName, RunId, SegmentId};
use crate::model::record::{ClipState, Record};
use crate::model::time::Wall;
use blake3::Hasher;
use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A clip with a file.
pub(super) struct Clip {
    pub files: Files,
    pub file: Box<dyn Medium>,
    pub init: Init,
    pub line: Timeline,
    pub start: Wall,
    /// FFmpeg's life that wrote the last segment; `None`: unknown.
    pub run: Option<RunId>,
    /// Of the durable bytes.
    pub hash: Hasher,
    /// Durable bytes.
    pub length: u64,
    /// There are bytes behind the durable ones that could not be cut off yet.
    pub dirty: bool,
    /// Video frames.
    pub frames: u64,
    /// Segments that are in it.
    pub stored: HashSet<u64>,
    /// How its time was made, and for which life of FFmpeg, as the record on the disk tells it; `None`: it does not.
    pub told: Option<(i64, Option<RunId>)>,
    /// The last segment whose times that did not explain.
    pub appending: Option<Appending>,
    /// What it may be brought once more, since an earlier recorder was killed.
    pub held: Held,
    /// The segment that is being followed.
    pub followed: Option<Followed>,
    /// The record as last ordered.
    pub record: Arc<Record>,
    /// It has its final name; only the directory may not be durable yet.
    pub settled: bool,
    /// At which visit of the archive its file was opened.
    pub visit: u64,
}

/// What one append brought.
pub(super) struct Grown {
    pub added: Added,
    /// Something that a person should know.
    pub note: Option<String>,
}

/// Which segment comes.
#[derive(Clone, Copy)]
pub(super) struct Coming {
    /// Its number.
    pub segment: u64,
    /// FFmpeg's life that wrote it.
    pub run: Option<RunId>,
    /// Where it begins in the clip.
    pub at: u64,
}

/// Why a clip was not opened; and its files, if they could not be removed and have to be before the next try.
pub(super) type NotOpened = (AppendFailure, Option<Files>);

impl Clip {
    /// Opens a clip with its first segment: file, footage and record, or nothing of all that.
    pub fn open(site: &Arc<Site>, append: &Append, segment: Segment) -> Result<(Clip, Grown), NotOpened> {
        let (files, file) = create(site, &append.segment.camera, append.wall)
            .map_err(|(path, error)| (AppendFailure::Archive(sentence("written", &path, &error)), None))?;
        let mut clip = Clip {
            file,
            line: Timeline::new(&segment.init),
            init: segment.init.clone(),
            start: append.wall,
            run: None,
            hash: Hasher::new(),
            length: 0,
            dirty: false,
            frames: 0,
            stored: HashSet::new(),
            told: None,
            appending: None,
            held: Held::default(),
            followed: None,
            record: append.record.clone(),
            settled: false,
            visit: site.ground.visit(),
            files,
        };
        match clip.write(append, segment) {
            Ok(grown) => {
                // The record is there since before the footage; it only does not count it yet.
                if let Err(text) = clip.save(&append.record) {
                    tracing::warn!("{text}");
                }
                Ok((clip, grown))
            }
            // What does not fit even at time 0 will not fit into another clip either.
            Err(AppendFailure::Different) => {
                Err(clip.undo(AppendFailure::Unusable("its times fit into no clip".to_owned())))
            }
            Err(failure @ (AppendFailure::Archive(_) | AppendFailure::Unusable(_) | AppendFailure::Empty)) => {
                Err(clip.undo(failure))
            }
        }
    }

    fn undo(self, failure: AppendFailure) -> NotOpened {
        let left = discard(&self.files).err().map(|_| self.files);
        (failure, left)
    }

    /// What to report of a segment that is in the clip already: an order that came twice.
    pub fn again(&self, segment: &SegmentId) -> Option<Grown> {
        self.stored.contains(&segment.number).then(|| Grown { added: self.added(0, 0, None), note: None })
    }

    /// Appends one more segment, or what is not in the clip yet of it. One that has to go elsewhere goes there whole.
    pub fn append(&mut self, append: &Append, segment: Segment) -> Result<Grown, AppendFailure> {
        let grown = match self.init.goes_on_with(&segment.init) {
            true => self.write(append, segment),
            false => Err(AppendFailure::Different),
        };
        if let Err(AppendFailure::Different) = grown
            && let Err(text) = self.unfollow(append.segment.number)
        {
            tracing::warn!("{text}"); // tried again before the next append
        }
        grown
    }

    /// Writes a segment behind the durable bytes and makes it durable; on failure everything is as before.
    fn write(&mut self, append: &Append, mut segment: Segment) -> Result<Grown, AppendFailure> {
        self.cut_back().map_err(AppendFailure::Archive)?;
        let number = append.segment.number;
        let share = self.share(append, &segment)?;
        let (bytes, frames, damage) = (share.bytes(&segment), segment.frames(), segment.damage.clone());
        let new_frames = frames - share.frames(&segment);
        let before = self.length;
        let at = share.there.as_ref().map_or(before, |there| there.start);
        segment.skip(share.fragments);
        let mut hole = share.hole;
        if !segment.fragments.is_empty() {
            let coming = Coming { segment: number, run: Some(append.run), at };
            let same_run = self.run == Some(append.run);
            let arrival = Arrival { same_run, offset: append.offset };
            match self.write_segment(coming, segment, share.there.is_none().then_some(arrival)) {
                Ok(found) => hole = hole.or(found),
                Err(fault) => {
                    if let Err(text) = self.cut_back() {
                        tracing::warn!("{text}"); // tried again before the next append
                    }
                    return Err(self.failure(fault));
                }
            }
            self.held = Held::default(); // whatever comes now comes behind it
            self.run = Some(append.run);
        }
        self.file.forget(at..self.length);
        self.followed = None;
        self.frames += new_frames;
        self.stored.insert(number);
        let added = self.added(bytes + self.length - before, frames, hole);
        let note = damage.map(|damage| format!("{} was stored only in part: {damage}", append.segment));
        Ok(Grown { added, note })
    }

    /// The same without undoing anything; what counts as durable changes only at the very end. No `arrival`: its first
    /// fragments are in the clip, and these go on from there. Answers the time that is missing in front of it.
    pub fn write_segment(
        &mut self,
        coming: Coming,
        mut segment: Segment,
        arrival: Option<Arrival>,
    ) -> Result<Option<Duration>, Fault> {
        let mut line = self.line.clone();
        let entered = match arrival {
            Some(arrival) => line.enter(&segment.init, &segment.fragments, arrival),
            None => line.align(&segment.init).map(|()| None),
        };
        let hole = entered.map_err(|malformed| Fault::Source(malformed.to_string()))?;
        let entry = line.shift();
        for (fragment, moof) in segment.fragments.iter().zip(&mut segment.moofs) {
            line.take(fragment, moof).map_err(|_| Fault::Different)?;
        }
        self.put(coming, &segment, entry, line, || Ok(()))?;
        Ok(hole)
    }

    /// Writes fragments whose times are made, of which the first got its by the constant `entry`; `last_word` may still
    /// refuse them before they count.
    pub fn put(
        &mut self,
        coming: Coming,
        segment: &Segment,
        entry: Option<i64>,
        line: Timeline,
        last_word: impl Fn() -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let told = entry.map(|shift| (shift, coming.run));
        if self.length == 0 || self.told != told || entry != line.shift() {
            self.appending = Some(Appending { segment: coming.segment, at: coming.at });
            let record = self.record.clone();
            self.tell(&record, coming.run, &line).map_err(Fault::Archive)?;
        }
        let dirty = std::mem::replace(&mut self.dirty, true);
        let mut writer = Writer::new(self.file.as_mut(), self.hash.clone(), self.length);
        if self.length == 0 {
            writer.put(&segment.head)?;
        }
        for (fragment, moof) in segment.fragments.iter().zip(&segment.moofs) {
            writer.put(moof)?;
            writer.pour(&segment.file, footage(fragment))?;
        }
        let (hash, length) = writer.finish()?;
        last_word()?;
        self.file.sync().map_err(Fault::Archive)?;
        // What an earlier failure left may reach further than this does.
        (self.hash, self.length, self.line, self.dirty) = (hash, length, line, dirty);
        Ok(())
    }

    /// Writes the record, completed by what only the archive knows. The clip goes on growing, whatever the record says:
    /// an event that is over may still have footage on its way.
    pub fn save(&mut self, record: &Arc<Record>) -> Result<(), String> {
        self.record = record.clone();
        let (run, line) = (self.run, self.line.clone());
        self.tell(record, run, &line).map_err(|error| sentence("written", &self.files.record(), &error))
    }

    /// Writes the record with what a recovery needs to go on: how time is made for this life of FFmpeg.
    fn tell(&mut self, record: &Record, run: Option<RunId>, line: &Timeline) -> io::Result<()> {
        let (start, base, appending) = (self.start, line.base(), self.appending);
        let resume = line.shift().map(|shift| Resume { start, base, shift, run, appending });
        self.write_record(record, resume)
    }

    fn write_record(&mut self, record: &Record, resume: Option<Resume>) -> io::Result<()> {
        self.told = None; // a failure leaves the old record or, if only the directory could not be synced, the new one
        Sidecar { record: self.complete(record), resume }.write(&self.files)?;
        self.told = resume.map(|resume| (resume.shift, resume.run));
        Ok(())
    }

    fn complete(&self, record: &Record) -> Record {
        let mut record = record.clone();
        record.bytes = self.length;
        record.seconds = self.line.length().as_micros() as f64 / 1e6; // so that JSON gives it back exactly
        record.frames = self.frames;
        (record.blake3, record.sha256) = (Some(self.blake3()), None); // a clip left by an older nvr may have the other
        record.media = record.media.or_else(|| self.init.media());
        record
    }

    /// Gives the clip its last record and its final name. May be called again after an error.
    pub fn close(&mut self, record: &Arc<Record>) -> Result<String, String> {
        let (part, done) = (self.files.part(), self.files.done());
        if !self.settled {
            if taken(&done) && !same_file(&part, &done).unwrap_or(false) {
                return Err(format!("{} exists already and stays as it is (move it away)", done.display()));
            }
            self.cut_back()?;
            let mut last = Record::clone(record);
            if last.state == ClipState::Open {
                last.state = ClipState::Closed;
            }
            self.record = Arc::new(last);
            let last = self.record.clone();
            // Nothing may go on any more.
            self.write_record(&last, None).map_err(|error| sentence("written", &self.files.record(), &error))?;
            settle(&part, &done).map_err(|error| sentence("renamed", &part, &error))?;
            self.settled = true;
        }
        sync_dir(&self.files.dir).map_err(|error| sentence("written", &self.files.dir, &error))?;
        Ok(done.display().to_string())
    }

    /// Cuts off what a failed append left behind the durable bytes.
    pub fn cut_back(&mut self) -> Result<(), String> {
        if self.dirty {
            self.file.cut(self.length).map_err(|error| sentence("cut back", &self.files.part(), &error))?;
            self.dirty = false;
        }
        Ok(())
    }

    fn failure(&self, fault: Fault) -> AppendFailure {
        match fault {
            Fault::Archive(error) => AppendFailure::Archive(sentence("written", &self.files.part(), &error)),
            Fault::Source(why) => AppendFailure::Unusable(why),
            Fault::Empty => AppendFailure::Empty,
            Fault::Different => AppendFailure::Different,
        }
    }

    /// The clip as it is now; only the lane knows since when it took how long.
    pub fn added(&self, bytes: u64, frames: u64, hole: Option<Duration>) -> Added {
        let (clip_bytes, clip_length) = (self.length, self.line.length());
        Added { bytes, clip_bytes, clip_length, frames, took: Duration::ZERO, hole, blake3: self.blake3() }
    }

    /// Of the durable bytes, as `b3sum` prints it.
    pub fn blake3(&self) -> Arc<str> {
        self.hash.finalize().to_hex().as_str().into()
    }
}

/// Removes what a clip that could not be opened has left; not the record of another clip of that name. The file is
/// emptied first and goes last: a kill leaves neither footage that is stored elsewhere, nor a record that belongs to
/// nothing, but a file for the next start to remove.
pub(super) fn discard(files: &Files) -> io::Result<()> {
    let (part, record) = (files.part(), (!taken(&files.done())).then(|| files.record()));
    if record.is_some() {
        step(&part);
        gone_is_fine(OpenOptions::new().write(true).truncate(true).open(&part).map(drop))?;
    }
    for path in record.into_iter().chain([files.temporary(), part]) {
        gone_is_fine(unlink(&path))?;
    }
    sync_dir(&files.dir)
}

fn gone_is_fine(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// Where the footage of a fragment lies.
pub(super) fn footage(fragment: &Fragment) -> Range<u64> {
    fragment.range.start + fragment.moof..fragment.range.end
}

type Created = (Files, Box<dyn Medium>);

/// Makes the day's directory and a file of a name that nothing has.
fn create(site: &Site, camera: &CameraName, start: Wall) -> Result<Created, (std::path::PathBuf, io::Error)> {
    const MOST: u32 = 1000;
    let first = names::files(&site.root, camera, start, &site.zone, 1);
    for dir in [site.root.join(camera.as_str()), first.dir] {
        super::disk::make_dir(&dir).map_err(|error| (dir, error))?;
    }
    for count in 1..=MOST {
        let files = names::files(&site.root, camera, start, &site.zone, count);
        let part = files.part();
        step(&part);
        let file = match site.disk.create(&part) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            Err(error) => return Err((part, error)),
        };
        // Looked for after the name is ours: a clip that is just being closed is seen either before or after.
        let left = [files.done(), files.record(), files.picture(1), files.gone()];
        if left.iter().any(|path| taken(path)) {
            unlink(&part).map_err(|error| (part, error))?;
            continue;
        }
        return match sync_dir(&files.dir) {
            Ok(()) => Ok((files, file)),
            Err(error) => {
                let _ = unlink(&part); // an empty file that the next start removes
                Err((files.dir, error))
            }
        };
    }
    Err((site.root.join(camera.as_str()), io::Error::other("1000 clips of the same second")))
}

fn taken(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
