//! How fast simulated calls are, beside the least that any simulation must do.
//!
//! Three kinds of call over links of 1–5 ms, in the same run, interleaved so that a busy machine slows all
//! alike; the best round of each counts:
//! - *bare*: a message through the delay heap into a `tokio` mpsc channel, the answer through a oneshot and
//!   the heap again; nothing serialized, nothing counted, no faults possible. The reference.
//! - *rpc*: a call through a tarpc client, [`labrpc::End`], the simulated network and the tarpc service.
//! - *judged*: the same, with each sending and receiving recorded and every rule of `tracecheck` on.
//!
//! The last two once more on a thread that is *protected* (`labrpc-interpose`), as all runs of the labs are. What is
//! measured is the processor's time of the thread, where the system tells it.
//!
//! `cargo bench -p labrpc-sim`. Aims: rpc at least 0.3 of bare, judged at least half of rpc.

use labrpc::schema::{Durability, Event, Header, Kind, Role, RunId, SCHEMA, Server, State};
use labrpc::{End, Host, Recorder, Served, context, incoming};
use labrpc_interpose::Processor;
use labrpc_sim::{Link, Options, Sim};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tracecheck::Judge;

const CLIENTS: u8 = 8;
/// A round is as long as a long lab test: 32,000 records.
const CALLS: u64 = 1_000;
const ROUNDS: usize = 50;
const DELAY_NS: (u64, u64) = (1_000_000, 5_000_000);

/// As large as an AppendEntries with one small entry.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Message {
    term: u64,
    leader: u64,
    prev: (u64, u64),
    entry: Vec<u8>,
    commit: u64,
}

impl Message {
    fn new(n: u64) -> Self {
        Message { term: 3, leader: 1, prev: (n, 3), entry: vec![7; 32], commit: n }
    }
}

/// Answers a message with its commit index.
#[tarpc::service]
pub trait Service {
    /// One call.
    async fn append(message: Message) -> u64;
}

#[derive(Clone)]
struct Answering(Option<Recorder>);

impl Service for Answering {
    async fn append(self, _: tarpc::context::Context, message: Message) -> u64 {
        if let (Some(recorder), Some(incoming)) = (&self.0, incoming()) {
            let from = incoming.from.server().unwrap_or(Server(1));
            let received = Event::Recv { kind: Kind::AppendRequest, from, term: 3, armed: vec![] };
            recorder.record(received, Some(STATE), incoming.stamp);
            recorder.record(sent(Kind::AppendReply, from), None, None);
        }
        message.commit
    }
}

const STATE: State = State {
    term: 3,
    role: Role::Follower,
    voted_for: None,
    leader_id: Some(Server(1)),
    commit_index: 0,
    last_index: 0,
    last_term: 0,
};

fn sent(kind: Kind, to: Server) -> Event {
    Event::Send { kind, to, term: 3, votes_for: None, match_index: None }
}

type Measured = (fn(u64) -> Duration, bool);

fn main() {
    let kinds: [Measured; 5] = [(bare, false), (rpc, false), (judged, false), (rpc, true), (judged, true)];
    let mut best = [Duration::MAX; 5];
    for round in 0..ROUNDS {
        eprint!("\rround {} of {ROUNDS}", round + 1);
        for (best, kind) in best.iter_mut().zip(kinds) {
            *best = (*best).min(apart(kind, round as u64));
        }
    }
    eprintln!("\r                 ");
    let rate = |kind: usize| (u64::from(CLIENTS) * CALLS) as f64 / best[kind].as_secs_f64();
    let of = |kind: usize, other: usize| rate(kind) / rate(other);
    println!(
        "{} calls by {CLIENTS} clients over 1-5 ms links, best of {ROUNDS} rounds",
        u64::from(CLIENTS) * CALLS
    );
    println!("  bare               {:>9.0} calls/s  (mpsc and oneshot through the same heap)", rate(0));
    println!("  rpc                {:>9.0} calls/s  {:.2} of bare   (aim 0.30)", rate(1), of(1, 0));
    let four = "4 records a call, all rules";
    println!("  judged             {:>9.0} calls/s  {:.2} of rpc    (aim 0.50; {four})", rate(2), of(2, 1));
    println!("  rpc, protected     {:>9.0} calls/s  {:.2} of rpc", rate(3), of(3, 1));
    println!("  judged, protected  {:>9.0} calls/s  {:.2} of judged", rate(4), of(4, 2));
}

/// On a fresh thread, protected or not.
fn apart((run, protected): Measured, seed: u64) -> Duration {
    let thread = std::thread::spawn(move || {
        let _protected = protected.then(|| labrpc_interpose::protect(seed, 1 << 30, |_, _| ()));
        run(seed)
    });
    thread.join().expect("no run panics")
}

