//! A made-up suite of what people write in ordinary asynchronous Rust: three servers that call a fourth one, each of
//! which has a habit, and what that comes to decides when it does what.

use super::{harmful, harmless};
use labrpc::{End, Host, Recorder, Served, incoming};
use labrpc_sim::{Link, Options, Sim};
use scenario::{Done, Run, Scenario, Setting, judged};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use tracecheck_schema::{Durability, Event, Header, Kind, Role, RunId, SCHEMA, Server, State};

/// Who is called.
const CALLED: Server = Server(1);
const SERVICE: &str = "habit";
/// How many calls each of the others makes.
const ROUNDS: u64 = 30;

const STATE: State = State {
    term: 3,
    role: Role::Follower,
    voted_for: None,
    leader_id: Some(CALLED),
    commit_index: 0,
    last_index: 0,
    last_term: 0,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    [harmless::scenarios(), vec![harmless::canary()], harmful::scenarios(), harmful::outside()].concat()
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

/// A server's world, as its habit sees it.
#[derive(Clone)]
pub(crate) struct Turn {
    pub(crate) sim: Sim,
    pub(crate) host: Rc<dyn Host>,
    pub(crate) me: Server,
    pub(crate) round: u64,
}

/// Takes a number and gives it back.
#[tarpc::service]
pub(crate) trait Echo {
    /// One call.
    async fn echo(number: u64) -> u64;
}

#[derive(Clone)]
struct Answering(Recorder);

impl Echo for Answering {
    async fn echo(self, _: tarpc::context::Context, number: u64) -> u64 {
        if let Some((from, stamp)) =
            incoming().and_then(|incoming| Some((incoming.from.server()?, incoming.stamp)))
        {
            let received = Event::Recv { kind: Kind::AppendRequest, from, term: 3, armed: vec![] };
            self.0.record(received, Some(STATE), stamp);
            self.0.record(sent(Kind::AppendReply, from), None, None);
        }
        number
    }
}

fn sent(kind: Kind, to: Server) -> Event {
    Event::Send { kind, to, term: 3, votes_for: None, match_index: None }
}

/// Runs three servers, each of which does what `habit` gives it: any number, which decides its next call.
pub(crate) fn run<T>(name: &'static str, seed: u64, habit: fn(Turn) -> T) -> Run
where
    T: Future<Output = u64> + 'static,
{
    let servers: Vec<Server> = (1..=4).map(Server).collect();
    let header = Header {
        schema: SCHEMA,
        run: RunId { name: name.to_owned(), seed },
        kit: env!("CARGO_PKG_VERSION").to_owned(),
        servers: servers.clone(),
        voters: servers.clone(),
        scripted: Vec::new(),
        durability: Durability::Assumed,
    };
    let setting = Setting { header, link: Link::reliable(), options: Options::default(), without: &[] };
    judged(
        setting,
        |_| {},
        move |sim| async move {
            let left = Rc::new(Cell::new(0));
            for me in servers {
                let host = sim.start(me.into());
                host.recorder().record(Event::ServerStart { server_id: me }, Some(STATE), None);
                if me == CALLED {
                    serve(&sim, &host);
                    continue;
                }
                let turn = Turn { sim: sim.clone(), host: host.clone(), me, round: 0 };
                let counted = left.clone();
                left.set(left.get() + 1);
                host.spawn(Box::pin(async move {
                    work(turn, habit).await;
                    counted.set(counted.get() - 1);
                }));
            }
            while left.get() > 0 {
                sim.sleep(Duration::from_millis(50)).await;
            }
            Done::Ok(())
        },
    )
}

fn serve(sim: &Sim, host: &Rc<dyn Host>) {
    let recorder = host.recorder().clone();
    let last = recorder.clone();
    let served = Served::new(CALLED.into(), Rc::new(move || last.last()), Answering(recorder).serve());
    sim.serve(CALLED.into(), SERVICE, Rc::new(served));
}

async fn work<T: Future<Output = u64>>(turn: Turn, habit: fn(Turn) -> T) {
    let recorder = turn.host.recorder().clone();
    let last = recorder.clone();
    let wire = turn.sim.wire(turn.me.into(), CALLED.into(), SERVICE, |_, _| None);
    let end: End<EchoRequest, EchoResponse> =
        End::over_wire(turn.me.into(), Rc::new(move || last.last()), wire);
    for round in 0..ROUNDS {
        let number = habit(Turn { round, ..turn.clone() }).await;
        let stamp = recorder.record(sent(Kind::AppendRequest, CALLED), None, None);
        let request = EchoRequest::Echo { number };
        // A network that loses nothing, and a server that never fails: an error would be the kit's.
        let (cause, _) = end.call_stamped(Some(stamp), request).await.expect("the server answers");
        let received = Event::Recv { kind: Kind::AppendReply, from: CALLED, term: 3, armed: vec![] };
        recorder.record(received, Some(STATE), cause);
        turn.host.sleep_until(turn.host.now() + Duration::from_micros(number % 1_000)).await;
    }
}
