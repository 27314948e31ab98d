//! The driver: runs a core on a host.
//!
//! Owns the inbox, the timers, the disk's syncs and the replies that callers wait for. One task; it takes
//! what has come, steps the core input by input, hands writes to the disk, and lets effects leave through
//! [`Release`]. A sync covers every write handed over before it began; while it runs, further inputs are
//! stepped.
//!
//! Never: decides anything that the paper speaks of.

use crate::core::{Call, Config, ConfigError, Core, Effect, Hard, Input, Ms, Rep, Req, Saved, Write};
use crate::observe::{Observer, Step, sent};
use crate::release::Release;
use crate::rpc::{RaftEnd, RaftService};
use crate::storage::{self, StorageError};
use labrpc::schema::{Durability, Event, Node, Role, Server, Stamp, State, Term, Timer};
use labrpc::{Disk, Host, LocalBoxFuture, incoming, reply_with_stamp};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::oneshot;

/// A running Raft server. Clones are handles on the same one.
#[derive(Clone)]
pub struct Raft {
    shared: Rc<Shared>,
}

/// A server that could not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The disk's content cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

struct Shared {
    inbox: RefCell<VecDeque<Item>>,
    waker: RefCell<Option<Waker>>,
    state: Cell<State>,
}

/// One input on its way to the core.
enum Item {
    Ask { from: Server, req: Req, cause: Option<Stamp>, answer: oneshot::Sender<(Rep, Stamp)> },
    Answered { from: Server, req: Req, rep: Option<Rep>, cause: Option<Stamp> },
}

