//! The operations on one key, as a search sees them.
//!
//! Owns what each operation does to the key's value (`Act`), the values that matter (`Texts`), and real time
//! as ranks.
//!
//! Invariants: only what can matter is here. Reads whose answer nobody saw and operations that failed are gone.
//! An operation whose outcome is unknown never returns; one that only writes what nobody could observe is gone.
//!
//! Never: holds a text twice, or one that no operation of the key names.

use super::history::{Compact, EMPTY, Fate, History, Kind};
use super::texts::{NOWHERE, Symbol, Texts};

/// What an operation does when it takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Act {
    /// Finds this value, and leaves it.
    Read(Symbol),
    /// Finds any value but this, and leaves it.
    Not(Symbol),
    /// Leaves this value, whatever it finds.
    Write(Symbol),
    /// Finds the first, leaves the second, which is another one.
    Swap(Symbol, Symbol),
    /// Adds the text of that number in the history.
    Append(u32),
}

/// An operation that takes effect at one moment between its invocation and its return.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) act: Act,
    /// Its rank among the key's invocations and returns, from 1.
    pub(crate) invoked: u32,
    /// Likewise; [`OPEN`] if it may take effect at any time after its invocation, or never.
    pub(crate) returned: u32,
    /// Its number in the history.
    pub(crate) index: u32,
}

/// The return of what never returns.
pub(crate) const OPEN: u32 = u32::MAX;

/// How an operation of the history counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As it is.
    Full,
    /// As if its client had never heard of it again.
    Open,
}

/// All of one key.
#[derive(Debug)]
pub(crate) struct Problem<'a> {
    /// In the order of their invocations.
    pub(crate) steps: Vec<Step>,
    pub(crate) texts: Texts<'a>,
    /// Whether there is a cas that found another value: then it can matter that a value is *not* there.
    pub(crate) negative: bool,
}

impl<'a> Problem<'a> {
    /// `indexes`: the key's operations in the history, with how each of them counts.
    pub(crate) fn new(history: &'a History, indexes: impl Iterator<Item = (u32, Mode)>) -> Problem<'a> {
        let mut raw: Vec<(u32, Compact)> = Vec::new();
        for (index, mode) in indexes {
            let mut operation = history.operations[index as usize];
            if mode == Mode::Open && operation.fate != Fate::Failed {
                (operation.returned, operation.fate) = (u64::MAX, Fate::Unknown);
            }
            if matters(&operation) {
                raw.push((index, operation));
            }
        }
        let appends = raw.iter().any(|(_, operation)| operation.kind == Kind::Append);
        let negative = raw.iter().any(|(_, operation)| operation.fate == Fate::NotSwapped);
        let observed = raw.iter().filter_map(|(_, operation)| observed(operation));
        let mut texts = Texts::new(history, observed, appends);
        raw.iter().for_each(|(_, operation)| texts.learn(written(operation)));
        texts.learn(EMPTY);
        raw.retain(|(_, operation)| {
            let useless = operation.kind != Kind::Append
                && !negative
                && operation.returned == u64::MAX
                && texts.symbol(written(operation)) == NOWHERE;
            !useless
        });
        let steps = steps(&raw, &texts);
        let mut problem = Problem { steps, texts, negative };
        problem.texts.prepare(&problem.steps);
        problem.drop_unseen();
        problem
    }
}

impl Problem<'_> {
    /// Drops open writes of values that were only found before.
    fn drop_unseen(&mut self) {
        let Problem { steps, texts, negative, .. } = self;
        steps.retain(|step| match step.act {
            Act::Write(to) | Act::Swap(_, to) if step.returned == OPEN && !*negative => {
                texts.until(to) > step.invoked
            }
            _ => true,
        });
    }
}

/// Whether an operation can have had an effect, or says what the key held.
fn matters(operation: &Compact) -> bool {
    match (operation.kind, operation.fate) {
        (_, Fate::Failed) | (Kind::Get, Fate::Unknown) => false,
        // An open one that would change nothing.
        (Kind::Cas, Fate::Unknown) => operation.a != operation.b,
        (Kind::Append, Fate::Unknown) => operation.a != EMPTY,
        // An append of nothing says nothing.
        (Kind::Append, _) => operation.a != EMPTY,
        _ => true,
    }
}

/// The value that an operation says it found, or did not find.
fn observed(operation: &Compact) -> Option<u32> {
    match operation.kind {
        Kind::Get => Some(operation.b),
        Kind::Cas => Some(operation.a),
        Kind::Put | Kind::Append | Kind::Delete => None,
    }
}

/// The value that a put, a delete or a cas leaves.
fn written(operation: &Compact) -> u32 {
    match operation.kind {
        Kind::Cas => operation.b,
        _ => operation.a,
    }
}

fn act(operation: &Compact, texts: &Texts<'_>) -> Act {
    let symbol = |number: u32| texts.symbol(number);
    match (operation.kind, operation.fate) {
        (Kind::Get, _) => Act::Read(symbol(operation.b)),
        (Kind::Put | Kind::Delete, _) => Act::Write(symbol(operation.a)),
        (Kind::Append, _) => Act::Append(operation.a),
        (Kind::Cas, Fate::NotSwapped) => Act::Not(symbol(operation.a)),
        (Kind::Cas, _) if operation.a == operation.b => Act::Read(symbol(operation.a)),
        (Kind::Cas, _) => Act::Swap(symbol(operation.a), symbol(operation.b)),
    }
}

/// Turns places in real time into ranks. Where an invocation and a return share a place, the two operations
/// are concurrent: the invocation comes first.
fn steps(raw: &[(u32, Compact)], texts: &Texts<'_>) -> Vec<Step> {
    let mut events: Vec<(u64, bool, usize)> = Vec::with_capacity(raw.len() * 2);
    for (position, (_, operation)) in raw.iter().enumerate() {
        events.push((operation.invoked, false, position));
        if operation.returned != u64::MAX {
            events.push((operation.returned, true, position));
        }
    }
    events.sort_unstable();
    let mut times = vec![(0, OPEN); raw.len()];
    for (rank, (_, is_return, position)) in (1_u32..).zip(events) {
        if is_return {
            times[position].1 = rank;
        } else {
            times[position].0 = rank;
        }
    }
    let mut steps: Vec<Step> = raw
        .iter()
        .zip(times)
        .map(|((index, operation), (invoked, returned))| Step {
            act: act(operation, texts),
            invoked,
            returned,
            index: *index,
        })
        .collect();
    steps.sort_unstable_by_key(|step| step.invoked);
    steps
}
