//! Happens-before, computed with vector clocks.
//!
//! Owns each node's chain: its records over all incarnations, one after the other. An edge leads from every
//! record to the next of its chain, and from a record's cause to it (Lamport 1978; Mattern 1989).
//!
//! Invariants: a record's position is the sum of the records of all earlier incarnations and its own number,
//! so that missing records keep their places. A clock changes only where a cause brings something new; only
//! those changes are stored.
//!
//! Never orders by time, and never by the order of lines in a file beyond that of one node's own lines.

use std::collections::BTreeMap;
use tracecheck_schema::{Node, Server, Stamp};

/// What is odd about a record's stamp. T1 says it to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// Records are missing after number `after` of the incarnation (0: its first ones).
    Gap {
        /// The number before the gap.
        after: u64,
    },
    /// Incarnations are missing after this one (0: the first ones).
    MissingIncarnation {
        /// The incarnation before the gap.
        after: u32,
    },
    /// The stamp was seen already, or belongs before one that was.
    Repeated,
}

/// What the order learnt from one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Its place in its node's chain, from 1.
    pub position: u64,
    /// Whether it is the first one seen of its incarnation.
    pub opens: bool,
    /// What is odd about its stamp.
    pub oddity: Option<Oddity>,
    /// Its cause, if no such record was admitted before.
    pub missing: Option<Stamp>,
}

/// The causal order of the records admitted so far.
#[derive(Clone, Debug, Default)]
pub struct Order {
    slots: Slots,
    chains: Vec<Chain>,
}

/// Nodes as small numbers.
#[derive(Clone, Debug, Default)]
struct Slots {
    run: Option<usize>,
    net: Option<usize>,
    servers: Vec<Option<usize>>,
    clients: BTreeMap<u32, usize>,
}

impl Slots {
    fn get(&self, node: Node) -> Option<usize> {
        match node {
            Node::Run => self.run,
            Node::Net => self.net,
            Node::Server(Server(number)) => self.servers.get(usize::from(number)).copied().flatten(),
            Node::Client(number) => self.clients.get(&number).copied(),
        }
    }

    fn set(&mut self, node: Node, slot: usize) {
        match node {
            Node::Run => self.run = Some(slot),
            Node::Net => self.net = Some(slot),
            Node::Server(Server(number)) => {
                let number = usize::from(number);
                if self.servers.len() <= number {
                    self.servers.resize(number + 1, None);
                }
                self.servers[number] = Some(slot);
            }
            Node::Client(number) => {
                self.clients.insert(number, slot);
            }
        }
    }
}

/// One incarnation in its node's chain.
#[derive(Clone, Copy, Debug)]
struct Incarnation {
    number: u32,
    /// The positions before its first record.
    base: u64,
    /// The highest number seen in it.
    last: u64,
}

/// All records of one node.
#[derive(Clone, Debug)]
struct Chain {
    node: Node,
    /// Ascending; the last one is running.
    incarnations: Vec<Incarnation>,
    /// Missing records: (incarnation, first, last).
    gaps: Vec<(u32, u64, u64)>,
    /// The clock now, by slot. The node's own component is its position and is not kept here.
    now: Vec<u64>,
    /// Where the clock changed: (position, where its words begin).
    changes: Vec<(u64, usize)>,
    words: Vec<u64>,
}

impl Chain {
    fn new(node: Node) -> Chain {
        Chain {
            node,
            incarnations: Vec::new(),
            gaps: Vec::new(),
            now: Vec::new(),
            changes: Vec::new(),
            words: Vec::new(),
        }
    }

