//! Peers that speak no RPC: a relay that counts connections, and sockets that misbehave.

use super::echo::any;
use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;

/// What a peer does with a connection.
#[derive(Clone, Copy)]
pub(super) enum Peer {
    /// Passes everything on, both ways.
    Relay(SocketAddr),
    /// Keeps it open and says nothing.
    Mute,
    /// Closes it.
    HangUp,
}

impl Peer {
    /// Starts the peer: its address, and how many connections it has accepted.
    pub(super) async fn start(self) -> (SocketAddr, Rc<Cell<u32>>) {
        let listener = TcpListener::bind(any()).await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let accepted = Rc::new(Cell::new(0));
        let counter = accepted.clone();
        spawn_local(async move {
            let mut mute = Vec::new();
            loop {
                let (mut socket, _) = listener.accept().await.expect("a test opens few sockets");
                counter.set(counter.get() + 1);
                match self {
                    Peer::Relay(to) => {
                        spawn_local(async move {
                            let mut server = TcpStream::connect(to).await.expect("the server is there");
                            // An error ends the relay; the test sees it at its own ends.
                            let _ = tokio::io::copy_bidirectional(&mut socket, &mut server).await;
                        });
                    }
                    Peer::Mute => mute.push(socket),
                    Peer::HangUp => drop(socket),
                }
            }
        });
        (address, accepted)
    }
}
