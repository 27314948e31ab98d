//! A service for tests, and worlds that serve it.

use labrpc::schema::{Node, Server};
use labrpc::{End, Host, Served, context};
use labrpc_sim::{Finished, Options, Outcome, Sim};
use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

#[tarpc::service]
pub(crate) trait Echo {
    /// Counts the call, waits for `ms` of virtual time, and returns the text.
    async fn echo(text: String, ms: u64) -> String;
}

#[derive(Clone)]
struct Echoing {
    host: Rc<dyn Host>,
    handled: Rc<Cell<u64>>,
}

impl Echo for Echoing {
    async fn echo(self, _: tarpc::context::Context, text: String, ms: u64) -> String {
        self.handled.set(self.handled.get() + 1);
        self.host.sleep_until(self.host.now() + Duration::from_millis(ms)).await;
        text
    }
}

pub(crate) fn s(number: u8) -> Server {
    Server(number)
}

/// A world with servers s1 and s2, of which s2 serves; returns how many calls it handled.
pub(crate) fn echo_world(sim: &Sim) -> Rc<Cell<u64>> {
    sim.start(s(1).into());
    serve(sim, s(2))
}

pub(crate) fn serve(sim: &Sim, server: Server) -> Rc<Cell<u64>> {
    let handled = Rc::new(Cell::new(0));
    let host = sim.start(server.into());
    let echoing = Echoing { host, handled: handled.clone() };
    let served = Served::new(server.into(), Rc::new(|| None), echoing.serve());
    sim.serve(server.into(), "echo", Rc::new(served));
    handled
}

/// A call from s1 to s2.
pub(crate) async fn call(sim: &Sim, text: &str, ms: u64) -> Option<String> {
    let (from, to): (Node, Node) = (s(1).into(), s(2).into());
    let end = End::over_wire(from, Rc::new(|| None), sim.wire(from, to, "echo", |_, _| None));
    let client: EchoClient<_> = EchoClient::from(end);
    client.echo(context(), text.to_owned(), ms).await.ok()
}

/// Runs a test in a new world.
pub(crate) fn run<F, T>(seed: u64, options: Options, main: F) -> (Outcome, Finished)
where
    F: FnOnce(Sim) -> T + 'static,
    T: Future<Output = ()>,
{
    let sim = Sim::new(seed, options);
    let inside = sim.clone();
    sim.run(async move { main(inside).await })
}
