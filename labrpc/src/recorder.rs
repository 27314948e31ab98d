//! The recorder: gives every event its stamp and hands it to the trace.

use std::cell::Cell;
use std::rc::Rc;
use tracecheck_schema::{Event, Node, Record, Stamp, State};

/// Where records go: the memory of a simulated run, a file of a real one.
pub trait Sink {
    /// Nanoseconds since the run began.
    fn now_ns(&self) -> u64;

    /// Takes one record. Lossless: a sink that cannot keep a record must make that known.
    fn take(&self, record: Record);

    /// Whether records are kept at all. If not, stamps are still counted.
    fn keeps(&self) -> bool;
}

/// Records what one incarnation of one node does.
#[derive(Clone)]
pub struct Recorder {
    sink: Rc<dyn Sink>,
    node: Node,
    inc: u32,
    seq: Rc<Cell<u64>>,
    open: Rc<Cell<bool>>,
}

impl Recorder {
    /// A recorder for incarnation `inc` (1 at the first start) of `node`.
    pub fn new(sink: Rc<dyn Sink>, node: Node, inc: u32) -> Self {
        Recorder { sink, node, inc, seq: Rc::default(), open: Rc::new(Cell::new(true)) }
    }

    /// Records `event`, with the state after it and the cause that a receive has, and returns its stamp.
    pub fn record(&self, event: Event, state: Option<State>, cause: Option<Stamp>) -> Stamp {
        if !self.open.get() {
            return self.stamp();
        }
        self.seq.set(self.seq.get() + 1);
        let at = self.stamp();
        if self.sink.keeps() {
            self.sink.take(Record { at, t_ns: self.sink.now_ns(), event, state, cause, clock: None });
        }
        at
    }

    /// The stamp of the last record, if there is one yet.
    pub fn last(&self) -> Option<Stamp> {
        (self.seq.get() > 0).then(|| self.stamp())
    }

    /// Whose records these are.
    pub fn node(&self) -> Node {
        self.node
    }

    /// Ends the incarnation: nothing is recorded from here on.
    pub fn close(&self) {
        self.open.set(false);
    }

    fn stamp(&self) -> Stamp {
        Stamp { node: self.node, inc: self.inc, seq: self.seq.get() }
    }
}
