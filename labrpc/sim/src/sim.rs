//! The controller's side of the simulation: what a test can do to the world.

use crate::disk::{DiskHandle, SimDisk};
use crate::host::SimHost;
use crate::link::Link;
use crate::network::{Counters, Describe, SimWire};
use crate::outcome::Outcome;
use crate::random::Stream;
use crate::trace::Finished;
use crate::window::Window;
use crate::world::{NodeState, World};
use labrpc::schema::{Event, Node, Record, Server};
use labrpc::{Handler, Host, Recorder, Wire};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

/// What a run may do.
#[derive(Clone, Debug)]
pub struct Options {
    /// Keep the records. Off only to measure what recording costs.
    pub record: bool,
    /// Write vector clocks into the records. They are computed apart from the judge's; slow.
    pub clocks: bool,
    /// Virtual time after which the run ends as [`Outcome::TimeUp`].
    pub limit: Duration,
    /// So many first draws of every node are the same on all nodes: with 1, all first timers are equal.
    pub equal_draws: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options { record: true, clocks: false, limit: Duration::from_secs(600), equal_draws: 0 }
    }
}

/// A simulated world, and the hands of the test on it. Clones are the same world.
#[derive(Clone)]
pub struct Sim {
    world: Rc<World>,
}

impl Sim {
    /// A world without nodes, at time 0.
    pub fn new(seed: u64, options: Options) -> Self {
        Sim { world: World::new(seed, options) }
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.world.seed
    }

    /// Shows every record to `watcher` as it is made; when it returns true, the run stops there.
    pub fn watch(&self, watcher: impl FnMut(&Record) -> bool + 'static) {
        self.world.trace.watch(Box::new(watcher));
    }

    /// Runs `main` as the test's own task, and the world around it, to an end; then closes the trace. The
    /// world cannot run again.
    pub fn run(&self, main: impl Future<Output = ()> + 'static) -> (Outcome, Finished) {
        let outcome = self.world.run(Box::pin(main));
        let completed = outcome == Outcome::Completed;
        let trace = &self.world.trace;
        trace.reopen();
        self.world.run.record(Event::RunEnd { records: trace.len() as u64, completed }, None, None);
        let finished = trace.finish();
        self.world.tear_down();
        (outcome, finished)
    }

    /// The records so far of a run that will never go on; nothing, if they are in use at this very moment.
    pub fn abandon(&self) -> Option<Finished> {
        self.world.trace.abandon()
    }

