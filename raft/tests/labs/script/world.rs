//! Playing a script: cores that move only when a line says so.

use super::parse::{Pick, Script, Step, Topic, Wanted};
use crate::check::unmet;
use crate::harness::{Done, Setup, judged};
use labrpc::schema::{Event, Kind, Role, Server, Stamp, State, Term, Timer};
use labrpc::{Host, decode, encode};
use labrpc_sim::{Options, Sim};
use raft::core::{AppendArgs, AppendReply, Call, Config, Core, Effect, Input, Rep, Req, VoteArgs, VoteReply};
use raft::observe::{Observer, sent};
use raft::release::Release;
use scenario::{Expectation, Run};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;
use tracecheck::Witness;

/// Plays a script under the judge. Every input and effect goes through bytes on its way, as it would to a
/// core in another process.
pub(crate) fn play(name: &'static str, source: &'static str, text: &'static str) -> Run {
    let script = Script::parse(text);
    let scripted = script.servers.iter().copied().filter(|server| !script.real.contains(server)).collect();
    let options = Options { clocks: true, ..Options::default() };
    let setup = Setup { scripted, options, ..Setup::elections(name, script.servers.len() as u8) };
    let config = setup.config();
    judged(0, setup, move |sim, _| async move {
        let mut world = World::new(sim, &script, config, source);
        for (text, step) in &script.steps {
            // A millisecond a line, so that times in the trace name the line.
            world.sim.sleep(Duration::from_millis(1)).await;
            world.play(text, step)?;
        }
        Ok(())
    })
}

struct World {
    sim: Sim,
    source: &'static str,
    real: BTreeMap<Server, Real>,
    played: BTreeMap<Server, Rc<dyn Host>>,
    flights: Vec<Flight>,
    next_call: Call,
}

struct Real {
    host: Rc<dyn Host>,
    core: Core,
    observer: Observer,
    release: Release,
    timers: BTreeSet<Timer>,
    /// Requests that it has not answered yet.
    calls: BTreeMap<Call, (Server, Req)>,
}

#[derive(Clone)]
struct Flight {
    from: Server,
    to: Server,
    stamp: Option<Stamp>,
    what: What,
}

#[derive(Clone)]
enum What {
    Request(Req),
    Reply(Req, Rep),
}

impl Flight {
    fn matches(&self, pick: &Pick) -> bool {
        let req = match &self.what {
            What::Request(req) | What::Reply(req, _) => req,
        };
        let topic = match req {
            Req::PreVote(_) => Topic::PreVote,
            Req::Vote(_) => Topic::Vote,
            Req::Append(_) => Topic::Append,
            Req::Install(_) => Topic::Install,
        };
        (self.from, self.to) == (pick.from, pick.to) && pick.topic.is_none_or(|wanted| wanted == topic)
    }
}

impl World {
    fn new(sim: Sim, script: &Script, config: Config, source: &'static str) -> World {
        let mut world = World {
            source,
            real: BTreeMap::new(),
            played: BTreeMap::new(),
            flights: Vec::new(),
            next_call: 0,
            sim,
        };
        for &server in &script.servers {
            let host = world.sim.start(server.into());
            let saved = script.disks.get(&server).cloned().unwrap_or_default();
            if script.real.contains(&server) {
                let (core, effects) = Core::restore(server, config.clone(), saved.clone());
                let observer = Observer::new(server);
                observer.started(core.state(), &saved, &effects, host.recorder());
                let (release, timers, calls) = Default::default();
                world.real.insert(server, Real { host, core, observer, release, timers, calls });
                world.perform(server, effects);
            } else {
                let state = played(0, (0, 0));
                host.recorder().record(Event::ServerStart { server_id: server }, Some(state), None);
                world.played.insert(server, host);
            }
        }
        world
    }

