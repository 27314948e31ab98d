//! Lab 1: the state machine, which executes operations one after the other.
//!
//! Owns the keys and, for each client, the last operation of it that was executed.
//!
//! Invariants
//! - It is a function of the operations that it was given, in their order: every server that executes the same log
//!   has the same machine.
//! - A client's operation is executed at most once. A client does one operation at a time, so its last one is all
//!   that needs to be remembered.
//!
//! Never: reads a clock, draws a number, or iterates in an order that another server could not repeat.

use labrpc::schema::{KvCall, KvOutcome, Op};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The keys, and who has been answered what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// What every key holds; an empty one is not there.
    pub(crate) keys: BTreeMap<String, String>,
    /// The last executed write of each client.
    sessions: BTreeMap<u32, Session>,
}

/// What is remembered of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Session {
    /// The id of its last executed write. Never falls.
    op_id: u64,
    /// What that was answered. Small: only writes are remembered.
    outcome: KvOutcome,
}

impl Machine {
    /// Executes an operation, unless it was executed before: then its answer is given again.
    // region lab1: a write that this client's session has seen is answered from there, anything else is performed; a write is remembered (rule K5)
    pub fn execute(&mut self, op: Op, call: &KvCall) -> KvOutcome {
        if call.is_get() {
            return self.read(call.key());
        }
        match self.sessions.get(&op.client_id) {
            Some(session) if session.op_id == op.op_id => return session.outcome.clone(),
            // Left over from a retry whose client has gone on since: nobody waits for the answer.
            Some(session) if session.op_id > op.op_id => return KvOutcome::Unknown {},
            _ => {}
        }
        let outcome = self.perform(call);
        let session = Session { op_id: op.op_id, outcome: outcome.clone() };
        self.sessions.insert(op.client_id, session);
        outcome
    }

    /// What a key holds; empty if it holds nothing.
    // region lab1: answer with the key's value, or with an empty one
    pub fn read(&self, key: &str) -> KvOutcome {
        KvOutcome::Value { value: self.keys.get(key).cloned().unwrap_or_default() }
    }

    /// Does what a write says.
    // region lab1: put, append, compare-and-swap and delete; a key that holds the empty value is not kept
    fn perform(&mut self, call: &KvCall) -> KvOutcome {
        let held = self.keys.get(call.key()).cloned().unwrap_or_default();
        let (value, outcome) = match call {
            KvCall::Get { .. } => return KvOutcome::Value { value: held },
            KvCall::Put { value, .. } => (value.clone(), KvOutcome::Done {}),
            KvCall::Append { value, .. } => (held + value, KvOutcome::Done {}),
            KvCall::Delete { .. } => (String::new(), KvOutcome::Done {}),
            KvCall::Cas { from, .. } if held != *from => return KvOutcome::Swapped { swapped: false },
            KvCall::Cas { to, .. } => (to.clone(), KvOutcome::Swapped { swapped: true }),
        };
        if value.is_empty() {
            self.keys.remove(call.key());
        } else {
            self.keys.insert(call.key().to_owned(), value);
        }
        outcome
    }

    /// What the keys hold, for whoever checks.
    pub fn keys(&self) -> &BTreeMap<String, String> {
        &self.keys
    }
}
