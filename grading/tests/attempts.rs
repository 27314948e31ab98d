//! Attempts on a program that dies, hangs and fails. This one binary plays two roles: it is the test, and, started
//! by the grader's way of running scenarios, it is that program.

use grading::attempt::{self, Attempt, Limits};
use grading::line::{Finding, Seen};
use labs::run::Suite;
use labs::targets::Binary;
use scenario::{Ending, Expectation, Run, Scenario};
use std::process::ExitCode;
use std::time::Duration;
use tracecheck::{End, Judge};
use tracecheck_schema::{Durability, Header, RunId, SCHEMA, Server};

fn main() -> ExitCode {
    let tests: Vec<scenario::Other> = vec![
        test("every_scenario_has_its_say", every_scenario_has_its_say),
        test("what_takes_too_long_together_is_not_judged", what_takes_too_long_together_is_not_judged),
    ];
    let program = std::env::args().nth(1).is_some_and(|first| first == "--raftlab");
    scenario::main(&if program { scenarios() } else { vec![] }, tests)
}

fn test(name: &str, run: fn() -> Result<(), String>) -> scenario::Other {
    (name.to_owned(), Box::new(run))
}

fn scenarios() -> Vec<Scenario> {
    let scenario = |name: &'static str, run| Scenario {
        name,
        part: "lab2a",
        sentence: "It goes on.",
        source: "§5.2",
        points: 1,
        rules: &[],
        seeded: true,
        run,
    };
    vec![
        scenario("lab2a_01_passes", |seed| run(seed, Ending::Completed)),
        scenario("lab2a_02_dies", |seed| {
            if seed < 2 { run(seed, Ending::Completed) } else { std::process::abort() }
        }),
        scenario("lab2a_03_fails", |seed| run(seed, if seed < 3 { Ending::Completed } else { unmet() })),
        scenario("lab2a_04_hangs", |seed| {
            if seed == 1 {
                std::thread::sleep(Duration::from_secs(600));
            }
            run(seed, Ending::Completed)
        }),
        Scenario { seeded: false, ..scenario("lab2a_05_script", |seed| run(seed, unmet())) },
        scenario("lab2a_06_passes", |seed| run(seed, Ending::Completed)),
    ]
}

fn unmet() -> Ending {
    Ending::Expectation(Expectation {
        sentence: "Nobody was elected.".to_owned(),
        source: "§5.2".to_owned(),
        expected: "Somebody should be.".to_owned(),
        witnesses: vec![],
    })
}

fn run(seed: u64, ending: Ending) -> Run {
    let header = Header {
        schema: SCHEMA,
        run: RunId { name: "made up".to_owned(), seed },
        kit: "0".to_owned(),
        servers: vec![Server(1)],
        voters: vec![Server(1)],
        scripted: vec![],
        durability: Durability::Assumed,
    };
    let verdicts = Judge::new(&header).finish(End::Complete);
    Run { header, records: vec![], ending, verdicts, virtual_ns: 0, rpcs: 0, bytes: 0 }
}

fn attempted(limits: Limits) -> Attempt {
    let this = std::env::current_exe().expect("a running program has a path");
    let directory = std::env::current_dir().expect("it runs somewhere");
    let binary = Binary::at(this, directory);
    let scenarios = binary.list().expect("it lists its scenarios");
    attempt::run(&[Suite { binary, scenarios }], 5, limits).expect("the program can be started")
}

/// One that dies or hangs takes nobody with it, and is known by name and seed.
fn every_scenario_has_its_say() -> Result<(), String> {
    let limits = Limits { run: Duration::from_secs(3), all: Duration::from_secs(600) };
    let Attempt { findings, runs } = attempted(limits);
    let short =
        |finding: &Finding| (finding.scenario.clone(), finding.seeds, finding.label(), finding.kills());
    let expected = [
        ("lab2a_02_dies", 3, "died", true),
        ("lab2a_03_fails", 4, "scenario", true),
        ("lab2a_04_hangs", 2, "not judged", false),
        ("lab2a_05_script", 1, "scenario", true),
    ];
    let expected =
        expected.map(|(name, seeds, label, kills)| (name.to_owned(), seeds, label.to_owned(), kills));
    assert_eq!(findings.iter().map(short).collect::<Vec<_>>(), expected);
    assert_eq!(runs, 5 + 2 + 4 + 1 + 1 + 5);
    let Seen::Died(sentence) = &findings[0].seen else { return Err(format!("{:?}", findings[0])) };
    assert!(sentence.contains("right after lab2a_02_dies with seed 1"), "{sentence}");
    assert_eq!(findings[2].seen, Seen::NotJudged("no verdict within 3 s".to_owned()));
    Ok(())
}

fn what_takes_too_long_together_is_not_judged() -> Result<(), String> {
    let Attempt { findings, runs } = attempted(Limits { run: Duration::from_secs(60), all: Duration::ZERO });
    assert_eq!((findings.len(), runs), (6, 0));
    assert!(findings.iter().all(|finding| finding.label() == "not judged" && !finding.kills()));
    Ok(())
}
