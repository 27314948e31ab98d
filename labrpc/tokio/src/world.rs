//! Which world the code runs in: that of the simulated node whose task is being polled, or the real one.
//!
//! Invariants: the present node is a thread's own, so simulations on several threads do not see one another. No borrow
//! of it is held while a node is asked something.
//!
//! Never: keeps a node beyond the call. Timers and tasks ask anew for the present one.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

/// A boxed future that stays on its thread.
pub type LocalBoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A simulated node, as far as tokio's functions need one.
pub trait Node {
    /// Virtual time since the run began.
    fn now(&self) -> Duration;

    /// Completes when [`now`](Node::now) has reached `at`.
    fn sleep_until(&self, at: Duration) -> LocalBoxFuture<'static, ()>;

    /// Runs `task` beside the caller until it ends or the node crashes, which drops it.
    fn spawn(&self, task: LocalBoxFuture<'static, ()>);

    /// A number below `among`, which is at least 1; a function of the seed.
    fn choose(&self, among: u32) -> u32;

    /// Takes note that the code did what cannot be simulated, and where. The run ends after this poll.
    fn refuse(&self, what: Refused, at: &'static Location<'static>);
}

/// What cannot be simulated. [`Display`](fmt::Display) gives the name of the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A closure for another thread.
    SpawnBlocking,
    /// A closure for which the other tasks would move to another thread.
    BlockInPlace,
}

impl Refused {
    /// Why, and what to do instead: one sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Refused::SpawnBlocking => {
                "tokio::task::spawn_blocking needs a second thread, and a node has only one: do the work where you are, \
                 or split it with tokio::task::yield_now().await"
            }
            Refused::BlockInPlace => {
                "tokio::task::block_in_place needs a second thread, and a node has only one: do the work where you are, \
                 or split it with tokio::task::yield_now().await"
            }
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::SpawnBlocking => "tokio::task::spawn_blocking",
            Refused::BlockInPlace => "tokio::task::block_in_place",
        })
    }
}

thread_local! {
    static PRESENT: RefCell<Option<Rc<dyn Node>>> = const { RefCell::new(None) };
}

/// Makes `node` this thread's present node, or says with `None` that there is none, and returns the former. A simulation
/// calls it before each poll of a node's task and, with what it got, after it.
pub fn enter(node: Option<Rc<dyn Node>>) -> Option<Rc<dyn Node>> {
    PRESENT.with(|present| present.replace(node))
}

/// The present node; `None` is the real world.
pub(crate) fn present() -> Option<Rc<dyn Node>> {
    PRESENT.with(|present| present.borrow().clone())
}

/// The branch that `select!` polls first.
#[doc(hidden)]
pub fn first_branch(branches: u32) -> u32 {
    match present() {
        Some(node) => node.choose(branches),
        None => real::macros::support::thread_rng_n(branches),
    }
}
