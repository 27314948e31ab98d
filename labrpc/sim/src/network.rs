//! The network: carries calls over links that delay, lose, repeat and reorder.

use crate::clock::Due;
use crate::link::Link;
use crate::random::Stream;
use crate::world::World;
use labrpc::schema::{Event, Kind, Node};
use labrpc::{LocalBoxFuture, Packet, Wire};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::task::{Poll, Waker};
use tarpc::ServerError;
use tarpc::client::RpcError;

/// Tells what kind of message some bytes are, so that a lost one can be named in the trace. The flag says
/// whether it is a reply.
pub type Describe = fn(&[u8], bool) -> Option<Kind>;

/// What went over the network since the run began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests sent, also those that were lost. A duplicate is not counted again.
    pub rpcs: u64,
    /// Bytes of requests and replies sent, stamps not counted.
    pub bytes: u64,
}

pub(crate) struct Network {
    links: RefCell<BTreeMap<(Node, Node), Link>>,
    default: RefCell<Link>,
    random: RefCell<Stream>,
    counters: RefCell<Counters>,
    sent: RefCell<BTreeMap<(Node, &'static str), Counters>>,
}

impl Network {
    pub(crate) fn new(seed: u64) -> Self {
        Network {
            links: RefCell::default(),
            default: RefCell::default(),
            random: RefCell::new(Stream::new(seed, "network")),
            counters: RefCell::default(),
            sent: RefCell::default(),
        }
    }

    pub(crate) fn counters(&self) -> Counters {
        *self.counters.borrow()
    }

    /// What `node` sent as requests of `service`.
    pub(crate) fn sent_by(&self, node: Node, service: &'static str) -> Counters {
        self.sent.borrow().get(&(node, service)).copied().unwrap_or_default()
    }

    /// Changes one direction between two nodes.
    pub(crate) fn change(&self, from: Node, to: Node, change: impl FnOnce(&mut Link)) {
        let mut links = self.links.borrow_mut();
        change(links.entry((from, to)).or_insert_with(|| self.default.borrow().clone()));
    }

    /// Gives every link this character; what is cut stays cut.
    pub(crate) fn change_all(&self, link: &Link) {
        *self.default.borrow_mut() = link.clone();
        for old in self.links.borrow_mut().values_mut() {
            *old = Link { cut: old.cut, ..link.clone() };
        }
    }

    /// The link in one direction between two nodes.
    pub(crate) fn link(&self, from: Node, to: Node) -> Link {
        self.with(from, to, Link::clone)
    }

    pub(crate) fn is_cut(&self, from: Node, to: Node) -> bool {
        self.with(from, to, |link| link.cut)
    }

    fn with<T>(&self, from: Node, to: Node, f: impl FnOnce(&Link) -> T) -> T {
        match self.links.borrow().get(&(from, to)) {
            Some(link) => f(link),
            None => f(&self.default.borrow()),
        }
    }

    fn draw(&self, range: &RangeInclusive<u64>) -> u64 {
        self.random.borrow_mut().draw(range.clone())
    }

    fn chance(&self, per_mille: u16) -> bool {
        // No draw where nothing can be lost, as on reliable links.
        per_mille > 0 && self.random.borrow_mut().chance(per_mille)
    }

    fn count(&self, bytes: usize, request_of: Option<(Node, &'static str)>) {
        let mut counters = self.counters.borrow_mut();
        counters.bytes += bytes as u64;
        if let Some(sender) = request_of {
            counters.rpcs += 1;
            let mut sent = self.sent.borrow_mut();
            let sent = sent.entry(sender).or_default();
            sent.rpcs += 1;
            sent.bytes += bytes as u64;
        }
    }
}

/// One client's way to one service of one server.
pub(crate) struct SimWire {
    pub(crate) world: Rc<World>,
    pub(crate) from: Node,
    pub(crate) inc: u32,
    pub(crate) to: Node,
    pub(crate) service: &'static str,
    pub(crate) describe: Describe,
}

type Answer = Result<Packet<Vec<u8>>, RpcError>;

/// A call under way: where its answer is put.
#[derive(Default)]
struct Slot {
    answer: RefCell<Option<Answer>>,
    waker: RefCell<Option<Waker>>,
}

impl Slot {
    /// Puts the first answer there; a later one (of a duplicate) is nobody's.
    fn fill(&self, answer: Answer) {
        self.answer.borrow_mut().get_or_insert(answer);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

impl Wire for SimWire {
    fn call(&self, request: Packet<Vec<u8>>) -> LocalBoxFuture<'static, Answer> {
        let slot = Rc::new(Slot::default());
        if !self.world.lives(self.from, self.inc) {
            return Box::pin(std::future::pending());
        }
        let route = Rc::new(Route {
            world: self.world.clone(),
            from: self.from,
            to: self.to,
            service: self.service,
            describe: self.describe,
            slot: slot.clone(),
        });
        route.send(request);
        Box::pin(poll_fn(move |cx| match slot.answer.borrow_mut().take() {
            Some(answer) => Poll::Ready(answer),
            None => {
                *slot.waker.borrow_mut() = Some(cx.waker().clone());
                Poll::Pending
            }
        }))
    }
}

/// The way of one call, there and back.
struct Route {
    world: Rc<World>,
    from: Node,
    to: Node,
    service: &'static str,
    describe: Describe,
    slot: Rc<Slot>,
}

impl Route {
    fn send(self: Rc<Self>, request: Packet<Vec<u8>>) {
        let network = &self.world.network;
        network.count(request.body.len(), Some((self.from, self.service)));
        let (lose, duplicate, delay) = network.with(self.from, self.to, |link| {
            (link.lose_requests, link.duplicate_requests, link.delay_ns.clone())
        });
        if network.is_cut(self.from, self.to) {
            return self.lose(&request.body, false, "the link is cut");
        }
        let world = self.world.clone();
        let (now, way) = (world.clock.now(), (self.from, self.to));
        if network.chance(lose) {
            if world.faults.strikes(now, way, "lose a request") {
                return self.lose(&request.body, false, "lost by chance");
            }
            let delay = self.spared(&delay);
            return self.arrive_after(delay, request);
        }
        if network.chance(duplicate) {
            let delay = world.delay(network.draw(&delay), &delay);
            if world.faults.strikes(now, way, "repeat a request") {
                self.clone().arrive_after(delay, request.clone());
            }
        }
        let delay = world.delay(network.draw(&delay), &delay);
        self.arrive_after(delay, request);
    }

