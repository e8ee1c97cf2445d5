//! What a recorder could answer to a monitor's questions, for everything that shows pages.

use super::pictures::{self, NOW, clip, entry, name, seconds};
use nvr::model::command::{Answer, Command};
use nvr::model::question::{ClipDetails, ClipKey, ClipPage, ClipQuery, Found, Page, Question, Said};
use nvr::model::record::{ClipState, Gap, MailTrigger, Record, Stored, Trigger, TriggerKind};
use nvr::model::snapshot::{ClipView, CopyOutcome, CopyView, Entry, Level, Media, Snapshot, Topic};
use nvr::model::time::{Wall, Window};
use nvr::model::transcript::{By, End, Fix, Grade, Line, MailSeen, SessionView, Transcript, Verdict};
use std::time::Duration;

pub fn wall(text: &str) -> Wall {
    text.parse().expect("a timestamp")
}

/// So many clips of the last months, newest first.
pub fn clips(count: usize) -> Vec<ClipView> {
    let newest = wall("2026-11-22T13:40:02Z");
    let one = |n: usize| {
        let start = newest - seconds(n as u64 * 7_411);
        let (camera, trigger) = [("front-door", "mail"), ("garden", "key"), ("front-door", "command")][n % 3];
        let mut clip = clip(&start.to_string(), camera, [80, 48, 130, 3900][n % 4], trigger);
        clip.protected = n % 5 == 1;
        clip.missing = seconds(if n % 9 == 4 { 12 } else { 0 });
        clip.path = format!("/srv/clips/{camera}/{}/{}.mp4", start.strftime("%Y-%m-%d"), clip.name);
        clip
    };
    (0..count).map(one).collect()
}

/// A picture whose last clips are the first of these; the first one may still grow.
pub fn with_clips(clips: &[ClipView]) -> Snapshot {
    let mut picture = pictures::all_well();
    picture.clips = clips.iter().take(50).cloned().collect();
    picture
}

/// A page as the archive finds it.
pub fn page(clips: &[ClipView], query: &ClipQuery) -> ClipPage {
    let limit = query.limit as usize;
    let words = query.find.to_lowercase();
    let has = |clip: &ClipView| {
        let text = format!("{} {} {}", clip.name, clip.trigger, clip.subject).to_lowercase();
        words.split_whitespace().all(|word| text.contains(word))
    };
    let all: Vec<_> = clips.iter().filter(|clip| has(clip)).cloned().collect();
    let (clips, more) = match &query.page {
        Page::Newest => (all.iter().take(limit).cloned().collect::<Vec<_>>(), all.len() > limit),
        Page::Older(key) => {
            let rest: Vec<_> = all.into_iter().filter(|clip| ClipKey::of(clip) < *key).collect();
            (rest.iter().take(limit).cloned().collect(), rest.len() > limit)
        }
        Page::Newer(key) => {
            let rest: Vec<_> = all.into_iter().filter(|clip| ClipKey::of(clip) > *key).collect();
            (rest[rest.len().saturating_sub(limit)..].to_vec(), rest.len() > limit)
        }
        Page::Oldest => (all[all.len().saturating_sub(limit)..].to_vec(), all.len() > limit),
    };
    let end = match &query.page {
        Page::Newest | Page::Older(_) => clips.last(),
        Page::Newer(_) | Page::Oldest => clips.first(),
    };
    let more = end.filter(|_| more).map(ClipKey::of);
    ClipPage { clips, more }
}

fn mail(at: &str, subject: &str) -> Trigger {
    let kind = TriggerKind::Mail(MailTrigger {
        peer: "192.168.1.20".into(),
        from: "alarm@nvr".into(),
        to: "front-door@nvr".into(),
        subject: subject.into(),
        ..MailTrigger::default()
    });
    Trigger { at: wall(at), kind }
}

fn window(from: &str, to: &str) -> Window<Wall> {
    Window { from: wall(from), to: wall(to) }
}

