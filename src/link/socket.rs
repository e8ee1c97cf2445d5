//! Where the socket lies, who may open it, and that there is only one recorder behind it.
//!
//! A service listens at `/run/nvr/nvr.sock`, open to its group; a user's recorder in that user's runtime directory,
//! open to nobody else. A lock beside the socket belongs to the recorder for as long as it lives (the kernel gives it
//! back, however the recorder ends), so whoever holds the lock knows that a socket found there is a dead one's.

use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, Metadata, Permissions};
use std::io::{self, ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::net::{UnixListener, UnixStream};

/// Longest path that the kernel takes for a socket, in bytes.
pub const LONGEST: usize = 107;

const SERVICE: &str = "/run/nvr/nvr.sock";
const NAME: &str = "nvr.sock";
const OTHER: &str = "name another place: --socket PATH";

/// What the environment says about sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Env {
    /// `$XDG_RUNTIME_DIR`; heeded only if it is this user's.
    pub xdg_runtime_dir: Option<PathBuf>,
    /// `$RUNTIME_DIRECTORY`: systemd has made one for this service.
    pub runtime_directory: Option<PathBuf>,
    /// Who runs this process.
    pub uid: u32,
}

impl Env {
    /// This process's.
    pub fn read() -> Self {
        // systemd joins several directories by colons: ours is the first. A relative path means nothing here.
        let dir = |name| {
            let joined = std::env::var_os(name)?;
            let first = joined.as_bytes().split(|byte| *byte == b':').next()?;
            Some(PathBuf::from(OsStr::from_bytes(first))).filter(|dir| dir.is_absolute())
        };
        Self {
            xdg_runtime_dir: dir("XDG_RUNTIME_DIR"),
            runtime_directory: dir("RUNTIME_DIRECTORY"),
            uid: rustix::process::geteuid().as_raw(),
        }
    }

    /// This user's socket, in a directory that nobody else can write to, if the environment names one.
    fn runtime_socket(&self) -> Option<PathBuf> {
        let dir = self.xdg_runtime_dir.as_ref()?;
        // After `su` or `sudo -E` it is someone else's.
        let ours = fs::metadata(dir).is_ok_and(|found| found.is_dir() && found.uid() == self.uid);
        ours.then(|| dir.join(NAME))
    }

    /// The directory for users without a runtime directory. Anyone may make one of that name: see [`check_private`].
    fn fallback_dir(&self) -> PathBuf {
        PathBuf::from(format!("/tmp/nvr-{}", self.uid))
    }
}

/// Where a recorder listens, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The socket.
    pub path: PathBuf,
    /// Its permissions: `0o600`, or `0o660` where a service has a group for its users.
    pub mode: u32,
    /// Whether the directory is made if missing, and must be this user's alone.
    pub private: bool,
}

/// Where a recorder listens. `explicit` is what the command line, the environment or the configuration names; an empty
/// path names nothing.
pub fn for_recorder(explicit: Option<PathBuf>, env: &Env) -> Place {
    let service = env.runtime_directory.as_deref();
    let mode = |path: &Path| if service.is_some_and(|dir| path.parent() == Some(dir)) { 0o660 } else { 0o600 };
    let named = named(explicit).or_else(|| Some(service?.join(NAME))).or_else(|| env.runtime_socket());
    match named {
        Some(path) => Place { mode: mode(&path), path, private: false },
        None => Place { path: env.fallback_dir().join(NAME), mode: 0o600, private: true },
    }
}

