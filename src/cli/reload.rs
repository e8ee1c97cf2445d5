//! `nvr reload`: has the recorder read its configuration again.

use super::{Global, attach, out, query};
use crate::link::dial::Client;
use crate::link::socket;
use crate::model::command::{Answer, Command};
use crate::model::text::fit_for_screen;
use color_eyre::eyre::{Result, eyre};
use std::process::ExitCode;

/// Longest sentence in a line.
const SHOWN: usize = 2000;

/// Prints what has changed, or why nothing has: a mistake a line, and exit code 1.
///
/// The recorder reads the file that it was started with. A mistake in that file is for it to tell, so here the file
/// only says where the recorder may be found, if it can be read.
pub async fn reload(global: &Global) -> Result<ExitCode> {
    let written = || global.load().ok().and_then(|(loaded, _)| loaded.settings.recorder.socket);
    let named = global.socket.clone().or_else(written);
    let places = socket::candidates(named, &socket::Env::read());
    let stream = attach::reach(&places).await.map_err(|sentence| eyre!(sentence))?;
    let client = Client::attach(stream, false).await?;
    match client.ask(Command::Reload).await? {
        Answer::Done(sentence) => {
            out::line(&fit_for_screen(&sentence, SHOWN))?;
            Ok(ExitCode::SUCCESS)
        }
        Answer::Refused(sentences) => {
            for sentence in sentences.lines() {
                eprintln!("nvr: {}", fit_for_screen(sentence, SHOWN));
            }
            Ok(ExitCode::FAILURE)
        }
        Answer::Found(_) => Err(query::something_else()),
    }
}
