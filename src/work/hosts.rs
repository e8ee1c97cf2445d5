//! Where the cameras' host names lead, so that a mail's peer can be recognised as one of them.

use crate::model::event::Event;
use crate::model::id::CameraName;
use crate::model::settings::Camera;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Addresses are handed out anew now and then.
const AGAIN: Duration = Duration::from_secs(600);

/// Looks up the hosts of all sources that are names, at once and then every ten minutes, and reports all addresses
/// whenever they differ. A name that cannot be looked up keeps the addresses it had. Returns at once if there are none.
pub async fn keep(cameras: Vec<Arc<Camera>>, events: mpsc::Sender<Event>, stop: CancellationToken) {
    let named: Vec<(CameraName, String)> = cameras
        .iter()
        .filter_map(|camera| Some((camera.name.clone(), camera.source.host()?.to_owned())))
        .filter(|(_, host)| host.parse::<IpAddr>().is_err())
        .collect();
    if named.is_empty() {
        return;
    }
    let mut known: Vec<(CameraName, IpAddr)> = Vec::new();
    let look = async {
        loop {
            let mut now = Vec::new();
            for (camera, host) in &named {
                match lookup_host((host.as_str(), 0)).await {
                    Ok(found) => now.extend(found.map(|address| (camera.clone(), address.ip()))),
                    Err(_) => now.extend(known.iter().filter(|(name, _)| name == camera).cloned()),
                }
            }
            now.sort();
            now.dedup();
            if now != known {
                known.clone_from(&now);
                // Only a recorder that is gone does not listen.
                let _ = events.send(Event::Hosts(now)).await;
            }
            tokio::time::sleep(AGAIN).await;
        }
    };
    tokio::select! {
        () = look => {}
        () = stop.cancelled() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::settings::{Audio, Source, Trigger};

    fn camera(name: &str, source: &str) -> Arc<Camera> {
        let none = Duration::ZERO;
        let trigger = Trigger { pre_roll: none, post_roll: none, max_clip: none, cooldown: none, armed: true };
        let name = name.parse().expect("a name");
        let source = Source::new(source.into());
        Arc::new(Camera { name, alias: vec![], source, input_args: vec![], audio: Audio::Copy, silence: None, trigger })
    }

    #[tokio::test]
    async fn names_are_looked_up_and_addresses_are_not() {
        let cameras = vec![camera("by-name", "rtsp://localhost/a"), camera("by-address", "rtsp://10.0.0.9/a")];
        let (events, mut said) = mpsc::channel(1);
        let stop = CancellationToken::new();
        let keeper = tokio::spawn(keep(cameras, events, stop.clone()));
        let Some(Event::Hosts(hosts)) = said.recv().await else { panic!("no hosts") };
        assert!(hosts.iter().all(|(name, address)| name.as_str() == "by-name" && address.is_loopback()), "{hosts:?}");
        assert!(!hosts.is_empty());
        stop.cancel();
        keeper.await.expect("it ends");
    }
}
