//! The link on real sockets: one recorder a place, and only those let in who may.

use crate::recorder::{Recorder, number};
use nvr::link::dial::{Client, LinkError, Reach, reach};
use nvr::link::frame;
use nvr::link::protocol::ToRecorder;
use nvr::link::serve::{self, SESSIONS};
use nvr::link::socket::{self, Bound, Env, LONGEST, Place};
use nvr::model::command::{Command, Who};
use rustix::process::geteuid;
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout};

fn dir() -> TempDir {
    tempfile::Builder::new().prefix("nvr").tempdir_in("/tmp").expect("a directory with a short name")
}

fn place(path: impl Into<PathBuf>) -> Place {
    Place { path: path.into(), mode: 0o600, private: false }
}

fn mode(path: &Path) -> u32 {
    fs_err::symlink_metadata(path).expect("is there").permissions().mode() & 0o7777
}

fn env(xdg: Option<&Path>, service: Option<&Path>) -> Env {
    let own = |dir: &Path| dir.to_path_buf();
    Env { xdg_runtime_dir: xdg.map(own), runtime_directory: service.map(own), uid: geteuid().as_raw() }
}

async fn refused(place: &Place) -> String {
    socket::bind(place).await.map(|bound| bound.guard).expect_err("does not serve")
}

#[test]
fn the_recorders_place_is_the_named_one_then_the_services_then_the_users() {
    let (xdg, service) = (dir(), dir());
    let both = env(Some(xdg.path()), Some(service.path()));
    let of_service = service.path().join("nvr.sock");
    assert_eq!(socket::for_recorder(Some("/a/b".into()), &both), place("/a/b"));
    assert_eq!(socket::for_recorder(None, &both), Place { mode: 0o660, ..place(&of_service) });
    assert_eq!(socket::for_recorder(Some("".into()), &both), Place { mode: 0o660, ..place(&of_service) });
    assert_eq!(socket::for_recorder(Some(of_service.clone()), &both), Place { mode: 0o660, ..place(&of_service) });
    let of_user = xdg.path().join("nvr.sock");
    assert_eq!(socket::for_recorder(None, &env(Some(xdg.path()), None)), place(of_user));
    let fallback = format!("/tmp/nvr-{}/nvr.sock", geteuid().as_raw());
    assert_eq!(socket::for_recorder(None, &env(None, None)), Place { private: true, ..place(&fallback) });
    // A directory that is not this user's (after `su`), or is not there, is not used.
    let of_other = Env { uid: geteuid().as_raw() + 1, ..env(Some(xdg.path()), None) };
    assert!(socket::for_recorder(None, &of_other).private);
    assert!(socket::for_recorder(None, &env(Some(Path::new("/not/there")), None)).private);
}

#[test]
fn clients_look_where_they_are_told_or_at_the_service_first() {
    let xdg = dir();
    let env = env(Some(xdg.path()), None);
    assert_eq!(socket::candidates(Some("/a/b".into()), &env), [PathBuf::from("/a/b")]);
    let places = socket::candidates(None, &env);
    assert_eq!(places[..2], [PathBuf::from("/run/nvr/nvr.sock"), xdg.path().join("nvr.sock")]);
}

