//! Talking to a running recorder, and the orders to cameras: `arm`, `disarm`, `trigger`, `release`.

use super::{Global, Meant, attach, out};
use crate::link::dial::Client;
use crate::model::command::{Answer, Command, TriggerBy, Who};
use crate::model::id::CameraName;
use crate::model::question::{Found, Question};
use crate::model::snapshot::Snapshot;
use crate::model::text::fit_for_screen;
use color_eyre::eyre::{Report, Result, eyre};
use std::process::ExitCode;
use std::sync::Arc;

/// Longest sentence from the recorder in a line.
const SENTENCE: usize = 2000;

/// An order to cameras.
#[derive(Debug, Clone, Copy)]
pub enum Order {
    Arm,
    Disarm,
    Trigger,
    Release,
}

/// Attaches to the recorder.
pub async fn client(global: &Global, snapshots: bool) -> Result<Client> {
    let stream = attach::reach(&global.sockets()?).await.map_err(|sentence| eyre!(sentence))?;
    Ok(Client::attach(stream, snapshots).await?)
}

/// Has an order carried out; the recorder's sentence.
pub async fn carry_out(client: &Client, command: Command) -> Result<String> {
    match client.ask(command).await? {
        Answer::Done(sentence) => Ok(fit_for_screen(&sentence, SENTENCE)),
        Answer::Refused(sentence) => Err(refused(&sentence)),
        Answer::Found(_) => Err(something_else()),
    }
}

/// Has a question answered. What was found may still be the answer to another one: see [`something_else`].
pub async fn ask(client: &Client, question: Question) -> Result<Found> {
    match client.ask(Command::Ask(question)).await? {
        Answer::Found(found) => Ok(found),
        Answer::Refused(sentence) => Err(refused(&sentence)),
        Answer::Done(_) => Err(something_else()),
    }
}

fn refused(sentence: &str) -> Report {
    eyre!(fit_for_screen(sentence, SENTENCE))
}

/// What came was not an answer to what was asked.
pub fn something_else() -> Report {
    eyre!("the recorder answered something else (is it the same version? see: nvr status, nvr --version)")
}

/// Gives an order to cameras and prints what came of it.
pub async fn order(global: &Global, order: Order, meant: &Meant) -> Result<ExitCode> {
    let who = if meant.all { Who::All } else { Who::Cameras(meant.cameras.clone()) };
    let command = match order {
        Order::Arm => Command::Arm(who),
        Order::Disarm => Command::Disarm(who),
        Order::Trigger => Command::Trigger { who, by: TriggerBy::Command },
        Order::Release => Command::Release(who),
    };
    out::line(&carry_out(&client(global, false).await?, command).await?)?;
    Ok(ExitCode::SUCCESS)
}

/// The newest picture.
pub async fn picture(client: &mut Client) -> Result<Arc<Snapshot>> {
    let gone = client.gone();
    tokio::select! {
        found = client.snapshots().wait_for(Option::is_some) => {
            let found = found.ok().and_then(|picture| picture.clone());
            found.ok_or_else(|| eyre!("the recorder left without a word (start it again: nvr)"))
        }
        gone = gone => Err(eyre!(gone.reason)),
    }
}

/// A camera of which there is nothing is a camera all the same; a name that none has is a mistake.
pub fn known<'a>(names: impl IntoIterator<Item = &'a CameraName>, picture: &Snapshot) -> Result<()> {
    let known: Vec<_> = picture.cameras.iter().map(|camera| &camera.name).collect();
    match names.into_iter().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(stranger) => {
            let known: Vec<_> = known.into_iter().map(CameraName::as_str).collect();
            Err(eyre!("no camera is called {stranger} (there are: {})", known.join(", ")))
        }
    }
}

/// The command line's text for `find`: all its words must be somewhere in `texts`, upper and lower case alike.
pub fn has_words(find: &str, texts: &[&str]) -> bool {
    let texts: Vec<_> = texts.iter().map(|text| text.to_lowercase()).collect();
    find.to_lowercase().split_whitespace().all(|word| texts.iter().any(|text| text.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", true)]
    #[case("motion", true)]
    #[case("FRONT  détec", true)]
    #[case("motion garden", false)]
    fn every_word_must_be_somewhere(#[case] find: &str, #[case] found: bool) {
        assert_eq!(has_words(find, &["front-door_2026", "Motion: DÉTECTION"]), found);
    }
}
