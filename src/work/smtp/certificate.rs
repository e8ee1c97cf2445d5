//! The mail port's certificate: from the owner's files, or made at the first start and kept.
//!
//! One that is ours never keeps the recorder from recording: what cannot be read is made anew, and what cannot be kept
//! lasts until the next start. One that the owner names has to be right.

use crate::model::settings::Certificate;
use crate::work::archive::open_regular;
use crate::work::state;
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// Where one of our own is kept, below the state directory.
const FILES: [&str; 2] = ["mail-cert.pem", "mail-key.pem"];
/// Longest file that is read, in bytes: a chain of many certificates.
const MAX: u64 = 256 << 10;

/// What TLS is spoken with.
#[derive(Debug)]
pub(super) struct Identity {
    /// For new connections.
    pub config: Arc<ServerConfig>,
    /// SHA-256 of the certificate, as programs show it: `AB:CD:…`.
    pub fingerprint: String,
    /// Where the certificate lies, for who wants to trust it; `None`: nowhere.
    pub file: Option<PathBuf>,
}

/// Why there is none.
#[derive(Debug)]
struct Trouble {
    kind: ErrorKind,
    /// `mail-cert.pem is not a certificate`, without a remedy.
    what: String,
}

/// The certificate to use. The second is what a person should know of one that could not be kept.
///
/// # Errors
/// A file that the owner names cannot be used: a sentence with the remedy.
pub(super) fn find_or_make(
    named: Option<&Certificate>,
    state_dir: &Path,
) -> Result<(Identity, Option<String>), String> {
    if let Some(Certificate { cert, key }) = named {
        return read(cert, key).map(|identity| (identity, None)).map_err(|trouble| of_owner(&trouble));
    }
    let [cert, key] = FILES.map(|file| state_dir.join(file));
    let trouble = match read(&cert, &key) {
        Ok(identity) => return Ok((identity, None)),
        Err(trouble) => trouble,
    };
    let (cert_pem, key_pem) = make().map_err(|error| format!("no certificate could be made: {error} (report this)"))?;
    let mut identity = identity(cert_pem.as_bytes(), key_pem.as_bytes(), &cert, &key)
        .map_err(|trouble| format!("the certificate that was made cannot be used: {} (report this)", trouble.what))?;
    let kept = match trouble.kind {
        ErrorKind::PermissionDenied => Err(trouble.what.clone()),
        _ => keep(state_dir, &cert_pem, &key_pem).map_err(|error| error.to_string()),
    };
    let warning = match (kept, trouble.kind) {
        (Ok(()), ErrorKind::NotFound) => None,
        (Ok(()), _) => {
            Some(format!("the mail port has another certificate: {} (cameras may have to trust it)", trouble.what))
        }
        (Err(why), _) => {
            identity.file = None;
            let remedy = "see that recorder.state_dir belongs to the recorder's user";
            Some(format!(
                "the mail port's certificate cannot be kept and is another one at each start: {why} ({remedy})"
            ))
        }
    };
    Ok((identity, warning))
}

/// The certificate that the next start would use; `None`: it would make one.
///
/// # Errors
/// As of [`find_or_make`].
pub(super) fn find(named: Option<&Certificate>, state_dir: &Path) -> Result<Option<Identity>, String> {
    match named {
        Some(Certificate { cert, key }) => read(cert, key).map(Some).map_err(|trouble| of_owner(&trouble)),
        None => Ok(read(&state_dir.join(FILES[0]), &state_dir.join(FILES[1])).ok()),
    }
}

fn of_owner(trouble: &Trouble) -> String {
    let remedy = match trouble.kind {
        ErrorKind::PermissionDenied => "let the recorder's user read it, or leave smtp.tls_cert and smtp.tls_key out",
        _ => "name PEM files that belong together, or leave smtp.tls_cert and smtp.tls_key out",
    };
    format!("the mail port cannot use its certificate: {} ({remedy})", trouble.what)
}

fn read(cert: &Path, key: &Path) -> Result<Identity, Trouble> {
    identity(&bytes(cert)?, &bytes(key)?, cert, key)
}

fn bytes(path: &Path) -> Result<Vec<u8>, Trouble> {
    let read = || {
        let mut bytes = Vec::new();
        // The owner's may be a symbolic link, as certbot makes them.
        open_regular(&path.canonicalize()?)?.take(MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|error: io::Error| Trouble {
        kind: error.kind(),
        what: format!("{} cannot be read: {error}", path.display()),
    })
}

fn identity(cert_pem: &[u8], key_pem: &[u8], cert: &Path, key: &Path) -> Result<Identity, Trouble> {
    let bad = |what: String| Trouble { kind: ErrorKind::InvalidData, what };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(cert_pem).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| bad(format!("{} holds no certificate in PEM", cert.display())))?;
    let fingerprint = fingerprint(&chain[0]);
    let private = PrivateKeyDer::from_pem_slice(key_pem)
        .map_err(|_| bad(format!("{} holds no private key in PEM without a password", key.display())))?;
    let builder = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| bad(error.to_string()))?;
    let config = builder.with_no_client_auth().with_single_cert(chain, private).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => bad(format!("{} is not the key of {}", key.display(), cert.display())),
        other => bad(format!("{}: {other}", cert.display())),
    })?;
    Ok(Identity { config: Arc::new(config), fingerprint, file: Some(cert.to_owned()) })
}

