//! The ordinary mode: what `cargo test` sees.

use crate::{directory, fake, text};

pub(crate) const TESTS: &[(&str, crate::Test)] = &[
    ("trials::behaves_like_a_test_binary", behaves_like_a_test_binary),
    ("trials::a_script_runs_once", a_script_runs_once),
    ("trials::seeds_come_from_the_environment", seeds_come_from_the_environment),
    ("trials::a_bad_environment_is_one_sentence", a_bad_environment_is_one_sentence),
    ("trials::a_failing_run_leaves_its_trace", a_failing_run_leaves_its_trace),
    ("trials::what_does_not_repeat_fails", what_does_not_repeat_fails),
    ("trials::a_long_run_is_told_once", a_long_run_is_told_once),
];

fn behaves_like_a_test_binary() -> Result<(), String> {
    let traces = directory();
    let listed = fake(&["--list"], &[], traces.path());
    assert!(text(&listed.stdout).contains("lab2a_01_first_leader: test\n"), "{}", text(&listed.stdout));
    let passing = fake(&["lab2a_01_first_leader", "--exact"], &[], traces.path());
    assert!(passing.status.success());
    assert!(text(&passing.stdout).contains("1 passed; 0 failed"), "{}", text(&passing.stdout));
    let failing = fake(&["lab2a"], &[], traces.path());
    assert_eq!(failing.status.code(), Some(101), "as libtest does");
    assert!(text(&failing.stdout).contains("2 passed; 7 failed; 0 ignored"), "{}", text(&failing.stdout));
    let wrong = fake(&["lab2a", "--no-such-option"], &[], traces.path());
    assert!(!wrong.status.success() && text(&wrong.stderr).contains("--no-such-option"));
    Ok(())
}

fn a_script_runs_once() -> Result<(), String> {
    let traces = directory();
    let all = ["--raftlab", "run", "--names", "lab2a_09_script", "--seeds", "10"];
    let out = text(&fake(&all, &[], traces.path()).stdout);
    assert_eq!(out.lines().count(), 2, "one run and the end: {out}");
    assert!(out.contains("\"seed\":0") && out.contains("{\"type\":\"end\",\"runs\":1}"), "{out}");
    Ok(())
}

/// The suite's second scenario fails from seed 3 on.
fn seeds_come_from_the_environment() -> Result<(), String> {
    let traces = directory();
    let run = |environment: &[(&str, &str)]| {
        let out = fake(&["lab2a_02"], environment, traces.path());
        (out.status.success(), text(&out.stdout))
    };
    assert!(run(&[("RAFTLAB_SEEDS", "3")]).0);
    assert!(run(&[("RAFTLAB_SEED", "2")]).0);
    let (passed, said) = run(&[("RAFTLAB_SEED", "18446744073709551615")]);
    assert!(!passed && said.contains("lab2a_02_two_leaders, seed 18446744073709551615, failed"), "{said}");
    let (passed, said) = run(&[]);
    assert!(
        !passed && said.contains("lab2a_02_two_leaders, seed 3, failed"),
        "the first failing one: {said}"
    );
    Ok(())
}

fn a_bad_environment_is_one_sentence() -> Result<(), String> {
    let traces = directory();
    let cases: [(&[(&str, &str)], &str); 4] = [
        (
            &[("RAFTLAB_PATIENCE", "long")],
            "error: RAFTLAB_PATIENCE is `long`, which is no whole number of seconds, 1 or more. Write for example \
             RAFTLAB_PATIENCE=20.\n",
        ),
        (
            &[("RAFTLAB_SEEDS", "0")],
            "error: RAFTLAB_SEEDS is 0, which would run nothing. Set it to 1 or more.\n",
        ),
        (
            &[("RAFTLAB_SEED", "x7")],
            "error: RAFTLAB_SEED is `x7`, which is no whole number. Write for example RAFTLAB_SEED=7.\n",
        ),
        (
            &[("RAFTLAB_SEED", "1"), ("RAFTLAB_SEEDS", "2")],
            "error: RAFTLAB_SEEDS and RAFTLAB_SEED are both set. Unset one: the first says how many seeds to \
             run, the second names one.\n",
        ),
    ];
    for (environment, sentence) in cases {
        let out = fake(&["lab2a_01"], environment, traces.path());
        assert_eq!((out.status.code(), text(&out.stderr)), (Some(2), sentence.to_owned()));
    }
    Ok(())
}

fn what_does_not_repeat_fails() -> Result<(), String> {
    let traces = directory();
    let out = fake(&["lab2b_03"], &[], traces.path());
    let said = "lab2b_03_passes_unsteadily, seed 0, is not reproducible here";
    assert!(!out.status.success() && text(&out.stdout).contains(said), "{}", text(&out.stdout));
    Ok(())
}

/// The run goes on, and what it comes to does not change.
fn a_long_run_is_told_once() -> Result<(), String> {
    let traces = directory();
    let arguments = ["--raftlab", "run", "--names", "lab2b_06_slow", "--seeds", "2", "--jobs", "2"];
    let environment = [("RAFTLAB_PATIENCE", "1"), ("RAFTLAB_FAKE", "slow")];
    let out = fake(&arguments, &environment, traces.path());
    let said = text(&out.stderr);
    let line = |seed| format!("lab2b_06_slow, seed {seed} has been running for 1 s; press Ctrl-C to stop");
    // Seed 0 runs twice, so that it is told twice.
    let mut lines: Vec<&str> = said.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, [line(0), line(0), line(1)]);
    assert_eq!(text(&out.stdout).matches("\"verdict\":\"pass\"").count(), 2);
    Ok(())
}

fn a_failing_run_leaves_its_trace() -> Result<(), String> {
    let traces = directory();
    fake(&["lab2a_02"], &[], traces.path());
    let file = std::fs::read_to_string(traces.path().join("lab2a_02_two_leaders-3.jsonl"));
    let file = file.map_err(|why| why.to_string())?;
    for (number, line) in file.lines().enumerate() {
        tracecheck_schema::read_line(line, number == 0)
            .map_err(|why| format!("line {}: {why}", number + 1))?;
    }
    assert_eq!(std::fs::read_dir(traces.path()).map_err(|why| why.to_string())?.count(), 1);
    // Where the trace cannot be written, the report still comes, and says so.
    let blocked = traces.path().join("lab2a_02_two_leaders-3.jsonl");
    let out = text(&fake(&["lab2a_02"], &[], &blocked).stdout);
    assert!(out.contains("broke       E6:") && out.contains("The trace could not be written to"), "{out}");
    Ok(())
}
