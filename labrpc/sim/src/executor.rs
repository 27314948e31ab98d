//! The executor: tasks that belong to nodes, run in the order in which they were woken.

use crate::present;
use labrpc::LocalBoxFuture;
use labrpc::schema::Node;
use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// Whose task it is: a node's incarnation.
pub(crate) type Owner = (Node, u32);

struct Task {
    owner: Owner,
    /// Taken out while it is polled.
    future: Option<LocalBoxFuture<'static, ()>>,
    wake: Arc<TaskWaker>,
}

#[derive(Default)]
pub(crate) struct Executor {
    tasks: RefCell<Slots>,
    ready: Arc<Ready>,
    /// Nodes whose tasks do not run, and what was woken meanwhile, in order.
    paused: RefCell<BTreeSet<Node>>,
    parked: RefCell<Vec<Arc<TaskWaker>>>,
}

#[derive(Default)]
struct Slots {
    slots: Vec<Option<Task>>,
    free: Vec<usize>,
}

/// The queue of woken tasks. Wakers must be `Send`, hence the lock; nobody contends for it.
#[derive(Default)]
struct Ready {
    queue: Mutex<VecDeque<Arc<TaskWaker>>>,
    /// Whether the next one to be woken is to show who wakes it, and where.
    trap: AtomicBool,
    trapped: Mutex<Option<(Option<Node>, Backtrace)>>,
}

impl Ready {
    fn queue(&self) -> MutexGuard<'_, VecDeque<Arc<TaskWaker>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cold]
    fn snap(&self) {
        let here = (present::node(), Backtrace::force_capture());
        *self.trapped.lock().unwrap_or_else(PoisonError::into_inner) = Some(here);
    }
}

struct TaskWaker {
    slot: usize,
    queued: AtomicBool,
    ready: Arc<Ready>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            let ready = self.ready.clone();
            if ready.trap.load(Ordering::Relaxed) && ready.trap.swap(false, Ordering::Relaxed) {
                ready.snap();
            }
            ready.queue().push_back(self);
        }
    }
}

/// A task that was taken out to be polled.
pub(crate) struct Running {
    pub(crate) owner: Owner,
    pub(crate) future: LocalBoxFuture<'static, ()>,
    pub(crate) waker: Waker,
    wake: Arc<TaskWaker>,
}

impl Executor {
    /// Adds a task and wakes it.
    pub(crate) fn spawn(&self, owner: Owner, future: LocalBoxFuture<'static, ()>) {
        let mut tasks = self.tasks.borrow_mut();
        let slot = tasks.free.pop().unwrap_or_else(|| {
            tasks.slots.push(None);
            tasks.slots.len() - 1
        });
        let wake = Arc::new(TaskWaker { slot, queued: AtomicBool::new(false), ready: self.ready.clone() });
        tasks.slots[slot] = Some(Task { owner, future: Some(future), wake: wake.clone() });
        drop(tasks);
        wake.wake();
    }

    /// Takes out the next woken task that still exists.
    pub(crate) fn next(&self) -> Option<Running> {
        loop {
            let wake = self.ready.queue().pop_front()?;
            wake.queued.store(false, Ordering::Relaxed);
            let mut tasks = self.tasks.borrow_mut();
            // A slot may have been given to another task since: then this wake-up is for nobody.
            let Some(task) = tasks.slots[wake.slot].as_mut().filter(|task| Arc::ptr_eq(&task.wake, &wake))
            else {
                continue;
            };
            if self.paused.borrow().contains(&task.owner.0) {
                // As good as queued: it needs no second place.
                wake.queued.store(true, Ordering::Relaxed);
                self.parked.borrow_mut().push(wake.clone());
                continue;
            }
            if let Some(future) = task.future.take() {
                return Some(Running { owner: task.owner, future, waker: Waker::from(wake.clone()), wake });
            }
        }
    }

    /// Lets a node's tasks rest until [`Executor::resume`].
    /// True: it ran.
    pub(crate) fn pause(&self, node: Node) -> bool {
        self.paused.borrow_mut().insert(node)
    }

    /// Runs a node's tasks again: first what was woken meanwhile, in that order. True: it rested.
    pub(crate) fn resume(&self, node: Node) -> bool {
        if !self.paused.borrow_mut().remove(&node) {
            return false;
        }
        // Whoever still rests is parked anew when it is looked at.
        let parked = std::mem::take(&mut *self.parked.borrow_mut());
        self.ready.queue().extend(parked);
        true
    }

    /// Puts a pending task back, unless its incarnation ended while it ran.
    pub(crate) fn put_back(&self, running: Running) {
        let mut tasks = self.tasks.borrow_mut();
        if let Some(task) =
            tasks.slots[running.wake.slot].as_mut().filter(|task| Arc::ptr_eq(&task.wake, &running.wake))
        {
            task.future = Some(running.future);
        }
    }

    /// Removes a task that has ended.
    pub(crate) fn remove(&self, running: Running) {
        let mut tasks = self.tasks.borrow_mut();
        let slot = running.wake.slot;
        if tasks.slots[slot].as_ref().is_some_and(|task| Arc::ptr_eq(&task.wake, &running.wake)) {
            tasks.slots[slot] = None;
            tasks.free.push(slot);
        }
        drop(tasks);
        // Only now, with the table released: a destructor may spawn or wake.
        drop(running);
    }

    /// Kills the tasks for which `dies` holds.
    pub(crate) fn kill(&self, dies: impl Fn(Owner) -> bool) {
        let mut dead = Vec::new();
        let mut tasks = self.tasks.borrow_mut();
        for slot in 0..tasks.slots.len() {
            if tasks.slots[slot].as_ref().is_some_and(|task| dies(task.owner)) {
                dead.extend(tasks.slots[slot].take());
                tasks.free.push(slot);
            }
        }
        drop(tasks);
        drop(dead);
    }

    /// Lets the next task that is woken show by whom, and where.
    pub(crate) fn trap(&self) {
        let ready = &self.ready;
        if ready.trapped.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            ready.trap.store(true, Ordering::Relaxed);
        }
    }

    /// Who woke a task since [`Executor::trap`], and where its code stands.
    pub(crate) fn trapped(&self) -> (Option<Node>, Option<String>) {
        let trapped = self.ready.trapped.lock().unwrap_or_else(PoisonError::into_inner).take();
        trapped.map_or((None, None), |(node, backtrace)| (node, present::place(&backtrace)))
    }

    /// Who has tasks, and how many: for the deadlock report.
    pub(crate) fn census(&self) -> Vec<(Node, usize)> {
        let mut census = std::collections::BTreeMap::new();
        for task in self.tasks.borrow().slots.iter().flatten() {
            *census.entry(task.owner.0).or_insert(0) += 1;
        }
        census.into_iter().collect()
    }
}
