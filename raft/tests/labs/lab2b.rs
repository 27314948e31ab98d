//! Lab 2B: the log.

use crate::check::{figure, list, unmet};
use crate::cluster::Cluster;
use crate::explore::explored;
use crate::harness::{Done, Setup, simulate};
use crate::script::script;
use backup::{backup, unknown_term};
use labrpc::schema::Server;
use scenario::{Run, Scenario};
use std::time::Duration;

// The benchmark takes these files as they are, without a list of what they are made of.
#[path = "backup.rs"]
mod backup;

const ELECTION_MS: u64 = 5_000;

/// The scenarios, from easy to hard.
#[rustfmt::skip]
pub(crate) fn scenarios() -> Vec<Scenario> {
    let scenario = |name, points, source, rules, sentence, run| {
        Scenario { name, part: "lab2b", sentence, source, points, rules, seeded: true, run }
    };
    let mut scenarios = vec![
        script!("lab2b", "lab2b_02_delayed_append", "delayed_append", 1, "Figure 2", &["L2", "L5", "L11"],
            "A delayed or repeated AppendEntries deletes nothing; a conflicting one deletes all that follows."),
        script!("lab2b", "lab2b_03_last_new_entry", "last_new_entry", 1, "Figure 2", &["L2", "L4"],
            "A follower takes for committed only what it is known to have in common with its leader."),
        script!("lab2b", "lab2b_04_own_append", "own_append", 1, "§5.3", &["L3"],
            "Two of five servers commit nothing, three do."),
        script!("lab2b", "lab2b_05_figure8", "figure8", 1, "§5.4.2", &["L3", "L5"],
            "An entry of an earlier term is committed only through one of the leader's own term."),
        script!("lab2b", "lab2b_20_old_acknowledgements", "old_acknowledgements", 1, "Figure 2", &["L2", "L11"],
            "What was acknowledged in an earlier leadership counts for nothing in this one."),
        script!("lab2b", "lab2b_21_late_acknowledgement", "late_acknowledgement", 1, "Figure 2", &["L3"],
            "What a follower acknowledged it has, whatever older acknowledgement comes after it."),
        script!("lab2b", "lab2b_16_figure8_three", "figure8_three", 1, "§5.4.2", &["L3", "L11"],
            "Figure 8 with three servers: an old entry reaches a majority, is not committed, and is lawfully lost."),
        scenario("lab2b_01_agree", 2, "§5.3", &["L2", "L3", "L4", "L5", "L7", "L8"],
            "Ten commands are delivered to all three servers, in order.", agree),
        scenario("lab2b_06_bytes", 1, "§5.3", &["L3", "L5"],
            "Ten commands of 5,000 bytes, one after the other, cost at most three times their size and 50,000 bytes.", bytes),
        scenario("lab2b_07_followers_fail", 1, "§5.3", &["L3", "L4"],
            "Followers are cut off one after the other: with two of three servers commands are delivered, with one none is.", followers_fail),
        scenario("lab2b_08_leaders_fail", 1, "§5.3", &["L1", "L6"],
            "Leaders are cut off one after the other: with two of three servers commands are delivered, with one none is.", leaders_fail),
        scenario("lab2b_09_catch_up", 1, "§5.3", &["L2", "L4"],
            "A follower that missed four commands is brought up to date when it returns.", catch_up),
        scenario("lab2b_10_no_quorum", 1, "§5.3", &["L3", "L5"],
            "With three of five servers cut off nothing is committed; after healing the next command is the second or third delivered.", no_quorum),
        scenario("lab2b_11_concurrent", 1, "§5.3", &["L3", "L8"],
            "Five commands proposed at once in one term are all delivered.", concurrent),
        scenario("lab2b_12_orphans", 2, "§5.3", &["L5", "L11"],
            "A leader that was cut off with three commands of its own rejoins, and they vanish.", orphans),
        scenario("lab2b_13_backup", 2, "§5.3", &["L5", "L6", "L11"],
            "Five servers with long conflicting logs come to agree again quickly.", backup),
        scenario("lab2b_19_unknown_term", 1, "§5.3", &["L5", "L11"],
            "A follower with fifty entries of a term of which its leader has none is brought up to date quickly.", unknown_term),
        scenario("lab2b_14_rpc_counts", 2, "§5.3", &["L3"],
            "Ten commands at once, and an idle second, cost only as many messages as they need.", rpc_counts),
        scenario("lab2b_15_latency", 1, "§5.3", &["L3"],
            "A hundred commands, one after the other, take at most 40 ms each on average.", latency),
        explored!("lab2b", "lab2b_17_every_order", "log", 1, "Figure 3",
            "Two servers and a command, with messages in every order, lost, late or come twice: logs agree, and what is committed stays."),
        explored!("lab2b", "lab2b_18_old_entries", "old-entries", 1, "§5.4.2",
            "Three elections and an entry a message, in every order: nobody without a committed entry can be elected."),
    ];
    scenarios.sort_by_key(|scenario| scenario.name);
    scenarios
}

