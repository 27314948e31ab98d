//! Lab 3A: the replicated service.

use crate::check::{finds, ok, unmet};
use crate::cluster::Cluster;
use crate::faults::{ALL, Fault};
use crate::harness::{Setup, simulate};
use crate::workload::{Mix, Workload};
use futures::future::join;
use kvclient::protocol::{Refusal, Response};
use kvserver::Limits;
use labrpc::schema::{KvCall, Server};
use labrpc_sim::Link;
use scenario::{Done, Run, Scenario};

/// After the last fault every operation must be done within so many virtual milliseconds.
const CALM_MS: u64 = 15_000;

/// The scenarios, from easy to hard.
#[rustfmt::skip]
pub(crate) fn scenarios() -> Vec<Scenario> {
    let scenario = |name, points, source, rules, sentence, seeded, run| {
        Scenario { name, part: "lab3a", sentence, source, points, rules, seeded, run }
    };
    vec![
        scenario("lab3a_01_basic", 4, "the course's design", &["C1", "K1", "K2", "K3", "K4", "K5", "K6", "K7"],
            "A client speaks to each server in turn, and finds what it wrote through the others.", true, basic),
        scenario("lab3a_02_five_clients", 3, "the course's design", &["K4", "K5", "K6", "K7"],
            "Five clients on a reliable network, each with another server.", true, five_clients),
        scenario("lab3a_03_unreliable", 4, "the course's design", &["K4", "K5", "K6", "K7"],
            "Requests, forwards and replies are lost and late: every operation takes effect once.", true, unreliable),
        scenario("lab3a_04_one_key", 3, "the course's design", &["K4", "K5", "K6"],
            "Five clients append to one key and read it, on a network that loses.", true, one_key),
        scenario("lab3a_13_paused_coordinator", 4, "thesis §6.4", &["K4", "K6"],
            "A coordinator stands still until another one leads; when it goes on, it takes itself for the coordinator, and must not answer a read from what it has.", true, paused_coordinator),
        scenario("lab3a_20_everything", 6, "the course's design", &["K4", "K5", "K6", "K7"],
            "Fifteen clients, seven servers, random keys, partitions, crashes, pauses: linearizable, and in the end everything is done.", true, everything),
    ]
}

fn basic(seed: u64) -> Run {
    simulate(seed, Setup::new("lab3a_01_basic", 3), async |cluster| {
        cluster.ready().await?;
        let mut clients: Vec<_> = cluster.all().into_iter().map(|first| cluster.client(first).1).collect();
        for (n, client) in clients.iter_mut().enumerate() {
            ok("append a", client.append("a", &n.to_string()).await)?;
        }
        for client in &mut clients {
            finds("get a", &ok("get a", client.get("a").await)?, "012")?;
        }
        ok("put b", clients[0].put("b", "x").await)?;
        let swapped = ok("cas b x y", clients[1].cas("b", "x", "y").await)?;
        finds("get b", &ok("get b", clients[2].get("b").await)?, if swapped { "y" } else { "x" })?;
        ok("delete b", clients[1].delete("b").await)?;
        finds("get b", &ok("get b", clients[0].get("b").await)?, "")?;
        clients.into_iter().for_each(|client| client.stop());
        Ok(())
    })
}

fn five_clients(seed: u64) -> Run {
    simulate(seed, Setup::new("lab3a_02_five_clients", 3), async |cluster| {
        work(&cluster, 5, Mix::default(), &[], 0, 1_500).await
    })
}

fn unreliable(seed: u64) -> Run {
    let setup = Setup { link: Link::unreliable(), ..Setup::new("lab3a_03_unreliable", 5) };
    simulate(seed, setup, async |cluster| work(&cluster, 5, Mix::default(), &[], 0, 3_000).await)
}

fn one_key(seed: u64) -> Run {
    let setup = Setup { link: Link::unreliable(), ..Setup::new("lab3a_04_one_key", 3) };
    let mix = Mix { keys: 1, gets: 400, appends: 1_000, ..Mix::default() };
    simulate(seed, setup, async move |cluster| work(&cluster, 5, mix, &[], 0, 2_500).await)
}

/// Clients work while faults strike, then for `calm_ms` without; then all must be able to finish.
async fn work(
    cluster: &Cluster,
    clients: u32,
    mix: Mix,
    faults: &[Fault],
    rounds: u32,
    calm_ms: u64,
) -> Done {
    cluster.ready().await?;
    let work = Workload::start(cluster, clients, mix);
    cluster.suffer(faults, rounds).await;
    cluster.sleep_ms(calm_ms).await;
    work.finish(CALM_MS).await?;
    if work.done() == 0 {
        return Err(unmet(
            "the service",
            "No operation was ever done.",
            "Between the faults there was time for some.",
            Vec::new(),
        ));
    }
    Ok(())
}

fn paused_coordinator(seed: u64) -> Run {
    simulate(seed, Setup::new("lab3a_13_paused_coordinator", 3), async |cluster| {
        cluster.ready().await?;
        let all = cluster.all();
        let old = cluster.await_coordinator(&all).await?;
        let (_, mut writer) = cluster.client(cluster.others(&[old])[0]);
        ok("put a old", writer.put("a", "old").await)?;
        cluster.sim.pause(old);
        // Nothing of the others waits for it when it wakes: it hears of the new coordinator only afterwards.
        for other in cluster.others(&[old]) {
            cluster.sim.cut(other, old);
        }
        cluster.await_coordinator(&cluster.others(&[old])).await?;
        ok("put a new", writer.put("a", "new").await)?;
        let reader = cluster.raw_client();
        let get = reader.invoke(KvCall::Get { key: "a".to_owned() });
        let waking = async {
            cluster.sleep_ms(20).await;
            cluster.sim.resume(old);
            cluster.sleep_ms(600).await;
            cluster.sim.heal_all(&all);
        };
        let (response, ()) = join(reader.send(&get, old, 5_000), waking).await;
        reader.give_back(&get, &response);
        reader.stop();
        finds("get a", &ok("get a", writer.get("a").await)?, "new")?;
        writer.stop();
        Ok(())
    })
}

fn everything(seed: u64) -> Run {
    let link = Link { delay_ns: 0..=10_000_000, lose_requests: 20, lose_replies: 20, ..Link::reliable() };
    let setup = Setup { link, ..Setup::new("lab3a_20_everything", 7) };
    let mix = Mix { keys: 10, pause_ms: 60, ..Mix::default() };
    simulate(seed, setup, async move |cluster| work(&cluster, 15, mix, ALL, 8, 500).await)
}
