//! `nvr.toml` as its owner meets it: defaults, the example, and what is said about each mistake.

use nvr::config::{self, ConfigError, Loaded};
use nvr::model::event::Mail;
use nvr::model::settings::{Audio, Share};
use proptest::prelude::*;
use rstest::rstest;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

const EXAMPLE: &str = include_str!("../nvr.toml.example");

/// A machine on which everybody has a home and one camera a password.
fn env(name: &str) -> Option<String> {
    match name {
        "HOME" => Some("/home/ada".into()),
        "FRONT_DOOR_PASSWORD" => Some("s3cret/p@ss".into()),
        "BROKEN" => Some("s3cret\nfile '/etc/shadow'".into()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Place(tempfile::tempdir().expect("a temporary directory"))
    }

    fn write(&self, text: impl AsRef<[u8]>) -> Result<Loaded, ConfigError> {
        let path = self.0.path().join("nvr.toml");
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("its mode");
        config::load(&path, &env)
    }
}

fn load(text: impl AsRef<[u8]>) -> Result<Loaded, ConfigError> {
    Place::new().write(text)
}

/// What is said about a file, without the directory that it lies in.
fn said(text: impl AsRef<[u8]>) -> Vec<String> {
    let place = Place::new();
    let prefix = format!("{}/", place.0.path().display());
    place.write(text).expect_err("a mistake").0.iter().map(|sentence| sentence.replace(&prefix, "")).collect()
}

const CAMERA: &str = "[[camera]]\nname = 'a'\nsource = 'rtsp://cam/a'\n";

#[test]
fn the_example_without_its_cameras_equals_the_defaults() {
    let (tables, cameras) = EXAMPLE.split_once("[[camera]]").expect("cameras in the example");
    assert_eq!(load(tables).expect("the example").settings, load("").expect("an empty file").settings);
    assert!(cameras.contains("[[camera]]"), "two cameras");
}

#[test]
fn the_example_is_a_configuration_that_works() {
    let loaded = load(EXAMPLE).expect("the example");
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let [door, garden] = &loaded.settings.cameras[..] else { panic!("two cameras") };
    assert_eq!(door.source.reveal(), "rtsp://user:s3cret%2Fp%40ss@192.168.1.20/Streaming/Channels/101");
    assert_eq!((door.trigger.pre_roll, door.trigger.post_roll), (Duration::from_secs(20), Duration::from_secs(50)));
    assert_eq!(garden.trigger.pre_roll, Duration::from_secs(10));
    assert_eq!((door.audio, door.alias.as_slice()), (Audio::Copy, &["camera1".to_owned()][..]));
    assert_eq!(garden.input_args, ["-f", "flv"]);
}

/// An unknown key is answered with the known ones: each of those must be in the example.
#[test]
fn the_example_names_every_key() {
    for (section, file) in [
        ("ring", "[ring]\nqqqqqq = 1"),
        ("trigger", "[trigger]\nqqqqqq = 1"),
        ("archive", "[archive]\nqqqqqq = 1"),
        ("smtp", "[smtp]\nqqqqqq = 1"),
        ("smtp.limits", "[smtp.limits]\nqqqqqq = 1"),
        ("recorder", "[recorder]\nqqqqqq = 1"),
        ("camera", "[[camera]]\nname = 'a'\nsource = 'x'\nqqqqqq = 1"),
    ] {
        let sentence = said(file).concat();
        let (_, known) = sentence.trim_end_matches(')').split_once("known here: ").expect("a list of keys");
        let block = EXAMPLE.split(&format!("[{section}]")).nth(1).expect("its table");
        let block = block.split("\n[").next().unwrap_or_default();
        let everywhere = if section == "camera" { EXAMPLE } else { block };
        for key in known.split(", ") {
            let table = format!("[{section}.{key}]");
            assert!(everywhere.contains(key) || EXAMPLE.contains(&table), "nvr.toml.example lacks {section}.{key}");
        }
    }
}

#[test]
fn the_login_of_cameras_may_come_from_the_environment_and_is_printed_nowhere() {
    let text =
        "[smtp]\nuser = 'camera'\npassword = 'x${FRONT_DOOR_PASSWORD}'\n[smtp.limits]\nidle = '1m'\nmistakes = 3\n";
    let settings = load(text).expect("a good file").settings;
    let login = settings.smtp.login.as_ref().expect("a login");
    assert_eq!((login.user.as_str(), login.password.as_str()), ("camera", "xs3cret/p@ss"));
    assert!(!format!("{settings:?}").contains("s3cret"));
    assert_eq!((settings.smtp.limits.idle, settings.smtp.limits.mistakes), (Duration::from_secs(60), 3));
    let place = Place::new();
    place.write("[smtp]\nuser = 'a'\npassword = 'b'\n").expect("a good file");
    let path = place.0.path().join("nvr.toml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("its mode");
    let warnings = config::load(&path, &env).expect("a good file").warnings;
    assert!(
        warnings[1].contains("smtp.password: everybody on this machine can read it (run: chmod o= "),
        "{warnings:?}"
    );
}

#[test]
fn defaults_are_those_of_the_contract() {
    let settings = load("").expect("an empty file").settings;
    assert_eq!(settings.ring.dir, Path::new("/dev/shm/nvr"));
    assert_eq!((settings.ring.segment, settings.ring.slots), (Duration::from_secs(10), 10));
    assert_eq!(settings.ring.backlog, Share::Fraction(0.25));
    assert_eq!(settings.archive.keep, Some(Duration::from_secs(30 * 86_400)));
    assert_eq!((settings.archive.max_size, settings.archive.min_free), (None, 5 << 30));
    assert_eq!(settings.smtp.listen.to_string(), "0.0.0.0:6789");
    for (address, may) in [
        ("127.0.0.1", true),
        ("10.255.0.1", true),
        ("172.31.0.1", true),
        ("172.32.0.1", false),
        ("192.168.9.9", true),
        ("169.254.1.1", true),
        ("8.8.8.8", false),
        ("::1", true),
        ("fe80::1", true),
        ("fd00::1", true),
        ("2001:db8::1", false),
    ] {
        let address: std::net::IpAddr = address.parse().expect("an address");
        assert_eq!(settings.smtp.allow.iter().any(|network| network.contains(&address)), may, "{address}");
    }
    assert_eq!(settings.recorder.state_dir, Path::new("/home/ada/.local/state/nvr"));
    assert_eq!((settings.recorder.socket, settings.recorder.ffmpeg.as_path()), (None, Path::new("ffmpeg")));
}

#[test]
fn rules_for_mails_are_read_in_each_way_that_toml_has() {
    let text = "[smtp]\nignore = []\n\
        [[camera]]\nname = 'a'\nsource = 'x'\nmail = [{ from = 'NVR@box', subject = 'Channel 2' }, { peer = '10.0.0.7' }]\n\
        [[camera]]\nname = 'b'\nsource = 'x'\n[[camera.mail]]\nto = 'cam2'\nbody = '/^x$/'\n";
    let settings = load(text).expect("a good file").settings;
    assert_eq!(settings.smtp.ignore, []);
    let rules = settings.cameras.iter().flat_map(|camera| &camera.mail).map(ToString::to_string);
    let written = [
        "{ from = \"NVR@box\", subject = \"Channel 2\" }",
        "{ peer = \"10.0.0.7\" }",
        "{ to = \"cam2\", body = \"/^x$/\" }",
    ];
    assert_eq!(rules.collect::<Vec<_>>(), written);
}

/// The first lines of mails as makers send them. Where makers leave words to the owner, he may write anything.
#[rstest]
#[case::dahua(
    "Alarm",
    "Alarm Event: Motion Detection\r\nAlarm Input Channel: 1\r\nAlarm Start Time(D/M/Y H:M:S): 23/12/2021 10:27:46\r\n",
    false
)]
#[case::dahua_start("IPC Message", "Alarm Event: Motion Detection Start\r\nAlarm Input Channel: 1\r\n", false)]
#[case::dahua_stop("IPC Message", "Alarm Event: Motion Detection Stop\r\nAlarm Input Channel: 1\r\n", true)]
#[case::dahua_end_time(
    "IPC Message",
    "Alarm Event: Motion Detection\r\nAlarm Stop Time(D/M/Y H:M:S): 23/12/2021 10:28:01\r\n",
    true
)]
#[case::stop_in_the_subject("Motion Detection [Stop]", "", true)]
#[case::stop_as_the_last_word("garden: Motion Stop", "", true)]
#[case::stop_of_something_else("Motion Stop Sign", "", false)]
#[case::hikvision(
    "Embedded Net DVR: Motion Detected On Channel D1",
    "This is an automatically generated e-mail from your DVR.\r\n\r\nEVENT TYPE:    Motion Detected\r\n",
    false
)]
#[case::reolink(
    "Motion Detection from Yard at 2026/11/22 14:02:31",
    "Alarm Camera Name: Yard\r\nAlarm Event: Motion Detection\r\n",
    false
)]
#[case::reolink_test(
    "Yard",
    "If you receive this e-mail you have successfully set up and tested the e-mail alert from your IPC",
    true
)]
#[case::a_test("Test", "This is a test e-mail from your camera.", true)]
#[case::swaks("Motion", "This is a test mailing\r\n", false)]
#[case::mail_test("IPC Message", "\r\nMail Test\r\n", true)]
#[case::keep_alive("IPC KeepAlive", "", true)]
#[case::a_bus_stop("Motion at Bus Stop", "Alarm Event: Motion Detection\r\nAlarm Name: Bus Stop\r\n", false)]
#[case::a_test_that_is_none("Test", "Alarm Event: Motion Detection\r\nAlarm Name: this is a test\r\n", false)]
#[case::the_end_of_the_drive("Motion at the end", "Motion has been detected. Stop it!", false)]
#[case::nothing("", "", false)]
fn mails_that_are_no_alarm_are_ignored_and_alarms_are_not(
    #[case] subject: &str,
    #[case] body: &str,
    #[case] ignored: bool,
) {
    let rules = load("").expect("an empty file").settings.smtp.ignore;
    let mail = Mail::bare([10, 0, 0, 7].into(), String::new(), vec!["garden@nvr".into()]);
    let mail = Mail { subject: subject.into(), body: body.into(), ..mail };
    assert_eq!(rules.iter().any(|rule| rule.fits(&mail)), ignored);
}

