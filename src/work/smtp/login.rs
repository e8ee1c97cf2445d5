//! AUTH: the steps by which a camera says who it is, and whether that is right.
//!
//! Where the configuration names no user, anything passes and is not even decoded: cameras insist on logging in and on
//! not doing so. Where it names one, user and password are compared in constant time, and an address that guesses is
//! slowed down to a few tries a minute.

use super::addresses::Addresses;
use super::dialect::{Given, Mechanism};
use super::notes::Kind;
use super::session::{End, Expecting, Session};
use crate::model::settings::Login;
use data_encoding::{Encoding, Specification};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::sync::LazyLock;
use subtle::{Choice, ConstantTimeEq};
use tokio::time::{Duration, Instant};

/// The time in which an address may give [`crate::model::settings::Limits::wrong_logins`] wrong ones.
const MINUTE: Duration = Duration::from_secs(60);

/// What is asked for next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// AUTH PLAIN: user and password in one.
    Plain,
    /// AUTH LOGIN: the user.
    User,
    /// AUTH LOGIN: the password.
    Password,
}

impl Step {
    /// The question: empty, "Username:", "Password:".
    fn challenge(self) -> &'static str {
        match self {
            Step::Plain => "334 ",
            Step::User => "334 VXNlcm5hbWU6",
            Step::Password => "334 UGFzc3dvcmQ6",
        }
    }
}

impl Session<'_> {
    /// AUTH, with or without the first answer in the same line. `Some`: its sender has to leave.
    pub(super) fn authenticate(&mut self, mechanism: Mechanism, given: Option<Given>) -> Option<End> {
        let step = match mechanism {
            Mechanism::Plain => Step::Plain,
            Mechanism::Login => Step::User,
            Mechanism::Other => {
                self.mistake("504 use AUTH PLAIN or AUTH LOGIN");
                return None;
            }
        };
        match given {
            Some(given) => self.hear_secret(step, given.reveal()),
            None => {
                self.progress();
                self.ask(step)
            }
        }
    }

    /// The answer to a challenge.
    pub(super) fn hear_secret(&mut self, step: Step, answer: &[u8]) -> Option<End> {
        self.expecting = Expecting::Command;
        if answer == b"*" {
            self.reply("501 given up");
            return None;
        }
        self.progress();
        let login = self.house.rules().login.clone();
        let right = match (step, login) {
            (Step::User, login) => {
                self.user = if login.is_some() { decode(answer) } else { Vec::new() };
                return self.ask(Step::Password);
            }
            (Step::Plain | Step::Password, None) => Right::Both, // whatever it is
            (Step::Password, Some(login)) => {
                let user = std::mem::take(&mut self.user);
                self.compare(&login, &user, &decode(answer))
            }
            (Step::Plain, Some(login)) => {
                let all = decode(answer);
                let mut parts = all.splitn(3, |&byte| byte == 0).skip(1); // on whose behalf does not matter
                let (user, password) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                self.compare(&login, user, password)
            }
        };
        self.answer(right)
    }

    /// Counts what is wrong, and looks at nothing of an address that guesses.
    fn compare(&self, login: &Login, user: &[u8], password: &[u8]) -> Right {
        let (most, now) = (self.rules.limits.wrong_logins, Instant::now());
        if self.house.tries.too_many(self.peer, most, now) {
            return Right::Unasked;
        }
        let right = compare(login, user, password);
        if right != Right::Both {
            self.house.tries.wrong(self.peer, most, now);
        }
        right
    }

    fn answer(&mut self, right: Right) -> Option<End> {
        self.known = right == Right::Both;
        let peer = self.peer;
        let wrong = match right {
            Right::Both => {
                self.progress();
                self.reply("235 welcome");
                return None;
            }
            Right::Unasked => {
                let most = self.rules.limits.wrong_logins;
                let text = format!("{peer} gave a wrong user or password {most} times in a minute and has to wait");
                let remedy = "if it is a camera: type smtp.user and smtp.password into it; if not: see what runs there";
                self.note(Kind::Guessing, format!("{text} ({remedy})"));
                self.reply("421 too many wrong passwords from your address, try again in a minute");
                return Some(End::Said);
            }
            Right::UserOnly => "the right user and a wrong password",
            Right::Neither => "an unknown user",
        };
        let remedy = "type smtp.user and smtp.password into the camera";
        self.note(
            Kind::WrongLogin,
            format!("{peer} logged in to the mail port with {wrong} and was refused ({remedy})"),
        );
        self.mistake("535 5.7.8 wrong user or password");
        None
    }

    /// Whether it may send: nobody has to say who it is, or it has.
    pub(super) fn may_send(&self) -> bool {
        self.known || self.house.rules().login.is_none()
    }

    /// What a mail without a login is answered with.
    pub(super) fn ask_for_login(&mut self) {
        let text = format!("{} wanted to send mail without a user and password and was refused", self.peer);
        let remedy = "in the camera: switch authentication on, with smtp.user and smtp.password";
        self.note(Kind::NoLogin, format!("{text} ({remedy})"));
        self.mistake("530 5.7.0 log in first");
    }

    fn ask(&mut self, step: Step) -> Option<End> {
        self.reply(step.challenge());
        self.expecting = Expecting::Secret(step);
        None
    }
}

