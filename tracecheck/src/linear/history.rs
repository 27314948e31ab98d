//! What clients asked and were answered, and in which real-time order.
//!
//! Owns the operations of a run, compactly: keys and values are numbered once, so that a million operations
//! take about 60 MB and a check compares numbers, not texts.
//!
//! Invariants: an operation's return never comes before its invocation; its outcome fits its call; an operation
//! without a known outcome never returns.
//!
//! Never: judges; drops an operation.

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};
use tracecheck_schema::{Event, KvCall, KvOutcome};

/// One operation of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Who asked.
    pub client: u64,
    /// What for.
    pub call: KvCall,
    /// What became of it.
    pub outcome: KvOutcome,
    /// Its place in real time. Operations whose intervals touch are concurrent.
    pub invoked: u64,
    /// Likewise; `None` if it never returned.
    pub returned: Option<u64>,
    /// Where its invocation stands: a line number, or whatever the caller finds it again by. 0: nowhere.
    pub invoked_at: u64,
    /// Where its return stands.
    pub returned_at: u64,
}

/// Why an event cannot be part of a history. Each sentence goes on after `line 7 `.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// Nothing was asked for.
    #[error("is the return of an operation of client {client} that was never invoked: were lines removed?")]
    NotInvoked {
        /// The client.
        client: u64,
    },
    /// The same operation twice.
    #[error(
        "invokes an operation of client {client} that was invoked before: operations have their own numbers"
    )]
    InvokedTwice {
        /// The client.
        client: u64,
    },
    /// A get that was `Done`, say.
    #[error("says that `{call}` ended as `{outcome}`, which such an operation cannot")]
    Mismatch {
        /// What was asked.
        call: String,
        /// What was answered.
        outcome: String,
    },
    /// Time runs backwards.
    #[error("returns an operation before it was invoked")]
    Backwards,
}

/// A call's kind, without key and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Get,
    Put,
    Append,
    Cas,
    Delete,
}

/// What became of a call. A get's value is in `Compact::b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Done,
    Swapped,
    NotSwapped,
    Failed,
    Unknown,
}

/// An operation in numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compact {
    pub(crate) client: u64,
    pub(crate) invoked: u64,
    /// `u64::MAX` if it never returned.
    pub(crate) returned: u64,
    pub(crate) invoked_at: u64,
    pub(crate) returned_at: u64,
    pub(crate) key: u32,
    /// The value put or appended, or what a cas must find.
    pub(crate) a: u32,
    /// What a cas leaves, or what a get found.
    pub(crate) b: u32,
    pub(crate) kind: Kind,
    pub(crate) fate: Fate,
}

/// The number of the empty value.
pub(crate) const EMPTY: u32 = 0;

/// The operations of a run.
#[derive(Clone, Debug)]
pub struct History {
    pub(crate) operations: Vec<Compact>,
    keys: Names,
    values: Names,
    /// The operations that have not returned, by client and the client's number for them.
    open: FxHashMap<(u64, u64), usize>,
    now: u64,
}

#[derive(Clone, Debug, Default)]
struct Names(IndexSet<Box<str>, FxBuildHasher>);

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        let number = match self.0.get_index_of(name) {
            Some(number) => number,
            None => self.0.insert_full(name.into()).0,
        };
        u32::try_from(number).expect("a history has fewer than four thousand million names")
    }

    fn name(&self, number: u32) -> &str {
        self.0.get_index(number as usize).map_or("", |name| name)
    }
}

impl Default for History {
    fn default() -> Self {
        let mut values = Names::default();
        assert_eq!(values.number(""), EMPTY);
        History { operations: Vec::new(), keys: Names::default(), values, open: FxHashMap::default(), now: 0 }
    }
}

impl History {
    /// A history of no operations.
    pub fn new() -> History {
        History::default()
    }

    /// How many operations there are.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Adds an operation as a whole, with its places in real time.
    ///
    /// # Errors
    ///
    /// Its outcome does not fit its call, or it returned before it was invoked.
    pub fn push(&mut self, operation: &Operation) -> Result<(), HistoryError> {
        let Operation { client, call, outcome, invoked, returned, invoked_at, returned_at } = operation;
        if returned.is_some_and(|returned| returned < *invoked) {
            return Err(HistoryError::Backwards);
        }
        let mut compact = self.compact(*client, call, *invoked, *invoked_at);
        if let Some(returned) = returned {
            self.settle(&mut compact, outcome, *returned, *returned_at)?;
        }
        self.now = self.now.max(*invoked).max(returned.unwrap_or(0));
        self.operations.push(compact);
        Ok(())
    }

    /// A client asks for an operation, which is after everything told so far. `op` is the client's number for it.
    ///
    /// # Errors
    ///
    /// The client has an operation of that number that did not return.
    pub fn invoke(&mut self, client: u64, op: u64, call: &KvCall, at: u64) -> Result<(), HistoryError> {
        self.now += 1;
        let compact = self.compact(client, call, self.now, at);
        if self.open.insert((client, op), self.operations.len()).is_some() {
            return Err(HistoryError::InvokedTwice { client });
        }
        self.operations.push(compact);
        Ok(())
    }

