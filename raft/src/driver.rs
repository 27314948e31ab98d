//! The driver: runs a core on a host.
//!
//! Owns the timers, the disk's syncs and the replies that callers wait for. One task; it takes what has come,
//! steps the core input by input, hands writes to the disk, and lets effects leave through [`Release`]. A
//! sync covers every write handed over before it began; while it runs, further inputs are stepped.
//!
//! Never: decides anything that the paper speaks of.

use crate::core::{Call, Config, Core, Durable, Effect, Input, Ms, NotLeader, Rep, Req, Saved};
use crate::node::{Deliver, Delivery, Item, Shared, Ticket, Waiting};
use crate::observe::{Observer, Step, sent, synced};
use crate::release::Release;
use crate::rpc::RaftEnd;
use crate::sanity;
use crate::storage::Storage;
use labrpc::schema::{Durability, Index, Server, Stamp, Term, Timer};
use labrpc::{Host, LocalBoxFuture};
use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;

/// A message with entries that is not answered for so long frees its place; a later answer still counts.
const PATIENCE: Duration = Duration::from_millis(100);
/// How often one turn of the driver looks whether there is more to do.
const ROUNDS: u32 = 1_000;
/// A timer longer than this (ten days) fires after this.
const LONGEST_TIMER: Ms = 10 * 24 * 3600 * 1000;

