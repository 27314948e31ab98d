//! The log: entries in order, from index 1.

use labrpc::schema::{Index, Term};
use serde::{Deserialize, Serialize};

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// The term of the leader that appended it.
    pub term: Term,
    /// The command of the service above, opaque to Raft.
    pub command: Vec<u8>,
}

/// The entries of a server, oldest first. Terms never fall from one entry to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Log {
    entries: Vec<Entry>,
}

impl Log {
    /// A log with these entries, the first at index 1.
    pub fn of(entries: Vec<Entry>) -> Self {
        Log { entries }
    }

    /// The index of the last entry; 0 if there is none.
    pub fn last_index(&self) -> Index {
        self.entries.len() as Index
    }

    /// The term of the last entry; 0 if there is none.
    pub fn last_term(&self) -> Term {
        self.entries.last().map_or(0, |entry| entry.term)
    }
}