fn agree(seed: u64) -> Run {
    simulate(seed, Setup::new("lab2b_01_agree", 3), async |cluster| {
        let all = cluster.all();
        cluster.await_leader(&all, ELECTION_MS).await?;
        cluster.never_delivered("", "nothing was proposed yet")?;
        cluster.agree_on("c", 10, &all).await
    })
}

fn bytes(seed: u64) -> Run {
    simulate(seed, Setup::new("lab2b_06_bytes", 3), async |cluster| {
        let all = cluster.all();
        cluster.agree(b"first", &all).await?;
        let before = cluster.sim.counters().bytes;
        for n in 0..10u8 {
            cluster.agree(&[b'a' + n; 5_000], &all).await?;
        }
        let spent = cluster.sim.counters().bytes - before;
        // Each of the three servers needs each command once.
        let bound = 3 * 10 * 5_000 + 50_000;
        figure("bytes for ten commands of 5,000 bytes", spent, bound);
        if spent > bound {
            return Err(unmet(
                "§5.3",
                format!("Ten commands of 5,000 bytes cost {spent} bytes on the network."),
                format!("Each command goes to each follower once: at most {bound} bytes."),
                cluster.last_of(&all),
            ));
        }
        Ok(())
    })
}

fn followers_fail(seed: u64) -> Run {
    simulate(seed, Setup::new("lab2b_07_followers_fail", 3), async |cluster| {
        let all = cluster.all();
        cluster.agree(b"1", &all).await?;
        let (leader, _) = cluster.await_leader(&all, ELECTION_MS).await?;
        let followers = cluster.others(&[leader]);
        cluster.isolate(followers[0]);
        cluster.agree_on("two", 2, &[leader, followers[1]]).await?;
        cluster.isolate(followers[1]);
        let alone = cluster.leader_among(&all).unwrap_or(leader);
        cluster.orphan(alone, "lonely", 1).await?;
        cluster.sleep_ms(2_000).await;
        cluster.never_delivered("lonely", "only one of three servers could have it")
    })
}

fn leaders_fail(seed: u64) -> Run {
    simulate(seed, Setup::new("lab2b_08_leaders_fail", 3), async |cluster| {
        let all = cluster.all();
        cluster.agree(b"1", &all).await?;
        let (first, _) = cluster.await_leader(&all, ELECTION_MS).await?;
        cluster.isolate(first);
        cluster.orphan(first, "orphan", 2).await?;
        cluster.agree_on("two", 2, &cluster.others(&[first])).await?;
        let (second, _) = cluster.await_leader(&cluster.others(&[first]), ELECTION_MS).await?;
        cluster.isolate(second);
        for server in &all {
            cluster.orphan(*server, "lonely", 1).await?;
        }
        cluster.sleep_ms(2_000).await;
        cluster.never_delivered("lonely", "no two servers could talk")?;
        cluster.never_delivered("orphan", "its leader was alone")
    })
}

fn catch_up(seed: u64) -> Run {
    simulate(seed, Setup::new("lab2b_09_catch_up", 3), async |cluster| {
        let all = cluster.all();
        cluster.agree(b"1", &all).await?;
        let (leader, _) = cluster.await_leader(&all, ELECTION_MS).await?;
        let away = cluster.others(&[leader])[0];
        cluster.isolate(away);
        cluster.agree_on("missed", 4, &cluster.others(&[away])).await?;
        // Long enough for every message on its way to it to have failed.
        cluster.sleep_ms(1_000).await;
        cluster.rejoin(away);
        // Without another command.
        cluster.await_same(&all, 1_000).await?;
        cluster.agree_on("after", 2, &all).await?;

        // Now it has the entry, and misses only the news that it is committed.
        let (leader, _) = cluster.await_leader(&all, ELECTION_MS).await?;
        let away = cluster.others(&[leader])[0];
        let before = cluster.state(leader).map_or(0, |state| state.commit_index);
        cluster.propose(leader, b"news").await;
        for _ in 0..1_000 {
            if cluster.state(leader).is_some_and(|state| state.commit_index > before) {
                break;
            }
            cluster.sim.sleep(Duration::from_micros(100)).await;
        }
        cluster.isolate(away);
        cluster.sleep_ms(200).await;
        cluster.rejoin(away);
        cluster.await_same(&all, 1_000).await
    })
}

fn no_quorum(seed: u64) -> Run {
    simulate(seed, Setup::new("lab2b_10_no_quorum", 5), async |cluster| {
        let all = cluster.all();
        cluster.agree(b"first", &all).await?;
        let (leader, _) = cluster.await_leader(&all, ELECTION_MS).await?;
        let cut = &cluster.others(&[leader])[..3];
        cut.iter().for_each(|server| cluster.isolate(*server));
        cluster.orphan(leader, "unsure", 1).await?;
        cluster.sleep_ms(2_000).await;
        cluster.never_delivered("unsure", "three of five servers were cut off")?;
        cluster.sim.heal_all(&all);
        cluster.agree(b"next", &all).await?;
        let book = cluster.book.borrow();
        let place = book.order().iter().position(|command| command == b"next").map(|place| place + 1);
        if !matches!(place, Some(2 | 3)) {
            return Err(unmet(
                "§5.3",
                format!("The command after healing was delivered in place {place:?}."),
                "Only the first one, and perhaps the unsure one, can come before it.",
                cluster.last_of(&all),
            ));
        }
        Ok(())
    })
}

