//! Mistakes on the command line: one sentence on standard error, exit code 2, and nothing is built.

use std::path::Path;
use std::process::Command;

/// Exit code and standard error.
fn labs(arguments: &[&str], directory: &Path) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_labs")).args(arguments).current_dir(directory).output();
    let output = output.expect("the command starts");
    assert!(output.stdout.is_empty() || output.status.success());
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn numbers_that_make_no_sense() {
    let here = Path::new(".");
    for (arguments, sentence) in [
        (
            &["run", "--seeds", "0"][..],
            "how many seeds to run is a whole number, 1 or more, such as --seeds 10",
        ),
        (&["run", "--seeds", "-3"], "--seeds"),
        (
            &["run", "--jobs", "0"],
            "how many run at the same time is a whole number, 1 or more, such as --jobs 2",
        ),
        (&["run", "--seed", "x"], "a seed is a whole number, 0 or more, such as 7"),
        (&["replay", "lab2a_01_first_leader", "x"], "a seed is a whole number, 0 or more, such as 7"),
        (&["run", "--seed", "1", "--seeds", "2"], "cannot be used with '--seeds <N>'"),
        (
            &["replay", "lab2a_01_first_leader"],
            "a replay takes a test and a seed, such as `cargo labs replay",
        ),
        (&["run", "--format", "xml"], "possible values: human, json"),
        (&["rum"], "a similar subcommand exists: 'run'"),
    ] {
        let (code, said) = labs(arguments, here);
        assert!(
            code == Some(2) && said.starts_with("error: ") && said.contains(sentence),
            "{arguments:?}: {said}"
        );
    }
}

#[test]
fn places_that_cannot_be_written() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(directory.path().join("file"), "").expect("a file");
    for (arguments, sentence) in [
        (&["run", "--trace-dir", "file"][..], "error: traces cannot be written to file: "),
        (
            &["replay", "x", "1", "--trace", "."],
            "error: --trace takes a file, and . is a directory: add a file's name",
        ),
        (
            &["replay", "x", "1", "--trace", "gone/x.jsonl"],
            "error: the trace cannot be written to gone/x.jsonl: ",
        ),
        (
            &["starter", "--out", "."],
            "error: . is not empty, and nothing in it is overwritten; name an empty or a new",
        ),
        (&["starter", "--out", "file"], "error: file cannot be used: "),
    ] {
        let (code, said) = labs(arguments, directory.path());
        assert!(
            code == Some(2) && said.starts_with(sentence) && said.lines().count() == 1,
            "{arguments:?}: {said}"
        );
    }
}

#[test]
fn outside_of_a_workspace() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for arguments in [&["run"][..], &["replay", "x", "1"], &["starter", "--out", "new"], &["check-starter"]] {
        let (code, said) = labs(arguments, directory.path());
        let sentence =
            "error: there is no Cargo.toml here or above: change into the course's directory first\n";
        assert_eq!((code, said.as_str()), (Some(2), sentence), "{arguments:?}");
    }
}

/// An example that fails teaches that the tool is broken.
#[test]
fn helps_examples_name_scenarios_that_exist() {
    let source =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../raft/tests/labs/lab2a.rs"));
    let source = source.expect("the scenarios of 2A");
    for (command, usage, examples) in [
        ("run", "Usage: cargo labs run [OPTIONS] [LAB]...", 1),
        ("replay", "Usage: cargo labs replay [OPTIONS] <TEST|FILE> [SEED]", 1),
        ("shrink", "Usage: cargo labs shrink [OPTIONS] <TEST> <SEED>", 1),
        ("stress", "Usage: cargo labs stress [OPTIONS] <TEST>...", 1),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_labs")).args([command, "--help"]).output();
        let said = String::from_utf8_lossy(&output.expect("the command starts").stdout).into_owned();
        assert!(said.contains(usage), "{said}");
        let after = said.split_once("Example").map_or("", |(_, after)| after);
        let named: Vec<&str> = after.split_whitespace().filter(|word| word.starts_with("lab2a_")).collect();
        assert_eq!(named.len(), examples, "{said}");
        for name in named {
            // Who takes a seed takes whole names.
            let end = if ["replay", "shrink"].contains(&command) { "\"" } else { "" };
            assert!(source.contains(&format!("\"{name}{end}")), "{name} in {said}");
        }
    }
}

/// There is nothing left to take out of it, and nobody to prove it to.
#[test]
fn a_starter_has_no_starter() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(directory.path().join("Cargo.toml"), "[workspace]\n").expect("a file");
    for arguments in [&["starter", "--out", "new"][..], &["check-starter"]] {
        let (code, said) = labs(arguments, directory.path());
        let sentence = "error: this tree is a starter already: stubs are cut from the course's own tree, which has a \
                        grading directory\n";
        assert_eq!((code, said.as_str()), (Some(2), sentence), "{arguments:?}");
        assert!(!directory.path().join("new").exists());
    }
}

#[test]
fn a_dead_test_program_is_told_with_what_helps() {
    use labs::targets::{Request, Seeds, Traces, death};
    let request = |names: &[&str], seeds, jobs| Request {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        seeds,
        jobs,
        traces: Traces::Failing { hashes: true },
    };
    let last = Some("lab2a_01 with seed 3".to_owned());
    let many = request(&["lab2a_01", "lab2a_02"], Seeds::UpTo(10), 4);
    assert!(death(&many, last.clone(), "signal: 6").contains(") some time after lab2a_01 with seed 3: "));
    assert!(death(&many, None, "signal: 6").ends_with("Find the scenario with --jobs 1"));
    // One at a time, it was the very next one.
    let one_by_one = death(&Request { jobs: 1, ..many }, last, "signal: 6");
    assert!(one_by_one.contains(") right after lab2a_01 with seed 3: ") && !one_by_one.contains("--jobs"));
    // A replay takes no --jobs.
    assert_eq!(
        death(&request(&["lab2a_01"], Seeds::Only(7), 1), None, "signal: 6"),
        "the test program died (signal: 6) in lab2a_01 with seed 7: a stack overflow, an abort or an exit in the \
         code ends all runs at once"
    );
}
