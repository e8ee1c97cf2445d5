//! The command line: verbs, options, and what each prints. Everything it says goes to standard output, everything that
//! goes wrong to standard error with exit code 1; a mistake in the words themselves is exit code 2.

mod answers;
mod attach;
mod cat;
mod change;
mod check;
mod clip;
mod clips;
mod demo;
mod follow;
mod generate;
mod logs;
mod look;
mod mail;
mod out;
mod plan;
mod query;
mod record;
mod reload;
mod setup;
mod shape;
mod status;
mod stop;
mod table;
mod verify;

use crate::config::{self, Loaded};
use crate::link::dial::{self, Client, Reach};
use crate::link::socket;
use crate::model::id::CameraName;
use clap::{Args, Parser, Subcommand};
use color_eyre::eyre::{Result, eyre};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;
use tokio::process::{Child, ChildStdin, Command};

/// A network video recorder for headless boxes. Without a verb: the monitor; it starts a recorder if none runs.
#[derive(Debug, Parser)]
#[command(name = "nvr", version, max_term_width = 100, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Option<Verb>,
}

/// What every verb understands.
#[derive(Debug, Clone, Args)]
struct Global {
    /// The configuration [default: ./nvr.toml, $XDG_CONFIG_HOME/nvr/nvr.toml, /etc/nvr/nvr.toml]
    #[arg(long, global = true, value_name = "FILE", display_order = 900)]
    config: Option<PathBuf>,
    /// The recorder's socket [env: NVR_SOCKET] [default: /run/nvr/nvr.sock, then this user's: $XDG_RUNTIME_DIR/nvr.sock, or
    /// without that /tmp/nvr-UID/nvr.sock]
    #[arg(long, global = true, value_name = "PATH", display_order = 901)]
    socket: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Record in the foreground, without a screen: for systemd and containers
    Record {
        /// Write the log to files in this directory instead of standard error
        #[arg(long, value_name = "DIR", hide = true)]
        log_dir: Option<PathBuf>,
        /// Stop when standard input ends
        #[arg(long, hide = true)]
        leash: bool,
    },
    /// See it all on two synthetic cameras, in a temporary place: needs no camera and no configuration
    Demo {
        /// Leave footage and configuration where they are
        #[arg(long)]
        keep: bool,
    },
    /// Look for what would keep it from recording, each with its remedy
    Check(plan::Plans),
    /// One look; the exit code says whether all is well
    Status {
        /// As JSON: instants in RFC 3339, spans in seconds, sizes in bytes; healthy and troubles are the verdict
        #[arg(long)]
        json: bool,
    },
    /// Obey triggers from outside
    Arm(Meant),
    /// Ignore triggers from outside
    Disarm(Meant),
    /// Save footage now, armed or not
    Trigger(Meant),
    /// End the countdown
    Release(Meant),
    /// Read the configuration again and go on with it: what did not change is not touched
    ///
    /// The recorder reads the file that it was started with. If there is a mistake in it, the old settings stay in force
    /// and the exit code is 1.
    Reload,
    /// Stop the recorder, and wait until what is claimed is stored and it is gone
    ///
    /// Countdowns end and the ring is emptied. What cannot be stored within a minute waits in RAM for the next start, and
    /// the exit code is 1.
    Stop,
    /// List clips, newest first
    Clips(clips::Clips),
    /// Tell all about a clip: what was wanted, what is there and why the two differ, triggers, hash
    Clip {
        /// Its name, or CAMERA@last
        clip: clips::Named,
        /// As JSON, the whole record included
        #[arg(long)]
        json: bool,
    },
    /// Write a clip to standard output; one that still grows is followed to its end
    Cat {
        /// Its name, or CAMERA@last
        clip: clips::Named,
    },
    /// Check that clips are still what their records say: hash, size, pictures, length. Needs no recorder; exit code 1 if
    /// one is not
    Verify {
        /// Their names, or CAMERA@last [default: all]
        #[arg(value_name = "CLIP")]
        clips: Vec<clips::Named>,
        /// Say nothing if all is well: for cron
        #[arg(long, short, conflicts_with = "json")]
        quiet: bool,
        /// As JSON, one clip a line
        #[arg(long)]
        json: bool,
    },
    /// Look at the newest picture of a camera, or at the first, the trigger's and the last of a clip: drawn on a
    /// terminal, else the JPEG on standard output (of a clip, the trigger's)
    Look {
        /// A camera, a clip, or CAMERA@last
        #[arg(value_name = "CAMERA|CLIP")]
        of: look::Of,
        /// Write the JPEG to this file; several go to FILE-first, FILE-trigger, FILE-last, FILE-mail
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// As JSON, one picture a line, the JPEG in base64
        #[arg(long, conflicts_with = "output")]
        json: bool,
    },
    /// Keep clips, whatever retention says
    Protect {
        /// Their names, or CAMERA@last
        #[arg(required = true, value_name = "CLIP")]
        clips: Vec<clips::Named>,
    },
    /// Leave clips to retention again
    Unprotect {
        /// Their names, or CAMERA@last
        #[arg(required = true, value_name = "CLIP")]
        clips: Vec<clips::Named>,
    },
    /// Delete clips for good; asks first
    Delete {
        /// Their names
        #[arg(required = true, value_name = "CLIP")]
        clips: Vec<clips::ClipName>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Show every segment's way into the archive, newest last
    Copies(logs::Copies),
    /// Show what happened, when and why, newest last
    Journal(logs::Journal),
    /// Tell scripts what happens, as one line of JSON each, from now on and for ever
    ///
    /// Each line has time (RFC 3339), number (counts up from 1 since the recorder started; null if the line is about the
    /// recorder and not from it), level (info, warn, error), topic (recorder, camera, mail, order, clip, loss, archive,
    /// ring), camera (or null) and text. No line is left out, however many come at once; if the recorder is lost, it is
    /// waited for.
    Events(logs::Events),
    /// Show who connected to the mail port, what was said and what came of it, newest last; with a camera: send a mail as
    /// that camera would, and say what came of it
    Mail(mail::Mail),
    /// Tell what to type into a camera's form so that its mails come here; needs no recorder
    Setup(setup::Setup),
    /// Show the last lines of a camera's FFmpeg
    Stderr {
        /// Its name
        camera: CameraName,
    },
    /// End when the disk of an archive has answered
    #[command(hide = true)]
    Answers {
        /// Where it is
        dir: PathBuf,
    },
    /// Write the man page or completions, for those who make packages
    #[command(hide = true)]
    Generate {
        /// Which
        what: generate::What,
    },
}

/// Which cameras.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Meant {
    /// Names of cameras
    #[arg(value_name = "CAMERA")]
    cameras: Vec<CameraName>,
    /// Every camera
    #[arg(long)]
    all: bool,
}

