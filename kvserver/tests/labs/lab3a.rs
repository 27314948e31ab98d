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
        scenario("lab3a_01_basic", 3, "the course's design", &["C1", "K1", "K2", "K3", "K4", "K5", "K6", "K7"],
            "A client speaks to each server in turn, and finds what it wrote through the others.", true, basic),
        scenario("lab3a_02_five_clients", 2, "the course's design", &["K4", "K5", "K6", "K7"],
            "Five clients on a reliable network, each with another server.", true, five_clients),
        scenario("lab3a_03_unreliable", 3, "the course's design", &["K4", "K5", "K6", "K7"],
            "Requests, forwards and replies are lost and late: every operation takes effect once.", true, unreliable),
        scenario("lab3a_04_one_key", 2, "the course's design", &["K4", "K5", "K6"],
            "Five clients append to one key and read it, on a network that loses.", true, one_key),
        scenario("lab3a_05_unavailable", 3, "the course's design", &["K4", "K6"],
            "A client's server is cut off from the others: it says so within 4 s, the client moves on, and learns when it is back.", true, unavailable),
        scenario("lab3a_06_minority", 3, "the course's design", &["K4", "K6"],
            "A minority never answers that anything was done, and does within 3 s of its return.", true, minority),
        scenario("lab3a_07_single_shot", 3, "the course's design", &["K4"],
            "A request that comes while there is no coordinator waits, and is answered after the election.", true, single_shot),
        scenario("lab3a_08_no_quorum", 3, "the course's design", &["K4"],
            "Without a quorum a server says so within 4 s, to reads and writes.", true, no_quorum),
        scenario("lab3a_09_partitions", 4, "the course's design", &["K4", "K5", "K6"],
            "Five servers and five clients, with partitions of all kinds.", true, partitions),
        scenario("lab3a_10_crash_all", 3, "§5.6", &["K4", "K5", "K6"],
            "All servers crash and restart, three times, while clients work: nothing that was answered is lost.", true, crash_all),
        scenario("lab3a_11_coordinator_changes", 4, "the course's design", &["K3", "K4", "K5"],
            "The coordinator is cut off while forwarded requests wait for it: its successor answers them, and each takes effect once.", true, coordinator_changes),
        scenario("lab3a_12_no_loops", 3, "the course's design", &["K3"],
            "A forwarded request that comes to a server that does not coordinate is refused, not forwarded again.", true, no_loops),
        scenario("lab3a_13_paused_coordinator", 4, "thesis §6.4", &["K4", "K6"],
            "A coordinator stands still until another one leads; when it goes on, it takes itself for the coordinator, and must not answer a read from what it has.", true, paused_coordinator),
        scenario("lab3a_14_bounded_queue", 3, "the course's design", &["K3"],
            "Without a coordinator a server lets as many requests wait as it should, and refuses the others at once.", true, bounded_queue),
        scenario("lab3a_15_joins", 3, "the course's design", &["S2", "K4"],
            "A server that restarts is brought up to date within 500 ms, though nobody writes.", true, joins),
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

fn unavailable(seed: u64) -> Run {
    simulate(seed, Setup::new("lab3a_05_unavailable", 3), async |cluster| {
        cluster.ready().await?;
        let all = cluster.all();
        let coordinator = cluster.await_coordinator(&all).await?;
        let cut = cluster.others(&[coordinator])[0];
        let (_, mut client) = cluster.client(cut);
        ok("put a 1", client.put("a", "1").await)?;
        cluster.isolate(cut);
        let before = cluster.sim.now();
        ok("put a 2", client.put("a", "2").await)?;
        let waited = (cluster.sim.now() - before).as_millis();
        if !cluster.counts.unavailable.borrow().contains(&cut) || waited > 4_500 {
            return Err(unmet(
                "the course's design, ServerFail",
                format!(
                    "{cut} was cut off from the other servers; its client had its put done after {waited} ms, and did not note that {cut} is unavailable."
                ),
                format!(
                    "{cut} finds no coordinator, says so within 4 s, and the client records Unavailable and moves on."
                ),
                cluster.last_of(&[cut]),
            ));
        }
        finds("get a", &ok("get a", client.get("a").await)?, "2")?;
        cluster.sim.heal_all(&all);
        cluster.sleep_ms(4_000).await;
        ok("put a 3", client.put("a", "3").await)?;
        if !cluster.counts.available.borrow().contains(&cut) {
            return Err(unmet(
                "the course's design, ServerRejoin",
                format!("{cut} was back for 4 s, and its client has not noted it."),
                "A client asks a server that it gave up from time to time whether it is back, and records Available.",
                cluster.last_of(&[cut]),
            ));
        }
        client.stop();
        Ok(())
    })
}

fn put(key: &str, value: &str) -> KvCall {
    KvCall::Put { key: key.to_owned(), value: value.to_owned() }
}

fn get(key: &str) -> KvCall {
    KvCall::Get { key: key.to_owned() }
}

