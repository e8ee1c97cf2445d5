//! Whether every packet that was wanted is in the clips, once.

use crate::feed::Feed;
use crate::material::{self, Material};
use crate::nvr_process::Clip;
use std::collections::HashMap;
use std::ops::Range;
use std::time::Instant;

/// What became of packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    pub wanted: usize,
    pub missing: usize,
    pub twice: usize,
}

/// Where each packet stands in the material, by its content.
pub struct Places<'a>(HashMap<&'a str, usize>);

impl Places<'_> {
    pub fn of(material: &Material) -> Places<'_> {
        Places(material.packets.iter().enumerate().map(|(place, packet)| (packet.hash.as_str(), place)).collect())
    }

    /// Compares a camera's clips with what it sent while footage was wanted.
    pub fn count<'c>(&self, feed: &Feed, wanted: &Range<Instant>, clips: impl Iterator<Item = &'c Clip>) -> Count {
        let sent = feed.sent();
        let mut found = vec![0usize; sent.len()];
        for packet in clips.flat_map(|clip| material::packets(&clip.path)) {
            found[self.0[packet.hash.as_str()]] += 1;
        }
        let is_wanted = |at: &Option<Instant>| at.is_some_and(|at| wanted.contains(&at));
        let wanted: Vec<_> = sent.iter().zip(&found).filter(|(at, _)| is_wanted(at)).map(|(_, found)| *found).collect();
        let missing = wanted.iter().filter(|found| **found == 0).count();
        Count { wanted: wanted.len(), missing, twice: found.iter().filter(|found| **found > 1).count() }
    }
}

impl std::ops::Add for Count {
    type Output = Count;

    fn add(self, other: Count) -> Count {
        Count {
            wanted: self.wanted + other.wanted,
            missing: self.missing + other.missing,
            twice: self.twice + other.twice,
        }
    }
}
