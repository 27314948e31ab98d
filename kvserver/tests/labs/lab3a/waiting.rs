//! Lab 3A: requests that come when there is no coordinator, no quorum, no room, or another coordinator.

use crate::check::{finds, ok, unmet};
use crate::cluster::Cluster;
use crate::harness::{Setup, simulate};
use futures::future::{join, join3};
use kvclient::Patience;
use kvclient::protocol::{Refusal, Response};
use kvserver::Limits;
use labrpc::schema::{KvCall, Server};
use scenario::{Done, Run};
use std::time::Duration;

pub(super) fn unavailable(seed: u64) -> Run {
    simulate(seed, Setup::new("lab3a_05_unavailable", 3), async |cluster| {
        cluster.ready().await?;
        let all = cluster.all();
        let coordinator = cluster.await_coordinator(&all).await?;
        let (_, mut client) = cluster.client(cluster.others(&[coordinator])[0]);
        ok("put a 1", client.put("a", "1").await)?;
        // To whichever server the client speaks, that one is cut off.
        let cut = cluster.counts.asked.get().unwrap_or(coordinator);
        cluster.isolate(cut);
        let before = cluster.sim.now();
        // Another one finds the same, and stops before the server is back: it has nothing more to say then.
        let (_, mut brief) = cluster.client(cut);
        let (result, of_brief) = join(client.put("a", "2"), brief.put("b", "1")).await;
        let waited = (cluster.sim.now() - before).as_millis();
        ok("put a 2", result)?;
        ok("put b 1", of_brief)?;
        brief.stop();
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
        cluster.sleep_ms(1_000).await;
        if cluster.counts.available.borrow().contains(&cut) {
            return Err(unmet(
                "the course's design, ServerRejoin",
                format!("{cut} is still cut off, and its client noted that it is back."),
                "A server is back when it says that it has joined, and knows a coordinator.",
                cluster.last_of(&[cut]),
            ));
        }
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
        // A server that is down says nothing at all: its client moves on as well.
        let (_, mut client) = cluster.client(cut);
        ok("put a 4", client.put("a", "4").await)?;
        cluster.crash(cluster.counts.asked.get().unwrap_or(cut));
        ok("put a 5", client.put("a", "5").await)?;
        finds("get a", &ok("get a", client.get("a").await)?, "5")?;
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

pub(super) fn minority(seed: u64) -> Run {
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

/// A request, sent once through one server, must be answered within so long.
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

pub(super) fn single_shot(seed: u64) -> Run {
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

pub(super) fn no_quorum(seed: u64) -> Run {
    simulate(seed, Setup::new("lab3a_08_no_quorum", 3), async |cluster| {
        cluster.ready().await?;
        let all = cluster.all();
        let coordinator = cluster.await_coordinator(&all).await?;
        for other in cluster.others(&[coordinator]) {
            cluster.crash(other);
        }
        // Its log keeps what it could not commit, and that may yet be committed: whether, nobody can say.
        let patience = Patience { operation: Duration::from_millis(3_030), ..Patience::default() };
        let (_, mut short) = cluster.client_with(coordinator, patience);
        let _ = short.put("short", "1").await;
        short.stop();
        for call in [put("lost", "1"), get("lost")] {
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
        answered(&cluster, coordinator, put("a", "2"), 3_500, why).await?;
        let (_, mut client) = cluster.client(coordinator);
        for key in ["short", "lost"] {
            ok("get", client.get(key).await)?;
        }
        client.stop();
        Ok(())
    })
}

pub(super) fn bounded_queue(seed: u64) -> Run {
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
            cluster.calm();
            cluster.await_coordinator(&cluster.all()).await?;
            let why = "All servers run again, and nothing waits here any more.";
            return answered(&cluster, asked, put("a", "1"), 3_500, why).await;
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

pub(super) fn coordinator_changes(seed: u64) -> Run {
    simulate(seed, Setup::new("lab3a_11_coordinator_changes", 5), async |cluster| {
        cluster.ready().await?;
        let all = cluster.all();
        let mut expected = String::new();
        let (_, mut client) = cluster.client(all[0]);
        ok("get a", client.get("a").await)?;
        for round in 0..3 {
            let old = cluster.await_coordinator(&all).await?;
            let others = cluster.others(&[old]);
            // The old coordinator has the request and can commit nothing: the others still reach it, and do not hear it.
            for other in &others {
                cluster.sim.cut(old, *other);
            }
            let why = "Another coordinator is elected within 2 s, and whoever has the request passes it on to that one.";
            let append = KvCall::Append { key: "a".to_owned(), value: format!("{round},") };
            let forwarded = answered(&cluster, others[round], append, 3_500, why);
            // A get waits at the old one itself, which cannot have it confirmed.
            let waiting = answered(&cluster, old, get("b"), 3_500, why);
            let healing = async {
                let elected = cluster.await_coordinator(&others).await;
                cluster.sleep_ms(100).await;
                cluster.sim.heal_all(&all);
                elected
            };
            let (forwarded, waiting, elected) = join3(forwarded, waiting, healing).await;
            elected?;
            forwarded?;
            waiting?;
            expected += &format!("{round},");
        }
        cluster.sleep_ms(500).await;
        finds("get a", &ok("get a", client.get("a").await)?, &expected)?;
        client.stop();
        Ok(())
    })
}

pub(super) fn no_loops(seed: u64) -> Run {
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