#[rstest::rstest]
#[case(0o600)]
#[case(0o660)]
#[tokio::test]
async fn only_those_whom_the_mode_lets_in(#[case] wanted: u32) {
    let dir = dir();
    let path = dir.path().join("nvr.sock");
    let bound = socket::bind(&Place { mode: wanted, ..place(&path) }).await.expect("listens");
    assert_eq!(mode(&path), wanted);
    assert_eq!(mode(&dir.path().join("nvr.sock.lock")), 0o600);
    UnixStream::connect(&path).await.expect("listens already");
    drop(bound);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_second_recorder_is_refused_and_the_first_goes_on() {
    let dir = dir();
    let place = place(dir.path().join("nvr.sock"));
    let first = socket::bind(&place).await.expect("listens");
    let shown = place.path.display();
    let pid = std::process::id();
    assert_eq!(
        refused(&place).await,
        format!("a recorder is already running (pid {pid}; attach with: nvr --socket {shown})")
    );
    UnixStream::connect(&place.path).await.expect("the first still listens");
    drop(first.listener);
    assert_eq!(refused(&place).await, format!("another recorder is just starting or stopping at {shown} (try again)"));
    drop(first.guard);
    socket::bind(&place).await.expect("the place is free again");
}

#[tokio::test]
async fn what_a_dead_recorder_left_is_removed() {
    let dir = dir();
    let place = place(dir.path().join("nvr.sock"));
    drop(std::os::unix::net::UnixListener::bind(&place.path).expect("listens"));
    fs_err::write(dir.path().join("nvr.sock.lock"), "").expect("written");
    assert!(place.path.exists(), "a socket stays when its process ends");
    assert!(matches!(reach(std::slice::from_ref(&place.path)).await, Ok(Reach::NotRunning)));
    let Bound { listener, guard } = socket::bind(&place).await.expect("listens");
    UnixStream::connect(&place.path).await.expect("listens");
    drop((listener, guard));
}

#[tokio::test]
async fn what_is_not_a_dead_recorders_is_left_alone() {
    let dir = dir();
    let file = place(dir.path().join("a-file"));
    fs_err::write(&file.path, "mine").expect("written");
    assert!(refused(&file).await.contains("is there and is not a socket (name another place: --socket PATH)"));
    assert_eq!(fs_err::read_to_string(&file.path).expect("is there"), "mine");

    let other = place(dir.path().join("other.sock"));
    let _listener = std::os::unix::net::UnixListener::bind(&other.path).expect("listens");
    let taken = refused(&other).await;
    assert!(taken.contains(&format!("is taken by another program (pid {}; end it", std::process::id())), "{taken}");
    UnixStream::connect(&other.path).await.expect("still listens");
}

#[tokio::test]
async fn a_guard_removes_only_its_own_socket() {
    let dir = dir();
    let place = place(dir.path().join("nvr.sock"));
    let bound = socket::bind(&place).await.expect("listens");
    fs_err::remove_file(&place.path).expect("someone tidies up");
    fs_err::write(&place.path, "someone else's").expect("written");
    drop(bound);
    assert!(place.path.exists());
}

#[test]
fn of_many_that_start_at_once_one_gets_the_place() {
    let dir = dir();
    let place = place(dir.path().join("nvr.sock"));
    let start = std::sync::Barrier::new(8);
    for _ in 0..20 {
        let bound: Vec<_> = std::thread::scope(|scope| {
            let one = || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                start.wait();
                let bound = runtime.block_on(socket::bind(&place));
                start.wait(); // nobody lets go before everyone has tried
                bound.map(|bound| drop(bound.guard))
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        let winners = bound.iter().filter(|bound| bound.is_ok()).count();
        assert_eq!(winners, 1, "{bound:?}");
        assert!(!place.path.exists());
    }
}

#[test]
fn while_recorders_come_and_go_there_are_never_two() {
    let dir = dir();
    let place = place(dir.path().join("nvr.sock"));
    let alive = AtomicUsize::new(0);
    // Each goes on until it has lived so often, however many tries that takes: who gets the place is the kernel's choice.
    let come_and_go = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let since = std::time::Instant::now();
        let mut lives = 0;
        while lives < 100 {
            assert!(since.elapsed() < Duration::from_secs(60), "only {lives} lives");
            let Ok(bound) = runtime.block_on(socket::bind(&place)) else {
                std::thread::yield_now();
                continue;
            };
            assert_eq!(alive.fetch_add(1, Ordering::SeqCst), 0, "two at a time");
            lives += 1;
            std::thread::yield_now();
            alive.fetch_sub(1, Ordering::SeqCst);
            drop(bound);
        }
    };
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(come_and_go))));
}

