//! Verbs that ask a running recorder: `status`, `arm`, `disarm`, `trigger`, `release`, `clips`.

use super::{Global, Meant, attach, table};
use crate::link::dial::Client;
use crate::model::command::{Answer, Command, TriggerBy, Who};
use crate::model::id::CameraName;
use crate::model::question::{ClipQuery, Found, Page, Question};
use crate::model::snapshot::{CameraState, CameraView, ClipView, Snapshot};
use crate::model::text::fit_for_screen;
use color_eyre::eyre::{Result, eyre};
use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

/// Longest text from outside in a line.
const SHOWN: usize = 120;

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

/// Gives an order and prints what came of it.
pub async fn order(global: &Global, order: Order, meant: &Meant) -> Result<ExitCode> {
    let names: Result<Vec<_>, _> = meant.cameras.iter().map(|name| name.parse()).collect();
    let who = if meant.all { Who::All } else { Who::Cameras(names?) };
    let command = match order {
        Order::Arm => Command::Arm(who),
        Order::Disarm => Command::Disarm(who),
        Order::Trigger => Command::Trigger { who, by: TriggerBy::Command },
        Order::Release => Command::Release(who),
    };
    match client(global, false).await?.ask(command).await? {
        Answer::Done(sentence) => println!("{sentence}"),
        Answer::Refused(sentence) => return Err(eyre!(sentence)),
        Answer::Found(_) => return Err(eyre!("the recorder answered something else (is it the same version?)")),
    }
    Ok(ExitCode::SUCCESS)
}

/// The newest picture.
pub async fn picture(client: &mut Client) -> Result<Arc<Snapshot>> {
    let gone = client.gone();
    tokio::select! {
        found = client.snapshots().wait_for(Option::is_some) => {
            let found = found.ok().and_then(|picture| picture.clone());
            found.ok_or_else(|| eyre!("the recorder left without a word"))
        }
        gone = gone => Err(eyre!(gone.reason)),
    }
}

/// What scripts get: the verdict, and the whole picture.
#[derive(serde::Serialize)]
struct Status<'a> {
    healthy: bool,
    troubles: Vec<String>,
    #[serde(flatten)]
    picture: &'a Snapshot,
}

/// What is not well, one sentence each.
fn troubles(picture: &Snapshot) -> Vec<String> {
    let mut troubles = Vec::new();
    for camera in &picture.cameras {
        match &camera.state {
            CameraState::Recording { .. } => {}
            CameraState::Connecting { .. } => troubles.push(format!("{} is not recorded yet", camera.name)),
            CameraState::Stalled { reason, .. } | CameraState::NoSignal { reason, .. } => {
                troubles.push(format!("{} is not recorded: {reason}", camera.name));
            }
            CameraState::Stopped => troubles.push(format!("{} is stopped", camera.name)),
        }
    }
    troubles.extend(picture.mail.port.as_ref().err().map(|error| format!("no mail: {error}")));
    troubles.extend(picture.archive.trouble.as_ref().map(|error| format!("the archive: {error}")));
    troubles.extend(picture.ring.trouble.clone());
    if picture.lost.segments > 0 {
        troubles.push(format!("{} segments that were wanted are lost (see the journal)", picture.lost.segments));
    }
    troubles.extend(picture.stopping.as_ref().map(|why| format!("the recorder is stopping: {why}")));
    troubles
}

/// `nvr status`: exit code 0 if all is well, else 1.
pub async fn status(global: &Global, json: bool) -> Result<ExitCode> {
    let mut client = client(global, true).await?;
    let picture = picture(&mut client).await?;
    let troubles = troubles(&picture);
    let code = if troubles.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if json {
        print(&serde_json::to_string_pretty(&Status { healthy: troubles.is_empty(), troubles, picture: &picture })?)?;
        return Ok(code);
    }
    let rows: Vec<_> = picture.cameras.iter().map(camera_row).collect();
    let mut out = table::lines(&rows);
    let mail = picture
        .mail
        .port
        .as_ref()
        .map_or_else(|_| "closed".to_owned(), |at| format!("{at}, {} today", picture.mail.today));
    let archive = picture.archive.space.map_or_else(String::new, |space| format!(", {} free", table::size(space.free)));
    out.push(format!(
        "mail {mail}; archive {}{archive}; ring {} in RAM",
        picture.archive.dir,
        table::size(picture.ring.used)
    ));
    out.extend(picture.warnings.iter().map(|warning| format!("warning: {}", fit_for_screen(warning, 400))));
    out.extend(troubles.iter().map(|trouble| format!("TROUBLE: {}", fit_for_screen(trouble, 400))));
    out.push(if troubles.is_empty() { "all is well".to_owned() } else { "not all is well".to_owned() });
    print(&out.join("\n"))?;
    Ok(code)
}