/// A sync under way: the number of the last write it covers, and its end.
type Sync = (u64, LocalBoxFuture<'static, io::Result<()>>);

/// Who waits for the answer to a proposal.
type Proposer = oneshot::Sender<Result<(Index, Term), NotLeader>>;

/// Who waits for the answer to a read.
type Reader = oneshot::Sender<Result<Index, NotLeader>>;

pub(crate) struct Driver {
    me: Server,
    core: Core,
    observer: Observer,
    release: Release,
    timers: BTreeMap<Timer, Duration>,
    /// Wakes the driver at some time not after the next timer's.
    sleep: Option<(Duration, LocalBoxFuture<'static, ()>)>,
    storage: Storage,
    sync: Option<Sync>,
    /// Writes that no finished sync covers: their numbers, and what is durable with them.
    unsynced: VecDeque<(u64, Durable)>,
    calls: BTreeMap<Call, Waiting>,
    proposals: BTreeMap<Ticket, Proposer>,
    reads: BTreeMap<Ticket, Reader>,
    next: Ticket,
    peers: BTreeMap<Server, RaftEnd>,
    durability: Durability,
    deliver: Deliver,
    shared: Rc<Shared>,
    host: Rc<dyn Host>,
}

impl Driver {
    /// Starts a server's task, and returns what its handles share with it.
    pub(crate) fn start(
        host: Rc<dyn Host>,
        me: Server,
        peers: BTreeMap<Server, RaftEnd>,
        config: Config,
        storage: Storage,
        saved: Saved,
        deliver: Deliver,
    ) -> Rc<Shared> {
        let durability = config.durability;
        let (core, effects) = Core::restore(me, config, saved.clone());
        let shared = Rc::new(Shared::new(core.state()));
        shared.snapshot_index.set(saved.snap.as_ref().map_or(0, |snap| snap.index));
        let observer = Observer::new(me);
        observer.started(core.state(), &saved, &effects, host.recorder());
        let mut driver = Driver {
            me,
            core,
            observer,
            release: Release::default(),
            timers: BTreeMap::new(),
            sleep: None,
            storage,
            sync: None,
            unsynced: VecDeque::new(),
            calls: BTreeMap::new(),
            proposals: BTreeMap::new(),
            reads: BTreeMap::new(),
            next: 0,
            peers,
            durability,
            deliver,
            shared: shared.clone(),
            host: host.clone(),
        };
        for effect in effects {
            driver.perform(effect);
        }
        host.spawn(Box::pin(poll_fn(move |cx| driver.run(cx))));
        shared
    }

    /// Does all that can be done now. Never ends.
    fn run(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..ROUNDS {
            self.take_inputs();
            let synced = self.poll_sync(cx);
            if self.fire_timers(cx) || synced {
                continue;
            }
            if self.shared.idle(cx.waker()) {
                return Poll::Pending;
            }
        }
        // Still busy: others have their turn, and the world can see it if this never ends.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn take_inputs(&mut self) {
        while let Some(item) = self.shared.pop() {
            let ticket = self.next;
            self.next += 1;
            match item {
                Item::Ask { from, req, cause, answer } => {
                    self.calls.insert(ticket, Waiting { from, req: req.clone(), answer });
                    self.step(Input::Request { from, call: ticket, req }, cause);
                }
                Item::Answered { from, req, rep, cause, late } => {
                    self.step(Input::Reply { from, req, rep, late }, cause);
                }
                Item::Propose { command, answer } => {
                    self.proposals.insert(ticket, answer);
                    self.step(Input::Propose { id: ticket, command }, None);
                }
                Item::Read { answer } => {
                    self.reads.insert(ticket, answer);
                    self.step(Input::Read { id: ticket }, None);
                }
                Item::Joined { server } => self.step(Input::Joined { server }, None),
                Item::Snapshot { index, data } => self.step(Input::Snapshot { index, data }, None),
            }
        }
    }

    /// One step of the core: its events, then its effects.
    fn step(&mut self, input: Input, cause: Option<Stamp>) {
        let before = self.core.state();
        let mut effects = Vec::new();
        self.core.step(input.clone(), &mut effects);
        let asked = |call: Call| self.calls.get(&call).map(|waiting| &waiting.req);
        if let Err(what) = sanity::check(self.me, &effects, |to| self.peers.contains_key(&to), asked) {
            panic!("the core of {} made no sense: {what}", self.me);
        }
        let after = self.core.state();
        let (membership, log) = (self.core.membership(), self.core.log());
        let step = Step { input: &input, cause, before, effects: &effects, after, membership, log };
        self.observer.observe(step, self.host.recorder());
        self.shared.joined.set(self.observer.has_joined());
        self.shared.now_is(after);
        for effect in effects {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Write(write) => {
                let durable = self.storage.write(write);
                let number = self.release.wrote();
                self.unsynced.push_back((number, durable));
                if self.durability == Durability::Assumed {
                    self.release.synced(number);
                }
            }
            Effect::SetTimer(timer, range) => {
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
            Effect::Answer { id, result } => {
                if let Some(answer) = self.proposals.remove(&id) {
                    // A proposer that is gone needs no answer.
                    let _ = answer.send(result);
                }
            }
            Effect::ReadAt { id, result } => {
                if let Some(answer) = self.reads.remove(&id) {
                    // A reader that is gone needs no answer.
                    let _ = answer.send(result);
                }
            }
            // Committed, so durable at a quorum: delivery waits for no disk.
            Effect::Apply { index, term, command } => {
                (self.deliver)(Delivery::Command { index, term, command });
            }
            Effect::Restore(snap) => (self.deliver)(Delivery::Snapshot(snap)),
            Effect::Changed(_) => {}
        }
    }

    /// Lets a message go, and records that it does.
    fn leave(&mut self, effect: Effect) {
        match effect {
            Effect::Send { to, ref req, .. } => {
                let Some(end) = self.peers.get(&to).cloned() else { return };
                let stamp = self.record_sent(&effect, None);
                let call = call(self.host.clone(), self.shared.clone(), end, stamp, to, req.clone());
                self.host.spawn(Box::pin(call));
            }
            Effect::Reply { call, .. } => {
                let Some(Waiting { from, req, answer }) = self.calls.remove(&call) else { return };
                let stamp = self.record_sent(&effect, Some((from, &req)));
                if let (Effect::Reply { rep, .. }, Some(stamp)) = (effect, stamp) {
                    // A caller that is gone needs no answer.
                    let _ = answer.send((rep, stamp));
                }
            }
            _ => {}
        }
    }

    fn record_sent(&self, effect: &Effect, answers: Option<(Server, &Req)>) -> Option<Stamp> {
        sent(self.me, effect, answers).map(|event| self.host.recorder().record(event, None, None))
    }

    /// Keeps one sync running while there is something to sync; true if one ended.
    fn poll_sync(&mut self, cx: &mut Context<'_>) -> bool {
        if self.sync.is_none() && self.release.needs_sync() {
            self.sync = Some((self.release.last_write(), self.storage.sync()));
        }
        let Some((upto, sync)) = &mut self.sync else { return false };
        let upto = *upto;
        let Poll::Ready(result) = sync.as_mut().poll(cx) else { return false };
        self.sync = None;
        if let Err(error) = result {
            panic!("{}: the disk failed ({error}), and a server that cannot persist must not go on", self.me);
        }
        self.synced(upto);
        true
    }

    /// Tells the core what became durable, and lets go what waited for it.
    fn synced(&mut self, upto: u64) {
        let mut durable = None;
        while self.unsynced.front().is_some_and(|(number, _)| *number <= upto) {
            durable = self.unsynced.pop_front().map(|(_, durable)| durable);
        }
        self.release.synced(upto);
        if let Some(durable) = durable {
            self.host.recorder().record(synced(&durable), None, None);
            self.shared.live_bytes.set(self.storage.live_bytes());
            self.shared.snapshot_index.set(durable.snap);
            self.step(Input::Written(durable), None);
        }
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

/// One call to a peer: its answer, or that there is none, becomes an input.
async fn call(
    host: Rc<dyn Host>,
    shared: Rc<Shared>,
    end: RaftEnd,
    stamp: Option<Stamp>,
    from: Server,
    req: Req,
) {
    let fills_a_place = match &req {
        Req::Append(args) => !args.is_bare(),
        Req::Install(_) => true,
        Req::PreVote(_) | Req::Vote(_) => false,
    };
    let mut answer = pin!(end.call_stamped(stamp, req.clone().into_rpc()));
    let mut late = false;
    if fills_a_place {
        let mut patience = host.sleep_until(host.now() + PATIENCE);
        let in_time = poll_fn(|cx| match answer.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending => patience.as_mut().poll(cx).map(|()| None),
        });
        match in_time.await {
            Some(Ok((cause, response))) => {
                let rep = Some(Rep::from_rpc(response));
                return shared.push(Item::Answered { from, req, rep, cause, late });
            }
            Some(Err(_)) => return shared.push(Item::Answered { from, req, rep: None, cause: None, late }),
            None => {
                shared.push(Item::Answered { from, req: req.clone(), rep: None, cause: None, late });
                late = true;
            }
        }
    }
    if let Ok((cause, response)) = answer.await {
        shared.push(Item::Answered { from, req, rep: Some(Rep::from_rpc(response)), cause, late });
    }
}
