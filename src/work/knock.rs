//! Whether a camera that was in trouble is worth an FFmpeg yet. Starting one takes a tenth of a second of a processor,
//! and a camera that is off would cost it twice a minute, for years; to connect costs nothing that can be measured.
//!
//! Only a camera whose last try failed is asked: one that is well never sees a stranger.

use super::ffmpeg::meaning;
use crate::model::settings::{Source, SourceKind};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a camera may take to accept, and then to say something: as long as FFmpeg would wait.
const PATIENCE: Duration = Duration::from_secs(4);

/// What a camera is asked that needs no password and changes nothing.
const QUESTION: &str = "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: nvr\r\n\r\n";

/// Knocks at a source that is a host and a port. For all others, and where somebody answers, FFmpeg is to find out more.
///
/// # Errors
/// Why FFmpeg would fail, in the words that its own failure would have.
pub async fn knock(source: &Source) -> Result<(), String> {
    let (Some(host), Some(port)) = (source.host(), port(source)) else { return Ok(()) };
    let connected = timeout(PATIENCE, TcpStream::connect((host, port))).await;
    let mut stream = connected.map_err(|_| meant("timed out"))?.map_err(|error| meant(&error.to_string()))?;
    if source.kind() != SourceKind::Rtsp || scheme(source) != "rtsp" {
        return Ok(());
    }
    let asked = async {
        stream.write_all(QUESTION.as_bytes()).await.ok()?;
        let mut first = [0; 5];
        stream.read_exact(&mut first).await.ok()?;
        Some(first)
    };
    match timeout(PATIENCE, asked).await {
        Ok(Some(first)) if &first == b"RTSP/" => Ok(()),
        Ok(Some(_)) => {
            Err("what answers there does not speak RTSP (correct the port in the camera's source)".to_owned())
        }
        // Some hang up on a question that they do not know; whether they mean it FFmpeg will see.
        Ok(None) => Ok(()),
        Err(_) => Err("the camera accepts the connection and then says nothing (restart the camera)".to_owned()),
    }
}

fn scheme(source: &Source) -> &str {
    source.reveal().split_once("://").map_or("", |(scheme, _)| scheme)
}

/// The port that FFmpeg would connect to; `None` where that is not how it reaches the camera.
fn port(source: &Source) -> Option<u16> {
    let usual = match scheme(source) {
        "rtsp" => Some(554),
        "rtsps" => Some(322),
        "http" if std::env::var_os("http_proxy").is_none() => Some(80),
        "https" if std::env::var_os("http_proxy").is_none() => Some(443),
        // Without a port FFmpeg itself says what is wrong with it.
        "tcp" if !source.reveal().contains("listen") => None,
        _ => return None,
    };
    source.port().or(usual)
}

/// What the system says, as a sentence with the remedy.
fn meant(error: &str) -> String {
    let error = if error.contains("lookup") { "Failed to resolve hostname" } else { error };
    meaning(error)
        .map_or_else(|| format!("it cannot be reached: {error} (is it on, and the address right?)"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn at(scheme: &str, answer: Option<&'static [u8]>) -> Result<(), String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let source = Source::new(format!("{scheme}://me:pw@{}/cam", listener.local_addr().expect("an address")));
        let peer = async {
            let (mut stream, _) = listener.accept().await.expect("somebody");
            let mut heard = [0; 256];
            if scheme == "rtsp" {
                let count = stream.read(&mut heard).await.expect("a question");
                assert!(heard[..count].starts_with(b"OPTIONS * RTSP/1.0"));
            }
            match answer {
                Some(words) => stream.write_all(words).await.expect("is read"),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            found = knock(&source) => found,
            () = async { peer.await; std::future::pending::<()>().await } => unreachable!(),
        }
    }

    #[tokio::test]
    async fn only_one_that_answers_is_worth_more() {
        assert_eq!(at("rtsp", Some(b"RTSP/1.0 401 Unauthorized\r\n")).await, Ok(()));
        let stranger = at("rtsp", Some(b"SSH-2.0-OpenSSH_9\r\n")).await.expect_err("no camera");
        assert!(stranger.contains("does not speak RTSP"), "{stranger}");
        assert_eq!(at("rtsp", Some(b"")).await, Ok(()), "it hung up");
        assert_eq!(at("tcp", None).await, Ok(()), "it need not be asked");
        assert_eq!(at("http", None).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_says_nothing_is_said_so() {
        let silent = at("rtsp", None).await.expect_err("nothing");
        assert!(silent.contains("says nothing") && silent.ends_with(')'), "{silent}");
    }

    #[tokio::test]
    async fn who_cannot_be_reached_is_told_as_ffmpeg_would_be() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        for (source, words) in [
            (format!("rtsp://{free}/cam"), "connection refused (is the camera on"),
            (format!("tcp://{free}"), "connection refused (is the camera on"),
            ("rtsp://no-such-host.invalid/cam".to_owned(), "the host name is unknown (write its address"),
        ] {
            let why = knock(&Source::new(source)).await.expect_err("nobody");
            assert!(why.starts_with(words), "{why}");
        }
        for unasked in
            ["lavfi:testsrc2", "/srv/a.mp4", "udp://127.0.0.1:1", "srt://127.0.0.1:1", "tcp://0.0.0.0:1?listen"]
        {
            assert_eq!(knock(&Source::new(unasked.to_owned())).await, Ok(()), "{unasked}");
        }
    }
}
