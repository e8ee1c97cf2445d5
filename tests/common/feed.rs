//! A camera that knows when it sent what: it serves a stream over TCP in real time and writes down the instant of every
//! packet, by a clock that is not the recorder's.

#![allow(dead_code, reason = "each program of tests needs other moods")]

use super::material::Material;
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How a camera behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Well,
    /// It hangs up, and takes no connection.
    Away,
    /// It keeps the connection and sends nothing.
    Silent,
    /// It sends what is no stream.
    Raving,
}

/// A camera that sends for as long as this is kept.
///
/// Its stream goes on whether somebody watches or not, as a real camera's does: whoever connects gets it from the next
/// key frame on.
pub struct Feed {
    pub material: Arc<Material>,
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    began: Instant,
    over: AtomicBool,
    sent: Mutex<Vec<Option<Instant>>>,
    connected: Mutex<Vec<Instant>>,
    watcher: Mutex<Option<TcpStream>>,
    mood: Mutex<Mood>,
    better: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Feed {
    pub fn start(material: Arc<Material>) -> Feed {
        Feed::at("127.0.0.1", material)
    }

    /// At an address of its own, by which its mails can be told.
    pub fn at(address: &str, material: Arc<Material>) -> Feed {
        Feed::since(Instant::now(), address, material)
    }

    /// One that was switched on at some instant, so that cameras of one material send different things at a time.
    pub fn since(began: Instant, address: &str, material: Arc<Material>) -> Feed {
        let listener = TcpListener::bind((address, 0)).expect("a free port");
        let shared = Arc::new(Shared {
            began,
            over: AtomicBool::new(false),
            sent: Mutex::new(vec![None; material.packets.len()]),
            connected: Mutex::default(),
            watcher: Mutex::new(None),
            mood: Mutex::new(Mood::Well),
            better: Condvar::new(),
        });
        let address = listener.local_addr().expect("its address");
        let thread = std::thread::spawn({
            let (shared, material) = (shared.clone(), material.clone());
            move || {
                let mut listener = Some(listener);
                while shared.serve(listener.take().unwrap_or_else(|| bind(address)), &material) {}
            }
        });
        Feed { material, address, shared, thread: Some(thread) }
    }

    /// The `[[camera]]` block for it.
    pub fn camera(&self, name: &str) -> String {
        let (address, format) = (self.address, self.material.kind.format());
        format!("[[camera]]\nname = '{name}'\nsource = 'tcp://{address}'\ninput_args = ['-f', '{format}']\n")
    }

    /// It behaves otherwise from now on. Whoever watches it is hung up on when it goes away, and when it has raved:
    /// nobody could find the way back into its stream.
    pub fn is(&self, mood: Mood) {
        let before = std::mem::replace(&mut *lock(&self.shared.mood), mood);
        self.shared.better.notify_all();
        if mood == Mood::Away || before == Mood::Raving {
            self.hang_up();
            drop(TcpStream::connect(self.address)); // wakes the thread that waits for a watcher
        }
    }

    fn hang_up(&self) {
        if let Some(watcher) = lock(&self.shared.watcher).take() {
            let _ = watcher.shutdown(Shutdown::Both); // a full socket must not keep the thread
        }
    }

    /// When each packet left, in the order of the material; `None`: nobody was there to get it.
    pub fn sent(&self) -> Vec<Option<Instant>> {
        lock(&self.shared.sent).clone()
    }

    /// When each watcher came.
    pub fn connected(&self) -> Vec<Instant> {
        lock(&self.shared.connected).clone()
    }
}

/// The place that a camera has had before. Nobody else takes it meanwhile, unless by the rarest of accidents.
fn bind(address: SocketAddr) -> TcpListener {
    TcpListener::bind(address).expect("the camera's own port")
}

impl Shared {
    /// Serves one watcher after the other until the camera goes away, and then waits until it is back. Answers whether
    /// it ever will be.
    fn serve(&self, listener: TcpListener, material: &Material) -> bool {
        for stream in listener.incoming().flatten() {
            if self.over.load(Ordering::SeqCst) {
                return false;
            }
            if *lock(&self.mood) == Mood::Away {
                break;
            }
            *lock(&self.watcher) = stream.try_clone().ok();
            lock(&self.connected).push(Instant::now());
            // Whoever hangs up may come again.
            let _ = self.send(material, stream);
        }
        drop(listener);
        let away = |mood: &mut Mood| *mood == Mood::Away && !self.over.load(Ordering::SeqCst);
        drop(self.better.wait_while(lock(&self.mood), away));
        !self.over.load(Ordering::SeqCst)
    }

    fn send(&self, material: &Material, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        stream.write_all(&material.bytes[material.head.clone()])?;
        let connected = self.began.elapsed().as_secs_f64();
        let mut random = fastrand::Rng::with_seed(1);
        // Nothing can be made of a stream before a key frame, nor after a part of it that is missing.
        let mut lost = true;
        let first = material.chunks.iter().position(|chunk| chunk.at >= connected).unwrap_or(material.chunks.len());
        for chunk in &material.chunks[first..] {
            let at = self.began + Duration::from_secs_f64(chunk.at.max(0.0));
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if self.over.load(Ordering::SeqCst) {
                break;
            }
            // Whoever did not read for so long gets what is sent now, and not all that he missed.
            let late = at.elapsed() > Duration::from_secs(2);
            let mood = *lock(&self.mood);
            match mood {
                Mood::Well if late => lost = true,
                Mood::Well if lost && !chunk.key => {}
                Mood::Well => {
                    stream.write_all(&material.bytes[chunk.range.clone()])?;
                    lost = false;
                    let now = Instant::now();
                    lock(&self.sent)[chunk.packets.clone()].fill(Some(now));
                }
                Mood::Silent => lost = true,
                Mood::Raving => {
                    let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(chunk.range.len()).collect();
                    stream.write_all(&noise)?;
                }
                Mood::Away => break,
            }
        }
        Ok(())
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        self.shared.better.notify_all();
        self.hang_up();
        drop(TcpStream::connect(self.address)); // wakes the thread that waits for a watcher
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
