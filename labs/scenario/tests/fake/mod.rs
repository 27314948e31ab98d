//! A made-up suite: scenarios whose traces are written by hand, one for every way in which a run can end.

mod trace;
mod troubled;

use scenario::{Ending, Expectation, Run, Scenario};
use std::sync::atomic::{AtomicU64, Ordering};
use trace::{Trace, follower, leader};
use tracecheck::{End, Judge, Witness};
use tracecheck_schema::{Event, Header, Kind, Node, Server, Stamp, Timer};

pub(crate) const S1: Server = Server(1);
pub(crate) const S2: Server = Server(2);
pub(crate) const S3: Server = Server(3);

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario("lab2a_01_first_leader", first_leader),
        scenario("lab2a_02_two_leaders", two_leaders),
        scenario("lab2a_03_stays_leader", stays_leader),
        scenario("lab2a_04_stub", stub),
        scenario("lab2a_05_panics", panics),
        scenario("lab2a_06_kit", kit),
        scenario("lab2a_07_unsteady", unsteady),
        Scenario { rules: &["E6", "E10"], ..scenario("lab2a_08_vacuous", first_leader) },
        Scenario { seeded: false, ..scenario("lab2a_09_script", first_leader) },
        scenario("lab2b_01_deadlock", deadlock),
        scenario("lab2b_02_prints", prints),
        scenario("lab2b_03_passes_unsteadily", passes_unsteadily),
        scenario("lab2b_04_nobody_leads", nobody_leads),
        scenario("lab2b_05_absurd", absurd),
        scenario("lab2b_06_slow", slow),
    ]
}

/// Those that can be shrunk, and then all others.
pub(crate) fn troubled() -> Vec<Scenario> {
    let mut all = vec![
        Scenario { rules: &[], ..scenario("lab2c_01_troubled", troubled::troubled) },
        Scenario { rules: &[], ..scenario("lab2c_02_expects_trouble", troubled::expects_trouble) },
        Scenario {
            rules: &[],
            ..scenario("lab2c_03_never_as_expected", |seed| {
                troubled::expecting("never_as_expected", seed, false)
            })
        },
    ];
    all.extend(scenarios());
    all
}

fn scenario(name: &'static str, run: fn(u64) -> Run) -> Scenario {
    Scenario {
        name,
        part: &name[..5],
        sentence: "Three servers elect a leader within 5 s, and it stays the leader.",
        source: "§5.2",
        points: 10,
        rules: &["E6"],
        seeded: true,
        run,
    }
}

/// Judges the trace as far as the first violation; the ending is that, or `ending`.
fn judged(name: &str, seed: u64, trace: Trace, ending: Ending) -> Run {
    let scripted = if name == "nobody_leads" { vec![S1, S2] } else { vec![] };
    let header = Header { scripted, ..trace::header(name, seed) };
    let mut judge = Judge::new(&header);
    let mut records = Vec::new();
    let mut ending = ending;
    for record in trace.records {
        let violation = judge.observe(&record);
        records.push(record);
        if let Some(violation) = violation {
            ending = Ending::Violation(violation);
            break;
        }
    }
    let end = if matches!(ending, Ending::Completed) { End::Complete } else { End::Stopped };
    let virtual_ns = records.last().map_or(0, |record| record.t_ns);
    Run { verdicts: judge.finish(end), header, records, ending, virtual_ns, rpcs: 4, bytes: 96 }
}

fn first_leader(seed: u64) -> Run {
    judged("first_leader", seed, Trace::elected(seed), Ending::Completed)
}

/// s3, which never heard of term 1, makes itself its leader.
fn two_leaders(seed: u64) -> Run {
    let mut trace = Trace::elected(seed);
    if seed >= 3 {
        trace.put(S3, Event::CoordElected { server_id: S3, term: 1 }, leader(1, S3), None);
    }
    judged("two_leaders", seed, trace, Ending::Completed)
}

fn stays_leader(seed: u64) -> Run {
    let mut trace = Trace::elected(seed);
    let ask = Event::Send { kind: Kind::AppendReply, to: S1, term: 2, votes_for: None, match_index: None };
    let term = |term| follower(term, None, None);
    let left = trace.put(S3, ask, term(2), None);
    let heard = Event::Recv { kind: Kind::AppendReply, from: S3, term: 2, armed: vec![] };
    let at = trace.put(S1, heard, term(2), Some(left));
    trace.put(S1, Event::CoordStepDown { server_id: S1, term: 1 }, term(2), None);
    let expectation = Expectation {
        sentence: "s1 led term 1 for 0.2 s only".to_owned(),
        source: "§5.2".to_owned(),
        expected: "The first leader should lead for 2 s more, since nothing failed.".to_owned(),
        witnesses: vec![Witness { at, note: "s1 hears of term 2 here".to_owned() }],
    };
    judged("stays_leader", seed, trace, Ending::Expectation(expectation))
}

