//! Lab 2A: elections, with pre-vote, check-quorum and heartbeats.

use crate::check::{figure, list, unmet};
use crate::cluster::SERVICE;
use crate::explore::explored;
use crate::harness::{Setup, simulate};
use crate::raw::RawPeer;
use crate::script::script;
use labrpc::schema::Server;
use labrpc_sim::{Link, Options};
use raft::core::{Entry, Hard, Log, Saved};
use scenario::{Run, Scenario};
use std::collections::BTreeSet;

/// Virtual milliseconds within which a quorum that can talk must have a leader.
const ELECTION_MS: u64 = 5_000;
/// Virtual milliseconds within which a leader that hears nobody must have stepped down.
const STEP_DOWN_MS: u64 = 2_000;

/// The scenarios, from easy to hard.
pub(crate) fn scenarios() -> Vec<Scenario> {
    let mut scenarios = scripts();
    scenarios.extend(simulations());
    scenarios.sort_by_key(|scenario| scenario.name);
    scenarios
}

#[rustfmt::skip]
fn scripts() -> Vec<Scenario> {
    vec![
        script!("lab2a", "lab2a_02_votes_once", "votes_once", 1, "§5.2", &["E2", "E3", "E10", "T3"],
            "A server gives its vote of a term to one candidate only, and may repeat that answer."),
        script!("lab2a", "lab2a_03_up_to_date", "up_to_date", 1, "§5.4.1", &["E2", "E7", "E10"],
            "A server votes only for candidates whose log is at least as up to date as its own."),
        script!("lab2a", "lab2a_04_new_term_new_vote", "new_term_new_vote", 1, "Figure 2", &["E3", "E8"],
            "A server adopts a higher term first, and has a new vote in it."),
        script!("lab2a", "lab2a_05_old_messages", "old_messages", 1, "Figure 2", &["E9", "E10"],
            "Messages of an old term are refused and change nothing."),
        script!("lab2a", "lab2a_06_duplicate_vote", "duplicate_vote", 1, "§5.2", &["E4", "E5", "E6"],
            "A vote that arrives three times is still one vote."),
        script!("lab2a", "lab2a_07_old_vote", "old_vote", 1, "§5.2", &["E1", "E9"],
            "Votes that arrive after their term is over count for nothing."),
        script!("lab2a", "lab2a_08_split_vote", "split_vote", 1, "§5.2", &["S3", "E4", "E10"],
            "Two candidates split the votes of a term; the next timeout elects one of them."),
        script!("lab2a", "lab2a_09_higher_term", "higher_term", 1, "Figure 2", &["E4", "E8"],
            "A leader, and a candidate, that learns of a higher term from an answer gives up."),
        script!("lab2a", "lab2a_10_step_down", "step_down", 1, "thesis §6.2", &["E4", "E6"],
            "Two of four votes win nothing; a leader that too few answer steps down, and times out again."),
        script!("lab2a", "lab2a_24_old_answers", "old_answers", 1, "thesis §6.2", &["E4", "E9"],
            "A leader does not lead on for the sake of answers to the leader that it was before."),
        script!("lab2a", "lab2a_11_pre_votes", "pre_votes", 1, "thesis §9.6", &["S3", "E3"],
            "Pre-votes count in their own attempt only, change nothing, and are refused for a live leader's sake."),
        explored!("lab2a", "lab2a_23_every_order", "elections", 1, "Figure 3",
            "Three servers and two elections, with messages in every order, lost or come twice: no term has two leaders."),
    ]
}

