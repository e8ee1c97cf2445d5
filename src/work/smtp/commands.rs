//! What each command does and what it is answered with. No IO here: replies gather in the session until they are sent.

use super::dialect::Said;
use super::letter::Letter;
use super::notes::Kind;
use super::session::{End, Expecting, Session};
use crate::model::id::LetterId;
use std::sync::atomic::Ordering::Relaxed;
use tokio::time::Instant;

/// Steps of a mail that are progress, beside its recipients: TLS, HELO, three of AUTH, MAIL, DATA and the dot; and some
/// for who begins anew.
const STEPS: usize = 20;

impl Session<'_> {
    /// Carries out a command; `Some`: it was the last.
    pub(super) fn obey(&mut self, said: Said) -> Option<End> {
        match said {
            Said::Hello { extended, .. } => {
                self.tell_engine(&said);
                self.letter = None;
                match extended {
                    true => self.offer(),
                    false => self.reply("250 nvr"),
                }
            }
            Said::Mail(_) if !self.may_send() => self.ask_for_login(),
            Said::Mail(_) => {
                self.greet();
                if let Some(Said::Mail(from)) = self.put(said) {
                    let id = LetterId(self.house.letters.fetch_add(1, Relaxed));
                    self.letter = Some(Letter::new(id, from, self.house.budget.clone()));
                    self.progress();
                }
            }
            Said::Rcpt(_) => self.recipient(said),
            Said::Data => {
                if self.put(said).is_some() {
                    self.expecting = Expecting::Message;
                    self.step = 0;
                    self.progress();
                }
            }
            Said::Reset => {
                self.greet();
                if self.put(said).is_some() {
                    self.letter = None; // called off by the sender itself
                }
            }
            Said::Auth { mechanism, given } => {
                if let Some(end) = self.authenticate(mechanism, given) {
                    return Some(end);
                }
            }
            Said::Nothing | Said::Quit => {
                let over = said == Said::Quit;
                self.put(said);
                return over.then_some(End::Said);
            }
            Said::Help => self.reply("214 send mail to a camera's name before the @"),
            Said::Verify => self.reply("252 mail for everyone is taken"),
            Said::StartTls => {
                if let Some(end) = self.start_tls() {
                    return Some(end);
                }
            }
            Said::Unknown => self.mistake("500 not understood"),
        }
        (self.mistakes > self.rules.limits.mistakes).then(|| {
            self.reply("421 too much that makes no sense, closing");
            self.stranger("commands that make no sense")
        })
    }

    /// Puts a command to the engine and passes its reply on; gives the command back if it was accepted.
    fn put(&mut self, said: Said) -> Option<Said> {
        let reply = self.tell_engine(&said);
        // Writing into memory cannot fail.
        let _ = reply.write_to(&mut self.out);
        if reply.is_error {
            self.mistakes += 1;
            return None;
        }
        Some(said)
    }

    /// This connection is of use, for a while: as long as a mail takes, not for ever.
    pub(super) fn progress(&mut self) {
        let limits = &self.rules.limits;
        self.steps += 1;
        if self.steps <= limits.recipients + STEPS {
            self.pulse.beat(self.letter.is_some(), limits);
        }
    }

    fn tell_engine(&mut self, said: &Said) -> mailin::Response {
        if matches!(said, Said::Hello { .. }) && !std::mem::replace(&mut self.greeted, true) {
            self.progress();
        }
        self.engine.process(said.canonical().as_bytes())
    }

    /// Some cameras never say HELO; then it is said for them.
    fn greet(&mut self) {
        if !self.greeted {
            self.tell_engine(&Said::Hello { extended: false, name: "unknown".into() });
        }
    }

    /// What EHLO is answered with. AUTH is offered even where nobody has to log in: cameras insist on both ways.
    fn offer(&mut self) {
        let size = self.rules.limits.message;
        let tls = if self.offers_tls() { "250-STARTTLS\r\n" } else { "" };
        let usual = format!("250-8BITMIME\r\n250-SIZE {size}\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN");
        self.reply(&format!("250-nvr\r\n{tls}{usual}"));
    }

    /// Not to who has it, and not to who cannot do it: that one would try again and again instead of sending without.
    fn offers_tls(&self) -> bool {
        let could = self.house.no_tls.left(self.peer, Instant::now()).is_zero();
        self.house.identity.is_some() && !self.secure && could
    }

    fn start_tls(&mut self) -> Option<End> {
        if self.house.identity.is_none() {
            self.mistake("502 STARTTLS is not offered, send without TLS");
        } else if self.secure || self.letter.is_some() {
            self.mistake("503 STARTTLS is for the beginning");
        } else {
            self.reply("220 go ahead");
            return Some(End::ToTls);
        }
        None
    }

    fn recipient(&mut self, said: Said) {
        let most = self.rules.limits.recipients;
        if self.letter.as_ref().is_some_and(|letter| letter.recipients >= most) {
            self.mistake("452 too many recipients");
            let text = format!("a mail from {} has more than {most} recipients", self.peer);
            self.note(Kind::Recipients, text + " (give each camera its own recipient)");
        } else if let Some(Said::Rcpt(to)) = self.put(said)
            && let Some(letter) = &mut self.letter
        {
            letter.add_recipient(to);
            self.progress();
        }
    }

    /// Puts a reply, given without its end, behind those that wait to be sent.
    pub(super) fn reply(&mut self, reply: &str) {
        self.out.extend_from_slice(reply.as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }

    /// Refuses, which nobody may be in need of too often.
    pub(super) fn mistake(&mut self, reply: &str) {
        self.mistakes += 1;
        self.reply(reply);
    }

    /// Who talks like this is no camera.
    pub(super) fn stranger(&self, what: &str) -> End {
        let also = match self.rules.tls.listen {
            Some(secure) => format!(", or the port to {}", secure.port()),
            None => String::new(),
        };
        let remedy = format!("(if it is a camera: set its mail server's encryption to none or STARTTLS{also})");
        self.note(Kind::Stranger, format!("{} sent {what} to the mail port {remedy}", self.peer));
        End::Said
    }

    /// Tells a person, but not too often.
    pub(super) fn note(&self, kind: Kind, text: String) {
        self.house.notes.tell(kind, text);
    }
}
