//! What the invariants need to know of one server, taken from it once and kept beside it.

use super::local::Local;
use labrpc::schema::{Durability, Index, Role, Server, State, Term, Timer};
use raft::core::{Log, Saved};
use raft::observe::operation;

/// An entry as far as two servers can disagree about it.
pub(super) type Id = (Term, u64);

/// A log as the terms and operations of its entries, after what a snapshot covers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Line {
    /// The last index that the snapshot covers, and its term.
    pub(super) base: (Index, Term),
    pub(super) entries: Vec<Id>,
}

/// One server, seen from outside.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) state: State,
    pub(super) log: Line,
    /// What would survive a crash.
    pub(super) durable: Line,
    /// The highest index delivered to its service.
    pub(super) delivered: Index,
    pub(super) timers: Vec<Timer>,
    /// The numbers of unsynced writes after which a sync may end, and how many there are.
    pub(super) sync_points: Vec<usize>,
    pub(super) unsynced: usize,
    /// Whether its service could hand over a snapshot of something new.
    pub(super) can_snapshot: bool,
    /// For whom it holds requests.
    pub(super) owes: Vec<Server>,
}

impl Line {
    fn of(log: &Log) -> Line {
        let entries = log.slice(log.base().0 + 1, usize::MAX);
        Line { base: log.base(), entries: entries.iter().map(|entry| (entry.term, operation(entry))).collect() }
    }

    /// What a disk has: where its snapshot goes further than its log, the snapshot counts.
    fn on(disk: &Saved) -> Line {
        let mut log = disk.log.clone();
        if let Some(snap) = &disk.snap {
            log.compact((snap.index, snap.term));
        }
        Line::of(&log)
    }

    pub(super) fn last(&self) -> Index {
        self.base.0 + self.entries.len() as Index
    }

    /// The entry at that index, unless it is covered or beyond the end.
    pub(super) fn at(&self, index: Index) -> Option<Id> {
        let place = index.checked_sub(self.base.0 + 1)?;
        self.entries.get(usize::try_from(place).ok()?).copied()
    }

    /// Whether it has that entry, or may: a snapshot covers it.
    pub(super) fn has(&self, index: Index, id: Id) -> bool {
        index < self.base.0 || (index == self.base.0 && self.base.1 == id.0) || self.at(index) == Some(id)
    }
}

impl Facts {
    pub(super) fn of(local: &Local, durability: Durability) -> Facts {
        let log = Line::of(local.core.log());
        let durable = match durability {
            Durability::Real => Line::on(&local.disk),
            Durability::Assumed => log.clone(),
        };
        Facts {
            state: local.core.state(),
            can_snapshot: local.delivered > log.base.0,
            log,
            durable,
            delivered: local.delivered,
            timers: local.timers.iter().copied().collect(),
            sync_points: local.sync_points().collect(),
            unsynced: local.unsynced.len(),
            owes: local.owes(),
        }
    }

    pub(super) fn leads(&self) -> Option<Term> {
        (self.state.role == Role::Leader).then_some(self.state.term)
    }
}