#[rustfmt::skip]
fn simulations() -> Vec<Scenario> {
    let scenario = |name, points, source, rules, sentence, run| {
        Scenario { name, part: "lab2a", sentence, source, points, rules, seeded: true, run }
    };
    vec![
        scenario("lab2a_01_first_leader", 2, "§5.2", &["T1", "T2", "S1", "S2", "S3", "E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8"],
            "Three servers elect a leader within 5 s, and keep it and its term for 2 s more.", first_leader),
        scenario("lab2a_12_leader_cut", 1, "§5.2", &["E4", "E6", "E8"],
            "A leader that is cut off is replaced and rejoins harmlessly; without a quorum nobody leads; with one again somebody does.", leader_cut),
        scenario("lab2a_13_many_cuts", 1, "§5.2", &["E4", "E6", "E8"],
            "Seven servers, ten rounds in which three of them are cut off: the other four always have a leader.", many_cuts),
        scenario("lab2a_14_equal_timers", 1, "§5.2", &["E4", "E10"],
            "Five servers start at once with equal timers: the votes are split, and still there is a leader within 5 s.", equal_timers),
        scenario("lab2a_16_rpc_bound", 1, "§5.2", &["S3"],
            "An attempt to be elected costs at most 4 (n - 1) requests for votes and pre-votes.", rpc_bound),
        scenario("lab2a_17_deaf_leader", 1, "thesis §6.2", &["E4", "E6"],
            "A leader that sends but hears nothing steps down within 2 s, and the others elect another.", deaf_leader),
        scenario("lab2a_18_minority_leader", 1, "thesis §6.2", &["E4", "E6"],
            "A leader of five that only one other can reach steps down within 2 s, and the other three elect another.", minority_leader),
        scenario("lab2a_15_timers", 1, "§5.2", &["S3"],
            "Election timeouts are drawn anew, from the stated range; heartbeats come as often as stated.", timers),
        scenario("lab2a_19_deaf_disruptor", 1, "thesis §9.6", &["S3"],
            "A server that hears nothing and keeps asking for votes deposes nobody for 10 s.", deaf_disruptor),
        scenario("lab2a_20_half_cut", 1, "thesis §9.6", &["S3"],
            "A follower that only the leader cannot reach keeps asking for 5 s and then returns: it deposes nobody.", half_cut),
        scenario("lab2a_21_raw_disruptor", 1, "thesis §4.2.3", &["E7", "E8", "E10"],
            "The leader is gone, and a peer with a shorter log asks for votes in ever higher terms: a real leader is elected within 5 s.", raw_disruptor),
        scenario("lab2a_22_lossy_network", 1, "§5.1", &["E3", "E4", "E6"],
            "Five servers on a network that loses, repeats and reorders elect leaders as theirs are cut off.", lossy_network),
    ]
}

fn first_leader(seed: u64) -> Run {
    simulate(seed, Setup::elections("lab2a_01_first_leader", 3), async |cluster| {
        let all = cluster.all();
        let elected = cluster.await_leader(&all, ELECTION_MS).await?;
        cluster.hold_leader(&all, elected, 2_000).await
    })
}

fn leader_cut(seed: u64) -> Run {
    simulate(seed, Setup::elections("lab2a_12_leader_cut", 3), async |cluster| {
        let all = cluster.all();
        let (first, _) = cluster.await_leader(&all, ELECTION_MS).await?;
        cluster.isolate(first);
        let second = cluster.await_leader(&cluster.others(&[first]), ELECTION_MS).await?;

        // The old leader rejoins harmlessly: leader and term stay.
        cluster.rejoin(first);
        cluster.sleep_ms(500).await;
        cluster.hold_leader(&all, second, 1_000).await?;

        // Without a quorum nobody leads.
        let others = cluster.others(&[second.0]);
        cluster.isolate(second.0);
        cluster.isolate(others[0]);
        cluster.await_no_leader(&all, STEP_DOWN_MS, "no quorum can talk any more").await?;
        for _ in 0..10 {
            cluster.sleep_ms(200).await;
            cluster.await_no_leader(&all, 10, "no quorum can talk any more").await?;
        }

        // With a quorum again somebody does.
        cluster.sim.partition(&all, &[&others]);
        cluster.await_leader(&others, ELECTION_MS).await?;
        cluster.sim.heal_all(&all);
        cluster.await_leader(&all, ELECTION_MS).await?;
        Ok(())
    })
}

fn many_cuts(seed: u64) -> Run {
    simulate(seed, Setup::elections("lab2a_13_many_cuts", 7), async |cluster| {
        let all = cluster.all();
        let mut chance = cluster.sim.stream("cuts");
        cluster.await_leader(&all, ELECTION_MS).await?;
        for _ in 0..10 {
            let mut order = all.clone();
            chance.shuffle(&mut order);
            let (cut, rest) = order.split_at(3);
            cut.iter().for_each(|server| cluster.isolate(*server));
            cluster.await_leader(rest, ELECTION_MS).await?;
            cluster.sim.heal_all(&all);
            cluster.await_leader(&all, ELECTION_MS).await?;
        }
        Ok(())
    })
}

