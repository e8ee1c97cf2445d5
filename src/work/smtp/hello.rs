//! How a peer begins that speaks TLS, and what it offers. Pure.
//!
//! The TLS library says neither what a peer offered that it cannot serve nor which versions anybody offers. For the
//! owner of an old camera that is all that counts, so the first record is read here as well.

use std::fmt;
use tokio_rustls::rustls::CipherSuite;

/// Bytes that tell what comes: the header of a record.
pub(super) const HEADER: usize = 5;
/// Ciphers that a sentence names.
const NAMED: usize = 3;
/// Signals among the ciphers that are none: renegotiation and fallback.
const SIGNALS: [u16; 2] = [0x00ff, 0x5600];
/// The extension that lists versions, and the one version that is only told there.
const SUPPORTED_VERSIONS: u16 = 43;

/// What the first bytes of a connection begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// A TLS record with a handshake, of which so many bytes follow.
    Tls(usize),
    /// A hello in the form of SSL 2, which may ask for newer versions too.
    Ancient,
    /// Something else: a mail client that speaks in plain text, or no mail client at all.
    Other,
}

/// Looks at the first [`HEADER`] bytes.
pub(super) fn opening(header: [u8; HEADER]) -> Opening {
    match header {
        [0x16, 3, _, high, low] => Opening::Tls(usize::from(u16::from_be_bytes([high, low]))),
        [length, _, 1, 0 | 3, _] if length & 0x80 != 0 => Opening::Ancient,
        _ => Opening::Other,
    }
}

/// The best that a peer offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    /// The newest version, as on the wire: 0x0303 is TLS 1.2.
    version: u16,
    /// In its order.
    ciphers: Vec<u16>,
}

impl Offer {
    /// Of a hello in the form of SSL 2, whose header is all that counts.
    pub fn ancient(header: [u8; HEADER]) -> Self {
        Self { version: u16::from_be_bytes([header[3], header[4]]), ciphers: Vec::new() }
    }

    /// Of a whole first record, header and all; `None`: there is no hello in it, or only a part of one.
    pub fn read(record: &[u8]) -> Option<Self> {
        let mut rest = record.get(HEADER..)?;
        (take(&mut rest, 1)? == [1]).then_some(())?;
        take(&mut rest, 3)?; // the hello's length: the record has its own
        let mut version = number(&mut rest)?;
        take(&mut rest, 32)?;
        vector(&mut rest, 1)?; // a session that could go on
        let ciphers = vector(&mut rest, 2)?.chunks_exact(2).map(|two| u16::from_be_bytes([two[0], two[1]]));
        let ciphers = ciphers.filter(|cipher| !is_grease(*cipher) && !SIGNALS.contains(cipher)).collect();
        vector(&mut rest, 1)?; // compression
        let mut extensions = vector(&mut rest, 2).unwrap_or_default(); // the oldest have none
        while let (Some(kind), Some(mut body)) = (number(&mut extensions), vector(&mut extensions, 2)) {
            if kind == SUPPORTED_VERSIONS
                && let Some(list) = vector(&mut body, 1)
            {
                let offered = list.chunks_exact(2).map(|two| u16::from_be_bytes([two[0], two[1]]));
                version = offered.filter(|version| !is_grease(*version)).max().unwrap_or(version);
            }
        }
        Some(Self { version, ciphers })
    }
}

/// `TLS 1.0 with TLS_RSA_WITH_RC4_128_SHA, TLS_RSA_WITH_3DES_EDE_CBC_SHA and 3 more`
impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            0x0304 => f.write_str("TLS 1.3")?,
            0x0303 => f.write_str("TLS 1.2")?,
            0x0302 => f.write_str("TLS 1.1")?,
            0x0301 => f.write_str("TLS 1.0")?,
            0x0300 => f.write_str("SSL 3")?,
            0x0002 => f.write_str("SSL 2")?,
            other => write!(f, "TLS version {other:#06x}")?,
        }
        for (place, cipher) in self.ciphers.iter().take(NAMED).enumerate() {
            let before = if place == 0 { " with " } else { ", " };
            match CipherSuite::from(*cipher).as_str() {
                Some(name) => write!(f, "{before}{name}")?,
                None => write!(f, "{before}cipher {cipher:#06x}")?,
            }
        }
        match self.ciphers.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// Values that mean nothing and are sent so that nobody stumbles over what is unknown (RFC 8701).
fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

fn number(rest: &mut &[u8]) -> Option<u16> {
    take(rest, 2).map(|two| u16::from_be_bytes([two[0], two[1]]))
}

/// What follows its own length, which takes `width` bytes.
fn vector<'a>(rest: &mut &'a [u8], width: usize) -> Option<&'a [u8]> {
    let length = take(rest, width)?.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte));
    take(rest, length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A record with a hello.
    fn hello(version: u16, ciphers: &[u16], versions: &[u16]) -> Vec<u8> {
        let wide = |list: &[u16]| list.iter().flat_map(|it| it.to_be_bytes()).collect::<Vec<u8>>();
        let sized = |width: usize, body: &[u8]| [&(body.len() as u32).to_be_bytes()[4 - width..], body].concat();
        let mut body = [&version.to_be_bytes()[..], &[7; 32], &[0], &sized(2, &wide(ciphers)), &[1, 0]].concat();
        if !versions.is_empty() {
            let list = sized(1, &wide(versions));
            let other = [&[0, 0][..], &sized(2, b"name")].concat();
            body.extend(sized(2, &[other, SUPPORTED_VERSIONS.to_be_bytes().to_vec(), sized(2, &list)].concat()));
        }
        let hello = [&[1][..], &sized(3, &body)].concat();
        [&[0x16, 3, 1][..], &sized(2, &hello)].concat()
    }

    #[test]
    fn an_offer_is_told_in_words() {
        for (version, ciphers, versions, words) in [
            (
                0x0301,
                &[5, 10, 47, 53, 0xff][..],
                &[][..],
                "TLS 1.0 with TLS_RSA_WITH_RC4_128_SHA, TLS_RSA_WITH_3DES_EDE_CBC_SHA, TLS_RSA_WITH_AES_128_CBC_SHA and 1 more",
            ),
            (0x0300, &[10], &[], "SSL 3 with TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
            (0x0303, &[0x1a1a, 0x1301], &[0x3a3a, 0x0304, 0x0303], "TLS 1.3 with TLS13_AES_128_GCM_SHA256"),
            (0x0303, &[0xfe00], &[0x0303], "TLS 1.2 with cipher 0xfe00"),
            (0x0302, &[], &[], "TLS 1.1"),
        ] {
            let record = hello(version, ciphers, versions);
            assert_eq!(opening(record[..HEADER].try_into().expect("a header")), Opening::Tls(record.len() - HEADER));
            assert_eq!(Offer::read(&record).expect("a hello").to_string(), words);
        }
        assert_eq!(Offer::ancient([0x80, 46, 1, 3, 1]).to_string(), "TLS 1.0");
        assert_eq!(opening([0x80, 46, 1, 3, 1]), Opening::Ancient);
        assert_eq!(opening(*b"EHLO "), Opening::Other);
    }

    proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>, cut in 0usize..200, at in 0usize..200, other: u8) {
            let mut record = hello(0x0303, &[0x1301, 5], &[0x0304]);
            if let Some(byte) = record.get_mut(at) {
                *byte = other;
            }
            record.truncate(cut);
            for bytes in [bytes, record] {
                if let Some(offer) = Offer::read(&bytes) {
                    prop_assert!(offer.to_string().len() < 300);
                }
            }
        }
    }
}