/// Where a client looks, in this order: what is named and nothing else, or else the service's socket, then this user's.
///
/// Both of the user's places are looked at, because cron and `sudo` know of no runtime directory where a login does.
pub fn candidates(explicit: Option<PathBuf>, env: &Env) -> Vec<PathBuf> {
    if let Some(path) = named(explicit) {
        return vec![path];
    }
    let login = PathBuf::from(format!("/run/user/{}", env.uid));
    let by_login = Env { xdg_runtime_dir: Some(login), ..env.clone() };
    let fallback = env.fallback_dir();
    let mut places = vec![PathBuf::from(SERVICE)];
    places.extend(env.runtime_socket().or_else(|| by_login.runtime_socket()));
    // What someone else may have planted there is not looked at; a recorder says what is wrong with it.
    places.extend(check_private(&fallback, env.uid).is_ok().then(|| fallback.join(NAME)));
    places
}

fn named(explicit: Option<PathBuf>) -> Option<PathBuf> {
    explicit.filter(|path| !path.as_os_str().is_empty())
}

/// A listening socket and what must go with it.
#[derive(Debug)]
pub struct Bound {
    /// Already listening.
    pub listener: UnixListener,
    /// To be kept for as long as the recorder lives.
    pub guard: Guard,
}

/// Holds the lock. Dropping it removes the socket and lets the lock go.
///
/// The lock's empty file stays: whoever removes it while another process is about to lock it lets two recorders in.
#[derive(Debug)]
pub struct Guard {
    path: PathBuf,
    socket: Option<(u64, u64)>,
    _lock: OwnedFd,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.socket.is_some() && self.socket == fs::symlink_metadata(&self.path).ok().as_ref().map(identity) {
            fs::remove_file(&self.path).ok(); // a socket left behind does no harm: the next recorder removes it
        }
    }
}

/// Listens at `place`. From the first instant on, only those whom its permissions let in can connect.
///
/// A socket that a dead recorder left is removed. The error is a sentence with its remedy: a recorder is already
/// running, or the place does not serve.
pub async fn bind(place: &Place) -> Result<Bound, String> {
    let path = &place.path;
    check_length(path)?;
    if place.private
        && let Some(dir) = path.parent()
    {
        make_private(dir, rustix::process::geteuid().as_raw())?;
    }
    let Some(lock) = take_lock(&lock_path(path))? else {
        return Err(match listener_of(path).await {
            Some(pid) => format!("a recorder is already running ({pid}attach with: nvr --socket {})", path.display()),
            None => format!("another recorder is just starting or stopping at {} (try again)", path.display()),
        });
    };
    let mut guard = Guard { path: path.clone(), socket: None, _lock: lock };
    if let Some(pid) = listener_of(path).await {
        return Err(format!("{} is taken by another program ({pid}end it, or {OTHER})", path.display()));
    }
    remove_stale(path)?;
    let listener = listen(path, place.mode, &mut guard).map_err(|error| cannot("listen at", path, &error, OTHER))?;
    Ok(Bound { listener, guard })
}

/// Between `bind` and `listen` a socket refuses everyone, whatever its permissions: they are set there.
fn listen(path: &Path, mode: u32, guard: &mut Guard) -> io::Result<UnixListener> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    guard.socket = Some(identity(&fs::symlink_metadata(path)?));
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    rustix::net::listen(&socket, 128)?;
    UnixListener::from_std(socket.into())
}

fn remove_stale(path: &Path) -> Result<(), String> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(cannot("look at", path, &error, OTHER)),
    };
    if !found.file_type().is_socket() {
        return Err(format!("{} is there and is not a socket ({OTHER})", path.display()));
    }
    fs::remove_file(path).map_err(|error| cannot("remove the old socket", path, &error, OTHER))
}

