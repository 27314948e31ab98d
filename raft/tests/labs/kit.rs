//! Tests of the kit itself that stand beside the labs: what no student is graded on, and every lab rests on.

use crate::golden;
use crate::harness::{Setup, simulate};
use labrpc::schema::{Durability, Server, write_header, write_record};
use labrpc_sim::Link;
use raft::core::{
    Change, Config, ConfigError, Effect, Entry, Log, Membership, Rep, Req, Saved, Snap, VoteArgs, VoteReply,
    Write,
};
use raft::release::Release;
use raft::storage;
use scenario::{Ending, Other, Run};
use std::collections::BTreeSet;
use std::process::Command;
use tracecheck::Verdict;

pub(crate) fn tests() -> Vec<Other> {
    let mut tests = golden::tests(&crate::scenarios());
    if tests.is_empty() {
        // Students are handed neither the transcripts nor these: they rest on the whole solution.
        return tests;
    }
    let mut test = |name: &str, test: fn() -> Result<(), String>| {
        tests.push((format!("kit_{name}"), Box::new(test) as _));
    };
    test("crashes_with_real_durability", crashes_with_real_durability);
    test("release_holds_what_waits", release_holds_what_waits);
    test("a_crash_between_snapshot_and_cut", crash_before_the_cut);
    test("quorums_simple_and_joint", quorums_simple_and_joint);
    test("configurations_that_cannot_work", configurations_that_cannot_work);
    test("a_single_server_leads_after_its_vote_is_durable", single_server);
    test("the_table_of_scenarios_is_sound", table_is_sound);
    test("two_processes_write_the_same_bytes", same_bytes);
    test("three_processes_over_tcp", crate::two_worlds::three_processes_over_tcp);
    tests.extend(crate::explore::kit::tests());
    tests
}

fn ensure(holds: bool, otherwise: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}

/// A server crashed when its disk had a snapshot, and not yet the cut of the log that belongs to it. It begins after
/// the snapshot, and what it writes then stands there, however long the log is that was left.
fn crash_before_the_cut() -> Result<(), String> {
    let entries = |count: usize, term| vec![Entry { term, command: None }; count];
    for left in [48, 57, 70] {
        let snap = Snap { index: 57, term: 3, data: Vec::new() };
        let mut disk = Saved { log: Log::of(entries(left, 2)), snap: Some(snap), ..Saved::default() };
        storage::apply(&mut disk, &Write::Log(Change { from: 58, entries: entries(40, 3) }));
        let (base, last) = (disk.log.base(), disk.log.last_index());
        ensure(
            base == (57, 3) && last == 97 && disk.log.term_at(58) == Some(3),
            format!(
                "with {left} entries left, the disk's log begins after {base:?} and ends at {last}, not at 97"
            ),
        )?;
    }
    Ok(())
}

/// Five servers with real disks, crashed and restarted on a bad network: the durability rules are met, and
/// there is a leader in the end.
fn crash_storm(seed: u64) -> Run {
    let setup = Setup {
        link: Link::unreliable().duplicating(50),
        durability: Durability::Real,
        ..Setup::elections("kit_crash_storm", 5)
    };
    simulate(seed, setup, async |cluster| {
        let all = cluster.all();
        let mut chance = cluster.sim.stream("storm");
        for _ in 0..20 {
            cluster.sleep_ms(chance.draw(50..=800)).await;
            let victim = all[chance.draw(0..=4) as usize];
            if cluster.state(victim).is_some() {
                if chance.chance(500) {
                    cluster.crash(victim);
                } else {
                    // Between two writes, wherever the next ones happen to be.
                    let next = cluster.sim.crash_points(victim.into()) + chance.draw(1..=3);
                    cluster.sim.crash_at_point(victim.into(), next);
                }
            } else {
                cluster.start_server(victim);
            }
        }
        for server in &all {
            cluster.crash(*server);
            cluster.start_server(*server);
        }
        cluster.sim.links(&Link::reliable());
        let elected = cluster.await_leader(&all, 5_000).await?;
        cluster.hold_leader(&all, elected, 500).await
    })
}

