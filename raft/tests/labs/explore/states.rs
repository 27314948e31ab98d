//! A whole cluster as a row of small numbers, and what can happen to it.
//!
//! Owns the interned parts. Whole servers and messages are kept once and named by numbers, so that a state is
//! a few words; and what one event does to one server is computed once, however many states it is part of.
//!
//! Invariants
//! - A message that is never delivered is a lost message, so a loss needs no action of its own.
//! - What changes nothing is no action: delivering such a message is as good as losing it.
//! - Numbers are given in the order of discovery, which depends on the code and the bounds alone.

use super::bounds::Bounds;
use super::facts::{Facts, View};
use super::invariants::{Broken, Moved, Past};
use super::local::{Caller, Event, Flight, Local, Outcome, Terms, What};
use indexmap::IndexSet;
use labrpc::schema::{Durability, Server, Timer};
use raft::core::{Config, Membership, Req};
use rustc_hash::{FxBuildHasher, FxHasher};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

/// Anything that can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Action {
    /// To one server, named by its place, and to nothing else.
    Own(u8, Own),
    /// A message under way, named by its place, arrives.
    Deliver(u8),
    /// It arrives, and once more later.
    Duplicate(u8),
    /// The call that it is part of is given up.
    Fail(u8),
}

/// Something that a server does by itself, or that its disk or service does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Own {
    Timer(Timer),
    Propose,
    Snapshot,
    Sync(u8),
    Crash(u8),
}

/// What happens to one server, by the numbers of what is interned.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Arrives(u32),
    Fails(u32),
    Own(Own),
    Forget(Server),
}

/// What one event does to one server.
struct Change {
    local: u32,
    /// Everything that left.
    sent: Box<[u32]>,
    /// What of it can ever arrive.
    kept: Rc<[u32]>,
    broken: Option<Box<Broken>>,
}

/// Where numbers stand in a row: the budgets, the past, the servers, the messages.
const BUDGET: usize = 0;
const PAST: usize = 1;
const LOCALS: usize = 2;

/// The bounded quantities, in the order of their places in the budget, four bits each.
const BUDGETS: [&str; 8] =
    ["timeouts", "heartbeats", "checks", "proposals", "snapshots", "crashes", "duplicates", "failures"];
const PROPOSALS: usize = 3;
const SNAPSHOTS: usize = 4;
const CRASHES: usize = 5;
const DUPLICATES: usize = 6;
const FAILURES: usize = 7;

/// Everything interned, and the rules of what may happen.
pub(super) struct States {
    pub(super) servers: Vec<Server>,
    config: Config,
    durability: Durability,
    heartbeats: bool,
    membership: Membership,
    /// The most messages on a link.
    link: usize,
    locals: IndexSet<Local, FxBuildHasher>,
    pub(super) facts: Vec<Facts>,
    pub(super) flights: IndexSet<Flight, FxBuildHasher>,
    pasts: IndexSet<Past, FxBuildHasher>,
    changes: HashMap<(u32, Key), Change, FxBuildHasher>,
}

impl States {
    /// The bounds, and the row of the first state.
    pub(super) fn new(bounds: &Bounds) -> Result<(States, Vec<u32>), Broken> {
        let servers = bounds.servers();
        let durability = if bounds.get("disk") > 0 { Durability::Real } else { Durability::Assumed };
        let config = Config {
            replicate: bounds.get("log") > 0,
            max_entries: bounds.get("entries") as usize,
            max_chunk: bounds.get("chunk") as usize,
            ..Config::new(servers.iter().copied(), durability)
        };
        let mut states = States {
            membership: Membership::of(servers.iter().copied()),
            config,
            durability,
            heartbeats: bounds.get("heartbeats") > 0,
            link: bounds.get("link") as usize,
            locals: IndexSet::default(),
            facts: Vec::new(),
            flights: IndexSet::default(),
            pasts: IndexSet::default(),
            changes: HashMap::default(),
            servers,
        };
        let budget = BUDGETS
            .iter()
            .zip(0..)
            .fold(0, |budget, (key, place)| budget | (bounds.get(key) as u32) << (4 * place));
        let (saved, committed) = bounds.start();
        states.pasts.insert(Past::of(&saved, committed));
        let mut row = vec![budget, 0];
        for server in states.servers.clone() {
            let disk = saved.get(&server).cloned().unwrap_or_default();
            let outcome =
                caught(|| Local::start(states.terms(server), disk)).map_err(|said| panicked(&said))?;
            let change = states.intern(outcome);
            row.push(change.local);
        }
        Ok((states, row))
    }

