//! Playing a script: cores that move only when a line says so.

use super::parse::{Pick, Script, Step, Topic};
use crate::check::unmet;
use crate::explore::{self, View, Watch};
use crate::harness::{Done, Setup, judged};
use labrpc::schema::{Durability, Server, Stamp, Timer};
use labrpc::{Host, decode, encode};
use labrpc_sim::{Options, Sim};
use raft::core::{Call, Config, Core, Durable, Effect, Input, Log, Rep, Req, Saved, Write};
use raft::observe::{Observer, Step as Observed, sent, synced};
use raft::release::Release;
use raft::sanity;
use raft::storage::{Storage, apply};
use scenario::{Expectation, Run};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;
use tracecheck::Witness;

/// Plays a script of the kit's own under the judge.
///
/// # Panics
/// If it cannot be read.
pub(crate) fn play(name: &'static str, source: &'static str, text: &str) -> Run {
    run(name, source, Script::parse(text).unwrap_or_else(|why| panic!("the script of {name}: {why}")))
}

/// Plays a script under the judge. Every input and effect goes through bytes on its way, as it would to a
/// core in another process.
pub(crate) fn run(name: &'static str, source: &'static str, script: Script) -> Run {
    let scripted = script.servers.iter().copied().filter(|server| !script.real.contains(server)).collect();
    let setup = Setup {
        scripted,
        options: Options { clocks: true, ..Options::default() },
        replicate: script.replicate,
        durability: if script.durable { Durability::Real } else { Durability::Assumed },
        max_entries: script.max_entries,
        max_chunk: script.max_chunk,
        ..Setup::new(name, script.servers.len() as u8)
    };
    let config = setup.config();
    judged(0, setup, move |sim, _| async move {
        let mut world = World::new(sim, &script, config, source).await;
        for (text, step) in &script.steps {
            // A millisecond a line, so that times in the trace name the line.
            world.sim.sleep(Duration::from_millis(1)).await;
            world.play(text, step).await?;
            world.check()?;
        }
        Ok(())
    })
}

pub(super) struct World {
    pub(super) sim: Sim,
    pub(super) source: &'static str,
    config: Config,
    pub(super) real: BTreeMap<Server, Real>,
    pub(super) played: BTreeMap<Server, Played>,
    pub(super) flights: Vec<Flight>,
    next_call: Call,
    /// Watches the properties of Figure 3, if the script wants them watched.
    watch: Option<Watch>,
}

/// A server that runs the code under test.
pub(super) struct Real {
    host: Rc<dyn Host>,
    pub(super) core: Core,
    observer: Observer,
    release: Release,
    storage: Storage,
    /// Writes that no `sync` line covers: their numbers, and what is durable with them.
    unsynced: VecDeque<(u64, Durable, Write)>,
    /// What a crash would leave for certain.
    disk: Saved,
    /// How many records a partial `sync` covered that the disk itself has not synced.
    ahead: usize,
    pub(super) timers: BTreeSet<Timer>,
    /// The timers that its last step set.
    pub(super) armed: BTreeSet<Timer>,
    /// Requests that it has not answered yet, and whether their callers gave up.
    calls: BTreeMap<Call, (Server, Req, bool)>,
}

/// A server that the script plays.
pub(super) struct Played {
    pub(super) host: Rc<dyn Host>,
    /// The log that it claims to have.
    pub(super) log: Log,
    /// What it claims to be committed.
    pub(super) commit: u64,
}

#[derive(Clone)]
pub(super) struct Flight {
    pub(super) from: Server,
    pub(super) to: Server,
    pub(super) stamp: Option<Stamp>,
    pub(super) what: What,
    /// The caller took it for failed.
    pub(super) late: bool,
}

#[derive(Clone)]
pub(super) enum What {
    Request(Req),
    Reply(Req, Rep),
}

