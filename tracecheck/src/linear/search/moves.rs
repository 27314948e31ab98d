//! From one configuration to the next ones, and which of them need not be looked at.
//!
//! Reads take effect at once where they can: that changes nothing and frees them of their duty. Of equal
//! operations the one that must return first goes first. An operation that may never have happened is tried only
//! where one that comes right after it needs it.

use super::board::Board;
use super::mask::{Configuration, Mask};
use super::supply::Count;
use crate::linear::model::{Act, OPEN};
use crate::linear::texts::{NOWHERE, Shorter, Symbol};

/// Where a way leads.
#[derive(Debug)]
pub(super) enum Arrival<const W: usize> {
    /// Whatever is left can be ordered.
    Goal,
    /// To a return whose operation has not taken effect yet.
    At(Configuration<W>),
}

/// Scratch space for one search.
pub(super) struct Moves {
    /// By class: when one of it was last seen.
    stamps: Vec<u64>,
    now: u64,
}

impl Moves {
    pub(super) fn new(board: &Board<'_>) -> Moves {
        Moves { stamps: vec![0; board.class_count], now: 0 }
    }

    /// The steps that may take effect next, best first: the one that returns now, then by return.
    pub(super) fn candidates<const W: usize>(
        &mut self,
        board: &mut Board<'_>,
        from: &Configuration<W>,
        out: &mut Vec<u32>,
    ) {
        self.now += 1;
        out.clear();
        let closed = board.pending(from.level).len();
        for place in 0..closed + board.open(from.level).len() {
            let step = if place < closed {
                board.pending(from.level)[place]
            } else {
                board.open(from.level)[place - closed]
            };
            if from.mask.has(board.slots[step as usize])
                || matches!(board.step(step).act, Act::Read(_) | Act::Not(_))
            {
                continue;
            }
            let stamp = &mut self.stamps[board.classes[step as usize] as usize];
            if *stamp != self.now {
                *stamp = self.now;
                let needed = place < closed || is_of_use(board, from, step);
                if needed {
                    out.push(step);
                }
            }
        }
    }
}

/// The configuration before anything happened.
pub(super) fn start<const W: usize>(board: &Board<'_>) -> Configuration<W> {
    Configuration { mask: Mask::EMPTY, level: 0, state: board.problem.texts.initial() }
}

/// Lets reads take effect, and passes every return whose operation has taken effect. `note` hears of each step
/// that takes effect thereby.
pub(super) fn advance<const W: usize>(
    board: &Board<'_>,
    mut at: Configuration<W>,
    mut note: impl FnMut(u32),
) -> Arrival<W> {
    loop {
        let Some(returning) = board.order.get(at.level as usize) else { return Arrival::Goal };
        let horizon = board.step(*returning).returned;
        at.state = now(board, at.state, horizon);
        let free = at.state == NOWHERE && !board.problem.negative;
        let mut waiting = horizon < board.supply.last_observer;
        for step in board.pending(at.level) {
            let slot = board.slots[*step as usize];
            if at.mask.has(slot) {
                continue;
            }
            let act = board.step(*step).act;
            let at_once = match act {
                Act::Read(symbol) => symbol == at.state,
                Act::Not(symbol) => symbol != at.state,
                Act::Write(_) | Act::Append(_) => free && is_unseen(board, act, horizon),
                Act::Swap(..) => false,
            };
            if at_once {
                at.mask.set(slot);
                note(*step);
            } else {
                waiting |= !matches!(act, Act::Write(_) | Act::Append(_));
            }
        }
        if !waiting {
            return Arrival::Goal;
        }
        let slot = board.slots[*returning as usize];
        if !at.mask.has(slot) {
            return Arrival::At(at);
        }
        at.mask.clear(slot);
        at.level += 1;
    }
}

/// A value at a time: one that nobody can observe any more is as good as any other such.
fn now(board: &Board<'_>, symbol: Symbol, horizon: u32) -> Symbol {
    if board.problem.texts.until(symbol) < horizon { NOWHERE } else { symbol }
}

/// Whether a write leaves what nobody can observe any more, whatever was there before.
fn is_unseen(board: &Board<'_>, act: Act, horizon: u32) -> bool {
    match act {
        Act::Write(symbol) => now(board, symbol, horizon) == NOWHERE,
        Act::Append(text) => board.supply.is_spent(text, horizon),
        _ => false,
    }
}

/// Lets a step take effect; `None` if it cannot, or if nothing good can come of it. `note` hears of every step
/// that takes effect.
pub(super) fn apply<const W: usize>(
    board: &mut Board<'_>,
    from: &Configuration<W>,
    step: u32,
    mut note: impl FnMut(u32),
) -> Option<Configuration<W>> {
    let act = board.step(step).act;
    let state = result(board, from.state, act)?;
    let mut to = Configuration { state, ..*from };
    to.mask.set(board.slots[step as usize]);
    let horizon = board.horizon(from.level);
    if let (Act::Write(_), false) = (act, board.problem.negative) {
        // What nobody can observe may just as well have been written right before this.
        for other in board.pending(from.level) {
            let slot = board.slots[*other as usize];
            if !to.mask.has(slot) && is_unseen(board, board.step(*other).act, horizon) {
                to.mask.set(slot);
                note(*other);
            }
        }
    }
    note(step);
    let hopeless = (from.state != state && lacks(board, &to, from.state))
        || lacks(board, &to, state)
        || (matches!(act, Act::Append(_)) && outgrown(board, &to))
        || starved(board, &to);
    (!hopeless).then_some(to)
}