    fn terms(&self, me: Server) -> Terms<'_> {
        Terms { me, config: &self.config }
    }

    /// How many distinct servers, messages, and changes of a server there are so far.
    pub(super) fn parts(&self) -> (u64, u64, u64) {
        (self.locals.len() as u64, self.flights.len() as u64, self.changes.len() as u64)
    }

    /// A hash of what the state looks like from outside: what servers say of themselves, what their disks hold and
    /// what is under way. Whatever a core keeps to itself does not count, nor which timers run.
    pub(super) fn looks(&self, row: &[u32]) -> u64 {
        let mut hasher = FxHasher::default();
        (0..self.servers.len()).for_each(|server| self.facts_of(row, server).looks.hash(&mut hasher));
        self.under_way(row).iter().for_each(|number| self.flight(*number).hash(&mut hasher));
        hasher.finish()
    }

    pub(super) fn facts_of(&self, row: &[u32], server: usize) -> &Facts {
        &self.facts[row[LOCALS + server] as usize]
    }

    /// The numbers of the messages under way.
    pub(super) fn under_way<'a>(&self, row: &'a [u32]) -> &'a [u32] {
        &row[LOCALS + self.servers.len()..]
    }

    pub(super) fn flight(&self, number: u32) -> &Flight {
        &self.flights[number as usize]
    }

    /// Everything that can happen next, in a fixed order.
    pub(super) fn actions(&self, row: &[u32], out: &mut Vec<Action>) {
        out.clear();
        for place in 0..self.servers.len() as u8 {
            let facts = self.facts_of(row, place as usize);
            let mut own = |it| out.push(Action::Own(place, it));
            facts
                .timers
                .iter()
                .filter(|timer| left(row, budget_of(**timer)) > 0)
                .for_each(|timer| own(Own::Timer(*timer)));
            if facts.view.leads().is_some() && left(row, PROPOSALS) > 0 && self.config.replicate {
                own(Own::Propose);
            }
            if facts.can_snapshot && left(row, SNAPSHOTS) > 0 {
                own(Own::Snapshot);
            }
            facts.sync_points.iter().for_each(|writes| own(Own::Sync(*writes as u8)));
            if left(row, CRASHES) > 0 {
                (0..=facts.unsynced).for_each(|keep| own(Own::Crash(keep as u8)));
            }
        }
        for (place, number) in self.under_way(row).iter().enumerate() {
            let (place, flight) = (place as u8, self.flight(*number));
            out.push(Action::Deliver(place));
            if left(row, DUPLICATES) > 0 && matches!(flight.what, What::Request(_)) {
                out.push(Action::Duplicate(place));
            }
            if left(row, FAILURES) > 0 && flight.caller == Caller::Waits && flight.fills_a_place() {
                out.push(Action::Fail(place));
            }
        }
    }

    /// Makes `next` the state after that action; false, if it changes nothing.
    pub(super) fn after(&mut self, row: &[u32], action: Action, next: &mut Vec<u32>) -> Result<bool, Broken> {
        let (server, key) = self.concerned(row, action, next);
        let before = row[LOCALS + server];
        let change = self.change(before, server, key);
        if let Some(wrong) = &change.broken {
            return Err(Broken::clone(wrong));
        }
        let (local, kept) = (change.local, change.kept.clone());
        if local == before && kept.is_empty() && !matches!(key, Key::Fails(_)) {
            return Ok(false);
        }
        next[LOCALS + server] = local;
        if let Key::Own(Own::Crash(_)) = key {
            self.forget(next, server);
        }
        kept.iter().for_each(|number| self.send(next, *number));
        self.check(next, server, before)?;
        Ok(true)
    }

    /// Everything that the action makes leave, also what goes to nobody.
    pub(super) fn sent(&mut self, row: &[u32], action: Action) -> Vec<Flight> {
        let (server, key) = self.concerned(row, action, &mut Vec::new());
        let sent = self.change(row[LOCALS + server], server, key).sent.clone();
        sent.iter().map(|number| self.flight(*number).clone()).collect()
    }

    /// Which server the action concerns, and how. Makes `next` the state, but for that server and what it sends.
    fn concerned(&mut self, row: &[u32], action: Action, next: &mut Vec<u32>) -> (usize, Key) {
        next.clear();
        next.extend_from_slice(row);
        match action {
            Action::Own(server, own) => {
                match own {
                    Own::Timer(timer) => spend(next, budget_of(timer)),
                    Own::Propose => spend(next, PROPOSALS),
                    Own::Snapshot => spend(next, SNAPSHOTS),
                    Own::Crash(_) => spend(next, CRASHES),
                    Own::Sync(_) => {}
                }
                (server as usize, Key::Own(own))
            }
            Action::Deliver(place) | Action::Duplicate(place) | Action::Fail(place) => {
                self.message(next, action, place)
            }
        }
    }

    /// Takes the message from under way, as the action wants it, and says who is concerned.
    fn message(&mut self, next: &mut Vec<u32>, action: Action, place: u8) -> (usize, Key) {
        let place = LOCALS + self.servers.len() + place as usize;
        let number = next[place];
        let (from, to) = (self.flight(number).from, self.flight(number).to);
        match action {
            Action::Fail(_) => {
                spend(next, FAILURES);
                let given_up = Flight { caller: Caller::GaveUp, ..self.flight(number).clone() };
                let caller = if matches!(given_up.what, What::Request(_)) { from } else { to };
                next[place] = self.flights.insert_full(given_up).0 as u32;
                (self.place(caller), Key::Fails(number))
            }
            Action::Duplicate(_) => {
                spend(next, DUPLICATES);
                let copy = Flight { caller: Caller::Gone, ..self.flight(number).clone() };
                next[place] = self.flights.insert_full(copy).0 as u32;
                (self.place(to), Key::Arrives(number))
            }
            Action::Deliver(_) | Action::Own(..) => {
                next.remove(place);
                (self.place(to), Key::Arrives(number))
            }
        }
    }

    fn place(&self, server: Server) -> usize {
        usize::from(server.0) - 1
    }

    /// What the event does to that server.
    fn change(&mut self, local: u32, server: usize, key: Key) -> &Change {
        if !self.changes.contains_key(&(local, key)) {
            let from = &self.locals[local as usize];
            let event = match key {
                Key::Arrives(number) => Event::Arrives(&self.flights[number as usize]),
                Key::Fails(number) => Event::Fails(&self.flights[number as usize]),
                Key::Forget(peer) => Event::Forget(peer),
                Key::Own(Own::Timer(timer)) => Event::Timer(timer),
                Key::Own(Own::Propose) => Event::Propose,
                Key::Own(Own::Snapshot) => Event::Snapshot,
                Key::Own(Own::Sync(writes)) => Event::Sync(writes as usize),
                Key::Own(Own::Crash(keep)) => Event::Crash(keep as usize),
            };
            let terms = self.terms(self.servers[server]);
            let change = match caught(|| from.after(terms, &event)) {
                Ok(outcome) => self.intern(outcome),
                Err(said) => Change {
                    local,
                    sent: Box::default(),
                    kept: Rc::default(),
                    broken: Some(Box::new(panicked(&said))),
                },
            };
            self.changes.insert((local, key), change);
        }
        &self.changes[&(local, key)]
    }

    fn intern(&mut self, outcome: Outcome) -> Change {
        let (number, new) = self.locals.insert_full(outcome.local);
        if new {
            self.facts.push(Facts::of(&self.locals[number], self.durability));
        }
        let sent = outcome.sent.into_iter().map(|flight| self.flights.insert_full(flight).0 as u32);
        let sent: Box<[u32]> = sent.collect();
        let kept = sent.iter().copied().filter(|number| self.arrives(*number)).collect();
        Change { local: number as u32, sent, kept, broken: outcome.broken.map(Box::new) }
    }

    /// Whether a message that leaves can ever arrive: somebody waits for it, and it is no heartbeat where there are none.
    fn arrives(&self, number: u32) -> bool {
        let flight = self.flight(number);
        match &flight.what {
            What::Reply(..) if flight.caller == Caller::Gone => false,
            What::Request(Req::Append(args)) if args.is_bare() => self.heartbeats,
            What::Request(_) | What::Reply(..) => true,
        }
    }

    /// A message leaves: it goes behind what its link carries, and may push out the oldest there.
    fn send(&self, next: &mut Vec<u32>, number: u32) {
        let link = |number: u32| (self.flight(number).from, self.flight(number).to);
        let first = LOCALS + self.servers.len();
        let begin = first + next[first..].partition_point(|other| link(*other) < link(number));
        let end = begin + next[begin..].partition_point(|other| link(*other) == link(number));
        next.insert(end, number);
        if end - begin >= self.link {
            next.remove(begin);
        }
    }

    /// That server crashed: answers to it go nowhere, and nobody owes it one.
    fn forget(&mut self, next: &mut Vec<u32>, server: usize) {
        let crashed = self.servers[server];
        let first = LOCALS + self.servers.len();
        for place in (first..next.len()).rev() {
            let flight = self.flight(next[place]);
            match flight.what {
                What::Reply(..) if flight.to == crashed => drop(next.remove(place)),
                What::Request(_) if flight.from == crashed => {
                    let orphan = Flight { caller: Caller::Gone, ..flight.clone() };
                    next[place] = self.flights.insert_full(orphan).0 as u32;
                }
                _ => {}
            }
        }
        for other in (0..self.servers.len()).filter(|other| *other != server) {
            let local = next[LOCALS + other];
            if self.facts[local as usize].owes.contains(&crashed) {
                next[LOCALS + other] = self.change(local, other, Key::Forget(crashed)).local;
            }
        }
    }

    /// Checks the properties that the move of one server can break.
    fn check(&mut self, next: &mut [u32], who: usize, before: u32) -> Result<(), Broken> {
        let facts: Vec<&View> =
            (0..self.servers.len()).map(|server| &self.facts_of(next, server).view).collect();
        let before = &self.facts[before as usize].view;
        let moved =
            Moved { servers: &self.servers, facts: &facts, who, before, membership: &self.membership };
        if !moved.matters() {
            return Ok(());
        }
        let mut past = self.pasts[next[PAST] as usize].clone();
        moved.check(&mut past)?;
        next[PAST] = self.pasts.insert_full(past).0 as u32;
        Ok(())
    }
}

