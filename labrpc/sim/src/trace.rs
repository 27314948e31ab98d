//! The trace in memory, and whoever watches it while it grows.

use crate::clock::Clock;
use labrpc::Sink;
use labrpc::schema::{Node, Record, Stamp};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Sees each record as it is made; true stops the run at that very record.
pub(crate) type Watcher = Box<dyn FnMut(&Record) -> bool>;

/// Keeps the records of one run.
pub(crate) struct Trace {
    clock: Rc<Clock>,
    keep: bool,
    records: RefCell<Vec<Record>>,
    watcher: RefCell<Option<Watcher>>,
    stopped: Cell<bool>,
    clocks: Option<RefCell<Clocks>>,
}

/// The records of a finished run.
#[derive(Debug)]
pub struct Finished {
    /// Every record, in an order that agrees with happens-before; the last one is `RunEnd`.
    pub records: Vec<Record>,
}

impl Trace {
    pub(crate) fn new(clock: Rc<Clock>, keep: bool, clocks: bool) -> Self {
        Trace {
            clock,
            keep,
            records: RefCell::default(),
            watcher: RefCell::default(),
            stopped: Cell::new(false),
            clocks: clocks.then(RefCell::default),
        }
    }

    pub(crate) fn watch(&self, watcher: Watcher) {
        *self.watcher.borrow_mut() = Some(watcher);
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stopped.get()
    }

    pub(crate) fn len(&self) -> usize {
        self.records.borrow().len()
    }

    pub(crate) fn finish(&self) -> Finished {
        *self.watcher.borrow_mut() = None;
        Finished { records: std::mem::take(&mut *self.records.borrow_mut()) }
    }

    pub(crate) fn abandon(&self) -> Option<Finished> {
        Some(Finished { records: std::mem::take(&mut *self.records.try_borrow_mut().ok()?) })
    }

    /// Lets the closing record through even after a watcher stopped the run.
    pub(crate) fn reopen(&self) {
        self.stopped.set(false);
    }
}

impl Sink for Trace {
    fn now_ns(&self) -> u64 {
        self.clock.now()
    }

    fn take(&self, mut record: Record) {
        if self.stopped() {
            return;
        }
        if let Some(clocks) = &self.clocks {
            record.clock = Some(clocks.borrow_mut().tick(record.at, record.cause));
        }
        if let Some(watcher) = self.watcher.borrow_mut().as_mut() {
            self.stopped.set(watcher(&record));
        }
        self.records.borrow_mut().push(record);
    }

    fn keeps(&self) -> bool {
        self.keep
    }
}

/// Vector clocks, kept in the plainest way there is (a clock for every record), so that they are evidence
/// of their own beside what the judge computes.
#[derive(Default)]
pub(crate) struct Clocks {
    latest: BTreeMap<Node, BTreeMap<Node, u64>>,
    of: BTreeMap<Stamp, BTreeMap<Node, u64>>,
}

impl Clocks {
    /// The clock of a new record.
    pub(crate) fn tick(&mut self, at: Stamp, cause: Option<Stamp>) -> Vec<(Node, u64)> {
        let mut clock = self.latest.remove(&at.node).unwrap_or_default();
        *clock.entry(at.node).or_insert(0) += 1;
        for (node, count) in cause.and_then(|cause| self.of.get(&cause)).into_iter().flatten() {
            let own = clock.entry(*node).or_insert(0);
            *own = (*own).max(*count);
        }
        self.of.insert(at, clock.clone());
        let written = clock.iter().map(|(node, count)| (*node, *count)).collect();
        self.latest.insert(at.node, clock);
        written
    }
}