#[tokio::test]
async fn a_directory_that_others_could_use_is_not_used() {
    let dir = dir();
    let own = dir.path().join("own");
    let private = |at: &Path| Place { private: true, ..place(at.join("nvr.sock")) };
    let bound = socket::bind(&private(&own)).await.expect("makes it");
    assert_eq!(mode(&own), 0o700);
    drop(bound);
    socket::bind(&private(&own)).await.expect("takes it again");

    fs_err::set_permissions(&own, PermissionsExt::from_mode(0o711)).expect("is ours");
    assert!(refused(&private(&own)).await.contains("is open to other users (run: rm -r "));
    fs_err::set_permissions(&own, PermissionsExt::from_mode(0o700)).expect("is ours");
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&own, &link).expect("made");
    assert!(refused(&private(&link)).await.contains("is there and is not a directory"));
    if geteuid().is_root() {
        std::os::unix::fs::chown(&own, Some(1), None).expect("root may");
        assert!(refused(&private(&own)).await.contains("/own belongs to "));
    }
}

#[tokio::test]
async fn a_place_that_does_not_serve_is_named_with_the_remedy() {
    let dir = dir();
    let missing = dir.path().join("not/there");
    let shown = missing.display();
    let said = refused(&place(missing.join("nvr.sock"))).await;
    assert_eq!(said, format!("cannot make {shown}/nvr.sock.lock: no such file or directory (run: mkdir -p {shown})"));
    let long = place(dir.path().join("x".repeat(LONGEST)));
    let said = refused(&long).await;
    assert!(said.contains("a socket's path may have 107 (name a shorter one: --socket PATH)"), "{said}");
    assert_eq!(reach(&[long.path]).await.expect_err("cannot be"), said);
    let longest = dir.path().join("x".repeat(LONGEST - 1 - dir.path().as_os_str().len()));
    assert_eq!(longest.as_os_str().len(), LONGEST);
    socket::bind(&place(&longest)).await.expect("just fits");
}

#[tokio::test]
async fn the_first_recorder_that_answers_is_reached() {
    let dir = dir();
    let (nobody, somebody) = (dir.path().join("none"), dir.path().join("nvr.sock"));
    assert!(matches!(reach(std::slice::from_ref(&nobody)).await, Ok(Reach::NotRunning)));
    let _bound = socket::bind(&place(&somebody)).await.expect("listens");
    let below = somebody.join("not-a-directory");
    let Ok(Reach::Connected(_, at)) = reach(&[nobody, below, somebody.clone()]).await else { panic!("not reached") };
    assert_eq!(at, somebody);
}

#[tokio::test]
async fn who_may_not_is_told_which_group_to_join() {
    let dir = dir();
    let path = dir.path().join("nvr.sock");
    let _bound = socket::bind(&place(&path)).await.expect("listens");
    let shown = path.display();
    obey_permissions();

    fs_err::set_permissions(&path, PermissionsExt::from_mode(0o000)).expect("is ours");
    let said = denied(&path).await;
    assert!(said.starts_with(&format!("{shown}: permission denied, it is ")), "{said}");
    assert!(said.ends_with(&format!(" nvr --socket {shown})")), "{said}");

    if geteuid().is_root() {
        std::os::unix::fs::chown(&path, None, Some(1)).expect("root may"); // `daemon` on every Linux
        fs_err::set_permissions(&path, PermissionsExt::from_mode(0o060)).expect("is ours");
        let said = denied(&path).await;
        assert_eq!(said, format!("{shown}: permission denied (run: sudo usermod -aG daemon $USER, then log in again)"));
    }

    // In a directory that cannot be entered, the directory's permissions are what counts.
    let closed = dir.path().join("closed");
    std::fs::DirBuilder::new().mode(0o000).create(&closed).expect("made");
    let said = denied(&closed.join("nvr.sock")).await;
    assert!(said.contains("permission denied, it is "), "{said}");
}

