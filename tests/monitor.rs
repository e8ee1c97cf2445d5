//! The monitor's loop between a recorder that follows a script and a terminal in memory, on a clock that jumps.

#[path = "common/glass.rs"]
#[allow(dead_code, reason = "each file of tests looks at other things")]
mod glass;
#[path = "common/pictures.rs"]
#[allow(dead_code, reason = "each file of tests needs other pictures")]
mod pictures;
#[path = "common/scripted.rs"]
mod scripted;

use glass::{Glass, Hands, play};
use nvr::model::command::{Answer, Command, TriggerBy, Who};
use nvr::monitor::Left;
use nvr::monitor::input::Input;
use pictures::{all_well, name, seconds, triggered};
use scripted::Recorder;
use tokio::io::duplex;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn t_triggers_the_focused_camera_and_q_leaves() {
    let left = play(Glass::new(), async |mut hands: Hands| {
        hands.recorder.send(all_well()).await;
        hands.glass.shows("2/2 recording").await;
        hands.keys.key('j');
        hands.keys.key('t');
        let (id, order) = hands.recorder.order().await;
        assert_eq!(order, Command::Trigger { who: Who::Cameras(vec![name("garden")]), by: TriggerBy::Key });
        hands.glass.shows("triggering garden …").await;
        hands.recorder.answer(id, Answer::Done("garden saves footage until 14:04:12".into())).await;
        hands.glass.shows("garden saves footage until 14:04:12").await;
        hands.glass.shows("t trigger").await; // the hints are back by themselves
        hands.keys.key('q');
    });
    assert_eq!(left.await.expect("no error"), Left::Quit { attached: true });
}

#[tokio::test(start_paused = true)]
async fn each_key_gives_its_order() {
    let garden = || Who::Cameras(vec![name("garden")]);
    let front = || Who::Cameras(vec![name("front-door")]);
    let left = play(Glass::new(), async |mut hands: Hands| {
        hands.recorder.send(all_well()).await;
        hands.glass.shows("front-door").await;
        let orders = [
            ('a', Command::Disarm(front())),
            ('x', Command::Release(front())),
            ('A', Command::Arm(Who::All)),
            ('G', Command::Arm(garden())), // G moves the focus, and a follows
        ];
        for (key, wanted) in orders {
            hands.keys.key(key);
            if key == 'G' {
                hands.keys.key('a');
            }
            let (id, order) = hands.recorder.order().await;
            assert_eq!(order, wanted, "{key}");
            hands.recorder.answer(id, Answer::Refused(format!("no to {key} (because)"))).await;
            hands.glass.shows(&format!("no to {key} (because)")).await;
        }
        hands.keys.ctrl('c');
    });
    assert_eq!(left.await.expect("no error"), Left::Quit { attached: true });
}

/// The promise that makes it cheap over SSH: nothing goes out unless something looks different.
#[tokio::test(start_paused = true)]
async fn pictures_that_look_the_same_cost_nothing() {
    play(Glass::new(), async |mut hands: Hands| {
        hands.recorder.send(all_well()).await;
        hands.glass.shows("2 recording").await;
        let before = hands.glass.cost();
        for n in 1..=12 {
            let mut picture = all_well();
            picture.mail.today = 12;
            picture.copies.iter_mut().for_each(|copy| copy.number = n);
            hands.recorder.send(picture).await;
            tokio::time::sleep(seconds(1)).await;
        }
        assert_eq!(hands.glass.cost(), before);
        let mut picture = all_well();
        picture.cameras[0].slots.swap(5, 6);
        hands.recorder.send(picture).await;
        hands.glass.shows("5○ 6▸").await;
        let (frames, bytes) = hands.glass.cost();
        assert_eq!(frames, before.0 + 1);
        assert!(bytes - before.1 < 100, "a slot switch took {} bytes", bytes - before.1);
        hands.keys.key('q');
    })
    .await
    .expect("no error");
}

/// A camera that is off is tried again and again; only its clock may move on the screen.
#[tokio::test(start_paused = true)]
async fn a_countdown_is_cheap_and_has_at_most_five_frames_a_second() {
    play(Glass::new(), async |mut hands: Hands| {
        hands.recorder.send(triggered()).await;
        hands.glass.shows("   32 s").await;
        let before = hands.glass.cost();
        hands.glass.shows("   12 s").await;
        let seconds_only = hands.glass.cost();
        assert_eq!(seconds_only.0 - before.0, 20);
        assert!(seconds_only.1 - before.1 <= 20 * 400, "{} bytes in 20 s", seconds_only.1 - before.1);
        hands.glass.shows("  0.2 s").await;
        let (frames, _) = hands.glass.cost();
        assert!((50..=58).contains(&(frames - seconds_only.0)), "{} frames in 12 s", frames - seconds_only.0);
        hands.keys.key('q');
    })
    .await
    .expect("no error");
}

