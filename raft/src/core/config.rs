//! What a server is told when it starts, and what is wrong with it.

use super::Ms;
use labrpc::schema::{Durability, Server};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// Times and limits of a server. All servers of a cluster are given the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Config {
    /// The voters of the initial configuration.
    pub voters: BTreeSet<Server>,
    /// A follower that hears from no leader for a time drawn from this range starts an election. §5.2
    /// wants broadcast time ≪ this ≪ time between failures, and each server's draw to be its own.
    pub election_timeout: RangeInclusive<Ms>,
    /// A leader sends to every other server at least this often.
    pub heartbeat: Ms,
    /// A leader that no quorum answered for this long steps down (thesis §6.2).
    pub quorum_check: Ms,
    /// Whether a write must reach the disk before it counts: labs 2A and 2B assume that it has.
    pub durability: Durability,
    /// Whether there is a log to replicate: lab 2A runs without.
    pub replicate: bool,
    /// The most entries in one AppendEntries.
    pub max_entries: usize,
    /// The most bytes of a snapshot in one InstallSnapshot.
    pub max_chunk: usize,
}

/// A configuration that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Nobody votes.
    #[error("a cluster needs at least one voter, and `voters` is empty")]
    NoVoters,
    /// The range's ends are the wrong way round, or timeouts cannot differ.
    #[error(
        "`election_timeout` must be a range of at least two milliseconds, for equal timeouts split votes for ever"
    )]
    ElectionTimeout,
    /// Followers would time out between two heartbeats.
    #[error(
        "`heartbeat` must be above 0 and less than half of the shortest election timeout, or one lost message deposes a leader"
    )]
    Heartbeat,
    /// A leader would step down between two heartbeats.
    #[error(
        "`quorum_check` must be at least two heartbeats, or a leader steps down before anybody can answer"
    )]
    QuorumCheck,
    /// Messages that carry nothing replicate nothing.
    #[error("`max_entries` and `max_chunk` must be above 0, or nothing is ever replicated")]
    EmptyMessages,
}

impl Config {
    /// The lab's times: election timeouts of 300–600 ms, a heartbeat every 50 ms, a check every 600 ms.
    pub fn new(voters: impl IntoIterator<Item = Server>, durability: Durability) -> Self {
        Config {
            voters: voters.into_iter().collect(),
            election_timeout: 300..=600,
            heartbeat: 50,
            quorum_check: 600,
            durability,
            replicate: true,
            max_entries: 256,
            max_chunk: 64 * 1024,
        }
    }

    /// Refuses what cannot work.
    pub fn check(&self) -> Result<(), ConfigError> {
        let (shortest, longest) = (*self.election_timeout.start(), *self.election_timeout.end());
        if self.voters.is_empty() {
            Err(ConfigError::NoVoters)
        } else if shortest >= longest {
            Err(ConfigError::ElectionTimeout)
        } else if self.heartbeat == 0 || self.heartbeat * 2 >= shortest {
            Err(ConfigError::Heartbeat)
        } else if self.quorum_check < self.heartbeat * 2 {
            Err(ConfigError::QuorumCheck)
        } else if self.max_entries == 0 || self.max_chunk == 0 {
            Err(ConfigError::EmptyMessages)
        } else {
            Ok(())
        }
    }
}