impl Flight {
    /// Whether its caller gives up after a while: calls that replicate.
    fn fills_a_place(&self) -> bool {
        let (What::Request(req) | What::Reply(req, _)) = &self.what;
        match req {
            Req::Append(args) => !args.is_bare(),
            Req::Install(_) => true,
            Req::PreVote(_) | Req::Vote(_) => false,
        }
    }
}

fn budget_of(timer: Timer) -> usize {
    match timer {
        Timer::Election => 0,
        Timer::Heartbeat => 1,
        Timer::Quorum => 2,
    }
}

fn left(row: &[u32], place: usize) -> u32 {
    row[BUDGET] >> (4 * place) & 15
}

fn spend(row: &mut [u32], place: usize) {
    row[BUDGET] -= 1 << (4 * place);
}

/// What the code under test does, or what it said when it panicked.
fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|said| {
        let text = said.downcast_ref::<&str>().copied().map(str::to_owned);
        let text = text.or_else(|| said.downcast_ref::<String>().cloned());
        text.or_else(|| {
            said.downcast_ref::<labrpc::NotImplemented>()
                .map(|stub| format!("not implemented: {}", stub.what))
        })
        .unwrap_or_else(|| "a panic without a message".to_owned())
    })
}

fn panicked(said: &str) -> Broken {
    Broken { property: "no panic", source: "the handout", sentence: format!("the code panicked: {said}") }
}
