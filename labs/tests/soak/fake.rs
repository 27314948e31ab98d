//! A made-up suite: elections in a cluster of one, some of which go wrong.

use scenario::{Ending, Run, Scenario};
use tracecheck::{End, Judge};
use tracecheck_schema::{Durability, Event, Header, Record, Role, RunId, SCHEMA, Server, Stamp, State, Term};

const S1: Server = Server(1);

fn scenario(name: &'static str, seeded: bool, run: fn(u64) -> Run) -> Scenario {
    let (sentence, source) = ("A server alone elects itself.", "§5.2");
    Scenario { name, part: "lab2a", sentence, source, points: 10, rules: &[], seeded, run }
}

/// Those that can be shrunk, and some others.
pub(crate) fn troubled() -> Vec<Scenario> {
    let mut all = scenarios();
    all.push(scenario("lab2c_01_troubled", true, crate::troubled::troubled));
    all.push(scenario("lab2c_02_expects_trouble", true, crate::troubled::expects_trouble));
    all
}

pub(crate) fn scenarios() -> Vec<Scenario> {
    let steady: fn(u64) -> Run = |seed| elected("steady", seed, 1);
    vec![
        scenario("lab2a_01_steady", true, steady),
        scenario("lab2a_02_one_in_a_thousand", true, one_in_a_thousand),
        scenario("lab2a_03_script", false, steady),
        scenario("lab2b_01_dies", true, dies),
    ]
}

/// Whether the bug shows with this seed. Which these are depends on nothing but the seed.
pub(crate) fn shows(seed: u64) -> bool {
    xxhash_rust::xxh3::xxh3_64(&seed.to_le_bytes()) % 1_000 == 2
}

/// The bug: the same term is begun twice.
fn one_in_a_thousand(seed: u64) -> Run {
    let second = if shows(seed) { 1 } else { 2 };
    elected("one_in_a_thousand", seed, second)
}

fn dies(seed: u64) -> Run {
    if seed == 77 {
        std::process::exit(3);
    }
    elected("dies", seed, 2)
}

/// s1 begins term 1, and then the term `second` if that is another.
fn elected(name: &str, seed: u64, second: Term) -> Run {
    let header = Header {
        schema: SCHEMA,
        run: RunId { name: name.to_owned(), seed },
        kit: "0.1.0".to_owned(),
        servers: vec![S1],
        voters: vec![S1],
        scripted: vec![],
        durability: Durability::Assumed,
    };
    let state = |term, role| {
        let voted_for = (term > 0).then_some(S1);
        State { term, role, voted_for, leader_id: None, commit_index: 0, last_index: 0, last_term: 0 }
    };
    let candidate = |term| state(term, Role::Candidate);
    let mut steps = vec![
        (Event::ServerStart { server_id: S1 }, state(0, Role::Follower)),
        (Event::CoordFail { server_id: S1 }, state(0, Role::Follower)),
        (Event::Proposal { server_id: S1, term: 1 }, candidate(1)),
    ];
    if name != "steady" {
        steps.push((Event::Proposal { server_id: S1, term: second }, candidate(second)));
    }
    let mut judge = Judge::new(&header);
    let (mut records, mut ending) = (Vec::new(), Ending::Completed);
    for ((event, state), seq) in steps.into_iter().zip(1..) {
        let at = Stamp { node: S1.into(), inc: 1, seq };
        let t_ns = 1_000_000 * seq + seed % 7;
        let record = Record { at, t_ns, event, state: Some(state), cause: None, clock: None };
        let violation = judge.observe(&record);
        records.push(record);
        if let Some(violation) = violation {
            ending = Ending::Violation(violation);
            break;
        }
    }
    let end = if matches!(ending, Ending::Completed) { End::Complete } else { End::Stopped };
    Run { verdicts: judge.finish(end), header, records, ending, virtual_ns: 4_000_000, rpcs: 2, bytes: 10 }
}