#[test]
fn values_are_read_as_people_write_them() {
    let text = "ring = { segment = '1.5s', slots = 1_00, backlog = '500 MiB' }\n\
        [trigger]\npre_roll = '1m 20s'\ncooldown = '2 minutes'\narmed = false\n\
        [archive]\ndir = 'clips'\nkeep = '0d'\nmax_size = '1.5 TB'\nmin_free = '0 B'\n\
        [smtp]\nlisten = '[::]:25'\nallow = ['10.1.0.0/16', '192.168.1.7', 'private']\n\
        [recorder]\nsocket = 'run/nvr.sock'\nffmpeg = './ffmpeg'\nsilence = '0 s'\n";
    let place = Place::new();
    let settings = place.write(text).expect("a good file").settings;
    assert_eq!((settings.ring.segment, settings.ring.slots), (Duration::from_millis(1500), 100));
    assert_eq!(settings.ring.backlog, Share::Bytes(500 << 20));
    assert_eq!(settings.archive.dir, place.0.path().join("clips"));
    assert_eq!((settings.archive.keep, settings.archive.max_size), (None, Some(1_500_000_000_000)));
    assert_eq!(settings.smtp.allow.len(), 10);
    assert_eq!(settings.recorder.socket, Some(place.0.path().join("run/nvr.sock")));
    assert_eq!(settings.recorder.ffmpeg, place.0.path().join("ffmpeg"));
}

