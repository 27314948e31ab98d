//! What a test can do to make the world worse, and to heal it.
//!
//! Invariant: whatever makes the world worse asks the run's [`Plan`](crate::Plan) first; what heals it does not.

use crate::disk::SimDisk;
use crate::link::Link;
use crate::plan::{Together, worse};
use crate::sim::Sim;
use labrpc::schema::{Event, Node, Server};
use std::rc::Rc;

impl Sim {
    /// Crashes a node: its tasks die, what it had not synced is lost but for a prefix, what it had not
    /// sent is never sent. Harmless if it is down.
    pub fn crash(&self, node: Node) {
        self.strike(node, "crash", "", |_| {});
    }

    /// Crashes a node that keeps exactly this many of the records that it had not synced, or all if they are fewer.
    pub fn crash_keeping(&self, node: Node, records: u64) {
        let how = format!(", which keeps {records} records more than it synced");
        self.strike(node, "crash", &how, |disk| disk.keep(records));
    }

    /// Crashes a node and burns its disk: it may start again as if for the first time, in a new
    /// incarnation.
    pub fn delete(&self, node: Node) {
        if self.strike(node, "crash", " and burn its disk", |_| {}) {
            let world = &self.world;
            if let Some(state) = world.nodes.borrow_mut().get_mut(&node) {
                state.disk = SimDisk::new(Rc::downgrade(world), world.seed, node);
            }
        }
    }

    /// Crashes a node, unless the plan leaves that out; whether it did not.
    fn strike(&self, node: Node, verb: &str, how: &str, before: impl FnOnce(&SimDisk)) -> bool {
        let world = &self.world;
        let Some(number) = world.faults.ask(world.clock.now(), None) else { return false };
        if self.is_up(node) {
            world.faults.made(number, world.clock.now(), verb, &format!("{node}{how}"));
        }
        if let Some(state) = world.nodes.borrow().get(&node) {
            before(&state.disk);
        }
        world.kill(node);
        world.reap();
        true
    }

    /// Crashes a node that runs though its test takes it for dead, because the plan left its crash out: it loses
    /// nothing.
    pub(crate) fn end_unharmed(&self, node: Node) {
        match self.world.nodes.borrow().get(&node).filter(|state| state.alive) {
            Some(state) => state.disk.keep(u64::MAX),
            None => return,
        }
        self.world.kill(node);
        self.world.reap();
    }

    /// Crashes the node right after its disk passes crash point `point`, counted from 1 over all its
    /// incarnations; 0: never.
    pub fn crash_at_point(&self, node: Node, point: u64) {
        let world = &self.world;
        if point > 0 {
            let Some(number) = world.faults.ask(world.clock.now(), None) else { return };
            world.faults.made(
                number,
                world.clock.now(),
                "crash",
                &format!("{node} at its write or sync {point}"),
            );
        }
        if let Some(state) = world.nodes.borrow().get(&node) {
            state.disk.crash_at(point);
        }
    }

    /// Lets a server stand still, as a process that its machine does not run: it computes nothing and no timer of it
    /// fires, but what is sent to it arrives and waits. Harmless if it is down or paused.
    pub fn pause(&self, server: Server) {
        let world = &self.world;
        let Some(number) = world.faults.ask(world.clock.now(), None) else { return };
        if self.is_up(server.into()) && world.executor.pause(server.into()) {
            world.faults.made(number, world.clock.now(), "pause", &server.to_string());
            world.net.record(Event::Pause { server_id: server }, None, None);
        }
    }

    /// Lets a paused server go on where it stood, with timers that are due and messages that waited.
    pub fn resume(&self, server: Server) {
        if self.world.executor.resume(server.into()) {
            self.world.net.record(Event::Resume { server_id: server }, None, None);
        }
    }

    /// Gives every link this character. What is cut stays cut.
    pub fn links(&self, link: &Link) {
        self.world.network.change_all(link);
    }

