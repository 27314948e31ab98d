//! Who acts: servers, clients, the network, the run's controller; and stamps that name one record.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// A server of the cluster, numbered from 1 and written `s1`, `s2`, ….
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Server(pub u8);

/// Whoever records events: the `node` of a record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// The run's controller, written `run`.
    Run,
    /// The network and fault injector, written `net`.
    Net,
    /// A server, written `s1`, `s2`, ….
    Server(Server),
    /// A client, written `c1`, `c2`, ….
    Client(u32),
}

impl Node {
    /// The server that this node is, if it is one.
    pub fn server(self) -> Option<Server> {
        if let Node::Server(server) = self { Some(server) } else { None }
    }
}

impl From<Server> for Node {
    fn from(server: Server) -> Self {
        Node::Server(server)
    }
}

/// Names one record for ever: the `seq`-th of incarnation `inc` of `node`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// Who recorded it.
    pub node: Node,
    /// The incarnation: 1 at the first start, one more at every restart.
    pub inc: u32,
    /// 1, 2, 3 … within the incarnation.
    pub seq: u64,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Run => f.write_str("run"),
            Node::Net => f.write_str("net"),
            Node::Server(server) => fmt::Display::fmt(server, f),
            Node::Client(number) => write!(f, "c{number}"),
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Stamp {
    /// `s1#7`, or `s1.2#7` in a later incarnation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.inc {
            1 => write!(f, "{}#{}", self.node, self.seq),
            inc => write!(f, "{}.{}#{}", self.node, inc, self.seq),
        }
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that names no node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseNodeError(String);

impl fmt::Display for ParseNodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` names no node: write s1…s255, c1…, net or run", self.0)
    }
}

impl std::error::Error for ParseNodeError {}

impl FromStr for Node {
    type Err = ParseNodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |digits: &str| -> Option<u32> {
            let canonical = !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
            if canonical { digits.parse().ok() } else { None }
        };
        let node = match text {
            "run" => Some(Node::Run),
            "net" => Some(Node::Net),
            _ if text.starts_with('s') => {
                number(&text[1..]).and_then(|n| u8::try_from(n).ok()).map(|n| Node::Server(Server(n)))
            }
            _ if text.starts_with('c') => number(&text[1..]).map(Node::Client),
            _ => None,
        };
        node.ok_or_else(|| ParseNodeError(text.to_owned()))
    }
}

impl FromStr for Server {
    type Err = ParseNodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<Node>()?.server().ok_or_else(|| ParseNodeError(text.to_owned()))
    }
}

macro_rules! serde_as_text {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    compact::Compact::from(*self).serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    struct Visitor;
                    impl de::Visitor<'_> for Visitor {
                        type Value = $type;
                        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                            f.write_str("the name of a node, such as \"s1\"")
                        }
                        fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                            text.parse().map_err(E::custom)
                        }
                    }
                    deserializer.deserialize_str(Visitor)
                } else {
                    compact::Compact::deserialize(deserializer)?
                        .try_into()
                        .map_err(|()| de::Error::custom("not a server"))
                }
            }
        }
    };
}

serde_as_text!(Node);
serde_as_text!(Server);

/// How nodes travel in binary messages: a small enum instead of text.
mod compact {
    use super::{Node, Server};
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    pub(super) enum Compact {
        Run,
        Net,
        Server(u8),
        Client(u32),
    }

    impl From<Node> for Compact {
        fn from(node: Node) -> Self {
            match node {
                Node::Run => Compact::Run,
                Node::Net => Compact::Net,
                Node::Server(Server(number)) => Compact::Server(number),
                Node::Client(number) => Compact::Client(number),
            }
        }
    }

    impl From<Server> for Compact {
        fn from(server: Server) -> Self {
            Compact::Server(server.0)
        }
    }

    impl TryFrom<Compact> for Node {
        type Error = ();
        fn try_from(compact: Compact) -> Result<Self, ()> {
            Ok(match compact {
                Compact::Run => Node::Run,
                Compact::Net => Node::Net,
                Compact::Server(number) => Node::Server(Server(number)),
                Compact::Client(number) => Node::Client(number),
            })
        }
    }

    impl TryFrom<Compact> for Server {
        type Error = ();
        fn try_from(compact: Compact) -> Result<Self, ()> {
            if let Compact::Server(number) = compact { Ok(Server(number)) } else { Err(()) }
        }
    }
}
