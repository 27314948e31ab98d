//! Lab 3B: snapshots of the service.

use crate::check::{finds, ok, unmet};
use crate::cluster::Cluster;
use crate::faults::{ALL, Fault};
use crate::harness::{Setup, simulate};
use crate::workload::{Mix, Workload};
use kvclient::protocol::Response;
use labrpc::schema::{KvCall, Server};
use labrpc_sim::Link;
use scenario::{Done, Run, Scenario};

/// From so many bytes on the log is to be cut.
const LOG_BYTES: u64 = 1_000;
/// After the last fault every operation must be done within so many virtual milliseconds.
const CALM_MS: u64 = 15_000;

/// The scenarios, from easy to hard.
#[rustfmt::skip]
pub(crate) fn scenarios() -> Vec<Scenario> {
    let scenario = |name, points, source, rules, sentence, seeded, run| {
        Scenario { name, part: "lab3b", sentence, source, points, rules, seeded, run }
    };
    vec![
        scenario("lab3b_01_trimmed", 6, "§7", &["K5", "L10"],
            "The log stays below eight times what it may have, while five clients read and write, and then ten write a lot.", true, trimmed),
        scenario("lab3b_02_small", 5, "§7", &["K5"],
            "After 800 operations on two keys, and on 200 that are deleted, the snapshot has at most 500 bytes.", false, small),
        scenario("lab3b_03_recovery", 6, "§7", &["K5", "L12"],
            "All servers restart from their snapshots, and have everything.", true, recovery),
        scenario("lab3b_04_laggard", 6, "§7", &["K5", "L10"],
            "A server that missed what the log has no more gets the snapshot, and serves from it.", true, laggard),
        scenario("lab3b_05_executed_once", 6, "§7", &["K5", "K6"],
            "Executed, reply lost, snapshot, restart, retry: executed once.", true, executed_once),
        scenario("lab3b_06_unreliable", 5, "§7", &["K5", "K6"],
            "Snapshots on a network that loses, while servers crash.", true, unreliable),
        scenario("lab3b_07_everything", 6, "§7", &["K4", "K5", "K6", "L10"],
            "Fifteen clients, seven servers, all faults, with snapshots.", true, everything),
    ]
}

fn snapshots(name: &'static str, servers: u8) -> Setup {
    Setup::new(name, servers).with_snapshots(LOG_BYTES)
}

fn trimmed(seed: u64) -> Run {
    simulate(seed, snapshots("lab3b_01_trimmed", 3), async |cluster| {
        cluster.ready().await?;
        let work =
            Workload::start(&cluster, 5, Mix { keys: 3, gets: 300, appends: 0, pause_ms: 5, bytes: 0 });
        for _ in 0..24 {
            cluster.sleep_ms(50).await;
            cluster.all().into_iter().try_for_each(|server| is_short(&cluster, server))?;
        }
        work.finish(CALM_MS).await?;
        // What is on its way alone takes more than the log may have: no snapshot makes it short enough.
        let busy = Mix { keys: 3, gets: 0, appends: 0, pause_ms: 1, bytes: 150 };
        let work = Workload::start(&cluster, 10, busy);
        for _ in 0..8 {
            cluster.sleep_ms(50).await;
            cluster.all().into_iter().try_for_each(|server| is_short(&cluster, server))?;
        }
        work.finish(CALM_MS).await
    })
}

fn live_bytes(cluster: &Cluster, server: Server) -> u64 {
    cluster.server(server).map_or(0, |it| it.raft().live_bytes())
}

/// The log of a server must have been cut in time.
fn is_short(cluster: &Cluster, server: Server) -> Done {
    let bytes = live_bytes(cluster, server);
    if bytes <= 8 * LOG_BYTES {
        return Ok(());
    }
    Err(unmet(
        "§7",
        format!("The log of {server} has {bytes} bytes."),
        format!("A snapshot is due from {LOG_BYTES} bytes on; at most {} may be there.", 8 * LOG_BYTES),
        cluster.last_of(&[server]),
    ))
}

fn small(seed: u64) -> Run {
    simulate(seed, snapshots("lab3b_02_small", 3), async |cluster| {
        cluster.ready().await?;
        let (_, mut client) = cluster.client(cluster.all()[0]);
        for n in 0..800 {
            let (key, value) = (format!("k{}", n / 4), n.to_string());
            match n % 4 {
                0 => ok("put", client.put("a", &value).await)?,
                1 => ok("put", client.put("b", &value).await)?,
                2 => ok("put", client.put(&key, &value).await)?,
                _ => ok("delete", client.delete(&key).await)?,
            }
        }
        client.stop();
        let taken = cluster.counts.snapshots.get();
        let bytes = |server: &Server| cluster.server(*server).map_or(0, |it| it.snapshot_bytes());
        let most = cluster.all().iter().map(bytes).max().unwrap_or(0);
        if taken > 0 && most <= 500 {
            return Ok(());
        }
        Err(unmet(
            "§7",
            if taken == 0 {
                "No snapshot was taken.".to_owned()
            } else {
                format!("A snapshot has {most} bytes.")
            },
            "Two keys are left, and the last operation of one client: at most 500 bytes.",
            Vec::new(),
        ))
    })
}

