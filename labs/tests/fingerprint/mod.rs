//! What changes the fingerprint of the code, and what leaves it.

use labs::fingerprint::{code, lines, of, packages, subjects, tokens};
use labs::soak::Sources;
use labs::starter::Files;

const SOURCE: &str = "//! A module.\n/// Votes.\npub fn vote(term: u64) -> bool { term > 1 } // why\n";

fn files(path: &str, text: &str) -> Files {
    Files::from([("raft/src/core/mod.rs".to_owned(), b"mod x;".to_vec()), (path.to_owned(), text.into())])
}

#[test]
fn comments_documentation_and_layout_leave_it() {
    let of_source = |text: &str| tokens(text).expect("Rust");
    let same =
        "#![doc = \"Another.\"]\n\n/** Long. */ pub fn vote(term: u64)\n-> bool {\n    /* so */ term > 1\n}";
    assert_eq!(of_source(SOURCE), of_source(same));
    for other in [
        SOURCE.replace("> 1", ">= 1"),
        SOURCE.replace("pub ", ""),
        format!("#[inline]\n{SOURCE}"),
        format!("#[doc(hidden)]\n{SOURCE}"),
        SOURCE.replace("{ term > 1 }", "{ { term > 1 } }"),
    ] {
        assert_ne!(of_source(SOURCE), of_source(&other), "{other}");
    }
    assert_eq!(lines("# why\nservers s1\n\n  # more\nreal s1  \n"), "servers s1\nreal s1\n");
}

#[test]
fn only_what_decides_a_run_counts() {
    let code = |path: &str, text: &str| code(&files(path, text)).expect("a fingerprint");
    let none = code("README.md", "");
    for path in [
        "labs/src/run.rs",
        "labrpc/src/tcp.rs",
        "labrpc/src/real/disk.rs",
        "raft/benches/x.rs",
        "raft/src/x.md",
    ] {
        assert_eq!(code(path, SOURCE), none, "{path}");
    }
    let scripts = "raft/tests/labs/scripts/a.script";
    for path in [
        "raft/src/a.rs",
        "kvclient/src/a.rs",
        "kvserver/tests/labs/a.rs",
        "tracecheck/src/a.rs",
        "labs/scenario/src/a.rs",
        "labrpc/sim/src/a.rs",
        "labrpc/tokio/src/a.rs",
        scripts,
    ] {
        assert_ne!(code(path, SOURCE), none, "{path}");
    }
    assert_ne!(code("raft/src/a.rs", SOURCE), code("raft/src/b.rs", SOURCE), "a file's name counts");
    assert_eq!(code(scripts, "# a\nreal s1\n"), code(scripts, "# b\nreal s1\n"));
}

#[test]
fn subjects_are_what_the_scenarios_test_and_the_scenarios() {
    let of_package =
        |package: &str, path: &str| subjects(&files(path, SOURCE), &[package]).expect("a fingerprint");
    let both = ["raft/src/a.rs"];
    let raft = ["raft/tests/labs/a.rs", "raft/tests/labs/scripts/a.script"];
    let kv = ["kvclient/src/a.rs", "kvserver/src/a.rs", "kvserver/tests/labs/a.rs"];
    let nobody = [
        "labs/scenario/src/a.rs",
        "labrpc/sim/src/a.rs",
        "tracecheck/src/a.rs",
        "raft/benches/a.rs",
        "raftx/src/a.rs",
    ];
    let counts = |package: &str, path: &str| of_package(package, path) != of_package(package, "README.md");
    let all = both.iter().chain(&raft).chain(&kv).chain(&nobody);
    for path in all {
        let of_both = both.contains(path);
        assert_eq!(counts("raft", path), of_both || raft.contains(path), "{path}");
        assert_eq!(counts("kvserver", path), of_both || kv.contains(path), "{path}");
    }
    let two = subjects(&files(kv[0], SOURCE), &["raft", "kvserver"]).expect("a fingerprint");
    assert_ne!(two, subjects(&files(raft[0], SOURCE), &["raft", "kvserver"]).expect("a fingerprint"));
}

#[test]
fn packages_with_scenarios_are_found() {
    let mut all = files("raft/tests/labs/main.rs", SOURCE);
    all.insert("kvserver/tests/labs/main.rs".to_owned(), SOURCE.into());
    all.insert("labrpc/tests/main.rs".to_owned(), SOURCE.into());
    assert_eq!(packages(&all), ["kvserver", "raft"]);
}

#[test]
fn a_soak_names_the_subjects_of_every_package() {
    let mut all = files("raft/tests/labs/main.rs", SOURCE);
    all.insert("kvserver/tests/labs/main.rs".to_owned(), SOURCE.into());
    let sources = Sources::of(&all);
    assert_eq!(sources.code, code(&all).ok());
    let names: Vec<&str> = sources.subjects.keys().map(String::as_str).collect();
    assert_eq!(names, ["kvserver", "raft"]);
    assert_eq!(sources.subjects["raft"], subjects(&all, &["raft"]).expect("a fingerprint"));
    assert_ne!(sources.subjects["raft"], sources.subjects["kvserver"]);
}

#[test]
fn a_source_that_is_no_rust_is_told() {
    let said = of(&files("raft/src/a.rs", "fn vote( {"), |_| true).expect_err("no Rust");
    assert!(said.starts_with("raft/src/a.rs is no Rust: "), "{said}");
}