impl Flight {
    pub(super) fn matches(&self, pick: &Pick) -> bool {
        let (What::Request(req) | What::Reply(req, _)) = &self.what;
        let about = |wanted| match req {
            Req::PreVote(_) => wanted == Topic::PreVote,
            Req::Vote(_) => wanted == Topic::Vote,
            Req::Append(args) => {
                let kind = if args.is_bare() { Topic::Heartbeat } else { Topic::Entries };
                wanted == Topic::Append || wanted == kind
            }
            Req::Install(_) => wanted == Topic::Install,
        };
        (self.from, self.to) == (pick.from, pick.to) && pick.topic.is_none_or(about)
    }
}

impl World {
    async fn new(sim: Sim, script: &Script, config: Config, source: &'static str) -> World {
        let (real, played, flights) = Default::default();
        let watch = script.invariants.then(|| Watch::new(&script.disks, script.committed));
        let mut world = World { sim, source, config, real, played, flights, next_call: 0, watch };
        for &server in &script.servers {
            if script.real.contains(&server) {
                world.start(server, script.disks.get(&server).cloned()).await;
            } else {
                world.start_played(server);
            }
        }
        world
    }

    /// Starts a real server: with `saved` on its disk, or from what its disk holds.
    async fn start(&mut self, server: Server, saved: Option<Saved>) {
        let host = self.sim.start(server.into());
        let mut storage = Storage::open(host.disk()).expect("the disk holds what the server wrote");
        if let Some(saved) = saved {
            storage.fill(saved);
            if self.config.durability == Durability::Real {
                storage.sync().await.expect("the simulated disk does not fail");
            }
        }
        let saved = storage.image().clone();
        let (core, effects) = Core::restore(server, self.config.clone(), saved.clone());
        let observer = Observer::new(server);
        observer.started(core.state(), &saved, &effects, host.recorder());
        let (release, unsynced, ahead, timers, armed, calls) = Default::default();
        let disk = saved.clone();
        let real =
            Real { host, core, observer, release, storage, unsynced, disk, ahead, timers, armed, calls };
        self.real.insert(server, real);
        self.perform(server, effects);
    }

    async fn play(&mut self, text: &str, step: &Step) -> Done {
        match step {
            Step::Timeout(server, timer) => self.timeout(*server, *timer)?,
            Step::Deliver(pick) => {
                let flight = self.find(text, pick)?;
                let flight = self.flights.remove(flight);
                self.arrive(flight);
            }
            Step::Repeat(pick) => {
                let flight = self.find(text, pick)?;
                self.arrive(self.flights[flight].clone());
            }
            Step::Drop(pick) => {
                let flight = self.find(text, pick)?;
                self.flights.remove(flight);
            }
            Step::Fail(pick) => {
                let flight = self.find(text, pick)?;
                self.fail(flight);
            }
            Step::DeliverAll(pick) => self.deliver_all(pick),
            Step::DropAll(pick) => self.flights.retain(|flight| !flight.matches(pick)),
            Step::Settle => self.settle()?,
            Step::Exchange { between, until, why } => self.exchange(*between, until.as_ref(), why)?,
            Step::Propose(server, command) => {
                let command = command.clone().into_bytes();
                self.step(*server, Input::Propose { id: 0, command }, None);
            }
            Step::Snapshot(server, index, data) => {
                let data = data.clone().into_bytes();
                self.step(*server, Input::Snapshot { index: *index, data }, None);
            }
            Step::Sync(server, writes) => self.sync(*server, *writes).await,
            Step::Crash(server, keep) => self.crash(*server, *keep),
            Step::Restart(server) if !self.real.contains_key(server) => self.start(*server, None).await,
            Step::Restart(_) => {}
            Step::Ask(ask) => self.ask(ask),
            Step::Answer { link, granted, term } => self.answer(text, link, *granted, *term)?,
            Step::ExpectServer { server, wanted, why } => self.expect_server(*server, wanted, why)?,
            Step::ExpectAnswer { link, granted, term, why } => {
                self.expect_answer(text, link, (*granted, *term), why)?;
            }
            Step::ExpectRequest { link, last, why } => self.expect_request(text, link, *last, why)?,
            Step::ExpectNothing { link, why } => self.expect_nothing(link, why)?,
        }
        Ok(())
    }

