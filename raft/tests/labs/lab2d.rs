//! Lab 2D: snapshots.

use crate::check::{figure, unmet};
use crate::cluster::Cluster;
use crate::explore::explored;
use crate::harness::{Done, Setup, simulate};
use crate::script::script;
use labrpc::schema::{Durability, Server};
use labrpc_sim::Link;
use scenario::{Expectation, Run, Scenario};

const ELECTION_MS: u64 = 5_000;
/// Bytes that log and hard state may take on the disk, the snapshot aside.
const LIVE_BYTES: u64 = 2_000;
/// InstallSnapshots for ten servers that were away one after the other: four times what it takes in chunks of 512
/// bytes, so that smaller chunks and some that are sent in vain have their place.
const INSTALLS: u64 = 120;

/// The scenarios, from easy to hard.
#[rustfmt::skip]
pub(crate) fn scenarios() -> Vec<Scenario> {
    let scenario = |name, points, source, rules, sentence, run| {
        Scenario { name, part: "lab2d", sentence, source, points, rules, seeded: true, run }
    };
    vec![
        script!("lab2d", "lab2d_01_snapshot_suffix", "snapshot_suffix", 3, "Figure 13", &["L10", "D1"],
            "A snapshot below the log's end keeps what follows it; a repeated or late one changes nothing."),
        script!("lab2d", "lab2d_02_snapshot_chunks", "snapshot_chunks", 2, "Figure 13", &["L10"],
            "A snapshot comes in chunks, some of them twice, some too early."),
        scenario("lab2d_03_trimmed", 3, "§7", &["L10", "L12"],
            "With a snapshot every ten commands, log and hard state stay below 2,000 bytes.", trimmed),
        scenario("lab2d_04_install", 3, "§7", &["L10", "L12"],
            "A follower that was away while the log was trimmed gets the snapshot, and nobody gets it without need.", install),
        scenario("lab2d_05_install_unreliable", 3, "§7", &["L10", "L12"],
            "The same on a network that loses and repeats.", install_unreliable),
        scenario("lab2d_06_install_crash", 3, "§7", &["L10", "L12", "L9"],
            "The same with a follower that crashes and restarts.", install_crash),
        scenario("lab2d_07_install_crash_unreliable", 3, "§7", &["L10", "L12", "L9"],
            "The same with crashes on a network that loses and repeats.", install_crash_unreliable),
        scenario("lab2d_08_crash_all", 3, "§7", &["L9", "L10", "L12"],
            "All servers crash and restart five times: what a server had delivered never goes backwards.", crash_all),
        explored!("lab2d", "lab2d_09_every_order", "snapshots", 1, "Figure 13",
            "A leader with a snapshot and a follower that has more than it covers, in every order: no snapshot takes anything away."),
        script!("lab2d", "lab2d_10_leaders_snapshot", "leaders_snapshot", 1, "Figure 13", &["L10", "E8"],
            "A leader whose log is cut sends its snapshot, once, and only as long as it leads."),
    ]
}

fn snapshots(name: &'static str) -> Setup {
    Setup { durability: Durability::Real, snapshot_every: 10, ..Setup::new(name, 3) }
}

fn trimmed(seed: u64) -> Run {
    simulate(seed, snapshots("lab2d_03_trimmed"), async |cluster| {
        let all = cluster.all();
        for round in 0..10 {
            burst(&cluster, &format!("r{round} "), 15, &all).await?;
            trimmed_now(&cluster, &all)?;
        }
        Ok(())
    })
}

/// Proposes commands at once, and waits until they are delivered everywhere.
async fn burst(cluster: &Cluster, name: &str, count: u32, among: &[Server]) -> Result<(), Expectation> {
    let (leader, _) = cluster.await_leader(among, ELECTION_MS).await?;
    for n in 1..count {
        cluster.propose(leader, format!("{name}{n}").as_bytes()).await;
    }
    cluster.agree(format!("{name}{count}").as_bytes(), among).await?;
    // A moment for the last writes to reach the disk.
    cluster.sleep_ms(20).await;
    Ok(())
}

