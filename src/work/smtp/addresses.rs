//! What is remembered of addresses: an instant of each, and of a bounded number of them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use tokio::time::{Duration, Instant};

/// Most addresses that are remembered.
const MOST: usize = 1024;

/// An instant for each address, until it has passed.
#[derive(Debug, Default)]
pub(super) struct Addresses(Mutex<HashMap<IpAddr, Instant>>);

impl Addresses {
    /// How long it is until the instant of `peer`; zero if it has none or it has passed.
    pub fn left(&self, peer: IpAddr, now: Instant) -> Duration {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&network(peer)).map_or(Duration::ZERO, |until| until.duration_since(now))
    }

    /// Moves the instant of `peer` on by `more`, from now if it has none. When there are too many, what passes first is
    /// forgotten.
    pub fn extend(&self, peer: IpAddr, more: Duration, now: Instant) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = !all.contains_key(&network(peer));
        if new && all.len() >= MOST {
            all.retain(|_, until| *until > now);
        }
        if new && all.len() >= MOST {
            let first = all.iter().min_by_key(|(_, until)| **until).map(|(peer, _)| *peer);
            first.and_then(|first| all.remove(&first));
        }
        let until = all.entry(network(peer)).or_insert(now);
        *until = (*until).max(now) + more;
    }
}

/// What one machine can choose its address from.
fn network(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !0 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn an_instant_moves_on_and_passes() {
        let (addresses, now) = (Addresses::default(), Instant::now());
        let (peer, other) = ([10, 0, 0, 7].into(), [10, 0, 0, 8].into());
        addresses.extend(peer, MINUTE, now);
        addresses.extend(peer, MINUTE, now + MINUTE / 2);
        assert_eq!(addresses.left(peer, now), 2 * MINUTE);
        assert_eq!(addresses.left(other, now), Duration::ZERO);
        assert_eq!(addresses.left(peer, now + 3 * MINUTE), Duration::ZERO);
        addresses.extend(peer, MINUTE, now + 3 * MINUTE);
        assert_eq!(addresses.left(peer, now + 3 * MINUTE), MINUTE, "from then on");
    }

    #[tokio::test(start_paused = true)]
    async fn very_many_addresses_cost_no_memory_and_one_machine_has_one() {
        let (addresses, now) = (Addresses::default(), Instant::now());
        let machine = |number: u32, host: u128| Ipv6Addr::from_bits(u128::from(number) << 64 | host).into();
        for number in 0..5000 {
            addresses.extend(machine(number, 7), MINUTE, now);
        }
        assert_eq!(addresses.0.lock().expect("no panic").len(), MOST);
        addresses.extend(machine(4999, 8), MINUTE, now);
        assert_eq!(addresses.left(machine(4999, 9), now), 2 * MINUTE);
    }
}