    fn timeout(&mut self, server: Server, timer: Timer) -> Done {
        let set = self.real.get_mut(&server).is_some_and(|real| real.timers.remove(&timer));
        if !set {
            let state = self.real[&server].core.state();
            return Err(unmet(
                self.source,
                format!(
                    "{server}'s {timer:?} timer is not set, so it would wait for ever as a {:?} of term {}.",
                    state.role, state.term
                ),
                format!("{server} should have set that timer when it became what it is."),
                self.witness(server, "no timer set"),
            ));
        }
        self.step(server, Input::Timer(timer), None);
        Ok(())
    }

    /// Ends a sync of everything that the server wrote, or of so many writes.
    async fn sync(&mut self, server: Server, writes: Option<usize>) {
        let Some(real) = self.real.get_mut(&server) else { return };
        let covered = writes.unwrap_or(usize::MAX).min(real.unsynced.len());
        let mut last = None;
        for (number, durable, write) in real.unsynced.drain(..covered) {
            apply(&mut real.disk, &write);
            last = Some((number, durable));
        }
        let Some((upto, durable)) = last else { return };
        if real.unsynced.is_empty() {
            real.storage.sync().await.expect("the simulated disk does not fail");
            real.ahead = 0;
        } else {
            real.ahead += covered;
        }
        real.release.synced(upto);
        real.host.recorder().record(synced(&durable), None, None);
        self.step(server, Input::Written(durable), None);
        while let Some(effect) = self.real.get_mut(&server).and_then(|real| real.release.pop()) {
            self.leave(server, effect);
        }
    }

    fn crash(&mut self, server: Server, keep: Option<usize>) {
        let Some(real) = self.real.remove(&server) else { return };
        match keep {
            None => self.sim.crash(server.into()),
            Some(keep) => self.sim.crash_keeping(server.into(), (real.ahead + keep) as u64),
        }
    }

    /// Checks the properties of Figure 3, server by server.
    fn check(&mut self) -> Done {
        let Some(watch) = &mut self.watch else { return Ok(()) };
        for (server, real) in &self.real {
            let view = View::of(&real.core, &real.disk, self.config.durability);
            if let Err(broken) = watch.moved(*server, view, real.core.membership()) {
                let sentence = format!("{}.", explore::sentence(&broken.sentence));
                let last = real.host.recorder().last();
                let witness = last.map(|at| Witness { at, note: "here".to_owned() });
                return Err(unmet(broken.source, sentence, broken.should(), witness.into_iter().collect()));
            }
        }
        Ok(())
    }

    /// The caller gives up the call that this message is part of.
    fn fail(&mut self, flight: usize) {
        let flight = &mut self.flights[flight];
        flight.late = true;
        let (caller, peer, req) = match &flight.what {
            What::Request(req) => (flight.from, flight.to, req.clone()),
            What::Reply(req, _) => (flight.to, flight.from, req.clone()),
        };
        self.step(caller, Input::Reply { from: peer, req, rep: None, late: false }, None);
    }

    pub(super) fn find(&self, text: &str, pick: &Pick) -> Result<usize, Expectation> {
        let mut alike = self.flights.iter().enumerate().filter(|(_, flight)| flight.matches(pick));
        alike
            .nth(pick.place)
            .map(|(number, _)| number)
            .ok_or_else(|| self.no_such_message(text, pick.from, pick.to))
    }

