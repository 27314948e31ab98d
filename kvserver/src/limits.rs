//! How long and how much a server holds.

use std::time::Duration;

/// The limits of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A request waits so long for a coordinator with a quorum before it is refused. Longer than an election takes.
    pub no_quorum: Duration,
    /// Between two looks for a coordinator that can be reached.
    pub pause: Duration,
    /// More requests than this do not wait at one server: they are refused at once.
    pub waiting: usize,
    /// Bytes of the log from which on a snapshot is handed to Raft; none: never.
    pub log_bytes: Option<u64>,
}

impl Default for Limits {
    /// 3 s, 20 ms, 1,000 requests, no snapshots.
    fn default() -> Self {
        Limits {
            no_quorum: Duration::from_secs(3),
            pause: Duration::from_millis(20),
            waiting: 1_000,
            log_bytes: None,
        }
    }
}