/// Who listens at `path`, as `pid 4711; `, or as no words if that cannot be told; `None`: nobody.
async fn listener_of(path: &Path) -> Option<String> {
    match UnixStream::connect(path).await {
        Ok(stream) => {
            let pid = stream.peer_cred().ok().and_then(|peer| peer.pid()).filter(|pid| *pid > 0);
            Some(pid.map(|pid| format!("pid {pid}; ")).unwrap_or_default())
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => Some(String::new()), // so many wait that it is full
        Err(_) => None,
    }
}

fn lock_path(socket: &Path) -> PathBuf {
    let mut name = socket.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

/// `None`: a living process holds it.
fn take_lock(path: &Path) -> Result<Option<OwnedFd>, String> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => cannot("make", path, &error, &format!("run: mkdir -p {}", dir.display())),
        ErrorKind::PermissionDenied => {
            cannot("lock", path, &error, &format!("run nvr as {}'s owner, or {OTHER}", dir.display()))
        }
        _ => cannot("lock", path, &error, OTHER),
    };
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR).map_err(|error| failed(error.into()))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(error) if error == rustix::io::Errno::WOULDBLOCK => Ok(None),
        Err(error) => Err(failed(error.into())),
    }
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

fn make_private(dir: &Path, uid: u32) -> Result<(), String> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(cannot("make", dir, &error, OTHER)),
    }
    check_private(dir, uid)
}

/// A directory that others could have made, or could write to, is one where they could listen in our place.
fn check_private(dir: &Path, uid: u32) -> Result<(), String> {
    let found = match fs::symlink_metadata(dir) {
        Ok(found) => found,
        Err(error) => return Err(cannot("look at", dir, &error, OTHER)),
    };
    let shown = dir.display();
    if !found.is_dir() {
        return Err(format!("{shown} is there and is not a directory (remove it, or {OTHER})"));
    }
    if found.uid() != uid {
        return Err(format!("{shown} belongs to {} (remove it, or {OTHER})", name_of("/etc/passwd", found.uid())));
    }
    if found.mode() & 0o077 != 0 {
        return Err(format!("{shown} is open to other users (run: rm -r {shown}, or {OTHER})"));
    }
    Ok(())
}

/// Refuses a path that the kernel would cut or reject.
pub(super) fn check_length(path: &Path) -> Result<(), String> {
    let bytes = path.as_os_str().as_bytes().len();
    if bytes <= LONGEST {
        return Ok(());
    }
    Err(format!(
        "{} has {bytes} bytes; a socket's path may have {LONGEST} (name a shorter one: --socket PATH)",
        path.display()
    ))
}

/// Who may open `path`, for someone who may not: a sentence with the remedy.
pub(super) fn denied(path: &Path) -> String {
    // Whatever denied us: the socket, or the nearest directory above it that can be looked at.
    let nearest = path.ancestors().find_map(|at| fs::symlink_metadata(at).ok());
    let shown = path.display();
    // A group enters a directory by `x` and a socket by `w`. The group of root is for nobody to join.
    let by_group = |found: &Metadata| {
        let needed = if found.is_dir() { 0o010 } else { 0o020 };
        found.gid() != 0 && found.mode() & needed != 0
    };
    match nearest {
        Some(found) if by_group(&found) => {
            let group = name_of("/etc/group", found.gid());
            format!("{shown}: permission denied (run: sudo usermod -aG {group} $USER, then log in again)")
        }
        Some(found) => {
            let owner = name_of("/etc/passwd", found.uid());
            format!("{shown}: permission denied, it is {owner}'s alone (run: sudo -u {owner} nvr --socket {shown})")
        }
        None => format!("{shown}: permission denied (run: sudo nvr --socket {shown})"),
    }
}

/// The name that `table` (passwd or group) gives to `id`, or the number. Directory services are not asked.
fn name_of(table: &str, id: u32) -> String {
    let mut text = String::new();
    let read = File::open(table).and_then(|file| file.take(1 << 20).read_to_string(&mut text));
    let line = text.lines().find(|line| read.is_ok() && line.split(':').nth(2) == Some(&id.to_string()));
    line.and_then(|line| line.split(':').next()).map_or_else(|| id.to_string(), str::to_owned)
}

/// An error of the system as a sentence.
pub(super) fn cannot(what: &str, path: &Path, error: &io::Error, remedy: &str) -> String {
    format!("cannot {what} {}: {} ({remedy})", path.display(), why(error))
}

/// What the system says, without its number.
pub(super) fn why(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
