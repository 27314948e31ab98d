//! Lab 2B: long logs that conflict, and come to agree again (§5.3, end).

use crate::check::{figure, unmet};
use crate::cluster::Cluster;
use crate::harness::{Done, Setup, simulate};
use labrpc::schema::Server;
use scenario::{Expectation, Run};
use std::collections::BTreeMap;

const ELECTION_MS: u64 = 5_000;

pub(crate) fn backup(seed: u64) -> Run {
    simulate(seed, Setup::new("lab2b_13_backup", 5), async |cluster| {
        let all = cluster.all();
        cluster.agree(b"first", &all).await?;
        let (one, _) = cluster.await_leader(&all, ELECTION_MS).await?;
        let others = cluster.others(&[one]);
        let (friend, rest) = (others[0], &others[1..]);
        // 50 orphans with one friend.
        cluster.sim.partition(&all, &[&[one, friend]]);
        cluster.orphan(one, "a", 50).await?;
        cluster.sleep_ms(300).await;
        // 50 committed by the other three.
        cluster.sim.partition(&all, &[rest]);
        let two = committed(&cluster, "b", rest).await?;
        // 50 orphans of their leader and one of them.
        let (left, right): (Vec<Server>, Vec<Server>) = {
            let mates: Vec<Server> = rest.iter().copied().filter(|s| *s != two).collect();
            (vec![two, mates[0]], vec![mates[1]])
        };
        cluster.sim.partition(&all, &[&left]);
        cluster.orphan(two, "c", 50).await?;
        cluster.sleep_ms(300).await;
        // The first two and the third of the others: 50 more committed.
        let third = [one, friend, right[0]];
        cluster.sim.partition(&all, &[&third]);
        committed(&cluster, "d", &third).await?;
        cluster.sim.heal_all(&all);
        cluster.agree(b"last", &all).await?;
        cluster.await_same(&all, 2_000).await?;
        cluster.never_delivered("a", "no quorum could have it")?;
        cluster.never_delivered("c", "no quorum could have it")?;
        few_refusals(&cluster)
    })
}

/// Refusals that a leader could have avoided: a refusal names a whole term, which it can skip.
const REFUSALS: u64 = 12;

fn few_refusals(cluster: &Cluster) -> Done {
    let most = cluster.most_refusals();
    figure("refusals of one leader's guesses at a follower", most.map_or(0, |(_, count)| count), REFUSALS);
    match most {
        Some((server, count)) if count > REFUSALS => Err(unmet(
            "§5.3",
            format!(
                "{server} refused {count} AppendEntries of one leader until it found where their logs agree."
            ),
            format!(
                "A follower's hint skips a whole term: at most {REFUSALS} refusals, not counting what was under way."
            ),
            cluster.last_of(&[server]),
        )),
        _ => Ok(()),
    }
}

pub(crate) fn unknown_term(seed: u64) -> Run {
    simulate(seed, Setup::new("lab2b_19_unknown_term", 5), async |cluster| {
        let all = cluster.all();
        cluster.agree(b"first", &all).await?;
        let (first, _) = cluster.await_leader(&all, ELECTION_MS).await?;
        cluster.isolate(first);
        // 50 orphans of a term of which only one friend hears more than the request for its vote.
        let (lonely, friend) = elected_with_a_friend(&cluster, &cluster.others(&[first])).await?;
        cluster.orphan(lonely, "orphan", 50).await?;
        cluster.sleep_ms(300).await;
        // 50 committed by the other three.
        let rest = cluster.others(&[lonely, friend]);
        cluster.sim.partition(&all, &[&rest]);
        let second = committed(&cluster, "b", &rest).await?;
        // A new leader, which knows nothing of the friend's log yet.
        let three: Vec<Server> = cluster.others(&[lonely, second]);
        cluster.sim.partition(&all, &[&three]);
        committed(&cluster, "c", &three).await?;
        cluster.sim.heal_all(&all);
        cluster.agree(b"last", &all).await?;
        cluster.await_same(&all, 2_000).await?;
        cluster.never_delivered("orphan", "no quorum could have it")?;
        few_refusals(&cluster)
    })
}

/// Waits until one of these is elected, and cuts its way to all but one of its voters as soon as they have
/// voted. Returns it and that one.
async fn elected_with_a_friend(cluster: &Cluster, among: &[Server]) -> Result<(Server, Server), Expectation> {
    let mut friends = BTreeMap::new();
    for _ in 0..ELECTION_MS {
        let states = among.iter().filter_map(|server| Some((*server, cluster.state(*server)?)));
        for (voter, state) in states {
            let Some(candidate) = state.voted_for.filter(|it| *it != voter && among.contains(it)) else {
                continue;
            };
            if *friends.entry((candidate, state.term)).or_insert(voter) != voter {
                cluster.sim.cut(candidate, voter);
            }
        }
        if let Some(leader) = cluster.leader_among(among)
            && let Some(term) = cluster.state(leader).map(|state| state.term)
            && let Some(friend) = friends.get(&(leader, term))
        {
            // Whoever has not voted yet hears of it no more, either.
            among
                .iter()
                .filter(|it| *it != friend && **it != leader)
                .for_each(|it| cluster.sim.cut(leader, *it));
            return Ok((leader, *friend));
        }
        cluster.sleep_ms(1).await;
    }
    cluster.await_leader(among, 1).await.map(|(leader, _)| (leader, leader))
}

/// Proposes 50 commands at once to the leader of these, and waits until they are delivered there.
async fn committed(cluster: &Cluster, name: &str, among: &[Server]) -> Result<Server, Expectation> {
    let (leader, _) = cluster.await_leader(among, ELECTION_MS).await?;
    for n in 1..50 {
        cluster.propose(leader, format!("{name}{n}").as_bytes()).await;
    }
    cluster.agree(format!("{name}50").as_bytes(), among).await?;
    cluster.await_leader(among, ELECTION_MS).await.map(|(leader, _)| leader)
}