    /// An operation returns, after everything told so far.
    ///
    /// # Errors
    ///
    /// It was not invoked, or returned before; or such an operation cannot end so.
    pub fn give(&mut self, client: u64, op: u64, outcome: &KvOutcome, at: u64) -> Result<(), HistoryError> {
        self.now += 1;
        let index = self.open.remove(&(client, op)).ok_or(HistoryError::NotInvoked { client })?;
        let mut compact = self.operations[index];
        self.settle(&mut compact, outcome, self.now, at)?;
        self.operations[index] = compact;
        Ok(())
    }

    /// Takes an event of a trace; events that are neither `Invoke` nor `Return` say nothing here.
    ///
    /// # Errors
    ///
    /// As [`History::invoke`] and [`History::give`].
    pub fn observe(&mut self, event: &Event, at: u64) -> Result<(), HistoryError> {
        match event {
            Event::Invoke { op, call } => self.invoke(op.client_id.into(), op.op_id, call, at),
            Event::Return { op, outcome } => self.give(op.client_id.into(), op.op_id, outcome, at),
            _ => Ok(()),
        }
    }

    /// The operation of that number, from 0, in the order in which they were invoked or pushed.
    pub fn get(&self, index: usize) -> Option<Operation> {
        let found = self.operations.get(index)?;
        let key = self.key(found.key).to_owned();
        let value = |number: u32| self.value(number).to_owned();
        let call = match found.kind {
            Kind::Get => KvCall::Get { key },
            Kind::Put => KvCall::Put { key, value: value(found.a) },
            Kind::Append => KvCall::Append { key, value: value(found.a) },
            Kind::Cas => KvCall::Cas { key, from: value(found.a), to: value(found.b) },
            Kind::Delete => KvCall::Delete { key },
        };
        let outcome = match (found.fate, found.kind) {
            (Fate::Done, Kind::Get) => KvOutcome::Value { value: value(found.b) },
            (Fate::Done, _) => KvOutcome::Done {},
            (Fate::Swapped, _) => KvOutcome::Swapped { swapped: true },
            (Fate::NotSwapped, _) => KvOutcome::Swapped { swapped: false },
            (Fate::Failed, _) => KvOutcome::Failed {},
            (Fate::Unknown, _) => KvOutcome::Unknown {},
        };
        let returned = (found.returned != u64::MAX).then_some(found.returned);
        let Compact { client, invoked, invoked_at, returned_at, .. } = *found;
        Some(Operation { client, call, outcome, invoked, returned, invoked_at, returned_at })
    }

    pub(crate) fn key(&self, number: u32) -> &str {
        self.keys.name(number)
    }

    pub(crate) fn keys(&self) -> usize {
        self.keys.0.len()
    }

    pub(crate) fn value(&self, number: u32) -> &str {
        self.values.name(number)
    }

    pub(crate) fn values(&self) -> usize {
        self.values.0.len()
    }

    fn compact(&mut self, client: u64, call: &KvCall, invoked: u64, at: u64) -> Compact {
        let key = self.keys.number(call.key());
        let mut number = |value: &str| self.values.number(value);
        let (kind, a, b) = match call {
            KvCall::Get { .. } => (Kind::Get, EMPTY, EMPTY),
            KvCall::Put { value, .. } => (Kind::Put, number(value), EMPTY),
            KvCall::Append { value, .. } => (Kind::Append, number(value), EMPTY),
            KvCall::Cas { from, to, .. } => (Kind::Cas, number(from), number(to)),
            KvCall::Delete { .. } => (Kind::Delete, EMPTY, EMPTY),
        };
        let (returned, returned_at, fate) = (u64::MAX, 0, Fate::Unknown);
        Compact { client, invoked, returned, invoked_at: at, returned_at, key, a, b, kind, fate }
    }

    fn settle(
        &mut self,
        of: &mut Compact,
        outcome: &KvOutcome,
        now: u64,
        at: u64,
    ) -> Result<(), HistoryError> {
        of.fate = match (of.kind, outcome) {
            (_, KvOutcome::Unknown {}) => Fate::Unknown,
            (_, KvOutcome::Failed {}) => Fate::Failed,
            (Kind::Get, KvOutcome::Value { value }) => {
                of.b = self.values.number(value);
                Fate::Done
            }
            (Kind::Put | Kind::Append | Kind::Delete, KvOutcome::Done {}) => Fate::Done,
            (Kind::Cas, KvOutcome::Swapped { swapped: true }) => Fate::Swapped,
            (Kind::Cas, KvOutcome::Swapped { swapped: false }) => Fate::NotSwapped,
            (kind, outcome) => {
                let (call, outcome) = (format!("{kind:?}").to_lowercase(), outcome.to_string());
                return Err(HistoryError::Mismatch { call, outcome });
            }
        };
        of.returned_at = at;
        // Whose outcome nobody knows may take effect after its return.
        if of.fate != Fate::Unknown {
            of.returned = now;
        }
        Ok(())
    }
}
