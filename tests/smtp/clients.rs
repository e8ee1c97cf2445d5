//! Real clients, each in every way that it can: with and without a login, in plain text, by STARTTLS, and with TLS from
//! the first byte on.

use super::{Port, run};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use rstest::rstest;

/// How a mail travels.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Plain,
    StartTls,
    Tls,
}

/// Who it says it is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Who {
    Nobody,
    /// `camera`, with the password `s3cret`, by AUTH with this mechanism.
    Camera(&'static str),
    /// The same with another password.
    Stranger,
}

impl Who {
    /// Mechanism and password.
    fn login(self) -> Option<(&'static str, &'static str)> {
        match self {
            Who::Nobody => None,
            Who::Camera(mechanism) => Some((mechanism, "s3cret")),
            Who::Stranger => Some(("PLAIN", "secret")),
        }
    }
}

const MESSAGE: &str =
    "From: cam@lan\r\nTo: garden@nvr\r\nSubject: Motion\r\n\r\n.one dot\r\n..two\r\nBewegung im Garten\r\n";

/// The words of a command line, with what depends on the way.
fn words(fixed: &[&str], more: &[Vec<String>]) -> Vec<String> {
    fixed.iter().map(|&word| word.to_owned()).chain(more.concat()).collect()
}

fn owned<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

async fn swaks(port: &Port, way: Way, who: Who) -> (bool, String) {
    let address = if way == Way::Tls { port.secure } else { port.address };
    let tls = match way {
        Way::Plain => vec![],
        Way::StartTls => owned(["--tls"]),
        Way::Tls => owned(["--tlsc"]),
    };
    let login =
        who.login().map_or(vec![], |(mechanism, password)| owned(["-a", mechanism, "-au", "camera", "-ap", password]));
    let place = owned(["-s", &address.ip().to_string(), "-p", &address.port().to_string()]);
    let fixed = ["-f", "cam@lan", "-t", "garden@nvr", "-h-Subject", "Motion"];
    run("swaks", &words(&fixed, &[place, tls, login]), "").await
}

/// Checks the certificate, which names this host's addresses.
async fn curl(port: &Port, way: Way, who: Who) -> (bool, String) {
    let url = match way {
        Way::Plain | Way::StartTls => format!("smtp://{}/cam.lan", port.address),
        Way::Tls => format!("smtps://{}/cam.lan", port.secure),
    };
    let tls = if way == Way::StartTls { owned(["--ssl-reqd"]) } else { vec![] };
    let trust = owned(["--cacert", &port.certificate()]);
    let login = who.login().map_or(vec![], |(mechanism, password)| {
        owned(["--user", &format!("camera:{password}"), "--login-options", &format!("AUTH={mechanism}")])
    });
    let fixed = ["-sS", &url, "--mail-from", "cam@lan", "--mail-rcpt", "garden@nvr", "-T", "-"];
    run("curl", &words(&fixed, &[trust, tls, login]), MESSAGE).await
}

const PYTHON: &str = "
import smtplib, ssl, sys
way, host, port, trust, mechanism, password = sys.argv[1:]
context = ssl.create_default_context(cafile=trust)
if way == 'Tls':
    smtp = smtplib.SMTP_SSL(host, port, timeout=10, context=context)
else:
    smtp = smtplib.SMTP(host, port, timeout=10)
with smtp:
    smtp.ehlo()
    assert smtp.has_extn('starttls') == (way != 'Tls'), smtp.esmtp_features
    if way == 'StartTls':
        smtp.starttls(context=context)
        smtp.ehlo()
        assert not smtp.has_extn('starttls')
    assert smtp.esmtp_features['auth'].split() == ['PLAIN', 'LOGIN'], smtp.esmtp_features
    assert smtp.has_extn('8bitmime') and smtp.has_extn('pipelining') and int(smtp.esmtp_features['size']) == 8 << 20
    if mechanism:
        smtp.user, smtp.password = 'camera', password
        method = smtp.auth_plain if mechanism == 'PLAIN' else smtp.auth_login
        for first in (True, False):
            assert smtp.auth(mechanism, method, initial_response_ok=first)[0] == 235
    smtp.noop(); smtp.rset(); smtp.verify('garden')
    assert smtp.sendmail('cam@lan', ['garden@nvr'], sys.stdin.read(), mail_options=['BODY=8BITMIME']) == {}
";

