//! A record (one event with its stamp, time, state and cause) and the header that opens a trace.

use crate::{Event, Index, Node, Server, Stamp, Term};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The first line of every trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Header {
    /// The schema's version: [`crate::SCHEMA`].
    pub schema: u32,
    /// Which run this is.
    pub run: RunId,
    /// The kit's version.
    pub kit: String,
    /// Every server, also one that starts later.
    pub servers: Vec<Server>,
    /// The voters of the initial configuration.
    pub voters: Vec<Server>,
    /// Servers that the test plays itself (raw peers). The rules hold nobody to what these do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scripted: Vec<Server>,
    /// Whether a write must reach the disk before it counts.
    pub durability: Durability,
}

/// Names a run: the test and its seed, or the cluster and when it started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunId {
    /// The test's name, or the cluster's.
    pub name: String,
    /// The seed; for a real cluster, its start in nanoseconds since 1970.
    pub seed: u64,
}

/// Whether durability is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Durability {
    /// Labs 2A and 2B: what was appended counts as durable, and nothing crashes.
    Assumed,
    /// Only what a `Durable` record covers is durable.
    Real,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Who recorded it, in which incarnation, as which of its records.
    pub at: Stamp,
    /// Virtual (or monotonic) nanoseconds since the run began. For people: never orders events.
    pub t_ns: u64,
    /// What happened.
    pub event: Event,
    /// The server's state after the step that this event belongs to; on every Raft event.
    pub state: Option<State>,
    /// On a receive: the sender's last record when the message left.
    pub cause: Option<Stamp>,
    /// The vector clock, if the recorder was told to write it: how many records of each node happened
    /// before or are this one, over all incarnations. Sorted by node, without zeros.
    pub clock: Option<Vec<(Node, u64)>>,
}

impl Record {
    /// The server that recorded this, if it was one.
    pub fn server(&self) -> Option<Server> {
        self.at.node.server()
    }
}

/// Lets a record travel through `tracing` as a typed value; it is no error.
impl std::error::Error for Record {}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.at, self.event.action().name())
    }
}

/// What a Raft server believes after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct State {
    /// Its current term.
    pub term: Term,
    /// Its role.
    pub role: Role,
    /// Whom it voted for in `term`.
    pub voted_for: Option<Server>,
    /// Whom it believes to lead `term`.
    pub leader_id: Option<Server>,
    /// The highest index it knows to be committed.
    pub commit_index: Index,
    /// The last index of its log.
    pub last_index: Index,
    /// The term of the last entry of its log.
    pub last_term: Term,
}

/// A server's role. The course's design calls the leader the coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Follows a leader, or waits for one.
    Follower,
    /// Asks whether an election could be won (pre-vote), before it starts one.
    PreCandidate,
    /// Asks for votes.
    Candidate,
    /// Leads its term: the coordinator.
    Leader,
}
