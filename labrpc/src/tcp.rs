//! Calls over TCP: the real side of [`End`](crate::End), on tarpc's own channel and server.
//!
//! Owns how calls travel between processes: frames of a 4-byte big-endian length and one postcard
//! message; [`Connection`] at the caller, [`Listener`] and [`serve`] at the server.
//!
//! Invariants
//! - A call ends within its timeout: connecting and waiting for a free place count.
//! - A request is sent at most once. [`RpcError::Send`](tarpc::client::RpcError::Send) says that it never
//!   left; after any other error it may have been executed.
//! - A handler that has begun ends by itself or with its server: never because its caller went away.
//! - Whatever a peer sends ends at most that peer's connection.
//!
//! Never: repeats a request; looks into a message; works outside a `LocalSet` (or a `LocalRuntime`), since
//! all its tasks are local ones and `spawn_local` panics elsewhere.

mod client;
mod codec;
mod server;

pub use client::{Connection, Unreachable};
pub use server::{Listener, Server, serve};

use std::time::{Duration, Instant};
use tarpc::tokio_util::codec::length_delimited::LengthDelimitedCodec;
use tokio::net::TcpStream;

/// The limits of a [`Connection`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long one attempt to connect may take, resolving the name included. 1 s by default.
    pub connect_timeout: Duration,
    /// How long a call may take in all, connecting included. 5 s by default.
    pub call_timeout: Duration,
    /// How many calls may be under way at once, at least 1; further ones wait within their timeout.
    /// 1000 by default.
    pub max_in_flight: usize,
    /// The largest message in bytes, either way; at most 2³² - 1. A larger request fails at the caller.
    /// 16 MiB by default, as at a [`Listener`].
    pub max_frame_bytes: usize,
}

const MAX_FRAME_BYTES: usize = 16 << 20;

impl Default for Options {
    fn default() -> Self {
        Options {
            connect_timeout: Duration::from_secs(1),
            call_timeout: Duration::from_secs(5),
            max_in_flight: 1000,
            max_frame_bytes: MAX_FRAME_BYTES,
        }
    }
}

/// tarpc's context with a deadline that never comes: calls are timed by [`Options::call_timeout`] alone,
/// because a call that waits for a free place would not notice a deadline of tarpc's.
fn timeless() -> tarpc::context::Context {
    // tarpc's timer wheel panics at a deadline more than two years ahead.
    const FAR: Duration = Duration::from_secs(365 * 24 * 3600);
    let mut context = crate::context();
    context.deadline = Instant::now() + FAR;
    context
}

/// Wraps a socket into tarpc's transport.
fn transport<S, Item, SinkItem>(
    socket: S,
    max_frame_bytes: usize,
) -> tarpc::serde_transport::Transport<S, Item, SinkItem, codec::Postcard>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite,
    Item: for<'de> serde::Deserialize<'de>,
    SinkItem: serde::Serialize,
    codec::Postcard: tarpc::tokio_serde::Serializer<SinkItem> + tarpc::tokio_serde::Deserializer<Item>,
{
    let framed = LengthDelimitedCodec::builder().max_frame_length(max_frame_bytes).new_framed(socket);
    tarpc::serde_transport::new(framed, codec::Postcard { max_frame_bytes })
}

/// Sends small messages at once: a call waits for its answer, so there is nothing to gather.
fn prepare(socket: TcpStream) -> std::io::Result<TcpStream> {
    socket.set_nodelay(true)?;
    Ok(socket)
}
