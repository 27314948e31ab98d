//! Shrinking: the search, what it may leave out, and that what it found can be run again.

use crate::{directory, fake, text};
use scenario::line::{Line, RunLine, RunVerdict, ShrunkLine};
use scenario::{Plan, ddmin};
use std::collections::BTreeSet;

pub(crate) const TESTS: &[(&str, crate::Test)] = &[
    ("shrinks::few_items_of_many", few_items_of_many),
    ("shrinks::what_matters_is_left", what_matters_is_left),
    ("shrinks::a_shrunk_run_is_the_same_everywhere", a_shrunk_run_is_the_same_everywhere),
    ("shrinks::what_a_scenario_expects_is_not_broken", what_a_scenario_expects_is_not_broken),
    ("shrinks::what_cannot_be_shrunk", what_cannot_be_shrunk),
    ("shrinks::keys_do_not_depend_on_the_seed", keys_do_not_depend_on_the_seed),
    ("shrinks::the_budget_is_kept", the_budget_is_kept),
];

fn few_items_of_many() -> Result<(), String> {
    let all: Vec<u32> = (0..100).collect();
    let cases: [&[u32]; 6] = [&[], &[0], &[99], &[3, 4], &[0, 50, 99], &[1, 2, 3, 60, 61, 80]];
    for needed in cases {
        let mut asked = 0;
        let kept = ddmin(&all, |kept| {
            asked += 1;
            needed.iter().all(|item| kept.contains(item))
        });
        assert_eq!(kept, needed);
        assert!(asked <= 400, "{needed:?}: {asked} questions");
    }
    // Any three will do: what is found is minimal, and in order.
    let kept = ddmin(&all, |kept| kept.len() >= 3);
    assert!(kept.len() == 3 && kept.is_sorted(), "{kept:?}");
    // Only all of them together.
    assert_eq!(ddmin(&all[..7], |kept| kept.len() == 7), &all[..7]);
    assert_eq!(ddmin(&[7], |kept| !kept.is_empty()), [7]);
    assert!(ddmin::<u32>(&[], |_| false).is_empty());
    Ok(())
}

fn last(arguments: &[&str]) -> Line {
    let traces = directory();
    let out = fake(&[&["--raftlab"], arguments].concat(), &[("RAFTLAB_FAKE", "troubled")], traces.path());
    let said = text(&out.stdout);
    let line = said.lines().last().unwrap_or_else(|| panic!("{}", text(&out.stderr)));
    serde_json::from_str(line).expect("a line of the machine mode")
}

fn shrunk(name: &str, seed: &str, more: &[&str]) -> ShrunkLine {
    match last(&[&["shrink", "--names", name, "--seed", seed], more].concat()) {
        Line::Shrunk(shrunk) => shrunk,
        other => panic!("{other:?}"),
    }
}

fn refused(name: &str, seed: &str) -> String {
    match last(&["shrink", "--names", name, "--seed", seed]) {
        Line::Refused { sentence } => sentence,
        other => panic!("{other:?}"),
    }
}

fn planned(name: &str, seed: &str, plan: &Plan) -> RunLine {
    let traces = directory();
    let plan = serde_json::to_string(plan).expect("it serializes");
    let out = fake(
        &["--raftlab", "run", "--names", name, "--seed", seed, "--plan", &plan, "--again", "once more"],
        &[("RAFTLAB_FAKE", "troubled")],
        traces.path(),
    );
    let said = text(&out.stdout);
    match said.lines().next().map(serde_json::from_str) {
        Some(Ok(Line::Run(run))) => run,
        other => panic!("{other:?} {}", text(&out.stderr)),
    }
}

fn what_matters_is_left() -> Result<(), String> {
    let shrunk = shrunk("lab2c_01_troubled", "3", &[]);
    let numbers: Vec<u64> = shrunk.faults.iter().map(|fault| fault.number).collect();
    assert_eq!((numbers, shrunk.key.as_str()), (vec![7, 14], "E1"));
    let told: Vec<&str> = shrunk.faults.iter().map(|fault| fault.what.as_str()).collect();
    assert_eq!(told, ["crash s3", "pause s2"]);
    assert_eq!(shrunk.plan.rest, BTreeSet::from([1, 3, 4]));
    assert_eq!(shrunk.plan.wait_ms, Some(10), "waits are no part of it");
    let (before, after) = (shrunk.before, shrunk.after);
    assert_eq!((before.faults, after.faults, before.clients, after.clients), (14, 2, 4, 1));
    assert!(after.events * 5 < before.events && after.virtual_ns < before.virtual_ns, "{shrunk:?}");
    assert!(!shrunk.exhausted && shrunk.note.is_none());
    Ok(())
}

