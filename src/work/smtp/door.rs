//! Who comes in, and who has to go so that others can.
//!
//! At most [`Limits::connections`](crate::model::settings::Limits) are served. When they are all taken, one more is accepted and held at the door: so
//! it is known that somebody waits, and only then does a connection without progress have to leave. Everybody else
//! waits in the kernel's backlog, which costs us nothing.

use super::House;
use super::notes::Kind;
use super::ports::Ports;
use super::pulse::Pulse;
use super::session::talk;
use crate::model::event::Event;
use crate::model::settings::Smtp;
use crate::model::transcript::End;
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::Sender;
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Duration, Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// The longest pause after connections could not be accepted.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Takes mail until `stop`, and returns when every session has ended, which takes little more than
/// [`Limits::farewell`](crate::model::settings::Limits).
///
/// Each mail becomes one [`Event::Mail`] (see there), when it is complete, breaks off, or after [`Limits::slow_mail`](crate::model::settings::Limits)
/// (then no second one for the same recipients at its end). A session waits for room on the bus and holds its place at
/// the port while it does, so a recorder that is behind makes cameras wait and loses nothing. Peers outside
/// [`Smtp::allow`] are sent away with 554. What a person should know becomes [`Event::Note`]. The `rules` may change: who
/// may send is in force at once, and the limits for connections that begin after that.
pub async fn serve(ports: Ports, rules: watch::Receiver<Arc<Smtp>>, events: Sender<Event>, stop: CancellationToken) {
    let Ports { plain, secure, identity, .. } = ports;
    let house = Arc::new(House::new(rules, Some(identity), events, stop));
    let mut door = Door::new(house.clone());
    loop {
        let (note_at, room_at) = (house.notes.due(), door.makes_room_at());
        tokio::select! {
            biased;
            () = house.stop.cancelled() => break,
            Some(ended) = door.sessions.join_next_with_id() => door.forget(ended),
            () = at(note_at), if note_at.is_some() => house.notes.flush(),
            () = at(room_at), if room_at.is_some() => door.make_room(),
            (accepted, secure) = accept(&plain, secure.as_ref(), door.pause_until), if door.waiting.is_none() => {
                door.answer(accepted, secure);
            }
        }
        door.let_in();
    }
    drop((plain, secure));
    door.close().await;
}

/// Waits for an instant; for ever without one.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// The next connection, not before `pause_until`, and whether it begins with TLS.
async fn accept(
    plain: &TcpListener,
    secure: Option<&TcpListener>,
    pause_until: Instant,
) -> (io::Result<(TcpStream, SocketAddr)>, bool) {
    let from_secure = async {
        match secure {
            Some(listener) => listener.accept().await,
            None => std::future::pending().await,
        }
    };
    sleep_until(pause_until).await;
    tokio::select! { // neither keeps the other from its turn
        accepted = plain.accept() => (accepted, false),
        accepted = from_secure => (accepted, true),
    }
}

/// A connection that waits to be served.
struct Waiting {
    stream: TcpStream,
    address: IpAddr,
    /// It begins with TLS.
    secure: bool,
}

/// A connection that is being served.
struct Guest {
    address: IpAddr,
    pulse: Arc<Pulse>,
}

struct Door {
    house: Arc<House>,
    sessions: JoinSet<()>,
    guests: HashMap<Id, Guest>,
    /// Accepted while there was no room.
    waiting: Option<Waiting>,
    /// After an error: how long the pause was, and until when it lasts.
    pause: Duration,
    pause_until: Instant,
}

impl Door {
    fn new(house: Arc<House>) -> Self {
        Self {
            house,
            sessions: JoinSet::new(),
            guests: HashMap::new(),
            waiting: None,
            pause: Duration::ZERO,
            pause_until: Instant::now(),
        }
    }

