//! What travels: a message with its sender and its stamp.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tracecheck_schema::{Node, Stamp};

/// A message as it travels between real processes. The simulated network carries the same three things,
/// but counts only the body's bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packet<T> {
    /// Who sent it.
    pub from: Node,
    /// The sender's last record when the message left; none if it records nothing.
    pub stamp: Option<Stamp>,
    /// The request or response itself.
    pub body: T,
}

impl<T: tarpc::RequestName> tarpc::RequestName for Packet<T> {
    fn name(&self) -> &str {
        self.body.name()
    }
}

/// A message as bytes.
///
/// # Panics
/// If the type's own `Serialize` fails, which derived ones never do.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    postcard::to_stdvec(message).expect("derived serialization into memory does not fail")
}

/// A message from its bytes; the sentence says what is wrong with them.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    postcard::from_bytes(bytes).map_err(|error| format!("these bytes are no such message: {error}"))
}
