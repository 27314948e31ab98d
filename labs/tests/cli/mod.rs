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
        (&["replay", "lab2a_01_first_leader"], "<SEED>"),
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

#[test]
fn help_shows_an_example() {
    let output = Command::new(env!("CARGO_BIN_EXE_labs"))
        .args(["run", "--help"])
        .output()
        .expect("the command starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains("Usage: cargo labs run [OPTIONS] [LAB]...") && said.contains("cargo labs run lab2a_05"),
        "{said}"
    );
}