    /// Somebody is at the door, or the kernel could not open it.
    fn answer(&mut self, accepted: io::Result<(TcpStream, SocketAddr)>, secure: bool) {
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => return self.pause(&error),
        };
        self.pause = Duration::ZERO;
        let address = peer.ip().to_canonical();
        if !self.house.rules().allow.iter().any(|net| net.contains(&address)) {
            let text = format!("{address} wanted to send mail and was refused");
            self.house.notes.tell(Kind::Refused, format!("{text} (if it is a camera: add {address} to smtp.allow)"));
            return self.send_away(
                (&stream, secure),
                address,
                "554 mail is taken from networks in smtp.allow only\r\n",
                End::NotAllowed,
            );
        }
        if self.is_crowd(address) && !self.replace_one_of(address) {
            let most = self.house.rules().limits.per_address;
            let text = format!("{address} has {most} mail connections open at a time");
            self.house.notes.tell(Kind::Address, format!("{text} (see what runs there; more were told to come back)"));
            return self.send_away(
                (&stream, secure),
                address,
                "421 too many connections from your address, try again\r\n",
                End::Crowd,
            );
        }
        self.waiting = Some(Waiting { stream, address, secure });
    }

    /// A sentence and goodbye. A new connection has room for it; if not, it has to do without, as who begins with TLS.
    fn send_away(&self, (stream, secure): (&TcpStream, bool), address: IpAddr, sentence: &str, end: End) {
        if !secure {
            let _ = stream.try_write(sentence.as_bytes());
        }
        self.house.tapes.sent_away(address, sentence, end);
    }

    /// Connections that could not be accepted leave the listener ready: without a pause this would be a busy loop.
    fn pause(&mut self, error: &io::Error) {
        if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted) {
            return; // that connection's own trouble
        }
        self.pause = (self.pause * 2).clamp(Duration::from_millis(50), LONGEST_PAUSE);
        self.pause_until = Instant::now() + self.pause;
        let remedy = "if too many files are open: raise LimitNOFILE of the unit or ulimit -n";
        self.house.notes.tell(Kind::Accept, format!("a mail connection could not be accepted: {error} ({remedy})"));
    }

    fn is_crowd(&self, address: IpAddr) -> bool {
        let staying = self.guests.values().filter(|guest| !guest.pulse.leave.is_cancelled());
        !address.is_loopback()
            && staying.filter(|guest| guest.address == address).count() >= self.house.rules().limits.per_address
    }

    /// Makes an address's own stalest connection leave for its new one.
    fn replace_one_of(&self, address: IpAddr) -> bool {
        let stalest = self.stalest(|guest| guest.address == address);
        let stale = stalest.filter(|(at, _)| *at <= Instant::now());
        stale.map(|(_, guest)| guest.pulse.leave.cancel()).is_some()
    }

    /// Who has made no progress for the longest, and when that is too long; not those who are leaving already.
    fn stalest(&self, among: impl Fn(&Guest) -> bool) -> Option<(Instant, &Guest)> {
        let staying = self.guests.values().filter(|guest| !guest.pulse.leave.is_cancelled() && among(guest));
        staying.map(|guest| (guest.pulse.stale_at(), guest)).min_by_key(|(at, _)| *at)
    }

    /// When somebody has to leave; `None`: nobody waits, or somebody is leaving already.
    fn makes_room_at(&self) -> Option<Instant> {
        let leaving = self.guests.values().any(|guest| guest.pulse.leave.is_cancelled());
        if self.waiting.is_none() || leaving {
            return None;
        }
        self.stalest(|_| true).map(|(at, _)| at)
    }

    /// Makes the stalest leave, if it still is.
    fn make_room(&self) {
        let Some((at, guest)) = self.stalest(|_| true) else { return };
        if at > Instant::now() {
            return; // it has gone on in the meantime
        }
        guest.pulse.leave.cancel();
        let text = format!("all {} mail connections were taken", self.guests.len());
        let who = format!("{} was sent away because it did not go on", guest.address);
        self.house.notes.tell(Kind::Full, format!("{text}; {who} (see what opens connections there)"));
    }

    /// Serves who waits, if there is room.
    fn let_in(&mut self) {
        if self.guests.len() >= self.house.rules().limits.connections {
            return;
        }
        let Some(Waiting { stream, address, secure }) = self.waiting.take() else { return };
        // Without it replies are slower; nothing else.
        let _ = stream.set_nodelay(true);
        let pulse = Arc::new(Pulse::new(&self.house.rules().limits));
        let session = talk(stream, secure, address, pulse.clone(), self.house.clone());
        let id = self.sessions.spawn(session).id();
        self.guests.insert(id, Guest { address, pulse });
    }

    fn forget(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!("a mail session broke: {error} (please report this)");
                error.id()
            }
        };
        self.guests.remove(&id);
    }

    /// Waits for the sessions to end, which `stop` has told them to, and ends by force what does not.
    async fn close(mut self) {
        drop(self.waiting.take());
        let all = async { while self.sessions.join_next().await.is_some() {} };
        if timeout(self.house.rules().limits.farewell + LONGEST_PAUSE, all).await.is_err() {
            self.sessions.shutdown().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::settings::Limits;
    use tokio::io::AsyncReadExt;
    use tokio::sync::mpsc::{self, Receiver};

    /// A door to knock at from any address.
    struct Street {
        door: Door,
        listener: TcpListener,
        bus: Receiver<Event>,
    }

    impl Street {
        async fn new(limits: Limits) -> Self {
            let (events, bus) = mpsc::channel(100);
            let rules = super::super::open_to_all(limits, None).subscribe();
            let house = Arc::new(House::new(rules, None, events, CancellationToken::new()));
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            Self { door: Door::new(house), listener, bus }
        }

        /// The near end of a connection that seems to come from `address`.
        async fn knock(&mut self, address: &str) -> TcpStream {
            let place = self.listener.local_addr().expect("an address");
            let (near, far) = tokio::join!(TcpStream::connect(place), self.listener.accept());
            let address = address.parse().expect("an address");
            self.door.answer(Ok((far.expect("a connection").0, SocketAddr::new(address, 1))), false);
            self.door.let_in();
            near.expect("a connection")
        }
    }

    async fn first_word(stream: &mut TcpStream) -> String {
        let mut code = [0; 3];
        stream.read_exact(&mut code).await.expect("a reply");
        String::from_utf8_lossy(&code).into_owned()
    }

    #[tokio::test]
    async fn one_address_cannot_take_all_connections_but_its_stale_ones_make_room_for_its_new_ones() {
        let limits = Limits {
            connections: 8,
            per_address: 2,
            patience_without_mail: Duration::from_millis(50),
            ..Limits::default()
        };
        let mut street = Street::new(limits).await;
        let mut first = street.knock("10.0.0.7").await;
        let mut second = street.knock("::ffff:10.0.0.7").await;
        assert_eq!((first_word(&mut first).await, first_word(&mut second).await), ("220".into(), "220".into()));
        if street.door.stalest(|_| true).expect("two guests").0 > Instant::now() {
            let mut third = street.knock("10.0.0.7").await;
            assert_eq!(first_word(&mut third).await, "421");
            let noted = std::iter::from_fn(|| street.bus.try_recv().ok())
                .find_map(|event| if let Event::Note(note) = event { Some(note) } else { None });
            assert!(noted.is_some_and(|note| note.contains("10.0.0.7 has 2")));
        }
        let mut other = street.knock("10.0.0.8").await;
        assert_eq!(first_word(&mut other).await, "220");
        let stale = street.door.stalest(|guest| guest.address == IpAddr::from([10, 0, 0, 7])).expect("two guests").0;
        sleep_until(stale).await;
        let mut third = street.knock("10.0.0.7").await;
        assert_eq!(first_word(&mut third).await, "220");
        let mut words = String::new();
        first.read_to_string(&mut words).await.expect("text to the end");
        assert!(words.contains("421 too many connections and no progress"), "{words}");
        for _ in 0..4 {
            assert_eq!(first_word(&mut street.knock("127.0.0.1").await).await, "220", "a relay may have many");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_accepted_is_not_tried_in_a_busy_loop() {
        let mut street = Street::new(Limits::default()).await;
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let start = Instant::now();
            street.door.answer(Err(io::Error::from_raw_os_error(24)), false);
            pauses.push(street.door.pause.as_millis());
            assert!(street.door.pause_until >= start + street.door.pause);
        }
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1000]);
        let Ok(Event::Note(note)) = street.bus.try_recv() else { panic!("no note") };
        assert!(note.contains("Too many open files") && note.contains("LimitNOFILE"), "{note}");
        assert!(street.bus.try_recv().is_err(), "once is enough");
        let aborted = io::Error::from(ErrorKind::ConnectionAborted);
        street.knock("10.0.0.7").await;
        street.door.answer(Err(aborted), false);
        assert_eq!(street.door.pause, Duration::ZERO);
    }
}
