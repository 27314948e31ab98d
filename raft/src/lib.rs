//! Raft: a pure core in the paper's terms, and the driver that runs it in either world.
//!
//! Owns consensus. [`core`] is the algorithm, a synchronous state machine without I/O, and most of what
//! students write; the driver around it is what [`Raft`] starts: it feeds inputs, hands writes to the disk,
//! releases effects when they may leave, and derives every trace event.
//!
//! Invariants
//! - A message leaves only after the writes that its server emitted before it are durable ([`release`]).
//! - Every event comes from one function over (input, state before, effects, state after) ([`observe`]).
//!
//! Never: reads a clock or draws a random number except through its host; knows the service above it,
//! the rules that judge it, or whether it is simulated.

pub mod core;
mod driver;
mod node;
pub mod observe;
pub mod release;
mod rpc;
pub mod sanity;
pub mod storage;

pub use node::{Deliver, Delivery, ProposeError, Raft, StartError};
pub use rpc::{RaftEnd, RaftRpc, RaftRpcClient, RaftRpcRequest, RaftRpcResponse, RaftService, describe};

/// The library's own test binary, which `cargo test NAME` insists on building: the tests are in `tests/labs`.
#[cfg(test)]
fn main() {}
