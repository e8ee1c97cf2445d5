//! Why a connection brought no mail, as far as its transcript tells: a sentence with the remedy. What cameras get wrong
//! is known; what nobody knows is said as it was.

use crate::model::transcript::{By, End, Fix, Grade, TLS_HELLO, Transcript, Verdict};

/// What to set in a camera that expects encryption where there is none.
const NO_TLS: &str = "in the camera: encryption of its mail off, or none";

/// What is read out of the lines.
#[derive(Debug, Default)]
struct Talk<'a> {
    /// The camera said something.
    spoke: bool,
    /// How far it came.
    step: Step,
    /// The last command that was refused, and the reply.
    refused: Option<(&'a str, &'a str)>,
    /// Its first bytes were TLS.
    tls_hello: bool,
    /// The first command was no SMTP but a browser's.
    web: bool,
}

/// How far a camera came with its mail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    #[default]
    Nothing,
    Hello,
    LoggedIn,
    Mail,
    Recipient,
}

impl<'a> Talk<'a> {
    fn of(transcript: &'a Transcript) -> Self {
        let mut talk = Talk::default();
        let mut command = "";
        for line in &transcript.lines {
            match line.by {
                By::Camera => {
                    talk.web |= !talk.spoke && is_web(&line.text);
                    talk.spoke = true;
                    command = &line.text;
                }
                By::Nvr => talk.answered(command, &line.text),
                By::Nobody => talk.tls_hello |= line.text == TLS_HELLO,
            }
        }
        talk
    }

    fn answered(&mut self, command: &'a str, reply: &'a str) {
        match reply.as_bytes().first() {
            Some(b'2') => self.step = self.step.max(step(command, reply)),
            Some(b'4' | b'5') if !command.is_empty() => self.refused = Some((command, reply)),
            Some(_) | None => {}
        }
    }
}

fn verb(command: &str) -> String {
    command.split_whitespace().next().unwrap_or_default().to_ascii_uppercase()
}

fn is_web(command: &str) -> bool {
    matches!(verb(command).as_str(), "GET" | "POST" | "HEAD" | "OPTIONS" | "CONNECT" | "PUT" | "PRI")
}

/// How far a command that was accepted leads.
fn step(command: &str, reply: &str) -> Step {
    match verb(command).as_str() {
        _ if reply.starts_with("235") => Step::LoggedIn,
        "EHLO" | "HELO" => Step::Hello,
        "MAIL" => Step::Mail,
        "RCPT" => Step::Recipient,
        _ => Step::Nothing,
    }
}

/// What is to be said of a connection that brought no mail.
pub(super) fn diagnose(it: &Transcript) -> Verdict {
    let talk = Talk::of(it);
    let amiss = |text: String| Verdict::new(Grade::Amiss, text);
    let Some(end) = &it.end else { return Verdict::new(Grade::Open, going_on(&talk)) };
    match end {
        End::NotAllowed => {
            let text = format!("refused: {0} is not in smtp.allow (if it is a camera: add {0})", it.peer);
            return Verdict { fix: Some(Fix::Allow(it.peer)), ..amiss(text) };
        }
        End::Crowd => {
            let text = format!("sent away: {} had as many connections open as one address may", it.peer);
            return amiss(format!("{text} (see what runs there)"));
        }
        End::Stopping => return Verdict::new(Grade::Idle, "the recorder stopped before a mail came"),
        End::NoTls(why) => return amiss(why.clone()),
        End::Quit | End::Gone | End::Told | End::Idle | End::Long | End::Evicted => {}
    }
    if talk.tls_hello {
        return amiss(format!(
            "spoke TLS from the first byte, which belongs to the port of smtp.tls_listen ({NO_TLS})"
        ));
    }
    if talk.web {
        return Verdict::new(Grade::Idle, "a browser or a scanner, no camera: what it said is HTTP");
    }
    if !talk.spoke {
        return silence(it, end);
    }
    match talk.refused {
        Some((command, reply)) => amiss(refusal(it, end, command, reply)),
        None => left(talk.step, end),
    }
}

fn going_on(talk: &Talk) -> String {
    let so_far = match talk.step {
        Step::Nothing if !talk.spoke => "has said nothing yet",
        Step::Nothing => "has not said hello yet",
        Step::Hello => "said hello, no mail yet",
        Step::LoggedIn => "logged in, no mail yet",
        Step::Mail => "names a sender, no recipient yet",
        Step::Recipient => "a mail is coming in",
    };
    format!("goes on: {so_far}")
}

/// It never said a word.
fn silence(it: &Transcript, end: &End) -> Verdict {
    match end {
        End::Gone | End::Quit | End::Told => {
            let text = "hung up without a word: a look whether the port is open, or it expects TLS";
            Verdict::new(Grade::Idle, format!("{text} ({NO_TLS})"))
        }
        End::Idle | End::Long | End::Evicted | End::Stopping | End::NotAllowed | End::Crowd | End::NoTls(_) => {
            let text = format!("said nothing for {} s after the greeting: it may expect TLS", it.lasted.as_secs());
            Verdict::new(Grade::Amiss, format!("{text} ({NO_TLS})"))
        }
    }
}

