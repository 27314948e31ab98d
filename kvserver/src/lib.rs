//! The key/value server: any server takes a request, the coordinator (Raft's leader) has it executed.
//!
//! Owns [`KvServer`], a replicated server, and [`LoneServer`], the single one of lab 1. What both execute is the
//! state machine in `machine`; students write it, the handlers and the coordinator.
//!
//! Invariants
//! - An operation takes effect at most once, however often it is sent, proposed and delivered.
//! - What is answered was committed, and a read was confirmed by a quorum after it was asked.
//! - A forwarded request is never forwarded again.
//!
//! Never: elects, replicates or persists; that is Raft's.

mod alone;
mod coordinator;
mod limits;
mod machine;
mod server;
mod service;
mod snapshot;
mod start;

pub use alone::LoneServer;
pub use limits::Limits;
pub use machine::Machine;
pub use start::{KvServer, PeerEnds, StartError};

/// The library's own test binary, which `cargo test NAME` insists on building: the tests are in `tests/labs`.
#[cfg(test)]
fn main() {}
