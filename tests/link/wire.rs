//! Whatever a recorder shows arrives at its monitors as it was.

use nvr::link::frame;
use nvr::link::protocol::ToClient;
use nvr::model::event::Space;
use nvr::model::id::CameraName;
use nvr::model::record::{MailTrigger, TriggerKind};
use nvr::model::snapshot::*;
use nvr::model::time::{Anchor, Mono, Wall};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

fn name() -> impl Strategy<Value = CameraName> {
    "[a-z0-9][a-z0-9-]{0,31}".prop_map(|name| name.parse().expect("is a name"))
}

fn mono() -> impl Strategy<Value = Mono> {
    any::<u64>().prop_map(Mono)
}

fn wall() -> impl Strategy<Value = Wall> {
    (-9_000_000_000i64..9_000_000_000, 0..1_000_000_000i32)
        .prop_map(|(second, nanos)| Wall::new(second, nanos).expect("within jiff's years"))
}

fn text() -> impl Strategy<Value = String> {
    any::<String>() // line breaks, quotes, NUL and all the rest
}

fn trigger() -> impl Strategy<Value = TriggerView> {
    let kind = prop_oneof![
        Just(TriggerKind::Key),
        Just(TriggerKind::Command),
        (text(), text(), text(), text(), proptest::option::of(text())).prop_map(
            |(peer, from, to, subject, picture)| {
                let (event, text) = (to.clone(), subject.clone());
                TriggerKind::Mail(MailTrigger { peer, from, to, subject, event, text, picture })
            }
        ),
    ];
    (mono(), kind).prop_map(|(at, kind)| TriggerView { at, kind })
}

fn state() -> impl Strategy<Value = CameraState> {
    prop_oneof![
        mono().prop_map(|since| CameraState::Waiting { since }),
        mono().prop_map(|since| CameraState::Connecting { since }),
        mono().prop_map(|since| CameraState::Recording { since }),
        (mono(), text()).prop_map(|(since, reason)| CameraState::Stalled { since, reason }),
        (mono(), any::<u32>(), text()).prop_map(|(retry_at, attempt, reason)| CameraState::NoSignal {
            retry_at,
            attempt,
            reason
        }),
        Just(CameraState::Stopped),
    ]
}

fn slot() -> impl Strategy<Value = SlotView> {
    use SlotState::*;
    let states =
        prop_oneof![Just(Empty), Just(Writing), Just(Complete), Just(Claimed), Just(Copying), Just(Stored), Just(Lost)];
    (states, of(mono())).prop_map(|(is, closed)| SlotView { is, closed })
}

fn event() -> impl Strategy<Value = EventView> {
    (mono(), mono(), any::<u64>(), trigger(), of(text()))
        .prop_map(|(since, until, triggers, trigger, clip)| EventView { since, until, triggers, trigger, clip })
}

fn media() -> impl Strategy<Value = Media> {
    (text(), any::<u32>(), any::<u32>(), of(text())).prop_map(|(video, width, height, audio)| Media {
        video,
        width,
        height,
        audio,
    })
}

fn camera() -> impl Strategy<Value = CameraView> {
    let seen = (state(), of(media()), of(any::<u32>()), of(any::<u64>()), vec(slot(), 0..12), of(event()));
    let lost = (any::<u64>(), any::<u64>());
    let silence = (of(mono()), of(any::<Duration>()));
    let counted = (of(mono()), any::<Duration>(), any::<u64>(), any::<u64>(), any::<u32>(), lost, silence);
    (name(), any::<bool>(), seen, counted).prop_map(|(name, armed, seen, counted)| {
        let (state, media, fps, bitrate, slots, event) = seen;
        let (last_segment, segment, restarts, ram, backlog, (lost, missed), (last_mail, silent)) = counted;
        CameraView {
            name,
            armed,
            state,
            media,
            fps,
            bitrate,
            slots,
            event,
            last_segment,
            whole_since: last_segment,
            segment,
            restarts,
            ram,
            backlog,
            lost,
            missed,
            pace: fps,
            last_mail,
            silent,
            spent: silent,
        }
    })
}

fn mail() -> impl Strategy<Value = MailView> {
    let note = (mono(), text(), text(), text(), text()).prop_map(|(at, from, to, subject, outcome)| MailNote {
        at,
        from,
        to,
        subject,
        outcome,
    });
    let port = prop_oneof![text().prop_map(Ok), text().prop_map(Err)];
    let view = |(port, today, last, sessions)| MailView { port, today, last, sessions };
    (port, any::<u64>(), of(note), any::<u64>()).prop_map(view)
}

