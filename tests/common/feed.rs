//! A camera that knows when it sent what: it serves a stream over TCP in real time and writes down the instant of every
//! packet, by a clock that is not the recorder's.

use super::material::Material;
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

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
    watcher: Mutex<Option<TcpStream>>,
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
        let listener = TcpListener::bind((address, 0)).expect("a free port");
        let shared = Arc::new(Shared {
            began: Instant::now(),
            over: AtomicBool::new(false),
            sent: Mutex::new(vec![None; material.packets.len()]),
            watcher: Mutex::new(None),
        });
        let address = listener.local_addr().expect("its address");
        let thread = std::thread::spawn({
            let (shared, material) = (shared.clone(), material.clone());
            move || {
                for stream in listener.incoming().flatten() {
                    if shared.over.load(Ordering::SeqCst) {
                        return;
                    }
                    *lock(&shared.watcher) = stream.try_clone().ok();
                    // Whoever hangs up may come again.
                    let _ = shared.send(&material, stream);
                }
            }
        });
        Feed { material, address, shared, thread: Some(thread) }
    }

    /// The `[[camera]]` block for it.
    pub fn camera(&self, name: &str) -> String {
        let (address, format) = (self.address, self.material.kind.format());
        format!("[[camera]]\nname = '{name}'\nsource = 'tcp://{address}'\ninput_args = ['-f', '{format}']\n")
    }

    /// When each packet left, in the order of the material; `None`: nobody was there to get it.
    pub fn sent(&self) -> Vec<Option<Instant>> {
        lock(&self.shared.sent).clone()
    }
}

impl Shared {
    fn send(&self, material: &Material, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        stream.write_all(&material.bytes[material.head.clone()])?;
        let connected = self.began.elapsed().as_secs_f64();
        let chunks = material.chunks.iter().skip_while(|chunk| !chunk.key || chunk.at < connected);
        for chunk in chunks {
            let at = self.began + Duration::from_secs_f64(chunk.at.max(0.0));
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if self.over.load(Ordering::SeqCst) {
                break;
            }
            stream.write_all(&material.bytes[chunk.range.clone()])?;
            let now = Instant::now();
            lock(&self.sent)[chunk.packets.clone()].fill(Some(now));
        }
        Ok(())
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        if let Some(watcher) = lock(&self.shared.watcher).take() {
            let _ = watcher.shutdown(Shutdown::Both); // a full socket must not keep the thread
        }
        drop(TcpStream::connect(self.address)); // wakes the thread that waits for a watcher
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
