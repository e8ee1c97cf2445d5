//! `nvr`, a network video recorder for headless boxes.
//!
//! FFmpeg copies each camera's stream into a ring of segments in RAM. A camera's mail is the trigger: the seconds before
//! it are claimed from the ring and, until the countdown ends, every finished segment is appended to a clip in the
//! archive. Until something happens no disk is touched, and nothing is ever decoded.
//!
//! ```text
//!  FFmpeg supervisors   mail   ring watcher   archive   retention        monitors (0..n), scripts
//!         \              \         |             /          /                  |   JSON lines
//!          └──────────────┴─ Event (one bounded mpsc) ─────┘                   |
//!                                ▼                                             |
//!                             engine ── Effect ──▶ the same tasks          sessions
//!                        owns model::Recorder ── watch<Arc<Snapshot>> ────────┘
//!                                ▲────────────────── Command ─────────────────┘
//! ```
//!
//! One task owns the state. Facts come in, orders go out, pictures go round; nothing else is shared.
//!
//! | where | what | may use |
//! | --- | --- | --- |
//! | [`model`] | what to do: pure, no clock, no IO, no async | nothing of ours |
//! | [`work`] | the hands: FFmpeg, ring, mail port, archive | `model` |
//! | [`engine`] | receive → apply → carry out → publish | `model`, `work` |
//! | [`link`] | bytes between recorder and monitors | the model's snapshot, command and question |
//! | [`monitor`] | the screen, a process of its own | `link`, and the same of the model |
//! | [`config`] | `nvr.toml` | `model` |
//! | [`cli`] | the verbs; joins all of these | everything |
//! | [`stop`], [`journal`], [`clock`] | the order of stopping; where sentences go; what time it is | |
//!
//! `tests/rules` holds this table. Where to begin reading: [`model::recorder`] decides, [`model::saving`] is the heart
//! of it (which footage is wanted, and its way into a clip), [`engine`] shows how it meets the world.

pub mod cli;
pub mod clock;
pub mod config;
pub mod engine;
pub mod journal;
pub mod link;
pub mod model;
pub mod monitor;
pub mod stop;
pub mod work;