impl Shared {
    fn push(&self, item: Item) {
        self.inbox.borrow_mut().push_back(item);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

impl Raft {
    /// Starts server `me` on `host`, with a connection to each of its peers, from what its disk holds.
    pub fn start(
        host: Rc<dyn Host>,
        me: Server,
        peers: impl IntoIterator<Item = (Server, RaftEnd)>,
        config: Config,
    ) -> Result<Raft, StartError> {
        config.check()?;
        let saved = storage::read(&*host.disk())?;
        Ok(Raft::start_with(host, me, peers, config, saved))
    }

    /// Starts a server as if its disk had held `saved`.
    pub fn start_with(
        host: Rc<dyn Host>,
        me: Server,
        peers: impl IntoIterator<Item = (Server, RaftEnd)>,
        config: Config,
        saved: Saved,
    ) -> Raft {
        let durability = config.durability;
        let hard = saved.hard;
        let (core, effects) = Core::restore(me, config, saved);
        let shared = Rc::new(Shared {
            inbox: RefCell::default(),
            waker: RefCell::default(),
            state: Cell::new(core.state()),
        });
        let observer = Observer::new(me);
        observer.started(core.state(), host.recorder());
        let mut driver = Driver {
            me,
            core,
            observer,
            release: Release::default(),
            timers: BTreeMap::new(),
            sleep: None,
            sync: None,
            durable: hard,
            unsynced: VecDeque::new(),
            calls: BTreeMap::new(),
            next_call: 0,
            peers: peers.into_iter().collect(),
            disk: host.disk(),
            durability,
            shared: shared.clone(),
            host: host.clone(),
        };
        for effect in effects {
            driver.perform(effect);
        }
        host.spawn(Box::pin(poll_fn(move |cx| driver.run(cx))));
        Raft { shared }
    }

    /// The current term, and whether this server believes that it leads it.
    pub fn get_state(&self) -> (Term, bool) {
        let state = self.state();
        (state.term, state.role == Role::Leader)
    }

    /// All that this server believes.
    pub fn state(&self) -> State {
        self.shared.state.get()
    }

    /// What answers the other servers' calls.
    pub fn service(&self) -> RaftService {
        RaftService(self.clone())
    }

    /// Hands a request to the driver and waits for the reply.
    pub(crate) async fn ask(&self, req: Req) -> Rep {
        let incoming = incoming();
        let Some(from) = incoming.and_then(|incoming| incoming.from.server()) else {
            // Only servers speak Raft: whoever else asks, waits until its call times out.
            return std::future::pending().await;
        };
        let cause = incoming.and_then(|incoming| incoming.stamp);
        let (answer, answered) = oneshot::channel();
        self.shared.push(Item::Ask { from, req, cause, answer });
        match answered.await {
            Ok((rep, stamp)) => {
                reply_with_stamp(stamp);
                rep
            }
            // The driver is gone, and with it this incarnation.
            Err(_) => std::future::pending().await,
        }
    }
}

/// A timer longer than this (ten days) fires after this.
const LONGEST_TIMER: Ms = 10 * 24 * 3600 * 1000;

struct Waiting {
    from: Server,
    req: Req,
    answer: oneshot::Sender<(Rep, Stamp)>,
}

/// A sync under way: the number of the last write it covers, and its end.
type Sync = (u64, LocalBoxFuture<'static, io::Result<()>>);

struct Driver {
    me: Server,
    core: Core,
    observer: Observer,
    release: Release,
    timers: BTreeMap<Timer, Duration>,
    /// Wakes the driver at some time not after the next timer's.
    sleep: Option<(Duration, LocalBoxFuture<'static, ()>)>,
    sync: Option<Sync>,
    /// What is known to be durable.
    durable: Hard,
    /// Writes that no finished sync covers, by number.
    unsynced: VecDeque<(u64, Write)>,
    calls: BTreeMap<Call, Waiting>,
    next_call: Call,
    peers: BTreeMap<Server, RaftEnd>,
    disk: Rc<dyn Disk>,
    durability: Durability,
    shared: Rc<Shared>,
    host: Rc<dyn Host>,
}

impl Driver {
    /// Does all that can be done now. Never ends.
    fn run(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            self.take_inputs();
            let synced = self.poll_sync(cx);
            if self.fire_timers(cx) || synced {
                continue;
            }
            if self.shared.inbox.borrow().is_empty() {
                *self.shared.waker.borrow_mut() = Some(cx.waker().clone());
                return Poll::Pending;
            }
        }
    }

    fn take_inputs(&mut self) {
        loop {
            let Some(item) = self.shared.inbox.borrow_mut().pop_front() else { return };
            match item {
                Item::Ask { from, req, cause, answer } => {
                    let call = self.next_call;
                    self.next_call += 1;
                    self.calls.insert(call, Waiting { from, req: req.clone(), answer });
                    self.step(Input::Request { from, call, req }, cause);
                }
                Item::Answered { from, req, rep, cause } => {
                    self.step(Input::Reply { from, req, rep }, cause);
                }
            }
        }
    }

    /// One step of the core: its events, then its effects.
    fn step(&mut self, input: Input, cause: Option<Stamp>) {
        let before = self.core.state();
        let mut effects = Vec::new();
        self.core.step(input.clone(), &mut effects);
        let after = self.core.state();
        let membership = self.core.membership();
        let step = Step { input: &input, cause, before, effects: &effects, after, membership };
        self.observer.observe(step, self.host.recorder());
        self.shared.state.set(after);
        for effect in effects {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Write(write) => {
                storage::write(&*self.disk, &write);
                self.unsynced.push_back((self.release.wrote(), write));
            }
            Effect::SetTimer(timer, range) => {
                if range.is_empty() {
                    self.absurd(&format!(
                        "its {timer:?} timer is to be drawn from the empty range {range:?} ms"
                    ));
                }
                let ns = |ms: Ms| ms.min(LONGEST_TIMER).saturating_mul(1_000_000);
                let after = Duration::from_nanos(self.host.draw(ns(*range.start())..=ns(*range.end())));
                self.timers.insert(timer, self.host.now() + after);
            }
            Effect::StopTimer(timer) => {
                self.timers.remove(&timer);
            }
            effect @ (Effect::Send { .. } | Effect::Reply { .. }) => {
                if let Some(effect) = self.release.offer(effect) {
                    self.leave(effect);
                }
            }
        }
    }

    /// The core wants what cannot be done: a mistake in it, told as its server's panic.
    fn absurd(&self, what: &str) -> ! {
        panic!("the core of {} made no sense: {what}", self.me)
    }

    /// Lets a message go, and records that it does.
    fn leave(&mut self, effect: Effect) {
        match effect {
            Effect::Send { to, ref req, .. } => {
                let Some(end) = self.peers.get(&to).cloned() else {
                    let whom =
                        if to == self.me { "itself".to_owned() } else { format!("{to}, which is no peer") };
                    self.absurd(&format!("it sends a {} to {whom}", req.kind()));
                };
                let stamp = self.record_sent(&effect, None);
                let (req, shared) = (req.clone(), self.shared.clone());
                self.host.spawn(Box::pin(async move {
                    let (rep, cause) = match end.call_stamped(stamp, req.clone().into_rpc()).await {
                        Ok((cause, response)) => (Some(Rep::from_rpc(response)), cause),
                        Err(_) => (None, None),
                    };
                    shared.push(Item::Answered { from: to, req, rep, cause });
                }));
            }
            Effect::Reply { call, .. } => {
                let Some(Waiting { from, req, answer }) = self.calls.remove(&call) else { return };
                let stamp = self.record_sent(&effect, Some((from, &req)));
                if let (Effect::Reply { rep, .. }, Some(stamp)) = (effect, stamp) {
                    // A caller that is gone needs no answer.
                    let _ = answer.send((rep, stamp));
                }
            }
            Effect::Write(_) | Effect::SetTimer(..) | Effect::StopTimer(_) => {}
        }
    }

    fn record_sent(&self, effect: &Effect, answers: Option<(Server, &Req)>) -> Option<Stamp> {
        sent(self.me, effect, answers).map(|event| self.host.recorder().record(event, None, None))
    }

    /// Keeps one sync running while there is something to sync; true if one ended.
    fn poll_sync(&mut self, cx: &mut Context<'_>) -> bool {
        if self.sync.is_none() && self.durability == Durability::Real && self.release.needs_sync() {
            self.sync = Some((self.release.last_write(), self.disk.sync()));
        }
        let Some((upto, sync)) = &mut self.sync else { return false };
        let upto = *upto;
        let Poll::Ready(result) = sync.as_mut().poll(cx) else { return false };
        self.sync = None;
        if let Err(error) = result {
            panic!(
                "{}: the disk failed ({error}), and a server that cannot persist must not go on",
                Node::Server(self.me)
            );
        }
        self.synced(upto);
        true
    }

    /// Tells the core what became durable, and lets go what waited for it.
    fn synced(&mut self, upto: u64) {
        while self.unsynced.front().is_some_and(|(number, _)| *number <= upto) {
            if let Some((_, Write::Hard(hard))) = self.unsynced.pop_front() {
                self.durable = hard;
            }
        }
        self.release.synced(upto);
        let Hard { term, vote } = self.durable;
        let state = self.core.state();
        let event = Event::Durable {
            term,
            voted_for: vote,
            last_index: state.last_index,
            last_term: state.last_term,
            snap_index: 0,
        };
        self.host.recorder().record(event, None, None);
        self.step(Input::Written { hard: self.durable }, None);
        while let Some(effect) = self.release.pop() {
            self.leave(effect);
        }
    }

    /// Fires what is due, and sees to it that the driver is woken for the next timer; true if one fired.
    fn fire_timers(&mut self, cx: &mut Context<'_>) -> bool {
        let now = self.host.now();
        let due = self.timers.iter().filter(|(_, at)| **at <= now).min_by_key(|(_, at)| **at);
        if let Some((&timer, _)) = due {
            self.timers.remove(&timer);
            self.step(Input::Timer(timer), None);
            return true;
        }
        let Some(next) = self.timers.values().min().copied() else { return false };
        // A timer that moved later keeps the old, earlier alarm: it costs one look, not one alarm a reset.
        if self.sleep.as_ref().is_none_or(|(at, _)| *at > next || *at <= now) {
            self.sleep = Some((next, self.host.sleep_until(next)));
        }
        match &mut self.sleep {
            Some((_, sleep)) => Pin::new(sleep).poll(cx).is_ready(),
            None => false,
        }
    }
}