fn stub(seed: u64) -> Run {
    let ending = Ending::NotImplemented {
        what: "lab2a: become_leader: you lead: send heartbeats at once (§5.2)".to_owned(),
        place: "raft/src/core/election.rs:72".to_owned(),
    };
    judged("stub", seed, Trace::elected(seed), ending)
}

fn panics(seed: u64) -> Run {
    let ending = Ending::Panic {
        node: Node::Server(S2),
        t_ns: 420_000_000,
        message: "index out of bounds: the len is 3 but the index is 3".to_owned(),
        place: "raft/src/core/election.rs:88".to_owned(),
    };
    judged("panics", seed, Trace::elected(seed), ending)
}

fn kit(seed: u64) -> Run {
    assert!(seed < 2, "the network lost a task");
    first_leader(seed)
}

/// Reads what no seed decides.
fn unsteady(seed: u64) -> Run {
    static CLOCK: AtomicU64 = AtomicU64::new(0);
    let mut trace = Trace::elected(seed);
    let term = 2 + CLOCK.fetch_add(1, Ordering::Relaxed);
    let fails = Event::CoordFail { server_id: S3 };
    trace.put(S3, fails, follower(0, None, None), None);
    trace.put(S3, Event::PreVoteRequest { server_id: S3, term }, follower(0, None, None), None);
    let sentence = "After 60 s the scenario still waits for a leader of a term above 1.".to_owned();
    judged("unsteady", seed, trace, Ending::TimeUp(sentence))
}

/// Nothing is wrong with it but that no two runs are the same.
fn passes_unsteadily(seed: u64) -> Run {
    static CLOCK: AtomicU64 = AtomicU64::new(0);
    let mut trace = Trace::elected(seed);
    let last = trace.records.last_mut().expect("an election has records");
    last.t_ns += CLOCK.fetch_add(1, Ordering::Relaxed);
    judged("passes_unsteadily", seed, trace, Ending::Completed)
}

/// s3 tries again and again; the last things that it records are heartbeats of no interest.
fn nobody_leads(seed: u64) -> Run {
    let mut trace = Trace::elected(seed);
    let (fresh, heard) = (follower(0, None, None), follower(1, None, Some(S1)));
    for _ in 0..6 {
        trace.put(S3, Event::CoordFail { server_id: S3 }, fresh, None);
        trace.put(S3, Event::PreVoteRequest { server_id: S3, term: 1 }, fresh, None);
    }
    let mut witnesses = Vec::new();
    for _ in 0..9 {
        let beat =
            Event::Send { kind: Kind::AppendRequest, to: S3, term: 1, votes_for: None, match_index: None };
        let left = trace.put(S1, beat, leader(1, S1), None);
        let recv = Event::Recv { kind: Kind::AppendRequest, from: S1, term: 1, armed: vec![Timer::Election] };
        let at = trace.put(S3, recv, heard, Some(left));
        witnesses = vec![Witness { at, note: "follows in term 1, under s1".to_owned() }];
    }
    let expectation = Expectation {
        sentence: "After 5 s, s3 leads no term".to_owned(),
        source: "§5.2".to_owned(),
        expected: "s3 should have won an election.".to_owned(),
        witnesses,
    };
    judged("nobody_leads", seed, trace, Ending::Expectation(expectation))
}

/// As the driver of a server stops where a core's effects cannot be carried out.
fn absurd(seed: u64) -> Run {
    let ending = Ending::Panic {
        node: Node::Server(S2),
        t_ns: 420_000_000,
        message: "the core of s2 made no sense: it answered a call twice".to_owned(),
        place: "raft/src/driver.rs:146".to_owned(),
    };
    judged("absurd", seed, Trace::elected(seed), ending)
}

/// Takes longer than the least patience that can be set.
fn slow(seed: u64) -> Run {
    if std::env::var_os("RAFTLAB_FAKE").is_some_and(|value| value == "slow") {
        std::thread::sleep(std::time::Duration::from_millis(1_800));
    }
    first_leader(seed)
}

fn deadlock(seed: u64) -> Run {
    let sentence = "Nobody can act ever again: s1 waits for a message, and none is under way.".to_owned();
    judged("deadlock", seed, Trace::elected(seed), Ending::Deadlock(sentence))
}

/// Prints as students do to find a mistake.
fn prints(seed: u64) -> Run {
    println!("seed {seed}");
    print!("half a line, ");
    first_leader(seed)
}

/// The stamp of a server's record in its first incarnation.
pub(crate) fn stamp(server: Server, seq: u64) -> Stamp {
    Stamp { node: server.into(), inc: 1, seq }
}
