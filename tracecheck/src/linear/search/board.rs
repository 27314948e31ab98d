//! What a search looks up at each return: who returns, and who is pending then.

use super::supply::Supply;
use crate::linear::model::{Act, OPEN, Problem, Step};
use rustc_hash::FxHashMap;

/// A problem, cut at its returns.
pub(super) struct Board<'a> {
    pub(super) problem: Problem<'a>,
    /// The steps that return, in the order of their returns: the levels.
    pub(super) order: Vec<u32>,
    /// By step, its bit in a mask. Steps that return take the lowest slot that is free; the others come after
    /// all of those, and keep theirs.
    pub(super) slots: Vec<u32>,
    /// How many slots are of steps that return.
    pub(super) closed: u32,
    /// The steps that return and are pending at each level, in the order of their returns.
    pending: Vec<u32>,
    starts: Vec<usize>,
    /// The steps that never return, in the order of their invocations.
    open: Vec<u32>,
    /// How many of those were invoked before each level's return.
    open_counts: Vec<u32>,
    /// By step: equal for equal acts.
    pub(super) classes: Vec<u32>,
    pub(super) class_count: usize,
    pub(super) supply: Supply,
}

impl<'a> Board<'a> {
    pub(super) fn new(problem: Problem<'a>) -> Board<'a> {
        let steps = &problem.steps;
        let number = |index: usize| u32::try_from(index).expect("a history's numbers have 32 bits");
        let mut order: Vec<u32> =
            (0..number(steps.len())).filter(|step| steps[*step as usize].returned != OPEN).collect();
        order.sort_unstable_by_key(|step| steps[*step as usize].returned);
        let open: Vec<u32> =
            (0..number(steps.len())).filter(|step| steps[*step as usize].returned == OPEN).collect();
        let (mut slots, closed) = closed_slots(steps, &order);
        for (slot, step) in (closed..).zip(&open) {
            slots[*step as usize] = slot;
        }
        let (pending, starts) = pending(steps, &order);
        let open_counts = order
            .iter()
            .map(|step| {
                let before = steps[*step as usize].returned;
                number(open.partition_point(|step| steps[*step as usize].invoked < before))
            })
            .collect();
        let mut known: FxHashMap<Act, u32> = FxHashMap::default();
        let classes = steps
            .iter()
            .map(|step| {
                let next = number(known.len());
                *known.entry(step.act).or_insert(next)
            })
            .collect();
        let supply = Supply::new(&problem);
        let class_count = known.len();
        Board {
            problem,
            order,
            slots,
            closed,
            pending,
            starts,
            open,
            open_counts,
            classes,
            class_count,
            supply,
        }
    }

    /// How many bits a mask needs.
    pub(super) fn width(&self) -> usize {
        self.closed as usize + self.open.len()
    }

    pub(super) fn step(&self, step: u32) -> &Step {
        &self.problem.steps[step as usize]
    }

    /// The rank of a level's return.
    pub(super) fn horizon(&self, level: u32) -> u32 {
        self.step(self.order[level as usize]).returned
    }

    /// The pending steps that return, beginning with the one that returns now.
    pub(super) fn pending(&self, level: u32) -> &[u32] {
        &self.pending[self.starts[level as usize]..self.starts[level as usize + 1]]
    }

    /// The steps that never return, as far as they were invoked.
    pub(super) fn open(&self, level: u32) -> &[u32] {
        &self.open[..self.open_counts[level as usize] as usize]
    }
}

/// Gives every step that returns the lowest slot that is free at its invocation.
fn closed_slots(steps: &[Step], order: &[u32]) -> (Vec<u32>, u32) {
    let mut slots = vec![0; steps.len()];
    let mut free = std::collections::BinaryHeap::new();
    let (mut used, mut returned) = (0, 0);
    for (index, step) in steps.iter().enumerate().filter(|(_, step)| step.returned != OPEN) {
        while steps[order[returned] as usize].returned < step.invoked {
            free.push(std::cmp::Reverse(slots[order[returned] as usize]));
            returned += 1;
        }
        slots[index] = match free.pop() {
            Some(std::cmp::Reverse(slot)) => slot,
            None => {
                used += 1;
                used - 1
            }
        };
    }
    (slots, used)
}

/// At each level the steps that return and are pending, in the order of their returns.
fn pending(steps: &[Step], order: &[u32]) -> (Vec<u32>, Vec<usize>) {
    let closed: Vec<u32> =
        (0_u32..).zip(steps).filter(|(_, step)| step.returned != OPEN).map(|(index, _)| index).collect();
    let returned = |step: u32| steps[step as usize].returned;
    let (mut pending, mut starts) = (Vec::with_capacity(steps.len() * 2), vec![0]);
    let (mut now, mut invoked): (Vec<u32>, usize) = (Vec::new(), 0);
    for step in order {
        while closed.get(invoked).is_some_and(|next| steps[*next as usize].invoked < returned(*step)) {
            let new = closed[invoked];
            let place = now.partition_point(|other| returned(*other) < returned(new));
            now.insert(place, new);
            invoked += 1;
        }
        pending.extend_from_slice(&now);
        starts.push(pending.len());
        // The first to return is the one that returns now.
        now.remove(0);
    }
    (pending, starts)
}