fn trimmed_now(cluster: &Cluster, among: &[Server]) -> Done {
    for server in among {
        let bytes = cluster.raft(*server).map_or(0, |raft| raft.live_bytes());
        figure("bytes of log and hard state with a snapshot every ten commands", bytes, LIVE_BYTES);
        if bytes >= LIVE_BYTES {
            return Err(unmet(
                "§7",
                format!(
                    "{server}'s log and hard state take {bytes} bytes on its disk, though its service hands over a snapshot every ten commands."
                ),
                format!("What a snapshot covers should leave the log: below {LIVE_BYTES} bytes."),
                cluster.last_of(&[*server]),
            ));
        }
    }
    Ok(())
}

fn install(seed: u64) -> Run {
    simulate(seed, snapshots("lab2d_04_install"), async |cluster| {
        installing(cluster.clone(), false).await?;
        let installs = cluster.installs();
        figure("InstallSnapshots for ten followers that were away", installs, INSTALLS);
        if installs > INSTALLS {
            return Err(unmet(
                "§7",
                format!("Ten times a server was away, and {installs} InstallSnapshots were sent for it."),
                format!(
                    "A follower gets the snapshot when the log has no more what it needs, and gets it once: at most {INSTALLS}."
                ),
                cluster.last_of(&cluster.all()),
            ));
        }
        Ok(())
    })
}

fn install_unreliable(seed: u64) -> Run {
    let setup = Setup { link: lossy(), ..snapshots("lab2d_05_install_unreliable") };
    simulate(seed, setup, async |cluster| installing(cluster, false).await)
}

fn install_crash(seed: u64) -> Run {
    simulate(seed, snapshots("lab2d_06_install_crash"), async |cluster| installing(cluster, true).await)
}

fn install_crash_unreliable(seed: u64) -> Run {
    let setup = Setup { link: lossy(), ..snapshots("lab2d_07_install_crash_unreliable") };
    simulate(seed, setup, async |cluster| installing(cluster, true).await)
}

fn lossy() -> Link {
    Link::unreliable().duplicating(100)
}

/// Takes a follower away for long enough that what it misses is only in snapshots; ten times.
async fn installing(cluster: Cluster, crash: bool) -> Done {
    let all = cluster.all();
    let mut chance = cluster.sim.stream("victims");
    cluster.agree(b"first", &all).await?;
    for round in 0..10 {
        let (leader, _) = cluster.await_leader(&all, 4 * ELECTION_MS).await?;
        // Now the leader, now a follower is away.
        let victim =
            if round % 3 == 1 { leader } else { cluster.others(&[leader])[chance.draw(0..=1) as usize] };
        if crash {
            cluster.crash(victim);
        } else {
            cluster.isolate(victim);
        }
        let rest = cluster.others(&[victim]);
        cluster.agree(format!("r{round} begin").as_bytes(), &rest).await?;
        for n in 0..30 {
            if let Some(leader) = cluster.leader_among(&rest) {
                cluster.propose(leader, format!("r{round} {n}").as_bytes()).await;
            }
        }
        cluster.agree(format!("r{round} end").as_bytes(), &rest).await?;
        if crash {
            cluster.start_server(victim);
        } else {
            cluster.rejoin(victim);
        }
        cluster.agree(format!("r{round} all").as_bytes(), &all).await?;
        cluster.book.borrow().check()?;
    }
    cluster.await_same(&all, 2 * ELECTION_MS).await
}

fn crash_all(seed: u64) -> Run {
    simulate(seed, snapshots("lab2d_08_crash_all"), async |cluster| {
        let all = cluster.all();
        for round in 0..5 {
            burst(&cluster, &format!("r{round} "), 25, &all).await?;
            let before: Vec<usize> = all.iter().map(|s| cluster.book.borrow().history(*s).len()).collect();
            all.iter().for_each(|server| cluster.crash(*server));
            all.iter().for_each(|server| cluster.start_server(*server));
            cluster.agree(format!("r{round} after").as_bytes(), &all).await?;
            for (server, before) in all.iter().zip(before) {
                let now = cluster.book.borrow().history(*server).len();
                if now <= before {
                    return Err(unmet(
                        "§7",
                        format!(
                            "{server} had been delivered {before} commands before it crashed, and now has {now}."
                        ),
                        "Snapshot and log together hold everything that was delivered.",
                        cluster.last_of(&[*server]),
                    ));
                }
            }
        }
        Ok(())
    })
}
