//! What cameras say, in words that the engine knows. Pure, and never fails: what makes no sense is [`Said::Unknown`].
//!
//! The engine (`mailin`) speaks proper SMTP. Cameras do not: a space after the colon, no angle brackets, no name after
//! EHLO, parameters that nobody offered. Nothing of that is a reason to lose a trigger, so a command line is first
//! understood here, generously, and then put to the engine in the one form it knows.

use std::fmt;

/// Characters of an address that are kept: as many as RFC 5321 allows bytes.
const ADDRESS_CHARS: usize = 256;

/// A command line, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// HELO, EHLO: who it says it is.
    Hello {
        /// EHLO: it wants to know what is offered.
        extended: bool,
        /// Never empty.
        name: String,
    },
    /// MAIL FROM; empty for `<>`.
    Mail(String),
    /// RCPT TO.
    Rcpt(String),
    /// DATA
    Data,
    /// RSET
    Reset,
    /// NOOP
    Nothing,
    /// VRFY, EXPN
    Verify,
    /// HELP
    Help,
    /// QUIT
    Quit,
    /// STARTTLS
    StartTls,
    /// AUTH
    Auth {
        /// In which way it wants to say who it is.
        mechanism: Mechanism,
        /// What it said of itself in the same line.
        given: Option<Given>,
    },
    /// No SMTP, or nothing that a camera needs.
    Unknown,
}

/// A way to say who one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mechanism {
    /// User and password in one line.
    Plain,
    /// User and password in a line each.
    Login,
    /// Not offered.
    Other,
}

/// What only the login may look at.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Given(String);

impl Given {
    /// As it came.
    pub fn reveal(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given(…)")
    }
}

impl Said {
    /// The line for the engine: one of its own commands, ended by CRLF.
    pub fn canonical(&self) -> String {
        match self {
            Said::Hello { extended: true, name } => format!("EHLO {name}\r\n"),
            Said::Hello { extended: false, name } => format!("HELO {name}\r\n"),
            Said::Mail(path) => format!("MAIL FROM:<{}>\r\n", known(path)),
            Said::Rcpt(path) => format!("RCPT TO:<{}>\r\n", known(path)),
            Said::Data => "DATA\r\n".into(),
            Said::Reset => "RSET\r\n".into(),
            Said::Nothing | Said::Help => "NOOP\r\n".into(),
            Said::Verify => "VRFY x\r\n".into(),
            Said::Quit => "QUIT\r\n".into(),
            Said::StartTls => "STARTTLS\r\n".into(),
            Said::Auth { .. } => "AUTH\r\n".into(),
            Said::Unknown => "?\r\n".into(),
        }
    }
}

/// The engine knows no empty path; an address of nothing at nowhere is the same.
fn known(path: &str) -> &str {
    if path.is_empty() { "@" } else { path }
}

/// Understands a command line, given without its end.
pub(super) fn understand(line: &[u8]) -> Said {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    let end = text.find(|c: char| c.is_whitespace()).unwrap_or(text.len());
    let (verb, rest) = text.split_at(end);
    let rest = rest.trim_start();
    match verb.to_ascii_uppercase().as_str() {
        "EHLO" => Said::Hello { extended: true, name: name(rest) },
        "HELO" => Said::Hello { extended: false, name: name(rest) },
        "MAIL" => path(rest, "FROM").map_or(Said::Unknown, Said::Mail),
        "RCPT" => path(rest, "TO").map_or(Said::Unknown, Said::Rcpt),
        "DATA" => Said::Data,
        "RSET" => Said::Reset,
        "NOOP" => Said::Nothing,
        "VRFY" | "EXPN" => Said::Verify,
        "HELP" => Said::Help,
        "QUIT" => Said::Quit,
        "STARTTLS" => Said::StartTls,
        "AUTH" => auth(rest),
        _ => Said::Unknown,
    }
}

/// What a camera calls itself: the first word, whatever it is.
fn name(rest: &str) -> String {
    let name = address(rest.split_whitespace().next().unwrap_or_default());
    if name.is_empty() { "unknown".to_owned() } else { name }
}

