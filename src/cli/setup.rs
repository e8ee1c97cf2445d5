//! `nvr setup`: what to type into a camera's form so that its mails come here.

use super::mail::maker::{Form, Maker, Value};
use super::{Global, out, table};
use crate::model::id::CameraName;
use crate::model::settings::{Camera, Settings};
use clap::Args;
use color_eyre::eyre::{Result, eyre};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::process::ExitCode;
use std::sync::Arc;

/// `nvr setup`
#[derive(Debug, Args)]
pub struct Setup {
    /// Its name; without: what to enter for each camera
    camera: Option<CameraName>,
    /// Who made it, for the names in its form
    #[arg(long, value_enum, default_value_t = Maker::Generic)]
    maker: Maker,
}

/// Prints the settings; nothing is changed, and no recorder is needed.
pub async fn setup(global: &Global, args: &Setup) -> Result<ExitCode> {
    let (loaded, path) = global.load()?;
    loaded.needs_camera(&path)?;
    let settings = loaded.settings;
    match &args.camera {
        Some(name) => {
            let camera = settings.cameras.iter().find(|camera| camera.name == *name);
            let known = || settings.cameras.iter().map(|camera| camera.name.as_str()).collect::<Vec<_>>().join(", ");
            let camera = camera.ok_or_else(|| eyre!("no camera is called {name} (there are: {})", known()))?;
            out::lines(form(camera, &settings, args.maker))?;
        }
        None => out::lines(all(&settings, args.maker))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// All cameras in a table, and how to go on.
fn all(settings: &Settings, maker: Maker) -> Vec<String> {
    let head = ["camera", "server", "port", "encryption", "login", "recipient"].map(str::to_owned);
    let login = if settings.smtp.login.is_some() { "smtp.user" } else { "none" };
    let row = |camera: &Arc<Camera>| {
        let server = server(camera, settings);
        let port = settings.smtp.listen.port().to_string();
        [camera.name.to_string(), server, port, "none".to_owned(), login.to_owned(), recipient(camera)]
    };
    let rows: Vec<_> = [head].into_iter().chain(settings.cameras.iter().map(row)).collect();
    let mut lines = table::lines(&rows);
    let makers: Vec<_> = Maker::ALL.iter().map(|maker| maker.name().to_lowercase()).collect();
    let first = settings.cameras.first().map_or("CAMERA", |camera| camera.name.as_str());
    lines.push(String::new());
    lines.push(format!(
        "the fields of a maker's form: nvr setup {first} --maker {}",
        makers[..makers.len() - 1].join("|")
    ));
    if maker != Maker::Generic {
        lines.extend(notes(maker.form()));
    }
    lines
}

/// One camera, field by field.
fn form(camera: &Camera, settings: &Settings, maker: Maker) -> Vec<String> {
    let form = maker.form();
    let row = |(field, value): &(&str, Value)| Some([format!("  {field}"), shown(*value, camera, settings)?]);
    let rows: Vec<_> = form.fields.iter().filter_map(row).collect();
    let mut lines = vec![format!("{} ({}): {}", camera.name, maker.name(), form.menu)];
    lines.extend(table::lines(&rows));
    lines.push(format!("then {}", form.event));
    lines.extend(notes(form));
    if let Some(secure) = settings.smtp.tls.listen {
        lines.push(format!(
            "with encryption instead: SSL/TLS at port {}, or STARTTLS at port {}",
            secure.port(),
            settings.smtp.listen.port()
        ));
    }
    lines.push(format!(
        "try it without the camera: nvr mail {0}; watch the camera try it: nvr mail --watch",
        camera.name
    ));
    lines
}

fn notes(form: &Form) -> impl Iterator<Item = String> {
    form.notes.iter().map(|note| format!("note: {note}"))
}

/// What to enter; `None`: the field is not to be touched.
fn shown(value: Value, camera: &Camera, settings: &Settings) -> Option<String> {
    let login = settings.smtp.login.as_ref();
    Some(match value {
        Value::Server => server(camera, settings),
        Value::Port => settings.smtp.listen.port().to_string(),
        Value::Plain(word) | Value::Word(word) => word.to_owned(),
        Value::Login(with, without) => if login.is_some() { with } else { without }.to_owned(),
        Value::User => login?.user.clone(),
        Value::Password => {
            login?;
            "what smtp.password is in nvr.toml".to_owned()
        }
        Value::From => from(camera),
        Value::FromAndUser => match login {
            Some(login) if login.user.contains('@') => login.user.clone(),
            Some(login) => format!("{} (set smtp.user to one with an @ if the form wants an address)", login.user),
            None => from(camera),
        },
        Value::To => recipient(camera),
    })
}

fn from(camera: &Camera) -> String {
    format!("{}@camera (anything that looks like an address)", camera.name)
}

fn recipient(camera: &Camera) -> String {
    format!("{}@nvr", camera.name)
}

/// This machine's address as the camera sees it: the one that it would be answered from.
fn server(camera: &Camera, settings: &Settings) -> String {
    let listen = settings.smtp.listen.ip();
    if listen.is_loopback() {
        return format!(
            "{listen} (no camera reaches that: set smtp.listen to 0.0.0.0:{})",
            settings.smtp.listen.port()
        );
    }
    if !listen.is_unspecified() {
        return listen.to_string();
    }
    let found = camera.source.host().and_then(|host| near(host, camera.source.port().unwrap_or(554)));
    // Without a way to the camera: the way to everywhere. The address belongs to nobody, and nothing is sent.
    let found = found.or_else(|| near("192.0.2.1", 9)).filter(|address| !address.is_loopback());
    found.map_or_else(|| "the address of this machine".to_owned(), |address| address.to_string())
}

/// The near end of a way to a host. No packet leaves for that.
fn near(host: &str, port: u16) -> Option<IpAddr> {
    let far = (host, port).to_socket_addrs().ok()?.next()?;
    let any: SocketAddr = if far.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(far).ok()?;
    Some(socket.local_addr().ok()?.ip())
}
