//! Lab 1: remote calls and tracing: one server, many clients, a network that loses, delays and repeats.

use crate::check::{finds, ok, unmet};
use crate::harness::{Setup, simulate_lone};
use crate::lone::{SERVER, end};
use crate::workload::{Mix, Workload};
use futures::future::join;
use kvclient::protocol::{Request, Response};
use kvclient::remote::Remote;
use kvclient::{KvError, Patience};
use labrpc::schema::{KvCall, Node, Op};
use labrpc_sim::{Link, Options};
use scenario::{Expectation, Run, Scenario};
use std::time::Duration;

/// The scenarios, from easy to hard.
#[rustfmt::skip]
pub(crate) fn scenarios() -> Vec<Scenario> {
    let scenario = |name, points, rules, sentence, seeded, run| {
        Scenario { name, part: "lab1", sentence, source: "Lab 1", points, rules, seeded, run }
    };
    vec![
        scenario("lab1_01_basic", 10, &["K1", "K2", "K3", "K5", "K6", "K7"],
            "One client puts, gets, appends, swaps and deletes on a reliable network.", true, basic),
        scenario("lab1_02_many_clients", 10, &["K1", "K2", "K3", "K5", "K6", "K7"],
            "Ten clients at once: what each sees fits one order of all operations.", true, many_clients),
        scenario("lab1_03_unreliable", 20, &["K3", "K5", "K6", "K7"],
            "Requests and replies are lost and late: every operation is retried until it is done, and takes effect once.", true, unreliable),
        scenario("lab1_04_lost_reply", 20, &["K5", "K6", "K7"],
            "The reply to a write is lost after it was executed: the retry is answered as it was then, and not executed again.", true, lost_reply),
        scenario("lab1_05_repeated", 10, &["K5", "K6"],
            "Half of the requests arrive twice.", true, repeated),
        scenario("lab1_06_late", 10, &["K5", "K6"],
            "Replies come so late that the client has gone on when a repeated request arrives.", true, late),
        scenario("lab1_07_unknown", 10, &["K1", "K2"],
            "A server that nobody reaches: the client says that the outcome is unknown, not that it went well.", true, unknown),
        scenario("lab1_08_memory", 10, &[],
            "A hundred thousand clients: what the server remembers of each is at most 200 bytes.", false, memory),
    ]
}

fn basic(seed: u64) -> Run {
    simulate_lone(seed, Setup::new("lab1_01_basic", 1), async |lone| {
        let (_, mut client) = lone.client(Patience::default());
        finds("get a", &ok("get a", client.get("a").await)?, "")?;
        ok("put a 1", client.put("a", "1").await)?;
        ok("append a 2", client.append("a", "2").await)?;
        finds("get a", &ok("get a", client.get("a").await)?, "12")?;
        let swapped = ok("cas a 12 3", client.cas("a", "12", "3").await)?;
        let again = ok("cas a 12 4", client.cas("a", "12", "4").await)?;
        if (swapped, again) != (true, false) {
            return Err(unmet(
                "Lab 1",
                format!("`cas a 12 3` said {swapped}, and `cas a 12 4` after it {again}."),
                "The first finds 12 and swaps, the second does not.",
                Vec::new(),
            ));
        }
        finds("get a", &ok("get a", client.get("a").await)?, "3")?;
        ok("delete a", client.delete("a").await)?;
        finds("get a", &ok("get a", client.get("a").await)?, "")?;
        client.stop();
        Ok(())
    })
}

fn many_clients(seed: u64) -> Run {
    simulate_lone(seed, Setup::new("lab1_02_many_clients", 1), async |lone| {
        let work = Workload::start_lone(&lone, 10, Mix::default());
        lone.sleep_ms(1_000).await;
        work.finish(2_000).await
    })
}

fn unreliable(seed: u64) -> Run {
    let setup = Setup { link: Link::unreliable(), ..Setup::new("lab1_03_unreliable", 1) };
    simulate_lone(seed, setup, async |lone| {
        let work = Workload::start_lone(&lone, 5, Mix { keys: 2, appends: 900, ..Mix::default() });
        lone.sleep_ms(4_000).await;
        work.finish(20_000).await?;
        if work.done() < 20 {
            return Err(unmet(
                "Lab 1",
                format!("Five clients did {} operations in 4 s.", work.done()),
                "One request in ten and one reply in ten is lost: at least 20 can be done.",
                Vec::new(),
            ));
        }
        Ok(())
    })
}

fn lost_reply(seed: u64) -> Run {
    simulate_lone(seed, Setup::new("lab1_04_lost_reply", 1), async |lone| {
        let (_, mut client) = lone.client(Patience::default());
        ok("append a x", client.append("a", "x").await)?;
        for round in 0..5 {
            lone.links(|link| link.lose_replies = 1_000);
            let sim = lone.clone();
            let healing = async move {
                sim.sleep_ms(700).await;
                sim.links(|link| link.lose_replies = 0);
            };
            let (result, ()) = join(client.append("a", &format!("{round}")), healing).await;
            ok("append a", result)?;
        }
        finds("get a", &ok("get a", client.get("a").await)?, "x01234")?;
        lone.links(|link| link.lose_replies = 1_000);
        let sim = lone.clone();
        let healing = async move {
            sim.sleep_ms(700).await;
            sim.links(|link| link.lose_replies = 0);
        };
        let (swapped, ()) = join(client.cas("a", "x01234", "y"), healing).await;
        if !ok("cas a x01234 y", swapped)? {
            return Err(unmet(
                "Lab 1",
                "`cas a x01234 y` said that it did not swap, though the key held x01234.",
                "It swapped, and its answer was lost: the retry is answered as it was then, not worked out anew.",
                Vec::new(),
            ));
        }
        finds("get a", &ok("get a", client.get("a").await)?, "y")?;
        client.stop();
        Ok(())
    })
}

