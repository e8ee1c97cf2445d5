//! What a mail leads to: it is led to the cameras that it means, and wants footage of each.

use super::event::Mail;
use super::orders::together;
use super::out::Out;
use super::record::TriggerKind;
use super::recorder::Recorder;
use super::routing::{self, Route};
use super::snapshot::{Level, MailNote, Topic};
use super::text::fit_for_screen;
use std::sync::Arc;

impl Recorder {
    /// A mail came. Which cameras it means is found out, and each is triggered.
    pub(super) fn mail_in(&mut self, out: &mut Out, mail: &Mail) {
        let at = out.now - mail.waited;
        let settings = Arc::clone(&self.settings);
        let (names, why) = match routing::route(mail, &settings.cameras, &self.hosts) {
            Route::To(hits) => {
                for (name, _) in &hits {
                    self.with(out, name, |camera, _, out| camera.mailed(out, at));
                }
                let mut why: Vec<_> = hits.iter().map(|(_, because)| because.to_string()).collect();
                why.dedup();
                (hits.into_iter().map(|(name, _)| name).collect(), screen(&why.join(", ")))
            }
            Route::All(why) => (settings.cameras.iter().map(|camera| camera.name.clone()).collect::<Vec<_>>(), why),
        };
        let to = mail.to.first().map(String::as_str).unwrap_or_default();
        let (from, to, subject) = (screen(&mail.from), screen(to), screen(&mail.subject));
        let peer = mail.peer.to_string();
        let late = self.refused(at);
        let mut outcomes = Vec::new();
        for name in &names {
            let (peer, from, to, subject) = (peer.clone(), from.clone(), to.clone(), subject.clone());
            let kind = TriggerKind::Mail { peer, from, to, subject };
            let outcome = self.with(out, name, |camera, ids, out| match late {
                Some(why) => format!("ignored: {why}"),
                None => camera.trigger(out, ids, at, kind),
            });
            outcomes.extend(outcome.map(|outcome| (name.clone(), outcome)));
        }
        let (about, outcome) = match outcomes.as_slice() {
            [(name, outcome)] => (Some(name), outcome.clone()),
            several => (None, screen(&together(several, settings.cameras.len()))),
        };
        let cut = if mail.cut_off { ", cut off" } else { "" };
        out.say(Level::Info, Topic::Mail, about, format!("mail from {peer}{cut}: {outcome} ({why})"));
        self.mail.today = self.mail.today.saturating_add(1);
        self.mail.last = Some(MailNote { at, from, to, subject, outcome });
    }
}

/// A text from outside, short and harmless.
fn screen(text: &str) -> String {
    fit_for_screen(text, 200)
}
