//! How people write values: durations, sizes, addresses, paths. Each reader gives a sentence that ends with what to
//! write; where a value is shown in it, it is short and clean.

use crate::model::settings::{Audio, Share};
use bytesize::ByteSize;
use ipnet::IpNet;
use jiff::{SignedDuration, Span, SpanRelativeTo};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::de::DeValue;

/// Loopback, RFC 1918, link-local and unique local networks: where cameras live.
const PRIVATE: [&str; 8] = [
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "::1/128",
    "fe80::/10",
    "fc00::/7",
];

/// Most entries of any list.
const MAX_LIST: usize = 256;

/// Longest path of a Unix socket on Linux, in bytes.
const MAX_SOCKET: usize = 107;

/// A duration as people write it.
pub(super) fn shown(span: Duration) -> String {
    SignedDuration::try_from(span).map_or_else(|_| format!("{span:?}"), |span| format!("{span:#}"))
}

/// A word of the file as a sentence may repeat it.
fn quoted(word: &str) -> String {
    let short: String = word.chars().filter(|c| !c.is_control()).take(40).collect();
    format!("\"{short}\"")
}

pub(super) fn text<'v>(value: &'v DeValue<'_>) -> Result<&'v str, String> {
    value.as_str().ok_or_else(|| "is not a text (put it between \"quotes\")".into())
}

pub(super) fn truth(value: &DeValue<'_>) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "is not a yes or no (write true or false, without quotes)".into())
}

pub(super) fn whole(value: &DeValue<'_>, range: RangeInclusive<u32>) -> Result<u32, String> {
    let number = value.as_integer().and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
    let fits = number.and_then(|n| u32::try_from(n).ok()).filter(|n| range.contains(n));
    fits.ok_or_else(|| {
        format!("is not a whole number from {} to {1} (write for example {0})", range.start(), range.end())
    })
}

pub(super) fn duration(value: &DeValue<'_>, range: RangeInclusive<Duration>) -> Result<Duration, String> {
    let example = "write for example \"10s\", \"1m 20s\" or \"30d\"";
    let word = value.as_str().ok_or_else(|| format!("is not a duration ({example})"))?;
    let span: Span = word.trim().parse().map_err(|_| format!("{} is not a duration ({example})", quoted(word)))?;
    let span = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| format!("{} has no fixed length (write it in days: \"30d\")", quoted(word)))?;
    let (least, most) = range.clone().into_inner();
    let fits = Duration::try_from(span).ok().filter(|span| range.contains(span));
    fits.ok_or_else(|| format!("{} is out of range (write \"{}\" to \"{}\")", quoted(word), shown(least), shown(most)))
}

/// Bytes. A unit is asked for, because "500" may mean anything; zero needs none.
pub(super) fn size(value: &DeValue<'_>) -> Result<u64, String> {
    let example = "write for example \"5 GiB\", or \"0 B\"";
    let word = value.as_str().ok_or_else(|| format!("is not a size ({example})"))?;
    let with_unit = word.trim() == "0" || word.ends_with(|c: char| c.is_ascii_alphabetic());
    match word.trim().parse::<ByteSize>() {
        Ok(size) if with_unit && size.as_u64() < u64::MAX => Ok(size.as_u64()),
        _ => Err(format!("{} is not a size ({example})", quoted(word))),
    }
}

/// Bytes, from the least to the most that make sense.
pub(super) fn size_in(value: &DeValue<'_>, range: RangeInclusive<u64>) -> Result<u64, String> {
    let bytes = size(value)?;
    let shown = |bytes: &u64| ByteSize(*bytes).display().iec().to_string();
    if range.contains(&bytes) {
        return Ok(bytes);
    }
    Err(format!("is out of range (write \"{}\" to \"{}\")", shown(range.start()), shown(range.end())))
}

pub(super) fn share(value: &DeValue<'_>) -> Result<Share, String> {
    let example = "write \"25%\", or a size such as \"500 MiB\"";
    if let Some(percent) = value.as_str().and_then(|word| word.trim().strip_suffix('%')) {
        let number = percent.trim().parse::<f64>().ok().filter(|percent| (1.0..=90.0).contains(percent));
        return number
            .map(|n| Share::Fraction(n / 100.0))
            .ok_or_else(|| format!("is not between 1% and 90% ({example})"));
    }
    match size(value) {
        Ok(bytes) if bytes >= 1 << 20 => Ok(Share::Bytes(bytes)),
        Ok(_) => Err(format!("is less than 1 MiB, and not one segment could wait ({example})")),
        Err(_) => Err(format!("is neither a share nor a size ({example})")),
    }
}