/// Checks the certificate too.
async fn python(port: &Port, way: Way, who: Who) -> (bool, String) {
    let address = if way == Way::Tls { port.secure } else { port.address };
    let (mechanism, password) = who.login().unwrap_or_default();
    let (host, number, way) = (address.ip().to_string(), address.port().to_string(), format!("{way:?}"));
    let args = owned(["-c", PYTHON, &way, &host, &number, &port.certificate(), mechanism, password]);
    run("python3", &args, MESSAGE).await
}

async fn msmtp(port: &Port, way: Way, who: Who) -> (bool, String) {
    let address = if way == Way::Tls { port.secure } else { port.address };
    let place = owned(["--host", &address.ip().to_string(), "--port", &address.port().to_string()]);
    let tls = match way {
        Way::Plain => owned(["--tls=off"]),
        Way::StartTls => owned(["--tls=on", "--tls-starttls=on", "--tls-certcheck=off"]),
        Way::Tls => owned(["--tls=on", "--tls-starttls=off", "--tls-certcheck=off"]),
    };
    let login = who.login().map_or(owned(["--auth=off"]), |(mechanism, password)| {
        let mechanism = format!("--auth={}", mechanism.to_lowercase());
        owned([&mechanism, "--user=camera", &format!("--passwordeval=echo {password}")])
    });
    let fixed = ["--file=/dev/null", "--timeout=10", "--from=cam@lan"];
    run("msmtp", &words(&fixed, &[place, tls, login, owned(["garden@nvr"])]), MESSAGE).await
}

const NODE: &str = "
const [way, host, port, mechanism, password] = process.argv.slice(1);
const options = { host, port: +port, secure: way == 'Tls', requireTLS: way == 'StartTls', ignoreTLS: way == 'Plain' };
options.tls = { rejectUnauthorized: false };
if (mechanism) { options.auth = { user: 'camera', pass: password }; options.authMethod = mechanism; }
const mail = { from: 'cam@lan', to: 'garden@nvr', subject: 'Motion', text: 'Bewegung im Garten' };
require('nodemailer').createTransport(options).sendMail(mail).catch(error => { console.error(error); process.exit(1); });
";

async fn nodemailer(port: &Port, way: Way, who: Who) -> (bool, String) {
    let address = if way == Way::Tls { port.secure } else { port.address };
    let (mechanism, password) = who.login().unwrap_or_default();
    let (host, number, way) = (address.ip().to_string(), address.port().to_string(), format!("{way:?}"));
    run("node", &owned(["-e", NODE, &way, &host, &number, mechanism, password]), "").await
}

fn transport(port: &Port, way: Way, who: Who) -> AsyncSmtpTransport<Tokio1Executor> {
    let trust = || {
        let pem = std::fs::read(port.certificate()).expect("a certificate");
        let builder = TlsParameters::builder("127.0.0.1".into()).certificate_store(CertificateStore::None);
        let builder = builder.add_root_certificate(Certificate::from_pem(&pem).expect("PEM"));
        builder.dangerous_accept_invalid_certs(true).build_rustls().expect("TLS")
    };
    let (address, tls) = match way {
        Way::Plain => (port.address, Tls::None),
        Way::StartTls => (port.address, Tls::Required(trust())),
        Way::Tls => (port.secure, Tls::Wrapper(trust())),
    };
    let smtp = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1").port(address.port()).tls(tls);
    match who.login() {
        None => smtp.build(),
        Some((mechanism, password)) => {
            let mechanism = if mechanism == "PLAIN" { Mechanism::Plain } else { Mechanism::Login };
            let credentials = Credentials::new("camera".into(), password.into());
            smtp.credentials(credentials).authentication(vec![mechanism]).build()
        }
    }
}

async fn lettre(port: &Port, way: Way, who: Who) -> (bool, String) {
    let envelope = lettre::address::Envelope::new(
        Some("cam@lan".parse().expect("an address")),
        vec!["garden@nvr".parse().expect("an address")],
    );
    let sent = transport(port, way, who).send_raw(&envelope.expect("an envelope"), MESSAGE.as_bytes()).await;
    (sent.is_ok(), format!("{sent:?}"))
}

