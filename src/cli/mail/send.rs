//! `nvr mail CAMERA`: a mail as a camera would send it, to our own port, and what came of it.

use super::Mail;
use crate::cli::shape::VerdictShape;
use crate::cli::{Global, follow, out, query};
use crate::link::dial::Client;
use crate::model::id::CameraName;
use crate::model::question::{Found, Probe, Question};
use crate::model::snapshot::Snapshot;
use crate::model::transcript::{Grade, SessionView, Verdict};
use color_eyre::eyre::{Result, WrapErr, eyre};
use data_encoding::BASE64_MIME;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::timeout;

/// How long one step of the conversation may take.
const STEP: Duration = Duration::from_secs(10);
/// How long the recorder may take to say what came of it: it takes half a second.
const VERDICT: Duration = Duration::from_secs(10);
/// The picture.
const JPEG: &[u8] = include_bytes!("motion.jpg");

/// Sends the mail, or asks where one would go, and says what came of it. Exit code 1 if it triggers nothing.
pub async fn send(global: &Global, camera: &CameraName, args: &Mail) -> Result<ExitCode> {
    let mut client = query::client(global, true).await?;
    let picture = query::picture(&mut client).await?;
    query::known([camera], &picture)?;
    let (subject, body) = args.style.words(camera.as_str());
    let letter = Probe {
        peer: args.peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        from: args.from.clone().unwrap_or_else(|| format!("{camera}@camera")),
        to: args.to.clone().unwrap_or_else(|| format!("{camera}@nvr")),
        subject: args.subject.clone().unwrap_or(subject),
        body: args.body.clone().unwrap_or(body),
    };
    let verdict = match args.dry_run {
        true => where_to(&client, letter).await?,
        false => {
            let login = global.load().ok().and_then(|(loaded, _)| loaded.settings.smtp.login);
            let credentials = login.map(|login| Credentials::new(login.user.clone(), login.password.clone()));
            let session = deliver(&client, &picture, &letter, args.peer, credentials).await?;
            if !args.json {
                eprintln!(
                    "nvr: sent on connection {0} (see all of it: nvr mail --show {0})",
                    session.transcript.number
                );
            }
            session.verdict
        }
    };
    match args.json {
        true => out::json(&VerdictShape::from(&verdict))?,
        false => out::line(&verdict.text)?,
    }
    Ok(if verdict.grade == Grade::Good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn where_to(client: &Client, letter: Probe) -> Result<Verdict> {
    match query::ask(client, Question::WhereTo(letter)).await? {
        Found::Verdict(verdict) => Ok(verdict),
        Found::Clips(_) | Found::Clip(_) | Found::Journal(_) | Found::Copies(_) => Err(query::something_else()),
        Found::Stderr(_) | Found::Sessions(_) | Found::Stills(_) => Err(query::something_else()),
    }
}

/// Sends it, and waits for what the recorder has to say of the connection.
async fn deliver(
    client: &Client,
    picture: &Snapshot,
    letter: &Probe,
    peer: Option<IpAddr>,
    credentials: Option<Credentials>,
) -> Result<SessionView> {
    let port = address(picture)?;
    let ours = format!("nvr-mail-{}-{}", std::process::id(), picture.anchor.mono.0);
    let refused = talk(port, &ours, letter, peer, credentials).await;
    let answer = find(client, &ours);
    match (refused, timeout(VERDICT, answer).await) {
        (_, Ok(session)) => session,
        (Err(error), Err(_)) => Err(error),
        (Ok(()), Err(_)) => Err(eyre!("the recorder says nothing of the mail (is it busy? see: nvr mail)")),
    }
}

/// Where the mail port can be reached from here.
fn address(picture: &Snapshot) -> Result<SocketAddr> {
    let port = picture.mail.port.as_ref().map_err(|why| eyre!("there is no mail port: {why}"))?;
    let mut address: SocketAddr = port.parse().wrap_err_with(|| format!("the mail port {port} is no address"))?;
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    Ok(address)
}

/// The conversation. What is refused is said by the recorder better than by the reply.
async fn talk(
    port: SocketAddr,
    ours: &str,
    letter: &Probe,
    peer: Option<IpAddr>,
    credentials: Option<Credentials>,
) -> Result<()> {
    let from = |error: lettre::transport::smtp::Error| eyre!("the mail port {port} did not take the mail: {error}");
    let name = ClientId::Domain(ours.to_owned());
    let dialled = AsyncSmtpConnection::connect_tokio1(port, Some(STEP), &name, None, peer).await;
    let mut line = dialled.map_err(|error| match peer {
        Some(peer) => {
            eyre!("the mail port {port} cannot be reached from {peer}: {error} (only --dry-run takes any address)")
        }
        None => eyre!("the mail port {port} cannot be reached: {error} (see: nvr check)"),
    })?;
    let sent = async {
        if let Some(credentials) = &credentials {
            line.auth(&[Mechanism::Login, Mechanism::Plain], credentials).await?;
        }
        line.command(format!("MAIL FROM:<{}>\r\n", letter.from)).await?;
        line.command(format!("RCPT TO:<{}>\r\n", letter.to)).await?;
        line.command("DATA\r\n").await?;
        line.message(message(letter).as_bytes()).await
    };
    let sent = sent.await.map(drop).map_err(from);
    // Whatever came of it, the connection is to end now and not when it has been idle for long.
    let _ = timeout(STEP, line.quit()).await;
    sent
}

/// The mail: text and picture.
fn message(letter: &Probe) -> String {
    let Probe { from, to, subject, body, .. } = letter;
    let (text, jpeg) = (body.replace("\r\n", "\n").replace('\n', "\r\n"), BASE64_MIME.encode(JPEG));
    let subject = match subject.is_ascii() {
        true => subject.clone(),
        false => format!("=?utf-8?B?{}?=", data_encoding::BASE64.encode(subject.as_bytes())),
    };
    [
        &format!("From: <{from}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"),
        "Content-Type: multipart/mixed; boundary=\"nvr\"\r\n\r\n",
        "--nvr\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
        &text,
        "\r\n--nvr\r\nContent-Type: image/jpeg; name=\"motion.jpg\"\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        &jpeg,
        "\r\n--nvr--\r\n",
    ]
    .concat()
}

/// Waits for the connection on which this name was said to be over.
async fn find(client: &Client, ours: &str) -> Result<SessionView> {
    loop {
        let sessions = follow::kept::<SessionView>(client, 0).await?;
        let is_ours = |session: &SessionView| session.transcript.lines.iter().any(|line| line.text.ends_with(ours));
        match sessions.into_iter().find(|session| session.transcript.end.is_some() && is_ours(session)) {
            Some(session) => return Ok(session),
            None => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