pub(super) fn audio(value: &DeValue<'_>) -> Result<Audio, String> {
    match value.as_str() {
        Some("copy") => Ok(Audio::Copy),
        Some("aac") => Ok(Audio::Aac),
        Some("none") => Ok(Audio::None),
        _ => Err("is not a way to treat sound (write \"copy\", \"aac\" or \"none\")".into()),
    }
}

pub(super) fn address(value: &DeValue<'_>) -> Result<SocketAddr, String> {
    let remedy = "write for example \"0.0.0.0:6789\", or \"[::]:6789\"";
    let word = value.as_str().ok_or_else(|| format!("is not an address with a port ({remedy})"))?;
    word.trim().parse().map_err(|_| format!("{} is not an address with a port ({remedy})", quoted(word)))
}

pub(super) fn list(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let items = value.as_array().ok_or("is not a list (put it between [brackets])")?;
    if items.len() > MAX_LIST {
        return Err(format!("has more than {MAX_LIST} entries (write fewer)"));
    }
    let words = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
    words.collect::<Option<_>>().ok_or_else(|| "holds something that is not a text (put it between \"quotes\")".into())
}

pub(super) fn networks(value: &DeValue<'_>) -> Result<Vec<IpNet>, String> {
    let mut networks = Vec::new();
    for word in list(value)? {
        match word.trim() {
            "private" => networks.extend(private()),
            word => networks.push(parsed(word).ok_or_else(|| {
                format!("{} is not a network (write \"private\", or for example \"192.168.1.0/24\")", quoted(word))
            })?),
        }
    }
    if networks.is_empty() {
        return Err("lets nobody in, so that no mail would ever come (write [\"private\"])".into());
    }
    Ok(networks)
}

/// An address or a network.
pub(super) fn network(word: &str) -> Result<IpNet, String> {
    let remedy = "write for example \"192.168.1.20\", or \"192.168.1.0/24\"";
    parsed(word.trim()).ok_or_else(|| format!("{} is no address and no network ({remedy})", quoted(word)))
}

fn parsed(word: &str) -> Option<IpNet> {
    word.parse().ok().or_else(|| word.parse::<IpAddr>().ok().map(IpNet::from))
}

/// What `"private"` means.
pub(super) fn private() -> impl Iterator<Item = IpNet> {
    PRIVATE.iter().map(|network| network.parse().expect("written as a network above"))
}

/// A path, relative ones taken from `base`. An empty one is `None`.
pub(super) fn path(value: &DeValue<'_>, base: &Path) -> Result<Option<PathBuf>, String> {
    let word = text(value)?;
    if word.starts_with('~') {
        return Err(format!("{}: nothing stands for ~ here (write the whole path)", quoted(word)));
    }
    if word.chars().any(char::is_control) || word.len() > 1024 {
        return Err("is not a path (write for example \"/var/lib/nvr\")".into());
    }
    let path: PathBuf = base.join(word).components().collect();
    Ok((!word.is_empty()).then_some(path))
}

/// A directory.
pub(super) fn directory(value: &DeValue<'_>, base: &Path) -> Result<PathBuf, String> {
    path(value, base)?.ok_or_else(|| "is empty (write the path of a directory)".into())
}

/// Where a socket is to be.
pub(super) fn socket(value: &DeValue<'_>, base: &Path) -> Result<Option<PathBuf>, String> {
    let path = path(value, base)?;
    match &path {
        Some(path) if path.as_os_str().len() > MAX_SOCKET => {
            Err(format!("is longer than the {MAX_SOCKET} bytes that Linux allows (write a shorter path)"))
        }
        Some(_) | None => Ok(path),
    }
}

/// A program: a name to look for in PATH, or a path.
pub(super) fn program(value: &DeValue<'_>, base: &Path) -> Result<PathBuf, String> {
    match text(value)? {
        "" => Err("is empty (write \"ffmpeg\", or a path)".into()),
        word if word.contains('/') => directory(value, base),
        word => Ok(word.into()),
    }
}
