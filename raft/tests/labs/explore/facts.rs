//! What has to be known of one server to judge it and to move it, taken from it once and kept beside it.

use super::local::Local;
use labrpc::schema::{Durability, Index, Role, Server, State, Term, Timer};
use raft::core::{Core, Log, Saved};
use raft::observe::operation;

/// An entry as far as two servers can disagree about it.
pub(super) type Id = (Term, u64);

/// A log as the terms and operations of its entries, after what a snapshot covers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Line {
    /// The last index that the snapshot covers, and its term.
    pub(super) base: (Index, Term),
    pub(super) entries: Vec<Id>,
}

/// One server, as far as the properties speak of it.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(super) state: State,
    pub(super) log: Line,
    /// What would survive a crash.
    pub(super) durable: Line,
}

/// One server, and what can happen to it next.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) view: View,
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
    /// A hash of all that can be seen of it from outside.
    pub(super) looks: u64,
}

impl Line {
    fn of(log: &Log) -> Line {
        let entries = log.slice(log.base().0 + 1, usize::MAX);
        Line {
            base: log.base(),
            entries: entries.iter().map(|entry| (entry.term, operation(entry))).collect(),
        }
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

impl View {
    /// A core, and what its disk would hold after a crash.
    pub(crate) fn of(core: &Core, disk: &Saved, durability: Durability) -> View {
        let log = Line::of(core.log());
        let durable = match durability {
            Durability::Real => Line::on(disk),
            Durability::Assumed => log.clone(),
        };
        View { state: core.state(), log, durable }
    }

    pub(super) fn leads(&self) -> Option<Term> {
        (self.state.role == Role::Leader).then_some(self.state.term)
    }
}

impl Facts {
    pub(super) fn of(local: &Local, durability: Durability) -> Facts {
        let view = View::of(&local.core, &local.disk, durability);
        Facts {
            can_snapshot: local.delivered > view.log.base.0,
            view,
            delivered: local.delivered,
            timers: local.timers.iter().copied().collect(),
            sync_points: local.sync_points().collect(),
            unsynced: local.unsynced.len(),
            owes: local.owes(),
            looks: local.looks(),
        }
    }
}