/// Something was refused, and it did not go on.
fn refusal(it: &Transcript, end: &End, command: &str, reply: &str) -> String {
    let then = match end {
        End::Gone | End::Quit => "and it hung up",
        End::Told => "and the connection was closed",
        End::Idle | End::Long | End::Evicted | End::Stopping | End::NotAllowed | End::Crowd | End::NoTls(_) => {
            "and it did not go on"
        }
    };
    let said_auth = it.lines.iter().any(|line| line.by == By::Camera && verb(&line.text) == "AUTH");
    match (verb(command).as_str(), reply.get(..3).unwrap_or_default()) {
        ("AUTH", "504") => {
            format!("{command} is not offered, {then} (in the camera: choose LOGIN or PLAIN, or no authentication)")
        }
        (_, "535") => {
            format!("user or password is wrong, {then} (in the camera: those of smtp.user and smtp.password)")
        }
        (_, "530") => {
            format!("came without logging in, {then} (in the camera: user and password of smtp.user, smtp.password)")
        }
        ("STARTTLS", _) => format!("STARTTLS was refused, {then} ({NO_TLS})"),
        (_, "500") if said_auth => {
            format!("after AUTH it said what makes no sense, {then} (in the camera: authentication LOGIN, or none)")
        }
        (_, "500" | "421") => format!("what it said is no mail, {then} (if it is a camera: {NO_TLS})"),
        ("MAIL" | "RCPT" | "DATA", _) => {
            format!("\"{command}\" was refused with \"{reply}\", {then} (in the camera: look at sender and recipient)")
        }
        (_, _) => format!("\"{command}\" was refused with \"{reply}\", {then} (see its lines)"),
    }
}

