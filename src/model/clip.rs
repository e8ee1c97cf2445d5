//! One clip while it grows: what was wanted of it, what it got, and the difference with its cause.

use super::backoff::Setback;
use super::claim::Claim;
use super::event::Added;
use super::id::{CameraName, ClipId, RunId};
use super::record::{ClipState, Gap, Record, Stored, Trigger, TriggerKind};
use super::snapshot::{ClipView, Media};
use super::time::{Anchor, Mono, Wall, Window};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Slack where our clock and a stream's own are compared: choosing segments, and judging what is missing.
pub const SLACK: Duration = Duration::from_millis(500);

/// A growing clip. What it has much of is shared with the memory of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clip {
    /// Which.
    pub id: ClipId,
    camera: CameraName,
    /// What is wanted of it so far.
    pub asked: Window<Mono>,
    /// Footage before this instant is in another clip.
    pub taken: Mono,
    /// Set once no more will be wanted of it: why what is missing at its end is missing.
    pub ended: Option<Arc<str>>,
    /// The order to close it has been given.
    pub closing: bool,
    /// Closing failed.
    pub setback: Option<Setback>,
    /// Once it has one.
    pub file: Option<ClipFile>,
    /// The clip that this one goes on from without a gap.
    pub follows: Option<ClipId>,
    /// That clip's name, once known.
    pub continues: Option<String>,
    triggers: Arc<Vec<(Mono, TriggerKind)>>,
    more_triggers: u64,
    /// In the order of their numbers.
    pieces: Arc<Vec<Piece>>,
    media: Option<Media>,
    bytes: u64,
    length: Duration,
    frames: u64,
    sha256: Option<Arc<str>>,
    /// The first segment that was meant for it: its number, and when it began.
    first: Option<(u64, Mono)>,
    /// When no recorder ran while it grew.
    interruptions: Vec<Window<Mono>>,
}

/// The file of a clip, as the archive has named it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipFile {
    /// Without ending.
    pub name: String,
    /// When the footage begins, as the name says it. Lists go by this, whatever the wall clock is set to later.
    pub start: Wall,
    /// Where it grows.
    pub path: String,
}

/// A segment that was meant for the clip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Piece {
    number: u64,
    run: RunId,
    span: Window<Mono>,
    /// How far its footage surely reaches, if that is not the end of its span.
    sure: Option<Mono>,
    /// Why there is a gap in front of it, if there is.
    before: Option<Arc<str>>,
    got: Got,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Got {
    Stored { bytes: u64, hole: Option<Duration> },
    Lost(Arc<str>),
}

/// Something that is missing, and why.
type Missing = (Window<Mono>, Arc<str>);

impl Clip {
    /// A clip that nothing is in yet, of which `window` is wanted as far as it is not `taken`.
    pub fn new(id: ClipId, camera: CameraName, window: Window<Mono>, taken: Mono) -> Self {
        let from = window.from.max(taken);
        Self {
            id,
            camera,
            asked: Window { from, to: window.to.max(from) },
            taken,
            ended: None,
            closing: false,
            setback: None,
            file: None,
            follows: None,
            continues: None,
            triggers: Arc::default(),
            more_triggers: 0,
            pieces: Arc::default(),
            media: None,
            bytes: 0,
            length: Duration::ZERO,
            frames: 0,
            sha256: None,
            first: None,
            interruptions: Vec::new(),
        }
    }

    /// Ends this clip where another goes on, and answers that one. It exists for the same reason, so it is given the
    /// last trigger; and if this one had ended already, so has it.
    pub fn go_on(&mut self, id: ClipId, at: Mono, cause: Arc<str>) -> Clip {
        let mut next = Clip::new(id, self.camera.clone(), self.asked, at);
        Arc::make_mut(&mut next.triggers).extend(self.triggers.last().cloned());
        next.follows = Some(self.id);
        next.continues = self.file.as_ref().map(|file| file.name.clone());
        next.ended = self.ended.replace(cause);
        self.asked.to = at.max(self.asked.from);
        next
    }

