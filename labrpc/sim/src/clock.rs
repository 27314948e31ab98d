//! Virtual time: the clock, the heap of what is scheduled, and sleeping.

use std::cell::{Cell, RefCell};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Something scheduled for an instant.
pub(crate) enum Due {
    /// Wake a sleeper, if it still sleeps.
    Wake(Rc<Sleeper>),
    /// Do something to the world.
    Do(Box<dyn FnOnce()>),
}

struct Scheduled {
    at: u64,
    order: u64,
    due: Due,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Scheduled {}
impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// The virtual clock in nanoseconds, and what is scheduled on it.
#[derive(Default)]
pub(crate) struct Clock {
    now: Cell<u64>,
    order: Cell<u64>,
    heap: RefCell<BinaryHeap<Reverse<Scheduled>>>,
}

impl Clock {
    pub(crate) fn now(&self) -> u64 {
        self.now.get()
    }

    /// Schedules for `at`, after everything already scheduled for that instant.
    pub(crate) fn schedule(&self, at: u64, due: Due) {
        let order = self.order.get();
        self.order.set(order + 1);
        let at = at.max(self.now());
        self.heap.borrow_mut().push(Reverse(Scheduled { at, order, due }));
    }

    /// Advances to the next thing that is due and returns it. Abandoned sleeps are passed over without
    /// advancing, so that they can neither delay nor hide a deadlock.
    pub(crate) fn next(&self) -> Option<Due> {
        loop {
            let Reverse(next) = self.heap.borrow_mut().pop()?;
            let abandoned = matches!(&next.due, Due::Wake(sleeper) if Rc::strong_count(sleeper) == 1);
            if !abandoned {
                self.now.set(next.at);
                labrpc_interpose::now(next.at);
                return Some(next.due);
            }
        }
    }

    /// Forgets everything scheduled.
    pub(crate) fn clear(&self) {
        let scheduled = std::mem::take(&mut *self.heap.borrow_mut());
        drop(scheduled);
    }

    pub(crate) fn sleep_until(&self, at: u64) -> Sleep {
        let sleeper = Rc::new(Sleeper::default());
        if at <= self.now() {
            sleeper.fired.set(true);
        } else {
            self.schedule(at, Due::Wake(sleeper.clone()));
        }
        Sleep(sleeper)
    }
}

#[derive(Default)]
pub(crate) struct Sleeper {
    fired: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Sleeper {
    pub(crate) fn fire(&self) {
        self.fired.set(true);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

/// Completes when its instant has come.
pub(crate) struct Sleep(Rc<Sleeper>);

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.fired.get() {
            return Poll::Ready(());
        }
        *self.0.waker.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }
}
