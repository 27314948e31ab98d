//! The world: everything that a simulated run consists of, and the loop that runs it.

use crate::clock::{Clock, Due};
use crate::disk::SimDisk;
use crate::executor::{Executor, Running};
use crate::network::Network;
use crate::outcome::{Caught, Misuse, Outcome, catching};
use crate::plan::Faults;
use crate::present;
use crate::random::Stream;
use crate::sim::Options;
use crate::trace::Trace;
use crate::window::Window;
use labrpc::schema::{Event, Node};
use labrpc::{Handler, LocalBoxFuture, Recorder};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::Location;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::world::Refused;

/// How often tasks may be polled within one instant before that counts as a livelock. A correct step of a
/// cluster takes some dozens.
const POLLS_AN_INSTANT: u64 = 1_000_000;
/// How many more of them there are, so that the first to wake another, or itself, shows where it stands.
const POLLS_IN_TRAP: u64 = 100;

pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) options: Options,
    pub(crate) clock: Rc<Clock>,
    pub(crate) executor: Executor,
    pub(crate) trace: Rc<Trace>,
    pub(crate) nodes: RefCell<BTreeMap<Node, NodeState>>,
    pub(crate) network: Network,
    pub(crate) faults: Faults,
    /// The injector's own recorder.
    pub(crate) net: Recorder,
    /// The controller's.
    pub(crate) run: Recorder,
    /// Nodes that died inside a task and whose tasks must go when it returns.
    dying: RefCell<Vec<(Node, u32)>>,
    /// What tokio's functions see of the world where no node's code runs.
    window: Rc<Window>,
    /// Which of them was called that cannot be simulated, and where.
    pub(crate) refused: Cell<Option<(Refused, &'static Location<'static>)>>,
}

/// A node over all its incarnations.
pub(crate) struct NodeState {
    pub(crate) inc: u32,
    pub(crate) alive: bool,
    pub(crate) recorder: Recorder,
    pub(crate) handlers: BTreeMap<&'static str, Rc<dyn Handler>>,
    pub(crate) disk: Rc<SimDisk>,
    pub(crate) random: Rc<RefCell<Stream>>,
    pub(crate) draws: Rc<Cell<u32>>,
    pub(crate) window: Rc<Window>,
}

impl World {
    pub(crate) fn new(seed: u64, options: Options) -> Rc<World> {
        let clock = Rc::new(Clock::default());
        let trace = Rc::new(Trace::new(clock.clone(), options.record, options.clocks));
        Rc::new_cyclic(|world| World {
            window: Rc::new(Window::new(world.clone(), seed, (Node::Run, 1))),
            refused: Cell::default(),
            seed,
            executor: Executor::default(),
            nodes: RefCell::default(),
            network: Network::new(seed),
            faults: Faults::new(options.plan.clone()),
            net: Recorder::new(trace.clone(), Node::Net, 1),
            run: Recorder::new(trace.clone(), Node::Run, 1),
            dying: RefCell::default(),
            options,
            clock,
            trace,
        })
    }

    /// Runs `main` as the controller's task, and everybody else, until the run ends.
    pub(crate) fn run(&self, main: LocalBoxFuture<'static, ()>) -> Outcome {
        let done = Rc::new(Cell::new(false));
        let at_end = done.clone();
        self.executor.spawn(
            (Node::Run, 1),
            Box::pin(async move {
                main.await;
                at_end.set(true);
            }),
        );
        let limit = self.options.limit.as_nanos() as u64;
        loop {
            if let Some(ended) = self.run_instant(&done) {
                return ended;
            }
            match self.clock.next() {
                None => return self.deadlock(),
                Some(_) if self.clock.now() > limit => return self.time_up(),
                Some(Due::Wake(sleeper)) => sleeper.fire(),
                Some(Due::Do(action)) => action(),
            }
        }
    }

    /// Polls until nobody can run at this instant.
    fn run_instant(&self, done: &Cell<bool>) -> Option<Outcome> {
        let mut polls = 0;
        while let Some(running) = self.executor.next() {
            if let Some(failed) = self.poll(running) {
                return Some(failed);
            }
            if self.trace.stopped() {
                return Some(Outcome::Stopped);
            }
            if done.get() {
                return Some(Outcome::Completed);
            }
            self.reap();
            polls += 1;
            if polls > POLLS_AN_INSTANT {
                self.executor.trap();
            }
            if polls > POLLS_AN_INSTANT + POLLS_IN_TRAP {
                return Some(self.livelock());
            }
        }
        None
    }