    /// Changes one direction between two nodes. To cut, use [`cut`](Sim::cut), which records it.
    pub fn link(&self, from: Node, to: Node, change: impl FnOnce(&mut Link)) {
        let world = &self.world;
        let before = world.network.link(from, to);
        let mut after = before.clone();
        change(&mut after);
        if let Some(what) = worse(&before, &after) {
            let Some(number) = world.faults.ask(world.clock.now(), Some(Together::Links)) else { return };
            world.faults.made(number, world.clock.now(), "link", &format!("{from}→{to} {what}"));
        }
        world.network.change(from, to, |link| *link = after);
    }

    /// Cuts the link from one server to another, in this direction only.
    pub fn cut(&self, from: Server, to: Server) {
        let world = &self.world;
        let Some(number) = world.faults.ask(world.clock.now(), Some(Together::Cuts)) else { return };
        if self.set_cut(from, to, true) {
            world.faults.made(number, world.clock.now(), "cut", &format!("{from}→{to}"));
        }
    }

    /// Heals the link from one server to another, in this direction only.
    pub fn heal(&self, from: Server, to: Server) {
        self.set_cut(from, to, false);
    }

    /// Whether that changed anything.
    fn set_cut(&self, from: Server, to: Server, cut: bool) -> bool {
        let world = &self.world;
        let changes = world.network.is_cut(from.into(), to.into()) != cut;
        if changes {
            world.network.change(from.into(), to.into(), |link| link.cut = cut);
            let event = if cut { Event::Cut { from, to } } else { Event::Heal { from, to } };
            world.net.record(event, None, None);
        }
        changes
    }

    /// Lets servers reach each other only within their group; servers in no group reach nobody.
    pub fn partition(&self, servers: &[Server], groups: &[&[Server]]) {
        let shown = |group: &&[Server]| group.iter().map(Server::to_string).collect::<Vec<_>>().join(" ");
        let alone = servers.iter().filter(|server| !groups.iter().any(|group| group.contains(server)));
        let groups_shown = groups.iter().map(shown).chain(alone.map(Server::to_string));
        let what = groups_shown.collect::<Vec<_>>().join(" | ");
        let apart = |from: &Server, to: &Server| {
            !groups.iter().any(|group| group.contains(from) && group.contains(to))
        };
        self.set_cuts(servers, apart, "partition", &what);
    }

    /// Cuts a server off from all others, in both directions.
    pub fn isolate(&self, server: Server, servers: &[Server]) {
        let world = &self.world;
        let Some(number) = world.faults.ask(world.clock.now(), None) else { return };
        let mut changed = false;
        for other in servers.iter().filter(|other| **other != server) {
            changed |= self.set_cut(server, *other, true);
            changed |= self.set_cut(*other, server, true);
        }
        if changed {
            world.faults.made(number, world.clock.now(), "isolate", &server.to_string());
        }
    }

    /// Heals every link between these servers.
    pub fn heal_all(&self, servers: &[Server]) {
        self.partition(servers, &[servers]);
    }

    /// Cuts the links between servers that are `apart`, and heals the others. If the plan leaves the fault out, they
    /// are healed all the same.
    fn set_cuts(&self, servers: &[Server], apart: impl Fn(&Server, &Server) -> bool, verb: &str, what: &str) {
        let world = &self.world;
        let pairs = || servers.iter().flat_map(|from| servers.iter().map(move |to| (from, to)));
        let pairs = || pairs().filter(|(from, to)| from != to);
        let number = if pairs().any(|(from, to)| apart(from, to)) {
            world.faults.ask(world.clock.now(), None)
        } else {
            None
        };
        let mut changed = false;
        for (from, to) in pairs() {
            if !apart(from, to) {
                self.set_cut(*from, *to, false);
            } else if number.is_some() {
                changed |= self.set_cut(*from, *to, true);
            }
        }
        if let Some(number) = number.filter(|_| changed) {
            world.faults.made(number, world.clock.now(), verb, what);
        }
    }
}
