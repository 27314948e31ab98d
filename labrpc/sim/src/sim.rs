//! The controller's side of the simulation: nodes, time, what is seen of the world. What harms and heals it stands in
//! `faults`.

use crate::disk::{DiskHandle, SimDisk};
use crate::host::SimHost;
use crate::network::{Counters, Describe, SimWire};
use crate::outcome::Outcome;
use crate::plan::{Plan, Trouble};
use crate::random::Stream;
use crate::trace::Finished;
use crate::window::Window;
use crate::world::{NodeState, World};
use labrpc::schema::{Event, Node, Record};
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
    /// What is left out of the run.
    pub plan: Plan,
}

impl Default for Options {
    fn default() -> Self {
        let limit = Duration::from_secs(600);
        Options { record: true, clocks: false, limit, equal_draws: 0, plan: Plan::default() }
    }
}

/// A simulated world, and the hands of the test on it. Clones are the same world.
#[derive(Clone)]
pub struct Sim {
    pub(crate) world: Rc<World>,
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

    /// Waits in virtual time; not longer than the plan allows.
    pub async fn sleep(&self, time: Duration) {
        let longest = self.world.faults.plan().wait_ms.map_or(Duration::MAX, Duration::from_millis);
        let time = time.min(longest).as_nanos() as u64;
        self.world.clock.sleep_until(self.world.clock.now() + time).await;
    }

    /// A stream of random numbers of the test's own, a function of the seed and the label.
    pub fn stream(&self, label: &str) -> Stream {
        Stream::new(self.world.seed, label)
    }

    /// Starts a node, or a new incarnation of one that is down. Where a plan leaves crashes out, the node may run: then
    /// its incarnation ends first, and loses nothing.
    ///
    /// # Panics
    /// If the node runs without a plan that would explain it: a defect of the test.
    pub fn start(&self, node: Node) -> Rc<dyn Host> {
        let world = &self.world;
        if !world.faults.plan().is_default() {
            self.end_unharmed(node);
        }
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
        if world.faults.starts(node) {
            world.executor.pause(node);
        }
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

    /// What the run suffered so far, and which clients took part.
    pub fn trouble(&self) -> Trouble {
        self.world.faults.trouble()
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