fn fingerprint(certificate: &CertificateDer) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(certificate) {
        let colon = if text.is_empty() { "" } else { ":" };
        // Writing into memory cannot fail.
        let _ = write!(text, "{colon}{byte:02X}");
    }
    text
}

/// A certificate and its key in PEM, for this host's name and addresses.
///
/// It begins before any clock that is wrong and ends with the last year that its short form of time can name, which even
/// the oldest program reads.
fn make() -> Result<(String, String), rcgen::Error> {
    let mut names = vec!["localhost".to_owned(), "nvr".to_owned()];
    let host = rustix::system::uname();
    names.extend(host.nodename().to_str().ok().filter(|name| is_name(name)).map(str::to_owned));
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default(); // without addresses it has names
    names.extend(interfaces.iter().take(32).map(|interface| interface.ip().to_string()));
    names.sort();
    names.dedup();
    let mut wanted = CertificateParams::new(names)?;
    wanted.distinguished_name = DistinguishedName::new();
    wanted.distinguished_name.push(DnType::CommonName, "nvr");
    wanted.not_before = rcgen::date_time_ymd(2000, 1, 1);
    wanted.not_after = rcgen::date_time_ymd(2049, 12, 31);
    wanted.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    wanted.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    Ok((wanted.self_signed(&key)?.pem(), key.serialize_pem()))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 253 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b))
}

/// The key first: a certificate without one would be of no use.
fn keep(state_dir: &Path, cert: &str, key: &str) -> io::Result<()> {
    state::replace(state_dir, FILES[1], key.as_bytes(), 0o600)?;
    state::replace(state_dir, FILES[0], cert.as_bytes(), 0o644)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn one_is_made_at_the_first_start_kept_and_made_anew_when_it_breaks() {
        let dir = tempfile::tempdir().expect("a place");
        let state = dir.path().join("state");
        assert!(find(None, &state).expect("no mistake").is_none());
        let (made, warning) = find_or_make(None, &state).expect("a certificate");
        assert_eq!((warning, made.fingerprint.len()), (None, 95));
        let mode = |file: &str| fs::metadata(state.join(file)).expect("a file").permissions().mode() & 0o777;
        assert_eq!((mode("mail-key.pem"), mode("mail-cert.pem")), (0o600, 0o644));
        let (again, warning) = find_or_make(None, &state).expect("a certificate");
        assert_eq!((&again.fingerprint, warning), (&made.fingerprint, None));
        assert_eq!(find(None, &state).expect("no mistake").expect("one").fingerprint, made.fingerprint);

        fs::remove_file(state.join("mail-cert.pem")).expect("removed");
        assert!(find_or_make(None, &state).expect("a certificate").1.is_none(), "a start that was cut short");
        for (file, text) in
            [("mail-cert.pem", "broken"), ("mail-key.pem", ""), ("mail-key.pem", &make().expect("a key").1)]
        {
            let before = find(None, &state).expect("no mistake").expect("one").fingerprint;
            fs::write(state.join(file), text).expect("written");
            let (other, warning) = find_or_make(None, &state).expect("a certificate");
            let warning = warning.expect("a warning");
            assert!(
                warning.starts_with("the mail port has another certificate: ") && warning.ends_with(')'),
                "{warning}"
            );
            assert_ne!(other.fingerprint, before);
        }
    }

    #[test]
    fn where_nothing_can_be_kept_it_lasts_until_the_end() {
        let dir = tempfile::tempdir().expect("a place");
        fs::write(dir.path().join("file"), "").expect("written");
        let (made, warning) = find_or_make(None, &dir.path().join("file/state")).expect("a certificate");
        assert!(warning.expect("a warning").contains("is another one at each start: "));
        assert_eq!(made.file, None);
    }

    #[test]
    fn what_the_owner_names_has_to_be_right() {
        let dir = tempfile::tempdir().expect("a place");
        let place = |name: &str| dir.path().join(name);
        let named = |cert: &str, key: &str| Certificate { cert: place(cert), key: place(key) };
        for (name, other) in [("a", 0), ("b", 1)] {
            let (cert, key) = make().expect("a certificate");
            fs::write(place(&format!("{name}.crt")), format!("words before\n{cert}")).expect("written");
            fs::write(place(&format!("{name}.key")), key).expect("written");
            assert!(other < 2);
        }
        std::os::unix::fs::symlink(place("a.crt"), place("live.crt")).expect("a link");
        let (identity, warning) = find_or_make(Some(&named("live.crt", "a.key")), dir.path()).expect("a certificate");
        assert_eq!((identity.file, warning), (Some(place("live.crt")), None));
        for (cert, key, what) in [
            ("none.crt", "a.key", "none.crt cannot be read: No such file"),
            ("a.key", "a.key", "a.key holds no certificate in PEM"),
            ("a.crt", "a.crt", "a.crt holds no private key in PEM"),
            ("a.crt", "b.key", "b.key is not the key of "),
            (".", "b.key", "cannot be read: "),
        ] {
            let named = named(cert, key);
            let sentence = find_or_make(Some(&named), dir.path()).expect_err("a mistake");
            assert!(sentence.contains(what) && sentence.ends_with("smtp.tls_key out)"), "{sentence}");
            assert_eq!(find(Some(&named), dir.path()).expect_err("a mistake"), sentence);
        }
    }
}
