//! Lab 3A: the replicated service.

mod waiting;

use crate::check::{finds, ok, unmet};
use crate::cluster::Cluster;
use crate::faults::{ALL, Fault};
use crate::harness::{Setup, simulate};
use crate::workload::{Mix, Workload};
use futures::future::join;
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
        scenario("lab3a_01_basic", 3, "the course's design", &["C1", "K1", "K2", "K3", "K4", "K5", "K6", "K7"],
            "A client speaks to each server in turn, and finds what it wrote through the others.", true, basic),
        scenario("lab3a_02_five_clients", 2, "the course's design", &["K4", "K5", "K6", "K7"],
            "Five clients on a reliable network, each with another server.", true, five_clients),
        scenario("lab3a_03_unreliable", 3, "the course's design", &["K4", "K5", "K6", "K7"],
            "Requests, forwards and replies are lost and late: every operation takes effect once.", true, unreliable),
        scenario("lab3a_04_one_key", 2, "the course's design", &["K4", "K5", "K6"],
            "Five clients append to one key and read it, on a network that loses.", true, one_key),
        scenario("lab3a_05_unavailable", 3, "the course's design", &["K4", "K6"],
            "A client's server is cut off from the others: it says so within 4 s, the client moves on, and learns when it is back.", true, waiting::unavailable),
        scenario("lab3a_06_minority", 3, "the course's design", &["K4", "K6"],
            "A minority never answers that anything was done, and does within 3 s of its return.", true, waiting::minority),
        scenario("lab3a_07_single_shot", 3, "the course's design", &["K4"],
            "A request that comes while there is no coordinator waits, and is answered after the election.", true, waiting::single_shot),
        scenario("lab3a_08_no_quorum", 3, "the course's design", &["K4"],
            "Without a quorum a server says so within 4 s, to reads and writes.", true, waiting::no_quorum),
        scenario("lab3a_09_partitions", 4, "the course's design", &["K4", "K5", "K6"],
            "Five servers and five clients, with partitions of all kinds.", true, partitions),
        scenario("lab3a_10_crash_all", 3, "§5.6", &["K4", "K5", "K6"],
            "All servers crash and restart, three times, while clients work: nothing that was answered is lost.", true, crash_all),
        scenario("lab3a_11_coordinator_changes", 4, "the course's design", &["K3", "K4", "K5"],
            "The coordinator is cut off while requests wait for it and at it: its successor answers them, and each takes effect once.", true, waiting::coordinator_changes),
        scenario("lab3a_12_no_loops", 3, "the course's design", &["K3"],
            "A forwarded request that comes to a server that does not coordinate is refused, not forwarded again.", true, waiting::no_loops),
        scenario("lab3a_13_paused_coordinator", 4, "thesis §6.4", &["K4", "K6"],
            "A coordinator stands still until another one leads; when it goes on, it takes itself for the coordinator, and must not answer a read from what it has.", true, paused_coordinator),
        scenario("lab3a_14_bounded_queue", 3, "the course's design", &["K3"],
            "Without a coordinator a server lets as many requests wait as it should, and refuses the others at once.", true, waiting::bounded_queue),
        scenario("lab3a_15_joins", 3, "the course's design", &["S2", "K4"],
            "A server that restarts says so, and is brought up to date within 60 ms, though nobody writes.", true, joins),
        scenario("lab3a_16_speed", 3, "the course's design", &["K4"],
            "A thousand operations of one client, one after the other, through a server that does not coordinate: 33 ms each at most, on average.", false, speed),
        scenario("lab3a_17_crashes", 3, "§5.6", &["K4", "K5", "K6"],
            "Storms of crashes and restarts.", true, crashes),
        scenario("lab3a_18_one_way", 3, "the course's design", &["K4", "K6"],
            "Servers that are not heard, or do not hear.", true, one_way),
        scenario("lab3a_19_pauses", 3, "thesis §6.4", &["K4", "K6"],
            "Coordinators that stand still, and links that are slow.", true, pauses),
        scenario("lab3a_20_everything", 2, "the course's design", &["K4", "K5", "K6", "K7"],
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
        cluster.ready().await?;
        let work = Workload::start(&cluster, 5, Mix::default());
        cluster.sleep_ms(1_500).await;
        // Nothing is lost here, and nobody waits for what is: an operation takes some messages' time.
        work.finish(1_000).await?;
        if work.done() >= 50 {
            return Ok(());
        }
        Err(unmet(
            "the service",
            format!("Five clients did {} operations in 1,500 ms.", work.done()),
            "Nothing is lost on this network: at least 50 can be done.",
            Vec::new(),
        ))
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

fn partitions(seed: u64) -> Run {
    simulate(seed, Setup::new("lab3a_09_partitions", 5), async |cluster| {
        work(&cluster, 5, Mix::default(), &[Fault::Partition, Fault::Bridge, Fault::OneWay], 8, 200).await
    })
}

fn crash_all(seed: u64) -> Run {
    simulate(seed, Setup::new("lab3a_10_crash_all", 3), async |cluster| {
        cluster.ready().await?;
        let work = Workload::start(&cluster, 5, Mix { keys: 3, ..Mix::default() });
        for _ in 0..3 {
            cluster.sleep_ms(900).await;
            cluster.all().into_iter().for_each(|server| cluster.crash(server));
            cluster.sleep_ms(100).await;
            cluster.calm();
        }
        cluster.sleep_ms(700).await;
        work.finish(CALM_MS).await
    })
}

/// A server that has restarted must be up to date within so many virtual milliseconds, which is less than the
/// coordinator's own attempts take.
const JOIN_MS: u64 = 60;

fn joins(seed: u64) -> Run {
    simulate(seed, Setup::new("lab3a_15_joins", 3), async |cluster| {
        cluster.ready().await?;
        let all = cluster.all();
        let coordinator = cluster.await_coordinator(&all).await?;
        let (_, mut client) = cluster.client(coordinator);
        let mut waits = cluster.sim.stream("waits");
        for round in 0..8 {
            let late = cluster.others(&[coordinator])[round % 2];
            cluster.crash(late);
            for n in 0..5 {
                ok("append a", client.append("a", &format!("{n} ")).await)?;
            }
            cluster.sleep_ms(waits.draw(100..=300)).await;
            cluster.start_server(late);
            cluster.sleep_ms(JOIN_MS).await;
            let commit =
                |server: Server| cluster.server(server).map_or(0, |it| it.raft().state().commit_index);
            let joined = cluster.server(late).is_some_and(|it| it.raft().has_joined());
            if commit(late) < commit(coordinator) || !joined {
                return Err(unmet(
                    "the course's design, server_join",
                    format!(
                        "{JOIN_MS} ms after its restart {late} has commit index {}, and the coordinator {coordinator} has {}.",
                        commit(late),
                        commit(coordinator)
                    ),
                    "A server that starts announces itself, and the coordinator sends it what it lacks at once, not with its next attempt.",
                    cluster.last_of(&all),
                ));
            }
        }
        client.stop();
        Ok(())
    })
}

fn speed(seed: u64) -> Run {
    simulate(seed, Setup::new("lab3a_16_speed", 3), async |cluster| {
        cluster.ready().await?;
        let coordinator = cluster.await_coordinator(&cluster.all()).await?;
        let (_, mut client) = cluster.client(cluster.others(&[coordinator])[0]);
        ok("get a", client.get("a").await)?;
        let before = cluster.sim.now();
        for n in 0..1_000 {
            if n % 3 == 0 {
                ok("get a", client.get("a").await)?;
            } else {
                ok("put a", client.put("a", &n.to_string()).await)?;
            }
        }
        let each = (cluster.sim.now() - before).as_micros() / 1_000;
        client.stop();
        if each <= 33_000 {
            return Ok(());
        }
        Err(unmet(
            "the course's design",
            format!("A thousand operations took {} ms each, on average.", each / 1_000),
            "At most 33 ms: an operation is forwarded and replicated when it comes, not with the next heartbeat.",
            Vec::new(),
        ))
    })
}

fn crashes(seed: u64) -> Run {
    simulate(seed, Setup::new("lab3a_17_crashes", 5), async |cluster| {
        work(&cluster, 5, Mix::default(), &[Fault::Crash], 8, 200).await
    })
}

fn one_way(seed: u64) -> Run {
    simulate(seed, Setup::new("lab3a_18_one_way", 3), async |cluster| {
        work(&cluster, 4, Mix { keys: 2, ..Mix::default() }, &[Fault::OneWay], 6, 200).await
    })
}

fn pauses(seed: u64) -> Run {
    simulate(seed, Setup::new("lab3a_19_pauses", 3), async |cluster| {
        work(&cluster, 4, Mix { keys: 2, ..Mix::default() }, &[Fault::Pause, Fault::Slow], 6, 200).await
    })
}

fn everything(seed: u64) -> Run {
    let link = Link { delay_ns: 0..=10_000_000, lose_requests: 20, lose_replies: 20, ..Link::reliable() };
    let setup = Setup { link, ..Setup::new("lab3a_20_everything", 7) };
    let mix = Mix { keys: 10, pause_ms: 250, ..Mix::default() };
    simulate(seed, setup, async move |cluster| work(&cluster, 15, mix, ALL, 7, 500).await)
}
