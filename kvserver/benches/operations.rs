//! How many operations of clients a simulated cluster of three does in a second of real time, through servers that do
//! not coordinate: with every event recorded and every rule on, linearizability too; and with nothing recorded.
//!
//! `cargo bench -p kvserver`. Peer, quoted: MadRaft runs its 19 scenarios of the service over 100 seeds in 38 s on two
//! cores (73 CPU-s), without linearizability.

#![allow(dead_code, reason = "the labs' harness offers more than a benchmark needs")]

#[path = "../tests/labs/check.rs"]
mod check;
#[path = "../tests/labs/cluster.rs"]
mod cluster;
#[path = "../tests/labs/harness.rs"]
mod harness;
#[path = "../tests/labs/lone.rs"]
mod lone;

use check::ok;
use harness::{Setup, simulate};
use labrpc_sim::Options;
use scenario::{Ending, Run};
use std::time::Instant;

/// Operations of each client.
const EACH: u32 = 1_000;
const RUNS: u64 = 5;

fn main() {
    measure("one client, everything judged", 1, true);
    measure("one client, nothing recorded", 1, false);
    measure("ten clients, everything judged", 10, true);
    measure("ten clients, nothing recorded", 10, false);
}

fn measure(what: &str, clients: u32, record: bool) {
    let begin = Instant::now();
    let mut records = 0;
    for seed in 0..RUNS {
        let run = run(seed, clients, record);
        assert!(matches!(run.ending, Ending::Completed), "seed {seed}: {:?}", run.ending);
        records += run.records.len() as u64;
    }
    let (seconds, done) = (begin.elapsed().as_secs_f64(), RUNS * u64::from(clients * EACH));
    println!(
        "{what}: {:.0} operations a second, {:.0} µs and {} records each",
        done as f64 / seconds,
        seconds * 1e6 / done as f64,
        records / done
    );
}

/// A third of the operations reads. All go through one server that does not coordinate.
fn run(seed: u64, clients: u32, record: bool) -> Run {
    let setup = Setup { options: Options { record, ..Options::default() }, ..Setup::new("bench", 3) };
    simulate(seed, setup, async move |cluster| {
        cluster.ready().await?;
        let coordinator = cluster.await_coordinator(&cluster.all()).await?;
        let through = cluster.others(&[coordinator])[0];
        let working = (0..clients).map(|n| {
            let (_, mut client) = cluster.client(through);
            async move {
                for count in 0..EACH {
                    let key = format!("k{}", count % 20);
                    if count % 3 == 0 {
                        ok("get", client.get(&key).await)?;
                    } else {
                        ok("put", client.put(&key, &format!("{n}.{count}")).await)?;
                    }
                }
                client.stop();
                Ok(())
            }
        });
        futures::future::join_all(working).await.into_iter().collect()
    })
}
