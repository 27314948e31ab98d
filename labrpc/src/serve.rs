//! The server's side of a call: from bytes to a tarpc service and back, with stamps.

use crate::{LocalBoxFuture, Packet, context, decode, encode};
use serde::{Serialize, de::DeserializeOwned};
use std::cell::Cell;
use std::rc::Rc;
use tarpc::ServerError;
use tarpc::server::Serve;
use tracecheck_schema::{Node, Stamp};

/// Answers serialized calls: how a service plugs into a network that carries bytes.
pub trait Handler {
    /// Answers one request. The future is dropped if the server's incarnation ends.
    fn handle(
        &self,
        request: Packet<Vec<u8>>,
    ) -> LocalBoxFuture<'static, Result<Packet<Vec<u8>>, ServerError>>;
}

/// The request that the current task answers.
#[derive(Clone, Copy, Debug)]
pub struct Incoming {
    /// Who sent it.
    pub from: Node,
    /// The sender's last record when it left.
    pub stamp: Option<Stamp>,
}

tokio::task_local! {
    static INCOMING: Incoming;
    static REPLY_STAMP: Cell<Option<Stamp>>;
}

/// The request that the current task answers, if it answers one.
pub fn incoming() -> Option<Incoming> {
    INCOMING.try_with(|incoming| *incoming).ok()
}

/// Fixes the stamp of the response: the record at which it left, where that is not the last one.
pub fn reply_with_stamp(stamp: Stamp) {
    // Outside a call there is no reply to stamp, and nothing to do.
    let _ = REPLY_STAMP.try_with(|cell| cell.set(Some(stamp)));
}

/// A tarpc service, ready to be served by either world.
pub struct Served<S> {
    me: Node,
    last: Rc<dyn Fn() -> Option<Stamp>>,
    service: S,
}

impl<S> Served<S>
where
    S: Serve + Clone + 'static,
{
    /// Serves `service` (what the generated `serve()` returns) as `me`; `last` tells its last stamp.
    pub fn new(me: Node, last: Rc<dyn Fn() -> Option<Stamp>>, service: S) -> Self {
        Served { me, last, service }
    }

    /// Answers one request that is already decoded.
    pub(crate) async fn answer(&self, request: Packet<S::Req>) -> Result<Packet<S::Resp>, ServerError> {
        let incoming = Incoming { from: request.from, stamp: request.stamp };
        let service = self.service.clone();
        let serving = async {
            let body = service.serve(context(), request.body).await?;
            Ok((body, REPLY_STAMP.with(Cell::get)))
        };
        let (body, stamp) = INCOMING.scope(incoming, REPLY_STAMP.scope(Cell::new(None), serving)).await?;
        Ok(Packet { from: self.me, stamp: stamp.or_else(|| (self.last)()), body })
    }
}

impl<S: Clone> Clone for Served<S> {
    fn clone(&self) -> Self {
        Served { me: self.me, last: self.last.clone(), service: self.service.clone() }
    }
}

impl<S> Handler for Served<S>
where
    S: Serve + Clone + 'static,
    S::Req: DeserializeOwned,
    S::Resp: Serialize,
{
    fn handle(
        &self,
        request: Packet<Vec<u8>>,
    ) -> LocalBoxFuture<'static, Result<Packet<Vec<u8>>, ServerError>> {
        let served = self.clone();
        Box::pin(async move {
            let body = decode(&request.body)
                .map_err(|why| ServerError::new(std::io::ErrorKind::InvalidData, why))?;
            let response = served.answer(Packet { from: request.from, stamp: request.stamp, body }).await?;
            Ok(Packet { from: response.from, stamp: response.stamp, body: encode(&response.body) })
        })
    }
}