    /// Time since the run began.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.world.clock.now())
    }

    /// Waits in virtual time.
    pub async fn sleep(&self, time: Duration) {
        self.world.clock.sleep_until(self.world.clock.now() + time.as_nanos() as u64).await;
    }

    /// A stream of random numbers of the test's own, a function of the seed and the label.
    pub fn stream(&self, label: &str) -> Stream {
        Stream::new(self.world.seed, label)
    }

    /// Starts a node, or a new incarnation of one that is down.
    ///
    /// # Panics
    /// If the node runs: a defect of the test.
    pub fn start(&self, node: Node) -> Rc<dyn Host> {
        let world = &self.world;
        let mut nodes = world.nodes.borrow_mut();
        let old = nodes.remove(&node);
        assert!(!old.as_ref().is_some_and(|old| old.alive), "{node} runs already");
        let inc = old.as_ref().map_or(1, |old| old.inc + 1);
        let disk =
            old.map(|old| old.disk).unwrap_or_else(|| SimDisk::new(Rc::downgrade(world), world.seed, node));
        let recorder = Recorder::new(world.trace.clone(), node, inc);
        let stream = Stream::new(world.seed, &format!("{node} incarnation {inc}"));
        let state = NodeState {
            inc,
            alive: true,
            recorder: recorder.clone(),
            handlers: BTreeMap::new(),
            disk: disk.clone(),
            random: Rc::new(RefCell::new(stream)),
            draws: Rc::new(Cell::new(0)),
            window: Rc::new(Window::new(Rc::downgrade(world), world.seed, (node, inc))),
        };
        let disk = Rc::new(DiskHandle { disk, world: Rc::downgrade(world), inc });
        let (random, draws) = (state.random.clone(), state.draws.clone());
        nodes.insert(node, state);
        Rc::new(SimHost { world: world.clone(), node, inc, recorder, disk, random, draws })
    }

    /// Lets a running node answer calls to `service`.
    pub fn serve(&self, node: Node, service: &'static str, handler: Rc<dyn Handler>) {
        if let Some(state) = self.world.nodes.borrow_mut().get_mut(&node).filter(|state| state.alive) {
            state.handlers.insert(service, handler);
        }
    }

    /// The way of `from`'s present incarnation to a service of `to`.
    pub fn wire(&self, from: Node, to: Node, service: &'static str, describe: Describe) -> Rc<dyn Wire> {
        let inc = self.world.nodes.borrow().get(&from).map_or(0, |state| state.inc);
        Rc::new(SimWire { world: self.world.clone(), from, inc, to, service, describe })
    }

    /// Crashes a node: its tasks die, what it had not synced is lost but for a prefix, what it had not
    /// sent is never sent. Harmless if it is down.
    pub fn crash(&self, node: Node) {
        self.world.kill(node);
        self.world.reap();
    }

    /// Crashes a node that keeps exactly this many of the records that it had not synced, or all if they are fewer.
    pub fn crash_keeping(&self, node: Node, records: u64) {
        if let Some(state) = self.world.nodes.borrow().get(&node) {
            state.disk.keep(records);
        }
        self.crash(node);
    }

    /// Crashes a node and burns its disk: it may start again as if for the first time, in a new
    /// incarnation.
    pub fn delete(&self, node: Node) {
        self.crash(node);
        let world = &self.world;
        if let Some(state) = world.nodes.borrow_mut().get_mut(&node) {
            state.disk = SimDisk::new(Rc::downgrade(world), world.seed, node);
        }
    }

    /// Lets a server stand still, as a process that its machine does not run: it computes nothing and no timer of it
    /// fires, but what is sent to it arrives and waits. Harmless if it is down or paused.
    pub fn pause(&self, server: Server) {
        if self.is_up(server.into()) && self.world.executor.pause(server.into()) {
            self.world.net.record(Event::Pause { server_id: server }, None, None);
        }
    }

    /// Lets a paused server go on where it stood, with timers that are due and messages that waited.
    pub fn resume(&self, server: Server) {
        if self.world.executor.resume(server.into()) {
            self.world.net.record(Event::Resume { server_id: server }, None, None);
        }
    }

    /// What the run's controller records with.
    pub fn controller(&self) -> Recorder {
        self.world.run.clone()
    }

    /// Whether the node runs.
    pub fn is_up(&self, node: Node) -> bool {
        self.world.nodes.borrow().get(&node).is_some_and(|state| state.alive)
    }

    /// How many crash points (writes and ends of syncs) the node's disk has passed.
    pub fn crash_points(&self, node: Node) -> u64 {
        self.world.nodes.borrow().get(&node).map_or(0, |state| state.disk.points())
    }

    /// Crashes the node right after its disk passes crash point `point`, counted from 1 over all its
    /// incarnations; 0: never.
    pub fn crash_at_point(&self, node: Node, point: u64) {
        if let Some(state) = self.world.nodes.borrow().get(&node) {
            state.disk.crash_at(point);
        }
    }

    /// Gives every link this character. What is cut stays cut.
    pub fn links(&self, link: &Link) {
        self.world.network.change_all(link);
    }

    /// Changes one direction between two nodes. To cut, use [`cut`](Sim::cut), which records it.
    pub fn link(&self, from: Node, to: Node, change: impl FnOnce(&mut Link)) {
        self.world.network.change(from, to, change);
    }

    /// Cuts the link from one server to another, in this direction only.
    pub fn cut(&self, from: Server, to: Server) {
        self.set_cut(from, to, true);
    }

    /// Heals the link from one server to another, in this direction only.
    pub fn heal(&self, from: Server, to: Server) {
        self.set_cut(from, to, false);
    }

    fn set_cut(&self, from: Server, to: Server, cut: bool) {
        let world = &self.world;
        if world.network.is_cut(from.into(), to.into()) != cut {
            world.network.change(from.into(), to.into(), |link| link.cut = cut);
            let event = if cut { Event::Cut { from, to } } else { Event::Heal { from, to } };
            world.net.record(event, None, None);
        }
    }

    /// Lets servers reach each other only within their group; servers in no group reach nobody.
    pub fn partition(&self, servers: &[Server], groups: &[&[Server]]) {
        for from in servers {
            for to in servers.iter().filter(|to| *to != from) {
                let together = groups.iter().any(|group| group.contains(from) && group.contains(to));
                self.set_cut(*from, *to, !together);
            }
        }
    }

    /// Cuts a server off from all others, in both directions.
    pub fn isolate(&self, server: Server, servers: &[Server]) {
        for other in servers.iter().filter(|other| **other != server) {
            self.cut(server, *other);
            self.cut(*other, server);
        }
    }

    /// Heals every link between these servers.
    pub fn heal_all(&self, servers: &[Server]) {
        self.partition(servers, &[servers]);
    }

    /// What went over the network so far.
    pub fn counters(&self) -> Counters {
        self.world.network.counters()
    }

    /// What a node sent as requests to one service so far.
    pub fn sent_by(&self, node: Node, service: &'static str) -> Counters {
        self.world.network.sent_by(node, service)
    }

    /// The recorder of a node's present incarnation: for nodes that the test plays itself.
    pub fn recorder(&self, node: Node) -> Option<Recorder> {
        self.world.nodes.borrow().get(&node).map(|state| state.recorder.clone())
    }
}
