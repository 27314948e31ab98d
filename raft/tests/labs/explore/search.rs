//! Breadth first through everything that can happen, so that the first broken property has a shortest history.
//!
//! Owns the set of states seen: rows one behind the other, the state each was first reached from, and a table
//! of hashes. Whole rows are compared, so no two states are ever taken for one.

use super::bounds::Bounds;
use super::invariants::Broken;
use super::states::{Action, States};
use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;

/// How far a search has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Distinct states.
    pub(crate) states: u64,
    /// Actions tried that changed something.
    pub(crate) steps: u64,
    /// The actions of the longest history so far; every shorter one is covered.
    pub(crate) depth: u32,
    /// States not yet looked beyond.
    pub(crate) open: u64,
    /// Distinct servers, messages, and changes of one server by one event.
    pub(crate) parts: (usize, usize, usize),
}

/// How a search ended.
pub(super) enum Found {
    /// Every state within the bounds was seen, and every property holds in it. The history to the last of them.
    Nothing(Vec<Action>),
    /// A shortest history that breaks a property.
    Counterexample(Vec<Action>, Broken),
    /// The bounds on states or depth ended it: nothing was found in what was seen, and the rest is not known.
    Unfinished(String),
}

/// Every state seen.
struct Seen {
    rows: Vec<u32>,
    ends: Vec<u64>,
    parents: Vec<u32>,
    table: HashTable<u32>,
    hasher: FxBuildHasher,
}

impl Seen {
    fn new() -> Seen {
        Seen { rows: vec![], ends: vec![], parents: vec![], table: HashTable::new(), hasher: FxBuildHasher }
    }

    fn row(&self, number: u32) -> &[u32] {
        row(&self.rows, &self.ends, number)
    }

    /// Adds a state unless it is there.
    fn add(&mut self, new: &[u32], parent: u32) {
        let hash = self.hasher.hash_one(new);
        let Seen { rows, ends, parents, table, hasher } = self;
        if table.find(hash, |number| row(rows, ends, *number) == new).is_some() {
            return;
        }
        let number = parents.len() as u32;
        rows.extend_from_slice(new);
        ends.push(rows.len() as u64);
        parents.push(parent);
        table.insert_unique(hash, number, |number| hasher.hash_one(row(rows, ends, *number)));
    }
}

fn row<'a>(rows: &'a [u32], ends: &[u64], number: u32) -> &'a [u32] {
    let begin = number.checked_sub(1).map_or(0, |before| ends[before as usize]);
    &rows[begin as usize..ends[number as usize] as usize]
}

/// How often `progress` is called: after so many states.
const EVERY: u32 = 1 << 16;

/// Searches within the bounds.
pub(super) fn search(bounds: &Bounds, progress: &mut dyn FnMut(Reached)) -> (Reached, Found, Option<States>) {
    let (mut states, first) = match States::new(bounds) {
        Ok(begun) => begun,
        Err(broken) => return (Reached::default(), Found::Counterexample(Vec::new(), broken), None),
    };
    let mut seen = Seen::new();
    seen.add(&first, 0);
    let (mut reached, mut level_end, mut next) = (Reached { states: 1, ..Reached::default() }, 1, 0);
    let (mut actions, mut current, mut after) = (Vec::new(), Vec::new(), Vec::new());
    let most = bounds.get("states");
    while next < seen.parents.len() as u32 {
        if next == level_end {
            reached.depth += 1;
            level_end = seen.parents.len() as u32;
            if bounds.get("depth") > 0 && u64::from(reached.depth) >= bounds.get("depth") {
                let why = format!("every history of up to {} actions was seen, and longer ones were not", reached.depth);
                return (reached, Found::Unfinished(why), Some(states));
            }
        }
        current.clear();
        current.extend_from_slice(seen.row(next));
        states.actions(&current, &mut actions);
        for &action in &actions {
            match states.after(&current, action, &mut after) {
                Ok(false) => {}
                Ok(true) => {
                    reached.steps += 1;
                    seen.add(&after, next);
                }
                Err(broken) => {
                    let mut path = history(&mut states, &seen, next);
                    path.push(action);
                    reached.depth += 1;
                    return (reached, Found::Counterexample(path, broken), Some(states));
                }
            }
        }
        next += 1;
        reached.states = seen.parents.len() as u64;
        reached.open = reached.states - u64::from(next);
        if next.is_multiple_of(EVERY) {
            progress(Reached { parts: states.parts(), ..reached });
        }
        if reached.states >= most {
            let why = format!("it stopped at {most} states: every history of up to {} actions was seen, and longer ones were not", reached.depth);
            return (reached, Found::Unfinished(why), Some(states));
        }
    }
    reached.parts = states.parts();
    let last = seen.parents.len() as u32 - 1;
    let path = history(&mut states, &seen, last);
    (reached, Found::Nothing(path), Some(states))
}

/// The actions that lead to that state.
fn history(states: &mut States, seen: &Seen, mut number: u32) -> Vec<Action> {
    let (mut path, mut actions, mut after) = (Vec::new(), Vec::new(), Vec::new());
    while number > 0 {
        let parent = seen.parents[number as usize];
        let row = seen.row(parent).to_vec();
        states.actions(&row, &mut actions);
        let taken = actions.iter().copied().find(|action| {
            states.after(&row, *action, &mut after).is_ok_and(|changed| changed) && after == seen.row(number)
        });
        path.extend(taken);
        number = parent;
    }
    path.reverse();
    path
}
