//! Mistakes on the command line: one sentence on standard error, exit code 2, and nothing is built.

use std::path::Path;
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("grading stands in the workspace")
}

/// Exit code and standard error.
fn grade(arguments: &[&str], directory: &Path) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_grade")).args(arguments).current_dir(directory).output();
    let output = output.expect("the command starts");
    assert!(output.stdout.is_empty() || output.status.success());
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn mistakes_are_one_sentence() {
    for (arguments, sentence) in [
        (&["mutants", "--seeds", "0"][..], "how many seeds to run is a whole number, 1 or more"),
        (&["mutants", "--jobs", "-1"], "how many run at the same time is a whole number, 1 or more"),
        (&["mutants", "--only", "votes"], "no mutant is called `votes`; "),
        (&["mutants", "--only", "9999"], "no mutant is called `9999`; there are 01-"),
        (&["mutants", "--format", "xml"], "possible values: human, json"),
        (&["page"], "the page is made from what was run: `cargo grade mutants --format json > FILE`"),
        (
            &["page", "--package", "raftkv"],
            "no page speaks of the package `raftkv`; there are those of raft and kvserver",
        ),
        (&["page", "--matrix", "gone.jsonl"], "gone.jsonl cannot be read: "),
        (
            &["page", "--matrix", "README.md"],
            "README.md is not what `cargo grade mutants --format json` writes (line 1",
        ),
        (&["page", "--check", "--soak", "x"], "cannot be used with"),
        (&["page", "--check", "--out", "gone.md"], "gone.md cannot be read: "),
        (&["mutant"], "a similar subcommand exists: 'mutants'"),
    ] {
        let (code, said) = grade(arguments, root());
        assert!(
            code == Some(2)
                && said.starts_with("error: ")
                && said.to_lowercase().contains(&sentence.to_lowercase()),
            "{arguments:?}: {said}"
        );
    }
}

#[test]
fn there_must_be_a_course_around() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (code, said) = grade(&["mutants"], directory.path());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.starts_with("error: there is no Cargo.toml here or above"), "{said}");
}
