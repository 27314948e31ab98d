//! One server, as exploration moves it: a core, what it was promised by its disk, and what it owes.
//!
//! Owns the same few lines that the driver and the scripts have around a core: inputs go in, writes go to the
//! disk, effects leave through [`Release`]. Here all of it is one value that can be copied, compared and hashed.
//!
//! Never: knows another server; counts what happened.

use super::claims;
use super::invariants::Broken;
use labrpc::schema::{Durability, Index, Server, Timer};
use raft::core::{Call, Config, Core, Effect, Input, Rep, Req, Saved, Write};
use raft::release::Release;
use raft::{sanity, storage};
use rustc_hash::FxHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

/// One server at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Local {
    pub(super) core: Core,
    release: Release,
    /// What a crash would leave for certain.
    pub(super) disk: Saved,
    /// Writes handed over since, and whether each was its step's last.
    pub(super) unsynced: Vec<(Write, bool)>,
    /// The timers that are set.
    pub(super) timers: BTreeSet<Timer>,
    /// Requests that it has not answered.
    calls: BTreeMap<Call, (Server, Req, Caller)>,
    /// The highest index that its service was handed, since the service started.
    pub(super) delivered: Index,
}

/// Who waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Caller {
    /// Its caller.
    Waits,
    /// Its caller took it for failed, but would still hear it.
    GaveUp,
    /// Nobody: the caller crashed, or this is a duplicate.
    Gone,
}

/// A message under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Flight {
    pub(super) from: Server,
    pub(super) to: Server,
    pub(super) what: What,
    pub(super) caller: Caller,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum What {
    Request(Req),
    Reply(Req, Rep),
}

/// Something that happens to one server.
#[derive(Clone, Debug)]
pub(super) enum Event<'a> {
    /// A message arrives.
    Arrives(&'a Flight),
    /// A call of this server is given up; this is its request, or its answer.
    Fails(&'a Flight),
    Timer(Timer),
    /// The service proposes its next command.
    Propose,
    /// The service hands over its state as of all that it was delivered.
    Snapshot,
    /// So many of the unsynced writes become durable.
    Sync(usize),
    /// It crashes, keeps so many of the unsynced writes, and starts again.
    Crash(usize),
    /// That peer crashed: it waits for no answer any more.
    Forget(Server),
}

/// What came of it.
pub(super) struct Outcome {
    pub(super) local: Local,
    /// Everything that left, also what goes to nobody.
    pub(super) sent: Vec<Flight>,
    /// What is wrong with it already, whatever the others are.
    pub(super) broken: Option<Broken>,
}

/// What a service hands over as its state as of that index.
pub(super) fn snapshot_data(index: Index) -> String {
    format!("upto{index}")
}

/// Who a server is, and on what terms it runs: the same throughout an exploration.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) me: Server,
    pub(super) config: &'a Config,
}

/// Makes the events of one server happen.
struct Moving<'a> {
    terms: Terms<'a>,
    local: Local,
    sent: Vec<Flight>,
    broken: Option<Broken>,
}

impl Local {
    /// A server that starts from this disk.
    pub(super) fn start(terms: Terms<'_>, disk: Saved) -> Outcome {
        let (core, effects) = Core::restore(terms.me, terms.config.clone(), disk.clone());
        let (release, unsynced, timers, calls) = Default::default();
        let local = Local { core, release, disk, unsynced, timers, calls, delivered: 0 };
        let mut moving = Moving { terms, local, sent: Vec::new(), broken: None };
        moving.perform(effects);
        moving.end()
    }

    /// The server after that event.
    pub(super) fn after(&self, terms: Terms<'_>, event: &Event<'_>) -> Outcome {
        if let Event::Crash(keep) = event {
            let mut disk = self.disk.clone();
            self.unsynced[..*keep].iter().for_each(|(write, _)| storage::apply(&mut disk, write));
            return Local::start(terms, disk);
        }
        let mut moving = Moving { terms, local: self.clone(), sent: Vec::new(), broken: None };
        match event {
            Event::Arrives(flight) => moving.arrives(flight),
            Event::Fails(flight) => {
                let (What::Request(req) | What::Reply(req, _)) = &flight.what;
                let from = if flight.from == terms.me { flight.to } else { flight.from };
                moving.step(Input::Reply { from, req: req.clone(), rep: None, late: false });
            }
            Event::Timer(timer) => {
                moving.local.timers.remove(timer);
                moving.step(Input::Timer(*timer));
            }
            Event::Propose => {
                let command = format!("x{}", self.core.log().last_index() + 1).into_bytes();
                moving.step(Input::Propose { id: 0, command });
            }
            Event::Snapshot => {
                let index = self.delivered;
                moving.step(Input::Snapshot { index, data: snapshot_data(index).into_bytes() });
            }
            Event::Sync(writes) => moving.sync(*writes),
            Event::Forget(peer) => {
                let theirs = moving.local.calls.values_mut().filter(|(from, ..)| from == peer);
                theirs.for_each(|(_, _, caller)| *caller = Caller::Gone);
            }
            Event::Crash(_) => {}
        }
        moving.end()
    }

    /// For whom it holds requests, of those who still wait for the answer.
    pub(super) fn owes(&self) -> Vec<Server> {
        let waiting = self.calls.values().filter(|(_, _, caller)| *caller != Caller::Gone);
        waiting.map(|(from, ..)| *from).collect()
    }