    /// Takes the stamp into the chain. Returns whether it opens an incarnation, and what is odd about it.
    fn enter(&mut self, at: Stamp) -> (bool, Option<Oddity>) {
        let running = self.incarnations.last().copied();
        let after = running.map_or(0, |incarnation| incarnation.number);
        if let Some(running) = self.incarnations.last_mut()
            && running.number >= at.inc
        {
            if running.number > at.inc || at.seq <= running.last {
                return (false, Some(Oddity::Repeated));
            }
            let after = std::mem::replace(&mut running.last, at.seq);
            return (false, self.note_gap(at, after));
        }
        let base = running.map_or(0, |old| old.base.saturating_add(old.last));
        self.incarnations.push(Incarnation { number: at.inc, base, last: at.seq });
        let gap = self.note_gap(at, 0);
        let skipped = at.inc != after.saturating_add(1);
        (true, if skipped { Some(Oddity::MissingIncarnation { after }) } else { gap })
    }

    fn note_gap(&mut self, at: Stamp, after: u64) -> Option<Oddity> {
        if at.seq == after.saturating_add(1) {
            return None;
        }
        if at.seq == 0 {
            return Some(Oddity::Repeated);
        }
        self.gaps.push((at.inc, after + 1, at.seq - 1));
        Some(Oddity::Gap { after })
    }

    fn position(&self, at: Stamp) -> Option<u64> {
        let found = match self.incarnations.last() {
            Some(last) if last.number == at.inc => *last,
            _ => {
                let index = self.incarnations.binary_search_by_key(&at.inc, |one| one.number).ok()?;
                self.incarnations[index]
            }
        };
        let missing =
            || self.gaps.iter().any(|&(inc, first, last)| inc == at.inc && (first..=last).contains(&at.seq));
        let known = at.seq >= 1 && at.seq <= found.last && (self.gaps.is_empty() || !missing());
        known.then(|| found.base.saturating_add(at.seq))
    }

    /// The clock at a position, by slot, without the node's own component.
    fn clock_at(&self, position: u64) -> &[u64] {
        let upto = self.changes.partition_point(|&(from, _)| from <= position);
        upto.checked_sub(1).map_or(&[], |index| self.clock_after(index))
    }

    /// The clock from the change of this number on.
    fn clock_after(&self, index: usize) -> &[u64] {
        let end = self.changes.get(index + 1).map_or(self.words.len(), |&(_, next)| next);
        &self.words[self.changes[index].1..end]
    }

    /// The first place at which the clock counts this many records of another node.
    fn first_counting(&self, slot: usize, count: u64) -> Option<u64> {
        let (mut low, mut high) = (0, self.changes.len());
        // No component of a clock ever falls.
        while low < high {
            let middle = low + (high - low) / 2;
            if self.clock_after(middle).get(slot).is_some_and(|seen| *seen >= count) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        self.changes.get(low).map(|(position, _)| *position)
    }
}

/// Raises one component of a clock; says whether it rose.
fn raise(clock: &mut Vec<u64>, slot: usize, count: u64) -> bool {
    if clock.len() <= slot {
        clock.resize(slot + 1, 0);
    }
    let rose = clock[slot] < count;
    if rose {
        clock[slot] = count;
    }
    rose
}

impl Order {
    /// An order of no records.
    pub fn new() -> Order {
        Order::default()
    }

    /// Takes the next record. A node's records must come in its own order, and a record after its cause;
    /// a cause that did not come is reported as missing and gives no edge.
    pub fn admit(&mut self, at: Stamp, cause: Option<Stamp>) -> Admission {
        let missing = cause.filter(|cause| !self.contains(*cause));
        let me = match self.slots.get(at.node) {
            Some(slot) => slot,
            None => {
                let slot = self.chains.len();
                self.slots.set(at.node, slot);
                self.chains.push(Chain::new(at.node));
                slot
            }
        };
        let (opens, oddity) = self.chains[me].enter(at);
        let position = self.chains[me].position(at).unwrap_or(at.seq);
        let admission = Admission { position, opens, oddity, missing };
        if let (Some(cause), None) = (cause, missing)
            && oddity != Some(Oddity::Repeated)
        {
            self.merge(me, position, cause);
        }
        admission
    }

