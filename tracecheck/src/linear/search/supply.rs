//! Which values are still needed, and who could still bring them about: what lets a search give up early.
//!
//! Invariant: what is counted as needed is needed in every order; what could bring a value about is never
//! left out.

use crate::linear::model::{Act, OPEN, Problem};
use crate::linear::texts::Symbol;
use rustc_hash::FxHashMap;

/// The invocations of the steps that need or bring one observed value, each list ascending.
#[derive(Clone, Debug, Default)]
struct Value {
    /// Steps that must find it, and leave it.
    reads: Vec<u32>,
    /// Steps that must find it, and leave another.
    takes: Vec<u32>,
    /// Steps after which it may be there.
    writers: Vec<u32>,
}

/// How many steps need a value, or may bring it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) reads: usize,
    pub(super) takes: usize,
    pub(super) writers: usize,
}

/// What is invoked when.
pub(super) struct Supply {
    /// By position among the observed values.
    values: Vec<Value>,
    /// The invocation of the last step that observes anything; 0 if there is none.
    pub(super) last_observer: u32,
    /// The invocation of the last step that replaces the whole value.
    pub(super) last_overwriter: u32,
    /// The invocations of the steps that must find a value, ascending, each with the lowest and the highest
    /// position of a value that it or a later one must find.
    observers: Vec<(u32, u32, u32)>,
    /// The values that these steps must find.
    found: Vec<Symbol>,
    /// The invocations of the steps that may write a value as a whole.
    writes: FxHashMap<Symbol, Vec<u32>>,
    /// The invocations of the appends of a text.
    appends: FxHashMap<u32, Vec<u32>>,
    /// Until when a text that is appended is in a value that somebody observes.
    appended_until: Option<FxHashMap<u32, u32>>,
}

/// Of so many later steps it is asked whether what they must find can still come about.
const AHEAD: usize = 4;

impl Supply {
    pub(super) fn new(problem: &Problem<'_>) -> Supply {
        let texts = &problem.texts;
        let mut values = vec![Value::default(); texts.len() as usize];
        let (mut last_observer, mut last_overwriter) = (0, 0);
        let (mut observers, mut found) = (Vec::new(), Vec::new());
        let mut writes: FxHashMap<Symbol, Vec<u32>> = FxHashMap::default();
        let mut by_number: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        let mut appends: FxHashMap<&str, Vec<u32>> = FxHashMap::default();
        for step in &problem.steps {
            let must = step.returned != OPEN;
            let at = |symbol| texts.observed(symbol).map(|position| position as usize);
            match step.act {
                Act::Read(symbol) | Act::Swap(symbol, _) if must => {
                    last_observer = step.invoked;
                    let position = texts.observed(symbol).unwrap_or(0);
                    observers.push((step.invoked, position, position));
                    found.push(symbol);
                    let value = &mut values[position as usize];
                    let list = if let Act::Read(_) = step.act { &mut value.reads } else { &mut value.takes };
                    list.push(step.invoked);
                }
                Act::Not(_) => last_observer = step.invoked,
                Act::Append(text) => {
                    by_number.entry(text).or_default().push(step.invoked);
                    appends.entry(texts.appendix(text)).or_default().push(step.invoked);
                }
                _ => {}
            }
            if let Act::Write(symbol) | Act::Swap(_, symbol) = step.act {
                last_overwriter = step.invoked;
                writes.entry(symbol).or_default().push(step.invoked);
                if let Some(position) = at(symbol) {
                    values[position].writers.push(step.invoked);
                }
            }
        }
        add_appends(problem, &mut values, &appends);
        for index in (1..observers.len()).rev() {
            let (_, low, high) = observers[index];
            let before = &mut observers[index - 1];
            (before.1, before.2) = (before.1.min(low), before.2.max(high));
        }
        let appended_until = texts.appended_until();
        Supply {
            values,
            last_observer,
            last_overwriter,
            observers,
            found,
            writes,
            appends: by_number,
            appended_until,
        }
    }

    pub(super) fn has_appends(&self) -> bool {
        !self.appends.is_empty()
    }

    /// Whether nobody observes a value with that text in it after `horizon`.
    pub(super) fn is_spent(&self, text: u32, horizon: u32) -> bool {
        let until = self.appended_until.as_ref().and_then(|until| until.get(&text));
        until.is_some_and(|until| *until < horizon)
    }

    /// What the next steps invoked after `horizon` must find.
    pub(super) fn next_found(&self, horizon: u32) -> &[Symbol] {
        let place = self.observers.partition_point(|(invoked, _, _)| *invoked < horizon);
        &self.found[place..self.found.len().min(place + AHEAD)]
    }

    /// Whether a step invoked after `horizon` may write a value as a whole.
    pub(super) fn writes_later(&self, symbol: Symbol, horizon: u32) -> bool {
        self.writes.get(&symbol).and_then(|list| list.last()).is_some_and(|last| *last > horizon)
    }

    /// How many appends of a text are invoked after `horizon`.
    pub(super) fn appends_later(&self, text: u32, horizon: u32) -> usize {
        let count = |list: &Vec<u32>| list.len() - list.partition_point(|invoked| *invoked < horizon);
        self.appends.get(&text).map_or(0, count)
    }

    /// What is invoked after `horizon` and concerns the value at a position.
    pub(super) fn later(&self, position: u32, horizon: u32) -> Count {
        let value = &self.values[position as usize];
        let after = |list: &[u32]| list.len() - list.partition_point(|invoked| *invoked < horizon);
        Count { reads: after(&value.reads), takes: after(&value.takes), writers: after(&value.writers) }
    }

    /// The lowest and the highest position of a value that a step invoked after `horizon` must find.
    pub(super) fn needed_later(&self, horizon: u32) -> Option<(u32, u32)> {
        let place = self.observers.partition_point(|(invoked, _, _)| *invoked < horizon);
        self.observers.get(place).map(|(_, low, high)| (*low, *high))
    }
}

/// Adds the appends whose text a value ends with to its writers.
fn add_appends(problem: &Problem<'_>, values: &mut [Value], appends: &FxHashMap<&str, Vec<u32>>) {
    let mut lengths: Vec<usize> = appends.keys().map(|text| text.len()).collect();
    lengths.sort_unstable();
    lengths.dedup();
    for (position, value) in (0_u32..).zip(values) {
        let text = problem.texts.text(position);
        for length in lengths.iter().take_while(|length| **length <= text.len()) {
            let end = text.get(text.len() - length..);
            if let Some(invoked) = end.and_then(|end| appends.get(end)) {
                value.writers.extend_from_slice(invoked);
            }
        }
        value.writers.sort_unstable();
    }
}
