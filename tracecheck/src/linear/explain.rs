//! Why a history is not linearizable: few operations, the nearest legal order, and one sentence.

use super::history::{History, Operation};
use super::possible;
use super::search::{Outcome, Strategy, search};
use super::sentence::{Case, sentence};
use super::shrink::{Core, Shrinker};
use std::collections::BTreeSet;
use tracecheck_schema::{KvCall, KvOutcome};

/// Why a history is not linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The key.
    pub key: String,
    /// What is wrong, in one sentence.
    pub sentence: String,
    /// The smallest set of operations found that cannot be ordered, and those that help to see it, by invocation.
    pub operations: Vec<Operation>,
    /// Which of them are of that set. The others are writes that may have taken effect at any time, for all that the
    /// contradiction needs.
    pub needed: Vec<bool>,
    /// Which of the history they are.
    pub numbers: Vec<usize>,
    /// Whether without any one of the set the others could be ordered; otherwise a smaller set may exist.
    pub minimal: bool,
    /// How many other writes on the key may have taken effect at any time, which would not help either.
    pub others: usize,
    /// The nearest legal order, as places in `operations`.
    pub order: Vec<usize>,
    /// What that order leaves out; places in `operations`.
    pub left_out: Vec<usize>,
    /// What the one that is left out could have found: the values of the key where the others leave it room.
    pub could_find: Vec<String>,
}

/// Of so many writes that may or may not have happened all are shown.
const LOOSE_SHOWN: usize = 3;

/// Explains why a key's operations cannot be ordered. `from`: a part of them that cannot.
pub(super) fn explain(history: &History, key: u32, (all, from): (&[u32], &[u32]), steps: u64) -> Explanation {
    let mut shrinker = Shrinker::new(history, all, steps);
    let core = shrinker.shrink(from);
    let (left_out, order) = if steps > 0 { nearest(history, &shrinker, &core) } else { (vec![], vec![]) };
    let mut shown: BTreeSet<u32> = core.held.iter().chain(&order).copied().collect();
    if core.loose.len() <= LOOSE_SHOWN {
        shown.extend(&core.loose);
    }
    if shown.len() == 1 {
        shown.extend(too_late(history, all, &core.held));
    }
    let get = |index: &u32| history.get(*index as usize);
    let hidden: Vec<Operation> =
        core.loose.iter().filter(|index| !shown.contains(index)).filter_map(get).collect();
    let mut shown: Vec<u32> = shown.into_iter().collect();
    shown.sort_by_key(|index| history.operations[*index as usize].invoked);
    let place = |index: &u32| shown.iter().position(|other| other == index);
    let operations: Vec<Operation> = shown.iter().filter_map(get).collect();
    let needed: Vec<bool> = shown.iter().map(|index| core.held.contains(index)).collect();
    let left: Vec<usize> = left_out.iter().filter_map(place).collect();
    let could_find = could_find(history, &mut shrinker, &core, (&operations, &hidden), &left);
    let case = Case {
        key: history.key(key),
        operations: operations.iter().zip(needed.iter().copied()).collect(),
        hidden: &hidden,
        left_out: left.first().copied(),
        could_find: &could_find,
    };
    Explanation {
        key: history.key(key).to_owned(),
        sentence: sentence(&case),
        numbers: shown.iter().map(|index| *index as usize).collect(),
        minimal: core.minimal,
        others: hidden.len(),
        order: order.iter().filter_map(place).collect(),
        left_out: left,
        could_find,
        needed,
        operations,
    }
}

/// What the operation that is left out could have found.
fn could_find(
    history: &History,
    shrinker: &mut Shrinker<'_>,
    core: &Core,
    (shown, hidden): (&[Operation], &[Operation]),
    left: &[usize],
) -> Vec<String> {
    match left {
        [one] if hidden.is_empty() => {
            let all: Vec<&Operation> = shown.iter().collect();
            possible::values(&all, *one).into_iter().collect()
        }
        [one]
            if history.get(core.prefix.last().map_or(0, |last| *last as usize)).as_ref()
                == shown.get(*one) =>
        {
            let values = shrinker.could_find(&core.prefix);
            let mut values: Vec<String> =
                values.iter().map(|value| history.value(*value).to_owned()).collect();
            values.sort();
            values
        }
        _ => Vec::new(),
    }
}

/// Steps for the nearest order.
const STEPS: u64 = 50_000;

/// Of so many operations it is tried to leave one out; of a smallest set the first will do.
const TRIED: usize = 4;

/// What to leave out, one operation if that is enough, and an order of the others.
fn nearest(history: &History, shrinker: &Shrinker<'_>, core: &Core) -> (Vec<u32>, Vec<u32>) {
    let order = |held: &[u32]| {
        let problem = shrinker.problem(held);
        let numbers: Vec<u32> = problem.steps.iter().map(|step| step.index).collect();
        let outcome = search(problem, Strategy::Depth, &mut STEPS.clone());
        let numbered =
            |order: Vec<u32>| order.iter().map(|step| numbers[*step as usize]).collect::<Vec<u32>>();
        match outcome {
            Outcome::Found(Some(order)) => Ok(numbered(order)),
            Outcome::Nothing(Some(order)) => Err(numbered(order)),
            _ => Err(Vec::new()),
        }
    };
    let mut candidates = core.held.clone();
    candidates.reverse();
    // An answer is more readily doubted than a write.
    candidates
        .sort_by_key(|index| history.get(*index as usize).is_some_and(|operation| !observes(&operation)));
    // Few writes that need not be as they are still had better be.
    let few: &[u32] = if core.loose.len() <= LOOSE_SHOWN { &core.loose } else { &[] };
    for extra in [few, &[]] {
        for left_out in candidates.iter().take(TRIED) {
            let rest = core.held.iter().chain(extra).copied().filter(|index| index != left_out);
            if let Ok(mut order) = order(&rest.collect::<Vec<u32>>()) {
                order.retain(|index| index != left_out);
                return (vec![*left_out], order);
            }
        }
    }
    let order = order(&core.held).unwrap_or_else(|order| order);
    (core.held.iter().copied().filter(|index| !order.contains(index)).collect(), order)
}

/// Whether an operation was answered with something about the key's value.
fn observes(operation: &Operation) -> bool {
    matches!(operation.outcome, KvOutcome::Value { .. } | KvOutcome::Swapped { .. })
}

/// The first write of what the only operation found: it was invoked when that had returned already.
fn too_late(history: &History, all: &[u32], held: &[u32]) -> Option<u32> {
    let found = held.first().and_then(|index| history.get(*index as usize))?;
    let value = match (&found.outcome, &found.call) {
        (KvOutcome::Value { value }, _) => value,
        (_, KvCall::Cas { from, .. }) => from,
        _ => return None,
    };
    all.iter().copied().find(|index| {
        history.get(*index as usize).is_some_and(|operation| match &operation.call {
            KvCall::Put { value: put, .. } => put == value,
            KvCall::Cas { to, .. } => to == value,
            _ => false,
        } && Some(operation.invoked) > found.returned)
    })
}