/// How long something may be silent, and that no time at all stands for all time.
#[rstest::rstest]
#[case::never_said("", "", None, None)]
#[case::for_all("[archive]\nsilence = '1d'\n[recorder]\nsilence = '2d'\n", "", Some(86_400), Some(172_800))]
#[case::for_one("", "silence = '1h'", None, Some(3600))]
#[case::for_one_instead("[recorder]\nsilence = '2d'\n", "silence = '7d'", None, Some(604_800))]
#[case::for_all_but_one("[recorder]\nsilence = '2d'\n", "silence = '0s'", None, None)]
fn silence_is_for_all_cameras_unless_one_says_its_own(
    #[case] tables: &str,
    #[case] own: &str,
    #[case] archive: Option<u64>,
    #[case] camera: Option<u64>,
) {
    let settings = load(format!("{tables}{CAMERA}{own}\n")).expect("a good file").settings;
    assert_eq!(settings.archive.silence, archive.map(Duration::from_secs));
    assert_eq!(settings.cameras[0].silence, camera.map(Duration::from_secs));
}

/// One mistake each: the whole sentence, because the sentence is what the owner has.
#[rstest::rstest]
#[case("[ring]\nslot = 4", "nvr.toml:2: ring.slot is not a key (did you mean ring.slots?)")]
#[case("\n\n[rings]\nslots = 4", "nvr.toml:3: rings is not a key (did you mean ring?)")]
#[case("[ring]\nzebra = 4", "nvr.toml:2: ring.zebra is not a key (known here: dir, segment, slots, backlog)")]
#[case("'a b' = 4", "nvr.toml:1: … is not a key (known here: ring, trigger, archive, smtp, recorder, camera)")]
#[case("[ring]\nslots = 1", "nvr.toml:2: ring.slots: is not a whole number from 2 to 1000 (write for example 2)")]
#[case("[ring]\nslots = '9'", "nvr.toml:2: ring.slots: is not a whole number from 2 to 1000 (write for example 2)")]
#[case(
    "[ring]\nsegment = 10",
    "nvr.toml:2: ring.segment: is not a duration (write for example \"10s\", \"1m 20s\" or \"30d\")"
)]
#[case(
    "[ring]\nsegment = '10'",
    "nvr.toml:2: ring.segment: \"10\" is not a duration (write for example \"10s\", \"1m 20s\" or \"30d\")"
)]
#[case("[ring]\nsegment = '-10s'", "nvr.toml:2: ring.segment: \"-10s\" is out of range (write \"1s\" to \"5m\")")]
#[case("[ring]\nsegment = '500ms'", "nvr.toml:2: ring.segment: \"500ms\" is out of range (write \"1s\" to \"5m\")")]
#[case(
    "[ring]\nsegment = '9999999h'",
    "nvr.toml:2: ring.segment: \"9999999h\" is out of range (write \"1s\" to \"5m\")"
)]
#[case(
    "[archive]\nkeep = '1 month'",
    "nvr.toml:2: archive.keep: \"1 month\" has no fixed length (write it in days: \"30d\")"
)]
#[case(
    "[ring]\nbacklog = '95%'",
    "nvr.toml:2: ring.backlog: is not between 1% and 90% (write \"25%\", or a size such as \"500 MiB\")"
)]
#[case(
    "[ring]\nbacklog = '0 B'",
    "nvr.toml:2: ring.backlog: is less than 1 MiB, and not one segment could wait (write \"25%\", or a size such as \"500 MiB\")"
)]
#[case(
    "[archive]\nmin_free = '5'",
    "nvr.toml:2: archive.min_free: \"5\" is not a size (write for example \"5 GiB\", or \"0 B\")"
)]
#[case(
    "[archive]\nmin_free = '-5 GiB'",
    "nvr.toml:2: archive.min_free: \"-5 GiB\" is not a size (write for example \"5 GiB\", or \"0 B\")"
)]
#[case(
    "[archive]\ndir = '~/clips'",
    "nvr.toml:2: archive.dir: \"~/clips\": nothing stands for ~ here (write the whole path)"
)]
#[case("[archive]\ndir = ''", "nvr.toml:2: archive.dir: is empty (write the path of a directory)")]
#[case(
    "[archive]\ndir = '/dev/shm/nvr/clips'",
    "nvr.toml:2: archive.dir /dev/shm/nvr/clips and ring.dir /dev/shm/nvr overlap (write two directories of which neither holds the other: the ring in RAM, the archive on a disk)"
)]
#[case(
    "[archive]\nfinish = 'faststart'",
    "nvr.toml:2: archive.finish: \"faststart\" comes with a later version (write \"none\")"
)]
#[case(
    "[recorder]\nsilence = 'never'",
    "nvr.toml:2: recorder.silence: \"never\" is not a duration (write for example \"10s\", \"1m 20s\" or \"30d\")"
)]
#[case(
    "[smtp]\npassword = 's3cret'",
    "nvr.toml:2: smtp.password: there is no smtp.user with it (write both, or neither)"
)]
#[case(
    "[smtp]\nuser = 'camera'\npassword = ''",
    "nvr.toml:2: smtp.user: there is no smtp.password with it (write both, or neither)"
)]
#[case(
    "[smtp]\nuser = 'camera'\npassword = '${GONE}'",
    "nvr.toml:3: smtp.password: GONE is not set (run: export GONE=…, or write ${file:/path/to/secret} in its place)"
)]
#[case(
    "[smtp]\nuser = 'camera'\npassword = \"s3\\ncret\"",
    "nvr.toml:3: smtp.password: holds a control character or is too long (write at most 150 bytes)"
)]
#[case(
    "[smtp]\ntls_key = 'a.pem'",
    "nvr.toml:2: smtp.tls_cert and smtp.tls_key belong together (write both, or neither)"
)]
#[case(
    "[smtp]\nlisten = '0.0.0.0:25'\ntls_listen = '0.0.0.0:25'",
    "nvr.toml:3: smtp.tls_listen is the same as smtp.listen (write another port, for example 6790; STARTTLS needs none of its own)"
)]
#[case(
    "[smtp.limits]\nmessage = '1 KiB'",
    "nvr.toml:2: smtp.limits.message: is out of range (write \"64.0 KiB\" to \"1.0 GiB\")"
)]
#[case(
    "[smtp.limits]\nmessage = '100 MiB'",
    "nvr.toml:1: smtp.limits: a message may be bigger than all_messages (write an all_messages of several times message)"
)]
#[case(
    "[smtp]\nlimits = { idle = '5h' }",
    "nvr.toml:2: smtp.limits.idle: \"5h\" is out of range (write \"1s\" to \"1h\")"
)]
#[case(
    "[smtp]\nlisten = '6789'",
    "nvr.toml:2: smtp.listen: \"6789\" is not an address with a port (write for example \"0.0.0.0:6789\", or \"[::]:6789\")"
)]
#[case(
    "[smtp]\nallow = ['lan']",
    "nvr.toml:2: smtp.allow: \"lan\" is not a network (write \"private\", or for example \"192.168.1.0/24\")"
)]
#[case(
    "[smtp]\nallow = []",
    "nvr.toml:2: smtp.allow: lets nobody in, so that no mail would ever come (write [\"private\"])"
)]
#[case("[smtp]\nignore = 'test'", "nvr.toml:2: smtp.ignore is a list (write ignore = [{ subject = \"Channel 2\" }])")]
#[case(
    "[smtp]\nignore = [\n'test']",
    "nvr.toml:3: smtp.ignore holds something else than tables (write ignore = [{ subject = \"Channel 2\" }])"
)]
#[case(
    "[smtp]\nignore = [{}]",
    "nvr.toml:2: smtp.ignore: a rule without keys holds for every mail (write at least one of to, from, subject, body and \
     peer)"
)]
#[case(
    "[[camera]]\nname = 'a'\nsource = 'x'\nmail = [{ subject = '/(/' }]",
    "nvr.toml:4: camera.mail.subject: is no regular expression: unclosed group (see docs.rs/regex for its syntax)"
)]
#[case(
    "[[camera]]\nname = 'a'\nsource = 'x'\nmail = [{ peer = 'box' }]",
    "nvr.toml:4: camera.mail.peer: \"box\" is no address and no network (write for example \"192.168.1.20\", or \
     \"192.168.1.0/24\")"
)]
#[case(
    "[[camera]]\nname = 'a'\nsource = 'x'\nmail = [{ subjekt = 'x' }]",
    "nvr.toml:4: camera.mail.subjekt is not a key (did you mean camera.mail.subject?)"
)]
#[case(
    "[trigger]\narmed = 'yes'",
    "nvr.toml:2: trigger.armed: is not a yes or no (write true or false, without quotes)"
)]
#[case(
    "[trigger]\npre_roll = '85s'",
    "nvr.toml:1: ring.slots: 10 slots of 10s do not hold the pre_roll of 1m 25s of [trigger] and two segments (write slots = 11)"
)]
#[case("[camera]\nname = 'a'", "nvr.toml:1: camera is a list (write [[camera]] with two brackets on each side)")]
#[case("camera = [1]", "nvr.toml:1: camera holds something else than tables (write [[camera]])")]
#[case("ring = 1", "nvr.toml:1: ring is not a table (write [ring] and its keys below)")]
#[case("\n[[camera]]\nsource = 'x'", "nvr.toml:2: camera.name is missing (write name = \"front-door\")")]
#[case("\n[[camera]]\nname = 'a'", "nvr.toml:2: camera.source is missing (write source = \"rtsp://…\")")]
#[case(
    "[[camera]]\nsource = 'x'\nname = 'Front Door'",
    "nvr.toml:3: camera.name: \"Front Door\" cannot name a camera (write 1 to 32 of a-z, 0-9 and -, beginning with a letter or digit)"
)]
#[case(
    "[[camera]]\nname = 'a'\nsource = 'x'\ntrigger = { preroll = '1s' }",
    "nvr.toml:4: camera.trigger.preroll is not a key (did you mean camera.trigger.pre_roll?)"
)]
#[case(
    "[[camera]]\nname = 'a'\nsource = 'x'\nalias = ['a@b']",
    "nvr.toml:4: camera.alias: holds what cannot stand before the @ of an address (write for example [\"camera1\"])"
)]
#[case(
    "[[camera]]\nname = 'a'\nsource = 'x'\naudio = 'mp3'",
    "nvr.toml:4: camera.audio: is not a way to treat sound (write \"copy\", \"aac\" or \"none\")"
)]
#[case(
    "[[camera]]\nname = 'a'\nsource = 'rtsp://cam/a'\ninput_args = ['-f', 'flv']",
    "nvr.toml:4: camera.input_args: is not for rtsp, where the password's hiding place leaves no room for it (leave it out)"
)]
#[case(
    "[[camera]]\nname = 'a'\nsource = 'rtsp://u:${GONE}@cam/a'",
    "nvr.toml:3: camera.source: GONE is not set (run: export GONE=…, or write ${file:/path/to/secret} in its place)"
)]
#[case(
    "[[camera]]\nname = 'a'\nsource = 'rtsp://u:${EMPTY}@cam/a'",
    "nvr.toml:3: camera.source: EMPTY is empty (run: export EMPTY=…, or write ${file:/path/to/secret} in its place)"
)]
#[case(
    "[[camera]]\nname = 'a'\nsource = 'rtsp://u:${BROKEN}@cam/a'",
    "nvr.toml:3: camera.source: BROKEN holds a line break or is too long (make it one line of at most 4096 bytes)"
)]
#[case(
    "[[camera]]\nname = 'a'\nsource = 'rtsp://u:${file:/nonexistent}@cam/a'",
    "nvr.toml:3: camera.source: /nonexistent cannot be read: no such file or directory (make it a file that the recorder's user can read)"
)]
#[case(
    "[[camera]]\nname = 'a'\nsource = 'rtsp://u:${file:/proc}@cam/a'",
    "nvr.toml:3: camera.source: /proc is not a file (name a file that holds the password and nothing else)"
)]
#[case(
    "[[camera]]\nname = 'a'\nsource = 'rtsp:///a'",
    "nvr.toml:3: camera.source: names no host (write for example rtsp://192.168.1.20/stream)"
)]
#[case(
    "[[camera]]\nname = 'a'\nsource = ''",
    "nvr.toml:3: camera.source: is empty (write what FFmpeg is to open: rtsp://…)"
)]
#[case(
    "[[camera]]\nname = 'a'\nsource = 'rtsp://u:s3#cret@cam/a'",
    "nvr.toml:3: camera.source: has a password with a sign that ends it too early, or a port that is no number (write / ? # @ in a password as %2F %3F %23 %40, or put the password into a variable: ${NAME})"
)]
#[case(
    "[[camera]]\nname = 'a'\nsource = 'x'\n[[camera]]\nname = 'b'\nsource = 'y'\nalias = ['A']",
    "nvr.toml:4: camera.alias: \"a\" already means camera a (write another one)"
)]
#[case(
    "[[camera]]\nname = 'a'\nsource = 'x'\n[[camera]]\nname = 'a'\nsource = 'y'",
    "nvr.toml:4: camera.name: \"a\" already means camera a (write another one)"
)]
#[case(
    "[[camera]]\nname = 'a'\nalias = ['a']\nsource = 'x'",
    "nvr.toml:1: camera.alias: a has the name \"a\" twice (leave one out)"
)]
fn each_mistake_is_named_with_its_place_and_its_remedy(#[case] text: &str, #[case] sentence: &str) {
    assert_eq!(said(text), [sentence]);
}

