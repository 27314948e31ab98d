//! The starter of a small made-up workspace, in a temporary directory.

use labs::starter::{generate, write, wrong_markers};
use std::path::Path;
use tempfile::TempDir;

const ELECTION: &str =
    "//! Elections.\n\nuse std::fmt;\n\n// region lab2a: vote once a term\nfn vote() -> u8 {\n    1\n}\n";
const LOG: &str = "// region lab2b: append\nfn append() {\n    2;\n}\n";
const LIST: &str = "[[part]]\nlab = \"lab2a\"\nfiles = [\"raft/src/election.rs\"]\n\n[[part]]\nlab = \"lab2b\"\n\
                    files = [\"raft/src/log.rs\"]\n";

/// The workspace, with these files on top of the good ones.
fn workspace(changes: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let manifest = "[workspace]\nmembers = [\n    # ours\n    \"raft\",\n    \"grading\",\n]\n\n[workspace.dependencies]\n\
                    raft = { path = \"raft\" }\ngrading = { path = \"grading\" }\n";
    let good = [
        ("Cargo.toml", manifest),
        (
            ".cargo/config.toml",
            "[alias]\nlabs = \"run --package labs --\"\ngrade = \"run --package grading --\"\n",
        ),
        ("grading/Cargo.toml", "[package]\nname = \"grading\"\n"),
        ("grading/src/lib.rs", "// the mutants\n"),
        ("labs/student-files.toml", LIST),
        ("raft/Cargo.toml", "[package]\nname = \"raft\"\n"),
        ("raft/src/lib.rs", "//! Raft.\n\nmod election;\n"),
        ("raft/src/election.rs", ELECTION),
        ("raft/src/log.rs", LOG),
        ("raft/tests/labs/split.golden", "expected"),
        ("README.md", "the course's own"),
        ("ARCHITECTURE.md", "how the solution is built"),
        ("CONTRIBUTING.md", "how to change it"),
        ("target/debug/x", "build output"),
        (".git/HEAD", "history"),
    ];
    for (path, text) in good.iter().chain(changes) {
        let path = directory.path().join(path);
        std::fs::create_dir_all(path.parent().expect("it is below the workspace")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }
    directory
}

fn text(files: &labs::starter::Files, path: &str) -> String {
    String::from_utf8_lossy(&files[path]).into_owned()
}

#[test]
fn what_goes_out() {
    let workspace = workspace(&[]);
    let files = generate(workspace.path(), None).expect("a good workspace");
    let paths: Vec<&str> = files.keys().map(String::as_str).collect();
    let expected = [
        ".cargo/config.toml",
        "Cargo.toml",
        "README.md",
        "labs/student-files.toml",
        "raft/Cargo.toml",
        "raft/src/election.rs",
        "raft/src/lib.rs",
        "raft/src/log.rs",
    ];
    assert_eq!(paths, expected);
    let manifest = text(&files, "Cargo.toml");
    assert!(!manifest.contains("grading") && manifest.contains("# ours\n    \"raft\",\n]"), "{manifest}");
    assert_eq!(text(&files, ".cargo/config.toml"), "[alias]\nlabs = \"run --package labs --\"\n");
    let readme = text(&files, "README.md");
    assert!(
        readme.contains("cargo test -p raft lab2a") && readme.contains("- Lab 2B: `raft/src/log.rs`\n"),
        "{readme}"
    );
}

#[test]
fn stubs_are_quiet_and_the_rest_is_as_it_was() {
    let workspace = workspace(&[]);
    let files = generate(workspace.path(), None).expect("a good workspace");
    let quiet = "// Stubs use little of what is there. Delete these two lines once the last of them is written.\n\
                 #![allow(dead_code, unused_imports, unused_mut, unused_variables)]\n";
    let stub = "{\n    labrpc::not_implemented!(\"lab2a: vote: vote once a term\")\n}";
    let expected = ELECTION
        .replace("{\n    1\n}", stub)
        .replace("//! Elections.\n", &format!("//! Elections.\n{quiet}"));
    assert_eq!(text(&files, "raft/src/election.rs"), expected);
    assert!(text(&files, "raft/src/log.rs").starts_with(quiet));
    assert_eq!(text(&files, "raft/src/lib.rs"), format!("//! Raft.\n{quiet}\nmod election;\n"));
    // Without the two lines a file is as rustfmt leaves it: no blank line at its top, no two in a row.
    for path in ["raft/src/election.rs", "raft/src/log.rs", "raft/src/lib.rs"] {
        let deleted = text(&files, path).replace(quiet, "");
        assert!(!deleted.starts_with('\n') && !deleted.contains("\n\n\n"), "{path}: {deleted:?}");
    }
}

#[test]
fn the_solution_is_put_back_part_by_part() {
    let workspace = workspace(&[]);
    let files = generate(workspace.path(), Some("lab2a")).expect("a good workspace");
    assert_eq!(text(&files, "raft/src/election.rs"), ELECTION);
    assert!(text(&files, "raft/src/log.rs").contains("not_implemented"));
    let files = generate(workspace.path(), Some("lab2b")).expect("a good workspace");
    assert_eq!(
        (text(&files, "raft/src/log.rs"), text(&files, "raft/src/lib.rs")),
        (LOG.to_owned(), "//! Raft.\n\nmod election;\n".to_owned())
    );
    let unknown = generate(workspace.path(), Some("lab9")).expect_err("no such part");
    assert_eq!(unknown, "no part is called `lab9`; there are lab2a, lab2b");
}

#[test]
fn a_starter_of_a_starter_is_the_same() {
    let workspace = workspace(&[]);
    let files = generate(workspace.path(), None).expect("a good workspace");
    let out = tempfile::tempdir().expect("a temporary directory");
    write(&files, out.path()).expect("it can be written");
    assert_eq!(std::fs::read(out.path().join("raft/src/log.rs")).expect("a file"), files["raft/src/log.rs"]);
    assert_eq!(wrong_markers(out.path()), Ok(vec![]));
}

/// Each change to the good workspace, and the one sentence about it.
#[test]
fn wrong_markers_and_lists_are_told() {
    let no_region =
        "raft/src/log.rs: it is listed for lab2b in labs/student-files.toml, but has no region of lab2b";
    let cases: [(&str, &str, &str); 5] = [
        ("raft/src/log.rs", "fn append() {}\n", no_region),
        (
            "raft/src/node.rs",
            "// region lab2a: x\nfn x() {}\n",
            "raft/src/node.rs:1: a region of lab2a stands here, but labs/student-files.toml does not list this file \
             for lab2a: list it, or move the function",
        ),
        (
            "raft/src/node.rs",
            "\n// region lab2a: x\nstruct X;\n",
            "raft/src/node.rs:2: no function stands directly below this marker: put it above the function (or among \
             its attributes) whose whole body is the solution",
        ),
        (
            "labs/student-files.toml",
            &LIST.replace("log.rs\"", "log.rs\", \"raft/src/gone.rs\""),
            "labs/student-files.toml: raft/src/gone.rs is listed for lab2b, but there is no such file",
        ),
        (
            "raft/src/log.rs",
            "// region lab2b:\nfn a() {}\n",
            "raft/src/log.rs:1: a marker is written `// region lab2a: What the student is to write.`",
        ),
    ];
    for (path, changed, sentence) in cases {
        let workspace = workspace(&[(path, changed)]);
        assert_eq!(wrong_markers(workspace.path()), Ok(vec![sentence.to_owned()]));
        assert_eq!(generate(workspace.path(), None), Err(sentence.to_owned()));
    }
}

#[test]
fn the_list_of_files_is_checked() {
    let parse = |text: &str| labs::student_files::StudentFiles::parse(text).expect_err("a wrong list");
    let twice = parse("[[part]]\nlab = \"lab2a\"\nfiles = []\n[[part]]\nlab = \"lab2a\"\nfiles = []\n");
    assert_eq!(twice, "labs/student-files.toml: lab2a stands there twice: give each part one table");
    for path in ["../secret.rs", "/etc/passwd", "raft\\\\src\\\\x.rs"] {
        let said = parse(&format!("[[part]]\nlab = \"lab2a\"\nfiles = [\"{path}\"]\n"));
        assert!(said.ends_with("must be a path below the workspace's root, with `/`"), "{said}");
    }
    assert!(parse("[[part]]\nlabs = \"lab2a\"\n").starts_with("labs/student-files.toml: TOML parse error"));
}

/// The README's order for 2A names every function of it, and no other.
#[test]
fn the_order_for_2a_is_complete() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the workspace");
    let election = std::fs::read_to_string(root.join("raft/src/core/election.rs")).expect("the file of 2A");
    let mut waiting: Vec<String> = labs::cut::regions(&election)
        .expect("good markers")
        .into_iter()
        .map(|region| region.function)
        .collect();
    let readme = include_str!("../../src/starter/README.md");
    let (_, order) = readme.split_once("## An order for 2A\n").expect("the section");
    let (order, _) = order.split_once("\nWhat you have").expect("its end");
    let mut named: Vec<String> = order.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    waiting.sort();
    named.sort();
    assert_eq!(named, waiting);
}

/// The course's own markers and list.
#[test]
fn this_workspace_is_in_order() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the workspace");
    assert_eq!(wrong_markers(root), Ok(vec![]));
}
