//! The monitor's other pages, between a recorder that follows a script and a terminal in memory.

#[path = "common/glass.rs"]
#[allow(dead_code, reason = "each file of tests looks at other things")]
mod glass;
#[path = "common/pages.rs"]
#[allow(dead_code, reason = "each file of tests needs other answers")]
mod pages;
#[path = "common/pictures.rs"]
#[allow(dead_code, reason = "each file of tests needs other pictures")]
mod pictures;
#[path = "common/scripted.rs"]
#[allow(dead_code, reason = "each file of tests needs other words")]
mod scripted;

use crossterm::event::{KeyCode, KeyModifiers};
use glass::{Glass, Hands, play};
use nvr::model::command::{Answer, Command};
use nvr::model::question::{ClipDetails, ClipPage, Found, Page, Question};
use nvr::model::snapshot::{ClipView, Level, Snapshot};
use nvr::monitor::Left;
use nvr::monitor::input::Input;
use pictures::{all_well, entry, seconds};
use scripted::Recorder;
use std::time::Duration;
use tokio::io::duplex;
use tokio::time::timeout;

/// What a recorder knows.
struct Known {
    clips: Vec<ClipView>,
    picture: Snapshot,
    details: ClipDetails,
}

impl Known {
    fn new(clips: usize) -> Self {
        let clips = pages::clips(clips);
        let mut picture = pages::with_logs(&pages::copies(), &pages::journal());
        picture.clips = clips.iter().take(50).cloned().collect();
        Self { clips, picture, details: pages::details() }
    }

    fn answer(&self, command: &Command) -> Answer {
        pages::answer(command, &self.clips, &self.details, &pages::stderr(), &self.picture)
    }
}

/// Answers the next question, which must be one.
async fn answer(hands: &mut Hands, known: &Known) -> Question {
    let (id, command) = hands.recorder.order().await;
    let answer = known.answer(&command);
    hands.recorder.answer(id, answer).await;
    match command {
        Command::Ask(question) => question,
        other => panic!("{other:?}"),
    }
}

/// Answers until nothing more is asked; how many questions that were.
async fn settle(hands: &mut Hands, known: &Known) -> usize {
    let mut asked = 0;
    while let Ok((id, command)) = timeout(seconds(1), hands.recorder.order()).await {
        asked += 1;
        let answer = known.answer(&command);
        hands.recorder.answer(id, answer).await;
    }
    asked
}

/// Nothing is asked or ordered for so long.
async fn is_quiet(hands: &mut Hands, span: Duration) {
    let asked = timeout(span, hands.recorder.order()).await;
    assert!(asked.is_err(), "{asked:?}");
}

async fn begin(hands: &mut Hands, known: &Known) {
    hands.recorder.send(known.picture.clone()).await;
    hands.glass.shows("2 recording").await;
}

async fn shows_without(glass: &Glass, words: &str) {
    let gone = async {
        while glass.text().contains(words) {
            glass.changes().await;
        }
    };
    assert!(timeout(seconds(300), gone).await.is_ok(), "{words:?} stays on the screen:\n{}", glass.text());
}

fn left(left: color_eyre::Result<Left>) {
    assert_eq!(left.expect("no error"), Left::Quit { attached: true });
}

#[tokio::test(start_paused = true)]
async fn months_of_clips_are_gone_through_page_by_page() {
    let ended = play(Glass::new(), async |mut hands: Hands| {
        let known = Known::new(1000);
        begin(&mut hands, &known).await;
        hands.keys.key('c');
        let Question::Clips(first) = answer(&mut hands, &known).await else { panic!("no clips") };
        assert_eq!((first.page, first.limit), (Page::Newest, 100));
        hands.glass.shows("1 of 100 and more").await;
        let mut asked = 1;
        for page in 1..=48 {
            asked += settle(&mut hands, &known).await;
            hands.keys.press(KeyCode::PageDown, KeyModifiers::NONE);
            hands.glass.shows(&format!("{} of ", (page * 21 + 1).min(1000))).await;
        }
        assert_eq!(asked, 10, "a question for each hundred");
        hands.keys.key('g');
        hands.glass.shows("1 of 1000").await;
        is_quiet(&mut hands, seconds(600)).await;
        hands.keys.ctrl('c');
    });
    left(ended.await);
}

