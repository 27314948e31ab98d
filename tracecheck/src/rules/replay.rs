//! What a correct service makes of the log: the operations of all servers' Executed records, replayed once.
//!
//! Owns one map, what each client was answered last, and every entry with the answer that it must get.
//!
//! Invariants: entries are replayed in the order of their indexes, each once; an operation takes effect at most
//! once. An entry is only replayed when everything before it was.
//!
//! Never: believes the answer that a server gave.

use crate::context::Context;
use std::collections::{BTreeMap, HashMap};
use tracecheck_schema::{Index, KvCall, KvOutcome, Op, Stamp, state_digest};

/// What an entry must be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// This.
    Is(KvOutcome),
    /// One of these: a get that is repeated may be read again.
    Either(KvOutcome, KvOutcome),
    /// Anything: its client has gone on, and nobody waits for it.
    Any,
}

impl Answer {
    pub(crate) fn fits(&self, outcome: &KvOutcome) -> bool {
        match self {
            Answer::Is(one) => outcome == one,
            Answer::Either(one, other) => outcome == one || outcome == other,
            Answer::Any => true,
        }
    }
}

/// An entry, as it was executed first.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) operation: u64,
    pub(crate) op: Op,
    pub(crate) call: KvCall,
    /// Where it was seen first.
    pub(crate) at: Stamp,
    pub(crate) answer: Answer,
    /// The entry that carried the same operation first; itself, if it takes effect.
    pub(crate) first: Index,
}

/// The last operation of a client.
#[derive(Clone, Debug)]
struct Session {
    op_id: u64,
    answer: KvOutcome,
    index: Index,
}

/// The replayed service.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// Up to here everything was replayed.
    upto: Index,
    keys: BTreeMap<String, String>,
    sessions: HashMap<u32, Session>,
    entries: BTreeMap<Index, Entry>,
    /// An older state, and up to where it is replayed: the one that was asked for last.
    old: (Index, BTreeMap<String, String>),
    /// Digests by index, of those that were asked for.
    digests: BTreeMap<Index, u64>,
}

/// Does what a call says to a map, and answers it. A key that holds the empty value is not kept.
fn perform(keys: &mut BTreeMap<String, String>, call: &KvCall) -> KvOutcome {
    let held = || KvOutcome::Done {};
    match call {
        KvCall::Get { key } => KvOutcome::Value { value: keys.get(key).cloned().unwrap_or_default() },
        KvCall::Put { key, value } => {
            set(keys, key, value);
            held()
        }
        KvCall::Append { key, value } => {
            if !value.is_empty() {
                keys.entry(key.clone()).or_default().push_str(value);
            }
            held()
        }
        KvCall::Delete { key } => {
            keys.remove(key);
            held()
        }
        KvCall::Cas { key, from, to } => {
            let swapped = keys.get(key).map_or("", String::as_str) == from;
            if swapped {
                set(keys, key, to);
            }
            KvOutcome::Swapped { swapped }
        }
    }
}

fn set(keys: &mut BTreeMap<String, String>, key: &str, value: &str) {
    if value.is_empty() {
        keys.remove(key);
    } else {
        keys.insert(key.to_owned(), value.to_owned());
    }
}

impl Replay {
    /// Up to where everything was replayed.
    pub(crate) fn upto(&self) -> Index {
        self.upto
    }

    /// The entry at an index, if it was replayed.
    pub(crate) fn entry(&self, index: Index) -> Option<&Entry> {
        self.entries.get(&index)
    }

    /// Whether everything up to an index was replayed. Leaders' no-ops take an index, and are nobody's operations.
    pub(crate) fn reaches(&mut self, cx: &Context, index: Index) -> bool {
        while self.upto < index
            && cx.commits.at(self.upto + 1).next().is_some_and(|commit| commit.operation == 0)
        {
            self.upto += 1;
        }
        self.upto >= index
    }

    /// Replays the next entry; nothing lies between it and the last one.
    pub(crate) fn next(&mut self, index: Index, operation: u64, op: Op, call: &KvCall, at: Stamp) {
        let (answer, first) = match self.sessions.get(&op.client_id) {
            Some(session) if session.op_id > op.op_id => (Answer::Any, session.index),
            Some(session) if session.op_id == op.op_id && call.is_get() => {
                (Answer::Either(session.answer.clone(), perform(&mut self.keys, call)), session.index)
            }
            Some(session) if session.op_id == op.op_id => (Answer::Is(session.answer.clone()), session.index),
            _ => {
                let answer = perform(&mut self.keys, call);
                let session = Session { op_id: op.op_id, answer: answer.clone(), index };
                self.sessions.insert(op.client_id, session);
                (Answer::Is(answer), index)
            }
        };
        self.upto = index;
        self.entries.insert(index, Entry { operation, op, call: call.clone(), at, answer, first });
    }

    /// The digest of the keys and values after the entry at `index`, which was replayed.
    pub(crate) fn digest(&mut self, index: Index) -> u64 {
        if let Some(digest) = self.digests.get(&index) {
            return *digest;
        }
        if self.old.0 > index {
            self.old = (0, BTreeMap::new());
        }
        let (from, keys) = (self.old.0.saturating_add(1), &mut self.old.1);
        if from <= index {
            let effective = self.entries.range(from..=index).filter(|(index, entry)| entry.first == **index);
            effective.for_each(|(_, entry)| drop(perform(keys, &entry.call)));
        }
        self.old.0 = index;
        let digest = state_digest(&self.old.1);
        self.digests.insert(index, digest);
        digest
    }
}
