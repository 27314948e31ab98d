//! The host: everything that a node may ask of the world.

use crate::{Disk, Recorder};
use std::future::Future;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

/// A boxed future that stays on its thread.
pub type LocalBoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// One incarnation of a node, as seen from inside it. After the incarnation's crash every method is
/// harmless: nothing runs, nothing is sent, nothing is recorded.
pub trait Host {
    /// Time since the run began.
    fn now(&self) -> Duration;

    /// Completes when [`now`](Host::now) has reached `at`.
    fn sleep_until(&self, at: Duration) -> LocalBoxFuture<'static, ()>;

    /// Runs `task` beside the caller, on the same thread, until it ends or the incarnation does.
    fn spawn(&self, task: LocalBoxFuture<'static, ()>);

    /// A whole number from the range, both ends included. In simulation it depends on the seed alone.
    fn draw(&self, range: RangeInclusive<u64>) -> u64;

    /// Where this incarnation records what it does.
    fn recorder(&self) -> &Recorder;

    /// The node's disk, which outlives its incarnations.
    fn disk(&self) -> Rc<dyn Disk>;
}
