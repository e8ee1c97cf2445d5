//! The ports that mail comes in by, opened before anything else may happen.

use super::certificate::{self, Identity};
use crate::model::settings::Smtp;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use tokio::net::TcpListener;

/// Open ports, and what is spoken there.
pub struct Ports {
    pub(super) plain: TcpListener,
    pub(super) secure: Option<TcpListener>,
    pub(super) identity: Identity,
    /// Where mail is taken.
    pub address: SocketAddr,
    /// Where it is taken with TLS from the first byte on.
    pub secure_address: Option<SocketAddr>,
    /// What deserves a look: a sentence with the remedy.
    pub warning: Option<String>,
}

impl Ports {
    /// Opens what `settings` ask for. A certificate that nobody named is kept in `state_dir`.
    ///
    /// # Errors
    /// One sentence with the remedy.
    pub async fn open(settings: &Smtp, state_dir: &Path) -> Result<Self, String> {
        let (identity, warning) = certificate::find_or_make(settings.tls.certificate.as_ref(), state_dir)?;
        let plain = bind(settings.listen, "smtp.listen").await?;
        let secure = match settings.tls.listen {
            Some(address) => Some(bind(address, "smtp.tls_listen").await?),
            None => None,
        };
        let address = plain.local_addr().unwrap_or(settings.listen);
        let secure_address = secure.as_ref().and_then(|secure| secure.local_addr().ok());
        Ok(Self { plain, secure, identity, address, secure_address, warning })
    }
}

/// What a recorder with these settings would say of its certificate.
///
/// # Errors
/// Why it would not start: a sentence with the remedy.
pub fn tls_outlook(settings: &Smtp, state_dir: &Path) -> Result<String, String> {
    Ok(match certificate::find(settings.tls.certificate.as_ref(), state_dir)? {
        Some(identity) => format!("TLS certificate with SHA-256 {}", identity.fingerprint),
        None => "TLS certificate still to be made".to_owned(),
    })
}

/// Opens a port that the configuration calls `key`. The error is a sentence with the remedy.
pub async fn bind(address: SocketAddr, key: &str) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| {
        let (what, remedy) = match error.kind() {
            ErrorKind::AddrInUse => (
                "is taken by another program".to_owned(),
                format!("see which: ss -ltnp 'sport = :{}'; or set {key} to another port", address.port()),
            ),
            ErrorKind::PermissionDenied => (
                "may not be opened by this user".to_owned(),
                format!("ports below 1024 need CAP_NET_BIND_SERVICE; set {key} to a port such as 6789"),
            ),
            ErrorKind::AddrNotAvailable => (
                "is not an address of this machine".to_owned(),
                format!("see which are: ip address; or set {key} to 0.0.0.0:{}", address.port()),
            ),
            _ => (format!("cannot be opened: {error}"), format!("set {key} to another address")),
        };
        format!("the mail port {key} {address} {what} ({remedy})")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_that_cannot_be_opened_says_why_and_what_to_do() {
        let taken = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = taken.local_addr().expect("an address");
        let sentence = bind(address, "smtp.listen").await.expect_err("it is taken");
        let remedy = format!("see which: ss -ltnp 'sport = :{}'; or set smtp.listen to another port", address.port());
        assert_eq!(sentence, format!("the mail port smtp.listen {address} is taken by another program ({remedy})"));
        let sentence =
            bind("192.0.2.1:6789".parse().expect("an address"), "smtp.tls_listen").await.expect_err("it is nobody's");
        let start =
            "the mail port smtp.tls_listen 192.0.2.1:6789 is not an address of this machine (see which are: ip address";
        assert!(sentence.starts_with(start), "{sentence}");
    }
}