/// So many appends of one client, and what the key then holds.
async fn fill(cluster: &Cluster, through: Server, count: u32) -> Result<String, scenario::Expectation> {
    let (_, mut client) = cluster.client(through);
    let mut held = ok("get a", client.get("a").await)?;
    for n in 0..count {
        let value = format!("{n} ");
        ok("append a", client.append("a", &value).await)?;
        held += &value;
    }
    client.stop();
    Ok(held)
}

/// A client finds this through each of these servers.
async fn found(cluster: &Cluster, through: &[Server], wanted: &str) -> Done {
    for server in through {
        let (_, mut client) = cluster.client(*server);
        finds("get a", &ok("get a", client.get("a").await)?, wanted)?;
        client.stop();
    }
    Ok(())
}

fn recovery(seed: u64) -> Run {
    simulate(seed, snapshots("lab3b_03_recovery", 3), async |cluster| {
        cluster.ready().await?;
        let all = cluster.all();
        for round in 0..3 {
            let held = fill(&cluster, all[round], 80).await?;
            all.iter().for_each(|server| cluster.crash(*server));
            all.iter().for_each(|server| cluster.start_server(*server));
            found(&cluster, &all, &held).await?;
        }
        Ok(())
    })
}

fn laggard(seed: u64) -> Run {
    simulate(seed, snapshots("lab3b_04_laggard", 3), async |cluster| {
        cluster.ready().await?;
        let all = cluster.all();
        let coordinator = cluster.await_coordinator(&all).await?;
        let late = cluster.others(&[coordinator])[0];
        cluster.isolate(late);
        let held = fill(&cluster, coordinator, 200).await?;
        cluster.sim.heal_all(&all);
        cluster.sleep_ms(1_000).await;
        // Without one of the others the laggard is needed for a quorum, and may coordinate.
        cluster.crash(coordinator);
        found(&cluster, &cluster.others(&[coordinator]), &held).await
    })
}

fn executed_once(seed: u64) -> Run {
    simulate(seed, snapshots("lab3b_05_executed_once", 3), async |cluster| {
        cluster.ready().await?;
        let all = cluster.all();
        let coordinator = cluster.await_coordinator(&all).await?;
        let raw = cluster.raw_client();
        let request = raw.invoke(KvCall::Append { key: "a".to_owned(), value: "once ".to_owned() });
        // The client hears nothing of the answer.
        raw.send(&request, coordinator, 1).await;
        cluster.sleep_ms(100).await;
        let mut held = fill(&cluster, coordinator, 60).await?;
        for _ in 0..20 {
            if cluster.counts.snapshots.get() >= 3 {
                break;
            }
            held = fill(&cluster, coordinator, 20).await?;
        }
        cluster.sleep_ms(100).await;
        if cluster.counts.snapshots.get() < 3 {
            return Err(unmet(
                "§7",
                format!("Three servers took {} snapshots.", cluster.counts.snapshots.get()),
                format!("The log of each has had more than {LOG_BYTES} bytes by now."),
                cluster.last_of(&all),
            ));
        }
        all.iter().for_each(|server| cluster.crash(*server));
        all.iter().for_each(|server| cluster.start_server(*server));
        let mut response = None;
        for server in all.iter().cycle().take(9) {
            response = raw.send(&request, *server, 3_500).await;
            if matches!(response, Some(Response::Done(_))) {
                break;
            }
            cluster.sleep_ms(50).await;
        }
        raw.give_back(&request, &response);
        raw.stop();
        found(&cluster, &all, &held).await
    })
}

fn unreliable(seed: u64) -> Run {
    let setup = Setup { link: Link::unreliable(), ..snapshots("lab3b_06_unreliable", 5) };
    simulate(seed, setup, async |cluster| work(&cluster, 5, &[Fault::Crash], 6).await)
}

async fn work(cluster: &Cluster, clients: u32, faults: &[Fault], rounds: u32) -> Done {
    cluster.ready().await?;
    // Puts and few keys: what the snapshot holds stays small, as in real life.
    let work =
        Workload::start(cluster, clients, Mix { keys: 8, gets: 400, appends: 150, pause_ms: 150, bytes: 0 });
    cluster.suffer(faults, rounds).await;
    cluster.sleep_ms(500).await;
    work.finish(CALM_MS).await
}

fn everything(seed: u64) -> Run {
    let link = Link { delay_ns: 0..=10_000_000, lose_requests: 20, lose_replies: 20, ..Link::reliable() };
    let setup = Setup { link, ..snapshots("lab3b_07_everything", 7) };
    simulate(seed, setup, async move |cluster| work(&cluster, 15, ALL, 7).await)
}
