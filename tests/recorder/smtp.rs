//! Real SMTP clients.

use super::nvr_process::{Nvr, PATIENCE};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

/// Delivers a mail to NAME@nvr by the library that Rust programs use.
pub async fn lettre(nvr: &Nvr, name: &str, subject: &str) {
    let smtp = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1").port(nvr.port.port()).build();
    let mail = Message::builder()
        .from("cam@lan".parse().expect("an address"))
        .to(format!("{name}@nvr").parse().expect("an address"))
        .subject(subject)
        .body("motion".to_owned());
    smtp.send(mail.expect("a mail")).await.expect("delivered");
}

/// Runs a client that has to succeed.
pub async fn run(program: &str, args: &[&str], input: &str) {
    let client = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut client = client.unwrap_or_else(|error| panic!("{program} does not start: {error} (apt install {program})"));
    let mut stdin = client.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).await.expect("its input taken");
    drop(stdin);
    let output = timeout(PATIENCE, client.wait_with_output()).await.expect("an end in time").expect("an exit code");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {said}");
}