fn camera_row(camera: &CameraView) -> [String; 5] {
    let state = match &camera.state {
        CameraState::Connecting { .. } => "connecting",
        CameraState::Recording { .. } => "recording",
        CameraState::Stalled { .. } => "STALLED",
        CameraState::NoSignal { .. } => "NO SIGNAL",
        CameraState::Stopped => "stopped",
    };
    let media = camera.media.as_ref().map_or_else(String::new, |media| {
        let fps = camera.fps.map_or_else(String::new, |fps| format!(" {fps} fps"));
        let rate = camera.bitrate.map_or_else(String::new, |rate| format!(" {:.1} Mbit/s", rate as f64 / 1e6));
        format!("{}x{} {}{fps}{rate}", media.width, media.height, fit_for_screen(&media.video, SHOWN))
    });
    let event = camera.event.as_ref().map_or("", |_| "saving");
    [
        camera.name.to_string(),
        if camera.armed { "armed" } else { "off" }.to_owned(),
        state.to_owned(),
        media,
        event.to_owned(),
    ]
}

/// `nvr clips`.
pub async fn clips(global: &Global, camera: Option<String>, json: bool, follow: bool, limit: u32) -> Result<ExitCode> {
    let camera = camera.map(|name| name.parse()).transpose()?;
    let mut client = client(global, true).await?;
    let query = ClipQuery { camera: camera.clone(), find: String::new(), page: Page::Newest, limit };
    let mut clips = match client.ask(Command::Ask(Question::Clips(query))).await? {
        Answer::Found(Found::Clips(page)) => page.clips,
        Answer::Refused(sentence) | Answer::Done(sentence) => return Err(eyre!(sentence)),
        Answer::Found(_) => return Err(eyre!("the recorder answered something else (is it the same version?)")),
    };
    if let Some(name) = camera.as_ref().filter(|_| clips.is_empty()) {
        known(name, &*picture(&mut client).await?)?;
    }
    if !follow {
        show(&clips, json)?;
        return Ok(ExitCode::SUCCESS);
    }
    // What is followed is read from top to bottom.
    clips.reverse();
    let closed = |clips: Vec<ClipView>| clips.into_iter().filter(|clip| !clip.open).collect::<Vec<_>>();
    let clips = closed(clips);
    show(&clips, json)?;
    let mut seen: BTreeSet<String> = clips.into_iter().map(|clip| clip.name).collect();
    loop {
        if client.snapshots().changed().await.is_err() {
            return Err(eyre!(client.gone().await.reason));
        }
        let Some(picture) = client.snapshots().borrow_and_update().clone() else { continue };
        let mut news = closed(picture.clips.iter().filter(|clip| !seen.contains(&clip.name)).cloned().collect());
        news.retain(|clip| camera.as_ref().is_none_or(|camera| clip.camera == *camera));
        news.reverse();
        show(&news, json)?;
        seen.extend(news.into_iter().map(|clip| clip.name));
    }
}

/// A camera without clips is a camera all the same; a name that nothing has is a mistake.
fn known(name: &CameraName, picture: &Snapshot) -> Result<()> {
    let names: Vec<_> = picture.cameras.iter().map(|camera| camera.name.as_str()).collect();
    match names.contains(&name.as_str()) {
        true => Ok(()),
        false => Err(eyre!("no camera is called {name} (there are: {})", names.join(", "))),
    }
}

fn show(clips: &[ClipView], json: bool) -> Result<()> {
    if json {
        for clip in clips {
            print(&serde_json::to_string(clip)?)?;
        }
        return Ok(());
    }
    let rows: Vec<_> = clips.iter().map(clip_row).collect();
    table::lines(&rows).iter().try_for_each(|line| print(line))
}

fn clip_row(clip: &ClipView) -> [String; 6] {
    let when = clip.start.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let note = match (clip.open, clip.missing.as_secs_f64()) {
        (true, _) => "growing".to_owned(),
        (false, 0.0) => String::new(),
        (false, missing) => format!("{missing:.1} s missing"),
    };
    let name = fit_for_screen(&clip.name, SHOWN);
    [when, name, table::length(clip.length), table::size(clip.bytes), clip.trigger.clone(), note]
}

/// A line on standard output. Who stopped reading (`nvr clips | head`) has read enough.
fn print(line: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{line}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => Ok(other?),
    }
}
