//! Lab 3A: what the coordinator does with a request: it has a write committed, and a read confirmed.
//!
//! Invariant: what it answers was executed from the committed log, or read from it after a quorum confirmed that this
//! server still leads. When it leads no more, it says that the outcome is not known.

use crate::start::{KvServer, unless};
use kvclient::protocol::{Refusal, Request, Response};
use kvclient::remote::until;
use labrpc::encode;
use std::time::Duration;

impl KvServer {
    /// Executes a request, as the coordinator; at the latest at `end` it says what it knows.
    // region lab3a: read what is only read, propose what writes, and give up at the end of the time: then nobody knows what becomes of it
    pub(crate) async fn coordinate(&self, request: &Request, end: Duration) -> Response {
        let done = async {
            if request.call.is_get() { self.read(request).await } else { self.write(request).await }
        };
        let unknown = Response::Refused { why: Refusal::NoQuorum, taken: !request.call.is_get() };
        until(&*self.host, end, done).await.unwrap_or(unknown)
    }

    /// A read: nothing is proposed for it.
    // region lab3a: let Raft confirm that you still lead; then read what is applied (rule K4, thesis §6.4)
    async fn read(&self, request: &Request) -> Response {
        match self.raft().read().await {
            // What is committed is applied before Raft answers.
            Ok(_) => Response::Done(self.service.borrow().machine.read(request.call.key())),
            Err(_) => Response::Refused { why: Refusal::NotCoordinator, taken: false },
        }
    }

    /// A write: it is proposed, and answered when it was executed.
    // region lab3a: wait for the operation's execution from before you propose it, and give up when you lead this term no more: its outcome is unknown then (rules K4, K5)
    async fn write(&self, request: &Request) -> Response {
        let executed = self.service.borrow_mut().await_execution(request.op);
        let Ok((_, term)) = self.raft().propose(encode(request)).await else {
            return Response::Refused { why: Refusal::NotCoordinator, taken: false };
        };
        let deposed = async {
            while self.raft().get_state() == (term, true) {
                self.raft().moved().await;
            }
        };
        match unless(executed, deposed).await {
            Some(Ok(outcome)) => Response::Done(outcome),
            _ => Response::Refused { why: Refusal::NotCoordinator, taken: true },
        }
    }
}