fn repeated(seed: u64) -> Run {
    let setup = Setup { link: Link::unreliable().duplicating(500), ..Setup::new("lab1_05_repeated", 1) };
    simulate_lone(seed, setup, async |lone| {
        let work = Workload::start_lone(
            &lone,
            3,
            Mix { keys: 1, gets: 300, appends: 1_000, pause_ms: 10, bytes: 0 },
        );
        lone.sleep_ms(2_000).await;
        work.finish(20_000).await
    })
}

fn late(seed: u64) -> Run {
    let setup = Setup { link: Link::reordering().duplicating(300), ..Setup::new("lab1_06_late", 1) };
    simulate_lone(seed, setup, async |lone| {
        let work =
            Workload::start_lone(&lone, 4, Mix { keys: 2, gets: 300, appends: 700, pause_ms: 5, bytes: 0 });
        // Requests take their time as well, so that a repeated one comes after the client's next operation.
        lone.links(|link| {
            link.delay_ns = 0..=600_000_000;
            link.failure_ns = 0..=50_000_000;
            link.lose_replies = 300;
        });
        lone.sleep_ms(8_000).await;
        lone.links(|link| *link = Link::reliable());
        work.finish(20_000).await
    })
}

fn unknown(seed: u64) -> Run {
    simulate_lone(seed, Setup::new("lab1_07_unknown", 1), async |lone| {
        let patience = Patience { operation: Duration::from_secs(5), ..Patience::default() };
        let (_, mut client) = lone.client(patience);
        ok("put a 1", client.put("a", "1").await)?;
        lone.links(|link| link.cut = true);
        let before = lone.sim.now();
        let result = client.put("a", "2").await;
        let waited = (lone.sim.now() - before).as_millis();
        if !matches!(result, Err(KvError::Unknown { .. })) {
            let said = result.map_or_else(|why| why.to_string(), |()| "it was done".to_owned());
            return Err(unmet(
                "Lab 1",
                format!("The server could not be reached, and the client said of its put: {said}."),
                "Nobody can know whether a request that was sent was executed: that is what the client must say.",
                Vec::new(),
            ));
        }
        if !(5_000..=6_000).contains(&waited) {
            return Err(unmet(
                "Lab 1",
                format!("The client gave its put up after {waited} ms."),
                "Its patience is 5,000 ms: it tries for that long, and not much longer.",
                Vec::new(),
            ));
        }
        lone.links(|link| link.cut = false);
        ok("get a", client.get("a").await)?;
        client.stop();
        Ok(())
    })
}

/// So many clients, which the test plays itself.
const CLIENTS: u32 = 100_000;
/// So much may the server remember of each, in bytes, all told.
const MOST_BYTES: u64 = 200;

fn memory(seed: u64) -> Run {
    // Nothing is recorded: the records of so many clients would take more room than what is measured.
    let options = Options { record: false, limit: Duration::from_secs(3_600), ..Options::default() };
    let setup = Setup { options, ..Setup::new("lab1_08_memory", 1) };
    simulate_lone(seed, setup, async |lone| {
        let host = lone.sim.start(Node::Client(1));
        let remote = Remote::new(host.clone(), SERVER, end(&lone.sim, &host, SERVER));
        // The value that a get finds is big, and who remembers it for every client has no room.
        let big = "x".repeat(1_000);
        for client_id in 1..=CLIENTS {
            let calls = [
                KvCall::Put { key: "k".to_owned(), value: format!("{big}{client_id}") },
                KvCall::Get { key: "k".to_owned() },
            ];
            for (call, op_id) in calls.into_iter().zip(1..) {
                let request = Request { op: Op { client_id, op_id }, call };
                let response = remote.request(&request, host.now() + Duration::from_secs(1)).await;
                if !matches!(response, Some(Response::Done(_))) {
                    return Err(answered(&request, response));
                }
            }
        }
        let each = lone.server.bytes() as u64 / u64::from(CLIENTS);
        if each <= MOST_BYTES {
            return Ok(());
        }
        Err(unmet(
            "Lab 1",
            format!(
                "After {CLIENTS} clients the server's state takes {} bytes, which is {each} a client.",
                lone.server.bytes()
            ),
            format!(
                "At most {MOST_BYTES} bytes a client: of each only the last operation need be remembered, and of that no value."
            ),
            Vec::new(),
        ))
    })
}

fn answered(request: &Request, response: Option<Response>) -> Expectation {
    let said = match response {
        Some(Response::Refused { why, .. }) => format!("was refused ({why:?})"),
        _ => "had no answer".to_owned(),
    };
    unmet(
        "Lab 1",
        format!("The {} of client {} {said}.", request.call, request.op.client_id),
        "Nothing is lost on this network.",
        Vec::new(),
    )
}