fn minority(seed: u64) -> Run {
    simulate(seed, Setup::new("lab3a_06_minority", 5), async |cluster| {
        cluster.ready().await?;
        let all = cluster.all();
        let old = cluster.await_coordinator(&all).await?;
        let (_, mut client) = cluster.client(cluster.others(&[old])[1]);
        ok("put a 1", client.put("a", "1").await)?;
        let few = [old, cluster.others(&[old])[0]];
        let many = cluster.others(&few);
        cluster.sim.partition(&all, &[&few, &many]);
        // Both servers of the minority are asked, for a write and a read, while the majority goes on.
        let asking = async {
            let mut done = Vec::new();
            for (server, call) in [(few[0], put("a", "few")), (few[1], get("a")), (few[1], put("b", "few"))] {
                let raw = cluster.raw_client();
                let request = raw.invoke(call);
                let response = raw.send(&request, server, 3_600).await;
                raw.give_back(&request, &response);
                if let Some(Response::Done(outcome)) = response {
                    done.push((server, request.call.to_string(), outcome));
                }
                raw.stop();
            }
            done
        };
        let (done, result) = join(asking, client.put("a", "2")).await;
        ok("put a 2", result)?;
        if let Some((server, call, outcome)) = done.first() {
            return Err(unmet(
                "§5.3",
                format!(
                    "{server}, one of two servers that three others do not reach, answered `{call}` with {outcome}."
                ),
                "Two of five commit nothing and confirm nothing: they can only say that they have no quorum.",
                cluster.last_of(&few),
            ));
        }
        let raw = cluster.raw_client();
        let request = raw.invoke(put("c", "healed"));
        cluster.sim.heal_all(&all);
        let before = cluster.sim.now();
        let mut response = None;
        while !matches!(response, Some(Response::Done(_))) && (cluster.sim.now() - before).as_millis() < 3_000
        {
            response = raw.send(&request, few[0], 3_000).await;
            cluster.sleep_ms(10).await;
        }
        raw.give_back(&request, &response);
        raw.stop();
        if !matches!(response, Some(Response::Done(_))) {
            return Err(unmet(
                "the course's design",
                format!("Within 3 s of its return {} did not have a put done.", few[0]),
                "It follows the coordinator of the others, and forwards to it.",
                cluster.last_of(&all),
            ));
        }
        client.stop();
        Ok(())
    })
}

/// A put through one server must be answered within so long.
async fn answered(cluster: &Cluster, through: Server, call: KvCall, within_ms: u64, why: &str) -> Done {
    let raw = cluster.raw_client();
    let request = raw.invoke(call);
    let response = raw.send(&request, through, within_ms).await;
    raw.give_back(&request, &response);
    raw.stop();
    if matches!(response, Some(Response::Done(_))) {
        return Ok(());
    }
    let said = match response {
        None => format!("was not answered within {within_ms} ms"),
        Some(response) => format!("was answered with {response:?}"),
    };
    Err(unmet(
        "the course's design",
        format!("`{}`, sent once to {through}, {said}.", request.call),
        why,
        cluster.last_of(&cluster.all()),
    ))
}

fn single_shot(seed: u64) -> Run {
    simulate(seed, Setup::new("lab3a_07_single_shot", 5), async |cluster| {
        cluster.ready().await?;
        let why = "Four of five servers run: they elect a coordinator, and the request waits for it.";
        for round in 0..3 {
            let old = cluster.await_coordinator(&cluster.all()).await?;
            cluster.crash(old);
            let asked = cluster.others(&[old])[round];
            // Long enough that the others have missed a heartbeat or two, not that they have elected.
            cluster.sleep_ms(150).await;
            answered(&cluster, asked, put("a", &round.to_string()), 3_500, why).await?;
            cluster.start_server(old);
        }
        Ok(())
    })
}

