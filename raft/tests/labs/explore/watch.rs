//! The properties of an exploration, watched while a script plays.

use super::facts::View;
use super::invariants::{Broken, Moved, Past};
use labrpc::schema::{Index, Server};
use raft::core::{Membership, Saved};
use std::collections::BTreeMap;

/// What is known of everybody, and of what happened.
#[derive(Debug)]
pub(crate) struct Watch {
    views: BTreeMap<Server, View>,
    past: Past,
}

impl Watch {
    /// Watches servers that begin with these disks, of which everything up to `committed` was committed before.
    pub(crate) fn new(disks: &BTreeMap<Server, Saved>, committed: Index) -> Watch {
        Watch { views: BTreeMap::new(), past: Past::of(disks, committed) }
    }

    /// Notes that a server is now as `view` says.
    ///
    /// # Errors
    /// The first property that this breaks. A server that is down is taken as it was.
    pub(crate) fn moved(
        &mut self,
        server: Server,
        view: View,
        membership: &Membership,
    ) -> Result<(), Broken> {
        let Some(before) = self.views.insert(server, view) else { return Ok(()) };
        let servers: Vec<Server> = self.views.keys().copied().collect();
        let facts: Vec<&View> = self.views.values().collect();
        let who = servers.iter().position(|other| *other == server).unwrap_or(0);
        let moved = Moved { servers: &servers, facts: &facts, who, before: &before, membership };
        if moved.matters() { moved.check(&mut self.past) } else { Ok(()) }
    }
}
