//! Every CoordCommit of the run.
//!
//! Invariant: a commit that repeats what is known to have happened before adds nothing, so that memory is that
//! of the log.

use crate::order::Order;
use std::collections::BTreeMap;
use tracecheck_schema::{Index, Server, Stamp, Term};

/// A CoordCommit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Commit {
    pub(crate) at: Stamp,
    pub(crate) server: Server,
    /// The coordinator's term.
    pub(crate) term: Term,
    pub(crate) index: Index,
    pub(crate) entry_term: Term,
    pub(crate) operation: u64,
}

impl Commit {
    /// Whether both commit the same entry.
    pub(crate) fn agrees(&self, other: &Commit) -> bool {
        (self.entry_term, self.operation) == (other.entry_term, other.operation)
    }
}

/// The commits, by index.
#[derive(Clone, Debug, Default)]
pub(crate) struct Commits {
    first: BTreeMap<Index, Commit>,
    others: BTreeMap<Index, Vec<Commit>>,
}

impl Commits {
    pub(crate) fn take(&mut self, commit: Commit, order: &Order) {
        let known = self.at(commit.index).any(|other| {
            other.agrees(&commit) && other.term <= commit.term && order.happens_before(other.at, commit.at)
        });
        if known {
            return;
        }
        match self.first.entry(commit.index) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(commit);
            }
            std::collections::btree_map::Entry::Occupied(_) => {
                self.others.entry(commit.index).or_default().push(commit);
            }
        }
    }

    /// The commits of an index.
    pub(crate) fn at(&self, index: Index) -> impl Iterator<Item = &Commit> {
        let others = if self.others.is_empty() { None } else { self.others.get(&index) };
        self.first.get(&index).into_iter().chain(others.into_iter().flatten())
    }

    /// The commits from an index on, in order.
    pub(crate) fn from(&self, index: Index) -> impl Iterator<Item = &Commit> {
        self.first.range(index..).flat_map(|(index, _)| self.at(*index))
    }

    /// A commit of this index or a later one that happened before the record, if there is one.
    pub(crate) fn covering(&self, index: Index, at: Stamp, order: &Order) -> Option<&Commit> {
        self.from(index).find(|commit| order.happens_before(commit.at, at))
    }

    /// The highest committed index; 0 if there is none.
    pub(crate) fn last(&self) -> Index {
        self.first.last_key_value().map_or(0, |(index, _)| *index)
    }
}
