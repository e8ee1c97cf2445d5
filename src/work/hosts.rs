//! Where the cameras' host names lead, so that a mail's peer can be recognised as one of them.

use crate::model::event::Event;
use crate::model::id::CameraName;
use crate::model::settings::Camera;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Addresses are handed out anew now and then.
const AGAIN: Duration = Duration::from_secs(600);

/// A camera and the name of its host.
type Named = (CameraName, String);

/// Looks up the hosts of all sources that are names, at once, whenever the cameras change and every ten minutes, and
/// reports all addresses whenever they may differ from what was told. A name that cannot be looked up keeps the addresses
/// it had.
pub async fn keep(
    mut cameras: watch::Receiver<Vec<Arc<Camera>>>,
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
) {
    let mut known: Vec<(Named, IpAddr)> = Vec::new();
    let look = async {
        let mut told = true; // that there are none
        loop {
            let named = named(&cameras.borrow_and_update());
            tokio::select! {
                now = look_up(&named, &known) => {
                    if !told || now != known {
                        known = now;
                        told = true;
                        let all = known.iter().map(|((camera, _), address)| (camera.clone(), *address)).collect();
                        // Only a recorder that is gone does not listen.
                        let _ = events.send(Event::Hosts(all)).await;
                    }
                    tokio::select! {
                        () = tokio::time::sleep(AGAIN), if !named.is_empty() => continue,
                        Ok(()) = cameras.changed() => {}
                        else => return,
                    }
                }
                Ok(()) = cameras.changed() => {}
            }
            // The recorder has forgotten where cameras lived whose sources have changed.
            told = false;
        }
    };
    tokio::select! {
        () = look => {}
        () = stop.cancelled() => {}
    }
}

fn named(cameras: &[Arc<Camera>]) -> Vec<Named> {
    let hosts = cameras.iter().filter_map(|camera| Some((camera.name.clone(), camera.source.host()?.to_owned())));
    hosts.filter(|(_, host)| host.parse::<IpAddr>().is_err()).collect()
}

async fn look_up(named: &[Named], known: &[(Named, IpAddr)]) -> Vec<(Named, IpAddr)> {
    let mut now = Vec::new();
    for one in named {
        match lookup_host((one.1.as_str(), 0)).await {
            Ok(found) => now.extend(found.map(|address| (one.clone(), address.ip()))),
            Err(_) => now.extend(known.iter().filter(|(known, _)| known == one).cloned()),
        }
    }
    now.sort();
    now.dedup();
    now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::settings::{Audio, Source, Trigger};

    fn camera(name: &str, source: &str) -> Arc<Camera> {
        let none = Duration::ZERO;
        let trigger =
            Trigger { pre_roll: none, post_roll: none, max_clip: none, cooldown: none, armed: true, budget: None };
        let name = name.parse().expect("a name");
        let source = Source::new(source.into());
        Arc::new(Camera {
            name,
            alias: vec![],
            mail: vec![],
            source,
            input_args: vec![],
            audio: Audio::Copy,
            silence: None,
            trigger,
        })
    }

    #[tokio::test]
    async fn names_are_looked_up_and_addresses_are_not() {
        let cameras = vec![camera("by-name", "rtsp://localhost/a"), camera("by-address", "rtsp://10.0.0.9/a")];
        let (events, mut said) = mpsc::channel(1);
        let stop = CancellationToken::new();
        let (change, cameras) = watch::channel(cameras);
        let keeper = tokio::spawn(keep(cameras, events, stop.clone()));
        let Some(Event::Hosts(hosts)) = said.recv().await else { panic!("no hosts") };
        assert!(hosts.iter().all(|(name, address)| name.as_str() == "by-name" && address.is_loopback()), "{hosts:?}");
        assert!(!hosts.is_empty());
        change.send_replace(vec![camera("by-address", "rtsp://localhost/a"), camera("by-name", "rtsp://10.0.0.9/a")]);
        let Some(Event::Hosts(hosts)) = said.recv().await else { panic!("no hosts") };
        assert!(!hosts.is_empty() && hosts.iter().all(|(name, _)| name.as_str() == "by-address"), "{hosts:?}");
        change.send_replace(vec![]);
        assert_eq!(said.recv().await, Some(Event::Hosts(vec![])));
        stop.cancel();
        keeper.await.expect("it ends");
    }
}
