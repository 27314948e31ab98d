//! The caller's side: one TCP connection, opened when it is needed and opened again when it broke.
//!
//! Invariants
//! - At most one attempt to connect is under way, and all calls that need it share it.
//! - After the n-th failure in a row no attempt begins for 20 ms · 2ⁿ⁻¹, at most 500 ms. Only an answer
//!   proves that a server lives, so a peer that accepts and hangs up counts as a failure too.
//! - A socket closes when its last call and its last [`Connection`] are gone.

use super::{Options, prepare, timeless, transport};
use crate::{LocalBoxFuture, Packet};
use futures::FutureExt;
use futures::future::Shared;
use serde::{Serialize, de::DeserializeOwned};
use std::cell::{Cell, Ref, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tarpc::RequestName;
use tarpc::client::{self, Channel, RpcError};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{Instant, timeout};

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Why a request was not sent: there is no connection. Found inside [`RpcError::Send`].
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot connect to {address}: {why}")]
pub struct Unreachable {
    /// The peer, as it was named.
    pub address: String,
    /// What the last attempt met.
    #[source]
    pub why: Arc<io::Error>,
}

/// A connection to one server. Clones share it.
pub struct Connection<Req, Resp>(Rc<Shelf<Req, Resp>>);

struct Shelf<Req, Resp> {
    address: String,
    options: Options,
    state: RefCell<State<Req, Resp>>,
    /// Failures since the last answer.
    failures: Cell<u32>,
}

type Attempt<Req, Resp> = Shared<LocalBoxFuture<'static, Result<Rc<Live<Req, Resp>>, Unreachable>>>;

enum State<Req, Resp> {
    /// The next call connects.
    Idle,
    /// The first call that sees the attempt end says so in the state.
    Connecting(Attempt<Req, Resp>),
    Open(Rc<Live<Req, Resp>>),
    /// A call before `until` fails at once.
    Pausing {
        until: Instant,
        because: Unreachable,
    },
}

/// An open socket, with the task that serves it.
struct Live<Req, Resp> {
    channel: Channel<Packet<Req>, Packet<Resp>>,
    dispatch: JoinHandle<()>,
    opened: Instant,
    /// How many answers came back.
    answers: Cell<u64>,
}

impl<Req, Resp> Drop for Live<Req, Resp> {
    fn drop(&mut self) {
        // Nobody waits for an answer any more. Left alone, the task would try to send what it has left,
        // for a quarter of an hour if the peer is gone.
        self.dispatch.abort();
    }
}

impl<Req, Resp> Clone for Connection<Req, Resp> {
    fn clone(&self) -> Self {
        Connection(self.0.clone())
    }
}

impl<Req, Resp> Connection<Req, Resp> {
    /// A connection to `address`: a `SocketAddr`, or `name:port`, resolved anew at every attempt to
    /// connect. Does nothing yet: the first call connects.
    pub fn new(address: impl ToString, options: Options) -> Self {
        Connection(Rc::new(Shelf {
            address: address.to_string(),
            options,
            state: RefCell::new(State::Idle),
            failures: Cell::new(0),
        }))
    }
}

impl<Req, Resp> Connection<Req, Resp>
where
    Req: Serialize + RequestName + 'static,
    Resp: DeserializeOwned + 'static,
{
    /// Calls, within [`Options::call_timeout`]. Dropping the future gives the call up.
    ///
    /// # Errors
    /// - [`RpcError::Send`]: not sent, because there is no connection ([`Unreachable`]) or the request is
    ///   larger than [`Options::max_frame_bytes`].
    /// - [`RpcError::DeadlineExceeded`]: no answer in time.
    /// - [`RpcError::Shutdown`], [`RpcError::Channel`]: the connection broke before the answer came.
    /// - [`RpcError::Server`]: the server's own answer, among others that its handler panicked.
    ///
    /// # Panics
    /// Outside a `LocalSet`.
    pub async fn call(&self, request: Packet<Req>) -> Result<Packet<Resp>, RpcError> {
        let mut used = None;
        let calling = async {
            let live = self.live().await.map_err(|why| RpcError::Send(Box::new(why)))?;
            let (live, _) = used.insert((live.clone(), live.answers.get()));
            let result = live.channel.call(timeless(), request).await;
            if let Ok(_) | Err(RpcError::Server(_)) = &result {
                live.answers.set(live.answers.get() + 1);
                self.0.failures.set(0);
            }
            result
        };
        let result = timeout(self.0.options.call_timeout, calling).await;
        result.unwrap_or_else(|_| {
            // TCP itself notices after minutes only that a peer is gone, or has come back. So if nothing
            // at all came back while this call waited, later calls try a new socket; the others that are
            // under way keep the old one.
            if let Some((live, answers)) = used
                && live.answers.get() == answers
            {
                self.0.retire(&live);
            }
            Err(RpcError::DeadlineExceeded)
        })
    }

    /// The open connection, or a new one.
    async fn live(&self) -> Result<Rc<Live<Req, Resp>>, Unreachable> {
        let attempt = match &*self.0.look() {
            State::Open(live) => return Ok(live.clone()),
            State::Pausing { because, .. } => return Err(because.clone()),
            State::Connecting(attempt) => Some(attempt.clone()),
            State::Idle => None,
        };
        let attempt = attempt.unwrap_or_else(|| {
            let connecting = connect(self.0.address.clone(), self.0.options.clone());
            let attempt = connecting.boxed_local().shared();
            self.0.state.replace(State::Connecting(attempt.clone()));
            attempt
        });
        let outcome = attempt.clone().await;
        self.0.settle(&attempt, &outcome);
        outcome
    }
}

impl<Req, Resp> Shelf<Req, Resp> {
    /// The state as of now: a broken connection is not open, and a pause that is over is none.
    fn look(&self) -> Ref<'_, State<Req, Resp>> {
        let mut state = self.state.borrow_mut();
        if let State::Open(live) = &*state
            && live.dispatch.is_finished()
        {
            let next = if live.answers.get() > 0 {
                State::Idle
            } else {
                let why = io::Error::new(io::ErrorKind::ConnectionAborted, "the peer hung up");
                let because = Unreachable { address: self.address.clone(), why: Arc::new(why) };
                self.pause(live.opened, because)
            };
            *state = next;
        }
        if let State::Pausing { until, .. } = &*state
            && *until <= Instant::now()
        {
            *state = State::Idle;
        }
        drop(state);
        self.state.borrow()
    }

    /// Writes an attempt's outcome into the state, unless another call that shared it already did.
    fn settle(&self, attempt: &Attempt<Req, Resp>, outcome: &Result<Rc<Live<Req, Resp>>, Unreachable>) {
        let mut state = self.state.borrow_mut();
        if matches!(&*state, State::Connecting(current) if current.ptr_eq(attempt)) {
            *state = match outcome {
                Ok(live) => State::Open(live.clone()),
                Err(because) => self.pause(Instant::now(), because.clone()),
            };
        }
    }

    fn retire(&self, live: &Rc<Live<Req, Resp>>) {
        let mut state = self.state.borrow_mut();
        if matches!(&*state, State::Open(current) if Rc::ptr_eq(current, live)) {
            *state = State::Idle;
        }
    }

    /// Counts a failure, and pauses for as long as that many deserve.
    fn pause(&self, from: Instant, because: Unreachable) -> State<Req, Resp> {
        let doublings = self.failures.get().min(16);
        self.failures.set(doublings + 1);
        let until = from + LONGEST_PAUSE.min(FIRST_PAUSE * (1 << doublings));
        State::Pausing { until, because }
    }
}

/// One attempt to connect. It borrows nothing from the call that began it: when that call is dropped, the
/// next one goes on with the attempt.
async fn connect<Req, Resp>(address: String, options: Options) -> Result<Rc<Live<Req, Resp>>, Unreachable>
where
    Req: Serialize + RequestName + 'static,
    Resp: DeserializeOwned + 'static,
{
    let socket = match timeout(options.connect_timeout, TcpStream::connect(address.as_str())).await {
        Ok(connected) => connected.and_then(prepare),
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in time")),
    };
    let socket = socket.map_err(|why| Unreachable { address: address.clone(), why: Arc::new(why) })?;
    let mut config = client::Config::default();
    config.max_in_flight_requests = options.max_in_flight.max(1);
    let client::NewClient { client: channel, dispatch } =
        client::new(config, transport(socket, options.max_frame_bytes));
    let dispatch = spawn_local(async move {
        if let Err(error) = dispatch.await {
            // The calls under way are told the same.
            tracing::debug!(%address, %error, "the connection broke");
        }
    });
    Ok(Rc::new(Live { channel, dispatch, opened: Instant::now(), answers: Cell::new(0) }))
}
