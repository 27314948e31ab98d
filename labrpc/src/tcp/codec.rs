//! The messages of tarpc's protocol as postcard.
//!
//! Invariant: what arrives is refused as a whole or read as a whole, and never panics.
//!
//! Never: carries tarpc's deadline or trace context. A caller's timeout is its own affair, and a deadline
//! read from hostile bytes overflows the clock and panics.

use super::timeless;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::{self, ErrorKind};
use std::pin::Pin;
use tarpc::tokio_serde::{Deserializer, Serializer};
use tarpc::tokio_util::bytes::{Bytes, BytesMut};
use tarpc::{ClientMessage, Request, Response, ServerError};

/// The format. It knows the limit because a server must answer even what is too large to answer.
pub(super) struct Postcard {
    pub(super) max_frame_bytes: usize,
}

/// What a client sends. `T` is borrowed on the way out, owned on the way in.
#[derive(Serialize, Deserialize)]
enum ToServer<T> {
    Call { id: u64, message: T },
    Cancel { id: u64 },
}

/// What a server sends. tarpc's own type would not do: it writes an error's kind as `i32` and reads it as
/// `u32`, which postcard encodes differently, so every kind would arrive as another.
#[derive(Serialize, Deserialize)]
enum ToClient<T> {
    Answer { id: u64, message: T },
    Failure { id: u64, kind: u8, detail: String },
}

impl<T> ToClient<T> {
    fn failure(id: u64, kind: ErrorKind, detail: String) -> Self {
        let known = KINDS.iter().position(|known| *known == kind).and_then(|place| u8::try_from(place).ok());
        // Any number that is not in the table stands for `Other`.
        ToClient::Failure { id, kind: known.unwrap_or(u8::MAX), detail }
    }
}

/// The kinds of error that travel as what they are, each as its place here.
const KINDS: [ErrorKind; 17] = [
    ErrorKind::NotFound,
    ErrorKind::PermissionDenied,
    ErrorKind::ConnectionRefused,
    ErrorKind::ConnectionReset,
    ErrorKind::ConnectionAborted,
    ErrorKind::NotConnected,
    ErrorKind::AddrInUse,
    ErrorKind::AddrNotAvailable,
    ErrorKind::BrokenPipe,
    ErrorKind::AlreadyExists,
    ErrorKind::WouldBlock,
    ErrorKind::InvalidInput,
    ErrorKind::InvalidData,
    ErrorKind::TimedOut,
    ErrorKind::WriteZero,
    ErrorKind::Interrupted,
    ErrorKind::UnexpectedEof,
];

fn write<T: Serialize>(message: &T) -> io::Result<Bytes> {
    let bytes = postcard::to_stdvec(message).map_err(|why| io::Error::new(ErrorKind::InvalidInput, why))?;
    Ok(bytes.into())
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    let invalid = |why: &dyn ToString| io::Error::new(ErrorKind::InvalidData, why.to_string());
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        Ok((_, rest)) => Err(invalid(&format!("a frame has {} bytes too many", rest.len()))),
        Err(why) => Err(invalid(&why)),
    }
}

impl<T: Serialize> Serializer<ClientMessage<T>> for Postcard {
    type Error = io::Error;

    fn serialize(self: Pin<&mut Self>, message: &ClientMessage<T>) -> io::Result<Bytes> {
        match message {
            ClientMessage::Request(Request { id, message, .. }) => {
                write(&ToServer::Call { id: *id, message })
            }
            ClientMessage::Cancel { request_id, .. } => write(&ToServer::<()>::Cancel { id: *request_id }),
            _ => Err(ErrorKind::Unsupported.into()),
        }
    }
}

impl<T: DeserializeOwned> Deserializer<ClientMessage<T>> for Postcard {
    type Error = io::Error;

    fn deserialize(self: Pin<&mut Self>, bytes: &BytesMut) -> io::Result<ClientMessage<T>> {
        let context = timeless();
        Ok(match read(bytes)? {
            ToServer::Call { id, message } => ClientMessage::Request(Request { context, id, message }),
            ToServer::Cancel { id } => {
                ClientMessage::Cancel { trace_context: context.trace_context, request_id: id }
            }
        })
    }
}

impl<T: Serialize> Serializer<Response<T>> for Postcard {
    type Error = io::Error;

    /// A response that cannot be sent becomes an error for its caller: failing here would break the
    /// connection, and every other call on it.
    fn serialize(self: Pin<&mut Self>, response: &Response<T>) -> io::Result<Bytes> {
        let id = response.request_id;
        let written = match &response.message {
            Ok(message) => write(&ToClient::Answer { id, message }),
            Err(error) => write(&ToClient::<()>::failure(id, error.kind, error.detail.clone())),
        };
        let why = match written {
            Ok(bytes) if bytes.len() <= self.max_frame_bytes => return Ok(bytes),
            Ok(bytes) => {
                format!("the response has {} bytes, the limit is {}", bytes.len(), self.max_frame_bytes)
            }
            Err(why) => format!("the response cannot be serialized: {why}"),
        };
        write(&ToClient::<()>::failure(id, ErrorKind::InvalidData, why))
    }
}

impl<T: DeserializeOwned> Deserializer<Response<T>> for Postcard {
    type Error = io::Error;

    fn deserialize(self: Pin<&mut Self>, bytes: &BytesMut) -> io::Result<Response<T>> {
        Ok(match read(bytes)? {
            ToClient::Answer { id, message } => Response { request_id: id, message: Ok(message) },
            ToClient::Failure { id, kind, detail } => {
                let kind = KINDS.get(usize::from(kind)).copied().unwrap_or(ErrorKind::Other);
                Response { request_id: id, message: Err(ServerError::new(kind, detail)) }
            }
        })
    }
}
