//! Made-up scenarios in a real simulated world, with faults, losses and clients that matter and many that do not.

use labrpc_sim::{Link, Options, Sim};
use scenario::{Done, Run, Setting, judged, unmet};
use std::time::Duration;
use tracecheck_schema::{Durability, Event, Header, Node, Record, Role, RunId, SCHEMA, Server, State};

const SERVERS: [Server; 3] = [Server(1), Server(2), Server(3)];

/// What clients do here is no service.
const CLIENTS: &[&str] = &["K1", "K2", "K3", "K4", "K5", "K6", "K7"];

fn setting(name: &str, seed: u64) -> Setting {
    let header = Header {
        schema: SCHEMA,
        run: RunId { name: name.to_owned(), seed },
        kit: "0.1.0".to_owned(),
        servers: SERVERS.to_vec(),
        voters: SERVERS.to_vec(),
        scripted: vec![],
        durability: Durability::Assumed,
    };
    Setting { header, link: Link::reliable(), options: Options::default(), without: CLIENTS }
}

/// Twenty faults, a tenth of a second apart, and four clients. The same term is begun twice as soon as the seventh and
/// the fourteenth fault were made and the second client has worked; with even seeds never.
pub(crate) fn troubled(seed: u64) -> Run {
    judged(
        setting("troubled", seed),
        |_: &Record| {},
        move |sim| async move {
            start(&sim);
            for round in 1..=20u64 {
                sim.sleep(Duration::from_millis(100)).await;
                trouble(&sim, round);
                let suffered = sim.trouble();
                let made = |number| suffered.faults.iter().any(|fault| fault.number == number);
                if seed % 2 == 1 && made(7) && made(14) && suffered.clients.contains(&2) {
                    propose(&sim, 1);
                    break;
                }
            }
            Ok(())
        },
    )
}

/// Every third seed finds that something is not as it expects; and so does every seed in a world without any fault.
pub(crate) fn expects_trouble(seed: u64) -> Run {
    expecting("expects_trouble", seed, !seed.is_multiple_of(3))
}

/// Finds that nothing is as it expects unless it is `well`, and there was some fault.
pub(crate) fn expecting(name: &str, seed: u64, well: bool) -> Run {
    judged(
        setting(name, seed),
        |_: &Record| {},
        move |sim| async move {
            start(&sim);
            for round in 1..=6 {
                sim.sleep(Duration::from_millis(100)).await;
                trouble(&sim, round);
            }
            expected(well && !sim.trouble().faults.is_empty())
        },
    )
}

fn expected(met: bool) -> Done {
    if met {
        return Ok(());
    }
    Err(unmet("§5.2", "After 5 s s1, s2 and s3 did not agree.", "They reach each other.", Vec::new()))
}

/// Starts three servers and four clients, each of which ticks.
fn start(sim: &Sim) {
    for server in SERVERS {
        sim.start(server.into());
    }
    for client in 1..=4 {
        let (host, ticking) = (sim.start(Node::Client(client)), sim.clone());
        let recorder = host.recorder().clone();
        host.spawn(Box::pin(async move {
            loop {
                ticking.sleep(Duration::from_millis(30)).await;
                recorder.record(Event::Unavailable { server_id: Server(1) }, None, None);
                recorder.record(Event::Available { server_id: Server(1) }, None, None);
            }
        }));
    }
    propose(sim, 1);
}

fn trouble(sim: &Sim, round: u64) {
    match round % 3 {
        0 => {
            sim.isolate(Server(2), &SERVERS);
            sim.heal_all(&SERVERS);
        }
        1 => {
            sim.crash(Server(3).into());
            sim.start(Server(3).into());
        }
        _ => {
            sim.pause(Server(2));
            sim.resume(Server(2));
        }
    }
}

fn propose(sim: &Sim, term: u64) {
    let Some(recorder) = sim.recorder(Server(1).into()) else { return };
    let state = |term, role| {
        let voted_for = (term > 0).then_some(Server(1));
        State { term, role, voted_for, leader_id: None, commit_index: 0, last_index: 0, last_term: 0 }
    };
    if recorder.last().is_none() {
        recorder.record(Event::ServerStart { server_id: Server(1) }, Some(state(0, Role::Follower)), None);
        recorder.record(Event::CoordFail { server_id: Server(1) }, Some(state(0, Role::Follower)), None);
    }
    recorder.record(Event::Proposal { server_id: Server(1), term }, Some(state(term, Role::Candidate)), None);
}
