//! The server's side: accepts connections and runs every handler in a task of its own.
//!
//! Invariants
//! - Every task ends when its [`Server`] does; nothing else ends a handler that has begun.
//! - A connection's tasks hold no other connection's: an error closes one socket.

use super::{MAX_FRAME_BYTES, prepare, transport};
use crate::{NotImplemented, Packet, Served};
use futures::StreamExt;
use serde::{Serialize, de::DeserializeOwned};
use std::any::Any;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tarpc::ServerError;
use tarpc::server::{BaseChannel, Channel, Serve};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::watch;
use tokio::task::spawn_local;

/// How long a server that cannot accept waits before it tries again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An address to serve at, already taken: peers may connect, and wait until [`serve`] answers them.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    max_frame_bytes: usize,
}

impl Listener {
    /// Takes the address; port 0 stands for any free one.
    ///
    /// # Errors
    /// As the system's `bind`: the address is in use, not this machine's, or not allowed.
    pub async fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        Ok(Listener { socket, address, max_frame_bytes: MAX_FRAME_BYTES })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Sets the largest message in bytes, either way: 16 MiB by default, at most 2³² - 1. A peer that
    /// announces a larger request is disconnected; a larger response becomes an error for its caller.
    #[must_use]
    pub fn max_frame_bytes(mut self, bytes: usize) -> Self {
        self.max_frame_bytes = bytes;
        self
    }
}

/// A server at work. Dropping it stops it: no connection is accepted, the open ones are closed, and the
/// handlers are dropped where they wait.
#[derive(Debug)]
#[must_use = "dropping a server stops it"]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<()>,
}

impl Server {
    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Stops, and completes when the sockets are closed and the handlers are gone.
    pub async fn stop(self) {
        self.stop.send_replace(());
        // Every task holds a receiver.
        self.stop.closed().await;
    }
}

/// Serves at `listener` until the returned [`Server`] is dropped or stopped.
///
/// A handler goes on when its caller has given up, so one that may wait for ever needs a limit of its own.
///
/// # Panics
/// Outside a `LocalSet`.
pub fn serve<S>(listener: Listener, served: Served<S>) -> Server
where
    S: Serve + Clone + 'static,
    S::Req: DeserializeOwned,
    S::Resp: Serialize,
{
    let (stop, stopped) = watch::channel(());
    let address = listener.address;
    spawn_local(until_stopped(stopped.clone(), accept(listener, served, stopped)));
    Server { address, stop }
}

/// Runs `work` until it ends or the server is stopped; then the result is none.
async fn until_stopped<T>(mut stopped: watch::Receiver<()>, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        // First, so that a stopped server does not take one more step.
        biased;
        // An error says that the server was dropped, which is the same.
        _ = stopped.changed() => None,
        result = work => Some(result),
    }
}

async fn accept<S>(listener: Listener, served: Served<S>, stopped: watch::Receiver<()>)
where
    S: Serve + Clone + 'static,
    S::Req: DeserializeOwned,
    S::Resp: Serialize,
{
    loop {
        match listener.socket.accept().await {
            Ok((socket, peer)) => {
                let connection = converse(socket, listener.max_frame_bytes, served.clone(), stopped.clone());
                let ended = until_stopped(stopped.clone(), connection);
                spawn_local(async move {
                    if let Some(Err(error)) = ended.await {
                        tracing::debug!(%peer, error = %explain(&error), "closed a connection");
                    }
                });
            }
            // The peer was gone before it was accepted; the next one may be well.
            Err(error) if is_the_peers(error.kind()) => {}
            // Most likely too many files are open. The connection stays in the queue, so without a pause
            // this would be an endless loop at full speed.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_the_peers(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted)
}

/// An error with its causes: tarpc's own text says only what it was doing.
fn explain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Answers one peer until it hangs up, which is an error too, or breaks the protocol.
async fn converse<S>(
    socket: TcpStream,
    max_frame_bytes: usize,
    served: Served<S>,
    stopped: watch::Receiver<()>,
) -> Result<(), tarpc::ChannelError<io::Error>>
where
    S: Serve + Clone + 'static,
    S::Req: DeserializeOwned,
    S::Resp: Serialize,
{
    let socket = prepare(socket).map_err(|why| tarpc::ChannelError::Ready(why.into()))?;
    let channel = BaseChannel::with_defaults(transport(UntilClosed(socket), max_frame_bytes));
    let mut requests = std::pin::pin!(channel.requests());
    while let Some(request) = requests.next().await {
        let detached = Detached { served: served.clone(), stopped: stopped.clone() };
        // tarpc ends this task when the caller gives up or the connection closes.
        spawn_local(request?.execute(detached));
    }
    Ok(())
}

/// Serves one request in a task that only waits for the one that does the work. tarpc aborts the former
/// when the caller gives up; the latter goes on, so that no handler stops between two of its steps.
struct Detached<S> {
    served: Served<S>,
    stopped: watch::Receiver<()>,
}

impl<S: Serve + Clone + 'static> Serve for Detached<S> {
    type Req = Packet<S::Req>;
    type Resp = Packet<S::Resp>;

    async fn serve(
        self,
        _: tarpc::context::Context,
        request: Packet<S::Req>,
    ) -> Result<Packet<S::Resp>, ServerError> {
        let Detached { served, stopped } = self;
        let work = spawn_local(until_stopped(stopped, async move { served.answer(request).await }));
        match work.await {
            Ok(Some(answer)) => answer,
            Ok(None) => {
                Err(ServerError::new(ErrorKind::ConnectionAborted, "the server was stopped".to_owned()))
            }
            Err(ended) => Err(ServerError::new(ErrorKind::Other, why_it_ended(ended))),
        }
    }
}

fn why_it_ended(ended: tokio::task::JoinError) -> String {
    let Ok(panic) = ended.try_into_panic() else { return "the handler was aborted".to_owned() };
    let panic: &(dyn Any + Send) = &*panic;
    if let Some(NotImplemented { what, place }) = panic.downcast_ref() {
        return format!("not implemented: {what} ({place})");
    }
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("the handler panicked: {}", text.unwrap_or("no message"))
}

/// A socket whose end is an error. tarpc takes the end of a stream for "no more requests" and waits for
/// the handlers; but our clients never close one direction only, so the socket would stay open for
/// nobody, as long as some handler waits.
struct UntilClosed(TcpStream);

impl AsyncRead for UntilClosed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.0).poll_read(cx, buffer))?;
        let ended = buffer.filled().len() == before && buffer.remaining() > 0;
        Poll::Ready(if ended { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) })
    }
}

impl AsyncWrite for UntilClosed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