#[tokio::test(start_paused = true)]
async fn words_find_clips_and_esc_shows_all_again() {
    let ended = play(Glass::new(), async |mut hands: Hands| {
        let known = Known::new(40);
        begin(&mut hands, &known).await;
        hands.keys.key('c');
        answer(&mut hands, &known).await;
        hands.glass.shows("following  1 of 40").await;
        hands.keys.key('/');
        hands.keys.give(Input::Paste("gar\u{1b}[2Jden\r\n".into()));
        hands.glass.shows("find: gar[2Jden").await;
        answer(&mut hands, &known).await;
        hands.glass.shows("nothing has these words").await;
        hands.keys.ctrl('u');
        answer(&mut hands, &known).await;
        "garden key".chars().for_each(|c| hands.keys.key(c));
        // All of them came at once: one question.
        let Question::Clips(query) = answer(&mut hands, &known).await else { panic!("no clips") };
        assert_eq!(query.find, "garden key");
        hands.keys.press(KeyCode::Enter, KeyModifiers::NONE);
        hands.glass.shows("with \"garden key\"").await;
        hands.glass.shows("1 of 13").await;
        assert!(!hands.glass.text().contains("front-door"));
        hands.keys.press(KeyCode::Esc, KeyModifiers::NONE);
        answer(&mut hands, &known).await;
        hands.glass.shows("1 of 40").await;
        hands.keys.press(KeyCode::Esc, KeyModifiers::NONE);
        hands.glass.shows("t trigger").await;
        hands.keys.key('q');
    });
    left(ended.await);
}

#[tokio::test(start_paused = true)]
async fn a_clip_is_looked_at_protected_copied_and_deleted() {
    let mut known = Known::new(40);
    known.clips[0].path = "/srv/clips/a\u{1b}]52;c;evil\u{7}\u{202e}b.mp4".into();
    known.picture.clips[0].path = known.clips[0].path.clone();
    let ended = play(Glass::new(), async |mut hands: Hands| {
        begin(&mut hands, &known).await;
        hands.keys.key('c');
        answer(&mut hands, &known).await;
        hands.glass.shows("1 of 40").await;
        let name = known.clips[0].name.clone();

        hands.keys.key('y');
        hands.glass.shows("copied, if your terminal allows it").await;
        // Base64 of the path as it is, and no byte of it that the terminal could obey.
        let copied = String::from_utf8(hands.glass.clipboard()).expect("text");
        let wanted = "L3Nydi9jbGlwcy9hG101MjtjO2V2aWwH4oCuYi5tcDQ=";
        assert!(
            [format!("\x1b]52;c;{wanted}\x1b\\"), format!("\x1b]52;c;{wanted}\x07")].contains(&copied),
            "{copied:?}"
        );

        hands.keys.key('p');
        let (id, order) = hands.recorder.order().await;
        assert_eq!(order, Command::Protect { clip: name.clone(), protected: true });
        hands.recorder.answer(id, Answer::Done(format!("{name} is protected"))).await;
        hands.glass.shows("★13:40:02").await;

        hands.keys.press(KeyCode::Enter, KeyModifiers::NONE);
        known.details.clip.protected = true;
        assert_eq!(answer(&mut hands, &known).await, Question::Clip(name.clone()));
        hands.glass.shows("retention leaves it alone").await;
        hands.keys.key('D');
        hands.glass.shows("is protected (p ends that)").await;
        hands.keys.key('p');
        let (id, order) = hands.recorder.order().await;
        assert_eq!(order, Command::Protect { clip: name.clone(), protected: false });
        known.details.clip.protected = false;
        hands.recorder.answer(id, Answer::Done(format!("{name} is not protected any more"))).await;
        assert_eq!(answer(&mut hands, &known).await, Question::Clip(name.clone()));
        shows_without(&hands.glass, "retention leaves it alone").await;

        hands.keys.key('D');
        hands.glass.shows(&format!("Delete {name} for good?")).await;
        hands.keys.give(Input::Paste("y".into()));
        hands.keys.key('n');
        hands.keys.key('D');
        hands.keys.key('y');
        let (id, order) = hands.recorder.order().await;
        assert_eq!(order, Command::Delete { clip: name.clone() }, "and nothing came of what was pasted, nor of the no");
        hands.recorder.answer(id, Answer::Done(format!("{name} was deleted by hand"))).await;
        hands.glass.shows("1 of 39").await;
        let first = hands.glass.text().lines().nth(2).map(str::to_owned);
        assert!(first.is_some_and(|line| line.contains("11:36:31")), "{}", hands.glass.text());
        hands.keys.ctrl('c');
    });
    left(ended.await);
}

