//! What people and scripts ask of the recorder: the same whether it is a key, a verb or a test.

use super::id::{BadCameraName, CameraName};
use super::question::{Found, Question};
use super::transcript::Fix;
use serde::{Deserialize, Serialize};

/// An order from a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Obey triggers from outside.
    Arm(Who),
    /// Ignore triggers from outside.
    Disarm(Who),
    /// Save footage now, armed or not.
    Trigger {
        /// Of which cameras.
        who: Who,
        /// Where the order came from, for the record: `key` or `command`.
        by: TriggerBy,
    },
    /// End the countdown: what is open is finished and nothing more is saved.
    Release(Who),
    /// Keep a clip whatever retention says, or no longer.
    Protect {
        /// Its name.
        clip: String,
        /// Whether.
        protected: bool,
    },
    /// Delete a clip and its record for good.
    Delete {
        /// Its name.
        clip: String,
    },
    /// Tell something.
    Ask(Question),
    /// Write a line into the configuration, and go on with it.
    Write(Fix),
    /// Read the configuration again and go on with what it says.
    Reload,
    /// Stop the recorder.
    Stop,
}

/// A person's way to trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerBy {
    /// A key in the monitor.
    Key,
    /// `nvr trigger`.
    Command,
}

/// Which cameras an order means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Every one.
    All,
    /// These.
    Cameras(Vec<CameraName>),
}

impl Who {
    /// The cameras of a command line; no names means all.
    pub fn from_names(names: &[String]) -> Result<Self, BadCameraName> {
        if names.is_empty() {
            return Ok(Who::All);
        }
        names.iter().map(|name| name.parse()).collect::<Result<_, _>>().map(Who::Cameras)
    }
}

/// What came of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Done; a sentence that says what.
    Done(String),
    /// Not done; a sentence that says why and what to do.
    Refused(String),
    /// What was asked for.
    Found(Found),
}
