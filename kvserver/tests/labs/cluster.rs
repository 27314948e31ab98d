//! A cluster of replicated servers in a simulated world, as a scenario handles it.

use crate::check::{list, unmet};
use crate::harness::Setup;
use crate::lone::end;
use kvclient::protocol::{KvRpc, KvRpcRequest, KvRpcResponse, Request, Response, SERVICE, Status};
use kvclient::remote::{Recorded, Remote};
use kvclient::{KvClient, Patience};
use kvserver::{KvServer, PeerEnds};
use labrpc::schema::{Event, KvCall, KvKind, Node, Op, Record, Role, Server, Stamp};
use labrpc::{End, Host, Served};
use labrpc_sim::{Link, Sim};
use raft::RaftRpc;
use scenario::{Done, Expectation};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;
use tracecheck::Witness;

/// How often a scenario looks, in virtual milliseconds.
const LOOK_MS: u64 = 10;
/// The name under which servers speak Raft.
const RAFT: &str = "raft";

/// The servers that a scenario runs. Clones are the same cluster.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) sim: Sim,
    setup: Rc<Setup>,
    running: Rc<RefCell<BTreeMap<Server, KvServer>>>,
    clients: Rc<Cell<u32>>,
    helper: Rc<dyn Host>,
    pub(crate) counts: Counts,
}

/// What a scenario counts while the run goes on.
#[derive(Clone, Default)]
pub(crate) struct Counts {
    /// Requests that were passed on, by operation.
    pub(crate) forwards: Rc<RefCell<BTreeMap<Op, u64>>>,
    /// The server to which a client sent the last request.
    pub(crate) asked: Rc<Cell<Option<Server>>>,
    /// Servers that a client gave up, and that it heard to be back.
    pub(crate) unavailable: Rc<RefCell<Vec<Server>>>,
    pub(crate) available: Rc<RefCell<Vec<Server>>>,
    /// Snapshots that a service handed to Raft.
    pub(crate) snapshots: Rc<Cell<u64>>,
}

impl Counts {
    pub(crate) fn count(&self, record: &Record) {
        match &record.event {
            Event::KvSend { kind: KvKind::Forward, op, .. } => {
                *self.forwards.borrow_mut().entry(*op).or_default() += 1;
            }
            Event::KvSend { kind: KvKind::Request, to, .. } => self.asked.set(to.server()),
            Event::Unavailable { server_id } => self.unavailable.borrow_mut().push(*server_id),
            Event::Available { server_id } => self.available.borrow_mut().push(*server_id),
            Event::SnapshotTaken { .. } => self.snapshots.set(self.snapshots.get() + 1),
            _ => {}
        }
    }
}

impl Cluster {
    /// Starts all servers.
    pub(crate) fn start(sim: Sim, setup: Setup, counts: Counts) -> Self {
        let helper = sim.start(Node::Client(0));
        let (setup, running, clients) = (Rc::new(setup), Rc::default(), Rc::default());
        let cluster = Cluster { sim, setup, running, clients, helper, counts };
        cluster.all().into_iter().for_each(|server| cluster.start_server(server));
        cluster
    }

    /// Starts a server, or restarts one that crashed.
    pub(crate) fn start_server(&self, me: Server) {
        let host = self.sim.start(me.into());
        let recorder = host.recorder().clone();
        let last = Rc::new(move || recorder.last());
        let raft_end = |to: Server| {
            let wire = self.sim.wire(me.into(), to.into(), RAFT, raft::describe);
            End::over_wire(me.into(), last.clone(), wire)
        };
        let peers = self.all().into_iter().filter(|to| *to != me).map(|to| PeerEnds {
            server: to,
            raft: raft_end(to),
            kv: end(&self.sim, &host, to),
        });
        let (config, limits) = (self.setup.config(), self.setup.limits);
        let server = KvServer::start(host.clone(), me, peers.collect(), config, limits)
            .expect("the lab's configuration works, and the disk holds what the server wrote");
        let raft = Served::new(me.into(), last.clone(), server.raft().service().serve());
        self.sim.serve(me.into(), RAFT, Rc::new(raft));
        let recorded = Recorded::new(host, server.clone());
        self.sim.serve(me.into(), SERVICE, Rc::new(Served::new(me.into(), last, recorded.serve())));
        self.running.borrow_mut().insert(me, server);
    }