#[tokio::test(start_paused = true)]
async fn the_journal_goes_on_by_itself_and_shows_what_matters() {
    let ended = play(Glass::new(), async |mut hands: Hands| {
        let mut known = Known::new(3);
        begin(&mut hands, &known).await;
        hands.keys.key('l');
        answer(&mut hands, &known).await;
        hands.glass.shows("following  1 of 80").await;
        for n in 81..=90 {
            let mut line = entry(0, Level::Info, None, &format!("line number {n}"));
            line.number = n;
            known.picture.journal.push(line);
            hands.recorder.send(known.picture.clone()).await;
            hands.glass.shows(&format!("line number {n}")).await;
        }
        is_quiet(&mut hands, seconds(600)).await;
        hands.keys.key('w');
        hands.glass.shows("only warnings and errors").await;
        hands.keys.key('w');
        hands.glass.shows("only errors").await;
        assert!(!hands.glass.text().contains("line number"));
        hands.keys.key('w');
        hands.keys.key('/');
        "full".chars().for_each(|c| hands.keys.key(c));
        hands.keys.press(KeyCode::Down, KeyModifiers::NONE);
        hands.glass.shows("2 of 13").await;
        hands.glass.shows("archive.keep lower)").await; // in full
        hands.keys.ctrl('c');
    });
    left(ended.await);
}

