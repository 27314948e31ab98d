//! What clients asked for, and which entries of the log carry it.
//!
//! Invariant: an operation is known from its Invoke on. What servers say of operations is not believed here.

use std::collections::{BTreeMap, HashMap};
use tracecheck_schema::{Event, Index, KvCall, Node, Op, Record, Stamp};

/// An Invoke.
#[derive(Clone, Debug)]
pub(crate) struct Invoked {
    pub(crate) at: Stamp,
    pub(crate) call: KvCall,
}

/// What one client does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    /// The operation that it was asked for last.
    pub(crate) op: Op,
    pub(crate) asked: Stamp,
    /// The Return from it.
    pub(crate) returned: Option<Stamp>,
}

/// The operations of all clients. The hash maps are only looked up, never walked through.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clients {
    invoked: HashMap<Op, Invoked>,
    work: BTreeMap<u32, Work>,
    /// The entries that were executed for an operation: index and digest.
    entries: HashMap<Op, Vec<(Index, u64)>>,
}

impl Clients {
    /// Takes a record in.
    pub(super) fn take(&mut self, record: &Record) {
        match &record.event {
            Event::Invoke { op, call } if is_client(record.at.node, *op) => {
                let work = Work { op: *op, asked: record.at, returned: None };
                self.work.insert(op.client_id, work);
                self.invoked
                    .entry(*op)
                    .or_insert_with(|| Invoked { at: record.at, call: KvCall::clone(call) });
            }
            Event::Return { op, .. } => {
                if let Some(work) = self.work.get_mut(&op.client_id).filter(|work| work.op == *op) {
                    work.returned.get_or_insert(record.at);
                }
            }
            Event::Executed { index, operation, op, .. } => {
                let entries = self.entries.entry(*op).or_default();
                if !entries.contains(&(*index, *operation)) {
                    entries.push((*index, *operation));
                }
            }
            _ => {}
        }
    }

    /// Whether any client was asked for anything.
    pub(crate) fn any(&self) -> bool {
        !self.work.is_empty()
    }

    /// The Invoke of an operation.
    pub(crate) fn invoked(&self, op: Op) -> Option<&Invoked> {
        self.invoked.get(&op)
    }

    /// What a client does now, or did last.
    pub(crate) fn work(&self, client: u32) -> Option<Work> {
        self.work.get(&client).copied()
    }

    /// The entries that some server executed for an operation.
    pub(crate) fn entries(&self, op: Op) -> &[(Index, u64)] {
        self.entries.get(&op).map_or(&[], Vec::as_slice)
    }
}

/// Whether the node is the client to which the operation belongs.
pub(crate) fn is_client(node: Node, op: Op) -> bool {
    node == Node::Client(op.client_id)
}