#[tokio::test(start_paused = true)]
async fn a_lost_recorder_leaves_its_last_picture_and_is_found_again() {
    let left = play(Glass::new(), async |mut hands: Hands| {
        hands.recorder.send(all_well()).await;
        hands.glass.shows("front-door").await;
        let lost = Instant::now();
        hands.recorder.bye("it was stopped by SIGTERM").await;
        hands.glass.shows("the recorder ended: it was stopped by SIGTERM (start it again: nvr").await;
        assert!(hands.glass.text().contains("NO RECORDER since 14:03:22"));
        assert!(hands.glass.text().contains("front-door"), "the last picture stays");
        let (mut pauses, mut last) = (Vec::new(), lost);
        for _ in 0..7 {
            let (at, answer) = hands.tries.recv().await.expect("tries again");
            pauses.push((at - last).as_millis() / 10 * 10);
            last = at;
            answer.send(Err("no recorder is running (start one: nvr)".into())).expect("waits for it");
        }
        assert_eq!(pauses, [200, 400, 800, 1600, 3000, 3000, 3000]);
        hands.keys.key('t');
        hands.glass.shows("nothing was done: the recorder is out of reach").await;
        let (_, answer) = hands.tries.recv().await.expect("tries again");
        let (ours, theirs) = duplex(64 * 1024);
        answer.send(Ok(ours)).expect("waits for it");
        hands.recorder = Recorder::greet(theirs).await;
        hands.recorder.send(triggered()).await;
        hands.glass.shows("2/2 recording").await;
        hands.glass.shows("the recorder is back").await;
        hands.keys.key('t');
        let (id, _) = hands.recorder.order().await;
        drop(hands.recorder); // without a word, in the middle of an order
        hands.glass.shows("the recorder is out of reach").await;
        assert!(!hands.glass.text().contains("triggering"), "order {id} will never be answered");
        hands.keys.key('q');
    });
    assert_eq!(left.await.expect("no error"), Left::Quit { attached: false });
}

#[tokio::test(start_paused = true)]
async fn stopping_the_recorder_asks_first_and_waits_for_its_end() {
    let left = play(Glass::new(), async |mut hands: Hands| {
        hands.recorder.send(all_well()).await;
        hands.glass.shows("front-door").await;
        hands.keys.key('Q');
        hands.glass.shows("Stop the recorder").await;
        hands.keys.key('n');
        hands.glass.shows("t trigger").await;
        hands.keys.key('Q');
        hands.keys.key('y');
        let (id, order) = hands.recorder.order().await;
        assert_eq!(order, Command::Stop, "and nothing came of the no");
        hands.recorder.answer(id, Answer::Done("the recorder is stopping".into())).await;
        hands.glass.shows("the recorder is stopping").await;
        hands.recorder.bye("stopped by a key; everything is stored").await;
        hands.keys.0.closed().await; // a script that ends lets go of the keyboard
    });
    assert_eq!(left.await.expect("no error"), Left::Stopped("stopped by a key; everything is stored".into()));
}

#[tokio::test(start_paused = true)]
async fn signals_and_a_vanished_terminal_end_it() {
    let ends = [(Some(Input::Terminate), Left::Terminated), (Some(Input::Hangup), Left::HungUp), (None, Left::HungUp)];
    for (input, wanted) in ends {
        let left = play(Glass::new(), async |mut hands: Hands| {
            hands.recorder.send(all_well()).await;
            hands.glass.shows("front-door").await;
            match input {
                Some(input) => hands.keys.give(input),
                None => drop(hands.keys),
            }
        });
        assert_eq!(left.await.expect("no error"), wanted);
    }
}

#[tokio::test(start_paused = true)]
async fn the_shell_gets_the_terminal_and_gives_it_back() {
    play(Glass::new(), async |mut hands: Hands| {
        hands.recorder.send(all_well()).await;
        hands.glass.shows("front-door").await;
        hands.keys.ctrl('z');
        hands.glass.is_away().await;
        hands.keys.give(Input::Continued);
        hands.glass.shows("front-door").await;
        let seen = |glass: &Glass| {
            let seen = glass.seen.lock().expect("no panic in here");
            (seen.suspended, seen.entered)
        };
        assert_eq!(seen(&hands.glass), (1, 1));
        hands.keys.ctrl('z'); // and now nobody stops us: a shell that could continue us is missing
        hands.glass.is_away().await;
        hands.glass.shows("front-door").await;
        assert_eq!(seen(&hands.glass), (2, 2));
        hands.keys.key('q');
    })
    .await
    .expect("no error");
}

#[tokio::test(start_paused = true)]
async fn pasted_text_costs_few_frames_and_few_orders() {
    play(Glass::new(), async |mut hands: Hands| {
        hands.recorder.send(all_well()).await;
        hands.glass.shows("front-door").await;
        let before = hands.glass.cost();
        for _ in 0..2000 {
            hands.keys.key('j');
            hands.keys.key('k');
            hands.keys.key('t');
        }
        for _ in 0..8 {
            hands.recorder.order().await;
        }
        hands.glass.shows("the recorder has not answered what was asked before").await;
        assert!(hands.glass.cost().0 - before.0 <= 6000 / 64 + 2);
        hands.keys.key('q');
    })
    .await
    .expect("no error");
}

#[tokio::test(start_paused = true)]
async fn a_broken_terminal_or_a_panic_elsewhere_ends_it_with_a_sentence() {
    let mut dead = Glass::new();
    dead.dead = true;
    let error = play(dead, async |mut hands: Hands| hands.recorder.send(all_well()).await).await;
    assert!(error.expect_err("no terminal").to_string().contains("the terminal takes no more"));

    let glass = Glass::new();
    let broken = glass.broken.clone();
    let error = play(glass, async |mut hands: Hands| {
        hands.recorder.send(all_well()).await;
        hands.glass.shows("front-door").await;
        broken.cancel();
    });
    assert!(error.await.expect_err("a part is gone").to_string().contains("a part of the monitor failed"));
}
