//! The real world: a [`Host`] on the system's clock, its randomness and its files.
//!
//! Owns what the simulation owns on its side: time, tasks, chance, a disk ([`FileDisk`]), and where records go.
//! A process is one incarnation of one node: `run`, in it [`FileDisk::open`], [`RealHost::new`], and an
//! [`End`](crate::End) over [`tcp`](crate::tcp) to each peer.
//!
//! Invariants
//! - All tasks of a node share the thread that runs them.
//! - A task that panics ends the incarnation: every other task is dropped and nothing more is recorded, as in a
//!   crash. [`RealHost::ended`] says so, and whoever runs the node ends the process.
//! - Records go through [`emit`] as they come: a [`JsonLines`](crate::JsonLines) over an unbuffered file has each
//!   with the system when the next one is made. Of a killed process at most the last line is cut; only the end of
//!   the system itself can take more.
//!
//! Never: is linked into a simulation, where the clock read here would be a leak.

mod disk;
mod journal;

pub use disk::{FileDisk, OpenError};

use crate::{Disk, Host, LocalBoxFuture, Recorder, Sink, emit};
use futures::FutureExt;
use rand::rngs::SysRng;
use rand::{RngExt, SeedableRng, TryRng};
use rand_pcg::Pcg64Mcg;
use std::any::Any;
use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::ops::RangeInclusive;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::Instant;
use tracecheck_schema::{Node, Record};

/// Runs `main` and all that it spawns on this thread, until `main` is done. Then the rest is dropped.
///
/// # Errors
/// The system gives no runtime.
pub fn run<T>(main: impl Future<Output = T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(LocalSet::new().block_on(&runtime, main))
}

/// How a host differs from the usual one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostOptions {
    /// How long ago the run began: the host's clock starts there, so that traces of several processes have
    /// about one clock. For people: a run is ordered by causes.
    pub elapsed: Duration,
    /// What [`Host::draw`] depends on; by default something else every time.
    pub seed: Option<u64>,
}

/// One incarnation of a node in this process.
pub struct RealHost {
    clock: Clock,
    random: RefCell<Pcg64Mcg>,
    recorder: Recorder,
    disk: FileDisk,
    /// Why the incarnation is over, if it is.
    ended: watch::Sender<Option<Ended>>,
}

#[derive(Clone)]
enum Ended {
    Stopped,
    Panicked(String),
}

/// Monotonic time since the run began.
#[derive(Clone, Copy)]
struct Clock {
    begin: Instant,
    elapsed: Duration,
}

impl Clock {
    fn now(&self) -> Duration {
        self.elapsed + self.begin.elapsed()
    }
}

/// Hands records to `tracing`.
struct Emit(Clock);

impl Sink for Emit {
    fn now_ns(&self) -> u64 {
        u64::try_from(self.0.now().as_nanos()).unwrap_or(u64::MAX)
    }

    fn take(&self, record: Record) {
        emit(&record);
    }

    fn keeps(&self) -> bool {
        true
    }
}

impl RealHost {
    /// The incarnation of `node` that its disk began.
    ///
    /// # Errors
    /// The system gives no randomness for a seed.
    pub fn new(node: Node, disk: FileDisk, options: HostOptions) -> io::Result<Rc<RealHost>> {
        let seed = match options.seed {
            Some(seed) => seed,
            None => SysRng.try_next_u64().map_err(io::Error::other)?,
        };
        let clock = Clock { begin: Instant::now(), elapsed: options.elapsed };
        Ok(Rc::new(RealHost {
            clock,
            random: RefCell::new(Pcg64Mcg::seed_from_u64(seed)),
            recorder: Recorder::new(Rc::new(Emit(clock)), node, disk.incarnation()),
            disk,
            ended: watch::Sender::new(None),
        }))
    }

    /// Ends the incarnation: every task that was spawned is dropped where it waits, and nothing is recorded.
    pub fn end(&self) {
        self.recorder.close();
        end(&self.ended, Ended::Stopped);
    }

    /// Completes when the incarnation is over: with nothing if it was [ended](RealHost::end), with what a task
    /// said that panicked otherwise.
    pub async fn ended(&self) -> Option<String> {
        let mut ended = self.ended.subscribe();
        match ended.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(Ended::Panicked(message))) => Some(message.clone()),
            _ => None,
        }
    }
}

/// The first end counts.
fn end(ended: &watch::Sender<Option<Ended>>, how: Ended) {
    ended.send_if_modified(|ended| {
        let first = ended.is_none();
        ended.get_or_insert(how);
        first
    });
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message").to_owned()
}

impl Host for RealHost {
    fn now(&self) -> Duration {
        self.clock.now()
    }

    fn sleep_until(&self, at: Duration) -> LocalBoxFuture<'static, ()> {
        let Clock { begin, elapsed } = self.clock;
        Box::pin(tokio::time::sleep_until(begin + at.saturating_sub(elapsed)))
    }

    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        let mut over = self.ended.subscribe();
        let (ended, recorder) = (self.ended.clone(), self.recorder.clone());
        spawn_local(async move {
            tokio::select! {
                // First, so that nothing of an incarnation that is over takes one more step.
                biased;
                _ = over.wait_for(Option::is_some) => {}
                result = AssertUnwindSafe(task).catch_unwind() => if let Err(panic) = result {
                    recorder.close();
                    end(&ended, Ended::Panicked(message(&*panic)));
                }
            }
        });
    }

    fn draw(&self, range: RangeInclusive<u64>) -> u64 {
        self.random.borrow_mut().random_range(range)
    }

    fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    fn disk(&self) -> Rc<dyn Disk> {
        Rc::new(self.disk.clone())
    }
}
