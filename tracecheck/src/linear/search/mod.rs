//! The general search: an order of one key's operations in which each finds what it said it found.
//!
//! Time is cut at the returns. At each of them the returning operation must have taken effect, and perhaps others
//! that are pending did before it. A *configuration* is the next return, a mask of the pending operations that
//! have taken effect, and the value of the key. First depth first, for a few hundred steps more than the shortest
//! way takes: most histories are decided there. Then breadth first, return by return, where a configuration is
//! dropped if another has the same value with fewer unknown operations used up.
//!
//! Invariants: a step is one operation tried in one configuration; the outcome is a function of the problem and the number
//! of steps; more operations pending at once than any mask holds is told as such.
//!
//! Never: reads a clock; calls a history wrong that it has not searched to the end.

mod board;
mod breadth;
mod depth;
mod mask;
mod moves;
mod supply;

use super::model::Problem;
use board::Board;

/// What a search says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There is an order. The steps that took effect, in that order, where the search keeps them: depth first.
    Found(Option<Vec<u32>>),
    /// There is none. The best try: the steps that could be ordered until no further return could be passed.
    Nothing(Option<Vec<u32>>),
    /// So many steps were not enough.
    OutOfSteps,
    /// So many operations were pending at once.
    TooWide(usize),
}

/// How to go about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// In turns, beginning with depth first for two steps an operation and so many more.
    Both(u64),
    /// Breadth first from the beginning.
    Breadth,
    /// Depth first alone: gives an order.
    Depth,
}

/// The most operations that can be pending at once.
const WIDEST: usize = 64 * 64;

/// Searches, with at most so many steps; takes what it used from `steps`.
pub(crate) fn search(problem: Problem<'_>, strategy: Strategy, steps: &mut u64) -> Outcome {
    let board = Board::new(problem);
    match board.width() {
        0..=64 => with::<1>(board, strategy, steps),
        65..=128 => with::<2>(board, strategy, steps),
        129..=256 => with::<4>(board, strategy, steps),
        257..=1024 => with::<16>(board, strategy, steps),
        1025..=WIDEST => with::<64>(board, strategy, steps),
        wider => Outcome::TooWide(wider),
    }
}

fn with<const W: usize>(mut board: Board<'_>, strategy: Strategy, steps: &mut u64) -> Outcome {
    let mut share = match strategy {
        Strategy::Depth => return depth::search::<W>(&mut board, steps),
        Strategy::Breadth => return breadth::search::<W>(&mut board, steps),
        Strategy::Both(more) => more.saturating_add(2 * board.problem.steps.len() as u64),
    };
    // Each is hopeless where the other is quick: a wide history can have more configurations at one return than
    // breadth first gets through, and yet a way through them. So they take turns, with ever larger shares.
    while *steps > 0 {
        let outcome = part(share, steps, |part| depth::search::<W>(&mut board, part));
        if outcome != Outcome::OutOfSteps {
            return outcome;
        }
        let outcome = part(share, steps, |part| breadth::search::<W>(&mut board, part));
        if outcome != Outcome::OutOfSteps {
            return outcome;
        }
        share = share.saturating_mul(4);
    }
    Outcome::OutOfSteps
}

/// Lets a search have a part of the steps.
fn part(wanted: u64, steps: &mut u64, search: impl FnOnce(&mut u64) -> Outcome) -> Outcome {
    let mut part = wanted.min(*steps);
    *steps -= part;
    let outcome = search(&mut part);
    *steps += part;
    outcome
}
