//! What a mail leads to: it is led to the cameras that it means, and wants footage of each.

use super::event::Mail;
use super::id::CameraName;
use super::orders::together;
use super::out::Out;
use super::record::{MailTrigger, TriggerKind};
use super::recorder::Recorder;
use super::routing::{self, Route};
use super::snapshot::{Level, MailNote, Topic};
use super::text::fit_for_screen;
use super::time::Mono;
use std::sync::Arc;

/// Characters of a rule that a sentence shows.
const RULE: usize = 120;
/// Characters of what a mail is about, in a sentence.
const ABOUT: usize = 80;
/// Characters of a mail's text that a record keeps: there may be many mails in one.
const TEXT: usize = 300;

impl Recorder {
    /// A mail came. Which cameras it means is found out, and each is triggered.
    pub(super) fn mail_in(&mut self, out: &mut Out, mail: &Mail) {
        let at = out.now - mail.waited;
        let settings = Arc::clone(&self.settings);
        let route = routing::route(mail, &settings.cameras, &self.hosts);
        let (names, why) = match route.clone() {
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
        let kind = TriggerKind::Mail(MailTrigger {
            peer: peer.clone(),
            from: from.clone(),
            to: to.clone(),
            subject: subject.clone(),
            event: screen(&mail.event),
            text: fit_for_screen(&mail.body, TEXT),
            picture: None,
        });
        let (about, outcome, obeyed) = match self.ignored(mail, at) {
            Some(why) => (names.first().filter(|_| names.len() == 1).cloned(), why, Vec::new()),
            None => self.want(out, &names, at, &kind),
        };
        let cut = if mail.cut_off { ", cut off" } else { "" };
        let said = match kind.about() {
            nothing if nothing.is_empty() => String::new(),
            about => format!(" \"{}\"", fit_for_screen(&about, ABOUT)),
        };
        out.say(Level::Info, Topic::Mail, about.as_ref(), format!("mail from {peer}{said}{cut}: {outcome} ({why})"));
        self.examine(out.now, mail, &route, &outcome);
        if let [only] = obeyed.as_slice()
            && names.len() == 1
            && let Some(text) = self.learn_interval(only, at)
        {
            self.warn(out, &text);
        }
        let clips = self.growing_of(&obeyed);
        if let Some(picture) = &mail.picture {
            self.picture_in(out, &clips, at, picture);
        }
        if let Some(letter) = mail.rest {
            self.expect_rest(letter, at, clips);
        }
        self.mail.today = self.mail.today.saturating_add(1);
        self.mail.last = Some(MailNote { at, from, to, subject, outcome });
    }

    /// Why a mail triggers nothing whatever camera it means, if that is so. It is a sign of life all the same.
    pub(super) fn ignored(&self, mail: &Mail, at: Mono) -> Option<String> {
        if let Some(why) = self.refused(at) {
            return Some(format!("ignored: {why}"));
        }
        let rule = self.settings.smtp.ignore.iter().find(|rule| rule.fits(mail))?;
        Some(format!("ignored by the rule {} (smtp.ignore)", fit_for_screen(&rule.to_string(), RULE)))
    }

    /// Triggers these cameras. Answers which one the outcome is about, if only one, the outcome in words, and who obeyed.
    fn want(
        &mut self,
        out: &mut Out,
        names: &[CameraName],
        at: Mono,
        kind: &TriggerKind,
    ) -> (Option<CameraName>, String, Vec<CameraName>) {
        let (mut outcomes, mut obeyed) = (Vec::new(), Vec::new());
        for name in names {
            let outcome = self.with(out, name, |camera, ids, out| camera.trigger(out, ids, at, kind.clone()));
            obeyed.extend(outcome.as_ref().filter(|outcome| outcome.is_ok()).map(|_| name.clone()));
            outcomes.extend(outcome.map(|outcome| (name.clone(), outcome.unwrap_or_else(|why| why))));
        }
        match outcomes.as_slice() {
            [(name, outcome)] => (Some(name.clone()), outcome.clone(), obeyed),
            several => (None, screen(&together(several, self.settings.cameras.len())), obeyed),
        }
    }
}

/// A text from outside, short and harmless.
fn screen(text: &str) -> String {
    fit_for_screen(text, 200)
}
