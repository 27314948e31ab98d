//! What a minute of a five-server cluster costs: 60 virtual seconds of elections under faults, with every
//! event recorded and every rule on.
//!
//! `cargo bench -p raft`. Peer, quoted: MadRaft spends 6.1 CPU-ms a run of its Raft tests, without rules.

#![allow(dead_code, reason = "the labs' harness offers more than a benchmark needs")]

#[path = "../tests/labs/check.rs"]
mod check;
#[path = "../tests/labs/cluster.rs"]
mod cluster;
#[path = "../tests/labs/harness.rs"]
mod harness;
#[path = "../tests/labs/service.rs"]
mod service;

use harness::{Setup, simulate};
use labrpc::schema::Durability;
use labrpc_sim::{Link, Options};
use scenario::{Ending, Run};
use std::time::Instant;

const RUNS: u64 = 50;

fn main() {
    minute("reliable links, no faults", |seed| {
        simulate(seed, Setup::elections("bench", 5), async |cluster| {
            cluster.sleep_ms(60_000).await;
            Ok(())
        })
    });
    minute("a command every 20 ms, real disks", |seed| busy(seed, true));
    minute("the same, nothing recorded or judged", |seed| busy(seed, false));
    minute("a server cut off every second, unreliable links", |seed| {
        let setup = Setup { link: Link::unreliable(), ..Setup::elections("bench", 5) };
        simulate(seed, setup, async |cluster| {
            let mut chance = cluster.sim.stream("faults");
            for _ in 0..60 {
                let victim = cluster.all()[chance.draw(0..=4) as usize];
                cluster.isolate(victim);
                cluster.sleep_ms(700).await;
                cluster.rejoin(victim);
                cluster.sleep_ms(300).await;
            }
            Ok(())
        })
    });
}

fn busy(seed: u64, record: bool) -> Run {
    let options = Options { record, ..Options::default() };
    let setup = Setup { durability: Durability::Real, options, ..Setup::new("bench", 5) };
    simulate(seed, setup, async |cluster| {
        cluster.await_leader(&cluster.all(), 5_000).await?;
        for n in 0..3_000u32 {
            if let Some((leader, _)) = cluster.agreed(&cluster.all())
                && let Some(raft) = cluster.raft(leader)
            {
                cluster.book.borrow_mut().proposed(&n.to_le_bytes());
                // Whether it was taken does not matter here.
                let _ = raft.propose(n.to_le_bytes().to_vec()).await;
            }
            cluster.sleep_ms(20).await;
        }
        Ok(())
    })
}

fn minute(what: &str, run: fn(u64) -> Run) {
    let (mut events, mut rpcs) = (0, 0);
    let begin = Instant::now();
    for seed in 0..RUNS {
        let run = run(seed);
        assert!(matches!(run.ending, Ending::Completed), "seed {seed}: {:?}", run.ending);
        events += run.records.len() as u64;
        rpcs += run.rpcs;
    }
    let ms = begin.elapsed().as_secs_f64() * 1000.0 / RUNS as f64;
    println!(
        "60 virtual seconds, 5 servers, {what}: {ms:.1} ms a run, {} RPCs, {} events, {:.0} ns an RPC",
        rpcs / RUNS,
        events / RUNS,
        ms * 1e6 / (rpcs as f64 / RUNS as f64)
    );
}