fn equal_timers(seed: u64) -> Run {
    let setup = Setup {
        link: Link::reliable().exactly(1),
        options: Options { equal_draws: 1, ..Options::default() },
        ..Setup::elections("lab2a_14_equal_timers", 5)
    };
    simulate(seed, setup, async |cluster| {
        cluster.await_leader(&cluster.all(), ELECTION_MS).await?;
        Ok(())
    })
}

fn rpc_bound(seed: u64) -> Run {
    simulate(seed, Setup::elections("lab2a_16_rpc_bound", 5), async |cluster| {
        let all = cluster.all();
        let (first, _) = cluster.await_leader(&all, ELECTION_MS).await?;
        // A server that is alone tries and tries again; the others elect anew.
        let alone = cluster.others(&[first])[0];
        cluster.isolate(alone);
        cluster.isolate(first);
        cluster.await_leader(&cluster.others(&[first, alone]), ELECTION_MS).await?;
        cluster.sleep_ms(3_000).await;
        let bound = 4 * (all.len() as u64 - 1);
        figure(
            "requests for votes and pre-votes an attempt",
            cluster.most_requests_an_attempt().map_or(0, |(_, n)| n),
            bound,
        );
        match cluster.most_requests_an_attempt() {
            Some((server, requests)) if requests > bound => Err(unmet(
                "§5.2",
                format!(
                    "{server} sent {requests} requests for votes and pre-votes in one attempt to be elected."
                ),
                format!(
                    "With {} servers an attempt should cost at most 4 × {} = {bound}.",
                    all.len(),
                    all.len() - 1
                ),
                cluster.last_of(&[server]),
            )),
            Some(_) => Ok(()),
            None => Err(unmet(
                "§5.2",
                format!("{alone} was cut off for 3 s and never tried to be elected."),
                "A follower that hears from no leader should start an election.",
                cluster.last_of(&[alone]),
            )),
        }
    })
}

fn deaf_leader(seed: u64) -> Run {
    simulate(seed, Setup::elections("lab2a_17_deaf_leader", 3), async |cluster| {
        let all = cluster.all();
        let (leader, _) = cluster.await_leader(&all, ELECTION_MS).await?;
        cluster.deafen(leader);
        cluster.await_no_leader(&[leader], STEP_DOWN_MS, "nothing has reached it for 2 s").await?;
        cluster.await_leader(&cluster.others(&[leader]), ELECTION_MS).await?;
        cluster.sim.heal_all(&all);
        cluster.await_leader(&all, ELECTION_MS).await?;
        Ok(())
    })
}

fn minority_leader(seed: u64) -> Run {
    simulate(seed, Setup::elections("lab2a_18_minority_leader", 5), async |cluster| {
        let all = cluster.all();
        let (leader, _) = cluster.await_leader(&all, ELECTION_MS).await?;
        let others = cluster.others(&[leader]);
        cluster.sim.partition(&all, &[&[leader, others[0]], &others[1..]]);
        cluster.await_no_leader(&[leader], STEP_DOWN_MS, "only one of four others can answer it").await?;
        cluster.await_leader(&others[1..], ELECTION_MS).await?;
        Ok(())
    })
}

fn timers(seed: u64) -> Run {
    simulate(seed, Setup::elections("lab2a_15_timers", 3), async |cluster| {
        let all = cluster.all();
        let (leader, _) = cluster.await_leader(&all, ELECTION_MS).await?;
        // An idle second: heartbeats every 50 ms are 20 a follower.
        let before = cluster.sim.sent_by(leader.into(), SERVICE).rpcs;
        cluster.sleep_ms(1_000).await;
        let sent = cluster.sim.sent_by(leader.into(), SERVICE).rpcs - before;
        if !(2 * 10..=2 * 25).contains(&sent) {
            return Err(unmet(
                "§5.2",
                format!("{leader} sent {sent} heartbeats in an idle second, to two followers."),
                "A heartbeat every `config.heartbeat`, 50 ms, makes 40.",
                cluster.last_of(&[leader]),
            ));
        }
        // A server that is alone times out again and again.
        let alone = cluster.others(&[leader])[0];
        cluster.isolate(alone);
        let since = cluster.sim.now();
        cluster.sleep_ms(12_000).await;
        let gaps = cluster.timeouts(alone, since);
        let odd = gaps.iter().find(|ms| !(295..=605).contains(*ms));
        let different: BTreeSet<u64> = gaps.iter().copied().collect();
        let complaint = if gaps.len() < 15 {
            Some(format!("{alone} was alone for 12 s and timed out only {} times.", gaps.len() + 1))
        } else if let Some(odd) = odd {
            Some(format!("{alone} was alone, and an election timeout of it took {odd} ms."))
        } else if different.len() < 5 {
            Some(format!(
                "{alone} was alone, and its last {} election timeouts took only {} different times.",
                gaps.len(),
                different.len()
            ))
        } else {
            None
        };
        complaint.map_or(Ok(()), |sentence| {
            let expected = "Each timeout should be drawn anew from `config.election_timeout`, 300 to 600 ms.";
            Err(unmet("§5.2", sentence, expected, cluster.last_of(&[alone])))
        })
    })
}

