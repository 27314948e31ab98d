//! When an effect may leave: the one place that holds messages back until the writes before them are durable.
//!
//! Serves the simulation, the TCP deployment and the explorer alike.
//!
//! Invariants
//! - An effect that was offered after a write is released only when that write, and every earlier one, is
//!   durable. Effects leave in the order in which they were offered.
//! - A `Send` marked `now` waits for nothing.

use crate::core::Effect;
use std::collections::VecDeque;

/// Effects that wait for writes. Writes are numbered 1, 2, 3 … in the order in which they were handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Release {
    written: u64,
    durable: u64,
    held: VecDeque<(u64, Effect)>,
}

impl Release {
    /// Notes that a write was handed to the disk, and returns its number.
    pub fn wrote(&mut self) -> u64 {
        self.written += 1;
        self.written
    }

    /// Takes an effect, and gives it back if it may leave at once.
    pub fn offer(&mut self, effect: Effect) -> Option<Effect> {
        let waits_for_nothing = matches!(effect, Effect::Send { now: true, .. });
        if waits_for_nothing || (self.held.is_empty() && self.durable == self.written) {
            return Some(effect);
        }
        self.held.push_back((self.written, effect));
        None
    }

    /// Notes that all writes up to number `upto` are durable.
    pub fn synced(&mut self, upto: u64) {
        self.durable = self.durable.max(upto);
    }

    /// The next held effect that may leave by now. Call until there is none.
    pub fn pop(&mut self) -> Option<Effect> {
        let (needs, _) = self.held.front()?;
        if *needs > self.durable {
            return None;
        }
        self.held.pop_front().map(|(_, effect)| effect)
    }

    /// Numbers writes anew, from 1 on after the durable ones: what is held and waited for stays the same. Two
    /// servers that owe the same are then equal, however much they wrote before.
    pub fn rebase(&mut self) {
        let durable = std::mem::take(&mut self.durable);
        self.written -= durable;
        self.held.iter_mut().for_each(|(needs, _)| *needs = needs.saturating_sub(durable));
    }

    /// Whether some write is not known to be durable.
    pub fn needs_sync(&self) -> bool {
        self.durable < self.written
    }

    /// The number of the last write.
    pub fn last_write(&self) -> u64 {
        self.written
    }
}