#[test]
fn all_mistakes_are_named_at_once_in_the_order_of_the_file() {
    let text = "[ring]\nslots = 0\nsegmen = '1s'\n[[camera]]\nname = 'A'\nsource = 'x'\n[smtp]\nlisten = 1\n";
    let lines: Vec<String> = said(text).iter().map(|sentence| sentence.chars().take(11).collect()).collect();
    assert_eq!(lines, ["nvr.toml:2:", "nvr.toml:3:", "nvr.toml:5:", "nvr.toml:8:"]);
    assert_eq!(load(text).expect_err("mistakes").to_string().lines().count(), 4);
}

#[test]
fn what_is_not_toml_is_said_with_its_line_and_without_its_text() {
    for (text, place) in [
        ("[ring]\nslots = \n", "nvr.toml:2: this is not TOML: string values must be quoted (nvr.toml.example"),
        ("[ring\n", "nvr.toml:1: this is not TOML: unclosed table (nvr.toml.example"),
        ("a\n", "nvr.toml:1: this is not TOML: key with no value (nvr.toml.example"),
        ("a = [1 = 2]\n", "nvr.toml:1: this is not TOML: unexpected `=` in array (nvr.toml.example"),
        ("a = 1_\n", "nvr.toml:1: this is not TOML: `_` may only go between digits (nvr.toml.example"),
        ("[ring]\nslots = 1\nslots = 2\n", "nvr.toml:3: this is not TOML: duplicate key"),
        ("[[camera]]\nsource = \"rtsp://u:s3cret@cam\n", "nvr.toml:2: this is not TOML"),
        ("[[camera]]\nsource = rtsp://u:s3cret@cam\n", "nvr.toml:2: this is not TOML"),
        ("[[camera]]\n'rtsp://u:s3cret@cam' = 1\n'rtsp://u:s3cret@cam' = 1\n", "nvr.toml:3: this is not TOML"),
        ("[[camera]]\n'rtsp://u:s3cret@cam'.a = 1\n'rtsp://u:s3cret@cam'.a.b = 1\n", "nvr.toml:3: this is not TOML"),
    ] {
        let sentence = said(text).concat();
        assert!(sentence.starts_with(place), "{sentence}");
        assert!(!sentence.contains("s3cret"), "{sentence}");
    }
    assert_eq!(
        said(b"a = 1\nb = '\xff'\n"),
        ["nvr.toml:2: there is something that is not UTF-8 (save the file as UTF-8)"]
    );
    assert_eq!(
        said(vec![b'#'; (1 << 20) + 1]),
        ["nvr.toml is longer than 1 MiB, so it is not a configuration (name another)"]
    );
    let nested = format!("a = {}", "[".repeat(100_000));
    assert!(said(nested).concat().contains("this is not TOML"));
}

