//! The trace contract as types: what every server, client and test run records.
//!
//! Owns the names and fields of events and how a record is written as one JSON line. Whoever emits
//! events depends on this crate alone; the judge (`tracecheck`) builds on it.
//!
//! Invariants: a record written and read back is equal; the same record always gives the same bytes.
//!
//! Never: judges, orders or explains anything; depends on the network, on Raft or on the service.

mod event;
mod id;
mod kv;
mod line;
mod record;

pub use event::{Action, EntryId, Event, Kind, KvKind, RejectReason, Timer, Trace};
pub use id::{Node, ParseNodeError, Server, Stamp};
pub use kv::{KvCall, KvOutcome, Op, state_digest};
pub use line::{Line, LineError, read_line, write_header, write_record};
pub use record::{Durability, Header, Record, Role, RunId, State};

/// The version of the schema that this crate writes and reads. A file of another version is refused.
pub const SCHEMA: u32 = 1;
/// A Raft term; 0 before the first election.
pub type Term = u64;
/// A position in the log. Indexes start at 1; 0 means "before the log".
pub type Index = u64;
