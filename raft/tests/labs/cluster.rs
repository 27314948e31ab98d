//! A cluster of real servers in a simulated world, as a scenario handles it.

use crate::harness::Setup;
use crate::service::Book;
use labrpc::schema::{Durability, Event, Kind, Node, Record, Role, Server, State, Term};
use labrpc::{End, Recorder, Served};
use labrpc_sim::Sim;
use raft::{Raft, RaftEnd, RaftRpc, describe};
use refusals::Refusals;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

// The benchmark takes these files as they are, without a list of what they are made of.
#[path = "refusals.rs"]
mod refusals;

/// The name under which servers answer each other.
pub(crate) const SERVICE: &str = "raft";

/// The servers that a scenario runs. Clones are the same cluster.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) sim: Sim,
    setup: Rc<Setup>,
    running: Rc<RefCell<BTreeMap<Server, Raft>>>,
    tally: Rc<Tally>,
    pub(crate) book: Rc<RefCell<Book>>,
}

impl Cluster {
    /// Starts all servers but the scripted ones.
    pub(crate) fn start(sim: Sim, setup: Setup, tally: Rc<Tally>) -> Self {
        let cluster =
            Cluster { sim, setup: Rc::new(setup), running: Rc::default(), tally, book: Rc::default() };
        for server in cluster.real() {
            cluster.start_server(server);
        }
        cluster
    }

    /// Starts a server, or restarts one that crashed.
    pub(crate) fn start_server(&self, me: Server) {
        let host = self.sim.start(me.into());
        let recorder = host.recorder().clone();
        let peers =
            self.all().into_iter().filter(|to| *to != me).map(|to| (to, end(&self.sim, &recorder, to)));
        let peers: Vec<_> = peers.collect();
        let config = self.setup.config();
        self.book.borrow_mut().started(me);
        let (book, every) = (self.book.clone(), self.setup.snapshot_every);
        let itself: Rc<RefCell<Option<Raft>>> = Rc::default();
        let handle = itself.clone();
        let deliver = Box::new(move |delivery| {
            if let Some((index, data)) = Book::deliver(&book, me, delivery, every)
                && let Some(raft) = &*handle.borrow()
            {
                raft.snapshot(index, data);
            }
        });
        let raft = match self.setup.durability {
            Durability::Assumed => {
                Raft::start_with(host, me, peers, config, self.setup.saved.clone(), deliver)
            }
            Durability::Real => Raft::start(host, me, peers, config, deliver),
        };
        let raft = raft.expect("the lab's configuration works, and the disk holds what the server wrote");
        *itself.borrow_mut() = Some(raft.clone());
        let last = Rc::new(move || recorder.last());
        let served = Served::new(me.into(), last, raft.service().serve());
        self.sim.serve(me.into(), SERVICE, Rc::new(served));
        self.running.borrow_mut().insert(me, raft);
    }

    /// Crashes a server.
    pub(crate) fn crash(&self, server: Server) {
        self.sim.crash(server.into());
        self.running.borrow_mut().remove(&server);
    }

    /// A running server.
    pub(crate) fn raft(&self, server: Server) -> Option<Raft> {
        self.running.borrow().get(&server).filter(|_| self.sim.is_up(server.into())).cloned()
    }

    /// Every server, scripted ones too.
    pub(crate) fn all(&self) -> Vec<Server> {
        self.setup.all()
    }

    /// The servers that run the code under test.
    pub(crate) fn real(&self) -> Vec<Server> {
        self.all().into_iter().filter(|server| !self.setup.scripted.contains(server)).collect()
    }

    /// The real servers but these.
    pub(crate) fn others(&self, but: &[Server]) -> Vec<Server> {
        self.real().into_iter().filter(|server| !but.contains(server)).collect()
    }

    /// What a server believes; none while it is down.
    pub(crate) fn state(&self, server: Server) -> Option<State> {
        // A crash point kills a server without the scenario's doing.
        let up = self.sim.is_up(server.into());
        self.running.borrow().get(&server).filter(|_| up).map(Raft::state)
    }

    /// The leader on which all these servers agree, in one term: each knows it, and it knows itself.
    pub(crate) fn agreed(&self, among: &[Server]) -> Option<(Server, Term)> {
        let states: Vec<State> = among.iter().filter_map(|server| self.state(*server)).collect();
        let first = states.first()?;
        let leader = first.leader_id?;
        let same = states.iter().all(|state| state.term == first.term && state.leader_id == Some(leader));
        let leads = self.state(leader).is_some_and(|state| state.role == Role::Leader);
        (states.len() == among.len() && among.contains(&leader) && same && leads)
            .then_some((leader, first.term))
    }