#[test]
fn the_ring_must_hold_every_pre_roll_and_should_hold_it_for_a_late_mail() {
    let with = |slots: u32, pre_roll: &str| {
        let own = format!("{CAMERA}trigger = {{ pre_roll = '{pre_roll}' }}\n[[camera]]\nname = 'b'\nsource = 'y'\n");
        load(format!("[ring]\nslots = {slots}\nsegment = '1s'\n[trigger]\npre_roll = '3s'\n{own}"))
    };
    let refused = with(31, "30s").expect_err("too few").to_string();
    assert!(refused.ends_with("nvr.toml:2: ring.slots: 31 slots of 1s do not hold the pre_roll of 30s of camera a and two segments (write slots = 32)"), "{refused}");
    let warned = with(41, "30s").expect("enough").warnings.concat();
    assert!(warned.ends_with("less pre_roll when a mail is 10s late (write slots = 42)"), "{warned}");
    assert_eq!(with(42, "30s").expect("wise").warnings, Vec::<String>::new());
    let never = with(1000, "1h").expect_err("never").to_string();
    assert!(never.contains("(write a longer ring.segment)"), "{never}");
}

#[test]
fn a_password_in_a_file_that_everybody_can_read_is_a_warning() {
    let place = Place::new();
    let path = place.0.path().join("nvr.toml");
    let with = |source: &str, mode: u32| {
        std::fs::write(&path, format!("[[camera]]\nname = 'a'\nsource = '{source}'\n")).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("its mode");
        config::load(&path, &env).expect("a good file").warnings
    };
    let warned = with("rtsp://u:s3cret@cam/a", 0o644).concat();
    assert!(
        warned.contains(":3: camera.source: everybody on this machine can read this password (run: chmod o= "),
        "{warned}"
    );
    assert!(!warned.contains("s3cret"), "{warned}");
    assert_eq!(with("rtsp://u:s3cret@cam/a", 0o640), Vec::<String>::new());
    assert_eq!(with("rtsp://u:${FRONT_DOOR_PASSWORD}@cam/a", 0o644), Vec::<String>::new());
}

