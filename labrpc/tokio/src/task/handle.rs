//! Handles of tasks, and the simulated tasks behind them.
//!
//! Invariants: a simulated task's future is dropped before its handle is done. A task that is dropped unfinished (its node
//! crashed) is cancelled to whoever waits for it.

use super::JoinError;
use crate::world::Node;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Waits for a task. Dropping it lets the task go on alone.
pub struct JoinHandle<T>(Task<T>);

enum Task<T> {
    Real(real::task::JoinHandle<T>),
    Simulated(Rc<Slot<T>>),
}

/// Aborts a task, without waiting for it.
#[derive(Clone)]
pub struct AbortHandle(Abort);

#[derive(Clone)]
enum Abort {
    Real(real::task::AbortHandle),
    Simulated(Rc<Control>),
}

/// What a simulated task leaves for its handle.
struct Slot<T> {
    control: Rc<Control>,
    result: RefCell<Option<Result<T, JoinError>>>,
    joiner: RefCell<Option<Waker>>,
}

#[derive(Default)]
struct Control {
    aborted: Cell<bool>,
    finished: Cell<bool>,
    /// Wakes the task, once it was polled.
    task: RefCell<Option<Waker>>,
}

impl Control {
    /// Lets the task end with its next poll; without effect on one that has ended.
    fn abort(&self) {
        self.aborted.set(true);
        let waker = self.task.borrow_mut().take();
        waker.into_iter().for_each(Waker::wake);
    }
}

impl<T> Slot<T> {
    fn new() -> Rc<Slot<T>> {
        Rc::new(Slot { control: Rc::default(), result: RefCell::new(None), joiner: RefCell::new(None) })
    }

    fn finish(&self, result: Result<T, JoinError>) {
        if self.control.finished.replace(true) {
            return;
        }
        self.control.task.borrow_mut().take();
        *self.result.borrow_mut() = Some(result);
        let joiner = self.joiner.borrow_mut().take();
        joiner.into_iter().for_each(Waker::wake);
    }
}

/// Tells the handle of a task that it will never end.
struct Unfinished<T>(Rc<Slot<T>>);

impl<T> Drop for Unfinished<T> {
    fn drop(&mut self) {
        self.0.finish(Err(JoinError::CANCELLED));
    }
}

/// Keeps `waker`, unless what is kept wakes the same task.
fn keep(place: &RefCell<Option<Waker>>, waker: &Waker) {
    let mut place = place.borrow_mut();
    if !place.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
        *place = Some(waker.clone());
    }
}

/// Runs the future as a task of the simulated node.
pub(super) fn spawn_on<F>(node: &dyn Node, future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let slot = Slot::new();
    let unfinished = Unfinished(slot.clone());
    node.spawn(Box::pin(async move {
        let result = run(future, &unfinished.0.control).await;
        unfinished.0.finish(result);
    }));
    JoinHandle(Task::Simulated(slot))
}

/// The future's result, or none as soon as it is aborted. It is dropped by then.
async fn run<F: Future>(future: F, control: &Control) -> Result<F::Output, JoinError> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        if control.aborted.get() {
            return Poll::Ready(Err(JoinError::CANCELLED));
        }
        keep(&control.task, cx.waker());
        future.as_mut().poll(cx).map(Ok)
    })
    .await
}

/// The handle of a simulated task that is done.
pub(super) fn finished<T>(result: T) -> JoinHandle<T> {
    let slot = Slot::new();
    slot.finish(Ok(result));
    JoinHandle(Task::Simulated(slot))
}

impl<T> JoinHandle<T> {
    pub(super) fn real(handle: real::task::JoinHandle<T>) -> JoinHandle<T> {
        JoinHandle(Task::Real(handle))
    }

    /// Ends the task where it waits, as soon as its turn comes. Who awaits this handle learns that it was cancelled, or
    /// has the result if it had ended before.
    pub fn abort(&self) {
        match &self.0 {
            Task::Real(handle) => handle.abort(),
            Task::Simulated(slot) => slot.control.abort(),
        }
    }

    /// Whether the task has ended.
    pub fn is_finished(&self) -> bool {
        match &self.0 {
            Task::Real(handle) => handle.is_finished(),
            Task::Simulated(slot) => slot.control.finished.get(),
        }
    }

    /// A handle that can abort the task, and no more.
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle(match &self.0 {
            Task::Real(handle) => Abort::Real(handle.abort_handle()),
            Task::Simulated(slot) => Abort::Simulated(slot.control.clone()),
        })
    }
}

impl<T> Unpin for JoinHandle<T> {}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Task::Real(handle) => Pin::new(handle).poll(cx).map_err(JoinError::real),
            Task::Simulated(slot) => {
                if let Some(result) = slot.result.borrow_mut().take() {
                    return Poll::Ready(result);
                }
                assert!(!slot.control.finished.get(), "JoinHandle polled after completion");
                keep(&slot.joiner, cx.waker());
                Poll::Pending
            }
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("finished", &self.is_finished()).finish()
    }
}

impl AbortHandle {
    /// Ends the task where it waits, as soon as its turn comes.
    pub fn abort(&self) {
        match &self.0 {
            Abort::Real(handle) => handle.abort(),
            Abort::Simulated(control) => control.abort(),
        }
    }

    /// Whether the task has ended.
    pub fn is_finished(&self) -> bool {
        match &self.0 {
            Abort::Real(handle) => handle.is_finished(),
            Abort::Simulated(control) => control.finished.get(),
        }
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortHandle").field("finished", &self.is_finished()).finish()
    }
}