fn space() -> impl Strategy<Value = Option<Space>> {
    of((any::<u64>(), any::<u64>()).prop_map(|(total, free)| Space { total, free }))
}

fn copy() -> impl Strategy<Value = CopyView> {
    let outcome = prop_oneof![
        (any::<u64>(), any::<Duration>(), any::<u32>()).prop_map(|(bytes, took, retries)| CopyOutcome::Stored {
            bytes,
            took,
            retries
        }),
        text().prop_map(|reason| CopyOutcome::Retrying { reason }),
        text().prop_map(|reason| CopyOutcome::Lost { reason }),
    ];
    let place = (any::<u64>(), any::<u32>());
    (mono(), name(), place, text(), outcome).prop_map(|(at, camera, (number, slot), clip, outcome)| CopyView {
        number,
        at,
        camera,
        slot,
        clip,
        outcome,
    })
}

fn clip() -> impl Strategy<Value = ClipView> {
    let footage = (wall(), any::<Duration>(), any::<u64>(), any::<Duration>(), any::<bool>(), any::<bool>());
    let told = (any::<Duration>(), any::<bool>());
    let words = (text(), text(), text());
    (text(), name(), footage, told, words).prop_map(|(name, camera, footage, told, (trigger, subject, path))| {
        let (start, length, bytes, missing, open, protected) = footage;
        let (waiting, interrupted) = told;
        ClipView {
            name,
            camera,
            start,
            length,
            bytes,
            trigger,
            subject,
            missing,
            waiting,
            interrupted,
            open,
            protected,
            path,
        }
    })
}

fn entry() -> impl Strategy<Value = Entry> {
    let level = prop_oneof![Just(Level::Info), Just(Level::Warn), Just(Level::Error)];
    let topic = prop_oneof![Just(Topic::Mail), Just(Topic::Loss)];
    (any::<u64>(), mono(), level, topic, of(name()), text())
        .prop_map(|(number, at, level, topic, camera, text)| Entry { number, at, level, topic, camera, text })
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    let itself = (text(), any::<u32>(), mono(), mono(), wall(), of(text()));
    let backlog = (any::<u64>(), of(any::<u64>()));
    let silence = (of(mono()), of(any::<Duration>()));
    let archive = (text(), space(), (of(text()), of(text())), of(mono()), backlog, of(mono()), silence).prop_map(
        |(dir, space, (trouble, retention), since, (backlog, backlog_limit), safe_until, (written, silent))| {
            ArchiveView { dir, space, trouble, since, retention, backlog, backlog_limit, safe_until, written, silent }
        },
    );
    let ring = (text(), any::<u64>(), space(), of(text())).prop_map(|(dir, used, space, trouble)| RingView {
        dir,
        used,
        space,
        trouble,
    });
    let lost = any::<(u64, u64, u64)>().prop_map(|(segments, bytes, events)| Lost { segments, bytes, events });
    let lists = (vec(copy(), 0..3), vec(clip(), 0..3), vec(entry(), 0..3), vec(text(), 0..3));
    (itself, vec(camera(), 0..3), mail(), archive, ring, lost, lists).prop_map(
        |(itself, cameras, mail, archive, ring, lost, lists)| {
            let (version, pid, started, at, wall, stopping) = itself;
            let (copies, clips, journal, warnings) = lists;
            let anchor = Anchor { mono: at, wall };
            Snapshot {
                version,
                pid,
                started,
                anchor,
                cameras,
                mail,
                archive,
                ring,
                lost,
                copies,
                clips,
                journal,
                warnings,
                stopping,
            }
        },
    )
}

proptest! {
    #[test]
    fn a_picture_arrives_as_it_was(snapshot in snapshot()) {
        let word = ToClient::Snapshot(Arc::new(snapshot));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let arrived: Option<ToClient> = runtime.block_on(async {
            let (near, far) = tokio::io::duplex(1024);
            let (_keep, mut writer) = frame::split(near, frame::TO_RECORDER);
            let (mut reader, _keep) = frame::split(far, frame::TO_CLIENT);
            let (written, arrived) = tokio::join!(writer.write(&word), reader.read());
            written.expect("is written");
            arrived.expect("is one line, and understood")
        });
        prop_assert_eq!(arrived, Some(word));
    }
}
