//! The link in memory: what the two ends promise each other, and what each does when the other misbehaves.

use crate::recorder::{Recorder, number, picture};
use futures::FutureExt;
use nvr::link::dial::{Client, LinkError};
use nvr::link::frame::{self, Reader, Writer};
use nvr::link::protocol::{PROTOCOL, ToClient, ToRecorder, VERSION};
use nvr::link::serve::{self, BLOCKED, End};
use nvr::model::command::{Answer, Command, TriggerBy, Who};
use nvr::model::question::Question;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex};
use tokio::time::{Instant, sleep, timeout};

type RawReader = Reader<ReadHalf<DuplexStream>>;
type RawWriter = Writer<WriteHalf<DuplexStream>>;

const ROOM: usize = 64 * 1024;

/// A client of our own making, that has said hello and heard hello.
async fn raw(
    recorder: &Recorder,
    room: usize,
    snapshots: bool,
) -> (RawReader, RawWriter, tokio::task::JoinHandle<End>) {
    let (near, far) = duplex(room);
    let session = recorder.serve(far);
    let (mut reader, mut writer) = frame::split(near, frame::TO_CLIENT);
    writer.write(&ToRecorder::hello(snapshots)).await.expect("goes through");
    let hello = reader.read::<ToClient>().await.expect("is understood");
    assert_eq!(hello, Some(ToClient::hello()));
    (reader, writer, session)
}

async fn attached(recorder: &Recorder, snapshots: bool) -> Client {
    let (near, far) = duplex(ROOM);
    recorder.serve(far);
    Client::attach(near, snapshots).await.expect("they talk")
}

async fn sees(client: &mut Client, wanted: u64) {
    let seen = client.snapshots().wait_for(|picture| picture.as_deref().is_some_and(|p| number(p) == wanted)).await;
    seen.expect("the connection is there");
}

fn trigger() -> Command {
    Command::Trigger { who: Who::All, by: TriggerBy::Key }
}

fn slow(seconds: u32) -> Command {
    Command::Delete { clip: seconds.to_string() }
}

#[tokio::test(start_paused = true)]
async fn pictures_go_one_way_and_orders_the_other() {
    let recorder = Recorder::new();
    let mut client = attached(&recorder, true).await;
    assert_eq!((client.recorder().version.as_str(), client.recorder().pid), (VERSION, std::process::id()));
    sees(&mut client, 0).await;
    recorder.publish(1);
    sees(&mut client, 1).await;
    assert_eq!(client.snapshots().borrow().as_deref(), Some(&picture(1)));
    let answer = client.ask(trigger()).await.expect("is answered");
    assert_eq!(answer, Answer::Done(format!("{:?}", trigger())));
    assert_eq!(recorder.desk.asked(), [trigger()]);
}

