//! Gets and puts of values that were each put once: decided by zones (Gibbons and Korach, *Testing shared
//! memories*, SIAM J. Comput. 26, 1997), in O(n log n).
//!
//! A put and the gets that found its value are a *cluster*: nothing else can take effect between them. Its zone
//! goes from its first return to its last invocation; *forward* if they come in that order, and then the value
//! was there all through the zone. The history is linearizable if and only if no value is found before it is put,
//! no two forward zones overlap, and no other zone lies within a forward one.
//!
//! A put of unknown outcome that somebody's get found did happen, and returns never; one whose value nobody found
//! counts as one that never happened.

use super::history::{Compact, EMPTY, Fate, Kind};

/// What zones need of an operation. The operations of a key stand side by side: a million of them jump less in
/// memory so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slim {
    invoked: u64,
    returned: u64,
    /// What was put or found.
    value: u32,
    /// The operation's number in the history.
    pub(super) index: u32,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Get,
    Put,
    /// It had no effect, and says nothing.
    Nothing,
    Other,
}

impl Slim {
    pub(super) const NONE: Slim =
        Slim { invoked: 0, returned: 0, value: 0, index: NONE, what: What::Nothing };

    pub(super) fn new(index: u32, operation: &Compact) -> Slim {
        let (what, value) = match (operation.kind, operation.fate) {
            (_, Fate::Failed) | (Kind::Get, Fate::Unknown) => (What::Nothing, EMPTY),
            (Kind::Get, _) => (What::Get, operation.b),
            (Kind::Put, _) if operation.a != EMPTY => (What::Put, operation.a),
            _ => (What::Other, EMPTY),
        };
        Slim { invoked: operation.invoked, returned: operation.returned, value, index, what }
    }
}

/// The operations that one value ties together.
#[derive(Clone, Copy, Debug)]
struct Cluster {
    /// The put; `NONE` for the initial value, and until it is met.
    put: u32,
    /// When it was invoked, and when it returned.
    put_times: (u64, u64),
    /// A get; `NONE` if there is none.
    get: u32,
    /// The first return: when, and whose.
    first_return: (u64, u32),
    /// The last invocation.
    last_invocation: (u64, u32),
}

const NONE: u32 = u32::MAX;

/// What zones say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Zones {
    /// There is an order.
    Fine,
    /// There is none, for these operations contradict each other.
    Clash(Vec<u32>),
    /// This key has other operations, or values put twice.
    Inapplicable,
}

/// Space that is used again for every key.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// By value: the number of its cluster, if the round is this one.
    clusters_of: Vec<(u32, u32)>,
    round: u32,
    clusters: Vec<Cluster>,
    forward: Vec<(u64, u64, u32)>,
}

impl Scratch {
    /// The cluster of a value.
    fn cluster(&mut self, value: u32) -> &mut Cluster {
        let (round, number) = &mut self.clusters_of[value as usize];
        if *round != self.round {
            *round = self.round;
            *number = u32::try_from(self.clusters.len()).expect("operations have numbers of 32 bits");
            let (first_return, last_invocation) = ((u64::MAX, NONE), (0, NONE));
            self.clusters.push(Cluster {
                put: NONE,
                put_times: (0, 0),
                get: NONE,
                first_return,
                last_invocation,
            });
        }
        &mut self.clusters[*number as usize]
    }

    /// Decides a key, whose operations these are. `values`: how many values the history has.
    pub(super) fn decide(&mut self, values: usize, operations: &[Slim]) -> Zones {
        self.clusters_of.resize(values, (0, 0));
        self.round += 1;
        self.clusters.clear();
        // The initial value is there before everything.
        self.cluster(EMPTY).first_return = (0, NONE);
        for operation in operations {
            if operation.what != What::Nothing && !self.add(operation) {
                return Zones::Inapplicable;
            }
        }
        if let Some(clash) = self.found_before_put() {
            return Zones::Clash(clash);
        }
        self.overlap().map_or(Zones::Fine, Zones::Clash)
    }

    /// Adds an operation; `false` if zones cannot judge it.
    fn add(&mut self, operation: &Slim) -> bool {
        let Slim { invoked, returned, value, index, what } = *operation;
        if what == What::Other {
            return false;
        }
        let cluster = self.cluster(value);
        if what == What::Get {
            cluster.get = index;
        } else if cluster.put == NONE {
            (cluster.put, cluster.put_times) = (index, (invoked, returned));
        } else {
            return false;
        }
        cluster.first_return = cluster.first_return.min((returned, index));
        cluster.last_invocation = cluster.last_invocation.max((invoked, index));
        true
    }

    /// A get of what nobody put, or that returned before the put was invoked.
    fn found_before_put(&self) -> Option<Vec<u32>> {
        self.clusters.iter().skip(1).find_map(|cluster| {
            if cluster.put == NONE {
                return Some(vec![cluster.get]);
            }
            let (returned, get) = cluster.first_return;
            (returned < cluster.put_times.0).then(|| vec![cluster.put, get])
        })
    }

    /// Two clusters of which each would have to be over before the other begins.
    fn overlap(&mut self) -> Option<Vec<u32>> {
        self.forward.clear();
        for (number, cluster) in (0_u32..).zip(&self.clusters) {
            let (from, to) = (cluster.first_return.0, cluster.last_invocation.0);
            if from < to {
                self.forward.push((from, to, number));
            }
        }
        self.forward.sort_unstable();
        let clash = |a: u32, b: u32| Some(self.witnesses(&[a, b]));
        for pair in self.forward.windows(2) {
            if pair[1].0 < pair[0].1 {
                return clash(pair[0].2, pair[1].2);
            }
        }
        for (number, cluster) in (0_u32..).zip(&self.clusters) {
            let (first, last) = (cluster.first_return.0, cluster.last_invocation.0);
            // One that nobody found and that never returned need not have happened.
            let never = cluster.get == NONE && (cluster.put == NONE || cluster.put_times.1 == u64::MAX);
            if first < last || never {
                continue;
            }
            // The forward zones do not overlap: of those that begin before this one the last ends last.
            let before = self.forward.partition_point(|(from, _, _)| *from < last);
            let zone = before.checked_sub(1).map(|place| self.forward[place]);
            if let Some((_, to, other)) = zone
                && first < to
                && other != number
            {
                return clash(other, number);
            }
        }
        None
    }

    /// The operations that show where two clusters begin and end, and the puts of their values.
    fn witnesses(&self, clusters: &[u32]) -> Vec<u32> {
        let mut found: Vec<u32> = clusters
            .iter()
            .flat_map(|number| {
                let cluster = &self.clusters[*number as usize];
                [cluster.put, cluster.first_return.1, cluster.last_invocation.1]
            })
            .filter(|index| *index != NONE)
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}
