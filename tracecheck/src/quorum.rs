//! What a quorum is, in one place.
//!
//! Invariant: servers count once however often they answered, and only voters count. A joint configuration
//! (§6) needs a majority of both halves.

use tracecheck_schema::Server;

/// A set of servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerSet([u64; 4]);

impl ServerSet {
    pub(crate) fn of(servers: &[Server]) -> ServerSet {
        let mut set = ServerSet::default();
        servers.iter().for_each(|server| set.insert(*server));
        set
    }

    pub(crate) fn insert(&mut self, Server(number): Server) {
        self.0[usize::from(number >> 6)] |= 1 << (number & 63);
    }

    pub(crate) fn contains(&self, Server(number): Server) -> bool {
        self.0[usize::from(number >> 6)] >> (number & 63) & 1 == 1
    }

    fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    fn common(&self, other: &ServerSet) -> ServerSet {
        ServerSet(std::array::from_fn(|index| self.0[index] & other.0[index]))
    }
}

/// Who votes.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    /// The voters.
    pub(crate) voters: ServerSet,
    /// While the configuration is joint, the voters of the old one; empty otherwise.
    pub(crate) outgoing: ServerSet,
}

/// By how much a quorum was missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shortfall {
    pub(crate) have: u32,
    pub(crate) need: u32,
    pub(crate) of: u32,
}

impl Configuration {
    pub(crate) fn new(voters: &[Server]) -> Configuration {
        Configuration { voters: ServerSet::of(voters), outgoing: ServerSet::default() }
    }

    /// Whether the server has a vote.
    pub(crate) fn is_voter(&self, server: Server) -> bool {
        self.voters.contains(server) || self.outgoing.contains(server)
    }

    /// Why these servers are no quorum; `None` if they are one.
    pub(crate) fn shortfall(&self, granted: &ServerSet) -> Option<Shortfall> {
        let short = |half: &ServerSet| {
            let (have, of) = (half.common(granted).count(), half.count());
            let need = of / 2 + 1;
            (have < need).then_some(Shortfall { have, need, of })
        };
        let outgoing = if self.outgoing.count() > 0 { short(&self.outgoing) } else { None };
        short(&self.voters).or(outgoing)
    }
}