#[tokio::test(start_paused = true)]
async fn who_wants_no_pictures_gets_none() {
    let recorder = Recorder::new();
    let (mut reader, mut writer, _session) = raw(&recorder, ROOM, false).await;
    recorder.publish(1);
    writer.write(&ToRecorder::Request { id: 7, command: trigger() }).await.expect("goes through");
    let word = reader.read::<ToClient>().await.expect("is understood");
    assert!(matches!(word, Some(ToClient::Reply { id: 7, .. })), "{word:?}");
    assert!(timeout(Duration::from_secs(60), reader.read::<ToClient>()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_reads_delays_nobody_and_is_dropped() {
    let recorder = Recorder::new();
    let (_reader, _writer, stuck) = raw(&recorder, 512, true).await;
    let since = Instant::now();
    let mut good = attached(&recorder, true).await;
    for wanted in 1..=20 {
        recorder.publish(wanted);
        sees(&mut good, wanted).await;
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(since.elapsed().as_secs(), 2, "nothing but the pauses took time");
    assert!(!stuck.is_finished());
    assert_eq!(stuck.await.expect("no panic"), End::Blocked);
    assert_eq!(since.elapsed().as_secs(), BLOCKED.as_secs());
    recorder.publish(21);
    sees(&mut good, 21).await;
}

#[tokio::test(start_paused = true)]
async fn who_sleeps_through_a_thousand_pictures_wakes_to_the_newest() {
    let recorder = Recorder::new();
    let (mut reader, _writer, session) = raw(&recorder, 512, true).await;
    for wanted in 1..=1000 {
        recorder.publish(wanted);
        tokio::task::yield_now().await;
    }
    let mut seen = Vec::new();
    while seen.last() != Some(&1000) {
        let word = reader.read::<ToClient>().await.expect("is understood");
        let Some(ToClient::Snapshot(picture)) = word else { panic!("{word:?}") };
        seen.push(number(&picture));
    }
    assert_eq!(seen, [0, 1000], "one was on its way, then the newest");
    assert!(!session.is_finished());
}

#[tokio::test]
async fn a_picture_is_put_into_words_once_for_all() {
    let recorder = Recorder::new();
    let (mut one, mut other) = (recorder.look(), recorder.look());
    let (first, again) = (one.next().await.expect("a line"), other.next().await.expect("a line"));
    assert!(Arc::ptr_eq(&first, &again));
    assert!(one.next().now_or_never().is_none(), "nothing new");
    recorder.publish(1);
    let second = one.next().await.expect("a line");
    assert_ne!(first, second);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_takes_its_time_keeps_no_order() {
    let recorder = Recorder::new();
    let client = attached(&recorder, false).await;
    let started = Instant::now();
    let question = Command::Ask(Question::Clip("5".into()));
    let (found, done) = tokio::join!(client.ask(question), async {
        let done = client.ask(trigger()).await;
        assert_eq!(started.elapsed().as_secs(), 0);
        done
    });
    assert!(found.is_ok() && done.is_ok());
    assert_eq!(started.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn orders_of_one_client_are_answered_in_order() {
    let recorder = Recorder::new();
    let client = attached(&recorder, false).await;
    let started = Instant::now();
    let (three, none, one) = tokio::join!(client.ask(slow(3)), client.ask(trigger()), client.ask(slow(1)));
    for (answer, command) in [(three, slow(3)), (none, trigger()), (one, slow(1))] {
        assert_eq!(answer, Ok(Answer::Done(format!("{command:?}"))));
    }
    assert_eq!(started.elapsed().as_secs(), 4);
    assert_eq!(recorder.desk.asked(), [slow(3), trigger(), slow(1)]);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_is_stuck_is_refused_and_holds_up_no_pictures() {
    let recorder = Recorder::new();
    let mut client = attached(&recorder, true).await;
    let asked = tokio::spawn(client.ask(slow(3600)));
    sleep(Duration::from_secs(1)).await;
    recorder.publish(1);
    sees(&mut client, 1).await;
    assert!(!asked.is_finished());
    let answer = asked.await.expect("no panic").expect("an answer");
    assert!(matches!(&answer, Answer::Refused(why) if why.contains("too busy")), "{answer:?}");
    assert!(client.ask(trigger()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn orders_beyond_all_bounds_wait_in_the_clients_own_pipe() {
    let recorder = Recorder::new();
    let (near, far) = duplex(4096);
    let session = recorder.serve(far);
    let (mut reader, mut writer) = frame::split(near, frame::TO_CLIENT);
    writer.write(&ToRecorder::hello(false)).await.expect("goes through");
    let flood = async {
        for id in 0.. {
            writer.write(&ToRecorder::Request { id, command: trigger() }).await.expect("the session lives");
        }
    };
    timeout(Duration::from_secs(4), flood).await.expect_err("it has to wait");
    let asked = recorder.desk.asked().len();
    assert!(asked < 200, "{asked} orders were taken from a client that reads no answers");
    assert_eq!(session.await.expect("no panic"), End::Blocked);
    assert!(reader.read::<ToClient>().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_script_that_closes_its_end_still_gets_its_answers() {
    let recorder = Recorder::new();
    let (mut near, far) = duplex(ROOM);
    let session = recorder.serve(far);
    let script = format!(
        "{}\n{}\n",
        r#"{"hello":{"protocol":3,"version":"a script"}}"#,
        r#"{"request":{"id":5,"command":{"ask":{"clips":{"limit":2}}}}}"#
    );
    near.write_all(script.as_bytes()).await.expect("fits");
    near.shutdown().await.expect("half closed");
    let mut said = String::new();
    near.read_to_string(&mut said).await.expect("text");
    assert_eq!(session.await.expect("no panic"), End::Left);
    let words: Vec<ToClient> = said.lines().map(|line| serde_json::from_str(line).expect("a word")).collect();
    assert!(matches!(&words[..], [ToClient::Hello { .. }, ToClient::Reply { id: 5, .. }]), "{words:?}");
}

#[rstest::rstest]
#[case::garbage("{}GET / HTTP/1.1\r\n", "could not be understood")]
#[case::other_bytes("{}\u{0}\u{1}\n", "could not be understood")]
#[case::unknown_word("{}{\"destroy\":{}}\n", "could not be understood")]
#[case::bad_name(
    "{}{\"request\":{\"id\":1,\"command\":{\"arm\":{\"cameras\":[\"../etc\"]}}}}\n",
    "cannot name a camera"
)]
#[case::hello_twice("{}{}", "hello was said twice")]
#[case::order_first("{\"request\":{\"id\":1,\"command\":\"stop\"}}\n", "an order came before hello")]
#[case::half_a_word("{}{\"request\":\n", "cut off")]
#[tokio::test(start_paused = true)]
async fn what_nobody_understands_ends_the_session_with_a_sentence(#[case] said: &str, #[case] why: &str) {
    let recorder = Recorder::new();
    let hello = serde_json::to_string(&ToRecorder::hello(false)).expect("a word") + "\n";
    let last = refusal(&recorder, said.replace("{}", &hello).as_bytes()).await;
    assert!(last.contains(why) && last.ends_with(')'), "{last}");
    assert_eq!(recorder.desk.asked(), []);
}

#[tokio::test(start_paused = true)]
async fn a_line_without_an_end_is_not_collected() {
    let recorder = Recorder::new();
    let last = refusal(&recorder, &vec![b'x'; frame::TO_RECORDER + 2]).await;
    assert!(last.contains("a line is longer than 65536 bytes"), "{last}");
}

#[tokio::test(start_paused = true)]
async fn silence_is_not_waited_for() {
    let recorder = Recorder::new();
    let last = refusal(&recorder, b"{\"hello\":").await;
    assert_eq!(last, "no hello within 5 s (say it first)");
}

/// Says `bytes` and returns the last word.
async fn refusal(recorder: &Recorder, bytes: &[u8]) -> String {
    let (near, far) = duplex(2 * frame::TO_RECORDER);
    let session = recorder.serve(far);
    let (mut read, mut write) = tokio::io::split(near);
    write.write_all(bytes).await.expect("there is room");
    let mut said = String::new();
    read.read_to_string(&mut said).await.expect("text");
    let last = serde_json::from_str(said.lines().last().expect("a word")).expect("a word");
    let ToClient::Bye { reason } = last else { panic!("{last:?}") };
    assert_eq!(session.await.expect("no panic"), End::Refused(reason.clone()));
    reason
}

#[tokio::test(start_paused = true)]
async fn everyone_hears_goodbye_and_why() {
    let recorder = Recorder::new();
    let client = attached(&recorder, true).await;
    let gone = client.gone();
    let asked = client.ask(slow(5));
    let mut last = picture(1);
    last.stopping = Some("SIGTERM".into());
    recorder.pictures.send_replace(Arc::new(last));
    sleep(Duration::from_secs(1)).await;
    recorder.stop.cancel();
    let why = gone.await;
    assert_eq!((why.reason.as_str(), why.bye), ("SIGTERM", true));
    assert_eq!(asked.await, Err(LinkError::Gone(why.clone())));
    assert_eq!(client.ask(trigger()).await, Err(LinkError::Gone(why)));
}

#[tokio::test(start_paused = true)]
async fn goodbye_does_not_wait_for_who_does_not_read() {
    let recorder = Recorder::new();
    let (_reader, _writer, stuck) = raw(&recorder, 512, true).await;
    sleep(Duration::from_secs(1)).await;
    let asked = Instant::now();
    recorder.stop.cancel();
    assert_eq!(stuck.await.expect("no panic"), End::Stopped);
    assert_eq!(asked.elapsed().as_secs(), serve::BYE.as_secs());
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_written_before_goodbye() {
    let recorder = Recorder::new();
    let client = attached(&recorder, false).await;
    let asked = tokio::spawn(client.ask(Command::Stop));
    while recorder.desk.asked().is_empty() {
        tokio::task::yield_now().await;
    }
    recorder.stop.cancel();
    assert_eq!(asked.await.expect("no panic"), Ok(Answer::Done("Stop".into())));
    assert!(client.gone().await.bye);
}

#[tokio::test(start_paused = true)]
async fn leaving_is_noticed() {
    let recorder = Recorder::new();
    let (near, far) = duplex(ROOM);
    let session = recorder.serve(far);
    let client = Client::attach(near, true).await.expect("they talk");
    let gone = client.gone();
    drop(client);
    assert_eq!(session.await.expect("no panic"), End::Left);
    assert!(!gone.await.bye);
}

#[tokio::test(start_paused = true)]
async fn other_protocols_are_told_apart_and_named() {
    let recorder = Recorder::new();
    let newer = format!(r#"{{"hello":{{"protocol":{},"version":"9.0.0"}}}}"#, PROTOCOL + 1);
    let last = refusal(&recorder, (newer + "\n").as_bytes()).await;
    let remedy = "restart the recorder: systemctl restart nvr";
    assert_eq!(last, format!("the recorder is {VERSION}, this nvr is 9.0.0 ({remedy})"));

    let older = r#"{"hello":{"protocol":0,"version":"0.0.9\u001b[2J","pid":1}}"#;
    let error = attach_to(&format!("{older}\n")).await;
    assert_eq!(error, LinkError::Versions(format!("the recorder is 0.0.9[2J, this nvr is {VERSION} ({remedy})")));
}

/// What a client makes of a recorder that says `words` and then nothing.
async fn attach_to(words: &str) -> LinkError {
    let (near, mut far) = duplex(ROOM);
    far.write_all(words.as_bytes()).await.expect("fits");
    Client::attach(near, true).await.expect_err("is no recorder")
}

#[tokio::test(start_paused = true)]
async fn a_client_is_not_fooled_by_what_is_no_recorder() {
    assert_eq!(attach_to("").await, LinkError::Silent);
    let LinkError::Gone(full) = attach_to("{\"bye\":{\"reason\":\"64 are \\u001battached\"}}\n").await else {
        panic!()
    };
    assert_eq!((full.reason.as_str(), full.bye), ("64 are attached", true));
    let LinkError::Gone(strange) = attach_to("220 mail.example ESMTP\r\n").await else { panic!() };
    assert!(strange.reason.contains("cannot be understood") && !strange.bye, "{strange:?}");
    let LinkError::Gone(strange) = attach_to("{\"reply\":{\"id\":1,\"answer\":{\"done\":\"\"}}}\n").await else {
        panic!()
    };
    assert!(strange.reason.contains("is not a recorder"), "{strange:?}");
}

/// A recorder of our own making, that has said hello.
async fn fake() -> (Client, DuplexStream) {
    let (near, mut far) = duplex(ROOM);
    let hello = serde_json::to_string(&ToClient::hello()).expect("a word") + "\n";
    far.write_all(hello.as_bytes()).await.expect("fits");
    (Client::attach(near, true).await.expect("they talk"), far)
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_vanishes_is_told_from_one_that_says_goodbye() {
    let (client, far) = fake().await;
    drop(far);
    let why = client.gone().await;
    assert!(!why.bye && why.reason.starts_with("the recorder is gone ("), "{why:?}");

    let (client, mut far) = fake().await;
    far.write_all(b"{\"snapshot\":{\"ver").await.expect("fits");
    drop(far);
    let why = client.gone().await;
    assert!(!why.bye && why.reason.contains("in the middle of a word"), "{why:?}");
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_hangs_fails_orders_after_a_while_and_nothing_else() {
    let (client, mut far) = fake().await;
    assert_eq!(client.ask(trigger()).await, Err(LinkError::NoAnswer));
    // An answer that comes too late belongs to nobody.
    let late = serde_json::to_string(&ToClient::Reply { id: 1, answer: Answer::Done("late".into()) }).expect("a word");
    let next = serde_json::to_string(&ToClient::Reply { id: 2, answer: Answer::Done("next".into()) }).expect("a word");
    far.write_all(format!("{late}\n").as_bytes()).await.expect("fits");
    let asked = tokio::spawn(client.ask(trigger()));
    tokio::task::yield_now().await;
    far.write_all(format!("{next}\n").as_bytes()).await.expect("fits");
    assert_eq!(asked.await.expect("no panic"), Ok(Answer::Done("next".into())));
}