    /// A further reason for it.
    pub fn trigger(&mut self, at: Mono, kind: TriggerKind) {
        if self.triggers.len() < Record::MAX_TRIGGERS {
            Arc::make_mut(&mut self.triggers).push((at, kind));
        } else {
            self.more_triggers = self.more_triggers.saturating_add(1);
        }
    }

    /// More is wanted.
    pub fn ask(&mut self, window: Window<Mono>) {
        self.asked.from = self.asked.from.min(window.from.max(self.taken));
        self.asked.to = self.asked.to.max(window.to);
    }

    /// A segment was claimed for it. Answers how far into the clip it stands.
    pub fn meant(&mut self, number: u64, began: Mono) -> Duration {
        began.since(self.first.get_or_insert((number, began)).1)
    }

    /// The first segment that was claimed for it: its number, and when it began.
    pub fn first(&self) -> Option<(u64, Mono)> {
        self.first
    }

    /// Whether nothing is stored in it.
    pub fn is_empty(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece.got, Got::Lost(_)))
    }

    /// A segment is durable. Answers whether that showed a gap.
    pub fn stored(&mut self, claim: &Claim, added: &Added) -> bool {
        let known = self.missing().len();
        self.piece(claim, Got::Stored { bytes: added.bytes, hole: added.hole });
        self.bytes = added.clip_bytes;
        // Of whole microseconds, as the record has it: lists must not tell two lengths of one clip.
        self.length = Duration::from_micros(u64::try_from(added.clip_length.as_micros()).unwrap_or(u64::MAX));
        self.frames = self.frames.saturating_add(added.frames);
        self.sha256 = Some(Arc::clone(&added.sha256));
        if self.media.is_none() {
            self.media.clone_from(&claim.media);
        }
        self.missing().len() > known
    }

    /// A segment that was meant for it is gone.
    pub fn lost(&mut self, claim: &Claim, cause: &str) {
        self.piece(claim, Got::Lost(cause.into()));
    }

    fn piece(&mut self, claim: &Claim, got: Got) {
        let place = self.pieces.partition_point(|piece| piece.number < claim.number);
        let (number, run, span, before) = (claim.number, claim.run, claim.span, claim.before.clone());
        let piece = Piece { number, run, span, sure: claim.sure, before, got };
        Arc::make_mut(&mut self.pieces).insert(place, piece);
    }

    /// What is missing of what was asked, as far as it can be told now, in order.
    fn missing(&self) -> Vec<Missing> {
        let mut gaps: Vec<Missing> = Vec::new();
        let mut end = self.asked.from;
        let mut last: Option<&Piece> = None;
        for piece in self.pieces.iter() {
            let Window { from, to } = piece.span;
            let goes_on = last.is_some_and(|last| last.number + 1 == piece.number && last.run == piece.run);
            // Where the first one begins is compared with what was asked, else our clock with itself.
            let slack = if last.is_none() { SLACK } else { Duration::ZERO };
            if !goes_on && end + slack < from {
                let why = piece.before.clone().unwrap_or_else(|| "it was no longer in the ring".into());
                gaps.push((Window { from: end, to: from }, why));
            }
            match &piece.got {
                Got::Lost(cause) => gaps.push((piece.span, cause.clone())),
                Got::Stored { hole: Some(hole), .. } if goes_on => {
                    gaps.push((
                        Window { from: from - *hole, to: from },
                        "the camera's stream skipped this time".into(),
                    ));
                }
                Got::Stored { .. } => {}
            }
            (end, last) = (end.max(piece.sure.unwrap_or(to)), Some(piece));
        }
        if let Some(cause) = self.ended.as_ref().filter(|_| end + SLACK < self.asked.to) {
            gaps.push((Window { from: end, to: self.asked.to }, cause.clone()));
        }
        let asked = |(gap, cause): Missing| {
            let gap = Window { from: gap.from.max(self.asked.from), to: gap.to.min(self.asked.to) };
            (gap.from < gap.to).then_some((gap, cause))
        };
        gaps.into_iter().filter_map(asked).collect()
    }

    /// How much of what was asked is missing, and why most of it is.
    pub fn shortfall(&self) -> Option<(Duration, Arc<str>)> {
        let gaps = self.missing();
        let length = |gap: &Missing| gap.0.to.since(gap.0.from);
        let (_, cause) = gaps.iter().max_by_key(|gap| length(gap))?;
        let all = gaps.iter().map(length).fold(Duration::ZERO, Duration::saturating_add);
        Some((all, cause.clone()))
    }

    /// Its record as it stands. One anchor serves all of it, the newest: should the clock on the wall have been set
    /// meanwhile, then because it was wrong, and spans and distances are right in any case.
    pub fn record(&self, anchor: &Anchor) -> Record {
        let segments: Vec<_> = self.pieces.iter().filter_map(|piece| piece.shown(anchor)).collect();
        let ends = segments.first().zip(segments.last());
        Record {
            version: Record::VERSION,
            camera: self.camera.clone(),
            state: if self.ended.is_some() { ClipState::Closed } else { ClipState::Open },
            asked: self.asked.wall(anchor),
            got: ends.map(|(first, last)| Window { from: first.window.from, to: last.window.to }),
            gaps: self
                .missing()
                .into_iter()
                .map(|(window, cause)| Gap { window: window.wall(anchor), cause: cause.as_ref().to_owned() })
                .collect(),
            triggers: self
                .triggers
                .iter()
                .map(|(at, kind)| Trigger { at: anchor.wall(*at), kind: kind.clone() })
                .collect(),
            more_triggers: self.more_triggers,
            segments,
            media: self.media.clone(),
            bytes: self.bytes,
            // A short number, which JSON gives back as it was.
            seconds: self.length.as_micros() as f64 / 1e6,
            frames: self.frames,
            sha256: self.sha256.clone(),
            continues: self.continues.clone(),
            interruptions: self.interruptions.iter().map(|window| window.wall(anchor)).collect(),
        }
    }

    /// For lists; `None` until it has a file.
    pub fn view(&self) -> Option<ClipView> {
        let ClipFile { name, start, path } = self.file.clone()?;
        Some(ClipView {
            name,
            camera: self.camera.clone(),
            start,
            length: self.length,
            bytes: self.bytes,
            trigger: self.triggers.first().map_or("", |(_, kind)| kind.word()).to_owned(),
            subject: self.triggers.first().and_then(|(_, kind)| kind.subject()).unwrap_or_default().to_owned(),
            missing: self.shortfall().map_or(Duration::ZERO, |(missing, _)| missing),
            open: true,
            protected: false,
            path,
        })
    }
}