/// A closed clip with a gap and three triggers.
pub fn details() -> ClipDetails {
    let mut clip = clips(1).remove(0);
    (clip.missing, clip.protected) = (Duration::from_millis(8_400), true);
    let mut record = Record::empty(name("front-door"), window("2026-11-22T13:39:52Z", "2026-11-22T13:41:12Z"));
    record.state = ClipState::Closed;
    record.got = Some(window("2026-11-22T13:39:51.8Z", "2026-11-22T13:41:14.1Z"));
    record.gaps = vec![Gap {
        window: window("2026-11-22T13:40:20.1Z", "2026-11-22T13:40:28.5Z"),
        cause: "the camera's stream stopped: connection reset by 192.168.1.20 port 554".into(),
    }];
    record.triggers = vec![
        mail("2026-11-22T13:40:02Z", "Motion Detected"),
        Trigger { at: wall("2026-11-22T13:40:05Z"), kind: TriggerKind::Key },
        mail("2026-11-22T13:40:22Z", "Motion Detected: line crossing in zone 2"),
    ];
    let second = |n: u64| Stored {
        number: 4711 + n,
        window: window("2026-11-22T13:39:52Z", "2026-11-22T13:40:02Z"),
        bytes: 5_100_000,
    };
    record.segments = (0..8).map(second).collect();
    record.media = Some(Media { video: "h264".into(), width: 1920, height: 1080, audio: Some("aac".into()) });
    (record.bytes, record.seconds, record.frames) = (clip.bytes, 80.0, 2000);
    record.blake3 = Some("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into());
    record.continues = Some("front-door_2026-11-22_13-29-52+0000".into());
    ClipDetails {
        clip,
        record: Some(record),
        trouble: None,
        pictures: vec!["front-door_2026-11-22_14-02-31+0100.jpg".into()],
    }
}

/// A clip that still grows.
pub fn growing() -> ClipDetails {
    let mut details = details();
    let record = details.record.as_mut().expect("a record");
    (record.state, record.blake3, record.continues) = (ClipState::Open, None, None);
    record.gaps.clear();
    record.triggers.truncate(1);
    (details.clip.open, details.clip.protected, details.clip.missing) = (true, false, Duration::ZERO);
    details.pictures.clear();
    details
}

/// A clip that the recorder could not close.
pub fn interrupted() -> ClipDetails {
    let mut details = details();
    details.record.as_mut().expect("a record").state = ClipState::Interrupted;
    (details.clip.protected, details.clip.interrupted) = (false, true);
    details
}

/// A clip whose record cannot be read.
pub fn without_record() -> ClipDetails {
    let trouble = "the record beside the clip cannot be read: unexpected end of file (the clip itself plays)";
    ClipDetails { record: None, trouble: Some(trouble.into()), ..details() }
}

/// The copy log: most of it went well.
pub fn copies() -> Vec<CopyView> {
    let one = |n: u64| {
        let (camera, slot) = (if n % 4 == 3 { "garden" } else { "front-door" }, (n % 10) as u32);
        let (bytes, took) = (4_700_000 + n * 31_000, Duration::from_millis(38 + 97 * (n % 6)));
        let outcome = match n {
            57 => CopyOutcome::Lost { reason: "the archive was away until there was no room left in RAM".into() },
            55 | 56 => CopyOutcome::Retrying { reason: "no space left on device".into() },
            58 => CopyOutcome::Stored { bytes, took, retries: 2 },
            59 => CopyOutcome::Stored { bytes, took: Duration::from_millis(12_340), retries: 1 },
            _ => CopyOutcome::Stored { bytes, took, retries: 0 },
        };
        let clip = format!("{camera}_2026-11-22_13-40-02+0000");
        CopyView { number: n, at: NOW - seconds((60 - n) * 11), camera: name(camera), slot, clip, outcome }
    };
    (1..=60).map(one).collect()
}

/// The journal, with all levels.
pub fn journal() -> Vec<Entry> {
    let lines = [
        (Level::Info, Some("front-door"), "triggered by mail from alarm@nvr: Motion Detected"),
        (Level::Info, Some("front-door"), "clip closed: 1 min 20 s, 41 MB"),
        (Level::Warn, Some("garden"), "no picture for 12 s; FFmpeg is started again"),
        (Level::Info, Some("garden"), "disarmed by a key"),
        (
            Level::Error,
            Some("garden"),
            "no signal: connection refused by 192.168.1.22 port 554 (is the camera on, and is RTSP enabled in its \
             settings? see what FFmpeg said: nvr stderr garden)",
        ),
        (
            Level::Error,
            None,
            "archive: /srv/clips is full: 0 B free of 2.0 TB (remove something, or set archive.keep lower)",
        ),
    ];
    let one = |n: u64| {
        let (level, camera, text) = lines[(n as usize) % lines.len()];
        Entry { number: n, topic: Topic::Camera, ..entry((80 - n) * 97, level, camera, text) }
    };
    (1..=80).map(one).collect()
}

/// What an FFmpeg says before it gives up.
pub fn stderr() -> Vec<String> {
    let lines = [
        "[rtsp @ 0x55d0c8a3c2c0] [warning] max delay reached. need to consume packet",
        "[rtsp @ 0x55d0c8a3c2c0] [warning] RTP: missed 214 packets",
        "[h264 @ 0x55d0c8a41100] [error] error while decoding MB 61 12, bytestream -7",
        "[in#0 @ 0x55d0c8a3bd40] [error] Error during demuxing: Connection timed out",
    ];
    (0..20).map(|n| lines[n % lines.len()].to_owned()).collect()
}

fn session(number: u64, peer: &str, said: &[&str], end: Option<End>, verdict: Verdict) -> SessionView {
    let line = |(n, line): (u64, &&str)| {
        let (sign, text) = line.split_once(' ').expect("a sign");
        let by = match sign {
            ">" => By::Camera,
            "<" => By::Nvr,
            _ => By::Nobody,
        };
        Line { after: n * 12, by, text: text.to_owned() }
    };
    let transcript = Transcript {
        number,
        peer: peer.parse().expect("an address"),
        tls: None,
        lines: (0..).zip(said).map(line).collect(),
        left_out: 0,
        lasted: Duration::from_millis(said.len() as u64 * 12),
        end,
    };
    let began = NOW - seconds((20 - number) * 61);
    SessionView { change: number, began, transcript, like_it: 0, mails: Vec::new(), verdict }
}

const DELIVERED: [&str; 16] = [
    "< 220 nvr ESMTP",
    "> EHLO ipcam",
    "< 250-nvr",
    "< 250 AUTH PLAIN LOGIN",
    "> AUTH LOGIN",
    "< 334 VXNlcm5hbWU6",
    "> (user)",
    "< 334 UGFzc3dvcmQ6",
    "> (password)",
    "< 235 welcome",
    "> MAIL FROM:<ipcam@home>",
    "< 250 OK",
    "> RCPT TO:<kamera2@nvr>",
    "< 250 OK",
    "- subject \"Motion Detected\" and a picture of 48213 bytes",
    "< 250 OK",
];

/// What was said on the mail port: a mail as it should be, one to nobody, and those who sent none.
pub fn sessions() -> Vec<SessionView> {
    let mail = |view: SessionView, to: &str| {
        let (from, subject) = ("ipcam@home".to_owned(), "Motion Detected".to_owned());
        let mail = MailSeen { from, to: to.to_owned(), subject, verdict: view.verdict.clone() };
        SessionView { mails: vec![mail], ..view }
    };
    let good = Verdict::new(Grade::Good, "accepted for front-door (recipient front-door@nvr): saving");
    let fix = Fix::Alias { camera: None, word: "kamera2".into() };
    let text = "unknown recipient kamera2@nvr: all cameras are meant, front-door: saving; garden: saving (add to its \
                [[camera]]: alias = [\"kamera2\"])";
    let unknown = Verdict { grade: Grade::Amiss, text: text.into(), fix: Some(fix) };
    let idle = Verdict::new(Grade::Idle, "a browser or a scanner, no camera: what it said is HTTP");
    let cram =
        "AUTH CRAM-MD5 is not offered, and it hung up (in the camera: choose LOGIN or PLAIN, or no authentication)";
    let peer = [198, 51, 100, 7].into();
    let refused = "refused: 198.51.100.7 is not in smtp.allow (if it is a camera: add 198.51.100.7)";
    let refused = Verdict { grade: Grade::Amiss, text: refused.into(), fix: Some(Fix::Allow(peer)) };
    let web = ["< 220 nvr ESMTP", "> GET / HTTP/1.1", "< 500 not understood"];
    let auth = ["< 220 nvr ESMTP", "> EHLO cam", "< 250 AUTH PLAIN LOGIN", "> AUTH CRAM-MD5", "< 504 use AUTH PLAIN"];
    let open = Verdict::new(Grade::Open, "goes on: said hello, no mail yet");
    vec![
        session(3, "192.168.1.99", &web, Some(End::Told), idle),
        SessionView { like_it: 41, ..session(9, "198.51.100.7", &["< 554 no"], Some(End::NotAllowed), refused) },
        mail(session(12, "192.168.1.20", &DELIVERED, Some(End::Quit), good), "front-door@nvr"),
        session(15, "192.168.1.30", &auth, Some(End::Gone), Verdict::new(Grade::Amiss, cram)),
        mail(session(17, "192.168.1.22", &DELIVERED, Some(End::Quit), unknown), "kamera2@nvr"),
        session(18, "192.168.1.31", &auth[..3], None, open),
    ]
}

/// A picture that shows the ends of these logs.
pub fn with_logs(copies: &[CopyView], journal: &[Entry]) -> Snapshot {
    let mut picture = pictures::all_well();
    picture.copies = copies[copies.len().saturating_sub(50)..].to_vec();
    picture.journal = journal[journal.len().saturating_sub(50)..].to_vec();
    picture
}

/// The lines of a log whose end is `shown`: what came before it, too.
fn log<T: Clone>(all: Vec<T>, shown: &[T], since: u64, number: impl Fn(&T) -> u64) -> Vec<T> {
    let first = shown.first().map_or(0, &number);
    let before = all.into_iter().filter(|line| number(line) < first);
    before.chain(shown.iter().cloned()).filter(|line| number(line) > since).collect()
}

/// What a recorder with this picture and these clips, all with the same record, would answer.
pub fn answer(
    command: &Command,
    clips: &[ClipView],
    details: &ClipDetails,
    stderr: &[String],
    picture: &Snapshot,
) -> Answer {
    let Command::Ask(question) = command else { return Answer::Done("done".into()) };
    Answer::Found(match question {
        Question::Clips(query) => Found::Clips(page(clips, query)),
        Question::Clip(name) => {
            let mut details = details.clone();
            details.clip.name.clone_from(name);
            Found::Clip(Box::new(details))
        }
        Question::Journal(since) => Found::Journal(log(journal(), &picture.journal, since.after, |it| it.number)),
        Question::Copies(since) => Found::Copies(log(copies(), &picture.copies, since.after, |it| it.number)),
        Question::Stderr(_) => {
            let said = |(n, line): (u64, &String)| Said { at: NOW - seconds(300) + seconds(7 * n), text: line.clone() };
            Found::Stderr((0..).zip(stderr).map(said).collect())
        }
        Question::Sessions(since) => {
            let after = |session: &SessionView| session.change > since.after;
            Found::Sessions(sessions().into_iter().filter(after).collect())
        }
        Question::Stills { .. } | Question::WhereTo(_) => Found::Stills(Vec::new()),
    })
}
