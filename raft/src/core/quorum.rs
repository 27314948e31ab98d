//! Who takes part, who votes, and what a quorum is. Nothing else in this crate counts servers.

use labrpc::schema::{Index, Server};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A configuration, simple or joint (§6).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Membership {
    /// The voters; in a joint configuration those of the new one.
    voters: BTreeSet<Server>,
    /// In a joint configuration the voters of the old one; else empty.
    outgoing: BTreeSet<Server>,
}

impl Membership {
    /// A simple configuration.
    pub fn of(voters: impl IntoIterator<Item = Server>) -> Self {
        Membership { voters: voters.into_iter().collect(), outgoing: BTreeSet::new() }
    }

    /// The joint configuration from `self`, which is simple, to `voters`.
    pub fn joint(self, voters: impl IntoIterator<Item = Server>) -> Self {
        Membership { voters: voters.into_iter().collect(), outgoing: self.voters }
    }

    /// Whether these servers are a quorum: a majority of the voters, and in a joint configuration of each of
    /// its halves. Servers without a vote count for nothing.
    pub fn is_quorum(&self, servers: &BTreeSet<Server>) -> bool {
        let majority = |voters: &BTreeSet<Server>| voters.intersection(servers).count() * 2 > voters.len();
        majority(&self.voters) && (self.outgoing.is_empty() || majority(&self.outgoing))
    }

    /// The highest index that a quorum has, if `has` tells how far each voter's log is known to agree.
    pub fn agreed(&self, has: impl Fn(Server) -> Index) -> Index {
        let half = |voters: &BTreeSet<Server>| {
            let mut indexes: Vec<Index> = voters.iter().map(|voter| has(*voter)).collect();
            indexes.sort_unstable();
            // The majority's lowest: of five, the third from the top.
            indexes.get((indexes.len().max(1) - 1) / 2).copied().unwrap_or(0)
        };
        let new = half(&self.voters);
        if self.outgoing.is_empty() { new } else { new.min(half(&self.outgoing)) }
    }

    /// Whether that server votes.
    pub fn is_voter(&self, server: Server) -> bool {
        self.voters.contains(&server) || self.outgoing.contains(&server)
    }

    /// Every voter except `me`, in order.
    pub fn others(&self, me: Server) -> Vec<Server> {
        self.voters.union(&self.outgoing).copied().filter(|server| *server != me).collect()
    }
}