    /// A message that the script speaks of was never sent.
    pub(super) fn no_such_message(&self, text: &str, from: Server, to: Server) -> Expectation {
        let what = match text.split_whitespace().nth(2).or_else(|| text.split_whitespace().nth(1)) {
            Some("prevote") => "pre-vote",
            Some("vote") => "request or answer about a vote",
            Some("append" | "entries") => "AppendEntries or answer to one",
            Some("heartbeat") => "heartbeat or answer to one",
            Some("install") => "InstallSnapshot or answer to one",
            _ => "message",
        };
        unmet(
            self.source,
            format!("{from} has sent {to} no {what} that would be under way now (script line: {text})."),
            format!("By now {from} should have sent one."),
            self.witness(from, "the last thing it did"),
        )
    }

    pub(super) fn witness(&self, server: Server, note: &str) -> Vec<Witness> {
        let last = self.sim.recorder(server.into()).and_then(|recorder| recorder.last());
        last.map(|at| Witness { at, note: note.to_owned() }).into_iter().collect()
    }

    pub(super) fn arrive(&mut self, flight: Flight) {
        let Flight { from, to, stamp, what, late } = flight;
        match what {
            _ if !self.real.contains_key(&to) => {}
            What::Request(req) => {
                let call = self.next_call;
                self.next_call += 1;
                if let Some(real) = self.real.get_mut(&to) {
                    real.calls.insert(call, (from, req.clone(), late));
                }
                self.step(to, Input::Request { from, call, req }, stamp);
            }
            What::Reply(req, rep) => {
                self.step(to, Input::Reply { from, req, rep: Some(rep), late }, stamp);
            }
        }
    }

    fn step(&mut self, server: Server, input: Input, cause: Option<Stamp>) {
        let Some(real) = self.real.get_mut(&server) else { return };
        let input: Input = decode(&encode(&input)).expect("inputs serialize");
        real.armed.clear();
        let before = real.core.state();
        let mut effects = Vec::new();
        real.core.step(input.clone(), &mut effects);
        let effects: Vec<Effect> = decode(&encode(&effects)).expect("effects serialize");
        let asked = |call: Call| real.calls.get(&call).map(|(_, req, _)| req);
        let known = |to| self.config.voters.contains(&to);
        if let Err(what) = sanity::check(server, &effects, known, asked) {
            panic!("the core of {server} made no sense: {what}");
        }
        let after = real.core.state();
        let (membership, log) = (real.core.membership(), real.core.log());
        let step = Observed { input: &input, cause, before, effects: &effects, after, membership, log };
        real.observer.observe(step, real.host.recorder());
        self.perform(server, effects);
    }

    fn perform(&mut self, server: Server, effects: Vec<Effect>) {
        for effect in effects {
            let Some(real) = self.real.get_mut(&server) else { return };
            match effect {
                Effect::SetTimer(timer, _) => {
                    real.timers.insert(timer);
                    real.armed.insert(timer);
                }
                Effect::StopTimer(timer) => {
                    real.timers.remove(&timer);
                }
                Effect::Write(write) => {
                    let durable = real.storage.write(write.clone());
                    let number = real.release.wrote();
                    real.unsynced.push_back((number, durable, write));
                    if self.config.durability == Durability::Assumed {
                        real.release.synced(number);
                    }
                }
                effect => {
                    if let Some(effect) = real.release.offer(effect) {
                        self.leave(server, effect);
                    }
                }
            }
        }
    }

    fn leave(&mut self, from: Server, effect: Effect) {
        let Some(real) = self.real.get_mut(&from) else { return };
        let answers = match &effect {
            Effect::Reply { call, .. } => real.calls.remove(call),
            _ => None,
        };
        let event = sent(from, &effect, answers.as_ref().map(|(to, req, _)| (*to, req)));
        let stamp = event.map(|event| real.host.recorder().record(event, None, None));
        match (effect, answers) {
            (Effect::Send { to, req, .. }, _) => {
                self.flights.push(Flight { from, to, stamp, what: What::Request(req), late: false });
            }
            (Effect::Reply { rep, .. }, Some((to, req, late))) => {
                self.flights.push(Flight { from, to, stamp, what: What::Reply(req, rep), late });
            }
            _ => {}
        }
    }
}