    /// A hash of all that can be seen of it from outside: its state and log, its disk, what its service was handed.
    pub(super) fn looks(&self) -> u64 {
        let mut hasher = FxHasher::default();
        let core = (self.core.state(), self.core.log());
        (core, &self.disk, &self.unsynced, self.delivered).hash(&mut hasher);
        hasher.finish()
    }

    /// The numbers of writes after which a sync may end: whole steps.
    pub(super) fn sync_points(&self) -> impl Iterator<Item = usize> + '_ {
        self.unsynced.iter().zip(1..).filter(|((_, last), _)| *last).map(|(_, number)| number)
    }
}

impl Moving<'_> {
    fn arrives(&mut self, flight: &Flight) {
        match &flight.what {
            What::Request(req) => {
                let call = (0..).find(|call| !self.local.calls.contains_key(call)).unwrap_or(0);
                self.local.calls.insert(call, (flight.from, req.clone(), flight.caller));
                self.step(Input::Request { from: flight.from, call, req: req.clone() });
            }
            What::Reply(req, rep) => {
                let late = flight.caller == Caller::GaveUp;
                self.step(Input::Reply { from: flight.from, req: req.clone(), rep: Some(rep.clone()), late });
            }
        }
    }

    fn step(&mut self, input: Input) {
        let mut effects = Vec::new();
        let before = self.local.core.state();
        self.local.core.step(input, &mut effects);
        let after = self.local.core.state();
        let asked = |call: Call| self.local.calls.get(&call).map(|(_, req, _)| req);
        let known = |to| self.local.core.membership().others(self.terms.me).contains(&to);
        if let Err(what) = sanity::check(self.terms.me, &effects, known, asked) {
            panic!("the core of {} made no sense: {what}", self.terms.me);
        }
        if after.term < before.term || after.commit_index < before.commit_index {
            self.complain(
                "State Machine Safety",
                "Figure 2",
                format!(
                    "{} went from term {} and commit index {} back to term {} and commit index {}",
                    self.terms.me, before.term, before.commit_index, after.term, after.commit_index
                ),
            );
        }
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        let first = self.local.unsynced.len();
        for effect in effects {
            match effect {
                Effect::SetTimer(timer, _) => drop(self.local.timers.insert(timer)),
                Effect::StopTimer(timer) => drop(self.local.timers.remove(&timer)),
                Effect::Write(write) if self.terms.config.durability == Durability::Assumed => {
                    storage::apply(&mut self.local.disk, &write);
                }
                Effect::Write(write) => {
                    self.local.release.wrote();
                    self.local.unsynced.push((write, false));
                }
                Effect::Apply { index, .. } if index <= self.local.delivered => {
                    let (me, delivered) = (self.terms.me, self.local.delivered);
                    let sentence = format!("{me} delivered entry {index} after entry {delivered}");
                    self.complain("State Machine Safety", "Figure 2", sentence);
                }
                Effect::Apply { index, .. } => self.local.delivered = index,
                Effect::Restore(snap) => {
                    self.local.delivered = snap.index;
                    if snap.data != snapshot_data(snap.index).as_bytes() {
                        let (me, index) = (self.terms.me, snap.index);
                        let data = String::from_utf8_lossy(&snap.data);
                        let sentence =
                            format!("{me} delivered the state {data:?} as that of everything up to {index}");
                        self.complain("State Machine Safety", "§7", sentence);
                    }
                }
                effect @ (Effect::Send { .. } | Effect::Reply { .. }) => {
                    if let Some(effect) = self.local.release.offer(effect) {
                        self.leave(effect);
                    }
                }
                Effect::Answer { .. } | Effect::ReadAt { .. } | Effect::Changed(_) => {}
            }
        }
        if self.local.unsynced.len() > first
            && let Some((_, last)) = self.local.unsynced.last_mut()
        {
            *last = true;
        }
    }

    /// Ends a sync that covers so many writes.
    fn sync(&mut self, writes: usize) {
        for (write, _) in self.local.unsynced.drain(..writes) {
            storage::apply(&mut self.local.disk, &write);
        }
        self.local.release.synced(writes as u64);
        let durable = storage::durable(&self.local.disk);
        self.step(Input::Written(durable));
        while let Some(effect) = self.local.release.pop() {
            self.leave(effect);
        }
        self.local.release.rebase();
    }

    fn leave(&mut self, effect: Effect) {
        let flight = match effect {
            Effect::Send { to, req, .. } => {
                Flight { from: self.terms.me, to, what: What::Request(req), caller: Caller::Waits }
            }
            Effect::Reply { call, rep } => {
                let Some((to, req, caller)) = self.local.calls.remove(&call) else { return };
                Flight { from: self.terms.me, to, what: What::Reply(req, rep), caller }
            }
            _ => return,
        };
        if let Some(wrong) = claims::unfounded(self.terms.config.durability, &self.local.disk, &flight) {
            self.complain("honest messages", "Figure 2", wrong);
        }
        self.sent.push(flight);
    }

    fn complain(&mut self, property: &'static str, source: &'static str, sentence: String) {
        self.broken.get_or_insert(Broken { property, source, sentence });
    }

    fn end(self) -> Outcome {
        Outcome { local: self.local, sent: self.sent, broken: self.broken }
    }
}