#[test]
fn a_secret_may_lie_in_a_file_beside_the_configuration() {
    let place = Place::new();
    std::fs::write(place.0.path().join("secret"), "p@ss word\r\n").expect("a file");
    let text = "[[camera]]\nname = 'a'\nsource = 'rtsp://u:${file:secret}@cam/a'\n";
    let loaded = place.write(text).expect("a good file");
    assert_eq!(loaded.settings.cameras[0].source.reveal(), "rtsp://u:p%40ss%20word@cam/a");
    assert!(!format!("{loaded:?}").contains("p%40ss"), "a password in the debug output");
    std::fs::write(place.0.path().join("secret"), "s3cret\nfile '/etc/shadow'\n").expect("a file");
    let refused = place.write(text).expect_err("two lines").to_string();
    assert!(refused.contains("secret holds a line break") && !refused.contains("s3cret"), "{refused}");
}

#[test]
fn without_a_camera_there_is_a_block_to_paste() {
    let loaded = load("").expect("an empty file");
    assert_eq!(loaded.warnings.len(), 1);
    let refused = loaded.needs_camera(Path::new("nvr.toml")).expect_err("no camera").to_string();
    let block = &refused[refused.find("[[camera]]").expect("a block")..].trim_end_matches(')');
    let pasted = load(block).expect("the block");
    assert_eq!(pasted.needs_camera(Path::new("nvr.toml")), Ok(()));
}