/// Does what the command line says.
pub fn main() -> ExitCode {
    let mut cli = Cli::parse();
    let named = std::env::var_os("NVR_SOCKET").filter(|named| !named.is_empty()).map(PathBuf::from);
    cli.global.socket = cli.global.socket.or(named);
    // The recorder's children are told to end when the thread that started them does: so it is this one, for ever.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&eyre!("nothing can be started: {error} (too many open files or processes?)")),
    };
    let outcome = runtime.block_on(run(cli));
    runtime.shutdown_background();
    match outcome {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

fn failed(error: &color_eyre::Report) -> ExitCode {
    complain(error);
    ExitCode::FAILURE
}

/// One sentence a line, without a frame around it: what a person needs is in the words.
fn complain(error: &color_eyre::Report) {
    let words: Vec<_> = error.chain().map(ToString::to_string).collect();
    eprintln!("nvr: {}", words.join(": "));
}

async fn run(cli: Cli) -> Result<ExitCode> {
    let global = cli.global;
    match cli.verb {
        None => attach::attach(&global).await,
        Some(Verb::Record { log_dir, leash }) => record::record(&global, log_dir, leash).await,
        Some(Verb::Demo { keep }) => demo::demo(keep).await,
        Some(Verb::Check(plans)) if plans.plan => plan::plan(&global, &plans).await,
        Some(Verb::Check(_)) => check::check(&global).await,
        Some(Verb::Status { json }) => status::status(&global, json).await,
        Some(Verb::Arm(meant)) => query::order(&global, query::Order::Arm, &meant).await,
        Some(Verb::Disarm(meant)) => query::order(&global, query::Order::Disarm, &meant).await,
        Some(Verb::Trigger(meant)) => query::order(&global, query::Order::Trigger, &meant).await,
        Some(Verb::Release(meant)) => query::order(&global, query::Order::Release, &meant).await,
        Some(Verb::Reload) => reload::reload(&global).await,
        Some(Verb::Stop) => stop::stop(&global).await,
        Some(Verb::Clips(args)) => clips::clips(&global, &args).await,
        Some(Verb::Clip { clip, json }) => clip::clip(&global, &clip, json).await,
        Some(Verb::Cat { clip }) => cat::cat(&global, &clip).await,
        Some(Verb::Verify { clips, quiet, json }) => verify::verify(&global, &clips, json, quiet).await,
        Some(Verb::Look { of, output, json }) => look::look(&global, &of, output.as_deref(), json).await,
        Some(Verb::Protect { clips }) => change::protect(&global, &clips, true).await,
        Some(Verb::Unprotect { clips }) => change::protect(&global, &clips, false).await,
        Some(Verb::Delete { clips, yes }) => change::delete(&global, &clips, yes).await,
        Some(Verb::Copies(args)) => logs::copies(&global, &args).await,
        Some(Verb::Journal(args)) => logs::journal(&global, &args).await,
        Some(Verb::Events(args)) => logs::events(&global, &args).await,
        Some(Verb::Mail(args)) => mail::mail(&global, &args).await,
        Some(Verb::Setup(args)) => setup::setup(&global, &args).await,
        Some(Verb::Stderr { camera }) => logs::stderr(&global, camera).await,
        Some(Verb::Answers { dir }) => Ok(answers::answers(&dir)),
        Some(Verb::Generate { what }) => generate::generate(what),
    }
}

impl Global {
    /// Reads the configuration. Answers it with the path it was found at.
    fn load(&self) -> Result<(Loaded, PathBuf)> {
        let env = |name: &str| std::env::var(name).ok();
        let path = config::find(self.config.as_deref(), &env)?;
        let loaded = config::load(&path, &env)?;
        Ok((loaded, path))
    }

    /// The socket that is asked for: by the command line, else by the configuration, if it can be read.
    fn named_socket(&self) -> Result<Option<PathBuf>> {
        match (&self.socket, &self.config) {
            (Some(socket), _) => Ok(Some(socket.clone())),
            // A file that was named must be right; one that was only found may be somebody else's to read.
            (None, Some(_)) => Ok(self.load()?.0.settings.recorder.socket),
            (None, None) => Ok(self.load().ok().and_then(|(loaded, _)| loaded.settings.recorder.socket)),
        }
    }

    /// Where a recorder may be found.
    fn sockets(&self) -> Result<Vec<PathBuf>> {
        Ok(socket::candidates(self.named_socket()?, &socket::Env::read()))
    }
}

/// This program, to start it again.
fn program() -> Result<PathBuf> {
    std::env::current_exe()
        .map_err(|error| eyre!("this program's own file cannot be found: {error} (start it by its path)"))
}

/// The other end of a recorder's standard input.
struct Leash(#[expect(dead_code, reason = "only held")] ChildStdin);

/// How long a recorder may take to start; it may have to finish what an earlier one left.
const START: Duration = Duration::from_secs(60);

/// A recorder in a process of its own, which no terminal's end reaches.
///
/// Waits until it can be reached at `socket`, or until it has ended; then its own words are the error. On a `leash` it
/// stops when that is dropped, however this process ends.
async fn start_recorder(config: &Path, socket: &Path, state: &Path, leash: bool) -> Result<(Child, Option<Leash>)> {
    let refused = |error: std::io::Error| eyre!("{error} (check recorder.state_dir)");
    fs_err::create_dir_all(state).map_err(refused)?;
    let words = state.join("start.log");
    let last_words = std::fs::File::from(fs_err::File::create(&words).map_err(refused)?);
    let mut child = Command::new(program()?)
        .arg("--config")
        .arg(config)
        .arg("--socket")
        .arg(socket)
        .args(["record", "--log-dir"])
        .arg(state)
        .args(leash.then_some("--leash"))
        .stdin(if leash { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::null())
        .stderr(last_words)
        .process_group(0)
        .spawn()?;
    // Waiting for a child drops what it still holds of its input.
    let leash = child.stdin.take().map(Leash);
    let place = [socket.to_owned()];
    let reached = async {
        loop {
            // Its socket is there before all the rest is; who says hello is ready.
            if let Ok(Reach::Connected(stream, _)) = dial::reach(&place).await
                && Client::attach(stream, false).await.is_ok()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = reached => Ok((child, leash)),
        status = child.wait() => {
            let said = fs_err::read_to_string(&words).unwrap_or_default();
            let said = said.trim().trim_start_matches("nvr: ");
            Err(match status {
                _ if !said.is_empty() => eyre!("{said}"),
                Ok(status) => eyre!("the recorder ended at once ({status}; see the log in {})", state.display()),
                Err(error) => eyre!("the recorder cannot be watched: {error}"),
            })
        }
        () = tokio::time::sleep(START) => {
            Err(eyre!("the recorder does not answer (see its log in {})", state.display()))
        }
    }
}