    fn arrive_after(self: Rc<Self>, delay: u64, request: Packet<Vec<u8>>) {
        let clock = self.world.clock.clone();
        clock.schedule(clock.now() + delay, Due::Do(Box::new(move || self.arrive(request))));
    }

    fn arrive(self: Rc<Self>, request: Packet<Vec<u8>>) {
        if self.world.network.is_cut(self.from, self.to) {
            return self.lose(&request.body, false, "the link was cut while it was under way");
        }
        let found = {
            let nodes = self.world.nodes.borrow();
            let state = nodes.get(&self.to).filter(|state| state.alive);
            state.and_then(|state| Some((state.inc, state.handlers.get(self.service)?.clone())))
        };
        let Some((inc, handler)) = found else {
            return self.lose(&request.body, false, "its receiver is down");
        };
        let world = self.world.clone();
        let mut pending = PendingReply(Some(self.clone()));
        let to = self.to;
        let serving = async move {
            let response = handler.handle(request).await;
            if let Some(route) = pending.0.take() {
                route.reply(response);
            }
        };
        world.executor.spawn((to, inc), Box::pin(serving));
    }

    fn reply(self: Rc<Self>, response: Result<Packet<Vec<u8>>, ServerError>) {
        let network = &self.world.network;
        let bytes = response.as_ref().map_or(0, |packet| packet.body.len());
        network.count(bytes, None);
        let (lose, late, delay) = network.with(self.to, self.from, |link| {
            (link.lose_replies, link.late_replies.clone(), link.delay_ns.clone())
        });
        let body = response.as_ref().map_or(&[][..], |packet| &packet.body);
        if network.is_cut(self.to, self.from) {
            return self.lose(body, true, "the link is cut");
        }
        let (now, way) = (self.world.clock.now(), (self.to, self.from));
        let delay = if network.chance(lose) {
            if self.world.faults.strikes(now, way, "lose a reply") {
                return self.lose(body, true, "lost by chance");
            }
            self.spared(&delay)
        } else {
            let mut drawn = self.world.delay(network.draw(&delay), &delay);
            if network.chance(late.0) {
                let late = network.draw(&late.1);
                drawn += if self.world.faults.strikes(now, way, "delay a reply") { late } else { 0 };
            }
            drawn
        };
        let clock = self.world.clock.clone();
        clock.schedule(
            clock.now() + delay,
            Due::Do(Box::new(move || {
                if self.world.network.is_cut(self.to, self.from) {
                    let body = response.as_ref().map_or(&[][..], |packet| &packet.body);
                    return self.lose(body, true, "the link was cut while it was under way");
                }
                self.slot.fill(response.map_err(RpcError::Server));
            })),
        );
    }

    /// How long a message takes that chance would have lost, and that the plan spares: the least. As much is drawn as
    /// for a loss, so that what comes later is what it was.
    fn spared(&self, delay: &RangeInclusive<u64>) -> u64 {
        let network = &self.world.network;
        let failure = network.with(self.from, self.to, |link| link.failure_ns.clone());
        network.draw(&failure);
        *delay.start()
    }

    /// The call fails, and its caller learns of it later.
    fn lose(&self, body: &[u8], reply: bool, why: &str) {
        let (from, to) = if reply { (self.to, self.from) } else { (self.from, self.to) };
        if let (Some(from), Some(to)) = (from.server(), to.server())
            && !body.is_empty()
        {
            let kind = (self.describe)(body, reply);
            self.world.net.record(Event::Lost { kind, from, to, why: why.to_owned() }, None, None);
        }
        self.fail();
    }

    fn fail(&self) {
        let network = &self.world.network;
        let delay = network.with(self.from, self.to, |link| link.failure_ns.clone());
        let delay = network.draw(&delay);
        let clock = &self.world.clock;
        let slot = self.slot.clone();
        let error = RpcError::Server(ServerError::new(io::ErrorKind::TimedOut, "no answer".to_owned()));
        clock.schedule(clock.now() + delay, Due::Do(Box::new(move || slot.fill(Err(error)))));
    }
}

/// Held by the task that serves a request: if that task dies before it answered, the caller's call fails.
struct PendingReply(Option<Rc<Route>>);

impl Drop for PendingReply {
    fn drop(&mut self) {
        if let Some(route) = self.0.take() {
            route.fail();
        }
    }
}
