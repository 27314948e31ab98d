//! What clients ask servers, what servers ask each other, and the answers.

use labrpc::End;
use labrpc::schema::{KvCall, KvOutcome, Op, Server, Term};
use serde::{Deserialize, Serialize};

/// The name under which servers answer these calls.
pub const SERVICE: &str = "kv";

/// The client's end of a connection to a server, in either world.
pub type KvEnd = End<KvRpcRequest, KvRpcResponse>;

/// One operation on its way: to a server, to the coordinator, and into the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Whose operation it is, and which. A retry keeps it.
    pub op: Op,
    /// What is asked.
    pub call: KvCall,
}

/// A server's answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// It was executed, now or when it came before; a get was answered.
    Done(KvOutcome),
    /// It was not executed as far as this server knows.
    Refused {
        /// Why.
        why: Refusal,
        /// It may have been proposed, and may yet take effect.
        taken: bool,
    },
}

/// Why a request was not executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The server found no coordinator with a quorum behind it in time: it is cut off, or too many others are down.
    NoQuorum,
    /// More requests wait here than the server takes.
    Busy,
    /// The request was forwarded to a server that does not coordinate.
    NotCoordinator,
}

/// What a server says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whether it has joined: it has reached the commit index that a coordinator told it.
    pub joined: bool,
    /// The term of the coordinator that it knows; none if it knows none.
    pub coord_term: Option<Term>,
}

impl Status {
    /// Whether clients may begin.
    pub fn ready(&self) -> bool {
        self.joined && self.coord_term.is_some()
    }
}

/// What servers of the key/value service answer.
#[tarpc::service]
pub trait KvRpc {
    /// A client asks any server.
    async fn request(request: Request) -> Response;
    /// A server asks the one that it takes for the coordinator, on a client's behalf. Never forwarded again.
    async fn forward(request: Request) -> Response;
    /// A server says that it has just started.
    async fn server_join(server: Server);
    /// Asks how the server is.
    async fn status() -> Status;
}
