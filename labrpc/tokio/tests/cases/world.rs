//! The smallest world that simulates a node: a queue of woken tasks, timers, and numbers that are given beforehand.

use futures::FutureExt;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::panic::Location;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use tokio::world::{LocalBoxFuture, Node, Refused, enter};

#[derive(Default)]
pub(crate) struct World {
    now: Cell<Duration>,
    tasks: RefCell<Vec<Option<LocalBoxFuture<'static, ()>>>>,
    ready: Arc<Mutex<VecDeque<usize>>>,
    timers: RefCell<BTreeMap<(Duration, usize), Rc<Timer>>>,
    /// How many timers were set.
    set: Cell<usize>,
    seed: Cell<u32>,
    /// How many branches each draw was for.
    pub(crate) drawn: RefCell<Vec<u32>>,
    pub(crate) refused: RefCell<Vec<(Refused, u32)>>,
}

#[derive(Default)]
struct Timer {
    fired: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

struct Task(usize, Arc<Mutex<VecDeque<usize>>>);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let mut ready = self.1.lock().expect("nobody panics with it");
        if !ready.contains(&self.0) {
            ready.push_back(self.0);
        }
    }
}

impl Node for World {
    fn now(&self) -> Duration {
        self.now.get()
    }

    fn sleep_until(&self, at: Duration) -> LocalBoxFuture<'static, ()> {
        let timer = Rc::new(Timer { fired: Cell::new(at <= self.now.get()), waker: RefCell::default() });
        if !timer.fired.get() {
            let number = self.set.get();
            self.set.set(number + 1);
            self.timers.borrow_mut().insert((at, number), timer.clone());
        }
        Box::pin(std::future::poll_fn(move |cx| {
            *timer.waker.borrow_mut() = Some(cx.waker().clone());
            if timer.fired.get() { Poll::Ready(()) } else { Poll::Pending }
        }))
    }

    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        let mut tasks = self.tasks.borrow_mut();
        self.ready.lock().expect("nobody panics with it").push_back(tasks.len());
        tasks.push(Some(task));
    }

    fn choose(&self, among: u32) -> u32 {
        self.drawn.borrow_mut().push(among);
        // Knuth's multiplicative sequence: different for each seed, and the high bits are good enough.
        self.seed.set(self.seed.get().wrapping_mul(2_654_435_761).wrapping_add(12_345));
        (self.seed.get() >> 16) % among
    }

    fn refuse(&self, what: Refused, at: &'static Location<'static>) {
        assert!(at.file().ends_with("tasks.rs"), "{at} is where the test calls");
        self.refused.borrow_mut().push((what, at.line()));
    }
}

impl World {
    fn poll(self: &Rc<Self>, number: usize) {
        let Some(mut task) = self.tasks.borrow_mut()[number].take() else { return };
        let waker = Waker::from(Arc::new(Task(number, self.ready.clone())));
        let outside = enter(Some(self.clone()));
        let polled = task.as_mut().poll(&mut Context::from_waker(&waker));
        enter(outside);
        if polled.is_pending() {
            self.tasks.borrow_mut()[number] = Some(task);
        }
    }

    fn run_until(self: &Rc<Self>, done: &Cell<bool>) {
        while !done.get() {
            let next = self.ready.lock().expect("nobody panics with it").pop_front();
            if let Some(number) = next {
                self.poll(number);
                continue;
            }
            let next = self.timers.borrow_mut().pop_first();
            let ((at, _), timer) = next.expect("somebody can go on");
            self.now.set(at);
            timer.fired.set(true);
            timer.waker.take().into_iter().for_each(Waker::wake);
        }
    }

    /// Drops every task, as a crash does.
    pub(crate) fn crash(&self) {
        let tasks = std::mem::take(&mut *self.tasks.borrow_mut());
        drop(tasks);
    }
}

/// Runs `main` and what it spawns, until `main` is done. `seed` decides what the node draws.
pub(crate) fn run_with(seed: u32, main: impl Future<Output = ()> + 'static) -> Rc<World> {
    let world = Rc::new(World { seed: Cell::new(seed), ..World::default() });
    let done = Rc::new(Cell::new(false));
    let at_end = done.clone();
    world.spawn(main.map(move |()| at_end.set(true)).boxed_local());
    world.run_until(&done);
    world
}

pub(crate) fn run(main: impl Future<Output = ()> + 'static) -> Rc<World> {
    run_with(1, main)
}

pub(crate) fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// Something that tasks write into.
pub(crate) fn log<T>() -> Rc<RefCell<Vec<T>>> {
    Rc::default()
}
