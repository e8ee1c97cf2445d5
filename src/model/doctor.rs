//! The mail doctor: keeps what was said on the mail port, and says of each connection and each mail what came of it and
//! why, so that whoever set up a camera sees at once what is wrong.
//!
//! It keeps little. When there is too much, the oldest goes of the address that has the most: a scanner that connects
//! all night pushes out itself, and the camera that mailed once at noon is still there in the evening.

mod diagnosis;
mod verdict;

use super::time::Mono;
use super::transcript::{End, Grade, MailSeen, SessionView, Transcript, Verdict};
use diagnosis::diagnose;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

/// Connections that are kept.
const SESSIONS: usize = 100;
/// Bytes of text that are kept of all together.
const TEXT: usize = 512 << 10;
/// Mails that are kept of a connection, the newest.
const MAILS: usize = 10;

/// What is kept.
#[derive(Debug, Default)]
pub(super) struct Doctor {
    /// In the order of their last change.
    sessions: VecDeque<SessionView>,
    /// Bytes of text in all of them.
    text: usize,
    /// The number of the last change.
    change: u64,
    /// Connections that could not be told of.
    pub untold: u64,
}

impl Doctor {
    /// The number of the last change.
    pub fn change(&self) -> u64 {
        self.change
    }

    /// What is kept, the last change last.
    pub fn sessions(&self) -> &VecDeque<SessionView> {
        &self.sessions
    }

    /// A connection told how far it is, or how it ended.
    pub fn heard(&mut self, now: Mono, transcript: Transcript, untold: u64) {
        self.untold = self.untold.saturating_add(untold);
        let before = self.take(transcript.number);
        let mails = before.map_or_else(Vec::new, |before| before.mails);
        let like_it = self.take_like(&transcript, &mails);
        let began = now - transcript.lasted;
        self.put(SessionView { change: 0, began, transcript, like_it, mails, verdict: unknown() });
    }

    /// A mail came on a connection. It may be told of before the connection is.
    pub fn mailed(&mut self, now: Mono, session: u64, peer: IpAddr, mail: MailSeen) {
        let mut view = self.take(session).unwrap_or_else(|| SessionView {
            change: 0,
            began: now,
            transcript: Transcript {
                number: session,
                peer,
                tls: None,
                lines: Vec::new(),
                left_out: 0,
                lasted: now.since(now),
                end: None,
            },
            like_it: 0,
            mails: Vec::new(),
            verdict: unknown(),
        });
        view.mails.push(mail);
        let extra = view.mails.len().saturating_sub(MAILS);
        view.mails.drain(..extra);
        self.put(view);
    }

    /// Whether another address has sent a mail of which this is true.
    pub fn others(&self, peer: IpAddr, is_so: impl Fn(&MailSeen) -> bool) -> bool {
        let others = self.sessions.iter().filter(|session| session.transcript.peer != peer);
        others.flat_map(|session| &session.mails).any(is_so)
    }

    fn put(&mut self, mut view: SessionView) {
        self.change += 1;
        view.change = self.change;
        let last = view.mails.iter().rfind(|mail| mail.verdict.grade == Grade::Amiss).or(view.mails.last());
        view.verdict = last.map_or_else(|| diagnose(&view.transcript), |mail| mail.verdict.clone());
        self.text += text_of(&view);
        self.sessions.push_back(view);
        while self.sessions.len() > SESSIONS || self.text > TEXT {
            let Some(place) = self.dispensable() else { return };
            self.remove(place);
        }
    }

    fn remove(&mut self, place: usize) -> Option<SessionView> {
        let view = self.sessions.remove(place)?;
        self.text -= text_of(&view);
        Some(view)
    }

    fn take(&mut self, number: u64) -> Option<SessionView> {
        let place = self.sessions.iter().rposition(|view| view.transcript.number == number)?;
        self.remove(place)
    }

    /// Of connections on which nothing was said, the last of each address tells it all. Answers how many are gone.
    fn take_like(&mut self, transcript: &Transcript, mails: &[MailSeen]) -> u64 {
        if !is_dull(transcript, mails) {
            return 0;
        }
        let alike = |view: &SessionView| {
            let it = &view.transcript;
            it.peer == transcript.peer && it.end == transcript.end && is_dull(it, &view.mails)
        };
        let place = self.sessions.iter().rposition(alike);
        let before = place.and_then(|place| self.remove(place));
        before.map_or(0, |before| before.like_it.saturating_add(1))
    }

    /// Who goes first: the oldest of the address that has the most; of several such, one that sent no mail.
    fn dispensable(&self) -> Option<usize> {
        let mut of: HashMap<IpAddr, usize> = HashMap::new();
        for view in &self.sessions {
            *of.entry(view.transcript.peer).or_default() += 1;
        }
        let newest = self.sessions.len().checked_sub(1)?;
        let rank = |view: &SessionView| (of[&view.transcript.peer], view.mails.is_empty());
        // Of equals, `max_by_key` takes the last: go from the newest, which itself stays, to the oldest.
        let candidates = self.sessions.iter().enumerate().take(newest.max(1));
        candidates.rev().max_by_key(|(_, view)| rank(view)).map(|(place, _)| place)
    }
}

/// Overwritten as soon as it is known.
fn unknown() -> Verdict {
    Verdict::new(Grade::Open, "")
}

