//! What contradicts what, in one sentence that a student understands.

use super::history::Operation;
use super::possible::Held;
use crate::words::list;
use tracecheck_schema::{KvCall, KvOutcome};

/// What there is to say.
pub(super) struct Case<'a> {
    pub(super) key: &'a str,
    /// The operations by invocation; which of them count as they are.
    pub(super) operations: &'a [Held<'a>],
    /// The one without which the others can be ordered.
    pub(super) left_out: Option<usize>,
    /// What it could have found.
    pub(super) could_find: &'a [String],
}

/// The longest part of a value that is shown.
const LONGEST: usize = 24;

/// A value in quotes; of a long one both ends.
pub(super) fn quote(value: &str) -> String {
    let letters: Vec<char> = value.chars().collect();
    if letters.len() <= LONGEST {
        return format!("{value:?}");
    }
    let part = |letters: &[char]| letters.iter().collect::<String>();
    let (head, tail) = (part(&letters[..LONGEST / 2]), part(&letters[letters.len() - LONGEST / 2..]));
    format!("{:?}", format!("{head}…{tail}"))
}

/// `get`, `put "a"`, `append "a"`, `cas "a" → "b"`, `delete`: a call without its key.
pub(super) fn short(call: &KvCall) -> String {
    match call {
        KvCall::Get { .. } => "get".to_owned(),
        KvCall::Put { value, .. } => format!("put {}", quote(value)),
        KvCall::Append { value, .. } => format!("append {}", quote(value)),
        KvCall::Cas { from, to, .. } => format!("cas {} → {}", quote(from), quote(to)),
        KvCall::Delete { .. } => "delete".to_owned(),
    }
}

/// `c1's put of "a"`.
pub(super) fn whose(operation: &Operation) -> String {
    let client = operation.client;
    match &operation.call {
        KvCall::Get { .. } => format!("c{client}'s get"),
        KvCall::Put { value, .. } => format!("c{client}'s put of {}", quote(value)),
        KvCall::Append { value, .. } => format!("c{client}'s append of {}", quote(value)),
        KvCall::Cas { from, to, .. } => format!("c{client}'s cas from {} to {}", quote(from), quote(to)),
        KvCall::Delete { .. } => format!("c{client}'s delete"),
    }
}

pub(super) fn sentence(case: &Case<'_>) -> String {
    let all = format!(
        "These {} operations on {} cannot be put into one order that agrees with real time and with what they returned.",
        case.operations.len(),
        case.key
    );
    let Some(left_out) = case.left_out.map(|place| case.operations[place].0) else { return all };
    let found = doubt(case, left_out);
    let why = alone(case, left_out)
        .or_else(|| forked(case))
        .or_else(|| stale(case, left_out))
        .or_else(|| missing(case, left_out))
        .or_else(|| taken_twice(case, left_out));
    match (why, case.could_find) {
        (Some(why), _) => why,
        (None, []) => all,
        (None, values) => {
            let values: Vec<String> = values.iter().take(4).map(|value| quote(value)).collect();
            let held = if case.could_find.len() > 4 {
                "other values".to_owned()
            } else {
                list(&values).replace(" and ", " or ")
            };
            format!(
                "{found}, but where real time and the other operations leave it room the key held {held}."
            )
        }
    }
}

/// `c2's get of x returned "a"`.
fn doubt(case: &Case<'_>, operation: &Operation) -> String {
    let key = case.key;
    let client = operation.client;
    match (&operation.call, &operation.outcome) {
        (KvCall::Get { .. }, KvOutcome::Value { value }) if value.is_empty() => {
            format!("c{client}'s get of {key} found nothing")
        }
        (KvCall::Get { .. }, KvOutcome::Value { value }) => {
            format!("c{client}'s get of {key} returned {}", quote(value))
        }
        (KvCall::Cas { from, .. }, KvOutcome::Swapped { swapped: true }) => {
            format!("c{client}'s cas of {key} found {}", quote(from))
        }
        (KvCall::Cas { from, .. }, _) => {
            format!("c{client}'s cas of {key} found another value than {}", quote(from))
        }
        _ => format!("{} took effect on {key}", whose(operation)),
    }
}

/// What an operation says it found.
fn seen(operation: &Operation) -> Option<&str> {
    match (&operation.call, &operation.outcome) {
        (KvCall::Get { .. }, KvOutcome::Value { value }) => Some(value),
        (KvCall::Cas { from, .. }, KvOutcome::Swapped { swapped: true }) => Some(from),
        _ => None,
    }
}

/// The whole value that an operation leaves.
fn left(operation: &Operation) -> Option<&str> {
    match &operation.call {
        KvCall::Put { value, .. } => Some(value),
        KvCall::Cas { to, .. } if operation.outcome != (KvOutcome::Swapped { swapped: false }) => Some(to),
        KvCall::Delete { .. } => Some(""),
        _ => None,
    }
}

fn before(first: &Operation, second: &Operation) -> bool {
    first.returned.is_some_and(|returned| returned < second.invoked)
}

