//! What contradicts what, in one sentence that a student understands.

use super::history::Operation;
use crate::words::list;
use tracecheck_schema::{KvCall, KvOutcome};

/// What there is to say.
pub(super) struct Case<'a> {
    pub(super) key: &'a str,
    /// The operations by invocation; which of them are of the smallest set.
    pub(super) operations: Vec<(&'a Operation, bool)>,
    /// Writes that are not shown.
    pub(super) hidden: &'a [Operation],
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

impl Case<'_> {
    /// The operations of the smallest set.
    fn held(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter().filter(|(_, held)| *held).map(|(operation, _)| *operation)
    }

    fn all(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter().map(|(operation, _)| *operation).chain(self.hidden)
    }
}

pub(super) fn sentence(case: &Case<'_>) -> String {
    let all = format!(
        "{} operations on {} cannot be put into one order that agrees with real time and with what they returned.",
        case.held().count(),
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
                "{found}, but in every legal order of the other operations {} held {held} then.",
                case.key
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
    if case.held().count() != 1 {
        return None;
    }
    let doubt = doubt(case, operation);
    Some(match case.all().find(|other| left(other) == Some(value)) {
        Some(writer) if before(operation, writer) => {
            format!("{doubt} before {} was invoked.", whose(writer))
        }
        None if case.all().count() == 1 => format!("{doubt}, which nobody had put there."),
        _ => format!("{doubt}, which no order of the writes gives."),
    })
}

/// Two answers of a key that only grows, neither of which is the beginning of the other, or the later of which
/// is the shorter.
fn forked(case: &Case<'_>) -> Option<String> {
    let held: Vec<&Operation> = case.held().collect();
    let [first, second] = held[..] else { return None };
    let (one, other) = (seen(first)?, seen(second)?);
    if let (KvOutcome::Swapped { .. }, _) | (_, KvOutcome::Swapped { .. }) = (&first.outcome, &second.outcome)
    {
        return None;
    }
    let (first_said, whose) = (doubt(case, first), whose(second));
    if !one.starts_with(other) && !other.starts_with(one) && case.all().all(|other| left(other).is_none()) {
        let other = quote(other);
        return Some(format!(
            "{first_said} and {whose} {other}: appends only add at the end, so one of the two must begin with the other."
        ));
    }
    (one.starts_with(other) && one != other && before(first, second)).then(|| {
        let (one, doubt, first) = (quote(one), doubt(case, second), self::whose(first));
        format!(
            "{doubt} although {first} had found {one} before it was invoked, and nothing made it shorter."
        )
    })
}

/// An answer that was right once.
fn stale(case: &Case<'_>, operation: &Operation) -> Option<String> {
    let value = seen(operation)?;
    let doubt = doubt(case, operation);
    let ends = |other: &Operation| matches!(&other.call, KvCall::Append { value: text, .. } if value.ends_with(text.as_str()));
    let appends = case.all().any(ends);
    let writers: Vec<&Operation> = case.all().filter(|other| left(other) == Some(value)).collect();
    let over = case.held().find(|other| {
        let replaces = left(other).is_some_and(|left| left != value);
        replaces && before(other, operation) && writers.iter().all(|writer| before(writer, other))
    });
    let overwritten = format!("{} had been overwritten", quote(value));
    if let Some(over) = over.filter(|_| !appends) {
        let and = if value.is_empty() { String::new() } else { format!(", and {overwritten}") };
        return Some(format!("{doubt} although {} had returned before it was invoked{and}.", whose(over)));
    }
    // Somebody else saw a newer value.
    let newer = case.held().find(|other| {
        let older = || {
            case.held().any(|first| seen(first) == Some(value) && before(first, other))
                || writers.iter().all(|writer| before(writer, other))
        };
        seen(other).is_some_and(|seen| seen != value) && before(other, operation) && older()
    })?;
    let gone = !case.could_find.is_empty() && case.could_find.iter().all(|found| found != value);
    (gone && writers.len() <= 1 && !appends).then(|| {
        let seen = seen(newer).map(quote).unwrap_or_default();
        let newer = whose(newer);
        format!("{doubt} although {newer} had found {seen} before it was invoked: by then {overwritten}.")
    })
}

/// An append that had returned, and is not in the answer.
fn missing(case: &Case<'_>, operation: &Operation) -> Option<String> {
    let value = seen(operation)?;
    if case.all().any(|other| left(other).is_some()) {
        return None;
    }
    let append = case.held().find_map(|other| match &other.call {
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
    let takers: Vec<&Operation> = case.held().filter(|other| takes(other).as_ref() == Some(&value)).collect();
    let writers = case.all().filter(|other| left(other) == Some(value.as_str())).count();
    let appends = case.all().any(|other| matches!(other.call, KvCall::Append { .. }));
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
