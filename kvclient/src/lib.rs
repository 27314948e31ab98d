//! The client of the key/value service, and the protocol that clients and servers speak.
//!
//! Owns [`KvClient`], which programs use; the clerk below it, which students write: it sends an operation until a
//! server answers it; and [`protocol`] and [`remote`], which servers use as well.
//!
//! Invariants
//! - An operation keeps its id over all its retries, and a client does one operation at a time.
//! - Whatever cannot be known is told as unknown: a timeout is never a success.
//! - Every message is recorded by the kit, on both sides, whatever the student records.
//!
//! Never: knows Raft, who coordinates, or whether it is simulated.

mod clerk;
mod client;
pub mod protocol;
pub mod remote;

pub use client::{KvClient, KvError, Patience};

/// The library's own test binary, which `cargo test NAME` insists on building: the tests are in `kvserver`.
#[cfg(test)]
fn main() {}
