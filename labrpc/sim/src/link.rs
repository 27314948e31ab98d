//! Links: what can happen to a message in one direction between two nodes.

use std::ops::RangeInclusive;

/// Milliseconds of virtual time.
pub type Ms = u64;

pub(crate) const MS: u64 = 1_000_000;

/// One direction of a link. Requests and replies that travel this way are subject to it alike, except
/// where a field names one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// How long a message is under way, in nanoseconds; each draws its own.
    pub delay_ns: RangeInclusive<u64>,
    /// How many requests in 1,000 are lost.
    pub lose_requests: u16,
    /// How many replies in 1,000 are lost.
    pub lose_replies: u16,
    /// How many requests in 1,000 arrive twice.
    pub duplicate_requests: u16,
    /// How many replies in 1,000 come late, and by how many nanoseconds more: what reorders them.
    pub late_replies: (u16, RangeInclusive<u64>),
    /// How long a caller waits before it learns that its call failed, in nanoseconds.
    pub failure_ns: RangeInclusive<u64>,
    /// Nothing passes.
    pub cut: bool,
}

impl Link {
    /// 1–2 ms one way, nothing lost; a failed call is known to have failed after 0–100 ms.
    pub fn reliable() -> Self {
        Link {
            delay_ns: MS..=2 * MS,
            lose_requests: 0,
            lose_replies: 0,
            duplicate_requests: 0,
            late_replies: (0, 0..=0),
            failure_ns: 0..=100 * MS,
            cut: false,
        }
    }

    /// 0–26 ms one way; 10 % of the requests and 10 % of the replies lost.
    pub fn unreliable() -> Self {
        Link { delay_ns: 0..=26 * MS, lose_requests: 100, lose_replies: 100, ..Link::reliable() }
    }

    /// Reliable, but two thirds of the replies come 200–2,200 ms late.
    pub fn reordering() -> Self {
        Link { late_replies: (667, 200 * MS..=2200 * MS), ..Link::reliable() }
    }

    /// The same link, on which every message takes exactly `ms`.
    pub fn exactly(self, ms: Ms) -> Self {
        Link { delay_ns: ms * MS..=ms * MS, ..self }
    }

    /// The same link, on which failures take up to 7 s to show.
    pub fn long_delays(self) -> Self {
        Link { failure_ns: 0..=7000 * MS, ..self }
    }

    /// The same link, on which `per_mille` of the requests arrive twice.
    pub fn duplicating(self, per_mille: u16) -> Self {
        Link { duplicate_requests: per_mille, ..self }
    }
}

impl Default for Link {
    fn default() -> Self {
        Link::reliable()
    }
}
