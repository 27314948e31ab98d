//! Linearizability: whether the operations of a history can be put into one order that agrees with real time,
//! and in which each found what it said it found.
//!
//! Keys are judged one by one, which is enough (Herlihy and Wing, *Linearizability*, ACM TOPLAS 12, 1990:
//! it is a local property). Where every value was put once and there are only gets and puts, zones decide;
//! otherwise a general search, within a budget of steps.
//!
//! Invariants: the verdict is a function of the history and the budget; past the budget it is
//! [`Verdict::Unknown`]; a violation's operations cannot be ordered, whatever the others did.
//!
//! Never: reads a clock; takes an operation of unknown outcome for one that happened, or for one that did not.

mod explain;
pub mod formats;
mod history;
mod model;
mod picture;
mod possible;
mod search;
mod sentence;
mod shrink;
mod texts;
mod zones;

pub use explain::Explanation;
pub use history::{History, HistoryError, Operation};

use model::{Mode, Problem};
use search::{Outcome, Strategy};
use zones::{Scratch, Slim, Zones};

/// How much work a check may take, as a count: time would make the verdict depend on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Operations that the search may try, each in one configuration, for each key. A million take about a second
    /// and 100 MB at worst.
    pub steps: u64,
    /// How many of them a first try, depth first, may take beyond two for each operation; `None`: the search is
    /// breadth first alone. It changes how soon a verdict is reached.
    pub depth_first: Option<u64>,
    /// Steps for making the set of operations smaller that shows a violation.
    pub explaining: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { steps: 10_000_000, depth_first: Some(500), explaining: 2_000_000 }
    }
}

/// Whether a history is linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Linearizable {
        /// How many operations it has.
        operations: usize,
        /// On how many keys.
        keys: usize,
        /// How many of these were decided by zones; the others took a search.
        by_zones: usize,
    },
    /// It is not.
    Violation(Box<Explanation>),
    /// The budget was not enough. The sentence names the key.
    Unknown(String),
}

/// Judges a history.
pub fn check(history: &History, budget: Budget) -> Verdict {
    let mut scratch = Scratch::default();
    let (mut by_zones, mut unknown) = (0, None);
    let (slim, ends) = by_key(history);
    let mut start = 0;
    for (key, end) in (0_u32..).zip(&ends) {
        let operations = &slim[start..*end];
        start = *end;
        let zones = scratch.decide(history.values(), operations);
        if zones == Zones::Fine {
            by_zones += 1;
            continue;
        }
        let indexes: Vec<u32> = operations.iter().map(|operation| operation.index).collect();
        if let Zones::Clash(found) = zones {
            return violation(history, key, &indexes, &found, budget);
        }
        let full = indexes.iter().map(|index| (*index, Mode::Full));
        let strategy = budget.depth_first.map_or(Strategy::Breadth, Strategy::Both);
        match search::search(Problem::new(history, full), strategy, &mut budget.steps.clone()) {
            Outcome::Found(_) => {}
            Outcome::Nothing(_) => return violation(history, key, &indexes, &indexes, budget),
            Outcome::OutOfSteps => {
                unknown.get_or_insert_with(|| out_of_steps(history, key, budget));
            }
            Outcome::TooWide(width) => {
                unknown.get_or_insert_with(|| too_wide(history, key, width));
            }
        }
    }
    match unknown {
        Some(why) => Verdict::Unknown(why),
        None => Verdict::Linearizable { operations: history.len(), keys: ends.len(), by_zones },
    }
}

/// The operations key by key, and where each key's end.
fn by_key(history: &History) -> (Vec<Slim>, Vec<usize>) {
    let mut ends = vec![0; history.keys()];
    for operation in &history.operations {
        ends[operation.key as usize] += 1;
    }
    // Where the next operation of each key goes: at first its beginning, at last its end.
    let mut start = 0;
    for end in &mut ends {
        (start, *end) = (start + *end, start);
    }
    let mut slim = vec![Slim::NONE; history.len()];
    for (index, operation) in (0_u32..).zip(&history.operations) {
        let next = &mut ends[operation.key as usize];
        slim[*next] = Slim::new(index, operation);
        *next += 1;
    }
    (slim, ends)
}

fn violation(history: &History, key: u32, all: &[u32], found: &[u32], budget: Budget) -> Verdict {
    Verdict::Violation(Box::new(explain::explain(history, key, (all, found), budget.explaining)))
}

fn out_of_steps(history: &History, key: u32, budget: Budget) -> String {
    format!(
        "the operations on {} were not decided within {} steps: allow more",
        history.key(key),
        budget.steps
    )
}

fn too_wide(history: &History, key: u32, width: usize) -> String {
    format!(
        "{width} operations on {} are pending at once, more than can be searched: spread them over more keys",
        history.key(key)
    )
}