/// What a step makes of a value; `None` if it does not find what it said it found.
fn result(board: &mut Board<'_>, state: Symbol, act: Act) -> Option<Symbol> {
    match act {
        Act::Read(symbol) => (symbol == state).then_some(state),
        Act::Not(symbol) => (symbol != state).then_some(state),
        Act::Write(symbol) => Some(symbol),
        Act::Swap(from, to) => (from == state).then_some(to),
        Act::Append(text) => Some(board.problem.texts.append(state, text)),
    }
}

/// The steps that are pending and have not taken effect, with whether they must.
fn waiting<'b, const W: usize>(
    board: &'b Board<'_>,
    at: &'b Configuration<W>,
) -> impl Iterator<Item = (Act, bool)> + 'b {
    let steps = board.pending(at.level).iter().chain(board.open(at.level));
    steps.filter(|step| !at.mask.has(board.slots[**step as usize])).map(|step| {
        let step = board.step(*step);
        (step.act, step.returned != OPEN)
    })
}

/// Whether a value is needed more often than it can still come about.
fn lacks<const W: usize>(board: &Board<'_>, at: &Configuration<W>, value: Symbol) -> bool {
    let texts = &board.problem.texts;
    let Some(position) = texts.observed(value) else { return false };
    let mut count = board.supply.later(position, board.horizon(at.level));
    for (act, must) in waiting(board, at) {
        let Count { reads, takes, writers } = &mut count;
        match act {
            Act::Read(symbol) if symbol == value => *reads += 1,
            Act::Swap(from, _) if from == value && must => *takes += 1,
            Act::Swap(_, to) if to == value => *writers += 1,
            Act::Write(symbol) if symbol == value => *writers += 1,
            Act::Append(text) if texts.text(position).ends_with(texts.appendix(text)) => *writers += 1,
            _ => {}
        }
    }
    let needed = count.takes.max(usize::from(count.reads > 0));
    needed > count.writers + usize::from(at.state == value)
}

/// Whether the value can only grow from now on, and somebody must still find what it has outgrown.
fn outgrown<const W: usize>(board: &Board<'_>, at: &Configuration<W>) -> bool {
    let horizon = board.horizon(at.level);
    let replaces = |act: Act| matches!(act, Act::Write(_) | Act::Swap(..));
    if board.supply.last_overwriter > horizon || waiting(board, at).any(|(act, _)| replaces(act)) {
        return false;
    }
    let (from, to) = board.problem.texts.extensions(at.state);
    let within = |low: u32, high: u32| from <= low && high < to;
    let later = board.supply.needed_later(horizon).is_none_or(|(low, high)| within(low, high));
    let pending = waiting(board, at).all(|(act, _)| match act {
        Act::Read(symbol) => {
            board.problem.texts.observed(symbol).is_none_or(|position| within(position, position))
        }
        _ => true,
    });
    !(later && pending)
}

/// Whether, where values are appended to and replaced, somebody must find soon what can no longer come about.
fn starved<const W: usize>(board: &mut Board<'_>, at: &Configuration<W>) -> bool {
    let horizon = board.horizon(at.level);
    if !board.supply.has_appends() {
        return false;
    }
    let (mut appends, mut writes, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
    for (act, must) in waiting(board, at) {
        match act {
            Act::Append(text) => appends.push(text),
            Act::Write(symbol) => writes.push(symbol),
            Act::Read(symbol) => wanted.push(symbol),
            Act::Swap(from, to) => {
                writes.push(to);
                wanted.extend(must.then_some(from));
            }
            Act::Not(_) => {}
        }
    }
    if board.supply.last_overwriter < horizon && writes.is_empty() {
        // Then the value can only grow, which `outgrown` looks at.
        return false;
    }
    wanted.extend_from_slice(board.supply.next_found(horizon));
    let comes_whole = |board: &Board<'_>, symbol: Symbol| {
        symbol == at.state || writes.contains(&symbol) || board.supply.writes_later(symbol, horizon)
    };
    wanted.into_iter().any(|mut symbol| {
        let mut used: Vec<u32> = Vec::new();
        while !comes_whole(board, symbol) {
            let Shorter::By(text, before) = board.problem.texts.shorter(symbol) else {
                return board.problem.texts.shorter(symbol) == Shorter::Never;
            };
            used.push(text);
            let count = |list: &[u32]| list.iter().filter(|other| **other == text).count();
            if count(&used) > count(&appends) + board.supply.appends_later(text, horizon) {
                return true;
            }
            if used.len() > LONGEST_CHAIN {
                return false;
            }
            symbol = before;
        }
        false
    })
}

/// Of so many appends it is asked whether they can still follow one another.
const LONGEST_CHAIN: usize = 64;

/// Whether an operation that may never have happened is needed right now: by one that comes next.
fn is_of_use<const W: usize>(board: &mut Board<'_>, from: &Configuration<W>, step: u32) -> bool {
    let act = board.step(step).act;
    let Some(state) = result(board, from.state, act) else { return false };
    if state == from.state {
        return false;
    }
    let slot = board.slots[step as usize];
    let mut others = Vec::new();
    for other in board.pending(from.level).iter().chain(board.open(from.level)) {
        let other_slot = board.slots[*other as usize];
        if other_slot != slot && !from.mask.has(other_slot) {
            others.push(board.step(*other).act);
        }
    }
    let negative = board.problem.negative;
    others.into_iter().any(|other| match other {
        Act::Read(symbol) | Act::Swap(symbol, _) => symbol == state,
        Act::Not(symbol) => symbol == from.state,
        Act::Append(text) => negative || board.problem.texts.append(state, text) != NOWHERE,
        Act::Write(_) => false,
    })
}
