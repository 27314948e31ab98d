//! Tasks: spawning, waiting for, and aborting them. See tokio's documentation, and the [crate's](crate) for what differs.
//!
//! Never: runs a task itself. The node's world does, or the real tokio.

mod error;
mod handle;
mod set;

pub use error::JoinError;
pub use handle::{AbortHandle, JoinHandle};
pub use real::task::coop::{consume_budget, unconstrained};
pub use real::task::{LocalKey, coop, futures, yield_now};
pub use set::JoinSet;

use crate::world::{Refused, present};
use std::future::Future;
use std::panic::Location;

/// Runs a future beside the caller, on the same thread, at once and whether or not the handle is kept. It ends with its
/// node.
///
/// # Panics
/// In the real world, outside of a `LocalSet`.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    match present() {
        Some(node) => handle::spawn_on(&*node, future),
        None => JoinHandle::real(real::task::spawn_local(future)),
    }
}

/// The same as [`spawn`]: every task of a node is local to its thread.
///
/// # Panics
/// In the real world, outside of a `LocalSet`.
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    spawn(future)
}

/// Runs a closure on a thread for blocking work. Refused in a simulation: the run fails (the closure has run then, so
/// that the handle is good for the rest of this poll).
///
/// # Panics
/// In the real world, outside of a runtime.
#[track_caller]
pub fn spawn_blocking<F, R>(work: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    match present() {
        Some(node) => {
            node.refuse(Refused::SpawnBlocking, Location::caller());
            handle::finished(work())
        }
        None => JoinHandle::real(real::task::spawn_blocking(work)),
    }
}

/// Runs blocking work here, with the other tasks on other threads meanwhile. Refused in a simulation: the run fails.
///
/// # Panics
/// In the real world, as tokio's on a runtime of one thread, which is what a node runs on.
#[track_caller]
pub fn block_in_place<F, R>(work: F) -> R
where
    F: FnOnce() -> R,
{
    match present() {
        Some(node) => {
            node.refuse(Refused::BlockInPlace, Location::caller());
            work()
        }
        None => panic!(
            "can call blocking only when running on the multi-threaded runtime: a node's has one thread"
        ),
    }
}
