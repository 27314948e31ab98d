//! The log: entries in order, after what a snapshot covers.

use labrpc::schema::{Index, Term};
use serde::{Deserialize, Serialize};

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// The term of the leader that appended it.
    pub term: Term,
    /// The command of the service above, opaque to Raft; none in the no-op that a leader begins with.
    pub command: Option<Vec<u8>>,
}

/// A change of the log: from index `from` on it became exactly these entries.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Change {
    /// The first index that changed; at most one above the last index before.
    pub from: Index,
    /// What stands there now, to the end of the log. None: the log was cut.
    pub entries: Vec<Entry>,
}

/// The log of a server. Terms never fall from one entry to the next.
///
/// Everything up to `base` is gone into a snapshot; index `base` itself still has a term, for the
/// consistency check. Without a snapshot `base` is (0, 0): index 0 is "before the log", of term 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Log {
    base: (Index, Term),
    entries: Vec<Entry>,
    /// What changed in the present step; empty between steps.
    changes: Vec<Change>,
}

impl Log {
    /// A log with these entries, the first at index 1.
    pub fn of(entries: Vec<Entry>) -> Self {
        Log::after((0, 0), entries)
    }

    /// A log with these entries after what a snapshot up to `base` covers.
    pub fn after(base: (Index, Term), entries: Vec<Entry>) -> Self {
        Log { base, entries, changes: Vec::new() }
    }

    /// The last index that a snapshot covers, and its term; (0, 0) without a snapshot.
    pub fn base(&self) -> (Index, Term) {
        self.base
    }

    /// The index of the last entry, or of the snapshot's end if there is none after it; 0 if nothing is there.
    pub fn last_index(&self) -> Index {
        self.base.0 + self.entries.len() as Index
    }

    /// The term of the last entry; 0 if nothing is there.
    pub fn last_term(&self) -> Term {
        self.entries.last().map_or(self.base.1, |entry| entry.term)
    }

    /// The entry at that index, if it is in the log and in no snapshot.
    pub fn entry(&self, index: Index) -> Option<&Entry> {
        self.entries.get(self.place(index)?)
    }

    /// The term of the entry at that index; known down to the snapshot's end.
    pub fn term_at(&self, index: Index) -> Option<Term> {
        if index == self.base.0 { Some(self.base.1) } else { self.entry(index).map(|entry| entry.term) }
    }

    /// At most `most` entries from index `from` on.
    pub fn slice(&self, from: Index, most: usize) -> &[Entry] {
        let from = self.place(from).unwrap_or(0).min(self.entries.len());
        &self.entries[from..self.entries.len().min(from + most)]
    }

    /// The first index, after the snapshot, of the entries that have the term of the one at `index`.
    pub fn first_of_term_at(&self, index: Index) -> Index {
        let term = self.term_at(index);
        let mut first = index;
        while first > self.base.0 + 1 && self.term_at(first - 1) == term {
            first -= 1;
        }
        first
    }

    /// The last index that has this term.
    pub fn last_of_term(&self, term: Term) -> Option<Index> {
        let after = self.entries.iter().rposition(|entry| entry.term == term);
        let base = (self.base.1 == term && self.base.0 > 0).then_some(self.base.0);
        after.map(|place| self.base.0 + 1 + place as Index).or(base)
    }

    /// Makes the log from index `from` on exactly these entries; what stood there is gone.
    ///
    /// # Panics
    /// If that would leave a gap, or touch what a snapshot covers.
    pub fn replace_from(&mut self, from: Index, entries: Vec<Entry>) {
        assert!(
            from > self.base.0 && from <= self.last_index() + 1,
            "entries from index {from} on do not fit a log that has {} to {}",
            self.base.0 + 1,
            self.last_index()
        );
        self.entries.truncate((from - self.base.0 - 1) as usize);
        self.entries.extend_from_slice(&entries);
        self.changes.push(Change { from, entries });
    }

    /// Forgets the entries that a snapshot up to `base` covers. Entries after it stay if the log has exactly
    /// that entry at its end; else they are of another history, and go.
    pub fn compact(&mut self, base: (Index, Term)) {
        if base.0 <= self.base.0 {
            return;
        }
        if self.term_at(base.0) == Some(base.1) {
            self.entries.drain(..(base.0 - self.base.0) as usize);
        } else {
            self.entries.clear();
        }
        self.base = base;
    }

    /// Makes a change that was made elsewhere, without noting it; one that does not fit is cut to fit.
    pub fn rewrite(&mut self, change: &Change) {
        let from = change.from.clamp(self.base.0 + 1, self.last_index() + 1);
        self.entries.truncate((from - self.base.0 - 1) as usize);
        self.entries.extend_from_slice(&change.entries);
    }

    /// What changed since this was last asked.
    pub(super) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    fn place(&self, index: Index) -> Option<usize> {
        (index > self.base.0).then(|| (index - self.base.0 - 1) as usize)
    }
}
