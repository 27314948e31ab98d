//! The judge: which rules of Raft held in a run, and which did not.
//!
//! Owns the order of events (happens-before), the rules, their verdicts, and how a violation is explained
//! to a person. It judges *online*, record by record inside a test, and *offline*, from a file.
//!
//! Invariants: the same records give the same verdicts and the same sentences; what cannot be decided is
//! [`Verdict::Unknown`], never a pass; no input, however broken, makes it panic.
//!
//! Never: depends on Raft, on the network or on the service that it judges; orders events by time; trusts
//! the state that a server reports further than its messages and writes bear out.

mod context;
mod explain;
mod judge;
mod offline;
mod phrase;
mod quorum;
mod rules;
mod verdict;
mod words;

pub mod columns;
pub mod linear;
pub mod order;
pub mod read;
pub mod sequence;
pub mod stats;

pub use columns::{ColumnOptions, columns};
pub use explain::{explain_violation, explain_violation_with};
pub use judge::Judge;
pub use offline::{Found, Offline, judge_text};
pub use phrase::phrase;
pub use rules::{RuleInfo, rule, rules};
pub use tracecheck_schema as schema;
pub use verdict::{End, Overall, UnknownRule, Verdict, Verdicts, Violation, Witness};
