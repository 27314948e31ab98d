//! The client's end of a connection: one type for the simulated network and for TCP.

use crate::{LocalBoxFuture, Packet, decode, encode, tcp};
use serde::{Serialize, de::DeserializeOwned};
use std::marker::PhantomData;
use std::rc::Rc;
use tarpc::client::RpcError;
use tarpc::client::stub::Stub;
use tarpc::context::Context;
use tarpc::{RequestName, ServerError};
use tracecheck_schema::{Node, Stamp};

/// A network that carries serialized calls: how a simulation plugs in below an [`End`].
pub trait Wire {
    /// Carries one request to its server and the response back. Any loss, on either way, is one error:
    /// a caller cannot tell them apart.
    fn call(&self, request: Packet<Vec<u8>>) -> LocalBoxFuture<'static, Result<Packet<Vec<u8>>, RpcError>>;
}

/// The client's end of a connection to one server. Give it to the client type that
/// `#[tarpc::service]` generates: `RaftRpcClient::from(end)`.
pub struct End<Req, Resp> {
    me: Node,
    last: Rc<dyn Fn() -> Option<Stamp>>,
    link: Link<Req, Resp>,
}

enum Link<Req, Resp> {
    Wire(Rc<dyn Wire>, PhantomData<fn(Req) -> Resp>),
    Tcp(tcp::Connection<Req, Resp>),
}

impl<Req, Resp> End<Req, Resp>
where
    Req: Serialize + RequestName + 'static,
    Resp: DeserializeOwned + 'static,
{
    /// An end for `me` over a network that carries bytes. `last` tells the sender's last stamp.
    pub fn over_wire(me: Node, last: Rc<dyn Fn() -> Option<Stamp>>, wire: Rc<dyn Wire>) -> Self {
        End { me, last, link: Link::Wire(wire, PhantomData) }
    }

    /// An end for `me` over a TCP connection.
    pub fn over_tcp(
        me: Node,
        last: Rc<dyn Fn() -> Option<Stamp>>,
        connection: tcp::Connection<Req, Resp>,
    ) -> Self {
        End { me, last, link: Link::Tcp(connection) }
    }

    /// Calls with a stamp of the caller's choice, and returns the response's stamp with it.
    pub async fn call_stamped(
        &self,
        stamp: Option<Stamp>,
        request: Req,
    ) -> Result<(Option<Stamp>, Resp), RpcError> {
        let from = self.me;
        match &self.link {
            Link::Wire(wire, _) => {
                let response = wire.call(Packet { from, stamp, body: encode(&request) }).await?;
                let body = decode(&response.body).map_err(|why| {
                    RpcError::Server(ServerError::new(std::io::ErrorKind::InvalidData, why))
                })?;
                Ok((response.stamp, body))
            }
            Link::Tcp(connection) => {
                let response = connection.call(Packet { from, stamp, body: request }).await?;
                Ok((response.stamp, response.body))
            }
        }
    }
}

impl<Req, Resp> Clone for End<Req, Resp> {
    fn clone(&self) -> Self {
        let link = match &self.link {
            Link::Wire(wire, marker) => Link::Wire(wire.clone(), *marker),
            Link::Tcp(connection) => Link::Tcp(connection.clone()),
        };
        End { me: self.me, last: self.last.clone(), link }
    }
}

impl<Req, Resp> Stub for End<Req, Resp>
where
    Req: Serialize + RequestName + 'static,
    Resp: DeserializeOwned + 'static,
{
    type Req = Req;
    type Resp = Resp;

    async fn call(&self, _: Context, request: Req) -> Result<Resp, RpcError> {
        let (_, response) = self.call_stamped((self.last)(), request).await?;
        Ok(response)
    }
}

/// The context that tarpc's generated methods take. Its deadline is not used: ends have their own.
pub fn context() -> Context {
    thread_local! {
        // Building one reads the real clock and the current span, which costs as much as a simulated call.
        static CONTEXT: Context = tarpc::context::current();
    }
    CONTEXT.with(|context| *context)
}
