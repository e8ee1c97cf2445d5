//! One clip while it grows: what was wanted of it, what it got, and the difference with its cause.

use super::event::Added;
use super::id::{CameraName, ClipId, RunId};
use super::record::{ClipState, Gap, Record, Stored, Trigger, TriggerKind};
use super::snapshot::{ClipView, Media};
use super::time::{Anchor, Mono, Window};
use std::sync::Arc;
use std::time::Duration;

/// Slack where our clock and a stream's own are compared: choosing segments, and judging what is missing.
pub const SLACK: Duration = Duration::from_millis(500);

/// A growing clip.
#[derive(Debug)]
pub struct Clip {
    /// Which.
    pub id: ClipId,
    camera: CameraName,
    /// What is wanted of it so far.
    pub asked: Window<Mono>,
    /// No more will be wanted of it.
    pub ended: bool,
    /// The order to close it has been given.
    pub closing: bool,
    /// Name and path, once it has a file.
    pub file: Option<(String, String)>,
    triggers: Vec<(Mono, TriggerKind)>,
    more_triggers: u64,
    segments: Vec<Piece>,
    gaps: Vec<(Window<Mono>, String)>,
    media: Option<Media>,
    continues: Option<String>,
    bytes: u64,
    length: Duration,
    frames: u64,
    sha256: Option<Arc<str>>,
    /// When the first segment that was meant for it began.
    start: Option<Mono>,
}

#[derive(Debug)]
struct Piece {
    number: u64,
    run: RunId,
    span: Window<Mono>,
    bytes: u64,
}

impl Clip {
    /// A clip that nothing is in yet.
    pub fn new(id: ClipId, camera: CameraName, asked: Window<Mono>, continues: Option<String>) -> Self {
        Self {
            id,
            camera,
            asked,
            ended: false,
            closing: false,
            file: None,
            triggers: Vec::new(),
            more_triggers: 0,
            segments: Vec::new(),
            gaps: Vec::new(),
            media: None,
            continues,
            bytes: 0,
            length: Duration::ZERO,
            frames: 0,
            sha256: None,
            start: None,
        }
    }

    /// A further reason for it.
    pub fn trigger(&mut self, at: Mono, kind: TriggerKind) {
        if self.triggers.len() < Record::MAX_TRIGGERS {
            self.triggers.push((at, kind));
        } else {
            self.more_triggers += 1;
        }
    }

    /// A segment that began at `opened` was claimed for it. Answers how far into the clip it stands.
    pub fn meant(&mut self, opened: Mono) -> Duration {
        opened.since(*self.start.get_or_insert(opened))
    }

    /// When its footage begins, once a segment was claimed for it.
    pub fn start(&self) -> Option<Mono> {
        self.start
    }

    /// Whether anything is stored in it.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// A segment is durable. `cause`: what is known of why the one before it is missing, if it is.
    /// Answers whether there is a gap in front of it.
    pub fn stored(
        &mut self,
        number: u64,
        run: RunId,
        span: Window<Mono>,
        added: &Added,
        media: Option<&Media>,
        cause: &str,
    ) -> bool {
        let before = self.segments.last().map(|last| (last.number, last.run, last.span.to));
        let gap = before.and_then(|(n, r, end)| match added.hole {
            Some(hole) if n + 1 == number && r == run => Some((
                Window { from: span.from - hole, to: span.from },
                "the camera's stream skipped this time".to_owned(),
            )),
            _ if n + 1 == number && r == run => None,
            _ => Some((Window { from: end, to: span.from.max(end) }, cause.to_owned())),
        });
        let is_gap = gap.is_some();
        self.gaps.extend(gap);
        self.segments.push(Piece { number, run, span, bytes: added.bytes });
        self.bytes = added.clip_bytes;
        self.length = added.clip_length;
        self.frames += added.frames;
        self.sha256 = Some(Arc::clone(&added.sha256));
        if self.media.is_none() {
            self.media = media.cloned();
        }
        is_gap
    }

    /// What is missing, as far as it can be told now. `cause` explains what is missing at either end.
    fn missing(&self, cause: &str) -> Vec<(Window<Mono>, String)> {
        let (Some(first), Some(last)) = (self.segments.first(), self.segments.last()) else {
            return vec![(self.asked, cause.to_owned())];
        };
        let head = (first.span.from > self.asked.from + SLACK).then(|| {
            let why = "recording had not begun, or it was no longer in the ring".to_owned();
            (Window { from: self.asked.from, to: first.span.from }, why)
        });
        let tail = (self.ended && last.span.to + SLACK < self.asked.to)
            .then(|| (Window { from: last.span.to, to: self.asked.to }, cause.to_owned()));
        head.into_iter().chain(self.gaps.iter().cloned()).chain(tail).collect()
    }

