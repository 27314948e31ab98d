//! Lab 3B: snapshots of the state machine.
//!
//! Owns when one is taken, and what it holds: the keys *and* the sessions, or a retry that comes after a restart
//! would be executed again.

use crate::machine::Machine;
use crate::start::KvServer;
use labrpc::{decode, encode};

impl Machine {
    /// The whole machine as bytes.
    // region lab3b: encode everything that executing depends on: the keys and the sessions (rule K5)
    pub(crate) fn snapshot(&self) -> Vec<u8> {
        encode(self)
    }

    /// The machine that these bytes are a snapshot of.
    // region lab3b: the machine of which these bytes are the snapshot
    pub(crate) fn restore(bytes: &[u8]) -> Machine {
        decode(bytes).expect("a snapshot is what `snapshot` made, and Raft keeps it whole")
    }
}

impl KvServer {
    /// A command was executed: the log may have become too long.
    // region lab3b: hand Raft a snapshot as of the last executed index when the log has more than log_bytes bytes, one at a time (§7)
    pub(crate) fn trim_log(&self) {
        let Some(most) = self.limits.log_bytes else { return };
        let Some(raft) = self.raft.get() else { return };
        // The last one is on the disk, however much of the log it left: that may not have been executed then.
        let done = raft.snapshot_index() >= self.snapshot_at.get();
        if done && raft.live_bytes() > most {
            let service = self.service.borrow();
            self.snapshot_at.set(service.applied);
            raft.snapshot(service.applied, service.machine.snapshot());
        }
    }
}
