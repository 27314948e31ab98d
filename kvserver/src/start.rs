//! A replicated server: its parts, and how it starts.

use crate::limits::Limits;
use crate::service::Service;
use futures::future::{Either, select};
use kvclient::protocol::{KvEnd, Request, Response, Status};
use kvclient::remote::{Handlers, Remote};
use labrpc::Host;
use labrpc::schema::{Event, Index, KvOutcome, Op, Server};
use raft::core::Config;
use raft::{Raft, RaftEnd};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Deref;
use std::pin::pin;
use std::rc::Rc;

pub use raft::StartError;

/// The connections to another server.
#[derive(Clone)]
pub struct PeerEnds {
    /// Which server.
    pub server: Server,
    /// To its Raft.
    pub raft: RaftEnd,
    /// To its key/value service.
    pub kv: KvEnd,
}

/// A replicated server. Clones are handles on the same one.
#[derive(Clone)]
pub struct KvServer(Rc<Shared>);

/// What a server consists of.
pub struct Shared {
    pub(crate) me: Server,
    pub(crate) host: Rc<dyn Host>,
    pub(crate) limits: Limits,
    /// The other servers.
    pub(crate) peers: BTreeMap<Server, Remote>,
    /// Set once, when the server starts.
    pub(crate) raft: OnceCell<Raft>,
    pub(crate) service: RefCell<Service>,
    /// How many requests wait here; at most `limits.waiting`.
    pub(crate) waiting: Cell<usize>,
    /// The index of the last snapshot that was handed to Raft; 0 before the first.
    pub(crate) snapshot_at: Cell<Index>,
}

impl Deref for KvServer {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl KvServer {
    /// Starts server `me` on `host`, from what its disk holds, and announces it to the others.
    ///
    /// # Errors
    /// The configuration or the disk cannot be used.
    pub fn start(
        host: Rc<dyn Host>,
        me: Server,
        peers: Vec<PeerEnds>,
        config: Config,
        limits: Limits,
    ) -> Result<KvServer, StartError> {
        let remote = |peer: &PeerEnds| (peer.server, Remote::new(host.clone(), peer.server, peer.kv.clone()));
        let server = KvServer(Rc::new(Shared {
            me,
            host: host.clone(),
            limits,
            peers: peers.iter().map(remote).collect(),
            raft: OnceCell::new(),
            service: RefCell::default(),
            waiting: Cell::new(0),
            snapshot_at: Cell::new(0),
        }));
        let deliver_to = server.clone();
        let deliver = Box::new(move |delivery| {
            let grown = deliver_to.service.borrow_mut().deliver(delivery, deliver_to.host.recorder());
            if grown && deliver_to.limits.log_bytes.is_some() {
                deliver_to.trim_log();
            }
        });
        let ends = peers.into_iter().map(|peer| (peer.server, peer.raft));
        let raft = Raft::start(host.clone(), me, ends, config, deliver)?;
        // Set for the first and only time.
        let _ = server.raft.set(raft);
        let announcing = server.clone();
        host.spawn(Box::pin(async move { announcing.announce().await }));
        Ok(server)
    }

    /// The Raft below.
    pub fn raft(&self) -> &Raft {
        self.raft.get().expect("set when the server started, before anything could ask")
    }

    /// How many bytes a snapshot of its state takes now.
    pub fn snapshot_bytes(&self) -> usize {
        self.service.borrow().machine.snapshot().len()
    }

    // ---- What students need of the kit -----------------------------------------------------------------

    /// Who coordinates, as far as this server knows.
    pub(crate) fn coordinator(&self) -> Option<Server> {
        self.raft().state().leader_id
    }

    /// Records that a request came from a client.
    pub(crate) fn received(&self, request: &Request) {
        let op = request.op;
        self.record(if request.call.is_get() { Event::GetRecvd { op } } else { Event::PutRecvd { op } });
    }

    /// Records that a request came from another server.
    pub(crate) fn forward_received(&self, request: &Request, from: Server) {
        let op = request.op;
        let get = request.call.is_get();
        self.record(if get { Event::GetFwdRecvd { op, from } } else { Event::PutFwdRecvd { op, from } });
    }

    /// Records that a request is passed on.
    pub(crate) fn forwards(&self, request: &Request, to: Server) {
        let op = request.op;
        self.record(if request.call.is_get() { Event::GetFwd { op, to } } else { Event::PutFwd { op, to } });
    }

    /// Records what is answered, and gives it back.
    pub(crate) fn answers(&self, request: &Request, response: Response) -> Response {
        let (op, get): (Op, bool) = (request.op, request.call.is_get());
        let outcome = match &response {
            Response::Done(outcome) => outcome.clone(),
            Response::Refused { taken: true, .. } => KvOutcome::Unknown {},
            Response::Refused { taken: false, .. } => KvOutcome::Failed {},
        };
        self.record(if get { Event::GetResult { op, outcome } } else { Event::PutResult { op, outcome } });
        response
    }

    fn record(&self, event: Event) {
        self.host.recorder().record(event, None, None);
    }
}

/// What `future` gives, unless the other one comes first.
pub(crate) async fn unless<T>(future: impl Future<Output = T>, other: impl Future<Output = ()>) -> Option<T> {
    match select(pin!(future), pin!(other)).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

impl Handlers for KvServer {
    async fn request(&self, request: Request) -> Response {
        self.on_request(request).await
    }

    async fn forward(&self, from: Server, request: Request) -> Response {
        self.on_forward(from, request).await
    }

    fn server_join(&self, server: Server) {
        self.on_join(server);
    }

    fn status(&self) -> Status {
        let raft = self.raft();
        let state = raft.state();
        Status { joined: raft.has_joined(), coord_term: state.leader_id.map(|_| state.term) }
    }
}