impl Piece {
    fn shown(&self, anchor: &Anchor) -> Option<Stored> {
        match self.got {
            Got::Stored { bytes, .. } => Some(Stored { number: self.number, window: self.span.wall(anchor), bytes }),
            Got::Lost(_) => None,
        }
    }
}

mod left;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ring::{Fate, Segment};

    fn at(seconds: u64) -> Mono {
        Mono(0) + Duration::from_secs(seconds)
    }

    fn window(from: u64, to: u64) -> Window<Mono> {
        Window { from: at(from), to: at(to) }
    }

    fn added(hole: u64) -> Added {
        Added {
            bytes: 10,
            clip_bytes: 10,
            clip_length: Duration::from_secs(1),
            frames: 25,
            took: Duration::ZERO,
            hole: (hole > 0).then(|| Duration::from_secs(hole)),
            sha256: "00".into(),
        }
    }

    fn claim(number: u64, run: u64, (from, to): (u64, u64), before: Option<&str>) -> Claim {
        let (run, before) = (RunId(run), before.map(Into::into));
        let (opened, closed, fate) = (at(from), Some(at(to)), Fate::Claimed);
        Claim::new(
            &Segment { number, run, opened, closed, bytes: 10, fate, before, media: None, sure: None },
            ClipId(1),
            Duration::ZERO,
        )
    }

    fn clip(from: u64, to: u64) -> Clip {
        Clip::new(ClipId(1), "front".parse().expect("a name"), window(from, to), at(0))
    }

    fn gaps(clip: &Clip) -> Vec<(u64, u64, String)> {
        let seconds = |at: Mono| at.0 / 1_000_000;
        clip.missing().into_iter().map(|(w, why)| (seconds(w.from), seconds(w.to), why.to_string())).collect()
    }

    #[test]
    fn every_gap_has_its_place_and_its_cause() {
        let mut clip = clip(10, 60);
        assert!(clip.stored(&claim(3, 1, (15, 20), Some("no signal")), &added(0)));
        assert!(!clip.stored(&claim(4, 1, (20, 25), None), &added(0)));
        clip.lost(&claim(5, 1, (25, 30), None), "overwritten");
        assert!(!clip.stored(&claim(6, 1, (30, 35), None), &added(0)));
        assert!(clip.stored(&claim(7, 1, (37, 40), None), &added(2)));
        assert!(clip.stored(&claim(8, 2, (45, 50), Some("connection refused")), &added(3)));
        clip.ended = Some("stopped".into());
        let expected = [
            (10, 15, "no signal"),
            (25, 30, "overwritten"),
            (35, 37, "the camera's stream skipped this time"),
            (40, 45, "connection refused"),
            (50, 60, "stopped"),
        ];
        assert_eq!(gaps(&clip), expected.map(|(from, to, why)| (from, to, why.to_owned())));
        assert_eq!(clip.shortfall(), Some((Duration::from_secs(27), "stopped".into())));
    }

    #[test]
    fn a_clip_that_has_all_it_was_asked_for_has_no_gaps() {
        let mut clip = clip(10, 20);
        for n in 0..3 {
            clip.stored(&claim(n, 1, (9 + 5 * n, 14 + 5 * n), None), &added(0));
        }
        clip.ended = Some("stopped".into());
        assert_eq!((gaps(&clip), clip.shortfall()), (vec![], None));
    }

    #[test]
    fn only_what_was_asked_can_be_missing() {
        let mut clip = clip(10, 20);
        clip.lost(&claim(0, 1, (5, 12), None), "gone");
        clip.stored(&claim(1, 1, (12, 18), None), &added(0));
        clip.lost(&claim(2, 1, (18, 30), None), "gone too");
        clip.ended = Some("stopped".into());
        assert_eq!(gaps(&clip), [(10, 12, "gone".to_owned()), (18, 20, "gone too".to_owned())]);
    }

    #[test]
    fn a_list_shows_the_subject_of_a_mail_only_if_that_began_the_clip() {
        let mail = || {
            let (peer, from, to, subject) = ("10.0.0.9".into(), "cam".into(), "front".into(), "Motion".into());
            TriggerKind::Mail { peer, from, to, subject }
        };
        for (triggers, shown) in [([TriggerKind::Key, mail()], ("key", "")), ([mail(), mail()], ("mail", "Motion"))] {
            let mut clip = clip(10, 60);
            triggers.into_iter().for_each(|kind| clip.trigger(at(20), kind));
            assert_eq!(clip.view().map(|it| it.name), None, "it has no name yet");
            clip.file = Some(ClipFile { name: "front_1".into(), start: Wall::UNIX_EPOCH, path: "/clips".into() });
            let view = clip.view().expect("it has a file");
            assert_eq!((view.trigger.as_str(), view.subject.as_str()), shown);
        }
    }

    #[test]
    fn a_clip_that_goes_on_keeps_the_reason_and_the_name() {
        let mut first = clip(10, 60);
        first.trigger(at(20), TriggerKind::Key);
        let (name, path) = ("front_1".into(), "/clips/front_1.mp4.part".into());
        first.file = Some(ClipFile { name, start: Wall::UNIX_EPOCH, path });
        let next = first.go_on(ClipId(2), at(30), "why".into());
        assert_eq!((first.asked, next.asked), (window(10, 30), window(30, 60)));
        assert_eq!((next.continues.as_deref(), next.triggers.len()), (Some("front_1"), 1));
        assert!(first.ended.is_some() && next.ended.is_none());
    }
}
