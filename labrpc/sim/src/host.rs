//! The simulated host: one incarnation's window on the world.

use crate::random::Stream;
use crate::world::World;
use labrpc::schema::Node;
use labrpc::{Disk, Host, LocalBoxFuture, Recorder};
use std::cell::{Cell, RefCell};
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::time::Duration;

pub(crate) struct SimHost {
    pub(crate) world: Rc<World>,
    pub(crate) node: Node,
    pub(crate) inc: u32,
    pub(crate) recorder: Recorder,
    pub(crate) disk: Rc<dyn Disk>,
    pub(crate) random: Rc<RefCell<Stream>>,
    pub(crate) draws: Rc<Cell<u32>>,
}

impl Host for SimHost {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.world.clock.now())
    }

    fn sleep_until(&self, at: Duration) -> LocalBoxFuture<'static, ()> {
        Box::pin(self.world.clock.sleep_until(at.as_nanos() as u64))
    }

    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        if self.world.lives(self.node, self.inc) {
            self.world.executor.spawn((self.node, self.inc), task);
        }
    }

    fn draw(&self, range: RangeInclusive<u64>) -> u64 {
        let drawn = self.draws.get();
        self.draws.set(drawn.saturating_add(1));
        if drawn < self.world.options.equal_draws {
            // The same number on every node: all their timers are equal.
            return Stream::new(self.world.seed, &format!("equal draw {drawn}")).draw(range);
        }
        self.random.borrow_mut().draw(range)
    }

    fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    fn disk(&self) -> Rc<dyn Disk> {
        self.disk.clone()
    }
}
