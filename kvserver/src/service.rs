//! Between Raft and the state machine: what Raft delivers is executed, recorded, and told to whoever waits for it.
//!
//! Owns the machine of a replicated server, up to where it is applied, and who waits.
//!
//! Invariant: the machine is what the log up to `applied` makes of an empty one.

use crate::machine::Machine;
use kvclient::protocol::Request;
use labrpc::schema::{Event, Index, KvOutcome, Op, state_digest};
use labrpc::{Recorder, decode, encode};
use raft::Delivery;
use std::collections::BTreeMap;
use tokio::sync::oneshot;
use xxhash_rust::xxh3::xxh3_64;

/// What the log's events call this request.
pub(crate) fn digest(request: &Request) -> u64 {
    xxh3_64(&encode(request))
}

#[derive(Default)]
pub(crate) struct Service {
    pub(crate) machine: Machine,
    /// The last index that the machine has executed. First 0; never falls.
    pub(crate) applied: Index,
    /// Who waits for an operation, and nobody else.
    waiting: BTreeMap<Op, Vec<oneshot::Sender<KvOutcome>>>,
}

impl Service {
    /// Takes one delivery. True: the machine has executed a command, and the log has grown.
    pub(crate) fn deliver(&mut self, delivery: Delivery, recorder: &Recorder) -> bool {
        match delivery {
            Delivery::Command { index, command, .. } => {
                // Only servers of this kind propose, and they propose requests.
                let Ok(request) = decode::<Request>(&command) else { return false };
                self.execute(index, xxh3_64(&command), request, recorder);
                true
            }
            Delivery::Snapshot(snap) => {
                self.machine = Machine::restore(&snap.data);
                self.applied = snap.index;
                let digest = state_digest(self.machine.keys());
                recorder.record(Event::StateRestored { index: snap.index, digest }, None, None);
                false
            }
        }
    }

    fn execute(&mut self, index: Index, operation: u64, request: Request, recorder: &Recorder) {
        let Request { op, call } = request;
        let outcome = self.machine.execute(op, &call);
        self.applied = index;
        let (call, told) = (Box::new(call), outcome.clone());
        recorder.record(Event::Executed { index, operation, op, call, outcome: told }, None, None);
        for waiter in self.waiting.remove(&op).unwrap_or_default() {
            // Whoever is gone needs no answer.
            let _ = waiter.send(outcome.clone());
        }
    }

    /// What the operation will be answered when it is executed the next time.
    pub(crate) fn await_execution(&mut self, op: Op) -> oneshot::Receiver<KvOutcome> {
        // Who waited before and is gone takes no room.
        self.waiting.retain(|_, waiters| {
            waiters.retain(|waiter| !waiter.is_closed());
            !waiters.is_empty()
        });
        let (waiter, outcome) = oneshot::channel();
        self.waiting.entry(op).or_default().push(waiter);
        outcome
    }
}