/// Nothing was said, so there is nothing to read.
fn is_dull(transcript: &Transcript, mails: &[MailSeen]) -> bool {
    use super::transcript::By;
    let silent = !transcript.lines.iter().any(|line| line.by == By::Camera);
    let over = transcript.end.as_ref().is_some_and(|end| *end != End::Stopping);
    silent && over && mails.is_empty()
}

fn text_of(view: &SessionView) -> usize {
    let lines = view.transcript.lines.iter().map(|line| line.text.len() + 64);
    let mails = view
        .mails
        .iter()
        .map(|mail| mail.from.len() + mail.to.len() + mail.subject.len() + 2 * mail.verdict.text.len() + 128);
    lines.chain(mails).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::transcript::{By, Line};
    use proptest::prelude::*;
    use std::time::Duration;

    fn transcript(number: u64, peer: u8, said: &[&str], end: Option<End>) -> Transcript {
        let line = |text: &&str| Line { after: 1, by: By::Camera, text: (*text).to_owned() };
        Transcript {
            number,
            peer: [10, 0, 0, peer].into(),
            tls: None,
            lines: said.iter().map(line).collect(),
            left_out: 0,
            lasted: Duration::from_secs(1),
            end,
        }
    }

    fn mail(to: &str, grade: Grade) -> MailSeen {
        let verdict = Verdict::new(grade, to);
        MailSeen { from: "cam@lan".into(), to: to.into(), subject: "Motion".into(), verdict }
    }

    fn numbers(doctor: &Doctor) -> Vec<u64> {
        doctor.sessions.iter().map(|view| view.transcript.number).collect()
    }

    const NOW: Mono = Mono(100_000_000);

    #[test]
    fn what_is_told_again_takes_the_place_of_what_was_told_before() {
        let mut doctor = Doctor::default();
        doctor.heard(NOW, transcript(1, 1, &["EHLO x"], None), 0);
        doctor.heard(NOW, transcript(2, 2, &["EHLO y"], Some(End::Quit)), 0);
        doctor.mailed(NOW, 1, [10, 0, 0, 1].into(), mail("garden@nvr", Grade::Good));
        doctor.heard(NOW, transcript(1, 1, &["EHLO x", "MAIL FROM:<a>"], Some(End::Quit)), 3);
        assert_eq!((numbers(&doctor), doctor.change(), doctor.untold), (vec![2, 1], 4, 3));
        let view = &doctor.sessions[1];
        assert_eq!((view.change, view.mails.len(), view.transcript.lines.len()), (4, 1, 2));
        assert_eq!((view.began, view.verdict.text.as_str()), (Mono(99_000_000), "garden@nvr"));
    }

    #[test]
    fn the_mail_that_went_wrong_decides() {
        let mut doctor = Doctor::default();
        for (to, grade) in [("a", Grade::Good), ("b", Grade::Amiss), ("c", Grade::Good)] {
            doctor.mailed(NOW, 1, [10, 0, 0, 1].into(), mail(to, grade));
        }
        assert_eq!(doctor.sessions[0].verdict.text, "b");
    }

    #[test]
    fn a_scanner_pushes_out_itself_and_silence_is_counted() {
        let mut doctor = Doctor::default();
        doctor.mailed(NOW, 1, [10, 0, 0, 1].into(), mail("garden@nvr", Grade::Good));
        for number in 2..1000 {
            doctor.heard(NOW, transcript(number, 9, &[], Some(End::Gone)), 0);
        }
        assert_eq!((numbers(&doctor), doctor.sessions[1].like_it), (vec![1, 999], 997));
        for number in 1000..2000 {
            doctor.heard(NOW, transcript(number, 9, &["GET /"], Some(End::Told)), 0);
        }
        assert_eq!(doctor.sessions.len(), SESSIONS);
        assert_eq!(numbers(&doctor)[..2], [1, 1901]);
        // Each of them another one: then those who sent nothing go first.
        for number in 2000..3000 {
            let mut one = transcript(number, 9, &["EHLO x"], Some(End::Quit));
            one.peer = IpAddr::from([172, 16, (number / 250) as u8, (number % 250) as u8]);
            doctor.heard(NOW, one, 0);
        }
        assert_eq!((numbers(&doctor)[0], doctor.sessions.len()), (1, SESSIONS));
    }

    proptest! {
        #[test]
        fn it_stays_small_whatever_comes(
            steps in proptest::collection::vec((0u64..300, 0u8..4, 0usize..80, any::<bool>(), any::<bool>()), 0..400),
        ) {
            let mut doctor = Doctor::default();
            let long = "x".repeat(160 * 4);
            for (number, peer, lines, over, is_mail) in steps {
                let change = doctor.change();
                match is_mail {
                    true => doctor.mailed(NOW, number, [10, 0, 0, peer].into(), mail(&long, Grade::Good)),
                    false => {
                        let end = over.then_some(End::Gone);
                        doctor.heard(NOW, transcript(number, peer, &vec![long.as_str(); lines], end), 0);
                    }
                }
                prop_assert_eq!(doctor.change(), change + 1);
                prop_assert!(doctor.sessions.len() <= SESSIONS && doctor.text <= TEXT);
                prop_assert_eq!(doctor.text, doctor.sessions.iter().map(text_of).sum::<usize>());
                prop_assert!(doctor.sessions.iter().is_sorted_by_key(|view| view.change));
                let newest = doctor.sessions.back().expect("the one that came");
                prop_assert_eq!((newest.change, newest.transcript.number), (change + 1, number));
                prop_assert_eq!(doctor.sessions.iter().filter(|view| view.transcript.number == number).count(), 1);
            }
        }
    }
}
