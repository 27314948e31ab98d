//! A server's log as its writes made it.
//!
//! Invariants: entries stand at consecutive indexes after `base`; what lies at or before `base` is covered by a
//! snapshot, was compacted, or is not known. No index, however absurd, takes memory.
//!
//! Never: the entries' commands; a judgement.

use tracecheck_schema::{EntryId, Index, Term};

/// An entry without its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) term: Term,
    pub(crate) operation: u64,
}

/// What a log has at an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// This entry.
    Entry(Slot),
    /// A snapshot, or a prefix that was compacted.
    Covered,
    /// Nothing: the log ends before.
    Beyond,
    /// The trace does not say what.
    Unknown,
}

impl At {
    /// Whether this is the entry of that term and operation; `None` if the trace does not say. What a snapshot
    /// covers was committed, and is what was committed.
    pub(crate) fn holds(self, term: Term, operation: u64) -> Option<bool> {
        match self {
            At::Entry(slot) => Some(slot == Slot { term, operation }),
            At::Covered => Some(true),
            At::Beyond => Some(false),
            At::Unknown => None,
        }
    }
}

/// The log of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Log {
    /// Index and term of the snapshot; 0 and 0 if there is none.
    pub(crate) snapshot: (Index, Term),
    /// The index before the first slot.
    base: Index,
    /// The term at `base`, if it is known.
    base_term: Option<Term>,
    /// Up to here nothing is known of the entries.
    unknown: Index,
    slots: Vec<Slot>,
}

impl Log {
    /// A log of which only the end is known.
    pub(crate) fn unknown(last_index: Index, last_term: Term) -> Log {
        let base_term = Some(last_term).filter(|_| last_index > 0);
        Log { base: last_index, base_term, unknown: last_index, ..Log::default() }
    }

    /// A log after a snapshot, which is at index 0 if there is none.
    pub(crate) fn restored(snapshot: (Index, Term), entries: &[EntryId]) -> Log {
        let base = entries.first().map_or(snapshot.0, |EntryId(first, _, _)| first.saturating_sub(1));
        let base_term = Some(snapshot.1).filter(|_| base == snapshot.0);
        Log { snapshot, base, base_term, unknown: 0, slots: entries.iter().map(slot).collect() }
    }

    /// The last index.
    pub(crate) fn last(&self) -> Index {
        self.base.saturating_add(self.slots.len() as Index)
    }

    /// The last index and its term, if that is known.
    pub(crate) fn end(&self) -> (Index, Option<Term>) {
        (self.last(), self.term_at(self.last()))
    }

    /// What is at an index.
    pub(crate) fn at(&self, index: Index) -> At {
        if index > self.base {
            let offset = usize::try_from(index - self.base - 1).ok();
            return offset
                .and_then(|offset| self.slots.get(offset))
                .map_or(At::Beyond, |one| At::Entry(*one));
        }
        if index > self.snapshot.0 && index <= self.unknown { At::Unknown } else { At::Covered }
    }

    /// The term at an index, if it is known; 0 at index 0.
    pub(crate) fn term_at(&self, index: Index) -> Option<Term> {
        match self.at(index) {
            At::Entry(slot) => Some(slot.term),
            At::Beyond => None,
            _ if index == 0 => Some(0),
            _ if index == self.snapshot.0 => Some(self.snapshot.1),
            _ if index == self.base => self.base_term,
            _ => None,
        }
    }

    /// The index of the first entry that is known, minus one.
    pub(crate) fn base(&self) -> Index {
        self.base
    }

    /// Up to where nothing is known of the entries; 0 if everything is.
    pub(crate) fn unknown_upto(&self) -> Index {
        if self.unknown > self.snapshot.0 { self.unknown } else { 0 }
    }

    /// The entries after an index, as far as they are known.
    pub(crate) fn after(&self, index: Index) -> &[Slot] {
        let skipped = usize::try_from(index.saturating_sub(self.base)).unwrap_or(usize::MAX);
        self.slots.get(skipped..).unwrap_or(&[])
    }

    /// From index `from` (at least 1) on the log becomes exactly these entries. Returns those it replaces.
    pub(crate) fn write(&mut self, from: Index, entries: &[Slot]) -> Vec<Slot> {
        let before = from.saturating_sub(1);
        let mut replaced = Vec::new();
        if before > self.last() {
            // Something between is missing from the trace.
            let snapshot = self.snapshot;
            *self = Log { snapshot, base: before, base_term: None, unknown: before, slots: Vec::new() };
        } else if before < self.base {
            self.base_term = self.term_at(before);
            self.base = before;
            self.unknown = self.unknown.min(before);
            replaced = std::mem::take(&mut self.slots);
        } else if before < self.last() {
            let kept = usize::try_from(before - self.base).unwrap_or(usize::MAX);
            replaced = self.slots.split_off(kept.min(self.slots.len()));
        }
        self.slots.extend_from_slice(entries);
        replaced
    }

    /// Takes a snapshot in. The entries after it stay if the log agrees with it; otherwise nothing stays.
    pub(crate) fn install(&mut self, index: Index, term: Term) {
        if index < self.snapshot.0 {
            return;
        }
        let matches = self.term_at(index) == Some(term);
        let unknown = matches!(self.at(index), At::Unknown) && self.term_at(index).is_none();
        self.snapshot = (index, term);
        if !matches && !unknown {
            *self = Log::restored((index, term), &[]);
        }
    }

    /// Drops the entries up to an index.
    pub(crate) fn compact(&mut self, upto: Index) {
        let upto = upto.min(self.last());
        if upto > self.base {
            self.base_term = self.term_at(upto);
            let dropped = usize::try_from(upto - self.base).unwrap_or(usize::MAX);
            self.slots.drain(..dropped.min(self.slots.len()));
            self.base = upto;
        }
    }
}

/// An entry of a record as one of a log.
pub(crate) fn slot(entry: &EntryId) -> Slot {
    let EntryId(_, term, operation) = *entry;
    Slot { term, operation }
}

/// The runs of entries of one term, each as the index and term of its last entry; the first is at `from`.
pub(crate) fn runs(from: Index, slots: &[Slot]) -> impl Iterator<Item = (Index, Term)> {
    let mut end = from.saturating_sub(1);
    slots.chunk_by(|a, b| a.term == b.term).map(move |run| {
        end = end.saturating_add(run.len() as Index);
        (end, run[0].term)
    })
}
