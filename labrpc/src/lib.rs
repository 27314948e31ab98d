//! What a node sees of the world it runs in: remote calls, time, randomness, a disk, a recorder.
//!
//! Owns the interfaces that code above it is written against ([`Host`], [`End`], [`Disk`],
//! [`Recorder`]) and their real side: calls over TCP ([`tcp`]). The simulated side is the crate
//! `labrpc-sim`, which this crate does not know.
//!
//! Invariants
//! - Code above cannot tell which world it runs in: one [`End`] type serves both.
//! - Every message carries the stamp of its sender's last record when it left. The kit sets and reads
//!   stamps; a student never handles them.
//! - A node's tasks all run on one thread, so nothing here is `Send` and nothing needs a lock.
//!
//! Never: knows Raft or the key/value service; draws randomness or reads a clock except through the host;
//! links the simulation.

mod disk;
mod end;
mod host;
mod jsonl;
mod packet;
pub mod real;
mod recorder;
mod serve;
mod stub;
pub mod tcp;

pub use disk::Disk;
pub use end::{End, Wire, context};
pub use host::{Host, LocalBoxFuture};
pub use jsonl::{JsonLines, emit};
pub use packet::{Packet, decode, encode};
pub use recorder::{Recorder, Sink};
pub use serve::{Handler, Incoming, Served, incoming, reply_with_stamp};
pub use stub::NotImplemented;

/// The schema of what is recorded.
pub use tracecheck_schema as schema;