/// How much of a login is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    Both,
    UserOnly,
    Neither,
    /// Nobody looked.
    Unasked,
}

/// In the same time whatever is wrong.
fn compare(login: &Login, user: &[u8], password: &[u8]) -> Right {
    let (user, password) = (same(login.user.as_bytes(), user), same(login.password.as_bytes(), password));
    match (bool::from(user), bool::from(user & password)) {
        (_, true) => Right::Both,
        (true, false) => Right::UserOnly,
        (false, false) => Right::Neither,
    }
}

/// Hashed first, so that not even the length shows.
fn same(a: &[u8], b: &[u8]) -> Choice {
    Sha256::digest(a).as_slice().ct_eq(Sha256::digest(b).as_slice())
}

/// Base64, with or without its padding, and never mind what is in its last bits. What it is not stands for nothing,
/// which is wrong.
fn decode(text: &[u8]) -> Vec<u8> {
    static TOLERANT: LazyLock<Encoding> = LazyLock::new(|| {
        let mut tolerant: Specification = data_encoding::BASE64_NOPAD.specification();
        tolerant.check_trailing_bits = false;
        tolerant.encoding().expect("base64 is an encoding")
    });
    let text = text.trim_ascii();
    let end = text.iter().rposition(|&byte| byte != b'=').map_or(0, |last| last + 1);
    TOLERANT.decode(&text[..end]).unwrap_or_default()
}

/// Wrong logins of each address, of which it gets rid evenly: each takes its share of a minute.
#[derive(Debug, Default)]
pub(super) struct Tries(Addresses);

impl Tries {
    /// Whether one more wrong login of `peer` would be more than `most` in a minute.
    fn too_many(&self, peer: IpAddr, most: u32, now: Instant) -> bool {
        self.0.left(peer, now) + MINUTE / most.max(1) > MINUTE
    }

    /// `peer` gave a wrong one.
    fn wrong(&self, peer: IpAddr, most: u32, now: Instant) {
        self.0.extend(peer, MINUTE / most.max(1), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn base64_is_read_as_cameras_write_it() {
        for (text, bytes) in
            [("YQ==", "a"), ("YQ", "a"), ("YR==", "a"), (" YWI= \r", "ab"), ("YWJj", "abc"), ("=", ""), ("no!", "")]
        {
            assert_eq!(decode(text.as_bytes()), bytes.as_bytes(), "{text}");
        }
    }

    #[test]
    fn both_must_be_right() {
        let login = Login { user: "camera".into(), password: "s3cret".into() };
        for (user, password, right) in [
            ("camera", "s3cret", Right::Both),
            ("camera", "s3cre", Right::UserOnly),
            ("camera", "", Right::UserOnly),
            ("Camera", "s3cret", Right::Neither),
            ("", "", Right::Neither),
        ] {
            assert_eq!(compare(&login, user.as_bytes(), password.as_bytes()), right, "{user} {password}");
        }
        assert_eq!(format!("{login:?}"), "Login(…)");
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_guesses_gets_some_tries_and_then_a_few_a_minute() {
        let (tries, peer, other) = (Tries::default(), [10, 0, 0, 7].into(), [10, 0, 0, 8].into());
        let start = Instant::now();
        let guesses = |from: IpAddr, at: u64| {
            let now = start + Duration::from_secs(at);
            let free = !tries.too_many(from, 10, now);
            if free {
                tries.wrong(from, 10, now);
            }
            free
        };
        assert_eq!((0..20).filter(|_| guesses(peer, 0)).count(), 10);
        assert!(guesses(other, 0), "it has its own");
        assert_eq!((0..60).filter(|&second| guesses(peer, second)).count(), 9, "one in six seconds");
        assert_eq!((0..20).filter(|_| guesses(peer, 180)).count(), 10, "and all of them again when it has been calm");
    }

    proptest! {
        #[test]
        fn decoding_never_panics(text: Vec<u8>) {
            decode(&text);
        }
    }
}