    /// Its record as it stands.
    pub fn record(&self, anchor: &Anchor, cause: &str) -> Record {
        let got = self
            .segments
            .first()
            .zip(self.segments.last())
            .map(|(first, last)| Window { from: first.span.from, to: last.span.to }.wall(anchor));
        Record {
            version: Record::VERSION,
            camera: self.camera.clone(),
            state: if self.ended { ClipState::Closed } else { ClipState::Open },
            asked: self.asked.wall(anchor),
            got,
            gaps: self
                .missing(cause)
                .into_iter()
                .map(|(window, cause)| Gap { window: window.wall(anchor), cause })
                .collect(),
            triggers: self
                .triggers
                .iter()
                .map(|(at, kind)| Trigger { at: anchor.wall(*at), kind: kind.clone() })
                .collect(),
            more_triggers: self.more_triggers,
            segments: self
                .segments
                .iter()
                .map(|piece| Stored { number: piece.number, window: piece.span.wall(anchor), bytes: piece.bytes })
                .collect(),
            media: self.media.clone(),
            bytes: self.bytes,
            seconds: self.length.as_secs_f64(),
            frames: self.frames,
            sha256: self.sha256.clone(),
            continues: self.continues.clone(),
        }
    }

    /// For lists; `None` until it has a file.
    pub fn view(&self, anchor: &Anchor) -> Option<ClipView> {
        let (name, path) = self.file.clone()?;
        let missing = self.missing("").iter().map(|(window, _)| window.to.since(window.from)).sum();
        Some(ClipView {
            name,
            camera: self.camera.clone(),
            start: anchor.wall(self.start.unwrap_or(self.asked.from)),
            length: self.length,
            bytes: self.bytes,
            trigger: self.triggers.first().map_or("", |(_, kind)| kind.word()).to_owned(),
            missing,
            open: true,
            path,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono(0) + Duration::from_secs(seconds)
    }

    fn window(from: u64, to: u64) -> Window<Mono> {
        Window { from: at(from), to: at(to) }
    }

    fn added(hole: Option<Duration>) -> Added {
        Added {
            bytes: 10,
            clip_bytes: 10,
            clip_length: Duration::from_secs(1),
            frames: 25,
            took: Duration::ZERO,
            hole,
            sha256: "00".into(),
        }
    }

    fn gaps(clip: &Clip) -> Vec<(u64, u64, String)> {
        let seconds = |at: Mono| at.0 / 1_000_000;
        clip.missing("no signal").into_iter().map(|(w, why)| (seconds(w.from), seconds(w.to), why)).collect()
    }

    #[test]
    fn every_gap_has_its_place_and_its_cause() {
        let mut clip = Clip::new(ClipId(1), "front".parse().expect("a name"), window(10, 60), None);
        clip.stored(3, RunId(1), window(15, 20), &added(None), None, "");
        clip.stored(4, RunId(1), window(20, 25), &added(None), None, "");
        assert!(clip.stored(6, RunId(1), window(30, 35), &added(None), None, "overwritten"));
        assert!(clip.stored(7, RunId(1), window(37, 40), &added(Some(Duration::from_secs(2))), None, ""));
        assert!(clip.stored(8, RunId(2), window(45, 50), &added(None), None, "connection refused"));
        clip.ended = true;
        let causes: Vec<_> = gaps(&clip).into_iter().map(|(from, to, why)| (from, to, why)).collect();
        let expected = [
            (10, 15, "recording had not begun, or it was no longer in the ring"),
            (25, 30, "overwritten"),
            (35, 37, "the camera's stream skipped this time"),
            (40, 45, "connection refused"),
            (50, 60, "no signal"),
        ];
        assert_eq!(causes, expected.map(|(from, to, why)| (from, to, why.to_owned())));
    }

    #[test]
    fn a_clip_that_has_all_it_was_asked_for_has_no_gaps() {
        let mut clip = Clip::new(ClipId(1), "front".parse().expect("a name"), window(10, 20), None);
        for n in 0..3 {
            clip.stored(n, RunId(1), window(9 + 5 * n, 14 + 5 * n), &added(None), None, "");
        }
        clip.ended = true;
        assert_eq!(gaps(&clip), []);
    }
}