fn timed(sim: &Sim, main: impl Future<Output = ()> + 'static) -> Duration {
    let (processor, begin) = (Processor::here(), Instant::now());
    let used = || processor.as_ref().and_then(Processor::used);
    let before = used();
    let (outcome, _) = sim.run(main);
    assert_eq!(outcome, labrpc_sim::Outcome::Completed);
    match (before, used()) {
        (Some(before), Some(after)) => after - before,
        _ => begin.elapsed(),
    }
}

/// Runs `one_call` as often as each client should, from all clients at once.
async fn clients<F, T>(hosts: Vec<Rc<dyn Host>>, one_client: F)
where
    F: Fn(Rc<dyn Host>) -> T,
    T: Future<Output = ()> + 'static,
{
    let (done, mut all_done) = mpsc::unbounded_channel();
    let count = hosts.len();
    for host in hosts {
        let (client, done) = (one_client(host.clone()), done.clone());
        host.spawn(Box::pin(async move {
            client.await;
            done.send(()).expect("the test waits");
        }));
    }
    for _ in 0..count {
        all_done.recv().await;
    }
}

fn bare(seed: u64) -> Duration {
    let sim = Sim::new(seed, Options { record: false, ..Options::default() });
    let world = sim.clone();
    timed(&sim, async move {
        let server = world.start(Server(100).into());
        let (to_server, mut requests) = mpsc::unbounded_channel::<(Message, oneshot::Sender<u64>)>();
        server.spawn(Box::pin(async move {
            while let Some((message, answer)) = requests.recv().await {
                // A caller that is gone needs no answer.
                let _ = answer.send(message.commit);
            }
        }));
        let hosts = (1..=CLIENTS).map(|n| world.start(Server(n).into())).collect();
        clients(hosts, move |host| {
            let to_server = to_server.clone();
            async move {
                let delay = || host.now() + Duration::from_nanos(host.draw(DELAY_NS.0..=DELAY_NS.1));
                for n in 0..CALLS {
                    let (answer, answered) = oneshot::channel();
                    host.sleep_until(delay()).await;
                    to_server.send((Message::new(n), answer)).expect("the server waits");
                    assert_eq!(answered.await, Ok(n));
                    host.sleep_until(delay()).await;
                }
            }
        })
        .await;
    })
}

fn rpc(seed: u64) -> Duration {
    calls(seed, false)
}

fn judged(seed: u64) -> Duration {
    calls(seed, true)
}

fn calls(seed: u64, judged: bool) -> Duration {
    let sim = Sim::new(seed, Options { record: judged, ..Options::default() });
    if judged {
        let servers: Vec<Server> = (1..=CLIENTS).chain([100]).map(Server).collect();
        let mut judge = Judge::new(&Header {
            schema: SCHEMA,
            run: RunId { name: "bench".to_owned(), seed },
            kit: String::new(),
            servers: servers.clone(),
            voters: servers,
            scripted: vec![],
            durability: Durability::Assumed,
        });
        sim.watch(move |record| judge.observe(record).is_some());
    }
    let world = sim.clone();
    timed(&sim, async move {
        world.links(&Link { delay_ns: DELAY_NS.0..=DELAY_NS.1, ..Link::reliable() });
        let start = |server: Server| {
            let host = world.start(server.into());
            host.recorder().record(Event::ServerStart { server_id: server }, Some(STATE), None);
            host
        };
        let server = Server(100);
        let recorder = start(server).recorder().clone();
        let last = {
            let recorder = recorder.clone();
            Rc::new(move || recorder.last())
        };
        let served = Served::new(server.into(), last, Answering(judged.then_some(recorder)).serve());
        world.serve(server.into(), "bench", Rc::new(served));
        let hosts = (1..=CLIENTS).map(|n| start(Server(n))).collect();
        clients(hosts, move |host| {
            let recorder = host.recorder().clone();
            let last = {
                let recorder = recorder.clone();
                Rc::new(move || recorder.last())
            };
            let wire = world.wire(recorder.node(), server.into(), "bench", |_, _| None);
            let end: End<ServiceRequest, ServiceResponse> = End::over_wire(recorder.node(), last, wire);
            async move {
                if judged {
                    for n in 0..CALLS {
                        let stamp = recorder.record(sent(Kind::AppendRequest, server), None, None);
                        let request = ServiceRequest::Append { message: Message::new(n) };
                        let answer = end.call_stamped(Some(stamp), request).await;
                        let (cause, ServiceResponse::Append(answer)) = answer.expect("nothing is lost");
                        assert_eq!(answer, n);
                        let received =
                            Event::Recv { kind: Kind::AppendReply, from: server, term: 3, armed: vec![] };
                        recorder.record(received, Some(STATE), cause);
                    }
                } else {
                    let client = ServiceClient::from(end);
                    for n in 0..CALLS {
                        assert_eq!(
                            client.append(context(), Message::new(n)).await.expect("nothing is lost"),
                            n
                        );
                    }
                }
            }
        })
        .await;
    })
}
