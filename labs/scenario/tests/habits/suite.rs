//! A made-up suite of what people write in ordinary asynchronous Rust: three clients of one key/value server, in
//! which what a habit comes to decides when each client does what.

use super::{harmful, harmless};
use kvclient::protocol::SERVICE;
use kvclient::remote::Recorded;
use kvclient::{KvClient, Patience};
use kvserver::LoneServer;
use labrpc::{End, Host, Served};
use labrpc_sim::{Link, Options, Sim};
use scenario::{Done, Run, Scenario, Setting, judged};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use tracecheck_schema::{Durability, Header, Node, RunId, SCHEMA, Server};

/// The only server.
pub(crate) const S1: Server = Server(1);
const CLIENTS: u32 = 3;
/// How many operations each client does.
const ROUNDS: u64 = 20;

pub(crate) fn scenarios() -> Vec<Scenario> {
    [harmless::scenarios(), harmful::scenarios()].concat()
}

pub(crate) fn scenario(name: &'static str, sentence: &'static str, run: fn(u64) -> Run) -> Scenario {
    Scenario {
        name,
        part: "habit",
        sentence,
        source: "ordinary Rust",
        points: 0,
        rules: &[],
        seeded: true,
        run,
    }
}

/// A client's world, as its habit sees it.
#[derive(Clone)]
pub(crate) struct Turn {
    pub(crate) sim: Sim,
    pub(crate) host: Rc<dyn Host>,
    pub(crate) client: u32,
    pub(crate) round: u64,
}

/// Runs three clients, each of which does what `habit` gives it: any number, which decides its next operation.
pub(crate) fn run<T>(name: &'static str, seed: u64, habit: fn(Turn) -> T) -> Run
where
    T: Future<Output = u64> + 'static,
{
    let header = Header {
        schema: SCHEMA,
        run: RunId { name: name.to_owned(), seed },
        kit: env!("CARGO_PKG_VERSION").to_owned(),
        servers: vec![S1],
        voters: vec![S1],
        scripted: Vec::new(),
        durability: Durability::Assumed,
    };
    let setting = Setting { header, link: Link::reliable(), options: Options::default(), without: &["K4"] };
    judged(
        setting,
        |_| {},
        move |sim| async move {
            serve(&sim);
            let left = Rc::new(Cell::new(CLIENTS));
            for client in 1..=CLIENTS {
                let host = sim.start(Node::Client(client));
                let work = work(Turn { sim: sim.clone(), host: host.clone(), client, round: 0 }, habit);
                let left = left.clone();
                host.spawn(Box::pin(async move {
                    work.await;
                    left.set(left.get() - 1);
                }));
            }
            while left.get() > 0 {
                sim.sleep(Duration::from_millis(50)).await;
            }
            Done::Ok(())
        },
    )
}

fn serve(sim: &Sim) {
    let host = sim.start(S1.into());
    let server = LoneServer::start(host.clone(), S1);
    let recorder = host.recorder().clone();
    let last = Rc::new(move || recorder.last());
    let recorded = Recorded::new(host, server);
    sim.serve(S1.into(), SERVICE, Rc::new(Served::new(S1.into(), last, recorded.serve())));
}

async fn work<T: Future<Output = u64>>(turn: Turn, habit: fn(Turn) -> T) {
    let recorder = turn.host.recorder().clone();
    let me = recorder.node();
    let wire = turn.sim.wire(me, S1.into(), SERVICE, |_, _| None);
    let end = End::over_wire(me, Rc::new(move || recorder.last()), wire);
    let mut client = KvClient::start(turn.host.clone(), turn.client, [(S1, end)], Patience::default());
    for round in 0..ROUNDS {
        let number = habit(Turn { round, ..turn.clone() }).await;
        let key = format!("k{}", number % 5);
        // A network that loses nothing, and one server that never fails: an error would be the kit's.
        if number % 3 == 0 {
            client.get(&key).await.expect("the server answers");
        } else {
            let value = format!("{}.{round}", turn.client);
            client.put(&key, &value).await.expect("the server answers");
        }
        turn.host.sleep_until(turn.host.now() + Duration::from_micros(number % 1_000)).await;
    }
}
