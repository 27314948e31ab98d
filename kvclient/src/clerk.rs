//! Labs 1 and 3A: the clerk sends an operation until a server answers it.
//!
//! Owns to which server the next attempt goes, and which servers said that they are cut off.
//!
//! Invariant: every attempt of an operation is the same request, with the same id.

use crate::client::{KvError, Patience};
use crate::protocol::{Refusal, Request, Response};
use crate::remote::Remote;
use labrpc::Host;
use labrpc::schema::{Event, KvOutcome, Server};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

pub(crate) struct Clerk {
    host: Rc<dyn Host>,
    servers: Vec<Remote>,
    patience: Patience,
    /// Where the next attempt goes: an index into `servers`.
    at: usize,
    /// The servers that said that they have no quorum, until they are heard to be back.
    unavailable: Rc<RefCell<BTreeSet<Server>>>,
    stopped: Rc<Cell<bool>>,
}

impl Clerk {
    pub(crate) fn new(host: Rc<dyn Host>, servers: Vec<Remote>, patience: Patience) -> Self {
        Clerk { host, servers, patience, at: 0, unavailable: Rc::default(), stopped: Rc::default() }
    }

    // ---- Lab 1 ---------------------------------------------------------------------------------------

    /// The client begins.
    // region lab1: record KvslibStart, before anything else (rule K1)
    pub(crate) fn begin(&self, client_id: u32) {
        self.host.recorder().record(Event::KvslibStart { client_id }, None, None);
    }

    /// The client ends.
    // region lab1: note that nothing may be recorded any more, and record KvslibStop (rule K2)
    pub(crate) fn end(&self, client_id: u32) {
        self.stopped.set(true);
        self.host.recorder().record(Event::KvslibStop { client_id }, None, None);
    }

    /// Sends the request until a server has executed it, or the patience ends.
    // region lab1: send the same request again and again, with pauses; once the patience ends, say whether it may have been taken (rules K6, K7)
    pub(crate) async fn operate(&mut self, request: Request) -> Result<KvOutcome, KvError> {
        let within = self.patience.operation;
        let end = self.host.now() + within;
        let mut taken = false;
        loop {
            let until = end.min(self.host.now() + self.patience.attempt);
            match self.servers[self.at].request(&request, until).await {
                Some(Response::Done(outcome)) => return Ok(outcome),
                Some(Response::Refused { why, taken: perhaps }) => {
                    taken |= perhaps;
                    self.move_on(Some(why));
                }
                // The request or its answer was lost: it may have been executed.
                None => {
                    taken = true;
                    self.move_on(None);
                }
            }
            self.pause(end).await;
            if self.host.now() >= end {
                return Err(if taken { KvError::Unknown { within } } else { KvError::NoQuorum { within } });
            }
        }
    }

    // ---- Lab 3A --------------------------------------------------------------------------------------

    /// A server has more than one to turn to: the next attempt goes elsewhere.
    fn move_on(&mut self, refused: Option<Refusal>) {
        if self.servers.len() > 1 {
            self.turn_to_another(refused);
        }
    }

    /// Chooses the server for the next attempt.
    // region lab3a: a server without a quorum is unavailable: note, record and watch it; go on to the next server that is not, or simply to the next
    fn turn_to_another(&mut self, refused: Option<Refusal>) {
        let server = self.servers[self.at].server();
        if refused == Some(Refusal::NoQuorum) && self.unavailable.borrow_mut().insert(server) {
            self.host.recorder().record(Event::Unavailable { server_id: server }, None, None);
            self.watch(self.at);
        }
        let next = |n: usize| (self.at + n) % self.servers.len();
        let available = |at: &usize| !self.unavailable.borrow().contains(&self.servers[*at].server());
        self.at = (1..=self.servers.len()).map(next).find(available).unwrap_or(next(1));
    }

    // ---- Helpers -------------------------------------------------------------------------------------

    /// Asks an unavailable server from time to time whether it is back.
    fn watch(&self, at: usize) {
        let (host, remote, every) = (self.host.clone(), self.servers[at].clone(), self.patience.pause * 10);
        let (unavailable, stopped) = (self.unavailable.clone(), self.stopped.clone());
        self.host.spawn(Box::pin(async move {
            while !stopped.get() {
                let next = host.now() + every;
                let status = remote.status(next).await;
                if status.is_some_and(|(status, _)| status.ready()) && !stopped.get() {
                    unavailable.borrow_mut().remove(&remote.server());
                    let server_id = remote.server();
                    host.recorder().record(Event::Available { server_id }, None, None);
                    return;
                }
                host.sleep_until(next).await;
            }
        }));
    }

    /// Waits until some server says that the system is ready.
    pub(crate) async fn await_ready(&self) {
        for remote in self.servers.iter().cycle() {
            let until = self.host.now() + self.patience.attempt;
            if remote.status(until).await.is_some_and(|(status, _)| status.ready()) {
                return;
            }
            self.pause(Duration::MAX).await;
        }
    }

    async fn pause(&self, end: Duration) {
        self.host.sleep_until(end.min(self.host.now() + self.patience.pause)).await;
    }
}
