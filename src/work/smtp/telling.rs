//! What a mail says is read, and told to the recorder.

use super::letter::{Held, Letter};
use super::notes::Kind;
use super::session::{NO_MEMORY, Session};
use crate::model::event::{Event, Mail, Picture};
use crate::model::text::fit_for_screen;
use crate::work::mail::{self, Said};
use bytes::Bytes;
use std::net::IpAddr;

/// Bytes of a message that is read at once: it takes less than a millisecond.
const AT_ONCE: usize = 64 << 10;

/// Characters of a subject in a transcript.
const SUBJECT: usize = 100;

/// A picture, and the memory that it takes of what all mails may.
struct Kept {
    bytes: Vec<u8>,
    _held: Held,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Session<'_> {
    /// Sends out the trigger of the recipients that were accepted and not told yet, and waits for the recorder to take
    /// it; and the rest of a mail whose trigger went out before it was complete. Nothing is lost if this is dropped while
    /// waiting: the next call sends it.
    pub(super) async fn trigger(&mut self, cut_off: bool) {
        let Some(letter) = self.letter.as_ref().filter(|it| !it.untold.is_empty() || it.early.is_some()) else {
            return;
        };
        let early = !letter.whole && !cut_off;
        if early && letter.untold.is_empty() {
            return;
        }
        let Said { sender, subject, body, event, picture } = self.read().await;
        if !early {
            let picture =
                picture.as_ref().map(|it| format!(" and a picture of {} bytes", it.len())).unwrap_or_default();
            self.tape.note(&format!("subject \"{}\"{picture}", fit_for_screen(&subject, SUBJECT)));
        }
        let picture = picture.filter(|_| !early).and_then(|picture| self.picture(picture));
        let session = self.tape.number;
        self.tell(|letter, peer| {
            if letter.untold.is_empty() {
                return None;
            }
            let bare = Mail::bare(peer, letter.from.clone(), std::mem::take(&mut letter.untold));
            let (waited, picture, rest) = (letter.waited(), picture.clone(), early.then_some(letter.id));
            letter.early = letter.early.or(rest);
            Some(Event::Mail(Mail { session, sender, subject, body, event, picture, rest, waited, cut_off, ..bare }))
        })
        .await;
        if let Some(picture) = picture.filter(|_| !early) {
            self.tell(|letter, _| letter.early.take().map(|letter| Event::MailRest { letter, picture })).await;
        }
    }

    /// Tells the recorder something of the mail, when there is room for it.
    async fn tell(&mut self, what: impl FnOnce(&mut Letter, IpAddr) -> Option<Event>) {
        let place = tokio::select! {
            biased;
            place = self.house.events.reserve() => place.ok(),
            () = self.house.too_late() => None,
        };
        let peer = self.peer;
        let event = self.letter.as_mut().and_then(|letter| what(letter, peer));
        match (event, place) {
            (Some(event), Some(place)) => place.send(event),
            (Some(Event::Mail(mail)), None) => tracing::error!(
                "a mail from {} to {} came while the recorder was stopping and was not obeyed (its footage is not saved)",
                mail.peer,
                fit_for_screen(&mail.to.join(", "), 128)
            ),
            (Some(_), None) | (None, _) => {}
        }
    }

    /// What the mail says so far. A large one is read where that holds nobody up, one at a time.
    async fn read(&self) -> Said {
        let Some(letter) = &self.letter else { return Said::default() };
        let (message, headers) = (letter.message(), self.rules.limits.header_block);
        if message.len() <= AT_ONCE {
            return mail::read(&message, headers);
        }
        // Nobody closes it.
        let Ok(turn) = self.house.reading.clone().acquire_owned().await else { return Said::default() };
        let reading = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            mail::read(&message, headers)
        });
        reading.await.unwrap_or_else(|panic| {
            tracing::error!("a mail could not be read, and triggers all the same: {panic} (please report this)");
            Said::default()
        })
    }

    /// A picture with the memory that it takes, if there is any.
    fn picture(&self, bytes: Vec<u8>) -> Option<Picture> {
        let held = self.letter.as_ref()?.room_for(bytes.len(), &self.rules.limits);
        if held.is_none() {
            self.note(Kind::Memory, NO_MEMORY.to_owned());
        }
        Some(Picture::new(Bytes::from_owner(Kept { bytes, _held: held? })))
    }
}