fn deaf_disruptor(seed: u64) -> Run {
    simulate(seed, Setup::elections("lab2a_19_deaf_disruptor", 5), async |cluster| {
        let elected = cluster.await_leader(&cluster.all(), ELECTION_MS).await?;
        let deaf = cluster.others(&[elected.0])[0];
        cluster.deafen(deaf);
        cluster.hold_leader(&cluster.others(&[deaf]), elected, 10_000).await
    })
}

fn half_cut(seed: u64) -> Run {
    simulate(seed, Setup::elections("lab2a_20_half_cut", 5), async |cluster| {
        let all = cluster.all();
        let elected = cluster.await_leader(&all, ELECTION_MS).await?;
        let cut = cluster.others(&[elected.0])[0];
        cluster.sim.cut(elected.0, cut);
        cluster.sim.cut(cut, elected.0);
        // The others hear both the asking and the leader, and must side with the leader.
        cluster.hold_leader(&cluster.others(&[cut]), elected, 5_000).await?;
        cluster.rejoin(cut);
        cluster.sleep_ms(500).await;
        cluster.hold_leader(&all, elected, 1_000).await
    })
}

fn raw_disruptor(seed: u64) -> Run {
    let raw = Server(5);
    let entry = Entry { term: 1, command: Some(Vec::new()) };
    let setup = Setup {
        scripted: vec![raw],
        saved: Saved {
            hard: Hard { term: 1, vote: None },
            snap: None,
            log: Log::of(vec![entry.clone(), entry]),
        },
        ..Setup::elections("lab2a_21_raw_disruptor", 5)
    };
    simulate(seed, setup, async move |cluster| {
        let (first, term) = cluster.await_leader(&cluster.real(), ELECTION_MS).await?;
        cluster.isolate(first);
        let rest = cluster.others(&[first]);
        let raw = RawPeer::start(&cluster, raw);
        raw.hear_of(term);
        for _ in 0..ELECTION_MS / 100 {
            raw.ask_for_votes(&rest);
            cluster.sleep_ms(100).await;
            if cluster.agreed(&rest).is_some() {
                break;
            }
        }
        let elected = cluster.agreed(&rest).ok_or_else(|| {
            unmet(
                "§5.4.1",
                format!("While a peer that cannot win asked for votes every 100 ms, none of {} was elected for 5 s.", list(&rest)),
                "Only a granted vote restarts the election timer, so a server that refuses should time out and be elected.",
                cluster.last_of(&rest),
            )
        })?;
        // A leader that lives is not deposed by the asking, either.
        for _ in 0..10 {
            raw.ask_for_votes(&rest);
            cluster.hold_leader(&rest, elected, 100).await?;
        }
        Ok(())
    })
}

fn lossy_network(seed: u64) -> Run {
    let link = Link { late_replies: Link::reordering().late_replies, ..Link::unreliable() }.duplicating(100);
    let setup = Setup { link, ..Setup::elections("lab2a_22_lossy_network", 5) };
    simulate(seed, setup, async |cluster| {
        let all = cluster.all();
        let mut chance = cluster.sim.stream("cuts");
        for _ in 0..5 {
            let cut = all[chance.draw(0..=4) as usize];
            cluster.isolate(cut);
            cluster.sleep_ms(3_000).await;
            cluster.rejoin(cut);
            cluster.sleep_ms(500).await;
        }
        // Once the network is good again, there is a leader as ever.
        cluster.sim.links(&Link::reliable());
        cluster.sleep_ms(100).await;
        let elected = cluster.await_leader(&all, ELECTION_MS).await?;
        cluster.hold_leader(&all, elected, 1_000).await
    })
}
