//! The service under test and what every case needs around it.

use labrpc::schema::{Node, Server, Stamp};
use labrpc::tcp::{Connection, Listener, Options, serve};
use labrpc::{End, Incoming, Served};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use tarpc::client::RpcError;
use tarpc::client::stub::Stub;
use tarpc::context::Context;
use tokio::net::TcpSocket;
use tokio::sync::Semaphore;
use tokio::task::LocalSet;

/// Far beyond what any machine needs: reaching it means that something hangs.
pub(super) const HANG: Duration = Duration::from_secs(60);

pub(super) const CLIENT: Node = Node::Client(7);
pub(super) const SERVER: Node = Node::Server(Server(1));

#[tarpc::service]
pub(super) trait Echo {
    /// Gives the text back.
    async fn echo(text: String) -> String;
    /// Replies with this stamp instead of the server's last.
    async fn reply_with(stamp: Stamp) -> ();
    /// Waits until the test lets it go.
    async fn wait() -> u64;
    /// So many bytes.
    async fn bytes(count: u64) -> Vec<u8>;
    /// Fails as a student's code would.
    async fn fail(unwritten: bool) -> ();
}

/// The server, and how a test sees into it.
#[derive(Clone)]
pub(super) struct EchoServer(Rc<Inside>);

pub(super) struct Inside {
    /// A permit for every `wait` that has begun.
    pub(super) begun: Semaphore,
    /// A permit for every `wait` that may end.
    pub(super) gate: Semaphore,
    /// A permit for every `wait` that went through to its end.
    pub(super) finished: Semaphore,
    /// How many `wait`s were dropped before.
    pub(super) dropped: Cell<u32>,
    /// Who asked, last.
    pub(super) incoming: RefCell<Option<Incoming>>,
}

impl Default for EchoServer {
    fn default() -> Self {
        EchoServer(Rc::new(Inside {
            begun: Semaphore::new(0),
            gate: Semaphore::new(0),
            finished: Semaphore::new(0),
            dropped: Cell::new(0),
            incoming: RefCell::new(None),
        }))
    }
}

impl std::ops::Deref for EchoServer {
    type Target = Inside;
    fn deref(&self) -> &Inside {
        &self.0
    }
}

/// Counts a `wait` as dropped, unless it is forgotten at its end.
struct CountDrop(EchoServer);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.dropped.set(self.0.dropped.get() + 1);
    }
}

impl Echo for EchoServer {
    async fn echo(self, _: Context, text: String) -> String {
        self.incoming.replace(labrpc::incoming());
        text
    }

    async fn reply_with(self, _: Context, stamp: Stamp) {
        labrpc::reply_with_stamp(stamp);
    }

    async fn wait(self, _: Context) -> u64 {
        let unfinished = CountDrop(self.clone());
        self.begun.add_permits(1);
        take(&self.gate, 1).await;
        self.finished.add_permits(1);
        std::mem::forget(unfinished);
        42
    }

    async fn bytes(self, _: Context, count: u64) -> Vec<u8> {
        vec![7; usize::try_from(count).expect("the test asks for little")]
    }

    async fn fail(self, _: Context, unwritten: bool) {
        if unwritten {
            labrpc::not_implemented!("everything");
        }
        panic!("as planned");
    }
}

impl EchoServer {
    /// Ready to be served by either world. Its records end with [`server_stamp`].
    pub(super) fn served(
        &self,
    ) -> Served<impl tarpc::server::Serve<Req = EchoRequest, Resp = EchoResponse> + Clone + 'static> {
        Served::new(SERVER, Rc::new(|| Some(server_stamp())), self.clone().serve())
    }

    /// Serves over TCP at `address`.
    pub(super) async fn start(&self, address: SocketAddr) -> labrpc::tcp::Server {
        serve(Listener::bind(address).await.expect("the port is free"), self.served())
    }
}

pub(super) fn stamp(node: Node, seq: u64) -> Stamp {
    Stamp { node, inc: 1, seq }
}

/// The client's last record.
pub(super) fn client_stamp() -> Stamp {
    stamp(CLIENT, 3)
}

/// The server's last record.
pub(super) fn server_stamp() -> Stamp {
    stamp(SERVER, 5)
}

/// A test's limits: no call ends by itself before the test does.
pub(super) fn patient() -> Options {
    Options { connect_timeout: HANG, call_timeout: HANG, ..Options::default() }
}

/// Timeouts for calls that are expected to reach them.
pub(super) fn impatient() -> Options {
    Options { call_timeout: Duration::from_millis(200), ..patient() }
}

pub(super) type EchoEnd = End<EchoRequest, EchoResponse>;

pub(super) fn end(address: SocketAddr, options: Options) -> EchoEnd {
    End::over_tcp(CLIENT, Rc::new(|| Some(client_stamp())), Connection::new(address, options))
}

pub(super) fn client<E: Stub<Req = EchoRequest, Resp = EchoResponse>>(end: E) -> EchoClient<E> {
    EchoClient::from(end)
}

/// Takes `count` permits out of the semaphore, once it has them.
pub(super) async fn take(semaphore: &Semaphore, count: u32) {
    semaphore.acquire_many(count).await.expect("no test closes a semaphore").forget();
}

/// Calls until a call succeeds.
pub(super) async fn until_ok<T>(mut call: impl AsyncFnMut() -> Result<T, RpcError>) -> T {
    loop {
        match call().await {
            Ok(value) => return value,
            // Only paces the attempts: how long it takes is all the same.
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// A free port with nobody behind it. Nobody else is given the port while the socket lives, and a
/// server may listen there meanwhile: but only Linux allows that. Elsewhere the port is merely likely to stay free.
pub(super) fn reserve() -> (Option<TcpSocket>, SocketAddr) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("an option that every system has");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let address = socket.local_addr().expect("it is bound");
    (cfg!(target_os = "linux").then_some(socket), address)
}

/// Any free port.
pub(super) fn any() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// Runs a test as a node runs: on one thread, with local tasks.
pub(super) fn local<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let tasks = LocalSet::new();
    let test = tasks.run_until(async { tokio::time::timeout(HANG, test).await });
    runtime.block_on(test).expect("the test hangs")
}
