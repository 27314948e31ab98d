//! The single server of lab 1 in a simulated world, as a scenario handles it.

use kvclient::protocol::{KvEnd, KvRpc, SERVICE};
use kvclient::remote::Recorded;
use kvclient::{KvClient, Patience};
use kvserver::LoneServer;
use labrpc::schema::{Node, Server};
use labrpc::{End, Host, Served};
use labrpc_sim::{Link, Sim};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// The server's name.
pub(crate) const SERVER: Server = Server(1);

/// A server and its clients. Clones are the same ones.
#[derive(Clone)]
pub(crate) struct Lone {
    pub(crate) sim: Sim,
    pub(crate) server: LoneServer,
    clients: Rc<Cell<u32>>,
}

impl Lone {
    pub(crate) fn start(sim: Sim) -> Self {
        let host = sim.start(SERVER.into());
        let server = LoneServer::start(host.clone(), SERVER);
        let recorder = host.recorder().clone();
        let last = Rc::new(move || recorder.last());
        let recorded = Recorded::new(host, server.clone());
        sim.serve(SERVER.into(), SERVICE, Rc::new(Served::new(SERVER.into(), last, recorded.serve())));
        Lone { sim, server, clients: Rc::default() }
    }

    /// The next client, on a node of its own.
    pub(crate) fn client(&self, patience: Patience) -> (Rc<dyn Host>, KvClient) {
        self.clients.set(self.clients.get() + 1);
        let host = self.sim.start(Node::Client(self.clients.get()));
        let client = KvClient::start(
            host.clone(),
            self.clients.get(),
            [(SERVER, end(&self.sim, &host, SERVER))],
            patience,
        );
        (host, client)
    }

    /// Changes the links between the server and its clients so far, in both directions.
    pub(crate) fn links(&self, change: impl Fn(&mut Link)) {
        for client in 1..=self.clients.get() {
            self.sim.link(Node::Client(client), SERVER.into(), &change);
            self.sim.link(SERVER.into(), Node::Client(client), &change);
        }
    }

    pub(crate) async fn sleep_ms(&self, ms: u64) {
        self.sim.sleep(Duration::from_millis(ms)).await;
    }
}

/// The way of a node to a server.
pub(crate) fn end(sim: &Sim, host: &Rc<dyn Host>, to: Server) -> KvEnd {
    let recorder = host.recorder().clone();
    let me = recorder.node();
    End::over_wire(me, Rc::new(move || recorder.last()), sim.wire(me, to.into(), SERVICE, |_, _| None))
}