#[rstest]
#[case::plain(Way::Plain, Who::Nobody)]
#[case::plain_login(Way::Plain, Who::Camera("LOGIN"))]
#[case::plain_wrong_login(Way::Plain, Who::Stranger)]
#[case::starttls(Way::StartTls, Who::Nobody)]
#[case::starttls_login(Way::StartTls, Who::Camera("PLAIN"))]
#[case::tls(Way::Tls, Who::Nobody)]
#[case::tls_login(Way::Tls, Who::Camera("LOGIN"))]
#[tokio::test]
async fn every_client_delivers_in_every_way(
    #[values("swaks", "curl", "python", "msmtp", "nodemailer", "lettre")] client: &str,
    #[case] way: Way,
    #[case] who: Who,
) {
    let asked = who != Who::Nobody;
    let mut port = if asked { Port::locked().await } else { Port::open().await };
    let (delivered, said) = match client {
        "swaks" => swaks(&port, way, who).await,
        "curl" => curl(&port, way, who).await,
        "python" => python(&port, way, who).await,
        "msmtp" => msmtp(&port, way, who).await,
        "nodemailer" => nodemailer(&port, way, who).await,
        _ => lettre(&port, way, who).await,
    };
    assert_eq!(delivered, who != Who::Stranger, "{said}");
    if delivered {
        let mail = port.mail().await;
        assert_eq!((mail.from.as_str(), mail.subject.as_str(), mail.cut_off), ("cam@lan", "Motion", false));
        assert_eq!((mail.to, mail.peer), (vec!["garden@nvr".to_owned()], port.address.ip()));
        assert_eq!(port.close().await, [], "one mail, one event, and nothing to remark");
    } else {
        let notes = format!("{:?}", port.close().await);
        assert!(notes.contains("logged in to the mail port with the right user and a wrong password"), "{notes}");
    }
}

/// Where no login is asked for, any passes.
#[rstest]
#[case::swaks("swaks")]
#[case::curl("curl")]
#[tokio::test]
async fn any_login_passes_where_none_is_asked_for(#[case] client: &str) {
    let mut port = Port::open().await;
    let (delivered, said) = match client {
        "swaks" => swaks(&port, Way::Plain, Who::Stranger).await,
        _ => curl(&port, Way::Plain, Who::Stranger).await,
    };
    assert!(delivered, "{said}");
    assert_eq!(port.mail().await.subject, "Motion");
}

#[rstest]
#[case::pipeline(&["--pipeline"])]
#[case::helo(&["--protocol", "SMTP", "-h", "old camera"])]
#[tokio::test]
async fn swaks_delivers_in_odd_ways(#[case] odd: &[&str]) {
    let mut port = Port::open().await;
    let number = port.address.port().to_string();
    let fixed = ["-s", "127.0.0.1", "-p", &number, "-f", "cam@lan", "-t", "garden@nvr", "-h-Subject", "Motion"];
    let (delivered, said) = run("swaks", &words(&[&fixed, odd].concat(), &[]), "").await;
    assert!(delivered, "{said}");
    assert_eq!(port.mail().await.subject, "Motion");
    assert_eq!(port.close().await, []);
}

#[tokio::test]
async fn lettre_delivers_several_mails_over_one_connection() {
    let mut port = Port::open().await;
    let smtp = transport(&port, Way::StartTls, Who::Nobody);
    for subject in ["Bewegung: Haustür", "移动侦测"] {
        let mail = lettre::Message::builder()
            .from("Front Door <cam@lan>".parse().expect("an address"))
            .to("front-door@nvr".parse().expect("an address"))
            .to("garden@nvr".parse().expect("an address"))
            .subject(subject)
            .body("motion".to_owned());
        smtp.send(mail.expect("a mail")).await.expect("delivered");
        let got = port.mail().await;
        assert_eq!((got.subject.as_str(), got.to.join(" ")), (subject, "front-door@nvr garden@nvr".into()));
    }
}

#[tokio::test]
async fn a_picture_too_big_is_refused_by_552_and_triggers() {
    let mut port = Port::open().await;
    let smtp = transport(&port, Way::Plain, Who::Nobody);
    let envelope = lettre::address::Envelope::new(None, vec!["garden@nvr".parse().expect("an address")]);
    let one_line = format!("Subject: big\r\n\r\n{}\r\n", "x".repeat(9 << 20));
    let refused = smtp.send_raw(&envelope.expect("an envelope"), one_line.as_bytes()).await;
    let code = refused.expect_err("too big").status().expect("a reply").to_string();
    assert_eq!(code, "552");
    let mail = port.mail().await;
    assert_eq!((mail.subject.as_str(), mail.from.as_str(), mail.cut_off), ("big", "", true));
}
