//! What clients ask of the key/value service, as traces and histories name it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use xxhash_rust::xxh3::Xxh3;

/// Names a client's operation for ever: a retry keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Op {
    /// The client, numbered from 1.
    pub client_id: u32,
    /// 1, 2, 3 … within the client.
    pub op_id: u64,
}

impl fmt::Display for Op {
    /// `c2/7`: the seventh operation of client 2.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}/{}", self.client_id, self.op_id)
    }
}

/// An operation on one key. A key that was never written holds the empty value, and so does a deleted one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum KvCall {
    /// Reads the key.
    Get {
        /// Which.
        key: String,
    },
    /// Sets the key to a value.
    Put {
        /// Which.
        key: String,
        /// To what.
        value: String,
    },
    /// Adds a value to the end of what the key holds.
    Append {
        /// Which.
        key: String,
        /// What is added.
        value: String,
    },
    /// Sets the key to `to` if it holds `from`.
    Cas {
        /// Which.
        key: String,
        /// What it must hold.
        from: String,
        /// What it then holds.
        to: String,
    },
    /// Empties the key.
    Delete {
        /// Which.
        key: String,
    },
}

/// What became of an operation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum KvOutcome {
    /// A put, an append or a delete took effect.
    Done {},
    /// What a get found.
    Value {
        /// The value; empty for a key that holds none.
        value: String,
    },
    /// A compare-and-swap took effect, or found another value and changed nothing.
    Swapped {
        /// Whether it took effect.
        swapped: bool,
    },
    /// It did not take effect and never will.
    Failed {},
    /// Nobody knows: it may have taken effect, may yet, or may never.
    Unknown {},
}

impl KvCall {
    /// The key that it is about.
    pub fn key(&self) -> &str {
        match self {
            KvCall::Get { key }
            | KvCall::Put { key, .. }
            | KvCall::Append { key, .. }
            | KvCall::Cas { key, .. }
            | KvCall::Delete { key } => key,
        }
    }

    /// Whether it only reads.
    pub fn is_get(&self) -> bool {
        matches!(self, KvCall::Get { .. })
    }
}

impl KvOutcome {
    /// Whether the operation is known to have taken effect, or to have been answered.
    pub fn is_ok(&self) -> bool {
        !matches!(self, KvOutcome::Failed {} | KvOutcome::Unknown {})
    }
}

impl fmt::Display for KvCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KvCall::Get { key } => write!(f, "get {key}"),
            KvCall::Put { key, value } => write!(f, "put {key} = {value:?}"),
            KvCall::Append { key, value } => write!(f, "append {key} += {value:?}"),
            KvCall::Cas { key, from, to } => write!(f, "cas {key} {from:?} -> {to:?}"),
            KvCall::Delete { key } => write!(f, "delete {key}"),
        }
    }
}

impl fmt::Display for KvOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KvOutcome::Done {} => f.write_str("ok"),
            KvOutcome::Value { value } => write!(f, "{value:?}"),
            KvOutcome::Swapped { swapped: true } => f.write_str("swapped"),
            KvOutcome::Swapped { swapped: false } => f.write_str("not swapped"),
            KvOutcome::Failed {} => f.write_str("failed, without effect"),
            KvOutcome::Unknown {} => f.write_str("unknown"),
        }
    }
}

/// The digest of a service's keys and values that `StateRestored` carries: xxh3 over the keys in order, each with
/// its value, each text with its length in bytes before it (eight bytes, little-endian). A key that holds the
/// empty value counts like one that was never written.
pub fn state_digest(map: &BTreeMap<String, String>) -> u64 {
    let mut hasher = Xxh3::new();
    for (key, value) in map.iter().filter(|(_, value)| !value.is_empty()) {
        for text in [key, value] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
    }
    hasher.digest()
}
