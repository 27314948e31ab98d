//! Both ends of the protocol's calls, with their records: nobody who uses them can send or answer unseen.
//!
//! Owns the KvSend and KvRecv records. A call that takes too long is given up, and its late answer is nobody's.

use crate::protocol::{KvEnd, KvRpc, KvRpcRequest, KvRpcResponse, Request, Response, Status};
use futures::future::{Either, select};
use labrpc::schema::{Event, KvKind, Node, Op, Server, Stamp};
use labrpc::{Host, incoming, reply_with_stamp};
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use tarpc::context::Context;

/// What `future` gives, unless `at` comes first.
pub async fn until<T>(host: &dyn Host, at: Duration, future: impl Future<Output = T>) -> Option<T> {
    match select(pin!(future), host.sleep_until(at)).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

/// A server that can be called.
#[derive(Clone)]
pub struct Remote {
    to: Server,
    end: KvEnd,
    host: Rc<dyn Host>,
}

impl Remote {
    /// The way of `host`'s node to server `to`.
    pub fn new(host: Rc<dyn Host>, to: Server, end: KvEnd) -> Remote {
        Remote { to, end, host }
    }

    /// Which server it is.
    pub fn server(&self) -> Server {
        self.to
    }

    /// Sends a client's request, and waits for the answer until `at`. None: there was no answer, and what became of
    /// the request is unknown.
    pub async fn request(&self, request: &Request, at: Duration) -> Option<Response> {
        let rpc = KvRpcRequest::Request { request: request.clone() };
        match self.recorded(request.op, KvKind::Request, KvKind::Reply, rpc, at).await? {
            KvRpcResponse::Request(response) => Some(response),
            _ => None,
        }
    }

    /// Passes a client's request on, and waits for the answer until `at`.
    pub async fn forward(&self, request: &Request, at: Duration) -> Option<Response> {
        let rpc = KvRpcRequest::Forward { request: request.clone() };
        match self.recorded(request.op, KvKind::Forward, KvKind::ForwardReply, rpc, at).await? {
            KvRpcResponse::Forward(response) => Some(response),
            _ => None,
        }
    }

    async fn recorded(
        &self,
        op: Op,
        kind: KvKind,
        answer: KvKind,
        rpc: KvRpcRequest,
        at: Duration,
    ) -> Option<KvRpcResponse> {
        let recorder = self.host.recorder();
        let stamp = recorder.record(Event::KvSend { kind, to: self.to.into(), op }, None, None);
        let (cause, response) = self.call(Some(stamp), rpc, at).await?;
        recorder.record(Event::KvRecv { kind: answer, from: self.to.into(), op }, None, cause);
        Some(response)
    }

    /// Tells the server that `me` has just started. True: it heard that.
    pub async fn announce(&self, me: Server, at: Duration) -> bool {
        let rpc = KvRpcRequest::ServerJoin { server: me };
        self.call(self.host.recorder().last(), rpc, at).await.is_some()
    }

    /// Asks the server how it is; with the answer comes the stamp of the server's last record.
    pub async fn status(&self, at: Duration) -> Option<(Status, Option<Stamp>)> {
        match self.call(self.host.recorder().last(), KvRpcRequest::Status {}, at).await? {
            (stamp, KvRpcResponse::Status(status)) => Some((status, stamp)),
            _ => None,
        }
    }

    async fn call(
        &self,
        stamp: Option<Stamp>,
        rpc: KvRpcRequest,
        at: Duration,
    ) -> Option<(Option<Stamp>, KvRpcResponse)> {
        until(&*self.host, at, self.end.call_stamped(stamp, rpc)).await?.ok()
    }
}

/// What answers the calls: a server as students write it.
#[allow(async_fn_in_trait, reason = "a server's tasks all run on one thread")]
pub trait Handlers: Clone {
    /// A client's request.
    async fn request(&self, request: Request) -> Response;
    /// A request that another server passed on.
    async fn forward(&self, from: Server, request: Request) -> Response;
    /// Another server has just started.
    fn server_join(&self, server: Server);
    /// How this server is.
    fn status(&self) -> Status;
}

/// Handlers whose messages are recorded. Serve it with the generated `serve()`.
#[derive(Clone)]
pub struct Recorded<H> {
    host: Rc<dyn Host>,
    handlers: H,
}

impl<H: Handlers> Recorded<H> {
    /// These handlers, on the node of `host`.
    pub fn new(host: Rc<dyn Host>, handlers: H) -> Self {
        Recorded { host, handlers }
    }

    fn received(&self, kind: KvKind, op: Op) -> Option<Node> {
        let incoming = incoming()?;
        let from = incoming.from;
        self.host.recorder().record(Event::KvRecv { kind, from, op }, None, incoming.stamp);
        Some(from)
    }

    fn answers(&self, kind: KvKind, to: Node, op: Op) {
        reply_with_stamp(self.host.recorder().record(Event::KvSend { kind, to, op }, None, None));
    }
}

impl<H: Handlers> KvRpc for Recorded<H> {
    async fn request(self, _: Context, request: Request) -> Response {
        let op = request.op;
        let Some(from) = self.received(KvKind::Request, op) else { return std::future::pending().await };
        let response = self.handlers.request(request).await;
        self.answers(KvKind::Reply, from, op);
        response
    }

    async fn forward(self, _: Context, request: Request) -> Response {
        let op = request.op;
        // Only servers forward: whoever else does, waits until its call times out.
        let from = self.received(KvKind::Forward, op);
        let Some(server) = from.and_then(Node::server) else { return std::future::pending().await };
        let response = self.handlers.forward(server, request).await;
        self.answers(KvKind::ForwardReply, server.into(), op);
        response
    }

    async fn server_join(self, _: Context, server: Server) {
        self.handlers.server_join(server);
    }

    async fn status(self, _: Context) -> Status {
        self.handlers.status()
    }
}