async fn denied(path: &Path) -> String {
    match reach(&[PathBuf::from("/not/there"), path.to_path_buf()]).await {
        Ok(Reach::Denied(said)) => said,
        other => panic!("{other:?}"),
    }
}

/// Root passes every door. This thread, which is this test's alone, stops doing so.
fn obey_permissions() {
    let mut sets = capabilities(None).expect("Linux tells");
    sets.effective.remove(CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH);
    set_capabilities(None, sets).expect("less is always allowed");
}

#[tokio::test]
async fn the_house_is_full_at_some_point_and_says_so_and_empties_when_it_stops() {
    let dir = dir();
    let path = dir.path().join("nvr.sock");
    let Bound { listener, guard } = socket::bind(&place(&path)).await.expect("listens");
    let recorder = Recorder::new();
    let house = tokio::spawn(serve::listen(listener, recorder.desk.clone(), recorder.stop.clone()));

    let mut clients = Vec::new();
    for _ in 0..SESSIONS {
        clients.push(attach(&path).await.expect("there is room"));
    }
    let LinkError::Gone(full) = attach(&path).await.expect_err("is one too many") else { panic!("not told") };
    assert!(full.bye && full.reason.starts_with("64 monitors and scripts are attached already ("), "{full:?}");

    recorder.publish(1);
    for client in &mut clients {
        let seen = client.snapshots().wait_for(|picture| picture.as_deref().is_some_and(|p| number(p) == 1)).await;
        seen.expect("the connection is there");
        client.ask(Command::Arm(Who::All)).await.expect("is answered");
    }
    clients.pop();
    let again = timeout(Duration::from_secs(10), async {
        loop {
            if let Ok(client) = attach(&path).await {
                return client;
            }
        }
    });
    clients.push(again.await.expect("the place of who left is free"));

    let goodbyes: Vec<_> = clients.iter().map(Client::gone).collect();
    recorder.stop.cancel();
    for goodbye in goodbyes {
        assert!(goodbye.await.bye);
    }
    house.await.expect("no panic");
    assert!(matches!(reach(std::slice::from_ref(&path)).await, Ok(Reach::NotRunning)));
    drop(guard);
}

async fn attach(path: &Path) -> Result<Client, LinkError> {
    Client::attach(UnixStream::connect(path).await.expect("listens"), true).await
}

#[tokio::test]
async fn who_does_not_read_does_not_keep_the_recorder_from_ending() {
    let dir = dir();
    let path = dir.path().join("nvr.sock");
    let Bound { listener, guard: _guard } = socket::bind(&place(&path)).await.expect("listens");
    let recorder = Recorder::new();
    let house = tokio::spawn(serve::listen(listener, recorder.desk.clone(), recorder.stop.clone()));
    let mut deaf = UnixStream::connect(&path).await.expect("listens");
    let hello = frame::encode(&ToRecorder::hello(true)).expect("a word") + "\n";
    tokio::io::AsyncWriteExt::write_all(&mut deaf, hello.as_bytes()).await.expect("fits");
    let mut good = attach(&path).await.expect("there is room");
    // Enough pictures to fill every buffer between the two, with a client that shows that they went out.
    for wanted in 1..=500 {
        recorder.publish(wanted);
        let seen = good.snapshots().wait_for(|picture| picture.as_deref().is_some_and(|p| number(p) == wanted)).await;
        seen.expect("the connection is there");
    }
    let asked = Instant::now();
    recorder.stop.cancel();
    assert!(good.gone().await.bye);
    house.await.expect("no panic");
    assert!(asked.elapsed() < 3 * serve::BYE, "{:?}", asked.elapsed());
    let mut rest = Vec::new();
    deaf.read_to_end(&mut rest).await.expect("what was sent is there");
    let lines = rest.split(|byte| *byte == b'\n').count();
    assert!(lines > 2, "it got no pictures");
    assert!(lines < 500, "{lines} lines reached a client that did not read");
}
