//! From a history that cannot be ordered to few operations that cannot.
//!
//! An operation is *let go* by forgetting how it ended: a read is then gone, and a write may have taken effect at any
//! time after its invocation, or never. Whatever order there was before still is one, so a set that cannot be
//! ordered with all others let go proves that the whole history cannot. For the same reason, what is needed in a set
//! is needed in each smaller one: one pass over single operations is enough.
//!
//! Never: drops a write whose value somebody found; takes "not decided in so many steps" for a violation.

use super::history::{EMPTY, History, Kind};
use super::model::{Mode, OPEN, Problem};
use super::search::{Outcome, Strategy, search};

/// Operations that cannot be ordered.
#[derive(Clone, Debug)]
pub(super) struct Core {
    /// Those that count as they are, in the order of their returns; numbers in the history.
    pub(super) held: Vec<u32>,
    /// Writes that were let go, and could matter.
    pub(super) loose: Vec<u32>,
    /// Whether every one of `held` is needed.
    pub(super) minimal: bool,
    /// Everything up to the first return that no order survives, by return. That return is the last; without it
    /// there is an order, unless some look ended without a verdict.
    pub(super) prefix: Vec<u32>,
}

/// The most steps for one look at a smaller set.
const STEPS_A_LOOK: u64 = 50_000;
/// The most values that a get is tried with.
const VALUES: usize = 12;

/// Looks at sets of operations of one key.
pub(super) struct Shrinker<'a> {
    history: &'a History,
    /// All operations of the key.
    all: &'a [u32],
    steps: u64,
    /// Whether some look ended without a verdict.
    undecided: bool,
}

impl<'a> Shrinker<'a> {
    pub(super) fn new(history: &'a History, all: &'a [u32], steps: u64) -> Shrinker<'a> {
        Shrinker { history, all, steps, undecided: false }
    }

    /// The key's operations, of which only `held` count as they are.
    pub(super) fn problem(&self, held: &[u32]) -> Problem<'a> {
        let mut sorted = held.to_vec();
        sorted.sort_unstable();
        let mode = |index: &u32| if sorted.binary_search(index).is_ok() { Mode::Full } else { Mode::Open };
        Problem::new(self.history, self.all.iter().map(|index| (*index, mode(index))))
    }

    fn cannot(&mut self, held: &[u32]) -> bool {
        matches!(self.look(self.problem(held)), Outcome::Nothing(_))
    }

    fn look(&mut self, problem: Problem<'_>) -> Outcome {
        let mut steps = STEPS_A_LOOK.min(self.steps);
        let before = steps;
        let outcome = search(problem, Strategy::Both(500), &mut steps);
        self.steps -= before - steps;
        self.undecided |= matches!(outcome, Outcome::OutOfSteps | Outcome::TooWide(_));
        outcome
    }

    /// What the get that returned last of a prefix could have found instead, of the values that were written or found
    /// on the key; empty if they are too many, or there are appends.
    pub(super) fn could_find(&mut self, prefix: &[u32]) -> Vec<u32> {
        let operation = |index: u32| &self.history.operations[index as usize];
        let Some(last) = prefix.last().copied().filter(|index| operation(*index).kind == Kind::Get) else {
            return Vec::new();
        };
        let mut values: Vec<u32> = vec![EMPTY];
        for found in prefix.iter().map(|index| operation(*index)) {
            match found.kind {
                Kind::Get => {}
                Kind::Put | Kind::Delete => values.push(found.a),
                Kind::Cas => values.push(found.b),
                Kind::Append => return Vec::new(),
            }
        }
        values.sort_unstable();
        values.dedup();
        if values.len() > VALUES {
            return Vec::new();
        }
        let mut changed = self.history.clone();
        values.retain(|value| {
            changed.operations[last as usize].b = *value;
            let shrinker = Shrinker { history: &changed, all: self.all, steps: 0, undecided: false };
            matches!(
                search(shrinker.problem(prefix), Strategy::Both(500), &mut STEPS_A_LOOK.clone()),
                Outcome::Found(_)
            )
        });
        values
    }

    /// Makes a set smaller that cannot be ordered.
    pub(super) fn shrink(&mut self, from: &[u32]) -> Core {
        let ends = |index: &u32| (self.history.operations[*index as usize].returned, *index);
        let mut held: Vec<u32> = from.iter().copied().filter(|index| ends(index).0 != u64::MAX).collect();
        held.sort_unstable_by_key(ends);
        if self.steps == 0 {
            return Core { loose: Vec::new(), minimal: false, prefix: Vec::new(), held };
        }
        // What returned later may not be needed, and then what returned first.
        let upto = self.fewest(held.len(), |count| held[..count].to_vec());
        held.truncate(upto);
        let prefix = held.clone();
        let last = self.fewest(held.len(), |count| held[held.len() - count..].to_vec());
        held.drain(..held.len() - last);
        let mut size = held.len() / 2;
        while size > 1 {
            held = self.without(held, size, false);
            size = (size / 2).min(held.len() / 2);
        }
        self.undecided = false;
        let held = if held.len() <= FEW {
            let (first, second) = (self.without(held.clone(), 1, false), self.without(held, 1, true));
            if second.len() < first.len() { second } else { first }
        } else {
            self.without(held, 1, false)
        };
        let open = |problem: &Problem<'_>| {
            let loose = problem.steps.iter().filter(|step| step.returned == OPEN);
            loose.map(|step| step.index).collect()
        };
        let loose = open(&self.problem(&held));
        Core { held, loose, minimal: !self.undecided, prefix }
    }

    /// The lowest count of operations, out of so many, that still cannot be ordered.
    fn fewest(&mut self, all: usize, part: impl Fn(usize) -> Vec<u32>) -> usize {
        let (mut low, mut high) = (0, all);
        while low + 1 < high {
            let middle = low.midpoint(high);
            if self.cannot(&part(middle)) {
                high = middle;
            } else {
                low = middle;
            }
        }
        high
    }

    /// Leaves out every run of so many operations that can be left out.
    fn without(&mut self, mut held: Vec<u32>, size: usize, backwards: bool) -> Vec<u32> {
        let mut done = 0;
        while done < held.len() {
            let end = (done + size).min(held.len());
            let range = if backwards { held.len() - end..held.len() - done } else { done..end };
            let mut rest = held.clone();
            rest.drain(range);
            if self.cannot(&rest) {
                held = rest;
            } else {
                done = end;
            }
        }
        held
    }
}

/// Of so many operations single ones are left out in two orders, for the smaller result.
const FEW: usize = 24;
