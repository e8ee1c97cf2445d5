//! What a clip holds already of a segment that is brought to it: written before a kill, or followed while FFmpeg still
//! wrote it. After a kill it is known by its place and then by its very bytes; only the times in front of the footage were
//! changed.

use super::clip::{Clip, footage};
use super::disk::{open_regular, sentence};
use super::sidecar::Appending;
use super::source::{Segment, frames};
use crate::model::effect::Append;
use crate::model::event::AppendFailure;
use crate::model::fmp4::{Fragment, Timeline, Traf};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::time::Duration;

/// Where the fragments of a growing clip lie, by track and time of their first sample.
#[derive(Default)]
pub(super) struct Held(HashMap<(u32, u64), Kept>);

/// One fragment of a clip.
struct Kept {
    range: Range<u64>,
    /// Time that is missing in front of it.
    hole: Option<Duration>,
}

/// How much of a segment a clip holds: its first fragments, one behind the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Share {
    /// How many.
    pub fragments: usize,
    /// Where in the clip; nowhere, if there are none.
    pub there: Option<Range<u64>>,
    /// Time that is missing in front of them.
    pub hole: Option<Duration>,
}

impl Share {
    /// Nothing of it.
    pub const NONE: Share = Share { fragments: 0, there: None, hole: None };

    /// Bytes in the clip: as many as in the segment.
    pub fn bytes(&self, segment: &Segment) -> u64 {
        segment.fragments[..self.fragments].iter().map(|fragment| fragment.range.end - fragment.range.start).sum()
    }

    /// Video frames.
    pub fn frames(&self, segment: &Segment) -> u64 {
        segment.fragments[..self.fragments].iter().map(|fragment| frames(&segment.init, fragment)).sum()
    }
}

impl Held {
    /// Takes note of a fragment as it lies in the clip, with the time missing in front of it.
    pub fn note(&mut self, fragment: &Fragment, hole: Option<Duration>) {
        let range = fragment.range.clone();
        self.0.extend(key(fragment, |traf| Some(traf.time)).map(|key| (key, Kept { range, hole })));
    }

    /// Nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How much the clip holds of a segment, by what its record tells of the last one whose times made a jump
    /// (`appending`), and else by the times that the segment gets in the clip. `None`: other footage lies there.
    pub fn share(
        &self,
        appending: Option<Appending>,
        number: u64,
        line: &Timeline,
        segment: &Segment,
        clip: &File,
    ) -> io::Result<Option<Share>> {
        match self.begun(appending, number, segment, clip)? {
            Some(share) => Ok(Some(share)),
            None => self.by_time(line, segment, clip),
        }
    }

    /// How much the clip holds of the segment that its record tells of; `None`: that is another one, or nothing of it
    /// is there.
    pub fn begun(
        &self,
        appending: Option<Appending>,
        number: u64,
        segment: &Segment,
        clip: &File,
    ) -> io::Result<Option<Share>> {
        let Some(begun) = appending.filter(|appending| appending.segment == number) else { return Ok(None) };
        let mut there: Vec<&Kept> = self.0.values().filter(|kept| kept.range.start >= begun.at).collect();
        there.sort_unstable_by_key(|kept| kept.range.start);
        there.truncate(segment.fragments.len());
        for (fragment, kept) in segment.fragments.iter().zip(&there) {
            if !is_same(segment, fragment, clip, &kept.range)? {
                return Ok(None);
            }
        }
        let ends = there.first().zip(there.last());
        let share = |(first, last): (&&Kept, &&Kept)| {
            let range = first.range.start..last.range.end;
            Share { fragments: there.len(), there: Some(range), hole: first.hole }
        };
        Ok(ends.map(share))
    }

    /// How many of the segment's first fragments lie where their times say; `None`: others lie there. They lie one
    /// behind the other: a clock that jumps back in a segment shows the rest of it earlier footage, which may be the same.
    fn by_time(&self, line: &Timeline, segment: &Segment, clip: &File) -> io::Result<Option<Share>> {
        let is_new = |fragment: &Fragment| line.follows(std::slice::from_ref(fragment));
        let old = segment.fragments.iter().position(is_new).unwrap_or(segment.fragments.len());
        let mut share = Share::NONE;
        for fragment in &segment.fragments[..old] {
            let kept = key(fragment, |traf| line.place(traf)).and_then(|place| self.0.get(&place));
            let Some(kept) = kept else { return Ok(None) };
            let end = share.there.as_ref().map_or(kept.range.start, |there| there.end);
            if kept.range.start != end {
                break;
            }
            if !is_same(segment, fragment, clip, &kept.range)? {
                return Ok(None);
            }
            match &mut share.there {
                Some(there) => there.end = kept.range.end,
                None => (share.there, share.hole) = (Some(kept.range.clone()), kept.hole),
            }
            share.fragments += 1;
        }
        Ok(Some(share))
    }
}

impl Clip {
    /// How much of a segment is in the clip already. What was followed and is not what the segment became is taken back.
    pub fn share(&mut self, append: &Append, segment: &Segment) -> Result<Share, AppendFailure> {
        let number = append.segment.number;
        let unread = |error| AppendFailure::Archive(sentence("read", &self.files.part(), &error));
        // Another life of FFmpeg may well have made the same bytes at the same time of its own.
        if !self.held.is_empty() && self.run.is_none_or(|run| run == append.run) {
            let clip = open_regular(&self.files.part()).map_err(unread)?;
            let mut line = self.line.clone();
            line.align(&segment.init).map_err(|flaw| AppendFailure::Unusable(flaw.to_string()))?;
            let share = self.held.share(self.appending, number, &line, segment, &clip).map_err(unread)?;
            // One append is on its way at a time, so what a kill interrupts is the last that is there.
            let last = |share: &Share| share.there.as_ref().is_some_and(|there| there.end == self.length);
            return Ok(share.filter(last).unwrap_or(Share::NONE));
        }
        match self.share_followed(number, segment) {
            Some(share) => Ok(share),
            None => {
                tracing::debug!("{} is not what was followed of it", append.segment);
                self.unfollow(number).map_err(AppendFailure::Archive)?;
                Ok(Share::NONE)
            }
        }
    }
}

/// By what a fragment is found again: the first track with samples, and when those are decoded in the clip.
fn key(fragment: &Fragment, place: impl Fn(&Traf) -> Option<u64>) -> Option<(u32, u64)> {
    let traf = fragment.trafs.iter().find(|traf| traf.samples > 0)?;
    Some((traf.track, place(traf)?))
}

/// Whether this place of the clip has the footage of a fragment.
fn is_same(segment: &Segment, fragment: &Fragment, clip: &File, there: &Range<u64>) -> io::Result<bool> {
    let there = there.start + fragment.moof..there.end;
    match same_bytes(&segment.file, footage(fragment), clip, there) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        result => result,
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
