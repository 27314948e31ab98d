//! Lab 1: one server, which executes what clients ask.
//!
//! Owns its state machine. Nothing is replicated and nothing persists: it does not crash.

use crate::machine::Machine;
use kvclient::protocol::{Refusal, Request, Response, Status};
use kvclient::remote::Handlers;
use labrpc::Host;
use labrpc::schema::{Event, Index, KvOutcome, Server};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The server of lab 1. Clones are handles on the same one.
#[derive(Clone)]
pub struct LoneServer {
    host: Rc<dyn Host>,
    machine: Rc<RefCell<Machine>>,
    /// How many operations it was given to execute.
    executed: Rc<Cell<Index>>,
}

impl LoneServer {
    /// Starts server `me` on `host`.
    pub fn start(host: Rc<dyn Host>, me: Server) -> LoneServer {
        host.recorder().record(Event::ServerStart { server_id: me }, None, None);
        LoneServer { host, machine: Rc::default(), executed: Rc::default() }
    }

    /// A client's request.
    // region lab1: record PutRecvd or GetRecvd, execute the request, record PutResult or GetResult, and answer (rules K3, K5)
    async fn on_request(&self, request: Request) -> Response {
        let op = request.op;
        let get = request.call.is_get();
        self.record(if get { Event::GetRecvd { op } } else { Event::PutRecvd { op } });
        let outcome = self.execute(&request);
        let told = outcome.clone();
        self.record(if get {
            Event::GetResult { op, outcome: told }
        } else {
            Event::PutResult { op, outcome: told }
        });
        Response::Done(outcome)
    }

    /// Has the machine execute a request, and records that.
    fn execute(&self, request: &Request) -> KvOutcome {
        let Request { op, call } = request;
        let outcome = self.machine.borrow_mut().execute(*op, call);
        self.executed.set(self.executed.get() + 1);
        let operation = crate::service::digest(request);
        let (index, call, told) = (self.executed.get(), Box::new(call.clone()), outcome.clone());
        self.record(Event::Executed { index, operation, op: *op, call, outcome: told });
        outcome
    }

    fn record(&self, event: Event) {
        self.host.recorder().record(event, None, None);
    }

    /// How many bytes its state takes, keys and sessions, as it would be written.
    pub fn bytes(&self) -> usize {
        labrpc::encode(&*self.machine.borrow()).len()
    }
}

impl Handlers for LoneServer {
    async fn request(&self, request: Request) -> Response {
        self.on_request(request).await
    }

    async fn forward(&self, _: Server, _: Request) -> Response {
        Response::Refused { why: Refusal::NotCoordinator, taken: false }
    }

    fn server_join(&self, _: Server) {}

    fn status(&self) -> Status {
        Status { joined: true, coord_term: Some(0) }
    }
}
