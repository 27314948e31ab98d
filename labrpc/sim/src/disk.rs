//! The simulated disk: what was not synced is lost at a crash, but for some prefix.

use crate::link::MS;
use crate::random::Stream;
use crate::world::World;
use labrpc::schema::Node;
use labrpc::{Disk, LocalBoxFuture};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::ops::RangeInclusive;
use std::rc::{Rc, Weak};

/// How long a sync takes, in nanoseconds.
const SYNC_NS: RangeInclusive<u64> = MS / 2..=2 * MS;

/// A journal of whole records, over all incarnations of its node.
///
/// Every write and every end of a sync is a *crash point*, numbered from 1: the run can be told to crash
/// the node right after one of them.
pub(crate) struct SimDisk {
    world: Weak<World>,
    node: Node,
    random: RefCell<Stream>,
    journal: RefCell<VecDeque<(u64, Vec<u8>)>>,
    written: Cell<u64>,
    durable: Cell<u64>,
    /// Records below this number go once `durable` has reached the second number.
    forget: Cell<(u64, u64)>,
    points: Cell<u64>,
    crash_at: Cell<Option<u64>>,
    /// How many unsynced records the next crash keeps, if that is not left to chance.
    keep: Cell<Option<u64>>,
}

impl SimDisk {
    pub(crate) fn new(world: Weak<World>, seed: u64, node: Node) -> Rc<Self> {
        Rc::new(SimDisk {
            world,
            node,
            random: RefCell::new(Stream::new(seed, &format!("disk of {node}"))),
            journal: RefCell::default(),
            written: Cell::new(0),
            durable: Cell::new(0),
            forget: Cell::new((0, 0)),
            points: Cell::new(0),
            crash_at: Cell::new(None),
            keep: Cell::new(None),
        })
    }

    /// How many crash points were passed so far.
    pub(crate) fn points(&self) -> u64 {
        self.points.get()
    }

    /// Crashes the node right after crash point `point` (the next to come is `points() + 1`).
    pub(crate) fn crash_at(&self, point: u64) {
        self.crash_at.set(Some(point));
    }

    /// Lets the next crash keep this many of the records that are not synced, or all if they are fewer.
    pub(crate) fn keep(&self, records: u64) {
        self.keep.set(Some(records));
    }

    /// Loses what was not synced, but for a random prefix, or the one that was asked for. A record that the crash tore counts as lost,
    /// for no reader would accept it.
    pub(crate) fn crash(&self) {
        let mut journal = self.journal.borrow_mut();
        let unsynced = self.written.get() - self.durable.get();
        let kept = match self.keep.take() {
            Some(records) => records.min(unsynced),
            None => self.random.borrow_mut().draw(0..=unsynced),
        };
        let kept = self.durable.get() + kept;
        journal.retain(|(number, _)| *number <= kept);
        self.written.set(kept);
        self.durable.set(kept);
        self.forget.set((0, 0));
        self.crash_at.set(None);
    }

    fn pass_point(&self) {
        self.points.set(self.points.get() + 1);
        if self.crash_at.get() == Some(self.points.get())
            && let Some(world) = self.world.upgrade()
        {
            world.kill(self.node);
        }
    }

    fn synced(&self, upto: u64) {
        self.durable.set(self.durable.get().max(upto));
        let (below, once) = self.forget.get();
        if self.durable.get() >= once {
            self.journal.borrow_mut().retain(|(number, _)| *number >= below);
        }
        self.pass_point();
    }
}

/// One incarnation's handle: a dead one reaches the disk no more.
pub(crate) struct DiskHandle {
    pub(crate) disk: Rc<SimDisk>,
    pub(crate) world: Weak<World>,
    pub(crate) inc: u32,
}

impl DiskHandle {
    fn lives(&self) -> bool {
        self.world.upgrade().is_some_and(|world| world.lives(self.disk.node, self.inc))
    }
}

impl Disk for DiskHandle {
    fn write(&self, record: &[u8]) -> u64 {
        let disk = &self.disk;
        if self.lives() {
            disk.written.set(disk.written.get() + 1);
            disk.journal.borrow_mut().push_back((disk.written.get(), record.to_vec()));
            let number = disk.written.get();
            disk.pass_point();
            return number;
        }
        disk.written.get()
    }

    fn sync(&self) -> LocalBoxFuture<'static, io::Result<()>> {
        let Some(world) = self.world.upgrade().filter(|_| self.lives()) else {
            return Box::pin(std::future::pending());
        };
        let disk = self.disk.clone();
        let upto = disk.written.get();
        let took = disk.random.borrow_mut().draw(SYNC_NS);
        // The task that waits dies with its incarnation, so this never completes for a dead one.
        let sleep = world.clock.sleep_until(world.clock.now() + took);
        Box::pin(async move {
            sleep.await;
            disk.synced(upto);
            Ok(())
        })
    }

    fn read(&self) -> io::Result<Vec<(u64, Vec<u8>)>> {
        Ok(self.disk.journal.borrow().iter().cloned().collect())
    }

    fn forget_before(&self, number: u64) {
        if self.lives() {
            self.disk.forget.set((number, self.disk.written.get()));
        }
    }

    fn size(&self) -> u64 {
        self.disk.journal.borrow().iter().map(|(_, record)| record.len() as u64).sum()
    }
}