/// The address after `FROM` or `TO`, in brackets or bare, without what follows; `None` if that word is missing.
fn path(rest: &str, word: &str) -> Option<String> {
    let (start, rest) = rest.split_at_checked(word.len())?;
    if !start.eq_ignore_ascii_case(word) {
        return None;
    }
    let rest = rest.trim_start();
    let rest = rest.strip_prefix(':').unwrap_or(rest).trim_start();
    // Brackets, perhaps with a name before them; but not those of `a@b AUTH=<>`.
    let inside = match rest.find('<') {
        Some(at) if !rest[..at].ends_with('=') => rest[at + 1..].split('>').next(),
        Some(_) | None => rest.split_whitespace().next(),
    };
    let inside = inside.unwrap_or_default();
    // `@relay,@relay:a@b` is a way that mail went in the eighties.
    let target = inside.strip_prefix('@').and_then(|route| route.split_once(':')).map_or(inside, |(_, target)| target);
    Some(address(target))
}

/// Only what an address may hold for the engine, and not too long.
fn address(text: &str) -> String {
    let kept = text.chars().filter(|&c| !c.is_whitespace() && !c.is_control() && c != '<' && c != '>');
    kept.take(ADDRESS_CHARS).collect()
}

/// `AUTH PLAIN`, `AUTH LOGIN`, with or without what they ask for.
fn auth(rest: &str) -> Said {
    let mut words = rest.split_whitespace();
    let mechanism = match words.next().unwrap_or_default().to_ascii_uppercase().as_str() {
        "PLAIN" => Mechanism::Plain,
        "LOGIN" => Mechanism::Login,
        _ => Mechanism::Other,
    };
    Said::Auth { mechanism, given: words.next().map(|word| Given(word.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn said(line: &str) -> String {
        understand(line.as_bytes()).canonical()
    }

    #[rstest]
    #[case::proper("EHLO camera.local", "EHLO camera.local")]
    #[case::small("ehlo cam", "EHLO cam")]
    #[case::old("HELO cam", "HELO cam")]
    #[case::literal("EHLO [192.168.1.64]", "EHLO [192.168.1.64]")]
    #[case::nameless("EHLO", "EHLO unknown")]
    #[case::nameless_with_space("EHLO ", "EHLO unknown")]
    #[case::nameless_in_brackets("HELO <>", "HELO unknown")]
    #[case::name_with_spaces("EHLO IP Camera 7", "EHLO IP")]
    #[case::name_beyond_ascii("EHLO Küche", "EHLO Küche")]
    #[case::name_with_controls("EHLO cam\x01\x1b[2J", "EHLO cam[2J")]
    #[case::tab("EHLO\tcam", "EHLO cam")]
    #[case::before("\0 \tEHLO cam", "EHLO cam")]
    fn hello(#[case] line: &str, #[case] canonical: &str) {
        assert_eq!(said(line), format!("{canonical}\r\n"));
    }

    #[rstest]
    #[case::proper("MAIL FROM:<a@b>", "a@b")]
    #[case::small("mail from:<a@b>", "a@b")]
    #[case::space_after_colon("MAIL FROM: <a@b>", "a@b")]
    #[case::space_before_colon("MAIL FROM : <a@b>", "a@b")]
    #[case::spaces("MAIL   FROM:   <  a@b  >  ", "a@b")]
    #[case::bare("MAIL FROM:a@b", "a@b")]
    #[case::bare_with_space("MAIL FROM: a@b", "a@b")]
    #[case::no_colon("MAIL FROM <a@b>", "a@b")]
    #[case::left_bracket_only("MAIL FROM:<a@b", "a@b")]
    #[case::right_bracket_only("MAIL FROM:a@b>", "a@b")]
    #[case::null("MAIL FROM:<>", "@")]
    #[case::null_with_space("MAIL FROM: < >", "@")]
    #[case::nothing("MAIL FROM:", "@")]
    #[case::size("MAIL FROM:<a@b> SIZE=90210", "a@b")]
    #[case::bare_size("MAIL FROM:a@b SIZE=90210", "a@b")]
    #[case::body("MAIL FROM:<a@b> BODY=8BITMIME", "a@b")]
    #[case::utf8("MAIL FROM:<küche@b> SMTPUTF8 BODY=8BITMIME", "küche@b")]
    #[case::auth("MAIL FROM:<a@b> AUTH=<>", "a@b")]
    #[case::bare_auth("MAIL FROM:a@b AUTH=<>", "a@b")]
    #[case::null_auth("MAIL FROM:<> AUTH=<> SIZE=1", "@")]
    #[case::display_name("MAIL FROM:\"Front Door\" <a@b>", "a@b")]
    #[case::twice_in_brackets("MAIL FROM:<<a@b>>", "a@b")]
    #[case::local_only("MAIL FROM:<camera>", "camera")]
    #[case::space_inside("MAIL FROM:<front door@b>", "frontdoor@b")]
    #[case::source_route("MAIL FROM:<@r1,@r2:a@b>", "a@b")]
    #[case::controls("MAIL FROM:<a\x07\x1b@b>", "a@b")]
    fn mail_from(#[case] line: &str, #[case] path: &str) {
        assert_eq!(said(line), format!("MAIL FROM:<{path}>\r\n"));
        let line = line.replacen("MAIL", "RCPT", 1).replacen("mail", "rcpt", 1).replacen("FROM", "TO", 1);
        assert_eq!(said(&line.replacen("from", "to", 1)), format!("RCPT TO:<{path}>\r\n"));
    }

    #[rstest]
    #[case("DATA", "DATA")]
    #[case("DATA ", "DATA")]
    #[case("data\t", "DATA")]
    #[case("RSET ", "RSET")]
    #[case("NOOP are you there", "NOOP")]
    #[case("QUIT ", "QUIT")]
    #[case("VRFY", "VRFY x")]
    #[case("EXPN staff", "VRFY x")]
    #[case("HELP MAIL", "NOOP")]
    #[case("STARTTLS", "STARTTLS")]
    #[case("AUTH PLAIN AGEAYg==", "AUTH")]
    #[case("", "?")]
    #[case("MAIL", "?")]
    #[case("MAIL TO:<a@b>", "?")]
    #[case("RCPT FROM:<a@b>", "?")]
    #[case("RCPT T\u{f6}:<a@b>", "?")]
    #[case("GET / HTTP/1.1", "?")]
    #[case("DATABASE", "?")]
    fn others(#[case] line: &str, #[case] canonical: &str) {
        assert_eq!(said(line), format!("{canonical}\r\n"));
    }

    #[rstest]
    #[case("AUTH PLAIN", Mechanism::Plain, None)]
    #[case("auth plain AGEAYg==", Mechanism::Plain, Some("AGEAYg=="))]
    #[case("AUTH PLAIN =", Mechanism::Plain, Some("="))]
    #[case("AUTH LOGIN", Mechanism::Login, None)]
    #[case("AUTH login  YQ== ", Mechanism::Login, Some("YQ=="))]
    #[case("AUTH CRAM-MD5", Mechanism::Other, None)]
    #[case("AUTH", Mechanism::Other, None)]
    fn auth_shows_no_secret(#[case] line: &str, #[case] mechanism: Mechanism, #[case] given: Option<&str>) {
        let said = understand(line.as_bytes());
        assert!(given.is_none_or(|given| !format!("{said:?}").contains(given)));
        assert_eq!(said, Said::Auth { mechanism, given: given.map(|given| Given(given.to_owned())) });
    }

    #[test]
    fn bytes_that_are_no_text_are_understood_as_far_as_possible() {
        assert_eq!(understand(b"MAIL FROM:<k\xfcche@b>").canonical(), "MAIL FROM:<k\u{fffd}che@b>\r\n");
        assert_eq!(understand(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), Said::Unknown);
    }

    proptest! {
        #[test]
        fn never_panics_stays_short_and_is_one_line_that_the_engine_can_read(
            start in prop_oneof![Just(""), Just("MAIL FROM:"), Just("RCPT TO:"), Just("EHLO "), Just("AUTH ")],
            bytes in proptest::collection::vec(any::<u8>(), 0..600),
        ) {
            struct Yes;
            impl mailin::Handler for Yes {}
            let said = understand(&[start.as_bytes(), &bytes].concat());
            let line = said.canonical();
            prop_assert!(line.chars().count() <= ADDRESS_CHARS + 20);
            prop_assert_eq!(line.find(['\r', '\n']), Some(line.len() - 2));
            let mut engine = mailin::SessionBuilder::new("nvr").build([127, 0, 0, 1].into(), Yes);
            engine.process(b"HELO x\r\n");
            if matches!(said, Said::Rcpt(_)) {
                engine.process(b"MAIL FROM:<x>\r\n");
            }
            if matches!(said, Said::Hello { .. } | Said::Mail(_) | Said::Rcpt(_)) {
                prop_assert_eq!(engine.process(line.as_bytes()).code, 250, "{}", line);
            }
        }
    }
}