    pub(crate) fn crash(&self, server: Server) {
        self.sim.crash(server.into());
        self.running.borrow_mut().remove(&server);
    }

    /// A running server.
    pub(crate) fn server(&self, server: Server) -> Option<KvServer> {
        self.running.borrow().get(&server).filter(|_| self.sim.is_up(server.into())).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Server> {
        self.setup.all()
    }

    pub(crate) fn others(&self, but: &[Server]) -> Vec<Server> {
        self.all().into_iter().filter(|server| !but.contains(server)).collect()
    }

    /// Cuts a server off from all other servers; clients still reach it.
    pub(crate) fn isolate(&self, server: Server) {
        self.sim.isolate(server, &self.all());
    }

    /// Whatever was done to the network and the servers, undoes it.
    pub(crate) fn calm(&self) {
        self.sim.links(&Link::reliable());
        self.sim.heal_all(&self.all());
        for server in self.all() {
            self.sim.resume(server);
            if !self.sim.is_up(server.into()) {
                self.start_server(server);
            }
        }
    }

    // ---- Coordinators --------------------------------------------------------------------------------

    /// Who leads the highest term among these.
    pub(crate) fn coordinator_among(&self, among: &[Server]) -> Option<Server> {
        let leads = |server: &Server| {
            let state = self.server(*server)?.raft().state();
            (state.role == Role::Leader).then_some((state.term, *server))
        };
        among.iter().filter_map(leads).max().map(|(_, server)| server)
    }

    /// The coordinator that all of these know, in one term.
    fn agreed(&self, among: &[Server]) -> Option<Server> {
        let coordinator = self.coordinator_among(among)?;
        let term = self.server(coordinator)?.raft().state().term;
        let knows = |server: &Server| {
            let state = self.server(*server).map(|server| server.raft().state());
            state.is_some_and(|state| state.term == term && state.leader_id == Some(coordinator))
        };
        among.iter().all(knows).then_some(coordinator)
    }

    /// Waits until these servers know one coordinator among them.
    pub(crate) async fn await_coordinator(&self, among: &[Server]) -> Result<Server, Expectation> {
        for _ in 0..5_000 / LOOK_MS {
            if let Some(coordinator) = self.agreed(among) {
                return Ok(coordinator);
            }
            self.sleep_ms(LOOK_MS).await;
        }
        Err(unmet(
            "§5.2",
            format!("Within 5 s {} did not agree on a coordinator among them.", list(among)),
            "They reach each other, and are a quorum.",
            self.last_of(among),
        ))
    }

    /// The last thing that each of these servers recorded.
    pub(crate) fn last_of(&self, servers: &[Server]) -> Vec<Witness> {
        let last = |server: &Server| {
            let at = self.sim.recorder((*server).into())?.last()?;
            let state = self.server(*server).map(|server| server.raft().state());
            let note = match state {
                None => "is down".to_owned(),
                Some(state) => match state.leader_id {
                    Some(leader) if leader == *server => format!("coordinates term {}", state.term),
                    Some(leader) => format!("takes {leader} for the coordinator of term {}", state.term),
                    None => format!("knows no coordinator in term {}", state.term),
                },
            };
            Some(Witness { at, note })
        };
        servers.iter().filter_map(last).collect()
    }

    // ---- The controller ------------------------------------------------------------------------------

    /// The run's controller asks every server until all have joined and know a coordinator, and says that the system
    /// is ready.
    pub(crate) async fn ready(&self) -> Done {
        let recorder = self.sim.controller();
        let mut told = BTreeSet::new();
        for _ in 0..10_000 / LOOK_MS {
            for from in self.all() {
                let Some((status, cause)) = self.status(from).await else { continue };
                if status.ready() && told.insert(from) {
                    let (joined, coord_term) = (status.joined, status.coord_term);
                    recorder.record(Event::Told { from, joined, coord_term }, None, cause);
                }
            }
            if told.len() == self.all().len() {
                recorder.record(Event::SystemReady {}, None, None);
                return Ok(());
            }
            self.sleep_ms(LOOK_MS).await;
        }
        Err(unmet(
            "the course's design, SystemReady",
            "Within 10 s not every server had joined and knew a coordinator.",
            "All servers run, and the network is whole.",
            self.last_of(&self.all()),
        ))
    }

    async fn status(&self, of: Server) -> Option<(Status, Option<Stamp>)> {
        let recorder = self.sim.controller();
        let wire = self.sim.wire(Node::Run, of.into(), SERVICE, |_, _| None);
        let last = recorder.last();
        let end: kvclient::protocol::KvEnd =
            End::over_wire(Node::Run, Rc::new(move || recorder.last()), wire);
        match end.call_stamped(last, KvRpcRequest::Status {}).await.ok()? {
            (stamp, KvRpcResponse::Status(status)) => Some((status, stamp)),
            _ => None,
        }
    }

    /// A node that restarts servers: its tasks do not crash with them.
    pub(crate) fn helper(&self) -> Rc<dyn Host> {
        self.helper.clone()
    }

    /// Forwards a request as a server that the test plays.
    pub(crate) async fn forward_as(&self, from: Server, to: Server, request: &Request) -> Option<Response> {
        let host = self.sim.start(from.into());
        let until = host.now() + Duration::from_millis(5_000);
        Remote::new(host.clone(), to, end(&self.sim, &host, to)).forward(request, until).await
    }

    // ---- Clients -------------------------------------------------------------------------------------

    /// The next client, on a node of its own; it turns to `first`, then to the servers after it.
    pub(crate) fn client(&self, first: Server) -> (Rc<dyn Host>, KvClient) {
        self.client_with(first, Patience::default())
    }

    pub(crate) fn client_with(&self, first: Server, patience: Patience) -> (Rc<dyn Host>, KvClient) {
        self.clients.set(self.clients.get() + 1);
        let host = self.sim.start(Node::Client(self.clients.get()));
        let mut servers = self.all();
        let at = servers.iter().position(|server| *server == first).unwrap_or(0);
        servers.rotate_left(at);
        let ends = servers.into_iter().map(|to| (to, end(&self.sim, &host, to)));
        let client = KvClient::start(host.clone(), self.clients.get(), ends, patience);
        (host, client)
    }

    /// A client that the test plays itself: it sends single requests, and does not retry.
    pub(crate) fn raw_client(&self) -> RawClient {
        self.clients.set(self.clients.get() + 1);
        let client_id = self.clients.get();
        let host = self.sim.start(Node::Client(client_id));
        host.recorder().record(Event::KvslibStart { client_id }, None, None);
        RawClient { cluster: self.clone(), host, client_id, last: Cell::new(0) }
    }

    pub(crate) async fn sleep_ms(&self, ms: u64) {
        self.sim.sleep(Duration::from_millis(ms)).await;
    }
}

/// A client without a clerk.
pub(crate) struct RawClient {
    cluster: Cluster,
    host: Rc<dyn Host>,
    client_id: u32,
    last: Cell<u64>,
}

impl RawClient {
    /// Begins an operation.
    pub(crate) fn invoke(&self, call: KvCall) -> Request {
        self.last.set(self.last.get() + 1);
        let op = Op { client_id: self.client_id, op_id: self.last.get() };
        self.host.recorder().record(Event::Invoke { op, call: Box::new(call.clone()) }, None, None);
        Request { op, call }
    }

    /// Sends it to one server, once, and waits for so long.
    pub(crate) async fn send(&self, request: &Request, to: Server, within_ms: u64) -> Option<Response> {
        let end = end(&self.cluster.sim, &self.host, to);
        let until = self.host.now() + Duration::from_millis(within_ms);
        Remote::new(self.host.clone(), to, end).request(request, until).await
    }

    /// Ends an operation with what came of it.
    pub(crate) fn give_back(&self, request: &Request, response: &Option<Response>) {
        use labrpc::schema::KvOutcome;
        let outcome = match response {
            Some(Response::Done(outcome)) => outcome.clone(),
            Some(Response::Refused { taken: false, .. }) => KvOutcome::Failed {},
            _ => KvOutcome::Unknown {},
        };
        self.host.recorder().record(Event::Return { op: request.op, outcome }, None, None);
    }

    pub(crate) fn stop(self) {
        let client_id = self.client_id;
        self.host.recorder().record(Event::KvslibStop { client_id }, None, None);
    }
}