    /// Cuts a server off from all others.
    pub(crate) fn isolate(&self, server: Server) {
        self.sim.isolate(server, &self.all());
    }

    /// Connects a server again to all others.
    pub(crate) fn rejoin(&self, server: Server) {
        for other in self.all().into_iter().filter(|other| *other != server) {
            self.sim.heal(server, other);
            self.sim.heal(other, server);
        }
    }

    /// Lets a server hear nothing, while all others still hear it.
    pub(crate) fn deafen(&self, server: Server) {
        for other in self.all().into_iter().filter(|other| *other != server) {
            self.sim.cut(other, server);
        }
    }

    /// The server that sent the most requests for votes and pre-votes in one attempt, and how many.
    pub(crate) fn most_requests_an_attempt(&self) -> Option<(Server, u64)> {
        let tally = self.tally.requests.borrow();
        tally.iter().max_by_key(|(_, (_, most))| *most).map(|(server, (_, most))| (*server, *most))
    }

    /// The times between a server's election timeouts since then, in whole virtual milliseconds.
    pub(crate) fn timeouts(&self, server: Server, since: Duration) -> Vec<u64> {
        let tally = self.tally.timeouts.borrow();
        let times = tally.get(&server).map_or(&[][..], |times| times);
        let times: Vec<u64> = times.iter().copied().filter(|at| u128::from(*at) > since.as_nanos()).collect();
        times.windows(2).map(|pair| (pair[1] - pair[0]) / 1_000_000).collect()
    }

    /// The follower that refused most AppendEntries in one term, of those that its leader could have avoided, and
    /// how many.
    pub(crate) fn most_refusals(&self) -> Option<(Server, u64)> {
        self.tally.refusals.borrow().most()
    }

    /// How many AppendEntries were sent with entries, and how many without that are no bare heartbeats.
    pub(crate) fn appends(&self) -> (u64, u64) {
        self.tally.appends.get()
    }

    /// How many InstallSnapshots were sent.
    pub(crate) fn installs(&self) -> u64 {
        self.tally.installs.get()
    }

    pub(crate) async fn sleep_ms(&self, ms: u64) {
        self.sim.sleep(Duration::from_millis(ms)).await;
    }

    /// Where the run is, in virtual seconds.
    pub(crate) fn seconds(&self) -> String {
        format!("{:.3} s", self.sim.now().as_secs_f64())
    }
}

/// What a scenario counts while the run goes on.
#[derive(Default)]
pub(crate) struct Tally {
    /// Requests for votes and pre-votes of each server: in its present attempt, and at most in one.
    requests: RefCell<BTreeMap<Server, (u64, u64)>>,
    /// When each server's election timer fired, in virtual nanoseconds.
    timeouts: RefCell<BTreeMap<Server, Vec<u64>>>,
    refusals: RefCell<Refusals>,
    /// AppendEntries with entries, and without.
    appends: Cell<(u64, u64)>,
    installs: Cell<u64>,
}

impl Tally {
    pub(crate) fn count(&self, record: &Record) {
        let Some(server) = record.server() else { return };
        self.refusals.borrow_mut().count(server, record);
        let mut requests = self.requests.borrow_mut();
        match record.event {
            // An attempt begins when the election timer fires.
            Event::CoordFail { .. } => {
                requests.entry(server).or_default().0 = 0;
                self.timeouts.borrow_mut().entry(server).or_default().push(record.t_ns);
            }
            Event::Send { kind: Kind::PreVoteRequest | Kind::VoteRequest, .. } => {
                let (now, most) = requests.entry(server).or_default();
                *now += 1;
                *most = (*most).max(*now);
            }
            Event::Send { kind: Kind::InstallRequest, .. } => self.installs.set(self.installs.get() + 1),
            Event::AppendEntry { prev_index, ref entries, .. } => {
                let (with, without) = self.appends.get();
                self.appends.set(match (entries.is_empty(), prev_index) {
                    (false, _) => (with + 1, without),
                    (true, 0) => (with, without),
                    (true, _) => (with, without + 1),
                });
            }
            _ => {}
        }
    }
}

/// The end of a connection from whoever records with `recorder` to a server.
pub(crate) fn end(sim: &Sim, recorder: &Recorder, to: Server) -> RaftEnd {
    let from: Node = recorder.node();
    let recorder = recorder.clone();
    End::over_wire(from, Rc::new(move || recorder.last()), sim.wire(from, to.into(), SERVICE, describe))
}
