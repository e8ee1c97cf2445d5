//! Real signals to a real process: this one. One test, alone in its process.

use nvr::stop::{ONE_STRIKE, Stop, signals};
use rustix::process::{Signal, getpid, kill_process};
use std::time::Duration;
use tokio::time::{sleep, timeout};

#[tokio::test]
async fn signals_ask_then_insist_and_hanging_up_ends_nothing() {
    let stop = Stop::new();
    let signals = signals().expect("handlers are set");
    let obeying = tokio::spawn({
        let stop = stop.clone();
        async move { stop.obey(signals).await }
    });
    let send = |signal| kill_process(getpid(), signal).expect("to ourselves");
    let soon = Duration::from_secs(10);

    send(Signal::HUP);
    timeout(soon, stop.hangup()).await.expect("is heard");
    assert!(!stop.asked().is_cancelled());

    send(Signal::TERM);
    timeout(soon, stop.asked().cancelled()).await.expect("is heard");
    assert_eq!(stop.by(), Some("SIGTERM"));
    assert!(!stop.now().is_cancelled());

    sleep(ONE_STRIKE).await;
    send(Signal::INT);
    timeout(soon, stop.now().cancelled()).await.expect("is heard");
    assert!(!obeying.is_finished());
}