    fn play(&mut self, text: &str, step: &Step) -> Done {
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
            Step::Settle => self.settle(),
            Step::Ask { link, term, last } => self.ask(link, *term, *last),
            Step::Answer { link, granted, term } => self.answer(text, link, *granted, *term)?,
            Step::ExpectServer { server, wanted, why } => self.expect_server(*server, wanted, why)?,
            Step::ExpectAnswer { link, granted, why } => self.expect_answer(text, link, *granted, why)?,
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

    fn settle(&mut self) {
        let between_real = |world: &World, flight: &Flight| {
            world.real.contains_key(&flight.from) && world.real.contains_key(&flight.to)
        };
        while let Some(next) = self.flights.iter().position(|flight| between_real(self, flight)) {
            let flight = self.flights.remove(next);
            self.arrive(flight);
        }
    }

    fn find(&self, text: &str, pick: &Pick) -> Result<usize, Expectation> {
        let found = self.flights.iter().position(|flight| flight.matches(pick));
        found.ok_or_else(|| {
            unmet(
                self.source,
                format!("{} sent {} no such message as \"{text}\" speaks of.", pick.from, pick.to),
                format!("By now {} should have sent it.", pick.from),
                self.witness(pick.from, "the last thing it did"),
            )
        })
    }

    fn witness(&self, server: Server, note: &str) -> Vec<Witness> {
        let last = self.sim.recorder(server.into()).and_then(|recorder| recorder.last());
        last.map(|at| Witness { at, note: note.to_owned() }).into_iter().collect()
    }

    // ---- Real servers --------------------------------------------------------------------------------

    fn arrive(&mut self, flight: Flight) {
        let Flight { from, to, stamp, what } = flight;
        match what {
            _ if self.played.contains_key(&to) => {}
            What::Request(req) => {
                let call = self.next_call;
                self.next_call += 1;
                if let Some(real) = self.real.get_mut(&to) {
                    real.calls.insert(call, (from, req.clone()));
                }
                self.step(to, Input::Request { from, call, req }, stamp);
            }
            What::Reply(req, rep) => self.step(to, Input::Reply { from, req, rep: Some(rep), late: false }, stamp),
        }
    }

    fn step(&mut self, server: Server, input: Input, cause: Option<Stamp>) {
        let Some(real) = self.real.get_mut(&server) else { return };
        let input: Input = decode(&encode(&input)).expect("inputs serialize");
        let before = real.core.state();
        let mut effects = Vec::new();
        real.core.step(input.clone(), &mut effects);
        let effects: Vec<Effect> = decode(&encode(&effects)).expect("effects serialize");
        let after = real.core.state();
        let (membership, log) = (real.core.membership(), real.core.log());
        let step = raft::observe::Step { input: &input, cause, before, effects: &effects, after, membership, log };
        real.observer.observe(step, real.host.recorder());
        self.perform(server, effects);
    }

    fn perform(&mut self, server: Server, effects: Vec<Effect>) {
        for effect in effects {
            let Some(real) = self.real.get_mut(&server) else { return };
            match effect {
                Effect::SetTimer(timer, _) => {
                    real.timers.insert(timer);
                }
                Effect::StopTimer(timer) => {
                    real.timers.remove(&timer);
                }
                // Scripts assume durability, so nothing is written and nothing waits.
                Effect::Write(_) => {}
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
        let event = sent(from, &effect, answers.as_ref().map(|(to, req)| (*to, req)));
        let stamp = event.map(|event| real.host.recorder().record(event, None, None));
        match (effect, answers) {
            (Effect::Send { to, req, .. }, _) => {
                self.flights.push(Flight { from, to, stamp, what: What::Request(req) });
            }
            (Effect::Reply { rep, .. }, Some((to, req))) => {
                self.flights.push(Flight { from, to, stamp, what: What::Reply(req, rep) });
            }
            _ => {}
        }
    }

    // ---- Played servers ------------------------------------------------------------------------------

    fn ask(&mut self, link: &Pick, term: Term, (last_index, last_term): (u64, Term)) {
        let (from, to) = (link.from, link.to);
        let args = VoteArgs { term, candidate: from, last_index, last_term };
        let state = Some(played(term, (last_index, last_term)));
        let recorder = self.played[&from].recorder().clone();
        let req = match link.topic {
            Some(Topic::PreVote) => Req::PreVote(args),
            Some(Topic::Append) => Req::Append(AppendArgs {
                term,
                leader: from,
                prev_index: 0,
                prev_term: 0,
                entries: Vec::new(),
                commit: 0,
            }),
            Some(Topic::Vote | Topic::Install) | None => {
                recorder.record(Event::VoteRequest { server_id: from, term }, state, None);
                Req::Vote(args)
            }
        };
        let votes_for = matches!(req, Req::Vote(_)).then_some(from);
        let event = Event::Send { kind: req.kind(), to, term, votes_for, match_index: None };
        let stamp = Some(recorder.record(event, None, None));
        self.arrive(Flight { from, to, stamp, what: What::Request(req) });
    }

    fn answer(&mut self, text: &str, link: &Pick, granted: bool, term: Option<Term>) -> Done {
        let (me, candidate) = (link.from, link.to);
        let asked = self.find(text, &Pick { from: candidate, to: me, topic: link.topic })?;
        let Flight { stamp: cause, what, .. } = self.flights.remove(asked);
        let What::Request(req) = what else { return Ok(()) };
        let term = term.unwrap_or(req.term());
        let state = Some(played(term, (0, 0)));
        let recorder = self.played[&me].recorder().clone();
        let received = Event::Recv { kind: req.kind(), from: candidate, term: req.term(), armed: vec![] };
        recorder.record(received, state, cause);
        let rep = match &req {
            Req::PreVote(_) => Rep::PreVote(VoteReply { term, granted }),
            Req::Vote(_) => Rep::Vote(VoteReply { term, granted }),
            Req::Install(_) => return Ok(()),
            Req::Append(_) => Rep::Append(AppendReply { term, success: granted, conflict: None }),
        };
        if granted && rep.kind() == Kind::VoteReply {
            let event =
                Event::VoteConfirm { server_id: me, candidate_server_id: candidate, term: req.term() };
            recorder.record(event, state, None);
        }
        let effect = Effect::Reply { call: 0, rep: rep.clone() };
        let event = sent(me, &effect, Some((candidate, &req)));
        let stamp = event.map(|event| recorder.record(event, None, None));
        self.flights.push(Flight { from: me, to: candidate, stamp, what: What::Reply(req, rep) });
        Ok(())
    }

    // ---- Expectations --------------------------------------------------------------------------------

    fn expect_server(&self, server: Server, wanted: &Wanted, why: &str) -> Done {
        let real = &self.real[&server];
        let state = real.core.state();
        let someone = |who: Option<Server>| who.map_or_else(|| "nobody".to_owned(), |who| who.to_string());
        let complaint = if wanted.role.is_some_and(|role| role != state.role) {
            format!("{server} is a {:?} in term {}.", state.role, state.term)
        } else if wanted.term.is_some_and(|term| term != state.term) {
            format!("{server} is in term {}.", state.term)
        } else if wanted.vote.is_some_and(|vote| vote != state.voted_for) {
            format!("{server}'s vote in term {} is for {}.", state.term, someone(state.voted_for))
        } else if wanted.leader.is_some_and(|leader| leader != state.leader_id) {
            format!("{server} takes {} for the leader of term {}.", someone(state.leader_id), state.term)
        } else if wanted.timer.is_some_and(|timer| !real.timers.contains(&timer)) {
            let timer = wanted.timer.unwrap_or(Timer::Election);
            format!("{server}, a {:?} of term {}, has no {timer:?} timer set.", state.role, state.term)
        } else {
            return Ok(());
        };
        Err(unmet(self.source, complaint, why, self.witness(server, "here")))
    }

    fn expect_answer(&self, text: &str, link: &Pick, granted: bool, why: &str) -> Done {
        let newest = self.flights.iter().rev().find_map(|flight| match &flight.what {
            What::Reply(_, rep) if flight.matches(link) => Some(rep),
            _ => None,
        });
        let yes = match newest {
            Some(Rep::PreVote(rep) | Rep::Vote(rep)) => rep.granted,
            Some(Rep::Append(rep)) => rep.success,
            Some(Rep::Install(rep)) => rep.installed,
            None => {
                self.find(text, link)?;
                return Ok(());
            }
        };
        if yes == granted {
            return Ok(());
        }
        let did = if yes { "granted what" } else { "refused what" };
        let sentence = format!("{} {did} {} asked.", link.from, link.to);
        Err(unmet(self.source, sentence, why, self.witness(link.from, "its answer")))
    }
}

/// What a played server claims to be.
fn played(term: Term, (last_index, last_term): (u64, Term)) -> State {
    State {
        term,
        role: Role::Follower,
        voted_for: None,
        leader_id: None,
        commit_index: 0,
        last_index,
        last_term,
    }
}