#[tokio::test(start_paused = true)]
async fn stderr_and_copies_have_their_pages() {
    let ended = play(Glass::new(), async |mut hands: Hands| {
        let known = Known::new(3);
        begin(&mut hands, &known).await;
        hands.keys.key('e');
        assert_eq!(answer(&mut hands, &known).await, Question::Stderr(pictures::name("front-door")));
        hands.glass.shows("RTP: missed 214 packets").await;
        hands.keys.key('C');
        answer(&mut hands, &known).await;
        hands.glass.shows("tried 3x").await;
        hands.glass.shows("12.34 s").await;
        hands.keys.ctrl('c');
    });
    left(ended.await);
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_never_answers_blocks_no_key() {
    let ended = play(Glass::new(), async |mut hands: Hands| {
        let known = Known::new(40);
        begin(&mut hands, &known).await;
        hands.keys.key('c');
        hands.glass.shows("reading …").await;
        hands.recorder.order().await;
        for key in ['j', 'G', 'g', 'f'] {
            hands.keys.key(key);
        }
        hands.keys.key('/');
        "abc".chars().for_each(|c| hands.keys.key(c));
        hands.glass.shows("find: abc").await;
        hands.keys.press(KeyCode::Esc, KeyModifiers::NONE);
        hands.keys.press(KeyCode::Esc, KeyModifiers::NONE);
        hands.glass.shows("t trigger").await;
        hands.keys.key('l');
        hands.glass.shows("journal").await;
        hands.keys.ctrl('c');
    });
    left(ended.await);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_shown_and_asked_again_on_a_key_and_not_before() {
    let ended = play(Glass::new(), async |mut hands: Hands| {
        let known = Known::new(40);
        begin(&mut hands, &known).await;
        hands.keys.key('c');
        let (id, _) = hands.recorder.order().await;
        hands.recorder.answer(id, Answer::Refused("the archive is not there (mount it)".into())).await;
        hands.glass.shows("the archive is not there (mount it)").await;
        is_quiet(&mut hands, seconds(600)).await;
        hands.keys.key('j');
        answer(&mut hands, &known).await;
        hands.glass.shows("1 of 40").await;
        shows_without(&hands.glass, "not there").await;

        hands.keys.key('l');
        let (id, _) = hands.recorder.order().await;
        hands.recorder.answer(id, Answer::Refused("too busy (try again)".into())).await;
        hands.glass.shows("too busy (try again)").await;
        is_quiet(&mut hands, seconds(600)).await;
        hands.keys.ctrl('c');
    });
    left(ended.await);
}

#[tokio::test(start_paused = true)]
async fn a_lost_recorder_is_asked_anew_and_its_late_answers_are_left_out() {
    let ended = play(Glass::new(), async |mut hands: Hands| {
        let mut known = Known::new(300);
        begin(&mut hands, &known).await;
        hands.keys.key('c');
        answer(&mut hands, &known).await;
        hands.glass.shows("1 of 100 and more").await;
        hands.keys.press(KeyCode::PageDown, KeyModifiers::NONE);
        hands.glass.shows("22 of 100 and more").await;
        let first = |glass: &Glass| glass.text().lines().nth(2).map(|line| line.trim_end().to_owned());
        let line = first(&hands.glass);

        drop(hands.recorder);
        hands.glass.shows("NO RECORDER").await;
        let (_, answered) = hands.tries.recv().await.expect("tries again");
        let (ours, theirs) = duplex(64 * 1024);
        answered.send(Ok(ours)).expect("waits for it");
        hands.recorder = Recorder::greet(theirs).await;
        // While it was away, one clip went and another recorder began.
        known.clips.remove(30);
        known.picture.clips.remove(30);
        known.picture.started = known.picture.started + seconds(1);
        hands.recorder.send(known.picture.clone()).await;
        // Once for the connection that is new, and perhaps once more for the clip that its picture lacks.
        assert!((1..=2).contains(&settle(&mut hands, &known).await));
        shows_without(&hands.glass, "NO RECORDER").await;
        hands.glass.shows("22 of 100 and more").await;
        assert_eq!(first(&hands.glass), line, "nothing has moved");
        is_quiet(&mut hands, seconds(600)).await;

        // Words that nobody waits for any more.
        hands.keys.key('/');
        hands.keys.key('x');
        let (late, _) = hands.recorder.order().await;
        hands.keys.press(KeyCode::Backspace, KeyModifiers::NONE);
        answer(&mut hands, &known).await;
        hands.glass.shows("1 of 100 and more").await;
        let none = Found::Clips(ClipPage { clips: Vec::new(), more: None });
        hands.recorder.answer(late, Answer::Found(none)).await;
        is_quiet(&mut hands, seconds(600)).await;
        hands.glass.shows("1 of 100 and more").await;
        hands.keys.ctrl('c');
    });
    left(ended.await);
}

#[tokio::test(start_paused = true)]
async fn text_that_is_pasted_on_the_first_page_does_nothing() {
    let ended = play(Glass::new(), async |mut hands: Hands| {
        hands.recorder.send(all_well()).await;
        hands.glass.shows("2 recording").await;
        hands.keys.give(Input::Paste("QyaAtD".into()));
        hands.glass.shows("nothing was done: pasted text is no keys").await;
        is_quiet(&mut hands, seconds(60)).await;
        hands.keys.key('q');
    });
    left(ended.await);
}
