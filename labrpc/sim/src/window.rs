//! What tokio's functions see of the world when a node's code calls them.
//!
//! Its random numbers are a stream of their own: who adds a `select!` shifts no other draw of its node.

use crate::executor::Owner;
use crate::random::Stream;
use crate::world::World;
use labrpc::LocalBoxFuture;
use std::cell::RefCell;
use std::panic::Location;
use std::rc::Weak;
use std::time::Duration;
use tokio::world::{Node, Refused};

pub(crate) struct Window {
    world: Weak<World>,
    owner: Owner,
    choices: RefCell<Stream>,
}

impl Window {
    pub(crate) fn new(world: Weak<World>, seed: u64, owner: Owner) -> Self {
        let label = format!("{} incarnation {} chooses", owner.0, owner.1);
        Window { world, owner, choices: RefCell::new(Stream::new(seed, &label)) }
    }
}

impl Node for Window {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.world.upgrade().map_or(0, |world| world.clock.now()))
    }

    fn sleep_until(&self, at: Duration) -> LocalBoxFuture<'static, ()> {
        let at = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        match self.world.upgrade() {
            Some(world) => Box::pin(world.clock.sleep_until(at)),
            None => Box::pin(std::future::pending()),
        }
    }

    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        let (node, inc) = self.owner;
        if let Some(world) = self.world.upgrade().filter(|world| world.lives(node, inc)) {
            world.executor.spawn(self.owner, task);
        }
    }

    fn choose(&self, among: u32) -> u32 {
        let last = u64::from(among.saturating_sub(1));
        u32::try_from(self.choices.borrow_mut().draw(0..=last)).unwrap_or(0)
    }

    fn refuse(&self, what: Refused, at: &'static Location<'static>) {
        if let Some(world) = self.world.upgrade() {
            let first = world.refused.take().unwrap_or((what, at));
            world.refused.set(Some(first));
        }
    }
}
