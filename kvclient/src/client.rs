//! The client as programs hold it.
//!
//! Owns the ids of operations and the records of their beginnings and ends, so that the history that is judged is
//! the kit's own. What happens in between is the clerk's.

use crate::clerk::Clerk;
use crate::protocol::{KvEnd, Request};
use crate::remote::Remote;
use labrpc::Host;
use labrpc::schema::{Event, KvCall, KvOutcome, Op, Server};
use std::rc::Rc;
use std::time::Duration;

/// How long a client waits. In virtual time, where it is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For the answer of one server to one attempt. Longer than a server takes to say that it has no quorum.
    pub attempt: Duration,
    /// For an operation, over all its attempts.
    pub operation: Duration,
    /// Between two attempts, and between two looks whether a server is back.
    pub pause: Duration,
}

impl Default for Patience {
    /// 4 s, 60 s and 50 ms.
    fn default() -> Self {
        Patience {
            attempt: Duration::from_secs(4),
            operation: Duration::from_secs(60),
            pause: Duration::from_millis(50),
        }
    }
}

/// An operation that was not done, or of which nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KvError {
    /// No server that has a quorum took it. It did not take effect, and never will.
    #[error(
        "no server with a quorum behind it took the operation within {within:?}; it has not taken effect, and may be tried again"
    )]
    NoQuorum {
        /// How long the client tried.
        within: Duration,
    },
    /// Servers took it, and none said what became of it.
    #[error(
        "no server answered within {within:?}: whether the operation took effect, or yet will, is unknown"
    )]
    Unknown {
        /// How long the client tried.
        within: Duration,
    },
    /// A server answered something else than was asked.
    #[error("a server answered {got} to {call}: that is no answer to it")]
    Nonsense {
        /// What was asked.
        call: String,
        /// What came back.
        got: String,
    },
}

/// A client of the key/value service. It does one operation at a time.
pub struct KvClient {
    host: Rc<dyn Host>,
    clerk: Clerk,
    client_id: u32,
    last_op: u64,
    ready: bool,
}

impl KvClient {
    /// Starts client `client_id`, which no other client may ever have been, with a connection to each server. Which
    /// it turns to first, and after a failure, is its own choice.
    pub fn start(
        host: Rc<dyn Host>,
        client_id: u32,
        servers: impl IntoIterator<Item = (Server, KvEnd)>,
        patience: Patience,
    ) -> KvClient {
        let remote = |(to, end)| Remote::new(host.clone(), to, end);
        let servers = servers.into_iter().map(remote).collect();
        let clerk = Clerk::new(host.clone(), servers, patience);
        clerk.begin(client_id);
        KvClient { host, clerk, client_id, last_op: 0, ready: false }
    }

    /// What the key holds; empty if nobody wrote it.
    ///
    /// # Errors
    /// [`KvError`], after the operation's patience.
    pub async fn get(&mut self, key: &str) -> Result<String, KvError> {
        let call = KvCall::Get { key: key.to_owned() };
        match self.operate(call.clone()).await? {
            KvOutcome::Value { value } => Ok(value),
            other => Err(nonsense(&call, &other)),
        }
    }

    /// Sets the key to the value.
    ///
    /// # Errors
    /// [`KvError`], after the operation's patience.
    pub async fn put(&mut self, key: &str, value: &str) -> Result<(), KvError> {
        self.write(KvCall::Put { key: key.to_owned(), value: value.to_owned() }).await
    }

    /// Adds the value to the end of what the key holds.
    ///
    /// # Errors
    /// [`KvError`], after the operation's patience.
    pub async fn append(&mut self, key: &str, value: &str) -> Result<(), KvError> {
        self.write(KvCall::Append { key: key.to_owned(), value: value.to_owned() }).await
    }

    /// Empties the key.
    ///
    /// # Errors
    /// [`KvError`], after the operation's patience.
    pub async fn delete(&mut self, key: &str) -> Result<(), KvError> {
        self.write(KvCall::Delete { key: key.to_owned() }).await
    }

    /// Sets the key to `to` if it holds `from`; says whether it did.
    ///
    /// # Errors
    /// [`KvError`], after the operation's patience.
    pub async fn cas(&mut self, key: &str, from: &str, to: &str) -> Result<bool, KvError> {
        let call = KvCall::Cas { key: key.to_owned(), from: from.to_owned(), to: to.to_owned() };
        match self.operate(call.clone()).await? {
            KvOutcome::Swapped { swapped } => Ok(swapped),
            other => Err(nonsense(&call, &other)),
        }
    }

    /// Ends the client.
    pub fn stop(self) {
        self.clerk.end(self.client_id);
    }

    async fn write(&mut self, call: KvCall) -> Result<(), KvError> {
        match self.operate(call.clone()).await? {
            KvOutcome::Done {} => Ok(()),
            other => Err(nonsense(&call, &other)),
        }
    }

    /// One operation from its beginning to its end, as the history has it.
    pub async fn operate(&mut self, call: KvCall) -> Result<KvOutcome, KvError> {
        if !self.ready {
            self.clerk.await_ready().await;
            self.ready = true;
        }
        self.last_op += 1;
        let op = Op { client_id: self.client_id, op_id: self.last_op };
        let recorder = self.host.recorder();
        recorder.record(Event::Invoke { op, call: Box::new(call.clone()) }, None, None);
        let result = self.clerk.operate(Request { op, call }).await;
        let outcome = match &result {
            Ok(outcome) => outcome.clone(),
            Err(KvError::NoQuorum { .. }) => KvOutcome::Failed {},
            Err(KvError::Unknown { .. } | KvError::Nonsense { .. }) => KvOutcome::Unknown {},
        };
        recorder.record(Event::Return { op, outcome }, None, None);
        result
    }
}

fn nonsense(call: &KvCall, got: &KvOutcome) -> KvError {
    KvError::Nonsense { call: call.to_string(), got: got.to_string() }
}
