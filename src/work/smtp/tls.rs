//! TLS: the handshake, and what to tell a person when it fails.

use super::certificate::Identity;
use super::hello::{HEADER, Offer, Opening, opening};
use std::io::{self, Cursor};
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::{Duration, Instant, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{AlertDescription, Error};
use tokio_rustls::server::TlsStream;

/// Longest first record, in bytes: what TLS allows.
const RECORD: usize = 16 << 10;

/// A connection that is secure.
pub(super) type Secure<S> = Box<TlsStream<Rewound<S>>>;

/// Why a handshake failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// It left without a word.
    Left,
    /// It waits to be spoken to.
    Silent,
    /// It does not speak TLS.
    NotTls,
    /// Nothing that it offers is good enough.
    Offer(Option<Offer>),
    /// It does not trust the certificate.
    Distrust(AlertDescription),
    /// It broke off, or took too long.
    Broken(Option<Offer>, String),
}

impl Failure {
    /// The same would happen again, however often it tries.
    pub fn is_lasting(&self) -> bool {
        match self {
            Failure::Offer(_) | Failure::Distrust(_) => true,
            Failure::Left | Failure::Silent | Failure::NotTls | Failure::Broken(..) => false,
        }
    }

    /// What a person should know, with the remedy; `None`: nothing.
    pub fn sentence(&self, peer: IpAddr, identity: &Identity) -> Option<String> {
        // A camera that gives up when TLS fails must get its mail through the next time it tries.
        let plain = "for an hour it is offered no STARTTLS, so that it may send without";
        let without = "in the camera: set encryption to none, and the port to that of smtp.listen";
        let offer =
            |offer: &Option<Offer>| offer.as_ref().map_or(String::new(), |offer| format!(" (it offered {offer})"));
        Some(match self {
            Failure::Left => return None,
            Failure::Silent => format!("{peer} said nothing on the TLS port ({without}; or encryption to SSL/TLS)"),
            Failure::NotTls => {
                format!("{peer} sent plain text where TLS begins ({without}; or encryption to SSL/TLS)")
            }
            Failure::Offer(Some(offer)) => format!(
                "{peer} cannot do the TLS that is spoken here: it offers {offer}; needed is TLS 1.2 or 1.3 with ECDHE ({without}; {plain})"
            ),
            Failure::Offer(None) => {
                format!(
                    "{peer} cannot do the TLS that is spoken here; needed is TLS 1.2 or 1.3 with ECDHE ({without}; {plain})"
                )
            }
            Failure::Distrust(alert) => {
                let trust = match &identity.file {
                    Some(file) => format!("let it trust {}", file.display()),
                    None => "set smtp.tls_cert to one that it trusts".to_owned(),
                };
                let remedy = format!("in the camera: switch the checking of certificates off, or {trust}; {plain}");
                format!("{peer} does not trust the mail port's certificate: {alert:?} ({remedy})")
            }
            Failure::Broken(offered, why) => {
                format!("{peer} did not come to the end of a TLS handshake: {why}{} ({without})", offer(offered))
            }
        })
    }
}

/// Shakes hands within `limit`; `progress` is called when the peer has said a whole hello.
pub(super) async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    identity: &Identity,
    limit: Duration,
    progress: impl FnOnce(),
) -> Result<Secure<S>, Failure> {
    let until = Instant::now() + limit;
    let record = match timeout_at(until, first_record(&mut stream)).await {
        Ok(record) => record?,
        Err(_) => return Err(Failure::Silent),
    };
    progress();
    let offer = Offer::read(&record);
    let stream = Rewound { before: Cursor::new(record), stream };
    match timeout_at(until, TlsAcceptor::from(identity.config.clone()).accept(stream)).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(error)) => Err(failure(&error, offer)),
        Err(_) => Err(Failure::Broken(offer, "it took too long".to_owned())),
    }
}

/// What a peer begins with, if that can be TLS.
async fn first_record<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Vec<u8>, Failure> {
    let mut header = [0; HEADER];
    let mut came = 0;
    while came < HEADER {
        match stream.read(&mut header[came..]).await {
            Ok(0) | Err(_) => return Err(if came == 0 { Failure::Left } else { Failure::NotTls }),
            Ok(count) => came += count,
        }
    }
    match opening(header) {
        Opening::Other => Err(Failure::NotTls),
        Opening::Ancient => Err(Failure::Offer(Some(Offer::ancient(header)))),
        Opening::Tls(length) => {
            let mut record = header.to_vec();
            let length = length.min(RECORD) as u64;
            let whole = stream.take(length).read_to_end(&mut record).await.is_ok_and(|count| count as u64 == length);
            if whole { Ok(record) } else { Err(Failure::Broken(None, "it hung up".to_owned())) }
        }
    }
}

fn failure(error: &io::Error, offer: Option<Offer>) -> Failure {
    use AlertDescription as Alert;
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::PeerIncompatible(_)) => Failure::Offer(offer),
        Some(Error::AlertReceived(alert)) => match alert {
            Alert::UnknownCA
            | Alert::BadCertificate
            | Alert::CertificateUnknown
            | Alert::CertificateExpired
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::AccessDenied => Failure::Distrust(*alert),
            Alert::ProtocolVersion | Alert::HandshakeFailure | Alert::InsufficientSecurity => Failure::Offer(offer),
            other => Failure::Broken(offer, format!("it said {other:?}")),
        },
        Some(other) => Failure::Broken(offer, other.to_string()),
        None if error.kind() == io::ErrorKind::UnexpectedEof => Failure::Broken(offer, "it hung up".to_owned()),
        None => Failure::Broken(offer, error.to_string()),
    }
}

/// A stream whose beginning was read already and is read once more.
#[derive(Debug)]
pub(super) struct Rewound<S> {
    before: Cursor<Vec<u8>>,
    stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewound<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let filled = buf.filled().len();
        ready!(Pin::new(&mut self.before).poll_read(cx, buf))?;
        if buf.filled().len() > filled || buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        if self.before.position() > 0 {
            self.before = Cursor::default(); // its memory is not needed again
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewound<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
