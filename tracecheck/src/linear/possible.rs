//! What an operation could have found, where the others leave it room.

use super::history::Operation;
use std::collections::{BTreeMap, BTreeSet};
use tracecheck_schema::{KvCall, KvOutcome};

/// The most operations that are tried out.
const MOST: usize = 20;
/// The most situations that are looked at.
const SITUATIONS: usize = 20_000;

/// The values that the key can hold when `which` takes effect, over all legal orders of the others. Empty if there
/// are too many operations to say.
pub(super) fn values(operations: &[&Operation], which: usize) -> BTreeSet<String> {
    if operations.len() > MOST {
        return BTreeSet::new();
    }
    let mut look = Look { operations, which, known: BTreeMap::new(), found: BTreeSet::new() };
    look.complete(0, "");
    if look.known.len() >= SITUATIONS { BTreeSet::new() } else { look.found }
}

struct Look<'a> {
    operations: &'a [&'a Operation],
    which: usize,
    /// Whether what has not taken effect can be ordered, by what has and the value.
    known: BTreeMap<(u32, String), bool>,
    found: BTreeSet<String>,
}

impl Look<'_> {
    /// When an operation is over for certain.
    fn end(&self, index: usize) -> u64 {
        let operation = self.operations[index];
        let known = operation.outcome != (KvOutcome::Unknown {});
        if known { operation.returned.unwrap_or(u64::MAX) } else { u64::MAX }
    }

    fn complete(&mut self, done: u32, held: &str) -> bool {
        let all = self.operations.len();
        let is_done = |index: usize| done >> index & 1 == 1;
        if let Some(known) = self.known.get(&(done, held.to_owned())) {
            return *known;
        }
        if self.known.len() >= SITUATIONS {
            return false;
        }
        let must = |index: usize| index == self.which || self.end(index) != u64::MAX;
        let mut possible = (0..all).all(|index| is_done(index) || !must(index));
        for next in 0..all {
            let invoked = self.operations[next].invoked;
            if is_done(next) || (0..all).any(|other| !is_done(other) && self.end(other) < invoked) {
                continue;
            }
            let after = if next == self.which {
                Some(blind(self.operations[next], held))
            } else {
                self.effect(next, held)
            };
            if let Some(after) = after
                && self.complete(done | 1 << next, &after)
            {
                possible = true;
                if next == self.which {
                    self.found.insert(held.to_owned());
                }
            }
        }
        self.known.insert((done, held.to_owned()), possible);
        possible
    }

    /// What an operation makes of a value; `None` if its outcome would have been another.
    fn effect(&self, index: usize, held: &str) -> Option<String> {
        let operation = self.operations[index];
        let legal = match (&operation.call, &operation.outcome) {
            (_, KvOutcome::Failed {}) => false,
            (KvCall::Get { .. }, KvOutcome::Value { value }) => value == held,
            (KvCall::Cas { from, .. }, KvOutcome::Swapped { swapped }) => *swapped == (from == held),
            _ => true,
        };
        legal.then(|| blind(operation, held))
    }
}

/// What an operation makes of a value, whatever it was answered.
fn blind(operation: &Operation, held: &str) -> String {
    match &operation.call {
        KvCall::Get { .. } => held.to_owned(),
        KvCall::Put { value, .. } => value.clone(),
        KvCall::Append { value, .. } => format!("{held}{value}"),
        KvCall::Cas { from, to, .. } => if from == held { to } else { held }.to_owned(),
        KvCall::Delete { .. } => String::new(),
    }
}