    /// Lets everything that happened before `cause` happen before `position` of the chain `me`.
    fn merge(&mut self, me: usize, position: u64, cause: Stamp) {
        let Some(from) = self.slots.get(cause.node).filter(|from| *from != me) else { return };
        let Some(seen) = self.chains[from].position(cause) else { return };
        let mut now = std::mem::take(&mut self.chains[me].now);
        if raise(&mut now, from, seen) {
            for (slot, &count) in self.chains[from].clock_at(seen).iter().enumerate() {
                if slot != me && slot != from {
                    raise(&mut now, slot, count);
                }
            }
            let chain = &mut self.chains[me];
            chain.changes.push((position, chain.words.len()));
            chain.words.extend_from_slice(&now);
        }
        self.chains[me].now = now;
    }

    /// Whether the record was admitted.
    pub fn contains(&self, at: Stamp) -> bool {
        self.position(at).is_some()
    }

    /// A record's place in its node's chain, from 1; `None` if it was not admitted.
    pub fn position(&self, at: Stamp) -> Option<u64> {
        self.chains.get(self.slots.get(at.node)?)?.position(at)
    }

    /// The number of the node's last incarnation, and of its last record; `None` before its first record.
    pub fn last(&self, node: Node) -> Option<Stamp> {
        let running = self.chains.get(self.slots.get(node)?)?.incarnations.last()?;
        Some(Stamp { node, inc: running.number, seq: running.last })
    }

    /// How many incarnations of the node were seen.
    pub fn incarnations(&self, node: Node) -> usize {
        self.slots
            .get(node)
            .and_then(|slot| self.chains.get(slot))
            .map_or(0, |chain| chain.incarnations.len())
    }

    /// Every node that was seen, sorted.
    pub fn nodes(&self) -> Vec<Node> {
        let mut nodes: Vec<Node> = self.chains.iter().map(|chain| chain.node).collect();
        nodes.sort_unstable();
        nodes
    }

    /// Whether `a` happened before `b`. False where one of them was not admitted, and of a record and itself.
    pub fn happens_before(&self, a: Stamp, b: Stamp) -> bool {
        let (Some(first), Some(second)) = (self.position(a), self.position(b)) else { return false };
        if a.node == b.node {
            return first < second;
        }
        let (Some(from), Some(to)) = (self.slots.get(a.node), self.slots.get(b.node)) else { return false };
        self.chains[to].clock_at(second).get(from).is_some_and(|seen| *seen >= first)
    }

    /// How many records of `node` happened before the record `at` or are it: a place in that node's chain.
    pub fn seen(&self, at: Stamp, node: Node) -> u64 {
        let (Some(place), Some(slot)) = (self.position(at), self.slots.get(at.node)) else { return 0 };
        if at.node == node {
            return place;
        }
        let clock = self.chains[slot].clock_at(place);
        self.slots.get(node).and_then(|other| clock.get(other)).copied().unwrap_or(0)
    }

    /// The first place in the chain of `node` of a record that `at` happened before, or that is it; `None` if there
    /// is none yet.
    pub fn first_after(&self, at: Stamp, node: Node) -> Option<u64> {
        let place = self.position(at)?;
        if at.node == node {
            return Some(place);
        }
        let from = self.slots.get(at.node)?;
        self.chains.get(self.slots.get(node)?)?.first_counting(from, place)
    }

    /// The vector clock of a record: how many records of each node happened before it or are it. Sorted by
    /// node, without zeros; `None` if the record was not admitted.
    pub fn clock(&self, at: Stamp) -> Option<Vec<(Node, u64)>> {
        let slot = self.slots.get(at.node)?;
        let position = self.chains[slot].position(at)?;
        let others = self.chains[slot].clock_at(position).iter().enumerate();
        let mut clock: Vec<(Node, u64)> = others
            .filter(|(other, count)| *other != slot && **count > 0)
            .map(|(other, count)| (self.chains[other].node, *count))
            .collect();
        clock.push((at.node, position));
        clock.sort_unstable();
        Some(clock)
    }
}
