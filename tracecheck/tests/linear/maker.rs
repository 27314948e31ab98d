//! Makes histories: a real map of registers with concurrent clients, each of whose operations takes effect between
//! its invocation and its return; and, where asked for, one that lies.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::collections::BTreeMap;
use tracecheck::linear::{History, Operation};
use tracecheck::schema::{KvCall, KvOutcome};

/// What kind of history is wanted. Chances are per thousand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) clients: u64,
    pub(crate) operations: usize,
    pub(crate) keys: u32,
    /// The weights of get, put, append, cas and delete.
    pub(crate) mix: [u32; 5],
    /// How many different values are put; 0: each is put once.
    pub(crate) values: u32,
    /// The chance that an operation's outcome stays unknown. Its client goes on under a new number.
    pub(crate) unknown: u32,
    /// The most operations whose outcome stays unknown.
    pub(crate) most_unknown: usize,
    /// The chance that an answer is wrong, or a write is lost.
    pub(crate) lies: u32,
}

/// An operation in the making.
#[derive(Clone, Debug)]
struct Pending {
    /// Its place in the list.
    index: usize,
    /// What it is answered; `None` before it takes effect.
    outcome: Option<KvOutcome>,
}

struct Maker {
    plan: Plan,
    random: Pcg64Mcg,
    now: u64,
    made: Vec<Operation>,
    /// By client: its number and what it waits for.
    clients: Vec<(u64, Option<Pending>)>,
    names: u64,
    unknown: usize,
    /// Operations of unknown outcome that may still take effect.
    floating: Vec<usize>,
    map: BTreeMap<String, String>,
    /// What each key has held.
    past: BTreeMap<String, Vec<String>>,
    fresh: u64,
}

/// Makes a history.
pub(crate) fn make(plan: Plan, seed: u64) -> Vec<Operation> {
    let clients = (1..=plan.clients).map(|number| (number, None)).collect();
    let mut maker = Maker {
        plan,
        random: Pcg64Mcg::seed_from_u64(seed),
        now: 0,
        made: Vec::new(),
        clients,
        names: plan.clients,
        unknown: 0,
        floating: Vec::new(),
        map: BTreeMap::new(),
        past: BTreeMap::new(),
        fresh: 0,
    };
    while maker.made.len() < plan.operations || maker.clients.iter().any(|(_, pending)| pending.is_some()) {
        maker.turn();
    }
    maker.made
}

/// The same as a history to check.
pub(crate) fn history(operations: &[Operation]) -> History {
    let mut history = History::new();
    for operation in operations {
        history.push(operation).expect("the maker makes no nonsense");
    }
    history
}

impl Maker {
    fn chance(&mut self, per_mille: u32) -> bool {
        per_mille > 0 && self.random.random_range(0..1000) < per_mille
    }

    /// Some client does what it does next.
    fn turn(&mut self) {
        if !self.floating.is_empty() && self.chance(20) {
            let place = self.random.random_range(0..self.floating.len());
            let index = self.floating.swap_remove(place);
            self.effect(index);
        }
        let place = self.random.random_range(0..self.clients.len());
        self.now += 1;
        match self.clients[place].1.clone() {
            None if self.made.len() < self.plan.operations => self.invoke(place),
            None => {}
            Some(Pending { index, outcome: None }) => {
                if self.unknown < self.plan.most_unknown && self.chance(self.plan.unknown) {
                    self.give_up(place, index);
                } else {
                    let outcome = self.effect(index);
                    self.clients[place].1 = Some(Pending { index, outcome: Some(outcome) });
                }
            }
            Some(Pending { index, outcome: Some(outcome) }) => {
                let operation = &mut self.made[index];
                (operation.outcome, operation.returned) = (outcome, Some(self.now));
                self.clients[place].1 = None;
            }
        }
    }

    fn invoke(&mut self, place: usize) {
        let key = format!("k{}", self.random.random_range(0..self.plan.keys));
        let total = self.plan.mix.iter().sum();
        let mut drawn = self.random.random_range(0..total);
        let kind = self.plan.mix.iter().position(|weight| {
            let here = drawn < *weight;
            drawn = drawn.saturating_sub(*weight);
            here
        });
        let call = match kind {
            Some(1) => KvCall::Put { key, value: self.value() },
            Some(2) => KvCall::Append { key, value: self.value() },
            Some(3) => {
                let likely = self.map.get(&key).cloned().unwrap_or_default();
                let from = if self.chance(700) { likely } else { self.value() };
                KvCall::Cas { key, from, to: self.value() }
            }
            Some(4) => KvCall::Delete { key },
            _ => KvCall::Get { key },
        };
        self.clients[place].1 = Some(Pending { index: self.made.len(), outcome: None });
        let (client, invoked) = (self.clients[place].0, self.now);
        let (outcome, returned) = (KvOutcome::Unknown {}, None);
        self.made.push(Operation {
            client,
            call,
            outcome,
            invoked,
            returned,
            invoked_at: invoked,
            returned_at: 0,
        });
    }

    fn value(&mut self) -> String {
        if self.plan.values == 0 {
            self.fresh += 1;
            return format!("v{};", self.fresh);
        }
        let number = self.random.random_range(0..self.plan.values);
        char::from_digit(10 + number, 36).expect("few values").to_string()
    }

    /// The client gives up on its operation and goes on under a new number.
    fn give_up(&mut self, place: usize, index: usize) {
        self.names += 1;
        self.unknown += 1;
        self.clients[place] = (self.names, None);
        if self.chance(500) {
            self.made[index].returned = Some(self.now);
        }
        self.floating.push(index);
    }

    /// Lets an operation take effect, and says what it is answered.
    fn effect(&mut self, index: usize) -> KvOutcome {
        let call = self.made[index].call.clone();
        let (lie, key) = (self.chance(self.plan.lies), call.key().to_owned());
        let held = self.map.get(&key).cloned().unwrap_or_default();
        let (new, outcome) = match call {
            KvCall::Get { .. } => {
                let past = self.past.get(&key).map_or(&[][..], |past| past);
                let value = match (lie, past.len()) {
                    (true, 1..) => past[self.random.random_range(0..past.len())].clone(),
                    (true, 0) => "never".to_owned(),
                    _ => held.clone(),
                };
                (held, KvOutcome::Value { value })
            }
            KvCall::Put { value, .. } => (if lie { held } else { value }, KvOutcome::Done {}),
            KvCall::Append { value, .. } if lie => (held + &value + &value, KvOutcome::Done {}),
            KvCall::Append { value, .. } => (held + &value, KvOutcome::Done {}),
            KvCall::Cas { from, to, .. } => {
                let swapped = (held == from) != lie;
                (if held == from { to } else { held }, KvOutcome::Swapped { swapped })
            }
            KvCall::Delete { .. } => (if lie { held } else { String::new() }, KvOutcome::Done {}),
        };
        self.past.entry(key.clone()).or_default().push(new.clone());
        self.map.insert(key, new);
        outcome
    }
}