fn a_shrunk_run_is_the_same_everywhere() -> Result<(), String> {
    let shrunk = shrunk("lab2c_01_troubled", "3", &[]);
    assert_eq!(shrunk, self::shrunk("lab2c_01_troubled", "3", &[]), "the search is a function of the seed");
    let run = planned("lab2c_01_troubled", "3", &shrunk.plan);
    assert_eq!(
        (run.verdict, run.key.as_deref(), run.events),
        (RunVerdict::Fail, Some("E1"), shrunk.after.events)
    );
    assert!(run.hash.is_some() && run.hash == planned("lab2c_01_troubled", "3", &shrunk.plan).hash);
    let report = run.report.unwrap_or_default();
    assert!(
        report.contains("\n  again       once more\n") && !report.contains("cargo labs replay"),
        "{report}"
    );
    let trace = run.trace.unwrap_or_default();
    assert!(trace.ends_with("lab2c_01_troubled-3-shrunk.jsonl"), "the whole run's trace stays: {trace}");
    // A plan that leaves out nothing is no plan.
    let whole = planned("lab2c_01_troubled", "3", &Plan::default());
    assert_eq!(whole.events, shrunk.before.events);
    let traces = directory();
    let wrong =
        ["--raftlab", "run", "--names", "lab2c_01_troubled", "--seed", "3", "--plan", "{\"skip\":[1]}"];
    let out = fake(&wrong, &[("RAFTLAB_FAKE", "troubled")], traces.path());
    let said = text(&out.stderr);
    let sentence = "error: --plan takes a plan as JSON, and this is none: unknown field `skip`";
    assert!(out.status.code() == Some(2) && said.starts_with(sentence), "{said}");
    Ok(())
}

fn what_a_scenario_expects_is_not_broken() -> Result<(), String> {
    // Without any fault every seed would fail so: that is not the failure of this seed.
    let shrunk = shrunk("lab2c_02_expects_trouble", "3", &[]);
    assert_eq!((shrunk.before.faults, shrunk.after.faults), (6, 1));
    assert_eq!(shrunk.key, "After # s s# did not agree.");
    let alone = self::shrunk("lab2c_03_never_as_expected", "3", &[]);
    assert_eq!((alone.before, &alone.plan), (alone.after, &Plan::default()));
    let note = alone.note.unwrap_or_default();
    assert!(note.contains("none of the 20 seeds after 3 passes"), "{note}");
    Ok(())
}

fn what_cannot_be_shrunk() -> Result<(), String> {
    for (name, seed, sentence) in [
        ("lab2c_01_troubled", "2", "lab2c_01_troubled passes with seed 2: there is no failure to shrink"),
        (
            "lab2a_07_unsteady",
            "1",
            "lab2a_07_unsteady gives another run each time it runs with seed 1, so that",
        ),
        ("lab2a_04_stub", "1", "lab2a_04_stub meets code that is yet to be written: lab2a: become_leader: "),
        ("lab2a_06_kit", "4", "the kit itself failed in lab2a_06_kit: the network lost a task"),
    ] {
        let said = refused(name, seed);
        assert!(said.starts_with(sentence), "{said}");
    }
    Ok(())
}

fn keys_do_not_depend_on_the_seed() -> Result<(), String> {
    let key = |name: &str, seed: &str| planned(name, seed, &Plan::default()).key.unwrap_or_default();
    assert_eq!(key("lab2a_05_panics", "0"), "panic at raft/src/core/election.rs:88");
    assert_eq!(key("lab2a_08_vacuous", "3"), "E10 not exercised");
    assert_eq!(key("lab2a_03_stays_leader", "1"), key("lab2a_03_stays_leader", "2"));
    assert_eq!(key("lab2a_03_stays_leader", "1"), "s# led term # for #.# s only");
    assert_eq!(key("lab2a_01_first_leader", "1"), "", "a pass has none");
    Ok(())
}

fn the_budget_is_kept() -> Result<(), String> {
    let whole = shrunk("lab2c_01_troubled", "3", &[]);
    let few = shrunk("lab2c_01_troubled", "3", &["--budget", "12"]);
    assert!(few.exhausted && few.runs < whole.runs, "{} of {}", few.runs, whole.runs);
    assert!(few.after.events >= whole.after.events && few.key == whole.key);
    Ok(())
}
