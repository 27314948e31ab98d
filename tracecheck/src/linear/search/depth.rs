//! Depth first: the returning operation first, and back where that leads nowhere.

use super::Outcome;
use super::board::Board;
use super::mask::{Configuration, Seen};
use super::moves::{Arrival, Moves, advance, apply, start};
use crate::linear::model::OPEN;

/// A configuration, and how it was reached.
struct Node<const W: usize> {
    at: Configuration<W>,
    parent: u32,
    step: u32,
}

const ROOT: u32 = u32::MAX;

pub(super) fn search<const W: usize>(board: &mut Board<'_>, steps: &mut u64) -> Outcome {
    let first = match advance(board, start::<W>(board), |_| {}) {
        Arrival::Goal => return Outcome::Found(Some(replay::<W>(board, &[]))),
        Arrival::At(first) => first,
    };
    let mut seen = Seen::new(board.closed);
    seen.insert(&first);
    let mut moves = Moves::new(board);
    let (mut candidates, mut stack) = (Vec::new(), vec![0_u32]);
    let mut nodes = vec![Node { at: first, parent: ROOT, step: ROOT }];
    let mut furthest = 0;
    while let Some(here) = stack.pop() {
        let at = nodes[here as usize].at;
        if at.level > nodes[furthest as usize].at.level {
            furthest = here;
        }
        moves.candidates(board, &at, &mut candidates);
        let Some(left) = steps.checked_sub(1 + candidates.len() as u64) else {
            *steps = 0;
            return Outcome::OutOfSteps;
        };
        *steps = left;
        for step in candidates.iter().rev() {
            let Some(to) = apply(board, &at, *step, |_| {}) else { continue };
            match advance(board, to, |_| {}) {
                Arrival::Goal => {
                    let mut way = way(&nodes, here);
                    way.push(*step);
                    return Outcome::Found(Some(replay::<W>(board, &way)));
                }
                Arrival::At(to) => {
                    if seen.insert(&to) {
                        let place = u32::try_from(nodes.len()).expect("a budget of steps keeps them fewer");
                        nodes.push(Node { at: to, parent: here, step: *step });
                        stack.push(place);
                    }
                }
            }
        }
    }
    let way = way(&nodes, furthest);
    Outcome::Nothing(Some(replay::<W>(board, &way)))
}

/// The steps chosen on the way to a node.
fn way<const W: usize>(nodes: &[Node<W>], mut node: u32) -> Vec<u32> {
    let mut way = Vec::new();
    while let Some(Node { parent, step, .. }) = nodes.get(node as usize).filter(|node| node.step != ROOT) {
        way.push(*step);
        node = *parent;
    }
    way.reverse();
    way
}

/// Goes that way once more, to tell all that took effect, reads above all. Once nobody observes anything any more,
/// what is left takes effect in the order of its invocations.
fn replay<const W: usize>(board: &mut Board<'_>, way: &[u32]) -> Vec<u32> {
    let mut order = Vec::new();
    let mut arrival = advance(board, start::<W>(board), |step| order.push(step));
    for step in way {
        let Arrival::At(at) = arrival else { break };
        let Some(to) = apply(board, &at, *step, |step| order.push(step)) else { break };
        arrival = advance(board, to, |step| order.push(step));
    }
    if matches!(arrival, Arrival::Goal) {
        let mut done = vec![false; board.problem.steps.len()];
        order.iter().for_each(|step| done[*step as usize] = true);
        let left = (0..).zip(&board.problem.steps).filter(|(_, step)| step.returned != OPEN);
        order.extend(left.map(|(index, _)| index).filter(|index| !done[*index as usize]));
    }
    order
}