/// Nothing was refused, and yet no mail came.
fn left(step: Step, end: &End) -> Verdict {
    let how = match end {
        End::Quit | End::Gone => "left",
        End::Idle | End::Long | End::Evicted => "did not go on",
        End::Told | End::Stopping | End::NotAllowed | End::Crowd | End::NoTls(_) => "was closed",
    };
    let test = "a look whether the server answers; some cameras' test button does no more";
    match step {
        Step::Nothing | Step::Hello => Verdict::new(Grade::Idle, format!("said hello, sent no mail and {how}: {test}")),
        Step::LoggedIn => Verdict::new(Grade::Idle, format!("logged in, sent no mail and {how}: {test}")),
        Step::Mail => Verdict::new(
            Grade::Amiss,
            format!("named a sender and no recipient, and {how} (in the camera: enter a recipient)"),
        ),
        Step::Recipient => {
            Verdict::new(Grade::Idle, format!("named a recipient, called its mail off and {how}: nothing is saved"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::transcript::Line;
    use proptest::prelude::*;
    use rstest::rstest;
    use std::time::Duration;

    /// Lines as `> EHLO x`, `< 250 nvr`, `- a note`.
    fn transcript(lines: &[&str], end: Option<End>) -> Transcript {
        let line = |line: &&str| {
            let (sign, text) = line.split_once(' ').expect("a sign");
            let by = match sign {
                ">" => By::Camera,
                "<" => By::Nvr,
                _ => By::Nobody,
            };
            Line { after: 0, by, text: text.to_owned() }
        };
        let mut all = vec![Line { after: 0, by: By::Nvr, text: "220 nvr ESMTP".into() }];
        all.extend(lines.iter().map(line));
        let peer = [192, 0, 2, 7].into();
        Transcript { number: 12, peer, tls: None, lines: all, left_out: 0, lasted: Duration::from_secs(20), end }
    }

    const HELLO: [&str; 2] = ["> EHLO cam", "< 250 nvr"];

    #[rstest]
    #[case::silent_and_gone(&[], End::Gone, Grade::Idle,
        "hung up without a word: a look whether the port is open, or it expects TLS (in the camera: encryption of its mail off, or none)")]
    #[case::silent(&[], End::Idle, Grade::Amiss,
        "said nothing for 20 s after the greeting: it may expect TLS (in the camera: encryption of its mail off, or none)")]
    #[case::tls(&["- the first bytes are those of TLS"], End::Told, Grade::Amiss,
        "spoke TLS from the first byte, which belongs to the port of smtp.tls_listen (in the camera: encryption of its mail off, or none)")]
    #[case::browser(&["> GET / HTTP/1.1", "< 500 not understood"], End::Told, Grade::Idle,
        "a browser or a scanner, no camera: what it said is HTTP")]
    #[case::rubbish(&["> foo", "< 500 not understood"], End::Gone, Grade::Amiss,
        "what it said is no mail, and it hung up (if it is a camera: in the camera: encryption of its mail off, or none)")]
    #[case::cram(&["> AUTH CRAM-MD5", "< 504 use AUTH PLAIN or AUTH LOGIN"], End::Gone, Grade::Amiss,
        "AUTH CRAM-MD5 is not offered, and it hung up (in the camera: choose LOGIN or PLAIN, or no authentication)")]
    #[case::wrong(&["> AUTH LOGIN", "< 334 VXNlcm5hbWU6", "> (user)", "< 334 UGFzc3dvcmQ6", "> (password)", "< 535 no"],
        End::Quit, Grade::Amiss,
        "user or password is wrong, and it hung up (in the camera: those of smtp.user and smtp.password)")]
    #[case::without(&["> MAIL FROM:<a@b>", "< 530 log in first"], End::Quit, Grade::Amiss,
        "came without logging in, and it hung up (in the camera: user and password of smtp.user, smtp.password)")]
    #[case::starttls(&["> STARTTLS", "< 502 STARTTLS is not offered"], End::Gone, Grade::Amiss,
        "STARTTLS was refused, and it hung up (in the camera: encryption of its mail off, or none)")]
    #[case::no_recipient(&["> MAIL FROM:<a@b>", "< 250 OK"], End::Quit, Grade::Amiss,
        "named a sender and no recipient, and left (in the camera: enter a recipient)")]
    #[case::odd(&["> RCPT TO:<a>", "< 503 Bad sequence of commands"], End::Quit, Grade::Amiss,
        "\"RCPT TO:<a>\" was refused with \"503 Bad sequence of commands\", and it hung up (in the camera: look at sender and recipient)")]
    #[case::hello(&["> QUIT", "< 221 bye"], End::Quit, Grade::Idle,
        "said hello, sent no mail and left: a look whether the server answers; some cameras' test button does no more")]
    #[case::logged_in(&["> AUTH PLAIN (not shown)", "< 235 welcome", "> QUIT", "< 221 bye"], End::Quit, Grade::Idle,
        "logged in, sent no mail and left: a look whether the server answers; some cameras' test button does no more")]
    #[case::called_off(&["> MAIL FROM:<a>", "< 250 OK", "> RCPT TO:<b>", "< 250 OK", "> RSET", "< 250 OK"], End::Quit,
        Grade::Idle, "named a recipient, called its mail off and left: nothing is saved")]
    #[case::crowd(&["< 421 too many"], End::Crowd, Grade::Amiss,
        "sent away: 192.0.2.7 had as many connections open as one address may (see what runs there)")]
    #[case::stopping(&[], End::Stopping, Grade::Idle, "the recorder stopped before a mail came")]
    fn why_no_mail_came(#[case] lines: &[&str], #[case] end: End, #[case] grade: Grade, #[case] text: &str) {
        let greets =
            lines.iter().any(|line| line.starts_with("> ")) && !lines[0].contains("GET") && lines[0] != "> foo";
        let lines = if greets { [&HELLO, lines].concat() } else { lines.to_vec() };
        let verdict = diagnose(&transcript(&lines, Some(end)));
        assert_eq!((verdict.grade, verdict.text.as_str(), verdict.fix), (grade, text, None));
    }

    #[test]
    fn who_may_not_send_can_be_let_in() {
        let verdict = diagnose(&transcript(&["< 554 no"], Some(End::NotAllowed)));
        assert_eq!(verdict.text, "refused: 192.0.2.7 is not in smtp.allow (if it is a camera: add 192.0.2.7)");
        assert_eq!(verdict.fix.expect("a line").line(), "allow = [\"private\", \"192.0.2.7\"]");
    }

    #[rstest]
    #[case(&[], "goes on: has said nothing yet")]
    #[case(&HELLO, "goes on: said hello, no mail yet")]
    #[case(&["> MAIL FROM:<a>", "< 250 OK", "> RCPT TO:<b>", "< 250 OK", "> DATA", "< 354 go"], "goes on: a mail is coming in")]
    fn what_goes_on(#[case] lines: &[&str], #[case] text: &str) {
        let verdict = diagnose(&transcript(lines, None));
        assert_eq!((verdict.grade, verdict.text.as_str()), (Grade::Open, text));
    }

    proptest! {
        #[test]
        fn there_is_a_verdict_on_anything(lines in proptest::collection::vec("[<>-] .{0,40}", 0..20), end in 0usize..9) {
            let ends = [End::Quit, End::Gone, End::Told, End::Idle, End::Long, End::Evicted, End::Stopping,
                End::NotAllowed, End::Crowd];
            let lines: Vec<_> = lines.iter().map(String::as_str).collect();
            let verdict = diagnose(&transcript(&lines, Some(ends[end].clone())));
            prop_assert!(!verdict.text.is_empty() && verdict.grade != Grade::Open);
        }
    }
}
