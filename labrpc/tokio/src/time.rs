//! Time: sleeping, deadlines and intervals, in virtual time or in real time. See tokio's documentation.
//!
//! Invariants: in a simulation the only clock is [`Node::now`](crate::world::Node::now).

pub mod error;
mod instant;
mod interval;
mod sleep;
mod timeout;

pub use instant::Instant;
pub use interval::{Interval, interval, interval_at};
pub use real::time::MissedTickBehavior;
pub use sleep::{Sleep, sleep, sleep_until};
pub use std::time::Duration;
pub use timeout::{Timeout, timeout, timeout_at};
