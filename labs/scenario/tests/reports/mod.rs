//! What a student reads, word for word.

use crate::{directory, fake, text};

pub(crate) const TESTS: &[(&str, crate::Test)] = &[
    ("reports::a_violation", a_violation),
    ("reports::a_stub_is_one_line", a_stub_is_one_line),
    ("reports::a_panic_shows_what_its_server_saw", a_panic_shows_what_its_server_saw),
    ("reports::an_expectation_shows_its_witness", an_expectation_shows_its_witness),
    ("reports::the_kit_takes_the_blame_for_its_own_panics", the_kit_takes_the_blame_for_its_own_panics),
    ("reports::what_is_not_reproducible_says_where_and_why", what_is_not_reproducible_says_where_and_why),
    ("reports::a_run_that_passes_only_once_does_not_pass", a_run_that_passes_only_once_does_not_pass),
    ("reports::the_last_attempts_and_not_the_last_heartbeats", the_last_attempts_and_not_the_last_heartbeats),
    ("reports::what_cannot_be_done_is_not_a_panic", what_cannot_be_done_is_not_a_panic),
    ("reports::a_rule_never_exercised_is_a_failure", a_rule_never_exercised_is_a_failure),
    ("reports::every_report_fits_a_screen", every_report_fits_a_screen),
];

/// The report of that scenario and seed, with the trace directory called `TRACES`.
fn report(scenario: &str, seed: u64) -> String {
    let traces = directory();
    let seed = seed.to_string();
    let out = fake(&["--raftlab", "run", "--names", scenario, "--seed", &seed], &[], traces.path());
    let out = text(&out.stdout);
    // A scenario may print before the first line of ours.
    let line = out.find("{\"type\"").and_then(|at| out[at..].lines().next()).unwrap_or_default();
    let line: serde_json::Value = serde_json::from_str(line).expect("a JSON line");
    let report = line["report"].as_str().unwrap_or_default();
    report.replace(&traces.path().display().to_string(), "TRACES")
}

/// The report without its line breaks.
fn flat(report: &str) -> String {
    report.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn a_violation() -> Result<(), String> {
    let expected = "\
lab2a_02_two_leaders, seed 3, failed

  tried       Three servers elect a leader within 5 s, and it stays the leader
              (§5.2).
";
    let rest = "
  at the end  s1 leader t1 · s2 follower t1 · s3 leader t1
  seed        3
  replay      cargo labs replay lab2a_02_two_leaders 3
  the rule    cargo tracecheck explain E6
  trace       TRACES/lab2a_02_two_leaders-3.jsonl
              cargo tracecheck log TRACES/lab2a_02_two_leaders-3.jsonl
";
    let report = report("lab2a_02_two_leaders", 3);
    assert!(report.starts_with(expected) && report.ends_with(rest), "{report}");
    // The judge's own words are pinned where the judge is tested; here, that they are told.
    let parts = ["\n  happened    ", "\n  should      ", "\n  broke       E6: ", "\n  > "];
    let places =
        parts.map(|part| report.find(part).unwrap_or_else(|| panic!("{part:?} is missing in {report}")));
    assert!(places.is_sorted(), "what happened comes before the rule: {report}");
    Ok(())
}

fn a_stub_is_one_line() -> Result<(), String> {
    let line = "not implemented: lab2a: become_leader: you lead: send heartbeats at once (§5.2) \
                (raft/src/core/election.rs:72)";
    assert_eq!(report("lab2a_04_stub", 0), line);
    Ok(())
}

fn a_panic_shows_what_its_server_saw() -> Result<(), String> {
    let report = report("lab2a_05_panics", 0);
    let said = "panicked s2 at 0.420 s: index out of bounds: the len is 3 but the index is 3 place \
                raft/src/core/election.rs:88 ";
    assert!(flat(&report).contains(said) && report.contains("votes for s1"), "{report}");
    Ok(())
}

fn an_expectation_shows_its_witness() -> Result<(), String> {
    let report = report("lab2a_03_stays_leader", 0);
    let said = "happened s1 led term 1 for 0.2 s only should The first leader should lead for 2 s more, since \
                nothing failed (§5.2).";
    assert!(flat(&report).contains(said) && !report.contains("broke"), "{report}");
    assert!(report.contains("^ s1 hears of term 2 here"), "{report}");
    Ok(())
}

fn the_kit_takes_the_blame_for_its_own_panics() -> Result<(), String> {
    let report = report("lab2a_06_kit", 2);
    let said = "The test kit itself panicked: the network lost a task (labs/scenario/";
    assert!(flat(&report).contains(said) && report.contains("not of your code"), "{report}");
    Ok(())
}

fn what_is_not_reproducible_says_where_and_why() -> Result<(), String> {
    let report = report("lab2a_07_unsteady", 0);
    let flat = flat(&report);
    assert!(flat.starts_with("lab2a_07_unsteady, seed 0, failed, and is not reproducible here"), "{report}");
    assert!(
        flat.contains("Their first 15 records agree. Then the first run has s3#3 at 0.420 s:"),
        "{report}"
    );
    // What is left where the rest is the seed's, or what is not the seed's here.
    assert!(flat.contains("a static") || flat.contains("HashMap"), "{report}");
    Ok(())
}

fn a_run_that_passes_only_once_does_not_pass() -> Result<(), String> {
    let report = report("lab2b_03_passes_unsteadily", 7);
    assert!(report.starts_with("lab2b_03_passes_unsteadily, seed 7, is not reproducible here\n"), "{report}");
    for part in ["Equal seeds give equal runs", "Their first", "why ", "trace TRACES/lab2b_03"] {
        assert!(flat(&report).contains(part), "{part:?} is missing in {report}");
    }
    Ok(())
}

fn the_last_attempts_and_not_the_last_heartbeats() -> Result<(), String> {
    let report = report("lab2b_04_nobody_leads", 0);
    let rows = |what: &str| report.lines().filter(|line| line.contains(what)).count();
    assert_eq!((rows("election timeout"), rows("asks for pre-votes")), (4, 4), "the last eight: {report}");
    // The witness itself stays.
    assert!(report.contains("^ follows in term 1, under s1"), "{report}");
    let end = "\n  at the end  s3 follower t1 of s1 · s1, s2 played by the test\n";
    assert!(report.contains(end), "{report}");
    Ok(())
}

fn what_cannot_be_done_is_not_a_panic() -> Result<(), String> {
    let report = report("lab2b_05_absurd", 0);
    let said = "absurd Your core asked for something that cannot be done: it answered a call twice (s2 at 0.420 s). ";
    assert!(flat(&report).contains(said), "{report}");
    assert!(
        !report.contains("panicked") && !report.contains("driver.rs"),
        "the place is the kit's: {report}"
    );
    Ok(())
}

fn a_rule_never_exercised_is_a_failure() -> Result<(), String> {
    let report = report("lab2a_08_vacuous", 0);
    let flat = flat(&report);
    assert!(
        flat.contains("This scenario must exercise E10, but nothing in the run triggered it."),
        "{report}"
    );
    Ok(())
}

fn every_report_fits_a_screen() -> Result<(), String> {
    for scenario in crate::fake::scenarios() {
        let report = report(scenario.name, 9);
        let stub = report.starts_with("not implemented");
        let paths = |line: &&str| !line.contains("TRACES") && !stub;
        let widest = report.lines().filter(paths).map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(widest <= 80, "{widest} columns:\n{report}");
        assert!(report.lines().count() <= 34, "{} lines:\n{report}", report.lines().count());
    }
    Ok(())
}