fn no_quorum(seed: u64) -> Run {
    simulate(seed, Setup::new("lab3a_08_no_quorum", 3), async |cluster| {
        cluster.ready().await?;
        let all = cluster.all();
        let coordinator = cluster.await_coordinator(&all).await?;
        for other in cluster.others(&[coordinator]) {
            cluster.crash(other);
        }
        for call in [put("a", "1"), get("a")] {
            let raw = cluster.raw_client();
            let request = raw.invoke(call);
            let before = cluster.sim.now();
            let response = raw.send(&request, coordinator, 10_000).await;
            let waited = (cluster.sim.now() - before).as_millis();
            raw.give_back(&request, &response);
            raw.stop();
            if waited > 4_000 || !matches!(response, Some(Response::Refused { why: Refusal::NoQuorum, .. })) {
                return Err(unmet(
                    "the course's design",
                    format!(
                        "{coordinator} runs alone; `{}` had the answer {response:?} after {waited} ms.",
                        request.call
                    ),
                    "It has no quorum, and says so within 4 s.",
                    cluster.last_of(&[coordinator]),
                ));
            }
        }
        cluster.calm();
        let why = "All servers run again.";
        answered(&cluster, coordinator, put("a", "2"), 3_500, why).await
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

fn coordinator_changes(seed: u64) -> Run {
    simulate(seed, Setup::new("lab3a_11_coordinator_changes", 5), async |cluster| {
        cluster.ready().await?;
        let all = cluster.all();
        let mut expected = String::new();
        let (_, mut client) = cluster.client(all[0]);
        ok("get a", client.get("a").await)?;
        for round in 0..3 {
            let old = cluster.await_coordinator(&all).await?;
            let through = cluster.others(&[old])[round];
            let (_, mut forwarded) = cluster.client(through);
            // The old coordinator has the request and can commit nothing: two others still reach it, and do not hear it.
            for other in cluster.others(&[old]) {
                cluster.sim.cut(old, other);
            }
            let value = format!("{round},");
            let before = cluster.sim.now();
            ok("append a", forwarded.append("a", &value).await)?;
            let waited = (cluster.sim.now() - before).as_millis();
            if waited > 6_000 {
                return Err(unmet(
                    "the course's design",
                    format!(
                        "An append through {through} took {waited} ms after the coordinator {old} was no longer heard."
                    ),
                    "Another coordinator is elected within 2 s, and the request goes to it at once.",
                    cluster.last_of(&all),
                ));
            }
            expected += &value;
            cluster.sim.heal_all(&all);
            forwarded.stop();
        }
        cluster.sleep_ms(500).await;
        finds("get a", &ok("get a", client.get("a").await)?, &expected)?;
        client.stop();
        Ok(())
    })
}

fn no_loops(seed: u64) -> Run {
    let stranger = Server(4);
    let setup = Setup { scripted: Some(stranger), ..Setup::new("lab3a_12_no_loops", 3) };
    simulate(seed, setup, async move |cluster| {
        cluster.ready().await?;
        let coordinator = cluster.await_coordinator(&cluster.all()).await?;
        let asked = cluster.others(&[coordinator])[0];
        let raw = cluster.raw_client();
        let request = raw.invoke(put("a", "1"));
        let response = cluster.forward_as(stranger, asked, &request).await;
        let forwards = cluster.counts.forwards.borrow().get(&request.op).copied().unwrap_or(0);
        raw.give_back(&request, &response);
        raw.stop();
        if forwards == 1 && matches!(response, Some(Response::Refused { .. })) {
            return Ok(());
        }
        Err(unmet(
            "the course's design",
            format!(
                "A put was forwarded to {asked}, which does not coordinate: the answer was {response:?}, after {forwards} forwards in all.",
            ),
            "A forwarded request is refused by whoever does not coordinate; the server that has it from its client tries again.",
            cluster.last_of(&[asked]),
        ))
    })
}

fn bounded_queue(seed: u64) -> Run {
    let setup = Setup::new("lab3a_14_bounded_queue", 3);
    let setup = Setup { limits: Limits { waiting: 10, ..setup.limits }, ..setup };
    simulate(seed, setup, async |cluster| {
        cluster.ready().await?;
        let asked = cluster.all()[0];
        for other in cluster.others(&[asked]) {
            cluster.crash(other);
        }
        cluster.sleep_ms(1_500).await;
        let asking = (0..30).map(|n| {
            let (raw, sim) = (cluster.raw_client(), cluster.sim.clone());
            async move {
                let request = raw.invoke(put(&format!("k{n}"), "x"));
                let before = sim.now();
                let response = raw.send(&request, asked, 10_000).await;
                raw.give_back(&request, &response);
                raw.stop();
                let busy = matches!(response, Some(Response::Refused { why: Refusal::Busy, .. }));
                (busy, (sim.now() - before).as_millis())
            }
        });
        let answers = futures::future::join_all(asking).await;
        let at_once = answers.iter().filter(|(busy, waited)| *busy && *waited < 100).count();
        if at_once == 20 {
            return Ok(());
        }
        Err(unmet(
            "the course's design",
            format!(
                "Of 30 requests that came to {asked} at once, which may let 10 wait, {at_once} were refused as too many within 100 ms."
            ),
            "There is no coordinator: 10 wait, and 20 are told at once that they cannot.",
            cluster.last_of(&[asked]),
        ))
    })
}

fn joins(seed: u64) -> Run {
    simulate(seed, Setup::new("lab3a_15_joins", 3), async |cluster| {
        cluster.ready().await?;
        let all = cluster.all();
        let coordinator = cluster.await_coordinator(&all).await?;
        let (_, mut client) = cluster.client(coordinator);
        let late = cluster.others(&[coordinator])[0];
        cluster.crash(late);
        for n in 0..30 {
            ok("append a", client.append("a", &format!("{n} ")).await)?;
        }
        client.stop();
        cluster.start_server(late);
        let commit = |server: Server| cluster.server(server).map_or(0, |it| it.raft().state().commit_index);
        for _ in 0..50 {
            if commit(late) == commit(coordinator)
                && cluster.server(late).is_some_and(|it| it.raft().has_joined())
            {
                return Ok(());
            }
            cluster.sleep_ms(10).await;
        }
        Err(unmet(
            "the course's design, server_join",
            format!(
                "500 ms after its restart {late} has commit index {}, and the coordinator {coordinator} has {}.",
                commit(late),
                commit(coordinator)
            ),
            "A server that starts announces itself, and the coordinator sends it what it lacks at once.",
            cluster.last_of(&all),
        ))
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