#[test]
fn state_lies_where_the_system_says() {
    let place = Place::new();
    let path = place.0.path().join("nvr.toml");
    std::fs::write(&path, "").expect("a file");
    let with = |pairs: &'static [(&str, &str)]| {
        let env = |name: &str| pairs.iter().find(|pair| pair.0 == name).map(|pair| pair.1.to_owned());
        config::load(&path, &env).map(|loaded| loaded.settings.recorder.state_dir.display().to_string())
    };
    assert_eq!(with(&[("STATE_DIRECTORY", "/var/lib/nvr:/x"), ("HOME", "/h")]).as_deref(), Ok("/var/lib/nvr"));
    assert_eq!(with(&[("XDG_STATE_HOME", "/s"), ("HOME", "/h")]).as_deref(), Ok("/s/nvr"));
    assert_eq!(with(&[("XDG_STATE_HOME", "relative"), ("HOME", "/h")]).as_deref(), Ok("/h/.local/state/nvr"));
    let refused = with(&[]).expect_err("no home").to_string();
    assert!(
        refused.ends_with(
            "recorder.state_dir: there is no home to keep it in (write the path of a directory, or set HOME)"
        )
    );
}

#[test]
fn the_first_configuration_that_exists_is_used() {
    let place = Place::new();
    let home = place.0.path().display().to_string();
    let env = |name: &str| (name == "XDG_CONFIG_HOME").then(|| home.clone());
    let given = Path::new("/nonexistent/nvr.toml");
    assert_eq!(config::find(Some(given), &env).as_deref(), Ok(given));
    let refused = config::load(given, &env).expect_err("no file").to_string();
    assert!(refused.starts_with("/nonexistent/nvr.toml cannot be read: no such file or directory"), "{refused}");

    let mine = place.0.path().join("nvr/nvr.toml");
    let system = Path::new("/etc/nvr/nvr.toml");
    match config::find(None, &env) {
        Ok(found) => assert!(found == system && system.exists(), "{}", found.display()),
        Err(nothing) => {
            let looked = format!("looked for nvr.toml, {}, /etc/nvr/nvr.toml (copy", mine.display());
            assert!(nothing.to_string().contains(&looked), "{nothing}");
        }
    }
    std::fs::create_dir(place.0.path().join("nvr")).expect("a directory");
    std::fs::write(&mine, "").expect("a file");
    assert_eq!(config::find(None, &env), Ok(mine));
    let refused = config::load(place.0.path(), &env).expect_err("a directory").to_string();
    assert!(refused.contains("cannot be read: is a directory"), "{refused}");
}

proptest! {
    /// A file of any text is refused or taken, and never more than that.
    #[test]
    fn any_text_gets_an_answer(text in "(\\[|\\]|=|\\.|'|\"|\n| |\\{|\\}|ring|camera|source|name|slots|trigger|\\PC){0,60}") {
        let _ = load(text);
    }
}
