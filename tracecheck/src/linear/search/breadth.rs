//! Breadth first: all configurations of one return before any of the next, without the dominated ones.

use super::Outcome;
use super::board::Board;
use super::mask::{Configuration, Seen};
use super::moves::{Arrival, Moves, advance, apply, start};
use std::collections::BTreeMap;

/// The configurations at one return.
struct Level<const W: usize> {
    seen: Seen<W>,
    queue: Vec<Configuration<W>>,
}

pub(super) fn search<const W: usize>(board: &mut Board<'_>, steps: &mut u64) -> Outcome {
    let first = match advance(board, start::<W>(board), |_| {}) {
        Arrival::Goal => return Outcome::Found(None),
        Arrival::At(first) => first,
    };
    let mut moves = Moves::new(board);
    let mut candidates = Vec::new();
    let mut levels: BTreeMap<u32, Level<W>> = BTreeMap::new();
    add(&mut levels, board.closed, first);
    while let Some((number, mut level)) = levels.pop_first() {
        let mut next = 0;
        while let Some(at) = level.queue.get(next).copied() {
            next += 1;
            if level.seen.is_dominated(&at) {
                continue;
            }
            moves.candidates(board, &at, &mut candidates);
            let Some(left) = steps.checked_sub(1 + candidates.len() as u64) else {
                *steps = 0;
                return Outcome::OutOfSteps;
            };
            *steps = left;
            for step in &candidates {
                let Some(to) = apply(board, &at, *step, |_| {}) else { continue };
                match advance(board, to, |_| {}) {
                    Arrival::Goal => return Outcome::Found(None),
                    Arrival::At(to) if to.level == number => {
                        if level.seen.insert(&to) {
                            level.queue.push(to);
                        }
                    }
                    Arrival::At(to) => add(&mut levels, board.closed, to),
                }
            }
        }
    }
    Outcome::Nothing(None)
}

fn add<const W: usize>(levels: &mut BTreeMap<u32, Level<W>>, closed: u32, at: Configuration<W>) {
    let level =
        levels.entry(at.level).or_insert_with(|| Level { seen: Seen::new(closed), queue: Vec::new() });
    if level.seen.insert(&at) {
        level.queue.push(at);
    }
}
