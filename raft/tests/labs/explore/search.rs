//! Breadth first through everything that can happen, so that the first broken property has a shortest history.
//!
//! Owns the set of states seen: rows one behind the other, the state each was first reached from, and a table
//! of hashes. Whole rows are compared, so no two states are ever taken for one.

use super::bounds::Bounds;
use super::invariants::Broken;
use super::states::{Action, States};
use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHashSet};
use scenario::Reached;
use std::hash::BuildHasher;

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

    fn len(&self) -> u32 {
        self.parents.len() as u32
    }

    /// Adds a state unless it is there; whether it was new.
    fn add(&mut self, new: &[u32], parent: u32) -> bool {
        let hash = self.hasher.hash_one(new);
        let Seen { rows, ends, parents, table, hasher } = self;
        if table.find(hash, |number| row(rows, ends, *number) == new).is_some() {
            return false;
        }
        let number = parents.len() as u32;
        rows.extend_from_slice(new);
        ends.push(rows.len() as u64);
        parents.push(parent);
        table.insert_unique(hash, number, |number| hasher.hash_one(row(rows, ends, *number)));
        true
    }
}

fn row<'a>(rows: &'a [u32], ends: &[u64], number: u32) -> &'a [u32] {
    let begin = number.checked_sub(1).map_or(0, |before| ends[before as usize]);
    &rows[begin as usize..ends[number as usize] as usize]
}

/// How often `progress` is called: after so many states were looked beyond.
const EVERY: u32 = 1 << 15;

/// A search under way.
struct Search<'a> {
    bounds: &'a Bounds,
    states: States,
    seen: Seen,
    reached: Reached,
    /// What was observed, where that is asked for: hashes of what each state looks like from outside.
    observed: Option<FxHashSet<u64>>,
}

/// Searches within the bounds. With `digest`, also sums up what can be observed at all.
pub(super) fn search(bounds: &Bounds, digest: bool, progress: &mut dyn FnMut(&Reached)) -> (Reached, Found) {
    let (states, first) = match States::new(bounds) {
        Ok(begun) => begun,
        Err(broken) => return (Reached::default(), Found::Counterexample(Vec::new(), broken)),
    };
    let (reached, observed) = (Reached::default(), digest.then(FxHashSet::default));
    let mut search = Search { bounds, states, seen: Seen::new(), reached, observed };
    search.see(&first, 0);
    let found = search.run(progress);
    search.count();
    if let Some(observed) = &search.observed {
        let sum = observed.iter().fold(0, |sum, hash| sum ^ hash);
        search.reached.observed = Some((observed.len() as u64, format!("{sum:016x}")));
    }
    (search.reached, found)
}

impl Search<'_> {
    fn run(&mut self, progress: &mut dyn FnMut(&Reached)) -> Found {
        let (mut level_end, mut next) = (1, 0);
        let (mut actions, mut current, mut after) = (Vec::new(), Vec::new(), Vec::new());
        while next < self.seen.len() {
            if next == level_end {
                self.reached.depth += 1;
                level_end = self.seen.len();
                if let Some(why) = self.too_deep() {
                    return Found::Unfinished(why);
                }
            }
            current.clear();
            current.extend_from_slice(self.seen.row(next));
            self.states.actions(&current, &mut actions);
            for &action in &actions {
                match self.states.after(&current, action, &mut after) {
                    Ok(false) => {}
                    Ok(true) => {
                        self.reached.steps += 1;
                        self.see(&after, next);
                    }
                    Err(broken) => {
                        let mut path = history(&mut self.states, &self.seen, next);
                        path.push(action);
                        self.reached.depth = path.len() as u32;
                        return Found::Counterexample(path, broken);
                    }
                }
            }
            next += 1;
            self.reached.open = u64::from(self.seen.len() - next);
            if next.is_multiple_of(EVERY) {
                self.count();
                progress(&self.reached);
            }
            if u64::from(self.seen.len()) >= self.bounds.get("states") && next < self.seen.len() {
                return Found::Unfinished(format!(
                    "it stopped at {} states; every history of up to {} actions was seen, and longer ones were not",
                    self.seen.len(),
                    self.reached.depth
                ));
            }
        }
        Found::Nothing(history(&mut self.states, &self.seen, self.seen.len() - 1))
    }

    fn see(&mut self, row: &[u32], parent: u32) {
        if self.seen.add(row, parent)
            && let Some(observed) = &mut self.observed
        {
            observed.insert(self.states.looks(row));
        }
    }

    fn too_deep(&self) -> Option<String> {
        let (depth, most) = (u64::from(self.reached.depth), self.bounds.get("depth"));
        (most > 0 && depth >= most)
            .then(|| format!("every history of up to {depth} actions was seen, and longer ones were not"))
    }

    fn count(&mut self) {
        self.reached.states = u64::from(self.seen.len());
        (self.reached.servers, self.reached.messages, self.reached.changes) = self.states.parts();
    }
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
