//! Channels, locks and signals: tokio's own, which need neither clock nor thread, but for what draws numbers.
//!
//! tokio spreads those who wait for a [`watch`] over eight lists at random, so it would wake them in an order that no seed
//! decides, and a [`Barrier`] stands on one. Both are ours.

mod barrier;
pub mod watch;

pub use barrier::{Barrier, BarrierWaitResult};
pub use real::sync::*;
