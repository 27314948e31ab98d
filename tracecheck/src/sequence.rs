//! Puts the records of a file into an order in which every cause comes before its effects.
//!
//! A file may interleave nodes differently than they ran: several processes write, buffers are flushed at
//! different times. A node's own records are in order. So a record whose cause has not come holds its node's
//! stream back until the cause comes.
//!
//! Invariants: a node's records keep their order; a record is released once; what never resolves is released
//! at the end. Only records that are held back take memory.

use std::collections::{BTreeMap, VecDeque};
use tracecheck_schema::{Node, Record, Stamp};

/// Orders records by their causes. `T` is whatever goes with a record, such as its line number.
#[derive(Debug)]
pub struct Sequencer<T> {
    nodes: BTreeMap<Node, Stream<T>>,
    /// The nodes whose streams wait for a record, by that record.
    waiting: BTreeMap<Stamp, Vec<Node>>,
}

#[derive(Debug)]
struct Stream<T> {
    /// The last number released of each incarnation.
    released: BTreeMap<u32, u64>,
    /// The last number that came in of each incarnation.
    came: BTreeMap<u32, u64>,
    held: VecDeque<(T, Record)>,
}

impl<T> Default for Sequencer<T> {
    fn default() -> Self {
        Sequencer { nodes: BTreeMap::new(), waiting: BTreeMap::new() }
    }
}

impl<T> Sequencer<T> {
    /// A sequencer that holds nothing.
    pub fn new() -> Self {
        Sequencer::default()
    }

    /// Takes the next record of the file, and calls `release` for every record that may come now.
    pub fn push(&mut self, tag: T, record: Record, mut release: impl FnMut(T, Record)) {
        let at = record.at;
        let blocked = self.blocked_by(&record);
        let stream = self.stream(at.node);
        let opened = !stream.came.contains_key(&at.inc) && !stream.came.is_empty();
        let last = stream.came.entry(at.inc).or_insert(0);
        *last = at.seq.max(*last);
        if !stream.held.is_empty() {
            stream.held.push_back((tag, record));
        } else if let Some(cause) = blocked {
            stream.held.push_back((tag, record));
            self.waiting.entry(cause).or_default().push(at.node);
        } else {
            release(tag, record);
            let mut released = self.mark(at);
            self.run(&mut released, &mut release);
        }
        if opened {
            self.give_up_on_lost(at, &mut release);
        }
    }

    /// Releases what is still held, now that nothing else comes: its causes are missing, or wait for it.
    pub fn finish(&mut self, mut release: impl FnMut(T, Record)) {
        while let Some(node) = self.first_held() {
            let mut ready = vec![node];
            self.force(node, &mut ready, &mut release);
            self.run(&mut ready, &mut release);
        }
    }

    /// How many records are held back now.
    pub fn held(&self) -> usize {
        self.nodes.values().map(|stream| stream.held.len()).sum()
    }

    /// The node to force: one whose first record's cause is not itself held, if there is one, so that of a
    /// chain of waiting records only the first is released without its cause.
    fn first_held(&self) -> Option<Node> {
        let first = |stream: &Stream<T>| stream.held.front().and_then(|(_, record)| record.cause);
        let mut held = self.nodes.iter().filter(|(_, stream)| !stream.held.is_empty());
        let any = held.clone().next().map(|(node, _)| *node);
        held.find(|(_, stream)| !first(stream).is_some_and(|cause| self.is_held(cause)))
            .map(|(node, _)| *node)
            .or(any)
    }

    fn stream(&mut self, node: Node) -> &mut Stream<T> {
        let new = || Stream { released: BTreeMap::new(), came: BTreeMap::new(), held: VecDeque::new() };
        self.nodes.entry(node).or_insert_with(new)
    }

    fn is_released(&self, at: Stamp) -> bool {
        let last = self.nodes.get(&at.node).and_then(|stream| stream.released.get(&at.inc));
        last.is_some_and(|last| at.seq <= *last)
    }

    /// Whether the record came and was not released; one in a gap counts with the records around it.
    fn is_held(&self, at: Stamp) -> bool {
        let came = self.nodes.get(&at.node).and_then(|stream| stream.came.get(&at.inc));
        came.is_some_and(|last| at.seq <= *last) && !self.is_released(at)
    }

    fn blocked_by(&self, record: &Record) -> Option<Stamp> {
        record.cause.filter(|cause| !self.is_released(*cause))
    }

    /// Notes that a record was released. Returns the nodes that waited for it.
    fn mark(&mut self, at: Stamp) -> Vec<Node> {
        let last = self.stream(at.node).released.entry(at.inc).or_insert(0);
        *last = at.seq.max(*last);
        if self.waiting.is_empty() {
            return Vec::new();
        }
        // A gap may have swallowed the very record: everything up to this one has come or never will.
        let upto: Vec<Stamp> =
            self.waiting.range(Stamp { seq: 0, ..at }..=at).map(|(cause, _)| *cause).collect();
        upto.iter().filter_map(|cause| self.waiting.remove(cause)).flatten().collect()
    }

    /// Releases the first record of a stream, whatever it waits for.
    fn force(&mut self, node: Node, ready: &mut Vec<Node>, release: &mut impl FnMut(T, Record)) {
        if let Some((tag, record)) = self.stream(node).held.pop_front() {
            let at = record.at;
            release(tag, record);
            ready.extend(self.mark(at));
        }
    }

    /// Releases all that may come of these nodes, and of those that wait for them.
    fn run(&mut self, ready: &mut Vec<Node>, release: &mut impl FnMut(T, Record)) {
        while let Some(node) = ready.pop() {
            while let Some((_, first)) = self.nodes.get(&node).and_then(|stream| stream.held.front()) {
                if let Some(cause) = self.blocked_by(first) {
                    self.waiting.entry(cause).or_default().push(node);
                    break;
                }
                self.force(node, ready, release);
            }
        }
    }

    /// A new incarnation came: records of older ones that have not come never will. Whoever waits for one
    /// goes on without it.
    fn give_up_on_lost(&mut self, opened: Stamp, release: &mut impl FnMut(T, Record)) {
        let node = opened.node;
        let range = Stamp { inc: 0, seq: 0, node }..Stamp { inc: opened.inc, seq: 0, node };
        let waited: Vec<Stamp> = self.waiting.range(range).map(|(cause, _)| *cause).collect();
        for cause in waited {
            if self.is_held(cause) {
                continue;
            }
            for waiter in self.waiting.remove(&cause).unwrap_or_default() {
                let mut ready = vec![waiter];
                self.force(waiter, &mut ready, release);
                self.run(&mut ready, release);
            }
        }
    }
}
