//! What linearizable means, as plainly as it can be said: some order of all operations, of any subset of those
//! whose outcome is unknown, agrees with real time and with a map.

use std::collections::BTreeMap;
use tracecheck::linear::Operation;
use tracecheck::schema::{KvCall, KvOutcome};

/// Tries every order. Meant for ten operations or so.
pub(crate) fn is_linearizable(operations: &[Operation]) -> bool {
    let counted: Vec<&Operation> =
        operations.iter().filter(|operation| operation.outcome != KvOutcome::Failed {}).collect();
    extend(&counted, &mut vec![false; counted.len()], &BTreeMap::new())
}

/// When an operation is over for certain.
fn end(operation: &Operation) -> u64 {
    if operation.outcome == (KvOutcome::Unknown {}) {
        u64::MAX
    } else {
        operation.returned.unwrap_or(u64::MAX)
    }
}

fn extend(all: &[&Operation], done: &mut [bool], map: &BTreeMap<String, String>) -> bool {
    if all.iter().zip(&*done).all(|(operation, done)| *done || end(operation) == u64::MAX) {
        return true;
    }
    for next in 0..all.len() {
        let before = |other: usize| !done[other] && end(all[other]) < all[next].invoked;
        if done[next] || (0..all.len()).any(before) {
            continue;
        }
        let mut after = map.clone();
        if execute(all[next], &mut after) {
            done[next] = true;
            if extend(all, done, &after) {
                return true;
            }
            done[next] = false;
        }
    }
    false
}

/// Executes an operation; says whether its outcome is right.
fn execute(operation: &Operation, map: &mut BTreeMap<String, String>) -> bool {
    let held = map.get(operation.call.key()).cloned().unwrap_or_default();
    let (new, outcome) = match &operation.call {
        KvCall::Get { .. } => (held.clone(), KvOutcome::Value { value: held }),
        KvCall::Put { value, .. } => (value.clone(), KvOutcome::Done {}),
        KvCall::Append { value, .. } => (held + value, KvOutcome::Done {}),
        KvCall::Cas { from, to, .. } if held == *from => (to.clone(), KvOutcome::Swapped { swapped: true }),
        KvCall::Cas { .. } => (held, KvOutcome::Swapped { swapped: false }),
        KvCall::Delete { .. } => (String::new(), KvOutcome::Done {}),
    };
    map.insert(operation.call.key().to_owned(), new);
    operation.outcome == (KvOutcome::Unknown {}) || operation.outcome == outcome
}
