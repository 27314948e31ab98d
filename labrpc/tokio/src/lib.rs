//! tokio, as far as the labs need it, for code that runs in both worlds.
//!
//! A student's crate depends on this one under the name `tokio`, and is ordinary async Rust. In the real world
//! everything here hands over to the real tokio. In a simulation it hands over to the node whose task is being polled
//! ([`world`]): time is virtual, tasks die in their node's crash, and [`select!`] draws its order from the seed. So a
//! run is a function of its seed, whatever the code is.
//!
//! What is here: [`spawn`], [`task`] (with `JoinHandle`, `JoinSet`, `yield_now`), [`time`] (sleeps, timeouts,
//! intervals, `Instant`), [`sync`] (channels, locks, `Notify`, `Semaphore`), [`select!`], [`join!`], [`try_join!`],
//! [`pin!`] and [`task_local!`].
//!
//! # What is absent
//!
//! `net`, `fs`, `io`, `process`, `signal`, `runtime`, `LocalSet`, `#[tokio::main]` and `#[tokio::test]`. The compiler
//! says then that it could not find them in `tokio`. A node has none of them: other nodes are reached through its
//! calls, its disk is `Host::disk`, and its world runs it.
//!
//! # What differs from tokio
//!
//! - **Nothing needs to be `Send`.** A node's tasks share one thread in both worlds, and the stubs of remote calls are
//!   no `Send` types. So [`spawn`] takes any `'static` future and is `spawn_local` of the node's `LocalSet` in the real
//!   world; handles stay on their thread as well.
//! - **A panic in a simulated task ends the run** with a report that shows it, rather than to end in the `JoinError` of
//!   somebody who may never look. In the real world the `JoinError` has it, as always.
//! - **`spawn_blocking` and `block_in_place` are refused in a simulation**, which has no threads: the run fails and says
//!   where the call is. What waits for a lock or channel with a `blocking_` method has the only thread wait for itself.
//! - **Simulated timers are exact** to the nanosecond; the real ones round up to a millisecond.
//! - There are no task ids, no `Builder`, and no way to spawn on somebody else's runtime.
//!
//! Invariants: in a simulation nothing here reads a clock, starts a thread or draws a number that is not the node's.
//! No unsafe code of our own, no `--cfg tokio_unstable`: it builds with any `RUSTFLAGS`.
//!
//! Never: knows who simulates. `labrpc-sim` implements [`world::Node`].

pub mod sync;
pub mod task;
pub mod time;
pub mod world;

pub use real::{join, pin, task_local, try_join};
pub use task::spawn;

/// What [`select!`] expands to.
#[doc(hidden)]
pub mod inner {
    pub use crate::world::first_branch;
    pub use real::select;
}

/// Waits for several branches at once, and goes on with the first that is done: see tokio's own `select!`, whose
/// syntax and rules this has.
///
/// Which branch is polled first is drawn anew with every poll. In a simulation the node draws it ([`world::Node::choose`]),
/// so that it is a function of the seed. With `biased;` it is the order in which the branches are written.
#[macro_export]
macro_rules! select {
    (biased; $($branches:tt)*) => {
        $crate::inner::select!(biased; $($branches)*)
    };
    (else => $($handler:tt)*) => {
        $crate::inner::select!(else => $($handler)*)
    };
    () => {
        ::core::compile_error!("select! requires at least one branch.")
    };
    // As tokio's own entry, but for who draws. BRANCHES is a constant of its expansion.
    ($($branches:tt)*) => {
        $crate::inner::select!(@{ start={ $crate::inner::first_branch(BRANCHES) }; () } $($branches)*)
    };
}