    fn poll(&self, mut running: Running) -> Option<Outcome> {
        let node = running.owner.0;
        let mut cx = Context::from_waker(&running.waker);
        let window = match self.nodes.borrow().get(&node) {
            Some(state) => state.window.clone(),
            None => self.window.clone(),
        };
        let outer = tokio::world::enter(Some(window));
        present::set(Some((node, self.clock.now())));
        labrpc_interpose::inside(node != Node::Run);
        let polled = catching(|| running.future.as_mut().poll(&mut cx));
        labrpc_interpose::inside(false);
        present::set(None);
        tokio::world::enter(outer);
        if let Some((what, place)) = self.misuse() {
            return Some(Outcome::Misused { node, t_ns: self.clock.now(), what, place });
        }
        match polled {
            Ok(Poll::Pending) => self.executor.put_back(running),
            Ok(Poll::Ready(())) => self.executor.remove(running),
            Err(Caught::NotImplemented(stub)) => return Some(Outcome::NotImplemented(stub)),
            Err(Caught::Panic { message, place }) => {
                return Some(Outcome::Panic { node, t_ns: self.clock.now(), message, place });
            }
        }
        None
    }

    /// What the code that ran last did to its whole thread, and where.
    fn misuse(&self) -> Option<(Misuse, Option<String>)> {
        let refused = self.refused.take();
        let refused = refused.map(|(what, at)| (Misuse::Refused(what), Some(present::located(at))));
        let misused = || labrpc_interpose::misuse().map(|(what, at)| (what.into(), present::place(&at)));
        refused.or_else(misused)
    }

    /// Ends a node's incarnation at this very point: from here on it sends, writes and records nothing.
    /// Its tasks go as soon as the current one returns.
    pub(crate) fn kill(&self, node: Node) {
        let mut nodes = self.nodes.borrow_mut();
        let Some(state) = nodes.get_mut(&node).filter(|state| state.alive) else { return };
        state.alive = false;
        let last = state.recorder.last();
        state.recorder.close();
        let handlers = std::mem::take(&mut state.handlers);
        let disk = state.disk.clone();
        self.dying.borrow_mut().push((node, state.inc));
        self.executor.resume(node);
        drop(nodes);
        drop(handlers);
        disk.crash();
        if let Some(server_id) = node.server() {
            // Caused by the last thing it did: a crash comes after all that its incarnation recorded.
            self.net.record(Event::Crash { server_id }, None, last);
        }
    }

    /// Drops the tasks of nodes that died.
    pub(crate) fn reap(&self) {
        let dying = std::mem::take(&mut *self.dying.borrow_mut());
        if !dying.is_empty() {
            self.executor.kill(|owner| dying.contains(&owner));
        }
    }

    /// Whether that incarnation lives.
    pub(crate) fn lives(&self, node: Node, inc: u32) -> bool {
        node == Node::Run
            || self.nodes.borrow().get(&node).is_some_and(|state| state.alive && state.inc == inc)
    }

    /// Breaks the reference cycles between tasks, handlers and the world.
    pub(crate) fn tear_down(&self) {
        self.executor.kill(|_| true);
        let nodes = std::mem::take(&mut *self.nodes.borrow_mut());
        drop(nodes);
        self.clock.clear();
    }

    fn seconds(&self) -> String {
        format!("{:.3} s", Duration::from_nanos(self.clock.now()).as_secs_f64())
    }

    fn deadlock(&self) -> Outcome {
        let waiting: Vec<String> = self
            .executor
            .census()
            .into_iter()
            .map(|(node, tasks)| match node {
                Node::Run => "the test".to_owned(),
                node if tasks == 1 => format!("{node} (1 task)"),
                node => format!("{node} ({tasks} tasks)"),
            })
            .collect();
        Outcome::Deadlock(format!(
            "At {} nothing can ever happen again: no timer is set, no message is under way and no task can run, while {} still {}.",
            self.seconds(),
            waiting.join(", "),
            if waiting.len() == 1 { "waits" } else { "wait" },
        ))
    }

    fn livelock(&self) -> Outcome {
        let (node, place) = self.executor.trapped();
        let whose = node.map_or_else(|| "tasks".to_owned(), |node| format!("tasks of {node}"));
        let place = place.map_or_else(String::new, |place| format!(", at {place}"));
        Outcome::Livelock(format!(
            "At {} {whose} were woken {POLLS_AN_INSTANT} times without any time passing: something polls in a loop \
             instead of waiting for a message or a time{place}.",
            self.seconds()
        ))
    }

    fn time_up(&self) -> Outcome {
        Outcome::TimeUp(format!(
            "The run was given {} s of virtual time, and the test still waits at its end.",
            self.options.limit.as_secs()
        ))
    }
}