fn crashes_with_real_durability() -> Result<(), String> {
    let mut met = 0;
    for seed in 0..50 {
        let run = crash_storm(seed);
        ensure(matches!(run.ending, Ending::Completed), format!("seed {seed}: {:?}", run.ending))?;
        for (rule, verdict) in run.verdicts.iter() {
            match verdict {
                Verdict::Pass(n) if rule.id == "D1" => met += n,
                Verdict::Pass(_) | Verdict::Vacuous => {}
                other => return Err(format!("seed {seed}: {} is {other:?}", rule.id)),
            }
        }
        ensure(
            run.records.iter().any(|record| record.at.inc > 2),
            format!("seed {seed}: nobody crashed twice"),
        )?;
    }
    ensure(met > 10_000, format!("D1 was met only {met} times"))
}

fn release_holds_what_waits() -> Result<(), String> {
    let args = VoteArgs { term: 1, candidate: Server(1), last_index: 0, last_term: 0 };
    let send = |now| Effect::Send { to: Server(2), req: Req::Vote(args), now };
    let reply = |call| Effect::Reply { call, rep: Rep::Vote(VoteReply { term: 1, granted: true }) };
    let mut release = Release::default();
    ensure(release.offer(reply(0)) == Some(reply(0)), "nothing was written, so nothing waits")?;
    let (first, second) = (release.wrote(), release.wrote());
    ensure(release.offer(reply(1)).is_none(), "a reply waits for both writes")?;
    ensure(release.offer(send(true)) == Some(send(true)), "`now` waits for none")?;
    release.synced(first);
    ensure(release.pop().is_none() && release.needs_sync(), "the second write is not durable")?;
    let third = release.wrote();
    ensure(release.offer(send(false)).is_none(), "a message waits for the third write")?;
    release.synced(second);
    ensure(release.pop() == Some(reply(1)), "its writes are durable")?;
    ensure(release.pop().is_none(), "the message still waits")?;
    release.synced(third);
    ensure(release.pop() == Some(send(false)) && !release.needs_sync(), "everything is durable")
}

fn quorums_simple_and_joint() -> Result<(), String> {
    let set = |servers: &[u8]| servers.iter().copied().map(Server).collect::<BTreeSet<Server>>();
    let five = Membership::of(set(&[1, 2, 3, 4, 5]));
    ensure(!five.is_quorum(&set(&[1, 2])), "two of five")?;
    ensure(five.is_quorum(&set(&[1, 2, 3])), "three of five")?;
    ensure(!five.is_quorum(&set(&[1, 2, 6, 7, 8])), "who has no vote counts for nothing")?;
    let four = Membership::of(set(&[1, 2, 3, 4]));
    ensure(!four.is_quorum(&set(&[1, 2])), "half of four is no majority")?;
    let has = |server: Server| labrpc::schema::Index::from(server.0);
    ensure(five.agreed(has) == 3, "three of five have entry 3")?;
    ensure(four.agreed(has) == 2, "three of four have entry 2, and entry 3 only two")?;
    let joint = Membership::of(set(&[1, 2, 3])).joint(set(&[3, 4, 5]));
    ensure(!joint.is_quorum(&set(&[1, 2, 3])), "a majority of the old voters only")?;
    ensure(!joint.is_quorum(&set(&[3, 4, 5])), "a majority of the new voters only")?;
    ensure(joint.is_quorum(&set(&[2, 3, 4])), "a majority of both")?;
    ensure(joint.is_voter(Server(1)) && joint.is_voter(Server(5)) && !joint.is_voter(Server(6)), "voters")?;
    ensure(joint.others(Server(3)) == [1, 2, 4, 5].map(Server), "everybody else, once, in order")
}