fn concurrent(seed: u64) -> Run {
    simulate(seed, Setup::new("lab2b_11_concurrent", 3), async |cluster| {
        let all = cluster.all();
        for attempt in 0..5 {
            let (leader, term) = cluster.await_leader(&all, ELECTION_MS).await?;
            let names: Vec<String> = (0..5).map(|n| format!("at once {attempt} {n}")).collect();
            let mut terms = Vec::new();
            for name in &names {
                terms.push(cluster.propose(leader, name.as_bytes()).await.map(|(_, term)| term));
            }
            if terms.iter().any(|proposed| *proposed != Some(term)) {
                // The term changed between them, which nobody promised it would not.
                continue;
            }
            cluster.agree(format!("then {attempt}").as_bytes(), &all).await?;
            let missing = |name: &&String| cluster.book.borrow().count(name.as_bytes(), &all) < all.len();
            if cluster.agreed(&all).is_some_and(|(_, now)| now == term)
                && let Some(name) = names.iter().find(missing)
            {
                return Err(unmet(
                    "§5.3",
                    format!(
                        "A later command of term {term} was delivered everywhere, and \"{name}\" was not."
                    ),
                    "Commands of one term are delivered in the order in which its leader took them.",
                    cluster.last_of(&all),
                ));
            }
            return Ok(());
        }
        Err(unmet(
            "§5.2",
            "In five attempts the term never stayed the same for five proposals.",
            "On a good network a leader stays the leader.",
            cluster.last_of(&all),
        ))
    })
}

fn orphans(seed: u64) -> Run {
    simulate(seed, Setup::new("lab2b_12_orphans", 3), async |cluster| {
        let all = cluster.all();
        cluster.agree(b"1", &all).await?;
        let (first, _) = cluster.await_leader(&all, ELECTION_MS).await?;
        cluster.isolate(first);
        cluster.orphan(first, "orphan", 3).await?;
        let rest = cluster.others(&[first]);
        cluster.agree(b"2", &rest).await?;
        let (second, _) = cluster.await_leader(&rest, ELECTION_MS).await?;
        cluster.isolate(second);
        cluster.rejoin(first);
        cluster.isolate(second);
        cluster.agree(b"3", &cluster.others(&[second])).await?;
        cluster.rejoin(second);
        cluster.agree(b"4", &all).await?;
        cluster.await_same(&all, 1_000).await?;
        cluster.never_delivered("orphan", "its leader was alone when it took it")
    })
}

fn rpc_counts(seed: u64) -> Run {
    simulate(seed, Setup::new("lab2b_14_rpc_counts", 3), async |cluster| {
        let all = cluster.all();
        cluster.agree(b"first", &all).await?;
        let (leader, _) = cluster.await_leader(&all, ELECTION_MS).await?;
        cluster.sleep_ms(300).await;
        let before = cluster.appends();
        for n in 1..=10 {
            cluster.propose(leader, format!("c{n}").as_bytes()).await;
        }
        cluster.agree(b"c11", &all).await?;
        cluster.sleep_ms(100).await;
        let (with, without) = (cluster.appends().0 - before.0, cluster.appends().1 - before.1);
        at_most(&cluster, leader, with, 30, "AppendEntries with entries for ten commands at once")?;
        at_most(
            &cluster,
            leader,
            without,
            24,
            "AppendEntries without entries for ten commands at once, heartbeats aside",
        )?;
        let before = cluster.sim.counters().rpcs;
        cluster.sleep_ms(1_000).await;
        at_most(&cluster, leader, cluster.sim.counters().rpcs - before, 60, "messages in an idle second")
    })
}

fn at_most(cluster: &Cluster, leader: Server, count: u64, bound: u64, what: &'static str) -> Done {
    figure(what, count, bound);
    if count <= bound {
        return Ok(());
    }
    let expected = format!("At most {bound} are needed.");
    Err(unmet("§5.3", format!("{leader} sent {count} {what}."), expected, cluster.last_of(&[leader])))
}

fn latency(seed: u64) -> Run {
    simulate(seed, Setup::new("lab2b_15_latency", 3), async |cluster| {
        let all = cluster.all();
        cluster.agree(b"first", &all).await?;
        let begin = cluster.sim.now();
        cluster.agree_on("c", 100, &all).await?;
        let mean = (cluster.sim.now() - begin).as_millis() / 100;
        figure("milliseconds a command, one after the other", mean as u64, 40);
        if mean > 40 {
            return Err(unmet(
                "§5.3",
                format!("A command took {mean} ms on average until {} were delivered it.", list(&all)),
                "Entries, and the news that they are committed, should not wait for a heartbeat: at most 40 ms.",
                cluster.last_of(&all),
            ));
        }
        Ok(())
    })
}