/// One answer that is wrong whatever the other answers were.
fn alone(case: &Case<'_>, operation: &Operation) -> Option<String> {
    let value = seen(operation)?;
    let held = case.operations.iter().filter(|(_, held)| *held).count();
    if held != 1 {
        return None;
    }
    let (doubt, others) = (doubt(case, operation), case.operations.iter().map(|(other, _)| *other));
    let mut writers = others.filter(|other| left(other) == Some(value));
    Some(match writers.next() {
        Some(writer) if before(operation, writer) => {
            format!("{doubt} before {} was invoked.", whose(writer))
        }
        None if case.operations.len() == 1 => format!("{doubt}, which nobody had put there."),
        _ => format!("{doubt}, which no order of the writes gives."),
    })
}

/// Two answers of a key that only grows, neither of which is the beginning of the other.
fn forked(case: &Case<'_>) -> Option<String> {
    let replaces = |operation: &Operation| left(operation).is_some();
    if case.operations.iter().any(|(operation, _)| replaces(operation)) {
        return None;
    }
    let held: Vec<&Operation> =
        case.operations.iter().filter(|(_, held)| *held).map(|(found, _)| *found).collect();
    let [first, second] = held[..] else { return None };
    let (one, other) = (seen(first)?, seen(second)?);
    let fork = !one.starts_with(other) && !other.starts_with(one);
    fork.then(|| {
        format!(
            "{} and {} {}: appends only add at the end, so one of the two must begin with the other.",
            doubt(case, first),
            whose(second),
            quote(other)
        )
    })
}

/// An answer that was right once.
fn stale(case: &Case<'_>, operation: &Operation) -> Option<String> {
    let value = seen(operation)?;
    let doubt = doubt(case, operation);
    let held = || case.operations.iter().filter(|(_, held)| *held).map(|(found, _)| *found);
    let writers: Vec<&Operation> =
        case.operations.iter().map(|(other, _)| *other).filter(|other| left(other) == Some(value)).collect();
    let over = held().find(|other| {
        let replaces = left(other).is_some_and(|left| left != value);
        replaces && before(other, operation) && writers.iter().all(|writer| before(writer, other))
    });
    if let Some(over) = over {
        let overwritten = if value.is_empty() {
            String::new()
        } else {
            format!(", and {} had been overwritten", quote(value))
        };
        return Some(format!(
            "{doubt} although {} had returned before it was invoked{overwritten}.",
            whose(over)
        ));
    }
    // Others saw a newer value.
    let newer =
        held().find(|other| seen(other).is_some_and(|seen| seen != value) && before(other, operation))?;
    let gone = !case.could_find.iter().any(|found| found == value) && !case.could_find.is_empty();
    let only_gets = held().all(|other| seen(other).is_some() || left(other).is_some());
    let older = held().any(|other| seen(other) == Some(value) && before(other, newer))
        || writers.iter().any(|writer| before(writer, newer))
        || value.is_empty();
    (gone && only_gets && older && held().count() <= 4).then(|| {
        let seen = seen(newer).map(quote).unwrap_or_default();
        format!(
            "{doubt} although {} had found {seen} before it was invoked, and {} had been overwritten by then.",
            whose(newer),
            quote(value)
        )
    })
}

/// An append that had returned, and is not in the answer.
fn missing(case: &Case<'_>, operation: &Operation) -> Option<String> {
    let value = seen(operation)?;
    let mut held = case.operations.iter().filter(|(_, held)| *held).map(|(found, _)| *found);
    if case.operations.iter().any(|(other, _)| left(other).is_some()) {
        return None;
    }
    let append = held.find_map(|other| match &other.call {
        KvCall::Append { value: text, .. } if before(other, operation) && !value.contains(text.as_str()) => {
            Some((other, text))
        }
        _ => None,
    });
    append.map(|(append, text)| {
        let (doubt, whose) = (doubt(case, operation), whose(append));
        format!("{doubt} although {whose} had returned before it was invoked: {} is missing.", quote(text))
    })
}

/// Two that each took away the same value.
fn taken_twice(case: &Case<'_>, operation: &Operation) -> Option<String> {
    let takes = |operation: &Operation| match (&operation.call, &operation.outcome) {
        (KvCall::Cas { from, to, .. }, KvOutcome::Swapped { swapped: true }) if from != to => {
            Some(from.clone())
        }
        _ => None,
    };
    let value = takes(operation)?;
    let others = || case.operations.iter().map(|(other, _)| *other);
    let takers: Vec<&Operation> = others().filter(|other| takes(other).as_ref() == Some(&value)).collect();
    let writers = others().filter(|other| left(other) == Some(value.as_str())).count();
    let appends = others().any(|other| matches!(other.call, KvCall::Append { .. }));
    let [first, second] = takers[..] else { return None };
    (writers + usize::from(value.is_empty()) == 1 && !appends).then(|| {
        format!(
            "{} and {} both found {} in {}, which was there only once: whichever came first had changed it.",
            whose(first),
            whose(second),
            quote(&value),
            case.key
        )
    })
}