fn configurations_that_cannot_work() -> Result<(), String> {
    let good = Config::new([1, 2, 3].map(Server), Durability::Real);
    ensure(good.check() == Ok(()), "the lab's own")?;
    let is = |config: Config, error| ensure(config.check() == Err(error), format!("{config:?}"));
    is(Config { voters: BTreeSet::new(), ..good.clone() }, ConfigError::NoVoters)?;
    is(Config { election_timeout: 300..=300, ..good.clone() }, ConfigError::ElectionTimeout)?;
    is(Config { heartbeat: 0, ..good.clone() }, ConfigError::Heartbeat)?;
    is(Config { heartbeat: 150, ..good.clone() }, ConfigError::Heartbeat)?;
    is(Config { quorum_check: 99, ..good.clone() }, ConfigError::QuorumCheck)?;
    ensure(Config { quorum_check: 100, ..good.clone() }.check() == Ok(()), "two heartbeats are enough")?;
    is(Config { max_entries: 0, ..good.clone() }, ConfigError::EmptyMessages)?;
    is(Config { max_chunk: 0, ..good }, ConfigError::EmptyMessages)
}

/// A cluster of one has nobody to wait for but its own disk.
fn single_server() -> Result<(), String> {
    let setup = Setup { durability: Durability::Real, ..Setup::elections("kit_single_server", 1) };
    let run = simulate(1, setup, async |cluster| {
        let elected = cluster.await_leader(&cluster.all(), 5_000).await?;
        cluster.hold_leader(&cluster.all(), elected, 3_000).await
    });
    ensure(matches!(run.ending, Ending::Completed), format!("{:?}", run.ending))?;
    let at = |name| run.records.iter().position(|record| record.event.action().name() == name);
    ensure(
        at("Durable").is_some() && at("Durable") < at("CoordElected"),
        "elected before its vote was durable",
    )
}

fn table_is_sound() -> Result<(), String> {
    for part in ["lab2a", "lab2b", "lab2c", "lab2d"] {
        let scenarios: Vec<_> =
            crate::scenarios().into_iter().filter(|scenario| scenario.part == part).collect();
        let points: u32 = scenarios.iter().map(|scenario| scenario.points).sum();
        ensure(points == 25, format!("{part} is worth a quarter of Lab 2's 100 points, not {points}"))?;
        for (number, scenario) in scenarios.iter().enumerate() {
            let prefix = format!("{part}_{:02}_", number + 1);
            ensure(
                scenario.name.starts_with(&prefix),
                format!("{} should begin with {prefix}", scenario.name),
            )?;
            let unknown = scenario.rules.iter().find(|id| tracecheck::rule(id).is_none());
            ensure(unknown.is_none(), format!("{} names {unknown:?}, which is no rule", scenario.name))?;
        }
    }
    Ok(())
}

/// The same seed in this process and in another one: the same bytes, of every scenario.
fn same_bytes() -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("raftlab-same-bytes-{}", std::process::id()));
    let names: Vec<&str> = crate::scenarios().iter().map(|scenario| scenario.name).collect();
    let exe = std::env::current_exe().map_err(|error| error.to_string())?;
    let status = Command::new(exe)
        .args(["--raftlab", "run", "--seed", "7", "--jobs", "2", "--names", &names.join(","), "--trace-dir"])
        .arg(&folder)
        .output()
        .map_err(|error| error.to_string())?;
    ensure(status.status.success(), String::from_utf8_lossy(&status.stderr))?;
    let mut compared = 0;
    for scenario in crate::scenarios() {
        let seed = if scenario.seeded { 7 } else { 0 };
        let run = (scenario.run)(seed);
        let mut here = Vec::new();
        write_header(&run.header, &mut here);
        run.records.iter().for_each(|record| write_record(record, &mut here));
        let file = folder.join(format!("{}-{seed}.jsonl", scenario.name));
        let there = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        ensure(
            here == there,
            format!("{}, seed {seed}: two processes wrote different traces", scenario.name),
        )?;
        compared += 1;
    }
    std::fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    ensure(compared == names.len() && compared > 0, "nothing was compared")
}
