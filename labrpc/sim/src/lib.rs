//! The simulated world: a whole cluster, its network, its disks and the test, on one thread in virtual
//! time, from one seed.
//!
//! Owns the virtual clock, the event heap, the executor, node lifecycles, links and their faults, disks
//! that lose what was not synced, and the trace in memory.
//!
//! Invariants
//! - The same seed and code give the same trace, byte for byte: events of one instant run in the order in
//!   which they were scheduled, tasks in the order in which they were woken, and every random number comes
//!   from a stream that is derived from the seed and a label.
//! - A crash kills every task of its node at once; what had not left is never sent, what was not synced
//!   survives as some prefix.
//! - Time only advances when nobody can run. When nobody can run and nothing is scheduled, that is a
//!   deadlock, and it is reported at once.
//!
//! Never: reads the real clock, starts a thread, knows Raft or the key/value service.

mod clock;
mod disk;
mod executor;
mod faults;
mod host;
mod link;
mod network;
mod outcome;
mod plan;
mod present;
mod random;
mod sim;
mod trace;
mod window;
mod world;

pub use link::{Link, Ms};
pub use network::{Counters, Describe};
pub use outcome::{Misuse, Outcome};
pub use plan::{Fault, Loss, Plan, Trouble};
pub use present::{Present, count_polls, place, present};
pub use random::Stream;
pub use sim::{Options, Sim};
pub use tokio::world::Refused;
pub use trace::Finished;
